//! Watching a version: is it asked what it was trained on, is it believed, is it right?

use std::collections::{BTreeMap, BTreeSet};

use kura_evaluation::drift::{DriftPlan, DriftResult, Feature, FeatureValues, drift};
use kura_evaluation::interval::Level;
use kura_evaluation::observation::{ClusterId, Outcome};
use kura_evaluation::proportion::Proportion;
use kura_fhir::{date, view};
use kura_model::{Error, RecordKey, RequestContext, Result};
use kura_store::{Compare, Predicate, Query};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::answer::newest_record;
use super::proposal::{ANSWERED, CASE, INPUTS, SITE, case_name, reference};
use super::tables::Tables;
use crate::access::{Action, authorize};
use crate::models::file::Reference;
use crate::models::registry::{self, Change, Which};
use crate::models::test::{self, Answers};
use crate::models::{Bound, Estimate, Measure, ModelFile, State, WatchPlan};
use crate::timeline::Month;
use crate::{Bank, imaging, patients};

/// One feature now, beside training.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FeatureChange {
    /// `probability` is the model's own answer; `NAME missing` whether a value was known.
    pub name: String,
    pub reference: u64,
    pub current: u64,
    /// Means; shares for what is counted.
    pub reference_mean: Option<f64>,
    pub current_mean: Option<f64>,
    pub psi: Option<f64>,
    /// Kolmogorov–Smirnov distance, Cramér's V for what is counted.
    pub distance: Option<f64>,
    /// Wasserstein-1, in the feature's unit.
    pub wasserstein: Option<f64>,
    pub cohen_d: Option<f64>,
    /// Adjusted over all features (Benjamini–Hochberg).
    pub p: Option<f64>,
    pub drifted: bool,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Decisions {
    pub accepted: u64,
    pub corrected: u64,
    pub rejected: u64,
    pub open: u64,
    /// Accepted among the decided; by patient where a patient has several.
    pub acceptance: Option<Estimate>,
}

/// How right it was, where the truth is known by now.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Truth {
    pub cases: u64,
    pub positive: u64,
    pub measures: BTreeMap<Measure, Estimate>,
    pub remarks: Vec<String>,
}

/// The same for part of the patients.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Group {
    /// `sex`, `age` or `site`.
    pub by: String,
    /// `female`, `65-74`, a site.
    pub name: String,
    pub answers: u64,
    pub patients: u64,
    /// Answers at or above the threshold.
    pub high: u64,
    pub decisions: Decisions,
    /// Without measures where there are fewer cases than the plan asks for.
    pub truth: Truth,
}

/// Answers given from a moment on, up to another; milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    pub from: i64,
    pub to: i64,
}

impl Period {
    /// The last days, up to now.
    pub fn days(days: u32) -> Self {
        let to = registry::now();
        Self {
            from: to - i64::from(days) * 86_400_000,
            to,
        }
    }

