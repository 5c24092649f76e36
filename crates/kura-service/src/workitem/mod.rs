//! Workitems: Unified Procedure Steps, each a record with its versions. PS3.4 Annex CC, PS3.18
//! clause 11.

mod state;
mod subscription;

use std::time::{SystemTime, UNIX_EPOCH};

use kura_dicom::part10::is_uid;
use kura_dicom::{MatchingKey, tag_of};
use kura_model::{Category, Error, IndexEntry, IndexValue, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, Commit, Cursor, Predicate, Put, Query, Write};
use serde_json::{Map, Value, json};

pub use state::{Changed, change_state, request_cancel};
pub use subscription::{Event, listen, subscribe, suspend, unsubscribe};

use crate::access::{Action, authorize};
use crate::imaging_study::attribute;
use crate::{Bank, imaging, kind};

const STATE_PARAM: &str = "Workitem.state";
/// Unified Procedure Step - Push SOP Class.
pub const SOP_CLASS: &str = "1.2.840.10008.5.1.4.34.6.1";

const STATE: &str = "00741000";
const TRANSACTION: &str = "00081195";
const PROGRESS: &str = "00741002";
const PERFORMED: &str = "00741216";
const READINESS: &str = "00404041";
const LABEL: &str = "00741202";
const MODIFIED: &str = "00404010";

/// Results of one answer, unless the caller asks for fewer.
const RESULTS: usize = 500;
const STEP: u32 = 200;

/// A workitem as it is stored.
struct Workitem {
    uid: String,
    dataset: Map<String, Value>,
    /// Who has locked it. PS3.4 CC.1.1: never told to anyone.
    transaction: Option<String>,
    /// Milliseconds since 1970.
    created: i64,
}

fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64)
}

