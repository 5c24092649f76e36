//! DICOMweb against a running bank: what clients write there, and what they are told.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use crate::access::{add, basic};
use crate::dataset::python;
use crate::support::{Answer, Server, TestBank, repository, sample, tool};

#[test]
fn dicomweb_client_stores() {
    if tool("KURA_PYTHON", "python3").is_none() {
        return;
    }
    let bank = TestBank::new();
    bank.import(&[&sample("fhir")], 0);
    let server = bank.serve();
    python("stow.py", &[Path::new(&server.url()), &sample("dicom")]);
    assert_eq!(bank.live("PendingStudy"), 0);
    // No object has a second version.
    assert_eq!(bank.versions("DicomInstance"), bank.live("DicomInstance"));
    let mut rules: Vec<String> = bank
        .refused()
        .iter()
        .map(|item| item["rule"].as_str().unwrap_or_default().to_owned())
        .collect();
    rules.sort();
    assert_eq!(
        rules,
        [
            "dicom-announced",
            "dicom-duplicate-uid",
            "dicom-file-meta",
            "dicom-file-meta",
            "dicom-length",
            "dicom-study"
        ]
    );
    bank.kura(&["audit", "verify"]).ok();
}

/// Who may store is who may import.
#[test]
fn storing_is_a_right() {
    let bank = TestBank::new();
    assert_eq!(add(&bank, "sato", "doctor", "correct horse battery"), 0);
    assert_eq!(
        add(&bank, "kato", "data-manager", "another long password"),
        0
    );
    let server = bank.serve();
    let file = std::fs::read(sample("dicom/01-ct-abdomen.dcm")).unwrap();
    let store = |who: Option<&str>| {
        let mut request = format!(
            "POST /dicom-web/studies HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/dicom\r\nContent-Length: {}\r\n",
            server.address,
            file.len()
        );
        if let Some(who) = who {
            request += &format!("Authorization: {}\r\n", basic(who));
        }
        let mut request = (request + "\r\n").into_bytes();
        request.extend(&file);
        server.raw(&request).status
    };
    assert_eq!(store(None), 401);
    assert_eq!(store(Some("sato:correct horse battery")), 403);
    assert_eq!(bank.live("DicomInstance"), 0);
    assert_eq!(store(Some("kato:another long password")), 200);
    assert_eq!(bank.live("DicomInstance"), 1);
}

#[test]
fn frames_and_bulk_data_are_those_of_the_file() {
    if tool("KURA_PYTHON", "python3").is_none() {
        return;
    }
    let Some(foreign) = std::env::var_os("KURA_PYDICOM_FILES") else {
        eprintln!("SKIPPED: KURA_PYDICOM_FILES is not set; run make test");
        return;
    };
    let bank = TestBank::new();
    let server = bank.serve();
    python(
        "frames.py",
        &[
            Path::new(&server.url()),
            &sample("dicom"),
            Path::new(&foreign),
        ],
    );
}

#[test]
fn wado_uri_and_deletion() {
    if tool("KURA_PYTHON", "python3").is_none() {
        return;
    }
    let bank = TestBank::new();
    bank.import(&[&sample("fhir/Patient.ndjson.gz")], 0);
    let server = bank.serve();
    python(
        "wado_uri_delete.py",
        &[Path::new(&server.url()), &sample("dicom")],
    );
    drop(server);
    assert_eq!(bank.live("DicomInstance"), 1);
    // Nothing that was is lost: four objects, four deletions, two that came back, one of them
    // deleted again.
    assert_eq!(bank.versions("DicomInstance"), 4 + 5 + 2);
    bank.kura(&["audit", "verify"]).ok();
    // A modality that sends it again gets it back as well: what it is told is true.
    let Some(storescu) = tool("KURA_STORESCU", "storescu") else {
        return;
    };
    let server = bank.serve_with(&["--dicom-port", "0"]);
    let study = server.get("/dicom-web/studies").json()[0]["0020000D"]["Value"][0]
        .as_str()
        .unwrap()
        .to_owned();
    let send = || {
        std::process::Command::new(&storescu)
            .args(["-aec", "KURA", "-R", "127.0.0.1"])
            .arg(server.dicom.unwrap().to_string())
            .arg(sample("dicom/01-ct-abdomen.dcm"))
            .status()
            .unwrap()
    };
    for _ in 0..2 {
        let path = format!("/dicom-web/studies/{study}");
        assert_eq!(server.send("DELETE", &path, &[], "").status, 204);
        assert_eq!(bank.live("DicomInstance"), 0);
        assert!(send().success());
        assert_eq!(bank.live("DicomInstance"), 1);
    }
}

