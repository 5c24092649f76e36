//! A network while it learns: parameters, the way forward, and the same network for use.

use burn_backend::ops::{ActivationOps, FloatTensorOps, ModuleOps};
use kura_training::Generator;

use crate::adam::Parameter;
use crate::batch::normal;
use crate::tensor::{
    Learning, LearningTensor, channel_means, convolution, detached, gradients, leaf,
    rectified_and_halved, tensor,
};
use crate::trained::Convolution;

/// Added to a variance before its root is taken.
const EPSILON: f64 = 1e-5;
/// Share of a batch's mean and variance in the running ones.
const MOMENTUM: f32 = 0.1;

#[derive(Debug, Clone)]
pub(crate) struct Layers {
    /// Of each block the weights of the convolution, γ and β; then the last layer's weights and
    /// intercept.
    pub(crate) parameters: Vec<Parameter>,
    /// Mean and variance of each block's channels before normalisation.
    running: Vec<(Vec<f32>, Vec<f32>)>,
}

/// Rows for one step.
pub(crate) struct Batch {
    /// `[rows, channels, height, width]`.
    pub(crate) pixels: Vec<f32>,
    pub(crate) shape: [usize; 4],
    /// +1 with the outcome, −1 without, by row.
    pub(crate) sign: Vec<f32>,
    /// By row.
    pub(crate) weight: Vec<f32>,
    /// What the channel means are multiplied by, `[rows, channels of the last block]`.
    pub(crate) mask: Vec<f32>,
}

impl Layers {
    /// Weights after K. He et al. (ICCV 2015), eq. 10: normal, with variance 2 over the number of
    /// inputs.
    pub(crate) fn new(
        image_channels: usize,
        channels: &[usize],
        generator: &mut Generator,
    ) -> Self {
        let mut drawn = |count: usize, deviation: f64| -> Vec<f32> {
            (0..count)
                .map(|_| (normal(generator) * deviation) as f32)
                .collect()
        };
        let mut parameters = Vec::new();
        let mut inputs = image_channels;
        for &outputs in channels {
            let deviation = (2.0 / (inputs * 9) as f64).sqrt();
            let weights = drawn(outputs * inputs * 9, deviation);
            parameters.push(Parameter::new(vec![outputs, inputs, 3, 3], weights, true));
            parameters.push(Parameter::new(vec![outputs], vec![1.0; outputs], false));
            parameters.push(Parameter::new(vec![outputs], vec![0.0; outputs], false));
            inputs = outputs;
        }
        let last = drawn(inputs, (1.0 / inputs as f64).sqrt());
        parameters.push(Parameter::new(vec![inputs, 1], last, true));
        parameters.push(Parameter::new(vec![1], vec![0.0], false));
        Self {
            parameters,
            running: channels
                .iter()
                .map(|&outputs| (vec![0.0; outputs], vec![1.0; outputs]))
                .collect(),
        }
    }

    /// The weighted mean of the log-loss over a batch, and its gradient by each parameter. The
    /// running means and variances take the batch in.
    pub(crate) fn learn(&mut self, batch: Batch) -> (f64, Vec<Vec<f32>>) {
        let (loss, leaves) = self.loss(batch);
        let value = f64::from(detached(loss.clone())[0]);
        (value, gradients(loss, &leaves))
    }

    fn loss(&mut self, batch: Batch) -> (LearningTensor, Vec<LearningTensor>) {
        let leaves: Vec<LearningTensor> = self
            .parameters
            .iter()
            .map(|parameter| leaf(parameter.values.clone(), &parameter.shape))
            .collect();
        let rows = batch.shape[0];
        let mut flow = tensor::<Learning>(batch.pixels, &batch.shape);
        for (block, running) in leaves.chunks_exact(3).zip(&mut self.running) {
            let convolved = convolution::<Learning>(flow, block[0].clone(), None);
            let normal =
                Learning::batch_norm_train(convolved, block[1].clone(), block[2].clone(), EPSILON);
            take_in(&mut running.0, &detached(normal.mean));
            take_in(&mut running.1, &detached(normal.variance));
            flow = rectified_and_halved::<Learning>(normal.output);
        }
        let blocks = self.running.len();
        let channels = self.running.last().map_or(0, |(mean, _)| mean.len());
        let means = channel_means::<Learning>(flow, rows, channels);
        let masked = Learning::float_mul(means, tensor::<Learning>(batch.mask, &[rows, channels]));
        let margin = Learning::linear(
            masked,
            leaves[3 * blocks].clone(),
            Some(leaves[3 * blocks + 1].clone()),
        );
        // −log σ(±margin), by row.
        let sign = tensor::<Learning>(batch.sign, &[rows, 1]);
        let total: f32 = batch.weight.iter().sum();
        let weight = batch.weight.iter().map(|w| -w / total).collect();
        let likely = Learning::log_sigmoid(Learning::float_mul(margin, sign));
        let loss = Learning::float_sum(Learning::float_mul(
            likely,
            tensor::<Learning>(weight, &[rows, 1]),
        ));
        (loss, leaves)
    }

