//! One transaction: records with their index rows, blobs, audit, refused items, import progress.

use std::collections::HashMap;

use kura_model::{Category, ContentHash, Error, LogicalTime, RecordKey, Result};
use rusqlite::{Connection, OptionalExtension};

use crate::audit::{self, AuditEntry};
use crate::codec::Compressor;
use crate::error::database;
use crate::job::Job;
use crate::quarantine::{self, Quarantined};
use crate::query::GROUP_BITS;
use crate::source::{self, SourceProgress};
use crate::symbol::{Symbols, Table};
use crate::{IndexEntry, IndexValue};

/// Everything that is to become durable together.
#[derive(Default)]
pub struct Commit {
    /// What must hold first, seen by the writer itself: nobody can write in between.
    pub expect: Vec<Expect>,
    pub writes: Vec<Write>,
    /// Blobs these writes name, already durable in the [`crate::BlobStore`], with their sizes.
    pub blobs: Vec<(ContentHash, u64)>,
    pub audit: Vec<AuditEntry>,
    pub quarantine: Vec<Quarantined>,
    pub sources: Vec<SourceProgress>,
    pub jobs: Vec<Job>,
}

/// A condition of a [`Commit`]. If one does not hold, nothing is written and the error's category
/// is [`Category::Precondition`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// The newest version of this record, tombstones included, is this one; `None`: it never had
    /// one.
    Newest {
        key: RecordKey,
        version: Option<u64>,
    },
    /// No version was written after this time: of this kind, or of any.
    Untouched {
        kind: Option<String>,
        since: LogicalTime,
    },
}

impl Commit {
    pub fn is_empty(&self) -> bool {
        self.expect.is_empty()
            && self.writes.is_empty()
            && self.blobs.is_empty()
            && self.audit.is_empty()
            && self.quarantine.is_empty()
            && self.sources.is_empty()
            && self.jobs.is_empty()
    }
}

pub enum Write {
    Put(Put),
    /// Writes a tombstone; the versions before it stay readable.
    Delete(RecordKey),
}

/// A new version of a record, unless its bytes are those of the newest one.
pub struct Put {
    pub key: RecordKey,
    pub body: Vec<u8>,
    pub index: Vec<IndexEntry>,
    /// Whose record it is: the patients whose compartment it belongs to.
    pub owners: Vec<RecordKey>,
    pub blobs: Vec<ContentHash>,
    /// Import source and 1-based line (or item number) it came from.
    pub source: Option<(i64, u64)>,
    /// Do not bring back a version that has been replaced: a put whose bytes equal any older
    /// version of the record is left out. Imports of the same files in another order set it.
    pub once: bool,
}

/// What became of one write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Created,
    Updated {
        version: u64,
    },
    /// The newest version has these bytes already.
    Unchanged,
    /// An older version has these bytes (see [`Put::once`]).
    Superseded,
    Deleted,
    /// There was nothing to delete.
    Absent,
}

#[derive(Debug)]
pub struct CommitReceipt {
    /// The bank's time after the commit.
    pub t: LogicalTime,
    /// Milliseconds since 1970: when the versions of this commit were written.
    pub at: i64,
    /// In the order of the writes.
    pub outcomes: Vec<Outcome>,
}

/// Entities remembered between commits, so that references to the same patient or encounter
/// cost no look-up.
const ENTITIES_KEPT: usize = 200_000;

pub(crate) struct Writer {
    pub(crate) connection: Connection,
    symbols: Symbols,
    compressor: Compressor,
    entities: HashMap<(i64, String), Entity>,
    next_eid: i64,
    next_pk: i64,
    data_version: i64,
}

#[derive(Clone, Copy)]
struct Entity {
    eid: i64,
    pk: Option<i64>,
}

/// Index rows of one commit, sorted before they are inserted: neighbours share pages.
#[derive(Default)]
struct Rows {
    token: Vec<(i64, String, i64, i64)>,
    text: Vec<(i64, String, i64)>,
    date: Vec<(i64, i64, i64, i64)>,
    number: Vec<(i64, f64, i64)>,
    quantity: Vec<(i64, String, f64, i64, i64)>,
    term: Vec<(i64, i64, i64)>,
    reference: Vec<(i64, i64, i64)>,
    compartment: Vec<(i64, i64, i64)>,
}

impl Writer {
    pub(crate) fn new(connection: Connection) -> Self {
        Self {
            connection,
            symbols: Symbols::default(),
            compressor: Compressor::new(),
            entities: HashMap::new(),
            next_eid: 0,
            next_pk: 0,
            data_version: -1,
        }
    }

