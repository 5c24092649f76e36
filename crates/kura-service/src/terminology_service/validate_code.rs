//! FHIR R4 valueset-operation-validate-code.html and codesystem-operation-validate-code.html.

use std::collections::BTreeSet;

use kura_fhir::text::fold;
use kura_model::Result;
use kura_validation::{Designation, Membership, Unknown};
use serde_json::{Value, json};

use super::parameters::{Coding, Parameters};
use super::{Service, expand, not_loaded, parameters, undecided};

pub(super) const IN_VALUE_SET: &[&str] = &[
    "url",
    "valueSet",
    "valueSetVersion",
    "code",
    "system",
    "display",
    "coding",
    "codeableConcept",
    "abstract",
    "displayLanguage",
];

pub(super) const IN_CODE_SYSTEM: &[&str] = &[
    "url",
    "codeSystem",
    "code",
    "version",
    "display",
    "coding",
    "codeableConcept",
    "abstract",
    "displayLanguage",
];

/// What is known of a code that is in.
struct Found<'a> {
    display: Option<&'a str>,
    designations: Vec<&'a Designation>,
    is_abstract: bool,
}

pub(super) fn in_value_set(service: &Service<'_>, asked: &Parameters) -> Result<Value> {
    let set = service.value_set(asked)?.set;
    let mut missing = BTreeSet::new();
    let mut refused = None;
    for coding in asked.codings(None)? {
        match set.contains(Some(coding.system()), &coding.code, &mut missing) {
            Membership::Yes => {}
            Membership::No | Membership::Unknown => continue,
        }
        let member = set.member(coding.system(), &coding.code);
        let found = member.as_ref().map(|member| Found {
            display: member.display(),
            designations: member.designations().collect(),
            is_abstract: member.is_abstract(),
        });
        let said = judge(&coding, found, asked)?;
        if said["parameter"][0]["valueBoolean"] == true {
            return Ok(said);
        }
        refused.get_or_insert(said);
    }
    if let Some(said) = refused {
        return Ok(said);
    }
    if !missing.is_empty() {
        return Err(undecided(&Unknown { missing }));
    }
    Ok(no("the code is not in the value set"))
}

pub(super) fn in_code_system(service: &Service<'_>, asked: &Parameters) -> Result<Value> {
    let brought = match service.instance {
        Some(instance) => Some(instance),
        None => asked.resource("codeSystem", "CodeSystem")?,
    };
    let brought = brought.map(|json| service.code_system_of(json));
    let brought = brought.transpose()?;
    let named = match &brought {
        Some(system) => Some(system.url()),
        None => asked.text("url")?,
    };
    let mut refused = None;
    for coding in asked.codings(named)? {
        if named.is_some_and(|named| named != coding.system()) {
            refused.get_or_insert(no("the code is of another code system"));
            continue;
        }
        let version = match asked.text("version")? {
            Some(version) => Some(version),
            None => coding.version.as_deref(),
        };
        let system = match &brought {
            Some(system) => Ok(std::sync::Arc::clone(system)),
            None => service.code_system(coding.system(), version),
        };
        let is_in = match &system {
            Ok(system) => system.contains(&coding.code),
            // A system with a grammar needs no list of its codes.
            Err(_) if version.is_none() => {
                service.terminology().is_code(coding.system(), &coding.code)
            }
            Err(_) => Membership::Unknown,
        };
        let said = match (is_in, system) {
            (Membership::Unknown, Err(error)) => return Err(error),
            (Membership::Unknown, Ok(system)) => {
                return Err(undecided(&Unknown {
                    missing: BTreeSet::from([system.url().to_owned()]),
                }));
            }
            (Membership::No, _) => no("the code is not in the code system"),
            (Membership::Yes, system) => {
                let system = system.ok();
                let concept = system.as_ref().and_then(|system| system.get(&coding.code));
                let found = concept.map(|concept| Found {
                    display: concept.display(),
                    designations: concept.designations().iter().collect(),
                    is_abstract: concept.is_abstract(),
                });
                judge(&coding, found, asked)?
            }
        };
        if said["parameter"][0]["valueBoolean"] == true {
            return Ok(said);
        }
        refused.get_or_insert(said);
    }
    refused.ok_or_else(|| not_loaded("code system", named.unwrap_or_default()))
}

fn no(message: &str) -> Value {
    parameters(vec![
        json!({ "name": "result", "valueBoolean": false }),
        json!({ "name": "message", "valueString": message }),
    ])
}

/// A code that is in: whether it may be used here, and is called what it is called.
fn judge(coding: &Coding, found: Option<Found<'_>>, asked: &Parameters) -> Result<Value> {
    let Some(found) = found else {
        return Ok(parameters(vec![
            json!({ "name": "result", "valueBoolean": true }),
        ]));
    };
    let names = found.designations.iter().map(|one| &*one.value);
    let names: Vec<&str> = found.display.into_iter().chain(names).collect();
    let called = coding.display.as_deref().map(fold);
    let message = if found.is_abstract && asked.boolean("abstract")? == Some(false) {
        Some("the code groups others and is not to be chosen itself")
    } else if called
        .is_some_and(|called| !names.is_empty() && !names.iter().any(|name| fold(name) == called))
    {
        Some("the code is not called so")
    } else {
        None
    };
    let mut said = vec![json!({ "name": "result", "valueBoolean": message.is_none() })];
    if let Some(message) = message {
        said.push(json!({ "name": "message", "valueString": message }));
    }
    let language = asked.text("displayLanguage")?;
    let designations = found.designations.iter().copied();
    if let Some(display) = expand::display(found.display, designations, language) {
        said.push(json!({ "name": "display", "valueString": display }));
    }
    Ok(parameters(said))
}
