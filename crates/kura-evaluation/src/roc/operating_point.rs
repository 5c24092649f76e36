//! Thresholds and what they give.

use serde::Serialize;

use super::curve::RocPoint;
use super::data::RocData;
use crate::error::{EvaluationError, finite};
use crate::interval::Level;
use crate::table::DiagnosticAccuracy;

/// A threshold with everything measured at it. A case is positive when score ≥ threshold.
///
/// An interval at a threshold chosen on the same data does not count the choice; fix the
/// threshold on other data first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OperatingPoint {
    pub threshold: f64,
    pub accuracy: DiagnosticAccuracy,
}

impl RocData {
    /// The measures at one threshold.
    ///
    /// # Errors
    /// A threshold that is not finite.
    pub fn at_threshold(
        &self,
        threshold: f64,
        level: Level,
    ) -> Result<OperatingPoint, EvaluationError> {
        finite("threshold", &[threshold])?;
        Ok(OperatingPoint {
            threshold,
            accuracy: DiagnosticAccuracy::from_decisions(&self.decisions(threshold), level)?,
        })
    }

    /// The highest threshold whose sensitivity is at least `sensitivity`: the best specificity
    /// that keeps it.
    ///
    /// # Errors
    /// A sensitivity outside (0, 1].
    pub fn at_sensitivity(
        &self,
        sensitivity: f64,
        level: Level,
    ) -> Result<OperatingPoint, EvaluationError> {
        if !(sensitivity > 0.0 && sensitivity <= 1.0) {
            return Err(EvaluationError::OutOfRange {
                what: "sensitivity",
                value: sensitivity,
                allowed: "above 0, at most 1",
            });
        }
        let point = self
            .curve()
            .into_iter()
            .find(|p| p.threshold.is_some() && p.sensitivity >= sensitivity - SLACK);
        self.at_point(point, level)
    }

    /// The lowest threshold among the scores whose specificity is at least `specificity`: the best
    /// sensitivity that keeps it.
    ///
    /// # Errors
    /// A specificity outside [0, 1]; [`EvaluationError::NotEstimable`] when only a threshold above
    /// all scores reaches it.
    pub fn at_specificity(
        &self,
        specificity: f64,
        level: Level,
    ) -> Result<OperatingPoint, EvaluationError> {
        if !(0.0..=1.0).contains(&specificity) {
            return Err(EvaluationError::OutOfRange {
                what: "specificity",
                value: specificity,
                allowed: "0 to 1",
            });
        }
        let point = self
            .curve()
            .into_iter()
            .rev()
            .find(|p| p.threshold.is_some() && p.specificity >= specificity - SLACK);
        self.at_point(point, level)
    }

    /// The threshold of the largest sensitivity + specificity − 1 (W. J. Youden, Cancer 3 (1950)
    /// 32–35); the highest of equals.
    ///
    /// # Errors
    /// None beyond those of [`RocData::at_threshold`].
    pub fn at_youden(&self, level: Level) -> Result<OperatingPoint, EvaluationError> {
        let mut best: Option<RocPoint> = None;
        for point in self.curve().into_iter().filter(|p| p.threshold.is_some()) {
            let sum = point.sensitivity + point.specificity;
            if best.is_none_or(|b| sum > b.sensitivity + b.specificity + SLACK) {
                best = Some(point);
            }
        }
        self.at_point(best, level)
    }

    fn at_point(
        &self,
        point: Option<RocPoint>,
        level: Level,
    ) -> Result<OperatingPoint, EvaluationError> {
        match point.and_then(|p| p.threshold) {
            Some(threshold) => self.at_threshold(threshold, level),
            None => Err(EvaluationError::NotEstimable {
                what: "operating point",
                reason: "no threshold among the scores reaches the target",
            }),
        }
    }
}

/// Fractions such as 9/10 and 1 − 1/10 differ in the last bit.
const SLACK: f64 = 1e-12;
