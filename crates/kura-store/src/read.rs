//! Reading versions back.

use std::collections::HashMap;
use std::sync::Arc;

use kura_model::{ContentHash, LogicalTime, RecordKey, Result};
use rusqlite::{Connection, OptionalExtension, Row};
use zstd::zstd_safe::DCtx;

use crate::codec::Dictionaries;
use crate::error::database;
use crate::store::{Tally, absent};
use crate::symbol::{Symbols, Table};

/// One version of one record.
#[derive(Debug, Clone)]
pub struct Version {
    pub key: RecordKey,
    /// 1-based.
    pub version: u64,
    pub t: LogicalTime,
    /// Milliseconds since 1970 of the commit.
    pub at: i64,
    pub deleted: bool,
    pub hash: ContentHash,
    pub body: Vec<u8>,
    /// Import source and line, where it came by import.
    pub source: Option<(i64, u64)>,
}

/// A connection with what it has learnt; kept between uses.
pub(crate) struct ReaderState {
    connection: Connection,
    symbols: Symbols,
    kinds: HashMap<i64, String>,
    commit_times: HashMap<i64, i64>,
    context: DCtx<'static>,
    dictionaries: Arc<Dictionaries>,
}

impl ReaderState {
    pub(crate) fn new(connection: Connection, dictionaries: Arc<Dictionaries>) -> Self {
        Self {
            connection,
            symbols: Symbols::default(),
            kinds: HashMap::new(),
            commit_times: HashMap::new(),
            context: DCtx::create(),
            dictionaries,
        }
    }
}

/// Commit times kept per connection.
const COMMITS_KEPT: usize = 10_000;

pub struct Reader<'a> {
    state: &'a mut ReaderState,
}

pub(crate) const VERSION_COLUMNS: &str = "r.kind, r.eid, r.version, r.t, r.deleted, r.hash, r.source, r.line, r.dictionary, r.size, r.body";

struct Raw {
    kind: i64,
    eid: i64,
    version: i64,
    t: i64,
    deleted: bool,
    hash: [u8; 32],
    source: Option<i64>,
    line: Option<i64>,
    dictionary: i64,
    size: i64,
    body: Vec<u8>,
}

fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok(Raw {
        kind: row.get(0)?,
        eid: row.get(1)?,
        version: row.get(2)?,
        t: row.get(3)?,
        deleted: row.get(4)?,
        hash: row.get(5)?,
        source: row.get(6)?,
        line: row.get(7)?,
        dictionary: row.get(8)?,
        size: row.get(9)?,
        body: row.get(10)?,
    })
}

impl<'a> Reader<'a> {
    pub(crate) fn new(state: &'a mut ReaderState) -> Self {
        Self { state }
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.state.connection
    }

    pub(crate) fn symbol(&mut self, table: Table, name: &str) -> Result<Option<i64>> {
        self.state.symbols.find(&self.state.connection, table, name)
    }

    /// The time of the last commit; 0 in an empty bank.
    pub fn now(&self) -> Result<LogicalTime> {
        self.connection()
            .prepare_cached("SELECT coalesce(max(t), 0) FROM commits")
            .and_then(|mut statement| statement.query_row([], |row| row.get::<_, i64>(0)))
            .map(|t| LogicalTime(t as u64))
            .map_err(database)
    }

