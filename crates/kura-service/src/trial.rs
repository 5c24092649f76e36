//! The performance test (性能評価試験) of a model: protocol and cases are fixed and locked in the
//! research zone, then readers read, then it is analysed once and for all to see.

use std::path::{Path, PathBuf};

use kura_model::{ContentHash, Error, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, Commit, Predicate, Put, Query, Write};
use kura_trial::{Answers, Cases, Condition, Lang, LockedCases, Protocol, Readings, TrialResult};
use serde::Serialize;
use serde_json::{Value, json};

use crate::access::{Action, authorize};
use crate::bank::file_error;
use crate::{Bank, kind, models};

pub use kura_trial::Condition as ReadingCondition;

/// A trial whose protocol and cases are fixed.
#[derive(Debug, Clone, Serialize)]
pub struct Fixed {
    /// Hash of protocol and cases: what the trial is called from now on.
    pub id: ContentHash,
    pub protocol: ContentHash,
    pub cases_hash: ContentHash,
    pub cases: u64,
    pub positive: u64,
    pub at: String,
    /// How often it was analysed.
    pub analyses: u64,
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| file_error(path, error))
}

fn text(path: &Path) -> Result<String> {
    String::from_utf8(read(path)?)
        .map_err(|_| Error::invalid(format!("{} is not UTF-8", path.display())))
}

/// Fixes a protocol and its cases, before anything is read. The same two give the same trial.
pub fn fix(bank: &Bank, context: &RequestContext, protocol: &Path, cases: &Path) -> Result<Fixed> {
    authorize(context, Action::BuildModel)?;
    let protocol_text = text(protocol)?;
    let parsed = Protocol::parse(&protocol_text)?;
    let cases_bytes = read(cases)?;
    let locked = kura_trial::lock(Cases::parse(&cases_bytes)?);
    anonymous(bank, &locked)?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&parsed.hash().0);
    hasher.update(&locked.hash.0);
    let id = ContentHash(*hasher.finalize().as_bytes());
    let key = RecordKey::new(kind::TRIAL, id.to_hex());
    let _writing = bank.writing()?;
    if let Some(known) = bank.research.read(|reader| reader.current(&key))? {
        return fixed(id, &known.body);
    }
    let blobs = bank.research.blobs();
    let (protocol_blob, protocol_size) = blobs.put(protocol_text.as_bytes())?;
    let (cases_blob, cases_size) = blobs.put(&cases_bytes[..])?;
    let positive = locked.cases.all().iter().filter(|one| one.positive).count();
    let body = json!({
        "protocol": parsed.hash(), "casesHash": locked.hash,
        "protocolBlob": protocol_blob, "casesBlob": cases_blob,
        "cases": locked.cases.all().len(), "positive": positive,
        "at": kura_fhir::date::instant(models::registry::now()), "by": context.actor.name,
        "analyses": [],
    });
    bank.research.commit(Commit {
        writes: vec![Write::Put(Put {
            key: key.clone(),
            body: body.to_string().into_bytes(),
            index: Vec::new(),
            owners: Vec::new(),
            blobs: vec![protocol_blob, cases_blob],
            source: None,
            once: false,
        })],
        blobs: vec![(protocol_blob, protocol_size), (cases_blob, cases_size)],
        audit: vec![AuditEntry::new(context, "trial_fix", key.to_string())],
        ..Commit::default()
    })?;
    fixed(id, body.to_string().as_bytes())
}

/// The research zone takes no patient's number: cases and clusters have names of their own.
fn anonymous(bank: &Bank, locked: &LockedCases) -> Result<()> {
    let mut names: Vec<&str> = locked
        .cases
        .all()
        .iter()
        .flat_map(|one| [one.case.as_str(), one.cluster.as_str()])
        .collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let query = Query::all("Patient").and(Predicate::Token {
            param: "Patient.identifier".to_owned(),
            system: None,
            code: Some(name.to_owned()),
        });
        let found = bank
            .clinical
            .read(|reader| reader.search(&query, None, 1))?;
        if !found.versions.is_empty() {
            return Err(Error::invalid(
                "a case or cluster is called by a patient's number; give the cases names of their own",
            ));
        }
    }
    Ok(())
}

fn fixed(id: ContentHash, body: &[u8]) -> Result<Fixed> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| Error::internal("a stored trial is damaged").because(error))?;
    let hash = |name: &str| -> Result<ContentHash> {
        value[name]
            .as_str()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| Error::internal("a stored trial is damaged"))
    };
    Ok(Fixed {
        id,
        protocol: hash("protocol")?,
        cases_hash: hash("casesHash")?,
        cases: value["cases"].as_u64().unwrap_or(0),
        positive: value["positive"].as_u64().unwrap_or(0),
        at: value["at"].as_str().unwrap_or_default().to_owned(),
        analyses: value["analyses"]
            .as_array()
            .map_or(0, |all| all.len() as u64),
    })
}

