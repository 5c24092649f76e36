//! `kura dataset build`: from a specification to a processed, pinned data set.
//!
//! Everything is read at one logical time `t`, goes once through `kura-deid` with the project's
//! own key, and is written into a folder that appears only when it is whole. There is no way
//! around a rule that withholds something.

mod cohort;
mod image;
mod known;
mod report;
mod risk;
mod sample;
mod sign;
pub(crate) mod text;
mod writer;

use image::Pixels;
pub(crate) use image::words as image_words;
pub(crate) use known::known;
pub use kura_dataset::signature::{PublicKey, Signed, check as signed};
pub use sign::{known_key, public_key};
use writer::Writer;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use kura_dataset::manifest::{self, Difference};
use kura_dataset::report::{Report, Resources};
use kura_dataset::{FileEntry, Manifest, Spec, card, signature};
use kura_deid::dicom::DicomPolicy;
use kura_deid::fhir::{self, ChangeReport, Subject, Survey};
use kura_deid::keys::ProjectKey;
use kura_deid::known::KnownIdentifiers;
use kura_deid::policy::Policy;
use kura_deid::text::Record;
use kura_fhir::{date, view};
use kura_model::{ContentHash, Error, LogicalTime, RecordKey, RequestContext, Result};
use kura_pdf::Fonts;
use kura_store::{AuditEntry, Commit, Put, Version, Write};
use serde::Serialize;
use serde_json::Value;

use crate::access::{Action, authorize};
use crate::bank::file_error;
use crate::{Bank, deid_approval, deid_policy, kind};
use sample::Sample;
use text::Texts;

/// Told how a build goes on.
pub trait Observer {
    /// Counting how often things occur, before anything is processed; only some policies ask.
    fn surveyed(&self, _done: u64, _total: u64) {}
    fn patients(&self, done: u64, total: u64);
    /// Objects whose pixels were cleaned: that takes seconds each.
    fn cleaned(&self, _objects: u64) {}
}

/// What a build came to.
#[derive(Debug, Serialize)]
pub struct Built {
    pub folder: PathBuf,
    pub manifest: ContentHash,
    pub t: LogicalTime,
    pub patients: u64,
    pub files: usize,
    pub bytes: u64,
    pub withheld: BTreeMap<String, u64>,
    /// What the set does without, and what would bring it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    pub seconds: f64,
}

/// Where a build writes.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// The data set; must not exist or be empty.
    pub out: &'a Path,
    /// For a person to look at: pictures of what was masked in images, heads before and after, a sample of
    /// texts. They show patients, so they are no part of the set.
    pub review: Option<&'a Path>,
}

/// Builds a data set.
pub fn build(
    bank: &Bank,
    context: &RequestContext,
    spec_text: &str,
    places: Places<'_>,
    observer: &dyn Observer,
) -> Result<Built> {
    let out = places.out;
    authorize(bank, context, Action::BuildDataSet)?;
    let started = std::time::Instant::now();
    let result = Spec::parse(spec_text).and_then(|spec| {
        check_out(out)?;
        let partial = partial_folder(out)?;
        let built = run(bank, spec, (&partial, places.review), observer);
        match built {
            Ok(done) => {
                if out.is_dir() {
                    fs::remove_dir(out).map_err(|error| file_error(out, error))?;
                }
                fs::rename(&partial, out).map_err(|error| file_error(out, error))?;
                Ok(done)
            }
            Err(error) => {
                let _ = fs::remove_dir_all(&partial);
                Err(error)
            }
        }
    });
    let Done {
        manifest,
        hash,
        notes,
    } = match result {
        Ok(done) => done,
        Err(error) => {
            note(bank, context, "failed", "", error.message())?;
            return Err(error);
        }
    };
    let built = Built {
        folder: out.to_owned(),
        manifest: hash,
        t: manifest.t,
        patients: manifest.patients,
        files: manifest.files.len(),
        bytes: manifest.files.iter().map(|file| file.bytes).sum(),
        withheld: manifest.withheld.clone(),
        notes,
        seconds: started.elapsed().as_secs_f64(),
    };
    record(bank, context, &manifest, hash, out)?;
    Ok(built)
}

fn check_out(out: &Path) -> Result<()> {
    let holds_something = fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some());
    if holds_something || out.is_file() {
        return Err(Error::conflict(format!(
            "{} is not empty; a data set needs a folder of its own",
            out.display()
        )));
    }
    Ok(())
}

