//! One proportion: plain intervals, and what becomes of them when observations repeat.

pub mod clustered;
pub mod difference;
pub mod interval;

use serde::Serialize;

pub use clustered::ClusteredProportion;
pub use interval::{clopper_pearson, wilson};

use crate::error::EvaluationError;
use crate::interval::{Interval, Level};
use crate::observation::{ClusterId, Clustering, Outcome};
use crate::warning::Warning;

/// A proportion with its intervals and warnings. All values are fractions, not percent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Proportion {
    pub numerator: u64,
    pub denominator: u64,
    pub estimate: f64,
    /// Wilson's score interval, counting every observation as independent.
    pub wilson: Interval,
    /// Clopper–Pearson, counting every observation as independent.
    pub clopper_pearson: Interval,
    /// Present when clusters are known and at least one holds several observations.
    pub clustered: Option<ClusteredProportion>,
    pub warnings: Vec<Warning>,
}

impl Proportion {
    /// The usual way in: outcomes that know their patient.
    ///
    /// # Errors
    /// [`EvaluationError::EmptyGroup`] without outcomes.
    pub fn from_outcomes(outcomes: &[Outcome], level: Level) -> Result<Self, EvaluationError> {
        Self::named("proportion", outcomes, level)
    }

    pub(crate) fn named(
        quantity: &'static str,
        outcomes: &[Outcome],
        level: Level,
    ) -> Result<Self, EvaluationError> {
        let successes = outcomes.iter().filter(|o| o.success).count() as u64;
        let mut result =
            Self::from_counts_named(quantity, successes, outcomes.len() as u64, level)?;
        let clustering = Clustering::of(outcomes.iter().map(|o| o.cluster));
        if clustering.is_repeated() {
            let (clustered, mut warnings) = clustered::estimate(quantity, outcomes, level)?;
            result.warnings.push(Warning::ClusteredObservations {
                quantity,
                observations: clustering.observations,
                clusters: clustering.clusters,
                largest_cluster: clustering.largest_cluster,
                design_effect: clustered.as_ref().and_then(|c| c.design_effect),
            });
            result.warnings.append(&mut warnings);
            result.clustered = clustered;
        }
        Ok(result)
    }

    /// From two counts, where the caller answers for the observations being independent.
    ///
    /// # Errors
    /// [`EvaluationError::EmptyGroup`] when `denominator` is 0;
    /// [`EvaluationError::OutOfRange`] when the numerator is the larger.
    pub fn from_counts(
        numerator: u64,
        denominator: u64,
        level: Level,
    ) -> Result<Self, EvaluationError> {
        Self::from_counts_named("proportion", numerator, denominator, level)
    }

    pub(crate) fn from_counts_named(
        quantity: &'static str,
        numerator: u64,
        denominator: u64,
        level: Level,
    ) -> Result<Self, EvaluationError> {
        if denominator == 0 {
            return Err(EvaluationError::EmptyGroup { group: quantity });
        }
        Ok(Proportion {
            numerator,
            denominator,
            estimate: numerator as f64 / denominator as f64,
            wilson: wilson(numerator, denominator, level)?,
            clopper_pearson: clopper_pearson(numerator, denominator, level)?,
            clustered: None,
            warnings: Vec::new(),
        })
    }

    /// The interval to report: clustered where observations repeat, else Wilson's.
    pub fn interval(&self) -> Interval {
        match &self.clustered {
            Some(clustered) => clustered.rao_scott_wilson,
            None => self.wilson,
        }
    }
}

/// Pairs clusters with successes.
pub fn outcomes(
    clusters: &[ClusterId],
    successes: &[bool],
) -> Result<Vec<Outcome>, EvaluationError> {
    crate::error::same_length("successes", clusters.len(), successes.len())?;
    Ok(clusters
        .iter()
        .zip(successes)
        .map(|(&cluster, &success)| Outcome { cluster, success })
        .collect())
}
