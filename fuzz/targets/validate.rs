//! A resource held against the rules of its type.
#![no_main]

use std::sync::LazyLock;

use kura_validation::{Definitions, Validator};
use libfuzzer_sys::fuzz_target;

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| Validator::new(Definitions::r4()));

fuzz_target!(|bytes: &[u8]| {
    if let Ok(resource) = kura_fhir::resource::parse_json(bytes) {
        VALIDATOR.validate(&resource, &[]).operation_outcome();
    }
});
