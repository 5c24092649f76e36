//! One DICOM object from the network into the bank: what C-STORE calls.
//!
//! The object is spooled while it is hashed, its header is read, and object, blob and a note that
//! its study waits are one commit; then it is acknowledged. The `ImagingStudy` follows when the
//! sender pauses ([`settle`]), so that a series of a thousand objects does not make a thousand
//! versions of its study. A crash in between loses nothing: the note is found at the next start.

use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::io::{self, BufReader, Read as _, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use kura_dicom::{Header, Limits, file_head, read_header, same_object};
use kura_model::{
    Category, ContentHash, Error, LogicalTime, RecordKey, Refusal, RequestContext, Result,
};
use kura_store::{
    AuditEntry, BlobWriter, Commit, ITEM_BYTES_KEPT, Order, Put, Quarantined, Query, Source,
    SourceProgress, Version, Write as StoreWrite,
};
use serde_json::json;

use crate::access::{Action, authorize};
use crate::bank::file_error;
use crate::dicom_index::{self, Arrived, Update};
use crate::imaging_study::{self, Instance, NewInstance, study_id};
use crate::{Bank, imaging, kind};

/// What the sender says of an object before it sends it.
#[derive(Debug, Clone)]
pub struct Announced {
    pub sop_class_uid: String,
    pub sop_instance_uid: String,
    pub transfer_syntax_uid: String,
    /// The study it must be of, if that is said.
    pub study_uid: Option<String>,
}

/// [`Source::format`] of a sender.
pub const DICOM_NETWORK: &str = "dicom-network";

/// Where objects come from: one sender, by its application entity title.
pub struct Sender {
    source: i64,
    name: String,
}

impl Sender {
    /// The import source that stands for this sender.
    pub fn open(bank: &Bank, context: &RequestContext, ae_title: &str) -> Result<Self> {
        authorize(bank, context, Action::Import)?;
        let name = format!("dicom:{ae_title}");
        let source = bank.clinical.source_begin(&Source {
            id: 0,
            // Not a file: known by its name.
            hash: ContentHash::of(name.as_bytes()),
            name: name.clone(),
            format: DICOM_NETWORK.to_owned(),
            size: 0,
            modified: 0,
            done: false,
            position: 0,
            accepted: 0,
            unchanged: 0,
            refused: 0,
            started: 0,
            updated: 0,
            job: None,
        })?;
        Ok(Self {
            source: source.id,
            name,
        })
    }
}

/// Works out what the first study needs: when a port is opened, so that its sender need not wait.
pub fn prepare(bank: &Bank) {
    if let Ok(registry) = bank.search_parameters() {
        registry.parameters("ImagingStudy");
    }
}

/// An object that is arriving. Dropped unfinished, it leaves nothing.
pub struct Incoming {
    announced: Announced,
    writer: BlobWriter,
}

/// Where an object will lie that is not announced yet.
pub struct Place(BlobWriter);

impl Place {
    pub fn open(bank: &Bank, context: &RequestContext) -> Result<Self> {
        authorize(bank, context, Action::Import)?;
        Ok(Self(bank.clinical.blobs().writer()?))
    }
}

impl Incoming {
    /// Begins the file of an announced object; its data set follows.
    pub fn begin(bank: &Bank, place: Place, announced: Announced) -> Result<Self> {
        let mut incoming = Self {
            writer: place.0,
            announced,
        };
        let head = file_head(
            &incoming.announced.sop_class_uid,
            &incoming.announced.sop_instance_uid,
            &incoming.announced.transfer_syntax_uid,
        );
        incoming
            .write_all(&head)
            .map_err(|error| file_error(bank.folder(), error))?;
        Ok(incoming)
    }
}

impl Write for Incoming {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// The beginning of a file, as much of it as is kept of an item that is refused, and its size.
pub(crate) fn beginning(path: &Path) -> Result<(Vec<u8>, u64)> {
    let read = || {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        let mut bytes = Vec::new();
        file.take(ITEM_BYTES_KEPT as u64).read_to_end(&mut bytes)?;
        Ok((bytes, size))
    };
    read().map_err(|error| file_error(path, error))
}

/// Rule of an object that is not the one that was announced.
pub const ANNOUNCED: &str = "dicom-announced";

/// Rule of an object of another study than the one that is stored to.
pub const STUDY: &str = "dicom-study";

/// What became of an object.
#[derive(Debug)]
pub enum Stored {
    /// It is on disk, now or since before. Its study waits to be settled.
    Accepted {
        study_uid: String,
        series_uid: String,
    },
    /// It is kept aside in quarantine.
    Refused(Refusal),
}

/// Makes an object durable; when this returns `Accepted`, it is on disk.
///
/// # Errors
/// The bank could not take it: a full disk, no right. The sender keeps it.
pub fn instance_store(
    bank: &Bank,
    context: &RequestContext,
    sender: &Sender,
    incoming: Incoming,
) -> Result<Stored> {
    authorize(bank, context, Action::Import)?;
    let Incoming {
        mut writer,
        announced,
    } = incoming;
    let refuse = |path: &Path, refusal| {
        let (item, size) = beginning(path)?;
        quarantine(bank, context, sender, refusal, item, size)
    };
    let path = writer.flushed_path()?.to_owned();
    let made = object(bank, &path, &announced, writer.named())?;
    let NewInstance { mut put, facts } = match made {
        Ok(instance) => instance,
        Err(refusal) => return refuse(&path, refusal),
    };
    let (blob, blob_size) = writer.finish()?;
    let note = pending(&facts.study_uid);
    let mut compared = None;
    // From here on others wait: the sender's totals and the study's note are read and written.
    // Objects are compared while others write, and what they were compared with is looked at again.
    let (seen, known, writing) = loop {
        let writing = bank.writing()?;
        let mut seen = Seen::by(bank, &put.key, &note.key, sender)?;
        let Some(found) = seen.newest.take() else {
            break (seen, Known::New { deleted: false }, writing);
        };
        if found.deleted {
            break (seen, Known::New { deleted: true }, writing);
        }
        match compared.take() {
            Some((version, known)) if version == found.version => break (seen, known, writing),
            _ => drop(writing),
        }
        compared = Some((found.version, held(bank, found, blob)?));
    };
    let progress = one_more(seen.sender)?;
    put.source = Some((sender.source, progress.position));
    let accepted = Stored::Accepted {
        study_uid: facts.study_uid,
        series_uid: facts.series_uid,
    };
    match known {
        Known::Other => {
            drop(writing);
            return refuse(&bank.clinical.blobs().path(blob), duplicate());
        }
        Known::Same { .. } => {
            count_unchanged(bank, context, &progress, &put.key)?;
            return Ok(accepted);
        }
        // What was deleted may come again.
        Known::New { deleted } => put.once = !deleted,
    }
    let audit = AuditEntry::new(context, "instance_store", put.key.to_string());
    let mut writes = vec![StoreWrite::Put(put)];
    if !seen.noted {
        writes.push(StoreWrite::Put(note));
    }
    bank.clinical.commit(Commit {
        writes,
        blobs: vec![(blob, blob_size)],
        audit: vec![audit],
        sources: vec![progress],
        ..Commit::default()
    })?;
    Ok(accepted)
}

/// The record of an object that lies in a file, and will under the name of its bytes.
fn object(
    bank: &Bank,
    path: &Path,
    announced: &Announced,
    (blob, size): (ContentHash, u64),
) -> Result<std::result::Result<NewInstance, Refusal>> {
    let file = File::open(path).map_err(|error| file_error(path, error))?;
    let header = match read_header(BufReader::new(file), &Limits::default()) {
        Ok(header) => header,
        Err(refusal) => return Ok(Err(refusal)),
    };
    match is_other(&header, announced) {
        Some(refusal) => Ok(Err(refusal)),
        None => NewInstance::of(&header, &bank.config.hospital, blob, size, None),
    }
}

/// Whether a data set is of another object or study than was announced. PS3.7 9.1.1.1.4 and
/// PS3.4 B.2.3; PS3.18 10.5.1.
fn is_other(header: &Header, announced: &Announced) -> Option<Refusal> {
    let object = "the data set is another object than the command announced";
    let (rule, message, tag) = if header.sop_class_uid().as_ref() != Some(&announced.sop_class_uid)
    {
        (ANNOUNCED, object, "(0008,0016)")
    } else if header.sop_instance_uid().as_ref() != Some(&announced.sop_instance_uid) {
        (ANNOUNCED, object, "(0008,0018)")
    } else if announced.study_uid.is_some() && header.study_instance_uid() != announced.study_uid {
        (STUDY, "the object is of another study", "(0020,000D)")
    } else {
        return None;
    };
    Some(Refusal::new(rule, message).at_path(tag))
}

/// What the bank holds where an object is to be written.
struct Seen {
    newest: Option<Version>,
    /// That its study waits.
    noted: bool,
    sender: Option<Source>,
}

impl Seen {
    fn by(bank: &Bank, key: &RecordKey, note: &RecordKey, sender: &Sender) -> Result<Self> {
        bank.clinical.read(|reader| {
            reader.at_one_state(|reader| {
                Ok(Self {
                    newest: reader.current(key)?,
                    noted: reader.current(note)?.is_some_and(|note| !note.deleted),
                    sender: reader.source(sender.source)?,
                })
            })
        })
    }
}

/// How an object that comes stands to what the bank has.
pub(crate) enum Known {
    New {
        deleted: bool,
    },
    /// The bank has this very object, whatever way it was written; the body of its record.
    Same {
        body: Option<Vec<u8>>,
    },
    /// The bank has an object with this UID that says something else.
    Other,
}

/// Rule of an object whose UID another one has.
pub const DUPLICATE: &str = "dicom-duplicate-uid";

pub(crate) fn duplicate() -> Refusal {
    let message = "the bank has an object with this SOP Instance UID and other content";
    Refusal::new(DUPLICATE, message).at_path("(0008,0018)")
}

/// The version of a record that is the newest now.
pub(crate) fn newest(bank: &Bank, key: &RecordKey) -> Result<Option<u64>> {
    let found = bank.clinical.read(|reader| reader.current(key))?;
    Ok(found.map(|version| version.version))
}

/// PS3.5 9.1: a UID names one object for ever. `blob` is durable already. Beside the verdict the
/// version of the record it is about: it holds for as long as that is the newest.
pub(crate) fn known(
    bank: &Bank,
    key: &RecordKey,
    blob: ContentHash,
) -> Result<(Known, Option<u64>)> {
    let Some(found) = bank.clinical.read(|reader| reader.current(key))? else {
        return Ok((Known::New { deleted: false }, None));
    };
    let version = Some(found.version);
    if found.deleted {
        return Ok((Known::New { deleted: true }, version));
    }
    Ok((held(bank, found, blob)?, version))
}

/// How an object stands to the one the bank holds.
fn held(bank: &Bank, found: Version, blob: ContentHash) -> Result<Known> {
    let before = imaging::blob_of(&imaging::decode(&found.body)?)?;
    Ok(match compared(bank, before, blob) {
        Known::Same { .. } => Known::Same {
            body: Some(found.body),
        },
        other => other,
    })
}

/// Two objects with one UID.
pub(crate) fn compared(bank: &Bank, before: ContentHash, blob: ContentHash) -> Known {
    let blobs = bank.clinical.blobs();
    let path = |blob| blobs.path(blob);
    let same = before == blob
        || matches!(
            same_object(&path(before), &path(blob), &Limits::default()),
            Ok(true)
        );
    // What cannot be compared is kept apart.
    if same {
        Known::Same { body: None }
    } else {
        Known::Other
    }
}

fn count_unchanged(
    bank: &Bank,
    context: &RequestContext,
    progress: &SourceProgress,
    key: &RecordKey,
) -> Result<()> {
    bank.clinical
        .commit(Commit {
            audit: vec![AuditEntry::new(context, "instance_store", key.to_string())],
            sources: vec![SourceProgress {
                accepted: progress.accepted - 1,
                unchanged: progress.unchanged + 1,
                ..progress.clone()
            }],
            ..Commit::default()
        })
        .map(drop)
}

/// The sender's totals with one more object accepted.
fn one_more(sender: Option<Source>) -> Result<SourceProgress> {
    let source = sender.ok_or_else(|| Error::internal("the sender's source is gone"))?;
    Ok(SourceProgress {
        id: source.id,
        position: source.position + 1,
        done: false,
        accepted: source.accepted + 1,
        unchanged: source.unchanged,
        refused: source.refused,
        items: 0..0,
    })
}

pub(crate) fn quarantine(
    bank: &Bank,
    context: &RequestContext,
    sender: &Sender,
    refusal: Refusal,
    item: Vec<u8>,
    size: u64,
) -> Result<Stored> {
    let _writing = bank.writing()?;
    let progress = one_more(bank.clinical.source_by_id(sender.source)?)?;
    let audit = AuditEntry::new(context, "instance_store", "").outcome("refused");
    bank.clinical.commit(Commit {
        quarantine: vec![Quarantined {
            job: None,
            source: Some(sender.source),
            name: sender.name.clone(),
            refusal: refusal.clone(),
            item,
            item_size: size,
        }],
        sources: vec![SourceProgress {
            accepted: progress.accepted - 1,
            refused: progress.refused + 1,
            ..progress
        }],
        audit: vec![audit],
        ..Commit::default()
    })?;
    Ok(Stored::Refused(refusal))
}

/// The note that a study waits.
fn pending(study_uid: &str) -> Put {
    Put::plain(
        RecordKey::new(kind::PENDING_STUDY, study_id(study_uid)),
        json!({ "study": study_uid }).to_string().into_bytes(),
    )
}

/// Notes that these studies wait, where that is not noted yet. The caller holds
/// [`Bank::writing`], and writes the objects after it: a crash in between leaves a note too many.
pub(crate) fn note<'s>(bank: &Bank, studies: impl Iterator<Item = &'s str>) -> Result<()> {
    let mut writes = Vec::new();
    let mut seen = HashSet::new();
    for study in studies.filter(|study| seen.insert(*study)) {
        let note = pending(study);
        if !waits(bank, &note.key)? {
            writes.push(StoreWrite::Put(note));
        }
    }
    if writes.is_empty() {
        return Ok(());
    }
    bank.clinical
        .commit(Commit {
            writes,
            ..Commit::default()
        })
        .map(drop)
}

/// Objects of one study read at a time.
const STEP: u32 = 1_000;

/// Brings what is known of a study up to date with the objects that were stored: its records of
/// [`crate::dicom_index`] and its `ImagingStudy`, in one transaction. Nothing happens if it does
/// not wait.
pub fn settle(bank: &Bank, context: &RequestContext, study_uid: &str) -> Result<()> {
    authorize(bank, context, Action::Import)?;
    settle_waiting(bank, context, study_uid)
}

fn waits(bank: &Bank, key: &RecordKey) -> Result<bool> {
    Ok(bank
        .clinical
        .read(|reader| reader.current(key))?
        .is_some_and(|version| !version.deleted))
}

/// The same for whoever reads the study and would miss what has just arrived.
pub(crate) fn settle_waiting(bank: &Bank, context: &RequestContext, study_uid: &str) -> Result<()> {
    let key = RecordKey::new(kind::PENDING_STUDY, study_id(study_uid));
    if !waits(bank, &key)? {
        return Ok(());
    }
    let _writing = bank.writing()?;
    settle_writing(bank, context, study_uid)
}

/// The same for a caller that holds [`Bank::writing`].
pub(crate) fn settle_writing(bank: &Bank, context: &RequestContext, study_uid: &str) -> Result<()> {
    let key = RecordKey::new(kind::PENDING_STUDY, study_id(study_uid));
    if !waits(bank, &key)? {
        return Ok(());
    }
    let known = dicom_index::study(bank, study_uid)?;
    let since = known.map_or(LogicalTime(0), |study| study.settled);
    let done = update(bank, context, study_uid, since);
    if done.is_err() && since > LogicalTime(0) {
        // What the study has can be made of its objects again, should a block be damaged.
        tracing::warn!("a study could not be brought up to date; its records are made anew");
        return update(bank, context, study_uid, LogicalTime(0));
    }
    done
}

/// Objects of a study written after a time, oldest first, and the import source of one of them.
type New = (Vec<Arrived>, Option<(i64, u64)>);

fn written_after(bank: &Bank, study_uid: &str, since: LogicalTime) -> Result<New> {
    let mut query = imaging::of_study(study_uid);
    query.order = Order::StoredDescending;
    let mut arrived = Vec::new();
    let mut source = None;
    let mut after = None;
    'pages: loop {
        let page = bank
            .clinical
            .read(|reader| reader.search(&query, after.as_ref(), STEP))?;
        for version in page.versions {
            if version.t <= since {
                break 'pages;
            }
            let record = imaging::decode(&version.body)?;
            source = source.or(version.source);
            arrived.push(Arrived {
                uid: version.key.id,
                record,
            });
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    arrived.reverse();
    Ok((arrived, source))
}

/// The caller holds [`Bank::writing`].
fn update(
    bank: &Bank,
    context: &RequestContext,
    study_uid: &str,
    since: LogicalTime,
) -> Result<()> {
    let key = RecordKey::new(kind::PENDING_STUDY, study_id(study_uid));
    let mut writes = vec![StoreWrite::Delete(key)];
    let now = bank.clinical.now()?;
    let (arrived, source) = written_after(bank, study_uid, since)?;
    let mut blobs = Vec::new();
    if !arrived.is_empty() {
        let hospital = &bank.config.hospital;
        let instances: Vec<Instance> = arrived
            .iter()
            .map(|one| Instance::of_record(&one.uid, &one.record, hospital))
            .collect();
        let put = imaging_study::put_study(bank, study_uid, &instances, source)?;
        writes.push(StoreWrite::Put(put));
        let anew = since == LogicalTime(0);
        let index = dicom_index::update(bank, study_uid, &arrived, now, anew)?;
        writes.extend(index.writes);
        blobs = index.blobs;
    }
    let audit = AuditEntry::new(
        context,
        "study_settle",
        format!("ImagingStudy/{}", study_id(study_uid)),
    );
    bank.clinical
        .commit(Commit {
            writes,
            blobs,
            audit: vec![audit],
            ..Commit::default()
        })
        .map(drop)
}

/// What the records of a study become without these objects. The caller holds [`Bank::writing`].
pub(crate) fn without(bank: &Bank, study_uid: &str, gone: &BTreeSet<String>) -> Result<Update> {
    let now = bank.clinical.now()?;
    let (mut stay, _) = written_after(bank, study_uid, LogicalTime(0))?;
    stay.retain(|one| !gone.contains(&one.uid));
    dicom_index::update(bank, study_uid, &stay, now, true)
}

/// Mark of a bank all of whose studies have their records of [`crate::dicom_index`].
const INDEXED: &str = "dicom:index";

/// Makes a note of every study of a bank that an older release filled.
fn note_unindexed(bank: &Bank) -> Result<()> {
    if bank.clinical.mark(INDEXED)?.is_some() {
        return Ok(());
    }
    let query = Query::all(kind::DICOM_INSTANCE);
    let mut noted = HashSet::new();
    let mut after = None;
    loop {
        let page = bank
            .clinical
            .read(|reader| reader.search(&query, after.as_ref(), STEP))?;
        let mut writes = Vec::new();
        for version in page.versions {
            let record = imaging::decode(&version.body)?;
            if let Some(uid) = imaging_study::attribute::text(&record["header"], "0020000D")
                && noted.insert(uid.clone())
            {
                writes.push(StoreWrite::Put(pending(&uid)));
            }
        }
        if !writes.is_empty() {
            let _writing = bank.writing()?;
            bank.clinical.commit(Commit {
                writes,
                ..Commit::default()
            })?;
        }
        after = page.next;
        if after.is_none() {
            return bank.clinical.begin_mark(INDEXED, "1");
        }
    }
}

/// When studies that keep growing are settled: every few seconds, and less often where it takes
/// long, so that it is a small part of the whole.
pub struct Settling {
    last: Instant,
    pause: Duration,
}

/// The shortest pause.
const PAUSE: Duration = Duration::from_secs(5);

impl Settling {
    pub fn begin() -> Self {
        Self {
            last: Instant::now(),
            pause: PAUSE,
        }
    }

    pub fn is_due(&self) -> bool {
        self.last.elapsed() > self.pause
    }

    /// Settles by `work`, and notes how long that took.
    pub fn settle<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let done = work();
        self.last = Instant::now();
        self.pause = PAUSE.max(begun.elapsed() * 10);
        done
    }

    /// Settles every study that waits, if it is time.
    pub fn now_and_then(&mut self, bank: &Bank, context: &RequestContext) -> Result<()> {
        if self.is_due() {
            self.settle(|| settle_all(bank, context))?;
        }
        Ok(())
    }
}

/// Settles every study that waits: what a crash left.
pub fn settle_all(bank: &Bank, context: &RequestContext) -> Result<u64> {
    authorize(bank, context, Action::Import)?;
    note_unindexed(bank)?;
    let mut settled = 0;
    // Those that wait now: who goes on sending settles its own.
    let query = Query::all(kind::PENDING_STUDY);
    let mut after = None;
    loop {
        let page = bank
            .clinical
            .read(|reader| reader.search(&query, after.as_ref(), STEP))?;
        for version in page.versions {
            let note = imaging::decode(&version.body)?;
            let study = note["study"].as_str().unwrap_or_default();
            match settle(bank, context, study) {
                Ok(()) => settled += 1,
                // The others can be; its note stays.
                Err(error) if error.category == Category::Internal => {
                    tracing::error!(error = ?error, "a study could not be brought up to date");
                }
                Err(error) => return Err(error),
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(settled);
        }
    }
}
