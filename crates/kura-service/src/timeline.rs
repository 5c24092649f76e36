//! One patient's record on one page: a month of days, and beside it what lasts.
//!
//! Kinds of which a person has hundreds at most are read whole; those that come by the thousand
//! (observations, administered medicines, notes) are read for the month that is shown.

pub mod document;
mod model;
pub mod observation;
mod record;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use kura_fhir::{date, resource, view};
use kura_model::{Error, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, Clause, Compare, Order, Predicate, Query, Reader, Version};
use serde_json::Value;

use crate::access::{Action, reach};
use crate::patients::{self, Patient};
use crate::{Bank, imaging};

pub use document::{ClaimLine, Section};
pub use model::{
    Course, Day, Finding, GenomeFile, Given, Item, Lane, Moment, Month, Problem, Timeline,
};
pub use observation::{Flag, Series, Standing, Vital};
pub(crate) use record::title;

/// Kinds read whole.
const WHOLE: [&str; 9] = [
    "Encounter",
    "Condition",
    "AllergyIntolerance",
    "MedicationRequest",
    "Procedure",
    "Immunization",
    "ImagingStudy",
    "DiagnosticReport",
    "Claim",
];
/// Kinds read by month, and the date parameter.
const BY_MONTH: [(&str, &str); 5] = [
    ("Observation", "Observation.date"),
    (
        "MedicationAdministration",
        "MedicationAdministration.effective-time",
    ),
    ("Composition", "Composition.date"),
    ("DocumentReference", "DocumentReference.date"),
    ("ClinicalImpression", "ClinicalImpression.date"),
];
/// Records of one kind in one month that are read.
const MONTH_AT_MOST: u32 = 5000;
/// Older months are added until there are this many days,
const DAYS_AT_LEAST: usize = 7;
/// or this many months.
const MONTHS_AT_MOST: usize = 6;
/// A month with more than this is not added to another.
const ITEMS_AT_MOST: u64 = 60;
/// Laboratory values drawn in charts.
const LABORATORY_AT_MOST: u32 = 3000;

/// The record of a patient around `month`, or around the newest entry.
pub fn timeline(
    bank: &Bank,
    context: &RequestContext,
    patient: &str,
    month: Option<Month>,
) -> Result<Timeline> {
    let reach = reach(bank, context, Action::ReadClinical)?;
    let key = patients::key(patient)?;
    let built = reach.read(bank, |reader| {
        reader.at_one_state(|reader| build(bank, reader, &key, month))
    });
    bank.clinical.audit(
        AuditEntry::new(context, "timeline", key.to_string()).outcome(match &built {
            Ok(_) => "ok",
            Err(_) => "refused",
        }),
    );
    built
}

