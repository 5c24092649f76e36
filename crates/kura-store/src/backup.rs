//! A copy of one zone's database while it is used.

use std::path::Path;

use kura_model::{ContentHash, Result};
use rusqlite::{Connection, OpenFlags};

use crate::error::{database, io};
use crate::store::Store;

impl Store {
    /// Writes the database as it is now, whole and compact, into `file`, which must not exist.
    /// Who writes meanwhile does not wait; it is one state (SQLite, `VACUUM INTO`).
    pub fn copy_to(&self, file: &Path) -> Result<()> {
        self.flush_audit();
        // A connection that may only read cannot write the copy either.
        Connection::open_with_flags(self.file(), OpenFlags::SQLITE_OPEN_READ_WRITE)
            .and_then(|connection| {
                connection.execute("VACUUM INTO ?1", [file.to_string_lossy()])
            })
            .map_err(database)?;
        std::fs::File::open(file)
            .and_then(|file| file.sync_all())
            .map_err(io)
    }

    /// Every blob that some commit named, with its size, in the order of the hashes.
    pub fn named_blobs(&self) -> Result<Vec<(ContentHash, u64)>> {
        self.read(|reader| {
            let mut statement = reader
                .connection()
                .prepare("SELECT hash, size FROM blob ORDER BY hash")
                .map_err(database)?;
            let rows = statement
                .query_map([], |row| {
                    Ok((ContentHash(row.get(0)?), row.get::<_, i64>(1)? as u64))
                })
                .map_err(database)?;
            rows.collect::<std::result::Result<_, _>>()
                .map_err(database)
        })
    }
}
