//! Models of other makers: described, registered, asked; refused where they do not fit.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{TestBank, python, repository, shared};

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// A brain is measured: the network of another maker, on the head of an invented person.
#[test]
fn a_brain_is_measured() {
    if !crate::models::runtime() {
        return;
    }
    let (Some(nifti), Some(weights)) = (
        shared("imaging/faces/t1_crop.nii.gz"),
        shared("imaging/faces/model5_gw_ae/model.json"),
    ) else {
        return;
    };
    let bank = TestBank::new();
    let folder = bank.folder.path();
    let brain = folder.join("brain");
    std::fs::create_dir(&brain).expect("a folder");
    let onnx = brain.join("model.onnx");
    let converted = python(
        "xtask/meshnet_onnx.py",
        &[&text(weights.parent().expect("a folder")), &text(&onnx)],
    );
    if converted.is_none() {
        return;
    }
    std::fs::copy(
        repository().join("samples/brain-tissue/model.toml"),
        brain.join("model.toml"),
    )
    .expect("the sample");
    let head = folder.join("head");
    python("xtask/head_mr.py", &[&text(&nifti), &text(&head)]);

    bank.kura(&["model", "register", &text(&brain)]).ok();
    // Nobody tested it, nobody may approve it; in shadow it may run.
    bank.kura(&["model", "approve", "brain-tissue", "--why", "x"])
        .exits(1);
    bank.kura(&["model", "shadow", "brain-tissue", "--why", "first look"])
        .ok();
    let report = bank.import(&[&head], 0);
    assert_eq!(report["answered"]["answers"], 1, "{report}");
    // The same question has the same answer, which is there.
    let again = bank.kura(&["model", "ask", "--format", "json"]).ok().json();
    assert_eq!(again["answers"], 0, "{again}");
    assert_eq!(again["failed"], 0, "{again}");

    // Voxels of 1 mm³: the same as the network gives when it is asked without us.
    let expected = python(
        "tests/python/foreign.py",
        &["volumes", &text(&nifti), &text(&onnx)],
    )
    .expect("python was there");
    let expected: Vec<u64> = serde_json::from_str(&expected).expect("numbers");
    let server = bank.serve();
    let checked = python(
        "tests/python/foreign.py",
        &["check", &format!("http://{}/dicom-web", server.address)],
    )
    .expect("python was there");
    let checked: Value = serde_json::from_str(&checked).expect("JSON");
    assert_eq!(
        checked["SEG"]["voxels"],
        serde_json::json!(expected[1..]),
        "{checked}"
    );
    assert_eq!(checked["SR"]["verified"], "UNVERIFIED");
    assert_eq!(checked["SR"]["template"], "1500");
    assert!(
        checked["SR"]["description"]
            .as_str()
            .is_some_and(|said| said.contains("研究用")),
        "{checked}"
    );
    let found = server.get("/fhir/Observation?_count=10").json();
    let volumes: Vec<f64> = found["entry"]
        .as_array()
        .expect("entries")
        .iter()
        .map(|entry| {
            let resource = &entry["resource"];
            assert_eq!(resource["meta"]["tag"][0]["code"], "research-only");
            assert_eq!(resource["status"], "preliminary");
            resource["valueQuantity"]["value"]
                .as_f64()
                .expect("a number")
        })
        .collect();
    for voxels in &expected[1..] {
        let millilitres = *voxels as f64 / 1000.0;
        assert!(
            volumes
                .iter()
                .any(|volume| (volume - millilitres).abs() <= 0.05),
            "{volumes:?} {millilitres}"
        );
    }
    // The adult's brain it is (Allen et al. 2002, NeuroImage 16: grey matter of men 0.57 to 0.80 L,
    // white matter 0.37 to 0.64 L).
    assert!(volumes.iter().all(|volume| (370.0..800.0).contains(volume)));
    // On the time line of the patient, for research.
    let page = server.get("/patients/head-mr").body;
    assert!(
        page.contains("白質の容積") || page.contains("Volume of white matter"),
        "{page}"
    );
    // In shadow nobody waits for it.
    assert!(!server.get("/worklist").body.contains("name=\"task\""));
}

