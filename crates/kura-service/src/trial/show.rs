//! What there is: trials, how far their readers are, what was read, what came out.

use std::collections::BTreeMap;

use kura_model::{ContentHash, Error, RequestContext, Result};
use kura_store::{AuditEntry, Query};
use kura_trial::{Asked, Condition, Lang, ModelName, Protocol, Question, Words, WrittenReading};
use serde::Serialize;
use serde_json::Value;

use super::record::{self, Kept, ReaderRecord, Trial, damaged};
use super::turn::{self, Opening};
use super::{fix, reader};
use crate::access::{Action, authorize};
use crate::{Bank, kind};

/// A trial in a list.
#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    pub id: ContentHash,
    pub title: Words,
    pub model: ModelName,
    pub question: Question,
    pub cases: u64,
    /// Files the readers are shown.
    pub images: u64,
    pub at: String,
    pub readers: u64,
    pub readings: u64,
    /// How often it was analysed, refused ones included.
    pub analyses: u64,
    /// Analysed: nothing is read any more.
    pub closed: bool,
}

/// How far a reader is in one condition.
#[derive(Debug, Clone, Serialize)]
pub struct ConditionProgress {
    pub condition: Condition,
    pub done: u64,
    pub opening: Opening,
}

#[derive(Debug, Clone, Serialize)]
pub struct ReaderProgress {
    pub reader: String,
    pub experience: String,
    pub conditions: Vec<ConditionProgress>,
    /// When they read last, as kept: local, with its offset.
    pub last: Option<String>,
}

/// One analysis of a trial.
#[derive(Debug, Clone, Serialize)]
pub struct Analysis {
    pub at: String,
    pub by: String,
    /// It could not be made: nobody saw a result.
    pub refused: bool,
    /// Hash of the result; absent where there is none.
    pub result: Option<ContentHash>,
    /// Whether its reports were kept, for [`report`].
    pub reported: bool,
    pub confirmatory: Option<bool>,
    /// Whether the hypothesis was shown.
    pub met: Option<bool>,
}

/// One trial. The number of positive cases is told once the trial is closed, and not before:
/// readers see this page.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    pub id: ContentHash,
    pub protocol: Protocol,
    pub protocol_hash: ContentHash,
    pub cases_hash: ContentHash,
    pub cases: u64,
    pub positive: Option<u64>,
    pub images: u64,
    pub answers: bool,
    pub at: String,
    pub closed: bool,
    /// What readers are asked; `None` where nobody reads.
    pub asked: Option<Asked>,
    /// What a reader who has not begun may begin with.
    pub openings: Vec<(Condition, Opening)>,
    pub readers: Vec<ReaderProgress>,
    pub analyses: Vec<Analysis>,
    /// The code under which whoever asks reads, with accounts.
    pub own: Option<String>,
}

/// Every trial, the newest first.
pub fn list(bank: &Bank, context: &RequestContext) -> Result<Vec<Listed>> {
    authorize(bank, context, Action::ReadStatus)?;
    bank.research
        .audit(AuditEntry::new(context, "trial_list", ""));
    let page = bank
        .research
        .read(|store| store.search(&Query::all(kind::TRIAL), None, 10_000))?;
    let mut out = Vec::with_capacity(page.versions.len());
    for version in &page.versions {
        let trial = Trial::of(bank, version)?;
        let fixed = fix::fixed(trial.id, &trial.value)?;
        out.push(Listed {
            id: trial.id,
            title: trial.protocol.title.clone(),
            model: trial.protocol.model.clone(),
            question: trial.protocol.question,
            cases: fixed.cases,
            images: fixed.images,
            at: fixed.at,
            readers: record::readers_of(bank, trial.id)?.len() as u64,
            readings: record::readings_of(bank, trial.id)?.len() as u64,
            analyses: fixed.analyses,
            closed: trial.closed(),
        });
    }
    out.sort_by(|a, b| b.at.cmp(&a.at));
    Ok(out)
}

/// One trial with how far everybody is.
pub fn show(bank: &Bank, context: &RequestContext, id: ContentHash) -> Result<Shown> {
    authorize(bank, context, Action::ReadStatus)?;
    bank.research.audit(AuditEntry::new(
        context,
        "trial_show",
        record::key(id).to_string(),
    ));
    let trial = Trial::open(bank, id)?;
    let fixed = fix::fixed(id, &trial.value)?;
    let mut by_reader: BTreeMap<String, Vec<Kept>> = BTreeMap::new();
    for one in record::readings_of(bank, id)? {
        by_reader.entry(one.reader.clone()).or_default().push(one);
    }
    let today = turn::today()?;
    let openings = |past: &[Kept]| -> Result<Vec<(Condition, Opening)>> {
        let conditions = trial.protocol.conditions().iter();
        conditions
            .map(|one| Ok((*one, turn::opening(&trial, past, *one, today)?)))
            .collect()
    };
    let mut readers = record::readers_of(bank, id)?;
    readers.sort_by(|a, b| a.reader.cmp(&b.reader));
    let readers = readers
        .into_iter()
        .map(|one| {
            let past = by_reader.get(&one.reader).map_or(&[][..], Vec::as_slice);
            Ok(progress(one, past, openings(past)?))
        })
        .collect::<Result<_>>()?;
    let closed = trial.closed();
    Ok(Shown {
        id,
        protocol_hash: fixed.protocol,
        cases_hash: fixed.cases_hash,
        cases: fixed.cases,
        positive: closed.then_some(fixed.positive),
        images: fixed.images,
        answers: fixed.answers,
        at: fixed.at,
        closed,
        asked: trial.protocol.asked(),
        openings: openings(&[])?,
        readers,
        analyses: analyses(&trial),
        own: reader::own(bank, context, id)?,
        protocol: trial.protocol,
    })
}

