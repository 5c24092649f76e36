//! What texts are cleaned by: a dictionary, and the names and numbers that the bank knows.

use std::path::Path;
use std::sync::{Arc, PoisonError};

use kura_deid::policy::Policy;
use kura_deid::text::{Cleaner, Dictionary, Record, Watcher};
use kura_fhir::view;
use kura_model::{Error, LogicalTime, RecordKey, Result};
use kura_store::Query;
use serde_json::Value;

use crate::Bank;
use crate::timeline::decode;

/// Records read at a time; a code system may be large.
const PAGE: u32 = 50;

/// What the texts of all patients are cleaned by.
pub(crate) struct Texts {
    dictionary: Arc<Dictionary>,
    everybody: Record,
    age_limit: u32,
}

impl Texts {
    /// # Errors
    /// Names what to install where there is no dictionary: no text leaves without one.
    pub fn new(bank: &Bank, policy: &Policy, t: LogicalTime) -> Result<Self> {
        let dictionary = Arc::new(dictionary(bank, policy, t)?);
        Self::with(bank, policy, t, dictionary)
    }

    /// As for a page: the dictionary stays, and words of code systems that come later are known after the
    /// next start.
    pub fn for_page(bank: &Bank, policy: &Policy, t: LogicalTime) -> Result<Self> {
        let mut kept = bank.words.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept.as_ref().filter(|(hash, _)| *hash == policy.hash);
        let dictionary = match known {
            Some((_, dictionary)) => Arc::clone(dictionary),
            None => {
                let read = Arc::new(dictionary(bank, policy, t)?);
                *kept = Some((policy.hash, Arc::clone(&read)));
                read
            }
        };
        drop(kept);
        Self::with(bank, policy, t, dictionary)
    }

    fn with(
        bank: &Bank,
        policy: &Policy,
        t: LogicalTime,
        dictionary: Arc<Dictionary>,
    ) -> Result<Self> {
        Ok(Self {
            dictionary,
            everybody: everybody(bank, t)?,
            age_limit: u32::try_from(policy.age_limit()).unwrap_or(0),
        })
    }

    /// For the texts of a patient, of whom the bank knows `own`.
    pub fn cleaner<'a>(&'a self, own: &'a Record, seen: Option<Watcher<'a>>) -> Cleaner<'a> {
        Cleaner {
            records: [own, &self.everybody],
            dictionary: &self.dictionary,
            age_limit: self.age_limit,
            seen,
        }
    }
}

/// The dictionary of the configuration, with the words of the code systems that the bank holds and whose
/// codes stay under the policy: names of diagnoses, medicines, tests.
fn dictionary(bank: &Bank, policy: &Policy, t: LogicalTime) -> Result<Dictionary> {
    let mut dictionary = of_folder(&bank.config.text.dictionary)?;
    each(bank, "CodeSystem", t, &mut |system| {
        if view::text(system, "url").is_some_and(|url| policy.publishes(url)) {
            concepts(system, &mut |word| dictionary.know([word]));
        }
    })?;
    Ok(dictionary)
}

/// The names of each concept of a code system, and of those below it.
fn concepts(value: &Value, each: &mut dyn FnMut(&str)) {
    for concept in view::items(value, "concept") {
        let others = view::items(concept, "designation").filter_map(|one| view::text(one, "value"));
        view::text(concept, "display")
            .into_iter()
            .chain(others)
            .for_each(&mut *each);
        concepts(concept, each);
    }
}

fn of_folder(folder: &Path) -> Result<Dictionary> {
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
fn everybody(bank: &Bank, t: LogicalTime) -> Result<Record> {
    let mut record = Record::new();
    for kind in ["Practitioner", "Organization"] {
        each(bank, kind, t, &mut |value| {
            record = known_of(std::mem::take(&mut record), value);
        })?;
    }
    Ok(record)
}

/// Every record of a kind as it was at `t`.
fn each(bank: &Bank, kind: &str, t: LogicalTime, visit: &mut dyn FnMut(&Value)) -> Result<()> {
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
            visit(&decode(version)?);
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
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
