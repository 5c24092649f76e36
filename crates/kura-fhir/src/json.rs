//! JSON as FHIR reads it: a name stands once in an object. FHIR R4 json.html: "Property names SHALL
//! be unique". Of two, readers disagree which one counts, and the bank would keep one silently.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// How `serde_json` hands over a number whose digits are kept.
const NUMBER: &str = "$serde_json::private::Number";

/// What the error of a repeated name begins with.
pub(crate) const REPEATED: &str = "a name stands twice in an object";

pub(crate) fn read(bytes: &[u8]) -> serde_json::Result<Value> {
    let mut from = serde_json::Deserializer::from_slice(bytes);
    let value = Unique.deserialize(&mut from)?;
    from.end()?;
    Ok(value)
}

#[derive(Clone, Copy)]
struct Unique;

impl<'de> DeserializeSeed<'de> for Unique {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = Value;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            all.push(item);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if all.is_empty() && name == NUMBER {
                let digits: String = members.next_value()?;
                let number: Number = digits
                    .parse()
                    .map_err(|_| A::Error::custom("not a number"))?;
                return Ok(Value::Number(number));
            }
            let value = members.next_value_seed(self)?;
            if all.insert(name, value).is_some() {
                return Err(A::Error::custom(REPEATED));
            }
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_as_any_reader_but_for_names_that_repeat() {
        for text in [
            "null",
            "[]",
            "{}",
            r#"{"a":[1,-2,1.50,1e400,0.00000000000000000000001,18446744073709551616],"b":{"a":true,"c":null},"é":"\ud83d\ude00\u0000"}"#,
            r#"[{"a":1},{"a":1}]"#,
        ] {
            let read = read(text.as_bytes()).unwrap();
            let known: Value = serde_json::from_str(text).unwrap();
            assert_eq!(read.to_string(), known.to_string());
        }
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"b":[{"a":1,"c":2,"a":{}}]}"#,
            // One name in two spellings.
            r#"{"a":1,"\u0061":1}"#,
        ] {
            let error = read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with(REPEATED), "{error}");
        }
        for text in ["", "{", "{}{}", "[1,]", "\"\\ud800\"", "01", "NaN"] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
        let deep = "[".repeat(100_000);
        let error = read(deep.as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with("recursion limit"), "{error}");
    }
}
