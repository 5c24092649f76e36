//! The list of waiting work, the most urgent first.
//!
//! Urgency is the probability in units of the model's threshold; waiting adds to it, so that
//! after [`DAYS_TO_THE_TOP`] days whoever waits stands beside those at the threshold, and nobody
//! starves. Work that no model could rank counts as at half the threshold.

use kura_fhir::{date, view};
use kura_model::{RequestContext, Result};
use kura_store::{AuditEntry, Predicate, Query};
use serde::Serialize;
use serde_json::Value;

use super::WORK;
use super::proposal::{self, reference};
use crate::access::{Action, authorize, reach};
use crate::models::registry;
use crate::patients::{self, Patient};
use crate::{Bank, imaging};

/// Waiting that weighs as much as reaching the threshold.
const DAYS_TO_THE_TOP: f64 = 1.0;

/// Why somebody stands where they stand.
#[derive(Debug, Clone, Serialize)]
pub struct Rank {
    pub probability: f64,
    /// At or above the model's threshold.
    pub high: bool,
    /// What spoke for and against it: `spo2 88 (+1.20)`.
    pub rationale: Vec<String>,
    /// When the case was: RFC 3339.
    pub when: String,
    /// `name@version`
    pub model: String,
}

#[derive(Debug, Clone)]
pub struct Entry {
    pub task: String,
    /// Version of the task, to be given back with the decision.
    pub version: u64,
    pub patient: Patient,
    /// What is foreseen, or the model's title.
    pub what: String,
    /// Name of the model that put the patient here.
    pub model: String,
    pub waiting_hours: f64,
    /// Absent where no model could say.
    pub rank: Option<Rank>,
    /// What a model has measured, where it measures: `白質の容積 / Volume of white matter`, `518.5 mL`.
    pub measured: Vec<(String, String)>,
    /// The proposal is about an image: its id, for the picture.
    pub picture: Option<String>,
    score: f64,
}

/// Everything that waits, ranked.
pub fn worklist(bank: &Bank, context: &RequestContext) -> Result<Vec<Entry>> {
    // What no doctor has judged yet is no patient's to read.
    authorize(bank, context, Action::ReadWorklist)?;
    let reach = reach(bank, context, Action::ReadClinical)?;
    bank.clinical
        .audit(AuditEntry::new(context, "worklist", ""));
    let query = Query::all("Task")
        .and(Predicate::Token {
            param: "Task.code".to_owned(),
            system: Some(Some(WORK.to_owned())),
            code: None,
        })
        .and(Predicate::Token {
            param: "Task.status".to_owned(),
            system: None,
            code: Some("requested".to_owned()),
        });
    // All of it is ranked before the first is shown.
    let mut versions = Vec::new();
    let mut after = None;
    loop {
        let page = reach.read(bank, |reader| reader.search(&query, after.as_ref(), 1_000))?;
        versions.extend(page.versions);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let now = registry::now();
    let mut out = Vec::with_capacity(versions.len());
    for version in versions {
        let task = imaging::decode(&version.body)?;
        let Some(patient) = reference(&task["for"]) else {
            continue;
        };
        let Some(patient) = reach
            .read(bank, |reader| reader.current(&patient))?
            .filter(|version| !version.deleted)
        else {
            continue;
        };
        let patient = patients::of(bank, &patient)?;
        let focus = match reference(&task["focus"]) {
            Some(key) => reach.read(bank, |reader| reader.current(&key))?,
            None => None,
        };
        let focus = focus
            .map(|version| imaging::decode(&version.body))
            .transpose()?;
        let rank = match &focus {
            Some(focus) => rank(bank, focus)?,
            None => None,
        };
        let measured = match &focus {
            Some(focus) => measured(bank, focus)?,
            None => Vec::new(),
        };
        let picture = focus
            .as_ref()
            .filter(|focus| !focus["basis"].is_null())
            .and_then(|focus| view::text(focus, "id"))
            .map(str::to_owned);
        let since = view::text(&task, "authoredOn")
            .and_then(date::range)
            .map_or(now, |(low, _)| low * 1000);
        let waiting_hours = (now - since).max(0) as f64 / 3_600_000.0;
        let urgency = rank.as_ref().map_or(0.5, |(rank, threshold)| {
            if *threshold > 0.0 {
                rank.probability / threshold
            } else {
                rank.probability
            }
        });
        let what = view::text(&task["code"], "text")
            .unwrap_or_default()
            .to_owned();
        out.push(Entry {
            task: version.key.id,
            version: version.version,
            patient,
            what,
            model: reference(&task["requester"])
                .and_then(|device| {
                    let name = device.id.strip_prefix("model-")?.rsplit_once('-')?.0;
                    Some(name.to_owned())
                })
                .unwrap_or_default(),
            waiting_hours,
            score: urgency + waiting_hours / 24.0 / DAYS_TO_THE_TOP,
            rank: rank.map(|(rank, _)| rank),
            measured,
            picture,
        });
    }
    out.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then_with(|| a.task.cmp(&b.task))
    });
    Ok(out)
}

/// What a report has measured.
fn measured(bank: &Bank, report: &Value) -> Result<Vec<(String, String)>> {
    Ok(proposal::results(bank, report)?
        .iter()
        .filter_map(|result| {
            let value = result["valueQuantity"]["value"].as_f64()?;
            let unit = view::text(&result["valueQuantity"], "unit").unwrap_or_default();
            Some((
                view::text(&result["code"], "text")?.to_owned(),
                format!("{value:.1} {unit}"),
            ))
        })
        .collect())
}

/// The proposal, and the threshold of the version that made it.
fn rank(bank: &Bank, risk: &Value) -> Result<Option<(Rank, f64)>> {
    let prediction = &risk["prediction"][0];
    let Some(probability) = prediction["probabilityDecimal"].as_f64() else {
        return Ok(None);
    };
    let model = view::text(&risk["method"], "text")
        .unwrap_or_default()
        .to_owned();
    let threshold = match model.parse::<registry::Which>() {
        Ok(which) => {
            let model = registry::find(bank, &which)?;
            registry::model_file(bank, &model)?.threshold
        }
        Err(_) => 0.5,
    };
    Ok(Some((
        Rank {
            probability,
            high: probability >= threshold,
            rationale: view::text(prediction, "rationale")
                .unwrap_or_default()
                .split("; ")
                .filter(|reason| !reason.is_empty())
                .map(str::to_owned)
                .collect(),
            when: view::text(risk, "occurrenceDateTime")
                .unwrap_or_default()
                .to_owned(),
            model,
        },
        threshold,
    )))
}
