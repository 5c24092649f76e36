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
        .filter(|(reason, _)| reason.starts_with("D") || reason.starts_with("dicom"))
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
