//! The volume at a size at which it can be thought about: blocks of about 2 mm, what is head, and
//! brightness as ranks, so that contrasts of MR and CT look alike to the registration.

use crate::grid::Region;
use crate::volume::Volume;
use crate::{Affine, Modality, Refused};

/// Steps of brightness; 0 is air.
pub(crate) const LEVELS: usize = 24;
const STEP_MM: f64 = 2.0;
const MOST_BLOCKS: usize = 4_000_000;
/// Hounsfield units below which there is air; skin lies around 0, foam of a headrest below −800.
const CT_AIR: f32 = -350.0;
/// mm³: a head of a newborn is 700 ml, and a part of one must do.
const MIN_HEAD: f64 = 250_000.0;

#[derive(Debug)]
pub(crate) struct Work {
    /// Voxels of the volume in one block along each axis.
    pub factor: [usize; 3],
    /// Block index to mm, RAS.
    pub affine: Affine,
    /// Means of the blocks.
    pub values: Vec<f32>,
    /// Values up to here are air.
    pub air: f32,
    /// The value that air is given.
    pub background: f32,
    /// What is not air and hangs together, holes filled.
    pub head: Region,
}

impl Work {
    pub fn new(volume: &Volume, modality: Modality) -> Result<Self, Refused> {
        let dims = volume.dims();
        let spacing = volume.affine().spacing();
        let mut factor: [usize; 3] = std::array::from_fn(|axis| {
            ((STEP_MM / spacing[axis] + 0.01).floor() as usize).clamp(1, dims[axis])
        });
        // A wide field of view in voxels between 1 and 2 mm is made coarser where it is finest.
        while (0..3)
            .map(|axis| dims[axis].div_ceil(factor[axis]))
            .product::<usize>()
            > MOST_BLOCKS
        {
            let step = |axis: usize| spacing[axis] * factor[axis] as f64;
            let finest = (0..3)
                .min_by(|a, b| step(*a).total_cmp(&step(*b)))
                .unwrap_or(0);
            factor[finest] += 1;
        }
        let blocks: [usize; 3] = std::array::from_fn(|axis| dims[axis].div_ceil(factor[axis]));
        // A block's centre lies in the middle of its voxels.
        let mut within = Affine::IDENTITY;
        for (axis, factor) in factor.iter().enumerate() {
            within.0[axis][axis] = *factor as f64;
            within.0[axis][3] = (*factor as f64 - 1.0) / 2.0;
        }
        let affine = volume.affine().after(&within);
        let extent: [f64; 3] = std::array::from_fn(|axis| dims[axis] as f64 * spacing[axis]);
        if extent.iter().any(|side| *side < 60.0) {
            return Err(Refused::NoHead(
                "a side of the volume is shorter than 60 mm",
            ));
        }
        let values = means(volume, factor, blocks);
        let (low, high) = (fold(&values, f32::min), fold(&values, f32::max));
        if low >= high {
            return Err(Refused::NoHead("all voxels are the same"));
        }
        let ct = match modality {
            Modality::Ct => true,
            Modality::Mr => false,
            // Air of CT is −1000, and no MR has values as far below 0 that are its background.
            Modality::Unknown => low <= -900.0 && high > 200.0 && median_low(&values) < -700.0,
        };
        let (air, background) = if ct {
            (CT_AIR, -1000.0)
        } else {
            let parted = otsu(&values);
            let background = median_of(values.iter().copied().filter(|value| *value <= parted));
            // Skin is darker than the middle of the head by its partial volume.
            (background + 0.4 * (parted - background), background)
        };
        let spacing = affine.spacing();
        let bright = values.iter().map(|value| *value > air).collect();
        let bright = Region::new(blocks, spacing, bright);
        // A headrest or a table touches by thin bridges only; opening cuts them. What opening
        // took from the head itself, ears and the tip of the nose, comes back.
        let near = bright.opened(3.0).largest_part().dilated(12.0);
        let both = near
            .inside
            .iter()
            .zip(&bright.inside)
            .map(|(near, bright)| *near && *bright);
        let outside = Region::new(blocks, spacing, both.collect())
            .largest_part()
            .outside();
        let head = Region::new(
            blocks,
            spacing,
            outside.inside.iter().map(|outside| !outside).collect(),
        );
        let block: f64 = spacing.iter().product();
        if (head.count() as f64) * block < MIN_HEAD {
            return Err(Refused::NoHead("what is not air is smaller than a head"));
        }
        Ok(Self {
            factor,
            affine,
            values,
            air,
            background,
            head,
        })
    }

