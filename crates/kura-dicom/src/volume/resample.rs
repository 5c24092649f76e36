//! Values of one grid at the voxels of another.

use super::Volume;
use super::geometry::{Geometry, apply};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interpolation {
    /// Of the eight voxels around. Nothing is smoothed before: a grid much coarser than the
    /// volume's sees single voxels.
    Linear,
    /// The nearest voxel; halfway it is the one of the higher index.
    Nearest,
}

/// A coordinate this far beside a voxel's centre, or beyond the edge, is rounding of the matrices.
const ROUNDING: f64 = 1e-6;

impl Volume {
    /// The values at the voxels of `to`, in its order; `outside` where a voxel's centre lies
    /// outside the volume, whose outermost voxels reach half a spacing beyond their centres.
    ///
    /// # Panics
    /// Where [`Volume::values`] is not as long as its geometry says.
    pub fn resample(&self, to: &Geometry, how: Interpolation, outside: f32) -> Vec<f32> {
        let size = self.geometry.size;
        assert_eq!(
            self.values.len(),
            self.geometry.voxels(),
            "a value for each voxel"
        );
        match how {
            Interpolation::Nearest => nearest(&self.geometry, &self.values, to, outside),
            Interpolation::Linear => over(&self.geometry, to, outside, |index| {
                linear(&self.values, size, index)
            }),
        }
    }
}

/// Labels on another grid, each voxel as the nearest of `from`; 0 where that lies outside.
///
/// # Panics
/// Where `labels` is not as long as `from` says.
pub fn labels_on(from: &Geometry, labels: &[u8], to: &Geometry) -> Vec<u8> {
    assert_eq!(labels.len(), from.voxels(), "a label for each voxel");
    nearest(from, labels, to, 0)
}

fn nearest<T: Copy>(from: &Geometry, values: &[T], to: &Geometry, outside: T) -> Vec<T> {
    let size = from.size;
    over(from, to, outside, |index| {
        let voxel: [usize; 3] = std::array::from_fn(|at| {
            // Inside by now, so the cast cuts nothing but the fraction.
            ((index[at] + 0.5 + ROUNDING).max(0.0) as usize).min(size[at] - 1)
        });
        values[(voxel[2] * size[1] + voxel[1]) * size[0] + voxel[0]]
    })
}

/// Calls `value` with the index in `from` of each voxel of `to` that lies in it.
fn over<T: Copy>(
    from: &Geometry,
    to: &Geometry,
    outside: T,
    value: impl Fn([f64; 3]) -> T,
) -> Vec<T> {
    let Some((matrix, offset)) = from.of_index_in(to) else {
        return vec![outside; to.voxels()];
    };
    let last = from.size.map(|side| side as f64 - 0.5 + ROUNDING);
    let mut out = Vec::with_capacity(to.voxels());
    for slice in 0..to.size[2] {
        for row in 0..to.size[1] {
            for column in 0..to.size[0] {
                let moved = apply(&matrix, [column as f64, row as f64, slice as f64]);
                let index: [f64; 3] = std::array::from_fn(|at| moved[at] + offset[at]);
                // A value that is not a number is in no range.
                let inside = (0..3).all(|at| (-0.5 - ROUNDING..=last[at]).contains(&index[at]));
                out.push(if inside { value(index) } else { outside });
            }
        }
    }
    out
}

fn linear(values: &[f32], size: [usize; 3], index: [f64; 3]) -> f32 {
    let mut low = [0; 3];
    let mut high = [0; 3];
    let mut part = [0.0; 3];
    for at in 0..3 {
        let inside = index[at].clamp(0.0, size[at] as f64 - 1.0);
        low[at] = inside as usize;
        high[at] = (low[at] + 1).min(size[at] - 1);
        part[at] = inside - low[at] as f64;
    }
    let get = |column: usize, row: usize, slice: usize| {
        f64::from(values[(slice * size[1] + row) * size[0] + column])
    };
    let between = |a: f64, b: f64, part: f64| a + (b - a) * part;
    let along = |row: usize, slice: usize| {
        between(get(low[0], row, slice), get(high[0], row, slice), part[0])
    };
    let across = |slice: usize| between(along(low[1], slice), along(high[1], slice), part[1]);
    between(across(low[2]), across(high[2]), part[2]) as f32
}

