//! Reading one resource: its newest version, or an older one.

use kura_fhir::{resource, resource_type};
use kura_model::{Category, Error, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, Version};

use crate::Bank;
use crate::access::{Action, reach};

/// One version as a client gets it.
#[derive(Debug)]
pub struct Answer {
    pub body: Vec<u8>,
    pub version: u64,
    /// Milliseconds since 1970.
    pub last_updated: i64,
}

pub(crate) fn answer(version: &Version) -> Answer {
    Answer {
        body: resource::present(&version.key, version.version, version.at, &version.body),
        version: version.version,
        last_updated: version.at,
    }
}

pub(crate) fn key(kind: &str, id: &str) -> Result<RecordKey> {
    let kind =
        resource_type(kind).ok_or_else(|| Error::not_found("not a resource type of FHIR R4"))?;
    if !resource::is_id(id) {
        return Err(Error::not_found("no resource can have this id"));
    }
    Ok(RecordKey::new(kind, id))
}

/// FHIR R4 http.html#read
pub fn read(bank: &Bank, context: &RequestContext, kind: &str, id: &str) -> Result<Answer> {
    let reach = reach(bank, context, Action::ReadClinical)?;
    let key = key(kind, id)?;
    let found = reach.read(bank, |reader| reader.current(&key))?;
    note(bank, context, "fhir_read", key.to_string(), found.is_some());
    let found = found.ok_or_else(|| Error::not_found(format!("{key} is not in this bank")))?;
    if found.deleted {
        return Err(Error::new(Category::Gone, format!("{key} was deleted")));
    }
    Ok(answer(&found))
}

/// FHIR R4 http.html#vread
pub fn vread(
    bank: &Bank,
    context: &RequestContext,
    kind: &str,
    id: &str,
    version: &str,
) -> Result<Answer> {
    let reach = reach(bank, context, Action::ReadClinical)?;
    let key = key(kind, id)?;
    let absent = || Error::not_found(format!("{key} has no such version"));
    let number: u64 = version.parse().map_err(|_| absent())?;
    let found = reach.read(bank, |reader| reader.version(&key, number))?;
    note(
        bank,
        context,
        "fhir_vread",
        key.to_string(),
        found.is_some(),
    );
    let found = found.ok_or_else(absent)?;
    if found.deleted {
        return Err(Error::new(
            Category::Gone,
            format!("version {number} of {key} is its deletion"),
        ));
    }
    Ok(answer(&found))
}

pub(crate) fn note(
    bank: &Bank,
    context: &RequestContext,
    action: &'static str,
    target: String,
    found: bool,
) {
    bank.clinical
        .audit(AuditEntry::new(context, action, target).outcome(if found {
            "ok"
        } else {
            "refused"
        }));
}