    /// The network for use: normalisation by the running means and variances goes into the
    /// convolutions, w · γ / √(σ² + ε) and β − μ · γ / √(σ² + ε).
    pub(crate) fn folded(&self) -> (Vec<Convolution>, Vec<f32>, f32) {
        let blocks = self.parameters.chunks_exact(3).zip(&self.running);
        let convolutions = blocks
            .map(|(block, (mean, variance))| {
                let [weights, gamma, beta] = [0, 1, 2].map(|at| &block[at].values);
                let outputs = gamma.len();
                let scale: Vec<f64> = (0..outputs)
                    .map(|at| f64::from(gamma[at]) / (f64::from(variance[at]) + EPSILON).sqrt())
                    .collect();
                let each = weights.len() / outputs;
                Convolution {
                    weight: weights
                        .iter()
                        .enumerate()
                        .map(|(at, weight)| (f64::from(*weight) * scale[at / each]) as f32)
                        .collect(),
                    bias: (0..outputs)
                        .map(|at| (f64::from(beta[at]) - f64::from(mean[at]) * scale[at]) as f32)
                        .collect(),
                }
            })
            .collect();
        let last = &self.parameters[3 * self.running.len()..];
        (convolutions, last[0].values.clone(), last[1].values[0])
    }
}

fn take_in(running: &mut [f32], batch: &[f32]) {
    for (running, batch) in running.iter_mut().zip(batch) {
        *running += MOMENTUM * (batch - *running);
    }
}

#[cfg(test)]
mod tests {
    use burn_backend::ops::ModuleOps;

    use super::*;
    use crate::tensor::{Plain, values};

    const SHAPE: [usize; 4] = [6, 2, 5, 4];

    fn batch(generator: &mut Generator) -> Batch {
        let rows = SHAPE[0];
        Batch {
            pixels: (0..SHAPE.iter().product())
                .map(|_| normal(generator) as f32)
                .collect(),
            shape: SHAPE,
            sign: (0..rows).map(|row| [1.0, -1.0][row % 2]).collect(),
            weight: (0..rows).map(|row| 0.5 + row as f32 / 4.0).collect(),
            mask: (0..rows * 4).map(|at| [0.0, 2.0, 2.0][at % 3]).collect(),
        }
    }

    /// The gradient of every parameter against (L(x + h) − L(x − h)) / 2h along itself.
    #[test]
    fn gradients_are_slopes() {
        let mut generator = Generator::new(11);
        let mut layers = Layers::new(2, &[3, 4], &mut generator);
        // Not at their first values, where γ is 1 and β is 0.
        for parameter in &mut layers.parameters {
            for value in &mut parameter.values {
                *value += 0.3 * normal(&mut generator) as f32;
            }
        }
        let seed = generator.bits();
        let loss = |layers: &Layers| layers.clone().learn(batch(&mut Generator::new(seed)));
        let (_, gradients) = loss(&layers);
        for (at, gradient) in gradients.iter().enumerate() {
            let length = gradient.iter().map(|g| g * g).sum::<f32>().sqrt();
            assert!(length > 1e-4, "parameter {at} has no slope");
            let moved = |step: f32| {
                let mut layers = layers.clone();
                let values = &mut layers.parameters[at].values;
                for (value, gradient) in values.iter_mut().zip(gradient) {
                    *value += step * gradient / length;
                }
                loss(&layers).0
            };
            let step = 2e-3;
            let slope = (moved(step) - moved(-step)) / (2.0 * f64::from(step));
            let expected = f64::from(length);
            assert!(
                (slope - expected).abs() < 0.02 * expected + 1e-3,
                "parameter {at}: {slope} {expected}"
            );
        }
    }

    /// Folded convolutions give what convolution and normalisation give one after the other.
    #[test]
    fn normalisation_folds_into_the_convolution() {
        let mut generator = Generator::new(12);
        let mut layers = Layers::new(2, &[3, 4], &mut generator);
        for _ in 0..5 {
            let _ = layers.learn(batch(&mut generator));
        }
        layers.parameters[1].values = vec![0.5, -1.5, 2.0];
        layers.parameters[2].values = vec![0.25, 0.0, -1.0];
        let (folded, _, _) = layers.folded();
        let input = || tensor::<Plain>(batch(&mut Generator::new(9)).pixels, &SHAPE);
        let weight = tensor::<Plain>(folded[0].weight.clone(), &[3, 2, 3, 3]);
        let bias = tensor::<Plain>(folded[0].bias.clone(), &[3]);
        let once = values(convolution::<Plain>(input(), weight, Some(bias)));
        let parameters = &layers.parameters;
        let plain = |values: &[f32]| tensor::<Plain>(values.to_vec(), &[3]);
        let weight = tensor::<Plain>(parameters[0].values.clone(), &[3, 2, 3, 3]);
        let twice = values(Plain::batch_norm(
            convolution::<Plain>(input(), weight, None),
            plain(&parameters[1].values),
            plain(&parameters[2].values),
            plain(&layers.running[0].0),
            plain(&layers.running[0].1),
            EPSILON,
        ));
        assert!(once.iter().any(|value| value.abs() > 0.5));
        for (a, b) in once.iter().zip(&twice) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
    }
}
