//! One operation of the description: its parameters, body and answers.

use kura_fhir::search_parameter::Kind;
use serde_json::{Map, Value, json};

use super::{About, COMPARTMENTS, WHOLE};
use crate::fhir_rest::endpoint::{Content, Endpoint, Parameter, Place, Values};
use crate::fhir_rest::endpoints::{self, SHAPE};

const SCHEMAS: &str = "#/components/schemas/";

fn of(schema: &str) -> Value {
    json!({ "$ref": format!("{SCHEMAS}{schema}") })
}

impl About<'_> {
    pub(super) fn operation(&self, endpoint: &Endpoint<'_>) -> Value {
        let mut parameters = self.of_path(endpoint.path);
        // A table says `_format` itself.
        let shape = if endpoint.shaped { SHAPE } else { &[] };
        parameters.extend(endpoint.parameters.iter().chain(shape).map(parameter));
        if by_criteria(endpoint) {
            parameters.extend(self.criteria(endpoint));
        }
        let mut operation = json!({
            "operationId": endpoint.name,
            "tags": [endpoint.group],
            "summary": endpoint.summary,
            "externalDocs": { "url": address(endpoint.source) },
            "parameters": parameters,
            "responses": self.responses(endpoint),
        });
        if let Some(body) = endpoint.body {
            operation["requestBody"] = self.request_body(body);
        }
        operation
    }

    /// What stands in braces in the path.
    fn of_path(&self, path: &str) -> Vec<Value> {
        let mut found = Vec::new();
        for name in path
            .split('{')
            .skip(1)
            .filter_map(|part| part.split('}').next())
        {
            // The first is given where one type alone is described.
            let given = self.kind.is_some() && path.starts_with(&format!("/{{{name}}}"));
            if given {
                continue;
            }
            let schema = match name {
                "type" => of("ResourceType"),
                "compartment" => json!({ "type": "string", "enum": COMPARTMENTS }),
                "whole" => json!({ "type": "string", "enum": WHOLE }),
                "version" => json!({ "type": "string", "pattern": "^[1-9][0-9]{0,17}$" }),
                "name" => json!({ "type": "string", "pattern": "^[A-Za-z0-9_.]{1,64}$" }),
                _ => of("id"),
            };
            found.push(json!({ "name": name, "in": "path", "required": true, "schema": schema }));
        }
        found
    }

    /// The search parameters: of the type that is described, else any.
    fn criteria(&self, endpoint: &Endpoint<'_>) -> Vec<Value> {
        let own = endpoint.path.starts_with("/{type}");
        match self.kind {
            Some(kind) if own => {
                let found = self.registry.parameters(kind).iter();
                let found = found.filter(|parameter| parameter.ready);
                let described = found.map(|one| {
                    json!({
                        "name": one.code,
                        "in": "query",
                        "description": format!("{}: {}", one.kind.as_str(), one.url),
                        "schema": { "type": "array", "items": { "type": "string" } },
                        "example": [example(one.kind)],
                    })
                });
                described.collect()
            }
            _ => vec![json!({
                "name": "search-parameters",
                "in": "query",
                "description": "Search parameters of the type, with modifiers and chains",
                "style": "form",
                "explode": true,
                "schema": { "type": "object", "additionalProperties": { "type": "string" } },
                "example": { "name:contains": "ono" },
            })],
        }
    }

    fn responses(&self, endpoint: &Endpoint<'_>) -> Value {
        let mut responses = Map::new();
        for (status, content) in endpoint.answers {
            let mut response = json!({ "description": means(*status) });
            if *content != Content::Nothing {
                response["content"] = self.answered(*content, endpoint.shaped);
            }
            let headers = match content {
                Content::OfType | Content::Resource if *status < 300 => {
                    &["ETag", "Last-Modified"][..]
                }
                _ if *status == 202 && endpoint.body.is_none() => &["Retry-After", "X-Progress"],
                _ if *status == 202 => &["Content-Location"],
                _ => &[],
            };
            let mut told = Map::new();
            for name in headers {
                told.insert(
                    (*name).to_owned(),
                    json!({ "schema": { "type": "string" } }),
                );
            }
            if *status == 201 {
                told.insert(
                    "Location".to_owned(),
                    json!({ "schema": { "type": "string" } }),
                );
            }
            if !told.is_empty() {
                response["headers"] = Value::Object(told);
            }
            responses.insert(status.to_string(), response);
        }
        // 403: from another site, or not by this role.
        let mut refusals = vec![400, 403];
        refusals.extend(endpoint.refusals);
        refusals.extend(endpoint.shaped.then_some(406));
        refusals.extend(self.sign_in.then_some(401));
        refusals.sort_unstable();
        for status in refusals {
            let response = json!({ "$ref": format!("#/components/responses/{status}") });
            responses.insert(status.to_string(), response);
        }
        Value::Object(responses)
    }

    fn answered(&self, content: Content, shaped: bool) -> Value {
        let schema = match content {
            // What is in the bank need not conform.
            Content::OfType | Content::Resource => of("Resource"),
            Content::Bundle => of("Bundle"),
            Content::CapabilityStatement => of("CapabilityStatement"),
            Content::OperationOutcome => of("OperationOutcome"),
            Content::Parameters => of("Parameters"),
            Content::OpenApi => {
                return json!({ "application/json": { "schema": { "type": "object", "required": ["openapi", "paths"] } } });
            }
            Content::Manifest => {
                let object = json!({ "type": "object" });
                return json!({
                    "application/json": { "schema": object },
                    "application/fhir+json": { "schema": object },
                });
            }
            Content::Table | Content::File => {
                let mut kinds = Map::new();
                let tables = [
                    "application/x-ndjson",
                    "text/csv",
                    "application/vnd.apache.parquet",
                ];
                kinds.insert(
                    "application/json".to_owned(),
                    json!({ "schema": { "type": "array" , "items": {} } }),
                );
                for kind in tables
                    .into_iter()
                    .chain((content == Content::File).then_some("application/fhir+ndjson"))
                {
                    kinds.insert(
                        kind.to_owned(),
                        json!({ "schema": { "type": "string", "format": "binary" } }),
                    );
                }
                return Value::Object(kinds);
            }
            Content::Patch | Content::Form | Content::View | Content::Import | Content::Nothing => {
                json!({})
            }
        };
        let mut kinds = Map::new();
        kinds.insert(
            "application/fhir+json".to_owned(),
            json!({ "schema": schema }),
        );
        if shaped {
            kinds.insert(
                "application/fhir+xml".to_owned(),
                json!({ "schema": { "type": "string" } }),
            );
        }
        Value::Object(kinds)
    }

    fn request_body(&self, content: Content) -> Value {
        let fhir = |schema: Value, example: Value| {
            let mut kinds = Map::new();
            for kind in ["application/fhir+json", "application/json"] {
                kinds.insert(
                    kind.to_owned(),
                    json!({ "schema": schema, "example": example }),
                );
            }
            let xml = json!({ "schema": { "type": "string" } });
            kinds.insert("application/fhir+xml".to_owned(), xml);
            kinds
        };
        let kind = self.kind.unwrap_or("Patient");
        let resource = json!({ "resourceType": kind });
        let kinds = match content {
            Content::OfType | Content::Resource => {
                fhir(of(self.kind.unwrap_or("Resource")), resource)
            }
            Content::Bundle => fhir(
                of("RequestBundle"),
                json!({ "resourceType": "Bundle", "type": "transaction", "entry": [{ "request": { "method": "POST", "url": kind }, "resource": resource }] }),
            ),
            Content::Patch => {
                let mut kinds = fhir(of("Parameters"), json!({ "resourceType": "Parameters" }));
                let example = json!([{ "op": "add", "path": "/language", "value": "ja" }]);
                let patch = json!({ "schema": of("JsonPatch"), "example": example });
                kinds.insert("application/json-patch+json".to_owned(), patch);
                kinds.shift_remove("application/json");
                kinds
            }
            Content::Form => {
                let mut kinds = Map::new();
                let form = json!({ "type": "object", "properties": self.form(), "additionalProperties": { "type": "string" } });
                kinds.insert(
                    "application/x-www-form-urlencoded".to_owned(),
                    json!({ "schema": form }),
                );
                kinds
            }
            Content::View => {
                let mut kinds = Map::new();
                let view = json!({ "resource": kind, "select": [{ "column": [{ "name": "id", "path": "getResourceKey()" }] }] });
                let body = json!({ "schema": of("ViewDefinition"), "example": view });
                kinds.insert("application/json".to_owned(), body.clone());
                kinds.insert("application/fhir+json".to_owned(), body);
                kinds
            }
            Content::Import => {
                let mut kinds = Map::new();
                for kind in ["application/fhir+json", "application/json"] {
                    kinds.insert(kind.to_owned(), json!({ "schema": of("ImportManifest") }));
                }
                for kind in [
                    "application/fhir+ndjson",
                    "application/ndjson",
                    "application/x-ndjson",
                ] {
                    kinds.insert(
                        kind.to_owned(),
                        json!({ "schema": { "type": "string", "format": "binary" } }),
                    );
                }
                kinds
            }
            _ => fhir(
                of("Parameters"),
                json!({ "resourceType": "Parameters", "parameter": [] }),
            ),
        };
        // Parameters may stand in the address alone.
        json!({ "required": content != Content::Parameters && content != Content::Form, "content": kinds })
    }

    fn form(&self) -> Map<String, Value> {
        let search = endpoints::SEARCH.parameters.iter();
        let common = search.filter(|parameter| parameter.place == Place::Query);
        common
            .map(|parameter| (parameter.name.to_owned(), values(parameter)))
            .collect()
    }
}

