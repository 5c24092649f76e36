//! Is the fit good enough to say where the face is? The limits stand where tests put them: heads
//! of all poses and sizes on one side, what is no head or half of one on the other
//! (`tests/it/refused.rs`).

use crate::Refused;
use crate::register::{self, Fit};
use crate::report::{Face, FitReport};
use crate::template::{Template, place};
use crate::work::Work;
use crate::{Affine, grid::Region};

/// mm by which the volume is thought larger when asked whether a face may be in it.
const DOUBT_MM: f64 = 15.0;

struct Limits {
    nmi: f64,
    head_dice: f64,
    skin_distance_mm: f64,
    brain_in_view: f64,
    disagreement_mm: f64,
    scale: [f64; 2],
    /// Largest scale of an axis over the smallest.
    uneven: f64,
    shear: f64,
    tilt_degrees: f64,
}

const LIMITS: Limits = Limits {
    nmi: 1.1,
    head_dice: 0.91,
    skin_distance_mm: 6.0,
    brain_in_view: 0.4,
    disagreement_mm: 12.0,
    scale: [0.5, 1.2],
    uneven: 1.4,
    shear: 0.25,
    tilt_degrees: 65.0,
};

pub(crate) fn judge(work: &Work, template: &Template, fit: &Fit) -> Result<FitReport, Refused> {
    let report = measure(work, template, fit);
    let [a, b, c] = report.scale;
    let (least, most) = (a.min(b).min(c), a.max(b).max(c));
    let above = [
        ("mutual information", report.nmi, LIMITS.nmi),
        ("overlap of the heads", report.head_dice, LIMITS.head_dice),
        (
            "share of the brain in the volume",
            report.brain_in_view,
            LIMITS.brain_in_view,
        ),
        ("size", least, LIMITS.scale[0]),
    ];
    let below = [
        (
            "distance of the skins in mm",
            report.skin_distance_mm,
            LIMITS.skin_distance_mm,
        ),
        (
            "disagreement of two searches in mm",
            report.disagreement_mm,
            LIMITS.disagreement_mm,
        ),
        ("size", most, LIMITS.scale[1]),
        ("unevenness of size", most / least, LIMITS.uneven),
        ("shear", report.shear, LIMITS.shear),
        ("tilt in degrees", report.tilt_degrees, LIMITS.tilt_degrees),
    ];
    // What is no number is poor as well.
    let poor = above
        .into_iter()
        .find(|(_, found, limit)| found.is_nan() || found < limit)
        .or_else(|| {
            below
                .into_iter()
                .find(|(_, found, limit)| found.is_nan() || found > limit)
        });
    match poor {
        Some((measure, found, limit)) => Err(Refused::PoorFit {
            measure,
            found,
            limit,
        }),
        None => Ok(report),
    }
}

fn measure(work: &Work, template: &Template, fit: &Fit) -> FitReport {
    let to_block = work
        .affine
        .inverse()
        .unwrap_or(Affine::IDENTITY)
        .after(&fit.map);
    let head = &work.head;
    // mm to the volume's skin, from inside and from outside.
    let to_head = head.distance();
    let air: Vec<bool> = head.inside.iter().map(|inside| !inside).collect();
    let to_air = Region::new(head.dims, head.spacing, air).distance();
    let (mut both, mut either) = (0.0, 0.0);
    let (mut brain, mut seen) = (0.0, 0.0);
    let (mut far, mut skin) = (0.0, 0.0);
    for at in 0..template.head.inside.len() {
        let ours = template.head.inside[at];
        if !ours && template.from_head[at] > 30.0 {
            continue;
        }
        let here = block(head, to_block.apply(template.position(at)));
        if template.brain.inside[at] {
            brain += 1.0;
            seen += f64::from(u8::from(here.is_some()));
        }
        let Some(here) = here else { continue };
        let theirs = head.inside[here];
        both += 2.0 * f64::from(u8::from(ours && theirs));
        either += f64::from(u8::from(ours)) + f64::from(u8::from(theirs));
        if ours {
            let mut bare = false;
            template.head.neighbours(at, |_, next| {
                bare |= next.is_some_and(|next| !template.head.inside[next]);
            });
            if bare {
                skin += 1.0;
                far += f64::from(to_head[here].max(to_air[here])).min(40.0);
            }
        }
    }
    let pose = &fit.pose;
    FitReport {
        nmi: fit.nmi,
        head_dice: both / f64::max(either, 1.0),
        skin_distance_mm: if skin > 0.0 {
            far / skin
        } else {
            f64::INFINITY
        },
        brain_in_view: seen / f64::max(brain, 1.0),
        disagreement_mm: fit.disagreement,
        scale: [pose[6].exp(), pose[7].exp(), pose[8].exp()],
        shear: pose[9].abs().max(pose[10].abs()).max(pose[11].abs()),
        tilt_degrees: register::tilt(pose),
    }
}

fn block(head: &Region, index: [f64; 3]) -> Option<usize> {
    let mut at = 0;
    for axis in (0..3).rev() {
        let whole = index[axis] + 0.5;
        if !(0.0..head.dims[axis] as f64).contains(&whole) {
            return None;
        }
        at = at * head.dims[axis] + whole as usize;
    }
    Some(at)
}

/// Whether any place where skin of a face or an ear can be lies in the volume, or close to it.
pub(crate) fn in_view(work: &Work, template: &Template, map: &Affine) -> Face {
    let to_block = work.affine.inverse().unwrap_or(Affine::IDENTITY).after(map);
    let (dims, spacing) = (work.head.dims, work.head.spacing);
    let seen = template.places.points().any(|([x, y, z], kind)| {
        kind & (place::FACE_SKIN | place::EAR_SKIN) != 0 && y < 125.0 && x.abs() < 95.0 && {
            let index = to_block.apply([x, y, z]);
            (0..3).all(|axis| {
                let doubt = DOUBT_MM / spacing[axis];
                (-doubt..dims[axis] as f64 + doubt).contains(&index[axis])
            })
        }
    });
    if seen { Face::Removed } else { Face::NotInView }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Modality, Volume};

    /// A ball of tissue in a field of view whose lowest slice lies at `low` mm; the template is
    /// taken to lie on it as it is.
    fn seen(low: f64) -> Face {
        let dims = [50, 60, 25];
        let affine = Affine([
            [4.0, 0.0, 0.0, -98.0],
            [0.0, 4.0, 0.0, -128.0],
            [0.0, 0.0, 4.0, low],
        ]);
        let values: Vec<f32> = (0..dims.iter().product())
            .map(|at: usize| {
                let far = [at % 50, at / 50 % 60, at / 3000]
                    .iter()
                    .zip(dims)
                    .map(|(index, side)| (*index as f32 / side as f32 - 0.5).powi(2))
                    .sum::<f32>();
                if far < 0.16 { 100.0 } else { 0.0 }
            })
            .collect();
        let volume = Volume::from_values(dims, affine, &values).unwrap();
        let work = Work::new(&volume, Modality::Mr).unwrap();
        in_view(&work, Template::get().unwrap(), &Affine::IDENTITY)
    }

    #[test]
    fn only_geometry_says_that_there_is_no_face() {
        assert_eq!(seen(40.0), Face::NotInView);
        // The brow of the average head ends at −8 mm, and 15 mm are in doubt.
        assert_eq!(seen(0.0), Face::Removed);
        assert_eq!(seen(-60.0), Face::Removed);
    }
}
