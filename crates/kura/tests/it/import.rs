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

#[test]
fn stopped_by_ctrl_c_it_says_so_and_goes_on_later() {
    let Some(hospital) = shared("hospital-jp/fhir") else {
        return;
    };
    let bank = TestBank::new();
    let file = hospital.join("Observation.ndjson.gz").display().to_string();
    let child = bank
        .command(&["import", "--format", "json", &file])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("kura runs");
    std::thread::sleep(std::time::Duration::from_millis(700));
    let interrupted = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .expect("kill runs");
    assert!(interrupted.success());
    let output = child.wait_with_output().expect("kura ends");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    // On a fast machine the file may have been done before the signal came.
    let code = if report["interrupted"] == true {
        130
    } else {
        0
    };
    assert_eq!(output.status.code(), Some(code));
    let before = bank.live("Observation");
    assert_eq!(before, report["accepted"].as_u64().unwrap());
    let rest = bank
        .kura(&["import", "--format", "json", &file])
        .ok()
        .json();
    assert_eq!(before + rest["accepted"].as_u64().unwrap(), 29_154);
    assert_eq!(bank.live("Observation"), 29_154);
}

#[test]
fn logs_name_routes_and_no_patient() {
    let bank = TestBank::new();
    let text = "{\"resourceType\":\"Patient\",\"id\":\"p\",\"name\":[{\"text\":\"小野 綾子\"}],\"birthDate\":\"1950-01-02\"}\nbroken 小野\n";
    let file = bank.file("p.ndjson", text.as_bytes());
    let run = |command: &mut std::process::Command| {
        command
            .env("KURA_LOG", "trace")
            .output()
            .expect("kura runs")
    };
    let output = run(&mut bank.command(&["import", &file.display().to_string()]));
    let mut log = String::from_utf8_lossy(&output.stderr).into_owned();
    let mut child = bank
        .command(&["serve", "--listen", "127.0.0.1:0"])
        .env("KURA_LOG", "trace")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("kura runs");
    let mut line = String::new();
    std::io::BufRead::read_line(
        &mut std::io::BufReader::new(child.stdout.take().expect("standard output")),
        &mut line,
    )
    .expect("the address");
    let address = line.trim().rsplit("http://").next().expect("an address");
    for path in [
        "/fhir/Patient/p",
        "/fhir/Patient?name=%E5%B0%8F%E9%87%8E&birthdate=1950-01-02",
        "/fhir/Patient?birthdate=1950-01-02x",
    ] {
        use std::io::{Read, Write};
        let mut stream = std::net::TcpStream::connect(address).expect("the server answers");
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("a request");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
    }
    let _ = std::process::Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    let output = child.wait_with_output().expect("kura ends");
    log += &String::from_utf8_lossy(&output.stderr);
    assert!(log.contains("/fhir/{type}"), "routes are logged: {log}");
    for word in ["小野", "綾子", "%E5%B0%8F", "1950"] {
        assert!(!log.contains(word), "{word} in the log");
    }
}

#[test]
fn a_panel_report_of_two_people_is_nobodys() {
    let bank = TestBank::new();
    let sheet = "sample,patient_number\nKURA-CGP-0001-T,POP-000035\nKURA-CGP-0001-N,POP-000016\n";
    let sheet = bank.file("sheet.csv", sheet.as_bytes());
    let report = bank.import(
        &[
            &sample("fhir"),
            &sheet,
            &sample("genomics/panel-report.cats.json"),
        ],
        0,
    );
    assert_eq!(report["linked"], 0);
    assert_eq!(report["unlinked"], 6);
}

#[test]
fn two_imports_at_once_wait_for_each_other() {
    let Some(hospital) = shared("hospital-jp/fhir") else {
        return;
    };
    let bank = TestBank::new();
    let mut first = bank
        .command(&["import", &hospital.display().to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("kura runs");
    std::thread::sleep(std::time::Duration::from_millis(400));
    let second = bank.kura(&["import", &sample("claims").display().to_string()]);
    // On a fast machine the first may be done already.
    if second.code != 0 {
        assert_eq!(second.code, 1);
        assert!(second.err.contains("another import"), "{}", second.err);
    }
    assert_eq!(first.wait().expect("kura ends").code(), Some(3));
    bank.kura(&["import", &sample("claims").display().to_string()])
        .ok();
}
