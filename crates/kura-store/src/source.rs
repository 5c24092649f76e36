//! The files an import has met: by content, so that a renamed copy is known, and how far it got,
//! so that an interrupted import goes on where it stopped.

use std::ops::Range;

use kura_model::{ContentHash, Result};
use serde::Serialize;

use crate::commit::Outcome;
use crate::database::{Connection, Row, values};

#[derive(Debug, Clone, Serialize)]
pub struct Source {
    pub id: i64,
    pub hash: ContentHash,
    /// The path the operator gave.
    pub name: String,
    pub format: String,
    pub size: u64,
    /// Modification time of the file, nanoseconds since 1970.
    pub modified: i64,
    pub done: bool,
    /// Items (lines, files, receipts) wholly dealt with.
    pub position: u64,
    pub accepted: u64,
    pub unchanged: u64,
    pub refused: u64,
    pub started: i64,
    pub updated: i64,
    pub job: Option<i64>,
}

/// How far an import of a source has come. Written in the commit that carries the items.
#[derive(Debug, Clone)]
pub struct SourceProgress {
    pub id: i64,
    pub position: u64,
    pub done: bool,
    pub accepted: u64,
    pub unchanged: u64,
    pub refused: u64,
    /// Which writes of this commit are its items: what they come to is added to `accepted` and
    /// `unchanged`, for who writes them does not know it before.
    pub items: Range<usize>,
}

const COLUMNS: &str = "source, hash, name, format, size, modified, done, position, accepted, unchanged, refused, started, updated, job";

fn read(row: &Row<'_>) -> Result<Source> {
    Ok(Source {
        id: row.get(0)?,
        hash: ContentHash(row.get(1)?),
        name: row.get(2)?,
        format: row.get(3)?,
        size: row.get::<i64>(4)? as u64,
        modified: row.get(5)?,
        done: row.get(6)?,
        position: row.get::<i64>(7)? as u64,
        accepted: row.get::<i64>(8)? as u64,
        unchanged: row.get::<i64>(9)? as u64,
        refused: row.get::<i64>(10)? as u64,
        started: row.get(11)?,
        updated: row.get(12)?,
        job: row.get(13)?,
    })
}

/// `outcomes` are those of the commit's writes.
pub(crate) fn update(
    connection: &Connection,
    now: i64,
    progress: &SourceProgress,
    outcomes: &[Outcome],
) -> Result<()> {
    let items = outcomes.get(progress.items.clone()).unwrap_or_default();
    let changes = items.iter().filter(|outcome| outcome.is_change()).count();
    connection
        .execute(
            "UPDATE source SET position = ?2, done = ?3, accepted = ?4, unchanged = ?5, refused = ?6, updated = ?7 WHERE source = ?1",
            values![
                progress.id,
                progress.position as i64,
                progress.done,
                (progress.accepted + changes as u64) as i64,
                (progress.unchanged + (items.len() - changes) as u64) as i64,
                progress.refused as i64,
                now,
            ],
        )
        .map(drop)
}

/// Finds the source with these bytes, or notes that it begins.
pub(crate) fn begin(connection: &Connection, now: i64, new: &Source) -> Result<Source> {
    connection.execute(
        "INSERT INTO source (hash, name, format, size, modified, done, position, accepted, unchanged, refused, started, updated, job)
         VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, 0, 0, 0, ?6, ?6, ?7)
         ON CONFLICT (hash) DO UPDATE SET name = ?2, modified = ?5, job = ?7",
        values![
            &new.hash.0[..],
            &new.name[..],
            &new.format[..],
            new.size as i64,
            new.modified,
            now,
            new.job,
        ],
    )?;
    by_hash(connection, new.hash)?.ok_or_else(|| {
        kura_model::Error::internal("an import source was written and cannot be read back")
    })
}

pub(crate) fn by_hash(connection: &Connection, hash: ContentHash) -> Result<Option<Source>> {
    connection.first(
        &format!("SELECT {COLUMNS} FROM source WHERE hash = ?1"),
        values![&hash.0[..]],
        read,
    )
}

/// A finished source with this path, size and time of change needs no second look.
pub(crate) fn finished(
    connection: &Connection,
    name: &str,
    size: u64,
    modified: i64,
) -> Result<Option<Source>> {
    connection.first(
        &format!(
            "SELECT {COLUMNS} FROM source WHERE name = ?1 AND size = ?2 AND modified = ?3 AND done = 1 LIMIT 1"
        ),
        values![name, size as i64, modified],
        read,
    )
}

pub(crate) fn list(connection: &Connection, limit: u32) -> Result<Vec<Source>> {
    connection.rows(
        &format!("SELECT {COLUMNS} FROM source ORDER BY updated DESC, source DESC LIMIT ?1"),
        values![limit],
        read,
    )
}

pub(crate) fn by_id(connection: &Connection, id: i64) -> Result<Option<Source>> {
    connection.first(
        &format!("SELECT {COLUMNS} FROM source WHERE source = ?1"),
        values![id],
        read,
    )
}
