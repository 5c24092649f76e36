//! What is brought in: fetched, or sent along.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    LINES, Said, allow, done, home, manifest, many, outcomes, place, post, rule, set, source,
};
use crate::support::{TestBank, sample, tool};

#[test]
fn from_files_and_from_another_server() {
    let bank = TestBank::new();
    let patients = std::fs::read(sample("fhir/Patient.ndjson.gz")).expect("patients");
    let wrong = b"{\"resourceType\":\"Condition\",\"id\":\"good\"}\n\
        {\"resourceType\":\"Condition\",\"id\":\"secret secret\"}\n\
        \n\
        not JSON, secret\n\
        {\"resourceType\":\"Condition\",\"id\":\"also-good\"}\n";
    let elsewhere = source(move |path| match path {
        "/data/Patient.ndjson?sig=secret" => Said::Body(patients.clone()),
        "/data/moved" => Said::Redirect("/data/conditions".to_owned()),
        "/data/conditions" => Said::Body(wrong.to_vec()),
        "/data/empty" => Said::Body(Vec::new()),
        _ => Said::Status(404),
    });
    let folder = sample("fhir").canonicalize().expect("a folder");
    allow(
        &bank,
        &[
            &format!("{elsewhere}/data/"),
            &format!("file://{}", folder.display()),
        ],
    );
    let server = bank.serve();
    let file = format!("file://{}/Practitioner.ndjson.gz", folder.display());
    let urls = [
        (
            "Patient",
            format!("{elsewhere}/data/Patient.ndjson?sig=secret"),
        ),
        ("Condition", format!("{elsewhere}/data/moved")),
        ("Practitioner", file.clone()),
        ("Encounter", format!("{elsewhere}/data/empty")),
        ("Encounter", format!("{elsewhere}/data/absent")),
    ];
    let inputs: Vec<(&str, &str)> = urls.iter().map(|(kind, url)| (*kind, &url[..])).collect();
    let place = place(&post(&server, &manifest(&inputs)));
    let answer = done(&server, &place);
    assert!(answer["transactionTime"].is_string());
    assert!(
        answer["request"]
            .as_str()
            .expect("a url")
            .ends_with("/fhir/$import")
    );
    let count = |kind: &str| bank.live(kind);
    let counts: Vec<u64> = answer["output"]
        .as_array()
        .expect("outputs")
        .iter()
        .map(|output| output["count"].as_u64().expect("a count"))
        .collect();
    assert_eq!(counts, [43, 2, count("Practitioner"), 0, 0]);
    assert!(counts[2] > 0);
    assert_eq!((count("Patient"), count("Condition")), (43, 2));
    for (output, (_, url)) in answer["output"]
        .as_array()
        .expect("outputs")
        .iter()
        .zip(&inputs)
    {
        assert_eq!(output["inputUrl"], *url);
    }
    let errors = answer["error"].as_array().expect("errors");
    assert_eq!(errors.len(), 2, "{answer}");
    let refused = outcomes(&server, &errors[0]);
    assert_eq!(errors[0]["inputUrl"], inputs[1].1);
    assert_eq!(
        refused.iter().map(rule).collect::<Vec<_>>(),
        ["fhir-id", "json-syntax"]
    );
    let shown = refused[0].to_string() + &refused[1].to_string();
    assert!(
        shown.contains("line 2") && shown.contains("line 4"),
        "{shown}"
    );
    assert!(!shown.contains("secret"), "{shown}");
    assert_eq!(rule(&outcomes(&server, &errors[1])[0]), "input-status");

    // What was refused is in quarantine, under the address without its secret part.
    let names: Vec<String> = bank
        .refused()
        .iter()
        .map(|row| row["name"].to_string())
        .collect();
    assert_eq!(names.len(), 2);
    assert!(
        names.iter().all(|name| name.contains("/data/moved")),
        "{names:?}"
    );
    // The inputs are gone, the rest is the requester's alone.
    let id = place.rsplit('/').next().expect("an id");
    let mut left: Vec<String> = std::fs::read_dir(home(&bank).join(id))
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    left.sort();
    assert_eq!(
        left,
        [
            "OperationOutcome.2.ndjson",
            "OperationOutcome.5.ndjson",
            "asked.json",
            "manifest.json"
        ]
    );
    use std::os::unix::fs::PermissionsExt;
    for name in ["", "asked.json", "OperationOutcome.2.ndjson"] {
        let mode = std::fs::metadata(home(&bank).join(id).join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{name}");
    }
    assert_eq!(server.get(&place.replace("status", "file")).status, 404);
    let asked = format!("{}/asked.json", place.replace("status", "file"));
    assert_eq!(server.get(&asked).status, 404);

    // Once more: the bank knows it all, and tells the same.
    let again = done(
        &server,
        &super::place(&post(&server, &manifest(&inputs[..3]))),
    );
    let same = |answer: &Value, number: usize| answer["output"][number].clone();
    for number in 0..3 {
        assert_eq!(same(&again, number), same(&answer, number));
    }
    assert_eq!(bank.versions("Patient"), 43);
    assert_eq!(server.send("DELETE", &place, &[], "").status, 202);
    assert_eq!(server.get(&place).status, 404);
    assert!(!home(&bank).join(id).exists());
    trail(
        &bank,
        &[
            "bulk_import",
            "bulk_import",
            "bulk_import_cancel",
            "bulk_import_file",
            "bulk_import_file",
        ],
    );
    drop(server);
    bank.kura(&["audit", "verify"]).ok();
}

/// The audit trail has these rows, and no address in any.
fn trail(bank: &TestBank, wanted: &[&str]) {
    let Some(python) = tool("KURA_PYTHON", "python3").filter(|_| bank.database.is_none()) else {
        return;
    };
    let script = "import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute(\"SELECT action, target, detail FROM audit WHERE action LIKE 'bulk_%' ORDER BY action\"): print(*row)";
    let since = Instant::now();
    loop {
        let output = Command::new(&python)
            .args(["-c", script])
            .arg(Path::new(&bank.path()).join("clinical/clinical.db"))
            .output()
            .expect("python runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let actions: Vec<&str> = text
            .lines()
            .filter_map(|line| line.split(' ').next())
            .collect();
        // Rows of reads are written in groups, a moment later.
        if actions == wanted {
            assert!(!text.contains("http") && !text.contains("secret"), "{text}");
            return;
        }
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(since.elapsed() < Duration::from_secs(30), "{text}{error}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Lines that are sent go to disk as they come, plain or compressed.
#[test]
fn lines_that_are_sent_along() {
    let bank = TestBank::new();
    set(&bank, "input_bytes = 68719476736", "input_bytes = 5000000");
    let server = bank.serve();
    let lines = String::from_utf8(many(2000)).expect("text");
    let begun = server.send(
        "POST",
        "/fhir/$import",
        &LINES,
        &(lines + "{\"resourceType\":\"Patient\"}\n"),
    );
    let answer = done(&server, &place(&begun));
    assert_eq!(answer["output"], json!([{ "count": 2000 }]));
    assert_eq!(answer["error"].as_array().map(Vec::len), Some(1));
    let refused = outcomes(&server, &answer["error"][0]);
    assert_eq!(
        refused[0]["issue"][0]["diagnostics"]
            .as_str()
            .map(|text| &text[..10]),
        Some("line 2001:")
    );
    assert_eq!(bank.live("Observation"), 2000);

    let empty = server.send("POST", "/fhir/$import", &LINES, "\n \n");
    assert_eq!(
        done(&server, &place(&empty))["output"],
        json!([{ "count": 0 }])
    );
    let other = server.send("POST", "/fhir/$import", &LINES, "patient,name\n1,secret\n");
    let answer = done(&server, &place(&other));
    let refused = outcomes(&server, &answer["error"][0]);
    assert_eq!(rule(&refused[0]), "input-format");
    assert!(!refused[0].to_string().contains("secret"));

    let large = server.send("POST", "/fhir/$import", &LINES, &"x".repeat(5_000_001));
    assert_eq!(large.status, 413, "{}", large.body);
    // It left nothing: three requests have a folder.
    assert_eq!(std::fs::read_dir(home(&bank)).expect("a folder").count(), 3);

    if tool("KURA_PYTHON", "python3").is_some() {
        // gzip, in chunks of unknown number.
        let script = "import sys, urllib.request, json, time
def parts():
    with open(sys.argv[2], 'rb') as file:
        while piece := file.read(1000): yield piece
headers = {'Prefer': 'respond-async', 'Content-Type': 'application/fhir+ndjson'}
request = urllib.request.Request(sys.argv[1] + '/fhir/$import', data=parts(), headers=headers, method='POST')
place = urllib.request.urlopen(request).headers['Content-Location']
while (answer := urllib.request.urlopen(place)).status == 202: time.sleep(.05)
print(json.load(answer)['output'][0]['count'])";
        let output = Command::new(tool("KURA_PYTHON", "python3").expect("python"))
            .args(["-c", script, &server.url()])
            .arg(sample("fhir/Patient.ndjson.gz"))
            .output()
            .expect("python runs");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout).trim(),
            "43",
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