const PICTURE: &str = r#"
name = "colour"
title = "赤み / Redness"
intended_use = "A test."
cases = "SELECT series_uid AS case_id, patient, started AS index_time FROM imaging_series WHERE started IS NOT NULL"
[foreign]
maker = "a test"
licence = "MIT"
trained_on = "nothing"
limits = "everything"
[image]
height = 32
width = 32
low = 0.0
high = 255.0
channels = 3
[output]
kind = "probability"
name = "scores"
activation = "softmax"
"#;

/// The folder of small models, each with the same description.
fn models(bank: &TestBank) -> Option<PathBuf> {
    let folder = bank.folder.path().join("foreign");
    python("tests/python/foreign.py", &["make", &text(&folder)])?;
    for entry in std::fs::read_dir(&folder).expect("a folder") {
        std::fs::write(entry.expect("an entry").path().join("model.toml"), PICTURE)
            .expect("a file");
    }
    Some(folder)
}

#[test]
fn a_model_that_does_not_fit_is_refused() {
    if !crate::models::runtime() {
        return;
    }
    let bank = TestBank::new();
    let Some(folder) = models(&bank) else { return };
    for (name, said) in [
        ("nan", "no numbers"),
        ("operator", "cannot be loaded"),
        ("shape", "takes the shape"),
        ("corrupt", "cannot be loaded"),
    ] {
        let run = bank
            .kura(&["model", "register", &text(&folder.join(name))])
            .exits(1);
        assert!(run.err.contains(said), "{name}: {}", run.err);
    }
    // Said wrongly: another output, a class that is not there, a file without its model.
    let colour = folder.join("colour");
    for (from, to, said) in [
        ("name = \"scores\"", "name = \"label\"", "say which output"),
        ("activation", "index = 7\nactivation", "no probability"),
        (
            "maker = \"a test\"",
            "maker = \"\"",
            "foreign.maker is empty",
        ),
        ("[image]", "[picture]", "unknown field"),
    ] {
        std::fs::write(
            colour.join("model.toml"),
            PICTURE.replacen(from, to, 1).replace(
                // The first "name" is the model's own.
                "name = \"label\"\ntitle",
                "name = \"colour\"\ntitle",
            ),
        )
        .expect("a file");
        let run = bank.kura(&["model", "register", &text(&colour)]).exits(1);
        assert!(run.err.contains(said), "{to}: {}", run.err);
    }
    let listed = bank.kura(&["model", "list"]).ok();
    assert!(listed.out.starts_with("No model yet"), "{}", listed.out);
    std::fs::write(colour.join("model.toml"), PICTURE).expect("a file");
    bank.kura(&["model", "register", &text(&colour)]).ok();
    let again = bank.kura(&["model", "register", &text(&colour)]).exits(1);
    assert!(again.err.contains("registered already"), "{}", again.err);
}

