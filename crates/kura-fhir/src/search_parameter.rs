//! Search parameters: which elements of a resource it is searched by, and their values.
//!
//! The table `data/search-parameters.tsv` is read once. Paths are walked on the JSON tree.

use std::collections::HashMap;
use std::sync::LazyLock;

use kura_model::{IndexEntry, IndexValue, RecordKey};
use serde_json::Value;

use crate::{date, resource_type, romaji, text};

/// How a parameter is searched. FHIR R4 search.html#ptypes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Token,
    Text,
    Date,
    Number,
    Quantity,
    Uri,
    Reference,
}

impl Kind {
    /// The name in a CapabilityStatement.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Token => "token",
            Kind::Text => "string",
            Kind::Date => "date",
            Kind::Number => "number",
            Kind::Quantity => "quantity",
            Kind::Uri => "uri",
            Kind::Reference => "reference",
        }
    }

    /// The search table of the store that holds it.
    pub fn table(self) -> &'static str {
        match self {
            Kind::Token => "ix_token",
            Kind::Text => "ix_text",
            Kind::Date => "ix_date",
            Kind::Number => "ix_number",
            Kind::Quantity => "ix_quantity",
            Kind::Uri => "ix_uri",
            Kind::Reference => "ix_reference",
        }
    }
}

/// One parameter of one resource type.
#[derive(Debug)]
pub struct SearchParameter {
    /// `Observation.code`: how the store names it.
    pub name: &'static str,
    /// `code`: how a client names it.
    pub code: &'static str,
    pub kind: Kind,
    /// A patient found here owns the resource.
    pub compartment: bool,
    phonetic: bool,
    paths: Vec<Vec<&'static str>>,
}

/// Parameters every type has; their rows are named by type, as the others.
const COMMON: [(&str, Kind, &str); 2] = [
    ("_tag", Kind::Token, "meta.tag"),
    ("_security", Kind::Token, "meta.security"),
];

static TABLE: LazyLock<HashMap<&'static str, Vec<SearchParameter>>> = LazyLock::new(|| {
    let mut table: HashMap<&'static str, Vec<SearchParameter>> = HashMap::new();
    for of in crate::RESOURCE_TYPES {
        for (code, kind, path) in COMMON {
            table.entry(of).or_default().push(SearchParameter {
                name: Box::leak(format!("{of}.{code}").into_boxed_str()),
                code,
                kind,
                compartment: false,
                phonetic: false,
                paths: vec![path.split('.').collect()],
            });
        }
    }
    for line in include_str!("../data/search-parameters.tsv").lines() {
        if line.starts_with('#') || line.is_empty() {
            continue;
        }
        let mut columns = line.split('\t');
        let (Some(of), Some(code), Some(kind), Some(paths)) = (
            columns.next(),
            columns.next(),
            columns.next(),
            columns.next(),
        ) else {
            continue;
        };
        let Some(of) = resource_type(of) else {
            continue;
        };
        let parsed = match kind {
            "token" => Kind::Token,
            "string" | "phonetic" => Kind::Text,
            "date" => Kind::Date,
            "number" => Kind::Number,
            "quantity" => Kind::Quantity,
            "uri" => Kind::Uri,
            _ => Kind::Reference,
        };
        table.entry(of).or_default().push(SearchParameter {
            // Read once per process: a handful of kilobytes that live as long as it does.
            name: Box::leak(format!("{of}.{code}").into_boxed_str()),
            code,
            kind: parsed,
            compartment: kind == "patient",
            phonetic: kind == "phonetic",
            paths: paths
                .split('|')
                .map(|path| path.split('.').collect())
                .collect(),
        });
    }
    table
});

/// The parameters of a resource type, without `_id` and `_lastUpdated`, which are no elements.
pub fn parameters(kind: &str) -> &'static [SearchParameter] {
    TABLE.get(kind).map_or(&[], Vec::as_slice)
}

pub fn parameter(kind: &str, code: &str) -> Option<&'static SearchParameter> {
    parameters(kind)
        .iter()
        .find(|parameter| parameter.code == code)
}

/// What a resource is searched by.
#[derive(Debug, Default)]
pub struct Extracted {
    pub index: Vec<IndexEntry>,
    /// Patients whose compartment it belongs to.
    pub owners: Vec<RecordKey>,
}

/// Values longer than this are cut for the index: a key has to fit a page. The resource keeps
/// the whole value.
const TEXT_BYTES_INDEXED: usize = 256;

