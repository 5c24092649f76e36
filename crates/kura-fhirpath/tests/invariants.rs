//! The invariants of FHIR R4 and of JP Core: each compiles, passes the check against the type it
//! constrains, and evaluates on the synthetic hospital.
//!
//! R4's come from HL7's `profiles-resources.json` and `profiles-types.json` in the folder
//! `KURA_FHIR_DEFINITIONS` (see `search_parameters.rs`).
#![allow(clippy::print_stdout, reason = "says what is skipped")]

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use flate2::read::GzDecoder;
use kura_fhirpath::{Environment, Expression};
use serde_json::Value;

/// Invariants of R4 that the check refuses, with what is wrong with them as published.
const REFUSED: &[(&str, &str)] = &[
    // A ChargeItemDefinition has a title and no name.
    ("ChargeItemDefinition", "cid-0"),
];

fn hospital(kind: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/hospital-jp/fhir")
        .join(format!("{kind}.ndjson.gz"));
    let Ok(file) = std::fs::File::open(path) else {
        return Vec::new();
    };
    let lines = BufReader::new(GzDecoder::new(file)).lines().take(200);
    lines
        .map(|line| serde_json::from_str(&line.expect("text")).expect("a resource"))
        .collect()
}

#[test]
fn every_invariant_of_r4_compiles_and_fits_its_type() {
    let Some(folder) = std::env::var_os("KURA_FHIR_DEFINITIONS") else {
        println!("SKIPPED: KURA_FHIR_DEFINITIONS names no folder with profiles-resources.json");
        return;
    };
    let (mut compiled, mut evaluated, mut held) = (0, 0, 0);
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    let mut broken: BTreeSet<String> = BTreeSet::new();
    for file in ["profiles-types.json", "profiles-resources.json"] {
        let text = std::fs::read(Path::new(&folder).join(file)).expect("the definitions");
        let bundle: Value = serde_json::from_slice(&text).expect("a Bundle");
        for entry in bundle["entry"].as_array().expect("entries") {
            let definition = &entry["resource"];
            let name = definition["type"].as_str().unwrap_or_default();
            let resources = hospital(name);
            for element in definition["snapshot"]["element"]
                .as_array()
                .into_iter()
                .flatten()
            {
                let path = element["path"].as_str().unwrap_or_default();
                for constraint in element["constraint"].as_array().into_iter().flatten() {
                    let (Some(key), Some(text)) = (
                        constraint["key"].as_str(),
                        constraint["expression"].as_str(),
                    ) else {
                        continue;
                    };
                    if !seen.insert((path.to_owned(), key.to_owned())) {
                        continue;
                    }
                    let expression = match Expression::parse(text) {
                        Ok(expression) => expression,
                        Err(error) => {
                            wrong.push(format!("{path} {key}: {error}: {text}"));
                            continue;
                        }
                    };
                    compiled += 1;
                    // An element of a type is checked where the type is.
                    let on = kura_fhirpath::definitions().type_id(path).map(|_| path);
                    if let Some(on) = on
                        && let Err(error) = expression.check(on)
                        && !REFUSED.contains(&(path, key))
                    {
                        wrong.push(format!("{path} {key} check: {error}: {text}"));
                    }
                    // On the element wherever it stands, so with the resource around it.
                    let Ok(place) = Expression::parse(path.trim_end_matches("[x]")) else {
                        continue;
                    };
                    let some = if path == name { 200 } else { 20 };
                    for resource in resources.iter().take(some) {
                        let environment = Environment {
                            resource: Some(resource),
                            ..Environment::default()
                        };
                        for item in place.evaluate(resource, &environment).expect("a path") {
                            evaluated += 1;
                            let holds = match expression.evaluate_on(item, &environment) {
                                Ok(found) => found.first().and_then(|one| one.as_bool()),
                                Err(error) => {
                                    wrong.push(format!("{path} {key} evaluated: {error}: {text}"));
                                    break;
                                }
                            };
                            held += usize::from(holds == Some(true));
                            if holds != Some(true) {
                                broken.insert(format!("{key} {text}"));
                            }
                        }
                    }
                }
            }
        }
    }
    println!(
        "R4 invariants: {compiled} compiled, {evaluated} evaluations, {held} held, not: {broken:?}"
    );
    assert!(
        wrong.is_empty(),
        "{} invariants:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    // The hospital's resources have no narrative, which R4 only advises, and some of its dosages
    // neither dose nor rate; they keep all else.
    let expected = [
        "dom-6 text.`div`.exists()",
        "mad-1 dose.exists() or rate.exists()",
    ];
    assert!(
        broken.iter().all(|one| expected.contains(&one.as_str())),
        "{broken:?}"
    );
    assert!(compiled > 1_000, "{compiled}");
}
