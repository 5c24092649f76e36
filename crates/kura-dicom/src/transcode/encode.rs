//! One frame compressed: RLE here, JPEG by jpeg-encoder, JPEG 2000 by openjp2.

use std::panic::{AssertUnwindSafe, catch_unwind};

use kura_model::Refusal;
use openjp2::openjpeg::{CODEC_FORMAT, OPJ_COLOR_SPACE};
use openjp2::{Codec, Stream, opj_cparameters_t, opj_image, opj_image_comptparm};

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

/// Reversible, one tile; the stored bits, shifted down. `transformed`: RGB by way of `YBR_RCT`.
pub(super) fn jpeg_2000(samples: &Samples, transformed: bool) -> Result<Vec<u8>, Refusal> {
    catch_unwind(AssertUnwindSafe(|| reversible(samples, transformed)))
        .unwrap_or_else(|_| Err(refuse("the JPEG 2000 encoder failed on the frame")))
}

fn reversible(samples: &Samples, transformed: bool) -> Result<Vec<u8>, Refusal> {
    let failed = || refuse("the JPEG 2000 encoder refused the frame");
    let stored = samples.stored()?;
    let channels = usize::from(samples.per_pixel);
    let component = opj_image_comptparm {
        dx: 1,
        dy: 1,
        w: samples.columns,
        h: samples.rows,
        x0: 0,
        y0: 0,
        prec: samples.bits_stored.into(),
        bpp: samples.bits_stored.into(),
        sgnd: samples.signed.into(),
    };
    let space = if channels == 3 {
        OPJ_COLOR_SPACE::OPJ_CLRSPC_SRGB
    } else {
        OPJ_COLOR_SPACE::OPJ_CLRSPC_GRAY
    };
    let mut image = opj_image::create(&vec![component; channels], space).ok_or_else(failed)?;
    (image.x1, image.y1) = (samples.columns, samples.rows);
    let planes = image.comps_data_mut_iter().ok_or_else(failed)?;
    for (channel, plane) in planes.enumerate() {
        for (at, cell) in plane.iter_mut().enumerate() {
            *cell = stored.get(at * channels + channel).unwrap_or(0.0) as i32;
        }
    }
    let mut parameters = opj_cparameters_t {
        // Each resolution halves the sides; the smallest must be there.
        numresolution: (samples.rows.min(samples.columns).max(1).ilog2() as i32 + 1).min(6),
        tcp_numlayers: 1,
        cp_disto_alloc: 1,
        tcp_mct: std::ffi::c_char::from(transformed),
        irreversible: 0,
        ..opj_cparameters_t::default()
    };
    parameters.tcp_rates[0] = 0.0;
    // The encoder writes to files only.
    let folder = tempfile::tempdir().map_err(super::lost)?;
    let path = folder.path().join("frame.j2k");
    let mut codec = Codec::new_encoder(CODEC_FORMAT::OPJ_CODEC_J2K).ok_or_else(failed)?;
    let done = codec.setup_encoder(&mut parameters, &mut image) == 1 && {
        let mut stream = Stream::new_file(&path, 1 << 16, false).map_err(super::lost)?;
        codec.start_compress(&mut image, &mut stream) == 1
            && codec.encode(&mut stream) == 1
            && codec.end_compress(&mut stream) == 1
            && stream.flush().is_ok()
    };
    if !done {
        return Err(failed());
    }
    std::fs::read(&path).map_err(super::lost)
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
