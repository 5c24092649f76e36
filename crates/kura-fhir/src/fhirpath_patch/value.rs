//! The value of an operation: a `value[x]`, or parts where Parameters has no type for it. FHIR R4
//! fhirpatch.html, "anonymous types".

use kura_fhirpath::{Element, ElementType, TypeId, definitions};
use serde_json::{Map, Value};

use super::Fault;
use crate::xml::table::{self, Form, Primitive};

/// A value as JSON has it, and where it goes.
pub(super) struct Made {
    key: &'static str,
    companion_key: &'static str,
    repeats: bool,
    /// Other keys of the same choice.
    choices: &'static [ElementType],
    /// `Null` for a primitive of extensions only.
    pub(super) value: Value,
    pub(super) companion: Option<Value>,
}

type Done<T> = std::result::Result<T, Fault>;

/// The element that a name means: `value`, `value[x]` or `valueQuantity`; with its type where the
/// name tells it.
pub(super) fn element(
    kind: TypeId,
    name: &str,
) -> Done<(&'static Element, Option<&'static ElementType>)> {
    if let Some((element, one)) = table::element(kind, name) {
        return Ok((element, Some(one)));
    }
    let name = name.trim_end_matches("[x]");
    definitions()
        .element(kind, name)
        .map(|element| (element, None))
        .ok_or("R4 defines no element of this name there")
}

/// The value of a part, as an element holds it.
pub(super) fn of(
    part: &Value,
    element: &'static Element,
    named: Option<&'static ElementType>,
) -> Done<Made> {
    let Value::Object(members) = part else {
        return Err("a part is an object");
    };
    let given = members
        .keys()
        .map(|key| key.strip_prefix('_').unwrap_or(key))
        .find(|key| key.starts_with("value"));
    let (one, value, companion) = if let Some(key) = given {
        let (given, kind) = parameter(key).ok_or("its value is of no type of Parameters")?;
        let one = fitting(element, named, kind)?;
        let value = members.get(&given.key).cloned().unwrap_or(Value::Null);
        check(one.id, &value)?;
        (one, value, members.get(&given.companion).cloned())
    } else if let Some(resource) = members.get("resource") {
        let one = named.or(element.types.first()).ok_or("it has no type")?;
        if Form::of(one.id) != Form::Resource {
            return Err("no resource belongs there");
        }
        crate::resource::kind_of(resource).map_err(|_| "its value is no resource of R4")?;
        (one, resource.clone(), None)
    } else {
        let one = named.or(match &element.types[..] {
            [one] => Some(one),
            _ => None,
        });
        let one = one.ok_or("of a choice, the value tells the type")?;
        (one, structure(members.get("part"), one.id)?, None)
    };
    Ok(Made {
        key: &one.key,
        companion_key: &one.companion,
        repeats: table::repeats(element),
        choices: if element.is_choice {
            &element.types
        } else {
            &[]
        },
        value,
        companion,
    })
}

/// The type of a `value[x]` of Parameters.
fn parameter(key: &str) -> Option<(&'static ElementType, TypeId)> {
    let parameters = definitions().type_id("Parameters.parameter")?;
    table::element(parameters, key).map(|(_, one)| (one, one.id))
}

fn fitting(
    element: &'static Element,
    named: Option<&'static ElementType>,
    given: TypeId,
) -> Done<&'static ElementType> {
    let all = definitions();
    let fits = |one: &&ElementType| match (Form::of(one.id), Form::of(given)) {
        (Form::Primitive(wanted), Form::Primitive(given)) => wanted == given,
        (Form::Narrative, Form::Primitive(Primitive::Text)) => true,
        (Form::Structure, Form::Structure) => all.is_a(given, one.id) || all.is_a(one.id, given),
        _ => false,
    };
    let found = match named {
        Some(one) => Some(one).filter(fits),
        None if element.is_choice => element.types.iter().find(|one| one.id == given),
        None => element.types.first().filter(fits),
    };
    found.ok_or("its value is of a type that the element cannot have")
}

/// Whether JSON is of the kind that a type is written in.
fn check(kind: TypeId, value: &Value) -> Done<()> {
    let fits = matches!(
        (Form::of(kind), value),
        (_, Value::Null)
            | (Form::Primitive(Primitive::Boolean), Value::Bool(_))
            | (Form::Primitive(Primitive::Number), Value::Number(_))
            | (
                Form::Primitive(Primitive::Text) | Form::Narrative,
                Value::String(_)
            )
            | (Form::Structure | Form::Resource, Value::Object(_))
    );
    fits.then_some(())
        .ok_or("its value is not what its type is in JSON")
}

fn structure(parts: Option<&Value>, kind: TypeId) -> Done<Value> {
    let parts = parts
        .and_then(Value::as_array)
        .filter(|parts| !parts.is_empty())
        .ok_or("its value has neither value nor parts")?;
    if Form::of(kind) != Form::Structure {
        return Err("parts make a structure, and none belongs there");
    }
    let mut map = Map::new();
    for part in parts {
        let name = part.get("name").and_then(Value::as_str);
        let name = name.ok_or("a part of its value has no name")?;
        let (element, named) = element(kind, name)?;
        put(&mut map, of(part, element, named)?)?;
    }
    Ok(Value::Object(map))
}

/// Puts a value at the end of its list, or where nothing is yet.
pub(super) fn put(map: &mut Map<String, Value>, made: Made) -> Done<()> {
    if !made.repeats {
        let there = |key: &str| map.contains_key(key);
        let choice = made.choices.iter();
        if there(made.key)
            || there(made.companion_key)
            || choice
                .clone()
                .any(|one| there(&one.key) || there(&one.companion))
        {
            return Err("what it adds is there already and may be there once");
        }
        if !made.value.is_null() {
            map.insert(made.key.to_owned(), made.value);
        }
        if let Some(companion) = made.companion {
            map.insert(made.companion_key.to_owned(), companion);
        }
        return Ok(());
    }
    let length = |key: &str| map.get(key).and_then(Value::as_array).map_or(0, Vec::len);
    let before = length(made.key).max(length(made.companion_key));
    for (key, value) in [
        (made.key, Some(made.value).filter(|value| !value.is_null())),
        (made.companion_key, made.companion),
    ] {
        let Some(value) = value else { continue };
        let list = map
            .entry(key)
            .or_insert_with(|| Value::Array(Vec::new()))
            .as_array_mut()
            .ok_or("what repeats is no list in this resource")?;
        list.resize(before, Value::Null);
        list.push(value);
    }
    Ok(())
}
