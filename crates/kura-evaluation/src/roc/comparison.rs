//! Two areas under the curve compared.

use serde::Serialize;

use super::clustered::clustered_covariance;
use super::data::{AREA, RocData};
use super::delong::covariance;
use crate::error::EvaluationError;
use crate::interval::{Estimable, Interval, IntervalMethod, Level};
use crate::observation::{ClusterId, Scored};
use crate::special::normal;
use crate::warning::Warning;

/// Two scores of one case.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredPair {
    pub cluster: ClusterId,
    pub diseased: bool,
    pub first: f64,
    pub second: f64,
}

/// First area minus second.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AucComparison {
    pub first: f64,
    pub second: f64,
    /// Standard error of the difference, counting every observation as independent.
    pub standard_error: f64,
    /// Difference ± z · standard error.
    pub difference: Interval,
    pub z: Estimable<f64>,
    /// Two-sided.
    pub p: Estimable<f64>,
    /// The same with Obuchowski's clustered covariance, when observations repeat.
    pub clustered: Option<ClusteredComparison>,
    pub warnings: Vec<Warning>,
}

/// The difference with clusters as the unit that varies.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClusteredComparison {
    pub standard_error: f64,
    pub difference: Interval,
    pub z: Estimable<f64>,
    pub p: Estimable<f64>,
}

impl AucComparison {
    /// The interval to report: clustered where observations repeat, else DeLong's.
    pub fn interval(&self) -> Interval {
        self.clustered
            .as_ref()
            .map_or(self.difference, |c| c.difference)
    }
}

/// Two scores on the same cases: DeLong, DeLong and Clarke-Pearson (1988).
///
/// # Errors
/// As [`RocData::auc`].
pub fn compare_paired(
    pairs: &[ScoredPair],
    level: Level,
) -> Result<AucComparison, EvaluationError> {
    let data = |score: fn(&ScoredPair) -> f64| {
        let observations: Vec<Scored> = pairs
            .iter()
            .map(|p| Scored {
                cluster: p.cluster,
                diseased: p.diseased,
                score: score(p),
            })
            .collect();
        RocData::from_observations(&observations)
    };
    let first = data(|p| p.first)?;
    let second = data(|p| p.second)?;
    first.two_per_class()?;
    let (a, b) = (first.components(), second.components());
    let variance = covariance(&a, &a) + covariance(&b, &b) - 2.0 * covariance(&a, &b);
    let mut result = compare(a.auc, b.auc, variance, level);
    if let Some(clustering) = first.clustering()
        && clustering.is_repeated()
    {
        let of =
            |x, y| clustered_covariance(x, y, &first.positive_clusters, &first.negative_clusters);
        if let (Some(aa), Some(bb), Some(ab)) = (of(&a, &a), of(&b, &b), of(&a, &b)) {
            let clustered = compare(a.auc, b.auc, aa + bb - 2.0 * ab, level);
            result.clustered = Some(ClusteredComparison {
                standard_error: clustered.standard_error,
                difference: Interval {
                    method: IntervalMethod::ObuchowskiClustered,
                    ..clustered.difference
                },
                z: clustered.z,
                p: clustered.p,
            });
        }
        result.warnings.push(Warning::ClusteredObservations {
            quantity: "difference of areas under the ROC curve",
            observations: clustering.observations,
            clusters: clustering.clusters,
            largest_cluster: clustering.largest_cluster,
            design_effect: result
                .clustered
                .as_ref()
                .filter(|_| variance > 0.0)
                .map(|c| c.standard_error.powi(2) / variance),
        });
    }
    Ok(result)
}

/// Two scores on different cases: Hanley and McNeil, Radiology 143 (1982) 29–36, with DeLong's
/// variances, or Obuchowski's where observations of either side repeat.
///
/// # Errors
/// As [`RocData::auc`].
pub fn compare_unpaired(
    first: &RocData,
    second: &RocData,
    level: Level,
) -> Result<AucComparison, EvaluationError> {
    let (a, b) = (first.auc(level)?, second.auc(level)?);
    let plain = a.standard_error.powi(2) + b.standard_error.powi(2);
    let mut result = compare(a.auc, b.auc, plain, level);
    if a.clustered.is_some() || b.clustered.is_some() {
        let of = |e: &super::AucEstimate| {
            e.clustered
                .as_ref()
                .map_or(e.standard_error, |c| c.standard_error)
        };
        let clustered = compare(a.auc, b.auc, of(&a).powi(2) + of(&b).powi(2), level);
        result.clustered = Some(ClusteredComparison {
            standard_error: clustered.standard_error,
            difference: Interval {
                method: IntervalMethod::ObuchowskiClustered,
                ..clustered.difference
            },
            z: clustered.z,
            p: clustered.p,
        });
    }
    result.warnings.extend(a.warnings);
    result.warnings.extend(b.warnings);
    Ok(result)
}

fn compare(first: f64, second: f64, variance: f64, level: Level) -> AucComparison {
    // Rounding can leave −1e-18 where two scores rank the cases alike.
    let variance = if variance < 1e-15 { 0.0 } else { variance };
    let standard_error = variance.sqrt();
    let mut warnings = Vec::new();
    if variance == 0.0 {
        warnings.push(Warning::DegenerateVariance {
            quantity: AREA,
            reason: "the variance of the difference is 0",
        });
    }
    let z = Estimable::ratio(
        first - second,
        standard_error,
        "the variance of the difference is 0",
    );
    AucComparison {
        first,
        second,
        standard_error,
        difference: Interval::symmetric(
            first - second,
            level.z() * standard_error,
            level,
            IntervalMethod::DeLong,
        ),
        z,
        p: z.map(normal::two_sided),
        clustered: None,
        warnings,
    }
}
