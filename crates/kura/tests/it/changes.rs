//! The change feed: whoever follows the bank misses nothing and sees nothing twice.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::{Server, TestBank, sample};

fn next(bundle: &Value) -> String {
    let links = bundle["link"].as_array().expect("links");
    let next = links.iter().find(|link| link["relation"] == "next");
    let url = next.expect("always one")["url"].as_str().expect("a URL");
    url[url.find("/fhir/").expect("ours")..].to_owned()
}

/// Walks to the present. What is there, by reference: its version, or nothing once it is deleted.
fn follow(server: &Server, from: &str, known: &mut BTreeMap<String, u64>) -> (String, usize) {
    let mut place = from.to_owned();
    let mut seen = 0;
    loop {
        let bundle = server.get(&place).json();
        place = next(&bundle);
        let Some(entries) = bundle["entry"].as_array() else {
            return (place, seen);
        };
        for entry in entries {
            seen += 1;
            let url = entry["fullUrl"].as_str().expect("a URL");
            let name = url[url.find("/fhir/").expect("ours") + 6..].to_owned();
            if entry["request"]["method"] == "DELETE" {
                assert!(known.remove(&name).is_some(), "{name} was there");
                assert!(entry.get("resource").is_none());
                continue;
            }
            let version = entry["resource"]["meta"]["versionId"]
                .as_str()
                .expect("a version");
            let version = version.parse::<u64>().expect("a number");
            let before = known.insert(name.clone(), version);
            assert!(
                before.is_none_or(|before| before < version),
                "{name} in order"
            );
        }
    }
}

#[test]
fn a_follower_knows_what_the_bank_has() {
    const JSON: [(&str, &str); 1] = [("Content-Type", "application/fhir+json")];
    let bank = TestBank::new();
    bank.import(
        &[
            &sample("fhir/Patient.ndjson.gz"),
            &sample("fhir/Encounter.ndjson.gz"),
        ],
        0,
    );
    let server = bank.serve();
    let mut known = BTreeMap::new();
    let (place, seen) = follow(
        &server,
        "/fhir/$changes?t=0&_type=Patient,Encounter&_count=37",
        &mut known,
    );
    let total = |kind: &str| {
        let bundle = server.get(&format!("/fhir/{kind}?_summary=count")).json();
        bundle["total"].as_u64().expect("a total") as usize
    };
    assert_eq!(seen, total("Patient") + total("Encounter"));
    assert_eq!(known.len(), seen);

    // Of a kind that is not asked for nothing comes, and the place goes on.
    let put =
        |server: &Server, path: &str, body: &str| server.send("PUT", path, &JSON, body).status;
    assert_eq!(
        put(
            &server,
            "/fhir/Organization/o",
            r#"{"resourceType":"Organization","id":"o"}"#
        ),
        201
    );
    let (moved, seen) = follow(&server, &place, &mut known);
    assert_eq!(seen, 0);
    assert_ne!(moved, place);

    // Changed, deleted, made: each once, across a restart.
    let patient = |more: &str| format!(r#"{{"resourceType":"Patient","id":"p"{more}}}"#);
    assert_eq!(put(&server, "/fhir/Patient/p", &patient("")), 201);
    assert_eq!(
        put(&server, "/fhir/Patient/p", &patient(r#","active":true"#)),
        200
    );
    assert_eq!(
        put(
            &server,
            "/fhir/Patient/q",
            r#"{"resourceType":"Patient","id":"q"}"#
        ),
        201
    );
    assert_eq!(
        server.send("DELETE", "/fhir/Patient/q", &[], "").status,
        204
    );
    drop(server);
    let server = bank.serve();
    let (place, seen) = follow(&server, &moved, &mut known);
    assert_eq!(seen, 4);
    assert_eq!(known.get("Patient/p"), Some(&2));
    assert!(!known.contains_key("Patient/q"));

    // Whoever waits is told as soon as something is written.
    let waiting = format!("{place}&_wait=50");
    let bundle = std::thread::scope(|scope| {
        let asked = scope.spawn(|| server.get(&waiting).json());
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert_eq!(
            put(
                &server,
                "/fhir/Patient/r",
                r#"{"resourceType":"Patient","id":"r"}"#
            ),
            201
        );
        asked.join().expect("no panic")
    });
    assert_eq!(bundle["entry"][0]["resource"]["id"], "r");

    for wrong in [
        "t=x",
        "t=-1",
        "_type=Nothing",
        "_count=many",
        "_after=1;2",
        "name=x",
    ] {
        let answer = server.get(&format!("/fhir/$changes?{wrong}"));
        assert_eq!(answer.status, 400, "{wrong}");
        assert_eq!(answer.json()["resourceType"], "OperationOutcome");
    }
}
