//! What studies, series and objects have certain attributes: the search behind QIDO-RS and C-FIND.
//! PS3.4 C.4.1, PS3.18 10.6.
//!
//! A search walks the `ImagingStudy` records that the search tables find, newest study first, and
//! compares each data set with all keys; so a key that no table knows costs time, never a wrong
//! answer.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use kura_dicom::MatchingKey;
use kura_fhir::{date, view};
use kura_model::{RequestContext, Result};
use kura_store::{AuditEntry, Clause, Compare, Cursor, Order, Predicate, Query, Version};
use serde_json::{Value, json};

use crate::access::{Action, authorize};
use crate::imaging_study::attribute;
use crate::{Bank, imaging, link};

/// What a search lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Patient,
    Study,
    Series,
    Instance,
}

/// A search under way: results one by one, so that memory does not grow with their number.
pub struct Finding<'a> {
    bank: &'a Bank,
    level: Level,
    keys: Vec<MatchingKey>,
    walk: Walk,
    ready: VecDeque<Value>,
    /// Patients that were listed: number and issuer.
    patients: HashSet<(String, String)>,
}

impl<'a> Finding<'a> {
    /// Begins one.
    pub fn begin(
        bank: &'a Bank,
        context: &RequestContext,
        level: Level,
        keys: Vec<MatchingKey>,
    ) -> Result<Self> {
        authorize(context, Action::ReadClinical)?;
        bank.clinical
            .audit(AuditEntry::new(context, "dicom_search", ""));
        let walk = candidates(bank, &keys)?;
        Ok(Self {
            bank,
            level,
            keys,
            walk,
            ready: VecDeque::new(),
            patients: HashSet::new(),
        })
    }

    /// The next data set that matches, in the DICOM JSON model.
    pub fn next(&mut self) -> Result<Option<Value>> {
        loop {
            if let Some(dataset) = self.ready.pop_front() {
                return Ok(Some(dataset));
            }
            let Some(study) = self.walk.next(self.bank)? else {
                return Ok(None);
            };
            let Some(uid) = imaging::study_uid(&study) else {
                continue;
            };
            for dataset in datasets(self.bank, self.level, &study, uid, &self.keys)? {
                if !self.keys.iter().all(|key| key.matches(&dataset)) {
                    continue;
                }
                if self.level == Level::Patient {
                    if self.patients.insert(who(&dataset)) {
                        self.ready.push_back(patient(&dataset));
                    }
                } else {
                    self.ready.push_back(dataset);
                }
            }
        }
    }
}

/// Counts of what lies below, for whoever asks for them. PS3.4 C.3.4.
const PATIENT_COUNTS: [&str; 3] = ["00201200", "00201202", "00201204"];

/// A result with those of the counts that `asked` names and that cost a search of their own.
pub fn counted(bank: &Bank, level: Level, mut found: Value, asked: &Value) -> Result<Value> {
    if level != Level::Patient || !PATIENT_COUNTS.iter().any(|tag| asked.get(tag).is_some()) {
        return Ok(found);
    }
    let patient = who(&found);
    let keys = vec![MatchingKey {
        path: vec!["00100020".to_owned()],
        value: patient.0.clone(),
    }];
    let mut walk = candidates(bank, &keys)?;
    let (mut studies, mut series, mut instances) = (0, 0, 0);
    while let Some(study) = walk.next(bank)? {
        let Some(uid) = imaging::study_uid(&study) else {
            continue;
        };
        for dataset in datasets(bank, Level::Study, &study, uid, &keys)? {
            if who(&dataset) == patient {
                studies += 1;
                series += attribute::number(&dataset, "00201206").unwrap_or(0);
                instances += attribute::number(&dataset, "00201208").unwrap_or(0);
            }
        }
    }
    for (tag, count) in PATIENT_COUNTS.into_iter().zip([studies, series, instances]) {
        found[tag] = json!({ "vr": "IS", "Value": [count] });
    }
    Ok(found)
}

/// Group 0010 is the patient's; PS3.4 Table C.6-1.
fn patient(dataset: &Value) -> Value {
    dataset
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(tag, _)| tag.starts_with("0010") || *tag == "00080005")
        .map(|(tag, element)| (tag.clone(), element.clone()))
        .collect()
}