/// What was fixed, read again: nobody could have changed it.
fn open(bank: &Bank, id: ContentHash) -> Result<(Protocol, LockedCases, Value)> {
    let key = RecordKey::new(kind::TRIAL, id.to_hex());
    let version = bank
        .research
        .read(|reader| reader.current(&key))?
        .ok_or_else(|| Error::not_found("no such trial was fixed; see kura trial fix"))?;
    let value: Value = serde_json::from_slice(&version.body)
        .map_err(|error| Error::internal("a stored trial is damaged").because(error))?;
    let blob = |name: &str| -> Result<Vec<u8>> {
        let hash = value[name]
            .as_str()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| Error::internal("a stored trial is damaged"))?;
        bank.research.blobs().read(hash)
    };
    let text = String::from_utf8(blob("protocolBlob")?)
        .map_err(|error| Error::internal("a stored protocol is damaged").because(error))?;
    let hash = value["casesHash"]
        .as_str()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| Error::internal("a stored trial is damaged"))?;
    let cases = Cases::parse(&blob("casesBlob")?)?;
    Ok((
        Protocol::parse(&text)?,
        LockedCases::reopen(cases, hash),
        value,
    ))
}

/// The order in which a reader reads: random, different for each reader and condition.
pub fn order(
    bank: &Bank,
    context: &RequestContext,
    id: ContentHash,
    reader: &str,
    condition: Condition,
    seed: u64,
) -> Result<Vec<String>> {
    authorize(context, Action::BuildModel)?;
    let (_, locked, _) = open(bank, id)?;
    bank.research.audit(AuditEntry::new(
        context,
        "trial_order",
        format!("Trial/{}", id.to_hex()),
    ));
    Ok(kura_trial::reading_order(&locked, reader, condition, seed))
}

/// Counts an analysis; gives its number.
fn count(bank: &Bank, context: &RequestContext, id: ContentHash) -> Result<u64> {
    let record = change(bank, context, id, None, |record| {
        if let Some(all) = record["analyses"].as_array_mut() {
            all.push(json!({
                "by": context.actor.name,
                "at": kura_fhir::date::instant(models::registry::now()),
            }));
        }
    })?;
    Ok(record["analyses"]
        .as_array()
        .map_or(0, |all| all.len() as u64))
}

/// Reads a trial's record, changes it and writes it back; nobody else does in between.
fn change(
    bank: &Bank,
    context: &RequestContext,
    id: ContentHash,
    blob: Option<(ContentHash, u64)>,
    edit: impl FnOnce(&mut Value),
) -> Result<Value> {
    let _writing = bank.writing()?;
    let (_, _, mut record) = open(bank, id)?;
    edit(&mut record);
    let key = RecordKey::new(kind::TRIAL, id.to_hex());
    let mut blobs = bank.research.read(|reader| reader.blobs(&key))?;
    blobs.extend(blob.map(|(hash, _)| hash));
    bank.research.commit(Commit {
        writes: vec![Write::Put(Put {
            key: key.clone(),
            body: record.to_string().into_bytes(),
            index: Vec::new(),
            owners: Vec::new(),
            blobs,
            source: None,
            once: false,
        })],
        blobs: blob.into_iter().collect(),
        audit: vec![AuditEntry::new(context, "trial_analyse", key.to_string())],
        ..Commit::default()
    })?;
    Ok(record)
}

/// What an analysis came to.
#[derive(Debug, Serialize)]
pub struct Analysed {
    pub folder: PathBuf,
    /// How often this trial had been analysed, this time included.
    pub analyses: u64,
    pub result: TrialResult,
}

/// Analyses a trial as its protocol says, and writes the reports. Every analysis is counted and
/// kept; the report of the first is the trial's.
pub fn analyse(
    bank: &Bank,
    context: &RequestContext,
    id: ContentHash,
    readings: Option<&Path>,
    answers: Option<&Path>,
    out: &Path,
) -> Result<Analysed> {
    authorize(context, Action::BuildModel)?;
    if std::fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Error::conflict(format!(
            "{} is not empty; a report needs a folder of its own",
            out.display()
        )));
    }
    let (protocol, locked, _) = open(bank, id)?;
    let readings = readings
        .map(|path| read(path).and_then(|bytes| Readings::parse(&bytes)))
        .transpose()?;
    let answers = answers
        .map(|path| read(path).and_then(|bytes| Answers::parse(&bytes)))
        .transpose()?;
    // Counted first: a result that somebody has seen is one that was looked at.
    let analyses = count(bank, context, id)?;
    let result = kura_trial::analyse(&protocol, &locked, readings.as_ref(), answers.as_ref())
        .map_err(Error::from)?;
    let kept = serde_json::to_vec_pretty(&result)
        .map_err(|error| Error::internal("a result cannot be written").because(error))?;
    let (blob, size) = bank.research.blobs().put(&kept[..])?;
    change(bank, context, id, Some((blob, size)), |record| {
        if let Some(one) = record["analyses"]
            .as_array_mut()
            .and_then(|all| all.get_mut(analyses as usize - 1))
        {
            one["result"] = json!(blob);
        }
    })?;
    std::fs::create_dir_all(out).map_err(|error| file_error(out, error))?;
    for (name, bytes) in [
        ("result.json", kept),
        (
            "report.ja.html",
            kura_trial::report_html(&result, Lang::Ja).into_bytes(),
        ),
        (
            "report.en.html",
            kura_trial::report_html(&result, Lang::En).into_bytes(),
        ),
        (
            "report.ja.md",
            kura_trial::report_markdown(&result, Lang::Ja).into_bytes(),
        ),
        (
            "report.en.md",
            kura_trial::report_markdown(&result, Lang::En).into_bytes(),
        ),
    ] {
        let file = out.join(name);
        std::fs::write(&file, bytes).map_err(|error| file_error(&file, error))?;
    }
    Ok(Analysed {
        folder: out.to_owned(),
        analyses,
        result,
    })
}
