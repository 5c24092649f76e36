//! Bulk export: every resource of a scope, as NDJSON files, as of one time.
//! FHIR Bulk Data Access 2.0, <https://hl7.org/fhir/uv/bulkdata/export.html>.
//!
//! An export is a folder under `clinical/exports`: what was asked, the files, and at the end the
//! manifest. A server that was stopped in the middle begins it again, as of the same time. Files
//! are taken away a day after they were made.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use kura_fhir::search::{self, Filter};
use kura_fhir::search_parameter::Registry;
use kura_fhir::{RESOURCE_TYPES, date, resource_type};
use kura_model::{Category, Error, LogicalTime, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, Clause, Commit, Compare, Cursor, Predicate, Query};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::access::{Action, authorize};
use crate::bank::file_error;
use crate::fhir_read::answer;
use crate::terminology::BankTerms;
use crate::{Bank, query};

/// Resources in one file.
const IN_A_FILE: u64 = 100_000;
/// Resources read at a time.
const STEP: u32 = 1_000;
/// Exports of one server at a time.
const AT_ONCE: usize = 2;
/// How long files are kept.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// Whose resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    System,
    /// The compartments of all patients.
    Patients,
    /// The compartments of the members of a Group.
    Group(String),
}

/// What is asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Asked {
    pub scope: Scope,
    /// `_type`; every type if empty.
    pub kinds: Vec<String>,
    /// `_since`, milliseconds since 1970.
    pub since: Option<i64>,
    /// `_typeFilter`: `Type?parameters`.
    pub filters: Vec<String>,
    /// The URL of the request, for the manifest.
    pub request: String,
    /// The URL FHIR is served under.
    pub base: String,
}

impl Asked {
    /// Reads the parameters of a kick-off request.
    pub fn new(
        scope: Scope,
        request: String,
        base: String,
        params: &[(String, String)],
    ) -> Result<Self> {
        let mut asked = Self {
            scope,
            kinds: Vec::new(),
            since: None,
            filters: Vec::new(),
            request,
            base,
        };
        for (name, value) in params {
            match name.as_str() {
                "_type" => {
                    for kind in value.split(',').filter(|kind| !kind.is_empty()) {
                        let kind = resource_type(kind).ok_or_else(|| {
                            Error::invalid("_type names no resource type of FHIR R4").at("_type")
                        })?;
                        asked.kinds.push(kind.to_owned());
                    }
                }
                "_since" => {
                    let (low, _) = date::range(value)
                        .ok_or_else(|| Error::invalid("_since is an instant").at("_since"))?;
                    asked.since = Some(low * 1000);
                }
                "_typeFilter" => {
                    // Commas within a search are escaped by percent encoding.
                    asked.filters.extend(
                        value
                            .split(',')
                            .filter(|filter| filter.contains('?'))
                            .map(str::to_owned),
                    );
                }
                "_outputFormat" => {
                    let known = ["application/fhir+ndjson", "application/ndjson", "ndjson"];
                    if !known.contains(&value.as_str()) {
                        return Err(Error::invalid("only ndjson is written").at("_outputFormat"));
                    }
                }
                "_elements" | "includeAssociatedData" | "patient" => {
                    return Err(Error::invalid(format!("{name} is not supported"))
                        .coded("not-supported")
                        .at(name.clone()));
                }
                _ => {}
            }
        }
        Ok(asked)
    }
}

/// What an export is doing.
#[derive(Debug)]
pub enum Status {
    /// Resources written so far.
    Running(u64),
    /// The manifest.
    Done(Value),
    /// An OperationOutcome.
    Failed(String),
}

/// What is kept of an export beside its files.
#[derive(Serialize, Deserialize)]
struct Begun {
    asked: Asked,
    actor: String,
    t: LogicalTime,
}

#[derive(Default)]
struct Progress {
    written: AtomicU64,
    cancelled: AtomicBool,
}

/// The exports this process is writing, by folder.
static RUNNING: LazyLock<Mutex<HashMap<PathBuf, Arc<Progress>>>> = LazyLock::new(Mutex::default);

fn running() -> std::sync::MutexGuard<'static, HashMap<PathBuf, Arc<Progress>>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn home(bank: &Bank) -> PathBuf {
    bank.folder().join("clinical").join("exports")
}

fn folder(bank: &Bank, id: &str) -> Result<PathBuf> {
    let absent = || Error::not_found("there is no such export");
    if id.len() != 32 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(absent());
    }
    let folder = home(bank).join(id);
    if folder.join("asked.json").is_file() {
        Ok(folder)
    } else {
        Err(absent())
    }
}

