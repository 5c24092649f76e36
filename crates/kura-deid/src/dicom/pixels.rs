//! Pixel data: native frames as they are, compressed ones without comments.

use std::io::{Read, Seek, Write};

use dicom_core::{Tag, VR};
use kura_dicom::codestream::{self, Family};
use kura_dicom::pixel::PixelDescription;
use kura_dicom::pixel::fragments::{FrameIndex, PixelStream};
use kura_dicom::{Encoding, Header, Limits};
use kura_model::Refusal;

/// Pixel data that were looked through and can be written.
pub(super) enum Plan {
    Native { length: u64 },
    Encapsulated(Frames),
}

pub(super) struct Frames {
    index: FrameIndex,
    family: Family,
    pixels: usize,
    /// Bytes of each frame once stripped, padded to an even length.
    lengths: Vec<u32>,
}

/// What was left out of the pixel data.
#[derive(Default, Clone, Copy)]
pub(super) struct Removed {
    pub(super) comments: bool,
    pub(super) tail: bool,
}

fn refuse(message: &str) -> Refusal {
    Refusal::new("dicom-pixels", message).at_path("(7FE0,0010)")
}

/// Walks all of it before anything is written, so that what is refused leaves no half a file.
pub(super) fn plan<R: Read + Seek>(
    stream: &mut PixelStream<R>,
    header: &Header,
    limits: &Limits,
) -> Result<(Plan, Removed), Refusal> {
    let description = PixelDescription::of(header, limits)?;
    let Some(pixel) = header.pixel() else {
        return Err(refuse("there are none"));
    };
    let mut removed = Removed::default();
    let family = codestream::family(&header.transfer_syntax_uid());
    match (pixel.length, family) {
        (Some(length), None) => {
            let needed = description.native_bytes();
            if needed > length {
                return Err(refuse("fewer bytes than the attributes ask for"));
            }
            let even = needed + needed % 2;
            if u32::try_from(even).is_err() {
                return Err(refuse("more bytes than an element can hold"));
            }
            removed.tail = length > even;
            // Bytes in big-endian words: the last one has its partner in the padding.
            let length = if header.encoding().big_endian {
                even.min(length)
            } else {
                needed
            };
            Ok((Plan::Native { length }, removed))
        }
        (None, Some(family)) => {
            let index = stream.index(header, description.frames, limits)?;
            let pixels = description.pixels();
            let mut lengths = Vec::new();
            for frame in 0..description.frames {
                let bytes = stream.compressed(&index, frame, limits)?;
                let stripped = codestream::strip(family, &bytes, pixels)?;
                // One byte may be the padding to an even length.
                removed.comments |= stripped.removed > 1;
                let even = stripped.bytes.len() + stripped.bytes.len() % 2;
                lengths.push(u32::try_from(even).map_err(|_| refuse("a frame is too long"))?);
            }
            let frames = Frames {
                index,
                family,
                pixels,
                lengths,
            };
            Ok((Plan::Encapsulated(frames), removed))
        }
        _ => Err(refuse(
            "the transfer syntax and the pixel data contradict each other",
        )),
    }
}

/// Why writing stopped.
pub(super) enum Stop {
    Output,
    Input(Refusal),
}

/// Writes the element: tag, VR, length, value.
pub(super) fn write<R: Read + Seek>(
    plan: &Plan,
    stream: &mut PixelStream<R>,
    tag: Tag,
    vr: VR,
    encoding: Encoding,
    limits: &Limits,
    out: &mut impl Write,
) -> Result<(), Stop> {
    let mut put = |bytes: &[u8]| out.write_all(bytes).map_err(|_| Stop::Output);
    match plan {
        Plan::Native { length } => {
            let even = u32::try_from(length + length % 2).map_err(|_| Stop::Output)?;
            put(&element_header(tag, vr, even, encoding))?;
            stream
                .copy_native(*length, out)
                .map_err(|error| match error.kind() {
                    std::io::ErrorKind::UnexpectedEof => {
                        Stop::Input(refuse("the pixel data are cut short"))
                    }
                    _ => Stop::Output,
                })?;
            if length % 2 == 1 {
                out.write_all(&[0]).map_err(|_| Stop::Output)?;
            }
        }
        Plan::Encapsulated(frames) => {
            put(&element_header(tag, VR::OB, u32::MAX, encoding))?;
            put(&offset_table(&frames.lengths))?;
            for (frame, length) in (0_u32..).zip(&frames.lengths) {
                let bytes = stream
                    .compressed(&frames.index, frame, limits)
                    .and_then(|bytes| codestream::strip(frames.family, &bytes, frames.pixels))
                    .map_err(Stop::Input)?
                    .bytes;
                put(&item(*length))?;
                put(&bytes)?;
                if bytes.len() % 2 == 1 {
                    put(&[0])?;
                }
            }
            // Sequence delimiter
            put(&[0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0])?;
        }
    }
    Ok(())
}

/// PS3.5 7.1
fn element_header(tag: Tag, vr: VR, length: u32, encoding: Encoding) -> Vec<u8> {
    let u16_bytes = |value: u16| match encoding.big_endian {
        true => value.to_be_bytes(),
        false => value.to_le_bytes(),
    };
    let mut out = Vec::new();
    out.extend(u16_bytes(tag.group()));
    out.extend(u16_bytes(tag.element()));
    if encoding.explicit_vr {
        out.extend(vr.to_bytes());
        out.extend([0, 0]);
    }
    out.extend(match encoding.big_endian {
        true => length.to_be_bytes(),
        false => length.to_le_bytes(),
    });
    out
}

fn item(length: u32) -> Vec<u8> {
    let mut out = vec![0xFE, 0xFF, 0x00, 0xE0];
    out.extend(length.to_le_bytes());
    out
}

/// PS3.5 A.4: one fragment for each frame, so offsets are sums; empty where they overflow.
fn offset_table(lengths: &[u32]) -> Vec<u8> {
    let mut offsets = Vec::with_capacity(lengths.len());
    let mut at: u32 = 0;
    for length in lengths {
        offsets.push(at);
        match at.checked_add(8).and_then(|next| next.checked_add(*length)) {
            Some(next) => at = next,
            None => return item(0),
        }
    }
    let Ok(length) = u32::try_from(4 * offsets.len()) else {
        return item(0);
    };
    let mut out = item(length);
    out.extend(offsets.iter().flat_map(|offset| offset.to_le_bytes()));
    out
}
