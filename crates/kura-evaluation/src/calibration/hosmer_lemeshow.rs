//! The Hosmer–Lemeshow test: D. W. Hosmer and S. Lemeshow, Commun. Stat. Theory Methods 9 (1980)
//! 1043–1069. Its power depends on the number of groups; read it beside the reliability diagram.

use serde::Serialize;

use super::reliability::{Binning, bins};
use super::{checked, number};
use crate::error::{EvaluationError, at_least};
use crate::special::distribution::chi_square_upper_tail;
use crate::warning::Warning;

/// Result of the test.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HosmerLemeshow {
    pub groups: usize,
    pub chi_square: f64,
    /// groups for predictions made elsewhere (external validation), groups − 2 for a model fitted
    /// to these data.
    pub df: f64,
    pub p: f64,
    pub warnings: Vec<Warning>,
}

/// `fitted_here`: the model was fitted to these same data.
///
/// # Errors
/// As [`super::reliability()`]; fewer than three groups; a group whose predictions are all 0 or all
/// 1.
pub fn hosmer_lemeshow(
    outcome: &[bool],
    probability: &[f64],
    groups: usize,
    fitted_here: bool,
) -> Result<HosmerLemeshow, EvaluationError> {
    checked(outcome, probability)?;
    let bins = bins(probability, Binning::EqualCount(groups))?;
    at_least("Hosmer–Lemeshow groups", bins.len(), 3)?;
    let mut chi_square = 0.0;
    let mut small = false;
    for bin in &bins {
        let size = bin.len() as f64;
        let observed = bin.iter().map(|&i| number(outcome[i])).sum::<f64>();
        let expected = bin.iter().map(|&i| probability[i]).sum::<f64>();
        let variance = expected * (1.0 - expected / size);
        if variance <= 0.0 {
            return Err(EvaluationError::NotEstimable {
                what: "Hosmer–Lemeshow statistic",
                reason: "a group expects no event, or nothing but events",
            });
        }
        small |= expected < 5.0 || size - expected < 5.0;
        chi_square += (observed - expected).powi(2) / variance;
    }
    let df = bins.len() as f64 - if fitted_here { 2.0 } else { 0.0 };
    Ok(HosmerLemeshow {
        groups: bins.len(),
        chi_square,
        df,
        p: chi_square_upper_tail(chi_square, df),
        warnings: small
            .then_some(Warning::SmallExpectedCounts {
                quantity: "Hosmer–Lemeshow test",
            })
            .into_iter()
            .collect(),
    })
}
