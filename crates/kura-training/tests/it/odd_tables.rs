//! Tables as they come: empty columns, repeated ones, huge and tiny numbers, separable outcomes.

use std::collections::BTreeMap;

use kura_training::{
    Body, Examples, Feature, Learner, Logistic, Matrix, Penalty, TrainingError, Trees, train,
};

use crate::onnx::{difference, learners};
use crate::support::{generated, python};

fn odd() -> Examples {
    let mut examples = generated(21, 300, 0.1);
    let columns = [
        "plain",
        "repeated",
        "constant",
        "absent",
        "huge",
        "tiny",
        "offset",
        "one_value",
        "zero",
    ];
    let mut values = Vec::new();
    for row in 0..300 {
        let base = examples.matrix.row(row)[0];
        let other = examples.matrix.row(row)[5];
        values.extend([
            base,
            base,
            4.25,
            f32::NAN,
            other * 1e30,
            other * 1e-30,
            // A time stamp in seconds: single precision is 128 s apart here.
            1.7e9 + other * 1e5,
            if row == 7 { 3.0 } else { f32::NAN },
            if row % 2 == 0 { 0.0 } else { -0.0 },
        ]);
    }
    examples.matrix = Matrix::new(columns.map(Feature::named).to_vec(), 300, values).unwrap();
    // A row that does not count.
    examples.weight.as_mut().unwrap()[3] = 0.0;
    examples
}

#[test]
fn every_learner_takes_them() {
    let examples = odd();
    let python = python();
    for (name, learner) in learners() {
        let model = train(&examples, &learner, 1).unwrap();
        let probability = model.predict(&examples.matrix).unwrap();
        assert!(
            probability.iter().all(|p| (0.0..=1.0).contains(p)),
            "{name}: {probability:?}"
        );
        if let Body::Linear(linear) = &model.body {
            assert!(linear.converged, "{name}");
            assert_eq!(linear.terms[2].coefficient, 0.0);
            assert_eq!(linear.terms[3].coefficient, 0.0);
        }
        if let Some(python) = &python {
            let onnx = model.to_onnx(&BTreeMap::new());
            let rows = &examples.matrix.values;
            let name = format!("odd-{name}");
            let (_, largest, _) = difference(python, &name, &onnx, rows, &[9], &probability);
            assert!(largest <= 1e-5, "{name}: {largest}");
        }
    }
}

#[test]
fn a_separable_outcome_is_told_not_hidden() {
    let mut examples = generated(21, 100, 0.0);
    examples.outcome = (0..100)
        .map(|row| examples.matrix.row(row)[0] > 0.5)
        .collect();
    let with = |penalty| {
        let learner = Learner::Logistic(Logistic {
            penalty,
            max_iterations: 15,
            ..Logistic::default()
        });
        let model = train(&examples, &learner, 1).unwrap();
        assert!(
            model
                .predict(&examples.matrix)
                .unwrap()
                .iter()
                .all(|p| !p.is_nan())
        );
        match model.body {
            Body::Linear(linear) => linear.converged,
            Body::Trees(_) => panic!("not linear"),
        }
    };
    assert!(!with(Penalty::None));
    assert!(with(Penalty::L2));
}

#[test]
fn a_model_refuses_another_table() {
    let examples = generated(21, 100, 0.0);
    let learner = Learner::Trees(Trees {
        iterations: 2,
        ..Trees::default()
    });
    let model = train(&examples, &learner, 1).unwrap();
    let mut swapped = examples.matrix.clone();
    swapped.features.swap(0, 1);
    assert_eq!(
        model.predict(&swapped),
        Err(TrainingError::FeatureMismatch {
            position: 0,
            expected: "f0".into(),
            found: "f1".into()
        })
    );
    let mut narrow = examples.matrix.clone();
    narrow.features.pop();
    narrow.values.truncate(500);
    assert!(matches!(
        model.predict(&narrow),
        Err(TrainingError::Length {
            what: "features",
            ..
        })
    ));
    let mut broken = model.clone();
    assert!(broken.is_sound());
    broken.features.pop();
    broken.features.pop();
    broken.features.truncate(1);
    assert!(!broken.is_sound());
}
