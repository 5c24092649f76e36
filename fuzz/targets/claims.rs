//! An electronic claim (UKE).
#![no_main]

use kura_feeds::uke;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(reader) = uke::read(bytes, uke::Limits::default()) {
        reader.for_each(drop);
    }
});
