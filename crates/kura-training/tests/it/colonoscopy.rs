//! Colonoscopy videos (P. Mesejo et al., "Computer-aided classification of gastrointestinal lesions
//! in regular colonoscopy", IEEE Trans. Med. Imaging 35 (2016) 2051–2063): 698 texture, colour and
//! shape features of 76 lesions, each in white light and narrow band. Neoplastic (adenoma, serrated
//! adenoma) or hyperplastic?

use std::sync::atomic::AtomicBool;

use kura_training::{
    CrossValidationOptions, Examples, Feature, Folds, GroupFolds, Learner, Logistic, Matrix,
    Penalty, Trees, cross_validate,
};

use crate::support::shared;

/// Columns: name of the lesion, kind (1 hyperplastic, 2 serrated, 3 adenoma), light, features.
fn colonoscopy() -> Option<Examples> {
    let text = std::fs::read_to_string(shared("ai/colonoscopy/feature_data.csv")?).unwrap();
    let (mut values, mut outcome, mut group) = (Vec::new(), Vec::new(), Vec::new());
    for line in text.trim_start_matches('\u{feff}').lines() {
        let mut cells = line.split(',');
        group.push(cells.next().unwrap().to_owned());
        outcome.push(cells.next().unwrap() != "1");
        values.extend(cells.skip(1).map(|cell| cell.parse::<f32>().unwrap()));
    }
    Some(Examples {
        matrix: Matrix {
            features: (0..698)
                .map(|f| Feature::named(format!("feature {f}")))
                .collect(),
            rows: group.len(),
            values,
        },
        outcome,
        group,
        site: None,
        weight: None,
    })
}

#[test]
fn lesions_are_judged_by_models_that_never_saw_them() {
    let Some(examples) = colonoscopy() else {
        return;
    };
    assert_eq!(examples.matrix.rows, 152);
    assert_eq!(examples.outcome.iter().filter(|y| **y).count(), 110);
    let folds = Folds::Groups(GroupFolds {
        k: 5,
        stratified: true,
        seed: 7,
    });
    let options = CrossValidationOptions {
        seed: 7,
        learning_curve: vec![0.5, 1.0],
        shuffles: 6,
    };
    let learners = [
        (
            "trees",
            Learner::Trees(Trees {
                iterations: 60,
                max_depth: 3,
                ..Trees::default()
            }),
        ),
        (
            "ridge",
            Learner::Logistic(Logistic {
                strength: 100.0,
                ..Logistic::default()
            }),
        ),
        (
            "lasso",
            Learner::Logistic(Logistic {
                penalty: Penalty::L1,
                strength: 3.0,
                ..Logistic::default()
            }),
        ),
    ];
    for (name, learner) in learners {
        let cancel = AtomicBool::new(false);
        let found = cross_validate(
            &examples,
            &learner,
            &folds,
            &options,
            &mut |_, _| {},
            &cancel,
        )
        .unwrap();
        // Both lights of a lesion lie in one fold.
        for pair in (0..152).step_by(2) {
            assert_eq!(examples.group[pair], examples.group[pair + 1]);
            assert_eq!(found.fold[pair], found.fold[pair + 1]);
        }
        let area = found.result.auc.unwrap();
        let curve: Vec<_> = found
            .learning_curve
            .iter()
            .map(|point| (point.share, point.training_auc, point.validation_auc))
            .collect();
        eprintln!(
            "colonoscopy, {name}: AUC {area:.4} Brier {:.4}; one feature {:?}, logistic {:?}; \
             shuffled {:?}; curve {curve:?}",
            found.result.brier,
            found.baselines.single_feature.auc,
            found.baselines.logistic.as_ref().and_then(|l| l.auc),
            found.shuffled_auc,
        );
        // Far from chance, and below what a lesion in two folds would give.
        assert!((0.75..0.98).contains(&area), "{name}: {area}");
        assert!(found.result.brier < found.baselines.prevalence.brier);
        let shuffled = found.shuffled_auc.iter().sum::<f64>() / 6.0;
        assert!((shuffled - 0.5).abs() < 0.1, "{name}: {shuffled}");
    }
}
