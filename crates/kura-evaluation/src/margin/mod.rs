//! Superiority and non-inferiority against a margin fixed beforehand.
//!
//! The difference is new − reference, larger is better, and the margin is the largest loss that is
//! still accepted, a positive number in the unit of the difference. The verdict is read off the
//! two-sided interval of level 1 − 2α: ICH E9 (1998) §3.3.2; FDA, Non-Inferiority Clinical Trials
//! to Establish Effectiveness (2016).

mod proportions;

use serde::Serialize;

pub use proportions::{
    PairedMethod, PairedOutcome, UnpairedMethod, paired_counts, paired_outcomes, unpaired_counts,
};

use crate::error::{EvaluationError, finite, open_unit};
use crate::interval::{Estimable, Interval, Level};
use crate::mrmc::ModalityDifference;
use crate::roc::{AucComparison, RocData, ScoredPair, compare_paired, compare_unpaired};
use crate::special::distribution::t_upper_tail;
use crate::special::normal;
use crate::warning::Warning;

/// What the interval allows to be said. Superiority after non-inferiority needs no correction
/// (closed testing: CPMP/EWP/482/99).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The whole interval lies above 0.
    Superior,
    /// The whole interval lies above −margin.
    NonInferior,
    /// The interval holds −margin.
    Inconclusive,
    /// The whole interval lies below −margin.
    Inferior,
}

/// The margin and the one-sided error allowed, both fixed beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Margin {
    margin: f64,
    alpha: f64,
}

impl Margin {
    /// `alpha` is one-sided, usually 0.025. A margin of 0 asks for superiority alone.
    ///
    /// # Errors
    /// [`EvaluationError::OutOfRange`] for a negative margin or alpha outside (0, 0.5).
    pub fn new(margin: f64, alpha: f64) -> Result<Self, EvaluationError> {
        finite("margin", &[margin])?;
        if margin < 0.0 {
            return Err(EvaluationError::OutOfRange {
                what: "margin",
                value: margin,
                allowed: "0 or more: the loss still accepted, as a positive number",
            });
        }
        open_unit("one-sided alpha, doubled", 2.0 * alpha)?;
        Ok(Margin { margin, alpha })
    }

    pub fn margin(self) -> f64 {
        self.margin
    }

    pub fn alpha(self) -> f64 {
        self.alpha
    }

    /// 1 − 2α
    ///
    /// # Errors
    /// None: the constructor has checked alpha.
    pub fn level(self) -> Result<Level, EvaluationError> {
        Level::new(1.0 - 2.0 * self.alpha)
    }

    /// Reads a verdict off an interval of new − reference. The interval's level should be 1 − 2α.
    pub fn verdict(self, interval: &Interval) -> Verdict {
        if interval.lower > 0.0 {
            Verdict::Superior
        } else if interval.lower > -self.margin {
            Verdict::NonInferior
        } else if interval.upper < -self.margin {
            Verdict::Inferior
        } else {
            Verdict::Inconclusive
        }
    }

    /// From a difference with its standard error; normal when `df` is `None`.
    fn test(
        self,
        interval: Interval,
        standard_error: f64,
        df: Option<f64>,
        warnings: Vec<Warning>,
    ) -> MarginTest {
        let p = |against: f64| {
            Estimable::ratio(
                interval.estimate - against,
                standard_error,
                "the variance of the difference is 0",
            )
            .map(|t| match df {
                Some(df) => t_upper_tail(t, df),
                None => normal::upper_tail(t),
            })
        };
        MarginTest {
            margin: self,
            difference: interval,
            p_non_inferiority: p(-self.margin),
            p_superiority: p(0.0),
            verdict: self.verdict(&interval),
            warnings,
        }
    }
}

/// Result of a comparison against a margin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MarginTest {
    pub margin: Margin,
    /// New − reference, level 1 − 2α.
    pub difference: Interval,
    /// One-sided p of "new is worse by the margin or more".
    pub p_non_inferiority: Estimable<f64>,
    /// One-sided p of "new is not better".
    pub p_superiority: Estimable<f64>,
    pub verdict: Verdict,
    pub warnings: Vec<Warning>,
}

/// Two areas under the curve on the same cases (`first` is the new test). The clustered standard
/// error is used where observations repeat.
///
/// # Errors
/// As [`compare_paired`].
pub fn paired_auc(pairs: &[ScoredPair], margin: Margin) -> Result<MarginTest, EvaluationError> {
    Ok(of_comparison(
        compare_paired(pairs, margin.level()?)?,
        margin,
    ))
}

/// Two areas under the curve on different cases.
///
/// # Errors
/// As [`compare_unpaired`].
pub fn unpaired_auc(
    new: &RocData,
    reference: &RocData,
    margin: Margin,
) -> Result<MarginTest, EvaluationError> {
    let comparison = compare_unpaired(new, reference, margin.level()?)?;
    Ok(of_comparison(comparison, margin))
}

fn of_comparison(comparison: AucComparison, margin: Margin) -> MarginTest {
    let standard_error = comparison
        .clustered
        .as_ref()
        .map_or(comparison.standard_error, |c| c.standard_error);
    margin.test(
        comparison.interval(),
        standard_error,
        None,
        comparison.warnings,
    )
}

/// A difference of two modalities in a reader study (`first` is the new one), analysed at the
/// level 1 − 2α.
///
/// # Errors
/// [`EvaluationError::OutOfRange`] when the analysis used another level.
pub fn modality_difference(
    difference: &ModalityDifference,
    margin: Margin,
) -> Result<MarginTest, EvaluationError> {
    let level = difference.interval.level.get();
    if (level - margin.level()?.get()).abs() > 1e-9 {
        return Err(EvaluationError::OutOfRange {
            what: "confidence level of the reader study",
            value: level,
            allowed: "1 − 2 alpha of the margin",
        });
    }
    Ok(margin.test(
        difference.interval,
        difference.standard_error,
        difference.df,
        Vec::new(),
    ))
}
