//! `kura import`: files of any known kind into the bank.
//!
//! What a file is, its content says. One thread reads and parses, another commits; a commit
//! carries a batch of items together with how far the file has been read, so that an import
//! that was killed goes on after the last commit. Items that are refused go to quarantine with
//! their reason, and the rest goes on.

mod archive;
mod dicom;
mod fhir;
pub(crate) mod genomics;
mod input;
mod large;
mod recognise;
mod sink;
mod uke;
mod walk;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use kura_model::{Category, Error, Refusal, RequestContext, Result};
use kura_store::{AuditEntry, Commit, Guard, Job, JobState, QuarantineRow};
use serde::Serialize;

use crate::access::{Action, authorize};
use crate::instance_store::{self, Settling};
use crate::{Bank, bedside, link, search_index};

pub(crate) use fhir::{Begins, begins, foreign, put as fhir_put, reserved};
pub use kura_store::Source;
pub use recognise::Format;
use sink::{Sink, TotalsOf};

pub(crate) use genomics::{BLOB_URL, SAMPLE_SYSTEM, complete_claim};

/// Told how an import goes on. Called often, from the reading thread and the writing thread.
pub trait Observer: Sync {
    /// The files that are there, and their bytes.
    fn all(&self, _files: usize, _bytes: u64) {}
    /// A file begins; `size` is its size in bytes, `name` its path.
    fn file(&self, name: &Path, format: &str, size: u64);
    /// This many bytes of the file, as it lies on disk, have been read.
    fn read(&self, bytes: u64);
    /// Totals over the whole import.
    fn written(&self, accepted: u64, refused: u64);
    /// The file is dealt with.
    fn done(&self, file: &FileReport);
}

/// Nobody looks.
pub struct Quiet;

