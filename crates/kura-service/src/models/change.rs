//! Change under the plan: a candidate is tested beside the version in use, and promoted if it
//! stays inside the bounds. Outside them nobody can promote it, whoever asks.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use kura_evaluation::interval::Level;
use kura_evaluation::roc::{ScoredPair, compare_paired};
use kura_model::{Category, ContentHash, Error, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, Commit, Put, Write};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::file::ModelFile;
use super::plan::{Bound, Change as May, ChangePlan, Measure};
use super::registry::{self, Change, Model, Which};
use super::state::State;
use super::test::{self, Answers, Estimate};
use crate::access::{Action, authorize};
use crate::{Bank, imaging, kind};

/// What a comparison under a plan found. Kept as evidence.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Proposal {
    pub model: String,
    pub candidate: u32,
    pub in_use: u32,
    /// Hash of the plan's text.
    pub plan: ContentHash,
    /// What differs between the two.
    pub changes: Vec<May>,
    pub look: u32,
    pub looks_allowed: u32,
    pub candidate_measures: BTreeMap<Measure, Estimate>,
    pub in_use_measures: BTreeMap<Measure, Estimate>,
    /// AUC of the candidate less that of the version in use, on the same cases.
    pub auc_difference: Option<Estimate>,
    /// Every bound with what was found; the proposal is inside if all hold.
    pub checks: Vec<Check>,
    pub inside: bool,
    /// The plan is of an approved device: its number and the days a change has to wait.
    pub device: Option<super::plan::Device>,
    pub at: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Check {
    pub what: String,
    pub bound: String,
    /// Absent where it cannot be estimated: then it does not hold.
    pub found: Option<f64>,
    pub holds: bool,
}

impl Bound {
    fn shown(&self) -> String {
        match (self.not_below, self.not_above) {
            (Some(low), Some(high)) => format!("{low} … {high}"),
            (Some(low), None) => format!("≥ {low}"),
            (None, Some(high)) => format!("≤ {high}"),
            (None, None) => String::new(),
        }
    }
}

/// `kind` of the plan that holds for a model; the id is the model's name.
fn plan_key(model: &str) -> RecordKey {
    RecordKey::new(kind::CHANGE_PLAN, model)
}

/// Puts a plan of change in force for its model, by somebody who may release models. What is
/// proposed and watched from now on is judged by this text and no other.
pub fn adopt_plan(
    bank: &Bank,
    context: &RequestContext,
    text: &str,
    why: &str,
) -> Result<ChangePlan> {
    authorize(bank, context, Action::ReleaseModel)?;
    registry::named(bank, context, State::Approved)?;
    let plan = ChangePlan::parse(text)?;
    if why.trim().is_empty() {
        return Err(Error::invalid("say why: a step without a reason is none"));
    }
    let (hash, size) = bank.clinical.blobs().put(text.as_bytes())?;
    let _writing = bank.writing()?;
    bank.clinical.commit(Commit {
        writes: vec![Write::Put(Put {
            key: plan_key(&plan.model),
            body: json!({
                "plan": hash, "who": context.actor.name, "why": why.trim(),
                "at": kura_fhir::date::instant(registry::now()),
            })
            .to_string()
            .into_bytes(),
            index: Vec::new(),
            indexed_by: None,
            owners: Vec::new(),
            blobs: vec![hash],
            source: None,
            once: false,
        })],
        blobs: vec![(hash, size)],
        audit: vec![AuditEntry::new(
            context,
            "plan_adopt",
            plan_key(&plan.model).to_string(),
        )],
        ..Commit::default()
    })?;
    Ok(plan)
}

