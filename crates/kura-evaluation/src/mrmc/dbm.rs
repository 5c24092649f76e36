//! Dorfman, Berbaum and Metz: analysis of variance of jackknife pseudovalues.
//!
//! D. D. Dorfman, K. S. Berbaum and C. E. Metz, Invest. Radiol. 27 (1992) 723–731; with the less
//! data-driven denominator and degrees of freedom of S. L. Hillis, K. S. Berbaum and C. E. Metz,
//! Acad. Radiol. 15 (2008) 647–661. Pseudovalues are normalised (each reader's mean is the figure
//! itself), so that with readers random it equals Obuchowski–Rockette with the jackknife.

use super::analysis::{
    Generalization, MeanSquares, ModalityDifference, ModalityMean, MrmcAnalysis,
    VarianceComponents, f_p, interval, two_sided,
};
use super::covariance::{CovarianceMatrix, leave_one_out};
use super::figure::FigureOfMerit;
use super::obuchowski::{NO_VARIANCE, figures, finite_df, reader_differences, reader_figures};
use super::study::ReaderStudy;
use crate::error::{EvaluationError, at_least};
use crate::interval::{Estimable, IntervalMethod, Level};
use crate::warning::Warning;

const METHOD: IntervalMethod = IntervalMethod::DorfmanBerbaumMetz;

/// Analyses a study.
///
/// # Errors
/// As [`super::obuchowski_rockette`].
pub fn dorfman_berbaum_metz(
    study: &ReaderStudy,
    figure: &dyn FigureOfMerit,
    generalization: Generalization,
    level: Level,
) -> Result<MrmcAnalysis, EvaluationError> {
    let (t, r) = (study.modalities.len(), study.readers.len());
    at_least("modalities", t, 2)?;
    if generalization != Generalization::Cases {
        at_least("readers, where readers are random", r, 2)?;
    }
    let theta = figures(study, figure)?;
    let left_out = leave_one_out(study, figure)?;
    let covariance = CovarianceMatrix::jackknife(t, r, &left_out)?;
    let pseudo = Pseudovalues::new(&theta, &left_out, t, r);
    let squares = pseudo.anova();
    let (tf, rf, cf) = (t as f64, r as f64, pseudo.cases as f64);
    let mut warnings = Vec::new();
    if squares.modality_case < squares.residual {
        warnings.push(Warning::DegenerateVariance {
            quantity: "Dorfman–Berbaum–Metz variance components",
            reason: "the modality-by-case component is negative and taken as 0",
        });
    }
    let readers_part = squares.modality_reader;
    let readers_df = (tf - 1.0) * (rf - 1.0);
    let cases_part = (squares.modality_case - squares.residual).max(0.0);
    let (denominator, df) = match generalization {
        Generalization::ReadersAndCases => {
            let d = readers_part + cases_part;
            (d, finite_df(d, readers_part, readers_df))
        }
        Generalization::Cases => (squares.modality_case, Some((tf - 1.0) * (cf - 1.0))),
        Generalization::Readers => (readers_part, Some(readers_df)),
    };
    let f = Estimable::ratio(squares.modality, denominator, NO_VARIANCE);
    let difference_error = (2.0 / (rf * cf) * denominator).sqrt();
    let means: Vec<f64> = (0..t)
        .map(|i| theta[i * r..(i + 1) * r].iter().sum::<f64>() / rf)
        .collect();
    let mut differences = Vec::new();
    for first in 0..t {
        for second in first + 1..t {
            let estimate = means[first] - means[second];
            let ratio = Estimable::ratio(estimate, difference_error, NO_VARIANCE);
            differences.push(ModalityDifference {
                first: study.modalities[first].clone(),
                second: study.modalities[second].clone(),
                interval: interval(estimate, difference_error, df, level, METHOD),
                standard_error: difference_error,
                df,
                t: ratio,
                p: ratio.map(|t| two_sided(t, df)),
            });
        }
    }
    let averages = covariance.averages();
    Ok(MrmcAnalysis {
        figure: figure.name(),
        generalization,
        modalities: t,
        readers: r,
        mean_squares: MeanSquares {
            modality: squares.modality / cf,
            reader: (r > 1).then(|| squares.reader / cf),
            modality_reader: (r > 1).then(|| squares.modality_reader / cf),
        },
        components: VarianceComponents {
            reader: (r > 1).then(|| {
                (squares.reader - squares.modality_reader) / (cf * tf) - averages.cov1
                    + averages.cov3
            }),
            modality_reader: (r > 1).then(|| {
                squares.modality_reader / cf - averages.var
                    + averages.cov1
                    + (averages.cov2 - averages.cov3).max(0.0)
            }),
            error: averages.var,
            cov1: averages.cov1,
            cov2: averages.cov2,
            cov3: averages.cov3,
        },
        f,
        numerator_df: tf - 1.0,
        denominator_df: df,
        p: f.map(|f| f_p(f, tf - 1.0, df)),
        modality_means: (0..t)
            .map(|i| pseudo.single(i, &study.modalities[i], means[i], generalization, level))
            .collect(),
        differences,
        reader_figures: reader_figures(&study.modalities, &study.readers, &theta, &covariance),
        reader_differences: reader_differences(
            &study.modalities,
            &study.readers,
            &theta,
            &covariance,
            level,
        ),
        warnings,
    })
}

/// y[modality, reader, case], normalised.
struct Pseudovalues {
    t: usize,
    r: usize,
    cases: usize,
    values: Vec<f64>,
}

