//! All of it or nothing, by the newest state of the database.

use std::time::Duration;

use kura_model::{Error, Result};

use super::{ENTITIES_KEPT, Writer};
use crate::database::{Connection, Ending};
use crate::error;

/// Of the locks a bank on PostgreSQL takes, the one of whoever writes.
pub(crate) const COMMIT_LOCK: &str = "commit";

/// How often and how long to ask what became of a transaction whose end was not heard.
const ASK_AGAIN: [Duration; 6] = [
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

impl Writer {
    /// Runs `work` in a transaction, alone in the zone.
    pub(crate) fn transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        if self.connection.is_lost() {
            self.connection = self.place.writer()?;
            self.remembers = false;
        } else if self.open {
            self.remembers = false;
            self.take_back();
        }
        self.open = true;
        let done = self
            .begin()
            .and_then(|number| work(self).map(|done| (number, done)))
            .and_then(|(number, done)| self.end(number).map(|()| done));
        if done.is_err() {
            // What the caches learnt in this transaction may not exist now.
            self.remembers = false;
            self.take_back();
        }
        self.open = false;
        done
    }

    /// Begins, alone; PostgreSQL's number of the transaction.
    fn begin(&mut self) -> Result<Option<String>> {
        let number = match &self.connection {
            Connection::Sqlite(connection) => {
                connection
                    .execute_batch("BEGIN IMMEDIATE")
                    .map_err(error::sqlite)?;
                None
            }
            Connection::Postgres(_) => {
                self.connection.batch(&format!(
                    "BEGIN; SELECT pg_advisory_xact_lock({})",
                    self.place.lock_number(COMMIT_LOCK)
                ))?;
                // Each statement sees what was committed when it began: so the lock comes first.
                Some(self.connection.one(
                    "SELECT CAST(pg_current_xact_id() AS text)",
                    &[],
                    |row| row.get(0),
                )?)
            }
        };
        self.refresh()?;
        Ok(number)
    }

    /// Another process may have written since: then the numbers have gone on, and what is
    /// remembered of records does not count. Names of kinds, parameters, code systems and terms
    /// are never changed, so that those known stay known, unless our own last transaction, which
    /// gave some, was taken back.
    fn refresh(&mut self) -> Result<()> {
        let (t, eid, pk) = self.connection.one(
            "SELECT (SELECT coalesce(max(t), 0) FROM commits), (SELECT coalesce(max(eid), 0) FROM entity), (SELECT coalesce(max(pk), 0) FROM record)",
            &[],
            |row| Ok((row.get::<i64>(0)?, row.get::<i64>(1)?, row.get::<i64>(2)?)),
        )?;
        let alone = (t, eid + 1, pk + 1) == (self.t, self.next_eid, self.next_pk);
        if !self.remembers {
            self.symbols.clear();
            self.compressor.forget();
        }
        if !self.remembers || !alone || self.entities.len() >= ENTITIES_KEPT {
            self.entities.clear();
        }
        (self.t, self.next_eid, self.next_pk) = (t, eid + 1, pk + 1);
        self.remembers = true;
        Ok(())
    }

    fn end(&mut self, number: Option<String>) -> Result<()> {
        let ended = match &self.connection {
            Connection::Sqlite(connection) => {
                return connection.execute_batch("COMMIT").map_err(error::sqlite);
            }
            Connection::Postgres(connection) => connection.end(),
        };
        match (ended, number) {
            (Ok(()), _) => Ok(()),
            (Err(Ending::Failed(error)), _) => Err(error),
            (Err(Ending::Unknown), number) => self.ask(&number.unwrap_or_default()),
        }
    }

    /// The connection went while the transaction ended: asks the server, over a new one, what
    /// became of it. It is done only if the server says so; it is never done again.
    fn ask(&mut self, number: &str) -> Result<()> {
        for pause in ASK_AGAIN {
            std::thread::sleep(pause);
            let Ok(connection) = self.place.writer() else {
                continue;
            };
            let status = connection.first(
                "SELECT pg_xact_status(CAST(?1 AS xid8))",
                crate::database::values![number],
                |row| row.get::<Option<String>>(0),
            );
            self.connection = connection;
            match status {
                Ok(Some(Some(status))) if status == "committed" => {
                    // The caches are of the state it made.
                    return Ok(());
                }
                Ok(Some(Some(status))) if status == "aborted" => {
                    return Err(Error::internal(
                        "the connection to the database was lost; nothing of this step was kept; try again",
                    ));
                }
                _ => {}
            }
        }
        Err(Error::internal(
            "the connection to the database was lost while it wrote, and whether it did is not known; look before you try again",
        ))
    }

    fn take_back(&mut self) {
        match &self.connection {
            Connection::Sqlite(connection) => {
                if !connection.is_autocommit() {
                    let _ = connection.execute_batch("ROLLBACK");
                }
            }
            Connection::Postgres(_) => {
                // Without a transaction this is a warning of the server's, and no error.
                if self.connection.batch("ROLLBACK").is_err()
                    && let Ok(fresh) = self.place.writer()
                {
                    self.connection = fresh;
                }
            }
        }
    }
}
