//! The web over TLS, asked by Python's own client.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::access::add;
use crate::support::{TestBank, repository, tool};

fn openssl(folder: &Path, arguments: &str) {
    let made = Command::new("sh")
        .current_dir(folder)
        .args(["-c", &format!("openssl {arguments}")])
        .output()
        .expect("openssl runs");
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{said}");
}

#[test]
fn the_web_over_tls() {
    let (Some(python), Some(_)) = (
        tool("KURA_PYTHON", "python3"),
        tool("KURA_OPENSSL", "openssl"),
    ) else {
        return;
    };
    let bank = TestBank::new();
    assert_eq!(
        add(&bank, "sato", "data-manager", "correct horse battery"),
        0
    );
    let tls = bank.folder.path().join("tls");
    std::fs::create_dir_all(&tls).expect("a folder");
    openssl(
        &tls,
        "req -x509 -newkey rsa:2048 -nodes -subj /CN=bank -addext subjectAltName=IP:127.0.0.1 -days 2 -keyout bank.key -out bank.pem",
    );
    let file = |name: &str| tls.join(name).display().to_string();
    let settings = |key: &str| format!("{{ certificate = '{}', key = '{key}' }}", file("bank.pem"));
    let serve = |settings: &str| bank.serve_as(&[], &[("KURA_SERVER__TLS", Path::new(settings))]);
    let server = serve(&settings(&file("bank.key")));
    let said = Command::new(python)
        .arg(repository().join("tests/python/https.py"))
        .args([&server.address, &file("bank.pem")])
        .output()
        .expect("python runs");
    let error = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "{error}");
    let said: Value = serde_json::from_slice(&said.stdout).expect("JSON");
    assert_eq!(
        said,
        json!({
            "metadata": 200,
            "hsts": "max-age=31536000",
            "cookie": "__Host-kura_session",
            "secure": true,
            "found": 200,
            "links": "https",
            "scheme_of_the_client": 0,
            "plain_cookie": 401,
            "plain_page": 403,
            "own_page": 401,
            "old_is_refused": true,
            "plain_is_refused": true,
        })
    );
    drop(server);

    // A key that others may read, and a file that is no key, are refused by name.
    for (key, mode, what) in [
        ("bank.key", "644", "600"),
        ("bank.pem", "600", "server.tls.key"),
    ] {
        let changed = Command::new("chmod").arg(mode).arg(file(key)).status();
        assert!(changed.expect("chmod runs").success());
        let run = bank
            .command(&["serve", "--listen", "127.0.0.1:0"])
            .env("KURA_SERVER__TLS", settings(&file(key)))
            .output()
            .expect("kura runs");
        assert_eq!(run.status.code(), Some(1));
        let error = String::from_utf8_lossy(&run.stderr);
        assert!(error.contains(what), "{error}");
    }
}