fn build(
    bank: &Bank,
    reader: &mut Reader<'_>,
    owner: &RecordKey,
    wanted: Option<Month>,
) -> Result<Timeline> {
    let patient = patient(bank, reader, owner)?;
    let now = reader.now()?;
    let mut whole: HashMap<&str, Vec<(RecordKey, Value)>> = HashMap::new();
    for kind in WHOLE {
        let mut read = Vec::new();
        for version in reader.compartment(owner, kind, now)? {
            read.push((version.key.clone(), decode(&version)?));
        }
        whole.insert(kind, read);
    }
    let mut items: Vec<Item> = WHOLE
        .iter()
        .flat_map(|kind| whole[kind].iter())
        .filter_map(|(key, value)| record::item(key, value))
        .collect();
    for item in items.iter_mut().filter(|item| item.lane == Lane::Image) {
        let study = whole["ImagingStudy"]
            .iter()
            .find(|(key, _)| *key == item.key);
        if let Some(uid) = study.and_then(|(_, value)| imaging::study_uid(value)) {
            let query = imaging::of_study(uid);
            let first = reader.search(&query, None, 1)?.versions.pop();
            if let Some(first) = first {
                item.image = Some((first.key.id, reader.count(&query)?));
            }
        }
    }

    let mut months: BTreeMap<Month, (u64, bool)> = BTreeMap::new();
    for item in &items {
        months.entry(item.moment.month()).or_default().0 += 1;
        if item.class.as_deref().is_some_and(is_stay) {
            let last = item.end.as_ref().map_or(item.moment.day, |end| end.day);
            // A stay without an end is one that goes on; it is drawn to the end of its month.
            for day in (item.moment.day..=last.min(item.moment.day + 3660))
                .step_by(27)
                .chain([last])
            {
                let (year, month, _) = date::civil(day);
                months.entry(Month { year, month }).or_default().1 = true;
            }
        }
    }
    let month = match wanted {
        Some(month) => Some(month),
        None => {
            let known = months.keys().next_back().copied();
            between(reader, owner, known, None)?.or(known)
        }
    };
    let mut newer = None;
    if let Some(month) = month {
        let known = months.keys().find(|known| **known > month).copied();
        newer = between_rising(reader, owner, month, known)?.or(known);
    }
    // Someone who comes once a month is shown more than one day: older months are added, but a
    // month in hospital is a page of its own.
    let heavy = |month: &Month| {
        months
            .get(month)
            .is_some_and(|(count, stay)| *stay || *count > ITEMS_AT_MOST)
    };
    let (mut older, mut days, mut cut, mut shown) = (None, Vec::new(), false, Vec::new());
    if let Some(month) = month {
        let mut first = month;
        for (added, earlier) in months
            .range(..month)
            .rev()
            .map(|(month, _)| *month)
            .enumerate()
        {
            let seen: BTreeSet<i64> = items
                .iter()
                .filter(|item| (first..=month).contains(&item.moment.month()))
                .map(|item| item.moment.day)
                .collect();
            if seen.len() >= DAYS_AT_LEAST
                || added + 1 >= MONTHS_AT_MOST
                || heavy(&first)
                || heavy(&earlier)
            {
                break;
            }
            first = earlier;
        }
        days = self::days(reader, owner, first, month, &items, &mut cut)?;
        let known = months.range(..first).next_back().map(|(month, _)| *month);
        older = between(reader, owner, known, Some(first))?.or(known);
        shown = days.iter().map(|day| Month::of(day.day)).collect();
        shown.push(month);
        shown.sort_unstable_by_key(|month| std::cmp::Reverse(*month));
        shown.dedup();
    }
    let problems = whole["Condition"]
        .iter()
        .filter_map(|(key, value)| record::problem(key, value))
        .collect();
    let allergies = whole["AllergyIntolerance"]
        .iter()
        .filter_map(|(key, value)| record::problem(key, value))
        .collect();
    let mut images: Vec<Item> = items
        .into_iter()
        .filter(|item| item.lane == Lane::Image)
        .collect();
    images.sort_by_key(|item| (item.image.is_none(), std::cmp::Reverse(item.moment.seconds)));
    let (genome, findings) = genome(reader, owner)?;
    Ok(Timeline {
        month,
        shown,
        months,
        older,
        newer,
        days,
        problems: record::distinct(problems),
        allergies: record::distinct(allergies),
        laboratory: laboratory(reader, owner)?,
        courses: record::courses(&whole["MedicationRequest"]),
        images,
        genome,
        findings,
        cut,
        patient,
    })
}

/// v3 ActEncounterCode: a stay with a bed.
pub fn is_stay(class: &str) -> bool {
    matches!(class, "IMP" | "ACUTE" | "NONAC")
}

pub(crate) fn decode(version: &Version) -> Result<Value> {
    serde_json::from_slice(&version.body)
        .map_err(|error| Error::internal("a stored resource is damaged").because(error))
}

pub(crate) fn patient(bank: &Bank, reader: &mut Reader<'_>, key: &RecordKey) -> Result<Patient> {
    let version = reader
        .current(key)?
        .filter(|version| !version.deleted)
        .ok_or_else(|| Error::not_found("this patient is not in this bank"))?;
    let mut patient = patients::of(bank, &version)?;
    patient.holds = reader.compartment_tally(key)?;
    Ok(patient)
}

fn owned(owner: &RecordKey, kind: &str) -> Query {
    Query::all(kind).and(Predicate::Owned {
        owner: owner.clone(),
    })
}

fn dated(param: &str, compare: Compare, low: i64, high: i64) -> Predicate {
    Predicate::Date {
        param: param.to_owned(),
        compare,
        low,
        high,
    }
}

