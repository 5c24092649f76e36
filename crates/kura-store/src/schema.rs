//! The tables. `docs/store.md` explains each; keep the two in step.

use kura_model::{Error, Result, Zone};
use rusqlite::config::DbConfig;

use crate::database::{Connection, Dialect, values};
use crate::error::sqlite as database;

/// Raised with every change of the tables. A bank of a later schema is refused.
pub(crate) const VERSION: i64 = 4;

const TABLES: &str = "
CREATE TABLE bank (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- Logical time. pk_last is the highest record.pk once commit t was done, so that
-- 'as of t' is a comparison of record numbers.
CREATE TABLE commits (t INTEGER PRIMARY KEY, at INTEGER NOT NULL, pk_last INTEGER NOT NULL, records INTEGER NOT NULL);
CREATE INDEX commits_at ON commits (at);

CREATE TABLE kind (kind NUMBERED, name TEXT NOT NULL UNIQUE, live INTEGER NOT NULL DEFAULT 0, versions INTEGER NOT NULL DEFAULT 0);
CREATE TABLE param (param NUMBERED, name TEXT NOT NULL UNIQUE);
CREATE TABLE system (system NUMBERED, name TEXT NOT NULL UNIQUE);
CREATE TABLE term (term NUMBERED, value TEXT NOT NULL UNIQUE);
CREATE TABLE dictionary (dictionary NUMBERED, kind INTEGER NOT NULL, bytes BLOB NOT NULL);

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
CREATE INDEX ix_quantity_pk ON ix_quantity (pk, param);
CREATE TABLE ix_term (param INTEGER NOT NULL, term INTEGER NOT NULL, pk INTEGER NOT NULL, PRIMARY KEY (param, term, pk)) WITHOUT ROWID;
CREATE TABLE ix_reference (param INTEGER NOT NULL, target INTEGER NOT NULL, pk INTEGER NOT NULL, PRIMARY KEY (param, target, pk)) WITHOUT ROWID;
CREATE INDEX ix_reference_pk ON ix_reference (pk, param);
-- What belongs to one patient (or other owner).
CREATE TABLE compartment (owner INTEGER NOT NULL, kind INTEGER NOT NULL, pk INTEGER NOT NULL, PRIMARY KEY (owner, kind, pk)) WITHOUT ROWID;
CREATE INDEX compartment_pk ON compartment (pk, owner);

CREATE TABLE blob (hash BLOB PRIMARY KEY, size INTEGER NOT NULL, t INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE record_blob (pk INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (pk, hash)) WITHOUT ROWID;

-- What was imported, and how far.
CREATE TABLE source (
  source NUMBERED, hash BLOB NOT NULL UNIQUE, name TEXT NOT NULL, format TEXT NOT NULL, size INTEGER NOT NULL,
  modified INTEGER NOT NULL, done INTEGER NOT NULL, position INTEGER NOT NULL, accepted INTEGER NOT NULL,
  unchanged INTEGER NOT NULL, refused INTEGER NOT NULL, started INTEGER NOT NULL, updated INTEGER NOT NULL, job INTEGER);
CREATE INDEX source_name ON source (name, size, modified);
CREATE TABLE quarantine (
  quarantine NUMBERED, t INTEGER NOT NULL, at INTEGER NOT NULL, job INTEGER, source INTEGER, name TEXT NOT NULL,
  rule TEXT NOT NULL, message TEXT NOT NULL, line INTEGER, byte INTEGER, path TEXT, item BLOB, item_size INTEGER NOT NULL);
CREATE INDEX quarantine_source ON quarantine (source);

CREATE TABLE job (job NUMBERED, kind TEXT NOT NULL, state TEXT NOT NULL, started INTEGER NOT NULL, updated INTEGER NOT NULL, actor TEXT NOT NULL, detail TEXT NOT NULL);

CREATE TABLE audit (
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor TEXT NOT NULL, role TEXT NOT NULL, purpose TEXT NOT NULL,
  action TEXT NOT NULL, target TEXT NOT NULL, outcome TEXT NOT NULL, detail TEXT NOT NULL, hash BLOB NOT NULL);
";

/// How every connection of SQLite is set up.
///
/// - `journal_mode=WAL`: readers never wait for the writer.
/// - `synchronous=FULL`: in WAL mode a commit returns after fsync; acknowledged means on disk.
/// - `page_size=8192`: most compressed bodies and index leaves fit with less overhead.
/// - `trusted_schema=OFF`: a hostile file is noticed early; `cell_size_check` a damaged one. Not
///   where pages are mapped: each visit of a page would check all of it anew.
/// - `mmap_size`: reads of a warm bank cost no system call. Not for the writer: an import would
///   seem to grow with the bank.
/// - `ENABLE_QPSG`: a statement keeps its plan. Without, one is planned anew for each of its
///   values, which costs more than most searches; what a search walks by is chosen by `query`.
pub(crate) fn configure(
    connection: &rusqlite::Connection,
    cache_mib: i64,
    map_mib: i64,
) -> Result<()> {
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(database)?;
    let check = if map_mib == 0 { "ON" } else { "OFF" };
    connection
        .execute_batch(&format!(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=OFF;
             PRAGMA trusted_schema=OFF; PRAGMA cell_size_check={check}; PRAGMA temp_store=MEMORY;
             PRAGMA busy_timeout=10000; PRAGMA mmap_size={}; PRAGMA cache_size=-{};",
            map_mib << 20,
            cache_mib << 10
        ))
        .map_err(database)?;
    log_pages(connection, LOG_PAGES)
}

/// Pages of the write-ahead log at which a commit copies them to their place: 64 MiB.
pub(crate) const LOG_PAGES: u32 = 8_000;

/// The file of the log keeps twice their size, so that it is not cut and lengthened each time.
pub(crate) fn log_pages(connection: &rusqlite::Connection, pages: u32) -> Result<()> {
    connection
        .execute_batch(&format!(
            "PRAGMA wal_autocheckpoint={pages}; PRAGMA journal_size_limit={};",
            i64::from(pages) * 16_384
        ))
        .map_err(database)
}

/// What PostgreSQL is told besides.
///
/// - Bodies are compressed already: trying again costs time and gains nothing.
/// - Rows of `entity` and `kind` change often: room on their page keeps the change off the index.
/// - The path of a file can be longer than an entry of an index.
const POSTGRES: &str = "
ALTER TABLE record ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE entity SET (fillfactor = 85);
ALTER TABLE kind SET (fillfactor = 50);
DROP INDEX source_name;
CREATE INDEX source_name ON source (size, modified);
";

pub(crate) fn create_sqlite(connection: &rusqlite::Connection) -> Result<()> {
    connection
        .execute_batch("PRAGMA page_size=8192;")
        .map_err(database)?;
    configure(connection, 64, 0)?;
    let tables = Dialect::Sqlite.tables(TABLES);
    connection
        .execute_batch(&format!(
            "BEGIN IMMEDIATE; {tables} PRAGMA user_version={VERSION}; COMMIT;"
        ))
        .map_err(database)
}

/// Makes the zone's schema, unless the administrator has, and its tables; the mark this bank is
/// known by.
pub(crate) fn create_postgres(connection: &Connection, zone: Zone) -> Result<String> {
    let name = zone.as_str();
    if has_table(connection, name)? {
        return Err(Error::conflict("there is a bank at this address already"));
    }
    if connection.exists(
        "SELECT 1 FROM pg_tables WHERE schemaname = ?1",
        values![name],
    )? {
        return Err(Error::conflict(format!(
            "the schema {name} at this address has tables of somebody else; a bank has its schemas to itself"
        )));
    }
    let encoding: String =
        connection.one("SELECT current_setting('server_encoding')", &[], |row| {
            row.get(0)
        })?;
    if encoding != "UTF8" {
        return Err(Error::invalid(
            "the database keeps text in another encoding than UTF-8; make one with ENCODING 'UTF8' TEMPLATE template0",
        ));
    }
    let there = connection.exists(
        "SELECT 1 FROM pg_namespace WHERE nspname = ?1",
        values![name],
    )?;
    let schema = if there {
        String::new()
    } else {
        format!("CREATE SCHEMA {name};")
    };
    let tables = Dialect::Postgres.tables(TABLES);
    connection.batch(&format!(
        "BEGIN; {schema} {tables} {POSTGRES}
         INSERT INTO bank (key, value) VALUES ('schema', '{VERSION}'), ('mark', CAST(gen_random_uuid() AS text));
         COMMIT;"
    ))?;
    mark(connection)?.ok_or_else(|| Error::internal("a new bank has no mark"))
}

fn has_table(connection: &Connection, schema: &str) -> Result<bool> {
    connection.exists(
        "SELECT 1 FROM pg_tables WHERE schemaname = ?1 AND tablename = 'bank'",
        values![schema],
    )
}

/// What a bank on PostgreSQL is known by.
pub(crate) fn mark(connection: &Connection) -> Result<Option<String>> {
    word(connection, "mark")
}

fn word(connection: &Connection, key: &str) -> Result<Option<String>> {
    connection.first(
        "SELECT value FROM bank WHERE key = ?1",
        values![key],
        |row| row.get(0),
    )
}

fn found(connection: &Connection, zone: Zone) -> Result<i64> {
    match connection.dialect() {
        Dialect::Sqlite => connection.one("PRAGMA user_version", &[], |row| row.get(0)),
        Dialect::Postgres => {
            if !has_table(connection, zone.as_str())? {
                return Err(Error::not_found(format!(
                    "there is no {} zone at the address of the database",
                    zone.as_str()
                )));
            }
            Ok(word(connection, "schema")?
                .and_then(|version| version.parse().ok())
                .unwrap_or(0))
        }
    }
}

pub(crate) fn check(connection: &Connection, zone: Zone) -> Result<()> {
    let found = found(connection, zone)?;
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
const STEPS: [(i64, &str); 3] = [
(
    1,
    "CREATE TABLE term (term NUMBERED, value TEXT NOT NULL UNIQUE);
     CREATE TABLE ix_term (param INTEGER NOT NULL, term INTEGER NOT NULL, pk INTEGER NOT NULL, PRIMARY KEY (param, term, pk)) WITHOUT ROWID;
     INSERT INTO term (value) SELECT DISTINCT value FROM ix_uri;
     INSERT INTO ix_term SELECT x.param, m.term, x.pk FROM ix_uri x JOIN term m ON m.value = x.value;
     DROP TABLE ix_uri;
     CREATE INDEX ix_reference_pk ON ix_reference (pk, param);
     CREATE INDEX commits_at ON commits (at);
     CREATE INDEX IF NOT EXISTS record_deleted ON record (kind, pk) WHERE deleted = 1;",
),
(2, "CREATE INDEX ix_quantity_pk ON ix_quantity (pk, param);"),
(3, "CREATE INDEX compartment_pk ON compartment (pk, owner);"),
];

/// Brings an older bank's tables to this schema; which one it had.
pub(crate) fn upgrade(connection: &Connection, zone: Zone) -> Result<i64> {
    let found = found(connection, zone)?;
    let dialect = connection.dialect();
    for (from, step) in STEPS {
        if found <= from {
            let step = dialect.tables(step);
            let next = from + 1;
            connection.batch(&match dialect {
                Dialect::Sqlite => {
                    format!("BEGIN IMMEDIATE; {step} PRAGMA user_version={next}; COMMIT;")
                }
                // Nobody reads or writes meanwhile.
                Dialect::Postgres => format!(
                    "BEGIN; LOCK TABLE bank IN ACCESS EXCLUSIVE MODE; {step}
                     UPDATE bank SET value = '{next}' WHERE key = 'schema'; COMMIT;"
                ),
            })?;
        }
    }
    check(connection, zone)?;
    Ok(found)
}

/// The names of all tables.
pub(crate) fn tables() -> impl Iterator<Item = &'static str> {
    TABLES
        .split("CREATE TABLE ")
        .skip(1)
        .filter_map(|table| table.split(' ').next())
}

/// The tables whose statistics matter to the planner.
pub(crate) const PLANNED: [&str; 13] = [
    "entity",
    "record",
    "superseded",
    "commits",
    "term",
    "ix_token",
    "ix_text",
    "ix_date",
    "ix_number",
    "ix_quantity",
    "ix_term",
    "ix_reference",
    "compartment",
];
