//! The FHIR write side: create, update, patch, delete, their conditional forms, batch and
//! transaction. FHIR R4 http.html.
//!
//! Each write is decided under [`Bank::writing`] on the state it will meet, and the commit
//! carries what it was decided on as [`kura_store::Expect`]: if somebody wrote in between all
//! the same, it is decided again.

mod bundle;
mod check;
mod condition;
mod create;
mod criteria;
mod delete;
mod entry;
mod patch;
mod plan;
mod response;
mod together;
mod transaction;
mod update;

pub use bundle::bundle;
pub use condition::{Condition, Tags};
pub use create::create;
pub use criteria::Criteria;
pub use delete::{delete, delete_conditional};
pub use patch::{patch, patch_conditional};
pub use response::Returning;
pub use update::{update, update_conditional};

use kura_model::{Category, Error, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, Commit, Expect, Within, Write};
use kura_validation::{Outcome, Verdict};

use serde_json::{Value, json};

use crate::access::Reach;
use crate::{Bank, imaging_study, subscription};
use plan::Plan;

/// What became of one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Created,
    Updated,
    /// It had this content already; no version was written.
    Unchanged,
    /// A conditional create found it.
    Found,
    Deleted,
    /// There was nothing to delete.
    Absent,
}

/// One resource after a write.
#[derive(Debug)]
pub struct Written {
    pub key: RecordKey,
    /// 0 if there never was one.
    pub version: u64,
    /// Milliseconds since 1970.
    pub last_updated: i64,
    pub what: What,
    /// As a read gives it; empty after a deletion.
    pub body: Vec<u8>,
    /// What validation found, where the type is validated on write.
    pub findings: Option<Outcome>,
}

/// How often a write that lost a race is decided anew.
const TRIES: u32 = 8;

/// A part of a commit, several of them one transaction.
#[derive(Default)]
struct Planned {
    plans: Vec<Plan>,
    expect: Vec<Expect>,
}

impl From<Plan> for Planned {
    fn from(plan: Plan) -> Self {
        Self {
            plans: vec![plan],
            expect: Vec::new(),
        }
    }
}

/// Decides and commits; decides again if the commit met another state than the decision. A
/// refusal leaves an audit record too.
fn write(
    bank: &Bank,
    context: &RequestContext,
    reach: &Reach,
    action: &'static str,
    target: &str,
    mut decide: impl FnMut() -> Result<Planned>,
) -> Result<Vec<Written>> {
    let mut tries = 0;
    loop {
        let _writing = bank.writing()?;
        let (plans, commit) = decided(bank, context, reach, action, target, &mut decide)?;
        let Some(commit) = commit else {
            return Ok(plans.into_iter().map(|plan| plan.done(0)).collect());
        };
        match bank.clinical.commit(commit) {
            Ok(receipt) => {
                return Ok(plans
                    .into_iter()
                    .map(|plan| plan.done(receipt.at))
                    .collect());
            }
            Err(error) if error.category == Category::Precondition && tries + 1 < TRIES => {
                tries += 1;
            }
            Err(error) if error.category == Category::Precondition => {
                note_refused(bank, context, action, target);
                return Err(Error::conflict(
                    "others keep writing what this depends on; try again",
                ));
            }
            Err(error) => {
                note_refused(bank, context, action, target);
                return Err(error);
            }
        }
    }
}

