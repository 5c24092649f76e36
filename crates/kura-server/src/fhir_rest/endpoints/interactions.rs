//! The interactions. <https://hl7.org/fhir/R4/http.html>

use super::super::endpoint::Values::{Boolean, Date, Instant, Number, One, Text, Types};
use super::super::endpoint::{Content, Endpoint, Method, Parameter, header, query};
use super::{BUNDLE_ANSWER, FHIR};

pub(in super::super) static METADATA: Endpoint<'static> = Endpoint {
    path: "/metadata",
    name: "capabilities",
    group: "server",
    summary: "What the server does, as a CapabilityStatement",
    source: "http.html#capabilities",
    answers: &[(200, Content::CapabilityStatement)],
    ..FHIR
};

pub(in super::super) static OPENAPI: Endpoint<'static> = Endpoint {
    path: "/openapi.json",
    name: "openapi",
    group: "server",
    summary: "What the server does, as this description",
    source: "https://spec.openapis.org/oas/v3.0.3",
    parameters: &[query(
        "type",
        Text,
        "A resource type of R4: the description of it alone, with its elements and search parameters",
    )],
    answers: &[(200, Content::OpenApi)],
    shaped: false,
    ..FHIR
};

const IF_NONE_MATCH: Parameter<'static> = header(
    "If-None-Match",
    Text,
    "`W/\"3\"`: versions that the client has",
);
const IF_MATCH: Parameter<'static> = header(
    "If-Match",
    Text,
    "`W/\"3\"`: only if this is the newest version, else 412. http.html#concurrency",
);
const IF_UNMODIFIED_SINCE: Parameter<'static> =
    header("If-Unmodified-Since", Text, "An HTTP date, RFC 9110");
/// No list of values: with `minimal` an answer has no body, and OpenAPI cannot say that a body may be
/// missing.
const RETURN: Parameter<'static> = header(
    "Prefer",
    Text,
    "`return=minimal` (no body), `return=representation`, `return=OperationOutcome`. http.html#ops",
);
const WRITING: &[Parameter<'static>] = &[IF_MATCH, IF_NONE_MATCH, IF_UNMODIFIED_SINCE, RETURN];
const READING: &[Parameter<'static>] = &[
    IF_NONE_MATCH,
    header("If-Modified-Since", Text, "An HTTP date, RFC 9110"),
];
const READ_ANSWERS: &[(u16, Content)] = &[(200, Content::OfType), (304, Content::Nothing)];

pub(in super::super) static READ: Endpoint<'static> = Endpoint {
    path: "/{type}/{id}",
    name: "read",
    group: "resources",
    summary: "A resource as it is now",
    source: "http.html#read",
    parameters: READING,
    answers: READ_ANSWERS,
    refusals: &[404, 410],
    ..FHIR
};

pub(in super::super) static VREAD: Endpoint<'static> = Endpoint {
    path: "/{type}/{id}/_history/{version}",
    name: "vread",
    group: "resources",
    summary: "A resource as it was",
    source: "http.html#vread",
    parameters: READING,
    answers: READ_ANSWERS,
    refusals: &[404, 410],
    ..FHIR
};

pub(in super::super) static CREATE: Endpoint<'static> = Endpoint {
    method: Method::Post,
    path: "/{type}",
    name: "create",
    group: "resources",
    summary: "A new resource; the server gives the id",
    source: "http.html#create",
    parameters: &[
        header(
            "If-None-Exist",
            Text,
            "`identifier=urn:x|1`: only if this search finds nothing; one that it finds is answered with 200. http.html#ccreate",
        ),
        RETURN,
    ],
    body: Some(Content::OfType),
    answers: &[(200, Content::Resource), (201, Content::Resource)],
    refusals: &[404, 409, 412, 413, 415, 422],
    ..FHIR
};

const WRITTEN: &[(u16, Content)] = &[(200, Content::Resource), (201, Content::Resource)];
const DELETED: &[(u16, Content)] = &[(200, Content::OperationOutcome), (204, Content::Nothing)];

