//! What the pixels become and which attributes say so.

use dicom_core::VR;
use dicom_core::header::HasLength;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use kura_model::Refusal;

use super::rewrite::Edits;
use super::{Target, encode, text, us};
use crate::codestream::{self, Family};
use crate::header::Header;
use crate::limits::Limits;
use crate::pixel::samples::Samples;
use crate::pixel::{PixelDescription, codec};

fn refuse(message: &str) -> Refusal {
    Refusal::new("transcode-pixels", message)
}

/// Whether the target can hold these pixels; what they are, `None` for objects without.
pub(super) fn check(
    from: &str,
    to: Target,
    header: &Header,
    limits: &Limits,
) -> Result<Option<PixelDescription>, Refusal> {
    let Some(pixel) = header.pixel() else {
        if to.is_encapsulated() {
            return Err(refuse("an object without pixels has nothing to compress"));
        }
        return Ok(None);
    };
    let encapsulated = pixel.length.is_none();
    if !encapsulated && !to.is_encapsulated() {
        // Copied, whatever it is.
        return Ok(PixelDescription::of(header, limits).ok());
    }
    let description = PixelDescription::of(header, limits)?;
    if encapsulated && !codec::readable(from) {
        return Err(Refusal::new(
            "transcode-source",
            "this transfer syntax cannot be decoded",
        ));
    }
    let colour = matches!(
        description.photometric.as_str(),
        "RGB" | "YBR_FULL" | "YBR_FULL_422" | "YBR_RCT" | "YBR_ICT"
    );
    if description.samples == 3 && !colour {
        return Err(refuse("colour of this photometric interpretation"));
    }
    let bits = description.bits_allocated;
    if to.is_encapsulated() && (pixel.tag != tags::PIXEL_DATA || bits == 1) {
        return Err(refuse("floats and single bits are not compressed"));
    }
    match to {
        Target::ImplicitVrLittleEndian | Target::ExplicitVrLittleEndian => {
            let length = native_bits(&description).div_ceil(8);
            if length > u64::from(u32::MAX - 1) {
                return Err(Refusal::new(
                    "transcode-too-long",
                    "native pixel data are less than 4 GiB",
                ));
            }
        }
        // PS3.5 G.3: a segment for each byte of each sample
        Target::RleLossless if description.samples * bits / 8 > 15 => {
            return Err(refuse("RLE has at most 15 segments"));
        }
        Target::RleLossless => {}
        Target::JpegBaseline { .. } => {
            let grey = matches!(
                description.photometric.as_str(),
                "MONOCHROME1" | "MONOCHROME2"
            );
            let eight = (bits, description.bits_stored, description.signed) == (8, 8, false);
            if !eight || !(grey || description.samples == 3) {
                return Err(refuse(
                    "JPEG Baseline holds 8 unsigned bits, grey or colour",
                ));
            }
        }
    }
    Ok(Some(description))
}

/// Bits of all frames, no sample shared by two pixels.
fn native_bits(description: &PixelDescription) -> u64 {
    (description.pixels() as u64)
        .saturating_mul(u64::from(description.samples))
        .saturating_mul(u64::from(description.bits_allocated))
        .saturating_mul(u64::from(description.frames))
}

/// What no other transfer syntax keeps.
pub(super) fn of_every_object(header: &Header) -> Edits {
    let mut edits = Edits::new();
    for tag in [
        tags::EXTENDED_OFFSET_TABLE,
        tags::EXTENDED_OFFSET_TABLE_LENGTHS,
        tags::ENCAPSULATED_PIXEL_DATA_VALUE_TOTAL_LENGTH,
    ] {
        edits.insert(tag, None);
    }
    // An icon is a picture of the picture, and is in the object's transfer syntax (PS3.5 A.4).
    let compressed = |item: &InMemDicomObject| {
        item.get(tags::PIXEL_DATA)
            .is_some_and(|e| e.value().primitive().is_none() && !e.is_empty())
    };
    let icons = header.object().get(tags::ICON_IMAGE_SEQUENCE);
    if icons.is_some_and(|e| e.items().is_some_and(|items| items.iter().any(compressed))) {
        edits.insert(tags::ICON_IMAGE_SEQUENCE, None);
    }
    edits
}

/// How each frame is made, once the first has shown what the samples are.
pub(super) struct Plan {
    description: PixelDescription,
    to: Target,
    /// Of the decoded samples; every frame has it.
    decoded: String,
    /// Lossy colour becomes RGB, as every reader of it makes of it.
    rgb: bool,
    bits_stored: u16,
    high_bit: u16,
}

impl Plan {
    pub(super) fn new(
        description: PixelDescription,
        to: Target,
        first: &Samples,
        header: &Header,
    ) -> Result<Self, Refusal> {
        let jpeg = codestream::family(&header.transfer_syntax_uid()) == Some(Family::Jpeg);
        let ybr = first.photometric == "YBR_FULL";
        let rgb = ybr && (jpeg || to.is_lossy());
        if rgb && first.bits_allocated != 8 {
            return Err(refuse("YCbCr of more than 8 bits is not made RGB"));
        }
        Ok(Self {
            to,
            rgb,
            bits_stored: first.bits_stored.max(description.bits_stored),
            high_bit: first.high_bit.max(description.high_bit),
            decoded: first.photometric.clone(),
            description,
        })
    }

