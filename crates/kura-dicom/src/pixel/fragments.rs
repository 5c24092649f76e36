//! Encapsulated pixel data (PS3.5 A.4): which fragments make which frame.

use std::io::{self, Read, Seek, Write};
use std::ops::Range;

use dicom_core::PrimitiveValue;
use dicom_dictionary_std::tags;
use kura_model::Refusal;

use crate::header::Header;
use crate::limits::Limits;
use crate::source::Source;

/// Bytes of a stream that are copied at once.
const PIECE: u64 = 1 << 20;

/// A reader that stands in the pixel data of one object.
pub struct PixelStream<R> {
    source: Source<R>,
    start: u64,
}

impl<R: Read + Seek> PixelStream<R> {
    /// # Errors
    /// `dicom-no-pixels`, `dicom-io`.
    pub fn open(reader: R, header: &Header, limits: &Limits) -> Result<Self, Refusal> {
        let Some(pixel) = header.pixel() else {
            return Err(Refusal::new(
                "dicom-no-pixels",
                "the object has no pixel data",
            ));
        };
        Ok(Self {
            source: super::open_at(reader, header, pixel.offset, limits)?,
            start: pixel.offset,
        })
    }

    /// Copies the first `length` bytes of native pixel data, in pieces.
    ///
    /// # Errors
    /// What the writer says; `UnexpectedEof` where the data end before.
    pub fn copy_native(&mut self, length: u64, out: &mut impl Write) -> io::Result<()> {
        self.source.seek_to(self.start)?;
        let mut left = length;
        let mut piece = vec![0; 64 * 1024];
        while left > 0 {
            let step = usize::try_from(left.min(piece.len() as u64)).unwrap_or(piece.len());
            if self.source.read_up_to(&mut piece[..step])? < step {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            out.write_all(&piece[..step])?;
            left -= step as u64;
        }
        Ok(())
    }

    /// Walks the fragments and says which belong to which of `frames` frames.
    pub fn index(
        &mut self,
        header: &Header,
        frames: u32,
        limits: &Limits,
    ) -> Result<FrameIndex, Refusal> {
        FrameIndex::read(&mut self.source, header, frames, limits)
    }

    /// Copies all fragments joined, in pieces: the stream of a video, however long.
    ///
    /// # Errors
    /// `dicom-fragments`, `dicom-limit`, `dicom-io` where nothing can be written.
    pub fn copy_stream(
        &mut self,
        header: &Header,
        limits: &Limits,
        out: &mut impl Write,
    ) -> Result<(), Refusal> {
        let index = FrameIndex::read(&mut self.source, header, 1, limits)?;
        for fragment in &index.fragments {
            let cut = |_| damaged("a fragment is cut short", fragment.offset);
            self.source.seek_to(fragment.offset).map_err(cut)?;
            let mut left = u64::from(fragment.length);
            while left > 0 {
                let piece = self.source.read_vec(left.min(PIECE)).map_err(cut)?;
                left -= piece.len() as u64;
                out.write_all(&piece)
                    .map_err(|_| Refusal::new("dicom-io", "a stream cannot be written"))?;
            }
        }
        Ok(())
    }

    /// The compressed bytes of one frame, its fragments joined.
    pub fn compressed(
        &mut self,
        index: &FrameIndex,
        frame: u32,
        limits: &Limits,
    ) -> Result<Vec<u8>, Refusal> {
        index.frame(&mut self.source, frame, limits)
    }
}

#[derive(Debug, Clone, Copy)]
struct Fragment {
    /// Byte of the value in the file.
    offset: u64,
    length: u32,
}

/// The fragments of each frame.
#[derive(Debug)]
pub struct FrameIndex {
    fragments: Vec<Fragment>,
    frames: Vec<Range<usize>>,
}

fn damaged(message: &str, at: u64) -> Refusal {
    Refusal::new("dicom-fragments", message)
        .at_byte(at)
        .at_path("(7FE0,0010)")
}

impl FrameIndex {
    pub(crate) fn read<R: Read + Seek>(
        source: &mut Source<R>,
        header: &Header,
        frames: u32,
        limits: &Limits,
    ) -> Result<Self, Refusal> {
        let base = source.position();
        let table = item(source)?.ok_or_else(|| damaged("there is no offset table", base))?;
        if u64::from(table) > limits.max_element_bytes {
            return Err(Refusal::new(
                "dicom-limit",
                "the offset table is larger than allowed",
            ));
        }
        let table = source
            .read_vec(table.into())
            .map_err(|_| damaged("the offset table is cut short", base))?;
        let basic: Vec<u64> = table
            .chunks_exact(4)
            .map(|c| u64::from(u32::from_le_bytes([c[0], c[1], c[2], c[3]])))
            .collect();

        let first = source.position();
        let mut fragments = Vec::new();
        // Where each frame's codestream would begin, for data without a table.
        let mut starts = Vec::new();
        while let Some(length) = item(source)? {
            let offset = source.position();
            if fragments.len() as u64 >= limits.max_fragments {
                return Err(Refusal::new("dicom-limit", "more fragments than allowed"));
            }
            let mut head = [0; 2];
            let peek = source
                .read_up_to(&mut head[..2.min(length as usize)])
                .map_err(|_| damaged("cut short", offset))?;
            // JPEG SOI; JPEG 2000 SOC
            if matches!(head, [0xFF, 0xD8 | 0x4F]) {
                starts.push(fragments.len());
            }
            source
                .skip(u64::from(length) - peek as u64)
                .map_err(|_| damaged("a fragment reaches beyond the file", offset))?;
            fragments.push(Fragment { offset, length });
        }
        let offsets = if basic.len() == frames as usize {
            basic
        } else {
            extended_offsets(header, frames)
        };
        let frames = group(&fragments, first, frames as usize, &offsets, &starts)
            .ok_or_else(|| damaged("the fragments cannot be told apart into frames", first))?;
        Ok(Self { fragments, frames })
    }

