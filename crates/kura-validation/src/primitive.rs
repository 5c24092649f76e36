//! The formats of primitive types: FHIR R4 datatypes.html#primitive.

use serde_json::Value;

/// What the JSON of a primitive has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Primitive {
    Boolean,
    Integer,
    PositiveInt,
    UnsignedInt,
    Decimal,
    String,
    /// A string of any length (FHIR R4 narrative.html); what may be in it, txt-1 says.
    Xhtml,
    Code,
    Id,
    Uri,
    Oid,
    Uuid,
    Date,
    DateTime,
    Instant,
    Time,
    Base64,
}

/// Why a value is none of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// A string where a number has to be, and the like.
    Json,
    Format,
    Empty,
}

/// The longest that a string may be: FHIR R4 datatypes.html#string, 1 MB.
const MAX_STRING: usize = 1024 * 1024;

impl Primitive {
    pub(crate) fn of(name: &str) -> Option<Primitive> {
        Some(match name {
            "boolean" => Primitive::Boolean,
            "integer" => Primitive::Integer,
            "positiveInt" => Primitive::PositiveInt,
            "unsignedInt" => Primitive::UnsignedInt,
            "decimal" => Primitive::Decimal,
            "string" | "markdown" => Primitive::String,
            "xhtml" => Primitive::Xhtml,
            "code" => Primitive::Code,
            "id" => Primitive::Id,
            "uri" | "url" | "canonical" => Primitive::Uri,
            "oid" => Primitive::Oid,
            "uuid" => Primitive::Uuid,
            "date" => Primitive::Date,
            "dateTime" => Primitive::DateTime,
            "instant" => Primitive::Instant,
            "time" => Primitive::Time,
            "base64Binary" => Primitive::Base64,
            _ => return None,
        })
    }

    pub(crate) fn check(self, value: &Value) -> Result<(), Wrong> {
        let keeps = match (self, value) {
            (Primitive::Boolean, Value::Bool(_)) => true,
            (
                Primitive::Integer | Primitive::PositiveInt | Primitive::UnsignedInt,
                Value::Number(number),
            ) => {
                let least = match self {
                    Primitive::PositiveInt => 1,
                    Primitive::UnsignedInt => 0,
                    _ => i64::from(i32::MIN),
                };
                let range = least..=i64::from(i32::MAX);
                // `1.0` and `1e3` are no integers in FHIR.
                let digits = number.as_str().trim_start_matches('-');
                let plain = digits.bytes().all(|one| one.is_ascii_digit());
                plain
                    && number
                        .as_i64()
                        .is_some_and(|number| range.contains(&number))
            }
            (Primitive::Decimal, Value::Number(_)) => true,
            (
                Primitive::Boolean
                | Primitive::Integer
                | Primitive::PositiveInt
                | Primitive::UnsignedInt
                | Primitive::Decimal,
                _,
            ) => return Err(Wrong::Json),
            (_, Value::String(text)) if text.is_empty() => return Err(Wrong::Empty),
            (_, Value::String(text)) => self.text(text),
            _ => return Err(Wrong::Json),
        };
        if keeps { Ok(()) } else { Err(Wrong::Format) }
    }

    fn text(self, text: &str) -> bool {
        match self {
            // [ \r\n\t\S]+
            Primitive::String => {
                text.len() <= MAX_STRING
                    && text
                        .bytes()
                        .all(|one| one >= b' ' || matches!(one, b'\r' | b'\n' | b'\t'))
                    && !text.bytes().all(|one| one.is_ascii_whitespace())
            }
            Primitive::Xhtml => true,
            // [^\s]+(\s[^\s]+)*
            Primitive::Code => {
                let mut before = true;
                let single = text.chars().all(|one| {
                    let space = one.is_whitespace();
                    let keeps = !(space && before);
                    before = space;
                    keeps
                });
                single && !before
            }
            // [A-Za-z0-9\-\.]{1,64}
            Primitive::Id => {
                text.len() <= 64
                    && text
                        .bytes()
                        .all(|one| one.is_ascii_alphanumeric() || matches!(one, b'-' | b'.'))
            }
            Primitive::Uri => {
                // RFC 4122 and RFC 3061 say what stands behind them.
                !text.chars().any(char::is_whitespace)
                    && text.strip_prefix("urn:uuid:").is_none_or(is_uuid)
                    && text.strip_prefix("urn:oid:").is_none_or(is_oid)
            }
            Primitive::Oid => text.strip_prefix("urn:oid:").is_some_and(is_oid),
            Primitive::Uuid => text.strip_prefix("urn:uuid:").is_some_and(is_uuid),
            Primitive::Date => date(text.as_bytes()) == Some(text.len()),
            Primitive::DateTime => date_time(text.as_bytes(), false),
            Primitive::Instant => date_time(text.as_bytes(), true),
            Primitive::Time => time(text.as_bytes()) == Some(text.len()),
            Primitive::Base64 => base64(text),
            _ => false,
        }
    }
}

/// `[0-2](\.(0|[1-9][0-9]*))+`
pub(crate) fn is_oid(text: &str) -> bool {
    let mut parts = text.split('.');
    let first = parts.next().unwrap_or_default();
    let mut rest = 0;
    matches!(first, "0" | "1" | "2")
        && parts.all(|part| {
            rest += 1;
            part == "0"
                || (!part.is_empty()
                    && !part.starts_with('0')
                    && part.bytes().all(|one| one.is_ascii_digit()))
        })
        && rest > 0
}

pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, one)| match at {
            8 | 13 | 18 | 23 => one == b'-',
            // FHIR R4 datatypes.html#uuid: lowercase.
            _ => one.is_ascii_digit() || (b'a'..=b'f').contains(&one),
        })
}

fn digits(text: &[u8], at: usize, count: usize) -> Option<u32> {
    let part = text.get(at..at + count)?;
    part.iter().try_fold(0, |sum, one| {
        one.is_ascii_digit()
            .then(|| sum * 10 + u32::from(one - b'0'))
    })
}

/// The length of `YYYY`, `YYYY-MM` or `YYYY-MM-DD` at the start, a date of the calendar.
fn date(text: &[u8]) -> Option<usize> {
    let year = digits(text, 0, 4)?;
    if year == 0 {
        return None;
    }
    if text.get(4) != Some(&b'-') {
        return Some(4);
    }
    let month = digits(text, 5, 2).filter(|month| (1..=12).contains(month))?;
    if text.get(7) != Some(&b'-') {
        return Some(7);
    }
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    digits(text, 8, 2).filter(|day| (1..=last).contains(day))?;
    Some(10)
}

/// The length of `hh:mm:ss` with any fraction; 60 is a leap second.
fn time(text: &[u8]) -> Option<usize> {
    digits(text, 0, 2).filter(|hour| *hour < 24)?;
    digits(text, 3, 2).filter(|minute| *minute < 60)?;
    digits(text, 6, 2).filter(|second| *second <= 60)?;
    if text[2] != b':' || text[5] != b':' {
        return None;
    }
    let mut end = 8;
    if text.get(8) == Some(&b'.') {
        end = 9 + text[9..]
            .iter()
            .take_while(|one| one.is_ascii_digit())
            .count();
        if end == 9 {
            return None;
        }
    }
    Some(end)
}

/// A time of day needs seconds and an offset; an instant needs it all.
fn date_time(text: &[u8], instant: bool) -> bool {
    let Some(end) = date(text) else {
        return false;
    };
    if end == text.len() {
        return !instant;
    }
    if end != 10 || text[10] != b'T' {
        return false;
    }
    let rest = &text[11..];
    let Some(end) = time(rest) else {
        return false;
    };
    match &rest[end..] {
        b"Z" => true,
        [b'+' | b'-', offset @ ..] => {
            let hours = digits(offset, 0, 2);
            let minutes = digits(offset, 3, 2);
            offset.len() == 5
                && offset[2] == b':'
                && match (hours, minutes) {
                    (Some(14), Some(0)) => true,
                    (Some(hours), Some(minutes)) => hours < 14 && minutes < 60,
                    _ => false,
                }
        }
        _ => false,
    }
}

/// `(\s*([0-9a-zA-Z\+\/=]){4}\s*)+`, padded only at the end.
fn base64(text: &str) -> bool {
    let mut count = 0_usize;
    let mut padding = 0_usize;
    for one in text.bytes() {
        match one {
            b'=' => {
                padding += 1;
                count += 1;
            }
            _ if one.is_ascii_whitespace() => {}
            b'+' | b'/' => count += 1,
            _ if one.is_ascii_alphanumeric() => count += 1,
            _ => return false,
        }
        if padding > 0 && one != b'=' && !one.is_ascii_whitespace() {
            return false;
        }
    }
    padding <= 2 && count > 0 && count.is_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The examples and regular expressions of FHIR R4 datatypes.html#primitive.
    #[test]
    fn formats_are_those_of_the_standard() {
        let right = [
            ("date", json!("2018")),
            ("date", json!("1973-06")),
            ("date", json!("1905-08-23")),
            ("dateTime", json!("2015-02-07T13:28:17-05:00")),
            ("dateTime", json!("2017-01-01T00:00:00.000Z")),
            ("instant", json!("2015-02-07T13:28:17.239+02:00")),
            ("time", json!("13:28:17")),
            ("oid", json!("urn:oid:1.2.3.4.5")),
            (
                "uuid",
                json!("urn:uuid:c757873d-ec9a-4326-a141-556f43239520"),
            ),
            ("code", json!("one two")),
            ("id", json!("a-1.B")),
            ("positiveInt", json!(1)),
            ("unsignedInt", json!(0)),
            ("decimal", json!(0.10)),
            ("base64Binary", json!("aGVsbG8=")),
            ("string", json!("全角　の空白")),
        ];
        for (name, value) in right {
            let kind = Primitive::of(name).unwrap();
            assert_eq!(kind.check(&value), Ok(()), "{name} {value}");
        }
        let wrong = [
            ("date", json!("2018-02-30")),
            ("date", json!("2018-13")),
            ("date", json!("18")),
            ("dateTime", json!("2015-02-07T13:28:17")),
            ("dateTime", json!("2015-02-07T13:28Z")),
            ("instant", json!("2015-02-07")),
            ("time", json!("24:00:00")),
            ("oid", json!("urn:oid:1.02")),
            ("uuid", json!("c757873d-ec9a-4326-a141-556f43239520")),
            ("code", json!(" a")),
            ("code", json!("a  b")),
            ("id", json!("a_b")),
            ("positiveInt", json!(0)),
            ("integer", json!(1.5)),
            ("integer", json!(2_147_483_648_i64)),
            ("base64Binary", json!("abc")),
            ("uri", json!("http://a b")),
            ("boolean", json!("true")),
            ("string", json!("")),
        ];
        for (name, value) in wrong {
            let kind = Primitive::of(name).unwrap();
            assert!(kind.check(&value).is_err(), "{name} {value}");
        }
    }
}
