//! What a validation found.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Value, json};

/// FHIR R4 valueset-issue-severity.html.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Fatal,
    Error,
    Warning,
    Information,
}

impl Severity {
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Severity::Fatal => "fatal",
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Information => "information",
        }
    }
}

/// The codes of FHIR R4 valueset-issue-type.html that a validation gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IssueCode {
    /// Not the structure of the type: an unknown element, the wrong JSON type.
    Structure,
    /// Something that must be there is not.
    Required,
    /// A value that its type or its profile does not allow.
    Value,
    /// An invariant does not hold.
    Invariant,
    /// A code that its value set does not allow.
    CodeInvalid,
    /// An extension that is not known, or stands where it may not.
    Extension,
    /// Something referred to is not there; a definition is not loaded.
    NotFound,
    /// The rules of the profile cannot be decided by this validator.
    NotSupported,
    TooCostly,
    Informational,
}

impl IssueCode {
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            IssueCode::Structure => "structure",
            IssueCode::Required => "required",
            IssueCode::Value => "value",
            IssueCode::Invariant => "invariant",
            IssueCode::CodeInvalid => "code-invalid",
            IssueCode::Extension => "extension",
            IssueCode::NotFound => "not-found",
            IssueCode::NotSupported => "not-supported",
            IssueCode::TooCostly => "too-costly",
            IssueCode::Informational => "informational",
        }
    }
}

/// One finding. Its message names rules and places, never a value of the resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Issue {
    pub severity: Severity,
    pub code: IssueCode,
    /// Where, as FHIRPath: `Observation.component[1].valueQuantity`.
    pub path: String,
    /// By which rule: the key of an invariant (`obs-6`), a profile's URL with the id of its element
    /// behind `#`, or the element of the standard (`Observation.status`).
    pub rule: String,
    pub message: String,
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (severity, code) = (self.severity.code(), self.code.code());
        write!(f, "{severity} {code} at {}: {}", self.path, self.message)?;
        write!(f, " [{}]", self.rule)
    }
}

/// Whether a resource conforms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It keeps every rule of its type and profiles.
    Pass,
    /// It breaks one.
    Fail,
    /// No rule is known to be broken, but something that decides one is not loaded.
    Unknown,
}

impl Verdict {
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Fail => "fail",
            Verdict::Unknown => "unknown",
        }
    }
}

/// All that was found, and what was missing to be certain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub issues: Vec<Issue>,
    /// Canonical URLs of value sets, code systems and profiles that would decide more.
    pub missing: BTreeSet<String>,
    /// Whether a rule could not be decided for another reason.
    pub undecided: bool,
    /// The profiles that the resource itself was held against, in order.
    pub profiles: Vec<String>,
}

impl Outcome {
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.errors().next().is_some() {
            Verdict::Fail
        } else if self.undecided || !self.missing.is_empty() {
            Verdict::Unknown
        } else {
            Verdict::Pass
        }
    }

    /// The issues that make it fail.
    pub fn errors(&self) -> impl Iterator<Item = &Issue> {
        let fails = |issue: &&Issue| issue.severity <= Severity::Error;
        self.issues.iter().filter(fails)
    }

    /// The verdict in a sentence.
    #[must_use]
    pub fn summary(&self) -> &'static str {
        match self.verdict() {
            Verdict::Pass => "The resource keeps every rule that it was held against",
            Verdict::Unknown => {
                "No rule is known to be broken, but definitions that decide it are not loaded"
            }
            Verdict::Fail => "The resource breaks a rule",
        }
    }

    /// As FHIR answers `$validate`: an `OperationOutcome`. It has one issue at least.
    #[must_use]
    pub fn operation_outcome(&self) -> Value {
        let mut issues: Vec<Value> = self
            .issues
            .iter()
            .map(|issue| {
                json!({
                    "severity": issue.severity.code(),
                    "code": issue.code.code(),
                    "details": { "text": issue.message },
                    "diagnostics": issue.rule,
                    "expression": [issue.path],
                })
            })
            .collect();
        issues.push(json!({
            "severity": "information",
            "code": "informational",
            "details": { "text": self.summary() },
            "diagnostics": self.verdict().code(),
        }));
        json!({ "resourceType": "OperationOutcome", "issue": issues })
    }
}
