//! What comes over an association before a data set: protocol data units, by the reader and with
//! the bounds of the server.
#![no_main]

use dicom_ul::pdu::{read_pdu, write_pdu};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut left = bytes;
    while let Ok(Some(pdu)) = read_pdu(&mut left, 128 * 1024, true) {
        let mut written = Vec::new();
        if write_pdu(&mut written, &pdu).is_ok() {
            let _ = read_pdu(&written[..], 256 * 1024, false);
        }
    }
});
