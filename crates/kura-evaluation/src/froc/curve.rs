//! The FROC and the AFROC curve.

use serde::Serialize;

use super::data::FreeResponse;
use super::jafroc::{LesionWeights, NegativeCases};

/// P. C. Bunch et al., J. Appl. Photogr. Eng. 4 (1978) 166–171. Marks count at rating ≥ threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FrocPoint {
    pub threshold: f64,
    /// Marks that hit no lesion, per case of the whole set.
    pub false_marks_per_case: f64,
    /// Share of lesions hit.
    pub lesions_found: f64,
}

/// D. P. Chakraborty and L. H. L. Winter, Radiology 174 (1990) 873–881.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AfrocPoint {
    /// `None` for the origin, above all ratings.
    pub threshold: Option<f64>,
    /// Share of cases whose highest false mark reaches the threshold.
    pub false_positive_fraction: f64,
    /// (Weighted) share of lesions hit.
    pub lesions_found: f64,
}

impl FreeResponse {
    /// One point per distinct rating, thresholds falling. The curve ends where marks end: what
    /// lies beyond was not observed and is not drawn.
    pub fn froc(&self) -> Vec<FrocPoint> {
        let cases = self.cases.len() as f64;
        let lesions = self.lesions().count() as f64;
        let mut hits: Vec<f64> = self.lesions().filter_map(|l| l.rating).collect();
        let mut misses: Vec<f64> = self
            .cases
            .iter()
            .flat_map(|c| c.false_marks.iter().copied())
            .collect();
        hits.sort_unstable_by(|a, b| b.total_cmp(a));
        misses.sort_unstable_by(|a, b| b.total_cmp(a));
        let reached = |sorted: &[f64], t: f64| sorted.partition_point(|&r| r >= t) as f64;
        self.thresholds()
            .into_iter()
            .map(|threshold| FrocPoint {
                threshold,
                false_marks_per_case: reached(&misses, threshold) / cases,
                lesions_found: reached(&hits, threshold) / lesions,
            })
            .collect()
    }

    /// From the origin to the last rating. Joined by straight lines and then to (1, 1), its area
    /// is the JAFROC figure of merit.
    pub fn afroc(&self, negatives: NegativeCases, weights: LesionWeights) -> Vec<AfrocPoint> {
        let highest: Vec<f64> = match negatives {
            NegativeCases::Normal => self.normal().map(|c| c.highest_false()).collect(),
            NegativeCases::All => self.cases.iter().map(|c| c.highest_false()).collect(),
        };
        let lesions: Vec<(f64, f64)> = self
            .abnormal()
            .flat_map(|case| {
                let shares = weights.shares(case, self);
                case.lesions
                    .iter()
                    .zip(shares)
                    .map(|(lesion, share)| (lesion.rating.unwrap_or(f64::NEG_INFINITY), share))
            })
            .collect();
        let mut points = vec![AfrocPoint {
            threshold: None,
            false_positive_fraction: 0.0,
            lesions_found: 0.0,
        }];
        for threshold in self.thresholds() {
            let reached = highest.iter().filter(|r| **r >= threshold).count();
            points.push(AfrocPoint {
                threshold: Some(threshold),
                false_positive_fraction: reached as f64 / highest.len() as f64,
                lesions_found: lesions
                    .iter()
                    .filter(|(r, _)| *r >= threshold)
                    .map(|(_, share)| share)
                    .sum(),
            });
        }
        points
    }
}