/// The folder a build is written into until it is whole.
fn partial_folder(out: &Path) -> Result<PathBuf> {
    let mut name = out
        .file_name()
        .ok_or_else(|| Error::invalid("--out names no folder"))?
        .to_owned();
    name.push(".partial");
    let partial = out.with_file_name(name);
    if partial.exists() {
        // What a build that was killed left behind.
        fs::remove_dir_all(&partial).map_err(|error| file_error(&partial, error))?;
    }
    fs::create_dir_all(&partial).map_err(|error| file_error(&partial, error))?;
    Ok(partial)
}

fn note(
    bank: &Bank,
    context: &RequestContext,
    outcome: &'static str,
    target: &str,
    detail: &str,
) -> Result<()> {
    let audit = AuditEntry::new(context, "dataset_build", target)
        .outcome(outcome)
        .detail(detail);
    bank.clinical
        .commit(Commit {
            audit: vec![audit],
            ..Commit::default()
        })
        .map(drop)
}

/// The research zone remembers what was built and where it lies; both zones audit it.
fn record(
    bank: &Bank,
    context: &RequestContext,
    manifest: &Manifest,
    hash: ContentHash,
    out: &Path,
) -> Result<()> {
    let put = |key: RecordKey, body: Vec<u8>| Write::Put(Put::plain(key, body));
    // Whoever chooses a set finds it; the manifest does not say where it lies, so that the same
    // set has the same hash anywhere.
    let folder = fs::canonicalize(out).map_err(|error| file_error(out, error))?;
    let folder = folder.display().to_string();
    let place = serde_json::json!({ "folder": folder, "manifest": hash }).to_string();
    let target = format!("DataSet/{}", hash.to_hex());
    let detail = serde_json::json!({
        "name": manifest.spec.name, "project": manifest.spec.project, "t": manifest.t, "patients": manifest.patients,
    })
    .to_string();
    note(bank, context, "ok", &target, &detail)?;
    bank.research
        .commit(Commit {
            writes: vec![
                put(
                    RecordKey::new(kind::DATA_SET, hash.to_hex()),
                    manifest.to_json()?,
                ),
                put(
                    RecordKey::new(
                        kind::DATA_SET_FOLDER,
                        ContentHash::of(folder.as_bytes()).to_hex(),
                    ),
                    place.into_bytes(),
                ),
            ],
            audit: vec![AuditEntry::new(context, "dataset_build", target).detail(detail)],
            ..Commit::default()
        })
        .map(drop)
}

/// A set that is written but for its place.
struct Done {
    manifest: Manifest,
    hash: ContentHash,
    notes: Vec<String>,
}

/// The font of `report.pdf`; none, with a note, where none is named and the machine has none.
fn fonts(bank: &Bank, notes: &mut Vec<String>) -> Result<Option<Fonts>> {
    let named = bank.config.pdf.fonts.as_deref();
    match (Fonts::find(named), named) {
        (Ok(fonts), _) => Ok(Some(fonts)),
        (Err(error), Some(_)) => Err(Error::invalid(format!("pdf.fonts: {error}"))),
        (Err(error), None) => {
            notes.push(format!("there is no report.pdf: {error}"));
            Ok(None)
        }
    }
}

/// Hours of work are not lost for want of a paper that says what the page says.
fn typeset(report: &Report, fonts: &Fonts, notes: &mut Vec<String>) -> Option<Vec<u8>> {
    match report.pdf(fonts) {
        Ok(pdf) => {
            if !pdf.missing.is_empty() {
                notes.push(format!(
                    "report.pdf shows 〓 for {} letters that the font lacks; report.html has them",
                    pdf.missing.len()
                ));
            }
            Some(pdf.bytes)
        }
        Err(error) => {
            notes.push(format!("there is no report.pdf: {error}"));
            None
        }
    }
}

