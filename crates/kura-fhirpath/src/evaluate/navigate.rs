//! Steps from a node to its children.
//!
//! A child that the table of elements does not know is still found by its name, of no known type:
//! a resource may be of a later version, or no resource at all. [`crate::Expression::check`] is
//! where an unknown name is an error.

use serde_json::{Map, Value};

use crate::MAX_DEPTH;
use crate::expression::{Call, Step};
use crate::functions::Function;
use crate::item::{Collection, Item, Node};
use crate::types::{Element, Kind, TypeId, definitions};

use super::{Evaluator, Result, Scope, fault};

/// Whether a node is of a type or of one that derives from it.
pub(super) fn is_of_type(node: &Node<'_>, id: TypeId) -> bool {
    node.kind
        .is_some_and(|kind| kind == id || definitions().is_a(kind, id))
}

impl<'a> Evaluator<'a, '_> {
    /// All that the steps lead to, in order.
    pub(super) fn path(
        &self,
        item: &Item<'a>,
        steps: &'a [Step],
        out: &mut Collection<'a>,
    ) -> Result<()> {
        let Some((step, rest)) = steps.split_first() else {
            out.push(item.clone());
            return Ok(());
        };
        if rest.is_empty() {
            return self.child(item, step, out);
        }
        let mut children = Collection::new();
        self.child(item, step, &mut children)?;
        for child in &children {
            self.path(child, rest, out)?;
        }
        Ok(())
    }

    /// The children of one name.
    pub(super) fn child(
        &self,
        item: &Item<'a>,
        step: &'a Step,
        out: &mut Collection<'a>,
    ) -> Result<()> {
        let before = out.len();
        match item {
            Item::Node(node) => named(node, step, out),
            // FHIRPath N1 2.0.0 section 9.1: SimpleTypeInfo
            Item::Type { namespace, name } => match step.name.as_str() {
                "namespace" => out.push(Item::from(*namespace)),
                "name" => out.push(Item::from(*name)),
                _ => {}
            },
            _ => {}
        }
        self.charge(1 + out.len() - before, step.at)
    }

    pub(super) fn tree(
        &self,
        call: &'a Call,
        at: u32,
        scope: Scope<'a, '_>,
    ) -> Result<Collection<'a>> {
        let items = self.eval(&call.base, scope)?;
        let deep = call.function == Function::Descendants;
        let mut out = Collection::new();
        for item in &items {
            self.descend(item, deep, 0, &mut out, at)?;
        }
        Ok(out)
    }

    fn descend(
        &self,
        item: &Item<'a>,
        deep: bool,
        depth: usize,
        out: &mut Collection<'a>,
        at: u32,
    ) -> Result<()> {
        if depth > MAX_DEPTH {
            return fault(at, "a resource nested deeper than an evaluation goes");
        }
        let Item::Node(node) = item else {
            return Ok(());
        };
        let mut children = Collection::new();
        all(node, &mut children);
        self.charge(1 + children.len(), at)?;
        for child in children {
            out.push(child.clone());
            if deep {
                self.descend(&child, deep, depth + 1, out, at)?;
            }
        }
        Ok(())
    }
}

fn named<'a>(node: &Node<'a>, step: &Step, out: &mut Collection<'a>) {
    let Some(Value::Object(map)) = node.value else {
        primitive_child(node, &step.name, out);
        return;
    };
    let element = match (node.kind, step.id) {
        (Some(kind), Some(id)) => definitions().element_by_id(kind, id),
        _ => None,
    };
    match element {
        Some(element) if element.is_choice => choice(map, element, out),
        Some(element) => {
            let kind = element.types.first().map(|one| one.id);
            let companion = if is_primitive(kind) {
                map.get(&element.companion)
            } else {
                None
            };
            push(map.get(element.name), companion, kind, out);
        }
        None => untyped(map, &step.name, out),
    }
}

fn is_primitive(kind: Option<TypeId>) -> bool {
    kind.is_some_and(|kind| definitions().get(kind).kind == Kind::Primitive)
}

/// The one of `valueQuantity`, `valueString`, … that is there. One pass over the keys is cheaper
/// than a look-up for each type.
fn choice<'a>(map: &'a Map<String, Value>, element: &Element, out: &mut Collection<'a>) {
    for (key, value) in map {
        let (bare, is_companion) = match key.strip_prefix('_') {
            Some(bare) => (bare, true),
            None => (key.as_str(), false),
        };
        if !bare.starts_with(element.name) {
            continue;
        }
        let Some(found) = element.types.iter().find(|one| one.key == bare) else {
            continue;
        };
        if !is_companion {
            let companion = if is_primitive(Some(found.id)) {
                map.get(&found.companion)
            } else {
                None
            };
            push(Some(value), companion, Some(found.id), out);
        } else if !map.contains_key(bare) {
            push(None, Some(value), Some(found.id), out);
        }
    }
}

