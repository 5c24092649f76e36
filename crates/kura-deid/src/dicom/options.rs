//! The options of the basic profile. PS3.15 E.3, Table E.1-1; codes of PS3.16 CID 7050.

use serde::{Deserialize, Serialize};

/// An option that a policy may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DicomOption {
    /// What is written in the pixels is masked by the caller of [`super::deidentify`].
    CleanPixelData,
    /// Faces are taken out of volumes of the head, by the caller too.
    CleanRecognizableVisualFeatures,
    CleanGraphics,
    CleanStructuredContent,
    CleanDescriptors,
    RetainFullDates,
    RetainModifiedDates,
    RetainPatientCharacteristics,
    RetainDeviceIdentity,
    RetainUids,
    RetainSafePrivate,
    RetainInstitutionIdentity,
}

use DicomOption::{
    CleanDescriptors, CleanGraphics, CleanPixelData, CleanRecognizableVisualFeatures,
    CleanStructuredContent, RetainDeviceIdentity, RetainFullDates, RetainInstitutionIdentity,
    RetainModifiedDates, RetainPatientCharacteristics, RetainSafePrivate, RetainUids,
};

/// All of them: those of pixels, then the others in the order of the table's columns.
pub const OPTIONS: [DicomOption; 12] = [
    CleanPixelData,
    CleanRecognizableVisualFeatures,
    RetainSafePrivate,
    RetainUids,
    RetainDeviceIdentity,
    RetainInstitutionIdentity,
    RetainPatientCharacteristics,
    RetainFullDates,
    RetainModifiedDates,
    CleanDescriptors,
    CleanStructuredContent,
    CleanGraphics,
];

impl DicomOption {
    /// The column of Table E.1-1, as the file names it; those of pixels have none.
    pub(super) fn column(self) -> Option<&'static str> {
        Some(match self {
            CleanPixelData | CleanRecognizableVisualFeatures => return None,
            CleanGraphics => "cleanGraphOpt",
            CleanStructuredContent => "cleanStructContOpt",
            CleanDescriptors => "cleanDescOpt",
            RetainFullDates => "rtnLongFullDatesOpt",
            RetainModifiedDates => "rtnLongModifDatesOpt",
            RetainPatientCharacteristics => "rtnPatCharsOpt",
            RetainDeviceIdentity => "rtnDevIdOpt",
            RetainUids => "rtnUIDsOpt",
            RetainSafePrivate => "rtnSafePrivOpt",
            RetainInstitutionIdentity => "rtnInstIdOpt",
        })
    }

    /// Code and meaning of PS3.16 CID 7050.
    pub(super) fn code(self) -> (&'static str, &'static str) {
        match self {
            CleanPixelData => ("113101", "Clean Pixel Data Option"),
            CleanRecognizableVisualFeatures => {
                ("113102", "Clean Recognizable Visual Features Option")
            }
            CleanGraphics => ("113103", "Clean Graphics Option"),
            CleanStructuredContent => ("113104", "Clean Structured Content Option"),
            CleanDescriptors => ("113105", "Clean Descriptors Option"),
            RetainFullDates => (
                "113106",
                "Retain Longitudinal Temporal Information Full Dates Option",
            ),
            RetainModifiedDates => (
                "113107",
                "Retain Longitudinal Temporal Information Modified Dates Option",
            ),
            RetainPatientCharacteristics => ("113108", "Retain Patient Characteristics Option"),
            RetainDeviceIdentity => ("113109", "Retain Device Identity Option"),
            RetainUids => ("113110", "Retain UIDs Option"),
            RetainSafePrivate => ("113111", "Retain Safe Private Option"),
            RetainInstitutionIdentity => ("113112", "Retain Institution Identity Option"),
        }
    }
}
