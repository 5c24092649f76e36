//! Create, read, update, delete; what is refused, and how.

use serde_json::json;

use super::{FHIR, patient, refused, send, with};
use crate::support::TestBank;

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
