//! `dicom_speed FOLDER`: DICOM files a second through the engine, one core: header parsed, processed,
//! written, pixels copied. The files are read into memory first and gone through again and again for
//! some seconds; what the policy holds back is counted apart.
#![allow(clippy::print_stdout, reason = "a measurement")]

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::Instant;

use kura_deid::dicom::{DicomPolicy, PatientIdentity, PixelsDone, deidentify};
use kura_deid::keys::ProjectKey;

fn files(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, out);
        } else {
            out.push(path);
        }
    }
}

fn main() {
    let folder = std::env::args().nth(1).expect("a folder");
    let mut paths = Vec::new();
    files(Path::new(&folder), &mut paths);
    paths.sort();
    let objects: Vec<Vec<u8>> = paths
        .iter()
        .map(|path| std::fs::read(path).expect("a file"))
        .collect();
    let policy = DicomPolicy::basic();
    let key = ProjectKey::new([7; 32]);
    // As many as the bank knows of a patient.
    let patient = PatientIdentity::new(
        "p",
        [
            "小野 綾子",
            "小野",
            "綾子",
            "オノ アヤコ",
            "オノ",
            "アヤコ",
            "POP-000209",
            "090-1960-5585",
            "千葉県市川市栄4丁目5-13",
            "1950-01-04",
            "06139877",
            "1185",
            "onoayako",
            "鈴木 淑子",
        ]
        .map(str::to_owned)
        .to_vec(),
    );
    let process = |object: &[u8]| {
        let mut out = Vec::with_capacity(object.len());
        deidentify(
            Cursor::new(object),
            &mut out,
            &policy,
            &key,
            &patient,
            PixelsDone::default(),
        )
        .is_ok()
    };
    let leave: Vec<&Vec<u8>> = objects.iter().filter(|object| process(object)).collect();
    let bytes: usize = leave.iter().map(|object| object.len()).sum();
    let started = Instant::now();
    let mut rounds = 0;
    while rounds == 0 || started.elapsed().as_secs() < 5 {
        for object in &leave {
            assert!(process(object));
        }
        rounds += 1;
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{} objects, {} leave, {:.1} MB; {rounds} rounds in {seconds:.2} s: {:.0} files/s, {:.0} MB/s",
        objects.len(),
        leave.len(),
        bytes as f64 / 1e6,
        (leave.len() * rounds) as f64 / seconds,
        (bytes * rounds) as f64 / 1e6 / seconds
    );
}
