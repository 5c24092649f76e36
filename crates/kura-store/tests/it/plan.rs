//! What a search walks by: many records, few of which are meant.

use kura_model::{IndexEntry, IndexValue, RecordKey};
use kura_store::{By, Clause, Compare, Key, Order, Predicate, Query, TermMatch, TextMatch};

use crate::{Fixture, commit, put, token};

const PATIENTS: usize = 2_000;
const EACH: usize = 3;
/// From here on an observation has one of five authors.
const AUTHORED: usize = 4_500;

fn entry(param: &'static str, value: IndexValue) -> IndexEntry {
    IndexEntry { param, value }
}

fn dose(value: f64) -> IndexValue {
    IndexValue::Quantity {
        value,
        system: None,
        code: Some("mg".into()),
    }
}

/// Patients of two sexes, one of them rare; observations of each, with a code all share, a value,
/// a text of their own, and two components whose code and value belong together.
fn many() -> Fixture {
    let fixture = Fixture::new();
    let mut writes = Vec::new();
    for patient in 0..PATIENTS {
        let mut index = vec![token("P.sex", if patient % 2 == 0 { "f" } else { "m" })];
        if patient == 77 {
            index.push(token("P.mark", "rare"));
        }
        writes.push(put(
            "P",
            &patient.to_string(),
            &format!("p{patient}"),
            index,
        ));
    }
    for patient in 0..PATIENTS {
        for number in 0..EACH {
            let id = patient * EACH + number;
            let mut index = vec![
                token("A.code", "common"),
                token("A.half", if id.is_multiple_of(2) { "even" } else { "odd" }),
                entry("A.name", IndexValue::Text(format!("name{id:05}"))),
                entry("A.name", IndexValue::Text(format!("name{id:05}-other"))),
                entry("A.value", IndexValue::Number(id as f64)),
                entry("A.dose", dose(id as f64)),
                entry("A.dose", dose(id as f64 + 0.5)),
                entry(
                    "A.profile",
                    IndexValue::Term(format!("http://x/{}", id % 3)),
                ),
                entry(
                    "A.subject",
                    IndexValue::Reference(RecordKey::new("P", patient.to_string())),
                ),
            ];
            if id >= AUTHORED {
                let author = RecordKey::new("P", (id % 5).to_string());
                index.push(entry("A.author", IndexValue::Reference(author)));
            }
            for group in 0..2u16 {
                let member = |value| IndexValue::Member {
                    group,
                    value: Box::new(value),
                };
                index.push(entry(
                    "A.part$1",
                    member(IndexValue::Token {
                        system: None,
                        code: format!("g{group}"),
                    }),
                ));
                // The first component has the number, the second its negative.
                let sign = if group == 0 { 1.0 } else { -1.0 };
                index.push(entry(
                    "A.part$2",
                    member(IndexValue::Number(sign * id as f64)),
                ));
            }
            writes.push(put("A", &id.to_string(), &format!("a{id}"), index));
        }
    }
    for batch in {
        let mut batches = Vec::new();
        while !writes.is_empty() {
            let rest = writes.split_off(writes.len().min(1_000));
            batches.push(std::mem::replace(&mut writes, rest));
        }
        batches
    } {
        commit(&fixture.store, batch);
    }
    fixture
}

fn code(param: &str, code: &str) -> Predicate {
    Predicate::Token {
        param: param.to_owned(),
        system: None,
        code: Some(code.to_owned()),
    }
}

