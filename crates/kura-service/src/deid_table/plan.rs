//! The plan of a table: what its columns are and what is asked for.

use std::path::{Path, PathBuf};

use kura_model::Error;
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// The plan, a TOML file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Plan {
    #[serde(default)]
    pub(super) separator: Option<char>,
    pub(super) column: Vec<ColumnPlan>,
    pub(super) goal: GoalPlan,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ColumnPlan {
    pub(super) name: Spanned<String>,
    pub(super) role: Role,
    pub(super) hierarchy: Option<Spanned<HierarchyPlan>>,
    /// Values that fewer rows have become `*`.
    pub(super) singular: Option<u64>,
}

/// What a column is to somebody who looks for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Names the person: it goes.
    Identifying,
    /// Known of the person from elsewhere: it is generalised.
    Quasi,
    /// What must not be learnt of the person: the models of diversity and closeness guard it.
    Sensitive,
    /// Neither: it stays.
    Plain,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) enum HierarchyPlan {
    /// `{ file = "…" }`: lines of a value and what it becomes, beside the plan.
    File(PathBuf),
    Flat,
    Intervals(Intervals),
    Date,
    Icd10,
    Region,
    Head(Vec<usize>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Intervals {
    pub(super) widths: Vec<f64>,
    #[serde(default)]
    pub(super) from: f64,
    pub(super) bottom: Option<f64>,
    pub(super) top: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GoalPlan {
    pub(super) k: Spanned<u32>,
    /// The share of rows that may be kept back.
    #[serde(default)]
    pub(super) suppression: f64,
    /// One choice of levels for all rows, the best there is; or another for those it leaves alone.
    #[serde(default)]
    pub(super) mode: Mode,
    #[serde(default)]
    pub(super) diversity: Vec<Diversity>,
    #[serde(default)]
    pub(super) closeness: Vec<Closeness>,
    pub(super) presence: Option<Presence>,
    /// The risk above which a row is counted; 0.2 is a class of five.
    #[serde(default = "fifth")]
    pub(super) threshold: f64,
}

fn fifth() -> f64 {
    0.2
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    #[default]
    Global,
    Local,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Diversity {
    pub(super) column: Spanned<String>,
    pub(super) kind: DiversityKind,
    pub(super) l: f64,
    pub(super) c: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum DiversityKind {
    Distinct,
    Entropy,
    Recursive,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Closeness {
    pub(super) column: Spanned<String>,
    pub(super) t: f64,
    pub(super) ground: GroundKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum GroundKind {
    Equal,
    /// Numbers, by their order.
    Ordered,
    /// By the column's own hierarchy.
    Hierarchical,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Presence {
    /// A table of the population with the same quasi-identifiers, beside the plan.
    pub(super) population: PathBuf,
    pub(super) least: f64,
    pub(super) most: f64,
}

/// Where in the plan something is wrong.
pub(super) struct Place<'a> {
    pub(super) file: &'a Path,
    pub(super) text: &'a str,
}

impl Place<'_> {
    pub(super) fn fail(&self, at: usize, message: &str) -> Error {
        let line = self
            .text
            .get(..at)
            .map_or(1, |before| before.matches('\n').count() + 1);
        Error::invalid(format!("{}, line {line}: {message}", self.file.display()))
    }
}
