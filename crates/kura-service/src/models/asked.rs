//! A version opened to be asked: the input it takes, the output that counts.

use std::time::Duration;

use kura_inference::{Model as _, OnnxModel, Tensor};
use kura_model::{Error, Result};

use super::file::ModelFile;
use super::output::Output;
use super::registry;
use crate::Bank;

pub(crate) struct Asked {
    onnx: OnnxModel,
    /// Which of its outputs counts.
    at: usize,
    output: Output,
    /// Of one case.
    shape: Vec<usize>,
    /// Cases it takes at once; `None` is any number.
    at_once: Option<usize>,
}

impl Asked {
    /// Opens a model and asks it once: does it take a case of its description, does it answer as
    /// it is described? Features are then unknown, an image is black; a volume whose sides are
    /// free is a small one.
    pub(crate) fn open(bank: &Bank, onnx: &[u8], file: &ModelFile) -> Result<Self> {
        let mut shape = file.shape(1);
        let asked = Self::described(bank, onnx, shape.clone(), file.output.clone())?;
        if file.volume.is_some() {
            for (side, port) in shape.iter_mut().zip(&asked.onnx.inputs()[0].shape) {
                if port.is_none() {
                    *side = (*side).min(PROBE);
                }
            }
        }
        asked.probe(bank, shape, file.volume.is_some())?;
        Ok(asked)
    }

    /// The same of a model that gives one probability.
    pub(crate) fn plain(bank: &Bank, onnx: &[u8], shape: Vec<usize>) -> Result<Self> {
        let asked = Self::described(bank, onnx, shape.clone(), Output::default())?;
        asked.probe(bank, shape, false)?;
        Ok(asked)
    }

    fn described(bank: &Bank, onnx: &[u8], shape: Vec<usize>, output: Output) -> Result<Self> {
        let onnx = OnnxModel::open(registry::runtime(bank)?, onnx)?;
        let [input] = onnx.inputs() else {
            return Err(Error::invalid(format!(
                "the model takes {} inputs; one is expected",
                onnx.inputs().len()
            )));
        };
        let at_once = input.shape.first().copied().flatten();
        let names: Vec<&str> = onnx
            .outputs()
            .iter()
            .map(|port| port.name.as_str())
            .collect();
        let at = match (output.name(), names.len()) {
            (Some(name), _) => names.iter().position(|found| *found == name),
            (None, 1) => Some(0),
            (None, _) => None,
        };
        let at = at.ok_or_else(|| {
            Error::invalid(format!(
                "say which output counts (output.name): the model has {}",
                if names.is_empty() {
                    "none of floating-point numbers".to_owned()
                } else {
                    names.join(", ")
                }
            ))
        })?;
        Ok(Self {
            onnx,
            at,
            output,
            shape,
            at_once,
        })
    }

    fn probe(&self, bank: &Bank, shape: Vec<usize>, volume: bool) -> Result<()> {
        let count = shape.iter().product();
        let value = if shape.len() == 2 { f32::NAN } else { 0.0 };
        let voxels = [
            shape.len() - 1,
            shape.len().saturating_sub(2),
            shape.len().saturating_sub(3),
        ]
        .map(|at| shape[at]);
        let unknown = Tensor::new(shape, vec![value; count])?;
        let answer = self.run(unknown, registry::limit(bank))?;
        if volume {
            self.output.labels(&answer, &voxels).map(drop)
        } else {
            self.output.probabilities(&answer, 1).map(drop)
        }
    }

    fn run(&self, input: Tensor, limit: Duration) -> Result<Tensor> {
        let mut answers = self.onnx.run(&[input], limit)?;
        if self.at >= answers.len() {
            return Err(Error::internal("an output is missing"));
        }
        Ok(answers.swap_remove(self.at))
    }

    /// The probability of each case; `rows` holds them one after the other.
    pub(crate) fn probabilities(
        &self,
        rows: &[f32],
        cases: usize,
        limit: Duration,
    ) -> Result<Vec<f64>> {
        let width: usize = self.shape.iter().product();
        if rows.len() != width * cases {
            return Err(Error::internal("the cases do not fill their rows"));
        }
        let at_once = self.at_once.unwrap_or(cases).max(1);
        if !cases.is_multiple_of(at_once) {
            return Err(Error::invalid(format!(
                "the model takes {at_once} cases at once; it has to take one, or any number"
            )));
        }
        let mut out = Vec::with_capacity(cases);
        for part in rows.chunks_exact(width.max(1) * at_once) {
            let mut shape = self.shape.clone();
            shape[0] = at_once;
            let answer = self.run(Tensor::new(shape, part.to_vec())?, limit)?;
            out.extend(self.output.probabilities(&answer, at_once)?);
        }
        Ok(out)
    }

    /// The segment of each voxel, column fastest.
    pub(crate) fn labels(&self, voxels: Vec<f32>, limit: Duration) -> Result<Vec<u8>> {
        let [_, _, slices, rows, columns] = self.shape[..] else {
            return Err(Error::internal("the model takes no volume"));
        };
        let answer = self.run(Tensor::new(self.shape.clone(), voxels)?, limit)?;
        self.output.labels(&answer, &[columns, rows, slices])
    }
}

/// Side of the small volume.
const PROBE: usize = 8;
