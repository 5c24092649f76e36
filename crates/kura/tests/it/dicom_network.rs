//! Images over the network: dcmtk, pynetdicom and dicomweb-client against a running bank.

use std::path::Path;
use std::process::Command;

use crate::dataset::python;
use crate::support::{TestBank, sample, tool};

fn storescu(port: u16, more: &[&str], files: &[&Path]) -> std::process::Output {
    Command::new("storescu")
        .args(["-aec", "KURA", "-aet", "STORESCU", "-R"])
        .args(more)
        .arg("127.0.0.1")
        .arg(port.to_string())
        .args(files)
        .output()
        .expect("storescu runs")
}

/// dcmtk verifies and stores; the study is linked to its patient and on the time line's API.
#[test]
fn dcmtk_stores_and_the_study_is_linked() {
    if tool("KURA_STORESCU", "storescu").is_none() {
        return;
    }
    let bank = TestBank::new();
    bank.import(&[&sample("fhir")], 0);
    let server = bank.serve_with(&["--dicom-port", "0"]);
    let port = server.dicom.expect("a DICOM port");
    let echo = Command::new("echoscu")
        .args(["-aec", "KURA", "127.0.0.1", &port.to_string()])
        .output()
        .expect("echoscu runs");
    assert!(echo.status.success());
    let other = Command::new("echoscu")
        .args(["-aec", "OTHER", "127.0.0.1", &port.to_string()])
        .output()
        .expect("echoscu runs");
    assert!(!other.status.success());

    let files = ["dicom/01-ct-abdomen.dcm", "dicom/02-ct-chest-later.dcm"].map(sample);
    let sent = storescu(port, &[], &[&files[0], &files[1]]);
    assert!(
        sent.status.success(),
        "{}",
        String::from_utf8_lossy(&sent.stderr)
    );
    let mut uids = std::collections::BTreeSet::new();
    // Known to whoever asks as soon as the sender has released.
    for study in server.get("/dicom-web/studies").json().as_array().unwrap() {
        let uid = study["0020000D"]["Value"][0].as_str().unwrap();
        let found = server
            .get(&format!(
                "/fhir/ImagingStudy?identifier=urn:dicom:uid%7Curn:oid:{uid}"
            ))
            .json();
        let entry = &found["entry"][0];
        assert!(
            entry["resource"]["subject"]["reference"]
                .as_str()
                .is_some_and(|patient| patient.starts_with("Patient/")),
            "{}",
            entry["resource"]["meta"]
        );
        assert_eq!(entry["resource"]["numberOfInstances"], 1);
        uids.insert(uid.to_owned());
    }
    assert_eq!(uids.len(), 2);
    // Sent again: acknowledged again, nothing new.
    let versions = bank.versions("DicomInstance");
    assert!(storescu(port, &[], &[&files[0]]).status.success());
    assert_eq!(bank.versions("DicomInstance"), versions);
    bank.kura(&["audit", "verify"]).ok();
}

