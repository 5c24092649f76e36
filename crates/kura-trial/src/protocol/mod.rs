//! What is decided before a case is read.
//!
//! A protocol is a TOML file; `data/example-protocol.toml` shows every key with a comment. Unknown
//! keys are refused, contradictions are named by key.

mod asked;
mod check;

use std::collections::BTreeMap;

use kura_evaluation::mrmc::Generalization;
use kura_evaluation::multiplicity::Multiplicity;
use kura_model::{ContentHash, Error, Result};
use serde::{Deserialize, Serialize};

pub use asked::{Asked, Scale};
pub use check::Contradiction;

use crate::date::Date;
use crate::readings::Condition;
use crate::words::Words;

/// The whole protocol.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    pub title: Words,
    pub question: Question,
    pub intended_use: Words,
    /// What "positive" means: the condition the test looks for.
    pub target_condition: Words,
    pub reference_standard: Words,
    /// Rules in words by which cases were left out before the set was locked.
    #[serde(default)]
    pub exclusion_rules: Vec<Words>,
    pub fixed_on: Date,
    pub fixed_by: String,
    /// The fewest days between two readings of a case by one reader. Needed where readers read
    /// without and with the model.
    #[serde(default)]
    pub wash_out_days: Option<u32>,
    /// Needed where there are readers.
    #[serde(default)]
    pub reading_order_seed: Option<u64>,
    /// The numbers readers choose from; see [`Protocol::asked`].
    // Left out of the fingerprint where it is absent: protocols older than the key keep theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
    /// In which condition every reader begins; without it each reader may begin in either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_condition: Option<Condition>,
    /// The hash of a case set that was locked before the protocol was fixed.
    #[serde(default)]
    pub locked_cases: Option<ContentHash>,
    #[serde(default)]
    pub missing: MissingReadings,
    pub model: ModelName,
    pub endpoint: Endpoint,
    #[serde(default)]
    pub thresholds: Thresholds,
    pub hypothesis: Hypothesis,
    pub minimum: Minimum,
    #[serde(default)]
    pub assumptions: Option<Assumptions>,
    #[serde(default)]
    pub subgroups: Subgroups,
    /// Answers in words to reporting items the data cannot answer (funding, setting …); the keys
    /// are those of [`crate::statement_keys`].
    #[serde(default)]
    pub statements: BTreeMap<String, Words>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// The model's answers against the reference standard.
    StandAloneAccuracy,
    /// The model's answers against readers who do not see them.
    AiAgainstReaders,
    /// The same readers without and with the model.
    ReadersWithoutAgainstWithAi,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelName {
    pub name: String,
    pub version: String,
}

/// The primary endpoint. All are fractions; larger is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    Auc,
    Sensitivity,
    Specificity,
    Accuracy,
}

/// Fixed on other data, beforehand. A case is positive at or above a threshold.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// Of the model's probability. The first is its operating point.
    pub ai: Vec<f64>,
    /// Of the readers' scores, where they give scores and not decisions.
    pub reader: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hypothesis {
    pub kind: HypothesisKind,
    /// The loss still accepted, a positive fraction. For non-inferiority only.
    #[serde(default)]
    pub margin: Option<f64>,
    /// What the model alone is compared with. For stand-alone accuracy only.
    #[serde(default)]
    pub goal: Option<f64>,
    /// One-sided, usually 0.025; all intervals are two-sided of level 1 − 2α.
    pub alpha_one_sided: f64,
    pub power: f64,
    /// To which readers and cases the result is meant to extend.
    #[serde(default)]
    pub extends_to: Extent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HypothesisKind {
    Superiority,
    NonInferiority,
}

/// The world to which a reader study is meant to extend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// Other readers, other cases.
    #[default]
    ReadersAndCases,
    /// These readers, other cases.
    Cases,
}

impl Extent {
    pub(crate) fn generalization(self) -> Generalization {
        match self {
            Extent::ReadersAndCases => Generalization::ReadersAndCases,
            Extent::Cases => Generalization::Cases,
        }
    }
}

