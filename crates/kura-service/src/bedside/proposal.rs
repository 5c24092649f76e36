//! What a version says becomes a proposal: FHIR beside the patient's record, a place on the list.

use kura_fhir::{Resource, date, view};
use kura_model::{ContentHash, Error, RecordKey, RequestContext, Result};
use kura_store::{AuditEntry, Commit, Put, Version, Write};
use serde_json::{Value, json};

use super::derived;
use super::question::{Case, Found, Question, Regions, Risk};
use super::{RESEARCH_ONLY, USE, WORK};
use crate::models::registry::{self, Model};
use crate::models::{Output, SegmentMeaning, State};
use crate::{Bank, imaging, import};

/// `extension` of a `RiskAssessment`: what the model was asked with, by feature.
pub(super) const INPUTS: &str = "urn:kura:model-inputs";
/// `extension` of an answer: when it was given; a decision does not change it.
pub(super) const ANSWERED: &str = "urn:kura:answered";
/// `extension` of an answer: which case it is about, by [`case_name`].
pub(super) const CASE: &str = "urn:kura:model-case";
/// `extension` of an answer: the site of the case, where the version knows sites.
pub(super) const SITE: &str = "urn:kura:model-site";
/// `extension` of an answer: the series it is about.
pub(super) const SERIES: &str = "urn:kura:series";

/// Whom an answer is about, and whom it is for.
pub(super) struct Addressee<'a> {
    pub(super) model: &'a Model,
    /// In use: a proposal. Else in shadow: 研究用.
    pub(super) live: bool,
    /// Somebody is waiting for it.
    pub(super) waits: bool,
    pub(super) patient: &'a RecordKey,
    /// The `Task`.
    pub(super) work: RecordKey,
}

fn name(parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..24].to_owned()
}

/// A case's name as it stands in an answer: what the SQL made of it may be anything.
pub(super) fn case_name(case_id: &str) -> String {
    name(&[case_id])
}

/// The answer to a case: the same question has the same.
fn key(to: &Addressee<'_>, question: &Question, case: &Case) -> RecordKey {
    let device = registry::key(&to.model.name, to.model.version);
    let id = name(&[
        &device.id,
        &to.patient.id,
        &case.case_id,
        &case.inputs.to_hex(),
    ]);
    match question.file.output {
        Output::Probability { .. } => RecordKey::new("RiskAssessment", format!("risk-{id}")),
        Output::Segments { .. } => RecordKey::new("DiagnosticReport", format!("measured-{id}")),
    }
}

/// The `Task` of a patient and a model: one, so that waiting is counted from its beginning; of an
/// examination one of its own, so that none hides behind another.
pub(super) fn work(model: &Model, patient: &RecordKey, examination: Option<&str>) -> RecordKey {
    let mut parts = vec![model.name.as_str(), patient.id.as_str()];
    parts.extend(examination);
    RecordKey::new("Task", format!("work-{}", name(&parts)))
}

/// Whether the case was answered before; whoever waits is on the list then, unless somebody has
/// decided: the answer may have been given in shadow, or while the list could not be written.
pub(super) fn known(
    bank: &Bank,
    to: &Addressee<'_>,
    question: &Question,
    case: &Case,
) -> Result<bool> {
    let key = key(to, question, case);
    let _writing = bank.writing()?;
    let Some(version) = bank.clinical.read(|reader| reader.current(&key))? else {
        return Ok(false);
    };
    if to.waits && still(bank, to)? {
        relist(bank, to, question, &key, &version)?;
    }
    Ok(true)
}

/// Suspended while we asked, a version says nothing any more.
fn still(bank: &Bank, to: &Addressee<'_>) -> Result<bool> {
    let now = registry::find(
        bank,
        &registry::Which {
            name: to.model.name.clone(),
            version: Some(to.model.version),
        },
    )?;
    Ok((now.state == State::InUse) == to.live && (to.live || now.shadow))
}

