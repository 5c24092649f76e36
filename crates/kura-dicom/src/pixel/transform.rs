//! From decoded samples to a [`Frame`]: sign, modality values, colour, windows.

use dicom_core::{PrimitiveValue, Tag};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use kura_model::Refusal;

use super::frame::{Frame, Pixels, Stored, VoiFunction, Window};
use super::{Decoded, PixelDescription};
use crate::header::{Header, decimals, texts};

pub(crate) fn frame(
    header: &Header,
    description: &PixelDescription,
    frame: u32,
    decoded: Decoded,
) -> Result<Frame, Refusal> {
    let scopes = scopes(header.object(), frame);
    let photometric = decoded.photometric.clone();
    let (pixels, windows) = if description.samples == 3 {
        (Pixels::Rgb(rgb(decoded, description)?), Vec::new())
    } else if photometric == "PALETTE COLOR" {
        (palette(header.object(), decoded, description)?, Vec::new())
    } else {
        let stored = stored(decoded, description)?;
        let pixels = modality(header, &scopes, stored, description);
        (pixels, windows(&scopes))
    };
    let default_window = match (&pixels, windows.first()) {
        (_, Some(window)) => (window.center, window.width),
        (
            Pixels::Gray {
                stored,
                slope,
                intercept,
            },
            None,
        ) => {
            let padding = decimals(header.object(), tags::PIXEL_PADDING_VALUE)
                .first()
                .copied();
            let (low, high) = stored.range(padding).unwrap_or((0.0, 1.0));
            let (a, b) = (low * slope + intercept, high * slope + intercept);
            // LINEAR maps center - 0.5 ± (width - 1) / 2 to the ends.
            ((a + b) / 2.0 + 0.5, (b - a).abs() + 1.0)
        }
        (Pixels::Rgb(_), None) => (128.0, 256.0),
    };
    let voi_function = match scopes
        .iter()
        .find_map(|scope| texts(scope, tags::VOILUT_FUNCTION).into_iter().next())
        .as_deref()
    {
        Some("LINEAR_EXACT") => VoiFunction::LinearExact,
        Some("SIGMOID") => VoiFunction::Sigmoid,
        _ => VoiFunction::Linear,
    };
    Ok(Frame {
        rows: description.rows,
        columns: description.columns,
        inverted: photometric == "MONOCHROME1",
        pixels,
        windows,
        voi_function,
        default_window,
        unit: unit(header, &scopes),
    })
}

/// Where a per-frame value may be: the frame's functional groups, the shared ones, the data set
/// (PS3.3 C.7.6.16); with the items of the macros that are read here.
fn scopes(object: &InMemDicomObject, frame: u32) -> Vec<&InMemDicomObject> {
    let nth = |tag: Tag, at: usize| {
        object
            .get(tag)
            .and_then(|e| e.items())
            .and_then(|i| i.get(at))
    };
    let groups = [
        nth(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, frame as usize),
        nth(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, 0),
    ];
    let macros = [
        tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE,
        tags::FRAME_VOILUT_SEQUENCE,
    ];
    groups
        .into_iter()
        .flatten()
        .flat_map(|group| {
            macros
                .into_iter()
                .filter_map(move |tag| group.get(tag)?.items()?.first())
        })
        .chain([object])
        .collect()
}

fn first_decimal(scopes: &[&InMemDicomObject], tag: Tag) -> Option<f64> {
    scopes
        .iter()
        .find_map(|scope| decimals(scope, tag).first().copied())
}

fn windows(scopes: &[&InMemDicomObject]) -> Vec<Window> {
    for scope in scopes {
        let centers = decimals(scope, tags::WINDOW_CENTER);
        let widths = decimals(scope, tags::WINDOW_WIDTH);
        let names = texts(scope, tags::WINDOW_CENTER_WIDTH_EXPLANATION);
        let windows: Vec<Window> = centers
            .into_iter()
            .zip(widths)
            .enumerate()
            // A window of no width is none (C.11.2.1.2.1: width shall be at least 1).
            .filter(|(_, (_, width))| *width > 0.0)
            .map(|(at, (center, width))| Window {
                center,
                width,
                name: names.get(at).filter(|name| !name.is_empty()).cloned(),
            })
            .collect();
        if !windows.is_empty() {
            return windows;
        }
    }
    Vec::new()
}

