//! How a model is made: a learner of tables, or a network that looks at images.

#[cfg(not(feature = "network"))]
#[path = "absent.rs"]
mod network;
#[cfg(feature = "network")]
mod network;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use kura_model::{Error, Result};
use kura_training::{
    CrossValidation, CrossValidationOptions, Examples, Feature, Folds, Learner, Logistic, Matrix,
    Trees, cross_validate,
};
use serde::{Deserialize, Serialize};

use super::examples::learning;
use super::image::ImageInput;

pub use network::NetworkSettings;

/// What learns, with its settings: `[learner.logistic]`, `[learner.trees]` or `[learner.network]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Method {
    Logistic(Logistic),
    Trees(Trees),
    /// Of images.
    Network(NetworkSettings),
}

/// A model that was trained here.
pub(crate) enum Fitted {
    Table(kura_training::Model),
    Network(network::Trained),
}

/// Rows to learn from, and how.
pub(crate) struct Training<'a> {
    pub(crate) method: &'a Method,
    pub(crate) image: Option<&'a ImageInput>,
    pub(crate) examples: &'a Examples,
    pub(crate) seed: u64,
    pub(crate) cancel: &'a AtomicBool,
}

impl Method {
    /// # Errors
    /// A network in a build without, a network of features, settings that are none, a linear probe
    /// of a colour image.
    pub(crate) fn check(&self, image: Option<&ImageInput>) -> Result<()> {
        match (self, image) {
            (Self::Network(settings), _) => network::check(settings, image),
            (Self::Logistic(_) | Self::Trees(_), Some(image)) if image.channels != 1 => {
                Err(Error::invalid(
                    "image: a linear probe takes one channel, a network (learner.network) one or three",
                ))
            }
            (Self::Logistic(_) | Self::Trees(_), _) => Ok(()),
        }
    }

    /// The learner of tables this is, if it is one.
    pub(crate) fn table(&self) -> Option<Learner> {
        match self {
            Self::Logistic(settings) => Some(Learner::Logistic(settings.clone())),
            Self::Trees(settings) => Some(Learner::Trees(settings.clone())),
            Self::Network(_) => None,
        }
    }
}

impl Training<'_> {
    /// `progress` is called with (models trained, models to train).
    pub(crate) fn cross_validate(
        &self,
        folds: &Folds,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<CrossValidation> {
        let options = CrossValidationOptions {
            seed: self.seed,
            ..CrossValidationOptions::default()
        };
        match self.method.table() {
            Some(learner) => {
                let (examples, cancel) = (self.examples, self.cancel);
                cross_validate(examples, &learner, folds, &options, progress, cancel)
                    .map_err(|error| learning(&error))
            }
            None => network::validate(self, folds, options, progress),
        }
    }

    /// `progress` is called with (epochs run, epochs at most) of a network.
    pub(crate) fn train(&self, progress: &mut dyn FnMut(usize, usize)) -> Result<Fitted> {
        match self.method.table() {
            Some(learner) => kura_training::train(self.examples, &learner, self.seed)
                .map(Fitted::Table)
                .map_err(|error| learning(&error)),
            None => network::train(self, progress).map(Fitted::Network),
        }
    }
}

impl Fitted {
    pub(crate) fn predict(&self, matrix: &Matrix) -> Result<Vec<f32>> {
        match self {
            Self::Table(model) => model.predict(matrix),
            Self::Network(trained) => trained.predict(matrix),
        }
        .map_err(|error| learning(&error))
    }

    pub(crate) fn onnx(
        &self,
        image: Option<&ImageInput>,
        metadata: &BTreeMap<String, String>,
    ) -> Result<Vec<u8>> {
        match (self, image) {
            (Self::Table(model), None) => Ok(model.to_onnx(metadata)),
            (Self::Table(model), Some(image)) => model
                .to_onnx_for_images(image.height as usize, image.width as usize, metadata)
                .ok_or_else(|| Error::internal("the model does not fit its image")),
            (Self::Network(trained), _) => Ok(trained.to_onnx(metadata)),
        }
    }

    /// The trained numbers.
    pub(crate) fn json(&self) -> Result<Vec<u8>> {
        match self {
            Self::Table(model) => serde_json::to_vec(model),
            Self::Network(trained) => serde_json::to_vec(trained),
        }
        .map_err(|error| Error::internal("a model cannot be written").because(error))
    }

    /// The features it takes; none where it takes an image.
    pub(crate) fn features(&self) -> &[Feature] {
        match self {
            Self::Table(model) => &model.features,
            Self::Network(_) => &[],
        }
    }

    /// Of a network the loss of every epoch, and which one was kept.
    pub(crate) fn epochs(&self) -> serde_json::Value {
        match self {
            Self::Table(_) => serde_json::Value::Null,
            Self::Network(trained) => network::epochs(trained),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::TrainSpec;

    const SAMPLE: &str = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../samples/train-chest-network.toml"
    ));

    fn said(text: &str) -> String {
        TrainSpec::parse(text).unwrap_err().to_string()
    }

