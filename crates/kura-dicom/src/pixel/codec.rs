//! Encapsulated pixel data. What is read: RLE, JPEG (8 bits, 12 bits sequential, lossless),
//! JPEG-LS, JPEG 2000 and HTJ2K, deflated and uncompressed frames. The rest is refused.

use std::borrow::Cow;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};

use dicom_encoding::adapters::{PixelDataObject, RawPixelData};
use dicom_encoding::{Codec, TransferSyntaxIndex};
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;
use flate2::read::DeflateDecoder;
use kura_model::Refusal;

use super::samples::Samples;
use super::{PixelDescription, native};
use crate::codestream::{self, Family, Size};

fn refuse(message: &str) -> Refusal {
    Refusal::new("dicom-codec", message).at_path("(7FE0,0010)")
}

/// Whether frames of this transfer syntax can be decoded at all.
pub(crate) fn readable(syntax: &str) -> bool {
    match codestream::family(syntax) {
        None => true,
        Some(Family::Rle | Family::Jpeg | Family::JpegLs | Family::Jpeg2000) => true,
        // JPEG 2000 Part 2 is of many components at once.
        Some(Family::Deflated | Family::Uncompressed) => true,
        Some(Family::JpegXl | Family::Video | Family::Other) => false,
    }
}

/// One frame of the transfer syntax `syntax`.
pub(crate) fn decode(
    syntax: &str,
    description: &PixelDescription,
    bytes: &[u8],
) -> Result<Samples, Refusal> {
    // Decoders index by what the stream says: a panic is a refusal, not an end.
    let result = catch_unwind(AssertUnwindSafe(|| match codestream::family(syntax) {
        Some(Family::Rle) => rle(description, bytes),
        Some(Family::Jpeg) => jpeg(description, bytes),
        Some(Family::JpegLs) => jpeg_ls(description, bytes),
        Some(Family::Jpeg2000) => jpeg_2000(syntax, description, bytes),
        Some(Family::Deflated) => deflated(description, bytes),
        Some(Family::Uncompressed) => uncompressed(description, bytes.to_vec()),
        _ => Err(refuse("this transfer syntax cannot be decoded")),
    }));
    result.unwrap_or_else(|_| Err(refuse("the decoder failed on the frame")))
}

fn rle(description: &PixelDescription, bytes: &[u8]) -> Result<Samples, Refusal> {
    let bytes = codestream::rle::decode(
        bytes,
        description.pixels(),
        usize::from(description.samples),
        usize::from(description.bits_allocated / 8),
    )?;
    let mut samples = Samples::of(description, bytes);
    full(&mut samples);
    Ok(samples)
}

/// PS3.5 8.2: `YBR_FULL_422` says how a codestream holds the colour, which is whole again now.
fn full(samples: &mut Samples) {
    if samples.photometric == "YBR_FULL_422" {
        "YBR_FULL".clone_into(&mut samples.photometric);
    }
}

/// The decoder allocates what the codestream says: it must say what the object says.
fn same(size: Size, description: &PixelDescription) -> Result<(), Refusal> {
    if (size.rows, size.columns, size.components)
        != (description.rows, description.columns, description.samples)
    {
        return Err(refuse(
            "the codestream's size or components differ from the object's",
        ));
    }
    if !matches!(description.bits_allocated, 8 | 16) || size.precision > description.bits_allocated
    {
        return Err(refuse("only samples of 8 or 16 bits can be decoded"));
    }
    Ok(())
}

/// Bytes of as many bits as the object allocates.
fn pack(values: &[u16], description: &PixelDescription) -> Vec<u8> {
    if description.bits_allocated == 8 {
        values.iter().map(|value| *value as u8).collect()
    } else {
        values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    }
}

fn jpeg(description: &PixelDescription, bytes: &[u8]) -> Result<Samples, Refusal> {
    let size = codestream::jpeg::size(bytes)?;
    same(size, description)?;
    let decoded = if size.precision == 8 || size.lossless {
        let bytes = jpeg_decoder(description, bytes)?;
        let unit = if size.precision == 8 { 1 } else { 2 };
        match (unit, description.bits_allocated) {
            (1, 8) | (2, 16) => bytes,
            // An 8-bit codestream in 16-bit cells, or the reverse.
            (1, _) => bytes.iter().flat_map(|byte| [*byte, 0]).collect(),
            _ => bytes.chunks_exact(2).map(|pair| pair[0]).collect(),
        }
    } else {
        let expected = (description.rows, description.columns, description.samples);
        let values = codestream::jpeg_sequential::decode(bytes, expected)?;
        pack(&values, description)
    };
    exact(&decoded, description)?;
    let photometric = if description.samples == 3 {
        codestream::jpeg::colour(bytes, &description.photometric)?.to_owned()
    } else {
        description.photometric.clone()
    };
    Ok(Samples {
        photometric,
        ..Samples::of(description, decoded)
    })
}

fn exact(decoded: &[u8], description: &PixelDescription) -> Result<(), Refusal> {
    let wanted = description.pixels()
        * usize::from(description.samples)
        * usize::from(description.bits_allocated / 8);
    if decoded.len() == wanted {
        Ok(())
    } else {
        Err(refuse("the decoder gave another number of samples"))
    }
}

