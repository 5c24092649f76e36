//! Networks, by `kura-network`.

use kura_model::{Error, Result};
use kura_network::{ImageNetwork, ImageShape};
use kura_training::{CrossValidation, CrossValidationOptions, Folds, cross_validate};

use super::{Method, Training};
use crate::models::examples::learning;
use crate::models::image::ImageInput;

pub use kura_network::Network as NetworkSettings;
pub(crate) use kura_network::TrainedNetwork as Trained;

fn shape(image: &ImageInput) -> ImageShape {
    ImageShape {
        channels: image.channels as usize,
        height: image.height as usize,
        width: image.width as usize,
    }
}

pub(super) fn check(settings: &NetworkSettings, image: Option<&ImageInput>) -> Result<()> {
    let image = image.ok_or_else(|| {
        Error::invalid("learner.network looks at images: give [image] instead of features")
    })?;
    settings
        .validate(&shape(image))
        .map_err(|error| Error::invalid(format!("learner.network: {error}")))
}

fn learner(training: &Training<'_>) -> Result<ImageNetwork> {
    match (training.method, training.image) {
        (Method::Network(network), Some(image)) => Ok(ImageNetwork {
            network: network.clone(),
            shape: shape(image),
        }),
        _ => Err(Error::internal("a network without an image")),
    }
}

/// A network learns for minutes, not seconds: fewer points of the curve, one shuffled outcome.
pub(super) fn validate(
    training: &Training<'_>,
    folds: &Folds,
    options: CrossValidationOptions,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<CrossValidation> {
    let options = CrossValidationOptions {
        learning_curve: vec![0.25, 0.5, 1.0],
        shuffles: 1,
        ..options
    };
    let learner = learner(training)?;
    let (examples, cancel) = (training.examples, training.cancel);
    cross_validate(examples, &learner, folds, &options, progress, cancel)
        .map_err(|error| learning(&error))
}

pub(super) fn train(
    training: &Training<'_>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Trained> {
    let learner = learner(training)?;
    kura_network::train(
        training.examples,
        learner.shape,
        &learner.network,
        training.seed,
        &mut |epoch, most| progress(epoch.epoch, most),
        training.cancel,
    )
    .map_err(|error| learning(&error))
}

pub(super) fn epochs(trained: &Trained) -> serde_json::Value {
    serde_json::json!({ "kept": trained.kept, "losses": trained.epochs })
}
