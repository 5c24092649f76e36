//! Conditions of a commit, seen by the writer.

use kura_model::{Category, LogicalTime, RecordKey};
use kura_store::{AuditEntry, Commit, Expect, HistoryOf, HistoryQuery, Write};

use crate::{Fixture, context, put};

fn newest(id: &str, version: Option<u64>) -> Expect {
    Expect::Newest {
        key: RecordKey::new("Patient", id),
        version,
    }
}

fn commit(fixture: &Fixture, expect: Vec<Expect>, writes: Vec<Write>) -> Option<LogicalTime> {
    let done = fixture.store.commit(Commit {
        expect,
        writes,
        ..Commit::default()
    });
    match done {
        Ok(receipt) => Some(receipt.t),
        Err(error) => {
            assert_eq!(error.category, Category::Precondition, "{error:?}");
            None
        }
    }
}

#[test]
fn one_broken_condition_and_nothing_is_written() {
    let fixture = Fixture::new();
    let patient = |id: &str, body: &str| put("Patient", id, body, Vec::new());
    assert!(commit(&fixture, vec![newest("a", None)], vec![patient("a", "1")]).is_some());
    assert!(commit(&fixture, vec![newest("a", None)], vec![patient("a", "2")]).is_none());
    assert!(
        commit(
            &fixture,
            vec![newest("a", Some(1)), newest("b", Some(1))],
            vec![patient("a", "2"), patient("b", "1")],
        )
        .is_none()
    );
    let at = fixture.store.now().unwrap();
    assert_eq!(at, LogicalTime(1));
    assert!(
        commit(
            &fixture,
            vec![newest("a", Some(1))],
            vec![patient("a", "2")]
        )
        .is_some()
    );
    // Another process has written: the writer's caches must not answer.
    fixture
        .again()
        .commit(Commit {
            writes: vec![patient("a", "3")],
            ..Commit::default()
        })
        .unwrap();
    assert!(
        commit(
            &fixture,
            vec![newest("a", Some(2))],
            vec![patient("a", "4")]
        )
        .is_none()
    );

    let untouched = |kind: Option<&str>, since: LogicalTime| Expect::Untouched {
        kind: kind.map(str::to_owned),
        since,
    };
    let now = fixture.store.now().unwrap();
    assert!(commit(&fixture, vec![untouched(Some("Patient"), at)], vec![]).is_none());
    assert!(commit(&fixture, vec![untouched(Some("Observation"), at)], vec![]).is_some());
    assert!(commit(&fixture, vec![untouched(None, at)], vec![]).is_none());
    assert!(commit(&fixture, vec![untouched(None, now)], vec![]).is_some());
}

#[test]
fn of_many_writers_on_one_version_one_wins() {
    let fixture = Fixture::new();
    assert!(commit(&fixture, vec![], vec![put("Patient", "a", "0", vec![])]).is_some());
    let second = fixture.again();
    let won = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|number| {
                let store = if number % 2 == 0 {
                    &fixture.store
                } else {
                    &second
                };
                scope.spawn(move || {
                    store
                        .commit(Commit {
                            expect: vec![newest("a", Some(1))],
                            writes: vec![put("Patient", "a", &format!("by {number}"), vec![])],
                            ..Commit::default()
                        })
                        .is_ok()
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| usize::from(thread.join().unwrap()))
            .sum::<usize>()
    });
    assert_eq!(won, 1);
}

#[test]
fn history_of_a_kind_is_paged_and_knows_deletions() {
    let fixture = Fixture::new();
    for (id, body) in [("a", "1"), ("b", "1"), ("a", "2")] {
        commit(&fixture, vec![], vec![put("Patient", id, body, vec![])]);
    }
    commit(
        &fixture,
        vec![],
        vec![
            Write::Delete(RecordKey::new("Patient", "b")),
            put("Observation", "o", "1", vec![]),
        ],
    );
    let page = |of: HistoryOf, before: Option<i64>, limit: u32| {
        let query = HistoryQuery {
            of,
            since: None,
            at: None,
            before,
            limit,
        };
        let rows = fixture
            .store
            .read(|reader| reader.history_of(&query))
            .unwrap();
        let shown: Vec<String> = rows
            .iter()
            .map(|row| {
                let version = &row.version;
                let deleted = if version.deleted { " deleted" } else { "" };
                format!("{}/{}{deleted}", version.key.id, version.version)
            })
            .collect();
        (shown, rows.last().map(|row| row.pk))
    };
    let patients = || HistoryOf::Kinds(vec!["Patient".to_owned()]);
    let (first, next) = page(patients(), None, 3);
    assert_eq!(first, ["b/2 deleted", "a/2", "b/1"]);
    assert_eq!(page(patients(), next, 3).0, ["a/1"]);
    let both = HistoryOf::Kinds(vec!["Patient".to_owned(), "Observation".to_owned()]);
    assert_eq!(page(both, None, 9).0.len(), 5);
    let one = HistoryOf::Record(RecordKey::new("Patient", "a"));
    assert_eq!(page(one, None, 9).0, ["a/2", "a/1"]);
}