/// The newest month after `low` and before `high` in which there is a record of the kinds read by
/// month. The months of the other kinds are known; only what lies between them is asked for.
fn between(
    reader: &mut Reader<'_>,
    owner: &RecordKey,
    low: Option<Month>,
    high: Option<Month>,
) -> Result<Option<Month>> {
    edge(reader, owner, low, high, true)
}

/// The oldest month after `low` and before `high`.
fn between_rising(
    reader: &mut Reader<'_>,
    owner: &RecordKey,
    low: Month,
    high: Option<Month>,
) -> Result<Option<Month>> {
    edge(reader, owner, Some(low), high, false)
}

fn edge(
    reader: &mut Reader<'_>,
    owner: &RecordKey,
    low: Option<Month>,
    high: Option<Month>,
    newest: bool,
) -> Result<Option<Month>> {
    if let (Some(low), Some(high)) = (low, high)
        && low.next() >= high
    {
        return Ok(None);
    }
    let mut found: Option<Month> = None;
    for (kind, param) in BY_MONTH {
        let mut query = owned(owner, kind);
        if let Some(low) = low {
            let (first, last) = low.range();
            query = query.and(dated(param, Compare::StartsAfter, first, last));
        }
        if let Some(high) = high {
            let (first, last) = high.range();
            query = query.and(dated(param, Compare::EndsBefore, first, last));
        }
        query.order = Order::date(param, newest);
        let Some(version) = reader.search(&query, None, 1)?.versions.pop() else {
            continue;
        };
        let value = decode(&version)?;
        let month = view::when(&value)
            .and_then(Moment::of)
            .map(|moment| moment.month());
        found = match (found, month) {
            (Some(a), Some(b)) if newest => Some(a.max(b)),
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
    Ok(found)
}

/// The days from `first` to `last`, newest first.
fn days(
    reader: &mut Reader<'_>,
    owner: &RecordKey,
    first: Month,
    last: Month,
    items: &[Item],
    cut: &mut bool,
) -> Result<Vec<Day>> {
    let mut days: BTreeMap<i64, Day> = BTreeMap::new();
    let shown = |moment: &Moment| (first..=last).contains(&moment.month());
    for item in items.iter().filter(|item| shown(&item.moment)) {
        days.entry(item.moment.day)
            .or_default()
            .items
            .push(item.clone());
    }
    let (low, high) = (first.range().0, last.range().1);
    let mut measured: BTreeMap<i64, Vec<observation::Value>> = BTreeMap::new();
    let mut given: BTreeMap<i64, BTreeMap<String, Given>> = BTreeMap::new();
    for (kind, param) in BY_MONTH {
        let query = owned(owner, kind)
            .and(dated(param, Compare::GreaterOrEqual, low, high))
            .and(dated(param, Compare::LessOrEqual, low, high));
        let page = reader.search(&query, None, MONTH_AT_MOST)?;
        *cut |= page.next.is_some();
        for version in &page.versions {
            if kind == "Observation" {
                let Some((class, value)) = observation::read(version)? else {
                    continue;
                };
                if !shown(&value.moment) {
                    continue;
                }
                let day = value.moment.day;
                match class {
                    observation::Class::Measurement => measured.entry(day).or_default().push(value),
                    _ => days.entry(day).or_default().laboratory.push(value),
                }
                continue;
            }
            let value = decode(version)?;
            if kind == "MedicationAdministration" {
                if let Some((moment, one)) = record::given(&version.key, &value)
                    && shown(&moment)
                {
                    let of_day = given.entry(moment.day).or_default();
                    match of_day.get_mut(&one.name) {
                        Some(known) => known.times += 1,
                        None => {
                            of_day.insert(one.name.clone(), one);
                        }
                    }
                }
            } else if let Some(item) = record::item(&version.key, &value)
                && shown(&item.moment)
            {
                days.entry(item.moment.day).or_default().items.push(item);
            }
        }
    }
    for (day, values) in measured {
        days.entry(day).or_default().measurements = observation::vitals(values);
    }
    for (day, medicines) in given {
        days.entry(day).or_default().given = medicines.into_values().collect();
    }
    let stays: Vec<(i64, i64)> = items
        .iter()
        .filter(|item| item.class.as_deref().is_some_and(is_stay))
        .map(|item| {
            (
                item.moment.day,
                item.end.as_ref().map_or(i64::MAX, |end| end.day),
            )
        })
        .collect();
    Ok(days
        .into_iter()
        .rev()
        .map(|(number, mut day)| {
            day.day = number;
            day.inpatient = stays
                .iter()
                .any(|(from, to)| (*from..=*to).contains(&number));
            day.items.sort_by(|a, b| {
                (a.lane, a.moment.seconds, &a.key).cmp(&(b.lane, b.moment.seconds, &b.key))
            });
            day.laboratory
                .sort_by(|a, b| (&a.name, a.moment.seconds).cmp(&(&b.name, b.moment.seconds)));
            day
        })
        .collect())
}

fn token(param: &str, system: Option<&str>, code: &str) -> Predicate {
    Predicate::Token {
        param: param.to_owned(),
        system: Some(system.map(str::to_owned)),
        code: Some(code.to_owned()),
    }
}

const V2_0074: &str = "http://terminology.hl7.org/CodeSystem/v2-0074";

/// Laboratory values of all time, for charts.
fn laboratory(reader: &mut Reader<'_>, owner: &RecordKey) -> Result<Vec<Series>> {
    let param = "Observation.category";
    let mut query = owned(owner, "Observation");
    query.clauses.push(Clause::Any(vec![
        token(
            param,
            Some("http://jpfhir.jp/fhir/core/CodeSystem/JP_SimpleObservationCategory_CS"),
            "laboratory",
        ),
        token(
            param,
            Some("http://terminology.hl7.org/CodeSystem/observation-category"),
            "laboratory",
        ),
        token(param, Some(V2_0074), "LAB"),
    ]));
    query.order = Order::date("Observation.date", true);
    let mut values = Vec::new();
    for version in &reader.search(&query, None, LABORATORY_AT_MOST)?.versions {
        if let Some((observation::Class::Laboratory, value)) = observation::read(version)? {
            values.push(value);
        }
    }
    Ok(observation::series(values))
}

/// What is known of the genome. Files of variants have no date.
fn genome(reader: &mut Reader<'_>, owner: &RecordKey) -> Result<(Vec<GenomeFile>, Vec<Finding>)> {
    let mut query = owned(owner, "DocumentReference");
    let kind = "DocumentReference.contenttype";
    query.clauses.push(Clause::Any(vec![
        token("DocumentReference.category", Some(V2_0074), "GE"),
        token(kind, None, "text/x-vcf"),
        token(kind, None, "application/x-bcf"),
        // Genetic analysis report.
        token(
            "DocumentReference.type",
            Some("http://loinc.org"),
            "51969-4",
        ),
    ]));
    let mut files = Vec::new();
    for version in reader.search(&query, None, 100)?.versions {
        files.push(record::genome_file(&version.key, &decode(&version)?));
    }
    let query = owned(owner, "Observation").and(token("Observation.category", Some(V2_0074), "GE"));
    let mut findings = Vec::new();
    for version in reader.search(&query, None, 500)?.versions {
        findings.push(record::finding(&version.key, &decode(&version)?));
    }
    Ok((files, findings))
}

/// One record, opened.
#[derive(Debug)]
pub struct Opened {
    pub patient: Patient,
    pub key: RecordKey,
    pub title: String,
    pub when: Option<Moment>,
    pub author: Option<String>,
    pub sections: Vec<Section>,
    pub claim: Vec<ClaimLine>,
    /// Diagnoses of a claim: names, or codes where the claim has no names.
    pub diagnoses: Vec<String>,
    pub yen: Option<i64>,
    pub origin: Origin,
    /// The resource as FHIR serves it, indented.
    pub json: String,
}

/// Where a version came from.
#[derive(Debug, Default)]
pub struct Origin {
    pub version: u64,
    /// Milliseconds since 1970.
    pub written: i64,
    pub t: u64,
    /// File of the import and line in it, where the file has lines.
    pub file: Option<(String, Option<u64>)>,
}

/// Opens a record of this patient.
///
/// # Errors
/// `NotFound` also if the record is another patient's.
pub fn open(
    bank: &Bank,
    context: &RequestContext,
    patient: &str,
    kind: &str,
    id: &str,
) -> Result<Opened> {
    let reach = reach(bank, context, Action::ReadClinical)?;
    let owner = patients::key(patient)?;
    let absent = || Error::not_found("this record is not in this patient's file");
    let kind = kura_fhir::resource_type(kind).ok_or_else(absent)?;
    if !resource::is_id(id) {
        return Err(absent());
    }
    let key = RecordKey::new(kind, id);
    let found = reach.read(bank, |reader| {
        reader.at_one_state(|reader| {
            let known = self::patient(bank, reader, &owner)?;
            let query = owned(&owner, kind).and(Predicate::Id(id.to_owned()));
            if key != owner && reader.count(&query)? == 0 {
                return Ok(None);
            }
            Ok(reader.current(&key)?.map(|version| (known, version)))
        })
    });
    bank.clinical.audit(
        AuditEntry::new(context, "record_open", key.to_string()).outcome(match &found {
            Ok(Some(_)) => "ok",
            _ => "refused",
        }),
    );
    let (patient, version) = found?
        .filter(|(_, version)| !version.deleted)
        .ok_or_else(absent)?;
    let value = decode(&version)?;
    let file = match version.source {
        Some((source, line)) => bank.clinical.source_by_id(source)?.map(|source| {
            (
                source.name.clone(),
                crate::dashboard::line_of(&source, line),
            )
        }),
        None => None,
    };
    let shown = resource::present(&version.key, version.version, version.at, &version.body);
    let shown: Value = serde_json::from_slice(&shown)
        .map_err(|error| Error::internal("a stored resource is damaged").because(error))?;
    let item = record::item(&key, &value);
    Ok(Opened {
        title: record::title(&value),
        when: view::when(&value).and_then(Moment::of),
        author: record::author(&value),
        sections: document::sections(&value),
        claim: if kind == "Claim" {
            document::claim_lines(&value)
        } else {
            Vec::new()
        },
        diagnoses: view::items(&value, "diagnosis")
            .filter_map(|one| view::concept(&one["diagnosisCodeableConcept"]))
            .map(str::to_owned)
            .collect(),
        yen: item.and_then(|item| item.yen),
        origin: Origin {
            version: version.version,
            written: version.at,
            t: version.t.0,
            file,
        },
        json: serde_json::to_string_pretty(&shown)
            .map_err(|error| Error::internal("a record cannot be written").because(error))?,
        patient,
        key,
    })
}

/// The head of a study, for its viewer.
#[derive(Debug)]
pub struct Study {
    pub title: String,
    pub when: Option<Moment>,
    pub patient: Option<Patient>,
}

/// An imaging study and whose it is.
pub fn study(bank: &Bank, context: &RequestContext, id: &str) -> Result<Study> {
    let reach = reach(bank, context, Action::ReadClinical)?;
    let key = RecordKey::new("ImagingStudy", id);
    bank.clinical
        .audit(AuditEntry::new(context, "study_open", key.to_string()));
    reach.read(bank, |reader| {
        let version = reader
            .current(&key)?
            .filter(|version| !version.deleted)
            .ok_or_else(|| Error::not_found("this study is not in this bank"))?;
        let value = decode(&version)?;
        let owner = view::text(&value["subject"], "reference")
            .and_then(kura_fhir::search_parameter::reference)
            .filter(|owner| owner.kind == "Patient");
        Ok(Study {
            title: record::title(&value),
            when: view::when(&value).and_then(Moment::of),
            patient: match owner {
                Some(owner) => Some(self::patient(bank, reader, &owner)?),
                None => None,
            },
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_keep_their_precision() {
        let day = |text: &str| Moment::of(text).map(|moment| (moment.date(), moment.time));
        assert_eq!(day("2025"), Some(("2025".into(), None)));
        assert_eq!(day("2025-06"), Some(("2025-06".into(), None)));
        assert_eq!(
            day("2025-06-03T20:30:00Z"),
            Some(("2025-06-04".into(), Some("05:30".into())))
        );
        assert_eq!(day("yesterday"), None);
        assert_eq!(
            Month::parse("2025-06")
                .map(|month| month.to_string())
                .as_deref(),
            Some("2025-06")
        );
        assert_eq!(Month::parse("2025-6"), None);
        assert_eq!(Month::parse("2025-13"), None);
    }
}
