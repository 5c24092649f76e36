//! A protocol, its cases, their images and the model's answers, fixed before anything is read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use kura_dataset::manifest::{self, FileEntry, Manifest};
use kura_dicom::{Limits, decode_frame, read_header};
use kura_model::{ContentHash, Error, RequestContext, Result};
use kura_store::{AuditEntry, Query};
use kura_trial::{Answers, Cases, LockedCases, Protocol};
use serde::Serialize;
use serde_json::{Value, json};

use super::record::{self, Image, Images, damaged};
use crate::access::{Action, authorize};
use crate::bank::file_error;
use crate::{Bank, models};

/// A trial whose protocol and cases are fixed.
#[derive(Debug, Clone, Serialize)]
pub struct Fixed {
    /// Hash of all that was fixed: what the trial is called from now on.
    pub id: ContentHash,
    pub protocol: ContentHash,
    pub cases_hash: ContentHash,
    pub cases: u64,
    pub positive: u64,
    /// Files the readers are shown; 0 where they read from paper or another viewer.
    pub images: u64,
    /// Whether the model's answers are locked as well.
    pub answers: bool,
    pub at: String,
    /// How often it was analysed.
    pub analyses: u64,
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| file_error(path, error))
}

fn text(path: &Path) -> Result<String> {
    String::from_utf8(read(path)?)
        .map_err(|_| Error::invalid(format!("{} is not UTF-8", path.display())))
}

