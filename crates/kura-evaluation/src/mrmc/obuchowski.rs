//! Obuchowski and Rockette's analysis with Hillis' degrees of freedom.
//!
//! N. A. Obuchowski and H. E. Rockette, Commun. Stat. Simul. Comput. 24 (1995) 285–308;
//! S. L. Hillis, Stat. Med. 26 (2007) 596–619 (degrees of freedom ddf_H);
//! S. L. Hillis, Stat. Med. 33 (2014) 330–360 (fixed readers, fixed cases, single modalities).

use super::analysis::{
    Generalization, MeanSquares, ModalityDifference, ModalityMean, MrmcAnalysis, ReaderDifference,
    ReaderFigure, VarianceComponents, f_p, interval, two_sided,
};
use super::covariance::{CovarianceMatrix, CovarianceMethod};
use super::figure::FigureOfMerit;
use super::study::ReaderStudy;
use crate::error::{EvaluationError, at_least, finite, same_length};
use crate::interval::{Estimable, IntervalMethod, Level};
use crate::warning::Warning;

/// Analyses a study.
///
/// # Errors
/// Fewer than two modalities; one reader where readers are random; a figure or covariance that the
/// data do not give.
pub fn obuchowski_rockette(
    study: &ReaderStudy,
    figure: &dyn FigureOfMerit,
    method: CovarianceMethod,
    generalization: Generalization,
    level: Level,
) -> Result<MrmcAnalysis, EvaluationError> {
    let theta = figures(study, figure)?;
    let covariance = CovarianceMatrix::estimate(study, figure, method)?;
    analyse_figures(
        figure.name(),
        &study.modalities,
        &study.readers,
        &theta,
        &covariance,
        generalization,
        level,
    )
}

/// θ[modality, reader] of a study, the reader fastest.
pub(super) fn figures(
    study: &ReaderStudy,
    figure: &dyn FigureOfMerit,
) -> Result<Vec<f64>, EvaluationError> {
    let ones = vec![1.0; study.truth.len()];
    study
        .cells()
        .map(|(i, j)| {
            figure
                .prepare(&study.truth, study.ratings(i, j))?
                .estimate(&ones)
                .ok_or(EvaluationError::NotEstimable {
                    what: "figure of merit",
                    reason: "it is undefined for one reader and modality",
                })
        })
        .collect()
}

/// Analyses figures computed elsewhere: `theta[modality · readers + reader]` and their covariance
/// over cases.
///
/// # Errors
/// As [`obuchowski_rockette`].
pub fn analyse_figures(
    figure: &'static str,
    modalities: &[String],
    readers: &[String],
    theta: &[f64],
    covariance: &CovarianceMatrix,
    generalization: Generalization,
    level: Level,
) -> Result<MrmcAnalysis, EvaluationError> {
    let (t, r) = (modalities.len(), readers.len());
    at_least("modalities", t, 2)?;
    if generalization != Generalization::Cases {
        at_least("readers, where readers are random", r, 2)?;
    }
    same_length("figures", t * r, theta.len())?;
    same_length(
        "covariance matrix",
        t * r,
        covariance.modalities * covariance.readers,
    )?;
    finite("figure of merit", theta)?;
    let squares = mean_squares(theta, t, r);
    let averages = covariance.averages();
    let (tf, rf) = (t as f64, r as f64);
    let mut warnings = Vec::new();
    if averages.cov2 < averages.cov3 {
        warnings.push(Warning::DegenerateVariance {
            quantity: "Obuchowski–Rockette covariances",
            reason: "Cov2 is below Cov3; their difference is taken as 0, as the model demands",
        });
    }
    let constrained = (averages.cov2 - averages.cov3).max(0.0);
    let residual = squares.modality_reader.unwrap_or(0.0);
    let residual_df = (tf - 1.0) * (rf - 1.0);
    // Denominator of F, and its degrees of freedom (Hillis 2007 and 2014).
    let (denominator, df) = match generalization {
        Generalization::ReadersAndCases => {
            let d = residual + rf * constrained;
            (d, finite_df(d, residual, residual_df))
        }
        Generalization::Cases => (
            averages.var - averages.cov1 + (rf - 1.0) * constrained,
            None,
        ),
        Generalization::Readers => (residual, Some(residual_df)),
    };
    let f = Estimable::ratio(squares.modality, denominator.max(0.0), NO_VARIANCE);
    let means: Vec<f64> = (0..t)
        .map(|i| theta[i * r..(i + 1) * r].iter().sum::<f64>() / rf)
        .collect();
    let difference_error = (2.0 / rf * denominator.max(0.0)).sqrt();
    let mut differences = Vec::new();
    for first in 0..t {
        for second in first + 1..t {
            let estimate = means[first] - means[second];
            let ratio = Estimable::ratio(estimate, difference_error, NO_VARIANCE);
            differences.push(ModalityDifference {
                first: modalities[first].clone(),
                second: modalities[second].clone(),
                interval: interval(estimate, difference_error, df, level, METHOD),
                standard_error: difference_error,
                df,
                t: ratio,
                p: ratio.map(|t| two_sided(t, df)),
            });
        }
    }
    let modality_means = (0..t)
        .map(|i| {
            let values = &theta[i * r..(i + 1) * r];
            single(&modalities[i], values, covariance, i, generalization, level)
        })
        .collect();
    Ok(MrmcAnalysis {
        figure,
        generalization,
        modalities: t,
        readers: r,
        mean_squares: squares,
        components: VarianceComponents {
            // Method of moments (Hillis 2014).
            reader: squares
                .reader
                .map(|reader| (reader - residual) / tf - averages.cov1 + averages.cov3),
            modality_reader: squares
                .modality_reader
                .map(|residual| residual - averages.var + averages.cov1 + constrained),
            error: averages.var,
            cov1: averages.cov1,
            cov2: averages.cov2,
            cov3: averages.cov3,
        },
        f,
        numerator_df: tf - 1.0,
        denominator_df: df,
        p: f.map(|f| f_p(f, tf - 1.0, df)),
        modality_means,
        differences,
        reader_figures: reader_figures(modalities, readers, theta, covariance),
        reader_differences: reader_differences(modalities, readers, theta, covariance, level),
        warnings,
    })
}

