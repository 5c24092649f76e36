//! What each entry of a batch or a transaction is answered with.

use kura_fhir::{date, outcome};
use kura_model::Error;
use kura_validation::Verdict;
use serde_json::{Value, json};

use super::{What, Written};
use crate::bundle_writer::BundleWriter;
use crate::fhir_read::Answer;
use crate::validation::on_write;

/// How much of the result a client wants back. FHIR R4 http.html#ops, Prefer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returning {
    Minimal,
    Representation,
    OperationOutcome,
}

#[derive(Default)]
pub(super) struct Answered {
    status: String,
    full_url: String,
    resource: Option<Vec<u8>>,
    location: Option<String>,
    version: Option<u64>,
    last_modified: Option<i64>,
    outcome: Option<Value>,
}

impl Answered {
    pub(super) fn written(base: &str, written: Written, returning: Returning) -> Self {
        let deleted = matches!(written.what, What::Deleted | What::Absent);
        let known = written.version > 0;
        Self {
            status: match written.what {
                What::Created => "201 Created",
                What::Updated | What::Unchanged | What::Found => "200 OK",
                What::Deleted | What::Absent => "204 No Content",
            }
            .to_owned(),
            full_url: if deleted {
                String::new()
            } else {
                format!("{base}/{}", written.key)
            },
            location: (!deleted).then(|| format!("{}/_history/{}", written.key, written.version)),
            version: known.then_some(written.version),
            last_modified: known.then_some(written.last_updated),
            // FHIR R4 bundle.html, response.outcome: warnings are told without being asked for.
            outcome: (returning == Returning::OperationOutcome || written.is_broken())
                .then(|| written.outcome()),
            resource: (returning == Returning::Representation && !deleted).then_some(written.body),
        }
    }

    /// Several resources gone by one entry.
    pub(super) fn deleted(count: usize, returning: Returning) -> Self {
        Self {
            status: "204 No Content".to_owned(),
            outcome: (returning == Returning::OperationOutcome).then(|| {
                outcome::single(
                    "information",
                    "informational",
                    &format!("{count} resources deleted"),
                )
            }),
            ..Self::default()
        }
    }

    pub(super) fn one(base: &str, path: &str, answer: Answer) -> Self {
        Self {
            status: "200 OK".to_owned(),
            full_url: format!("{base}/{path}"),
            resource: Some(answer.body),
            version: Some(answer.version),
            last_modified: Some(answer.last_updated),
            ..Self::default()
        }
    }

    pub(super) fn unchanged(answer: &Answer) -> Self {
        Self {
            status: "304 Not Modified".to_owned(),
            version: Some(answer.version),
            last_modified: Some(answer.last_updated),
            ..Self::default()
        }
    }

    pub(super) fn bundle(body: Vec<u8>) -> Self {
        Self {
            status: "200 OK".to_owned(),
            resource: Some(body),
            ..Self::default()
        }
    }

    pub(super) fn failed(error: &Error) -> Self {
        if error.category == kura_model::Category::Internal {
            tracing::error!(error = ?error, "an entry of a batch failed");
        }
        Self {
            status: outcome::status(error.category).to_owned(),
            outcome: Some(outcome::of(error)),
            ..Self::default()
        }
    }

    pub(super) fn without_resource(mut self) -> Self {
        self.resource = None;
        self
    }

    pub(super) fn into_entry(self, bundle: &mut BundleWriter) {
        let mut response = json!({ "status": self.status });
        if let Some(location) = self.location {
            response["location"] = json!(location);
        }
        if let Some(version) = self.version {
            response["etag"] = json!(format!("W/\"{version}\""));
        }
        if let Some(at) = self.last_modified {
            response["lastModified"] = json!(date::instant(at));
        }
        if let Some(outcome) = self.outcome {
            response["outcome"] = outcome;
        }
        bundle.entry(
            &self.full_url,
            self.resource.as_deref(),
            &json!({ "response": response }),
        );
    }
}

/// What happened, in a sentence.
pub(super) fn told(what: What) -> Value {
    let text = match what {
        What::Created => "created",
        What::Updated => "updated: a new version",
        What::Unchanged => "the content is the current version's; no new version",
        What::Found => "a resource that matches is there; nothing was created",
        What::Deleted => "deleted",
        What::Absent => "there was nothing to delete",
    };
    outcome::single("information", "informational", text)
}

impl Written {
    /// For `Prefer: return=OperationOutcome`: what happened, and what validation found.
    pub fn outcome(&self) -> Value {
        let mut told = told(self.what);
        if let (Some(found), Some(all)) = (&self.findings, told["issue"].as_array_mut()) {
            all.extend(on_write::issues(found).iter().map(outcome::finding));
        }
        told
    }

    /// Whether it was written although it breaks a rule.
    fn is_broken(&self) -> bool {
        let found = self.findings.as_ref();
        found.is_some_and(|found| found.verdict() == Verdict::Fail)
    }
}