/// Refuses any text but the plan in force.
pub fn in_force(bank: &Bank, text: &str) -> Result<ChangePlan> {
    let plan = ChangePlan::parse(text)?;
    let known = bank
        .clinical
        .read(|reader| reader.current(&plan_key(&plan.model)))?
        .map(|version| imaging::decode(&version.body))
        .transpose()?;
    let hash = ContentHash::of(text.as_bytes()).to_hex();
    if known.is_none_or(|known| known["plan"] != hash.as_str()) {
        return Err(Error::conflict(format!(
            "this is not the plan of change in force for '{}'; put it in force: kura model plan FILE --why …",
            plan.model
        )));
    }
    Ok(plan)
}

/// In what two versions of a model differ.
pub fn differences(old: &ModelFile, new: &ModelFile) -> Vec<May> {
    let mut out = Vec::new();
    let same = |a: serde_json::Result<String>, b: serde_json::Result<String>| matches!((a, b), (Ok(a), Ok(b)) if a == b);
    let learnt = |file: &ModelFile| {
        file.data
            .as_ref()
            .map(|data| (data.manifest, data.training_patients))
    };
    // Of a model from elsewhere nobody knows.
    if learnt(old) != learnt(new) || learnt(new).is_none() {
        out.push(May::TrainingData);
    }
    if !same(
        serde_json::to_string(&(&old.learner, old.seed)),
        serde_json::to_string(&(&new.learner, new.seed)),
    ) {
        out.push(May::Learner);
    }
    if old.threshold != new.threshold {
        out.push(May::Threshold);
    }
    if old.onnx != new.onnx && out.is_empty() {
        // The same data, learner and seed make the same numbers: these are somebody else's.
        out.push(May::Learner);
    }
    if !same(
        serde_json::to_string(&(
            &old.cases,
            &old.features,
            &old.image,
            &old.encoder,
            &old.output,
        )),
        serde_json::to_string(&(
            &new.cases,
            &new.features,
            &new.image,
            &new.encoder,
            &new.output,
        )),
    ) {
        out.push(May::Features);
    }
    out
}

