//! `$import`, from outside: from files, from other servers, sent along; given up, killed, refused.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Answer, Server, TestBank, sample, tool};

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
    assert_eq!(begun.status, 202, "{}", begun.body);
    let place = begun.header("content-location").expect("a place");
    let path = &place[place.find("/fhir/").expect("a path")..];
    assert!(path.starts_with("/fhir/$import-status/"), "{path}");
    path.to_owned()
}

/// Asks until `wanted` is so.
#[track_caller]
fn until(server: &Server, place: &str, wanted: impl Fn(&Answer) -> bool) -> Answer {
    let since = Instant::now();
    loop {
        let answer = server.get(place);
        if wanted(&answer) {
            return answer;
        }
        assert!(matches!(answer.status, 200 | 202), "{}", answer.body);
        assert!(since.elapsed() < Duration::from_secs(300));
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[track_caller]
fn done(server: &Server, place: &str) -> Value {
    until(server, place, |answer| answer.status == 200).json()
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

#[test]
fn from_files_and_from_another_server() {
    let bank = TestBank::new();
    let patients = std::fs::read(sample("fhir/Patient.ndjson.gz")).expect("patients");
    let wrong = b"{\"resourceType\":\"Condition\",\"id\":\"good\"}\n\
        {\"resourceType\":\"Condition\",\"id\":\"secret secret\"}\n\
        \n\
        not JSON, secret\n\
        {\"resourceType\":\"Condition\",\"id\":\"also-good\"}\n";
    let elsewhere = source(move |path| match path {
        "/data/Patient.ndjson?sig=secret" => Said::Body(patients.clone()),
        "/data/moved" => Said::Redirect("/data/conditions".to_owned()),
        "/data/conditions" => Said::Body(wrong.to_vec()),
        "/data/empty" => Said::Body(Vec::new()),
        _ => Said::Status(404),
    });
    let folder = sample("fhir").canonicalize().expect("a folder");
    allow(
        &bank,
        &[
            &format!("{elsewhere}/data/"),
            &format!("file://{}", folder.display()),
        ],
    );
    let server = bank.serve();
    let file = format!("file://{}/Practitioner.ndjson.gz", folder.display());
    let urls = [
        (
            "Patient",
            format!("{elsewhere}/data/Patient.ndjson?sig=secret"),
        ),
        ("Condition", format!("{elsewhere}/data/moved")),
        ("Practitioner", file.clone()),
        ("Encounter", format!("{elsewhere}/data/empty")),
        ("Encounter", format!("{elsewhere}/data/absent")),
    ];
    let inputs: Vec<(&str, &str)> = urls.iter().map(|(kind, url)| (*kind, &url[..])).collect();
    let place = place(&post(&server, &manifest(&inputs)));
    let answer = done(&server, &place);
    assert!(answer["transactionTime"].is_string());
    assert!(
        answer["request"]
            .as_str()
            .expect("a url")
            .ends_with("/fhir/$import")
    );
    let count = |kind: &str| bank.live(kind);
    let counts: Vec<u64> = answer["output"]
        .as_array()
        .expect("outputs")
        .iter()
        .map(|output| output["count"].as_u64().expect("a count"))
        .collect();
    assert_eq!(counts, [43, 2, count("Practitioner"), 0, 0]);
    assert!(counts[2] > 0);
    assert_eq!((count("Patient"), count("Condition")), (43, 2));
    for (output, (_, url)) in answer["output"]
        .as_array()
        .expect("outputs")
        .iter()
        .zip(&inputs)
    {
        assert_eq!(output["inputUrl"], *url);
    }
    let errors = answer["error"].as_array().expect("errors");
    assert_eq!(errors.len(), 2, "{answer}");
    let refused = outcomes(&server, &errors[0]);
    assert_eq!(errors[0]["inputUrl"], inputs[1].1);
    assert_eq!(
        refused.iter().map(rule).collect::<Vec<_>>(),
        ["fhir-id", "json-syntax"]
    );
    let shown = refused[0].to_string() + &refused[1].to_string();
    assert!(
        shown.contains("line 2") && shown.contains("line 4"),
        "{shown}"
    );
    assert!(!shown.contains("secret"), "{shown}");
    assert_eq!(rule(&outcomes(&server, &errors[1])[0]), "input-status");

    // What was refused is in quarantine, under the address without its secret part.
    let names: Vec<String> = bank
        .refused()
        .iter()
        .map(|row| row["name"].to_string())
        .collect();
    assert_eq!(names.len(), 2);
    assert!(
        names.iter().all(|name| name.contains("/data/moved")),
        "{names:?}"
    );
    // The inputs are gone, the rest is the requester's alone.
    let id = place.rsplit('/').next().expect("an id");
    let mut left: Vec<String> = std::fs::read_dir(home(&bank).join(id))
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    left.sort();
    assert_eq!(
        left,
        [
            "OperationOutcome.2.ndjson",
            "OperationOutcome.5.ndjson",
            "asked.json",
            "manifest.json"
        ]
    );
    use std::os::unix::fs::PermissionsExt;
    for name in ["", "asked.json", "OperationOutcome.2.ndjson"] {
        let mode = std::fs::metadata(home(&bank).join(id).join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{name}");
    }
    assert_eq!(server.get(&place.replace("status", "file")).status, 404);
    let asked = format!("{}/asked.json", place.replace("status", "file"));
    assert_eq!(server.get(&asked).status, 404);

    // Once more: the bank knows it all, and tells the same.
    let again = done(
        &server,
        &self::place(&post(&server, &manifest(&inputs[..3]))),
    );
    let same = |answer: &Value, number: usize| answer["output"][number].clone();
    for number in 0..3 {
        assert_eq!(same(&again, number), same(&answer, number));
    }
    assert_eq!(bank.versions("Patient"), 43);
    assert_eq!(server.send("DELETE", &place, &[], "").status, 202);
    assert_eq!(server.get(&place).status, 404);
    assert!(!home(&bank).join(id).exists());
    trail(
        &bank,
        &[
            "bulk_import",
            "bulk_import",
            "bulk_import_cancel",
            "bulk_import_file",
            "bulk_import_file",
        ],
    );
    drop(server);
    bank.kura(&["audit", "verify"]).ok();
}

/// The audit trail has these rows, and no address in any.
fn trail(bank: &TestBank, wanted: &[&str]) {
    let Some(python) = tool("KURA_PYTHON", "python3").filter(|_| bank.database.is_none()) else {
        return;
    };
    let script = "import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute(\"SELECT action, target, detail FROM audit WHERE action LIKE 'bulk_%' ORDER BY action\"): print(*row)";
    let since = Instant::now();
    loop {
        let output = Command::new(&python)
            .args(["-c", script])
            .arg(Path::new(&bank.path()).join("clinical/clinical.db"))
            .output()
            .expect("python runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let actions: Vec<&str> = text
            .lines()
            .filter_map(|line| line.split(' ').next())
            .collect();
        // Rows of reads are written in groups, a moment later.
        if actions == wanted {
            assert!(!text.contains("http") && !text.contains("secret"), "{text}");
            return;
        }
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(since.elapsed() < Duration::from_secs(30), "{text}{error}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Lines that are sent go to disk as they come, plain or compressed.
#[test]
fn lines_that_are_sent_along() {
    let bank = TestBank::new();
    set(&bank, "input_bytes = 68719476736", "input_bytes = 5000000");
    let server = bank.serve();
    let lines = String::from_utf8(many(2000)).expect("text");
    let begun = server.send(
        "POST",
        "/fhir/$import",
        &LINES,
        &(lines + "{\"resourceType\":\"Patient\"}\n"),
    );
    let answer = done(&server, &place(&begun));
    assert_eq!(answer["output"], json!([{ "count": 2000 }]));
    assert_eq!(answer["error"].as_array().map(Vec::len), Some(1));
    let refused = outcomes(&server, &answer["error"][0]);
    assert_eq!(
        refused[0]["issue"][0]["diagnostics"]
            .as_str()
            .map(|text| &text[..10]),
        Some("line 2001:")
    );
    assert_eq!(bank.live("Observation"), 2000);

    let empty = server.send("POST", "/fhir/$import", &LINES, "\n \n");
    assert_eq!(
        done(&server, &place(&empty))["output"],
        json!([{ "count": 0 }])
    );
    let other = server.send("POST", "/fhir/$import", &LINES, "patient,name\n1,secret\n");
    let answer = done(&server, &place(&other));
    let refused = outcomes(&server, &answer["error"][0]);
    assert_eq!(rule(&refused[0]), "input-format");
    assert!(!refused[0].to_string().contains("secret"));

    let large = server.send("POST", "/fhir/$import", &LINES, &"x".repeat(5_000_001));
    assert_eq!(large.status, 413, "{}", large.body);
    // It left nothing: three requests have a folder.
    assert_eq!(std::fs::read_dir(home(&bank)).expect("a folder").count(), 3);

    if tool("KURA_PYTHON", "python3").is_some() {
        // gzip, in chunks of unknown number.
        let script = "import sys, urllib.request, json, time
def parts():
    with open(sys.argv[2], 'rb') as file:
        while piece := file.read(1000): yield piece
headers = {'Prefer': 'respond-async', 'Content-Type': 'application/fhir+ndjson'}
request = urllib.request.Request(sys.argv[1] + '/fhir/$import', data=parts(), headers=headers, method='POST')
place = urllib.request.urlopen(request).headers['Content-Location']
while (answer := urllib.request.urlopen(place)).status == 202: time.sleep(.05)
print(json.load(answer)['output'][0]['count'])";
        let output = Command::new(tool("KURA_PYTHON", "python3").expect("python"))
            .args(["-c", script, &server.url()])
            .arg(sample("fhir/Patient.ndjson.gz"))
            .output()
            .expect("python runs");
        assert_eq!(
            String::from_utf8_lossy(&output.stdout).trim(),
            "43",
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// A server that is killed in the middle of reading goes on after its last commit.
#[test]
fn an_import_outlives_its_server() {
    let bank = TestBank::new();
    let server = bank.serve();
    let lines = String::from_utf8(many(60_000)).expect("text");
    let place = place(&server.send("POST", "/fhir/$import", &LINES, &lines));
    let half = until(&server, &place, |answer| {
        let said = progress(answer);
        answer.status == 200 || said.contains("resources written") && !said.starts_with("0 ")
    });
    assert_eq!(half.status, 202, "it was not killed in the middle");
    // As kill -9 does.
    drop(server);
    let before = bank.live("Observation");
    assert!(before > 0 && before < 60_000, "{before}");
    let server = bank.serve();
    let answer = done(&server, &place);
    assert_eq!(answer["output"], json!([{ "count": 60_000 }]));
    assert_eq!(answer["error"], json!([]));
    assert_eq!(bank.live("Observation"), 60_000);
    // Nothing was written twice.
    assert_eq!(bank.versions("Observation"), 60_000);
}

/// Killed while it fetches, it fetches what was not whole, and only that.
#[test]
fn an_import_that_is_killed_while_it_fetches() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let bank = TestBank::new();
    let asked = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let counted = asked.clone();
    let elsewhere = source(move |path| {
        let first = path == "/a";
        let times = counted[usize::from(!first)].fetch_add(1, Ordering::SeqCst);
        match (first, times) {
            (true, _) => Said::Body(many(10)),
            (false, 0) => Said::Slowly(many(3000), Duration::from_secs(1)),
            _ => Said::Body(many(3000)),
        }
    });
    allow(&bank, &[&elsewhere]);
    let server = bank.serve();
    let inputs = [format!("{elsewhere}/a"), format!("{elsewhere}/b")];
    let place = place(&post(
        &server,
        &manifest(&[("Observation", &inputs[0]), ("Observation", &inputs[1])]),
    ));
    let half = until(&server, &place, |answer| {
        answer.status == 200 || progress(answer) == "fetching input 2 of 2"
    });
    assert_eq!(half.status, 202, "it was not killed in the middle");
    drop(server);
    assert_eq!(bank.live("Observation"), 0);
    let server = bank.serve();
    let answer = done(&server, &place);
    assert_eq!(answer["output"][0]["count"], 10);
    assert_eq!(answer["output"][1]["count"], 3000);
    assert_eq!(asked[0].load(Ordering::SeqCst), 1, "the first was whole");
    assert_eq!(bank.live("Observation"), 3000);
}

/// Given up, it stops after its batch; what was written stays, and the next import runs.
#[test]
fn an_import_is_given_up() {
    let bank = TestBank::new();
    let elsewhere = source(|_| Said::Slowly(many(3000), Duration::from_millis(200)));
    allow(&bank, &[&elsewhere]);
    let server = bank.serve();
    let lines = String::from_utf8(many(60_000)).expect("text");
    let reading = place(&server.send("POST", "/fhir/$import", &LINES, &lines));
    until(&server, &reading, |answer| {
        let said = progress(answer);
        assert_eq!(
            answer.status, 202,
            "it was done before it could be given up"
        );
        said.contains("resources written") && !said.starts_with("0 ")
    });
    // While one reads, another fetches, and waits.
    let fetching = place(&post(
        &server,
        &manifest(&[("Observation", &format!("{elsewhere}/x"))]),
    ));
    for place in [&reading, &fetching] {
        assert_eq!(server.send("DELETE", place, &[], "").status, 202);
        assert_eq!(server.get(place).status, 404);
    }
    let since = Instant::now();
    while std::fs::read_dir(home(&bank)).expect("a folder").count() > 0 {
        assert!(since.elapsed() < Duration::from_secs(120));
        std::thread::sleep(Duration::from_millis(20));
    }
    let stayed = bank.live("Observation");
    assert!(stayed > 0 && stayed < 60_000, "{stayed}");
    let more = server.send(
        "POST",
        "/fhir/$import",
        &LINES,
        "{\"resourceType\":\"Patient\",\"id\":\"p\"}",
    );
    assert_eq!(
        done(&server, &place(&more))["output"],
        json!([{ "count": 1 }])
    );
}

/// Nothing is fetched that the configuration does not allow, and no answer repeats an address.
#[test]
fn where_nothing_is_fetched_from() {
    let bank = TestBank::new();
    let server = bank.serve();
    let secret = "http://127.0.0.1:1/secret";
    let refused = post(&server, &manifest(&[("Patient", secret)]));
    assert_eq!(refused.status, 403, "{}", refused.body);
    assert!(refused.body.contains("import.sources"), "{}", refused.body);
    assert!(refused.body.contains("input[0].url") && !refused.body.contains("secret"));
    assert!(!home(&bank).exists());
    drop(server);

    let inside = source(|_| panic!("asked, though nobody allowed it"));
    let other = inside.clone();
    let elsewhere = source(move |path| match path {
        "/ok/out" => Said::Redirect(format!("{other}/secret")),
        "/ok/up" => Said::Redirect("/secret".to_owned()),
        "/ok/file" => Said::Redirect("file:///etc/passwd".to_owned()),
        "/ok/round" => Said::Redirect("/ok/round".to_owned()),
        "/ok/short" => Said::Short(many(5)),
        "/ok/wrong" => Said::Status(503),
        "/ok/type" => Said::Body(many(5)),
        "/ok/large" => Said::Body(many(5000)),
        _ => Said::Status(403),
    });
    allow(&bank, &[&format!("{elsewhere}/ok/")]);
    set(&bank, "input_bytes = 68719476736", "input_bytes = 100000");
    let server = bank.serve();
    let near = elsewhere.replace("http://", "http://x@");
    for url in [
        &inside[..],
        &format!("{elsewhere}/secret"),
        &format!("{elsewhere}/ok/../secret"),
        &format!("{elsewhere}/ok/%2e%2e/secret"),
        &format!("{near}/ok/secret"),
        "file:///etc/passwd",
        "http://169.254.169.254/latest/secret",
    ] {
        let refused = post(&server, &manifest(&[("Patient", url)]));
        assert_eq!(refused.status, 403, "{url}: {}", refused.body);
        assert!(!refused.body.contains(url), "{}", refused.body);
    }
    let ways = [
        ("out", "input-redirect"),
        ("up", "input-redirect"),
        ("file", "input-redirect"),
        ("round", "input-redirect"),
        ("short", "input-broken-off"),
        ("wrong", "input-status"),
        ("type", "input-type"),
        ("large", "input-size"),
    ];
    let urls: Vec<String> = ways
        .iter()
        .map(|(way, _)| format!("{elsewhere}/ok/{way}"))
        .collect();
    let inputs: Vec<(&str, &str)> = urls.iter().map(|url| ("Patient", &url[..])).collect();
    let answer = done(&server, &place(&post(&server, &manifest(&inputs))));
    let errors = answer["error"].as_array().expect("errors");
    assert_eq!(errors.len(), ways.len(), "{answer}");
    for (error, (way, wanted)) in errors.iter().zip(ways) {
        let told = &outcomes(&server, error)[0];
        assert_eq!(rule(told), wanted, "{way}: {told}");
        assert!(!told.to_string().contains("secret"), "{told}");
    }
    assert_eq!(bank.live("Observation") + bank.live("Patient"), 0);
}

#[test]
fn requests_that_are_none() {
    let bank = TestBank::new();
    let server = bank.serve();
    let sound = manifest(&[("Patient", "https://x.example/p")]);
    let plain = [("Content-Type", "application/fhir+json")];
    let late = server.send("POST", "/fhir/$import", &plain, &sound);
    assert_eq!(late.status, 400, "{}", late.body);
    let text = [("Prefer", "respond-async"), ("Content-Type", "text/plain")];
    assert_eq!(
        server.send("POST", "/fhir/$import", &text, &sound).status,
        415
    );
    for body in [
        "",
        "{}",
        "{\"resourceType\":\"Patient\"}",
        &sound.replace("fhir+ndjson", "csv"),
        &sound.replace("valueCode\":\"Patient", "valueCode\":\"Nothing"),
        &sound.replace("\"https\"", "\"aws-s3\""),
        &sound.replace("inputSource", "exportUrl"),
    ] {
        let refused = post(&server, body);
        assert_eq!(refused.status, 400, "{body}: {}", refused.body);
        assert_eq!(refused.json()["resourceType"], "OperationOutcome");
    }
    assert_eq!(server.get("/fhir/$import-status/0").status, 404);
    let operations = server.get("/fhir/metadata").json();
    let operations = operations["rest"][0]["operation"]
        .as_array()
        .expect("operations");
    assert!(
        operations
            .iter()
            .any(|operation| operation["name"] == "import")
    );
    // A prefix that is none is an error of the configuration.
    drop(server);
    allow(&bank, &["http://elsewhere.example/"]);
    let run = bank.kura(&["status"]);
    assert_ne!(run.code, 0);
    assert!(run.err.contains("import.sources[0]"), "{}", run.err);
}

/// Bringing in is a data manager's or an administrator's, and a request is of who began it.
#[test]
fn who_may_import() {
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
    let line = "{\"resourceType\":\"Patient\",\"id\":\"p\"}\n";
    let ask = |name: &str, method: &str, path: &str| {
        let who = crate::access::basic(&format!("{name}:{word}"));
        let mut headers = LINES.to_vec();
        headers.push(("Authorization", who.as_str()));
        server.send(
            method,
            path,
            &headers,
            if method == "POST" { line } else { "" },
        )
    };
    assert_eq!(
        server.send("POST", "/fhir/$import", &LINES, line).status,
        401
    );
    for name in ["taro", "ken"] {
        assert_eq!(ask(name, "POST", "/fhir/$import").status, 403);
    }
    let place = place(&ask("hana", "POST", "/fhir/$import"));
    assert_eq!(ask("jiro", "GET", &place).status, 404);
    assert_eq!(ask("jiro", "DELETE", &place).status, 404);
    let since = Instant::now();
    let answer = loop {
        let answer = ask("hana", "GET", &place);
        if answer.status == 200 {
            break answer;
        }
        assert_eq!(answer.status, 202, "{}", answer.body);
        assert!(since.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(answer.json()["output"][0]["count"], 1);
    assert_eq!(answer.json()["requiresAccessToken"], true);
}

/// A source of TLS is taken by the roots of the system, and by no other.
#[test]
fn certificates_are_checked() {
    let (Some(python), Some(openssl)) = (
        tool("KURA_PYTHON", "python3"),
        tool("KURA_OPENSSL", "openssl"),
    ) else {
        return;
    };
    let bank = TestBank::new();
    let folder = bank.folder.path().join("tls");
    std::fs::create_dir(&folder).expect("a folder");
    let run = |arguments: &[&str]| {
        let output = Command::new(&openssl)
            .args(arguments)
            .current_dir(&folder)
            .output()
            .expect("openssl runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let key = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ];
    run(&[
        &[
            "req", "-x509", "-subj", "/CN=root", "-keyout", "root.key", "-out", "root.pem",
        ],
        &key[..],
    ]
    .concat());
    run(&[
        &[
            "req",
            "-subj",
            "/CN=source",
            "-keyout",
            "source.key",
            "-out",
            "source.csr",
        ],
        &key[..],
    ]
    .concat());
    std::fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1\n").expect("a file");
    run(&[
        "x509",
        "-req",
        "-in",
        "source.csr",
        "-CA",
        "root.pem",
        "-CAkey",
        "root.key",
        "-CAcreateserial",
        "-extfile",
        "names",
        "-out",
        "source.pem",
    ]);
    std::fs::write(
        folder.join("p.ndjson"),
        "{\"resourceType\":\"Patient\",\"id\":\"p\"}\n",
    )
    .expect("a file");
    let script = "import http.server, ssl
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('source.pem', 'source.key')
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()";
    let mut source = Command::new(python)
        .args(["-c", script])
        .current_dir(&folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("python runs");
    let mut port = String::new();
    BufReader::new(source.stdout.take().expect("standard output"))
        .read_line(&mut port)
        .expect("a port");
    let url = format!("https://127.0.0.1:{}/p.ndjson", port.trim());
    allow(&bank, &[&url]);
    let import = |bank: &TestBank, roots: &Path| {
        let server = bank.serve_as(&[], &[("SSL_CERT_FILE", roots)]);
        done(
            &server,
            &place(&post(&server, &manifest(&[("Patient", &url)]))),
        )
    };
    // Other roots: one that did not sign this.
    run(&[
        &[
            "req",
            "-x509",
            "-subj",
            "/CN=other",
            "-keyout",
            "other.key",
            "-out",
            "other.pem",
        ],
        &key[..],
    ]
    .concat());
    let refused = import(&bank, &folder.join("other.pem"));
    let taken = import(&bank, &folder.join("root.pem"));
    let _ = source.kill();
    let _ = source.wait();
    assert_eq!(refused["output"][0]["count"], 0, "{refused}");
    assert_eq!(refused["error"][0]["count"], 1, "{refused}");
    assert_eq!(taken["output"][0]["count"], 1, "{taken}");
    assert_eq!(bank.live("Patient"), 1);
}
