//! What is stored of a trial, and reading it back.

use std::collections::BTreeMap;
use std::path::PathBuf;

use kura_model::{ContentHash, Error, IndexEntry, IndexValue, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, Commit, Predicate, Put, Query, Version, Write};
use kura_trial::{Answers, Cases, Condition, LockedCases, Protocol, Rating};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Bank, kind};

pub(super) fn damaged(what: &str) -> Error {
    Error::internal(format!("{what} is damaged"))
}

/// One file of a case, in the set it was locked from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Below the set's folder: `dicom/STUDY/SERIES/INSTANCE.dcm`.
    pub(super) path: String,
    pub(super) hash: ContentHash,
    pub frames: u32,
    pub modality: String,
}

/// The images of each case, in the order they are shown.
pub(super) type Images = BTreeMap<String, Vec<Image>>;

/// A trial with everything that was fixed: nobody could have changed it.
pub(super) struct Trial {
    pub(super) id: ContentHash,
    pub(super) protocol: Protocol,
    pub(super) cases: LockedCases,
    /// The set's folder, where there are images.
    pub(super) set: Option<PathBuf>,
    pub(super) images: Images,
    pub(super) answers: Option<Answers>,
    /// The record, for those who change it.
    pub(super) value: Value,
}

pub(super) fn key(id: ContentHash) -> RecordKey {
    RecordKey::new(kind::TRIAL, id.to_hex())
}

impl Trial {
    pub(super) fn open(bank: &Bank, id: ContentHash) -> Result<Self> {
        let version = bank
            .research
            .read(|reader| reader.current(&key(id)))?
            .ok_or_else(|| Error::not_found("no such trial was fixed; see kura trial fix"))?;
        Self::of(bank, &version)
    }

    pub(super) fn of(bank: &Bank, version: &Version) -> Result<Self> {
        let id = version
            .key
            .id
            .parse()
            .map_err(|_| damaged("a stored trial"))?;
        let value: Value = serde_json::from_slice(&version.body)
            .map_err(|error| damaged("a stored trial").because(error))?;
        let hash = |name: &str| value[name].as_str().and_then(|text| text.parse().ok());
        let blob = |name: &str| -> Result<Vec<u8>> {
            let hash = hash(name).ok_or_else(|| damaged("a stored trial"))?;
            bank.research.blobs().read(hash)
        };
        let text = String::from_utf8(blob("protocolBlob")?)
            .map_err(|error| damaged("a stored protocol").because(error))?;
        let cases = Cases::parse(&blob("casesBlob")?)?;
        let images = match hash("imagesBlob") {
            Some(hash) => serde_json::from_slice(&bank.research.blobs().read(hash)?)
                .map_err(|error| damaged("a stored list of images").because(error))?,
            None => Images::new(),
        };
        let answers = match hash("answersBlob") {
            Some(hash) => Some(Answers::parse(&bank.research.blobs().read(hash)?)?),
            None => None,
        };
        Ok(Self {
            id,
            protocol: Protocol::parse(&text)?,
            cases: LockedCases::reopen(
                cases,
                hash("casesHash").ok_or_else(|| damaged("a stored trial"))?,
            ),
            set: value["set"].as_str().map(PathBuf::from),
            images,
            answers,
            value,
        })
    }

    /// The seed of the order of reading: the protocol's, or one of the trial's own.
    pub(super) fn seed(&self) -> u64 {
        self.protocol.reading_order_seed.unwrap_or_else(|| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&self.id.0[..8]);
            u64::from_le_bytes(bytes)
        })
    }

    /// Analysed, or being analysed: a reading from now on would be a deviation. An analysis that
    /// was refused has shown nobody a result.
    pub(super) fn closed(&self) -> bool {
        self.value["analyses"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["refused"] != true))
    }
}

/// One reading, as it is kept: written once, never changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) trial: ContentHash,
    pub(super) reader: String,
    pub(super) condition: Condition,
    pub(super) case: String,
    /// The place in the reader's order, from 1.
    pub(super) position: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) score: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) decision: Option<bool>,
    /// Local, with its offset: the day of the hospital counts.
    pub(super) at: String,
    /// Seconds the case was looked at, where the page could tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) seconds: Option<f64>,
}

impl Kept {
    pub(super) fn rating(&self) -> Result<Rating> {
        match (self.score, self.decision) {
            (Some(score), None) => Ok(Rating::Score(score)),
            (None, Some(positive)) => Ok(Rating::Decision(positive)),
            _ => Err(damaged("a stored reading")),
        }
    }

    /// One reading has one name: a second one of the same case has nowhere to go.
    pub(super) fn key(&self) -> RecordKey {
        let text = format!(
            "{}\u{0}{}\u{0}{}\u{0}{}",
            self.trial,
            self.reader,
            self.condition.as_str(),
            self.case
        );
        RecordKey::new(
            kind::TRIAL_READING,
            ContentHash::of(text.as_bytes()).to_hex(),
        )
    }
}

