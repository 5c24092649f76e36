//! One resource: parsed from foreign bytes, and written the way the bank keeps it.

use kura_model::{Location, RecordKey, Refusal};
use serde_json::{Map, Value};

use crate::{json, resource_type};

/// A resource whose type and id are known to be sound. The rest is JSON as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    kind: &'static str,
    id: String,
    value: Value,
}

impl Resource {
    /// Parses one JSON resource.
    ///
    /// # Errors
    /// `json-encoding` (not UTF-8), `json-syntax`, `json-repeated`, `json-depth`, `fhir-not-object`,
    /// `fhir-resource-type`, `fhir-id`. Locations are bytes within `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        Self::from_value(parse_json(bytes)?)
    }

    /// Takes JSON that is already parsed.
    pub fn from_value(value: Value) -> Result<Self, Refusal> {
        let kind = kind_of(&value)?;
        let id = match value.get("id") {
            Some(Value::String(id)) if is_id(id) => id.clone(),
            // FHIR R4 datatypes.html#id
            Some(_) => {
                return Err(Refusal::new(
                    "fhir-id",
                    "an id is 1 to 64 letters, digits, '-' and '.'",
                )
                .at_path(format!("{kind}.id")));
            }
            None => {
                return Err(
                    Refusal::new("fhir-id", "the resource has no id").at_path(format!("{kind}.id"))
                );
            }
        };
        Ok(Self { kind, id, value })
    }

    pub fn kind(&self) -> &'static str {
        self.kind
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn value(&self) -> &Value {
        &self.value
    }

    pub fn into_value(self) -> Value {
        self.value
    }

    pub fn key(&self) -> RecordKey {
        RecordKey::new(self.kind, &self.id)
    }

    /// The bytes the bank keeps: compact, `resourceType`, `id` and `meta` first, and without
    /// `meta.versionId` and `meta.lastUpdated`, which are the bank's to give.
    pub fn to_stored(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(2048);
        out.extend_from_slice(prefix(self.kind, &self.id).as_bytes());
        let mut first = true;
        if let Some(Value::Object(meta)) = self.value.get("meta") {
            for (name, value) in meta {
                if name != "versionId" && name != "lastUpdated" {
                    member(&mut out, &mut first, name, value);
                }
            }
        }
        out.push(b'}');
        let mut first = false;
        if let Value::Object(members) = &self.value {
            for (name, value) in members {
                if !matches!(name.as_str(), "resourceType" | "id" | "meta") {
                    member(&mut out, &mut first, name, value);
                }
            }
        }
        out.push(b'}');
        out
    }
}

/// Puts `versionId` and `lastUpdated` into bytes made by [`Resource::to_stored`], without
/// parsing them.
///
/// `last_updated` is milliseconds since 1970.
pub fn present(key: &RecordKey, version: u64, last_updated: i64, stored: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let length = prefix(&key.kind, &key.id).len();
    let (head, tail) = stored.split_at(length.min(stored.len()));
    let mut out = Vec::with_capacity(stored.len() + 80);
    out.extend_from_slice(head);
    let instant = crate::date::instant(last_updated);
    let _ = write!(
        out,
        "\"versionId\":\"{version}\",\"lastUpdated\":\"{instant}\""
    );
    if tail.first() != Some(&b'}') {
        out.push(b',');
    }
    out.extend_from_slice(tail);
    out
}

fn prefix(kind: &str, id: &str) -> String {
    // Neither needs escaping: a type is a name, an id is [A-Za-z0-9.-].
    format!("{{\"resourceType\":\"{kind}\",\"id\":\"{id}\",\"meta\":{{")
}

fn member(out: &mut Vec<u8>, first: &mut bool, name: &str, value: &Value) {
    if !*first {
        out.push(b',');
    }
    *first = false;
    // Writing JSON into a Vec cannot fail.
    let _ = serde_json::to_writer(&mut *out, name);
    out.push(b':');
    let _ = serde_json::to_writer(&mut *out, value);
}

/// Values in one JSON item.
const VALUES_AT_MOST: usize = 2_000_000;

