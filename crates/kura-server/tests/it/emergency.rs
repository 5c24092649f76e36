//! Records opened in an emergency: by reason, for a while, told and looked at.

use std::sync::atomic::AtomicBool;

use kura_model::{Role, Standing};
use kura_service::{Bank, Config, accounts, import};

use crate::sign_in::{PASSWORD, cookie, local, password, send};
use crate::{PATIENT, ask, get, operator, serve};

fn hospital(folder: &std::path::Path, config: &Config) -> std::net::SocketAddr {
    let place = folder.join("bank");
    Bank::init(&operator(), &place, config).unwrap();
    let bank = Bank::open(&place).unwrap();
    let file = folder.join("patient.ndjson");
    std::fs::write(&file, PATIENT).unwrap();
    let stop = AtomicBool::new(false);
    import::import(&bank, &operator(), &[file], &import::Quiet, &stop).unwrap();
    let own = Standing {
        patient: Some("pt-1".to_owned()),
        ..Standing::default()
    };
    for (name, role, standing) in [
        ("sato", Role::Doctor, Standing::default()),
        ("mori", Role::Doctor, Standing::default()),
        ("ito", Role::Auditor, Standing::default()),
        ("hanako", Role::Patient, own),
    ] {
        accounts::user_add(&bank, &operator(), name, &[role], &standing, PASSWORD).unwrap();
    }
    serve(bank)
}

const REASON: &str = "意識不明で搬送、アレルギーの確認のため";

#[test]
fn a_reason_opens_the_records_for_reading_and_everybody_knows() {
    let folder = tempfile::tempdir().unwrap();
    let address = hospital(folder.path(), &local());
    let enter = |name: &str| cookie(&password(address, name));
    let (sato, mori, ito, hanako) = (enter("sato"), enter("mori"), enter("ito"), enter("hanako"));
    let read = |who: &str| get(address, "/fhir/Patient/pt-1", who).status;
    assert_eq!((read(&sato), read(&mori)), (404, 404));
    let open = |who: &str, number: &str, reason: &str| {
        let fields = [("do", "open"), ("number", number), ("reason", reason)];
        send(address, "/emergency", who, &fields)
    };
    assert_eq!(
        open(&sato, "P-77", "救急").status,
        422,
        "a word is no reason"
    );
    assert_eq!(open(&sato, "P-78", REASON).status, 422);
    assert_eq!(open(&ito, "P-77", REASON).status, 403, "no doctor");
    assert_eq!(read(&sato), 404);

    let opened = open(&sato, "P-77", REASON);
    assert_eq!(opened.status, 303, "{}", opened.body);
    assert!(opened.head.contains("location: /patients/pt-1"));
    assert_eq!((read(&sato), read(&mori)), (200, 404), "for nobody else");
    assert_eq!(get(address, "/patients/pt-1", &sato).status, 200);
    // Reading, and no more.
    let json = format!("{sato}Content-Type: application/fhir+json\r\n");
    let body = r#"{"resourceType":"Patient","id":"pt-1"}"#;
    assert_eq!(
        ask(address, "PUT", "/fhir/Patient/pt-1", &json, body).status,
        403
    );

    // The patient finds it among their records; the reason is not told there.
    let told = get(address, "/fhir/Communication", &hanako);
    assert!(told.body.contains("ETREAT") && !told.body.contains(REASON));
    // The officer reads it, and nothing of the patient.
    let list = get(address, "/emergencies", &ito);
    assert!(list.body.contains("sato") && list.body.contains(REASON));
    assert!(!list.body.contains("小野"));
    let id = list
        .body
        .split_once("name=\"id\" value=\"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(id, _)| id.to_owned())
        .unwrap();
    let one = [("id", id.as_str())];
    assert_eq!(send(address, "/emergencies", &sato, &one).status, 403);
    assert_eq!(send(address, "/emergencies", &ito, &one).status, 303);
    let again = get(address, "/emergencies", &ito);
    assert!(again.body.contains("Looked at by: ito"), "{}", again.body);

    // Ended by whoever opened it, and by nobody else.
    let close = [("do", "close"), ("id", id.as_str())];
    assert_eq!(send(address, "/emergency", &mori, &close).status, 422);
    assert_eq!(read(&sato), 200);
    assert_eq!(send(address, "/emergency", &sato, &close).status, 303);
    assert_eq!(read(&sato), 404);
}

#[test]
fn what_was_opened_closes_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = local();
    config.access.emergency_hours = 0;
    let address = hospital(folder.path(), &config);
    let sato = cookie(&password(address, "sato"));
    let fields = [("do", "open"), ("number", "P-77"), ("reason", REASON)];
    assert_eq!(send(address, "/emergency", &sato, &fields).status, 303);
    assert_eq!(get(address, "/fhir/Patient/pt-1", &sato).status, 404);
}
