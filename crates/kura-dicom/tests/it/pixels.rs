//! Pixels against pydicom's arrays: every file of its test set that it can read, and files made of
//! kinds that the set lacks; every frame, each step from stored values to eight bits of light.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use kura_dicom::{Header, Limits, Pixels, decode_frame, decode_samples, read_header};
use serde_json::Value;

use crate::tools::{python, run, scripts};

/// Where ours and pydicom's differ: file, step, by how much at most, and why. A file that begins
/// to agree, and a difference that is not here, fail the test.
const DIFFERENCES: &[(&str, &str, f64, &str)] = &[
    (
        "badVR.dcm",
        "only ours",
        f64::INFINITY,
        "Number of Frames is `1A`: pydicom gives up, here it counts as absent, which is 1",
    ),
    ("dcmtk_baseline_cy.dcm", "stored", 5.0, CHROMA),
    ("dcmtk_baseline_cy.dcm", "rgb", 9.0, CHROMA),
    ("dcmtk_extended.dcm", "stored", 2.0, TWELVE),
    ("dcmtk_extended.dcm", "modality", 2.0, TWELVE),
    (
        "dcmtk_progressive.dcm",
        "stored",
        2.0,
        "pydicom has no decoder; dcmtk, who is asked instead, upsamples otherwise",
    ),
    ("rtdose.dcm", "modality", f64::INFINITY, DOSE),
    ("rtdose_1frame.dcm", "modality", f64::INFINITY, DOSE),
    ("rtdose_expb.dcm", "modality", f64::INFINITY, DOSE),
    ("rtdose_expb_1frame.dcm", "modality", f64::INFINITY, DOSE),
    ("rtdose_rle.dcm", "modality", f64::INFINITY, DOSE),
    ("rtdose_rle_1frame.dcm", "modality", f64::INFINITY, DOSE),
    (
        "voi_table_eight.dcm",
        "voi",
        f64::INFINITY,
        "pydicom counts inputs in the table's 8 bits, so inputs beyond 255 wrap; PS3.3 C.11.2.1.1 \
         clamps them",
    ),
];
const DOSE: &str = "Dose Grid Scaling (3004,000E) makes the values Gray (PS3.3 C.8.8.3); pydicom \
    leaves it to the caller";
const CHROMA: &str = "colour of half the width is made whole by another filter";
const TWELVE: &str = "the transform in single precision here, in integers there";

