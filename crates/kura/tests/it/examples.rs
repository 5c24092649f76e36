//! The examples that `make run` brings into its bank, from the files of `samples/` alone.

use std::process::{Command, Output};

use crate::support::{TestBank, python, repository, shared};

fn examples(bank: &TestBank) -> Output {
    let mut script = Command::new("bash");
    script
        .arg(repository().join("scripts/examples.sh"))
        .arg(env!("CARGO_BIN_EXE_kura"))
        .env("KURA_BANK", bank.path());
    if let Some(database) = &bank.database {
        script.env("KURA_DATABASE", &database.address);
    }
    script.output().expect("bash runs")
}

#[test]
fn the_examples_stand_in_the_bank() {
    if !crate::models::runtime() {
        return;
    }
    let bank = TestBank::sample();
    let made = examples(&bank);
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{said}");

    let listed = bank
        .kura(&["model", "list", "--format", "json"])
        .ok()
        .json();
    let states: Vec<String> = listed
        .as_array()
        .expect("models")
        .iter()
        .map(|model| {
            format!(
                "{} {} {}",
                model["name"].as_str().unwrap(),
                model["state"].as_str().unwrap(),
                model["shadow"]
            )
        })
        .collect();
    assert_eq!(
        states,
        [
            "brain-tissue draft true",
            "chest-pneumonia in-use false",
            "colonoscopy-resection evaluated false",
            "deterioration in-use false",
        ]
    );

    // Where the model stands beside each reader: P. Mesejo et al., IEEE Trans. Med. Imaging 35
    // (2016) 2051–2063, resection by experts and beginners, sensitivity and specificity.
    let folder = format!("{}-examples/colonoscopy-trial", bank.path());
    let report = std::fs::read_to_string(format!("{folder}/report.en.md")).expect("a report");
    for (reader, sensitivity, specificity) in [
        ("Expert 1", "0.891", "0.619"),
        ("Expert 2", "0.818", "0.857"),
        ("Expert 3", "0.818", "0.667"),
        ("Expert 4", "0.836", "0.571"),
        ("Beginner 1", "0.909", "0.429"),
        ("Beginner 2", "1.000", "0.476"),
        ("Beginner 3", "0.782", "0.667"),
    ] {
        let stands = report.lines().any(|line| {
            line.contains(reader) && line.contains(sensitivity) && line.contains(specificity)
        });
        assert!(stands, "{reader} {sensitivity} {specificity}");
    }
    assert!(report.contains("cross-validation by lesion"), "{report}");
    let result: serde_json::Value =
        serde_json::from_slice(&std::fs::read(format!("{folder}/result.json")).expect("a result"))
            .expect("JSON");
    assert!(result.is_object());

    // A second run finds everything there.
    let again = examples(&bank);
    assert!(again.status.success());
    assert!(!String::from_utf8_lossy(&again.stderr).contains("example:"));

    // The bank is served: urgent work on the list, the brain measured, every model a page.
    let server = bank.serve();
    let page = server.get("/worklist").body;
    assert!(
        page.contains("胸部単純X線の肺炎") && page.contains("低酸素"),
        "{page}"
    );
    for model in [
        "brain-tissue",
        "chest-pneumonia",
        "colonoscopy-resection",
        "deterioration",
    ] {
        assert_eq!(
            server.get(&format!("/models/{model}/1")).status,
            200,
            "{model}"
        );
    }
    let page = server.get("/patients/head-mr").body;
    assert!(
        page.contains("白質の容積") && page.contains("AI・研究用"),
        "{page}"
    );
}

/// What lies in `samples/` is what the scripts make of the public data.
#[test]
fn samples_are_as_their_scripts_make_them() {
    let Some(lesions) = shared("ai/colonoscopy/feature_data.csv") else {
        return;
    };
    let folder = tempfile::TempDir::new().expect("a folder");
    let out = folder.path().join("colonoscopy");
    let source = lesions.parent().expect("a folder").display().to_string();
    if python(
        "xtask/colonoscopy.py",
        &[&source, &out.display().to_string()],
    )
    .is_none()
    {
        return;
    }
    for name in [
        "cases.csv",
        "readings.csv",
        "fhir/Patient.ndjson.gz",
        "fhir/Observation.ndjson.gz",
    ] {
        let read = |folder: &std::path::Path| {
            let bytes = std::fs::read(folder.join(name)).expect("a file");
            if !name.ends_with(".gz") {
                return bytes;
            }
            // The text counts; how a zlib packs it is its own.
            let unpacked = Command::new("gzip")
                .arg("-dc")
                .arg(folder.join(name))
                .output()
                .expect("gzip runs");
            assert!(unpacked.status.success());
            unpacked.stdout
        };
        assert!(
            read(&out) == read(&repository().join("samples/colonoscopy")),
            "{name}"
        );
    }
}
