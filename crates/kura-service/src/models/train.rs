//! `kura train`: from a specification and a data set to a model folder.
//!
//! The test part of the patients is set aside first and not looked at; everything in the report
//! comes from the rest, by cross-validation. A data set whose features tell what they may not
//! know ends the training: there is no switch to go on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kura_cases::{CasesSpec, Feature as CaseFeature, FeatureSet, Outcome};
use kura_model::{ContentHash, Error, RequestContext, Result};
use kura_store::{AuditEntry, Commit};
use kura_training::{
    CrossValidation, Examples, Folds, GroupFolds, Severity, leakage, permutation_importance,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::asked::Asked;
use super::encoder::{Encoder, EncoderFile, EncoderSpec};
use super::examples::{self, Prepared, learning};
use super::file::{self, ModelFile, TrainingData, check_name};
use super::image::{self, ImageInput};
use super::method::{Fitted, Method, Training};
use super::output::Output;
use super::report;
use crate::access::{Action, authorize};
use crate::bank::file_error;
use crate::{Bank, toml_file};

/// The specification of a training. `samples/train-deterioration.toml` is one.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainSpec {
    /// Small letters, digits and '-'.
    pub name: String,
    pub title: String,
    /// For whom, when and what for.
    pub intended_use: String,
    /// Folder of the data set, beside the specification.
    pub set: PathBuf,
    #[serde(default = "one")]
    pub seed: u64,
    /// Share of the cases, by whole patients, set aside for the locked test set.
    #[serde(default = "test_share")]
    pub test_share: f64,
    /// Parts of the cross-validation; `0` leaves out one site at a time.
    #[serde(default = "folds")]
    pub folds: usize,
    pub threshold: Threshold,
    pub learner: Method,
    pub cases: String,
    pub outcome: Outcome,
    /// Either features, or the image of each case.
    #[serde(default, rename = "feature")]
    pub features: Vec<CaseFeature>,
    #[serde(default, rename = "feature_set")]
    pub feature_sets: Vec<FeatureSet>,
    #[serde(default)]
    pub image: Option<ImageInput>,
    /// Makes numbers of the image first, and the learner learns from those.
    #[serde(default)]
    pub encoder: Option<EncoderSpec>,
}

/// From which probability the model speaks.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Threshold {
    /// The highest at which this share of the positive cases is found, in cross-validation.
    Sensitivity(f64),
    /// The lowest at which this share of the negative cases is passed over.
    Specificity(f64),
    Probability(f64),
}

fn one() -> u64 {
    1
}

fn test_share() -> f64 {
    0.3
}

fn folds() -> usize {
    5
}

impl TrainSpec {
    /// # Errors
    /// Unknown keys, a name that is none, shares that are none.
    pub fn parse(text: &str) -> Result<Self> {
        let spec: Self = toml_file::parse("the specification", text)?;
        check_name(&spec.name)?;
        if spec.test_share != 0.0 && !(0.05..=0.9).contains(&spec.test_share) {
            return Err(Error::invalid(
                "test_share lies between 0.05 and 0.9; with 0 nobody is set aside, and the evidence is a performance test (kura trial)",
            ));
        }
        let (Threshold::Sensitivity(share)
        | Threshold::Specificity(share)
        | Threshold::Probability(share)) = spec.threshold;
        if !(share > 0.0 && share < 1.0) {
            return Err(Error::invalid("threshold: the number lies between 0 and 1"));
        }
        let features = !spec.features.is_empty() || !spec.feature_sets.is_empty();
        match (&spec.image, features) {
            (Some(image), false) => image.check()?,
            (None, true) => {}
            _ => {
                return Err(Error::invalid(
                    "give either features ([[feature]]) or an image ([image]), one of them",
                ));
            }
        }
        if spec.encoder.is_some() && spec.image.is_none() {
            return Err(Error::invalid(
                "encoder: it needs the [image] that it takes",
            ));
        }
        spec.learner.check(spec.seen())?;
        Ok(spec)
    }

