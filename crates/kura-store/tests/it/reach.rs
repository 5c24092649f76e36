//! What is not within reach is not there: not read, found, counted, led to or written.

use std::sync::Arc;

use kura_model::{Category, IndexEntry, IndexValue, RecordKey};
use kura_store::{
    Commit, HistoryOf, HistoryQuery, Predicate, Put, Query, Reach, Store, TextMatch, Within, Write,
};

use crate::{Fixture, commit, token};

fn patient(id: &str) -> RecordKey {
    RecordKey::new("Patient", id)
}

fn owned(kind: &str, id: &str, body: &str, owners: &[&str], mut index: Vec<IndexEntry>) -> Write {
    if kind != "Patient" {
        index.extend(owners.iter().map(|owner| IndexEntry {
            param: "Observation.patient",
            value: IndexValue::Reference(patient(owner)),
        }));
    }
    Write::Put(Put {
        index,
        owners: owners.iter().map(|owner| patient(owner)).collect(),
        ..Put::plain(RecordKey::new(kind, id), body.as_bytes().to_vec())
    })
}

fn name(text: &str) -> Vec<IndexEntry> {
    vec![IndexEntry {
        param: "Patient.name",
        value: IndexValue::Text(text.to_owned()),
    }]
}

/// Forty patients with an observation each, one record of two of them, one of nobody.
fn filled() -> Fixture {
    let fixture = Fixture::new();
    let mut writes = Vec::new();
    for number in 0..40 {
        let id = format!("p{number}");
        writes.push(owned(
            "Patient",
            &id,
            &format!("patient {number}"),
            &[&id],
            name(&id),
        ));
        writes.push(owned(
            "Observation",
            &format!("o{number}"),
            &format!("observation {number}"),
            &[&id],
            vec![token("Observation.code", "hb")],
        ));
    }
    writes.push(owned(
        "Observation",
        "of-two",
        "of two",
        &["p1", "p2"],
        vec![token("Observation.code", "hb")],
    ));
    writes.push(owned("Practitioner", "d", "a doctor", &[], Vec::new()));
    writes.push(owned("Group", "g", "a group", &[], Vec::new()));
    commit(&fixture.store, writes);
    fixture
}

fn reach(store: &Store, owners: &[&str]) -> Arc<Reach> {
    let owners: Vec<RecordKey> = owners.iter().map(|id| patient(id)).collect();
    Arc::new(store.reach(&owners, &["Practitioner"]).expect("a reach"))
}

fn ids(store: &Store, reach: &Reach, query: &Query) -> Vec<String> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store
            .read_within(Some(reach), |reader| {
                reader.search(query, after.as_ref(), 3)
            })
            .expect("a page");
        found.extend(page.versions.into_iter().map(|version| version.key.id));
        after = page.next;
        if after.is_none() {
            return found;
        }
    }
}

fn count(store: &Store, reach: &Reach, query: &Query) -> u64 {
    store
        .read_within(Some(reach), |reader| reader.count(query))
        .expect("a count")
}

fn all_hb() -> Query {
    Query::all("Observation").and(Predicate::Token {
        param: "Observation.code".to_owned(),
        system: None,
        code: Some("hb".to_owned()),
    })
}

#[test]
fn what_is_not_within_reach_is_not_read() {
    let fixture = filled();
    let store = &fixture.store;
    let one = reach(store, &["p1"]);
    let read = |kind: &str, id: &str| {
        store
            .read_within(Some(&one), |reader| {
                reader.current(&RecordKey::new(kind, id))
            })
            .expect("a read")
            .is_some()
    };
    assert!(read("Patient", "p1") && read("Observation", "o1"));
    assert!(
        read("Practitioner", "d"),
        "belongs to nobody, and is of an open kind"
    );
    assert!(!read("Patient", "p2") && !read("Observation", "o2"));
    assert!(
        !read("Observation", "of-two"),
        "one of its patients is another"
    );
    assert!(
        !read("Group", "g"),
        "belongs to nobody, and is of no open kind"
    );

    let owner_of = |id: &str| {
        store
            .read_within(Some(&one), |reader| {
                Ok((
                    reader
                        .compartment(&patient(id), "Observation", reader.now()?)?
                        .len(),
                    reader.compartment_tally(&patient(id))?.len(),
                    reader
                        .version(&RecordKey::new("Observation", format!("o{}", &id[1..])), 1)?
                        .is_some(),
                    reader.reaches(&patient(id))?,
                ))
            })
            .expect("reads")
    };
    assert_eq!(owner_of("p1"), (1, 2, true, true));
    assert_eq!(owner_of("p2"), (0, 0, false, false));
    // Without a reach everything is as it was.
    assert!(
        store
            .read(|reader| reader.current(&RecordKey::new("Group", "g")))
            .expect("a read")
            .is_some()
    );
}

#[test]
fn searches_find_and_count_what_is_within_reach() {
    let fixture = filled();
    let store = &fixture.store;
    // Few, which a statement names, and many, which it is handed as a list.
    let two = reach(store, &["p1", "p2"]);
    assert_eq!(ids(store, &two, &all_hb()), ["o1", "o2", "of-two"]);
    assert_eq!(count(store, &two, &all_hb()), 3);
    let most: Vec<String> = (0..30).map(|number| format!("p{number}")).collect();
    let most: Vec<&str> = most.iter().map(String::as_str).collect();
    let many = reach(store, &most);
    assert_eq!(ids(store, &many, &all_hb()).len(), 31);
    assert_eq!(count(store, &many, &Query::all("Observation")), 31);
    assert_eq!(count(store, &many, &Query::all("Patient")), 30);
    let nobody = reach(store, &[]);
    assert_eq!(count(store, &nobody, &all_hb()), 0);
    assert_eq!(count(store, &nobody, &Query::all("Practitioner")), 1);
    assert_eq!(count(store, &nobody, &Query::all("Group")), 0);
}

