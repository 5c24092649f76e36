//! What is asked of resources before they are written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kura_model::{Error, Result};
use serde::{Deserialize, Serialize};

/// What a broken rule means for whoever writes a resource.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnWrite {
    /// Nothing is looked at.
    #[default]
    Off,
    /// It is written, and said.
    Warn,
    /// It is not written. What cannot be decided is written.
    Reject,
}

/// Validation on write, by resource type, and the packages it goes by.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Validation {
    /// For the types that are not named.
    pub default: OnWrite,
    /// Packages (`.tgz`) that are in the bank once it is served. A relative name is one in the
    /// bank's folder.
    pub packages: Vec<PathBuf>,
    pub types: BTreeMap<String, OnWrite>,
}

impl Validation {
    pub fn of(&self, kind: &str) -> OnWrite {
        self.types.get(kind).copied().unwrap_or(self.default)
    }

    /// Whether no type is looked at.
    pub fn is_off(&self) -> bool {
        self.default == OnWrite::Off && self.types.values().all(|one| *one == OnWrite::Off)
    }

    pub(super) fn check(&self) -> Result<()> {
        match self
            .types
            .keys()
            .find(|kind| kura_fhir::resource_type(kind).is_none())
        {
            Some(kind) => Err(Error::invalid(format!(
                "configuration: validation.types: {kind} is no resource type of FHIR R4"
            ))),
            None => Ok(()),
        }
    }

    pub(super) fn relative_to(&mut self, folder: &Path) {
        for file in &mut self.packages {
            *file = folder.join(&*file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn types_are_named_in_the_file_or_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kura.toml");
        let load = |text: &str, environment: &[(&str, &str)]| {
            std::fs::write(&file, text).unwrap();
            let environment = environment.iter();
            let environment =
                environment.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            Config::load(&file, environment).map(|config| config.validation)
        };
        assert!(load("", &[]).unwrap().is_off());
        let text = "[validation]\ndefault = \"warn\"\npackages = [\"a.tgz\"]\n\
                    types = { Observation = \"reject\", Bundle = \"off\" }\n";
        let found = load(text, &[]).unwrap();
        assert_eq!(found.of("Observation"), OnWrite::Reject);
        assert_eq!(found.of("Bundle"), OnWrite::Off);
        assert_eq!(found.of("Patient"), OnWrite::Warn);
        assert_eq!(found.packages, [folder.path().join("a.tgz")]);
        let said = [
            ("KURA_VALIDATION__DEFAULT", "off"),
            ("KURA_VALIDATION__TYPES", "{ Patient = \"warn\" }"),
        ];
        let found = load(text, &said).unwrap();
        assert_eq!(found.of("Observation"), OnWrite::Off);
        assert_eq!(found.of("Patient"), OnWrite::Warn);
        for wrong in ["types = { Observatoin = \"warn\" }", "default = \"strict\""] {
            assert!(load(&format!("[validation]\n{wrong}\n"), &[]).is_err());
        }
    }
}
