//! The Native DICOM Model; and what it says as JSON, as XML again.
#![no_main]

use kura_dicom::xml;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(value) = xml::read(bytes) {
        let again = xml::write(&value);
        xml::read(again.as_bytes()).expect("what was written can be read");
    }
});