/// A reader of a trial, from the moment they begin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ReaderRecord {
    pub(super) trial: ContentHash,
    pub(super) reader: String,
    pub(super) experience: String,
    pub(super) since: String,
}

const READING_OF_TRIAL: &str = "TrialReading.trial";
const READING_OF_READER: &str = "TrialReading.reader";
const READER_OF_TRIAL: &str = "TrialReader.trial";

fn token(param: &'static str, code: String) -> IndexEntry {
    IndexEntry {
        param,
        value: IndexValue::Token { system: None, code },
    }
}

pub(super) fn reading_index(kept: &Kept) -> Vec<IndexEntry> {
    vec![
        token(READING_OF_TRIAL, kept.trial.to_hex()),
        token(READING_OF_READER, of_reader(kept.trial, &kept.reader)),
    ]
}

pub(super) fn reader_index(trial: ContentHash) -> Vec<IndexEntry> {
    vec![token(READER_OF_TRIAL, trial.to_hex())]
}

fn of_reader(trial: ContentHash, reader: &str) -> String {
    format!("{trial}/{reader}")
}

pub(super) fn reader_key(trial: ContentHash, reader: &str) -> RecordKey {
    RecordKey::new(kind::TRIAL_READER, of_reader(trial, reader))
}

/// All records of a kind with this token, oldest first.
fn all<T: for<'a> Deserialize<'a>>(
    bank: &Bank,
    kind: &str,
    param: &str,
    code: String,
) -> Result<Vec<T>> {
    let query = Query::all(kind).and(Predicate::Token {
        param: param.to_owned(),
        system: None,
        code: Some(code),
    });
    bank.research.read(|reader| {
        let mut out = Vec::new();
        let mut after = None;
        loop {
            let page = reader.search(&query, after.as_ref(), 1000)?;
            for version in page.versions {
                out.push(
                    serde_json::from_slice(&version.body)
                        .map_err(|error| damaged("a stored record").because(error))?,
                );
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(out),
            }
        }
    })
}

/// What was read in a trial, in the order in which it was.
pub(super) fn readings_of(bank: &Bank, trial: ContentHash) -> Result<Vec<Kept>> {
    all(bank, kind::TRIAL_READING, READING_OF_TRIAL, trial.to_hex())
}

/// What one reader read.
pub(super) fn readings_by(bank: &Bank, trial: ContentHash, reader: &str) -> Result<Vec<Kept>> {
    all(
        bank,
        kind::TRIAL_READING,
        READING_OF_READER,
        of_reader(trial, reader),
    )
}

pub(super) fn readers_of(bank: &Bank, trial: ContentHash) -> Result<Vec<ReaderRecord>> {
    all(bank, kind::TRIAL_READER, READER_OF_TRIAL, trial.to_hex())
}

/// One write with what it needs, in one transaction of the research zone.
pub(super) fn write(
    bank: &Bank,
    key: RecordKey,
    body: Vec<u8>,
    index: Vec<IndexEntry>,
    blobs: Vec<(ContentHash, u64)>,
    kept_blobs: Vec<ContentHash>,
    audit: AuditEntry,
) -> Result<()> {
    let named = kept_blobs
        .into_iter()
        .chain(blobs.iter().map(|(hash, _)| *hash))
        .collect();
    bank.research
        .commit(Commit {
            writes: vec![Write::Put(Put {
                key,
                body,
                index,
                indexed_by: None,
                owners: Vec::new(),
                blobs: named,
                source: None,
                once: false,
            })],
            blobs,
            audit: vec![audit],
            ..Commit::default()
        })
        .map(drop)
}

/// Reads a trial's record, changes it and writes it back; nobody else does in between.
pub(super) fn change(
    bank: &Bank,
    context: &RequestContext,
    id: ContentHash,
    action: &'static str,
    blobs: Vec<(ContentHash, u64)>,
    edit: impl FnOnce(&mut Value),
) -> Result<Value> {
    let _writing = bank.writing()?;
    let mut value = Trial::open(bank, id)?.value;
    edit(&mut value);
    let key = key(id);
    let before = bank.research.read(|reader| reader.blobs(&key))?;
    let audit = AuditEntry::new(context, action, key.to_string());
    write(
        bank,
        key,
        value.to_string().into_bytes(),
        Vec::new(),
        blobs,
        before,
        audit,
    )?;
    Ok(value)
}

/// The same caller, called by their code: the research zone knows readers and no accounts. The
/// identity zone says whose code it is.
pub(super) fn as_reader(context: &RequestContext, reader: &str) -> RequestContext {
    let mut out = context.clone();
    out.actor.name = format!("reader {reader}");
    out
}
