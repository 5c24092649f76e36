//! `manifest.json`: what pins a data set. It holds no clock of its own: the same specification
//! at the same `t` gives the same bytes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use kura_model::{ContentHash, Error, LogicalTime, Result};
use serde::{Deserialize, Serialize};

use crate::{Spec, signature};

pub const FILE: &str = "manifest.json";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Relative, with '/'.
    pub path: String,
    pub bytes: u64,
    pub hash: ContentHash,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Policy {
    pub id: String,
    pub version: String,
    pub hash: ContentHash,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manifest {
    pub kura: String,
    pub spec: Spec,
    /// Logical time of the bank.
    pub t: LogicalTime,
    /// When the bank wrote the state at `t`, UTC.
    pub as_of: String,
    pub patients: u64,
    pub policies: Vec<Policy>,
    /// Hash over the hashes of every source version that was processed, in their order.
    pub sources: ContentHash,
    /// What stayed inside, by reason and kind.
    pub withheld: BTreeMap<String, u64>,
    /// Elements each rule was applied to.
    pub applied: BTreeMap<String, u64>,
    pub files: Vec<FileEntry>,
}

impl Manifest {
    pub fn to_json(&self) -> Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)
            .map_err(|error| Error::internal("the manifest cannot be written").because(error))?;
        text.push(b'\n');
        Ok(text)
    }

    pub fn read(folder: &Path) -> Result<Self> {
        let file = folder.join(FILE);
        let text = fs::read(&file).map_err(|error| {
            Error::not_found(format!("{}: {error}", file.display())).because(error)
        })?;
        serde_json::from_slice(&text)
            .map_err(|error| Error::invalid(format!("{} is no manifest: {error}", file.display())))
    }
}

/// One thing that is not as the manifest says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Difference {
    Missing(String),
    Changed(String),
    /// There, but not in the manifest.
    Extra(String),
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Difference::Missing(path) => write!(f, "missing  {path}"),
            Difference::Changed(path) => write!(f, "changed  {path}"),
            Difference::Extra(path) => write!(f, "extra    {path}"),
        }
    }
}

/// Compares every file of a folder with its manifest.
pub fn verify(folder: &Path) -> Result<(Manifest, Vec<Difference>)> {
    let manifest = Manifest::read(folder)?;
    let mut differences = Vec::new();
    let mut seen = std::collections::BTreeSet::from([FILE.to_owned(), signature::FILE.to_owned()]);
    for entry in &manifest.files {
        let sound = !entry.path.starts_with('/') && !entry.path.split('/').any(|part| part == "..");
        seen.insert(entry.path.clone());
        let file = folder.join(&entry.path);
        if !sound || !file.is_file() {
            differences.push(Difference::Missing(entry.path.clone()));
        } else if hash_file(&file)? != (entry.hash, entry.bytes) {
            differences.push(Difference::Changed(entry.path.clone()));
        }
    }
    let mut found = Vec::new();
    files(folder, "", &mut found)?;
    for path in found {
        if !seen.contains(&path) {
            differences.push(Difference::Extra(path));
        }
    }
    Ok((manifest, differences))
}

/// Hash and size of one file.
pub fn hash_file(file: &Path) -> Result<(ContentHash, u64)> {
    let mut hasher = blake3::Hasher::new();
    let read = fs::File::open(file).and_then(|file| hasher.update_reader(file).map(drop));
    read.map_err(|error| Error::invalid(format!("{}: {error}", file.display())).because(error))?;
    Ok((ContentHash(*hasher.finalize().as_bytes()), hasher.count()))
}

/// Relative paths of all files below a folder, sorted.
pub fn files(folder: &Path, prefix: &str, out: &mut Vec<String>) -> Result<()> {
    let read = fs::read_dir(folder.join(prefix))
        .and_then(|entries| entries.collect::<std::io::Result<Vec<_>>>());
    let mut entries =
        read.map_err(|error| Error::invalid(format!("{}: {error}", folder.display())))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if prefix.is_empty() {
            name
        } else {
            format!("{prefix}/{name}")
        };
        if entry.path().is_dir() {
            files(folder, &path, out)?;
        } else {
            out.push(path);
        }
    }
    Ok(())
}