    /// Runs `read` with every statement seeing one state of the database.
    pub fn at_one_state<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.connection().execute_batch("BEGIN").map_err(database)?;
        let result = read(self);
        let _ = self.connection().execute_batch("COMMIT");
        result
    }

    pub(crate) fn eid(&mut self, key: &RecordKey) -> Result<Option<i64>> {
        Ok(self.entity(key)?.map(|(eid, _)| eid))
    }

    fn entity(&mut self, key: &RecordKey) -> Result<Option<(i64, Option<i64>)>> {
        let Some(kind) = self.symbol(Table::Kind, &key.kind)? else {
            return Ok(None);
        };
        self.connection()
            .prepare_cached("SELECT eid, pk FROM entity WHERE kind = ?1 AND id = ?2")
            .and_then(|mut statement| {
                statement
                    .query_row((kind, &key.id), |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()
            })
            .map_err(database)
    }

    /// The newest version, which may be a tombstone.
    pub fn current(&mut self, key: &RecordKey) -> Result<Option<Version>> {
        match self.entity(key)? {
            Some((_, Some(pk))) => self.by_pk(pk, Some(key)),
            _ => Ok(None),
        }
    }

    /// The version that was the newest at `t`.
    pub fn current_at(&mut self, key: &RecordKey, t: LogicalTime) -> Result<Option<Version>> {
        let Some(eid) = self.eid(key)? else {
            return Ok(None);
        };
        self.one(
            "r.eid = ?1 AND r.t <= ?2 ORDER BY r.version DESC LIMIT 1",
            (eid, t.0 as i64),
            Some(key),
        )
    }

    pub fn version(&mut self, key: &RecordKey, version: u64) -> Result<Option<Version>> {
        let Some(eid) = self.eid(key)? else {
            return Ok(None);
        };
        self.one(
            "r.eid = ?1 AND r.version = ?2",
            (eid, version as i64),
            Some(key),
        )
    }

    /// Newest first; `before` is the version number the last page ended with.
    pub fn history(
        &mut self,
        key: &RecordKey,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Version>> {
        let Some(eid) = self.eid(key)? else {
            return Ok(Vec::new());
        };
        self.many(
            "r.eid = ?1 AND (?2 IS NULL OR r.version < ?2) ORDER BY r.version DESC LIMIT ?3",
            (eid, before.map(|version| version as i64), limit),
        )
    }

    /// The records of `owner`'s compartment of one kind as of `t`, oldest record number first.
    pub fn compartment(
        &mut self,
        owner: &RecordKey,
        kind: &str,
        t: LogicalTime,
    ) -> Result<Vec<Version>> {
        let (Some(owner), Some(kind)) = (self.eid(owner)?, self.symbol(Table::Kind, kind)?) else {
            return Ok(Vec::new());
        };
        let pk_last = self.pk_last(t)?;
        self.many(
            "r.pk IN (SELECT c.pk FROM compartment c WHERE c.owner = ?1 AND c.kind = ?2 AND c.pk <= ?3
               AND NOT EXISTS (SELECT 1 FROM superseded s WHERE s.pk = c.pk AND s.t_end <= ?4)) ORDER BY r.pk",
            (owner, kind, pk_last, t.0 as i64),
        )
    }

    /// The blobs the newest version names.
    pub fn blobs(&mut self, key: &RecordKey) -> Result<Vec<ContentHash>> {
        let Some((_, Some(pk))) = self.entity(key)? else {
            return Ok(Vec::new());
        };
        let mut statement = self
            .connection()
            .prepare_cached("SELECT hash FROM record_blob WHERE pk = ?1 ORDER BY hash")
            .map_err(database)?;
        let rows = statement
            .query_map([pk], |row| Ok(ContentHash(row.get(0)?)))
            .map_err(database)?;
        rows.collect::<Result<_, _>>().map_err(database)
    }

    /// How many records of each kind `owner`'s compartment holds now.
    pub fn compartment_tally(&mut self, owner: &RecordKey) -> Result<Vec<(String, u64)>> {
        let Some(owner) = self.eid(owner)? else {
            return Ok(Vec::new());
        };
        let mut statement = self
            .connection()
            .prepare_cached(
                "SELECT k.name, count(*) FROM compartment c JOIN kind k ON k.kind = c.kind WHERE c.owner = ?1
                 AND NOT EXISTS (SELECT 1 FROM superseded s WHERE s.pk = c.pk) GROUP BY k.name ORDER BY k.name",
            )
            .map_err(database)?;
        let rows = statement
            .query_map([owner], |row| {
                Ok((row.get(0)?, row.get::<_, i64>(1)? as u64))
            })
            .map_err(database)?;
        rows.collect::<Result<_, _>>().map_err(database)
    }

    /// The versions of a kind that are no tombstones, with their record numbers, in their order.
    pub(crate) fn of_kind(
        &mut self,
        kind: &str,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, Version)>> {
        let Some(kind) = self.symbol(Table::Kind, kind)? else {
            return Ok(Vec::new());
        };
        let pks: Vec<i64> = {
            let mut statement = self
                .connection()
                .prepare_cached(
                    "SELECT pk FROM record WHERE kind = ?1 AND deleted = 0 AND pk > ?2 ORDER BY pk LIMIT ?3",
                )
                .map_err(database)?;
            let rows = statement
                .query_map((kind, after, limit), |row| row.get(0))
                .map_err(database)?;
            rows.collect::<Result<_, _>>().map_err(database)?
        };
        let mut out = Vec::with_capacity(pks.len());
        for pk in pks {
            if let Some(version) = self.by_pk(pk, None)? {
                out.push((pk, version));
            }
        }
        Ok(out)
    }

    /// Versions ever written of one kind.
    pub fn versions_of(&self, kind: &str) -> Result<u64> {
        self.connection()
            .prepare_cached("SELECT versions FROM kind WHERE name = ?1")
            .and_then(|mut statement| {
                statement
                    .query_row([kind], |row| row.get::<_, i64>(0))
                    .optional()
            })
            .map(|versions| versions.unwrap_or(0) as u64)
            .map_err(database)
    }

    pub fn tallies(&self) -> Result<Vec<Tally>> {
        let mut statement = self
            .connection()
            .prepare_cached(
                "SELECT name, live, versions FROM kind WHERE versions > 0 ORDER BY name",
            )
            .map_err(database)?;
        let rows = statement
            .query_map([], |row| {
                Ok(Tally {
                    kind: row.get(0)?,
                    live: row.get::<_, i64>(1)? as u64,
                    versions: row.get::<_, i64>(2)? as u64,
                })
            })
            .map_err(database)?;
        rows.collect::<Result<_, _>>().map_err(database)
    }

    /// Records written by source, with kinds: `(source, kind, live records)`.
    pub fn tally_by_source(&self) -> Result<Vec<(Option<i64>, String, u64)>> {
        let mut statement = self
            .connection()
            .prepare_cached(
                "SELECT r.source, k.name, count(*) FROM record r JOIN kind k ON k.kind = r.kind
                 WHERE r.deleted = 0 AND NOT EXISTS (SELECT 1 FROM superseded s WHERE s.pk = r.pk) GROUP BY 1, 2 ORDER BY 1, 2",
            )
            .map_err(database)?;
        let rows = statement
            .query_map([], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)? as u64))
            })
            .map_err(database)?;
        rows.collect::<Result<_, _>>().map_err(database)
    }

    /// `(t, milliseconds since 1970, versions written)` of the last commits, newest first.
    pub fn commits(&self, limit: u32) -> Result<Vec<(LogicalTime, i64, u64)>> {
        let mut statement = self
            .connection()
            .prepare_cached("SELECT t, at, records FROM commits ORDER BY t DESC LIMIT ?1")
            .map_err(database)?;
        let rows = statement
            .query_map([limit], |row| {
                Ok((
                    LogicalTime(row.get::<_, i64>(0)? as u64),
                    row.get(1)?,
                    row.get::<_, i64>(2)? as u64,
                ))
            })
            .map_err(database)?;
        rows.collect::<Result<_, _>>().map_err(database)
    }

    /// When the last commit up to `t` was made, milliseconds since 1970.
    pub fn commit_at(&self, t: LogicalTime) -> Result<Option<i64>> {
        self.connection()
            .prepare_cached("SELECT at FROM commits WHERE t <= ?1 ORDER BY t DESC LIMIT 1")
            .and_then(|mut statement| {
                statement
                    .query_row([t.0 as i64], |row| row.get(0))
                    .optional()
            })
            .map_err(database)
    }

    pub(crate) fn pk_last(&self, t: LogicalTime) -> Result<i64> {
        self.connection()
            .prepare_cached("SELECT pk_last FROM commits WHERE t <= ?1 ORDER BY t DESC LIMIT 1")
            .and_then(|mut statement| {
                statement
                    .query_row([t.0 as i64], |row| row.get(0))
                    .optional()
            })
            .map(|pk| pk.unwrap_or(0))
            .map_err(database)
    }

    pub(crate) fn by_pk(&mut self, pk: i64, key: Option<&RecordKey>) -> Result<Option<Version>> {
        self.one("r.pk = ?1", [pk], key)
    }

    fn one(
        &mut self,
        condition: &str,
        params: impl rusqlite::Params,
        key: Option<&RecordKey>,
    ) -> Result<Option<Version>> {
        let sql = format!("SELECT {VERSION_COLUMNS} FROM record r WHERE {condition}");
        let found = self
            .connection()
            .prepare_cached(&sql)
            .and_then(|mut statement| statement.query_row(params, raw).optional())
            .map_err(database)?;
        found.map(|found| self.open(found, key)).transpose()
    }

    fn many(&mut self, condition: &str, params: impl rusqlite::Params) -> Result<Vec<Version>> {
        let sql = format!("SELECT {VERSION_COLUMNS} FROM record r WHERE {condition}");
        let found: Vec<Raw> = {
            let mut statement = self.connection().prepare_cached(&sql).map_err(database)?;
            let rows = statement.query_map(params, raw).map_err(database)?;
            rows.collect::<Result<_, _>>().map_err(database)?
        };
        found.into_iter().map(|row| self.open(row, None)).collect()
    }

    fn open(&mut self, row: Raw, key: Option<&RecordKey>) -> Result<Version> {
        let key = match key {
            Some(key) => key.clone(),
            None => self.key(row.kind, row.eid)?,
        };
        let at = self.commit_time(row.t)?;
        let body = if row.deleted {
            Vec::new()
        } else {
            self.state.dictionaries.decompress(
                &self.state.connection,
                &mut self.state.context,
                row.dictionary,
                row.size as usize,
                &row.body,
            )?
        };
        Ok(Version {
            key,
            version: row.version as u64,
            t: LogicalTime(row.t as u64),
            at,
            deleted: row.deleted,
            hash: ContentHash(row.hash),
            body,
            source: row
                .source
                .map(|source| (source, row.line.unwrap_or(0) as u64)),
        })
    }

    pub(crate) fn key(&mut self, kind: i64, eid: i64) -> Result<RecordKey> {
        let id: String = self
            .connection()
            .prepare_cached("SELECT id FROM entity WHERE eid = ?1")
            .and_then(|mut statement| statement.query_row([eid], |row| row.get(0)))
            .map_err(database)?;
        let name = self.kind_name(kind)?;
        Ok(RecordKey { kind: name, id })
    }

    pub(crate) fn key_of(&mut self, eid: i64) -> Result<RecordKey> {
        let kind = self
            .connection()
            .prepare_cached("SELECT kind FROM entity WHERE eid = ?1")
            .and_then(|mut statement| statement.query_row([eid], |row| row.get(0)))
            .map_err(database)?;
        self.key(kind, eid)
    }

    fn kind_name(&mut self, kind: i64) -> Result<String> {
        if let Some(name) = self.state.kinds.get(&kind) {
            return Ok(name.clone());
        }
        let name: Option<String> = self
            .connection()
            .prepare_cached("SELECT name FROM kind WHERE kind = ?1")
            .and_then(|mut statement| statement.query_row([kind], |row| row.get(0)).optional())
            .map_err(database)?;
        let name = name.ok_or_else(|| absent("a kind of record"))?;
        self.state.kinds.insert(kind, name.clone());
        Ok(name)
    }

    fn commit_time(&mut self, t: i64) -> Result<i64> {
        if let Some(at) = self.state.commit_times.get(&t) {
            return Ok(*at);
        }
        let at = self
            .connection()
            .prepare_cached("SELECT at FROM commits WHERE t = ?1")
            .and_then(|mut statement| statement.query_row([t], |row| row.get(0)))
            .map_err(database)?;
        if self.state.commit_times.len() >= COMMITS_KEPT {
            self.state.commit_times.clear();
        }
        self.state.commit_times.insert(t, at);
        Ok(at)
    }
}
