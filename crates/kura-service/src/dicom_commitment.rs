//! Storage commitment: whether the bank keeps objects, so that their sender may delete its own.
//! PS3.4 Annex J.

use std::collections::{BTreeMap, BTreeSet};

use kura_model::{RecordKey, RequestContext, Result};
use kura_store::AuditEntry;

use crate::access::{Action, authorize};
use crate::{Bank, imaging, kind};

/// An object as its sender names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    pub sop_class_uid: String,
    pub sop_instance_uid: String,
}

/// Failure Reason (0008,1197). PS3.3 C.14-1.
pub const NO_SUCH_OBJECT: u16 = 0x0112;
pub const CLASS_CONFLICT: u16 = 0x0119;
pub const PROCESSING_FAILURE: u16 = 0x0110;

/// Which objects are kept, and why others are not.
#[derive(Debug, Default)]
pub struct Commitment {
    pub kept: Vec<Named>,
    pub failed: Vec<(Named, u16)>,
}

/// Looks for each object and reads its file whole: what is promised was seen.
pub fn commit(bank: &Bank, context: &RequestContext, named: Vec<Named>) -> Result<Commitment> {
    authorize(bank, context, Action::Import)?;
    let mut commitment = Commitment::default();
    let mut studies: BTreeMap<String, usize> = BTreeMap::new();
    // One that is named twice is read once.
    let mut seen = BTreeSet::new();
    for object in named {
        if !seen.insert(object.clone()) {
            continue;
        }
        let key = RecordKey::new(kind::DICOM_INSTANCE, object.sop_instance_uid.as_str());
        let found = bank.clinical.read(|reader| reader.current(&key))?;
        let Some(found) = found.filter(|version| !version.deleted) else {
            commitment.failed.push((object, NO_SUCH_OBJECT));
            continue;
        };
        let record = imaging::decode(&found.body)?;
        let text = |tag| crate::imaging_study::attribute::text(&record["header"], tag);
        if text("00080016").as_ref() != Some(&object.sop_class_uid) {
            commitment.failed.push((object, CLASS_CONFLICT));
            continue;
        }
        if let Err(error) = bank.clinical.blobs().verify(imaging::blob_of(&record)?) {
            tracing::error!(%error, "an object that was to be committed is damaged");
            commitment.failed.push((object, PROCESSING_FAILURE));
            continue;
        }
        *studies
            .entry(text("0020000D").unwrap_or_default())
            .or_default() += 1;
        commitment.kept.push(object);
    }
    for study in studies.keys() {
        let object = format!("ImagingStudy/{}", crate::imaging_study::study_id(study));
        bank.clinical
            .audit(AuditEntry::new(context, "storage_commitment", object));
    }
    Ok(commitment)
}
