//! Skin that can be seen: what rendering of the volume would show. Cavities of nose and mouth,
//! which are open to the air too, are not.

use crate::Affine;
use crate::report::SurfaceReport;
use crate::work::Work;

/// Degrees about the vertical from which is looked: 0 is the front, 90 a side.
const AZIMUTHS: [f64; 9] = [-110.0, -90.0, -60.0, -30.0, 0.0, 30.0, 60.0, 90.0, 110.0];
/// mm of the template between rays, and between two looks along one.
const APART: f64 = 1.5;
/// mm of the template to each side of the vertical, and how far down and up.
const REACH: f64 = 150.0;
const LOW: f64 = -150.0;
const HIGH: f64 = 10.0;

pub(crate) struct Skin {
    seen: Vec<bool>,
    /// mm² of one block's side, on average.
    area: f64,
}

impl Skin {
    /// `map` leads from mm of the template to mm of the volume.
    pub fn new(work: &Work, map: &Affine) -> Self {
        let head = &work.head;
        let mut seen = vec![false; head.inside.len()];
        let to_block = work.affine.inverse().unwrap_or(Affine::IDENTITY).after(map);
        let across = (2.0 * REACH / APART) as usize;
        let down = ((HIGH - LOW) / APART) as usize;
        for azimuth in AZIMUTHS {
            let (sine, cosine) = azimuth.to_radians().sin_cos();
            for ray in 0..across * down {
                let side = (ray % across) as f64 * APART - REACH;
                let height = LOW + (ray / across) as f64 * APART;
                let point = |far: f64| {
                    let ahead = REACH - far;
                    to_block.apply([
                        ahead * sine + side * cosine,
                        ahead * cosine - side * sine,
                        height,
                    ])
                };
                let (first, next) = (point(0.0), point(APART));
                let mut entered = false;
                for step in 0..across {
                    let index: [f64; 3] = std::array::from_fn(|axis| {
                        first[axis] + step as f64 * (next[axis] - first[axis]) + 0.5
                    });
                    let within = (0..3)
                        .all(|axis| index[axis] >= 0.0 && index[axis] < head.dims[axis] as f64);
                    if !within {
                        continue;
                    }
                    let at = index[0] as usize
                        + head.dims[0] * (index[1] as usize + head.dims[1] * index[2] as usize);
                    if head.inside[at] {
                        // A head that begins where the volume does is cut there, and shows no skin.
                        seen[at] |= entered;
                        break;
                    }
                    entered = true;
                }
            }
        }
        let block: f64 = head.spacing.iter().product();
        Self {
            seen,
            area: block.cbrt().powi(2),
        }
    }

    /// What is seen of one kind, and how much of it `stays`.
    pub fn of(&self, kinds: &[u8], kind: u8, stays: impl Fn(usize) -> bool) -> SurfaceReport {
        let (mut before, mut after) = (0.0, 0.0);
        for (at, seen) in self.seen.iter().enumerate() {
            if *seen && kinds[at] & kind != 0 {
                before += self.area;
                if stays(at) {
                    after += self.area;
                }
            }
        }
        SurfaceReport {
            before_mm2: before,
            after_mm2: after,
            share_left: if before > 0.0 { after / before } else { 0.0 },
        }
    }
}