/// Who may delete is who may write records for care.
#[test]
fn deleting_is_a_right() {
    let bank = TestBank::new();
    bank.import(&[&sample("dicom/01-ct-abdomen.dcm")], 0);
    let study = {
        let server = bank.serve();
        let found = server.get("/dicom-web/studies").json();
        found[0]["0020000D"]["Value"][0]
            .as_str()
            .unwrap()
            .to_owned()
    };
    for (name, role) in [
        ("a", "administrator"),
        ("r", "researcher"),
        ("o", "doctor"),
        ("d", "data-manager"),
    ] {
        assert_eq!(add(&bank, name, role, "correct horse battery"), 0);
    }
    let server = bank.serve();
    let delete = |who: &str| {
        let who = basic(&format!("{who}:correct horse battery"));
        let path = format!("/dicom-web/studies/{study}");
        server
            .send("DELETE", &path, &[("Authorization", &who)], "")
            .status
    };
    assert_eq!(delete("a"), 403);
    assert_eq!(delete("r"), 403);
    assert_eq!(delete("o"), 403, "a doctor takes no archive apart");
    assert_eq!(bank.live("DicomInstance"), 1);
    assert_eq!(delete("d"), 204);
    assert_eq!(bank.live("DicomInstance"), 0);
    bank.kura(&["audit", "verify"]).ok();
}

/// What the bank says of itself is what it serves.
#[test]
fn the_conformance_page_lists_what_answers() {
    let bank = TestBank::new();
    let server = bank.serve();
    let accept = |kind| server.send("GET", "/dicom-web/conformance", &[("Accept", kind)], "");
    let told = accept("application/json").json();
    let mut count = 0;
    for transaction in told["transactions"].as_array().unwrap() {
        for address in transaction["addresses"].as_array().unwrap() {
            let text = |key: &str| address[key].as_str().unwrap();
            let path: String = text("path")
                .split('/')
                .map(|part| if part.starts_with('{') { "1" } else { part })
                .collect::<Vec<_>>()
                .join("/");
            let answer = server.send(text("method"), &format!("/dicom-web{path}"), &[], "");
            assert_ne!(answer.status, 405, "{path}");
            assert!(
                !answer.body.contains("nothing under this address"),
                "{path}"
            );
            count += 1;
        }
    }
    assert!(count > 30, "{count}");
    let wadl = accept("application/vnd.sun.wadl+xml").body;
    assert_eq!(wadl.matches("<resource ").count(), count);
    for path in ["/dicom-web", "/dicom-web/"] {
        let headers = [("Accept", "application/json")];
        let options = server.send("OPTIONS", path, &headers, "");
        assert_eq!(options.status, 200, "{path}");
        assert_eq!(options.json()["transactions"], told["transactions"]);
    }
    let page = |lang| {
        server.get(&format!(
            "/dicom-web/conformance?lang={lang}&accept=text/html"
        ))
    };
    assert!(page("ja").body.contains("扱わないもの"));
    let page = page("en").body;
    assert!(page.contains("Not supported") && page.contains("/dicom-web/conformance?lang=ja"));
    // A method that is not listed is told so.
    let answer = server.send("PUT", "/dicom-web/studies", &[], "");
    assert_eq!(answer.status, 405);
}

#[test]
fn workitems_live_and_end() {
    if tool("KURA_PYTHON", "python3").is_none() {
        return;
    }
    let bank = TestBank::new();
    let server = bank.serve();
    python("ups.py", &[Path::new(&server.url())]);
    drop(server);
    assert_eq!(bank.live("Workitem"), 6);
    bank.kura(&["audit", "verify"]).ok();
}

/// Names are found however they are spelled.
#[test]
fn people_are_found_by_other_spellings() {
    if tool("KURA_PYTHON", "python3").is_none() {
        return;
    }
    let bank = TestBank::new();
    let server = bank.serve();
    python("names.py", &[Path::new(&server.url()), &sample("dicom")]);
}

