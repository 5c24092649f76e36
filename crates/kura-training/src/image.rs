//! Grey images as a table, for a linear probe.

use crate::error::{TrainingError, same_length};
use crate::table::{Feature, Matrix};

/// Images `[n, height, width]`, grey values (0 to 1 where the exported model shall take images),
/// as one row each; a pixel is the feature `pixel_<row>_<column>`, counted from 0.
///
/// # Errors
/// No pixel, a length that is not a multiple of height × width, an infinite value.
pub fn images_to_matrix(
    images: &[f32],
    height: usize,
    width: usize,
) -> Result<Matrix, TrainingError> {
    planes_to_matrix(images, 1, height, width)
}

/// Images `[n, channels, height, width]`, as [`images_to_matrix`]; a pixel of more than one channel
/// is the feature `pixel_<channel>_<row>_<column>`.
///
/// # Errors
/// As [`images_to_matrix`]; no channel.
pub fn planes_to_matrix(
    images: &[f32],
    channels: usize,
    height: usize,
    width: usize,
) -> Result<Matrix, TrainingError> {
    let plane = height.checked_mul(width).unwrap_or(0);
    let Some(pixels) = plane.checked_mul(channels).filter(|pixels| *pixels > 0) else {
        return Err(TrainingError::TooFew {
            what: "pixels",
            needed: 1,
            found: 0,
        });
    };
    let rows = images.len() / pixels;
    same_length("grey values", rows * pixels, images.len())?;
    let features = (0..pixels)
        .map(|at| {
            let (channel, pixel) = (at / plane, at % plane);
            let (row, column) = (pixel / width, pixel % width);
            Feature::named(if channels == 1 {
                format!("pixel_{row}_{column}")
            } else {
                format!("pixel_{channel}_{row}_{column}")
            })
        })
        .collect();
    Matrix::new(features, rows, images.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_keep_their_place() {
        let matrix = images_to_matrix(&[0.0, 0.1, 0.2, 0.3, 0.4, 0.5], 1, 3).unwrap();
        assert_eq!(matrix.rows, 2);
        assert_eq!(matrix.features[2].name, "pixel_0_2");
        assert_eq!(matrix.row(1), [0.3, 0.4, 0.5]);
        let colour = planes_to_matrix(&[0.0; 12], 3, 1, 2).unwrap();
        assert_eq!(colour.rows, 2);
        assert_eq!(colour.features[3].name, "pixel_1_0_1");
        assert!(images_to_matrix(&[0.0; 5], 1, 3).is_err());
        assert!(images_to_matrix(&[], 0, 3).is_err());
    }
}
