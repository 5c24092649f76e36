//! What a client or a file brings: parsed, kept, made searchable, shown again, taken apart.
#![no_main]

use kura_fhir::search_parameter::Registry;
use kura_fhir::{Resource, bundle};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(resource) = Resource::parse(bytes) else {
        return;
    };
    let stored = resource.to_stored();
    let again = Resource::parse(&stored).expect("what is stored can be read");
    assert_eq!(again.to_stored(), stored);
    let (kind, id) = (resource.kind(), resource.id());
    Registry::r4().extract(kind, id, resource.value());
    let shown = kura_fhir::resource::present(&resource.key(), 1, 0, &stored);
    Resource::parse(&shown).expect("what is shown can be read");
    if kind == "Bundle" {
        let _ = bundle::unpack(resource.into_value());
    }
});
