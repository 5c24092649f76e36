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
            "dicom-duplicate-uid",
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

#[test]
fn wado_uri_and_deletion() {
    if tool("KURA_PYTHON", "python3").is_none() {
        return;
    }
    let bank = TestBank::new();
    bank.import(&[&sample("fhir/Patient.ndjson.gz")], 0);
    let server = bank.serve();
    python(
        "wado_uri_delete.py",
        &[Path::new(&server.url()), &sample("dicom")],
    );
    drop(server);
    assert_eq!(bank.live("DicomInstance"), 1);
    // Nothing that was is lost: four objects, four deletions, two that came back, one of them
    // deleted again.
    assert_eq!(bank.versions("DicomInstance"), 4 + 5 + 2);
    bank.kura(&["audit", "verify"]).ok();
    // A modality that sends it again gets it back as well: what it is told is true.
    let Some(storescu) = tool("KURA_STORESCU", "storescu") else {
        return;
    };
    let server = bank.serve_with(&["--dicom-port", "0"]);
    let study = server.get("/dicom-web/studies").json()[0]["0020000D"]["Value"][0]
        .as_str()
        .unwrap()
        .to_owned();
    let send = || {
        std::process::Command::new(&storescu)
            .args(["-aec", "KURA", "-R", "127.0.0.1"])
            .arg(server.dicom.unwrap().to_string())
            .arg(sample("dicom/01-ct-abdomen.dcm"))
            .status()
            .unwrap()
    };
    for _ in 0..2 {
        let path = format!("/dicom-web/studies/{study}");
        assert_eq!(server.send("DELETE", &path, &[], "").status, 204);
        assert_eq!(bank.live("DicomInstance"), 0);
        assert!(send().success());
        assert_eq!(bank.live("DicomInstance"), 1);
    }
}

/// Who may delete is who may write records for care.
#[test]
fn deleting_is_a_right() {
    let bank = TestBank::new();
    bank.import(&[&sample("dicom/01-ct-abdomen.dcm")], 0);
    let study = {
        let server = bank.serve();
        let found = server.get("/dicom-web/studies").json();
        found[0]["0020000D"]["Value"][0]
            .as_str()
            .unwrap()
            .to_owned()
    };
    for (name, role) in [("a", "administrator"), ("r", "researcher"), ("d", "doctor")] {
        assert_eq!(add(&bank, name, role, "correct horse battery"), 0);
    }
    let server = bank.serve();
    let delete = |who: &str| {
        let who = basic(&format!("{who}:correct horse battery"));
        let path = format!("/dicom-web/studies/{study}");
        server
            .send("DELETE", &path, &[("Authorization", &who)], "")
            .status
    };
    assert_eq!(delete("a"), 403);
    assert_eq!(delete("r"), 403);
    assert_eq!(bank.live("DicomInstance"), 1);
    assert_eq!(delete("d"), 204);
    assert_eq!(bank.live("DicomInstance"), 0);
    let trail = bank.kura(&["audit", "show", "--format", "json"]);
    assert!(
        trail.code != 0 || trail.out.contains("instance_delete"),
        "{}",
        trail.out
    );
}

/// What the bank says of itself is what it serves.
#[test]
fn the_conformance_page_lists_what_answers() {
    let bank = TestBank::new();
    let server = bank.serve();
    let accept = |kind| server.send("GET", "/dicom-web/conformance", &[("Accept", kind)], "");
    let told = accept("application/json").json();
    let mut count = 0;
    for transaction in told["transactions"].as_array().unwrap() {
        for address in transaction["addresses"].as_array().unwrap() {
            let text = |key: &str| address[key].as_str().unwrap();
            let path: String = text("path")
                .split('/')
                .map(|part| if part.starts_with('{') { "1" } else { part })
                .collect::<Vec<_>>()
                .join("/");
            let answer = server.send(text("method"), &format!("/dicom-web{path}"), &[], "");
            assert_ne!(answer.status, 405, "{path}");
            assert!(
                !answer.body.contains("nothing under this address"),
                "{path}"
            );
            count += 1;
        }
    }
    assert!(count > 30, "{count}");
    let wadl = accept("application/vnd.sun.wadl+xml").body;
    assert_eq!(wadl.matches("<resource ").count(), count);
    for path in ["/dicom-web", "/dicom-web/"] {
        let headers = [("Accept", "application/json")];
        let options = server.send("OPTIONS", path, &headers, "");
        assert_eq!(options.status, 200, "{path}");
        assert_eq!(options.json()["transactions"], told["transactions"]);
    }
    let page = |lang| {
        server.get(&format!(
            "/dicom-web/conformance?lang={lang}&accept=text/html"
        ))
    };
    assert!(page("ja").body.contains("扱わないもの"));
    let page = page("en").body;
    assert!(page.contains("Not supported") && page.contains("/dicom-web/conformance?lang=ja"));
    // A method that is not listed is told so.
    let answer = server.send("PUT", "/dicom-web/studies", &[], "");
    assert_eq!(answer.status, 405);
}

#[test]
fn workitems_live_and_end() {
    if tool("KURA_PYTHON", "python3").is_none() {
        return;
    }
    let bank = TestBank::new();
    let server = bank.serve();
    python("ups.py", &[Path::new(&server.url())]);
    drop(server);
    assert_eq!(bank.live("Workitem"), 6);
    bank.kura(&["audit", "verify"]).ok();
}