fn run(
    bank: &Bank,
    spec: Spec,
    (folder, review): (&Path, Option<&Path>),
    observer: &dyn Observer,
) -> Result<Done> {
    let mut notes = Vec::new();
    let fonts = fonts(bank, &mut notes)?;
    let now = bank.clinical.now()?;
    let t = match spec.t {
        Some(t) if t > now.0 => {
            return Err(Error::invalid(format!(
                "the specification asks for t = {t}; the bank is at t = {now}"
            )));
        }
        Some(t) => LogicalTime(t),
        None => now,
    };
    let as_of = as_of(bank, t)?;
    let policy = deid_policy::named(bank, &spec.policy)?;
    if spec.data.text && !policy.lets_texts() {
        return Err(Error::invalid(format!(
            "the specification asks for texts; no rule of the policy {} lets one leave",
            policy.id
        )));
    }
    let approval = deid_approval::required(bank, &policy, &spec.project, spec.data.text)?;
    let key = project_key(bank, &spec.project)?.under(&policy.id);
    let dicom_policy = for_images(&policy)?;

    // In the order of pseudonyms: the order of the bank would tell something.
    let mut patients: Vec<(String, RecordKey)> = cohort::cohort(bank, &spec, t)?
        .into_iter()
        .map(|patient| (key.pseudonym("Patient", &patient.id), patient))
        .collect();
    patients.sort();

    let survey = if policy.needs_survey() {
        Some(survey(bank, (&policy, &spec), &patients, t, observer)?)
    } else {
        None
    };
    let texts = spec
        .data
        .text
        .then(|| Texts::new(bank, &policy, t))
        .transpose()?;
    let sample = review
        .filter(|_| spec.data.text)
        .map(|_| Sample::new())
        .transpose()?;
    let mut writer = Writer::new(&spec, &policy, folder)?;
    let mut build = Build {
        bank,
        observer,
        t,
        key: &key,
        policy: &policy,
        dicom: &dicom_policy,
        reference_year: year_of(&as_of),
        survey: survey.as_ref(),
        texts: texts.as_ref(),
        sample: sample.as_ref(),
        pixels: Pixels::new(bank, review)?,
        lookalikes: risk::Lookalikes::default(),
        resources: BTreeMap::new(),
        sources: blake3::Hasher::new(),
        changes: ChangeReport::default(),
        dicom_applied: BTreeMap::new(),
        withheld: BTreeMap::new(),
    };
    let total = patients.len() as u64;
    for (index, (_, patient)) in patients.iter().enumerate() {
        observer.patients(index as u64, total);
        build.patient(&spec, patient, &mut writer)?;
    }
    observer.patients(total, total);
    if let (Some(sample), Some(folder)) = (&sample, review) {
        sample.write(folder)?;
    }

    let mut files = writer.finish()?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut applied = build.changes.applied(&policy);
    applied.extend(build.dicom_applied.clone());
    let mut manifest = Manifest {
        kura: env!("CARGO_PKG_VERSION").to_owned(),
        spec,
        t,
        as_of,
        patients: total,
        policies: vec![
            manifest::Policy {
                id: policy.id.clone(),
                version: policy.version.clone(),
                hash: ContentHash(policy.hash),
            },
            manifest::Policy {
                id: dicom_policy.id().to_owned(),
                version: dicom_policy.version().to_owned(),
                hash: dicom_policy.hash(),
            },
        ],
        sources: ContentHash(*build.sources.finalize().as_bytes()),
        withheld: build.withheld,
        applied,
        files,
    };
    let report = report::of(
        &manifest,
        (&policy, &dicom_policy),
        &build.changes,
        report::Counted {
            resources: std::mem::take(&mut build.resources),
            pictures: build.pixels.told,
            risks: build.lookalikes.risks(),
            approval,
        },
    );
    let json = serde_json::to_string_pretty(&report)
        .map_err(|error| Error::internal("the report cannot be written").because(error))?;
    let pdf = fonts.and_then(|fonts| typeset(&report, &fonts, &mut notes));
    let mut papers = vec![
        ("report.json", (json + "\n").into_bytes()),
        ("report.html", report.html().into_bytes()),
        (
            "card.md",
            card::markdown(&manifest, &report.rules).into_bytes(),
        ),
        (
            "card.html",
            card::html(&manifest, &report.rules).into_bytes(),
        ),
    ];
    papers.extend(pdf.map(|bytes| ("report.pdf", bytes)));
    for (name, bytes) in papers {
        let file = folder.join(name);
        fs::write(&file, &bytes).map_err(|error| file_error(&file, error))?;
        manifest.files.push(FileEntry {
            path: name.to_owned(),
            bytes: bytes.len() as u64,
            hash: ContentHash::of(&bytes),
            rows: None,
        });
    }
    let text = manifest.to_json()?;
    let hash = ContentHash::of(&text);
    for (name, bytes) in [
        (signature::FILE, sign::sign(bank, &manifest, &text, hash)?),
        (manifest::FILE, text),
    ] {
        let file = folder.join(name);
        fs::write(&file, &bytes).map_err(|error| file_error(&file, error))?;
    }
    Ok(Done {
        manifest,
        hash,
        notes,
    })
}