fn unit(header: &Header, scopes: &[&InMemDicomObject]) -> Option<String> {
    let text = |tag: Tag| {
        scopes
            .iter()
            .find_map(|scope| texts(scope, tag).into_iter().find(|v| !v.is_empty()))
    };
    match header.modality().as_deref() {
        // PS3.3 C.8.2.1.1.2 and C.11.1.1.2
        Some("CT") => Some("HU".to_owned()),
        Some("RTDOSE") => text(tags::DOSE_UNITS).map(|unit| match unit.as_str() {
            "GY" => "Gy".to_owned(),
            _ => unit,
        }),
        Some("PT") => text(tags::UNITS),
        _ => text(tags::RESCALE_TYPE),
    }
    .filter(|unit| unit != "US")
}

/// PS3.3 C.11.1: rescale, or a look-up table, whose output then is the value.
fn modality(
    header: &Header,
    scopes: &[&InMemDicomObject],
    stored: Stored,
    description: &PixelDescription,
) -> Pixels {
    let object = header.object();
    let lut = object
        .get(tags::MODALITY_LUT_SEQUENCE)
        .and_then(|element| element.items())
        .and_then(|items| items.first())
        .and_then(|item| {
            Lut::of(
                item,
                tags::LUT_DESCRIPTOR,
                tags::LUT_DATA,
                description.signed,
            )
        });
    if let Some(lut) = lut {
        let values = (0..stored.len())
            .map(|at| lut.get(stored.get(at).unwrap_or(0.0) as i64))
            .collect();
        return Pixels::Gray {
            stored: Stored::U16(values),
            slope: 1.0,
            intercept: 0.0,
        };
    }
    let slope = first_decimal(scopes, tags::RESCALE_SLOPE)
        .or_else(|| first_decimal(scopes, tags::DOSE_GRID_SCALING))
        .filter(|slope| *slope != 0.0)
        .unwrap_or(1.0);
    Pixels::Gray {
        stored,
        slope,
        intercept: first_decimal(scopes, tags::RESCALE_INTERCEPT).unwrap_or(0.0),
    }
}

fn wrong_length() -> Refusal {
    Refusal::new(
        "dicom-codec",
        "the frame has another number of samples than it says",
    )
}

