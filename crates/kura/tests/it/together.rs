//! Several servers on one bank: on PostgreSQL, from what may be several machines; on SQLite, on
//! one. The same tests on both.

use crate::support::TestBank;

const FHIR: (&str, &str) = ("Content-Type", "application/fhir+json");

fn patient(id: &str, family: &str) -> String {
    serde_json::json!({
        "resourceType": "Patient",
        "id": id,
        "name": [{"family": family}],
    })
    .to_string()
}

#[test]
fn what_one_server_writes_the_others_read() {
    let bank = TestBank::new();
    let servers = [bank.serve(), bank.serve(), bank.serve()];
    // Each writes the same resource in turn, and all see each version.
    for round in 0..6 {
        let body = patient("shared", &format!("Family{round}"));
        let written = servers[round % 3].send("PUT", "/fhir/Patient/shared", &[FHIR], &body);
        assert!(matches!(written.status, 200 | 201), "{}", written.body);
        for server in &servers {
            let read = server.get("/fhir/Patient/shared").json();
            assert_eq!(read["meta"]["versionId"], (round + 1).to_string());
            let found = server.get(&format!("/fhir/Patient?family=Family{round}"));
            let entries = found.json()["entry"].as_array().map_or(0, Vec::len);
            assert_eq!(entries, 1, "{}", found.body);
        }
    }
    // Many at once: each write is kept once, and the numbers go on without a gap.
    std::thread::scope(|scope| {
        for (place, server) in servers.iter().enumerate() {
            for thread in 0..2 {
                scope.spawn(move || {
                    for round in 0..10 {
                        let id = format!("p{place}-{thread}-{round}");
                        let path = format!("/fhir/Patient/{id}");
                        let written = server.send("PUT", &path, &[FHIR], &patient(&id, "Many"));
                        assert_eq!(written.status, 201, "{}", written.body);
                    }
                });
            }
        }
    });
    for server in &servers {
        let found = server.get("/fhir/Patient?family=Many&_summary=count");
        assert_eq!(found.json()["total"], 60, "{}", found.body);
    }
    // Of those who have read the same version, one may write.
    let wins: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = servers
            .iter()
            .enumerate()
            .map(|(place, server)| {
                scope.spawn(move || {
                    let body = patient("shared", &format!("Winner{place}"));
                    let headers = [FHIR, ("If-Match", "W/\"6\"")];
                    let answer = server.send("PUT", "/fhir/Patient/shared", &headers, &body);
                    assert!(matches!(answer.status, 200 | 412), "{}", answer.body);
                    usize::from(answer.status == 200)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("an answer"))
            .sum()
    });
    assert_eq!(wins, 1);
    drop(servers);
    let status = bank
        .kura(&["audit", "verify", "--format", "json"])
        .ok()
        .json();
    assert_eq!(status["whole"], true);
    assert_eq!((bank.live("Patient"), bank.versions("Patient")), (61, 67));
}

#[test]
fn a_bank_on_postgresql_needs_its_address() {
    let bank = TestBank::new();
    let Some(database) = &bank.database else {
        eprintln!("SKIPPED: KURA_TEST_POSTGRES has no address; run make test");
        return;
    };
    let told = |variable: Option<&str>| {
        let mut command = bank.command(&["status"]);
        match variable {
            Some(address) => command.env("KURA_DATABASE", address),
            None => command.env_remove("KURA_DATABASE"),
        };
        let done = command.output().expect("kura runs");
        assert!(!done.status.success());
        String::from_utf8_lossy(&done.stderr).into_owned()
    };
    let error = told(None);
    assert!(error.contains("KURA_DATABASE"), "{error}");
    // Where the server is and who goes in stays unsaid.
    let error = told(Some(&format!("{}_gone", database.address)));
    assert!(error.contains("no database of that name"), "{error}");
    assert!(
        !error.contains("127.0.0.1") && !error.contains("kura_it"),
        "{error}"
    );
    let error = told(Some("postgres://a:hidden-word@127.0.0.1:9/k?x=y"));
    assert!(!error.contains("hidden-word"), "{error}");

    // In a file beside the configuration, if nobody else can read it.
    let file = bank.folder.path().join("bank/address");
    std::fs::write(&file, &database.address).expect("a file");
    let toml = bank.folder.path().join("bank/kura.toml");
    let text = std::fs::read_to_string(&toml).expect("a configuration");
    let text = text.replace("[database]", "[database]\nurl_file = \"address\"");
    assert!(text.contains("url_file"), "{text}");
    std::fs::write(&toml, text).expect("a configuration");
    set_mode(&file, 0o644);
    assert!(told(None).contains("chmod 600"));
    set_mode(&file, 0o600);
    let done = bank
        .command(&["status"])
        .env_remove("KURA_DATABASE")
        .output()
        .expect("kura runs");
    assert!(done.status.success());
}

fn set_mode(file: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).expect("a mode");
}
