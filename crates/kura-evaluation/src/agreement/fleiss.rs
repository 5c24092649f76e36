//! Fleiss' kappa for several raters.

use serde::Serialize;

use crate::error::{EvaluationError, at_least, same_length};
use crate::interval::{Interval, IntervalMethod, Level};
use crate::special::normal;

/// J. L. Fleiss, Psychol. Bull. 76 (1971) 378–382; standard error under κ = 0 as corrected by
/// Fleiss, Nee and Landis, Psychol. Bull. 86 (1979) 974–977.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FleissKappa {
    pub subjects: usize,
    pub raters: u64,
    pub observed_agreement: f64,
    pub expected_agreement: f64,
    pub kappa: f64,
    /// Under κ = 0, for the test.
    pub standard_error_null: f64,
    pub z: f64,
    /// Two-sided.
    pub p: f64,
    /// Over subjects by the jackknife, valid for κ ≠ 0; normal quantile, cut to at most 1.
    pub interval: Interval,
    /// Agreement on each category against all others.
    pub by_category: Vec<f64>,
}

/// `counts[subject][category]`: how many raters put the subject there; the same number of raters
/// for each subject.
///
/// # Errors
/// Fewer than two subjects, categories or raters; unequal rows; everything in one category.
pub fn fleiss_kappa(counts: &[Vec<u64>], level: Level) -> Result<FleissKappa, EvaluationError> {
    at_least("Fleiss kappa: subjects", counts.len(), 2)?;
    let categories = counts[0].len();
    at_least("Fleiss kappa: categories", categories, 2)?;
    let raters: u64 = counts[0].iter().sum();
    at_least("Fleiss kappa: raters", raters as usize, 2)?;
    for row in counts {
        same_length("categories of a subject", categories, row.len())?;
        same_length(
            "raters of a subject",
            raters as usize,
            row.iter().sum::<u64>() as usize,
        )?;
    }
    let n = counts.len() as f64;
    let m = raters as f64;
    // Category shares p_j, and P_i, the share of agreeing pairs of each subject.
    let mut shares = vec![0.0; categories];
    let mut agreeing = Vec::with_capacity(counts.len());
    for row in counts {
        for (share, &c) in shares.iter_mut().zip(row) {
            *share += c as f64;
        }
        let squares: f64 = row.iter().map(|&c| (c as f64).powi(2)).sum();
        agreeing.push((squares - m) / (m * (m - 1.0)));
    }
    let total: f64 = agreeing.iter().sum();
    let of = |agreeing: f64, shares: &[f64], n: f64| {
        let observed = agreeing / n;
        let expected: f64 = shares.iter().map(|s| (s / (n * m)).powi(2)).sum();
        (observed, expected)
    };
    let (observed, expected) = of(total, &shares, n);
    let one_category = EvaluationError::NotEstimable {
        what: "Fleiss kappa",
        reason: "all ratings fall in one category",
    };
    if 1.0 - expected < 1e-12 {
        return Err(one_category);
    }
    let kappa = (observed - expected) / (1.0 - expected);
    let p: Vec<f64> = shares.iter().map(|s| s / (n * m)).collect();
    let pq: f64 = p.iter().map(|p| p * (1.0 - p)).sum();
    let cubic: f64 = p.iter().map(|p| p * (1.0 - p) * (1.0 - 2.0 * p)).sum();
    // Fleiss, Nee and Landis (1979).
    let null = (2.0 / (n * m * (m - 1.0))).sqrt() * (pq * pq - cubic).max(0.0).sqrt() / pq;
    let mut replicates = Vec::with_capacity(counts.len());
    for (row, a) in counts.iter().zip(&agreeing) {
        let rest: Vec<f64> = shares.iter().zip(row).map(|(s, &c)| s - c as f64).collect();
        let (o, e) = of(total - a, &rest, n - 1.0);
        if 1.0 - e < 1e-12 {
            return Err(one_category);
        }
        replicates.push((o - e) / (1.0 - e));
    }
    let mean = replicates.iter().sum::<f64>() / n;
    let variance = (n - 1.0) / n * replicates.iter().map(|k| (k - mean).powi(2)).sum::<f64>();
    let mut interval = Interval::symmetric(
        kappa,
        level.z() * variance.sqrt(),
        level,
        IntervalMethod::Jackknife,
    );
    interval.upper = interval.upper.min(1.0);
    let z = kappa / null;
    // Fleiss (1971): kappa of one category.
    let by_category = (0..categories)
        .map(|j| {
            let disagreeing: f64 = counts
                .iter()
                .map(|row| row[j] as f64 * (m - row[j] as f64))
                .sum();
            let spread = p[j] * (1.0 - p[j]);
            if spread == 0.0 {
                // Nobody, or everybody, used it: raters agree on that without exception.
                1.0
            } else {
                1.0 - disagreeing / (n * m * (m - 1.0) * spread)
            }
        })
        .collect();
    Ok(FleissKappa {
        subjects: counts.len(),
        raters,
        observed_agreement: observed,
        expected_agreement: expected,
        kappa,
        standard_error_null: null,
        z,
        p: normal::two_sided(z),
        interval,
        by_category,
    })
}
