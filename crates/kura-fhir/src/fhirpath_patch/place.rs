//! Where an element stands in the JSON, and what can be done there. A primitive that repeats is
//! in two lists, of values and of companions (FHIR R4 json.html#primitive): both change together.

use std::cell::Cell;
use std::collections::HashSet;

use kura_fhirpath::{MAX_WORK, Node, TypeId, definitions};
use serde_json::{Map, Value};

use super::Fault;
use super::value::Made;
use crate::xml::table::{self, Form};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Key(String),
    Index(usize),
}

/// An element: the way to the object it is a member of, its key there, its place in a list.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) steps: Vec<Step>,
    /// The type of that object; `None` where R4 defines none, and of the resource itself.
    pub(super) parent: Option<TypeId>,
    /// Without the `_` of a companion; empty for the resource itself.
    pub(super) key: String,
    pub(super) index: Option<usize>,
    /// Its own type.
    pub(super) kind: Option<TypeId>,
}

type Done<T> = std::result::Result<T, Fault>;

fn resource_kind(value: &Value) -> Option<TypeId> {
    let name = value.get("resourceType").and_then(Value::as_str)?;
    definitions().type_id(name)
}

/// Where these nodes of a document are, each once, in the document's order.
pub(super) fn of(nodes: &[&Node<'_>], document: &Value, spent: &Cell<u64>) -> Done<Vec<Place>> {
    let mut wanted: HashSet<*const Value> = HashSet::new();
    for node in nodes {
        let at = node.json().filter(|value| !value.is_null());
        let at = at.or(node.companion()).ok_or("its path leads nowhere")?;
        wanted.insert(std::ptr::from_ref(at));
    }
    let mut search = Search {
        wanted: &wanted,
        spent,
        steps: Vec::new(),
        found: Vec::new(),
    };
    let kind = resource_kind(document);
    if wanted.contains(&std::ptr::from_ref(document)) {
        search.found.push(Place {
            steps: Vec::new(),
            parent: None,
            key: String::new(),
            index: None,
            kind,
        });
    }
    search.walk(document, kind)?;
    if search.found.len() == wanted.len() {
        Ok(search.found)
    } else {
        Err("its path leads out of the resource")
    }
}

struct Search<'a> {
    wanted: &'a HashSet<*const Value>,
    spent: &'a Cell<u64>,
    steps: Vec<Step>,
    found: Vec<Place>,
}

impl Search<'_> {
    fn walk(&mut self, value: &Value, parent: Option<TypeId>) -> Done<()> {
        let Value::Object(map) = value else {
            return Ok(());
        };
        for (name, value) in map {
            let key = name.strip_prefix('_').unwrap_or(name);
            let kind = parent
                .and_then(|parent| table::element(parent, key))
                .map(|(_, one)| one.id);
            self.steps.push(Step::Key(name.clone()));
            match value {
                Value::Array(items) => {
                    for (at, item) in items.iter().enumerate() {
                        self.steps.push(Step::Index(at));
                        self.look(item, parent, key, Some(at), kind)?;
                        self.steps.pop();
                    }
                }
                value => self.look(value, parent, key, None, kind)?,
            }
            self.steps.pop();
        }
        Ok(())
    }

    fn look(
        &mut self,
        value: &Value,
        parent: Option<TypeId>,
        key: &str,
        index: Option<usize>,
        kind: Option<TypeId>,
    ) -> Done<()> {
        self.spent.set(self.spent.get().saturating_add(1));
        if self.spent.get() > MAX_WORK {
            return Err("the patch takes more work than one may");
        }
        let kind = match kind {
            Some(kind) if Form::of(kind) == Form::Resource => resource_kind(value),
            kind => kind,
        };
        if self.wanted.contains(&std::ptr::from_ref(value)) {
            let above = 1 + usize::from(index.is_some());
            self.found.push(Place {
                steps: self.steps[..self.steps.len() - above].to_vec(),
                parent,
                key: key.to_owned(),
                index,
                kind,
            });
        }
        self.walk(value, kind)
    }
}

fn at<'v>(document: &'v Value, steps: &[Step]) -> Option<&'v Value> {
    steps.iter().try_fold(document, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Index(index) => value.get(index),
    })
}

fn at_mut<'v>(document: &'v mut Value, steps: &[Step]) -> Option<&'v mut Value> {
    steps.iter().try_fold(document, |value, step| match step {
        Step::Key(key) => value.get_mut(key),
        Step::Index(index) => value.get_mut(index),
    })
}

fn members<'v>(document: &'v mut Value, steps: &[Step]) -> Done<&'v mut Map<String, Value>> {
    at_mut(document, steps)
        .and_then(Value::as_object_mut)
        .ok_or("its path leads nowhere")
}

