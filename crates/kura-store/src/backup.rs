//! A copy of one zone's database while it is used, and a database made from one.

use std::io::{Read, Write};
use std::path::Path;

use kura_model::{ContentHash, Error, Result, Zone};
use rusqlite::{Connection, OpenFlags};
use serde::{Deserialize, Serialize};

use crate::database::{self, Database, Place};
use crate::error::{io, sqlite};
use crate::schema;
use crate::store::Store;

/// Which database a copy is of. The two write a zone's tables each in its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CopyOf {
    Sqlite,
    Postgresql,
}

impl Store {
    pub fn copy_is_of(&self) -> CopyOf {
        match self.place() {
            Place::Sqlite(_) => CopyOf::Sqlite,
            Place::Postgres { .. } => CopyOf::Postgresql,
        }
    }

    /// The schema of the tables, which a copy shares.
    pub fn schema() -> i64 {
        schema::VERSION
    }

    /// Writes the database as it is now into `out`. Who writes meanwhile does not wait; it is one
    /// state. What did not change between two copies is mostly the same bytes at the same place after
    /// the same `flush`.
    ///
    /// SQLite gives its pages, by a file in `scratch` that is gone afterwards. PostgreSQL gives its
    /// tables as its COPY does, of one snapshot.
    pub fn copy_to(&self, scratch: &Path, out: &mut dyn Write) -> Result<()> {
        self.flush_audit();
        match self.place() {
            Place::Sqlite(file) => {
                let pages = tempfile::Builder::new()
                    .prefix(".pages-")
                    .tempfile_in(scratch)
                    .map_err(io)?;
                let mut to = Connection::open(pages.path()).map_err(sqlite)?;
                // Nobody needs it if it is cut short.
                to.execute_batch("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;")
                    .map_err(sqlite)?;
                let from = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)
                    .map_err(sqlite)?;
                // All in one step: in WAL mode that is one state, and writers go on beside it.
                let step = rusqlite::backup::Backup::new(&from, &mut to)
                    .and_then(|backup| backup.step(-1))
                    .map_err(sqlite)?;
                if !matches!(step, rusqlite::backup::StepResult::Done) {
                    return Err(Error::conflict(
                        "the database was locked while it was to be copied; try again",
                    ));
                }
                drop(to);
                let mut pages = pages.reopen().map_err(io)?;
                std::io::copy(&mut pages, out).map(drop).map_err(io)
            }
            place @ Place::Postgres { zone, .. } => {
                let connection = place.reader()?;
                let database::Connection::Postgres(connection) = &connection else {
                    return Err(Error::internal("a connection of the wrong kind"));
                };
                connection.copy_out(zone.as_str(), out)
            }
        }
    }

    /// Makes a zone from a copy, in a folder and at an address that have none. If it fails, there is
    /// none again.
    pub fn restore(
        folder: &Path,
        zone: Zone,
        database: &Database,
        from: &mut dyn Read,
    ) -> Result<()> {
        Self::create(folder, zone, database)?;
        let place = Place::find(folder, zone, database)?;
        let restored = match &place {
            Place::Sqlite(file) => (|| {
                let mut out = std::fs::OpenOptions::new()
                    .write(true)
                    .truncate(true)
                    .open(file)?;
                for beside in ["-wal", "-shm"] {
                    let mut name = file.clone().into_os_string();
                    name.push(beside);
                    let _ = std::fs::remove_file(name);
                }
                std::io::copy(from, &mut out)?;
                out.sync_all()
            })()
            .map_err(io),
            Place::Postgres { .. } => match place.writer()? {
                database::Connection::Postgres(connection) => {
                    connection.copy_in(zone.as_str(), from)
                }
                database::Connection::Sqlite(_) => {
                    Err(Error::internal("a connection of the wrong kind"))
                }
            },
        };
        restored.inspect_err(|_| place.remove(folder))
    }

    /// Takes away a zone that [`Store::restore`] just made, where the rest of the bank could not be.
    pub fn discard(folder: &Path, zone: Zone, database: &Database) {
        if let Ok(place) = Place::find(folder, zone, database) {
            place.remove(folder);
        }
    }

    /// Every blob that some commit named, with its size, in the order of the hashes.
    pub fn named_blobs(&self) -> Result<Vec<(ContentHash, u64)>> {
        self.read(|reader| {
            reader
                .connection()
                .rows("SELECT hash, size FROM blob ORDER BY hash", &[], |row| {
                    Ok((ContentHash(row.get(0)?), row.get::<i64>(1)? as u64))
                })
        })
    }
}
