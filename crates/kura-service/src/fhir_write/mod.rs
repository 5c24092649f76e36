//! The FHIR write side: create, update, patch, delete, their conditional forms, batch and
//! transaction. FHIR R4 http.html.
//!
//! Each write is decided under [`Bank::writing`] on the state it will meet, and the commit
//! carries what it was decided on as [`kura_store::Expect`]: if somebody wrote in between all
//! the same, it is decided again.

mod bundle;
mod check;
mod condition;
mod criteria;
mod entry;
mod plan;
mod response;

pub use bundle::bundle;
pub use condition::{Condition, Tags};
pub use criteria::Criteria;
pub use response::Returning;

use kura_fhir::patch::Patch;
use kura_fhir::resource;
use kura_model::{Category, Error, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, Commit, Expect};
use serde_json::Value;

use crate::Bank;
use crate::access::{Action, authorize};
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
}

/// How often a write that lost a race is decided anew.
const TRIES: u32 = 8;
/// Resources one conditional delete may take, where several are allowed.
const DELETED_AT_MOST: u32 = 10_000;

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
    action: &'static str,
    target: &str,
    mut decide: impl FnMut() -> Result<Planned>,
) -> Result<Vec<Written>> {
    let refused = |error: Error| {
        bank.clinical
            .audit(AuditEntry::new(context, action, target).outcome("refused"));
        error
    };
    let mut tries = 0;
    loop {
        let _writing = bank.writing()?;
        let mut planned = decide().map_err(refused)?;
        let writes: Vec<_> = planned
            .plans
            .iter_mut()
            .filter_map(|plan| plan.write.take())
            .collect();
        let audit = audit(context, action, target, &planned.plans);
        if writes.is_empty() {
            // Nothing to make durable: the note goes with those of reads.
            bank.clinical.audit(audit);
            return Ok(planned.plans.into_iter().map(|plan| plan.done(0)).collect());
        }
        let mut expect = planned.expect;
        expect.extend(planned.plans.iter().map(|plan| plan.expect.clone()));
        let done = bank.clinical.commit(Commit {
            expect,
            writes,
            audit: vec![audit],
            ..Commit::default()
        });
        match done {
            Ok(receipt) => {
                return Ok(planned
                    .plans
                    .into_iter()
                    .map(|plan| plan.done(receipt.at))
                    .collect());
            }
            Err(error) if error.category == Category::Precondition && tries + 1 < TRIES => {
                tries += 1;
            }
            Err(error) if error.category == Category::Precondition => {
                return Err(refused(Error::conflict(
                    "others keep writing what this depends on; try again",
                )));
            }
            Err(error) => return Err(error),
        }
    }
}

