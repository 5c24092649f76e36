//! Pixel data: where it lies, how its frames are found, decoded and windowed.

pub(crate) mod codec;
pub mod fragments;
pub mod frame;
pub mod lut;
pub(crate) mod native;
pub mod overlay;
pub mod render;
pub mod samples;
mod transform;

use std::fs::File;
use std::io::{Read, Seek};
use std::path::Path;

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use kura_model::Refusal;

use crate::header::Header;
use crate::limits::Limits;
use crate::source::Source;
use crate::syntax::Encoding;
use fragments::FrameIndex;
use frame::Frame;
use samples::Samples;

/// Where the pixel data of an object lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelLocation {
    /// (7FE0,0010), (7FE0,0008) or (7FE0,0009).
    pub tag: Tag,
    pub vr: VR,
    /// Byte of the value: in the file, or in what the file inflates to
    /// ([`crate::Encoding::deflated`]).
    pub offset: u64,
    /// Bytes of native pixel data; `None` for encapsulated (PS3.5 A.4).
    pub length: Option<u64>,
}

/// What the attributes say about the pixels (PS3.3 C.7.6.3), checked against the limits.
#[derive(Debug, Clone)]
pub struct PixelDescription {
    pub rows: u32,
    pub columns: u32,
    pub samples: u16,
    pub bits_allocated: u16,
    pub bits_stored: u16,
    pub high_bit: u16,
    pub signed: bool,
    pub planar: bool,
    pub frames: u32,
    pub photometric: String,
}

impl PixelDescription {
    /// # Errors
    /// `dicom-pixel-description` where an attribute is missing or its value cannot be,
    /// `dicom-limit` where a frame would be larger than allowed.
    pub fn of(header: &Header, limits: &Limits) -> Result<Self, Refusal> {
        let required = |tag: Tag| {
            header
                .number(tag)
                .filter(|value| *value > 0)
                .ok_or_else(|| {
                    Refusal::new("dicom-pixel-description", "missing, zero or not a number")
                        .at_path(crate::tag_text(tag))
                })
        };
        let float = header
            .pixel()
            .is_some_and(|pixel| pixel.tag != tags::PIXEL_DATA);
        let small = |value: u32| u16::try_from(value).unwrap_or(u16::MAX);
        let rows = required(tags::ROWS)?;
        let columns = required(tags::COLUMNS)?;
        let bits_allocated = small(required(tags::BITS_ALLOCATED)?);
        let samples = small(header.number(tags::SAMPLES_PER_PIXEL).unwrap_or(1));
        let bits_stored = small(
            header
                .number(tags::BITS_STORED)
                .unwrap_or(u32::from(bits_allocated)),
        );
        let high_bit = small(
            header
                .number(tags::HIGH_BIT)
                .unwrap_or(u32::from(bits_stored.saturating_sub(1))),
        );
        let this = Self {
            rows,
            columns,
            samples,
            bits_allocated,
            bits_stored: if float { bits_allocated } else { bits_stored },
            high_bit: if float {
                bits_allocated.saturating_sub(1)
            } else {
                high_bit
            },
            signed: header.number(tags::PIXEL_REPRESENTATION) == Some(1),
            planar: header.number(tags::PLANAR_CONFIGURATION) == Some(1),
            frames: header.number_of_frames(),
            photometric: header
                .photometric_interpretation()
                .unwrap_or_else(|| "MONOCHROME2".to_owned()),
        };
        // PS3.5 8.1.1
        let possible = matches!(this.samples, 1 | 3)
            && matches!(this.bits_allocated, 1 | 8 | 16 | 32 | 64)
            && (1..=this.bits_allocated).contains(&this.bits_stored)
            && this.high_bit < this.bits_allocated
            && this.high_bit + 1 >= this.bits_stored;
        if !possible {
            return Err(Refusal::new(
                "dicom-pixel-description",
                "1 or 3 samples of 1, 8, 16, 32 or 64 bits, the stored ones within the allocated",
            )
            .at_path("(0028,0100)"));
        }
        let pixels = u64::from(rows) * u64::from(columns);
        if pixels > limits.max_frame_pixels || this.frame_bytes() > limits.max_frame_bytes {
            return Err(
                Refusal::new("dicom-limit", "a frame is larger than allowed")
                    .at_path("(0028,0010)"),
            );
        }
        Ok(this)
    }

    /// Pixels of one frame.
    pub fn pixels(&self) -> usize {
        // Checked against the limits when made.
        self.rows as usize * self.columns as usize
    }

    /// Bits of one native frame; frames of 1 bit follow each other without padding
    /// (PS3.5 8.1.1), the others are whole bytes.
    pub fn frame_bits(&self) -> u64 {
        let pixels = u64::from(self.rows) * u64::from(self.columns);
        let per_pixel = if self.photometric == "YBR_FULL_422" && self.samples == 3 {
            // PS3.3 C.7.6.3.1.2: two Y for one Cb and one Cr
            2 * u64::from(self.bits_allocated)
        } else {
            u64::from(self.samples) * u64::from(self.bits_allocated)
        };
        pixels.saturating_mul(per_pixel)
    }

    pub fn frame_bytes(&self) -> u64 {
        self.frame_bits().div_ceil(8)
    }

