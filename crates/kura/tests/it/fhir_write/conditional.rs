//! Create, update, patch and delete by criteria.

use serde_json::{Value, json};

use super::{patient, refused, send, with};
use crate::support::TestBank;

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
