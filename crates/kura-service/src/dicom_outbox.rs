//! Studies that are to be sent to other application entities: a note each, so that a crash, a
//! restart or a node that is off for a night loses none. What was sent is noted no more; its
//! versions and the audit trail tell of it.

use std::time::Duration;

use kura_dicom::{MatchingKey, tag_of};
use kura_model::{ContentHash, Error, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, Commit, Guard, Put, Query, Write};
use serde::{Deserialize, Serialize};

use crate::access::{Action, authorize};
use crate::dicom_find::{Finding, Level};
use crate::imaging_study::{attribute, study_id};
use crate::{Bank, kind};

/// Between two tries; after the last of them it is given up.
const WAITS: [Duration; 8] = [
    Duration::from_secs(10),
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(15 * 60),
    Duration::from_secs(60 * 60),
    Duration::from_secs(4 * 60 * 60),
    Duration::from_secs(12 * 60 * 60),
    Duration::from_secs(24 * 60 * 60),
];
/// Notes read and written at a time.
const STEP: usize = 500;
/// Objects that are named when they were not taken.
const NAMED: usize = 100;

/// A study, or one series of it, on its way to a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parcel {
    pub node: String,
    /// Study Instance UID (0020,000D)
    pub study: String,
    /// Series Instance UID (0020,000E), where only that one is sent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub series: Option<String>,
    /// Who asked for it.
    pub asked_by: String,
    /// How often it was tried.
    #[serde(default)]
    pub tries: usize,
    /// Not before this time, in milliseconds of the Unix epoch.
    #[serde(default)]
    pub due: i64,
    /// Nobody tries it again unless it is asked for anew.
    #[serde(default)]
    pub given_up: bool,
    /// Objects the node has taken at the last try, of how many.
    #[serde(default)]
    pub taken: u64,
    #[serde(default)]
    pub objects: u64,
    /// Objects the node does not take, some of them: SOP Instance UID and DIMSE status.
    #[serde(default)]
    pub refused: Vec<(String, u16)>,
    /// Why the last try ended early.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

/// How a try went.
#[derive(Debug, Clone, Default)]
pub struct Tried {
    pub objects: u64,
    pub taken: u64,
    /// Objects that would not be taken the next time either.
    pub refused: Vec<(String, u16)>,
    /// Why the rest was not sent; it is tried again.
    pub reason: Option<String>,
}

/// What became of a parcel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Sent,
    Again,
    GivenUp,
}

impl Parcel {
    /// What is retrieved for it.
    pub fn keys(&self) -> Vec<MatchingKey> {
        let key = |tag: &str, value: &str| MatchingKey {
            path: vec![tag.to_owned()],
            value: value.to_owned(),
        };
        let mut keys = vec![key("0020000D", &self.study)];
        if let Some(series) = &self.series {
            keys.push(key("0020000E", series));
        }
        keys
    }

    fn key(&self) -> RecordKey {
        let name = format!(
            "{}\n{}\n{}",
            self.node,
            self.study,
            self.series.as_deref().unwrap_or_default()
        );
        let hash = ContentHash::of(name.as_bytes()).to_hex();
        RecordKey::new(kind::DICOM_PARCEL, &hash[..32])
    }

    fn write(&self) -> Result<Write> {
        let body = serde_json::to_vec(self)
            .map_err(|error| Error::internal("a note cannot be written").because(error))?;
        Ok(Write::Put(Put::plain(self.key(), body)))
    }

    /// Books a try.
    fn book(&mut self, tried: Tried, now: i64) -> Outcome {
        self.objects = tried.objects;
        self.taken = tried.taken;
        self.refused = tried.refused;
        self.refused.truncate(NAMED);
        self.reason = tried.reason;
        if self.reason.is_some() {
            let wait = WAITS.get(self.tries);
            self.tries += 1;
            if let Some(wait) = wait {
                self.due = now + wait.as_millis() as i64;
                return Outcome::Again;
            }
        } else if self.refused.is_empty() {
            return Outcome::Sent;
        }
        self.given_up = true;
        Outcome::GivenUp
    }
}

