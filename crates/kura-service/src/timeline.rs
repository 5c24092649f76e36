//! One patient's record on one page: a month of days, and beside it what lasts.
//!
//! Kinds of which a person has hundreds at most are read whole; those that come by the thousand
//! (observations, administered medicines, notes) are read for the month that is shown.

pub mod document;
pub mod observation;
mod record;

use std::collections::{BTreeMap, HashMap};

use kura_fhir::{date, resource, view};
use kura_model::{Error, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, Clause, Compare, Order, Predicate, Query, Reader, Version};
use serde_json::Value;

use crate::access::{Action, authorize};
use crate::patients::{self, Patient};
use crate::{Bank, imaging};

pub use document::{ClaimLine, Section};
pub use observation::{Flag, Series, Vital};

/// What a page groups and filters by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    Encounter,
    Condition,
    Allergy,
    Laboratory,
    Measurement,
    Medicine,
    Procedure,
    Vaccination,
    Image,
    Genome,
    Document,
    Claim,
}

/// A point in time as precise as it was given, in Japan's time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Since 1970-01-01T00:00:00Z, of its first second.
    pub seconds: i64,
    /// Days since 1970-01-01.
    pub day: i64,
    /// `10:06`, where it was given.
    pub time: Option<String>,
    /// Letters of the date that are known: 4, 7 or 10.
    precision: usize,
}

impl Moment {
    pub(crate) fn of(text: &str) -> Option<Self> {
        let (seconds, _) = date::range(text)?;
        let local = seconds + date::LOCAL_OFFSET_SECONDS;
        let second = local.rem_euclid(86_400);
        Some(Self {
            seconds,
            day: local.div_euclid(86_400),
            time: text
                .contains('T')
                .then(|| format!("{:02}:{:02}", second / 3600, second / 60 % 60)),
            precision: text.len().min(10),
        })
    }

    /// `2025-06-04`, or as much of it as is known.
    pub fn date(&self) -> String {
        let (year, month, day) = date::civil(self.day);
        let mut out = format!("{year:04}-{month:02}-{day:02}");
        out.truncate(self.precision);
        out
    }

    fn month(&self) -> Month {
        let (year, month, _) = date::civil(self.day);
        Month { year, month }
    }
}

/// A month of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
}

