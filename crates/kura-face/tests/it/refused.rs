//! What is no head, half of one, or wrongly labelled is refused; only geometry says that there is
//! no face.

use kura_face::{
    Affine, DataType, Defaced, Face, Modality, Options, Refused, Storage, Volume, deface,
};

use crate::judge::figures;
use crate::support::{Contrast, HEAD, Look, MM, Seen, head};

/// A volume of 240 mm, 2 mm a voxel, of what `value` says at a place (mm from the middle).
fn phantom(value: impl Fn([f64; 3], f64) -> f64) -> Volume {
    let side = 120;
    let (mut stored, mut noise) = (Vec::new(), 7_u32);
    for at in 0..side * side * side {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let random = f64::from(noise >> 8) / f64::from(1 << 24);
        let index = [at % side, at / side % side, at / (side * side)];
        let place = index.map(|index| 2.0 * index as f64 - 119.0);
        stored.extend((value(place, random).round() as i16).to_le_bytes());
    }
    let affine = Affine([
        [2.0, 0.0, 0.0, -119.0],
        [0.0, 2.0, 0.0, -119.0],
        [0.0, 0.0, 2.0, -119.0],
    ]);
    let storage = Storage {
        data_type: DataType::I16,
        big_endian: false,
        slope: 1.0,
        intercept: 0.0,
    };
    Volume::new([side; 3], 1, affine, storage, stored).unwrap()
}

/// Below 1 inside an ellipsoid.
fn ball(place: [f64; 3], middle: [f64; 3], radii: [f64; 3]) -> f64 {
    (0..3)
        .map(|axis| ((place[axis] - middle[axis]) / radii[axis]).powi(2))
        .sum::<f64>()
        .sqrt()
}

fn refused(name: &str, volume: &Volume, modality: Modality) -> Refused {
    match deface(volume, Options { modality }) {
        Ok(defaced) => panic!("{name} passed: {}", figures(&defaced)),
        Err(refused) => {
            println!("{name}: {refused}");
            refused
        }
    }
}

fn fits_poorly(name: &str, volume: &Volume, modality: Modality) {
    let refused = refused(name, volume, modality);
    assert!(
        matches!(refused, Refused::PoorFit { .. } | Refused::NoHead(_)),
        "{name}: {refused}"
    );
}

#[test]
fn what_is_no_head() {
    let none = [0.0; 3];
    fits_poorly("nothing", &phantom(|_, _| 0.0), Modality::Unknown);
    fits_poorly(
        "noise",
        &phantom(|_, random| 200.0 * random),
        Modality::Unknown,
    );
    let cube = phantom(|place, random| {
        if place.iter().all(|side| side.abs() < 80.0) {
            150.0 + 20.0 * random
        } else {
            5.0 * random
        }
    });
    fits_poorly("cube", &cube, Modality::Unknown);
    let egg = phantom(|place, random| {
        if ball(place, none, [72.0, 90.0, 80.0]) < 1.0 {
            150.0 + 40.0 * random
        } else {
            5.0 * random
        }
    });
    fits_poorly("egg", &egg, Modality::Unknown);
    // Scalp, skull, brain: a head without a face.
    let layers = phantom(|place, random| {
        let out = ball(place, none, [75.0, 95.0, 85.0]);
        let value = match out {
            0.0..0.82 => 120.0,
            0.82..0.92 => 12.0,
            0.92..1.0 => 180.0,
            _ => 2.0,
        };
        value + 10.0 * random
    });
    fits_poorly("egg in layers", &layers, Modality::Unknown);
    let abdomen = |air: f64, bone: f64, soft: f64, fat: f64| {
        phantom(move |place, random| {
            let out = ball(place, none, [115.0, 95.0, 400.0]);
            let spine = ball(place, [0.0, -60.0, 0.0], [22.0, 22.0, 400.0]);
            let liver = ball(place, [45.0, 10.0, 30.0], [55.0, 60.0, 70.0]);
            let gas = ball(place, [-40.0, 40.0, -20.0], [18.0, 18.0, 25.0]);
            let value = match (out < 1.0, spine < 1.0, gas < 1.0, liver < 1.0) {
                (false, ..) | (_, _, true, _) => air,
                (_, true, ..) => bone,
                (_, _, _, true) => soft,
                _ => fat,
            };
            value + 8.0 * random
        })
    };
    fits_poorly(
        "abdomen MR",
        &abdomen(0.0, 60.0, 120.0, 220.0),
        Modality::Mr,
    );
    fits_poorly(
        "abdomen CT",
        &abdomen(-1000.0, 400.0, 60.0, -80.0),
        Modality::Ct,
    );
}

