//! The description of the FHIR API for machines that know no FHIR: OpenAPI 3.0.3, made of the table
//! that the router is made of ([`super::endpoints`]), of the operations of the terminology service
//! and of the search parameters of the bank. <https://spec.openapis.org/oas/v3.0.3>

mod components;
mod operation;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kura_fhir::search_parameter::Registry;
use kura_model::{Error, Result};
use kura_service::terminology_service::OPERATIONS;
use serde_json::{Map, Value, json};

use super::endpoint::{Content, Endpoint, Method, Parameter, query};
use super::{base, endpoints, params, refuse};
use crate::{App, auth};

/// The compartments of R4, and what an operation takes whole.
const COMPARTMENTS: [&str; 5] = [
    "Device",
    "Encounter",
    "Patient",
    "Practitioner",
    "RelatedPerson",
];
const WHOLE: [&str; 2] = ["Encounter", "Patient"];

/// What is described.
struct About<'a> {
    registry: &'a Registry,
    /// One resource type alone.
    kind: Option<&'static str>,
    /// Whether one has to sign in.
    sign_in: bool,
    /// What a browser's session is called.
    cookie: &'static str,
}

pub(super) async fn openapi(
    State(app): State<App>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    match described(&app, query.as_deref(), &headers) {
        Ok(description) => (
            StatusCode::OK,
            [(header::CONTENT_TYPE, "application/json")],
            description.to_string(),
        )
            .into_response(),
        Err(error) => refuse(&error),
    }
}

fn described(app: &App, query: Option<&str>, headers: &HeaderMap) -> Result<Value> {
    let asked = params(query)?.into_iter().find(|(name, _)| name == "type");
    let kind = match asked {
        Some((_, name)) => Some(kura_fhir::resource_type(&name).ok_or_else(|| {
            Error::not_found("type names no resource type of FHIR R4").at("type")
        })?),
        None => None,
    };
    let registry = app.bank.search_parameters()?;
    let about = About {
        registry: &registry,
        kind,
        sign_in: app.auth.sign_in_needed(app),
        cookie: auth::cookie_name(app),
    };
    Ok(about.description(&base(headers)))
}

impl About<'_> {
    fn description(&self, base: &str) -> Value {
        let mut paths = Map::new();
        for endpoint in endpoints::ALL {
            // `/fhir/` is `/` of the base again.
            if endpoint.path != endpoints::BUNDLE_SLASH.path {
                self.add(&mut paths, endpoint);
            }
        }
        for operation in &OPERATIONS {
            self.add_terminology(&mut paths, operation);
        }
        let title = match self.kind {
            Some(kind) => format!("Kura: FHIR R4, {kind}"),
            None => "Kura: FHIR R4".to_owned(),
        };
        let mut description = json!({
            "openapi": "3.0.3",
            "info": {
                "title": title,
                "version": env!("CARGO_PKG_VERSION"),
                "description": "The FHIR API of this bank. `?type=Patient` describes one resource type with its elements and search parameters. As a CapabilityStatement: `/metadata`.",
            },
            "externalDocs": { "url": "https://hl7.org/fhir/R4/http.html" },
            "servers": [{ "url": base }],
            "paths": paths,
            "components": components::components(self.kind, self.cookie),
        });
        if self.sign_in {
            description["security"] = json!([{ "basic": [] }, { "token": [] }, { "session": [] }]);
        }
        description
    }

    /// Puts an endpoint where it belongs; with a type alone, only what is of that type.
    fn add(&self, paths: &mut Map<String, Value>, endpoint: &Endpoint<'_>) {
        let Some(path) = self.path(endpoint.path) else {
            return;
        };
        let item = paths.entry(path).or_insert_with(|| json!({}));
        item[endpoint.method.key()] = self.operation(endpoint);
    }

    fn path(&self, path: &str) -> Option<String> {
        let Some(kind) = self.kind else {
            return Some(path.to_owned());
        };
        if let Some(rest) = path.strip_prefix("/{type}") {
            return Some(format!("/{kind}{rest}"));
        }
        if let Some(rest) = path.strip_prefix("/{compartment}") {
            return COMPARTMENTS
                .contains(&kind)
                .then(|| format!("/{kind}{rest}"));
        }
        if let Some(rest) = path.strip_prefix("/{whole}") {
            return WHOLE.contains(&kind).then(|| format!("/{kind}{rest}"));
        }
        let own = path.split('/').nth(1) == Some(kind);
        own.then(|| path.to_owned())
    }

    fn add_terminology(
        &self,
        paths: &mut Map<String, Value>,
        operation: &kura_service::terminology_service::Operation,
    ) {
        let taken: Vec<Parameter<'_>> = operation
            .takes
            .iter()
            .filter_map(|name| Some(query(name, endpoints::values(name)?, "")))
            .collect();
        let definition = operation.definition();
        for of_instance in [false, true] {
            if of_instance && !operation.of_instance {
                continue;
            }
            let path = operation.path(of_instance);
            for method in [Method::Get, Method::Post] {
                let posted = method == Method::Post;
                let name = format!(
                    "{}-{}{}{}",
                    operation.kind,
                    operation.name,
                    if of_instance { "-instance" } else { "" },
                    if posted { "-post" } else { "" },
                );
                let summary = format!("${} of the terminology service", operation.name);
                self.add(
                    paths,
                    &Endpoint {
                        method,
                        path: &path,
                        name: &name,
                        group: "terminology",
                        summary: &summary,
                        source: &definition,
                        parameters: &taken,
                        body: posted.then_some(Content::Parameters),
                        answers: &[(200, Content::Resource)],
                        refusals: if posted {
                            &[404, 413, 415, 422]
                        } else {
                            &[404, 422]
                        },
                        shaped: true,
                    },
                );
            }
        }
    }
}
