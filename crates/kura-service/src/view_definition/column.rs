//! The Parquet type of a view's column, and a cell of it.
//!
//! SQL on FHIR 2.0, ViewDefinition, "Type Hinting with Tags": the types of FHIR and FHIRPath have
//! default types of SQL (ISO/IEC 9075), and the tag `ansi/type` of a column asks for another. A
//! date, a dateTime or a decimal is text by default, because FHIR keeps their precision.

use kura_dataset::parquet_writer::{Field, FieldKind, Scalar, Slot};
use kura_fhir::date;
use kura_fhir::view_definition::Column;
use kura_model::{Category, Error, Result};
use serde_json::Value;

use crate::timeline::document::base64;

/// The field of a column; text if the view says no type.
pub(super) fn field(column: &Column) -> Result<Field> {
    let kind = match (&column.ansi_type, &column.kind) {
        (Some(ansi), _) => of_sql(ansi).ok_or_else(|| {
            Error::new(
                Category::Unprocessable,
                format!(
                    "the tag ansi/type of the column {} names no type that Parquet is written with",
                    column.name
                ),
            )
            .coded("not-supported")
        })?,
        (None, Some(kind)) => of_fhir(kind),
        (None, None) => FieldKind::Text,
    };
    Ok(Field {
        name: column.name.clone(),
        kind,
        list: column.collection,
    })
}

/// Default Type Mappings. `kind` is a code, or a URL that ends with one.
fn of_fhir(kind: &str) -> FieldKind {
    let name = kind.rsplit('/').next().unwrap_or_default();
    let name = name.strip_prefix("System.").unwrap_or(name);
    match name {
        "boolean" | "Boolean" => FieldKind::Flag,
        "integer" | "Integer" | "positiveInt" | "unsignedInt" => FieldKind::Integer,
        "integer64" => FieldKind::Long,
        "instant" => FieldKind::Micros,
        "base64Binary" => FieldKind::Bytes,
        // Also types that are no primitive: their JSON.
        _ => FieldKind::Text,
    }
}

/// ISO/IEC 9075 section 6.1, as far as Parquet has the like.
fn of_sql(text: &str) -> Option<FieldKind> {
    let text = text.trim().to_ascii_uppercase();
    let (name, arguments) = match text.split_once('(') {
        Some((name, rest)) => {
            let (inside, after) = rest.split_once(')')?;
            let numbers: Vec<u8> = inside
                .split(',')
                .map(|number| number.trim().parse().ok())
                .collect::<Option<_>>()?;
            (format!("{} {}", name.trim(), after.trim()), numbers)
        }
        None => (text, Vec::new()),
    };
    let words: Vec<&str> = name.split_whitespace().collect();
    Some(match (&words.join(" ")[..], &arguments[..]) {
        (
            "CHARACTER VARYING"
            | "CHAR VARYING"
            | "VARCHAR"
            | "CHARACTER"
            | "CHAR"
            | "CHARACTER LARGE OBJECT"
            | "CLOB",
            [] | [_],
        ) => FieldKind::Text,
        ("BOOLEAN", []) => FieldKind::Flag,
        ("SMALLINT" | "INT" | "INTEGER", []) => FieldKind::Integer,
        ("BIGINT", []) => FieldKind::Long,
        ("REAL" | "DOUBLE PRECISION", []) | ("FLOAT", [] | [_]) => FieldKind::Double,
        ("DECIMAL" | "DEC" | "NUMERIC", [precision]) => decimal(*precision, 0)?,
        ("DECIMAL" | "DEC" | "NUMERIC", [precision, scale]) => decimal(*precision, *scale)?,
        ("DATE", []) => FieldKind::Date,
        ("TIMESTAMP" | "TIMESTAMP WITH TIME ZONE", [] | [_]) => FieldKind::Micros,
        ("BINARY" | "BINARY VARYING" | "VARBINARY" | "BINARY LARGE OBJECT" | "BLOB", [] | [_]) => {
            FieldKind::Bytes
        }
        _ => return None,
    })
}

fn decimal(precision: u8, scale: u8) -> Option<FieldKind> {
    let sound = (1..=38).contains(&precision) && scale <= precision;
    sound.then_some(FieldKind::Decimal { precision, scale })
}

