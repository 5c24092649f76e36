//! Programs of others that the tests ask; `KURA_TEST_TOOLS` says that they must be there.

use std::path::{Path, PathBuf};
use std::process::Command;

fn missing(what: &str) {
    assert!(
        std::env::var_os("KURA_TEST_TOOLS").is_none(),
        "{what} is missing"
    );
    eprintln!("SKIPPED: {what} is not here; run make test");
}

/// The Python of `KURA_PYTHON` if it has these modules.
pub fn python(modules: &[&str]) -> Option<PathBuf> {
    let path =
        std::env::var_os("KURA_PYTHON").map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let there = Command::new(&path)
        .args(["-c", &format!("import {}", modules.join(", "))])
        .output()
        .is_ok_and(|output| output.status.success());
    if !there {
        missing(&format!("a Python with {}", modules.join(", ")));
    }
    there.then_some(path)
}

#[track_caller]
pub fn run(command: &mut Command) -> String {
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

/// The Python scripts of the tests.
pub fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/python")
}
