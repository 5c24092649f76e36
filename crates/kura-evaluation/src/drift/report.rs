//! All features together.

use serde::Serialize;

use super::distance::{
    CategoricalDrift, NumericDrift, chi_square_homogeneity, cohen_d, kolmogorov_smirnov, mean,
    population_stability_index_numeric, wasserstein_1,
};
use crate::error::{EvaluationError, finite, open_unit};
use crate::interval::Estimable;
use crate::multiplicity::{Multiplicity, adjust};

/// One feature in both periods.
#[derive(Debug, Clone, PartialEq)]
pub struct Feature {
    pub name: String,
    pub values: FeatureValues,
}

/// Numbers, or counts of the same categories in the same order.
#[derive(Debug, Clone, PartialEq)]
pub enum FeatureValues {
    Numeric {
        reference: Vec<f64>,
        current: Vec<f64>,
    },
    Categorical {
        reference: Vec<u64>,
        current: Vec<u64>,
    },
}

/// Fixed before looking.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct DriftPlan {
    /// A feature with fewer values in either period is not judged.
    pub smallest: usize,
    /// Of the features called drifted, the share that may be false (Benjamini and Hochberg 1995).
    pub false_discovery_rate: f64,
    /// Smallest |Cohen's d| that matters, e.g. 0.2.
    pub smallest_cohen_d: f64,
    /// Smallest Cramér's V that matters, e.g. 0.1.
    pub smallest_cramer_v: f64,
    /// Smallest population stability index that matters for either kind, e.g. 0.25: a change of
    /// shape that leaves the mean in place.
    pub smallest_psi: f64,
}

/// What was measured on one feature.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftResult {
    Numeric(NumericDrift),
    Categorical(CategoricalDrift),
}

/// One feature judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FeatureDrift {
    pub name: String,
    pub result: Estimable<DriftResult>,
    /// Kolmogorov–Smirnov or χ².
    pub p: Option<f64>,
    /// Over all features judged.
    pub adjusted_p: Option<f64>,
    /// The adjusted p is at or below the rate, and an effect is at least as large as the plan says.
    pub drifted: bool,
}

/// All features, in the order given.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DriftReport {
    pub plan: DriftPlan,
    pub features: Vec<FeatureDrift>,
    pub drifted: usize,
    /// Features too small, or without any variation, to judge.
    pub not_judged: usize,
}

/// # Errors
/// Numbers that are not finite; categories that do not run in parallel; a rate outside (0, 1). A
/// feature that is too small is no error: it says so.
pub fn drift(features: &[Feature], plan: DriftPlan) -> Result<DriftReport, EvaluationError> {
    open_unit("false discovery rate", plan.false_discovery_rate)?;
    let mut judged = features
        .iter()
        .map(|feature| measure(feature, plan))
        .collect::<Result<Vec<_>, _>>()?;
    let tested: Vec<f64> = judged.iter().filter_map(|f| f.p).collect();
    let mut adjusted = adjust(&tested, Multiplicity::BenjaminiHochberg)?.into_iter();
    for feature in &mut judged {
        if feature.p.is_some() {
            feature.adjusted_p = adjusted.next();
        }
        let found = feature
            .adjusted_p
            .is_some_and(|p| p <= plan.false_discovery_rate);
        let matters = match feature.result.value() {
            Some(DriftResult::Numeric(r)) => {
                let d = r.cohen_d.value().map_or(0.0, |d| d.abs());
                d >= plan.smallest_cohen_d || r.population_stability_index >= plan.smallest_psi
            }
            Some(DriftResult::Categorical(r)) => {
                r.cramer_v >= plan.smallest_cramer_v
                    || r.population_stability_index >= plan.smallest_psi
            }
            None => false,
        };
        feature.drifted = found && matters;
    }
    Ok(DriftReport {
        plan,
        drifted: judged.iter().filter(|f| f.drifted).count(),
        not_judged: judged.iter().filter(|f| f.p.is_none()).count(),
        features: judged,
    })
}

fn measure(feature: &Feature, plan: DriftPlan) -> Result<FeatureDrift, EvaluationError> {
    let floor = plan.smallest.max(2);
    let not = |reason| FeatureDrift {
        name: feature.name.clone(),
        result: Estimable::NotEstimable { reason },
        p: None,
        adjusted_p: None,
        drifted: false,
    };
    let (result, p) = match &feature.values {
        FeatureValues::Numeric { reference, current } => {
            finite("reference values", reference)?;
            finite("current values", current)?;
            if reference.len().min(current.len()) < floor {
                return Ok(not(TOO_SMALL));
            }
            let test = kolmogorov_smirnov(reference, current)?;
            let result = NumericDrift {
                reference: reference.len(),
                current: current.len(),
                reference_mean: mean(reference),
                current_mean: mean(current),
                population_stability_index: population_stability_index_numeric(
                    reference, current, 10,
                )?,
                kolmogorov_smirnov: test,
                wasserstein_1: wasserstein_1(reference, current)?,
                cohen_d: cohen_d(reference, current)?,
            };
            (DriftResult::Numeric(result), test.p)
        }
        FeatureValues::Categorical { reference, current } => {
            let smaller = reference.iter().sum::<u64>().min(current.iter().sum());
            if smaller < floor as u64 {
                return Ok(not(TOO_SMALL));
            }
            match chi_square_homogeneity(reference, current) {
                Ok(result) => {
                    let p = result.p;
                    (DriftResult::Categorical(result), p)
                }
                Err(EvaluationError::NotEstimable { reason, .. }) => return Ok(not(reason)),
                Err(error) => return Err(error),
            }
        }
    };
    Ok(FeatureDrift {
        result: Estimable::Estimate(result),
        p: Some(p),
        ..not(TOO_SMALL)
    })
}

const TOO_SMALL: &str = "fewer values than the smallest number agreed on";
