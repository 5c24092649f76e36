//! Elements of a resource and where they are.

use std::fmt;

use kura_fhirpath::{Item, Kind, Node, TypeId, definitions};
use serde_json::Value;
use smallvec::SmallVec;

/// An element: its JSON, its `_name` companion, its type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<'a> {
    pub(crate) value: Option<&'a Value>,
    pub(crate) companion: Option<&'a Value>,
    pub(crate) kind: TypeId,
}

impl<'a> Element<'a> {
    /// What has the children: the object, or the companion of a primitive.
    pub(crate) fn holder(&self) -> Option<&'a Value> {
        match self.value {
            Some(value @ Value::Object(_)) => Some(value),
            _ => self.companion,
        }
    }

    pub(crate) fn item(&self) -> Item<'a> {
        let name = definitions().get(self.kind).name;
        Item::Node(Node::element(self.value, self.companion, name))
    }

    pub(crate) fn is_a(&self, kind: TypeId) -> bool {
        definitions().is_a(self.kind, kind)
    }

    pub(crate) fn type_name(&self) -> &'static str {
        definitions().fhir_name(self.kind)
    }
}

/// A child and the JSON key it has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Child<'a> {
    pub(crate) element: Element<'a>,
    pub(crate) key: &'static str,
    pub(crate) index: Option<usize>,
    pub(crate) definition: &'static kura_fhirpath::Element,
}

pub(crate) type Children<'a> = SmallVec<[Child<'a>; 2]>;

/// The resource that a value is, by its `resourceType`.
pub(crate) fn resource_kind(value: &Value) -> Option<TypeId> {
    let kind = definitions().type_id(value.get("resourceType")?.as_str()?)?;
    let found = definitions().get(kind);
    (found.kind == Kind::Resource && !found.is_abstract).then_some(kind)
}

/// The children of an element by name (`value` for `valueQuantity`).
pub(crate) fn children<'a>(element: Element<'a>, name: &str) -> Children<'a> {
    let mut out = Children::new();
    let all = definitions();
    let (Some(Value::Object(holder)), Some(definition)) =
        (element.holder(), all.element(element.kind, name))
    else {
        return out;
    };
    for kind in &definition.types {
        let value = holder.get(&kind.key);
        let companion = if all.get(kind.id).kind == Kind::Primitive {
            holder.get(&kind.companion)
        } else {
            None
        };
        if value.is_none() && companion.is_none() {
            continue;
        }
        let mut put = |value: Option<&'a Value>, companion: Option<&'a Value>, index| {
            let value = value.filter(|value| !value.is_null());
            let companion = companion.filter(|companion| companion.is_object());
            if value.is_none() && companion.is_none() {
                return;
            }
            let of_resource =
                all.get(kind.id).is_abstract && all.get(kind.id).kind == Kind::Resource;
            let found = value.filter(|_| of_resource).and_then(resource_kind);
            out.push(Child {
                element: Element {
                    value,
                    companion,
                    kind: found.unwrap_or(kind.id),
                },
                key: &kind.key,
                index,
                definition,
            });
        };
        match (value, companion) {
            (Some(Value::Array(values)), _) => {
                let companions = companion.and_then(Value::as_array);
                for (at, value) in values.iter().enumerate() {
                    let companion = companions.and_then(|all| all.get(at));
                    put(Some(value), companion, Some(at));
                }
            }
            (None, Some(Value::Array(companions))) => {
                for (at, companion) in companions.iter().enumerate() {
                    put(None, Some(companion), Some(at));
                }
            }
            _ => put(value, companion, None),
        }
    }
    out
}

/// Where an element stands, a link for each step. Written out only for an issue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path<'p> {
    pub(crate) above: Option<&'p Path<'p>>,
    pub(crate) name: &'p str,
    pub(crate) index: Option<usize>,
    /// `None` for a resource that something is held against.
    pub(crate) definition: Option<&'static kura_fhirpath::Element>,
    pub(crate) kind: TypeId,
}

impl<'p> Path<'p> {
    pub(crate) fn root(name: &'p str, kind: TypeId) -> Path<'p> {
        Path {
            above: None,
            name,
            index: None,
            definition: None,
            kind,
        }
    }

    pub(crate) fn to<'q>(&'q self, child: &Child<'_>) -> Path<'q>
    where
        'p: 'q,
    {
        Path {
            above: Some(self),
            name: child.key,
            index: child.index,
            definition: Some(child.definition),
            kind: child.element.kind,
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(above) = self.above {
            write!(f, "{above}.")?;
        }
        f.write_str(self.name)?;
        match self.index {
            Some(index) => write!(f, "[{index}]"),
            None => Ok(()),
        }
    }
}
