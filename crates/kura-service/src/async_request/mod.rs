//! Work that is asked for, done by a thread, and asked after: exports and imports in bulk.
//! FHIR R4 async.html.
//!
//! A request is a folder under `clinical/exports` or `clinical/imports`: `asked.json`, files, and
//! at the end `manifest.json` or `error.json`. A server that was stopped in the middle goes on
//! with it, as of the same `t`. What is finished is taken away a day later.

mod asked_after;
mod folder;

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use kura_model::{Actor, Category, Error, LogicalTime, PurposeOfUse, RequestContext, Result};
use kura_store::{AuditEntry, Commit};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::access::Action;
use crate::bank::file_error;
use crate::{Bank, bulk_import, export, view_definition};

pub use asked_after::{Status, cancel, file, status};
pub(crate) use folder::{Place, private, write_whole};

/// How long what is finished is kept.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// Requests that share a place, a right and an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Export,
    Import,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Export, Self::Import];

    fn home(self, bank: &Bank) -> PathBuf {
        bank.folder().join("clinical").join(match self {
            Self::Export => "exports",
            Self::Import => "imports",
        })
    }

    fn action(self) -> Action {
        match self {
            Self::Export => Action::ExportClinical,
            Self::Import => Action::Import,
        }
    }

    /// How many one server does at a time.
    fn at_once(self) -> usize {
        match self {
            Self::Export => 2,
            // They read one after the other, and fetch side by side.
            Self::Import => 4,
        }
    }

    fn absent(self) -> Error {
        Error::not_found(match self {
            Self::Export => "there is no such export",
            Self::Import => "there is no such import",
        })
    }

    /// What the audit trail calls it: that it was begun, given up, or one of its files taken.
    fn audited(self) -> [&'static str; 3] {
        match self {
            Self::Export => ["bulk_export", "bulk_export_cancel", "bulk_export_file"],
            Self::Import => ["bulk_import", "bulk_import_cancel", "bulk_import_file"],
        }
    }
}

/// What was asked for.
#[derive(Serialize, Deserialize)]
pub(crate) enum Asked {
    Bulk(export::Asked),
    Views(view_definition::export::Asked),
    Import(bulk_import::Asked),
}

impl Asked {
    fn kind(&self) -> Kind {
        match self {
            Self::Bulk(_) | Self::Views(_) => Kind::Export,
            Self::Import(_) => Kind::Import,
        }
    }

    /// Does the work; the manifest. Nothing, if it was cancelled.
    fn write(&self, task: &Task<'_>) -> Result<Option<Value>> {
        match self {
            Self::Bulk(asked) => export::write(task, asked),
            Self::Views(asked) => view_definition::export::write(task, asked),
            Self::Import(asked) => bulk_import::write(task, asked),
        }
    }

    /// Takes away what is no longer needed once it has ended.
    fn tidy(&self, folder: &Path) {
        if let Self::Import(asked) = self {
            bulk_import::tidy(folder, asked);
        }
    }

    /// What is told of it while it goes on, besides its progress.
    fn running(&self, id: &str, begun: &Begun) -> Option<Value> {
        match self {
            Self::Bulk(_) | Self::Import(_) => None,
            Self::Views(asked) => Some(asked.accepted(id, "in-progress", Some(begun.at))),
        }
    }
}

/// What is kept of a request beside its files.
#[derive(Serialize, Deserialize)]
struct Begun {
    asked: Asked,
    actor: Actor,
    purpose: PurposeOfUse,
    t: LogicalTime,
    /// Milliseconds since 1970.
    at: i64,
}

/// A request while it is being done.
pub(crate) struct Task<'a> {
    pub(crate) bank: &'a Bank,
    pub(crate) folder: &'a Path,
    pub(crate) id: &'a str,
    /// The time of the request: what was written later is no part of an export.
    pub(crate) t: LogicalTime,
    /// When it was asked for, milliseconds since 1970.
    pub(crate) at: i64,
    /// Who asked.
    pub(crate) context: RequestContext,
    progress: &'a Progress,
}

impl Task<'_> {
    pub(crate) fn cancelled(&self) -> bool {
        self.progress.cancelled.load(Ordering::Acquire)
    }

    pub(crate) fn cancel_flag(&self) -> &AtomicBool {
        &self.progress.cancelled
    }

    /// Says how far it is: fewer than 100 characters, for `X-Progress`.
    pub(crate) fn say(&self, how_far: String) {
        *self.progress.said() = how_far;
    }

    /// A file of the request's folder, readable by nobody else.
    pub(crate) fn create(&self, name: &str) -> Result<File> {
        let path = self.folder.join(name);
        private(&path).map_err(|error| file_error(&path, error))
    }
}

struct Progress {
    kind: Kind,
    said: Mutex<String>,
    cancelled: AtomicBool,
}

