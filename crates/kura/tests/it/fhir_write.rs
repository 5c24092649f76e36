//! The FHIR write side over HTTP.

use std::sync::Mutex;

use serde_json::{Value, json};

use crate::access::add;
use crate::support::{Answer, Server, TestBank, python, sample};

const FHIR: (&str, &str) = ("Content-Type", "application/fhir+json");
const PATCH: (&str, &str) = ("Content-Type", "application/json-patch+json");

fn send(server: &Server, method: &str, path: &str, body: &Value) -> Answer {
    with(server, method, path, &[], body)
}

fn with(
    server: &Server,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> Answer {
    let kind = if method == "PATCH" { PATCH } else { FHIR };
    let mut all = vec![kind];
    all.extend_from_slice(headers);
    server.send(method, &format!("/fhir{path}"), &all, &body.to_string())
}

fn patient(number: &str) -> Value {
    json!({"resourceType": "Patient", "identifier": [{"system": "urn:n", "value": number}]})
}

/// Status, code and place of an error.
fn refused(answer: &Answer) -> (u16, String, Value) {
    let outcome = answer.json();
    assert_eq!(
        outcome["resourceType"], "OperationOutcome",
        "{}",
        answer.body
    );
    let issue = &outcome["issue"][0];
    (
        answer.status,
        issue["code"].as_str().unwrap().to_owned(),
        issue["expression"][0].clone(),
    )
}

/// <http://hl7.org/fhir/R4/http.html>, create, update, delete.
#[test]
fn a_resource_from_its_creation_to_its_deletion() {
    let bank = TestBank::new();
    let server = bank.serve();
    // An id, a version and a time in the body do not count.
    let mut body = patient("1");
    body["id"] = json!("mine");
    body["meta"] =
        json!({"versionId": "77", "lastUpdated": "1999-01-01T00:00:00Z", "profile": ["http://p"]});
    let created = send(&server, "POST", "/Patient", &body);
    assert_eq!(created.status, 201, "{}", created.body);
    let shown = created.json();
    let id = shown["id"].as_str().unwrap().to_owned();
    assert_ne!(id, "mine");
    assert_eq!(shown["meta"]["versionId"], "1");
    assert!(
        !shown["meta"]["lastUpdated"]
            .as_str()
            .unwrap()
            .starts_with("1999")
    );
    assert_eq!(shown["meta"]["profile"], json!(["http://p"]));
    assert_eq!(
        created.header("location").unwrap(),
        format!("{}/fhir/Patient/{id}/_history/1", server.url())
    );
    assert_eq!(created.header("etag").as_deref(), Some("W/\"1\""));
    assert!(created.header("last-modified").is_some());
    let path = format!("/Patient/{id}");
    assert_eq!(server.get(&format!("/fhir{path}")).body, created.body);

    let mut body = patient("1");
    body["id"] = json!(id);
    body["active"] = json!(true);
    let updated = send(&server, "PUT", &path, &body);
    assert_eq!(
        (updated.status, updated.json()["meta"]["versionId"].clone()),
        (200, json!("2"))
    );
    // The same again is no new version.
    let same = send(&server, "PUT", &path, &body);
    assert_eq!(
        (same.status, same.header("etag")),
        (200, Some("W/\"2\"".to_owned()))
    );
    // What the first version had may come back.
    let mut first = patient("1");
    first["id"] = json!(id);
    first["meta"] = json!({"profile": ["http://p"]});
    assert_eq!(
        send(&server, "PUT", &path, &first).json()["meta"]["versionId"],
        "3"
    );

    // With a client's id: 201.
    let own = json!({"resourceType": "Patient", "id": "own.1"});
    assert_eq!(send(&server, "PUT", "/Patient/own.1", &own).status, 201);

    let gone = server.send("DELETE", &format!("/fhir{path}"), &[], "");
    assert_eq!((gone.status, gone.body.as_str()), (204, ""));
    assert_eq!(gone.header("etag").as_deref(), Some("W/\"4\""));
    assert_eq!(
        server
            .send("DELETE", &format!("/fhir{path}"), &[], "")
            .status,
        204
    );
    assert_eq!(
        server.send("DELETE", "/fhir/Patient/never", &[], "").status,
        204
    );
    assert_eq!(server.get(&format!("/fhir{path}")).status, 410);
    assert_eq!(server.get(&format!("/fhir{path}/_history/3")).status, 200);
    assert_eq!(
        server
            .get("/fhir/Patient?identifier=urn:n%7C1&_total=accurate")
            .json()["total"],
        0
    );
    let told = server.send(
        "DELETE",
        "/fhir/Patient/own.1",
        &[("Prefer", "return=OperationOutcome")],
        "",
    );
    assert_eq!(
        (told.status, told.json()["issue"][0]["severity"].clone()),
        (200, json!("information"))
    );
    // Brought back to life by an update.
    assert_eq!(send(&server, "PUT", "/Patient/own.1", &own).status, 201);
    assert_eq!(
        server.get("/fhir/Patient/own.1").json()["meta"]["versionId"],
        "3"
    );
    let audit = bank
        .kura(&["audit", "verify", "--format", "json"])
        .ok()
        .json();
    assert_eq!(audit["whole"], true);
}

#[test]
fn what_is_wrong_is_refused_with_code_and_place() {
    let bank = TestBank::new();
    let server = bank.serve();
    let secret = "山田花子";
    for (method, path, body, status, code, place) in [
        (
            "POST",
            "/Patient",
            json!({"resourceType": "Observation", "x": secret}),
            400,
            "invalid",
            json!("resourceType"),
        ),
        (
            "POST",
            "/Patient",
            json!({"resourceType": secret}),
            400,
            "structure",
            json!("resourceType"),
        ),
        (
            "POST",
            "/Patient",
            json!([secret]),
            400,
            "structure",
            json!(null),
        ),
        (
            "POST",
            "/Nothing",
            json!({"resourceType": "Nothing"}),
            404,
            "not-supported",
            json!(null),
        ),
        (
            "POST",
            "/Parameters",
            json!({"resourceType": "Parameters"}),
            404,
            "not-supported",
            json!(null),
        ),
        (
            "PUT",
            "/Patient/a",
            json!({"resourceType": "Patient"}),
            400,
            "value",
            json!("Patient.id"),
        ),
        (
            "PUT",
            "/Patient/a",
            json!({"resourceType": "Patient", "id": secret}),
            400,
            "value",
            json!("Patient.id"),
        ),
        (
            "PUT",
            "/Patient/a_b",
            json!({"resourceType": "Patient", "id": "a_b"}),
            400,
            "value",
            json!("Patient.id"),
        ),
        (
            "PUT",
            "/Device/model-x",
            json!({"resourceType": "Device", "id": "model-x"}),
            422,
            "business-rule",
            json!("Device.id"),
        ),
        (
            "DELETE",
            "/Observation/measured-x",
            json!(null),
            422,
            "business-rule",
            json!("Observation.id"),
        ),
        (
            "PATCH",
            "/Task/work-x",
            json!([]),
            422,
            "business-rule",
            json!("Task.id"),
        ),
        (
            "PATCH",
            "/Patient/none",
            json!([]),
            404,
            "not-found",
            json!(null),
        ),
        (
            "PATCH",
            "/Patient/none",
            json!([{"op": secret, "path": "/a"}]),
            400,
            "structure",
            json!(null),
        ),
        (
            "PUT",
            "/Patient?identifier=",
            patient("1"),
            400,
            "invalid",
            json!(null),
        ),
        ("PUT", "/Patient", patient("1"), 400, "invalid", json!(null)),
        (
            "DELETE",
            "/Patient?shoe=42",
            json!(null),
            400,
            "not-supported",
            json!(null),
        ),
        (
            "POST",
            "",
            json!({"resourceType": "Bundle", "type": "collection"}),
            400,
            "value",
            json!("Bundle.type"),
        ),
        (
            "POST",
            "",
            json!({"resourceType": "Patient"}),
            400,
            "invalid",
            json!("resourceType"),
        ),
        (
            "POST",
            "/Patient",
            json!({"resourceType": "Patient", "name": [{"text": "x".repeat(1_200_000)}]}),
            400,
            "too-long",
            json!("Patient.name.text"),
        ),
    ] {
        let answer = send(&server, method, path, &body);
        assert_eq!(
            refused(&answer),
            (status, code.to_owned(), place),
            "{method} {path}"
        );
        assert!(
            !answer.body.contains(secret),
            "{method} {path}: {}",
            answer.body
        );
    }
    for (body, code) in [
        ("{\"resourceType\":\"Patient\"".to_owned(), "structure"),
        (
            format!(
                "{{\"resourceType\":\"Patient\",\"a\":{}1{}}}",
                "[".repeat(50_000),
                "]".repeat(50_000)
            ),
            "too-costly",
        ),
        ("\u{FEFF}".to_owned(), "structure"),
        (String::new(), "structure"),
    ] {
        let answer = server.send("POST", "/fhir/Patient", &[FHIR], &body);
        assert_eq!(refused(&answer), (400, code.to_owned(), json!(null)));
    }
    for (kind, status) in [
        // JSON that calls itself XML.
        ("application/fhir+xml", 400),
        ("application/fhir+xml; charset=Shift_JIS", 400),
        ("text/plain", 415),
        ("application/fhir+json; charset=Shift_JIS", 415),
        ("application/json; charset=UTF-8", 201),
        ("application/fhir+json; fhirVersion=3.0", 415),
    ] {
        let answer = server.send(
            "POST",
            "/fhir/Patient",
            &[("Content-Type", kind)],
            &patient("1").to_string(),
        );
        assert_eq!(answer.status, status, "{kind}");
    }
    assert_eq!(
        server
            .send("POST", "/fhir/Patient", &[], &patient("1").to_string())
            .status,
        415
    );
    assert_eq!(
        server
            .send("PATCH", "/fhir/Patient/a", &[FHIR], "[]")
            .status,
        400,
        "a JSON Patch that calls itself a FHIRPath Patch"
    );
    assert_eq!(
        send(&server, "POST", "/Patient/a", &patient("1")).status,
        405
    );
    // From another site nothing is written.
    let foreign = with(
        &server,
        "POST",
        "/Patient",
        &[("Origin", "http://evil.example")],
        &patient("2"),
    );
    assert_eq!(foreign.status, 403);
    assert_eq!(bank.live("Patient"), 1);
}

#[test]
fn too_large_is_told_and_not_read() {
    let bank = TestBank::new();
    let file = bank.folder.path().join("bank/kura.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let small = text.replace("request_bytes = 67108864", "request_bytes = 1000");
    assert_ne!(text, small);
    std::fs::write(&file, small).unwrap();
    let server = bank.serve();
    let body = json!({"resourceType": "Patient", "name": [{"text": "x".repeat(2000)}]});
    let answer = send(&server, "POST", "/Patient", &body);
    assert_eq!(refused(&answer), (413, "too-long".to_owned(), json!(null)));
    assert_eq!(send(&server, "POST", "/Patient", &patient("1")).status, 201);
}

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

/// The tables of <http://hl7.org/fhir/R4/http.html#cond-update> and its siblings.
#[test]
fn conditional_interactions() {
    let bank = TestBank::new();
    let server = bank.serve();
    let put = |number: &str, body: &Value| {
        send(
            &server,
            "PUT",
            &format!("/Patient?identifier=urn:n%7C{number}"),
            body,
        )
    };
    // No match, no id: created with an id of ours.
    let created = put("1", &patient("1"));
    assert_eq!(created.status, 201);
    let id = created.json()["id"].as_str().unwrap().to_owned();
    // One match, no id; one match, its id.
    let mut body = patient("1");
    body["active"] = json!(true);
    let updated = put("1", &body);
    assert_eq!(
        (
            updated.status,
            updated.json()["id"].as_str().unwrap().to_owned()
        ),
        (200, id.clone())
    );
    body["id"] = json!(id);
    body["active"] = json!(false);
    assert_eq!(put("1", &body).status, 200);
    // One match, another id.
    body["id"] = json!("other");
    assert_eq!(
        refused(&put("1", &body)),
        (400, "value".to_owned(), json!("Patient.id"))
    );
    // No match, an id that is free; then the same id with criteria it does not match.
    let mut free = patient("2");
    free["id"] = json!("free");
    assert_eq!(put("2", &free).status, 201);
    assert_eq!(server.get("/fhir/Patient/free").status, 200);
    assert_eq!(refused(&put("nobody", &free)).0, 409);
    // Many.
    assert_eq!(send(&server, "POST", "/Patient", &patient("2")).status, 201);
    assert_eq!(
        refused(&put("2", &patient("2"))),
        (412, "multiple-matches".to_owned(), json!(null))
    );

    let create = |number: &str| {
        with(
            &server,
            "POST",
            "/Patient",
            &[("If-None-Exist", &format!("identifier=urn:n|{number}"))],
            &patient(number),
        )
    };
    let found = create("1");
    assert_eq!(
        (
            found.status,
            found.json()["id"].as_str().unwrap().to_owned()
        ),
        (200, id.clone())
    );
    assert!(found.header("location").unwrap().contains(&id));
    assert_eq!(create("2").status, 412);
    assert_eq!(create("3").status, 201);

    let patch = |number: &str| {
        send(
            &server,
            "PATCH",
            &format!("/Patient?identifier=urn:n%7C{number}"),
            &json!([{"op": "add", "path": "/gender", "value": "male"}]),
        )
    };
    assert_eq!(patch("1").json()["gender"], "male");
    assert_eq!(patch("nobody").status, 404);
    assert_eq!(patch("2").status, 412);

    let delete = |number: &str| {
        server
            .send(
                "DELETE",
                &format!("/fhir/Patient?identifier=urn:n%7C{number}"),
                &[],
                "",
            )
            .status
    };
    assert_eq!(delete("nobody"), 204);
    assert_eq!(delete("2"), 412);
    assert_eq!(delete("1"), 204);
    assert_eq!(server.get(&format!("/fhir/Patient/{id}")).status, 410);
    drop(server);
    // Where several may go at once.
    let file = bank.folder.path().join("bank/kura.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(
        &file,
        text.replace("delete_multiple = false", "delete_multiple = true"),
    )
    .unwrap();
    let server = bank.serve();
    assert_eq!(
        server
            .send("DELETE", "/fhir/Patient?identifier=urn:n%7C2", &[], "")
            .status,
        204
    );
    assert_eq!(
        server
            .get("/fhir/Patient?identifier=urn:n%7C2&_total=accurate")
            .json()["total"],
        0
    );
    assert_eq!(bank.live("Patient"), 1);
}

fn entry(method: &str, url: &str, resource: Option<Value>) -> Value {
    let mut entry = json!({"request": {"method": method, "url": url}});
    if let Some(resource) = resource {
        entry["resource"] = resource;
    }
    entry
}

/// <http://hl7.org/fhir/R4/http.html#transaction>
#[test]
fn a_transaction_is_done_in_its_order_and_answered_in_its_own() {
    let bank = TestBank::new();
    let server = bank.serve();
    for id in ["gone", "kept", "patched"] {
        let body = json!({"resourceType": "Patient", "id": id, "identifier": [{"system": "urn:n", "value": id}]});
        assert_eq!(
            send(&server, "PUT", &format!("/Patient/{id}"), &body).status,
            201
        );
    }
    let mut observation = entry(
        "POST",
        "Observation",
        Some(json!({
        "resourceType": "Observation", "status": "final", "code": {"text": "x"},
        "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"urn:uuid:aa\">p</a></div>"},
        "subject": {"reference": "urn:uuid:aa"},
        "performer": [{"reference": "Practitioner/d"}, {"reference": "Patient?identifier=urn:n|kept"}, {"reference": "Patient?identifier=urn:n|new"}],
        "derivedFrom": [{"reference": "urn:oid:1.2.3"}]})),
    );
    observation["fullUrl"] = json!("http://old.example/fhir/Observation/o");
    let mut new = entry("POST", "Patient", Some(patient("new")));
    new["fullUrl"] = json!("urn:uuid:aa");
    let mut doctor = entry(
        "POST",
        "Practitioner",
        Some(json!({"resourceType": "Practitioner", "id": "d"})),
    );
    doctor["fullUrl"] = json!("http://old.example/fhir/Practitioner/d");
    let mut document = entry(
        "PUT",
        "DocumentReference/doc",
        Some(
            json!({"resourceType": "DocumentReference", "id": "doc", "status": "current",
        "content": [{"attachment": {"url": "urn:oid:1.2.3"}}]}),
        ),
    );
    document["fullUrl"] = json!("urn:uuid:doc");
    let mut binary = entry(
        "POST",
        "Binary",
        Some(json!({"resourceType": "Binary", "contentType": "text/plain", "data": "YQ=="})),
    );
    binary["fullUrl"] = json!("urn:oid:1.2.3");
    let mut exists = entry("POST", "Patient", Some(patient("kept")));
    exists["request"]["ifNoneExist"] = json!("identifier=urn:n|kept");
    let mut reads_kept = entry("GET", "Patient/kept", None);
    reads_kept["request"]["ifNoneMatch"] = json!("W/\"1\"");
    // [{"op":"add","path":"/active","value":true}]
    let patch = json!({"resourceType": "Binary", "contentType": "application/json-patch+json",
        "data": "W3sib3AiOiJhZGQiLCJwYXRoIjoiL2FjdGl2ZSIsInZhbHVlIjp0cnVlfV0="});
    let entries = json!([
        entry("GET", "Patient?identifier=urn:n|new", None),
        reads_kept,
        observation,
        new,
        doctor,
        document,
        binary,
        exists,
        entry("PATCH", "Patient/patched", Some(patch)),
        entry("DELETE", "Patient/gone", None),
        entry("GET", "Patient/patched", None),
    ]);
    let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": entries});
    let answer = send(&server, "POST", "", &bundle);
    assert_eq!(answer.status, 200, "{}", answer.body);
    let answer = answer.json();
    assert_eq!(answer["type"], "transaction-response");
    let statuses: Vec<&str> = answer["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            entry["response"]["status"]
                .as_str()
                .unwrap()
                .split(' ')
                .next()
                .unwrap()
        })
        .collect();
    assert_eq!(
        statuses,
        [
            "200", "304", "201", "201", "201", "201", "201", "200", "200", "204", "200"
        ]
    );
    assert_eq!(
        answer["entry"][0]["resource"]["entry"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(answer["entry"][10]["resource"]["active"], true);
    assert_eq!(answer["entry"][8]["response"]["etag"], "W/\"2\"");
    let place = |index: usize| -> String {
        let location = answer["entry"][index]["response"]["location"]
            .as_str()
            .unwrap();
        location.split("/_history").next().unwrap().to_owned()
    };
    let written = server.get(&format!("/fhir/{}", place(2))).json();
    assert_eq!(written["subject"]["reference"], json!(place(3)));
    assert!(
        written["text"]["div"]
            .as_str()
            .unwrap()
            .contains(&format!("href=\"{}\"", place(3)))
    );
    assert_eq!(
        written["performer"],
        json!([{"reference": place(4)}, {"reference": "Patient/kept"}, {"reference": place(3)}])
    );
    assert_eq!(written["derivedFrom"][0]["reference"], json!(place(6)));
    let document = server.get("/fhir/DocumentReference/doc").json();
    assert_eq!(document["content"][0]["attachment"]["url"], json!(place(6)));
    // One commit: one time.
    let times: Vec<&Value> = [2, 3, 4, 5, 6, 8]
        .iter()
        .map(|index| &answer["entry"][*index]["response"]["lastModified"])
        .collect();
    assert!(times.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn a_transaction_is_all_or_nothing_and_says_which_entry() {
    let bank = TestBank::new();
    let server = bank.serve();
    let put = |id: &str| {
        entry(
            "PUT",
            &format!("Patient/{id}"),
            Some(json!({"resourceType": "Patient", "id": id})),
        )
    };
    assert_eq!(
        send(
            &server,
            "PUT",
            "/Patient/there",
            &json!({"resourceType": "Patient", "id": "there"})
        )
        .status,
        201
    );
    let mut stale = put("there");
    stale["resource"]["active"] = json!(true);
    stale["request"]["ifMatch"] = json!("W/\"9\"");
    let mut twin = entry("POST", "Patient", Some(patient("t")));
    twin["fullUrl"] = json!("urn:uuid:t");
    let mut once = entry("POST", "Patient", Some(patient("t")));
    once["request"]["ifNoneExist"] = json!("identifier=urn:n|t");
    let reference = json!({"resourceType": "Observation", "subject": {"reference": "Patient?identifier=urn:n|nobody"}});
    for (second, status, code, place) in [
        (put("a"), 400, "duplicate", "Bundle.entry[1].request.url"),
        (
            entry("DELETE", "Patient/a", None),
            400,
            "duplicate",
            "Bundle.entry[0].request.url",
        ),
        (stale, 412, "conflict", "Bundle.entry[1]"),
        (
            entry("POST", "Observation", Some(reference)),
            412,
            "not-found",
            "Bundle.entry[1]",
        ),
        (
            entry(
                "PUT",
                "Patient/b",
                Some(json!({"resourceType": "Patient", "id": "c"})),
            ),
            400,
            "value",
            "Bundle.entry[1].resource.id",
        ),
        (
            entry("POST", "Patient", None),
            400,
            "required",
            "Bundle.entry[1].resource",
        ),
        (
            entry("GET", "Patient/none", None),
            404,
            "not-found",
            "Bundle.entry[1]",
        ),
        (
            entry(
                "POST",
                "Device",
                Some(
                    json!({"resourceType": "Device", "identifier": [{"system": "urn:kura:model", "value": "m"}]}),
                ),
            ),
            422,
            "business-rule",
            "Bundle.entry[1].resource.id",
        ),
        (
            entry("SING", "Patient/b", None),
            400,
            "value",
            "Bundle.entry[1].request.method",
        ),
        (json!({}), 400, "required", "Bundle.entry[1].request"),
    ] {
        let bundle =
            json!({"resourceType": "Bundle", "type": "transaction", "entry": [put("a"), second]});
        let answer = send(&server, "POST", "", &bundle);
        assert_eq!(
            refused(&answer),
            (status, code.to_owned(), json!(place)),
            "{bundle}"
        );
        assert_eq!(server.get("/fhir/Patient/a").status, 404, "{bundle}");
    }
    for entries in [json!([twin.clone(), twin]), json!([once.clone(), once])] {
        let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": entries});
        assert_eq!(refused(&send(&server, "POST", "", &bundle)).1, "duplicate");
    }
    assert_eq!(bank.live("Patient"), 1);
    // A batch goes on where a transaction ends.
    let bundle = json!({"resourceType": "Bundle", "type": "batch", "entry": [
        entry("GET", "Patient/a", None), put("a"), entry("GET", "Patient/none", None), json!({}),
        entry("PUT", "Patient/b", Some(json!({"resourceType": "Patient", "id": "c"}))), entry("DELETE", "Patient/there", None)]});
    let answer = send(&server, "POST", "", &bundle).json();
    let statuses: Vec<&str> = answer["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["response"]["status"].as_str().unwrap())
        .collect();
    assert_eq!(
        statuses,
        [
            "200 OK",
            "201 Created",
            "404 Not Found",
            "400 Bad Request",
            "400 Bad Request",
            "204 No Content"
        ]
    );
    assert_eq!(
        answer["entry"][2]["response"]["outcome"]["issue"][0]["code"],
        "not-found"
    );
}

/// `_summary`, `_elements`, `_pretty`, `_format`, Accept, Prefer. (gzip: the Python client asks for it.)
#[test]
fn answers_in_the_form_that_was_asked_for() {
    let bank = TestBank::new();
    bank.import(&[&sample("fhir/Patient.ndjson.gz")], 0);
    let server = bank.serve();
    let plain = server.get("/fhir/Patient?_count=2").json();
    let id = plain["entry"][0]["resource"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for (query, there, gone) in [
        ("_elements=gender", "gender", "name"),
        ("_summary=text", "id", "gender"),
        ("_summary=true", "name", "communication"),
    ] {
        for path in [
            format!("/fhir/Patient/{id}?{query}"),
            format!("/fhir/Patient?_count=1&{query}"),
            format!("/fhir/Patient/_history?_count=1&{query}"),
        ] {
            let value = server.get(&path).json();
            let found = value.pointer("/entry/0/resource").unwrap_or(&value);
            assert!(
                found.get(there).is_some() && found.get(gone).is_none(),
                "{path}: {value}"
            );
            assert_eq!(found["meta"]["tag"][0]["code"], "SUBSETTED", "{path}");
        }
    }
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let posted = server
        .send(
            "POST",
            "/fhir/Patient/_search",
            &[form],
            "_elements=gender&_count=1",
        )
        .json();
    assert!(posted["entry"][0]["resource"].get("name").is_none());
    // A part is not written back as the whole.
    let part = server
        .get(&format!("/fhir/Patient/{id}?_elements=gender"))
        .json();
    assert_eq!(
        send(&server, "PUT", &format!("/Patient/{id}"), &part).status,
        422
    );
    assert!(
        server
            .get(&format!("/fhir/Patient/{id}?_pretty=true"))
            .body
            .contains("\n  \"id\"")
    );
    assert_eq!(
        server.get("/fhir/Patient?_summary=count").json()["total"],
        43
    );
    assert_eq!(server.get("/fhir/Patient?_summary=much").status, 400);
    for (format, status) in [
        ("json", 200),
        ("application/fhir%2Bjson", 200),
        ("application/fhir+json", 200),
        ("xml", 200),
        ("text/turtle", 406),
    ] {
        assert_eq!(
            server
                .get(&format!("/fhir/Patient/{id}?_format={format}"))
                .status,
            status,
            "{format}"
        );
    }
    let accept = |kind| {
        server.send(
            "GET",
            &format!("/fhir/Patient/{id}"),
            &[("Accept", kind)],
            "",
        )
    };
    assert_eq!(accept("application/json").status, 200);
    assert_eq!(refused(&accept("text/turtle")).0, 406);
    assert_eq!(accept("text/html,*/*;q=0.8").status, 200);
    for prefer in [
        "return=minimal",
        "return=representation",
        "return=OperationOutcome",
    ] {
        let answer = with(
            &server,
            "POST",
            "/Patient",
            &[("Prefer", prefer)],
            &patient("1"),
        );
        assert_eq!(answer.status, 201);
        let wanted = match prefer {
            "return=minimal" => None,
            "return=representation" => Some("Patient"),
            _ => Some("OperationOutcome"),
        };
        let body: Option<Value> = serde_json::from_str(&answer.body).ok();
        assert_eq!(
            body.as_ref().and_then(|body| body["resourceType"].as_str()),
            wanted
        );
    }
}

#[test]
fn history_of_a_type_and_of_all_is_paged_by_a_cursor() {
    let bank = TestBank::new();
    let server = bank.serve();
    for number in 0..5 {
        let body = json!({"resourceType": "Patient", "id": "p", "multipleBirthInteger": number});
        send(&server, "PUT", "/Patient/p", &body);
        // A time names one version only if no other has it.
        std::thread::sleep(std::time::Duration::from_millis(3));
    }
    let middle = server.get("/fhir/Patient/p/_history/3").json()["meta"]["lastUpdated"]
        .as_str()
        .unwrap()
        .to_owned();
    send(
        &server,
        "POST",
        "/Observation",
        &json!({"resourceType": "Observation"}),
    );
    server.send("DELETE", "/fhir/Patient/p", &[], "");
    let walk = |first: &str| {
        let mut path = first.to_owned();
        let mut seen = Vec::new();
        loop {
            let bundle = server.get(&path).json();
            assert_eq!(bundle["type"], "history", "{path}");
            for entry in bundle["entry"].as_array().unwrap_or(&Vec::new()) {
                seen.push(format!(
                    "{} {}",
                    entry["request"]["method"].as_str().unwrap(),
                    entry["response"]["etag"].as_str().unwrap()
                ));
            }
            // What is written meanwhile does not disturb the walk.
            send(
                &server,
                "POST",
                "/Observation",
                &json!({"resourceType": "Observation"}),
            );
            let next = bundle["link"]
                .as_array()
                .unwrap()
                .iter()
                .find(|link| link["relation"] == "next");
            match next {
                Some(next) => {
                    path = next["url"]
                        .as_str()
                        .unwrap()
                        .strip_prefix(&server.url())
                        .unwrap()
                        .to_owned()
                }
                None => return seen,
            }
        }
    };
    let all = [
        "DELETE W/\"6\"",
        "PUT W/\"5\"",
        "PUT W/\"4\"",
        "PUT W/\"3\"",
        "PUT W/\"2\"",
        "POST W/\"1\"",
    ];
    assert_eq!(walk("/fhir/Patient/_history?_count=2"), all);
    assert_eq!(walk("/fhir/Patient/p/_history?_count=4"), all);
    assert_eq!(
        walk(&format!("/fhir/Patient/_history?_since={middle}")),
        all[..4]
    );
    assert_eq!(
        walk(&format!("/fhir/Patient/p/_history?_at={middle}")),
        all[3..4]
    );
    let system = walk("/fhir/_history?_count=3");
    assert!(system.len() > 7 && system.contains(&all[0].to_owned()));
    assert_eq!(server.get("/fhir/Patient/_history?_since=soon").status, 400);
    assert_eq!(server.get("/fhir/Patient/none/_history").status, 404);
    assert_eq!(server.get("/fhir/Nothing/_history").status, 404);
}

/// What an import does for its records happens for these too.
#[test]
fn a_patient_written_here_gets_the_images_that_waited() {
    let bank = TestBank::new();
    bank.import(&[&sample("dicom")], 0);
    let unlinked = bank.kura(&["status", "--format", "json"]).ok().json()["unlinked"]
        .as_u64()
        .unwrap();
    assert!(unlinked > 0);
    let server = bank.serve();
    let study = server.get("/fhir/ImagingStudy?_count=1").json()["entry"][0]["resource"].clone();
    // The images would be found by no one.
    let path = format!("/fhir/ImagingStudy/{}", study["id"].as_str().unwrap());
    assert_eq!(server.send("DELETE", &path, &[], "").status, 409);
    let person = json!({"resourceType": "Patient", "id": "late", "identifier": [study["subject"]["identifier"]]});
    assert_eq!(send(&server, "PUT", "/Patient/late", &person).status, 201);
    let mut linked = Value::Null;
    for _ in 0..200 {
        linked = server.get(&path).json()["subject"]["reference"].clone();
        if linked == "Patient/late" {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(linked, "Patient/late");
}

#[test]
fn only_some_may_write() {
    let bank = TestBank::new();
    let password = "correct horse battery";
    for (name, role) in [
        ("sato", "doctor"),
        ("mori", "data-manager"),
        ("kato", "researcher"),
        ("ito", "auditor"),
        ("ono", "administrator"),
    ] {
        assert_eq!(add(&bank, name, role, password), 0);
    }
    let server = bank.serve();
    let body = patient("1");
    let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": [entry("POST", "Patient", Some(body.clone()))]});
    let batch = json!({"resourceType": "Bundle", "type": "batch", "entry": [entry("POST", "Patient", Some(body.clone()))]});
    for (name, may) in [
        ("sato", true),
        ("mori", true),
        ("kato", false),
        ("ito", false),
        ("ono", false),
    ] {
        let credentials = crate::access::basic(&format!("{name}:{password}"));
        let headers = [("Authorization", credentials.as_str())];
        let ask = |method: &str, path: &str, body: &Value| {
            with(&server, method, path, &headers, body).status
        };
        assert_eq!(
            ask("POST", "/Patient", &body),
            if may { 201 } else { 403 },
            "{name}"
        );
        assert_eq!(
            ask("DELETE", "/Patient/none", &json!(null)),
            if may { 204 } else { 403 },
            "{name}"
        );
        assert_eq!(
            ask("POST", "", &bundle),
            if may { 200 } else { 403 },
            "{name}"
        );
        assert_eq!(
            ask("POST", "", &batch),
            if may { 200 } else { 403 },
            "{name}"
        );
        for path in ["/Patient?identifier=urn:n%7C9", "/Patient/p"] {
            let put = json!({"resourceType": "Patient", "id": "p"});
            assert_eq!(ask("PUT", path, &put) == 403, !may, "{name} {path}");
            assert_eq!(ask("PATCH", path, &json!([])) == 403, !may, "{name} {path}");
            assert_eq!(
                ask("DELETE", path, &json!(null)) == 403,
                !may,
                "{name} {path}"
            );
        }
    }
    assert_eq!(send(&server, "POST", "/Patient", &body).status, 401);
}

/// Acknowledged is on disk: killed in the middle of many writers, nothing that was answered is
/// missing, and no transaction is there by half.
#[test]
fn a_kill_loses_no_acknowledged_write() {
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
                    let body = json!({"resourceType": "Bundle", "type": "transaction", "entry": pair}).to_string();
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
    assert_eq!(bank.live("Patient"), bank.live("Observation"));
    let audit = bank
        .kura(&["audit", "verify", "--format", "json"])
        .ok()
        .json();
    assert_eq!(audit["whole"], true);
}

/// Whatever comes, the answer is an OperationOutcome or a Bundle, never a fault of ours.
#[test]
fn no_shape_of_a_bundle_breaks_the_server() {
    let bank = TestBank::new();
    let server = bank.serve();
    let deep = (0..200).fold(
        json!({"op": "add", "path": "/a", "value": 1}),
        |inner, _| json!([inner]),
    );
    let entries = [
        json!(null),
        json!(1),
        json!([]),
        json!({"request": 1}),
        json!({"request": {"method": 1}}),
        json!({"request": {"method": "POST", "url": 1}}),
        json!({"request": {"method": "POST", "url": ""}}),
        json!({"request": {"method": "GET", "url": "////"}}),
        json!({"request": {"method": "GET", "url": "Patient/1/2/3/4/5"}}),
        json!({"request": {"method": "GET", "url": "?%zz"}}),
        json!({"request": {"method": "GET", "url": "Patient?birthdate=%FF"}}),
        json!({"request": {"method": "DELETE", "url": "Patient?"}}),
        json!({"request": {"method": "PUT", "url": "Patient?_count=1"}, "resource": {"resourceType": "Patient"}}),
        json!({"request": {"method": "POST", "url": "Patient"}, "resource": []}),
        json!({"fullUrl": {}, "request": {"method": "POST", "url": "Patient"}, "resource": {"resourceType": "Patient"}}),
        json!({"request": {"method": "PATCH", "url": "Patient/a"}, "resource": {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": "!"}}),
        json!({"request": {"method": "PATCH", "url": "Patient/a"}, "resource": deep}),
        json!({"request": {"method": "POST", "url": "Patient", "ifNoneExist": "%"}, "resource": {"resourceType": "Patient"}}),
        json!({"request": {"method": "POST", "url": "Observation"}, "resource": {"resourceType": "Observation", "subject": {"reference": "Patient?%"}}}),
        json!({"request": {"method": "POST", "url": "Observation"}, "resource": {"resourceType": "Observation", "subject": {"reference": "Patient?"}}}),
    ];
    for kind in ["transaction", "batch"] {
        for entry in &entries {
            let bundle = json!({"resourceType": "Bundle", "type": kind, "entry": [entry]});
            let answer = send(&server, "POST", "", &bundle);
            // A conditional reference is a matter of transactions only. FHIR R4 http.html#trules
            let fine = kind == "batch" && entry["request"]["url"] == "Observation";
            if kind == "transaction" || answer.status != 200 {
                assert!(
                    (400..500).contains(&answer.status),
                    "{} {bundle}",
                    answer.status
                );
                refused(&answer);
            } else if !fine {
                let status = answer.json()["entry"][0]["response"]["status"]
                    .as_str()
                    .unwrap()
                    .to_owned();
                assert!(status.starts_with('4'), "{status} {bundle}");
            }
        }
    }
    for bundle in [
        json!({"resourceType": "Bundle"}),
        json!({"resourceType": "Bundle", "type": "batch", "entry": {}}),
        json!({"resourceType": "Bundle", "type": 7}),
    ] {
        assert_eq!(send(&server, "POST", "", &bundle).status, 400, "{bundle}");
    }
    let empty = json!({"resourceType": "Bundle", "type": "transaction"});
    assert_eq!(
        send(&server, "POST", "/", &empty).json()["type"],
        "transaction-response"
    );
    assert_eq!(bank.live("Patient"), 0);
}

/// A file of the bank stays with its record, and with no other.
#[test]
fn a_file_of_the_bank_belongs_to_its_record() {
    let bank = TestBank::sample();
    let server = bank.serve();
    let found = server.get("/fhir/DocumentReference?_count=1000").json();
    let document = found["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["resource"])
        .find(|document| document.to_string().contains("urn:kura:blob:"))
        .expect("a file")
        .clone();
    let id = document["id"].as_str().unwrap();
    let mut changed = document.clone();
    changed["description"] = json!("changed");
    assert_eq!(
        send(
            &server,
            "PUT",
            &format!("/DocumentReference/{id}"),
            &changed
        )
        .status,
        200
    );
    let mut stolen = document.clone();
    stolen["id"] = json!("thief");
    assert_eq!(
        refused(&send(&server, "PUT", "/DocumentReference/thief", &stolen)).1,
        "business-rule"
    );
    // Once more: the second version kept the file.
    changed["description"] = json!("changed again");
    assert_eq!(
        send(
            &server,
            "PUT",
            &format!("/DocumentReference/{id}"),
            &changed
        )
        .status,
        200
    );
}

#[test]
fn foreign_clients_write() {
    let bank = TestBank::new();
    let server = bank.serve();
    if let Some(said) = python(
        "tests/python/fhir_write.py",
        &[&format!("{}/fhir", server.url())],
    ) {
        assert!(said.contains("ok"), "{said}");
    }
}
