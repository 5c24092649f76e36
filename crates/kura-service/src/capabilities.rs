//! FHIR R4 http.html#capabilities: what the server does, from the tables it runs on.

use kura_fhir::search_parameter::{Kind, Registry};
use serde_json::{Value, json};

use crate::terminology_service::OPERATIONS;

/// Types that have no place of their own on a server.
const NOT_STORED: [&str; 1] = ["Parameters"];

/// Operations of no type, and their definitions. The two on views are of the system on a server
/// of R4, where ViewDefinition is no resource type.
const OF_THE_SYSTEM: [(&str, &str); 5] = [
    (
        "export",
        "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export",
    ),
    ("changes", "urn:kura:OperationDefinition:changes"),
    // A draft without an OperationDefinition: what it says is here.
    (
        "import",
        "https://github.com/smart-on-fhir/bulk-import/blob/master/import-manifest.md",
    ),
    (
        "viewdefinition-run",
        "http://sql-on-fhir.org/OperationDefinition/$viewdefinition-run",
    ),
    (
        "viewdefinition-export",
        "http://sql-on-fhir.org/OperationDefinition/$viewdefinition-export",
    ),
];

/// `several`: whether a conditional delete may delete more than one.
pub fn capabilities(registry: &Registry, several: bool, base: &str) -> Value {
    let resources: Vec<Value> = kura_fhir::RESOURCE_TYPES
        .iter()
        .filter(|kind| !NOT_STORED.contains(kind))
        .map(|kind| resource(registry, several, kind))
        .collect();
    let compartments = [
        "device",
        "encounter",
        "patient",
        "practitioner",
        "relatedPerson",
    ]
    .map(|name| format!("http://hl7.org/fhir/CompartmentDefinition/{name}"));
    json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-11-21",
        "kind": "instance",
        "software": { "name": "Kura", "version": env!("CARGO_PKG_VERSION") },
        "implementation": { "description": "Kura digital medical data bank", "url": base },
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json", "application/fhir+xml", "xml"],
        "patchFormat": ["application/json-patch+json", "application/fhir+json", "application/fhir+xml"],
        "rest": [{
            "mode": "server",
            "resource": resources,
            "interaction": [{ "code": "transaction" }, { "code": "batch" }, { "code": "history-system" }],
            "operation": OF_THE_SYSTEM
                .map(|(name, definition)| operation(name, definition)),
            "compartment": compartments,
        }],
    })
}

fn resource(registry: &Registry, several: bool, kind: &str) -> Value {
    let interactions = [
        "read",
        "vread",
        "update",
        "patch",
        "delete",
        "history-instance",
        "history-type",
        "create",
        "search-type",
    ]
    .map(|code| json!({ "code": code }));
    let mut params = vec![
        json!({ "name": "_id", "definition": definition("Resource-id"), "type": "token" }),
        json!({ "name": "_lastUpdated", "definition": definition("Resource-lastUpdated"), "type": "date" }),
        json!({ "name": "_has", "type": "string" }),
        json!({ "name": "_filter", "definition": definition("filter"), "type": "special" }),
        json!({ "name": "_list", "type": "string" }),
    ];
    let mut include = vec![json!("*")];
    for parameter in registry.parameters(kind) {
        params.push(json!({
            "name": parameter.code,
            "definition": parameter.url,
            "type": parameter.kind.as_str(),
        }));
        if parameter.kind == Kind::Reference {
            include.push(json!(format!("{kind}:{}", parameter.code)));
        }
    }
    let revinclude: Vec<Value> = kura_fhir::RESOURCE_TYPES
        .iter()
        .flat_map(|from| {
            registry
                .parameters(from)
                .iter()
                .filter(|parameter| {
                    parameter.kind == Kind::Reference && parameter.targets.contains(&kind)
                })
                .map(move |parameter| json!(format!("{from}:{}", parameter.code)))
        })
        .collect();
    let mut stated = json!({
        "type": kind,
        "interaction": interactions,
        "versioning": "versioned-update",
        "readHistory": true,
        "updateCreate": true,
        "conditionalCreate": true,
        "conditionalRead": "full-support",
        "conditionalUpdate": true,
        "conditionalDelete": if several { "multiple" } else { "single" },
        "referencePolicy": ["literal", "logical"],
        "searchInclude": include,
        "searchRevInclude": revinclude,
        "searchParam": params,
    });
    let operations: Vec<Value> = match kind {
        "Patient" => vec![
            operation(
                "everything",
                "http://hl7.org/fhir/OperationDefinition/Patient-everything",
            ),
            operation(
                "export",
                "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/patient-export",
            ),
        ],
        "Encounter" => vec![operation(
            "everything",
            "http://hl7.org/fhir/OperationDefinition/Encounter-everything",
        )],
        "Subscription" => vec![operation(
            "status",
            "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-status",
        )],
        "Group" => vec![operation(
            "export",
            "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/group-export",
        )],
        "Composition" => vec![operation(
            "document",
            "http://hl7.org/fhir/OperationDefinition/Composition-document",
        )],
        _ => Vec::new(),
    };
    let terminology = OPERATIONS.iter().filter(|one| one.kind == kind);
    let terminology = terminology.map(|one| operation(one.name, &one.definition()));
    stated["operation"] = std::iter::once(operation(
        "validate",
        "http://hl7.org/fhir/OperationDefinition/Resource-validate",
    ))
    .chain(operations)
    .chain(terminology)
    .collect();
    stated
}

fn operation(name: &str, definition: &str) -> Value {
    json!({ "name": name, "definition": definition })
}

fn definition(name: &str) -> String {
    format!("http://hl7.org/fhir/SearchParameter/{name}")
}
