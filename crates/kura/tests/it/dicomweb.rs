//! DICOMweb against a running bank: what clients write there, and what they are told.

use std::path::Path;

use crate::access::{add, basic};
use crate::dataset::python;
use crate::support::{TestBank, sample, tool};

#[test]
fn dicomweb_client_stores() {
    if tool("KURA_PYTHON", "python3").is_none() {
        return;
    }
    let bank = TestBank::new();
    bank.import(&[&sample("fhir")], 0);
    let server = bank.serve();
    python("stow.py", &[Path::new(&server.url()), &sample("dicom")]);
    assert_eq!(bank.live("PendingStudy"), 0);
    // No object has a second version.
    assert_eq!(bank.versions("DicomInstance"), bank.live("DicomInstance"));
    let mut rules: Vec<String> = bank
        .refused()
        .iter()
        .map(|item| item["rule"].as_str().unwrap_or_default().to_owned())
        .collect();
    rules.sort();
    assert_eq!(
        rules,
        [
            "dicom-announced",
            "dicom-duplicate",
            "dicom-file-meta",
            "dicom-file-meta",
            "dicom-length",
            "dicom-study"
        ]
    );
    bank.kura(&["audit", "verify"]).ok();
}

/// Who may store is who may import.
#[test]
fn storing_is_a_right() {
    let bank = TestBank::new();
    assert_eq!(add(&bank, "sato", "doctor", "correct horse battery"), 0);
    assert_eq!(
        add(&bank, "kato", "data-manager", "another long password"),
        0
    );
    let server = bank.serve();
    let file = std::fs::read(sample("dicom/01-ct-abdomen.dcm")).unwrap();
    let store = |who: Option<&str>| {
        let mut request = format!(
            "POST /dicom-web/studies HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/dicom\r\nContent-Length: {}\r\n",
            server.address,
            file.len()
        );
        if let Some(who) = who {
            request += &format!("Authorization: {}\r\n", basic(who));
        }
        let mut request = (request + "\r\n").into_bytes();
        request.extend(&file);
        server.raw(&request).status
    };
    assert_eq!(store(None), 401);
    assert_eq!(store(Some("sato:correct horse battery")), 403);
    assert_eq!(bank.live("DicomInstance"), 0);
    assert_eq!(store(Some("kato:another long password")), 200);
    assert_eq!(bank.live("DicomInstance"), 1);
}

#[test]
fn frames_and_bulk_data_are_those_of_the_file() {
    if tool("KURA_PYTHON", "python3").is_none() {
        return;
    }
    let Some(foreign) = std::env::var_os("KURA_PYDICOM_FILES") else {
        eprintln!("SKIPPED: KURA_PYDICOM_FILES is not set; run make test");
        return;
    };
    let bank = TestBank::new();
    let server = bank.serve();
    python(
        "frames.py",
        &[
            Path::new(&server.url()),
            &sample("dicom"),
            Path::new(&foreign),
        ],
    );
}
