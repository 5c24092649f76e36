//! Snapshots made here beside those that JP Core and JP-CLINS carry, which SUSHI and HL7's publisher
//! made.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::support;

/// What of an element decides whether a resource conforms.
fn decides(element: &Value) -> Value {
    let mut out = serde_json::Map::new();
    for (key, value) in element.as_object().into_iter().flatten() {
        let kept = match key.as_str() {
            "min" | "max" | "sliceName" | "maxLength" | "contentReference" => value.clone(),
            "type" => {
                let types = value.as_array().into_iter().flatten().map(|one| {
                    let mut targets: Vec<&str> = one["targetProfile"]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .filter_map(Value::as_str)
                        .collect();
                    targets.sort_unstable();
                    let code = one["code"].as_str().unwrap_or_default();
                    // Both name the type of an id or a url of an extension.
                    let code = match code {
                        "http://hl7.org/fhirpath/System.String" => "string",
                        "uri"
                            if element["path"].as_str().is_some_and(|path| {
                                path == "Extension.url" || path.ends_with(".extension.url")
                            }) =>
                        {
                            "string"
                        }
                        other => other,
                    };
                    json!({ "code": code, "profile": one["profile"], "targets": targets })
                });
                Value::Array(types.collect())
            }
            "binding" if matches!(value["strength"].as_str(), Some("required" | "extensible")) => {
                let set = value["valueSet"].as_str().unwrap_or_default();
                let set = set.split('|').next().unwrap_or_default();
                json!([value["strength"], set])
            }
            "constraint" => {
                let keys = value.as_array().into_iter().flatten();
                let keys = keys.filter_map(|one| one["key"].as_str());
                let keys: BTreeSet<&str> = keys
                    .filter(|key| !matches!(*key, "ele-1" | "ext-1"))
                    .collect();
                if keys.is_empty() {
                    continue;
                }
                json!(keys)
            }
            "slicing" => json!([value["discriminator"], value["rules"]]),
            _ if ["fixed", "pattern", "minValue", "maxValue"]
                .iter()
                .any(|one| key.starts_with(one)) =>
            {
                value.clone()
            }
            _ => continue,
        };
        out.insert(key.clone(), kept);
    }
    Value::Object(out)
}

#[test]
fn snapshots_are_those_that_the_packages_carry() {
    let Some(definitions) = support::jp() else {
        return;
    };
    let (mut profiles, mut elements, mut same, mut equal) = (0, 0, 0, 0);
    let mut differences: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for name in support::JP_PACKAGES {
        let Some(file) = support::data(name) else {
            return;
        };
        for (_, structure) in support::package(&file) {
            if structure["resourceType"] != "StructureDefinition" {
                continue;
            }
            let url = structure["url"].as_str().unwrap_or_default();
            let url = url.rsplit('/').next().unwrap_or_default().to_owned();
            profiles += 1;
            let made = match kura_validation::snapshot(&definitions, &structure) {
                Ok(made) => made,
                Err(error) => {
                    let entry = differences
                        .entry(format!("no snapshot: {error}"))
                        .or_default();
                    entry.0 += 1;
                    entry.1 = url;
                    continue;
                }
            };
            let by_id = |all: &[Value]| -> BTreeMap<String, Value> {
                let all = all.iter();
                all.map(|one| {
                    (
                        one["id"].as_str().unwrap_or_default().to_owned(),
                        decides(one),
                    )
                })
                .collect()
            };
            let made = by_id(&made);
            let carried = by_id(
                structure["snapshot"]["element"]
                    .as_array()
                    .expect("elements"),
            );
            let mut differs = false;
            for (id, wanted) in &carried {
                elements += 1;
                let mut note = |what: String| {
                    differs = true;
                    let entry = differences.entry(what).or_default();
                    entry.0 += 1;
                    entry.1 = format!("{url} {id}");
                };
                let Some(own) = made.get(id) else {
                    note("not made".to_owned());
                    continue;
                };
                if own == wanted {
                    same += 1;
                    continue;
                }
                let keys: BTreeSet<&String> = [own, wanted]
                    .into_iter()
                    .flat_map(|one| one.as_object().into_iter().flat_map(|map| map.keys()))
                    .collect();
                for key in keys
                    .into_iter()
                    .filter(|key| own[key.as_str()] != wanted[key.as_str()])
                {
                    note(format!(
                        "{key} differs {} {}",
                        own[key.as_str()],
                        wanted[key.as_str()]
                    ));
                }
            }
            for id in made.keys().filter(|id| !carried.contains_key(*id)) {
                differs = true;
                let entry = differences.entry("made too much".to_owned()).or_default();
                entry.0 += 1;
                entry.1 = format!("{url} {id}");
            }
            equal += usize::from(!differs);
        }
    }
    println!("{profiles} profiles, {equal} alike; {elements} elements, {same} alike");
    for (what, (count, example)) in &differences {
        println!("  {count} {what}, such as {example}");
    }
    assert_eq!(profiles, 138);
    // Those that differ are JP-CLINS profiles made on another release of JP Core: ten fixed systems,
    // and the profile of a Quantity twice.
    assert_eq!(elements - same, 12);
    assert!(
        differences
            .keys()
            .all(|one| one.starts_with("fixedUri") || one.starts_with("type"))
    );
}