    /// The image, where the learner sees it and not what an encoder makes of it.
    fn seen(&self) -> Option<&ImageInput> {
        self.image.as_ref().filter(|_| self.encoder.is_none())
    }

    pub(crate) fn cases_spec(&self) -> CasesSpec {
        CasesSpec {
            cases: self.cases.clone(),
            outcome: Some(self.outcome.clone()),
            features: self.features.clone(),
            feature_sets: self.feature_sets.clone(),
        }
    }
}

/// Told how a training goes on.
pub trait Observer: Sync {
    fn step(&self, what: &'static str, done: u64, total: u64);
}

#[derive(Debug, Serialize)]
pub struct Trained {
    pub folder: PathBuf,
    pub name: String,
    pub model: ContentHash,
    pub patients: u64,
    pub cases: u64,
    pub positive: u64,
    pub test: file::LockedTest,
    /// Out-of-fold area under the curve.
    pub auc: Option<f64>,
    pub best_baseline_auc: Option<f64>,
    pub shuffled_auc: Vec<f64>,
    pub threshold: f64,
    /// Largest difference between the ONNX and the trained model; absent without a runtime.
    pub onnx_difference: Option<f64>,
    pub findings: Vec<String>,
    pub seconds: f64,
}

/// Trains into `out`, which must not exist or be empty.
pub fn train(
    bank: &Bank,
    context: &RequestContext,
    spec_file: &Path,
    out: &Path,
    observer: &dyn Observer,
    cancel: &Arc<AtomicBool>,
) -> Result<Trained> {
    authorize(bank, context, Action::BuildModel)?;
    let result = run(bank, spec_file, out, observer, cancel);
    let audit = AuditEntry::new(context, "model_train", "");
    let audit = match &result {
        Ok(trained) => audit.detail(
            json!({ "name": trained.name, "model": trained.model, "patients": trained.patients })
                .to_string(),
        ),
        Err(_) => audit.outcome("failed"),
    };
    bank.research.commit(Commit {
        audit: vec![audit],
        ..Commit::default()
    })?;
    result
}

fn run(
    bank: &Bank,
    spec_file: &Path,
    out: &Path,
    observer: &dyn Observer,
    cancel: &Arc<AtomicBool>,
) -> Result<Trained> {
    let started = std::time::Instant::now();
    let text = std::fs::read_to_string(spec_file).map_err(|error| file_error(spec_file, error))?;
    let spec = TrainSpec::parse(&text)?;
    if std::fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Error::conflict(format!(
            "{} is not empty; a model needs a folder of its own",
            out.display()
        )));
    }
    let folder = spec_file.parent().unwrap_or(Path::new("."));
    observer.step("cases", 0, 1);
    let mut prepared = examples::prepare(
        &folder.join(&spec.set),
        &spec.cases_spec(),
        spec.image.as_ref(),
        folder,
        cancel,
    )?;
    let parts = examples::parts(&prepared, spec.test_share, spec.seed)?;
    // What is watched of an image is watched of its pixels.
    let figures: Option<Vec<[f32; 2]>> = spec.image.map(|_| {
        let matrix = &prepared.examples.matrix;
        let of = |row: &usize| image::watched(matrix.row(*row));
        parts.training.iter().map(of).collect()
    });
    let encoder = match (&spec.encoder, &spec.image) {
        (Some(said), Some(image)) => {
            observer.step("encoder", 0, 1);
            Some(encode(bank, folder, said, image, &mut prepared)?)
        }
        _ => None,
    };
    let training = prepared.examples.select(&parts.training);
    let findings = findings(&prepared, &training)?;

    let folds = match spec.folds {
        0 => Folds::LeaveOneSiteOut,
        k => Folds::Groups(GroupFolds {
            k,
            stratified: true,
            seed: spec.seed,
        }),
    };
    let learner = Training {
        method: &spec.learner,
        image: spec.seen(),
        examples: &training,
        seed: spec.seed,
        cancel,
    };
    let validation = learner.cross_validate(&folds, &mut |done, total| {
        observer.step("cross-validation", done as u64, total as u64);
    })?;
    let threshold = threshold(spec.threshold, &training, &validation)?;

    observer.step("model", 0, 1);
    let model = learner.train(&mut |done, total| {
        observer.step("model", done as u64, total as u64);
    })?;
    let metadata = BTreeMap::from([
        ("name".to_owned(), spec.name.clone()),
        ("intended_use".to_owned(), spec.intended_use.clone()),
        ("set".to_owned(), prepared.manifest_hash.to_hex()),
    ]);
    let onnx = model.onnx(spec.seen(), &metadata)?;
    let onnx_difference = compare(bank, &onnx, &model, spec.seen(), &training)?;
    // A single pixel is worth nothing by itself.
    let importance = match spec.image {
        None => importance(&spec, &training, &validation)?,
        Some(_) => json!([]),
    };
    observer.step("model", 1, 1);

    let model_json = model.json()?;
    // The names of the sets are those the training found, from now on.
    let mut cases = spec.cases_spec();
    for (set, names) in cases
        .feature_sets
        .iter_mut()
        .zip(&prepared.gathered.set_names)
    {
        set.names.clone_from(names);
    }
    let reference = serde_json::to_vec(&reference_of(&training, figures.as_deref(), &validation))
        .map_err(|error| {
        Error::internal("reference values cannot be written").because(error)
    })?;
    let patients: BTreeSet<&str> = training.group.iter().map(String::as_str).collect();
    let positive = training.outcome.iter().filter(|outcome| **outcome).count();
    let described = ModelFile {
        name: spec.name.clone(),
        title: spec.title.clone(),
        intended_use: spec.intended_use.clone(),
        onnx: ContentHash::of(&onnx),
        numbers: Some(ContentHash::of(&model_json)),
        reference: Some(ContentHash::of(&reference)),
        kura: env!("CARGO_PKG_VERSION").to_owned(),
        seed: spec.seed,
        learner: Some(spec.learner.clone()),
        cases,
        features: match spec.image {
            None => model.features().to_vec(),
            Some(_) => Vec::new(),
        },
        image: spec.image,
        encoder: encoder.as_ref().map(|(described, _)| described.clone()),
        volume: None,
        output: Output::default(),
        threshold,
        foreign: None,
        data: Some(TrainingData {
            set: prepared.manifest.spec.name.clone(),
            project: prepared.manifest.spec.project.clone(),
            policy: Some(prepared.manifest.spec.policy.clone()),
            manifest: prepared.manifest_hash,
            t: prepared.manifest.t.0,
            patients: patients.len() as u64,
            cases: training.outcome.len() as u64,
            positive: positive as u64,
            test_share: spec.test_share.to_string(),
            test: parts.locked.clone(),
            training_patients: ContentHash::of(list(&patients).as_bytes()),
        }),
        training: json!({
            "auc": validation.result.auc,
            "brier": validation.result.brier,
            "per_fold": validation.per_fold,
            "learning_curve": validation.learning_curve,
            "baselines": {
                "prevalence": summary(&validation.baselines.prevalence),
                "single_feature": summary(&validation.baselines.single_feature),
                "single_feature_names": validation.baselines.single_feature_names,
                "logistic": validation.baselines.logistic.as_ref().map(summary),
            },
            "shuffled_auc": validation.shuffled_auc,
            "epochs": model.epochs(),
            "importance": importance,
            "findings": findings,
            "unobserved": prepared.gathered.unobserved,
            "unjudged": prepared.gathered.unjudged,
            "without_image": prepared.without_image,
            "onnx_difference": onnx_difference,
        }),
    };
    let shown = report::Shown::of(&described, &prepared, &validation);
    let mut files = vec![
        (file::ONNX, onnx),
        (file::FILE, described.to_json()?),
        // The trained numbers, for explanations.
        (file::NUMBERS, model_json),
        (file::PATIENTS, list(&patients).into_bytes()),
        (file::REFERENCE, reference),
        (
            "predictions.csv",
            predictions(&prepared, &parts.training, &validation).into_bytes(),
        ),
        (
            "answers.csv",
            answers(&prepared, &parts.training, &validation).into_bytes(),
        ),
        ("specification.toml", text.into_bytes()),
        ("report.md", report::markdown(&shown).into_bytes()),
        ("report.html", report::html(&shown).into_bytes()),
    ];
    files.extend(encoder.map(|(_, bytes)| (file::ENCODER, bytes)));
    write(out, &files)?;
    Ok(Trained {
        folder: out.to_owned(),
        name: described.name.clone(),
        model: described.onnx,
        patients: patients.len() as u64,
        cases: training.outcome.len() as u64,
        positive: positive as u64,
        test: parts.locked,
        auc: validation.result.auc,
        best_baseline_auc: shown.best_baseline,
        shuffled_auc: validation.shuffled_auc,
        threshold,
        onnx_difference,
        findings: findings
            .iter()
            .map(|one| {
                let part = |name: &str| one[name].as_str().unwrap_or_default();
                format!("{} ({}): {}", part("rule"), part("feature"), part("detail"))
            })
            .collect(),
        seconds: started.elapsed().as_secs_f64(),
    })
}

