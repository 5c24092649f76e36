//! Reading of packages and examples.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use kura_validation::{Definitions, Validator};
use serde_json::Value;

/// The shared test data; `None` where they are not.
pub fn data(path: &str) -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data")
        .join(path);
    if found.exists() {
        return Some(found);
    }
    println!("SKIPPED: {path} of the shared data is not here");
    None
}

/// The resources of an npm-style package, each with its file name.
pub fn package(file: &Path) -> Vec<(String, Value)> {
    let bytes = std::fs::File::open(file).expect("the package");
    let mut archive = tar::Archive::new(GzDecoder::new(bytes));
    let mut resources = Vec::new();
    for entry in archive.entries().expect("an archive") {
        let mut entry = entry.expect("an entry");
        let path = entry.path().expect("a path").to_string_lossy().into_owned();
        if !path.ends_with(".json") {
            continue;
        }
        let mut text = String::new();
        entry.read_to_string(&mut text).expect("text");
        let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
        if let Ok(value) = serde_json::from_str::<Value>(&text) {
            resources.push((name, value));
        }
    }
    resources
}

pub const JP_PACKAGES: [&str; 2] = [
    "fhir-jp/jp-core.r4-1.1.2.tgz",
    "fhir-jp/jp-clins.r4-1.5.2-snap.tgz",
];

/// The definitions of JP Core and JP-CLINS.
pub fn jp() -> Option<Definitions> {
    let mut all = Definitions::r4();
    for name in JP_PACKAGES {
        let file = data(name)?;
        let resources = package(&file).into_iter().map(|(_, resource)| resource);
        assert!(all.add_package(resources) > 100);
    }
    Some(all)
}

pub fn jp_validator() -> Option<Validator> {
    jp().map(Validator::new)
}
