//! What cross-validation asks of a learner, whoever wrote it.

use std::sync::atomic::AtomicBool;

use crate::error::TrainingError;
use crate::learner::{Learner, Logistic};
use crate::model::{Model, train_part};
use crate::table::{Examples, Matrix};

/// Learns from a table: what [`crate::cross_validate`] judges.
pub trait Fit {
    type Fitted: Predict;

    /// # Errors
    /// A setting outside what its definition allows, a table it cannot learn from.
    fn validate(&self, examples: &Examples) -> Result<(), TrainingError>;

    /// Learns from a part of a table that was checked as a whole. The part has rows of both
    /// outcomes and may have few groups. The same part and seed give the same answers.
    ///
    /// # Errors
    /// [`TrainingError::Cancelled`] where it looks at `cancel`; what only shows while learning.
    fn fit(
        &self,
        part: &Examples,
        seed: u64,
        cancel: &AtomicBool,
    ) -> Result<Self::Fitted, TrainingError>;

    /// The plain learner it must beat to be worth having; `None` for one that is plain itself.
    fn baseline(&self, examples: &Examples) -> Option<Learner>;
}

/// Gives the probability of the outcome for each row.
pub trait Predict {
    /// # Errors
    /// A table that is not of the kind it was fitted to.
    fn predict(&self, matrix: &Matrix) -> Result<Vec<f32>, TrainingError>;
}

impl Fit for Learner {
    type Fitted = Model;

    fn validate(&self, _examples: &Examples) -> Result<(), TrainingError> {
        Learner::validate(self)
    }

    /// A model that is being trained is finished whatever `cancel` says: it takes seconds.
    fn fit(
        &self,
        part: &Examples,
        seed: u64,
        _cancel: &AtomicBool,
    ) -> Result<Model, TrainingError> {
        train_part(part, self, seed)
    }

    /// Logistic regression with its default settings, for trees.
    fn baseline(&self, _examples: &Examples) -> Option<Learner> {
        match self {
            Self::Logistic(_) => None,
            Self::Trees(_) => Some(Self::Logistic(Logistic::default())),
        }
    }
}

impl Predict for Model {
    fn predict(&self, matrix: &Matrix) -> Result<Vec<f32>, TrainingError> {
        Model::predict(self, matrix)
    }
}
