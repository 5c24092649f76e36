use kura_store::{AuditEntry, Commit, Quarantined, Source};

use crate::{Fixture, context};

#[test]
fn reads_and_writes_are_in_one_whole_chain() {
    let fixture = Fixture::new();
    for round in 0..50 {
        fixture
            .store
            .audit(AuditEntry::new(&context(), "read", format!("A/{round}")));
        if round % 10 == 0 {
            fixture
                .store
                .commit(Commit {
                    audit: vec![AuditEntry::new(&context(), "write", "A/1").detail("{}")],
                    ..Commit::default()
                })
                .unwrap();
        }
    }
    let check = fixture.store.audit_verify(None).unwrap();
    assert_eq!((check.rows, check.broken_at), (55, None));
    let head = check.head;
    fixture
        .store
        .audit(AuditEntry::new(&context(), "read", "A/1"));
    let check = fixture.store.audit_verify(Some(head)).unwrap();
    assert!(check.anchor_found && check.rows == 56);
    let strange = kura_model::ContentHash::of(b"nobody's");
    assert!(
        !fixture
            .store
            .audit_verify(Some(strange))
            .unwrap()
            .anchor_found
    );
    assert_eq!(fixture.store.audit_recent(1).unwrap()[0].actor, "tester");
}

#[test]
fn entries_that_wait_are_written_when_the_store_closes() {
    let fixture = Fixture::new();
    let other = fixture.again();
    other.audit(AuditEntry::new(&context(), "read", "A/1"));
    drop(other);
    assert_eq!(fixture.store.audit_verify(None).unwrap().rows, 1);
}

#[test]
fn sources_and_quarantine_are_remembered() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let job = store.job_begin("import", "tester", "{}").unwrap();
    let source = Source {
        id: 0,
        hash: kura_model::ContentHash::of(b"file"),
        name: "a.ndjson".to_owned(),
        format: "fhir-ndjson".to_owned(),
        size: 4,
        modified: 9,
        done: false,
        position: 0,
        accepted: 0,
        unchanged: 0,
        refused: 0,
        started: 0,
        updated: 0,
        job: Some(job.id),
    };
    let begun = store.source_begin(&source).unwrap();
    // The same bytes under another name are the same source.
    let renamed = Source {
        name: "b.ndjson".to_owned(),
        ..source
    };
    assert_eq!(store.source_begin(&renamed).unwrap().id, begun.id);
    assert!(store.source_finished("b.ndjson", 4, 9).unwrap().is_none());
    let refusal = kura_model::Refusal::new("json-syntax", "not JSON").at_line(3);
    store
        .commit(Commit {
            sources: vec![kura_store::SourceProgress {
                id: begun.id,
                position: 3,
                done: true,
                accepted: 2,
                unchanged: 0,
                refused: 1,
                items: 0..0,
            }],
            quarantine: vec![Quarantined {
                job: Some(job.id),
                source: Some(begun.id),
                name: "b.ndjson".to_owned(),
                refusal: refusal.clone(),
                item: b"{".to_vec(),
                item_size: 1,
            }],
            ..Commit::default()
        })
        .unwrap();
    let finished = store.source_finished("b.ndjson", 4, 9).unwrap().unwrap();
    assert_eq!((finished.position, finished.refused), (3, 1));
    let rows = store.quarantine(None, None, 10).unwrap();
    assert_eq!(rows[0].refusal, refusal);
    assert_eq!(store.quarantine_item(rows[0].id).unwrap().unwrap(), b"{");
    assert!(
        store
            .quarantine(None, Some(rows[0].id), 10)
            .unwrap()
            .is_empty()
    );
    assert_eq!(store.quarantine_count().unwrap(), 1);
}

/// What a commit's writes come to is counted in that commit: a process that is killed afterwards
/// has not lost it.
#[test]
fn a_source_counts_the_writes_of_its_commits() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let source = store
        .source_begin(&Source {
            id: 0,
            hash: kura_model::ContentHash::of(b"file"),
            name: "a.ndjson".to_owned(),
            format: "fhir-ndjson".to_owned(),
            size: 4,
            modified: 9,
            done: false,
            position: 0,
            accepted: 0,
            unchanged: 0,
            refused: 0,
            started: 0,
            updated: 0,
            job: None,
        })
        .unwrap();
    let put = |id: &str| {
        kura_store::Write::Put(kura_store::Put {
            key: kura_model::RecordKey::new("Thing", id),
            body: id.as_bytes().to_vec(),
            index: Vec::new(),
            indexed_by: None,
            owners: Vec::new(),
            blobs: Vec::new(),
            source: None,
            once: true,
        })
    };
    let commit = |ids: &[&str], (accepted, unchanged), items| {
        store
            .commit(Commit {
                writes: ids.iter().map(|id| put(id)).collect(),
                sources: vec![kura_store::SourceProgress {
                    id: source.id,
                    position: 1,
                    done: false,
                    accepted,
                    unchanged,
                    refused: 0,
                    items,
                }],
                ..Commit::default()
            })
            .unwrap();
        let known = store.source_by_id(source.id).unwrap().unwrap();
        (known.accepted, known.unchanged)
    };
    assert_eq!(commit(&["a", "b"], (0, 0), 0..2), (2, 0));
    assert_eq!(commit(&["b", "c"], (2, 0), 0..2), (3, 1));
    assert_eq!(commit(&["d"], (4, 1), 0..0), (4, 1));
}
