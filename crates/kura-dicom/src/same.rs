//! Whether two files hold the same object. Senders write one object in several ways: another
//! transfer syntax, other lengths of sequences, another file meta information.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use dicom_core::VR;
use dicom_core::value::Value;
use dicom_object::InMemDicomObject;
use kura_model::Refusal;

use crate::header::Header;
use crate::limits::Limits;
use crate::{decode_frame, read_header};

fn io(_: std::io::Error) -> Refusal {
    Refusal::new("dicom-io", "the file could not be read")
}

/// Whether both say the same, value by value and pixel by pixel. What cannot be compared is not
/// the same.
///
/// # Errors
/// One of them cannot be read.
pub fn same_object(one: &Path, other: &Path, limits: &Limits) -> Result<bool, Refusal> {
    let read = |path: &Path| read_header(BufReader::new(File::open(path).map_err(io)?), limits);
    let (left, right) = (read(one)?, read(other)?);
    let syntax = left.transfer_syntax_uid() == right.transfer_syntax_uid();
    if syntax && left.encoding() == right.encoding() {
        let tail = |path: &Path, header: &Header| -> Result<_, Refusal> {
            let mut file = File::open(path).map_err(io)?;
            file.seek(SeekFrom::Start(header.dataset_offset()))
                .map_err(io)?;
            Ok(BufReader::with_capacity(256 * 1024, file))
        };
        if same_bytes(tail(one, &left)?, tail(other, &right)?).map_err(io)? {
            return Ok(true);
        }
    }
    // Of bulk data the headers below hold nothing.
    if has_bulk(left.object()) || left.to_dicom_json() != right.to_dicom_json() {
        return Ok(false);
    }
    match (left.pixel(), right.pixel()) {
        (None, None) => Ok(true),
        (Some(a), Some(b)) if a.tag == b.tag => {
            for frame in 0..left.number_of_frames() {
                let a = decode_frame(one, frame, limits);
                let b = decode_frame(other, frame, limits);
                if !matches!((a, b), (Ok(a), Ok(b)) if a.pixels == b.pixels) {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        _ => Ok(false),
    }
}

fn same_bytes(mut one: impl Read, mut other: impl Read) -> std::io::Result<bool> {
    let mut left = vec![0; 64 * 1024];
    let mut right = vec![0; 64 * 1024];
    loop {
        let count = fill(&mut one, &mut left)?;
        if count != fill(&mut other, &mut right)? || left[..count] != right[..count] {
            return Ok(false);
        }
        if count == 0 {
            return Ok(true);
        }
    }
}

fn fill(source: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

fn has_bulk(object: &InMemDicomObject) -> bool {
    object.into_iter().any(|element| match element.value() {
        Value::Sequence(sequence) => sequence.items().iter().any(has_bulk),
        _ => matches!(
            element.header().vr,
            VR::OB | VR::OW | VR::OF | VR::OD | VR::OL | VR::OV | VR::UN
        ),
    })
}