impl Month {
    /// `2025-06`
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 7 {
            return None;
        }
        date::range(text).map(|_| Self {
            year: text[..4].parse().unwrap_or_default(),
            month: text[5..].parse().unwrap_or_default(),
        })
    }

    fn next(self) -> Self {
        if self.month == 12 {
            Self {
                year: self.year + 1,
                month: 1,
            }
        } else {
            Self {
                month: self.month + 1,
                ..self
            }
        }
    }

    /// First and last second.
    fn range(self) -> (i64, i64) {
        date::range(&self.to_string()).unwrap_or_default()
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// One line of the time line.
#[derive(Debug, Clone)]
pub struct Item {
    pub lane: Lane,
    pub key: RecordKey,
    pub moment: Moment,
    /// Where it lasted: the last moment; absent while it goes on or where it is a point.
    pub end: Option<Moment>,
    pub title: String,
    pub detail: Vec<String>,
    /// Code of the encounter's class: AMB, EMER, IMP. v3 ActCode.
    pub class: Option<String>,
    /// The first object of a study that is in the bank, and how many there are.
    pub image: Option<(String, u64)>,
    pub yen: Option<i64>,
}

/// A day of the month shown.
#[derive(Debug, Clone, Default)]
pub struct Day {
    pub day: i64,
    pub items: Vec<Item>,
    pub laboratory: Vec<observation::Value>,
    pub measurements: Vec<Vital>,
    /// Medicines given: name, how often, dose, and one of the records.
    pub given: Vec<Given>,
    /// Within a stay in hospital.
    pub inpatient: bool,
}

/// A medicine as it was given on one day.
#[derive(Debug, Clone)]
pub struct Given {
    pub name: String,
    pub times: usize,
    pub dose: String,
    pub key: RecordKey,
}

/// A medicine ordered over time.
#[derive(Debug, Clone)]
pub struct Course {
    pub name: String,
    /// First and last day of each order, days since 1970-01-01, in order.
    pub spans: Vec<(i64, i64)>,
    pub dose: String,
    pub key: RecordKey,
}

/// A problem or an allergy.
#[derive(Debug, Clone)]
pub struct Problem {
    pub name: String,
    pub since: Option<String>,
    pub active: bool,
    /// FHIR AllergyIntolerance.criticality.
    pub high: bool,
    pub key: RecordKey,
}

/// A finding of a genetic test.
#[derive(Debug, Clone)]
pub struct Finding {
    pub title: String,
    pub detail: Vec<String>,
    pub key: RecordKey,
}

/// A file or report about the genome.
#[derive(Debug, Clone)]
pub struct GenomeFile {
    pub title: String,
    pub detail: Option<String>,
    pub key: RecordKey,
    /// Variants can be listed.
    pub variants: bool,
}

/// Everything one page shows.
#[derive(Debug)]
pub struct Timeline {
    pub patient: Patient,
    /// The newest month shown.
    pub month: Option<Month>,
    /// All months shown, newest first.
    pub shown: Vec<Month>,
    /// Months with something in them: how much, and whether there was a stay in hospital.
    pub months: BTreeMap<Month, (u64, bool)>,
    pub older: Option<Month>,
    pub newer: Option<Month>,
    /// Newest first.
    pub days: Vec<Day>,
    pub problems: Vec<Problem>,
    pub allergies: Vec<Problem>,
    pub laboratory: Vec<Series>,
    pub courses: Vec<Course>,
    pub images: Vec<Item>,
    pub genome: Vec<GenomeFile>,
    pub findings: Vec<Finding>,
    /// More happened in this month than is shown.
    pub cut: bool,
}

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
    authorize(context, Action::ReadClinical)?;
    let key = patients::key(patient)?;
    let built = bank
        .clinical
        .read(|reader| reader.at_one_state(|reader| build(bank, reader, &key, month)));
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
    // Someone who comes once a month is shown more than one day.
    let (mut older, mut days, mut cut, mut shown) = (month, Vec::new(), false, Vec::new());
    while let Some(month) = older {
        days.extend(self::days(reader, owner, month, &items, &mut cut)?);
        shown.push(month);
        let known = months.range(..month).next_back().map(|(month, _)| *month);
        older = between(reader, owner, known, Some(month))?.or(known);
        // A month in hospital is a page of its own.
        let heavy = |month: Month| {
            months
                .get(&month)
                .is_some_and(|(count, stay)| *stay || *count > ITEMS_AT_MOST)
        };
        if days.len() >= DAYS_AT_LEAST
            || shown.len() >= MONTHS_AT_MOST
            || heavy(month)
            || older.is_some_and(heavy)
        {
            break;
        }
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

fn decode(version: &Version) -> Result<Value> {
    serde_json::from_slice(&version.body)
        .map_err(|error| Error::internal("a stored resource is damaged").because(error))
}

fn patient(bank: &Bank, reader: &mut Reader<'_>, key: &RecordKey) -> Result<Patient> {
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
        query.order = Order::Date {
            param: param.to_owned(),
            descending: newest,
        };
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

fn days(
    reader: &mut Reader<'_>,
    owner: &RecordKey,
    month: Month,
    items: &[Item],
    cut: &mut bool,
) -> Result<Vec<Day>> {
    let mut days: BTreeMap<i64, Day> = BTreeMap::new();
    for item in items.iter().filter(|item| item.moment.month() == month) {
        days.entry(item.moment.day)
            .or_default()
            .items
            .push(item.clone());
    }
    let (low, high) = month.range();
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
                if value.moment.month() != month {
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
                    && moment.month() == month
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
                && item.moment.month() == month
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
    query.order = Order::Date {
        param: "Observation.date".to_owned(),
        descending: true,
    };
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
    authorize(context, Action::ReadClinical)?;
    let owner = patients::key(patient)?;
    let absent = || Error::not_found("this record is not in this patient's file");
    let kind = kura_fhir::resource_type(kind).ok_or_else(absent)?;
    if !resource::is_id(id) {
        return Err(absent());
    }
    let key = RecordKey::new(kind, id);
    let found = bank.clinical.read(|reader| {
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
    authorize(context, Action::ReadClinical)?;
    let key = RecordKey::new("ImagingStudy", id);
    bank.clinical
        .audit(AuditEntry::new(context, "study_open", key.to_string()));
    bank.clinical.read(|reader| {
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
