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

/// Files of one object each are committed together: what each came to is told by itself, and a
/// kill in the middle counts none twice.
#[test]
fn a_folder_of_objects_with_bad_ones_among_them() {
    let ct = std::fs::read(sample("dicom/01-ct-abdomen.dcm")).unwrap();
    // The UID in the file meta information, and in the data set.
    let uid = {
        let element = b"\x02\x00\x03\x00UI";
        let at = ct.windows(6).position(|six| six == element).unwrap();
        let length = usize::from(ct[at + 6]);
        let value = String::from_utf8_lossy(&ct[at + 8..at + 8 + length]);
        value.trim_end_matches('\0').to_owned()
    };
    let object = |number: usize| {
        let name = format!("{}{number:05}", &uid[..uid.len() - 5]);
        let mut bytes = ct.clone();
        let places: Vec<usize> = (0..bytes.len() - uid.len())
            .filter(|at| bytes[*at..].starts_with(uid.as_bytes()))
            .collect();
        assert_eq!(places.len(), 2);
        for at in places {
            bytes[at..at + uid.len()].copy_from_slice(name.as_bytes());
        }
        bytes
    };
    let place = TestBank::place();
    let folder = std::path::PathBuf::from(place.path()).join("objects");
    std::fs::create_dir_all(&folder).unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
    for number in 0..600 {
        write(&format!("{number:03}.dcm"), &object(number));
    }
    write("005-again.dcm", &object(5));
    let mut other = object(7);
    // A pixel; the end of the file is padding.
    let pixel = other.len() - 1000;
    other[pixel] ^= 1;
    write("007-other.dcm", &other);
    write("300-cut.dcm", &object(900)[..700]);

    let bank = TestBank::new();
    let report = bank.import(&[&folder], 3);
    assert_eq!(
        (
            &report["accepted"],
            &report["unchanged"],
            &report["refused"]
        ),
        (&600.into(), &0.into(), &2.into())
    );
    let files = report["files"].as_array().unwrap();
    assert_eq!(files.len(), 603);
    let of = |name: &str| {
        let is = |file: &&Value| {
            file["name"]
                .as_str()
                .is_some_and(|path| path.ends_with(name))
        };
        let file = files.iter().find(is).unwrap();
        let count = |of: &str| file[of].as_u64().unwrap();
        (file["state"].clone(), count("accepted"), count("refused"))
    };
    // The first of two with the same bytes is read; of two with one UID the second is kept aside.
    assert_eq!(of("/005-again.dcm"), ("imported".into(), 1, 0));
    assert_eq!(of("/005.dcm"), ("known".into(), 0, 0));
    let pair = [of("/007-other.dcm"), of("/007.dcm")];
    assert_eq!(pair[0], ("imported".into(), 1, 0));
    assert_eq!(pair[1], ("imported".into(), 0, 1));
    assert_eq!(of("/300-cut.dcm"), ("imported".into(), 0, 1));
    assert_eq!(of("/599.dcm"), ("imported".into(), 1, 0));
    let places = |bank: &TestBank| {
        let mut places: Vec<String> = bank
            .refused()
            .iter()
            .map(|item| {
                let name = item["name"].as_str().unwrap();
                format!(
                    "{} {}",
                    &name[name.len() - 11..],
                    item["rule"].as_str().unwrap()
                )
            })
            .collect();
        places.sort();
        places
    };
    let wanted = places(&bank);
    assert_eq!(wanted.len(), 2, "{wanted:?}");
    let again = bank.import(&[&folder], 0);
    assert_eq!(
        (&again["accepted"], &again["refused"]),
        (&0.into(), &0.into())
    );

    let killed = TestBank::new();
    let path = folder.display().to_string();
    for round in 0..5 {
        let mut child = killed
            .command(&["import", &path])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("kura runs");
        std::thread::sleep(std::time::Duration::from_millis(200 + 150 * round));
        let _ = child.kill();
        let _ = child.wait();
    }
    killed.kura(&["import", &path]);
    for kind in ["DicomInstance", "DicomSeries", "ImagingStudy"] {
        assert_eq!(killed.live(kind), bank.live(kind), "{kind}");
    }
    assert_eq!(killed.versions("DicomInstance"), 600);
    assert_eq!(killed.live("PendingStudy"), 0);
    assert_eq!(places(&killed), wanted);
    killed.kura(&["audit", "verify"]).ok();
}