fn progress(
    reader: ReaderRecord,
    past: &[Kept],
    openings: Vec<(Condition, Opening)>,
) -> ReaderProgress {
    ReaderProgress {
        reader: reader.reader,
        experience: reader.experience,
        conditions: openings
            .into_iter()
            .map(|(condition, opening)| ConditionProgress {
                condition,
                done: past.iter().filter(|one| one.condition == condition).count() as u64,
                opening,
            })
            .collect(),
        last: past.last().map(|one| one.at.clone()),
    }
}

/// What the first analysis came to, for the registry of models.
pub(crate) struct First {
    /// As the protocol calls it.
    pub(crate) model: String,
    pub(crate) version: String,
    pub(crate) result: ContentHash,
    pub(crate) met: bool,
    pub(crate) confirmatory: bool,
    /// The answers were locked with the cases, before anybody knew the result.
    pub(crate) answers_locked: bool,
    /// RFC 3339.
    pub(crate) at: String,
}

/// The first analysis that gave a result: a later one was made by somebody who knew it.
///
/// # Errors
/// `Conflict` where there is none.
pub(crate) fn first_analysis(bank: &Bank, id: ContentHash) -> Result<First> {
    let trial = Trial::open(bank, id)?;
    let (first, result) = analyses(&trial)
        .into_iter()
        .find_map(|one| one.result.map(|result| (one, result)))
        .ok_or_else(|| Error::conflict("this trial was not analysed yet: kura trial analyse"))?;
    Ok(First {
        model: trial.protocol.model.name.clone(),
        version: trial.protocol.model.version.clone(),
        result,
        met: first.met.unwrap_or(false),
        confirmatory: first.confirmatory.unwrap_or(false),
        answers_locked: trial.answers.is_some(),
        at: first.at,
    })
}

fn analyses(trial: &Trial) -> Vec<Analysis> {
    let all = trial.value["analyses"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    all.iter()
        .map(|one| Analysis {
            at: text(&one["at"]),
            by: text(&one["by"]),
            refused: one["refused"] == true,
            result: one["result"].as_str().and_then(|hash| hash.parse().ok()),
            reported: one["report"].is_object(),
            confirmatory: one["confirmatory"].as_bool(),
            met: one["met"].as_bool(),
        })
        .collect()
}

/// What was read on the pages, as the file `kura trial analyse` takes; `None` before the first.
pub fn readings(bank: &Bank, context: &RequestContext, id: ContentHash) -> Result<Option<Vec<u8>>> {
    authorize(bank, context, Action::BuildModel)?;
    Trial::open(bank, id)?;
    bank.research.audit(AuditEntry::new(
        context,
        "trial_readings",
        record::key(id).to_string(),
    ));
    csv(bank, id)
}

pub(super) fn csv(bank: &Bank, id: ContentHash) -> Result<Option<Vec<u8>>> {
    let experience: BTreeMap<String, String> = record::readers_of(bank, id)?
        .into_iter()
        .map(|one| (one.reader, one.experience))
        .collect();
    let written = record::readings_of(bank, id)?
        .into_iter()
        .map(|one| {
            Ok(WrittenReading {
                rating: one.rating()?,
                experience: experience
                    .get(&one.reader)
                    .cloned()
                    .ok_or_else(|| damaged("a stored reader"))?,
                reader: one.reader,
                case: one.case,
                condition: one.condition,
                read_at: one.at,
                position: one.position,
                seconds: one.seconds,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    if written.is_empty() {
        return Ok(None);
    }
    kura_trial::readings_csv(&written).map(Some)
}

/// An analysis of the trial by the hash of its result.
fn analysis(
    bank: &Bank,
    context: &RequestContext,
    id: ContentHash,
    hash: ContentHash,
    action: &'static str,
) -> Result<Value> {
    authorize(bank, context, Action::ReadStatus)?;
    bank.research.audit(AuditEntry::new(
        context,
        action,
        record::key(id).to_string(),
    ));
    let trial = Trial::open(bank, id)?;
    let wanted = hash.to_hex();
    trial.value["analyses"]
        .as_array()
        .and_then(|all| all.iter().find(|one| one["result"] == wanted))
        .cloned()
        .ok_or_else(|| Error::not_found("no analysis of this trial has that result"))
}

/// The report of an analysis, as it was written: a page of its own that prints to A4.
pub fn report(
    bank: &Bank,
    context: &RequestContext,
    id: ContentHash,
    result: ContentHash,
    lang: Lang,
) -> Result<Vec<u8>> {
    let found = analysis(bank, context, id, result, "trial_report")?;
    let hash = found["report"][lang.tag()]
        .as_str()
        .and_then(|hash| hash.parse().ok())
        .ok_or_else(|| Error::not_found("the report of this analysis was not kept"))?;
    bank.research.blobs().read(hash)
}

/// The numbers of an analysis, JSON, as they were written.
pub fn result(
    bank: &Bank,
    context: &RequestContext,
    id: ContentHash,
    hash: ContentHash,
) -> Result<Vec<u8>> {
    analysis(bank, context, id, hash, "trial_result")?;
    bank.research.blobs().read(hash)
}
