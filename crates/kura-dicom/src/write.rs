//! Writing a data set without pixel data, and the head of a file.

use dicom_encoding::TransferSyntaxIndex;
use dicom_object::InMemDicomObject;
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;
use kura_model::Refusal;

use crate::syntax::{EXPLICIT_BE, EXPLICIT_LE, Encoding, IMPLICIT_LE};

/// PS3.5 B.2: a UUID of ours, made once, that says which program wrote the file.
pub const IMPLEMENTATION_CLASS_UID: &str = "2.25.188907418763325920947183046517230986114";
pub const IMPLEMENTATION_VERSION_NAME: &str = "KURA";

/// A data set's elements as bytes. `encoding` must not be deflated. Strings are written as
/// Specific Character Set of the object says.
///
/// # Errors
/// `dicom-write` where a value does not fit its VR or character set.
pub fn write_dataset(object: &InMemDicomObject, encoding: Encoding) -> Result<Vec<u8>, Refusal> {
    let refuse = || Refusal::new("dicom-write", "the data set cannot be written");
    let uid = match (encoding.explicit_vr, encoding.big_endian) {
        (true, false) => EXPLICIT_LE,
        (true, true) => EXPLICIT_BE,
        (false, _) => IMPLICIT_LE,
    };
    let syntax = TransferSyntaxRegistry.get(uid).ok_or_else(refuse)?;
    let mut out = Vec::new();
    object
        .write_dataset_with_ts(&mut out, syntax)
        .map_err(|_| refuse())?;
    Ok(out)
}

/// Preamble, prefix and file meta information (PS3.10 7.1). Who sent, received or made the file
/// is not carried over.
pub fn file_head(sop_class: &str, sop_instance: &str, syntax: &str) -> Vec<u8> {
    let mut meta = Vec::new();
    let mut put = |number: u16, vr: &[u8; 2], value: &[u8], pad: u8| {
        meta.extend([2, 0]);
        meta.extend(number.to_le_bytes());
        meta.extend(vr);
        let length = value.len() + value.len() % 2;
        // The longest is a UID of 64 characters.
        let length = u16::try_from(length).unwrap_or(u16::MAX);
        if vr == b"OB" {
            meta.extend([0, 0]);
            meta.extend(u32::from(length).to_le_bytes());
        } else {
            meta.extend(length.to_le_bytes());
        }
        meta.extend(value);
        if value.len() % 2 == 1 {
            meta.push(pad);
        }
    };
    put(0x0001, b"OB", &[0, 1], 0);
    put(0x0002, b"UI", sop_class.as_bytes(), 0);
    put(0x0003, b"UI", sop_instance.as_bytes(), 0);
    put(0x0010, b"UI", syntax.as_bytes(), 0);
    put(0x0012, b"UI", IMPLEMENTATION_CLASS_UID.as_bytes(), 0);
    put(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME.as_bytes(), b' ');
    let mut out = vec![0; 128];
    out.extend(b"DICM\x02\0\0\0UL\x04\0");
    out.extend((meta.len() as u32).to_le_bytes());
    out.extend(meta);
    out
}