    pub(crate) fn commit(
        &mut self,
        commit: &Commit,
        earlier_audit: &[AuditEntry],
    ) -> Result<CommitReceipt> {
        self.transaction(|writer| writer.apply(commit, earlier_audit))
    }

    /// All of it or nothing, by the newest state of the database.
    fn transaction<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.connection
            .execute_batch("BEGIN IMMEDIATE")
            .map_err(database)?;
        let done = self.refresh().and_then(|()| work(self)).and_then(|done| {
            self.connection
                .execute_batch("COMMIT")
                .map_err(database)
                .map(|()| done)
        });
        if done.is_err() {
            // What the caches learnt in this transaction may not exist now.
            self.forget();
            if !self.connection.is_autocommit() {
                let _ = self.connection.execute_batch("ROLLBACK");
            }
        }
        done
    }

    /// Index rows of versions that are there already, and how far that came.
    pub(crate) fn add_index_rows(
        &mut self,
        records: &[(i64, Vec<IndexEntry>)],
        mark: &str,
        reached: &str,
    ) -> Result<()> {
        self.transaction(|writer| {
            let mut rows = Rows::default();
            for (pk, entries) in records {
                for entry in entries {
                    writer.index(entry, *pk, &mut rows)?;
                }
            }
            rows.insert(&writer.connection)?;
            writer
                .connection
                .execute(
                    "INSERT OR REPLACE INTO bank (key, value) VALUES (?1, ?2)",
                    (mark, reached),
                )
                .map(drop)
                .map_err(database)
        })
    }

    fn forget(&mut self) {
        self.data_version = -1;
    }

    /// Another process may have written since: then nothing remembered counts.
    fn refresh(&mut self) -> Result<()> {
        let seen: i64 = self
            .connection
            .query_row("PRAGMA data_version", [], |row| row.get(0))
            .map_err(database)?;
        if seen == self.data_version {
            return Ok(());
        }
        self.symbols.clear();
        self.entities.clear();
        self.compressor.forget();
        let one = |sql: &str| -> Result<i64> {
            self.connection
                .query_row(sql, [], |row| row.get(0))
                .map_err(database)
        };
        self.next_eid = one("SELECT coalesce(max(eid), 0) + 1 FROM entity")?;
        self.next_pk = one("SELECT coalesce(max(pk), 0) + 1 FROM record")?;
        self.data_version = seen;
        Ok(())
    }

    fn apply(&mut self, commit: &Commit, earlier_audit: &[AuditEntry]) -> Result<CommitReceipt> {
        let last: i64 = self
            .connection
            .query_row("SELECT coalesce(max(t), 0) FROM commits", [], |row| {
                row.get(0)
            })
            .map_err(database)?;
        let t = last + 1;
        for expect in &commit.expect {
            self.check(expect)?;
        }
        self.train(commit)?;

        let mut rows = Rows::default();
        let mut outcomes = Vec::with_capacity(commit.writes.len());
        let mut written = 0;
        for write in &commit.writes {
            let outcome = match write {
                Write::Put(put) => self.put(t, put, &mut rows)?,
                Write::Delete(key) => self.delete(t, key)?,
            };
            if matches!(
                outcome,
                Outcome::Created | Outcome::Updated { .. } | Outcome::Deleted
            ) {
                written += 1;
            }
            outcomes.push(outcome);
        }
        rows.insert(&self.connection)?;

        let now = audit::now_millis();
        for (hash, size) in &commit.blobs {
            self.connection
                .prepare_cached("INSERT OR IGNORE INTO blob (hash, size, t) VALUES (?1, ?2, ?3)")
                .and_then(|mut statement| statement.execute((&hash.0[..], *size as i64, t)))
                .map_err(database)?;
        }
        for item in &commit.quarantine {
            quarantine::insert(&self.connection, t, now, item)?;
        }
        for progress in &commit.sources {
            source::update(&self.connection, now, progress)?;
        }
        for job in &commit.jobs {
            crate::job::update(&self.connection, now, job)?;
        }
        audit::append(&self.connection, earlier_audit)?;
        audit::append(&self.connection, &commit.audit)?;

        let reached = if written > 0 {
            self.connection
                .prepare_cached(
                    "INSERT INTO commits (t, at, pk_last, records) VALUES (?1, ?2, ?3, ?4)",
                )
                .and_then(|mut statement| statement.execute((t, now, self.next_pk - 1, written)))
                .map_err(database)?;
            t
        } else {
            last
        };
        Ok(CommitReceipt {
            t: LogicalTime(reached as u64),
            at: now,
            outcomes,
        })
    }

    fn check(&mut self, expect: &Expect) -> Result<()> {
        let holds = match expect {
            Expect::Newest { key, version } => self.newest_version(key)? == *version,
            Expect::Untouched { kind, since } => !self.written_since(kind.as_deref(), *since)?,
        };
        if holds {
            Ok(())
        } else {
            Err(Error::new(
                Category::Precondition,
                "the record was changed by another in the meantime",
            ))
        }
    }

    fn newest_version(&mut self, key: &RecordKey) -> Result<Option<u64>> {
        let Some(kind) = self
            .symbols
            .find(&self.connection, Table::Kind, &key.kind)?
        else {
            return Ok(None);
        };
        self.connection
            .prepare_cached(
                "SELECT r.version FROM entity e JOIN record r ON r.pk = e.pk WHERE e.kind = ?1 AND e.id = ?2",
            )
            .and_then(|mut statement| {
                statement
                    .query_row((kind, &key.id), |row| row.get::<_, i64>(0))
                    .optional()
            })
            .map(|version| version.map(|version| version as u64))
            .map_err(database)
    }

    fn written_since(&mut self, kind: Option<&str>, since: LogicalTime) -> Result<bool> {
        let kind = match kind {
            None => None,
            Some(name) => match self.symbols.find(&self.connection, Table::Kind, name)? {
                None => return Ok(false),
                found => found,
            },
        };
        // The records after `since` are few; the plus keeps SQLite from walking the whole kind.
        self.connection
            .prepare_cached(
                "SELECT 1 FROM record WHERE pk > coalesce((SELECT pk_last FROM commits WHERE t <= ?1 ORDER BY t DESC LIMIT 1), 0)
                 AND (?2 IS NULL OR +kind = ?2) LIMIT 1",
            )
            .and_then(|mut statement| statement.exists((since.0 as i64, kind)))
            .map_err(database)
    }

    /// The first batch of a kind that is large enough teaches the compressor its words.
    fn train(&mut self, commit: &Commit) -> Result<()> {
        let mut by_kind: HashMap<&str, Vec<&[u8]>> = HashMap::new();
        for write in &commit.writes {
            if let Write::Put(put) = write {
                by_kind.entry(&put.key.kind).or_default().push(&put.body);
            }
        }
        let mut by_kind: Vec<_> = by_kind.into_iter().collect();
        by_kind.sort_unstable_by_key(|(kind, _)| *kind);
        for (kind, samples) in by_kind {
            let kind = self.symbols.number(&self.connection, Table::Kind, kind)?;
            if !self.compressor.has_dictionary(&self.connection, kind)? {
                self.compressor.train(&self.connection, kind, &samples)?;
            }
        }
        Ok(())
    }

    fn entity(&mut self, kind: i64, id: &str) -> Result<Entity> {
        // A borrowed pair cannot be looked up in a map of owned pairs without an allocation;
        // measured, it does not matter beside the B-tree.
        let name = (kind, id.to_owned());
        if let Some(entity) = self.entities.get(&name) {
            return Ok(*entity);
        }
        let found = self
            .connection
            .prepare_cached("SELECT eid, pk FROM entity WHERE kind = ?1 AND id = ?2")
            .and_then(|mut statement| {
                statement
                    .query_row((kind, id), |row| {
                        Ok(Entity {
                            eid: row.get(0)?,
                            pk: row.get(1)?,
                        })
                    })
                    .optional()
            })
            .map_err(database)?;
        let entity = match found {
            Some(entity) => entity,
            None => {
                let eid = self.next_eid;
                self.next_eid += 1;
                self.connection
                    .prepare_cached(
                        "INSERT INTO entity (kind, id, eid, pk) VALUES (?1, ?2, ?3, NULL)",
                    )
                    .and_then(|mut statement| statement.execute((kind, id, eid)))
                    .map_err(database)?;
                Entity { eid, pk: None }
            }
        };
        self.remember(name, entity);
        Ok(entity)
    }

    fn remember(&mut self, name: (i64, String), entity: Entity) {
        if self.entities.len() >= ENTITIES_KEPT {
            self.entities.clear();
        }
        self.entities.insert(name, entity);
    }

    fn put(&mut self, t: i64, put: &Put, rows: &mut Rows) -> Result<Outcome> {
        let kind = self
            .symbols
            .number(&self.connection, Table::Kind, &put.key.kind)?;
        let entity = self.entity(kind, &put.key.id)?;
        let hash = ContentHash::of(&put.body);
        let mut version = 1;
        let mut was_live = false;
        if let Some(pk) = entity.pk {
            let (newest, deleted, newest_hash) = self.newest(pk)?;
            if !deleted && newest_hash == hash.0 {
                return Ok(Outcome::Unchanged);
            }
            if put.once && self.seen(entity.eid, &hash)? {
                return Ok(Outcome::Superseded);
            }
            version = newest + 1;
            was_live = !deleted;
            self.supersede(pk, t)?;
        }

        let pk = self.write_version(t, kind, entity.eid, version, Some(put), hash)?;
        self.point(kind, &put.key.id, entity.eid, pk)?;
        self.tally(kind, i64::from(!was_live), 1)?;
        for entry in &put.index {
            self.index(entry, pk, rows)?;
        }
        for owner in &put.owners {
            let owner_kind = self
                .symbols
                .number(&self.connection, Table::Kind, &owner.kind)?;
            let owner = self.entity(owner_kind, &owner.id)?.eid;
            rows.compartment.push((owner, kind, pk));
        }
        for blob in &put.blobs {
            self.connection
                .prepare_cached("INSERT OR IGNORE INTO record_blob (pk, hash) VALUES (?1, ?2)")
                .and_then(|mut statement| statement.execute((pk, &blob.0[..])))
                .map_err(database)?;
        }
        Ok(if version == 1 {
            Outcome::Created
        } else {
            Outcome::Updated {
                version: version as u64,
            }
        })
    }

    fn delete(&mut self, t: i64, key: &RecordKey) -> Result<Outcome> {
        let kind = self
            .symbols
            .number(&self.connection, Table::Kind, &key.kind)?;
        let entity = self.entity(kind, &key.id)?;
        let Some(pk) = entity.pk else {
            return Ok(Outcome::Absent);
        };
        let (newest, deleted, _) = self.newest(pk)?;
        if deleted {
            return Ok(Outcome::Absent);
        }
        self.supersede(pk, t)?;
        let pk = self.write_version(t, kind, entity.eid, newest + 1, None, ContentHash::of(&[]))?;
        self.point(kind, &key.id, entity.eid, pk)?;
        self.tally(kind, -1, 1)?;
        Ok(Outcome::Deleted)
    }

    fn newest(&self, pk: i64) -> Result<(i64, bool, [u8; 32])> {
        self.connection
            .prepare_cached("SELECT version, deleted, hash FROM record WHERE pk = ?1")
            .and_then(|mut statement| {
                statement.query_row([pk], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            })
            .map_err(database)
    }

    fn seen(&self, eid: i64, hash: &ContentHash) -> Result<bool> {
        self.connection
            .prepare_cached(
                "SELECT 1 FROM record WHERE eid = ?1 AND hash = ?2 AND deleted = 0 LIMIT 1",
            )
            .and_then(|mut statement| statement.exists((eid, &hash.0[..])))
            .map_err(database)
    }

    fn supersede(&self, pk: i64, t: i64) -> Result<()> {
        self.connection
            .prepare_cached("INSERT INTO superseded (pk, t_end) VALUES (?1, ?2)")
            .and_then(|mut statement| statement.execute((pk, t)))
            .map_err(database)
            .map(drop)
    }

    fn write_version(
        &mut self,
        t: i64,
        kind: i64,
        eid: i64,
        version: i64,
        put: Option<&Put>,
        hash: ContentHash,
    ) -> Result<i64> {
        let pk = self.next_pk;
        self.next_pk += 1;
        let body = put.map_or(&[][..], |put| &put.body);
        let (dictionary, packed) = if put.is_some() {
            self.compressor.compress(kind, body)?
        } else {
            (0, Vec::new())
        };
        let source = put.and_then(|put| put.source);
        self.connection
            .prepare_cached(
                "INSERT INTO record (pk, kind, eid, version, t, deleted, hash, source, line, dictionary, size, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            )
            .and_then(|mut statement| {
                statement.execute(rusqlite::params![
                    pk,
                    kind,
                    eid,
                    version,
                    t,
                    put.is_none(),
                    &hash.0[..],
                    source.map(|(source, _)| source),
                    source.map(|(_, line)| line as i64),
                    dictionary,
                    body.len() as i64,
                    packed,
                ])
            })
            .map_err(database)?;
        Ok(pk)
    }

    /// Makes `pk` the newest version of its entity.
    fn point(&mut self, kind: i64, id: &str, eid: i64, pk: i64) -> Result<()> {
        self.connection
            .prepare_cached("UPDATE entity SET pk = ?3 WHERE kind = ?1 AND id = ?2")
            .and_then(|mut statement| statement.execute((kind, id, pk)))
            .map_err(database)?;
        self.remember((kind, id.to_owned()), Entity { eid, pk: Some(pk) });
        Ok(())
    }

    fn tally(&self, kind: i64, live: i64, versions: i64) -> Result<()> {
        self.connection
            .prepare_cached(
                "UPDATE kind SET live = live + ?2, versions = versions + ?3 WHERE kind = ?1",
            )
            .and_then(|mut statement| statement.execute((kind, live, versions)))
            .map_err(database)
            .map(drop)
    }

    fn index(&mut self, entry: &IndexEntry, pk: i64, rows: &mut Rows) -> Result<()> {
        let param = self
            .symbols
            .number(&self.connection, Table::Param, entry.param)?;
        self.index_value(param, &entry.value, pk, rows)
    }

    fn index_value(
        &mut self,
        param: i64,
        value: &IndexValue,
        pk: i64,
        rows: &mut Rows,
    ) -> Result<()> {
        let mut number = |table: Table, name: &Option<String>| match name {
            Some(name) => self.symbols.number(&self.connection, table, name),
            None => Ok(0),
        };
        match value {
            IndexValue::Token { system, code } => {
                rows.token
                    .push((param, code.clone(), number(Table::System, system)?, pk));
            }
            IndexValue::Text(value) => rows.text.push((param, value.clone(), pk)),
            IndexValue::Date { low, high } => rows.date.push((param, *low, *high, pk)),
            IndexValue::Number(value) => rows.number.push((param, *value, pk)),
            IndexValue::Quantity {
                value,
                system,
                code,
            } => rows.quantity.push((
                param,
                code.clone().unwrap_or_default(),
                *value,
                number(Table::System, system)?,
                pk,
            )),
            IndexValue::Term(value) => {
                let term = self.symbols.number(&self.connection, Table::Term, value)?;
                rows.term.push((param, term, pk));
            }
            IndexValue::Reference(target) => {
                let kind = self
                    .symbols
                    .number(&self.connection, Table::Kind, &target.kind)?;
                let eid = self.entity(kind, &target.id)?.eid;
                rows.reference.push((param, eid, pk));
            }
            IndexValue::Member { group, value } => {
                let group = i64::from(*group).min((1 << GROUP_BITS) - 1);
                self.index_value(param, value, pk << GROUP_BITS | group, rows)?;
            }
        }
        Ok(())
    }
}

/// Sorts the rows and inserts them one by one through one prepared statement.
macro_rules! insert_sorted {
    ($connection:expr, $rows:expr, $compare:expr, $sql:literal, $row:pat => $values:expr) => {
        $rows.sort_unstable_by($compare);
        if !$rows.is_empty() {
            let mut statement = $connection.prepare_cached($sql).map_err(database)?;
            for $row in &$rows {
                statement.execute($values).map_err(database)?;
            }
        }
    };
}

impl Rows {
    fn insert(mut self, connection: &Connection) -> Result<()> {
        insert_sorted!(connection, self.token, Ord::cmp,
            "INSERT OR IGNORE INTO ix_token VALUES (?1, ?2, ?3, ?4)",
            (param, code, system, pk) => (param, code, system, pk));
        insert_sorted!(connection, self.text, Ord::cmp,
            "INSERT OR IGNORE INTO ix_text VALUES (?1, ?2, ?3)",
            (param, value, pk) => (param, value, pk));
        insert_sorted!(connection, self.date, Ord::cmp,
            "INSERT OR IGNORE INTO ix_date VALUES (?1, ?2, ?3, ?4)",
            (param, low, high, pk) => (param, low, high, pk));
        insert_sorted!(connection, self.number,
            |a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2)),
            "INSERT OR IGNORE INTO ix_number VALUES (?1, ?2, ?3)",
            (param, value, pk) => (param, value, pk));
        insert_sorted!(connection, self.quantity,
            |a, b| (a.0, &a.1).cmp(&(b.0, &b.1)).then(a.2.total_cmp(&b.2)).then(a.4.cmp(&b.4)),
            "INSERT OR IGNORE INTO ix_quantity VALUES (?1, ?2, ?3, ?4, ?5)",
            (param, code, value, system, pk) => (param, code, value, system, pk));
        insert_sorted!(connection, self.term, Ord::cmp,
            "INSERT OR IGNORE INTO ix_term VALUES (?1, ?2, ?3)",
            (param, term, pk) => (param, term, pk));
        insert_sorted!(connection, self.reference, Ord::cmp,
            "INSERT OR IGNORE INTO ix_reference VALUES (?1, ?2, ?3)",
            (param, target, pk) => (param, target, pk));
        insert_sorted!(connection, self.compartment, Ord::cmp,
            "INSERT OR IGNORE INTO compartment VALUES (?1, ?2, ?3)",
            (owner, kind, pk) => (owner, kind, pk));
        Ok(())
    }
}
