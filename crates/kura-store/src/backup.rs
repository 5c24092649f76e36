//! A copy of one zone's database while it is used.

use std::path::Path;

use kura_model::{ContentHash, Error, Result};
use rusqlite::{Connection, OpenFlags};

use crate::error::{io, sqlite};
use crate::store::Store;

impl Store {
    /// Writes the database as it is now, whole and compact, into `file`, which must not exist.
    /// Who writes meanwhile does not wait; it is one state (SQLite, `VACUUM INTO`).
    pub fn copy_to(&self, file: &Path) -> Result<()> {
        self.flush_audit();
        let Some(database) = self.file() else {
            return Err(Error::conflict(
                "this bank is on PostgreSQL: copy its schemas with pg_dump, and the blobs of its folder",
            ));
        };
        // A connection that may only read cannot write the copy either.
        Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .and_then(|connection| connection.execute("VACUUM INTO ?1", [file.to_string_lossy()]))
            .map_err(sqlite)?;
        std::fs::File::open(file)
            .and_then(|file| file.sync_all())
            .map_err(io)
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
