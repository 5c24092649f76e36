//! Quantities: a decimal with a UCUM unit or a calendar duration.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use octofhir_ucum::{EvalResult, Number, evaluate, parse_expression};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

use crate::item::{decimal_of, parse_decimal};

const UCUM: &str = "http://unitsofmeasure.org";

/// The words for calendar durations, singular and plural, and their UCUM unit; years and months
/// have one of another length (FHIRPath N1 2.0.0 section 2.2.3 "Time-valued Quantities").
const CALENDAR: &[(&str, &str, &str)] = &[
    ("year", "years", "a"),
    ("month", "months", "mo"),
    ("week", "weeks", "wk"),
    ("day", "days", "d"),
    ("hour", "hours", "h"),
    ("minute", "minutes", "min"),
    ("second", "seconds", "s"),
    ("millisecond", "milliseconds", "ms"),
];

/// The unit of a quantity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unit<'a> {
    /// A UCUM code; `1` without a unit.
    Ucum(Cow<'a, str>),
    /// A calendar duration as it was written: `day`, `days`.
    Calendar(&'static str),
}

/// A value with its unit.
#[derive(Clone, Debug)]
pub struct Quantity<'a> {
    pub value: Decimal,
    pub unit: Unit<'a>,
}

/// The calendar duration that a word names.
pub(crate) fn calendar(word: &str) -> Option<&'static str> {
    CALENDAR
        .iter()
        .find_map(|(one, many, _)| [*one, *many].into_iter().find(|name| *name == word))
}

impl<'a> Unit<'a> {
    /// The unit 1.
    pub(crate) const ONE: Unit<'static> = Unit::Ucum(Cow::Borrowed("1"));

    /// The UCUM code; for a calendar duration the one nearest to it.
    pub(crate) fn code(&self) -> &str {
        match self {
            Unit::Ucum(code) => code,
            Unit::Calendar(word) => CALENDAR
                .iter()
                .find(|(one, many, _)| one == word || many == word)
                .map_or(*word, |found| found.2),
        }
    }

    /// Whether it is a calendar year or month, whose length depends on where it stands.
    fn is_calendar_month(&self) -> bool {
        matches!(self, Unit::Calendar("year" | "years" | "month" | "months"))
    }

    /// What UCUM makes of the code; a code longer than any unit is none.
    fn evaluated(&self) -> Option<EvalResult> {
        if self.code().len() > 200 {
            return None;
        }
        evaluate(&parse_expression(self.code()).ok()?).ok()
    }

