//! A Bundle larger than what is held of one item is read entry by entry.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::support::TestBank;

const PATIENTS: usize = 1_000;

/// An observation of each patient, then the patients: what is pointed at comes later, and the
/// type of the Bundle last.
fn entries() -> Vec<String> {
    let observation = |n: usize| {
        format!(
            r#"{{"fullUrl":"urn:uuid:o-{n}","resource":{{"resourceType":"Observation","status":"final","code":{{"coding":[{{"system":"http://loinc.org","code":"718-7"}}]}},"subject":{{"reference":"urn:uuid:p-{n}"}},"performer":[{{"reference":"http://old.example/fhir/Practitioner/d"}}]}}}}"#
        )
    };
    let patient = |n: usize| {
        format!(r#"{{"fullUrl":"urn:uuid:p-{n}","resource":{{"resourceType":"Patient"}}}}"#)
    };
    let mut all: Vec<String> = (0..PATIENTS).map(observation).collect();
    all.push(r#"{"request":{"method":"DELETE","url":"Patient/1"}}"#.to_owned());
    all.push(r#"{"resource":{"resourceType":"Patient","id":"a b"},"x":1,"x":2}"#.to_owned());
    all.push(r#"{"fullUrl":"http://old.example/fhir/Practitioner/d","resource":{"resourceType":"Practitioner","id":"d"}}"#.to_owned());
    all.extend((0..PATIENTS).map(patient));
    all
}

fn bundle(entries: &[String], kind: &str, between: &str) -> String {
    let mut text =
        format!("{{{between}\"resourceType\": \"Bundle\",{between}\"entry\": [{between}");
    let _ = write!(text, "{}", entries.join(&format!(",{between}")));
    let _ = writeln!(text, "],{between}\"type\": \"{kind}\"}}");
    text
}

/// Imports with at most 16 KiB of one item held.
#[track_caller]
fn import(bank: &TestBank, file: &Path, code: i32) -> Value {
    let run = bank
        .command(&["import", "--format", "json", &file.display().to_string()])
        .env("KURA_IMPORT__ITEM_BYTES", "16384")
        .output()
        .expect("kura runs");
    assert_eq!(
        run.status.code(),
        Some(code),
        "{}",
        String::from_utf8_lossy(&run.stderr)
    );
    serde_json::from_slice(&run.stdout).expect("a report")
}

#[test]
fn each_entry_is_taken_or_refused_by_itself() {
    for (between, compressed) in [("", false), ("\n", false), ("", true)] {
        let bank = TestBank::new();
        let text = bundle(&entries(), "transaction", between);
        let bytes = if compressed {
            crate::messy::gzip(text.as_bytes())
        } else {
            text.into_bytes()
        };
        let file = bank.file("large.json", &bytes);
        let report = import(&bank, &file, 3);
        assert_eq!(report["accepted"], 2 * PATIENTS + 1);
        let refused: Vec<(String, String)> = bank
            .refused()
            .iter()
            .rev()
            .map(|row| {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                (text(&row["rule"]), text(&row["location"]["path"]))
            })
            .collect();
        assert_eq!(
            refused,
            [
                (
                    "fhir-bundle-request".to_owned(),
                    "Bundle.entry[1000].request.method".to_owned()
                ),
                ("json-repeated".to_owned(), "Bundle.entry[1001]".to_owned()),
            ]
        );
        let server = bank.serve();
        let found = server
            .get("/fhir/Observation?patient=Patient/p-7&performer=Practitioner/d")
            .json();
        assert_eq!(found["entry"][0]["resource"]["id"], "o-7");
        // A second time there is nothing new.
        drop(server);
        let again = bank.file("again.json", &[&bytes[..], b"\n"].concat());
        if !compressed {
            let report = import(&bank, &again, 3);
            assert_eq!(report["unchanged"], 2 * PATIENTS + 1);
        }
    }
}

#[test]
fn killed_in_the_middle_each_entry_is_there_once() {
    let bank = TestBank::new();
    let entries: Vec<String> = (0..60_000)
        .map(|n| {
            format!(
                r#"{{"resource":{{"resourceType":"Basic","id":"b{n}","code":{{"text":"{n}"}}}}}}"#
            )
        })
        .collect();
    let file = bank.file("large.json", bundle(&entries, "collection", "").as_bytes());
    let name = file.display().to_string();
    for round in 0..4 {
        let mut child = bank
            .command(&["import", &name])
            .env("KURA_IMPORT__ITEM_BYTES", "16384")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("kura runs");
        std::thread::sleep(std::time::Duration::from_millis(400 + 200 * round));
        let _ = child.kill();
        let _ = child.wait();
    }
    import(&bank, &file, 0);
    assert_eq!(
        (bank.live("Basic"), bank.versions("Basic")),
        (60_000, 60_000)
    );
}

#[test]
fn what_breaks_off_or_cannot_be_taken_apart_says_so() {
    let bank = TestBank::new();
    let text = bundle(&entries()[..PATIENTS], "collection", "");
    let half = bank.file("half.json", &text.as_bytes()[..text.len() / 2]);
    let report = import(&bank, &half, 3);
    let taken = report["accepted"].as_u64().expect("a count");
    assert!((400..600).contains(&taken), "{taken}");
    assert_eq!(bank.refused()[0]["rule"], "json-syntax");

    // An entry that alone is too much, after one that is not.
    let long = format!(
        r#"{{"resource":{{"resourceType":"Basic","id":"long","code":{{"text":"{}"}}}}}}"#,
        "x".repeat(400_000)
    );
    let short = r#"{"resource":{"resourceType":"Basic","id":"short"}}"#.to_owned();
    let file = bank.file(
        "long.json",
        bundle(&[short.clone(), long, short.clone()], "collection", "").as_bytes(),
    );
    assert_eq!(import(&bank, &file, 3)["accepted"], 1);
    assert_eq!(bank.refused()[0]["rule"], "item-size");

    // A document is kept whole or not at all.
    let file = bank.file(
        "document.json",
        bundle(&entries(), "document", "").as_bytes(),
    );
    assert_eq!(import(&bank, &file, 3)["accepted"], 0);
    assert_eq!(bank.refused()[0]["rule"], "item-size");

    // Lines behind it: the first is refused as any long line is, the others go on.
    let mut lines = bundle(&entries(), "collection", "");
    lines.push_str("{\"resourceType\":\"Basic\",\"id\":\"behind\"}\n");
    let file = bank.file("lines.ndjson", lines.as_bytes());
    let report = import(&bank, &file, 3);
    assert_eq!(
        (&report["accepted"], &report["refused"]),
        (&1.into(), &1.into())
    );
    assert_eq!(bank.refused()[0]["rule"], "item-size");
    assert_eq!(bank.refused()[0]["location"]["line"], 1);
}
