//! The operations of FHIR R4's terminology service over the definitions of the bank and R4's own:
//! `$expand`, `$validate-code`, `$lookup`, `$subsumes`, `$translate`.
//!
//! <https://hl7.org/fhir/R4/terminology-service.html>. What would be needed and is not loaded is an
//! error that names it, never an empty answer or a `false`.

mod expand;
mod lookup;
mod parameters;
mod subsumes;
mod translate;
mod validate_code;

use std::sync::Arc;

use kura_model::{Category, Error, RequestContext, Result};
use kura_validation::{CodeSystem, Terminology, Unknown, Validator};
use serde_json::{Value, json};

use self::parameters::Parameters;
use crate::access::{Action, reach};
use crate::{Bank, fhir_read};

/// An operation: of which type, what it is called, whether one resource can be asked for it.
#[derive(Debug, Clone, Copy)]
pub struct Operation {
    pub kind: &'static str,
    pub name: &'static str,
    pub of_instance: bool,
    perform: fn(&Service<'_>, &Parameters) -> Result<Value>,
    /// The parameters that it takes.
    pub takes: &'static [&'static str],
    /// The parameter that a resource sent by itself is.
    resource: Option<&'static str>,
    audit: &'static str,
}

/// All that there are.
pub const OPERATIONS: [Operation; 6] = [
    Operation {
        kind: "ValueSet",
        name: "expand",
        of_instance: true,
        perform: expand::expand,
        takes: expand::TAKES,
        resource: Some("valueSet"),
        audit: "valueset_expand",
    },
    Operation {
        kind: "ValueSet",
        name: "validate-code",
        of_instance: true,
        perform: validate_code::in_value_set,
        takes: validate_code::IN_VALUE_SET,
        resource: None,
        audit: "valueset_validate_code",
    },
    Operation {
        kind: "CodeSystem",
        name: "validate-code",
        of_instance: true,
        perform: validate_code::in_code_system,
        takes: validate_code::IN_CODE_SYSTEM,
        resource: None,
        audit: "codesystem_validate_code",
    },
    Operation {
        kind: "CodeSystem",
        name: "lookup",
        of_instance: false,
        perform: lookup::lookup,
        takes: lookup::TAKES,
        resource: None,
        audit: "codesystem_lookup",
    },
    Operation {
        kind: "CodeSystem",
        name: "subsumes",
        of_instance: true,
        perform: subsumes::subsumes,
        takes: subsumes::TAKES,
        resource: None,
        audit: "codesystem_subsumes",
    },
    Operation {
        kind: "ConceptMap",
        name: "translate",
        of_instance: true,
        perform: translate::translate,
        takes: translate::TAKES,
        resource: None,
        audit: "conceptmap_translate",
    },
];

impl Operation {
    /// Where it is asked for, of its type or of one resource, under the address of FHIR.
    #[must_use]
    pub fn path(&self, of_instance: bool) -> String {
        let (kind, name) = (self.kind, self.name);
        match of_instance {
            true => format!("/{kind}/{{id}}/${name}"),
            false => format!("/{kind}/${name}"),
        }
    }

    /// Its definition by HL7.
    #[must_use]
    pub fn definition(&self) -> String {
        let (kind, name) = (self.kind, self.name);
        format!("http://hl7.org/fhir/OperationDefinition/{kind}-{name}")
    }
}

/// Performs an operation: of the resource `id` or of none, with the parameters of the URL and of
/// `body`, a `Parameters` resource.
///
/// # Errors
/// `NotFound` and `Unprocessable` name the canonical that is not loaded; `Unprocessable` with
/// `too-costly` for an expansion that is too large for one answer; `Invalid` for parameters.
pub fn perform(
    bank: &Bank,
    context: &RequestContext,
    operation: &Operation,
    id: Option<&str>,
    query: &[(String, String)],
    body: Option<&[u8]>,
) -> Result<Value> {
    // What words mean is no patient's: whoever may see any may ask.
    reach(bank, context, Action::ReadClinical)?;
    let parameters = Parameters::read(query, body, operation)?;
    let instance = match id {
        Some(id) => Some(stored(bank, operation.kind, id)?),
        None => None,
    };
    let service = Service {
        validator: bank.profiles.validator(bank)?,
        instance: instance.as_ref(),
    };
    let answer = (operation.perform)(&service, &parameters);
    let target = match id {
        Some(id) => format!("{}/{id}", operation.kind),
        None => operation.kind.to_owned(),
    };
    fhir_read::note(bank, context, operation.audit, target, answer.is_ok());
    answer
}

fn stored(bank: &Bank, kind: &str, id: &str) -> Result<Value> {
    let key = fhir_read::key(kind, id)?;
    let found = bank.clinical.read(|reader| reader.current(&key))?;
    let found = found.filter(|version| !version.deleted);
    let found = found.ok_or_else(|| Error::not_found(format!("{key} is not in this bank")))?;
    serde_json::from_slice(&found.body)
        .map_err(|error| Error::internal("a stored resource is damaged").because(error))
}

/// What an operation is performed on.
struct Service<'a> {
    validator: Arc<Validator>,
    /// The resource that is asked.
    instance: Option<&'a Value>,
}

impl Service<'_> {
    fn terminology(&self) -> &Terminology {
        self.validator.terminology()
    }

    /// A code system by URL, in a version if one is asked for.
    fn code_system(&self, url: &str, version: Option<&str>) -> Result<Arc<CodeSystem>> {
        let canonical = canonical(url, version);
        self.terminology()
            .code_system(&canonical)
            .ok_or_else(|| not_loaded("code system", &canonical))
    }

    /// The code system of the resource that is asked.
    fn code_system_of(&self, json: &Value) -> Result<Arc<CodeSystem>> {
        let url = json["url"].as_str().unwrap_or_default();
        let version = json["version"].as_str();
        // What is in the bank is compiled and kept already.
        if let Some(known) = self.terminology().code_system(&canonical(url, version)) {
            return Ok(known);
        }
        let read = self.terminology().code_system_of(json);
        read.map(Arc::new)
            .ok_or_else(|| Error::invalid("this is no CodeSystem").coded("structure"))
    }
}

/// `url|version`
fn canonical(url: &str, version: Option<&str>) -> String {
    match version {
        Some(version) if !url.contains('|') => format!("{url}|{version}"),
        _ => url.to_owned(),
    }
}

/// The longest canonical that a message repeats.
const SHOWN: usize = 255;

/// A canonical for a message: what is none is not repeated.
fn shown(canonical: &str) -> &str {
    let is_uri = canonical.contains(':') && !canonical.contains(char::is_whitespace);
    if is_uri && canonical.len() <= SHOWN && !canonical.contains(char::is_control) {
        canonical
    } else {
        "that was named"
    }
}

/// What was asked for is not here.
fn not_loaded(what: &str, canonical: &str) -> Error {
    Error::not_found(format!("the {what} {} is not loaded", shown(canonical)))
}

/// What was asked for builds on something that is not here.
fn undecided(unknown: &Unknown) -> Error {
    let missing: Vec<&str> = unknown.missing.iter().map(|one| shown(one)).collect();
    Error::new(
        Category::Unprocessable,
        format!("not loaded, or not in full: {}", missing.join(", ")),
    )
    .coded("not-found")
}

fn parameters(all: Vec<Value>) -> Value {
    json!({ "resourceType": "Parameters", "parameter": all })
}