    /// The unit of a product or quotient.
    fn combined(&self, sign: char, other: &Unit<'_>) -> Unit<'static> {
        let (left, right) = (self.code(), other.code());
        let code = match (left, right, sign) {
            (_, "1", _) => left.to_owned(),
            ("1", _, '.') => right.to_owned(),
            _ if left == right && sign == '/' => "1".to_owned(),
            _ if right.contains(['.', '/']) => format!("{left}{sign}({right})"),
            _ => format!("{left}{sign}{right}"),
        };
        Unit::Ucum(Cow::Owned(code))
    }
}

impl<'a> Quantity<'a> {
    /// A FHIR Quantity. One with a comparator means a range, and one without a value nothing:
    /// neither converts.
    pub(crate) fn from_fhir(json: &'a Value) -> Option<Quantity<'a>> {
        if json.get("comparator").is_some() {
            return None;
        }
        let value = decimal_of(json.get("value")?)?;
        let text = |key: &str| json.get(key).and_then(Value::as_str);
        let code = match text("system") {
            Some(UCUM) => text("code"),
            // Without a system it is the unit as somebody wrote it.
            _ => text("code").or_else(|| text("unit")),
        };
        Some(Quantity {
            value,
            unit: Unit::Ucum(Cow::Borrowed(code.unwrap_or("1"))),
        })
    }

    /// `10`, `10 'mg'`, `4 days` (FHIRPath N1 2.0.0 section 5.5.8 toQuantity).
    pub(crate) fn parse(text: &str) -> Option<Quantity<'static>> {
        let text = text.trim();
        let end = text
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '+' | '-')))
            .unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        if number.starts_with('.') || number.ends_with('.') {
            return None;
        }
        let value = parse_decimal(number.trim_start_matches('+'))?;
        let unit = unit.trim_start();
        let unit = if unit.is_empty() {
            Unit::ONE
        } else if let Some(code) = unit
            .strip_prefix('\'')
            .and_then(|rest| rest.strip_suffix('\''))
        {
            Unit::Ucum(Cow::Owned(code.to_owned()))
        } else {
            Unit::Calendar(calendar(unit)?)
        };
        Some(Quantity { value, unit })
    }

    /// Both values in the finer unit of the two; `None` when the units do not compare.
    fn aligned(
        &self,
        other: &Quantity<'_>,
        is_equivalence: bool,
    ) -> Option<(Decimal, Decimal, bool)> {
        if self.unit.code() == other.unit.code() {
            let same = self.unit.is_calendar_month() == other.unit.is_calendar_month();
            return (same || is_equivalence).then_some((self.value, other.value, true));
        }
        if self.unit.is_calendar_month() || other.unit.is_calendar_month() {
            let months = |unit: &Unit<'_>| match unit {
                Unit::Calendar("year" | "years") => Some(Decimal::from(12)),
                Unit::Calendar("month" | "months") => Some(Decimal::ONE),
                _ => None,
            };
            let left = self.value.checked_mul(months(&self.unit)?)?;
            return Some((left, other.value.checked_mul(months(&other.unit)?)?, true));
        }
        let (left, right) = (self.unit.evaluated()?, other.unit.evaluated()?);
        if !left.is_commensurable(&right) {
            return None;
        }
        if left.special.is_some() || right.special.is_some() {
            // Degrees and logarithms have no factor.
            let value = f64::try_from(self.value).ok()?;
            let converted =
                octofhir_ucum::convert(value, self.unit.code(), other.unit.code()).ok()?;
            return Some((
                Decimal::from_f64_retain(converted)?.round_dp(12),
                other.value,
                false,
            ));
        }
        let ratio = left.factor.checked_div(right.factor)?;
        if ratio.checked_sub(Number::ONE)?.is_negative() {
            let inverse = to_decimal(right.factor.checked_div(left.factor)?)?;
            Some((self.value, other.value.checked_mul(inverse)?, true))
        } else {
            Some((
                self.value.checked_mul(to_decimal(ratio)?)?,
                other.value,
                false,
            ))
        }
    }

    /// The order of two quantities; `None` when their units do not compare.
    #[must_use]
    pub fn compare(&self, other: &Quantity<'_>) -> Option<Ordering> {
        let (left, right, _) = self.aligned(other, false)?;
        Some(left.cmp(&right))
    }

    /// FHIRPath N1 2.0.0 section 6.1.2: equal at the precision of the less precise operand, in
    /// the coarser unit.
    #[must_use]
    pub fn is_equivalent(&self, other: &Quantity<'_>) -> bool {
        let digits = |value: Decimal| value.normalize().scale();
        let Some((left, right, left_is_finer)) = self.aligned(other, true) else {
            return false;
        };
        // The factor between the units, to come back from the finer unit to the coarser.
        let (fine, coarse) = if left_is_finer {
            (left, other.value)
        } else {
            (right, self.value)
        };
        let aligned_coarse = if left_is_finer { right } else { left };
        let in_coarse = if aligned_coarse.is_zero() {
            fine
        } else {
            match aligned_coarse
                .checked_div(coarse)
                .and_then(|factor| fine.checked_div(factor))
            {
                Some(value) => value,
                None => return left == right,
            }
        };
        let places = digits(coarse).min(digits(in_coarse));
        let round = |value: Decimal| {
            value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)
        };
        round(in_coarse) == round(coarse)
    }

    /// Whether the units measure the same kind of thing.
    #[must_use]
    pub fn is_comparable(&self, other: &Quantity<'_>) -> bool {
        self.aligned(other, false).is_some()
    }

    /// The sum in the finer unit; `None` when the units do not compare.
    pub(crate) fn sum(&self, other: &Quantity<'_>, minus: bool) -> Option<Quantity<'static>> {
        let (left, right, left_is_finer) = self.aligned(other, false)?;
        let finer = if left_is_finer { self } else { other };
        let unit = match finer.clone().into_owned().unit {
            Unit::Calendar("year" | "years") if self.unit.code() != other.unit.code() => {
                Unit::Calendar("months")
            }
            unit => unit,
        };
        let value = if minus {
            left.checked_sub(right)?
        } else {
            left.checked_add(right)?
        };
        Some(Quantity { value, unit })
    }

    /// The same quantity without what it borrows.
    pub(crate) fn into_owned(self) -> Quantity<'static> {
        let unit = match self.unit {
            Unit::Ucum(code) => Unit::Ucum(Cow::Owned(code.into_owned())),
            Unit::Calendar(word) => Unit::Calendar(word),
        };
        Quantity {
            value: self.value,
            unit,
        }
    }

    /// The quantity in another unit, if it has the same dimension.
    pub(crate) fn converted(&self, unit: &str) -> Option<Quantity<'static>> {
        let unit = match calendar(unit) {
            Some(word) => Unit::Calendar(word),
            None => Unit::Ucum(Cow::Owned(unit.to_owned())),
        };
        let one = Quantity {
            value: Decimal::ONE,
            unit,
        };
        let (mine, theirs, _) = self.aligned(&one, false)?;
        Some(Quantity {
            value: mine.checked_div(theirs)?,
            unit: one.unit,
        })
    }

    pub(crate) fn product(&self, other: &Quantity<'_>) -> Option<Quantity<'static>> {
        Some(Quantity {
            value: self.value.checked_mul(other.value)?,
            unit: self.unit.combined('.', &other.unit),
        })
    }

    pub(crate) fn quotient(&self, other: &Quantity<'_>) -> Option<Quantity<'static>> {
        Some(Quantity {
            value: self.value.checked_div(other.value)?,
            unit: self.unit.combined('/', &other.unit),
        })
    }
}

impl fmt::Display for Quantity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.unit {
            Unit::Ucum(code) => write!(f, "{} '{code}'", self.value),
            Unit::Calendar(word) => write!(f, "{} {word}", self.value),
        }
    }
}

