//! The JAFROC figures of merit.
//!
//! D. P. Chakraborty and K. S. Berbaum, Med. Phys. 31 (2004) 2313–2330; weights: D. P. Chakraborty
//! and X. Zhai, "On the meaning of the weighted alternative free-response operating characteristic
//! figure of merit", Med. Phys. 43 (2016) 2548–2557.

use serde::Serialize;

use super::data::{FreeResponse, LocalisationCase};
use crate::error::EvaluationError;
use crate::interval::{Interval, IntervalMethod, Level};
use crate::observation::{ClusterId, Clustering};
use crate::special::distribution::t_upper_quantile;
use crate::warning::Warning;

/// Whose false marks count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NegativeCases {
    /// Those on normal cases: AFROC, "JAFROC".
    Normal,
    /// Those on all cases: AFROC1, "JAFROC1". More power where normal cases are few.
    All,
}

/// How lesions count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LesionWeights {
    /// Every lesion alike: a case with many lesions counts more.
    Equal,
    /// Weights within a case sum to 1: every abnormal case counts alike (wAFROC).
    PerCase,
}

impl LesionWeights {
    /// Share of each lesion of a case in the whole; all shares of all cases sum to 1.
    pub(super) fn shares(self, case: &LocalisationCase, of: &FreeResponse) -> Vec<f64> {
        match self {
            LesionWeights::Equal => {
                let lesions = of.lesions().count() as f64;
                vec![1.0 / lesions; case.lesions.len()]
            }
            LesionWeights::PerCase => {
                let abnormal = of.abnormal().count() as f64;
                let total: f64 = case.lesions.iter().map(|l| l.weight).sum();
                case.lesions
                    .iter()
                    .map(|l| l.weight / (total * abnormal))
                    .collect()
            }
        }
    }
}

/// Which figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct JafrocFigure {
    pub negatives: NegativeCases,
    pub weights: LesionWeights,
}

impl JafrocFigure {
    pub const JAFROC: JafrocFigure = JafrocFigure {
        negatives: NegativeCases::Normal,
        weights: LesionWeights::Equal,
    };
    pub const WAFROC: JafrocFigure = JafrocFigure {
        negatives: NegativeCases::Normal,
        weights: LesionWeights::PerCase,
    };

    pub fn name(self) -> &'static str {
        match (self.negatives, self.weights) {
            (NegativeCases::Normal, LesionWeights::Equal) => "JAFROC",
            (NegativeCases::Normal, LesionWeights::PerCase) => "weighted JAFROC",
            (NegativeCases::All, LesionWeights::Equal) => "JAFROC1",
            (NegativeCases::All, LesionWeights::PerCase) => "weighted JAFROC1",
        }
    }
}

/// A figure with its jackknife interval.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JafrocEstimate {
    pub figure: JafrocFigure,
    pub normal_cases: usize,
    pub abnormal_cases: usize,
    pub lesions: usize,
    /// By leaving out one cluster (one case, where each case is its own) at a time; t with that
    /// number less 1, cut to [0, 1].
    pub interval: Interval,
    pub standard_error: f64,
    pub warnings: Vec<Warning>,
}

impl FreeResponse {
    /// P(a lesion is rated above the highest false mark of a case), ties one half; a lesion not
    /// marked and a case without false mark tie.
    pub fn jafroc_value(&self, figure: JafrocFigure) -> f64 {
        let keep = vec![true; self.cases.len()];
        self.figure_of(figure, &keep).unwrap_or(0.0)
    }

    /// The figure over the cases kept; `None` without a normal or an abnormal one.
    pub(super) fn figure_of(&self, figure: JafrocFigure, keep: &[bool]) -> Option<f64> {
        let mut negatives = Vec::new();
        let mut lesions: Vec<(f64, f64)> = Vec::new();
        for (case, _) in self.cases.iter().zip(keep).filter(|(_, k)| **k) {
            if figure.negatives == NegativeCases::All || !case.is_abnormal() {
                negatives.push(case.highest_false());
            }
            let total: f64 = match figure.weights {
                LesionWeights::Equal => 1.0,
                LesionWeights::PerCase => case.lesions.iter().map(|l| l.weight).sum(),
            };
            for lesion in &case.lesions {
                let share = match figure.weights {
                    LesionWeights::Equal => 1.0,
                    LesionWeights::PerCase => lesion.weight / total,
                };
                lesions.push((lesion.rating.unwrap_or(f64::NEG_INFINITY), share));
            }
        }
        if negatives.is_empty() || lesions.is_empty() {
            return None;
        }
        negatives.sort_unstable_by(f64::total_cmp);
        let n = negatives.len() as f64;
        let (mut sum, mut weight) = (0.0, 0.0);
        for (rating, share) in lesions {
            let below = negatives.partition_point(|&r| r < rating);
            let up_to = negatives.partition_point(|&r| r <= rating);
            sum += share * (below as f64 + 0.5 * (up_to - below) as f64) / n;
            weight += share;
        }
        Some(sum / weight)
    }

    /// The figure with its interval. Cases of one cluster are left out together.
    ///
    /// # Errors
    /// [`EvaluationError::NotEstimable`] when leaving out one cluster leaves no normal or no
    /// abnormal case.
    pub fn jafroc(
        &self,
        figure: JafrocFigure,
        level: Level,
    ) -> Result<JafrocEstimate, EvaluationError> {
        let ids: Vec<ClusterId> = self.cases.iter().map(|c| c.cluster).collect();
        let groups = crate::observation::members(&ids);
        let mut keep = vec![true; self.cases.len()];
        let mut replicates = Vec::with_capacity(groups.len());
        for group in &groups {
            group.iter().for_each(|&i| keep[i] = false);
            let value = self
                .figure_of(figure, &keep)
                .ok_or(EvaluationError::NotEstimable {
                    what: "JAFROC figure of merit",
                    reason: "without one cluster no normal or no abnormal case is left",
                })?;
            replicates.push(value);
            group.iter().for_each(|&i| keep[i] = true);
        }
        let n = replicates.len() as f64;
        let mean = replicates.iter().sum::<f64>() / n;
        let squares: f64 = replicates.iter().map(|v| (v - mean).powi(2)).sum();
        let standard_error = ((n - 1.0) / n * squares).sqrt();
        let clustering = Clustering::of(ids);
        let mut warnings = Vec::new();
        if clustering.is_repeated() && clustering.clusters < 20 {
            warnings.push(Warning::FewClusters {
                quantity: "JAFROC figure of merit",
                clusters: clustering.clusters,
            });
        }
        if standard_error == 0.0 {
            warnings.push(Warning::DegenerateVariance {
                quantity: "JAFROC figure of merit",
                reason: "the jackknife variance is 0; the interval has no width and says nothing",
            });
        }
        Ok(JafrocEstimate {
            figure,
            normal_cases: self.normal().count(),
            abnormal_cases: self.abnormal().count(),
            lesions: self.lesions().count(),
            interval: Interval::symmetric(
                self.jafroc_value(figure),
                t_upper_quantile(level.alpha() / 2.0, n - 1.0) * standard_error,
                level,
                IntervalMethod::Jackknife,
            )
            .within_unit(),
            standard_error,
            warnings,
        })
    }
}
