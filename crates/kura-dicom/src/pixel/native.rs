//! Native pixel data (PS3.5 8.1.1, 8.2 is for the encapsulated): one frame is sought and read.

use std::io::{Read, Seek};

use dicom_core::VR;
use kura_model::Refusal;

use super::samples::Samples;
use super::{PixelDescription, PixelLocation};
use crate::source::Source;
use crate::syntax::Encoding;

/// The bytes of one frame as they are stored, little endian, and how many bits of the first one
/// belong to the frame before (frames of 1-bit samples follow each other without padding).
pub(crate) fn raw<R: Read + Seek>(
    source: &mut Source<R>,
    encoding: Encoding,
    pixel: &PixelLocation,
    length: u64,
    description: &PixelDescription,
    frame: u32,
) -> Result<(Vec<u8>, usize), Refusal> {
    if description.native_bytes() > length {
        return Err(Refusal::new(
            "dicom-pixel-length",
            "fewer bytes than rows, columns, samples, bits and frames ask for",
        )
        .at_byte(pixel.offset)
        .at_path(crate::tag_text(pixel.tag)));
    }
    let bits = description.frame_bits();
    let first_bit = bits * u64::from(frame);
    let (from, to) = (first_bit / 8, (first_bit + bits).div_ceil(8));
    let cut = |_| {
        Refusal::new("dicom-length", "the pixel data are cut short").at_byte(pixel.offset + from)
    };
    // 8-bit samples in big-endian words: whole words are read, or the last byte has no partner.
    let words = encoding.big_endian && description.bits_allocated == 8 && pixel.vr == VR::OW;
    let (start, end) = if words {
        (from & !1, (to + to % 2).min(length))
    } else {
        (from, to)
    };
    source.seek_to(pixel.offset + start).map_err(cut)?;
    let mut raw = source.read_vec(end - start).map_err(cut)?;
    if words {
        raw.chunks_exact_mut(2).for_each(|pair| pair.swap(0, 1));
        raw.drain(..(from - start) as usize);
        raw.truncate((to - from) as usize);
    }
    if encoding.big_endian {
        to_little_endian(&mut raw, description.bits_allocated);
    }
    Ok((raw, (first_bit % 8) as usize))
}

/// Samples of the bytes of one frame, little endian, whose first `skip` bits are not its own.
pub(crate) fn samples(
    raw: Vec<u8>,
    skip: usize,
    description: &PixelDescription,
    float: bool,
) -> Result<Samples, Refusal> {
    let mut bytes = if description.bits_allocated == 1 {
        unpack_bits(
            &raw,
            skip,
            description.pixels() * usize::from(description.samples),
        )
    } else {
        raw
    };
    let mut photometric = description.photometric.clone();
    let unit = usize::from(description.bits_allocated / 8).max(1);
    if description.samples == 3 {
        if photometric == "YBR_FULL_422" {
            bytes = expand_422(&bytes, description.pixels(), unit);
            "YBR_FULL".clone_into(&mut photometric);
        } else if description.planar {
            bytes = interleave(&bytes, unit);
        }
    }
    Ok(Samples {
        photometric,
        float,
        ..Samples::of(description, bytes)
    })
}

/// One byte, 0 or 1, for each bit; the first is the lowest (PS3.5 8.1.1 and Annex D).
fn unpack_bits(raw: &[u8], skip: usize, count: usize) -> Vec<u8> {
    (skip..skip + count)
        .map(|bit| raw.get(bit / 8).map_or(0, |byte| byte >> (bit % 8) & 1))
        .collect()
}

fn to_little_endian(bytes: &mut [u8], bits: u16) {
    let unit = match bits {
        16 => 2,
        32 => 4,
        64 => 8,
        _ => return,
    };
    for word in bytes.chunks_exact_mut(unit) {
        word.reverse();
    }
}

/// RRR…GGG…BBB… to RGBRGB… (Planar Configuration 1).
pub(crate) fn interleave(planes: &[u8], unit: usize) -> Vec<u8> {
    let plane = planes.len() / 3;
    let mut out = Vec::with_capacity(planes.len());
    for at in (0..plane).step_by(unit) {
        for sample in 0..3 {
            let from = sample * plane + at;
            out.extend_from_slice(planes.get(from..from + unit).unwrap_or(&[]));
        }
    }
    out
}

/// Y Y Cb Cr for two pixels to Y Cb Cr for each.
fn expand_422(bytes: &[u8], pixels: usize, unit: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(pixels * 3 * unit);
    for pair in bytes.chunks_exact(4 * unit) {
        let sample = |at: usize| &pair[at * unit..(at + 1) * unit];
        for luma in [0, 1] {
            out.extend_from_slice(sample(luma));
            out.extend_from_slice(sample(2));
            out.extend_from_slice(sample(3));
        }
    }
    out.resize(pixels * 3 * unit, 128);
    out
}
