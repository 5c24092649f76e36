//! Readers and cases for a reader study, from the variance components of a pilot.
//!
//! S. L. Hillis, N. A. Obuchowski and K. S. Berbaum, "Power estimation for multireader ROC
//! methods: an updated and unified approach", Acad. Radiol. 18 (2011) 129–142. Error variance and
//! covariances scale with pilot cases / cases; the case mix is taken to stay as in the pilot.

use serde::Serialize;

use super::proportion::smallest;
use crate::error::{EvaluationError, at_least, open_unit};
use crate::mrmc::{Generalization, VarianceComponents};
use crate::special::distribution::{chi_square_upper_quantile, f_upper_quantile};
use crate::special::noncentral::{noncentral_chi_square_upper_tail, noncentral_f_upper_tail};

/// The study that is planned: two modalities, fully crossed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MrmcDesign {
    pub components: VarianceComponents,
    /// Number of cases the components come from.
    pub pilot_cases: usize,
    /// Difference of the two modalities that should be found.
    pub difference: f64,
    /// Two-sided.
    pub alpha: f64,
    pub generalization: Generalization,
}

/// Power of one design.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MrmcPower {
    pub readers: u64,
    pub cases: u64,
    pub noncentrality: f64,
    /// `None` when infinite.
    pub denominator_df: Option<f64>,
    pub power: f64,
}

/// Power with so many readers and cases.
///
/// # Errors
/// Fewer than two random readers or two cases, an alpha outside (0, 1), components without a reader
/// part where readers are random, or components that leave no variance.
pub fn mrmc_power(
    design: &MrmcDesign,
    readers: u64,
    cases: u64,
) -> Result<MrmcPower, EvaluationError> {
    open_unit("alpha", design.alpha)?;
    at_least("cases", cases as usize, 2)?;
    at_least("pilot cases", design.pilot_cases, 2)?;
    let random = design.generalization != Generalization::Cases;
    at_least("readers", readers as usize, if random { 2 } else { 1 })?;
    let c = design.components;
    let scale = design.pilot_cases as f64 / cases as f64;
    let r = readers as f64;
    let pair = (c.cov2 - c.cov3).max(0.0);
    let interaction = match (random, c.modality_reader) {
        // A negative moment estimate stands for none.
        (true, Some(value)) => value.max(0.0),
        (true, None) => {
            return Err(EvaluationError::NotEstimable {
                what: "power",
                reason: "the pilot had one reader, so there is no reader component",
            });
        }
        (false, _) => 0.0,
    };
    // Expected mean square of modality × reader, and the denominator of F.
    let residual = interaction + scale * (c.error - c.cov1 - pair).max(0.0);
    let whole = interaction + scale * (c.error - c.cov1 + (r - 1.0) * pair);
    let (denominator, df) = match design.generalization {
        Generalization::ReadersAndCases => (
            whole,
            (residual > 0.0).then(|| whole * whole * (r - 1.0) / (residual * residual)),
        ),
        Generalization::Cases => (whole, None),
        Generalization::Readers => (residual, Some(r - 1.0)),
    };
    if denominator <= 0.0 {
        return Err(EvaluationError::NotEstimable {
            what: "power",
            reason: "the variance components leave no variance",
        });
    }
    let noncentrality = r * design.difference * design.difference / (2.0 * denominator);
    let power = match df {
        Some(df) => {
            let critical = f_upper_quantile(design.alpha, 1.0, df);
            noncentral_f_upper_tail(critical, 1.0, df, noncentrality)
        }
        None => {
            let critical = chi_square_upper_quantile(design.alpha, 1.0);
            noncentral_chi_square_upper_tail(critical, 1.0, noncentrality)
        }
    };
    Ok(MrmcPower {
        readers,
        cases,
        noncentrality,
        denominator_df: df,
        power,
    })
}

/// The fewest cases for a number of readers.
///
/// # Errors
/// As [`mrmc_power`]; [`EvaluationError::NotEstimable`] when a million cases do not suffice.
pub fn mrmc_cases(
    design: &MrmcDesign,
    readers: u64,
    power: f64,
) -> Result<MrmcPower, EvaluationError> {
    open_unit("power", power)?;
    let cases = smallest(2, 1_000_000, |cases| {
        Ok(mrmc_power(design, readers, cases)?.power >= power)
    })?;
    match cases {
        Some(cases) => mrmc_power(design, readers, cases),
        None => Err(EvaluationError::NotEstimable {
            what: "number of cases",
            reason: "so few readers do not reach the power with a million cases",
        }),
    }
}

/// The fewest readers for a number of cases.
///
/// # Errors
/// As [`mrmc_power`]; [`EvaluationError::NotEstimable`] when 10,000 readers do not suffice.
pub fn mrmc_readers(
    design: &MrmcDesign,
    cases: u64,
    power: f64,
) -> Result<MrmcPower, EvaluationError> {
    open_unit("power", power)?;
    let readers = smallest(2, 10_000, |readers| {
        Ok(mrmc_power(design, readers, cases)?.power >= power)
    })?;
    match readers {
        Some(readers) => mrmc_power(design, readers, cases),
        None => Err(EvaluationError::NotEstimable {
            what: "number of readers",
            reason: "so few cases do not reach the power with 10,000 readers",
        }),
    }
}
