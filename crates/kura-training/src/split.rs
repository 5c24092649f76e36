//! Dividing rows among parts so that a patient is never in two of them.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::error::{TrainingError, require, same_length};
use crate::random::Generator;
use crate::table::{Examples, group_indices};

/// Divides rows into parts of the given shares (of rows): the part of each row, 0 for the first
/// share. All rows of a group go to one part, and the parts have about the same share of groups
/// with the outcome, without it, and with both.
///
/// # Errors
/// Different lengths; shares that are not above 0 or do not sum to 1; fewer groups than parts.
pub fn group_split(
    groups: &[String],
    outcome: &[bool],
    shares: &[f64],
    seed: u64,
) -> Result<Vec<usize>, TrainingError> {
    for &share in shares {
        require(
            share > 0.0 && share <= 1.0,
            "a share",
            share,
            "above 0, at most 1",
        )?;
    }
    let sum: f64 = shares.iter().sum();
    require((sum - 1.0).abs() < 1e-6, "the sum of shares", sum, "1")?;
    allocate(groups, outcome, shares, true, seed)
}

/// How rows are divided for cross-validation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Folds {
    /// Patients at random.
    Groups(GroupFolds),
    /// Each site is left out once: how a hospital does that the model has not seen.
    LeaveOneSiteOut,
}

/// `k` parts of patients of about the same size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupFolds {
    pub k: usize,
    /// Whether the parts have about the same share of patients with the outcome.
    pub stratified: bool,
    pub seed: u64,
}

impl GroupFolds {
    /// The fold of each row, 0 .. `k`.
    ///
    /// # Errors
    /// Different lengths; `k` below 2; fewer groups than folds; a fold that holds all rows of one
    /// outcome.
    pub fn assign(&self, groups: &[String], outcome: &[bool]) -> Result<Vec<usize>, TrainingError> {
        require(self.k >= 2, "k", self.k as f64, "at least 2")?;
        // Before the shares are made: k may be anything.
        at_least_groups(self.k, groups)?;
        let shares = vec![1.0 / self.k as f64; self.k];
        let folds = allocate(groups, outcome, &shares, self.stratified, self.seed)?;
        both_outcomes_without(&folds, outcome, self.k)?;
        Ok(folds)
    }
}

impl Folds {
    /// The fold of each row, from 0. Sites are numbered in alphabetical order.
    ///
    /// # Errors
    /// As [`GroupFolds::assign`]; no or one site; a patient with rows at two sites.
    pub fn assign(&self, examples: &Examples) -> Result<Vec<usize>, TrainingError> {
        match self {
            Self::Groups(folds) => folds.assign(&examples.group, &examples.outcome),
            Self::LeaveOneSiteOut => by_site(examples),
        }
    }
}

fn by_site(examples: &Examples) -> Result<Vec<usize>, TrainingError> {
    let site = examples.site.as_ref().ok_or(TrainingError::NoSite)?;
    same_length("sites", examples.group.len(), site.len())?;
    let mut number: BTreeMap<&str, usize> = site.iter().map(|s| (s.as_str(), 0)).collect();
    for (next, place) in number.values_mut().enumerate() {
        *place = next;
    }
    if number.len() < 2 {
        return Err(TrainingError::TooFew {
            what: "sites",
            needed: 2,
            found: number.len(),
        });
    }
    let folds: Vec<usize> = site.iter().map(|s| number[s.as_str()]).collect();
    let straying = groups_in_two_parts(&examples.group, &folds);
    if straying > 0 {
        return Err(TrainingError::GroupAtSeveralSites { groups: straying });
    }
    both_outcomes_without(&folds, &examples.outcome, number.len())?;
    Ok(folds)
}

/// How many groups have rows in more than one part.
pub(crate) fn groups_in_two_parts(groups: &[String], parts: &[usize]) -> usize {
    let mut first: HashMap<&str, (usize, bool)> = HashMap::new();
    for (group, &part) in groups.iter().zip(parts) {
        let entry = first.entry(group).or_insert((part, false));
        entry.1 |= entry.0 != part;
    }
    first.values().filter(|(_, strays)| *strays).count()
}

