//! The specification a researcher writes.
//!
//! ```toml
//! name = "diabetes-labs"
//! title = "Laboratory course of diabetes"
//! purpose = "Train a model that foresees a rise of HbA1c"
//! project = "research-2026-014"
//! policy = "kamei"
//!
//! [cohort]
//! all = ["Condition?code=http://jpfhir.jp/fhir/core/mhlw/CodeSystem/ICD10-2013-full|E11.9", "Patient?birthdate=lt1970"]
//!
//! [data]
//! tables = ["patient", "condition", "observation"]
//! images = true
//! ```

use kura_model::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::table;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Short name: letters, digits and '-'.
    pub name: String,
    pub title: String,
    /// What for, in a sentence an ethics board can read.
    pub purpose: String,
    /// The research project. It has a key of its own: sets of one project can be joined, sets
    /// of two cannot.
    pub project: String,
    /// The policy by which it is processed: one of those that come with the bank, or the name of a
    /// file in the bank's folder `policies`.
    #[serde(default = "kamei")]
    pub policy: String,
    #[serde(default)]
    pub cohort: Cohort,
    pub data: Data,
    /// Logical time to build at; the newest if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub t: Option<u64>,
}

fn kamei() -> String {
    "kamei".to_owned()
}

/// Who is in. FHIR search expressions; one of another type than Patient means the patients of
/// the resources it finds. Nothing at all means every patient.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cohort {
    /// A patient must be found by each of these.
    pub all: Vec<String>,
    /// If given, by at least one of these.
    pub any: Vec<String>,
    /// By none of these.
    pub none: Vec<String>,
}

/// What is wanted of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// Names of tables; see `kura dataset tables`.
    #[serde(default)]
    pub tables: Vec<String>,
    /// The resources themselves: `fhir/TYPE.ndjson`, every type that the policy lets leave.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fhir: bool,
    /// DICOM images, as far as they may leave.
    #[serde(default)]
    pub images: bool,
    /// Texts that somebody wrote, with labels in the places of what tells who somebody is; where
    /// the policy lets texts leave.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub text: bool,
}

impl Spec {
    /// # Errors
    /// Unknown keys, tables that do not exist, a name that is none.
    pub fn parse(text: &str) -> Result<Self> {
        let spec: Spec = toml::from_str(text).map_err(|error| {
            // Not the error's own display: it repeats the line, which may hold a name.
            let line = error
                .span()
                .and_then(|span| text.get(..span.start))
                .map_or(1, |before| before.matches('\n').count() + 1);
            Error::invalid(format!(
                "the specification, line {line}: {}",
                error.message()
            ))
        })?;
        let plain = |text: &str| {
            (1..=64).contains(&text.len())
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        if !plain(&spec.name) || !plain(&spec.project) || !plain(&spec.policy) {
            return Err(Error::invalid(
                "the specification: name, project and policy are 1 to 64 letters, digits, '-', '_' and '.'",
            ));
        }
        if spec.title.trim().is_empty() || spec.purpose.trim().is_empty() {
            return Err(Error::invalid(
                "the specification: title and purpose must say something; they stand on the card",
            ));
        }
        if spec.data.tables.is_empty() && !spec.data.images && !spec.data.fhir {
            return Err(Error::invalid(
                "the specification: data asks for no table, no resources and no images",
            ));
        }
        for name in &spec.data.tables {
            if table::by_name(name).is_none() {
                let all: Vec<&str> = table::TABLES.iter().map(|table| table.name).collect();
                return Err(Error::invalid(format!(
                    "the specification: there is no table '{name}'; there are {}",
                    all.join(", ")
                )));
            }
        }
        Ok(spec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "name='a'\ntitle='b'\npurpose='c'\nproject='d'\n[data]\ntables=['patient']\n";

    #[test]
    fn what_is_not_understood_is_refused() {
        assert!(Spec::parse(GOOD).is_ok());
        for bad in [
            GOOD.replace("patient", "patients"),
            GOOD.replace("tables", "table"),
            GOOD.replace("'a'", "'a b'"),
            GOOD.replace("'c'", "' '"),
            GOOD.replace("['patient']", "[]"),
        ] {
            assert!(Spec::parse(&bad).is_err(), "{bad}");
        }
        let broken = format!("{GOOD}[cohort]\nall = ['Patient?name=山田'\n");
        let error = Spec::parse(&broken).unwrap_err();
        assert!(!error.message().contains("山田"), "{error}");
        assert!(error.message().contains("line "), "{error}");
    }
}