    /// Of frames that come as 8 bits of red, green and blue.
    pub(super) fn of_colour(description: PixelDescription, to: Target) -> Self {
        Self {
            to,
            rgb: true,
            bits_stored: description.bits_stored,
            high_bit: description.high_bit,
            decoded: "RGB".to_owned(),
            description,
        }
    }

    pub(super) fn frames(&self) -> u32 {
        self.description.frames
    }

    /// The frame as all its fellows are: of the same colours, RGB where that is wanted.
    fn even(&self, mut samples: Samples) -> Result<Samples, Refusal> {
        if samples.photometric != self.decoded {
            return Err(refuse("frames of different colours"));
        }
        if self.rgb {
            samples.bytes = samples.clone().into_rgb8()?;
            "RGB".clone_into(&mut samples.photometric);
        }
        Ok(samples)
    }

    pub(super) fn encode(&self, samples: Samples) -> Result<Vec<u8>, Refusal> {
        let samples = self.even(samples)?;
        match self.to {
            Target::RleLossless => Ok(encode::rle(&samples)),
            Target::JpegBaseline { quality } => encode::jpeg(&samples, quality),
            Target::ImplicitVrLittleEndian | Target::ExplicitVrLittleEndian => Ok(samples.bytes),
        }
    }

    pub(super) fn native(&self, samples: Samples) -> Result<Vec<u8>, Refusal> {
        Ok(self.even(samples)?.bytes)
    }

    pub(super) fn is_bits(&self) -> bool {
        self.description.bits_allocated == 1
    }

    pub(super) fn native_bytes(&self) -> u64 {
        native_bits(&self.description).div_ceil(8)
    }

    pub(super) fn native_length(&self) -> Result<u32, Refusal> {
        let bytes = self.native_bytes();
        u32::try_from(bytes + bytes % 2).map_err(|_| {
            Refusal::new(
                "transcode-too-long",
                "native pixel data are less than 4 GiB",
            )
        })
    }

    /// PS3.5 A.1, A.2
    pub(super) fn native_vr(&self) -> VR {
        if self.to == Target::ImplicitVrLittleEndian || self.description.bits_allocated > 8 {
            VR::OW
        } else {
            VR::OB
        }
    }

    fn photometric(&self) -> &str {
        match self.to {
            // PS3.5 8.2.1
            Target::JpegBaseline { .. } if self.description.samples == 3 => "YBR_FULL_422",
            _ if self.rgb => "RGB",
            _ => &self.decoded,
        }
    }

    /// Sets the attributes that say what the pixel data are now. `compressed` is the bytes of all
    /// frames where these are compressed.
    pub(super) fn edit(
        &self,
        header: &Header,
        edits: &mut Edits,
        compressed: Option<u64>,
    ) -> Result<(), Refusal> {
        let pixels = &self.description;
        if self.photometric() != pixels.photometric {
            text(
                edits,
                tags::PHOTOMETRIC_INTERPRETATION,
                VR::CS,
                self.photometric(),
            );
        }
        if pixels.samples == 3 {
            us(edits, tags::PLANAR_CONFIGURATION, 0);
        }
        // A codestream may hold more bits than the object said.
        if self.bits_stored != pixels.bits_stored {
            us(edits, tags::BITS_STORED, self.bits_stored);
        }
        if self.high_bit != pixels.high_bit {
            us(edits, tags::HIGH_BIT, self.high_bit);
        }
        if let (Target::JpegBaseline { quality }, Some(compressed)) = (self.to, compressed) {
            self.lossy(header, edits, quality, compressed);
        }
        Ok(())
    }

    /// PS3.3 C.7.6.1.1.5: what was lost adds to what was lost before.
    fn lossy(&self, header: &Header, edits: &mut Edits, quality: u8, compressed: u64) {
        let ratio = self.native_bytes() as f64 / compressed.max(1) as f64;
        let ratio = format!("{ratio:.2}");
        text(edits, tags::LOSSY_IMAGE_COMPRESSION, VR::CS, "01");
        let after = |tag, new: &str| {
            let mut values = header.texts(tag);
            values.retain(|value| !value.is_empty());
            values.push(new.to_owned());
            values.join("\\")
        };
        let ratios = after(tags::LOSSY_IMAGE_COMPRESSION_RATIO, &ratio);
        text(edits, tags::LOSSY_IMAGE_COMPRESSION_RATIO, VR::DS, &ratios);
        let methods = after(tags::LOSSY_IMAGE_COMPRESSION_METHOD, "ISO_10918_1");
        text(
            edits,
            tags::LOSSY_IMAGE_COMPRESSION_METHOD,
            VR::CS,
            &methods,
        );
        // PS3.3 C.7.6.1.1.2: its pixels are made of another's
        let mut kind = header.texts(tags::IMAGE_TYPE);
        if let Some(first) = kind.first_mut() {
            "DERIVED".clone_into(first);
            text(edits, tags::IMAGE_TYPE, VR::CS, &kind.join("\\"));
        }
        let done = format!("JPEG Baseline, quality {quality}, ratio {ratio}");
        // In another character set than ASCII the old words could not be written beside the new.
        let before = header
            .text(tags::DERIVATION_DESCRIPTION)
            .filter(|old| old.is_ascii() && old.len() + done.len() + 2 <= 1024);
        let words = before.map_or(done.clone(), |old| format!("{old}; {done}"));
        text(edits, tags::DERIVATION_DESCRIPTION, VR::ST, &words);
    }
}