#[test]
fn every_frame_is_what_pydicom_says() {
    let Some(python) = python(&["pydicom", "numpy", "libjpeg", "openjpeg", "jpeg_ls"]) else {
        return;
    };
    let Some(root) = std::env::var_os("KURA_PYDICOM_FILES").map(PathBuf::from) else {
        eprintln!("SKIPPED: KURA_PYDICOM_FILES does not name pydicom's data/test_files");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let (made, truth) = (folder.path().join("made"), folder.path().join("truth"));
    std::fs::create_dir(&made).expect("a folder");
    std::fs::create_dir(&truth).expect("a folder");
    run(Command::new(&python)
        .arg(scripts().join("pixel_variants.py"))
        .arg(&made));
    let data = root.parent().expect("a folder above");
    run(Command::new(&python)
        .arg(scripts().join("pixel_truth.py"))
        .arg(&truth)
        .args([
            &root,
            &data.join("charset_files"),
            &data.join("palettes"),
            &made,
        ]));
    let manifest = std::fs::read_to_string(truth.join("manifest.jsonl")).expect("a manifest");
    let mut found: BTreeMap<(String, &str), f64> = BTreeMap::new();
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    let mut refused = Vec::new();
    let mut syntaxes: BTreeMap<String, String> = BTreeMap::new();
    for line in manifest.lines() {
        let expected: Value = serde_json::from_str(line).expect("JSON");
        let path = PathBuf::from(expected["path"].as_str().expect("a path"));
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let mut one = Comparison {
            truth: &truth,
            expected: &expected,
            path: &path,
            worst: BTreeMap::new(),
        };
        if let Err(why) = one.run() {
            refused.push(format!("{name}: {why}"));
        }
        let syntax = expected["syntax"].as_str().unwrap_or_default();
        syntaxes.insert(name.clone(), syntax.to_owned());
        for (step, worst) in one.worst {
            *counts.entry(step).or_default() += 1;
            if worst > 0.0 {
                found.insert((name.clone(), step), worst);
            }
        }
    }
    eprintln!("{counts:?}");
    for line in &refused {
        eprintln!("refused: {line}");
    }
    let mut wrong = Vec::new();
    for ((name, step), worst) in &found {
        let allowed = DIFFERENCES
            .iter()
            .find(|(file, at, ..)| file == name && at == step);
        if *worst <= rounding(&syntaxes[name], step) {
            continue;
        }
        if allowed.is_none_or(|(.., most, _)| worst > most) {
            wrong.push(format!("{name} {step}: differs by {worst}"));
        }
    }
    for (file, step, ..) in DIFFERENCES {
        let worst = found.get(&((*file).to_owned(), step)).unwrap_or(&0.0);
        if syntaxes.contains_key(*file) && *worst <= rounding(&syntaxes[*file], step) {
            wrong.push(format!("{file} {step}: agrees now"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What decoders of lossy streams may differ by. T.81 fixes the inverse cosine transform to one
/// level (Annex A.3.3, T.83), and one level of Y, Cb and Cr each is up to three of green. Of the
/// other syntaxes nothing is left to rounding.
fn rounding(syntax: &str, step: &str) -> f64 {
    let lossy = matches!(
        syntax,
        "1.2.840.10008.1.2.4.50" | "1.2.840.10008.1.2.4.51" | "1.2.840.10008.1.2.4.55"
    );
    match step {
        "stored" | "modality" if lossy => 1.0,
        "rgb" if lossy => 3.0,
        _ => 0.0,
    }
}

struct Comparison<'a> {
    truth: &'a Path,
    expected: &'a Value,
    path: &'a Path,
    /// By step: the largest difference of a value.
    worst: BTreeMap<&'static str, f64>,
}

impl Comparison<'_> {
    fn run(&mut self) -> Result<(), String> {
        let limits = Limits::default();
        let text = |refusal: kura_dicom::Refusal| refusal.to_string();
        let header = File::open(self.path)
            .map_err(|e| e.to_string())
            .and_then(|file| read_header(file, &limits).map_err(text))?;
        if !self.expected["error"].is_null() {
            return match decode_frame(self.path, 0, &limits) {
                Ok(_) => {
                    self.worst.insert("only ours", f64::INFINITY);
                    Ok(())
                }
                Err(why) => Err(format!("{why} (and by pydicom)")),
            };
        }
        for frame in 0..header.number_of_frames() {
            if let Err(why) = self.frame(&header, frame, &limits) {
                self.worst.insert("refused", f64::INFINITY);
                return Err(why.to_string());
            }
        }
        Ok(())
    }

    fn frame(
        &mut self,
        header: &Header,
        frame: u32,
        limits: &Limits,
    ) -> Result<(), kura_dicom::Refusal> {
        let file = File::open(self.path).expect("it opens");
        let samples = decode_samples(file, header, frame, limits)?;
        let stored = samples.stored()?;
        let values = (0..stored.len()).filter_map(|at| stored.get(at)).collect();
        self.compare("stored", "stored", header, frame, values);
        let decoded = decode_frame(self.path, frame, limits)?;
        for overlay in &decoded.overlays {
            let bits = overlay.bits.iter().map(|bit| f64::from(*bit)).collect();
            self.overlay(overlay.group, frame, bits);
        }
        match &decoded.pixels {
            Pixels::Rgb(bytes) => {
                let values: Vec<f64> = bytes.iter().map(|byte| f64::from(*byte)).collect();
                let key = if samples.per_pixel == 3 {
                    "rgb"
                } else {
                    "palette"
                };
                self.compare(key, key, header, frame, values);
            }
            Pixels::Gray { .. } => {
                let values = decoded.values().into_iter().map(f64::from).collect();
                self.compare("modality", "modality", header, frame, values);
                let light = decoded.render(None).data;
                let values = light.iter().map(|byte| f64::from(*byte)).collect();
                self.compare("voi", "voi", header, frame, values);
            }
        }
        Ok(())
    }

    /// The part of an array that is this frame's.
    fn compare(
        &mut self,
        key: &str,
        step: &'static str,
        header: &Header,
        frame: u32,
        ours: Vec<f64>,
    ) {
        let Some(all) = self.array(&self.expected[key]) else {
            return;
        };
        let frames = header.number_of_frames() as usize;
        assert_eq!(all.len() % frames, 0, "{key}");
        let theirs = &all[frame as usize * (all.len() / frames)..][..all.len() / frames];
        self.note(step, theirs, &ours);
    }

    fn overlay(&mut self, group: u16, frame: u32, ours: Vec<f64>) {
        let overlays = self.expected["overlays"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let Some(all) = overlays
            .iter()
            .find(|o| o["group"] == group)
            .and_then(|o| self.array(o))
        else {
            return;
        };
        // A plane without a number of frames is over each frame.
        let from = if all.len() == ours.len() {
            0
        } else {
            frame as usize * ours.len()
        };
        self.note("overlay", &all[from..from + ours.len()], &ours);
    }

    fn note(&mut self, step: &'static str, theirs: &[f64], ours: &[f64]) {
        let worst = if theirs.len() == ours.len() {
            theirs
                .iter()
                .zip(ours)
                .map(|(a, b)| {
                    // Values in units of modality are single precision.
                    let close = step == "modality" && (a - b).abs() <= a.abs() * 1e-6;
                    if close { 0.0 } else { (a - b).abs() }
                })
                .fold(0.0, f64::max)
        } else {
            f64::INFINITY
        };
        let entry = self.worst.entry(step).or_default();
        *entry = entry.max(worst);
    }

    fn array(&self, about: &Value) -> Option<Vec<f64>> {
        let bytes = std::fs::read(self.truth.join(about["file"].as_str()?)).expect("an array");
        macro_rules! numbers {
            ($type:ty) => {
                bytes
                    .chunks_exact(size_of::<$type>())
                    .map(|c| <$type>::from_le_bytes(c.try_into().expect("whole")) as f64)
                    .collect()
            };
        }
        Some(match about["type"].as_str()? {
            "u1" => numbers!(u8),
            "i1" => numbers!(i8),
            "u2" => numbers!(u16),
            "i2" => numbers!(i16),
            "u4" => numbers!(u32),
            "i4" => numbers!(i32),
            "f4" => numbers!(f32),
            "f8" => numbers!(f64),
            other => panic!("an array of {other}"),
        })
    }
}
