//! The empirical curve.

use serde::Serialize;

use super::data::RocData;

/// One corner of the curve. A case is positive when score ≥ threshold; `None` is the threshold
/// above all scores.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RocPoint {
    pub threshold: Option<f64>,
    pub sensitivity: f64,
    pub specificity: f64,
}

impl RocData {
    /// Corners from (sensitivity 0, specificity 1) to (1, 0): one per distinct score, thresholds
    /// falling. The trapezoids between them have the area [`RocData::auc_value`].
    pub fn curve(&self) -> Vec<RocPoint> {
        let m = self.positive.len() as f64;
        let n = self.negative.len() as f64;
        let mut points = vec![RocPoint {
            threshold: None,
            sensitivity: 0.0,
            specificity: 1.0,
        }];
        let (mut positives, mut negatives) = (0.0, 0.0);
        for step in self.steps() {
            positives += step.positives.len() as f64;
            negatives += step.negatives.len() as f64;
            points.push(RocPoint {
                threshold: Some(step.score),
                sensitivity: positives / m,
                specificity: 1.0 - negatives / n,
            });
        }
        points
    }

    /// Distinct scores in falling order with the places of the cases that have them.
    pub(super) fn steps(&self) -> Vec<Step> {
        let mut all: Vec<(f64, bool, usize)> = self
            .positive
            .iter()
            .enumerate()
            .map(|(i, &s)| (s, true, i))
            .chain(
                self.negative
                    .iter()
                    .enumerate()
                    .map(|(i, &s)| (s, false, i)),
            )
            .collect();
        all.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut steps: Vec<Step> = Vec::new();
        for (score, diseased, index) in all {
            if steps.last().is_none_or(|s| s.score != score) {
                steps.push(Step {
                    score,
                    positives: Vec::new(),
                    negatives: Vec::new(),
                });
            }
            if let Some(step) = steps.last_mut() {
                if diseased {
                    step.positives.push(index);
                } else {
                    step.negatives.push(index);
                }
            }
        }
        steps
    }
}

pub(super) struct Step {
    pub score: f64,
    pub positives: Vec<usize>,
    pub negatives: Vec<usize>,
}
