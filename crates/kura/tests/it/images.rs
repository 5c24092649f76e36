//! Images on their way out.

use crate::dataset::{build, python};
use crate::support::{TestBank, sample, tool};

#[test]
fn pydicom_reads_it_and_dciodvfy_finds_nothing_new() {
    let bank = TestBank::sample();
    let out = build(&bank, "set");
    if tool("KURA_DCIODVFY", "dciodvfy").is_none() {
        return;
    }
    python("read_images.py", &[&out, &sample("dicom")]);
}

#[test]
fn images_leave_only_where_they_may() {
    let bank = TestBank::sample();
    let out = build(&bank, "set");
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("manifest.json")).unwrap()).unwrap();
    let images: Vec<&str> = manifest["files"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|file| file["path"].as_str())
        .filter(|path| path.starts_with("dicom/"))
        .collect();
    let withheld: u64 = manifest["withheld"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(reason, _)| reason.starts_with("dicom"))
        .map(|(_, count)| count.as_u64().unwrap())
        .sum();
    // Twelve objects, two of them of nobody known.
    assert_eq!(
        images.len() as u64 + withheld,
        10,
        "{images:?} {}",
        manifest["withheld"]
    );
    assert!((1..=4).contains(&images.len()), "{images:?}");
    // Genomic results and CATS stay inside.
    assert!(
        manifest["withheld"]["genomic:Observation"]
            .as_u64()
            .unwrap()
            > 0
    );
}

/// A study whose objects name two patients is nobody's, however often it is imported.
#[test]
fn a_study_of_two_patients_is_nobodys() {
    let Some(python_tool) = tool("KURA_PYTHON", "python3") else {
        return;
    };
    let bank = TestBank::new();
    bank.import(&[&sample("fhir")], 0);
    let folder = bank.folder.path().join("mixed");
    let made = std::process::Command::new(python_tool)
        .arg(crate::support::repository().join("tests/python/mixed_study.py"))
        .arg(sample("dicom/01-ct-abdomen.dcm"))
        .arg(sample("fhir/Patient.ndjson.gz"))
        .arg(&folder)
        .output()
        .expect("python runs");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let report = bank.import(&[&folder.join("1.dcm")], 0);
    assert_eq!(report["unlinked"], 0);
    let report = bank.import(&[&folder.join("2.dcm")], 0);
    assert_eq!(
        (&report["unlinked"], &report["linked"]),
        (&1.into(), &0.into())
    );
    // A third object that agrees with the first does not settle it.
    let report = bank.import(&[&folder.join("3.dcm")], 0);
    assert_eq!(
        (&report["unlinked"], &report["linked"]),
        (&1.into(), &0.into())
    );
    let server = bank.serve();
    let found = server
        .get("/fhir/ImagingStudy?_tag=urn:kura:link-state%7Cstudy-conflict&_total=accurate")
        .json();
    assert_eq!(found["total"], 1);
    assert!(found["entry"][0]["resource"]["subject"]["reference"].is_null());
}
