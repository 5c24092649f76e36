//! The area under the curve when observations come in clusters.
//!
//! N. A. Obuchowski, "Nonparametric analysis of clustered ROC curve data", Biometrics 53 (1997)
//! 567–578. DeLong's components are summed within clusters, and clusters are what varies.

use serde::Serialize;

use super::data::AREA;
use super::delong::{Components, covariance};
use crate::interval::{Interval, IntervalMethod, Level};
use crate::observation::{ClusterId, Clustering};
use crate::warning::Warning;
use std::collections::HashMap;

/// What clustering does to an area.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClusteredAuc {
    pub clusters: usize,
    pub largest_cluster: usize,
    pub standard_error: f64,
    /// Clustered variance divided by DeLong's; `None` when DeLong's is 0.
    pub design_effect: Option<f64>,
    /// AUC ± z · standard error, cut to [0, 1].
    pub interval: Interval,
}

pub(super) fn estimate(
    parts: &Components,
    positive_clusters: &[ClusterId],
    negative_clusters: &[ClusterId],
    level: Level,
) -> (Option<ClusteredAuc>, Vec<Warning>) {
    let clustering = Clustering::of(positive_clusters.iter().chain(negative_clusters).copied());
    let mut warnings = Vec::new();
    if clustering.clusters < 20 {
        warnings.push(Warning::FewClusters {
            quantity: AREA,
            clusters: clustering.clusters,
        });
    }
    let Some(variance) = clustered_covariance(parts, parts, positive_clusters, negative_clusters)
    else {
        return (None, warnings);
    };
    let standard_error = variance.max(0.0).sqrt();
    if standard_error == 0.0 {
        warnings.push(Warning::NoVarianceBetweenClusters { quantity: AREA });
    }
    let plain = covariance(parts, parts);
    let result = ClusteredAuc {
        clusters: clustering.clusters,
        largest_cluster: clustering.largest_cluster,
        standard_error,
        design_effect: (plain > 0.0).then(|| variance / plain),
        interval: Interval::symmetric(
            parts.auc,
            level.z() * standard_error,
            level,
            IntervalMethod::ObuchowskiClustered,
        )
        .within_unit(),
    };
    (Some(result), warnings)
}

/// Obuchowski's covariance of two areas on the same clustered cases:
/// S₁₀/M + S₀₁/N + (S₁₁ + S₁₁ᵀ)/(MN). `None` when a class has fewer than two clusters.
pub(super) fn clustered_covariance(
    a: &Components,
    b: &Components,
    positive_clusters: &[ClusterId],
    negative_clusters: &[ClusterId],
) -> Option<f64> {
    /// Per cluster: counts of positives and negatives, sums of components of a and of b.
    #[derive(Default)]
    struct Sums {
        positives: f64,
        negatives: f64,
        a10: f64,
        a01: f64,
        b10: f64,
        b01: f64,
    }
    let mut sums: HashMap<ClusterId, Sums> = HashMap::new();
    for (i, cluster) in positive_clusters.iter().enumerate() {
        let s = sums.entry(*cluster).or_default();
        s.positives += 1.0;
        s.a10 += a.positive[i];
        s.b10 += b.positive[i];
    }
    for (i, cluster) in negative_clusters.iter().enumerate() {
        let s = sums.entry(*cluster).or_default();
        s.negatives += 1.0;
        s.a01 += a.negative[i];
        s.b01 += b.negative[i];
    }
    // A map's order differs from run to run; sums of floats must not.
    let mut ordered: Vec<(ClusterId, Sums)> = sums.into_iter().collect();
    ordered.sort_by_key(|(cluster, _)| *cluster);
    let clusters = ordered.len() as f64;
    let with_positives = ordered.iter().filter(|(_, s)| s.positives > 0.0).count() as f64;
    let with_negatives = ordered.iter().filter(|(_, s)| s.negatives > 0.0).count() as f64;
    if with_positives < 2.0 || with_negatives < 2.0 {
        return None;
    }
    let m = positive_clusters.len() as f64;
    let n = negative_clusters.len() as f64;
    let (mut s10, mut s01, mut s11) = (0.0, 0.0, 0.0);
    for (_, s) in &ordered {
        let a10 = s.a10 - s.positives * a.auc;
        let b10 = s.b10 - s.positives * b.auc;
        let a01 = s.a01 - s.negatives * a.auc;
        let b01 = s.b01 - s.negatives * b.auc;
        s10 += a10 * b10;
        s01 += a01 * b01;
        s11 += a10 * b01 + b10 * a01;
    }
    s10 *= with_positives / ((with_positives - 1.0) * m);
    s01 *= with_negatives / ((with_negatives - 1.0) * n);
    s11 *= clusters / (clusters - 1.0);
    Some(s10 / m + s01 / n + s11 / (m * n))
}
