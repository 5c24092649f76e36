//! Items an import refused: kept aside with their reason.

use kura_model::{Refusal, Result};
use serde::Serialize;

use crate::database::{Connection, Row, values};

/// Bytes of a refused item kept. The file it came from is named beside it; a longer item is
/// kept up to here, and its full size is told.
pub const ITEM_BYTES_KEPT: usize = 1024 * 1024;

pub struct Quarantined {
    pub job: Option<i64>,
    pub source: Option<i64>,
    /// The file, as the operator named it (and the member, inside an archive).
    pub name: String,
    pub refusal: Refusal,
    /// The item's bytes, or its beginning.
    pub item: Vec<u8>,
    /// How long the item really is, in bytes.
    pub item_size: u64,
}

#[derive(Debug, Clone, Serialize)]
pub struct QuarantineRow {
    pub id: i64,
    /// Milliseconds since 1970.
    pub at: i64,
    pub job: Option<i64>,
    pub source: Option<i64>,
    pub name: String,
    #[serde(flatten)]
    pub refusal: Refusal,
    pub item_size: u64,
}

pub(crate) fn insert(connection: &Connection, t: i64, at: i64, item: &Quarantined) -> Result<()> {
    let kept = &item.item[..item.item.len().min(ITEM_BYTES_KEPT)];
    let location = &item.refusal.location;
    connection
        .execute(
            "INSERT INTO quarantine (t, at, job, source, name, rule, message, line, byte, path, item, item_size)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            values![
                t,
                at,
                item.job,
                item.source,
                &item.name[..],
                &*item.refusal.rule,
                &*item.refusal.message,
                location.line.map(|line| line as i64),
                location.byte.map(|byte| byte as i64),
                location.path.as_deref(),
                kept,
                item.item_size as i64,
            ],
        )
        .map(drop)
}

const COLUMNS: &str =
    "quarantine, at, job, source, name, rule, message, line, byte, path, item_size";

fn read(row: &Row<'_>) -> Result<QuarantineRow> {
    Ok(QuarantineRow {
        id: row.get(0)?,
        at: row.get(1)?,
        job: row.get(2)?,
        source: row.get(3)?,
        name: row.get(4)?,
        refusal: Refusal {
            rule: row.get(5)?,
            message: row.get(6)?,
            location: kura_model::Location {
                line: row.get::<Option<i64>>(7)?.map(|line| line as u64),
                byte: row.get::<Option<i64>>(8)?.map(|byte| byte as u64),
                path: row.get(9)?,
            },
        },
        item_size: row.get::<i64>(10)? as u64,
    })
}

pub(crate) fn list(
    connection: &Connection,
    job: Option<i64>,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<QuarantineRow>> {
    connection.rows(
        &format!(
            "SELECT {COLUMNS} FROM quarantine
             WHERE (?1 IS NULL OR job = ?1) AND (?2 IS NULL OR quarantine < ?2) ORDER BY quarantine DESC LIMIT ?3"
        ),
        values![job, before, limit],
        read,
    )
}

/// What was refused of one source, in the order of its items; `after` is the id of the last one.
pub(crate) fn of_source(
    connection: &Connection,
    source: i64,
    after: i64,
    limit: u32,
) -> Result<Vec<QuarantineRow>> {
    connection.rows(
        &format!(
            "SELECT {COLUMNS} FROM quarantine WHERE source = ?1 AND quarantine > ?2 ORDER BY quarantine LIMIT ?3"
        ),
        values![source, after, limit],
        read,
    )
}

pub(crate) fn count(connection: &Connection) -> Result<u64> {
    connection
        .one("SELECT count(*) FROM quarantine", &[], |row| {
            row.get::<i64>(0)
        })
        .map(|count| count as u64)
}

pub(crate) fn item(connection: &Connection, id: i64) -> Result<Option<Vec<u8>>> {
    connection.first(
        "SELECT item FROM quarantine WHERE quarantine = ?1",
        values![id],
        |row| row.get(0),
    )
}
