//! Operations that are answered at once.

use super::super::endpoint::Values::{Boolean, Date, Instant, Number, One, Text, Types, Uri};
use super::super::endpoint::{Content, Endpoint, Method, Parameter, query};
use super::{BUNDLE_ANSWER, FHIR};

pub(in super::super) static VALIDATE: Endpoint<'static> = Endpoint {
    method: Method::Post,
    path: "/{type}/$validate",
    name: "validate",
    group: "operations",
    summary: "Whether a resource conforms to R4 and to its profiles",
    source: "http://hl7.org/fhir/OperationDefinition/Resource-validate",
    parameters: &[PROFILE],
    body: Some(Content::Resource),
    answers: &[(200, Content::OperationOutcome)],
    refusals: &[404, 413, 415, 422],
    ..FHIR
};

const PROFILE: Parameter<'static> = query("profile", Uri, "To this profile too").repeats();

pub(in super::super) static VALIDATE_INSTANCE: Endpoint<'static> = Endpoint {
    method: Method::Get,
    path: "/{type}/{id}/$validate",
    name: "validate-instance",
    summary: "Whether a resource of the bank conforms",
    body: None,
    refusals: &[404, 410, 422],
    ..VALIDATE
};

pub(in super::super) static VALIDATE_INSTANCE_SENT: Endpoint<'static> = Endpoint {
    path: "/{type}/{id}/$validate",
    name: "validate-instance-sent",
    summary: "Whether what would become of a resource conforms",
    refusals: &[404, 410, 413, 415, 422],
    ..VALIDATE
};

pub(in super::super) static EVERYTHING: Endpoint<'static> = Endpoint {
    path: "/{whole}/{id}/$everything",
    name: "everything",
    group: "operations",
    summary: "All of a patient or an encounter, a page",
    source: "http://hl7.org/fhir/OperationDefinition/Patient-everything",
    parameters: &[
        query("_type", Types, "Only these types"),
        query("_since", Instant, "Only what was written since then"),
        query("start", Date, "Care since then"),
        query("end", Date, "Care until then"),
        query("_count", Number(1, 1000), "Resources of a page"),
        query("_page", Text, "The seal of a page; links hold it"),
    ],
    answers: BUNDLE_ANSWER,
    refusals: &[404, 410],
    ..FHIR
};

pub(in super::super) static EVERYTHING_POST: Endpoint<'static> = Endpoint {
    method: Method::Post,
    name: "everything-post",
    refusals: &[404, 410, 413],
    ..EVERYTHING
};

pub(in super::super) static DOCUMENT: Endpoint<'static> = Endpoint {
    path: "/Composition/{id}/$document",
    name: "document",
    group: "operations",
    summary: "A composition with all that it names, as a document",
    source: "http://hl7.org/fhir/OperationDefinition/Composition-document",
    answers: BUNDLE_ANSWER,
    refusals: &[404, 410, 422],
    ..FHIR
};

pub(in super::super) static SUBSCRIPTION_STATUS: Endpoint<'static> = Endpoint {
    path: "/Subscription/{id}/$status",
    name: "subscription-status",
    group: "operations",
    summary: "How far a subscription is",
    source: "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-status",
    answers: BUNDLE_ANSWER,
    refusals: &[404, 410],
    ..FHIR
};

/// `header`, `patient` and what else a table is asked for with.
pub(super) const OF_TABLES: &[Parameter<'static>] = &[
    query(
        "_format",
        One(&["json", "ndjson", "csv", "parquet"]),
        "Of the rows",
    ),
    query("header", Boolean, "CSV with a first line of names"),
    query(
        "patient",
        Text,
        "`Patient/1`: only what is in this compartment",
    )
    .repeats(),
    query(
        "group",
        Text,
        "`Group/1`: only what is in the compartments of its members",
    )
    .repeats(),
    query("_since", Instant, "Only resources written since then"),
];

pub(in super::super) static VIEW_RUN: Endpoint<'static> = Endpoint {
    method: Method::Post,
    path: "/$viewdefinition-run",
    name: "viewdefinition-run",
    group: "tables",
    summary: "The rows of a view",
    source: "http://sql-on-fhir.org/OperationDefinition/$viewdefinition-run",
    parameters: &[
        OF_TABLES[0],
        OF_TABLES[1],
        OF_TABLES[2],
        OF_TABLES[3],
        OF_TABLES[4],
        query("_limit", Number(0, u32::MAX as u64), "Rows at most"),
    ],
    body: Some(Content::View),
    answers: &[(200, Content::Table)],
    refusals: &[404, 413, 422],
    shaped: false,
};

/// Of a type that is no resource type of R4, as SQL on FHIR writes it.
pub(in super::super) static VIEW_RUN_OF_TYPE: Endpoint<'static> = Endpoint {
    path: "/ViewDefinition/$run",
    name: "viewdefinition-run-of-type",
    ..VIEW_RUN
};

pub(in super::super) static VIEW_RUN_LONG: Endpoint<'static> = Endpoint {
    path: "/ViewDefinition/$viewdefinition-run",
    name: "viewdefinition-run-long",
    ..VIEW_RUN
};

/// Of the terminology service: the values of a parameter, by its name.
pub(in super::super) fn values(name: &str) -> Option<super::Values> {
    Some(match name {
        "offset" | "count" => Number(0, i32::MAX as u64),
        "includeDesignations"
        | "includeDefinition"
        | "activeOnly"
        | "excludeNested"
        | "excludeNotForUI"
        | "abstract"
        | "reverse" => Boolean,
        "url" | "system" | "source" | "target" | "targetsystem" => Uri,
        // They are no text: they come in the body.
        "valueSet" | "codeSystem" | "conceptMap" | "coding" | "codingA" | "codingB"
        | "codeableConcept" => return None,
        _ => Text,
    })
}
