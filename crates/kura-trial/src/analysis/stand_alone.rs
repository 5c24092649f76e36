//! The model alone against the reference standard.

use kura_evaluation::calibration::{
    Binning, Brier, Recalibration, Reliability, brier, recalibration, reliability,
};
use kura_evaluation::interval::Level;
use kura_evaluation::observation::{Decision, Scored};
use kura_evaluation::proportion::Proportion;
use kura_evaluation::roc::{AucEstimate, OperatingPoint, RocData, RocPoint};
use kura_evaluation::subgroup::{
    Measure, SubgroupPlan, SubgroupReport, Subgrouped, auc_by_subgroup, proportion_by_subgroup,
};
use serde::Serialize;

use super::Computed;
use super::material::Material;
use crate::finding::Finding;
use crate::protocol::Protocol;

/// The model alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StandAlone {
    pub auc: Computed<AucEstimate>,
    pub curve: Vec<RocPoint>,
    /// At each threshold fixed before; the first is the operating point.
    pub operating_points: Vec<OperatingPoint>,
    pub calibration: Computed<CalibrationResult>,
    pub subgroups: Vec<SubgroupSection>,
}

/// Do the probabilities mean what they say? Intervals count each case as independent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CalibrationResult {
    pub brier: Brier,
    pub reliability: Reliability,
    /// Not computed where an answer is exactly 0 or 1, or answers part the classes perfectly.
    pub recalibration: Computed<Recalibration>,
    /// True where clusters repeat, so that the intervals are too narrow.
    pub clustered: bool,
}

/// One column of the case file, value by value. Sensitivity and specificity are those of the
/// operating point.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SubgroupSection {
    pub column: String,
    pub auc: Computed<SubgroupReport<AucEstimate>>,
    /// Without a threshold, `None`.
    pub sensitivity: Option<Computed<SubgroupReport<Proportion>>>,
    pub specificity: Option<Computed<SubgroupReport<Proportion>>>,
}

/// Reliability diagrams of small trials become empty with more.
const BINS: usize = 5;

pub(super) fn stand_alone(
    protocol: &Protocol,
    material: &Material<'_>,
    level: Level,
    findings: &[Finding],
) -> Option<StandAlone> {
    let answers = material.answers.as_ref()?;
    let scored = scored(material, answers);
    // Both classes are present and answers are finite: this has been checked.
    let roc = RocData::from_observations(&scored).ok()?;
    let operating_points = protocol
        .thresholds
        .ai
        .iter()
        .filter_map(|t| roc.at_threshold(*t, level).ok())
        .collect();
    let subgroups = protocol
        .subgroups
        .columns
        .iter()
        .filter(|column| {
            // Named as a finding already.
            !findings.contains(&Finding::SubgroupColumnMissing {
                column: (*column).clone(),
            })
        })
        .map(|column| subgroup(protocol, material, &scored, column, level))
        .collect();
    Some(StandAlone {
        auc: Computed::of(roc.auc(level)),
        curve: roc.curve(),
        operating_points,
        calibration: Computed::of(calibration(material, answers, level)),
        subgroups,
    })
}

pub(super) fn scored(material: &Material<'_>, scores: &[f64]) -> Vec<Scored> {
    let parts = material.clusters.iter().zip(&material.truth).zip(scores);
    parts
        .map(|((&cluster, &diseased), &score)| Scored {
            cluster,
            diseased,
            score,
        })
        .collect()
}

pub(super) fn decided(material: &Material<'_>, decisions: &[bool]) -> Vec<Decision> {
    let parts = material.clusters.iter().zip(&material.truth).zip(decisions);
    parts
        .map(|((&cluster, &diseased), &positive)| Decision {
            cluster,
            diseased,
            positive,
        })
        .collect()
}

fn calibration(
    material: &Material<'_>,
    answers: &[f64],
    level: Level,
) -> Result<CalibrationResult, kura_evaluation::error::EvaluationError> {
    let binning = Binning::EqualCount(BINS);
    Ok(CalibrationResult {
        brier: brier(&material.truth, answers, binning, level)?,
        reliability: reliability(&material.truth, answers, binning, level)?,
        recalibration: Computed::of(recalibration(&material.truth, answers, level)),
        clustered: material.is_clustered(),
    })
}

fn subgroup(
    protocol: &Protocol,
    material: &Material<'_>,
    scored: &[Scored],
    column: &str,
    level: Level,
) -> SubgroupSection {
    let plan = SubgroupPlan {
        smallest: protocol.subgroups.smallest,
        multiplicity: protocol.subgroups.multiplicity.multiplicity(),
        level,
    };
    let names: Vec<String> = material
        .cases
        .iter()
        .map(|c| c.columns.get(column).cloned().unwrap_or_default())
        .collect();
    let by_score: Vec<Subgrouped<Scored>> = names
        .iter()
        .zip(scored)
        .map(|(name, &observation)| Subgrouped {
            subgroup: name.clone(),
            observation,
        })
        .collect();
    let measure = |measure: Measure| {
        let decisions = decided(material, &material.ai_decisions()?);
        let observations: Vec<_> = names
            .iter()
            .zip(&decisions)
            .filter_map(|(name, decision)| {
                Some(Subgrouped {
                    subgroup: name.clone(),
                    observation: measure.outcome(decision)?,
                })
            })
            .collect();
        Some(Computed::of(proportion_by_subgroup(&observations, plan)))
    };
    SubgroupSection {
        column: column.to_owned(),
        auc: Computed::of(auc_by_subgroup(&by_score, plan)),
        sensitivity: measure(Measure::Sensitivity),
        specificity: measure(Measure::Specificity),
    }
}
