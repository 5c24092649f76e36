//! The analysis: counted before it is made, kept with its reports, and the end of reading.

use std::path::{Path, PathBuf};

use kura_model::{ContentHash, Error, RequestContext, Result};
use kura_store::AuditEntry;
use kura_trial::{Answers, Condition, Lang, Readings, TrialResult};
use serde::Serialize;
use serde_json::json;

use super::fix::read;
use super::record::{self, Trial};
use super::show;
use crate::access::{Action, authorize};
use crate::bank::file_error;
use crate::{Bank, models};

/// The order in which a reader reads: random, different for each reader and condition.
pub fn order(
    bank: &Bank,
    context: &RequestContext,
    id: ContentHash,
    reader: &str,
    condition: Condition,
    seed: u64,
) -> Result<Vec<String>> {
    authorize(bank, context, Action::BuildModel)?;
    let trial = Trial::open(bank, id)?;
    bank.research.audit(AuditEntry::new(
        context,
        "trial_order",
        record::key(id).to_string(),
    ));
    Ok(kura_trial::reading_order(
        &trial.cases,
        reader,
        condition,
        seed,
    ))
}

/// Counts an analysis; gives its number. From here on nobody reads.
fn count(bank: &Bank, context: &RequestContext, id: ContentHash) -> Result<u64> {
    let record = record::change(bank, context, id, "trial_analyse", Vec::new(), |record| {
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

/// Writes what became of an analysis beside its count.
fn settle(
    bank: &Bank,
    context: &RequestContext,
    id: ContentHash,
    number: u64,
    blobs: Vec<(ContentHash, u64)>,
    edit: impl FnOnce(&mut serde_json::Value),
) -> Result<()> {
    record::change(bank, context, id, "trial_analyse", blobs, |record| {
        if let Some(one) = record["analyses"]
            .as_array_mut()
            .and_then(|all| all.get_mut(number as usize - 1))
        {
            edit(one);
        }
    })
    .map(drop)
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
///
/// Without `readings` it takes what was read on the pages, without `answers` those that were
/// locked with the trial; a file in the place of either is refused.
pub fn analyse(
    bank: &Bank,
    context: &RequestContext,
    id: ContentHash,
    readings: Option<&Path>,
    answers: Option<&Path>,
    out: &Path,
) -> Result<Analysed> {
    authorize(bank, context, Action::BuildModel)?;
    if std::fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Error::conflict(format!(
            "{} is not empty; a report needs a folder of its own",
            out.display()
        )));
    }
    let trial = Trial::open(bank, id)?;
    if answers.is_some() && trial.answers.is_some() {
        return Err(Error::conflict(
            "the model's answers were locked with the trial; leave --answers away",
        ));
    }
    let given = readings
        .map(|path| read(path).and_then(|bytes| Readings::parse(&bytes)))
        .transpose()?;
    let answers = match (answers, &trial.answers) {
        (Some(path), _) => Some(read(path).and_then(|bytes| Answers::parse(&bytes))?),
        (None, locked) => locked.clone(),
    };
    if given.is_some() && !record::readings_of(bank, id)?.is_empty() {
        return Err(Error::conflict(
            "the trial was read on the pages; leave --readings away",
        ));
    }
    // Counted first: a result that somebody has seen is one that was looked at. And what is
    // analysed is what was read before, because nothing is read after.
    let analyses = count(bank, context, id)?;
    let analysed = match given {
        Some(given) => Ok(Some(given)),
        None => on_the_pages(bank, id),
    }
    .and_then(|readings| {
        kura_trial::analyse(
            &trial.protocol,
            &trial.cases,
            readings.as_ref(),
            answers.as_ref(),
        )
        .map_err(Error::from)
    });
    let result = match analysed {
        Ok(result) => result,
        Err(error) => {
            settle(bank, context, id, analyses, Vec::new(), |one| {
                one["refused"] = json!(true);
            })?;
            return Err(error);
        }
    };
    let kept = serde_json::to_vec_pretty(&result)
        .map_err(|error| Error::internal("a result cannot be written").because(error))?;
    // The reports as they are now: a later Kura may word them otherwise.
    let html = |lang| kura_trial::report_html(&result, lang).into_bytes();
    let (ja, en) = (html(Lang::Ja), html(Lang::En));
    let blobs = bank.research.blobs();
    let stored = [
        blobs.put(&kept[..])?,
        blobs.put(&ja[..])?,
        blobs.put(&en[..])?,
    ];
    settle(bank, context, id, analyses, stored.to_vec(), |one| {
        one["result"] = json!(stored[0].0);
        one["report"] = json!({ "ja": stored[1].0, "en": stored[2].0 });
        one["confirmatory"] = json!(result.verdict.confirmatory);
        one["met"] = json!(result.verdict.met);
    })?;
    std::fs::create_dir_all(out).map_err(|error| file_error(out, error))?;
    let markdown = |lang| kura_trial::report_markdown(&result, lang).into_bytes();
    for (name, bytes) in [
        ("result.json", kept),
        ("report.ja.html", ja),
        ("report.en.html", en),
        ("report.ja.md", markdown(Lang::Ja)),
        ("report.en.md", markdown(Lang::En)),
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

/// What was read on the pages, by the same way as a file; `None` where nothing was.
fn on_the_pages(bank: &Bank, id: ContentHash) -> Result<Option<Readings>> {
    let bytes = show::csv(bank, id)?;
    bytes.map(|bytes| Readings::parse(&bytes)).transpose()
}
