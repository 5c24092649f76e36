//! Tables of views: the operations of SQL on FHIR, from outside.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::dataset::python;
use crate::support::{Answer, Server, TestBank, sample, tool};

#[test]
fn tables_are_what_foreign_readers_take_them_for() {
    if tool("KURA_PYTHON", "python3").is_none() {
        return;
    }
    let bank = TestBank::new();
    bank.import(&[&sample("fhir")], 0);
    let server = bank.serve();
    let base = format!("{}/fhir", server.url());
    python("views.py", &[Path::new(&base), &sample("fhir")]);
}

const HEADERS: [(&str, &str); 2] = [
    ("Prefer", "respond-async"),
    ("Content-Type", "application/fhir+json"),
];

/// Many views of one type, so that writing them takes a while.
fn many(views: usize, format: &str) -> String {
    let view = |number: usize| {
        let view = json!({ "resource": "Observation", "select": [{ "column": [
            { "name": "id", "path": "id" },
            { "name": "code", "path": "code.coding.code", "collection": true },
            { "name": "subject", "path": "subject.reference" } ] }] });
        json!({ "name": "view", "part": [
            { "name": "name", "valueString": format!("v{number}") },
            { "name": "viewResource", "resource": view } ] })
    };
    let mut parameters: Vec<Value> = (0..views).map(view).collect();
    parameters.push(json!({ "name": "_format", "valueCode": format }));
    json!({ "resourceType": "Parameters", "parameter": parameters }).to_string()
}

fn begin(server: &Server, body: &str) -> String {
    let begun = server.send("POST", "/fhir/$viewdefinition-export", &HEADERS, body);
    begun.place()
}

fn written(answer: &Answer) -> bool {
    answer
        .header("x-progress")
        .is_some_and(|text| text.contains("rows written"))
}

/// A server that is killed while it writes goes on when it is started, as of the same time.
#[test]
fn an_export_of_views_outlives_its_server() {
    let bank = TestBank::new();
    let observations = sample("fhir/Observation.ndjson.gz");
    bank.import(&[&observations], 0);
    let rows = bank.live("Observation");
    assert!(rows > 10_000, "{rows}");
    let server = bank.serve();
    let place = begin(&server, &many(40, "ndjson"));
    let half = server.until(&place, written);
    assert_eq!(half.status, 202, "it was not killed in the middle");
    // As kill -9 does.
    drop(server);
    let id = place.rsplit('/').next().expect("an id");
    let folder = Path::new(&bank.path()).join("clinical/exports").join(id);
    assert!(!folder.join("manifest.json").exists());
    // Written later, it is not part of what was asked for.
    let later = bank.file(
        "later.ndjson",
        b"{\"resourceType\":\"Observation\",\"id\":\"later\",\"status\":\"final\",\"code\":{\"text\":\"x\"}}",
    );
    bank.import(&[&later], 0);
    let server = bank.serve();
    let done = server.until(&place, |answer| answer.status == 200).json();
    let outputs: Vec<&Value> = done["parameter"]
        .as_array()
        .expect("parameters")
        .iter()
        .filter(|parameter| parameter["name"] == "output")
        .collect();
    assert_eq!(outputs.len(), 40);
    for number in [0, 39] {
        let file = server.get(&format!("/fhir/$export-file/{id}/v{number}.1.ndjson"));
        assert_eq!(file.status, 200);
        assert_eq!(file.body.lines().count() as u64, rows);
        assert!(!file.body.contains("later"));
    }
    // Nobody else on the machine reads it.
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("v0.1.ndjson")), 0o600);
    assert_eq!(mode(&folder.join("asked.json")), 0o600);
}

