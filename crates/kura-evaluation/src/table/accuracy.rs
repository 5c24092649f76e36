//! All measures of one test in one result.

use serde::Serialize;

use super::{RatioEstimate, TwoByTwo};
use crate::agreement::cohen::Kappa;
use crate::error::EvaluationError;
use crate::interval::{Estimable, Interval, Level};
use crate::observation::{Decision, Outcome};
use crate::proportion::Proportion;
use crate::warning::Warning;

/// What a report of diagnostic accuracy shows (STARD 2015, items 23 and 24). Predictive values
/// hold at the prevalence of the sample.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DiagnosticAccuracy {
    pub table: TwoByTwo,
    pub sensitivity: Estimable<Proportion>,
    pub specificity: Estimable<Proportion>,
    pub positive_predictive_value: Estimable<Proportion>,
    pub negative_predictive_value: Estimable<Proportion>,
    pub accuracy: Proportion,
    pub prevalence: Proportion,
    pub positive_likelihood_ratio: RatioEstimate,
    pub negative_likelihood_ratio: RatioEstimate,
    pub diagnostic_odds_ratio: RatioEstimate,
    pub youden: Estimable<Interval>,
    pub kappa: Estimable<Kappa>,
    pub matthews_correlation: Estimable<f64>,
    /// Warnings of the proportions, and of the ratios and κ, whose intervals count each
    /// observation as independent.
    pub warnings: Vec<Warning>,
}

impl DiagnosticAccuracy {
    /// The usual way in: decisions that know their patient.
    ///
    /// # Errors
    /// [`EvaluationError::EmptyGroup`] without decisions. A missing class is no error: what it
    /// leaves undefined says so.
    pub fn from_decisions(decisions: &[Decision], level: Level) -> Result<Self, EvaluationError> {
        let of = |quantity: &'static str,
                  group: &dyn Fn(&Decision) -> bool,
                  success: &dyn Fn(&Decision) -> bool| {
            let outcomes: Vec<Outcome> = decisions
                .iter()
                .filter(|d| group(d))
                .map(|d| Outcome {
                    cluster: d.cluster,
                    success: success(d),
                })
                .collect();
            Proportion::named(quantity, &outcomes, level)
        };
        let mut result = Self::from_table(TwoByTwo::from_decisions(decisions), level)?;
        let right = |d: &Decision| d.positive == d.diseased;
        result.sensitivity = estimable(
            of("sensitivity", &|d| d.diseased, &right),
            "no diseased case",
        );
        result.specificity = estimable(
            of("specificity", &|d| !d.diseased, &right),
            "no case free of the disease",
        );
        result.positive_predictive_value = estimable(
            of("positive predictive value", &|d| d.positive, &right),
            "no positive result",
        );
        result.negative_predictive_value = estimable(
            of("negative predictive value", &|d| !d.positive, &right),
            "no negative result",
        );
        result.accuracy = of("accuracy", &|_| true, &right)?;
        result.prevalence = of("prevalence", &|_| true, &|d| d.diseased)?;
        result.warnings = [
            result.sensitivity.value(),
            result.specificity.value(),
            result.positive_predictive_value.value(),
            result.negative_predictive_value.value(),
            Some(&result.accuracy),
            Some(&result.prevalence),
        ]
        .into_iter()
        .flatten()
        .flat_map(|p| p.warnings.clone())
        .collect();
        if let Some(Warning::ClusteredObservations {
            observations,
            clusters,
            largest_cluster,
            ..
        }) = result.accuracy.warnings.first()
        {
            result.warnings.push(Warning::ClusteredObservations {
                quantity: "likelihood ratios, odds ratio, Youden's index and kappa",
                observations: *observations,
                clusters: *clusters,
                largest_cluster: *largest_cluster,
                design_effect: None,
            });
        }
        Ok(result)
    }

    /// From counts, where the caller answers for the observations being independent.
    ///
    /// # Errors
    /// [`EvaluationError::EmptyGroup`] for an empty table.
    pub fn from_table(table: TwoByTwo, level: Level) -> Result<Self, EvaluationError> {
        Ok(DiagnosticAccuracy {
            accuracy: table.accuracy(level)?,
            prevalence: table.prevalence(level)?,
            sensitivity: estimable(table.sensitivity(level), "no diseased case"),
            specificity: estimable(table.specificity(level), "no case free of the disease"),
            positive_predictive_value: estimable(
                table.positive_predictive_value(level),
                "no positive result",
            ),
            negative_predictive_value: estimable(
                table.negative_predictive_value(level),
                "no negative result",
            ),
            positive_likelihood_ratio: table.positive_likelihood_ratio(level),
            negative_likelihood_ratio: table.negative_likelihood_ratio(level),
            diagnostic_odds_ratio: table.diagnostic_odds_ratio(level),
            youden: estimable(
                table.youden(level),
                "one of the two truth classes is absent",
            ),
            kappa: estimable(
                table.kappa(level),
                "test and reference used one category only",
            ),
            matthews_correlation: table.matthews_correlation(),
            warnings: Vec::new(),
            table,
        })
    }
}

fn estimable<T>(result: Result<T, EvaluationError>, reason: &'static str) -> Estimable<T> {
    match result {
        Ok(value) => Estimable::Estimate(value),
        Err(_) => Estimable::NotEstimable { reason },
    }
}