#[cfg(test)]
mod tests {
    use super::super::geometry::{cross, dot};
    use super::*;

    /// Axes turned about all three of the patient's.
    fn oblique(a: f64, b: f64) -> [[f64; 3]; 3] {
        let row = [a.cos() * b.cos(), a.sin() * b.cos(), -b.sin()];
        let column = [-a.sin(), a.cos(), 0.0];
        [row, column, cross(row, column)]
    }

    fn volume(geometry: Geometry, value: impl Fn([f64; 3]) -> f64) -> Volume {
        let mut values = Vec::new();
        for slice in 0..geometry.size[2] {
            for row in 0..geometry.size[1] {
                for column in 0..geometry.size[0] {
                    let index = [column as f64, row as f64, slice as f64];
                    values.push(value(geometry.position(index)) as f32);
                }
            }
        }
        Volume {
            geometry,
            values,
            unit: None,
            slices: Vec::new(),
            positions: Vec::new(),
            study: String::new(),
            series: String::new(),
            frame_of_reference: None,
        }
    }

    #[test]
    fn a_plane_function_is_reproduced_between_oblique_grids() {
        // Linear interpolation is exact for what is linear, whatever the two orientations.
        let plane = |p: [f64; 3]| 100.0 + dot([0.3, -1.7, 2.5], p);
        let from = Geometry {
            size: [40, 30, 20],
            spacing: [1.1, 0.9, 2.5],
            origin: [-20.0, 15.0, 40.0],
            axes: oblique(0.5, -0.3),
        };
        let centre = from.centre();
        let scan = volume(from, plane);
        let mut to = Geometry {
            size: [9, 8, 7],
            spacing: [1.0, 1.3, 0.7],
            origin: [0.0; 3],
            axes: oblique(-0.2, 0.9),
        };
        let off = to.centre();
        to.origin = std::array::from_fn(|at| centre[at] - off[at]);
        let expected = volume(to.clone(), plane).values;
        let found = scan.resample(&to, Interpolation::Linear, f32::NAN);
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-3, "{found} {expected}");
        }
    }

    #[test]
    fn the_same_grid_gives_the_same_values_and_outside_is_outside() {
        let from = Geometry {
            size: [3, 4, 5],
            spacing: [0.7, 0.8, 0.9],
            origin: [1.0, 2.0, 3.0],
            axes: oblique(1.0, 0.2),
        };
        let scan = volume(from.clone(), |p| p[0] * p[1] - p[2]);
        for how in [Interpolation::Linear, Interpolation::Nearest] {
            let same = scan.resample(&from, how, f32::NAN);
            for (a, b) in same.iter().zip(&scan.values) {
                assert!((a - b).abs() < 1e-4, "{how:?} {a} {b}");
            }
        }
        let away = Geometry {
            origin: [500.0; 3],
            ..from.clone()
        };
        assert_eq!(
            scan.resample(&away, Interpolation::Linear, -7.0),
            vec![-7.0; 60]
        );
        // One voxel further: the first of each row lies outside by a whole voxel.
        let shifted = Geometry {
            origin: from.position([-1.0, 0.0, 0.0]),
            ..from
        };
        let moved = scan.resample(&shifted, Interpolation::Nearest, -7.0);
        for (row, values) in moved.chunks(3).zip(scan.values.chunks(3)) {
            assert_eq!(row, [-7.0, values[0], values[1]]);
        }
    }

    #[test]
    fn labels_come_back_from_a_finer_grid() {
        let from = Geometry {
            size: [6, 5, 4],
            spacing: [1.0, 1.0, 3.0],
            origin: [0.0; 3],
            axes: oblique(0.0, 0.0),
        };
        let labels: Vec<u8> = (0..120).map(|at| (at % 7) as u8).collect();
        let fine = from.centred([12, 10, 12], [0.5, 0.5, 1.0], "LPS").unwrap();
        let there = labels_on(&from, &labels, &fine);
        assert_eq!(there.iter().filter(|l| **l == 3).count(), 12 * 17);
        assert_eq!(labels_on(&fine, &there, &from), labels);
    }
}
