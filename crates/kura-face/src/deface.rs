//! The whole way: fit, judge, locate, remove, count.

use std::time::Instant;

use crate::brain::{self, Brain};
use crate::judge;
use crate::register;
use crate::report::{BrainReport, RemovedReport, Report};
use crate::skin::Skin;
use crate::template::{Template, place};
use crate::volume::{Mask, Volume};
use crate::work::Work;
use crate::{Affine, Refused};

/// Share of the skin of face or ears that may remain: what the brain's margin covers.
const MOST_LEFT: f64 = 0.01;

/// What the volume is, where the caller knows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Modality {
    /// Told from the values: CT where air lies at −1000.
    #[default]
    Unknown,
    Mr,
    /// Hounsfield units.
    Ct,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    pub modality: Modality,
}

/// A volume without its face.
#[derive(Debug, Clone)]
pub struct Defaced {
    pub volume: Volume,
    /// What was filled, in every time point.
    pub removed: Mask,
    /// What is taken for brain.
    pub brain: Mask,
    pub report: Report,
}

/// Takes face and ears out of a volume of a head. All voxels that are not in
/// [`Defaced::removed`] keep their bytes. Of several time points the first says where the face
/// is.
///
/// # Errors
/// [`Refused`]; nothing is handed out then.
pub fn deface(volume: &Volume, options: Options) -> Result<Defaced, Refused> {
    let started = Instant::now();
    let template = Template::get()?;
    let work = Work::new(volume, options.modality)?;
    let fit = register::fit(&work)?;
    let to_template = fit
        .map
        .inverse()
        .ok_or(Refused::NoHead("the template fits nowhere"))?;
    let fit_report = judge::judge(&work, template, &fit)?;
    let located = brain::locate(&work, template, &to_template);
    let masks = Masks::new(volume, &work, template, &to_template, &located);

    let mut after = volume.clone();
    after.fill(&masks.removed, f64::from(work.background))?;
    let changed = changed(volume, &after, &masks.brain);
    if changed > 0 {
        return Err(Refused::BrainChanged(changed));
    }
    let skin = Skin::new(&work, &fit.map);
    let stays = |block: usize| {
        let [gone, all] = masks.of_block[block];
        2 * gone <= all
    };
    let face_surface = skin.of(&located.kinds, place::FACE_SKIN, stays);
    let ear_surface = skin.of(&located.kinds, place::EAR_SKIN, stays);
    for (part, surface) in [("face", face_surface), ("ears", ear_surface)] {
        if surface.share_left > MOST_LEFT {
            return Err(Refused::SurfaceLeft {
                part,
                share: surface.share_left,
                limit: MOST_LEFT,
            });
        }
    }
    let report = Report {
        face: judge::in_view(&work, template, &fit.map),
        fit: fit_report,
        voxels: volume.voxels(),
        time_points: volume.frames(),
        brain: BrainReport {
            method: "the template's brain, and what is as bright and grown together with its middle within 10 mm of it",
            voxels: masks.brain.count(),
            margin_mm: brain::MARGIN_MM,
            voxels_changed: changed,
        },
        removed: RemovedReport {
            face_voxels: masks.face,
            ear_voxels: masks.ears,
            tissue_voxels: masks.tissue,
            fill: f64::from(work.background),
        },
        face_surface,
        ear_surface,
        air: f64::from(work.air),
        seconds: started.elapsed().as_secs_f64(),
    };
    Ok(Defaced {
        volume: after,
        removed: masks.removed,
        brain: masks.brain,
        report,
    })
}

/// At the volume's own size.
struct Masks {
    removed: Mask,
    brain: Mask,
    /// Voxels of each block that are removed, and of how many.
    of_block: Vec<[u16; 2]>,
    face: usize,
    ears: usize,
    tissue: usize,
}

impl Masks {
    fn new(
        volume: &Volume,
        work: &Work,
        template: &Template,
        to_template: &Affine,
        located: &Brain,
    ) -> Self {
        let dims = volume.dims();
        let blocks = work.head.dims;
        let to_point = to_template.after(volume.affine());
        let step: [f64; 3] = std::array::from_fn(|row| to_point.0[row][0]);
        let mut masks = Self {
            removed: Mask::empty(dims),
            brain: Mask::empty(dims),
            of_block: vec![[0; 2]; work.head.inside.len()],
            face: 0,
            ears: 0,
            tissue: 0,
        };
        let mut values = Vec::new();
        let mut at = 0;
        for k in 0..dims[2] {
            volume.slice_values(k, &mut values);
            let mut value = values.iter();
            for j in 0..dims[1] {
                let first = to_point.apply([0.0, j as f64, k as f64]);
                let line = blocks[0] * (j / work.factor[1] + blocks[1] * (k / work.factor[2]));
                for i in 0..dims[0] {
                    let block = line + i / work.factor[0];
                    let along = i as f64;
                    let kind = template
                        .places
                        .at(std::array::from_fn(|axis| first[axis] + along * step[axis]));
                    let bright = value.next().is_some_and(|value| *value > work.air);
                    masks.brain.voxels[at] = located.brain.inside[block];
                    let gone =
                        kind & (place::FACE | place::EAR) != 0 && !located.protected.inside[block];
                    masks.of_block[block][1] += 1;
                    if gone {
                        masks.removed.voxels[at] = true;
                        masks.of_block[block][0] += 1;
                        masks.tissue += usize::from(bright);
                        if kind & place::FACE != 0 {
                            masks.face += 1;
                        } else {
                            masks.ears += 1;
                        }
                    }
                    at += 1;
                }
            }
        }
        masks
    }
}

/// Voxels of the brain whose bytes differ, in any time point.
fn changed(before: &Volume, after: &Volume, brain: &Mask) -> usize {
    let width = before.storage().data_type.bytes();
    let brain = brain.voxels.iter().cycle();
    before
        .stored()
        .chunks_exact(width)
        .zip(after.stored().chunks_exact(width))
        .zip(brain)
        .filter(|((before, after), brain)| **brain && before != after)
        .count()
}
