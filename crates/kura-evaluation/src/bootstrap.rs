//! The cluster bootstrap: clusters are drawn with replacement, whole.
//!
//! A. C. Davison and D. V. Hinkley, Bootstrap Methods and their Application (1997), §3.8; C. A.
//! Field and A. H. Welsh, J. R. Stat. Soc. B 69 (2007) 369–390.

use serde::Serialize;

use crate::error::{EvaluationError, at_least};
use crate::interval::{Interval, IntervalMethod, Level};
use crate::observation::{ClusterId, members};
use crate::random::Generator;
use crate::warning::Warning;

/// A statistic with its bootstrap distribution summed up.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BootstrapEstimate {
    pub estimate: f64,
    /// Standard deviation of the replicates.
    pub standard_error: f64,
    /// Percentile interval.
    pub interval: Interval,
    pub clusters: usize,
    pub replicates: usize,
    pub seed: u64,
    pub warnings: Vec<Warning>,
}

/// Any statistic of the observations at the positions it is handed (a position may come several
/// times). The statistic answers `None` where it is undefined, e.g. without a positive case. The
/// same seed gives the same result on every machine.
///
/// # Errors
/// No cluster or one only; fewer than 100 replicates; a statistic undefined on the data themselves
/// or in half of the replicates.
pub fn cluster_bootstrap(
    clusters: &[ClusterId],
    replicates: usize,
    seed: u64,
    level: Level,
    mut statistic: impl FnMut(&[usize]) -> Option<f64>,
) -> Result<BootstrapEstimate, EvaluationError> {
    at_least("bootstrap replicates", replicates, 100)?;
    let groups = members(clusters);
    at_least("clusters", groups.len(), 2)?;
    let all: Vec<usize> = (0..clusters.len()).collect();
    let undefined = |reason| EvaluationError::NotEstimable {
        what: "bootstrap statistic",
        reason,
    };
    let estimate = statistic(&all)
        .filter(|v| v.is_finite())
        .ok_or_else(|| undefined("it is undefined on the whole data"))?;
    let mut generator = Generator::new(seed);
    let mut values = Vec::with_capacity(replicates);
    let mut drawn = Vec::with_capacity(clusters.len());
    for _ in 0..replicates {
        drawn.clear();
        for _ in 0..groups.len() {
            drawn.extend_from_slice(&groups[generator.below(groups.len())]);
        }
        values.extend(statistic(&drawn).filter(|v| v.is_finite()));
    }
    let failed = replicates - values.len();
    if failed * 2 >= replicates {
        return Err(undefined("it is undefined in half of the replicates"));
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    let standard_error = (squares / (values.len() as f64 - 1.0)).sqrt();
    let interval = percentile_interval(&mut values, estimate, level)
        .ok_or_else(|| undefined("no replicate is left"))?;
    Ok(BootstrapEstimate {
        estimate,
        standard_error,
        interval,
        clusters: groups.len(),
        replicates,
        seed,
        warnings: (failed > 0)
            .then_some(Warning::FailedReplicates {
                failed,
                of: replicates,
            })
            .into_iter()
            .collect(),
    })
}

/// Quantiles α/2 and 1 − α/2 of the replicates, which are sorted on the way. `None` without any.
pub(crate) fn percentile_interval(
    values: &mut [f64],
    estimate: f64,
    level: Level,
) -> Option<Interval> {
    if values.is_empty() {
        return None;
    }
    values.sort_unstable_by(f64::total_cmp);
    let tail = level.alpha() / 2.0;
    Some(Interval {
        estimate,
        lower: quantile(values, tail),
        upper: quantile(values, 1.0 - tail),
        level,
        method: IntervalMethod::BootstrapPercentile,
    })
}

/// Sample quantile, linear between order statistics (Hyndman and Fan 1996, type 7).
pub(crate) fn quantile(sorted: &[f64], p: f64) -> f64 {
    let place = p * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
}
