//! Validation before a resource is written: over the FHIR API and in an import.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Answer, Server, TestBank, shared, tool};

const FHIR: (&str, &str) = ("Content-Type", "application/fhir+json");
const PATCH: (&str, &str) = ("Content-Type", "application/json-patch+json");

/// A bank that has these lines in `[validation.types]`, and `packages` beside them.
fn bank(types: &str, packages: &str) -> TestBank {
    let bank = TestBank::new();
    let file = bank.folder.path().join("bank/kura.toml");
    let text = std::fs::read_to_string(&file).expect("the configuration");
    assert!(text.contains("[validation.types]\n") && text.contains("packages = []"));
    let text = text
        .replace(
            "[validation.types]\n",
            &format!("[validation.types]\n{types}\n"),
        )
        .replace("packages = []", &format!("packages = [{packages}]"));
    std::fs::write(&file, text).expect("the configuration");
    bank
}

fn send(server: &Server, method: &str, path: &str, more: &[(&str, &str)], body: &Value) -> Answer {
    let mut headers = vec![if method == "PATCH" { PATCH } else { FHIR }];
    headers.extend_from_slice(more);
    server.send(method, &format!("/fhir{path}"), &headers, &body.to_string())
}

fn observation(status: &str) -> Value {
    json!({ "resourceType": "Observation", "status": status, "code": { "text": "K" } })
}

/// The places of the errors.
fn errors(outcome: &Value) -> Vec<&str> {
    assert_eq!(outcome["resourceType"], "OperationOutcome", "{outcome}");
    let all = outcome["issue"].as_array().expect("issues").iter();
    let all = all.filter(|issue| issue["severity"] == "error");
    all.filter_map(|issue| issue["expression"][0].as_str())
        .collect()
}

/// What the audit trail says besides who, when and what.
fn details(bank: &TestBank) -> Option<String> {
    if bank.database.is_some() {
        return None;
    }
    let python = tool("KURA_PYTHON", "python3")?;
    let script = "import sqlite3,sys\nfor row in sqlite3.connect(sys.argv[1]).execute(\
                  'SELECT action, detail FROM audit'): print(*row)";
    let file = bank.folder.path().join("bank/clinical/clinical.db");
    let run = Command::new(python).args(["-c", script]).arg(file).output();
    Some(String::from_utf8(run.expect("python runs").stdout).expect("text"))
}

/// The value of `status` in what is sent; no answer may repeat it.
const WRONG: &str = "verysecret";

#[track_caller]
fn refuses(answer: &Answer, place: &str) {
    assert_eq!(answer.status, 422, "{}", answer.body);
    assert_eq!(errors(&answer.json()), [place]);
    assert!(!answer.body.contains(WRONG), "{}", answer.body);
}

#[test]
fn what_breaks_a_rule_is_not_written_where_that_is_asked_for() {
    let bank = bank("Observation = \"reject\"", "");
    let server = bank.serve();
    let (right, wrong) = (observation("final"), observation(WRONG));
    // FHIR R4 observation.html: status is bound to observation-status, required.
    let place = "Observation.status";
    refuses(&send(&server, "POST", "/Observation", &[], &wrong), place);
    assert_eq!(bank.live("Observation"), 0);

    let created = send(&server, "POST", "/Observation", &[], &right);
    assert_eq!(created.status, 201, "{}", created.body);
    let id = created.json()["id"].as_str().expect("an id").to_owned();
    let named = |mut resource: Value, id: &str| {
        resource["id"] = json!(id);
        resource
    };
    let path = format!("/Observation/{id}");
    refuses(
        &send(&server, "PUT", &path, &[], &named(wrong.clone(), &id)),
        place,
    );
    refuses(
        &send(
            &server,
            "PUT",
            "/Observation/new",
            &[],
            &named(wrong.clone(), "new"),
        ),
        place,
    );
    let by_id = format!("/Observation?_id={id}");
    refuses(&send(&server, "PUT", &by_id, &[], &wrong), place);
    let patch = json!([{ "op": "replace", "path": "/status", "value": WRONG }]);
    refuses(&send(&server, "PATCH", &path, &[], &patch), place);
    refuses(&send(&server, "PATCH", &by_id, &[], &patch), place);
    let patch = json!([{ "op": "replace", "path": "/status", "value": "amended" }]);
    assert_eq!(send(&server, "PATCH", &path, &[], &patch).status, 200);

    // A conditional create that finds something writes nothing.
    let criteria = format!("_id={id}");
    let found = [("If-None-Exist", criteria.as_str())];
    let answer = send(&server, "POST", "/Observation", &found, &wrong);
    assert_eq!(answer.status, 200, "{}", answer.body);

    // What cannot be decided is written, and said where that is asked for.
    let mut unknown = right;
    unknown["meta"] = json!({ "profile": ["http://example.org/none"] });
    let prefer = [("Prefer", "return=OperationOutcome")];
    let answer = send(&server, "POST", "/Observation", &prefer, &unknown);
    assert_eq!(answer.status, 201, "{}", answer.body);
    let outcome = answer.json();
    assert_eq!(
        outcome["issue"]
            .as_array()
            .expect("issues")
            .last()
            .expect("one")["diagnostics"],
        "unknown"
    );

    // Other types are not looked at.
    let other = json!({ "resourceType": "Patient", "gender": WRONG });
    assert_eq!(send(&server, "POST", "/Patient", &[], &other).status, 201);
}

