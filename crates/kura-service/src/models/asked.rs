//! A version opened to be asked: the input it takes, the output that counts.

use std::time::Duration;

use kura_inference::{Model as _, OnnxModel, Tensor};
use kura_model::{Error, Result};

use super::encoder::Encoder;
use super::file::ModelFile;
use super::output::Output;
use super::registry;
use crate::Bank;

/// One ONNX with one input and one output that counts.
pub(super) struct Network {
    onnx: OnnxModel,
    /// Which of its outputs counts.
    at: usize,
    /// Of one case.
    shape: Vec<usize>,
    /// Cases it takes at once; `None` is any number.
    at_once: Option<usize>,
}

impl Network {
    pub(super) fn open(
        bank: &Bank,
        onnx: &[u8],
        shape: Vec<usize>,
        output: Option<&str>,
    ) -> Result<Self> {
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
        let at = match (output, names.len()) {
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
            shape,
            at_once,
        })
    }

    pub(super) fn run(&self, input: Tensor, limit: Duration) -> Result<Tensor> {
        let mut answers = self.onnx.run(&[input], limit)?;
        if self.at >= answers.len() {
            return Err(Error::internal("an output is missing"));
        }
        Ok(answers.swap_remove(self.at))
    }

    /// Asks for `cases` rows, one after the other, as many at once as it takes; `take` is told each
    /// answer and for how many cases it is.
    pub(super) fn rows(
        &self,
        rows: &[f32],
        cases: usize,
        limit: Duration,
        take: &mut dyn FnMut(&Tensor, usize) -> Result<()>,
    ) -> Result<()> {
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
        for part in rows.chunks_exact(width.max(1) * at_once) {
            let mut shape = self.shape.clone();
            shape[0] = at_once;
            take(
                &self.run(Tensor::new(shape, part.to_vec())?, limit)?,
                at_once,
            )?;
        }
        Ok(())
    }

    /// A case that says nothing: features are unknown, an image is black.
    pub(super) fn nothing(shape: Vec<usize>) -> Result<Tensor> {
        let count = shape.iter().product();
        let value = if shape.len() == 2 { f32::NAN } else { 0.0 };
        Tensor::new(shape, vec![value; count])
    }
}

pub(crate) struct Asked {
    /// What makes numbers of an image first.
    encoder: Option<Encoder>,
    network: Network,
    output: Output,
}

impl Asked {
    /// Opens a version of the registry.
    pub(crate) fn of(bank: &Bank, onnx: &[u8], file: &ModelFile) -> Result<Self> {
        let encoder = match &file.encoder {
            Some(encoder) => Some(bank.clinical.blobs().read(encoder.onnx)?),
            None => None,
        };
        Self::open(bank, onnx, file, encoder.as_deref())
    }

    /// Opens a model and asks it once: does it take a case of its description, does it answer as
    /// it is described? A volume whose sides are free is a small one.
    pub(crate) fn open(
        bank: &Bank,
        onnx: &[u8],
        file: &ModelFile,
        encoder: Option<&[u8]>,
    ) -> Result<Self> {
        let mut shape = file.shape(1);
        let encoder = match (&file.encoder, &file.image, encoder) {
            (Some(described), Some(image), Some(bytes)) => {
                let encoder = Encoder::open(bank, bytes, image, described.output.as_deref())?;
                if encoder.width != described.width {
                    return Err(Error::invalid(format!(
                        "the encoder makes {} numbers of an image, not {}",
                        encoder.width, described.width
                    )));
                }
                shape = vec![1, encoder.width];
                Some(encoder)
            }
            (None, _, _) => None,
            _ => return Err(Error::invalid("the encoder of the model is missing")),
        };
        let network = Network::open(bank, onnx, shape.clone(), file.output.name())?;
        let asked = Self {
            encoder,
            network,
            output: file.output.clone(),
        };
        if file.volume.is_some() {
            for (side, port) in shape.iter_mut().zip(&asked.network.onnx.inputs()[0].shape) {
                if port.is_none() {
                    *side = (*side).min(PROBE);
                }
            }
        }
        asked.probe(bank, shape, file.volume.is_some())?;
        Ok(asked)
    }

    /// A model that gives one probability of numbers or of an image.
    pub(crate) fn plain(bank: &Bank, onnx: &[u8], shape: Vec<usize>) -> Result<Self> {
        let asked = Self {
            encoder: None,
            network: Network::open(bank, onnx, shape.clone(), None)?,
            output: Output::default(),
        };
        asked.probe(bank, shape, false)?;
        Ok(asked)
    }

    fn probe(&self, bank: &Bank, shape: Vec<usize>, volume: bool) -> Result<()> {
        let voxels = match shape[..] {
            [_, _, slices, rows, columns] => [columns, rows, slices],
            _ => [0; 3],
        };
        let answer = self
            .network
            .run(Network::nothing(shape)?, registry::limit(bank))?;
        if volume {
            self.output.labels(&answer, &voxels).map(drop)
        } else {
            self.output.probabilities(&answer, 1).map(drop)
        }
    }

    /// The probability of each case; `rows` holds them one after the other.
    pub(crate) fn probabilities(
        &self,
        rows: &[f32],
        cases: usize,
        limit: Duration,
    ) -> Result<Vec<f64>> {
        let encoded;
        let rows = match &self.encoder {
            Some(encoder) => {
                encoded = encoder.encode(rows, cases, limit)?;
                &encoded
            }
            None => rows,
        };
        let mut out = Vec::with_capacity(cases);
        self.network
            .rows(rows, cases, limit, &mut |answer, count| {
                out.extend(self.output.probabilities(answer, count)?);
                Ok(())
            })?;
        Ok(out)
    }

    /// The segment of each voxel, column fastest.
    pub(crate) fn labels(&self, voxels: Vec<f32>, limit: Duration) -> Result<Vec<u8>> {
        let shape = self.network.shape.clone();
        let [_, _, slices, rows, columns] = shape[..] else {
            return Err(Error::internal("the model takes no volume"));
        };
        let answer = self.network.run(Tensor::new(shape, voxels)?, limit)?;
        self.output.labels(&answer, &[columns, rows, slices])
    }
}

/// Side of the small volume.
const PROBE: usize = 8;
