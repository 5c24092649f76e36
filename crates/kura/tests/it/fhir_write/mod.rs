//! The FHIR write side over HTTP.

mod answers;
mod bank;
mod batch;
mod concurrency;
mod conditional;
mod interactions;
mod transaction;

use serde_json::{Value, json};

use crate::support::{Answer, Server};

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

fn entry(method: &str, url: &str, resource: Option<Value>) -> Value {
    let mut entry = json!({"request": {"method": method, "url": url}});
    if let Some(resource) = resource {
        entry["resource"] = resource;
    }
    entry
}
