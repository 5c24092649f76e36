//! Bulk data of an object as bytes: its frames, and values that DICOM JSON leaves out. Little
//! endian, whatever the file. PS3.18 10.4.1.1.5 to 10.4.1.1.7.

use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use dicom_core::{DicomValue, Tag, VR};
use kura_model::Refusal;

use crate::header::Header;
use crate::limits::Limits;
use crate::pixel::fragments::{FrameIndex, PixelStream};
use crate::pixel::{PixelDescription, open_at};
use crate::{BulkPath, bulk_value};

/// The frames of one object, one at a time.
pub struct Frames {
    path: PathBuf,
    header: Header,
    description: PixelDescription,
    /// Of encapsulated pixel data.
    fragments: Option<(PixelStream<BufReader<File>>, FrameIndex)>,
    limits: Limits,
}

fn open(path: &Path) -> Result<BufReader<File>, Refusal> {
    File::open(path)
        .map(BufReader::new)
        .map_err(|_| Refusal::new("dicom-io", "the file could not be opened"))
}

impl Frames {
    /// # Errors
    /// Those of [`crate::read_header`]; `dicom-no-pixels`, `dicom-pixel-description`,
    /// `dicom-pixel-length`, `dicom-fragments`, `dicom-limit`.
    pub fn open(path: &Path) -> Result<Self, Refusal> {
        let limits = Limits::default();
        let header = crate::read_header(open(path)?, &limits)?;
        let Some(pixel) = header.pixel().copied() else {
            let message = "the object has no pixel data";
            return Err(Refusal::new("dicom-no-pixels", message));
        };
        let description = PixelDescription::of(&header, &limits)?;
        let fragments = match pixel.length {
            None => {
                let mut stream = PixelStream::open(open(path)?, &header, &limits)?;
                let index = stream.index(&header, description.frames, &limits)?;
                Some((stream, index))
            }
            Some(length) if description.native_bytes() > length => {
                let message = "fewer bytes than rows, columns, samples, bits and frames ask for";
                return Err(Refusal::new("dicom-pixel-length", message).at_byte(pixel.offset));
            }
            Some(_) => None,
        };
        Ok(Self {
            path: path.to_owned(),
            header,
            description,
            fragments,
            limits,
        })
    }

    pub fn count(&self) -> u32 {
        self.description.frames
    }

    /// Whether each frame is a stream of a codec (PS3.5 A.4).
    pub fn encapsulated(&self) -> bool {
        self.fragments.is_some()
    }

    /// The bytes of a frame, from 0: a codec's stream, or native samples.
    ///
    /// # Errors
    /// `dicom-frame` where there is none of that number; `dicom-fragments`, `dicom-length`.
    pub fn frame(&mut self, frame: u32) -> Result<Vec<u8>, Refusal> {
        if frame >= self.description.frames {
            let message = "there is no frame of that number";
            return Err(Refusal::new("dicom-frame", message));
        }
        match &mut self.fragments {
            Some((stream, index)) => stream.compressed(index, frame, &self.limits),
            None => self.native(frame),
        }
    }

    fn native(&self, frame: u32) -> Result<Vec<u8>, Refusal> {
        let Some(pixel) = self.header.pixel() else {
            return Err(Refusal::new("dicom-no-pixels", "no pixel data"));
        };
        let bits = self.description.frame_bits();
        let first = bits * u64::from(frame);
        let big = self.header.encoding().big_endian;
        // PS3.5 7.3: what is swapped is the unit of the value representation.
        let unit = match (big, pixel.vr, self.description.bits_allocated) {
            (false, ..) | (true, VR::OB, _) => 1,
            (true, _, 32) => 4,
            (true, _, 64) => 8,
            (true, ..) => 2,
        };
        let (from, to) = (first / 8, (first + bits).div_ceil(8));
        let start = from - from % unit;
        let end = to.next_multiple_of(unit).min(pixel.length.unwrap_or(to));
        let cut = |_| Refusal::new("dicom-length", "the pixel data are cut short");
        let offset = pixel.offset + start;
        let mut source = open_at(open(&self.path)?, &self.header, offset, &self.limits)?;
        let mut bytes = source.read_vec(end - start).map_err(cut)?;
        if unit > 1 {
            bytes
                .chunks_exact_mut(unit as usize)
                .for_each(<[u8]>::reverse);
        }
        bytes.drain(..(from - start) as usize);
        bytes.truncate((to - from) as usize);
        // PS3.5 8.1.1: frames of single bits follow each other without padding.
        let shift = (first % 8) as u32;
        if shift > 0 {
            for at in 0..bytes.len() {
                let next = bytes.get(at + 1).copied().unwrap_or(0);
                bytes[at] = (u16::from_le_bytes([bytes[at], next]) >> shift) as u8;
            }
        }
        bytes.truncate(bits.div_ceil(8) as usize);
        let used = (bits % 8) as u32;
        if used > 0
            && let Some(last) = bytes.last_mut()
        {
            *last &= 0xFF_u8 >> (8 - used);
        }
        Ok(bytes)
    }
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
