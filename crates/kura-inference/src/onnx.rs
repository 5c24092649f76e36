//! A model in ONNX, run by ONNX Runtime on one core.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use kura_model::{Category, Error, Result};
use ort::session::{RunOptions, Session};
use ort::value::{Outlet, TensorElementType, TensorRef, ValueType};

use crate::deadline::Deadline;
use crate::{Model, Port, Runtime, Tensor};

/// Elements of one output at most: a volume of 512³.
const OUTPUT_ELEMENTS: usize = 512 * 512 * 512;

pub struct OnnxModel {
    session: Mutex<Session>,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
}

impl OnnxModel {
    /// # Errors
    /// `Invalid` where the bytes are no ONNX, an operator is unknown, or an input is no tensor of
    /// 32-bit floating-point numbers. Outputs that are none are not among [`Model::outputs`].
    pub fn open(runtime: &Runtime, bytes: &[u8]) -> Result<Self> {
        let refuse = |error: ort::Error| {
            Error::invalid(format!(
                "the model cannot be loaded: {}",
                brief(&error.to_string())
            ))
        };
        let session = Session::builder(&runtime.environment)
            .map_err(refuse)?
            .with_intra_threads(1)
            .map_err(|error| refuse(error.into()))?
            .with_inter_threads(1)
            .map_err(|error| refuse(error.into()))?
            .with_deterministic_compute(true)
            .map_err(|error| refuse(error.into()))?
            .commit_from_memory(bytes)
            .map_err(refuse)?;
        let inputs = session.inputs().iter().map(port).collect::<Result<_>>()?;
        // A classifier may give a label beside its numbers: that is passed over.
        let outputs = session
            .outputs()
            .iter()
            .filter_map(|outlet| port(outlet).ok())
            .collect();
        Ok(Self {
            session: Mutex::new(session),
            inputs,
            outputs,
        })
    }

    /// A text that the maker put into the file beside the model, by its key.
    pub fn metadata(&self, key: &str) -> Option<String> {
        let session = self
            .session
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        session.metadata().ok()?.custom(key)
    }
}

fn port(outlet: &Outlet) -> Result<Port> {
    match outlet.dtype() {
        ValueType::Tensor {
            ty: TensorElementType::Float32,
            shape,
            ..
        } => Ok(Port {
            name: outlet.name().to_owned(),
            shape: shape
                .iter()
                .map(|side| usize::try_from(*side).ok())
                .collect(),
        }),
        _ => Err(Error::invalid(format!(
            "'{}' of the model is no tensor of 32-bit floating-point numbers",
            brief(outlet.name())
        ))),
    }
}

/// A message of the runtime: one line, not endless.
fn brief(text: &str) -> String {
    text.lines()
        .next()
        .unwrap_or_default()
        .chars()
        .take(300)
        .collect()
}

impl Model for OnnxModel {
    fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    fn run(&self, inputs: &[Tensor], limit: Duration) -> Result<Vec<Tensor>> {
        if inputs.len() != self.inputs.len() {
            return Err(Error::invalid(format!(
                "the model takes {} inputs, not {}",
                self.inputs.len(),
                inputs.len()
            )));
        }
        let mut values = Vec::with_capacity(inputs.len());
        for (port, tensor) in self.inputs.iter().zip(inputs) {
            port.check(tensor)?;
            let shape: Vec<i64> = tensor.shape.iter().map(|side| *side as i64).collect();
            let view = TensorRef::from_array_view((shape, tensor.values.as_slice()))
                .map_err(|error| Error::internal("a tensor cannot be made").because(error))?;
            values.push((port.name.clone(), view));
        }
        let options = Arc::new(
            RunOptions::new()
                .map_err(|error| Error::internal("the runtime cannot be asked").because(error))?,
        );
        let deadline = Deadline::start(Arc::clone(&options), limit)
            .map_err(|error| Error::internal("no thread can be started").because(error))?;
        let outputs = {
            let mut session = self
                .session
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            session
                .run_with_options(values, &options)
                .map_err(|error| {
                    Error::invalid(format!("the model failed: {}", brief(&error.to_string())))
                })
                .and_then(|outputs| {
                    self.outputs
                        .iter()
                        .map(|port| extract(&outputs, port))
                        .collect::<Result<Vec<_>>>()
                })
        };
        if deadline.was_late() {
            return Err(Error::new(
                Category::Exhausted,
                format!("the model took longer than {} s", limit.as_secs_f64()),
            ));
        }
        outputs
    }
}

fn extract(outputs: &ort::session::SessionOutputs<'_>, port: &Port) -> Result<Tensor> {
    let (shape, values) = outputs
        .get(port.name.as_str())
        .ok_or_else(|| Error::internal("an output is missing"))?
        .try_extract_tensor::<f32>()
        .map_err(|error| Error::invalid("an output is no tensor of numbers").because(error))?;
    if values.len() > OUTPUT_ELEMENTS {
        return Err(Error::new(
            Category::Exhausted,
            format!("output '{}' is too large", port.name),
        ));
    }
    if values.iter().any(|value| !value.is_finite()) {
        return Err(Error::invalid(format!(
            "output '{}' holds values that are no numbers",
            port.name
        )));
    }
    Tensor::new(
        shape.iter().map(|side| *side as usize).collect(),
        values.to_vec(),
    )
}