#[test]
fn history_by_time() {
    let fixture = Fixture::new();
    let mut times = Vec::new();
    for body in ["1", "2", "3"] {
        std::thread::sleep(std::time::Duration::from_millis(5));
        let receipt = fixture
            .store
            .commit(Commit {
                writes: vec![put("Patient", "a", body, vec![])],
                ..Commit::default()
            })
            .unwrap();
        times.push(receipt.at);
    }
    let versions = |since: Option<i64>, at: Option<(i64, i64)>| -> Vec<u64> {
        let query = HistoryQuery {
            of: HistoryOf::Kinds(vec!["Patient".to_owned()]),
            since,
            at,
            before: None,
            limit: 9,
        };
        let rows = fixture
            .store
            .read(|reader| reader.history_of(&query))
            .unwrap();
        rows.iter().map(|row| row.version.version).collect()
    };
    assert_eq!(versions(Some(times[1]), None), [3, 2]);
    assert_eq!(versions(Some(times[2] + 1), None), [] as [u64; 0]);
    assert_eq!(versions(None, Some((times[0], times[0]))), [1]);
    assert_eq!(versions(None, Some((times[0], times[1]))), [2, 1]);
    assert_eq!(versions(None, Some((times[1] + 1, times[2] - 1))), [2]);
    assert_eq!(
        versions(None, Some((0, times[0] - 1))),
        [] as [u64; 0],
        "before there was anything"
    );
}

/// Each has its own time and its own outcome, whatever becomes of the others.
#[test]
fn commits_together_are_as_commits_one_by_one() {
    let fixture = Fixture::new();
    let one = |id: &str, body: &str, version: Option<u64>| Commit {
        expect: vec![newest(id, version)],
        writes: vec![put("Patient", id, body, Vec::new())],
        audit: vec![AuditEntry::new(&context(), "fhir_update", id)],
        ..Commit::default()
    };
    let told = |commits: &[Commit]| -> Vec<std::result::Result<u64, Category>> {
        let each = fixture.store.commit_each(commits).into_iter();
        each.map(|done| {
            done.map(|receipt| receipt.t.0)
                .map_err(|error| error.category)
        })
        .collect()
    };
    assert_eq!(told(&[]), []);
    assert_eq!(
        told(&[
            one("a", "1", None),
            one("b", "1", Some(3)),
            one("a", "2", Some(1)),
            one("a", "2", Some(2)),
            one("c", "1", None),
        ]),
        [Ok(1), Err(Category::Precondition), Ok(2), Ok(2), Ok(3)],
        "what is there already makes no time"
    );
    // One that cannot be written at all takes none with it. SQLite can write each.
    let unwritable = match fixture.server {
        Some(_) => one("\0", "1", None),
        None => one("b", "1", Some(1)),
    };
    assert_eq!(
        told(&[one("d", "1", None), unwritable, one("a", "3", Some(2))])
            .into_iter()
            .map(std::result::Result::ok)
            .collect::<Vec<_>>(),
        [Some(4), None, Some(5)]
    );
    // Another process has written: the writer's caches must not answer.
    let other = fixture.again();
    let receipt = other.commit(one("a", "4", Some(3))).unwrap();
    assert_eq!(receipt.t, LogicalTime(6));
    assert_eq!(
        told(&[one("a", "5", Some(3)), one("e", "1", None)]),
        [Err(Category::Precondition), Ok(7)]
    );
    let version = |id: &str| {
        let key = RecordKey::new("Patient", id);
        let found = fixture.store.read(|reader| reader.current(&key)).unwrap();
        found.map(|version| version.version)
    };
    assert_eq!(
        ["a", "b", "c", "d", "e"].map(version),
        [Some(4), None, Some(1), Some(1), Some(1)]
    );
    // An entry for each that was written, and for the one that was there already.
    let chain = fixture.store.audit_verify(None).unwrap();
    assert_eq!((chain.broken_at, chain.rows), (None, 8));
}
