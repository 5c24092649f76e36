//! A resource in part: `_summary` and `_elements`. FHIR R4 search.html#summary, #elements.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

/// FHIR R4 valueset-summary.html, without `count`, which is no form of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Summary {
    /// Elements the definition of the type marks as summary.
    True,
    /// Narrative, id, meta and mandatory elements.
    Text,
    /// Everything but the narrative.
    Data,
    False,
}

impl Summary {
    pub fn of(text: &str) -> Option<Self> {
        Some(match text {
            "true" => Summary::True,
            "text" => Summary::Text,
            "data" => Summary::Data,
            "false" => Summary::False,
            _ => return None,
        })
    }
}

/// Top-level elements of one type.
#[derive(Default)]
struct Elements {
    summary: HashSet<&'static str>,
    mandatory: HashSet<&'static str>,
    /// Dotted paths inside summary elements that are not summary themselves.
    hidden: Vec<Vec<&'static str>>,
}

static TABLE: LazyLock<HashMap<&'static str, Elements>> = LazyLock::new(|| {
    include_str!("../data/summary.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut columns = line.split('\t');
            let kind = columns.next()?;
            let mut names = || -> Vec<&'static str> {
                let names = columns.next().unwrap_or_default();
                names.split(',').filter(|name| !name.is_empty()).collect()
            };
            Some((
                kind,
                Elements {
                    summary: names().into_iter().collect(),
                    mandatory: names().into_iter().collect(),
                    hidden: names()
                        .into_iter()
                        .map(|path| path.split('.').collect())
                        .collect(),
                },
            ))
        })
        .collect()
});

/// Whether `names` has a JSON member: `_birthDate` stands by `birthDate`, `valueQuantity` by
/// `value[x]`.
fn has(names: &HashSet<&str>, member: &str) -> bool {
    let name = member.strip_prefix('_').unwrap_or(member);
    if names.contains(name) {
        return true;
    }
    // A choice of type: the name goes on with a capital.
    name.char_indices().skip(1).any(|(at, letter)| {
        letter.is_ascii_uppercase() && names.contains(format!("{}[x]", &name[..at]).as_str())
    })
}

/// What is asked of each resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Summary(Summary),
    /// Names of top-level elements, or `Type.element` for one type.
    Elements(Vec<String>),
}

/// Takes away what was not asked for, and says so with the tag SUBSETTED. A Bundle of results or
/// of history stays; its resources are cut. An OperationOutcome is never cut.
pub fn cut(resource: &mut Value, part: &Part) {
    let kind = resource
        .get("resourceType")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    if kind == "OperationOutcome" || *part == Part::Summary(Summary::False) {
        return;
    }
    let container = matches!(
        resource.get("type").and_then(Value::as_str),
        Some("searchset" | "history" | "batch-response" | "transaction-response")
    );
    if kind == "Bundle" && container {
        if let Some(Value::Array(entries)) = resource.get_mut("entry") {
            for entry in entries {
                if let Some(inner) = entry.get_mut("resource") {
                    cut(inner, part);
                }
            }
        }
        return;
    }
    let empty = Elements::default();
    let elements = TABLE.get(kind.as_str()).unwrap_or(&empty);
    let Value::Object(members) = resource else {
        return;
    };
    match part {
        Part::Summary(Summary::Data) => {
            members.shift_remove("text");
        }
        Part::Summary(Summary::Text) => members
            .retain(|name, _| always(name) || name == "text" || has(&elements.mandatory, name)),
        Part::Summary(_) => {
            members.retain(|name, _| {
                always(name) || has(&elements.summary, name) || has(&elements.mandatory, name)
            });
            for path in &elements.hidden {
                hide(members, path);
            }
        }
        Part::Elements(wanted) => {
            let wanted: HashSet<&str> = wanted
                .iter()
                .filter_map(|name| match name.split_once('.') {
                    Some((of, name)) => (of == kind).then_some(name),
                    None => Some(name.as_str()),
                })
                .collect();
            // Asked for elements of other types only: this one is whole. search.html#elements
            if wanted.is_empty() {
                return;
            }
            members.retain(|name, _| {
                always(name)
                    || has(&wanted, name)
                    || wanted.contains(name.strip_prefix('_').unwrap_or(name))
                    || has(&elements.mandatory, name)
            });
        }
    }
    // Said even if nothing had to go: whoever reads a part must not write it back as the whole.
    mark(members);
}

