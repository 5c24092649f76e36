//! The writer of a zone: one transaction at a time, among the threads of this process by a lock
//! in memory, among processes by the database's.

mod ahead;
mod index;
mod rows;
mod transaction;

use std::collections::HashMap;

use kura_model::{Category, ContentHash, Error, LogicalTime, RecordKey, Result};

use crate::audit::{self, AuditEntry};
use crate::codec::Compressor;
use crate::commit::{Commit, CommitReceipt, Expect, IndexedBy, Outcome, Put, Write};
use crate::database::{Connection, Place, Value, values};
use crate::symbol::{Symbols, Table};
use crate::{IndexEntry, Reach, quarantine, read, source};
use rows::{NewVersion, Rows};

/// Entities remembered between commits, so that references to the same patient or encounter
/// cost no look-up.
const ENTITIES_KEPT: usize = 100_000;

pub(crate) struct Writer {
    place: Place,
    pub(crate) connection: Connection,
    symbols: Symbols,
    compressor: Compressor,
    entities: HashMap<(i64, String), Entity>,
    next_eid: i64,
    next_pk: i64,
    /// The time of the last commit.
    t: i64,
    /// Whether what is remembered is what the database had when our last transaction ended.
    remembers: bool,
    /// A transaction has begun and not ended: after a panic.
    open: bool,
}

/// What is known of an id. `eid` 0: it is not in the bank.
#[derive(Clone, Copy, Default)]
struct Entity {
    eid: i64,
    pk: Option<i64>,
    newest: Option<Newest>,
}

/// The newest version of an entity.
#[derive(Clone, Copy)]
struct Newest {
    version: i64,
    deleted: bool,
    hash: [u8; 32],
}

/// Why commits were not written together.
pub(crate) enum Together {
    /// One of them could not be written; all were taken back.
    Taken(Error),
    /// The transaction did not begin, or did not end well.
    Failed(Error),
}

impl Writer {
    pub(crate) fn new(place: Place, connection: Connection) -> Self {
        Self {
            place,
            connection,
            symbols: Symbols::default(),
            compressor: Compressor::new(),
            entities: HashMap::new(),
            next_eid: 0,
            next_pk: 0,
            t: 0,
            remembers: false,
            open: false,
        }
    }

    pub(crate) fn commit(
        &mut self,
        commit: &Commit,
        earlier_audit: &[AuditEntry],
    ) -> Result<CommitReceipt> {
        self.transaction(|writer| {
            writer.check_all(commit)?;
            writer.apply(commit, earlier_audit)
        })
    }

    /// Each of the commits as if it were alone, in one transaction.
    pub(crate) fn commit_each(
        &mut self,
        commits: &[Commit],
        earlier_audit: &[AuditEntry],
    ) -> std::result::Result<Vec<Result<CommitReceipt>>, Together> {
        let mut applying = false;
        let done = self.transaction(|writer| {
            audit::append(&writer.connection, earlier_audit)?;
            applying = true;
            let each = commits
                .iter()
                .map(|commit| match writer.check_all(commit) {
                    Err(error) if error.category == Category::Precondition => Ok(Err(error)),
                    Err(error) => Err(error),
                    Ok(()) => writer.apply(commit, &[]).map(Ok),
                })
                .collect::<Result<Vec<_>>>()?;
            applying = false;
            Ok(each)
        });
        // Without its connection no other will fare better.
        let alone = applying && !self.connection.is_lost();
        done.map_err(|error| match alone {
            true => Together::Taken(error),
            false => Together::Failed(error),
        })
    }

    /// Index rows of versions that are there already, and how far that came.
    pub(crate) fn add_index_rows(
        &mut self,
        records: &[(i64, Vec<IndexEntry>)],
        mark: &str,
        reached: &str,
    ) -> Result<()> {
        self.transaction(|writer| {
            if writer.connection.is_remote() {
                writer.look_ahead_index(records)?;
            }
            let mut rows = Rows::default();
            for (pk, entries) in records {
                for entry in entries {
                    writer.index(entry, *pk, &mut rows)?;
                }
            }
            rows.insert(&writer.connection, writer.t)?;
            writer.note(mark, reached)
        })
    }

    /// Keeps a word under a name.
    pub(crate) fn set_mark(&mut self, name: &str, value: &str) -> Result<()> {
        self.transaction(|writer| writer.note(name, value))
    }

