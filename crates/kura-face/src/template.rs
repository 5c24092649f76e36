//! The average head and what lies where in its space (MNI152, mm, RAS: x to the left is negative,
//! y grows to the front, z to the top; 0 is near the anterior commissure).
//!
//! `avg152T1` and its mask are niivue/deface's (BSD 2-Clause); the mask is 1 where a voxel stays.
//! `brain` is made of the first by `xtask/face_template.py`.

use std::sync::LazyLock;

use crate::grid::Region;
use crate::nifti::Nifti;
use crate::work::ranks;
use crate::{Affine, Refused};

static HEAD: &[u8] = include_bytes!("../data/avg152T1.nii.gz");
static KEEP: &[u8] = include_bytes!("../data/avg152T1mask.nii.gz");
static BRAIN: &[u8] = include_bytes!("../data/brain.nii.gz");

/// A bit for each kind of place.
pub(crate) mod place {
    /// Taken out: eyes, nose, mouth, chin, cheeks, the brow.
    pub const FACE: u8 = 1;
    /// Taken out: the ears.
    pub const EAR: u8 = 2;
    /// Skin here shows the face.
    pub const FACE_SKIN: u8 = 4;
    /// Skin here shows an ear.
    pub const EAR_SKIN: u8 = 8;
    pub const BRAIN: u8 = 16;
    /// The brain of another person of this pose may lie here.
    pub const NEAR_BRAIN: u8 = 32;
    /// Surely brain.
    pub const DEEP_BRAIN: u8 = 64;
}

/// mm above which (z) everything stays: the eyebrows of the average head lie at −15, and a fit may
/// be a few degrees off.
const BROW: f64 = 4.0;
/// mm in front of which (y) everything below the brow and outside the brain goes: cheeks, jaw and
/// mouth. The pharynx lies at 0, the spinal cord at −45.
const FRONT: f64 = 8.0;
/// mm (z) at which the throat begins: no chin is lower.
const THROAT: f64 = -150.0;
/// mm from the average brain that stay: its skull.
const SKULL: f32 = 7.0;
/// mm from the midline, of the ears: their canals open at 70, the brain of this height reaches 66.
const EAR_SIDE: f64 = 62.0;
const EAR_BACK: f64 = -80.0;
const EAR_FRONT: f64 = 15.0;
const EAR_LOW: f64 = -100.0;
const EAR_HIGH: f64 = 4.0;

pub(crate) struct Template {
    pub affine: Affine,
    /// Brightness as ranks.
    pub ranks: Vec<f32>,
    pub head: Region,
    pub brain: Region,
    /// mm from the head.
    pub from_head: Vec<f32>,
    pub places: Places,
}

/// What lies where, every 2 mm, also beyond the template's own field of view.
pub(crate) struct Places {
    kinds: Vec<u8>,
}

const FIRST: [f64; 3] = [-124.0, -160.0, -184.0];
const SIDES: [usize; 3] = [125, 161, 153];
const STEP: f64 = 2.0;

impl Places {
    /// The bits of [`place`] at a point of the template, mm. Far away there is nothing.
    pub fn at(&self, point: [f64; 3]) -> u8 {
        let mut index = 0;
        for axis in (0..3).rev() {
            let along = (point[axis] - FIRST[axis]) / STEP + 0.5;
            if !(0.0..SIDES[axis] as f64).contains(&along) {
                return 0;
            }
            index = index * SIDES[axis] + along as usize;
        }
        self.kinds.get(index).copied().unwrap_or(0)
    }

    /// All points, mm, with their bits.
    pub fn points(&self) -> impl Iterator<Item = ([f64; 3], u8)> {
        self.kinds
            .iter()
            .enumerate()
            .map(|(at, kind)| (point(at), *kind))
    }
}

fn point(at: usize) -> [f64; 3] {
    let index = [
        at % SIDES[0],
        at / SIDES[0] % SIDES[1],
        at / (SIDES[0] * SIDES[1]),
    ];
    std::array::from_fn(|axis| FIRST[axis] + STEP * index[axis] as f64)
}

static TEMPLATE: LazyLock<Result<Template, &'static str>> =
    LazyLock::new(|| load().map_err(|_| "the template built in cannot be read"));

impl Template {
    pub fn get() -> Result<&'static Self, Refused> {
        TEMPLATE.as_ref().map_err(|what| Refused::Volume(what))
    }

    /// mm of a voxel.
    pub fn position(&self, at: usize) -> [f64; 3] {
        self.affine
            .apply(self.head.index(at).map(|index| index as f64))
    }
}

fn values(packed: &[u8]) -> Result<(Nifti, Vec<f32>), Refused> {
    let file = Nifti::read(packed, 8 << 20)?;
    let (mut all, mut slice) = (Vec::new(), Vec::new());
    for k in 0..file.volume.dims()[2] {
        file.volume.slice_values(k, &mut slice);
        all.append(&mut slice);
    }
    Ok((file, all))
}