/// Writes an answer, and puts the patient on the list. `false` where another process was faster.
///
/// # Errors
/// `Conflict` where the version may not speak any more: it is asked again when it may.
pub(super) fn write(
    bank: &Bank,
    context: &RequestContext,
    to: &Addressee<'_>,
    question: &Question,
    case: &Case,
    found: &Found,
) -> Result<bool> {
    let silenced = || Error::conflict("the version was suspended while it was asked");
    if !still(bank, to)? {
        return Err(silenced());
    }
    let key = key(to, question, case);
    // DICOM results first, under UIDs that follow from the question: after a crash they are
    // written again in their place, and no proposal names an object that is not there.
    let objects = derived::store(bank, context, to, question, case, found, &key.id)?;
    let _writing = bank.writing()?;
    if !still(bank, to)? {
        return Err(silenced());
    }
    if bank.clinical.read(|reader| reader.current(&key))?.is_some() {
        return Ok(false);
    }
    let mut resources = match found {
        Found::Risk(risk) => vec![risk_assessment(to, question, case, risk, &key)],
        Found::Regions(regions) => measured(to, question, case, regions, &key),
    };
    if !to.live {
        for resource in &mut resources {
            resource["meta"] =
                json!({ "tag": [{ "system": USE, "code": RESEARCH_ONLY, "display": "研究用" }] });
        }
    }
    if !objects.is_empty() {
        let said: Vec<Value> = objects
            .iter()
            .map(|(url, uid)| json!({ "url": url, "valueOid": format!("urn:oid:{uid}") }))
            .collect();
        extend(&mut resources[0], said);
    }
    let mut writes = resources
        .into_iter()
        .map(|resource| put(bank, resource))
        .collect::<Result<Vec<_>>>()?;
    writes.push(put(bank, provenance(to, case, &key))?);
    if to.waits {
        let urgent = match found {
            Found::Risk(risk) => risk.probability >= question.file.threshold,
            Found::Regions(_) => false,
        };
        writes.push(task(
            bank,
            to.model,
            to.patient,
            &to.work,
            Some(&key),
            urgent,
        )?);
    }
    let audit = AuditEntry::new(context, "model_answer", key.to_string());
    bank.clinical.commit(Commit {
        writes,
        audit: vec![audit],
        ..Commit::default()
    })?;
    Ok(true)
}

/// Adds extensions.
pub(super) fn extend(resource: &mut Value, extensions: Vec<Value>) {
    if !resource["extension"].is_array() {
        resource["extension"] = json!([]);
    }
    if let Value::Array(all) = &mut resource["extension"] {
        all.extend(extensions);
    }
}

fn provenance(to: &Addressee<'_>, case: &Case, key: &RecordKey) -> Value {
    let hash = |hash: ContentHash| json!({ "role": "source", "what": { "identifier": { "system": "urn:kura:blake3", "value": hash.to_hex() } } });
    let mut out = json!({
        "resourceType": "Provenance",
        "id": format!("made-{}", key.id),
        "target": [{ "reference": key.to_string() }],
        "recorded": date::instant(registry::now()),
        "activity": { "text": "prediction" },
        "agent": [{ "who": { "reference": registry::key(&to.model.name, to.model.version).to_string() } }],
        "entity": [hash(case.inputs), hash(to.model.onnx)],
    });
    if let (Some(series), Value::Array(entities)) = (&case.series, &mut out["entity"]) {
        entities
            .push(json!({ "role": "source", "what": { "reference": series.study.to_string() } }));
    }
    out
}

