//! Cases for proportions.

use serde::Serialize;

use super::{not_zero, quantiles, up};
use crate::error::{EvaluationError, open_unit};
use crate::interval::Level;
use crate::proportion::interval::{clopper_pearson_real, wilson_real};
use crate::special::normal;

/// Which interval is to become narrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PrecisionMethod {
    Wilson,
    ClopperPearson,
}

/// Cases so that the interval around the anticipated proportion is at most `width` wide (upper −
/// lower), at np successes. Found by search on the interval itself, not on Wald's formula.
///
/// # Errors
/// A proportion or width outside (0, 1).
pub fn proportion_precision(
    anticipated: f64,
    width: f64,
    method: PrecisionMethod,
    level: Level,
) -> Result<u64, EvaluationError> {
    open_unit("anticipated proportion", anticipated)?;
    open_unit("width of the interval", width)?;
    let reached = |n: u64| -> Result<bool, EvaluationError> {
        let trials = n as f64;
        let interval = match method {
            PrecisionMethod::Wilson => wilson_real(anticipated * trials, trials, level)?,
            PrecisionMethod::ClopperPearson => {
                clopper_pearson_real(anticipated * trials, trials, level)?
            }
        };
        Ok(interval.width() <= width)
    };
    smallest(1, 1 << 40, reached)?.ok_or(EvaluationError::NotEstimable {
        what: "number of cases",
        reason: "no feasible number makes the interval so narrow",
    })
}