fn summary(result: &kura_training::OutOfFold) -> serde_json::Value {
    json!({ "auc": result.auc, "brier": result.brier })
}

/// Puts what the encoder makes of each image in the place of its pixels.
fn encode(
    bank: &Bank,
    folder: &Path,
    said: &EncoderSpec,
    image: &ImageInput,
    prepared: &mut Prepared,
) -> Result<(EncoderFile, Vec<u8>)> {
    let path = folder.join(&said.file);
    let bytes = std::fs::read(&path).map_err(|error| file_error(&path, error))?;
    let encoder = Encoder::open(bank, &bytes, image, said.output.as_deref())?;
    let matrix = &prepared.examples.matrix;
    let limit = std::time::Duration::from_secs(3_600);
    let values = encoder.encode(&matrix.values, matrix.rows, limit)?;
    let features = (0..encoder.width)
        .map(|at| kura_training::Feature::named(format!("embedding_{at}")))
        .collect();
    prepared.examples.matrix = kura_training::Matrix::new(features, matrix.rows, values)
        .map_err(|error| learning(&error))?;
    let described = EncoderFile {
        onnx: ContentHash::of(&bytes),
        output: said.output.clone(),
        maker: said.maker.clone(),
        width: encoder.width,
    };
    Ok((described, bytes))
}

