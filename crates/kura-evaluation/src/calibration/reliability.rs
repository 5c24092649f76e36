//! Reliability diagram and expected calibration error.

use serde::Serialize;

use super::{checked, number};
use crate::error::EvaluationError;
use crate::interval::Level;
use crate::proportion::Proportion;

/// How predictions are put in bins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Binning {
    /// [0, 1/k), [1/k, 2/k) …, the last closed. Empty bins are left out.
    EqualWidth(usize),
    /// Ranks cut into k parts as equal as can be; equal predictions are not parted, so there may
    /// be fewer bins.
    EqualCount(usize),
}

/// One point of the diagram.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// Smallest and largest prediction in the bin.
    pub lowest: f64,
    pub highest: f64,
    pub mean_predicted: f64,
    /// Observed event rate, with Wilson's interval.
    pub observed: Proportion,
}

/// The diagram with its summaries.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reliability {
    pub binning: Binning,
    pub bins: Vec<ReliabilityBin>,
    /// Σ n_b/n |observed − predicted|: Naeini, Cooper and Hauskrecht, AAAI 2015.
    pub expected_calibration_error: f64,
    /// The largest |observed − predicted| of a bin.
    pub maximum_calibration_error: f64,
}

/// # Errors
/// Different lengths, no prediction, a probability outside [0, 1], or no bin.
pub fn reliability(
    outcome: &[bool],
    probability: &[f64],
    binning: Binning,
    level: Level,
) -> Result<Reliability, EvaluationError> {
    checked(outcome, probability)?;
    let n = outcome.len() as f64;
    let mut result = Reliability {
        binning,
        bins: Vec::new(),
        expected_calibration_error: 0.0,
        maximum_calibration_error: 0.0,
    };
    for bin in bins(probability, binning)? {
        let size = bin.len() as f64;
        let events = bin.iter().map(|&i| number(outcome[i])).sum::<f64>();
        let mean_predicted = bin.iter().map(|&i| probability[i]).sum::<f64>() / size;
        let gap = (events / size - mean_predicted).abs();
        result.expected_calibration_error += size / n * gap;
        result.maximum_calibration_error = result.maximum_calibration_error.max(gap);
        let fold = |f: fn(f64, f64) -> f64| {
            bin.iter()
                .map(|&i| probability[i])
                .fold(probability[bin[0]], f)
        };
        result.bins.push(ReliabilityBin {
            lowest: fold(f64::min),
            highest: fold(f64::max),
            mean_predicted,
            observed: Proportion::from_counts_named(
                "observed event rate",
                events as u64,
                bin.len() as u64,
                level,
            )?,
        });
    }
    Ok(result)
}

/// Positions of the predictions of each bin that holds any, bins rising.
pub(super) fn bins(
    probability: &[f64],
    binning: Binning,
) -> Result<Vec<Vec<usize>>, EvaluationError> {
    let (Binning::EqualWidth(k) | Binning::EqualCount(k)) = binning;
    crate::error::at_least("bins", k, 1)?;
    let mut groups: Vec<Vec<usize>> = vec![Vec::new(); k];
    match binning {
        Binning::EqualWidth(_) => {
            for (i, p) in probability.iter().enumerate() {
                groups[((p * k as f64) as usize).min(k - 1)].push(i);
            }
        }
        Binning::EqualCount(_) => {
            let mut order: Vec<usize> = (0..probability.len()).collect();
            order.sort_by(|&a, &b| probability[a].total_cmp(&probability[b]));
            let n = order.len();
            let mut start = 0;
            while start < n {
                // A run of equal predictions goes where its first member falls.
                let mut end = start + 1;
                while end < n && probability[order[end]] == probability[order[start]] {
                    end += 1;
                }
                groups[start * k / n].extend(&order[start..end]);
                start = end;
            }
        }
    }
    groups.retain(|g| !g.is_empty());
    Ok(groups)
}
