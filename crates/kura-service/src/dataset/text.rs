//! What the texts of a set are cleaned by: a dictionary, and the names and numbers that the bank
//! knows.

use std::path::Path;

use kura_deid::text::{Dictionary, Record};
use kura_fhir::view;
use kura_model::{Error, LogicalTime, RecordKey, Result};
use kura_store::Query;
use serde_json::Value;

use crate::Bank;
use crate::timeline::decode;

/// Records read at a time.
const PAGE: u32 = 1000;

/// Reads the dictionary of the configuration.
///
/// # Errors
/// Names what to install where there is none: no text leaves without one.
pub(crate) fn dictionary(folder: &Path) -> Result<Dictionary> {
    let missing = |error: std::io::Error| {
        Error::invalid(format!(
            "{}: {error}. Texts are cleaned by a dictionary: install Debian's mecab-ipadic, or name its folder in text.dictionary",
            folder.display()
        ))
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(missing)? {
        let path = entry.map_err(missing)?.path();
        let wanted = path
            .extension()
            .is_some_and(|end| end == "csv" || end == "def");
        if let Some(name) = path.file_name().filter(|_| wanted) {
            let bytes = std::fs::read(&path).map_err(missing)?;
            files.push((name.to_string_lossy().into_owned(), bytes));
        }
    }
    Dictionary::of_source(files)
        .map_err(|error| Error::invalid(format!("{}: {error}", folder.display())))
}

/// Whoever works at the hospital, and where it is: their names may stand in anybody's texts.
pub(crate) fn everybody(bank: &Bank, t: LogicalTime) -> Result<Record> {
    let mut record = Record::new();
    for kind in ["Practitioner", "Organization"] {
        let query = Query {
            at: Some(t),
            ..Query::all(kind)
        };
        let mut after = None;
        loop {
            let page = bank
                .clinical
                .read(|reader| reader.search(&query, after.as_ref(), PAGE))?;
            for version in &page.versions {
                record = known_of(record, &decode(version)?);
            }
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
    }
    Ok(record)
}

/// The patient, relatives, and the numbers of visits, orders and insurance.
pub(crate) fn own(bank: &Bank, patient: &RecordKey, t: LogicalTime) -> Result<Record> {
    let mut record = Record::new();
    for kind in [
        "Patient",
        "RelatedPerson",
        "Coverage",
        "Encounter",
        "ServiceRequest",
        "ImagingStudy",
        "Specimen",
    ] {
        let versions = bank
            .clinical
            .read(|reader| reader.compartment(patient, kind, t))?;
        for version in &versions {
            record = known_of(record, &decode(version)?);
        }
    }
    Ok(record)
}

fn known_of(mut record: Record, value: &Value) -> Record {
    let place = view::text(value, "resourceType") == Some("Organization");
    let text = |value: &Value, name: &str| view::text(value, name).map(str::to_owned);
    // A department (内科) is in every hospital.
    let telling = |name: &String| name.chars().count() >= 5 && !name.ends_with('科');
    if let Some(name) = text(value, "name").filter(telling)
        && place
    {
        record = record.hospital(&name);
    }
    let persons = view::items(value, "name")
        .chain(view::items(value, "contact").map(|contact| &contact["name"]));
    for name in persons {
        let family = text(name, "family").unwrap_or_default();
        let given: Vec<&str> = view::items(name, "given")
            .filter_map(Value::as_str)
            .collect();
        let parts = format!("{family} {}", given.join(" "));
        for written in [Some(parts), text(name, "text")].into_iter().flatten() {
            if !written.trim().is_empty() {
                record = record.person(&written);
            }
        }
    }
    let contacts = view::items(value, "telecom")
        .chain(view::items(value, "contact").flat_map(|contact| view::items(contact, "telecom")));
    for contact in contacts {
        if let Some(number) = text(contact, "value") {
            record = record.phone(&number);
        }
    }
    for address in view::items(value, "address") {
        let lines = view::items(address, "line").filter_map(Value::as_str);
        for part in lines.map(str::to_owned).chain(text(address, "text")) {
            record = record.address(&part);
        }
    }
    let numbers = view::items(value, "identifier").filter_map(|one| text(one, "value"));
    for number in numbers
        .chain(text(value, "subscriberId"))
        .chain(text(value, "id"))
    {
        record = record.number(&number);
    }
    record
}
