//! Where the brain is: what the template says, and what hangs together with its middle.

use crate::Affine;
use crate::grid::Region;
use crate::template::{Template, place};
use crate::work::Work;

/// mm around the brain in which nothing changes.
pub(crate) const MARGIN_MM: f64 = 3.0;
/// Dura, foramina and vessels that join brain to what is not brain are thinner than twice this.
const BRIDGE_MM: f64 = 2.0;
/// mm of scalp and skull over every brain, a child's too: what is nearer to the air is no brain,
/// even where bone is as bright.
const COVER_MM: f32 = 6.0;

pub(crate) struct Brain {
    /// The template's, and what has grown from it, on the working grid.
    pub brain: Region,
    /// The brain with its margin.
    pub protected: Region,
    /// The bits of [`place`] of each block.
    pub kinds: Vec<u8>,
}

/// `to_template` leads from mm of the volume to mm of the template.
pub(crate) fn locate(work: &Work, template: &Template, to_template: &Affine) -> Brain {
    let head = &work.head;
    let to_point = to_template.after(&work.affine);
    let kinds: Vec<u8> = (0..head.inside.len())
        .map(|at| {
            let point = to_point.apply(head.index(at).map(|index| index as f64));
            template.places.at(point)
        })
        .collect();
    let of = |bit: u8| {
        let inside = kinds.iter().map(|kind| kind & bit != 0).collect();
        Region::new(head.dims, head.spacing, inside)
    };
    let (warped, deep) = (of(place::BRAIN), of(place::DEEP_BRAIN));
    let mut bright: Vec<f32> = work
        .values
        .iter()
        .zip(&deep.inside)
        .filter_map(|(value, deep)| deep.then_some(*value))
        .collect();
    bright.sort_unstable_by(f32::total_cmp);
    let at = |percent: usize| {
        bright
            .get(percent * bright.len().saturating_sub(1) / 100)
            .copied()
            .unwrap_or(0.0)
    };
    // Ventricles and large vessels are left out: in T1 they are as dark as bone.
    let (low, high) = (at(15), at(98));
    let (low, high) = (low - 0.25 * (high - low), high + 0.1 * (high - low));
    let air = head.inside.iter().map(|inside| !inside).collect();
    // Sinuses and mastoid cells are open to the air as well, and lie against the brain.
    let air = Region::new(head.dims, head.spacing, air).opened(10.0);
    let depth = air.distance();
    let alike = (0..kinds.len()).map(|at| {
        kinds[at] & place::NEAR_BRAIN != 0
            && depth[at] > COVER_MM
            && (low..=high).contains(&work.values[at])
    });
    let alike = Region::new(head.dims, head.spacing, alike.collect());
    let grown = alike.opened(BRIDGE_MM).reached_from(&deep);
    let mut brain = warped;
    for (brain, grown) in brain.inside.iter_mut().zip(&grown.inside) {
        *brain |= *grown;
    }
    let mut protected = brain.dilated(MARGIN_MM);
    // The margin ends below the skin.
    for (at, inside) in protected.inside.iter_mut().enumerate() {
        *inside &= brain.inside[at] || depth[at] > COVER_MM;
    }
    Brain {
        brain,
        protected,
        kinds,
    }
}
