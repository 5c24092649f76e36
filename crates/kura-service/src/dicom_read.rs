//! Read side of DICOMweb: search (QIDO-RS) and retrieval (WADO-RS) of what is in the bank.
//! PS3.18 clauses 10.4 and 10.6.
//!
//! A search walks the `ImagingStudy` records that the search tables find, newest study first, and
//! compares each data set with all keys; so a key that no table knows costs time, never a wrong
//! answer.

use std::collections::BTreeMap;
use std::path::PathBuf;

use kura_dicom::{MatchingKey, tag_of};
use kura_fhir::{date, view};
use kura_model::{ContentHash, Error, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, Clause, Compare, Cursor, Order, Predicate, Query, Version};
use serde_json::{Map, Value, json};

use crate::access::{Action, authorize};
use crate::imaging_study::attribute;
use crate::{Bank, imaging, kind, link};

/// What a search lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Study,
    Series,
    Instance,
}

/// A search as the wire brings it.
#[derive(Debug, Clone)]
pub struct Search {
    pub level: Level,
    /// Given in the path.
    pub study: Option<String>,
    pub series: Option<String>,
    /// The query string, decoded.
    pub params: Vec<(String, String)>,
    /// Where DICOMweb lies, for Retrieve URLs: `http://127.0.0.1:8080/dicom-web`.
    pub base: String,
}

#[derive(Debug)]
pub struct Found {
    /// Data sets in the DICOM JSON model.
    pub datasets: Vec<Value>,
    /// There are more than `limit`.
    pub more: bool,
    /// The caller asked for fuzzy matching, which is not done (PS3.18 8.3.4.2).
    pub not_fuzzy: bool,
}

/// Results of one answer, unless the caller asks for fewer.
const RESULTS: usize = 500;

/// Attributes of each level that are returned always. PS3.18 Tables 10.6.3-3 to 10.6.3-5.
const STUDY: [&str; 17] = [
    "00080005", "00080020", "00080030", "00080050", "00080056", "00080061", "00080090", "00080201",
    "00081190", "00100010", "00100020", "00100030", "00100040", "0020000D", "00200010", "00201206",
    "00201208",
];
const SERIES: [&str; 10] = [
    "00080005", "00080060", "00080201", "0008103E", "00081190", "0020000E", "00200011", "00201209",
    "00400244", "00400245",
];
const INSTANCE: [&str; 11] = [
    "00080005", "00080016", "00080018", "00080056", "00080201", "00081190", "00200013", "00280008",
    "00280010", "00280011", "00280100",
];

struct Request {
    keys: Vec<MatchingKey>,
    include: Vec<String>,
    include_all: bool,
    limit: usize,
    offset: usize,
    not_fuzzy: bool,
}

fn request(search: &Search) -> Result<Request> {
    let mut request = Request {
        keys: Vec::new(),
        include: Vec::new(),
        include_all: false,
        limit: RESULTS,
        offset: 0,
        not_fuzzy: false,
    };
    let number = |name: &str, value: &str| {
        value
            .parse::<usize>()
            .map_err(|_| Error::invalid(format!("{name} takes a whole number")))
    };
    for (name, value) in &search.params {
        match name.as_str() {
            "limit" => request.limit = number(name, value)?.clamp(1, RESULTS),
            "offset" => request.offset = number(name, value)?,
            "fuzzymatching" => request.not_fuzzy = value == "true",
            "includefield" => {
                for field in value.split(',') {
                    match field.trim() {
                        "all" => request.include_all = true,
                        field => request
                            .include
                            .push(path(field)?.into_iter().next().unwrap_or_default()),
                    }
                }
            }
            name => request.keys.push(MatchingKey {
                path: path(name)?,
                value: value.clone(),
            }),
        }
    }
    for (tag, uid) in [("0020000D", &search.study), ("0020000E", &search.series)] {
        if let Some(uid) = uid {
            request.keys.push(MatchingKey {
                path: vec![tag.to_owned()],
                value: uid.clone(),
            });
        }
    }
    Ok(request)
}