/// Extracts every index value of `resource`, which is of type `kind` and has this `id`.
pub fn extract(kind: &'static str, id: &str, resource: &Value) -> Extracted {
    let mut out = Extracted::default();
    if kind == "Patient" {
        out.owners.push(RecordKey::new(kind, id));
    }
    for parameter in parameters(kind) {
        for path in &parameter.paths {
            walk(resource, path, &mut |value| {
                take(parameter, value, &mut out);
            });
        }
    }
    out
}

fn walk<'a>(value: &'a Value, path: &[&str], visit: &mut dyn FnMut(&'a Value)) {
    if let Value::Array(items) = value {
        for item in items {
            walk(item, path, visit);
        }
        return;
    }
    match path.split_first() {
        None => visit(value),
        Some((name, rest)) => {
            if let Some(inner) = value.get(name) {
                walk(inner, rest, visit);
            }
        }
    }
}

fn take(parameter: &'static SearchParameter, value: &Value, out: &mut Extracted) {
    let mut push = |value: IndexValue| {
        out.index.push(IndexEntry {
            param: parameter.name,
            value,
        });
    };
    match parameter.kind {
        Kind::Token => tokens(value, &mut push),
        Kind::Text if parameter.phonetic => phonetic(value, &mut push),
        Kind::Text => texts(value, &mut |text| {
            let folded = text::fold(text);
            if !folded.is_empty() {
                push(IndexValue::Text(
                    cut(&folded, TEXT_BYTES_INDEXED).to_owned(),
                ));
            }
        }),
        Kind::Date => {
            if let Some((low, high)) = date_of(value) {
                push(IndexValue::Date { low, high });
            }
        }
        Kind::Number => {
            if let Some(number) = value.as_f64() {
                push(IndexValue::Number(number));
            }
        }
        Kind::Quantity => {
            if let Some(number) = value
                .get("value")
                .and_then(Value::as_f64)
                .filter(|number| number.is_finite())
            {
                let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
                push(IndexValue::Quantity {
                    value: number,
                    system: text("system"),
                    code: text("code").or_else(|| text("unit")),
                });
            }
        }
        Kind::Uri => {
            if let Some(text) = value.as_str() {
                push(IndexValue::Uri(cut(text, TEXT_BYTES_INDEXED).to_owned()));
            }
        }
        Kind::Reference => {
            if let Some(target) = value
                .get("reference")
                .and_then(Value::as_str)
                .and_then(reference)
            {
                if parameter.compartment {
                    if target.kind != "Patient" {
                        return;
                    }
                    if !out.owners.contains(&target) {
                        out.owners.push(target.clone());
                    }
                }
                out.index.push(IndexEntry {
                    param: parameter.name,
                    value: IndexValue::Reference(target),
                });
            }
        }
    }
}

/// `Type/id` of a relative reference, with or without a version; others point outside the bank
/// or inside the resource. FHIR R4 references.html#literal.
pub fn reference(text: &str) -> Option<RecordKey> {
    let mut parts = text.split('/');
    let kind = resource_type(parts.next()?)?;
    let id = parts.next().filter(|id| crate::resource::is_id(id))?;
    match (parts.next(), parts.next(), parts.next()) {
        (None, ..) | (Some("_history"), Some(_), None) => Some(RecordKey::new(kind, id)),
        _ => None,
    }
}

fn tokens(value: &Value, push: &mut dyn FnMut(IndexValue)) {
    let mut token = |system: Option<&str>, code: &str| {
        if !code.is_empty() {
            push(IndexValue::Token {
                system: system.map(str::to_owned),
                code: cut(code, TEXT_BYTES_INDEXED).to_owned(),
            });
        }
    };
    let text = |value: &'_ Value, name: &str| -> Option<String> {
        value.get(name).and_then(Value::as_str).map(str::to_owned)
    };
    match value {
        Value::String(code) => token(None, code),
        Value::Bool(flag) => token(None, if *flag { "true" } else { "false" }),
        Value::Object(_) => {
            if let Some(Value::Array(codings)) = value.get("coding") {
                for coding in codings {
                    if let Some(code) = text(coding, "code") {
                        token(text(coding, "system").as_deref(), &code);
                    }
                }
            } else if let Some(code) = text(value, "code") {
                token(text(value, "system").as_deref(), &code);
            } else if let Some(code) = text(value, "value") {
                token(text(value, "system").as_deref(), &code);
            }
        }
        _ => {}
    }
}

