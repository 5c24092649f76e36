//! Many who write at once, preconditions, a server that is killed.

use std::sync::Mutex;

use serde_json::{Value, json};

use super::{entry, patient, refused, send, with};
use crate::support::TestBank;

/// <http://hl7.org/fhir/R4/http.html#concurrency>, RFC 7232.
#[test]
fn preconditions_of_reads_and_writes() {
    let bank = TestBank::new();
    let server = bank.serve();
    let body = |flag: bool| json!({"resourceType": "Patient", "id": "p", "active": flag});
    let put = |headers: &[(&str, &str)], flag| {
        with(&server, "PUT", "/Patient/p", headers, &body(flag)).status
    };
    assert_eq!(
        put(&[("If-Match", "W/\"1\"")], true),
        412,
        "there is nothing to match"
    );
    assert_eq!(put(&[("If-None-Match", "*")], true), 201);
    assert_eq!(put(&[("If-None-Match", "*")], false), 412);
    assert_eq!(put(&[("If-Match", "W/\"1\"")], false), 200);
    assert_eq!(put(&[("If-Match", "W/\"1\"")], true), 412);
    assert_eq!(put(&[("If-Match", "\"7\", W/\"2\"")], true), 200);
    assert_eq!(
        put(
            &[("If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT")],
            false
        ),
        412
    );
    let change = json!([{"op": "replace", "path": "/active", "value": false}]);
    assert_eq!(
        with(
            &server,
            "PATCH",
            "/Patient/p",
            &[("If-Match", "W/\"2\"")],
            &change
        )
        .status,
        412
    );
    assert_eq!(
        with(
            &server,
            "PATCH",
            "/Patient/p",
            &[("If-Match", "W/\"3\"")],
            &change
        )
        .status,
        200
    );
    let failing = json!([{"op": "test", "path": "/active", "value": true}]);
    assert_eq!(
        refused(&send(&server, "PATCH", "/Patient/p", &failing)).0,
        422
    );
    let moving = json!([{"op": "replace", "path": "/id", "value": "q"}]);
    assert_eq!(
        refused(&send(&server, "PATCH", "/Patient/p", &moving)),
        (422, "processing".to_owned(), json!("Patient.id"))
    );
    let delete = |tag| {
        server
            .send("DELETE", "/fhir/Patient/p", &[("If-Match", tag)], "")
            .status
    };
    assert_eq!(delete("W/\"3\""), 412);

    let read = server.get("/fhir/Patient/p");
    let date = read.header("last-modified").unwrap();
    let get = |name, value: &str| {
        server
            .send("GET", "/fhir/Patient/p", &[(name, value)], "")
            .status
    };
    assert_eq!(get("If-None-Match", "W/\"4\""), 304);
    assert_eq!(get("If-None-Match", "W/\"3\", \"4\""), 304);
    assert_eq!(get("If-None-Match", "W/\"3\""), 200);
    assert_eq!(get("If-Modified-Since", &date), 304);
    assert_eq!(
        get("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"),
        200
    );
    assert_eq!(get("If-Modified-Since", "yesterday"), 200);
    let head = server.send("HEAD", "/fhir/Patient/p", &[], "");
    assert_eq!(
        (head.status, head.header("etag"), head.body.as_str()),
        (200, Some("W/\"4\"".to_owned()), "")
    );
    assert_eq!(delete("W/\"4\""), 204);
}

