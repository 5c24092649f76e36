//! Subscriptions: a receiver is asked, then told what it subscribed to, in order and at least once.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::dataset::python;
use crate::support::{Server, TestBank};

const JSON: [(&str, &str); 1] = [("Content-Type", "application/fhir+json")];
const WAIT: Duration = Duration::from_secs(60);

/// Takes notifications on a port of its own; answers with the status it is set to.
struct Hook {
    url: String,
    status: Arc<AtomicU16>,
    arrived: Mutex<Receiver<(String, Value)>>,
}

impl Hook {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!(
            "http://{}/hooks/",
            listener.local_addr().expect("an address")
        );
        let status = Arc::new(AtomicU16::new(200));
        let (sender, arrived) = channel();
        let answer = status.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.expect("a connection"));
                let mut head = String::new();
                let mut length = 0;
                loop {
                    let mut line = String::new();
                    if stream.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
                        break;
                    }
                    if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                        length = value.trim().parse().expect("a length");
                    }
                    head += &line;
                }
                let mut body = vec![0; length];
                stream.read_exact(&mut body).expect("a body");
                let status = answer.load(Ordering::Relaxed);
                let _ = stream.get_mut().write_all(
                    format!(
                        "HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                    )
                    .as_bytes(),
                );
                let body = serde_json::from_slice(&body).expect("JSON");
                if sender.send((head, body)).is_err() {
                    return;
                }
            }
        });
        Self {
            url,
            status,
            arrived: Mutex::new(arrived),
        }
    }

    fn next(&self) -> (String, Value) {
        let arrived = self.arrived.lock().expect("no panic");
        arrived.recv_timeout(WAIT).expect("a notification")
    }

    /// The next that tells of changes: numbers and references.
    fn events(&self) -> (Vec<(u64, String)>, Value) {
        let (_, bundle) = self.next();
        let status = &bundle["entry"][0]["resource"];
        assert_eq!(said(status, "type"), "event-notification");
        let events = status["parameter"].as_array().expect("parameters").iter();
        let events = events
            .filter(|parameter| parameter["name"] == "notification-event")
            .map(|event| {
                let part = |name: &str| {
                    let parts = event["part"].as_array().expect("parts");
                    parts
                        .iter()
                        .find(|part| part["name"] == name)
                        .expect("a part")
                        .clone()
                };
                let number = part("event-number")["valueString"]
                    .as_str()
                    .expect("text")
                    .to_owned();
                let focus = part("focus")["valueReference"]["reference"].clone();
                let focus = focus
                    .as_str()
                    .expect("a reference")
                    .trim_start_matches("https://bank.example/fhir/");
                (number.parse().expect("a number"), focus.to_owned())
            })
            .collect();
        (events, bundle)
    }
}

/// What the status says under a name.
fn said(status: &Value, name: &str) -> String {
    let parameters = status["parameter"].as_array().expect("parameters");
    let found = parameters
        .iter()
        .find(|parameter| parameter["name"] == name);
    let found = found.unwrap_or_else(|| panic!("{name} in {status}"));
    ["valueCode", "valueString", "valueCanonical"]
        .iter()
        .find_map(|key| found[*key].as_str())
        .unwrap_or_default()
        .to_owned()
}

fn subscription(hook: &str, status: &str, content: &str, filters: &[&str]) -> Value {
    let of = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/";
    let filters: Vec<Value> = filters
        .iter()
        .map(|filter| json!({ "url": format!("{of}backport-filter-criteria"), "valueString": filter }))
        .collect();
    json!({
        "resourceType": "Subscription", "id": "s", "status": status, "reason": "a ward's list",
        "criteria": "urn:kura:SubscriptionTopic:changes",
        "_criteria": { "extension": filters },
        "channel": {
            "type": "rest-hook", "endpoint": hook, "payload": "application/fhir+json",
            "_payload": { "extension": [{ "url": format!("{of}backport-payload-content"), "valueCode": content }] },
        },
    })
}

