//! Asking the models when data have arrived.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use kura_fhir::{date, view};
use kura_model::{Category, Error, RecordKey, RequestContext, Result};
use kura_store::{Commit, Compare, Order, Predicate, Put, Query, Write};
use serde::Serialize;
use serde_json::{Value, json};

use super::proposal;
use super::question::{Newest, Question};
use super::tables::Tables;
use crate::access::{Action, authorize};
use crate::models::State;
use crate::models::registry::{self, Model};
use crate::{Bank, imaging, kind};

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
    authorize(bank, context, Action::Import)?;
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
    let mut cursor = Cursor::of(bank, model)?;
    let began = registry::now();
    let mut patients = changed(bank, cursor.at)?;
    let again = std::mem::take(&mut cursor.again);
    patients.extend(again.keys().map(|id| RecordKey::new("Patient", id)));
    if patients.is_empty() {
        return Ok(());
    }
    let question = Question::open(bank, model)?;
    let tables = Tables::open(bank)?;
    let current = newest_record(bank)? - CURRENT_DAYS * 86_400_000;
    for patient in &patients {
        report.patients += 1;
        let round = Round {
            bank,
            context,
            model,
            live,
            question: &question,
            tables: &tables,
            current,
            // New data, not another try: whoever was seen before waits again.
            first: !again.contains_key(&patient.id),
        };
        // A fault in one answer must not end the arrival of the others.
        let done = catch_unwind(AssertUnwindSafe(|| round.patient(patient)))
            .unwrap_or_else(|_| Err(Error::internal("the question broke down")));
        let failed = match done {
            Ok(Done { answers, failed }) => {
                report.answers += answers;
                failed
            }
            // Not even the cases are known: the patient waits.
            Err(error) => {
                if live {
                    let work = proposal::work(model, patient, None);
                    proposal::unranked(bank, context, model, patient, &work, round.first)?;
                }
                vec![error]
            }
        };
        if failed.is_empty() {
            continue;
        }
        report.failed += 1;
        for error in failed {
            reasons.insert(format!(
                "{}@{}: {}",
                model.name,
                model.version,
                error.message()
            ));
        }
        let attempts = again.get(&patient.id).copied().unwrap_or(0) + 1;
        if attempts < bank.config.inference.attempts {
            cursor.again.insert(patient.id.clone(), attempts);
        }
    }
    // A commit may carry a time a little before it could be seen: a minute is asked twice, and the
    // same answer is not written twice. Where nobody could be asked, everybody is asked again at
    // the next arrival, however often it was tried until then.
    let at = match question.can_be_asked() {
        true => began - 60_000,
        false => cursor.at,
    };
    cursor.move_to(bank, at)
}

/// One model, asked about one patient after the other.
struct Round<'a> {
    bank: &'a Bank,
    context: &'a RequestContext,
    model: &'a Model,
    live: bool,
    question: &'a Question,
    tables: &'a Tables<'a>,
    /// From when on a case is current work, milliseconds since 1970.
    current: i64,
    first: bool,
}

/// What came of one patient.
#[derive(Default)]
struct Done {
    answers: u64,
    failed: Vec<Error>,
}

impl Round<'_> {
    /// Asks for the patient's newest case; of examinations for each that is current.
    ///
    /// # Errors
    /// The patient's cases cannot be gathered.
    fn patient(&self, patient: &RecordKey) -> Result<Done> {
        let mut done = Done::default();
        let cases = self.question.cases(self.tables, patient, self.current)?;
        if cases.is_empty() && self.live {
            // It is known now that there is no case: nobody waits for one.
            let work = proposal::work(self.model, patient, None);
            proposal::no_case(self.bank, self.context, &work)?;
        }
        for case in cases {
            let to = proposal::Addressee {
                model: self.model,
                live: self.live,
                // Whose case is long over does not wait for anybody.
                waits: self.live && case.index_time >= self.current,
                patient,
                work: proposal::work(self.model, patient, self.question.examination(&case)),
            };
            match self.case(&to, case) {
                Ok(answered) => {
                    done.answers += u64::from(answered);
                    if self.live {
                        let general = proposal::work(self.model, patient, None);
                        if !to.waits || general != to.work {
                            proposal::no_case(self.bank, self.context, &general)?;
                        }
                    }
                }
                // An examination of long ago that has no images in the bank is no news.
                Err(error) if error.category == Category::NotFound && !to.waits => {}
                Err(error) => {
                    if to.waits {
                        proposal::unranked(
                            self.bank,
                            self.context,
                            self.model,
                            patient,
                            &to.work,
                            self.first,
                        )?;
                    }
                    done.failed.push(error);
                }
            }
        }
        Ok(done)
    }

    /// `false` where it was answered before.
    fn case(&self, to: &proposal::Addressee<'_>, newest: Newest) -> Result<bool> {
        let case = self.question.case(self.tables, to.patient, newest)?;
        // The same case with the same inputs has its answer, and perhaps its decision.
        if proposal::known(self.bank, to, self.question, &case)? {
            return Ok(false);
        }
        let found = self.question.answer(self.bank, &case)?;
        proposal::write(self.bank, self.context, to, self.question, &case, &found)
    }
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
        query.order = Order::date(param, true);
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
    /// Patients it could not answer for, and how often it was tried.
    again: BTreeMap<String, u32>,
}

impl Cursor {
    fn of(bank: &Bank, model: &Model) -> Result<Self> {
        let key = RecordKey::new(
            kind::MODEL_CURSOR,
            format!("{}-{}", model.name, model.version),
        );
        let record = match bank.clinical.read(|reader| reader.current(&key))? {
            Some(version) => imaging::decode(&version.body)?,
            None => Value::Null,
        };
        Ok(Self {
            key,
            at: record["at"].as_i64().unwrap_or(0),
            again: record["again"]
                .as_object()
                .into_iter()
                .flatten()
                .filter_map(|(id, tried)| Some((id.clone(), tried.as_u64()? as u32)))
                .collect(),
        })
    }

    fn move_to(self, bank: &Bank, at: i64) -> Result<()> {
        bank.clinical
            .commit(Commit {
                writes: vec![Write::Put(Put::plain(
                    self.key,
                    json!({ "at": at, "again": self.again })
                        .to_string()
                        .into_bytes(),
                ))],
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

/// Whether a model has work that it could not do, and is to be asked again.
pub fn asks_again(bank: &Bank) -> Result<bool> {
    for model in registry::all(bank, None)? {
        if (model.state == State::InUse || model.shadow)
            && !Cursor::of(bank, &model)?.again.is_empty()
        {
            return Ok(true);
        }
    }
    Ok(false)
}

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