/// Tests a candidate and the version in use on the locked test set of the latter, and says
/// whether the plan's bounds hold. The result is kept as a step of the candidate.
///
/// `set` is the data set the version in use was made from.
pub fn propose(
    bank: &Bank,
    context: &RequestContext,
    which: &Which,
    plan_text: &str,
    set: &Path,
    labels: &Path,
) -> Result<Proposal> {
    authorize(bank, context, Action::BuildModel)?;
    let plan = in_force(bank, plan_text)?;
    let candidate = registry::find(bank, which)?;
    if plan.model != candidate.name {
        return Err(Error::invalid(format!(
            "the plan is for '{}', the candidate is a version of '{}'",
            plan.model, candidate.name
        )));
    }
    if !matches!(
        candidate.state,
        State::Draft | State::Evaluated | State::Approved
    ) {
        return Err(Error::conflict(format!(
            "the candidate is {}; only a version that was not in use can be proposed",
            candidate.state.as_str()
        )));
    }
    let in_use = in_use(bank, &candidate.name)?;
    let (old, new) = (
        registry::model_file(bank, &in_use)?,
        registry::model_file(bank, &candidate)?,
    );
    if old.intended_use != new.intended_use {
        return Err(Error::conflict(
            "outside the plan: the candidate has another intended use, so it is another model",
        ));
    }
    let changes = differences(&old, &new);
    let beyond: Vec<&str> = changes
        .iter()
        .filter(|change| !plan.may_change.contains(change))
        .map(|change| change.as_str())
        .collect();
    if !beyond.is_empty() {
        return Err(Error::conflict(format!(
            "outside the plan: the candidate differs in {}, which the plan does not let change",
            beyond.join(", ")
        )));
    }
    if changes.is_empty() {
        return Err(Error::conflict(
            "the candidate does not differ from the version in use",
        ));
    }

    let opened = test::gather(set, &old, labels)?;
    untouched(bank, &new, &opened, old.data.is_some())?;
    // A look is not spent where nobody could be asked.
    registry::runtime(bank)?;
    // Counted before anybody is asked anything.
    let look = test::look(bank, context, &opened.locked, &in_use, Some(plan.looks))?;
    let before = test::ask(bank, &in_use.onnx, &old, &opened)?;
    let after = if changes.contains(&May::Features) {
        // The candidate's own features of the same cases.
        let same = ModelFile {
            cases: new.cases.clone(),
            features: new.features.clone(),
            image: new.image,
            encoder: new.encoder.clone(),
            output: new.output.clone(),
            ..old.clone()
        };
        let own = test::gather(set, &same, labels)?;
        test::ask(bank, &candidate.onnx, &new, &own)?
    } else {
        test::ask(bank, &candidate.onnx, &new, &opened)?
    };
    let in_use_measures = test::measure(&before, old.threshold)?.measures;
    let test::Measured {
        measures: candidate_measures,
        table,
        mut remarks,
    } = test::measure(&after, new.threshold)?;
    let auc_difference = difference(&before, &after);

    let mut checks = bound_checks("", &plan.bounds, &candidate_measures);
    let margin = plan.non_inferiority_margin;
    checks.push(Check {
        what: "auc, candidate less in use, lower end of the 95 % interval".to_owned(),
        bound: format!("> −{margin}"),
        found: auc_difference.map(|found| found.lower),
        holds: auc_difference.is_some_and(|found| found.lower > -margin),
    });
    subgroups(&plan, &opened, &after, new.threshold, &mut checks)?;
    let inside = checks.iter().all(|check| check.holds);
    let proposal = Proposal {
        model: candidate.name.clone(),
        candidate: candidate.version,
        in_use: in_use.version,
        plan: ContentHash::of(plan_text.as_bytes()),
        changes,
        look,
        looks_allowed: plan.looks,
        candidate_measures: candidate_measures.clone(),
        in_use_measures,
        auc_difference,
        checks,
        inside,
        device: plan.device,
        at: kura_fhir::date::instant(registry::now()),
    };
    let (hash, size) = test::keep(bank, &proposal)?;
    let mut blobs = vec![(hash, size)];
    blobs.push(bank.clinical.blobs().put(plan_text.as_bytes())?);
    let mut steps = Vec::new();
    if candidate.state == State::Draft {
        // The comparison is its test: the same cases, the same look.
        remarks.push(format!(
            "tested under a plan of change beside @{}",
            in_use.version
        ));
        let report = test::TestReport {
            model: candidate.name.clone(),
            version: candidate.version,
            onnx: candidate.onnx,
            threshold: new.threshold,
            test: opened.locked.clone(),
            look,
            measures: candidate_measures,
            table,
            remarks,
            at: proposal.at.clone(),
        };
        steps.push((State::Evaluated, test::keep(bank, &report)?));
    }
    for (state, (evidence, bytes)) in steps {
        let now = registry::find(bank, &which_of(&candidate))?;
        registry::write_steps(
            bank,
            context,
            vec![(
                &now,
                Change {
                    to: Some(state),
                    shadow: None,
                    code: state.as_str(),
                    why: "tested on the locked test set under the plan of change",
                    evidence: Some(evidence),
                    blobs: vec![(evidence, bytes)],
                },
            )],
        )?;
    }
    let now = registry::find(bank, &which_of(&candidate))?;
    registry::write_steps(
        bank,
        context,
        vec![(
            &now,
            Change {
                to: None,
                shadow: None,
                code: PROPOSED,
                why: if inside {
                    "inside the bounds of the plan"
                } else {
                    "outside the bounds of the plan"
                },
                evidence: Some(hash),
                blobs,
            },
        )],
    )?;
    Ok(proposal)
}

const PROPOSED: &str = "proposed";
const PROMOTED: &str = "promoted";
const REPLACED: &str = "replaced";

fn which_of(model: &Model) -> Which {
    Which {
        name: model.name.clone(),
        version: Some(model.version),
    }
}

fn in_use(bank: &Bank, name: &str) -> Result<Model> {
    registry::all(bank, Some(name))?
        .into_iter()
        .find(|model| model.state == State::InUse)
        .ok_or_else(|| {
            Error::conflict(format!(
                "no version of '{name}' is in use; there is nothing to compare with"
            ))
        })
}

