//! Packages of profiles in the bank, and `$validate` by them.

use serde_json::{Value, json};

use crate::support::{Server, TestBank, shared};

const JSON: [(&str, &str); 1] = [("Content-Type", "application/fhir+json")];

/// The verdict of an OperationOutcome, and its errors.
fn verdict(server: &Server, path: &str, resource: &Value) -> (String, Vec<String>) {
    let answer = server
        .send("POST", path, &JSON, &resource.to_string())
        .json();
    assert_eq!(answer["resourceType"], "OperationOutcome", "{answer}");
    let issues = answer["issue"].as_array().expect("issues");
    let errors = issues.iter().filter(|issue| issue["severity"] == "error");
    let text = |issue: &Value| issue["diagnostics"].as_str().unwrap_or_default().to_owned();
    let last = issues.last().map(text).unwrap_or_default();
    (last, errors.map(text).collect())
}

#[test]
fn a_resource_is_held_against_r4_without_any_package() {
    let bank = TestBank::new();
    let server = bank.serve();
    let right = json!({ "resourceType": "Patient", "birthDate": "1950-04-04" });
    assert_eq!(
        verdict(&server, "/fhir/Patient/$validate", &right).0,
        "pass"
    );
    let wrong = json!({ "resourceType": "Patient", "birthDate": "1950-04-31" });
    let found = verdict(&server, "/fhir/Patient/$validate", &wrong);
    assert_eq!(
        found,
        ("fail".to_owned(), vec!["Patient.birthDate".to_owned()])
    );
    let asked = "/fhir/Patient/$validate?profile=http://example.org/none";
    assert_eq!(verdict(&server, asked, &right).0, "unknown");
    let parameters = json!({ "resourceType": "Parameters", "parameter": [
        { "name": "resource", "resource": wrong }
    ] });
    assert_eq!(
        verdict(&server, "/fhir/Patient/$validate", &parameters).0,
        "fail"
    );
}

#[test]
fn a_package_is_added_once_and_its_profiles_are_gone_by() {
    let Some(package) = shared("fhir-jp/jp-core.r4-1.1.2.tgz") else {
        return;
    };
    let bank = TestBank::new();
    let add = || {
        let file = package.display().to_string();
        bank.kura(&["package", "add", &file, "--format", "json"])
            .ok()
            .json()
    };
    let first = add();
    assert_eq!(first["name"], "jp-core.r4");
    assert_eq!(first["version"], "1.1.2");
    assert_eq!(first["accepted"], first["kept"]);
    let again = add();
    assert_eq!(again["accepted"], 0, "{again}");
    assert_eq!(again["unchanged"], first["kept"]);

    let server = bank.serve();
    let profile = "http://jpfhir.jp/fhir/core/StructureDefinition/JP_Observation_LabResult";
    let observation = json!({
        "resourceType": "Observation", "status": "final", "code": { "text": "K" },
        "meta": { "profile": [profile] }
    });
    let (said, errors) = verdict(&server, "/fhir/Observation/$validate", &observation);
    assert_eq!(said, "fail");
    // The profile asks for a specimen (1..1), R4 does not.
    assert!(
        errors.contains(&format!("{profile}#Observation.specimen")),
        "{errors:?}"
    );

    // The same for a resource of the bank.
    let stored = server
        .send("POST", "/fhir/Observation", &JSON, &observation.to_string())
        .json();
    let id = stored["id"].as_str().expect("an id");
    let path = format!("/fhir/Observation/{id}/$validate");
    let answer = server.send("GET", &path, &[], "").json();
    let issues = answer["issue"].as_array().expect("issues");
    assert_eq!(issues.last().expect("one")["diagnostics"], "fail");
}
