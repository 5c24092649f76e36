//! Keeping records searchable: parameters that are added while the bank is served, and a bank of
//! an older release.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{Server, TestBank, repository, sample};

fn parameter(status: &str, expression: &str) -> String {
    serde_json::json!({
        "resourceType": "SearchParameter", "id": "ward-phone", "url": "http://example.jp/SearchParameter/marital",
        "name": "marital", "description": "marital status", "status": status, "code": "marital",
        "base": ["Patient"], "type": "token", "expression": expression,
    })
    .to_string()
}

const JSON: [(&str, &str); 1] = [("Content-Type", "application/fhir+json")];

fn total(server: &Server, query: &str) -> Option<u64> {
    let answer = server
        .send(
            "GET",
            &format!("/fhir/{query}&_summary=count"),
            &[("Prefer", "handling=strict")],
            "",
        )
        .json();
    answer["total"].as_u64()
}

/// Polls: indexing takes as long as it takes.
fn until(server: &Server, query: &str, wanted: u64) {
    let since = Instant::now();
    while total(server, query) != Some(wanted) {
        assert!(
            since.elapsed() < Duration::from_secs(120),
            "{query}: {:?}, not {wanted}",
            total(server, query)
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn a_parameter_is_added_changed_and_taken_away_while_the_bank_is_served() {
    let bank = TestBank::new();
    bank.import(&[&sample("fhir/Patient.ndjson.gz")], 0);
    let server = bank.serve();
    assert_eq!(total(&server, "Patient?marital=W"), None);
    let put = |body: &str| {
        server
            .send("PUT", "/fhir/SearchParameter/ward-phone", &JSON, body)
            .status
    };
    assert_eq!(put(&parameter("active", "Patient.maritalStatus")), 201);
    // What the resources say, counted by hand.
    let widowed = count("W");
    assert!(widowed > 0);
    until(&server, "Patient?marital=W", widowed);
    // What is written from now on has it at once; so has what another process imports.
    let body = r#"{"resourceType":"Patient","id":"new","maritalStatus":{"coding":[{"code":"W"}]}}"#;
    assert_eq!(
        server.send("PUT", "/fhir/Patient/new", &JSON, body).status,
        201
    );
    assert_eq!(total(&server, "Patient?marital=W"), Some(widowed + 1));
    let file = bank.file("more.ndjson", body.replace("new", "more").as_bytes());
    bank.import(&[&file], 0);
    assert_eq!(total(&server, "Patient?marital=W"), Some(widowed + 2));
    let stated = server.get("/fhir/metadata").body;
    assert!(stated.contains("http://example.jp/SearchParameter/marital"));
    // Changed, it means something else and finds nothing of what it meant before.
    assert_eq!(put(&parameter("active", "Patient.gender")), 200);
    until(&server, "Patient?marital=W", 0);
    until(
        &server,
        "Patient?marital=male",
        total(&server, "Patient?gender=male").unwrap(),
    );
    // Retired, it is unknown.
    assert_eq!(put(&parameter("retired", "Patient.gender")), 200);
    assert_eq!(total(&server, "Patient?marital=male"), None);
}

fn count(code: &str) -> u64 {
    let output = Command::new("sh")
        .args([
            "-c",
            "zcat \"$0\" | grep -c \"v3-MaritalStatus\\\", \\\"code\\\": \\\"$1\\\"\"",
        ])
        .arg(sample("fhir/Patient.ndjson.gz"))
        .arg(code)
        .output()
        .expect("zcat runs");
    String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .expect("a count")
}

/// `tests/data/bank-schema-1.tar.gz`: 48 resources and 8 second versions, written by the first
/// release.
#[test]
fn a_bank_of_the_first_release_is_brought_up() {
    let bank = TestBank::new();
    if bank.database.is_some() {
        eprintln!("SKIPPED: the first release knew SQLite only");
        return;
    }
    std::fs::remove_dir_all(bank.path()).unwrap();
    std::fs::create_dir_all(bank.path()).unwrap();
    let packed = repository().join("crates/kura/tests/data/bank-schema-1.tar.gz");
    let unpacked = Command::new("tar")
        .arg("-xzf")
        .arg(packed)
        .args(["-C", &bank.path()])
        .status()
        .expect("tar runs");
    assert!(unpacked.success());
    let refused = bank.kura(&["status"]).exits(1);
    assert!(refused.err.contains("kura upgrade"), "{}", refused.err);

    let upgraded = bank.kura(&["upgrade", "--format", "json"]).ok().json();
    assert_eq!(upgraded["from_schema"], 1);
    assert!(upgraded["indexed"].as_u64() > Some(0));
    let again = bank.kura(&["upgrade", "--format", "json"]).ok().json();
    assert_eq!(
        (again["indexed"].as_u64(), &again["from_schema"]),
        (Some(0), &4.into())
    );
    bank.kura(&["audit", "verify"]).ok();
    assert_eq!((bank.live("Patient"), bank.versions("Patient")), (12, 20));

    let server = bank.serve();
    assert_eq!(total(&server, "Patient?gender=other"), Some(8));
    assert_eq!(total(&server, "Patient?gender=female"), Some(0));
    // Parameters that release did not know.
    let lived = server
        .get("/fhir/Patient?_profile:below=http://jpfhir.jp&_count=50")
        .json();
    assert_eq!(lived["entry"].as_array().map(Vec::len), Some(12));
    assert!(total(&server, "Observation?code:text=%E9%A3%B2%E9%85%92&") > Some(0));
}
