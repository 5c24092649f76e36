//! The Adult census with its hierarchies: the optimum that ARX finds, and for fewer columns the one
//! that trying everything finds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use kura_deid::tables::{Goal, Ground, Hierarchy, Model, Rows, Table, local, optimum};

struct Adult {
    names: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Adult {
    fn open() -> Option<Self> {
        let Ok(text) = std::fs::read_to_string(folder().join("adult.csv")) else {
            eprintln!("SKIPPED: ../shared/data/tables/adult is not here");
            return None;
        };
        let mut lines = text
            .lines()
            .map(|line| line.split(';').map(str::to_owned).collect::<Vec<_>>());
        Some(Self {
            names: lines.next().expect("names"),
            rows: lines.collect(),
        })
    }

    fn hierarchy(name: &str) -> Hierarchy {
        let path = folder().join(format!("adult_hierarchy_{name}.csv"));
        let text = std::fs::read_to_string(path).expect("a hierarchy");
        Hierarchy::of(text.lines().map(|line| line.split(';').collect())).expect("a hierarchy")
    }

    fn place(&self, name: &str) -> usize {
        self.names
            .iter()
            .position(|one| one == name)
            .expect("a column")
    }

    /// Quasi-identifiers, then sensitive columns, of every `step`th row.
    fn table(&self, quasi: &[&str], sensitive: &[&str], step: usize) -> Table {
        let hierarchies = quasi.iter().map(|name| Self::hierarchy(name)).collect();
        let mut rows = Rows::new(hierarchies, sensitive.len());
        let places: Vec<usize> = quasi
            .iter()
            .chain(sensitive)
            .map(|name| self.place(name))
            .collect();
        for row in self.rows.iter().step_by(step) {
            let values: Vec<&str> = places.iter().map(|at| row[*at].as_str()).collect();
            rows.push(&values).expect("a row of known values");
        }
        rows.finish()
    }
}

/// How many rows have each sensitive value.
type Values = BTreeMap<String, u32>;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/tables/adult")
}

#[test]
fn nine_columns_as_arx_finds_them() {
    let Some(adult) = Adult::open() else { return };
    let names: Vec<&str> = adult.names.iter().map(String::as_str).collect();
    let table = adult.table(&names, &[], 1);
    assert_eq!(table.rows(), 30_162);
    let goal = Goal::new(vec![Model::Anonymity { k: 5 }], 0.05);
    let found = optimum(&table, &goal).expect("an optimum");
    let levels: BTreeMap<&str, usize> = names.iter().copied().zip(found.levels).collect();
    let arx = BTreeMap::from([
        ("sex", 0),
        ("age", 3),
        ("race", 0),
        ("marital-status", 0),
        ("education", 2),
        ("native-country", 1),
        ("workclass", 1),
        ("occupation", 2),
        ("salary-class", 0),
    ]);
    assert_eq!(levels, arx);
    assert_eq!((found.rows_kept_back, found.classes), (1_346, 397));
    assert!((found.loss - 0.2419).abs() < 5e-5, "{}", found.loss);
    assert!(found.proved);
}

/// Every choice of levels, looked at by strings.
fn tried(
    adult: &Adult,
    quasi: &[&str],
    step: usize,
    share: f64,
    shown: &dyn Fn(&Values, &Values) -> bool,
) -> Option<(f64, u64)> {
    let hierarchies: Vec<Hierarchy> = quasi.iter().map(|name| Adult::hierarchy(name)).collect();
    let rows: Vec<&Vec<String>> = adult.rows.iter().step_by(step).collect();
    let places: Vec<usize> = quasi.iter().map(|name| adult.place(name)).collect();
    let secret = adult.place("occupation");
    let mut all = BTreeMap::new();
    for row in &rows {
        *all.entry(row[secret].clone()).or_insert(0) += 1;
    }
    let mut choices = vec![Vec::new()];
    for hierarchy in &hierarchies {
        choices = choices
            .into_iter()
            .flat_map(|choice: Vec<usize>| {
                (0..hierarchy.levels()).map(move |level| [&choice[..], &[level]].concat())
            })
            .collect();
    }
    let mut best: Option<(f64, u64)> = None;
    for levels in choices {
        let mut classes: BTreeMap<Vec<&str>, Values> = BTreeMap::new();
        let label = |row: &Vec<String>, column: usize| {
            let hierarchy = &hierarchies[column];
            let value = hierarchy.place(&row[places[column]]).expect("a value");
            hierarchy.label(levels[column], value).to_owned()
        };
        let labels: Vec<Vec<String>> = rows
            .iter()
            .map(|row| (0..quasi.len()).map(|column| label(row, column)).collect())
            .collect();
        for (row, key) in rows.iter().zip(&labels) {
            let class = classes
                .entry(key.iter().map(String::as_str).collect())
                .or_default();
            *class.entry(row[secret].clone()).or_insert(0) += 1;
        }
        classes.retain(|_, class| shown(class, &all));
        let left: u64 = classes
            .values()
            .flat_map(BTreeMap::values)
            .map(|n| u64::from(*n))
            .sum();
        let hidden = rows.len() as u64 - left;
        if hidden as f64 > rows.len() as f64 * share {
            continue;
        }
        let mut product = 1.0;
        for (column, hierarchy) in hierarchies.iter().enumerate() {
            // How many values each label stands for, counted from the file.
            let lost = |row: &Vec<String>| {
                let own = label(row, column);
                let covers = (0..hierarchy.values() as u32)
                    .filter(|value| hierarchy.label(levels[column], *value) == own)
                    .count();
                (covers - 1) as f64 / (hierarchy.values() - 1) as f64
            };
            let mut known = BTreeMap::new();
            let sum: f64 = rows
                .iter()
                .zip(&labels)
                .map(|(row, key)| {
                    let key: Vec<&str> = key.iter().map(String::as_str).collect();
                    if classes.contains_key(&key) {
                        *known
                            .entry(row[places[column]].clone())
                            .or_insert_with(|| lost(row))
                    } else {
                        1.0
                    }
                })
                .sum();
            product *= 1.0 + sum / rows.len() as f64;
        }
        let loss = f64::powf(product, 1.0 / quasi.len() as f64) - 1.0;
        if best.is_none_or(|(least, _)| loss < least) {
            best = Some((loss, hidden));
        }
    }
    best
}

