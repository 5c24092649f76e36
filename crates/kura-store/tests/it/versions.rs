use kura_model::{LogicalTime, RecordKey};
use kura_store::{Commit, Outcome, Put, Write};

use crate::{Fixture, commit, put};

#[test]
fn every_write_is_a_version_and_the_same_bytes_are_none() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let first = commit(store, vec![put("A", "1", "one", vec![])]);
    assert_eq!(first.outcomes, [Outcome::Created]);
    assert_eq!(first.t, LogicalTime(1));
    let same = commit(store, vec![put("A", "1", "one", vec![])]);
    assert_eq!(same.outcomes, [Outcome::Unchanged]);
    assert_eq!(same.t, LogicalTime(1), "nothing written, no time passes");
    let second = commit(
        store,
        vec![put("A", "1", "two", vec![]), put("A", "1", "three", vec![])],
    );
    assert_eq!(
        second.outcomes,
        [
            Outcome::Updated { version: 2 },
            Outcome::Updated { version: 3 }
        ]
    );
    let key = RecordKey::new("A", "1");
    let deleted = commit(store, vec![Write::Delete(key.clone())]);
    assert_eq!(deleted.outcomes, [Outcome::Deleted]);
    assert_eq!(
        commit(store, vec![Write::Delete(key.clone())]).outcomes,
        [Outcome::Absent]
    );
    store
        .read(|reader| {
            assert!(reader.current(&key)?.unwrap().deleted);
            assert_eq!(reader.version(&key, 2)?.unwrap().body, b"two");
            let history = reader.history(&key, None, 10)?;
            let bodies: Vec<_> = history.iter().map(|version| &version.body[..]).collect();
            assert_eq!(bodies, [&b""[..], b"three", b"two", b"one"]);
            assert_eq!(reader.history(&key, Some(3), 1)?[0].version, 2);
            // What it was, at each time.
            let at = |reader: &mut kura_store::Reader<'_>, t| {
                reader
                    .current_at(&key, LogicalTime(t))
                    .map(|found| found.map(|version| version.body))
            };
            assert_eq!(at(reader, 0)?, None);
            assert_eq!(at(reader, 1)?, Some(b"one".to_vec()));
            assert_eq!(at(reader, 2)?, Some(b"three".to_vec()));
            assert_eq!(at(reader, 3)?, Some(Vec::new()));
            Ok(())
        })
        .unwrap();
    // After a deletion the id can live again, and its history goes on.
    let back = commit(store, vec![put("A", "1", "one", vec![])]);
    assert_eq!(back.outcomes, [Outcome::Updated { version: 5 }]);
    let tallies = store.read(|reader| reader.tallies()).unwrap();
    assert_eq!((tallies[0].live, tallies[0].versions), (1, 5));
}

#[test]
fn an_old_version_that_comes_again_brings_nothing_back() {
    let fixture = Fixture::new();
    let once = |body: &str| {
        Write::Put(Put {
            key: RecordKey::new("A", "1"),
            body: body.as_bytes().to_vec(),
            index: Vec::new(),
            indexed_by: None,
            owners: Vec::new(),
            blobs: Vec::new(),
            source: Some((1, 7)),
            once: true,
        })
    };
    let receipt = commit(&fixture.store, vec![once("one"), once("two"), once("one")]);
    assert_eq!(receipt.outcomes[2], Outcome::Superseded);
    let current = fixture
        .store
        .read(|reader| reader.current(&RecordKey::new("A", "1")))
        .unwrap()
        .unwrap();
    assert_eq!(
        (current.body, current.source),
        (b"two".to_vec(), Some((1, 7)))
    );
}

#[test]
fn bodies_of_every_size_come_back_with_and_without_a_dictionary() {
    let fixture = Fixture::new();
    let body = |id: usize| {
        format!(
            "{{\"id\":{id},\"text\":\"{}\"}}",
            "検査値 ".repeat(id * 7 % 300)
        )
    };
    // The first batch is too small to train on, the second is not.
    commit(
        &fixture.store,
        (0..10)
            .map(|id| put("A", &id.to_string(), &body(id), vec![]))
            .collect(),
    );
    commit(
        &fixture.store,
        (10..600)
            .map(|id| put("A", &id.to_string(), &body(id), vec![]))
            .collect(),
    );
    let store = fixture.again();
    store
        .read(|reader| {
            for id in 0..600 {
                let found = reader
                    .current(&RecordKey::new("A", id.to_string()))?
                    .unwrap();
                assert_eq!(found.body, body(id).as_bytes());
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn two_processes_write_to_one_bank() {
    let fixture = Fixture::new();
    let other = fixture.again();
    for round in 0..20 {
        let store = if round % 2 == 0 {
            &fixture.store
        } else {
            &other
        };
        let receipt = commit(
            store,
            vec![
                put("A", "shared", &format!("{round}"), vec![]),
                put("B", &round.to_string(), "x", vec![]),
            ],
        );
        assert_eq!(receipt.t, LogicalTime(round + 1));
    }
    let version = other
        .read(|reader| reader.current(&RecordKey::new("A", "shared")))
        .unwrap()
        .unwrap();
    assert_eq!((version.version, &version.body[..]), (20, &b"19"[..]));
}

#[test]
fn a_blob_is_itself_or_an_error() {
    let fixture = Fixture::new();
    let blobs = fixture.store.blobs();
    let (hash, size) = blobs.put(&b"pixels"[..]).unwrap();
    assert_eq!(size, 6);
    assert_eq!(blobs.put(&b"pixels"[..]).unwrap().0, hash);
    assert_eq!(blobs.read(hash).unwrap(), b"pixels");
    blobs.verify(hash).unwrap();
    // An unfinished one leaves nothing.
    let mut unfinished = blobs.writer().unwrap();
    std::io::Write::write_all(&mut unfinished, b"half").unwrap();
    drop(unfinished);
    assert_eq!(
        std::fs::read_dir(fixture.folder.path().join("spool"))
            .unwrap()
            .count(),
        0
    );
    std::fs::write(blobs.path(hash), b"pixelz").unwrap();
    assert!(blobs.read(hash).is_err());
    assert!(blobs.verify(hash).is_err());
}

#[test]
fn a_bank_of_another_schema_is_refused() {
    let fixture = Fixture::new();
    let folder = fixture.folder.path().to_owned();
    assert!(
        kura_store::Store::create(&folder, kura_model::Zone::Clinical, &fixture.database).is_err()
    );
    assert!(
        kura_store::Store::open(&folder, kura_model::Zone::Research, &fixture.database).is_err()
    );
    assert!(Commit::default().is_empty());
}
