//! What only PostgreSQL can do wrong. Each of these says so and ends where there is none.

use std::io::{Read, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use kura_model::{Category, IndexEntry, IndexValue, LogicalTime, RecordKey, Zone};
use kura_store::{
    Address, AuditEntry, Commit, Database, Outcome, Predicate, Query, Store, TextMatch,
};

use crate::server::{Throwaway, given};
use crate::{Fixture, commit, context, put, token};

/// A bank on the server of the tests.
fn bank() -> Option<Fixture> {
    if given().is_none() {
        eprintln!("SKIPPED: KURA_TEST_POSTGRES has no address; run make test");
        return None;
    }
    Some(Fixture::new())
}

fn throwaway(fixture: &Fixture) -> &Throwaway {
    fixture.server.as_ref().expect("on the server")
}

/// Nothing of where the server is and who goes in.
#[track_caller]
fn says_nothing(error: &kura_model::Error) {
    let shown = format!("{error} {error:?}");
    for word in ["127.0.0.1", "kura_test", "hidden-word", "nobody-known"] {
        assert!(!shown.contains(word), "{shown}");
    }
}

#[test]
fn a_lost_connection_is_opened_again() {
    let Some(fixture) = bank() else { return };
    let store = &fixture.store;
    commit(store, vec![put("A", "1", "one", vec![])]);
    assert_eq!(store.now().unwrap(), LogicalTime(1));
    throwaway(&fixture).cut_off();
    assert_eq!(store.now().unwrap(), LogicalTime(1));
    throwaway(&fixture).cut_off();
    commit(store, vec![put("A", "1", "two", vec![])]);

    // In the middle of a read.
    let error = store
        .read(|reader| {
            reader.now()?;
            throwaway(&fixture).cut_off();
            reader.now()
        })
        .unwrap_err();
    says_nothing(&error);
    let error = store
        .read(|reader| {
            reader.at_one_state(|reader| {
                throwaway(&fixture).cut_off();
                reader.now()
            })
        })
        .unwrap_err();
    says_nothing(&error);
    assert_eq!(store.now().unwrap(), LogicalTime(2));

    // Whoever held a name holds it no longer.
    let held = store.exclusive("import", false).unwrap().unwrap();
    throwaway(&fixture).cut_off();
    assert!(
        fixture
            .again()
            .exclusive("import", false)
            .unwrap()
            .is_some()
    );
    drop(held);
    assert!(store.exclusive("import", false).unwrap().is_some());
}

#[test]
fn a_commit_cut_off_in_the_middle_leaves_nothing() {
    let Some(fixture) = bank() else { return };
    commit(&fixture.store, vec![put("A", "1", "one", vec![])]);
    std::thread::scope(|scope| {
        // Holds the last table a commit writes to, then ends everybody who waits for it.
        scope.spawn(|| {
            throwaway(&fixture).run(
                "BEGIN; LOCK TABLE clinical.commits IN SHARE ROW EXCLUSIVE MODE; SELECT pg_sleep(0.5);
                 SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock'; COMMIT",
            );
        });
        std::thread::sleep(Duration::from_millis(200));
        let error = fixture
            .store
            .commit(Commit {
                writes: vec![put("A", "1", "two", vec![]), put("B", "1", "one", vec![])],
                audit: vec![AuditEntry::new(&context(), "write", "A/1")],
                ..Commit::default()
            })
            .unwrap_err();
        says_nothing(&error);
    });
    assert_eq!(fixture.store.now().unwrap(), LogicalTime(1));
    assert_eq!(fixture.store.audit_verify(None).unwrap().rows, 0);
    let receipt = commit(&fixture.store, vec![put("B", "1", "one", vec![])]);
    assert_eq!(receipt.outcomes, [Outcome::Created]);
}

/// What a line between client and server does when `COMMIT` comes by.
const PASS: u8 = 0;
/// The server hears it; its answer is lost.
const LOSE_ANSWER: u8 = 1;
/// The server never hears it.
const LOSE_QUESTION: u8 = 2;

/// A line to the server that can be cut; its port.
fn line(to: String, cut: Arc<AtomicU8>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let Ok(mut client) = client else { break };
            let Ok(mut server) = TcpStream::connect(&to) else {
                break;
            };
            let (mut answers, mut back) =
                (server.try_clone().unwrap(), client.try_clone().unwrap());
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut answers, &mut back);
                let _ = back.shutdown(Shutdown::Both);
            });
            let cut = cut.clone();
            std::thread::spawn(move || {
                let mut buffer = vec![0; 1 << 16];
                while let Ok(length @ 1..) = client.read(&mut buffer) {
                    let said = &buffer[..length];
                    let commit = said.windows(7).any(|part| part == b"COMMIT\0");
                    match if commit {
                        cut.swap(PASS, Ordering::SeqCst)
                    } else {
                        PASS
                    } {
                        LOSE_ANSWER => {
                            // Nothing comes back from here on.
                            let _ = client.shutdown(Shutdown::Both);
                            let _ = server.write_all(said);
                            std::thread::sleep(Duration::from_millis(300));
                            break;
                        }
                        LOSE_QUESTION => break,
                        _ => {
                            if server.write_all(said).is_err() {
                                break;
                            }
                        }
                    }
                }
                let _ = server.shutdown(Shutdown::Both);
                let _ = client.shutdown(Shutdown::Both);
            });
        }
    });
    port
}

