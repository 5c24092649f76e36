//! The information models and SOP classes that are served besides storage. PS3.4 Annexes C, J, K.

use dicom_ul::association::server::Negotiation;
use dicom_ul::pdu::RequestorRoles;
use kura_service::dicom_find::Level;

pub(super) const VERIFICATION: &str = "1.2.840.10008.1.1";
/// Storage Commitment Push Model, and its one instance. PS3.4 J.3.
pub(super) const COMMITMENT: &str = "1.2.840.10008.1.20.1";
pub(super) const COMMITMENT_INSTANCE: &str = "1.2.840.10008.1.20.1.1";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    Patient,
    Study,
    /// Retired; old workstations ask by it.
    PatientStudyOnly,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Model {
    Find(Root),
    Move(Root),
    Get(Root),
    Worklist,
}

/// PS3.4 C.6 and K.5.
pub(super) const MODELS: [(&str, Model); 10] = [
    ("1.2.840.10008.5.1.4.1.2.1.1", Model::Find(Root::Patient)),
    ("1.2.840.10008.5.1.4.1.2.1.2", Model::Move(Root::Patient)),
    ("1.2.840.10008.5.1.4.1.2.1.3", Model::Get(Root::Patient)),
    ("1.2.840.10008.5.1.4.1.2.2.1", Model::Find(Root::Study)),
    ("1.2.840.10008.5.1.4.1.2.2.2", Model::Move(Root::Study)),
    ("1.2.840.10008.5.1.4.1.2.2.3", Model::Get(Root::Study)),
    (
        "1.2.840.10008.5.1.4.1.2.3.1",
        Model::Find(Root::PatientStudyOnly),
    ),
    (
        "1.2.840.10008.5.1.4.1.2.3.2",
        Model::Move(Root::PatientStudyOnly),
    ),
    (
        "1.2.840.10008.5.1.4.1.2.3.3",
        Model::Get(Root::PatientStudyOnly),
    ),
    ("1.2.840.10008.5.1.4.31", Model::Worklist),
];

impl Model {
    pub(super) fn of(abstract_syntax: &str) -> Option<Self> {
        MODELS
            .iter()
            .find(|(uid, _)| *uid == abstract_syntax)
            .map(|(_, model)| *model)
    }
}

impl Root {
    /// The level a value of Query/Retrieve Level (0008,0052) names, if the model has it.
    pub(super) fn level(self, name: &str) -> Option<Level> {
        let level = match name {
            "PATIENT" => Level::Patient,
            "STUDY" => Level::Study,
            "SERIES" => Level::Series,
            "IMAGE" => Level::Instance,
            _ => return None,
        };
        let has = match self {
            Root::Patient => true,
            Root::Study => level != Level::Patient,
            Root::PatientStudyOnly => level <= Level::Study,
        };
        has.then_some(level)
    }
}

/// What is agreed beyond presentation contexts.
pub(super) struct Agreed;

impl Negotiation for Agreed {
    /// PS3.4 C.5.1.1, C.5.2.1 and C.5.3.1: relational queries and retrieval are served; combined
    /// dates and times, fuzzy names and other options are not.
    fn extended_negotiation(&self, sop_class_uid: &str, input: &[u8]) -> Option<Vec<u8>> {
        if !matches!(
            Model::of(sop_class_uid),
            Some(Model::Find(_) | Model::Move(_) | Model::Get(_))
        ) {
            return None;
        }
        let mut answer = vec![0; input.len().min(7)];
        if let (Some(answer), Some(1)) = (answer.first_mut(), input.first()) {
            *answer = 1;
        }
        Some(answer)
    }

    /// PS3.4 C.5.3: who retrieves by C-GET takes objects as a storage SCP.
    fn negotiate_roles(&self, sop_class_uid: &str, scu: bool, scp: bool) -> Option<RequestorRoles> {
        let storage = kura_dicom::storage_sop_classes().any(|(uid, _)| uid == sop_class_uid);
        Some(RequestorRoles {
            scu,
            scp: scp && storage,
        })
    }
}