/// One version, many who want to replace it: one does, the others are told. And whoever does not
/// ask for a version loses nothing either.
#[test]
fn of_many_clients_at_once_one_wins() {
    let bank = TestBank::new();
    let server = bank.serve();
    let first = json!({"resourceType": "Patient", "id": "p"});
    assert_eq!(send(&server, "PUT", "/Patient/p", &first).status, 201);
    for round in 1..=5 {
        let statuses = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for client in 0..6 {
                let (server, statuses) = (&server, &statuses);
                scope.spawn(move || {
                    let body = json!({"resourceType": "Patient", "id": "p", "multipleBirthInteger": round * 10 + client});
                    let tag = format!("W/\"{round}\"");
                    let answer = with(server, "PUT", "/Patient/p", &[("If-Match", &tag)], &body);
                    statuses.lock().unwrap().push(answer.status);
                });
            }
        });
        let mut statuses = statuses.into_inner().unwrap();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412, 412, 412, 412, 412], "round {round}");
    }
    // Patches read, change and write back: none is lost.
    let start = json!({"resourceType": "Patient", "id": "q", "name": []});
    assert_eq!(send(&server, "PUT", "/Patient/q", &start).status, 201);
    std::thread::scope(|scope| {
        for client in 0..4 {
            let server = &server;
            scope.spawn(move || {
                for number in 0..5 {
                    let patch = json!([{"op": "add", "path": "/name/-", "value": {"text": format!("{client}-{number}")}}]);
                    assert_eq!(send(server, "PATCH", "/Patient/q", &patch).status, 200);
                }
            });
        }
    });
    let read = server.get("/fhir/Patient/q").json();
    assert_eq!(read["name"].as_array().unwrap().len(), 20);
    assert_eq!(read["meta"]["versionId"], "21");
    // The same conditional create from all sides: one patient.
    let statuses = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            let (server, statuses) = (&server, &statuses);
            scope.spawn(move || {
                let answer = with(
                    server,
                    "POST",
                    "/Patient",
                    &[("If-None-Exist", "identifier=urn:n|race")],
                    &patient("race"),
                );
                statuses.lock().unwrap().push(answer.status);
            });
        }
    });
    let mut statuses = statuses.into_inner().unwrap();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 200, 201]);
}

/// Acknowledged is on disk: killed in the middle of many writers, nothing that was answered is
/// missing, and no transaction is there by half.
#[test]
fn a_kill_loses_no_acknowledged_write() {
    let bank = killed("transaction");
    assert_eq!(bank.live("Patient"), bank.live("Observation"));
    killed("batch");
}

/// A bank whose server was killed while Bundles of this type were sent.
fn killed(bundle: &str) -> TestBank {
    use std::io::{Read, Write};
    let bank = TestBank::new();
    let server = bank.serve();
    let address = server.address.clone();
    let acknowledged = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for client in 0..4 {
            let (address, acknowledged) = (&address, &acknowledged);
            scope.spawn(move || {
                for number in 0.. {
                    let id = format!("k-{client}-{number}");
                    let pair: Vec<Value> = ["Patient", "Observation"].iter()
                        .map(|kind| entry("PUT", &format!("{kind}/{id}"), Some(json!({"resourceType": kind, "id": id})))).collect();
                    let body = json!({"resourceType": "Bundle", "type": bundle, "entry": pair}).to_string();
                    let request = format!("POST /fhir HTTP/1.1\r\nConnection: close\r\nHost: {address}\r\nContent-Type: application/fhir+json\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                    let Ok(mut stream) = std::net::TcpStream::connect(address) else { return };
                    let mut answer = String::new();
                    if stream.write_all(request.as_bytes()).is_err() || stream.read_to_string(&mut answer).is_err() {
                        return;
                    }
                    if answer.starts_with("HTTP/1.1 200") {
                        acknowledged.lock().unwrap().push(id);
                    } else {
                        return;
                    }
                }
            });
        }
        while acknowledged.lock().unwrap().len() < 40 {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        // SIGKILL, as `Child::kill` sends it.
        drop(server);
    });
    let server = bank.serve();
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(acknowledged.len() >= 40);
    for id in &acknowledged {
        for kind in ["Patient", "Observation"] {
            assert_eq!(
                server.get(&format!("/fhir/{kind}/{id}")).status,
                200,
                "{kind}/{id} of {}",
                acknowledged.len()
            );
        }
    }
    let audit = bank
        .kura(&["audit", "verify", "--format", "json"])
        .ok()
        .json();
    assert_eq!(audit["whole"], true);
    drop(server);
    bank
}