/// A child of JSON whose type, or which element of it, is not known.
fn untyped<'a>(map: &'a Map<String, Value>, name: &str, out: &mut Collection<'a>) {
    let value = map.get(name);
    let companion = map.get(&format!("_{name}"));
    if value.is_some() || companion.is_some() {
        push(value, companion, usual_type(name), out);
        return;
    }
    for (key, value) in map {
        let Some(rest) = key.strip_prefix(name) else {
            continue;
        };
        if let Some(kind) = type_of_suffix(rest) {
            push(Some(value), map.get(&format!("_{key}")), Some(kind), out);
        }
    }
}

/// What bears the same name on every element.
fn usual_type(name: &str) -> Option<TypeId> {
    matches!(name, "extension" | "modifierExtension").then(|| definitions().extension)
}

/// `Quantity` and `DateTime` at the end of `valueQuantity` and `valueDateTime`.
fn type_of_suffix(suffix: &str) -> Option<TypeId> {
    let first = suffix.chars().next().filter(char::is_ascii_uppercase)?;
    let lower = format!("{}{}", first.to_ascii_lowercase(), &suffix[1..]);
    let kind = definitions()
        .type_id(suffix)
        .or_else(|| definitions().type_id(&lower))?;
    (definitions().get(kind).kind != Kind::Resource).then_some(kind)
}

/// The id and extensions of a primitive stand in its companion.
fn primitive_child<'a>(node: &Node<'a>, name: &str, out: &mut Collection<'a>) {
    match (name, node.companion) {
        ("id" | "extension", Some(companion)) => {
            let kind = if name == "extension" {
                "Extension"
            } else {
                "string"
            };
            push(companion.get(name), None, definitions().type_id(kind), out);
        }
        // FHIR R4: a primitive has a `value` of the system type.
        ("value", _) if is_primitive(node.kind) => out.extend(Item::Node(*node).to_system()),
        _ => {}
    }
}

/// Puts what stands under a key into the collection, arrays item by item.
fn push<'a>(
    value: Option<&'a Value>,
    companion: Option<&'a Value>,
    kind: Option<TypeId>,
    out: &mut Collection<'a>,
) {
    match (value, companion) {
        (None, None) => {}
        (Some(Value::Array(values)), None) => {
            for value in values {
                push_one(Some(value), None, kind, out);
            }
        }
        (Some(Value::Array(_)), _) | (None, Some(Value::Array(_))) => {
            let values = value
                .and_then(Value::as_array)
                .map_or(&[][..], Vec::as_slice);
            let companions = companion
                .and_then(Value::as_array)
                .map_or(&[][..], Vec::as_slice);
            for at in 0..values.len().max(companions.len()) {
                push_one(values.get(at), companions.get(at), kind, out);
            }
        }
        _ => push_one(value, companion, kind, out),
    }
}

fn push_one<'a>(
    value: Option<&'a Value>,
    companion: Option<&'a Value>,
    kind: Option<TypeId>,
    out: &mut Collection<'a>,
) {
    let value = value.filter(|value| !value.is_null());
    let companion = companion.filter(|companion| companion.is_object());
    let kind = match value {
        Some(value) if kind == Some(definitions().resource) => Node::resource(value).kind.or(kind),
        None if companion.is_none() => return,
        _ => kind,
    };
    out.push(Item::Node(Node {
        value,
        companion,
        kind,
    }));
}

/// All children, in the order of the JSON.
fn all<'a>(node: &Node<'a>, out: &mut Collection<'a>) {
    let Some(Value::Object(map)) = node.value else {
        primitive_child(node, "id", out);
        primitive_child(node, "extension", out);
        return;
    };
    for (key, value) in map {
        if key == "resourceType" {
            continue;
        }
        let (bare, is_companion) = match key.strip_prefix('_') {
            // The value brings its companion along.
            Some(bare) if map.contains_key(bare) => continue,
            Some(bare) => (bare, true),
            None => (key.as_str(), false),
        };
        let kind = match node.kind {
            Some(parent) => key_type(parent, bare),
            None => usual_type(bare),
        };
        if is_companion {
            push(None, Some(value), kind, out);
        } else if value.is_object() {
            push(Some(value), None, kind, out);
        } else {
            push(Some(value), map.get(&format!("_{key}")), kind, out);
        }
    }
}

/// The type of what stands under a JSON key.
fn key_type(parent: TypeId, key: &str) -> Option<TypeId> {
    let all = definitions();
    if let Some(element) = all.element(parent, key) {
        return element.types.first().map(|one| one.id);
    }
    let mut choices = all
        .elements(parent)
        .filter(|one| one.is_choice && key.starts_with(one.name));
    choices
        .find_map(|element| element.types.iter().find(|one| one.key == key))
        .map(|one| one.id)
}