/// Metadata and bulk data in parts of their own.
#[test]
fn pieces_are_put_together() {
    if tool("KURA_PYTHON", "python3").is_none() {
        return;
    }
    let Some(foreign) = std::env::var_os("KURA_PYDICOM_FILES") else {
        eprintln!("SKIPPED: KURA_PYDICOM_FILES is not set; run make test");
        return;
    };
    let bank = TestBank::new();
    let server = bank.serve();
    let url = server.url();
    let folders = [&sample("dicom"), Path::new(&foreign)];
    python("pieces.py", &[Path::new(&url), folders[0], folders[1]]);
    let mut rules: Vec<String> = bank
        .refused()
        .iter()
        .map(|item| item["rule"].as_str().unwrap_or_default().to_owned())
        .collect();
    rules.sort();
    assert_eq!(
        rules,
        [
            "dicom-bulk-none",
            "dicom-bulk-syntax",
            "dicom-json",
            "dicom-json",
            "dicom-study",
            "dicom-uid",
            "xml-element"
        ]
    );
    assert_eq!(bank.live("PendingStudy"), 0);
    // Nothing is left where the parts lay.
    let spool = bank.folder.path().join("bank/clinical/spool");
    assert_eq!(std::fs::read_dir(spool).unwrap().count(), 0);
}

/// Every file of pydicom's tests, sound or broken, by every way in: it is stored, or refused by a
/// rule that is named, and the server goes on.
#[test]
fn no_foreign_file_stops_the_server() {
    if tool("KURA_PYTHON", "python3").is_none() || tool("KURA_STORESCU", "storescu").is_none() {
        return;
    }
    let Some(foreign) = std::env::var_os("KURA_PYDICOM_FILES") else {
        eprintln!("SKIPPED: KURA_PYDICOM_FILES is not set; run make test");
        return;
    };
    let bank = TestBank::new();
    let server = bank.serve_as(
        &["--dicom-port", "0"],
        &[("KURA_LOG__LEVEL", Path::new("debug"))],
    );
    let port = server.dicom.expect("a DICOM port").to_string();
    let values = bank.folder.path().join("values");
    python(
        "hostile_objects.py",
        &[
            Path::new(&server.url()),
            Path::new(&port),
            Path::new(&foreign),
            &values,
        ],
    );
    assert_eq!(server.get("/dicom-web/conformance").status, 200);
    drop(server);
    for item in bank.refused() {
        assert!(
            item["rule"].as_str().is_some_and(|rule| rule.contains('-')),
            "{item}"
        );
    }
    // Names and numbers of the people in these files.
    let log = bank.log();
    let values = std::fs::read_to_string(values).unwrap();
    assert!(values.lines().count() > 20, "{values}");
    for value in values.lines() {
        assert!(!log.contains(value), "{value} is in the log");
    }
    bank.kura(&["audit", "verify"]).ok();
}

/// What is fetched is converted as its originals are.
#[test]
fn dcm2niix_converts_what_is_fetched() {
    if tool("KURA_PYTHON", "python3").is_none() {
        return;
    }
    let bank = TestBank::new();
    let head = repository().join("samples/head/dicom.zip");
    bank.import(&[&head], 0);
    let server = bank.serve();
    python(
        "series_to_nifti.py",
        &[
            Path::new(&server.url()),
            &head,
            &sample("dicom/01-ct-abdomen.dcm"),
        ],
    );
}

