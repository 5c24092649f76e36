//! Import of the sample hospital: everything arrives, is linked, and arrives once.

use std::process::Stdio;

use serde_json::Value;

use crate::support::{TestBank, sample, shared};

#[test]
fn the_sample_hospital_arrives_linked_and_once() {
    let bank = TestBank::new();
    let parts = ["fhir", "dicom", "genomics", "claims"].map(sample);
    let paths: Vec<&std::path::Path> = parts.iter().map(std::path::PathBuf::as_path).collect();
    let first = bank.import(&paths, 0);
    assert_eq!(first["refused"], 0);
    assert!(first["accepted"].as_u64().unwrap() > 20_000);
    // One study names a number no patient has, one names no issuer.
    assert_eq!(first["unlinked"], 2);
    let second = bank.import(&paths, 0);
    assert_eq!(second["accepted"], 0);
    assert!(
        second["files"]
            .as_array()
            .unwrap()
            .iter()
            .all(|file| file["state"] == "known")
    );
    assert_eq!(bank.live("DicomInstance"), 12);
    assert!(bank.live("Claim") > 0);

    let server = bank.serve();
    let linked = |path: &str| {
        let bundle = server.get(path).json();
        bundle["entry"].as_array().unwrap().iter().all(|entry| {
            entry["resource"]["subject"]["reference"]
                .as_str()
                .or(entry["resource"]["patient"]["reference"].as_str())
                .is_some_and(|reference| reference.starts_with("Patient/"))
        })
    };
    assert!(linked("/fhir/Claim?_count=100"));
    assert!(linked("/fhir/DocumentReference?type=81247-9&_count=100"));
    assert!(linked(
        "/fhir/Observation?code=http://loinc.org%7C69548-6&_count=100"
    ));
    let audit = bank
        .kura(&["audit", "verify", "--format", "json"])
        .ok()
        .json();
    assert_eq!(audit["whole"], true);
}

#[test]
fn what_comes_before_its_patient_is_linked_when_the_patient_comes() {
    let bank = TestBank::new();
    let report = bank.import(&[&sample("dicom"), &sample("claims")], 0);
    let alone = report["unlinked"].as_u64().unwrap();
    assert!(alone > 10, "{alone}");
    let report = bank.import(&[&sample("fhir")], 0);
    assert_eq!(report["linked"].as_u64().unwrap(), alone - 2);
    assert_eq!(report["unlinked"], 2);
}

#[test]
fn a_contradicting_birth_date_is_not_linked() {
    let bank = TestBank::new();
    let patient = |id: &str, birth: &str| {
        format!(
            r#"{{"resourceType":"Patient","id":"{id}","identifier":[{{"system":"urn:oid:1.2.392.100495.20.3.51.1","value":"N-{id}"}}],"birthDate":"{birth}"}}"#
        )
    };
    // The numbers of the sample studies, under other birth dates.
    let server_bank = TestBank::sample();
    let server = server_bank.serve();
    let studies = server.get("/fhir/ImagingStudy?_count=200").json();
    let number = studies["entry"]
        .as_array()
        .unwrap()
        .iter()
        .find_map(|entry| {
            let subject = &entry["resource"]["subject"];
            subject["reference"].as_str()?;
            subject["identifier"]["value"].as_str().map(str::to_owned)
        })
        .expect("a linked study of our own");
    let wrong = patient("x", "1801-01-01").replace("N-x", &number);
    let file = bank.file("p.ndjson", wrong.as_bytes());
    let report = bank.import(&[&file, &sample("dicom")], 0);
    assert_eq!(
        report["unlinked"].as_u64().unwrap(),
        bank.live("ImagingStudy")
    );
    drop(server);
    let server = bank.serve();
    let found = server
        .get("/fhir/ImagingStudy?_tag=urn:kura:link-state%7Cbirth-date-differs&_total=accurate")
        .json();
    assert!(found["total"].as_u64().unwrap() > 0);
}

#[test]
fn killed_in_the_middle_it_goes_on() {
    let Some(hospital) = shared("hospital-jp/fhir") else {
        return;
    };
    let whole = TestBank::new();
    let hospital = hospital.display().to_string();
    whole.kura(&["import", &hospital]).exits(3);
    let wanted = whole.kura(&["status", "--format", "json"]).ok().json();

    let bank = TestBank::new();
    for round in 0..6 {
        let mut child = bank
            .command(&["import", &hospital])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("kura runs");
        // Long enough to commit something, short enough to be in the middle.
        std::thread::sleep(std::time::Duration::from_millis(150 + 250 * round));
        // SIGKILL: nothing can be tidied up.
        let _ = child.kill();
        let _ = child.wait();
        let audit = bank
            .kura(&["audit", "verify", "--format", "json"])
            .ok()
            .json();
        assert_eq!(audit["whole"], true, "after kill {round}");
    }
    bank.kura(&["import", &hospital]);
    let found = bank.kura(&["status", "--format", "json"]).ok().json();
    let records = |status: &Value| status["records"].clone();
    assert_eq!(records(&found), records(&wanted));
}
