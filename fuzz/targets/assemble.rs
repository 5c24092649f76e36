//! Metadata of an object whose bulk data came beside it: what is put together is read.
#![no_main]

use std::io::{Cursor, Read};

use kura_dicom::{BulkPart, BulkParts, Limits, assemble, read_header};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(metadata) = serde_json::from_slice(bytes) else {
        return;
    };
    let Ok(file) = std::fs::File::open("/dev/zero") else {
        return;
    };
    let part = |kind: &str| BulkPart {
        range: 0..9,
        media_type: kind.to_owned(),
        transfer_syntax: None,
    };
    let parts = BulkParts::from([
        ("a".to_owned(), vec![part("application/octet-stream")]),
        ("b".to_owned(), vec![part("image/jls"), part("image/jls")]),
    ]);
    if let Ok(mut object) = assemble(&metadata, &parts, &file) {
        let mut out = Vec::new();
        if object.read_to_end(&mut out).is_ok() {
            let _ = read_header(Cursor::new(out), &Limits::default());
        }
    }
});
