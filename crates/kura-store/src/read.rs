//! Reading versions back.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use kura_model::{ContentHash, LogicalTime, RecordKey, Result};
use zstd::zstd_safe::DCtx;

use crate::codec::Dictionaries;
use crate::database::{Connection, Dialect, Row, Value, values};
use crate::reach::Reach;
use crate::source::{self, Source};
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
    context: DCtx<'static>,
    dictionaries: Arc<Dictionaries>,
    /// Its last transaction has ended.
    sound: bool,
    /// Thousands of SQLite's steps until what it does is broken off.
    steps: Arc<AtomicI64>,
}

impl ReaderState {
    pub(crate) fn new(mut connection: Connection, dictionaries: Arc<Dictionaries>) -> Result<Self> {
        let steps = Arc::new(AtomicI64::new(i64::MAX));
        if let Connection::Sqlite(connection) = &mut connection {
            let steps = steps.clone();
            connection
                .progress_handler(
                    1000,
                    Some(move || steps.fetch_sub(1, Ordering::Relaxed) <= 0),
                )
                .map_err(crate::error::sqlite)?;
        }
        Ok(Self {
            connection,
            symbols: Symbols::default(),
            kinds: HashMap::new(),
            context: DCtx::create(),
            dictionaries,
            sound: true,
            steps,
        })
    }

    /// A body takes its time too: 16 KiB about as long as a thousand steps.
    fn opens(&self, bytes: i64) -> Result<()> {
        let steps = bytes >> 14;
        if self.steps.fetch_sub(steps, Ordering::Relaxed) <= steps {
            return Err(kura_model::Error::internal(
                "a read that must be brief is not",
            ));
        }
        Ok(())
    }

    /// Bounds what the next reads may do, or no longer.
    pub(crate) fn bound(&self, thousands_of_steps: Option<i64>) {
        self.steps
            .store(thousands_of_steps.unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    /// Whether it came to the bound.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.steps.load(Ordering::Relaxed) <= 0
    }

    /// Whether a connection that has waited can be used.
    pub(crate) fn is_lost(&self) -> bool {
        self.connection.is_lost()
    }
}

pub struct Reader<'a> {
    state: &'a mut ReaderState,
    /// Whose records it gives; everybody's if absent.
    reach: Option<&'a Reach>,
}

/// A version with the id of its entity and the time of its commit. Written as sub-queries: a join
/// would leave the planner free to begin at the wrong end.
const VERSION_COLUMNS: &str = "r.pk, r.kind, (SELECT n.id FROM entity n WHERE n.eid = r.eid), r.version, r.t, (SELECT m.at FROM commits m WHERE m.t = r.t), r.deleted, r.hash, r.source, r.line, r.dictionary, r.size, r.body";

struct Raw {
    pk: i64,
    kind: i64,
    id: String,
    version: i64,
    t: i64,
    at: i64,
    deleted: bool,
    hash: [u8; 32],
    source: Option<i64>,
    line: Option<i64>,
    dictionary: i64,
    size: i64,
    body: Vec<u8>,
}

fn raw(row: &Row<'_>) -> Result<Raw> {
    Ok(Raw {
        pk: row.get(0)?,
        kind: row.get(1)?,
        id: row.get(2)?,
        version: row.get(3)?,
        t: row.get(4)?,
        at: row.get(5)?,
        deleted: row.get(6)?,
        hash: row.get(7)?,
        source: row.get(8)?,
        line: row.get(9)?,
        dictionary: row.get(10)?,
        size: row.get(11)?,
        body: row.get(12)?,
    })
}

impl<'a> Reader<'a> {
    pub(crate) fn new(state: &'a mut ReaderState, reach: Option<&'a Reach>) -> Self {
        Self { state, reach }
    }

