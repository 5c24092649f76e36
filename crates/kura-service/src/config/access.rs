use std::path::{Path, PathBuf};

use kura_access::Policy;
use kura_model::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::bank::file_error;

/// Who may do what.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Access {
    /// The policy, in Cedar's language; relative to the bank's folder. Without it the one that is
    /// part of the release is in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PathBuf>,
    /// Days after an encounter, an order or a team's work has ended for which the doctor who had
    /// part in it still treats the patient.
    pub treatment_days: u32,
    /// Hours for which records that were opened in an emergency stay open.
    pub emergency_hours: u32,
    /// Where nobody may do anything without a second factor.
    pub second_factor: SecondFactor,
}

/// Where a second factor is needed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecondFactor {
    Never,
    /// Where the server answers to other machines.
    #[default]
    BeyondLoopback,
    Always,
}

impl Default for Access {
    fn default() -> Self {
        Self {
            policy: None,
            treatment_days: 365,
            emergency_hours: 4,
            second_factor: SecondFactor::default(),
        }
    }
}

impl Access {
    pub(crate) fn policy(&self, folder: &Path) -> Result<Policy> {
        let Some(file) = &self.policy else {
            return Policy::shipped()
                .map_err(|error| Error::internal("the shipped policy is broken").because(error));
        };
        let file = folder.join(file);
        let text = std::fs::read_to_string(&file).map_err(|error| file_error(&file, error))?;
        Policy::read(&text).map_err(|error| Error::invalid(format!("{}: {error}", file.display())))
    }
}
