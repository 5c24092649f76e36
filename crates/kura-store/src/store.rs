use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use kura_model::{Category, ContentHash, Error, IndexEntry, LogicalTime, RecordKey, Result, Zone};
use rusqlite::{Connection, OpenFlags};
use serde::Serialize;

use crate::audit::{self, AuditCheck, AuditEntry, AuditRow};
use crate::blob::BlobStore;
use crate::codec::Dictionaries;
use crate::commit::{Commit, CommitReceipt, Writer};
use crate::error::{database, io};
use crate::job::{self, Job, JobState};
use crate::quarantine::{self, QuarantineRow};
use crate::read::{Reader, ReaderState};
use crate::schema;
use crate::source::{self, Source};

/// Audit entries of reads are written together, at the latest after this long. A write carries
/// its own entry in its own transaction.
const AUDIT_GROUP: Duration = Duration::from_millis(100);
/// Entries that may wait; one more is written at once by whoever brings it.
const AUDIT_WAITING: usize = 4096;

/// One zone of the bank: a database file and a folder of blobs.
pub struct Store {
    inner: Arc<Inner>,
    flusher: Option<std::thread::JoinHandle<()>>,
}

struct Inner {
    zone: Zone,
    file: PathBuf,
    writer: Mutex<Writer>,
    readers: Mutex<Vec<ReaderState>>,
    dictionaries: Arc<Dictionaries>,
    blobs: BlobStore,
    waiting: Mutex<Vec<AuditEntry>>,
    closing: (Mutex<bool>, std::sync::Condvar),
}

/// How many records of a kind there are.
#[derive(Debug, Clone, Serialize)]
pub struct Tally {
    pub kind: String,
    /// Records whose newest version is not deleted.
    pub live: u64,
    /// Versions, tombstones included.
    pub versions: u64,
}

