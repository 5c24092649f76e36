//! Who treats whom, and who is whose: how a caller stands to the patients of the bank.

use kura_access::Relation;
use kura_fhir::search;
use kura_fhir::search_parameter::Registry;
use kura_model::{Error, RecordKey, Result, Standing};
use kura_store::{Query, Reader};

use crate::terminology::BankTerms;
use crate::{Bank, emergency, kind, query};

/// Where a practitioner has part in a patient's care: type, the parameter that names the
/// practitioner, the one that names the patient, and the one that says when.
const PART: &[(&str, &str, &str, Option<&str>)] = &[
    ("Patient", "general-practitioner", "", None),
    ("Encounter", "participant", "patient", Some("date")),
    ("EpisodeOfCare", "care-manager", "patient", Some("date")),
    ("CareTeam", "participant", "patient", Some("date")),
    ("Appointment", "actor", "patient", Some("date")),
    ("ServiceRequest", "requester", "patient", Some("authored")),
    ("ServiceRequest", "performer", "patient", Some("authored")),
    ("DiagnosticReport", "performer", "patient", Some("date")),
    (
        "DiagnosticReport",
        "results-interpreter",
        "patient",
        Some("date"),
    ),
];

/// What a reach depends on: it is worked out anew when one of the numbers
/// changes.
pub(crate) fn state(bank: &Bank) -> Result<Vec<u64>> {
    let kinds = ["Patient", "Consent", kind::EMERGENCY];
    bank.clinical
        .read(|reader| kinds.iter().map(|kind| reader.versions_of(kind)).collect())
}

/// The patients a caller of this standing has this relation to.
pub(crate) fn patients(
    bank: &Bank,
    (account, standing): (&str, &Standing),
    relation: Relation,
) -> Result<Vec<RecordKey>> {
    let named = |ids: &[String]| {
        let keys: Vec<RecordKey> = ids.iter().map(|id| RecordKey::new("Patient", id)).collect();
        with_links(bank, keys)
    };
    match relation {
        Relation::Own => named(standing.patient.as_slice()),
        Relation::Proxy => named(&standing.acts_for),
        Relation::Treatment => match &standing.practitioner {
            Some(practitioner) => treated_by(bank, practitioner),
            None => Ok(Vec::new()),
        },
        Relation::Emergency => emergency::patients_open_to(bank, account),
        // Nobody has it yet: consents to share are not kept so far.
        Relation::Shared => Ok(Vec::new()),
    }
}

/// With the other records of the same persons (`Patient.link`), in both directions.
fn with_links(bank: &Bank, mut keys: Vec<RecordKey>) -> Result<Vec<RecordKey>> {
    let registry = bank.search_parameters()?;
    bank.clinical.read(|reader| {
        let mut from = 0;
        while from < keys.len() {
            let key = keys[from].clone();
            from += 1;
            let mut found = Vec::new();
            if let Some(version) = reader.current(&key)?.filter(|version| !version.deleted) {
                let body: serde_json::Value =
                    serde_json::from_slice(&version.body).map_err(|error| {
                        Error::internal("a stored record is damaged").because(error)
                    })?;
                found.extend(registry.references("Patient", Some("link"), &body));
            }
            found.extend(pointing(bank, reader, &key)?);
            for other in found {
                if other.kind == "Patient" && !keys.contains(&other) {
                    keys.push(other);
                }
            }
        }
        Ok(())
    })?;
    Ok(keys)
}

/// The patients whose records say that they are this one.
fn pointing(bank: &Bank, reader: &mut Reader<'_>, key: &RecordKey) -> Result<Vec<RecordKey>> {
    let found = ask(bank, "Patient", &[("link".to_owned(), key.to_string())])?;
    let page = reader.search(&found, None, 100)?;
    Ok(page
        .versions
        .into_iter()
        .map(|version| version.key)
        .collect())
}

/// The patients in whose care a practitioner has had part, lately.
fn treated_by(bank: &Bank, practitioner: &str) -> Result<Vec<RecordKey>> {
    let registry = bank.search_parameters()?;
    let days = i64::from(bank.config.access.treatment_days);
    let since = jiff::Timestamp::now()
        .checked_sub(jiff::SignedDuration::from_hours(24 * days))
        .map_err(|error| Error::invalid("access.treatment_days is too long").because(error))?;
    bank.clinical.read(|reader| {
        let mut me = vec![format!("Practitioner/{practitioner}")];
        let roles = ask(
            bank,
            "PractitionerRole",
            &[("practitioner".to_owned(), me[0].clone())],
        )?;
        let roles = reader.search(&roles, None, 100)?;
        me.extend(roles.versions.iter().map(|version| version.key.to_string()));
        let me = me.join(",");
        let mut all = Vec::new();
        for (kind, by, whose, when) in PART {
            let part = ((*by).to_owned(), me.clone());
            // What has no date may go on.
            let times = when.map_or(vec![None], |when| {
                vec![
                    Some((when.to_owned(), format!("ge{since}"))),
                    Some((format!("{when}:missing"), "true".to_owned())),
                ]
            });
            for time in times {
                let params: Vec<_> = [Some(part.clone()), time].into_iter().flatten().collect();
                let found = ask(bank, kind, &params)?;
                add(reader, &registry, &found, (kind, whose), &mut all)?;
            }
        }
        all.sort_unstable();
        all.dedup();
        Ok(all)
    })
}

/// The patients of what is found: what is found itself, or what it points at.
fn add(
    reader: &mut Reader<'_>,
    registry: &Registry,
    found: &Query,
    (kind, whose): (&str, &str),
    all: &mut Vec<RecordKey>,
) -> Result<()> {
    if whose.is_empty() {
        let mut after = None;
        loop {
            let page = reader.search(found, after.as_ref(), 1000)?;
            all.extend(page.versions.into_iter().map(|version| version.key));
            after = page.next;
            if after.is_none() {
                return Ok(());
            }
        }
    }
    let slots = registry
        .parameter(kind, whose)
        .map(|parameter| &parameter.slots);
    for slot in slots.into_iter().flatten() {
        let targets = reader.targets(found, slot.name)?;
        all.extend(targets.into_iter().filter(|key| key.kind == "Patient"));
    }
    Ok(())
}
fn ask(bank: &Bank, kind: &str, params: &[(String, String)]) -> Result<Query> {
    let registry = bank.search_parameters()?;
    let asked = search::parse(&registry, kind, params)?;
    query::query(&asked, None, &BankTerms { bank, at: None })
}
