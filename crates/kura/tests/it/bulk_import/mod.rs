//! `$import`, from outside: from files, from other servers, sent along; given up, killed, refused.

mod refused;
mod stopped;
mod taken;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Answer, Server, TestBank};

const HEADERS: [(&str, &str); 2] = [
    ("Prefer", "respond-async"),
    ("Content-Type", "application/fhir+json"),
];
const LINES: [(&str, &str); 2] = [
    ("Prefer", "respond-async"),
    ("Content-Type", "application/fhir+ndjson"),
];

/// Lets the bank fetch from there.
fn allow(bank: &TestBank, sources: &[&str]) {
    set(bank, "sources = []", &format!("sources = {sources:?}"));
}

fn set(bank: &TestBank, from: &str, to: &str) {
    let file = Path::new(&bank.path()).join("kura.toml");
    let text = std::fs::read_to_string(&file).expect("a configuration");
    assert!(text.contains(from), "{from}");
    std::fs::write(&file, text.replace(from, to)).expect("a configuration");
}

fn manifest(inputs: &[(&str, &str)]) -> String {
    let mut parameters = vec![
        json!({ "name": "inputFormat", "valueCode": "application/fhir+ndjson" }),
        json!({ "name": "inputSource", "valueUri": "https://other.example.org/fhir" }),
        json!({ "name": "storageDetail", "part": [{ "name": "type", "valueCode": "https" }] }),
    ];
    parameters.extend(inputs.iter().map(|(kind, url)| {
        json!({ "name": "input", "part": [
            { "name": "type", "valueCode": kind }, { "name": "url", "valueUri": url } ] })
    }));
    json!({ "resourceType": "Parameters", "parameter": parameters }).to_string()
}

fn post(server: &Server, body: &str) -> Answer {
    server.send("POST", "/fhir/$import", &HEADERS, body)
}

#[track_caller]
fn place(begun: &Answer) -> String {
    let path = begun.place();
    assert!(path.starts_with("/fhir/$import-status/"), "{path}");
    path
}

#[track_caller]
fn done(server: &Server, place: &str) -> Value {
    server.until(place, |answer| answer.status == 200).json()
}

fn progress(answer: &Answer) -> String {
    answer.header("x-progress").unwrap_or_default()
}

/// The OperationOutcomes of an error of a manifest.
fn outcomes(server: &Server, error: &Value) -> Vec<Value> {
    assert_eq!(error["type"], "OperationOutcome");
    let url = error["url"].as_str().expect("a url");
    let file = server.get(&url[url.find("/fhir/").expect("a path")..]);
    assert_eq!(file.status, 200);
    assert_eq!(
        file.header("content-type").as_deref(),
        Some("application/fhir+ndjson")
    );
    let lines: Vec<Value> = file
        .body
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(
        lines.len() as u64,
        error["count"].as_u64().expect("a count")
    );
    lines
}

fn rule(outcome: &Value) -> &str {
    outcome["issue"][0]["details"]["text"]
        .as_str()
        .expect("a rule")
}

/// What another server says of a path.
enum Said {
    Body(Vec<u8>),
    /// In pieces, with a pause after each.
    Slowly(Vec<u8>, Duration),
    /// Fewer bytes than were promised.
    Short(Vec<u8>),
    Status(u16),
    Redirect(String),
}

/// Another server, on this machine.
fn source(say: impl Fn(&str) -> Said + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let say = std::sync::Arc::new(say);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let say = say.clone();
            // A client that leaves is no fault of the source's.
            std::thread::spawn(move || drop(answer(stream, &*say)));
        }
    });
    format!("http://{address}")
}

fn answer(mut stream: TcpStream, say: &dyn Fn(&str) -> Said) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? <= 2 {
            break;
        }
    }
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let head = |status: &str, length: usize, more: &str| {
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{more}Connection: close\r\n\r\n")
    };
    match say(&path) {
        Said::Body(body) => {
            stream.write_all(head("200 OK", body.len(), "").as_bytes())?;
            stream.write_all(&body)
        }
        Said::Slowly(body, pause) => {
            stream.write_all(head("200 OK", body.len(), "").as_bytes())?;
            for piece in body.chunks(64 * 1024) {
                stream.write_all(piece)?;
                std::thread::sleep(pause);
            }
            Ok(())
        }
        Said::Short(body) => {
            stream.write_all(head("200 OK", body.len() + 1000, "").as_bytes())?;
            stream.write_all(&body)
        }
        Said::Status(status) => {
            stream.write_all(head(&format!("{status} Status"), 0, "").as_bytes())
        }
        Said::Redirect(to) => {
            stream.write_all(head("302 Found", 0, &format!("Location: {to}\r\n")).as_bytes())
        }
    }
}

/// Observations, so many that reading them takes a while.
fn many(count: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for number in 0..count {
        let line = json!({
            "resourceType": "Observation", "id": format!("o{number}"), "status": "final",
            "code": { "coding": [{ "system": "http://loinc.org", "code": "4548-4" }] },
            "subject": { "reference": format!("Patient/p{}", number % 100) },
            "effectiveDateTime": "2026-01-01T00:00:00+09:00",
            "valueQuantity": { "value": number, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%" },
        });
        out.extend_from_slice(line.to_string().as_bytes());
        out.push(b'\n');
    }
    out
}

fn home(bank: &TestBank) -> PathBuf {
    Path::new(&bank.path()).join("clinical/imports")
}
