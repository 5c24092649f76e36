//! Cases for areas under the ROC curve.

use serde::Serialize;

use super::proportion::{reachable, smallest};
use super::{not_zero, quantiles};
use crate::error::{EvaluationError, open_unit};
use crate::interval::Level;
use crate::special::normal;

/// Variance of an estimated area before there are data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AucVariance {
    /// J. A. Hanley and B. J. McNeil, Radiology 143 (1982) 29–36, exponential approximation, eq. 2.
    HanleyMcNeil,
    /// N. A. Obuchowski, M. L. Lieber and F. H. Wians, Clin. Chem. 50 (2004) 1118–1125: binormal.
    ObuchowskiBinormal,
}

impl AucVariance {
    /// Variance of one area.
    pub fn variance(self, auc: f64, diseased: f64, healthy: f64) -> f64 {
        match self {
            AucVariance::HanleyMcNeil => {
                let q1 = auc / (2.0 - auc);
                let q2 = 2.0 * auc * auc / (1.0 + auc);
                (auc * (1.0 - auc)
                    + (diseased - 1.0) * (q1 - auc * auc)
                    + (healthy - 1.0) * (q2 - auc * auc))
                    / (diseased * healthy)
            }
            AucVariance::ObuchowskiBinormal => {
                // The paper prints 1.414 for √2 and 0.0099.
                let a = normal::quantile(auc) * 1.414;
                let ratio = healthy / diseased;
                0.0099 * (-a * a / 2.0).exp() * ((5.0 * a * a + 8.0) + (a * a + 8.0) / ratio)
                    / diseased
            }
        }
    }
}

/// Cases of both classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct AucCases {
    pub diseased: u64,
    pub healthy: u64,
}

fn search(
    ratio: f64,
    mut reached: impl FnMut(f64, f64) -> bool,
) -> Result<AucCases, EvaluationError> {
    if !(ratio > 0.0 && ratio.is_finite()) {
        return Err(EvaluationError::OutOfRange {
            what: "healthy cases per diseased case",
            value: ratio,
            allowed: "above 0",
        });
    }
    let found = smallest(2, 1 << 40, |diseased| {
        let diseased = diseased as f64;
        Ok(reached(diseased, ratio * diseased))
    })?;
    let diseased = found.ok_or(EvaluationError::NotEstimable {
        what: "number of cases",
        reason: "no feasible number reaches the target",
    })?;
    Ok(AucCases {
        diseased,
        healthy: super::up(ratio * diseased as f64),
    })
}

/// Cases so that AUC ± z · SE is at most `width` wide. `ratio`: healthy per diseased case.
///
/// # Errors
/// An area or width outside (0, 1), or a ratio that is not positive.
pub fn auc_precision(
    auc: f64,
    width: f64,
    ratio: f64,
    variance: AucVariance,
    level: Level,
) -> Result<AucCases, EvaluationError> {
    open_unit("anticipated area", auc)?;
    open_unit("width of the interval", width)?;
    search(ratio, |m, n| {
        2.0 * level.z() * variance.variance(auc, m, n).sqrt() <= width
    })
}

/// Cases to tell an area from a fixed value (0.5, or a performance goal), two-sided.
///
/// # Errors
/// As [`auc_precision`]; the area equal to the value.
pub fn auc_against_value(
    auc: f64,
    value: f64,
    ratio: f64,
    variance: AucVariance,
    alpha: f64,
    power: f64,
) -> Result<AucCases, EvaluationError> {
    open_unit("anticipated area", auc)?;
    open_unit("area to compare with", value)?;
    not_zero("difference of the areas", auc - value)?;
    let (za, zb) = quantiles(alpha / 2.0, power)?;
    search(ratio, |m, n| {
        za * variance.variance(value, m, n).sqrt() + zb * variance.variance(auc, m, n).sqrt()
            <= (auc - value).abs()
    })
}

/// Cases to tell two areas apart on the same cases, two-sided: J. A. Hanley and B. J. McNeil,
/// Radiology 148 (1983) 839–843. `correlation` is that of the two estimated areas.
///
/// # Errors
/// As [`auc_precision`]; equal areas; a correlation outside [0, 1).
pub fn auc_difference_paired(
    [first, second]: [f64; 2],
    correlation: f64,
    ratio: f64,
    variance: AucVariance,
    alpha: f64,
    power: f64,
) -> Result<AucCases, EvaluationError> {
    areas(first, second, correlation)?;
    not_zero("difference of the areas", first - second)?;
    let (za, zb) = quantiles(alpha / 2.0, power)?;
    let mean = (first + second) / 2.0;
    search(ratio, |m, n| {
        let null = 2.0 * variance.variance(mean, m, n) * (1.0 - correlation);
        let alternative = of_difference(variance, first, second, correlation, m, n);
        za * null.sqrt() + zb * alternative.sqrt() <= (first - second).abs()
    })
}

/// Cases to show that the area of the new test is not lower by `margin`, on the same cases.
/// One-sided alpha.
///
/// # Errors
/// As [`auc_difference_paired`]; an anticipated loss at or beyond the margin.
pub fn auc_non_inferiority_paired(
    [new, reference]: [f64; 2],
    margin: f64,
    correlation: f64,
    ratio: f64,
    variance: AucVariance,
    alpha: f64,
    power: f64,
) -> Result<AucCases, EvaluationError> {
    areas(new, reference, correlation)?;
    let distance = reachable(new - reference, margin)?;
    let (za, zb) = quantiles(alpha, power)?;
    search(ratio, |m, n| {
        let v = of_difference(variance, new, reference, correlation, m, n);
        (za + zb) * v.sqrt() <= distance
    })
}

fn areas(first: f64, second: f64, correlation: f64) -> Result<(), EvaluationError> {
    open_unit("first area", first)?;
    open_unit("second area", second)?;
    if (0.0..1.0).contains(&correlation) {
        Ok(())
    } else {
        Err(EvaluationError::OutOfRange {
            what: "correlation of the two areas",
            value: correlation,
            allowed: "0 up to, not including, 1",
        })
    }
}

fn of_difference(
    variance: AucVariance,
    first: f64,
    second: f64,
    correlation: f64,
    diseased: f64,
    healthy: f64,
) -> f64 {
    let a = variance.variance(first, diseased, healthy);
    let b = variance.variance(second, diseased, healthy);
    a + b - 2.0 * correlation * (a * b).sqrt()
}
