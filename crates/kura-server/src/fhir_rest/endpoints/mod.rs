//! All addresses of the FHIR API but those of the terminology service, which has a table of its own
//! ([`kura_service::terminology_service::OPERATIONS`]).

mod bulk;
mod interactions;
mod operations;

pub(super) use bulk::*;
pub(super) use interactions::*;
pub(super) use operations::*;

use super::endpoint::{Content, Endpoint, Method, Parameter, Values, header};

pub(super) static ALL: [&Endpoint<'static>; 45] = [
    &METADATA,
    &OPENAPI,
    &READ,
    &VREAD,
    &CREATE,
    &UPDATE,
    &UPDATE_CONDITIONAL,
    &PATCH,
    &PATCH_CONDITIONAL,
    &DELETE,
    &DELETE_CONDITIONAL,
    &BUNDLE,
    &BUNDLE_SLASH,
    &SEARCH,
    &SEARCH_GET,
    &SEARCH_POST,
    &SEARCH_WITHIN,
    &SEARCH_WITHIN_POST,
    &HISTORY,
    &HISTORY_TYPE,
    &HISTORY_SYSTEM,
    &CHANGES,
    &VALIDATE,
    &VALIDATE_INSTANCE,
    &VALIDATE_INSTANCE_SENT,
    &EVERYTHING,
    &EVERYTHING_POST,
    &DOCUMENT,
    &SUBSCRIPTION_STATUS,
    &EXPORT_SYSTEM,
    &EXPORT_PATIENTS,
    &EXPORT_GROUP,
    &EXPORT_STATUS,
    &EXPORT_CANCEL,
    &EXPORT_FILE,
    &IMPORT,
    &IMPORT_STATUS,
    &IMPORT_CANCEL,
    &IMPORT_FILE,
    &VIEW_RUN,
    &VIEW_RUN_OF_TYPE,
    &VIEW_RUN_LONG,
    &VIEW_EXPORT,
    &VIEW_EXPORT_OF_TYPE,
    &VIEW_EXPORT_LONG,
];

/// What most have in common.
const FHIR: Endpoint<'static> = Endpoint {
    method: Method::Get,
    path: "",
    name: "",
    group: "",
    summary: "",
    source: "",
    parameters: &[],
    body: None,
    answers: &[],
    refusals: &[],
    shaped: true,
};

const LATER: Parameter<'static> = header(
    "Prefer",
    Values::One(&["respond-async"]),
    "It is answered later: the answer is 202, and `Content-Location` says where to ask. FHIR R4 async.html",
)
.required();

const BUNDLE_ANSWER: &[(u16, Content)] = &[(200, Content::Bundle)];
