//! FHIRPath Patch: a Parameters resource whose operations name elements by FHIRPath. FHIR R4
//! fhirpatch.html.
//!
//! As with a JSON Patch, the operations are applied one after another to a copy, and all or none
//! count. One budget of work holds for all of its paths together.

mod place;
mod value;

use std::cell::Cell;

use kura_fhirpath::{Environment, Expression, MAX_WORK};
use kura_model::{Error, Result};
use serde_json::Value;

use crate::patch::{LEVELS_AT_MOST, failed, levels, wrong};
use place::{Place, Step};

/// Operations in one patch; each looks at the whole resource.
const OPERATIONS_AT_MOST: usize = 1_000;

#[derive(Debug)]
pub(crate) struct Operations(Vec<Operation>);

#[derive(Debug)]
struct Operation {
    path: Expression,
    action: Action,
}

/// FHIR R4 fhirpatch.html: the table of operations. `value`: the part as it came.
#[derive(Debug)]
enum Action {
    Add { name: String, value: Value },
    Insert { index: usize, value: Value },
    Delete,
    Replace { value: Value },
    Move { source: usize, destination: usize },
}

/// Why an operation cannot be done: a rule, no value.
type Fault = &'static str;

impl Operations {
    pub(crate) fn parse(parameters: &Value) -> Result<Self> {
        if parameters.get("resourceType").and_then(Value::as_str) != Some("Parameters") {
            return Err(Error::invalid("a FHIRPath Patch is a Parameters").coded("structure"));
        }
        let items = match parameters.get("parameter") {
            None => &[][..],
            Some(Value::Array(items)) => items,
            Some(_) => {
                return Err(Error::invalid("parameter is a list")
                    .coded("structure")
                    .at("Parameters.parameter"));
            }
        };
        if items.len() > OPERATIONS_AT_MOST {
            return Err(Error::invalid(format!(
                "a FHIRPath Patch has at most {OPERATIONS_AT_MOST} operations"
            ))
            .coded("too-costly"));
        }
        let parsed = items.iter().enumerate().map(|(index, item)| {
            operation(item)
                .map_err(|what| wrong(index, what).at(format!("Parameters.parameter[{index}]")))
        });
        parsed.collect::<Result<_>>().map(Self)
    }

    pub(crate) fn apply(&self, document: &Value) -> Result<Value> {
        let mut document = document.clone();
        let spent = Cell::new(0);
        for (index, operation) in self.0.iter().enumerate() {
            operation.apply(&mut document, &spent).map_err(|what| {
                let failed = failed(index, what).at(format!("Parameters.parameter[{index}]"));
                if spent.get() > MAX_WORK {
                    failed.coded("too-costly")
                } else {
                    failed
                }
            })?;
        }
        Ok(document)
    }
}

fn operation(item: &Value) -> std::result::Result<Operation, Fault> {
    if item.get("name").and_then(Value::as_str) != Some("operation") {
        return Err("a parameter of a patch is an operation");
    }
    let parts = item.get("part").and_then(Value::as_array);
    let parts = parts.ok_or("an operation has parts")?;
    let part = |name: &str| {
        let mut found = parts
            .iter()
            .filter(|part| part.get("name").and_then(Value::as_str) == Some(name));
        found.next()
    };
    // Clients differ in which kind of text they send.
    let text = |name: &str| {
        let part = part(name)?;
        let mut keys = ["valueCode", "valueString"].into_iter();
        keys.find_map(|key| part.get(key).and_then(Value::as_str))
    };
    let number = |name: &str, missing: Fault| {
        let part = part(name).ok_or(missing)?;
        let mut keys = ["valueInteger", "valueUnsignedInt", "valuePositiveInt"].into_iter();
        let found = keys.find_map(|key| part.get(key).and_then(Value::as_u64));
        found
            .and_then(|found| usize::try_from(found).ok())
            .ok_or(missing)
    };
    let value = || part("value").cloned().ok_or("value is missing");
    let action = match text("type").ok_or("type is missing")? {
        "add" => Action::Add {
            name: text("name").ok_or("name is missing")?.to_owned(),
            value: value()?,
        },
        "insert" => Action::Insert {
            index: number("index", "index is missing or no place in a list")?,
            value: value()?,
        },
        "delete" => Action::Delete,
        "replace" => Action::Replace { value: value()? },
        "move" => Action::Move {
            source: number("source", "source is missing or no place in a list")?,
            destination: number(
                "destination",
                "destination is missing or no place in a list",
            )?,
        },
        _ => return Err("type is none of add, insert, delete, replace, move"),
    };
    let path = text("path").ok_or("path is missing")?;
    let path = Expression::parse(path).map_err(|_| "path is no FHIRPath")?;
    Ok(Operation { path, action })
}