/// The head with every voxel of which `gone` says so (mm, RAS) made air.
fn without(look: &Look, gone: impl Fn([f64; 3]) -> bool) -> Option<Volume> {
    let Seen { volume, .. } = look.see(head()?);
    let dims = volume.dims();
    let mut stored = volume.stored().to_vec();
    for (at, voxel) in stored.chunks_exact_mut(2).enumerate() {
        let index = [
            at % dims[0],
            at / dims[0] % dims[1],
            at / (dims[0] * dims[1]),
        ];
        if gone(volume.affine().apply(index.map(|index| index as f64))) {
            voxel.fill(0);
        }
    }
    Some(Volume::new(dims, 1, *volume.affine(), volume.storage(), stored).unwrap())
}

#[test]
fn half_a_head() {
    let look = Look::default();
    if let Some(side) = without(&look, |[x, ..]| x < 0.0) {
        fits_poorly("left half", &side, Modality::Unknown);
    }
    if let Some(back) = without(&look, |[_, y, _]| y > 0.0) {
        fits_poorly("back half", &back, Modality::Unknown);
    }
    // Its face has been taken out before, or lost.
    if let Some(upper) = without(&look, |[.., z]| z < 10.0) {
        fits_poorly("upper half", &upper, Modality::Unknown);
    }
}

#[test]
fn a_header_that_is_wrong() {
    let upside_down = Look {
        turn: [0.0, 180.0, 0.0],
        ..Look::default()
    };
    let backwards = Look {
        turn: [0.0, 0.0, 180.0],
        ..Look::default()
    };
    let too_small = Look {
        scale: 0.4,
        ..Look::default()
    };
    for (name, look) in [
        ("upside down", upside_down),
        ("backwards", backwards),
        ("a doll's", too_small),
    ] {
        if let Some(head) = head() {
            fits_poorly(name, &look.see(head).volume, Modality::Unknown);
        }
    }
}

/// A field of view from `low` mm upwards.
fn above(low: f64) -> Look {
    let high = 110.0;
    let slices = ((high - low) / MM) as usize;
    Look {
        dims: [133, 140, slices],
        away: [0.0, 0.0, (low + high) / 2.0 - crate::support::PIVOT[2]],
        ..Look::default()
    }
}

#[test]
fn a_field_of_view_without_a_face() {
    let Some(head) = head() else { return };
    // From the middle of the forehead upwards.
    let seen = above(10.0).see(head);
    match deface(&seen.volume, Options::default()) {
        Ok(defaced) => {
            println!("above the eyes: {}", figures(&defaced));
            assert_eq!(defaced.report.face, Face::NotInView);
            assert_eq!(defaced.report.face_surface.before_mm2, 0.0);
            assert_eq!(defaced.report.ear_surface.before_mm2, 0.0);
        }
        Err(refused) => {
            println!("above the eyes: {refused}");
            assert!(matches!(
                refused,
                Refused::PoorFit { .. } | Refused::SurfaceLeft { .. }
            ));
        }
    }
    // From just above the brow: geometry does not prove it.
    let seen = above(-8.0).see(head);
    match deface(&seen.volume, Options::default()) {
        Ok(defaced) => {
            println!("above the brow: {}", figures(&defaced));
            assert_eq!(defaced.report.face, Face::Removed);
        }
        Err(refused) => println!("above the brow: {refused}"),
    }
}

#[test]
fn what_is_refused_is_not_changed() {
    let Some(head) = head() else { return };
    let seen = Look {
        contrast: Contrast::Ct,
        ..Look::default()
    }
    .see(head);
    assert!(seen.parts.iter().any(|part| part & HEAD != 0));
    // CT read as MR without its Hounsfield units told: whatever comes, only the mask changes.
    let before = seen.volume.stored().to_vec();
    let options = Options {
        modality: Modality::Mr,
    };
    let made: Result<Defaced, Refused> = deface(&seen.volume, options);
    assert_eq!(before, seen.volume.stored());
    if let Ok(defaced) = made {
        println!("CT as MR: {}", figures(&defaced));
        assert_eq!(defaced.report.brain.voxels_changed, 0);
    }
}