/// None of the patients the candidate learnt from may be in the test set.
/// `own_test`: the test set was locked away by a training here.
pub(super) fn untouched(
    bank: &Bank,
    new: &ModelFile,
    opened: &test::Opened,
    own_test: bool,
) -> Result<()> {
    let Some(data) = &new.data else {
        // Trained elsewhere. Beside a version that was trained here it could be anything; alone,
        // or beside another from elsewhere, it is its maker's word, and the report says so.
        return if own_test {
            Err(Error::conflict(
                "the candidate was trained elsewhere: whether it has learnt from the test patients cannot be said",
            ))
        } else {
            Ok(())
        };
    };
    // Pseudonyms are a project's own: of two projects nobody can say whether they are the same.
    if data.project != opened.prepared.manifest.spec.project {
        return Err(Error::conflict(
            "the candidate was trained on a set of another project: whether it has learnt from the test patients cannot be said",
        ));
    }
    let list = bank.clinical.blobs().read(data.training_patients)?;
    let learnt: BTreeSet<&str> = std::str::from_utf8(&list)
        .map_err(|error| Error::internal("a stored list is damaged").because(error))?
        .lines()
        .collect();
    let seen = opened
        .test
        .iter()
        .map(|row| opened.prepared.examples.group[*row].as_str())
        .filter(|patient| learnt.contains(patient))
        .collect::<BTreeSet<_>>()
        .len();
    if seen > 0 {
        return Err(Error::conflict(format!(
            "the candidate has learnt from {seen} patients of the test set; train it with the same data set, seed and test_share, or on other patients"
        )));
    }
    Ok(())
}

fn difference(before: &Answers, after: &Answers) -> Option<Estimate> {
    let pairs: Vec<ScoredPair> = (0..before.outcome.len())
        .map(|at| ScoredPair {
            cluster: before.patient[at],
            diseased: before.outcome[at],
            first: after.probability[at],
            second: before.probability[at],
        })
        .collect();
    compare_paired(&pairs, Level::NINETY_FIVE)
        .ok()
        .map(|found| found.interval().into())
}

fn bound_checks(
    of: &str,
    bounds: &BTreeMap<Measure, Bound>,
    found: &BTreeMap<Measure, Estimate>,
) -> Vec<Check> {
    bounds
        .iter()
        .map(|(measure, bound)| {
            let value = found.get(measure).map(|estimate| estimate.value);
            Check {
                what: format!("{of}{}", measure.as_str()),
                bound: bound.shown(),
                found: value,
                holds: value.is_some_and(|value| bound.holds(value)),
            }
        })
        .collect()
}

fn subgroups(
    plan: &ChangePlan,
    opened: &test::Opened,
    answers: &Answers,
    threshold: f64,
    checks: &mut Vec<Check>,
) -> Result<()> {
    let matrix = &opened.prepared.examples.matrix;
    for subgroup in &plan.subgroups {
        let at = matrix
            .features
            .iter()
            .position(|feature| feature.name == subgroup.feature)
            .ok_or_else(|| {
                Error::invalid(format!(
                    "plan of change, subgroup: there is no feature '{}'",
                    subgroup.feature
                ))
            })?;
        let rows: Vec<usize> = (0..opened.test.len())
            .filter(|case| {
                let value = f64::from(matrix.row(opened.test[*case])[at]);
                subgroup.from.is_none_or(|from| value >= from)
                    && subgroup.to.is_none_or(|to| value < to)
                    && !value.is_nan()
            })
            .collect();
        let part = answers.select(&rows);
        let place = format!(
            "{} {}–{}: ",
            subgroup.feature,
            subgroup
                .from
                .map_or_else(String::new, |from| from.to_string()),
            subgroup.to.map_or_else(String::new, |to| to.to_string())
        );
        let patients = part.patients();
        checks.push(Check {
            what: format!("{place}patients"),
            bound: format!("≥ {}", subgroup.at_least),
            found: Some(patients as f64),
            holds: patients >= u64::from(subgroup.at_least),
        });
        let measures = if part.outcome.is_empty() {
            BTreeMap::new()
        } else {
            test::measure(&part, threshold)?.measures
        };
        checks.extend(bound_checks(&place, &subgroup.bounds, &measures));
    }
    Ok(())
}

