//! Look-up tables (PS3.3 C.11.1.1, C.7.6.3.1.5), also in segments (C.7.9.2).

use dicom_core::{PrimitiveValue, Tag};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;

/// Number of entries, first input, bits, entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lut {
    first: i64,
    bits: u16,
    entries: Vec<u16>,
}

/// One table of a VOI LUT Sequence (PS3.3 C.11.2.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoiLut {
    /// LUT Explanation (0028,3003).
    pub name: Option<String>,
    pub(crate) table: Lut,
}

impl VoiLut {
    /// Of a modality value, 8 bits for a screen.
    pub(crate) fn shade(&self, value: f64) -> u8 {
        (self.table.fraction(value) * 255.0).round() as u8
    }

    /// The first modality value that the table has an entry for, and the shades from there on;
    /// below and above it the first and the last one hold.
    pub fn shades(&self) -> (i64, Vec<u8>) {
        let first = self.table.first;
        let values = first..first + self.table.entries.len() as i64;
        (
            first,
            values.map(|value| self.shade(value as f64)).collect(),
        )
    }
}

/// The most entries a table has: its number is 16 bits, 0 for all.
const MOST: usize = 65536;

impl Lut {
    /// Of a Modality or VOI LUT item.
    pub(crate) fn of_item(item: &InMemDicomObject, signed: bool) -> Option<Self> {
        Self::of(item, tags::LUT_DESCRIPTOR, tags::LUT_DATA, signed)
    }

    pub(crate) fn of(
        object: &InMemDicomObject,
        descriptor: Tag,
        data: Tag,
        signed: bool,
    ) -> Option<Self> {
        let shape = Shape::of(object, descriptor, signed)?;
        let entries: Vec<u16> = match object.get(data)?.value().primitive()? {
            // 8-bit entries packed in words
            PrimitiveValue::U16(words)
                if words.len() == shape.count.div_ceil(2) && shape.count > 1 =>
            {
                words
                    .iter()
                    .flat_map(|word| word.to_le_bytes())
                    .map(u16::from)
                    .take(shape.count)
                    .collect()
            }
            PrimitiveValue::U16(words) => words.to_vec(),
            PrimitiveValue::I16(words) => words.iter().map(|word| *word as u16).collect(),
            PrimitiveValue::U8(bytes) if bytes.len() >= 2 * shape.count => words(bytes),
            PrimitiveValue::U8(bytes) => bytes.iter().map(|byte| u16::from(*byte)).collect(),
            _ => return None,
        };
        shape.with(entries)
    }

    /// A palette's channel: its data, or its segments.
    pub(crate) fn of_channel(
        object: &InMemDicomObject,
        [descriptor, data, segmented]: [Tag; 3],
        signed: bool,
    ) -> Option<Self> {
        if object.get(data).is_some() {
            return Self::of(object, descriptor, data, signed);
        }
        let shape = Shape::of(object, descriptor, signed)?;
        let raw: Vec<u8> = match object.get(segmented)?.value().primitive()? {
            PrimitiveValue::U16(words) => {
                words.iter().flat_map(|word| word.to_le_bytes()).collect()
            }
            PrimitiveValue::U8(bytes) => bytes.to_vec(),
            _ => return None,
        };
        let cells = if shape.bits == 8 {
            raw.iter().map(|byte| u16::from(*byte)).collect()
        } else {
            words(&raw)
        };
        let mut entries = Vec::with_capacity(shape.count);
        expand(&cells, shape.bits == 8, &mut entries)?;
        shape.with(entries)
    }

    pub(crate) fn get(&self, value: i64) -> u16 {
        let last = self.entries.len() - 1;
        let at = usize::try_from(value - self.first).unwrap_or(0).min(last);
        self.entries[at]
    }

    /// An entry scaled to 0..=1 by the bits that entries have (C.11.2.1.1).
    pub(crate) fn fraction(&self, value: f64) -> f64 {
        // Beyond 2^53 nothing is told apart any more; the cast saturates.
        let most = f64::from((1_u32 << self.bits) - 1);
        (f64::from(self.get(value.round() as i64)) / most).min(1.0)
    }