/// Components as they are coded: what their colours are is said by [`codestream::jpeg::colour`].
fn jpeg_decoder(description: &PixelDescription, bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    if description.samples == 3 {
        // Named RGB there: components are put side by side and left as they are.
        decoder.set_color_transform(jpeg_decoder::ColorTransform::RGB);
    }
    decoder
        .decode()
        .map_err(|_| refuse("the decoder refused the frame"))
}

fn jpeg_ls(description: &PixelDescription, bytes: &[u8]) -> Result<Samples, Refusal> {
    let size = codestream::jpeg::size(bytes)?;
    same(size, description)?;
    let expected = (description.rows, description.columns, description.samples);
    let values = codestream::jpeg_ls::decode(bytes, expected)?;
    let mut samples = of_precision(size, description, pack(&values, description));
    full(&mut samples);
    Ok(samples)
}

/// JPEG-LS knows no sign, and JPEG 2000 may have another than the object: it is that of as many
/// bits as the codestream has (PS3.5 8.2.3, 8.2.4), and filled up here.
fn of_precision(size: Size, description: &PixelDescription, mut bytes: Vec<u8>) -> Samples {
    let allocated = description.bits_allocated;
    if description.signed && size.precision < allocated {
        let unused = allocated - size.precision;
        if allocated == 8 {
            for byte in &mut bytes {
                *byte = ((*byte << unused) as i8 >> unused) as u8;
            }
        } else {
            for pair in bytes.chunks_exact_mut(2) {
                let value = i16::from_le_bytes([pair[0], pair[1]]) << unused >> unused;
                pair.copy_from_slice(&value.to_le_bytes());
            }
        }
    }
    Samples {
        bits_stored: size.precision,
        high_bit: size.precision - 1,
        ..Samples::of(description, bytes)
    }
}

fn jpeg_2000(
    syntax: &str,
    description: &PixelDescription,
    bytes: &[u8],
) -> Result<Samples, Refusal> {
    let bytes = codestream::jpeg2000::codestream(bytes)?;
    let size = codestream::jpeg2000::size(bytes)?;
    same(size, description)?;
    let Some(Codec::EncapsulatedPixelData(Some(reader), _)) = TransferSyntaxRegistry
        .get(syntax)
        .map(|syntax| syntax.codec())
    else {
        return Err(refuse("this transfer syntax cannot be decoded"));
    };
    let mut decoded = Vec::new();
    let one = OneFrame {
        syntax,
        description,
        bytes,
    };
    reader
        .decode_frame(&one, 0, &mut decoded)
        .map_err(|_| refuse("the decoder refused the frame"))?;
    exact(&decoded, description)?;
    let mut samples = of_precision(size, description, decoded);
    full(&mut samples);
    if matches!(samples.photometric.as_str(), "YBR_RCT" | "YBR_ICT") {
        "RGB".clone_into(&mut samples.photometric);
    }
    Ok(samples)
}

/// Deflated Image Frame Compression (PS3.5 A.4.13).
fn deflated(description: &PixelDescription, bytes: &[u8]) -> Result<Samples, Refusal> {
    let mut raw = Vec::new();
    DeflateDecoder::new(bytes)
        .take(description.frame_bytes() + 1)
        .read_to_end(&mut raw)
        .map_err(|_| refuse("the deflated frame is damaged"))?;
    uncompressed(description, raw)
}

/// Encapsulated Uncompressed Explicit VR Little Endian (PS3.5 A.4.11): each frame begins at a byte.
fn uncompressed(description: &PixelDescription, mut raw: Vec<u8>) -> Result<Samples, Refusal> {
    let wanted = description.frame_bytes() as usize;
    // A fragment is of even length.
    if raw.len() < wanted || raw.len() > wanted + wanted % 2 {
        return Err(refuse("the frame has another number of bytes than it says"));
    }
    raw.truncate(wanted);
    native::samples(raw, 0, description, false)
}

/// What a codec of dicom-rs is shown: one frame in one fragment.
struct OneFrame<'a> {
    syntax: &'a str,
    description: &'a PixelDescription,
    bytes: &'a [u8],
}

impl PixelDataObject for OneFrame<'_> {
    fn transfer_syntax_uid(&self) -> &str {
        self.syntax
    }

    fn rows(&self) -> Option<u16> {
        u16::try_from(self.description.rows).ok()
    }

    fn cols(&self) -> Option<u16> {
        u16::try_from(self.description.columns).ok()
    }

    fn samples_per_pixel(&self) -> Option<u16> {
        Some(self.description.samples)
    }

    fn bits_allocated(&self) -> Option<u16> {
        Some(self.description.bits_allocated)
    }

    fn bits_stored(&self) -> Option<u16> {
        Some(self.description.bits_stored)
    }

    fn photometric_interpretation(&self) -> Option<&str> {
        Some(&self.description.photometric)
    }

    fn number_of_frames(&self) -> Option<u32> {
        Some(1)
    }

    fn number_of_fragments(&self) -> Option<u32> {
        Some(1)
    }

    fn fragment(&self, fragment: usize) -> Option<Cow<'_, [u8]>> {
        (fragment == 0).then_some(Cow::Borrowed(self.bytes))
    }

    fn offset_table(&self) -> Option<Cow<'_, [u32]>> {
        None
    }

    fn raw_pixel_data(&self) -> Option<RawPixelData> {
        Some(RawPixelData {
            fragments: std::iter::once(self.bytes.to_vec()).collect(),
            offset_table: std::iter::empty().collect(),
        })
    }
}
