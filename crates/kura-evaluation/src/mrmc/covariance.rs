//! Covariance of the readers' figures over cases.

use serde::Serialize;

use super::figure::{FigureOfMerit, FigureParts};
use super::study::ReaderStudy;
use crate::error::{EvaluationError, at_least};
use crate::random::Generator;

/// How the covariance over cases is estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CovarianceMethod {
    /// Leave one case out: (n−1)/n Σ (θ₍ₖ₎ − θ̄)(θ₍ₖ₎ − θ̄)ᵀ.
    Jackknife,
    /// DeLong, DeLong and Clarke-Pearson (1988); for U-statistics only.
    DeLong,
    /// Cases drawn with replacement within each truth class, the same cases for all readers.
    Bootstrap { replicates: usize, seed: u64 },
}

/// Covariance of figures θ[modality, reader]; row and column index modality · readers + reader.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CovarianceMatrix {
    pub modalities: usize,
    pub readers: usize,
    values: Vec<f64>,
}

/// Averages of the matrix by what two figures share (Obuchowski and Rockette 1995).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Averages {
    /// Same modality, same reader.
    pub var: f64,
    /// Different modality, same reader.
    pub cov1: f64,
    /// Same modality, different reader.
    pub cov2: f64,
    /// Different modality, different reader.
    pub cov3: f64,
}

impl CovarianceMatrix {
    /// From figures with each case left out in turn: `leave_one_out[k]` holds θ[modality, reader]
    /// without case k. For figures this crate does not know, e.g. from localisation.
    ///
    /// # Errors
    /// Fewer than two cases, or rows of another length than modalities · readers.
    pub fn jackknife(
        modalities: usize,
        readers: usize,
        leave_one_out: &[Vec<f64>],
    ) -> Result<Self, EvaluationError> {
        at_least("cases of the jackknife", leave_one_out.len(), 2)?;
        let n = leave_one_out.len() as f64;
        let scale = (n - 1.0) / n;
        Self::from_products(modalities, readers, leave_one_out, scale)
    }

    fn from_products(
        modalities: usize,
        readers: usize,
        rows: &[Vec<f64>],
        scale: f64,
    ) -> Result<Self, EvaluationError> {
        let cells = modalities * readers;
        let mut mean = vec![0.0; cells];
        for row in rows {
            crate::error::same_length("figures of one replicate", cells, row.len())?;
            for (m, v) in mean.iter_mut().zip(row) {
                *m += v / rows.len() as f64;
            }
        }
        let mut values = vec![0.0; cells * cells];
        for row in rows {
            for a in 0..cells {
                let x = row[a] - mean[a];
                for b in 0..cells {
                    values[a * cells + b] += x * (row[b] - mean[b]);
                }
            }
        }
        for v in &mut values {
            *v *= scale;
        }
        Ok(CovarianceMatrix {
            modalities,
            readers,
            values,
        })
    }

    pub(super) fn estimate(
        study: &ReaderStudy,
        figure: &dyn FigureOfMerit,
        method: CovarianceMethod,
    ) -> Result<Self, EvaluationError> {
        let (t, r) = (study.modalities.len(), study.readers.len());
        match method {
            CovarianceMethod::Jackknife => Self::jackknife(t, r, &leave_one_out(study, figure)?),
            CovarianceMethod::DeLong => {
                let parts: Option<Vec<FigureParts>> = study
                    .cells()
                    .map(|(i, j)| figure.parts(&study.truth, study.ratings(i, j)))
                    .collect();
                let parts = parts.ok_or(EvaluationError::NotEstimable {
                    what: "DeLong covariance",
                    reason: "the figure of merit is no two-sample U-statistic",
                })?;
                let mut values = vec![0.0; parts.len() * parts.len()];
                for (a, first) in parts.iter().enumerate() {
                    for (b, second) in parts.iter().enumerate() {
                        values[a * parts.len() + b] = class_covariance(
                            &first.diseased,
                            first.estimate,
                            &second.diseased,
                            second.estimate,
                        ) + class_covariance(
                            &first.healthy,
                            first.estimate,
                            &second.healthy,
                            second.estimate,
                        );
                    }
                }
                Ok(CovarianceMatrix {
                    modalities: t,
                    readers: r,
                    values,
                })
            }
            CovarianceMethod::Bootstrap { replicates, seed } => {
                at_least("bootstrap replicates", replicates, 100)?;
                let rows = bootstrap(study, figure, replicates, seed)?;
                Self::from_products(t, r, &rows, 1.0 / (rows.len() as f64 - 1.0))
            }
        }
    }

    /// Covariance of θ[i, j] and θ[i2, j2].
    pub fn get(&self, (i, j): (usize, usize), (i2, j2): (usize, usize)) -> f64 {
        let cells = self.modalities * self.readers;
        self.values[(i * self.readers + j) * cells + i2 * self.readers + j2]
    }

