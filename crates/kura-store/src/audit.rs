//! Who did what, in a chain: each row's hash covers the row and the hash before it, so that a
//! row changed, removed or put in between is found by `kura audit verify`.

use std::time::{SystemTime, UNIX_EPOCH};

use kura_model::{ContentHash, RequestContext, Result};
use serde::Serialize;

use crate::database::{Column, Connection, Row, values};

/// One thing done, to be written with the commit it belongs to, or soon after a read.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    /// Milliseconds since 1970.
    pub at: i64,
    pub actor: String,
    pub role: &'static str,
    pub purpose: &'static str,
    /// The service function: `fhir_read`, `import`, `dataset_build`.
    pub action: &'static str,
    /// An id of ours (`Patient/pt-1`), or empty. Never a patient's own identifier.
    pub target: String,
    /// `ok`, `refused`, `failed`.
    pub outcome: &'static str,
    /// A few words or JSON of ours; never values of a patient.
    pub detail: String,
}

impl AuditEntry {
    pub fn new(context: &RequestContext, action: &'static str, target: impl Into<String>) -> Self {
        Self {
            at: now_millis(),
            actor: context.actor.name.clone(),
            role: context.actor.role.as_str(),
            purpose: context.purpose.code(),
            action,
            target: target.into(),
            outcome: "ok",
            detail: String::new(),
        }
    }

    pub fn outcome(mut self, outcome: &'static str) -> Self {
        self.outcome = outcome;
        self
    }

    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }
}

/// A row as read back.
#[derive(Debug, Clone, Serialize)]
pub struct AuditRow {
    pub seq: i64,
    pub at: i64,
    pub actor: String,
    pub role: String,
    pub purpose: String,
    pub action: String,
    pub target: String,
    pub outcome: String,
    pub detail: String,
}

/// What a walk along the chain found.
#[derive(Debug, Clone, Serialize)]
pub struct AuditCheck {
    pub rows: u64,
    /// Hash of the last row: note it elsewhere, and a chain cut short can be told.
    pub head: ContentHash,
    /// The first row that does not fit, if any.
    pub broken_at: Option<i64>,
    /// Whether the head given by the caller occurs in the chain (true when none was given).
    pub anchor_found: bool,
}

pub(crate) fn now_millis() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_millis() as i64)
}

#[allow(clippy::too_many_arguments, reason = "the columns of one row")]
fn link(previous: &[u8], seq: i64, at: i64, fields: [&str; 7]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(previous);
    hasher.update(&seq.to_le_bytes());
    hasher.update(&at.to_le_bytes());
    for field in fields {
        // Lengths keep two rows with differently split fields apart.
        hasher.update(&(field.len() as u64).to_le_bytes());
        hasher.update(field.as_bytes());
    }
    hasher.finalize()
}

/// Appends inside the caller's transaction.
pub(crate) fn append(connection: &Connection, entries: &[AuditEntry]) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let (mut seq, mut previous) = head(connection)?;
    let dialect = connection.dialect();
    // The chain is over what is kept.
    let kept: Vec<[std::borrow::Cow<'_, str>; 7]> = entries
        .iter()
        .map(|entry| {
            [
                &entry.actor[..],
                entry.role,
                entry.purpose,
                entry.action,
                &entry.target,
                entry.outcome,
                &entry.detail,
            ]
            .map(|field| dialect.text(field))
        })
        .collect();
    let first = seq + 1;
    let mut hashes = Vec::with_capacity(entries.len());
    for (entry, fields) in entries.iter().zip(&kept) {
        seq += 1;
        let hash = link(
            &previous,
            seq,
            entry.at,
            fields.each_ref().map(|field| &**field),
        );
        previous = hash.as_bytes().to_vec();
        hashes.push(hash);
    }
    let field = |number: usize| Column::Texts(kept.iter().map(|row| &*row[number]).collect());
    connection.insert(
        "audit",
        &[
            ("seq", Column::Integers((first..=seq).collect())),
            (
                "at",
                Column::Integers(entries.iter().map(|entry| entry.at).collect()),
            ),
            ("actor", field(0)),
            ("role", field(1)),
            ("purpose", field(2)),
            ("action", field(3)),
            ("target", field(4)),
            ("outcome", field(5)),
            ("detail", field(6)),
            (
                "hash",
                Column::Blobs(hashes.iter().map(|hash| &hash.as_bytes()[..]).collect()),
            ),
        ],
        false,
    )
}

fn head(connection: &Connection) -> Result<(i64, Vec<u8>)> {
    connection
        .first(
            "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1",
            &[],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .map(|found| found.unwrap_or((0, vec![0; 32])))
}

/// Rows of the chain that are held in memory at a time.
const WALK: i64 = 10_000;

pub(crate) fn verify(connection: &Connection, anchor: Option<ContentHash>) -> Result<AuditCheck> {
    let mut previous = vec![0; 32];
    let mut expected = 0;
    let mut broken_at = None;
    let mut anchor_found = anchor.is_none();
    let mut after = i64::MIN;
    loop {
        let rows = connection.rows(
            "SELECT seq, at, actor, role, purpose, action, target, outcome, detail, hash FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2",
            values![after, WALK],
            stored,
        )?;
        for (seq, at, fields, stored) in &rows {
            expected += 1;
            let hash = link(&previous, *seq, *at, fields.each_ref().map(String::as_str));
            if broken_at.is_none() && (*seq != expected || hash.as_bytes()[..] != stored[..]) {
                broken_at = Some(*seq);
            }
            if anchor.is_some_and(|anchor| anchor.0[..] == stored[..]) {
                anchor_found = true;
            }
            previous.clone_from(stored);
        }
        match rows.last() {
            Some((seq, ..)) => after = *seq,
            None => break,
        }
    }
    let mut head = [0; 32];
    if previous.len() == 32 {
        head.copy_from_slice(&previous);
    }
    Ok(AuditCheck {
        rows: expected as u64,
        head: ContentHash(head),
        broken_at,
        anchor_found,
    })
}

/// A row as it lies there. SQLite lets a column hold anything; what is not of the column's type
/// is not what was hashed.
#[allow(clippy::type_complexity, reason = "the columns of one row")]
fn stored(row: &Row<'_>) -> Result<(i64, i64, [String; 7], Vec<u8>)> {
    let text = |column| -> String {
        row.get(column)
            .unwrap_or_else(|_| "\u{0}not text".to_owned())
    };
    Ok((
        row.get(0).unwrap_or(-1),
        row.get(1).unwrap_or(-1),
        [2, 3, 4, 5, 6, 7, 8].map(text),
        row.get(9).unwrap_or_default(),
    ))
}

pub(crate) fn recent(connection: &Connection, limit: u32) -> Result<Vec<AuditRow>> {
    connection.rows(
        "SELECT seq, at, actor, role, purpose, action, target, outcome, detail FROM audit ORDER BY seq DESC LIMIT ?1",
        values![limit],
        |row| {
            Ok(AuditRow {
                seq: row.get(0)?,
                at: row.get(1)?,
                actor: row.get(2)?,
                role: row.get(3)?,
                purpose: row.get(4)?,
                action: row.get(5)?,
                target: row.get(6)?,
                outcome: row.get(7)?,
                detail: row.get(8)?,
            })
        },
    )
}
