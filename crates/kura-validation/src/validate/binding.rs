//! Codes and their value sets: FHIR R4 terminologies.html#binding.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Run;
use super::element::{Element, Path};
use crate::outcome::{IssueCode, Severity};
use crate::profile::{Binding, Strength};
use crate::terminology::{Membership, ValueSet};

impl<'a> Run<'_, 'a> {
    /// A Coding against its code system: of one that is loaded in full, the code is one of its own
    /// (FHIR R4 datatypes.html#Coding).
    pub(super) fn coding(&mut self, element: Element<'a>, path: &Path<'_>) {
        let text = |key: &str| element.value?.get(key)?.as_str();
        let (Some(system), Some(code)) = (text("system"), text("code")) else {
            return;
        };
        let loaded = self.validator.terminology.code_system(system);
        if loaded.is_some_and(|loaded| loaded.is_complete && loaded.position(code).is_none()) {
            // Another version of the system may have it, so it is no error.
            let message = "the code is none of its code system as it is loaded";
            let severity = Severity::Warning;
            self.add(
                severity,
                IssueCode::CodeInvalid,
                path,
                "Coding.code",
                message,
            );
        }
    }

    pub(super) fn binding(
        &mut self,
        binding: &Binding,
        element: Element<'a>,
        path: &Path<'_>,
        rule: &str,
    ) {
        // A primitive of extensions only has no code; what it may lack is a matter of cardinality.
        let Some(value) = element.value else { return };
        let is_required = binding.strength == Strength::Required;
        let mut lacking = BTreeSet::new();
        let found = match self.validator.value_set(binding) {
            Some(set) => membership(value, set, &mut lacking),
            None => {
                lacking.insert(binding.url.clone());
                has_code(value).then_some(Membership::Unknown)
            }
        };
        let url = &binding.url;
        let severity = if is_required {
            Severity::Error
        } else {
            Severity::Warning
        };
        match found {
            Some(Membership::Yes) => {}
            Some(Membership::No) => {
                let how = if is_required {
                    "required"
                } else {
                    "extensible"
                };
                let message = format!("no code of the value set {url} ({how})");
                self.add(severity, IssueCode::CodeInvalid, path, rule, &message);
            }
            Some(Membership::Unknown) => {
                let mut message = format!("unknown whether the code is of the value set {url}");
                if lacking.contains(url) {
                    message.push_str(", which is not loaded");
                } else {
                    let what: Vec<&str> = lacking.iter().map(String::as_str).collect();
                    message.push_str(": not loaded in full is ");
                    message.push_str(&what.join(", "));
                }
                self.add(
                    Severity::Information,
                    IssueCode::NotFound,
                    path,
                    rule,
                    &message,
                );
                self.missing.append(&mut lacking);
            }
            // Text alone will do where the set may be extended.
            None if is_required => {
                let message = format!("a code of the value set {url} has to be here");
                self.add(severity, IssueCode::CodeInvalid, path, rule, &message);
            }
            None => {}
        }
    }
}

/// Whether there is a code at all.
fn has_code(value: &Value) -> bool {
    match value {
        Value::String(_) => true,
        Value::Object(map) => match map.get("coding") {
            Some(codings) => codings
                .as_array()
                .is_some_and(|all| all.iter().any(has_code)),
            None => map.get("code").is_some_and(Value::is_string),
        },
        _ => false,
    }
}

/// Whether a code, Coding, CodeableConcept or Quantity is in a value set, of several codings one;
/// `None` when it has no code.
pub(super) fn membership(
    value: &Value,
    set: &ValueSet,
    missing: &mut BTreeSet<String>,
) -> Option<Membership> {
    match value {
        Value::String(code) => Some(set.contains(None, code, missing)),
        Value::Object(map) => match map.get("coding") {
            Some(codings) => {
                let mut best = None;
                for coding in codings.as_array().into_iter().flatten() {
                    match membership(coding, set, missing) {
                        Some(Membership::Yes) => return Some(Membership::Yes),
                        Some(Membership::Unknown) => best = Some(Membership::Unknown),
                        Some(Membership::No) => best = best.or(Some(Membership::No)),
                        None => {}
                    }
                }
                best
            }
            None => {
                let code = map.get("code")?.as_str()?;
                // A code of no system is of no value set that names systems.
                let system = map
                    .get("system")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                Some(set.contains(Some(system), code, missing))
            }
        },
        _ => None,
    }
}
