//! The Brier score and what it is made of.

use serde::Serialize;

use super::reliability::{Binning, bins};
use super::{checked, number};
use crate::error::EvaluationError;
use crate::interval::{Estimable, Interval, IntervalMethod, Level};

/// G. W. Brier, Mon. Weather Rev. 78 (1950) 1–3: mean squared error of a probability; 0 is best.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Brier {
    /// Mean of (p − y)²; Wald interval from the spread of the squared errors.
    pub score: Interval,
    /// 1 − score / score of always predicting the mean outcome; 0 useless, 1 perfect.
    pub skill: Estimable<f64>,
    pub decomposition: BrierDecomposition,
}

/// A. H. Murphy, J. Appl. Meteorol. 12 (1973) 595–600, over bins of probability; with the two
/// within-bin terms of D. B. Stephenson et al., Weather Forecast. 23 (2008) 752–757, so that
/// score = reliability − resolution + uncertainty + within_bin_variance − within_bin_covariance
/// exactly.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BrierDecomposition {
    /// Distance of bins' mean prediction from their event rate; 0 is best.
    pub reliability: f64,
    /// Spread of the bins' event rates; larger is better.
    pub resolution: f64,
    /// ȳ(1 − ȳ), a fact of the population.
    pub uncertainty: f64,
    pub within_bin_variance: f64,
    pub within_bin_covariance: f64,
}

/// # Errors
/// Different lengths, no prediction, or a probability outside [0, 1]; no bin.
pub fn brier(
    outcome: &[bool],
    probability: &[f64],
    binning: Binning,
    level: Level,
) -> Result<Brier, EvaluationError> {
    checked(outcome, probability)?;
    let n = outcome.len() as f64;
    let squared: Vec<f64> = outcome
        .iter()
        .zip(probability)
        .map(|(&y, p)| (p - number(y)).powi(2))
        .collect();
    let score = squared.iter().sum::<f64>() / n;
    let spread = if squared.len() > 1 {
        squared.iter().map(|s| (s - score).powi(2)).sum::<f64>() / (n - 1.0)
    } else {
        0.0
    };
    let rate = outcome.iter().filter(|y| **y).count() as f64 / n;
    let uncertainty = rate * (1.0 - rate);
    let mut parts = BrierDecomposition {
        reliability: 0.0,
        resolution: 0.0,
        uncertainty,
        within_bin_variance: 0.0,
        within_bin_covariance: 0.0,
    };
    for bin in bins(probability, binning)? {
        let size = bin.len() as f64;
        let p = bin.iter().map(|&i| probability[i]).sum::<f64>() / size;
        let y = bin.iter().map(|&i| number(outcome[i])).sum::<f64>() / size;
        parts.reliability += size / n * (p - y).powi(2);
        parts.resolution += size / n * (y - rate).powi(2);
        for &i in &bin {
            let (dp, dy) = (probability[i] - p, number(outcome[i]) - y);
            parts.within_bin_variance += dp * dp / n;
            parts.within_bin_covariance += 2.0 * dp * dy / n;
        }
    }
    Ok(Brier {
        score: Interval::symmetric(
            score,
            level.z() * (spread / n).sqrt(),
            level,
            IntervalMethod::Wald,
        )
        .within_unit(),
        skill: Estimable::ratio(
            uncertainty - score,
            uncertainty,
            "only one kind of outcome occurred",
        ),
        decomposition: parts,
    })
}
