//! A DICOM file: its header, its JSON, its first frame.
#![no_main]

use std::io::Cursor;

use kura_dicom::{Limits, decode_frame_from, read_header};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default();
    if let Ok(header) = read_header(Cursor::new(bytes), &limits) {
        header.to_dicom_json();
        let _ = decode_frame_from(Cursor::new(bytes), 0, &limits);
    }
});