/// Parses JSON, telling wrong encoding, wrong syntax, a repeated name and too much depth apart.
pub fn parse_json(bytes: &[u8]) -> Result<Value, Refusal> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    // A parsed value takes about fifty times its shortest text ("1,"); commas bound the values.
    if bytes.len() > VALUES_AT_MOST
        && bytes.iter().filter(|byte| **byte == b',').count() > VALUES_AT_MOST
    {
        return Err(Refusal::new(
            "json-size",
            format!("more than {VALUES_AT_MOST} values in one item"),
        ));
    }
    json::read(bytes).map_err(|error| {
        if let Err(encoding) = std::str::from_utf8(bytes) {
            return Refusal::new(
                "json-encoding",
                "not UTF-8; FHIR JSON is UTF-8 only, convert Shift_JIS or EUC-JP first",
            )
            .at(Location::byte(encoding.valid_up_to() as u64));
        }
        let byte = byte_of(bytes, error.line(), error.column());
        let refusal = match error.classify() {
            serde_json::error::Category::Eof => {
                Refusal::new("json-syntax", "the JSON ends in the middle")
            }
            _ if error.to_string().starts_with("recursion limit") => {
                Refusal::new("json-depth", "nested deeper than 128 levels")
            }
            _ if error.to_string().starts_with(json::REPEATED) => {
                Refusal::new("json-repeated", json::REPEATED)
            }
            _ => Refusal::new("json-syntax", "not JSON from here on"),
        };
        refusal.at(Location::byte(byte))
    })
}

fn byte_of(bytes: &[u8], line: usize, column: usize) -> u64 {
    let start = bytes
        .split_inclusive(|byte| *byte == b'\n')
        .take(line.saturating_sub(1))
        .map(<[u8]>::len)
        .sum::<usize>();
    (start + column.saturating_sub(1)) as u64
}

/// The type of a resource in JSON.
pub fn kind_of(value: &Value) -> Result<&'static str, Refusal> {
    let Value::Object(members) = value else {
        return Err(Refusal::new(
            "fhir-not-object",
            "a resource is a JSON object",
        ));
    };
    match members.get("resourceType") {
        Some(Value::String(name)) => resource_type(name).ok_or_else(|| {
            Refusal::new("fhir-resource-type", "not a resource type of FHIR R4")
                .at_path("resourceType")
        }),
        Some(_) => Err(
            Refusal::new("fhir-resource-type", "resourceType is not a string")
                .at_path("resourceType"),
        ),
        None => Err(
            Refusal::new("fhir-resource-type", "the object has no resourceType")
                .at_path("resourceType"),
        ),
    }
}

/// FHIR R4 datatypes.html#id
pub fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
}

/// Gives an object resource its type and id in front; used when an id has to be made.
pub fn with_id(value: Value, id: &str) -> Value {
    let Value::Object(members) = value else {
        return value;
    };
    let mut out = Map::with_capacity(members.len() + 1);
    if let Some(kind) = members.get("resourceType") {
        out.insert("resourceType".to_owned(), kind.clone());
    }
    out.insert("id".to_owned(), Value::String(id.to_owned()));
    for (name, value) in members {
        if name != "resourceType" && name != "id" {
            out.insert(name, value);
        }
    }
    Value::Object(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_and_presented() {
        let text = r#"{"id":"a.1","resourceType":"Patient","birthDate":"1950-01-02",
            "meta":{"versionId":"9","profile":["http://x"],"lastUpdated":"2020-01-01T00:00:00Z"},"x":1.50}"#;
        let resource = Resource::parse(text.as_bytes()).unwrap();
        let stored = resource.to_stored();
        assert_eq!(
            std::str::from_utf8(&stored).unwrap(),
            r#"{"resourceType":"Patient","id":"a.1","meta":{"profile":["http://x"]},"birthDate":"1950-01-02","x":1.50}"#
        );
        let shown = present(&resource.key(), 3, 1_700_000_000_123, &stored);
        assert_eq!(
            std::str::from_utf8(&shown).unwrap(),
            r#"{"resourceType":"Patient","id":"a.1","meta":{"versionId":"3","lastUpdated":"2023-11-14T22:13:20.123Z","profile":["http://x"]},"birthDate":"1950-01-02","x":1.50}"#
        );
    }

    #[test]
    fn refusals_name_the_rule_and_the_place() {
        let rule = |text: &[u8]| Resource::parse(text).unwrap_err();
        assert_eq!(rule(b"{\"resourceType\":\"Pat").rule, "json-syntax");
        assert_eq!(rule(b"{\"a\": \x82\xa0}").rule, "json-encoding");
        assert_eq!(rule(b"{\"a\": \"\x82\xa0\"}").location.byte, Some(7));
        assert_eq!(rule(b"{\"id\":\"1\"}").rule, "fhir-resource-type");
        assert_eq!(
            rule(b"{\"resourceType\":\"Pat\",\"id\":\"1\"}").rule,
            "fhir-resource-type"
        );
        assert_eq!(
            rule(b"{\"resourceType\":\"Patient\",\"id\":\"a/b\"}").rule,
            "fhir-id"
        );
        assert_eq!(rule(b"[]").rule, "fhir-not-object");
        assert_eq!(rule(&b"[".repeat(100_000)).rule, "json-depth");
    }
}