    /// `2026-10`, in Japan.
    ///
    /// # Errors
    /// It is no month.
    pub fn month(text: &str) -> Result<Self> {
        let month = Month::parse(text)
            .ok_or_else(|| Error::invalid("a month is written YYYY-MM: 2026-10"))?;
        let start = |month: Month| {
            millis(&format!(
                "{}-{:02}-01T00:00:00+09:00",
                month.year, month.month
            ))
            .ok_or_else(|| Error::invalid("a month is written YYYY-MM: 2026-10"))
        };
        let next = match month.month {
            12 => Month {
                year: month.year + 1,
                month: 1,
            },
            _ => Month {
                month: month.month + 1,
                ..month
            },
        };
        Ok(Self {
            from: start(month)?,
            to: start(next)?,
        })
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Alarm {
    /// `drift`, `acceptance` or `bound`.
    pub rule: String,
    pub detail: String,
}

/// What was seen in a period.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WatchReport {
    pub model: String,
    pub version: u32,
    /// RFC 3339; of the answers.
    pub from: String,
    pub to: String,
    pub answers: u64,
    pub patients: u64,
    pub features: Vec<FeatureChange>,
    pub decisions: Decisions,
    pub truth: Truth,
    /// By sex, age and site.
    #[serde(default)]
    pub groups: Vec<Group>,
    pub alarms: Vec<Alarm>,
    /// The rule of the plan suspended it.
    pub suspended: bool,
}

/// One answer of the period.
struct Answered {
    patient: RecordKey,
    /// Milliseconds since 1970.
    index_time: i64,
    probability: f64,
    inputs: BTreeMap<String, f64>,
    status: String,
    site: Option<String>,
    /// Of the case's name.
    case: Option<String>,
    /// When it was given, milliseconds since 1970.
    answered: i64,
}

/// Watches one version over a period. The report is kept as a step of the version.
///
/// Bounds of the plan are compared with what is known of the truth; the upper end of the interval
/// counts, so that chance alone does not stop a model.
pub fn watch(
    bank: &Bank,
    context: &RequestContext,
    which: &Which,
    plan: &WatchPlan,
    bounds: &BTreeMap<Measure, Bound>,
    period: Period,
) -> Result<WatchReport> {
    authorize(bank, context, Action::BuildModel)?;
    let model = registry::find(bank, which)?;
    let file = registry::model_file(bank, &model)?;
    let answered = answered(bank, &format!("{}@{}", model.name, model.version), period)?;
    let patients: BTreeSet<&RecordKey> = answered.iter().map(|one| &one.patient).collect();
    let features = features(bank, &file, &answered, plan)?;
    let all: Vec<&Answered> = answered.iter().collect();
    let decisions = decisions(&all)?;
    let known = known(bank, &file, &all)?;
    let truth = truth(&known, &file, 0)?;
    let groups = groups(bank, &file, &all, &known, plan.at_least)?;

    let mut alarms = Vec::new();
    let drifted: Vec<&str> = features
        .iter()
        .filter(|feature| feature.drifted)
        .map(|feature| feature.name.as_str())
        .collect();
    if !drifted.is_empty() {
        alarms.push(Alarm {
            rule: "drift".to_owned(),
            detail: format!("asked otherwise than trained: {}", drifted.join(", ")),
        });
    }
    if let (Some(least), Some(found)) = (plan.acceptance_not_below, decisions.acceptance)
        && decisions.accepted + decisions.corrected + decisions.rejected >= u64::from(plan.at_least)
        && found.upper < least
    {
        alarms.push(Alarm {
            rule: "acceptance".to_owned(),
            detail: format!(
                "{:.3} of the proposals are accepted, not {least}",
                found.value
            ),
        });
    }
    if truth.cases >= u64::from(plan.at_least) {
        for (measure, bound) in bounds {
            let Some(found) = truth.measures.get(measure) else {
                continue;
            };
            // Broken where even the better end of the interval is outside.
            let broken = bound.not_below.is_some_and(|low| found.upper < low)
                || bound.not_above.is_some_and(|high| found.lower > high);
            if broken {
                alarms.push(Alarm {
                    rule: "bound".to_owned(),
                    detail: format!(
                        "{} is {:.3} ({:.3} to {:.3})",
                        measure.as_str(),
                        found.value,
                        found.lower,
                        found.upper
                    ),
                });
            }
        }
    }
    let stop = plan.suspend
        && model.state == State::InUse
        && alarms.iter().any(|alarm| alarm.rule != "drift");
    let report = WatchReport {
        model: model.name.clone(),
        version: model.version,
        from: date::instant(period.from),
        to: date::instant(period.to),
        answers: answered.len() as u64,
        patients: patients.len() as u64,
        features,
        decisions,
        truth,
        groups,
        alarms,
        suspended: stop,
    };
    let (hash, size) = test::keep(bank, &report)?;
    let why = match (stop, report.alarms.is_empty()) {
        (true, _) => "suspended by the rule of the plan",
        (false, false) => "watched: there are alarms",
        (false, true) => "watched: nothing to report",
    };
    registry::write_steps(
        bank,
        context,
        vec![(
            &model,
            Change {
                to: stop.then_some(State::Suspended),
                shadow: None,
                code: if stop {
                    State::Suspended.as_str()
                } else {
                    "watched"
                },
                why,
                evidence: Some(hash),
                blobs: vec![(hash, size)],
            },
        )],
    )?;
    Ok(report)
}

/// The answers that a version gave in a period.
fn answered(bank: &Bank, method: &str, period: Period) -> Result<Vec<Answered>> {
    // What was decided later was written later.
    let query = Query::all("RiskAssessment").and(Predicate::Written {
        compare: Compare::GreaterOrEqual,
        low: period.from,
        high: period.from,
    });
    let mut out = Vec::new();
    let mut after = None;
    loop {
        let page = bank
            .clinical
            .read(|reader| reader.search(&query, after.as_ref(), 1_000))?;
        for version in &page.versions {
            let risk = imaging::decode(&version.body)?;
            if view::text(&risk["method"], "text") != Some(method) {
                continue;
            }
            let said = |url: &str, value: &str| {
                view::items(&risk, "extension")
                    .find(|extension| view::text(extension, "url") == Some(url))
                    .and_then(|extension| view::text(extension, value))
                    .map(str::to_owned)
            };
            let given = said(ANSWERED, "valueDateTime").and_then(|at| millis(&at));
            if given.is_some_and(|at| !(period.from..period.to).contains(&at)) {
                continue;
            }
            let patient = reference(&risk["subject"]);
            let probability = risk["prediction"][0]["probabilityDecimal"].as_f64();
            let index_time = view::text(&risk, "occurrenceDateTime").and_then(millis);
            let (Some(patient), Some(probability), Some(index_time)) =
                (patient, probability, index_time)
            else {
                continue;
            };
            out.push(Answered {
                patient,
                index_time,
                probability,
                inputs: inputs(&risk),
                status: view::text(&risk, "status").unwrap_or_default().to_owned(),
                site: said(SITE, "valueString"),
                case: said(CASE, "valueString"),
                answered: given.unwrap_or(0),
            });
        }
        after = page.next;
        if after.is_none() {
            return Ok(out);
        }
    }
}

/// Milliseconds of an instant as we write it; a second's fraction is kept.
fn millis(instant: &str) -> Option<i64> {
    let (low, _) = date::range(instant)?;
    let fraction = instant
        .split_once('.')
        .and_then(|(_, rest)| rest.get(..3))
        .and_then(|digits| digits.parse::<i64>().ok())
        .unwrap_or(0);
    Some(low * 1000 + fraction)
}

fn inputs(risk: &Value) -> BTreeMap<String, f64> {
    view::items(risk, "extension")
        .filter(|extension| view::text(extension, "url") == Some(INPUTS))
        .flat_map(|extension| view::items(extension, "extension"))
        .filter_map(|one| {
            Some((
                view::text(one, "url")?.to_owned(),
                one["valueDecimal"].as_f64()?,
            ))
        })
        .collect()
}

fn features(
    bank: &Bank,
    file: &ModelFile,
    answered: &[Answered],
    plan: &WatchPlan,
) -> Result<Vec<FeatureChange>> {
    let Some(hash) = file.reference else {
        return Ok(Vec::new());
    };
    let reference: Reference = serde_json::from_slice(&bank.clinical.blobs().read(hash)?)
        .map_err(|error| Error::internal("stored reference values are damaged").because(error))?;
    let wide = |values: &[f32]| values.iter().map(|value| f64::from(*value)).collect();
    let mut compared = vec![Feature {
        name: "probability".to_owned(),
        values: FeatureValues::Numeric {
            reference: wide(&reference.probability),
            current: answered.iter().map(|one| one.probability).collect(),
        },
    }];
    for before in &reference.features {
        let current: Vec<f64> = answered
            .iter()
            .filter_map(|one| one.inputs.get(&before.name).copied())
            .collect();
        let missing = (answered.len() - current.len()) as u64;
        compared.push(Feature {
            name: format!("{} missing", before.name),
            values: FeatureValues::Categorical {
                reference: vec![before.known.len() as u64, before.missing],
                current: vec![current.len() as u64, missing],
            },
        });
        compared.push(Feature {
            name: before.name.clone(),
            values: FeatureValues::Numeric {
                reference: wide(&before.known),
                current,
            },
        });
    }
    let found = drift(
        &compared,
        DriftPlan {
            smallest: plan.at_least as usize,
            false_discovery_rate: plan.false_discovery_rate,
            smallest_cohen_d: plan.cohen_d,
            smallest_cramer_v: 0.1,
            smallest_psi: plan.psi,
        },
    )
    .map_err(|error| Error::invalid(error.to_string()))?;
    Ok(found
        .features
        .iter()
        .zip(&compared)
        .map(|(judged, values)| change(judged, values))
        .collect())
}

fn change(judged: &kura_evaluation::drift::FeatureDrift, values: &Feature) -> FeatureChange {
    let (reference, current) = match &values.values {
        FeatureValues::Numeric { reference, current } => (reference.len(), current.len()),
        FeatureValues::Categorical { reference, current } => (
            reference.iter().sum::<u64>() as usize,
            current.iter().sum::<u64>() as usize,
        ),
    };
    let mut out = FeatureChange {
        name: judged.name.clone(),
        reference: reference as u64,
        current: current as u64,
        reference_mean: None,
        current_mean: None,
        psi: None,
        distance: None,
        wasserstein: None,
        cohen_d: None,
        p: judged.adjusted_p,
        drifted: judged.drifted,
    };
    match judged.result.value() {
        Some(DriftResult::Numeric(found)) => {
            out.reference_mean = Some(found.reference_mean);
            out.current_mean = Some(found.current_mean);
            out.psi = Some(found.population_stability_index);
            out.distance = Some(found.kolmogorov_smirnov.d);
            out.wasserstein = Some(found.wasserstein_1);
            out.cohen_d = found.cohen_d.value().copied();
        }
        Some(DriftResult::Categorical(found)) => {
            if let FeatureValues::Categorical { reference, current } = &values.values {
                let share = |counts: &[u64]| {
                    let all: u64 = counts.iter().sum();
                    counts.last().map(|last| *last as f64 / all.max(1) as f64)
                };
                out.reference_mean = share(reference);
                out.current_mean = share(current);
            }
            out.psi = Some(found.population_stability_index);
            out.distance = Some(found.cramer_v);
        }
        None => {}
    }
    out
}

fn decisions(answered: &[&Answered]) -> Result<Decisions> {
    let count = |status: &str| answered.iter().filter(|one| one.status == status).count() as u64;
    let mut out = Decisions {
        accepted: count("final"),
        corrected: count("corrected"),
        rejected: count("cancelled"),
        open: count("preliminary"),
        acceptance: None,
    };
    let decided: Vec<&&Answered> = answered
        .iter()
        .filter(|one| one.status != "preliminary")
        .collect();
    if decided.is_empty() {
        return Ok(out);
    }
    let patients: Vec<&RecordKey> = decided.iter().map(|one| &one.patient).collect();
    let outcomes: Vec<Outcome> = decided
        .iter()
        .zip(ClusterId::number(&patients))
        .map(|(one, cluster)| Outcome {
            cluster,
            success: one.status == "final",
        })
        .collect();
    let found = Proportion::from_outcomes(&outcomes, Level::NINETY_FIVE)
        .map_err(|error| Error::invalid(error.to_string()))?;
    out.acceptance = Some(found.interval().into());
    Ok(out)
}

/// A case whose outcome is known by now, and what was answered.
struct Known {
    patient: RecordKey,
    site: Option<String>,
    outcome: bool,
    probability: f64,
}

/// What became of the patients, where it is known by now.
fn known(bank: &Bank, file: &ModelFile, answered: &[&Answered]) -> Result<Vec<Known>> {
    // A judgement in a file is not made again here.
    let Some(outcome) = file.cases.outcome.as_ref().filter(|one| one.sql.is_some()) else {
        return Ok(Vec::new());
    };
    let tables = Tables::open(bank)?;
    let learnt = learnt_from(bank, file)?;
    // Only cases whose look-ahead is over: of the others the bad ends are known first.
    let ahead = outcome.look_ahead_hours.unwrap_or(0.0) * 3_600_000.0;
    let over = newest_record(bank)? - ahead as i64;
    let mut by_patient: BTreeMap<&RecordKey, Vec<&Answered>> = BTreeMap::new();
    for one in answered
        .iter()
        .filter(|one| one.index_time <= over && !learnt(&one.patient))
    {
        by_patient.entry(&one.patient).or_default().push(one);
    }
    let mut out = Vec::new();
    for (patient, answers) in by_patient {
        let Some(cases) = tables.cases(&file.cases, patient, true)? else {
            continue;
        };
        // The newest answer to each case, in whatever order they were judged.
        let mut last: BTreeMap<(i64, Option<&str>), (i64, f64)> = BTreeMap::new();
        for answer in answers {
            let key = (answer.index_time, answer.case.as_deref());
            let known = last.entry(key).or_insert((i64::MIN, 0.0));
            if answer.answered >= known.0 {
                *known = (answer.answered, answer.probability);
            }
        }
        for (at, index_time) in cases.index_time.iter().enumerate() {
            let name = case_name(&cases.case_id[at]);
            if let Some((_, probability)) = last.get(&(*index_time, Some(name.as_str()))) {
                out.push(Known {
                    patient: patient.clone(),
                    site: cases.site.as_ref().map(|site| site[at].clone()),
                    outcome: cases.outcome[at],
                    probability: *probability,
                });
            }
        }
    }
    Ok(out)
}

/// Whether the version has learnt from a patient of this bank: of those it knows the answer.
fn learnt_from(bank: &Bank, file: &ModelFile) -> Result<impl Fn(&RecordKey) -> bool + use<>> {
    let mut learnt = BTreeSet::new();
    let mut key = None;
    if let Some(data) = &file.data {
        let list = bank.clinical.blobs().read(data.training_patients)?;
        learnt.extend(String::from_utf8_lossy(&list).lines().map(str::to_owned));
        let project = crate::dataset::project_key(bank, &data.project)?;
        key = Some(match &data.policy {
            Some(policy) => project.under(policy),
            None => project,
        });
    }
    Ok(move |patient: &RecordKey| {
        key.as_ref()
            .is_some_and(|key| learnt.contains(&key.pseudonym("Patient", &patient.id)))
    })
}

/// How right it was; not measured with fewer cases than `at_least`.
fn truth(known: &[Known], file: &ModelFile, at_least: u32) -> Result<Truth> {
    let patients: Vec<&RecordKey> = known.iter().map(|one| &one.patient).collect();
    let answers = Answers {
        outcome: known.iter().map(|one| one.outcome).collect(),
        patient: ClusterId::number(&patients),
        probability: known.iter().map(|one| one.probability).collect(),
    };
    let mut out = Truth {
        cases: known.len() as u64,
        positive: answers.outcome.iter().filter(|outcome| **outcome).count() as u64,
        ..Truth::default()
    };
    if !known.is_empty() && known.len() as u64 >= u64::from(at_least) {
        let found = test::measure(&answers, file.threshold)?;
        out.measures = found.measures;
        out.remarks = found.remarks;
    }
    Ok(out)
}

/// Years of age at which a group begins.
const AGES: [i64; 5] = [0, 15, 40, 65, 75];

/// By sex, by age, and by site where cases have one.
fn groups(
    bank: &Bank,
    file: &ModelFile,
    answered: &[&Answered],
    known: &[Known],
    at_least: u32,
) -> Result<Vec<Group>> {
    let mut people: BTreeMap<&RecordKey, (Option<String>, Option<String>)> = BTreeMap::new();
    for one in answered {
        if people.contains_key(&one.patient) {
            continue;
        }
        let found = bank.clinical.read(|reader| reader.current(&one.patient))?;
        let person = match found {
            Some(version) => patients::of(bank, &version)?,
            None => patients::Patient::default(),
        };
        // The age in the year of the case: enough to tell a child from the old.
        let born = person
            .birth_date
            .as_deref()
            .and_then(|born| born.get(..4))
            .and_then(|year| year.parse::<i64>().ok());
        let (year, _, _) = date::civil(one.index_time.div_euclid(86_400_000));
        people.insert(
            &one.patient,
            (person.sex, born.map(|born| age_group(year - born))),
        );
    }
    let mut out = Vec::new();
    for by in ["sex", "age", "site"] {
        let name_of = |patient: &RecordKey, site: &Option<String>| -> Option<String> {
            let (sex, age) = people.get(patient)?;
            match by {
                "sex" => sex.clone(),
                "age" => age.clone(),
                _ => site.clone(),
            }
        };
        let mut parts: BTreeMap<String, (Vec<&Answered>, Vec<Known>)> = BTreeMap::new();
        for one in answered {
            if let Some(name) = name_of(&one.patient, &one.site) {
                parts.entry(name).or_default().0.push(one);
            }
        }
        for one in known {
            if let Some(name) = name_of(&one.patient, &one.site) {
                parts.entry(name).or_default().1.push(Known {
                    patient: one.patient.clone(),
                    site: one.site.clone(),
                    ..*one
                });
            }
        }
        for (name, (answers, known)) in parts {
            let patients: BTreeSet<&RecordKey> = answers.iter().map(|one| &one.patient).collect();
            out.push(Group {
                by: by.to_owned(),
                name,
                answers: answers.len() as u64,
                patients: patients.len() as u64,
                high: answers
                    .iter()
                    .filter(|one| one.probability >= file.threshold)
                    .count() as u64,
                decisions: decisions(&answers)?,
                truth: truth(&known, file, at_least)?,
            });
        }
    }
    Ok(out)
}

/// `65-74`, `75-`
fn age_group(age: i64) -> String {
    let at = AGES.iter().rposition(|from| age >= *from).unwrap_or(0);
    match AGES.get(at + 1) {
        Some(next) => format!("{:02}-{}", AGES[at], next - 1),
        None => format!("{}-", AGES[at]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_japans() {
        let period = Period::month("2026-12").unwrap();
        assert_eq!(date::instant(period.from), "2026-11-30T15:00:00.000Z");
        assert_eq!(date::instant(period.to), "2026-12-31T15:00:00.000Z");
        assert!(Period::month("2026-13").is_err());
        assert!(Period::month("2026").is_err());
    }

    #[test]
    fn ages_have_groups() {
        let named: Vec<String> = [0, 14, 15, 64, 74, 75, 103].map(age_group).into();
        assert_eq!(
            named,
            ["00-14", "00-14", "15-39", "40-64", "65-74", "75-", "75-"]
        );
    }
}