/// Ids page by page, in the order they come; the count, which goes another way, is the same.
fn ids(fixture: &Fixture, query: &Query) -> Vec<usize> {
    fixture
        .store
        .read(|reader| {
            let mut out: Vec<usize> = Vec::new();
            let mut after = None;
            loop {
                let page = reader.search(query, after.as_ref(), 170)?;
                out.extend(
                    page.versions
                        .iter()
                        .map(|v| v.key.id.parse::<usize>().unwrap()),
                );
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(reader.count(query)?, out.len() as u64);
            Ok(out)
        })
        .unwrap()
}

#[track_caller]
fn same(fixture: &Fixture, query: &Query, rule: impl Fn(usize) -> bool) {
    let expected: Vec<usize> = (0..PATIENTS * EACH).filter(|id| rule(*id)).collect();
    assert_eq!(ids(fixture, query), expected);
}

fn patient(clause: Predicate) -> Predicate {
    Predicate::ReferenceTo {
        param: "A.subject".into(),
        target: Box::new(Query::all("P").and(clause)),
    }
}

#[test]
fn few_and_many_give_the_same_by_every_way() {
    let fixture = many();
    let all = Query::all("A");
    same(&fixture, &all.clone().and(code("A.code", "common")), |_| {
        true
    });
    same(
        &fixture,
        &all.clone().and(patient(code("P.mark", "rare"))),
        |id| id / EACH == 77,
    );
    same(
        &fixture,
        &all.clone().and(patient(code("P.sex", "f"))),
        |id| (id / EACH).is_multiple_of(2),
    );
    same(
        &fixture,
        &all.clone()
            .and(patient(code("P.sex", "f")))
            .and(code("A.half", "odd")),
        |id| (id / EACH).is_multiple_of(2) && id % 2 == 1,
    );
    let mut not_of_women = all.clone();
    not_of_women
        .clauses
        .push(Clause::None(vec![patient(code("P.sex", "f"))]));
    same(&fixture, &not_of_women, |id| id / EACH % 2 == 1);

    let number = |compare, low: f64, high: f64| Predicate::Number {
        param: "A.value".into(),
        compare,
        low,
        high,
    };
    same(
        &fixture,
        &all.clone().and(number(Compare::Less, 10.0, 10.0)),
        |id| id < 10,
    );
    same(
        &fixture,
        &all.clone().and(number(Compare::GreaterOrEqual, 10.0, 10.0)),
        |id| id >= 10,
    );
    let name = |value: &str, matching| Predicate::Text {
        param: "A.name".into(),
        value: value.into(),
        matching,
    };
    // Two values of a record match: it comes once.
    same(
        &fixture,
        &all.clone().and(name("name000", TextMatch::Prefix)),
        |id| id < 100,
    );
    same(
        &fixture,
        &all.clone().and(name("name0", TextMatch::Prefix)),
        |_| true,
    );
    same(
        &fixture,
        &all.clone().and(name("other", TextMatch::Contains)),
        |_| true,
    );
    for (matching, value, fits) in [
        (TermMatch::Exact, "http://x/1", 1),
        (TermMatch::Below, "http://x/1", 1),
        (TermMatch::Above, "http://x/1/2/3", 1),
    ] {
        let term = Predicate::Term {
            param: "A.profile".into(),
            value: value.into(),
            matching,
        };
        same(&fixture, &all.clone().and(term), |id| id % 3 == fits);
    }

    // Both components have a value below zero or above it, but not the same one.
    let part = |group: &str, compare, limit: f64| {
        Predicate::Group(vec![
            code("A.part$1", group),
            Predicate::Number {
                param: "A.part$2".into(),
                compare,
                low: limit,
                high: limit,
            },
        ])
    };
    same(
        &fixture,
        &all.clone().and(part("g0", Compare::Greater, 5_000.0)),
        |id| id > 5_000,
    );
    same(
        &fixture,
        &all.clone().and(part("g0", Compare::Less, 0.0)),
        |_| false,
    );
    same(
        &fixture,
        &all.clone().and(part("g1", Compare::Less, -5_000.0)),
        |id| id > 5_000,
    );
    same(
        &fixture,
        &all.clone().and(Predicate::All(vec![
            Clause::Any(vec![code("A.half", "even")]),
            Clause::Any(vec![number(Compare::Less, 100.0, 100.0)]),
        ])),
        |id| id < 100 && id % 2 == 0,
    );
    let many_ids = Predicate::Ids((0..900).map(|id| id.to_string()).collect());
    same(&fixture, &all.clone().and(many_ids), |id| id < 900);
    let tokens = Predicate::Tokens {
        param: "A.half".into(),
        any: vec![
            (Some("urn:s".into()), "odd".into()),
            (None, "nothing".into()),
        ],
    };
    same(&fixture, &all.clone().and(tokens), |id| id % 2 == 1);
    let several = Predicate::References {
        param: "A.subject".into(),
        targets: (0..300)
            .map(|id| RecordKey::new("P", id.to_string()))
            .collect(),
    };
    same(&fixture, &all.and(several), |id| id / EACH < 300);

    // Some patients, of whom each has a few: what they have is merged, in both directions.
    let some = |numbers: std::ops::Range<usize>| Predicate::ReferenceTo {
        param: "A.subject".into(),
        target: Box::new(
            Query::all("P").and(Predicate::Ids(numbers.map(|n| n.to_string()).collect())),
        ),
    };
    same(&fixture, &Query::all("A").and(some(100..300)), |id| {
        (100..300).contains(&(id / EACH))
    });
    same(
        &fixture,
        &Query::all("A")
            .and(some(100..300))
            .and(number(Compare::Greater, 500.0, 500.0)),
        |id| id > 500 && (100..300).contains(&(id / EACH)),
    );
    let mut newest_first = Query::all("A").and(some(100..300));
    newest_first.order = Order::StoredDescending;
    assert_eq!(
        ids(&fixture, &newest_first),
        (100 * EACH..300 * EACH).rev().collect::<Vec<_>>()
    );

    // Each alone is broad, both together few or many; the first of one are none of the other.
    let even = Query::all("A").and(code("A.half", "even"));
    let of_last = even.clone().and(some(1_800..2_000));
    same(&fixture, &of_last, |id| id % 2 == 0 && id / EACH >= 1_800);
    let from = |low: f64| number(Compare::GreaterOrEqual, low, low);
    let authors = |numbers: &[usize]| Predicate::ReferenceTo {
        param: "A.author".into(),
        target: Box::new(Query::all("P").and(Predicate::Ids(
            numbers.iter().map(usize::to_string).collect(),
        ))),
    };
    same(&fixture, &even.clone().and(authors(&[1, 2])), |id| {
        id % 2 == 0 && id >= AUTHORED && matches!(id % 5, 1 | 2)
    });
    let by_few_of_last = of_last.clone().and(authors(&[3, 4, 7]));
    same(&fixture, &by_few_of_last, |id| {
        id % 2 == 0 && id / EACH >= 1_800 && matches!(id % 5, 3 | 4)
    });
    let three = of_last.clone().and(from(5_600.0));
    same(&fixture, &three, |id| id % 2 == 0 && id >= 5_600);
    let many_of_last = even.clone().and(from(2_000.0));
    same(&fixture, &many_of_last, |id| id % 2 == 0 && id >= 2_000);
    let mut last_first = of_last;
    last_first.order = Order::StoredDescending;
    let last: Vec<usize> = (1_800 * EACH..PATIENTS * EACH)
        .rev()
        .filter(|id| id % 2 == 0)
        .collect();
    assert_eq!(ids(&fixture, &last_first), last);
    // Two quantities of a record match: it comes once, with and without a clause that is walked.
    let dose = |compare, limit: f64| Predicate::Quantity {
        param: "A.dose".into(),
        compare,
        low: limit,
        high: limit,
        system: None,
        code: None,
    };
    same(
        &fixture,
        &Query::all("A").and(dose(Compare::Less, 3_000.0)),
        |id| id < 3_000,
    );
    let mut highest = even.and(dose(Compare::Greater, 2_000.0));
    same(&fixture, &highest, |id| id % 2 == 0 && id >= 2_000);
    highest.order = Order::Keys(vec![Key {
        by: By::Param {
            param: "A.value".into(),
            table: "ix_number",
        },
        descending: true,
    }]);
    let falling: Vec<usize> = (2_000..PATIENTS * EACH)
        .rev()
        .filter(|id| id % 2 == 0)
        .collect();
    assert_eq!(ids(&fixture, &highest), falling);

    let has = |clause: Predicate| {
        Query::all("P").and(Predicate::ReferencedBy {
            param: "A.subject".into(),
            from: Box::new(Query::all("A").and(clause)),
        })
    };
    assert_eq!(ids(&fixture, &has(number(Compare::Less, 4.0, 4.0))), [0, 1]);
    assert_eq!(
        ids(&fixture, &has(code("A.code", "common"))).len(),
        PATIENTS
    );
    let both = has(code("A.half", "odd")).and(code("P.mark", "rare"));
    assert_eq!(ids(&fixture, &both), [77]);
    // A step whose every condition is broad, and one whose conditions few satisfy.
    let has_of = |sex: &str| has(patient(code("P.sex", sex)));
    assert_eq!(
        ids(&fixture, &has_of("f")),
        (0..PATIENTS).step_by(2).collect::<Vec<_>>()
    );
    let of_few = has(patient(code("P.sex", "f"))).and(code("P.mark", "rare"));
    assert!(ids(&fixture, &of_few).is_empty());
}

#[test]
fn a_brief_read_gives_up_and_leaves_the_connection_sound() {
    let fixture = many();
    let brief = |query: &Query| {
        fixture
            .store
            .read_briefly(None, |reader| {
                reader.at_one_state(|reader| Ok(reader.search(query, None, 10)?.versions.len()))
            })
            .unwrap()
    };
    // Every record is looked at, and none is found.
    let long = Query::all("A")
        .and(code("A.code", "common"))
        .and(Predicate::Text {
            param: "A.name".into(),
            value: "nowhere".into(),
            matching: TextMatch::Contains,
        });
    let short = Query::all("A").and(code("A.code", "common"));
    // Few steps, but a megabyte to be opened.
    let large = Query::all("L").and(code("L.code", "large"));
    let body = "x".repeat(1 << 20);
    commit(
        &fixture.store,
        vec![put("L", "1", &body, vec![token("L.code", "large")])],
    );
    if std::env::var_os("KURA_TEST_POSTGRES").is_some() {
        // A database behind a network is not begun with.
        assert_eq!(brief(&short), None);
        return;
    }
    for _ in 0..3 {
        assert_eq!(brief(&long), None);
        assert_eq!(brief(&short), Some(10));
        assert!(ids(&fixture, &long).is_empty());
        assert_eq!(brief(&large), None);
        assert_eq!(ids(&fixture, &large), [1]);
    }
}

#[test]
fn any_order_is_one_list_over_the_pages() {
    let fixture = many();
    let by = |param: &str, table: &'static str, descending| Key {
        by: By::Param {
            param: param.to_owned(),
            table,
        },
        descending,
    };
    let mut query = Query::all("A");
    query.order = Order::Keys(vec![
        by("A.half", "ix_token", true),
        by("A.value", "ix_number", false),
    ]);
    let odd_first: Vec<usize> = (0..PATIENTS * EACH)
        .filter(|id| id % 2 == 1)
        .chain((0..PATIENTS * EACH).filter(|id| id % 2 == 0))
        .collect();
    assert_eq!(ids(&fixture, &query), odd_first);
    query.order = Order::Keys(vec![
        by("A.profile", "ix_term", false),
        by("A.name", "ix_text", true),
    ]);
    let mut expected: Vec<usize> = (0..PATIENTS * EACH).collect();
    expected.sort_by_key(|id| (id % 3, std::cmp::Reverse(*id)));
    assert_eq!(ids(&fixture, &query), expected);
    // One patient has a mark, the others come after, in the order they were written.
    let mut query = Query::all("P");
    query.order = Order::Keys(vec![by("P.mark", "ix_token", false)]);
    let found = ids(&fixture, &query);
    assert_eq!((found[0], found[1], found.len()), (77, 0, PATIENTS));
}