#[test]
fn no_chain_tells_of_what_is_not_within_reach() {
    let fixture = filled();
    let store = &fixture.store;
    commit(
        store,
        vec![Write::Put(Put {
            index: vec![IndexEntry {
                param: "Practitioner.of",
                value: IndexValue::Reference(patient("p7")),
            }],
            ..Put::plain(RecordKey::new("Practitioner", "e"), b"treats p7".to_vec())
        })],
    );
    let named = |id: &str| {
        Box::new(Query::all("Patient").and(Predicate::Text {
            param: "Patient.name".to_owned(),
            value: id.to_owned(),
            matching: TextMatch::Prefix,
        }))
    };
    let whose_patient = |id: &str| {
        Query::all("Practitioner").and(Predicate::ReferenceTo {
            param: "Practitioner.of".to_owned(),
            target: named(id),
        })
    };
    let one = reach(store, &["p1"]);
    assert_eq!(
        count(store, &one, &whose_patient("p7")),
        0,
        "a chain would tell a name"
    );
    let seven = reach(store, &["p7"]);
    assert_eq!(count(store, &seven, &whose_patient("p7")), 1);
    let with_hb = Query::all("Patient").and(Predicate::ReferencedBy {
        param: "Observation.patient".to_owned(),
        from: Box::new(all_hb()),
    });
    assert_eq!(ids(store, &one, &with_hb), ["p1"]);
}

#[test]
fn what_was_moved_to_another_takes_its_history_along() {
    let fixture = filled();
    let store = &fixture.store;
    // It was never of p3: the wrong patient was corrected.
    commit(
        store,
        vec![owned(
            "Observation",
            "o3",
            "moved",
            &["p4"],
            vec![token("Observation.code", "hb")],
        )],
    );
    let key = RecordKey::new("Observation", "o3");
    let versions = |owner: &str| {
        let reach = reach(store, &[owner]);
        store
            .read_within(Some(&reach), |reader| {
                Ok((
                    reader.history(&key, None, 10)?.len(),
                    reader.version(&key, 1)?.is_some(),
                    reader
                        .history_of(&HistoryQuery {
                            of: HistoryOf::Kinds(vec!["Observation".to_owned()]),
                            since: None,
                            at: None,
                            before: None,
                            limit: 100,
                        })?
                        .len(),
                ))
            })
            .expect("versions")
    };
    assert_eq!(
        versions("p3"),
        (0, false, 0),
        "neither the newest nor the one before"
    );
    assert_eq!(
        versions("p4"),
        (1, false, 2),
        "the newest, and not what was taken for p3's"
    );
}

#[test]
fn nothing_beyond_reach_is_written() {
    let fixture = filled();
    let store = &fixture.store;
    let one = reach(store, &["p1"]);
    let write = |writes: Vec<Write>| {
        store.commit(Commit {
            within: Some(Within {
                reach: one.clone(),
                writes: writes.len(),
            }),
            writes,
            ..Commit::default()
        })
    };
    let refused = |writes: Vec<Write>| {
        assert_eq!(
            write(writes).expect_err("refused").category,
            Category::Forbidden
        );
    };
    write(vec![owned(
        "Observation",
        "new",
        "mine",
        &["p1"],
        Vec::new(),
    )])
    .expect("of p1");
    write(vec![owned(
        "Observation",
        "o1",
        "changed",
        &["p1"],
        Vec::new(),
    )])
    .expect("of p1");
    refused(vec![owned(
        "Observation",
        "other",
        "not mine",
        &["p2"],
        Vec::new(),
    )]);
    refused(vec![owned(
        "Observation",
        "o2",
        "taken over",
        &["p1"],
        Vec::new(),
    )]);
    refused(vec![owned(
        "Observation",
        "o1",
        "given away",
        &["p2"],
        Vec::new(),
    )]);
    refused(vec![owned(
        "Observation",
        "shared",
        "half",
        &["p1", "p2"],
        Vec::new(),
    )]);
    refused(vec![owned(
        "Practitioner",
        "d",
        "nobody's",
        &[],
        Vec::new(),
    )]);
    refused(vec![Write::Delete(RecordKey::new("Observation", "o2"))]);
    refused(vec![Write::Delete(RecordKey::new("Practitioner", "d"))]);
    // One of many is enough, and takes the others with it.
    refused(vec![
        owned("Observation", "fine", "mine", &["p1"], Vec::new()),
        owned("Observation", "not-fine", "not mine", &["p2"], Vec::new()),
    ]);
    let there = |id: &str| {
        store
            .read(|reader| reader.current(&RecordKey::new("Observation", id)))
            .expect("a read")
            .is_some()
    };
    assert!(there("new") && !there("fine") && !there("other"));
    // A new patient with the first records.
    write(vec![
        owned("Patient", "born", "new", &["born"], Vec::new()),
        owned("Observation", "first", "apgar", &["born"], Vec::new()),
    ])
    .expect("a patient nobody had");
    write(vec![Write::Delete(RecordKey::new("Observation", "new"))]).expect("of p1");
}
