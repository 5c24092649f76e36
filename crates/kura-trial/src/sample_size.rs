//! How many cases the protocol's own assumptions ask for, and how many there are.

use kura_evaluation::error::EvaluationError;
use kura_evaluation::interval::Level;
use kura_evaluation::mrmc::VarianceComponents;
use kura_evaluation::sample_size::{
    AucCases, AucVariance, MrmcDesign, auc_against_value, auc_difference_paired,
    auc_non_inferiority_paired, mrmc_cases, paired_non_inferiority, paired_proportions,
};
use serde::Serialize;

use crate::protocol::{Assumptions, Endpoint, HypothesisKind, Protocol};

/// Numbers of independent units: clusters, which are cases where no cluster has two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Units {
    pub all: u64,
    pub positive: u64,
    pub negative: u64,
    pub readers: u64,
}

/// Needed beside present. A number of 0 in `needed` means that no such number was asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SampleSize {
    /// `None` without assumptions in the protocol.
    pub needed: Option<Units>,
    pub has: Units,
    /// False where a needed number is not reached, and where none was calculated.
    pub enough: bool,
    /// Source of the calculation.
    pub method: &'static str,
}

/// The calculation and the comparison.
pub fn sample_size(protocol: &Protocol, has: Units) -> SampleSize {
    // The assumptions were checked with the protocol; a protocol made by hand may still fail.
    let needed = protocol
        .assumptions
        .as_ref()
        .and_then(|assumptions| needed(protocol, assumptions).ok());
    SampleSize {
        needed: needed.map(|(units, _)| units),
        has,
        enough: needed.is_some_and(|(n, _)| {
            has.all >= n.all
                && has.positive >= n.positive
                && has.negative >= n.negative
                && has.readers >= n.readers
        }),
        method: needed.map_or("", |(_, method)| method),
    }
}

/// # Errors
/// Assumptions that no number of cases meets, or values out of range.
pub(crate) fn needed(
    protocol: &Protocol,
    assumptions: &Assumptions,
) -> Result<(Units, &'static str), EvaluationError> {
    let h = &protocol.hypothesis;
    let margin = match h.kind {
        HypothesisKind::Superiority => None,
        HypothesisKind::NonInferiority => h.margin,
    };
    let (alpha, power) = (h.alpha_one_sided, h.power);
    let goal = h.goal.unwrap_or_default() - margin.unwrap_or_default();
    const VARIANCE: AucVariance = AucVariance::ObuchowskiBinormal;
    Ok(match *assumptions {
        Assumptions::AucAgainstGoal {
            expected,
            negatives_per_positive,
        } => (
            both(auc_against_value(
                expected,
                goal,
                negatives_per_positive,
                VARIANCE,
                2.0 * alpha,
                power,
            )?),
            "Obuchowski, Lieber and Wians 2004",
        ),
        Assumptions::ProportionAgainstGoal { expected } => (
            of_endpoint(
                protocol.endpoint,
                one_proportion(expected, goal, alpha, power)?,
            ),
            "Fleiss, Levin and Paik 2003",
        ),
        Assumptions::PairedAuc {
            expected_ai,
            expected_reader,
            correlation,
            negatives_per_positive,
        } => {
            let areas = [expected_ai, expected_reader];
            let ratio = negatives_per_positive;
            better(expected_ai - expected_reader, margin)?;
            let cases = match margin {
                None => {
                    auc_difference_paired(areas, correlation, ratio, VARIANCE, 2.0 * alpha, power)?
                }
                Some(margin) => auc_non_inferiority_paired(
                    areas,
                    margin,
                    correlation,
                    ratio,
                    VARIANCE,
                    alpha,
                    power,
                )?,
            };
            (both(cases), "Obuchowski, Lieber and Wians 2004")
        }
        Assumptions::PairedProportions {
            ai_only,
            reader_only,
        } => match better(ai_only - reader_only, margin)? {
            None => (
                of_endpoint(
                    protocol.endpoint,
                    paired_proportions(ai_only, reader_only, 2.0 * alpha, power)?,
                ),
                "Connor 1987",
            ),
            Some(margin) => (
                of_endpoint(
                    protocol.endpoint,
                    paired_non_inferiority(ai_only, reader_only, margin, alpha, power)?,
                ),
                "Lu and Bean 1995",
            ),
        },
        Assumptions::ReaderStudy {
            expected_difference,
            readers,
            pilot,
        } => {
            let design = MrmcDesign {
                components: VarianceComponents {
                    reader: None,
                    modality_reader: Some(pilot.modality_reader),
                    error: pilot.error,
                    cov1: pilot.cov1,
                    cov2: pilot.cov2,
                    cov3: pilot.cov3,
                },
                pilot_cases: pilot.cases,
                // Non-inferiority is superiority over reference − margin.
                difference: expected_difference + margin.unwrap_or_default(),
                alpha: 2.0 * alpha,
                generalization: h.extends_to.generalization(),
            };
            better(expected_difference, margin)?;
            (
                Units {
                    all: mrmc_cases(&design, readers, power)?.cases,
                    readers,
                    ..Units::default()
                },
                "Hillis, Obuchowski and Berbaum 2011",
            )
        }
    })
}

