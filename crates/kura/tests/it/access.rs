//! Who is asking: accounts, sign-in, roles, hosts.

use std::io::Write;
use std::process::Stdio;

use crate::support::{TestBank, sample};

pub fn add(bank: &TestBank, name: &str, role: &str, password: &str) -> i32 {
    let mut child = bank
        .command(&["user", "add", name, "--role", role])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("kura runs");
    // A name or a role that is refused ends the program before it reads a password.
    let _ = child
        .stdin
        .take()
        .expect("standard input")
        .write_all(format!("{password}\n").as_bytes());
    child.wait().expect("kura ends").code().unwrap_or(-1)
}

/// RFC 7617 of name and password.
pub fn basic(text: &str) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let mut word = [0; 3];
        word[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, word[0], word[1], word[2]]);
        for place in 0..4 {
            out.push(if place <= chunk.len() {
                char::from(LETTERS[(bits >> (18 - 6 * place) & 63) as usize])
            } else {
                '='
            });
        }
    }
    format!("Basic {out}")
}

#[test]
fn with_an_account_everybody_signs_in() {
    let bank = TestBank::new();
    bank.import(&[&sample("fhir/Patient.ndjson.gz")], 0);
    let server = bank.serve();
    assert_eq!(server.get("/fhir/Patient?_count=1").status, 200);
    drop(server);

    assert_ne!(add(&bank, "sato", "doctor", "too short"), 0);
    assert_ne!(add(&bank, "sato", "emperor", "correct horse battery"), 0);
    assert_eq!(add(&bank, "sato", "doctor", "correct horse battery"), 0);
    assert_ne!(add(&bank, "sato", "doctor", "correct horse battery"), 0);
    assert_eq!(add(&bank, "kato", "researcher", "another long password"), 0);

    let server = bank.serve();
    let ask = |credentials: Option<&str>| {
        let value = credentials.map(basic);
        let headers: Vec<(&str, &str)> = value
            .iter()
            .map(|value| ("Authorization", value.as_str()))
            .collect();
        server
            .send("GET", "/fhir/Patient?_count=1", &headers, "")
            .status
    };
    assert_eq!(ask(None), 401);
    assert_eq!(ask(Some("sato:wrong horse battery")), 401);
    assert_eq!(ask(Some("nobody:correct horse battery")), 401);
    assert_eq!(ask(Some("sato:correct horse battery")), 200);
    // A researcher sees processed sets, not records.
    assert_eq!(ask(Some("kato:another long password")), 403);
    assert_eq!(server.get("/fhir/metadata").status, 200);

    let form = "name=sato&password=correct+horse+battery";
    let kind = ("Content-Type", "application/x-www-form-urlencoded");
    let answer = server.send("POST", "/sign-in", &[kind], form);
    assert_eq!(answer.status, 303, "{}", answer.body);
    let cookie = answer.header("set-cookie").expect("a cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"));
    let session = cookie.split(';').next().unwrap().to_owned();
    assert_eq!(
        server
            .send("GET", "/fhir/Patient?_count=1", &[("Cookie", &session)], "")
            .status,
        200
    );
    assert_eq!(server.send("GET", "/patients", &[], "").status, 303);
    let audit = bank
        .kura(&["audit", "verify", "--format", "json"])
        .ok()
        .json();
    assert_eq!(audit["whole"], true);
}

#[test]
fn a_strange_host_or_another_site_gets_nothing() {
    let bank = TestBank::new();
    let server = bank.serve();
    assert_eq!(
        server
            .send("GET", "/", &[("Host", "evil.example")], "")
            .status,
        421
    );
    let own = server.url();
    for (origin, status) in [
        ("http://evil.example", 403),
        ("null", 403),
        (own.as_str(), 200),
    ] {
        let posted = server.send(
            "POST",
            "/fhir/Patient/_search",
            &[
                ("Origin", origin),
                ("Content-Type", "application/x-www-form-urlencoded"),
            ],
            "name=a",
        );
        assert_eq!(posted.status, status, "{origin}");
    }
    let answer = server.get("/");
    assert!(
        answer
            .header("content-security-policy")
            .unwrap()
            .contains("default-src 'none'")
    );
}