/// A page of another origin reads what the configuration lets it read, and nothing else.
#[test]
fn pages_of_other_origins() {
    const VIEWER: &str = "http://viewer.example:3000";
    let bank = TestBank::sample();
    let ask = |server: &Server, method: &str, path: &str, headers: &[(&str, &str)]| {
        server.send(method, path, headers, "")
    };
    let allowed = |answer: &Answer| answer.header("access-control-allow-origin");
    // Nobody, unless it is said.
    let server = bank.serve();
    let answer = ask(&server, "GET", "/dicom-web/studies", &[("Origin", VIEWER)]);
    assert_eq!((answer.status, allowed(&answer)), (200, None));
    assert_eq!(answer.header("vary"), None);
    drop(server);

    let origins = format!("['{VIEWER}']");
    let read_only: &[(&str, &Path)] = &[("KURA_DICOMWEB__ORIGINS", Path::new(&origins))];
    let server = bank.serve_as(&[], read_only);
    let preflight = |server: &Server, origin: &str, path: &str, method: &str| {
        let headers = [
            ("Origin", origin),
            ("Access-Control-Request-Method", method),
            ("Access-Control-Request-Headers", "authorization"),
        ];
        ask(server, "OPTIONS", path, &headers)
    };
    let answer = ask(&server, "GET", "/dicom-web/studies", &[("Origin", VIEWER)]);
    assert_eq!(answer.status, 200);
    for (name, value) in [
        ("access-control-allow-origin", VIEWER),
        ("access-control-allow-credentials", "true"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("vary", "Origin"),
    ] {
        assert_eq!(answer.header(name).as_deref(), Some(value), "{name}");
    }
    let exposed = answer.header("access-control-expose-headers").unwrap();
    assert!(exposed.contains("Warning") && exposed.contains("Content-Location"));
    let answer = preflight(&server, VIEWER, "/dicom-web/studies", "GET");
    assert_eq!(answer.status, 204);
    assert_eq!(allowed(&answer).as_deref(), Some(VIEWER));
    let methods = answer.header("access-control-allow-methods").unwrap();
    assert_eq!(methods, "GET, HEAD");
    assert!(
        answer
            .header("access-control-allow-headers")
            .unwrap()
            .contains("Authorization")
    );
    // A refusal is read by the page as well.
    let answer = ask(&server, "GET", "/dicom-web/nothing", &[("Origin", VIEWER)]);
    assert_eq!((answer.status, allowed(&answer).is_some()), (404, true));
    // It may not write; nor is it let in anywhere else; nor is anybody else.
    for method in ["POST", "DELETE"] {
        let path = "/dicom-web/studies/1.2";
        assert_eq!(
            ask(&server, method, path, &[("Origin", VIEWER)]).status,
            403
        );
    }
    for (origin, path) in [
        (VIEWER, "/fhir/Patient"),
        (VIEWER, "/"),
        (VIEWER, "/dicom-webs"),
        ("http://viewer.example", "/dicom-web/studies"),
        ("https://viewer.example:3000", "/dicom-web/studies"),
        (
            "http://viewer.example:3000.evil.example",
            "/dicom-web/studies",
        ),
        ("null", "/dicom-web/studies"),
    ] {
        let answer = ask(&server, "GET", path, &[("Origin", origin)]);
        assert_eq!(allowed(&answer), None, "{origin} {path}");
        assert_eq!(
            answer.header("cross-origin-resource-policy").as_deref(),
            Some("same-origin")
        );
        let answer = preflight(&server, origin, path, "GET");
        assert_eq!((answer.status, allowed(&answer)), (403, None), "{origin}");
    }
    drop(server);

    // Who has to sign in is told so before and after: the question itself needs nobody.
    assert_eq!(
        add(&bank, "sato", "data-manager", "correct horse battery"),
        0
    );
    let writing: &[(&str, &Path)] = &[
        ("KURA_DICOMWEB__ORIGINS", Path::new(&origins)),
        ("KURA_DICOMWEB__ORIGINS_MAY_WRITE", Path::new("true")),
    ];
    let server = bank.serve_as(&[], writing);
    let answer = preflight(&server, VIEWER, "/dicom-web/studies/1.2", "DELETE");
    assert_eq!(answer.status, 204);
    let methods = answer.header("access-control-allow-methods").unwrap();
    assert!(methods.contains("DELETE"), "{methods}");
    let answer = ask(&server, "GET", "/dicom-web/studies", &[("Origin", VIEWER)]);
    assert_eq!((answer.status, allowed(&answer).is_some()), (401, true));
    let signed_in = basic("sato:correct horse battery");
    let headers = [("Origin", VIEWER), ("Authorization", &signed_in[..])];
    let answer = ask(&server, "DELETE", "/dicom-web/studies/1.2", &headers);
    assert_eq!(answer.status, 404);
    let foreign = [
        ("Origin", "http://a.example"),
        ("Authorization", &signed_in[..]),
    ];
    let answer = ask(&server, "DELETE", "/dicom-web/studies/1.2", &foreign);
    assert_eq!(answer.status, 403);
    drop(server);

    // What names nobody is no configuration.
    for wrong in ["['*']", "['null']", "['https://viewer.example/']"] {
        let mut serve = bank.command(&["serve", "--listen", "127.0.0.1:0"]);
        serve.env("KURA_DICOMWEB__ORIGINS", wrong);
        let output = serve.output().expect("kura runs");
        assert!(!output.status.success(), "{wrong}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("dicomweb.origins"));
    }
}

/// The same with a browser that enforces it.
#[test]
fn a_browser_fetches_from_another_origin() {
    let browser = repository().join("tests/browser");
    if tool("KURA_NODE", "node").is_none() || tool("CHROMIUM", "/usr/bin/chromium").is_none() {
        return;
    }
    if !browser.join("node_modules").exists() {
        assert!(std::env::var_os("KURA_TEST_TOOLS").is_none(), "npm ci");
        return;
    }
    let bank = TestBank::sample();
    assert_eq!(
        add(&bank, "sato", "data-manager", "correct horse battery"),
        0
    );
    // Where its page will be: a port that is free.
    let page = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let viewer = format!("http://{}", page.local_addr().expect("an address"));
    drop(page);
    let origins = format!("['{viewer}']");
    let server = bank.serve_as(&[], &[("KURA_DICOMWEB__ORIGINS", Path::new(&origins))]);
    let output = std::process::Command::new("node")
        .arg(browser.join("origins.mjs"))
        .args([&server.url(), &viewer, "sato:correct horse battery"])
        .output()
        .expect("node runs");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Images before their order, and where FHIR says that they are.
#[test]
fn orders_and_endpoints() {
    let bank = TestBank::new();
    bank.import(&[&sample("fhir/Patient.ndjson.gz")], 0);
    bank.import(&[&sample("dicom/01-ct-abdomen.dcm")], 0);
    let server = bank.serve();
    let study = |server: &Server| {
        let found = server.get("/fhir/ImagingStudy").json();
        found["entry"][0]["resource"].clone()
    };
    let before = study(&server);
    assert!(before.get("endpoint").is_none(), "no address is invented");
    assert!(before.get("basedOn").is_none(), "{before}");
    let patient = before["subject"]["reference"].as_str().unwrap();
    let number = before["identifier"][1]["value"].as_str().unwrap();
    let order = |id: &str, patient: &str, number: &str| {
        serde_json::json!({
            "resourceType": "ServiceRequest", "id": id, "status": "active", "intent": "order",
            "subject": { "reference": patient },
            "identifier": [{ "system": "urn:example:orders", "value": number }],
        })
    };
    let kind = [("Content-Type", "application/fhir+json")];
    let put = |order: &serde_json::Value| {
        let path = format!("/fhir/ServiceRequest/{}", order["id"].as_str().unwrap());
        server.send("PUT", &path, &kind, &order.to_string()).status
    };
    // Of another number, of another patient: not this study's.
    assert_eq!(put(&order("other", patient, "none-such")), 201);
    assert_eq!(put(&order("stranger", "Patient/nobody", number)), 201);
    assert!(study(&server).get("basedOn").is_none());
    // Two in one transaction that fit are none.
    let entry = |id: &str| {
        serde_json::json!({
            "resource": order(id, patient, number),
            "request": { "method": "PUT", "url": format!("ServiceRequest/{id}") },
        })
    };
    let both = serde_json::json!({
        "resourceType": "Bundle", "type": "transaction", "entry": [entry("a"), entry("b")],
    });
    assert_eq!(
        server
            .send("POST", "/fhir", &kind, &both.to_string())
            .status,
        200
    );
    assert!(study(&server).get("basedOn").is_none());
    // One of them takes its number back; the other is written again, and is the one.
    assert_eq!(put(&order("b", patient, "none-such")), 200);
    let mut changed = order("a", patient, number);
    changed["priority"] = serde_json::json!("urgent");
    assert_eq!(put(&changed), 200);
    let linked = study(&server);
    assert_eq!(linked["basedOn"][0]["reference"], "ServiceRequest/a");
    let (order_at, study_at) = (
        server.get("/fhir/ServiceRequest/a").json()["meta"]["lastUpdated"].clone(),
        linked["meta"]["lastUpdated"].clone(),
    );
    assert_eq!(order_at, study_at, "one transaction");
    let found = server.get("/fhir/ImagingStudy?basedon=ServiceRequest/a");
    assert_eq!(found.json()["entry"].as_array().map(Vec::len), Some(1));
    drop(server);

    // An address, once it is configured: the study that is here names it too.
    let base = "https://kura.example/dicom-web";
    let server = bank.serve_as(&[], &[("KURA_DICOMWEB__BASE", Path::new(base))]);
    let path = "/fhir/ImagingStudy?endpoint=Endpoint/kura-dicom-wado-rs";
    let answer = server.until(path, |answer| answer.json()["entry"].is_array());
    let named = &answer.json()["entry"][0]["resource"]["endpoint"];
    assert_eq!(named.as_array().map(Vec::len), Some(2), "{named}");
    for code in ["dicom-wado-rs", "dicom-qido-rs"] {
        let endpoint = server.get(&format!("/fhir/Endpoint/kura-{code}")).json();
        assert_eq!(endpoint["connectionType"]["code"], code);
        assert_eq!(endpoint["address"], base);
        assert_eq!(endpoint["status"], "active");
    }
    let found = server.get("/dicom-web/studies").json();
    let url = found[0]["00081190"]["Value"][0].as_str().unwrap();
    assert!(url.starts_with(&format!("{base}/studies/")), "{url}");
    drop(server);

    // What comes later names it at once; the order came with an import.
    let file = sample("dicom/02-ct-chest-later.dcm");
    let mut import = bank.command(&["import"]);
    import.arg(&file).env("KURA_DICOMWEB__BASE", base);
    assert!(import.output().expect("kura runs").status.success());
    let server = bank.serve();
    let all = server.get("/fhir/ImagingStudy").json();
    let second = all["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["resource"])
        .find(|study| study.get("basedOn").is_none())
        .unwrap()
        .clone();
    assert_eq!(second["endpoint"].as_array().map(Vec::len), Some(2));
    // Where nothing is configured any more, it is off.
    let endpoint = server.get("/fhir/Endpoint/kura-dicom-wado-rs").json();
    assert_eq!(endpoint["status"], "off");
    drop(server);
    let patient = second["subject"]["reference"].as_str().unwrap();
    let number = second["identifier"][1]["value"].as_str().unwrap();
    let file = bank.file(
        "orders.ndjson",
        order("imported", patient, number).to_string().as_bytes(),
    );
    let report = bank.import(&[&file], 0);
    assert_eq!(report["accepted"], 1, "{report}");
    let server = bank.serve();
    let id = second["id"].as_str().unwrap();
    let linked = server.get(&format!("/fhir/ImagingStudy/{id}")).json();
    assert_eq!(linked["basedOn"][0]["reference"], "ServiceRequest/imported");
    bank.kura(&["audit", "verify"]).ok();
}

/// Bytes that are no longer those of their name are never taken for whole.
#[test]
fn a_damaged_file_is_not_sent_whole() {
    let bank = TestBank::new();
    bank.import(&[&sample("dicom/01-ct-abdomen.dcm")], 0);
    let server = bank.serve();
    let found = server.get("/dicom-web/instances").json();
    let url = found[0]["00081190"]["Value"][0].as_str().unwrap();
    let object = &url[url.find("/dicom-web").unwrap()..];
    let study = &object[..object.find("/series").unwrap()];
    let ask = |path: &str, accept: &str| {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n",
            server.address
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        // A connection that is broken off may end in an error.
        let _ = stream.read_to_end(&mut answer);
        // Where nothing was sent, not even a head was.
        let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
            return (0, 1);
        };
        let (head, body) = answer.split_at(end + 4);
        let head = String::from_utf8_lossy(head).to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 200"), "{head}");
        let length = head.split("content-length: ").nth(1).unwrap();
        let length: usize = length.lines().next().unwrap().parse().unwrap();
        (body.len(), length)
    };
    let forms = [
        (object, "application/dicom"),
        (
            study,
            "multipart/related; type=\"application/dicom\"; transfer-syntax=*",
        ),
    ];
    for (path, accept) in forms {
        let (came, announced) = ask(path, accept);
        assert_eq!(came, announced);
    }
    let folder = std::path::PathBuf::from(bank.path()).join("clinical/blobs");
    let stored = std::fs::read(sample("dicom/01-ct-abdomen.dcm")).unwrap();
    let inside = |folder: &Path| {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().path())
    };
    let blob = inside(&folder)
        .flat_map(|folder| inside(&folder))
        .find(|blob| std::fs::read(blob).unwrap() == stored)
        .unwrap();
    let sound = std::fs::read(&blob).unwrap();
    let mut other = sound.clone();
    *other.last_mut().unwrap() ^= 1;
    let longer = [&sound[..], b"\0\0"].concat();
    for damaged in [&other, &longer, &sound[..sound.len() - 2]] as [&[u8]; 3] {
        std::fs::write(&blob, damaged).unwrap();
        for (path, accept) in forms {
            let (came, announced) = ask(path, accept);
            assert!(came < announced, "{path}: {came} of {announced}");
        }
    }
    std::fs::write(&blob, &sound).unwrap();
    let (came, announced) = ask(object, "application/dicom");
    assert_eq!(came, announced);
}
