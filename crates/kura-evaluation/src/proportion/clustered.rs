//! A proportion whose observations come in clusters.
//!
//! Variance of a ratio estimator: J. N. K. Rao and A. J. Scott, "A simple method for the analysis
//! of clustered binary data", Biometrics 48 (1992) 577–585; W. G. Cochran, Sampling Techniques
//! (1977). Interval on the effective sample: E. L. Korn and B. I. Graubard,
//! Survey Methodology 24 (1998) 193–201.

use serde::Serialize;

use super::interval::{clopper_pearson_real, wilson_real};
use crate::error::EvaluationError;
use crate::interval::{Interval, IntervalMethod, Level};
use crate::observation::{ClusterId, Outcome, members};
use crate::special::distribution::t_upper_quantile;
use crate::warning::Warning;

/// What clustering does to a proportion.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClusteredProportion {
    pub clusters: usize,
    pub largest_cluster: usize,
    /// Standard error of the ratio estimator, √v with
    /// v = m/((m−1)n²) Σ(xᵢ − nᵢp)² over m clusters.
    pub standard_error: f64,
    /// v divided by the plain p(1−p)/n; `None` when either is 0.
    pub design_effect: Option<f64>,
    /// Intra-cluster correlation, analysis of variance estimator; `None` when p is 0 or 1.
    pub intracluster_correlation: Option<f64>,
    /// Observations divided by the design effect.
    pub effective_observations: f64,
    /// Wilson's interval on the effective observations; the one to report.
    pub rao_scott_wilson: Interval,
    /// Clopper–Pearson on the effective observations, these reduced by the squared ratio of the
    /// t quantiles on n − 1 and m − 1 degrees of freedom. Wider, conservative.
    pub korn_graubard: Interval,
}

/// `None` with fewer than two clusters: no variance between clusters can be had from one.
pub(super) fn estimate(
    quantity: &'static str,
    outcomes: &[Outcome],
    level: Level,
) -> Result<(Option<ClusteredProportion>, Vec<Warning>), EvaluationError> {
    let ids: Vec<ClusterId> = outcomes.iter().map(|o| o.cluster).collect();
    let groups: Vec<(f64, f64)> = members(&ids)
        .iter()
        .map(|group| {
            let successes = group.iter().filter(|&&i| outcomes[i].success).count();
            (successes as f64, group.len() as f64)
        })
        .collect();
    let mut warnings = Vec::new();
    if groups.len() < 20 {
        warnings.push(Warning::FewClusters {
            quantity,
            clusters: groups.len(),
        });
    }
    if groups.len() < 2 {
        return Ok((None, warnings));
    }
    let n: f64 = groups.iter().map(|g| g.1).sum();
    let p = groups.iter().map(|g| g.0).sum::<f64>() / n;
    let variance = ratio_variance(&groups, p);
    let plain = p * (1.0 - p) / n;
    let m = groups.len() as f64;
    let (design_effect, effective) = if plain > 0.0 && variance > 0.0 {
        let effect = variance / plain;
        (Some(effect), n / effect)
    } else {
        // Nothing varies between clusters: the cautious reading is one observation per cluster.
        warnings.push(Warning::NoVarianceBetweenClusters { quantity });
        (None, m)
    };
    // Repetition never adds information here: negative correlation is not credited.
    let effective = effective.min(n);
    let wilson = wilson_real(p * effective, effective, level)?;
    let tail = level.alpha() / 2.0;
    let adjusted = if n > 1.0 {
        let ratio = t_upper_quantile(tail, n - 1.0) / t_upper_quantile(tail, m - 1.0);
        effective * ratio * ratio
    } else {
        effective
    };
    let exact = clopper_pearson_real(p * adjusted, adjusted, level)?;
    let result = ClusteredProportion {
        clusters: groups.len(),
        largest_cluster: groups.iter().map(|g| g.1 as usize).max().unwrap_or(0),
        standard_error: variance.sqrt(),
        design_effect,
        intracluster_correlation: anova_correlation(&groups, p),
        effective_observations: effective,
        rao_scott_wilson: Interval {
            estimate: p,
            method: IntervalMethod::RaoScottWilson,
            ..wilson
        },
        korn_graubard: Interval {
            estimate: p,
            method: IntervalMethod::KornGraubard,
            ..exact
        },
    };
    Ok((Some(result), warnings))
}

/// Linearised variance of Σx/Σn over clusters (xᵢ, nᵢ).
pub(crate) fn ratio_variance(groups: &[(f64, f64)], p: f64) -> f64 {
    let m = groups.len() as f64;
    let n: f64 = groups.iter().map(|g| g.1).sum();
    let squares: f64 = groups.iter().map(|(x, k)| (x - k * p).powi(2)).sum();
    m / (m - 1.0) * squares / (n * n)
}

/// ρ = (MSB − MSW)/(MSB + (n₀ − 1)MSW): Donner, Int. Stat. Rev. 54 (1986) 67–82; Ridout, Demétrio
/// and Firth, Biometrics 55 (1999) 137–148, estimator AOV.
fn anova_correlation(groups: &[(f64, f64)], p: f64) -> Option<f64> {
    let m = groups.len() as f64;
    let n: f64 = groups.iter().map(|g| g.1).sum();
    if n <= m || p <= 0.0 || p >= 1.0 {
        return None;
    }
    let between = groups
        .iter()
        .map(|(x, k)| k * (x / k - p).powi(2))
        .sum::<f64>()
        / (m - 1.0);
    let within = groups.iter().map(|(x, k)| x * (1.0 - x / k)).sum::<f64>() / (n - m);
    let n0 = (n - groups.iter().map(|g| g.1 * g.1).sum::<f64>() / n) / (m - 1.0);
    let denominator = between + (n0 - 1.0) * within;
    (denominator > 0.0).then(|| (between - within) / denominator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_observation_per_cluster_is_the_plain_variance() {
        let groups: Vec<(f64, f64)> = (0..50)
            .map(|i| (f64::from(i32::from(i < 30)), 1.0))
            .collect();
        // p(1−p)/(n−1): the ratio estimator's sample variance has n − 1.
        let expected = 0.6 * 0.4 / 49.0;
        assert!((ratio_variance(&groups, 0.6) - expected).abs() < 1e-15);
        assert_eq!(anova_correlation(&groups, 0.6), None);
    }

    #[test]
    fn identical_members_have_correlation_one() {
        let groups = [(4.0, 4.0), (0.0, 4.0), (4.0, 4.0)];
        assert!((anova_correlation(&groups, 8.0 / 12.0).unwrap() - 1.0).abs() < 1e-12);
    }
}
