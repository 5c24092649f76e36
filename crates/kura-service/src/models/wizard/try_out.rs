//! The cases of a draft, gathered and counted as a training would, and nothing trained.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kura_cases::{NO_CASE, NO_OUTCOME};
use kura_model::{RequestContext, Result};
use kura_store::AuditEntry;
use kura_training::{Examples, MINIMUM_GROUPS, Severity, leakage};
use serde_json::json;

use super::draft::Draft;
use super::survey::Survey;
use crate::Bank;
use crate::access::{Action, authorize};
use crate::models::TrainSpec;
use crate::models::examples::{self, learning};

/// Cases of one part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Part {
    pub patients: u64,
    pub cases: u64,
    pub positive: u64,
}

/// What there is too little of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Short {
    /// Cases at all.
    Cases,
    /// Cases of which it is known what happened.
    Outcomes,
    /// Patients in the training part.
    Patients,
    /// Patients with a positive case in the training part: one for each fold.
    PositivePatients,
    /// Patients with a negative case in the training part.
    NegativePatients,
    /// Positive or negative cases in the locked test set.
    TestOutcomes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooFew {
    pub what: Short,
    pub found: u64,
    pub needed: u64,
}

/// What a training would begin with.
#[derive(Debug, Clone, Default)]
pub struct TryOut {
    pub whole: Part,
    /// As `kura train` reports them.
    pub training: Part,
    pub test: Part,
    pub unobserved: u64,
    pub unjudged: u64,
    pub without_image: u64,
    /// Each feature with the share of the training cases in which it is unknown.
    pub missing: Vec<(String, f64)>,
    /// Rule, feature and a sentence in English; whether it ends the training.
    pub findings: Vec<(String, Option<String>, String, bool)>,
    /// Empty: there is enough to train.
    pub too_few: Vec<TooFew>,
}

impl TryOut {
    /// Whether a training could begin.
    pub fn ready(&self) -> bool {
        self.too_few.is_empty() && !self.findings.iter().any(|(.., fatal)| *fatal)
    }
}

/// Gathers the cases of a draft.
///
/// # Errors
/// A draft that is not complete, a table that is not what the manifest says. Too few cases are no
/// error: they are said.
pub fn try_out(
    bank: &Bank,
    context: &RequestContext,
    draft: &Draft,
    survey: &Survey,
) -> Result<TryOut> {
    authorize(bank, context, Action::BuildModel)?;
    let spec = TrainSpec::parse(&draft.to_toml(&survey.tables)?)?;
    let found = count(&spec, &survey.set.folder);
    let audit = AuditEntry::new(
        context,
        "model_try_out",
        format!("DataSet/{}", survey.set.manifest.to_hex()),
    );
    bank.research.audit(match &found {
        Ok(found) => {
            audit.detail(json!({ "name": spec.name, "patients": found.whole.patients }).to_string())
        }
        Err(_) => audit.outcome("failed"),
    });
    found
}

fn none(what: Short) -> TryOut {
    TryOut {
        too_few: vec![TooFew {
            what,
            found: 0,
            needed: MINIMUM_GROUPS as u64,
        }],
        ..TryOut::default()
    }
}

fn count(spec: &TrainSpec, set: &Path) -> Result<TryOut> {
    let cancel = Arc::new(AtomicBool::new(false));
    let prepared = match examples::prepare(
        set,
        &spec.cases_spec(),
        spec.image.as_ref(),
        Path::new("."),
        &cancel,
    ) {
        Ok(prepared) => prepared,
        Err(error) if error.message() == NO_CASE => return Ok(none(Short::Cases)),
        Err(error) if error.message() == NO_OUTCOME => return Ok(none(Short::Outcomes)),
        Err(error) => return Err(error),
    };
    let whole = part(&prepared.examples);
    let mut out = TryOut {
        whole,
        unobserved: prepared.gathered.unobserved,
        unjudged: prepared.gathered.unjudged,
        without_image: prepared.without_image,
        ..TryOut::default()
    };
    if whole.patients < MINIMUM_GROUPS as u64 {
        out.too_few.push(TooFew {
            what: Short::Patients,
            found: whole.patients,
            needed: MINIMUM_GROUPS as u64,
        });
        return Ok(out);
    }
    let parts = examples::parts(&prepared, spec.test_share, spec.seed)?;
    let training = prepared.examples.select(&parts.training);
    out.training = part(&training);
    out.test = Part {
        patients: parts.locked.patients,
        cases: parts.locked.cases,
        positive: parts.locked.positive,
    };
    out.too_few = too_few(&out, &training, spec.folds as u64);
    if spec.image.is_none() {
        out.missing = (0..training.matrix.features.len())
            .map(|at| {
                let unknown = training.matrix.column(at).filter(|value| value.is_nan());
                (
                    training.matrix.features[at].name.clone(),
                    unknown.count() as f64 / training.matrix.rows.max(1) as f64,
                )
            })
            .collect();
    }
    for finding in &prepared.gathered.findings {
        out.findings.push((
            finding.rule.to_owned(),
            finding.feature.clone(),
            finding.detail.clone(),
            finding.fatal,
        ));
    }
    if out.too_few.is_empty() {
        for finding in leakage(&training).map_err(|error| learning(&error))? {
            // Dark corners of an image are no news.
            if spec.image.is_some() && finding.severity != Severity::Error {
                continue;
            }
            out.findings.push((
                json!(finding.rule).as_str().unwrap_or_default().to_owned(),
                finding.feature.clone(),
                finding.detail.clone(),
                finding.severity == Severity::Error,
            ));
        }
    }
    Ok(out)
}

fn of_outcome(examples: &Examples, wanted: bool) -> u64 {
    let patients: BTreeSet<&str> = examples
        .group
        .iter()
        .zip(&examples.outcome)
        .filter(|(_, outcome)| **outcome == wanted)
        .map(|(patient, _)| patient.as_str())
        .collect();
    patients.len() as u64
}

fn part(examples: &Examples) -> Part {
    let patients: BTreeSet<&str> = examples.group.iter().map(String::as_str).collect();
    Part {
        patients: patients.len() as u64,
        cases: examples.outcome.len() as u64,
        positive: examples.outcome.iter().filter(|one| **one).count() as u64,
    }
}

fn too_few(found: &TryOut, training: &Examples, folds: u64) -> Vec<TooFew> {
    let mut out = Vec::new();
    let mut need = |what, found: u64, needed: u64| {
        if found < needed {
            out.push(TooFew {
                what,
                found,
                needed,
            });
        }
    };
    need(
        Short::Patients,
        found.training.patients,
        folds.max(MINIMUM_GROUPS as u64),
    );
    // A fold without one of them judges nothing.
    need(Short::PositivePatients, of_outcome(training, true), folds);
    need(Short::NegativePatients, of_outcome(training, false), folds);
    let negative = found.test.cases - found.test.positive;
    need(Short::TestOutcomes, found.test.positive.min(negative), 1);
    out
}
