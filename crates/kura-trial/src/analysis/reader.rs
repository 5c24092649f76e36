//! Each reader, alone and beside the model; readers by experience.

use std::collections::BTreeMap;

use kura_evaluation::error::EvaluationError;
use kura_evaluation::interval::{Interval, Level};
use kura_evaluation::margin::{Margin, PairedMethod, PairedOutcome, paired_outcomes};
use kura_evaluation::mrmc::{ModalityDifference, ModalityMean};
use kura_evaluation::proportion::difference::PairedCounts;
use kura_evaluation::roc::{
    AucComparison, AucEstimate, RocData, RocPoint, ScoredPair, compare_paired,
};
use kura_evaluation::table::{DiagnosticAccuracy, mcnemar};
use kura_evaluation::warning::Warning;
use serde::Serialize;

use super::figure::Figure;
use super::material::{Material, ReaderMaterial};
use super::stand_alone::{decided, scored};
use super::study::{Crossed, READERS, ai_arm, arm, generalization};
use super::{Computed, within_unit};
use crate::protocol::Protocol;
use crate::readings::Condition;

/// One reader in one condition.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReaderResult {
    pub reader: String,
    pub experience: String,
    pub condition: Condition,
    /// Where the reader decides, or a threshold for scores was fixed.
    pub accuracy: Option<DiagnosticAccuracy>,
    /// Where the reader gives scores.
    pub auc: Option<Computed<AucEstimate>>,
    /// Where the model answered.
    pub beside_ai: Option<BesideAi>,
}

/// The model at this reader's side. All differences are model − reader on the same cases.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BesideAi {
    /// At the model's operating point.
    pub sensitivity: Option<Computed<PairedComparison>>,
    pub specificity: Option<Computed<PairedComparison>>,
    /// The model cut so that its specificity is at least this reader's: sensitivities compared.
    pub at_readers_specificity: Option<Computed<MatchedPoint>>,
    /// The model cut so that its sensitivity is at least this reader's: specificities compared.
    pub at_readers_sensitivity: Option<Computed<MatchedPoint>>,
    /// Where the reader's point lies to the model's curve.
    pub standing: Option<Standing>,
    /// Where the reader gives scores.
    pub auc: Option<Computed<AucComparison>>,
}

/// Two proportions on the same cases.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairedComparison {
    pub ai: f64,
    pub reader: f64,
    /// Model − reader; Tango's interval, or Wald's between clusters where clusters repeat.
    pub difference: Interval,
    /// Two-sided: McNemar's χ² test, whose counterpart Tango's interval is, or the normal test
    /// between clusters.
    pub p: f64,
    /// McNemar's exact test, more cautious with few discordant pairs; `None` between clusters.
    pub p_exact: Option<f64>,
    pub warnings: Vec<Warning>,
}

/// The model at a threshold chosen on these same data to match a reader: descriptive, the interval
/// does not count the choice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MatchedPoint {
    /// `None`: above all answers.
    pub threshold: Option<f64>,
    pub ai_sensitivity: f64,
    pub ai_specificity: f64,
    /// Of the measure that was not matched.
    pub comparison: PairedComparison,
}

/// A reader's point (1 − specificity, sensitivity) and the model's empirical curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// The curve passes above the reader's point: some threshold is better in both.
    AiAbove,
    /// The reader's point lies on the curve.
    Level,
    /// The reader's point lies above the curve: no threshold reaches it.
    ReaderAbove,
}

/// Readers of one experience (or all, `None`) in one condition.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupResult {
    pub experience: Option<String>,
    pub condition: Condition,
    pub readers: usize,
    /// Mean over the readers for each figure they give.
    pub figures: BTreeMap<Figure, Computed<GroupFigure>>,
}

/// A mean over readers, and the model beside it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupFigure {
    pub mean: f64,
    /// Over readers and cases; `None` without the model's answers.
    pub interval: Option<Interval>,
    pub ai: Option<f64>,
    /// Model − mean of the readers, as in [`super::StudyComparison::AiAgainstReaders`].
    pub difference: Option<ModalityDifference>,
}

