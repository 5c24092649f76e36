//! JP-CLINS's examples and the checkup bundles, by JP Core 1.1.2 and JP-CLINS 1.5.2. What each has to
//! give is in `jp-examples.tsv`, read from the profiles; HL7's reference validator (HAPI 7.6.0) says
//! the same where it knows the value sets, see `docs/validation.md`.

use std::collections::BTreeSet;
use std::path::Path;

use kura_validation::{Severity, Validator, Verdict};
use serde_json::{Value, json};

use crate::support;

const TABLE: &str = include_str!("../jp-examples.tsv");
const JP: &str = "http://jpfhir.jp/fhir/";

fn read(file: &Path) -> Value {
    let text = std::fs::read(file).expect("the example");
    serde_json::from_slice(&text).expect("JSON")
}

#[test]
fn each_example_gets_its_verdict_for_its_reason() {
    let (Some(validator), Some(folder)) = (support::jp_validator(), support::data("fhir-jp"))
    else {
        return;
    };
    let mut wrong = Vec::new();
    let mut rows = 0;
    for row in TABLE.lines().filter(|line| !line.starts_with('#')) {
        rows += 1;
        let columns: Vec<&str> = row.split('\t').collect();
        let inside = if columns[0].starts_with("Bundle-example17") {
            "checkup"
        } else {
            "examples"
        };
        let resource = read(&folder.join(inside).join(columns[0]));
        let outcome = validator.validate(&resource, &[]);
        let set = |text: &str| -> BTreeSet<String> {
            let names = text.split(' ').filter(|one| *one != "-");
            names.map(|one| format!("{JP}{one}")).collect()
        };
        let rules: BTreeSet<String> = outcome.errors().map(|issue| issue.rule.clone()).collect();
        if outcome.verdict().code() != columns[2]
            || rules != set(columns[3])
            || outcome.missing != set(columns[4])
        {
            let issues: Vec<String> = outcome.errors().map(ToString::to_string).collect();
            wrong.push(format!(
                "{}: {} {:?} missing {:?}",
                columns[0],
                outcome.verdict().code(),
                issues,
                outcome.missing
            ));
        }
    }
    assert_eq!(rows, 44);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// One change of a right example, and the issue that it has to give: rule, place.
fn breaks(
    validator: &Validator,
    right: &Value,
    change: impl Fn(&mut Value),
    rule: &str,
    path: &str,
) {
    let mut broken = right.clone();
    change(&mut broken);
    let outcome = validator.validate(&broken, &[]);
    assert!(
        outcome
            .errors()
            .any(|issue| issue.rule.ends_with(rule) && issue.path == path),
        "{rule} at {path} is not among {:#?}",
        outcome.issues
    );
    assert_eq!(outcome.verdict(), Verdict::Fail);
}

fn remove(value: &mut Value, key: &str) {
    value.as_object_mut().expect("an object").remove(key);
}

#[test]
fn a_laboratory_result_that_is_changed_fails_for_the_change() {
    let (Some(validator), Some(folder)) = (support::jp_validator(), support::data("fhir-jp"))
    else {
        return;
    };
    let right = read(&folder.join("examples/Observation-Example-JP-Obs-LabResult-eCS-K.json"));
    assert_eq!(validator.validate(&right, &[]).errors().count(), 0);
    let breaks = |change: &dyn Fn(&mut Value), rule: &str, path: &str| {
        breaks(&validator, &right, change, rule, path);
    };
    // JP_Observation_LabResult_eCS: identifier:resourceIdentifier 1..1, specimen 1..1,
    // category:laboratory 1..1 by pattern, the extension with the institution's number.
    breaks(
        &|one| one["identifier"][0]["system"] = json!("http://example.org/other"),
        "#Observation.identifier:resourceIdentifier",
        "Observation",
    );
    breaks(
        &|one| remove(one, "specimen"),
        "#Observation.specimen",
        "Observation",
    );
    breaks(
        &|one| one["category"][0]["coding"][0]["code"] = json!("vital-signs"),
        "#Observation.category:laboratory.coding.code",
        "Observation.category[0].coding[0].code",
    );
    breaks(
        &|one| one["category"][0]["coding"][0]["system"] = json!("urn:other"),
        "#Observation.category:laboratory",
        "Observation",
    );
    breaks(
        &|one| remove(one, "extension"),
        "JP_Observation_LabResult_eCS#resource-needs-extension-of-institutionNumber",
        "Observation",
    );
    // R4's own.
    breaks(
        &|one| one["status"] = json!("done"),
        "Observation.status",
        "Observation.status",
    );
    breaks(
        &|one| one["effectiveDateTime"] = json!("2021-07-05T11:19"),
        "Observation.effective[x]",
        "Observation.effectiveDateTime",
    );
    breaks(
        &|one| one["referenceRange"] = json!([{ "type": { "text": "normal" } }]),
        "obs-3",
        "Observation.referenceRange[0]",
    );
    breaks(
        &|one| one["encounter"]["reference"] = json!("#nobody"),
        "ref-1",
        "Observation.encounter",
    );
}

#[test]
fn messages_hold_no_value_of_the_resource() {
    let (Some(validator), Some(folder)) = (support::jp_validator(), support::data("fhir-jp"))
    else {
        return;
    };
    let mut broken = read(&folder.join("examples/Patient-Example-JP-Patient-standard.json"));
    let secret = "ひみつ-12345";
    broken["birthDate"] = json!(secret);
    broken["gender"] = json!(secret);
    broken[secret] = json!(1);
    broken["extension"] = json!([{ "url": format!("http://{secret}"), "valueString": secret }]);
    broken["identifier"][0]["use"] = json!(secret);
    broken["name"][0]["extension"] = json!([{ "url": secret, "valueCode": secret }]);
    broken["meta"]["profile"] = json!([format!("http://example.org/{secret}")]);
    let outcome = validator.validate(&broken, &[]);
    assert!(outcome.errors().count() >= 4);
    for issue in &outcome.issues {
        let text = format!("{issue}");
        assert!(
            !text.contains("ひみつ") && !text.contains("12345"),
            "{text}"
        );
    }
}

#[test]
fn a_profile_that_is_not_loaded_is_no_pass() {
    let Some(validator) = support::jp_validator() else {
        return;
    };
    let patient = json!({
        "resourceType": "Patient",
        "meta": { "profile": ["http://example.org/StructureDefinition/none"] },
        "text": { "status": "empty", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">-</div>" },
        "active": true
    });
    let outcome = validator.validate(&patient, &[]);
    assert_eq!(outcome.verdict(), Verdict::Unknown);
    assert_eq!(outcome.issues.len(), 1);
    assert_eq!(outcome.issues[0].severity, Severity::Warning);
}
