use std::fs;
use std::path::{Path, PathBuf};

use kura_model::{Error, RequestContext, Result, Zone};
use kura_store::{AuditEntry, Commit, Store};

use crate::Config;

/// A bank: three zones, each a folder with a database of its own.
///
/// ```text
/// bank/
///   kura.toml     configuration
///   identity/     accounts, sessions, keys of research projects
///   clinical/     records for care, and their blobs
///   research/     what was built for research
/// ```
pub struct Bank {
    folder: PathBuf,
    pub config: Config,
    pub identity: Store,
    pub clinical: Store,
    pub research: Store,
}

const ZONES: [Zone; 3] = [Zone::Identity, Zone::Clinical, Zone::Research];

impl Bank {
    /// Makes an empty bank. `folder` must not exist, or be empty.
    pub fn init(context: &RequestContext, folder: &Path, config: &Config) -> Result<()> {
        if Self::exists(folder) {
            return Err(Error::conflict(format!(
                "{} is a bank already",
                folder.display()
            )));
        }
        if let Ok(mut entries) = fs::read_dir(folder)
            && entries.next().is_some()
        {
            return Err(Error::conflict(format!(
                "{} is not empty; a bank needs a folder of its own",
                folder.display()
            )));
        }
        fs::create_dir_all(folder).map_err(|error| file_error(folder, error))?;
        for zone in ZONES {
            let place = folder.join(zone.as_str());
            Store::create(&place, zone)?;
            let store = Store::open(&place, zone)?;
            store.commit(Commit {
                audit: vec![AuditEntry::new(context, "init", zone.as_str())],
                ..Commit::default()
            })?;
        }
        // Last: a bank is one once its configuration is there.
        let file = folder.join("kura.toml");
        fs::write(&file, config.to_toml()?).map_err(|error| file_error(&file, error))
    }

    pub fn exists(folder: &Path) -> bool {
        folder.join("kura.toml").is_file()
    }

    pub fn open(folder: &Path) -> Result<Self> {
        if !Self::exists(folder) {
            return Err(Error::not_found(format!(
                "{} is no bank; make one with: kura init {}",
                folder.display(),
                folder.display()
            )));
        }
        let config = Config::load(&folder.join("kura.toml"), std::env::vars())?;
        let open = |zone: Zone| Store::open(&folder.join(zone.as_str()), zone);
        Ok(Self {
            folder: folder.to_owned(),
            config,
            identity: open(Zone::Identity)?,
            clinical: open(Zone::Clinical)?,
            research: open(Zone::Research)?,
        })
    }

    /// Holds the bank for work that reads, thinks and writes: an import, the making of a key. Two
    /// of them at once could each overwrite what the other just wrote. Released when dropped,
    /// also by a crash.
    pub(crate) fn hold(&self) -> Result<fs::File> {
        let file = self.folder.join("import.lock");
        let lock = fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&file)
            .map_err(|error| file_error(&file, error))?;
        match lock.try_lock() {
            Ok(()) => Ok(lock),
            Err(fs::TryLockError::WouldBlock) => Err(Error::conflict(
                "another import is running on this bank; wait until it is done",
            )),
            Err(fs::TryLockError::Error(error)) => Err(file_error(&file, error)),
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn zones(&self) -> [&Store; 3] {
        [&self.identity, &self.clinical, &self.research]
    }
}

/// A file error that names the file. For files the operator named or that are ours.
pub(crate) fn file_error(file: &Path, error: std::io::Error) -> Error {
    let category = match error.kind() {
        std::io::ErrorKind::NotFound => kura_model::Category::NotFound,
        std::io::ErrorKind::PermissionDenied => kura_model::Category::Forbidden,
        std::io::ErrorKind::StorageFull => kura_model::Category::Exhausted,
        _ => kura_model::Category::Invalid,
    };
    Error::new(category, format!("{}: {error}", file.display()))
}
