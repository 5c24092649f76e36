//! The files under the paths an operator names.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use kura_model::{ContentHash, Result};

use crate::bank::file_error;

pub(crate) struct Found {
    pub(super) path: PathBuf,
    /// What it is called in jobs and in quarantine: its path, unless it came from elsewhere.
    pub(super) name: String,
    pub(super) size: u64,
    /// Nanoseconds since 1970.
    pub(super) modified: i64,
}

/// Every regular file, folders walked in the order of their names. Hidden files are left out,
/// links to folders are not followed (they can go round in a circle).
pub(super) fn files(paths: &[PathBuf]) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for path in paths {
        let metadata = fs::metadata(path).map_err(|error| file_error(path, error))?;
        if metadata.is_dir() {
            folder(path, &mut found)?;
        } else {
            found.push(entry(path.clone(), &metadata));
        }
    }
    Ok(found)
}

/// One file, under another name than its path.
pub(super) fn named(path: PathBuf, name: String) -> Result<Found> {
    let metadata = fs::metadata(&path).map_err(|error| file_error(&path, error))?;
    Ok(Found {
        name,
        ..entry(path, &metadata)
    })
}

fn folder(path: &Path, found: &mut Vec<Found>) -> Result<()> {
    let mut entries = fs::read_dir(path)
        .and_then(|entries| entries.collect::<std::io::Result<Vec<_>>>())
        .map_err(|error| file_error(path, error))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for inner in entries {
        if inner.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = inner.path();
        let kind = inner
            .file_type()
            .map_err(|error| file_error(&path, error))?;
        if kind.is_dir() {
            folder(&path, found)?;
            continue;
        }
        let metadata = fs::metadata(&path).map_err(|error| file_error(&path, error))?;
        if metadata.is_file() {
            found.push(entry(path, &metadata));
        }
    }
    Ok(())
}

fn entry(path: PathBuf, metadata: &fs::Metadata) -> Found {
    let modified = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .map_or(0, |elapsed| elapsed.as_nanos() as i64);
    Found {
        name: path.display().to_string(),
        path,
        size: metadata.len(),
        modified,
    }
}

pub(super) fn hash(path: &Path) -> Result<ContentHash> {
    let mut hasher = blake3::Hasher::new();
    File::open(path)
        .and_then(|file| hasher.update_reader(file).map(drop))
        .map_err(|error| file_error(path, error))?;
    Ok(ContentHash(*hasher.finalize().as_bytes()))
}
