//! Long work: what runs, what ran, and how it ended.

use kura_model::Result;
use rusqlite::Connection;
use serde::Serialize;

use crate::error::database;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    Running,
    Done,
    Failed,
    Interrupted,
}

impl JobState {
    pub fn as_str(self) -> &'static str {
        match self {
            JobState::Running => "running",
            JobState::Done => "done",
            JobState::Failed => "failed",
            JobState::Interrupted => "interrupted",
        }
    }

    fn parse(text: &str) -> Self {
        match text {
            "running" => JobState::Running,
            "done" => JobState::Done,
            "interrupted" => JobState::Interrupted,
            _ => JobState::Failed,
        }
    }
}

#[derive(Debug, Clone, Serialize)]
pub struct Job {
    pub id: i64,
    pub kind: String,
    pub state: JobState,
    pub started: i64,
    pub updated: i64,
    pub actor: String,
    /// JSON, by kind of job.
    pub detail: String,
}

pub(crate) fn begin(
    connection: &Connection,
    now: i64,
    kind: &str,
    actor: &str,
    detail: &str,
) -> Result<i64> {
    connection
        .prepare_cached("INSERT INTO job (kind, state, started, updated, actor, detail) VALUES (?1, 'running', ?2, ?2, ?3, ?4)")
        .and_then(|mut statement| statement.insert((kind, now, actor, detail)))
        .map_err(database)
}

pub(crate) fn update(connection: &Connection, now: i64, job: &Job) -> Result<()> {
    connection
        .prepare_cached("UPDATE job SET state = ?2, updated = ?3, detail = ?4 WHERE job = ?1")
        .and_then(|mut statement| statement.execute((job.id, job.state.as_str(), now, &job.detail)))
        .map_err(database)
        .map(drop)
}

pub(crate) fn list(connection: &Connection, limit: u32) -> Result<Vec<Job>> {
    let mut statement = connection
        .prepare_cached("SELECT job, kind, state, started, updated, actor, detail FROM job ORDER BY job DESC LIMIT ?1")
        .map_err(database)?;
    let rows = statement
        .query_map([limit], |row| {
            Ok(Job {
                id: row.get(0)?,
                kind: row.get(1)?,
                state: JobState::parse(&row.get::<_, String>(2)?),
                started: row.get(3)?,
                updated: row.get(4)?,
                actor: row.get(5)?,
                detail: row.get(6)?,
            })
        })
        .map_err(database)?;
    rows.collect::<Result<_, _>>().map_err(database)
}