    pub(crate) fn frame<R: Read + Seek>(
        &self,
        source: &mut Source<R>,
        frame: u32,
        limits: &Limits,
    ) -> Result<Vec<u8>, Refusal> {
        let range = self
            .frames
            .get(frame as usize)
            .cloned()
            .ok_or_else(|| Refusal::new("dicom-frame", "there is no frame of that number"))?;
        let fragments = &self.fragments[range];
        let total: u64 = fragments.iter().map(|f| u64::from(f.length)).sum();
        if total > limits.max_compressed_frame_bytes {
            return Err(Refusal::new(
                "dicom-limit",
                "a compressed frame is larger than allowed",
            ));
        }
        let mut bytes = Vec::new();
        for fragment in fragments {
            let cut = |_| damaged("a fragment is cut short", fragment.offset);
            source.seek_to(fragment.offset).map_err(cut)?;
            bytes.extend(source.read_vec(fragment.length.into()).map_err(cut)?);
        }
        Ok(bytes)
    }
}

/// The next item's length; `None` at the sequence delimiter.
fn item<R: Read + Seek>(source: &mut Source<R>) -> Result<Option<u32>, Refusal> {
    let at = source.position();
    let mut head = [0; 8];
    let got = source
        .read_up_to(&mut head)
        .map_err(|_| damaged("cut short", at))?;
    if got < 8 {
        return Err(damaged("the file ends before the sequence delimiter", at));
    }
    let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
    match &head[..4] {
        [0xFE, 0xFF, 0x00, 0xE0] if u64::from(length) <= source.remaining() => Ok(Some(length)),
        [0xFE, 0xFF, 0xDD, 0xE0] => Ok(None),
        _ => Err(damaged("an item of defined length was expected", at)),
    }
}

/// Extended Offset Table (7FE0,0001), PS3.3 C.7.6.3.1.8.
fn extended_offsets(header: &Header, frames: u32) -> Vec<u64> {
    let Some(element) = header.object().get(tags::EXTENDED_OFFSET_TABLE) else {
        return Vec::new();
    };
    match element.value().primitive() {
        Some(PrimitiveValue::U64(values)) if values.len() == frames as usize => values.to_vec(),
        _ => Vec::new(),
    }
}

fn group(
    fragments: &[Fragment],
    first: u64,
    frames: usize,
    offsets: &[u64],
    starts: &[usize],
) -> Option<Vec<Range<usize>>> {
    let ends = |begins: Vec<usize>| {
        let ends = begins.iter().skip(1).copied().chain([fragments.len()]);
        let ranges: Vec<_> = begins
            .iter()
            .copied()
            .zip(ends)
            .map(|(a, b)| a..b)
            .collect();
        ranges
            .iter()
            .all(|range| range.start < range.end)
            .then_some(ranges)
    };
    if fragments.is_empty() || frames == 0 {
        return None;
    }
    if frames == 1 {
        return Some(std::iter::once(0..fragments.len()).collect());
    }
    if frames == fragments.len() {
        return ends((0..frames).collect());
    }
    if offsets.len() == frames {
        // Offsets count from the first byte of the first fragment's item tag.
        let begins: Option<Vec<usize>> = offsets
            .iter()
            .map(|offset| {
                let value = first.checked_add(*offset)?.checked_add(8)?;
                fragments.binary_search_by_key(&value, |f| f.offset).ok()
            })
            .collect();
        return ends(begins?);
    }
    (starts.len() == frames && starts.first() == Some(&0))
        .then(|| ends(starts.to_vec()))
        .flatten()
}
