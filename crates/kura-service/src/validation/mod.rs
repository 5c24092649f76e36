//! Resources held against R4 and the profiles of the bank, when asked and before they are written;
//! packages of definitions brought in.

pub(crate) mod on_write;
mod package;

use std::sync::{Arc, Mutex, PoisonError};

use kura_model::{Error, RequestContext, Result};
use kura_store::{Cursor, Query};
use kura_validation::{Definitions, Outcome, Validator};
use serde_json::Value;

use crate::access::{Action, reach};
use crate::{Bank, fhir_read};

pub use package::{PACKAGE_SYSTEM, PackageReport, package_add, packages_add};
pub(crate) use package::{add_definitions, identify};

/// What of a bank decides whether a resource conforms, and what codes mean.
pub(crate) const KINDS: [&str; 4] = [
    "StructureDefinition",
    "ValueSet",
    "CodeSystem",
    "ConceptMap",
];

/// The validator of a bank, made again when its definitions change.
#[derive(Debug, Default)]
pub struct Profiles {
    known: Mutex<Option<(u64, Arc<Validator>)>>,
}

impl Profiles {
    pub(crate) fn validator(&self, bank: &Bank) -> Result<Arc<Validator>> {
        let versions = bank.clinical.read(|reader| {
            KINDS
                .iter()
                .try_fold(0, |sum, kind| Ok(sum + reader.versions_of(kind)?))
        })?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, validator)) = known.as_ref()
            && *at == versions
        {
            return Ok(Arc::clone(validator));
        }
        let mut definitions = Definitions::r4();
        for kind in KINDS {
            let query = Query::all(kind);
            let mut after: Option<Cursor> = None;
            loop {
                let page = bank
                    .clinical
                    .read(|reader| reader.search(&query, after.as_ref(), 200))?;
                for version in page.versions {
                    definitions.add_text(version.body);
                }
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        let validator = Arc::new(Validator::new(definitions));
        *known = Some((versions, Arc::clone(&validator)));
        Ok(validator)
    }
}

/// FHIR R4 resource-operation-validate.html: a resource that was sent, alone or as `resource` of
/// `Parameters`, against its type, the profiles that it names and those that are asked for. Answers
/// an `OperationOutcome`.
pub fn resource_validate(
    bank: &Bank,
    context: &RequestContext,
    kind: Option<&str>,
    body: &[u8],
    asked: &[String],
) -> Result<Value> {
    reach(bank, context, Action::ReadClinical)?;
    let sent = kura_fhir::resource::parse_json(body).map_err(kura_fhir::outcome::refused)?;
    let mut asked = asked.to_vec();
    let resource = if sent["resourceType"] == "Parameters" && kind != Some("Parameters") {
        of_parameters(sent, &mut asked)?
    } else {
        sent
    };
    if let Some(kind) = kind
        && resource["resourceType"] != kind
    {
        return Err(Error::invalid(format!("the resource sent is no {kind}")));
    }
    let outcome = against(bank, &resource, &asked)?;
    let target = kind.unwrap_or("resource").to_owned();
    fhir_read::note(bank, context, "resource_validate", target, true);
    Ok(outcome.operation_outcome())
}

/// The same for a resource of the bank, its newest version.
pub fn instance_validate(
    bank: &Bank,
    context: &RequestContext,
    kind: &str,
    id: &str,
    asked: &[String],
) -> Result<Value> {
    let found = fhir_read::read(bank, context, kind, id)?;
    let resource: Value = serde_json::from_slice(&found.body)
        .map_err(|error| Error::internal("a stored resource is damaged").because(error))?;
    let outcome = against(bank, &resource, asked)?;
    Ok(outcome.operation_outcome())
}

fn against(bank: &Bank, resource: &Value, asked: &[String]) -> Result<Outcome> {
    let validator = bank.profiles.validator(bank)?;
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    Ok(validator.validate(resource, &asked))
}

/// The resource of `Parameters`, and the profile that they ask for.
fn of_parameters(mut sent: Value, asked: &mut Vec<String>) -> Result<Value> {
    let mut resource = None;
    for parameter in sent["parameter"].as_array_mut().into_iter().flatten() {
        match parameter["name"].as_str() {
            Some("resource") => resource = Some(parameter["resource"].take()),
            Some("profile") => {
                let named = ["valueUri", "valueCanonical"];
                let named = named.iter().find_map(|key| parameter[*key].as_str());
                asked.extend(named.map(str::to_owned));
            }
            _ => {}
        }
    }
    resource.ok_or_else(|| Error::invalid("Parameters has no resource"))
}
