//! Bulk export, `$everything`, `$document`, tables of views: from outside, by foreign clients.

use std::path::Path;

use crate::dataset::python;
use crate::support::{Server, TestBank, sample, tool};

#[test]
fn foreign_clients_take_out_what_was_brought_in() {
    if tool("KURA_PYTHON", "python3").is_none() {
        return;
    }
    let bank = TestBank::new();
    bank.import(&[&sample("fhir")], 0);
    let server = bank.serve();
    let base = format!("{}/fhir", server.url());
    python("fhir_operations.py", &[Path::new(&base), &sample("fhir")]);
}

fn manifest(server: &Server, place: &str) -> String {
    server.until(place, |answer| answer.status == 200).body
}

/// A server that is killed while it writes begins again, as of the same time, when it is started.
#[test]
fn an_export_outlives_its_server() {
    let bank = TestBank::new();
    bank.import(&[&sample("fhir/Patient.ndjson.gz")], 0);
    let server = bank.serve();
    let begun = server.send(
        "GET",
        "/fhir/$export?_type=Patient",
        &[("Prefer", "respond-async")],
        "",
    );
    let place = begun.place();
    let first = manifest(&server, &place);
    drop(server);
    // As a kill leaves it: what was asked is there, the files are in pieces.
    let id = place.rsplit('/').next().expect("an id");
    let folder = Path::new(&bank.path()).join("clinical/exports").join(id);
    std::fs::remove_file(folder.join("manifest.json")).expect("a manifest");
    std::fs::write(folder.join("Patient.1.ndjson"), "{\"half").expect("a file");
    // Written later, it is not part of what was asked for.
    bank.import(&[&sample("fhir/Condition.ndjson.gz")], 0);
    let patient = bank.file(
        "new.ndjson",
        b"{\"resourceType\":\"Patient\",\"id\":\"later\"}",
    );
    bank.import(&[&patient], 0);
    let server = bank.serve();
    let second = manifest(&server, &place);
    let count = |text: &str| {
        let manifest: serde_json::Value = serde_json::from_str(text).expect("a manifest");
        (
            manifest["transactionTime"].clone(),
            manifest["output"][0]["count"].clone(),
            manifest["output"].as_array().map(Vec::len),
        )
    };
    assert_eq!(count(&first), count(&second));
    let file = server.get(&format!("/fhir/$export-file/{id}/Patient.1.ndjson"));
    assert_eq!(file.body.lines().count(), 43);
    assert!(!file.body.contains("later"));
    // Nobody else on the machine reads it.
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("Patient.1.ndjson")), 0o600);
}

/// Taking out in bulk is a data manager's; a doctor reads one patient at a time.
#[test]
fn who_may_take_out_in_bulk() {
    let bank = TestBank::new();
    let word = "a long enough password";
    for (name, role) in [
        ("taro", "doctor"),
        ("hana", "data-manager"),
        ("jiro", "data-manager"),
    ] {
        assert_eq!(crate::access::add(&bank, name, role, word), 0);
    }
    let server = bank.serve();
    let ask = |name: &str, method: &str, path: &str, body: &str| {
        let who = crate::access::basic(&format!("{name}:{word}"));
        server.send(
            method,
            path,
            &[
                ("Authorization", who.as_str()),
                ("Prefer", "respond-async"),
                ("Content-Type", "application/json"),
            ],
            body,
        )
    };
    assert_eq!(
        server
            .send("GET", "/fhir/$export", &[("Prefer", "respond-async")], "")
            .status,
        401
    );
    assert_eq!(ask("taro", "GET", "/fhir/$export", "").status, 403);
    let view = r#"{"resource":"Patient","select":[{"column":[{"name":"id","path":"id"}]}]}"#;
    assert_eq!(
        ask("taro", "POST", "/fhir/ViewDefinition/$run", view).status,
        403
    );
    let begun = ask("hana", "GET", "/fhir/$export", "");
    assert_eq!(begun.status, 202, "{}", begun.body);
    let place = begun.header("content-location").expect("a place");
    let place = &place[place.find("/fhir/").expect("a path")..];
    // An export is of who began it.
    assert_eq!(ask("jiro", "GET", place, "").status, 404);
    assert!(matches!(ask("hana", "GET", place, "").status, 200 | 202));
}
