//! What is known of each study and series without looking at their objects: one record each, made
//! when the study is settled, and the headers of a series in a few blocks, so that a thousand
//! objects are listed by reading one file.
//!
//! A record holds what all its objects agree on. So a key that this contradicts rules out all of
//! them; about a key that it does not hold, the objects are asked.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use kura_fhir::date;
use kura_model::{ContentHash, Error, IndexEntry, IndexValue, LogicalTime, RecordKey, Result};
use kura_store::{Predicate, Put, Query, Write};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::imaging_study::{attribute, study_id};
use crate::{Bank, kind};

/// A study of this bank.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Study {
    /// Study Instance UID.
    pub(crate) study: String,
    /// Objects written up to this time are in it.
    pub(crate) settled: LogicalTime,
    /// Attributes that all objects have, with the same value.
    pub(crate) common: Map<String, Value>,
    /// Those of patient and study that differ, as the first object has them.
    pub(crate) shown: Map<String, Value>,
    pub(crate) modalities: BTreeSet<String>,
    pub(crate) classes: BTreeSet<String>,
    pub(crate) series: u64,
    pub(crate) instances: u64,
}

/// A series of this bank.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Series {
    /// Study Instance UID.
    pub(crate) study: String,
    /// Series Instance UID.
    pub(crate) series: String,
    pub(crate) number: Option<i64>,
    pub(crate) common: Map<String, Value>,
    pub(crate) shown: Map<String, Value>,
    pub(crate) instances: u64,
    blocks: Vec<Block>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Block {
    hash: ContentHash,
    instances: u64,
    /// As they are read.
    bytes: u64,
}

/// An object as its block has it: a line of JSON.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Line<'a> {
    pub(crate) uid: &'a str,
    /// Instance Number (0020,0013)
    pub(crate) number: Option<i64>,
    pub(crate) blob: ContentHash,
    pub(crate) size: u64,
    pub(crate) transfer_syntax: &'a str,
    pub(crate) frames: u64,
    /// In the DICOM JSON model.
    #[serde(borrow)]
    pub(crate) header: &'a RawValue,
}

/// An object that is new in its study.
pub(crate) struct Arrived {
    pub(crate) uid: String,
    /// Its record.
    pub(crate) record: Value,
}

/// Series of up to this many objects are one block, in the order of their numbers.
const WHOLE: u64 = 2_000;
/// No block grows beyond this many objects, or bytes of them, by others: one is held in memory
/// while it is read.
const MOST: u64 = 8_000;
const MOST_BYTES: u64 = 64 << 20;
/// Headers of one series resemble each other; more effort gains little.
const LEVEL: i32 = 3;

/// Attributes of patient and study. PS3.3 C.7.1 and C.7.2.
fn of_study(tag: &str) -> bool {
    tag.starts_with("0010")
        || matches!(
            tag,
            "00080020"
                | "00080030"
                | "00080050"
                | "00080090"
                | "00080201"
                | "00081030"
                | "00200010"
        )
}

/// Attributes of a series. PS3.3 C.7.3.1.
fn of_series(tag: &str) -> bool {
    matches!(
        tag,
        "00080021"
            | "00080031"
            | "00080060"
            | "0008103E"
            | "00180015"
            | "00181030"
            | "00200011"
            | "00400244"
            | "00400245"
            | "00400275"
    )
}

/// Attributes by whose text studies are found, and the name of each in the search tables.
pub(crate) const TEXTS: [(&str, &str); 6] = [
    ("00100010", "DicomStudy.00100010"),
    ("00100020", "DicomStudy.00100020"),
    ("00080050", "DicomStudy.00080050"),
    ("00080090", "DicomStudy.00080090"),
    ("00081030", "DicomStudy.00081030"),
    ("00200010", "DicomStudy.00200010"),
];
pub(crate) const DATE: &str = "DicomStudy.00080020";
pub(crate) const MODALITY: &str = "DicomStudy.00080061";
/// Which of these attributes the objects of a study do not agree on.
pub(crate) const UNEVEN: &str = "DicomStudy.uneven";
const SERIES_STUDY: &str = "DicomSeries.study";
pub(crate) const SERIES_UID: &str = "DicomSeries.uid";

/// Text as the search tables have it.
pub(crate) fn folded(text: &str) -> String {
    text.trim().trim_end_matches('^').to_lowercase()
}

pub(crate) fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    serde_json::from_slice(body)
        .map_err(|error| Error::internal("a stored record is damaged").because(error))
}