/// Notes that every study with these attributes, by keyword or tag, is to be sent to a node; series
/// where the UID of one is named. What was given up is tried again. The parcels.
///
/// # Errors
/// The node has no address; a key cannot be understood.
pub fn add(
    bank: &Bank,
    context: &RequestContext,
    node: &str,
    keys: &[(String, String)],
) -> Result<Vec<Parcel>> {
    authorize(bank, context, Action::ReadClinical)?;
    let keys = keys
        .iter()
        .map(|(name, value)| {
            let tag = tag_of(name)
                .ok_or_else(|| Error::invalid(format!("{name} is no attribute of DICOM")))?;
            Ok(MatchingKey {
                path: vec![tag],
                value: value.clone(),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    if bank.config.dicom.address(node).is_none() {
        return Err(Error::not_found(format!(
            "{node} has no address: dicom.nodes.{node}.address in kura.toml"
        )));
    }
    let series = keys
        .iter()
        .any(|key| key.path == ["0020000E"])
        .then_some(Level::Series);
    let level = series.unwrap_or(Level::Study);
    let mut parcels = Vec::new();
    for found in Finding::begin(bank, context, level, keys, Some(&[]))? {
        let found = found?;
        let Some(study) = attribute::text(&found, "0020000D") else {
            continue;
        };
        parcels.push(Parcel {
            node: node.to_owned(),
            study,
            series: series.and_then(|_| attribute::text(&found, "0020000E")),
            asked_by: context.actor.name.clone(),
            tries: 0,
            due: 0,
            given_up: false,
            taken: 0,
            objects: 0,
            refused: Vec::new(),
            reason: None,
        });
    }
    for some in parcels.chunks(STEP) {
        let audit = some.iter().map(|parcel| {
            AuditEntry::new(context, "dicom_send_ask", target(parcel)).detail(node.to_owned())
        });
        bank.clinical.commit(Commit {
            audit: audit.collect(),
            writes: some.iter().map(Parcel::write).collect::<Result<_>>()?,
            ..Commit::default()
        })?;
    }
    Ok(parcels)
}

fn target(parcel: &Parcel) -> String {
    format!("ImagingStudy/{}", study_id(&parcel.study))
}

/// All that is to be sent, and what was given up.
pub fn list(bank: &Bank, context: &RequestContext) -> Result<Vec<Parcel>> {
    authorize(bank, context, Action::ReadStatus)?;
    all(bank)
}

fn all(bank: &Bank) -> Result<Vec<Parcel>> {
    let query = Query::all(kind::DICOM_PARCEL);
    let mut parcels = Vec::new();
    let mut after = None;
    loop {
        let page = bank
            .clinical
            .read(|reader| reader.search(&query, after.as_ref(), STEP as u32))?;
        for version in page.versions {
            let parcel = serde_json::from_slice(&version.body)
                .map_err(|error| Error::internal("a note of the outbox").because(error))?;
            parcels.push(parcel);
        }
        after = page.next;
        if after.is_none() {
            return Ok(parcels);
        }
    }
}

/// Forgets what waits for a node or was given up. How many.
pub fn drop_all(bank: &Bank, context: &RequestContext, node: &str) -> Result<usize> {
    authorize(bank, context, Action::ReadClinical)?;
    let gone: Vec<Parcel> = all(bank)?
        .into_iter()
        .filter(|parcel| parcel.node == node)
        .collect();
    for some in gone.chunks(STEP) {
        let audit = some.iter().map(|parcel| {
            AuditEntry::new(context, "dicom_send_drop", target(parcel)).detail(node.to_owned())
        });
        bank.clinical.commit(Commit {
            audit: audit.collect(),
            writes: some
                .iter()
                .map(|parcel| Write::Delete(parcel.key()))
                .collect(),
            ..Commit::default()
        })?;
    }
    Ok(gone.len())
}

/// The right to empty the outbox; one at a time has it, among threads and processes. `None` while
/// another has.
pub fn alone(bank: &Bank) -> Result<Option<Guard>> {
    bank.clinical.exclusive("outbox", false)
}

/// What is to be sent now. Whoever sends holds what [`alone`] gives.
pub fn due(bank: &Bank, now: i64) -> Result<Vec<Parcel>> {
    let mut due = all(bank)?;
    due.retain(|parcel| !parcel.given_up && parcel.due <= now);
    due.sort_by_key(|parcel| parcel.due);
    Ok(due)
}

/// Notes how a try went.
pub fn tried(
    bank: &Bank,
    context: &RequestContext,
    parcel: &Parcel,
    tried: Tried,
    now: i64,
) -> Result<Outcome> {
    authorize(bank, context, Action::ReadClinical)?;
    let mut parcel = parcel.clone();
    let taken = tried.taken;
    let outcome = parcel.book(tried, now);
    let write = match outcome {
        Outcome::Sent => Write::Delete(parcel.key()),
        Outcome::Again | Outcome::GivenUp => parcel.write()?,
    };
    let word = match outcome {
        Outcome::Sent => "success",
        Outcome::Again => "interrupted",
        Outcome::GivenUp => "refused",
    };
    bank.clinical.commit(Commit {
        writes: vec![write],
        audit: vec![
            AuditEntry::new(context, "dicom_send", target(&parcel))
                .outcome(word)
                .detail(format!("{}: {taken} objects", parcel.node)),
        ],
        ..Commit::default()
    })?;
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parcel() -> Parcel {
        let note = r#"{"node":"PACS","study":"1.2","askedBy":"cli:a"}"#;
        serde_json::from_str(note).unwrap()
    }

    #[test]
    fn a_node_that_is_off_is_tried_for_two_days() {
        let mut one = parcel();
        let off = || Tried {
            reason: Some("off".to_owned()),
            ..Tried::default()
        };
        let mut now = 0;
        let mut tries = 0;
        while one.book(off(), now) == Outcome::Again {
            assert!(one.due > now);
            now = one.due;
            tries += 1;
        }
        assert_eq!(tries, WAITS.len());
        assert!(one.given_up && now > 40 * 60 * 60 * 1000);
    }

    #[test]
    fn what_is_not_taken_is_not_tried_again() {
        let mut one = parcel();
        let refused = Tried {
            objects: 2,
            taken: 1,
            refused: vec![("1.2.3".to_owned(), 0xA900)],
            reason: None,
        };
        assert_eq!(one.book(refused, 0), Outcome::GivenUp);
        let done = Tried {
            objects: 2,
            taken: 2,
            ..Tried::default()
        };
        assert_eq!(parcel().book(done, 0), Outcome::Sent);
    }
}