/// What is to be done, and the commit that does it; none if nothing has to be made durable.
fn decided(
    bank: &Bank,
    context: &RequestContext,
    reach: &Reach,
    action: &'static str,
    target: &str,
    decide: impl FnOnce() -> Result<Planned>,
) -> Result<(Vec<Plan>, Option<Commit>)> {
    let refused = |error: Error| {
        note_refused(bank, context, action, target);
        error
    };
    let Planned {
        mut plans,
        mut expect,
    } = decide().map_err(refused)?;
    for plan in &plans {
        if let Some(write) = &plan.write
            && reach.is_limited()
            && registers(write)
        {
            return Err(refused(Error::forbidden(
                "who a patient is, and whose images and files are whose, is written by a data manager",
            )));
        }
        if let Some(Write::Put(put)) = &plan.write
            && put.key.kind == "Subscription"
        {
            subscription::acceptable(bank, context, &put.body).map_err(refused)?;
        }
    }
    let mut writes: Vec<_> = plans
        .iter_mut()
        .filter_map(|plan| plan.write.take())
        .collect();
    let mut audit = vec![audit(context, action, target, &plans)];
    if writes.is_empty() {
        // The note goes with those of reads.
        for entry in audit {
            bank.clinical.audit(entry);
        }
        return Ok((plans, None));
    }
    expect.extend(plans.iter().map(|plan| plan.expect.clone()));
    let within = reach.of_store().map(|reach| Within {
        reach,
        writes: writes.len(),
    });
    // Images that came before their order.
    for linked in imaging_study::ordered(bank, &writes)? {
        let study = linked.put.key.to_string();
        audit.push(AuditEntry::new(context, "order_link", study));
        expect.push(linked.expect);
        writes.push(Write::Put(linked.put));
    }
    let commit = Commit {
        expect,
        within,
        writes,
        audit,
        ..Commit::default()
    };
    Ok((plans, Some(commit)))
}

/// Whether a write says who somebody is, or whose a file of the bank is: by that others are linked
/// with records, and get to see them.
fn registers(write: &Write) -> bool {
    match write {
        Write::Delete(key) => ["Patient", "ImagingStudy"].contains(&key.kind.as_str()),
        Write::Put(put) => {
            ["Patient", "ImagingStudy"].contains(&put.key.kind.as_str())
                || put.body.windows(9).any(|word| word == b"urn:kura:")
        }
    }
}

fn note_refused(bank: &Bank, context: &RequestContext, action: &'static str, target: &str) {
    bank.clinical
        .audit(AuditEntry::new(context, action, target).outcome("refused"));
}

/// One record, which names what was written: type and id, no content.
fn audit(
    context: &RequestContext,
    action: &'static str,
    target: &str,
    plans: &[Plan],
) -> AuditEntry {
    let mut detail = serde_json::Map::new();
    let target = match plans {
        [plan] => plan.key.to_string(),
        plans => {
            let written: Vec<String> = plans.iter().map(|plan| plan.key.to_string()).collect();
            detail.insert("records".to_owned(), written.into());
            target.to_owned()
        }
    };
    let broken: Vec<Value> = plans.iter().filter_map(broken).collect();
    if !broken.is_empty() {
        detail.insert("broken".to_owned(), broken.into());
    }
    let entry = AuditEntry::new(context, action, target);
    if detail.is_empty() {
        entry
    } else {
        entry.detail(Value::Object(detail).to_string())
    }
}

/// The most rules that one audit record names.
const RULES: usize = 5;

/// A record that is written although it breaks rules, and the first of them.
fn broken(plan: &Plan) -> Option<Value> {
    let found = plan.findings.as_ref()?;
    if !plan.is_change() || found.verdict() != Verdict::Fail {
        return None;
    }
    let rules = found.errors().take(RULES).map(|issue| issue.rule.as_str());
    let rules: Vec<&str> = rules.collect();
    let count = found.errors().count();
    tracing::warn!(
        kind = plan.key.kind,
        errors = count,
        "written although it breaks rules"
    );
    Some(json!({ "record": plan.key.to_string(), "errors": count, "rules": rules }))
}

fn single(written: Vec<Written>) -> Result<Written> {
    written
        .into_iter()
        .next()
        .ok_or_else(|| Error::internal("a write came to nothing"))
}

/// A new id. A UUID of version 7 (RFC 9562 section 5.7): neighbours in time are neighbours in
/// the index.
fn new_id() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::internal("the system gives no random numbers").because(error))?;
    let millis = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as u64);
    bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    bytes[6] = 0x70 | bytes[6] & 0x0F;
    bytes[8] = 0x80 | bytes[8] & 0x3F;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    ))
}

#[cfg(test)]
mod tests {
    use super::new_id;

    #[test]
    fn new_ids_are_uuids_of_version_7_and_sort_by_time() {
        let first = new_id().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(3));
        let second = new_id().unwrap();
        assert!(kura_fhir::resource::is_id(&first) && first < second);
        assert_eq!((first.len(), &first[14..15]), (36, "7"));
        assert!(matches!(&first[19..20], "8" | "9" | "a" | "b"));
    }
}
