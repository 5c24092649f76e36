//! What stands in a policy file, and where.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use toml::Spanned;

use super::action::{ActionName, Precision};
use crate::dicom::DicomOption;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyFile {
    pub id: String,
    pub version: String,
    pub ja: String,
    pub en: String,
    pub source: String,
    pub extends: Option<Spanned<String>>,
    /// Whether a pseudonym may be led back to a person, by a named role with a reason.
    pub reversible: Option<Spanned<bool>>,
    #[serde(default)]
    pub rule: Vec<RuleFile>,
    pub types: Option<Spanned<Types>>,
    pub systems: Option<Spanned<Systems>>,
    pub units: Option<Spanned<Units>>,
    pub genomic: Option<Spanned<GenomicFile>>,
    pub incomplete: Option<NamedFile>,
    pub ages: Option<Spanned<AgesFile>>,
    pub images: Option<Spanned<ImagesFile>>,
    pub rare: Option<Spanned<RareFile>>,
    pub extremes: Option<Spanned<ExtremesFile>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleFile {
    pub id: Spanned<String>,
    pub action: ActionName,
    pub ja: String,
    pub en: String,
    pub source: String,
    #[serde(default)]
    pub paths: Vec<Spanned<String>>,
    /// Of `extension`: the URLs that stay. Of one inside another: `outer#inner`.
    #[serde(default)]
    pub urls: Vec<String>,
    pub words: Option<BTreeSet<String>>,
    pub to: Option<Precision>,
    pub shift: Option<bool>,
    pub limit: Option<i64>,
    pub digits: Option<usize>,
    pub small: Option<BTreeSet<String>>,
    /// Of `code`: whether what is written beside a code stays, cleaned.
    pub text: Option<bool>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Types {
    pub leave: BTreeSet<String>,
    /// Those that are nothing but texts, and leave where texts do.
    #[serde(default)]
    pub with_texts: BTreeSet<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Systems {
    pub exact: BTreeSet<String>,
    /// Those whose codes are of ICD-10, which has a hierarchy.
    #[serde(default)]
    pub icd10: BTreeSet<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Units {
    pub ucum: BTreeSet<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GenomicFile {
    pub id: String,
    pub ja: String,
    pub en: String,
    pub source: String,
    pub categories: BTreeSet<String>,
    pub codes: BTreeSet<String>,
}

/// Options of DICOM's basic profile. PS3.15 E.3.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImagesFile {
    pub options: BTreeSet<DicomOption>,
}

/// A rule that needs nothing but its words.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NamedFile {
    pub id: String,
    pub ja: String,
    pub en: String,
    pub source: String,
}

/// Observations whose value is an age.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AgesFile {
    pub id: String,
    pub ja: String,
    pub en: String,
    pub source: String,
    pub limit: i64,
    /// By system.
    pub codes: BTreeMap<String, BTreeSet<String>>,
}

/// Codes that too few patients of the set have.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RareFile {
    pub id: String,
    pub ja: String,
    pub en: String,
    pub source: String,
    /// A code stays if at least so many patients of the set have it.
    pub patients: u64,
}

/// Values that lie far from everyone else's.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExtremesFile {
    pub id: String,
    pub ja: String,
    pub en: String,
    pub source: String,
    /// At each end the values of so many patients of the set become one group.
    pub patients: u64,
}

/// The line, from 1, of a byte of a text.
pub(super) fn line(text: &str, at: usize) -> usize {
    text.get(..at)
        .map_or(1, |before| before.matches('\n').count() + 1)
}
