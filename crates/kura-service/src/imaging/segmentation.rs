//! A segmentation over the images it was drawn on. PS3.3 C.8.20.

use kura_model::{Error, RequestContext, Result};
use serde::Serialize;

use serde_json::Value;

use super::series::{Opened, count, meaning, open_object};
use crate::Bank;
use crate::imaging_study::attribute::{decimals, item, items, text};

/// A segmentation: its segments, and over which image each of its frames lies.
#[derive(Debug, Clone, Serialize)]
pub struct Segmentation {
    pub segments: Vec<Segment>,
    pub frames: Vec<SegmentFrame>,
    pub rows: u32,
    pub columns: u32,
    /// Series Instance UIDs it refers to (0008,1115).
    pub series: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Segment {
    pub number: i64,
    pub label: String,
    /// sRGB
    pub colour: Option<[u8; 3]>,
}

#[derive(Debug, Clone, Serialize)]
pub struct SegmentFrame {
    /// From 1.
    pub frame: u32,
    pub segment: i64,
    /// The image it was derived from, and its frame.
    pub object: Option<String>,
    pub of: Option<i64>,
    pub position: Option<[f64; 3]>,
    pub orientation: Option<[f64; 6]>,
}

/// Frames of one segmentation that a page knows of.
const FRAMES: usize = 20_000;

pub fn segmentation(bank: &Bank, context: &RequestContext, object: &str) -> Result<Segmentation> {
    let Opened { header, .. } = open_object(bank, context, "segmentation_read", object)?;
    let segments: Vec<Segment> = items(&header, "00620002")
        .iter()
        .filter_map(|segment| {
            Some(Segment {
                number: decimals(segment, "00620004")
                    .first()
                    .map(|one| *one as i64)?,
                label: text(segment, "00620005")
                    .or_else(|| meaning(segment, "0062000F"))
                    .unwrap_or_default(),
                colour: match decimals(segment, "0062000D")[..] {
                    [l, a, b] => Some(srgb(l, a, b)),
                    _ => None,
                },
            })
        })
        .collect();
    if segments.is_empty() {
        return Err(Error::not_found("this object is no segmentation"));
    }
    let shared = item(&header, "52009229");
    let of = |group: &Value, tag: &str| {
        item(group, tag)
            .or_else(|| item(shared?, tag))
            .cloned()
            .unwrap_or_default()
    };
    let frames = (1_u32..)
        .zip(items(&header, "52009230").iter().take(FRAMES))
        .map(|(frame, group)| {
            let derived = of(group, "00089124");
            let source = item(&derived, "00082112").cloned().unwrap_or_default();
            SegmentFrame {
                frame,
                segment: decimals(&of(group, "0062000A"), "0062000B")
                    .first()
                    .map_or(0, |one| *one as i64),
                object: text(&source, "00081155"),
                of: decimals(&source, "00081160").first().map(|one| *one as i64),
                position: decimals(&of(group, "00209113"), "00200032").try_into().ok(),
                orientation: decimals(&of(group, "00209116"), "00200037").try_into().ok(),
            }
        })
        .collect();
    Ok(Segmentation {
        segments,
        frames,
        rows: count(&header, "00280010"),
        columns: count(&header, "00280011"),
        series: items(&header, "00081115")
            .iter()
            .filter_map(|series| text(series, "0020000E"))
            .collect(),
    })
}

/// PS3.3 C.10.7.1.1: CIELab under D50 as whole numbers of 16 bits, to sRGB.
fn srgb(l: f64, a: f64, b: f64) -> [u8; 3] {
    let (l, a, b) = (
        l * 100.0 / 65535.0,
        a * 255.0 / 65535.0 - 128.0,
        b * 255.0 / 65535.0 - 128.0,
    );
    let y = (l + 16.0) / 116.0;
    let back = |t: f64| {
        if t > 6.0 / 29.0 {
            t.powi(3)
        } else {
            3.0 * (6.0_f64 / 29.0).powi(2) * (t - 4.0 / 29.0)
        }
    };
    let [x, y, z] = [
        0.9642 * back(y + a / 500.0),
        back(y),
        0.8249 * back(y - b / 200.0),
    ];
    // Bradford from D50 to D65, then IEC 61966-2-1.
    [
        3.1339 * x - 1.6169 * y - 0.4906 * z,
        -0.9788 * x + 1.9161 * y + 0.0335 * z,
        0.0719 * x - 0.2290 * y + 1.4052 * z,
    ]
    .map(|linear| {
        let light = if linear <= 0.003_130_8 {
            12.92 * linear
        } else {
            1.055 * linear.powf(1.0 / 2.4) - 0.055
        };
        (light.clamp(0.0, 1.0) * 255.0).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lab_of_colours_that_are_known() {
        // CIELab (D50) of sRGB's red is (54.29, 80.80, 69.89).
        let encoded = |l: f64, a: f64, b: f64| {
            (
                l * 65535.0 / 100.0,
                (a + 128.0) * 65535.0 / 255.0,
                (b + 128.0) * 65535.0 / 255.0,
            )
        };
        let near = |found: [u8; 3], wanted: [u8; 3]| {
            found.iter().zip(wanted).all(|(a, b)| a.abs_diff(b) <= 2)
        };
        let (l, a, b) = encoded(54.29, 80.80, 69.89);
        assert!(near(srgb(l, a, b), [255, 0, 0]), "{:?}", srgb(l, a, b));
        let (l, a, b) = encoded(100.0, 0.0, 0.0);
        assert!(near(srgb(l, a, b), [255, 255, 255]), "{:?}", srgb(l, a, b));
    }
}