/// The export, if this person began it.
fn own(bank: &Bank, context: &RequestContext, id: &str) -> Result<PathBuf> {
    authorize(context, Action::ExportClinical)?;
    let folder = folder(bank, id)?;
    if begun(&folder)?.actor == context.actor.name {
        Ok(folder)
    } else {
        Err(Error::not_found("there is no such export"))
    }
}

fn begun(folder: &Path) -> Result<Begun> {
    let file = folder.join("asked.json");
    let text = fs::read(&file).map_err(|error| file_error(&file, error))?;
    serde_json::from_slice(&text)
        .map_err(|error| Error::internal("an export's request is damaged").because(error))
}

fn write_whole(folder: &Path, name: &str, text: &[u8]) -> Result<()> {
    let file = folder.join(name);
    let part = folder.join(format!("{name}.part"));
    let write = || -> std::io::Result<()> {
        let mut out = private(&part)?;
        out.write_all(text)?;
        out.sync_all()?;
        fs::rename(&part, &file)
    };
    write().map_err(|error| file_error(&file, error))
}

fn private(file: &Path) -> std::io::Result<File> {
    fs::OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(file)
}

/// Begins an export; its id.
pub fn begin(bank: &Arc<Bank>, context: &RequestContext, asked: Asked) -> Result<String> {
    authorize(context, Action::ExportClinical)?;
    if running().len() >= AT_ONCE {
        return Err(Error::new(
            Category::Exhausted,
            "other exports are being written; try again when they are done",
        ));
    }
    let registry = bank.search_parameters()?;
    let t = bank.clinical.now()?;
    // What is wrong with the request is said now.
    let scope = Members::of(bank, &asked.scope, t)?;
    for kind in kinds(&asked) {
        of_kind(bank, &registry, &asked, &scope, kind, t)?;
    }
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|error| Error::internal("the system gives no random numbers").because(error))?;
    let id = crate::sealed::hex(&random);
    let folder = home(bank).join(&id);
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .map_err(|error| file_error(&folder, error))?;
    let begun = Begun {
        asked,
        actor: context.actor.name.clone(),
        t,
    };
    let text = serde_json::to_vec(&begun)
        .map_err(|error| Error::internal("a request cannot be written").because(error))?;
    write_whole(&folder, "asked.json", &text)?;
    bank.clinical.commit(Commit {
        audit: vec![
            AuditEntry::new(context, "bulk_export", id.clone())
                .detail(format!("{:?} at t = {}", begun.asked.scope, t.0)),
        ],
        ..Commit::default()
    })?;
    start(bank, folder, begun)?;
    Ok(id)
}

/// Goes on with exports a stopped server left, and takes old ones away.
pub fn resume(bank: &Arc<Bank>) -> Result<()> {
    let Ok(entries) = fs::read_dir(home(bank)) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        let folder = entry.path();
        let age = entry
            .metadata()
            .and_then(|meta| meta.modified())
            .ok()
            .and_then(|made| SystemTime::now().duration_since(made).ok());
        if age.is_some_and(|age| age > KEPT) {
            if let Err(error) = fs::remove_dir_all(&folder) {
                tracing::warn!(%error, "an old export could not be taken away");
            }
        } else if folder.join("asked.json").is_file()
            && !folder.join("manifest.json").exists()
            && !folder.join("error.json").exists()
        {
            // One that is damaged does not keep the others, or the server, from starting.
            match begun(&folder).and_then(|begun| start(bank, folder, begun)) {
                Ok(()) => {}
                Err(error) => tracing::warn!(%error, "an export was not gone on with"),
            }
        }
    }
    Ok(())
}

fn start(bank: &Arc<Bank>, folder: PathBuf, begun: Begun) -> Result<()> {
    // One process writes an export, whoever started it.
    let file = folder.join("asked.json");
    let held = File::open(&file).map_err(|error| file_error(&file, error))?;
    if held.try_lock().is_err() {
        return Ok(());
    }
    let progress = Arc::new(Progress::default());
    running().insert(folder.clone(), progress.clone());
    let bank = bank.clone();
    let started = std::thread::Builder::new()
        .name("bulk-export".to_owned())
        .spawn({
            let folder = folder.clone();
            move || {
                let done = write(&bank, &folder, &begun, &progress);
                if progress.cancelled.load(Ordering::Acquire) {
                    let _ = fs::remove_dir_all(&folder);
                } else if let Err(error) = done {
                    tracing::error!(%error, "an export failed");
                    let text = crate::outcome_of(&error);
                    let _ = write_whole(&folder, "error.json", text.as_bytes());
                }
                running().remove(&folder);
                drop(held);
            }
        });
    if let Err(error) = started {
        running().remove(&folder);
        return Err(Error::internal("no thread can be started").because(error));
    }
    Ok(())
}