/// SQLite's own account: nothing walks all records where few are meant, and where many are meant
/// the walk is in record order, without a list of them all.
#[test]
fn the_plan_is_as_long_as_the_page() {
    if std::env::var_os("KURA_TEST_POSTGRES").is_some() {
        // The words are SQLite's; PostgreSQL weighs costs by what is in the tables.
        return;
    }
    let fixture = many();
    let plan = |query: &Query| {
        fixture
            .store
            .read(|reader| reader.explain(query))
            .unwrap()
            .join("\n")
    };
    let all = Query::all("A");
    for (what, query) in [
        ("a chain", all.clone().and(patient(code("P.mark", "rare")))),
        (
            "a chain beside a common code",
            all.clone()
                .and(code("A.code", "common"))
                .and(patient(code("P.mark", "rare"))),
        ),
        (
            "a has",
            Query::all("P").and(Predicate::ReferencedBy {
                param: "A.subject".into(),
                from: Box::new(Query::all("A").and(Predicate::Text {
                    param: "A.name".into(),
                    value: "name00042".into(),
                    matching: TextMatch::Prefix,
                })),
            }),
        ),
    ] {
        let plan = plan(&query);
        // The list of the few.
        assert!(plan.contains("VIRTUAL TABLE"), "{what}\n{plan}");
        assert!(!plan.contains("record_kind"), "{what}\n{plan}");
        assert!(!plan.contains("SCAN record"), "{what}\n{plan}");
    }
    for (what, query) in [
        ("a common code", all.clone().and(code("A.code", "common"))),
        (
            "a chain that half of all satisfy",
            all.clone()
                .and(code("A.code", "common"))
                .and(patient(code("P.sex", "f"))),
        ),
        (
            "a has that all satisfy",
            Query::all("P")
                .and(code("P.sex", "f"))
                .and(Predicate::ReferencedBy {
                    param: "A.subject".into(),
                    from: Box::new(all.clone().and(code("A.code", "common"))),
                }),
        ),
    ] {
        let plan = plan(&query);
        assert!(!plan.contains("TEMP B-TREE"), "{what}\n{plan}");
        assert!(!plan.contains("LIST SUBQUERY"), "{what}\n{plan}");
        assert!(!plan.contains("SCAN"), "{what}\n{plan}");
    }
    let some = Predicate::ReferenceTo {
        param: "A.subject".into(),
        target: Box::new(
            Query::all("P").and(Predicate::Ids((0..200).map(|n| n.to_string()).collect())),
        ),
    };
    let merged = plan(&all.clone().and(some));
    assert!(merged.contains("(param=? AND target=? AND pk"), "{merged}");
    assert!(!merged.contains("TEMP B-TREE"), "{merged}");

    // Two long lists with little in common: what they have is known before the walk.
    let last = Predicate::Ids((5_500..6_000).map(|n| n.to_string()).collect());
    let met = plan(&all.clone().and(code("A.half", "odd")).and(last));
    assert!(met.contains("VIRTUAL TABLE"), "{met}");
    assert!(!met.contains("ix_token"), "{met}");
    // From the record to its quantities, also where all that is found is sorted.
    let mut sorted = all.and(code("A.code", "common")).and(Predicate::Quantity {
        param: "A.dose".into(),
        compare: Compare::Less,
        low: 5_000.0,
        high: 5_000.0,
        system: None,
        code: None,
    });
    sorted.order = Order::date("A.date", true);
    let sorted = plan(&sorted);
    assert!(sorted.contains("ix_quantity_pk (pk=?"), "{sorted}");
    assert!(!sorted.contains("LIST SUBQUERY"), "{sorted}");
}
