//! Mathematics (FHIRPath N1 2.0.0 section 5.7), boundaries and precision (3.0.0-ballot).

use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use rust_decimal::{Decimal, RoundingStrategy};

use crate::expression::Call;
use crate::functions::Function as F;
use crate::item::{Collection, Item};
use crate::quantity::Quantity;

use super::collections::single_argument;
use super::equality::quantity;
use super::{Evaluator, Result, Scope, boolean, fault, one, single};

/// Decimal digits that a decimal can hold behind the point.
const MAX_PLACES: u32 = 28;

impl<'a> Evaluator<'a, '_> {
    pub(super) fn math(
        &self,
        call: &'a Call,
        at: u32,
        scope: Scope<'a, '_>,
    ) -> Result<Collection<'a>> {
        let items = self.eval(&call.base, scope)?;
        let argument = single_argument(self.argument(call, 0, scope)?, at)?;
        let Some(item) = single(&items, at)? else {
            return Ok(Collection::new());
        };
        if matches!(item, Item::Node(node) if node.value.is_none()) {
            return Ok(Collection::new());
        }
        let Some(value) = item.to_system() else {
            return fault(at, "a number, quantity, date or time was expected");
        };
        let argument = argument.and_then(|item| item.to_system());
        if argument.is_none() && matches!(call.function, F::Log | F::Power | F::Comparable) {
            return Ok(Collection::new());
        }
        match call.function {
            F::LowBoundary | F::HighBoundary => {
                let high = call.function == F::HighBoundary;
                let digits = match &argument {
                    None => None,
                    Some(Item::Integer(digits)) => match u32::try_from(*digits) {
                        Ok(digits) => Some(digits),
                        Err(_) => return Ok(Collection::new()),
                    },
                    Some(_) => return fault(at, "a number of digits was expected"),
                };
                Ok(boundary(&value, digits, high).into_iter().collect())
            }
            F::Precision => {
                let digits = match &value {
                    Item::Date(value) | Item::DateTime(value) | Item::Time(value) => value.digits(),
                    Item::Decimal(value) => value.scale(),
                    Item::Integer(_) => 0,
                    _ => return fault(at, "a number, date or time was expected"),
                };
                Ok(one(Item::Integer(i64::from(digits))))
            }
            F::Comparable => {
                let other = argument.as_ref().and_then(quantity);
                match (quantity(&value), other) {
                    (Some(a), Some(b)) => Ok(boolean(a.is_comparable(&b))),
                    _ => fault(at, "quantities were expected"),
                }
            }
            _ => number(call.function, &value, argument.as_ref(), at)
                .map(|found| found.into_iter().collect()),
        }
    }
}

