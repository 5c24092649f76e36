//! Who is told of which workitem, and of what. PS3.4 CC.2.3 and CC.2.4, PS3.18 11.10 to 11.13.

use kura_model::{ContentHash, Error, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, Commit, Put, Query, Write};
use serde_json::{Map, Value, json};

use super::{PROGRESS, READINESS, SOP_CLASS, STATE, Workitem, keys, now};
use crate::access::{Action, authorize};
use crate::{Bank, imaging, kind};

/// Every workitem. PS3.4 CC.2.3.1.
const GLOBAL: &str = "1.2.840.10008.5.1.4.34.5";
/// Every workitem that matches keys.
const FILTERED: &str = "1.2.840.10008.5.1.4.34.5.1";

const STEP: u32 = 1_000;

/// Something that happened to a workitem.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Titles of those who are to be told.
    pub receivers: Vec<String>,
    /// N-EVENT-REPORT in the DICOM JSON model. PS3.18 11.13.
    pub report: Value,
}

fn title(ae_title: &str) -> Result<()> {
    // PS3.5 6.2, AE.
    let sound = (1..=16).contains(&ae_title.len())
        && !ae_title.trim().is_empty()
        && ae_title
            .bytes()
            .all(|byte| (b' '..=b'~').contains(&byte) && byte != b'\\');
    match sound {
        true => Ok(()),
        false => Err(Error::invalid(
            "an application entity title is 1 to 16 characters",
        )),
    }
}

fn key(ae_title: &str, uid: &str) -> RecordKey {
    let name = format!("{uid} {ae_title}");
    RecordKey::new(
        kind::WORKITEM_SUBSCRIPTION,
        ContentHash::of(name.as_bytes()).to_hex(),
    )
}

fn commit(
    bank: &Bank,
    context: &RequestContext,
    action: &'static str,
    key: RecordKey,
    body: &Value,
) -> Result<()> {
    let audit = AuditEntry::new(context, action, key.to_string());
    bank.clinical
        .commit(Commit {
            writes: vec![Write::Put(Put::plain(key, body.to_string().into_bytes()))],
            audit: vec![audit],
            ..Commit::default()
        })
        .map(drop)
}

/// Whether someone may hear events. They name workitems of the titles that are listened for.
pub fn listen(bank: &Bank, context: &RequestContext) -> Result<()> {
    authorize(bank, context, Action::ReadClinical)?;
    bank.clinical
        .audit(AuditEntry::new(context, "workitem_listen", ""));
    Ok(())
}

/// Subscribes a title to a workitem, to all (the UID of the global worklist) or to those that match
/// (the UID of the filtered one, with keys). What is so already is told at once.
pub fn subscribe(
    bank: &Bank,
    context: &RequestContext,
    uid: &str,
    ae_title: &str,
    params: Vec<(String, String)>,
) -> Result<Vec<Event>> {
    authorize(bank, context, Action::ReadClinical)?;
    title(ae_title)?;
    let mut lock = false;
    let mut filter = Vec::new();
    for (name, value) in params {
        match &name[..] {
            "deletionlock" => lock = value == "true",
            "accept" => {}
            // The draft form: one parameter that holds the keys.
            "filter" => filter.extend(
                value
                    .split(',')
                    .filter_map(|pair| pair.split_once('='))
                    .map(|(name, value)| (name.to_owned(), value.to_owned())),
            ),
            _ => filter.push((name, value)),
        }
    }
    keys(&filter)?;
    if uid == FILTERED && filter.is_empty() {
        return Err(Error::invalid("a filtered subscription has matching keys"));
    }
    let _writing = bank.writing()?;
    let first = match uid {
        GLOBAL | FILTERED => None,
        uid => Some(Workitem::read(bank, uid)?),
    };
    let body = json!({
        "title": ae_title, "workitem": uid, "subscribed": true, "lock": lock, "filter": filter,
    });
    commit(
        bank,
        context,
        "workitem_subscribe",
        key(ae_title, uid),
        &body,
    )?;
    // CC.2.3.3: the initial state.
    Ok(first
        .map(|workitem| Event {
            receivers: vec![ae_title.to_owned()],
            report: state(&workitem),
        })
        .into_iter()
        .collect())
}

/// PS3.18 11.11
pub fn unsubscribe(bank: &Bank, context: &RequestContext, uid: &str, ae_title: &str) -> Result<()> {
    authorize(bank, context, Action::ReadClinical)?;
    title(ae_title)?;
    let _writing = bank.writing()?;
    if uid != GLOBAL && uid != FILTERED {
        Workitem::read(bank, uid)?;
    }
    // Remembered, for it is an exception from a subscription to all.
    let body = json!({ "title": ae_title, "workitem": uid, "subscribed": false });
    commit(
        bank,
        context,
        "workitem_unsubscribe",
        key(ae_title, uid),
        &body,
    )
}

