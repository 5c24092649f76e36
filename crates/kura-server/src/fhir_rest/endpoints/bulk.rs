//! Operations that are answered later. FHIR R4 async.html, Bulk Data Access 2.0.

use super::super::endpoint::Values::{Instant, One, Text, Types};
use super::super::endpoint::{Content, Endpoint, Method, query};
use super::operations::OF_TABLES;
use super::{FHIR, LATER, VIEW_RUN};

const LATER_ANSWERS: &[(u16, Content)] = &[(202, Content::OperationOutcome)];

pub(in super::super) static EXPORT_SYSTEM: Endpoint<'static> = Endpoint {
    path: "/$export",
    name: "export",
    group: "bulk data",
    summary: "Everything, as NDJSON",
    source: "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export",
    parameters: &[
        LATER,
        query("_type", Types, "Only these types"),
        query("_since", Instant, "Only what was written since then"),
        query(
            "_typeFilter",
            Text,
            "Searches with commas between them; a comma within one is `%2C`",
        ),
        query(
            "_outputFormat",
            One(&["application/fhir+ndjson", "application/ndjson", "ndjson"]),
            "Of the files",
        ),
    ],
    answers: LATER_ANSWERS,
    refusals: &[404, 422, 429],
    ..FHIR
};

pub(in super::super) static EXPORT_PATIENTS: Endpoint<'static> = Endpoint {
    path: "/Patient/$export",
    name: "export-patients",
    summary: "What belongs to patients, as NDJSON",
    source: "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/patient-export",
    ..EXPORT_SYSTEM
};

pub(in super::super) static EXPORT_GROUP: Endpoint<'static> = Endpoint {
    path: "/Group/{id}/$export",
    name: "export-group",
    summary: "What belongs to the members of a Group, as NDJSON",
    source: "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/group-export",
    ..EXPORT_SYSTEM
};

pub(in super::super) static EXPORT_STATUS: Endpoint<'static> = Endpoint {
    path: "/$export-status/{id}",
    name: "export-status",
    group: "bulk data",
    summary: "How far an export is; where its files are",
    source: "https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-status-request",
    answers: &[(200, Content::Manifest), (202, Content::Manifest)],
    refusals: &[404],
    shaped: false,
    ..FHIR
};

pub(in super::super) static EXPORT_CANCEL: Endpoint<'static> = Endpoint {
    method: Method::Delete,
    name: "export-cancel",
    summary: "An export stopped, its files taken away",
    source: "https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-delete-request",
    answers: &[(202, Content::Nothing)],
    ..EXPORT_STATUS
};

pub(in super::super) static EXPORT_FILE: Endpoint<'static> = Endpoint {
    path: "/$export-file/{id}/{name}",
    name: "export-file",
    summary: "A file of an export",
    source: "https://hl7.org/fhir/uv/bulkdata/STU2/export.html#bulk-data-output-file-request",
    answers: &[(200, Content::File)],
    ..EXPORT_STATUS
};

pub(in super::super) static IMPORT: Endpoint<'static> = Endpoint {
    method: Method::Post,
    path: "/$import",
    name: "import",
    group: "bulk data",
    summary: "NDJSON brought in: from where import.sources allows, or sent",
    source: "https://github.com/smart-on-fhir/bulk-import/blob/master/import-manifest.md",
    parameters: &[LATER],
    body: Some(Content::Import),
    answers: LATER_ANSWERS,
    refusals: &[413, 415, 422, 429],
    shaped: false,
};

pub(in super::super) static IMPORT_STATUS: Endpoint<'static> = Endpoint {
    path: "/$import-status/{id}",
    name: "import-status",
    summary: "How far an import is; what was taken and what was refused",
    source: IMPORT_SOURCE,
    ..EXPORT_STATUS
};

const IMPORT_SOURCE: &str =
    "https://github.com/smart-on-fhir/bulk-import/blob/master/import-manifest.md";

pub(in super::super) static IMPORT_CANCEL: Endpoint<'static> = Endpoint {
    path: "/$import-status/{id}",
    name: "import-cancel",
    summary: "An import stopped; what was written stays",
    source: IMPORT_SOURCE,
    ..EXPORT_CANCEL
};

pub(in super::super) static IMPORT_FILE: Endpoint<'static> = Endpoint {
    path: "/$import-file/{id}/{name}",
    name: "import-file",
    summary: "What was refused, as OperationOutcomes",
    source: IMPORT_SOURCE,
    ..EXPORT_FILE
};

pub(in super::super) static VIEW_EXPORT: Endpoint<'static> = Endpoint {
    path: "/$viewdefinition-export",
    name: "viewdefinition-export",
    summary: "The rows of views, as files",
    source: "http://sql-on-fhir.org/OperationDefinition/$viewdefinition-export",
    parameters: &[
        LATER,
        OF_TABLES[0],
        OF_TABLES[1],
        OF_TABLES[2],
        OF_TABLES[3],
        OF_TABLES[4],
    ],
    body: Some(Content::Parameters),
    answers: &[(202, Content::Parameters)],
    refusals: &[404, 413, 422, 429],
    ..VIEW_RUN
};

/// Of a type that is no resource type of R4, as SQL on FHIR writes it.
pub(in super::super) static VIEW_EXPORT_OF_TYPE: Endpoint<'static> = Endpoint {
    path: "/ViewDefinition/$export",
    name: "viewdefinition-export-of-type",
    ..VIEW_EXPORT
};

pub(in super::super) static VIEW_EXPORT_LONG: Endpoint<'static> = Endpoint {
    path: "/ViewDefinition/$viewdefinition-export",
    name: "viewdefinition-export-long",
    ..VIEW_EXPORT
};
