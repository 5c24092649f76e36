//! The expressions of published search parameters, on the synthetic Japanese hospital.
//!
//! R4's own come from HL7's `search-parameters.json` in the folder `KURA_FHIR_DEFINITIONS` (for
//! instance `Bundle-searchParams.json` of the npm package `hl7.fhir.r4.examples`); those of JP Core from the
//! package in `../shared/data/fhir-jp`; the hospital from `../shared/data/hospital-jp`.
#![allow(clippy::print_stdout, reason = "says what is skipped")]

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use kura_fhirpath::{Environment, Expression};
use serde_json::{Value, json};

fn shared(part: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data")
        .join(part)
}

fn unzipped(path: &Path) -> Option<Vec<u8>> {
    let Ok(file) = std::fs::File::open(path) else {
        println!("SKIPPED: {} is not here", path.display());
        return None;
    };
    let mut bytes = Vec::new();
    GzDecoder::new(file)
        .read_to_end(&mut bytes)
        .expect("a gzip file");
    Some(bytes)
}

fn resources(kind: &str) -> Vec<Value> {
    let path = shared("hospital-jp/fhir").join(format!("{kind}.ndjson.gz"));
    let text = if path.exists() {
        unzipped(&path).unwrap_or_default()
    } else {
        Vec::new()
    };
    let lines = text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    // Enough of the large files: what they hold repeats.
    lines
        .take(2_000)
        .map(|line| serde_json::from_slice(line).expect("a resource"))
        .collect()
}

/// The search parameters of a package: a tar of JSON files.
fn packaged(tar: &[u8]) -> Vec<Value> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(header) = tar.get(at..at + 512) {
        let text = |range: std::ops::Range<usize>| {
            String::from_utf8_lossy(&header[range])
                .trim_matches(['\0', ' '])
                .to_owned()
        };
        let Ok(size) = usize::from_str_radix(&text(124..136), 8) else {
            break;
        };
        let name = text(0..100);
        let file = name.rsplit('/').next().unwrap_or_default();
        if file.starts_with("SearchParameter") {
            let body = &tar[at + 512..at + 512 + size];
            found.push(serde_json::from_slice(body).expect("a search parameter"));
        }
        at += 512 + size.div_ceil(512) * 512;
    }
    found
}

