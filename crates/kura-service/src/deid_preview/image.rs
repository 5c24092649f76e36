//! One image before and after a policy: what becomes of each attribute, and of its first picture.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufReader, Cursor, Write};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use kura_deid::dicom::{DicomPolicy, PatientIdentity, PixelsDone, deidentify, pixel_work};
use kura_deid::fhir::Step;
use kura_deid::policy::Rule;
use kura_dicom::{Limits, decode_frame, keyword_of, read_header};
use kura_model::{Category, Error, RecordKey, RequestContext, Result};
use kura_ocr::Identifiers;
use kura_store::AuditEntry;
use serde_json::Value;

use super::{Choice, choice, choices, throw_away_key};
use crate::access::{Action, Reach, reach};
use crate::deid_pixels::TextCleaner;
use crate::patients::{self, Patient};
use crate::{Bank, dataset, deid_policy, imaging, kind, timeline};

/// Bytes of a processed object that are read for its attributes; they stand before its pixels.
const HEAD: usize = 16 << 20;
/// Pixels of the longer side of a picture.
const SIDE: u32 = 1024;
/// Pictures are read one at a time: it takes a core for seconds.
static READING: Mutex<()> = Mutex::new(());

/// An image and what becomes of it.
#[derive(Debug)]
pub struct ImagePreview {
    pub patient: Patient,
    pub policy: Choice,
    pub policies: Vec<Choice>,
    pub object: String,
    pub title: String,
    /// Why it stays inside, in Japanese and English.
    pub leaves: std::result::Result<(), (String, String)>,
    /// Its text is masked before it leaves.
    pub text: bool,
    /// The face is taken out of its series before it leaves.
    pub face: bool,
    pub steps: Vec<Step>,
    pub rules: BTreeMap<String, Rule>,
}

/// Where an object lies, and whose it is.
struct Found {
    source: PathBuf,
    header: Value,
    identity: PatientIdentity,
    policy: deid_policy::Policy,
    dicom: DicomPolicy,
}

fn find(
    bank: &Bank,
    reach: &Reach,
    owner: &RecordKey,
    policy: &str,
    object: &str,
) -> Result<Found> {
    let policy = deid_policy::named(bank, policy)?;
    let t = bank.clinical.now()?;
    let key = RecordKey::new(kind::DICOM_INSTANCE, object);
    let found = bank.clinical.read(|reader| reader.current(&key))?;
    let version = found
        .filter(|version| !version.deleted)
        .ok_or_else(|| Error::not_found("this object is not in the bank"))?;
    let record = timeline::decode(&version)?;
    let header = record["header"].clone();
    let study = header["0020000D"]["Value"][0].as_str().unwrap_or_default();
    if !reach.has_study(bank, study)? {
        return Err(Error::not_found("this object is not in the bank"));
    }
    let known = dataset::known(bank, owner, t)?;
    let id = header["00100020"]["Value"][0].as_str().unwrap_or_default();
    if !known.iter().any(|known| known == id) {
        return Err(Error::not_found("this patient has no such image"));
    }
    let blob = imaging::blob_of(&record)?;
    bank.clinical.blobs().verify(blob)?;
    Ok(Found {
        source: bank.clinical.blobs().path(blob),
        identity: PatientIdentity::new(owner.id.clone(), dataset::image_words(&header, &known)),
        dicom: dataset::for_images(&policy)?,
        policy,
        header,
    })
}

fn opened(found: &Found) -> Result<BufReader<File>> {
    File::open(&found.source)
        .map(BufReader::new)
        .map_err(|error| Error::internal("a blob cannot be read").because(error))
}

/// What a policy does to an image of a patient. No pixels are looked at here: that takes seconds.
pub fn image(
    bank: &Bank,
    context: &RequestContext,
    owner: &str,
    policy: Option<&str>,
    object: &str,
) -> Result<ImagePreview> {
    let owner = patients::key(owner)?;
    let reach = reach(bank, context, Action::ReadClinical)?;
    reach.patient(bank, &owner)?;
    audit(bank, context, &owner, object);
    let found = find(bank, &reach, &owner, policy.unwrap_or(super::FIRST), object)?;
    let patient = bank
        .clinical
        .read(|reader| timeline::patient(bank, reader, &owner))?;
    let before = read_header(&mut opened(&found)?, &Limits::default())
        .map_err(|refusal| Error::internal("a stored image cannot be read").because(refusal))?
        .to_dicom_json();
    let mut out = ImagePreview {
        patient,
        policies: choices(bank),
        policy: choice(&found.policy),
        object: object.to_owned(),
        title: title(&found.header),
        leaves: Ok(()),
        text: false,
        face: false,
        steps: Vec::new(),
        rules: BTreeMap::new(),
    };
    let told = |withheld: &kura_deid::dicom::Withheld| (withheld.ja.clone(), withheld.en.clone());
    let work = match pixel_work(opened(&found)?, &found.dicom) {
        Ok(work) => work,
        Err(withheld) => {
            out.leaves = Err(told(&withheld));
            return Ok(out);
        }
    };
    (out.text, out.face) = (work.text.is_some(), work.face.is_some());
    // As if its pixels were cleaned: of what is written only the attributes are read.
    let done = PixelsDone {
        text: out.text.then_some(0),
        regions: 0,
        face: out.face,
    };
    let mut head = Head(Vec::new());
    let key = throw_away_key()?;
    let report = deidentify(
        opened(&found)?,
        &mut head,
        &found.dicom,
        &key,
        &found.identity,
        done,
    );
    match report {
        Ok(report) => {
            let after = read_header(&mut Cursor::new(head.0), &Limits::default())
                .map_err(|refusal| Error::internal("what was made is no DICOM").because(refusal))?
                .to_dicom_json();
            let mut decided = BTreeMap::new();
            for change in &report.changes {
                // What was done to the element itself, or else within it.
                let element = change.path.get(..TAG).unwrap_or_default();
                if change.path.len() == TAG {
                    decided.insert(element, change.rule);
                } else {
                    decided.entry(element).or_insert(change.rule);
                }
            }
            out.steps = steps(&before, &after, &decided);
            let named: BTreeSet<&str> = out
                .steps
                .iter()
                .filter_map(|step| step.rule.as_deref())
                .collect();
            out.rules = found
                .dicom
                .rules()
                .iter()
                .filter(|rule| named.contains(rule.id.as_str()))
                .map(|rule| (rule.id.clone(), rule.clone()))
                .collect();
        }
        Err(withheld) => out.leaves = Err(told(&withheld)),
    }
    Ok(out)
}

