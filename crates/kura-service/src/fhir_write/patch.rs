//! Patch, by id or by criteria.

use kura_fhir::patch::{Language, Patch};
use kura_model::{Error, RecordKey, RequestContext, Result};
use kura_store::Expect;
use serde_json::Value;

use super::{Condition, Criteria, Planned, Written, check, criteria, plan, single, write};
use crate::Bank;
use crate::access::{Action, Reach, reach};
use crate::validation::on_write::{Judge, Judgement};

/// FHIR R4 http.html#patch with JSON Patch (RFC 6902) or FHIRPath Patch (fhirpatch.html).
///
/// # Errors
/// `Unprocessable` if a `test` fails or a path leads nowhere; `NotFound`, `Gone`.
pub fn patch(
    bank: &Bank,
    context: &RequestContext,
    kind: &str,
    id: &str,
    (body, language): (&[u8], Language),
    condition: &Condition,
) -> Result<Written> {
    let reach = reach(bank, context, Action::WriteClinical)?;
    let kind = check::kind(kind)?;
    check::id(kind, id)?;
    let patch = Patch::parse(body, language)?;
    patch_key(
        bank,
        context,
        &reach,
        &RecordKey::new(kind, id),
        &patch,
        condition,
    )
}

pub(super) fn patch_key(
    bank: &Bank,
    context: &RequestContext,
    reach: &Reach,
    key: &RecordKey,
    patch: &Patch,
    condition: &Condition,
) -> Result<Written> {
    let foreseen = Foreseen::of(bank, reach, key, patch)?;
    let written = write(bank, context, reach, "fhir_patch", &key.to_string(), || {
        check::not_reserved(key)?;
        let (value, expect) = plan::patched(bank, reach, key, patch, condition)?;
        let judged = foreseen.judge(&value);
        let plan = plan::put_patched(bank, reach, value, expect)?;
        plan.judged(&judged).map(Planned::from)
    })?;
    single(written)
}

/// FHIR R4 http.html#patch, conditional.
pub fn patch_conditional(
    bank: &Bank,
    context: &RequestContext,
    kind: &str,
    params: Vec<(String, String)>,
    (body, language): (&[u8], Language),
    condition: &Condition,
) -> Result<Written> {
    let reach = reach(bank, context, Action::WriteClinical)?;
    let kind = check::kind(kind)?;
    let patch = Patch::parse(body, language)?;
    let criteria = Criteria::new(kind, params)?;
    patch_where(bank, context, &reach, &criteria, &patch, condition)
}

pub(super) fn patch_where(
    bank: &Bank,
    context: &RequestContext,
    reach: &Reach,
    criteria: &Criteria,
    patch: &Patch,
    condition: &Condition,
) -> Result<Written> {
    let foreseen = match only(bank, reach, criteria) {
        Ok((key, _)) => Foreseen::of(bank, reach, &key, patch)?,
        Err(_) => Foreseen::nothing(bank)?,
    };
    let written = write(bank, context, reach, "fhir_patch", criteria.kind, || {
        let (key, expect) = only(bank, reach, criteria)?;
        check::not_reserved(&key)?;
        let (value, newest) = plan::patched(bank, reach, &key, patch, condition)?;
        let judged = foreseen.judge(&value);
        Ok(Planned {
            plans: vec![plan::put_patched(bank, reach, value, newest)?.judged(&judged)?],
            expect: vec![expect],
        })
    })?;
    single(written)
}

/// What a patch will make of a resource unless somebody writes it in between, judged before the
/// writing lock.
struct Foreseen {
    judge: Judge,
    seen: Option<(Value, Judgement)>,
}

impl Foreseen {
    fn of(bank: &Bank, reach: &Reach, key: &RecordKey, patch: &Patch) -> Result<Self> {
        let judge = Judge::of(bank)?;
        let seen = if judge.looks_at(&key.kind) {
            // What is wrong with the patch itself is said under the lock.
            plan::patched(bank, reach, key, patch, &Condition::default()).ok()
        } else {
            None
        };
        let seen = seen.map(|(value, _)| {
            let judged = judge.resource(&value);
            (value, judged)
        });
        Ok(Self { judge, seen })
    }

    fn nothing(bank: &Bank) -> Result<Self> {
        let judge = Judge::of(bank)?;
        Ok(Self { judge, seen: None })
    }

    fn judge(&self, value: &Value) -> Judgement {
        match &self.seen {
            Some((seen, judged)) if seen == value => judged.clone(),
            _ => self.judge.resource(value),
        }
    }
}

/// The one resource that matches.
pub(super) fn only(bank: &Bank, reach: &Reach, criteria: &Criteria) -> Result<(RecordKey, Expect)> {
    let matches = criteria.matches(bank, reach, 2)?;
    match &matches.keys[..] {
        [] => Err(Error::not_found("no resource matches the criteria")),
        [found] => Ok((found.clone(), matches.expect)),
        _ => Err(criteria::several()),
    }
}