pub(super) fn readers(material: &Material<'_>, level: Level) -> Vec<ReaderResult> {
    let mut results = Vec::new();
    for reader in &material.readers {
        for (&condition, ratings) in &reader.ratings {
            let decisions = material.decisions(ratings);
            let accuracy = decisions.as_ref().and_then(|d| {
                DiagnosticAccuracy::from_decisions(&decided(material, d), level).ok()
            });
            let auc = material.scores.then(|| {
                Computed::of(
                    RocData::from_observations(&scored(material, ratings))
                        .and_then(|roc| roc.auc(level)),
                )
            });
            let beside_ai = material
                .answers
                .as_ref()
                .map(|answers| beside(material, ratings, decisions.as_deref(), answers, level));
            results.push(ReaderResult {
                reader: reader.reader.clone(),
                experience: reader.experience.clone(),
                condition,
                accuracy,
                auc,
                beside_ai,
            });
        }
    }
    results
}

fn beside(
    material: &Material<'_>,
    ratings: &[f64],
    decisions: Option<&[bool]>,
    answers: &[f64],
    level: Level,
) -> BesideAi {
    let at_operating = |positive: bool| {
        let (reader, ai) = (decisions?, material.ai_decisions()?);
        Some(Computed::of(compare(
            material, &ai, reader, positive, level,
        )))
    };
    let roc = RocData::from_observations(&scored(material, answers)).ok();
    let matched = |of_sensitivity: bool| {
        let roc = roc.as_ref()?;
        Some(Computed::of(match_reader(
            material,
            roc,
            decisions?,
            answers,
            of_sensitivity,
            level,
        )))
    };
    let pairs: Vec<ScoredPair> = (0..answers.len())
        .map(|i| ScoredPair {
            cluster: material.clusters[i],
            diseased: material.truth[i],
            first: answers[i],
            second: ratings[i],
        })
        .collect();
    BesideAi {
        sensitivity: at_operating(true),
        specificity: at_operating(false),
        at_readers_specificity: matched(false),
        at_readers_sensitivity: matched(true),
        standing: decisions
            .zip(roc.as_ref())
            .map(|(d, roc)| standing(&roc.curve(), rates(material, d))),
        auc: material
            .scores
            .then(|| Computed::of(compare_paired(&pairs, level))),
    }
}

/// Sensitivity (of positive cases) or specificity (of negative ones) of both on the same cases.
fn compare(
    material: &Material<'_>,
    ai: &[bool],
    reader: &[bool],
    positive: bool,
    level: Level,
) -> Result<PairedComparison, EvaluationError> {
    let outcomes: Vec<PairedOutcome> = (0..material.truth.len())
        .filter(|&i| material.truth[i] == positive)
        .map(|i| PairedOutcome {
            cluster: material.clusters[i],
            new: ai[i] == positive,
            reference: reader[i] == positive,
        })
        .collect();
    let share = |of: fn(&PairedOutcome) -> bool| {
        outcomes.iter().filter(|o| of(o)).count() as f64 / outcomes.len() as f64
    };
    // A margin of 0 asks for the interval alone.
    let margin = Margin::new(0.0, level.alpha() / 2.0)?;
    let test = paired_outcomes(&outcomes, PairedMethod::Tango, margin)?;
    let (p, p_exact) = if test.warnings.is_empty() {
        let new: Vec<bool> = outcomes.iter().map(|o| o.new).collect();
        let reference: Vec<bool> = outcomes.iter().map(|o| o.reference).collect();
        let test = mcnemar(PairedCounts::from_pairs(&new, &reference)?)?;
        // Without a discordant pair there is no difference at all.
        (test.p.value().copied().unwrap_or(1.0), Some(test.p_exact))
    } else {
        // Both sides of the one-sided test between clusters; no variance, no difference.
        let one_sided = test.p_superiority.value().copied().unwrap_or(0.5);
        (2.0 * one_sided.min(1.0 - one_sided), None)
    };
    Ok(PairedComparison {
        ai: share(|o| o.new),
        reader: share(|o| o.reference),
        difference: test.difference,
        p,
        p_exact,
        warnings: test.warnings,
    })
}

/// (sensitivity, specificity)
fn rates(material: &Material<'_>, decisions: &[bool]) -> (f64, f64) {
    let share = |class: bool| {
        let of = || (0..decisions.len()).filter(|&i| material.truth[i] == class);
        of().filter(|&i| decisions[i] == class).count() as f64 / of().count() as f64
    };
    (share(true), share(false))
}

