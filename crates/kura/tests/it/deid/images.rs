//! Images of a data set whose pixels are cleaned, as pydicom and a reader of text see them; heads
//! on the command line, as nibabel sees them.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::specification;
use crate::support::{TestBank, repository, sample, shared, tool};

/// Of each object of a set: modality, what it says of its pixels, and which codes it names.
const TELL: &str = r"
import json, pathlib, sys, numpy, pydicom
out = []
for path in sorted(pathlib.Path(sys.argv[1]).rglob('*.dcm')):
    one = pydicom.dcmread(path)
    pixels = one.pixel_array
    out.append({
        'path': str(path), 'modality': one.Modality, 'text': one.get('BurnedInAnnotation'),
        'face': one.get('RecognizableVisualFeatures'), 'shape': list(pixels.shape),
        'codes': [item.CodeValue for item in one.DeidentificationMethodCodeSequence],
        'position': [float(v) for v in one.get('ImagePositionPatient', [])],
        'zero': float((pixels == pixels.min()).mean()),
    })
print(json.dumps(out))
";

fn python(tool: &Path, script: &str, arguments: &[&Path]) -> Value {
    let told = Command::new(tool)
        .args(["-c", script])
        .args(arguments)
        .output()
        .unwrap();
    serde_json::from_slice(&told.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&told.stderr)))
}

/// A set of this policy with images, and pictures for a person.
fn build(bank: &TestBank, policy: &str, models: bool) -> (PathBuf, PathBuf, Value) {
    let text = specification(policy, "[data]\nimages = true\n");
    let spec = bank.file(&format!("{policy}.toml"), text.as_bytes());
    let place = |name: &str| bank.folder.path().join(format!("{policy}-{models}-{name}"));
    let (out, look) = (place("set"), place("look"));
    let mut command = bank.command(&["dataset", "build"]);
    command.arg(spec).arg("--out").arg(&out);
    command.arg("--review").arg(&look);
    if !models {
        command.env_remove("KURA_OCR__MODELS");
    }
    let done = command.output().unwrap();
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let report = std::fs::read(out.join("report.json")).unwrap();
    (out, look, serde_json::from_slice(&report).unwrap())
}

#[test]
fn text_in_the_images_of_a_set_is_masked() {
    let (Some(interpreter), Some(_), Some(_)) = (
        tool("KURA_PYTHON", "python3"),
        tool("KURA_OCR__MODELS", "the models of scripts/ocr.sh"),
        tool(
            "KURA_INFERENCE__RUNTIME",
            "the runtime of scripts/runtime.sh",
        ),
    ) else {
        return;
    };
    let bank = TestBank::sample().reading_pictures();
    // Without models, what may show text stays, and the report says why.
    let (_, _, bare) = build(&bank, "kamei", false);
    let pictures = &bare["pictures"];
    assert_eq!(
        (&pictures["reader"], &pictures["read"]),
        (&json!(false), &json!(0))
    );
    assert_eq!(bare["withheld"]["dicom-modality:US"], 2);
    // A policy without the option says the same with them.
    let (_, _, tokumei) = build(&bank, "tokumei", true);
    assert_eq!(tokumei["withheld"]["dicom-modality:US"], 2);
    assert_eq!(tokumei["pictures"]["left"], pictures["left"]);

    let (out, look, report) = build(&bank, "kamei", true);
    let pictures = &report["pictures"];
    assert_eq!(pictures["read"], 3, "{pictures}");
    assert_eq!(
        pictures["left"].as_u64(),
        bare["pictures"]["left"].as_u64().map(|left| left + 3)
    );
    assert!(pictures["identifiers"].as_u64().unwrap() >= 2, "{pictures}");
    assert!(report["withheld"].get("dicom-modality:US").is_none());
    assert_eq!(std::fs::read_dir(look.join("text")).unwrap().count(), 3);
    let told = python(&interpreter, TELL, &[&out]);
    let mut read = 0;
    for one in told.as_array().unwrap() {
        assert_eq!(one["text"], "NO", "{one}");
        let codes = one["codes"].as_array().unwrap();
        let cleaned = codes.contains(&json!("113101"));
        assert_eq!(codes[0], "113100");
        read += u32::from(cleaned);
        assert!(!cleaned || ["US", "CR"].contains(&one["modality"].as_str().unwrap()));
    }
    assert_eq!(read, 3, "{told}");

    // A reader finds the names in the originals, and in the set none.
    let names =
        "鈴木 剛\nSUZUKI TSUYOSHI\nPOP-000035\nYOSHIOKA KAZUKO\n吉岡和子\nBAPTIST MED CTR\n";
    let list = bank.file("names.txt", names.as_bytes());
    let check = |folder: &Path| {
        let (folder, list) = (folder.display().to_string(), list.display().to_string());
        bank.kura(&[
            "deid",
            "check",
            &folder,
            "--identifiers",
            &list,
            "--pictures",
            "--format",
            "json",
        ])
    };
    let originals = bank.folder.path().join("originals");
    std::fs::create_dir(&originals).unwrap();
    for name in ["05-cr-chest-name-in-pixels.dcm", "07-us-name-in-pixels.dcm"] {
        std::fs::copy(sample("dicom").join(name), originals.join(name)).unwrap();
    }
    let before = check(&originals).exits(3).json();
    let in_pictures: Vec<&Value> = before["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| {
            one["place"]
                .as_str()
                .unwrap()
                .starts_with("read in a picture")
        })
        .collect();
    assert!(in_pictures.len() >= 3, "{before}");
    let cleaned = bank.folder.path().join("cleaned");
    std::fs::create_dir(&cleaned).unwrap();
    for (at, one) in told.as_array().unwrap().iter().enumerate() {
        if one["codes"].as_array().unwrap().contains(&json!("113101")) {
            std::fs::copy(
                one["path"].as_str().unwrap(),
                cleaned.join(format!("{at}.dcm")),
            )
            .unwrap();
        }
    }
    let after = check(&cleaned);
    after.ok();
}