#[test]
fn only_loopback_without_an_account() {
    let bank = TestBank::new();
    let run = bank.kura(&["serve", "--listen", "0.0.0.0:0"]).exits(1);
    assert!(run.err.contains("loopback"), "{}", run.err);
}

#[test]
fn a_bank_is_not_made_over_something() {
    let bank = TestBank::new();
    let run = bank.kura(&["init", &bank.path()]).exits(1);
    assert!(run.err.contains("already"), "{}", run.err);
    let other = bank.file("y", b"").parent().unwrap().display().to_string();
    bank.kura(&["init", &other]).exits(1);
    bank.kura(&["status", "--bank", "/nowhere"]).exits(1);
    bank.kura(&["status", "--nonsense"]).exits(2);
}

#[test]
fn a_changed_audit_row_is_found() {
    let bank = TestBank::new();
    bank.import(&[&sample("fhir/Patient.ndjson.gz")], 0);
    let head = bank
        .kura(&["audit", "verify", "--format", "json"])
        .ok()
        .json()["zones"][1]["head"]
        .as_str()
        .unwrap()
        .to_owned();
    bank.kura(&["audit", "verify", "--head", &head]).ok();
    if let Some(database) = &bank.database {
        database.run("UPDATE clinical.audit SET actor = 'somebody else' WHERE seq = 2");
    } else {
        let Some(python) = crate::support::tool("KURA_PYTHON", "python3") else {
            return;
        };
        let file = format!("{}/clinical/clinical.db", bank.path());
        let status = std::process::Command::new(python)
            .args(["-c", "import sqlite3,sys\nc=sqlite3.connect(sys.argv[1])\nc.execute(\"UPDATE audit SET actor='somebody else' WHERE seq=2\")\nc.commit()"])
            .arg(&file)
            .status()
            .expect("python runs");
        assert!(status.success());
    }
    let audit = bank
        .kura(&["audit", "verify", "--format", "json"])
        .exits(3)
        .json();
    assert_eq!(audit["whole"], false);
    assert_eq!(audit["zones"][1]["broken_at"], 2);
}

/// The rules are read, and asked, without a bank, of a bank, and of a file that is not in force.
#[test]
fn the_rules_are_told_and_a_policy_is_tried_out_before_it_is_used() {
    let bank = TestBank::new();
    let explain = |more: &[&str]| {
        let mut line = vec!["access", "explain", "doctor", "read-clinical"];
        line.extend(more);
        bank.kura(&line)
    };
    assert!(explain(&[]).exits(3).out.contains("no rule permits it"));
    let treated = explain(&["--relation", "treatment"]).ok();
    assert!(
        treated.out.contains("allowed: by doctor-treatment"),
        "{}",
        treated.out
    );
    let one = explain(&["--relation", "treatment", "--one-factor"]).exits(3);
    assert!(one.out.contains("refused: by second-factor"), "{}", one.out);
    explain(&["--relation", "emergency"]).exits(3);
    explain(&["--relation", "emergency", "--emergency"]).ok();
    bank.kura(&["access", "explain", "emperor", "import"])
        .exits(2);
    let table = bank.kura(&["access", "table"]).ok().out;
    assert!(
        table.contains("patient  read-clinical  own, proxy"),
        "{table}"
    );

    let open = r#"@id("all-doctors") @en("Doctors see all.") @ja("医師は全患者を見る。") @source("test")
permit (principal in Role::"doctor", action == Action::"read-clinical", resource);"#;
    let file = bank.file("open.cedar", open.as_bytes());
    let file = file.display().to_string();
    let tried = bank.kura(&["access", "table", "--policy", &file]).ok().out;
    assert_eq!(tried.trim(), "doctor  read-clinical  any");
    let broken = open.replace("read-clinical", "read-everything");
    let file = bank.file("broken.cedar", broken.as_bytes());
    let refused = bank
        .kura(&["access", "table", "--policy", &file.display().to_string()])
        .exits(1);
    assert!(refused.err.contains("broken.cedar") && refused.err.contains("read-everything"));
}