    /// Brightness as ranks within the head, 1 to [`LEVELS`] − 1; air around is 0.
    pub fn ranks(&self) -> Vec<f32> {
        ranks(&self.values, &self.head.inside)
    }
}

/// Ranks of the values inside, from 1 to [`LEVELS`] − 1, equally many in each.
pub(crate) fn ranks(values: &[f32], inside: &[bool]) -> Vec<f32> {
    let mut sorted: Vec<f32> = values
        .iter()
        .zip(inside)
        .filter_map(|(value, inside)| inside.then_some(*value))
        .collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let steps = LEVELS - 1;
    let bounds: Vec<f32> = (1..steps)
        .filter_map(|step| sorted.get(step * sorted.len() / steps).copied())
        .collect();
    values
        .iter()
        .zip(inside)
        .map(|(value, inside)| {
            if *inside {
                1.0 + bounds.partition_point(|bound| bound <= value) as f32
            } else {
                0.0
            }
        })
        .collect()
}

fn means(volume: &Volume, factor: [usize; 3], blocks: [usize; 3]) -> Vec<f32> {
    let dims = volume.dims();
    let size = blocks[0] * blocks[1];
    let mut all = Vec::with_capacity(size * blocks[2]);
    let mut values = Vec::new();
    for block in 0..blocks[2] {
        let mut sums = vec![0.0_f64; size];
        let mut counts = vec![0_u32; size];
        for k in block * factor[2]..((block + 1) * factor[2]).min(dims[2]) {
            volume.slice_values(k, &mut values);
            for (row, line) in values.chunks_exact(dims[0]).enumerate() {
                let start = row / factor[1] * blocks[0];
                for (i, value) in line.iter().enumerate() {
                    // What is no number counts as nothing.
                    if value.is_finite() {
                        sums[start + i / factor[0]] += f64::from(*value);
                        counts[start + i / factor[0]] += 1;
                    }
                }
            }
        }
        all.extend(sums.iter().zip(&counts).map(|(sum, count)| {
            if *count == 0 {
                f32::NAN
            } else {
                (sum / f64::from(*count)) as f32
            }
        }));
    }
    // Blocks without a number are as dark as the darkest.
    let low = fold(&all, f32::min);
    for value in &mut all {
        if value.is_nan() {
            *value = if low.is_finite() { low } else { 0.0 };
        }
    }
    all
}

fn fold(values: &[f32], with: fn(f32, f32) -> f32) -> f32 {
    values
        .iter()
        .copied()
        .filter(|value| value.is_finite())
        .reduce(with)
        .unwrap_or(0.0)
}

fn median_of(values: impl Iterator<Item = f32>) -> f32 {
    let mut values: Vec<f32> = values.collect();
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f32::total_cmp).1
}

/// The median of the darker half.
fn median_low(values: &[f32]) -> f32 {
    let median = median_of(values.iter().copied());
    median_of(values.iter().copied().filter(|value| *value <= median))
}

/// The value that parts dark from bright best (Otsu 1979, doi:10.1109/TSMC.1979.4310076), on 256
/// steps up to the 99.5th percentile.
fn otsu(values: &[f32]) -> f32 {
    let low = fold(values, f32::min);
    let mut sorted = values.to_vec();
    let place = (sorted.len() - 1) * 995 / 1000;
    let high = *sorted.select_nth_unstable_by(place, f32::total_cmp).1;
    let width = (high - low).max(f32::MIN_POSITIVE) / 255.0;
    let mut counts = [0_f64; 256];
    for value in values {
        counts[(((value - low) / width) as usize).min(255)] += 1.0;
    }
    let total: f64 = counts.iter().sum();
    let mean: f64 = counts
        .iter()
        .enumerate()
        .map(|(at, count)| at as f64 * count)
        .sum();
    let (mut below, mut sum, mut best, mut parted) = (0.0, 0.0, -1.0, 0);
    for (at, count) in counts.iter().enumerate().take(255) {
        below += count;
        sum += at as f64 * count;
        let above = total - below;
        if below == 0.0 || above == 0.0 {
            continue;
        }
        let apart = sum / below - (mean - sum) / above;
        let between = below * above * apart * apart;
        if between > best {
            (best, parted) = (between, at);
        }
    }
    low + width * (parted as f32 + 0.5)
}