    /// Bytes of all frames of native pixel data, without the padding to an even length.
    pub fn native_bytes(&self) -> u64 {
        self.frame_bits()
            .saturating_mul(u64::from(self.frames))
            .div_ceil(8)
    }
}

/// Decodes one frame (from 0) of a file. Native frames are read alone, whatever the file's size.
///
/// # Errors
/// Those of [`crate::read_header`]; `dicom-no-pixels`, `dicom-frame` (no such frame),
/// `dicom-pixel-description`, `dicom-pixel-length`, `dicom-limit`, and `dicom-codec` for what
/// cannot be decoded.
pub fn decode_frame(path: &Path, frame: u32, limits: &Limits) -> Result<Frame, Refusal> {
    let file =
        File::open(path).map_err(|_| Refusal::new("dicom-io", "the file could not be opened"))?;
    decode_frame_from(file, frame, limits)
}

/// [`decode_frame`] for anything that reads and seeks.
pub fn decode_frame_from<R: Read + Seek>(
    mut reader: R,
    frame: u32,
    limits: &Limits,
) -> Result<Frame, Refusal> {
    let header = crate::read_header(&mut reader, limits)?;
    let samples = PixelReader::new(reader, &header, limits)?.samples(frame)?;
    transform::frame(&header, frame, samples)
}

/// The samples of one frame (from 0) as they are stored, before any look-up table.
///
/// # Errors
/// Those of [`decode_frame`].
pub fn decode_samples<R: Read + Seek>(
    reader: R,
    header: &Header,
    frame: u32,
    limits: &Limits,
) -> Result<Samples, Refusal> {
    PixelReader::new(reader, header, limits)?.samples(frame)
}

/// Stands in the pixel data of one object and gives its frames; one is held at a time.
pub(crate) struct PixelReader<R> {
    source: Source<R>,
    encoding: Encoding,
    pixel: PixelLocation,
    description: PixelDescription,
    syntax: String,
    /// Of encapsulated pixel data.
    index: Option<FrameIndex>,
    limits: Limits,
}

impl<R: Read + Seek> PixelReader<R> {
    pub(crate) fn new(reader: R, header: &Header, limits: &Limits) -> Result<Self, Refusal> {
        let Some(pixel) = header.pixel().copied() else {
            return Err(Refusal::new(
                "dicom-no-pixels",
                "the object has no pixel data",
            ));
        };
        let description = PixelDescription::of(header, limits)?;
        let mut source = open_at(reader, header, pixel.offset, limits)?;
        let syntax = header.transfer_syntax_uid();
        let index = match pixel.length {
            Some(_) => None,
            None => Some(FrameIndex::read(
                &mut source,
                header,
                description.frames,
                limits,
            )?),
        };
        Ok(Self {
            source,
            encoding: header.encoding(),
            pixel,
            description,
            syntax,
            index,
            limits: limits.clone(),
        })
    }

    pub(crate) fn description(&self) -> &PixelDescription {
        &self.description
    }

    fn check(&self, frame: u32) -> Result<(), Refusal> {
        if frame >= self.description.frames {
            return Err(Refusal::new(
                "dicom-frame",
                "there is no frame of that number",
            ));
        }
        Ok(())
    }

    /// The frame as it is stored: its codestream, or its native bytes in little endian and how
    /// many bits of the first one are not its own.
    pub(crate) fn raw(&mut self, frame: u32) -> Result<(Vec<u8>, usize), Refusal> {
        self.check(frame)?;
        match (&self.index, self.pixel.length) {
            (Some(index), _) => {
                let bytes = index.frame(&mut self.source, frame, &self.limits)?;
                Ok((bytes, 0))
            }
            (None, length) => native::raw(
                &mut self.source,
                self.encoding,
                &self.pixel,
                length.unwrap_or(0),
                &self.description,
                frame,
            ),
        }
    }

    pub(crate) fn samples(&mut self, frame: u32) -> Result<Samples, Refusal> {
        self.check(frame)?;
        if self.index.is_some() && !codec::readable(&self.syntax) {
            return Err(
                Refusal::new("dicom-codec", "this transfer syntax cannot be decoded")
                    .at_path("(7FE0,0010)"),
            );
        }
        let (bytes, skip) = self.raw(frame)?;
        if self.index.is_some() {
            return codec::decode(&self.syntax, &self.description, &bytes);
        }
        let float = self.pixel.tag != tags::PIXEL_DATA;
        native::samples(bytes, skip, &self.description, float)
    }
}

/// A source that stands at a byte of the data set, inflating if it must.
pub(crate) fn open_at<R: Read + Seek>(
    reader: R,
    header: &Header,
    offset: u64,
    limits: &Limits,
) -> Result<Source<R>, Refusal> {
    let io = |_| Refusal::new("dicom-io", "the pixel data could not be reached").at_byte(offset);
    let mut source = Source::new(reader).map_err(io)?;
    if header.encoding().deflated {
        source.seek_to(header.dataset_offset()).map_err(io)?;
        source = source.inflate(limits.max_inflated_bytes);
    }
    source.seek_to(offset).map_err(io)?;
    Ok(source)
}
