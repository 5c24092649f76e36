//! A trained network: asked and kept.

use kura_training::{Matrix, Predict, TrainingError, TrainingFacts};
use serde::{Deserialize, Serialize};

use crate::batch::{Moved, push};
use crate::network::{ImageShape, Network};
use crate::tensor::{Plain, channel_means, convolution, rectified_and_halved, tensor, values};

/// A network of the probability of the outcome. Kept as JSON through serde; given away as ONNX
/// ([`TrainedNetwork::to_onnx`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainedNetwork {
    /// How it was made.
    pub network: Network,
    pub shape: ImageShape,
    pub facts: TrainingFacts,
    /// The loss of every epoch that was run.
    pub epochs: Vec<Epoch>,
    /// The epoch whose weights these are.
    pub kept: usize,
    /// What each channel of an image is reduced by, then divided by.
    pub mean: Vec<f32>,
    pub deviation: Vec<f32>,
    pub convolutions: Vec<Convolution>,
    /// Log-odds for each channel of the last block, and for none.
    pub weight: Vec<f32>,
    pub intercept: f32,
}

/// One pass over the training rows: a point of the curve of learning.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Epoch {
    /// Counted from 1.
    pub epoch: usize,
    /// Weighted mean log-loss while learning, with images changed and channels left out.
    pub training_loss: f64,
    /// The same on the patients set aside, as the network would be used; `None` where none are.
    pub validation_loss: Option<f64>,
}

/// A 3 × 3 convolution with the normalisation that follows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Convolution {
    /// `[outputs, inputs, 3, 3]`.
    pub weight: Vec<f32>,
    /// `[outputs]`.
    pub bias: Vec<f32>,
}

/// Rows asked about at once: memory does not grow with their number.
const AT_ONCE: usize = 64;

impl TrainedNetwork {
    /// The probability of the outcome for each row of pixels `[channels, height, width]`.
    ///
    /// # Errors
    /// A broken matrix; rows of another length than the image's, a missing value.
    pub fn predict(&self, matrix: &Matrix) -> Result<Vec<f32>, TrainingError> {
        check(matrix, &self.shape)?;
        let rows: Vec<usize> = (0..matrix.rows).collect();
        Ok(self
            .margins(matrix, &rows)
            .into_iter()
            .map(|margin| (1.0 / (1.0 + (-f64::from(margin)).exp())) as f32)
            .collect())
    }

    /// The log-odds of the rows named.
    pub(crate) fn margins(&self, matrix: &Matrix, rows: &[usize]) -> Vec<f32> {
        let shape = &self.shape;
        let mut out = Vec::with_capacity(rows.len());
        for part in rows.chunks(AT_ONCE) {
            let mut pixels = Vec::with_capacity(part.len() * shape.pixels());
            for &row in part {
                let scale = (&self.mean[..], &self.deviation[..]);
                push(&mut pixels, matrix.row(row), shape, scale, Moved::default());
            }
            let mut inputs = shape.channels;
            let sides = [part.len(), inputs, shape.height, shape.width];
            let mut flow = tensor::<Plain>(pixels, &sides);
            for one in &self.convolutions {
                let outputs = one.bias.len();
                let weight = tensor::<Plain>(one.weight.clone(), &[outputs, inputs, 3, 3]);
                let bias = tensor::<Plain>(one.bias.clone(), &[outputs]);
                flow =
                    rectified_and_halved::<Plain>(convolution::<Plain>(flow, weight, Some(bias)));
                inputs = outputs;
            }
            let means = values(channel_means::<Plain>(flow, part.len(), inputs));
            out.extend(means.chunks_exact(inputs).map(|means| {
                let products = means.iter().zip(&self.weight);
                products.map(|(mean, weight)| mean * weight).sum::<f32>() + self.intercept
            }));
        }
        out
    }

    /// Whether the parts of a network that was read from a file fit each other. One from
    /// [`crate::train`] does.
    pub fn is_sound(&self) -> bool {
        let mut inputs = self.shape.channels;
        let mut fits = self.network.validate(&self.shape).is_ok()
            && self.mean.len() == inputs
            && self.deviation.len() == inputs
            && self.deviation.iter().all(|deviation| *deviation > 0.0)
            && self.convolutions.len() == self.network.channels.len();
        for (one, &outputs) in self.convolutions.iter().zip(&self.network.channels) {
            fits &= one.bias.len() == outputs && one.weight.len() == outputs * inputs * 9;
            inputs = outputs;
        }
        fits && self.weight.len() == inputs
    }
}

impl Predict for TrainedNetwork {
    fn predict(&self, matrix: &Matrix) -> Result<Vec<f32>, TrainingError> {
        TrainedNetwork::predict(self, matrix)
    }
}

/// Refuses rows that are no such images.
pub(crate) fn check(matrix: &Matrix, shape: &ImageShape) -> Result<(), TrainingError> {
    matrix.validate()?;
    let (expected, found) = (shape.pixels(), matrix.features.len());
    if expected != found {
        return Err(TrainingError::Length {
            what: "pixels",
            expected,
            found,
        });
    }
    match matrix.values.iter().position(|value| value.is_nan()) {
        Some(place) => Err(TrainingError::Missing {
            feature: matrix.features[place % found].name.clone(),
            row: place / found,
        }),
        None => Ok(()),
    }
}
