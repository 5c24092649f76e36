//! Asking the models when data have arrived.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use kura_fhir::{Resource, date, view};
use kura_inference::{Model as _, OnnxModel, Tensor};
use kura_model::{ContentHash, Error, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, Commit, Compare, Order, Predicate, Put, Query, Write};
use serde::Serialize;
use serde_json::{Value, json};

use super::tables::Tables;
use super::{RESEARCH_ONLY, USE, WORK};
use crate::access::{Action, authorize};
use crate::models::image;
use crate::models::registry::{self, Model};
use crate::models::{ModelFile, State};
use crate::{Bank, imaging, import, kind};

/// What came of the arrivals.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Versions that were asked: in use or in shadow.
    pub models: u64,
    pub patients: u64,
    pub answers: u64,
    /// Patients a model could not answer for; they are on the list, unranked.
    pub failed: u64,
    /// Why, each reason once.
    pub reasons: Vec<String>,
}

/// Asks every model in use or in shadow for the patients whose records have changed since it was
/// asked last. An error of a model is no error of the arrival: it is in the report.
pub fn answer_arrivals(bank: &Bank, context: &RequestContext) -> Result<Report> {
    authorize(context, Action::Import)?;
    let mut report = Report::default();
    let mut reasons = BTreeSet::new();
    for model in registry::all(bank, None)? {
        let live = model.state == State::InUse;
        if !live && !model.shadow {
            continue;
        }
        report.models += 1;
        ask(bank, context, &model, live, &mut report, &mut reasons)?;
    }
    report.reasons = reasons.into_iter().collect();
    Ok(report)
}

fn ask(
    bank: &Bank,
    context: &RequestContext,
    model: &Model,
    live: bool,
    report: &mut Report,
    reasons: &mut BTreeSet<String>,
) -> Result<()> {
    let cursor = Cursor::of(bank, model)?;
    let began = registry::now();
    let failed = report.failed;
    let patients = changed(bank, cursor.at)?;
    if patients.is_empty() {
        return Ok(());
    }
    let asked = Asked::open(bank, model);
    let tables = Tables::open(bank)?;
    let current = newest_record(bank)? - CURRENT_DAYS * 86_400_000;
    for patient in &patients {
        report.patients += 1;
        let found = match &asked {
            // A fault in one answer must not end the arrival of the others.
            Ok(asked) => catch_unwind(AssertUnwindSafe(|| asked.answer(bank, &tables, patient)))
                .unwrap_or_else(|_| Err(Error::internal("the question broke down"))),
            Err(error) => Err(Error::new(error.category, error.message().to_owned())),
        };
        match found {
            Ok(None) => {}
            Ok(Some(answer)) => {
                // Whose case is long over does not wait for anybody.
                let waits = live && answer.index_time >= current;
                if write(bank, context, model, (live, waits), patient, &answer)? {
                    report.answers += 1;
                }
            }
            Err(error) => {
                report.failed += 1;
                reasons.insert(format!(
                    "{}@{}: {}",
                    model.name,
                    model.version,
                    error.message()
                ));
                if live {
                    unranked(bank, context, model, patient)?;
                }
            }
        }
    }
    // Whoever could not be answered is asked again next time. A commit may carry a time a little
    // before it could be seen: a minute is asked twice, and the same answer is not written twice.
    if failed == report.failed {
        cursor.move_to(bank, began - 60_000)?;
    }
    Ok(())
}

/// Days before the newest record of the bank in which a case is current work.
const CURRENT_DAYS: i64 = 7;

/// When the newest observation or image was made, milliseconds since 1970; not later than now.
/// What is current is counted from there: a bank that is filled from an archive has its own today.
pub(super) fn newest_record(bank: &Bank) -> Result<i64> {
    let now = registry::now();
    let mut newest = None;
    for (kind, param, element) in [
        ("Observation", "Observation.date", "effectiveDateTime"),
        ("ImagingStudy", "ImagingStudy.started", "started"),
    ] {
        let mut query = Query::all(kind);
        query.order = Order::Date {
            param: param.to_owned(),
            descending: true,
        };
        let page = bank
            .clinical
            .read(|reader| reader.search(&query, None, 1))?;
        for version in &page.versions {
            let resource = imaging::decode(&version.body)?;
            let at = view::text(&resource, element).and_then(date::range);
            newest = newest.max(at.map(|(low, _)| low * 1000));
        }
    }
    Ok(newest.map_or(now, |newest| newest.min(now)))
}

/// How far a version has been asked.
struct Cursor {
    key: RecordKey,
    /// Milliseconds since 1970.
    at: i64,
}

