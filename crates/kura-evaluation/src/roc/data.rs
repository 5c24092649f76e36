//! Scores of both classes, checked once.

use serde::Serialize;

use super::clustered::{self, ClusteredAuc};
use super::delong::{Components, components, covariance};
use crate::error::{EvaluationError, finite, same_length};
use crate::interval::{Interval, IntervalMethod, Level};
use crate::observation::{ClusterId, Clustering, Decision, Scored};
use crate::warning::Warning;

/// Finite scores of at least one positive and one negative case, with their clusters.
#[derive(Debug, Clone)]
pub struct RocData {
    pub(super) positive: Vec<f64>,
    pub(super) negative: Vec<f64>,
    /// Parallel to `positive`; empty together with `negative_clusters` when clusters are unknown.
    pub(super) positive_clusters: Vec<ClusterId>,
    pub(super) negative_clusters: Vec<ClusterId>,
}

/// The area under the empirical curve: P(score of a positive > score of a negative), ties one half.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AucEstimate {
    pub positives: usize,
    pub negatives: usize,
    pub auc: f64,
    /// DeLong's standard error, counting every observation as independent.
    pub standard_error: f64,
    /// AUC ± z · standard error, cut to [0, 1].
    pub delong: Interval,
    /// Present when clusters are known and at least one holds several observations.
    pub clustered: Option<ClusteredAuc>,
    pub warnings: Vec<Warning>,
}

impl AucEstimate {
    /// The interval to report: clustered where observations repeat, else DeLong's.
    pub fn interval(&self) -> Interval {
        self.clustered.as_ref().map_or(self.delong, |c| c.interval)
    }
}

impl RocData {
    /// The usual way in: scores that know their patient.
    ///
    /// # Errors
    /// [`EvaluationError::NonFinite`], [`EvaluationError::OneClassOnly`] or
    /// [`EvaluationError::EmptyGroup`].
    pub fn from_observations(observations: &[Scored]) -> Result<Self, EvaluationError> {
        let scores: Vec<f64> = observations.iter().map(|o| o.score).collect();
        finite("score", &scores)?;
        let side = |diseased: bool| observations.iter().filter(move |o| o.diseased == diseased);
        let data = RocData {
            positive: side(true).map(|o| o.score).collect(),
            negative: side(false).map(|o| o.score).collect(),
            positive_clusters: side(true).map(|o| o.cluster).collect(),
            negative_clusters: side(false).map(|o| o.cluster).collect(),
        };
        data.both_classes()
    }

    /// Parallel truth and scores, where the caller answers for independent observations.
    ///
    /// # Errors
    /// As [`RocData::from_observations`], and [`EvaluationError::LengthMismatch`].
    pub fn from_independent(truth: &[bool], scores: &[f64]) -> Result<Self, EvaluationError> {
        same_length("scores", truth.len(), scores.len())?;
        finite("score", scores)?;
        let side = |diseased: bool| {
            truth
                .iter()
                .zip(scores)
                .filter(move |(t, _)| **t == diseased)
                .map(|(_, &s)| s)
                .collect()
        };
        let data = RocData {
            positive: side(true),
            negative: side(false),
            positive_clusters: Vec::new(),
            negative_clusters: Vec::new(),
        };
        data.both_classes()
    }

    fn both_classes(self) -> Result<Self, EvaluationError> {
        match (self.positive.is_empty(), self.negative.is_empty()) {
            (true, true) => Err(EvaluationError::EmptyGroup { group: "scores" }),
            (true, false) => Err(EvaluationError::OneClassOnly {
                present: "negative",
            }),
            (false, true) => Err(EvaluationError::OneClassOnly {
                present: "positive",
            }),
            (false, false) => Ok(self),
        }
    }

    pub fn positives(&self) -> &[f64] {
        &self.positive
    }

    pub fn negatives(&self) -> &[f64] {
        &self.negative
    }

    /// The area alone.
    pub fn auc_value(&self) -> f64 {
        self.components().auc
    }

    /// DeLong's structural components.
    pub fn components(&self) -> Components {
        components(&self.positive, &self.negative)
    }

    /// Area with intervals.
    ///
    /// # Errors
    /// [`EvaluationError::TooFew`] with fewer than two cases of a class: no variance.
    pub fn auc(&self, level: Level) -> Result<AucEstimate, EvaluationError> {
        self.two_per_class()?;
        let parts = self.components();
        let standard_error = covariance(&parts, &parts).max(0.0).sqrt();
        let mut warnings = Vec::new();
        let clustered = match self.clustering() {
            Some(clustering) if clustering.is_repeated() => {
                let (clustered, mut more) = clustered::estimate(
                    &parts,
                    &self.positive_clusters,
                    &self.negative_clusters,
                    level,
                );
                warnings.push(Warning::ClusteredObservations {
                    quantity: AREA,
                    observations: clustering.observations,
                    clusters: clustering.clusters,
                    largest_cluster: clustering.largest_cluster,
                    design_effect: clustered.as_ref().and_then(|c| c.design_effect),
                });
                warnings.append(&mut more);
                clustered
            }
            _ => None,
        };
        if standard_error == 0.0 {
            warnings.push(Warning::DegenerateVariance {
                quantity: AREA,
                reason: "DeLong's variance is 0 (the classes do not overlap); the interval has no \
                         width and says nothing",
            });
        }
        Ok(AucEstimate {
            positives: self.positive.len(),
            negatives: self.negative.len(),
            auc: parts.auc,
            standard_error,
            delong: Interval::symmetric(
                parts.auc,
                level.z() * standard_error,
                level,
                IntervalMethod::DeLong,
            )
            .within_unit(),
            clustered,
            warnings,
        })
    }

    pub(super) fn two_per_class(&self) -> Result<(), EvaluationError> {
        crate::error::at_least("positive cases", self.positive.len(), 2)?;
        crate::error::at_least("negative cases", self.negative.len(), 2)
    }

    /// `None` when clusters are unknown.
    pub fn clustering(&self) -> Option<Clustering> {
        if self.positive_clusters.is_empty() && self.negative_clusters.is_empty() {
            return None;
        }
        let all = self.positive_clusters.iter().chain(&self.negative_clusters);
        Some(Clustering::of(all.copied()))
    }

    /// Decisions at a threshold; without known clusters every case is its own.
    pub fn decisions(&self, threshold: f64) -> Vec<Decision> {
        let positives = self.positive.iter().map(|&s| (true, s));
        let negatives = self.negative.iter().map(|&s| (false, s));
        let clusters = self.positive_clusters.iter().chain(&self.negative_clusters);
        let known: Vec<ClusterId> = clusters.copied().collect();
        positives
            .chain(negatives)
            .enumerate()
            .map(|(i, (diseased, score))| Decision {
                cluster: known.get(i).copied().unwrap_or(ClusterId(i as u64)),
                diseased,
                positive: score >= threshold,
            })
            .collect()
    }
}

pub(super) const AREA: &str = "area under the ROC curve";
