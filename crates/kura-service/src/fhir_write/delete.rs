//! Delete, by id or by criteria. The versions before stay readable.

use kura_model::{RecordKey, RequestContext, Result};
use kura_store::Expect;

use super::{Condition, Criteria, Planned, Written, check, criteria, plan, single, write};
use crate::Bank;
use crate::access::{Action, Reach, reach};

/// Resources one conditional delete may take, where several are allowed.
const DELETED_AT_MOST: u32 = 10_000;

/// FHIR R4 http.html#delete.
pub fn delete(
    bank: &Bank,
    context: &RequestContext,
    kind: &str,
    id: &str,
    condition: &Condition,
) -> Result<Written> {
    let reach = reach(bank, context, Action::WriteClinical)?;
    let kind = check::kind(kind)?;
    check::id(kind, id)?;
    delete_key(bank, context, &reach, &RecordKey::new(kind, id), condition)
}

pub(super) fn delete_key(
    bank: &Bank,
    context: &RequestContext,
    reach: &Reach,
    key: &RecordKey,
    condition: &Condition,
) -> Result<Written> {
    let written = write(
        bank,
        context,
        reach,
        "fhir_delete",
        &key.to_string(),
        || {
            check::not_reserved(key)?;
            plan::delete(bank, reach, key, condition).map(Planned::from)
        },
    )?;
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
    let reach = reach(bank, context, Action::WriteClinical)?;
    let kind = check::kind(kind)?;
    let criteria = Criteria::new(kind, params)?;
    delete_where(bank, context, &reach, &criteria, condition)
}

pub(super) fn delete_where(
    bank: &Bank,
    context: &RequestContext,
    reach: &Reach,
    criteria: &Criteria,
    condition: &Condition,
) -> Result<Vec<Written>> {
    write(bank, context, reach, "fhir_delete", criteria.kind, || {
        let (keys, expect) = delete_targets(bank, reach, criteria)?;
        let plans = keys
            .iter()
            .map(|key| {
                check::not_reserved(key)?;
                plan::delete(bank, reach, key, condition)
            })
            .collect::<Result<_>>()?;
        Ok(Planned {
            plans,
            expect: vec![expect],
        })
    })
}

pub(super) fn delete_targets(
    bank: &Bank,
    reach: &Reach,
    criteria: &Criteria,
) -> Result<(Vec<RecordKey>, Expect)> {
    let limit = if bank.config.fhir.delete_multiple {
        DELETED_AT_MOST
    } else {
        1
    };
    let matches = criteria.matches(bank, reach, limit + 1)?;
    if matches.keys.len() > limit as usize {
        return Err(criteria::several());
    }
    Ok((matches.keys, matches.expect))
}