impl Observer for Quiet {
    fn file(&self, _: &Path, _: &str, _: u64) {}
    fn read(&self, _: u64) {}
    fn written(&self, _: u64, _: u64) {}
    fn done(&self, _: &FileReport) {}
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileState {
    /// Read to its end.
    Imported,
    /// The same bytes were imported before.
    Known,
    /// Nothing for a bank: a manifest, an index of other files.
    Skipped,
    /// Not read to its end; the next import goes on here.
    Interrupted,
}

#[derive(Debug, Clone, Serialize)]
pub struct FileReport {
    pub name: String,
    pub format: &'static str,
    pub state: FileState,
    /// Records written.
    pub accepted: u64,
    /// Records the bank had already.
    pub unchanged: u64,
    pub refused: u64,
    /// Resources that break rules and were taken all the same (`validation`, `warn`).
    pub warned: u64,
    /// [`Source::id`], if it was read now or before.
    #[serde(skip)]
    pub source: Option<i64>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub job: i64,
    pub files: Vec<FileReport>,
    pub accepted: u64,
    pub unchanged: u64,
    pub refused: u64,
    /// Resources that break rules and were taken all the same (`validation`, `warn`).
    pub warned: u64,
    /// Studies, documents and claims that no patient could be found for, in the whole bank.
    pub unlinked: u64,
    /// Of those, how many this import linked.
    pub linked: u64,
    /// What models in use made of it.
    pub answered: bedside::Report,
    pub seconds: f64,
    pub interrupted: bool,
}

/// Brings files and folders in.
///
/// # Errors
/// An error means that the import could not go on (a full disk, no right, no such path); what
/// was committed before stays. Refused items are no error: see [`Report::refused`].
pub fn import(
    bank: &Bank,
    context: &RequestContext,
    paths: &[PathBuf],
    observer: &dyn Observer,
    cancel: &AtomicBool,
) -> Result<Report> {
    bring_in(bank, context, paths, observer, cancel, true)
}

/// The same for definitions, which are what others are held against.
pub(crate) fn definitions(
    bank: &Bank,
    context: &RequestContext,
    paths: &[PathBuf],
    observer: &dyn Observer,
    cancel: &AtomicBool,
) -> Result<Report> {
    bring_in(bank, context, paths, observer, cancel, false)
}

fn bring_in(
    bank: &Bank,
    context: &RequestContext,
    paths: &[PathBuf],
    observer: &dyn Observer,
    cancel: &AtomicBool,
    judged: bool,
) -> Result<Report> {
    authorize(bank, context, Action::Import)?;
    let held = bank.hold()?;
    let mut files = walk::files(paths)?;
    let mut recognised = Vec::with_capacity(files.len());
    for file in files.drain(..) {
        let format = recognise::recognise(&file.path)?;
        recognised.push((file, format));
    }
    // Patients first, then what is linked to them.
    recognised.sort_by_key(|(_, format)| format.rank());
    read_all(bank, context, &recognised, observer, cancel, judged, held)
}

/// NDJSON of FHIR that came from elsewhere and lies in these files, each under the name it is to
/// have. The caller has the right, and holds the bank.
pub(crate) fn import_lines(
    bank: &Bank,
    context: &RequestContext,
    files: Vec<(PathBuf, String)>,
    observer: &dyn Observer,
    cancel: &AtomicBool,
    held: Guard,
) -> Result<Report> {
    let files = files
        .into_iter()
        .map(|(path, name)| Ok((walk::named(path, name)?, Format::FhirLines)))
        .collect::<Result<Vec<_>>>()?;
    read_all(bank, context, &files, observer, cancel, true, held)
}

fn read_all(
    bank: &Bank,
    context: &RequestContext,
    recognised: &[(walk::Found, Format)],
    observer: &dyn Observer,
    cancel: &AtomicBool,
    judged: bool,
    _held: Guard,
) -> Result<Report> {
    let started = Instant::now();
    let bulk = bank.clinical.bulk()?;
    let job = bank
        .clinical
        .job_begin("import", &context.actor.name, "{}")?;
    let mut run = Run {
        bank,
        context,
        observer,
        cancel,
        job: job.id,
        judged,
        reports: Vec::new(),
        accepted: 0,
        refused: 0,
    };
    let mut failure = None;
    let mut settling = Settling::begin();
    let bytes = recognised.iter().map(|(file, _)| file.size).sum();
    observer.all(recognised.len(), bytes);
    let mut rest = recognised;
    while !rest.is_empty() && !cancel.load(Ordering::Relaxed) {
        let objects = rest.iter().take(TOGETHER);
        let objects = objects.take_while(|(_, format)| format.is_one_object());
        let (group, after) = rest.split_at(objects.count().max(1));
        rest = after;
        let done = run
            .files(group)
            .and_then(|()| settling.now_and_then(bank, context));
        if let Err(error) = done {
            failure = Some(error);
            break;
        }
    }
    // What a failure leaves waiting is settled when the bank is used next.
    if failure.is_none() {
        instance_store::settle_all(bank, context)?;
    }
    // Resources of this import may be parameters themselves.
    if failure.is_none() {
        search_index::settle(bank, context)?;
    }
    let linked = match failure {
        None => link::relink(bank, context)?,
        Some(_) => 0,
    };
    drop(bulk);
    let interrupted = cancel.load(Ordering::Relaxed);
    let mut report = Report {
        job: job.id,
        accepted: run.accepted,
        unchanged: run.reports.iter().map(|file| file.unchanged).sum(),
        refused: run.refused,
        warned: run.reports.iter().map(|file| file.warned).sum(),
        files: run.reports,
        unlinked: link::unlinked_count(bank)?,
        linked,
        answered: bedside::Report::default(),
        seconds: started.elapsed().as_secs_f64(),
        interrupted,
    };
    let state = match (&failure, interrupted) {
        (Some(_), _) => JobState::Failed,
        (None, true) => JobState::Interrupted,
        (None, false) => JobState::Done,
    };
    finish(bank, context, job, state, &report, failure.as_ref())?;
    if failure.is_none() && !interrupted {
        // What arrived is on disk, whatever the models make of it.
        match bedside::answer_arrivals(bank, context) {
            Ok(answered) => report.answered = answered,
            Err(error) => report.answered.reasons.push(error.message().to_owned()),
        }
    }
    match failure {
        Some(error) => Err(error),
        None => Ok(report),
    }
}

fn finish(
    bank: &Bank,
    context: &RequestContext,
    job: Job,
    state: JobState,
    report: &Report,
    failure: Option<&Error>,
) -> Result<()> {
    let detail = serde_json::json!({
        "files": report.files.len(),
        "accepted": report.accepted,
        "unchanged": report.unchanged,
        "refused": report.refused,
        "warned": report.warned,
        "linked": report.linked,
        "seconds": (report.seconds * 1000.0).round() / 1000.0,
        "error": failure.map(Error::message),
    })
    .to_string();
    let audit = AuditEntry::new(context, "import", "")
        .outcome(if failure.is_some() { "failed" } else { "ok" })
        .detail(detail.clone());
    let commit = Commit {
        audit: vec![audit],
        jobs: vec![Job {
            state,
            detail,
            ..job
        }],
        ..Commit::default()
    };
    match bank.clinical.commit(commit) {
        // On a full disk the note that it was full cannot be written either.
        Err(error) if failure.is_some() && error.category == Category::Exhausted => Ok(()),
        result => result.map(drop),
    }
}

/// What was refused, newest first; `before` is the id the last page ended with.
pub fn quarantine(
    bank: &Bank,
    context: &RequestContext,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<QuarantineRow>> {
    authorize(bank, context, Action::Import)?;
    bank.clinical
        .audit(AuditEntry::new(context, "quarantine_list", ""));
    bank.clinical.quarantine(None, before, limit)
}

/// The bytes of a refused item, as far as they were kept.
pub fn quarantine_item(bank: &Bank, context: &RequestContext, id: i64) -> Result<Vec<u8>> {
    authorize(bank, context, Action::Import)?;
    authorize(bank, context, Action::ReadClinical)?;
    bank.clinical.audit(AuditEntry::new(
        context,
        "quarantine_read",
        format!("quarantine/{id}"),
    ));
    bank.clinical
        .quarantine_item(id)?
        .ok_or_else(|| Error::not_found("no such item in quarantine"))
}

/// The files that were imported, newest first.
pub fn sources(bank: &Bank, context: &RequestContext, limit: u32) -> Result<Vec<Source>> {
    authorize(bank, context, Action::Import)?;
    bank.clinical.sources(limit)
}

pub fn jobs(bank: &Bank, context: &RequestContext, limit: u32) -> Result<Vec<Job>> {
    authorize(bank, context, Action::Import)?;
    bank.clinical.jobs(limit)
}

struct Run<'a> {
    bank: &'a Bank,
    context: &'a RequestContext,
    observer: &'a dyn Observer,
    cancel: &'a AtomicBool,
    job: i64,
    judged: bool,
    reports: Vec<FileReport>,
    accepted: u64,
    refused: u64,
}

/// Files of one object each that are committed together, so that they wait for the disk together.
const TOGETHER: usize = 256;

impl Run<'_> {
    /// Reads one file, or several of one object each.
    fn files(&mut self, group: &[(walk::Found, Format)]) -> Result<()> {
        let mut reports: Vec<FileReport> = group.iter().map(FileReport::begin).collect();
        let new = self.new_sources(group, &mut reports)?;
        let before = (self.accepted, self.refused);
        let totals = match &new[..] {
            [] => TotalsOf::new(),
            [(_, first), ..] => std::thread::scope(|scope| {
                let (sink, writer) = Sink::start(
                    scope,
                    self.bank,
                    self.context,
                    self.observer,
                    self.job,
                    first,
                    before,
                )?;
                let sink = sink.judging(self.judged);
                let read = self.read(group, &new, &sink);
                let complete = read.is_ok() && !self.cancel.load(Ordering::Relaxed);
                let totals = sink.finish(writer, complete)?;
                read.map(|()| totals)
            })?,
        };
        for (at, source) in &new {
            let totals = totals.get(&source.id).copied().unwrap_or_default();
            let report = &mut reports[*at];
            report.accepted = totals.accepted;
            report.unchanged = totals.unchanged;
            report.refused = totals.refused;
            report.warned = totals.warned;
            report.state = if totals.done {
                FileState::Imported
            } else {
                FileState::Interrupted
            };
        }
        for ((file, format), report) in group.iter().zip(&reports) {
            self.accepted += report.accepted;
            self.refused += report.refused;
            if matches!(report.state, FileState::Known | FileState::Skipped) {
                self.observer.file(&file.path, format.name(), file.size);
                self.observer.read(file.size);
            }
            self.observer.done(report);
        }
        self.observer.written(self.accepted, self.refused);
        self.reports.append(&mut reports);
        Ok(())
    }

