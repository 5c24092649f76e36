//! The description of the API in OpenAPI: it names what there is, and a foreign tool that makes
//! requests of it (schemathesis) finds no answer that it does not describe.

use std::collections::HashSet;

use serde_json::Value;

use crate::access::add;
use crate::support::{Server, TestBank, python, tool};

fn described(server: &Server, query: &str) -> Value {
    let answer = server.get(&format!("/fhir/openapi.json{query}"));
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(
        answer.header("content-type").as_deref(),
        Some("application/json")
    );
    answer.json()
}

/// Method and path of all that is described.
fn operations(description: &Value) -> Vec<(String, String, Value)> {
    let paths = description["paths"].as_object().expect("paths");
    paths
        .iter()
        .flat_map(|(path, item)| {
            let item = item.as_object().expect("methods");
            item.iter()
                .map(move |(method, operation)| (method.clone(), path.clone(), operation.clone()))
        })
        .collect()
}

/// What is described is served: no address is unknown, no method refused.
#[test]
fn what_is_described_is_there() {
    let bank = TestBank::new();
    let server = bank.serve();
    let description = described(&server, "");
    let all = operations(&description);
    assert!(all.len() > 60, "{}", all.len());
    let mut names = HashSet::new();
    for (method, path, operation) in all {
        let name = operation["operationId"].as_str().expect("a name");
        assert!(names.insert(name.to_owned()), "{name} twice");
        let mut at = path.clone();
        for (slot, value) in [
            ("{type}", "Patient"),
            ("{compartment}", "Patient"),
            ("{whole}", "Patient"),
            ("{id}", "none"),
            ("{version}", "1"),
            ("{name}", "none.ndjson"),
        ] {
            at = at.replace(slot, value);
        }
        assert!(!at.contains('{'), "{at}");
        let answer = server.send(
            &method.to_uppercase(),
            &format!("/fhir{}", at.trim_end_matches('/')),
            &[],
            "",
        );
        let status = answer.status.to_string();
        assert!(
            operation["responses"].get(&status).is_some(),
            "{method} {path}: {status} {}",
            answer.body
        );
        assert!(
            !answer.body.contains("nothing under this address"),
            "{method} {path}"
        );
        // Whatever is refused is refused as FHIR refuses.
        if answer.status >= 400 {
            assert_eq!(
                answer.json()["resourceType"],
                "OperationOutcome",
                "{method} {path}"
            );
        }
    }
    // Every reference within leads somewhere.
    for description in [description, described(&server, "?type=Patient")] {
        let text = description.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let place = reference.split('"').next().expect("a reference");
            assert!(description.pointer(place).is_some(), "{place}");
        }
    }
}

/// What the CapabilityStatement names is described.
#[test]
fn what_the_server_can_do_is_described() {
    let bank = TestBank::new();
    let server = bank.serve();
    let statement = server.get("/fhir/metadata").json();
    let rest = &statement["rest"][0];
    let all = operations(&described(&server, ""));
    let names: HashSet<&str> = all
        .iter()
        .filter_map(|(_, _, operation)| operation["operationId"].as_str())
        .collect();
    let paths: HashSet<&str> = all.iter().map(|(_, path, _)| path.as_str()).collect();
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let text = |value: &Value, key: &str| value[key].as_str().expect("a text").to_owned();
    for interaction in list(rest, "interaction") {
        let code = text(&interaction, "code");
        // A batch comes where a transaction comes.
        assert!(code == "batch" || names.contains(&code[..]), "{code}");
    }
    for operation in list(rest, "operation") {
        let path = format!("/${}", text(&operation, "name"));
        assert!(paths.contains(&path[..]), "{path}");
    }
    let mut counted = 0;
    for resource in list(rest, "resource") {
        let kind = text(&resource, "type");
        for interaction in list(&resource, "interaction") {
            let code = text(&interaction, "code");
            assert!(names.contains(&code[..]), "{code}");
        }
        for operation in list(&resource, "operation") {
            let name = text(&operation, "name");
            let found = ["{type}", "{whole}", &kind].iter().any(|of| {
                paths.contains(&format!("/{of}/${name}")[..])
                    || paths.contains(&format!("/{of}/{{id}}/${name}")[..])
            });
            assert!(found, "{kind} ${name}");
            counted += 1;
        }
    }
    assert!(counted > 146, "{counted}");
}

