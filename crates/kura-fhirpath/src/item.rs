//! What an expression yields: nodes of the JSON, and values of the system types.

use std::borrow::Cow;

use rust_decimal::Decimal;
use serde_json::Value;
use smallvec::SmallVec;

use crate::quantity::Quantity;
use crate::temporal::{Temporal, TemporalKind};
use crate::types::{Kind, TypeId, definitions};

/// Collections are mostly of one item or none, which then needs no memory of its own.
pub(crate) type Collection<'a> = SmallVec<[Item<'a>; 1]>;

/// An element of a resource: borrowed JSON and the FHIR type it is known to have.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    pub(crate) value: Option<&'a Value>,
    pub(crate) companion: Option<&'a Value>,
    pub(crate) kind: Option<TypeId>,
}

impl<'a> Node<'a> {
    /// A resource, by its `resourceType`; or JSON of no known type.
    #[must_use]
    pub fn resource(value: &'a Value) -> Node<'a> {
        let kind = value.get("resourceType").and_then(Value::as_str);
        Node {
            value: Some(value),
            companion: None,
            kind: kind.and_then(|name| definitions().type_id(name)),
        }
    }

    /// An element of a type, perhaps with its `_name` companion. The type is a name such as
    /// `HumanName` or the path of a backbone element such as `Patient.contact`.
    #[must_use]
    pub fn element(value: Option<&'a Value>, companion: Option<&'a Value>, kind: &str) -> Node<'a> {
        Node {
            value,
            companion,
            kind: definitions().type_id(kind),
        }
    }

    /// The JSON; `None` for a primitive that has extensions only.
    #[must_use]
    pub fn json(&self) -> Option<&'a Value> {
        self.value
    }

    /// The `_name` sibling of a primitive: its id and extensions.
    #[must_use]
    pub fn companion(&self) -> Option<&'a Value> {
        self.companion
    }

    /// The type, where it is known.
    #[must_use]
    pub fn type_id(&self) -> Option<TypeId> {
        self.kind
    }

    fn is(&self, name: &str) -> bool {
        self.type_name() == Some(name)
    }

    /// `Quantity`, `dateTime`, `Patient`; `BackboneElement` for `Patient.contact`.
    #[must_use]
    pub fn type_name(&self) -> Option<&'static str> {
        self.kind.map(|kind| definitions().fhir_name(kind))
    }
}

/// One item of a collection.
#[derive(Clone, Debug)]
pub enum Item<'a> {
    Node(Node<'a>),
    String(Cow<'a, str>),
    Integer(i64),
    Decimal(Decimal),
    Boolean(bool),
    Date(Temporal),
    DateTime(Temporal),
    Time(Temporal),
    Quantity(Box<Quantity<'a>>),
    /// What `type()` yields.
    Type {
        namespace: &'static str,
        name: &'static str,
    },
}

impl<'a> From<Temporal> for Item<'a> {
    fn from(value: Temporal) -> Item<'a> {
        match value.kind {
            TemporalKind::Date => Item::Date(value),
            TemporalKind::DateTime => Item::DateTime(value),
            TemporalKind::Time => Item::Time(value),
        }
    }
}

impl<'a> From<&'a str> for Item<'a> {
    fn from(value: &'a str) -> Item<'a> {
        Item::String(Cow::Borrowed(value))
    }
}

impl<'a> From<String> for Item<'a> {
    fn from(value: String) -> Item<'a> {
        Item::String(Cow::Owned(value))
    }
}

impl<'a> Item<'a> {
    /// The node, when it is one.
    #[must_use]
    pub fn node(&self) -> Option<&Node<'a>> {
        match self {
            Item::Node(node) => Some(node),
            _ => None,
        }
    }

    /// The JSON of a node.
    #[must_use]
    pub fn json(&self) -> Option<&'a Value> {
        self.node().and_then(|node| node.value)
    }

    /// The text of a string, or of a node whose JSON is a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Item::Node(node) => node.value.and_then(Value::as_str),
            Item::String(text) => Some(text),
            _ => None,
        }
    }

    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Item::Node(node) => node.value.and_then(Value::as_bool),
            Item::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    #[must_use]
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Item::Node(node) => node.value.and_then(Value::as_i64),
            Item::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// A number, exactly as it is written.
    #[must_use]
    pub fn as_decimal(&self) -> Option<Decimal> {
        match self {
            Item::Node(node) => decimal_of(node.value?),
            Item::Decimal(value) => Some(*value),
            Item::Integer(value) => Some(Decimal::from(*value)),
            _ => None,
        }
    }

    /// The type: FHIR's for a node where it is known, the system type (`String`, `DateTime`, …)
    /// for a value.
    #[must_use]
    pub fn type_name(&self) -> Option<&'static str> {
        match self {
            Item::Node(node) => node.type_name(),
            Item::String(_) => Some("String"),
            Item::Integer(_) => Some("Integer"),
            Item::Decimal(_) => Some("Decimal"),
            Item::Boolean(_) => Some("Boolean"),
            Item::Date(_) => Some("Date"),
            Item::DateTime(_) => Some("DateTime"),
            Item::Time(_) => Some("Time"),
            Item::Quantity(_) => Some("Quantity"),
            Item::Type { .. } => Some("TypeInfo"),
        }
    }

    /// A node as the value of the system type that its FHIR type converts to implicitly (FHIR R4
    /// fhirpath.html#types); a value as itself. `None` for a node that has none.
    pub(crate) fn to_system(&self) -> Option<Item<'a>> {
        let Item::Node(node) = self else {
            return Some(self.clone());
        };
        match node.value? {
            Value::Bool(value) => Some(Item::Boolean(*value)),
            Value::Number(number) => {
                let is_decimal = node.is("decimal") || (node.kind.is_none() && !number.is_i64());
                match number.as_i64().filter(|_| !is_decimal) {
                    Some(value) => Some(Item::Integer(value)),
                    None => parse_decimal(number.as_str()).map(Item::Decimal),
                }
            }
            Value::String(text) => {
                let parsed = match node.type_name() {
                    Some("date") => Temporal::parse_date(text),
                    Some("dateTime" | "instant") => Temporal::parse_date_time(text),
                    Some("time") => Temporal::parse_time(text),
                    _ => None,
                };
                Some(parsed.map_or(Item::String(Cow::Borrowed(text)), Item::from))
            }
            value @ Value::Object(_) => {
                let kind = node.kind?;
                if !definitions().is_a(kind, definitions().quantity) {
                    return None;
                }
                Quantity::from_fhir(value).map(|quantity| Item::Quantity(Box::new(quantity)))
            }
            Value::Array(_) | Value::Null => None,
        }
    }

    /// Whether the item is a primitive node or a value, not a structure.
    pub(crate) fn is_primitive(&self) -> bool {
        match self {
            Item::Node(node) => match node.kind {
                Some(kind) => definitions().get(kind).kind == Kind::Primitive,
                None => !matches!(node.value, Some(Value::Object(_))),
            },
            _ => true,
        }
    }
}

/// A JSON number as a decimal with the digits that are written.
pub(crate) fn decimal_of(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => parse_decimal(number.as_str()),
        _ => None,
    }
}

/// The digits as they stand; what has more than a decimal can hold is rounded to it.
pub(crate) fn parse_decimal(text: &str) -> Option<Decimal> {
    if text.contains(['e', 'E']) {
        return Decimal::from_scientific(text).ok();
    }
    Decimal::from_str_exact(text)
        .ok()
        .or_else(|| text.parse().ok())
}