#[test]
fn whether_a_commit_was_heard_is_asked_and_never_guessed() {
    let Some(fixture) = bank() else { return };
    let direct = throwaway(&fixture).text();
    let Some((before, host, after)) = direct.split_once('@').and_then(|(before, rest)| {
        let (host, after) = rest.split_once('/')?;
        Some((before, host.to_owned(), after))
    }) else {
        panic!("KURA_TEST_POSTGRES is postgres://user@host:port/name");
    };
    let cut = Arc::new(AtomicU8::new(PASS));
    let port = line(host, cut.clone());
    let address = Address::parse(&format!("{before}@127.0.0.1:{port}/{after}")).unwrap();
    let database = Database::Postgres(address);
    let store = Store::open(fixture.folder.path(), Zone::Clinical, &database).unwrap();
    commit(&store, vec![put("A", "1", "one", vec![])]);

    cut.store(LOSE_ANSWER, Ordering::SeqCst);
    let receipt = commit(&store, vec![put("A", "1", "two", vec![])]);
    assert_eq!(receipt.t, LogicalTime(2));
    assert_eq!(cut.load(Ordering::SeqCst), PASS, "the line was cut");
    let versions = |fixture: &Fixture| {
        fixture
            .store
            .read(|reader| reader.history(&RecordKey::new("A", "1"), None, 10))
            .unwrap()
            .len()
    };
    assert_eq!(versions(&fixture), 2, "written once");

    cut.store(LOSE_QUESTION, Ordering::SeqCst);
    let error = store
        .commit(Commit {
            writes: vec![put("A", "1", "three", vec![])],
            ..Commit::default()
        })
        .unwrap_err();
    says_nothing(&error);
    assert_eq!(versions(&fixture), 2, "not written, and not tried again");
    let receipt = commit(&store, vec![put("A", "1", "four", vec![])]);
    assert_eq!(receipt.outcomes, [Outcome::Updated { version: 3 }]);
}

#[test]
fn errors_name_neither_server_nor_user() {
    let Some(fixture) = bank() else { return };
    let text = throwaway(&fixture).text();
    let open = |text: &str| {
        Store::open(
            fixture.folder.path(),
            Zone::Clinical,
            &Database::Postgres(Address::parse(text).unwrap()),
        )
        .err()
        .expect("refused")
    };
    let (server, _) = text.rsplit_once('/').unwrap();
    let nowhere = open(&format!("{server}/kura_test_nowhere"));
    assert!(
        nowhere.message().contains("no database of that name"),
        "{nowhere}"
    );
    says_nothing(&nowhere);
    let host = text.split_once('@').unwrap().1;
    says_nothing(&open(&format!(
        "postgres://nobody-known:hidden-word@{host}"
    )));
    says_nothing(&open(
        "postgres://nobody-known:hidden-word@127.0.0.1:9/kura_test",
    ));
}

#[test]
fn a_bank_knows_its_database() {
    let Some(fixture) = bank() else { return };
    let folder = fixture.folder.path();
    let error = Store::open(folder, Zone::Clinical, &Database::Sqlite)
        .err()
        .unwrap();
    assert!(error.message().contains("KURA_DATABASE"), "{error}");
    assert!(!folder.join("clinical.db").exists());
    // The database of another bank.
    let other = Fixture::new();
    let error = Store::open(folder, Zone::Clinical, &other.database)
        .err()
        .unwrap();
    assert!(error.message().contains("another bank"), "{error}");
    let fresh = tempfile::tempdir().unwrap();
    let error = Store::create(fresh.path(), Zone::Clinical, &fixture.database).unwrap_err();
    assert_eq!(error.category, Category::Conflict);
    // Another zone has its own schema in the same database.
    Store::create(fresh.path(), Zone::Research, &fixture.database).unwrap();
    Store::open(fresh.path(), Zone::Research, &fixture.database).unwrap();
}