fn load() -> Result<Template, Refused> {
    let (file, bright) = values(HEAD)?;
    let (dims, affine) = (file.volume.dims(), *file.volume.affine());
    let spacing = affine.spacing();
    let region = |values: &[f32], above: f32| {
        Region::new(
            dims,
            spacing,
            values.iter().map(|value| *value > above).collect(),
        )
    };
    let brain = region(&values(BRAIN)?.1, 0.5);
    let keep = region(&values(KEEP)?.1, 0.5);
    // Values are 0 to 1. The average skin is blurred: its middle lies at about a quarter.
    let outside = region(&bright, 0.22).largest_part().outside();
    let head = Region::new(
        dims,
        spacing,
        outside.inside.iter().map(|air| !air).collect(),
    );
    let places = places(&affine, &keep, &brain)?;
    Ok(Template {
        affine,
        ranks: ranks(&bright, &head.inside),
        from_head: head.distance(),
        head,
        brain,
        places,
    })
}

fn places(affine: &Affine, keep: &Region, brain: &Region) -> Result<Places, Refused> {
    let to_voxel = affine.inverse().ok_or(Refused::Volume("template"))?;
    let dims = keep.dims;
    // Beyond the template's field of view its nearest voxel speaks.
    let voxel = |point: [f64; 3], clamped: bool| {
        let index = to_voxel.apply(point);
        let mut at = 0;
        for axis in (0..3).rev() {
            let last = dims[axis] as f64 - 1.0;
            if !clamped && !(-0.5..=last + 0.5).contains(&index[axis]) {
                return None;
            }
            at = at * dims[axis] + index[axis].round().clamp(0.0, last) as usize;
        }
        Some(at)
    };
    let count = SIDES.iter().product();
    let within: Vec<bool> = (0..count)
        .map(|at| voxel(point(at), false).is_some_and(|at| brain.inside[at]))
        .collect();
    let wide = Region::new(SIDES, [STEP; 3], within);
    let far = wide.distance();
    let deep = wide.eroded(6.0);
    let kinds = (0..count)
        .map(|at| {
            let [x, y, z] = point(at);
            let side = x.abs();
            let stays = voxel([x, y, z], true).is_none_or(|at| keep.inside[at]);
            let mut kind = 0;
            let skull = far[at] > SKULL;
            let low = z < BROW && z > THROAT;
            if low && skull && (y > FRONT || (y > 0.0 && !stays)) {
                kind |= place::FACE;
            }
            if side > EAR_SIDE
                && (EAR_BACK..EAR_FRONT).contains(&y)
                && (EAR_LOW..EAR_HIGH).contains(&z)
                && skull
            {
                kind |= place::EAR;
            }
            if y > 30.0 && z < -8.0 && z > THROAT {
                kind |= place::FACE_SKIN;
            }
            if side > 66.0 && (-52.0..4.0).contains(&y) && (-85.0..-12.0).contains(&z) {
                kind |= place::EAR_SKIN;
            }
            if far[at] == 0.0 {
                kind |= place::BRAIN;
            }
            // Under the ears no brain reaches as far to the side as scalp does.
            if far[at] <= 10.0 && !(side > 72.0 && z < -8.0) {
                kind |= place::NEAR_BRAIN;
            }
            if deep.inside[at] {
                kind |= place::DEEP_BRAIN;
            }
            kind
        })
        .collect();
    Ok(Places { kinds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_places_of_the_average_head() {
        let template = Template::get().unwrap();
        let at = |x, y, z| template.places.at([x, y, z]);
        // Eyes, nose, mouth, chin; both ears.
        for (x, y, z) in [
            (32.0, 62.0, -40.0),
            (-32.0, 62.0, -40.0),
            (0.0, 105.0, -50.0),
            (0.0, 92.0, -90.0),
            (0.0, 80.0, -125.0),
        ] {
            assert_ne!(at(x, y, z) & place::FACE, 0, "{x} {y} {z}");
            assert_eq!(at(x, y, z) & place::BRAIN, 0);
        }
        for x in [-80.0, 80.0] {
            assert_ne!(at(x, -25.0, -45.0) & place::EAR, 0);
        }
        // The frontal pole, the vertex, the cerebellum, the back of the neck.
        for (x, y, z) in [
            (0.0, 68.0, 0.0),
            (0.0, -20.0, 80.0),
            (20.0, -70.0, -40.0),
            (0.0, -90.0, -100.0),
        ] {
            assert_eq!(at(x, y, z) & (place::FACE | place::EAR), 0, "{x} {y} {z}");
        }
        assert_ne!(at(0.0, -20.0, 20.0) & place::DEEP_BRAIN, 0);
        assert_eq!(at(1e9, f64::NAN, 0.0), 0);
        for (_, kind) in template.places.points() {
            assert!(kind & place::BRAIN == 0 || kind & (place::FACE | place::EAR) == 0);
        }
    }
}
