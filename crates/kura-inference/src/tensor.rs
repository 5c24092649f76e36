use kura_model::{Error, Result};
use serde::{Deserialize, Serialize};

/// Numbers with a shape, the last dimension running fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

impl Tensor {
    /// # Errors
    /// The shape does not hold as many values as there are.
    pub fn new(shape: Vec<usize>, values: Vec<f32>) -> Result<Self> {
        let count = shape
            .iter()
            .try_fold(1_usize, |count, side| count.checked_mul(*side));
        if count != Some(values.len()) {
            return Err(Error::invalid(format!(
                "{} values do not fill the shape {shape:?}",
                values.len()
            )));
        }
        Ok(Self { shape, values })
    }
}

/// An input or an output of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    pub name: String,
    /// `None` is a side of any length.
    pub shape: Vec<Option<usize>>,
}

impl Port {
    /// # Errors
    /// The tensor has not this shape.
    pub(crate) fn check(&self, tensor: &Tensor) -> Result<()> {
        let fits = self.shape.len() == tensor.shape.len()
            && self
                .shape
                .iter()
                .zip(&tensor.shape)
                .all(|(wanted, side)| wanted.is_none_or(|wanted| wanted == *side));
        if fits {
            return Ok(());
        }
        let shown: Vec<String> = self
            .shape
            .iter()
            .map(|side| side.map_or_else(|| "?".to_owned(), |side| side.to_string()))
            .collect();
        Err(Error::invalid(format!(
            "input '{}' takes the shape [{}], not {:?}",
            self.name,
            shown.join(", "),
            tensor.shape
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_compared() {
        let port = Port {
            name: "image".to_owned(),
            shape: vec![None, Some(1), Some(28), Some(28)],
        };
        assert!(Tensor::new(vec![2, 3], vec![0.0; 5]).is_err());
        assert!(Tensor::new(vec![usize::MAX, 3], vec![]).is_err());
        let fits = Tensor::new(vec![5, 1, 28, 28], vec![0.0; 5 * 784]).unwrap();
        port.check(&fits).unwrap();
        let other = Tensor::new(vec![5, 784], vec![0.0; 5 * 784]).unwrap();
        let message = port.check(&other).unwrap_err().message().to_owned();
        assert_eq!(
            message,
            "input 'image' takes the shape [?, 1, 28, 28], not [5, 784]"
        );
    }
}
