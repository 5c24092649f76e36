//! The SQL on FHIR suite (`../shared/data/sql-on-fhir`), whole.
#![allow(clippy::print_stdout, reason = "figures of the suite")]

use std::path::Path;

use kura_fhir::view_definition::ViewDefinition;
use serde_json::{Map, Value};

/// Rows as the suite writes them; an error of any kind is its text.
fn rows(view: &Value, resources: &[Value]) -> Result<Vec<Map<String, Value>>, String> {
    let view = ViewDefinition::parse(view).map_err(|error| error.to_string())?;
    let mut out = Vec::new();
    for resource in resources {
        for row in view.rows(resource).map_err(|error| error.to_string())? {
            let names = view.columns().iter().map(|column| column.name.clone());
            out.push(names.zip(row).collect());
        }
    }
    Ok(out)
}

/// Numbers by value, rows in any order.
fn comparable(rows: &[Map<String, Value>]) -> Vec<String> {
    let mut shown: Vec<String> = rows
        .iter()
        .map(|row| {
            let cells = row.iter().filter(|(_, value)| !value.is_null());
            let mut cells: Vec<String> = cells
                .map(|(key, value)| match value.as_f64() {
                    Some(number) => format!("{key}={number}"),
                    None => format!("{key}={value}"),
                })
                .collect();
            cells.sort();
            cells.join(" ")
        })
        .collect();
    shown.sort();
    shown
}

#[test]
fn views_of_the_suite_come_out_as_it_expects() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/sql-on-fhir");
    let Ok(files) = std::fs::read_dir(&folder) else {
        println!("SKIPPED: {} is not here", folder.display());
        return;
    };
    let (mut passed, mut wrong) = (0, Vec::new());
    for file in files.filter_map(Result::ok).map(|file| file.path()) {
        if file.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let text = std::fs::read_to_string(&file).expect("a file of the suite");
        let suite: Value = serde_json::from_str(&text).expect("JSON");
        let resources = suite["resources"].as_array().map_or(&[][..], Vec::as_slice);
        for test in suite["tests"].as_array().expect("tests") {
            let name = format!("{} {}", suite["title"], test["title"]);
            let found = rows(&test["view"], resources);
            let fault = match (found, test["expectError"] == true) {
                (Err(_), true) => None,
                (Ok(_), true) => Some("no error".to_owned()),
                (Err(error), false) => Some(error),
                (Ok(rows), false) => {
                    let expected: Vec<Map<String, Value>> =
                        serde_json::from_value(test["expect"].clone()).unwrap_or_default();
                    let order: Option<Vec<&str>> = test["expectColumns"]
                        .as_array()
                        .map(|names| names.iter().filter_map(Value::as_str).collect());
                    let view = ViewDefinition::parse(&test["view"]).expect("it was parsed");
                    let columns: Vec<&str> = view
                        .columns()
                        .iter()
                        .map(|column| column.name.as_str())
                        .collect();
                    let (rows, expected) = (comparable(&rows), comparable(&expected));
                    if order.is_some_and(|order| order != columns) {
                        Some(format!("columns {columns:?}"))
                    } else {
                        let same = rows == expected || test["expect"].is_null();
                        (!same).then(|| format!("{rows:?} instead of {expected:?}"))
                    }
                }
            };
            match fault {
                None => passed += 1,
                Some(fault) => wrong.push(format!("{name}: {fault}")),
            }
        }
    }
    println!("SQL on FHIR: {passed} views passed");
    assert!(passed > 100);
    assert!(
        wrong.is_empty(),
        "{} views:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