fn at_least_groups(needed: usize, groups: &[String]) -> Result<(), TrainingError> {
    let found = group_indices(groups).1;
    if found < needed.max(1) {
        return Err(TrainingError::TooFew {
            what: "groups",
            needed: needed.max(1),
            found,
        });
    }
    Ok(())
}

fn both_outcomes_without(
    folds: &[usize],
    outcome: &[bool],
    count: usize,
) -> Result<(), TrainingError> {
    let total = outcome.iter().filter(|y| **y).count();
    let mut with = vec![0; count];
    let mut without = vec![0; count];
    for (&fold, &y) in folds.iter().zip(outcome) {
        if y {
            with[fold] += 1;
        } else {
            without[fold] += 1;
        }
    }
    let lacking =
        (0..count).find(|&part| with[part] == total || without[part] == outcome.len() - total);
    match lacking {
        Some(part) => Err(TrainingError::PartNeedsBothOutcomes { part }),
        None => Ok(()),
    }
}

/// Each stratum's groups, largest first and otherwise in random order, go one by one to the part
/// that lacks most of its share of the stratum's rows; of parts that lack the same, to the one
/// that lacks most rows of all.
fn allocate(
    groups: &[String],
    outcome: &[bool],
    shares: &[f64],
    stratified: bool,
    seed: u64,
) -> Result<Vec<usize>, TrainingError> {
    same_length("outcomes", groups.len(), outcome.len())?;
    at_least_groups(shares.len(), groups)?;
    let (group_of, count) = group_indices(groups);
    let mut rows = vec![0usize; count];
    let mut positive = vec![0usize; count];
    for (&group, &y) in group_of.iter().zip(outcome) {
        rows[group] += 1;
        positive[group] += usize::from(y);
    }
    let stratum = |group: usize| match positive[group] {
        _ if !stratified => 0,
        0 => 0,
        n if n == rows[group] => 1,
        _ => 2,
    };
    let mut generator = Generator::for_purpose(seed, 1);
    let mut part = vec![0; count];
    let mut held = vec![0.0; shares.len()];
    for current in 0..3 {
        let mut members: Vec<usize> = (0..count).filter(|&g| stratum(g) == current).collect();
        generator.shuffle(&mut members);
        members.sort_by_key(|&group| std::cmp::Reverse(rows[group]));
        let total: f64 = members.iter().map(|&group| rows[group] as f64).sum();
        let mut lack: Vec<f64> = shares.iter().map(|share| share * total).collect();
        let mut most: Vec<f64> = shares
            .iter()
            .zip(&held)
            .map(|(share, held)| share * groups.len() as f64 - held)
            .collect();
        for group in members {
            let size = rows[group] as f64;
            // The sums carry rounding: a difference far below one row is none.
            let rank = |p: usize| ((lack[p] * 1e6).round(), (most[p] * 1e6).round());
            let target = (1..shares.len()).fold(0, |best, p| {
                let (a, b) = (rank(p), rank(best));
                if a.0 > b.0 || a.0 == b.0 && a.1 > b.1 {
                    p
                } else {
                    best
                }
            });
            part[group] = target;
            lack[target] -= size;
            most[target] -= size;
            held[target] += size;
        }
    }
    Ok(group_of.into_iter().map(|group| part[group]).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(groups: &[u16]) -> Vec<String> {
        groups.iter().map(|g| format!("patient {g}")).collect()
    }

    proptest! {
        #[test]
        fn a_group_is_never_in_two_parts(
            rows in prop::collection::vec((0u16..60, any::<bool>()), 1..300),
            k in 2usize..8,
            stratified: bool,
            seed: u64,
        ) {
            let groups = names(&rows.iter().map(|r| r.0).collect::<Vec<_>>());
            let outcome: Vec<bool> = rows.iter().map(|r| r.1).collect();
            if let Ok(folds) = (GroupFolds { k, stratified, seed }).assign(&groups, &outcome) {
                prop_assert_eq!(groups_in_two_parts(&groups, &folds), 0);
                prop_assert!(folds.iter().all(|fold| *fold < k));
            }
            if let Ok(parts) = group_split(&groups, &outcome, &[0.7, 0.1, 0.2], seed) {
                prop_assert_eq!(groups_in_two_parts(&groups, &parts), 0);
                let again = group_split(&groups, &outcome, &[0.7, 0.1, 0.2], seed).unwrap();
                prop_assert_eq!(parts, again);
            }
        }

        /// One row per group: then sizes and strata can be met within a row or two.
        #[test]
        fn shares_and_strata_are_met(outcome in prop::collection::vec(any::<bool>(), 40..200), seed: u64) {
            let groups = names(&(0..outcome.len() as u16).collect::<Vec<_>>());
            let parts = group_split(&groups, &outcome, &[0.6, 0.2, 0.2], seed).unwrap();
            for (part, share) in [0.6, 0.2, 0.2].into_iter().enumerate() {
                for class in [true, false] {
                    let all = outcome.iter().filter(|y| **y == class).count() as f64;
                    let here = (0..outcome.len())
                        .filter(|&row| parts[row] == part && outcome[row] == class)
                        .count() as f64;
                    prop_assert!((here - all * share).abs() <= 1.0 + 1e-9, "{} {}", here, all * share);
                }
            }
        }
    }

    #[test]
    fn seeds_give_different_splits() {
        let groups = names(&(0..50).collect::<Vec<_>>());
        let outcome: Vec<bool> = (0..50).map(|row| row % 2 == 0).collect();
        let split = |seed| group_split(&groups, &outcome, &[0.5, 0.5], seed).unwrap();
        assert_ne!(split(1), split(2));
    }

    #[test]
    fn what_cannot_be_divided_is_refused() {
        let groups = names(&[1, 1, 2, 3]);
        let outcome = [true, false, false, false];
        let folds = |k| GroupFolds {
            k,
            stratified: true,
            seed: 1,
        };
        assert!(matches!(
            folds(4).assign(&groups, &outcome),
            Err(TrainingError::TooFew {
                what: "groups",
                needed: 4,
                found: 3
            })
        ));
        assert!(matches!(
            folds(usize::MAX).assign(&groups, &outcome),
            Err(TrainingError::TooFew { .. })
        ));
        assert!(folds(1).assign(&groups, &outcome).is_err());
        // One patient has the outcome: leaving that patient out leaves nothing to learn.
        assert!(matches!(
            folds(2).assign(&groups, &outcome),
            Err(TrainingError::PartNeedsBothOutcomes { .. })
        ));
        assert!(group_split(&groups, &outcome, &[0.5, 0.4], 1).is_err());
        assert!(group_split(&groups, &outcome, &[1.0, 0.0], 1).is_err());
        assert!(group_split(&[], &[], &[1.0], 1).is_err());
    }

    #[test]
    fn sites_are_left_out_one_by_one() {
        let mut examples = Examples {
            matrix: crate::table::Matrix {
                features: vec![crate::table::Feature::named("f")],
                rows: 6,
                values: vec![0.0; 6],
            },
            outcome: vec![true, false, true, false, true, false],
            group: names(&[1, 2, 3, 4, 5, 6]),
            site: None,
            weight: None,
        };
        assert_eq!(
            Folds::LeaveOneSiteOut.assign(&examples),
            Err(TrainingError::NoSite)
        );
        let sites = ["b", "b", "a", "a", "c", "c"].map(str::to_owned).to_vec();
        examples.site = Some(sites);
        assert_eq!(
            Folds::LeaveOneSiteOut.assign(&examples),
            Ok(vec![1, 1, 0, 0, 2, 2])
        );
        examples.group[2] = examples.group[0].clone();
        assert_eq!(
            Folds::LeaveOneSiteOut.assign(&examples),
            Err(TrainingError::GroupAtSeveralSites { groups: 1 })
        );
    }
}
