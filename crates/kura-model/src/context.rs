use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

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
    /// A member of the ethics board, or an expert it asks.
    Reviewer,
    /// Whoever keeps the board's business.
    BoardSecretary,
    /// Whoever answers for a site: accepts a study there, or declines it.
    Director,
    Annotator,
    /// A person whose records the bank holds, or who acts for one.
    Patient,
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
    pub const ALL: [Role; 10] = [
        Role::Administrator,
        Role::DataManager,
        Role::Doctor,
        Role::Researcher,
        Role::Reviewer,
        Role::BoardSecretary,
        Role::Director,
        Role::Annotator,
        Role::Patient,
        Role::Auditor,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Role::Administrator => "administrator",
            Role::DataManager => "data-manager",
            Role::Doctor => "doctor",
            Role::Researcher => "researcher",
            Role::Reviewer => "reviewer",
            Role::BoardSecretary => "board-secretary",
            Role::Director => "director",
            Role::Annotator => "annotator",
            Role::Patient => "patient",
            Role::Auditor => "auditor",
            Role::SingleUser => "single-user",
            Role::DicomPeer => "dicom-peer",
            Role::DicomReader => "dicom-reader",
        }
    }
}

impl Role {
    /// What it asks for unless it says otherwise.
    pub fn purpose(self) -> PurposeOfUse {
        match self {
            Role::Patient => PurposeOfUse::PatientRequest,
            Role::Researcher | Role::Reviewer | Role::BoardSecretary | Role::Annotator => {
                PurposeOfUse::Research
            }
            Role::Administrator | Role::Auditor => PurposeOfUse::Administration,
            Role::DataManager | Role::Director => PurposeOfUse::Operations,
            Role::Doctor | Role::SingleUser | Role::DicomPeer | Role::DicomReader => {
                PurposeOfUse::Treatment
            }
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PurposeOfUse {
    #[serde(rename = "TREAT")]
    Treatment,
    /// Care that cannot wait for a relation of treatment to be on record.
    #[serde(rename = "ETREAT")]
    Emergency,
    /// The patient asks for what is theirs.
    #[serde(rename = "PATRQT")]
    PatientRequest,
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
            PurposeOfUse::Emergency => "ETREAT",
            PurposeOfUse::PatientRequest => "PATRQT",
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
    pub assurance: Assurance,
    pub standing: Arc<Standing>,
}

impl RequestContext {
    /// Somebody who is nobody's doctor and nobody's patient.
    pub fn new(actor: Actor, purpose: PurposeOfUse) -> Self {
        Self {
            actor,
            purpose,
            assurance: Assurance::default(),
            standing: Arc::default(),
        }
    }
}

/// What it rests on that the caller is who they say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Assurance {
    /// The machine itself: the command line, a configured device, the bank's own work.
    #[default]
    Machine,
    /// A password, or a token.
    OneFactor,
    /// Two of what one knows, has and is.
    TwoFactors,
}

/// Who the caller is in the records of the bank.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Standing {
    /// Id of their `Practitioner`.
    pub practitioner: Option<String>,
    /// Id of their own `Patient`.
    pub patient: Option<String>,
    /// Ids of the `Patient`s they act for: children, wards.
    pub acts_for: Vec<String>,
    /// Id of the `Organization` they act for, where it is not the hospital of the bank.
    pub organization: Option<String>,
}