fn encode(record: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(record)
        .map_err(|error| Error::internal("a record cannot be written").because(error))
}

fn study_key(uid: &str) -> RecordKey {
    RecordKey::new(kind::DICOM_STUDY, study_id(uid))
}

/// A UID may hold a date or a number that says something; and the same series UID in two studies
/// is two series.
fn series_key(study: &str, series: &str) -> RecordKey {
    let hash = ContentHash::of(format!("{study}/{series}").as_bytes());
    RecordKey::new(
        kind::DICOM_SERIES,
        format!("series-{}", &hash.to_hex()[..24]),
    )
}

fn current<T: DeserializeOwned>(bank: &Bank, key: &RecordKey) -> Result<Option<T>> {
    let found = bank.clinical.read(|reader| reader.current(key))?;
    found
        .filter(|version| !version.deleted)
        .map(|version| decode(&version.body))
        .transpose()
}

/// The study with this UID, as it was settled last.
pub(crate) fn study(bank: &Bank, uid: &str) -> Result<Option<Study>> {
    current(bank, &study_key(uid))
}

/// Whether there is any study.
pub(crate) fn any(bank: &Bank) -> Result<bool> {
    let query = Query::all(kind::DICOM_STUDY);
    let page = bank
        .clinical
        .read(|reader| reader.search(&query, None, 1))?;
    Ok(!page.versions.is_empty())
}

/// Series of a study, by number.
pub(crate) fn series_of(bank: &Bank, study: &str) -> Result<Vec<Series>> {
    let query = Query::all(kind::DICOM_SERIES).and(Predicate::Token {
        param: SERIES_STUDY.to_owned(),
        system: Some(None),
        code: Some(study.to_owned()),
    });
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = bank
            .clinical
            .read(|reader| reader.search(&query, after.as_ref(), 1_000))?;
        for version in page.versions {
            found.push(decode::<Series>(&version.body)?);
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    found.sort_by(|a, b| {
        let number = |series: &Series| series.number.unwrap_or(i64::MAX);
        (number(a), &a.series).cmp(&(number(b), &b.series))
    });
    Ok(found)
}

impl Study {
    /// What it shows of itself: what its objects agree on, and of patient and study what the first
    /// one says.
    pub(crate) fn dataset(self) -> Value {
        let mut dataset = self.common;
        dataset.extend(self.shown);
        Value::Object(dataset)
    }
}

impl Series {
    /// The same of a series.
    pub(crate) fn dataset(&self) -> Value {
        let mut dataset = self.common.clone();
        dataset.extend(self.shown.clone());
        Value::Object(dataset)
    }

    /// The blocks of its objects, one after another; a block is [`lines`].
    pub(crate) fn blocks<'a>(
        &'a self,
        bank: &'a Bank,
    ) -> impl Iterator<Item = Result<Vec<u8>>> + 'a {
        self.blocks.iter().map(move |block| read(bank, block.hash))
    }
}

fn read(bank: &Bank, hash: ContentHash) -> Result<Vec<u8>> {
    let packed = bank.clinical.blobs().read(hash)?;
    zstd::decode_all(&packed[..])
        .map_err(|error| Error::internal("a block of headers is damaged").because(error))
}

/// The objects in a block.
pub(crate) fn lines(block: &[u8]) -> impl Iterator<Item = Result<Line<'_>>> {
    block
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| {
            serde_json::from_slice(line)
                .map_err(|error| Error::internal("a block of headers is damaged").because(error))
        })
}

/// What becomes durable with a study's new objects.
#[derive(Default)]
pub(crate) struct Update {
    pub(crate) writes: Vec<Write>,
    pub(crate) blobs: Vec<(ContentHash, u64)>,
}

