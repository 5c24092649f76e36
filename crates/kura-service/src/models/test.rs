//! The locked test: the version is asked for the cases nobody trained on, and judged.
//!
//! Every opening of a locked test set is counted, before it is opened: who looks often enough
//! finds a version that happens to fit.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kura_evaluation::bootstrap::cluster_bootstrap;
use kura_evaluation::calibration::{Binning, brier, recalibration};
use kura_evaluation::interval::{Interval, Level};
use kura_evaluation::observation::{ClusterId, Decision, Scored};
use kura_evaluation::roc::RocData;
use kura_evaluation::table::DiagnosticAccuracy;
use kura_model::{ContentHash, Error, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, Commit, Put, Write};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::asked::Asked;
use super::examples::{self, Prepared};
use super::file::{LockedTest, ModelFile};
use super::plan::{ChangePlan, Measure};
use super::registry::{self, Change, Model, Which};
use super::state::State;
use crate::access::{Action, authorize};
use crate::{Bank, kind};

/// A number with its interval.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Estimate {
    pub value: f64,
    pub lower: f64,
    pub upper: f64,
}

impl From<Interval> for Estimate {
    fn from(interval: Interval) -> Self {
        Self {
            value: interval.estimate,
            lower: interval.lower,
            upper: interval.upper,
        }
    }
}

/// What a test found. Kept as evidence, by its hash.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TestReport {
    pub model: String,
    pub version: u32,
    pub onnx: ContentHash,
    pub threshold: f64,
    pub test: LockedTest,
    /// How often this test set had been opened, this time included.
    pub look: u32,
    /// 95 % intervals; clustered by patient where a patient has several cases. A measure that
    /// cannot be estimated is not there.
    pub measures: BTreeMap<Measure, Estimate>,
    /// True positives, false positives, false negatives, true negatives.
    pub table: [u64; 4],
    /// Why an interval is wider than it looks, what could not be estimated.
    pub remarks: Vec<String>,
    pub at: String,
}

/// The answers of one version on the test cases.
pub(crate) struct Answers {
    pub(crate) outcome: Vec<bool>,
    pub(crate) patient: Vec<ClusterId>,
    pub(crate) probability: Vec<f64>,
}

impl Answers {
    pub(crate) fn select(&self, rows: &[usize]) -> Self {
        Self {
            outcome: rows.iter().map(|row| self.outcome[*row]).collect(),
            patient: rows.iter().map(|row| self.patient[*row]).collect(),
            probability: rows.iter().map(|row| self.probability[*row]).collect(),
        }
    }

    pub(crate) fn patients(&self) -> u64 {
        self.patient.iter().collect::<BTreeSet<_>>().len() as u64
    }
}

/// What was measured of some answers.
pub(crate) struct Measured {
    pub(crate) measures: BTreeMap<Measure, Estimate>,
    pub(crate) table: [u64; 4],
    pub(crate) remarks: Vec<String>,
}

