//! What a page about a patient shows.

use std::collections::BTreeMap;

use kura_fhir::date;
use kura_model::RecordKey;

use super::observation::{self, Series, Vital};
use crate::patients::Patient;

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

    pub(super) fn month(&self) -> Month {
        Month::of(self.day)
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

    /// The month of a day, days since 1970-01-01.
    pub(super) fn of(day: i64) -> Self {
        let (year, month, _) = date::civil(day);
        Self { year, month }
    }

    pub(super) fn next(self) -> Self {
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
    pub(super) fn range(self) -> (i64, i64) {
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
