//! Operators (FHIRPath N1 2.0.0 section 6).

use std::borrow::Cow;
use std::cmp::Ordering;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::expression::{Expr, Operator};
use crate::item::{Collection, Item};
use crate::quantity::{Quantity, Unit};
use crate::temporal::{Precision, Temporal, TemporalKind};

use super::equality::{self, Order};
use super::{Evaluator, Result, Scope, boolean, booleans, fault, one, single, strings};

impl<'a> Evaluator<'a, '_> {
    pub(super) fn binary(
        &self,
        operator: Operator,
        left: &'a Expr,
        right: &'a Expr,
        at: u32,
        scope: Scope<'a, '_>,
    ) -> Result<Collection<'a>> {
        use Operator as O;
        let left = self.eval(left, scope)?;
        if matches!(operator, O::And | O::Or | O::Xor | O::Implies) {
            let left = booleans::condition(&left, at)?;
            // What the left decides alone is not asked of the right.
            if let Some(done) = decided(operator, left) {
                return Ok(boolean(done));
            }
            let right = booleans::condition(&self.eval(right, scope)?, at)?;
            return Ok(logic(operator, left, right).map_or_else(Collection::new, boolean));
        }
        let right = self.eval(right, scope)?;
        let maybe = |value: Option<bool>| value.map_or_else(Collection::new, boolean);
        match operator {
            O::Equal | O::NotEqual => {
                self.charge(left.len(), at)?;
                let equal = equality::equal_collections(&left, &right, &self.work);
                Ok(maybe(equal.map(|equal| equal == (operator == O::Equal))))
            }
            O::Equivalent | O::NotEquivalent => {
                self.charge(left.len() * right.len(), at)?;
                let same = equality::equivalent_collections(&left, &right, &self.work);
                Ok(boolean(same == (operator == O::Equivalent)))
            }
            O::In | O::Contains => {
                let (item, items) = if operator == O::In {
                    (left, right)
                } else {
                    (right, left)
                };
                self.charge(items.len(), at)?;
                let item = single(&item, at)?;
                Ok(maybe(
                    item.map(|item| equality::holds(&items, item, &self.work)),
                ))
            }
            O::Less | O::LessOrEqual | O::Greater | O::GreaterOrEqual => {
                let (Some(left), Some(right)) = (single(&left, at)?, single(&right, at)?) else {
                    return Ok(Collection::new());
                };
                match equality::order(left, right) {
                    Order::Open => Ok(Collection::new()),
                    Order::Mismatch => fault(at, "these types have no order between them"),
                    Order::Known(order) => Ok(boolean(match operator {
                        O::Less => order == Ordering::Less,
                        O::LessOrEqual => order != Ordering::Greater,
                        O::Greater => order == Ordering::Greater,
                        _ => order != Ordering::Less,
                    })),
                }
            }
            O::Concatenate => {
                let mut out = String::new();
                for part in [&left, &right] {
                    if let Some(item) = single(part, at)? {
                        out.push_str(&strings::text_of(item, at)?);
                    }
                }
                self.charge(out.len(), at)?;
                Ok(one(Item::from(out)))
            }
            _ => {
                let (Some(left), Some(right)) = (single(&left, at)?, single(&right, at)?) else {
                    return Ok(Collection::new());
                };
                let sum = arithmetic(operator, left, right, at)?;
                if let Some(Item::String(text)) = &sum {
                    self.charge(text.len(), at)?;
                }
                Ok(sum.into_iter().collect())
            }
        }
    }

    /// `|`: the items of all parts, equal ones once.
    pub(super) fn union(
        &self,
        parts: &'a [Expr],
        at: u32,
        scope: Scope<'a, '_>,
    ) -> Result<Collection<'a>> {
        let mut all = Collection::new();
        for part in parts {
            all.extend(self.eval(part, scope)?);
        }
        self.distinct(&all, at)
    }
}