/// One record, which names what was written: type and id, no content.
fn audit(
    context: &RequestContext,
    action: &'static str,
    target: &str,
    plans: &[Plan],
) -> AuditEntry {
    match plans {
        [plan] => AuditEntry::new(context, action, plan.key.to_string()),
        plans => {
            let written: Vec<String> = plans.iter().map(|plan| plan.key.to_string()).collect();
            AuditEntry::new(context, action, target)
                .detail(serde_json::json!({ "records": written }).to_string())
        }
    }
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

/// FHIR R4 http.html#create and, with criteria, #ccreate. An id in the body does not count.
///
/// # Errors
/// `Precondition` if several resources match the criteria; `Invalid`, `Unprocessable` for the
/// body.
pub fn create(
    bank: &Bank,
    context: &RequestContext,
    kind: &str,
    body: &[u8],
    if_none_exist: Option<Vec<(String, String)>>,
) -> Result<Written> {
    authorize(context, Action::WriteClinical)?;
    let kind = check::kind(kind)?;
    let value = check::parse(kind, body)?;
    let criteria = if_none_exist
        .map(|params| Criteria::new(kind, params))
        .transpose()?;
    create_value(bank, context, kind, value, criteria.as_ref())
}

fn create_value(
    bank: &Bank,
    context: &RequestContext,
    kind: &'static str,
    value: Value,
    criteria: Option<&Criteria>,
) -> Result<Written> {
    let mut sound = Some(check::sound(resource::with_id(value.clone(), &new_id()?))?);
    let written = write(bank, context, "fhir_create", kind, || {
        let mut expect = Vec::new();
        if let Some(criteria) = criteria {
            let matches = criteria.matches(bank, 2)?;
            match &matches.keys[..] {
                [] => expect.push(matches.expect),
                [found] => return plan::keep(bank, found).map(Planned::from),
                _ => return Err(criteria::several()),
            }
        }
        let sound = match sound.take() {
            Some(sound) => sound,
            None => check::sound(resource::with_id(value.clone(), &new_id()?))?,
        };
        let plan = plan::put(bank, sound, &Condition::default())?;
        Ok(Planned {
            plans: vec![plan],
            expect,
        })
    })?;
    single(written)
}

/// FHIR R4 http.html#update, also as a create with the client's id (#upsert).
pub fn update(
    bank: &Bank,
    context: &RequestContext,
    kind: &str,
    id: &str,
    body: &[u8],
    condition: &Condition,
) -> Result<Written> {
    authorize(context, Action::WriteClinical)?;
    let kind = check::kind(kind)?;
    check::id(kind, id)?;
    let value = check::parse(kind, body)?;
    update_value(bank, context, &RecordKey::new(kind, id), value, condition)
}

fn update_value(
    bank: &Bank,
    context: &RequestContext,
    key: &RecordKey,
    value: Value,
    condition: &Condition,
) -> Result<Written> {
    check::same_id(&key.kind, &key.id, &value)?;
    let mut sound = Some(check::sound(value.clone())?);
    let written = write(bank, context, "fhir_update", &key.to_string(), || {
        let sound = match sound.take() {
            Some(sound) => sound,
            None => check::sound(value.clone())?,
        };
        plan::put(bank, sound, condition).map(Planned::from)
    })?;
    single(written)
}

/// FHIR R4 http.html#cond-update.
pub fn update_conditional(
    bank: &Bank,
    context: &RequestContext,
    kind: &str,
    params: Vec<(String, String)>,
    body: &[u8],
    condition: &Condition,
) -> Result<Written> {
    authorize(context, Action::WriteClinical)?;
    let kind = check::kind(kind)?;
    let value = check::parse(kind, body)?;
    let criteria = Criteria::new(kind, params)?;
    update_where(bank, context, &criteria, value, condition)
}

fn update_where(
    bank: &Bank,
    context: &RequestContext,
    criteria: &Criteria,
    value: Value,
    condition: &Condition,
) -> Result<Written> {
    let fresh = new_id()?;
    let written = write(bank, context, "fhir_update", criteria.kind, || {
        let (id, expect) = update_target(bank, criteria, &value, &fresh)?;
        let sound = check::sound(resource::with_id(value.clone(), &id))?;
        Ok(Planned {
            plans: vec![plan::put(bank, sound, condition)?],
            expect: vec![expect],
        })
    })?;
    single(written)
}

/// The table of FHIR R4 http.html#cond-update: how many match, by whether the body has an id.
fn update_target(
    bank: &Bank,
    criteria: &Criteria,
    value: &Value,
    fresh: &str,
) -> Result<(String, Expect)> {
    let kind = criteria.kind;
    let given = match value.get("id") {
        None => None,
        Some(Value::String(id)) => {
            check::id(kind, id)?;
            Some(id.as_str())
        }
        Some(_) => return Err(Error::invalid("the id is no string").at(format!("{kind}.id"))),
    };
    let matches = criteria.matches(bank, 2)?;
    let id = match (&matches.keys[..], given) {
        ([], None) => fresh.to_owned(),
        ([], Some(id)) => {
            let key = RecordKey::new(kind, id);
            let there = plan::current(bank, &key)?.is_some_and(|version| !version.deleted);
            if there {
                // R5 says so in words; R4 calls it a create, which this would not be.
                return Err(Error::conflict(
                    "the resource of the body's id does not match the criteria",
                )
                .at(format!("{kind}.id")));
            }
            id.to_owned()
        }
        ([found], None) => found.id.clone(),
        ([found], Some(id)) if found.id == id => found.id.clone(),
        ([_], Some(_)) => {
            return Err(Error::invalid(
                "the id of the body is not that of the resource that matches",
            )
            .coded("value")
            .at(format!("{kind}.id")));
        }
        _ => return Err(criteria::several()),
    };
    Ok((id, matches.expect))
}

/// FHIR R4 http.html#patch with JSON Patch (RFC 6902).
///
/// # Errors
/// `Unprocessable` if a `test` fails or a path leads nowhere; `NotFound`, `Gone`.
pub fn patch(
    bank: &Bank,
    context: &RequestContext,
    kind: &str,
    id: &str,
    body: &[u8],
    condition: &Condition,
) -> Result<Written> {
    authorize(context, Action::WriteClinical)?;
    let kind = check::kind(kind)?;
    check::id(kind, id)?;
    let patch = Patch::parse(body)?;
    patch_key(bank, context, &RecordKey::new(kind, id), &patch, condition)
}

fn patch_key(
    bank: &Bank,
    context: &RequestContext,
    key: &RecordKey,
    patch: &Patch,
    condition: &Condition,
) -> Result<Written> {
    let written = write(bank, context, "fhir_patch", &key.to_string(), || {
        check::not_reserved(key)?;
        let (value, expect) = plan::patched(bank, key, patch, condition)?;
        plan::put_patched(bank, value, expect).map(Planned::from)
    })?;
    single(written)
}

/// FHIR R4 http.html#patch, conditional.
pub fn patch_conditional(
    bank: &Bank,
    context: &RequestContext,
    kind: &str,
    params: Vec<(String, String)>,
    body: &[u8],
    condition: &Condition,
) -> Result<Written> {
    authorize(context, Action::WriteClinical)?;
    let kind = check::kind(kind)?;
    let patch = Patch::parse(body)?;
    let criteria = Criteria::new(kind, params)?;
    patch_where(bank, context, &criteria, &patch, condition)
}

fn patch_where(
    bank: &Bank,
    context: &RequestContext,
    criteria: &Criteria,
    patch: &Patch,
    condition: &Condition,
) -> Result<Written> {
    let written = write(bank, context, "fhir_patch", criteria.kind, || {
        let (key, expect) = only(bank, criteria)?;
        check::not_reserved(&key)?;
        let (value, newest) = plan::patched(bank, &key, patch, condition)?;
        Ok(Planned {
            plans: vec![plan::put_patched(bank, value, newest)?],
            expect: vec![expect],
        })
    })?;
    single(written)
}

/// The one resource that matches.
fn only(bank: &Bank, criteria: &Criteria) -> Result<(RecordKey, Expect)> {
    let matches = criteria.matches(bank, 2)?;
    match &matches.keys[..] {
        [] => Err(Error::not_found("no resource matches the criteria")),
        [found] => Ok((found.clone(), matches.expect)),
        _ => Err(criteria::several()),
    }
}

/// FHIR R4 http.html#delete.
pub fn delete(
    bank: &Bank,
    context: &RequestContext,
    kind: &str,
    id: &str,
    condition: &Condition,
) -> Result<Written> {
    authorize(context, Action::WriteClinical)?;
    let kind = check::kind(kind)?;
    check::id(kind, id)?;
    delete_key(bank, context, &RecordKey::new(kind, id), condition)
}

fn delete_key(
    bank: &Bank,
    context: &RequestContext,
    key: &RecordKey,
    condition: &Condition,
) -> Result<Written> {
    let written = write(bank, context, "fhir_delete", &key.to_string(), || {
        check::not_reserved(key)?;
        plan::delete(bank, key, condition).map(Planned::from)
    })?;
    single(written)
}

/// FHIR R4 http.html#3.1.0.7.1: conditional delete. Several matches are taken only where
/// `fhir.delete_multiple` is set; else `Precondition`.
pub fn delete_conditional(
    bank: &Bank,
    context: &RequestContext,
    kind: &str,
    params: Vec<(String, String)>,
    condition: &Condition,
) -> Result<Vec<Written>> {
    authorize(context, Action::WriteClinical)?;
    let kind = check::kind(kind)?;
    let criteria = Criteria::new(kind, params)?;
    delete_where(bank, context, &criteria, condition)
}

fn delete_where(
    bank: &Bank,
    context: &RequestContext,
    criteria: &Criteria,
    condition: &Condition,
) -> Result<Vec<Written>> {
    write(bank, context, "fhir_delete", criteria.kind, || {
        let (keys, expect) = delete_targets(bank, criteria)?;
        let plans = keys
            .iter()
            .map(|key| {
                check::not_reserved(key)?;
                plan::delete(bank, key, condition)
            })
            .collect::<Result<_>>()?;
        Ok(Planned {
            plans,
            expect: vec![expect],
        })
    })
}

fn delete_targets(bank: &Bank, criteria: &Criteria) -> Result<(Vec<RecordKey>, Expect)> {
    let limit = if bank.config.fhir.delete_multiple {
        DELETED_AT_MOST
    } else {
        1
    };
    let matches = criteria.matches(bank, limit + 1)?;
    if matches.keys.len() > limit as usize {
        return Err(criteria::several());
    }
    Ok((matches.keys, matches.expect))
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
