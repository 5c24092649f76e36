//! Overlap and distance of two 3-D masks.

use serde::Serialize;

use super::distance_transform::squared_distance;
use crate::error::{EvaluationError, finite, same_length};
use crate::interval::Estimable;

/// A binary segmentation. Shape `[z, y, x]`, x fastest; spacing in mm in the same order.
#[derive(Debug, Clone, Copy)]
pub struct Mask<'a> {
    voxels: &'a [bool],
    shape: [usize; 3],
    spacing: [f64; 3],
}

impl<'a> Mask<'a> {
    /// # Errors
    /// A shape with a zero or another number of voxels; a spacing that is not positive.
    pub fn new(
        voxels: &'a [bool],
        shape: [usize; 3],
        spacing: [f64; 3],
    ) -> Result<Self, EvaluationError> {
        let count = shape
            .iter()
            .try_fold(1usize, |product, &n| product.checked_mul(n))
            .unwrap_or(0);
        same_length("voxels of the mask", count, voxels.len())?;
        if count == 0 {
            return Err(EvaluationError::EmptyGroup { group: "mask" });
        }
        finite("spacing", &spacing)?;
        match spacing.iter().find(|s| **s <= 0.0) {
            Some(&value) => Err(EvaluationError::OutOfRange {
                what: "spacing in mm",
                value,
                allowed: "above 0",
            }),
            None => Ok(Mask {
                voxels,
                shape,
                spacing,
            }),
        }
    }

    /// The part inside a box, given by its first and one past its last index per axis.
    fn cropped(&self, low: [usize; 3], high: [usize; 3]) -> (Vec<bool>, [usize; 3]) {
        let mut voxels = Vec::new();
        for z in low[0]..high[0] {
            for y in low[1]..high[1] {
                let row = (z * self.shape[1] + y) * self.shape[2];
                voxels.extend_from_slice(&self.voxels[row + low[2]..row + high[2]]);
            }
        }
        (voxels, [0, 1, 2].map(|a| high[a] - low[a]))
    }

    /// Voxels of the mask with a face towards the outside; the edge of the volume is outside.
    fn surface(&self) -> Vec<usize> {
        let [nz, ny, nx] = self.shape;
        let mut surface = Vec::new();
        for z in 0..nz {
            for y in 0..ny {
                for x in 0..nx {
                    let i = (z * ny + y) * nx + x;
                    let inside = self.voxels[i]
                        && z > 0
                        && y > 0
                        && x > 0
                        && z + 1 < nz
                        && y + 1 < ny
                        && x + 1 < nx
                        && self.voxels[i - 1]
                        && self.voxels[i + 1]
                        && self.voxels[i - nx]
                        && self.voxels[i + nx]
                        && self.voxels[i - nx * ny]
                        && self.voxels[i + nx * ny];
                    if self.voxels[i] && !inside {
                        surface.push(i);
                    }
                }
            }
        }
        surface
    }
}

/// Overlap in voxels and distances in mm. Metrics Reloaded: Maier-Hein, Reinke et al., Nat.
/// Methods 21 (2024) 195–212.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MaskAgreement {
    pub first_voxels: usize,
    pub second_voxels: usize,
    pub both_voxels: usize,
    /// 2|A∩B|/(|A| + |B|): L. R. Dice, Ecology 26 (1945) 297–302. Undefined when both are empty.
    pub dice: Estimable<f64>,
    /// |A∩B|/|A∪B|: P. Jaccard, New Phytol. 11 (1912) 37–50. Undefined when both are empty.
    pub jaccard: Estimable<f64>,
    /// Undefined when either mask is empty.
    pub surface: Estimable<SurfaceDistance>,
}

/// Distances in mm between surface voxels (voxel centres). Directed: from each surface voxel of one
/// mask to the nearest of the other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SurfaceDistance {
    /// Hausdorff distance, the larger of the two directed maxima: Huttenlocher, Klanderman and
    /// Rucklidge, IEEE Trans. Pattern Anal. Mach. Intell. 15 (1993) 850–863.
    pub hausdorff: f64,
    /// The larger of the two directed 95th percentiles (linear between order statistics).
    pub hausdorff_95: f64,
    /// The 95th percentile of both directions' distances taken together, as some programs define
    /// it.
    pub hausdorff_95_pooled: f64,
    /// Mean of all distances of both directions.
    pub average_symmetric: f64,
    pub directed_maximum: [f64; 2],
    pub directed_percentile_95: [f64; 2],
}