/// What can be measured, with remarks on the rest.
pub(crate) fn measure(answers: &Answers, threshold: f64) -> Result<Measured> {
    let level = Level::NINETY_FIVE;
    let mut out = BTreeMap::new();
    let mut remarks = Vec::new();
    let decisions: Vec<Decision> = (0..answers.outcome.len())
        .map(|at| Decision {
            cluster: answers.patient[at],
            diseased: answers.outcome[at],
            positive: answers.probability[at] >= threshold,
        })
        .collect();
    let count = |diseased: bool, positive: bool| {
        decisions
            .iter()
            .filter(|one| one.diseased == diseased && one.positive == positive)
            .count() as u64
    };
    let table = [
        count(true, true),
        count(false, true),
        count(true, false),
        count(false, false),
    ];
    let accuracy = DiagnosticAccuracy::from_decisions(&decisions, level)
        .map_err(|error| Error::invalid(error.to_string()))?;
    remarks.extend(accuracy.warnings.iter().map(ToString::to_string));
    for (measure, found) in [
        (Measure::Sensitivity, &accuracy.sensitivity),
        (Measure::Specificity, &accuracy.specificity),
        (Measure::Ppv, &accuracy.positive_predictive_value),
        (Measure::Npv, &accuracy.negative_predictive_value),
    ] {
        match (found.value(), found.reason()) {
            (Some(proportion), _) => {
                out.insert(measure, proportion.interval().into());
            }
            (None, reason) => remarks.push(format!(
                "{}: {}",
                measure.as_str(),
                reason.unwrap_or_default()
            )),
        }
    }
    let scored: Vec<Scored> = (0..answers.outcome.len())
        .map(|at| Scored {
            cluster: answers.patient[at],
            diseased: answers.outcome[at],
            score: answers.probability[at],
        })
        .collect();
    match RocData::from_observations(&scored).and_then(|data| data.auc(level)) {
        Ok(auc) => {
            remarks.extend(auc.warnings.iter().map(ToString::to_string));
            out.insert(Measure::Auc, auc.interval().into());
        }
        Err(error) => remarks.push(format!("auc: {error}")),
    }
    match brier(
        &answers.outcome,
        &answers.probability,
        Binning::EqualCount(10),
        level,
    ) {
        Ok(found) => {
            let plain = found.score.into();
            out.insert(
                Measure::Brier,
                by_patient(answers, plain, |rows| {
                    let sum: f64 = rows
                        .iter()
                        .map(|at| {
                            let truth = f64::from(u8::from(answers.outcome[*at]));
                            (answers.probability[*at] - truth).powi(2)
                        })
                        .sum();
                    Some(sum / rows.len() as f64)
                }),
            );
        }
        Err(error) => remarks.push(format!("brier: {error}")),
    }
    // A logit must be finite; 32-bit probabilities may round to the ends.
    let inside: Vec<f64> = answers
        .probability
        .iter()
        .map(|probability| probability.clamp(1e-6, 1.0 - 1e-6))
        .collect();
    match recalibration(&answers.outcome, &inside, level) {
        Ok(found) => {
            let again = |rows: &[usize]| {
                let outcome: Vec<bool> = rows.iter().map(|at| answers.outcome[*at]).collect();
                let probability: Vec<f64> = rows.iter().map(|at| inside[*at]).collect();
                recalibration(&outcome, &probability, level).ok()
            };
            out.insert(
                Measure::CalibrationSlope,
                by_patient(answers, found.slope.into(), |rows| {
                    again(rows).map(|found| found.slope.estimate)
                }),
            );
            out.insert(
                Measure::CalibrationIntercept,
                by_patient(answers, found.calibration_in_the_large.into(), |rows| {
                    again(rows).map(|found| found.calibration_in_the_large.estimate)
                }),
            );
        }
        Err(error) => remarks.push(format!("calibration: {error}")),
    }
    remarks.sort();
    remarks.dedup();
    Ok(Measured {
        measures: out,
        table,
        remarks,
    })
}

/// The interval of a statistic over whole patients drawn again and again, where a patient has
/// several cases; else the plain one.
fn by_patient(
    answers: &Answers,
    plain: Estimate,
    statistic: impl FnMut(&[usize]) -> Option<f64>,
) -> Estimate {
    if answers.patients() as usize == answers.outcome.len() {
        return plain;
    }
    match cluster_bootstrap(&answers.patient, 500, 1, Level::NINETY_FIVE, statistic) {
        Ok(found) => Estimate {
            value: plain.value,
            lower: found.interval.lower,
            upper: found.interval.upper,
        },
        // Too few patients to draw from: nothing is known of the interval.
        Err(_) => Estimate {
            value: plain.value,
            lower: f64::MIN,
            upper: f64::MAX,
        },
    }
}

/// The locked test set of a version, opened: the cases, and the answers of the version.
pub(crate) struct Opened {
    pub(crate) prepared: Prepared,
    pub(crate) test: Vec<usize>,
    pub(crate) locked: LockedTest,
}

