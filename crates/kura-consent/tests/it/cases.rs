//! Each file of `tests/cases`: consents, questions, expected verdicts.
//!
//! A file has `about` and `source`; `consent` is laid under each of `consents`, `question` under
//! the question of each of `cases`. A case may bring `consents` of its own.

use std::fs;
use std::path::Path;

use kura_consent::{Consents, Policy, Verification};
use serde_json::{Value, json};

use crate::support::{laid, plain, question};

fn policy(name: Option<&str>) -> Policy<'static> {
    Policy {
        verification: match name {
            Some("required") => Verification::Required,
            Some("ignored") => Verification::Ignored,
            _ => Verification::WherePresent,
        },
        bases: &["https://kura.example.org/fhir"],
    }
}

#[test]
fn each_case_is_decided_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut wrong = Vec::new();
    let mut cases = 0;
    for path in files {
        let file: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        for case in file["cases"].as_array().unwrap() {
            cases += 1;
            let found = decided(&file, case);
            for (what, expected) in case["expect"].as_object().unwrap() {
                if found.get(what).unwrap_or(&Value::Null) != expected {
                    wrong.push(format!(
                        "{name}, {}: {what} is not {expected}: {found}",
                        case["name"]
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cases > 100, "{cases}");
}

fn decided(file: &Value, case: &Value) -> Value {
    let nothing = json!({});
    let common = laid(&plain(), file.get("consent").unwrap_or(&nothing));
    let own = if case["consents"].is_array() {
        case
    } else {
        file
    };
    let bodies: Vec<Value> = own["consents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|consent| laid(&common, consent))
        .collect();
    let name = case["verification"].as_str();
    let consents = Consents::compile_with(&bodies, &policy(name)).unwrap();
    let asked = laid(&file["question"], &case["question"]);
    let verdict = consents.decide(&question(&asked));
    // A sentence for people comes of each.
    assert!(verdict.to_string().contains(": "));
    let mut found = serde_json::to_value(verdict).unwrap();
    if let Some(basis) = found.get("basis").cloned() {
        found["consent"] = basis["consent"].clone();
        found["provision"] = basis["provision"].clone();
        found["version"] = basis.get("version").cloned().unwrap_or(Value::Null);
    }
    if found.get("obligations").is_none() {
        found["obligations"] = json!([]);
    }
    found
}