fn decided(operator: Operator, left: Option<bool>) -> Option<bool> {
    match (operator, left) {
        (Operator::And, Some(false)) => Some(false),
        (Operator::Or, Some(true)) | (Operator::Implies, Some(false)) => Some(true),
        _ => None,
    }
}

/// Three-valued logic (FHIRPath N1 2.0.0 section 6.5).
fn logic(operator: Operator, left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match operator {
        Operator::And => match (left, right) {
            (Some(true), Some(true)) => Some(true),
            (Some(false), _) | (_, Some(false)) => Some(false),
            _ => None,
        },
        Operator::Or => match (left, right) {
            (Some(false), Some(false)) => Some(false),
            (Some(true), _) | (_, Some(true)) => Some(true),
            _ => None,
        },
        Operator::Xor => Some(left? != right?),
        _ => match (left, right) {
            (Some(false), _) | (_, Some(true)) => Some(true),
            (Some(true), right) => right,
            _ => None,
        },
    }
}

pub(super) fn negate<'a>(items: &Collection<'a>, at: u32) -> Result<Collection<'a>> {
    let Some(item) = single(items, at)? else {
        return Ok(Collection::new());
    };
    match item.to_system() {
        Some(Item::Integer(value)) => Ok(one(Item::Integer(-value))),
        Some(Item::Decimal(value)) => Ok(one(Item::Decimal(-value))),
        Some(Item::Quantity(quantity)) => Ok(one(Item::Quantity(Box::new(Quantity {
            value: -quantity.value,
            unit: quantity.unit,
        })))),
        _ => fault(at, "a number or quantity was expected behind the sign"),
    }
}

/// `+ - * / div mod` on two items; `None` for an overflow or a division by zero.
fn arithmetic<'a>(
    operator: Operator,
    left: &Item<'a>,
    right: &Item<'a>,
    at: u32,
) -> Result<Option<Item<'a>>> {
    use Operator as O;
    let (Some(a), Some(b)) = (left.to_system(), right.to_system()) else {
        // A primitive that has only extensions has no value.
        if left.is_primitive() && right.is_primitive() {
            return Ok(None);
        }
        return fault(at, "numbers, quantities, dates or strings were expected");
    };
    Ok(match (&a, &b) {
        (Item::Integer(a), Item::Integer(b)) if operator != O::Divide => {
            let value = match operator {
                O::Add => a.checked_add(*b),
                O::Subtract => a.checked_sub(*b),
                O::Multiply => a.checked_mul(*b),
                O::Div => a.checked_div(*b),
                _ => a.checked_rem(*b),
            };
            value
                .filter(|value| i32::try_from(*value).is_ok())
                .map(Item::Integer)
        }
        (Item::Integer(_) | Item::Decimal(_), Item::Integer(_) | Item::Decimal(_)) => {
            let (Some(a), Some(b)) = (a.as_decimal(), b.as_decimal()) else {
                return Ok(None);
            };
            decimals(operator, a, b)
        }
        (Item::String(a), Item::String(b)) if operator == O::Add => {
            Some(Item::String(Cow::Owned(format!("{a}{b}"))))
        }
        (Item::Date(date) | Item::DateTime(date) | Item::Time(date), Item::Quantity(by))
            if matches!(operator, O::Add | O::Subtract) =>
        {
            let sign = if operator == O::Add {
                Decimal::ONE
            } else {
                -Decimal::ONE
            };
            // FHIR R4 fhirpath.html#quantity: the UCUM year and month of a FHIR Quantity are the
            // calendar's.
            let from_fhir = matches!(right, Item::Node(_));
            shift(date, by.value * sign, &by.unit, from_fhir, at)?.map(Item::from)
        }
        _ => match (equality::quantity(&a), equality::quantity(&b)) {
            (Some(a), Some(b)) => {
                let value = match operator {
                    O::Add => a.sum(&b, false),
                    O::Subtract => a.sum(&b, true),
                    O::Multiply => a.product(&b),
                    O::Divide => a.quotient(&b),
                    _ => return fault(at, "div and mod take numbers"),
                };
                value.map(|value| Item::Quantity(Box::new(value)))
            }
            _ => return fault(at, "these types do not go together in arithmetic"),
        },
    })
}

