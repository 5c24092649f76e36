//! Who is in a data set.

use std::collections::BTreeSet;

use kura_dataset::Spec;
use kura_fhir::{search, search_parameter};
use kura_model::{Error, LogicalTime, RecordKey, Result};

use crate::{Bank, query};

/// Search parameters that pick out a person. A cohort stands on the card and in the manifest.
const IDENTIFYING: [&str; 12] = [
    "identifier",
    "name",
    "family",
    "given",
    "phonetic",
    "phone",
    "telecom",
    "address",
    "address-city",
    "address-state",
    "address-postalcode",
    "link",
];

/// Refuses a cohort that is written with something that names a patient.
fn check_cohort(request: &search::Search) -> Result<()> {
    use search::{Criterion, Filter, Prefix};
    let refuse = |what: &str| {
        Err(Error::invalid(format!(
            "a cohort may not be chosen by {what}: it would stand on the data set's card"
        )))
    };
    for filter in &request.filters {
        match filter {
            Filter::Id(_) => return refuse("_id"),
            Filter::LastUpdated { .. } => {}
            Filter::Has { from, .. } => check_cohort(from)?,
            Filter::Param { name, any, .. } => {
                let code = name.split_once('.').map_or(*name, |(_, code)| code);
                if IDENTIFYING.contains(&code) {
                    return refuse(code);
                }
                for criterion in any {
                    match criterion {
                        Criterion::Chain(inner) => check_cohort(inner)?,
                        Criterion::Reference(target) if target.kind == "Patient" => {
                            return refuse("a patient's id");
                        }
                        Criterion::Date {
                            prefix: Prefix::Eq,
                            low,
                            high,
                        } if code == "birthdate" && high - low < 31 * 86_400 - 1 => {
                            return refuse("one day or month of birth");
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    Ok(())
}

/// Patients found by one search expression.
fn found(bank: &Bank, expression: &str, t: LogicalTime) -> Result<BTreeSet<RecordKey>> {
    let request = search::parse_expression(expression)?;
    check_cohort(&request)?;
    let query = query::query(&request, Some(t));
    if request.kind == "Patient" {
        let mut out = BTreeSet::new();
        let mut after = None;
        loop {
            let page = bank
                .clinical
                .read(|reader| reader.search(&query, after, 1000))?;
            out.extend(page.versions.into_iter().map(|version| version.key));
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(out),
            }
        }
    }
    let link = search_parameter::parameters(request.kind)
        .iter()
        .find(|parameter| parameter.compartment)
        .ok_or_else(|| {
            Error::invalid(format!(
                "a cohort by {} is not possible: it belongs to no patient",
                request.kind
            ))
        })?;
    let targets = bank
        .clinical
        .read(|reader| reader.targets(&query, link.name))?;
    Ok(targets.into_iter().collect())
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