fn number<'a>(
    function: F,
    value: &Item<'a>,
    argument: Option<&Item<'a>>,
    at: u32,
) -> Result<Option<Item<'a>>> {
    if let (F::Abs, Item::Quantity(quantity)) = (function, value) {
        let mut absolute = quantity.clone();
        absolute.value = absolute.value.abs();
        return Ok(Some(Item::Quantity(absolute)));
    }
    let Some(decimal) = value.as_decimal() else {
        return fault(at, "a number was expected");
    };
    let second = match argument {
        None => None,
        Some(argument) => match argument.as_decimal() {
            Some(second) => Some(second),
            None => return fault(at, "a number was expected as argument"),
        },
    };
    let whole = |value: Decimal| value.to_i32().map(|value| Item::Integer(i64::from(value)));
    // Transcendental functions have no exact decimal; a double holds 15 digits of them.
    let real = |value: Option<f64>| {
        let value = value.filter(|value| value.is_finite());
        value.and_then(Decimal::from_f64).map(Item::Decimal)
    };
    let double = decimal.to_f64();
    Ok(match function {
        F::Abs => Some(match value {
            Item::Integer(value) => Item::Integer(value.abs()),
            _ => Item::Decimal(decimal.abs()),
        }),
        F::Ceiling => whole(decimal.ceil()),
        F::Floor => whole(decimal.floor()),
        F::Truncate => whole(decimal.trunc()),
        F::Round => {
            let places = match second {
                None => 0,
                Some(second) => match second.to_u32() {
                    Some(places) => places.min(MAX_PLACES),
                    None => return fault(at, "round takes no negative number of places"),
                },
            };
            let strategy = RoundingStrategy::MidpointAwayFromZero;
            Some(Item::Decimal(
                decimal.round_dp_with_strategy(places, strategy),
            ))
        }
        F::Sqrt => real(double.map(f64::sqrt)),
        F::Exp => real(double.map(f64::exp)),
        F::Ln => real(double.map(f64::ln)),
        F::Log => real(
            double
                .zip(second.and_then(|base| base.to_f64()))
                .map(|(a, b)| log(a, b)),
        ),
        _ => {
            let Some(exponent) = second else {
                return Ok(None);
            };
            match (exponent.fract().is_zero(), exponent.to_u32()) {
                (true, Some(times)) => power(decimal, times).and_then(|found| match value {
                    Item::Integer(_)
                        if argument.is_some_and(|one| matches!(one, Item::Integer(_))) =>
                    {
                        whole(found)
                    }
                    _ => Some(Item::Decimal(found)),
                }),
                _ => real(double.zip(exponent.to_f64()).map(|(a, b)| a.powf(b))),
            }
        }
    })
}

/// To base 2 and 10 exactly where the power is whole.
fn log(value: f64, base: f64) -> f64 {
    if base == 2.0 {
        value.log2()
    } else if base == 10.0 {
        value.log10()
    } else {
        value.log(base)
    }
}

/// By squaring; `None` where it overflows.
fn power(base: Decimal, mut times: u32) -> Option<Decimal> {
    let mut result = Decimal::ONE;
    let mut square = base;
    while times > 0 {
        if times & 1 == 1 {
            result = result.checked_mul(square)?;
        }
        times >>= 1;
        if times > 0 {
            square = square.checked_mul(square)?;
        }
    }
    Some(result)
}

/// The least or greatest value that what is written may stand for.
fn boundary<'a>(value: &Item<'a>, digits: Option<u32>, high: bool) -> Option<Item<'a>> {
    match value {
        Item::Integer(_) | Item::Decimal(_) => {
            decimal_boundary(value.as_decimal()?, digits.unwrap_or(8), high).map(Item::Decimal)
        }
        Item::Quantity(quantity) => {
            let value = decimal_boundary(quantity.value, digits.unwrap_or(8), high)?;
            Some(Item::Quantity(Box::new(Quantity {
                value,
                unit: quantity.unit.clone(),
            })))
        }
        Item::Date(value) => value.boundary(digits.unwrap_or(8), high).map(Item::from),
        Item::DateTime(value) => value.boundary(digits.unwrap_or(17), high).map(Item::from),
        Item::Time(value) => value.boundary(digits.unwrap_or(9), high).map(Item::from),
        _ => None,
    }
}

/// Half a unit of the last digit away. Where fewer digits are asked than that has, the official
/// suite rounds the bound that lies farther from zero and cuts the nearer one (1.587 to two
/// digits lies between 1.58 and 1.59; 0.0034 to one digit between 0.0 and 0.0).
fn decimal_boundary(value: Decimal, places: u32, high: bool) -> Option<Decimal> {
    if places > MAX_PLACES || value.scale() >= MAX_PLACES {
        return None;
    }
    let half = Decimal::new(5, value.scale() + 1);
    let bound = if high {
        value.checked_add(half)?
    } else {
        value.checked_sub(half)?
    };
    let is_farther = high != value.is_sign_negative();
    let strategy = if is_farther {
        RoundingStrategy::MidpointAwayFromZero
    } else {
        RoundingStrategy::ToZero
    };
    let mut bound = bound.round_dp_with_strategy(places, strategy);
    bound.rescale(places);
    // `rescale` gives fewer places where the digits do not fit.
    (bound.scale() == places).then_some(bound)
}