impl Cursor {
    fn of(bank: &Bank, model: &Model) -> Result<Self> {
        let key = RecordKey::new(
            kind::MODEL_CURSOR,
            format!("{}-{}", model.name, model.version),
        );
        let at = match bank.clinical.read(|reader| reader.current(&key))? {
            Some(version) => imaging::decode(&version.body)?["at"].as_i64().unwrap_or(0),
            None => 0,
        };
        Ok(Self { key, at })
    }

    fn move_to(self, bank: &Bank, at: i64) -> Result<()> {
        bank.clinical
            .commit(Commit {
                writes: vec![Write::Put(Put {
                    key: self.key,
                    body: json!({ "at": at }).to_string().into_bytes(),
                    index: Vec::new(),
                    owners: Vec::new(),
                    blobs: Vec::new(),
                    source: None,
                    once: false,
                })],
                ..Commit::default()
            })
            .map(drop)
    }
}

/// Kinds a case can be made of, and the parameter that names their patient.
const KINDS: [(&str, &str); 10] = [
    ("Observation", "Observation.subject"),
    ("Encounter", "Encounter.subject"),
    ("Condition", "Condition.subject"),
    ("DiagnosticReport", "DiagnosticReport.subject"),
    ("MedicationRequest", "MedicationRequest.subject"),
    (
        "MedicationAdministration",
        "MedicationAdministration.subject",
    ),
    ("Procedure", "Procedure.subject"),
    ("ServiceRequest", "ServiceRequest.subject"),
    ("Specimen", "Specimen.subject"),
    ("ImagingStudy", "ImagingStudy.subject"),
];

/// Patients with records written at or after a moment.
fn changed(bank: &Bank, since: i64) -> Result<BTreeSet<RecordKey>> {
    let mut out = BTreeSet::new();
    for (kind, param) in KINDS {
        let query = Query::all(kind).and(Predicate::Written {
            compare: Compare::GreaterOrEqual,
            low: since,
            high: since,
        });
        let found = bank.clinical.read(|reader| reader.targets(&query, param))?;
        out.extend(found.into_iter().filter(|key| key.kind == "Patient"));
    }
    Ok(out)
}

/// A version, opened to be asked.
struct Asked {
    file: ModelFile,
    onnx: OnnxModel,
    numbers: Option<kura_training::Model>,
}

struct Answer {
    case_id: String,
    /// Milliseconds since 1970.
    index_time: i64,
    probability: f64,
    threshold: f64,
    look_ahead_hours: Option<f64>,
    outcome: String,
    /// What spoke for it and against it: feature, value, what it adds to the log-odds.
    reasons: Vec<String>,
    /// What the model was asked with: feature and value, those that were known.
    asked: Vec<(String, f32)>,
    /// Hash of it.
    inputs: ContentHash,
}

impl Asked {
    fn open(bank: &Bank, model: &Model) -> Result<Self> {
        let file = registry::model_file(bank, model)?;
        let blobs = bank.clinical.blobs();
        let onnx = registry::open(bank, &blobs.read(model.onnx)?, file.shape(1))?;
        let numbers = match file.numbers {
            Some(hash) => serde_json::from_slice::<kura_training::Model>(&blobs.read(hash)?)
                .ok()
                .filter(kura_training::Model::is_sound),
            None => None,
        };
        Ok(Self {
            file,
            onnx,
            numbers,
        })
    }

    /// The newest case of a patient; `None` where there is none.
    fn answer(
        &self,
        bank: &Bank,
        tables: &Tables<'_>,
        patient: &RecordKey,
    ) -> Result<Option<Answer>> {
        let Some(cases) = tables.cases(&self.file.cases, patient, false)? else {
            return Ok(None);
        };
        let Some(newest) = (0..cases.case_id.len()).max_by_key(|at| cases.index_time[*at]) else {
            return Ok(None);
        };
        let width = self.file.features.len();
        let pixels;
        let row = match &self.file.image {
            None => &cases.values[newest * width..(newest + 1) * width],
            Some(image) => {
                let path = tables.image(&cases.case_id[newest], patient)?;
                pixels = image.read(&path).map_err(|refusal| {
                    Error::invalid(refusal.message.to_string()).because(refusal)
                })?;
                &pixels[..]
            }
        };
        let input = Tensor::new(self.file.shape(1), row.to_vec())?;
        let answered = self.onnx.run(&[input], registry::limit(bank))?;
        let probability = answered
            .first()
            .and_then(|tensor| tensor.values.first())
            .map(|value| f64::from(*value))
            .filter(|value| (0.0..=1.0).contains(value))
            .ok_or_else(|| Error::invalid("the answer is no probability"))?;
        // A pixel is no reason that a person can read.
        let explained = self.numbers.as_ref().filter(|_| self.file.image.is_none());
        let reasons: Vec<(usize, f32, f64)> = explained.map_or_else(Vec::new, |numbers| {
            numbers
                .explain(row)
                .contributions
                .into_iter()
                .take(REASONS)
                .map(|(at, adds)| (at, row[at], adds))
                .collect()
        });
        let mut hasher = blake3::Hasher::new();
        for value in row {
            hasher.update(&value.to_le_bytes());
        }
        Ok(Some(Answer {
            case_id: cases.case_id[newest].clone(),
            index_time: cases.index_time[newest],
            probability,
            threshold: self.file.threshold,
            look_ahead_hours: self.file.cases.outcome.look_ahead_hours,
            outcome: self.file.cases.outcome.name.clone(),
            reasons: reasons
                .into_iter()
                .map(|(at, value, adds)| reason(&self.file.features[at], value, adds))
                .collect(),
            asked: match self.file.image {
                None => self
                    .file
                    .features
                    .iter()
                    .zip(row)
                    .filter(|(_, value)| !value.is_nan())
                    .map(|(feature, value)| (feature.name.clone(), *value))
                    .collect(),
                Some(_) => image::WATCHED
                    .iter()
                    .zip(image::watched(row))
                    .map(|(name, value)| ((*name).to_owned(), value))
                    .collect(),
            },
            inputs: ContentHash(*hasher.finalize().as_bytes()),
        }))
    }
}

