//! Query, retrieval, commitment and the worklist: dcmtk and pynetdicom against a running bank.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use crate::dataset::python;
use crate::support::{Server, TestBank, sample, tool};

/// A port that nobody listens on.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

fn served(bank: &TestBank, back: u16) -> Server {
    let nodes = format!(
        "{{ STATION = {{ address = '127.0.0.1:{back}', may = ['query', 'store'] }}, \
         AWAY = {{ address = '127.0.0.1:{}' }}, \
         MOVESCU = {{ address = '127.0.0.1:{back}', may = ['query'] }}, \
         READER = {{ may = ['query'] }} }}",
        free_port()
    );
    bank.serve_as(
        &["--dicom-port", "0"],
        &[
            ("KURA_DICOM__NODES", Path::new(&nodes)),
            ("KURA_DICOM__PEERS", Path::new("['CT1']")),
            (
                "KURA_DICOM__PROCEDURES",
                Path::new("{ Chest_CT = 'CT', Wrist_Xray_AP_Lateral = 'DX' }"),
            ),
        ],
    )
}

#[test]
fn pynetdicom_finds_and_retrieves() {
    if tool("KURA_PYTHON", "python3").is_none() {
        return;
    }
    let bank = TestBank::sample();
    let back = free_port();
    let server = served(&bank, back);
    let port = server.dicom.expect("a DICOM port").to_string();
    python(
        "query.py",
        &[
            Path::new(&port),
            &sample("dicom"),
            Path::new(&back.to_string()),
            &sample("fhir"),
        ],
    );
    bank.kura(&["audit", "verify"]).ok();
}

#[test]
fn a_sender_finds_what_it_has_just_sent() {
    if tool("KURA_PYTHON", "python3").is_none() {
        return;
    }
    let bank = TestBank::new();
    let server = bank.serve_with(&["--dicom-port", "0"]);
    let port = server.dicom.expect("a DICOM port").to_string();
    let image = sample("dicom/01-ct-abdomen.dcm");
    python("sender_asks.py", &[Path::new(&port), &image]);
}

/// Studies that grow, UIDs that come again, orders that led to them.
#[test]
fn the_archive_is_in_order() {
    if tool("KURA_PYTHON", "python3").is_none() {
        return;
    }
    let bank = TestBank::new();
    bank.import(&[&sample("fhir")], 0);
    let server = bank.serve_with(&["--dicom-port", "0"]);
    let port = server.dicom.expect("a DICOM port").to_string();
    python(
        "archive.py",
        &[Path::new(&server.url()), Path::new(&port), &sample("dicom")],
    );
    let rules: Vec<String> = bank
        .refused()
        .iter()
        .map(|item| item["rule"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(rules, ["dicom-duplicate-uid"; 3]);
    assert_eq!(bank.live("PendingStudy"), 0);
}

/// The objects in a folder, as dcmtk reads them.
fn files(folder: &Path) -> BTreeSet<String> {
    let output = Command::new("dcmdump")
        .args(["+r", "+sd", "+P", "0008,0018"])
        .arg(folder)
        .output()
        .expect("dcmdump runs");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| line.split_once('[')?.1.split_once(']'))
        .map(|(uid, _)| uid.to_owned())
        .collect()
}

/// dcmtk's own programs find, move and get every object.
#[test]
fn dcmtk_finds_and_retrieves() {
    let tools = ["findscu", "movescu", "getscu"];
    if tools
        .iter()
        .any(|name| tool(&format!("KURA_{}", name.to_uppercase()), name).is_none())
    {
        return;
    }
    let bank = TestBank::sample();
    let back = free_port();
    let server = served(&bank, back);
    let port = server.dicom.expect("a DICOM port").to_string();
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program)
            .args(arguments)
            .args(["127.0.0.1", &port])
            .output()
            .expect("it runs");
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(output.status.success(), "{program}: {text}");
        text
    };
    let all = files(&sample("dicom"));
    let names = ["-aec", "KURA", "-aet", "MOVESCU"];
    let study = ["-k", "QueryRetrieveLevel=STUDY"];
    let found = run(
        "findscu",
        &[&["-S"], &names[..], &study, &["-k", "StudyInstanceUID"]].concat(),
    );
    assert_eq!(
        found.matches("Find Response: ").count(),
        all.len(),
        "{found}"
    );

    let folder = bank.folder.path().join("moved");
    std::fs::create_dir(&folder).expect("a folder");
    let place = folder.display().to_string();
    let listen = back.to_string();
    // A worklist of dates: by range, over all patients.
    let uids: Vec<String> = server
        .get("/dicom-web/studies")
        .json()
        .as_array()
        .expect("studies")
        .iter()
        .filter_map(|study| study["0020000D"]["Value"][0].as_str())
        .map(str::to_owned)
        .collect();
    let key = format!("StudyInstanceUID={}", uids.join("\\"));
    run(
        "movescu",
        &[
            &["-S", "-aem", "MOVESCU", "+P", &listen, "-od", &place, "+xa"],
            &names[..],
            &study,
            &["-k", &key],
        ]
        .concat(),
    );
    assert_eq!(files(&folder), all);

    // What the getter does not take as it lies comes rewritten, or is named as failed: this one
    // takes native pixels only.
    let folder = bank.folder.path().join("got");
    std::fs::create_dir(&folder).expect("a folder");
    let place = folder.display().to_string();
    run(
        "getscu",
        &[&["-S", "-od", &place], &names[..], &study, &["-k", &key]].concat(),
    );
    assert_eq!(files(&folder), all);
    let output = Command::new("dcmdump")
        .args(["+r", "+sd", "+P", "0002,0010"])
        .arg(&folder)
        .output()
        .expect("dcmdump runs");
    let syntaxes = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        syntaxes.matches("=LittleEndianExplicit").count(),
        all.len(),
        "{syntaxes}"
    );
}