#[test]
fn nothing_is_better_than_what_is_found() {
    let Some(adult) = Adult::open() else { return };
    let quasi = ["age", "education", "sex", "marital-status"];
    let step = 61;
    let table = adult.table(&quasi, &["occupation"], step);
    let rows = |class: &Values| class.values().sum::<u32>();
    let apart = |class: &Values, all: &Values| {
        all.iter()
            .map(|(value, of_all)| {
                let own =
                    f64::from(class.get(value).copied().unwrap_or(0)) / f64::from(rows(class));
                (own - f64::from(*of_all) / f64::from(rows(all))).abs()
            })
            .sum::<f64>()
            / 2.0
    };
    let of = |models: Vec<Model>, share: f64, shown: &dyn Fn(&Values, &Values) -> bool| {
        let wanted = tried(&adult, &quasi, step, share, shown);
        let found = optimum(&table, &Goal::new(models, share));
        let found = found.map(|found| {
            assert!(found.proved);
            (found.loss, found.rows_kept_back)
        });
        match (wanted, found) {
            (None, None) => {}
            (Some(wanted), Some(found)) => {
                assert!((wanted.0 - found.0).abs() < 1e-9, "{wanted:?} {found:?}");
                assert_eq!(wanted.1, found.1);
            }
            other => panic!("{other:?}"),
        }
        wanted
    };
    let mut met = BTreeSet::new();
    for (k, share) in [(2, 0.0), (3, 0.02), (10, 0.1), (40, 0.3)] {
        let anonymity = Model::Anonymity { k };
        let least = of(vec![anonymity.clone()], share, &|class, _| rows(class) >= k);
        met.insert(format!("{least:?}"));
        let diverse = Model::DistinctDiversity { column: 0, l: 4 };
        of(vec![anonymity.clone(), diverse], share, &|class, _| {
            rows(class) >= k && class.len() >= 4
        });
        let close = Model::Closeness {
            column: 0,
            t: 0.35,
            ground: Ground::Equal,
        };
        of(vec![anonymity, close], share, &|class, all| {
            rows(class) >= k && apart(class, all) <= 0.35
        });
    }
    assert!(met.len() > 2, "the goals are all one: {met:?}");
    // Nobody can be so many.
    of(vec![Model::Anonymity { k: 100_000 }], 0.0, &|_, _| false);
}

/// Ages 0 to 9 of a village of twenty; who is in the table is young.
#[test]
fn who_is_in_the_table_is_not_told() {
    let ages = Hierarchy::of((0..10).map(|age| {
        let five = if age < 5 { "0-4" } else { "5-9" };
        vec![age.to_string(), five.to_owned(), "*".to_owned()]
    }))
    .expect("a hierarchy");
    let mut rows = Rows::new(vec![ages], 0);
    for age in 0..20 {
        rows.people(&[&(age % 10).to_string()])
            .expect("one of the village");
    }
    // Four of the ten below five, none of the others.
    for age in ["0", "0", "1", "2"] {
        rows.push(&[age]).expect("a row");
    }
    let table = rows.finish();
    let at = |most: f64| {
        let goal = Goal::new(vec![Model::Presence { least: 0.0, most }], 0.0);
        assert_eq!(local(&table, &goal), None);
        optimum(&table, &goal).map(|found| found.levels)
    };
    assert_eq!(at(1.0), Some(vec![0]));
    assert_eq!(at(0.4), Some(vec![1]));
    assert_eq!(at(0.2), Some(vec![2]));
    assert_eq!(at(0.19), None);
}

#[test]
fn parts_lose_less_and_every_class_is_large() {
    let Some(adult) = Adult::open() else { return };
    let quasi = ["age", "education", "sex", "marital-status"];
    let table = adult.table(&quasi, &[], 61);
    let goal = Goal::new(vec![Model::Anonymity { k: 5 }], 0.05);
    let whole = optimum(&table, &goal).expect("levels for all");
    let parts = local(&table, &goal).expect("levels for parts");
    assert!(parts.loss < whole.loss, "{} {}", parts.loss, whole.loss);
    let mut classes: BTreeMap<Vec<&str>, u32> = BTreeMap::new();
    let mut left = 0;
    for row in 0..table.rows() as usize {
        let at = table.at(row);
        match parts.of[at] {
            Some(form) => {
                let levels = &parts.forms[form as usize];
                *classes
                    .entry(table.labels(at, levels).collect())
                    .or_default() += 1;
            }
            None => left += 1,
        }
    }
    assert_eq!(left, parts.rows_kept_back);
    assert!(classes.values().all(|rows| *rows >= 5) && classes.len() > 10);
}
