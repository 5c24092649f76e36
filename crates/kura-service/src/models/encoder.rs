//! Embeddings: a network of another maker makes numbers of an image, a small model of ours learns
//! from them.

use std::time::Duration;

use kura_model::{ContentHash, Error, Result};
use serde::{Deserialize, Serialize};

use super::asked::Network;
use super::image::ImageInput;
use super::registry;
use crate::Bank;

/// What a specification says of the encoder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncoderSpec {
    /// An ONNX beside the specification; takes the `[image]`.
    pub file: std::path::PathBuf,
    /// Name of the output; needed where there are several.
    #[serde(default)]
    pub output: Option<String>,
    /// Who made it, under which licence.
    pub maker: String,
}

/// What the registry keeps of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncoderFile {
    pub onnx: ContentHash,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    pub maker: String,
    /// Numbers it makes of an image.
    pub width: usize,
}

pub(crate) struct Encoder {
    network: Network,
    pub(crate) width: usize,
}

/// Numbers of an image at most.
const WIDTH_AT_MOST: usize = 16_384;

impl Encoder {
    /// Opens an encoder and asks it once.
    pub(crate) fn open(
        bank: &Bank,
        onnx: &[u8],
        image: &ImageInput,
        output: Option<&str>,
    ) -> Result<Self> {
        let shape = image.shape(1);
        let network = Network::open(bank, onnx, shape.clone(), output)?;
        let answer = network.run(Network::nothing(shape)?, registry::limit(bank))?;
        let width = answer.values.len();
        if !(1..=WIDTH_AT_MOST).contains(&width) {
            return Err(Error::invalid(format!(
                "the encoder makes {width} numbers of an image; 1 to {WIDTH_AT_MOST} can be learnt from"
            )));
        }
        Ok(Self { network, width })
    }

    /// `[case, number]`, row by row.
    pub(crate) fn encode(&self, rows: &[f32], cases: usize, limit: Duration) -> Result<Vec<f32>> {
        let mut out = Vec::with_capacity(cases * self.width);
        self.network
            .rows(rows, cases, limit, &mut |answer, count| {
                if answer.values.len() != count * self.width {
                    return Err(Error::invalid(
                        "the encoder makes another number of values of each image",
                    ));
                }
                out.extend_from_slice(&answer.values);
                Ok(())
            })?;
        Ok(out)
    }
}