/// The patients of a scope; `None` if it is not about patients.
struct Members(Option<Vec<RecordKey>>);

impl Members {
    fn of(bank: &Bank, scope: &Scope, t: LogicalTime) -> Result<Self> {
        let Scope::Group(id) = scope else {
            return Ok(Self(None));
        };
        let key = crate::fhir_read::key("Group", id)?;
        let group = bank
            .clinical
            .read(|reader| reader.current_at(&key, t))?
            .filter(|group| !group.deleted)
            .ok_or_else(|| Error::not_found(format!("{key} is not in this bank")))?;
        let group: Value = serde_json::from_slice(&group.body)
            .map_err(|error| Error::internal("a stored resource is damaged").because(error))?;
        let members = group["member"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|member| member["inactive"] != true)
            .filter_map(|member| member["entity"]["reference"].as_str())
            .filter_map(kura_fhir::search_parameter::reference)
            .filter(|target| target.kind == "Patient")
            .collect();
        Ok(Self(Some(members)))
    }
}

fn kinds(asked: &Asked) -> Vec<&'static str> {
    RESOURCE_TYPES
        .into_iter()
        .filter(|kind| asked.kinds.is_empty() || asked.kinds.iter().any(|known| known == kind))
        .collect()
}

/// The query of one type of an export; `None` if the type is not part of the scope.
fn of_kind(
    bank: &Bank,
    registry: &Registry,
    asked: &Asked,
    members: &Members,
    kind: &'static str,
    t: LogicalTime,
) -> Result<Option<Query>> {
    let mut query = Query::all(kind);
    query.at = Some(t);
    if asked.scope != Scope::System {
        let anybody = RecordKey::new("Patient", "anybody");
        let clause = match (&members.0, kind) {
            (None, "Patient") => None,
            (Some(members), "Patient") => Some(vec![Predicate::Ids(
                members.iter().map(|member| member.id.clone()).collect(),
            )]),
            (members, _) => {
                let Some(Filter::Compartment { by, .. }) =
                    search::compartment(registry, &anybody, kind)
                else {
                    return Ok(None);
                };
                let slots: HashSet<&str> = by
                    .iter()
                    .flat_map(|parameter| &parameter.slots)
                    .map(|slot| slot.name)
                    .collect();
                let mut slots: Vec<&str> = slots.into_iter().collect();
                slots.sort_unstable();
                Some(
                    slots
                        .into_iter()
                        .map(|slot| match members {
                            Some(members) => Predicate::References {
                                param: slot.to_owned(),
                                targets: members.clone(),
                            },
                            None => Predicate::Present {
                                param: slot.to_owned(),
                                table: "ix_reference",
                                target: Some("Patient".to_owned()),
                            },
                        })
                        .collect(),
                )
            }
        };
        query.clauses.extend(clause.map(Clause::Any));
    }
    if let Some(since) = asked.since {
        query.clauses.push(Clause::Any(vec![Predicate::Written {
            compare: Compare::GreaterOrEqual,
            low: since,
            high: since,
        }]));
    }
    let mut any = Vec::new();
    for filter in &asked.filters {
        let of = filter.split('?').next().unwrap_or_default();
        if resource_type(of).is_none() {
            return Err(Error::invalid("a _typeFilter names no resource type").at("_typeFilter"));
        }
        if of == kind {
            let search = search::parse_expression(registry, filter)?;
            any.push(Predicate::All(
                query::query(&search, Some(t), &BankTerms { bank, at: Some(t) })?.clauses,
            ));
        }
    }
    if !any.is_empty() {
        query.clauses.push(Clause::Any(any));
    }
    Ok(Some(query))
}

