//! A trained model: asked, kept, exported.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::error::TrainingError;
use crate::learner::Learner;
use crate::logistic::{self, LinearModel};
use crate::table::{Examples, Feature, Matrix, group_indices};
use crate::trees::{self, TreeEnsemble};

/// A model of the probability of the outcome. Kept as JSON through serde; given away as ONNX
/// ([`Model::to_onnx`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// What the columns of a table must be, in this order.
    pub features: Vec<Feature>,
    /// How the model was made.
    pub learner: Learner,
    pub facts: TrainingFacts,
    pub body: Body,
}

/// What gives the log-odds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    Linear(LinearModel),
    Trees(TreeEnsemble),
}

/// What a model was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingFacts {
    pub rows: usize,
    /// Patients.
    pub groups: usize,
    /// Rows with the outcome.
    pub positive_rows: usize,
    pub seed: u64,
}

/// Makes a model. The same table, learner and seed give the same model on any machine and with any
/// number of threads.
///
/// # Errors
/// [`Examples::validate`], [`Learner::validate`], too many columns for logistic regression.
pub fn train(examples: &Examples, learner: &Learner, seed: u64) -> Result<Model, TrainingError> {
    examples.validate()?;
    learner.validate()?;
    train_part(examples, learner, seed)
}

/// As [`train`], for a part of a table that was checked before: it may have few groups.
pub(crate) fn train_part(
    examples: &Examples,
    learner: &Learner,
    seed: u64,
) -> Result<Model, TrainingError> {
    examples.both_outcomes()?;
    let body = match learner {
        Learner::Logistic(learner) => Body::Linear(logistic::train(examples, learner)?),
        Learner::Trees(learner) => Body::Trees(trees::train(examples, learner, seed)?),
    };
    Ok(Model {
        features: examples.matrix.features.clone(),
        learner: learner.clone(),
        facts: TrainingFacts {
            rows: examples.matrix.rows,
            groups: group_indices(&examples.group).1,
            positive_rows: examples.outcome.iter().filter(|y| **y).count(),
            seed,
        },
        body,
    })
}

impl Model {
    /// The probability of the outcome for each row.
    ///
    /// # Errors
    /// A broken matrix; other features than the model was made from, or in another order.
    pub fn predict(&self, matrix: &Matrix) -> Result<Vec<f32>, TrainingError> {
        self.check(matrix)?;
        Ok((0..matrix.rows)
            .map(|row| sigmoid(self.margin(matrix.row(row))) as f32)
            .collect())
    }

    /// The log-odds of one row.
    ///
    /// # Panics
    /// When the row has fewer values than the model has features.
    pub fn margin(&self, row: &[f32]) -> f64 {
        match &self.body {
            Body::Linear(linear) => linear.margin(row),
            Body::Trees(trees) => trees.margin(row),
        }
    }

    /// Whether the parts of a model that was read from a file fit each other. A model from
    /// [`train`] does.
    pub fn is_sound(&self) -> bool {
        let names: HashSet<&str> = self.features.iter().map(|f| f.name.as_str()).collect();
        names.len() == self.features.len()
            && match &self.body {
                Body::Linear(linear) => linear.terms.len() == self.features.len(),
                Body::Trees(trees) => trees.is_sound(self.features.len()),
            }
    }

    pub(crate) fn check(&self, matrix: &Matrix) -> Result<(), TrainingError> {
        matrix.validate()?;
        crate::error::same_length("features", self.features.len(), matrix.features.len())?;
        let pairs = self.features.iter().zip(&matrix.features);
        for (position, (expected, found)) in pairs.enumerate() {
            if expected.name != found.name {
                return Err(TrainingError::FeatureMismatch {
                    position,
                    expected: expected.name.clone(),
                    found: found.name.clone(),
                });
            }
        }
        Ok(())
    }
}

/// Log-odds to probability.
pub(crate) fn sigmoid(margin: f64) -> f64 {
    1.0 / (1.0 + (-margin).exp())
}