fn decimals<'a>(operator: Operator, a: Decimal, b: Decimal) -> Option<Item<'a>> {
    use Operator as O;
    match operator {
        O::Add => a.checked_add(b).map(Item::Decimal),
        O::Subtract => a.checked_sub(b).map(Item::Decimal),
        O::Multiply => a.checked_mul(b).map(Item::Decimal),
        O::Divide => a.checked_div(b).map(Item::Decimal),
        O::Div => {
            let whole = a.checked_div(b)?.trunc().to_i64()?;
            i32::try_from(whole).is_ok().then_some(Item::Integer(whole))
        }
        _ => a.checked_rem(b).map(Item::Decimal),
    }
}

/// Date and time arithmetic (FHIRPath N1 2.0.0 section 6.6.7).
fn shift(
    date: &Temporal,
    by: Decimal,
    unit: &Unit<'_>,
    from_fhir: bool,
    at: u32,
) -> Result<Option<Temporal>> {
    let is_calendar = matches!(unit, Unit::Calendar(_)) || from_fhir;
    let is_time = date.kind == TemporalKind::Time;
    let whole = by.trunc().to_i64();
    let months = match unit.code() {
        // A definite year or month has no whole number of days.
        "a" | "mo" if !is_calendar => {
            return fault(at, "years and months are added as calendar durations");
        }
        "a" => whole.and_then(|years| years.checked_mul(12)),
        "mo" => whole,
        code => {
            let Some((seconds, keeps_fraction)) = length(code) else {
                return fault(at, "a duration was expected");
            };
            if is_time && seconds >= Decimal::from(86_400) {
                return fault(at, "a time takes hours and shorter durations");
            }
            // Above seconds, the fraction of a duration does not count.
            let amount = if keeps_fraction { by } else { by.trunc() };
            let nanos = amount
                .checked_mul(seconds)
                .and_then(|seconds| seconds.checked_mul(Decimal::from(1_000_000_000)))
                .and_then(|nanos| nanos.trunc().to_i128());
            return Ok(nanos.and_then(|nanos| add_at_precision(date, nanos)));
        }
    };
    if is_time {
        return fault(at, "a time takes hours and shorter durations");
    }
    let Some(months) = months else {
        return Ok(None);
    };
    // A year takes whole years.
    let months = if date.precision == Precision::Year {
        months / 12 * 12
    } else {
        months
    };
    Ok(date.add_months(months))
}

/// Seconds of a unit, and whether its fraction counts.
fn length(code: &str) -> Option<(Decimal, bool)> {
    Some(match code {
        "wk" => (Decimal::from(604_800), false),
        "d" => (Decimal::from(86_400), false),
        "h" => (Decimal::from(3600), false),
        "min" => (Decimal::from(60), false),
        "s" => (Decimal::ONE, true),
        "ms" => (Decimal::new(1, 3), true),
        _ => return None,
    })
}

/// A duration finer than the value is first turned into whole units of its precision: days of
/// 24 hours, months of 30 days, years of 365.
fn add_at_precision(date: &Temporal, nanos: i128) -> Option<Temporal> {
    const DAY: i128 = 86_400_000_000_000;
    let months = |days: i128| i64::try_from(nanos / (days * DAY)).ok();
    let unit = match date.precision {
        Precision::Year => return date.add_months(months(365)?.checked_mul(12)?),
        Precision::Month => return date.add_months(months(30)?),
        Precision::Day => DAY,
        Precision::Hour => DAY / 24,
        Precision::Minute => DAY / 1440,
        Precision::Second => 1,
    };
    date.add_nanos(nanos / unit * unit)
}
