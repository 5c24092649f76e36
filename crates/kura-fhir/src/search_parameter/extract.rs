//! The index rows of a resource.

use kura_fhirpath::{Environment, Item};
use kura_model::{IndexEntry, IndexValue, RecordKey};
use serde_json::Value;

use super::registry::Registry;
use super::{Kind, Place, form};
use crate::{date, resource_type, romaji};

/// What a resource is searched by.
#[derive(Debug, Default)]
pub struct Extracted {
    pub index: Vec<IndexEntry>,
    /// Patients whose compartment it belongs to.
    pub owners: Vec<RecordKey>,
}

/// Groups of one composite that are told apart; more share the last.
const GROUPS: usize = 4096;

impl Registry {
    /// Extracts every index value of `resource`, which is of type `kind` and has this `id`.
    pub fn extract(&self, kind: &'static str, id: &str, resource: &Value) -> Extracted {
        let mut out = Extracted::default();
        if kind == "Patient" {
            out.owners.push(RecordKey::new(kind, id));
        }
        let table = self.table(kind);
        let environment = Environment {
            resource: Some(resource),
            ..Environment::default()
        };
        for place in &table.places {
            // An expression that fails on this resource finds nothing in it.
            let found = place
                .expression
                .evaluate(resource, &environment)
                .unwrap_or_default();
            for item in &found {
                take(place, item, &mut out, &mut |value| value);
            }
        }
        for group in &table.groups {
            let focuses = group
                .focus
                .evaluate(resource, &environment)
                .unwrap_or_default();
            for (number, focus) in focuses.iter().enumerate() {
                let group_number = number.min(GROUPS - 1) as u16;
                for place in &group.places {
                    let found = place
                        .expression
                        .evaluate_on(focus.clone(), &environment)
                        .unwrap_or_default();
                    for item in &found {
                        take(place, item, &mut out, &mut |value| IndexValue::Member {
                            group: group_number,
                            value: Box::new(value),
                        });
                    }
                }
            }
        }
        out
    }

    /// The records of the bank that references of `resource` point at: by one parameter, or by
    /// all if `code` is absent.
    pub fn references(&self, kind: &str, code: Option<&str>, resource: &Value) -> Vec<RecordKey> {
        let table = self.table(kind);
        let environment = Environment {
            resource: Some(resource),
            ..Environment::default()
        };
        let mut out: Vec<RecordKey> = Vec::new();
        let slots = table
            .parameters
            .iter()
            .filter(|parameter| {
                parameter.kind == Kind::Reference && code.is_none_or(|code| parameter.code == code)
            })
            .flat_map(|parameter| &parameter.slots);
        for slot in slots {
            let Some(place) = table.places.iter().find(|place| place.name == slot.name) else {
                continue;
            };
            let found = place
                .expression
                .evaluate(resource, &environment)
                .unwrap_or_default();
            let targets = found
                .iter()
                .filter_map(Item::json)
                .filter_map(|value| value.get("reference").unwrap_or(value).as_str())
                .filter_map(reference);
            for target in targets {
                if slot.only.is_none_or(|only| only == target.kind) && !out.contains(&target) {
                    out.push(target);
                }
            }
        }
        out
    }
}