fn expression(parameter: &Value) -> Option<Expression> {
    let text = parameter["expression"].as_str()?;
    Some(Expression::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")))
}

#[test]
fn every_parameter_of_r4_compiles_and_evaluates() {
    let Some(folder) = std::env::var_os("KURA_FHIR_DEFINITIONS") else {
        println!("SKIPPED: KURA_FHIR_DEFINITIONS names no folder with search-parameters.json");
        return;
    };
    let path = Path::new(&folder).join("search-parameters.json");
    let text = std::fs::read(&path).expect("KURA_FHIR_DEFINITIONS has search-parameters.json");
    let bundle: Value = serde_json::from_slice(&text).expect("a Bundle");
    let mut by_type: BTreeMap<String, Vec<(String, Expression)>> = BTreeMap::new();
    let mut compiled = 0;
    for entry in bundle["entry"].as_array().expect("entries") {
        let parameter = &entry["resource"];
        for base in parameter["base"].as_array().into_iter().flatten() {
            if let Some(expression) = expression(parameter) {
                compiled += 1;
                let code = parameter["code"].as_str().unwrap_or_default().to_owned();
                by_type
                    .entry(base.as_str().unwrap_or_default().to_owned())
                    .or_default()
                    .push((code, expression));
            }
        }
    }
    assert!(compiled > 1_300, "{compiled}");
    let (mut evaluated, mut yielding) = (0, 0);
    let (mut untyped, mut refused) = (Vec::new(), Vec::new());
    for (kind, parameters) in &by_type {
        let resources = resources(kind);
        for (code, expression) in parameters {
            let mut items = 0;
            let narrow = Expression::parse(expression.text()).expect("parsed before");
            let narrow = narrow.for_type(kind);
            if let Err(error) = narrow.check(kind) {
                refused.push(format!("{kind} {code}: {error}"));
            }
            for resource in &resources {
                let found = expression
                    .evaluate(resource, &Environment::default())
                    .unwrap_or_else(|error| panic!("{kind} {code}: {error}"));
                let again = narrow.evaluate(resource, &Environment::default());
                assert_eq!(
                    again.map(|items| items.len()),
                    Ok(found.len()),
                    "{kind} {code}"
                );
                evaluated += 1;
                items += found.len();
                if found.iter().any(|item| item.type_name().is_none()) {
                    untyped.push(format!("{kind} {code}"));
                }
            }
            yielding += usize::from(items > 0);
        }
    }
    println!("R4: {compiled} compiled, {evaluated} evaluations, {yielding} found something");
    assert!(refused.is_empty(), "refused by the check: {refused:#?}");
    assert!(untyped.is_empty(), "results of no known type: {untyped:?}");
    let patient = json!({
        "resourceType": "Patient",
        "deceasedDateTime": "2024-01-01",
        "telecom": [{ "system": "phone", "value": "1" }, { "system": "email", "value": "2" }]
    });
    for (code, count) in [
        ("phone", 1),
        ("email", 1),
        ("deceased", 1),
        ("death-date", 1),
    ] {
        let (_, expression) = by_type["Patient"]
            .iter()
            .find(|(one, _)| one == code)
            .expect(code);
        let found = expression
            .evaluate(&patient, &Environment::default())
            .expect(code);
        assert_eq!(found.len(), count, "{code}");
    }
}

#[test]
fn parameters_of_jp_core_find_what_they_are_for() {
    let Some(tar) = unzipped(&shared("fhir-jp/jp-core.r4-1.1.2.tgz")) else {
        return;
    };
    let parameters = packaged(&tar);
    assert_eq!(parameters.len(), 8);
    let (mut with_data, mut yielding) = (0, 0);
    for parameter in &parameters {
        let expression = expression(parameter).expect("JP Core's parameters have expressions");
        let kind = parameter["base"][0].as_str().expect("a base");
        let url = expression.text().split('\'').nth(1).expect("an extension");
        for resource in resources(kind) {
            // A name of kanji alone has the extension of the parameter with another code.
            let text = resource.to_string();
            let has_it = text.contains(url) && (kind != "Patient" || text.contains("\"SYL\""));
            let found = expression
                .evaluate(&resource, &Environment::default())
                .expect("evaluates");
            // The kana name has the extension whatever its use; the parameter wants a usual one.
            if kind == "Patient" {
                let official = expression.text().replace("usual", "official");
                let official = Expression::parse(&official).expect("parses");
                let found = official
                    .evaluate(&resource, &Environment::default())
                    .expect("evaluates");
                assert_eq!(!found.is_empty(), has_it, "{url}");
                let kana = |c: char| ('ァ'..='ー').contains(&c) || c == ' ' || c == '　';
                let all_kana = |text: &str| text.chars().all(kana);
                assert!(found.iter().all(|item| item.as_str().is_some_and(all_kana)));
            } else {
                assert_eq!(!found.is_empty(), has_it, "{url}");
            }
            with_data += usize::from(has_it);
            yielding += usize::from(!found.is_empty());
        }
    }
    println!(
        "JP Core: 8 compiled, {with_data} resources with their data, {yielding} found by them"
    );
}

#[test]
fn kanji_and_kana_of_every_patient_come_with_their_extension() {
    let path = "Patient.name.extension('http://hl7.org/fhir/StructureDefinition/\
                iso21090-EN-representation').value";
    let expression = Expression::parse(path).expect("parses");
    let patients = resources("Patient");
    if patients.is_empty() {
        println!("SKIPPED: the hospital is not in ../shared/data/hospital-jp");
    }
    let mut with_both = 0;
    for patient in &patients {
        let found = expression
            .evaluate(patient, &Environment::default())
            .expect("evaluates");
        let codes: Vec<_> = found.iter().filter_map(|item| item.as_str()).collect();
        // The same by hand: each name of the hospital has one extension, IDE or SYL.
        let names = patient["name"].as_array().expect("names");
        let expected: Vec<_> = names
            .iter()
            .filter_map(|name| name["extension"][0]["valueCode"].as_str())
            .collect();
        assert_eq!(codes, expected);
        with_both += usize::from(codes == ["IDE", "SYL"]);
    }
    println!("{with_both} of {} patients have both names", patients.len());
    assert!(patients.is_empty() || with_both * 10 > patients.len() * 9);
}
