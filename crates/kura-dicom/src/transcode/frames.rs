//! Single frames, as they are stored or in another transfer syntax. PS3.18 10.4.1.1.6.

use std::fs::File;
use std::path::{Path, PathBuf};

use kura_model::Refusal;

use super::plan::{self, Plan};
use super::{Target, encode, walk};
use crate::codestream;
use crate::header::Header;
use crate::limits::Limits;
use crate::pixel::PixelReader;
use crate::syntax::EXPLICIT_LE;

/// The frames of one object, one at a time.
pub struct Frames {
    path: PathBuf,
    header: Header,
    limits: Limits,
    reader: PixelReader<File>,
    /// How they are made, if they are not given as they are stored.
    plan: Option<Plan>,
    /// Of the frames.
    syntax: String,
    /// A deflated object is read forward only, up to here.
    reached: u32,
}

impl Frames {
    /// Frames as they are stored: the codec's stream, its fragments joined; or native samples in
    /// little endian, those of one bit from the first bit of the first byte on.
    ///
    /// # Errors
    /// Those of [`crate::decode_frame`]; `dicom-fragments` for video, whose frames no table tells
    /// apart.
    pub fn open(path: &Path, header: Header, limits: &Limits) -> Result<Self, Refusal> {
        let reader = PixelReader::new(walk::open(path)?, &header, limits)?;
        let stored = header.transfer_syntax_uid();
        // What is not encapsulated is native, whatever the file says.
        let native = header.pixel().is_some_and(|pixel| pixel.length.is_some());
        Ok(Self {
            path: path.to_owned(),
            limits: limits.clone(),
            reader,
            plan: None,
            syntax: match native || codestream::family(&stored).is_none() {
                true => EXPLICIT_LE.to_owned(),
                false => stored,
            },
            header,
            reached: 0,
        })
    }

    pub fn count(&self) -> u32 {
        self.reader.description().frames
    }

    /// The transfer syntax of what [`Frames::get`] gives.
    pub fn transfer_syntax(&self) -> &str {
        &self.syntax
    }

    /// Whether they can be given in another transfer syntax, as far as the header tells.
    pub fn can_be(&self, to: Target) -> bool {
        let stored = self.header.transfer_syntax_uid();
        to.uid() == self.syntax || plan::check(&stored, to, &self.header, &self.limits).is_ok()
    }

    /// The same frames in another transfer syntax: what [`super::transcode`] makes of them.
    ///
    /// # Errors
    /// Those of [`super::can_transcode`], and what the first frame cannot be decoded for.
    pub fn written_in(mut self, to: Target) -> Result<Self, Refusal> {
        if to.uid() == self.syntax {
            return Ok(self);
        }
        let stored = self.header.transfer_syntax_uid();
        let description = plan::check(&stored, to, &self.header, &self.limits)?
            .ok_or_else(|| Refusal::new("dicom-no-pixels", "the object has no pixel data"))?;
        let first = self.at(0)?.samples(0)?;
        self.plan = Some(Plan::new(description, to, &first, &self.header)?);
        to.uid().clone_into(&mut self.syntax);
        Ok(self)
    }

    /// The bytes of frame `frame`, from 0.
    ///
    /// # Errors
    /// `dicom-frame`, `dicom-limit`, `dicom-fragments`, `dicom-pixel-length`; in another transfer
    /// syntax those of [`super::transcode`].
    pub fn get(&mut self, frame: u32) -> Result<Vec<u8>, Refusal> {
        let reader = self.at(frame)?;
        let bits = reader.description().bits_allocated == 1;
        let frame_bits = reader.description().frame_bits();
        let Some(plan) = &self.plan else {
            let (bytes, skip) = self.reader.raw(frame)?;
            return Ok(match bits && self.syntax == EXPLICIT_LE {
                true => from_first_bit(&bytes, skip, frame_bits),
                false => bytes,
            });
        };
        let bytes = plan.encode(self.reader.samples(frame)?)?;
        if !plan.is_bits() {
            return Ok(bytes);
        }
        let mut packer = encode::BitPacker::default();
        let mut packed = packer.pack(&bytes);
        packed.extend(packer.rest());
        Ok(packed)
    }

    /// The reader, able to give this frame.
    fn at(&mut self, frame: u32) -> Result<&mut PixelReader<File>, Refusal> {
        if self.header.encoding().deflated && frame < self.reached {
            let file = walk::open(&self.path)?;
            self.reader = PixelReader::new(file, &self.header, &self.limits)?;
        }
        self.reached = frame.saturating_add(1);
        Ok(&mut self.reader)
    }
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
