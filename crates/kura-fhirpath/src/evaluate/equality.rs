//! Equality, equivalence and order of two items (FHIRPath N1 2.0.0 sections 6.1 and 6.2).

use std::cell::Cell;
use std::cmp::Ordering;

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

use crate::MAX_WORK;
use crate::item::{Collection, Item, decimal_of};
use crate::quantity::{Quantity, Unit};

/// What comparing costs, so that many deep structures do not compare for ever. Once it is past
/// the limit the answer does not matter: the evaluator ends.
fn counted(work: &Cell<u64>) -> bool {
    work.set(work.get().saturating_add(1));
    work.get() <= MAX_WORK
}

/// `=` on two items; `None` where precision or units leave it open.
pub(super) fn equal(left: &Item<'_>, right: &Item<'_>, work: &Cell<u64>) -> Option<bool> {
    if let (Item::Node(a), Item::Node(b)) = (left, right)
        && !(left.is_primitive() && right.is_primitive())
        && !(is_quantity(left) && is_quantity(right))
    {
        return match (a.value, b.value) {
            (Some(a), Some(b)) => Some(same_json(a, b, work)),
            _ => Some(false),
        };
    }
    // Most comparisons are of codes and URLs.
    if let (Some(a), Item::String(b)) = (left.as_str(), right)
        && is_textual(left)
    {
        return Some(a == b);
    }
    if let (
        Item::Type {
            namespace: a,
            name: b,
        },
        Item::Type {
            namespace: c,
            name: d,
        },
    ) = (left, right)
    {
        return Some(a == c && b == d);
    }
    let (Some(a), Some(b)) = (left.to_system(), right.to_system()) else {
        // Primitives with extensions only have no value to be equal.
        return Some(false);
    };
    match (&a, &b) {
        (Item::Boolean(a), Item::Boolean(b)) => Some(a == b),
        (Item::String(a), Item::String(b)) => Some(a == b),
        (Item::Date(a) | Item::DateTime(a), Item::Date(b) | Item::DateTime(b))
        | (Item::Time(a), Item::Time(b)) => a.compare(b).map(Ordering::is_eq),
        _ => match (number(&a), number(&b)) {
            (Some(a), Some(b)) => Some(a == b),
            _ => match quantities(&a, &b) {
                Some((a, b)) => a
                    .compare(&b)
                    .map(Ordering::is_eq)
                    .or_else(|| incomparable(&a, &b)),
                None => Some(false),
            },
        },
    }
}

/// Units of different dimensions are no equal quantities; calendar and definite durations that do
/// not compare leave it open (FHIRPath N1 2.0.0 section 6.1.1).
fn incomparable(left: &Quantity<'_>, right: &Quantity<'_>) -> Option<bool> {
    let calendar = |one: &Quantity<'_>| matches!(one.unit, Unit::Calendar(_));
    if calendar(left) != calendar(right) && left.unit.code() == right.unit.code() {
        return None;
    }
    Some(false)
}

/// Whether a node is text to FHIRPath too, not a date.
fn is_textual(item: &Item<'_>) -> bool {
    match item {
        Item::Node(node) => !matches!(
            node.type_name(),
            Some("date" | "dateTime" | "instant" | "time")
        ),
        _ => true,
    }
}

fn is_quantity(item: &Item<'_>) -> bool {
    matches!(item.to_system(), Some(Item::Quantity(_)))
}

fn number(item: &Item<'_>) -> Option<Decimal> {
    match item {
        Item::Integer(value) => Some(Decimal::from(*value)),
        Item::Decimal(value) => Some(*value),
        _ => None,
    }
}

/// Two items as quantities, where at least one is and the other may be taken as one.
fn quantities<'l, 'r>(left: &Item<'l>, right: &Item<'r>) -> Option<(Quantity<'l>, Quantity<'r>)> {
    if !matches!(left, Item::Quantity(_)) && !matches!(right, Item::Quantity(_)) {
        return None;
    }
    Some((quantity(left)?, quantity(right)?))
}

/// A quantity, or a number as one (FHIRPath N1 2.0.0 section 5.5, implicit conversion).
pub(super) fn quantity<'a>(item: &Item<'a>) -> Option<Quantity<'a>> {
    match item {
        Item::Quantity(quantity) => Some((**quantity).clone()),
        _ => number(item).map(|value| Quantity {
            value,
            unit: Unit::ONE,
        }),
    }
}

/// Whether a collection holds an item.
pub(super) fn holds(items: &Collection<'_>, wanted: &Item<'_>, work: &Cell<u64>) -> bool {
    items
        .iter()
        .any(|item| equal(item, wanted, work) == Some(true))
}

/// `=` on collections.
pub(super) fn equal_collections(
    left: &Collection<'_>,
    right: &Collection<'_>,
    work: &Cell<u64>,
) -> Option<bool> {
    if left.is_empty() || right.is_empty() {
        return None;
    }
    if left.len() != right.len() {
        return Some(false);
    }
    let mut open = false;
    for (left, right) in left.iter().zip(right) {
        match equal(left, right, work) {
            Some(false) => return Some(false),
            Some(true) => {}
            None => open = true,
        }
    }
    (!open).then_some(true)
}

