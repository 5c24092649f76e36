//! OperationOutcome: how FHIR says that something is wrong.

use kura_model::{Category, Error};
use serde_json::{Value, json};

/// One issue, from our error. FHIR R4 valueset-issue-type.html.
pub fn of(error: &Error) -> Value {
    single("error", code(error.category), error.message())
}

pub fn single(severity: &str, code: &str, diagnostics: &str) -> Value {
    json!({
        "resourceType": "OperationOutcome",
        "issue": [issue(severity, code, diagnostics)],
    })
}

pub fn issue(severity: &str, code: &str, diagnostics: &str) -> Value {
    json!({ "severity": severity, "code": code, "diagnostics": diagnostics })
}

fn code(category: Category) -> &'static str {
    match category {
        Category::Invalid => "invalid",
        Category::NotFound => "not-found",
        Category::Gone => "deleted",
        Category::Unauthenticated => "login",
        Category::Forbidden => "forbidden",
        Category::Conflict => "conflict",
        Category::Exhausted => "too-costly",
        Category::Unsupported => "not-supported",
        Category::Interrupted => "transient",
        Category::Internal => "exception",
    }
}