/// What a promotion of an approved device needs besides.
#[derive(Debug, Clone, Default)]
pub struct Notice {
    /// 確認番号 of the plan, as the person gives it.
    pub confirmation_number: Option<String>,
    /// Day of the notification (届出), `YYYY-MM-DD`.
    pub notified: Option<String>,
}

/// Puts a proposed candidate in the place of the version in use, in one commit.
///
/// # Errors
/// `Forbidden` where the last proposal was outside the bounds, whoever asks; `Conflict` where
/// there is no proposal against the version that is in use now, or the waiting time is not over.
pub fn promote(
    bank: &Bank,
    context: &RequestContext,
    which: &Which,
    why: &str,
    notice: &Notice,
) -> Result<Model> {
    authorize(bank, context, Action::ReleaseModel)?;
    if why.trim().is_empty() {
        return Err(Error::invalid("say why: a step without a reason is none"));
    }
    let candidate = registry::find(bank, which)?;
    let in_use = in_use(bank, &candidate.name)?;
    registry::named(bank, context, State::InUse)?;
    let proposal = last_proposal(bank, &candidate)?;
    if !matches!(candidate.state, State::Evaluated | State::Approved) {
        return Err(Error::conflict(format!(
            "the candidate is {}; a version that was in use before is not promoted again",
            candidate.state.as_str()
        )));
    }
    if proposal.in_use != in_use.version {
        return Err(Error::conflict(format!(
            "the proposal compared with @{}, and @{} is in use now: propose again",
            proposal.in_use, in_use.version
        )));
    }
    if !proposal.inside {
        let failed: Vec<&str> = proposal
            .checks
            .iter()
            .filter(|check| !check.holds)
            .map(|check| check.what.as_str())
            .collect();
        return Err(Error::new(
            Category::Forbidden,
            format!(
                "the candidate is outside the bounds of the plan ({}); it cannot be promoted",
                failed.join("; ")
            ),
        ));
    }
    let mut why = why.trim().to_owned();
    if let Some(device) = &proposal.device {
        let notified = lawful(device, notice, &proposal.at)?;
        // What made it lawful stands in the step.
        let _ = write!(
            why,
            " (確認番号 {}, 届出 {notified})",
            device.confirmation_number.trim()
        );
    }
    let why = why.as_str();
    let evidence = registry::steps(bank, &candidate)?
        .iter()
        .rev()
        .find_map(|step| step.evidence.filter(|_| step.state == PROPOSED));
    if candidate.state == State::Evaluated {
        registry::step(bank, context, &which_of(&candidate), State::Approved, why)?;
    }
    let candidate = registry::find(bank, &which_of(&candidate))?;
    let replaced = format!("replaced by @{}", candidate.version);
    registry::write_steps(
        bank,
        context,
        vec![
            (
                &in_use,
                Change {
                    to: Some(State::Suspended),
                    shadow: None,
                    code: REPLACED,
                    why: &replaced,
                    evidence,
                    blobs: Vec::new(),
                },
            ),
            (
                &candidate,
                Change {
                    to: Some(State::InUse),
                    shadow: Some(false),
                    code: PROMOTED,
                    why,
                    evidence,
                    blobs: Vec::new(),
                },
            ),
        ],
    )?;
    registry::find(bank, &which_of(&candidate))
}