fn write(bank: &Bank, folder: &Path, begun: &Begun, progress: &Progress) -> Result<()> {
    let registry = bank.search_parameters()?;
    let members = Members::of(bank, &begun.asked.scope, begun.t)?;
    let id = folder
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let mut output = Vec::new();
    for kind in kinds(&begun.asked) {
        let query = of_kind(bank, &registry, &begun.asked, &members, kind, begun.t)?;
        let Some(query) = query else { continue };
        let mut after: Option<Cursor> = None;
        let mut open: Option<Part> = None;
        let mut number = 0;
        loop {
            if progress.cancelled.load(Ordering::Acquire) {
                return Ok(());
            }
            let page = bank
                .clinical
                .read(|reader| reader.search(&query, after.as_ref(), STEP))?;
            for version in &page.versions {
                if open.as_ref().is_some_and(|part| part.count >= IN_A_FILE)
                    && let Some(part) = open.take()
                {
                    output.push(part.finish(kind)?);
                }
                let part = match &mut open {
                    Some(part) => part,
                    None => {
                        number += 1;
                        open.insert(Part::create(folder, format!("{kind}.{number}.ndjson"))?)
                    }
                };
                part.add(&answer(version).body)?;
            }
            progress
                .written
                .fetch_add(page.versions.len() as u64, Ordering::AcqRel);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        if let Some(part) = open {
            output.push(part.finish(kind)?);
        }
    }
    let at = bank
        .clinical
        .read(|reader| reader.commit_at(begun.t))?
        .unwrap_or(0);
    let files: Vec<Value> = output
        .into_iter()
        .map(|(kind, name, count)| {
            json!({
                "type": kind,
                "url": format!("{}/$export-file/{id}/{name}", begun.asked.base),
                "count": count,
            })
        })
        .collect();
    let manifest = json!({
        "transactionTime": date::instant(at),
        "request": begun.asked.request,
        "requiresAccessToken": crate::accounts::sign_in_needed(bank)?,
        "output": files,
        "error": [],
    });
    write_whole(folder, "manifest.json", manifest.to_string().as_bytes())
}

/// One file of an export.
struct Part {
    path: PathBuf,
    name: String,
    out: BufWriter<File>,
    count: u64,
}

impl Part {
    fn create(folder: &Path, name: String) -> Result<Self> {
        let path = folder.join(&name);
        let file = private(&path).map_err(|error| file_error(&path, error))?;
        Ok(Self {
            path,
            name,
            out: BufWriter::with_capacity(1 << 20, file),
            count: 0,
        })
    }

    fn add(&mut self, resource: &[u8]) -> Result<()> {
        self.count += 1;
        self.out
            .write_all(resource)
            .and_then(|()| self.out.write_all(b"\n"))
            .map_err(|error| file_error(&self.path, error))
    }

    fn finish(mut self, kind: &'static str) -> Result<(&'static str, String, u64)> {
        self.out
            .flush()
            .and_then(|()| self.out.get_ref().sync_all())
            .map_err(|error| file_error(&self.path, error))?;
        Ok((kind, self.name, self.count))
    }
}

/// How an export stands. Only who began it is told.
pub fn status(bank: &Bank, context: &RequestContext, id: &str) -> Result<Status> {
    let folder = own(bank, context, id)?;
    let progress = running().get(&folder).cloned();
    if let Some(progress) = progress {
        if progress.cancelled.load(Ordering::Acquire) {
            return Err(Error::not_found("there is no such export"));
        }
        return Ok(Status::Running(progress.written.load(Ordering::Acquire)));
    }
    if let Ok(text) = fs::read_to_string(folder.join("error.json")) {
        return Ok(Status::Failed(text));
    }
    match fs::read(folder.join("manifest.json")) {
        Ok(text) => serde_json::from_slice(&text)
            .map(Status::Done)
            .map_err(|error| Error::internal("a manifest is damaged").because(error)),
        // Another process is writing it, or will when it is started again.
        Err(_) => Ok(Status::Running(0)),
    }
}

/// Stops an export, or takes its files away.
pub fn cancel(bank: &Bank, context: &RequestContext, id: &str) -> Result<()> {
    let folder = own(bank, context, id)?;
    let progress = running().get(&folder).cloned();
    match progress {
        Some(progress) => progress.cancelled.store(true, Ordering::Release),
        None => fs::remove_dir_all(&folder).map_err(|error| file_error(&folder, error))?,
    }
    bank.clinical.audit(AuditEntry::new(
        context,
        "bulk_export_cancel",
        id.to_owned(),
    ));
    Ok(())
}

/// One file of a finished export, to be streamed.
pub fn file(bank: &Bank, context: &RequestContext, id: &str, name: &str) -> Result<File> {
    let folder = own(bank, context, id)?;
    let absent = || Error::not_found("this export has no such file");
    let mut parts = name.split('.');
    let sound = parts.next().and_then(resource_type).is_some()
        && parts
            .next()
            .is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        && parts.next() == Some("ndjson")
        && parts.next().is_none();
    if !sound || !folder.join("manifest.json").is_file() {
        return Err(absent());
    }
    let file = File::open(folder.join(name)).map_err(|_| absent())?;
    bank.clinical
        .audit(AuditEntry::new(context, "bulk_export_file", id.to_owned()).detail(name.to_owned()));
    Ok(file)
}