/// `(0010,0010)`.
const TAG: usize = 11;

/// Each attribute before and after, in the order of the data set, and what is new.
fn steps(before: &Value, after: &Value, decided: &BTreeMap<&str, &'static str>) -> Vec<Step> {
    let empty = serde_json::Map::new();
    let (before, after) = (
        before.as_object().unwrap_or(&empty),
        after.as_object().unwrap_or(&empty),
    );
    let tags: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let value = |element: &Value| element.get("Value").cloned().unwrap_or_default();
    tags.into_iter()
        .filter(|tag| tag.len() == 8 && tag.is_ascii())
        .map(|tag| {
            let written = format!("({},{})", &tag[..4], &tag[4..]);
            let rule = decided.get(written.as_str()).copied();
            Step {
                path: match keyword_of(tag) {
                    Some(name) => format!("{written} {name}"),
                    None => written,
                },
                rule: rule.map(str::to_owned),
                before: before.get(tag).map(value).unwrap_or_default(),
                after: after.get(tag).map(value),
            }
        })
        .collect()
}

/// What an image is, for people: what was examined and by what, which number it has.
fn title(header: &Value) -> String {
    let text = |tag: &str| {
        let value = &header[tag]["Value"][0];
        match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        }
    };
    [text("00080060"), text("0008103E"), text("00200013")]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" · ")
}

/// The first bytes that are written; what comes after them is dropped.
struct Head(Vec<u8>);

impl Write for Head {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let room = HEAD.saturating_sub(self.0.len()).min(bytes.len());
        self.0.extend_from_slice(&bytes[..room]);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn audit(bank: &Bank, context: &RequestContext, owner: &RecordKey, object: &str) {
    let row = AuditEntry::new(context, "deid_preview", owner.to_string());
    bank.clinical.audit(row.detail(object));
}

/// The first picture of an image with its text masked, as PNG. Text is looked for in it now, so it takes
/// seconds.
///
/// # Errors
/// Why the image stays inside.
pub fn picture(
    bank: &Bank,
    context: &RequestContext,
    owner: &str,
    policy: &str,
    object: &str,
) -> Result<Vec<u8>> {
    let owner = patients::key(owner)?;
    let reach = reach(bank, context, Action::ReadClinical)?;
    reach.patient(bank, &owner)?;
    audit(bank, context, &owner, object);
    let found = find(bank, &reach, &owner, policy, object)?;
    let stays = |message: String| Error::new(Category::Unsupported, message);
    let work = pixel_work(opened(&found)?, &found.dicom)
        .map_err(|withheld| stays(withheld.to_string()))?;
    let part;
    let shown = if work.text.is_some() {
        let _reading = READING.lock().unwrap_or_else(PoisonError::into_inner);
        let cleaner = TextCleaner::open(&bank.config)?;
        let spool = bank.clinical.blobs().spool();
        part = tempfile::Builder::new()
            .prefix("shown-")
            .tempfile_in(spool)
            .map_err(|error| crate::bank::file_error(spool, error))?
            .into_temp_path();
        cleaner
            .clean(
                &found.source,
                &part,
                &Identifiers::new(found.identity.known()),
                None,
            )
            .map_err(|refusal| stays(refusal.message.to_string()))?;
        &*part
    } else {
        &*found.source
    };
    let frame = decode_frame(shown, 0, &Limits::default())
        .map_err(|refusal| stays(refusal.message.to_string()))?;
    Ok(frame.render(None).to_png(Some(SIDE)))
}

/// The images of a study, for a page that leads to them: some of each series.
pub(super) fn of_study(bank: &Bank, study: &Value) -> Result<Vec<(String, String)>> {
    /// Of one study.
    const LISTED: u32 = 200;
    /// Of one series.
    const EACH: usize = 2;
    let Some(uid) = imaging::study_uid(study) else {
        return Ok(Vec::new());
    };
    let query = imaging::of_study(uid);
    let page = bank
        .clinical
        .read(|reader| reader.search(&query, None, LISTED))?;
    let mut series = BTreeMap::<String, usize>::new();
    let mut out = Vec::new();
    for version in &page.versions {
        let record = timeline::decode(version)?;
        let header = &record["header"];
        let of = header["0020000E"]["Value"][0].as_str().unwrap_or_default();
        let count = series.entry(of.to_owned()).or_default();
        *count += 1;
        if *count <= EACH {
            out.push((version.key.id.clone(), title(header)));
        }
    }
    Ok(out)
}