/// `PatientID`, `00100020` or a path of them, separated by points. PS3.18 8.3.4.1.
fn path(name: &str) -> Result<Vec<String>> {
    name.split('.')
        .map(|part| tag_of(part.trim()))
        .collect::<Option<_>>()
        .ok_or_else(|| Error::invalid("a key is neither an attribute's keyword nor its tag"))
}

/// Finds studies, series or instances.
pub fn search(bank: &Bank, context: &RequestContext, search: &Search) -> Result<Found> {
    authorize(context, Action::ReadClinical)?;
    let request = request(search)?;
    bank.clinical
        .audit(AuditEntry::new(context, "dicom_search", ""));
    let mut found = Vec::new();
    let mut skip = request.offset;
    // One more than asked for says whether there are more.
    let enough = request.limit + 1;
    let mut walk = candidates(bank, &request.keys)?;
    'walk: while let Some(study) = walk.next(bank)? {
        let Some(uid) = imaging::study_uid(&study) else {
            continue;
        };
        for dataset in datasets(bank, search.level, &study, uid, &request.keys)? {
            if !request.keys.iter().all(|key| key.matches(&dataset)) {
                continue;
            }
            if skip > 0 {
                skip -= 1;
                continue;
            }
            found.push(shown(dataset, search, &request));
            if found.len() == enough {
                break 'walk;
            }
        }
    }
    let more = found.len() > request.limit;
    found.truncate(request.limit);
    Ok(Found {
        datasets: found,
        more,
        not_fuzzy: request.not_fuzzy,
    })
}

/// The studies that may match, query by query.
struct Walk {
    queries: Vec<Query>,
    at: usize,
    after: Option<Cursor>,
    page: std::vec::IntoIter<Version>,
    ended: bool,
    seen: std::collections::HashSet<String>,
}

/// Studies read at a time.
const STEP: u32 = 100;

