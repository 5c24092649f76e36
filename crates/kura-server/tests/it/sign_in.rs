//! Proofs of who one is, over the wire: two factors, tokens, roles, and what ends them.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use kura_model::{Role, Standing};
use kura_service::config::SecondFactor;
use kura_service::{Bank, Config, accounts};

use crate::{Answer, ask, get, operator, serve};

pub(crate) const PASSWORD: &str = "correct horse battery";

/// A served bank with these accounts, and a second opening of it.
fn hospital(
    folder: &std::path::Path,
    config: Config,
    people: &[(&str, &[Role])],
) -> (Bank, SocketAddr) {
    let place = folder.join("bank");
    Bank::init(&operator(), &place, &config).unwrap();
    let bank = Bank::open(&place).unwrap();
    for (name, roles) in people {
        accounts::user_add(
            &bank,
            &operator(),
            name,
            roles,
            &Standing::default(),
            PASSWORD,
        )
        .unwrap();
    }
    let mine = Bank::open(&place).unwrap();
    (mine, serve(bank))
}

pub(crate) fn local() -> Config {
    let mut config = Config::default();
    config.server.listen = "127.0.0.1:0".to_owned();
    config
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

pub(crate) fn send(
    address: SocketAddr,
    path: &str,
    cookie: &str,
    fields: &[(&str, &str)],
) -> Answer {
    let body: Vec<String> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    ask(address, "POST", path, cookie, &body.join("&"))
}

pub(crate) fn password(address: SocketAddr, name: &str) -> Answer {
    send(
        address,
        "/sign-in",
        "",
        &[("name", name), ("password", PASSWORD)],
    )
}

/// The header that carries the session of an answer.
pub(crate) fn cookie(answer: &Answer) -> String {
    let from = answer.raw.find("kura_session=").expect("a session");
    let cookie: String = answer.raw[from..]
        .chars()
        .take_while(|letter| *letter != ';')
        .collect();
    format!("Cookie: {cookie}; kura_lang=en\r\n")
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let from = text.find(before).expect(before) + before.len();
    let length = text[from..].find(after).expect(after);
    &text[from..from + length]
}

/// RFC 6238 with RFC 4648's Base32: what an authenticator app does.
fn code(secret: &str, steps: i64) -> String {
    let mut bits = 0_u32;
    let (mut held, mut key) = (0_u32, Vec::new());
    for letter in secret.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            _ => letter - b'2' + 26,
        };
        bits = bits << 5 | u32::from(value);
        held += 5;
        if held >= 8 {
            held -= 8;
            key.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs() as i64;
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = ring::hmac::sign(&key, &(now / 30 + steps).to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[19] & 15);
    let number = u32::from_be_bytes([tag[at] & 0x7f, tag[at + 1], tag[at + 2], tag[at + 3]]);
    format!("{:06}", number % 1_000_000)
}

#[test]
fn a_second_factor_is_asked_for_and_each_code_is_taken_once() {
    let folder = tempfile::tempdir().unwrap();
    let (_, address) = hospital(folder.path(), local(), &[("sato", &[Role::DataManager])]);
    let session = cookie(&password(address, "sato"));
    let begun = send(
        address,
        "/account",
        &session,
        &[("do", "second"), ("present", PASSWORD)],
    );
    assert_eq!(begun.status, 200);
    assert!(begun.body.contains("<svg"), "a QR code");
    let secret = between(&begun.body, "</summary><code>", "</code>").to_owned();
    let wrong = send(
        address,
        "/account",
        &session,
        &[("do", "confirm"), ("code", "000000")],
    );
    assert_eq!(wrong.status, 422);
    // Before a first code fits, a password is enough.
    assert_eq!(password(address, "sato").status, 303);
    // The codes of this half minute and of the next, whatever the clock says later.
    let [first, next] = [0, 1].map(|step| code(&secret, step));
    let done = send(
        address,
        "/account",
        &session,
        &[("do", "confirm"), ("code", &first)],
    );
    assert_eq!(done.status, 200, "{}", done.body);
    let recovery: Vec<String> = between(&done.body, "<pre><code>", "</code>")
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(recovery.len(), 10);
    assert_eq!(
        get(address, "/patients", &session).status,
        303,
        "the session of before is over"
    );
    assert_eq!(get(address, "/patients", &cookie(&done)).status, 200);

    let half = || {
        let answer = password(address, "sato");
        assert_eq!(answer.status, 200);
        assert!(
            !answer.head.contains("kura_session="),
            "half of it opens nothing"
        );
        between(&answer.body, "name=\"half\" value=\"", "\"").to_owned()
    };
    let second = |half: &str, code: &str| {
        send(
            address,
            "/sign-in/second",
            "",
            &[("half", half), ("code", code)],
        )
    };
    let kept = half();
    assert_eq!(second(&kept, "000000").status, 401);
    assert_eq!(
        second("00", &next).status,
        401,
        "a code alone opens nothing"
    );
    // The code of the enrolment, and after it any is taken once.
    assert_eq!(second(&kept, &first).status, 401, "it was used before");
    let whole = second(&kept, &next);
    assert_eq!(whole.status, 303);
    assert_eq!(get(address, "/patients", &cookie(&whole)).status, 200);
    assert_eq!(second(&half(), &next).status, 401);
    assert_eq!(second(&half(), &recovery[3]).status, 303);
    assert_eq!(second(&half(), &recovery[3]).status, 401);
    assert_eq!(
        second(&half(), &recovery[4].to_uppercase().replace('-', " ")).status,
        303
    );

    // A program has nobody to ask for a code: the password alone is not enough for it either.
    let basic = "Authorization: Basic c2F0bzpjb3JyZWN0IGhvcnNlIGJhdHRlcnk=\r\n";
    assert_eq!(get(address, "/fhir/Patient?_count=1", basic).status, 401);
}

#[test]
fn a_token_acts_for_its_maker_until_it_is_revoked_or_the_account_ends() {
    let folder = tempfile::tempdir().unwrap();
    let (bank, address) = hospital(
        folder.path(),
        local(),
        &[
            ("sato", &[Role::DataManager, Role::Researcher]),
            ("ono", &[Role::Administrator]),
        ],
    );
    let session = cookie(&password(address, "sato"));
    let short = send(
        address,
        "/account",
        &session,
        &[("do", "token"), ("about", "x"), ("days", "90")],
    );
    assert_eq!(short.status, 422);
    let long = [
        ("do", "token"),
        ("about", "nightly import"),
        ("days", "4000"),
    ];
    assert_eq!(send(address, "/account", &session, &long).status, 422);
    let made = send(
        address,
        "/account",
        &session,
        &[("do", "token"), ("about", "nightly import"), ("days", "90")],
    );
    let token = between(&made.body, "<pre><code>", "</code>").to_owned();
    assert!(token.starts_with("kura_"));
    let with = |token: &str| {
        let header = format!("Authorization: Bearer {token}\r\n");
        get(address, "/fhir/Patient?_count=1", &header).status
    };
    assert_eq!(with(&token), 200);
    assert_eq!(with(&format!("{}0", &token[..token.len() - 1])), 401);
    assert_eq!(with("kura_"), 401);
    // It keeps the role it was made in; the page shows it no more.
    let again = get(address, "/account", &session);
    assert!(again.body.contains("nightly import") && !again.body.contains(&token));
    let id = between(&again.body, "name=\"id\" value=\"", "\"").to_owned();
    // Nobody else revokes it.
    let ono = cookie(&password(address, "ono"));
    assert_eq!(
        send(address, "/account", &ono, &[("do", "revoke"), ("id", &id)]).status,
        404
    );
    assert_eq!(with(&token), 200);
    assert_eq!(
        send(
            address,
            "/account",
            &session,
            &[("do", "revoke"), ("id", &id)]
        )
        .status,
        200
    );
    assert_eq!(with(&token), 401, "at once");

    // Another role, under another token; the one of before is worth nothing.
    let other = send(
        address,
        "/account",
        &session,
        &[("do", "role"), ("role", "researcher")],
    );
    assert_eq!(other.status, 303);
    let as_researcher = cookie(&other);
    assert_eq!(get(address, "/patients", &session).status, 303);
    assert_eq!(get(address, "/patients", &as_researcher).status, 403);
    let forbidden = [("do", "role"), ("role", "administrator")];
    assert_eq!(
        send(address, "/account", &as_researcher, &forbidden).status,
        403
    );

    // Disabled: signed out at once, and the password opens nothing.
    assert_eq!(
        send(
            address,
            "/accounts",
            &ono,
            &[("do", "disable"), ("name", "sato")]
        )
        .status,
        200
    );
    assert_eq!(get(address, "/models", &as_researcher).status, 303);
    assert_eq!(password(address, "sato").status, 401);
    // The last administrator stays.
    assert_eq!(
        send(
            address,
            "/accounts",
            &ono,
            &[("do", "disable"), ("name", "ono")]
        )
        .status,
        422
    );
    // What another process does is noticed, too.
    let enable = accounts::Change {
        disabled: Some(false),
        ..accounts::Change::default()
    };
    accounts::user_change(&bank, &operator(), "sato", &enable).unwrap();
    let session = cookie(&password(address, "sato"));
    assert_eq!(get(address, "/patients", &session).status, 200);
    let disable = accounts::Change {
        disabled: Some(true),
        ..accounts::Change::default()
    };
    accounts::user_change(&bank, &operator(), "sato", &disable).unwrap();
    let mut tries = 0;
    while get(address, "/patients", &session).status != 303 {
        tries += 1;
        assert!(tries < 100, "it never counts");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

#[test]
fn ten_wrong_proofs_lock_an_account_and_an_administrator_unlocks_it() {
    let folder = tempfile::tempdir().unwrap();
    let (_, address) = hospital(
        folder.path(),
        local(),
        &[("sato", &[Role::Doctor]), ("ono", &[Role::Administrator])],
    );
    let ono = cookie(&password(address, "ono"));
    for _ in 0..10 {
        let wrong = [("name", "sato"), ("password", "wrong horse battery")];
        assert_eq!(send(address, "/sign-in", "", &wrong).status, 401);
    }
    assert_eq!(password(address, "sato").status, 401);
    let shown = get(address, "/accounts", &ono);
    assert!(shown.body.contains("locked after wrong passwords"));
    assert_eq!(
        send(
            address,
            "/accounts",
            &ono,
            &[("do", "unlock"), ("name", "sato")]
        )
        .status,
        200
    );
    assert_eq!(password(address, "sato").status, 303);
}

#[test]
fn where_two_factors_are_needed_one_opens_the_account_page_only() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = local();
    config.access.second_factor = SecondFactor::Always;
    let (_, address) = hospital(folder.path(), config, &[("sato", &[Role::DataManager])]);
    let session = cookie(&password(address, "sato"));
    let refused = get(address, "/patients", &session);
    assert_eq!(refused.status, 403);
    assert!(
        refused.body.contains("href=\"/account\""),
        "it says what to do"
    );
    let basic = "Authorization: Basic c2F0bzpjb3JyZWN0IGhvcnNlIGJhdHRlcnk=\r\n";
    assert_eq!(get(address, "/fhir/Patient?_count=1", basic).status, 403);
    assert_eq!(get(address, "/account", &session).status, 200);
    let begun = send(
        address,
        "/account",
        &session,
        &[("do", "second"), ("present", PASSWORD)],
    );
    let secret = between(&begun.body, "</summary><code>", "</code>").to_owned();
    let done = send(
        address,
        "/account",
        &session,
        &[("do", "confirm"), ("code", &code(&secret, 0))],
    );
    assert_eq!(get(address, "/patients", &cookie(&done)).status, 200);
}

#[test]
fn a_password_is_changed_by_whoever_knows_it() {
    let folder = tempfile::tempdir().unwrap();
    let (_, address) = hospital(folder.path(), local(), &[("sato", &[Role::Doctor])]);
    let (here, there) = (
        cookie(&password(address, "sato")),
        cookie(&password(address, "sato")),
    );
    let change = |present: &str, new: &str| {
        send(
            address,
            "/account",
            &here,
            &[("do", "password"), ("present", present), ("new", new)],
        )
    };
    assert_eq!(
        change("not the present one", "another horse battery").status,
        422
    );
    for weak in ["short", "aaaaaaaaaaaaaaaa", "sato-sato-sato-sato", PASSWORD] {
        assert_eq!(change(PASSWORD, weak).status, 422, "{weak}");
    }
    let changed = change(PASSWORD, "another horse battery");
    assert_eq!(changed.status, 200);
    assert_eq!(
        get(address, "/patients", &there).status,
        303,
        "other browsers are signed out"
    );
    assert_eq!(get(address, "/patients", &cookie(&changed)).status, 200);
    assert_eq!(password(address, "sato").status, 401);
}

#[test]
fn wrong_codes_lock_an_account_however_often_the_password_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let (_, address) = hospital(folder.path(), local(), &[("sato", &[Role::DataManager])]);
    let session = cookie(&password(address, "sato"));
    // Without the password nobody enrols: a token or a browser left open is not enough.
    let open = send(address, "/account", &session, &[("do", "second")]);
    assert_eq!(open.status, 422);
    let enrol = [("do", "second"), ("present", PASSWORD)];
    let begun = send(address, "/account", &session, &enrol);
    let secret = between(&begun.body, "</summary><code>", "</code>").to_owned();
    let confirm = [("do", "confirm"), ("code", &code(&secret, 0))];
    let session = cookie(&send(address, "/account", &session, &confirm));
    let token = [("do", "token"), ("about", "nightly import"), ("days", "9")];
    let made = send(address, "/account", &session, &token);
    let bearer = format!(
        "Authorization: Bearer {}\r\n",
        between(&made.body, "<pre><code>", "</code>")
    );
    assert_eq!(get(address, "/patients", &bearer).status, 200);
    // A token does not act as a browser does.
    assert_eq!(send(address, "/account", &bearer, &token).status, 403);
    for _ in 0..10 {
        let answer = password(address, "sato");
        if answer.status == 200 {
            let half = between(&answer.body, "name=\"half\" value=\"", "\"").to_owned();
            let wrong = [("half", half.as_str()), ("code", "000000")];
            assert_eq!(send(address, "/sign-in/second", "", &wrong).status, 401);
        }
    }
    assert_eq!(password(address, "sato").status, 401, "it waits");
    // A password that is changed takes the tokens along.
    let change = [
        ("do", "password"),
        ("present", PASSWORD),
        ("new", "another horse battery"),
    ];
    assert_eq!(
        send(address, "/account", &session, &change).status,
        422,
        "locked"
    );
    assert_eq!(get(address, "/patients", &bearer).status, 200);
}
