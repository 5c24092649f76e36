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
    let pixels = height.checked_mul(width).filter(|pixels| *pixels > 0);
    let Some(pixels) = pixels else {
        return Err(TrainingError::TooFew {
            what: "pixels",
            needed: 1,
            found: 0,
        });
    };
    let rows = images.len() / pixels;
    same_length("grey values", rows * pixels, images.len())?;
    let features = (0..pixels)
        .map(|pixel| Feature::named(format!("pixel_{}_{}", pixel / width, pixel % width)))
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
        assert!(images_to_matrix(&[0.0; 5], 1, 3).is_err());
        assert!(images_to_matrix(&[], 0, 3).is_err());
    }
}
