//! Create, and create unless it is there.

use kura_fhir::resource;
use kura_model::{RequestContext, Result};
use serde_json::Value;

use super::{Condition, Criteria, Planned, Written, check, criteria, new_id, plan, single, write};
use crate::Bank;
use crate::access::{Action, Reach, reach};
use crate::validation::on_write::Judge;

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
    let reach = reach(bank, context, Action::WriteClinical)?;
    let kind = check::kind(kind)?;
    let value = check::parse(kind, body)?;
    let criteria = if_none_exist
        .map(|params| Criteria::new(kind, params))
        .transpose()?;
    create_value(bank, context, &reach, kind, value, criteria.as_ref())
}

pub(super) fn create_value(
    bank: &Bank,
    context: &RequestContext,
    reach: &Reach,
    kind: &'static str,
    value: Value,
    criteria: Option<&Criteria>,
) -> Result<Written> {
    let mut sound = Some(check::sound(
        &*bank.search_parameters()?,
        resource::with_id(value.clone(), &new_id()?),
    )?);
    let judged = Judge::of(bank)?.resource(&value);
    let written = write(bank, context, reach, "fhir_create", kind, || {
        let mut expect = Vec::new();
        if let Some(criteria) = criteria {
            let matches = criteria.matches(bank, reach, 2)?;
            match &matches.keys[..] {
                [] => expect.push(matches.expect),
                [found] => return plan::keep(bank, reach, found).map(Planned::from),
                _ => return Err(criteria::several()),
            }
        }
        let sound = match sound.take() {
            Some(sound) => sound,
            None => check::sound(
                &*bank.search_parameters()?,
                resource::with_id(value.clone(), &new_id()?),
            )?,
        };
        let plan = plan::put(bank, reach, sound, &Condition::default())?.judged(&judged)?;
        Ok(Planned {
            plans: vec![plan],
            expect,
        })
    })?;
    single(written)
}
