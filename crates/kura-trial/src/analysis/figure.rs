//! Figures that a reader and the model both have.

use kura_evaluation::error::EvaluationError;
use kura_evaluation::mrmc::{
    CaseClass, EmpiricalAuc, FigureOfMerit, FigureParts, Sensitivity, Specificity, WeightedFigure,
};
use serde::Serialize;

use crate::protocol::Endpoint;

/// The same four as the endpoints.
pub type Figure = Endpoint;

impl Figure {
    pub(crate) const ALL: [Figure; 4] = [
        Figure::Auc,
        Figure::Sensitivity,
        Figure::Specificity,
        Figure::Accuracy,
    ];

    /// The figure on scores (area) or on decisions coded 0 and 1 (the others).
    pub(super) fn of_merit(self) -> Box<dyn FigureOfMerit> {
        match self {
            Figure::Auc => Box::new(EmpiricalAuc),
            Figure::Sensitivity => Box::new(Sensitivity { threshold: 0.5 }),
            Figure::Specificity => Box::new(Specificity { threshold: 0.5 }),
            Figure::Accuracy => Box::new(Accuracy),
        }
    }

    /// Whether a case of this truth enters.
    pub(super) fn counts(self, positive: bool) -> bool {
        match self {
            Figure::Sensitivity => positive,
            Figure::Specificity => !positive,
            Figure::Auc | Figure::Accuracy => true,
        }
    }
}

/// Share of cases whose decision (0 or 1) is the truth.
#[derive(Debug, Clone, Copy, Serialize)]
struct Accuracy;

struct Right(Vec<f64>);

impl FigureOfMerit for Accuracy {
    fn name(&self) -> &'static str {
        "accuracy"
    }

    fn cases(&self) -> CaseClass {
        CaseClass::All
    }

    fn prepare<'a>(
        &self,
        truth: &'a [bool],
        ratings: &'a [f64],
    ) -> Result<Box<dyn WeightedFigure + 'a>, EvaluationError> {
        let right = truth.iter().zip(ratings).map(|(&t, &r)| t == (r >= 0.5));
        Ok(Box::new(Right(
            right.map(|r| f64::from(u8::from(r))).collect(),
        )))
    }

    // Its variance depends on both classes at once: the jackknife leaves cases out one by one.
    fn parts(&self, _: &[bool], _: &[f64]) -> Option<FigureParts> {
        None
    }
}

impl WeightedFigure for Right {
    fn estimate(&self, weights: &[f64]) -> Option<f64> {
        let total: f64 = weights.iter().sum();
        let right: f64 = self.0.iter().zip(weights).map(|(r, w)| r * w).sum();
        (total > 0.0).then(|| right / total)
    }
}