/// Shifts the stored bits down and extends their sign (PS3.5 8.1.1).
fn stored(decoded: Decoded, description: &PixelDescription) -> Result<Stored, Refusal> {
    let bytes = &decoded.bytes;
    let unit = usize::from(decoded.bits_allocated / 8).max(1);
    if bytes.len() < description.pixels() * unit {
        return Err(wrong_length());
    }
    let bits = u32::from(description.bits_stored.min(decoded.bits_allocated));
    let shift = u32::from(description.high_bit + 1).saturating_sub(bits);
    let signed = description.signed;
    Ok(match (decoded.bits_allocated, decoded.float) {
        (32, true) => Stored::F32(
            bytes
                .chunks_exact(4)
                .map(|c| f32::from_le_bytes([c[0], c[1], c[2], c[3]]))
                .collect(),
        ),
        (64, true) => Stored::F32(
            bytes
                .chunks_exact(8)
                .map(|c| {
                    f64::from_le_bytes([c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]]) as f32
                })
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

fn mask(bits: u32) -> u32 {
    u32::MAX
        .checked_shr(32 - bits.clamp(1, 32))
        .unwrap_or(u32::MAX)
}

fn extend(value: u32, bits: u32) -> i32 {
    let unused = 32 - bits.clamp(1, 32);
    (value << unused) as i32 >> unused
}

fn rgb(decoded: Decoded, description: &PixelDescription) -> Result<Vec<u8>, Refusal> {
    let count = description.pixels() * 3;
    let mut bytes = match decoded.bits_allocated {
        8 => decoded.bytes,
        // The top eight of the stored bits.
        16 => {
            let shift = description.bits_stored.saturating_sub(8);
            decoded
                .bytes
                .chunks_exact(2)
                .map(|c| (u16::from_le_bytes([c[0], c[1]]) >> shift) as u8)
                .collect()
        }
        32 => {
            let shift = description.bits_stored.saturating_sub(8);
            decoded
                .bytes
                .chunks_exact(4)
                .map(|c| (u32::from_le_bytes([c[0], c[1], c[2], c[3]]) >> shift) as u8)
                .collect()
        }
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
    if decoded.photometric.starts_with("YBR_FULL") {
        for pixel in bytes.chunks_exact_mut(3) {
            // PS3.3 C.7.6.3.1.2
            let (y, b, r) = (
                f32::from(pixel[0]),
                f32::from(pixel[1]) - 128.0,
                f32::from(pixel[2]) - 128.0,
            );
            let byte = |value: f32| value.round().clamp(0.0, 255.0) as u8;
            pixel[0] = byte(y + 1.402 * r);
            pixel[1] = byte(y - 0.344_136 * b - 0.714_136 * r);
            pixel[2] = byte(y + 1.772 * b);
        }
    }
    Ok(bytes)
}

/// PS3.3 C.7.9
fn palette(
    object: &InMemDicomObject,
    decoded: Decoded,
    description: &PixelDescription,
) -> Result<Pixels, Refusal> {
    let channel = |descriptor, data| {
        Lut::of(object, descriptor, data, description.signed).ok_or_else(|| {
            Refusal::new("dicom-codec", "the colour palette cannot be read")
                .at_path(crate::tag_text(descriptor))
        })
    };
    let red = channel(
        tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
        tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    )?;
    let green = channel(
        tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
        tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    )?;
    let blue = channel(
        tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
        tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    )?;
    let stored = stored(decoded, description)?;
    let mut out = Vec::with_capacity(stored.len() * 3);
    for at in 0..stored.len() {
        let value = stored.get(at).unwrap_or(0.0) as i64;
        out.extend([red.byte(value), green.byte(value), blue.byte(value)]);
    }
    Ok(Pixels::Rgb(out))
}

/// A look-up table (PS3.3 C.11.1.1, C.7.6.3.1.5): number of entries, first input, bits.
struct Lut {
    first: i64,
    bits: u16,
    entries: Vec<u16>,
}

impl Lut {
    fn of(object: &InMemDicomObject, descriptor: Tag, data: Tag, signed: bool) -> Option<Self> {
        let descriptor = object.get(descriptor)?.to_multi_int::<i32>().ok()?;
        let [count, first, bits] = descriptor.as_slice() else {
            return None;
        };
        let count = match count & 0xFFFF {
            0 => 65536,
            n => n as usize,
        };
        let first = if signed {
            i64::from(*first as i16)
        } else {
            i64::from(*first as u16)
        };
        let entries: Vec<u16> = match object.get(data)?.value().primitive()? {
            // 8-bit entries packed in words
            PrimitiveValue::U16(words) if words.len() * 2 == count => words
                .iter()
                .flat_map(|word| word.to_le_bytes())
                .map(u16::from)
                .collect(),
            PrimitiveValue::U16(words) => words.to_vec(),
            PrimitiveValue::I16(words) => words.iter().map(|word| *word as u16).collect(),
            PrimitiveValue::U8(bytes) if bytes.len() >= 2 * count => bytes
                .chunks_exact(2)
                .map(|c| u16::from_le_bytes([c[0], c[1]]))
                .collect(),
            PrimitiveValue::U8(bytes) => bytes.iter().map(|byte| u16::from(*byte)).collect(),
            _ => return None,
        };
        (!entries.is_empty()).then_some(Self {
            first,
            bits: if *bits == 8 { 8 } else { 16 },
            entries,
        })
    }

    fn get(&self, value: i64) -> u16 {
        let last = self.entries.len() - 1;
        let at = usize::try_from(value - self.first).unwrap_or(0).min(last);
        self.entries[at]
    }

    fn byte(&self, value: i64) -> u8 {
        let entry = self.get(value);
        if self.bits == 8 {
            entry.min(255) as u8
        } else {
            (entry >> 8) as u8
        }
    }
}