fn to_decimal(number: Number) -> Option<Decimal> {
    let (mantissa, exponent) = number.to_integer_and_exponent();
    if exponent <= 0 {
        Decimal::try_from_i128_with_scale(mantissa, exponent.unsigned_abs()).ok()
    } else {
        let power = 10i128.checked_pow(exponent.unsigned_abs())?;
        Decimal::try_from_i128_with_scale(mantissa.checked_mul(power)?, 0).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantity(text: &str) -> Quantity<'static> {
        Quantity::parse(text).unwrap()
    }

    #[test]
    fn units_convert_exactly() {
        // UCUM 2.1: [in_i] is 2.54 cm, [lb_av] 453.59237 g, exactly.
        for (left, right) in [
            ("1 'cm'", "0.01 'm'"),
            ("4.0000 'g'", "4000.0 'mg'"),
            ("1 '[in_i]'", "2.54 'cm'"),
            ("453.59237 'g'", "1 '[lb_av]'"),
            ("1 'mmol/L'", "1000 'umol/L'"),
            ("7 days", "1 'wk'"),
            ("1 year", "12 months"),
            ("100 'Cel'", "212 '[degF]'"),
        ] {
            let order = quantity(left).compare(&quantity(right));
            assert_eq!(order, Some(Ordering::Equal), "{left} {right}");
        }
        assert_eq!(quantity("1 'cm'").compare(&quantity("1 's'")), None);
        assert_eq!(quantity("1 year").compare(&quantity("1 'a'")), None);
        assert!(quantity("1 year").is_equivalent(&quantity("1 'a'")));
    }

    #[test]
    fn equivalence_looks_no_closer_than_the_coarser_operand() {
        // The official suite, testQuantity4: 4 g is equivalent to 4040 mg.
        assert!(quantity("4 'g'").is_equivalent(&quantity("4040 'mg'")));
        assert!(quantity("4040 'mg'").is_equivalent(&quantity("4 'g'")));
        assert!(!quantity("4.0 'g'").is_equivalent(&quantity("4600 'mg'")));
        assert!(!quantity("4 'g'").is_equivalent(&quantity("4 's'")));
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        for text in ["", "1 wk", "1.a", "mg", "1 'mg", "1."] {
            assert!(Quantity::parse(text).is_none(), "{text}");
        }
    }
}
