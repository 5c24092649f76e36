//! Distances of two samples.

use serde::Serialize;

use crate::bootstrap::quantile;
use crate::error::{EvaluationError, at_least, finite, same_length};
use crate::interval::Estimable;
use crate::special::distribution::{chi_square_upper_tail, kolmogorov_upper_tail};
use crate::warning::Warning;

/// A numeric feature, current against reference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NumericDrift {
    pub reference: usize,
    pub current: usize,
    pub reference_mean: f64,
    pub current_mean: f64,
    /// Over ten bins of equal count in the reference.
    pub population_stability_index: f64,
    pub kolmogorov_smirnov: KolmogorovSmirnov,
    /// In the unit of the feature.
    pub wasserstein_1: f64,
    /// (current mean − reference mean) / pooled standard deviation.
    pub cohen_d: Estimable<f64>,
}

/// A categorical feature, current against reference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CategoricalDrift {
    pub reference: u64,
    pub current: u64,
    pub population_stability_index: f64,
    pub chi_square: f64,
    pub df: f64,
    pub p: f64,
    /// √(χ²/n), for two samples: H. Cramér, Mathematical Methods of Statistics (1946).
    pub cramer_v: f64,
    pub warnings: Vec<Warning>,
}

/// The two-sample test of Kolmogorov and Smirnov.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct KolmogorovSmirnov {
    /// Largest distance of the two distribution functions.
    pub d: f64,
    /// Two-sided, from the limiting distribution: N. Smirnov, Ann. Math. Stat. 19 (1948) 279–281.
    /// Too large when samples are small or tied.
    pub p: f64,
}

fn sorted(what: &'static str, values: &[f64]) -> Result<Vec<f64>, EvaluationError> {
    at_least(what, values.len(), 1)?;
    finite(what, values)?;
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    Ok(sorted)
}

/// Visits the distinct values of both samples, rising, with the share of each at or below.
fn sweep(reference: &[f64], current: &[f64], mut visit: impl FnMut(f64, f64, f64)) {
    let (mut i, mut j) = (0, 0);
    while i < reference.len() || j < current.len() {
        let value = match (reference.get(i), current.get(j)) {
            (Some(&a), Some(&b)) => a.min(b),
            (Some(&a), None) => a,
            (None, Some(&b)) => b,
            (None, None) => return,
        };
        while reference.get(i).is_some_and(|v| *v <= value) {
            i += 1;
        }
        while current.get(j).is_some_and(|v| *v <= value) {
            j += 1;
        }
        visit(
            value,
            i as f64 / reference.len() as f64,
            j as f64 / current.len() as f64,
        );
    }
}

/// # Errors
/// An empty sample or a number that is not finite.
pub fn kolmogorov_smirnov(
    reference: &[f64],
    current: &[f64],
) -> Result<KolmogorovSmirnov, EvaluationError> {
    let a = sorted("reference values", reference)?;
    let b = sorted("current values", current)?;
    let mut d = 0.0_f64;
    sweep(&a, &b, |_, f, g| d = d.max((f - g).abs()));
    let (n, m) = (a.len() as f64, b.len() as f64);
    Ok(KolmogorovSmirnov {
        d,
        p: kolmogorov_upper_tail(d * (n * m / (n + m)).sqrt()),
    })
}

/// ∫|F − G|: how far, on average, values must be moved to turn one sample into the other. In the
/// unit of the values. S. S. Vallender, Theory Probab. Appl. 18 (1974) 784–786.
///
/// # Errors
/// An empty sample or a number that is not finite.
pub fn wasserstein_1(reference: &[f64], current: &[f64]) -> Result<f64, EvaluationError> {
    let a = sorted("reference values", reference)?;
    let b = sorted("current values", current)?;
    let mut last: Option<(f64, f64)> = None;
    let mut sum = 0.0;
    sweep(&a, &b, |value, f, g| {
        if let Some((from, gap)) = last {
            sum += gap * (value - from);
        }
        last = Some((value, (f - g).abs()));
    });
    Ok(sum)
}

