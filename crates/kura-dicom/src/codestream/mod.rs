//! Walks compressed frames without decoding them: their size, and what hides between the
//! segments that hold the image (comments, application data).

pub mod jpeg;
pub mod jpeg2000;
pub mod jpeg_ls;
pub mod jpeg_sequential;
pub mod rle;

use kura_model::Refusal;

/// Families of encapsulated transfer syntaxes (PS3.5 A.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    Rle,
    Jpeg,
    JpegLs,
    /// JPEG 2000 and High-Throughput JPEG 2000.
    Jpeg2000,
    JpegXl,
    Video,
    /// Deflated Image Frame Compression (PS3.5 A.4.13).
    Deflated,
    /// Encapsulated Uncompressed Explicit VR Little Endian (PS3.5 A.4.11).
    Uncompressed,
    /// JPIP, SMPTE ST 2110 and whatever comes.
    Other,
}

/// The family of a transfer syntax; `None` where pixel data are native.
pub fn family(transfer_syntax_uid: &str) -> Option<Family> {
    let rest = transfer_syntax_uid.strip_prefix("1.2.840.10008.1.2")?;
    Some(match rest {
        "" | ".1" | ".2" | ".1.99" => return None,
        ".5" => Family::Rle,
        ".1.98" => Family::Uncompressed,
        ".8.1" => Family::Deflated,
        ".4.80" | ".4.81" => Family::JpegLs,
        ".4.90" | ".4.91" | ".4.92" | ".4.93" | ".4.201" | ".4.202" | ".4.203" => Family::Jpeg2000,
        ".4.110" | ".4.111" | ".4.112" => Family::JpegXl,
        _ => match rest
            .strip_prefix(".4.")
            .and_then(|n| n.split('.').next()?.parse().ok())
        {
            Some(50_u16..=70) => Family::Jpeg,
            Some(100..=108) => Family::Video,
            _ => Family::Other,
        },
    })
}

/// What a codestream says about its image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub rows: u32,
    pub columns: u32,
    pub components: u16,
    /// Bits of a sample.
    pub precision: u16,
    /// JPEG process 14; for JPEG 2000 not looked at.
    pub lossless: bool,
}

/// A codestream without what is not needed to decode it, and how many bytes that was.
#[derive(Debug)]
pub struct Stripped {
    pub bytes: Vec<u8>,
    pub removed: usize,
}

/// Removes comments and application data from one frame of `pixels` rows × columns.
///
/// # Errors
/// `dicom-codestream` where the markers cannot be walked to the end: then nobody can say what
/// is in there.
pub fn strip(family: Family, frame: &[u8], pixels: usize) -> Result<Stripped, Refusal> {
    match family {
        Family::Rle => rle::strip(frame, pixels),
        Family::Jpeg | Family::JpegLs => jpeg::strip(frame),
        Family::Jpeg2000 => jpeg2000::strip(frame),
        Family::JpegXl
        | Family::Video
        | Family::Deflated
        | Family::Uncompressed
        | Family::Other => Err(refuse("streams of this kind cannot be walked", 0)),
    }
}

fn refuse(message: &str, at: usize) -> Refusal {
    Refusal::new("dicom-codestream", message).at_byte(at as u64)
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, Refusal> {
    match bytes.get(at..at + 2) {
        Some(pair) => Ok(u16::from_be_bytes([pair[0], pair[1]])),
        None => Err(refuse("the codestream is cut short", at)),
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Result<u32, Refusal> {
    Ok(u32::from(u16_at(bytes, at)?) << 16 | u32::from(u16_at(bytes, at + 2)?))
}
