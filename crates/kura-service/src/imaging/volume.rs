//! A series as one volume in NIfTI-1, for a page that cuts it along any plane.

use std::io::{self, Write};
use std::path::PathBuf;

use kura_dicom::{Limits, Volume, read_volume};
use kura_model::{Category, Error, Refusal, RequestContext, Result};

use super::series::opened;
use crate::imaging_study::attribute::number;
use crate::{Bank, dicom_index};

/// Voxels of a volume on a page. A browser holds it as numbers and as a texture; the bank holds 4
/// bytes of each while it sends them.
pub const VOXELS_AT_MOST: u64 = 512 * 512 * 512;

/// A volume that is ready to be sent.
#[derive(Debug)]
pub struct Nifti {
    volume: Volume,
    whole: bool,
}

/// Reads a series as a volume.
///
/// # Errors
/// `Unsupported` with a sentence for a person where the slices are no regular grid; `TooLarge`
/// above [`VOXELS_AT_MOST`].
pub fn nifti(
    bank: &Bank,
    context: &RequestContext,
    imaging_study_id: &str,
    series_uid: &str,
) -> Result<Nifti> {
    let none = || Error::not_found("this series is not in this study");
    let uid = opened(bank, context, "volume_read", imaging_study_id)?.ok_or_else(none)?;
    let series = dicom_index::series_of(bank, &uid)?
        .into_iter()
        .find(|series| series.series == series_uid)
        .ok_or_else(none)?;
    let wanted = crate::dicom_header::Wanted::these(["00280010", "00280011"].into_iter());
    let mut files: Vec<PathBuf> = Vec::new();
    let mut voxels = 0_u64;
    for block in series.blocks(bank) {
        for line in dicom_index::lines(&block?) {
            let line = line?;
            if line.frames == 0 {
                continue;
            }
            let header = wanted.read(line.header)?;
            let side = |tag| number(&header, tag).map_or(0, |side| side.max(0) as u64);
            let own = side("00280010")
                .saturating_mul(side("00280011"))
                .saturating_mul(line.frames);
            voxels = voxels.saturating_add(own);
            files.push(bank.clinical.blobs().path(line.blob));
        }
    }
    if files.is_empty() {
        return Err(none());
    }
    if voxels > VOXELS_AT_MOST {
        return Err(Error::new(
            Category::TooLarge,
            "this series has more voxels than a page shows (512 × 512 × 512)",
        ));
    }
    let volume = read_volume(&files, &Limits::default()).map_err(no_volume)?;
    let whole = volume
        .values
        .iter()
        .all(|value| value.fract() == 0.0 && (-32768.0..=32767.0).contains(value));
    Ok(Nifti { volume, whole })
}

fn no_volume(refusal: Refusal) -> Error {
    Error::new(Category::Unsupported, refusal.message.clone())
        .coded(code(&refusal.rule))
        .because(refusal)
}

/// Why a series is no volume, for a page that says it in its own words.
fn code(rule: &str) -> &'static str {
    match rule {
        "volume-one-slice" => "one-slice",
        "volume-gap" | "volume-tilt" => "no-grid",
        "volume-same-position" => "same-position",
        "volume-colour" => "colour",
        "volume-mixed" => "mixed",
        "volume-position" | "volume-orientation" | "volume-spacing" | "volume-frames" => {
            "no-position"
        }
        _ => "unreadable",
    }
}

/// nifti1.h: size of the header, and where the voxels begin after four bytes of no extension.
const HEADER: usize = 348;
const BEGIN: usize = 352;

impl Nifti {
    /// Bytes of the file.
    pub fn size(&self) -> u64 {
        BEGIN as u64 + self.volume.values.len() as u64 * if self.whole { 2 } else { 4 }
    }

    /// The file, a slice at a time.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&self.header())?;
        let slice = (self.volume.geometry.size[0] * self.volume.geometry.size[1]).max(1);
        let mut bytes = Vec::with_capacity(slice * 4);
        for values in self.volume.values.chunks(slice) {
            bytes.clear();
            for value in values {
                if self.whole {
                    bytes.extend((*value as i16).to_le_bytes());
                } else {
                    bytes.extend(value.to_le_bytes());
                }
            }
            out.write_all(&bytes)?;
        }
        Ok(())
    }

    /// nifti1.h, little endian. Columns, rows and slices in the order they are stored, and the
    /// matrix (`sform`) that leads from an index to mm, x to the patient's right (RAS): DICOM's x
    /// and y (LPS) change their signs.
    fn header(&self) -> [u8; BEGIN] {
        const INT16: i16 = 4;
        const FLOAT32: i16 = 16;
        const MILLIMETRES: u8 = 2;
        const SCANNER: i16 = 1;
        let geometry = &self.volume.geometry;
        let mut header = [0_u8; BEGIN];
        let mut put = |at: usize, bytes: &[u8]| {
            if let Some(place) = header.get_mut(at..at + bytes.len()) {
                place.copy_from_slice(bytes);
            }
        };
        put(0, &(HEADER as i32).to_le_bytes());
        let side = |at: usize| geometry.size[at].min(i16::MAX as usize) as i16;
        for (at, value) in [3, side(0), side(1), side(2), 1, 1, 1, 1]
            .into_iter()
            .enumerate()
        {
            put(40 + at * 2, &value.to_le_bytes());
        }
        let (kind, bits) = if self.whole {
            (INT16, 16_i16)
        } else {
            (FLOAT32, 32)
        };
        put(70, &kind.to_le_bytes());
        put(72, &bits.to_le_bytes());
        put(76, &1_f32.to_le_bytes());
        for (at, step) in geometry.spacing.into_iter().enumerate() {
            put(80 + at * 4, &(step as f32).to_le_bytes());
        }
        put(108, &(BEGIN as f32).to_le_bytes());
        put(112, &1_f32.to_le_bytes());
        put(123, &[MILLIMETRES]);
        put(254, &SCANNER.to_le_bytes());
        for row in 0..3 {
            let sign = if row < 2 { -1.0 } else { 1.0 };
            for column in 0..3 {
                let value = sign * geometry.axes[column][row] * geometry.spacing[column];
                put(280 + row * 16 + column * 4, &(value as f32).to_le_bytes());
            }
            let origin = (sign * geometry.origin[row]) as f32;
            put(280 + row * 16 + 12, &origin.to_le_bytes());
        }
        put(344, b"n+1\0");
        header
    }
}