/// FHIR R4 search.html#string: a name or an address matches by any of its parts.
fn texts(value: &Value, take: &mut dyn FnMut(&str)) {
    match value {
        Value::String(text) => take(text),
        Value::Object(members) => {
            for name in [
                "text",
                "family",
                "given",
                "prefix",
                "suffix",
                "line",
                "city",
                "district",
                "state",
                "postalCode",
                "country",
            ] {
                match members.get(name) {
                    Some(Value::String(text)) => take(text),
                    Some(Value::Array(items)) => {
                        items.iter().filter_map(Value::as_str).for_each(&mut *take);
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

fn phonetic(name: &Value, push: &mut dyn FnMut(IndexValue)) {
    let mut parts: Vec<&str> = Vec::new();
    if let Some(text) = name.get("text").and_then(Value::as_str) {
        parts.push(text);
        parts.extend(text.split_whitespace());
    }
    if let Some(family) = name.get("family").and_then(Value::as_str) {
        parts.push(family);
    }
    if let Some(given) = name.get("given").and_then(Value::as_array) {
        parts.extend(given.iter().filter_map(Value::as_str));
    }
    let mut keys: Vec<String> = parts
        .into_iter()
        .filter_map(|part| {
            if part.is_ascii() {
                Some(romaji::key(part)).filter(|key| !key.is_empty())
            } else {
                romaji::kana_key(part)
            }
        })
        .collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        push(IndexValue::Text(cut(&key, TEXT_BYTES_INDEXED).to_owned()));
    }
}

/// The whole span of a date, a Period or a Timing.
fn date_of(value: &Value) -> Option<(i64, i64)> {
    const OPEN: i64 = i64::MAX / 4;
    match value {
        Value::String(text) => date::range(text),
        Value::Object(members) => {
            if let Some(Value::Array(events)) = members.get("event") {
                let ranges: Vec<_> = events.iter().filter_map(date_of).collect();
                return Some((
                    ranges.iter().map(|range| range.0).min()?,
                    ranges.iter().map(|range| range.1).max()?,
                ));
            }
            if let Some(bounds) = value.pointer("/repeat/boundsPeriod") {
                return date_of(bounds);
            }
            let edge = |name: &str| {
                members
                    .get(name)
                    .and_then(Value::as_str)
                    .and_then(date::range)
            };
            match (edge("start"), edge("end")) {
                (None, None) => None,
                (start, end) => Some((
                    start.map_or(-OPEN, |range| range.0),
                    end.map_or(OPEN, |range| range.1),
                )),
            }
        }
        _ => None,
    }
}

/// At most `bytes` bytes, ending at a character.
fn cut(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let mut end = bytes;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patient_is_found_by_kanji_kana_and_sound() {
        let patient = json!({
            "name": [{"text": "小野 綾子", "family": "小野", "given": ["綾子"]},
                     {"text": "オノ アヤコ", "family": "オノ", "given": ["アヤコ"]}],
            "identifier": [{"system": "urn:x", "value": "1"}],
        });
        let found = extract("Patient", "p", &patient);
        let texts = |name: &str| -> Vec<String> {
            found
                .index
                .iter()
                .filter(|entry| entry.param == name)
                .filter_map(|entry| match &entry.value {
                    IndexValue::Text(text) => Some(text.clone()),
                    _ => None,
                })
                .collect()
        };
        assert!(texts("Patient.name").contains(&"小野綾子".to_owned()));
        assert!(texts("Patient.name").contains(&"おのあやこ".to_owned()));
        assert_eq!(texts("Patient.phonetic"), ["ayako", "ono", "onoayako"]);
        assert_eq!(found.owners, [RecordKey::new("Patient", "p")]);
    }

    #[test]
    fn references_of_every_shape() {
        assert_eq!(
            reference("Patient/a/_history/2"),
            Some(RecordKey::new("Patient", "a"))
        );
        for other in [
            "#p",
            "urn:uuid:1",
            "http://x/Patient/a",
            "Patient/",
            "Nothing/a",
            "Patient/a/b",
        ] {
            assert_eq!(reference(other), None, "{other}");
        }
    }

    #[test]
    fn every_row_of_the_table_is_read() {
        let rows = include_str!("../data/search-parameters.tsv")
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
            .count();
        let common = crate::RESOURCE_TYPES.len() * COMMON.len();
        assert_eq!(rows + common, TABLE.values().map(Vec::len).sum::<usize>());
    }
}
