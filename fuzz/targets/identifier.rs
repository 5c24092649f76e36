//! The identifier of a query as a peer sends it, in each way of writing; what was read is written
//! and read again, and asks for the same.
#![no_main]

use kura_dicom::Identifier;
use libfuzzer_sys::fuzz_target;

const SYNTAXES: [&str; 3] = [
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.2",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((which, bytes)) = bytes.split_first() else {
        return;
    };
    let syntax = SYNTAXES[usize::from(*which) % SYNTAXES.len()];
    let Ok(identifier) = Identifier::read(bytes, syntax) else {
        return;
    };
    let keys = identifier.keys();
    for key in &keys {
        key.matches(identifier.dataset());
    }
    identifier.answer(identifier.dataset(), &[]);
    if let Ok(written) = identifier.write(identifier.dataset(), syntax) {
        let _ = Identifier::read(&written, syntax);
    }
});
