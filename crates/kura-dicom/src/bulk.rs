//! Values that DICOM JSON leaves out, as bytes: little endian, whatever the file. PS3.18 10.4.1.1.5.

use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::Path;

use dicom_core::{DicomValue, Tag};
use kura_model::Refusal;

use crate::header::Header;
use crate::limits::Limits;
use crate::pixel::fragments::PixelStream;
use crate::{BulkPath, bulk_value};

fn open(path: &Path) -> Result<BufReader<File>, Refusal> {
    File::open(path)
        .map(BufReader::new)
        .map_err(|_| Refusal::new("dicom-io", "the file could not be opened"))
}

/// The stream of a video: all fragments together, whichever frames they hold. PS3.5 A.4.5 to A.4.8.
///
/// # Errors
/// Those of [`crate::read_header`]; `dicom-no-pixels`, `dicom-native`, `dicom-fragments`,
/// `dicom-limit`.
pub fn whole_stream(path: &Path) -> Result<Vec<u8>, Refusal> {
    let limits = Limits::default();
    let header = crate::read_header(open(path)?, &limits)?;
    if header.pixel().is_some_and(|pixel| pixel.length.is_some()) {
        let message = "the pixel data are no stream of a codec";
        return Err(Refusal::new("dicom-native", message));
    }
    let mut stream = PixelStream::open(open(path)?, &header, &limits)?;
    let index = stream.index(&header, 1, &limits)?;
    stream.compressed(&index, 0, &limits)
}

/// A place in a data set: tags, with the item (from 1) of each sequence between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValuePath {
    items: Vec<(Tag, usize)>,
    tag: Tag,
}

impl ValuePath {
    /// `00420011`, or `00400555/1/00420011`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut items = Vec::new();
        let mut parts = text.split('/');
        let mut tag = tag_of(parts.next()?)?;
        while let Some(item) = parts.next() {
            let item = item.parse::<usize>().ok()?.checked_sub(1)?;
            items.push((tag, item));
            tag = tag_of(parts.next()?)?;
        }
        Some(Self { items, tag })
    }

    /// Whether this is the pixel data of the object itself.
    pub fn is_pixel_data(&self) -> bool {
        self.items.is_empty() && matches!(self.tag, Tag(0x7FE0, 0x0008..=0x0010))
    }
}

fn tag_of(text: &str) -> Option<Tag> {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let number = u32::from_str_radix(text, 16).ok()?;
    Some(Tag((number >> 16) as u16, number as u16))
}

/// One value before the pixel data, little endian, as it is read from its file.
pub struct Whole {
    pub length: u64,
    pub reader: Box<dyn Read + Send>,
}

/// A value by its place. `None` where there is none.
///
/// # Errors
/// Those of [`crate::read_header`].
pub fn value(path: &Path, place: &ValuePath) -> Result<Option<Whole>, Refusal> {
    let limits = Limits::default();
    let header = crate::read_header(open(path)?, &limits)?;
    let at = BulkPath {
        items: place
            .items
            .iter()
            .map(|(tag, item)| (*tag, u32::try_from(*item).unwrap_or(u32::MAX)))
            .collect(),
        tag: place.tag,
    };
    match bulk_value(path, &header, &at, &limits) {
        Ok(value) => Ok(Some(Whole {
            length: value.length,
            reader: Box::new(value),
        })),
        Err(refusal) if refusal.rule == "bulk-none" => Ok(None),
        // An icon: its fragments together.
        Err(refusal) if refusal.rule == "bulk-encapsulated" => {
            Ok(fragments(&header, place).map(|bytes| Whole {
                length: bytes.len() as u64,
                reader: Box::new(Cursor::new(bytes)),
            }))
        }
        Err(refusal) => Err(refusal),
    }
}

fn fragments(header: &Header, place: &ValuePath) -> Option<Vec<u8>> {
    let mut object = header.object();
    for (tag, item) in &place.items {
        object = object.get(*tag)?.items()?.get(*item)?;
    }
    match object.get(place.tag)?.value() {
        DicomValue::PixelSequence(fragments) => Some(fragments.fragments().concat()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        let place = ValuePath::parse("54000100/1/54001010").unwrap();
        assert_eq!(place.items, [(Tag(0x5400, 0x0100), 0)]);
        assert_eq!(place.tag, Tag(0x5400, 0x1010));
        assert!(ValuePath::parse("7FE00010").unwrap().is_pixel_data());
        for wrong in [
            "",
            "7FE0001",
            "00400555/0/00420011",
            "00400555/1",
            "+7FE0010",
            "00400555/1/",
        ] {
            assert_eq!(ValuePath::parse(wrong), None, "{wrong}");
        }
    }
}
