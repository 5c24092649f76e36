//! Preprocessing of an image, as data: the same at training, at the test and at the bedside.

use std::path::Path;

use kura_dicom::{Frame, Limits, Pixels, decode_frame};
use kura_model::{Error, Refusal, Result};
use serde::{Deserialize, Serialize};

/// How a frame becomes what a model takes: float `[1, channels, height, width]`, 0 to 1, less the
/// mean, divided by the deviation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageInput {
    pub height: u32,
    pub width: u32,
    /// The value that becomes 0, in modality units (Hounsfield units for CT).
    pub low: f64,
    /// The value that becomes 1.
    pub high: f64,
    /// 1, grey, or 3: red, green and blue, three times the same for a grey image.
    #[serde(default = "one")]
    pub channels: u32,
    /// By channel; zeros if absent.
    #[serde(default)]
    pub mean: [f64; 3],
    /// By channel; ones if absent.
    #[serde(default = "ones")]
    pub deviation: [f64; 3],
}

fn one() -> u32 {
    1
}

fn ones() -> [f64; 3] {
    [1.0; 3]
}

/// Pixels a model may take.
const PIXELS_AT_MOST: u32 = 512 * 512;

impl ImageInput {
    /// # Errors
    /// No pixel, too many, or a range that is none.
    pub fn check(&self) -> Result<()> {
        let pixels = self.height.checked_mul(self.width).unwrap_or(0);
        if !(1..=PIXELS_AT_MOST).contains(&pixels) {
            return Err(Error::invalid(
                "image: height × width lies between 1 and 262,144",
            ));
        }
        if !(self.low.is_finite() && self.high.is_finite() && self.low < self.high) {
            return Err(Error::invalid("image: low is below high"));
        }
        if ![1, 3].contains(&self.channels) {
            return Err(Error::invalid("image: channels is 1 or 3"));
        }
        if self.mean.iter().any(|mean| !mean.is_finite())
            || self
                .deviation
                .iter()
                .any(|deviation| !(*deviation > 0.0 && deviation.is_finite()))
        {
            return Err(Error::invalid("image: deviation is more than 0"));
        }
        Ok(())
    }

    /// The first frame of a DICOM file, prepared.
    pub(crate) fn read(&self, file: &Path) -> std::result::Result<Vec<f32>, Refusal> {
        decode_frame(file, 0, &Limits::default()).map(|frame| self.prepare(&frame))
    }

    pub(crate) fn shape(&self, cases: usize) -> Vec<usize> {
        vec![
            cases,
            self.channels as usize,
            self.height as usize,
            self.width as usize,
        ]
    }

    /// Each pixel is the mean of the area of the frame that falls on it.
    pub(crate) fn prepare(&self, frame: &Frame) -> Vec<f32> {
        let planes: Vec<Vec<f64>> = match (&frame.pixels, self.channels) {
            (Pixels::Gray { .. }, _) => {
                vec![frame.values().into_iter().map(f64::from).collect()]
            }
            (Pixels::Rgb(bytes), 3) => (0..3)
                .map(|at| {
                    bytes
                        .iter()
                        .skip(at)
                        .step_by(3)
                        .map(|value| f64::from(*value))
                        .collect()
                })
                .collect(),
            // ITU-R BT.601 luma, as PS3.3 C.7.6.3.1.2 uses it.
            (Pixels::Rgb(bytes), _) => vec![
                bytes
                    .chunks_exact(3)
                    .map(|rgb| {
                        0.299 * f64::from(rgb[0])
                            + 0.587 * f64::from(rgb[1])
                            + 0.114 * f64::from(rgb[2])
                    })
                    .collect(),
            ],
        };
        let planes: Vec<Vec<f64>> = planes
            .into_iter()
            .map(|plane| self.plane(frame, plane))
            .collect();
        (0..self.channels as usize)
            .flat_map(|channel| {
                let plane = &planes[channel.min(planes.len() - 1)];
                let (mean, deviation) = (self.mean[channel], self.deviation[channel]);
                plane
                    .iter()
                    .map(move |value| ((value - mean) / deviation) as f32)
            })
            .collect()
    }

    fn plane(&self, frame: &Frame, mut values: Vec<f64>) -> Vec<f64> {
        for value in &mut values {
            let scaled = ((*value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
            // MONOCHROME1: the smallest value is white.
            *value = if frame.inverted { 1.0 - scaled } else { scaled };
        }
        let across = resample(
            &values,
            frame.rows as usize,
            frame.columns as usize,
            self.width as usize,
        );
        let transposed = transpose(&across, frame.rows as usize, self.width as usize);
        let down = resample(
            &transposed,
            self.width as usize,
            frame.rows as usize,
            self.height as usize,
        );
        transpose(&down, self.width as usize, self.height as usize)
    }
}

/// Rows of `from` values become rows of `to`, by area.
fn resample(values: &[f64], rows: usize, from: usize, to: usize) -> Vec<f64> {
    if from == to {
        return values.to_vec();
    }
    let step = from as f64 / to as f64;
    let mut out = Vec::with_capacity(rows * to);
    for row in values.chunks_exact(from) {
        for at in 0..to {
            let (begin, end) = (at as f64 * step, (at + 1) as f64 * step);
            let mut sum = 0.0;
            let mut here = begin;
            while here < end - 1e-9 {
                let cell = (here + 1e-9).floor();
                let until = (cell + 1.0).min(end);
                sum += row[(cell as usize).min(from - 1)] * (until - here);
                here = until;
            }
            out.push(sum / step);
        }
    }
    out
}

fn transpose(values: &[f64], rows: usize, columns: usize) -> Vec<f64> {
    let mut out = Vec::with_capacity(values.len());
    for column in 0..columns {
        for row in 0..rows {
            out.push(values[row * columns + column]);
        }
    }
    out
}

/// Figures of an image that are watched for drift.
pub(crate) const WATCHED: [&str; 2] = ["brightness", "contrast"];

/// Mean and standard deviation of prepared pixels.
pub(crate) fn watched(pixels: &[f32]) -> [f32; 2] {
    let n = pixels.len().max(1) as f64;
    let mean = pixels.iter().map(|value| f64::from(*value)).sum::<f64>() / n;
    let spread = pixels
        .iter()
        .map(|value| (f64::from(*value) - mean).powi(2))
        .sum::<f64>()
        / n;
    [mean as f32, spread.sqrt() as f32]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_are_averaged() {
        // 2 × 4 to 1 × 2, and 3 values to 2 by parts of pixels.
        let halves = resample(&[0.0, 1.0, 2.0, 3.0], 1, 4, 2);
        assert_eq!(halves, [0.5, 2.5]);
        let parts = resample(&[0.0, 3.0, 6.0], 1, 3, 2);
        assert!((parts[0] - 1.0).abs() < 1e-12 && (parts[1] - 5.0).abs() < 1e-12);
        let larger = resample(&[1.0, 2.0], 1, 2, 4);
        assert_eq!(larger, [1.0, 1.0, 2.0, 2.0]);
        assert_eq!(
            transpose(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2, 3),
            [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]
        );
    }
}