    /// Whatever the build, a description of a model says how it was made.
    #[test]
    fn settings_of_a_network_are_kept() {
        let written = serde_json::json!({ "network": { "channels": [4, 8], "epochs": 7 } });
        let method: Method = serde_json::from_value(written).unwrap();
        assert!(method.table().is_none());
        let again = serde_json::to_value(&method).unwrap();
        assert_eq!(again["network"]["channels"], serde_json::json!([4, 8]));
        assert_eq!(again["network"]["epochs"], 7);
        assert_eq!(serde_json::from_value::<Method>(again).unwrap(), method);
        let probe: Method = toml::from_str("[logistic]\nstrength = 100.0\n").unwrap();
        assert!(probe.table().is_some());
        assert!(toml::from_str::<Method>("[forest]\n").is_err());
    }

    #[test]
    fn a_linear_probe_takes_grey_images() {
        let text = SAMPLE
            .replace(
                "[learner.network]\nchannels = [16, 32, 64]\nepochs = 40\npatience = 10\n",
                "[learner.logistic]\n",
            )
            .replace(
                "[learner.network.augmentation]\nshift = 1\nflip = false\n",
                "",
            );
        assert!(TrainSpec::parse(&text).is_ok());
        let colour = text.replace("[image]\n", "[image]\nchannels = 3\n");
        assert!(said(&colour).contains("one channel"), "{}", said(&colour));
    }

    #[cfg(not(feature = "network"))]
    #[test]
    fn a_build_without_networks_says_how_to_build_one_with() {
        assert!(
            said(SAMPLE).contains("--features network"),
            "{}",
            said(SAMPLE)
        );
    }

    #[cfg(feature = "network")]
    #[test]
    fn a_network_takes_an_image_and_settings_that_fit_it() {
        assert!(TrainSpec::parse(SAMPLE).is_ok());
        let colour = SAMPLE.replace("[image]\n", "[image]\nchannels = 3\n");
        assert!(TrainSpec::parse(&colour).is_ok());
        let end = SAMPLE.find("[image]").unwrap();
        let outcome = SAMPLE.find("[outcome]").unwrap();
        let features = format!(
            "{}[[feature]]\nname = \"age\"\nsql = \"SELECT 1\"\n{}",
            &SAMPLE[..end],
            &SAMPLE[outcome..]
        );
        assert!(said(&features).contains("[image]"), "{}", said(&features));
        let deep = SAMPLE.replace("[16, 32, 64]", "[8, 8, 8, 8, 8]");
        assert!(said(&deep).contains("smaller side"), "{}", said(&deep));
        let unknown = SAMPLE.replace("patience = 10", "patients = 10");
        assert!(said(&unknown).contains("patients"), "{}", said(&unknown));
    }

    /// Bright on the left with the outcome, on the right without.
    #[cfg(feature = "network")]
    #[test]
    fn a_network_is_judged_trained_and_exported() {
        let spec = TrainSpec::parse(
            &SAMPLE
                .replace("height = 28\nwidth = 28", "height = 6\nwidth = 6")
                .replace("[16, 32, 64]", "[4]")
                .replace("epochs = 40", "epochs = 8\nlearning_rate = 0.02"),
        )
        .unwrap();
        let mut generator = kura_training::Generator::new(1);
        let mut pixels = Vec::new();
        for row in 0..120 {
            for at in 0..36 {
                let bright = (at % 6 < 3) == (row % 2 == 0);
                let noise = generator.below(100) as f32 / 200.0;
                pixels.push(noise + if bright { 0.3 * (at % 6) as f32 } else { 0.0 });
            }
        }
        let examples = Examples {
            matrix: kura_training::planes_to_matrix(&pixels, 1, 6, 6).unwrap(),
            outcome: (0..120).map(|row| row % 2 == 0).collect(),
            group: (0..120).map(|row| format!("patient {row}")).collect(),
            site: None,
            weight: None,
        };
        let cancel = AtomicBool::new(false);
        let training = Training {
            method: &spec.learner,
            image: spec.image.as_ref(),
            examples: &examples,
            seed: 2,
            cancel: &cancel,
        };
        let folds = Folds::Groups(kura_training::GroupFolds {
            k: 2,
            stratified: true,
            seed: 2,
        });
        let mut last = (0, 0);
        let validation = training
            .cross_validate(&folds, &mut |done, total| last = (done, total))
            .unwrap();
        // 2 folds × (the network, 2 smaller shares, one pixel, the probe) + 2 of a shuffled outcome.
        assert_eq!(last, (12, 12));
        assert!(
            validation.result.auc > Some(0.8),
            "{:?}",
            validation.result.auc
        );
        assert!(validation.baselines.logistic.is_some());
        let mut epochs = 0;
        let fitted = training.train(&mut |done, _| epochs = done).unwrap();
        assert_eq!(fitted.epochs()["losses"].as_array().unwrap().len(), epochs);
        assert!(fitted.features().is_empty());
        let numbers: network::Trained = serde_json::from_slice(&fitted.json().unwrap()).unwrap();
        assert_eq!(
            numbers.predict(&examples.matrix).unwrap(),
            fitted.predict(&examples.matrix).unwrap()
        );
        let onnx = fitted.onnx(spec.image.as_ref(), &BTreeMap::new()).unwrap();
        assert_eq!(onnx, numbers.to_onnx(&BTreeMap::new()));
        cancel.store(true, std::sync::atomic::Ordering::Relaxed);
        let stopped = training.train(&mut |_, _| {}).err().unwrap();
        assert_eq!(stopped.category, kura_model::Category::Interrupted);
    }
}
