//! The training that runs in the background of the pages: one at a time for a bank.
//!
//! What becomes of it is a job of the research zone; how far it is, this process knows. The folder
//! of the model appears only when it is whole, so that a crash leaves none.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kura_model::{Category, Error, RequestContext, Result};
use kura_store::{AuditEntry, Commit, Job, JobState};
use serde::{Deserialize, Serialize};

use super::draft::Draft;
use super::survey::Survey;
use crate::Bank;
use crate::access::{Action, authorize};
use crate::bank::file_error;
use crate::models::{Model, Observer, Trained, register, train};

/// Kind of the job.
const KIND: &str = "model_train";
/// Jobs of the research zone that are looked through for it.
const JOBS: u32 = 50;
/// Trainings of one name in one folder.
const NUMBERS: u32 = 10_000;

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// `cases`, `cross-validation`, `model`.
    pub step: &'static str,
    pub done: u64,
    pub total: u64,
}

/// How a training ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// With figures of the cross-validation.
    Trained {
        patients: u64,
        cases: u64,
        positive: u64,
        auc: Option<f64>,
        baseline: Option<f64>,
        seconds: f64,
    },
    Refused {
        message: String,
    },
    Cancelled,
}

/// The newest training of the pages.
#[derive(Debug, Clone)]
pub struct Training {
    pub job: i64,
    pub name: String,
    pub by: String,
    /// Milliseconds since 1970.
    pub started: i64,
    /// Folder of the model.
    pub folder: PathBuf,
    /// The specification it is made by.
    pub specification: PathBuf,
    /// While it runs in this process.
    pub progress: Option<Progress>,
    /// Absent while it runs, and where it was interrupted.
    pub outcome: Option<Outcome>,
    /// It ran when the server ended.
    pub interrupted: bool,
    /// `deterioration@2`, once it was registered.
    pub registered: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Detail {
    name: String,
    folder: PathBuf,
    specification: PathBuf,
    #[serde(default)]
    outcome: Option<Outcome>,
    #[serde(default)]
    registered: Option<String>,
}

/// One that runs in this process.
struct Running {
    job: i64,
    cancel: Arc<AtomicBool>,
    step: Mutex<&'static str>,
    done: AtomicU64,
    total: AtomicU64,
}

impl Observer for Running {
    fn step(&self, what: &'static str, done: u64, total: u64) {
        *lock(&self.step) = what;
        self.total.store(total, Ordering::Relaxed);
        self.done.store(done, Ordering::Relaxed);
    }
}

/// What runs in this process.
#[derive(Default)]
pub struct Trainings {
    now: Mutex<Option<Arc<Running>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Trainings {
    /// Starts a training beside the set. Gives the job.
    ///
    /// # Errors
    /// One is running; the draft is not complete; the folder beside the set cannot be written.
    pub fn start(
        self: &Arc<Self>,
        bank: &Arc<Bank>,
        context: &RequestContext,
        draft: &Draft,
        survey: &Survey,
    ) -> Result<i64> {
        authorize(bank, context, Action::BuildModel)?;
        let text = draft.to_toml(&survey.tables)?;
        let mut now = lock(&self.now);
        let held = hold(bank)?;
        let (specification, folder) = places(&survey.set.folder, &draft.name, &text)?;
        let detail = Detail {
            name: draft.name.clone(),
            folder: folder.clone(),
            specification: specification.clone(),
            outcome: None,
            registered: None,
        };
        let job = bank
            .research
            .job_begin(KIND, &context.actor.name, &json(&detail)?)?;
        bank.research.commit(Commit {
            audit: vec![AuditEntry::new(
                context,
                "model_train_start",
                format!("DataSet/{}", survey.set.manifest.to_hex()),
            )],
            ..Commit::default()
        })?;
        let running = Arc::new(Running {
            job: job.id,
            cancel: Arc::new(AtomicBool::new(false)),
            step: Mutex::new("cases"),
            done: AtomicU64::new(0),
            total: AtomicU64::new(1),
        });
        let id = job.id;
        let work = Work {
            trainings: self.clone(),
            bank: bank.clone(),
            context: context.clone(),
            running: running.clone(),
            job,
            detail,
            _held: held,
        };
        *now = Some(running);
        drop(now);
        let started = std::thread::Builder::new()
            .name("model-train".to_owned())
            .spawn(move || work.run());
        if let Err(error) = started {
            *lock(&self.now) = None;
            return Err(Error::internal("a training cannot be started").because(error));
        }
        Ok(id)
    }

    /// The newest training of the pages, if there was one.
    pub fn newest(&self, bank: &Bank, context: &RequestContext) -> Result<Option<Training>> {
        authorize(bank, context, Action::BuildModel)?;
        bank.research
            .audit(AuditEntry::new(context, "model_train_status", ""));
        self.found(bank)
    }

    fn found(&self, bank: &Bank) -> Result<Option<Training>> {
        // Held while the record is read: what ends meanwhile ends after it.
        let now = lock(&self.now);
        let Some((job, detail)) = newest(bank)? else {
            return Ok(None);
        };
        let here = now.as_ref().filter(|running| running.job == job.id);
        let progress = here.map(|running| Progress {
            step: *lock(&running.step),
            done: running.done.load(Ordering::Relaxed),
            total: running.total.load(Ordering::Relaxed).max(1),
        });
        let mut interrupted = job.state == JobState::Interrupted && detail.outcome.is_none();
        if job.state == JobState::Running && here.is_none() {
            // Of a server that ended, unless another process of this bank is at it.
            if let Ok(_held) = hold(bank) {
                clean(&detail);
                end(bank, &job, &detail, JobState::Interrupted)?;
                interrupted = true;
            }
        }
        Ok(Some(Training {
            job: job.id,
            name: detail.name,
            by: job.actor,
            started: job.started,
            folder: detail.folder,
            specification: detail.specification,
            progress,
            outcome: detail.outcome,
            interrupted,
            registered: detail.registered,
        }))
    }

    /// Ends the training that runs; it leaves nothing.
    pub fn cancel(&self, bank: &Bank, context: &RequestContext) -> Result<()> {
        authorize(bank, context, Action::BuildModel)?;
        bank.research
            .audit(AuditEntry::new(context, "model_train_cancel", ""));
        match lock(&self.now).as_ref() {
            Some(running) => {
                running.cancel.store(true, Ordering::Relaxed);
                Ok(())
            }
            None => Err(Error::conflict("no training is running here")),
        }
    }

    /// Registers what the newest training made, as a draft.
    ///
    /// # Errors
    /// It is another one by now, it made nothing, or it is registered.
    pub fn register(&self, bank: &Bank, context: &RequestContext, job: i64) -> Result<Model> {
        authorize(bank, context, Action::BuildModel)?;
        // Two at once: the second finds it registered.
        let _now = lock(&self.now);
        let (found, mut detail) = made(bank, job)?;
        if let Some(registered) = &detail.registered {
            return Err(Error::conflict(format!(
                "this model is registered already: {registered}"
            )));
        }
        let model = register(bank, context, &detail.folder)?;
        detail.registered = Some(format!("{}@{}", model.name, model.version));
        end(bank, &found, &detail, JobState::Done)?;
        Ok(model)
    }

    /// The report of what the newest training made, HTML.
    pub fn report(&self, bank: &Bank, context: &RequestContext, job: i64) -> Result<Vec<u8>> {
        authorize(bank, context, Action::BuildModel)?;
        bank.research
            .audit(AuditEntry::new(context, "model_train_report", ""));
        let (_, detail) = made(bank, job)?;
        let file = detail.folder.join("report.html");
        fs::read(&file).map_err(|error| file_error(&file, error))
    }
}

fn made(bank: &Bank, job: i64) -> Result<(Job, Detail)> {
    newest(bank)?
        .filter(|(found, detail)| {
            found.id == job && matches!(detail.outcome, Some(Outcome::Trained { .. }))
        })
        .ok_or_else(|| Error::not_found("that training made no model, or a newer one was begun"))
}

fn newest(bank: &Bank) -> Result<Option<(Job, Detail)>> {
    let Some(job) = bank
        .research
        .jobs(JOBS)?
        .into_iter()
        .find(|job| job.kind == KIND)
    else {
        return Ok(None);
    };
    let detail = serde_json::from_str(&job.detail)
        .map_err(|error| Error::internal("a stored training is damaged").because(error))?;
    Ok(Some((job, detail)))
}

fn json(detail: &Detail) -> Result<String> {
    serde_json::to_string(detail)
        .map_err(|error| Error::internal("a training cannot be written").because(error))
}

fn end(bank: &Bank, job: &Job, detail: &Detail, state: JobState) -> Result<()> {
    bank.research
        .commit(Commit {
            jobs: vec![Job {
                state,
                detail: json(detail)?,
                ..job.clone()
            }],
            ..Commit::default()
        })
        .map(drop)
}

/// Holds the bank for a training; released when dropped, also by a crash.
fn hold(bank: &Bank) -> Result<kura_store::Guard> {
    bank.research.exclusive("train", false)?.ok_or_else(|| {
        Error::conflict(
            "another training is running on this bank; wait until it is done, or cancel it",
        )
    })
}

/// Writes the specification beside the set, and names the folder of the model: the first number
/// that is free for both.
fn places(set: &Path, name: &str, text: &str) -> Result<(PathBuf, PathBuf)> {
    let beside = set
        .parent()
        .ok_or_else(|| Error::invalid("the set has no folder beside it"))?;
    for number in 1..NUMBERS {
        let folder = beside.join(format!("model-{name}-{number}"));
        let specification = beside.join(format!("train-{name}-{number}.toml"));
        if folder.exists() || specification.exists() {
            continue;
        }
        fs::write(&specification, text).map_err(|error| file_error(&specification, error))?;
        return Ok((specification, folder));
    }
    Err(Error::conflict(
        "there are too many trainings of this name beside the set",
    ))
}

/// What a training that came to nothing may have left.
fn clean(detail: &Detail) {
    let mut partial = detail.folder.clone().into_os_string();
    partial.push(".partial");
    let _ = fs::remove_dir_all(PathBuf::from(partial));
    let _ = fs::remove_file(&detail.specification);
}

struct Work {
    trainings: Arc<Trainings>,
    bank: Arc<Bank>,
    context: RequestContext,
    running: Arc<Running>,
    job: Job,
    detail: Detail,
    _held: kura_store::Guard,
}

impl Work {
    fn run(mut self) {
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            train(
                &self.bank,
                &self.context,
                &self.detail.specification,
                &self.detail.folder,
                &*self.running,
                &self.running.cancel,
            )
        }));
        let result = caught.unwrap_or_else(|_| Err(Error::internal("the training broke down")));
        let (outcome, state) = self.outcome(result);
        if state != JobState::Done {
            clean(&self.detail);
        }
        self.detail.outcome = Some(outcome);
        let mut now = lock(&self.trainings.now);
        if let Err(error) = end(&self.bank, &self.job, &self.detail, state) {
            tracing::error!(%error, "how a training ended is not recorded");
        }
        *now = None;
    }

    fn outcome(&self, result: Result<Trained>) -> (Outcome, JobState) {
        let cancelled = self.running.cancel.load(Ordering::Relaxed);
        match result {
            // Its last part cannot be stopped: what it made after all goes.
            Ok(_) if cancelled => {
                let _ = fs::remove_dir_all(&self.detail.folder);
                (Outcome::Cancelled, JobState::Interrupted)
            }
            Ok(trained) => (
                Outcome::Trained {
                    patients: trained.patients,
                    cases: trained.cases,
                    positive: trained.positive,
                    auc: trained.auc,
                    baseline: trained.best_baseline_auc,
                    seconds: trained.seconds,
                },
                JobState::Done,
            ),
            Err(_) if cancelled => (Outcome::Cancelled, JobState::Interrupted),
            Err(error) => {
                tracing::warn!(%error, "a training failed");
                let message = if error.category == Category::Internal {
                    "the cause is in the server's log".to_owned()
                } else {
                    error.message().to_owned()
                };
                (Outcome::Refused { message }, JobState::Failed)
            }
        }
    }
}
