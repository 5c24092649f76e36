//! Series made in code: what is put together, and what is refused.

use std::path::PathBuf;

use kura_dicom::{Limits, Volume, read_volume};
use kura_model::Refusal;
use tempfile::TempDir;

use crate::build::{EXPLICIT, element, part10, us};

/// One slice of 3 columns and 2 rows whose values are 100 × `at` + 0, 1, 2…
#[derive(Clone)]
pub struct Slice {
    at: i16,
    position: Option<String>,
    orientation: &'static str,
    spacing: &'static str,
    image_type: &'static str,
    series: &'static str,
    photometric: &'static str,
    rows: u16,
}

impl Slice {
    fn new(at: i16, position: [f64; 3]) -> Self {
        let [x, y, z] = position;
        Self {
            at,
            position: Some(format!("{x:.6}\\{y:.6}\\{z:.6}")),
            orientation: r"1\0\0\0\1\0",
            spacing: r"0.5\0.25",
            image_type: r"ORIGINAL\PRIMARY\AXIAL",
            series: "1.2.4",
            photometric: "MONOCHROME2",
            rows: 2,
        }
    }

    pub fn file(&self) -> Vec<u8> {
        let mut out = part10(EXPLICIT);
        out.extend(element(8, 8, "CS", self.image_type.as_bytes()));
        out.extend(element(8, 0x16, "UI", b"1.2.840.10008.5.1.4.1.1.2"));
        let instance = format!("1.2.3.{}", self.at);
        out.extend(element(8, 0x18, "UI", instance.as_bytes()));
        out.extend(element(8, 0x60, "CS", b"CT"));
        out.extend(element(0x20, 0xD, "UI", b"1.2.5"));
        out.extend(element(0x20, 0xE, "UI", self.series.as_bytes()));
        if let Some(position) = &self.position {
            out.extend(element(0x20, 0x32, "DS", position.as_bytes()));
        }
        out.extend(element(0x20, 0x37, "DS", self.orientation.as_bytes()));
        out.extend(element(0x20, 0x52, "UI", b"1.2.6"));
        let samples = if self.photometric == "RGB" { 3 } else { 1 };
        out.extend(us(0x28, 2, samples));
        out.extend(element(0x28, 4, "CS", self.photometric.as_bytes()));
        out.extend(us(0x28, 0x10, self.rows));
        out.extend(us(0x28, 0x11, 3));
        out.extend(element(0x28, 0x30, "DS", self.spacing.as_bytes()));
        out.extend(us(0x28, 0x100, 16));
        out.extend(us(0x28, 0x101, 16));
        out.extend(us(0x28, 0x102, 15));
        out.extend(us(0x28, 0x103, 1));
        out.extend(element(0x28, 0x1052, "DS", b"-1000"));
        out.extend(element(0x28, 0x1053, "DS", b"2"));
        let pixels: Vec<u8> = (0..3 * self.rows * samples)
            .flat_map(|pixel| (100 * self.at + pixel as i16).to_le_bytes())
            .collect();
        out.extend(element(0x7FE0, 0x10, "OW", &pixels));
        out
    }
}

pub fn read(slices: &[Slice]) -> Result<Volume, Refusal> {
    let folder = TempDir::new().unwrap();
    let files: Vec<PathBuf> = slices
        .iter()
        .enumerate()
        .map(|(at, slice)| {
            let file = folder.path().join(format!("{at}.dcm"));
            std::fs::write(&file, slice.file()).unwrap();
            file
        })
        .collect();
    read_volume(&files, &Limits::default())
}

/// The rule, and the file and attribute.
#[track_caller]
fn refused(slices: &[Slice], rule: &str, place: &str) {
    let refusal = read(slices).unwrap_err();
    assert_eq!(refusal.rule, rule);
    assert_eq!(refusal.location.path.as_deref(), Some(place), "{refusal}");
}

pub fn three() -> Vec<Slice> {
    // Neither in order of position nor of number.
    vec![
        Slice::new(7, [0.0, 0.0, 15.0]),
        Slice::new(8, [0.0, 0.0, 10.0]),
        Slice::new(1, [0.0, 0.0, 12.5]),
    ]
}