    /// Eight bits of a palette's entry.
    pub(crate) fn byte(&self, value: i64) -> u8 {
        let entry = self.get(value);
        if self.bits == 8 {
            entry.min(255) as u8
        } else {
            (entry >> 8) as u8
        }
    }
}

struct Shape {
    count: usize,
    first: i64,
    bits: u16,
}

impl Shape {
    fn of(object: &InMemDicomObject, descriptor: Tag, signed: bool) -> Option<Self> {
        let descriptor = object.get(descriptor)?.to_multi_int::<i32>().ok()?;
        let [count, first, bits] = descriptor.as_slice() else {
            return None;
        };
        Some(Self {
            count: match count & 0xFFFF {
                0 => MOST,
                n => n as usize,
            },
            first: if signed {
                i64::from(*first as i16)
            } else {
                i64::from(*first as u16)
            },
            bits: u16::try_from(*bits)
                .ok()
                .filter(|bits| (1..=16).contains(bits))?,
        })
    }

    fn with(self, mut entries: Vec<u16>) -> Option<Lut> {
        entries.truncate(self.count);
        (!entries.is_empty()).then_some(Lut {
            first: self.first,
            bits: self.bits,
            entries,
        })
    }
}

fn words(bytes: &[u8]) -> Vec<u16> {
    bytes
        .chunks_exact(2)
        .map(|c| u16::from_le_bytes([c[0], c[1]]))
        .collect()
}

/// PS3.3 C.7.9.2. Not more than [`MOST`] entries come out; an indirect segment names segments
/// that lie before it, and these may not be indirect again, so it ends.
fn expand(cells: &[u16], bytes: bool, out: &mut Vec<u16>) -> Option<()> {
    let mut at = 0;
    // A padding byte may follow the last segment.
    while at + 2 < cells.len() {
        if cells[at] == 2 {
            let length = usize::from(cells[at + 1]);
            // C.7.9.2.3: a byte offset of 32 bits, its words in the order of the data
            let width = if bytes { 4 } else { 2 };
            let parts = cells.get(at + 2..at + 2 + width)?;
            let offset = parts.iter().rev().fold(0, |sum, part| {
                sum << (if bytes { 8 } else { 16 }) | usize::from(*part)
            });
            let begin = if bytes { offset } else { offset / 2 };
            let mut from = begin;
            for _ in 0..length {
                if from >= at || cells.get(from) == Some(&2) {
                    return None;
                }
                from += direct(&cells[from..], out)?;
            }
            at += 2 + width;
        } else {
            at += direct(&cells[at..], out)?;
        }
    }
    Some(())
}

/// One discrete or linear segment; gives how many cells it took.
fn direct(cells: &[u16], out: &mut Vec<u16>) -> Option<usize> {
    let [kind, length, rest @ ..] = cells else {
        return None;
    };
    let length = usize::from(*length);
    if out.len() + length > MOST {
        return None;
    }
    match kind {
        // C.7.9.2.1
        0 => {
            out.extend(rest.get(..length)?);
            Some(2 + length)
        }
        // C.7.9.2.2: from the entry before, exclusive, to the one given
        1 => {
            let (from, to) = (f64::from(*out.last()?), f64::from(*rest.first()?));
            out.extend((1..=length).map(|step| {
                (from + (to - from) * step as f64 / length as f64).round_ties_even() as u16
            }));
            Some(3)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_of_each_kind() {
        let mut out = Vec::new();
        // discrete 0 4; linear over 4 to 8; both again
        expand(&[0, 2, 0, 4, 1, 4, 8, 2, 2, 0, 0], false, &mut out).unwrap();
        assert_eq!(out, [0, 4, 5, 6, 7, 8, 0, 4, 5, 6, 7, 8]);
        assert!(expand(&[2, 1, 0, 0], false, &mut Vec::new()).is_none());
        assert!(expand(&[1, 4, 8, 0], false, &mut Vec::new()).is_none());
        assert!(expand(&[0, 9, 1, 0], false, &mut Vec::new()).is_none());
    }
}
