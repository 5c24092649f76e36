//! Marks and lesions of a set of cases.

use crate::error::{EvaluationError, at_least, finite};
use crate::observation::ClusterId;

/// One lesion by the reference standard.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lesion {
    /// Clinical importance relative to the other lesions of the case; 1 for all when equal.
    pub weight: f64,
    /// The highest rating of a mark that hit it; `None` when no mark did.
    pub rating: Option<f64>,
}

/// One case; abnormal when it holds a lesion.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalisationCase {
    pub cluster: ClusterId,
    pub lesions: Vec<Lesion>,
    /// Ratings of marks that hit no lesion (non-lesion localisations).
    pub false_marks: Vec<f64>,
}

/// A checked set with normal and abnormal cases.
#[derive(Debug, Clone)]
pub struct FreeResponse {
    pub(super) cases: Vec<LocalisationCase>,
}

impl LocalisationCase {
    pub fn is_abnormal(&self) -> bool {
        !self.lesions.is_empty()
    }

    /// Highest rating of a mark that hit no lesion; −∞ for none, which ranks below every rating.
    pub(super) fn highest_false(&self) -> f64 {
        self.false_marks
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max)
    }
}

impl FreeResponse {
    /// # Errors
    /// Ratings that are not finite, weights that are not above 0, or fewer than two normal or two
    /// abnormal cases.
    pub fn new(cases: Vec<LocalisationCase>) -> Result<Self, EvaluationError> {
        for case in &cases {
            finite("rating of a mark", &case.false_marks)?;
            for lesion in &case.lesions {
                finite("rating of a lesion", lesion.rating.as_slice())?;
                if !(lesion.weight > 0.0 && lesion.weight.is_finite()) {
                    return Err(EvaluationError::OutOfRange {
                        what: "weight of a lesion",
                        value: lesion.weight,
                        allowed: "above 0",
                    });
                }
            }
        }
        let abnormal = cases.iter().filter(|c| c.is_abnormal()).count();
        at_least("abnormal cases", abnormal, 2)?;
        at_least("normal cases", cases.len() - abnormal, 2)?;
        Ok(FreeResponse { cases })
    }

    pub fn cases(&self) -> &[LocalisationCase] {
        &self.cases
    }

    pub(super) fn abnormal(&self) -> impl Iterator<Item = &LocalisationCase> {
        self.cases.iter().filter(|c| c.is_abnormal())
    }

    pub(super) fn normal(&self) -> impl Iterator<Item = &LocalisationCase> {
        self.cases.iter().filter(|c| !c.is_abnormal())
    }

    pub(super) fn lesions(&self) -> impl Iterator<Item = &Lesion> {
        self.cases.iter().flat_map(|c| &c.lesions)
    }

    /// Distinct ratings of all marks, falling.
    pub(super) fn thresholds(&self) -> Vec<f64> {
        let hits = self.lesions().filter_map(|l| l.rating);
        let misses = self
            .cases
            .iter()
            .flat_map(|c| c.false_marks.iter().copied());
        let mut all: Vec<f64> = hits.chain(misses).collect();
        all.sort_unstable_by(|a, b| b.total_cmp(a));
        all.dedup();
        all
    }
}