    pub(crate) fn reach(&self) -> Option<&'a Reach> {
        self.reach
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.state.connection
    }

    pub(crate) fn symbol(&mut self, table: Table, name: &str) -> Result<Option<i64>> {
        self.state.symbols.find(&self.state.connection, table, name)
    }

    /// Whether the connection may be used again.
    pub(crate) fn is_sound(&self) -> bool {
        self.state.sound && !self.state.connection.is_lost()
    }

    /// The time of the last commit; 0 in an empty bank.
    pub fn now(&self) -> Result<LogicalTime> {
        self.connection()
            .one("SELECT coalesce(max(t), 0) FROM commits", &[], |row| {
                row.get::<i64>(0)
            })
            .map(|t| LogicalTime(t as u64))
    }

    /// Runs `read` with every statement seeing one state of the database.
    pub fn at_one_state<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.connection().batch(match self.connection().dialect() {
            Dialect::Sqlite => "BEGIN",
            Dialect::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        })?;
        let result = read(self);
        // A connection whose transaction did not end would show that one state for ever.
        self.state.sound = self.connection().batch("COMMIT").is_ok();
        result
    }

    pub(crate) fn eid(&mut self, key: &RecordKey) -> Result<Option<i64>> {
        let Some(kind) = self.symbol(Table::Kind, &key.kind)? else {
            return Ok(None);
        };
        self.connection().first(
            "SELECT eid FROM entity WHERE kind = ?1 AND id = ?2",
            &[kind.into(), Value::key(&key.id)],
            |row| row.get(0),
        )
    }

    /// The newest version, which may be a tombstone.
    pub fn current(&mut self, key: &RecordKey) -> Result<Option<Version>> {
        let Some(kind) = self.symbol(Table::Kind, &key.kind)? else {
            return Ok(None);
        };
        // No join: SQLite would plan it by the values, and so plan it anew for each.
        let sql = format!(
            "SELECT {VERSION_COLUMNS} FROM record r WHERE r.pk = (SELECT e.pk FROM entity e WHERE e.kind = ?1 AND e.id = ?2)"
        );
        let found = self
            .connection()
            .first(&sql, &[kind.into(), Value::key(&key.id)], raw)?;
        self.within(found.into_iter().collect())?
            .pop()
            .map(|found| self.open(found))
            .transpose()
    }

    /// The version that was the newest at `t`.
    pub fn current_at(&mut self, key: &RecordKey, t: LogicalTime) -> Result<Option<Version>> {
        let Some(eid) = self.eid(key)? else {
            return Ok(None);
        };
        self.one(
            "r.eid = ?1 AND r.t <= ?2 ORDER BY r.version DESC LIMIT 1",
            values![eid, t.0 as i64],
        )
    }

    pub fn version(&mut self, key: &RecordKey, version: u64) -> Result<Option<Version>> {
        let Some(eid) = self.eid(key)? else {
            return Ok(None);
        };
        self.one(
            "r.eid = ?1 AND r.version = ?2",
            values![eid, version as i64],
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
            values![eid, before.map(|version| version as i64), limit],
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
        if !self.has_in_reach(owner) {
            return Ok(Vec::new());
        }
        let pk_last = self.pk_last(t)?;
        self.many(
            "r.pk IN (SELECT c.pk FROM compartment c WHERE c.owner = ?1 AND c.kind = ?2 AND c.pk <= ?3
               AND NOT EXISTS (SELECT 1 FROM superseded s WHERE s.pk = c.pk AND s.t_end <= ?4)) ORDER BY r.pk",
            values![owner, kind, pk_last, t.0 as i64],
        )
    }

    /// The blobs the newest version names.
    pub fn blobs(&mut self, key: &RecordKey) -> Result<Vec<ContentHash>> {
        if self.reach.is_some() && self.current(key)?.is_none() {
            return Ok(Vec::new());
        }
        let Some(kind) = self.symbol(Table::Kind, &key.kind)? else {
            return Ok(Vec::new());
        };
        self.connection().rows(
            "SELECT b.hash FROM entity e JOIN record_blob b ON b.pk = e.pk WHERE e.kind = ?1 AND e.id = ?2 ORDER BY b.hash",
            &[kind.into(), Value::key(&key.id)],
            |row| Ok(ContentHash(row.get(0)?)),
        )
    }

    /// How many records of each kind `owner`'s compartment holds now.
    pub fn compartment_tally(&mut self, owner: &RecordKey) -> Result<Vec<(String, u64)>> {
        let Some(owner) = self.eid(owner)? else {
            return Ok(Vec::new());
        };
        if !self.has_in_reach(owner) {
            return Ok(Vec::new());
        }
        self.connection().rows(
            "SELECT k.name, count(*) FROM compartment c JOIN kind k ON k.kind = c.kind WHERE c.owner = ?1
             AND NOT EXISTS (SELECT 1 FROM superseded s WHERE s.pk = c.pk) GROUP BY k.name ORDER BY k.name",
            values![owner],
            |row| Ok((row.get(0)?, row.get::<i64>(1)? as u64)),
        )
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
        let pks: Vec<i64> = self.connection().rows(
            "SELECT pk FROM record WHERE kind = ?1 AND deleted = 0 AND pk > ?2 ORDER BY pk LIMIT ?3",
            values![kind, after, limit],
            |row| row.get(0),
        )?;
        self.by_pks(&pks)
    }

    /// Versions ever written of one kind.
    pub fn versions_of(&self, kind: &str) -> Result<u64> {
        versions_of(self.connection(), kind)
    }

    /// A word the bank keeps under a name.
    pub fn mark(&self, name: &str) -> Result<Option<String>> {
        self.connection().first(
            "SELECT value FROM bank WHERE key = ?1",
            values![name],
            |row| row.get(0),
        )
    }

    /// Where records were imported from.
    pub fn source(&self, id: i64) -> Result<Option<Source>> {
        source::by_id(self.connection(), id)
    }

    pub fn tallies(&self) -> Result<Vec<Tally>> {
        self.connection().rows(
            "SELECT name, live, versions FROM kind WHERE versions > 0 ORDER BY name",
            &[],
            |row| {
                Ok(Tally {
                    kind: row.get(0)?,
                    live: row.get::<i64>(1)? as u64,
                    versions: row.get::<i64>(2)? as u64,
                })
            },
        )
    }

    /// Records written by source, with kinds: `(source, kind, live records)`.
    pub fn tally_by_source(&self) -> Result<Vec<(Option<i64>, String, u64)>> {
        self.connection().rows(
            "SELECT r.source, k.name, count(*) FROM record r JOIN kind k ON k.kind = r.kind
             WHERE r.deleted = 0 AND NOT EXISTS (SELECT 1 FROM superseded s WHERE s.pk = r.pk)
             GROUP BY r.source, k.name ORDER BY r.source NULLS FIRST, k.name",
            &[],
            |row| Ok((row.get(0)?, row.get(1)?, row.get::<i64>(2)? as u64)),
        )
    }

    /// `(t, milliseconds since 1970, versions written)` of the last commits, newest first.
    pub fn commits(&self, limit: u32) -> Result<Vec<(LogicalTime, i64, u64)>> {
        self.connection().rows(
            "SELECT t, at, records FROM commits ORDER BY t DESC LIMIT ?1",
            values![limit],
            |row| {
                Ok((
                    LogicalTime(row.get::<i64>(0)? as u64),
                    row.get(1)?,
                    row.get::<i64>(2)? as u64,
                ))
            },
        )
    }

    /// When the last commit up to `t` was made, milliseconds since 1970.
    pub fn commit_at(&self, t: LogicalTime) -> Result<Option<i64>> {
        self.connection().first(
            "SELECT at FROM commits WHERE t <= ?1 ORDER BY t DESC LIMIT 1",
            values![t.0 as i64],
            |row| row.get(0),
        )
    }

    pub(crate) fn pk_last(&self, t: LogicalTime) -> Result<i64> {
        self.connection()
            .first(
                "SELECT pk_last FROM commits WHERE t <= ?1 ORDER BY t DESC LIMIT 1",
                values![t.0 as i64],
                |row| row.get(0),
            )
            .map(|pk| pk.unwrap_or(0))
    }

    /// The versions with these record numbers, in the order given.
    pub(crate) fn by_pks(&mut self, pks: &[i64]) -> Result<Vec<(i64, Version)>> {
        let mut found = Vec::with_capacity(pks.len());
        match pks {
            [] => {}
            [pk] => {
                let sql = format!("SELECT {VERSION_COLUMNS} FROM record r WHERE r.pk = ?1");
                found.extend(self.connection().first(&sql, values![*pk], raw)?);
            }
            _ => {
                let chosen = self.connection().dialect().among("r.pk", "?1");
                let sql = format!("SELECT {VERSION_COLUMNS} FROM record r WHERE {chosen}");
                // Bodies of one round are held in memory with their compressed selves.
                for some in pks.chunks(1024) {
                    found.extend(self.connection().rows(&sql, values![some], raw)?);
                }
                let order: HashMap<i64, usize> = pks
                    .iter()
                    .enumerate()
                    .map(|(place, pk)| (*pk, place))
                    .collect();
                found.sort_unstable_by_key(|row| order.get(&row.pk).copied());
            }
        }
        self.within(found)?
            .into_iter()
            .map(|row| Ok((row.pk, self.open(row)?)))
            .collect()
    }

    /// Those of the rows that the reader may give.
    fn within(&mut self, mut rows: Vec<Raw>) -> Result<Vec<Raw>> {
        let Some(reach) = self.reach else {
            return Ok(rows);
        };
        let mut owners: HashMap<i64, bool> = HashMap::with_capacity(rows.len());
        let pks: Vec<i64> = rows.iter().map(|row| row.pk).collect();
        for some in pks.chunks(1024) {
            for (pk, owner) in self.owners(some)? {
                *owners.entry(pk).or_insert(true) &= reach.has(owner);
            }
        }
        rows.retain(|row| match owners.get(&row.pk) {
            Some(all) => *all,
            None => !row.deleted && reach.has_kind(row.kind),
        });
        Ok(rows)
    }

    /// Whose these versions are; of one that was replaced, whose the newest is, too: what was
    /// found to be another patient's is that patient's from then on.
    fn owners(&self, pks: &[i64]) -> Result<Vec<(i64, i64)>> {
        let dialect = self.connection().dialect();
        let (own, newest) = (dialect.among("c.pk", "?1"), dialect.among("r.pk", "?1"));
        let sql = format!(
            "SELECT c.pk, c.owner FROM compartment c WHERE {own}
             UNION SELECT r.pk, c.owner FROM record r
               JOIN entity n ON n.eid = r.eid JOIN compartment c ON c.pk = n.pk
               WHERE {newest} AND n.pk <> r.pk"
        );
        self.connection()
            .rows(&sql, values![pks], |row| Ok((row.get(0)?, row.get(1)?)))
    }

    fn has_in_reach(&self, owner: i64) -> bool {
        self.reach.is_none_or(|reach| reach.has(owner))
    }

    fn one(&mut self, condition: &str, values: &[Value<'_>]) -> Result<Option<Version>> {
        let sql = format!("SELECT {VERSION_COLUMNS} FROM record r WHERE {condition}");
        let found = self.connection().first(&sql, values, raw)?;
        self.within(found.into_iter().collect())?
            .pop()
            .map(|found| self.open(found))
            .transpose()
    }

    fn many(&mut self, condition: &str, values: &[Value<'_>]) -> Result<Vec<Version>> {
        let sql = format!("SELECT {VERSION_COLUMNS} FROM record r WHERE {condition}");
        let found = self.connection().rows(&sql, values, raw)?;
        self.within(found)?
            .into_iter()
            .map(|row| self.open(row))
            .collect()
    }

    fn open(&mut self, row: Raw) -> Result<Version> {
        let body = if row.deleted {
            Vec::new()
        } else {
            self.state.opens(row.size)?;
            self.state.dictionaries.decompress(
                &self.state.connection,
                &mut self.state.context,
                row.dictionary,
                row.size as usize,
                &row.body,
            )?
        };
        Ok(Version {
            key: RecordKey {
                kind: self.kind_name(row.kind)?,
                id: row.id,
            },
            version: row.version as u64,
            t: LogicalTime(row.t as u64),
            at: row.at,
            deleted: row.deleted,
            hash: ContentHash(row.hash),
            body,
            source: row
                .source
                .map(|source| (source, row.line.unwrap_or(0) as u64)),
        })
    }

    /// The keys of these entities, in the order given.
    pub(crate) fn keys_of(&mut self, eids: &[i64]) -> Result<Vec<RecordKey>> {
        let chosen = self.connection().dialect().among("eid", "?1");
        let sql = format!("SELECT eid, kind, id FROM entity WHERE {chosen}");
        let mut found: HashMap<i64, (i64, String)> = HashMap::with_capacity(eids.len());
        for some in eids.chunks(4096) {
            found.extend(self.connection().rows(&sql, values![some], |row| {
                Ok((row.get(0)?, (row.get(1)?, row.get(2)?)))
            })?);
        }
        eids.iter()
            .map(|eid| {
                let (kind, id) = found.remove(eid).ok_or_else(|| absent("an entity"))?;
                Ok(RecordKey {
                    kind: self.kind_name(kind)?,
                    id,
                })
            })
            .collect()
    }

    fn kind_name(&mut self, kind: i64) -> Result<String> {
        if let Some(name) = self.state.kinds.get(&kind) {
            return Ok(name.clone());
        }
        let name: Option<String> = self.connection().first(
            "SELECT name FROM kind WHERE kind = ?1",
            values![kind],
            |row| row.get(0),
        )?;
        let name = name.ok_or_else(|| absent("a kind of record"))?;
        self.state.kinds.insert(kind, name.clone());
        Ok(name)
    }
}

/// How many versions of a kind there are, tombstones included.
pub(crate) fn versions_of(connection: &Connection, kind: &str) -> Result<u64> {
    connection
        .first(
            "SELECT versions FROM kind WHERE name = ?1",
            &[Value::key(kind)],
            |row| row.get::<i64>(0),
        )
        .map(|versions| versions.unwrap_or(0) as u64)
}