fn last_proposal(bank: &Bank, candidate: &Model) -> Result<Proposal> {
    let evidence = registry::steps(bank, candidate)?
        .iter()
        .rev()
        .find_map(|step| step.evidence.filter(|_| step.state == PROPOSED))
        .ok_or_else(|| Error::conflict("the candidate was not proposed under a plan of change"))?;
    serde_json::from_slice(&bank.clinical.blobs().read(evidence)?)
        .map_err(|error| Error::internal("stored evidence is damaged").because(error))
}

/// 医薬品医療機器等法 第23条の2の10の2: the plan is confirmed, the change notified, the time over.
fn lawful<'a>(device: &super::plan::Device, notice: &'a Notice, proposed: &str) -> Result<&'a str> {
    if notice.confirmation_number.as_deref().map(str::trim)
        != Some(device.confirmation_number.trim())
    {
        return Err(Error::conflict(
            "an approved device: give the 確認番号 of the plan (--confirmation-number), and the same as in the plan",
        ));
    }
    let (text, day) = notice
        .notified
        .as_deref()
        .filter(|day| day.len() == 10)
        .and_then(|text| Some((text, kura_fhir::date::range(text)?.0)))
        .ok_or_else(|| {
            Error::conflict(
                "an approved device: give the day of the notification, 届出 (--notified 2026-04-01)",
            )
        })?;
    // What is notified is this change: it was proposed by then.
    let proposed = kura_fhir::date::range(proposed).map_or(i64::MAX, |(low, _)| low);
    if day + 86_400 <= proposed {
        return Err(Error::conflict(
            "the notification is older than the proposal: it was of another change",
        ));
    }
    let over = day + i64::from(device.waiting_days) * 86_400;
    let left = over - registry::now().div_euclid(1000);
    if left > 0 {
        return Err(Error::conflict(format!(
            "the waiting time after the notification is not over: {} days are left of {}",
            (left + 86_399) / 86_400,
            device.waiting_days
        )));
    }
    Ok(text)
}

/// Goes back to the version that the one in use has replaced, in one commit.
pub fn roll_back(bank: &Bank, context: &RequestContext, name: &str, why: &str) -> Result<Model> {
    authorize(bank, context, Action::ReleaseModel)?;
    if why.trim().is_empty() {
        return Err(Error::invalid("say why: a step without a reason is none"));
    }
    let mut replaced: Option<(String, Model)> = None;
    let mut current: Option<(String, Model)> = None;
    for model in registry::all(bank, Some(name))? {
        let steps = registry::steps(bank, &model)?;
        let Some(last) = registry::last_state_step(&steps) else {
            continue;
        };
        let newer =
            |known: &Option<(String, Model)>| known.as_ref().is_none_or(|(at, _)| last.at > *at);
        match (model.state, last.state.as_str()) {
            (State::Suspended, REPLACED) if newer(&replaced) => {
                replaced = Some((last.at.clone(), model));
            }
            // In use, or suspended by a person or a rule since.
            (State::InUse, _) => current = Some((String::from("~"), model)),
            (State::Suspended, "suspended") if newer(&current) => {
                current = Some((last.at.clone(), model));
            }
            _ => {}
        }
    }
    let none = || {
        Error::conflict(format!(
            "no version of '{name}' was replaced: there is none to go back to"
        ))
    };
    let (_, in_use) = current.ok_or_else(none)?;
    let (_, before) = replaced.ok_or_else(none)?;
    let text = format!("rolled back to @{}: {why}", before.version);
    registry::write_steps(
        bank,
        context,
        vec![
            (
                &in_use,
                Change {
                    to: (in_use.state == State::InUse).then_some(State::Suspended),
                    shadow: None,
                    code: State::Suspended.as_str(),
                    why: &text,
                    evidence: None,
                    blobs: Vec::new(),
                },
            ),
            (
                &before,
                Change {
                    to: Some(State::InUse),
                    shadow: None,
                    code: "rolled-back",
                    why,
                    evidence: None,
                    blobs: Vec::new(),
                },
            ),
        ],
    )?;
    registry::find(bank, &which_of(&before))
}
