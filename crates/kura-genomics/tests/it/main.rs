//! Against the files of the VCF specification and C-CAT's published samples.

mod cats;
mod vcf;

use std::path::PathBuf;

/// A folder of shared test data, or a line that says why the test does nothing.
fn shared(part: &str) -> Option<PathBuf> {
    let root = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from)?;
    let path = root.join("../../../shared/data").join(part);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: test data {part} are not here");
    None
}

/// A file of the sample hospital that this repository carries.
fn sample(part: &str) -> Option<PathBuf> {
    let root = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from)?;
    let path = root.join("../../samples/hospital/genomics").join(part);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: the sample hospital has no {part}");
    None
}

fn files(folder: &std::path::Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("a folder of test data")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    found.sort();
    found
}
