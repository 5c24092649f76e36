//! What one transaction holds: records with their index rows, blobs, audit, refused items, import
//! progress. [`crate::write`] writes it.

use std::sync::Arc;

use kura_model::{ContentHash, LogicalTime, RecordKey};

use crate::IndexEntry;
use crate::audit::AuditEntry;
use crate::job::Job;
use crate::quarantine::Quarantined;
use crate::reach::Reach;
use crate::source::SourceProgress;

/// Everything that is to become durable together.
#[derive(Default)]
pub struct Commit {
    /// What must hold first, seen by the writer itself: nobody can write in between.
    pub expect: Vec<Expect>,
    /// Whose records may be written; everybody's if absent.
    pub within: Option<Within>,
    pub writes: Vec<Write>,
    /// Blobs these writes name, already durable in the [`crate::BlobStore`], with their sizes.
    pub blobs: Vec<(ContentHash, u64)>,
    pub audit: Vec<AuditEntry>,
    pub quarantine: Vec<Quarantined>,
    pub sources: Vec<SourceProgress>,
    pub jobs: Vec<Job>,
}

/// If one of these writes is not within reach, nothing is written and the error's category is
/// [`Category::Forbidden`].
#[derive(Debug, Clone)]
pub struct Within {
    pub reach: Arc<Reach>,
    /// So many writes, from the first: what follows is the bank's own doing.
    pub writes: usize,
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
    /// What these entries were made by, if that can change.
    pub indexed_by: Option<IndexedBy>,
    /// Whose record it is: the patients whose compartment it belongs to.
    pub owners: Vec<RecordKey>,
    pub blobs: Vec<ContentHash>,
    /// Import source and 1-based line (or item number) it came from.
    pub source: Option<(i64, u64)>,
    /// Do not bring back a version that has been replaced: a put whose bytes equal any older
    /// version of the record is left out. Imports of the same files in another order set it.
    pub once: bool,
}

impl Put {
    /// A record nobody searches, that belongs to nobody.
    pub fn plain(key: RecordKey, body: Vec<u8>) -> Self {
        Self {
            key,
            body,
            index: Vec::new(),
            indexed_by: None,
            owners: Vec::new(),
            blobs: Vec::new(),
            source: None,
            once: false,
        }
    }
}

/// The index entries of a [`Put`] follow definitions that are records too. If there are more
/// versions of them by the time of the commit, the record is written all the same, and the mark
/// `behind` says in the same transaction that records are to be indexed anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexedBy {
    /// The kind of the definitions.
    pub kind: &'static str,
    /// How many versions of them were known.
    pub versions: u64,
    pub behind: &'static str,
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

impl Outcome {
    /// Whether there is a new version.
    pub fn is_change(self) -> bool {
        matches!(self, Self::Created | Self::Updated { .. } | Self::Deleted)
    }
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
