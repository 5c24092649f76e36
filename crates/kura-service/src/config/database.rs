//! Where the databases are.

use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use kura_model::{Error, Result, Zone};
use kura_store::Address;
use serde::{Deserialize, Serialize};

use crate::bank::file_error;

/// The database: SQLite in the bank's folder, unless an address of PostgreSQL is given here or in
/// `KURA_DATABASE`. One address holds three schemas, `identity`, `clinical` and `research`; a zone
/// with an address of its own has its schema there.
///
/// An address holds a password: never written back, never shown, and taken only from a file that
/// nobody else may read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    #[serde(skip_serializing)]
    url: Option<Secret>,
    /// A file that holds the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    url_file: Option<PathBuf>,
    #[serde(skip_serializing)]
    identity_url: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity_url_file: Option<PathBuf>,
    #[serde(skip_serializing)]
    clinical_url: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clinical_url_file: Option<PathBuf>,
    #[serde(skip_serializing)]
    research_url: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    research_url_file: Option<PathBuf>,
}

#[derive(Clone, Deserialize)]
struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Database {
    /// The address from `KURA_DATABASE`, which wins over everything in the file.
    pub(super) fn from_environment(address: String) -> Self {
        Self {
            url: Some(Secret(address)),
            ..Self::default()
        }
    }

    /// Whether an address stands in the configuration file itself.
    pub(super) fn holds_secret(&self) -> bool {
        [
            &self.url,
            &self.identity_url,
            &self.clinical_url,
            &self.research_url,
        ]
        .iter()
        .any(|url| url.is_some())
    }

    /// Files named without a folder lie in the bank's.
    pub(super) fn relative_to(&mut self, folder: &Path) {
        for file in [
            &mut self.url_file,
            &mut self.identity_url_file,
            &mut self.clinical_url_file,
            &mut self.research_url_file,
        ]
        .into_iter()
        .flatten()
        {
            *file = folder.join(&*file);
        }
    }

    /// Where a zone lies.
    pub fn of(&self, zone: Zone) -> Result<kura_store::Database> {
        let (url, file) = match zone {
            Zone::Identity => (&self.identity_url, &self.identity_url_file),
            Zone::Clinical => (&self.clinical_url, &self.clinical_url_file),
            Zone::Research => (&self.research_url, &self.research_url_file),
        };
        let text = match (url, file, &self.url, &self.url_file) {
            (Some(url), ..) => url.0.clone(),
            (None, Some(file), ..) => secret_file(file)?,
            (None, None, Some(url), _) => url.0.clone(),
            (None, None, None, Some(file)) => secret_file(file)?,
            (None, None, None, None) => return Ok(kura_store::Database::Sqlite),
        };
        Ok(kura_store::Database::Postgres(Address::parse(&text)?))
    }
}

fn secret_file(file: &Path) -> Result<String> {
    owner_only(file)?;
    fs::read_to_string(file).map_err(|error| file_error(file, error))
}

/// Refuses a file others may read.
pub fn owner_only(file: &Path) -> Result<()> {
    let mode = fs::metadata(file)
        .map_err(|error| file_error(file, error))?
        .permissions()
        .mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "{} holds a secret, and may be read by others; run: chmod 600 {}",
        file.display(),
        file.display()
    )))
}
