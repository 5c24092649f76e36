//! The few operations of `burn` that a network is made of, under short names.
//!
//! `burn`'s backends are used as they are, without `burn-tensor` on top (docs/adr/0009).

use burn_autodiff::Autodiff;
use burn_backend::ops::{ConvOptions, FloatTensorOps};
use burn_backend::tensor::FloatTensor;
use burn_backend::{AutodiffBackend, Backend, Shape, TensorData};
use burn_flex::{Flex, FlexDevice, FlexTensor};

/// Computes.
pub(crate) type Plain = Flex;
/// Computes and remembers how, for gradients.
pub(crate) type Learning = Autodiff<Flex>;
pub(crate) type LearningTensor = FloatTensor<Learning>;

/// # Panics
/// When there are not as many values as the shape says.
pub(crate) fn tensor<B: Backend<Device = FlexDevice>>(
    values: Vec<f32>,
    shape: &[usize],
) -> FloatTensor<B> {
    let shape: Shape = shape.iter().copied().collect();
    B::float_from_data(TensorData::new(values, shape), &FlexDevice)
}

/// The values of a tensor, last index fastest.
pub(crate) fn values(tensor: FlexTensor) -> Vec<f32> {
    // Every tensor here was made of f32.
    tensor.into_data().try_into_vec().expect("a tensor of f32")
}

/// A tensor whose gradient is wanted.
pub(crate) fn leaf(values: Vec<f32>, shape: &[usize]) -> LearningTensor {
    Learning::float_set_require_grad(tensor::<Learning>(values, shape), true)
}

/// 3 × 3, the sides kept by a border of zeros.
pub(crate) fn convolution<B: Backend>(
    input: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: Option<FloatTensor<B>>,
) -> FloatTensor<B> {
    B::conv2d(
        input,
        weight,
        bias,
        ConvOptions::new([1, 1], [1, 1], [1, 1], 1),
    )
}

/// The rectifier, then the largest of each 2 × 2; an odd last row or column is left out.
pub(crate) fn rectified_and_halved<B: Backend>(input: FloatTensor<B>) -> FloatTensor<B> {
    B::max_pool2d(B::relu(input), [2, 2], [2, 2], [0, 0], [1, 1], false)
}

/// `[n, channels, h, w]` to `[n, channels]`: the mean of each channel.
pub(crate) fn channel_means<B: Backend>(
    input: FloatTensor<B>,
    rows: usize,
    channels: usize,
) -> FloatTensor<B> {
    let shape = [rows, channels].into_iter().collect();
    B::float_reshape(B::adaptive_avg_pool2d(input, [1, 1]), shape)
}

/// Gradients of `loss` by the leaves, in their order.
pub(crate) fn gradients(loss: LearningTensor, leaves: &[LearningTensor]) -> Vec<Vec<f32>> {
    let found = Learning::backward(loss);
    leaves
        .iter()
        .map(|leaf| values(Learning::grad(leaf, &found).expect("the loss depends on every leaf")))
        .collect()
}

/// The number of a tensor without gradient.
pub(crate) fn detached(tensor: LearningTensor) -> Vec<f32> {
    values(Learning::inner(tensor))
}