fn risk_assessment(
    to: &Addressee<'_>,
    question: &Question,
    case: &Case,
    risk: &Risk,
    key: &RecordKey,
) -> Value {
    let mut prediction = json!({
        "outcome": { "text": question.file.outcome() },
        "probabilityDecimal": (risk.probability * 1e6).round() / 1e6,
        "qualitativeRisk": {
            "coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/risk-probability",
                "code": if risk.probability >= question.file.threshold { "high" } else { "low" },
            }],
        },
        "rationale": risk.reasons.join("; "),
    });
    if let Some(hours) = question.file.look_ahead_hours() {
        let end = case.index_time + (hours * 3_600_000.0) as i64;
        prediction["whenPeriod"] = json!({
            "start": date::instant(case.index_time), "end": date::instant(end),
        });
    }
    let mut out = json!({
        "resourceType": "RiskAssessment",
        "id": key.id,
        // A proposal: the doctor decides (医師法17条).
        "status": "preliminary",
        "method": { "text": format!("{}@{}", to.model.name, to.model.version) },
        "code": { "coding": [{ "system": WORK, "code": to.model.name }], "text": to.model.title },
        "extension": [{
            "url": INPUTS,
            "extension": risk.asked.iter().take(INPUTS_KEPT).map(|(name, value)| {
                // The shortest decimal that is this number.
                let number: serde_json::Number = value.to_string().parse().unwrap_or_else(|_| 0.into());
                json!({ "url": name, "valueDecimal": number })
            }).collect::<Vec<_>>(),
        }],
        "subject": { "reference": to.patient.to_string() },
        "occurrenceDateTime": date::instant(case.index_time),
        "performer": { "reference": registry::key(&to.model.name, to.model.version).to_string() },
        "prediction": [prediction],
    });
    let mut more = vec![
        json!({ "url": CASE, "valueString": case_name(&case.case_id) }),
        json!({ "url": ANSWERED, "valueDateTime": date::instant(registry::now()) }),
    ];
    if let Some(site) = &case.site {
        more.push(json!({ "url": SITE, "valueString": site }));
    }
    extend(&mut out, more);
    if let Some(series) = &case.series {
        out["basis"] = json!([{ "reference": series.study.to_string() }]);
        extend(
            &mut out,
            vec![json!({ "url": SERIES, "valueOid": format!("urn:oid:{}", series.uid) })],
        );
    }
    out
}

/// Inputs kept in an answer; of a panel of hundreds the hash says the rest.
const INPUTS_KEPT: usize = 200;

/// A report and its measurements: the volume of each region.
fn measured(
    to: &Addressee<'_>,
    question: &Question,
    case: &Case,
    regions: &Regions,
    key: &RecordKey,
) -> Vec<Value> {
    let Output::Segments { segment, .. } = &question.file.output else {
        return Vec::new();
    };
    let device = registry::key(&to.model.name, to.model.version).to_string();
    let study: Vec<Value> = case
        .series
        .iter()
        .map(|series| json!({ "reference": series.study.to_string() }))
        .collect();
    let at = date::instant(case.index_time);
    let observation = |number: usize| format!("{}-{number}", key.id);
    let mut out = vec![json!({
        "resourceType": "DiagnosticReport",
        "id": key.id,
        "status": "preliminary",
        "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "IMG" }] }],
        "code": { "coding": [{ "system": WORK, "code": to.model.name }], "text": to.model.title },
        "subject": { "reference": to.patient.to_string() },
        "effectiveDateTime": at,
        "issued": date::instant(registry::now()),
        "imagingStudy": study,
        "conclusion": conclusion(segment, regions, to.live),
        "result": (1..=segment.len())
            .map(|number| json!({ "reference": format!("Observation/{}", observation(number)) }))
            .collect::<Vec<_>>(),
        "extension": [{ "url": METHOD, "valueString": format!("{}@{}", to.model.name, to.model.version) }],
    })];
    for (at_segment, (one, millilitres)) in segment.iter().zip(&regions.millilitres).enumerate() {
        let (ja, en) = one
            .label
            .split_once(" / ")
            .unwrap_or((&one.label, &one.label));
        let mut coding = json!({ "code": one.code, "display": one.meaning });
        if let Some(system) = system(&one.scheme) {
            coding["system"] = json!(system);
        }
        out.push(json!({
            "resourceType": "Observation",
            "id": observation(at_segment + 1),
            "status": "preliminary",
            "category": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "imaging" }] }],
            // 118565006 |Volume|
            "code": {
                "coding": [{ "system": "http://snomed.info/sct", "code": "118565006", "display": "Volume" }],
                "text": format!("{ja}の容積 / Volume of {}", en.to_lowercase()),
            },
            "bodySite": { "coding": [coding], "text": one.label },
            "subject": { "reference": to.patient.to_string() },
            "effectiveDateTime": at,
            "valueQuantity": {
                "value": (millilitres * 10.0).round() / 10.0,
                "unit": "mL", "system": "http://unitsofmeasure.org", "code": "mL",
            },
            "device": { "reference": device },
            "derivedFrom": study,
        }));
    }
    out
}

