//! Documents and videos that an object wraps: their bytes as they lie in it.

use std::io::Read;

use kura_dicom::bulk::{ValuePath, whole_stream};
use kura_model::{Category, Error, Refusal, RequestContext, Result};

use super::series::{is_video, open_object};
use crate::dicom_read::Target;
use crate::imaging_study::attribute::text;
use crate::{Bank, dicom_bulk, imaging};

/// Bytes for a person to look at.
#[derive(Debug)]
pub struct Document {
    /// What the object says they are.
    pub kind: String,
    pub bytes: Vec<u8>,
}

/// Bytes of one document held in memory.
const BYTES: u64 = 256 << 20;

fn too_large() -> Error {
    Error::new(
        Category::TooLarge,
        "this is too large for a page; DICOMweb gives it whole",
    )
}

/// An encapsulated document, PS3.3 C.24.2.
pub fn document(bank: &Bank, context: &RequestContext, object: &str) -> Result<Document> {
    let opened = open_object(bank, context, "document_read", object)?;
    let kind = text(&opened.header, "00420012")
        .ok_or_else(|| Error::not_found("this object holds no document"))?;
    let target = Target {
        study: opened.study,
        series: Some(opened.series),
        instance: Some(object.to_owned()),
    };
    let place =
        ValuePath::parse("00420011").ok_or_else(|| Error::internal("a place is not one"))?;
    let whole = dicom_bulk::value(bank, context, &target, &place)?;
    if whole.length > BYTES {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    whole
        .reader
        .take(BYTES)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::internal("a document cannot be read").because(error))?;
    Ok(Document { kind, bytes })
}

/// The stream of a video, PS3.5 8.2.5 to 8.2.9. `kind` is a container that a browser plays, or that
/// of a bare stream.
pub fn video(bank: &Bank, context: &RequestContext, object: &str) -> Result<Document> {
    let opened = open_object(bank, context, "video_read", object)?;
    if !is_video(&opened.transfer_syntax) {
        return Err(Error::not_found("this object is no video"));
    }
    let target = Target {
        study: opened.study,
        series: Some(opened.series),
        instance: Some(object.to_owned()),
    };
    let record = crate::dicom_read::targeted(bank, context, "video_read", &target)?;
    let (_, record) = record
        .first()
        .ok_or_else(|| Error::not_found("this object is not in the bank"))?;
    if record["size"].as_u64().unwrap_or(0) > BYTES {
        return Err(too_large());
    }
    let path = bank.clinical.blobs().path(imaging::blob_of(record)?);
    let cannot = |refusal: Refusal| {
        Error::new(Category::Unsupported, refusal.message.clone()).because(refusal)
    };
    let bytes = whole_stream(&path).map_err(cannot)?;
    Ok(Document {
        kind: container(&bytes).to_owned(),
        bytes,
    })
}

/// ISO/IEC 14496-12: a box `ftyp` first. ISO/IEC 13818-1: a sync byte each 188.
fn container(bytes: &[u8]) -> &'static str {
    if bytes.get(4..8) == Some(b"ftyp") {
        "video/mp4"
    } else if bytes.first() == Some(&0x47) && bytes.get(188) == Some(&0x47) {
        "video/mp2t"
    } else if bytes.get(..3) == Some(&[0, 0, 1]) || bytes.get(..4) == Some(&[0, 0, 0, 1]) {
        "video/raw"
    } else {
        "application/octet-stream"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_plays_is_told_by_its_bytes() {
        assert_eq!(container(b"\0\0\0\x18ftypmp42"), "video/mp4");
        assert_eq!(container(&[0, 0, 0, 1, 0x67]), "video/raw");
        let mut stream = vec![0; 400];
        (stream[0], stream[188]) = (0x47, 0x47);
        assert_eq!(container(&stream), "video/mp2t");
        assert_eq!(container(b""), "application/octet-stream");
    }
}