fn put(server: &Server, body: &Value) -> (u16, Value) {
    let path = format!(
        "/fhir/{}/{}",
        body["resourceType"].as_str().expect("a type"),
        body["id"].as_str().expect("an id")
    );
    let answer = server.send("PUT", &path, &JSON, &body.to_string());
    (answer.status, answer.json())
}

fn observation(id: &str, code: &str) -> Value {
    json!({
        "resourceType": "Observation", "id": id, "status": "final",
        "code": { "coding": [{ "system": "http://loinc.org", "code": code }] },
    })
}

/// Polls until the subscription has this status.
fn until(server: &Server, status: &str) -> Value {
    for _ in 0..600 {
        let now = server.get("/fhir/Subscription/s").json();
        if now["status"] == status {
            return now;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("never {status}");
}

/// Polls until so many changes are noted as told.
fn told(server: &Server, events: &str) {
    let now = || {
        let status = server.get("/fhir/Subscription/s/$status").json();
        said(
            &status["entry"][0]["resource"],
            "events-since-subscription-start",
        )
    };
    for _ in 0..600 {
        if now() == events {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(now(), events);
}

fn configure(bank: &TestBank, hook: &Hook) {
    let file = std::path::Path::new(&bank.path()).join("kura.toml");
    let text = std::fs::read_to_string(&file).expect("a file");
    let ours = format!(
        "[subscriptions]\nbase = \"https://bank.example/fhir/\"\n[[subscriptions.endpoints]]\nurl = \"{}\"\nheaders = [\"Authorization: Bearer opensesame\"]\n",
        hook.url
    );
    let text = text.replace("[subscriptions]\n", "") + &ours;
    std::fs::write(&file, text).expect("written");
    let refused = bank.kura(&["status"]).exits(1);
    assert!(refused.err.contains("chmod 600"), "{}", refused.err);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("a mode");
}

#[test]
fn a_receiver_is_told_what_it_asked_for_at_least_once() {
    let bank = TestBank::new();
    let hook = Hook::new();
    let wanted = [
        "Observation?code=http://loinc.org|718-7",
        "Patient?gender=female",
    ];
    let asked = |status: &str| subscription(&hook.url, status, "id-only", &wanted);
    {
        // Nobody is notified whom the configuration does not name.
        let server = bank.serve();
        let (status, outcome) = put(&server, &asked("requested"));
        assert_eq!(status, 422);
        assert_eq!(
            outcome["issue"][0]["expression"][0],
            "Subscription.channel.endpoint"
        );
    }
    configure(&bank, &hook);
    let server = bank.serve();
    assert_eq!(put(&server, &observation("before", "718-7")).0, 201);
    assert_eq!(put(&server, &asked("requested")).0, 201);
    let (head, handshake) = hook.next();
    assert!(head.starts_with("POST /hooks/ "), "{head}");
    assert!(
        head.to_ascii_lowercase()
            .contains("authorization: bearer opensesame"),
        "{head}"
    );
    let status = &handshake["entry"][0]["resource"];
    assert_eq!(said(status, "type"), "handshake");
    assert_eq!(said(status, "topic"), "urn:kura:SubscriptionTopic:changes");
    let active = until(&server, "active");
    assert!(!active.to_string().contains("opensesame"));

    // What matches is told, with its number; what does not is not.
    assert_eq!(put(&server, &observation("a", "4548-4")).0, 201);
    assert_eq!(put(&server, &observation("b", "718-7")).0, 201);
    let (events, bundle) = hook.events();
    assert_eq!(events, [(1, "Observation/b".to_owned())]);
    assert_eq!(bundle["type"], "history");
    assert!(bundle["entry"][1].get("resource").is_none(), "ids only");
    assert_eq!(
        bundle["entry"][1]["fullUrl"],
        "https://bank.example/fhir/Observation/b"
    );
    let file = bank.file("notification.json", bundle.to_string().as_bytes());
    python("notification.py", &[&file]);

    // A receiver that is in trouble is told again, under the same numbers.
    hook.status.store(503, Ordering::Relaxed);
    let woman = json!({ "resourceType": "Patient", "id": "w", "gender": "female" });
    assert_eq!(put(&server, &woman).0, 201);
    let (first, _) = hook.events();
    assert_eq!(first, [(2, "Patient/w".to_owned())]);
    hook.status.store(202, Ordering::Relaxed);
    let (again, _) = hook.events();
    assert_eq!(again, first);
    // It is noted as told once the receiver has taken it; killed before, it would be told again.
    told(&server, "2");

    // What is written while the server is down is told when it is back; a deletion too.
    drop(server);
    let more = format!(
        "{}\n{}\n",
        observation("c", "718-7"),
        observation("d", "1-1")
    );
    bank.import(&[&bank.file("more.ndjson", more.as_bytes())], 0);
    let server = bank.serve();
    let (events, _) = hook.events();
    assert_eq!(events, [(3, "Observation/c".to_owned())]);
    assert_eq!(
        server.send("DELETE", "/fhir/Observation/d", &[], "").status,
        204
    );
    assert_eq!(
        server.send("DELETE", "/fhir/Observation/c", &[], "").status,
        204
    );
    let (events, bundle) = hook.events();
    assert_eq!(events, [(4, "Observation/c".to_owned())]);
    assert_eq!(bundle["entry"][1]["request"]["method"], "DELETE");
    told(&server, "4");

    // Off is off. Asked for again, it begins anew; then with whole records.
    assert_eq!(put(&server, &asked("off")).0, 200);
    assert_eq!(put(&server, &observation("while-off", "718-7")).0, 201);
    let full = subscription(&hook.url, "requested", "full-resource", &wanted);
    assert_eq!(put(&server, &full).0, 200);
    assert_eq!(
        said(&hook.next().1["entry"][0]["resource"], "type"),
        "handshake"
    );
    until(&server, "active");
    assert_eq!(put(&server, &observation("e", "718-7")).0, 201);
    let (events, bundle) = hook.events();
    assert_eq!(events, [(5, "Observation/e".to_owned())]);
    assert_eq!(
        bundle["entry"][1]["resource"]["code"]["coding"][0]["code"],
        "718-7"
    );

    // A receiver that does not want it: the reason stands in the resource.
    assert_eq!(put(&server, &asked("off")).0, 200);
    hook.status.store(410, Ordering::Relaxed);
    assert_eq!(put(&server, &asked("requested")).0, 200);
    let refused = until(&server, "error");
    assert_eq!(refused["error"], "the receiver answered with status 410");
}

/// Whoever could not be reached at first is not sent what was there before; and a filter that means
/// nothing any more keeps no other waiting.
#[test]
fn a_late_beginning_and_a_broken_filter() {
    let bank = TestBank::new();
    let hook = Hook::new();
    configure(&bank, &hook);
    let server = bank.serve();
    assert_eq!(put(&server, &observation("before", "718-7")).0, 201);
    hook.status.store(503, Ordering::Relaxed);
    let set = json!({
        "resourceType": "ValueSet", "id": "chosen", "url": "http://example.jp/ValueSet/chosen", "status": "active",
        "compose": { "include": [{ "system": "http://loinc.org", "concept": [{ "code": "718-7" }] }] },
    });
    assert_eq!(put(&server, &set).0, 201);
    let asked = |id: &str, filter: &str| {
        let mut asked = subscription(&hook.url, "requested", "id-only", &[filter]);
        asked["id"] = json!(id);
        asked
    };
    let broken = asked("a", "Observation?code:in=http://example.jp/ValueSet/chosen");
    let sound = asked("s", "Observation?code=718-7");
    assert_eq!(put(&server, &sound).0, 201);
    assert_eq!(
        said(&hook.next().1["entry"][0]["resource"], "type"),
        "handshake"
    );
    until(&server, "error");
    hook.status.store(200, Ordering::Relaxed);
    assert_eq!(put(&server, &broken).0, 201);
    assert_eq!(put(&server, &sound).0, 200);
    for _ in 0..2 {
        assert_eq!(
            said(&hook.next().1["entry"][0]["resource"], "type"),
            "handshake"
        );
    }
    until(&server, "active");
    assert_eq!(
        server
            .send("DELETE", "/fhir/ValueSet/chosen", &[], "")
            .status,
        204
    );
    assert_eq!(put(&server, &observation("after", "718-7")).0, 201);
    let (events, _) = hook.events();
    assert_eq!(events, [(1, "Observation/after".to_owned())]);
    // The value set is back: so are its changes, none lost.
    assert_eq!(put(&server, &set).0, 201);
    let (events, bundle) = hook.events();
    assert_eq!(events, [(1, "Observation/after".to_owned())]);
    let status = &bundle["entry"][0]["resource"];
    assert!(status.to_string().contains("Subscription/a"), "{status}");

    // A file brings none.
    let line = bank.file(
        "subscription.ndjson",
        asked("f", "Patient").to_string().as_bytes(),
    );
    bank.import(&[&line], 3);
    assert_eq!(bank.refused()[0]["rule"], "reserved");
}

#[test]
fn what_would_not_be_served_is_refused() {
    let bank = TestBank::new();
    let hook = Hook::new();
    configure(&bank, &hook);
    let server = bank.serve();
    let good = subscription(&hook.url, "requested", "empty", &["Patient?gender=female"]);
    let changed = |pointer: &str, value: Value| {
        let mut body = good.clone();
        let (parent, last) = pointer.rsplit_once('/').expect("a pointer");
        body.pointer_mut(parent).expect("it is there")[last] = value;
        body
    };
    let elsewhere = "http://169.254.169.254/latest/meta-data";
    for (body, place) in [
        (changed("/status", json!("active")), "Subscription.status"),
        (
            changed("/criteria", json!("Patient?gender=female")),
            "Subscription.criteria",
        ),
        (
            changed("/channel/type", json!("websocket")),
            "Subscription.channel.type",
        ),
        (
            changed("/channel/header", json!(["Authorization: Bearer x"])),
            "Subscription.channel.header",
        ),
        (
            changed("/channel/payload", json!("application/fhir+xml")),
            "Subscription.channel.payload",
        ),
        (
            changed("/channel/endpoint", json!(elsewhere)),
            "Subscription.channel.endpoint",
        ),
        (
            subscription(&hook.url, "requested", "all", &[]),
            "Subscription.channel.payload",
        ),
        (
            subscription(&hook.url, "requested", "empty", &["Patient?nickname=x"]),
            "Subscription.criteria",
        ),
        (
            subscription(&hook.url, "requested", "empty", &["Nothing"]),
            "Subscription.criteria",
        ),
    ] {
        let (status, outcome) = put(&server, &body);
        assert_eq!(status, 422, "{place}: {outcome}");
        assert_eq!(outcome["issue"][0]["expression"][0], place, "{outcome}");
    }
    // Nor by a way around: a patch, a transaction.
    assert_eq!(put(&server, &good).0, 201);
    let patch = [("Content-Type", "application/json-patch+json")];
    let body = json!([{ "op": "replace", "path": "/channel/endpoint", "value": elsewhere }]);
    let answer = server.send("PATCH", "/fhir/Subscription/s", &patch, &body.to_string());
    assert_eq!(answer.status, 422, "{}", answer.body);
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [{
        "resource": changed("/channel/endpoint", json!(elsewhere)),
        "request": { "method": "PUT", "url": "Subscription/s" },
    }] });
    let answer = server.send("POST", "/fhir", &JSON, &bundle.to_string());
    assert_eq!(answer.status, 422, "{}", answer.body);
}
