//! FHIRPath, up to the first line feed, on the JSON behind it.
#![no_main]

use kura_fhirpath::{Environment, Expression};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (expression, json) = text.split_once('\n').unwrap_or((text, "{}"));
    let Ok(expression) = Expression::parse(expression) else {
        return;
    };
    let _ = expression.check("Patient");
    if let Ok(resource) = serde_json::from_str(json) {
        let _ = expression.evaluate(&resource, &Environment::default());
    }
});
