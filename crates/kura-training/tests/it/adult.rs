//! The Adult census table (B. Becker and R. Kohavi, UCI Machine Learning Repository 1996; the copy
//! of the ARX project): does a person earn more than 50 000 dollars?

use std::collections::BTreeSet;

use kura_training::{
    Examples, Feature, Growth, Learner, Matrix, Trees, auc, brier, leakage, train,
};

use crate::support::shared;

/// Categories as numbers in alphabetical order, each person a group.
pub fn adult() -> Option<Examples> {
    let text = std::fs::read_to_string(shared("tables/adult/adult.csv")?).unwrap();
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap().split(';').collect();
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(';').collect()).collect();
    let mut values = vec![0.0; rows.len() * 8];
    for column in 0..8 {
        let known: BTreeSet<&str> = rows.iter().map(|row| row[column]).collect();
        let codes: Vec<&str> = known.into_iter().collect();
        for (number, row) in rows.iter().enumerate() {
            values[number * 8 + column] = if names[column] == "age" {
                row[column].parse().unwrap()
            } else {
                codes.binary_search(&row[column]).unwrap() as f32
            };
        }
    }
    Some(Examples {
        matrix: Matrix {
            features: names[..8]
                .iter()
                .map(|name| Feature::named(*name))
                .collect(),
            rows: rows.len(),
            values,
        },
        outcome: rows.iter().map(|row| row[8] == ">50K").collect(),
        group: (0..rows.len()).map(|row| format!("person {row}")).collect(),
        site: None,
        weight: None,
    })
}

/// Every fourth row is for testing, as in `tests/python/data_figures.py`.
pub fn halves(all: &Examples) -> (Examples, Examples) {
    let (test, training): (Vec<usize>, Vec<usize>) =
        (0..all.matrix.rows).partition(|row| row % 4 == 3);
    (all.select(&training), all.select(&test))
}

#[test]
fn trees_reach_scikit_learn() {
    let Some(all) = adult() else { return };
    let (training, test) = halves(&all);
    for growth in [Growth::DepthWise, Growth::LossGuide] {
        let learner = Learner::Trees(Trees {
            growth,
            ..Trees::default()
        });
        let model = train(&training, &learner, 1).unwrap();
        let probability = model.predict(&test.matrix).unwrap();
        let area = auc(&test.outcome, &probability).unwrap();
        let score = brier(&test.outcome, &probability);
        eprintln!("adult, {growth:?}: AUC {area:.5} Brier {score:.5}");
        // tests/python/data_figures.py, scikit-learn 1.9.1: HistGradientBoostingClassifier with
        // 100 iterations of 31 leaves, learning rate 0.1.
        assert!((area - 0.88799).abs() < 0.005, "{area}");
        assert!((score - 0.11293).abs() < 0.002, "{score}");
    }
}

#[test]
fn the_table_has_no_leak_and_a_planted_one_is_found() {
    let Some(mut all) = adult() else { return };
    assert_eq!(leakage(&all), Ok(Vec::new()));
    // The tax paid, as it were.
    for row in 0..all.matrix.rows {
        all.matrix.values[row * 8] = if all.outcome[row] { 3.0 } else { 1.0 };
    }
    let findings = leakage(&all).unwrap();
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].rule, kura_training::LeakageRule::SolePredictor);
    assert_eq!(findings[0].feature.as_deref(), Some("sex"));
}
