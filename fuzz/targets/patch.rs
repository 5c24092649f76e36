//! A JSON patch, up to the first line feed, on the resource behind it.
#![no_main]

use kura_fhir::patch::{Language, Patch};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let end = bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(bytes.len());
    let (patch, document) = bytes.split_at(end);
    if let (Ok(patch), Ok(document)) = (
        Patch::parse(patch, Language::Json),
        serde_json::from_slice(document),
    ) {
        let _ = patch.apply(&document);
    }
});
