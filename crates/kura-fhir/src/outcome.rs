//! OperationOutcome: how FHIR says that something is wrong.

use kura_model::{Category, Error, Issue, Refusal};
use serde_json::{Value, json};

/// Our error: one issue, or the findings that it is made of. FHIR R4 valueset-issue-type.html.
pub fn of(error: &Error) -> Value {
    if !error.issues().is_empty() {
        let found: Vec<Value> = error.issues().iter().map(finding).collect();
        return json!({ "resourceType": "OperationOutcome", "issue": found });
    }
    let code = error.code().unwrap_or_else(|| code(error.category));
    let mut issue = issue("error", code, error.message());
    if let Some(place) = error.place() {
        issue["expression"] = json!([place]);
    }
    json!({ "resourceType": "OperationOutcome", "issue": [issue] })
}

/// A finding: what is said in `details`, the rule in `diagnostics`, the place in `expression`.
pub fn finding(found: &Issue) -> Value {
    let mut issue = issue(found.severity, found.code, &found.rule);
    issue["details"] = json!({ "text": found.message });
    if let Some(place) = &found.place {
        issue["expression"] = json!([place]);
    }
    issue
}

/// The error a refused resource is to whoever sent it.
pub fn refused(refusal: Refusal) -> Error {
    let (category, code) = match refusal.rule.as_str() {
        "json-syntax" | "json-encoding" | "json-repeated" | "fhir-not-object"
        | "fhir-resource-type" => (Category::Invalid, "structure"),
        "xml-syntax" | "xml-encoding" | "xml-character" | "xml-doctype" | "xml-entity"
        | "xml-namespace" | "xml-text" | "xml-attribute" | "xml-element" | "xml-repeated" => {
            (Category::Invalid, "structure")
        }
        "xml-value" | "xml-empty" => (Category::Invalid, "value"),
        "json-depth" | "xml-depth" => (Category::Invalid, "too-costly"),
        "json-size" | "xml-size" | "fhir-string-length" => (Category::Invalid, "too-long"),
        "fhir-id" => (Category::Invalid, "value"),
        "reserved" => (Category::Unprocessable, "business-rule"),
        _ => (Category::Invalid, "invalid"),
    };
    let message = match refusal.location.byte {
        Some(byte) => format!("{} (byte {byte})", refusal.message),
        None => refusal.message.clone(),
    };
    let error = Error::new(category, message).coded(code);
    match refusal.location.path {
        Some(path) => error.at(path),
        None => error,
    }
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
        Category::Conflict | Category::Precondition => "conflict",
        Category::Unprocessable => "processing",
        Category::TooLarge => "too-long",
        Category::Exhausted => "too-costly",
        Category::Unsupported => "not-supported",
        Category::Interrupted => "transient",
        Category::Internal => "exception",
    }
}

/// What HTTP calls it: the status of an entry of a batch, and of an answer. FHIR R4
/// http.html#Status-Codes, RFC 9110 section 15.
pub fn status(category: Category) -> &'static str {
    match category {
        Category::Invalid => "400 Bad Request",
        Category::NotFound => "404 Not Found",
        Category::Gone => "410 Gone",
        Category::Unauthenticated => "401 Unauthorized",
        Category::Forbidden => "403 Forbidden",
        Category::Conflict => "409 Conflict",
        Category::Precondition => "412 Precondition Failed",
        Category::Unprocessable => "422 Unprocessable Content",
        Category::TooLarge => "413 Content Too Large",
        Category::Exhausted => "507 Insufficient Storage",
        Category::Unsupported => "501 Not Implemented",
        Category::Interrupted => "503 Service Unavailable",
        Category::Internal => "500 Internal Server Error",
    }
}
