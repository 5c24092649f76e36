//! Heads of all poses, sizes, contrasts and ways of storing.

use kura_face::{DataType, Storage};

use crate::judge::{check, with};
use crate::support::{Contrast, Look, MM};

#[test]
fn upright() {
    check("upright", &Look::default());
}

#[test]
fn tilted_forward_and_back() {
    for degrees in [-40.0, -30.0, -15.0, 15.0, 30.0, 40.0] {
        check(
            &format!("about x {degrees}"),
            &Look::turned([degrees, 0.0, 0.0]),
        );
    }
}

#[test]
fn tilted_to_a_shoulder() {
    for degrees in [-30.0, 15.0, 40.0] {
        check(
            &format!("about y {degrees}"),
            &Look::turned([0.0, degrees, 0.0]),
        );
    }
}

#[test]
fn turned_to_a_side() {
    for degrees in [-15.0, 30.0, -40.0] {
        check(
            &format!("about z {degrees}"),
            &Look::turned([0.0, 0.0, degrees]),
        );
    }
    check("about all", &Look::turned([20.0, -15.0, 25.0]));
}

#[test]
fn children() {
    for (scale, turn) in [
        (0.85, [0.0; 3]),
        (0.75, [0.0; 3]),
        (0.75, [25.0, 10.0, -15.0]),
    ] {
        let look = Look {
            scale,
            turn,
            ..Look::default()
        };
        check(&format!("child {scale} {turn:?}"), &look);
    }
}

#[test]
fn other_contrasts() {
    check("noisy", &with(Contrast::Noisy));
    check("inverted", &with(Contrast::Inverted));
    check("ct", &with(Contrast::Ct));
    let tilted = Look {
        turn: [-25.0, 0.0, 15.0],
        ..with(Contrast::Ct)
    };
    check("ct tilted", &tilted);
}

#[test]
fn thick_slices() {
    let axial = Look {
        dims: [256, 256, 56],
        steps: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 5.0]],
        ..Look::default()
    };
    check("axial 1 × 1 × 5", &axial);
    let tilted = Look {
        turn: [20.0, 0.0, 10.0],
        ..axial
    };
    check("axial 1 × 1 × 5 tilted", &tilted);
    let sagittal = Look {
        dims: [256, 280, 40],
        steps: [[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [5.0, 0.0, 0.0]],
        ..Look::default()
    };
    check("sagittal 1 × 1 × 5", &sagittal);
}

#[test]
fn stored_in_other_orders() {
    let unsigned = Storage {
        data_type: DataType::U8,
        big_endian: false,
        slope: 1.0,
        intercept: 0.0,
    };
    let lps = Look {
        steps: [[-MM, 0.0, 0.0], [0.0, -MM, 0.0], [0.0, 0.0, MM]],
        storage: unsigned,
        ..Look::default()
    };
    check("LPS", &lps);
    let sagittal = Look {
        dims: [140, 140, 133],
        steps: [[0.0, MM, 0.0], [0.0, 0.0, -MM], [-MM, 0.0, 0.0]],
        storage: Storage {
            data_type: DataType::F32,
            ..unsigned
        },
        ..Look::default()
    };
    check("AIL", &sagittal);
    let scaled = Look {
        storage: Storage {
            data_type: DataType::U16,
            big_endian: true,
            slope: 0.5,
            intercept: -100.0,
        },
        ..Look::turned([0.0, 10.0, 0.0])
    };
    check("big endian, scaled", &scaled);
    // Axes that follow no axis of the patient, as of an oblique acquisition.
    let (sine, cosine) = 0.35_f64.sin_cos();
    let oblique = Look {
        steps: [
            [MM, 0.0, 0.0],
            [0.0, MM * cosine, MM * sine],
            [0.0, -MM * sine, MM * cosine],
        ],
        ..Look::default()
    };
    check("oblique", &oblique);
}