/// Whether the query of an endpoint is a search.
fn by_criteria(endpoint: &Endpoint<'_>) -> bool {
    endpoint.path == endpoints::SEARCH.path && endpoint.name != endpoints::CREATE.name
        || endpoint.path == endpoints::SEARCH_WITHIN.path
        || endpoint.name == endpoints::SEARCH_GET.name
}

fn parameter(parameter: &Parameter<'_>) -> Value {
    let place = match parameter.place {
        Place::Query => "query",
        Place::Header => "header",
    };
    json!({
        "name": parameter.name,
        "in": place,
        "description": parameter.what,
        "required": parameter.required,
        "schema": values(parameter),
    })
}

fn values(parameter: &Parameter<'_>) -> Value {
    let schema = match parameter.values {
        Values::Text => json!({ "type": "string" }),
        Values::Boolean => json!({ "type": "boolean" }),
        Values::Number(from, to) => json!({ "type": "integer", "minimum": from, "maximum": to }),
        Values::One(names) => json!({ "type": "string", "enum": names }),
        Values::Types => json!({ "type": "string", "example": "Patient,Observation" }),
        Values::Instant => json!({ "type": "string", "format": "date-time" }),
        Values::Date => json!({ "type": "string", "example": "2026-01-31" }),
        Values::Uri => json!({ "type": "string", "format": "uri" }),
    };
    if parameter.repeats {
        json!({ "type": "array", "items": schema })
    } else {
        schema
    }
}