/// The smallest n in low ..= high that satisfies a monotone condition.
pub(super) fn smallest(
    mut low: u64,
    mut high: u64,
    mut reached: impl FnMut(u64) -> Result<bool, EvaluationError>,
) -> Result<Option<u64>, EvaluationError> {
    // Doubling first keeps the trials near the answer.
    let mut probe = low.max(1);
    while probe < high && !reached(probe)? {
        low = probe + 1;
        probe = probe.saturating_mul(2);
    }
    if probe >= high && !reached(high)? {
        return Ok(None);
    }
    high = probe.min(high);
    while low < high {
        let middle = low + (high - low) / 2;
        if reached(middle)? {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(Some(low))
}

/// Cases of a study of sensitivity and specificity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct AccuracyCases {
    pub diseased: u64,
    pub healthy: u64,
    /// To be recruited so that the diseased suffice.
    pub total_for_sensitivity: u64,
    /// To be recruited so that those free of the disease suffice.
    pub total_for_specificity: u64,
    /// The larger of both.
    pub total: u64,
}

/// N. M. F. Buderer, Acad. Emerg. Med. 3 (1996) 895–900: Wald half width for sensitivity and
/// specificity, carried to the cohort through the prevalence.
///
/// # Errors
/// Any argument outside (0, 1).
pub fn accuracy_precision(
    sensitivity: f64,
    specificity: f64,
    half_width: f64,
    prevalence: f64,
    level: Level,
) -> Result<AccuracyCases, EvaluationError> {
    open_unit("anticipated sensitivity", sensitivity)?;
    open_unit("anticipated specificity", specificity)?;
    open_unit("half width", half_width)?;
    open_unit("prevalence", prevalence)?;
    let needed = |p: f64| (level.z() / half_width).powi(2) * p * (1.0 - p);
    let (diseased, healthy) = (needed(sensitivity), needed(specificity));
    let total_for_sensitivity = up(diseased / prevalence);
    let total_for_specificity = up(healthy / (1.0 - prevalence));
    Ok(AccuracyCases {
        diseased: up(diseased),
        healthy: up(healthy),
        total_for_sensitivity,
        total_for_specificity,
        total: total_for_sensitivity.max(total_for_specificity),
    })
}

/// Cases per group for two independent proportions: Fleiss, Levin and Paik, Statistical Methods
/// for Rates and Proportions (2003), eq. 4.14 without continuity correction.
///
/// # Errors
/// Equal proportions, or an argument outside (0, 1).
pub fn unpaired_proportions(
    first: f64,
    second: f64,
    alpha: f64,
    power: f64,
) -> Result<u64, EvaluationError> {
    open_unit("first proportion", first)?;
    open_unit("second proportion", second)?;
    not_zero("difference of the proportions", first - second)?;
    let (za, zb) = quantiles(alpha / 2.0, power)?;
    let mean = (first + second) / 2.0;
    let root = za * (2.0 * mean * (1.0 - mean)).sqrt()
        + zb * (first * (1.0 - first) + second * (1.0 - second)).sqrt();
    Ok(up((root / (first - second)).powi(2)))
}

/// Power of the same test with n cases per group (the far tail is left out).
///
/// # Errors
/// As [`unpaired_proportions`].
pub fn unpaired_proportions_power(
    first: f64,
    second: f64,
    per_group: u64,
    alpha: f64,
) -> Result<f64, EvaluationError> {
    open_unit("first proportion", first)?;
    open_unit("second proportion", second)?;
    let (za, _) = quantiles(alpha / 2.0, 0.5)?;
    let mean = (first + second) / 2.0;
    let spread = first * (1.0 - first) + second * (1.0 - second);
    let distance = (per_group as f64).sqrt() * (first - second).abs();
    Ok(normal::cdf(
        (distance - za * (2.0 * mean * (1.0 - mean)).sqrt()) / spread.sqrt(),
    ))
}

fn discordance(first_only: f64, second_only: f64) -> Result<(f64, f64), EvaluationError> {
    let (discordant, difference) = (first_only + second_only, first_only - second_only);
    if first_only < 0.0 || second_only < 0.0 || discordant > 1.0 || discordant <= 0.0 {
        return Err(EvaluationError::OutOfRange {
            what: "share of discordant pairs",
            value: discordant,
            allowed: "above 0, at most 1",
        });
    }
    Ok((discordant, difference))
}

/// Pairs for McNemar's test: R. J. Connor, Biometrics 43 (1987) 207–211. `first_only` and
/// `second_only` are the anticipated shares of pairs in which only one test is right.
///
/// # Errors
/// Shares that are equal or do not fit in 1.
pub fn paired_proportions(
    first_only: f64,
    second_only: f64,
    alpha: f64,
    power: f64,
) -> Result<u64, EvaluationError> {
    let (discordant, difference) = discordance(first_only, second_only)?;
    not_zero("difference of the proportions", difference)?;
    let (za, zb) = quantiles(alpha / 2.0, power)?;
    let root = za * discordant.sqrt() + zb * (discordant - difference * difference).sqrt();
    Ok(up((root / difference).powi(2)))
}

/// Power of McNemar's test with n pairs.
///
/// # Errors
/// As [`paired_proportions`].
pub fn paired_proportions_power(
    first_only: f64,
    second_only: f64,
    pairs: u64,
    alpha: f64,
) -> Result<f64, EvaluationError> {
    let (discordant, difference) = discordance(first_only, second_only)?;
    let (za, _) = quantiles(alpha / 2.0, 0.5)?;
    let spread = (discordant - difference * difference).sqrt();
    if spread == 0.0 {
        return Err(EvaluationError::NotEstimable {
            what: "power",
            reason: "every pair is discordant in one direction",
        });
    }
    let distance = (pairs as f64).sqrt() * difference.abs();
    Ok(normal::cdf((distance - za * discordant.sqrt()) / spread))
}

/// Cases per group to show that `new` is not worse than `reference` by `margin`: W. C. Blackwelder,
/// Control. Clin. Trials 3 (1982) 345–353. One-sided alpha.
///
/// # Errors
/// An argument outside (0, 1), or a true difference at or beyond the margin.
pub fn unpaired_non_inferiority(
    new: f64,
    reference: f64,
    margin: f64,
    alpha: f64,
    power: f64,
) -> Result<u64, EvaluationError> {
    open_unit("new proportion", new)?;
    open_unit("reference proportion", reference)?;
    let distance = reachable(new - reference, margin)?;
    let (za, zb) = quantiles(alpha, power)?;
    let variance = new * (1.0 - new) + reference * (1.0 - reference);
    Ok(up(((za + zb) / distance).powi(2) * variance))
}

/// Pairs to show that the new test is not worse by `margin`: Y. Lu and J. A. Bean, Stat. Med. 14
/// (1995) 1831–1839, with the variance at the anticipated difference. One-sided alpha.
///
/// # Errors
/// As [`unpaired_non_inferiority`].
pub fn paired_non_inferiority(
    new_only: f64,
    reference_only: f64,
    margin: f64,
    alpha: f64,
    power: f64,
) -> Result<u64, EvaluationError> {
    let (discordant, difference) = discordance(new_only, reference_only)?;
    let distance = reachable(difference, margin)?;
    let (za, zb) = quantiles(alpha, power)?;
    let variance = discordant - difference * difference;
    Ok(up(((za + zb) / distance).powi(2) * variance))
}

/// difference + margin, which must be above 0.
pub(super) fn reachable(difference: f64, margin: f64) -> Result<f64, EvaluationError> {
    if margin > 0.0 && difference + margin > 0.0 {
        Ok(difference + margin)
    } else {
        Err(EvaluationError::OutOfRange {
            what: "margin",
            value: margin,
            allowed: "above 0 and above the anticipated loss",
        })
    }
}