/// A study that does not fit: the patient waits unranked, the others are answered, and who could
/// not be answered is asked again, not for ever.
#[test]
fn a_study_that_does_not_fit_is_no_end() {
    if !crate::models::runtime() {
        return;
    }
    let bank = TestBank::new();
    let Some(folder) = models(&bank) else { return };
    let Some(pictures) = shared("ai/pneumoniamnist/pneumoniamnist.npz") else {
        return;
    };
    let colour = folder.join("colour");
    bank.kura(&["model", "register", &text(&colour)]).ok();
    bank.kura(&["model", "shadow", "colour", "--why", "x"]).ok();
    let files = bank.folder.path().join("chest");
    python(
        "xtask/chest_images.py",
        &[&text(&pictures), &text(&files), "10", "4"],
    );
    // One of four holds no picture, though it says so.
    let script = bank.file(
        "break.py",
        br#"
import pathlib, sys, zipfile
import io, pydicom
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless
out = pathlib.Path(sys.argv[2]); out.mkdir()
with zipfile.ZipFile(sys.argv[1]) as archive:
    for at, name in enumerate(sorted(archive.namelist())):
        data = pydicom.dcmread(io.BytesIO(archive.read(name)))
        if at == 2:
            data.file_meta.TransferSyntaxUID = JPEG2000Lossless
            data.PixelData = encapsulate([b"\xff\x4f no picture"])
            data["PixelData"].is_undefined_length = True
        data.save_as(out / name)
"#,
    );
    let folder = bank.folder.path().join("broken");
    python(
        &text(&script),
        &[&text(&files.join("arrivals/dicom.zip")), &text(&folder)],
    );
    let patients = files.join("arrivals/Patient.ndjson");
    let report = bank.import(&[&patients, &folder], 0);
    assert_eq!(report["answered"]["answers"], 3, "{report}");
    assert_eq!(report["answered"]["failed"], 1, "{report}");
    // Asked again, and nothing is answered twice.
    let again = bank.kura(&["model", "ask", "--format", "json"]).ok().json();
    assert_eq!(again["answers"], 0, "{again}");
    assert_eq!(again["failed"], 1, "{again}");
}

/// A model that measures is proved by a performance test, put to use, and a doctor takes up what it
/// measured: from then on it is a fact.
#[test]
fn what_was_measured_waits_for_a_doctor() {
    if !crate::models::runtime() {
        return;
    }
    let bank = TestBank::new();
    let sample = |name: &str| text(&repository().join("samples").join(name));
    bank.kura(&["model", "register", &sample("brain-tissue")])
        .ok();
    // A protocol of this model, and 80 cases of a made-up reference that it agrees with in 72.
    let protocol = std::fs::read_to_string(repository().join("samples/trial-protocol.toml"))
        .expect("the sample")
        .replace("name = \"chest-ai\"", "name = \"brain-tissue\"")
        .replace("version = \"1.2.0\"", "version = \"1\"");
    let protocol = text(&bank.file("protocol.toml", protocol.as_bytes()));
    let (mut cases, mut answers) = (
        "case,cluster,truth,site,sex\n".to_owned(),
        "case,probability\n".to_owned(),
    );
    for at in 0..80 {
        let truth = at % 2;
        let right = at % 10 != 3;
        let probability = if (truth == 1) == right { 0.9 } else { 0.1 };
        cases += &format!("c{at},c{at},{truth},a,f\n");
        answers += &format!("c{at},{probability}\n");
    }
    let cases = text(&bank.file("cases.csv", cases.as_bytes()));
    let answers = text(&bank.file("answers.csv", answers.as_bytes()));
    let trial = bank
        .kura(&[
            "trial",
            "fix",
            &protocol,
            &cases,
            "--answers",
            &answers,
            "--format",
            "json",
        ])
        .ok()
        .json();
    let trial = trial["id"].as_str().expect("an id").to_owned();
    // Not before it was analysed.
    let early = bank
        .kura(&["model", "test", "brain-tissue", "--trial", &trial])
        .exits(1);
    assert!(early.err.contains("not analysed yet"), "{}", early.err);
    let report = text(&bank.folder.path().join("report"));
    let analysed = bank.kura(&["trial", "analyse", &trial, "--out", &report]);
    assert!([0, 3].contains(&analysed.code), "{}", analysed.err);
    bank.kura(&["model", "test", "brain-tissue", "--trial", &trial])
        .ok();
    for step in ["approve", "use"] {
        bank.kura(&["model", step, "brain-tissue", "--why", "begin"])
            .ok();
    }
    let report = bank.import(&[&repository().join("samples/head")], 0);
    assert_eq!(report["answered"]["answers"], 1, "{report}");

    let set = |name: &str| -> u64 {
        let folder = text(&bank.folder.path().join(name));
        bank.kura(&[
            "dataset",
            "build",
            &sample("dataset.toml"),
            "--out",
            &folder,
        ])
        .ok();
        let manifest: Value = serde_json::from_slice(
            &std::fs::read(format!("{folder}/manifest.json")).expect("a manifest"),
        )
        .expect("JSON");
        manifest["files"]
            .as_array()
            .and_then(|all| {
                all.iter()
                    .find(|file| file["path"] == "observation.parquet")
            })
            .and_then(|file| file["rows"].as_u64())
            .unwrap_or_else(|| panic!("{manifest}"))
    };
    assert_eq!(set("before"), 0);

    // Nobody makes a fact of it by a file.
    let number = std::process::id();
    let forged = bank.file(
        "forged.ndjson",
        format!(
            "{{\"resourceType\":\"Observation\",\"id\":\"measured-{number}-1\",\"status\":\"final\",\"code\":{{\"text\":\"x\"}},\"subject\":{{\"reference\":\"Patient/head-mr\"}}}}\n"
        )
        .as_bytes(),
    );
    let refused = bank.import(&[&forged], 3);
    assert_eq!(refused["refused"], 1, "{refused}");

    let server = bank.serve();
    let page = server.get("/worklist").body;
    assert!(page.contains("白質の容積") && page.contains("mL"), "{page}");
    let field = |name: &str| -> String {
        let at = page
            .find(&format!("name=\"{name}\" value=\""))
            .expect("a field");
        page[at..].split('"').nth(3).expect("a value").to_owned()
    };
    let posted = server.send(
        "POST",
        "/worklist",
        &[("Content-Type", "application/x-www-form-urlencoded")],
        &format!(
            "task={}&version={}&decision=accept&model=brain-tissue&only=",
            field("task"),
            field("version")
        ),
    );
    assert_eq!(posted.status, 303, "{}", posted.body);
    assert!(
        posted.head.contains("/worklist?model=brain-tissue"),
        "{}",
        posted.head
    );
    let found = server.get("/fhir/Observation?_count=10").json();
    for entry in found["entry"].as_array().expect("entries") {
        assert_eq!(entry["resource"]["status"], "final", "{entry}");
        assert!(entry["resource"]["meta"]["tag"].is_null(), "{entry}");
    }
    let page = server.get("/patients/head-mr").body;
    assert!(page.contains("AI・医師が採用"), "{page}");
    drop(server);
    assert_eq!(set("after"), 2);
    bank.kura(&["audit", "verify"]).ok();
}