impl Walk {
    fn next(&mut self, bank: &Bank) -> Result<Option<Value>> {
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

fn candidates(bank: &Bank, keys: &[MatchingKey]) -> Result<Walk> {
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
        seen: std::collections::HashSet::new(),
    }
}

/// Seconds of a DA key, `20260401` or a range; a day wider on each side, for offsets.
fn days(value: &str) -> Option<(i64, i64)> {
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

fn records(bank: &Bank, study_uid: &str, limit: u32) -> Result<Vec<(String, Value)>> {
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
    let limit = if level == Level::Study { 1 } else { u32::MAX };
    let objects = records(bank, uid, limit)?;
    let Some((_, first)) = objects.first() else {
        // The hospital knows of a study that the bank has no images of.
        return Ok(Vec::new());
    };
    let modalities: Vec<&str> = view::items(study, "modality")
        .filter_map(|coding| view::text(coding, "code"))
        .collect();
    let about_study = [
        ("00080056", json!({ "vr": "CS", "Value": ["ONLINE"] })),
        ("00080061", json!({ "vr": "CS", "Value": modalities })),
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
        Level::Study => vec![dataset(first, &[])],
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

/// The attributes the caller gets: those of the level, those it named, and how to retrieve.
fn shown(dataset: Value, search: &Search, request: &Request) -> Value {
    let uid = |tag| attribute::text(&dataset, tag).unwrap_or_default();
    let mut url = format!("{}/studies/{}", search.base, uid("0020000D"));
    if search.level >= Level::Series {
        url = format!("{url}/series/{}", uid("0020000E"));
    }
    if search.level == Level::Instance {
        url = format!("{url}/instances/{}", uid("00080018"));
    }
    let mut standard: Vec<&str> = match search.level {
        Level::Study => STUDY.to_vec(),
        Level::Series => SERIES.to_vec(),
        Level::Instance => INSTANCE.to_vec(),
    };
    // Table 10.6.3-4 and -5: the levels above that the path does not name.
    if search.level >= Level::Series {
        standard.push("0020000D");
        if search.study.is_none() {
            standard.extend(STUDY);
        }
    }
    if search.level == Level::Instance {
        standard.push("0020000E");
        if search.series.is_none() {
            standard.extend(SERIES);
        }
    }
    let named = |tag: &str| {
        standard.contains(&tag)
            || request.include_all
            || request.include.iter().any(|wanted| wanted == tag)
            || request
                .keys
                .iter()
                .any(|key| key.path.first().is_some_and(|wanted| wanted == tag))
    };
    let Value::Object(elements) = dataset else {
        return Value::Null;
    };
    let mut out: Map<String, Value> = elements.into_iter().filter(|(tag, _)| named(tag)).collect();
    out.insert("00081190".to_owned(), json!({ "vr": "UR", "Value": [url] }));
    // PS3.18 F.2.2: in the order of their tags.
    out.sort_keys();
    Value::Object(out)
}

/// One object as it lies in the bank.
#[derive(Debug, Clone)]
pub struct Object {
    pub sop_instance_uid: String,
    pub transfer_syntax_uid: String,
    pub blob: ContentHash,
    pub path: PathBuf,
    /// Bytes of the file.
    pub size: u64,
}

/// What a path of WADO-RS names.
#[derive(Debug, Clone)]
pub struct Target {
    pub study: String,
    pub series: Option<String>,
    pub instance: Option<String>,
}

pub(crate) fn targeted(
    bank: &Bank,
    context: &RequestContext,
    action: &'static str,
    target: &Target,
) -> Result<Vec<(String, Value)>> {
    authorize(context, Action::ReadClinical)?;
    let object = match &target.instance {
        Some(uid) => format!("{}/{uid}", kind::DICOM_INSTANCE),
        None => format!(
            "ImagingStudy/{}",
            crate::imaging_study::study_id(&target.study)
        ),
    };
    bank.clinical
        .audit(AuditEntry::new(context, action, object));
    let found = match &target.instance {
        Some(uid) => {
            let key = RecordKey::new(kind::DICOM_INSTANCE, uid.as_str());
            let found = bank.clinical.read(|reader| reader.current(&key))?;
            match found.filter(|version| !version.deleted) {
                Some(version) => vec![(version.key.id, imaging::decode(&version.body)?)],
                None => Vec::new(),
            }
        }
        None => records(bank, &target.study, u32::MAX)?,
    };
    let named: Vec<_> = found
        .into_iter()
        .filter(|(_, record)| {
            let header = &record["header"];
            attribute::text(header, "0020000D").as_ref() == Some(&target.study)
                && target
                    .series
                    .as_ref()
                    .is_none_or(|uid| attribute::text(header, "0020000E").as_ref() == Some(uid))
        })
        .collect();
    if named.is_empty() {
        return Err(Error::not_found(
            "no such study, series or instance in this bank",
        ));
    }
    Ok(named)
}

/// The files of a study, a series or one instance.
pub fn retrieve(bank: &Bank, context: &RequestContext, target: &Target) -> Result<Vec<Object>> {
    targeted(bank, context, "dicom_retrieve", target)?
        .into_iter()
        .map(|(uid, record)| {
            let blob = imaging::blob_of(&record)?;
            Ok(Object {
                sop_instance_uid: uid,
                transfer_syntax_uid: view::text(&record, "transferSyntax")
                    .unwrap_or_default()
                    .to_owned(),
                path: bank.clinical.blobs().path(blob),
                blob,
                size: record["size"].as_u64().unwrap_or(0),
            })
        })
        .collect()
}

/// The headers of a study, a series or one instance, in the DICOM JSON model. PS3.18 10.4.1.1.2.
pub fn metadata(bank: &Bank, context: &RequestContext, target: &Target) -> Result<Vec<Value>> {
    Ok(targeted(bank, context, "dicom_metadata", target)?
        .into_iter()
        .map(|(_, mut record)| record["header"].take())
        .collect())
}

/// Pictures of a frame. PS3.18 10.4.1.1.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picture {
    Jpeg,
    Png,
}

/// A frame of an instance, or its first one, for a screen.
pub fn rendered(
    bank: &Bank,
    context: &RequestContext,
    target: &Target,
    frame: u32,
    window: Option<(f64, f64)>,
    max_side: Option<u32>,
    picture: Picture,
) -> Result<Vec<u8>> {
    // The path must name an object of this study and series.
    let named = targeted(bank, context, "dicom_render", target)?;
    let (uid, _) = named
        .first()
        .ok_or_else(|| Error::not_found("no such instance in this bank"))?;
    imaging::rendered(bank, uid, frame, window, max_side, picture == Picture::Jpeg)
}
