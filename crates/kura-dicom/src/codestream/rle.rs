//! RLE Lossless (PS3.5 Annex G).

use super::{Stripped, refuse};
use kura_model::Refusal;

/// Byte ranges of the segments (G.5): a header of 16 little-endian words, the number and the
/// offsets.
fn segments(bytes: &[u8]) -> Result<Vec<std::ops::Range<usize>>, Refusal> {
    let word = |index: usize| {
        bytes
            .get(4 * index..4 * index + 4)
            .map(|w| u32::from_le_bytes([w[0], w[1], w[2], w[3]]) as usize)
            .filter(|_| bytes.len() >= 64)
            .ok_or_else(|| refuse("an RLE frame begins with 64 bytes of header", 0))
    };
    let count = word(0)?;
    if !(1..=15).contains(&count) {
        return Err(refuse("an RLE frame has 1 to 15 segments", 0));
    }
    let mut starts = (1..=count).map(word).collect::<Result<Vec<_>, _>>()?;
    starts.push(bytes.len());
    let in_order = starts[0] >= 64 && starts.windows(2).all(|pair| pair[0] <= pair[1]);
    if !in_order {
        return Err(refuse("RLE segments follow each other within the frame", 4));
    }
    Ok(starts.windows(2).map(|pair| pair[0]..pair[1]).collect())
}

/// One segment (G.3.2): at most `pixels` bytes come out. Gives also how much was read.
fn unpack(segment: &[u8], pixels: usize) -> (Vec<u8>, usize) {
    let mut out = Vec::new();
    let mut at = 0;
    while out.len() < pixels {
        let Some(&control) = segment.get(at) else {
            break;
        };
        at += 1;
        match control {
            0..=127 => {
                let end = (at + usize::from(control) + 1).min(segment.len());
                out.extend(&segment[at..end]);
                at = end;
            }
            128 => {}
            129.. => {
                let Some(&value) = segment.get(at) else { break };
                out.resize(out.len() + 257 - usize::from(control), value);
                at += 1;
            }
        }
    }
    out.truncate(pixels);
    (out, at)
}

/// A frame as little-endian samples, pixel by pixel.
///
/// # Errors
/// `dicom-codestream`, `dicom-codec` where the segments are not those of the image.
pub fn decode(
    bytes: &[u8],
    pixels: usize,
    samples: usize,
    bytes_per_sample: usize,
) -> Result<Vec<u8>, Refusal> {
    let segments = segments(bytes)?;
    if bytes_per_sample == 0 || segments.len() != samples * bytes_per_sample {
        return Err(Refusal::new(
            "dicom-codec",
            "RLE has one segment for each byte of each sample",
        ));
    }
    let stride = samples * bytes_per_sample;
    let mut out = vec![0; pixels * stride];
    for (number, range) in segments.into_iter().enumerate() {
        let (plane, _) = unpack(&bytes[range], pixels);
        if plane.len() < pixels {
            return Err(Refusal::new("dicom-codec", "an RLE segment ends early"));
        }
        // G.2: the most significant byte comes first
        let (sample, byte) = (number / bytes_per_sample, number % bytes_per_sample);
        let first = sample * bytes_per_sample + (bytes_per_sample - 1 - byte);
        for (cell, value) in out[first..].iter_mut().step_by(stride).zip(plane) {
            *cell = value;
        }
    }
    Ok(out)
}

/// RLE has no place for comments, but bytes can lie between the header and the segments, and
/// behind what a segment needs for `pixels` bytes: only what a decoder reads is kept.
///
/// # Errors
/// `dicom-codestream`.
pub fn strip(bytes: &[u8], pixels: usize) -> Result<Stripped, Refusal> {
    let segments = segments(bytes)?;
    let mut header = vec![segments.len() as u32];
    let mut body: Vec<u8> = Vec::with_capacity(bytes.len());
    for range in segments {
        header.push(64 + body.len() as u32);
        let segment = &bytes[range];
        let (plane, read) = unpack(segment, pixels);
        if plane.len() < pixels {
            return Err(refuse("an RLE segment ends early", 0));
        }
        body.extend(&segment[..read]);
        // G.3.1: segments are of even length
        if body.len() % 2 == 1 {
            body.push(0);
        }
    }
    header.resize(16, 0);
    let mut out: Vec<u8> = header.iter().flat_map(|word| word.to_le_bytes()).collect();
    out.extend(body);
    Ok(Stripped {
        removed: bytes.len().saturating_sub(out.len()),
        bytes: out,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_and_strips() {
        let mut frame = Vec::new();
        for word in [2_u32, 68, 71].into_iter().chain([0; 13]) {
            frame.extend(word.to_le_bytes());
        }
        frame.extend(b"HIDE");
        frame.extend([0xFF, 1, 128]); // high bytes: 1 1, no-op
        frame.extend([1, 7, 9, b'H', b'I']); // low bytes: 7 9
        assert_eq!(decode(&frame, 2, 1, 2).unwrap(), [7, 1, 9, 1]);
        let clean = strip(&frame, 2).unwrap();
        assert_eq!(clean.bytes.len(), 64 + 2 + 4);
        assert_eq!(decode(&clean.bytes, 2, 1, 2).unwrap(), [7, 1, 9, 1]);
        assert!(decode(&frame, 3, 1, 2).is_err());
        assert!(segments(&frame[..40]).is_err());
    }
}