/// DT of this moment, in UTC. PS3.5 6.2.
fn date_time(millis: i64) -> String {
    let seconds = millis.div_euclid(1000);
    let (year, month, day) = kura_fhir::date::civil(seconds.div_euclid(86_400));
    let second = seconds.rem_euclid(86_400);
    format!(
        "{year:04}{month:02}{day:02}{:02}{:02}{:02}+0000",
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

fn key(uid: &str) -> RecordKey {
    RecordKey::new(kind::WORKITEM, uid)
}

impl Workitem {
    fn of(uid: String, body: &[u8]) -> Result<Self> {
        let mut body = imaging::decode(body)?;
        let Value::Object(dataset) = body["dataset"].take() else {
            return Err(Error::internal("a stored workitem is damaged"));
        };
        Ok(Self {
            uid,
            dataset,
            transaction: body["transaction"].as_str().map(str::to_owned),
            created: body["created"].as_i64().unwrap_or(0),
        })
    }

    fn read(bank: &Bank, uid: &str) -> Result<Self> {
        let found = bank.clinical.read(|reader| reader.current(&key(uid)))?;
        match found.filter(|version| !version.deleted) {
            Some(version) => Self::of(version.key.id, &version.body),
            None => Err(Error::not_found("no such workitem in this bank")),
        }
    }

    fn text(&self, tag: &str) -> Option<&str> {
        self.dataset.get(tag)?["Value"][0].as_str()
    }

    fn state(&self) -> &str {
        self.text(STATE).unwrap_or_default()
    }

    fn set(&mut self, tag: &str, vr: &str, value: &str) {
        let element = json!({ "vr": vr, "Value": [value] });
        self.dataset.insert(tag.to_owned(), element);
    }

    fn put(&self) -> Result<Put> {
        let body = json!({
            "dataset": self.dataset,
            "transaction": self.transaction,
            "created": self.created,
        });
        let body = serde_json::to_vec(&body)
            .map_err(|error| Error::internal("a workitem cannot be written").because(error))?;
        Ok(Put {
            key: key(&self.uid),
            body,
            index: vec![IndexEntry {
                param: STATE_PARAM,
                value: IndexValue::Token {
                    system: None,
                    code: self.state().to_owned(),
                },
            }],
            indexed_by: None,
            owners: Vec::new(),
            blobs: Vec::new(),
            source: None,
            once: false,
        })
    }

    /// The caller holds [`Bank::writing`].
    fn write(&mut self, bank: &Bank, context: &RequestContext, action: &'static str) -> Result<()> {
        self.set(MODIFIED, "DT", &date_time(now()));
        self.dataset.sort_keys();
        bank.clinical
            .commit(Commit {
                writes: vec![Write::Put(self.put()?)],
                audit: vec![AuditEntry::new(context, action, key(&self.uid).to_string())],
                ..Commit::default()
            })
            .map(drop)
    }

    /// As others may see it: without the lock.
    fn shown(mut self) -> Value {
        self.dataset.remove(TRANSACTION);
        Value::Object(self.dataset)
    }
}

fn object(dataset: Value) -> Result<Map<String, Value>> {
    let sound = |dataset: &Map<String, Value>| {
        dataset.iter().all(|(tag, element)| {
            tag.len() == 8
                && tag.bytes().all(|byte| byte.is_ascii_hexdigit())
                && element["vr"].as_str().is_some_and(|vr| vr.len() == 2)
        })
    };
    match dataset {
        Value::Object(dataset) if sound(&dataset) => Ok(dataset),
        _ => Err(Error::invalid(
            "a workitem is one data set of the DICOM JSON model",
        )),
    }
}

fn empty(dataset: &Map<String, Value>, tag: &str) -> bool {
    let values = dataset
        .get(tag)
        .and_then(|element| element["Value"].as_array());
    values.is_none_or(|values| values.iter().all(Value::is_null))
}

/// PS3.4 Table CC.2.5-3, column N-CREATE: what there must be, and what not yet.
fn acceptable(dataset: &Map<String, Value>) -> Result<()> {
    let text = |tag: &str| {
        dataset
            .get(tag)
            .and_then(|element| element["Value"][0].as_str())
    };
    let one_of = |tag: &'static str, allowed: &[&str], what: &'static str| match text(tag)
        .is_some_and(|value| allowed.contains(&value))
    {
        true => Ok(()),
        false => Err(Error::invalid(what).at(tag)),
    };
    one_of(
        STATE,
        &["SCHEDULED"],
        "a new workitem's Procedure Step State is SCHEDULED",
    )?;
    one_of(
        "00741200",
        &["HIGH", "MEDIUM", "LOW"],
        "Scheduled Procedure Step Priority is HIGH, MEDIUM or LOW",
    )?;
    one_of(
        READINESS,
        &["READY", "UNREADY", "INCOMPLETE"],
        "Input Readiness State is READY, UNREADY or INCOMPLETE",
    )?;
    for (tag, what) in [
        ("00741204", "a workitem has a Procedure Step Label"),
        (
            "00404005",
            "a workitem has a Scheduled Procedure Step Start DateTime",
        ),
    ] {
        if text(tag).is_none_or(str::is_empty) {
            return Err(Error::invalid(what).at(tag));
        }
    }
    for (tag, what) in [
        (TRANSACTION, "a new workitem has no Transaction UID"),
        (PROGRESS, "a new workitem has made no progress"),
        (PERFORMED, "a new workitem was not performed"),
    ] {
        if !empty(dataset, tag) {
            return Err(Error::invalid(what).at(tag));
        }
    }
    Ok(())
}

/// A UID that nobody else makes. PS3.5 B.2.
fn new_uid() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::internal("the system gives no random numbers").because(error))?;
    // RFC 9562: version 4.
    bytes[6] = bytes[6] & 0x0F | 0x40;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    Ok(format!("2.25.{}", u128::from_be_bytes(bytes)))
}

/// PS3.18 11.4: makes a workitem and says its UID.
pub fn create(
    bank: &Bank,
    context: &RequestContext,
    uid: Option<&str>,
    dataset: Value,
) -> Result<(String, Vec<Event>)> {
    authorize(bank, context, Action::WriteClinical)?;
    let mut dataset = object(dataset)?;
    acceptable(&dataset)?;
    let named = uid
        .map(str::to_owned)
        .or_else(|| attribute::text(&Value::Object(dataset.clone()), "00080018"));
    let uid = match named {
        Some(uid) if is_uid(&uid) => uid,
        Some(_) => return Err(Error::invalid("a workitem is named by a UID")),
        None => new_uid()?,
    };
    dataset.remove(TRANSACTION);
    let mut workitem = Workitem {
        uid,
        dataset,
        transaction: None,
        created: now(),
    };
    let own = workitem.uid.clone();
    workitem.set("00080016", "UI", SOP_CLASS);
    workitem.set("00080018", "UI", &own);
    if workitem.text(LABEL).is_none() {
        workitem.set(LABEL, "LO", "DEFAULT");
    }
    let _writing = bank.writing()?;
    let known = bank.clinical.read(|reader| reader.current(&key(&own)))?;
    if known.is_some() {
        return Err(Error::conflict("a workitem of this UID is here already"));
    }
    workitem.write(bank, context, "workitem_create")?;
    let events = subscription::state_report(bank, &workitem)?;
    Ok((own, events))
}

