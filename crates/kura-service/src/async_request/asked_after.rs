//! Asking after a request: how it stands, its files, that it be given up.

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use kura_model::{Error, RequestContext, Result};
use kura_store::{AuditEntry, Commit};
use serde_json::Value;

use super::{KEPT, Kind, folder, running};
use crate::Bank;
use crate::access::authorize;
use crate::bank::file_error;

/// What a request is doing.
#[derive(Debug)]
pub enum Status {
    Running {
        /// In words, fewer than 100 characters.
        progress: String,
        /// What the operation tells besides.
        body: Option<Value>,
    },
    Done {
        manifest: Value,
        /// When its files go, milliseconds since 1970.
        expires: i64,
    },
    /// An OperationOutcome.
    Failed(String),
}

/// The request, if this person began it.
fn own(bank: &Bank, context: &RequestContext, kind: Kind, id: &str) -> Result<PathBuf> {
    authorize(bank, context, kind.action())?;
    let folder = folder::find(bank, kind, id)?;
    if folder::begun(&folder)?.actor.name == context.actor.name {
        Ok(folder)
    } else {
        Err(kind.absent())
    }
}

/// How a request stands. Only who began it is told.
pub fn status(bank: &Bank, context: &RequestContext, kind: Kind, id: &str) -> Result<Status> {
    let folder = own(bank, context, kind, id)?;
    let progress = running().get(&folder).cloned();
    if let Some(progress) = &progress
        && progress.cancelled.load(Ordering::Acquire)
    {
        return Err(kind.absent());
    }
    if progress.is_none() {
        if let Ok(text) = fs::read_to_string(folder.join("error.json")) {
            return Ok(Status::Failed(text));
        }
        let manifest = folder.join("manifest.json");
        if let Ok(text) = fs::read(&manifest) {
            let written = fs::metadata(&manifest)
                .and_then(|meta| meta.modified())
                .ok()
                .and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok())
                .unwrap_or_default();
            let manifest = serde_json::from_slice(&text)
                .map_err(|error| Error::internal("a manifest is damaged").because(error))?;
            return Ok(Status::Done {
                manifest,
                expires: (written + KEPT).as_millis() as i64,
            });
        }
    }
    let begun = folder::begun(&folder)?;
    Ok(Status::Running {
        // Another process is working on it, or will when it is started again.
        progress: progress.map_or_else(|| "waiting".to_owned(), |known| known.said().clone()),
        body: begun.asked.running(id, &begun),
    })
}

/// Gives a request up, or takes its files away.
pub fn cancel(bank: &Bank, context: &RequestContext, kind: Kind, id: &str) -> Result<()> {
    let folder = own(bank, context, kind, id)?;
    let progress = running().get(&folder).cloned();
    match progress {
        Some(progress) => progress.cancelled.store(true, Ordering::Release),
        None => {
            let file = folder.join("asked.json");
            let asked = File::open(&file).map_err(|error| file_error(&file, error))?;
            // Its files would go, and what it does would go on.
            if asked.try_lock().is_err() {
                return Err(Error::conflict(
                    "another server of this bank is working on this request; ask that one",
                ));
            }
            fs::remove_dir_all(&folder).map_err(|error| file_error(&folder, error))?;
        }
    }
    let [_, action, _] = kind.audited();
    bank.clinical.commit(Commit {
        audit: vec![AuditEntry::new(context, action, id.to_owned())],
        ..Commit::default()
    })?;
    Ok(())
}

/// What files of a request are called: `name.number.ndjson`. Everything else in its folder is
/// not given out.
fn is_output(name: &str) -> bool {
    let mut parts = name.split('.');
    let word = parts.next().is_some_and(|word| {
        word.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    });
    word && parts.next().is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    }) && matches!(parts.next(), Some("ndjson" | "json" | "csv" | "parquet"))
        && parts.next().is_none()
}

/// One file of a finished request, to be streamed, and its length in bytes.
pub fn file(
    bank: &Bank,
    context: &RequestContext,
    kind: Kind,
    id: &str,
    name: &str,
) -> Result<(File, u64)> {
    let folder = own(bank, context, kind, id)?;
    let absent = || Error::not_found("this request has no such file");
    if !is_output(name) || !folder.join("manifest.json").is_file() {
        return Err(absent());
    }
    let file = File::open(folder.join(name)).map_err(|_| absent())?;
    let length = file.metadata().map_err(|_| absent())?.len();
    let [.., action] = kind.audited();
    bank.clinical
        .audit(AuditEntry::new(context, action, id.to_owned()).detail(name.to_owned()));
    Ok((file, length))
}

#[cfg(test)]
mod tests {
    use super::is_output;

    #[test]
    fn only_outputs_are_given_out() {
        for name in ["Patient.1.ndjson", "a1c_2.10.parquet", "v.1.csv"] {
            assert!(is_output(name), "{name}");
        }
        for name in [
            "asked.json",
            "manifest.json",
            "Patient..ndjson",
            "Patient.1.ndjson.part",
            "../asked.1.json",
            "_v.1.csv",
            ".1.csv",
            "input-1",
        ] {
            assert!(!is_output(name), "{name}");
        }
    }
}
