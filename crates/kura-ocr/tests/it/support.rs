//! What the tests share: models, data, fonts.

use std::path::{Path, PathBuf};

use kura_inference::Runtime;
use kura_ocr::TextFinder;

pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the repository")
}

/// What is missing is said aloud; `make test` installs it, then it is a failure.
pub fn missing(what: &str) {
    assert!(
        std::env::var_os("KURA_TEST_TOOLS").is_none(),
        "{what} is missing"
    );
    eprintln!("SKIPPED: {what} is missing; run make test");
}

/// A finder; `None`, said aloud, where the models or the runtime are missing.
pub fn finder() -> Option<TextFinder> {
    let (Some(library), Some(models)) = (
        std::env::var_os("KURA_INFERENCE__RUNTIME"),
        std::env::var_os("KURA_OCR__MODELS"),
    ) else {
        missing("KURA_INFERENCE__RUNTIME or KURA_OCR__MODELS (scripts/runtime.sh, scripts/ocr.sh)");
        return None;
    };
    let runtime = Runtime::load(Some(Path::new(&library))).expect("ONNX Runtime");
    Some(TextFinder::open(Path::new(&models), runtime).expect("the models"))
}

/// Data that may not be shipped; `None`, said aloud, where it is missing.
pub fn shared(path: &str) -> Option<PathBuf> {
    let found = repository().join("../shared/data").join(path);
    if found.exists() {
        return Some(found);
    }
    // A worktree lies one folder deeper than the repository.
    eprintln!("SKIPPED: ../shared/data/{path} is not here");
    None
}

/// Where review pictures go, if somebody wants to see them.
pub fn reviews() -> Option<PathBuf> {
    std::env::var_os("KURA_OCR_REVIEWS").map(PathBuf::from)
}
