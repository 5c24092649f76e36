//! Do readers agree with each other?

use kura_evaluation::agreement::{FleissKappa, fleiss_kappa};
use kura_evaluation::interval::Level;
use serde::Serialize;

use super::Computed;
use super::material::Material;
use crate::readings::Condition;

/// Fleiss' κ of positive against negative decisions. The interval counts each case as independent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Agreement {
    /// `None`: all readers.
    pub experience: Option<String>,
    pub condition: Condition,
    pub readers: usize,
    pub kappa: Computed<FleissKappa>,
}

/// All readers, and each group of at least two, in each condition.
pub(super) fn agreement(material: &Material<'_>, level: Level) -> Vec<Agreement> {
    let mut groups: Vec<Option<&str>> = vec![None];
    for reader in &material.readers {
        let group = Some(reader.experience.as_str());
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    // One group is all readers.
    if groups.len() == 2 {
        groups.pop();
    }
    let mut results = Vec::new();
    for group in groups {
        for &condition in &material.conditions {
            let decisions: Option<Vec<Vec<bool>>> = material
                .readers
                .iter()
                .filter(|r| group.is_none_or(|g| r.experience == g))
                .map(|r| material.decisions(r.ratings.get(&condition)?))
                .collect();
            let Some(decisions) = decisions.filter(|d| d.len() >= 2) else {
                continue;
            };
            let counts: Vec<Vec<u64>> = (0..material.truth.len())
                .map(|case| {
                    let positive = decisions.iter().filter(|d| d[case]).count();
                    vec![(decisions.len() - positive) as u64, positive as u64]
                })
                .collect();
            results.push(Agreement {
                experience: group.map(str::to_owned),
                condition,
                readers: decisions.len(),
                kappa: Computed::of(fleiss_kappa(&counts, level)),
            });
        }
    }
    results
}