/// One that is given up is gone at once, and its files soon; too many at a time are turned away.
#[test]
fn an_export_of_views_is_given_up() {
    let bank = TestBank::new();
    bank.import(&[&sample("fhir/Observation.ndjson.gz")], 0);
    let server = bank.serve();
    let places = [0, 1].map(|_| begin(&server, &many(100, "parquet")));
    let third = server.send(
        "POST",
        "/fhir/$viewdefinition-export",
        &HEADERS,
        &many(1, "csv"),
    );
    assert_eq!(third.status, 429, "{}", third.body);
    assert!(third.header("retry-after").is_some());
    for place in &places {
        let half = server.until(place, written);
        assert_eq!(half.status, 202, "it was done before it could be given up");
        assert_eq!(server.send("DELETE", place, &[], "").status, 202);
        assert_eq!(server.get(place).status, 404);
    }
    let home = Path::new(&bank.path()).join("clinical/exports");
    let since = Instant::now();
    while std::fs::read_dir(&home).expect("a folder").count() > 0 {
        assert!(since.elapsed() < Duration::from_secs(120));
        std::thread::sleep(Duration::from_millis(50));
    }
    let place = begin(&server, &many(1, "csv"));
    server.until(&place, |answer| answer.status == 200);
}

/// A view that fails on a resource fails the export, and says where; not which value.
#[test]
fn an_export_of_views_that_fails_says_so() {
    let bank = TestBank::new();
    bank.import(&[&sample("fhir/Patient.ndjson.gz")], 0);
    let server = bank.serve();
    let body = json!({ "resourceType": "Parameters", "parameter": [
        { "name": "_format", "valueCode": "parquet" },
        { "name": "view", "part": [{ "name": "viewResource", "resource": {
            "name": "wrong", "resource": "Patient", "select": [{ "column": [
                { "name": "sex", "path": "gender", "type": "integer" } ] }] } }] },
    ] });
    let place = begin(&server, &body.to_string());
    let failed = server.until(&place, |answer| answer.status != 202);
    assert_eq!(failed.status, 500, "{}", failed.body);
    assert_eq!(failed.json()["resourceType"], "OperationOutcome");
    assert!(failed.body.contains("the column sex"), "{}", failed.body);
    assert!(!failed.body.contains("male"), "{}", failed.body);
}

/// Taking out in bulk is a data manager's, and an export is of who began it.
#[test]
fn who_may_export_views() {
    let bank = TestBank::new();
    let word = "a long enough password";
    for (name, role) in [
        ("taro", "doctor"),
        ("ken", "researcher"),
        ("hana", "data-manager"),
        ("jiro", "data-manager"),
    ] {
        assert_eq!(crate::access::add(&bank, name, role, word), 0);
    }
    let server = bank.serve();
    let ask = |name: &str, method: &str, path: &str, body: &str| {
        let who = crate::access::basic(&format!("{name}:{word}"));
        let mut headers = HEADERS.to_vec();
        headers.push(("Authorization", who.as_str()));
        server.send(method, path, &headers, body)
    };
    let body = many(1, "csv");
    for path in [
        "/fhir/$viewdefinition-export",
        "/fhir/ViewDefinition/$export",
    ] {
        assert_eq!(server.send("POST", path, &HEADERS, &body).status, 401);
        assert_eq!(ask("taro", "POST", path, &body).status, 403);
        assert_eq!(ask("ken", "POST", path, &body).status, 403);
    }
    let view = r#"{"resource":"Patient","select":[{"column":[{"name":"id","path":"id"}]}]}"#;
    let run = "/fhir/$viewdefinition-run?_format=parquet";
    assert_eq!(ask("taro", "POST", run, view).status, 403);
    assert_eq!(ask("hana", "POST", run, view).status, 200);
    let begun = ask("hana", "POST", "/fhir/$viewdefinition-export", &body);
    let place = &begun.place();
    assert_eq!(ask("jiro", "GET", place, "").status, 404);
    assert_eq!(ask("jiro", "DELETE", place, "").status, 404);
    assert!(matches!(ask("hana", "GET", place, "").status, 200 | 202));
}
