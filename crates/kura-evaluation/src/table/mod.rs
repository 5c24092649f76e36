//! The two-by-two table of a test against a reference standard.

mod accuracy;
pub mod mcnemar;
mod ratio;

use serde::Serialize;

pub use accuracy::DiagnosticAccuracy;
pub use mcnemar::{McNemar, mcnemar};
pub use ratio::RatioEstimate;

use crate::agreement::cohen::{Kappa, KappaWeights, cohen_kappa};
use crate::error::EvaluationError;
use crate::interval::{Estimable, Interval, Level};
use crate::observation::Decision;
use crate::proportion::Proportion;
use crate::proportion::difference::UnpairedCounts;

/// Counts of a test (positive, negative) against the truth (diseased, not diseased).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TwoByTwo {
    pub true_positive: u64,
    pub false_positive: u64,
    pub false_negative: u64,
    pub true_negative: u64,
}

impl TwoByTwo {
    pub fn from_decisions(decisions: &[Decision]) -> Self {
        let mut table = TwoByTwo {
            true_positive: 0,
            false_positive: 0,
            false_negative: 0,
            true_negative: 0,
        };
        for d in decisions {
            match (d.diseased, d.positive) {
                (true, true) => table.true_positive += 1,
                (false, true) => table.false_positive += 1,
                (true, false) => table.false_negative += 1,
                (false, false) => table.true_negative += 1,
            }
        }
        table
    }

    pub fn diseased(&self) -> u64 {
        self.true_positive + self.false_negative
    }

    pub fn healthy(&self) -> u64 {
        self.false_positive + self.true_negative
    }

    pub fn total(&self) -> u64 {
        self.diseased() + self.healthy()
    }

    /// TP/(TP + FN)
    ///
    /// # Errors
    /// [`EvaluationError::EmptyGroup`] without diseased cases.
    pub fn sensitivity(&self, level: Level) -> Result<Proportion, EvaluationError> {
        Proportion::from_counts_named("sensitivity", self.true_positive, self.diseased(), level)
    }

    /// TN/(TN + FP)
    ///
    /// # Errors
    /// [`EvaluationError::EmptyGroup`] without cases free of the disease.
    pub fn specificity(&self, level: Level) -> Result<Proportion, EvaluationError> {
        Proportion::from_counts_named("specificity", self.true_negative, self.healthy(), level)
    }

    /// TP/(TP + FP), at the prevalence of this sample.
    ///
    /// # Errors
    /// [`EvaluationError::EmptyGroup`] without positive results.
    pub fn positive_predictive_value(&self, level: Level) -> Result<Proportion, EvaluationError> {
        Proportion::from_counts_named(
            "positive predictive value",
            self.true_positive,
            self.true_positive + self.false_positive,
            level,
        )
    }

    /// TN/(TN + FN), at the prevalence of this sample.
    ///
    /// # Errors
    /// [`EvaluationError::EmptyGroup`] without negative results.
    pub fn negative_predictive_value(&self, level: Level) -> Result<Proportion, EvaluationError> {
        Proportion::from_counts_named(
            "negative predictive value",
            self.true_negative,
            self.true_negative + self.false_negative,
            level,
        )
    }

    /// (TP + TN)/all
    ///
    /// # Errors
    /// [`EvaluationError::EmptyGroup`] for an empty table.
    pub fn accuracy(&self, level: Level) -> Result<Proportion, EvaluationError> {
        Proportion::from_counts_named(
            "accuracy",
            self.true_positive + self.true_negative,
            self.total(),
            level,
        )
    }

    /// Share of diseased cases in this sample.
    ///
    /// # Errors
    /// [`EvaluationError::EmptyGroup`] for an empty table.
    pub fn prevalence(&self, level: Level) -> Result<Proportion, EvaluationError> {
        Proportion::from_counts_named("prevalence", self.diseased(), self.total(), level)
    }

    /// Youden's J = sensitivity + specificity − 1, the difference of two independent proportions
    /// P(positive | diseased) − P(positive | healthy); interval by Newcombe (1998).
    ///
    /// # Errors
    /// [`EvaluationError::EmptyGroup`] when either class is absent.
    pub fn youden(&self, level: Level) -> Result<Interval, EvaluationError> {
        UnpairedCounts {
            first_successes: self.true_positive,
            first_trials: self.diseased(),
            second_successes: self.false_positive,
            second_trials: self.healthy(),
        }
        .newcombe(level)
    }

    /// Matthews' correlation coefficient: B. W. Matthews, Biochim. Biophys. Acta 405 (1975)
    /// 442–451. Undefined when a margin is 0.
    pub fn matthews_correlation(&self) -> Estimable<f64> {
        let (tp, fp, fn_, tn) = self.as_f64();
        let margins = (tp + fp) * (tp + fn_) * (tn + fp) * (tn + fn_);
        Estimable::ratio(
            tp * tn - fp * fn_,
            margins.sqrt(),
            "a row or a column of the table is empty",
        )
    }

    /// Cohen's κ between the test and the reference standard.
    ///
    /// # Errors
    /// As [`cohen_kappa`].
    pub fn kappa(&self, level: Level) -> Result<Kappa, EvaluationError> {
        cohen_kappa(
            &[
                vec![self.true_positive, self.false_positive],
                vec![self.false_negative, self.true_negative],
            ],
            KappaWeights::None,
            level,
        )
    }

    pub(crate) fn as_f64(&self) -> (f64, f64, f64, f64) {
        (
            self.true_positive as f64,
            self.false_positive as f64,
            self.false_negative as f64,
            self.true_negative as f64,
        )
    }

    pub(crate) fn has_zero_cell(&self) -> bool {
        [
            self.true_positive,
            self.false_positive,
            self.false_negative,
            self.true_negative,
        ]
        .contains(&0)
    }
}