/// FHIR R4 search.html#ptypes
fn example(kind: Kind) -> &'static str {
    match kind {
        Kind::Token => "http://loinc.org|4548-4",
        Kind::Text => "ono",
        Kind::Date => "ge2026-01-31",
        Kind::Number => "gt1.5",
        Kind::Quantity => "gt7|http://unitsofmeasure.org|%",
        Kind::Uri => "http://example.org/one",
        Kind::Reference => "Patient/1",
        Kind::Composite => "http://loinc.org|4548-4$gt7",
        Kind::Special => "35.0|139.0|10|km",
    }
}

/// A page of the standard by its name.
fn address(source: &str) -> String {
    if source.contains(':') {
        source.to_owned()
    } else {
        format!("https://hl7.org/fhir/R4/{source}")
    }
}

pub(super) fn means(status: u16) -> &'static str {
    match status {
        200 => "Done",
        201 => "Created",
        202 => "It is being done",
        204 => "Done; there is nothing to say",
        304 => "The client has it",
        400 => "The request is wrong",
        401 => "Sign in first",
        403 => "Not by this role, or from another site",
        404 => "There is no such thing",
        406 => "It cannot be answered in that form",
        409 => "It contradicts what is there",
        410 => "It was deleted",
        412 => "What had to hold first does not",
        413 => "The body is too large",
        415 => "A body of that media type is not read",
        422 => "It can be read, but a rule forbids it",
        429 => "One too many at a time",
        _ => "",
    }
}
