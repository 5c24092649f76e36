//! Read side of DICOMweb: search (QIDO-RS) and retrieval (WADO-RS) of what is in the bank.
//! PS3.18 clauses 10.4 and 10.6.

use std::path::PathBuf;

use kura_dicom::{MatchingKey, tag_of};
use kura_fhir::view;
use kura_model::{ContentHash, Error, RecordKey, RequestContext, Result};
use kura_store::AuditEntry;
use serde_json::{Map, Value, json};

use crate::access::{Action, reach};
pub use crate::dicom_find::Level;
use crate::dicom_find::{Finding, Keys, candidates};
use crate::dicom_header::Wanted;
use crate::dicom_index::{self, Line};
use crate::imaging_study::attribute;
use crate::{Bank, imaging, kind};

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
    fuzzy: bool,
}

fn request(search: &Search) -> Result<Request> {
    let mut request = Request {
        keys: Vec::new(),
        include: Vec::new(),
        include_all: false,
        limit: RESULTS,
        offset: 0,
        fuzzy: false,
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
            // PS3.18 8.3.4.2
            "fuzzymatching" => {
                request.fuzzy = match &value[..] {
                    "true" => true,
                    "false" => false,
                    _ => return Err(Error::invalid("fuzzymatching takes true or false")),
                }
            }
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
    let request = request(search)?;
    let wanted = (!request.include_all).then(|| wanted(search, &request));
    let mut finding = Finding::begin(
        bank,
        context,
        search.level,
        Keys::from(request.keys.clone()).fuzzy(request.fuzzy),
        wanted.as_deref(),
    )?;
    let mut found = Vec::new();
    let mut skip = request.offset;
    // One more than asked for says whether there are more.
    while found.len() <= request.limit {
        let Some(dataset) = finding.next().transpose()? else {
            break;
        };
        if skip > 0 {
            skip -= 1;
            continue;
        }
        found.push(shown(dataset, search, &request));
    }
    let more = found.len() > request.limit;
    found.truncate(request.limit);
    Ok(Found {
        datasets: found,
        more,
    })
}

/// The attributes the caller gets: those of the level, and those it named.
fn wanted(search: &Search, request: &Request) -> Vec<String> {
    let mut standard: Vec<&str> = match search.level {
        Level::Patient | Level::Study => STUDY.to_vec(),
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
    let keys = request
        .keys
        .iter()
        .filter_map(|key| key.path.first().cloned());
    standard
        .into_iter()
        .map(str::to_owned)
        .chain(request.include.iter().cloned())
        .chain(keys)
        .collect()
}

/// A data set as the caller gets it, and how to retrieve it.
fn shown(dataset: Value, search: &Search, request: &Request) -> Value {
    let uid = |tag| attribute::text(&dataset, tag).unwrap_or_default();
    let mut url = format!("{}/studies/{}", search.base, uid("0020000D"));
    if search.level >= Level::Series {
        url = format!("{url}/series/{}", uid("0020000E"));
    }
    if search.level == Level::Instance {
        url = format!("{url}/instances/{}", uid("00080018"));
    }
    let wanted = wanted(search, request);
    let named = |tag: &str| request.include_all || wanted.iter().any(|wanted| wanted == tag);
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
    pub sop_class_uid: String,
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

/// Asks for access, leaves the audit row, and gives the objects a path names, one after another.
pub(crate) fn each_of(
    bank: &Bank,
    context: &RequestContext,
    action: &'static str,
    target: &Target,
    mut each: impl FnMut(&Line<'_>) -> Result<()>,
) -> Result<()> {
    let reach = reach(bank, context, Action::ReadClinical)?;
    let object = match &target.instance {
        Some(uid) => format!("{}/{uid}", kind::DICOM_INSTANCE),
        None => format!(
            "ImagingStudy/{}",
            crate::imaging_study::study_id(&target.study)
        ),
    };
    bank.clinical
        .audit(AuditEntry::new(context, action, object));
    let none = || Error::not_found("no such study, series or instance in this bank");
    if !reach.has_study(bank, &target.study)? {
        return Err(none());
    }
    if let Some(uid) = &target.instance {
        let key = RecordKey::new(kind::DICOM_INSTANCE, uid.as_str());
        let found = bank.clinical.read(|reader| reader.current(&key))?;
        let found = found.filter(|version| !version.deleted).ok_or_else(none)?;
        let record = imaging::decode(&found.body)?;
        let header = &record["header"];
        let is = |tag, uid: &str| attribute::text(header, tag).as_deref() == Some(uid);
        let named = is("0020000D", &target.study)
            && target
                .series
                .as_ref()
                .is_none_or(|series| is("0020000E", series));
        if !named {
            return Err(none());
        }
        let header = serde_json::value::to_raw_value(header)
            .map_err(|error| Error::internal("a header cannot be written").because(error))?;
        return each(&Line {
            uid,
            number: None,
            blob: imaging::blob_of(&record)?,
            size: record["size"].as_u64().unwrap_or(0),
            transfer_syntax: view::text(&record, "transferSyntax").unwrap_or_default(),
            frames: record["frames"].as_u64().unwrap_or(0),
            header: &header,
        });
    }
    crate::instance_store::settle_waiting(bank, context, &target.study)?;
    let mut any = false;
    for series in dicom_index::series_of(bank, &target.study)? {
        if target
            .series
            .as_ref()
            .is_some_and(|uid| *uid != series.series)
        {
            continue;
        }
        for block in series.blocks(bank) {
            for line in dicom_index::lines(&block?) {
                each(&line?)?;
                any = true;
            }
        }
    }
    if any { Ok(()) } else { Err(none()) }
}

/// The files of a study, a series or one instance.
pub fn retrieve(bank: &Bank, context: &RequestContext, target: &Target) -> Result<Vec<Object>> {
    let class = Wanted::these(["00080016"].into_iter());
    let mut objects = Vec::new();
    each_of(bank, context, "dicom_retrieve", target, |line| {
        let header = class.read(line.header)?;
        objects.push(object(bank, line, &header));
        Ok(())
    })?;
    Ok(objects)
}

fn object(bank: &Bank, line: &Line<'_>, header: &Value) -> Object {
    Object {
        sop_class_uid: attribute::text(header, "00080016").unwrap_or_default(),
        sop_instance_uid: line.uid.to_owned(),
        transfer_syntax_uid: line.transfer_syntax.to_owned(),
        path: bank.clinical.blobs().path(line.blob),
        blob: line.blob,
        size: line.size,
    }
}

/// Attributes by which retrieval may choose. PS3.4 C.4.2.1.4 and C.4.3.1.3: unique keys only.
const UNIQUE_KEYS: [&str; 4] = ["00100020", "0020000D", "0020000E", "00080018"];

/// The files of every object that has these unique keys, study by study.
pub fn select(bank: &Bank, context: &RequestContext, keys: &[MatchingKey]) -> Result<Vec<Object>> {
    let reach = reach(bank, context, Action::ReadClinical)?;
    let unique = |key: &MatchingKey| match &key.path[..] {
        [tag] => UNIQUE_KEYS.contains(&tag.as_str()) && !key.value.contains(['*', '?']),
        _ => false,
    };
    if keys.is_empty() || !keys.iter().all(unique) {
        return Err(Error::invalid("objects are retrieved by unique keys only"));
    }
    let wanted = Wanted::these(UNIQUE_KEYS.into_iter().chain(["00080016"]));
    let mut objects = Vec::new();
    for key in keys.iter().filter(|key| key.path == ["0020000D"]) {
        for uid in key.value.split('\\') {
            crate::instance_store::settle_waiting(bank, context, uid)?;
        }
    }
    let mut walk = candidates(bank, &keys.to_vec().into())?;
    while let Some(study) = walk.next(bank)? {
        if !reach.has_study(bank, &study.study)? {
            continue;
        }
        bank.clinical.audit(AuditEntry::new(
            context,
            "dicom_retrieve",
            format!(
                "ImagingStudy/{}",
                crate::imaging_study::study_id(&study.study)
            ),
        ));
        for series in dicom_index::series_of(bank, &study.study)? {
            for block in series.blocks(bank) {
                for line in dicom_index::lines(&block?) {
                    let line = line?;
                    let header = wanted.read(line.header)?;
                    if keys.iter().all(|key| key.matches(&header)) {
                        objects.push(object(bank, &line, &header));
                    }
                }
            }
        }
    }
    Ok(objects)
}

/// The objects a path names: the UID of each, and what is known of it.
pub(crate) fn targeted(
    bank: &Bank,
    context: &RequestContext,
    action: &'static str,
    target: &Target,
) -> Result<Vec<(String, Value)>> {
    let mut found = Vec::new();
    each_of(bank, context, action, target, |line| {
        let record = json!({
            "blob": line.blob,
            "size": line.size,
            "transferSyntax": line.transfer_syntax,
            "frames": line.frames,
            "header": Wanted::all().read(line.header)?,
        });
        found.push((line.uid.to_owned(), record));
        Ok(())
    })?;
    Ok(found)
}

/// Pictures of a frame. PS3.18 10.4.1.1.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picture {
    Jpeg,
    Png,
}
