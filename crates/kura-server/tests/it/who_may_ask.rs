//! Every address × every role × one's own patient and another's: the answers are held against a
//! table that was agreed on (`who-may-ask.txt`). An address without a row fails the test, and so
//! does an answer of one's own that names the other patient.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kura_model::{Role, Standing};
use kura_service::{Bank, accounts, fhir_read, fhir_write, import};
use serde_json::{Value, json};

use crate::{Answer, ask, bank, get, operator};

const PASSWORD: &str = "correct horse battery";

/// What is asked about: a patient, and what belongs to them.
struct Subject {
    patient: String,
    observation: String,
    imaging_study: String,
    study: String,
    series: String,
    object: String,
}

/// The hospital's patient numbers of two who have images.
const NUMBERS: [&str; 2] = ["POP-000016", "POP-000048"];

fn filled(folder: &Path) -> (Arc<Bank>, SocketAddr, [Subject; 2]) {
    let bank = bank(folder);
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/hospital");
    let (inputs, stop) = (
        [samples.join("fhir"), samples.join("dicom")],
        AtomicBool::new(false),
    );
    import::import(&bank, &operator(), &inputs, &import::Quiet, &stop).unwrap();
    // A second opening of the same bank: what the test itself does.
    let mine = Arc::new(Bank::open(bank.folder()).unwrap());
    let address = crate::serve(bank);
    let subjects = NUMBERS.map(|number| {
        let found = get(address, &format!("/fhir/Patient?identifier={number}"), "");
        let patient = first(&found)["id"].as_str().unwrap().to_owned();
        let found = get(
            address,
            &format!("/dicom-web/instances?PatientID={number}&includefield=0020000D"),
            "",
        );
        let objects: Value = serde_json::from_str(&found.body).unwrap();
        let uid = |tag: &str| objects[0][tag]["Value"][0].as_str().unwrap().to_owned();
        let study = uid("0020000D");
        let found = get(
            address,
            &format!("/fhir/ImagingStudy?identifier=urn:oid:{study}"),
            "",
        );
        Subject {
            observation: format!("of-{patient}"),
            imaging_study: first(&found)["id"].as_str().unwrap().to_owned(),
            series: uid("0020000E"),
            object: uid("00080018"),
            patient,
            study,
        }
    });
    // The doctor treats the first of them, and the second is treated by others only.
    put(
        &mine,
        &json!({
            "resourceType": "Practitioner", "id": "the-doctor", "active": true,
        }),
    );
    put(
        &mine,
        &json!({
            "resourceType": "Encounter", "id": "today", "status": "in-progress",
            "class": { "code": "AMB" },
            "subject": { "reference": format!("Patient/{}", subjects[0].patient) },
            "participant": [{ "individual": { "reference": "Practitioner/the-doctor" } }],
        }),
    );
    (mine, address, subjects)
}

fn first(answer: &Answer) -> Value {
    let bundle: Value = serde_json::from_str(&answer.body).unwrap();
    bundle["entry"][0]["resource"].clone()
}

fn put(bank: &Bank, resource: &Value) {
    let text = |name: &str| resource[name].as_str().unwrap().to_owned();
    fhir_write::update(
        bank,
        &operator(),
        &text("resourceType"),
        &text("id"),
        resource.to_string().as_bytes(),
        &fhir_write::Condition::default(),
    )
    .unwrap();
}

fn observation(subject: &Subject) -> Value {
    json!({
        "resourceType": "Observation", "id": subject.observation, "status": "final",
        "code": { "coding": [{ "system": "http://loinc.org", "code": "718-7" }] },
        "subject": { "reference": format!("Patient/{}", subject.patient) },
    })
}

const VIEW: &str = r#"{"resourceType":"ViewDefinition","resource":"Patient","status":"active","select":[{"column":[{"path":"id","name":"id"}]}]}"#;