/// The formulas find a difference of either sign; only a gain answers the hypothesis.
fn better(difference: f64, margin: Option<f64>) -> Result<Option<f64>, EvaluationError> {
    let distance = difference + margin.unwrap_or_default();
    if distance > 0.0 {
        Ok(margin)
    } else {
        Err(EvaluationError::OutOfRange {
            what: "the expected difference, with the margin",
            value: distance,
            allowed: "above 0",
        })
    }
}

fn both(cases: AucCases) -> Units {
    Units {
        all: cases.diseased + cases.healthy,
        positive: cases.diseased,
        negative: cases.healthy,
        readers: 0,
    }
}

/// The cases that the endpoint counts.
fn of_endpoint(endpoint: Endpoint, cases: u64) -> Units {
    let mut units = Units::default();
    match endpoint {
        Endpoint::Sensitivity => units.positive = cases,
        Endpoint::Specificity => units.negative = cases,
        Endpoint::Auc | Endpoint::Accuracy => units.all = cases,
    }
    units
}

/// Cases to tell a proportion from a fixed value by the one-sided score test: J. L. Fleiss, B. Levin
/// and M. C. Paik, Statistical Methods for Rates and Proportions (2003), §2.6:
/// n = ((z₁₋α √(p₀q₀) + z₁₋β √(p₁q₁)) / (p₁ − p₀))².
fn one_proportion(
    expected: f64,
    value: f64,
    alpha_one_sided: f64,
    power: f64,
) -> Result<u64, EvaluationError> {
    let z_alpha = Level::new(1.0 - 2.0 * alpha_one_sided)?.z();
    let z_beta = Level::new(2.0 * power - 1.0)?.z();
    for (what, p) in [("expected", expected), ("goal less the margin", value)] {
        if !(p > 0.0 && p < 1.0) {
            return Err(EvaluationError::OutOfRange {
                what,
                value: p,
                allowed: "between 0 and 1, both excluded",
            });
        }
    }
    let root =
        z_alpha * (value * (1.0 - value)).sqrt() + z_beta * (expected * (1.0 - expected)).sqrt();
    // What comes out as 107.0000000001 by rounding is 107.
    Ok(((root / (expected - value)).powi(2) - 1e-9).ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand from the formula with z.975 = 1.959964 and z.8 = 0.841621: p0 .7, p1 .8 gives
    /// (1.959964·.458258 + .841621·.4)²/.01 = 152.48; p0 .9, p1 .95, power .9 gives
    /// (1.959964·.3 + 1.281552·.217945)²/.0025 = 300.88.
    #[test]
    fn one_proportion_by_hand() {
        assert_eq!(one_proportion(0.8, 0.7, 0.025, 0.8), Ok(153));
        assert_eq!(one_proportion(0.95, 0.9, 0.025, 0.9), Ok(301));
        assert!(one_proportion(1.0, 0.7, 0.025, 0.8).is_err());
    }
}