/// Counts how often codes and values occur among the patients.
fn survey(
    bank: &Bank,
    (policy, spec): (&Policy, &Spec),
    patients: &[(String, RecordKey)],
    t: LogicalTime,
    observer: &dyn Observer,
) -> Result<Survey> {
    let mut survey = Survey::new(policy);
    let kinds = writer::kinds(spec, policy);
    let total = 2 * patients.len() as u64;
    let mut done = 0;
    // What is rare is known after the first pass, how many climb after the second.
    for pass in 0..2 {
        if pass == 1 {
            survey.again();
        }
        for (_, patient) in patients {
            observer.surveyed(done, total);
            done += 1;
            let mut resources = Vec::new();
            for kind in &kinds {
                let versions = bank
                    .clinical
                    .read(|reader| reader.compartment(patient, kind, t))?;
                for version in &versions {
                    resources.push(decode(version)?);
                }
            }
            survey.patient(policy, resources.iter());
        }
    }
    observer.surveyed(total, total);
    Ok(survey)
}

/// When the bank wrote the state at `t`.
fn as_of(bank: &Bank, t: LogicalTime) -> Result<String> {
    let at = bank.clinical.read(|reader| reader.commit_at(t))?;
    Ok(at.map_or_else(|| "empty".to_owned(), date::instant))
}

fn year_of(as_of: &str) -> i64 {
    as_of
        .get(..4)
        .and_then(|year| year.parse().ok())
        .unwrap_or(2000)
}

/// What a policy asks for of images.
pub(crate) fn for_images(policy: &Policy) -> Result<DicomPolicy> {
    let age_limit = u32::try_from(policy.age_limit()).unwrap_or(0);
    DicomPolicy::basic()
        .with(&policy.image_options, age_limit)
        .map_err(Error::internal)
}

/// The year the bank's state at `t` is of: ages are grouped by it.
pub(crate) fn reference_year(bank: &Bank, t: LogicalTime) -> Result<i64> {
    as_of(bank, t).map(|as_of| year_of(&as_of))
}

/// The key of a project: made once, kept in the identity zone.
pub(crate) fn project_key(bank: &Bank, project: &str) -> Result<ProjectKey> {
    bank.secret(&RecordKey::new(kind::PROJECT_KEY, project))
        .map(ProjectKey::new)
}

fn decode(version: &Version) -> Result<Value> {
    serde_json::from_slice(&version.body)
        .map_err(|error| Error::internal("a stored resource is damaged").because(error))
}

/// Modalities a reason may name. PS3.3 C.7.3.1.1.1.
const MODALITIES: [&str; 30] = [
    "BI", "CR", "CT", "DX", "ECG", "ES", "EPS", "GM", "IO", "IVUS", "KO", "MG", "MR", "NM", "OCT",
    "OP", "OT", "PR", "PT", "PX", "RF", "RTDOSE", "RTIMAGE", "RTPLAN", "RTSTRUCT", "SC", "SM",
    "SR", "US", "XA",
];

struct Build<'a> {
    bank: &'a Bank,
    observer: &'a dyn Observer,
    t: LogicalTime,
    key: &'a ProjectKey,
    policy: &'a Policy,
    dicom: &'a DicomPolicy,
    reference_year: i64,
    survey: Option<&'a Survey>,
    texts: Option<&'a Texts>,
    sample: Option<&'a Sample>,
    pixels: Pixels,
    lookalikes: risk::Lookalikes,
    resources: BTreeMap<String, Resources>,
    sources: blake3::Hasher,
    changes: ChangeReport,
    dicom_applied: BTreeMap<String, u64>,
    withheld: BTreeMap<String, u64>,
}

