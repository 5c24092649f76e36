//! A head as a series of slices.

use std::io::Read;

use kura_dicom::Limits;
use kura_face::{Options, Slices, deface, from_series};

use crate::judge::{figures, judge, values};
use crate::support::{Look, head, repository};

#[test]
fn slices_of_a_head() {
    let Some(head) = head() else { return };
    // Coronal slices from front to back, rows downwards, columns to the patient's left.
    let step = 3.0;
    let look = Look {
        turn: [10.0, 0.0, 5.0],
        dims: [200, 220, 90],
        steps: [[-1.3, 0.0, 0.0], [0.0, 0.0, -1.3], [0.0, -step, 0.0]],
        ..Look::default()
    };
    let seen = look.see(head);
    let affine = *seen.volume.affine();
    let positions: Vec<[f64; 3]> = (0..90)
        .map(|k| {
            let [x, y, z] = affine.apply([0.0, 0.0, f64::from(k)]);
            [-x, -y, z]
        })
        .collect();
    let bright = values(&seen.volume);
    let slices = Slices {
        columns: 200,
        rows: 220,
        positions: &positions,
        orientation: [1.0, 0.0, 0.0, 0.0, 0.0, -1.0],
        pixel_spacing: [1.3, 1.3],
        values: &bright,
    };
    let volume = slices.volume().unwrap();
    for (ours, theirs) in volume
        .affine()
        .0
        .iter()
        .flatten()
        .zip(affine.0.iter().flatten())
    {
        assert!((ours - theirs).abs() < 1e-9);
    }
    let defaced = deface(&volume, Options::default()).unwrap();
    println!("slices: {}", figures(&defaced));
    let seen = crate::support::Seen { volume, ..seen };
    judge("slices", &look, &seen, &defaced, true);
    let of_slices: usize = (0..90)
        .map(|k| {
            defaced
                .removed
                .slice(k)
                .unwrap()
                .iter()
                .filter(|gone| **gone)
                .count()
        })
        .sum();
    assert_eq!(of_slices, defaced.removed.count());
    assert_eq!(defaced.removed.slice(0).unwrap().len(), 200 * 220);
    assert!(defaced.removed.slice(90).is_none());
}

/// The head MR of the samples, as a hospital holds it: 2 mm.
#[test]
fn the_sample_series() {
    let folder = tempfile::tempdir().unwrap();
    let zip = std::fs::File::open(repository().join("samples/head/dicom.zip")).unwrap();
    let mut archive = zip::ZipArchive::new(zip).unwrap();
    let mut files = Vec::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).unwrap();
        if entry.is_file() {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            let path = folder.path().join(format!("{index}.dcm"));
            std::fs::write(&path, bytes).unwrap();
            files.push(path);
        }
    }
    assert!(files.len() > 100);
    let series = kura_dicom::read_volume(&files, &Limits::default()).unwrap();
    let volume = from_series(&series).unwrap();
    let defaced = deface(&volume, Options::default()).unwrap();
    println!("samples/head: {}", figures(&defaced));
    assert_eq!(defaced.report.brain.voxels_changed, 0);
    assert!(defaced.report.face_surface.before_mm2 > 10_000.0);
    assert!(defaced.report.face_surface.share_left < 0.001);
    // The tip of the nose, in the file's own terms (LPS): [2, −97, −66].
    let at = |place: [f64; 3]| {
        let index = series
            .geometry
            .index(place)
            .unwrap()
            .map(|index| index.round() as usize);
        let [columns, rows, _] = series.geometry.size;
        index[0] + columns * (index[1] + rows * index[2])
    };
    let nose = at([3.0, -97.0, -68.0]);
    assert!(series.values[nose] > 25.0 && defaced.removed.voxels()[nose]);
    assert!(!defaced.removed.voxels()[at([0.0, 10.0, 20.0])]);
}
