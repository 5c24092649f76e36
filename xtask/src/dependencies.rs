//! Which room may use which: the table of ARCHITECTURE.md, proved on `cargo metadata`.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

/// Crate and what it may use of ours. A crate that is not here may not exist.
const ROOMS: &[(&str, &[&str])] = &[
    ("kura-model", &[]),
    ("kura-fhir", &["kura-model", "kura-fhirpath"]),
    ("kura-fhirpath", &[]),
    ("kura-validation", &["kura-model", "kura-fhirpath"]),
    ("kura-dicom", &["kura-model"]),
    ("kura-genomics", &["kura-model"]),
    ("kura-face", &["kura-dicom"]),
    ("kura-feeds", &["kura-model", "kura-fhir"]),
    ("kura-consent", &["kura-model", "kura-fhir"]),
    (
        "kura-deid",
        &[
            "kura-model",
            "kura-fhir",
            "kura-fhirpath",
            "kura-dicom",
            "kura-genomics",
        ],
    ),
    ("kura-pdf", &[]),
    (
        "kura-dataset",
        &[
            "kura-model",
            "kura-fhir",
            "kura-dicom",
            "kura-genomics",
            "kura-pdf",
        ],
    ),
    // The AI half: pure statistics and learning, SQL over a set's tables, models asked.
    ("kura-evaluation", &[]),
    ("kura-training", &[]),
    ("kura-network", &["kura-training"]),
    ("kura-cases", &["kura-model", "kura-dataset"]),
    ("kura-inference", &["kura-model"]),
    ("kura-ocr", &["kura-model", "kura-fhir", "kura-inference"]),
    ("kura-trial", &["kura-model", "kura-evaluation"]),
    ("kura-access", &["kura-model"]),
    ("kura-store", &["kura-model"]),
    // Proofs of who one is.
    ("kura-credentials", &["kura-model"]),
    // What asks other servers.
    ("kura-outbound", &["kura-model"]),
    (
        "kura-service",
        &[
            "kura-model",
            "kura-access",
            "kura-fhir",
            "kura-validation",
            "kura-dicom",
            "kura-genomics",
            "kura-feeds",
            "kura-deid",
            "kura-dataset",
            "kura-evaluation",
            "kura-training",
            "kura-network",
            "kura-cases",
            "kura-inference",
            "kura-ocr",
            "kura-pdf",
            "kura-face",
            "kura-trial",
            "kura-store",
            "kura-outbound",
            "kura-credentials",
        ],
    ),
    (
        "kura-server",
        &[
            "kura-model",
            "kura-fhir",
            "kura-dicom",
            "kura-genomics",
            "kura-credentials",
            "kura-service",
        ],
    ),
    ("kura", &["kura-model", "kura-server", "kura-service"]),
];

/// Crates that touch the disk, the network or a database. The standards crates may not.
const IO_CRATES: &[&str] = &[
    "rusqlite",
    "axum",
    "tokio",
    "tokio-postgres",
    "tower-http",
    "ureq",
    "reqwest",
];
/// `kura-cases` has SQLite for a temporary database of its own; it opens no other.
const IO_ROOMS: &[&str] = &[
    "kura-store",
    "kura-cases",
    "kura-outbound",
    "kura-server",
    "kura",
];

pub fn check() -> Result<(), String> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .output()
        .map_err(|error| format!("cargo metadata: {error}"))?;
    let metadata: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("cargo metadata: {error}"))?;
    let rooms: BTreeMap<_, _> = ROOMS.iter().copied().collect();
    let mut wrong = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        if name == "xtask" {
            continue;
        }
        let Some(allowed) = rooms.get(name) else {
            wrong.push(format!("{name} is no room of ARCHITECTURE.md"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            // What only tests use does not bind the rooms.
            if dependency["kind"].as_str() == Some("dev") {
                continue;
            }
            let used = dependency["name"].as_str().unwrap_or_default();
            if used.starts_with("kura") && !allowed.contains(&used) {
                wrong.push(format!("{name} may not use {used}"));
            }
            if IO_CRATES.contains(&used) && !IO_ROOMS.contains(&name) {
                wrong.push(format!("{name} may not do I/O with {used}"));
            }
        }
    }
    if wrong.is_empty() {
        println!("dependencies: {} rooms keep their direction", ROOMS.len());
        Ok(())
    } else {
        Err(wrong.join("\n"))
    }
}
