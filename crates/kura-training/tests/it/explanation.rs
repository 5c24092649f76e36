//! Contributions add up; what matters is found to matter.

use kura_training::{Learner, Logistic, Trees, permutation_importance, train};

use crate::support::generated;

fn learners() -> [Learner; 2] {
    [
        Learner::Logistic(Logistic::default()),
        Learner::Trees(Trees::default()),
    ]
}

#[test]
fn contributions_sum_to_the_log_odds() {
    let examples = generated(7, 1000, 0.1);
    let asked = generated(8, 200, 0.2).matrix;
    for learner in learners() {
        let model = train(&examples, &learner, 1).unwrap();
        let probability = model.predict(&asked).unwrap();
        for (row, probability) in probability.iter().enumerate() {
            let explanation = model.explain(asked.row(row));
            let sum: f64 = explanation.contributions.iter().map(|c| c.1).sum();
            let margin = explanation.base + sum;
            assert!((margin - model.margin(asked.row(row))).abs() < 1e-9);
            let expected = 1.0 / (1.0 + (-margin).exp());
            assert!((f64::from(*probability) - expected).abs() < 1e-6);
            assert!(
                explanation
                    .contributions
                    .is_sorted_by(|a, b| a.1.abs() >= b.1.abs())
            );
        }
    }
}

#[test]
fn permutation_finds_what_the_outcome_follows() {
    let examples = generated(7, 1000, 0.0);
    let held_out = generated(8, 1000, 0.0);
    let each: Vec<Vec<usize>> = (0..6).map(|feature| vec![feature]).collect();
    for learner in learners() {
        let model = train(&examples, &learner, 1).unwrap();
        let mut sets = each.clone();
        sets.push(vec![0, 1, 2]);
        sets.push((0..6).collect());
        let found = permutation_importance(&model, &held_out, &sets, 5, 3).unwrap();
        let loss: Vec<f64> = found.iter().map(|importance| importance.auc_loss).collect();
        eprintln!("permutation: {loss:.3?}");
        assert!(loss[0] > loss[1] && loss[1] > 0.02, "{loss:?}");
        // Features 3 to 5 have nothing to do with the outcome.
        assert!(loss[3..6].iter().all(|l| l.abs() < 0.02), "{loss:?}");
        assert!(loss[6] > loss[0], "{loss:?}");
        // Whole rows shuffled: what is left is chance.
        let whole = found[7].auc_loss;
        assert!((0.1..0.4).contains(&whole), "{whole}");
        let again = permutation_importance(&model, &held_out, &sets, 5, 3).unwrap();
        assert_eq!(again, found);
    }
    let model = train(&examples, &learners()[0], 1).unwrap();
    assert!(permutation_importance(&model, &held_out, &[vec![6]], 1, 1).is_err());
    assert!(permutation_importance(&model, &held_out, &each, 0, 1).is_err());
}
