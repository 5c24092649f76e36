//! Whether two files hold the same object. Senders write one object in several ways: another
//! transfer syntax, other lengths of sequences, another file meta information.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use dicom_core::value::{InMemFragment, Value};
use dicom_core::{PrimitiveValue, Tag};
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
    let whole = left.left_out().is_empty() && right.left_out().is_empty();
    if !whole || !same_elements(left.object(), right.object()) {
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

/// Element by element, whatever their VRs: implicit VR has none for private elements.
fn same_elements(one: &InMemDicomObject, other: &InMemDicomObject) -> bool {
    // PS3.5 7.2: group lengths are retired, and follow from the way the elements are written.
    let elements = |object: &InMemDicomObject| -> Vec<Tag> {
        object
            .into_iter()
            .map(|element| element.header().tag)
            .filter(|tag| tag.element() != 0)
            .collect()
    };
    let tags = elements(one);
    tags == elements(other)
        && tags
            .iter()
            .all(|tag| match (one.get(*tag), other.get(*tag)) {
                (Some(one), Some(other)) => same_value(one.value(), other.value()),
                _ => false,
            })
}

fn same_value(
    one: &Value<InMemDicomObject, InMemFragment>,
    other: &Value<InMemDicomObject, InMemFragment>,
) -> bool {
    match (one, other) {
        (Value::Sequence(one), Value::Sequence(other)) => {
            let (one, other) = (one.items(), other.items());
            one.len() == other.len()
                && one
                    .iter()
                    .zip(other)
                    .all(|(one, other)| same_elements(one, other))
        }
        (Value::Primitive(one), Value::Primitive(other)) => {
            // PS3.5 6.2: padding to even length says nothing.
            let bytes = |value: &PrimitiveValue| {
                let mut bytes = value.to_bytes().into_owned();
                while matches!(bytes.last(), Some(0 | b' ')) {
                    bytes.pop();
                }
                bytes
            };
            one == other || bytes(one) == bytes(other)
        }
        _ => false,
    }
}