#[test]
fn slices_stand_by_position_in_modality_units() {
    let volume = read(&three()).unwrap();
    let geometry = &volume.geometry;
    assert_eq!(geometry.size, [3, 2, 3]);
    // PS3.3 10.7.1.3: Pixel Spacing is between rows first
    assert_eq!(geometry.spacing, [0.25, 0.5, 2.5]);
    assert_eq!(geometry.origin, [0.0, 0.0, 10.0]);
    assert_eq!(
        geometry.axes,
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    );
    let instances: Vec<&str> = volume.slices.iter().map(|s| &*s.sop_instance).collect();
    assert_eq!(instances, ["1.2.3.8", "1.2.3.1", "1.2.3.7"]);
    assert_eq!(volume.positions[1], [0.0, 0.0, 12.5]);
    assert_eq!(volume.unit.as_deref(), Some("HU"));
    assert_eq!(volume.values[..3], [600.0, 602.0, 604.0]);
    assert_eq!(volume.values[6], -800.0);
    assert_eq!(volume.frame_of_reference.as_deref(), Some("1.2.6"));
    assert_eq!((&*volume.study, &*volume.series), ("1.2.5", "1.2.4"));
}

#[test]
fn oblique_slices_stand_along_their_normal() {
    // The row's direction is (0.8, 0.6, 0), the column's (0, 0, -1): the normal is (-0.6, 0.8, 0).
    let slices: Vec<Slice> = [2, 0, 1]
        .into_iter()
        .map(|at| Slice {
            orientation: r"0.8\0.6\0\0\0\-1",
            ..Slice::new(at, [-1.8 * f64::from(at), 2.4 * f64::from(at), 5.0])
        })
        .collect();
    let volume = read(&slices).unwrap();
    let near = |a: [f64; 3], b: [f64; 3]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
    assert!(near(volume.geometry.axes[2], [-0.6, 0.8, 0.0]));
    assert!(near(volume.geometry.spacing, [0.25, 0.5, 3.0]));
    assert_eq!(volume.slices[2].sop_instance, "1.2.3.2");
    assert!(near(
        volume.geometry.position([2.0, 1.0, 1.0]),
        [-1.8 + 0.4, 2.4 + 0.3, 4.5]
    ));
}

#[test]
fn localizers_are_left_out_where_others_remain() {
    let mut slices = three();
    slices.insert(
        0,
        Slice {
            image_type: r"ORIGINAL\PRIMARY\LOCALIZER",
            orientation: r"0\1\0\0\0\-1",
            ..Slice::new(9, [0.0, 0.0, 0.0])
        },
    );
    assert_eq!(read(&slices).unwrap().slices.len(), 3);
    for slice in &mut slices {
        slice.image_type = r"ORIGINAL\PRIMARY\LOCALIZER";
    }
    refused(&slices, "volume-mixed", "files[1].(0020,0037)");
    assert_eq!(read(&slices[1..]).unwrap().slices.len(), 3);
}

