//! Long work: what runs, what ran, and how it ended.

use kura_model::Result;
use serde::Serialize;

use crate::database::{Connection, values};

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
    connection.one(
        "INSERT INTO job (kind, state, started, updated, actor, detail) VALUES (?1, 'running', ?2, ?2, ?3, ?4) RETURNING job",
        values![kind, now, actor, detail],
        |row| row.get(0),
    )
}

pub(crate) fn update(connection: &Connection, now: i64, job: &Job) -> Result<()> {
    connection
        .execute(
            "UPDATE job SET state = ?2, updated = ?3, detail = ?4 WHERE job = ?1",
            values![job.id, job.state.as_str(), now, &job.detail[..]],
        )
        .map(drop)
}

pub(crate) fn list(connection: &Connection, limit: u32) -> Result<Vec<Job>> {
    connection.rows(
        "SELECT job, kind, state, started, updated, actor, detail FROM job ORDER BY job DESC LIMIT ?1",
        values![limit],
        |row| {
            Ok(Job {
                id: row.get(0)?,
                kind: row.get(1)?,
                state: JobState::parse(&row.get::<String>(2)?),
                started: row.get(3)?,
                updated: row.get(4)?,
                actor: row.get(5)?,
                detail: row.get(6)?,
            })
        },
    )
}
