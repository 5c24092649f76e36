//! The FHIR read side over HTTP.

use std::process::Command;

use crate::support::{TestBank, repository, sample, tool};

#[test]
fn read_vread_history_and_errors() {
    let bank = TestBank::new();
    let text = "{\"resourceType\":\"Patient\",\"id\":\"p\",\"birthDate\":\"1950-01-01\"}\n{\"resourceType\":\"Patient\",\"id\":\"p\",\"birthDate\":\"1950-01-02\"}\n";
    bank.import(&[&bank.file("p.ndjson", text.as_bytes())], 0);
    let server = bank.serve();
    let read = server.get("/fhir/Patient/p");
    assert_eq!(read.status, 200);
    assert_eq!(read.json()["meta"]["versionId"], "2");
    assert_eq!(read.header("etag").as_deref(), Some("W/\"2\""));
    assert!(
        read.header("content-type")
            .unwrap()
            .starts_with("application/fhir+json")
    );
    let unchanged = server.send(
        "GET",
        "/fhir/Patient/p",
        &[("If-None-Match", "W/\"2\"")],
        "",
    );
    assert_eq!(unchanged.status, 304);
    assert_eq!(
        server.get("/fhir/Patient/p/_history/1").json()["birthDate"],
        "1950-01-01"
    );
    for (path, status) in [
        ("/fhir/Patient/none", 404),
        ("/fhir/Patint/p", 404),
        ("/fhir/Patient/p/_history/9", 404),
        ("/fhir/Patient?birthdate=yesterday", 400),
        ("/fhir/Patient?_count=x", 400),
        ("/fhir/Patient?_page=00ff", 400),
        ("/fhir/Patient/p/a/b/c", 404),
    ] {
        let answer = server.get(path);
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.json()["resourceType"], "OperationOutcome", "{path}");
    }
    let strict = server.send(
        "GET",
        "/fhir/Patient?shoe=42",
        &[("Prefer", "handling=strict")],
        "",
    );
    assert_eq!(strict.status, 400);
    let lenient = server.get("/fhir/Patient?shoe=42").json();
    assert_eq!(lenient["entry"][1]["search"]["mode"], "outcome");
    let metadata = server.get("/fhir/metadata").json();
    assert_eq!(metadata["fhirVersion"], "4.0.1");
}

#[test]
fn a_page_goes_on_from_the_state_it_began_with() {
    let bank = TestBank::new();
    let lines = |from: u32, to: u32| -> String {
        (from..to).map(|id| format!("{{\"resourceType\":\"Patient\",\"id\":\"p{id:03}\",\"gender\":\"male\",\"name\":[{{\"text\":\"山田 {id}\"}}]}}\n")).collect()
    };
    bank.import(&[&bank.file("a.ndjson", lines(0, 50).as_bytes())], 0);
    let server = bank.serve();
    let mut bundle = server
        .send(
            "POST",
            "/fhir/Patient/_search",
            &[("Content-Type", "application/x-www-form-urlencoded")],
            "name=%E5%B1%B1%E7%94%B0&_count=20&_total=accurate",
        )
        .json();
    assert_eq!(bundle["total"], 50);
    // What comes in between the pages does not disturb them.
    bank.import(&[&bank.file("b.ndjson", lines(50, 90).as_bytes())], 0);
    let mut seen = 0;
    loop {
        seen += bundle["entry"].as_array().unwrap().len();
        let links = bundle["link"].as_array().unwrap();
        assert!(
            links
                .iter()
                .all(|link| !link["url"].as_str().unwrap().contains("%E5%B1%B1")),
            "a name in a URL of ours"
        );
        let Some(next) = links.iter().find(|link| link["relation"] == "next") else {
            break;
        };
        let path = next["url"]
            .as_str()
            .unwrap()
            .split_once("/fhir")
            .unwrap()
            .1
            .to_owned();
        bundle = server.get(&format!("/fhir{path}")).json();
    }
    assert_eq!(seen, 50);
}

#[test]
fn search_by_every_kind_of_parameter() {
    let bank = TestBank::sample();
    let server = bank.serve();
    let total = |query: &str| {
        let bundle = server
            .get(&format!("/fhir/{query}&_total=accurate&_count=1000"))
            .json();
        let total = bundle["total"]
            .as_u64()
            .unwrap_or_else(|| panic!("{query}: {bundle}"));
        let entries = bundle["entry"].as_array().map_or(0, Vec::len) as u64;
        assert_eq!(entries, total.min(1000), "{query}");
        total
    };
    let patients = total("Patient?_id:x=&");
    assert_eq!(patients, 43);
    assert_eq!(
        total("Patient?gender=male") + total("Patient?gender=female"),
        patients
    );
    assert_eq!(
        total("Patient?gender:not=male"),
        total("Patient?gender=female")
    );
    assert_eq!(
        total("Patient?birthdate=lt1960") + total("Patient?birthdate=ge1960"),
        patients
    );
    let hba1c = total("Observation?code=http://loinc.org%7C4548-4");
    assert_eq!(hba1c, total("Observation?code=4548-4"));
    let high = total("Observation?code=4548-4&value-quantity=ge6.5");
    let low = total("Observation?code=4548-4&value-quantity=lt6.5");
    assert!(
        hba1c > 0 && high + low == hba1c,
        "{high} + {low} of {hba1c}"
    );
    assert_eq!(
        total("Observation?code=4548-4&subject:Patient.gender=male")
            + total("Observation?code=4548-4&patient.gender=female"),
        hba1c
    );
    assert!(total("Patient?_has:Observation:patient:code=4548-4") <= patients);
    assert_eq!(
        total("Patient?death-date:missing=true") + total("Patient?death-date:missing=false"),
        patients
    );
    // Sorted, newest first.
    let bundle = server
        .get("/fhir/Observation?code=4548-4&_sort=-date&_count=1000")
        .json();
    let dates: Vec<&str> = bundle["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["resource"]["effectiveDateTime"].as_str().unwrap())
        .collect();
    assert!(dates.windows(2).all(|pair| pair[0] >= pair[1]), "{dates:?}");
}

#[test]
fn a_foreign_client_reads_and_pages() {
    let Some(python) = tool("KURA_PYTHON", "python3") else {
        return;
    };
    let bank = TestBank::sample();
    let server = bank.serve();
    let output = Command::new(python)
        .arg(repository().join("tests/python/fhir_client.py"))
        .arg(format!("{}/fhir", server.url()))
        .output()
        .expect("python runs");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// What a search finds is what the resources say when they are read one by one.
#[test]
fn searches_find_what_the_resources_say() {
    if tool("KURA_PYTHON", "python3").is_none() {
        return;
    }
    let bank = TestBank::new();
    bank.import(&[&sample("fhir")], 0);
    let server = bank.serve();
    let base = format!("{}/fhir", server.url());
    crate::dataset::python(
        "fhir_search.py",
        &[std::path::Path::new(&base), &sample("fhir")],
    );
}