/// A bank whose policy cannot be used is not opened with another one.
#[test]
fn a_bank_with_rules_of_its_own_goes_by_them_and_by_no_others() {
    let bank = TestBank::new();
    bank.import(&[&sample("fhir/Patient.ndjson.gz")], 0);
    assert_eq!(add(&bank, "sato", "doctor", "correct horse battery"), 0);
    let ask = |server: &crate::support::Server| {
        let value = basic("sato:correct horse battery");
        let headers = [("Authorization", value.as_str())];
        let found = server.send("GET", "/fhir/Patient?_summary=count", &headers, "");
        found.json()["total"].as_u64()
    };
    // Nobody in their care: the rules of the release.
    assert_eq!(ask(&bank.serve()), Some(0));
    let own = std::path::Path::new(&bank.path()).join("own.cedar");
    let rule = r#"@id("all-doctors") @en("Doctors see all.") @ja("医師は全患者を見る。") @source("test")
permit (principal in Role::"doctor", action == Action::"read-clinical", resource);"#;
    let shipped = crate::support::repository().join("policies/access.cedar");
    let shipped = std::fs::read_to_string(shipped).unwrap();
    std::fs::write(&own, format!("{shipped}\n{rule}")).unwrap();
    let named: &[(&str, &std::path::Path)] =
        &[("KURA_ACCESS__POLICY", std::path::Path::new("own.cedar"))];
    assert!(ask(&bank.serve_as(&[], named)) > Some(10));
    std::fs::write(&own, "permit (principal").unwrap();
    let run = bank
        .command(&["status"])
        .env("KURA_ACCESS__POLICY", "own.cedar")
        .output()
        .expect("kura runs");
    assert_eq!(run.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&run.stderr).contains("own.cedar"));
}

#[test]
fn an_account_is_changed_listed_and_never_linked_with_what_is_not_there() {
    let bank = TestBank::new();
    bank.import(
        &[
            &sample("fhir/Patient.ndjson.gz"),
            &sample("fhir/Practitioner.ndjson.gz"),
        ],
        0,
    );
    assert_eq!(
        add(&bank, "ono", "administrator", "correct horse battery"),
        0
    );
    assert_eq!(add(&bank, "sato", "doctor", "correct horse battery"), 0);
    let change = |more: &[&str]| {
        let mut line = vec!["user", "change"];
        line.extend(more);
        bank.kura(&line)
    };
    change(&[
        "sato",
        "--role",
        "doctor",
        "--role",
        "researcher",
        "--practitioner",
        "DR-IM-001",
    ])
    .ok();
    let wrong = change(&["sato", "--practitioner", "DR-IM-0001"]).exits(1);
    assert!(wrong.err.contains("is not in this bank"), "{}", wrong.err);
    change(&["sato"]).exits(1);
    change(&["nobody", "--disable"]).exits(1);
    change(&["ono", "--disable"]).exits(1);
    change(&["sato", "--role", "doctor", "--role", "doctor"]).exits(1);
    change(&["sato", "--disable"]).ok();
    let listed = bank.kura(&["user", "list", "--format", "json"]).ok().json();
    let sato = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "sato")
        .unwrap();
    assert_eq!(sato["roles"], serde_json::json!(["doctor", "researcher"]));
    assert_eq!(
        (&sato["practitioner"], &sato["disabled"]),
        (&"DR-IM-001".into(), &true.into())
    );
}