/// The records of a study with new objects in it. `anew`: they are all there are.
pub(crate) fn update(
    bank: &Bank,
    uid: &str,
    arrived: &[Arrived],
    settled: LogicalTime,
    anew: bool,
) -> Result<Update> {
    let mut update = Update::default();
    let mut all: BTreeMap<String, Series> = series_of(bank, uid)?
        .into_iter()
        .map(|series| (series.series.clone(), series))
        .collect();
    if anew {
        for series in std::mem::take(&mut all).into_values() {
            let key = series_key(uid, &series.series);
            update.writes.push(Write::Delete(key));
        }
    }
    let mut entry = study(bank, uid)?.filter(|_| !anew).unwrap_or_default();
    if anew && arrived.is_empty() {
        update.writes.push(Write::Delete(study_key(uid)));
        return Ok(update);
    }
    let mut by_series: BTreeMap<String, Vec<&Arrived>> = BTreeMap::new();
    for one in arrived {
        let series = attribute::text(&one.record["header"], "0020000E").unwrap_or_default();
        by_series.entry(series).or_default().push(one);
    }
    for (series_uid, arrived) in by_series {
        let mut series = all.remove(&series_uid).unwrap_or_default();
        if series.blocks.is_empty() {
            series.study = uid.to_owned();
            series.series.clone_from(&series_uid);
        }
        for one in &arrived {
            let header = &one.record["header"];
            agree(
                &mut series.common,
                &mut series.shown,
                header,
                series.instances == 0,
                |tag| of_study(tag) || of_series(tag),
            );
            agree(
                &mut entry.common,
                &mut entry.shown,
                header,
                entry.instances == 0,
                of_study,
            );
            series.instances += 1;
            entry.instances += 1;
            entry.modalities.extend(attribute::text(header, "00080060"));
            entry.classes.extend(attribute::text(header, "00080016"));
            series.number = series
                .number
                .or_else(|| attribute::number(header, "00200011"));
        }
        series.add(bank, &arrived, &mut update)?;
        let key = series_key(uid, &series_uid);
        // One that is written again need not be deleted before.
        update
            .writes
            .retain(|write| !matches!(write, Write::Delete(deleted) if *deleted == key));
        update.writes.push(Write::Put(series.put(key)?));
        if series.instances == arrived.len() as u64 {
            entry.series += 1;
        }
    }
    entry.study = uid.to_owned();
    entry.settled = settled;
    update.writes.push(Write::Put(entry.put()?));
    Ok(update)
}

/// Keeps of `common` what the header has too. What an attribute of this level was, when its objects
/// begin to differ, is kept as it was shown before.
fn agree(
    common: &mut Map<String, Value>,
    shown: &mut Map<String, Value>,
    header: &Value,
    first: bool,
    level: impl Fn(&str) -> bool,
) {
    let Some(header) = header.as_object() else {
        return;
    };
    if first {
        common.clone_from(header);
        return;
    }
    let mut differing = Vec::new();
    common.retain(|tag, element| {
        let same = header.get(tag) == Some(element);
        // What is empty in one object says nothing of the others.
        if !same && level(tag) && element.get("Value").is_some() {
            differing.push((tag.clone(), element.take()));
        }
        same
    });
    for (tag, element) in differing {
        shown.entry(tag).or_insert(element);
    }
    // What the first object did not have, and this level shows.
    for (tag, element) in header {
        if level(tag) && !common.contains_key(tag) && element.get("Value").is_some() {
            shown.entry(tag.clone()).or_insert_with(|| element.clone());
        }
    }
}

impl Series {
    fn add(&mut self, bank: &Bank, arrived: &[&Arrived], update: &mut Update) -> Result<()> {
        let mut new = Vec::with_capacity(arrived.len());
        for one in arrived {
            new.push((place(one), encode_line(one)?));
        }
        let mut last = Packed::of(new);
        let known: u64 = self.blocks.iter().map(|block| block.instances).sum();
        // Small series are one block always; of larger ones blocks of like size become one, so that
        // there are few and none is written often.
        while let Some(block) = self.blocks.last() {
            let small = known + arrived.len() as u64 <= WHOLE;
            let grown = last.lines.len() as u64;
            let uneven = grown * 2 < block.instances || grown + block.instances > MOST;
            if (!small && uneven) || last.size() + block.bytes > MOST_BYTES {
                break;
            }
            last.take_in(&read(bank, block.hash)?)?;
            self.blocks.pop();
        }
        let instances = last.lines.len() as u64;
        let lines = last.bytes();
        let bytes = lines.len() as u64;
        let packed = zstd::encode_all(&lines[..], LEVEL)
            .map_err(|error| Error::internal("a block cannot be packed").because(error))?;
        let (hash, size) = bank.clinical.blobs().put(&packed[..])?;
        update.blobs.push((hash, size));
        self.blocks.push(Block {
            hash,
            instances,
            bytes,
        });
        Ok(())
    }

    fn put(&self, key: RecordKey) -> Result<Put> {
        let token = |param, code: &str| IndexEntry {
            param,
            value: IndexValue::Token {
                system: None,
                code: code.to_owned(),
            },
        };
        Ok(Put {
            key,
            body: encode(self)?,
            index: vec![
                token(SERIES_STUDY, &self.study),
                token(SERIES_UID, &self.series),
            ],
            indexed_by: None,
            owners: Vec::new(),
            blobs: self.blocks.iter().map(|block| block.hash).collect(),
            source: None,
            once: false,
        })
    }
}

