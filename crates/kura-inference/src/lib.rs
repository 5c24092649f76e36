//! Models asked: ONNX behind one trait, with limits.
//!
//! The runtime is a library that is loaded when it is first needed (`libonnxruntime.so`, from the
//! `onnxruntime` wheel or a package). Without it everything else of the bank works, and whoever
//! asks for a prediction is told what to install.
//!
//! Nothing a model answers is passed on unchecked: shapes are compared before a run, numbers that
//! are none are refused after it, and a run that takes too long is ended.

mod deadline;
mod onnx;
mod runtime;
mod tensor;

use std::time::Duration;

use kura_model::Result;

pub use onnx::OnnxModel;
pub use runtime::Runtime;
pub use tensor::{Port, Tensor};

/// A model that can be asked.
pub trait Model: Send + Sync {
    /// What goes in, in order.
    fn inputs(&self) -> &[Port];
    /// What comes out, in order.
    fn outputs(&self) -> &[Port];
    /// One run. `limit` is the longest it may take.
    ///
    /// # Errors
    /// `Invalid` where the inputs do not fit or an output is no number, `Exhausted` where the
    /// time was up.
    fn run(&self, inputs: &[Tensor], limit: Duration) -> Result<Vec<Tensor>>;
}
