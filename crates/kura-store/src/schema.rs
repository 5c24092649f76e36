//! The tables. `docs/store.md` explains each; keep the two in step.

use kura_model::{Error, Result};
use rusqlite::Connection;

use crate::error::database;

/// Raised with every change of the tables. A bank of a later schema is refused.
pub(crate) const VERSION: i64 = 2;

const TABLES: &str = "
CREATE TABLE bank (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- Logical time. pk_last is the highest record.pk once commit t was done, so that
-- 'as of t' is a comparison of record numbers.
CREATE TABLE commits (t INTEGER PRIMARY KEY, at INTEGER NOT NULL, pk_last INTEGER NOT NULL, records INTEGER NOT NULL);
CREATE INDEX commits_at ON commits (at);

CREATE TABLE kind (kind INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, live INTEGER NOT NULL DEFAULT 0, versions INTEGER NOT NULL DEFAULT 0);
CREATE TABLE param (param INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE system (system INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE term (term INTEGER PRIMARY KEY, value TEXT NOT NULL UNIQUE);
CREATE TABLE dictionary (dictionary INTEGER PRIMARY KEY, kind INTEGER NOT NULL, bytes BLOB NOT NULL);

-- One row for each thing that has, or is referred to by, an id. pk is its newest version,
-- absent while it is only referred to.
CREATE TABLE entity (kind INTEGER NOT NULL, id TEXT NOT NULL, eid INTEGER NOT NULL, pk INTEGER, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE UNIQUE INDEX entity_eid ON entity (eid);

-- Versions. A row is written once and never changed.
CREATE TABLE record (
  pk INTEGER PRIMARY KEY, kind INTEGER NOT NULL, eid INTEGER NOT NULL, version INTEGER NOT NULL,
  t INTEGER NOT NULL, deleted INTEGER NOT NULL, hash BLOB NOT NULL,
  source INTEGER, line INTEGER, dictionary INTEGER NOT NULL, size INTEGER NOT NULL, body BLOB NOT NULL);
CREATE UNIQUE INDEX record_version ON record (eid, version);
CREATE INDEX record_kind ON record (kind, pk) WHERE deleted = 0;
CREATE INDEX record_deleted ON record (kind, pk) WHERE deleted = 1;
-- The versions that are no longer the newest, and since when.
CREATE TABLE superseded (pk INTEGER PRIMARY KEY, t_end INTEGER NOT NULL);

-- Search tables: one per type of search parameter, clustered so that one search is one range.
CREATE TABLE ix_token (param INTEGER NOT NULL, code TEXT NOT NULL, system INTEGER NOT NULL, pk INTEGER NOT NULL, PRIMARY KEY (param, code, system, pk)) WITHOUT ROWID;
CREATE TABLE ix_text (param INTEGER NOT NULL, value TEXT NOT NULL, pk INTEGER NOT NULL, PRIMARY KEY (param, value, pk)) WITHOUT ROWID;
CREATE TABLE ix_date (param INTEGER NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL, pk INTEGER NOT NULL, PRIMARY KEY (param, low, high, pk)) WITHOUT ROWID;
CREATE INDEX ix_date_pk ON ix_date (pk, param);
CREATE TABLE ix_number (param INTEGER NOT NULL, value REAL NOT NULL, pk INTEGER NOT NULL, PRIMARY KEY (param, value, pk)) WITHOUT ROWID;
CREATE TABLE ix_quantity (param INTEGER NOT NULL, code TEXT NOT NULL, value REAL NOT NULL, system INTEGER NOT NULL, pk INTEGER NOT NULL, PRIMARY KEY (param, code, value, system, pk)) WITHOUT ROWID;
CREATE TABLE ix_term (param INTEGER NOT NULL, term INTEGER NOT NULL, pk INTEGER NOT NULL, PRIMARY KEY (param, term, pk)) WITHOUT ROWID;
CREATE TABLE ix_reference (param INTEGER NOT NULL, target INTEGER NOT NULL, pk INTEGER NOT NULL, PRIMARY KEY (param, target, pk)) WITHOUT ROWID;
CREATE INDEX ix_reference_pk ON ix_reference (pk, param);
-- What belongs to one patient (or other owner).
CREATE TABLE compartment (owner INTEGER NOT NULL, kind INTEGER NOT NULL, pk INTEGER NOT NULL, PRIMARY KEY (owner, kind, pk)) WITHOUT ROWID;

CREATE TABLE blob (hash BLOB PRIMARY KEY, size INTEGER NOT NULL, t INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE record_blob (pk INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (pk, hash)) WITHOUT ROWID;

-- What was imported, and how far.
CREATE TABLE source (
  source INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, name TEXT NOT NULL, format TEXT NOT NULL, size INTEGER NOT NULL,
  modified INTEGER NOT NULL, done INTEGER NOT NULL, position INTEGER NOT NULL, accepted INTEGER NOT NULL,
  unchanged INTEGER NOT NULL, refused INTEGER NOT NULL, started INTEGER NOT NULL, updated INTEGER NOT NULL, job INTEGER);
CREATE INDEX source_name ON source (name, size, modified);
CREATE TABLE quarantine (
  quarantine INTEGER PRIMARY KEY, t INTEGER NOT NULL, at INTEGER NOT NULL, job INTEGER, source INTEGER, name TEXT NOT NULL,
  rule TEXT NOT NULL, message TEXT NOT NULL, line INTEGER, byte INTEGER, path TEXT, item BLOB, item_size INTEGER NOT NULL);
CREATE INDEX quarantine_source ON quarantine (source);

CREATE TABLE job (job INTEGER PRIMARY KEY, kind TEXT NOT NULL, state TEXT NOT NULL, started INTEGER NOT NULL, updated INTEGER NOT NULL, actor TEXT NOT NULL, detail TEXT NOT NULL);

CREATE TABLE audit (
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, role TEXT NOT NULL, purpose TEXT NOT NULL,
  action TEXT NOT NULL, target TEXT NOT NULL, outcome TEXT NOT NULL, detail TEXT NOT NULL, hash BLOB NOT NULL);
";

/// How every connection is set up.
///
/// - `journal_mode=WAL`: readers never wait for the writer.
/// - `synchronous=FULL`: in WAL mode a commit returns after fsync; acknowledged means on disk.
/// - `page_size=8192`: most compressed bodies and index leaves fit with less overhead.
/// - `cell_size_check`, `trusted_schema=OFF`: a damaged or hostile file is noticed early.
/// - `mmap_size`: reads of a warm bank cost no system call. Not for the writer: an import would
///   seem to grow with the bank.
pub(crate) fn configure(connection: &Connection, cache_mib: i64, map_mib: i64) -> Result<()> {
    connection
        .execute_batch(&format!(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=OFF;
             PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY;
             PRAGMA busy_timeout=10000; PRAGMA wal_autocheckpoint=8000; PRAGMA journal_size_limit=134217728;
             PRAGMA mmap_size={}; PRAGMA cache_size=-{};",
            map_mib << 20,
            cache_mib << 10
        ))
        .map_err(database)
}

pub(crate) fn create(connection: &Connection) -> Result<()> {
    connection
        .execute_batch("PRAGMA page_size=8192;")
        .map_err(database)?;
    configure(connection, 64, 0)?;
    connection
        .execute_batch(&format!(
            "BEGIN IMMEDIATE; {TABLES} PRAGMA user_version={VERSION}; COMMIT;"
        ))
        .map_err(database)
}

pub(crate) fn check(connection: &Connection) -> Result<()> {
    let found: i64 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(database)?;
    match found {
        VERSION => Ok(()),
        1..VERSION => Err(Error::conflict(format!(
            "this bank has schema {found}, this program has {VERSION}; keep a copy, then run: kura upgrade"
        ))),
        _ => Err(Error::invalid(format!(
            "this bank has schema {found}; this program reads schema {VERSION}"
        ))),
    }
}

/// The steps from each schema to the next. None takes anything away that a version says.
const STEPS: [(i64, &str); 1] = [(
    1,
    "CREATE TABLE term (term INTEGER PRIMARY KEY, value TEXT NOT NULL UNIQUE);
     CREATE TABLE ix_term (param INTEGER NOT NULL, term INTEGER NOT NULL, pk INTEGER NOT NULL, PRIMARY KEY (param, term, pk)) WITHOUT ROWID;
     INSERT INTO term (value) SELECT DISTINCT value FROM ix_uri;
     INSERT INTO ix_term SELECT x.param, m.term, x.pk FROM ix_uri x JOIN term m ON m.value = x.value;
     DROP TABLE ix_uri;
     CREATE INDEX ix_reference_pk ON ix_reference (pk, param);
     CREATE INDEX commits_at ON commits (at);
     CREATE INDEX IF NOT EXISTS record_deleted ON record (kind, pk) WHERE deleted = 1;",
)];

/// Brings an older bank's tables to this schema; which one it had.
pub(crate) fn upgrade(connection: &Connection) -> Result<i64> {
    let found: i64 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(database)?;
    for (from, step) in STEPS {
        if found <= from {
            connection
                .execute_batch(&format!(
                    "BEGIN IMMEDIATE; {step} PRAGMA user_version={}; COMMIT;",
                    from + 1
                ))
                .map_err(database)?;
        }
    }
    check(connection)?;
    Ok(found)
}
