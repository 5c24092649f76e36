//! Partial area under the empirical curve.
//!
//! D. K. McClish, Med. Decis. Making 9 (1989) 190–195; over sensitivity: Jiang, Metz and
//! Nishikawa, Radiology 201 (1996) 745–750.

use serde::Serialize;

use super::data::RocData;
use crate::error::{EvaluationError, at_least};
use crate::interval::{Interval, Level};
use crate::observation::{ClusterId, members};
use crate::random::Generator;
use crate::warning::Warning;

/// Which part of the curve. Bounds are fractions with 0 ≤ low < high ≤ 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PartialRange {
    /// ∫ sensitivity over specificity from `low` to `high`.
    Specificity { low: f64, high: f64 },
    /// ∫ specificity over sensitivity from `low` to `high`.
    Sensitivity { low: f64, high: f64 },
}

/// A partial area; `area` lies between 0 and the width of the range.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PartialAuc {
    pub range: PartialRange,
    pub area: f64,
    /// McClish's ½(1 + (area − min)/(max − min)): 0.5 for a useless test, 1 for a perfect one.
    pub mcclish: f64,
    /// Percentile bootstrap of `area`, when asked for.
    pub interval: Option<Interval>,
    pub warnings: Vec<Warning>,
}

impl PartialRange {
    fn bounds(self) -> Result<(f64, f64), EvaluationError> {
        let (PartialRange::Specificity { low, high } | PartialRange::Sensitivity { low, high }) =
            self;
        if 0.0 <= low && low < high && high <= 1.0 {
            Ok((low, high))
        } else {
            Err(EvaluationError::OutOfRange {
                what: "range of the partial area",
                value: low,
                allowed: "0 ≤ low < high ≤ 1",
            })
        }
    }

    /// The area of the chance diagonal and of a perfect test.
    fn extremes(self) -> Result<(f64, f64), EvaluationError> {
        let (low, high) = self.bounds()?;
        // Along either axis the diagonal has height 1 − value.
        let diagonal = (high - low) - (high * high - low * low) / 2.0;
        Ok((diagonal, high - low))
    }
}

impl RocData {
    /// The partial area without an interval.
    ///
    /// # Errors
    /// A range that is empty or leaves [0, 1].
    pub fn partial_auc(&self, range: PartialRange) -> Result<PartialAuc, EvaluationError> {
        let (low, high) = range.bounds()?;
        let corners: Vec<(f64, f64)> = self
            .curve()
            .iter()
            .map(|p| (p.sensitivity, 1.0 - p.specificity))
            .collect();
        let area = area(&corners, range, low, high);
        let (least, most) = range.extremes()?;
        Ok(PartialAuc {
            range,
            area,
            mcclish: 0.5 * (1.0 + (area - least) / (most - least)),
            interval: None,
            warnings: Vec::new(),
        })
    }

    /// The partial area with a percentile bootstrap interval. Cases are drawn within each class;
    /// where observations repeat, whole clusters are drawn instead.
    ///
    /// # Errors
    /// As [`RocData::partial_auc`], and fewer than 100 replicates.
    pub fn partial_auc_bootstrap(
        &self,
        range: PartialRange,
        replicates: usize,
        seed: u64,
        level: Level,
    ) -> Result<PartialAuc, EvaluationError> {
        at_least("bootstrap replicates", replicates, 100)?;
        let (low, high) = range.bounds()?;
        let mut result = self.partial_auc(range)?;
        let steps = self.steps();
        let mut generator = Generator::new(seed);
        let groups = self.clustering().filter(|c| c.is_repeated()).map(|_| {
            let ids: Vec<ClusterId> = self
                .positive_clusters
                .iter()
                .chain(&self.negative_clusters)
                .copied()
                .collect();
            members(&ids)
        });
        let m = self.positive.len();
        let mut values = Vec::with_capacity(replicates);
        for _ in 0..replicates {
            let mut weight = vec![0u32; m + self.negative.len()];
            match &groups {
                Some(groups) => {
                    for _ in 0..groups.len() {
                        for &i in &groups[generator.below(groups.len())] {
                            weight[i] += 1;
                        }
                    }
                }
                None => {
                    for _ in 0..m {
                        weight[generator.below(m)] += 1;
                    }
                    for _ in 0..self.negative.len() {
                        weight[m + generator.below(self.negative.len())] += 1;
                    }
                }
            }
            let total = |w: &[u32]| w.iter().map(|&x| f64::from(x)).sum::<f64>();
            let (positives, negatives) = (total(&weight[..m]), total(&weight[m..]));
            if positives == 0.0 || negatives == 0.0 {
                continue;
            }
            let (mut tp, mut fp) = (0.0, 0.0);
            let mut corners = vec![(0.0, 0.0)];
            for step in &steps {
                tp += step
                    .positives
                    .iter()
                    .map(|&i| f64::from(weight[i]))
                    .sum::<f64>();
                fp += step
                    .negatives
                    .iter()
                    .map(|&i| f64::from(weight[m + i]))
                    .sum::<f64>();
                corners.push((tp / positives, fp / negatives));
            }
            values.push(area(&corners, range, low, high));
        }
        if values.len() < replicates {
            result.warnings.push(Warning::FailedReplicates {
                failed: replicates - values.len(),
                of: replicates,
            });
        }
        result.interval = crate::bootstrap::percentile_interval(&mut values, result.area, level);
        Ok(result)
    }
}

/// Trapezoids between corners (sensitivity, 1 − specificity), cut to the range.
fn area(corners: &[(f64, f64)], range: PartialRange, low: f64, high: f64) -> f64 {
    // Turned so that x runs over the range axis and y is what is integrated.
    let turned = |&(tpr, fpr): &(f64, f64)| match range {
        PartialRange::Specificity { .. } => (1.0 - fpr, tpr),
        PartialRange::Sensitivity { .. } => (tpr, 1.0 - fpr),
    };
    corners
        .windows(2)
        .map(|pair| {
            let (mut a, mut b) = (turned(&pair[0]), turned(&pair[1]));
            if a.0 > b.0 {
                std::mem::swap(&mut a, &mut b);
            }
            let (from, to) = (a.0.max(low), b.0.min(high));
            if from >= to {
                return 0.0;
            }
            let y = |x: f64| a.1 + (b.1 - a.1) * (x - a.0) / (b.0 - a.0);
            0.5 * (y(from) + y(to)) * (to - from)
        })
        .sum()
}
