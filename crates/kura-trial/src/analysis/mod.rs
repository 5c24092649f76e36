//! Everything the protocol asked for, and everything that deviated from it.

mod agreement;
mod figure;
mod hypothesis;
mod material;
mod material_check;
mod reader;
mod stand_alone;
mod study;

use std::collections::BTreeMap;

use kura_evaluation::interval::{Interval, Level};
use kura_model::ContentHash;
use serde::Serialize;

pub use agreement::Agreement;
pub use figure::Figure;
pub use hypothesis::HypothesisVerdict;
pub use reader::{BesideAi, GroupResult, MatchedPoint, PairedComparison, ReaderResult, Standing};
pub use stand_alone::{CalibrationResult, StandAlone, SubgroupSection};
pub use study::{LeftOut, StudyAnalysis, StudyComparison};

use crate::answers::Answers;
use crate::finding::{Finding, Refused, Severity};
use crate::locked::LockedCases;
use crate::protocol::{Protocol, Question};
use crate::readings::Readings;
use crate::sample_size::{SampleSize, sample_size};
use crate::words::Words;
use material::Material;

/// A figure, or the reason why these data do not give it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Computed<T> {
    Value(T),
    NotComputed { reason: String },
}

impl<T> Computed<T> {
    pub fn value(&self) -> Option<&T> {
        match self {
            Computed::Value(value) => Some(value),
            Computed::NotComputed { .. } => None,
        }
    }

    fn of<E: std::fmt::Display>(result: Result<T, E>) -> Self {
        match result {
            Ok(value) => Computed::Value(value),
            Err(error) => Computed::NotComputed {
                reason: error.to_string(),
            },
        }
    }
}

/// The cases that were analysed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CaseCounts {
    pub locked: usize,
    /// Left out because a reading or an answer was missing.
    pub left_out: usize,
    pub analysed: usize,
    pub positive: usize,
    pub negative: usize,
    /// Clusters (patients) among those analysed.
    pub clusters: usize,
    pub largest_cluster: usize,
    /// `None` without a column `site`.
    pub sites: Option<usize>,
}

/// The whole result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrialResult {
    pub protocol: Protocol,
    pub protocol_hash: ContentHash,
    pub case_set_hash: ContentHash,
    pub cases: CaseCounts,
    /// What deviated from the protocol, gravest first. Never empty silently: what is listed is
    /// shown in the report.
    pub findings: Vec<Finding>,
    pub sample_size: SampleSize,
    /// The answer to the hypothesis.
    pub verdict: HypothesisVerdict,
    /// Without answers of the model, `None`.
    pub stand_alone: Option<StandAlone>,
    pub readers: Vec<ReaderResult>,
    /// Readers by experience.
    pub groups: Vec<GroupResult>,
    /// The comparison of the question, for every figure the readings give; the endpoint first.
    pub studies: Vec<StudyAnalysis>,
    pub agreement: Vec<Agreement>,
    /// Those of the protocol; a caller may add what is known only afterwards (limitations …)
    /// before the report is written.
    pub statements: BTreeMap<String, Words>,
}

impl TrialResult {
    /// Whether the hypothesis was tested as it was fixed.
    pub fn is_confirmatory(&self) -> bool {
        self.verdict.confirmatory
    }
}

/// Checks the material against the protocol and analyses it.
///
/// `readings` may be `None` for stand-alone accuracy, `answers` for readers without against with
/// the model, where the model's own answers only add to the report.
///
/// # Errors
/// [`Refused`] with at least one finding of [`Severity::Fatal`].
pub fn analyse(
    protocol: &Protocol,
    locked: &LockedCases,
    readings: Option<&Readings>,
    answers: Option<&Answers>,
) -> Result<TrialResult, Refused> {
    let (material, mut findings) = Material::gather(protocol, locked, readings, answers);
    let fatal = |findings: &[Finding]| findings.iter().any(|f| f.severity() == Severity::Fatal);
    let Some(material) = material.filter(|_| !fatal(&findings)) else {
        sort(&mut findings);
        return Err(Refused { findings });
    };
    let size = sample_size(protocol, material.units());
    findings.extend(material_check::sizes(protocol, &material, &size));
    let level = level(protocol);
    let stand_alone = stand_alone::stand_alone(protocol, &material, level, &findings);
    let studies = study::studies(protocol, &material, level);
    sort(&mut findings);
    let confirmatory = findings.iter().all(|f| f.severity() < Severity::Breach);
    let verdict = hypothesis::verdict(
        protocol,
        stand_alone.as_ref(),
        studies.first(),
        confirmatory,
    );
    Ok(TrialResult {
        protocol: protocol.clone(),
        protocol_hash: protocol.hash(),
        case_set_hash: locked.hash,
        cases: material.counts(locked),
        sample_size: size,
        verdict,
        readers: reader::readers(&material, level),
        groups: reader::groups(protocol, &material, level),
        agreement: agreement::agreement(&material, level),
        stand_alone,
        studies,
        findings,
        statements: protocol.statements.clone(),
    })
}

fn sort(findings: &mut [Finding]) {
    findings.sort_by_key(|f| std::cmp::Reverse(f.severity()));
}

/// 1 − 2α.
fn level(protocol: &Protocol) -> Level {
    // A protocol made by hand may hold any alpha; one from a file was checked.
    Level::new(1.0 - 2.0 * protocol.hypothesis.alpha_one_sided).unwrap_or_default()
}

/// An interval of a fraction, cut to what a fraction can be.
pub(crate) fn within_unit(mut interval: Interval) -> Interval {
    interval.lower = interval.lower.clamp(0.0, 1.0);
    interval.upper = interval.upper.clamp(0.0, 1.0);
    interval
}

/// Whether the model is the new test of the comparison, and readers the reference.
fn ai_is_new(question: Question) -> bool {
    question != Question::ReadersWithoutAgainstWithAi
}