impl Progress {
    fn said(&self) -> std::sync::MutexGuard<'_, String> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The requests this process is working on, by folder.
static RUNNING: LazyLock<Mutex<HashMap<PathBuf, Arc<Progress>>>> = LazyLock::new(Mutex::default);

fn running() -> std::sync::MutexGuard<'static, HashMap<PathBuf, Arc<Progress>>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Refuses one request too many. Bulk Data Access 2.0, Response - Error: the client is to come
/// again later.
pub(crate) fn room(kind: Kind) -> Result<()> {
    let same = running()
        .values()
        .filter(|progress| progress.kind == kind)
        .count();
    if same < kind.at_once() {
        return Ok(());
    }
    Err(Error::new(
        Category::Exhausted,
        "other requests of this kind are being worked on; try again when they are done",
    )
    .coded("throttled"))
}

/// Begins the work on what was checked and authorised; its id. `detail` goes to the audit trail.
pub(crate) fn begin(
    bank: &Arc<Bank>,
    context: &RequestContext,
    asked: Asked,
    t: LogicalTime,
    detail: String,
) -> Result<String> {
    room(asked.kind())?;
    let place = Place::make(bank, asked.kind())?;
    let id = place.id.clone();
    let folder = place.folder.clone();
    if let Err(error) = begin_in(bank, context, place, asked, t, detail) {
        // What was refused is not done by the next start of the server.
        let _ = fs::remove_dir_all(folder);
        return Err(error);
    }
    Ok(id)
}

/// The same, in a folder that may have files already.
pub(crate) fn begin_in(
    bank: &Arc<Bank>,
    context: &RequestContext,
    place: Place,
    asked: Asked,
    t: LogicalTime,
    detail: String,
) -> Result<()> {
    let begun = Begun {
        asked,
        actor: context.actor.clone(),
        purpose: context.purpose,
        t,
        at: now(),
    };
    let text = serde_json::to_vec(&begun)
        .map_err(|error| Error::internal("a request cannot be written").because(error))?;
    write_whole(&place.folder, "asked.json", &text)?;
    let [action, ..] = begun.asked.kind().audited();
    bank.clinical.commit(Commit {
        audit: vec![AuditEntry::new(context, action, place.id).detail(detail)],
        ..Commit::default()
    })?;
    start(bank, place.folder, begun)
}

/// Milliseconds since 1970.
pub(crate) fn now() -> i64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64)
}

/// Goes on with what a stopped server left, and takes away what is old.
pub fn resume(bank: &Arc<Bank>) -> Result<()> {
    for kind in Kind::ALL {
        let Ok(entries) = fs::read_dir(kind.home(bank)) else {
            continue;
        };
        for entry in entries.flatten() {
            let folder = entry.path();
            if running().contains_key(&folder) {
                continue;
            }
            if folder.join("asked.json").is_file() && !folder::finished(&folder) {
                // One that is damaged does not keep the others, or the server, from starting.
                match folder::begun(&folder).and_then(|begun| start(bank, folder, begun)) {
                    Ok(()) => {}
                    Err(error) => tracing::warn!(%error, "a request was not gone on with"),
                }
            } else if folder::age(&folder).is_some_and(|age| age > KEPT)
                && let Err(error) = fs::remove_dir_all(&folder)
            {
                tracing::warn!(%error, "an old request could not be taken away");
            }
        }
    }
    Ok(())
}

fn start(bank: &Arc<Bank>, folder: PathBuf, begun: Begun) -> Result<()> {
    // One process works on a request, whoever started it.
    let file = folder.join("asked.json");
    let held = File::open(&file).map_err(|error| file_error(&file, error))?;
    // Another may have ended it before this one had the lock.
    if held.try_lock().is_err() || folder::finished(&folder) {
        return Ok(());
    }
    let progress = Arc::new(Progress {
        kind: begun.asked.kind(),
        said: Mutex::new("waiting".to_owned()),
        cancelled: AtomicBool::new(false),
    });
    running().insert(folder.clone(), progress.clone());
    let bank = bank.clone();
    let started = std::thread::Builder::new()
        .name("async-request".to_owned())
        .spawn({
            let folder = folder.clone();
            move || {
                let done = work(&bank, &folder, &begun, &progress);
                if progress.cancelled.load(Ordering::Acquire) {
                    let _ = fs::remove_dir_all(&folder);
                } else if let Err(error) = done {
                    tracing::error!(error = ?error, "a request failed");
                    let text = crate::outcome_of(&error);
                    let _ = write_whole(&folder, "error.json", text.as_bytes());
                    begun.asked.tidy(&folder);
                }
                running().remove(&folder);
                drop(held);
            }
        });
    if let Err(error) = started {
        running().remove(&folder);
        let _ = fs::remove_dir_all(&folder);
        return Err(Error::internal("no thread can be started").because(error));
    }
    Ok(())
}

fn work(bank: &Bank, folder: &Path, begun: &Begun, progress: &Progress) -> Result<()> {
    let task = Task {
        bank,
        folder,
        id: folder
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default(),
        t: begun.t,
        at: begun.at,
        // What it may do was decided when it was asked for.
        context: RequestContext::new(begun.actor.clone(), begun.purpose),
        progress,
    };
    if let Some(manifest) = begun.asked.write(&task)? {
        write_whole(folder, "manifest.json", manifest.to_string().as_bytes())?;
        begun.asked.tidy(folder);
    }
    Ok(())
}