/// Fixes a protocol and its cases, before anything is read. The same files give the same trial.
///
/// With a data set's folder, a case is a series of that set, called by its `series_uid`. The
/// files stay in the set; their hashes are part of the trial. With `answers`, a file of
/// `case,probability`, the model's answers are part of it too: only then can a reader be shown
/// them.
///
/// # Errors
/// A case without an image, an image that cannot be shown, a file that is not what the set's
/// manifest says, a case without an answer or an answer without a case; a case called by a
/// patient's number.
pub fn fix(
    bank: &Bank,
    context: &RequestContext,
    protocol: &Path,
    cases: &Path,
    set: Option<&Path>,
    answers: Option<&Path>,
) -> Result<Fixed> {
    authorize(bank, context, Action::BuildModel)?;
    let protocol_text = text(protocol)?;
    let parsed = Protocol::parse(&protocol_text)?;
    let cases_bytes = read(cases)?;
    let locked = kura_trial::lock(Cases::parse(&cases_bytes)?);
    if parsed.locked_cases.is_some_and(|hash| hash != locked.hash) {
        return Err(Error::conflict(
            "the protocol names another case set: locked_cases is the hash of other cases",
        ));
    }
    anonymous(bank, &locked)?;
    let folder = match set {
        Some(set) => Some(std::fs::canonicalize(set).map_err(|error| file_error(set, error))?),
        None => None,
    };
    let images = match &folder {
        Some(folder) => Some(images(folder, &locked)?),
        None => None,
    };
    let images_bytes = match &images {
        Some(images) => Some(
            serde_json::to_vec(images)
                .map_err(|error| Error::internal("a list cannot be written").because(error))?,
        ),
        None => None,
    };
    let answers_bytes = answers.map(read).transpose()?;
    if let Some(bytes) = &answers_bytes {
        answered(&Answers::parse(bytes)?, &locked)?;
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(&parsed.hash().0);
    hasher.update(&locked.hash.0);
    // Named, so that one cannot be taken for the other.
    for (name, bytes) in [("images", &images_bytes), ("answers", &answers_bytes)] {
        if let Some(bytes) = bytes {
            hasher.update(name.as_bytes());
            hasher.update(&ContentHash::of(bytes).0);
        }
    }
    let id = ContentHash(*hasher.finalize().as_bytes());
    let key = record::key(id);
    let place = folder.as_ref().map(|folder| folder.display().to_string());
    let writing = bank.writing()?;
    if let Some(known) = bank.research.read(|reader| reader.current(&key))? {
        let value: Value = serde_json::from_slice(&known.body)
            .map_err(|error| damaged("a stored trial").because(error))?;
        drop(writing);
        if value["set"].as_str() == place.as_deref() {
            return fixed(id, &value);
        }
        // The same files, found in another place: the set was moved.
        let value = record::change(bank, context, id, "trial_fix", Vec::new(), |value| {
            value["set"] = json!(place);
        })?;
        return fixed(id, &value);
    }
    let blobs = bank.research.blobs();
    let mut stored = Vec::new();
    let mut keep = |bytes: &[u8]| -> Result<ContentHash> {
        let (hash, size) = blobs.put(bytes)?;
        stored.push((hash, size));
        Ok(hash)
    };
    let positive = locked.cases.all().iter().filter(|one| one.positive).count();
    let mut body = json!({
        "protocol": parsed.hash(), "casesHash": locked.hash,
        "protocolBlob": keep(protocol_text.as_bytes())?, "casesBlob": keep(&cases_bytes)?,
        "cases": locked.cases.all().len(), "positive": positive,
        "at": kura_fhir::date::instant(models::registry::now()), "by": context.actor.name,
        "analyses": [],
    });
    if let (Some(images), Some(bytes)) = (&images, &images_bytes) {
        body["imagesBlob"] = json!(keep(bytes)?);
        body["images"] = json!(images.values().map(Vec::len).sum::<usize>());
        body["set"] = json!(place);
    }
    if let Some(bytes) = &answers_bytes {
        body["answersBlob"] = json!(keep(bytes)?);
    }
    record::write(
        bank,
        key.clone(),
        body.to_string().into_bytes(),
        Vec::new(),
        stored,
        Vec::new(),
        AuditEntry::new(context, "trial_fix", key.to_string()),
    )?;
    fixed(id, &body)
}

/// The research zone takes no patient's number: cases and clusters have names of their own, and no
/// column holds one. Numbers are compared without regard to case, width and hyphens, and as parts
/// of a cell, not as digits in the middle of others.
fn anonymous(bank: &Bank, locked: &LockedCases) -> Result<()> {
    let mut names = BTreeSet::new();
    let mut values = BTreeSet::new();
    for one in locked.cases.all() {
        names.extend(runs(&one.case));
        names.extend(runs(&one.cluster));
        for value in one.columns.values() {
            // A short number is a size or a year.
            values.extend(runs(value).into_iter().filter(|run| run.len() >= 5));
        }
    }
    let query = Query::all("Patient");
    let mut after = None;
    loop {
        let page = bank
            .clinical
            .read(|reader| reader.search(&query, after.as_ref(), 1_000))?;
        for version in &page.versions {
            let patient = crate::imaging::decode(&version.body)?;
            for identifier in kura_fhir::view::items(&patient, "identifier") {
                let number = whole(kura_fhir::view::text(identifier, "value").unwrap_or_default());
                if number.is_empty() {
                    continue;
                }
                if names.contains(&number) {
                    return Err(Error::invalid(
                        "a case or cluster is called by a patient's number; give the cases names of their own",
                    ));
                }
                if values.contains(&number) {
                    return Err(Error::invalid(
                        "a column of the cases holds a patient's number; leave it out",
                    ));
                }
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// Letters and digits alone.
fn whole(text: &str) -> String {
    kura_fhir::text::fold(text)
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .collect()
}

/// Every run of up to five parts of a text: `POP-000046-a` holds `pop000046`.
fn runs(text: &str) -> Vec<String> {
    let folded = kura_fhir::text::fold(text);
    let parts: Vec<&str> = folded
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|part| !part.is_empty())
        .collect();
    (0..parts.len())
        .flat_map(|from| {
            let to = parts.len().min(from + 5);
            (from..to).map(move |until| (from, until))
        })
        .map(|(from, until)| parts[from..=until].concat())
        .collect()
}

/// The files of each case's series, by instance number.
fn images(set: &Path, locked: &LockedCases) -> Result<Images> {
    let manifest = Manifest::read(set)?;
    let mut by_series: BTreeMap<&str, Vec<&FileEntry>> = BTreeMap::new();
    for entry in &manifest.files {
        // dicom/STUDY/SERIES/INSTANCE.dcm
        let parts: Vec<&str> = entry.path.split('/').collect();
        if let ["dicom", study, series, _] = parts[..]
            && study != ".."
        {
            by_series.entry(series).or_default().push(entry);
        }
    }
    let mut out = Images::new();
    let mut without = 0;
    for (number, case) in locked.cases.all().iter().enumerate() {
        let Some(entries) = by_series.get(case.case.as_str()) else {
            without += 1;
            continue;
        };
        let mut shown = Vec::new();
        for entry in entries {
            let file = set.join(&entry.path);
            if manifest::hash_file(&file)? != (entry.hash, entry.bytes) {
                return Err(Error::invalid(format!(
                    "{} is not what the manifest says; see kura dataset verify",
                    file.display()
                )));
            }
            if let Some(image) = image(&file, entry)? {
                shown.push(image);
            }
        }
        if shown.is_empty() {
            return Err(Error::invalid(format!(
                "case {} of {} has no image that can be shown",
                number + 1,
                locked.cases.all().len()
            )));
        }
        shown.sort_by(|(a, x), (b, y)| (a, &x.path).cmp(&(b, &y.path)));
        let files = shown.into_iter().map(|(_, image)| image).collect();
        out.insert(case.case.clone(), files);
    }
    if without > 0 {
        return Err(Error::invalid(format!(
            "{without} of {} cases have no image in the set; is the case the series_uid, and images = true in the set's specification?",
            locked.cases.all().len()
        )));
    }
    Ok(out)
}

/// A file's image with its instance number; `None` for an object without pixels.
fn image(file: &Path, entry: &FileEntry) -> Result<Option<(u32, Image)>> {
    let told = |refusal: kura_model::Refusal| {
        Error::invalid(format!(
            "{} cannot be shown: {}",
            file.display(),
            refusal.message
        ))
    };
    let limits = Limits::default();
    let open = File::open(file).map_err(|error| file_error(file, error))?;
    let header = read_header(open, &limits).map_err(told)?;
    if header.pixel().is_none() {
        return Ok(None);
    }
    decode_frame(file, 0, &limits).map_err(told)?;
    Ok(Some((
        header.instance_number().unwrap_or(u32::MAX),
        Image {
            path: entry.path.clone(),
            hash: entry.hash,
            frames: header.number_of_frames(),
            modality: header.modality().unwrap_or_default(),
        },
    )))
}

/// Every case has one answer, and every answer a case.
fn answered(answers: &Answers, locked: &LockedCases) -> Result<()> {
    let known: BTreeSet<&str> = locked.cases.all().iter().map(|c| c.case.as_str()).collect();
    let mut given = BTreeSet::new();
    for (case, _) in answers.all() {
        if !known.contains(case.as_str()) || !given.insert(case.as_str()) {
            return Err(Error::invalid(
                "the answer file names a case twice, or one that is not in the case file",
            ));
        }
    }
    if given.len() < known.len() {
        return Err(Error::invalid(format!(
            "the answer file lacks {} of {} cases",
            known.len() - given.len(),
            known.len()
        )));
    }
    Ok(())
}

pub(super) fn fixed(id: ContentHash, value: &Value) -> Result<Fixed> {
    let hash = |name: &str| -> Result<ContentHash> {
        value[name]
            .as_str()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| damaged("a stored trial"))
    };
    Ok(Fixed {
        id,
        protocol: hash("protocol")?,
        cases_hash: hash("casesHash")?,
        cases: value["cases"].as_u64().unwrap_or(0),
        positive: value["positive"].as_u64().unwrap_or(0),
        images: value["images"].as_u64().unwrap_or(0),
        answers: value["answersBlob"].is_string(),
        at: value["at"].as_str().unwrap_or_default().to_owned(),
        analyses: value["analyses"]
            .as_array()
            .map_or(0, |all| all.len() as u64),
    })
}
