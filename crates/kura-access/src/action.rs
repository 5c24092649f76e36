use std::fmt;
use std::str::FromStr;

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $text:literal of $scope:ident,)*) => {
        /// What can be asked of the bank. One per kind of right, not per function.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action {
            $($(#[$doc])* $name,)*
        }

        impl Action {
            pub const ALL: &[Action] = &[$(Action::$name,)*];

            /// Its name in the policy.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Action::$name => $text,)*
                }
            }

            /// Whether it is asked of one patient's records, and not of the bank as a whole.
            pub fn is_of_a_patient(self) -> bool {
                match self {
                    $(Action::$name => matches!(Scope::$scope, Scope::Patient),)*
                }
            }
        }
    };
}

enum Scope {
    Bank,
    Patient,
}

actions! {
    /// Read records for care: the FHIR API, patients, images.
    ReadClinical = "read-clinical" of Patient,
    /// Write records for care: the FHIR API.
    WriteClinical = "write-clinical" of Patient,
    /// Take records out in bulk: exports, tables.
    ExportClinical = "export-clinical" of Bank,
    /// Read what is ordered and scheduled: a modality's worklist.
    ReadWorklist = "read-worklist" of Bank,
    /// Bring data in; see what was refused.
    Import = "import" of Bank,
    /// Counts without patients: dashboard, status.
    ReadStatus = "read-status" of Bank,
    /// Build a processed data set.
    BuildDataSet = "build-data-set" of Bank,
    /// Enter what a board decided about a policy of de-identification.
    ApprovePolicy = "approve-policy" of Bank,
    /// Say whose stand-in in a data set one is, where the policy lets it.
    LeadBack = "lead-back" of Bank,
    /// Check or read the audit trail.
    ReadAudit = "read-audit" of Bank,
    /// Make accounts.
    ManageAccounts = "manage-accounts" of Bank,
    /// Copy the whole bank, and bring it back.
    Backup = "backup" of Bank,
    /// Train, register, evaluate and propose models.
    BuildModel = "build-model" of Bank,
    /// Approve, put to use, suspend, roll back models.
    ReleaseModel = "release-model" of Bank,
    /// Judge what a model proposes for a patient.
    Decide = "decide" of Bank,
    /// Open a patient's records in an emergency.
    BreakGlass = "break-glass" of Bank,
    /// Look at who opened records in an emergency, and why.
    ReviewEmergency = "review-emergency" of Bank,
    /// Read cases of a performance test.
    Read = "read-trial" of Bank,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Action {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|action| action.as_str() == text)
            .ok_or_else(|| {
                let all: Vec<_> = Self::ALL.iter().map(|action| action.as_str()).collect();
                format!("an action is one of {}", all.join(", "))
            })
    }
}
