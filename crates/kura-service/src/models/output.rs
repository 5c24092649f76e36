//! What a model's numbers mean, as data.

use kura_inference::Tensor;
use kura_model::{Error, Result};
use serde::{Deserialize, Serialize};

/// What comes out of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Output {
    /// For each case the probability of the outcome.
    Probability {
        /// Name of the output in the ONNX; needed where several hold floating-point numbers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Which class, counted from 0, where there is a number for each class; of two the second
        /// if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        index: Option<usize>,
        #[serde(default)]
        activation: Activation,
    },
    /// For each class and voxel a score; the highest is the voxel's class.
    Segments {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        segment: Vec<SegmentMeaning>,
    },
}

/// What makes a probability of a model's number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// It is one.
    #[default]
    None,
    /// Log-odds.
    Sigmoid,
    /// Scores of all classes.
    Softmax,
}

/// A class that is a region. Classes that are not listed are background.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentMeaning {
    /// Number of the class, from 0.
    pub index: usize,
    /// `日本語 / English`
    pub label: String,
    /// Coded as PS3.3 C.8.20.2 Segmented Property Type.
    pub code: String,
    /// `SCT`, `99…`
    pub scheme: String,
    pub meaning: String,
    /// For display, sRGB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub colour: Option<[u8; 3]>,
}

impl Default for Output {
    fn default() -> Self {
        Output::Probability {
            name: None,
            index: None,
            activation: Activation::None,
        }
    }
}

/// Regions of one model: a label is a byte, and 0 is none.
const SEGMENTS_AT_MOST: usize = 255;

impl Output {
    pub(crate) fn check(&self, volume: bool) -> Result<()> {
        let Output::Segments { segment, .. } = self else {
            return if volume {
                Err(Error::invalid("output: a model of a volume gives segments"))
            } else {
                Ok(())
            };
        };
        if !volume {
            return Err(Error::invalid("output: segments need a [volume]"));
        }
        if !(1..=SEGMENTS_AT_MOST).contains(&segment.len()) {
            return Err(Error::invalid("output: 1 to 255 segments"));
        }
        for (at, one) in segment.iter().enumerate() {
            if segment[..at].iter().any(|other| other.index == one.index) {
                return Err(Error::invalid(format!(
                    "output: class {} is there twice",
                    one.index
                )));
            }
            if [&one.label, &one.code, &one.scheme, &one.meaning]
                .iter()
                .any(|text| text.trim().is_empty())
            {
                return Err(Error::invalid(format!(
                    "output: class {} lacks its label or its code",
                    one.index
                )));
            }
        }
        Ok(())
    }