pub(in super::super) static UPDATE: Endpoint<'static> = Endpoint {
    method: Method::Put,
    path: "/{type}/{id}",
    name: "update",
    group: "resources",
    summary: "A new version of a resource, or the first under this id",
    source: "http.html#update",
    parameters: WRITING,
    body: Some(Content::OfType),
    answers: WRITTEN,
    refusals: &[404, 409, 412, 413, 415, 422],
    ..FHIR
};

pub(in super::super) static UPDATE_CONDITIONAL: Endpoint<'static> = Endpoint {
    method: Method::Put,
    path: "/{type}",
    name: "update-conditional",
    summary: "A new version of the one resource that a search finds, or the first",
    source: "http.html#cond-update",
    ..UPDATE
};

pub(in super::super) static PATCH: Endpoint<'static> = Endpoint {
    method: Method::Patch,
    name: "patch",
    summary: "A resource changed in parts, by JSON Patch or FHIRPath Patch",
    source: "http.html#patch",
    body: Some(Content::Patch),
    answers: &[(200, Content::Resource)],
    refusals: &[404, 409, 410, 412, 413, 415, 422],
    ..UPDATE
};

pub(in super::super) static PATCH_CONDITIONAL: Endpoint<'static> = Endpoint {
    path: "/{type}",
    name: "patch-conditional",
    summary: "The one resource that a search finds, changed in parts",
    source: "http.html#patch",
    ..PATCH
};

pub(in super::super) static DELETE: Endpoint<'static> = Endpoint {
    method: Method::Delete,
    name: "delete",
    summary: "A resource deleted; its versions stay",
    source: "http.html#delete",
    body: None,
    answers: DELETED,
    refusals: &[404, 409, 412, 422],
    ..UPDATE
};

pub(in super::super) static DELETE_CONDITIONAL: Endpoint<'static> = Endpoint {
    path: "/{type}",
    name: "delete-conditional",
    summary: "What a search finds deleted: one resource, or several where fhir.delete_multiple allows it",
    source: "http.html#3.1.0.7.1",
    ..DELETE
};

pub(in super::super) static BUNDLE: Endpoint<'static> = Endpoint {
    method: Method::Post,
    path: "/",
    name: "transaction",
    group: "bundles",
    summary: "A batch or a transaction",
    source: "http.html#transaction",
    parameters: &[RETURN],
    body: Some(Content::Bundle),
    answers: BUNDLE_ANSWER,
    refusals: &[404, 409, 410, 412, 413, 415, 422],
    ..FHIR
};

/// Some clients end the base with a slash: nested, `/` is the base without one.
pub(in super::super) static BUNDLE_SLASH: Endpoint<'static> = Endpoint {
    path: "/fhir/",
    name: "transaction-slash",
    ..BUNDLE
};

/// Of a page of a search.
const SEARCHING: &[Parameter<'static>] = &[
    query("_count", Number(0, 1000), "Results of a page"),
    query(
        "_total",
        One(&["none", "estimate", "accurate"]),
        "Whether all are counted",
    ),
    query(
        "_sort",
        Text,
        "Search parameters with commas between them; `-` before one: downwards",
    ),
    query(
        "_include",
        Text,
        "`Observation:patient`: what results point at",
    )
    .repeats(),
    query(
        "_revinclude",
        Text,
        "`Observation:patient`: what points at results",
    )
    .repeats(),
    query("_id", Text, "Ids with commas between them"),
    query("_lastUpdated", Date, "`ge2026-01-01`").repeats(),
    query("_has", Text, "Written `_has:Observation:patient:code=…`"),
    query("_list", Text, "What a List names"),
    query(
        "_filter",
        Text,
        "`name co \"ono\" and birthdate gt 1950`; search_filter.html",
    ),
    query("_page", Text, "The seal of a page; links hold it"),
    header(
        "Prefer",
        One(&["handling=strict", "handling=lenient"]),
        "strict: a parameter that is not known is refused. search.html#errors",
    ),
];