fn always(name: &str) -> bool {
    matches!(name, "resourceType" | "id" | "meta")
}

fn hide(members: &mut Map<String, Value>, path: &[&str]) {
    let Some((name, rest)) = path.split_first() else {
        return;
    };
    if rest.is_empty() {
        let names = HashSet::from([*name]);
        members.retain(|member, _| !has(&names, member));
        return;
    }
    match members.get_mut(*name) {
        Some(Value::Object(inner)) => hide(inner, rest),
        Some(Value::Array(items)) => {
            for item in items {
                if let Value::Object(inner) = item {
                    hide(inner, rest);
                }
            }
        }
        _ => {}
    }
}

const OBSERVATION_VALUE: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";

fn mark(members: &mut Map<String, Value>) {
    let meta = members.entry("meta").or_insert_with(|| json!({}));
    if let Value::Object(meta) = meta
        && let Value::Array(tags) = meta.entry("tag").or_insert_with(|| json!([]))
        && !tags.iter().any(is_mark)
    {
        tags.push(json!({ "system": OBSERVATION_VALUE, "code": "SUBSETTED" }));
    }
}

fn is_mark(tag: &Value) -> bool {
    tag.get("code").and_then(Value::as_str) == Some("SUBSETTED")
        && tag.get("system").and_then(Value::as_str) == Some(OBSERVATION_VALUE)
}

/// Whether a resource says of itself that it is a part. Such a one is not written.
pub fn is_part(resource: &Value) -> bool {
    resource
        .get("meta")
        .and_then(|meta| meta.get("tag"))
        .and_then(Value::as_array)
        .is_some_and(|tags| tags.iter().any(is_mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observation() -> Value {
        json!({"resourceType": "Observation", "id": "o", "meta": {"versionId": "1"},
            "text": {"status": "generated", "div": "<div/>"}, "status": "final", "_status": {"id": "s"},
            "code": {"text": "x"}, "method": {"text": "m"}, "note": [{"text": "n"}],
            "valueQuantity": {"value": 1}, "component": [{"code": {"text": "c"}, "valueString": "v", "interpretation": []}]})
    }

    fn names(value: &Value) -> Vec<&str> {
        value
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect()
    }

    #[test]
    fn each_form_of_a_summary() {
        let of = |summary| {
            let mut value = observation();
            cut(&mut value, &Part::Summary(summary));
            value
        };
        let short = of(Summary::True);
        assert_eq!(
            names(&short),
            [
                "resourceType",
                "id",
                "meta",
                "status",
                "_status",
                "code",
                "valueQuantity",
                "component"
            ]
        );
        assert_eq!(
            short["component"],
            json!([{"code": {"text": "c"}, "valueString": "v"}])
        );
        assert!(is_part(&short));
        assert_eq!(short["meta"]["versionId"], "1");
        assert_eq!(
            names(&of(Summary::Text)),
            [
                "resourceType",
                "id",
                "meta",
                "text",
                "status",
                "_status",
                "code"
            ]
        );
        let data = of(Summary::Data);
        assert!(data.get("text").is_none() && data.get("note").is_some() && is_part(&data));
        assert_eq!(of(Summary::False), observation());
    }

    #[test]
    fn elements_with_the_mandatory_ones_in_bundles_too() {
        let mut bundle = json!({"resourceType": "Bundle", "type": "searchset", "total": 1, "entry": [
            {"resource": observation()},
            {"resource": {"resourceType": "OperationOutcome", "issue": []}}]});
        let part = Part::Elements(vec![
            "note".to_owned(),
            "value".to_owned(),
            "Patient.name".to_owned(),
        ]);
        cut(&mut bundle, &part);
        assert_eq!(
            names(&bundle["entry"][0]["resource"]),
            [
                "resourceType",
                "id",
                "meta",
                "status",
                "_status",
                "code",
                "note"
            ]
        );
        assert_eq!(bundle["total"], 1);
        assert_eq!(bundle["entry"][1]["resource"]["issue"], json!([]));
    }

    #[test]
    fn the_table_knows_every_type_but_the_abstract() {
        for kind in crate::RESOURCE_TYPES {
            assert!(TABLE.contains_key(kind), "{kind}");
        }
    }
}
