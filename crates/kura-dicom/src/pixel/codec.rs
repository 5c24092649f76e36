//! Encapsulated pixel data: RLE here, JPEG and JPEG 2000 through dicom-rs.

use std::borrow::Cow;
use std::io::{Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};

use dicom_encoding::adapters::{PixelDataObject, RawPixelData};
use dicom_encoding::{Codec, TransferSyntaxIndex};
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;
use kura_model::Refusal;

use super::fragments::FrameIndex;
use super::{Decoded, PixelDescription};
use crate::codestream::{self, Family};
use crate::header::Header;
use crate::limits::Limits;
use crate::source::Source;

fn refuse(message: &str) -> Refusal {
    Refusal::new("dicom-codec", message).at_path("(7FE0,0010)")
}

pub(crate) fn read<R: Read + Seek>(
    source: &mut Source<R>,
    header: &Header,
    description: &PixelDescription,
    frame: u32,
    limits: &Limits,
) -> Result<Decoded, Refusal> {
    let syntax = header.transfer_syntax_uid();
    let family = codestream::family(&syntax);
    if !matches!(family, Some(Family::Rle | Family::Jpeg | Family::Jpeg2000)) {
        return Err(refuse("this transfer syntax cannot be decoded"));
    }
    let index = FrameIndex::read(source, header, description.frames, limits)?;
    let mut bytes = index.frame(source, frame, limits)?;
    if family == Some(Family::Rle) {
        let bytes = codestream::rle::decode(
            &bytes,
            description.pixels(),
            usize::from(description.samples),
            usize::from(description.bits_allocated / 8),
        )?;
        return Ok(Decoded {
            bytes,
            bits_allocated: description.bits_allocated,
            photometric: description.photometric.clone(),
            float: false,
        });
    }
    let jpeg = family == Some(Family::Jpeg);
    let size = if jpeg {
        codestream::jpeg::size(&bytes)?
    } else {
        codestream::jpeg2000::size(&bytes)?
    };
    // The decoder allocates what the codestream says: it must say what the object says.
    if (size.rows, size.columns, size.components)
        != (description.rows, description.columns, description.samples)
    {
        return Err(refuse(
            "the codestream's size or components differ from the object's",
        ));
    }
    let allocated = description.bits_allocated;
    if !matches!(allocated, 8 | 16) || size.precision > allocated {
        return Err(refuse("only samples of 8 or 16 bits can be decoded"));
    }
    if jpeg && !(size.precision == 8 || size.lossless) {
        return Err(refuse("lossy JPEG of more than 8 bits cannot be decoded"));
    }
    if jpeg && description.samples == 3 && description.photometric == "RGB" {
        bytes = codestream::jpeg::declare_rgb(&bytes)?;
    }
    let wanted =
        description.pixels() * usize::from(description.samples) * usize::from(allocated / 8);
    let one = OneFrame {
        syntax: &syntax,
        description,
        bytes: &bytes,
    };
    let mut decoded = decode(&one)?;
    if decoded.len() != wanted {
        return Err(refuse("the decoder gave another number of samples"));
    }
    if jpeg && size.precision <= 8 && allocated == 16 {
        widen(&mut decoded);
    }
    // jpeg-decoder gives RGB; JPEG 2000 undoes its own component transform (RCT, ICT).
    let photometric = match description.photometric.as_str() {
        other if description.samples == 1 => other.to_owned(),
        "YBR_FULL" | "YBR_FULL_422" if !jpeg => "YBR_FULL".to_owned(),
        _ => "RGB".to_owned(),
    };
    Ok(Decoded {
        bytes: decoded,
        bits_allocated: allocated,
        photometric,
        float: false,
    })
}

/// An 8-bit codestream in 16-bit cells: the decoder fills the first half.
fn widen(bytes: &mut [u8]) {
    for at in (0..bytes.len() / 2).rev() {
        let value = bytes[at];
        bytes[2 * at] = value;
        bytes[2 * at + 1] = 0;
    }
}

fn decode(one: &OneFrame<'_>) -> Result<Vec<u8>, Refusal> {
    let Some(syntax) = TransferSyntaxRegistry.get(one.syntax) else {
        return Err(refuse("this transfer syntax cannot be decoded"));
    };
    let Codec::EncapsulatedPixelData(Some(reader), _) = syntax.codec() else {
        return Err(refuse("this transfer syntax cannot be decoded"));
    };
    // Third-party decoders index by what the stream says: a panic is a refusal, not an end.
    let result = catch_unwind(AssertUnwindSafe(|| {
        let mut out = Vec::new();
        reader.decode_frame(one, 0, &mut out).map(|()| out)
    }));
    match result {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(refuse("the decoder refused the frame")),
        Err(_) => Err(refuse("the decoder failed on the frame")),
    }
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
