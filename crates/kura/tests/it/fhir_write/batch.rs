//! Batches: every entry on its own, also where many go to the disk together.

use serde_json::{Value, json};

use super::{entry, patient, send};
use crate::support::{Answer, TestBank};

fn batch(entries: &[Value]) -> Value {
    json!({"resourceType": "Bundle", "type": "batch", "entry": entries})
}

fn observation(id: &str, value: u64) -> Value {
    json!({"resourceType": "Observation", "id": id, "status": "final", "code": {"text": "x"},
           "valueInteger": value})
}

/// Status and location or code of each entry.
fn answers(answer: &Answer) -> Vec<(String, String)> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let bundle = answer.json();
    assert_eq!(bundle["type"], "batch-response");
    let entries = bundle["entry"].as_array().expect("entries").iter();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    entries
        .map(|entry| {
            let response = &entry["response"];
            let said = match &response["outcome"]["issue"][0]["code"] {
                Value::Null => word(&response["location"]),
                code => word(code),
            };
            (word(&response["status"])[..3].to_owned(), said)
        })
        .collect()
}

#[test]
fn the_entries_of_a_batch_fare_each_on_its_own() {
    let bank = TestBank::new();
    let server = bank.serve();
    assert_eq!(
        send(&server, "PUT", "/Observation/old", &observation("old", 1)).status,
        201
    );
    let rows = |bank: &TestBank| {
        let told = bank
            .kura(&["audit", "verify", "--format", "json"])
            .ok()
            .json();
        assert_eq!(told["whole"], true);
        told["zones"][1]["rows"].as_u64().expect("rows")
    };
    let mut conditioned = entry("PUT", "Observation/b", Some(observation("b", 1)));
    conditioned["request"]["ifMatch"] = json!("W/\"7\"");
    let mut met = entry("PUT", "Observation/old", Some(observation("old", 2)));
    met["request"]["ifMatch"] = json!("W/\"1\"");
    let mut once = entry("POST", "Patient", Some(patient("n")));
    once["request"]["ifNoneExist"] = json!("identifier=urn:n|n");
    let sent = [
        entry("PUT", "Observation/a", Some(observation("a", 1))),
        conditioned,
        entry("POST", "Patient", Some(patient("n"))),
        met,
        // The same once more: the second version, not a conflict.
        entry("PUT", "Observation/a", Some(observation("a", 2))),
        // As it is already: no version.
        entry("PUT", "Observation/a", Some(observation("a", 2))),
        entry("PUT", "Observation/c", Some(observation("other", 1))),
        entry(
            "POST",
            "Observation",
            Some(
                json!({"resourceType": "Observation", "meta": {"tag": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}]}}),
            ),
        ),
        once,
        entry("DELETE", "Observation/gone", None),
        entry("GET", "Observation/a", None),
        entry("PUT", "Observation/d", Some(observation("d", 1))),
    ];
    let before = rows(&bank);
    let answer = send(&server, "POST", "", &batch(&sent));
    let told = answers(&answer);
    let statuses: Vec<&str> = told.iter().map(|(status, _)| &status[..]).collect();
    assert_eq!(
        statuses,
        [
            "201", "412", "201", "200", "200", "200", "400", "422", "200", "204", "200", "201"
        ],
        "{}",
        answer.body
    );
    assert!(told[0].1.ends_with("Observation/a/_history/1"), "{told:?}");
    assert!(told[2].1.starts_with("Patient/"), "{told:?}");
    assert_eq!(told[2].1, told[8].1, "the one that was made before it");
    assert!(
        told[3].1.ends_with("Observation/old/_history/2"),
        "{told:?}"
    );
    assert!(told[4].1.ends_with("Observation/a/_history/2"), "{told:?}");
    assert!(told[5].1.ends_with("Observation/a/_history/2"), "{told:?}");
    let read = &answer.json()["entry"][10]["resource"];
    assert_eq!(read["valueInteger"], 2, "{read}");
    assert_eq!(bank.live("Observation"), 3);
    // Rows of reads wait a fortieth of a second.
    server.end();
    // One row for each but the two that are no requests at all, and one for having looked.
    assert_eq!(rows(&bank), before + 10 + 1);
}

/// More than go together at once; those of several clients and of single writers in between.
#[test]
fn long_batches_of_many_clients_lose_nothing() {
    let bank = TestBank::new();
    let servers = [bank.serve(), bank.serve()];
    let rounds = 3;
    std::thread::scope(|scope| {
        for client in 0..4 {
            let server = &servers[client % 2];
            scope.spawn(move || {
                for round in 0..rounds {
                    let entries: Vec<Value> = (0..120)
                        .map(|number| {
                            // Every tenth is everybody's.
                            let id = match number % 10 {
                                0 => format!("all-{number}"),
                                _ => format!("{client}-{number}"),
                            };
                            let value = (client * 1000 + round) as u64;
                            entry(
                                "PUT",
                                &format!("Observation/{id}"),
                                Some(observation(&id, value)),
                            )
                        })
                        .collect();
                    let told = answers(&send(server, "POST", "", &batch(&entries)));
                    assert_eq!(told.len(), 120);
                    for (number, (status, place)) in told.iter().enumerate() {
                        assert!(matches!(&status[..], "200" | "201"), "{number}: {status}");
                        let id = match number % 10 {
                            0 => format!("/all-{number}/"),
                            _ => format!("/{client}-{number}/"),
                        };
                        assert!(place.contains(&id), "{place} is not {id}");
                    }
                }
            });
        }
        let server = &servers[1];
        scope.spawn(move || {
            for round in 0..20 {
                let body = observation("all-0", 9000 + round);
                let answer = send(server, "PUT", "/Observation/all-0", &body);
                assert!(matches!(answer.status, 200 | 201), "{}", answer.body);
            }
        });
    });
    assert_eq!(bank.live("Observation"), 12 + 4 * 108);
    // No two of these are the same, so each made a version.
    let versions = 4 * rounds * 120 + 20;
    assert_eq!(bank.versions("Observation"), versions as u64);
    drop(servers);
    bank.kura(&["audit", "verify"]).ok();
}
