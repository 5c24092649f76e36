//! No JSON makes the validator panic, run long, or say that what is broken passes.

use kura_validation::{Definitions, Validator, Verdict};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support;

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("#")),
        Just(json!("urn:uuid:")),
        Just(json!("Observation")),
        Just(json!(
            "http://jpfhir.jp/fhir/core/StructureDefinition/JP_Patient"
        )),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let key = prop_oneof![
            "\\PC{0,6}",
            Just("extension".to_owned()),
            Just("resourceType".to_owned()),
            Just("contained".to_owned()),
            Just("reference".to_owned()),
            Just("coding".to_owned()),
            Just("_value".to_owned()),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..4)
                .prop_map(|all| Value::Object(all.into_iter().collect())),
        ]
    })
}

/// Puts a value at a place that the numbers lead to.
fn put(target: &mut Value, way: &[usize], new: Value) {
    let Some((&step, rest)) = way.split_first() else {
        *target = new;
        return;
    };
    match target {
        Value::Object(map) if !map.is_empty() => {
            let at = step % map.len();
            if let Some((_, value)) = map.iter_mut().nth(at) {
                put(value, rest, new);
            }
        }
        Value::Array(all) if !all.is_empty() => {
            let at = step % all.len();
            put(&mut all[at], rest, new);
        }
        _ => *target = new,
    }
}

fn examples() -> Vec<Value> {
    let Some(folder) = support::data("fhir-jp/examples") else {
        return Vec::new();
    };
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    let read = |file| serde_json::from_slice(&std::fs::read(file).expect("text")).expect("JSON");
    files.into_iter().map(read).collect()
}

#[test]
fn changed_examples_do_not_make_it_panic() {
    let Some(validator) = support::jp_validator() else {
        return;
    };
    let examples = examples();
    let count = examples.len();
    let config = ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(
        at in 0..count,
        way in prop::collection::vec(0_usize..40, 1..8),
        new in json_value(),
    )| {
        let mut resource = examples[at].clone();
        put(&mut resource, &way, new);
        let outcome = validator.validate(&resource, &[]);
        prop_assert!(outcome.operation_outcome()["issue"].is_array());
    });
}

#[test]
fn any_json_gets_an_answer() {
    let validator = Validator::new(Definitions::r4());
    let config = ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    proptest!(config, |(value in json_value(), kind in "(Patient|Bundle|Observation|Questionnaire)")| {
        let mut value = value;
        let _ = validator.validate(&value, &[]);
        if let Value::Object(map) = &mut value {
            map.insert("resourceType".to_owned(), Value::from(kind));
            let _ = validator.validate(&value, &[]);
        }
    });
}

#[test]
fn what_is_nested_too_deep_is_refused() {
    let validator = Validator::new(Definitions::r4());
    let mut item = json!({ "linkId": "1", "type": "group" });
    for _ in 0..400 {
        item = json!({ "linkId": "1", "type": "group", "item": [item] });
    }
    let resource = json!({ "resourceType": "Questionnaire", "status": "draft", "item": [item] });
    let outcome = validator.validate(&resource, &[]);
    assert_eq!(outcome.verdict(), Verdict::Fail);
    assert!(
        outcome
            .issues
            .iter()
            .any(|issue| issue.code.code() == "too-costly")
    );
}

#[test]
fn references_in_a_circle_come_to_an_end() {
    let Some(validator) = support::jp_validator() else {
        return;
    };
    let name = |at: usize| format!("urn:uuid:00000000-0000-0000-0000-{at:012}");
    let entries: Vec<Value> = (0..300)
        .map(|at| {
            json!({ "fullUrl": name(at), "resource": {
                "resourceType": "Observation", "status": "final", "code": { "text": "x" },
                "meta": { "profile": ["http://jpfhir.jp/fhir/core/StructureDefinition/JP_Observation_Common"] },
                "hasMember": [{ "reference": name((at + 1) % 300) }]
            } })
        })
        .collect();
    let bundle = json!({ "resourceType": "Bundle", "type": "collection", "entry": entries });
    let outcome = validator.validate(&bundle, &[]);
    // Too long a chain to be followed to its end is never a pass.
    assert_eq!(outcome.verdict(), Verdict::Unknown);
}