/// `spo2 88 % (+1.20)`
fn reason(feature: &kura_training::Feature, value: f32, adds: f64) -> String {
    if value.is_nan() {
        return format!("{} – ({adds:+.2})", feature.name);
    }
    let unit = feature.unit.as_deref().unwrap_or_default();
    let gap = if unit.is_empty() { "" } else { " " };
    format!("{} {value}{gap}{unit} ({adds:+.2})", feature.name)
}

/// `extension` of a `RiskAssessment`: what the model was asked with, by feature.
pub(super) const INPUTS: &str = "urn:kura:model-inputs";

/// Reasons shown beside an answer.
const REASONS: usize = 3;

fn name(parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..24].to_owned()
}

/// The `Task` of a patient and a model: one, so that waiting is counted from its beginning.
fn task_key(model: &Model, patient: &RecordKey) -> RecordKey {
    RecordKey::new(
        "Task",
        format!("work-{}", name(&[&model.name, &patient.id])),
    )
}

/// Writes an answer, and puts the patient on the list. `false` where the same was answered before.
fn write(
    bank: &Bank,
    context: &RequestContext,
    model: &Model,
    (live, waits): (bool, bool),
    patient: &RecordKey,
    answer: &Answer,
) -> Result<bool> {
    let device = registry::key(&model.name, model.version);
    let id = format!(
        "risk-{}",
        name(&[
            &device.id,
            &patient.id,
            &answer.case_id,
            &answer.inputs.to_hex()
        ])
    );
    let key = RecordKey::new("RiskAssessment", id);
    let _writing = bank.writing()?;
    // Suspended while we asked: it says nothing any more.
    let now = registry::find(
        bank,
        &registry::Which {
            name: model.name.clone(),
            version: Some(model.version),
        },
    )?;
    if (now.state == State::InUse) != live || (!live && !now.shadow) {
        return Ok(false);
    }
    // The same case with the same inputs has its answer, and perhaps its decision.
    if let Some(known) = bank.clinical.read(|reader| reader.current(&key))? {
        if waits {
            relist(bank, model, patient, &key, &known, answer)?;
        }
        return Ok(false);
    }
    let mut prediction = json!({
        "outcome": { "text": answer.outcome },
        "probabilityDecimal": (answer.probability * 1e6).round() / 1e6,
        "qualitativeRisk": {
            "coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/risk-probability",
                "code": if answer.probability >= answer.threshold { "high" } else { "low" },
            }],
        },
        "rationale": answer.reasons.join("; "),
    });
    if let Some(hours) = answer.look_ahead_hours {
        let end = answer.index_time + (hours * 3_600_000.0) as i64;
        prediction["whenPeriod"] = json!({
            "start": date::instant(answer.index_time), "end": date::instant(end),
        });
    }
    let mut risk = json!({
        "resourceType": "RiskAssessment",
        "id": key.id,
        // A proposal: the doctor decides (医師法17条).
        "status": "preliminary",
        "method": { "text": format!("{}@{}", model.name, model.version) },
        "code": { "coding": [{ "system": WORK, "code": model.name }], "text": model.title },
        "extension": [{
            "url": INPUTS,
            "extension": answer.asked.iter().map(|(name, value)| {
                // The shortest decimal that is this number.
                let number: serde_json::Number = value.to_string().parse().unwrap_or_else(|_| 0.into());
                json!({ "url": name, "valueDecimal": number })
            }).collect::<Vec<_>>(),
        }],
        "subject": { "reference": patient.to_string() },
        "occurrenceDateTime": date::instant(answer.index_time),
        "performer": { "reference": device.to_string() },
        "prediction": [prediction],
    });
    if !live {
        risk["meta"] =
            json!({ "tag": [{ "system": USE, "code": RESEARCH_ONLY, "display": "研究用" }] });
    }
    let mut writes = vec![put(risk)?];
    writes.push(put(json!({
        "resourceType": "Provenance",
        "id": format!("made-{}", key.id),
        "target": [{ "reference": key.to_string() }],
        "recorded": date::instant(registry::now()),
        "activity": { "text": "prediction" },
        "agent": [{ "who": { "reference": device.to_string() } }],
        "entity": [
            { "role": "source", "what": { "identifier": { "system": "urn:kura:blake3", "value": answer.inputs.to_hex() } } },
            { "role": "source", "what": { "identifier": { "system": "urn:kura:blake3", "value": model.onnx.to_hex() } } },
        ],
    }))?);
    if waits {
        let urgent = answer.probability >= answer.threshold;
        writes.push(task(bank, model, patient, Some(&key), urgent, "ranked")?);
    }
    let audit = AuditEntry::new(context, "model_answer", key.to_string());
    bank.clinical.commit(Commit {
        writes,
        audit: vec![audit],
        ..Commit::default()
    })?;
    Ok(true)
}

