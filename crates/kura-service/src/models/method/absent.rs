//! A build without networks: settings are kept as they are read, nothing is learnt. A network that
//! was made elsewhere is asked by its ONNX all the same.

use std::collections::BTreeMap;

use kura_model::{Error, Result};
use kura_training::{CrossValidation, CrossValidationOptions, Folds, Matrix, TrainingError};
use serde::{Serialize, Serializer};

use super::Training;
use crate::models::image::ImageInput;

pub type NetworkSettings = serde_json::Value;

fn refusal() -> Error {
    Error::invalid(
        "learner.network: this kura was built without networks; build one with them: cargo build --release -p kura --features network",
    )
}

pub(super) fn check(_settings: &NetworkSettings, _image: Option<&ImageInput>) -> Result<()> {
    Err(refusal())
}

pub(super) fn validate(
    training: &Training<'_>,
    _folds: &Folds,
    _options: CrossValidationOptions,
    _progress: &mut dyn FnMut(usize, usize),
) -> Result<CrossValidation> {
    training.method.check(training.image)?;
    Err(refusal())
}

pub(super) fn train(
    _training: &Training<'_>,
    _progress: &mut dyn FnMut(usize, usize),
) -> Result<Trained> {
    Err(refusal())
}

pub(super) fn epochs(trained: &Trained) -> serde_json::Value {
    match *trained {}
}

/// There is none.
pub(crate) enum Trained {}

impl Trained {
    pub(super) fn predict(&self, _matrix: &Matrix) -> std::result::Result<Vec<f32>, TrainingError> {
        match *self {}
    }

    pub(super) fn to_onnx(&self, _metadata: &BTreeMap<String, String>) -> Vec<u8> {
        match *self {}
    }
}

impl Serialize for Trained {
    fn serialize<S: Serializer>(&self, _serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match *self {}
    }
}
