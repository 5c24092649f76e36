//! Who may do what: one table, asked once by every service function.

use kura_model::{Category, Error, PurposeOfUse, RequestContext, Result, Role};

/// What can be asked of the bank. One per kind of right, not per function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Read records for care: the FHIR API, patients, images.
    ReadClinical,
    /// Write records for care: the FHIR API.
    WriteClinical,
    /// Take records out in bulk: exports, tables.
    ExportClinical,
    /// Read what is ordered and scheduled: a modality's worklist.
    ReadWorklist,
    /// Bring data in; see what was refused.
    Import,
    /// Counts without patients: dashboard, status.
    ReadStatus,
    /// Build a processed data set.
    BuildDataSet,
    /// Enter what a board decided about a policy of de-identification.
    ApprovePolicy,
    /// Say whose stand-in in a data set one is, where the policy lets it.
    LeadBack,
    /// Check or read the audit trail.
    ReadAudit,
    /// Make accounts.
    ManageAccounts,
    /// Copy the whole bank, and bring it back.
    Backup,
    /// Train, register, evaluate and propose models.
    BuildModel,
    /// Approve, put to use, suspend, roll back models.
    ReleaseModel,
    /// Judge what a model proposes for a patient.
    Decide,
    /// Read cases of a performance test.
    Read,
}

const ADMINISTRATOR: &[Action] = &[
    Action::Import,
    Action::ReadStatus,
    Action::ReadAudit,
    Action::ManageAccounts,
    Action::Backup,
    Action::ReleaseModel,
    Action::ApprovePolicy,
];
const DATA_MANAGER: &[Action] = &[
    Action::ReadClinical,
    Action::ReadWorklist,
    Action::ExportClinical,
    Action::WriteClinical,
    Action::Import,
    Action::ReadStatus,
    Action::BuildDataSet,
    Action::LeadBack,
    Action::BuildModel,
    Action::Read,
];
const DOCTOR: &[Action] = &[
    Action::ReadClinical,
    Action::ReadWorklist,
    Action::WriteClinical,
    Action::ReadStatus,
    Action::ReleaseModel,
    Action::Decide,
    Action::Read,
];
const RESEARCHER: &[Action] = &[Action::ReadStatus, Action::BuildModel, Action::Read];
const AUDITOR: &[Action] = &[Action::ReadStatus, Action::ReadAudit];

const DICOM_PEER: &[Action] = &[Action::Import, Action::ReadWorklist];
const DICOM_READER: &[Action] = &[Action::ReadClinical, Action::ReadWorklist];

pub fn allows(role: Role, action: Action) -> bool {
    let allowed = match role {
        Role::Administrator => ADMINISTRATOR,
        Role::DataManager => DATA_MANAGER,
        Role::Doctor => DOCTOR,
        Role::Researcher => RESEARCHER,
        Role::Auditor => AUDITOR,
        Role::DicomPeer => DICOM_PEER,
        Role::DicomReader => DICOM_READER,
        // The one person of a bank that has no accounts yet.
        Role::SingleUser => return true,
    };
    allowed.contains(&action)
}

pub fn authorize(context: &RequestContext, action: Action) -> Result<()> {
    // Whoever asks for research writes no records of care, whatever the role.
    if action == Action::WriteClinical && context.purpose == PurposeOfUse::Research {
        return Err(Error::forbidden(
            "records for care are not written for the purpose of research",
        ));
    }
    if allows(context.actor.role, action) {
        Ok(())
    } else {
        Err(Error::new(
            Category::Forbidden,
            format!("the role {} may not do this", context.actor.role),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_for_care_are_written_by_few_and_never_for_research() {
        let may = |role| allows(role, Action::WriteClinical);
        assert!(may(Role::Doctor) && may(Role::DataManager) && may(Role::SingleUser));
        for role in [
            Role::Administrator,
            Role::Researcher,
            Role::Auditor,
            Role::DicomPeer,
        ] {
            assert!(!may(role), "{role}");
        }
        let context = |purpose| RequestContext {
            actor: kura_model::Actor {
                name: "a".to_owned(),
                role: Role::Doctor,
            },
            purpose,
        };
        let write = |purpose| authorize(&context(purpose), Action::WriteClinical);
        assert!(write(PurposeOfUse::Treatment).is_ok());
        assert_eq!(
            write(PurposeOfUse::Research).unwrap_err().category,
            Category::Forbidden
        );
    }
}
