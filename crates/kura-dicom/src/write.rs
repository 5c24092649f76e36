//! Writing a data set without pixel data.

use dicom_encoding::TransferSyntaxIndex;
use dicom_object::InMemDicomObject;
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;
use kura_model::Refusal;

use crate::syntax::{EXPLICIT_BE, EXPLICIT_LE, Encoding, IMPLICIT_LE};

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
