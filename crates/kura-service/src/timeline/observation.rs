//! Observations by the thousand: read into what a page shows, and gathered by day and by code.

use std::collections::BTreeMap;

use kura_model::{Error, RecordKey, Result};
use kura_store::Version;
use serde::Deserialize;
use serde_json::Number;

use super::Moment;
use crate::bedside::RESEARCH_ONLY;

/// Where a value lies against what is usual.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag {
    Low,
    High,
    /// Outside, without a direction: a positive culture.
    Abnormal,
}

/// One value of one test.
#[derive(Debug, Clone)]
pub struct Value {
    pub key: RecordKey,
    /// What ties the values of one test together.
    pub code: String,
    pub name: String,
    pub moment: Moment,
    /// As in the record: digits are not rounded.
    pub shown: String,
    pub number: Option<f64>,
    pub unit: String,
    pub low: Option<f64>,
    pub high: Option<f64>,
    pub flag: Option<Flag>,
    /// A model said it.
    pub said_by_model: Option<Standing>,
}

/// What became of what a model said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// 研究用: not for care.
    ResearchOnly,
    /// Nobody has judged it yet.
    Proposed,
    /// A doctor took it up.
    Accepted,
    Rejected,
}

/// All values of one test, oldest first. Never empty.
#[derive(Debug, Clone)]
pub struct Series {
    pub name: String,
    pub unit: String,
    pub values: Vec<Value>,
}

/// The measurements of one kind on one day: pulse, 24 times, 62 to 110.
#[derive(Debug, Clone)]
pub struct Vital {
    pub name: String,
    pub unit: String,
    pub count: usize,
    pub lowest: Option<f64>,
    pub highest: Option<f64>,
    pub last: Value,
    pub flagged: bool,
}

/// Which lane an observation belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Laboratory,
    Genome,
    /// Vital signs, scores, habits.
    Measurement,
}

// Only what is shown is read: a tree of every observation of a long stay would cost more than
// the page may take.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Observation {
    #[serde(default)]
    category: Vec<Concept>,
    code: Concept,
    effective_date_time: Option<String>,
    effective_instant: Option<String>,
    effective_period: Option<Period>,
    issued: Option<String>,
    value_quantity: Option<Quantity>,
    value_codeable_concept: Option<Concept>,
    value_string: Option<String>,
    value_integer: Option<i64>,
    value_boolean: Option<bool>,
    value_date_time: Option<String>,
    #[serde(default)]
    interpretation: Vec<Concept>,
    #[serde(default)]
    reference_range: Vec<Range>,
    #[serde(default)]
    component: Vec<Component>,
    status: Option<String>,
    device: Option<Reference>,
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct Reference {
    reference: Option<String>,
}

#[derive(Deserialize)]
struct Meta {
    #[serde(default)]
    tag: Vec<Coding>,
}

impl Observation {
    fn said_by_model(&self) -> Option<Standing> {
        let device = self.device.as_ref()?.reference.as_deref()?;
        if !device.starts_with("Device/model-") {
            return None;
        }
        let research = self
            .meta
            .iter()
            .flat_map(|meta| &meta.tag)
            .any(|tag| tag.code.as_deref() == Some(RESEARCH_ONLY));
        Some(match self.status.as_deref() {
            _ if research => Standing::ResearchOnly,
            Some("final" | "corrected") => Standing::Accepted,
            Some("cancelled") => Standing::Rejected,
            _ => Standing::Proposed,
        })
    }
}

#[derive(Deserialize)]
struct Period {
    start: Option<String>,
}

#[derive(Deserialize, Default)]
struct Concept {
    text: Option<String>,
    #[serde(default)]
    coding: Vec<Coding>,
}

#[derive(Deserialize)]
struct Coding {
    code: Option<String>,
    display: Option<String>,
}

#[derive(Deserialize)]
struct Quantity {
    value: Option<Number>,
    comparator: Option<String>,
    unit: Option<String>,
    code: Option<String>,
}

#[derive(Deserialize)]
struct Range {
    low: Option<Quantity>,
    high: Option<Quantity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Component {
    code: Concept,
    value_quantity: Option<Quantity>,
    value_codeable_concept: Option<Concept>,
    value_string: Option<String>,
    #[serde(default)]
    reference_range: Vec<Range>,
}

impl Concept {
    fn code(&self) -> Option<&str> {
        self.coding.iter().find_map(|coding| coding.code.as_deref())
    }

