//! A ViewDefinition, up to the first line feed, on the resource behind it.
#![no_main]

use kura_fhir::view_definition::ViewDefinition;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let end = bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(bytes.len());
    let (view, resource) = bytes.split_at(end);
    let Ok(view) = serde_json::from_slice::<Value>(view) else {
        return;
    };
    let Ok(view) = ViewDefinition::parse(&view) else {
        return;
    };
    if let Ok(resource) = serde_json::from_slice::<Value>(resource)
        && let Ok(rows) = view.rows(&resource)
    {
        for row in rows {
            assert_eq!(row.len(), view.columns().len());
        }
    }
});
