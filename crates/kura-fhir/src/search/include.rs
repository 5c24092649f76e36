//! `_include` and `_revinclude`. FHIR R4 search.html#revinclude.

use kura_model::{Error, Result};

use crate::resource_type;
use crate::search_parameter::{Kind, Registry};

/// `Type:parameter[:TargetType]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Include {
    /// The type that refers.
    pub kind: &'static str,
    /// The code of its parameter; absent means every reference of the type.
    pub code: Option<String>,
    /// Only targets of this type.
    pub target: Option<&'static str>,
    /// Applied to what was included, too.
    pub iterate: bool,
}

impl Include {
    /// Errors where the form is wrong; `None` where it names what is not known.
    pub(super) fn parse(registry: &Registry, value: &str, iterate: bool) -> Result<Option<Self>> {
        let mut parts = value.split(':');
        let kind = parts.next().unwrap_or_default();
        let code = parts.next();
        let target = parts.next();
        if parts.next().is_some() || (code.is_none() && kind != "*") {
            return Err(Error::invalid(
                "an include is written Type:parameter or Type:parameter:TargetType",
            ));
        }
        let Some(kind) = resource_type(kind) else {
            return Ok(None);
        };
        let target = match target.filter(|target| !target.is_empty()) {
            Some(target) => match resource_type(target) {
                Some(target) => Some(target),
                None => return Ok(None),
            },
            None => None,
        };
        let code = match code {
            None | Some("*") => None,
            Some(code) => match registry.parameter(kind, code) {
                Some(parameter) if parameter.kind == Kind::Reference => Some(code.to_owned()),
                _ => return Ok(None),
            },
        };
        Ok(Some(Self {
            kind,
            code,
            target,
            iterate,
        }))
    }
}
