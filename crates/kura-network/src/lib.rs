//! A small convolutional network that learns from images and leaves as ONNX.
//!
//! * [`Network`] says how, as data; [`ImageShape`] says what a row of the table is.
//! * [`train`] makes a [`TrainedNetwork`], with the loss of every epoch;
//!   [`TrainedNetwork::predict`] asks it, [`TrainedNetwork::to_onnx`] exports it.
//! * [`ImageNetwork`] is what [`kura_training::cross_validate`] judges, beside the linear probe a
//!   network must beat.
//!
//! Each block is a 3 × 3 convolution, batch normalisation (S. Ioffe and C. Szegedy, ICML 2015), the
//! rectifier and 2 × 2 maximum pooling; the mean of each channel then goes through dropout to one
//! linear output. Gradients and convolutions are those of `burn` on its `flex` backend: Rust, one
//! core, no library to install. Every random number comes from the seed, so the same rows,
//! settings and seed give the same numbers on the same kind of processor; another one may sum in
//! another order.

mod adam;
mod batch;
mod layers;
mod learn;
mod network;
mod onnx;
mod tensor;
mod trained;

pub use learn::{ImageNetwork, MINIMUM_PATIENTS, train};
pub use network::{Augmentation, ImageShape, Network};
pub use trained::{Convolution, Epoch, TrainedNetwork};
