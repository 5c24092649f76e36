//! Who is in a data set.

use std::collections::BTreeSet;

use kura_dataset::Spec;
use kura_fhir::search;
use kura_fhir::search_parameter::Registry;
use kura_model::{Error, LogicalTime, RecordKey, Result};

use crate::terminology::BankTerms;
use crate::{Bank, query};

/// Words in the codes of search parameters that pick out a person. A cohort stands on the card
/// and in the manifest.
const IDENTIFYING: [&str; 14] = [
    "accession",
    "instance",
    "related-id",
    "series",
    "identifier",
    "name",
    "phone",
    "email",
    "telecom",
    "address",
    "subscriber",
    "udi",
    "link",
    "near",
];
/// Types whose records are nobody's own. A reference to any other, or to somewhere else, may stand
/// for one patient.
const NOBODYS: [&str; 7] = [
    "HealthcareService",
    "Location",
    "Medication",
    "Organization",
    "Practitioner",
    "PractitionerRole",
    "Substance",
];
/// The shortest span of a date of birth or death: a year.
const YEAR: i64 = 364 * 86_400;

fn refuse(what: &str) -> Result<()> {
    Err(Error::invalid(format!(
        "a cohort may not be chosen by {what}: it would stand on the data set's card"
    )))
}

/// Refuses a cohort that is written with something that names a patient.
fn check_cohort(request: &search::Search) -> Result<()> {
    check_filters(&request.filters)
}

fn check_filters(filters: &[search::Filter]) -> Result<()> {
    use search::Filter;
    for filter in filters {
        match filter {
            Filter::Id { .. } | Filter::Compartment { .. } => return refuse("_id"),
            Filter::LastUpdated(_) => {}
            Filter::Has { from, .. } => check_cohort(from)?,
            Filter::All(inner) | Filter::Any(inner) => check_filters(inner)?,
            Filter::Not(inner) => check_filters(std::slice::from_ref(inner))?,
            Filter::Param { parameter, any, .. } => {
                let code = parameter.code.as_str();
                if IDENTIFYING.iter().any(|word| code.contains(word)) {
                    return refuse(code);
                }
                for criterion in any {
                    check_criterion(code, criterion)?;
                }
            }
        }
    }
    Ok(())
}

fn check_criterion(code: &str, criterion: &search::Criterion) -> Result<()> {
    use search::Criterion;
    match criterion {
        Criterion::Chain(inner) => inner.iter().try_for_each(check_cohort),
        Criterion::Composite(parts) => parts
            .iter()
            .try_for_each(|part| check_criterion(code, part)),
        // What people wrote may hold a name.
        Criterion::Text { .. } | Criterion::CodeText(_) => refuse(code),
        Criterion::OfType { .. } | Criterion::Identifier { .. } => refuse("an identifier"),
        Criterion::Near { .. } => refuse("a place"),
        Criterion::Reference(target) if !NOBODYS.contains(&target.kind.as_str()) => {
            refuse("one record")
        }
        Criterion::ReferenceId { kinds, .. }
            if kinds.is_empty() || kinds.iter().any(|kind| !NOBODYS.contains(kind)) =>
        {
            refuse("one record")
        }
        // Two bounds make a day.
        Criterion::Date { low, high, .. }
            if ["birthdate", "death-date"].contains(&code) && high - low < YEAR =>
        {
            refuse("less than a year of birth or death")
        }
        _ => Ok(()),
    }
}

/// Patients found by one search expression.
fn found(bank: &Bank, expression: &str, t: LogicalTime) -> Result<BTreeSet<RecordKey>> {
    // Parameters that somebody added to the bank could name a patient under any code.
    let registry = Registry::r4();
    let request = search::parse_expression(registry, expression)?;
    check_cohort(&request)?;
    let query = query::query(&request, Some(t), &BankTerms { bank, at: Some(t) })?;
    if request.kind == "Patient" {
        let mut out = BTreeSet::new();
        let mut after = None;
        loop {
            let page = bank
                .clinical
                .read(|reader| reader.search(&query, after.as_ref(), 1000))?;
            out.extend(page.versions.into_iter().map(|version| version.key));
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(out),
            }
        }
    }
    let link = registry.owner(request.kind).ok_or_else(|| {
        Error::invalid(format!(
            "a cohort by {} is not possible: it belongs to no patient",
            request.kind
        ))
    })?;
    let mut out = BTreeSet::new();
    for slot in &link.slots {
        let targets = bank
            .clinical
            .read(|reader| reader.targets(&query, slot.name))?;
        out.extend(
            targets
                .into_iter()
                .filter(|target| target.kind == "Patient"),
        );
    }
    Ok(out)
}

/// The patients a specification means, at `t`.
pub(super) fn cohort(bank: &Bank, spec: &Spec, t: LogicalTime) -> Result<BTreeSet<RecordKey>> {
    let mut patients = found(bank, "Patient", t)?;
    for expression in &spec.cohort.all {
        let these = found(bank, expression, t)?;
        patients.retain(|patient| these.contains(patient));
    }
    if !spec.cohort.any.is_empty() {
        let mut these = BTreeSet::new();
        for expression in &spec.cohort.any {
            these.extend(found(bank, expression, t)?);
        }
        patients.retain(|patient| these.contains(patient));
    }
    for expression in &spec.cohort.none {
        let these = found(bank, expression, t)?;
        patients.retain(|patient| !these.contains(patient));
    }
    Ok(patients)
}