/// A number means something only with its issuer. PS3.3 C.7.1.1.
fn who(dataset: &Value) -> (String, String) {
    let text = |tag| attribute::text(dataset, tag).unwrap_or_default();
    (text("00100020"), text("00100021"))
}

/// The studies that may match, query by query.
pub(crate) struct Walk {
    queries: Vec<Query>,
    at: usize,
    after: Option<Cursor>,
    page: std::vec::IntoIter<Version>,
    ended: bool,
    seen: HashSet<String>,
}

/// Studies read at a time.
const STEP: u32 = 100;

impl Walk {
    pub(crate) fn next(&mut self, bank: &Bank) -> Result<Option<Value>> {
        loop {
            if let Some(version) = self.page.next() {
                if self.queries.len() > 1 && !self.seen.insert(version.key.id.clone()) {
                    continue;
                }
                return imaging::decode(&version.body).map(Some);
            }
            if self.ended {
                self.at += 1;
                self.ended = false;
                self.after = None;
            }
            let Some(query) = self.queries.get(self.at) else {
                return Ok(None);
            };
            let page = bank
                .clinical
                .read(|reader| reader.search(query, self.after.as_ref(), STEP))?;
            self.ended = page.next.is_none();
            self.after = page.next;
            self.page = page.versions.into_iter();
        }
    }
}

pub(crate) fn candidates(bank: &Bank, keys: &[MatchingKey]) -> Result<Walk> {
    let exact = |tag: &str| {
        keys.iter()
            .find(|key| key.path == [tag])
            .map(|key| key.value.as_str())
            .filter(|value| !value.is_empty() && !value.contains(['*', '?', '\\']))
    };
    let token = |param: &str, system: Option<Option<String>>, code: String| Predicate::Token {
        param: format!("ImagingStudy.{param}"),
        system,
        code: Some(code),
    };
    let mut base = Query::all("ImagingStudy");
    base.order = Order::date("ImagingStudy.started", true);
    if let Some(uids) = exact("0020000D") {
        base.clauses.push(Clause::Any(
            uids.split(',')
                .map(|uid| {
                    let system = Some(Some("urn:dicom:uid".to_owned()));
                    token("identifier", system, format!("urn:oid:{}", uid.trim()))
                })
                .collect(),
        ));
    }
    if let Some(number) = exact("00080050") {
        base = base.and(token("identifier", None, number.to_owned()));
    }
    if let Some(modality) = exact("00080061").or_else(|| exact("00080060")) {
        base = base.and(token("modality", None, modality.to_owned()));
    }
    if let Some((low, high)) = exact("00080020").and_then(days) {
        base = base.and(Predicate::Date {
            param: "ImagingStudy.started".to_owned(),
            compare: Compare::Equal,
            low,
            high,
        });
    }
    let Some(number) = exact("00100020") else {
        return Ok(walk(vec![base]));
    };
    // A patient's number: what is linked to the patient, and what is linked to nobody.
    let mut linked = Vec::new();
    let patients = Query::all("Patient").and(Predicate::Token {
        param: "Patient.identifier".to_owned(),
        system: None,
        code: Some(number.to_owned()),
    });
    let patients = bank
        .clinical
        .read(|reader| reader.search(&patients, None, STEP))?;
    for patient in patients.versions {
        linked.push(Predicate::Reference {
            param: "ImagingStudy.subject".to_owned(),
            target: patient.key,
        });
    }
    let unlinked = link::Reason::ALL
        .into_iter()
        .map(|reason| Predicate::Token {
            param: "ImagingStudy._tag".to_owned(),
            system: Some(Some(link::LINK_STATE.to_owned())),
            code: Some(reason.code().to_owned()),
        })
        .collect();
    let mut queries = Vec::new();
    if !linked.is_empty() {
        let mut query = base.clone();
        query.clauses.push(Clause::Any(linked));
        queries.push(query);
    }
    base.clauses.push(Clause::Any(unlinked));
    queries.push(base);
    Ok(walk(queries))
}

fn walk(queries: Vec<Query>) -> Walk {
    Walk {
        queries,
        at: 0,
        after: None,
        page: Vec::new().into_iter(),
        ended: false,
        seen: HashSet::new(),
    }
}