#[test]
fn what_is_no_volume_is_refused_with_its_place() {
    let with = |at: usize, change: &dyn Fn(&mut Slice)| {
        let mut slices = three();
        change(&mut slices[at]);
        slices
    };
    refused(
        &with(1, &|s| s.position = None),
        "volume-position",
        "files[1].(0020,0032)",
    );
    refused(
        &with(2, &|s| s.position = Some(r"0\0".to_owned())),
        "volume-position",
        "files[2].(0020,0032)",
    );
    refused(
        &with(2, &|s| s.position = Some(r"0\0\1e300".to_owned())),
        "volume-position",
        "files[2].(0020,0032)",
    );
    for orientation in ["", r"1\0\0\1\0\0", r"2\0\0\0\1\0", r"0\0\0\0\1\0"] {
        refused(
            &with(0, &|s| s.orientation = orientation),
            "volume-orientation",
            "files[0].(0020,0037)",
        );
    }
    refused(
        &with(0, &|s| s.spacing = r"0.5\0"),
        "volume-spacing",
        "files[0].(0028,0030)",
    );
    refused(
        &with(2, &|s| s.orientation = r"0.999\0.0447\0\-0.0447\0.999\0"),
        "volume-mixed",
        "files[2].(0020,0037)",
    );
    refused(
        &with(1, &|s| s.spacing = r"0.5\0.26"),
        "volume-mixed",
        "files[1].(0028,0030)",
    );
    refused(
        &with(1, &|s| s.rows = 4),
        "volume-mixed",
        "files[1].(0028,0010)",
    );
    refused(
        &with(1, &|s| s.series = "1.2.7"),
        "volume-mixed",
        "files[1].(0020,000E)",
    );
    refused(
        &with(1, &|s| s.photometric = "RGB"),
        "volume-colour",
        "files[1].(0028,0004)",
    );
    refused(
        &with(1, &|s| s.position = Some(r"0\0\12.5".to_owned())),
        "volume-same-position",
        "files[2].(0020,0032)",
    );
    // A slice is missing; and 2 % is more than 1 %.
    refused(
        &with(0, &|s| s.position = Some(r"0\0\17.5".to_owned())),
        "volume-gap",
        "files[2].(0020,0032)",
    );
    refused(
        &with(2, &|s| s.position = Some(r"0\0\12.55".to_owned())),
        "volume-gap",
        "files[2].(0020,0032)",
    );
    assert!(read(&with(2, &|s| s.position = Some(r"0\0\12.51".to_owned()))).is_ok());
    // A gantry tilted by 10 degrees.
    let tilted: Vec<Slice> = (0..3)
        .map(|at| Slice::new(at, [0.0, f64::from(at) * 0.44, f64::from(at) * 2.5]))
        .collect();
    refused(&tilted, "volume-tilt", "files[1].(0020,0032)");
    refused(&three()[..1], "volume-one-slice", "files[0].(0020,0032)");
    assert_eq!(read(&[]).unwrap_err().rule, "volume-one-slice");
}

#[test]
fn more_voxels_than_allowed_are_refused_before_anything_is_read() {
    // The files do not hold the pixels they claim; that they are too many comes first.
    let folder = TempDir::new().unwrap();
    let files: Vec<PathBuf> = (0..3)
        .map(|at| {
            let mut bytes = Slice::new(at, [0.0, 0.0, f64::from(at)]).file();
            for side in [b"\x28\0\x10\0US\x02\0", b"\x28\0\x11\0US\x02\0"] {
                let found = bytes.windows(8).position(|w| w == side).unwrap();
                bytes[found + 8..found + 10].copy_from_slice(&60_000_u16.to_le_bytes());
            }
            let file = folder.path().join(format!("{at}.dcm"));
            std::fs::write(&file, bytes).unwrap();
            file
        })
        .collect();
    let refusal = read_volume(&files, &Limits::default()).unwrap_err();
    assert_eq!(refusal.rule, "volume-limit");
}

#[test]
fn damaged_slices_are_refused_or_read_but_nothing_panics() {
    let folder = TempDir::new().unwrap();
    let files: Vec<PathBuf> = (0..3)
        .map(|at| folder.path().join(format!("{at}.dcm")))
        .collect();
    for (slice, file) in three().iter().zip(&files) {
        std::fs::write(file, slice.file()).unwrap();
    }
    let whole = three()[1].file();
    // xorshift: the same damage on every machine
    let mut state = 0x5EED_u64;
    let mut roll = |sides: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % sides as u64) as usize
    };
    let (mut read, mut refused) = (0, 0);
    for _ in 0..3000 {
        let mut damaged = whole.clone();
        for _ in 0..1 + roll(3) {
            let at = 132 + roll(damaged.len() - 132);
            damaged[at] = roll(256) as u8;
        }
        std::fs::write(&files[1], damaged).unwrap();
        match read_volume(&files, &Limits::default()) {
            Ok(volume) => {
                read += 1;
                assert_eq!(volume.values.len(), volume.geometry.voxels());
                assert!(volume.geometry.voxel_volume().is_finite());
            }
            Err(_) => refused += 1,
        }
    }
    assert!(read > 0 && refused > 0, "{read} read, {refused} refused");
}
