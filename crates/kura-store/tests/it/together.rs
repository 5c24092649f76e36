//! Several processes on one bank, on either database.

use kura_model::{Category, LogicalTime, RecordKey};
use kura_store::{AuditEntry, Commit, Query, Write};

use crate::{Fixture, commit, context, put, token};

/// The commit carries its audit entry, as the services write it.
fn noted(writes: Vec<Write>) -> Commit {
    Commit {
        writes,
        audit: vec![AuditEntry::new(&context(), "write", "A/1")],
        ..Commit::default()
    }
}

#[test]
fn stores_that_write_at_once_keep_one_order_and_one_chain() {
    const THREADS: u64 = 6;
    const ROUNDS: u64 = 25;
    let fixture = Fixture::new();
    let second = fixture.again();
    let mut times: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let store = if thread % 2 == 0 {
                    &fixture.store
                } else {
                    &second
                };
                scope.spawn(move || -> Vec<u64> {
                    (0..ROUNDS)
                        .map(|round| {
                            // Names of code systems come in while others write, too.
                            let code = format!("c{thread}-{round}");
                            let receipt = store
                                .commit(noted(vec![
                                    put(
                                        "A",
                                        &format!("{thread}-{round}"),
                                        "own",
                                        vec![token("A.code", &code)],
                                    ),
                                    put("A", "shared", &code, vec![]),
                                    put(&format!("Kind{round}"), &code, "own", vec![]),
                                ]))
                                .unwrap();
                            store.audit(AuditEntry::new(&context(), "read", "A/1"));
                            receipt.t.0
                        })
                        .collect()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    times.sort_unstable();
    let all = THREADS * ROUNDS;
    assert_eq!(times, (1..=all).collect::<Vec<_>>(), "each time once");
    for store in [&fixture.store, &second] {
        // What waits in one store is written before another looks.
        fixture.store.flush_audit();
        second.flush_audit();
        let check = store.audit_verify(None).unwrap();
        assert_eq!((check.rows, check.broken_at), (2 * all, None));
        let (shared, found, tallies) = store
            .read(|reader| {
                Ok((
                    reader.current(&RecordKey::new("A", "shared"))?.unwrap(),
                    reader.count(&Query::all("A"))?,
                    reader.tallies()?,
                ))
            })
            .unwrap();
        assert_eq!((shared.version, found), (all, all + 1));
        let versions: u64 = tallies.iter().map(|tally| tally.versions).sum();
        assert_eq!(versions, 3 * all);
        // Every version of the record that all wrote is there, once.
        let history = store
            .read(|reader| reader.history(&RecordKey::new("A", "shared"), None, 1000))
            .unwrap();
        let numbers: Vec<u64> = history.iter().map(|version| version.version).collect();
        assert_eq!(numbers, (1..=all).rev().collect::<Vec<_>>());
    }
}

#[test]
fn what_is_taken_back_leaves_nothing() {
    let fixture = Fixture::new();
    commit(&fixture.store, vec![put("A", "1", "one", vec![])]);
    let broken = Commit {
        expect: vec![kura_store::Expect::Newest {
            key: RecordKey::new("A", "1"),
            version: Some(9),
        }],
        ..noted(vec![put("New", "1", "one", vec![token("New.code", "x")])])
    };
    let error = fixture.store.commit(broken).unwrap_err();
    assert_eq!(error.category, Category::Precondition);
    if let Some(server) = &fixture.server {
        // Fails in the last statement, when everything else has been written.
        server.run("ALTER TABLE clinical.commits ADD CONSTRAINT broken CHECK (t < 2)");
        let error = fixture
            .store
            .commit(noted(vec![put(
                "New",
                "1",
                "secret",
                vec![token("New.code", "x")],
            )]))
            .unwrap_err();
        let shown = format!("{error:?}");
        assert!(
            shown.contains("SQLSTATE 23514") && !shown.contains("secret"),
            "{shown}"
        );
        server.run("ALTER TABLE clinical.commits DROP CONSTRAINT broken");
    }
    let (now, tallies, found) = fixture
        .store
        .read(|reader| {
            Ok((
                reader.now()?,
                reader.tallies()?.len(),
                reader.count(&Query::all("New"))?,
            ))
        })
        .unwrap();
    assert_eq!((now, tallies, found), (LogicalTime(1), 1, 0));
    assert_eq!(fixture.store.audit_verify(None).unwrap().rows, 0);
    // What the writer had learnt of it is forgotten, too.
    let receipt = commit(
        &fixture.store,
        vec![put("New", "1", "one", vec![token("New.code", "x")])],
    );
    assert_eq!(receipt.t, LogicalTime(2));
    let found = fixture
        .again()
        .read(|reader| reader.current(&RecordKey::new("New", "1")))
        .unwrap();
    assert_eq!(found.unwrap().body, b"one");
}

#[test]
fn one_state_stays_while_others_write() {
    let fixture = Fixture::new();
    commit(&fixture.store, vec![put("A", "1", "one", vec![])]);
    let other = fixture.again();
    fixture
        .store
        .read(|reader| {
            reader.at_one_state(|reader| {
                assert_eq!(reader.now()?, LogicalTime(1));
                commit(&other, vec![put("A", "1", "two", vec![])]);
                assert_eq!(reader.now()?, LogicalTime(1));
                let seen = reader.current(&RecordKey::new("A", "1"))?.unwrap();
                assert_eq!(seen.body, b"one");
                Ok(())
            })?;
            assert_eq!(reader.now()?, LogicalTime(2));
            Ok(())
        })
        .unwrap();
    assert_eq!(fixture.store.now().unwrap(), LogicalTime(2));
}

#[test]
fn a_name_is_held_by_one() {
    let fixture = Fixture::new();
    let second = fixture.again();
    let held = fixture.store.exclusive("import", false).unwrap().unwrap();
    assert!(second.exclusive("import", false).unwrap().is_none());
    assert!(fixture.store.exclusive("import", false).unwrap().is_none());
    assert!(second.exclusive("train", false).unwrap().is_some());
    // Whoever holds a name writes; others may write, too.
    commit(&second, vec![put("A", "1", "one", vec![])]);
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let _waited = second.exclusive("import", true).unwrap().unwrap();
            tell.send(()).unwrap();
        });
        let early = told.recv_timeout(std::time::Duration::from_millis(200));
        assert!(early.is_err(), "it is held");
        drop(held);
        told.recv().unwrap();
    });
    assert!(fixture.store.exclusive("import", false).unwrap().is_some());
}

/// A page can begin in one process and go on in another; a handler calls from its runtime.
#[test]
fn a_runtime_around_the_caller_is_no_matter() {
    let fixture = Fixture::new();
    let work = || {
        let body = fixture.store.now().unwrap().0.to_string();
        commit(&fixture.store, vec![put("A", "1", &body, vec![])]);
        fixture
            .store
            .read(|reader| reader.current(&RecordKey::new("A", "1")))
            .unwrap()
            .unwrap()
            .version
    };
    let single = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    assert_eq!(single.block_on(async { work() }), 1);
    let several = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    assert_eq!(several.block_on(async { work() }), 2);
    std::thread::scope(|scope| {
        let handle = several.handle();
        scope.spawn(move || {
            let _inside = handle.enter();
            assert_eq!(work(), 3);
        });
    });
}
