//! One frame compressed: RLE here, JPEG by jpeg-encoder. JPEG 2000 is not written, for want of an
//! encoder: docs/adr/0016-no-jpeg-2000-written.md.

use kura_model::Refusal;

use crate::pixel::samples::Samples;

fn refuse(message: &str) -> Refusal {
    Refusal::new("transcode-encoder", message)
}

/// PS3.5 Annex G: a segment for each byte of each sample, the most significant first.
pub(super) fn rle(samples: &Samples) -> Vec<u8> {
    let unit = usize::from(samples.bits_allocated / 8).max(1);
    let stride = unit * usize::from(samples.per_pixel);
    let columns = (samples.columns as usize).max(1);
    let mut header = vec![stride as u32];
    let mut body = Vec::new();
    for sample in 0..usize::from(samples.per_pixel) {
        for byte in (0..unit).rev() {
            header.push(64 + body.len() as u32);
            let plane: Vec<u8> = samples.bytes[sample * unit + byte..]
                .iter()
                .step_by(stride)
                .copied()
                .collect();
            // G.3.1: each row is encoded on its own
            plane.chunks(columns).for_each(|row| pack(row, &mut body));
            if body.len() % 2 == 1 {
                body.push(0);
            }
        }
    }
    header.resize(16, 0);
    let mut out: Vec<u8> = header.into_iter().flat_map(u32::to_le_bytes).collect();
    out.extend(body);
    out
}

/// G.3.1: runs of 2 to 128 equal bytes, literal runs of 1 to 128.
fn pack(row: &[u8], out: &mut Vec<u8>) {
    let run_at = |at: usize| {
        row[at..]
            .iter()
            .take(128)
            .take_while(|byte| **byte == row[at])
            .count()
    };
    let mut at = 0;
    while at < row.len() {
        let run = run_at(at);
        if run > 1 {
            out.extend([(257 - run) as u8, row[at]]);
            at += run;
            continue;
        }
        let mut end = at + 1;
        // A pair inside a literal run is not worth ending it.
        while end < row.len() && end - at < 128 && run_at(end) < 3 {
            end += 1;
        }
        out.push((end - at - 1) as u8);
        out.extend(&row[at..end]);
        at = end;
    }
}

pub(super) fn jpeg(samples: &Samples, quality: u8) -> Result<Vec<u8>, Refusal> {
    let too_large = |_| refuse("a picture is too large for JPEG");
    let width = u16::try_from(samples.columns).map_err(too_large)?;
    let height = u16::try_from(samples.rows).map_err(too_large)?;
    let mut out = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut out, quality.clamp(1, 100));
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::R_4_2_2);
    let kind = if samples.per_pixel == 3 {
        jpeg_encoder::ColorType::Rgb
    } else {
        jpeg_encoder::ColorType::Luma
    };
    encoder
        .encode(&samples.bytes, width, height, kind)
        .map_err(|_| refuse("the JPEG encoder refused the frame"))?;
    Ok(out)
}

/// Bits of frames that follow each other without padding (PS3.5 8.1.1).
#[derive(Default)]
pub(super) struct BitPacker {
    hold: u8,
    held: u32,
}

impl BitPacker {
    /// Whole bytes of what is known; `bits` has a byte for each.
    pub(super) fn pack(&mut self, bits: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bits.len() / 8 + 1);
        for bit in bits {
            self.hold |= (bit & 1) << self.held;
            self.held += 1;
            if self.held == 8 {
                out.push(self.hold);
                *self = Self::default();
            }
        }
        out
    }

    /// The last byte, if it is begun.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        let last = (self.held > 0).then_some(self.hold);
        *self = Self::default();
        last.into_iter().collect()
    }
}