/// The elements a path leads to.
fn find(
    path: &Expression,
    document: &Value,
    spent: &Cell<u64>,
) -> std::result::Result<Vec<Place>, Fault> {
    let environment = Environment {
        resource: Some(document),
        spent: Some(spent),
        ..Environment::default()
    };
    let items = path
        .evaluate(document, &environment)
        .map_err(|_| "its path cannot be evaluated on this resource")?;
    if items.is_empty() {
        return Ok(Vec::new());
    }
    let nodes = items
        .iter()
        .map(|item| item.node().ok_or("its path yields a value, no element"))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    place::of(&nodes, document, spent)
}

impl Operation {
    fn apply(&self, document: &mut Value, spent: &Cell<u64>) -> std::result::Result<(), Fault> {
        let found = find(&self.path, document, spent)?;
        match &self.action {
            Action::Add { name, value } => {
                let place = only(found)?.ok_or("its path leads nowhere")?;
                let kind = place
                    .kind
                    .ok_or("R4 does not define what its path leads to")?;
                let (element, named) = value::element(kind, name)?;
                let made = value::of(value, element, named)?;
                check_levels(&place.steps, &made)?;
                let object = place::object(document, &place).ok_or("its path leads nowhere")?;
                value::put(object, made)
            }
            Action::Delete => match only(found)? {
                // "(if found)"
                None => Ok(()),
                Some(place) => place::delete(document, &place),
            },
            Action::Replace { value } => {
                let place = only(found)?.ok_or("its path leads nowhere")?;
                let parent = place
                    .parent
                    .ok_or("R4 does not define what its path leads to")?;
                let (element, named) = value::element(parent, &place.key)?;
                let named = if element.is_choice { None } else { named };
                let made = value::of(value, element, named)?;
                check_levels(&place.steps, &made)?;
                place::replace(document, &place, made)
            }
            Action::Insert { index, value } => {
                let (place, length) = match whole_list(document, &found)? {
                    Some(list) => list,
                    None => (self.empty_list(document, spent)?, 0),
                };
                if *index > length {
                    return Err("its index is beyond the end of the list");
                }
                let parent = place
                    .parent
                    .ok_or("R4 does not define what its path leads to")?;
                let (element, named) = value::element(parent, &place.key)?;
                if !crate::xml::table::repeats(element) {
                    return Err("its path leads to what is no list");
                }
                let made = value::of(value, element, named)?;
                check_levels(&place.steps, &made)?;
                let mut pairs = place::pairs(document, &place);
                pairs.insert(*index, (made.value, made.companion));
                place::set_pairs(document, &place, pairs)
            }
            Action::Move {
                source,
                destination,
            } => {
                let (place, length) =
                    whole_list(document, &found)?.ok_or("its path leads nowhere")?;
                if *source >= length || *destination >= length {
                    return Err("source or destination is beyond the end of the list");
                }
                let mut pairs = place::pairs(document, &place);
                let moved = pairs.remove(*source);
                pairs.insert(*destination, moved);
                place::set_pairs(document, &place, pairs)
            }
        }
    }

    /// A list that is not there yet: `Patient.identifier` of a patient without one.
    fn empty_list(&self, document: &Value, spent: &Cell<u64>) -> std::result::Result<Place, Fault> {
        let nowhere = "its path leads nowhere";
        let (before, name) = self.path.text().rsplit_once('.').ok_or(nowhere)?;
        let before = Expression::parse(before).map_err(|_| nowhere)?;
        let parent = only(find(&before, document, spent)?)?.ok_or(nowhere)?;
        let kind = parent.kind.ok_or(nowhere)?;
        let (_, named) = value::element(kind, name.trim()).map_err(|_| nowhere)?;
        let one = named.ok_or(nowhere)?;
        let steps = place::steps_within(&parent).ok_or(nowhere)?;
        Ok(Place {
            steps,
            parent: Some(kind),
            key: one.key.clone(),
            index: None,
            kind: Some(one.id),
        })
    }
}

fn only(mut found: Vec<Place>) -> std::result::Result<Option<Place>, Fault> {
    if found.len() > 1 {
        return Err("its path leads to several elements");
    }
    Ok(found.pop())
}

/// The list that these elements are, all of it.
fn whole_list(
    document: &Value,
    found: &[Place],
) -> std::result::Result<Option<(Place, usize)>, Fault> {
    let Some(first) = found.first() else {
        return Ok(None);
    };
    let same = |place: &Place| {
        place.steps == first.steps && place.key == first.key && place.index.is_some()
    };
    let length = place::pairs(document, first).len();
    if !found.iter().all(same) || found.len() != length {
        return Err("its path does not lead to one whole list");
    }
    Ok(Some((first.clone(), length)))
}

fn check_levels(steps: &[Step], made: &value::Made) -> std::result::Result<(), Fault> {
    let within = levels(&made.value).max(made.companion.as_ref().map_or(0, levels));
    // The element may be in a list of its own.
    if steps.len() + 3 + within > LEVELS_AT_MOST {
        return Err("it nests too deep");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