/// One type alone: its elements and its search parameters.
#[test]
fn one_type_is_described_with_what_it_is_made_of() {
    let bank = TestBank::new();
    let server = bank.serve();
    let description = described(&server, "?type=Observation");
    let parameters = description["paths"]["/Observation"]["get"]["parameters"]
        .as_array()
        .expect("parameters");
    let names: HashSet<&str> = parameters
        .iter()
        .filter_map(|parameter| parameter["name"].as_str())
        .collect();
    let statement = server.get("/fhir/metadata").json();
    let resources = statement["rest"][0]["resource"].as_array().expect("types");
    let stated = resources
        .iter()
        .find(|resource| resource["type"] == "Observation")
        .expect("Observation");
    for parameter in stated["searchParam"].as_array().expect("parameters") {
        let name = parameter["name"].as_str().expect("a name");
        assert!(names.contains(name), "{name}");
    }
    let schemas = &description["components"]["schemas"];
    assert_eq!(
        schemas["Observation"]["properties"]["valueQuantity"]["$ref"],
        "#/components/schemas/Quantity"
    );
    assert!(description["paths"].get("/{type}").is_none());
    // Compartments and operations of other types are not its own.
    assert!(description["paths"].get("/Patient/$export").is_none());
    let patient = described(&server, "?type=Patient");
    assert!(patient["paths"].get("/Patient/{id}/$everything").is_some());
    assert!(patient["paths"].get("/Patient/{id}/{type}").is_some());
    let answer = server.get("/fhir/openapi.json?type=Nothing");
    assert_eq!(answer.status, 404);
    assert_eq!(answer.json()["resourceType"], "OperationOutcome");
}

/// As the CapabilityStatement, it is told to whoever asks; that one has to sign in stands in it.
#[test]
fn it_is_told_without_signing_in() {
    let bank = TestBank::new();
    let open = bank.serve();
    assert!(described(&open, "").get("security").is_none());
    drop(open);
    assert_eq!(
        add(&bank, "sato", "administrator", "correct horse battery"),
        0
    );
    let server = bank.serve();
    let description = described(&server, "");
    assert_eq!(description["security"][0]["basic"], serde_json::json!([]));
    assert!(
        description["paths"]["/{type}/{id}"]["get"]["responses"]
            .get("401")
            .is_some()
    );
    assert_eq!(server.get("/fhir/Patient").status, 401);
}

/// Schemathesis makes requests of the description, sound ones and broken ones: no fault of ours, no
/// status, media type or form of an answer that is not described.
#[test]
fn a_foreign_tool_finds_nothing_that_is_not_described() {
    if tool("KURA_PYTHON", "python3").is_none() {
        return;
    }
    let bank = TestBank::sample();
    let server = bank.serve();
    // All of it in breadth; one type, with its elements and search parameters, in depth.
    for (kind, examples, phases) in [
        ("", "2", "coverage,fuzzing"),
        ("?type=Patient", "2", "fuzzing"),
    ] {
        let description = format!("{}/fhir/openapi.json{kind}", server.url());
        let arguments = [&description, examples, "1", phases];
        let said = python("tests/python/openapi.py", &arguments).expect("python was there");
        let whole = said.contains("No issues found") || said.contains("SKIPPED");
        assert!(whole, "{kind}: {said}");
    }
    // It lives, and what it did is in the audit chain.
    assert_eq!(server.get("/fhir/metadata").status, 200);
}
