//! Observations as they are collected: each knows the cluster (patient, lesion) it comes from.
//!
//! Everything that makes a proportion or an area under the curve starts here, so that repeated
//! observations of one patient are noticed without being asked for.

use std::collections::HashMap;
use std::hash::Hash;

use serde::Serialize;

/// The unit that was sampled independently, usually the patient. An opaque number: this crate
/// never sees an identifier of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct ClusterId(pub u64);

impl ClusterId {
    /// Numbers labels in the order of their first appearance.
    pub fn number<T: Eq + Hash>(labels: &[T]) -> Vec<ClusterId> {
        let mut seen: HashMap<&T, u64> = HashMap::new();
        labels
            .iter()
            .map(|label| {
                let next = seen.len() as u64;
                ClusterId(*seen.entry(label).or_insert(next))
            })
            .collect()
    }
}

/// One success or failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    pub cluster: ClusterId,
    pub success: bool,
}

/// One yes/no decision of a test against the reference standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    pub cluster: ClusterId,
    /// Truth by the reference standard.
    pub diseased: bool,
    /// Result of the index test.
    pub positive: bool,
}

/// One score of a test against the reference standard; a higher score means more suspicion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    pub cluster: ClusterId,
    /// Truth by the reference standard.
    pub diseased: bool,
    pub score: f64,
}

/// How observations fall into clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Clustering {
    pub observations: usize,
    pub clusters: usize,
    pub largest_cluster: usize,
}

impl Clustering {
    pub fn of(clusters: impl IntoIterator<Item = ClusterId>) -> Self {
        let mut sizes: HashMap<ClusterId, usize> = HashMap::new();
        let mut observations = 0;
        for cluster in clusters {
            *sizes.entry(cluster).or_default() += 1;
            observations += 1;
        }
        Clustering {
            observations,
            clusters: sizes.len(),
            largest_cluster: sizes.values().copied().max().unwrap_or(0),
        }
    }

    /// True when some cluster has more than one observation.
    pub fn is_repeated(&self) -> bool {
        self.largest_cluster > 1
    }
}

/// The positions of each cluster's observations; clusters in ascending order of id.
pub(crate) fn members(clusters: &[ClusterId]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..clusters.len()).collect();
    order.sort_by_key(|&i| clusters[i]);
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut last = None;
    for i in order {
        if last != Some(clusters[i]) {
            groups.push(Vec::new());
            last = Some(clusters[i]);
        }
        if let Some(group) = groups.last_mut() {
            group.push(i);
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_numbered_and_grouped() {
        let ids = ClusterId::number(&["b", "a", "b", "c"]);
        assert_eq!(ids, [0, 1, 0, 2].map(ClusterId));
        assert_eq!(members(&ids), vec![vec![0, 2], vec![1], vec![3]]);
        let clustering = Clustering::of(ids);
        assert_eq!(
            (
                clustering.observations,
                clustering.clusters,
                clustering.largest_cluster
            ),
            (4, 3, 2)
        );
        assert!(clustering.is_repeated());
    }
}
