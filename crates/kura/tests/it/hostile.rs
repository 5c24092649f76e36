//! What no honest client sends, to the FHIR API: it is refused with an OperationOutcome, and the
//! server lives on.

use serde_json::{Value, json};

use crate::support::{Answer, Server, TestBank};

const FHIR: &str = "application/fhir+json";
const XML: &str = "application/fhir+xml";
const PATCH: &str = "application/json-patch+json";
const FORM: &str = "application/x-www-form-urlencoded";
const STRICT: &[u8] = b"Prefer: handling=strict";

/// A request whose parts are bytes.
fn ask(server: &Server, method: &str, path: &[u8], headers: &[&[u8]], body: &[u8]) -> Answer {
    let mut request = format!("{method} /fhir").into_bytes();
    request.extend_from_slice(path);
    request.extend_from_slice(
        format!(
            " HTTP/1.1\r\nConnection: close\r\nHost: {}\r\n",
            server.address
        )
        .as_bytes(),
    );
    for header in headers {
        request.extend_from_slice(header);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
    request.extend_from_slice(body);
    server.raw(&request)
}

fn send(server: &Server, method: &str, path: &str, kind: &str, body: &[u8]) -> Answer {
    let kind = format!("Content-Type: {kind}");
    ask(server, method, path.as_bytes(), &[kind.as_bytes()], body)
}

/// What was sent, short enough to be read in a failure.
fn shown(what: &[u8]) -> String {
    String::from_utf8_lossy(&what[..what.len().min(120)]).into_owned()
}

#[track_caller]
fn refused(answer: &Answer, what: &[u8]) {
    let what = shown(what);
    assert!(
        (400..500).contains(&answer.status),
        "{} {what}: {}",
        answer.status,
        answer.body
    );
    assert_eq!(
        answer.json()["resourceType"],
        "OperationOutcome",
        "{} {what}",
        answer.body
    );
}

#[track_caller]
fn alive(server: &Server) {
    assert_eq!(server.get("/fhir/metadata").status, 200);
}

fn nested(open: &str, inner: &str, close: &str, depth: usize) -> String {
    open.repeat(depth) + inner + &close.repeat(depth)
}

#[test]
fn bodies_that_are_no_resources() {
    let bank = TestBank::new();
    let server = bank.serve();
    let long = "a".repeat(3 << 20);
    let bodies: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b" \n".to_vec(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"\"Patient\"".to_vec(),
        b"{".to_vec(),
        b"\0".to_vec(),
        b"\xef\xbb\xbf".to_vec(),
        b"{\"resourceType\":\"Patient\",\"language\":\"\xff\xfe\"}".to_vec(),
        // A surrogate alone. RFC 8259 section 8.2
        br#"{"resourceType":"Patient","language":"\ud800"}"#.to_vec(),
        br#"{"resourceType":"Patient","language":"\udc00\ud800"}"#.to_vec(),
        br#"{"resourceType":"Patient","resourceType":"Patient","id":1}"#.to_vec(),
        br#"{"resourceType":"patient"}"#.to_vec(),
        br#"{"resourceType":["Patient"]}"#.to_vec(),
        br#"{"resourceType":"Patient","multipleBirthInteger":01}"#.to_vec(),
        br#"{"resourceType":"Patient","multipleBirthInteger":NaN}"#.to_vec(),
        br#"{"resourceType":"Patient"}{"resourceType":"Patient"}"#.to_vec(),
        format!(r#"{{"resourceType":"Patient","language":"{long}"}}"#).into_bytes(),
        format!(
            r#"{{"resourceType":"Patient","extension":{}}}"#,
            nested("[", "", "]", 100_000)
        )
        .into_bytes(),
        format!(
            r#"{{"resourceType":"Patient","contact":{}}}"#,
            nested(r#"[{"a":"#, "1", "}]", 100_000)
        )
        .into_bytes(),
        nested("[", "", "", 1_000_000).into_bytes(),
        nested(r#"{"a":"#, "", "", 1_000_000).into_bytes(),
    ];
    for body in &bodies {
        for (method, path) in [
            ("POST", "/Patient"),
            ("PUT", "/Patient/a"),
            ("PUT", "/Patient?identifier=a"),
            ("POST", "/Patient/$validate"),
            ("POST", ""),
            ("PATCH", "/Patient/a"),
            ("POST", "/$viewdefinition-run"),
        ] {
            let answer = send(&server, method, path, FHIR, body);
            // A validation answers what it found.
            if path.ends_with("$validate") && answer.status == 200 {
                assert_eq!(answer.json()["resourceType"], "OperationOutcome");
                continue;
            }
            refused(&answer, body);
        }
    }
    alive(&server);
    assert_eq!(bank.live("Patient"), 0);
}

#[test]
fn xml_that_is_no_resource() {
    let bank = TestBank::new();
    let server = bank.serve();
    let of = |inner: &str| {
        format!(r#"<Patient xmlns="http://hl7.org/fhir">{inner}</Patient>"#).into_bytes()
    };
    let lol = (1..10).fold(r#"<!ENTITY a0 "lol">"#.to_owned(), |all, at| {
        format!(
            "{all}<!ENTITY a{at} \"{}\">",
            format!("&a{};", at - 1).repeat(10)
        )
    });
    let bodies: Vec<Vec<u8>> = vec![
        b"<".to_vec(),
        b"\0".to_vec(),
        b"<a>\xff</a>".to_vec(),
        b"<Patient/>".to_vec(),
        of("<language value='\0'/>"),
        of("<language value='&#0;'/>"),
        of("<language value='&#xD800;'/>"),
        of("<language value='&#x110000;'/>"),
        of("<language value='&lol;'/>"),
        of(&nested("<contact>", "", "</contact>", 100_000)),
        of(&nested("<extension url='a'>", "", "</extension>", 100_000)),
        nested("<a>", "", "", 1_000_000).into_bytes(),
        of(&format!("<language value='{}'/>", "a".repeat(3 << 20))),
        format!(
            r#"<!DOCTYPE x [{lol}]><Patient xmlns="http://hl7.org/fhir"><language value="&a9;"/></Patient>"#
        )
        .into_bytes(),
        br#"<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><Patient xmlns="http://hl7.org/fhir"><language value="&a;"/></Patient>"#.to_vec(),
        b"\xfe\xff\0<\0a\0/\0>".to_vec(),
    ];
    for body in &bodies {
        for (method, path) in [("POST", "/Patient"), ("PUT", "/Patient/a"), ("POST", "")] {
            refused(&send(&server, method, path, XML, body), body);
        }
    }
    alive(&server);
    assert_eq!(bank.live("Patient"), 0);
}

/// Numbers and texts at the edge: taken or refused, read again as they were, searched without a
/// fault.
#[test]
fn values_at_the_edge_do_no_harm() {
    let bank = TestBank::new();
    let server = bank.serve();
    let numbers = [
        "1e400",
        "-1e400",
        "1e-400",
        "1E999999999999999999999",
        &format!("{}.5", "9".repeat(5000)),
        &format!("0.{}1", "0".repeat(5000)),
        "-0.0",
        "18446744073709551616",
    ];
    for number in numbers {
        let body = format!(
            r#"{{"resourceType":"Observation","status":"final","code":{{"text":"x"}},"valueQuantity":{{"value":{number},"unit":"kg","system":"http://unitsofmeasure.org","code":"kg"}}}}"#
        );
        let answer = send(&server, "POST", "/Observation", FHIR, body.as_bytes());
        if answer.status == 201 {
            let id = answer.json()["id"].as_str().expect("an id").to_owned();
            let read = server.get(&format!("/fhir/Observation/{id}"));
            // Its digits are kept; `e400` may be written `e+400`.
            let plain = read.body.to_lowercase().replace("e+", "e");
            assert!(
                plain.contains(&number.to_lowercase()),
                "{}",
                shown(read.body.as_bytes())
            );
        } else {
            refused(&answer, number.as_bytes());
        }
        for kind in ["value-quantity", "value-quantity:missing"] {
            for prefix in ["", "gt", "ap", "ne"] {
                let path = format!("/fhir/Observation?{kind}={prefix}{number}||kg");
                let answer = server.get(&path);
                if answer.status != 200 {
                    refused(&answer, path.as_bytes());
                }
            }
        }
        for name in ["_count", "_lastUpdated", "birthdate", "_total", "_list"] {
            let path = format!("/fhir/Patient?{name}={number}");
            let answer = server.get(&path);
            if answer.status != 200 {
                refused(&answer, path.as_bytes());
            }
        }
    }
    // A NUL is no character of a FHIR string (datatypes.html#string); some stores cannot keep it.
    for text in [
        "\\u0000",
        "a\\u0000b",
        "\\u0008",
        "\\uffff",
        "\\ud83d\\ude00",
    ] {
        let body = format!(
            r#"{{"resourceType":"Patient","identifier":[{{"system":"urn:{text}","value":"{text}"}}],"name":[{{"family":"{text}"}}]}}"#
        );
        for (method, path) in [("POST", "/Patient"), ("PUT", "/Patient?identifier=zz")] {
            let answer = send(&server, method, path, FHIR, body.as_bytes());
            if answer.status != 201 && answer.status != 200 {
                refused(&answer, text.as_bytes());
            }
        }
        let _ = send(&server, "DELETE", "/Patient?identifier=zz", FHIR, b"");
    }
    for query in [
        "name=%00",
        "name=a%00b",
        "identifier=%00|%00",
        "_id=%00",
        "name:exact=%00",
    ] {
        let answer = server.get(&format!("/fhir/Patient?{query}"));
        if answer.status != 200 {
            refused(&answer, query.as_bytes());
        }
    }
    alive(&server);
}

#[test]
fn searches_without_end() {
    let bank = TestBank::new();
    let server = bank.serve();
    let refusals = [
        format!("_filter={}", nested("(", "name eq a", ")", 20_000)),
        format!("_filter={}", "not (".repeat(20_000)),
        format!("_filter={}", vec!["name eq a"; 5_000].join(" or ")),
        format!("{}name=a", "link.".repeat(2_000)),
        format!(
            "general-practitioner.{}name=a",
            "organization.partof.".repeat(2_000)
        ),
        format!("{}code=1", "_has:Observation:subject:".repeat(2_000)),
        format!("_sort={}", vec!["name"; 10_000].join(",")),
        vec!["name=a"; 10_000].join("&"),
        "_count=-1".to_owned(),
        "_count=1e9".to_owned(),
        "_page=00".to_owned(),
        format!("_page={}", "ff".repeat(20_000)),
        "name=%".to_owned(),
        "name=%zz".to_owned(),
        "name=%ff".to_owned(),
        "birthdate=%F0%9F%98%80".to_owned(),
        "birthdate=99999-01-01".to_owned(),
        "birthdate=2026-02-31".to_owned(),
        "_lastUpdated=ge".to_owned(),
        "_include=".to_owned() + &"a:".repeat(1_000),
        "_id:exact=a".to_owned(),
        "identifier:in=urn:nothing".to_owned(),
    ];
    for query in &refusals {
        // What is too long for an address comes as a form. A parameter that is not known is an
        // error where the client asks for that.
        let answer = ask(
            &server,
            "POST",
            b"/Patient/_search",
            &[b"Content-Type: application/x-www-form-urlencoded", STRICT],
            query.as_bytes(),
        );
        refused(&answer, query.as_bytes());
        if query.len() < 8_000 {
            let path = format!("/Patient?{}", query.replace(' ', "%20"));
            let answer = ask(&server, "GET", path.as_bytes(), &[STRICT], b"");
            refused(&answer, query.as_bytes());
        }
    }
    refused(
        &send(&server, "POST", "/Patient/_search", FORM, b"name=\xff"),
        b"a form",
    );
    refused(
        &send(&server, "POST", "/Patient/_search", FHIR, b"{}"),
        b"JSON",
    );
    alive(&server);
}

#[test]
fn patches_without_end() {
    let bank = TestBank::new();
    let server = bank.serve();
    let made = send(
        &server,
        "PUT",
        "/Patient/a",
        FHIR,
        br#"{"resourceType":"Patient","id":"a","name":[{"family":"x"}]}"#,
    );
    assert_eq!(made.status, 201);
    let step = |path: String| {
        json!({"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [
            {"name": "type", "valueCode": "replace"},
            {"name": "path", "valueString": path},
            {"name": "value", "valueString": "y"}]}]})
    };
    let paths = [
        String::new(),
        nested("(", "Patient.name", ")", 50_000),
        format!("Patient{}", ".name".repeat(50_000)),
        format!("Patient.name[{}]", "9".repeat(5_000)),
        format!("Patient.name.where({})", "not(".repeat(20_000)),
        format!("Patient.name.where({}true)", "true and ".repeat(100_000)),
        "Patient.name.repeat($this)".to_owned(),
        "'\\u0000'".to_owned(),
        "-".repeat(50_000) + "1",
    ];
    for path in paths {
        let body = step(path.clone()).to_string();
        let answer = send(&server, "PATCH", "/Patient/a", FHIR, body.as_bytes());
        refused(&answer, path.as_bytes());
        let view =
            json!({"resource": "Patient", "select": [{"column": [{"name": "a", "path": path}]}]});
        let answer = send(
            &server,
            "POST",
            "/$viewdefinition-run?_format=json",
            FHIR,
            view.to_string().as_bytes(),
        );
        if answer.status != 200 {
            refused(&answer, path.as_bytes());
        }
    }
    let pointer = "/name".repeat(100_000);
    let many = vec![json!({"op": "add", "path": "/name/-", "value": {}}); 200_000];
    let doubling: Vec<Value> = (0..64)
        .map(|_| json!({"op": "copy", "from": "/name", "path": "/name/-"}))
        .collect();
    for patch in [
        json!([{"op": "add", "path": pointer, "value": 1}]),
        json!([{"op": "add", "path": "/name/99999999999999999999", "value": 1}]),
        json!([{"op": "add", "path": "/name/-1", "value": 1}]),
        json!([{"op": "move", "from": "/name", "path": "/name/0/a"}]),
        json!([{"op": "test", "path": "", "value": null}]),
        json!([{"op": "replace", "path": "", "value": 1}]),
        json!(many),
        // Each doubles what is there: 2^64 names.
        json!(doubling),
    ] {
        let text = patch.to_string();
        let answer = send(&server, "PATCH", "/Patient/a", PATCH, text.as_bytes());
        refused(&answer, text.as_bytes());
    }
    alive(&server);
    assert_eq!(
        server.get("/fhir/Patient/a").json()["name"][0]["family"],
        "x"
    );
}

#[test]
fn addresses_and_headers_that_nobody_means() {
    let bank = TestBank::new();
    let server = bank.serve();
    let long = format!("/Patient/{}", "a".repeat(50_000));
    let paths: [&[u8]; 18] = [
        b"/Patient/%FF",
        b"/Patient/%00",
        b"/Patient/%2e%2e",
        b"/Patient/%2F",
        b"/Patient/a%0d%0aSet-Cookie:%20a",
        b"/%FF",
        b"/Patient/a/_history/%FF",
        b"/Patient/a/_history/0",
        b"/Patient/a/_history/-1",
        b"/Patient/a/_history/99999999999999999999",
        b"/Patient/a/%FF",
        b"/Patient//",
        b"/patient",
        b"/Patient/\xe5\xb0\x8f\xe9\x87\x8e",
        b"/$export-status/..%2f..%2fkura.toml",
        b"/$export-file/a/..%2f..%2fkura.toml",
        b"/$import-file/%FF/%FF",
        long.as_bytes(),
    ];
    for path in paths {
        refused(&ask(&server, "GET", path, &[], b""), path);
        if !path.starts_with(b"/$") {
            let answer = ask(
                &server,
                "PUT",
                path,
                &[b"Content-Type: application/fhir+json"],
                br#"{"resourceType":"Patient"}"#,
            );
            refused(&answer, path);
        }
    }
    let resource = br#"{"resourceType":"Patient"}"#;
    let headers: [&[u8]; 12] = [
        b"Content-Type:",
        b"Content-Type: \xff",
        b"Content-Type: text/plain",
        b"Content-Type: application/fhir+json; charset=shift_jis",
        b"Content-Type: application/fhir+json; fhirVersion=5.0",
        b"Content-Type: application/fhir+json,application/json",
        b"Content-Type: multipart/form-data",
        b"Content-Type: application/fhir+json\r\nContent-Encoding: gzip",
        b"Content-Type: application/fhir+json\r\nAccept: \xff",
        b"Content-Type: application/fhir+json\r\nAccept: text/html",
        b"Content-Type: application/fhir+json\r\nIf-None-Exist: %",
        b"Content-Type: application/fhir+json\r\nIf-None-Exist: _id=%ff",
    ];
    for header in headers {
        refused(
            &ask(&server, "POST", b"/Patient", &[header], resource),
            header,
        );
    }
    assert_eq!(bank.live("Patient"), 0);
    // Preconditions that cannot be read never hold by accident: nothing is written over.
    let put = |headers: &[&[u8]]| {
        let mut all: Vec<&[u8]> = vec![b"Content-Type: application/fhir+json"];
        all.extend_from_slice(headers);
        let body = br#"{"resourceType":"Patient","id":"a"}"#;
        ask(&server, "PUT", b"/Patient/a", &all, body)
    };
    assert_eq!(put(&[]).status, 201);
    for header in [
        &b"If-Match: \xff"[..],
        b"If-Match: W/",
        b"If-Match: W/\"99999999999999999999\"",
        b"If-Match: ",
    ] {
        refused(&put(&[header]), header);
    }
    // Not by a name that is not ours, and not by another site.
    for (header, status) in [("Host", 421), ("Origin", 403)] {
        let answer = server.send(
            "POST",
            "/fhir/Patient",
            &[(header, "http://evil.example")],
            "",
        );
        assert_eq!(answer.status, status, "{}", answer.body);
        refused(&answer, header.as_bytes());
    }
    alive(&server);
}

/// HTTP itself broken: hyper refuses it or hangs up, before there is a request.
#[test]
fn http_that_is_none() {
    let bank = TestBank::new();
    let server = bank.serve();
    let host = format!("Host: {}\r\nConnection: close\r\n", server.address);
    for request in [
        "GARBAGE\r\n\r\n".to_owned(),
        format!("GET /fhir/\u{7f}\0 HTTP/1.1\r\n{host}\r\n"),
        format!("POST /fhir/Patient HTTP/1.1\r\n{host}Content-Length: -1\r\n\r\n"),
        format!(
            "POST /fhir/Patient HTTP/1.1\r\n{host}Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef"
        ),
        format!(
            "POST /fhir/Patient HTTP/1.1\r\n{host}Content-Type: {FHIR}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
        ),
        format!(
            "GET /fhir/metadata HTTP/1.1\r\n{host}X: {}\r\n\r\n",
            "a".repeat(1 << 20)
        ),
        format!(
            "GET /fhir/metadata HTTP/1.1\r\n{host}{}\r\n",
            "X: a\r\n".repeat(10_000)
        ),
        format!("GET /fhir/{} HTTP/1.1\r\n{host}\r\n", "a".repeat(1 << 20)),
    ] {
        let answer = server.raw(request.as_bytes());
        assert!(
            (400..500).contains(&answer.status),
            "{} {}",
            answer.status,
            shown(request.as_bytes())
        );
    }
    alive(&server);
}

/// A Bundle of very many entries is done or refused as one; its references too.
#[test]
fn bundles_without_end() {
    let bank = TestBank::new();
    let server = bank.serve();
    let many = |kind: &str, entry: Value| {
        json!({"resourceType": "Bundle", "type": kind, "entry": vec![entry; 100_000]}).to_string()
    };
    let get = json!({"request": {"method": "GET", "url": "Patient/none"}});
    let same = json!({"request": {"method": "PUT", "url": "Patient/a"},
        "resource": {"resourceType": "Patient", "id": "a"}});
    // Every entry writes the same resource. FHIR R4 http.html#trules
    let body = many("transaction", same);
    refused(
        &send(&server, "POST", "", FHIR, body.as_bytes()),
        b"one resource, 100 000 times",
    );
    let body = many("transaction", get.clone());
    refused(
        &send(&server, "POST", "", FHIR, body.as_bytes()),
        b"100 000 reads of what is not there",
    );
    let body = many("batch", get);
    let answer = send(&server, "POST", "", FHIR, body.as_bytes());
    if answer.status == 200 {
        let answered = answer.json();
        assert_eq!(
            answered["entry"].as_array().expect("entries").len(),
            100_000
        );
    } else {
        refused(&answer, b"100 000 reads");
    }
    // References from one to the next, and back.
    let entries: Vec<Value> = (0..20_000)
        .map(|at| {
            json!({"fullUrl": format!("urn:uuid:{at}"),
                "request": {"method": "POST", "url": "Patient"},
                "resource": {"resourceType": "Patient", "link": [
                    {"type": "seealso", "other": {"reference": format!("urn:uuid:{}", (at + 1) % 20_000)}}]}})
        })
        .collect();
    let body =
        json!({"resourceType": "Bundle", "type": "transaction", "entry": entries}).to_string();
    let answer = send(&server, "POST", "", FHIR, body.as_bytes());
    if answer.status != 200 {
        refused(&answer, b"a circle");
    }
    alive(&server);
}
