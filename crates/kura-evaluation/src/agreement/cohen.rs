//! Cohen's kappa, plain and weighted, for two raters.
//!
//! J. Cohen, Educ. Psychol. Meas. 20 (1960) 37–46; weights: Psychol. Bull. 70 (1968) 213–220;
//! standard errors: Fleiss, Cohen and Everitt, Psychol. Bull. 72 (1969) 323–327.

use serde::Serialize;

use crate::error::{EvaluationError, same_length};
use crate::interval::{Interval, IntervalMethod, Level};
use crate::special::normal;

/// Agreement weight of categories i and j out of k.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KappaWeights {
    /// 1 on the diagonal, else 0.
    None,
    /// 1 − |i − j|/(k − 1)
    Linear,
    /// 1 − (i − j)²/(k − 1)²
    Quadratic,
}

impl KappaWeights {
    fn weight(self, i: usize, j: usize, k: usize) -> f64 {
        let d = i.abs_diff(j) as f64 / (k as f64 - 1.0);
        match self {
            KappaWeights::None => f64::from(u8::from(i == j)),
            KappaWeights::Linear => 1.0 - d,
            KappaWeights::Quadratic => 1.0 - d * d,
        }
    }
}

/// Kappa with its large-sample errors.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Kappa {
    pub observations: u64,
    pub weights: KappaWeights,
    /// Observed (weighted) agreement.
    pub observed_agreement: f64,
    /// Agreement expected by chance from the margins.
    pub expected_agreement: f64,
    /// Wald interval with `standard_error`, cut to at most 1.
    pub interval: Interval,
    /// Standard error for intervals (not assuming κ = 0).
    pub standard_error: f64,
    /// Standard error under κ = 0, for the test.
    pub standard_error_null: f64,
    /// κ / `standard_error_null`; `None` when that is 0.
    pub z: Option<f64>,
    /// Two-sided.
    pub p: Option<f64>,
}

/// From a square table: `counts[i][j]` cases put in category i by the first rater and j by the
/// second, categories in their order.
///
/// # Errors
/// A table that is not square with at least two categories, no case, or expected agreement 1 (both
/// raters used one category only).
pub fn cohen_kappa(
    counts: &[Vec<u64>],
    weights: KappaWeights,
    level: Level,
) -> Result<Kappa, EvaluationError> {
    let k = counts.len();
    crate::error::at_least("kappa: categories", k, 2)?;
    for row in counts {
        same_length("kappa: columns of the table", k, row.len())?;
    }
    let total: u64 = counts.iter().flatten().sum();
    if total == 0 {
        return Err(EvaluationError::EmptyGroup {
            group: "kappa table",
        });
    }
    let n = total as f64;
    let p = |i: usize, j: usize| counts[i][j] as f64 / n;
    let row: Vec<f64> = (0..k).map(|i| (0..k).map(|j| p(i, j)).sum()).collect();
    let column: Vec<f64> = (0..k).map(|j| (0..k).map(|i| p(i, j)).sum()).collect();
    let w = |i: usize, j: usize| weights.weight(i, j, k);
    let cells = || (0..k).flat_map(|i| (0..k).map(move |j| (i, j)));
    let observed: f64 = cells().map(|(i, j)| w(i, j) * p(i, j)).sum();
    let expected: f64 = cells().map(|(i, j)| w(i, j) * row[i] * column[j]).sum();
    if 1.0 - expected <= 1e-15 {
        return Err(EvaluationError::NotEstimable {
            what: "kappa",
            reason: "both raters used one category only",
        });
    }
    let kappa = (observed - expected) / (1.0 - expected);
    // Mean weights of row i and column j (Fleiss, Cohen and Everitt 1969).
    let row_weight: Vec<f64> = (0..k)
        .map(|i| (0..k).map(|j| column[j] * w(i, j)).sum())
        .collect();
    let column_weight: Vec<f64> = (0..k)
        .map(|j| (0..k).map(|i| row[i] * w(i, j)).sum())
        .collect();
    // Their large-sample variance and, below, the one under κ = 0.
    let spread: f64 = cells()
        .map(|(i, j)| {
            let a = w(i, j) - (row_weight[i] + column_weight[j]) * (1.0 - kappa);
            p(i, j) * a * a
        })
        .sum();
    let shift = kappa - expected * (1.0 - kappa);
    let variance = ((spread - shift * shift) / (n * (1.0 - expected).powi(2))).max(0.0);
    let null_spread: f64 = cells()
        .map(|(i, j)| {
            let a = w(i, j) - (row_weight[i] + column_weight[j]);
            row[i] * column[j] * a * a
        })
        .sum();
    let null_variance =
        ((null_spread - expected * expected) / (n * (1.0 - expected).powi(2))).max(0.0);
    let standard_error = variance.sqrt();
    let mut interval = Interval::symmetric(
        kappa,
        level.z() * standard_error,
        level,
        IntervalMethod::Wald,
    );
    interval.upper = interval.upper.min(1.0);
    let z = (null_variance > 0.0).then(|| kappa / null_variance.sqrt());
    Ok(Kappa {
        observations: total,
        weights,
        observed_agreement: observed,
        expected_agreement: expected,
        interval,
        standard_error,
        standard_error_null: null_variance.sqrt(),
        z,
        p: z.map(normal::two_sided),
    })
}

/// From two parallel lists of categories 0 .. `categories`.
///
/// # Errors
/// As [`cohen_kappa`]; also different lengths, or a category out of range.
pub fn cohen_kappa_from_ratings(
    first: &[usize],
    second: &[usize],
    categories: usize,
    weights: KappaWeights,
    level: Level,
) -> Result<Kappa, EvaluationError> {
    same_length("second rater", first.len(), second.len())?;
    let mut counts = vec![vec![0u64; categories]; categories];
    for (&i, &j) in first.iter().zip(second) {
        if i.max(j) >= categories {
            return Err(EvaluationError::OutOfRange {
                what: "category",
                value: i.max(j) as f64,
                allowed: "0 to the number of categories − 1",
            });
        }
        counts[i][j] += 1;
    }
    cohen_kappa(&counts, weights, level)
}
