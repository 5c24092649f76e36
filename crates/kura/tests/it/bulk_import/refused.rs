//! What is not fetched, not understood, not allowed.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{
    LINES, Said, allow, done, home, manifest, many, outcomes, place, post, rule, set, source,
};
use crate::support::{TestBank, tool};

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
