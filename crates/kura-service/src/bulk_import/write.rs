//! Fetching the inputs, reading them, telling what became of them.

use std::fs::{self, File};
use std::io::{BufWriter, Seek as _, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kura_model::{Category, Error, Refusal, Result};
use kura_outbound::{Address, Client, Fetched, Sources, Target};
use kura_store::Guard;
use serde_json::Value;

use super::asked::{Asked, Input};
use super::result::{Outcome, manifest};
use crate::async_request::{Task, private};
use crate::bank::file_error;
use crate::import::{self, Begins, FileReport, Observer};

/// The name of an input in the request's folder.
pub(super) fn spool(number: usize) -> String {
    format!("input-{number}")
}

/// An input that is not whole yet: under its name only when it is, and on disk.
pub(super) struct Part {
    path: PathBuf,
    part: PathBuf,
    out: BufWriter<File>,
}

impl Part {
    pub(super) fn create(path: &Path) -> Result<Self> {
        let part = path.with_extension("part");
        let out = private(&part).map_err(|error| file_error(&part, error))?;
        Ok(Self {
            path: path.to_owned(),
            part,
            out: BufWriter::with_capacity(1 << 20, out),
        })
    }

    pub(super) fn finish(&mut self) -> Result<()> {
        self.out
            .flush()
            .and_then(|()| self.out.get_ref().sync_all())
            .and_then(|()| fs::rename(&self.part, &self.path))
            .map_err(disk)
    }
}

impl Write for Part {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

impl Target for Part {
    fn restart(&mut self) -> std::io::Result<()> {
        self.out.flush()?;
        self.out.get_mut().set_len(0)?;
        self.out.get_mut().rewind()
    }
}

/// A disk that is full is told as such.
pub(super) fn disk(error: std::io::Error) -> Error {
    let category = match error.kind() {
        std::io::ErrorKind::StorageFull => Category::Exhausted,
        _ => Category::Internal,
    };
    Error::new(category, "an input cannot be kept on disk").because(error)
}

/// Where an input lies once it is here.
enum Here {
    File(PathBuf),
    Refused(Refusal),
    Cancelled,
}

/// Does an import; its manifest.
pub(crate) fn write(task: &Task<'_>, asked: &Asked) -> Result<Option<Value>> {
    let config = &task.bank.config.import;
    let sources = config.allowed()?;
    let client = Client::new(
        "application/fhir+ndjson",
        config.input_bytes,
        Duration::from_secs(config.fetch_minutes.saturating_mul(60)),
    );
    let mut outcomes: Vec<Outcome> = Vec::new();
    let mut files = Vec::new();
    for (number, input) in asked.inputs.iter().enumerate() {
        task.say(format!(
            "fetching input {} of {}",
            number + 1,
            asked.inputs.len()
        ));
        let outcome = match here(task, &sources, &client, input, number)? {
            Here::Cancelled => return Ok(None),
            Here::Refused(refusal) => Outcome::Refused(refusal),
            Here::File(path) => match import::begins(&path, config)? {
                Begins::Refused(refusal) => Outcome::Refused(refusal),
                Begins::Nothing => Outcome::Nothing,
                Begins::Lines(Some(kind))
                    if input.kind.as_ref().is_some_and(|said| *said != kind) =>
                {
                    Outcome::Refused(Refusal::new(
                        "input-type",
                        "the input does not begin with a resource of the type it was said to have; nothing of it was taken",
                    ))
                }
                Begins::Lines(_) => {
                    files.push((path, name(task, input, number)));
                    Outcome::File(files.len() - 1)
                }
            },
        };
        outcomes.push(outcome);
    }
    let Some(held) = hold(task)? else {
        return Ok(None);
    };
    let reports = if files.is_empty() {
        Vec::new()
    } else {
        let told = Told {
            task,
            files: files.len(),
            at: AtomicUsize::new(0),
        };
        let report = import::import_lines(
            task.bank,
            &task.context,
            files,
            &told,
            task.cancel_flag(),
            held,
        )?;
        if report.interrupted || task.cancelled() {
            return Ok(None);
        }
        report.files
    };
    manifest(task, asked, &outcomes, &reports).map(Some)
}

/// Takes away the inputs, once the manifest is there.
pub(crate) fn tidy(folder: &Path, asked: &Asked) {
    for number in 0..asked.inputs.len() {
        let path = folder.join(spool(number));
        let _ = fs::remove_file(path.with_extension("part"));
        let _ = fs::remove_file(path);
    }
}

/// What an input is called in jobs and in quarantine: its address without what may be a secret.
fn name(task: &Task<'_>, input: &Input, number: usize) -> String {
    match &input.url {
        Some(url) => match url.strip_prefix("file://") {
            Some(path) => path.to_owned(),
            None => url.split(['?', '#']).next().unwrap_or_default().to_owned(),
        },
        None => format!("$import/{}/{}", task.id, number + 1),
    }
}

fn here(
    task: &Task<'_>,
    sources: &Sources,
    client: &Client,
    input: &Input,
    number: usize,
) -> Result<Here> {
    let path = task.folder.join(spool(number));
    if path.is_file() {
        // Whole, from before the server was stopped, or sent along.
        return Ok(Here::File(path));
    }
    let Some(url) = &input.url else {
        return Err(Error::internal("what was sent with the request is gone"));
    };
    // The configuration may have changed since the request was taken.
    match sources.admit(url) {
        None => Ok(Here::Refused(Refusal::new(
            "input-source",
            "import.sources does not allow this address any more, or the file is gone",
        ))),
        // Read where it lies.
        Some(Address::File(path)) => Ok(Here::File(path)),
        Some(Address::Http(address)) => {
            let mut part = Part::create(&path)?;
            let cancelled = || task.cancelled();
            let fetched = client
                .fetch(sources, &address, &mut part, &cancelled)
                .map_err(disk)?;
            Ok(match fetched {
                Fetched::Whole => {
                    part.finish()?;
                    Here::File(path)
                }
                Fetched::Refused(refusal) => Here::Refused(refusal),
                Fetched::Cancelled => Here::Cancelled,
            })
        }
    }
}

/// Between two looks whether another import is done.
const LOOK: Duration = Duration::from_millis(200);

/// Waits until no other import runs; `None` if it was given up.
fn hold(task: &Task<'_>) -> Result<Option<Guard>> {
    loop {
        if task.cancelled() {
            return Ok(None);
        }
        match task.bank.hold() {
            Ok(held) => return Ok(Some(held)),
            Err(error) if error.category == Category::Conflict => {
                task.say("waiting for another import".to_owned());
                std::thread::sleep(LOOK);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Tells how far the reading is.
struct Told<'a> {
    task: &'a Task<'a>,
    files: usize,
    at: AtomicUsize,
}

impl Observer for Told<'_> {
    fn file(&self, _: &Path, _: &str, _: u64) {
        self.at.fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self, _: u64) {}

    fn written(&self, accepted: u64, refused: u64) {
        self.task.say(format!(
            "{accepted} resources written, {refused} refused, input {} of {}",
            self.at.load(Ordering::Relaxed),
            self.files
        ));
    }

    fn done(&self, _: &FileReport) {}
}
