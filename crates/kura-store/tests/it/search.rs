use kura_model::{IndexEntry, IndexValue, LogicalTime, RecordKey};
use kura_store::{Clause, Compare, Order, Predicate, Put, Query, TextMatch, Write};

use crate::{Fixture, commit, put, token};

fn by_code(code: &str) -> Predicate {
    Predicate::Token {
        param: "A.code".to_owned(),
        system: Some(Some("urn:s".to_owned())),
        code: Some(code.to_owned()),
    }
}

fn ids(fixture: &Fixture, query: &Query) -> Vec<String> {
    fixture
        .store
        .read(|reader| {
            let page = reader.search(query, None, 1000)?;
            assert_eq!(reader.count(query)?, page.versions.len() as u64);
            Ok(page
                .versions
                .into_iter()
                .map(|version| version.key.id)
                .collect())
        })
        .unwrap()
}

fn date(param: &'static str, low: i64, high: i64) -> IndexEntry {
    IndexEntry {
        param,
        value: IndexValue::Date { low, high },
    }
}

/// Ten records: code a or b by parity, dates 0..9, text, values.
fn ten() -> Fixture {
    let fixture = Fixture::new();
    let writes = (0..10i64)
        .map(|id| {
            Write::Put(Put {
                key: RecordKey::new("A", id.to_string()),
                body: format!("body {id}").into_bytes(),
                index: vec![
                    token("A.code", if id % 2 == 0 { "a" } else { "b" }),
                    date("A.date", (9 - id) * 10, (9 - id) * 10 + 5),
                    IndexEntry {
                        param: "A.text",
                        value: IndexValue::Text(format!("おの{id}")),
                    },
                    IndexEntry {
                        param: "A.value",
                        value: IndexValue::Quantity {
                            value: id as f64,
                            system: None,
                            code: Some("mg".to_owned()),
                        },
                    },
                    IndexEntry {
                        param: "A.subject",
                        value: IndexValue::Reference(RecordKey::new("P", (id % 3).to_string())),
                    },
                ],
                indexed_by: None,
                owners: vec![RecordKey::new("P", (id % 3).to_string())],
                blobs: Vec::new(),
                source: None,
                once: false,
            })
        })
        .collect();
    commit(&fixture.store, writes);
    commit(
        &fixture.store,
        (0..3)
            .map(|id| {
                put(
                    "P",
                    &id.to_string(),
                    "p",
                    vec![token("P.sex", if id == 0 { "f" } else { "m" })],
                )
            })
            .collect(),
    );
    fixture
}

#[test]
fn clauses_are_and_alternatives_are_or() {
    let fixture = ten();
    let all = Query::all("A");
    assert_eq!(ids(&fixture, &all).len(), 10);
    assert_eq!(
        ids(&fixture, &all.clone().and(by_code("a"))),
        ["0", "2", "4", "6", "8"]
    );
    let mut either = Query::all("A");
    either
        .clauses
        .push(Clause::Any(vec![by_code("a"), by_code("b"), by_code("a")]));
    assert_eq!(ids(&fixture, &either).len(), 10);
    let mut neither = Query::all("A");
    neither.clauses.push(Clause::None(vec![by_code("a")]));
    assert_eq!(ids(&fixture, &neither), ["1", "3", "5", "7", "9"]);
    assert!(ids(&fixture, &all.clone().and(by_code("zzz"))).is_empty());
    assert!(ids(&fixture, &Query::all("Nothing")).is_empty());

    let quantity = |compare, low: f64, high: f64| Predicate::Quantity {
        param: "A.value".into(),
        compare,
        low,
        high,
        system: None,
        code: Some("mg".into()),
    };
    assert_eq!(
        ids(
            &fixture,
            &all.clone().and(quantity(Compare::GreaterOrEqual, 7.5, 8.5))
        ),
        ["8", "9"]
    );
    assert_eq!(
        ids(
            &fixture,
            &all.clone()
                .and(quantity(Compare::Equal, 6.5, 7.5))
                .and(by_code("b"))
        ),
        ["7"]
    );
    let text = |value: &str, matching| Predicate::Text {
        param: "A.text".into(),
        value: value.into(),
        matching,
    };
    assert_eq!(
        ids(&fixture, &all.clone().and(text("おの", TextMatch::Prefix))).len(),
        10
    );
    assert_eq!(
        ids(&fixture, &all.clone().and(text("の3", TextMatch::Contains))),
        ["3"]
    );
    assert_eq!(
        ids(&fixture, &all.clone().and(text("おの4", TextMatch::Exact))),
        ["4"]
    );
    let dated = |compare, low, high| Predicate::Date {
        param: "A.date".into(),
        compare,
        low,
        high,
    };
    assert_eq!(
        ids(&fixture, &all.clone().and(dated(Compare::Less, 20, 20))),
        ["8", "9"]
    );
    assert_eq!(
        ids(
            &fixture,
            &all.clone()
                .and(by_code("a"))
                .and(dated(Compare::Less, 20, 20))
        ),
        ["8"]
    );
    let subject = Predicate::Reference {
        param: "A.subject".into(),
        target: RecordKey::new("P", "1"),
    };
    assert_eq!(ids(&fixture, &all.clone().and(subject)), ["1", "4", "7"]);
    let female = Query::all("P").and(Predicate::Token {
        param: "P.sex".into(),
        system: None,
        code: Some("f".into()),
    });
    let chained = Predicate::ReferenceTo {
        param: "A.subject".into(),
        target: Box::new(female),
    };
    assert_eq!(
        ids(&fixture, &all.clone().and(chained)),
        ["0", "3", "6", "9"]
    );
    let has = Predicate::ReferencedBy {
        param: "A.subject".into(),
        from: Box::new(all.clone().and(Predicate::Id("4".into()))),
    };
    assert_eq!(ids(&fixture, &Query::all("P").and(has)), ["1"]);
    let owned = Predicate::Owned {
        owner: RecordKey::new("P", "2"),
    };
    assert_eq!(ids(&fixture, &all.and(owned)), ["2", "5", "8"]);
    let targets = fixture
        .store
        .read(|reader| reader.targets(&Query::all("A").and(by_code("b")), "A.subject"))
        .unwrap();
    assert_eq!(targets.len(), 3);
}

