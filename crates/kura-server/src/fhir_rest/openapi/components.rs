//! The schemas that operations refer to.

use kura_fhir::RESOURCE_TYPES;
use serde_json::{Map, Value, json};

use super::operation::means;

const PLACE: &str = "#/components/schemas/";

/// With the elements of a type, where one alone is described.
pub(super) fn components(kind: Option<&str>, cookie: &str) -> Value {
    let mut schemas = kind.map_or_else(Map::new, |kind| kura_fhir::json_schemas(kind, PLACE));
    for (name, schema) in own() {
        schemas.entry(name).or_insert(schema);
    }
    let outcome = json!({ "schema": { "$ref": format!("{PLACE}OperationOutcome") } });
    let xml = json!({ "schema": { "type": "string" } });
    let refusals = [400, 401, 403, 404, 406, 409, 410, 412, 413, 415, 422, 429];
    let responses: Map<String, Value> = refusals
        .into_iter()
        .map(|status| {
            let content = json!({ "application/fhir+json": outcome, "application/fhir+xml": xml });
            let response = json!({ "description": means(status), "content": content });
            (status.to_string(), response)
        })
        .collect();
    json!({
        "schemas": schemas,
        "responses": responses,
        "securitySchemes": {
            "basic": { "type": "http", "scheme": "basic" },
            "token": { "type": "http", "scheme": "bearer" },
            "session": { "type": "apiKey", "in": "cookie", "name": cookie },
        },
    })
}

/// What is the same for all types.
fn own() -> Map<String, Value> {
    let of = |name: &str| json!({ "$ref": format!("{PLACE}{name}") });
    let resource_of = |kind: &str, properties: Value| {
        let mut all = json!({ "resourceType": { "type": "string", "enum": [kind] } });
        if let (Some(all), Some(more)) = (all.as_object_mut(), properties.as_object()) {
            all.extend(more.clone());
        }
        json!({ "type": "object", "required": ["resourceType"], "properties": all })
    };
    let text = json!({ "type": "string" });
    let issue = json!({
        "type": "object",
        "required": ["severity", "code"],
        "properties": {
            "severity": { "type": "string", "enum": ["fatal", "error", "warning", "information"] },
            "code": text, "diagnostics": text,
            "details": { "type": "object", "properties": { "text": text } },
            "expression": { "type": "array", "items": text },
        },
    });
    let link = json!({
        "type": "object",
        "required": ["relation", "url"],
        "properties": { "relation": text, "url": text },
    });
    let mut outcome = resource_of(
        "OperationOutcome",
        json!({ "issue": { "type": "array", "minItems": 1, "items": issue } }),
    );
    outcome["required"] = json!(["resourceType", "issue"]);
    let mut bundle = resource_of(
        "Bundle",
        json!({
            "type": { "type": "string", "enum": ["document", "message", "transaction", "transaction-response", "batch", "batch-response", "history", "searchset", "collection"] },
            "total": { "type": "integer", "minimum": 0 },
            "link": { "type": "array", "items": link },
            "entry": { "type": "array", "items": { "type": "object", "properties": {
                "fullUrl": text,
                "resource": of("Resource"),
                "search": { "type": "object", "properties": { "mode": { "type": "string", "enum": ["match", "include", "outcome"] } } },
                "request": { "type": "object", "required": ["method", "url"] },
                "response": { "type": "object", "required": ["status"] },
            } } },
        }),
    );
    bundle["required"] = json!(["resourceType", "type"]);
    let request = json!({
        "type": "object",
        "required": ["method", "url"],
        "properties": {
            "method": { "type": "string", "enum": ["GET", "POST", "PUT", "PATCH", "DELETE"] },
            "url": { "type": "string", "example": "Patient/1" },
            "ifMatch": text, "ifNoneMatch": text, "ifNoneExist": text, "ifModifiedSince": text,
        },
    });
    let mut sent = resource_of(
        "Bundle",
        json!({
            "type": { "type": "string", "enum": ["batch", "transaction"] },
            "entry": { "type": "array", "items": {
                "type": "object",
                "required": ["request"],
                "properties": { "fullUrl": text, "request": request, "resource": of("Resource") },
            } },
        }),
    );
    sent["required"] = json!(["resourceType", "type"]);
    let part = json!({
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": text, "valueString": text, "valueCode": text, "valueUri": text,
            "valueBoolean": { "type": "boolean" }, "valueInteger": { "type": "integer" },
            "resource": of("Resource"),
            "part": { "type": "array", "items": { "type": "object", "required": ["name"], "properties": { "name": text } } },
        },
    });
    let step = json!({
        "type": "object",
        "required": ["op", "path"],
        "properties": {
            "op": { "type": "string", "enum": ["add", "remove", "replace", "move", "copy", "test"] },
            "path": { "type": "string", "pattern": "^(/[A-Za-z0-9_-]+)*$" },
            "from": { "type": "string", "pattern": "^(/[A-Za-z0-9_-]+)*$" },
            "value": {},
        },
    });
    let select = json!({
        "type": "object",
        "properties": {
            "column": { "type": "array", "items": {
                "type": "object",
                "required": ["name", "path"],
                "properties": { "name": text, "path": text, "type": text, "collection": { "type": "boolean" } },
            } },
            "forEach": text, "forEachOrNull": text,
        },
    });
    let all = json!({
        "ResourceType": { "type": "string", "enum": &RESOURCE_TYPES[..] },
        "id": { "type": "string", "pattern": "^[A-Za-z0-9\\-.]{1,64}$" },
        "Resource": {
            "type": "object",
            "required": ["resourceType"],
            "properties": { "resourceType": of("ResourceType"), "id": of("id") },
        },
        "OperationOutcome": outcome,
        "Bundle": bundle,
        "RequestBundle": sent,
        "Parameters": resource_of("Parameters", json!({ "parameter": { "type": "array", "items": part } })),
        "CapabilityStatement": resource_of("CapabilityStatement", json!({ "fhirVersion": text, "rest": { "type": "array", "items": { "type": "object" } } })),
        // RFC 6902
        "JsonPatch": { "type": "array", "items": step },
        // SQL on FHIR 2.0
        "ViewDefinition": {
            "type": "object",
            "required": ["resource", "select"],
            "properties": {
                "resource": of("ResourceType"), "name": text,
                "select": { "type": "array", "items": select },
                "where": { "type": "array", "items": { "type": "object", "required": ["path"], "properties": { "path": text } } },
            },
        },
        "ImportManifest": {
            "type": "object",
            "properties": {
                "inputFormat": text, "inputSource": text,
                "input": { "type": "array", "items": { "type": "object", "required": ["type", "url"], "properties": { "type": of("ResourceType"), "url": text } } },
            },
        },
    });
    match all {
        Value::Object(all) => all,
        _ => Map::new(),
    }
}
