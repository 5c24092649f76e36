//! Damaged copies: cut at many places, and with bytes flipped. Nothing may panic.

use std::io::Cursor;

use kura_dicom::{Limits, Overlays, Rendering, decode_frame_from, read_header};

use crate::build::ct;
use crate::conformance::pydicom_files;

/// xorshift: the same damage on every machine.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides.max(1) as u64) as usize
    }
}

fn limits() -> Limits {
    Limits {
        max_frame_bytes: 8 << 20,
        max_inflated_bytes: 16 << 20,
        ..Limits::default()
    }
}

fn survive(bytes: &[u8]) {
    let limits = limits();
    if let Ok(header) = read_header(Cursor::new(bytes), &limits) {
        let _ = header.to_dicom_json();
        let _ = header.patient_name();
        if let Ok(frame) = decode_frame_from(Cursor::new(bytes), 0, &limits) {
            let _ = frame.to_png(Some(32));
            let _ = frame.to_gray16();
            let _ = frame.render_with(&Rendering {
                window: None,
                overlays: Overlays::White,
            });
        }
    }
}

/// A few hundred places, all of the first 400 bytes among them.
fn cuts(length: usize) -> impl Iterator<Item = usize> {
    let step = (length / 200).max(1);
    (0..length.min(400)).chain((400..length).step_by(step))
}

#[test]
fn a_small_file_cut_anywhere_and_flipped() {
    let whole = ct();
    for end in 0..whole.len() {
        let header = read_header(Cursor::new(&whole[..end]), &limits());
        survive(&whole[..end]);
        // The whole file but its last bytes is never taken for a whole one.
        if end > whole.len() - 8 {
            assert_eq!(header.unwrap_err().rule, "dicom-length");
        }
    }
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    for _ in 0..5000 {
        let mut damaged = whole.clone();
        for _ in 0..1 + dice.roll(4) {
            let at = dice.roll(damaged.len());
            damaged[at] ^= 1 << dice.roll(8);
        }
        survive(&damaged);
    }
}

#[test]
fn pydicom_files_cut_and_flipped() {
    let Some(files) = pydicom_files() else {
        return;
    };
    let chosen = [
        "MR_small_RLE.dcm",
        "MR_small_jp2klossless.dcm",
        "SC_rgb_jpeg_dcmtk.dcm",
        "SC_rgb_small_odd_jpeg.dcm",
        "image_dfl.dcm",
        "UN_sequence.dcm",
        "nested_priv_SQ.dcm",
        "rtplan.dcm",
        "examples_palette.dcm",
        "chrH32.dcm",
        "test-SR.dcm",
        "SC_rgb_rle_2frame.dcm",
        "JPEGLSNearLossless_16.dcm",
        "SC_rgb_jls_lossy_line.dcm",
        "SC_rgb_jls_lossy_sample.dcm",
        "JPGExtended.dcm",
        "GDCMJ2K_TextGBR.dcm",
        "examples_overlay.dcm",
    ];
    let mut dice = Dice(42);
    let mut seen = 0;
    for path in files {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !chosen.contains(&name.as_ref()) {
            continue;
        }
        seen += 1;
        let whole = std::fs::read(&path).unwrap();
        for end in cuts(whole.len()) {
            survive(&whole[..end]);
        }
        for _ in 0..300 {
            let mut damaged = whole.clone();
            for _ in 0..1 + dice.roll(6) {
                // Half of the damage lies in the first kilobyte, where lengths are.
                let range = if dice.roll(2) == 0 {
                    1024.min(whole.len())
                } else {
                    whole.len()
                };
                let at = dice.roll(range);
                damaged[at] = dice.roll(256) as u8;
            }
            survive(&damaged);
        }
    }
    eprintln!("{seen} files cut and flipped");
}
