//! FHIR R4 codesystem-operation-subsumes.html.

use kura_model::{Category, Error, Result};
use kura_validation::Subsumption;
use serde_json::{Value, json};

use super::parameters::{Coding, Parameters};
use super::{Service, parameters, shown};

pub(super) const TAKES: &[&str] = &["codeA", "codeB", "system", "version", "codingA", "codingB"];

pub(super) fn subsumes(service: &Service<'_>, asked: &Parameters) -> Result<Value> {
    let (one, other) = (
        of(asked, "codeA", "codingA")?,
        of(asked, "codeB", "codingB")?,
    );
    if one.system.is_some() && other.system.is_some() && one.system != other.system {
        return Err(Error::invalid("both codes have to be of one code system").coded("value"));
    }
    let system = match service.instance {
        Some(instance) => service.code_system_of(instance)?,
        None => {
            let named = one.system.as_deref().or(other.system.as_deref());
            let url = match named {
                Some(url) => url,
                None => asked
                    .text("system")?
                    .ok_or_else(|| Error::invalid("system is needed").coded("required"))?,
            };
            service.code_system(url, asked.text("version")?)?
        }
    };
    // FHIR R4 codesystem-hierarchy-meaning.html: only is-a is subsumption.
    if system.hierarchy().is_some_and(|meaning| meaning != "is-a") {
        return Err(Error::new(
            Category::Unprocessable,
            "the hierarchy of this code system does not mean is-a",
        )
        .coded("not-supported"));
    }
    for (name, coding) in [("codeA", &one), ("codeB", &other)] {
        if system.get(&coding.code).is_none() {
            return Err(Error::not_found(format!(
                "the code is none of {} as it is loaded",
                shown(system.url())
            ))
            .at(name));
        }
    }
    let outcome = match system.subsumes(&one.code, &other.code) {
        Subsumption::Equivalent => "equivalent",
        Subsumption::Subsumes => "subsumes",
        Subsumption::SubsumedBy => "subsumed-by",
        Subsumption::NotSubsumed => "not-subsumed",
        Subsumption::Unknown => {
            return Err(Error::new(
                Category::Unprocessable,
                format!("not loaded in full: {}", shown(system.url())),
            )
            .coded("not-found"));
        }
    };
    Ok(parameters(vec![
        json!({ "name": "outcome", "valueCode": outcome }),
    ]))
}

fn of(asked: &Parameters, code: &str, coding: &str) -> Result<Coding> {
    if let Some(coding) = asked.coding(coding)? {
        return Ok(coding);
    }
    let found = asked.text(code)?.map(|code| Coding {
        system: None,
        version: None,
        code: code.to_owned(),
        display: None,
    });
    found.ok_or_else(|| Error::invalid(format!("{code} or {coding} is needed")).coded("required"))
}
