//! How a network is made, as data.

use kura_training::TrainingError;
use serde::{Deserialize, Serialize};

/// A network and how it learns. In TOML, `[network]` with its settings; a setting left out has its
/// default, an unknown one is refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    /// Channels of each block, in order; each block halves the sides of the image.
    pub channels: Vec<usize>,
    /// Passes over the training rows at most.
    pub epochs: usize,
    /// Rows per step.
    pub batch: usize,
    /// Of AdamW (I. Loshchilov and F. Hutter, ICLR 2019).
    pub learning_rate: f64,
    /// Share of a weight that is taken away in a step, times the learning rate.
    pub weight_decay: f64,
    /// Share of the channels before the last layer that is left out at random while learning.
    pub dropout: f64,
    /// Whether rows with and without the outcome weigh the same in all while learning. The
    /// intercept is set back afterwards, so that probabilities stay those of the training rows
    /// (G. King and L. Zeng, Polit. Anal. 9 (2001), eq. 7).
    pub balanced: bool,
    /// Epochs without a smaller loss on the patients set aside after which learning ends; the
    /// weights with the smallest are kept. 0: nobody is set aside, and all epochs are run.
    pub patience: usize,
    /// Share of the training rows, by whole patients, that is set aside for that.
    pub validation_share: f64,
    pub augmentation: Augmentation,
}

/// How each image is changed at random while learning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augmentation {
    /// Pixels at most by which it is moved up or down and left or right; its edge is repeated.
    pub shift: usize,
    /// Whether it is mirrored left to right half the times. Not for a chest: the heart lies left.
    pub flip: bool,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            channels: vec![16, 32, 64],
            epochs: 60,
            batch: 32,
            learning_rate: 2e-3,
            weight_decay: 1e-2,
            dropout: 0.2,
            balanced: true,
            patience: 12,
            validation_share: 0.2,
            augmentation: Augmentation::default(),
        }
    }
}

impl Default for Augmentation {
    fn default() -> Self {
        Self {
            shift: 1,
            flip: false,
        }
    }
}

/// What a row is: pixels `[channels, height, width]`, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageShape {
    /// 1, grey, or 3.
    pub channels: usize,
    pub height: usize,
    pub width: usize,
}

impl ImageShape {
    /// Values in a row; 0 for a shape that is none.
    pub fn pixels(&self) -> usize {
        self.height
            .checked_mul(self.width)
            .and_then(|plane| plane.checked_mul(self.channels))
            .unwrap_or(0)
    }
}

impl Network {
    /// # Errors
    /// A setting outside what its definition allows; more blocks than the image can be halved.
    pub fn validate(&self, shape: &ImageShape) -> Result<(), TrainingError> {
        let require = |holds: bool, what, value: f64, allowed| {
            if holds {
                return Ok(());
            }
            Err(TrainingError::OutOfRange {
                what,
                value,
                allowed,
            })
        };
        let count = |what, value: usize, least: usize, most: usize, allowed| {
            require((least..=most).contains(&value), what, value as f64, allowed)
        };
        let share = |what, value: f64, most: f64, allowed| {
            require((0.0..=most).contains(&value), what, value, allowed)
        };
        require(
            [1, 3].contains(&shape.channels),
            "channels of the image",
            shape.channels as f64,
            "1 or 3",
        )?;
        count("channels", self.channels.len(), 1, 6, "1 to 6 blocks")?;
        for &channels in &self.channels {
            count("channels", channels, 1, 512, "1 to 512 in each block")?;
        }
        let side = shape.height.min(shape.width);
        require(
            side >> self.channels.len() >= 1 && shape.pixels() > 0,
            "the smaller side of the image",
            side as f64,
            "at least 2 to the number of blocks",
        )?;
        count("epochs", self.epochs, 1, 10_000, "1 to 10000")?;
        count("batch", self.batch, 2, 1024, "2 to 1024")?;
        require(
            self.learning_rate > 0.0 && self.learning_rate <= 1.0,
            "learning_rate",
            self.learning_rate,
            "above 0, at most 1",
        )?;
        share("weight_decay", self.weight_decay, 1.0, "0 to 1")?;
        share("dropout", self.dropout, 0.9, "0 to 0.9")?;
        require(
            (0.05..=0.5).contains(&self.validation_share),
            "validation_share",
            self.validation_share,
            "0.05 to 0.5",
        )?;
        count("patience", self.patience, 0, 10_000, "0 to 10000")?;
        require(
            self.augmentation.shift <= side / 2,
            "augmentation.shift",
            self.augmentation.shift as f64,
            "at most half the smaller side",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: ImageShape = ImageShape {
        channels: 1,
        height: 28,
        width: 30,
    };

    #[test]
    fn toml_is_read_with_defaults_and_unknown_keys_are_refused() {
        let network: Network =
            toml::from_str("channels = [8, 16]\ndropout = 0.5\n[augmentation]\nflip = true\n")
                .unwrap();
        assert_eq!((network.channels.len(), network.epochs), (2, 60));
        assert_eq!(
            (network.augmentation.flip, network.augmentation.shift),
            (true, 1)
        );
        assert_eq!(network.validate(&SMALL), Ok(()));
        assert!(toml::from_str::<Network>("kernel = 5\n").is_err());
        assert!(toml::from_str::<Network>("[augmentation]\nturn = 1\n").is_err());
    }

    #[test]
    fn settings_outside_their_definition_are_refused() {
        let plain = Network::default();
        let refused = |change: fn(&mut Network), setting: &str| {
            let mut network = plain.clone();
            change(&mut network);
            match network.validate(&SMALL) {
                Err(TrainingError::OutOfRange { what, .. }) => assert_eq!(what, setting),
                other => panic!("{setting}: {other:?}"),
            }
        };
        refused(|n| n.channels.clear(), "channels");
        refused(|n| n.channels[1] = 0, "channels");
        refused(|n| n.channels = vec![4; 5], "the smaller side of the image");
        refused(|n| n.epochs = 0, "epochs");
        refused(|n| n.batch = 1, "batch");
        refused(|n| n.learning_rate = 0.0, "learning_rate");
        refused(|n| n.learning_rate = f64::NAN, "learning_rate");
        refused(|n| n.weight_decay = -0.1, "weight_decay");
        refused(|n| n.dropout = 1.0, "dropout");
        refused(|n| n.validation_share = 0.9, "validation_share");
        refused(|n| n.augmentation.shift = 15, "augmentation.shift");
        let two = ImageShape {
            channels: 2,
            ..SMALL
        };
        assert!(plain.validate(&two).is_err());
        let endless = ImageShape {
            height: usize::MAX,
            ..SMALL
        };
        assert!(plain.validate(&endless).is_err());
    }
}
