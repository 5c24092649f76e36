//! Pictures a text may be seen in: a text at the largest value, one a few values above what lies
//! under it, one in colours of the same lightness.

use kura_model::{Error, Result};

use crate::Picture;

/// Half the side, in pixels, of the square whose mean and spread count for local contrast: wider
/// than the strokes of a text, narrower than most of what lies under it.
const REACH: usize = 12;

/// Two views that differ by less than this, in the mean of 255 levels, are one.
const SAME: f64 = 1.5;

/// Pictures of one frame of more than 8 bits: the full range, the middle 98 %, the uppermost and
/// the lowermost values, and local contrast. `values` are `[row, column]`, stored or in modality
/// units; what is no number counts as the smallest. The first is the one people would look at
/// (the middle), views that show nothing new are left out.
///
/// # Errors
/// `Invalid` where `values` are not `height × width` values.
pub fn views_of_values(values: &[f32], width: u32, height: u32) -> Result<Vec<Picture>> {
    let mut sorted: Vec<f32> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let (Some(low), Some(high)) = (sorted.first().copied(), sorted.last().copied()) else {
        return Err(Error::invalid("a frame without values is not looked at"));
    };
    let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share) as usize];
    let mut views: Vec<Picture> = Vec::new();
    // A text covers few pixels: it may lie wholly above the 99th percentile, or below the first.
    let windows = [
        (at(0.01), at(0.99)),
        (low, high),
        (at(0.98), high),
        (low, at(0.02)),
    ];
    for (from, to) in windows {
        if to > from {
            let data = values.iter().map(|value| level(*value, from, to)).collect();
            add(&mut views, Picture::gray(width, height, data)?);
        }
    }
    let data = local_contrast(
        values,
        width as usize,
        // Of the range people look at; never less than a step of the values.
        (at(0.99) - at(0.01)).max(high * 1e-6) / 42.0,
    );
    add(&mut views, Picture::gray(width, height, data)?);
    Ok(views)
}

/// The picture itself, and its local contrast. Of a colour picture the contrast of the channel
/// in which it is largest at each place counts, so that red on green of the same lightness is
/// seen.
pub fn views_of_picture(picture: &Picture) -> Vec<Picture> {
    let mut views = vec![picture.clone()];
    let width = picture.width;
    let contrast = |channel: usize| {
        let values: Vec<f32> = picture
            .data
            .iter()
            .skip(channel)
            .step_by(picture.channels)
            .map(|value| f32::from(*value))
            .collect();
        local_contrast(&values, width, 6.0)
    };
    let mut data = contrast(0);
    for channel in 1..picture.channels {
        for (value, other) in data.iter_mut().zip(contrast(channel)) {
            if other.abs_diff(128) > value.abs_diff(128) {
                *value = other;
            }
        }
    }
    let local = Picture {
        channels: 1,
        data,
        ..*picture
    };
    add(&mut views, local);
    let ends = Picture {
        channels: 1,
        data: ends(picture),
        ..*picture
    };
    add(&mut views, ends);
    views
}

/// What lies at the ends of the range, on gray: text is burned in with the smallest or the largest value, and what is
/// scanned seldom has either beside its strokes.
fn ends(picture: &Picture) -> Vec<u8> {
    let values: Vec<(u8, u8)> = picture
        .data
        .chunks_exact(picture.channels)
        .map(|pixel| {
            let low = pixel.iter().min().copied().unwrap_or(0);
            (low, pixel.iter().max().copied().unwrap_or(0))
        })
        .collect();
    let low = values.iter().map(|pixel| pixel.1).min().unwrap_or(0);
    let high = values.iter().map(|pixel| pixel.0).max().unwrap_or(0);
    values
        .into_iter()
        .map(|(least, most)| {
            let above = i16::from(least) - (i16::from(high) - 24);
            let below = (i16::from(low) + 4) - i16::from(most);
            let value = match (above > 0, below > 0) {
                (true, _) => 128 + (above * 6).min(127),
                (_, true) => 128 - (below * 32).min(128),
                _ => 128,
            };
            value as u8
        })
        .collect()
}

fn add(views: &mut Vec<Picture>, view: Picture) {
    let known = views.iter().any(|known| {
        known.channels == view.channels && {
            let sum: u64 = known
                .data
                .iter()
                .zip(&view.data)
                .map(|(one, other)| u64::from(one.abs_diff(*other)))
                .sum();
            // The mean hides a small text that only one of them shows: its pixels must not
            // differ much anywhere either.
            let largest = known
                .data
                .iter()
                .zip(&view.data)
                .map(|(one, other)| one.abs_diff(*other))
                .max();
            (sum as f64) < SAME * view.data.len() as f64 && largest.is_none_or(|most| most < 8)
        }
    });
    let flat = view
        .data
        .iter()
        .all(|value| Some(value) == view.data.first());
    if !known && (!flat || views.is_empty()) {
        views.push(view);
    }
}

