//! The pages over a real socket: what a browser gets.

mod emergency;
mod sign_in;
mod who_may_ask;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use kura_model::{Actor, PurposeOfUse, RequestContext, Role};
use kura_service::{Bank, Config, accounts, import};

fn operator() -> RequestContext {
    RequestContext::new(
        Actor {
            name: "test".to_owned(),
            role: Role::SingleUser,
        },
        PurposeOfUse::Operations,
    )
}

const PATIENT: &str = r#"{"resourceType":"Patient","id":"pt-1","identifier":[{"system":"urn:oid:1.2.392.100495.20.3.51.1","value":"P-77"}],"name":[{"text":"小野 <script>alert(1)</script>","family":"小野"},{"text":"オノ アヤコ"}],"gender":"female","birthDate":"1950-04-04"}
"#;

fn bank(folder: &Path) -> Bank {
    let mut config = Config::default();
    config.server.listen = "127.0.0.1:0".to_owned();
    let place = folder.join("bank");
    Bank::init(&operator(), &place, &config).unwrap();
    Bank::open(&place).unwrap()
}

/// Serves until the test program ends.
fn serve(bank: Bank) -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let served = runtime.block_on(kura_server::serve(bank, move |address| {
            tell.send(address).unwrap();
        }));
        served.unwrap();
    });
    told.recv().unwrap().http
}

struct Answer {
    status: u16,
    /// In lower case.
    head: String,
    /// The same as it came.
    raw: String,
    body: String,
}

fn ask(address: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    Answer {
        status: head[9..12].parse().unwrap(),
        head: head.to_lowercase(),
        raw: head.to_owned(),
        body: body.to_owned(),
    }
}

fn get(address: SocketAddr, path: &str, headers: &str) -> Answer {
    ask(address, "GET", path, headers, "")
}

#[test]
fn an_empty_bank_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let address = serve(bank(folder.path()));
    let page = get(address, "/", "Accept-Language: en\r\n");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("kura import --bank"));
    assert!(page.body.contains("Single-user mode"));
    assert!(page.head.contains("default-src 'none'"));
    assert!(page.head.contains("cache-control: no-store"));
    for path in [
        "/import",
        "/quarantine",
        "/unlinked",
        "/patients",
        "/sign-in",
    ] {
        assert_eq!(get(address, path, "").status, 200, "{path}");
    }
    let missing = get(address, "/nowhere?lang=ja", "");
    assert_eq!(missing.status, 404);
    assert!(missing.body.contains("見つかりません"));
    assert!(missing.head.contains("set-cookie: kura_lang=ja"));
    let missing = get(address, "/patients/nobody", "Cookie: kura_lang=en\r\n");
    assert_eq!(missing.status, 404);
    assert!(missing.body.contains("Not found"));
}

#[test]
fn a_patient_is_found_and_shown_as_text() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("patient.ndjson");
    std::fs::write(&file, PATIENT).unwrap();
    let bank = bank(folder.path());
    let report = import::import(
        &bank,
        &operator(),
        &[file],
        &import::Quiet,
        &AtomicBool::new(false),
    )
    .unwrap();
    assert_eq!(report.refused, 0);
    let address = serve(bank);
    // 小野, おの, ono, the number, 昭和25年4月4日.
    for typed in [
        "%E5%B0%8F%E9%87%8E",
        "%E3%81%8A%E3%81%AE",
        "ono",
        "p-77",
        "%E6%98%AD%E5%92%8C25%E5%B9%B44%E6%9C%884%E6%97%A5",
    ] {
        let found = ask(
            address,
            "POST",
            "/patients",
            "X-Fragment: 1\r\n",
            &format!("q={typed}"),
        );
        assert_eq!(found.status, 200);
        assert!(found.body.contains("/patients/pt-1"), "{typed}");
        assert!(!found.body.contains("<html"), "a fragment is no page");
    }
    let nobody = ask(
        address,
        "POST",
        "/patients",
        "X-Fragment: 1\r\n",
        "q=suzuki",
    );
    assert!(!nobody.body.contains("/patients/pt-1"));

    let page = get(address, "/patients/pt-1", "");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("&lt;script&gt;alert(1)"));
    assert!(!page.body.contains("<script>alert"));
    let source = get(address, "/patients/pt-1/source/Patient/pt-1", "");
    assert!(source.body.contains("patient.ndjson"));
    assert_eq!(
        get(address, "/patients/pt-1/source/Patient/pt-2", "").status,
        404
    );
    // Another site's form does nothing here.
    let foreign = ask(
        address,
        "POST",
        "/patients",
        "Origin: http://evil.example\r\n",
        "q=ono",
    );
    assert_eq!(foreign.status, 403);
}

#[test]
fn assets_are_kept_by_their_hash() {
    let folder = tempfile::tempdir().unwrap();
    let address = serve(bank(folder.path()));
    let page = get(address, "/", "");
    let from = page.body.find("/assets/style.css?v=").unwrap();
    let url: String = page.body[from..]
        .chars()
        .take_while(|letter| *letter != '"')
        .collect();
    assert!(get(address, &url, "").head.contains("immutable"));
    assert!(
        get(address, "/assets/style.css?v=0", "")
            .head
            .contains("no-cache")
    );
    assert_eq!(get(address, "/assets/../Cargo.toml", "").status, 404);
}

#[test]
fn signing_in_and_what_a_role_may_see() {
    let folder = tempfile::tempdir().unwrap();
    let bank = bank(folder.path());
    let password = "correct horse battery";
    for (name, role) in [("admin", Role::Administrator), ("doctor", Role::Doctor)] {
        accounts::user_add(
            &bank,
            &operator(),
            name,
            &[role],
            &kura_model::Standing::default(),
            password,
        )
        .unwrap();
    }
    let address = serve(bank);
    let turned_away = get(address, "/patients", "");
    assert_eq!(turned_away.status, 303);
    assert!(turned_away.head.contains("location: /sign-in"));
    let form = get(address, "/sign-in", "");
    assert_eq!(form.status, 200);
    assert!(form.body.contains("type=\"password\""));
    let wrong = ask(
        address,
        "POST",
        "/sign-in",
        "",
        "name=doctor&password=wrong",
    );
    assert_eq!(wrong.status, 401);

    let enter = |name: &str| {
        let body = format!("name={name}&password=correct+horse+battery");
        let answer = ask(address, "POST", "/sign-in", "", &body);
        assert_eq!(answer.status, 303, "{name}");
        assert!(answer.head.contains("httponly") && answer.head.contains("samesite=strict"));
        let from = answer.raw.find("kura_session=").unwrap();
        let cookie: String = answer.raw[from..]
            .chars()
            .take_while(|letter| *letter != ';')
            .collect();
        format!("Cookie: {cookie}; kura_lang=en\r\n")
    };
    let doctor = enter("doctor");
    assert_eq!(get(address, "/patients", &doctor).status, 200);
    assert_eq!(get(address, "/quarantine", &doctor).status, 403);
    let admin = enter("admin");
    let refused = get(address, "/patients", &admin);
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("Your role may not see this"));
    assert!(!refused.body.contains("href=\"/patients\""));

    assert_eq!(ask(address, "POST", "/sign-out", &doctor, "").status, 303);
    assert_eq!(get(address, "/patients", &doctor).status, 303);
}
