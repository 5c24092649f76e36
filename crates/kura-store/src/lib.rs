//! Where the bank keeps things: records in versions at a logical time `t`, tables to search
//! them by, blobs by content hash, jobs, refused items, and an audit trail in a hash chain.
//!
//! The store knows neither FHIR nor DICOM. It is handed bytes and index entries, and gives
//! bytes back. One [`Commit`] is one transaction: when [`Store::commit`] returns, everything in
//! it is on disk. `docs/store.md` documents the key and the value of every table.

mod audit;
mod backup;
mod blob;
mod bulk;
mod codec;
mod commit;
mod database;
mod error;
mod exclusive;
mod history;
mod job;
mod quarantine;
mod query;
mod reach;
mod read;
mod schema;
mod source;
mod store;
mod symbol;
mod write;

pub use audit::{AuditCheck, AuditEntry, AuditRow};
pub use backup::CopyOf;
pub use blob::{BlobBatch, BlobStore, BlobWriter};
pub use bulk::Bulk;
pub use commit::{Commit, CommitReceipt, Expect, IndexedBy, Outcome, Put, Within, Write};
pub use database::{Address, Database};
pub use exclusive::Guard;
pub use history::{HistoryOf, HistoryQuery, HistoryRow};
pub use job::{Job, JobState};
pub use quarantine::{ITEM_BYTES_KEPT, QuarantineRow, Quarantined};
pub use query::{
    By, Clause, Compare, Cursor, Key, Order, Page, Predicate, Query, TermMatch, TextMatch,
};
pub use reach::Reach;
pub use read::{Reader, Version};
pub use source::{Source, SourceProgress};
pub use store::{Store, Tally};

pub use kura_model::{IndexEntry, IndexValue, Seconds};
