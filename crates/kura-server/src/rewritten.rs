//! Stored objects for whoever does not take them in the transfer syntax they have.

use std::fs::File;
use std::io::{BufReader, Seek};
use std::path::Path;

use kura_dicom::{Limits, Target, read_header, transcode};
use kura_model::Refusal;
use kura_service::dicom_read::Object;
use tempfile::SpooledTempFile;

/// Held in memory up to this, then in an unnamed file.
const HELD: usize = 8 << 20;

/// The whole object in another transfer syntax, made before any of it is sent: what cannot be
/// decoded is known in time. Its bytes are compared with their hash before. Only what loses nothing is made: pixels that are others need a SOP
/// Instance UID of their own (PS3.3 C.12.4.1).
///
/// # Errors
/// Those of [`kura_dicom::transcode`].
pub(crate) fn rewritten(
    object: &Object,
    target: Target,
    spool: &Path,
) -> Result<SpooledTempFile, Refusal> {
    let path = object.path.as_path();
    if target.is_lossy() {
        let message = "objects are not sent in a transfer syntax that loses something";
        return Err(Refusal::new("transcode-target", message));
    }
    let lost = |_| Refusal::new("transcode-io", "the object cannot be read or written");
    let mut hasher = blake3::Hasher::new();
    let file = File::open(path).map_err(lost)?;
    hasher.update_reader(file).map_err(lost)?;
    if hasher.finalize().as_bytes() != &object.blob.0 {
        tracing::error!(blob = %object.blob, "a blob is damaged");
        return Err(Refusal::new("transcode-io", "the stored object is damaged"));
    }
    let limits = Limits::default();
    let file = File::open(path).map_err(lost)?;
    let header = read_header(BufReader::new(file), &limits)?;
    let mut out = tempfile::spooled_tempfile_in(HELD, spool);
    transcode(path, &header, target, &limits, &mut out)?;
    out.rewind().map_err(lost)?;
    Ok(out)
}
