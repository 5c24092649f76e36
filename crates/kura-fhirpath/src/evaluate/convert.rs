//! Conversions (FHIRPath N1 2.0.0 section 5.5).

use rust_decimal::Decimal;

use crate::expression::Call;
use crate::functions::Function as F;
use crate::item::{Collection, Item, parse_decimal};
use crate::quantity::Quantity;
use crate::temporal::{Precision, Temporal};

use super::{Evaluator, Result, Scope, boolean, one, single};

impl<'a> Evaluator<'a, '_> {
    pub(super) fn conversion(
        &self,
        call: &'a Call,
        at: u32,
        scope: Scope<'a, '_>,
    ) -> Result<Collection<'a>> {
        let items = self.eval(&call.base, scope)?;
        let Some(item) = single(&items, at)? else {
            return Ok(Collection::new());
        };
        let unit = super::collections::single_argument(self.argument(call, 0, scope)?, at)?;
        let unit = unit.as_ref().and_then(Item::as_str);
        let converted = item
            .to_system()
            .and_then(|value| convert(call.function, &value, unit));
        Ok(match (is_question(call.function), converted) {
            (true, converted) => boolean(converted.is_some()),
            (false, Some(converted)) => one(converted),
            (false, None) => Collection::new(),
        })
    }
}

/// Whether it only asks: `convertsToInteger`.
fn is_question(function: F) -> bool {
    !matches!(
        function,
        F::ToBoolean
            | F::ToInteger
            | F::ToDate
            | F::ToDateTime
            | F::ToTime
            | F::ToDecimal
            | F::ToQuantity
            | F::ToString
    )
}

fn convert(function: F, value: &Item<'_>, unit: Option<&str>) -> Option<Item<'static>> {
    match function {
        F::ToBoolean | F::ConvertsToBoolean => to_boolean(value).map(Item::Boolean),
        F::ToInteger | F::ConvertsToInteger => to_integer(value).map(Item::Integer),
        F::ToDecimal | F::ConvertsToDecimal => to_decimal(value).map(Item::Decimal),
        F::ToString | F::ConvertsToString => to_text(value).map(Item::from),
        F::ToDate | F::ConvertsToDate => match value {
            Item::Date(date) => Some(Item::Date(*date)),
            Item::DateTime(date) => Some(Item::Date(date.date())),
            Item::String(text) => Temporal::parse_date(text)
                .or_else(|| Temporal::parse_date_time(text).map(|whole| whole.date()))
                .map(Item::Date),
            _ => None,
        },
        F::ToDateTime | F::ConvertsToDateTime => match value {
            Item::DateTime(date) => Some(Item::DateTime(*date)),
            Item::Date(date) => Some(Item::DateTime(Temporal {
                kind: crate::TemporalKind::DateTime,
                ..*date
            })),
            Item::String(text) => Temporal::parse_date_time(text).map(Item::DateTime),
            _ => None,
        },
        F::ToTime | F::ConvertsToTime => match value {
            Item::Time(time) => Some(Item::Time(*time)),
            Item::DateTime(date) if date.precision >= Precision::Hour => {
                Some(Item::Time(date.time()))
            }
            Item::String(text) => Temporal::parse_time(text).map(Item::Time),
            _ => None,
        },
        _ => to_quantity(value, unit).map(|quantity| Item::Quantity(Box::new(quantity))),
    }
}

fn to_boolean(value: &Item<'_>) -> Option<bool> {
    match value {
        Item::Boolean(value) => Some(*value),
        Item::Integer(_) | Item::Decimal(_) => match value.as_decimal()? {
            one if one == Decimal::ONE => Some(true),
            zero if zero.is_zero() => Some(false),
            _ => None,
        },
        Item::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" | "1.0" => Some(true),
            "false" | "f" | "no" | "n" | "0" | "0.0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn to_integer(value: &Item<'_>) -> Option<i64> {
    match value {
        Item::Integer(value) => Some(*value),
        Item::Boolean(value) => Some(i64::from(*value)),
        // i32::from_str takes what the regular expression of 5.5.3 takes: (\+|-)?\d+
        Item::String(text) => text.parse::<i32>().ok().map(i64::from),
        _ => None,
    }
}

fn to_decimal(value: &Item<'_>) -> Option<Decimal> {
    match value {
        Item::Boolean(value) => Some(Decimal::from(u8::from(*value))),
        Item::String(text) => {
            // Section 5.5.6: (\+|-)?\d+(\.\d+)?
            let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
            let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
            let is_number =
                |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            if !is_number(whole) || !is_number(fraction) {
                return None;
            }
            parse_decimal(text.trim_start_matches('+'))
        }
        _ => value.as_decimal(),
    }
}

fn to_quantity(value: &Item<'_>, unit: Option<&str>) -> Option<Quantity<'static>> {
    let quantity = match value {
        Item::String(text) => Quantity::parse(text)?,
        Item::Quantity(quantity) => quantity.clone().into_owned(),
        _ => Quantity {
            value: to_decimal(value)?,
            unit: crate::Unit::ONE,
        },
    };
    match unit {
        Some(unit) => quantity.converted(unit),
        None => Some(quantity),
    }
}

/// What `toString()` gives.
pub(super) fn to_text(value: &Item<'_>) -> Option<String> {
    match value {
        Item::String(text) => Some(text.clone().into_owned()),
        Item::Boolean(value) => Some(value.to_string()),
        Item::Integer(value) => Some(value.to_string()),
        Item::Decimal(value) => Some(value.to_string()),
        Item::Date(value) | Item::DateTime(value) | Item::Time(value) => Some(value.to_string()),
        Item::Quantity(value) => Some(value.to_string()),
        Item::Node(_) | Item::Type { .. } => None,
    }
}