fn match_reader(
    material: &Material<'_>,
    roc: &RocData,
    reader: &[bool],
    answers: &[f64],
    of_sensitivity: bool,
    level: Level,
) -> Result<MatchedPoint, EvaluationError> {
    let (sensitivity, specificity) = rates(material, reader);
    // A corner of the curve is at least as good as the reader in the matched measure, and the best
    // such in the other. The corner (0, 1) has no threshold among the answers.
    let curve = roc.curve();
    let corner = if of_sensitivity {
        curve.iter().find(|p| p.sensitivity >= sensitivity - SLACK)
    } else {
        curve
            .iter()
            .rev()
            .find(|p| p.specificity >= specificity - SLACK)
    };
    let corner = corner.ok_or(EvaluationError::NotEstimable {
        what: "matched operating point",
        reason: "no threshold reaches the reader",
    })?;
    let ai: Vec<bool> = answers
        .iter()
        .map(|a| corner.threshold.is_some_and(|t| *a >= t))
        .collect();
    Ok(MatchedPoint {
        threshold: corner.threshold,
        ai_sensitivity: corner.sensitivity,
        ai_specificity: corner.specificity,
        comparison: compare(material, &ai, reader, !of_sensitivity, level)?,
    })
}

/// Fractions such as 9/10 and 1 − 1/10 differ in the last bit.
const SLACK: f64 = 1e-12;

fn standing(curve: &[RocPoint], (sensitivity, specificity): (f64, f64)) -> Standing {
    // The height of the curve over the reader's 1 − specificity: the trapezoid there, its upper end
    // where the curve rises straight up.
    let x = 1.0 - specificity;
    let mut height = 0.0_f64;
    for pair in curve.windows(2) {
        let (a, b) = (
            (1.0 - pair[0].specificity, pair[0].sensitivity),
            (1.0 - pair[1].specificity, pair[1].sensitivity),
        );
        if a.0 - SLACK <= x && x <= b.0 + SLACK {
            let y = if b.0 - a.0 <= SLACK {
                b.1
            } else {
                a.1 + (b.1 - a.1) * ((x - a.0) / (b.0 - a.0)).clamp(0.0, 1.0)
            };
            height = height.max(y);
        }
    }
    if sensitivity < height - 1e-9 {
        Standing::AiAbove
    } else if sensitivity > height + 1e-9 {
        Standing::ReaderAbove
    } else {
        Standing::Level
    }
}

pub(super) fn groups(
    protocol: &Protocol,
    material: &Material<'_>,
    level: Level,
) -> Vec<GroupResult> {
    let mut names: Vec<Option<&str>> = Vec::new();
    for reader in &material.readers {
        if !names.contains(&Some(reader.experience.as_str())) {
            names.push(Some(&reader.experience));
        }
    }
    // One group is all readers.
    if names.len() != 1 && !names.is_empty() {
        names.push(None);
    }
    let mut results = Vec::new();
    for name in names {
        let readers: Vec<&ReaderMaterial> = material
            .readers
            .iter()
            .filter(|r| name.is_none_or(|name| r.experience == name))
            .collect();
        for &condition in &material.conditions {
            let figures = Figure::ALL
                .into_iter()
                .filter_map(|figure| {
                    let group = group(protocol, material, &readers, condition, figure, level)?;
                    Some((figure, Computed::of(group)))
                })
                .collect();
            results.push(GroupResult {
                experience: name.map(str::to_owned),
                condition,
                readers: readers.len(),
                figures,
            });
        }
    }
    results
}

fn group(
    protocol: &Protocol,
    material: &Material<'_>,
    readers: &[&ReaderMaterial],
    condition: Condition,
    figure: Figure,
    level: Level,
) -> Option<Result<GroupFigure, EvaluationError>> {
    let own = arm(material, figure, readers, READERS, condition)?;
    let names: Vec<String> = readers.iter().map(|r| r.reader.clone()).collect();
    let ai = ai_arm(material, figure, readers.len());
    let with_ai = ai.is_some();
    // Without the model the readers stand beside themselves: only their mean is taken from that.
    let other = match ai {
        Some(ai) => ai,
        None => arm(material, figure, readers, UNUSED, condition)?,
    };
    let study = Crossed::new(material, names, &[other, own]);
    let analysis = study.analyse(figure, generalization(protocol, readers.len()), level);
    Some(analysis.and_then(|analysis| {
        let means: Vec<&ModalityMean> = analysis.modality_means.iter().collect();
        let [first, second] = means[..] else {
            return Err(EvaluationError::NotEstimable {
                what: "mean of readers",
                reason: "the analysis has other than two conditions",
            });
        };
        Ok(GroupFigure {
            mean: second.interval.estimate,
            interval: Some(within_unit(second.interval)),
            ai: with_ai.then_some(first.interval.estimate),
            difference: analysis.differences.first().filter(|_| with_ai).cloned(),
        })
    }))
}

const UNUSED: &str = "readers again";