struct Anova {
    modality: f64,
    reader: f64,
    modality_reader: f64,
    modality_case: f64,
    residual: f64,
}

impl Pseudovalues {
    fn new(theta: &[f64], left_out: &[Vec<f64>], t: usize, r: usize) -> Self {
        let cases = left_out.len();
        let n = cases as f64;
        let mut values = Vec::with_capacity(t * r * cases);
        for (cell, &figure) in theta.iter().enumerate() {
            let raw: Vec<f64> = left_out
                .iter()
                .map(|row| n * figure - (n - 1.0) * row[cell])
                .collect();
            let shift = figure - raw.iter().sum::<f64>() / n;
            values.extend(raw.iter().map(|y| y + shift));
        }
        Pseudovalues {
            t,
            r,
            cases,
            values,
        }
    }

    fn get(&self, i: usize, j: usize, k: usize) -> f64 {
        self.values[(i * self.r + j) * self.cases + k]
    }

    /// Mean over the indices left open.
    fn mean(&self, i: Option<usize>, j: Option<usize>, k: Option<usize>) -> f64 {
        let range = |fixed: Option<usize>, n: usize| match fixed {
            Some(value) => value..value + 1,
            None => 0..n,
        };
        let (mut sum, mut count) = (0.0, 0.0);
        for i in range(i, self.t) {
            for j in range(j, self.r) {
                for k in range(k, self.cases) {
                    sum += self.get(i, j, k);
                    count += 1.0;
                }
            }
        }
        sum / count
    }

    /// Mean squares of the three-way layout with one observation per cell.
    fn anova(&self) -> Anova {
        let (t, r, c) = (self.t, self.r, self.cases);
        let (tf, rf, cf) = (t as f64, r as f64, c as f64);
        let grand = self.mean(None, None, None);
        let ti: Vec<f64> = (0..t).map(|i| self.mean(Some(i), None, None)).collect();
        let rj: Vec<f64> = (0..r).map(|j| self.mean(None, Some(j), None)).collect();
        let ck: Vec<f64> = (0..c).map(|k| self.mean(None, None, Some(k))).collect();
        let tr = |i, j| self.mean(Some(i), Some(j), None);
        let square = |x: f64| x * x;
        let tr: Vec<Vec<f64>> = (0..t).map(|i| (0..r).map(|j| tr(i, j)).collect()).collect();
        let tc: Vec<Vec<f64>> = (0..t)
            .map(|i| (0..c).map(|k| self.mean(Some(i), None, Some(k))).collect())
            .collect();
        let rc: Vec<Vec<f64>> = (0..r)
            .map(|j| (0..c).map(|k| self.mean(None, Some(j), Some(k))).collect())
            .collect();
        let mut interaction_tr = 0.0;
        let mut interaction_tc = 0.0;
        let mut rest = 0.0;
        for i in 0..t {
            for j in 0..r {
                interaction_tr += square(tr[i][j] - ti[i] - rj[j] + grand);
                for k in 0..c {
                    rest += square(
                        self.get(i, j, k) - tr[i][j] - tc[i][k] - rc[j][k] + ti[i] + rj[j] + ck[k]
                            - grand,
                    );
                }
            }
            for k in 0..c {
                interaction_tc += square(tc[i][k] - ti[i] - ck[k] + grand);
            }
        }
        let (dt, dr, dc) = (tf - 1.0, (rf - 1.0).max(1.0), cf - 1.0);
        Anova {
            modality: rf * cf * ti.iter().map(|m| square(m - grand)).sum::<f64>() / dt,
            reader: tf * cf * rj.iter().map(|m| square(m - grand)).sum::<f64>() / dr,
            modality_reader: cf * interaction_tr / (dt * dr),
            modality_case: rf * interaction_tc / (dt * dc),
            residual: rest / (dt * dr * dc),
        }
    }

    /// One modality from its own pseudovalues.
    fn single(
        &self,
        i: usize,
        name: &str,
        mean: f64,
        generalization: Generalization,
        level: Level,
    ) -> ModalityMean {
        let (r, c) = (self.r, self.cases);
        let (rf, cf) = (r as f64, c as f64);
        let by_reader: Vec<f64> = (0..r).map(|j| self.mean(Some(i), Some(j), None)).collect();
        let by_case: Vec<f64> = (0..c).map(|k| self.mean(Some(i), None, Some(k))).collect();
        let square = |x: f64| x * x;
        let (dr, dc) = ((rf - 1.0).max(1.0), cf - 1.0);
        let readers = cf * by_reader.iter().map(|m| square(m - mean)).sum::<f64>() / dr;
        let cases = rf * by_case.iter().map(|m| square(m - mean)).sum::<f64>() / dc;
        let mut rest = 0.0;
        for (j, by_reader) in by_reader.iter().enumerate() {
            for (k, by_case) in by_case.iter().enumerate() {
                rest += square(self.get(i, j, k) - by_reader - by_case + mean);
            }
        }
        let residual = rest / (dr * dc);
        let (variance, df) = match generalization {
            Generalization::ReadersAndCases => {
                let v = readers + (cases - residual).max(0.0);
                (v, finite_df(v, readers, rf - 1.0))
            }
            Generalization::Cases => (cases, Some(cf - 1.0)),
            Generalization::Readers => (readers, Some(rf - 1.0)),
        };
        let standard_error = (variance / (rf * cf)).sqrt();
        ModalityMean {
            modality: name.to_owned(),
            interval: interval(mean, standard_error, df, level, METHOD),
            standard_error,
            df,
        }
    }
}