/// What happens where a reading or an answer is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingReadings {
    /// The analysis is refused.
    #[default]
    Refuse,
    /// The case is left out for everyone, and the report says how many were.
    CompleteCases,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Minimum {
    pub cases: u64,
    pub positive_cases: u64,
    /// Needed where there are readers.
    #[serde(default)]
    pub readers: u64,
}

/// What the sample size is calculated from. The design must suit the question and the endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "design", rename_all = "snake_case", deny_unknown_fields)]
pub enum Assumptions {
    /// The model's area against the goal.
    AucAgainstGoal {
        expected: f64,
        negatives_per_positive: f64,
    },
    /// The model's sensitivity, specificity or accuracy against the goal.
    ProportionAgainstGoal { expected: f64 },
    /// Areas of the model and of one typical reader on the same cases.
    PairedAuc {
        expected_ai: f64,
        expected_reader: f64,
        correlation: f64,
        negatives_per_positive: f64,
    },
    /// Sensitivities (specificities, accuracies) of the model and of one typical reader on the
    /// same cases: the shares of cases that only one of both gets right.
    PairedProportions { ai_only: f64, reader_only: f64 },
    /// Readers without and with the model, or the model and readers, from a pilot's variance
    /// components.
    ReaderStudy {
        /// New − reference.
        expected_difference: f64,
        readers: u64,
        pilot: Pilot,
    },
}

/// Obuchowski–Rockette variance components of a pilot study.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pilot {
    pub cases: usize,
    /// Reader × condition.
    pub modality_reader: f64,
    /// Error variance of one figure.
    pub error: f64,
    /// Same reader, other condition.
    pub cov1: f64,
    /// Other reader, same condition.
    pub cov2: f64,
    /// Other reader, other condition.
    pub cov3: f64,
}

/// Columns of the case file to look at by value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Subgroups {
    pub columns: Vec<String>,
    /// A subgroup of fewer patients (clusters) shows only its number.
    pub smallest: usize,
    pub multiplicity: Adjustment,
}

impl Default for Subgroups {
    fn default() -> Self {
        Subgroups {
            columns: Vec::new(),
            smallest: 10,
            multiplicity: Adjustment::Holm,
        }
    }
}

/// How p values of many subgroups are adjusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Adjustment {
    Bonferroni,
    Holm,
    Hochberg,
    BenjaminiHochberg,
}

impl Adjustment {
    pub(crate) fn multiplicity(self) -> Multiplicity {
        match self {
            Adjustment::Bonferroni => Multiplicity::Bonferroni,
            Adjustment::Holm => Multiplicity::Holm,
            Adjustment::Hochberg => Multiplicity::Hochberg,
            Adjustment::BenjaminiHochberg => Multiplicity::BenjaminiHochberg,
        }
    }
}

impl Question {
    pub(crate) fn has_readers(self) -> bool {
        self != Question::StandAloneAccuracy
    }
}

impl Protocol {
    /// Reads and checks a protocol.
    ///
    /// # Errors
    /// [`kura_model::Category::Invalid`]: not TOML, an unknown or missing key (with its line), or
    /// contradictions, all of them, each with its key.
    pub fn parse(text: &str) -> Result<Self> {
        let protocol: Protocol = toml::from_str(text).map_err(|error| {
            let line = error
                .span()
                .and_then(|span| text.get(..span.start))
                .map_or(1, |before| before.matches('\n').count() + 1);
            Error::invalid(format!(
                "the protocol, line {line}: {}",
                error.message().trim()
            ))
        })?;
        let contradictions = protocol.check();
        if contradictions.is_empty() {
            return Ok(protocol);
        }
        let list: Vec<String> = contradictions.iter().map(ToString::to_string).collect();
        Err(Error::invalid(format!(
            "the protocol contradicts itself: {}",
            list.join("; ")
        )))
    }

    /// The fingerprint of what was decided: of the values, not of spaces and comments.
    pub fn hash(&self) -> ContentHash {
        // A struct of numbers and texts always has a JSON form.
        ContentHash::of(&serde_json::to_vec(self).unwrap_or_default())
    }

    /// The model's operating point.
    pub fn operating_threshold(&self) -> Option<f64> {
        self.thresholds.ai.first().copied()
    }
}
