//! One stored object in another transfer syntax, frame by frame; and its frames and bulk values as
//! they are stored, for PS3.18.

mod bulk;
mod encode;
mod film;
mod frames;
mod plan;
mod rewrite;
mod walk;

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use kura_model::Refusal;
use tempfile::SpooledTempFile;

use crate::header::Header;
use crate::limits::Limits;
use crate::pixel::PixelReader;
use crate::syntax::{self, Encoding};
use crate::write::file_head;
pub use bulk::{BulkPath, BulkValue, bulk_value};
pub use film::film;
pub use frames::Frames;
use plan::Plan;
pub(crate) use rewrite::element_head;
use rewrite::{Edits, Rewriter, lost};

/// Compressed frames of one object are held in memory up to this, then in an unnamed file.
const HELD: usize = 8 << 20;

/// A transfer syntax that objects can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    ImplicitVrLittleEndian,
    ExplicitVrLittleEndian,
    RleLossless,
    /// Process 1, of a quality of 1 to 100. What is made is another image than what it was made of
    /// (PS3.3 C.7.6.1.1.5): whoever keeps it gives it a SOP Instance UID of its own and says what
    /// it was made of; here both stay as they are.
    JpegBaseline {
        quality: u8,
    },
}

impl Target {
    /// The target of a transfer syntax UID; JPEG of quality 90.
    pub fn of(transfer_syntax_uid: &str) -> Option<Self> {
        [
            Self::ImplicitVrLittleEndian,
            Self::ExplicitVrLittleEndian,
            Self::RleLossless,
            Self::JpegBaseline { quality: 90 },
        ]
        .into_iter()
        .find(|target| target.uid() == transfer_syntax_uid)
    }

    pub fn uid(self) -> &'static str {
        match self {
            Self::ImplicitVrLittleEndian => syntax::IMPLICIT_LE,
            Self::ExplicitVrLittleEndian => syntax::EXPLICIT_LE,
            Self::RleLossless => "1.2.840.10008.1.2.5",
            Self::JpegBaseline { .. } => "1.2.840.10008.1.2.4.50",
        }
    }

    pub fn is_encapsulated(self) -> bool {
        !matches!(
            self,
            Self::ImplicitVrLittleEndian | Self::ExplicitVrLittleEndian
        )
    }

    pub fn is_lossy(self) -> bool {
        matches!(self, Self::JpegBaseline { .. })
    }

    fn encoding(self) -> Encoding {
        match self {
            Self::ImplicitVrLittleEndian => Encoding::IMPLICIT_LE,
            _ => Encoding::EXPLICIT_LE,
        }
    }
}

/// Whether an object stored in `from` can be written in `to`, as far as its header tells.
///
/// # Errors
/// `transcode-target` (nothing is written in that transfer syntax), `transcode-source` (its pixel
/// data cannot be decoded), `transcode-pixels` (pixels of a kind that the target does not hold),
/// `transcode-too-long`, and those of [`crate::pixel::PixelDescription::of`].
pub fn can_transcode(from: &str, to: &str, header: &Header) -> Result<(), Refusal> {
    if from == to {
        return Ok(());
    }
    let target = Target::of(to).ok_or_else(|| {
        Refusal::new(
            "transcode-target",
            "objects are not written in this transfer syntax",
        )
    })?;
    plan::check(from, target, header, &Limits::default()).map(|_| ())
}

