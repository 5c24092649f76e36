//! Results both methods share.

use serde::Serialize;

use crate::interval::{Estimable, Interval, IntervalMethod, Level};
use crate::special::distribution::{
    chi_square_upper_tail, f_upper_tail, t_two_sided, t_upper_quantile,
};
use crate::special::normal;
use crate::warning::Warning;

/// The world to which the result is meant to extend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Generalization {
    /// Random readers, random cases: other readers, other cases.
    ReadersAndCases,
    /// Fixed readers, random cases: these readers, other cases.
    Cases,
    /// Random readers, fixed cases: other readers, these cases.
    Readers,
}

/// Mean squares of the figures (Obuchowski–Rockette) or of pseudovalues divided by the number of
/// cases (Dorfman–Berbaum–Metz), which puts both on one scale. The last two need two readers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MeanSquares {
    pub modality: f64,
    pub reader: Option<f64>,
    pub modality_reader: Option<f64>,
}

/// Obuchowski–Rockette variance components: inputs of a sample size calculation. The first two may
/// come out negative and are given as they come.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct VarianceComponents {
    pub reader: Option<f64>,
    pub modality_reader: Option<f64>,
    /// Error variance of one figure.
    pub error: f64,
    /// Covariance: same reader, different modality.
    pub cov1: f64,
    /// Covariance: same modality, different reader.
    pub cov2: f64,
    /// Covariance: different modality, different reader.
    pub cov3: f64,
}

/// Mean figure of one modality over readers. The interval rests on this modality's data alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModalityMean {
    pub modality: String,
    pub interval: Interval,
    pub standard_error: f64,
    /// Degrees of freedom; `None` for the normal distribution.
    pub df: Option<f64>,
}

/// Difference of two modality means, first − second.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModalityDifference {
    pub first: String,
    pub second: String,
    pub interval: Interval,
    pub standard_error: f64,
    /// Degrees of freedom; `None` for the normal distribution.
    pub df: Option<f64>,
    /// Difference / standard error.
    pub t: Estimable<f64>,
    /// Two-sided.
    pub p: Estimable<f64>,
}

/// One reader in one modality.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReaderFigure {
    pub reader: String,
    pub modality: String,
    pub figure: f64,
    /// Over cases.
    pub standard_error: f64,
}

/// One reader's difference of two modalities, over cases, normal.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReaderDifference {
    pub reader: String,
    pub first: String,
    pub second: String,
    pub interval: Interval,
    pub standard_error: f64,
    pub z: Estimable<f64>,
    pub p: Estimable<f64>,
}

/// A multi-reader multi-case analysis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MrmcAnalysis {
    /// The figure of merit, in words.
    pub figure: &'static str,
    pub generalization: Generalization,
    pub modalities: usize,
    pub readers: usize,
    pub mean_squares: MeanSquares,
    pub components: VarianceComponents,
    /// Test that all modalities have the same mean.
    pub f: Estimable<f64>,
    pub numerator_df: f64,
    /// Hillis' degrees of freedom; `None` when infinite.
    pub denominator_df: Option<f64>,
    pub p: Estimable<f64>,
    pub modality_means: Vec<ModalityMean>,
    pub differences: Vec<ModalityDifference>,
    pub reader_figures: Vec<ReaderFigure>,
    pub reader_differences: Vec<ReaderDifference>,
    pub warnings: Vec<Warning>,
}

/// Two-sided p of t on df degrees of freedom, normal when `None`.
pub(super) fn two_sided(t: f64, df: Option<f64>) -> f64 {
    match df {
        Some(df) => t_two_sided(t, df),
        None => normal::two_sided(t),
    }
}

/// p of F; χ² when the denominator's degrees of freedom are infinite.
pub(super) fn f_p(f: f64, df1: f64, df2: Option<f64>) -> f64 {
    match df2 {
        Some(df2) => f_upper_tail(f, df1, df2),
        None => chi_square_upper_tail(df1 * f, df1),
    }
}

/// Estimate ± quantile · standard error.
pub(super) fn interval(
    estimate: f64,
    standard_error: f64,
    df: Option<f64>,
    level: Level,
    method: IntervalMethod,
) -> Interval {
    let quantile = match df {
        Some(df) => t_upper_quantile(level.alpha() / 2.0, df),
        None => level.z(),
    };
    Interval::symmetric(estimate, quantile * standard_error, level, method)
}