    /// Name of the output, where it is given.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Output::Probability { name, .. } | Output::Segments { name, .. } => name.as_deref(),
        }
    }

    /// A probability for each of `cases`.
    ///
    /// # Errors
    /// Another number of values than there are cases and classes; a value that is no probability.
    pub(crate) fn probabilities(&self, tensor: &Tensor, cases: usize) -> Result<Vec<f64>> {
        let Output::Probability {
            index, activation, ..
        } = self
        else {
            return Err(Error::internal("segments are no probabilities"));
        };
        let width = tensor.values.len() / cases.max(1);
        if width == 0 || width * cases != tensor.values.len() {
            return Err(Error::invalid(
                "the model answers with another number of probabilities than there are cases",
            ));
        }
        let index = match (index, width) {
            (Some(index), _) => *index,
            (None, 1) => 0,
            (None, 2) => 1,
            (None, _) => {
                return Err(Error::invalid(
                    "the model's answer to one case is no single probability; say which class (output.index)",
                ));
            }
        };
        tensor
            .values
            .chunks_exact(width)
            .map(|scores| {
                let score = scores.get(index).map(|score| f64::from(*score));
                let probability = match activation {
                    Activation::None => score,
                    Activation::Sigmoid => score.map(|score| 1.0 / (1.0 + (-score).exp())),
                    Activation::Softmax => score.map(|score| {
                        let sum: f64 = scores
                            .iter()
                            .map(|other| (f64::from(*other) - score).exp())
                            .sum();
                        1.0 / sum
                    }),
                };
                probability
                    .filter(|value| (0.0..=1.0).contains(value))
                    .ok_or_else(|| Error::invalid("the answer is no probability"))
            })
            .collect()
    }

    /// For each voxel the number of its segment, from 1, in the order in which they are listed; 0
    /// is none.
    ///
    /// # Errors
    /// The tensor is not `[1, classes, slices, rows, columns]` of the volume, or lacks a class.
    pub(crate) fn labels(&self, tensor: &Tensor, voxels: &[usize; 3]) -> Result<Vec<u8>> {
        let Output::Segments { segment, .. } = self else {
            return Err(Error::internal("a probability is no segment"));
        };
        let [1, classes, slices, rows, columns] = tensor.shape[..] else {
            return Err(Error::invalid(format!(
                "the model answers with the shape {:?}, not [1, classes, slices, rows, columns]",
                tensor.shape
            )));
        };
        if [columns, rows, slices] != *voxels
            || segment.iter().any(|one| one.index >= classes)
            || classes > 256
        {
            return Err(Error::invalid(format!(
                "the model answers with the shape {:?}, which is not the volume's, or lacks a class that is described",
                tensor.shape
            )));
        }
        let mut of_class = vec![0_u8; classes];
        for (at, one) in segment.iter().enumerate() {
            of_class[one.index] = (at + 1) as u8;
        }
        let count = slices * rows * columns;
        let mut best = vec![0_u8; count];
        let mut highest = tensor.values[..count].to_vec();
        for class in 1..classes {
            let scores = &tensor.values[class * count..(class + 1) * count];
            for ((best, highest), score) in best.iter_mut().zip(&mut highest).zip(scores) {
                if *score > *highest {
                    (*best, *highest) = (class as u8, *score);
                }
            }
        }
        for class in &mut best {
            *class = of_class[usize::from(*class)];
        }
        Ok(best)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probability(index: Option<usize>, activation: Activation) -> Output {
        Output::Probability {
            name: None,
            index,
            activation,
        }
    }

    #[test]
    fn scores_become_probabilities() {
        let scores = Tensor::new(vec![2, 2], vec![0.0, 0.0, 1.0, 3.0]).unwrap();
        let soft = probability(None, Activation::Softmax);
        let found = soft.probabilities(&scores, 2).unwrap();
        assert_eq!(found[0], 0.5);
        // 1 / (1 + e⁻²)
        assert!((found[1] - 0.880_797_077_977_882_4).abs() < 1e-12);
        let first = probability(Some(0), Activation::Sigmoid);
        let found = first.probabilities(&scores, 2).unwrap();
        assert!((found[1] - 0.731_058_578_630_004_9).abs() < 1e-12);
        let plain = probability(None, Activation::None);
        assert!(plain.probabilities(&scores, 2).is_err());
        let three = Tensor::new(vec![1, 3], vec![0.1, 0.2, 0.7]).unwrap();
        assert!(plain.probabilities(&three, 1).is_err());
        assert!(plain.probabilities(&three, 2).is_err());
        assert!(
            probability(Some(3), Activation::None)
                .probabilities(&three, 1)
                .is_err()
        );
    }

    #[test]
    fn the_highest_score_is_the_class() {
        let meaning = |index| SegmentMeaning {
            index,
            label: "x".to_owned(),
            code: "1".to_owned(),
            scheme: "SCT".to_owned(),
            meaning: "x".to_owned(),
            colour: None,
        };
        let output = Output::Segments {
            name: None,
            segment: vec![meaning(2), meaning(1)],
        };
        // Two voxels, three classes.
        let scores = Tensor::new(vec![1, 3, 1, 1, 2], vec![0.0, 9.0, 1.0, 2.0, 5.0, 3.0]).unwrap();
        assert_eq!(output.labels(&scores, &[2, 1, 1]).unwrap(), [1, 0]);
        assert!(output.labels(&scores, &[1, 2, 1]).is_err());
        assert!(output.check(true).is_ok() && output.check(false).is_err());
        let twice = Output::Segments {
            name: None,
            segment: vec![meaning(1), meaning(1)],
        };
        assert!(twice.check(true).is_err());
    }
}
