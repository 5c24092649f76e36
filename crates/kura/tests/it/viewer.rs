//! The viewer of images, in a real browser, against pydicom, numpy and nibabel.

use std::path::Path;
use std::process::Command;

use crate::support::{TestBank, python, repository, sample, tool};

#[test]
fn a_reader_sees_what_pydicom_reads() {
    let (Some(node), Some(_), Some(_)) = (
        tool("KURA_NODE", "node"),
        tool("KURA_CHROMIUM", "chromium"),
        tool("KURA_PYTHON", "python3"),
    ) else {
        return;
    };
    let bank = TestBank::new();
    let made = bank.folder.path().join("made");
    let script = "tests/python/viewer.py";
    python(script, &["make", &made.display().to_string()]);
    let patient = repository().join("samples/head/Patient.ndjson");
    bank.import(&[&patient, &made.join("dicom")], 0);
    let server = bank.serve();
    let shots = bank.folder.path().join("shots");
    walk(&node, &server.url(), &shots, &made.join("truth.json"));
    let told = [&made, &shots].map(|path| path.display().to_string());
    python(script, &["compare", &told[0], &told[1]]);
}

fn walk(node: &Path, url: &str, shots: &Path, truth: &Path) {
    let output = Command::new(node)
        .arg(repository().join("tests/browser/viewer.mjs"))
        .args([url.as_ref(), shots.as_os_str(), truth.as_os_str()])
        .output()
        .expect("node runs");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Without an image, the page says how to bring some.
#[test]
fn an_empty_bank_says_what_to_do() {
    let bank = TestBank::new();
    let server = bank.serve();
    let page = server.get("/images");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("kura import") && page.body.contains("storescu"));
    bank.import(&[&sample("dicom")], 0);
    let page = server.get("/images");
    assert!(!page.body.contains("storescu") && page.body.contains("/images/study-"));
    for path in [
        "/images/study-0",
        "/images/series/study-0/1.2",
        "/images/volume/study-0/1.2",
        "/images/object/1.2",
        "/images/document/1.2",
        "/images/video/1.2",
        "/images/segmentation/1.2",
    ] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
}
