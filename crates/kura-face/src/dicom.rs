//! A series of slices as a volume. DICOM counts mm in LPS (PS3.3 C.7.6.2.1.1), this crate in RAS.

use crate::{Affine, Refused, Volume};

/// Slices as their headers give them, in the order in which they lie on one another.
#[derive(Debug, Clone)]
pub struct Slices<'a> {
    pub columns: usize,
    pub rows: usize,
    /// Image Position (Patient) (0020,0032) of each, mm.
    pub positions: &'a [[f64; 3]],
    /// Image Orientation (Patient) (0020,0037).
    pub orientation: [f64; 6],
    /// Pixel Spacing (0028,0030): between rows, between columns, mm.
    pub pixel_spacing: [f64; 2],
    /// `[slice][row][column]`, after Modality LUT; Hounsfield units of a CT.
    pub values: &'a [f32],
}

impl Slices<'_> {
    /// The volume; slice `k` of a [`crate::Mask`] is the mask of slice `k`.
    ///
    /// # Errors
    /// [`Refused::Volume`]: fewer than two slices, directions that are not perpendicular unit
    /// vectors, distances that differ by more than 1 %, slices not stacked along their normal.
    pub fn volume(&self) -> Result<Volume, Refused> {
        let [a, b, c, d, e, f] = self.orientation;
        let (row, column) = ([a, b, c], [d, e, f]);
        let dot = |a: [f64; 3], b: [f64; 3]| a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
        let unit = |v: [f64; 3]| (dot(v, v) - 1.0).abs() < 0.01;
        if !unit(row) || !unit(column) || dot(row, column).abs() > 0.01 {
            return Err(Refused::Volume(
                "the directions of rows and columns are not perpendicular",
            ));
        }
        let ([first, second, ..], Some(last)) = (self.positions, self.positions.last()) else {
            return Err(Refused::Volume("fewer than two slices"));
        };
        let steps = self.positions.len() as f64 - 1.0;
        let step: [f64; 3] = std::array::from_fn(|axis| (last[axis] - first[axis]) / steps);
        let length = dot(step, step).sqrt();
        let even = self.positions.iter().enumerate().all(|(at, position)| {
            let off: [f64; 3] =
                std::array::from_fn(|axis| position[axis] - first[axis] - at as f64 * step[axis]);
            dot(off, off).sqrt() <= 0.01 * length
        });
        if !even || first == second {
            return Err(Refused::Volume("the slices are not evenly spaced"));
        }
        let [between_rows, between_columns] = self.pixel_spacing;
        let dims = [self.columns, self.rows, self.positions.len()];
        let lps = [
            row.map(|part| part * between_columns),
            column.map(|part| part * between_rows),
            step,
        ];
        // Whether slices lie along their normal: Volume refuses skewed axes.
        Volume::from_values(dims, ras(lps, *first), self.values)
    }
}

/// A series that was read whole.
///
/// # Errors
/// As [`Volume::new`].
pub fn from_series(series: &kura_dicom::Volume) -> Result<Volume, Refused> {
    let geometry = &series.geometry;
    let steps =
        std::array::from_fn(|axis| geometry.axes[axis].map(|part| part * geometry.spacing[axis]));
    Volume::from_values(geometry.size, ras(steps, geometry.origin), &series.values)
}

/// The number to store for a value: [`crate::RemovedReport::fill`] in a slice with this Rescale
/// Slope and Intercept, within Bits Stored and Pixel Representation. `None` where no number is
/// right.
pub fn stored_fill(value: f64, slope: f64, intercept: f64, bits: u32, signed: bool) -> Option<i64> {
    if !(1..=32).contains(&bits) || !slope.is_finite() || slope == 0.0 {
        return None;
    }
    let exact = (value - intercept) / slope;
    let (low, high) = if signed {
        (-(1_i64 << (bits - 1)), (1_i64 << (bits - 1)) - 1)
    } else {
        (0, (1_i64 << bits) - 1)
    };
    exact
        .is_finite()
        .then(|| (exact.round() as i64).clamp(low, high))
}

/// Steps of each index and the first voxel's place in LPS, as an affine to RAS.
fn ras(steps: [[f64; 3]; 3], origin: [f64; 3]) -> Affine {
    const TURN: [f64; 3] = [-1.0, -1.0, 1.0];
    Affine(std::array::from_fn(|row| {
        [
            TURN[row] * steps[0][row],
            TURN[row] * steps[1][row],
            TURN[row] * steps[2][row],
            TURN[row] * origin[row],
        ]
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_to_store() {
        assert_eq!(stored_fill(-1000.0, 1.0, -1024.0, 12, false), Some(24));
        assert_eq!(stored_fill(-1000.0, 1.0, 0.0, 16, true), Some(-1000));
        // Air that cannot be stored becomes what is nearest.
        assert_eq!(stored_fill(-1000.0, 1.0, 0.0, 12, false), Some(0));
        assert_eq!(stored_fill(0.0, 0.0, 0.0, 12, false), None);
        assert_eq!(stored_fill(0.0, 1.0, 0.0, 64, false), None);
        assert_eq!(stored_fill(f64::NAN, 1.0, 0.0, 12, false), None);
    }

    #[test]
    fn slices_lie_in_the_patient() {
        let positions: Vec<[f64; 3]> = (0..4)
            .map(|k| [10.0, 20.0, 30.0 + 3.0 * f64::from(k)])
            .collect();
        let slices = Slices {
            columns: 2,
            rows: 3,
            positions: &positions,
            orientation: [1.0, 0.0, 0.0, 0.0, 1.0, 0.0],
            pixel_spacing: [0.5, 0.25],
            values: &[0.0; 24],
        };
        let volume = slices.volume().unwrap();
        assert_eq!(
            volume.affine().apply([1.0, 2.0, 3.0]),
            [-10.25, -21.0, 39.0]
        );
        let refused =
            |slices: Slices<'_>| assert!(matches!(slices.volume(), Err(Refused::Volume(_))));
        let mut gap = positions.clone();
        gap[2][2] += 1.0;
        refused(Slices {
            positions: &gap,
            ..slices.clone()
        });
        refused(Slices {
            positions: &positions[..1],
            ..slices.clone()
        });
        let tilted: Vec<[f64; 3]> = (0..4)
            .map(|k| [0.0, f64::from(k), 3.0 * f64::from(k)])
            .collect();
        refused(Slices {
            positions: &tilted,
            ..slices.clone()
        });
        refused(Slices {
            orientation: [1.0, 0.0, 0.0, 1.0, 0.0, 0.0],
            ..slices.clone()
        });
        refused(Slices {
            values: &[0.0; 23],
            ..slices
        });
    }
}
