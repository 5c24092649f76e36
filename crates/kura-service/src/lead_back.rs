//! From a stand-in back to the patient: of data sets whose policy lets it, by an account of the
//! role for it, with a reason, and noted before the answer.
//!
//! Of 仮名加工情報 and 匿名加工情報 the law forbids it (個人情報保護法41条7項, 43条5項, 45条), and
//! there is no way to ask: the policy says so, and no other code computes a pseudonym for anyone.

use kura_deid::keys::ProjectKey;
use kura_model::{Category, Error, RecordKey, RequestContext, Result, Role};
use kura_store::{AuditEntry, Commit, Query};
use serde::Serialize;

use crate::access::{Action, authorize};
use crate::{Bank, deid_policy, kind};

/// Letters of a reason at least: a word says nothing to whoever reads the audit trail.
const REASON_FROM: usize = 10;
const REASON_AT_MOST: usize = 1000;
/// Stand-ins of one request. It is for the few of whom something must be told.
pub const AT_MOST: usize = 100;
/// Patients read at a time.
const PAGE: u32 = 1000;

/// A stand-in and whose it is.
#[derive(Debug, Serialize)]
pub struct Led {
    pub pseudonym: String,
    /// `Patient/…` of this bank; none where no patient of the bank has this stand-in in the project.
    pub patient: Option<String>,
}

/// The patients whose stand-ins these are in the sets of a project under a policy.
///
/// # Errors
/// `Forbidden` for whoever is not signed in as an account of the role, and under a policy that does
/// not let it. Nothing is answered that could not be noted first.
pub fn lead_back(
    bank: &Bank,
    context: &RequestContext,
    (project, policy): (&str, &str),
    pseudonyms: &[String],
    reason: &str,
) -> Result<Vec<Led>> {
    let target = format!("{project} {policy}");
    let found = decide(bank, context, (project, policy), pseudonyms, reason);
    let entry = AuditEntry::new(context, "deid_lead_back", target);
    let entry = match &found {
        Ok((_, reason)) => entry
            .detail(serde_json::json!({ "reason": reason, "pseudonyms": pseudonyms }).to_string()),
        Err(_) => entry.outcome("refused"),
    };
    // In the zone of identities: what was asked tells who takes part in what.
    bank.identity.commit(Commit {
        audit: vec![entry],
        ..Commit::default()
    })?;
    let (key, _) = found?;
    search(bank, &key, pseudonyms)
}

fn decide(
    bank: &Bank,
    context: &RequestContext,
    (project, policy): (&str, &str),
    pseudonyms: &[String],
    reason: &str,
) -> Result<(ProjectKey, String)> {
    // The one person of a bank without accounts may do everything else.
    if context.actor.role == Role::SingleUser {
        return Err(Error::new(
            Category::Forbidden,
            "a stand-in is led back by a person with an account of the role data-manager, nobody else",
        ));
    }
    authorize(bank, context, Action::LeadBack)?;
    let policy = deid_policy::named(bank, policy)?;
    if !policy.reversible {
        return Err(Error::new(
            Category::Forbidden,
            format!(
                "no set under {} is ever led back to persons: {}",
                policy.id,
                match policy.id.as_str() {
                    "kamei" => "個人情報保護法 41条7項",
                    "tokumei" => "個人情報保護法 43条5項, 45条",
                    _ => "the policy does not let it",
                }
            ),
        ));
    }
    let reason = reason.trim();
    if !(REASON_FROM..=REASON_AT_MOST).contains(&reason.chars().count()) {
        return Err(Error::invalid(format!(
            "the reason has {REASON_FROM} to {REASON_AT_MOST} letters; it stays in the audit trail"
        )));
    }
    if pseudonyms.is_empty() || pseudonyms.len() > AT_MOST {
        return Err(Error::invalid(format!("1 to {AT_MOST} stand-ins at once")));
    }
    let is_one = |text: &String| {
        text.len() == 32
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    if let Some(at) = pseudonyms.iter().position(|one| !is_one(one)) {
        return Err(Error::invalid(format!(
            "stand-in {}: it has 32 digits and letters a to f, as Patient.id and patient_id of a set have",
            at + 1
        )));
    }
    let key = bank
        .stored_secret(&RecordKey::new(kind::PROJECT_KEY, project))?
        .ok_or_else(|| Error::not_found("no set of this project was ever built"))?;
    Ok((ProjectKey::new(key).under(&policy.id), reason.to_owned()))
}

/// Pseudonyms are keyed hashes: those of all patients are made again and compared.
fn search(bank: &Bank, key: &ProjectKey, pseudonyms: &[String]) -> Result<Vec<Led>> {
    let mut out: Vec<Led> = pseudonyms
        .iter()
        .map(|one| Led {
            pseudonym: one.clone(),
            patient: None,
        })
        .collect();
    let mut after = None;
    loop {
        let page = bank
            .clinical
            .read(|reader| reader.search(&Query::all("Patient"), after.as_ref(), PAGE))?;
        for version in &page.versions {
            let made = key.pseudonym("Patient", &version.key.id);
            for led in out.iter_mut().filter(|led| led.pseudonym == made) {
                led.patient = Some(version.key.to_string());
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(out),
        }
    }
}
