//! From decoded samples to a [`Frame`]: sign, modality values, colour, windows.

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use kura_model::Refusal;

use super::frame::{Frame, Pixels, Stored, VoiFunction, Window};
use super::lut::{Lut, VoiLut};
use super::overlay;
use super::samples::Samples;
use crate::header::{Header, decimals, texts};

pub(crate) fn frame(header: &Header, frame: u32, samples: Samples) -> Result<Frame, Refusal> {
    let scopes = scopes(header.object(), frame);
    let photometric = samples.photometric.clone();
    let (rows, columns) = (samples.rows, samples.columns);
    let overlays = overlay::overlays(header, frame, &samples);
    let mut voi_luts = Vec::new();
    let (pixels, windows) = if samples.per_pixel == 3 {
        (Pixels::Rgb(samples.into_rgb8()?), Vec::new())
    } else if photometric == "PALETTE COLOR" {
        (palette(header.object(), &samples)?, Vec::new())
    } else {
        let pixels = modality(header, &scopes, &samples)?;
        voi_luts = voi_luts_of(&scopes, &pixels);
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
        rows,
        columns,
        inverted: photometric == "MONOCHROME1",
        pixels,
        windows,
        voi_luts,
        overlays,
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
    samples: &Samples,
) -> Result<Pixels, Refusal> {
    let stored = samples.stored()?;
    let lut = first_item(header.object(), tags::MODALITY_LUT_SEQUENCE)
        .and_then(|item| Lut::of_item(item, samples.signed));
    if let Some(lut) = lut {
        let values = (0..stored.len())
            .map(|at| lut.get(stored.get(at).unwrap_or(0.0) as i64))
            .collect();
        return Ok(Pixels::Gray {
            stored: Stored::U16(values),
            slope: 1.0,
            intercept: 0.0,
        });
    }
    let slope = first_decimal(scopes, tags::RESCALE_SLOPE)
        .or_else(|| first_decimal(scopes, tags::DOSE_GRID_SCALING))
        .filter(|slope| *slope != 0.0)
        .unwrap_or(1.0);
    Ok(Pixels::Gray {
        stored,
        slope,
        intercept: first_decimal(scopes, tags::RESCALE_INTERCEPT).unwrap_or(0.0),
    })
}

fn first_item(object: &InMemDicomObject, sequence: Tag) -> Option<&InMemDicomObject> {
    object.get(sequence)?.items()?.first()
}

/// PS3.3 C.11.2.1.1: the tables of the innermost sequence that has any. Their first input has the
/// sign of the values it is given.
fn voi_luts_of(scopes: &[&InMemDicomObject], pixels: &Pixels) -> Vec<VoiLut> {
    let Pixels::Gray {
        stored, intercept, ..
    } = pixels
    else {
        return Vec::new();
    };
    let signed = *intercept < 0.0 || matches!(stored, Stored::I16(_) | Stored::I32(_));
    let of = |item: &InMemDicomObject| {
        Some(VoiLut {
            name: texts(item, tags::LUT_EXPLANATION)
                .into_iter()
                .find(|name| !name.is_empty()),
            table: Lut::of_item(item, signed)?,
        })
    };
    scopes
        .iter()
        .filter_map(|scope| scope.get(tags::VOILUT_SEQUENCE)?.items())
        .map(|items| items.iter().filter_map(of).collect::<Vec<_>>())
        .find(|tables| !tables.is_empty())
        .unwrap_or_default()
}

/// PS3.3 C.7.9
fn palette(object: &InMemDicomObject, samples: &Samples) -> Result<Pixels, Refusal> {
    let channel = |names: [Tag; 3]| {
        Lut::of_channel(object, names, samples.signed).ok_or_else(|| {
            Refusal::new("dicom-codec", "the colour palette cannot be read")
                .at_path(crate::tag_text(names[0]))
        })
    };
    let red = channel([
        tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
        tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        tags::SEGMENTED_RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    ])?;
    let green = channel([
        tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
        tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        tags::SEGMENTED_GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    ])?;
    let blue = channel([
        tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
        tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        tags::SEGMENTED_BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    ])?;
    let stored = samples.stored()?;
    let mut out = Vec::with_capacity(stored.len() * 3);
    for at in 0..stored.len() {
        let value = stored.get(at).unwrap_or(0.0) as i64;
        out.extend([red.byte(value), green.byte(value), blue.byte(value)]);
    }
    Ok(Pixels::Rgb(out))
}