/// Writes the object at `path`, whose header is `header`, as a Part 10 file in another transfer
/// syntax. Memory holds one frame, and 8 MiB of compressed ones; the rest of these are in an
/// unnamed temporary file beside the object until their sizes are known.
///
/// Attributes are copied as they are but for those that say what the pixel data are (PS3.5 8.2),
/// offset tables, group lengths, and an Icon Image Sequence whose pixels are compressed. A stored
/// file that is in that transfer syntax already is copied.
///
/// # Errors
/// Those of [`can_transcode`] and [`crate::decode_frame`]; `transcode-nested-pixels`,
/// `transcode-encoder`, `transcode-io`.
pub fn transcode(
    path: &Path,
    header: &Header,
    to: Target,
    limits: &Limits,
    out: &mut impl Write,
) -> Result<(), Refusal> {
    let from = header.transfer_syntax_uid();
    if from == to.uid() && header.meta().present && header.encoding() == to.encoding() {
        let mut file = walk::open(path)?;
        std::io::copy(&mut file, out).map_err(lost)?;
        return Ok(());
    }
    let mut edits = plan::of_every_object(header);
    let head = || {
        let text = |tag| header.text(tag).unwrap_or_default();
        file_head(
            &text(tags::SOP_CLASS_UID),
            &text(tags::SOP_INSTANCE_UID),
            to.uid(),
        )
    };
    let rewriter = Rewriter::new(walk::walker(path, header, limits)?, to.encoding());
    let encapsulated = header.pixel().is_some_and(|pixel| pixel.length.is_none());
    if from == to.uid() && encapsulated {
        // Only the data set around the pixels is written in another way than it says.
        let mut reader = PixelReader::new(walk::open(path)?, header, limits)?;
        let mut spool = Spool::beside(path);
        for frame in 0..reader.description().frames {
            spool.push(&reader.raw(frame)?.0)?;
        }
        spool.edit(&mut edits);
        out.write_all(&head()).map_err(lost)?;
        let mut write = |out: &mut dyn Write| spool.write(out);
        return run(rewriter, header, &edits, &mut write, out);
    }
    let description = plan::check(&from, to, header, limits)?;
    let Some(description) = description.filter(|_| encapsulated || to.is_encapsulated()) else {
        // Native to native: the bytes are copied.
        out.write_all(&head()).map_err(lost)?;
        return copy_native(rewriter, header, &edits, out);
    };
    let mut reader = PixelReader::new(walk::open(path)?, header, limits)?;
    let first = reader.samples(0)?;
    let plan = Plan::new(description, to, &first, header)?;
    let frames = plan.frames();
    // A deflated stream is read once, forward.
    let mut first = Some(first);
    let mut samples = |frame| match first.take() {
        Some(samples) => Ok(samples),
        None => reader.samples(frame),
    };
    if to.is_encapsulated() {
        let mut spool = Spool::beside(path);
        for frame in 0..frames {
            spool.push(&plan.encode(samples(frame)?)?)?;
        }
        plan.edit(header, &mut edits, Some(spool.length))?;
        spool.edit(&mut edits);
        out.write_all(&head()).map_err(lost)?;
        let mut write = |out: &mut dyn Write| spool.write(out);
        run(rewriter, header, &edits, &mut write, out)
    } else {
        plan.edit(header, &mut edits, None)?;
        out.write_all(&head()).map_err(lost)?;
        let mut write = |out: &mut dyn Write| {
            let length = plan.native_length()?;
            element_head(
                to.encoding(),
                tags::PIXEL_DATA,
                plan.native_vr(),
                length,
                out,
            )?;
            let mut bits = encode::BitPacker::default();
            for frame in 0..frames {
                let bytes = plan.native(samples(frame)?)?;
                if plan.is_bits() {
                    out.write_all(&bits.pack(&bytes)).map_err(lost)?;
                } else {
                    out.write_all(&bytes).map_err(lost)?;
                }
            }
            out.write_all(&bits.rest()).map_err(lost)?;
            let odd = plan.native_bytes() % 2 == 1;
            out.write_all(&[0][..usize::from(odd)]).map_err(lost)
        };
        run(rewriter, header, &edits, &mut write, out)
    }
}

fn run(
    mut rewriter: Rewriter<'_>,
    header: &Header,
    edits: &Edits,
    pixels: &mut rewrite::PixelWriter<'_>,
    out: &mut impl Write,
) -> Result<(), Refusal> {
    rewriter.run(header.encoding(), edits, 1, Some(pixels), out)
}

/// Native pixel data in little endian: only bytes are turned round.
fn copy_native(
    mut rewriter: Rewriter<'_>,
    header: &Header,
    edits: &Edits,
    out: &mut impl Write,
) -> Result<(), Refusal> {
    let unit = match header.pixel() {
        Some(pixel) if header.encoding().big_endian => {
            pixel_unit(header.bits_allocated(), pixel.vr)
        }
        _ => 1,
    };
    rewriter.run(header.encoding(), edits, unit, None, out)
}

/// Bytes that big endian turns round in native pixel data.
fn pixel_unit(bits_allocated: Option<u32>, vr: VR) -> usize {
    match bits_allocated {
        // 8-bit samples in words (PS3.5 8.1.1)
        Some(8) if vr == VR::OW => 2,
        Some(bits @ (16 | 32 | 64)) => bits as usize / 8,
        _ => 1,
    }
}

