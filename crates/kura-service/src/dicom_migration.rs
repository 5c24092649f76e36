//! The move from an old archive: what is here of a study, and how far the move has come.

use std::collections::BTreeSet;

use kura_model::{Category, ContentHash, Error, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, Commit, Put, Write};
use serde::{Deserialize, Serialize};

use crate::access::{Action, authorize};
use crate::dicom_read::{self, Target};
use crate::{Bank, kind};

/// A span of study dates of an archive that was gone through.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Span {
    pub node: String,
    /// As the archive was asked.
    pub dates: String,
    /// What else it was asked for, which may name a patient: nothing of it is told or audited.
    #[serde(default)]
    pub keys: String,
    pub studies: u64,
    /// Objects the archive has, and those that came.
    pub there: u64,
    pub arrived: u64,
    /// Studies that are not here in full.
    pub short: Vec<String>,
    /// Everything is here: it need not be gone through again.
    pub done: bool,
}

fn key(node: &str, dates: &str, keys: &str) -> RecordKey {
    let hash = ContentHash::of(format!("{node}\n{dates}\n{keys}").as_bytes()).to_hex();
    RecordKey::new(kind::DICOM_MOVE, &hash[..32])
}

/// What is known of a span.
pub fn span(
    bank: &Bank,
    context: &RequestContext,
    node: &str,
    dates: &str,
    keys: &str,
) -> Result<Option<Span>> {
    authorize(bank, context, Action::Import)?;
    let found = bank
        .clinical
        .read(|reader| reader.current(&key(node, dates, keys)))?;
    found
        .map(|version| {
            serde_json::from_slice(&version.body)
                .map_err(|error| Error::internal("a note of the move").because(error))
        })
        .transpose()
}

/// Notes that a span was gone through.
pub fn note(bank: &Bank, context: &RequestContext, span: &Span) -> Result<()> {
    authorize(bank, context, Action::Import)?;
    let body = serde_json::to_vec(span)
        .map_err(|error| Error::internal("a note cannot be written").because(error))?;
    bank.clinical
        .commit(Commit {
            writes: vec![Write::Put(Put::plain(
                key(&span.node, &span.dates, &span.keys),
                body,
            ))],
            audit: vec![
                AuditEntry::new(context, "dicom_migrate", "").detail(format!(
                    "{} {}: {} of {} objects came",
                    span.node, span.dates, span.arrived, span.there
                )),
            ],
            ..Commit::default()
        })
        .map(drop)
}

/// The objects of a study that are here, by their UIDs.
pub fn here(bank: &Bank, context: &RequestContext, study_uid: &str) -> Result<BTreeSet<String>> {
    let target = Target {
        study: study_uid.to_owned(),
        series: None,
        instance: None,
    };
    let mut here = BTreeSet::new();
    let listed = dicom_read::each_of(bank, context, "dicom_reconcile", &target, |line| {
        here.insert(line.uid.to_owned());
        Ok(())
    });
    match listed {
        Ok(()) => Ok(here),
        Err(error) if error.category == Category::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(error),
    }
}