    pub(super) fn averages(&self) -> Averages {
        self.averages_where(|_, _| true)
    }

    /// Averages over pairs within one modality: var and cov2.
    pub(super) fn of_modality(&self, modality: usize) -> Averages {
        self.averages_where(|i, i2| i == modality && i2 == modality)
    }

    fn averages_where(&self, wanted: impl Fn(usize, usize) -> bool) -> Averages {
        let mut sum = [0.0; 4];
        let mut count = [0.0_f64; 4];
        for i in 0..self.modalities {
            for i2 in (0..self.modalities).filter(|&i2| wanted(i, i2)) {
                for j in 0..self.readers {
                    for j2 in 0..self.readers {
                        let kind = match (i == i2, j == j2) {
                            (true, true) => 0,
                            (false, true) => 1,
                            (true, false) => 2,
                            (false, false) => 3,
                        };
                        sum[kind] += self.get((i, j), (i2, j2));
                        count[kind] += 1.0;
                    }
                }
            }
        }
        // A kind that does not occur (one reader, one modality) has no covariance to add.
        let mean = |kind: usize| sum[kind] / count[kind].max(1.0);
        Averages {
            var: mean(0),
            cov1: mean(1),
            cov2: mean(2),
            cov3: mean(3),
        }
    }
}

/// Sample covariance of one class' components over its size; 0 for a class without components.
fn class_covariance(x: &[f64], mean_x: f64, y: &[f64], mean_y: f64) -> f64 {
    if x.is_empty() {
        return 0.0;
    }
    let n = x.len() as f64;
    let sum: f64 = x
        .iter()
        .zip(y)
        .map(|(x, y)| (x - mean_x) * (y - mean_y))
        .sum();
    sum / ((n - 1.0) * n)
}

/// Figures with each informative case left out: rows are cases, columns θ[modality, reader].
pub(super) fn leave_one_out(
    study: &ReaderStudy,
    figure: &dyn FigureOfMerit,
) -> Result<Vec<Vec<f64>>, EvaluationError> {
    let informative: Vec<usize> = (0..study.truth.len())
        .filter(|&k| figure.cases().holds(study.truth[k]))
        .collect();
    let cells = study.modalities.len() * study.readers.len();
    let mut rows = vec![vec![0.0; cells]; informative.len()];
    for (cell, (i, j)) in study.cells().enumerate() {
        let ratings = study.ratings(i, j);
        if let Some(parts) = figure.parts(&study.truth, ratings) {
            // Without one case, a U-statistic is the mean of the components that remain.
            let (mut diseased, mut healthy) = (0, 0);
            for (row, &k) in rows.iter_mut().zip(&informative) {
                let (list, place) = if study.truth[k] {
                    (&parts.diseased, &mut diseased)
                } else {
                    (&parts.healthy, &mut healthy)
                };
                let n = list.len() as f64;
                row[cell] = (n * parts.estimate - list[*place]) / (n - 1.0);
                *place += 1;
            }
        } else {
            let prepared = figure.prepare(&study.truth, ratings)?;
            let mut weights = vec![1.0; study.truth.len()];
            for (row, &k) in rows.iter_mut().zip(&informative) {
                weights[k] = 0.0;
                row[cell] = prepared.estimate(&weights).ok_or(UNDEFINED)?;
                weights[k] = 1.0;
            }
        }
    }
    Ok(rows)
}

fn bootstrap(
    study: &ReaderStudy,
    figure: &dyn FigureOfMerit,
    replicates: usize,
    seed: u64,
) -> Result<Vec<Vec<f64>>, EvaluationError> {
    let prepared = study
        .cells()
        .map(|(i, j)| figure.prepare(&study.truth, study.ratings(i, j)))
        .collect::<Result<Vec<_>, _>>()?;
    let class = |diseased: bool| -> Vec<usize> {
        (0..study.truth.len())
            .filter(|&k| study.truth[k] == diseased)
            .collect()
    };
    let classes = [class(true), class(false)];
    let mut generator = Generator::new(seed);
    let mut weights = vec![0.0; study.truth.len()];
    let mut rows = Vec::with_capacity(replicates);
    for _ in 0..replicates {
        weights.fill(0.0);
        for cases in &classes {
            for _ in 0..cases.len() {
                weights[cases[generator.below(cases.len())]] += 1.0;
            }
        }
        let row: Option<Vec<f64>> = prepared.iter().map(|p| p.estimate(&weights)).collect();
        rows.push(row.ok_or(UNDEFINED)?);
    }
    Ok(rows)
}

const UNDEFINED: EvaluationError = EvaluationError::NotEstimable {
    what: "figure of merit",
    reason: "it is undefined on a resampled set of cases",
};