    fn name(&self) -> Option<&str> {
        self.text
            .as_deref()
            .or_else(|| {
                self.coding
                    .iter()
                    .find_map(|coding| coding.display.as_deref())
            })
            .or_else(|| self.code())
    }
}

impl Quantity {
    fn number(&self) -> Option<f64> {
        self.value.as_ref()?.as_f64()
    }

    fn unit(&self) -> &str {
        let unit = self.unit.as_deref().or(self.code.as_deref());
        match unit.unwrap_or_default() {
            // UCUM writes annotations in brackets; people do not.
            "mm[Hg]" => "mmHg",
            "{score}" | "1" => "",
            other => other,
        }
    }

    fn shown(&self) -> String {
        let number = self
            .value
            .as_ref()
            .map(Number::to_string)
            .unwrap_or_default();
        format!("{}{number}", self.comparator.as_deref().unwrap_or_default())
    }
}

/// Reads one. `None` if it has no date or its shape is not one we show.
pub(super) fn read(version: &Version) -> Result<Option<(Class, Value)>> {
    let Ok(read) = serde_json::from_slice::<Observation>(&version.body) else {
        // It can still be opened as it is.
        return Ok(None);
    };
    if std::str::from_utf8(&version.body).is_err() {
        return Err(Error::internal("a stored resource is damaged"));
    }
    let when = read
        .effective_date_time
        .as_deref()
        .or(read.effective_instant.as_deref())
        .or(read
            .effective_period
            .as_ref()
            .and_then(|period| period.start.as_deref()))
        .or(read.issued.as_deref());
    let Some(moment) = when.and_then(Moment::of) else {
        return Ok(None);
    };
    let has = |wanted: &[&str]| {
        read.category
            .iter()
            .any(|category| category.code().is_some_and(|code| wanted.contains(&code)))
    };
    // HL7 table 0074: LAB, GE; observation-category: laboratory.
    let genetic =
        has(&["GE"]) || matches!(read.code.code(), Some("69548-6" | "94076-7" | "95123-6"));
    let class = if genetic {
        Class::Genome
    } else if has(&["laboratory", "LAB"]) {
        Class::Laboratory
    } else {
        Class::Measurement
    };
    Ok(Some((class, value(version, read, moment))))
}

fn value(version: &Version, read: Observation, moment: Moment) -> Value {
    let said_by_model = read.said_by_model();
    let name = read.code.name().unwrap_or("?").to_owned();
    let code = format!("{}|{name}", read.code.code().unwrap_or_default());
    let mut unit = String::new();
    let mut number = None;
    let mut shown = String::new();
    let (mut low, mut high) = bounds(&read.reference_range);
    let mut flag = read.interpretation.iter().find_map(interpreted);
    if let Some(quantity) = &read.value_quantity {
        unit = quantity.unit().to_owned();
        number = quantity.number();
        shown = quantity.shown();
    } else if let Some(integer) = read.value_integer {
        number = Some(integer as f64);
        shown = integer.to_string();
    } else if let Some(concept) = &read.value_codeable_concept {
        shown = concept.name().unwrap_or_default().to_owned();
    } else if let Some(text) = read.value_string.or(read.value_date_time) {
        shown = text;
    } else if let Some(truth) = read.value_boolean {
        shown = if truth { "+" } else { "−" }.to_owned();
    } else if !read.component.is_empty() {
        // Blood pressure and its like: 138/72. The first part stands for the whole in a chart.
        let first = &read.component[0];
        number = first.value_quantity.as_ref().and_then(Quantity::number);
        (low, high) = bounds(&first.reference_range);
        let mut parts = Vec::new();
        for part in &read.component {
            if let Some(quantity) = &part.value_quantity {
                quantity.unit().clone_into(&mut unit);
                parts.push(quantity.shown());
                if flag.is_none() {
                    let (low, high) = bounds(&part.reference_range);
                    flag = quantity
                        .number()
                        .and_then(|number| beyond(number, low, high));
                }
            } else if let Some(text) = part
                .value_codeable_concept
                .as_ref()
                .and_then(Concept::name)
                .or(part.value_string.as_deref())
            {
                parts.push(match part.code.name() {
                    Some(name) => format!("{name} {text}"),
                    None => text.to_owned(),
                });
            }
        }
        shown = parts.join("/");
    }
    if flag.is_none() {
        flag = number.and_then(|number| beyond(number, low, high));
    }
    Value {
        key: version.key.clone(),
        code,
        name,
        moment,
        shown,
        number,
        unit,
        low,
        high,
        flag,
        said_by_model,
    }
}

fn bounds(ranges: &[Range]) -> (Option<f64>, Option<f64>) {
    let bound = |quantity: &Option<Quantity>| quantity.as_ref().and_then(Quantity::number);
    ranges.first().map_or((None, None), |range| {
        (bound(&range.low), bound(&range.high))
    })
}

fn beyond(number: f64, low: Option<f64>, high: Option<f64>) -> Option<Flag> {
    if low.is_some_and(|low| number < low) {
        Some(Flag::Low)
    } else if high.is_some_and(|high| number > high) {
        Some(Flag::High)
    } else {
        None
    }
}

/// v3 ObservationInterpretation.
fn interpreted(concept: &Concept) -> Option<Flag> {
    match concept.code()? {
        "H" | "HH" | "HU" | ">" => Some(Flag::High),
        "L" | "LL" | "LU" | "<" => Some(Flag::Low),
        "A" | "AA" | "POS" | "R" => Some(Flag::Abnormal),
        _ => None,
    }
}

/// Values by test; the test measured last comes first.
pub(super) fn series(values: Vec<Value>) -> Vec<Series> {
    let mut by_code: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for value in values {
        by_code.entry(value.code.clone()).or_default().push(value);
    }
    let mut out: Vec<Series> = by_code
        .into_values()
        .filter_map(|mut values| {
            values.sort_by_key(|value| value.moment.seconds);
            let last = values.last()?;
            Some(Series {
                name: last.name.clone(),
                unit: last.unit.clone(),
                values,
            })
        })
        .collect();
    // Tests followed over time before tests done once; then the latest.
    out.sort_by_key(|series| {
        let latest = series.values.last().map_or(0, |value| value.moment.day);
        (
            std::cmp::Reverse(latest),
            std::cmp::Reverse(series.values.len()),
        )
    });
    out
}

/// The values of one day by test.
pub(super) fn vitals(values: Vec<Value>) -> Vec<Vital> {
    series(values)
        .into_iter()
        .filter_map(|series| {
            let numbers = || series.values.iter().filter_map(|value| value.number);
            Some(Vital {
                count: series.values.len(),
                lowest: numbers().reduce(f64::min),
                highest: numbers().reduce(f64::max),
                flagged: series.values.iter().any(|value| value.flag.is_some()),
                last: series.values.last()?.clone(),
                name: series.name,
                unit: series.unit,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kura_model::{ContentHash, LogicalTime};

    fn read_one(body: &str) -> (Class, Value) {
        let version = Version {
            key: RecordKey::new("Observation", "o"),
            version: 1,
            t: LogicalTime(1),
            at: 0,
            deleted: false,
            hash: ContentHash([0; 32]),
            body: body.as_bytes().to_vec(),
            source: None,
        };
        read(&version).unwrap().unwrap()
    }

    #[test]
    fn a_laboratory_value_against_its_range() {
        let (class, value) = read_one(
            r#"{"resourceType":"Observation","id":"o","status":"final",
            "category":[{"coding":[{"code":"laboratory"}]}],"code":{"text":"重炭酸塩"},
            "effectiveDateTime":"2025-11-15T06:02:00+09:00",
            "valueQuantity":{"value":26.90,"unit":"mmol/L"},
            "referenceRange":[{"low":{"value":22},"high":{"value":26}}]}"#,
        );
        assert_eq!(class, Class::Laboratory);
        assert_eq!(
            (value.shown.as_str(), value.flag),
            ("26.90", Some(Flag::High))
        );
        assert_eq!(value.moment.date(), "2025-11-15");
    }

    #[test]
    fn blood_pressure_is_one_value() {
        let (class, value) = read_one(
            r#"{"code":{"text":"血圧"},"effectiveDateTime":"2025-11-15","component":[
            {"code":{"text":"収縮期"},"valueQuantity":{"value":138,"unit":"mm[Hg]"}},
            {"code":{"text":"拡張期"},"valueQuantity":{"value":72,"unit":"mm[Hg]"},
             "referenceRange":[{"high":{"value":60}}]}]}"#,
        );
        assert_eq!(class, Class::Measurement);
        assert_eq!(
            (value.shown.as_str(), value.unit.as_str()),
            ("138/72", "mmHg")
        );
        assert_eq!(value.flag, Some(Flag::High));
    }
}
