//! Validation on write: what the configuration asks of a type, decided before the writing lock.

use std::sync::Arc;

use kura_model::{Category, Error, Issue, Refusal, Result};
use kura_validation::{Neighbours, Outcome, Validator, Verdict};
use serde_json::Value;

use crate::Bank;
use crate::config::{OnWrite, Validation};

/// Judges resources by the definitions that are in the bank when it is made.
pub(crate) struct Judge {
    /// `None` where no type is looked at.
    by: Option<(Validation, Arc<Validator>)>,
}

/// What a resource that is to be written came to.
#[derive(Debug, Clone)]
pub(crate) enum Judgement {
    /// Its type is not looked at.
    Unseen,
    /// It may be written; it may break rules all the same.
    Admitted(Outcome),
    Refused(Outcome),
}

impl Judge {
    pub(crate) fn of(bank: &Bank) -> Result<Self> {
        let rules = &bank.config.validation;
        if rules.is_off() {
            return Ok(Self { by: None });
        }
        let validator = bank.profiles.validator(bank)?;
        Ok(Self {
            by: Some((rules.clone(), validator)),
        })
    }

    /// Looks at nothing.
    pub(crate) fn nothing() -> Self {
        Self { by: None }
    }

    pub(crate) fn looks_at(&self, kind: &str) -> bool {
        let by = self.by.as_ref();
        by.is_some_and(|(rules, _)| rules.of(kind) != OnWrite::Off)
    }

    pub(crate) fn resource(&self, resource: &Value) -> Judgement {
        self.among(resource, None)
    }

    /// A resource that is written with others.
    pub(crate) fn among(&self, resource: &Value, others: Option<&Neighbours<'_>>) -> Judgement {
        let kind = resource["resourceType"].as_str().unwrap_or_default();
        let Some((rules, validator)) = &self.by else {
            return Judgement::Unseen;
        };
        let rule = rules.of(kind);
        if rule == OnWrite::Off {
            return Judgement::Unseen;
        }
        let outcome = match others {
            Some(others) => validator.validate_among(resource, &[], others),
            None => validator.validate(resource, &[]),
        };
        if rule == OnWrite::Reject && outcome.verdict() == Verdict::Fail {
            Judgement::Refused(outcome)
        } else {
            Judgement::Admitted(outcome)
        }
    }
}

impl Judgement {
    /// What was found of a resource that may be written.
    ///
    /// # Errors
    /// `Unprocessable`, with every finding, if it may not.
    pub(crate) fn admit(&self) -> Result<Option<Outcome>> {
        match self {
            Judgement::Unseen => Ok(None),
            Judgement::Admitted(outcome) => Ok(Some(outcome.clone())),
            Judgement::Refused(outcome) => Err(Error::new(
                Category::Unprocessable,
                "the resource breaks a rule of its type or profiles",
            )
            .with_issues(issues(outcome))),
        }
    }

    /// Whether it is written although it breaks a rule.
    pub(crate) fn is_warned(&self) -> bool {
        matches!(self, Judgement::Admitted(outcome) if outcome.verdict() == Verdict::Fail)
    }

    /// Why an import does not take it: the first rule it breaks, and how many more.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        let Judgement::Refused(outcome) = self else {
            return None;
        };
        let mut errors = outcome.errors();
        let first = errors.next()?;
        let more = match errors.count() {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        Some(
            Refusal::new(first.rule.clone(), format!("{}{more}", first.message))
                .at_path(first.path.clone()),
        )
    }
}

/// The findings as an answer tells them; the last one is the verdict.
pub(crate) fn issues(outcome: &Outcome) -> Vec<Issue> {
    let found = outcome.issues.iter().map(|issue| Issue {
        severity: issue.severity.code(),
        code: issue.code.code(),
        message: issue.message.clone(),
        rule: issue.rule.clone(),
        place: Some(issue.path.clone()),
    });
    let verdict = Issue {
        severity: "information",
        code: "informational",
        message: outcome.summary().to_owned(),
        rule: outcome.verdict().code().to_owned(),
        place: None,
    };
    found.chain([verdict]).collect()
}