fn take(
    place: &Place,
    item: &Item<'_>,
    out: &mut Extracted,
    wrap: &mut dyn FnMut(IndexValue) -> IndexValue,
) {
    let computed;
    let value = match item.json() {
        Some(value) => value,
        // What an expression computes, such as whether a patient is dead.
        None => match item.as_bool() {
            Some(value) => {
                computed = Value::Bool(value);
                &computed
            }
            None => return,
        },
    };
    let mut push = |param: &'static str, value: IndexValue| {
        let entry = IndexEntry {
            param,
            value: wrap(value),
        };
        out.index.push(entry);
    };
    match place.kind {
        Kind::Token => tokens(place, value, &mut push),
        Kind::Text if place.phonetic => phonetic(value, &mut |key| {
            push(place.name, IndexValue::Text(key));
        }),
        Kind::Text => texts(value, &mut |text| {
            if let Some(stored) = form::text(text) {
                push(place.name, IndexValue::Text(stored));
            }
        }),
        Kind::Date => {
            if let Some((low, high)) = date_of(value) {
                push(place.name, IndexValue::Date { low, high });
            }
        }
        Kind::Number => {
            if let Some(number) = value.as_f64() {
                push(place.name, IndexValue::Number(number));
            }
        }
        Kind::Quantity => quantities(place, value, &mut push),
        Kind::Uri => {
            if let Some(text) = value.as_str() {
                push(place.name, IndexValue::Term(form::uri(text)));
            }
        }
        Kind::Reference => {
            references(place, value, &mut push);
            if place.owner
                && let Some(target) = value
                    .get("reference")
                    .and_then(Value::as_str)
                    .and_then(reference)
                && target.kind == "Patient"
                && !out.owners.contains(&target)
            {
                out.owners.push(target);
            }
        }
        Kind::Special => {
            // Location.position: latitude, then longitude 1,000 degrees away.
            for (name, away) in [("latitude", 0.0), ("longitude", form::LONGITUDE)] {
                if let Some(number) = value.get(name).and_then(Value::as_f64) {
                    push(place.name, IndexValue::Number(number + away));
                }
            }
        }
        Kind::Composite => {}
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

fn references(place: &Place, value: &Value, push: &mut dyn FnMut(&'static str, IndexValue)) {
    let literal = match value {
        // A canonical.
        Value::String(text) => Some(text.as_str()),
        _ => value.get("reference").and_then(Value::as_str),
    };
    if let Some(text) = literal.filter(|text| !text.starts_with('#')) {
        match reference(text) {
            Some(target) => push(place.name, IndexValue::Reference(target)),
            None => {
                for target in form::outside(text) {
                    push(place.name, IndexValue::Reference(target));
                }
            }
        }
    }
    if let Some(identifier) = value.get("identifier")
        && let Some(code) = text(identifier, "value")
    {
        push(
            place.identifier,
            IndexValue::Token {
                system: text(identifier, "system").map(str::to_owned),
                code: form::code(code),
            },
        );
    }
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

fn tokens(place: &Place, value: &Value, push: &mut dyn FnMut(&'static str, IndexValue)) {
    let token = |system: Option<&str>, code: &str| {
        (!code.is_empty()).then(|| IndexValue::Token {
            system: system.map(str::to_owned),
            code: form::code(code),
        })
    };
    let mut add = |system: Option<&str>, code: &str| {
        if let Some(value) = token(system, code) {
            push(place.name, value);
        }
    };
    match value {
        Value::String(code) => add(None, code),
        Value::Bool(flag) => add(None, if *flag { "true" } else { "false" }),
        Value::Number(number) => add(None, &number.to_string()),
        Value::Object(members) => {
            let codings = members.get("coding").and_then(Value::as_array);
            for coding in codings.into_iter().flatten() {
                if let Some(code) = text(coding, "code") {
                    add(text(coding, "system"), code);
                }
            }
            let own = text(value, "code").or_else(|| text(value, "value"));
            if codings.is_none()
                && let Some(code) = own
            {
                add(text(value, "system"), code);
            }
            let kind = members.get("type").filter(|kind| kind.is_object());
            // FHIR R4 search.html#token: :of-type is system|code|value.
            if let (Some(kind), Some(number)) = (kind, text(value, "value")) {
                let types = kind.get("coding").and_then(Value::as_array);
                for coding in types.into_iter().flatten() {
                    if let Some(code) = text(coding, "code") {
                        push(
                            place.of_type,
                            IndexValue::Token {
                                system: text(coding, "system").map(str::to_owned),
                                code: form::of_type(code, number),
                            },
                        );
                    }
                }
            }
            // :text looks at what people read.
            let read = codings
                .into_iter()
                .flatten()
                .filter_map(|coding| text(coding, "display"))
                .chain(text(value, "text"))
                .chain(text(value, "display"))
                .chain(kind.and_then(|kind| text(kind, "text")));
            let mut last = None;
            for read in read {
                if last != Some(read)
                    && let Some(term) = form::term(read)
                {
                    push(place.text, IndexValue::Term(term));
                }
                last = Some(read);
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

fn phonetic(name: &Value, push: &mut dyn FnMut(String)) {
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
        push(form::code(&key));
    }
}

/// A Quantity, a Money, or the two ends of a Range.
fn quantities(place: &Place, value: &Value, push: &mut dyn FnMut(&'static str, IndexValue)) {
    for end in ["low", "high"] {
        if let Some(end) = value.get(end) {
            quantities(place, end, push);
        }
    }
    let Some(number) = value
        .get("value")
        .and_then(Value::as_f64)
        .filter(|number| number.is_finite())
    else {
        return;
    };
    let (system, code) = match text(value, "currency") {
        Some(currency) => (Some(form::CURRENCY), Some(currency)),
        None => (
            text(value, "system"),
            text(value, "code").or_else(|| text(value, "unit")),
        ),
    };
    push(
        place.name,
        IndexValue::Quantity {
            value: number,
            system: system.map(str::to_owned),
            code: code.map(form::code),
        },
    );
    // The same amount in base units, so that grams find milligrams.
    if system == Some(form::UCUM)
        && let Some((canonical, unit)) = code.and_then(|code| form::canonical(number, code))
    {
        push(
            place.base,
            IndexValue::Quantity {
                value: canonical,
                system: None,
                code: Some(unit),
            },
        );
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn extract(kind: &'static str, resource: &Value) -> Extracted {
        Registry::r4().extract(kind, "p", resource)
    }

    fn rows<'a>(found: &'a Extracted, name: &str) -> Vec<&'a IndexValue> {
        found
            .index
            .iter()
            .filter(|entry| entry.param == name)
            .map(|entry| &entry.value)
            .collect()
    }

    #[test]
    fn a_patient_is_found_by_kanji_kana_and_sound() {
        let patient = json!({
            "resourceType": "Patient",
            "name": [{"text": "小野 綾子", "family": "小野", "given": ["綾子"]},
                     {"text": "オノ アヤコ", "family": "オノ", "given": ["アヤコ"]}],
            "identifier": [{"system": "urn:x", "value": "1"}],
        });
        let found = extract("Patient", &patient);
        let texts = |name: &str| -> Vec<String> {
            rows(&found, name)
                .into_iter()
                .filter_map(|value| match value {
                    IndexValue::Text(text) => Some(text.clone()),
                    _ => None,
                })
                .collect()
        };
        let name = texts("Patient.name");
        assert!(
            name.contains(&"小野綾子\u{1}小野 綾子".to_owned()),
            "{name:?}"
        );
        assert!(name.contains(&"小野".to_owned()));
        assert!(name.iter().any(|text| text.starts_with("おのあやこ")));
        assert_eq!(texts("Patient.phonetic"), ["ayako", "ono", "onoayako"]);
        assert_eq!(found.owners, [RecordKey::new("Patient", "p")]);
    }

    #[test]
    fn an_observation_in_all_its_rows() {
        let observation = json!({
            "resourceType": "Observation", "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9", "display": "BP"}], "text": "血圧"},
            "subject": {"reference": "Patient/7", "identifier": {"system": "urn:n", "value": "N7"}},
            "effectiveDateTime": "2026-05-01",
            "component": [
                {"code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
                 "valueQuantity": {"value": 120, "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}},
                {"code": {"coding": [{"system": "http://loinc.org", "code": "8462-4"}]},
                 "valueQuantity": {"value": 80, "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}},
            ],
            "meta": {"profile": ["http://jpfhir.jp/p"]},
        });
        let found = extract("Observation", &observation);
        assert_eq!(found.owners, [RecordKey::new("Patient", "7")]);
        assert_eq!(rows(&found, "Observation.subject").len(), 1);
        assert_eq!(rows(&found, "Observation.patient").len(), 0);
        assert_eq!(rows(&found, "Observation.subject:identifier").len(), 1);
        assert_eq!(
            rows(&found, "Observation.code:text"),
            [
                &IndexValue::Term("bp".into()),
                &IndexValue::Term("血圧".into())
            ]
        );
        assert_eq!(rows(&found, "Observation._profile").len(), 1);
        let grouped: Vec<_> = found
            .index
            .iter()
            .filter_map(|entry| match &entry.value {
                IndexValue::Member { group, .. } => Some((entry.param, *group)),
                _ => None,
            })
            .collect();
        assert!(grouped.iter().any(|(_, group)| *group == 1), "{grouped:?}");
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
}
