//! The folder of a request: nobody else reads it, and a file is there whole or not at all.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use kura_model::{Error, Result};

use super::{Begun, Kind};
use crate::Bank;
use crate::bank::file_error;

/// The folder of a new request.
pub(crate) struct Place {
    pub(crate) id: String,
    pub(crate) folder: PathBuf,
}

impl Place {
    pub(crate) fn make(bank: &Bank, kind: Kind) -> Result<Self> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|error| {
            Error::internal("the system gives no random numbers").because(error)
        })?;
        let id = crate::sealed::hex(&random);
        let folder = kind.home(bank).join(&id);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .map_err(|error| file_error(&folder, error))?;
        Ok(Self { id, folder })
    }
}

/// The folder of a request that was begun.
pub(super) fn find(bank: &Bank, kind: Kind, id: &str) -> Result<PathBuf> {
    if id.len() != 32 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(kind.absent());
    }
    let folder = kind.home(bank).join(id);
    if folder.join("asked.json").is_file() {
        Ok(folder)
    } else {
        Err(kind.absent())
    }
}

pub(super) fn begun(folder: &Path) -> Result<Begun> {
    let file = folder.join("asked.json");
    let text = fs::read(&file).map_err(|error| file_error(&file, error))?;
    serde_json::from_slice(&text)
        .map_err(|error| Error::internal("what was asked for is damaged").because(error))
}

pub(super) fn finished(folder: &Path) -> bool {
    folder.join("manifest.json").exists() || folder.join("error.json").exists()
}

/// Since the last file came.
pub(super) fn age(folder: &Path) -> Option<Duration> {
    let changed = fs::metadata(folder).and_then(|meta| meta.modified()).ok()?;
    SystemTime::now().duration_since(changed).ok()
}

pub(crate) fn write_whole(folder: &Path, name: &str, text: &[u8]) -> Result<()> {
    let file = folder.join(name);
    let part = folder.join(format!("{name}.part"));
    let write = || -> std::io::Result<()> {
        let mut out = private(&part)?;
        out.write_all(text)?;
        out.sync_all()?;
        fs::rename(&part, &file)
    };
    write().map_err(|error| file_error(&file, error))
}

pub(crate) fn private(file: &Path) -> std::io::Result<File> {
    fs::OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(file)
}
