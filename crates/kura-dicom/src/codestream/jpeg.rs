//! JPEG (ITU-T T.81 Annex B) and JPEG-LS (T.87) markers.

use super::{Size, Stripped, refuse, u16_at};
use kura_model::Refusal;

enum Segment {
    /// SOI, EOI, RSTn, TEM: two bytes.
    Alone,
    /// Marker, length, parameters.
    Long,
}

fn segment(marker: u8) -> Option<Segment> {
    match marker {
        0x01 | 0xD0..=0xD9 => Some(Segment::Alone),
        0xC0..=0xCF | 0xDA..=0xFE => Some(Segment::Long),
        _ => None,
    }
}

/// Calls `each(marker, whole segment)` for every segment and `data(bytes)` for the entropy-coded
/// bytes between them, up to EOI. Gives the byte after EOI.
fn walk(
    bytes: &[u8],
    mut each: impl FnMut(u8, &[u8]) -> Result<bool, Refusal>,
    mut data: impl FnMut(&[u8]),
) -> Result<usize, Refusal> {
    if bytes.get(..2) != Some(&[0xFF, 0xD8]) {
        return Err(refuse("a JPEG frame begins with SOI", 0));
    }
    let mut at = 0;
    let mut in_scan = false;
    // JPEG-LS stuffs a bit, not a byte: after FF the next byte is below 0x80.
    let mut jpeg_ls = false;
    loop {
        if in_scan {
            let from = at;
            while let Some(&byte) = bytes.get(at) {
                if byte == 0xFF {
                    match bytes.get(at + 1) {
                        Some(0) => at += 1,
                        Some(0xD0..=0xD7) if !jpeg_ls => at += 1,
                        Some(next) if jpeg_ls && *next < 0x80 => at += 1,
                        _ => break,
                    }
                }
                at += 1;
            }
            data(bytes.get(from..at).unwrap_or(&[]));
        }
        // T.81 B.1.1.2: fill bytes before a marker
        while bytes.get(at) == Some(&0xFF) && bytes.get(at + 1) == Some(&0xFF) {
            at += 1;
        }
        let (Some(0xFF), Some(&marker)) = (bytes.get(at), bytes.get(at + 1)) else {
            return Err(refuse("a JPEG marker was expected", at));
        };
        let end = match segment(marker) {
            Some(Segment::Alone) => at + 2,
            Some(Segment::Long) => {
                let length = usize::from(u16_at(bytes, at + 2)?);
                if length < 2 {
                    return Err(refuse("a JPEG segment is at least two bytes", at));
                }
                at + 2 + length
            }
            None => return Err(refuse("an unknown JPEG marker", at)),
        };
        let Some(whole) = bytes.get(at..end) else {
            return Err(refuse("a JPEG segment is cut short", at));
        };
        if !each(marker, whole)? {
            return Ok(end);
        }
        jpeg_ls |= marker == 0xF7;
        in_scan = marker == 0xDA || (jpeg_ls && matches!(marker, 0xD0..=0xD7));
        at = end;
        if marker == 0xD9 {
            return Ok(end);
        }
    }
}

/// The frame header: SOF (T.81 B.2.2), SOF55 for JPEG-LS.
///
/// # Errors
/// `dicom-codestream`.
pub fn size(bytes: &[u8]) -> Result<Size, Refusal> {
    let mut found = None;
    walk(
        bytes,
        |marker, whole| {
            let frame =
                matches!(marker, 0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF | 0xF7);
            if frame {
                let byte = |at: usize| whole.get(at).copied().unwrap_or(0);
                found = Some(Size {
                    precision: byte(4).into(),
                    rows: u16_at(whole, 5)?.into(),
                    columns: u16_at(whole, 7)?.into(),
                    components: byte(9).into(),
                    lossless: matches!(marker, 0xC3 | 0xC7 | 0xCB | 0xCF | 0xF7),
                });
            }
            Ok(found.is_none())
        },
        |_| {},
    )?;
    found.ok_or_else(|| refuse("a JPEG frame has a frame header", 0))
}