/// Values kept of each feature at most.
const REFERENCE_VALUES: usize = 2_000;

/// Each feature by itself and sorted: what it was like, not who had it.
fn reference_of(
    training: &Examples,
    figures: Option<&[[f32; 2]]>,
    validation: &CrossValidation,
) -> file::Reference {
    let thin = |mut values: Vec<f32>| {
        values.sort_by(f32::total_cmp);
        let step = values.len().div_ceil(REFERENCE_VALUES).max(1);
        values.into_iter().step_by(step).collect::<Vec<_>>()
    };
    let columns: Vec<(String, Vec<f32>)> = if let Some(figures) = figures {
        (0..image::WATCHED.len())
            .map(|at| {
                let column = figures.iter().map(|figure| figure[at]).collect();
                (image::WATCHED[at].to_owned(), column)
            })
            .collect()
    } else {
        (0..training.matrix.features.len())
            .map(|at| {
                let name = training.matrix.features[at].name.clone();
                (name, training.matrix.column(at).collect())
            })
            .collect()
    };
    let features = columns
        .into_iter()
        .map(|(name, column)| {
            let (known, missing): (Vec<f32>, Vec<f32>) =
                column.into_iter().partition(|value| !value.is_nan());
            file::ReferenceValues {
                name,
                known: thin(known),
                missing: missing.len() as u64,
            }
        })
        .collect();
    file::Reference {
        features,
        probability: thin(validation.result.probability.clone()),
    }
}

/// Patients' pseudonyms, one a line, in their order.
fn list(patients: &BTreeSet<&str>) -> String {
    patients.iter().map(|one| format!("{one}\n")).collect()
}

