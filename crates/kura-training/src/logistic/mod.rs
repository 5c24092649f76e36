//! Logistic regression on standardised features.

mod dense;
mod fit;
mod preparation;
mod wide;

use serde::{Deserialize, Serialize};

use crate::error::TrainingError;
use crate::learner::Logistic;
use crate::table::Examples;
use fit::{Fit, Problem};
use preparation::{Column, prepare};

/// More columns than this (features and "was missing" columns) are refused: the matrix of second
/// derivatives is dense.
pub const MAXIMUM_COLUMNS: usize = 4096;

/// A fitted logistic regression. The log-odds of a row is `intercept` plus what each term adds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearModel {
    /// One per feature, in the order of the table.
    pub terms: Vec<Term>,
    /// The log-odds of a row whose features all have the training mean.
    pub intercept: f64,
    pub iterations: usize,
    /// False when the iterations ran out first, as they do without a penalty where the features
    /// separate the outcomes.
    pub converged: bool,
}

/// What one feature adds: `coefficient · (x − mean) / scale`, with `median` for a missing x.
///
/// The constants are single precision, so that an exported model subtracts the very same number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// Of the training rows that have the value.
    pub median: f32,
    /// Weighted, after filling.
    pub mean: f32,
    /// Standard deviation (divided by the sum of weights); 1 for a constant feature.
    pub scale: f32,
    /// Log-odds per standard deviation.
    pub coefficient: f64,
    /// What being missing adds, where the training rows told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<MissingTerm>,
}

/// `coefficient · (m − mean) / scale`, with m = 1 for a missing value, 0 for a present one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MissingTerm {
    pub mean: f32,
    pub scale: f32,
    pub coefficient: f64,
}

impl Term {
    /// What a value adds to the log-odds.
    pub fn contribution(&self, value: f32) -> f64 {
        let filled = if value.is_nan() { self.median } else { value };
        let own =
            self.coefficient * (f64::from(filled) - f64::from(self.mean)) / f64::from(self.scale);
        let missing = self.missing.map_or(0.0, |missing| {
            let indicator = if value.is_nan() { 1.0 } else { 0.0 };
            missing.coefficient * (indicator - f64::from(missing.mean)) / f64::from(missing.scale)
        });
        own + missing
    }
}

impl LinearModel {
    /// The log-odds of a row.
    pub fn margin(&self, row: &[f32]) -> f64 {
        let terms: f64 = self
            .terms
            .iter()
            .zip(row)
            .map(|(term, &value)| term.contribution(value))
            .sum();
        self.intercept + terms
    }
}

pub(crate) fn train(examples: &Examples, learner: &Logistic) -> Result<LinearModel, TrainingError> {
    let weight: Vec<f64> = (0..examples.matrix.rows)
        .map(|row| examples.weight(row))
        .collect();
    let prepared = prepare(&examples.matrix, &weight, learner.missing_indicator)?;
    let (l1, l2) = learner.penalties();
    let Fit {
        intercept,
        coefficients,
        iterations,
        converged,
    } = fit::fit(
        &Problem {
            columns: &prepared.values,
            rows: examples.matrix.rows,
            outcome: &examples.outcome,
            weight: &weight,
            l1,
            l2,
        },
        learner.max_iterations,
        learner.tolerance,
    );
    let mut terms: Vec<Term> = prepared
        .median
        .iter()
        .map(|&median| Term {
            median,
            mean: 0.0,
            scale: 1.0,
            coefficient: 0.0,
            missing: None,
        })
        .collect();
    for (standard, coefficient) in prepared.columns.iter().zip(coefficients) {
        let (mean, scale) = (standard.mean, standard.scale);
        match standard.column {
            Column::Value(feature) => {
                terms[feature].mean = mean;
                terms[feature].scale = scale;
                terms[feature].coefficient = coefficient;
            }
            Column::Missing(feature) => {
                terms[feature].missing = Some(MissingTerm {
                    mean,
                    scale,
                    coefficient,
                });
            }
        }
    }
    Ok(LinearModel {
        terms,
        intercept,
        iterations,
        converged,
    })
}