/// Gathers the test cases of `file` from its set: those that were locked away, all of the set for
/// a model from elsewhere. The look must have been counted.
pub(crate) fn gather(set: &Path, file: &ModelFile, folder: &Path) -> Result<Opened> {
    let cancel = Arc::new(AtomicBool::new(false));
    let prepared = examples::prepare(set, &file.cases, file.image.as_ref(), folder, &cancel)?;
    let Some(data) = &file.data else {
        let parts = examples::parts(&prepared, 1.0, file.seed)?;
        return Ok(Opened {
            prepared,
            test: parts.test,
            locked: parts.locked,
        });
    };
    if prepared.manifest_hash != data.manifest {
        return Err(Error::invalid(format!(
            "this is not the data set the version was made from ('{}', t = {})",
            data.set, data.t
        )));
    }
    let share: f64 = data
        .test_share
        .parse()
        .map_err(|_| Error::internal("a stored model is damaged"))?;
    let parts = examples::parts(&prepared, share, file.seed)?;
    if parts.locked != data.test {
        return Err(Error::internal(
            "the test set is not the one that was locked",
        ));
    }
    if parts.test.is_empty() {
        return Err(Error::conflict(
            "no test set was locked away (test_share = 0): the evidence is a performance test, kura model test --trial",
        ));
    }
    Ok(Opened {
        prepared,
        test: parts.test,
        locked: parts.locked,
    })
}

/// Asks a version for the test cases, by the features that it knows.
pub(crate) fn ask(
    bank: &Bank,
    onnx: &ContentHash,
    file: &ModelFile,
    opened: &Opened,
) -> Result<Answers> {
    let bytes = bank.clinical.blobs().read(*onnx)?;
    let asked = Asked::of(bank, &bytes, file)?;
    let part = opened.prepared.examples.select(&opened.test);
    let probability = asked.probabilities(
        &part.matrix.values,
        part.matrix.rows,
        std::time::Duration::from_secs(600),
    )?;
    Ok(Answers {
        patient: ClusterId::number(&part.group),
        outcome: part.outcome,
        probability,
    })
}

/// Counts a look at a test set, durably, before it is opened. Fails when `allowed` are spent.
pub(crate) fn look(
    bank: &Bank,
    context: &RequestContext,
    test: &LockedTest,
    model: &Model,
    allowed: Option<u32>,
) -> Result<u32> {
    let key = RecordKey::new(kind::LOCKED_TEST, test.id.to_hex());
    let _writing = bank.writing()?;
    let mut looks = looks_of(bank, &key)?;
    if let Some(allowed) = allowed
        && looks.len() as u32 >= allowed
    {
        return Err(Error::conflict(format!(
            "the plan allows {allowed} looks at this test set, and it was opened {} times; a new test set is needed",
            looks.len()
        )));
    }
    looks.push(json!({
        "model": format!("{}@{}", model.name, model.version),
        "who": context.actor.name,
        "at": kura_fhir::date::instant(registry::now()),
    }));
    let count = looks.len() as u32;
    bank.research.commit(Commit {
        writes: vec![Write::Put(Put::plain(
            key.clone(),
            json!({ "test": test, "looks": looks })
                .to_string()
                .into_bytes(),
        ))],
        audit: vec![AuditEntry::new(
            context,
            "locked_test_open",
            key.to_string(),
        )],
        ..Commit::default()
    })?;
    Ok(count)
}

fn looks_of(bank: &Bank, key: &RecordKey) -> Result<Vec<serde_json::Value>> {
    let found = bank.research.read(|reader| reader.current(key))?;
    let Some(version) = found else {
        return Ok(Vec::new());
    };
    let value: serde_json::Value = serde_json::from_slice(&version.body)
        .map_err(|error| Error::internal("a stored record is damaged").because(error))?;
    Ok(value["looks"].as_array().cloned().unwrap_or_default())
}