impl Build<'_> {
    fn withhold(&mut self, reason: &str, what: &str) {
        *self.withheld.entry(format!("{reason}:{what}")).or_default() += 1;
    }

    fn patient(&mut self, spec: &Spec, patient: &RecordKey, writer: &mut Writer<'_>) -> Result<()> {
        let t = self.t;
        let known = known::known(self.bank, patient, t)?;
        let identifiers = KnownIdentifiers::new(known.iter().cloned());
        for text in [&spec.name, &spec.title, &spec.purpose, &spec.project] {
            if identifiers.found_in(text) {
                return Err(Error::invalid(
                    "the specification's name, title, purpose or project holds something that names a patient of the cohort",
                ));
            }
        }
        if self.policy.extends.is_some()
            && self.policy.words().any(|word| identifiers.found_in(word))
        {
            return Err(Error::invalid(format!(
                "the policy {} holds something that names a patient of the cohort; its words stand in the report",
                self.policy.id
            )));
        }
        let mut about = risk::Known::default();
        let shift_days = self.key.date_shift_days(&patient.id);
        let own = match self.texts {
            Some(_) => text::own(self.bank, patient, t)?,
            None => Record::new(),
        };
        let sample = self.sample;
        let see = |before: &str, after: &str| {
            if let Some(sample) = sample {
                sample.see(before, after);
            }
        };
        let cleaner = self.texts.map(|texts| texts.cleaner(&own, Some(&see)));
        for kind in &writer.kinds.clone() {
            let versions = self
                .bank
                .clinical
                .read(|reader| reader.compartment(patient, kind, t))?;
            let mut processed = Vec::with_capacity(versions.len());
            for version in &versions {
                self.sources.update(&version.hash.0);
                let subject = Subject {
                    key: self.key,
                    known: &identifiers,
                    shift_days,
                    reference_year: self.reference_year,
                    survey: self.survey,
                    texts: cleaner.as_ref(),
                };
                let count = self.resources.entry(kind.clone()).or_default();
                count.seen += 1;
                let resource = decode(version)?;
                match fhir::process(self.policy, &resource, &subject, &mut self.changes) {
                    Ok(value) => {
                        count.left += 1;
                        processed.push(value);
                    }
                    Err(reason) => self.withhold(reason.code(), kind),
                }
            }
            // By pseudonym, so that the order of writing does not leave either.
            processed.sort_by(|a, b| view::text(a, "id").cmp(&view::text(b, "id")));
            for value in &processed {
                about.add(kind, value);
                writer.resource(kind, value)?;
            }
        }
        self.lookalikes.add(about);
        if spec.data.fhir {
            self.not_listed(patient)?;
        }
        if spec.data.images {
            self.images(patient, &known, writer)?;
        }
        Ok(())
    }

    /// Counts what the patient has of types that do not leave: a report that is silent of them
    /// would say that they were not there.
    fn not_listed(&mut self, patient: &RecordKey) -> Result<()> {
        let listed: BTreeSet<&str> = self.policy.types().collect();
        for kind in kura_fhir::RESOURCE_TYPES {
            if listed.contains(kind) {
                continue;
            }
            let here = self
                .bank
                .clinical
                .read(|reader| reader.compartment(patient, kind, self.t))?
                .len() as u64;
            if here > 0 {
                self.resources.entry(kind.to_owned()).or_default().seen += here;
                *self
                    .withheld
                    .entry(format!("type-not-listed:{kind}"))
                    .or_default() += here;
            }
        }
        Ok(())
    }
}

/// Checks every file of a data set against its manifest; [`signed`] says whose manifest it is.
pub fn verify(folder: &Path) -> Result<(Manifest, Vec<Difference>)> {
    manifest::verify(folder)
}

/// Builds the data set again from the bank, at its own `t`, and says what differs.
pub fn rebuild(
    bank: &Bank,
    context: &RequestContext,
    folder: &Path,
    observer: &dyn Observer,
) -> Result<Vec<Difference>> {
    authorize(bank, context, Action::BuildDataSet)?;
    let mut spec = Manifest::read(folder)?.spec;
    let pinned = Manifest::read(folder)?.t;
    // The manifest of a set built without a `t` has none in its specification.
    let given = spec.t;
    spec.t = Some(pinned.0);
    let scratch = tempfile::Builder::new()
        .prefix("rebuild-")
        .tempdir_in(bank.folder().join("research"))
        .map_err(|error| file_error(bank.folder(), error))?;
    run(bank, spec, (scratch.path(), None), observer)?;
    let (again, _) = manifest::verify(scratch.path())?;
    let before = Manifest::read(folder)?;
    let mut differences = Vec::new();
    let old: BTreeMap<&str, &FileEntry> = before
        .files
        .iter()
        .map(|file| (file.path.as_str(), file))
        .collect();
    let new: BTreeMap<&str, &FileEntry> = again
        .files
        .iter()
        .map(|file| (file.path.as_str(), file))
        .collect();
    for (path, file) in &old {
        match new.get(path) {
            None => differences.push(Difference::Extra((*path).to_owned())),
            Some(now) if now.hash != file.hash => {
                differences.push(Difference::Changed((*path).to_owned()));
            }
            Some(_) => {}
        }
    }
    for path in new.keys().filter(|path| !old.contains_key(**path)) {
        differences.push(Difference::Missing((*path).to_owned()));
    }
    let same = |manifest: &Manifest| {
        let mut manifest = manifest.clone();
        manifest.spec.t = given;
        manifest.to_json()
    };
    if differences.is_empty() && same(&before)? != same(&again)? {
        differences.push(Difference::Changed(manifest::FILE.to_owned()));
    }
    let audit = AuditEntry::new(context, "dataset_rebuild", "")
        .detail(format!("{{\"differences\":{}}}", differences.len()));
    bank.clinical.commit(Commit {
        audit: vec![audit],
        ..Commit::default()
    })?;
    Ok(differences)
}
