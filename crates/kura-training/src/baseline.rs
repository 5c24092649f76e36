//! Plain predictions a model is compared with.

use crate::error::TrainingError;
use crate::learner::{Learner, Logistic};
use crate::metric::auc;
use crate::model::train_part;
use crate::table::{Examples, Matrix};

/// The weighted share of training rows with the outcome, `rows` times.
pub(crate) fn prevalence(training: &Examples, rows: usize) -> Vec<f32> {
    let (mut with, mut all) = (0.0, 0.0);
    for row in 0..training.matrix.rows {
        let weight = training.weight(row);
        all += weight;
        if training.outcome[row] {
            with += weight;
        }
    }
    vec![(with / all) as f32; rows]
}

/// The feature whose value ranks the training rows best, either way round; its name, and what a
/// logistic regression on it alone says of the rows to validate on.
pub(crate) fn single_feature(
    training: &Examples,
    validation: &Examples,
    seed: u64,
) -> Result<(String, Vec<f32>), TrainingError> {
    let strength = |feature: usize| {
        ranking(&training.matrix, feature, &training.outcome).map_or(0.0, |a| (a - 0.5).abs())
    };
    let best = (0..training.matrix.features.len())
        .map(|feature| (feature, strength(feature)))
        .reduce(|best, next| if next.1 > best.1 { next } else { best })
        .map_or(0, |(feature, _)| feature);
    let name = training.matrix.features[best].name.clone();
    let alone = |examples: &Examples| Examples {
        matrix: Matrix {
            features: vec![examples.matrix.features[best].clone()],
            rows: examples.matrix.rows,
            values: examples.matrix.column(best).collect(),
        },
        outcome: examples.outcome.clone(),
        group: examples.group.clone(),
        site: None,
        weight: examples.weight.clone(),
    };
    let learner = Learner::Logistic(Logistic::default());
    let model = train_part(&alone(training), &learner, seed)?;
    Ok((name, model.predict(&alone(validation).matrix)?))
}

/// The area under the curve of a feature's own value, over the rows that have it.
pub(crate) fn ranking(matrix: &Matrix, feature: usize, outcome: &[bool]) -> Option<f64> {
    let (present, values): (Vec<bool>, Vec<f32>) = outcome
        .iter()
        .zip(matrix.column(feature))
        .filter(|(_, value)| !value.is_nan())
        .unzip();
    auc(&present, &values)
}
