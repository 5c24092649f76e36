//! A master file of the payer, taken out of its ZIP.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = kura_feeds::masters::read(bytes);
});