#[test]
fn an_older_schema_is_upgraded_and_a_newer_one_refused() {
    let Some(fixture) = bank() else { return };
    let server = throwaway(&fixture);
    let folder = fixture.folder.path();
    let open = || Store::open(folder, Zone::Clinical, &fixture.database);
    commit(
        &fixture.store,
        vec![put(
            "A",
            "1",
            "one",
            vec![IndexEntry {
                param: "A.url",
                value: IndexValue::Term("urn:x".to_owned()),
            }],
        )],
    );
    server.run("UPDATE clinical.bank SET value = '99' WHERE key = 'schema'");
    assert!(open().is_err());
    assert!(Store::upgrade(folder, Zone::Clinical, &fixture.database).is_err());
    // The tables as schema 1 had them.
    server.run(
        "SET search_path TO clinical; UPDATE bank SET value = '1' WHERE key = 'schema';
         CREATE TABLE ix_uri (param BIGINT, value TEXT COLLATE \"C\", pk BIGINT);
         INSERT INTO ix_uri SELECT x.param, m.value, x.pk FROM ix_term x JOIN term m ON m.term = x.term;
         DROP TABLE ix_term; DROP TABLE term; DROP INDEX ix_reference_pk; DROP INDEX commits_at; DROP INDEX ix_quantity_pk;
         DROP INDEX compartment_pk",
    );
    let error = open().err().unwrap();
    assert!(error.message().contains("kura upgrade"), "{error}");
    assert_eq!(
        Store::upgrade(folder, Zone::Clinical, &fixture.database).unwrap(),
        1
    );
    let found = open()
        .unwrap()
        .read(|reader| {
            reader.count(&Query::all("A").and(Predicate::Term {
                param: "A.url".to_owned(),
                value: "urn:x".to_owned(),
                matching: kura_store::TermMatch::Exact,
            }))
        })
        .unwrap();
    assert_eq!(found, 1);
}

/// An entry of a B-tree may have 2,704 bytes, and text no U+0000.
#[test]
fn long_texts_and_nul_are_found_again() {
    let Some(fixture) = bank() else { return };
    let long = |end: &str| format!("{}{end}", "長い文".repeat(900));
    let text = |value: String| IndexEntry {
        param: "A.text",
        value: IndexValue::Text(value),
    };
    let reference = |id: String| IndexEntry {
        param: "A.subject",
        value: IndexValue::Reference(RecordKey::new("P", id)),
    };
    commit(
        &fixture.store,
        vec![
            put(
                "A",
                "a",
                "1",
                vec![
                    token("A.code", &long("a")),
                    text(long("a")),
                    reference(long("a")),
                ],
            ),
            put(
                "A",
                "b",
                "1",
                vec![
                    token("A.code", &long("b")),
                    text(long("b")),
                    reference(long("b")),
                ],
            ),
            put(
                "A",
                "c",
                "1",
                vec![token("A.code", "c\0d"), text("c\0d".to_owned())],
            ),
        ],
    );
    let find = |predicate: Predicate| -> Vec<String> {
        fixture
            .store
            .read(|reader| reader.search(&Query::all("A").and(predicate.clone()), None, 10))
            .unwrap()
            .versions
            .into_iter()
            .map(|version| version.key.id)
            .collect()
    };
    let code = |code: String| Predicate::Token {
        param: "A.code".to_owned(),
        system: None,
        code: Some(code),
    };
    assert_eq!(find(code(long("a"))), ["a"]);
    assert_eq!(find(code(long("b"))), ["b"]);
    assert_eq!(find(code("c\0d".to_owned())), ["c"]);
    assert_eq!(find(code("c\u{FFFD}d".to_owned())), [] as [&str; 0]);
    let several = Predicate::Tokens {
        param: "A.code".to_owned(),
        any: vec![
            (None, long("b")),
            (Some("urn:s".to_owned()), "c\0d".to_owned()),
        ],
    };
    assert_eq!(find(several), ["b", "c"]);
    let texts = |value: String, matching| Predicate::Text {
        param: "A.text".to_owned(),
        value,
        matching,
    };
    assert_eq!(find(texts(long("b"), TextMatch::Exact)), ["b"]);
    assert_eq!(
        find(texts("長い文長い".to_owned(), TextMatch::Prefix)),
        ["a", "b"]
    );
    assert_eq!(
        find(Predicate::Reference {
            param: "A.subject".to_owned(),
            target: RecordKey::new("P", long("a")),
        }),
        ["a"]
    );
    // An id of a record itself would come back changed.
    let error = fixture
        .store
        .commit(Commit {
            writes: vec![put("A", "c\0d", "1", vec![])],
            ..Commit::default()
        })
        .unwrap_err();
    assert_eq!(error.category, Category::Invalid);
    // Audit and quarantine keep text without U+0000, and the chain is over what is kept.
    fixture
        .store
        .commit(Commit {
            audit: vec![AuditEntry::new(&context(), "write", "A/c\0d").detail("\0")],
            ..Commit::default()
        })
        .unwrap();
    let check = fixture.store.audit_verify(None).unwrap();
    assert_eq!((check.rows, check.broken_at), (1, None));
}

/// Byte order, as SQLite compares, whatever the database's own collation is.
#[test]
fn text_is_compared_by_bytes() {
    let Some(fixture) = bank() else { return };
    let collations = throwaway(&fixture).ask(
        "SELECT string_agg(DISTINCT collation_name, ',') FROM information_schema.columns
         WHERE table_schema = 'clinical' AND data_type = 'text'",
    );
    assert_eq!(collations, "C");
    let columns = throwaway(&fixture).ask(
        "SELECT string_agg(DISTINCT data_type, ',' ORDER BY data_type) FROM information_schema.columns
         WHERE table_schema = 'clinical'",
    );
    assert_eq!(columns, "bigint,bytea,double precision,text");
}

/// The grants of docs/scale.md.
#[test]
fn a_role_needs_and_gets_no_more_than_is_written_down() {
    let Some(fixture) = bank() else { return };
    let server = throwaway(&fixture);
    commit(&fixture.store, vec![put("A", "1", "one", vec![])]);
    let name = server.ask("SELECT current_database()::text");
    let (writer, reader) = (format!("{name}_writer"), format!("{name}_reader"));
    let folder = tempfile::tempdir().unwrap();
    Store::create(folder.path(), Zone::Research, &fixture.database).unwrap();
    server.run(&format!(
        "CREATE ROLE {writer} LOGIN; CREATE ROLE {reader} LOGIN;
         GRANT USAGE ON SCHEMA clinical TO {writer};
         GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA clinical TO {writer};
         GRANT USAGE ON ALL SEQUENCES IN SCHEMA clinical TO {writer};
         REVOKE UPDATE ON clinical.audit, clinical.record FROM {writer};
         GRANT USAGE ON SCHEMA research TO {reader};
         GRANT SELECT ON ALL TABLES IN SCHEMA research TO {reader}"
    ));
    let (before, after) = server
        .text()
        .split_once('@')
        .map(|(before, after)| (before.to_owned(), after.to_owned()))
        .unwrap();
    let scheme = before.split("//").next().unwrap().to_owned();
    let open = |role: &str, folder: &std::path::Path, zone| {
        let address = Address::parse(&format!("{scheme}//{role}@{after}")).unwrap();
        Store::open(folder, zone, &Database::Postgres(address))
    };
    let store = open(&writer, fixture.folder.path(), Zone::Clinical).unwrap();
    store
        .commit(Commit {
            writes: vec![put("A", "1", "two", vec![token("A.code", "x")])],
            audit: vec![AuditEntry::new(&context(), "write", "A/1")],
            ..Commit::default()
        })
        .unwrap();
    store.job_begin("import", "tester", "{}").unwrap();
    let research = open(&reader, folder.path(), Zone::Research).unwrap();
    assert_eq!(research.now().unwrap(), LogicalTime(0));
    assert!(research.set_mark("a", "b").is_err(), "it may not write");
    let error = open(&reader, fixture.folder.path(), Zone::Clinical)
        .err()
        .unwrap();
    says_nothing(&error);
    drop((store, research));
    server.run(&format!(
        "DROP OWNED BY {writer}; DROP OWNED BY {reader}; DROP ROLE {writer}; DROP ROLE {reader}"
    ));
}
