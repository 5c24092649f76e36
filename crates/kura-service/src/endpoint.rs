//! Where the images of a study are fetched, for readers of FHIR: an `Endpoint` for each service of
//! DICOMweb, which every `ImagingStudy` with objects here names. FHIR R4 imagingstudy.html#endpoint.
//!
//! There are some only where `dicomweb.base` says how the bank is reached.

use kura_fhir::{Resource, view};
use kura_model::{Error, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, Commit, Predicate, Put, Query, Write};
use serde_json::{Value, json};

use crate::access::{Action, authorize};
use crate::{Bank, dicom_index, import, kind};

/// Codes of `connectionType`, which are the services of PS3.18, and what is fetched by them.
const SERVICES: [(&str, &str, &str); 2] = [
    ("dicom-wado-rs", "DICOM WADO-RS", "application/dicom"),
    ("dicom-qido-rs", "DICOM QIDO-RS", "application/dicom+json"),
];
const CONNECTION_TYPE: &str = "http://terminology.hl7.org/CodeSystem/endpoint-connection-type";

/// Whether every study names the endpoints: `on`, `off`.
const MARK: &str = "dicomweb:endpoint";

/// Studies looked at in one commit.
const STEP: u32 = 200;

fn key(code: &str) -> RecordKey {
    RecordKey::new("Endpoint", format!("kura-{code}"))
}

/// Has a study name the endpoints, if there are any. Whether that changed it.
pub(crate) fn refer(bank: &Bank, study: &mut Value) -> bool {
    if bank.config.dicomweb.base().is_none() {
        return false;
    }
    let mut changed = false;
    for (code, ..) in SERVICES {
        let reference = json!({ "reference": key(code).to_string() });
        if view::items(study, "endpoint").any(|named| named["reference"] == reference["reference"])
        {
            continue;
        }
        changed = true;
        match study.get_mut("endpoint") {
            Some(Value::Array(named)) => named.push(reference),
            _ => study["endpoint"] = json!([reference]),
        }
    }
    changed
}

fn put(bank: &Bank, value: Value, source: Option<(i64, u64)>) -> Result<Put> {
    let resource = Resource::from_value(value)
        .map_err(|refusal| Error::internal("a resource of ours is not sound").because(refusal))?;
    let mut put = import::fhir_put(&*bank.search_parameters()?, &resource, source);
    put.once = false;
    Ok(put)
}

/// Writes the endpoints as the configuration has them; those of an address that is not there any
/// more are off.
pub fn announce(bank: &Bank, context: &RequestContext) -> Result<()> {
    authorize(bank, context, Action::Import)?;
    let base = bank.config.dicomweb.base();
    if base.is_none() && bank.clinical.mark(MARK)?.is_none() {
        return Ok(());
    }
    let _writing = bank.writing()?;
    let mut writes = Vec::new();
    for (code, name, media_type) in SERVICES {
        let current = bank.clinical.read(|reader| reader.current(&key(code)))?;
        let current = current.filter(|version| !version.deleted);
        let wanted = match (base, &current) {
            (Some(base), _) => json!({
                "resourceType": "Endpoint",
                "id": key(code).id,
                "status": "active",
                "connectionType": { "system": CONNECTION_TYPE, "code": code },
                "name": format!("{}: {name}", bank.config.hospital.name),
                "payloadType": [{ "text": "DICOM" }],
                "payloadMimeType": [media_type],
                "address": base,
            }),
            (None, Some(known)) => {
                let mut known = crate::imaging::decode(&known.body)?;
                known["status"] = json!("off");
                known
            }
            (None, None) => continue,
        };
        let put = put(bank, wanted, None)?;
        if current.is_none_or(|current| current.body != put.body) {
            writes.push(Write::Put(put));
        }
    }
    if base.is_none() {
        bank.clinical.set_mark(MARK, "off")?;
    }
    if writes.is_empty() {
        return Ok(());
    }
    let audit = vec![AuditEntry::new(context, "endpoint_announce", "")];
    bank.clinical
        .commit(Commit {
            writes,
            audit,
            ..Commit::default()
        })
        .map(drop)
}

/// Has the studies name the endpoints that came before there were any.
pub fn settle(bank: &Bank, context: &RequestContext) -> Result<()> {
    authorize(bank, context, Action::Import)?;
    let settled = || Ok::<_, Error>(bank.clinical.mark(MARK)?.as_deref() == Some("on"));
    if bank.config.dicomweb.base().is_none() || settled()? {
        return Ok(());
    }
    let query = Query::all(kind::DICOM_STUDY);
    let mut after = None;
    loop {
        let _writing = bank.writing()?;
        let page = bank
            .clinical
            .read(|reader| reader.search(&query, after.as_ref(), STEP))?;
        let mut writes = Vec::new();
        for version in page.versions {
            let study: dicom_index::Study = dicom_index::decode(&version.body)?;
            writes.extend(referring(bank, &study.study)?.into_iter().map(Write::Put));
        }
        if !writes.is_empty() {
            let audit = vec![AuditEntry::new(context, "endpoint_settle", "")];
            bank.clinical.commit(Commit {
                writes,
                audit,
                ..Commit::default()
            })?;
        }
        after = page.next;
        if after.is_none() {
            return bank.clinical.set_mark(MARK, "on");
        }
    }
}

/// The records of a study that do not name the endpoints yet, with them.
fn referring(bank: &Bank, uid: &str) -> Result<Vec<Put>> {
    let query = Query::all("ImagingStudy").and(Predicate::Token {
        param: "ImagingStudy.identifier".to_owned(),
        system: Some(Some("urn:dicom:uid".to_owned())),
        code: Some(format!("urn:oid:{uid}")),
    });
    let page = bank
        .clinical
        .read(|reader| reader.search(&query, None, STEP))?;
    let mut puts = Vec::new();
    for version in page.versions {
        let mut study = crate::imaging::decode(&version.body)?;
        if refer(bank, &mut study) {
            let mut put = put(bank, study, version.source)?;
            put.blobs = bank.clinical.read(|reader| reader.blobs(&version.key))?;
            puts.push(put);
        }
    }
    Ok(puts)
}