#[test]
fn pynetdicom_is_served_and_refused() {
    if tool("KURA_PYTHON", "python3").is_none() {
        return;
    }
    let bank = TestBank::new();
    bank.import(&[&sample("fhir")], 0);
    let server = bank.serve_with(&["--dicom-port", "0"]);
    let port = server.dicom.expect("a DICOM port").to_string();
    python("dimse.py", &[Path::new(&port), &sample("dicom")]);
    assert_eq!(bank.live("DicomInstance"), 12);
    // No study waits.
    assert_eq!(bank.live("PendingStudy"), 0);
    // What was refused lies aside with its rule, and the sender's totals say so.
    let rules: Vec<String> = bank
        .refused()
        .iter()
        .map(|item| item["rule"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(rules.len(), 3, "{rules:?}");
    assert_eq!(rules[2], "dicom-announced");
    let page = server.get("/import").body;
    assert!(page.contains("dicom:MODALITY"), "the sender is listed");
}

#[test]
fn dicomweb_client_reads_it_back() {
    if tool("KURA_PYTHON", "python3").is_none() {
        return;
    }
    let bank = TestBank::sample();
    let server = bank.serve();
    python("dicomweb.py", &[Path::new(&server.url()), &sample("dicom")]);
}

/// What was acknowledged before a kill is there afterwards, in its study too.
#[test]
fn a_kill_loses_no_acknowledged_object() {
    if tool("KURA_STORESCU", "storescu").is_none() {
        return;
    }
    let Some(python_tool) = tool("KURA_PYTHON", "python3") else {
        return;
    };
    let bank = TestBank::new();
    bank.import(&[&sample("fhir")], 0);
    let server = bank.serve_with(&["--dicom-port", "0"]);
    let port = server.dicom.expect("a DICOM port");
    // Eight modalities store objects of one series, say which were acknowledged, never release.
    let mut senders: Vec<_> = (0..8)
        .map(|_| {
            let mut sender = Command::new(&python_tool)
                .arg(crate::support::repository().join("tests/python/store_forever.py"))
                .arg(port.to_string())
                .arg(sample("dicom/01-ct-abdomen.dcm"))
                .stdout(std::process::Stdio::piped())
                .spawn()
                .expect("python runs");
            let output = sender.stdout.take().expect("standard output");
            let lines = std::io::BufRead::lines(std::io::BufReader::new(output));
            (sender, lines)
        })
        .collect();
    let mut acknowledged = Vec::new();
    for (_, lines) in &mut senders {
        for _ in 0..5 {
            acknowledged.push(lines.next().expect("another object").expect("a line"));
        }
    }
    drop(server);
    for (mut sender, lines) in senders {
        acknowledged.extend(lines.map_while(Result::ok));
        sender.wait().expect("the sender ends");
    }

    let server = bank.serve_with(&["--dicom-port", "0"]);
    let known = server.get("/dicom-web/studies").json();
    assert_eq!(known.as_array().map(Vec::len), Some(1));
    let uid = known[0]["0020000D"]["Value"][0].as_str().unwrap();
    let study = server
        .get(&format!(
            "/fhir/ImagingStudy?identifier=urn:dicom:uid%7Curn:oid:{uid}"
        ))
        .json();
    let listed: Vec<&str> = study["entry"][0]["resource"]["series"][0]["instance"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|instance| instance["uid"].as_str())
        .collect();
    for line in &acknowledged {
        let (uid, _) = line.split_once(' ').expect("a UID and a hash");
        assert!(listed.contains(&uid), "{uid} was acknowledged");
    }
    let list = bank.file("acknowledged", acknowledged.join("\n").as_bytes());
    python("acknowledged.py", &[Path::new(&server.url()), &list]);
    assert_eq!(bank.live("DicomInstance"), listed.len() as u64);
    assert_eq!(bank.live("PendingStudy"), 0);
}

/// An import and a sender write at the same time; neither loses what the other wrote.
#[test]
fn import_and_network_at_once() {
    if tool("KURA_PYTHON", "python3").is_none() {
        return;
    }
    let bank = TestBank::new();
    let server = bank.serve_with(&["--dicom-port", "0"]);
    let port = server.dicom.expect("a DICOM port");
    let fhir = sample("fhir").display().to_string();
    let dicom = sample("dicom").display().to_string();
    let import = bank
        .command(&["import", &fhir, &dicom])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn();
    let arguments = [port.to_string(), sample("dicom").display().to_string()];
    python(
        "dimse.py",
        &[Path::new(&arguments[0]), Path::new(&arguments[1])],
    );
    let mut import = import.expect("kura import starts");
    assert!(import.wait().expect("it ends").success());
    assert_eq!(bank.live("DicomInstance"), 12);
    let studies = server.get("/fhir/ImagingStudy?_total=accurate").json();
    let known = TestBank::sample();
    assert_eq!(studies["total"], known.live("ImagingStudy"));
    bank.kura(&["audit", "verify"]).ok();
}

/// With an account only listed titles may send.
#[test]
fn with_an_account_the_titles_are_needed() {
    if tool("KURA_STORESCU", "storescu").is_none() {
        return;
    }
    let bank = TestBank::new();
    assert_eq!(
        crate::access::add(&bank, "taro", "doctor", "a long enough password"),
        0
    );
    let refused = bank
        .kura(&["serve", "--listen", "127.0.0.1:0", "--dicom-port", "0"])
        .exits(1);
    assert!(refused.err.contains("dicom.peers"), "{}", refused.err);

    let file = bank.folder.path().join("bank/kura.toml");
    let mut text = std::fs::read_to_string(&file).unwrap();
    text = text.replace("peers = []", "peers = [\"STORESCU\"]");
    std::fs::write(&file, text).unwrap();
    let server = bank.serve_with(&["--dicom-port", "0"]);
    let port = server.dicom.expect("a DICOM port");
    assert!(
        storescu(port, &[], &[&sample("dicom/01-ct-abdomen.dcm")])
            .status
            .success()
    );
    let stranger = Command::new("echoscu")
        .args(["-aec", "KURA", "-aet", "STRANGER", "127.0.0.1"])
        .arg(port.to_string())
        .output()
        .expect("echoscu runs");
    assert!(!stranger.status.success());
    // DICOMweb asks who is there.
    assert_eq!(server.get("/dicom-web/studies").status, 401);
}