#[test]
fn a_transaction_that_breaks_a_rule_is_refused_whole() {
    let bank = bank("Observation = \"reject\"", "");
    let server = bank.serve();
    let entry = |resource: Value, url: &str| {
        let kind = resource["resourceType"].clone();
        json!({ "fullUrl": url, "resource": resource, "request": { "method": "POST", "url": kind } })
    };
    let bundle = |kind: &str, entries: Vec<Value>| json!({ "resourceType": "Bundle", "type": kind, "entry": entries });
    let one = "urn:uuid:11111111-1111-4111-8111-111111111111";
    let two = "urn:uuid:22222222-2222-4222-8222-222222222222";
    let patient = || entry(json!({ "resourceType": "Patient" }), one);

    let sent = bundle(
        "transaction",
        vec![patient(), entry(observation(WRONG), two)],
    );
    let answer = send(&server, "POST", "", &[], &sent);
    refuses(&answer, "Bundle.entry[1].resource.status");
    assert_eq!((bank.live("Patient"), bank.live("Observation")), (0, 0));

    // Observation.device is a Device or a DeviceMetric; the entry it points at is a Patient.
    let about = |element: &str| {
        let mut resource = observation("final");
        resource[element] = json!({ "reference": one });
        bundle("transaction", vec![entry(resource, two), patient()])
    };
    let answer = send(&server, "POST", "", &[], &about("device"));
    refuses(&answer, "Bundle.entry[0].resource.device");
    let answer = send(&server, "POST", "", &[], &about("subject"));
    assert_eq!(answer.status, 200, "{}", answer.body);

    // The entries of a batch are each on their own.
    let sent = bundle("batch", vec![entry(observation(WRONG), two), patient()]);
    let answer = send(&server, "POST", "", &[], &sent).json();
    let first = &answer["entry"][0]["response"];
    assert_eq!(first["status"], "422 Unprocessable Content");
    assert_eq!(
        errors(&first["outcome"]),
        ["Bundle.entry[0].resource.status"]
    );
    assert_eq!(answer["entry"][1]["response"]["status"], "201 Created");
}

/// Although entries of a batch go to the disk together, a profile among them counts for the
/// entries after it.
#[test]
fn a_profile_in_a_batch_counts_for_what_follows() {
    let bank = bank("Observation = \"reject\"", "");
    let server = bank.serve();
    let url = "http://example.org/with-a-patient";
    let profile = json!({ "resourceType": "StructureDefinition", "id": "p", "url": url,
        "name": "P", "status": "active", "kind": "resource", "abstract": false,
        "type": "Observation", "derivation": "constraint",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Observation",
        "differential": { "element": [
            { "id": "Observation.subject", "path": "Observation.subject", "min": 1 } ] } });
    let mut claims = observation("final");
    claims["meta"] = json!({ "profile": [url] });
    let put = |resource: &Value, kind: &str, id: &str| {
        let mut resource = resource.clone();
        resource["id"] = json!(id);
        json!({ "resource": resource,
                "request": { "method": "PUT", "url": format!("{kind}/{id}") } })
    };
    let sent = json!({ "resourceType": "Bundle", "type": "batch", "entry": [
        put(&observation("final"), "Observation", "a"),
        put(&observation("final"), "Observation", "b"),
        put(&profile, "StructureDefinition", "p"),
        put(&claims, "Observation", "c"),
        put(&observation("final"), "Observation", "d"),
    ] });
    let answer = send(&server, "POST", "", &[], &sent).json();
    let statuses: Vec<&str> = (0..5)
        .map(|at| {
            answer["entry"][at]["response"]["status"]
                .as_str()
                .unwrap_or_default()
        })
        .map(|status| status.get(..3).unwrap_or_default())
        .collect();
    assert_eq!(statuses, ["201", "201", "201", "422", "201"], "{answer}");
}

