//! The object of a video with frames of its own: a stream that nothing here decodes is decoded
//! elsewhere, and what comes of it is kept as JPEG, frame by frame.

use std::io::Write;
use std::path::Path;

use dicom_core::VR;
use dicom_dictionary_std::tags;
use kura_model::Refusal;

use super::plan::{self, Plan};
use super::rewrite::{Rewriter, lost};
use super::{Spool, Target, encode, run, text, walk};
use crate::header::Header;
use crate::limits::Limits;
use crate::pixel::PixelDescription;
use crate::pixel::samples::Samples;
use crate::write::file_head;

/// Writes the object at `path` with JPEG Baseline frames in the place of its pixel data. `frames`
/// gives one after another, 8 bits of red, green and blue for each pixel; their number is what it is.
///
/// # Errors
/// `transcode-pixels` where the object's pixels are not 3 samples of 8 bits or a frame is of another
/// size, `transcode-encoder`, `transcode-io`, and those of `frames`.
pub fn film(
    path: &Path,
    header: &Header,
    frames: &mut dyn FnMut() -> Result<Option<Vec<u8>>, Refusal>,
    quality: u8,
    out: &mut impl Write,
) -> Result<u32, Refusal> {
    let limits = Limits::default();
    let to = Target::JpegBaseline { quality };
    let refuse = |message: &str| Refusal::new("transcode-pixels", message);
    let mut description = PixelDescription::of(header, &limits)?;
    let eight = (description.bits_allocated, description.bits_stored) == (8, 8);
    if !eight || description.signed || description.samples != 3 {
        return Err(refuse("a video has 3 samples of 8 unsigned bits"));
    }
    let mut spool = Spool::beside(path);
    let mut count = 0;
    while let Some(bytes) = frames()? {
        if bytes.len() != description.pixels() * 3 {
            return Err(refuse("a frame is of another size"));
        }
        let mut samples = Samples::of(&description, bytes);
        "RGB".clone_into(&mut samples.photometric);
        spool.push(&encode::jpeg(&samples, quality)?)?;
        count += 1;
    }
    if count == 0 {
        return Err(refuse("a video without frames"));
    }
    description.frames = count;
    let mut edits = plan::of_every_object(header);
    Plan::of_colour(description, to).edit(header, &mut edits, Some(spool.length))?;
    text(
        &mut edits,
        tags::NUMBER_OF_FRAMES,
        VR::IS,
        &count.to_string(),
    );
    spool.edit(&mut edits);
    let uid = |tag| header.text(tag).unwrap_or_default();
    let head = file_head(
        &uid(tags::SOP_CLASS_UID),
        &uid(tags::SOP_INSTANCE_UID),
        to.uid(),
    );
    out.write_all(&head).map_err(lost)?;
    let rewriter = Rewriter::new(walk::walker(path, header, &limits)?, to.encoding());
    let mut write = |out: &mut dyn Write| spool.write(out);
    run(rewriter, header, &edits, &mut write, out)?;
    Ok(count)
}