#[test]
fn the_face_of_a_head_in_a_set_is_gone() {
    let Some(interpreter) = tool("KURA_PYTHON", "python3") else {
        return;
    };
    let bank = TestBank::new();
    let head = repository().join("samples/head");
    bank.kura(&["import", &head.display().to_string()]).ok();
    let (_, _, stays) = build(&bank, "tokumei", false);
    assert_eq!(stays["pictures"]["left"], 0, "{stays}");
    let (out, look, report) = build(&bank, "coded", false);
    let pictures = &report["pictures"];
    assert_eq!(
        (&pictures["objects"], &pictures["left"]),
        (&json!(128), &json!(128))
    );
    assert_eq!(
        (&pictures["faces"], &pictures["faces_refused"]),
        (&json!(1), &json!(0))
    );
    assert_eq!(pictures["brain_voxels_changed"], 0);
    assert!(pictures["face_left"].as_f64().unwrap() < 0.05, "{pictures}");
    assert_eq!(std::fs::read_dir(look.join("face")).unwrap().count(), 6);
    let told = python(&interpreter, TELL, &[&out]);
    for one in told.as_array().unwrap() {
        assert_eq!(one["face"], "NO");
        assert!(one["codes"].as_array().unwrap().contains(&json!("113102")));
    }
    // Beside the originals: the front and the sides lost something, the middle of the head nothing.
    let compared = python(
        &interpreter,
        r"
import io, json, sys, zipfile, numpy, pydicom, pathlib
def volume(files):
    files = sorted(files, key=lambda one: [float(v) for v in one.ImagePositionPatient])
    return numpy.stack([one.pixel_array.astype(int) for one in files])
packed = zipfile.ZipFile(sys.argv[1])
before = volume([pydicom.dcmread(io.BytesIO(packed.read(name))) for name in packed.namelist()])
after = volume([pydicom.dcmread(path) for path in pathlib.Path(sys.argv[2]).rglob('*.dcm')])
changed = before != after
middle = tuple(slice(n * 7 // 16, n * 9 // 16) for n in before.shape)
print(json.dumps({
    'same_shape': before.shape == after.shape, 'changed': float(changed.mean()),
    'middle': int(changed[middle].sum()), 'values': len(numpy.unique(after[changed])),
}))
",
        &[&head.join("dicom.zip"), &out],
    );
    assert_eq!(compared["same_shape"], true);
    assert_eq!(compared["middle"], 0, "{compared}");
    assert!(compared["changed"].as_f64().unwrap() > 0.01, "{compared}");
    assert_eq!(compared["values"], 1, "{compared}");
    // The same bytes from the same bank.
    let set = out.display().to_string();
    let bank_folder = bank.path();
    bank.kura(&[
        "dataset",
        "verify",
        &set,
        "--rebuild",
        "--bank",
        &bank_folder,
    ])
    .ok();
}

#[test]
fn a_face_is_cut_from_a_file() {
    let (Some(interpreter), Some(head)) = (
        tool("KURA_PYTHON", "python3"),
        shared("imaging/faces/t1_crop.nii.gz"),
    ) else {
        return;
    };
    let bank = TestBank::place();
    let path = |name: &str| bank.folder.path().join(name);
    let (out, look) = (path("out.nii.gz"), path("look"));
    let text = |path: &Path| path.display().to_string();
    let run = |from: &Path, to: &Path| {
        bank.kura(&[
            "deid",
            "face",
            &text(from),
            "--out",
            &text(to),
            "--pictures",
            &text(&look),
            "--format",
            "json",
        ])
    };
    let report = run(&head, &out).json();
    assert_eq!(report["brain"]["voxels_changed"], 0);
    assert_eq!(std::fs::read_dir(&look).unwrap().count(), 6);
    let told = python(
        &interpreter,
        r"
import json, sys, nibabel, numpy
before, after = nibabel.load(sys.argv[1]), nibabel.load(sys.argv[2])
a, b = numpy.asarray(before.dataobj), numpy.asarray(after.dataobj)
print(json.dumps({'affine': numpy.allclose(before.affine, after.affine), 'changed': int((a != b).sum()),
                  'values': len(numpy.unique(b[a != b]))}))
",
        &[&head, &out],
    );
    assert_eq!(told["affine"], true);
    assert_eq!(told["values"], 1, "{told}");
    let (face, ears) = (
        &report["removed"]["face_voxels"],
        &report["removed"]["ear_voxels"],
    );
    let removed = face.as_u64().unwrap() + ears.as_u64().unwrap();
    let changed = told["changed"].as_u64().unwrap();
    assert!(changed > 10_000 && changed <= removed, "{told} {removed}");
    // What is no head leaves nothing behind, and what is there is not written over.
    let chest = sample("dicom/01-ct-abdomen.dcm");
    let series = path("series");
    std::fs::create_dir(&series).unwrap();
    std::fs::copy(chest, series.join("1.dcm")).unwrap();
    assert!(run(&series, &path("none")).exits(1).err.contains("slice"));
    assert!(!path("none").exists() && !path("none.partial").exists());
    let again = run(&head, &out).exits(1);
    assert!(again.err.contains("is there already"), "{}", again.err);
    let junk = bank.file("junk.nii", b"no volume");
    assert!(
        run(&junk, &path("junk-out.nii"))
            .exits(1)
            .err
            .contains("NIfTI")
    );
}
