//! Update by id or by criteria; it creates what is not there.

use kura_fhir::resource;
use kura_model::{Error, RecordKey, RequestContext, Result};
use kura_store::Expect;
use serde_json::Value;

use super::{Condition, Criteria, Planned, Written, check, criteria, new_id, plan, single, write};
use crate::Bank;
use crate::access::{Action, Reach, reach};
use crate::validation::on_write::Judge;

/// FHIR R4 http.html#update, also as a create with the client's id (#upsert).
pub fn update(
    bank: &Bank,
    context: &RequestContext,
    kind: &str,
    id: &str,
    body: &[u8],
    condition: &Condition,
) -> Result<Written> {
    let reach = reach(bank, context, Action::WriteClinical)?;
    let kind = check::kind(kind)?;
    check::id(kind, id)?;
    let value = check::parse(kind, body)?;
    update_value(
        bank,
        context,
        &reach,
        &RecordKey::new(kind, id),
        value,
        condition,
    )
}

pub(super) fn update_value(
    bank: &Bank,
    context: &RequestContext,
    reach: &Reach,
    key: &RecordKey,
    value: Value,
    condition: &Condition,
) -> Result<Written> {
    check::same_id(&key.kind, &key.id, &value)?;
    let mut sound = Some(check::sound(&*bank.search_parameters()?, value.clone())?);
    let judged = Judge::of(bank)?.resource(&value);
    let written = write(
        bank,
        context,
        reach,
        "fhir_update",
        &key.to_string(),
        || {
            let sound = match sound.take() {
                Some(sound) => sound,
                None => check::sound(&*bank.search_parameters()?, value.clone())?,
            };
            let plan = plan::put(bank, reach, sound, condition)?;
            plan.judged(&judged).map(Planned::from)
        },
    )?;
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
    let reach = reach(bank, context, Action::WriteClinical)?;
    let kind = check::kind(kind)?;
    let value = check::parse(kind, body)?;
    let criteria = Criteria::new(kind, params)?;
    update_where(bank, context, &reach, &criteria, value, condition)
}

pub(super) fn update_where(
    bank: &Bank,
    context: &RequestContext,
    reach: &Reach,
    criteria: &Criteria,
    value: Value,
    condition: &Condition,
) -> Result<Written> {
    let fresh = new_id()?;
    let judged = Judge::of(bank)?.resource(&value);
    let written = write(bank, context, reach, "fhir_update", criteria.kind, || {
        let (id, expect) = update_target(bank, reach, criteria, &value, &fresh)?;
        let sound = check::sound(
            &*bank.search_parameters()?,
            resource::with_id(value.clone(), &id),
        )?;
        Ok(Planned {
            plans: vec![plan::put(bank, reach, sound, condition)?.judged(&judged)?],
            expect: vec![expect],
        })
    })?;
    single(written)
}

/// The table of FHIR R4 http.html#cond-update: how many match, by whether the body has an id.
pub(super) fn update_target(
    bank: &Bank,
    reach: &Reach,
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
    let matches = criteria.matches(bank, reach, 2)?;
    let id = match (&matches.keys[..], given) {
        ([], None) => fresh.to_owned(),
        ([], Some(id)) => {
            let key = RecordKey::new(kind, id);
            let there = plan::current(bank, reach, &key)?.is_some_and(|version| !version.deleted);
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
