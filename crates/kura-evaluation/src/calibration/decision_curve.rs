//! Decision curve analysis: A. J. Vickers and E. B. Elkin, Med. Decis. Making 26 (2006) 565–574.

use serde::Serialize;

use super::checked;
use crate::error::{EvaluationError, open_unit};

/// Net benefit at one threshold probability, in true positives per person.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct NetBenefit {
    /// Treat when the predicted probability is at least this; its odds are the harm of a false
    /// positive in units of the benefit of a true one.
    pub threshold: f64,
    /// TP/n − FP/n · threshold/(1 − threshold)
    pub model: f64,
    /// The same when everybody is treated.
    pub treat_all: f64,
    /// 0: nobody is treated.
    pub treat_none: f64,
    /// Fewer interventions per person at the same number of true positives, against treat-all:
    /// (model − treat_all) · (1 − threshold)/threshold.
    pub interventions_avoided: f64,
}

/// # Errors
/// Different lengths, no prediction, a probability outside [0, 1], or a threshold outside (0, 1).
pub fn decision_curve(
    outcome: &[bool],
    probability: &[f64],
    thresholds: &[f64],
) -> Result<Vec<NetBenefit>, EvaluationError> {
    checked(outcome, probability)?;
    let n = outcome.len() as f64;
    let rate = outcome.iter().filter(|y| **y).count() as f64 / n;
    thresholds
        .iter()
        .map(|&threshold| {
            open_unit("threshold probability", threshold)?;
            let odds = threshold / (1.0 - threshold);
            let treated = outcome
                .iter()
                .zip(probability)
                .filter(|(_, p)| **p >= threshold);
            let (mut tp, mut fp) = (0.0, 0.0);
            for (&y, _) in treated {
                if y {
                    tp += 1.0;
                } else {
                    fp += 1.0;
                }
            }
            let model = tp / n - fp / n * odds;
            let treat_all = rate - (1.0 - rate) * odds;
            Ok(NetBenefit {
                threshold,
                model,
                treat_all,
                treat_none: 0.0,
                interventions_avoided: (model - treat_all) / odds,
            })
        })
        .collect()
}
