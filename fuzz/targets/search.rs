//! The text of a search of any type.
#![no_main]

use kura_fhir::search;
use kura_fhir::search_parameter::Registry;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = search::parse_expression(Registry::r4(), text);
    if let Ok(params) = search::decode(text) {
        for kind in ["Patient", "Observation"] {
            let _ = search::parse(Registry::r4(), kind, &params);
        }
    }
});
