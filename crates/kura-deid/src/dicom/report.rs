use std::collections::BTreeMap;

use kura_model::Refusal;
use serde::Serialize;

use super::policy::DicomPolicy;

/// What was done to one attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Tag path: `(0008,1140).(0008,1155)`.
    pub path: String,
    pub action: Action,
    /// Id of the rule in the policy.
    pub rule: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    Remove,
    Empty,
    Dummy,
    Uid,
    Shift,
    Pseudonym,
    /// As it was, by an option.
    Keep,
    /// Known words of it, or an age that is grouped.
    Clean,
}

/// What was done to one object. No value of the object is in here.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    pub changes: Vec<Change>,
    /// SOP Instance UID of the result.
    pub sop_instance_uid: String,
}

impl Report {
    /// How often each rule was applied.
    pub fn applied(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for change in &self.changes {
            *counts.entry(change.rule.to_owned()).or_default() += 1;
        }
        counts
    }
}

/// Why an object does not leave. No value of the object is in here.
#[derive(Debug, Clone, Serialize)]
pub struct Withheld {
    /// Id of the rule in the policy; `dicom-disk` where the result could not be written.
    pub rule: String,
    pub ja: String,
    pub en: String,
    /// Clause the rule rests on.
    pub source: String,
    /// Where it was found, or what a reader said of it.
    pub detail: String,
}

impl Withheld {
    pub(super) fn new(policy: &DicomPolicy, rule: &str, detail: impl Into<String>) -> Self {
        let known = policy.rule(rule);
        Self {
            rule: rule.to_owned(),
            ja: known.map(|r| r.ja.clone()).unwrap_or_default(),
            en: known.map(|r| r.en.clone()).unwrap_or_default(),
            source: known.map(|r| r.source.clone()).unwrap_or_default(),
            detail: detail.into(),
        }
    }

    /// A refusal's message names rule and place, never a value.
    pub(super) fn refused(policy: &DicomPolicy, rule: &str, refusal: &Refusal) -> Self {
        Self::new(policy, rule, refusal.to_string())
    }

    pub(super) fn disk() -> Self {
        Self {
            rule: "dicom-disk".to_owned(),
            ja: "書き込めません".to_owned(),
            en: "it cannot be written".to_owned(),
            source: String::new(),
            detail: String::new(),
        }
    }
}

impl std::fmt::Display for Withheld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.rule, self.en)
    }
}

impl std::error::Error for Withheld {}
