use kura_model::Refusal;

use super::PixelDescription;
use super::frame::Stored;

/// One frame's samples before any look-up: little endian, pixel by pixel, never planar and never
/// subsampled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Samples {
    pub rows: u32,
    pub columns: u32,
    /// Of one pixel: 1 or 3.
    pub per_pixel: u16,
    /// 8, 16, 32 or 64: a 1-bit sample has a byte.
    pub bits_allocated: u16,
    pub bits_stored: u16,
    pub high_bit: u16,
    pub signed: bool,
    /// Float Pixel Data and Double Float Pixel Data (PS3.3 C.7.6.24, C.7.6.25).
    pub float: bool,
    /// What the samples mean now: subsampling is undone (`YBR_FULL_422` is `YBR_FULL` here), and
    /// so is JPEG 2000's component transform (`YBR_RCT` and `YBR_ICT` are `RGB`).
    pub photometric: String,
    pub bytes: Vec<u8>,
}

impl Samples {
    /// As the attributes say.
    pub(crate) fn of(description: &PixelDescription, bytes: Vec<u8>) -> Self {
        Self {
            rows: description.rows,
            columns: description.columns,
            per_pixel: description.samples,
            bits_allocated: description.bits_allocated.max(8),
            bits_stored: description.bits_stored,
            high_bit: description.high_bit,
            signed: description.signed,
            float: false,
            photometric: description.photometric.clone(),
            bytes,
        }
    }

    /// Pixels × samples of each.
    pub fn count(&self) -> usize {
        self.rows as usize * self.columns as usize * usize::from(self.per_pixel)
    }

    /// The values: the stored bits shifted down and their sign extended (PS3.5 8.1.1).
    ///
    /// # Errors
    /// `dicom-codec` where there are fewer bytes than samples, or none can be that wide.
    pub fn stored(&self) -> Result<Stored, Refusal> {
        let unit = usize::from(self.bits_allocated / 8).max(1);
        let Some(bytes) = self.bytes.get(..self.count() * unit) else {
            return Err(wrong_length());
        };
        let bits = u32::from(self.bits_stored.min(self.bits_allocated));
        let shift = u32::from(self.high_bit + 1).saturating_sub(bits);
        let signed = self.signed;
        Ok(match (self.bits_allocated, self.float) {
            (32, true) => Stored::F32(
                bytes
                    .chunks_exact(4)
                    .map(|c| f32::from_le_bytes([c[0], c[1], c[2], c[3]]))
                    .collect(),
            ),
            (64, true) => Stored::F64(
                bytes
                    .chunks_exact(8)
                    .map(|c| f64::from_le_bytes([c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]]))
                    .collect(),
            ),
            (8, false) if !signed => {
                let mask = mask(bits) as u8;
                Stored::U8(bytes.iter().map(|byte| byte >> shift & mask).collect())
            }
            (8, false) => Stored::I16(
                bytes
                    .iter()
                    .map(|byte| extend(u32::from(*byte) >> shift, bits) as i16)
                    .collect(),
            ),
            (16, false) => {
                let raw = bytes
                    .chunks_exact(2)
                    .map(|c| u32::from(u16::from_le_bytes([c[0], c[1]])) >> shift);
                if signed {
                    Stored::I16(raw.map(|value| extend(value, bits) as i16).collect())
                } else {
                    Stored::U16(raw.map(|value| (value & mask(bits)) as u16).collect())
                }
            }
            (32, false) => {
                let raw = bytes
                    .chunks_exact(4)
                    .map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]]) >> shift);
                if signed {
                    Stored::I32(raw.map(|value| extend(value, bits)).collect())
                } else {
                    Stored::U32(raw.map(|value| value & mask(bits)).collect())
                }
            }
            _ => {
                return Err(Refusal::new(
                    "dicom-codec",
                    "samples of this width cannot be read",
                ));
            }
        })
    }

    /// Eight bits of each sample of colour, as RGB.
    pub(crate) fn into_rgb8(self) -> Result<Vec<u8>, Refusal> {
        let count = self.count();
        let shift = self.bits_stored.saturating_sub(8);
        // The top eight of the stored bits.
        let mut bytes: Vec<u8> = match self.bits_allocated {
            8 => self.bytes,
            16 => self
                .bytes
                .chunks_exact(2)
                .map(|c| (u16::from_le_bytes([c[0], c[1]]) >> shift) as u8)
                .collect(),
            32 => self
                .bytes
                .chunks_exact(4)
                .map(|c| (u32::from_le_bytes([c[0], c[1], c[2], c[3]]) >> shift) as u8)
                .collect(),
            _ => {
                return Err(Refusal::new(
                    "dicom-codec",
                    "colour of this width cannot be read",
                ));
            }
        };
        if bytes.len() < count {
            return Err(wrong_length());
        }
        bytes.truncate(count);
        match self.photometric.as_str() {
            "RGB" => {}
            "YBR_FULL" => to_rgb(&mut bytes),
            _ => {
                return Err(Refusal::new(
                    "dicom-photometric",
                    "colour of this photometric interpretation cannot be shown",
                )
                .at_path("(0028,0004)"));
            }
        }
        Ok(bytes)
    }
}

/// Y, Cb, Cr to R, G, B in place (PS3.3 C.7.6.3.1.2, ITU-R BT.601), by 16-bit fractions.
fn to_rgb(bytes: &mut [u8]) {
    for pixel in bytes.chunks_exact_mut(3) {
        let (y, b, r) = (
            i32::from(pixel[0]) << 16,
            i32::from(pixel[1]) - 128,
            i32::from(pixel[2]) - 128,
        );
        let byte = |value: i32| ((value + (1 << 15)) >> 16).clamp(0, 255) as u8;
        pixel[0] = byte(y + 91_881 * r);
        pixel[1] = byte(y - 22_553 * b - 46_802 * r);
        pixel[2] = byte(y + 116_130 * b);
    }
}

fn wrong_length() -> Refusal {
    Refusal::new(
        "dicom-codec",
        "the frame has another number of samples than it says",
    )
}

fn mask(bits: u32) -> u32 {
    u32::MAX
        .checked_shr(32 - bits.clamp(1, 32))
        .unwrap_or(u32::MAX)
}

fn extend(value: u32, bits: u32) -> i32 {
    let unused = 32 - bits.clamp(1, 32);
    (value << unused) as i32 >> unused
}
