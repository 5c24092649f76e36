//! Do predicted probabilities mean what they say, and is acting on them worth it?
//!
//! Everything here takes `outcome` (the event happened) and `probability` (predicted, 0 to 1) as
//! parallel slices with one entry per independent person. Where persons repeat, wrap the figure in
//! [`crate::bootstrap::cluster_bootstrap`].

mod brier;
mod decision_curve;
mod hosmer_lemeshow;
mod recalibration;
mod reliability;

pub use brier::{Brier, BrierDecomposition, brier};
pub use decision_curve::{NetBenefit, decision_curve};
pub use hosmer_lemeshow::{HosmerLemeshow, hosmer_lemeshow};
pub use recalibration::{Recalibration, recalibration};
pub use reliability::{Binning, Reliability, ReliabilityBin, reliability};

use crate::error::{EvaluationError, probabilities, same_length};

fn checked(outcome: &[bool], probability: &[f64]) -> Result<(), EvaluationError> {
    same_length("predicted probabilities", outcome.len(), probability.len())?;
    if outcome.is_empty() {
        return Err(EvaluationError::EmptyGroup {
            group: "predictions",
        });
    }
    probabilities("predicted probability", probability)
}

fn number(outcome: bool) -> f64 {
    f64::from(u8::from(outcome))
}
