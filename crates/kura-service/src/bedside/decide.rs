//! The doctor decides: an answer is a proposal until somebody has judged it.

use kura_fhir::date;
use kura_model::{Category, Error, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, Commit};
use serde::Deserialize;
use serde_json::json;

use super::proposal::{extend, put, reference, results};
use crate::access::{Action, authorize, reach};
use crate::models::registry;
use crate::{Bank, imaging, import};

/// What the doctor made of a proposal. 医師法17条.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    Accept,
    /// It is right in part; the note says what is.
    Correct,
    Reject,
}

impl Decision {
    pub fn as_str(self) -> &'static str {
        match self {
            Decision::Accept => "accepted",
            Decision::Correct => "corrected",
            Decision::Reject => "rejected",
        }
    }

    /// `RiskAssessment.status`, `DiagnosticReport.status`, <https://hl7.org/fhir/R4/valueset-observation-status.html>.
    fn status(self) -> &'static str {
        match self {
            Decision::Accept => "final",
            Decision::Correct => "corrected",
            Decision::Reject => "cancelled",
        }
    }
}

/// `extension` of the decision.
const DECISION: &str = "urn:kura:decision";

/// Takes a patient off the list with a decision on the proposal; without a proposal (`unranked`)
/// the work is done.
///
/// # Errors
/// `Conflict` where somebody has decided, or the proposal has changed since it was shown
/// (`shown` is its version then).
pub fn decide(
    bank: &Bank,
    context: &RequestContext,
    task_id: &str,
    shown: u64,
    decision: Decision,
    note: &str,
) -> Result<()> {
    authorize(bank, context, Action::Decide)?;
    let reach = reach(bank, context, Action::WriteClinical)?;
    let note = note.trim();
    if decision == Decision::Correct && note.is_empty() {
        return Err(Error::invalid("a correction says what is right"));
    }
    if note.chars().count() > 2_000 {
        return Err(Error::invalid("a note has at most 2,000 characters"));
    }
    let key = RecordKey::new("Task", task_id);
    // What the bank itself wrote, and nobody else can have written: what it points at is trusted.
    if !import::reserved(&key.kind, &key.id) {
        return Err(Error::not_found("there is no such work"));
    }
    let _writing = bank.writing()?;
    let found = reach
        .read(bank, |reader| reader.current(&key))?
        .filter(|version| !version.deleted)
        .ok_or_else(|| Error::not_found("there is no such work"))?;
    let mut task = imaging::decode(&found.body)?;
    if task["status"] != "requested" || found.version != shown {
        return Err(Error::new(
            Category::Conflict,
            "this has changed since it was shown: somebody has decided, or newer data have arrived",
        ));
    }
    let now = date::instant(registry::now());
    let who = &context.actor.name;
    task["status"] = json!("completed");
    task["lastModified"] = json!(now);
    let mut writes = Vec::new();
    let mut about = key.to_string();
    if let Some(focus) = reference(&task["focus"]) {
        let version = bank
            .clinical
            .read(|reader| reader.current(&focus))?
            .ok_or_else(|| Error::internal("a task's proposal is gone"))?;
        let mut proposal = imaging::decode(&version.body)?;
        proposal["status"] = json!(decision.status());
        let mut said = vec![
            json!({ "url": "decision", "valueCode": decision.as_str() }),
            json!({ "url": "who", "valueString": who }),
            json!({ "url": "when", "valueDateTime": now }),
        ];
        if !note.is_empty() {
            said.push(json!({ "url": "note", "valueString": note }));
        }
        extend(
            &mut proposal,
            vec![json!({ "url": DECISION, "extension": said })],
        );
        about = focus.to_string();
        writes.push(put(
            bank,
            json!({
                "resourceType": "Provenance",
                "id": format!("decided-{}", focus.id),
                "target": [{ "reference": focus.to_string() }],
                "recorded": now,
                "reason": [{ "text": if note.is_empty() { decision.as_str() } else { note } }],
                "activity": { "text": decision.as_str() },
                "agent": [{ "who": { "display": who } }],
            }),
        )?);
        // What was measured stands and falls with its report.
        for mut result in results(bank, &proposal)? {
            // What was corrected is not as it was measured; what is right stands in the note.
            result["status"] = json!(match decision {
                Decision::Accept => Decision::Accept.status(),
                Decision::Correct | Decision::Reject => Decision::Reject.status(),
            });
            writes.push(put(bank, result)?);
        }
        writes.push(put(bank, proposal)?);
    } else {
        extend(
            &mut task,
            vec![json!({ "url": DECISION, "extension": [
                { "url": "decision", "valueCode": "seen" },
                { "url": "who", "valueString": who },
                { "url": "when", "valueDateTime": now },
            ] })],
        );
    }
    writes.push(put(bank, task)?);
    bank.clinical
        .commit(Commit {
            writes,
            audit: vec![
                AuditEntry::new(context, "model_decide", about)
                    .detail(json!({ "decision": decision.as_str() }).to_string()),
            ],
            ..Commit::default()
        })
        .map(drop)
}