/// What looks wrong. What must be mended ends the training.
fn findings(prepared: &Prepared, training: &Examples) -> Result<Vec<serde_json::Value>> {
    let mut fatal = Vec::new();
    let mut out = Vec::new();
    for finding in &prepared.gathered.findings {
        if finding.fatal {
            let feature = finding.feature.as_deref().unwrap_or("cases");
            fatal.push(format!("{} ({feature}): {}", finding.rule, finding.detail));
        }
        out.push(json!(finding));
    }
    for finding in leakage(training).map_err(|error| learning(&error))? {
        if finding.severity == Severity::Error {
            let rule = json!(finding.rule);
            let feature = finding.feature.as_deref().unwrap_or("cases");
            fatal.push(format!(
                "{} ({feature}): {}",
                rule.as_str().unwrap_or_default(),
                finding.detail
            ));
        }
        // Dark corners of an image are no news.
        if prepared.gathered.cases.values.is_empty() && finding.severity == Severity::Note {
            continue;
        }
        out.push(json!(finding));
    }
    if fatal.is_empty() {
        return Ok(together(out));
    }
    Err(Error::invalid(format!(
        "nothing was trained, the features know what they may not know: {}",
        fatal.join("; ")
    )))
}

/// Findings of one kind that are named one by one; of more the first and their number are said.
const NAMED: usize = 5;

/// Of hundreds of features with the same fault one finding is made.
fn together(findings: Vec<serde_json::Value>) -> Vec<serde_json::Value> {
    let kind =
        |finding: &serde_json::Value| (finding["rule"].to_string(), finding["detail"].to_string());
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for finding in &findings {
        *counts.entry(kind(finding)).or_default() += 1;
    }
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for mut finding in findings {
        let kind = kind(&finding);
        let count = counts.get(&kind).copied().unwrap_or(1);
        if count > NAMED {
            if !seen.insert(kind) {
                continue;
            }
            let first = finding["feature"].as_str().unwrap_or_default();
            finding["feature"] = json!(format!("{first}, … ({count} features)"));
        }
        out.push(finding);
    }
    out
}

fn threshold(wanted: Threshold, training: &Examples, validation: &CrossValidation) -> Result<f64> {
    let of = |outcome: bool| -> Result<Vec<f64>> {
        let mut scores: Vec<f64> = training
            .outcome
            .iter()
            .zip(&validation.result.probability)
            .filter(|(known, _)| **known == outcome)
            .map(|(_, probability)| f64::from(*probability))
            .collect();
        scores.sort_by(f64::total_cmp);
        if scores.is_empty() {
            return Err(Error::invalid(
                "threshold: the training part lacks an outcome",
            ));
        }
        Ok(scores)
    };
    Ok(match wanted {
        Threshold::Probability(value) => value,
        Threshold::Sensitivity(share) => {
            let scores = of(true)?;
            // The lowest of the share that must be found.
            let missed = ((1.0 - share) * scores.len() as f64 + 1e-9).floor() as usize;
            scores[missed.min(scores.len() - 1)]
        }
        Threshold::Specificity(share) => {
            let scores = of(false)?;
            let passed = (share * scores.len() as f64 - 1e-9).ceil() as usize;
            // Ties are passed over together: the next larger one.
            let last = scores[passed.saturating_sub(1)];
            match scores.iter().find(|score| **score > last) {
                Some(next) => *next,
                // Just above the highest.
                None => (scores[scores.len() - 1] + 1e-6).min(1.0),
            }
        }
    })
}