    /// Keeps a word under a name if there is none.
    pub(crate) fn begin_mark(&mut self, name: &str, value: &str) -> Result<()> {
        self.transaction(|writer| {
            writer
                .connection
                .execute(
                    "INSERT INTO bank (key, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                    values![name, value],
                )
                .map(drop)
        })
    }

    /// Keeps a word under a name if another is kept there still. Whether it was.
    pub(crate) fn replace_mark(&mut self, name: &str, old: &str, new: &str) -> Result<bool> {
        self.transaction(|writer| {
            writer
                .connection
                .execute(
                    "UPDATE bank SET value = ?3 WHERE key = ?1 AND value = ?2",
                    values![name, old, new],
                )
                .map(|changed| changed > 0)
        })
    }

    fn note(&self, name: &str, value: &str) -> Result<()> {
        self.connection
            .execute(
                "INSERT INTO bank (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                values![name, value],
            )
            .map(drop)
    }

    fn apply(&mut self, commit: &Commit, earlier_audit: &[AuditEntry]) -> Result<CommitReceipt> {
        let t = self.t + 1;
        if self.connection.is_remote() {
            self.look_ahead(commit)?;
        }
        self.train(commit)?;

        let mut rows = Rows::default();
        let mut outcomes = Vec::with_capacity(commit.writes.len());
        let mut written = 0_i64;
        for write in &commit.writes {
            let outcome = match write {
                Write::Put(put) => self.put(put, &mut rows)?,
                Write::Delete(key) => self.delete(key, &mut rows)?,
            };
            if outcome.is_change() {
                written += 1;
            }
            outcomes.push(outcome);
        }
        if let Some(by) = self.behind(&commit.writes)? {
            self.note(by.behind, &format!("behind {t}"))?;
        }
        rows.insert(&self.connection, t)?;

        let now = audit::now_millis();
        for (hash, size) in &commit.blobs {
            self.connection.execute(
                "INSERT INTO blob (hash, size, t) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                values![&hash.0[..], *size as i64, t],
            )?;
        }
        for item in &commit.quarantine {
            quarantine::insert(&self.connection, t, now, item)?;
        }
        for progress in &commit.sources {
            source::update(&self.connection, now, progress, &outcomes)?;
        }
        for job in &commit.jobs {
            crate::job::update(&self.connection, now, job)?;
        }
        if earlier_audit.is_empty() {
            audit::append(&self.connection, &commit.audit)?;
        } else {
            audit::append(
                &self.connection,
                &[earlier_audit, &commit.audit[..]].concat(),
            )?;
        }

        if written > 0 {
            self.connection.execute(
                "INSERT INTO commits (t, at, pk_last, records) VALUES (?1, ?2, ?3, ?4)",
                values![t, now, self.next_pk - 1, written],
            )?;
            self.t = t;
        }
        Ok(CommitReceipt {
            t: LogicalTime(self.t as u64),
            at: now,
            outcomes,
        })
    }

    fn check_all(&mut self, commit: &Commit) -> Result<()> {
        if let Some(within) = &commit.within {
            let writes = &commit.writes[..within.writes.min(commit.writes.len())];
            self.check_reach(&within.reach, writes)?;
        }
        commit
            .expect
            .iter()
            .try_for_each(|expect| self.check(expect))
    }

    /// Every write is of a record within reach, and stays there.
    fn check_reach(&mut self, reach: &Reach, writes: &[Write]) -> Result<()> {
        let beyond = || {
            Error::new(
                Category::Forbidden,
                "this would write a record that is not within your reach",
            )
        };
        for write in writes {
            let key = match write {
                Write::Put(put) => &put.key,
                Write::Delete(key) => key,
            };
            let (_, owners) = self.live_owners(key)?;
            if owners.is_some_and(|owners| {
                owners.is_empty() || !owners.iter().all(|owner| reach.has(*owner))
            }) {
                return Err(beyond());
            }
            let Write::Put(put) = write else {
                continue;
            };
            if put.owners.is_empty() {
                return Err(beyond());
            }
            for owner in &put.owners {
                let made_here = writes.iter().any(|write| match write {
                    Write::Put(put) => put.key == *owner,
                    Write::Delete(_) => false,
                });
                let (eid, owners) = self.live_owners(owner)?;
                let within = eid.is_some_and(|eid| reach.has(eid));
                // Whoever makes a patient writes the first records, too.
                if !(within || made_here && owners.is_none()) {
                    return Err(beyond());
                }
            }
        }
        Ok(())
    }

