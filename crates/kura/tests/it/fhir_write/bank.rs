//! What a write means to the bank: images, roles, files; and foreign clients.

use serde_json::{Value, json};

use super::{entry, patient, refused, send, with};
use crate::access::add;
use crate::support::{TestBank, python, sample};

/// What an import does for its records happens for these too.
#[test]
fn a_patient_written_here_gets_the_images_that_waited() {
    let bank = TestBank::new();
    bank.import(&[&sample("dicom")], 0);
    let unlinked = bank.kura(&["status", "--format", "json"]).ok().json()["unlinked"]
        .as_u64()
        .unwrap();
    assert!(unlinked > 0);
    let server = bank.serve();
    let study = server.get("/fhir/ImagingStudy?_count=1").json()["entry"][0]["resource"].clone();
    // The images would be found by no one.
    let path = format!("/fhir/ImagingStudy/{}", study["id"].as_str().unwrap());
    assert_eq!(server.send("DELETE", &path, &[], "").status, 409);
    let person = json!({"resourceType": "Patient", "id": "late", "identifier": [study["subject"]["identifier"]]});
    assert_eq!(send(&server, "PUT", "/Patient/late", &person).status, 201);
    let mut linked = Value::Null;
    for _ in 0..200 {
        linked = server.get(&path).json()["subject"]["reference"].clone();
        if linked == "Patient/late" {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(linked, "Patient/late");
}

#[test]
fn only_some_may_write() {
    let bank = TestBank::new();
    let password = "correct horse battery";
    for (name, role) in [
        ("sato", "doctor"),
        ("mori", "data-manager"),
        ("kato", "researcher"),
        ("ito", "auditor"),
        ("ono", "administrator"),
    ] {
        assert_eq!(add(&bank, name, role, password), 0);
    }
    let server = bank.serve();
    let body = patient("1");
    let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": [entry("POST", "Patient", Some(body.clone()))]});
    let batch = json!({"resourceType": "Bundle", "type": "batch", "entry": [entry("POST", "Patient", Some(body.clone()))]});
    for (name, may) in [
        // Who a patient is, a data manager says.
        ("sato", false),
        ("mori", true),
        ("kato", false),
        ("ito", false),
        ("ono", false),
    ] {
        let credentials = crate::access::basic(&format!("{name}:{password}"));
        let headers = [("Authorization", credentials.as_str())];
        let ask = |method: &str, path: &str, body: &Value| {
            with(&server, method, path, &headers, body).status
        };
        assert_eq!(
            ask("POST", "/Patient", &body),
            if may { 201 } else { 403 },
            "{name}"
        );
        assert_eq!(
            ask("DELETE", "/Patient/none", &json!(null)),
            if may || name == "sato" { 204 } else { 403 },
            "{name}"
        );
        assert_eq!(
            ask("POST", "", &bundle),
            if may { 200 } else { 403 },
            "{name}"
        );
        // What is not in a doctor's care is not there.
        if name == "sato" {
            continue;
        }
        assert_eq!(
            ask("POST", "", &batch),
            if may { 200 } else { 403 },
            "{name}"
        );
        for path in ["/Patient?identifier=urn:n%7C9", "/Patient/p"] {
            let put = json!({"resourceType": "Patient", "id": "p"});
            assert_eq!(ask("PUT", path, &put) == 403, !may, "{name} {path}");
            assert_eq!(ask("PATCH", path, &json!([])) == 403, !may, "{name} {path}");
            assert_eq!(
                ask("DELETE", path, &json!(null)) == 403,
                !may,
                "{name} {path}"
            );
        }
    }
    assert_eq!(send(&server, "POST", "/Patient", &body).status, 401);
}

/// A file of the bank stays with its record, and with no other.
#[test]
fn a_file_of_the_bank_belongs_to_its_record() {
    let bank = TestBank::sample();
    let server = bank.serve();
    let found = server.get("/fhir/DocumentReference?_count=1000").json();
    let document = found["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["resource"])
        .find(|document| document.to_string().contains("urn:kura:blob:"))
        .expect("a file")
        .clone();
    let id = document["id"].as_str().unwrap();
    let mut changed = document.clone();
    changed["description"] = json!("changed");
    assert_eq!(
        send(
            &server,
            "PUT",
            &format!("/DocumentReference/{id}"),
            &changed
        )
        .status,
        200
    );
    let mut stolen = document.clone();
    stolen["id"] = json!("thief");
    assert_eq!(
        refused(&send(&server, "PUT", "/DocumentReference/thief", &stolen)).1,
        "business-rule"
    );
    // Once more: the second version kept the file.
    changed["description"] = json!("changed again");
    assert_eq!(
        send(
            &server,
            "PUT",
            &format!("/DocumentReference/{id}"),
            &changed
        )
        .status,
        200
    );
}

#[test]
fn foreign_clients_write() {
    let bank = TestBank::new();
    let server = bank.serve();
    if let Some(said) = python(
        "tests/python/fhir_write.py",
        &[&format!("{}/fhir", server.url())],
    ) {
        assert!(said.contains("ok"), "{said}");
    }
}