/// # Errors
/// Masks of different shape or spacing.
pub fn mask_agreement(
    first: &Mask<'_>,
    second: &Mask<'_>,
) -> Result<MaskAgreement, EvaluationError> {
    for axis in 0..3 {
        same_length(
            "shape of the second mask",
            first.shape[axis],
            second.shape[axis],
        )?;
    }
    if first.spacing != second.spacing {
        return Err(EvaluationError::Contradiction {
            what: "the two masks differ in spacing",
            index: 1,
        });
    }
    let count = |m: &Mask<'_>| m.voxels.iter().filter(|v| **v).count();
    let (a, b) = (count(first), count(second));
    let both = first
        .voxels
        .iter()
        .zip(second.voxels)
        .filter(|(x, y)| **x && **y)
        .count();
    let empty = "both masks are empty";
    Ok(MaskAgreement {
        first_voxels: a,
        second_voxels: b,
        both_voxels: both,
        dice: Estimable::ratio(2.0 * both as f64, (a + b) as f64, empty),
        jaccard: Estimable::ratio(both as f64, (a + b - both) as f64, empty),
        surface: if a == 0 || b == 0 {
            Estimable::NotEstimable {
                reason: "a mask is empty",
            }
        } else {
            Estimable::Estimate(surface_distance(first, second))
        },
    })
}

/// First and one past the last index per axis of the voxels set in either mask.
fn bounding_box(first: &Mask<'_>, second: &Mask<'_>) -> ([usize; 3], [usize; 3]) {
    let [_, ny, nx] = first.shape;
    let (mut low, mut high) = (first.shape, [0; 3]);
    for (i, (a, b)) in first.voxels.iter().zip(second.voxels).enumerate() {
        if *a || *b {
            let place = [i / (ny * nx), i / nx % ny, i % nx];
            for axis in 0..3 {
                low[axis] = low[axis].min(place[axis]);
                high[axis] = high[axis].max(place[axis] + 1);
            }
        }
    }
    (low, high)
}

fn surface_distance(first: &Mask<'_>, second: &Mask<'_>) -> SurfaceDistance {
    // A volume is mostly background: distances are worked out in the box that holds both masks.
    // What lies outside the box is outside both, so surfaces stay what they are.
    let (low, high) = bounding_box(first, second);
    let spacing = first.spacing;
    let [(a, shape), (b, _)] = [first, second].map(|m| m.cropped(low, high));
    let of = |voxels| Mask {
        voxels,
        shape,
        spacing,
    };
    let (first, second) = (&of(&a), &of(&b));
    let surfaces = [first.surface(), second.surface()];
    let directed = |from: &[usize], to: &[usize]| -> Vec<f64> {
        let mut set = vec![false; first.voxels.len()];
        for &i in to {
            set[i] = true;
        }
        let field = squared_distance(|i| set[i], first.shape, first.spacing);
        let mut distances: Vec<f64> = from.iter().map(|&i| field[i].sqrt()).collect();
        distances.sort_unstable_by(f64::total_cmp);
        distances
    };
    let there = directed(&surfaces[0], &surfaces[1]);
    let back = directed(&surfaces[1], &surfaces[0]);
    let maximum = |d: &[f64]| d.last().copied().unwrap_or(0.0);
    let p95 = |d: &[f64]| crate::bootstrap::quantile(d, 0.95);
    let mut pooled: Vec<f64> = there.iter().chain(&back).copied().collect();
    pooled.sort_unstable_by(f64::total_cmp);
    let directed_maximum = [maximum(&there), maximum(&back)];
    let directed_percentile_95 = [p95(&there), p95(&back)];
    SurfaceDistance {
        hausdorff: directed_maximum[0].max(directed_maximum[1]),
        hausdorff_95: directed_percentile_95[0].max(directed_percentile_95[1]),
        hausdorff_95_pooled: p95(&pooled),
        average_symmetric: pooled.iter().sum::<f64>() / pooled.len() as f64,
        directed_maximum,
        directed_percentile_95,
    }
}
