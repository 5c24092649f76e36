//! SQLite's write-ahead log while much is written.

use kura_model::Result;

use crate::Store;
use crate::schema::{LOG_PAGES, log_pages};

/// Pages of the log at which they are copied to their place, 256 MiB: a page that many commits
/// write is copied once, and the disk is waited for less often.
const LOG_PAGES_IN_BULK: u32 = 32_000;

/// While it lives, the log may be longer. Nothing changes in what is durable when. PostgreSQL
/// sees to its own.
pub struct Bulk<'s> {
    store: &'s Store,
}

impl<'s> Bulk<'s> {
    pub(crate) fn begin(store: &'s Store) -> Result<Self> {
        let bulk = Self { store };
        store.with_sqlite(|connection| log_pages(connection, LOG_PAGES_IN_BULK))?;
        Ok(bulk)
    }
}

impl Drop for Bulk<'_> {
    fn drop(&mut self) {
        if let Err(error) = self
            .store
            .with_sqlite(|connection| log_pages(connection, LOG_PAGES))
        {
            tracing::warn!(%error, "the write-ahead log stays longer than it was");
        }
    }
}