/// `~` on collections: the same items in any order.
pub(super) fn equivalent_collections(
    left: &Collection<'_>,
    right: &Collection<'_>,
    work: &Cell<u64>,
) -> bool {
    left.len() == right.len() && matched(left, right, |a, b| equivalent(a, b, work))
}

/// Whether each of the left finds another of the right.
fn matched<T>(left: &[T], right: &[T], same: impl Fn(&T, &T) -> bool) -> bool {
    let mut taken = vec![false; right.len()];
    left.iter().all(|one| {
        let mut free = right.iter().enumerate().filter(|(at, _)| !taken[*at]);
        let found = free.find(|(_, other)| same(one, other)).map(|(at, _)| at);
        if let Some(at) = found {
            taken[at] = true;
        }
        found.is_some()
    })
}

/// `~` on two items.
fn equivalent(left: &Item<'_>, right: &Item<'_>, work: &Cell<u64>) -> bool {
    let (Some(a), Some(b)) = (left.to_system(), right.to_system()) else {
        return match (left.json(), right.json()) {
            (Some(a), Some(b)) => equivalent_json(a, b, work),
            _ => false,
        };
    };
    match (&a, &b) {
        (Item::String(a), Item::String(b)) => equivalent_text(a, b),
        (Item::Boolean(a), Item::Boolean(b)) => a == b,
        (Item::Date(a) | Item::DateTime(a), Item::Date(b) | Item::DateTime(b))
        | (Item::Time(a), Item::Time(b)) => a.compare(b) == Some(Ordering::Equal),
        _ => match (number(&a), number(&b)) {
            (Some(a), Some(b)) => equivalent_numbers(a, b),
            _ => match quantities(&a, &b) {
                Some((a, b)) => a.is_equivalent(&b),
                None => equal(&a, &b, work) == Some(true),
            },
        },
    }
}

/// Case and space do not count.
fn equivalent_text(left: &str, right: &str) -> bool {
    let folded = |text: &str| {
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        words.join(" ")
    };
    left == right || folded(left) == folded(right)
}

/// At the precision of the less precise, trailing zeros aside.
fn equivalent_numbers(left: Decimal, right: Decimal) -> bool {
    let places = left.normalize().scale().min(right.normalize().scale());
    let round = |value: Decimal| {
        value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)
    };
    round(left) == round(right)
}

/// Deep equality; numbers by value, the order of keys does not count.
fn same_json(left: &Value, right: &Value, work: &Cell<u64>) -> bool {
    if !counted(work) {
        return false;
    }
    if std::ptr::eq(left, right) {
        return true;
    }
    match (left, right) {
        (Value::Number(_), Value::Number(_)) => decimal_of(left) == decimal_of(right),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_json(a, b, work))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, value)| b.get(key).is_some_and(|b| same_json(value, b, work)))
        }
        _ => left == right,
    }
}

fn equivalent_json(left: &Value, right: &Value, work: &Cell<u64>) -> bool {
    if !counted(work) {
        return false;
    }
    match (left, right) {
        (Value::Number(_), Value::Number(_)) => match (decimal_of(left), decimal_of(right)) {
            (Some(a), Some(b)) => equivalent_numbers(a, b),
            _ => left == right,
        },
        (Value::String(a), Value::String(b)) => equivalent_text(a, b),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && matched(a, b, |a, b| equivalent_json(a, b, work))
        }
        (Value::Object(a), Value::Object(b)) => {
            // An id is where an element stands, not what it says.
            let count = |map: &serde_json::Map<String, Value>| {
                map.len() - usize::from(map.contains_key("id"))
            };
            count(a) == count(b)
                && a.iter()
                    .filter(|(key, _)| *key != "id")
                    .all(|(key, value)| {
                        b.get(key)
                            .is_some_and(|other| equivalent_json(value, other, work))
                    })
        }
        _ => left == right,
    }
}

/// What comparing two items says.
pub(super) enum Order {
    Known(Ordering),
    /// Precision or units leave it open.
    Open,
    /// Things of these types have no order.
    Mismatch,
}

/// `<` and its kin on two items.
pub(super) fn order(left: &Item<'_>, right: &Item<'_>) -> Order {
    let known = |found: Option<Ordering>| found.map_or(Order::Open, Order::Known);
    let (Some(a), Some(b)) = (left.to_system(), right.to_system()) else {
        let is_bare = |item: &Item<'_>| item.is_primitive() || item.type_name() == Some("Quantity");
        // A primitive without a value, a quantity with a comparator: nothing to compare.
        let bare = is_bare(left) && is_bare(right);
        return if bare { Order::Open } else { Order::Mismatch };
    };
    match (&a, &b) {
        (Item::String(a), Item::String(b)) => Order::Known(a.cmp(b)),
        (Item::Date(a) | Item::DateTime(a), Item::Date(b) | Item::DateTime(b))
        | (Item::Time(a), Item::Time(b)) => known(a.compare(b)),
        _ => match (number(&a), number(&b)) {
            (Some(a), Some(b)) => Order::Known(a.cmp(&b)),
            _ => match quantities(&a, &b) {
                Some((a, b)) => known(a.compare(&b)),
                None => Order::Mismatch,
            },
        },
    }
}