/// The cell of a row.
///
/// # Errors
/// A value that is not of the column's type, or not of its precision; the message names the
/// column and never the value.
pub(super) fn slot(field: &Field, cell: &Value) -> Result<Slot> {
    let one = |value: &Value| {
        scalar(field.kind, value).ok_or_else(|| {
            Error::new(
                Category::Unprocessable,
                format!(
                    "the column {} has a value that is not {}",
                    field.name,
                    wanted(field.kind)
                ),
            )
            .coded("value")
        })
    };
    Ok(match cell {
        Value::Null => Slot::Null,
        Value::Array(items) if field.list => Slot::List(
            items
                .iter()
                .map(|item| match item {
                    Value::Null => Ok(None),
                    item => one(item).map(Some),
                })
                .collect::<Result<_>>()?,
        ),
        value if field.list => Slot::List(vec![Some(one(value)?)]),
        value => Slot::One(one(value)?),
    })
}

fn wanted(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Text => "text",
        FieldKind::Bytes => "base64",
        FieldKind::Flag => "a boolean",
        FieldKind::Integer => "an integer of 32 bits",
        FieldKind::Long => "an integer of 64 bits",
        FieldKind::Double => "a number",
        FieldKind::Decimal { .. } => "a decimal of its digits",
        FieldKind::Date => "a whole date",
        FieldKind::Millis | FieldKind::Micros => "a time with its zone",
    }
}

fn scalar(kind: FieldKind, value: &Value) -> Option<Scalar> {
    Some(match kind {
        FieldKind::Text => Scalar::Text(match value {
            Value::String(text) => text.clone(),
            // Numbers as they are written, objects as JSON.
            other => other.to_string(),
        }),
        FieldKind::Bytes => Scalar::Bytes(base64(value.as_str()?)?),
        FieldKind::Flag => Scalar::Flag(value.as_bool()?),
        FieldKind::Integer => Scalar::Integer(i32::try_from(integer(value)?).ok()?.into()),
        FieldKind::Long => Scalar::Integer(integer(value)?),
        FieldKind::Double => Scalar::Double(value.as_f64().filter(|number| number.is_finite())?),
        FieldKind::Decimal { precision, scale } => {
            Scalar::Decimal(units(&value.as_number()?.to_string(), precision, scale)?)
        }
        FieldKind::Date => Scalar::Integer(day(value.as_str()?)?),
        FieldKind::Millis => Scalar::Integer(micros(value.as_str()?)?.div_euclid(1000)),
        FieldKind::Micros => Scalar::Integer(micros(value.as_str()?)?),
    })
}

/// An integer; FHIR R4 writes an integer64 of later releases as text.
fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.parse().ok(),
        value => value.as_i64(),
    }
}

/// Days since 1970 of a date that is whole, and no more than one.
fn day(text: &str) -> Option<i64> {
    date::range(text).filter(|_| text.len() == 10)?;
    let part = |range: std::ops::Range<usize>| text.get(range)?.parse().ok();
    Some(date::day_number(part(0..4)?, part(5..7)?, part(8..10)?))
}

/// Microseconds since 1970 of an instant, or of a dateTime down to the second with its zone.
/// What a source says finer than that is cut off.
fn micros(text: &str) -> Option<i64> {
    let (seconds, _) = date::range(text)?;
    let time = text.get(11..)?;
    let zone = time.find(['Z', '+', '-'])?;
    let clock = time.get(..zone).filter(|clock| clock.len() >= 8)?;
    let fraction = clock.get(9..).unwrap_or_default();
    let digits: String = fraction.chars().chain("000000".chars()).take(6).collect();
    seconds
        .checked_mul(1_000_000)?
        .checked_add(digits.parse().ok()?)
}

