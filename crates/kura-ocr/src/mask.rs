//! Areas filled in the samples of an object, in every frame.

use kura_model::{Error, Result};
use serde::Serialize;

use crate::Area;

/// Native samples; signed ones by their bits.
#[derive(Debug)]
pub enum Samples<'a> {
    Bits8(&'a mut [u8]),
    Bits16(&'a mut [u16]),
}

impl Samples<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Bits8(samples) => samples.len(),
            Self::Bits16(samples) => samples.len(),
        }
    }
}

/// How samples lie: `[frame, row, column, channel]`, or with planar colour
/// `[frame, channel, row, column]` (Planar Configuration (0028,0006) 1, PS3.3 C.7.6.3.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    pub width: u32,
    pub height: u32,
    pub frames: u32,
    /// 1 or 3.
    pub channels: u8,
    pub planar: bool,
}

/// Pixels of a row that were filled, in every frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Run {
    pub y: u32,
    pub x: u32,
    pub width: u32,
}

/// Fills areas with `value` (one a channel). Gives what was filled, by rows, without overlap.
///
/// # Errors
/// `Invalid` where the samples are not of that layout, or an area lies outside the picture: then
/// nothing is filled, and the object may not leave.
pub fn mask(
    mut samples: Samples<'_>,
    layout: &Layout,
    areas: &[Area],
    value: &[u16],
) -> Result<Vec<Run>> {
    let channels = usize::from(layout.channels);
    let (width, height) = (layout.width as usize, layout.height as usize);
    let expected = [height, layout.frames as usize, channels]
        .into_iter()
        .try_fold(width, usize::checked_mul);
    if !matches!(channels, 1 | 3) || expected != Some(samples.len()) {
        return Err(Error::invalid(
            "the samples are not those of the picture that is masked",
        ));
    }
    let eight = matches!(samples, Samples::Bits8(_));
    if value.len() != channels || eight && value.iter().any(|value| *value > 255) {
        return Err(Error::invalid("the value to mask with is no pixel"));
    }
    let outside = |area: &Area| {
        // Not by `right`, which saturates.
        u64::from(area.x) + u64::from(area.width) > u64::from(layout.width)
            || u64::from(area.y) + u64::from(area.height) > u64::from(layout.height)
    };
    if areas.iter().any(outside) {
        return Err(Error::invalid("an area to mask lies outside the picture"));
    }
    let runs = runs(areas);
    let plane = width * height;
    for frame in 0..layout.frames as usize {
        for run in &runs {
            let pixel = run.y as usize * width + run.x as usize;
            for (channel, value) in value.iter().enumerate() {
                let (from, step) = if layout.planar {
                    ((frame * channels + channel) * plane + pixel, 1)
                } else {
                    ((frame * plane + pixel) * channels + channel, channels)
                };
                for at in 0..run.width as usize {
                    match &mut samples {
                        // Checked above to be at most 255.
                        Samples::Bits8(samples) => samples[from + at * step] = *value as u8,
                        Samples::Bits16(samples) => samples[from + at * step] = *value,
                    }
                }
            }
        }
    }
    Ok(runs)
}

/// The rows of areas, joined where they overlap or touch.
fn runs(areas: &[Area]) -> Vec<Run> {
    let mut rows: Vec<Run> = areas
        .iter()
        .filter(|area| area.width > 0)
        .flat_map(|area| {
            (area.y..area.bottom()).map(|y| Run {
                y,
                x: area.x,
                width: area.width,
            })
        })
        .collect();
    rows.sort_unstable();
    let mut runs: Vec<Run> = Vec::with_capacity(rows.len());
    for row in rows {
        match runs.last_mut() {
            Some(last) if last.y == row.y && last.x + last.width >= row.x => {
                last.width = last.width.max(row.x + row.width - last.x);
            }
            _ => runs.push(row),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(x: u32, y: u32, width: u32, height: u32) -> Area {
        Area {
            x,
            y,
            width,
            height,
        }
    }

    #[test]
    fn the_same_pixels_in_every_layout() {
        let areas = [area(1, 0, 2, 2), area(2, 1, 2, 1)];
        let (width, height, frames) = (4, 3, 2);
        for (channels, planar) in [(1, false), (3, false), (3, true)] {
            let layout = Layout {
                width,
                height,
                frames,
                channels,
                planar,
            };
            let count = (width * height * frames) as usize * usize::from(channels);
            let value: Vec<u16> = (0..u16::from(channels))
                .map(|channel| 201 + channel)
                .collect();
            let mut eight = vec![7_u8; count];
            let mut sixteen = vec![7_u16; count];
            let runs = mask(Samples::Bits8(&mut eight), &layout, &areas, &value).expect("masked");
            assert_eq!(
                runs,
                [
                    Run {
                        y: 0,
                        x: 1,
                        width: 2
                    },
                    Run {
                        y: 1,
                        x: 1,
                        width: 3
                    }
                ]
            );
            assert_eq!(
                mask(Samples::Bits16(&mut sixteen), &layout, &areas, &value).expect("masked"),
                runs
            );
            for frame in 0..2_usize {
                for y in 0..3_usize {
                    for x in 0..4_usize {
                        for channel in 0..usize::from(channels) {
                            let at = if planar {
                                (frame * 3 + channel) * 12 + y * 4 + x
                            } else {
                                (frame * 12 + y * 4 + x) * usize::from(channels) + channel
                            };
                            let inside = y == 0 && (1..3).contains(&x) || y == 1 && x >= 1;
                            let expected = if inside { 201 + channel as u16 } else { 7 };
                            assert_eq!(u16::from(eight[at]), expected);
                            assert_eq!(sixteen[at], expected);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let layout = Layout {
            width: 4,
            height: 3,
            frames: 1,
            channels: 1,
            planar: false,
        };
        let mut samples = vec![7_u8; 12];
        for (areas, value) in [
            (vec![area(0, 0, 1, 1), area(3, 0, 2, 1)], vec![0]),
            (vec![area(u32::MAX, 0, 2, 1)], vec![0]),
            (vec![area(0, 0, 1, 1)], vec![256]),
            (vec![area(0, 0, 1, 1)], vec![0, 0, 0]),
        ] {
            assert!(mask(Samples::Bits8(&mut samples), &layout, &areas, &value).is_err());
        }
        let long = Layout {
            frames: 2,
            ..layout
        };
        assert!(mask(Samples::Bits8(&mut samples), &long, &[], &[0]).is_err());
        let many = Layout {
            frames: u32::MAX,
            width: u32::MAX,
            height: u32::MAX,
            ..layout
        };
        assert!(mask(Samples::Bits8(&mut samples), &many, &[], &[0]).is_err());
        assert_eq!(samples, [7; 12]);
    }
}
