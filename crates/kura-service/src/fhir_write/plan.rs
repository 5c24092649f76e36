//! What a write will do, decided on the state the writer will see.

use kura_fhir::resource;
use kura_model::{Category, ContentHash, Error, RecordKey, Result};
use kura_store::{Expect, Version, Write};
use kura_validation::Outcome;
use serde_json::Value;

use super::check::{self, Sound};
use super::{Condition, What, Written};
use crate::access::Reach;
use crate::import::BLOB_URL;
use crate::validation::on_write::Judgement;
use crate::{Bank, imaging};

/// One record's part of a commit.
pub(super) struct Plan {
    pub(super) key: RecordKey,
    pub(super) what: What,
    version: u64,
    /// Known already if nothing is written.
    at: Option<i64>,
    /// Stored bytes after it.
    pub(super) body: Vec<u8>,
    pub(super) write: Option<Write>,
    pub(super) expect: Expect,
    /// What validation found.
    pub(super) findings: Option<Outcome>,
}

impl Plan {
    /// Whether a version comes of it.
    pub(super) fn is_change(&self) -> bool {
        self.at.is_none()
    }

    /// With what validation found.
    ///
    /// # Errors
    /// `Unprocessable` if it may not be written.
    pub(super) fn judged(mut self, judged: &Judgement) -> Result<Plan> {
        self.findings = judged.admit()?;
        Ok(self)
    }

    /// As it is once the commit was made at `at`, milliseconds since 1970.
    pub(super) fn done(self, at: i64) -> Written {
        let at = self.at.unwrap_or(at);
        let body = if self.body.is_empty() {
            Vec::new()
        } else {
            resource::present(&self.key, self.version, at, &self.body)
        };
        Written {
            key: self.key,
            version: self.version,
            last_updated: at,
            what: self.what,
            body,
            findings: self.findings,
        }
    }
}

pub(super) fn current(bank: &Bank, reach: &Reach, key: &RecordKey) -> Result<Option<Version>> {
    reach.read(bank, |reader| reader.current(key))
}

fn newest(key: &RecordKey, current: Option<&Version>) -> Expect {
    Expect::Newest {
        key: key.clone(),
        version: current.map(|version| version.version),
    }
}

/// A new version, or the first; nothing if its bytes are the newest version's.
pub(super) fn put(bank: &Bank, reach: &Reach, sound: Sound, condition: &Condition) -> Result<Plan> {
    let Sound { key, mut put } = sound;
    let current = current(bank, reach, &key)?;
    condition.check(current.as_ref())?;
    let expect = newest(&key, current.as_ref());
    let live = current.as_ref().filter(|version| !version.deleted);
    if let Some(live) = live
        && live.hash == ContentHash::of(&put.body)
    {
        return Ok(found(live, expect, What::Unchanged));
    }
    put.blobs = blobs(bank, &key, &put.body)?;
    Ok(Plan {
        what: if live.is_some() {
            What::Updated
        } else {
            What::Created
        },
        version: current.as_ref().map_or(1, |version| version.version + 1),
        at: None,
        body: put.body.clone(),
        write: Some(Write::Put(put)),
        expect,
        findings: None,
        key,
    })
}

/// The resource as it is, for a conditional create that found it.
pub(super) fn keep(bank: &Bank, reach: &Reach, key: &RecordKey) -> Result<Plan> {
    let current = current(bank, reach, key)?
        .ok_or_else(|| Error::internal("a resource that was found is not there"))?;
    let expect = newest(key, Some(&current));
    Ok(found(&current, expect, What::Found))
}

fn found(current: &Version, expect: Expect, what: What) -> Plan {
    Plan {
        key: current.key.clone(),
        what,
        version: current.version,
        at: Some(current.at),
        body: current.body.clone(),
        write: None,
        expect,
        findings: None,
    }
}