/// Seconds of a DA key, `20260401` or a range; a day wider on each side, for offsets.
pub(crate) fn days(value: &str) -> Option<(i64, i64)> {
    let (low, high) = value.split_once('-').unwrap_or((value, value));
    let day = |text: &str, open: (i64, i64)| -> Option<(i64, i64)> {
        if text.is_empty() {
            return Some(open);
        }
        if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        date::range(&format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..]))
    };
    const DAY: i64 = 86_400;
    // The years a DA can name.
    const FIRST: i64 = -62_135_596_800;
    const LAST: i64 = 253_402_300_799;
    let low = day(low.trim(), (FIRST, FIRST))?.0;
    let high = day(high.trim(), (LAST, LAST))?.1;
    Some((low - DAY, high + DAY))
}

pub(crate) fn records(bank: &Bank, study_uid: &str, limit: u32) -> Result<Vec<(String, Value)>> {
    let query = imaging::of_study(study_uid);
    let mut out = Vec::new();
    let mut after = None;
    loop {
        let page = bank
            .clinical
            .read(|reader| reader.search(&query, after.as_ref(), limit.min(1_000)))?;
        for version in page.versions {
            out.push((version.key.id, imaging::decode(&version.body)?));
        }
        after = page.next;
        if after.is_none() || out.len() >= limit as usize {
            return Ok(out);
        }
    }
}

/// Data sets of one study at a level, with what is computed beside what the objects say.
fn datasets(
    bank: &Bank,
    level: Level,
    study: &Value,
    uid: &str,
    keys: &[MatchingKey],
) -> Result<Vec<Value>> {
    let limit = if level <= Level::Study { 1 } else { u32::MAX };
    let objects = records(bank, uid, limit)?;
    let Some((_, first)) = objects.first() else {
        // The hospital knows of a study that the bank has no images of.
        return Ok(Vec::new());
    };
    let modalities: Vec<&str> = view::items(study, "modality")
        .filter_map(|coding| view::text(coding, "code"))
        .collect();
    let classes: BTreeSet<&str> = view::items(study, "series")
        .flat_map(|series| view::items(series, "instance"))
        .filter_map(|instance| view::text(instance.get("sopClass")?, "code"))
        .map(|class| class.strip_prefix("urn:oid:").unwrap_or(class))
        .collect();
    let about_study = [
        ("00080056", json!({ "vr": "CS", "Value": ["ONLINE"] })),
        ("00080061", json!({ "vr": "CS", "Value": modalities })),
        ("00080062", json!({ "vr": "UI", "Value": classes })),
        (
            "00201206",
            json!({ "vr": "IS", "Value": [study["numberOfSeries"]] }),
        ),
        (
            "00201208",
            json!({ "vr": "IS", "Value": [study["numberOfInstances"]] }),
        ),
    ];
    let dataset = |record: &Value, more: &[(&str, Value)]| {
        let mut header = record["header"].as_object().cloned().unwrap_or_default();
        for (tag, element) in about_study.iter().chain(more) {
            header.insert((*tag).to_owned(), element.clone());
        }
        Value::Object(header)
    };
    Ok(match level {
        Level::Patient | Level::Study => vec![dataset(first, &[])],
        Level::Series => {
            let mut series: BTreeMap<(i64, String), (&Value, u64)> = BTreeMap::new();
            for (_, record) in &objects {
                let header = &record["header"];
                let number = attribute::number(header, "00200011").unwrap_or(i64::MAX);
                let uid = attribute::text(header, "0020000E").unwrap_or_default();
                series.entry((number, uid)).or_insert((record, 0)).1 += 1;
            }
            series
                .values()
                .map(|(record, count)| {
                    let count = json!({ "vr": "IS", "Value": [count] });
                    dataset(record, &[("00201209", count)])
                })
                .collect()
        }
        Level::Instance => {
            // Of thousands of objects most are asked for by series.
            let mut matching: Vec<&(String, Value)> = objects
                .iter()
                .filter(|(_, record)| {
                    keys.iter()
                        .filter(|key| key.path == ["0020000E"])
                        .all(|key| key.matches(&record["header"]))
                })
                .collect();
            matching.sort_by_key(|(uid, record)| {
                let header = &record["header"];
                (
                    attribute::number(header, "00200011").unwrap_or(i64::MAX),
                    attribute::number(header, "00200013").unwrap_or(i64::MAX),
                    uid.clone(),
                )
            });
            matching
                .into_iter()
                .map(|(_, record)| dataset(record, &[]))
                .collect()
        }
    })
}