fn level(value: f32, from: f32, to: f32) -> u8 {
    // What is no number becomes 0 by the cast.
    ((value - from) / (to - from) * 255.0)
        .round()
        .clamp(0.0, 255.0) as u8
}

/// (value − mean) / spread around each pixel, 128 in the middle. `least` is the smallest spread
/// that counts, in units of the values: below it there is no text, only noise.
fn local_contrast(values: &[f32], width: usize, least: f32) -> Vec<u8> {
    let height = values.len() / width.max(1);
    let clean = |value: f32| {
        if value.is_finite() {
            f64::from(value)
        } else {
            0.0
        }
    };
    // Sums over columns of the square, moved down a row at a time: memory of one row.
    let mut sums = vec![(0.0_f64, 0.0_f64); width];
    let mut out = Vec::with_capacity(values.len());
    let line = |y: usize| &values[y * width..(y + 1) * width];
    for y in 0..height {
        if y == 0 {
            for row in 0..=REACH.min(height - 1) {
                for (sum, value) in sums.iter_mut().zip(line(row)) {
                    let value = clean(*value);
                    *sum = (sum.0 + value, sum.1 + value * value);
                }
            }
        } else {
            if y + REACH < height {
                for (sum, value) in sums.iter_mut().zip(line(y + REACH)) {
                    let value = clean(*value);
                    *sum = (sum.0 + value, sum.1 + value * value);
                }
            }
            if y > REACH {
                for (sum, value) in sums.iter_mut().zip(line(y - REACH - 1)) {
                    let value = clean(*value);
                    *sum = (sum.0 - value, sum.1 - value * value);
                }
            }
        }
        let rows = (y + REACH + 1).min(height) - y.saturating_sub(REACH);
        let mut sum = (0.0, 0.0);
        for column in &sums[..REACH.min(width)] {
            sum = (sum.0 + column.0, sum.1 + column.1);
        }
        for x in 0..width {
            if x + REACH < width {
                let column = sums[x + REACH];
                sum = (sum.0 + column.0, sum.1 + column.1);
            }
            if x > REACH {
                let column = sums[x - REACH - 1];
                sum = (sum.0 - column.0, sum.1 - column.1);
            }
            let columns = (x + REACH + 1).min(width) - x.saturating_sub(REACH);
            let count = (rows * columns) as f64;
            let mean = sum.0 / count;
            let spread = (sum.1 / count - mean * mean).max(0.0).sqrt();
            let value = (clean(values[y * width + x]) - mean) / spread.max(f64::from(least));
            out.push((128.0 + value * 48.0).round().clamp(0.0, 255.0) as u8);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_in_a_wide_range_is_seen() {
        // 10 above its surroundings, where the range is 60,000.
        let (width, height) = (96_u32, 64_u32);
        let mut values = vec![1000.0_f32; (width * height) as usize];
        for x in 20..60 {
            values[30 * width as usize + x] = 1010.0;
        }
        values[0] = 60_000.0;
        values[1] = f32::NAN;
        let views = views_of_values(&values, width, height).expect("views");
        assert!(views.iter().any(|view| {
            let row = view.row(30);
            row[40].abs_diff(view.row(20)[40]) > 60
        }));
        assert!(views_of_values(&[f32::NAN], 1, 1).is_err());
        assert!(views_of_values(&values, 3, 3).is_err());
    }

    #[test]
    fn one_colour_gives_one_view() {
        let picture = Picture::gray(40, 40, vec![7; 1600]).expect("a picture");
        assert_eq!(views_of_picture(&picture).len(), 1);
    }

    #[test]
    fn red_on_green_of_one_lightness_is_seen() {
        let mut data = [0_u8, 51, 0].repeat(60 * 60);
        for x in 20..40 {
            let at = (30 * 60 + x) * 3;
            data[at..at + 3].copy_from_slice(&[100, 0, 0]);
        }
        let picture = Picture::rgb(60, 60, data).expect("a picture");
        let views = views_of_picture(&picture);
        assert_eq!(views.len(), 2);
        assert!(views[1].row(30)[30].abs_diff(views[1].row(20)[30]) > 60);
    }
}