/// Where an object stands in its series.
type Place = (i64, String);

fn place(one: &Arrived) -> Place {
    let number = attribute::number(&one.record["header"], "00200013");
    (number.unwrap_or(i64::MAX), one.uid.clone())
}

fn encode_line(one: &Arrived) -> Result<Vec<u8>> {
    let record = &one.record;
    let header = serde_json::value::to_raw_value(&record["header"])
        .map_err(|error| Error::internal("a header cannot be written").because(error))?;
    encode(&Line {
        uid: &one.uid,
        number: attribute::number(&record["header"], "00200013"),
        blob: crate::imaging::blob_of(record)?,
        size: record["size"].as_u64().unwrap_or(0),
        transfer_syntax: record["transferSyntax"].as_str().unwrap_or_default(),
        frames: record["frames"].as_u64().unwrap_or(0),
        header: &header,
    })
}

/// Lines on their way into a block.
struct Packed {
    lines: Vec<(Place, Vec<u8>)>,
    uids: HashSet<String>,
}

impl Packed {
    fn of(lines: Vec<(Place, Vec<u8>)>) -> Self {
        let uids = lines.iter().map(|(place, _)| place.1.clone()).collect();
        Self { lines, uids }
    }

    fn size(&self) -> u64 {
        self.lines.iter().map(|(_, line)| line.len() as u64).sum()
    }

    /// Those of another block; what came again is not taken.
    fn take_in(&mut self, block: &[u8]) -> Result<()> {
        for bytes in block
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
        {
            let line: Line<'_> = decode_line(bytes)?;
            if self.uids.insert(line.uid.to_owned()) {
                let place = (line.number.unwrap_or(i64::MAX), line.uid.to_owned());
                self.lines.push((place, bytes.to_vec()));
            }
        }
        Ok(())
    }

    fn bytes(&mut self) -> Vec<u8> {
        self.lines.sort();
        let mut out = Vec::new();
        for (_, line) in &self.lines {
            out.extend(line);
            out.push(b'\n');
        }
        out
    }
}

fn decode_line(bytes: &[u8]) -> Result<Line<'_>> {
    serde_json::from_slice(bytes)
        .map_err(|error| Error::internal("a block of headers is damaged").because(error))
}

impl Study {
    fn put(&self) -> Result<Put> {
        let mut index = Vec::new();
        let token = |param, code: &str| IndexEntry {
            param,
            value: IndexValue::Token {
                system: None,
                code: code.to_owned(),
            },
        };
        for (tag, param) in TEXTS {
            let Some(element) = self.common.get(tag) else {
                index.extend(self.shown.get(tag).map(|_| token(UNEVEN, tag)));
                continue;
            };
            for text in texts(element) {
                let value = IndexValue::Text(folded(&text));
                index.push(IndexEntry { param, value });
            }
        }
        match self.common.get("00080020") {
            None => index.extend(
                self.shown
                    .get("00080020")
                    .map(|_| token(UNEVEN, "00080020")),
            ),
            Some(element) => {
                for text in texts(element) {
                    match day(&text) {
                        Some((low, high)) => {
                            let value = IndexValue::Date { low, high };
                            index.push(IndexEntry { param: DATE, value });
                        }
                        // No day of the calendar, and matched as it stands.
                        None => index.push(token(UNEVEN, "00080020")),
                    }
                }
            }
        }
        index.extend(self.modalities.iter().map(|code| token(MODALITY, code)));
        Ok(Put {
            key: study_key(&self.study),
            body: encode(self)?,
            index,
            indexed_by: None,
            owners: Vec::new(),
            blobs: Vec::new(),
            source: None,
            once: false,
        })
    }
}

/// The texts of an element, each group of a name by itself.
fn texts(element: &Value) -> Vec<String> {
    let values = element["Value"].as_array().into_iter().flatten();
    values
        .flat_map(|value| match value {
            Value::String(text) => vec![text.clone()],
            Value::Object(groups) => groups
                .values()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            _ => Vec::new(),
        })
        .filter(|text| !text.is_empty())
        .collect()
}

/// First and last second of a DA.
pub(crate) fn day(text: &str) -> Option<(i64, i64)> {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    date::range(&format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..]))
}