/// The request that an address is asked with about a subject: path with its query, kind, body.
fn request(method: &str, address: &str, subject: &Subject) -> (String, &'static str, String) {
    let mut path = address.to_owned();
    // Nothing of the sample is taken away: what is not there is asked for instead.
    let gone = method == "DELETE" && address.starts_with("/dicom-web");
    let (study, series, object) = if gone {
        ("1.2.3", "1.2.3.4", "1.2.3.4.5")
    } else if address.starts_with("/images") || address.contains("processed") {
        (
            &subject.imaging_study[..],
            &subject.series[..],
            &subject.object[..],
        )
    } else {
        (&subject.study[..], &subject.series[..], &subject.object[..])
    };
    let id = match address {
        _ if address.starts_with("/patients") || address.contains("$everything") => {
            &subject.patient
        }
        _ if address.contains("{compartment}") => &subject.patient,
        _ if address.starts_with("/fhir/{type}") => &subject.observation,
        "/quarantine/{id}" => "1",
        _ => "none",
    };
    for (name, value) in [
        ("{compartment}", "Patient"),
        ("{whole}", "Patient"),
        ("{type}", "Observation"),
        ("{kind}", "Observation"),
        ("{record}", &subject.observation),
        ("{id}", id),
        (
            "/thumbnail/{study}",
            &format!("/thumbnail/{}", subject.study),
        ),
        ("{study}", study),
        ("{series}", series),
        ("{object}", object),
        ("{instance}", object),
        ("{frames}", "1"),
        ("{frame}", "1"),
        ("{policy}", "kamei"),
        ("{*place}", "7FE00010"),
        ("{version}", "1"),
        ("{name}", "none"),
        ("{folder}", "none"),
        ("{job}", "1"),
        ("{hash}", "none"),
        ("{seat}", "none"),
        ("{position}", "1"),
        ("{workitem}", "1.2.3"),
        ("{aetitle}", "NOBODY"),
    ] {
        path = path.replace(name, value);
    }
    assert!(!path.contains('{'), "{address} has a part without a value");
    let reference = format!("Patient/{}", subject.patient);
    let plain = "application/x-www-form-urlencoded";
    let (kind, body) = match (method, address) {
        ("POST", "/fhir/{type}") | ("PUT", _) | ("POST", "/fhir/{type}/$validate")
            if address.starts_with("/fhir") =>
        {
            ("application/fhir+json", observation(subject).to_string())
        }
        ("PATCH", _) => (
            "application/json-patch+json",
            json!([{ "op": "add", "path": "/note", "value": [{ "text": "x" }] }]).to_string(),
        ),
        ("POST", "/fhir" | "/fhir/") => (
            "application/fhir+json",
            json!({ "resourceType": "Bundle", "type": "transaction", "entry": [{
                "request": { "method": "GET", "url": reference },
            }]})
            .to_string(),
        ),
        ("POST", "/fhir/{type}/_search") => (plain, format!("subject={reference}")),
        ("POST", "/patients") => (plain, "q=POP".to_owned()),
        ("POST", "/images") => (plain, format!("patient={}", subject.patient)),
        ("POST", _) if address.contains("iewdefinition") || address.contains("ViewDefinition") => (
            "application/fhir+json",
            json!({ "resourceType": "Parameters", "parameter": [{
                "name": if address.contains("xport") { "view" } else { "viewResource" },
                "part": [{ "name": "viewResource", "resource": VIEW.parse::<Value>().unwrap() }],
                "resource": VIEW.parse::<Value>().unwrap(),
            }]})
            .to_string(),
        ),
        ("POST", "/worklist") => (
            plain,
            "task=none&version=1&decision=accept&note=".to_owned(),
        ),
        ("POST", "/dicom-web/studies" | "/dicom-web/studies/{study}") => (
            "multipart/related; type=\"application/dicom\"; boundary=x",
            "--x\r\nContent-Type: application/dicom\r\n\r\nnothing\r\n--x--\r\n".to_owned(),
        ),
        ("POST", _) if address.starts_with("/fhir") && !address.contains("_search") => {
            ("application/fhir+json", "{}".to_owned())
        }
        ("POST", _) if address.starts_with("/dicom-web") => {
            ("application/dicom+json", "[{}]".to_owned())
        }
        ("PUT", _) => ("application/dicom+json", "{}".to_owned()),
        ("POST", _) => (plain, String::new()),
        _ => (plain, String::new()),
    };
    match (method, address) {
        ("PUT" | "PATCH" | "DELETE", "/fhir/{type}") => {
            let _ = write!(path, "?_id={}", subject.observation);
        }
        ("GET", "/fhir/{type}") => {
            let _ = write!(path, "?subject={reference}");
        }
        ("GET", "/dicom-web/studies" | "/dicom-web/series" | "/dicom-web/instances") => {
            let _ = write!(path, "?StudyInstanceUID={}", subject.study);
        }
        ("GET", "/dicom-web/wado") => {
            let _ = write!(
                path,
                "?requestType=WADO&studyUID={}&seriesUID={}&objectUID={}",
                subject.study, subject.series, subject.object
            );
        }
        ("POST", "/dicom-web/workitems") => path.push_str("?1.2.3"),
        _ => {}
    }
    (path, kind, body)
}