/// How often the test set of a version was opened, and by whom.
pub fn looks(bank: &Bank, model: &Model, file: &ModelFile) -> Result<Vec<serde_json::Value>> {
    let id = match &file.data {
        Some(data) => Some(data.test.id),
        // Of a model from elsewhere the set it was tested on last.
        None => registry::steps(bank, model)?
            .iter()
            .rev()
            .filter(|step| step.state == State::Evaluated.as_str())
            .find_map(|step| step.evidence)
            .map(|evidence| bank.clinical.blobs().read(evidence))
            .transpose()?
            .and_then(|bytes| serde_json::from_slice::<TestReport>(&bytes).ok())
            .map(|report| report.test.id),
    };
    match id {
        Some(id) => looks_of(bank, &RecordKey::new(kind::LOCKED_TEST, id.to_hex())),
        None => Ok(Vec::new()),
    }
}

/// Who tests a model from elsewhere on a whole set looks at the patients that others locked away
/// in it as well.
fn look_at_the_locked(
    bank: &Bank,
    context: &RequestContext,
    model: &Model,
    opened: &Opened,
) -> Result<()> {
    let mut seen = BTreeSet::new();
    for other in registry::all(bank, None)? {
        let file = registry::model_file(bank, &other)?;
        if let Some(data) = file.data
            && data.manifest == opened.prepared.manifest_hash
            && data.test.cases > 0
            && seen.insert(data.test.id)
        {
            look(bank, context, &data.test, model, None)?;
        }
    }
    Ok(())
}

/// Tests a draft on its locked test set; it becomes `evaluated`, with the report as evidence.
///
/// `set` is the folder of the data set it was made from, `labels` the one where the outcome's file
/// lies, if it has one; `plan` limits the looks.
pub fn evaluate(
    bank: &Bank,
    context: &RequestContext,
    which: &Which,
    set: &Path,
    labels: &Path,
    plan: Option<&ChangePlan>,
) -> Result<TestReport> {
    authorize(bank, context, Action::BuildModel)?;
    let model = registry::find(bank, which)?;
    model.state.step(State::Evaluated)?;
    let file = registry::model_file(bank, &model)?;
    let opened = gather(set, &file, labels)?;
    super::change::untouched(bank, &file, &opened, file.data.is_some())?;
    // A look is not spent where nobody could be asked.
    registry::runtime(bank)?;
    // Counted before the version is asked anything.
    let count = look(
        bank,
        context,
        &opened.locked,
        &model,
        plan.map(|plan| plan.looks),
    )?;
    if file.foreign.is_some() {
        look_at_the_locked(bank, context, &model, &opened)?;
    }
    let answers = ask(bank, &model.onnx, &file, &opened)?;
    let Measured {
        measures,
        table,
        mut remarks,
    } = measure(&answers, file.threshold)?;
    if file.foreign.is_some() {
        remarks.push(
            "the model was trained elsewhere: that it has not learnt from these patients is its maker's word"
                .to_owned(),
        );
    }
    let report = TestReport {
        model: model.name.clone(),
        version: model.version,
        onnx: model.onnx,
        threshold: file.threshold,
        test: opened.locked,
        look: count,
        measures,
        table,
        remarks,
        at: kura_fhir::date::instant(registry::now()),
    };
    let (hash, size) = keep(bank, &report)?;
    registry::write_steps(
        bank,
        context,
        vec![(
            &model,
            Change {
                to: Some(State::Evaluated),
                shadow: None,
                code: State::Evaluated.as_str(),
                why: "tested on the locked test set",
                evidence: Some(hash),
                blobs: vec![(hash, size)],
            },
        )],
    )?;
    Ok(report)
}

/// Keeps evidence as a blob.
pub(crate) fn keep(bank: &Bank, evidence: &impl Serialize) -> Result<(ContentHash, u64)> {
    let text = serde_json::to_vec_pretty(evidence)
        .map_err(|error| Error::internal("a report cannot be written").because(error))?;
    bank.clinical.blobs().put(&text[..])
}
