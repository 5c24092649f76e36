//! FHIR XML; and what it says as JSON, as XML again.
#![no_main]

use kura_fhir::xml;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(value) = xml::read(bytes) {
        let again = xml::write(&value, xml::Layout::Compact).expect("what was read can be written");
        assert_eq!(
            xml::read(&again).expect("what was written can be read"),
            value
        );
    }
});