/// PS3.18 11.12: workitems that are made from now on are not subscribed to.
pub fn suspend(bank: &Bank, context: &RequestContext, uid: &str, ae_title: &str) -> Result<()> {
    authorize(bank, context, Action::ReadClinical)?;
    title(ae_title)?;
    if uid != GLOBAL && uid != FILTERED {
        return Err(Error::invalid("only subscriptions to all are suspended"));
    }
    let _writing = bank.writing()?;
    let key = key(ae_title, uid);
    let found = bank.clinical.read(|reader| reader.current(&key))?;
    let Some(version) = found else {
        return Err(Error::not_found("this title has not subscribed"));
    };
    let mut body = imaging::decode(&version.body)?;
    if body["subscribed"] != true {
        return Err(Error::not_found("this title has not subscribed"));
    }
    body["until"] = json!(now());
    commit(bank, context, "workitem_suspend", key, &body)
}

/// Titles that are to be told of a workitem: its own subscriptions come before those to all.
fn receivers(bank: &Bank, workitem: &Workitem) -> Result<Vec<String>> {
    let mut own: Map<String, Value> = Map::new();
    let mut all = Vec::new();
    let query = Query::all(kind::WORKITEM_SUBSCRIPTION);
    let dataset = Value::Object(workitem.dataset.clone());
    let mut after = None;
    loop {
        let page = bank
            .clinical
            .read(|reader| reader.search(&query, after.as_ref(), STEP))?;
        for version in page.versions {
            let body = imaging::decode(&version.body)?;
            let Some(title) = body["title"].as_str() else {
                continue;
            };
            match body["workitem"].as_str() {
                Some(uid) if uid == workitem.uid => {
                    own.insert(title.to_owned(), body["subscribed"].clone());
                }
                Some(GLOBAL | FILTERED) if body["subscribed"] == true => {
                    let filter: Vec<(String, String)> =
                        serde_json::from_value(body["filter"].clone()).unwrap_or_default();
                    let matches = keys(&filter)?.iter().all(|key| key.matches(&dataset));
                    let until = body["until"].as_i64().unwrap_or(i64::MAX);
                    if matches && workitem.created <= until {
                        all.push(title.to_owned());
                    }
                }
                _ => {}
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let mut titles: Vec<String> = all
        .into_iter()
        .filter(|title| own.get(title) != Some(&Value::Bool(false)))
        .collect();
    let told = own.iter().filter(|(_, subscribed)| **subscribed == true);
    titles.extend(told.map(|(title, _)| title.clone()));
    titles.sort();
    titles.dedup();
    Ok(titles)
}

/// PS3.4 Table CC.2.4-1.
fn report(workitem: &Workitem, kind: u16, attributes: &[(&str, Value)]) -> Value {
    let mut report = json!({
        "00000002": { "vr": "UI", "Value": [SOP_CLASS] },
        "00001000": { "vr": "UI", "Value": [workitem.uid] },
        "00001002": { "vr": "US", "Value": [kind] },
    });
    for (tag, element) in attributes {
        report[*tag] = element.clone();
    }
    report
}

fn element(workitem: &Workitem, tag: &str, vr: &str) -> Value {
    let own = workitem.dataset.get(tag).cloned();
    own.unwrap_or_else(|| json!({ "vr": vr }))
}

fn state(workitem: &Workitem) -> Value {
    let mut attributes = vec![
        (STATE, element(workitem, STATE, "CS")),
        (READINESS, element(workitem, READINESS, "CS")),
    ];
    // Why it was canceled.
    let reason = workitem
        .dataset
        .get(PROGRESS)
        .map(|progress| progress["Value"][0]["00741238"].clone())
        .filter(Value::is_object);
    if let Some(reason) = reason {
        attributes.push(("00741238", reason));
    }
    report(workitem, 1, &attributes)
}

fn told(bank: &Bank, workitem: &Workitem, report: Value) -> Result<Vec<Event>> {
    let receivers = receivers(bank, workitem)?;
    Ok(match receivers.is_empty() {
        true => Vec::new(),
        false => vec![Event { receivers, report }],
    })
}

pub(super) fn state_report(bank: &Bank, workitem: &Workitem) -> Result<Vec<Event>> {
    told(bank, workitem, state(workitem))
}

/// Event type 2, with what the requester says.
pub(super) fn cancel_requested(
    bank: &Bank,
    workitem: &Workitem,
    asked: &Map<String, Value>,
) -> Result<Vec<Event>> {
    // Reason, its code, and whom to ask.
    let attributes: Vec<(&str, Value)> = ["00741238", "0074100E", "0074100A", "0074100C"]
        .into_iter()
        .filter_map(|tag| Some((tag, asked.get(tag)?.clone())))
        .collect();
    told(bank, workitem, report(workitem, 2, &attributes))
}

pub(super) fn progress_report(bank: &Bank, workitem: &Workitem) -> Result<Vec<Event>> {
    let progress = element(workitem, PROGRESS, "SQ");
    told(bank, workitem, report(workitem, 3, &[(PROGRESS, progress)]))
}

pub(super) fn assigned(bank: &Bank, workitem: &Workitem) -> Result<Vec<Event>> {
    let attributes: Vec<(&str, Value)> = ["00404025", "00404034"]
        .into_iter()
        .filter_map(|tag| Some((tag, workitem.dataset.get(tag)?.clone())))
        .collect();
    told(bank, workitem, report(workitem, 5, &attributes))
}
