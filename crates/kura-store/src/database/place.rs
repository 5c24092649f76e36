//! Where one zone lies, and connections to it.

use std::fs;
use std::path::{Path, PathBuf};

use kura_model::{Error, Result, Zone};
use rusqlite::OpenFlags;

use super::{Address, Connection, Database, Postgres};
use crate::error::{io, sqlite};
use crate::schema;

/// The zone's place in the database.
#[derive(Clone)]
pub(crate) enum Place {
    Sqlite(PathBuf),
    Postgres { address: Address, zone: Zone },
}

/// A file in the zone's folder that says the zone lies on PostgreSQL, and holds the mark of its
/// schema: so an address of another bank is noticed, and a missing address makes no empty bank.
const MARKER: &str = "postgresql";

impl Place {
    /// Where a zone of an existing bank lies. Refuses the wrong kind of database.
    pub(crate) fn find(folder: &Path, zone: Zone, database: &Database) -> Result<Self> {
        let file = file(folder, zone);
        let marked = folder.join(MARKER).is_file();
        match database {
            Database::Sqlite if marked => Err(Error::invalid(
                "this bank is on PostgreSQL; give its address in KURA_DATABASE, or in a file named by database.url_file in kura.toml",
            )),
            Database::Postgres(_) if file.is_file() => Err(Error::conflict(
                "this bank is on SQLite, and an address of PostgreSQL was given; unset KURA_DATABASE",
            )),
            Database::Sqlite if file.is_file() => Ok(Place::Sqlite(file)),
            Database::Postgres(address) if marked => Ok(Place::Postgres {
                address: address.clone(),
                zone,
            }),
            _ => Err(Error::not_found(format!(
                "no {} database here",
                zone.as_str()
            ))),
        }
    }

    /// Makes the tables of a new bank.
    pub(crate) fn create(folder: &Path, zone: Zone, database: &Database) -> Result<()> {
        let file = file(folder, zone);
        let marker = folder.join(MARKER);
        if file.exists() || marker.exists() {
            return Err(Error::conflict("there is a bank in this folder already"));
        }
        match database {
            Database::Sqlite => {
                let connection = rusqlite::Connection::open(&file).map_err(sqlite)?;
                fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))
                    .map_err(io)?;
                schema::create_sqlite(&connection)
            }
            Database::Postgres(address) => {
                let place = Place::Postgres {
                    address: address.clone(),
                    zone,
                };
                let mark = schema::create_postgres(&place.writer()?, zone)?;
                fs::write(marker, mark).map_err(io)
            }
        }
    }

    /// Takes a zone away whose making failed.
    pub(crate) fn remove(&self, folder: &Path) {
        match self {
            Place::Sqlite(file) => drop(fs::remove_file(file)),
            Place::Postgres { zone, .. } => {
                if let Ok(Connection::Postgres(connection)) = self.writer() {
                    let _ = connection.drop_tables(zone.as_str());
                }
                let _ = fs::remove_file(folder.join(MARKER));
            }
        }
    }

    /// Whether the database is the one this folder's bank was made on.
    pub(crate) fn check(&self, folder: &Path, connection: &Connection) -> Result<()> {
        if let Place::Sqlite(_) = self {
            return Ok(());
        }
        let expected = fs::read_to_string(folder.join(MARKER)).map_err(io)?;
        if schema::mark(connection)?.as_deref() == Some(expected.trim()) {
            Ok(())
        } else {
            Err(Error::invalid(
                "the address of the database leads to another bank than this folder's",
            ))
        }
    }

    /// A connection that writes. The schema is not looked at.
    pub(crate) fn writer(&self) -> Result<Connection> {
        match self {
            Place::Sqlite(file) => {
                let connection =
                    rusqlite::Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)
                        .map_err(sqlite)?;
                schema::configure(&connection, 80, 0)?;
                connection.set_prepared_statement_cache_capacity(128);
                Ok(Connection::Sqlite(connection))
            }
            // - synchronous_commit: an acknowledged commit is on disk.
            // - lock_timeout: as long as SQLite's busy_timeout and more; a batch of an import
            //   holds the lock for less than a second.
            // - idle_in_transaction_session_timeout: a writer that stands still gives its lock
            //   back.
            // - enable_*: each statement of the writer follows a key; on tables without
            //   statistics, right after a large import, the planner may not see that.
            Place::Postgres { address, zone } => Postgres::open(
                address,
                &format!(
                    "SET search_path TO {}; SET synchronous_commit TO on; SET lock_timeout TO '30s';
                     SET idle_in_transaction_session_timeout TO '5min'; SET jit TO off;
                     SET enable_hashjoin TO off; SET enable_mergejoin TO off; SET enable_seqscan TO off",
                    zone.as_str()
                ),
            )
            .map(Connection::Postgres),
        }
    }

    /// The number a lock of this zone has on a server: the beginning of a hash of its name.
    pub(crate) fn lock_number(&self, name: &str) -> i64 {
        let zone = match self {
            Place::Sqlite(_) => "",
            Place::Postgres { zone, .. } => zone.as_str(),
        };
        let hash = blake3::hash(format!("kura/{zone}/{name}").as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hash.as_bytes()[..8]);
        i64::from_le_bytes(first)
    }

    /// A connection that reads only.
    pub(crate) fn reader(&self) -> Result<Connection> {
        match self {
            Place::Sqlite(file) => {
                let connection = rusqlite::Connection::open_with_flags(
                    file,
                    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
                )
                .map_err(sqlite)?;
                schema::configure(&connection, 32, 1024)?;
                connection
                    .execute_batch("PRAGMA query_only=ON;")
                    .map_err(sqlite)?;
                connection.set_prepared_statement_cache_capacity(256);
                Ok(Connection::Sqlite(connection))
            }
            Place::Postgres { address, zone } => Postgres::open(
                address,
                &format!(
                    "SET search_path TO {}; SET default_transaction_read_only TO on; SET jit TO off;
                     SET idle_in_transaction_session_timeout TO '1h'; SET random_page_cost TO 1.1",
                    zone.as_str()
                ),
            )
            .map(Connection::Postgres),
        }
    }
}

fn file(folder: &Path, zone: Zone) -> PathBuf {
    folder.join(format!("{}.db", zone.as_str()))
}