/// What a report says of itself where it is for research.
const FOR_RESEARCH: &str = "研究用(診療の判断には使わない)。For research, not for care. ";

fn conclusion(segments: &[SegmentMeaning], regions: &Regions, live: bool) -> String {
    let said: Vec<String> = segments
        .iter()
        .zip(&regions.millilitres)
        .map(|(one, millilitres)| format!("{} {millilitres:.1} mL", one.label))
        .collect();
    let mark = if live { "" } else { FOR_RESEARCH };
    format!("{mark}{}", said.join("; "))
}

/// `extension` of a report: the version that made it.
pub(super) const METHOD: &str = "urn:kura:model-version";

/// FHIR system of a DICOM coding scheme designator, PS3.16 Table 8-1.
fn system(scheme: &str) -> Option<&'static str> {
    match scheme {
        "SCT" => Some("http://snomed.info/sct"),
        "LN" => Some("http://loinc.org"),
        "DCM" => Some("http://dicom.nema.org/resources/ontology/DCM"),
        "FMA" => Some("http://purl.org/sig/ont/fma"),
        _ => None,
    }
}

/// An answer that was given before is listed now, unless somebody has decided.
fn relist(
    bank: &Bank,
    to: &Addressee<'_>,
    question: &Question,
    key: &RecordKey,
    known: &Version,
) -> Result<()> {
    let mut answer = imaging::decode(&known.body)?;
    if answer["status"] != "preliminary" {
        return Ok(());
    }
    let listed = bank
        .clinical
        .read(|reader| reader.current(&to.work))?
        .map(|version| imaging::decode(&version.body))
        .transpose()?
        .is_some_and(|task| {
            task["status"] == "requested"
                && view::text(&task["focus"], "reference") == Some(key.to_string().as_str())
        });
    if listed {
        return Ok(());
    }
    let urgent = answer["prediction"][0]["probabilityDecimal"]
        .as_f64()
        .is_some_and(|probability| probability >= question.file.threshold);
    let mut writes = vec![task(
        bank,
        to.model,
        to.patient,
        &to.work,
        Some(key),
        urgent,
    )?];
    // No longer for research only.
    let mut parts = vec![std::mem::take(&mut answer)];
    for part in results(bank, &parts[0])? {
        parts.push(part);
    }
    for mut part in parts {
        if let Value::Object(members) = &mut part {
            members.shift_remove("meta");
            if let Some(Value::String(conclusion)) = members.get_mut("conclusion") {
                *conclusion = conclusion.replacen(FOR_RESEARCH, "", 1);
            }
        }
        writes.push(put(bank, part)?);
    }
    bank.clinical
        .commit(Commit {
            writes,
            ..Commit::default()
        })
        .map(drop)
}

/// The measurements of a report.
pub(super) fn results(bank: &Bank, report: &Value) -> Result<Vec<Value>> {
    let mut out = Vec::new();
    for result in view::items(report, "result") {
        let Some(key) = reference(result) else {
            continue;
        };
        if let Some(version) = bank.clinical.read(|reader| reader.current(&key))? {
            out.push(imaging::decode(&version.body)?);
        }
    }
    Ok(out)
}

