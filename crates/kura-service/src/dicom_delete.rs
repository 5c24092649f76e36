//! Objects that are taken away: their records get a version that says so, and the `ImagingStudy`
//! follows in the same transaction. The file stays until garbage is collected; an object that is
//! sent again is back.

use std::collections::BTreeSet;

use kura_fhir::{Resource, view};
use kura_model::{Error, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, Commit, Predicate, Query, Write};
use serde_json::{Value, json};

use crate::access::{Action, authorize};
use crate::dicom_read::Target;
use crate::imaging_study::{self, attribute, study_id};
use crate::{Bank, imaging, import, instance_store, kind};

/// Records read at a time.
const STEP: u32 = 1_000;

/// Deletes a study, a series or one instance; says how many objects that were.
///
/// # Errors
/// `NotFound` where the path names nothing; whoever may not write records for care may not.
pub fn delete(bank: &Bank, context: &RequestContext, target: &Target) -> Result<u64> {
    authorize(bank, context, Action::WriteClinical)?;
    let _writing = bank.writing()?;
    // What has just arrived is named in its study before it is taken out of it.
    instance_store::settle_writing(bank, context, &target.study)?;
    let (named, stay) = named(bank, target)?;
    if named.is_empty() {
        return Err(Error::not_found(
            "no such study, series or instance in this bank",
        ));
    }
    let mut writes: Vec<Write> = named
        .iter()
        .map(|uid| Write::Delete(RecordKey::new(kind::DICOM_INSTANCE, &uid[..])))
        .collect();
    studies(bank, target, &named, stay, &mut writes)?;
    // What stays is told anew, below or where it waits already.
    let index = instance_store::without(bank, &target.study, &named)?;
    writes.extend(index.writes);
    if !stay {
        let note = RecordKey::new(kind::PENDING_STUDY, study_id(&target.study));
        writes.push(Write::Delete(note));
    }
    let object = match &target.instance {
        Some(uid) => format!("{}/{uid}", kind::DICOM_INSTANCE),
        None => format!("ImagingStudy/{}", study_id(&target.study)),
    };
    let count = named.len() as u64;
    let detail = match &target.series {
        Some(series) if target.instance.is_none() => {
            json!({ "instances": count, "series": series })
        }
        _ => json!({ "instances": count }),
    };
    bank.clinical.commit(Commit {
        writes,
        blobs: index.blobs,
        audit: vec![AuditEntry::new(context, "instance_delete", object).detail(detail.to_string())],
        ..Commit::default()
    })?;
    Ok(count)
}

/// The objects a path names, and whether others of the study stay.
fn named(bank: &Bank, target: &Target) -> Result<(BTreeSet<String>, bool)> {
    let query = imaging::of_study(&target.study);
    let (mut named, mut stay) = (BTreeSet::new(), false);
    let mut after = None;
    loop {
        let page = bank
            .clinical
            .read(|reader| reader.search(&query, after.as_ref(), STEP))?;
        for version in page.versions {
            let record = imaging::decode(&version.body)?;
            let series = attribute::text(&record["header"], "0020000E");
            let fits = |wanted: &Option<String>, found: Option<&str>| {
                wanted.as_deref().is_none_or(|uid| Some(uid) == found)
            };
            if fits(&target.series, series.as_deref())
                && fits(&target.instance, Some(&version.key.id))
            {
                named.insert(version.key.id);
            } else {
                stay = true;
            }
        }
        after = page.next;
        if after.is_none() {
            return Ok((named, stay));
        }
    }
}

/// Takes the objects out of every `ImagingStudy` of the study. Ours goes with its last object; the
/// hospital's own stays.
fn studies(
    bank: &Bank,
    target: &Target,
    gone: &BTreeSet<String>,
    stay: bool,
    writes: &mut Vec<Write>,
) -> Result<()> {
    let query = Query::all("ImagingStudy").and(Predicate::Token {
        param: "ImagingStudy.identifier".to_owned(),
        system: Some(Some("urn:dicom:uid".to_owned())),
        code: Some(format!("urn:oid:{}", target.study)),
    });
    let page = bank
        .clinical
        .read(|reader| reader.search(&query, None, STEP))?;
    for version in page.versions {
        if !stay && version.key.id == study_id(&target.study) {
            writes.push(Write::Delete(version.key));
            continue;
        }
        let mut study = imaging::decode(&version.body)?;
        if !without(&mut study, gone) {
            continue;
        }
        let resource = Resource::from_value(study).map_err(|refusal| {
            Error::internal("an ImagingStudy of ours is not sound").because(refusal)
        })?;
        let mut put = import::fhir_put(&*bank.search_parameters()?, &resource, version.source);
        put.once = false;
        writes.push(Write::Put(put));
    }
    Ok(())
}

/// Whether the study named any of the objects.
fn without(study: &mut Value, gone: &BTreeSet<String>) -> bool {
    let Some(Value::Array(all)) = study.get_mut("series") else {
        return false;
    };
    let mut found = false;
    all.retain_mut(|series| {
        let Some(Value::Array(entries)) = series.get_mut("instance") else {
            return true;
        };
        let before = entries.len();
        entries.retain(|entry| view::text(entry, "uid").is_none_or(|uid| !gone.contains(uid)));
        found |= entries.len() < before;
        entries.len() == before || !entries.is_empty()
    });
    if found {
        imaging_study::summarise(study);
        // FHIR has no empty lists.
        if let Value::Object(study) = study {
            study.retain(|_, value| !matches!(value, Value::Array(list) if list.is_empty()));
        }
    }
    found
}
