//! Reader figures of merit.

use crate::error::EvaluationError;
use crate::roc::delong::components;
use crate::roc::{PartialRange, RocData};

/// Which cases a figure depends on. The jackknife and the bootstrap take cases from these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseClass {
    All,
    Diseased,
    Healthy,
}

impl CaseClass {
    pub(super) fn holds(self, diseased: bool) -> bool {
        match self {
            CaseClass::All => true,
            CaseClass::Diseased => diseased,
            CaseClass::Healthy => !diseased,
        }
    }
}

/// A figure as a two-sample U-statistic: DeLong's components in the order of the cases of each
/// class; the list of a class the figure does not depend on is empty.
#[derive(Debug, Clone, PartialEq)]
pub struct FigureParts {
    pub estimate: f64,
    pub diseased: Vec<f64>,
    pub healthy: Vec<f64>,
}

/// One number for one reader in one modality; larger is better.
pub trait FigureOfMerit {
    fn name(&self) -> &'static str;

    fn cases(&self) -> CaseClass;

    /// Ready for many evaluations on the same ratings. `truth` and `ratings` run in parallel.
    ///
    /// # Errors
    /// Whatever makes the figure undefined on these cases.
    fn prepare<'a>(
        &self,
        truth: &'a [bool],
        ratings: &'a [f64],
    ) -> Result<Box<dyn WeightedFigure + 'a>, EvaluationError>;

    /// DeLong components; `None` when the figure is no two-sample U-statistic, in which case the
    /// DeLong covariance is refused and the jackknife removes cases one by one.
    fn parts(&self, truth: &[bool], ratings: &[f64]) -> Option<FigureParts>;
}

/// A figure in which case k counts `weights[k]` times.
pub trait WeightedFigure {
    /// `None` when the weighted cases leave the figure undefined.
    fn estimate(&self, weights: &[f64]) -> Option<f64>;
}

/// Area under the empirical ROC curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EmpiricalAuc;

struct PreparedAuc<'a> {
    truth: &'a [bool],
    /// Cases by rising rating, with the number of the group of equal ratings.
    order: Vec<(u32, u32)>,
}

impl FigureOfMerit for EmpiricalAuc {
    fn name(&self) -> &'static str {
        "area under the empirical ROC curve"
    }

    fn cases(&self) -> CaseClass {
        CaseClass::All
    }

    fn prepare<'a>(
        &self,
        truth: &'a [bool],
        ratings: &'a [f64],
    ) -> Result<Box<dyn WeightedFigure + 'a>, EvaluationError> {
        let mut sorted: Vec<u32> = (0..ratings.len() as u32).collect();
        sorted.sort_by(|&a, &b| ratings[a as usize].total_cmp(&ratings[b as usize]));
        let mut order = Vec::with_capacity(sorted.len());
        let mut group = 0;
        for (i, &case) in sorted.iter().enumerate() {
            if i > 0 && ratings[sorted[i - 1] as usize] != ratings[case as usize] {
                group += 1;
            }
            order.push((case, group));
        }
        Ok(Box::new(PreparedAuc { truth, order }))
    }

    fn parts(&self, truth: &[bool], ratings: &[f64]) -> Option<FigureParts> {
        let of = |class: bool| -> Vec<f64> {
            truth
                .iter()
                .zip(ratings)
                .filter(|(t, _)| **t == class)
                .map(|(_, &r)| r)
                .collect()
        };
        let parts = components(&of(true), &of(false));
        Some(FigureParts {
            estimate: parts.auc,
            diseased: parts.positive,
            healthy: parts.negative,
        })
    }
}

impl WeightedFigure for PreparedAuc<'_> {
    fn estimate(&self, weights: &[f64]) -> Option<f64> {
        let (mut wins, mut diseased, mut below) = (0.0, 0.0, 0.0);
        let (mut tied_diseased, mut tied_healthy) = (0.0, 0.0);
        let mut group = 0;
        for &(case, its_group) in &self.order {
            if its_group != group {
                wins += tied_diseased * (below + 0.5 * tied_healthy);
                diseased += tied_diseased;
                below += tied_healthy;
                (tied_diseased, tied_healthy) = (0.0, 0.0);
                group = its_group;
            }
            let weight = weights[case as usize];
            if self.truth[case as usize] {
                tied_diseased += weight;
            } else {
                tied_healthy += weight;
            }
        }
        wins += tied_diseased * (below + 0.5 * tied_healthy);
        diseased += tied_diseased;
        below += tied_healthy;
        (diseased > 0.0 && below > 0.0).then(|| wins / (diseased * below))
    }
}