pub(in super::super) static SEARCH: Endpoint<'static> = Endpoint {
    path: "/{type}",
    name: "search-type",
    group: "search",
    summary: "What matches, a page",
    source: "http.html#search",
    parameters: SEARCHING,
    answers: BUNDLE_ANSWER,
    refusals: &[404, 422],
    ..FHIR
};

pub(in super::super) static SEARCH_GET: Endpoint<'static> = Endpoint {
    path: "/{type}/_search",
    name: "search-type-get",
    ..SEARCH
};

pub(in super::super) static SEARCH_POST: Endpoint<'static> = Endpoint {
    method: Method::Post,
    path: "/{type}/_search",
    name: "search-type-post",
    summary: "What matches, a page; what is looked for stands in no address",
    parameters: &[SEARCHING[SEARCHING.len() - 1]],
    body: Some(Content::Form),
    refusals: &[404, 413, 415, 422],
    ..SEARCH
};

pub(in super::super) static SEARCH_WITHIN: Endpoint<'static> = Endpoint {
    path: "/{compartment}/{id}/{type}",
    name: "search-compartment",
    summary: "What matches in a compartment, a page",
    source: "compartmentdefinition.html",
    ..SEARCH
};

pub(in super::super) static SEARCH_WITHIN_POST: Endpoint<'static> = Endpoint {
    path: "/{compartment}/{id}/{type}/_search",
    name: "search-compartment-post",
    summary: "What matches in a compartment, a page; what is looked for stands in no address",
    ..SEARCH_POST
};

const PAST: &[Parameter<'static>] = &[
    query("_count", Number(1, 1000), "Versions of a page"),
    query("_since", Instant, "Versions since then"),
    query("_at", Date, "Versions that were current then"),
];

pub(in super::super) static HISTORY: Endpoint<'static> = Endpoint {
    path: "/{type}/{id}/_history",
    name: "history-instance",
    group: "history",
    summary: "The versions of a resource, newest first",
    source: "http.html#history",
    parameters: PAST,
    answers: BUNDLE_ANSWER,
    refusals: &[404],
    ..FHIR
};

pub(in super::super) static HISTORY_TYPE: Endpoint<'static> = Endpoint {
    path: "/{type}/_history",
    name: "history-type",
    summary: "The versions of all resources of a type, newest first",
    ..HISTORY
};

pub(in super::super) static HISTORY_SYSTEM: Endpoint<'static> = Endpoint {
    path: "/_history",
    name: "history-system",
    summary: "All versions, newest first",
    refusals: &[],
    ..HISTORY
};

pub(in super::super) static CHANGES: Endpoint<'static> = Endpoint {
    path: "/$changes",
    name: "changes",
    group: "history",
    summary: "What was written after a logical time, oldest first",
    source: "urn:kura:OperationDefinition:changes",
    parameters: &[
        query(
            "t",
            Number(0, i64::MAX as u64),
            "A logical time of the bank; 0, everything",
        ),
        query("_type", Types, "Only these types"),
        query("_count", Number(1, 1000), "Versions of a page"),
        query(
            "_wait",
            Number(0, 60),
            "Seconds to wait while nothing has changed",
        ),
    ],
    answers: BUNDLE_ANSWER,
    ..FHIR
};

/// How every answer in JSON or XML can be asked for.
pub(in super::super) const SHAPE: &[Parameter<'static>] = &[
    query(
        "_format",
        One(&[
            "json",
            "xml",
            "application/fhir+json",
            "application/fhir+xml",
        ]),
        "Wins over `Accept`",
    ),
    query("_pretty", Boolean, "Laid out for eyes"),
    query(
        "_summary",
        One(&["true", "text", "data", "count", "false"]),
        "search.html#summary",
    ),
    query(
        "_elements",
        Text,
        "Names of elements with commas between them",
    ),
];