/// Σ (q − p) ln(q/p) over categories, the symmetric divergence of H. Jeffreys, Proc. R. Soc. A 186
/// (1946) 453–461. Half a count is added to each category so that an empty one has a logarithm.
/// Habit in industry: below 0.1 stable, above 0.25 changed.
///
/// # Errors
/// Different lengths, fewer than two categories, or an empty sample.
pub fn population_stability_index(
    reference: &[u64],
    current: &[u64],
) -> Result<f64, EvaluationError> {
    same_length("categories", reference.len(), current.len())?;
    at_least("categories", reference.len(), 2)?;
    let (n, m) = totals(reference, current)?;
    let k = reference.len() as f64;
    Ok(reference
        .iter()
        .zip(current)
        .map(|(&a, &b)| {
            let p = (a as f64 + 0.5) / (n + 0.5 * k);
            let q = (b as f64 + 0.5) / (m + 0.5 * k);
            (q - p) * (q / p).ln()
        })
        .sum())
}

/// The same for numbers, over at most `bins` bins bounded by quantiles of the reference.
///
/// # Errors
/// As [`population_stability_index`]; a reference with one value only has no bins.
pub fn population_stability_index_numeric(
    reference: &[f64],
    current: &[f64],
    bins: usize,
) -> Result<f64, EvaluationError> {
    at_least("bins", bins, 2)?;
    let a = sorted("reference values", reference)?;
    finite("current values", current)?;
    let mut edges: Vec<f64> = (1..bins)
        .map(|i| quantile(&a, i as f64 / bins as f64))
        .collect();
    edges.dedup();
    let count = |values: &[f64]| {
        let mut counts = vec![0u64; edges.len() + 1];
        for v in values {
            counts[edges.partition_point(|e| e < v)] += 1;
        }
        counts
    };
    population_stability_index(&count(reference), &count(current))
}

fn totals(reference: &[u64], current: &[u64]) -> Result<(f64, f64), EvaluationError> {
    let (n, m): (u64, u64) = (reference.iter().sum(), current.iter().sum());
    if n == 0 || m == 0 {
        return Err(EvaluationError::EmptyGroup {
            group: if n == 0 { "reference" } else { "current" },
        });
    }
    Ok((n as f64, m as f64))
}

/// (mean of current − mean of reference) / pooled SD: J. Cohen, Statistical Power Analysis for the
/// Behavioral Sciences (1988), eq. 2.5.1. Undefined without spread.
///
/// # Errors
/// Fewer than two values in a sample, or a number that is not finite.
pub fn cohen_d(reference: &[f64], current: &[f64]) -> Result<Estimable<f64>, EvaluationError> {
    at_least("reference values", reference.len(), 2)?;
    at_least("current values", current.len(), 2)?;
    finite("reference values", reference)?;
    finite("current values", current)?;
    let (a, b) = (mean(reference), mean(current));
    let squares =
        |values: &[f64], centre: f64| -> f64 { values.iter().map(|v| (v - centre).powi(2)).sum() };
    let df = (reference.len() + current.len() - 2) as f64;
    let pooled = ((squares(reference, a) + squares(current, b)) / df).sqrt();
    Ok(Estimable::ratio(
        b - a,
        pooled,
        "neither sample has any spread",
    ))
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Pearson's χ² that two samples share their distribution over categories. Categories empty in
/// both are left out.
///
/// # Errors
/// As [`population_stability_index`]; only one category in use.
pub fn chi_square_homogeneity(
    reference: &[u64],
    current: &[u64],
) -> Result<CategoricalDrift, EvaluationError> {
    let psi = population_stability_index(reference, current)?;
    let (n, m) = totals(reference, current)?;
    let used: Vec<(f64, f64)> = reference
        .iter()
        .zip(current)
        .map(|(&a, &b)| (a as f64, b as f64))
        .filter(|(a, b)| a + b > 0.0)
        .collect();
    if used.len() < 2 {
        return Err(EvaluationError::NotEstimable {
            what: "chi-square test",
            reason: "only one category is in use",
        });
    }
    let mut chi_square = 0.0;
    let mut small = false;
    for (a, b) in &used {
        for (observed, size) in [(a, n), (b, m)] {
            let expected = (a + b) * size / (n + m);
            small |= expected < 5.0;
            chi_square += (observed - expected).powi(2) / expected;
        }
    }
    let df = used.len() as f64 - 1.0;
    Ok(CategoricalDrift {
        reference: n as u64,
        current: m as u64,
        population_stability_index: psi,
        chi_square,
        df,
        p: chi_square_upper_tail(chi_square, df),
        cramer_v: (chi_square / (n + m)).sqrt(),
        warnings: small
            .then_some(Warning::SmallExpectedCounts {
                quantity: "chi-square test of categories",
            })
            .into_iter()
            .collect(),
    })
}