/// Blobs of this bank the body names. It may keep those its resource has; it cannot take others'.
fn blobs(bank: &Bank, key: &RecordKey, body: &[u8]) -> Result<Vec<ContentHash>> {
    let text = String::from_utf8_lossy(body);
    let named: Vec<&str> = text.split(BLOB_URL).skip(1).collect();
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let own = bank.clinical.read(|reader| reader.blobs(key))?;
    let mut kept = Vec::new();
    for name in named {
        let hash = own
            .iter()
            .find(|hash| name.starts_with(&hash.to_hex()))
            .ok_or_else(|| {
                Error::new(
                    Category::Unprocessable,
                    "a file of this bank is named that is not this resource's own",
                )
                .coded("business-rule")
            })?;
        if !kept.contains(hash) {
            kept.push(*hash);
        }
    }
    Ok(kept)
}

/// FHIR R4 http.html#delete: what is not there, or not any more, is no error.
pub(super) fn delete(
    bank: &Bank,
    reach: &Reach,
    key: &RecordKey,
    condition: &Condition,
) -> Result<Plan> {
    let current = current(bank, reach, key)?;
    condition.check(current.as_ref())?;
    let expect = newest(key, current.as_ref());
    let version = current.as_ref().map_or(0, |version| version.version);
    let absent = Plan {
        key: key.clone(),
        what: What::Absent,
        version,
        at: Some(current.as_ref().map_or(0, |version| version.at)),
        body: Vec::new(),
        write: None,
        expect: expect.clone(),
        findings: None,
    };
    let Some(live) = current.filter(|version| !version.deleted) else {
        return Ok(absent);
    };
    if key.kind == "ImagingStudy" {
        without_images(bank, &live)?;
    }
    Ok(Plan {
        what: What::Deleted,
        version: version + 1,
        at: None,
        write: Some(Write::Delete(key.clone())),
        ..absent
    })
}

/// A study whose images are here cannot go alone: they would be found by no one.
fn without_images(bank: &Bank, study: &Version) -> Result<()> {
    let value: Value = decode(&study.body)?;
    for uid in kura_fhir::view::identifiers(&value, "urn:dicom:uid") {
        let uid = uid.strip_prefix("urn:oid:").unwrap_or(uid);
        let objects = bank
            .clinical
            .read(|reader| reader.search(&imaging::of_study(uid), None, 1))?;
        if !objects.versions.is_empty() {
            return Err(Error::conflict(
                "the images of this study are in the bank; it cannot be deleted alone",
            ));
        }
    }
    Ok(())
}

/// The resource as a client sees it, patched.
pub(super) fn patched(
    bank: &Bank,
    reach: &Reach,
    key: &RecordKey,
    patch: &kura_fhir::patch::Patch,
    condition: &Condition,
) -> Result<(Value, Expect)> {
    let current = current(bank, reach, key)?;
    condition.check(current.as_ref())?;
    let expect = newest(key, current.as_ref());
    let current = current.ok_or_else(|| Error::not_found(format!("{key} is not in this bank")))?;
    if current.deleted {
        return Err(Error::new(Category::Gone, format!("{key} was deleted")));
    }
    let before: Value = decode(&crate::fhir_read::answer(&current).body)?;
    let after = patch.apply(&before)?;
    let wrong = |element: &str| {
        Error::new(
            Category::Unprocessable,
            "a patch changes neither type nor id",
        )
        .at(format!("{}.{element}", key.kind))
    };
    if after.get("resourceType") != before.get("resourceType") {
        return Err(wrong("resourceType"));
    }
    if after.get("id") != before.get("id") {
        return Err(wrong("id"));
    }
    Ok((after, expect))
}

fn decode(body: &[u8]) -> Result<Value> {
    serde_json::from_slice(body)
        .map_err(|error| Error::internal("a stored resource is damaged").because(error))
}

/// What a patch made, to be put on the version it was made from and on no other.
pub(super) fn put_patched(
    bank: &Bank,
    reach: &Reach,
    value: Value,
    expect: Expect,
) -> Result<Plan> {
    let plan = put(
        bank,
        reach,
        check::sound(&*bank.search_parameters()?, value)?,
        &Condition::default(),
    )?;
    Ok(Plan { expect, ..plan })
}
