//! What a model folder holds: `model.onnx`, `model.json`, and what a person reads.

use kura_cases::CasesSpec;
use kura_model::{ContentHash, Error, Result};
use kura_training::Feature;
use serde::{Deserialize, Serialize};

use super::encoder::EncoderFile;
use super::foreign::Foreign;
use super::image::ImageInput;
use super::method::Method;
use super::output::Output;
use super::volume::VolumeInput;

pub const ONNX: &str = "model.onnx";
pub const FILE: &str = "model.json";
/// What makes numbers of an image first.
pub const ENCODER: &str = "encoder.onnx";
/// The trained numbers, for explanations.
pub const NUMBERS: &str = "numbers.json";
/// Values and answers of the training cases, against which drift is measured.
pub const REFERENCE: &str = "reference.json";
/// Pseudonyms of the patients it learnt from.
pub const PATIENTS: &str = "training-patients.txt";

/// `model.json`: everything about a model but its numbers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Letters, digits and '-'; versions of one model share it.
    pub name: String,
    pub title: String,
    /// For whom, when and what for, in a sentence a board can read.
    pub intended_use: String,
    pub onnx: ContentHash,
    /// Hash of the trained numbers, by which an answer is explained; a foreign model has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<ContentHash>,
    /// Hash of the reference values, against which drift is measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<ContentHash>,
    /// Version of Kura that made it, or took it in.
    pub kura: String,
    #[serde(default)]
    pub seed: u64,
    /// Absent where it was trained elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learner: Option<Method>,
    /// How a case is made from the tables; the same words at the bedside.
    pub cases: CasesSpec,
    pub features: Vec<Feature>,
    /// The model takes the image of a case instead of features; a case is then a series
    /// (`imaging_series.series_uid`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageInput>,
    /// What makes numbers of the image first, on which the model was trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder: Option<EncoderFile>,
    /// The model takes a whole series as a volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<VolumeInput>,
    #[serde(default)]
    pub output: Output,
    /// The probability from which it speaks.
    pub threshold: f64,
    /// Absent where it was trained elsewhere; then `foreign` is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<TrainingData>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign: Option<Foreign>,
    /// What was found out while training; nothing here comes from the locked test set.
    #[serde(default)]
    pub training: serde_json::Value,
}

/// The data a model was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingData {
    /// Name and manifest of the data set.
    pub set: String,
    /// The research project of the set: pseudonyms are its own.
    pub project: String,
    /// The policy that the set was made by: pseudonyms are its own, too. None of a set that was
    /// made before there were several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    pub manifest: ContentHash,
    pub t: u64,
    pub patients: u64,
    pub cases: u64,
    pub positive: u64,
    /// Share of the cases, by whole patients, kept for the locked test set.
    pub test_share: String,
    pub test: LockedTest,
    /// Hash of the list of patients it learnt from: none of them may be in a test.
    pub training_patients: ContentHash,
}

/// The locked test set: never looked at in training, and each look is counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockedTest {
    /// Hash of the project and the patients locked away: the same patients are the same test set,
    /// whatever the cases are called.
    pub id: ContentHash,
    pub patients: u64,
    pub cases: u64,
    pub positive: u64,
}

/// What the features and answers were like in training: by feature, without who they are of.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// By feature, or by figure of an image: the values that were known, and how many were not.
    pub features: Vec<ReferenceValues>,
    /// Answers to cases the model had not learnt from.
    pub probability: Vec<f32>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferenceValues {
    pub name: String,
    /// Sorted, so that no row can be put together again.
    pub known: Vec<f32>,
    pub missing: u64,
}

impl ModelFile {
    /// The shape of cases as the model takes them: `[cases, features]`,
    /// `[cases, channels, height, width]` or `[cases, 1, slices, rows, columns]`.
    pub(crate) fn shape(&self, cases: usize) -> Vec<usize> {
        match (&self.image, &self.volume) {
            (Some(image), _) => image.shape(cases),
            (None, Some(volume)) => volume.shape(cases),
            (None, None) => vec![cases, self.features.len()],
        }
    }

    /// What it foresees, in a few words; what it measures where it foresees nothing.
    pub fn outcome(&self) -> &str {
        self.cases
            .outcome
            .as_ref()
            .map_or(&self.title, |outcome| &outcome.name)
    }

    pub(crate) fn look_ahead_hours(&self) -> Option<f64> {
        self.cases
            .outcome
            .as_ref()
            .and_then(|outcome| outcome.look_ahead_hours)
    }

    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let file: Self = serde_json::from_slice(bytes)
            .map_err(|error| Error::invalid(format!("{FILE}, line {}: {error}", error.line())))?;
        check_name(&file.name)?;
        if let Some(image) = &file.image {
            image.check()?;
        }
        if let Some(volume) = &file.volume {
            volume.check()?;
        }
        file.output.check(file.volume.is_some())?;
        if file.data.is_some() == file.foreign.is_some() {
            return Err(Error::invalid(format!(
                "{FILE}: a model was trained here (data) or elsewhere (foreign), one of them"
            )));
        }
        if !(0.0..=1.0).contains(&file.threshold) {
            return Err(Error::invalid(format!(
                "{FILE}: the threshold is a probability"
            )));
        }
        Ok(file)
    }

    pub fn to_json(&self) -> Result<Vec<u8>> {
        let mut text = serde_json::to_vec_pretty(self)
            .map_err(|error| Error::internal("a model file cannot be written").because(error))?;
        text.push(b'\n');
        Ok(text)
    }
}

/// A model's name stands in ids and folders.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let plain = (1..=40).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && name.starts_with(|letter: char| letter.is_ascii_lowercase());
    if plain {
        return Ok(());
    }
    Err(Error::invalid(
        "a model's name is 1 to 40 small letters, digits and '-', and begins with a letter",
    ))
}
