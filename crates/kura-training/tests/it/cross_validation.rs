//! What cross-validation reports, and that it can be stopped.

use std::sync::atomic::{AtomicBool, Ordering};

use kura_training::{
    CrossValidationOptions, Folds, GroupFolds, Learner, Logistic, TrainingError, Trees, auc,
    cross_validate, train,
};

use crate::adult::adult;
use crate::support::generated;

fn five() -> Folds {
    Folds::Groups(GroupFolds {
        k: 5,
        stratified: true,
        seed: 3,
    })
}

#[test]
fn out_of_fold_probabilities_are_those_of_models_trained_elsewhere() {
    let examples = generated(11, 500, 0.05);
    let learner = Learner::Trees(Trees {
        iterations: 30,
        ..Trees::default()
    });
    let options = CrossValidationOptions {
        seed: 5,
        ..CrossValidationOptions::default()
    };
    let mut seen = Vec::new();
    let mut progress = |done, total| seen.push((done, total));
    let cancel = AtomicBool::new(false);
    let found = cross_validate(
        &examples,
        &learner,
        &five(),
        &options,
        &mut progress,
        &cancel,
    )
    .unwrap();

    for fold in 0..5 {
        let (inside, outside): (Vec<usize>, Vec<usize>) =
            (0..500).partition(|&row| found.fold[row] == fold);
        let model = train(&examples.select(&outside), &learner, 5).unwrap();
        let held_out = examples.select(&inside);
        let expected = model.predict(&held_out.matrix).unwrap();
        for (&row, expected) in inside.iter().zip(&expected) {
            assert_eq!(found.result.probability[row], *expected);
        }
        assert_eq!(found.per_fold[fold].rows, inside.len());
        assert_eq!(found.per_fold[fold].auc, auc(&held_out.outcome, &expected));
    }
    // 5 folds × (the model, 4 smaller shares, one feature, logistic) + 3 shuffles × 5 folds.
    assert_eq!(seen.len(), 50);
    assert_eq!(seen.last(), Some(&(50, 50)));
    let curve = &found.learning_curve;
    assert_eq!(curve.len(), 5);
    assert_eq!(curve[4].training_rows, 400.0);
    assert_eq!(curve[4].validation_auc, found.result.mean_fold_auc);
    assert!(curve[4].validation_auc > curve[0].validation_auc);
    assert!(curve.iter().all(|p| p.training_auc > p.validation_auc));
    // Constant within a fold: no ranking but by the folds' prevalences.
    assert_eq!(found.baselines.prevalence.mean_fold_auc, Some(0.5));
    assert_eq!(found.baselines.single_feature_names, ["f0"; 5]);
    assert!(found.baselines.logistic.is_some());

    let again = cross_validate(
        &examples,
        &learner,
        &five(),
        &options,
        &mut |_, _| {},
        &cancel,
    );
    assert_eq!(again.unwrap(), found);
}

#[test]
fn shuffled_outcomes_teach_nothing() {
    let Some(all) = adult() else { return };
    let examples = all.select(&(0..6000).collect::<Vec<_>>());
    let options = CrossValidationOptions {
        learning_curve: Vec::new(),
        shuffles: 2,
        ..CrossValidationOptions::default()
    };
    for learner in [
        Learner::Trees(Trees::default()),
        Learner::Logistic(Logistic::default()),
    ] {
        let cancel = AtomicBool::new(false);
        let found = cross_validate(
            &examples,
            &learner,
            &five(),
            &options,
            &mut |_, _| {},
            &cancel,
        )
        .unwrap();
        eprintln!(
            "adult, 6000 rows: AUC {:?}, shuffled {:?}",
            found.result.auc, found.shuffled_auc
        );
        assert_eq!(found.shuffled_auc.len(), 2);
        for area in found.shuffled_auc {
            assert!((area - 0.5).abs() < 0.05, "{area}");
        }
    }
}

#[test]
fn a_raised_flag_stops_it() {
    let examples = generated(11, 300, 0.0);
    let cancel = AtomicBool::new(false);
    let mut models = 0;
    let result = cross_validate(
        &examples,
        &Learner::Logistic(Logistic::default()),
        &five(),
        &CrossValidationOptions::default(),
        &mut |done, _| {
            models = done;
            cancel.store(done == 7, Ordering::Relaxed);
        },
        &cancel,
    );
    assert_eq!(result, Err(TrainingError::Cancelled));
    assert_eq!(models, 7);
}

#[test]
fn each_site_is_left_out_once() {
    let mut examples = generated(11, 300, 0.0);
    examples.site = Some((0..300).map(|row| format!("site {}", row % 3)).collect());
    let found = cross_validate(
        &examples,
        &Learner::Logistic(Logistic::default()),
        &Folds::LeaveOneSiteOut,
        &CrossValidationOptions::default(),
        &mut |_, _| {},
        &AtomicBool::new(false),
    )
    .unwrap();
    assert!((0..300).all(|row| found.fold[row] == row % 3));
    assert_eq!(found.per_fold.len(), 3);
}