fn is_primitive(place: &Place) -> bool {
    place
        .kind
        .is_some_and(|kind| matches!(Form::of(kind), Form::Primitive(_) | Form::Narrative))
}

/// The way to the object an element is.
pub(super) fn steps_within(place: &Place) -> Option<Vec<Step>> {
    if place.key.is_empty() {
        return Some(Vec::new());
    }
    if is_primitive(place) {
        return None;
    }
    let mut steps = place.steps.clone();
    steps.push(Step::Key(place.key.clone()));
    steps.extend(place.index.map(Step::Index));
    Some(steps)
}

/// The object an element is, or that holds a primitive's id and extensions.
pub(super) fn object<'v>(
    document: &'v mut Value,
    place: &Place,
) -> Option<&'v mut Map<String, Value>> {
    if let Some(steps) = steps_within(place) {
        return at_mut(document, &steps)?.as_object_mut();
    }
    let map = at_mut(document, &place.steps)?.as_object_mut()?;
    let key = format!("_{}", place.key);
    let slot = match place.index {
        None => map.entry(key).or_insert(Value::Null),
        Some(index) => {
            let list = map.entry(key).or_insert_with(|| Value::Array(Vec::new()));
            let list = list.as_array_mut()?;
            if list.len() <= index {
                list.resize(index + 1, Value::Null);
            }
            &mut list[index]
        }
    };
    if slot.is_null() {
        *slot = Value::Object(Map::new());
    }
    slot.as_object_mut()
}

/// What stands in the list a place is in: values and companions.
pub(super) fn pairs(document: &Value, place: &Place) -> Vec<(Value, Option<Value>)> {
    let list = |key: &str| {
        let found = at(document, &place.steps).and_then(|value| value.get(key));
        found.and_then(Value::as_array).cloned().unwrap_or_default()
    };
    let (mut values, companions) = (list(&place.key), list(&format!("_{}", place.key)));
    values.resize(values.len().max(companions.len()), Value::Null);
    let mut companions = companions.into_iter();
    values
        .into_iter()
        .map(|value| {
            let companion = companions.next().filter(|one| !one.is_null());
            (value, companion)
        })
        .collect()
}

pub(super) fn set_pairs(
    document: &mut Value,
    place: &Place,
    pairs: Vec<(Value, Option<Value>)>,
) -> Done<()> {
    let map = members(document, &place.steps)?;
    let (values, companions): (Vec<Value>, Vec<Value>) = pairs
        .into_iter()
        .map(|(value, companion)| (value, companion.unwrap_or(Value::Null)))
        .unzip();
    for (key, list) in [
        (place.key.clone(), values),
        (format!("_{}", place.key), companions),
    ] {
        if list.iter().all(Value::is_null) {
            map.shift_remove(&key);
        } else {
            map.insert(key, Value::Array(list));
        }
    }
    Ok(())
}

/// Takes an element away, and what holds nothing after it: FHIR has no empty elements.
pub(super) fn delete(document: &mut Value, place: &Place) -> Done<()> {
    if place.key.is_empty() {
        return Err("a patch does not delete the resource");
    }
    match place.index {
        Some(index) => {
            let mut pairs = pairs(document, place);
            if index < pairs.len() {
                pairs.remove(index);
            }
            set_pairs(document, place, pairs)?;
        }
        None => {
            let map = members(document, &place.steps)?;
            map.shift_remove(&place.key);
            map.shift_remove(&format!("_{}", place.key));
        }
    }
    let mut steps = place.steps.clone();
    while let Some(last) = steps.pop() {
        let Some(within) = at_mut(document, &steps) else {
            break;
        };
        match (within, last) {
            (Value::Object(map), Step::Key(key)) => {
                let empty = map.get(&key).is_some_and(is_empty);
                if !empty {
                    break;
                }
                map.shift_remove(&key);
            }
            (Value::Array(items), Step::Index(index)) => {
                if !items.get(index).is_some_and(is_empty) {
                    break;
                }
                // A companion's place stays the place of its value.
                if matches!(steps.last(), Some(Step::Key(key)) if key.starts_with('_')) {
                    items[index] = Value::Null;
                } else {
                    items.remove(index);
                }
            }
            _ => break,
        }
    }
    Ok(())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.iter().all(Value::is_null),
        _ => false,
    }
}

pub(super) fn replace(document: &mut Value, place: &Place, made: Made) -> Done<()> {
    if place.key.is_empty() {
        return Err("a patch does not replace the resource");
    }
    if let Some(index) = place.index {
        let mut pairs = pairs(document, place);
        let slot = pairs.get_mut(index).ok_or("its path leads nowhere")?;
        *slot = (made.value, made.companion);
        return set_pairs(document, place, pairs);
    }
    let map = members(document, &place.steps)?;
    map.shift_remove(&place.key);
    map.shift_remove(&format!("_{}", place.key));
    super::value::put(map, made)
}
