//! Objects made from a real head: `dciodvfy`, dcmtk, pydicom and highdicom read them.

use std::path::{Path, PathBuf};
use std::process::Command;

use kura_dicom::derived::{
    About, Code, Finding, Language, Made, Segment, SegmentRef, Tool, above_threshold, probability,
    report, segmentation, volume as volume_of,
};
use kura_dicom::{Geometry, Header, Interpolation, Limits, Volume, read_header, read_volume};
use serde_json::json;
use tempfile::TempDir;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A tool, or `None` where it is missing and may be.
fn tool(variable: &str, default: &str) -> Option<PathBuf> {
    let path = std::env::var_os(variable).map_or_else(|| PathBuf::from(default), PathBuf::from);
    let there = Command::new(&path).arg("--version").output().is_ok();
    assert!(
        there || std::env::var_os("KURA_TEST_TOOLS").is_none(),
        "{} is missing",
        path.display()
    );
    if !there {
        eprintln!("SKIPPED: {} is not here; run make test", path.display());
    }
    there.then_some(path)
}

#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{command:?}\n{}\n{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout) + &text(&output.stderr)
}

/// Without one of the tools or the picture: `None`.
fn head(folder: &Path, more: &[&str]) -> Option<(PathBuf, Vec<PathBuf>)> {
    let python = tool("KURA_PYTHON", "python3")?;
    let modules = Command::new(&python)
        .args(["-c", "import highdicom, numpy, pydicom"])
        .output()
        .expect("python runs");
    if !modules.status.success() {
        assert!(
            std::env::var_os("KURA_TEST_TOOLS").is_none(),
            "KURA_PYTHON names no Python with highdicom"
        );
        eprintln!("SKIPPED: KURA_PYTHON names no Python with highdicom; run make test");
        return None;
    }
    let picture = repository().join("../shared/data/imaging/faces/t1_crop.nii.gz");
    if !picture.exists() {
        eprintln!("SKIPPED: ../shared/data/imaging/faces/t1_crop.nii.gz is not here");
        return None;
    }
    run(Command::new(&python)
        .arg(repository().join("xtask/head_mr.py"))
        .arg(picture)
        .arg(folder)
        .args(more));
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder.join("dicom"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    Some((python, files))
}

fn header(file: &Path) -> Header {
    read_header(std::fs::File::open(file).unwrap(), &Limits::default()).unwrap()
}

/// Bright tissue in the upper half is 1, a ball off the middle 3; nothing is 2.
fn labels(volume: &Volume) -> Vec<u8> {
    let geometry = &volume.geometry;
    let [columns, rows, slices] = geometry.size;
    let centre = geometry.centre();
    let ball = [centre[0] + 20.0, centre[1] - 10.0, centre[2] + 15.0];
    let mut labels = Vec::with_capacity(volume.values.len());
    for slice in 0..slices {
        for row in 0..rows {
            for column in 0..columns {
                let at = geometry.position([column as f64, row as f64, slice as f64]);
                let distance: f64 = (0..3).map(|x| (at[x] - ball[x]).powi(2)).sum();
                let value = volume.values[labels.len()];
                labels.push(if distance < 18.0 * 18.0 {
                    3
                } else if at[2] > centre[2] && value > 90.0 {
                    1
                } else {
                    0
                });
            }
        }
    }
    labels
}

pub fn sct(value: &str, meaning: &str) -> Code {
    Code::new(value, "SCT", meaning)
}

pub fn segments() -> Vec<Segment> {
    let tissue = sct("85756007", "Tissue");
    let segment = |label: &str, category: &Code, kind, colour| Segment {
        label: label.to_owned(),
        category: category.clone(),
        kind,
        colour,
    };
    vec![
        segment(
            "明るい組織",
            &tissue,
            sct("12738006", "Brain"),
            Some([255, 128, 0]),
        ),
        segment("空 (none)", &tissue, sct("12738006", "Brain"), None),
        segment(
            "Ball",
            &sct("49755003", "Morphologically Abnormal Structure"),
            sct("4147007", "Mass"),
            Some([0, 0, 255]),
        ),
    ]
}

pub fn tool_of() -> Tool {
    Tool {
        uid: "2.25.1001".to_owned(),
        manufacturer: "Kura".to_owned(),
        model_name: "head-threshold".to_owned(),
        version: "1.2.0".to_owned(),
        serial_number: "head-threshold@1.2.0".to_owned(),
    }
}

/// 2026-04-15T02:00:00.250Z, eleven o'clock in Japan.
pub fn made(number: u32, research_only: bool) -> Made {
    Made {
        series_uid: format!("2.25.2000{number}"),
        instance_uid: format!("2.25.3000{number}"),
        series_number: 900 + number,
        at: 1_776_218_400_250,
        research_only,
    }
}

fn findings<'a>(volume: &'a Volume, labels: &[u8], segmentation: &'a Made) -> Vec<Finding<'a>> {
    let segment = |number: u16, finding, tracking: &str| {
        let voxels = labels.iter().filter(|l| u16::from(**l) == number).count();
        Finding {
            finding,
            site: Some(sct("12738006", "Brain")),
            tracking: tracking.to_owned(),
            about: About::Segment(SegmentRef {
                series: &segmentation.series_uid,
                instance: &segmentation.instance_uid,
                number,
            }),
            measurements: vec![volume_of(voxels as f64 * volume.geometry.voxel_volume())],
            evaluations: Vec::new(),
            texts: Vec::new(),
        }
    };
    vec![
        segment(1, sct("85756007", "Tissue"), "明るい組織"),
        segment(3, sct("4147007", "Mass"), "Ball"),
        Finding {
            finding: sct("4147007", "Mass"),
            site: None,
            tracking: "頭部全体".to_owned(),
            about: About::Images(&volume.slices[10..13]),
            measurements: vec![probability(1.0 / 3.0)],
            evaluations: vec![above_threshold(true)],
            texts: vec!["閾値 0.3 を超えました。\r\n理由: 明るさ 90 以上の領域".to_owned()],
        },
    ]
}

/// `dciodvfy` finds no error; each warning is one of those explained.
fn verify(file: &Path, explained: &[&str]) {
    let Some(dciodvfy) = tool("KURA_DCIODVFY", "dciodvfy") else {
        return;
    };
    let output = Command::new(dciodvfy).arg(file).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    for line in text.lines() {
        eprintln!("{line}");
    }
    for line in text.lines() {
        assert!(!line.starts_with("Error"), "{line}");
        assert!(
            !line.starts_with("Warning") || explained.iter().any(|why| line.contains(why)),
            "{line}"
        );
    }
}

/// What the Python side compares with.
fn write_facts(folder: &Path, volume: &Volume, conformed: &Geometry) {
    let geometry = |g: &Geometry| json!({"size": g.size, "spacing": g.spacing, "origin": g.origin, "axes": g.axes});
    let slices: Vec<&str> = volume.slices.iter().map(|s| &*s.sop_instance).collect();
    let facts = json!({
        "geometry": geometry(&volume.geometry),
        "conformed": geometry(conformed),
        "slices": slices,
    });
    std::fs::write(folder.join("facts.json"), facts.to_string()).unwrap();
}

#[test]
fn a_head_as_a_volume_a_segmentation_and_a_report() {
    let folder = TempDir::new().unwrap();
    // 86 x 86 pixels: the bits of a frame do not end where a byte does.
    let Some((python, files)) = head(folder.path(), &["--stride", "3", "--slices", "7"]) else {
        return;
    };
    let out = |name: &str| folder.path().join(name);
    let volume = read_volume(&files, &Limits::default()).unwrap();
    let conformed = volume
        .geometry
        .centred([70, 60, 50], [4.1, 4.7, 4.5], "RSA")
        .unwrap();
    let write_floats = |name: &str, values: &[f32]| {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        std::fs::write(out(name), bytes).unwrap();
    };
    write_floats("volume.f32", &volume.values);
    let linear = volume.resample(&conformed, Interpolation::Linear, -1.0);
    write_floats("linear.f32", &linear);
    let nearest = volume.resample(&conformed, Interpolation::Nearest, -1.0);
    write_floats("nearest.f32", &nearest);
    let labels = labels(&volume);
    std::fs::write(out("labels.u8"), &labels).unwrap();
    write_facts(folder.path(), &volume, &conformed);

    let source = header(&files[3]);
    let made_seg = made(1, true);
    let seg = segmentation(
        &source,
        &volume,
        &labels,
        &segments(),
        &tool_of(),
        &made_seg,
    )
    .unwrap();
    std::fs::write(out("seg.dcm"), seg).unwrap();
    let findings = findings(&volume, &labels, &made_seg);
    for (name, number, language) in [
        ("sr-ja.dcm", 2, Language::Japanese),
        ("sr-en.dcm", 3, Language::English),
    ] {
        let made = made(number, number == 2);
        let sr = report(
            &source,
            &volume.slices,
            None,
            &findings,
            &tool_of(),
            &made,
            language,
        )
        .unwrap();
        std::fs::write(out(name), sr).unwrap();
        // A scheme of our own is by its nature not among those dciodvfy knows.
        verify(&out(name), &["Unrecognized defined term <99KURA>"]);
        if let Some(dsrdump) = tool("KURA_DSRDUMP", "dsrdump") {
            let text = run(Command::new(dsrdump).arg(out(name)));
            eprintln!("{text}");
            assert!(text.contains("Comprehensive 3D SR Document"), "{text}");
        }
    }
    verify(&out("seg.dcm"), &[]);
    eprintln!(
        "{}",
        run(Command::new(python)
            .arg(repository().join("tests/python/derived.py"))
            .arg("check")
            .arg(folder.path())
            .arg(repository().join("../shared/data/imaging/faces/t1_crop.nii.gz")))
    );
}

/// The slices turned about all three axes, and as one multi-frame object that highdicom makes of
/// them.
#[test]
fn an_oblique_series_and_its_enhanced_object_are_the_same_volume() {
    let folder = TempDir::new().unwrap();
    let Some((python, files)) = head(folder.path(), &["--step", "4", "--charset", "utf8"]) else {
        return;
    };
    let script = |what: &str| {
        let script = repository().join("tests/python/derived.py");
        run(Command::new(&python)
            .arg(script)
            .arg(what)
            .arg(folder.path()))
    };
    script("turn");
    script("enhance");
    let enhanced = folder.path().join("enhanced.dcm");
    let limits = Limits::default();
    let classic = read_volume(&files, &limits).unwrap();
    let volume = read_volume(std::slice::from_ref(&enhanced), &limits).unwrap();
    assert_eq!(volume.geometry, classic.geometry);
    assert_eq!(volume.positions, classic.positions);
    assert!(volume.values == classic.values);
    assert_eq!(volume.series, "2.25.4001");
    // The frames are in the order of the numbers, from the back of the head to the face; the
    // volume goes the other way.
    assert_eq!(volume.slices[0].frame, Some(64));
    assert_eq!(volume.slices[63].frame, Some(1));

    let labels = labels(&volume);
    std::fs::write(folder.path().join("labels.u8"), &labels).unwrap();
    write_facts(folder.path(), &classic, &classic.geometry);
    let source = header(&files[3]);
    let made = self::made(1, true);
    let seg = segmentation(&source, &classic, &labels, &segments(), &tool_of(), &made).unwrap();
    std::fs::write(folder.path().join("seg.dcm"), seg).unwrap();
    verify(&folder.path().join("seg.dcm"), &[]);
    eprintln!("{}", script("segmentation"));

    let source = header(&enhanced);
    let made = self::made(4, false);
    let seg = segmentation(&source, &volume, &labels, &segments(), &tool_of(), &made).unwrap();
    let file = folder.path().join("seg-of-enhanced.dcm");
    std::fs::write(&file, seg).unwrap();
    verify(&file, &[]);
    let sr = report(
        &source,
        &volume.slices,
        None,
        &findings(&volume, &labels, &made),
        &tool_of(),
        &self::made(5, false),
        Language::Japanese,
    )
    .unwrap();
    let file = folder.path().join("sr-of-enhanced.dcm");
    std::fs::write(&file, sr).unwrap();
    verify(&file, &["Unrecognized defined term <99KURA>"]);
}
