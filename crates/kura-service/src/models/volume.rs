//! Preprocessing of a series as a volume, as data.

use kura_model::{Error, Result};
use serde::{Deserialize, Serialize};

/// How a series becomes what a model takes: float `[1, 1, slices, rows, columns]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VolumeInput {
    /// Columns, rows, slices.
    pub size: [u32; 3],
    /// Millimetres between voxels, in the same order.
    pub spacing: [f64; 3],
    /// Whither columns, rows and slices count: three of L R A P S I (`LIA`).
    pub orientation: String,
    /// What becomes 0.
    pub low: Level,
    /// What becomes 1; what lies outside is clipped.
    pub high: Level,
    /// Subtracted after that.
    #[serde(default)]
    pub mean: f64,
    /// Divided by after that.
    #[serde(default = "one")]
    pub deviation: f64,
}

/// A brightness: in modality units, or as a share of the voxels of the volume.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Level {
    Value(f64),
    /// 0 is the darkest voxel, 100 the brightest.
    Percentile(f64),
}

fn one() -> f64 {
    1.0
}

/// Voxels a model may take: 512³ is more than a head or a chest at 1 mm.
const VOXELS_AT_MOST: u64 = 512 * 512 * 512;

impl VolumeInput {
    /// # Errors
    /// No voxel, too many, an orientation that is none, a range that is none.
    pub fn check(&self) -> Result<()> {
        let voxels = self
            .size
            .iter()
            .try_fold(1_u64, |count, side| count.checked_mul(u64::from(*side)))
            .unwrap_or(0);
        if !(1..=VOXELS_AT_MOST).contains(&voxels) {
            return Err(Error::invalid("volume: size has 1 to 512³ voxels"));
        }
        if self
            .spacing
            .iter()
            .any(|side| !(*side > 0.0 && side.is_finite()))
        {
            return Err(Error::invalid("volume: spacing is in millimetres"));
        }
        let mut axes: Vec<usize> = self
            .orientation
            .chars()
            .filter_map(|letter| {
                ["LR", "AP", "SI"]
                    .iter()
                    .position(|pair| pair.contains(letter))
            })
            .collect();
        axes.sort_unstable();
        if self.orientation.len() != 3 || axes != [0, 1, 2] {
            return Err(Error::invalid(
                "volume: orientation is three letters, one of L R, one of A P, one of S I, as in \"LIA\"",
            ));
        }
        let percentile = |level: Level| match level {
            Level::Value(value) => value.is_finite(),
            Level::Percentile(share) => (0.0..=100.0).contains(&share),
        };
        let ordered = match (self.low, self.high) {
            (Level::Value(low), Level::Value(high))
            | (Level::Percentile(low), Level::Percentile(high)) => low < high,
            _ => true,
        };
        if !(percentile(self.low) && percentile(self.high) && ordered) {
            return Err(Error::invalid("volume: low is below high"));
        }
        if !(self.deviation > 0.0 && self.deviation.is_finite() && self.mean.is_finite()) {
            return Err(Error::invalid("volume: deviation is more than 0"));
        }
        Ok(())
    }

    pub(crate) fn shape(&self, cases: usize) -> Vec<usize> {
        let [columns, rows, slices] = self.size.map(|side| side as usize);
        vec![cases, 1, slices, rows, columns]
    }

    /// Brightness to what the model takes.
    ///
    /// # Errors
    /// A volume that is all of one brightness.
    pub(crate) fn scale(&self, values: &mut [f32]) -> Result<()> {
        let mut sorted = Vec::new();
        if [self.low, self.high]
            .iter()
            .any(|level| matches!(level, Level::Percentile(_)))
        {
            sorted = values.to_vec();
            sorted.sort_unstable_by(f32::total_cmp);
        }
        let at = |level: Level| match level {
            Level::Value(value) => value,
            Level::Percentile(share) => {
                let last = sorted.len().saturating_sub(1) as f64;
                sorted
                    .get((last * share / 100.0).round() as usize)
                    .map_or(0.0, |value| f64::from(*value))
            }
        };
        let (low, high) = (at(self.low), at(self.high));
        if high <= low {
            return Err(Error::invalid("the volume is all of one brightness"));
        }
        for value in values {
            let scaled = ((f64::from(*value) - low) / (high - low)).clamp(0.0, 1.0);
            *value = ((scaled - self.mean) / self.deviation) as f32;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> VolumeInput {
        VolumeInput {
            size: [4, 2, 1],
            spacing: [1.0; 3],
            orientation: "LIA".to_owned(),
            low: Level::Percentile(0.0),
            high: Level::Percentile(100.0),
            mean: 0.0,
            deviation: 1.0,
        }
    }

    #[test]
    fn brightness_is_scaled() {
        let mut values = [10.0, 20.0, 30.0, 50.0];
        input().scale(&mut values).unwrap();
        assert_eq!(values, [0.0, 0.25, 0.5, 1.0]);
        let window = VolumeInput {
            low: Level::Value(15.0),
            high: Level::Value(25.0),
            mean: 0.5,
            deviation: 0.5,
            ..input()
        };
        let mut values = [10.0, 20.0, 30.0];
        window.scale(&mut values).unwrap();
        assert_eq!(values, [-1.0, 0.0, 1.0]);
        assert!(input().scale(&mut [3.0; 5]).is_err());
        assert_eq!(input().shape(1), [1, 1, 1, 2, 4]);
    }

    #[test]
    fn what_is_no_volume_is_refused() {
        input().check().unwrap();
        for wrong in ["LLA", "LI", "LIX", "lia", "LIAS"] {
            let mut input = input();
            input.orientation = wrong.to_owned();
            assert!(input.check().is_err(), "{wrong}");
        }
        let mut large = input();
        large.size = [u32::MAX; 3];
        assert!(large.check().is_err());
        let mut upside_down = input();
        upside_down.high = Level::Percentile(0.0);
        assert!(upside_down.check().is_err());
    }
}