/// What three components are, `RGB` or `YBR_FULL`: Adobe's marker says it, else JFIF's (which is
/// always YCbCr), else component names, else the object whose photometric interpretation is given.
///
/// # Errors
/// `dicom-codestream`.
pub fn colour(bytes: &[u8], photometric: &str) -> Result<&'static str, Refusal> {
    const RGB: &str = "RGB";
    const YBR: &str = "YBR_FULL";
    let (mut adobe, mut jfif, mut named) = (None, false, false);
    walk(
        bytes,
        |marker, whole| {
            match marker {
                0xE0 => jfif |= whole.get(4..9) == Some(b"JFIF\0"),
                0xEE if whole.get(4..9) == Some(b"Adobe") => adobe = whole.get(15).copied(),
                0xC0..=0xC3 => {
                    let names = [10, 13, 16].map(|at| whole.get(at).copied().unwrap_or(0));
                    named = matches!(&names, b"RGB" | b"rgb");
                }
                _ => {}
            }
            Ok(marker != 0xDA)
        },
        |_| {},
    )?;
    Ok(match adobe {
        Some(0) => RGB,
        Some(_) => YBR,
        None if jfif => YBR,
        None if named || photometric == RGB => RGB,
        None => YBR,
    })
}

/// Drops COM and every APPn but JFIF APP0 and Adobe APP14, which say what the colours are; and
/// whatever follows EOI.
///
/// # Errors
/// `dicom-codestream`.
pub fn strip(bytes: &[u8]) -> Result<Stripped, Refusal> {
    let kept = std::cell::RefCell::new(Vec::with_capacity(bytes.len()));
    walk(
        bytes,
        |marker, whole| {
            let mut kept = kept.borrow_mut();
            match marker {
                // JFIF: 14 bytes and a thumbnail, which is left out (T.871 10.1)
                0xE0 if whole.get(4..9) == Some(b"JFIF\0") && whole.len() >= 18 => {
                    kept.extend([0xFF, 0xE0, 0, 16]);
                    kept.extend(&whole[4..16]);
                    kept.extend([0, 0]);
                }
                // Adobe: version, flags and the colour transform are 12 bytes
                0xEE if whole.get(4..9) == Some(b"Adobe") && whole.len() >= 16 => {
                    kept.extend([0xFF, 0xEE, 0, 14]);
                    kept.extend(&whole[4..16]);
                }
                // APPn, COM, and JPEG-LS or T.84 extensions that hold no image; F7 and F8 do
                0xE0..=0xEF | 0xFE | 0xF0..=0xF6 | 0xF9..=0xFD => {}
                _ => kept.extend(whole),
            }
            Ok(true)
        },
        |data| kept.borrow_mut().extend(data),
    )?;
    let bytes_kept = kept.into_inner();
    Ok(Stripped {
        removed: bytes.len() - bytes_kept.len().min(bytes.len()),
        bytes: bytes_kept,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TINY: &[u8] = b"\xFF\xD8\xFF\xE0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\
        \xFF\xE1\0\x06Exif\xFF\xFE\0\x08YAMADA\xFF\xC0\0\x0B\x08\0\x02\0\x03\x01\x01\x11\0\
        \xFF\xDA\0\x08\x01\x01\0\0\x3F\0\x12\xFF\0\x34\xFF\xD0\x56\xFF\xD9trailing";

    #[test]
    fn strips_comments_and_what_follows() {
        let size = size(TINY).unwrap();
        assert_eq!((size.rows, size.columns, size.components), (2, 3, 1));
        let clean = strip(TINY).unwrap();
        assert!(!clean.bytes.windows(6).any(|w| w == b"YAMADA"));
        assert!(clean.bytes.ends_with(b"\x56\xFF\xD9"));
        assert_eq!(clean.removed, TINY.len() - clean.bytes.len());
        assert_eq!(strip(&clean.bytes).unwrap().bytes, clean.bytes);
    }

    #[test]
    fn refuses_what_it_cannot_walk() {
        for end in 0..TINY.len() - 8 {
            assert!(strip(&TINY[..end]).is_err(), "{end}");
        }
    }
}
