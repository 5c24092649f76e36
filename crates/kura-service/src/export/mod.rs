//! Bulk export: every resource of a scope, as NDJSON files, as of one time.
//! FHIR Bulk Data Access 2.0, <https://hl7.org/fhir/uv/bulkdata/export.html>.

mod scope;
mod write;

use std::sync::Arc;

use kura_fhir::{RESOURCE_TYPES, date, resource_type};
use kura_model::{Error, RequestContext, Result};
use serde::{Deserialize, Serialize};

use crate::access::{Action, authorize};
use crate::{Bank, async_request};

pub(crate) use scope::Whose;
pub(crate) use write::write;

/// Whose resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    System,
    /// The compartments of all patients.
    Patients,
    /// The compartments of the members of a Group.
    Group(String),
}

/// What is asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Asked {
    pub scope: Scope,
    /// `_type`; every type if empty.
    pub kinds: Vec<String>,
    /// `_since`, milliseconds since 1970.
    pub since: Option<i64>,
    /// `_typeFilter`: `Type?parameters`.
    pub filters: Vec<String>,
    /// The URL of the request, for the manifest.
    pub request: String,
    /// The URL FHIR is served under.
    pub base: String,
}

impl Asked {
    /// Reads the parameters of a kick-off request.
    pub fn new(
        scope: Scope,
        request: String,
        base: String,
        params: &[(String, String)],
    ) -> Result<Self> {
        let mut asked = Self {
            scope,
            kinds: Vec::new(),
            since: None,
            filters: Vec::new(),
            request,
            base,
        };
        for (name, value) in params {
            match name.as_str() {
                "_type" => {
                    for kind in value.split(',').filter(|kind| !kind.is_empty()) {
                        let kind = resource_type(kind).ok_or_else(|| {
                            Error::invalid("_type names no resource type of FHIR R4").at("_type")
                        })?;
                        asked.kinds.push(kind.to_owned());
                    }
                }
                "_since" => {
                    let (low, _) = date::range(value)
                        .ok_or_else(|| Error::invalid("_since is an instant").at("_since"))?;
                    asked.since = Some(low * 1000);
                }
                "_typeFilter" => {
                    // Commas within a search are escaped by percent encoding.
                    asked.filters.extend(
                        value
                            .split(',')
                            .filter(|filter| filter.contains('?'))
                            .map(str::to_owned),
                    );
                }
                "_outputFormat" => {
                    let known = ["application/fhir+ndjson", "application/ndjson", "ndjson"];
                    if !known.contains(&value.as_str()) {
                        return Err(Error::invalid("only ndjson is written").at("_outputFormat"));
                    }
                }
                "_elements" | "includeAssociatedData" | "patient" => {
                    return Err(Error::invalid(format!("{name} is not supported"))
                        .coded("not-supported")
                        .at(name.clone()));
                }
                _ => {}
            }
        }
        Ok(asked)
    }
}

impl Asked {
    fn kinds(&self) -> Vec<&'static str> {
        RESOURCE_TYPES
            .into_iter()
            .filter(|kind| self.kinds.is_empty() || self.kinds.iter().any(|known| known == kind))
            .collect()
    }
}

/// Begins an export; its id.
pub fn begin(bank: &Arc<Bank>, context: &RequestContext, asked: Asked) -> Result<String> {
    authorize(bank, context, Action::ExportClinical)?;
    let registry = bank.search_parameters()?;
    let t = bank.clinical.now()?;
    // What is wrong with the request is said now.
    let whose = Whose::of_scope(bank, &asked.scope, t)?;
    for kind in asked.kinds() {
        write::of_kind(bank, &registry, &asked, &whose, kind, t)?;
    }
    let detail = format!("{:?} at t = {}", asked.scope, t.0);
    async_request::begin(bank, context, async_request::Asked::Bulk(asked), t, detail)
}