/// PS3.18 11.5
pub fn retrieve(bank: &Bank, context: &RequestContext, uid: &str) -> Result<Value> {
    authorize(bank, context, Action::ReadClinical)?;
    bank.clinical.audit(AuditEntry::new(
        context,
        "workitem_read",
        key(uid).to_string(),
    ));
    Workitem::read(bank, uid).map(Workitem::shown)
}

/// PS3.4 Table CC.2.5-3, column N-SET: "Not Allowed".
const FIXED: [&str; 12] = [
    STATE,
    TRANSACTION,
    "00080016",
    "00080018",
    "00100010",
    "00100020",
    "00100021",
    "00100030",
    "00100040",
    "00380010",
    "00404010",
    "00741204",
];

/// PS3.18 11.6: replaces attributes. In progress, only whoever has the lock may.
pub fn update(
    bank: &Bank,
    context: &RequestContext,
    uid: &str,
    transaction: Option<&str>,
    dataset: Value,
) -> Result<Vec<Event>> {
    authorize(bank, context, Action::WriteClinical)?;
    let changes = object(dataset)?;
    if let Some(tag) = FIXED.into_iter().find(|tag| changes.contains_key(*tag)) {
        return Err(Error::invalid("an attribute of it cannot be updated").at(tag));
    }
    let _writing = bank.writing()?;
    let mut workitem = Workitem::read(bank, uid)?;
    state::may_change(&workitem, transaction)?;
    let progress = changes.contains_key(PROGRESS);
    let assigned = ["00404025", "00404026", "00404027", "00404034"]
        .iter()
        .any(|tag| changes.contains_key(*tag));
    let ready = changes.contains_key(READINESS);
    workitem.dataset.extend(changes);
    workitem.write(bank, context, "workitem_update")?;
    let mut events = Vec::new();
    if progress {
        events.extend(subscription::progress_report(bank, &workitem)?);
    }
    if assigned {
        events.extend(subscription::assigned(bank, &workitem)?);
    }
    if ready {
        events.extend(subscription::state_report(bank, &workitem)?);
    }
    Ok(events)
}

/// Keys of a query: attributes by keyword or tag.
pub(crate) fn keys(params: &[(String, String)]) -> Result<Vec<MatchingKey>> {
    params
        .iter()
        .map(|(name, value)| {
            let path = name
                .split('.')
                .map(|part| tag_of(part.trim()))
                .collect::<Option<_>>();
            let path = path.ok_or_else(|| {
                Error::invalid("a key is neither an attribute's keyword nor its tag")
            })?;
            let value = value.clone();
            Ok(MatchingKey { path, value })
        })
        .collect()
}

/// PS3.18 11.9: workitems that match all keys, and whether there are more.
pub fn search(
    bank: &Bank,
    context: &RequestContext,
    params: Vec<(String, String)>,
) -> Result<(Vec<Value>, bool)> {
    authorize(bank, context, Action::ReadClinical)?;
    let (mut limit, mut skip, mut rest) = (RESULTS, 0, Vec::new());
    for (name, value) in params {
        let number = || {
            value
                .parse::<usize>()
                .map_err(|_| Error::invalid("limit and offset take whole numbers"))
        };
        match &name[..] {
            "limit" => limit = number()?.clamp(1, RESULTS),
            "offset" => skip = number()?,
            // All attributes are returned.
            "includefield" | "fuzzymatching" | "accept" => {}
            _ => rest.push((name, value)),
        }
    }
    let keys = keys(&rest)?;
    bank.clinical
        .audit(AuditEntry::new(context, "workitem_search", ""));
    let mut query = Query::all(kind::WORKITEM);
    if let Some(state) = keys.iter().find(|key| key.path == [STATE])
        && !state.value.is_empty()
        && !state.value.contains(['*', '?', '\\'])
    {
        query = query.and(Predicate::Token {
            param: STATE_PARAM.to_owned(),
            system: Some(None),
            code: Some(state.value.clone()),
        });
    }
    let mut found = Vec::new();
    let mut after: Option<Cursor> = None;
    loop {
        let page = bank
            .clinical
            .read(|reader| reader.search(&query, after.as_ref(), STEP))?;
        for version in page.versions {
            let shown = Workitem::of(version.key.id, &version.body)?.shown();
            if !keys.iter().all(|key| key.matches(&shown)) {
                continue;
            }
            if skip > 0 {
                skip -= 1;
            } else if found.len() == limit {
                return Ok((found, true));
            } else {
                found.push(shown);
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok((found, false));
        }
    }
}

/// What contradicts the state of a workitem, in the words of PS3.18 11.6 and 11.7.
fn contradicts(message: &'static str) -> Error {
    Error::new(Category::Conflict, message)
}
