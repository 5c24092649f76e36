//! `sample-hospital [--out samples/hospital]`: makes the linked sample hospital again.
//!
//! The work is done by `sample_hospital.py`, for its parts are Python packages: clinosim (the
//! patients and their records) and pydicom (real DICOM files, MIT). Both come from PyPI into a
//! private environment under the user's cache folder.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Pinned, for another version makes other bytes.
const PACKAGES: [&str; 4] = [
    "clinosim==0.6.5",
    "pydicom==3.0.2",
    "numpy==2.4.6",
    "pillow==13.0.0",
];

pub fn run(arguments: &[String]) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let out = match arguments {
        [] => root.join("samples/hospital"),
        [flag, folder] if flag == "--out" => PathBuf::from(folder),
        _ => return Err("usage: sample-hospital [--out FOLDER]".to_owned()),
    };
    let python = environment()?;
    let script = root.join("xtask/src/sample_hospital.py");
    // Python's order of sets and dictionaries' hashes must not differ between runs.
    succeed(
        Command::new(python)
            .env("PYTHONHASHSEED", "0")
            .arg(script)
            .arg(out),
    )
}

/// The Python of the private environment, made where it is not there yet.
fn environment() -> Result<PathBuf, String> {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .ok_or("neither XDG_CACHE_HOME nor HOME is set")?;
    let folder = cache.join("kura/sample-hospital");
    let python = folder.join("bin/python");
    if !python.exists() {
        succeed(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    }
    succeed(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet"])
            .args(PACKAGES),
    )?;
    Ok(python)
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let status = command
        .status()
        .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!(
            "{} failed: {status}",
            command.get_program().display()
        ))
    }
}