#[test]
fn pages_follow_each_other_without_gap_in_every_order() {
    let fixture = ten();
    let orders = [
        (Order::Stored, "0123456789"),
        (Order::StoredDescending, "9876543210"),
        (Order::date("A.date", false), "9876543210"),
        (Order::date("A.date", true), "0123456789"),
    ];
    for (order, expected) in orders {
        let mut query = Query::all("A");
        query.order = order;
        let mut seen = String::new();
        let mut after = None;
        loop {
            let page = fixture
                .store
                .read(|reader| reader.search(&query, after.as_ref(), 3))
                .unwrap();
            seen.extend(page.versions.iter().map(|version| version.key.id.as_str()));
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, expected, "{:?}", query.order);
    }
}

#[test]
fn a_search_at_a_time_sees_that_time() {
    let fixture = ten();
    let before = fixture.store.now().unwrap();
    commit(
        &fixture.store,
        vec![
            put("A", "0", "changed", vec![token("A.code", "b")]),
            Write::Delete(RecordKey::new("A", "2")),
            put("A", "new", "new", vec![token("A.code", "a")]),
        ],
    );
    let mut query = Query::all("A").and(by_code("a"));
    assert_eq!(ids(&fixture, &query), ["4", "6", "8", "new"]);
    query.at = Some(before);
    assert_eq!(ids(&fixture, &query), ["0", "2", "4", "6", "8"]);
    query.at = Some(LogicalTime(0));
    assert!(ids(&fixture, &query).is_empty());
    let owner = RecordKey::new("P", "0");
    let then = fixture
        .store
        .read(|reader| reader.compartment(&owner, "A", before))
        .unwrap();
    let now = fixture.store.now().unwrap();
    let today = fixture
        .store
        .read(|reader| reader.compartment(&owner, "A", now))
        .unwrap();
    assert_eq!((then.len(), today.len()), (4, 3));
}

#[test]
fn values_of_index_rows_are_never_sql() {
    let fixture = ten();
    for nasty in ["'; DROP TABLE record; --", "\u{0}", "%", "\u{10FFFF}", ""] {
        let query = Query::all("A").and(Predicate::Text {
            param: "A.text".into(),
            value: nasty.into(),
            matching: TextMatch::Contains,
        });
        let _ = ids(&fixture, &query);
        let _ = ids(&fixture, &Query::all("A").and(by_code(nasty)));
        let _ = ids(&fixture, &Query::all("A").and(Predicate::Id(nasty.into())));
    }
    assert_eq!(ids(&fixture, &Query::all("A")).len(), 10);
}