/// A JSON number in units of the last of `scale` digits after the point; `None` if that would
/// lose a digit, or takes more than `precision`.
fn units(number: &str, precision: u8, scale: u8) -> Option<i128> {
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (number, 0),
    };
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits = format!("{whole}{fraction}");
    let mut shift = i32::from(scale)
        .checked_add(exponent)?
        .checked_sub(i32::try_from(fraction.len()).ok()?)?;
    while shift < 0 && digits.len() > 1 && digits.ends_with('0') {
        digits.pop();
        shift += 1;
    }
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(0);
    }
    let length = i32::try_from(digits.len()).ok()?.checked_add(shift)?;
    if shift < 0 || length > i32::from(precision) {
        return None;
    }
    let value: i128 = digits.parse().ok()?;
    let value = value.checked_mul(10i128.checked_pow(shift.unsigned_abs())?)?;
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn default_and_tagged_types() {
        for (kind, field) in [
            ("boolean", FieldKind::Flag),
            ("positiveInt", FieldKind::Integer),
            ("integer64", FieldKind::Long),
            ("decimal", FieldKind::Text),
            ("date", FieldKind::Text),
            ("instant", FieldKind::Micros),
            ("http://hl7.org/fhirpath/System.Boolean", FieldKind::Flag),
            (
                "http://hl7.org/fhir/StructureDefinition/integer",
                FieldKind::Integer,
            ),
            ("CodeableConcept", FieldKind::Text),
        ] {
            assert_eq!(of_fhir(kind), field, "{kind}");
        }
        for (text, field) in [
            ("DATE", Some(FieldKind::Date)),
            ("character varying(20)", Some(FieldKind::Text)),
            ("double  precision", Some(FieldKind::Double)),
            ("TIMESTAMP(3) WITH TIME ZONE", Some(FieldKind::Micros)),
            ("NUMERIC(38, 10)", decimal(38, 10)),
            ("DECIMAL(5)", decimal(5, 0)),
            ("DECIMAL(39,1)", None),
            ("DECIMAL(2,3)", None),
            ("DECIMAL", None),
            ("JSONB", None),
            ("DATE(", None),
        ] {
            assert_eq!(of_sql(text), field, "{text}");
        }
    }

    #[test]
    fn times_and_dates_are_whole_or_refused() {
        // By `date -ud 1990-01-15 +%s` and the like.
        assert_eq!(day("1990-01-15"), Some(7_319));
        assert_eq!(day("1969-12-31"), Some(-1));
        for partial in ["1990", "1990-01", "1990-01-15T00:00:00Z", "1990-02-30"] {
            assert_eq!(day(partial), None, "{partial}");
        }
        assert_eq!(micros("1970-01-01T09:00:00+09:00"), Some(0));
        assert_eq!(
            micros("2015-02-07T13:28:17.239+02:00"),
            Some(1_423_308_497_239_000)
        );
        assert_eq!(micros("1969-12-31T23:59:59.5Z"), Some(-500_000));
        assert_eq!(micros("1970-01-01T00:00:00.1234567Z"), Some(123_456));
        for partial in ["2015-02-07", "2015-02-07T13:28:17", "2015-02-07T13:28Z"] {
            assert_eq!(micros(partial), None, "{partial}");
        }
    }

    #[test]
    fn decimals_keep_every_digit() {
        assert_eq!(units("1.50", 9, 2), Some(150));
        assert_eq!(units("-0.5", 9, 2), Some(-50));
        assert_eq!(units("1e2", 9, 2), Some(10_000));
        assert_eq!(units("1500e-3", 9, 2), Some(150));
        assert_eq!(units("0.000", 1, 0), Some(0));
        assert_eq!(units("1.005", 9, 2), None);
        assert_eq!(units("10000000", 9, 2), None, "ten digits");
        assert_eq!(units("1e999999999", 38, 0), None);
        assert_eq!(
            units("99999999999999999999999999999999999999", 38, 0),
            Some(10i128.pow(38) - 1)
        );
    }

    #[test]
    fn cells_of_their_columns() {
        let field = |kind, list| Field {
            name: "c".to_owned(),
            kind,
            list,
        };
        let text = |text: &str| Scalar::Text(text.to_owned());
        let of = |kind, value| slot(&field(kind, false), &value);
        assert_eq!(
            of(FieldKind::Text, json!(1.50)).unwrap(),
            Slot::One(text("1.5"))
        );
        assert_eq!(
            of(FieldKind::Text, json!({"a": 1})).unwrap(),
            Slot::One(text("{\"a\":1}"))
        );
        assert_eq!(of(FieldKind::Flag, Value::Null).unwrap(), Slot::Null);
        let error = of(FieldKind::Integer, json!("secret")).unwrap_err();
        assert!(error.message().contains("the column c"));
        assert!(!error.message().contains("secret"));
        assert!(of(FieldKind::Integer, json!(1u64 << 31)).is_err());
        assert_eq!(
            slot(&field(FieldKind::Integer, true), &json!([1, null])).unwrap(),
            Slot::List(vec![Some(Scalar::Integer(1)), None])
        );
    }
}
