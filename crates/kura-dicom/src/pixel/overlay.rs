//! Overlay planes (PS3.3 C.9.2): bitmaps over a picture, in an element of their own or in unused
//! bits of the pixels (retired, PS3.3 2004).

use dicom_core::{PrimitiveValue, Tag};
use dicom_object::InMemDicomObject;

use super::samples::Samples;
use crate::header::{Header, number, texts};

/// One overlay plane of one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlay {
    /// 6000 to 601E, even.
    pub group: u16,
    pub rows: u32,
    pub columns: u32,
    /// (row, column) of its first pixel, 1\1 is that of the picture (60xx,0050).
    pub origin: (i32, i32),
    /// Overlay Type (60xx,0040): a region of interest, not graphics.
    pub region_of_interest: bool,
    /// Overlay Label (60xx,1500).
    pub label: Option<String>,
    /// A byte for each pixel, 0 or 1, row by row.
    pub bits: Vec<u8>,
}

/// The planes of frame `frame`. `samples` are the frame's, for planes that lie in its bits. What
/// says too little of itself is left out: an overlay is not worth a picture.
pub(crate) fn overlays(header: &Header, frame: u32, samples: &Samples) -> Vec<Overlay> {
    let object = header.object();
    // PS3.5 7.6: sixteen repeating groups
    (0x6000..=0x601E)
        .step_by(2)
        .filter_map(|group| overlay(object, group, frame, samples))
        .collect()
}

fn overlay(
    object: &InMemDicomObject,
    group: u16,
    frame: u32,
    samples: &Samples,
) -> Option<Overlay> {
    let tag = |element: u16| Tag(group, element);
    let rows = number(object, tag(0x0010))?;
    let columns = number(object, tag(0x0011))?;
    let own = object.get(tag(0x3000)).is_some();
    let bits = if own {
        let planes = number(object, tag(0x0015));
        // Image Frame Origin, from 1; without a number of frames the plane is over each.
        let first = number(object, tag(0x0051)).unwrap_or(1).max(1) - 1;
        let plane = match planes {
            None => 0,
            Some(planes) => frame.checked_sub(first).filter(|plane| *plane < planes)?,
        };
        own_bits(object, tag(0x3000), rows, columns, plane)?
    } else {
        let bit = number(object, tag(0x0102))?;
        if number(object, tag(0x0100)) == Some(1) {
            return None;
        }
        embedded_bits(samples, bit, rows, columns)?
    };
    let origin = signed_pair(object, tag(0x0050)).unwrap_or((1, 1));
    let text = |element| {
        texts(object, tag(element))
            .into_iter()
            .find(|t| !t.is_empty())
    };
    Some(Overlay {
        group,
        rows,
        columns,
        origin,
        region_of_interest: text(0x0040).as_deref() == Some("R"),
        label: text(0x1500),
        bits,
    })
}

fn signed_pair(object: &InMemDicomObject, tag: Tag) -> Option<(i32, i32)> {
    let values = object.get(tag)?.to_multi_int::<i32>().ok()?;
    Some((*values.first()?, *values.get(1)?))
}

/// PS3.5 8.1.2: the first bit is the lowest; planes follow each other without padding.
fn own_bits(
    object: &InMemDicomObject,
    tag: Tag,
    rows: u32,
    columns: u32,
    plane: u32,
) -> Option<Vec<u8>> {
    let count = u64::from(rows) * u64::from(columns);
    let first = count.checked_mul(u64::from(plane))?;
    let value = object.get(tag)?.value().primitive()?;
    let byte = |at: u64| -> Option<u8> {
        let at = usize::try_from(at).ok()?;
        match value {
            PrimitiveValue::U8(bytes) => bytes.get(at).copied(),
            PrimitiveValue::U16(words) => Some(words.get(at / 2)?.to_le_bytes()[at % 2]),
            _ => None,
        }
    };
    // Held before anything is allocated.
    byte(first.checked_add(count)?.checked_sub(1)? / 8)?;
    (first..first + count)
        .map(|bit| Some(byte(bit / 8)? >> (bit % 8) & 1))
        .collect()
}

fn embedded_bits(samples: &Samples, bit: u32, rows: u32, columns: u32) -> Option<Vec<u8>> {
    let unit = usize::from(samples.bits_allocated / 8);
    if (rows, columns) != (samples.rows, samples.columns)
        || samples.per_pixel != 1
        || bit >= u32::from(samples.bits_allocated)
    {
        return None;
    }
    let in_unit = (bit / 8) as usize;
    let cells = samples.bytes.chunks_exact(unit);
    Some(cells.map(|cell| cell[in_unit] >> (bit % 8) & 1).collect())
}