/// Largest difference of the exported model's answers from the trained one's, on the training
/// rows. `None` where there is no runtime to ask.
///
/// # Errors
/// They differ by more than 1e-5: what would be used is not what was trained.
fn compare(
    bank: &Bank,
    onnx: &[u8],
    model: &Fitted,
    image: Option<&ImageInput>,
    training: &Examples,
) -> Result<Option<f64>> {
    let shape = |cases: usize| match image {
        Some(image) => image.shape(cases),
        None => vec![cases, model.features().len()],
    };
    let asked = match Asked::plain(bank, onnx, shape(1)) {
        Ok(asked) => asked,
        Err(error) if error.category == kura_model::Category::Unsupported => return Ok(None),
        Err(error) => return Err(error),
    };
    let expected = model.predict(&training.matrix)?;
    let found = asked.probabilities(
        &training.matrix.values,
        training.matrix.rows,
        std::time::Duration::from_secs(600),
    )?;
    let difference = expected
        .iter()
        .zip(&found)
        .map(|(a, b)| (f64::from(*a) - b).abs())
        .fold(0.0, f64::max);
    if found.len() != expected.len() || difference > 1e-5 {
        return Err(Error::internal(format!(
            "the exported model answers otherwise than the trained one, by {difference}"
        )));
    }
    Ok(Some(difference))
}

/// What each feature is worth, on patients the model did not learn from: the last fold.
fn importance(
    spec: &TrainSpec,
    training: &Examples,
    validation: &CrossValidation,
) -> Result<serde_json::Value> {
    let Some(learner) = spec.learner.table() else {
        return Ok(json!([]));
    };
    let last = validation.fold.iter().max().copied().unwrap_or(0);
    let rows = |held: bool| -> Vec<usize> {
        (0..validation.fold.len())
            .filter(|row| (validation.fold[*row] == last) == held)
            .collect()
    };
    let learnt = kura_training::train(&training.select(&rows(false)), &learner, spec.seed);
    let held = training.select(&rows(true));
    let both = held.outcome.contains(&true) && held.outcome.contains(&false);
    let (Ok(learnt), true) = (learnt, both) else {
        return Ok(json!([]));
    };
    let sets: Vec<Vec<usize>> = (0..learnt.features.len()).map(|one| vec![one]).collect();
    let mut found = permutation_importance(&learnt, &held, &sets, 10, spec.seed)
        .map_err(|error| learning(&error))?;
    found.sort_by(|a, b| b.auc_loss.total_cmp(&a.auc_loss));
    Ok(found
        .iter()
        .map(|one| {
            json!({
                "feature": one.features.first().map(|at| learnt.features[*at].name.clone()),
                "auc_loss": one.auc_loss,
                "deviation": one.deviation,
            })
        })
        .collect())
}

fn predictions(prepared: &Prepared, rows: &[usize], validation: &CrossValidation) -> String {
    let cases = &prepared.gathered.cases;
    let mut out = "case_id,patient,fold,outcome,probability\n".to_owned();
    for (at, row) in rows.iter().enumerate() {
        out += &format!(
            "{},{},{},{},{}\n",
            cases.case_id[*row],
            cases.patient[*row],
            validation.fold[at] + 1,
            u8::from(cases.outcome[*row]),
            validation.result.probability[at]
        );
    }
    out
}

/// Out-of-fold answers, as a performance test takes them.
fn answers(prepared: &Prepared, rows: &[usize], validation: &CrossValidation) -> String {
    let mut out = "case,probability\n".to_owned();
    for (at, row) in rows.iter().enumerate() {
        out += &format!(
            "{},{}\n",
            prepared.gathered.cases.case_id[*row], validation.result.probability[at]
        );
    }
    out
}

/// Writes a folder that appears only when it is whole.
fn write(out: &Path, files: &[(&str, Vec<u8>)]) -> Result<()> {
    let name = out
        .file_name()
        .ok_or_else(|| Error::invalid("--out names no folder"))?;
    let mut partial = name.to_owned();
    partial.push(".partial");
    let partial = out.with_file_name(partial);
    if partial.exists() {
        std::fs::remove_dir_all(&partial).map_err(|error| file_error(&partial, error))?;
    }
    std::fs::create_dir_all(&partial).map_err(|error| file_error(&partial, error))?;
    for (name, bytes) in files {
        let file = partial.join(name);
        std::fs::write(&file, bytes).map_err(|error| file_error(&file, error))?;
    }
    if out.is_dir() {
        std::fs::remove_dir(out).map_err(|error| file_error(out, error))?;
    }
    std::fs::rename(&partial, out).map_err(|error| file_error(out, error))
}
