//! Which data sets there are to train on, and where they lie.

use std::path::{Path, PathBuf};

use kura_dataset::manifest::{self, Manifest};
use kura_model::{ContentHash, Error, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, Query};
use serde::Deserialize;

use crate::access::{Action, authorize};
use crate::{Bank, kind};

/// A data set that was built from this bank and lies where it was written, unchanged.
#[derive(Debug, Clone)]
pub struct Set {
    pub folder: PathBuf,
    pub manifest: ContentHash,
    pub name: String,
    /// `日本語 / English`, as its specification has it.
    pub title: String,
    pub project: String,
    pub patients: u64,
    pub images: bool,
    /// When the bank wrote the state it was built from.
    pub as_of: String,
}

#[derive(Deserialize)]
struct Place {
    folder: PathBuf,
    manifest: ContentHash,
}

/// The sets whose folders are still there with the manifest they were built with; the newest first.
pub fn sets(bank: &Bank, context: &RequestContext) -> Result<Vec<Set>> {
    authorize(bank, context, Action::BuildModel)?;
    bank.research
        .audit(AuditEntry::new(context, "data_set_list", ""));
    let query = Query::all(kind::DATA_SET_FOLDER);
    let mut places: Vec<(u64, Place)> = Vec::new();
    let mut after = None;
    loop {
        let page = bank
            .research
            .read(|reader| reader.search(&query, after.as_ref(), 200))?;
        for version in &page.versions {
            let place = serde_json::from_slice(&version.body)
                .map_err(|error| Error::internal("a stored folder is damaged").because(error))?;
            places.push((version.version, place));
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    places.sort_by_key(|place| std::cmp::Reverse(place.0));
    Ok(places
        .into_iter()
        .filter_map(|(_, place)| {
            let found = known(bank, &place.folder).ok()?;
            (found.manifest == place.manifest).then_some(found)
        })
        .collect())
}

/// The set in a folder that somebody names.
///
/// # Errors
/// Anything but a set that was built from this bank, with one message for all of it: a page must
/// not tell what else lies on the disk.
pub fn open(bank: &Bank, context: &RequestContext, folder: &Path) -> Result<Set> {
    authorize(bank, context, Action::BuildModel)?;
    known(bank, folder)
}

pub(super) fn known(bank: &Bank, folder: &Path) -> Result<Set> {
    let none = || {
        Error::not_found("in this folder there is no data set of this bank (rule set-of-this-bank)")
    };
    if !folder.is_absolute() {
        return Err(none());
    }
    let folder = std::fs::canonicalize(folder).map_err(|_| none())?;
    let (hash, _) = manifest::hash_file(&folder.join(manifest::FILE)).map_err(|_| none())?;
    let key = RecordKey::new(kind::DATA_SET, hash.to_hex());
    let body = bank
        .research
        .read(|reader| reader.current(&key))?
        .ok_or_else(none)?
        .body;
    let manifest: Manifest = serde_json::from_slice(&body)
        .map_err(|error| Error::internal("a stored manifest is damaged").because(error))?;
    Ok(Set {
        folder,
        manifest: hash,
        name: manifest.spec.name,
        title: manifest.spec.title,
        project: manifest.spec.project,
        patients: manifest.patients,
        images: manifest.spec.data.images,
        as_of: manifest.as_of,
    })
}
