//! VCF, BCF and CATS files, and the sheet that says whose samples they hold.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};

use kura_fhir::view;
use kura_genomics::{Format, Limits, cats, vcf};
use kura_model::{ContentHash, Error, RecordKey, Refusal, Result};
use kura_store::Put;
use serde_json::{Value, json};

use super::sink::{Item, Sink};
use super::{Feed, input};
use crate::link::{Claimed, Linkable};
use crate::{Bank, kind};

/// `Identifier.system` of a sample's name.
pub(crate) const SAMPLE_SYSTEM: &str = "urn:kura:sample";
/// URL of a blob of this bank, in `Attachment.url`.
pub(crate) const BLOB_URL: &str = "urn:kura:blob:";

/// Whether text begins with the head line of a sample sheet: `sample,patient_number[,issuer]`.
pub(super) fn is_sample_sheet(text: &[u8]) -> bool {
    let head = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    columns(&String::from_utf8_lossy(head)).is_some()
}

/// Separator and places of sample, number and issuer in a head line.
fn columns(head: &str) -> Option<(char, usize, usize, Option<usize>)> {
    let separator = if head.contains('\t') { '\t' } else { ',' };
    let names: Vec<&str> = head.trim().split(separator).map(str::trim).collect();
    let place = |wanted: &str| names.iter().position(|name| *name == wanted);
    Some((
        separator,
        place("sample")?,
        place("patient_number")?,
        place("issuer"),
    ))
}

pub(super) fn sample_sheet(feed: &Feed<'_>, sink: &Sink) -> Result<()> {
    let mut text = String::new();
    let read = input::open(feed.path, &feed.bank.config.import)?
        .reader
        .take(feed.bank.config.import.item_bytes)
        .read_to_string(&mut text);
    if read.is_err() {
        return sink.refuse_file(
            feed.path,
            Refusal::new("sheet-encoding", "a sample sheet is UTF-8 text"),
        );
    }
    let text = text.trim_start_matches('\u{FEFF}');
    let mut lines = text.lines().enumerate();
    let Some((separator, sample, number, issuer)) =
        lines.next().and_then(|(_, head)| columns(head))
    else {
        return sink.refuse_file(
            feed.path,
            Refusal::new("sheet-head", "the first line is not sample,patient_number"),
        );
    };
    let mut seen: HashMap<String, Value> = HashMap::new();
    for (index, line) in lines {
        let position = index as u64 + 1;
        if position <= feed.position || line.trim().is_empty() {
            continue;
        }
        let fields: Vec<&str> = line.split(separator).map(str::trim).collect();
        let field = |place: usize| fields.get(place).copied().filter(|field| !field.is_empty());
        match (field(sample), field(number)) {
            (Some(sample), Some(number)) => {
                let body = json!({
                    "sample": sample,
                    "number": number,
                    "issuer": issuer.and_then(field),
                });
                // A name that two laboratories use must not move one patient's genome to another.
                let before = match seen.get(sample) {
                    Some(row) => Some(row.clone()),
                    None => row_of(feed.bank, sample)?,
                };
                if before.is_some_and(|before| before != body) {
                    sink.push(Item::Refused {
                        refusal: Refusal::new(
                            "sheet-conflict",
                            "another sheet or row gives this sample to another patient",
                        )
                        .at_line(position)
                        .at_path("sample"),
                        item: line.as_bytes().to_vec(),
                        size: line.len() as u64,
                    });
                    sink.reached(position)?;
                    continue;
                }
                seen.insert(sample.to_owned(), body.clone());
                sink.push(Item::Put(Put {
                    key: sample_key(sample),
                    body: body.to_string().into_bytes(),
                    index: Vec::new(),
                    indexed_by: None,
                    owners: Vec::new(),
                    blobs: Vec::new(),
                    source: Some((sink.source(), position)),
                    once: true,
                }));
            }
            _ => sink.push(Item::Refused {
                refusal: Refusal::new("sheet-row", "the row does not name a sample and a patient")
                    .at_line(position),
                item: line.as_bytes().to_vec(),
                size: line.len() as u64,
            }),
        }
        sink.reached(position)?;
    }
    Ok(())
}

fn sample_key(sample: &str) -> RecordKey {
    RecordKey::new(
        kind::SAMPLE,
        &ContentHash::of(sample.as_bytes()).to_hex()[..32],
    )
}

/// The row of a sheet that was imported.
fn row_of(bank: &Bank, sample: &str) -> Result<Option<Value>> {
    let found = bank
        .clinical
        .read(|reader| reader.current(&sample_key(sample)))?;
    found
        .filter(|version| !version.deleted)
        .map(|version| {
            serde_json::from_slice(&version.body)
                .map_err(|error| Error::internal("a stored record is damaged").because(error))
        })
        .transpose()
}

/// Whose a sample is, by the sheets that were imported.
fn owner(bank: &Bank, sample: &str) -> Result<Claimed> {
    let Some(row) = row_of(bank, sample)? else {
        return Ok(Claimed::default());
    };
    let hospital = &bank.config.hospital;
    let system = match view::text(&row, "issuer") {
        // A sheet of the hospital itself: its numbers are the hospital's.
        None => hospital.patient_number_system.clone(),
        Some(issuer)
            if issuer == hospital.patient_number_system
                || hospital.dicom_issuers.iter().any(|own| own == issuer) =>
        {
            hospital.patient_number_system.clone()
        }
        Some(issuer) => format!("urn:kura:issuer:{issuer}"),
    };
    Ok(Claimed {
        number: view::text(&row, "number").map(str::to_owned),
        system: Some(system),
        birth_date: None,
        sex: None,
    })
}

