use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use kura_model::{Category, ContentHash, Error, IndexEntry, LogicalTime, RecordKey, Result, Zone};
use serde::Serialize;

use crate::audit::{self, AuditCheck, AuditEntry, AuditRow};
use crate::blob::BlobStore;
use crate::bulk::Bulk;
use crate::codec::Dictionaries;
use crate::commit::{Commit, CommitReceipt};
use crate::database::{Connection, Database, Place, values};
use crate::error::{self, io};
use crate::exclusive::{self, Guard, Locks};
use crate::job::{self, Job, JobState};
use crate::quarantine::{self, QuarantineRow};
use crate::reach::Reach;
use crate::read::{Reader, ReaderState};
use crate::schema;
use crate::source::{self, Source};
use crate::write::{Together, Writer};

/// Audit entries of reads are written together, at the latest after this long. A write carries
/// its own entry in its own transaction.
const AUDIT_GROUP: Duration = Duration::from_millis(25);
/// Entries that may wait; one more is written at once by whoever brings it.
const AUDIT_WAITING: usize = 32_768;

/// Thousands of SQLite's steps a brief read may take: about two milliseconds.
const BRIEF: i64 = 40;

/// Readers kept on PostgreSQL. A server has about a hundred connections for everybody.
const READERS: usize = 8;
/// How long a reader waits for one of them before it opens one more.
const READER_WAIT: Duration = Duration::from_millis(200);

/// One zone of the bank: a database and a folder of blobs.
pub struct Store {
    inner: Arc<Inner>,
    flusher: Option<std::thread::JoinHandle<()>>,
}

struct Inner {
    zone: Zone,
    folder: PathBuf,
    place: Place,
    writer: Mutex<Writer>,
    readers: Mutex<Readers>,
    reader_back: Condvar,
    locks: Arc<Locks>,
    dictionaries: Arc<Dictionaries>,
    blobs: BlobStore,
    waiting: Mutex<Vec<AuditEntry>>,
    closing: (Mutex<bool>, Condvar),
}

/// Connections that read.
#[derive(Default)]
struct Readers {
    idle: Vec<ReaderState>,
    /// Idle or not.
    open: usize,
    /// Threads that wait for one.
    waiting: usize,
}