    /// The number of a record and whose it is; `None` of what is not there, or was deleted.
    fn live_owners(&mut self, key: &RecordKey) -> Result<(Option<i64>, Option<Vec<i64>>)> {
        let Some(kind) = self
            .symbols
            .find(&self.connection, Table::Kind, &key.kind)?
        else {
            return Ok((None, None));
        };
        let found: Option<(i64, Option<i64>)> = self.connection.first(
            "SELECT e.eid, (SELECT r.pk FROM record r WHERE r.pk = e.pk AND r.deleted = 0) FROM entity e WHERE e.kind = ?1 AND e.id = ?2",
            &[kind.into(), Value::key(&key.id)],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let Some((eid, pk)) = found else {
            return Ok((None, None));
        };
        let owners = match pk {
            Some(pk) => Some(self.connection.rows(
                "SELECT owner FROM compartment WHERE pk = ?1",
                values![pk],
                |row| row.get(0),
            )?),
            None => None,
        };
        Ok((Some(eid), owners))
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

    /// What some of these writes were indexed by, if it is not what is in force.
    fn behind(&self, writes: &[Write]) -> Result<Option<IndexedBy>> {
        let mut known: Option<IndexedBy> = None;
        for write in writes {
            if let Write::Put(put) = write
                && put.indexed_by != known
                && let Some(by) = put.indexed_by
            {
                if read::versions_of(&self.connection, by.kind)? != by.versions {
                    return Ok(Some(by));
                }
                known = Some(by);
            }
        }
        Ok(None)
    }

    fn newest_version(&mut self, key: &RecordKey) -> Result<Option<u64>> {
        let Some(kind) = self
            .symbols
            .find(&self.connection, Table::Kind, &key.kind)?
        else {
            return Ok(None);
        };
        self.connection
            .first(
                "SELECT r.version FROM entity e JOIN record r ON r.pk = e.pk WHERE e.kind = ?1 AND e.id = ?2",
                &[kind.into(), Value::key(&key.id)],
                |row| row.get::<i64>(0),
            )
            .map(|version| version.map(|version| version as u64))
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
        self.connection.exists(
            "SELECT 1 FROM record WHERE pk > coalesce((SELECT pk_last FROM commits WHERE t <= ?1 ORDER BY t DESC LIMIT 1), 0)
             AND (?2 IS NULL OR +kind = ?2) LIMIT 1",
            values![since.0 as i64, kind],
        )
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

    /// The entity of an id, made now if there was none.
    fn entity(&mut self, kind: i64, id: &str, rows: &mut Rows) -> Result<Entity> {
        // A borrowed pair cannot be looked up in a map of owned pairs without an allocation;
        // measured, it does not matter beside the B-tree.
        let name = (kind, self.connection.dialect().key(id).into_owned());
        let known = match self.entities.get(&name) {
            Some(entity) => Some(*entity),
            None => self.connection.first(
                "SELECT eid, pk FROM entity WHERE kind = ?1 AND id = ?2",
                &[kind.into(), Value::key(&name.1)],
                |row| {
                    Ok(Entity {
                        eid: row.get(0)?,
                        pk: row.get(1)?,
                        newest: None,
                    })
                },
            )?,
        };
        let entity = match known {
            Some(entity) if entity.eid != 0 => entity,
            _ => {
                let eid = self.next_eid;
                self.next_eid += 1;
                rows.entities.push((kind, name.1.clone(), eid));
                Entity {
                    eid,
                    ..Entity::default()
                }
            }
        };
        self.entities.insert(name, entity);
        Ok(entity)
    }

    fn put(&mut self, put: &Put, rows: &mut Rows) -> Result<Outcome> {
        if matches!(
            self.connection.dialect().key(&put.key.id),
            std::borrow::Cow::Owned(_)
        ) {
            return Err(Error::invalid(
                "an id is longer than 1,000 bytes or holds U+0000, which the database does not keep",
            ));
        }
        let kind = self
            .symbols
            .number(&self.connection, Table::Kind, &put.key.kind)?;
        let entity = self.entity(kind, &put.key.id, rows)?;
        let hash = ContentHash::of(&put.body);
        let mut version = 1;
        let mut was_live = false;
        if let Some(pk) = entity.pk {
            let newest = self.newest(&entity, pk)?;
            if !newest.deleted && newest.hash == hash.0 {
                return Ok(Outcome::Unchanged);
            }
            if put.once && self.seen(entity.eid, &hash, rows)? {
                return Ok(Outcome::Superseded);
            }
            version = newest.version + 1;
            was_live = !newest.deleted;
            rows.superseded.push(pk);
        }

        let pk = self.add_version(
            kind,
            &put.key.id,
            entity.eid,
            version,
            Some(put),
            hash,
            rows,
        )?;
        let tally = rows.tallies.entry(kind).or_default();
        tally.0 += i64::from(!was_live);
        tally.1 += 1;
        for entry in &put.index {
            self.index(entry, pk, rows)?;
        }
        for owner in &put.owners {
            let owner_kind = self
                .symbols
                .number(&self.connection, Table::Kind, &owner.kind)?;
            let owner = self.entity(owner_kind, &owner.id, rows)?.eid;
            rows.compartment.push((owner, kind, pk));
        }
        rows.blobs.extend(put.blobs.iter().map(|blob| (pk, *blob)));
        Ok(if version == 1 {
            Outcome::Created
        } else {
            Outcome::Updated {
                version: version as u64,
            }
        })
    }

    fn delete(&mut self, key: &RecordKey, rows: &mut Rows) -> Result<Outcome> {
        let kind = self
            .symbols
            .number(&self.connection, Table::Kind, &key.kind)?;
        let entity = self.entity(kind, &key.id, rows)?;
        let Some(pk) = entity.pk else {
            return Ok(Outcome::Absent);
        };
        let newest = self.newest(&entity, pk)?;
        if newest.deleted {
            return Ok(Outcome::Absent);
        }
        rows.superseded.push(pk);
        let version = newest.version + 1;
        let hash = ContentHash::of(&[]);
        self.add_version(kind, &key.id, entity.eid, version, None, hash, rows)?;
        let tally = rows.tallies.entry(kind).or_default();
        tally.0 -= 1;
        tally.1 += 1;
        Ok(Outcome::Deleted)
    }

    fn newest(&self, entity: &Entity, pk: i64) -> Result<Newest> {
        if let Some(newest) = entity.newest {
            return Ok(newest);
        }
        self.connection.one(
            "SELECT version, deleted, hash FROM record WHERE pk = ?1",
            values![pk],
            |row| {
                Ok(Newest {
                    version: row.get(0)?,
                    deleted: row.get(1)?,
                    hash: row.get(2)?,
                })
            },
        )
    }

    /// Whether any version of the entity has these bytes.
    fn seen(&self, eid: i64, hash: &ContentHash, rows: &Rows) -> Result<bool> {
        if rows.seen.contains(&(eid, hash.0)) {
            return Ok(true);
        }
        self.connection.exists(
            "SELECT 1 FROM record WHERE eid = ?1 AND hash = ?2 AND deleted = 0 LIMIT 1",
            values![eid, &hash.0[..]],
        )
    }

    #[allow(clippy::too_many_arguments, reason = "the columns of one row")]
    fn add_version(
        &mut self,
        kind: i64,
        id: &str,
        eid: i64,
        version: i64,
        put: Option<&Put>,
        hash: ContentHash,
        rows: &mut Rows,
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
        rows.versions.push(NewVersion {
            pk,
            kind,
            eid,
            version,
            deleted: put.is_none(),
            hash,
            source: source.map(|(source, _)| source),
            line: source.map(|(_, line)| line as i64),
            dictionary,
            size: body.len() as i64,
            body: packed,
        });
        if put.is_some() {
            rows.seen.insert((eid, hash.0));
        }
        rows.newest.insert(eid, pk);
        self.entities.insert(
            (kind, id.to_owned()),
            Entity {
                eid,
                pk: Some(pk),
                newest: Some(Newest {
                    version,
                    deleted: put.is_none(),
                    hash: hash.0,
                }),
            },
        );
        Ok(pk)
    }
}
