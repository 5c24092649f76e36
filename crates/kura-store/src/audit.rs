//! Who did what, in a chain: each row's hash covers the row and the hash before it, so that a
//! row changed, removed or put in between is found by `kura audit verify`.

use std::time::{SystemTime, UNIX_EPOCH};

use kura_model::{ContentHash, RequestContext, Result};
use rusqlite::Connection;
use serde::Serialize;

use crate::error::database;

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
    let mut statement = connection
        .prepare_cached(
            "INSERT INTO audit (seq, at, actor, role, purpose, action, target, outcome, detail, hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )
        .map_err(database)?;
    for entry in entries {
        seq += 1;
        let hash = link(
            &previous,
            seq,
            entry.at,
            [
                &entry.actor,
                entry.role,
                entry.purpose,
                entry.action,
                &entry.target,
                entry.outcome,
                &entry.detail,
            ],
        );
        previous = hash.as_bytes().to_vec();
        statement
            .execute((
                seq,
                entry.at,
                &entry.actor,
                entry.role,
                entry.purpose,
                entry.action,
                &entry.target,
                entry.outcome,
                &entry.detail,
                &previous,
            ))
            .map_err(database)?;
    }
    Ok(())
}

fn head(connection: &Connection) -> Result<(i64, Vec<u8>)> {
    let mut statement = connection
        .prepare_cached("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
        .map_err(database)?;
    let mut rows = statement.query([]).map_err(database)?;
    match rows.next().map_err(database)? {
        Some(row) => Ok((row.get(0).map_err(database)?, row.get(1).map_err(database)?)),
        None => Ok((0, vec![0; 32])),
    }
}

pub(crate) fn verify(connection: &Connection, anchor: Option<ContentHash>) -> Result<AuditCheck> {
    let mut statement = connection
        .prepare("SELECT seq, at, actor, role, purpose, action, target, outcome, detail, hash FROM audit ORDER BY seq")
        .map_err(database)?;
    let mut rows = statement.query([]).map_err(database)?;
    let mut previous = vec![0; 32];
    let mut expected = 0;
    let mut broken_at = None;
    let mut anchor_found = anchor.is_none();
    while let Some(row) = rows.next().map_err(database)? {
        let row = |index| row.get_ref(index).map_err(database);
        let text = |index| -> Result<String> {
            Ok(row(index)?.as_str().unwrap_or("\u{0}not text").to_owned())
        };
        expected += 1;
        let seq = row(0)?.as_i64().unwrap_or(-1);
        let stored = row(9)?.as_blob().unwrap_or_default().to_vec();
        let fields = [
            text(2)?,
            text(3)?,
            text(4)?,
            text(5)?,
            text(6)?,
            text(7)?,
            text(8)?,
        ];
        let hash = link(
            &previous,
            seq,
            row(1)?.as_i64().unwrap_or(-1),
            fields.each_ref().map(String::as_str),
        );
        if broken_at.is_none() && (seq != expected || hash.as_bytes()[..] != stored[..]) {
            broken_at = Some(seq);
        }
        if anchor.is_some_and(|anchor| anchor.0[..] == stored[..]) {
            anchor_found = true;
        }
        previous = stored;
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

pub(crate) fn recent(connection: &Connection, limit: u32) -> Result<Vec<AuditRow>> {
    let mut statement = connection
        .prepare_cached("SELECT seq, at, actor, role, purpose, action, target, outcome, detail FROM audit ORDER BY seq DESC LIMIT ?1")
        .map_err(database)?;
    let rows = statement
        .query_map([limit], |row| {
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
        })
        .map_err(database)?;
    rows.collect::<Result<_, _>>().map_err(database)
}