/// Fills in the patient's number from a sample sheet that came after the sample.
pub(crate) fn complete_claim(bank: &Bank, resource: &Value, claimed: Claimed) -> Result<Claimed> {
    if claimed.number.is_some() {
        return Ok(claimed);
    }
    let samples: Vec<&str> = view::identifiers(resource, SAMPLE_SYSTEM).collect();
    Ok(one_owner(bank, &samples)?.unwrap_or(claimed))
}

/// The one person all samples are from. Tumour and normal of two people, or a sample nobody
/// knows, make it nobody's.
fn one_owner(bank: &Bank, samples: &[&str]) -> Result<Option<Claimed>> {
    let mut one: Option<Claimed> = None;
    for sample in samples {
        let found = owner(bank, sample)?;
        if found.number.is_none() || one.as_ref().is_some_and(|one| *one != found) {
            return Ok(None);
        }
        one = Some(found);
    }
    Ok(one)
}

/// Checks a VCF or BCF file whole, keeps it, and writes a `DocumentReference` for each sample.
pub(super) fn vcf(feed: &Feed<'_>, sink: &Sink, format: Format) -> Result<()> {
    let file = File::open(feed.path).map_err(|error| input::disk(feed.path, error))?;
    let summary = match vcf::check(BufReader::new(file), format, &Limits::default(), |_| {}) {
        Ok(summary) => summary,
        Err(refusal) => return sink.refuse_file(feed.path, refusal),
    };
    let file = File::open(feed.path).map_err(|error| input::disk(feed.path, error))?;
    let (blob, size) = sink.blob(file)?;
    let samples: Vec<Option<&str>> = if summary.samples.is_empty() {
        vec![None]
    } else {
        summary
            .samples
            .iter()
            .map(|name| Some(name.as_str()))
            .collect()
    };
    for (index, sample) in samples.into_iter().enumerate() {
        let mut resource = json!({
            "resourceType": "DocumentReference",
            "id": format!("vcf-{}-{}", &blob.to_hex()[..24], index + 1),
            "meta": { "security": [{ "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R" }] },
            "status": "current",
            "type": {
                "coding": [{ "system": "http://loinc.org", "code": "81247-9", "display": "Master HL7 genetic variant reporting panel" }],
                "text": "VCF",
            },
            "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "GE", "display": "Genetics" }] }],
            "description": format!(
                "{} {}, {} variants ({} SNV, {} indel)",
                summary.fileformat,
                summary.assembly.as_deref().or(summary.reference.as_deref()).unwrap_or("unknown assembly"),
                summary.records, summary.counts.snv, summary.counts.indel()
            ),
            "content": [{ "attachment": {
                "contentType": if format == Format::Bcf { "application/x-bcf" } else { "text/x-vcf" },
                "url": format!("{BLOB_URL}{blob}"),
                "size": size,
            } }],
        });
        let claimed = match sample {
            Some(sample) => {
                resource["identifier"] = json!([{ "system": SAMPLE_SYSTEM, "value": sample }]);
                owner(feed.bank, sample)?
            }
            None => Claimed::default(),
        };
        sink.push(Item::Linkable(Box::new(Linkable {
            resource,
            claimed,
            blobs: vec![blob],
            source: Some((sink.source(), 1)),
        })));
    }
    sink.reached(1)
}

/// A CATS report: the report as a document, what it found as observations.
pub(super) fn cats(feed: &Feed<'_>, sink: &Sink) -> Result<()> {
    let mut bytes = Vec::new();
    let limits = &feed.bank.config.import;
    input::open(feed.path, limits)?
        .reader
        .take(limits.item_bytes)
        .read_to_end(&mut bytes)
        .map_err(|error| input::disk(feed.path, error))?;
    let report = match cats::parse(&bytes, &Limits::default()) {
        Ok(report) => report,
        Err(refusal) => return sink.refuse_file(feed.path, refusal),
    };
    let (blob, size) = sink.blob(&bytes[..])?;
    let samples: Vec<&str> = report
        .samples
        .iter()
        .map(|sample| sample.item_id.as_str())
        .collect();
    let claimed = one_owner(feed.bank, &samples)?.unwrap_or_default();
    let prefix = format!("cats-{}", &blob.to_hex()[..24]);
    for mut resource in cats::to_fhir(&report, &json!({}), &prefix) {
        let is_document = view::text(&resource, "resourceType") == Some("DocumentReference");
        if is_document {
            resource["content"][0]["attachment"]["url"] = json!(format!("{BLOB_URL}{blob}"));
            resource["content"][0]["attachment"]["size"] = json!(size);
        }
        let mut identifiers: Vec<Value> = view::items(&resource, "identifier").cloned().collect();
        identifiers.extend(
            report
                .samples
                .iter()
                .map(|sample| json!({ "system": SAMPLE_SYSTEM, "value": sample.item_id })),
        );
        if !identifiers.is_empty() {
            resource["identifier"] = Value::Array(identifiers);
        }
        sink.push(Item::Linkable(Box::new(Linkable {
            resource,
            claimed: claimed.clone(),
            blobs: if is_document { vec![blob] } else { Vec::new() },
            source: Some((sink.source(), 1)),
        })));
    }
    sink.reached(1)
}