const METHOD: IntervalMethod = IntervalMethod::ObuchowskiRockette;
pub(super) const NO_VARIANCE: &str = "the estimated variance is 0";

/// d²/(m²/df), Satterthwaite with the reader part m alone; `None` (infinite) when m is 0.
pub(super) fn finite_df(denominator: f64, reader_part: f64, reader_df: f64) -> Option<f64> {
    (reader_part > 0.0).then(|| denominator * denominator * reader_df / (reader_part * reader_part))
}

fn mean_squares(theta: &[f64], t: usize, r: usize) -> MeanSquares {
    let (tf, rf) = (t as f64, r as f64);
    let grand = theta.iter().sum::<f64>() / (tf * rf);
    let by_modality: Vec<f64> = (0..t)
        .map(|i| theta[i * r..(i + 1) * r].iter().sum::<f64>() / rf)
        .collect();
    let by_reader: Vec<f64> = (0..r)
        .map(|j| (0..t).map(|i| theta[i * r + j]).sum::<f64>() / tf)
        .collect();
    let squares = |means: &[f64]| means.iter().map(|m| (m - grand).powi(2)).sum::<f64>();
    let mut residual = 0.0;
    for i in 0..t {
        for j in 0..r {
            residual += (theta[i * r + j] - by_modality[i] - by_reader[j] + grand).powi(2);
        }
    }
    MeanSquares {
        modality: rf / (tf - 1.0) * squares(&by_modality),
        reader: (r > 1).then(|| tf / (rf - 1.0) * squares(&by_reader)),
        modality_reader: (r > 1).then(|| residual / ((tf - 1.0) * (rf - 1.0))),
    }
}

/// One modality from its own data (Hillis 2014).
fn single(
    name: &str,
    values: &[f64],
    covariance: &CovarianceMatrix,
    modality: usize,
    generalization: Generalization,
    level: Level,
) -> ModalityMean {
    let r = values.len() as f64;
    let mean = values.iter().sum::<f64>() / r;
    let own = covariance.of_modality(modality);
    let readers = if values.len() > 1 {
        values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (r - 1.0)
    } else {
        0.0
    };
    let cov2 = own.cov2.max(0.0);
    let (variance, df) = match generalization {
        Generalization::ReadersAndCases => {
            let v = readers + r * cov2;
            (v, finite_df(v, readers, r - 1.0))
        }
        Generalization::Cases => (own.var + (r - 1.0) * cov2, None),
        Generalization::Readers => (readers, Some(r - 1.0)),
    };
    let standard_error = (variance / r).max(0.0).sqrt();
    ModalityMean {
        modality: name.to_owned(),
        interval: interval(mean, standard_error, df, level, METHOD),
        standard_error,
        df,
    }
}

pub(super) fn reader_figures(
    modalities: &[String],
    readers: &[String],
    theta: &[f64],
    covariance: &CovarianceMatrix,
) -> Vec<ReaderFigure> {
    let mut result = Vec::new();
    for (j, reader) in readers.iter().enumerate() {
        for (i, modality) in modalities.iter().enumerate() {
            result.push(ReaderFigure {
                reader: reader.clone(),
                modality: modality.clone(),
                figure: theta[i * readers.len() + j],
                standard_error: covariance.get((i, j), (i, j)).max(0.0).sqrt(),
            });
        }
    }
    result
}

pub(super) fn reader_differences(
    modalities: &[String],
    readers: &[String],
    theta: &[f64],
    covariance: &CovarianceMatrix,
    level: Level,
) -> Vec<ReaderDifference> {
    let mut result = Vec::new();
    for (j, reader) in readers.iter().enumerate() {
        for a in 0..modalities.len() {
            for b in a + 1..modalities.len() {
                let estimate = theta[a * readers.len() + j] - theta[b * readers.len() + j];
                let variance = covariance.get((a, j), (a, j)) + covariance.get((b, j), (b, j))
                    - 2.0 * covariance.get((a, j), (b, j));
                let standard_error = variance.max(0.0).sqrt();
                let z = Estimable::ratio(estimate, standard_error, NO_VARIANCE);
                result.push(ReaderDifference {
                    reader: reader.clone(),
                    first: modalities[a].clone(),
                    second: modalities[b].clone(),
                    interval: interval(estimate, standard_error, None, level, METHOD),
                    standard_error,
                    z,
                    p: z.map(|z| two_sided(z, None)),
                });
            }
        }
    }
    result
}
