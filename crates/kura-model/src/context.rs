use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Who acts: a signed-in account, or a named operator at the command line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    pub name: String,
    pub role: Role,
}

/// What a person is to the bank. Rights hang on roles; see `kura_service::access`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Administrator,
    DataManager,
    Doctor,
    Researcher,
    Auditor,
    /// The person at the machine, while the bank has no accounts. Never given to an account.
    SingleUser,
    /// A modality or an archive that sends images. Never given to an account.
    DicomPeer,
    /// A workstation that asks for images. Never given to an account.
    DicomReader,
}

impl Role {
    /// The roles an account can have.
    pub const ALL: [Role; 5] = [
        Role::Administrator,
        Role::DataManager,
        Role::Doctor,
        Role::Researcher,
        Role::Auditor,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Role::Administrator => "administrator",
            Role::DataManager => "data-manager",
            Role::Doctor => "doctor",
            Role::Researcher => "researcher",
            Role::Auditor => "auditor",
            Role::SingleUser => "single-user",
            Role::DicomPeer => "dicom-peer",
            Role::DicomReader => "dicom-reader",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Role::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| {
                let all: Vec<_> = Role::ALL.iter().map(|role| role.as_str()).collect();
                format!("a role is one of {}", all.join(", "))
            })
    }
}

/// Why someone asks. Codes of HL7 v3 PurposeOfUse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PurposeOfUse {
    #[serde(rename = "TREAT")]
    Treatment,
    #[serde(rename = "HOPERAT")]
    Operations,
    #[serde(rename = "HRESCH")]
    Research,
    #[serde(rename = "HSYSADMIN")]
    Administration,
}

impl PurposeOfUse {
    pub fn code(self) -> &'static str {
        match self {
            PurposeOfUse::Treatment => "TREAT",
            PurposeOfUse::Operations => "HOPERAT",
            PurposeOfUse::Research => "HRESCH",
            PurposeOfUse::Administration => "HSYSADMIN",
        }
    }
}

/// The three zones of the bank. Data passes from clinical to research only through `kura-deid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Zone {
    /// Keys, pseudonyms and accounts; nothing else.
    Identity,
    /// Records for care.
    Clinical,
    /// Processed data only.
    Research,
}

impl Zone {
    pub fn as_str(self) -> &'static str {
        match self {
            Zone::Identity => "identity",
            Zone::Clinical => "clinical",
            Zone::Research => "research",
        }
    }
}

/// What every service function is told about its caller.
#[derive(Debug, Clone)]
pub struct RequestContext {
    pub actor: Actor,
    pub purpose: PurposeOfUse,
}