    /// Those of the files that are to be read: the place of each in the group, and its source.
    fn new_sources(
        &self,
        group: &[(walk::Found, Format)],
        reports: &mut [FileReport],
    ) -> Result<Vec<(usize, Source)>> {
        let store = &self.bank.clinical;
        let (mut places, mut begun) = (Vec::new(), Vec::new());
        for (at, (file, format)) in group.iter().enumerate() {
            if *format == Format::Skip {
                continue;
            }
            if let Some(known) = store.source_finished(&file.name, file.size, file.modified)? {
                reports[at].source = Some(known.id);
                continue;
            }
            places.push(at);
            begun.push(Source {
                id: 0,
                hash: walk::hash(&file.path)?,
                name: file.name.clone(),
                format: format.name().to_owned(),
                size: file.size,
                modified: file.modified,
                done: false,
                position: 0,
                accepted: 0,
                unchanged: 0,
                refused: 0,
                started: 0,
                updated: 0,
                job: Some(self.job),
            });
        }
        if begun.is_empty() {
            return Ok(Vec::new());
        }
        let mut new: Vec<(usize, Source)> = Vec::with_capacity(begun.len());
        let mut seen = HashSet::new();
        for (at, source) in places.into_iter().zip(store.sources_begin(&begun)?) {
            reports[at].source = Some(source.id);
            // The same bytes may lie in two files.
            if !source.done && seen.insert(source.id) {
                new.push((at, source));
            }
        }
        Ok(new)
    }

