//! `conformance FOLDER`: what `kura-validation` carries of FHIR R4: the structures of all types, the
//! extensions and profiles that HL7 publishes with R4, and its terminology, cut down to what
//! decides whether a resource conforms.
//!
//! HL7's npm package `hl7.fhir.r4.examples` (4.0.1, CC0) has them, a file each.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

const OUT: &str = "crates/kura-validation/data/r4.tsv.zst";
/// Whose definitions are R4's own; the package has examples of others too.
const OWN: &[&str] = &["http://hl7.org/fhir/", "http://terminology.hl7.org/"];
const HEADER: &str = "\
# Definitions of FHIR R4 (4.0.1), a resource a line: type, url, version, JSON.
# Source: HL7 FHIR R4 definitions. Licence: CC0 1.0.
# Made by `cargo run -p xtask -- conformance FOLDER`; do not edit.
";

/// Invariants that stand on every element and that the validator knows by itself.
const EVERYWHERE: &[&str] = &["ele-1", "ext-1"];

pub fn make(arguments: &[String]) -> Result<(), String> {
    let [folder] = arguments else {
        return Err("usage: cargo run -p xtask -- conformance FOLDER".to_owned());
    };
    let mut rows = BTreeMap::new();
    let files = std::fs::read_dir(folder).map_err(|error| format!("{folder}: {error}"))?;
    for file in files {
        let path = file.map_err(|error| error.to_string())?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(kind) = name
            .and_then(|name| name.split_once('-'))
            .map(|(kind, _)| kind)
        else {
            continue;
        };
        if !matches!(
            kind,
            "StructureDefinition" | "ValueSet" | "CodeSystem" | "ConceptMap"
        ) {
            continue;
        }
        let text = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let resource: Value = serde_json::from_slice(&text)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let url = resource["url"].as_str().unwrap_or_default();
        // R4 has a few profiles as examples only, of another version or without one.
        let is_own = OWN.iter().any(|own| url.starts_with(own))
            && (kind != "StructureDefinition"
                || (resource["fhirVersion"] == "4.0.1" && resource["kind"] != "logical"));
        if !is_own {
            continue;
        }
        let slim = match kind {
            "StructureDefinition" => structure(&resource),
            "ValueSet" => keep(&resource, &["name", "status", "compose", "expansion"]),
            "ConceptMap" => keep(
                &resource,
                &[
                    "name",
                    "status",
                    "sourceUri",
                    "sourceCanonical",
                    "targetUri",
                    "targetCanonical",
                    "group",
                ],
            ),
            _ => keep(
                &resource,
                &[
                    "name",
                    "content",
                    "caseSensitive",
                    "hierarchyMeaning",
                    "supplements",
                    "property",
                    "concept",
                ],
            ),
        };
        let version = resource["version"].as_str().unwrap_or_default();
        let slim = without_text(slim);
        let row = format!("{kind}\t{url}\t{version}\t{slim}\n");
        rows.insert((kind.to_owned(), url.to_owned()), row);
    }
    let mut out = HEADER.to_owned();
    rows.values().for_each(|row| out.push_str(row));
    let packed = zstd::bulk::compress(out.as_bytes(), 19).map_err(|error| error.to_string())?;
    std::fs::write(OUT, &packed).map_err(|error| format!("{OUT}: {error}"))?;
    println!(
        "{OUT}: {} definitions, {} bytes, {} packed",
        rows.len(),
        out.len(),
        packed.len()
    );
    Ok(())
}

fn keep(resource: &Value, keys: &[&str]) -> Value {
    let mut slim = Map::new();
    for key in ["resourceType", "url", "version"].iter().chain(keys) {
        if let Some(value) = resource.get(*key) {
            slim.insert((*key).to_owned(), value.clone());
        }
    }
    Value::Object(slim)
}

fn structure(definition: &Value) -> Value {
    let mut slim = keep(
        definition,
        &[
            "type",
            "kind",
            "abstract",
            "derivation",
            "baseDefinition",
            "context",
            "contextInvariant",
        ],
    );
    let elements = definition["snapshot"]["element"].as_array();
    let elements: Vec<Value> = elements.into_iter().flatten().map(element).collect();
    slim["snapshot"] = serde_json::json!({ "element": elements });
    slim
}

fn element(element: &Value) -> Value {
    let mut slim = Map::new();
    for (key, value) in element.as_object().into_iter().flatten() {
        let one = match key.as_str() {
            "id" | "path" | "sliceName" | "min" | "max" | "contentReference" | "slicing"
            | "maxLength" => value.clone(),
            "isModifier" if value == true => value.clone(),
            "type" => types(value),
            "binding" => pick(value, &["strength", "valueSet"]),
            "constraint" => {
                let constraints = value.as_array().into_iter().flatten();
                let constraints: Vec<Value> = constraints
                    .filter(|one| !EVERYWHERE.contains(&one["key"].as_str().unwrap_or_default()))
                    .map(|one| pick(one, &["key", "severity", "human", "expression"]))
                    .collect();
                if constraints.is_empty() {
                    continue;
                }
                Value::Array(constraints)
            }
            _ if ["fixed", "pattern", "minValue", "maxValue"]
                .iter()
                .any(|prefix| key.starts_with(prefix)) =>
            {
                value.clone()
            }
            _ => continue,
        };
        slim.insert(key.clone(), one);
    }
    Value::Object(slim)
}

/// Without the extensions, but for the FHIR type that a system type stands for.
fn types(value: &Value) -> Value {
    let one = |one: &Value| {
        let mut slim = pick(one, &["code", "profile", "targetProfile", "aggregation"]);
        let named = one["extension"].as_array().into_iter().flatten();
        let named = named
            .filter(|extension| {
                extension["url"]
                    .as_str()
                    .is_some_and(|url| url.ends_with("structuredefinition-fhir-type"))
            })
            .find_map(|extension| extension.get("valueUrl"));
        if let Some(named) = named {
            slim["code"] = named.clone();
        }
        slim
    };
    Value::Array(value.as_array().into_iter().flatten().map(one).collect())
}

fn pick(value: &Value, keys: &[&str]) -> Value {
    let mut slim = Map::new();
    for key in keys {
        if let Some(one) = value.get(*key) {
            slim.insert((*key).to_owned(), one.clone());
        }
    }
    Value::Object(slim)
}

/// Definitions of concepts, translations and extensions decide nothing.
fn without_text(value: Value) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .filter(|(key, _)| {
                !matches!(
                    key.as_str(),
                    "definition" | "designation" | "extension" | "description" | "_code"
                )
            })
            .map(|(key, value)| (key, without_text(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(values) => values.into_iter().map(without_text).collect(),
        other => other,
    }
}