#[test]
fn a_warning_lets_it_through_and_stays_to_be_seen() {
    let bank = bank("Observation = \"warn\"", "");
    let server = bank.serve();
    let wrong = observation(WRONG);
    let prefer = [("Prefer", "return=OperationOutcome")];
    let answer = send(&server, "POST", "/Observation", &prefer, &wrong);
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(errors(&answer.json()), ["Observation.status"]);
    let answer = send(&server, "POST", "/Observation", &[], &wrong);
    assert_eq!(answer.json()["status"], WRONG);
    // FHIR R4 bundle.html: Bundle.entry.response.outcome has hints and warnings.
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [
        { "resource": wrong, "request": { "method": "POST", "url": "Observation" } },
        { "resource": observation("final"), "request": { "method": "POST", "url": "Observation" } },
    ] });
    let answer = send(&server, "POST", "", &[], &bundle).json();
    let outcome = |at: usize| &answer["entry"][at]["response"]["outcome"];
    assert_eq!(errors(outcome(0)), ["Observation.status"]);
    assert!(outcome(1).is_null(), "{answer}");
    drop(server);
    if let Some(rows) = details(&bank) {
        let told = rows.matches("\"rules\":[\"Observation.status\"]").count();
        assert_eq!(told, 3, "{rows}");
        assert!(!rows.contains(WRONG));
    }
}

#[test]
fn an_import_keeps_what_breaks_a_rule_in_quarantine_or_counts_it() {
    let collection = json!({ "resourceType": "Bundle", "type": "collection", "entry": [
        { "resource": { "resourceType": "Observation", "id": "d", "status": "final", "code": {} } },
        { "resource": { "resourceType": "Observation", "id": "e", "status": "final" } },
    ] });
    let line = |id: &str, status: &str| {
        let mut resource = observation(status);
        resource["id"] = json!(id);
        resource
    };
    let lines = [
        line("a", "final"),
        line("b", WRONG),
        line("c", "final"),
        collection,
    ];
    let text = lines.map(|line| format!("{line}\n")).concat();

    let strict = bank("Observation = \"reject\"", "");
    let file = strict.file("in.ndjson", text.as_bytes());
    let report = strict.import(&[&file], 3);
    assert_eq!(
        (&report["accepted"], &report["refused"]),
        (&json!(2), &json!(3))
    );
    assert_eq!(report["warned"], 0);
    let refused = strict.refused();
    let mut why: Vec<_> = refused
        .iter()
        .map(|row| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (
                row["location"]["line"].as_u64(),
                text(&row["rule"]),
                text(&row["location"]["path"]),
            )
        })
        .collect();
    why.sort();
    let row = |line, rule: &str, path: &str| (Some(line), rule.to_owned(), path.to_owned());
    // R4: Observation.code is 1..1; ele-1: an element has a value or children.
    assert_eq!(
        why,
        [
            row(2, "Observation.status", "Observation.status"),
            row(4, "Observation.code", "Observation"),
            row(4, "ele-1", "Observation.code"),
        ]
    );
    assert!(
        !serde_json::to_string(&refused)
            .expect("rows")
            .contains(WRONG)
    );

    let lenient = bank("Observation = \"warn\"", "");
    let file = lenient.file("in.ndjson", text.as_bytes());
    let report = lenient.import(&[&file], 0);
    assert_eq!(
        (&report["accepted"], &report["warned"]),
        (&json!(5), &json!(3))
    );
}

#[test]
fn packages_of_the_configuration_are_there_when_the_bank_is_served() {
    let Some(package) = shared("fhir-jp/jp-core.r4-1.1.2.tgz") else {
        return;
    };
    // Definitions are not held against rules themselves.
    let types = "Observation = \"reject\"\nStructureDefinition = \"reject\"\nValueSet = \"reject\"";
    let bank = bank(types, &format!("{:?}", package.display().to_string()));
    let profile = "http://jpfhir.jp/fhir/core/StructureDefinition/JP_Observation_LabResult";
    let mut wrong = observation("final");
    wrong["meta"] = json!({ "profile": [profile] });
    let mut jobs = Vec::new();
    for _ in 0..2 {
        let server = bank.serve();
        let answer = send(&server, "POST", "/Observation", &[], &wrong);
        assert_eq!(answer.status, 422, "{}", answer.body);
        drop(server);
        jobs.extend(details(&bank).map(|rows| rows.matches("import_file").count()));
    }
    assert!(jobs.is_empty() || jobs == [1, 1], "once: {jobs:?}");
    assert_eq!(bank.refused(), Vec::<Value>::new());
}
