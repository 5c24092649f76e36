//! What a reader of a result must know before using it.

use std::fmt;

use serde::Serialize;

/// Attached to a result, never to a log: a figure travels with its warnings.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "warning")]
#[non_exhaustive]
pub enum Warning {
    /// Several observations come from one cluster (patient, lesion), so an interval that counts
    /// each observation as independent is too narrow. Use the clustered interval beside it.
    ClusteredObservations {
        /// What was counted: "sensitivity", "area under the ROC curve" …
        quantity: &'static str,
        observations: usize,
        clusters: usize,
        largest_cluster: usize,
        /// How many times larger the variance is than the plain one; `None` if not estimable.
        design_effect: Option<f64>,
    },
    /// Too few clusters for the large-sample variance between clusters (rule of thumb: 20).
    FewClusters {
        quantity: &'static str,
        clusters: usize,
    },
    /// All clusters gave the same result, so the variance between clusters is 0. The interval
    /// then counts clusters instead of observations.
    NoVarianceBetweenClusters { quantity: &'static str },
    /// Fewer patients (clusters) than the smallest number agreed on; only the number is shown.
    SmallGroup {
        quantity: &'static str,
        patients: usize,
        smallest_allowed: usize,
    },
    /// An estimated variance was 0 or a covariance constraint applied; the text says which.
    DegenerateVariance {
        quantity: &'static str,
        reason: &'static str,
    },
    /// Bootstrap replicates in which the statistic was undefined and which were left out.
    FailedReplicates { failed: usize, of: usize },
    /// Expected counts below 5 in a chi-square test; its p is approximate.
    SmallExpectedCounts { quantity: &'static str },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ClusteredObservations {
                quantity,
                observations,
                clusters,
                largest_cluster,
                design_effect,
            } => {
                write!(
                    f,
                    "{quantity}: {observations} observations come from only {clusters} clusters \
                     (up to {largest_cluster} in one)"
                )?;
                if let Some(effect) = design_effect {
                    write!(f, "; the variance is {effect:.1} times the plain one")?;
                }
                let verdict = match design_effect {
                    Some(effect) if *effect <= 1.0 => "does not count this",
                    _ => "is too narrow",
                };
                write!(f, "; the plain interval {verdict}, use the clustered one")
            }
            Self::FewClusters { quantity, clusters } => write!(
                f,
                "{quantity}: {clusters} clusters are few for the clustered interval"
            ),
            Self::NoVarianceBetweenClusters { quantity } => write!(
                f,
                "{quantity}: all clusters gave the same result; the interval counts clusters"
            ),
            Self::SmallGroup {
                quantity,
                patients,
                smallest_allowed,
            } => write!(
                f,
                "{quantity}: {patients} patients, fewer than the {smallest_allowed} agreed on"
            ),
            Self::DegenerateVariance { quantity, reason } => write!(f, "{quantity}: {reason}"),
            Self::FailedReplicates { failed, of } => write!(
                f,
                "the statistic was undefined in {failed} of {of} bootstrap replicates"
            ),
            Self::SmallExpectedCounts { quantity } => write!(
                f,
                "{quantity}: expected counts below 5; the p value is approximate"
            ),
        }
    }
}
