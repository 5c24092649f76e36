//! A model from elsewhere: ONNX, and a description that a person writes.

use std::path::Path;

use kura_cases::{CasesSpec, Feature as CaseFeature, FeatureSet, Outcome};
use kura_model::{ContentHash, Error, Result};
use kura_training::Feature;
use serde::{Deserialize, Serialize};

use super::file::{ModelFile, check_name};
use super::image::ImageInput;
use super::output::Output;
use super::volume::VolumeInput;
use crate::toml_file;

/// Name of the description beside `model.onnx`.
pub const DESCRIPTION: &str = "model.toml";

/// Where a model comes from that was not trained here, by its maker's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Foreign {
    pub maker: String,
    pub licence: String,
    /// On what it was trained.
    pub trained_on: String,
    /// What it is not made for, what it was not tried on.
    pub limits: String,
}

/// `model.toml`. `samples/brain-tissue/model.toml` is one.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    /// Small letters, digits and '-'.
    name: String,
    title: String,
    /// For whom, when and what for.
    intended_use: String,
    #[serde(default = "half")]
    threshold: f64,
    foreign: Foreign,
    cases: String,
    /// Where it foresees something, and is to be tested here.
    #[serde(default)]
    outcome: Option<Outcome>,
    /// Exactly one of features, image and volume.
    #[serde(default, rename = "feature")]
    features: Vec<CaseFeature>,
    #[serde(default, rename = "feature_set")]
    feature_sets: Vec<FeatureSet>,
    #[serde(default)]
    image: Option<ImageInput>,
    #[serde(default)]
    volume: Option<VolumeInput>,
    #[serde(default)]
    output: Output,
}

fn half() -> f64 {
    0.5
}

/// A description as the file the registry keeps.
///
/// # Errors
/// Unknown keys, inputs of two kinds or of none, names that are not given.
pub(crate) fn describe(text: &str, onnx: ContentHash) -> Result<ModelFile> {
    let said: Description = toml_file::parse(DESCRIPTION, text)?;
    check_name(&said.name)?;
    let inputs = [
        !said.features.is_empty() || !said.feature_sets.is_empty(),
        said.image.is_some(),
        said.volume.is_some(),
    ];
    if inputs.into_iter().filter(|given| *given).count() != 1 {
        return Err(Error::invalid(format!(
            "{DESCRIPTION}: give [[feature]], [image] or [volume], one of them"
        )));
    }
    if said.feature_sets.iter().any(|set| set.names.is_empty()) {
        return Err(Error::invalid(format!(
            "{DESCRIPTION}: a [[feature_set]] needs its names, in the order in which the model takes them"
        )));
    }
    for (name, value) in [
        ("title", &said.title),
        ("intended_use", &said.intended_use),
        ("foreign.maker", &said.foreign.maker),
        ("foreign.licence", &said.foreign.licence),
        ("foreign.trained_on", &said.foreign.trained_on),
        ("foreign.limits", &said.foreign.limits),
    ] {
        if value.trim().is_empty() {
            return Err(Error::invalid(format!("{DESCRIPTION}: {name} is empty")));
        }
    }
    let features = said
        .features
        .iter()
        .map(|one| (one.name.clone(), one.unit.clone()))
        .chain(said.feature_sets.iter().flat_map(|set| {
            set.names
                .iter()
                .map(|name| (format!("{}{name}", set.prefix), None))
        }))
        .map(|(name, unit)| Feature { name, unit })
        .collect();
    let file = ModelFile {
        name: said.name,
        title: said.title,
        intended_use: said.intended_use,
        onnx,
        numbers: None,
        reference: None,
        kura: env!("CARGO_PKG_VERSION").to_owned(),
        seed: 0,
        learner: None,
        cases: CasesSpec {
            cases: said.cases,
            outcome: said.outcome,
            features: said.features,
            feature_sets: said.feature_sets,
        },
        features,
        image: said.image,
        encoder: None,
        volume: said.volume,
        output: said.output,
        threshold: said.threshold,
        data: None,
        foreign: Some(said.foreign),
        training: serde_json::Value::Null,
    };
    // Checked as every file of the registry is.
    ModelFile::parse(&file.to_json()?)
}

/// The description of a folder, if it is a foreign model's.
pub(crate) fn of_folder(folder: &Path, onnx: ContentHash) -> Result<Option<ModelFile>> {
    let path = folder.join(DESCRIPTION);
    match std::fs::read_to_string(&path) {
        Ok(text) => describe(&text, onnx).map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(crate::bank::file_error(&path, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
name = "lung-nodule"
title = "結節 / Nodule"
intended_use = "Shows nodules."
cases = "SELECT 1"
[foreign]
maker = "Somebody"
licence = "MIT"
trained_on = "LIDC-IDRI"
limits = "no children"
[image]
height = 28
width = 28
low = 0
high = 255
[output]
kind = "probability"
activation = "sigmoid"
"#;

    fn refused(text: &str) -> String {
        describe(text, ContentHash::of(b"x"))
            .unwrap_err()
            .message()
            .to_owned()
    }

    #[test]
    fn a_description_becomes_a_file() {
        let file = describe(WHOLE, ContentHash::of(b"x")).unwrap();
        assert_eq!(file.shape(3), [3, 1, 28, 28]);
        assert!(file.data.is_none() && file.learner.is_none());
        assert_eq!(file.threshold, 0.5);
        assert_eq!(file.outcome(), "結節 / Nodule");
    }

    #[test]
    fn what_is_missing_or_unknown_is_named() {
        let two = WHOLE.replace("[output]", "[[feature]]\nname='a'\nsql='b'\n[output]");
        assert!(refused(&two).contains("one of them"));
        let none = WHOLE.replace("maker = \"Somebody\"", "maker = \" \"");
        assert!(refused(&none).contains("foreign.maker is empty"));
        let unknown = WHOLE.replace("low = 0", "lo = 0");
        assert!(refused(&unknown).starts_with("model.toml, line"));
        let segments = WHOLE.replace(
            "kind = \"probability\"\nactivation = \"sigmoid\"",
            "kind = \"segments\"\nsegment = []",
        );
        assert!(refused(&segments).contains("volume"));
        let sets = WHOLE.replace(
            "[image]\nheight = 28\nwidth = 28\nlow = 0\nhigh = 255",
            "[[feature_set]]\nsql = 'x'",
        );
        assert!(refused(&sets).contains("needs its names"));
    }
}
