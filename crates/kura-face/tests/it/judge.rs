//! Judged by the truth, not by what the crate says of itself.

use kura_face::{Defaced, Face, Options, deface};

use crate::support::{BRAIN, Contrast, Look, PARTS, Seen, head};

/// Voxels of tissue that must be there for a part to be judged at all; a voxel is 1 to 5 mm³.
pub const FEWEST: usize = 60;

/// Takes the face out of a head seen so, and checks that every part is gone and the brain whole.
pub fn check(name: &str, look: &Look) {
    let Some(head) = head() else { return };
    let seen = look.see(head);
    let found = deface(&seen.volume, Options::default());
    let defaced = found.unwrap_or_else(|refused| panic!("{name}: {refused}"));
    println!("{name}: {}", figures(&defaced));
    judge(name, look, &seen, &defaced, true);
}

pub fn figures(defaced: &Defaced) -> String {
    let (report, fit) = (&defaced.report, &defaced.report.fit);
    format!(
        "nmi {:.3} dice {:.3} skin {:.1} mm apart {:.1} mm scale {:.2} {:.2} {:.2} shear {:.2} tilt {:.0} in view {:.2} \
         face {:.0} mm² left {:.4} ears {:.0} mm² left {:.4} {:.1} s",
        fit.nmi,
        fit.head_dice,
        fit.skin_distance_mm,
        fit.disagreement_mm,
        fit.scale[0],
        fit.scale[1],
        fit.scale[2],
        fit.shear,
        fit.tilt_degrees,
        fit.brain_in_view,
        report.face_surface.before_mm2,
        report.face_surface.share_left,
        report.ear_surface.before_mm2,
        report.ear_surface.share_left,
        report.seconds
    )
}

/// `all_parts`: every part must lie in the volume.
pub fn judge(name: &str, look: &Look, seen: &Seen, defaced: &Defaced, all_parts: bool) {
    let tissue = values(&seen.volume);
    let after = values(&defaced.volume);
    let removed = defaced.removed.voxels();
    let above = look.contrast.tissue();
    let voxel: f64 = seen.volume.affine().determinant().abs();
    for (part, bit) in PARTS {
        let (mut there, mut left) = (0, 0);
        for at in 0..tissue.len() {
            if seen.parts[at] & bit != 0 && tissue[at] > above {
                there += 1;
                left += usize::from(after[at] > above);
            }
        }
        assert!(
            !all_parts || there as f64 * voxel.max(1.0) >= FEWEST as f64 * 4.0,
            "{name}: {part} has {there} voxels, too few to judge"
        );
        assert_eq!(left, 0, "{name}: of {there} voxels of the {part}");
    }
    let width = seen.volume.storage().data_type.bytes();
    let bytes = |at: usize| at * width..(at + 1) * width;
    let (mut brain, mut touched) = (0, 0);
    for (at, gone) in removed.iter().enumerate() {
        let same = seen.volume.stored()[bytes(at)] == defaced.volume.stored()[bytes(at)];
        assert!(
            same || *gone,
            "{name}: a voxel changed that is not in the mask"
        );
        if seen.parts[at] & BRAIN != 0 {
            brain += 1;
            touched += usize::from(*gone);
        }
    }
    let volume = brain as f64 * voxel;
    let whole = 1_250_000.0 * look.scale.powi(3);
    assert!(
        (0.9..1.1).contains(&(volume / whole)),
        "{name}: {volume} mm³ of brain"
    );
    assert_eq!(touched, 0, "{name}: of {brain} voxels of brain");
    let report = &defaced.report;
    assert_eq!(report.brain.voxels_changed, 0);
    assert_eq!(report.face, Face::Removed);
    assert_eq!(
        report.removed.face_voxels + report.removed.ear_voxels,
        defaced.removed.count()
    );
    assert!(
        report.face_surface.before_mm2 > 8_000.0 * look.scale.powi(2),
        "{name}"
    );
    assert!(report.face_surface.share_left <= 0.01);
    // The back of the head is still there: not everything was taken.
    assert!(defaced.removed.count() as f64 * voxel < 9e6, "{name}");
}

pub fn values(volume: &kura_face::Volume) -> Vec<f32> {
    let (mut all, mut slice) = (Vec::new(), Vec::new());
    for k in 0..volume.dims()[2] {
        volume.slice_values(k, &mut slice);
        all.extend_from_slice(&slice);
    }
    all
}

pub fn with(contrast: Contrast) -> Look {
    Look {
        contrast,
        ..Look::default()
    }
}
