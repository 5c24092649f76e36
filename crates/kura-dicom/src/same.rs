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
use crate::pixel::PixelReader;
use crate::read_header;

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
        // What stands behind the pixels is not looked into: then only the bytes can tell.
        (Some(a), Some(b)) if a.tag == b.tag && ends(one, &left)? && ends(other, &right)? => {
            let mut one = PixelReader::new(File::open(one).map_err(io)?, &left, limits)?;
            let mut other = PixelReader::new(File::open(other).map_err(io)?, &right, limits)?;
            for frame in 0..left.number_of_frames() {
                match (one.samples(frame), other.samples(frame)) {
                    (Ok(one), Ok(other)) if one == other => {}
                    _ => return Ok(false),
                }
            }
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// Whether the file ends with its pixel data.
fn ends(path: &Path, header: &Header) -> Result<bool, Refusal> {
    let Some(pixel) = header.pixel().filter(|_| !header.encoding().deflated) else {
        return Ok(false);
    };
    let mut file = File::open(path).map_err(io)?;
    let size = file.metadata().map_err(io)?.len();
    if let Some(length) = pixel.length {
        // PS3.5 7.1.1: values have even lengths; some writers forget the last byte.
        let end = pixel.offset + length + length % 2;
        return Ok(size <= end || is_padding(&mut file, end)?);
    }
    let mut at = pixel.offset;
    loop {
        let mut head = [0; 8];
        file.seek(SeekFrom::Start(at)).map_err(io)?;
        if fill(&mut file, &mut head).map_err(io)? < head.len() {
            return Ok(true);
        }
        at += 8;
        // PS3.5 A.4: items, then the delimiter of the sequence.
        match head[..4] {
            [0xFE, 0xFF, 0x00, 0xE0] => {
                at += u64::from(u32::from_le_bytes([head[4], head[5], head[6], head[7]]));
            }
            _ => return Ok(at >= size || is_padding(&mut file, at)?),
        }
    }
}

/// PS3.10 7.2: Data Set Trailing Padding (FFFC,FFFC) says nothing.
fn is_padding(file: &mut File, at: u64) -> Result<bool, Refusal> {
    let mut tag = [0; 4];
    file.seek(SeekFrom::Start(at)).map_err(io)?;
    fill(file, &mut tag).map_err(io)?;
    Ok(tag == [0xFC, 0xFF, 0xFC, 0xFF])
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

fn padded(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., 0 | b' '] = bytes {
        bytes = rest;
    }
    bytes
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
            let text = |value: &PrimitiveValue| {
                matches!(value, PrimitiveValue::Str(_) | PrimitiveValue::Strs(_))
            };
            let (left, right) = (one.to_bytes(), other.to_bytes());
            // PS3.5 6.2: the padding of a text says nothing.
            left == right || ((text(one) || text(other)) && padded(&left) == padded(&right))
        }
        _ => false,
    }
}
