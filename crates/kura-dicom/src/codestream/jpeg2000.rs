//! JPEG 2000 markers (ITU-T T.800 Annex A), with the HT extensions of T.814.

use super::{Size, Stripped, refuse, u16_at, u32_at};
use kura_model::Refusal;

const SOC: u16 = 0xFF4F;
const SOT: u16 = 0xFF90;
const SOD: u16 = 0xFF93;
const EOC: u16 = 0xFFD9;
const SIZ: u16 = 0xFF51;
const COM: u16 = 0xFF64;
const TLM: u16 = 0xFF55;

/// The codestream itself: DICOM holds it bare (PS3.5 A.4.4), but some writers wrap it in the
/// boxes of a JP2 file (T.800 Annex I).
///
/// # Errors
/// `dicom-codestream` where a box says more than there is, or none holds a codestream.
pub fn codestream(bytes: &[u8]) -> Result<&[u8], Refusal> {
    const SIGNATURE: &[u8] = b"\0\0\0\x0CjP  \r\n\x87\n";
    if !bytes.starts_with(SIGNATURE) {
        return Ok(bytes);
    }
    let mut at = SIGNATURE.len();
    loop {
        let length = u32_at(bytes, at)? as usize;
        // 1 stands for a length of 64 bits, which no frame needs; 0 goes to the end.
        let end = if length == 0 {
            bytes.len()
        } else {
            at + length
        };
        let Some(body) = bytes.get(at + 8..end) else {
            return Err(refuse("a JP2 box is cut short", at));
        };
        if bytes.get(at + 4..at + 8) == Some(b"jp2c") {
            return Ok(body);
        }
        at = end;
    }
}

/// Image size and components, from SIZ (T.800 A.5.1), which follows SOC.
///
/// # Errors
/// `dicom-codestream`.
pub fn size(bytes: &[u8]) -> Result<Size, Refusal> {
    if u16_at(bytes, 0)? != SOC || u16_at(bytes, 2)? != SIZ {
        return Err(refuse("a JPEG 2000 codestream begins with SOC and SIZ", 0));
    }
    let x = u32_at(bytes, 8)?.checked_sub(u32_at(bytes, 16)?);
    let y = u32_at(bytes, 12)?.checked_sub(u32_at(bytes, 20)?);
    let (Some(columns), Some(rows)) = (x, y) else {
        return Err(refuse("the image lies outside its grid", 8));
    };
    let (tile_x, tile_y) = (u32_at(bytes, 24)?, u32_at(bytes, 28)?);
    let tiles = |extent: u32, tile: u32| u64::from(extent).checked_div(tile.into());
    match (tiles(columns, tile_x), tiles(rows, tile_y)) {
        // A decoder keeps state for each tile.
        (Some(across), Some(down)) if (across + 1) * (down + 1) <= 65_535 => {}
        _ => return Err(refuse("tiles of a sensible size were expected", 24)),
    }
    let components = u16_at(bytes, 40)?;
    let mut precision = 0;
    for component in 0..usize::from(components.min(4)) {
        let Some(&[depth, dx, dy]) = bytes.get(42 + 3 * component..45 + 3 * component) else {
            return Err(refuse("SIZ is cut short", 42));
        };
        if (dx, dy) != (1, 1) {
            return Err(refuse(
                "components of the image's own size were expected",
                42,
            ));
        }
        precision = precision.max(u16::from(depth & 0x7F) + 1);
    }
    Ok(Size {
        rows,
        columns,
        components,
        precision,
        lossless: false,
    })
}

/// Drops COM from the main and tile-part headers, and what follows EOC. Where a tile part
/// shrinks its length is set anew; TLM, which repeats those lengths, is dropped (it is a hint).
///
/// # Errors
/// `dicom-codestream`.
pub fn strip(bytes: &[u8]) -> Result<Stripped, Refusal> {
    size(bytes)?;
    let mut out = Vec::with_capacity(bytes.len());
    out.extend(&bytes[..2]);
    let mut at = header(bytes, 2, SOT, &mut out)?;
    loop {
        match u16_at(bytes, at)? {
            EOC => {
                out.extend(EOC.to_be_bytes());
                break;
            }
            SOT => at = tile_part(bytes, at, &mut out)?,
            _ => return Err(refuse("a tile part or the end was expected", at)),
        }
    }
    Ok(Stripped {
        removed: bytes.len() - out.len(),
        bytes: out,
    })
}

/// Copies marker segments but COM and TLM until `until`; gives its place.
fn header(bytes: &[u8], mut at: usize, until: u16, out: &mut Vec<u8>) -> Result<usize, Refusal> {
    loop {
        let marker = u16_at(bytes, at)?;
        if marker == until {
            return Ok(at);
        }
        let known = matches!(marker, 0xFF50..=0xFF6F | 0xFF74..=0xFF78);
        let length = usize::from(u16_at(bytes, at + 2)?);
        if !known || length < 2 {
            return Err(refuse("an unknown JPEG 2000 marker", at));
        }
        let Some(whole) = bytes.get(at..at + 2 + length) else {
            return Err(refuse("a marker segment is cut short", at));
        };
        if marker != COM && marker != TLM {
            out.extend(whole);
        }
        at += 2 + length;
    }
}

/// T.800 A.4.2: SOT, length 10, tile, Psot, part, parts; headers; SOD; data.
fn tile_part(bytes: &[u8], start: usize, out: &mut Vec<u8>) -> Result<usize, Refusal> {
    let Some(sot) = bytes.get(start..start + 12) else {
        return Err(refuse("SOT is cut short", start));
    };
    let claimed = u32_at(bytes, start + 6)? as usize;
    let out_start = out.len();
    out.extend(sot);
    let sod = header(bytes, start + 12, SOD, out)?;
    let end = if claimed == 0 {
        // The last tile part may say 0: it goes to EOC. Bytes after EOC are padding of DICOM.
        let tail = bytes.get(sod..).unwrap_or(&[]);
        sod + tail
            .windows(2)
            .rposition(|pair| pair == EOC.to_be_bytes())
            .ok_or_else(|| refuse("the codestream has no end", sod))?
    } else {
        start + claimed
    };
    if end < sod + 2 {
        return Err(refuse("a tile part is shorter than its header", start));
    }
    let Some(data) = bytes.get(sod..end) else {
        return Err(refuse("a tile part is cut short", start));
    };
    out.extend(data);
    if claimed != 0 {
        let length = u32::try_from(out.len() - out_start)
            .map_err(|_| refuse("a tile part is too long", start))?;
        out[out_start + 6..out_start + 10].copy_from_slice(&length.to_be_bytes());
    }
    Ok(end)
}