/// An answer that was given before: in shadow, or while the list could not be written. It is
/// listed now, unless somebody has decided.
fn relist(
    bank: &Bank,
    model: &Model,
    patient: &RecordKey,
    key: &RecordKey,
    known: &kura_store::Version,
    answer: &Answer,
) -> Result<()> {
    let mut risk = imaging::decode(&known.body)?;
    if risk["status"] != "preliminary" {
        return Ok(());
    }
    let listed = bank
        .clinical
        .read(|reader| reader.current(&task_key(model, patient)))?
        .map(|version| imaging::decode(&version.body))
        .transpose()?
        .is_some_and(|task| {
            task["status"] == "requested"
                && view::text(&task["focus"], "reference") == Some(key.to_string().as_str())
        });
    if listed {
        return Ok(());
    }
    let urgent = answer.probability >= answer.threshold;
    let mut writes = vec![task(bank, model, patient, Some(key), urgent, "ranked")?];
    if let Value::Object(members) = &mut risk {
        // No longer for research only.
        members.shift_remove("meta");
        writes.push(put(risk)?);
    }
    bank.clinical
        .commit(Commit {
            writes,
            ..Commit::default()
        })
        .map(drop)
}

/// Keeps the patient on the list though no model could say how urgent it is.
fn unranked(
    bank: &Bank,
    context: &RequestContext,
    model: &Model,
    patient: &RecordKey,
) -> Result<()> {
    let _writing = bank.writing()?;
    // Ranked before, or seen: that stays.
    if bank
        .clinical
        .read(|reader| reader.current(&task_key(model, patient)))?
        .is_some()
    {
        return Ok(());
    }
    let write = task(bank, model, patient, None, false, "unranked")?;
    bank.clinical
        .commit(Commit {
            writes: vec![write],
            audit: vec![
                AuditEntry::new(
                    context,
                    "model_answer",
                    task_key(model, patient).to_string(),
                )
                .outcome("failed"),
            ],
            ..Commit::default()
        })
        .map(drop)
}

fn task(
    bank: &Bank,
    model: &Model,
    patient: &RecordKey,
    focus: Option<&RecordKey>,
    urgent: bool,
    status: &str,
) -> Result<Write> {
    let key = task_key(model, patient);
    let known = bank
        .clinical
        .read(|reader| reader.current(&key))?
        .map(|version| imaging::decode(&version.body))
        .transpose()?;
    // Still waiting: since when does not change.
    let since = known
        .filter(|task| task["status"] == "requested")
        .and_then(|task| task["authoredOn"].as_str().map(str::to_owned))
        .unwrap_or_else(|| date::instant(registry::now()));
    let mut task = json!({
        "resourceType": "Task",
        "id": key.id,
        "status": "requested",
        "intent": "order",
        "priority": if urgent { "urgent" } else { "routine" },
        "businessStatus": { "coding": [{ "system": WORK, "code": status }] },
        "code": { "coding": [{ "system": WORK, "code": "see-patient" }], "text": model.title },
        "for": { "reference": patient.to_string() },
        "authoredOn": since,
        "requester": { "reference": registry::key(&model.name, model.version).to_string() },
    });
    if let Some(focus) = focus {
        task["focus"] = json!({ "reference": focus.to_string() });
    }
    put(task)
}

pub(super) fn put(resource: Value) -> Result<Write> {
    let resource = Resource::from_value(resource)
        .map_err(|refusal| Error::internal("a resource of ours is not sound").because(refusal))?;
    let mut put = import::fhir_put(&resource, None);
    put.once = false;
    Ok(Write::Put(put))
}