impl Store {
    /// Makes the zone's folder and database. The folder must not hold one already.
    pub fn create(folder: &Path, zone: Zone) -> Result<()> {
        fs::create_dir_all(folder).map_err(io)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(io)?;
        let file = database_file(folder, zone);
        if file.exists() {
            return Err(Error::conflict("there is a bank in this folder already"));
        }
        let connection = Connection::open(&file).map_err(database)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).map_err(io)?;
        schema::create(&connection)?;
        BlobStore::open(folder)?;
        Ok(())
    }

    /// Brings the tables of an older bank to those of this program; the schema they had.
    pub fn upgrade(folder: &Path, zone: Zone) -> Result<i64> {
        let file = database_file(folder, zone);
        let connection = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .map_err(database)?;
        schema::configure(&connection, 128, 0)?;
        schema::upgrade(&connection)
    }

    pub fn open(folder: &Path, zone: Zone) -> Result<Self> {
        let file = database_file(folder, zone);
        if !file.is_file() {
            return Err(Error::not_found(format!(
                "no {} database here",
                zone.as_str()
            )));
        }
        let connection = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .map_err(database)?;
        schema::configure(&connection, 128, 0)?;
        schema::check(&connection)?;
        connection.set_prepared_statement_cache_capacity(128);
        let inner = Arc::new(Inner {
            zone,
            file,
            writer: Mutex::new(Writer::new(connection)),
            readers: Mutex::new(Vec::new()),
            dictionaries: Arc::default(),
            blobs: BlobStore::open(folder)?,
            waiting: Mutex::new(Vec::new()),
            closing: (Mutex::new(false), std::sync::Condvar::new()),
        });
        let flusher = std::thread::Builder::new()
            .name(format!("audit-{}", zone.as_str()))
            .spawn({
                let inner = inner.clone();
                move || inner.flush_until_closed()
            })
            .map_err(io)?;
        Ok(Self {
            inner,
            flusher: Some(flusher),
        })
    }

    pub(crate) fn file(&self) -> &Path {
        &self.inner.file
    }

    pub fn zone(&self) -> Zone {
        self.inner.zone
    }

    pub fn blobs(&self) -> &BlobStore {
        &self.inner.blobs
    }

    /// Makes everything in `commit` durable, or nothing of it.
    pub fn commit(&self, commit: Commit) -> Result<CommitReceipt> {
        self.inner.commit(&commit)
    }

    /// Notes a read. It is on disk within a tenth of a second, with others.
    pub fn audit(&self, entry: AuditEntry) {
        let full = {
            let mut waiting = lock(&self.inner.waiting);
            waiting.push(entry);
            waiting.len() >= AUDIT_WAITING
        };
        if full {
            self.inner.flush();
        }
    }

    /// Writes the audit entries that wait.
    pub fn flush_audit(&self) {
        self.inner.flush();
    }

    /// Runs `read` on a connection of its own. Each statement sees the newest state; for many
    /// statements on one state see [`Reader::at`].
    pub fn read<T>(&self, read: impl FnOnce(&mut Reader<'_>) -> Result<T>) -> Result<T> {
        let mut state = match lock(&self.inner.readers).pop() {
            Some(state) => state,
            None => self.inner.open_reader()?,
        };
        let result = read(&mut Reader::new(&mut state));
        lock(&self.inner.readers).push(state);
        result
    }

    pub fn now(&self) -> Result<LogicalTime> {
        self.read(|reader| reader.now())
    }

    pub fn audit_verify(&self, anchor: Option<ContentHash>) -> Result<AuditCheck> {
        self.inner.flush();
        self.read(|reader| audit::verify(reader.connection(), anchor))
    }

    pub fn audit_recent(&self, limit: u32) -> Result<Vec<AuditRow>> {
        self.inner.flush();
        self.read(|reader| audit::recent(reader.connection(), limit))
    }

    pub fn job_begin(&self, kind: &str, actor: &str, detail: &str) -> Result<Job> {
        let writer = lock(&self.inner.writer);
        let now = audit::now_millis();
        let id = job::begin(&writer.connection, now, kind, actor, detail)?;
        Ok(Job {
            id,
            kind: kind.to_owned(),
            state: JobState::Running,
            started: now,
            updated: now,
            actor: actor.to_owned(),
            detail: detail.to_owned(),
        })
    }

    pub fn jobs(&self, limit: u32) -> Result<Vec<Job>> {
        self.read(|reader| job::list(reader.connection(), limit))
    }

    /// Notes that the import of a file begins, or finds how far an earlier one came.
    pub fn source_begin(&self, source: &Source) -> Result<Source> {
        let writer = lock(&self.inner.writer);
        source::begin(&writer.connection, audit::now_millis(), source)
    }

    pub fn source_finished(&self, name: &str, size: u64, modified: i64) -> Result<Option<Source>> {
        self.read(|reader| source::finished(reader.connection(), name, size, modified))
    }

    pub fn source_by_hash(&self, hash: ContentHash) -> Result<Option<Source>> {
        self.read(|reader| source::by_hash(reader.connection(), hash))
    }

    pub fn source_by_id(&self, id: i64) -> Result<Option<Source>> {
        self.read(|reader| source::by_id(reader.connection(), id))
    }

    pub fn sources(&self, limit: u32) -> Result<Vec<Source>> {
        self.read(|reader| source::list(reader.connection(), limit))
    }

    /// Newest first; `before` is the id the last page ended with.
    pub fn quarantine(
        &self,
        job: Option<i64>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<QuarantineRow>> {
        self.read(|reader| quarantine::list(reader.connection(), job, before, limit))
    }

    pub fn quarantine_count(&self) -> Result<u64> {
        self.read(|reader| quarantine::count(reader.connection()))
    }

    pub fn quarantine_item(&self, id: i64) -> Result<Option<Vec<u8>>> {
        self.read(|reader| quarantine::item(reader.connection(), id))
    }

    /// A word the bank keeps under a name.
    pub fn mark(&self, name: &str) -> Result<Option<String>> {
        self.read(|reader| {
            reader
                .connection()
                .prepare_cached("SELECT value FROM bank WHERE key = ?1")
                .and_then(|mut statement| {
                    rusqlite::OptionalExtension::optional(
                        statement.query_row([name], |row| row.get(0)),
                    )
                })
                .map_err(database)
        })
    }

    pub fn set_mark(&self, name: &str, value: &str) -> Result<()> {
        lock(&self.inner.writer)
            .connection
            .execute(
                "INSERT OR REPLACE INTO bank (key, value) VALUES (?1, ?2)",
                (name, value),
            )
            .map(drop)
            .map_err(database)
    }

    /// Adds index rows to the next `limit` versions of `kind` after record `after`, and keeps
    /// `mark` with what `reached` says of the last, in one transaction. The last record; `None`
    /// if there are no more.
    pub fn reindex(
        &self,
        kind: &str,
        after: i64,
        limit: u32,
        entries: &dyn Fn(&RecordKey, &[u8]) -> Vec<IndexEntry>,
        mark: &str,
        reached: &dyn Fn(i64) -> String,
    ) -> Result<Option<i64>> {
        let versions = self.read(|reader| reader.of_kind(kind, after, limit))?;
        let Some((last, _)) = versions.last() else {
            return Ok(None);
        };
        let rows: Vec<(i64, Vec<IndexEntry>)> = versions
            .iter()
            .map(|(pk, version)| (*pk, entries(&version.key, &version.body)))
            .collect();
        lock(&self.inner.writer).add_index_rows(&rows, mark, &reached(*last))?;
        Ok(Some(*last))
    }

    /// Copies the write-ahead log into the database file, so that the file alone is the bank.
    pub fn checkpoint(&self) -> Result<()> {
        lock(&self.inner.writer)
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .map_err(database)
    }

    /// Gathers the statistics SQLite plans by. Worth it after a large import.
    pub fn optimize(&self) -> Result<()> {
        lock(&self.inner.writer)
            .connection
            .execute_batch("PRAGMA analysis_limit=1000; ANALYZE;")
            .map_err(database)
    }

    /// Bytes on disk of the database, without blobs.
    pub fn database_bytes(&self) -> u64 {
        let mut wal = self.inner.file.clone().into_os_string();
        wal.push("-wal");
        [self.inner.file.clone(), PathBuf::from(wal)]
            .iter()
            .filter_map(|file| fs::metadata(file).ok())
            .map(|metadata| metadata.len())
            .sum()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        *lock(&self.inner.closing.0) = true;
        self.inner.closing.1.notify_all();
        if let Some(flusher) = self.flusher.take() {
            let _ = flusher.join();
        }
    }
}

impl Inner {
    fn commit(&self, commit: &Commit) -> Result<CommitReceipt> {
        let mut writer = lock(&self.writer);
        let earlier = std::mem::take(&mut *lock(&self.waiting));
        let result = writer.commit(commit, &earlier);
        if result.is_err() && !earlier.is_empty() {
            let mut waiting = lock(&self.waiting);
            let newer = std::mem::replace(&mut *waiting, earlier);
            waiting.extend(newer);
        }
        result
    }

    fn flush(&self) {
        if lock(&self.waiting).is_empty() {
            return;
        }
        if let Err(error) = self.commit(&Commit::default()) {
            tracing::error!(zone = self.zone.as_str(), error = ?error, "audit entries could not be written; they wait");
        }
    }

    fn flush_until_closed(&self) {
        let (closing, signal) = &self.closing;
        let mut closed = lock(closing);
        while !*closed {
            closed = match signal.wait_timeout(closed, AUDIT_GROUP) {
                Ok((guard, _)) => guard,
                Err(poisoned) => poisoned.into_inner().0,
            };
            drop(closed);
            self.flush();
            closed = lock(closing);
        }
        drop(closed);
        self.flush();
    }

    fn open_reader(&self) -> Result<ReaderState> {
        let connection = Connection::open_with_flags(
            &self.file,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
        .map_err(database)?;
        schema::configure(&connection, 32, 1024)?;
        connection
            .execute_batch("PRAGMA query_only=ON;")
            .map_err(database)?;
        connection.set_prepared_statement_cache_capacity(256);
        Ok(ReaderState::new(connection, self.dictionaries.clone()))
    }
}

/// A poisoned lock means a panic elsewhere; the state behind these locks is checked by the
/// database, so going on is safe.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn database_file(folder: &Path, zone: Zone) -> PathBuf {
    folder.join(format!("{}.db", zone.as_str()))
}

/// Said when something the caller named is not in the bank.
pub(crate) fn absent(what: &str) -> Error {
    Error::new(Category::NotFound, format!("{what} is not in this bank"))
}