/// A connection on loan. It goes back when this is dropped; after a panic it is closed.
struct Lent<'a> {
    inner: &'a Inner,
    sound: bool,
    state: Option<ReaderState>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let state = self.state.take().filter(|_| self.sound);
        self.inner.reader_back(state);
    }
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
    /// Makes the zone's folder and its tables. Neither the folder nor the address may hold one
    /// already.
    pub fn create(folder: &Path, zone: Zone, database: &Database) -> Result<()> {
        fs::create_dir_all(folder).map_err(io)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(io)?;
        Place::create(folder, zone, database)?;
        BlobStore::open(folder)?;
        Ok(())
    }

    /// Brings the tables of an older bank to those of this program; the schema they had.
    pub fn upgrade(folder: &Path, zone: Zone, database: &Database) -> Result<i64> {
        let place = Place::find(folder, zone, database)?;
        let connection = place.writer()?;
        schema::upgrade(&connection, zone)
    }

    pub fn open(folder: &Path, zone: Zone, database: &Database) -> Result<Self> {
        let place = Place::find(folder, zone, database)?;
        let connection = place.writer()?;
        schema::check(&connection, zone)?;
        place.check(folder, &connection)?;
        let inner = Arc::new(Inner {
            zone,
            folder: folder.to_owned(),
            writer: Mutex::new(Writer::new(place.clone(), connection)),
            place,
            readers: Mutex::default(),
            reader_back: Condvar::new(),
            locks: Arc::default(),
            dictionaries: Arc::default(),
            blobs: BlobStore::open(folder)?,
            waiting: Mutex::new(Vec::new()),
            closing: (Mutex::new(false), Condvar::new()),
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

    pub(crate) fn place(&self) -> &Place {
        &self.inner.place
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

    /// Commits that have nothing to do with each other, each with its own outcome and its own time,
    /// on one way to the disk.
    pub fn commit_each(&self, commits: &[Commit]) -> Vec<Result<CommitReceipt>> {
        self.inner.commit_each(commits)
    }

    /// Notes a read. It is on disk within a fortieth of a second and a commit, with others.
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
        self.inner
            .read(None, None, read)
            .map(|(result, _)| result)?
    }

    /// As [`Store::read`], of what is within `reach` only; of everything without one.
    pub fn read_within<T>(
        &self,
        reach: Option<&Reach>,
        read: impl FnOnce(&mut Reader<'_>) -> Result<T>,
    ) -> Result<T> {
        self.inner
            .read(None, reach, read)
            .map(|(result, _)| result)?
    }

    /// As [`Store::read`], but gives up (`None`) what takes more than about two milliseconds, and
    /// does not begin on a database that answers over the network: for whoever must not wait.
    pub fn read_briefly<T>(
        &self,
        reach: Option<&Reach>,
        read: impl FnOnce(&mut Reader<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        if matches!(self.inner.place, Place::Postgres { .. }) {
            return Ok(None);
        }
        match self.inner.read(Some(BRIEF), reach, read)? {
            (Err(_), true) => Ok(None),
            (result, _) => result.map(Some),
        }
    }

    /// Holds a name alone, among all processes on this bank; with PostgreSQL on all machines.
    /// `None` if another holds it and `wait` is false. The name is not the transaction's own
    /// lock: whoever holds it may commit.
    pub fn exclusive(&self, name: &'static str, wait: bool) -> Result<Option<Guard>> {
        match &self.inner.place {
            Place::Sqlite(_) => exclusive::file(&self.inner.folder, name, wait),
            place @ Place::Postgres { .. } => {
                exclusive::server(&self.inner.locks, place, name, wait)
            }
        }
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
        let now = audit::now_millis();
        let id = lock(&self.inner.writer)
            .transaction(|writer| job::begin(&writer.connection, now, kind, actor, detail))?;
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
        let mut begun = self.sources_begin(std::slice::from_ref(source))?;
        begun
            .pop()
            .ok_or_else(|| Error::internal("an import source was not begun"))
    }

    /// The same for several.
    pub fn sources_begin(&self, sources: &[Source]) -> Result<Vec<Source>> {
        lock(&self.inner.writer).transaction(|writer| {
            let now = audit::now_millis();
            let begin = |source| source::begin(&writer.connection, now, source);
            sources.iter().map(begin).collect()
        })
    }

    pub fn source_finished(&self, name: &str, size: u64, modified: i64) -> Result<Option<Source>> {
        self.read(|reader| source::finished(reader.connection(), name, size, modified))
    }

    pub fn source_by_hash(&self, hash: ContentHash) -> Result<Option<Source>> {
        self.read(|reader| source::by_hash(reader.connection(), hash))
    }

    pub fn source_by_id(&self, id: i64) -> Result<Option<Source>> {
        self.read(|reader| reader.source(id))
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

    /// What was refused of one source, in the order of its items; `after` is the id the last page
    /// ended with, or 0.
    pub fn quarantine_of_source(
        &self,
        source: i64,
        after: i64,
        limit: u32,
    ) -> Result<Vec<QuarantineRow>> {
        self.read(|reader| quarantine::of_source(reader.connection(), source, after, limit))
    }

    pub fn quarantine_count(&self) -> Result<u64> {
        self.read(|reader| quarantine::count(reader.connection()))
    }

    pub fn quarantine_item(&self, id: i64) -> Result<Option<Vec<u8>>> {
        self.read(|reader| quarantine::item(reader.connection(), id))
    }

    /// See [`Reader::mark`].
    pub fn mark(&self, name: &str) -> Result<Option<String>> {
        self.read(|reader| reader.mark(name))
    }

    pub fn set_mark(&self, name: &str, value: &str) -> Result<()> {
        lock(&self.inner.writer).set_mark(name, value)
    }

    /// Names and words of all marks that begin so.
    pub fn marks(&self, beginning: &str) -> Result<Vec<(String, String)>> {
        self.read(|reader| {
            reader.connection().rows(
                "SELECT key, value FROM bank WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key",
                values![beginning],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
        })
    }

    /// Keeps a word under a name if there is none.
    pub fn begin_mark(&self, name: &str, value: &str) -> Result<()> {
        lock(&self.inner.writer).begin_mark(name, value)
    }

    /// Keeps a word under a name if `old` is kept there still. Whether it was.
    pub fn replace_mark(&self, name: &str, old: &str, new: &str) -> Result<bool> {
        lock(&self.inner.writer).replace_mark(name, old, new)
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

    /// To be held while much is written, as an import does.
    pub fn bulk(&self) -> Result<Bulk<'_>> {
        Bulk::begin(self)
    }

    /// The writer's connection, if it is one of SQLite.
    pub(crate) fn with_sqlite(
        &self,
        work: impl FnOnce(&rusqlite::Connection) -> Result<()>,
    ) -> Result<()> {
        match &lock(&self.inner.writer).connection {
            Connection::Sqlite(connection) => work(connection),
            Connection::Postgres(_) => Ok(()),
        }
    }

    /// Gathers the statistics the database plans by. Worth it after a large import.
    pub fn optimize(&self) -> Result<()> {
        let writer = lock(&self.inner.writer);
        match &writer.connection {
            Connection::Sqlite(connection) => connection
                .execute_batch("PRAGMA analysis_limit=1000; ANALYZE;")
                .map_err(error::sqlite),
            Connection::Postgres(_) => writer
                .connection
                .batch(&format!("ANALYZE {}", schema::PLANNED.join(", "))),
        }
    }

    /// Bytes on disk of the database, without blobs.
    pub fn database_bytes(&self) -> u64 {
        match &self.inner.place {
            Place::Sqlite(file) => {
                let mut wal = file.clone().into_os_string();
                wal.push("-wal");
                [file.clone(), PathBuf::from(wal)]
                    .iter()
                    .filter_map(|file| fs::metadata(file).ok())
                    .map(|metadata| metadata.len())
                    .sum()
            }
            Place::Postgres { .. } => self
                .read(|reader| {
                    reader.connection().one(
                        "SELECT CAST(coalesce(sum(pg_total_relation_size(c.oid)), 0) AS bigint) FROM pg_class c
                         JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ?1 AND c.relkind = 'r'",
                        values![self.zone().as_str()],
                        |row| row.get::<i64>(0),
                    )
                })
                .map_or(0, |bytes| bytes as u64),
        }
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
        self.with_waiting(|earlier| writer.commit(commit, earlier))
    }

    fn commit_each(&self, commits: &[Commit]) -> Vec<Result<CommitReceipt>> {
        if commits.is_empty() {
            return Vec::new();
        }
        let mut writer = lock(&self.writer);
        let together = self.with_waiting(|earlier| writer.commit_each(commits, earlier));
        let error = match together {
            Ok(each) => return each,
            Err(error) => error,
        };
        match error {
            // Nothing was kept: one of them cannot be written, and the others do not suffer.
            Together::Taken(error) => {
                tracing::warn!(?error, "commits could not be written together");
                commits
                    .iter()
                    .map(|commit| self.with_waiting(|earlier| writer.commit(commit, earlier)))
                    .collect()
            }
            Together::Failed(error) => {
                tracing::error!(?error, "commits could not be written");
                commits
                    .iter()
                    .map(|_| Err(Error::new(error.category, error.message())))
                    .collect()
            }
        }
    }

    /// Writes with the audit entries that wait; they wait on if it does not come to that.
    fn with_waiting<T, E>(
        &self,
        write: impl FnOnce(&[AuditEntry]) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let earlier = std::mem::take(&mut *lock(&self.waiting));
        let result = write(&earlier);
        if result.is_err() && !earlier.is_empty() {
            let mut waiting = lock(&self.waiting);
            let newer = std::mem::replace(&mut *waiting, earlier);
            waiting.extend(newer);
        }
        result
    }

    fn flush(&self) {
        if lock(&self.waiting).is_empty() {
            // Another may have taken them and still be writing: they are on disk when it is done.
            drop(lock(&self.writer));
            return;
        }
        if let Err(error) = self.commit(&Commit::default()) {
            tracing::error!(zone = self.zone.as_str(), error = ?error, "audit entries could not be written; they wait");
        }
    }

    /// What `read` gives, and whether it came to the bound on its steps.
    fn read<T>(
        &self,
        bound: Option<i64>,
        reach: Option<&Reach>,
        read: impl FnOnce(&mut Reader<'_>) -> Result<T>,
    ) -> Result<(Result<T>, bool)> {
        let mut lent = Lent {
            inner: self,
            sound: false,
            state: Some(self.reader()?),
        };
        let Some(state) = &mut lent.state else {
            return Err(Error::internal("a reader without its connection"));
        };
        state.bound(bound);
        let mut reader = Reader::new(state, reach);
        let result = read(&mut reader);
        let sound = reader.is_sound();
        let exhausted = state.is_exhausted();
        state.bound(None);
        lent.sound = sound;
        Ok((result, exhausted))
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

    /// A connection that reads: one that waits, or a new one. The bound is soft, because who
    /// reads may read again meanwhile, and must not wait for itself.
    fn reader(&self) -> Result<ReaderState> {
        let bounded = matches!(self.place, Place::Postgres { .. });
        let mut readers = lock(&self.readers);
        loop {
            if let Some(state) = readers.idle.pop() {
                if !state.is_lost() {
                    return Ok(state);
                }
                readers.open -= 1;
                continue;
            }
            if !bounded || readers.open < READERS {
                break;
            }
            readers.waiting += 1;
            let (again, waited) = self
                .reader_back
                .wait_timeout(readers, READER_WAIT)
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            readers = again;
            readers.waiting -= 1;
            if waited.timed_out() && readers.idle.is_empty() {
                break;
            }
        }
        readers.open += 1;
        drop(readers);
        self.place
            .reader()
            .and_then(|connection| ReaderState::new(connection, self.dictionaries.clone()))
            .inspect_err(|_| lock(&self.readers).open -= 1)
    }

    /// Takes a connection back, or notes that it is gone.
    fn reader_back(&self, state: Option<ReaderState>) {
        let mut readers = lock(&self.readers);
        let keep = !matches!(self.place, Place::Postgres { .. }) || readers.open <= READERS;
        match state {
            Some(state) if keep => readers.idle.push(state),
            _ => readers.open -= 1,
        }
        let wanted = readers.waiting > 0;
        drop(readers);
        if wanted {
            self.reader_back.notify_one();
        }
    }
}

/// A poisoned lock means a panic elsewhere; the state behind these locks is checked by the
/// database, so going on is safe.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Said when something the caller named is not in the bank.
pub(crate) fn absent(what: &str) -> Error {
    Error::new(Category::NotFound, format!("{what} is not in this bank"))
}