/// Share of diseased cases rated at or above the threshold. For decisions coded 0 and 1 use 0.5.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sensitivity {
    pub threshold: f64,
}

/// Share of cases free of the disease rated below the threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Specificity {
    pub threshold: f64,
}

struct WeightedShare {
    /// Success (1) or failure (0) per case; `None` for cases of the other class.
    success: Vec<Option<f64>>,
}

impl WeightedFigure for WeightedShare {
    fn estimate(&self, weights: &[f64]) -> Option<f64> {
        let (mut sum, mut total) = (0.0, 0.0);
        for (success, weight) in self.success.iter().zip(weights) {
            if let Some(success) = success {
                sum += success * weight;
                total += weight;
            }
        }
        (total > 0.0).then(|| sum / total)
    }
}

fn share(
    truth: &[bool],
    ratings: &[f64],
    class: bool,
    success: impl Fn(f64) -> bool,
) -> Vec<Option<f64>> {
    truth
        .iter()
        .zip(ratings)
        .map(|(&t, &r)| (t == class).then(|| f64::from(u8::from(success(r)))))
        .collect()
}

impl FigureOfMerit for Sensitivity {
    fn name(&self) -> &'static str {
        "sensitivity"
    }

    fn cases(&self) -> CaseClass {
        CaseClass::Diseased
    }

    fn prepare<'a>(
        &self,
        truth: &'a [bool],
        ratings: &'a [f64],
    ) -> Result<Box<dyn WeightedFigure + 'a>, EvaluationError> {
        let success = share(truth, ratings, true, |r| r >= self.threshold);
        Ok(Box::new(WeightedShare { success }))
    }

    fn parts(&self, truth: &[bool], ratings: &[f64]) -> Option<FigureParts> {
        let diseased: Vec<f64> = share(truth, ratings, true, |r| r >= self.threshold)
            .into_iter()
            .flatten()
            .collect();
        Some(FigureParts {
            estimate: diseased.iter().sum::<f64>() / diseased.len() as f64,
            diseased,
            healthy: Vec::new(),
        })
    }
}

impl FigureOfMerit for Specificity {
    fn name(&self) -> &'static str {
        "specificity"
    }

    fn cases(&self) -> CaseClass {
        CaseClass::Healthy
    }

    fn prepare<'a>(
        &self,
        truth: &'a [bool],
        ratings: &'a [f64],
    ) -> Result<Box<dyn WeightedFigure + 'a>, EvaluationError> {
        let success = share(truth, ratings, false, |r| r < self.threshold);
        Ok(Box::new(WeightedShare { success }))
    }

    fn parts(&self, truth: &[bool], ratings: &[f64]) -> Option<FigureParts> {
        let healthy: Vec<f64> = share(truth, ratings, false, |r| r < self.threshold)
            .into_iter()
            .flatten()
            .collect();
        Some(FigureParts {
            estimate: healthy.iter().sum::<f64>() / healthy.len() as f64,
            diseased: Vec::new(),
            healthy,
        })
    }
}

/// Partial area under the empirical curve, corrected after McClish.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PartialArea {
    pub range: PartialRange,
}

struct PreparedPartial<'a> {
    truth: &'a [bool],
    ratings: &'a [f64],
    range: PartialRange,
}

impl FigureOfMerit for PartialArea {
    fn name(&self) -> &'static str {
        "corrected partial area under the empirical ROC curve"
    }

    fn cases(&self) -> CaseClass {
        CaseClass::All
    }

    fn prepare<'a>(
        &self,
        truth: &'a [bool],
        ratings: &'a [f64],
    ) -> Result<Box<dyn WeightedFigure + 'a>, EvaluationError> {
        // Refuses a bad range once, here.
        RocData::from_independent(truth, ratings)?.partial_auc(self.range)?;
        Ok(Box::new(PreparedPartial {
            truth,
            ratings,
            range: self.range,
        }))
    }

    fn parts(&self, _: &[bool], _: &[f64]) -> Option<FigureParts> {
        None
    }
}

impl WeightedFigure for PreparedPartial<'_> {
    /// Weights are rounded to whole counts: jackknife and bootstrap have no others.
    fn estimate(&self, weights: &[f64]) -> Option<f64> {
        let mut truth = Vec::new();
        let mut ratings = Vec::new();
        for ((&t, &r), &weight) in self.truth.iter().zip(self.ratings).zip(weights) {
            for _ in 0..weight.round() as usize {
                truth.push(t);
                ratings.push(r);
            }
        }
        let data = RocData::from_independent(&truth, &ratings).ok()?;
        Some(data.partial_auc(self.range).ok()?.mcclish)
    }
}