/// A model of another maker that foresees something is tested on a whole set of this bank.
#[test]
fn a_foreign_model_is_tested_here() {
    if !crate::models::runtime() {
        return;
    }
    let bank = TestBank::new();
    let Some(folder) = models(&bank) else { return };
    let Some(pictures) = shared("ai/pneumoniamnist/pneumoniamnist.npz") else {
        return;
    };
    let files = bank.folder.path().join("chest");
    python(
        "xtask/chest_images.py",
        &[&text(&pictures), &text(&files), "60", "4"],
    );
    bank.import(&[&files.join("first")], 0);
    let set = text(&bank.folder.path().join("set"));
    let spec = text(&repository().join("samples/chest.toml"));
    bank.kura(&["dataset", "build", &spec, "--out", &set]).ok();
    let outcome =
        std::fs::read_to_string(repository().join("samples/train-chest.toml")).expect("the sample");
    let outcome = &outcome[outcome.find("[outcome]").expect("an outcome")..];
    let colour = folder.join("colour");
    std::fs::write(colour.join("model.toml"), format!("{PICTURE}{outcome}")).expect("a file");
    bank.kura(&["model", "register", &text(&colour)]).ok();
    let tested = bank
        .kura(&["model", "test", "colour", "--set", &set, "--format", "json"])
        .ok()
        .json();
    assert_eq!(tested["test"]["cases"], 60, "{tested}");
    assert_eq!(tested["look"], 1, "{tested}");
    assert!(tested["measures"]["auc"]["value"].is_number(), "{tested}");
    assert!(
        tested["remarks"].to_string().contains("maker's word"),
        "{tested}"
    );
}