/// Compressed frames until all are there: their number of bytes comes before them in the file.
struct Spool {
    file: SpooledTempFile,
    /// With the byte that makes each even.
    frames: Vec<u32>,
    /// Without.
    lengths: Vec<u32>,
    /// Bytes of all frames.
    length: u64,
}

impl Spool {
    /// What does not fit into memory lies on the disk of the object it is made of, unnamed: pictures
    /// of patients do not go to the system's folder for temporary files.
    fn beside(path: &Path) -> Self {
        Self {
            file: tempfile::spooled_tempfile_in(HELD, path.parent().unwrap_or(Path::new("."))),
            frames: Vec::new(),
            lengths: Vec::new(),
            length: 0,
        }
    }

    fn push(&mut self, frame: &[u8]) -> Result<(), Refusal> {
        let length = u32::try_from(frame.len())
            .ok()
            .filter(|length| *length < u32::MAX - 1)
            .ok_or_else(|| Refusal::new("transcode-too-long", "a compressed frame is too long"))?;
        let odd = length % 2;
        self.file.write_all(frame).map_err(lost)?;
        self.file.write_all(&[0][..odd as usize]).map_err(lost)?;
        self.lengths.push(length);
        self.frames.push(length + odd);
        self.length += u64::from(length);
        Ok(())
    }

    /// Bytes from the first fragment's item to each frame's.
    fn offsets(&self) -> Vec<u64> {
        self.frames
            .iter()
            .scan(0_u64, |at, length| {
                let here = *at;
                *at += u64::from(*length) + 8;
                Some(here)
            })
            .collect()
    }

    fn basic(&self) -> Option<Vec<u8>> {
        self.offsets()
            .into_iter()
            .map(|offset| u32::try_from(offset).ok().map(u32::to_le_bytes))
            .collect::<Option<Vec<_>>>()
            .map(|table| table.concat())
    }

    /// PS3.3 C.7.6.3.1.8: offsets that the basic table cannot hold are in the extended one.
    fn edit(&self, edits: &mut Edits) {
        if self.basic().is_some() {
            return;
        }
        let words = |values: Vec<u64>| values.into_iter().flat_map(u64::to_le_bytes).collect();
        edits.insert(
            tags::EXTENDED_OFFSET_TABLE,
            Some((VR::OV, words(self.offsets()))),
        );
        let lengths = self
            .lengths
            .iter()
            .map(|length| u64::from(*length))
            .collect();
        edits.insert(
            tags::EXTENDED_OFFSET_TABLE_LENGTHS,
            Some((VR::OV, words(lengths))),
        );
    }

    /// PS3.5 A.4: the offset table, then one fragment for each frame.
    fn write(&mut self, out: &mut dyn Write) -> Result<(), Refusal> {
        let pixel_data = tags::PIXEL_DATA;
        element_head(Encoding::EXPLICIT_LE, pixel_data, VR::OB, u32::MAX, out)?;
        let item = |length: u32, out: &mut dyn Write| {
            out.write_all(b"\xFE\xFF\x00\xE0")
                .and_then(|()| out.write_all(&length.to_le_bytes()))
                .map_err(lost)
        };
        let table = self.basic().unwrap_or_default();
        // One entry for each frame, fewer than the fragments that an object may have.
        item(table.len() as u32, out)?;
        out.write_all(&table).map_err(lost)?;
        self.file.seek(SeekFrom::Start(0)).map_err(lost)?;
        for length in &self.frames {
            item(*length, out)?;
            let mut frame = (&mut self.file).take(u64::from(*length));
            let copied = std::io::copy(&mut frame, out).map_err(lost)?;
            if copied != u64::from(*length) {
                return Err(Refusal::new(
                    "transcode-io",
                    "a temporary file was cut short",
                ));
            }
        }
        out.write_all(b"\xFE\xFF\xDD\xE0\0\0\0\0").map_err(lost)
    }
}

/// A number of 16 bits as an attribute's value.
fn us(edits: &mut Edits, tag: Tag, value: u16) {
    edits.insert(tag, Some((VR::US, value.to_le_bytes().to_vec())));
}

fn text(edits: &mut Edits, tag: Tag, vr: VR, value: &str) {
    edits.insert(tag, Some((vr, value.as_bytes().to_vec())));
}