pub(super) fn reference(value: &Value) -> Option<RecordKey> {
    let (kind, id) = view::text(value, "reference")?.split_once('/')?;
    Some(RecordKey::new(kind, id))
}

/// Keeps the patient on the list though no model could say how urgent it is. `first`: there are
/// new data, so whoever was seen before waits again.
pub(super) fn unranked(
    bank: &Bank,
    context: &RequestContext,
    model: &Model,
    patient: &RecordKey,
    work: &RecordKey,
    first: bool,
) -> Result<()> {
    let _writing = bank.writing()?;
    if let Some(version) = bank.clinical.read(|reader| reader.current(work))? {
        let waits = imaging::decode(&version.body)?["status"] == "requested";
        if waits || !first {
            return Ok(());
        }
    }
    let write = task(bank, model, patient, work, None, false)?;
    let audit = AuditEntry::new(context, "model_answer", work.to_string()).outcome("failed");
    bank.clinical
        .commit(Commit {
            writes: vec![write],
            audit: vec![audit],
            ..Commit::default()
        })
        .map(drop)
}

/// Takes work off the list that nobody could rank and that turned out to be none.
pub(super) fn no_case(bank: &Bank, context: &RequestContext, work: &RecordKey) -> Result<()> {
    let waits = |task: &Value| task["status"] == "requested" && task["focus"].is_null();
    let read = || -> Result<Option<Value>> {
        let found = bank.clinical.read(|reader| reader.current(work))?;
        found
            .map(|version| imaging::decode(&version.body))
            .transpose()
    };
    // Nearly always there is nothing: no lock for that.
    if !read()?.as_ref().is_some_and(waits) {
        return Ok(());
    }
    let _writing = bank.writing()?;
    let Some(mut task) = read()?.filter(waits) else {
        return Ok(());
    };
    task["status"] = json!("cancelled");
    task["businessStatus"] = json!({ "coding": [{ "system": WORK, "code": "no-case" }] });
    bank.clinical
        .commit(Commit {
            writes: vec![put(bank, task)?],
            audit: vec![AuditEntry::new(context, "model_answer", work.to_string())],
            ..Commit::default()
        })
        .map(drop)
}

fn task(
    bank: &Bank,
    model: &Model,
    patient: &RecordKey,
    work: &RecordKey,
    focus: Option<&RecordKey>,
    urgent: bool,
) -> Result<Write> {
    let known = bank
        .clinical
        .read(|reader| reader.current(work))?
        .map(|version| imaging::decode(&version.body))
        .transpose()?;
    // Still waiting: since when does not change.
    let since = known
        .filter(|task| task["status"] == "requested")
        .and_then(|task| task["authoredOn"].as_str().map(str::to_owned))
        .unwrap_or_else(|| date::instant(registry::now()));
    let mut task = json!({
        "resourceType": "Task",
        "id": work.id,
        "status": "requested",
        "intent": "order",
        "priority": if urgent { "urgent" } else { "routine" },
        "businessStatus": { "coding": [{ "system": WORK, "code": if focus.is_some() { "ranked" } else { "unranked" } }] },
        "code": { "coding": [{ "system": WORK, "code": "see-patient" }], "text": model.title },
        "for": { "reference": patient.to_string() },
        "authoredOn": since,
        "requester": { "reference": registry::key(&model.name, model.version).to_string() },
    });
    if let Some(focus) = focus {
        task["focus"] = json!({ "reference": focus.to_string() });
    }
    put(bank, task)
}

pub(super) fn put(bank: &Bank, resource: Value) -> Result<Write> {
    let resource = Resource::from_value(resource)
        .map_err(|refusal| Error::internal("a resource of ours is not sound").because(refusal))?;
    let mut put: Put = import::fhir_put(&*bank.search_parameters()?, &resource, None);
    put.once = false;
    Ok(Write::Put(put))
}