/// Signed in as each role; the doctor and the patient are somebody in the records.
fn enter(bank: &Bank, address: SocketAddr, own: &Subject) -> Vec<(Role, String)> {
    Role::ALL
        .into_iter()
        .map(|role| {
            let standing = match role {
                Role::Doctor => Standing {
                    practitioner: Some("the-doctor".to_owned()),
                    ..Standing::default()
                },
                Role::Patient => Standing {
                    patient: Some(own.patient.clone()),
                    ..Standing::default()
                },
                _ => Standing::default(),
            };
            let name = format!("a-{role}");
            accounts::user_add(bank, &operator(), &name, &[role], &standing, PASSWORD).unwrap();
            (role, name)
        })
        .collect::<Vec<_>>()
        .into_iter()
        .map(|(role, name)| {
            let body = format!("name={name}&password=correct+horse+battery");
            let answer = loop {
                // The server asks once a second whether there are accounts.
                let answer = ask(address, "POST", "/sign-in", "", &body);
                if answer.status == 303 {
                    break answer;
                }
            };
            let from = answer.raw.find("kura_session=").unwrap();
            let cookie: String = answer.raw[from..]
                .chars()
                .take_while(|letter| *letter != ';')
                .collect();
            (role, format!("Cookie: {cookie}; kura_lang=en\r\n"))
        })
        .collect()
}

#[test]
fn who_may_ask_for_what() {
    let folder = tempfile::tempdir().unwrap();
    let (bank, address, [own, other]) = filled(folder.path());
    let people = enter(&bank, address, &own);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    for subject in [&own, &other] {
        put(&bank, &observation(subject));
    }
    let mut table = String::new();
    let mut leaks = Vec::new();
    for (method, path) in kura_server::addresses() {
        // Signing out would end what the test asks with.
        if path == "/sign-out" || path == "/sign-in/second" {
            continue;
        }
        let mut answers: BTreeMap<(u16, u16), Vec<&str>> = BTreeMap::new();
        let nobody = get_status(address, &method, &path, &own, "");
        for (role, cookie) in &people {
            let mut statuses = [0; 2];
            for (number, subject) in [&own, &other].into_iter().enumerate() {
                if method != "GET" && path.starts_with("/fhir") {
                    put(&bank, &observation(subject));
                }
                let before = version(&bank, &other);
                let answer = send(address, &method, &path, subject, cookie);
                statuses[number] = match answer.status {
                    // How many are under way is a matter of speed.
                    429 => 202,
                    // Whether text in pictures can be found is a matter of the machine.
                    400 if path.contains("processed") => 200,
                    status => status,
                };
                let limited = matches!(role, Role::Doctor | Role::Patient);
                assert!(
                    !limited || version(&bank, &other) == before,
                    "{method} {path} as {role} changed another's record"
                );
                let names_other = [&other.patient, &other.study, &other.imaging_study]
                    .into_iter()
                    .any(|id| answer.body.contains(id.as_str()));
                if limited && number == 0 && names_other {
                    leaks.push(format!("{method} {path} as {role}"));
                }
            }
            answers
                .entry((statuses[0], statuses[1]))
                .or_default()
                .push(role.as_str());
        }
        let _ = writeln!(table, "{method} {path}");
        let _ = writeln!(table, "  {nobody} nobody");
        for ((mine, others), roles) in answers {
            let _ = writeln!(table, "  {mine}/{others} {}", roles.join(" "));
        }
    }
    assert!(leaks.is_empty(), "another's records in: {leaks:#?}");
    let golden = include_str!("who-may-ask.txt");
    if table != golden {
        let file = std::env::temp_dir().join("who-may-ask.txt");
        std::fs::write(&file, &table).unwrap();
        let differ: Vec<_> = table
            .lines()
            .zip(golden.lines())
            .filter(|(one, two)| one != two)
            .take(20)
            .collect();
        panic!(
            "what is answered is not what was agreed on; it is in {}: {differ:#?}",
            file.display()
        );
    }
}

/// The newest version of the subject's observation.
fn version(bank: &Bank, subject: &Subject) -> u64 {
    fhir_read::read(bank, &operator(), "Observation", &subject.observation)
        .map_or(0, |answer| answer.version)
}

fn send(address: SocketAddr, method: &str, path: &str, subject: &Subject, cookie: &str) -> Answer {
    let (path, kind, body) = request(method, path, subject);
    let later = ["$export", "$import", "-export"];
    let prefer = match later.iter().any(|name| path.ends_with(name)) {
        true => "Prefer: respond-async\r\n",
        false => "",
    };
    let headers = format!("{cookie}{prefer}Content-Type: {kind}\r\n");
    ask(address, method, &path, &headers, &body)
}

fn get_status(
    address: SocketAddr,
    method: &str,
    path: &str,
    subject: &Subject,
    cookie: &str,
) -> u16 {
    send(address, method, path, subject, cookie).status
}