    fn read(
        &self,
        group: &[(walk::Found, Format)],
        new: &[(usize, Source)],
        sink: &Sink<'_>,
    ) -> Result<()> {
        for (number, (at, source)) in new.iter().enumerate() {
            if self.cancel.load(Ordering::Relaxed) {
                break;
            }
            let (file, format) = &group[*at];
            self.observer.file(&file.path, format.name(), file.size);
            if number > 0 {
                sink.next(source);
            }
            let feed = Feed {
                bank: self.bank,
                observer: self.observer,
                cancel: self.cancel,
                path: &file.path,
                position: source.position,
            };
            dispatch(&feed, sink, *format)?;
            self.observer.read(file.size);
        }
        Ok(())
    }
}

impl FileReport {
    fn begin((file, format): &(walk::Found, Format)) -> Self {
        Self {
            name: file.name.clone(),
            format: format.name(),
            state: match format {
                Format::Skip => FileState::Skipped,
                _ => FileState::Known,
            },
            accepted: 0,
            unchanged: 0,
            refused: 0,
            warned: 0,
            source: None,
        }
    }
}

/// One file on its way in, as its reader sees it.
struct Feed<'a> {
    bank: &'a Bank,
    observer: &'a dyn Observer,
    cancel: &'a AtomicBool,
    path: &'a Path,
    /// Items dealt with by an earlier import.
    position: u64,
}

impl Feed<'_> {
    fn cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }
}

/// Reads one file of a known format.
fn dispatch(feed: &Feed<'_>, sink: &Sink, format: Format) -> Result<()> {
    match format {
        Format::FhirLines => fhir::lines(feed, sink),
        Format::FhirDocument => fhir::document(feed, sink),
        Format::SampleSheet => genomics::sample_sheet(feed, sink),
        Format::Dicom => dicom::file(feed, sink),
        Format::Vcf => genomics::vcf(feed, sink, kura_genomics::Format::Vcf),
        Format::Bcf => genomics::vcf(feed, sink, kura_genomics::Format::Bcf),
        Format::Cats => genomics::cats(feed, sink),
        Format::Uke => uke::file(feed, sink),
        Format::Zip => archive::zip(feed, sink),
        Format::Skip => Ok(()),
        Format::Unknown => sink.refuse_file(
            feed.path,
            Refusal::new(
                "format-unknown",
                "not recognised as FHIR NDJSON or JSON, DICOM, ZIP, VCF, BCF, CATS, UKE or a sample sheet",
            ),
        ),
    }
}

/// A batch is committed when it is this old, so that a slow source shows progress.
const BATCH_AGE: Duration = Duration::from_secs(2);
