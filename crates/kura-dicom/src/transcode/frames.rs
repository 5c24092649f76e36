//! Single frames as they are stored (PS3.18 10.4, "frames").

use std::fs::File;
use std::path::Path;

use kura_model::Refusal;

use super::walk;
use crate::codestream::{self, Family};
use crate::header::Header;
use crate::limits::Limits;
use crate::pixel::PixelReader;
use crate::syntax::EXPLICIT_LE;

/// One frame for the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedFrame {
    /// The codestream, its fragments joined; or native samples in little endian, those of one bit
    /// from the first bit of the first byte on.
    pub bytes: Vec<u8>,
    /// The object's, Explicit VR Little Endian for native samples.
    pub transfer_syntax: String,
    /// By PS3.18 8.7.3.3.2; `application/octet-stream` for what has none.
    pub media_type: &'static str,
}

/// The frames of one stored object, one at a time.
pub struct Frames<'h> {
    reader: PixelReader<'h, File>,
    syntax: String,
    media_type: &'static str,
}

impl<'h> Frames<'h> {
    /// # Errors
    /// Those of [`crate::decode_frame`]; `dicom-fragments` for video, whose frames no table tells
    /// apart.
    pub fn open(path: &Path, header: &'h Header, limits: &'h Limits) -> Result<Self, Refusal> {
        let reader = PixelReader::new(walk::open(path)?, header, limits)?;
        let syntax = header.transfer_syntax_uid();
        let native = codestream::family(&syntax).is_none();
        Ok(Self {
            media_type: media_type(&syntax),
            syntax: if native {
                EXPLICIT_LE.to_owned()
            } else {
                syntax
            },
            reader,
        })
    }

    pub fn count(&self) -> u32 {
        self.reader.description().frames
    }

    /// Frame `frame`, from 0; of a deflated object in rising order only.
    ///
    /// # Errors
    /// `dicom-frame`, `dicom-limit`, `dicom-fragments`, `dicom-pixel-length`.
    pub fn get(&mut self, frame: u32) -> Result<EncodedFrame, Refusal> {
        let (mut bytes, skip) = self.reader.raw(frame)?;
        let description = self.reader.description();
        if self.media_type == OCTETS
            && description.bits_allocated == 1
            && self.syntax == EXPLICIT_LE
        {
            bytes = from_first_bit(&bytes, skip, description.frame_bits());
        }
        Ok(EncodedFrame {
            bytes,
            transfer_syntax: self.syntax.clone(),
            media_type: self.media_type,
        })
    }
}

/// [`Frames::get`] for one frame.
///
/// # Errors
/// Those of [`Frames::open`] and [`Frames::get`].
pub fn frame_bytes(
    path: &Path,
    header: &Header,
    frame: u32,
    limits: &Limits,
) -> Result<EncodedFrame, Refusal> {
    Frames::open(path, header, limits)?.get(frame)
}

/// Drops `skip` bits, keeps `count`.
fn from_first_bit(bytes: &[u8], skip: usize, count: u64) -> Vec<u8> {
    let length = usize::try_from(count.div_ceil(8)).unwrap_or(usize::MAX);
    let byte = |at: usize| u16::from(bytes.get(at).copied().unwrap_or(0));
    let mut out: Vec<u8> = (0..length.min(bytes.len()))
        .map(|at| ((byte(at) | byte(at + 1) << 8) >> skip) as u8)
        .collect();
    if let (Some(last), used @ 1..) = (out.last_mut(), count % 8) {
        *last &= (1 << used) - 1;
    }
    out
}

const OCTETS: &str = "application/octet-stream";

fn media_type(syntax: &str) -> &'static str {
    match codestream::family(syntax) {
        Some(Family::Rle) => "image/dicom-rle",
        Some(Family::Jpeg) => "image/jpeg",
        Some(Family::JpegLs) => "image/jls",
        Some(Family::Jpeg2000) => match syntax.rsplit('.').next() {
            Some("90" | "91") => "image/jp2",
            Some("92" | "93") => "image/jpx",
            _ => "image/jphc",
        },
        Some(Family::JpegXl) => "image/jxl",
        _ => OCTETS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_move_to_the_first_byte() {
        assert_eq!(
            from_first_bit(&[0b1010_0000, 0b0000_0110], 5, 7),
            [0b011_0101]
        );
        assert_eq!(from_first_bit(&[0xFF, 0xFF], 0, 9), [0xFF, 1]);
    }
}
