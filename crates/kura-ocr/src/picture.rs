//! Pictures of 8 bits, and rectangles in them.

use kura_model::{Error, Result};
use serde::Serialize;

/// Pixels of one picture at most: 16,384 × 16,384. A slide is given tile by tile.
pub const MAX_PIXELS: usize = 16_384 * 16_384;

/// A rectangle in pixels, from the left upper corner of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Area {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

impl Area {
    /// First column to the right of it.
    pub fn right(&self) -> u32 {
        self.x.saturating_add(self.width)
    }

    /// First row below it.
    pub fn bottom(&self) -> u32 {
        self.y.saturating_add(self.height)
    }

    /// In pixels.
    pub fn size(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// What two rectangles share.
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let x = self.x.max(other.x);
        let y = self.y.max(other.y);
        let right = self.right().min(other.right());
        let bottom = self.bottom().min(other.bottom());
        (right > x && bottom > y).then(|| Self {
            x,
            y,
            width: right - x,
            height: bottom - y,
        })
    }

    /// The smallest rectangle around both.
    pub fn hull(&self, other: &Self) -> Self {
        let x = self.x.min(other.x);
        let y = self.y.min(other.y);
        Self {
            x,
            y,
            width: self.right().max(other.right()) - x,
            height: self.bottom().max(other.bottom()) - y,
        }
    }

    /// Larger by `along` pixels left and right and `across` pixels above and below, within a
    /// picture of `width` × `height`.
    pub fn grown(&self, along: u32, across: u32, width: u32, height: u32) -> Self {
        let x = self.x.saturating_sub(along);
        let y = self.y.saturating_sub(across);
        Self {
            x,
            y,
            width: self
                .right()
                .saturating_add(along)
                .min(width)
                .saturating_sub(x),
            height: self
                .bottom()
                .saturating_add(across)
                .min(height)
                .saturating_sub(y),
        }
    }
}

/// Which way a text runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From left to right.
    Upright,
    /// From top to bottom: turned clockwise.
    Downwards,
    UpsideDown,
    /// From bottom to top: turned anticlockwise.
    Upwards,
}

/// 8 bits a sample, `[row, column]` or `[row, column, 3]` (RGB), row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// 1 or 3.
    pub(crate) channels: usize,
    pub(crate) data: Vec<u8>,
}

impl Picture {
    /// # Errors
    /// `Invalid` where `data` is not `height × width` samples, or a side is 0 or too long.
    pub fn gray(width: u32, height: u32, data: Vec<u8>) -> Result<Self> {
        Self::new(width, height, 1, data)
    }

    /// # Errors
    /// `Invalid` where `data` is not `height × width × 3` samples, or a side is 0 or too long.
    pub fn rgb(width: u32, height: u32, data: Vec<u8>) -> Result<Self> {
        Self::new(width, height, 3, data)
    }

    fn new(width: u32, height: u32, channels: usize, data: Vec<u8>) -> Result<Self> {
        let (width, height) = (width as usize, height as usize);
        let pixels = width.saturating_mul(height);
        if pixels == 0 || pixels > MAX_PIXELS || width.max(height) > usize::from(u16::MAX) {
            return Err(Error::invalid(format!(
                "a picture of {width} × {height} pixels is not looked at"
            )));
        }
        if data.len() != pixels * channels {
            return Err(Error::invalid(format!(
                "{} samples are no picture of {width} × {height} pixels",
                data.len()
            )));
        }
        Ok(Self {
            width,
            height,
            channels,
            data,
        })
    }

    pub fn width(&self) -> u32 {
        self.width as u32
    }

    pub fn height(&self) -> u32 {
        self.height as u32
    }

    /// 1 (gray) or 3 (RGB).
    pub fn channels(&self) -> u8 {
        self.channels as u8
    }

    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// All of it.
    pub fn area(&self) -> Area {
        Area {
            x: 0,
            y: 0,
            width: self.width(),
            height: self.height(),
        }
    }

    pub(crate) fn row(&self, y: usize) -> &[u8] {
        let line = self.width * self.channels;
        &self.data[y * line..(y + 1) * line]
    }

    /// As gray: luma of ITU-R BT.601.
    pub fn to_gray(&self) -> Self {
        if self.channels == 1 {
            return self.clone();
        }
        let data = self
            .data
            .as_chunks::<3>()
            .0
            .iter()
            .map(|[r, g, b]| {
                ((u32::from(*r) * 299 + u32::from(*g) * 587 + u32::from(*b) * 114) / 1000) as u8
            })
            .collect();
        Self {
            channels: 1,
            data,
            ..*self
        }
    }

    /// Black and white exchanged.
    pub(crate) fn inverted(&self) -> Self {
        Self {
            data: self.data.iter().map(|value| 255 - value).collect(),
            ..*self
        }
    }

    /// The part of it that lies in `area`; `None` where none does.
    pub fn cut(&self, area: Area) -> Option<Self> {
        let area = area.intersection(&self.area())?;
        let (x, width) = (area.x as usize, area.width as usize);
        let mut data = Vec::with_capacity(area.size() as usize * self.channels);
        for y in area.y..area.bottom() {
            let row = self.row(y as usize);
            data.extend_from_slice(&row[x * self.channels..(x + width) * self.channels]);
        }
        Some(Self {
            width,
            height: area.height as usize,
            channels: self.channels,
            data,
        })
    }

    /// Turned clockwise by `quarters` × 90°.
    pub fn turned(&self, quarters: u8) -> Self {
        let quarters = quarters % 4;
        if quarters == 0 {
            return self.clone();
        }
        let (width, height) = if quarters == 2 {
            (self.width, self.height)
        } else {
            (self.height, self.width)
        };
        let mut data = Vec::with_capacity(self.data.len());
        for y in 0..height {
            for x in 0..width {
                let (from_x, from_y) = match quarters {
                    1 => (y, self.height - 1 - x),
                    2 => (self.width - 1 - x, self.height - 1 - y),
                    _ => (self.width - 1 - y, x),
                };
                let at = (from_y * self.width + from_x) * self.channels;
                data.extend_from_slice(&self.data[at..at + self.channels]);
            }
        }
        Self {
            width,
            height,
            channels: self.channels,
            data,
        }
    }

    /// Of another size: linear between pixels when it grows, the mean of what falls together
    /// when it shrinks.
    pub fn scaled(&self, width: u32, height: u32) -> Self {
        let (width, height) = (width.max(1) as usize, height.max(1) as usize);
        if (width, height) == (self.width, self.height) {
            return self.clone();
        }
        let across = weights(self.width, width);
        let down = weights(self.height, height);
        let channels = self.channels;
        // Rows first, so that no more than one picture of floating-point numbers is held.
        let mut rows = vec![0.0_f32; width * self.height * channels];
        for (row, out) in (0..self.height)
            .map(|y| self.row(y))
            .zip(rows.chunks_exact_mut(width * channels))
        {
            for (taps, out) in across.iter().zip(out.chunks_exact_mut(channels)) {
                for (offset, weight) in taps.weights.iter().enumerate() {
                    let at = (taps.first + offset) * channels;
                    for (channel, out) in out.iter_mut().enumerate() {
                        *out += weight * f32::from(row[at + channel]);
                    }
                }
            }
        }
        let line = width * channels;
        let mut data = Vec::with_capacity(line * height);
        let mut sums = vec![0.0_f32; line];
        for taps in &down {
            sums.fill(0.0);
            for (offset, weight) in taps.weights.iter().enumerate() {
                let from = (taps.first + offset) * line;
                for (sum, value) in sums.iter_mut().zip(&rows[from..from + line]) {
                    *sum += weight * value;
                }
            }
            data.extend(sums.iter().map(|sum| sum.round().clamp(0.0, 255.0) as u8));
        }
        Self {
            width,
            height,
            channels,
            data,
        }
    }

    /// Smallest and largest sample of a rectangle that lies in it.
    pub(crate) fn range(&self, area: Area) -> (u8, u8) {
        let mut range = (u8::MAX, u8::MIN);
        let Some(area) = area.intersection(&self.area()) else {
            return (0, 0);
        };
        for y in area.y..area.bottom() {
            let row = self.row(y as usize);
            let cells =
                &row[area.x as usize * self.channels..area.right() as usize * self.channels];
            for value in cells {
                range = (range.0.min(*value), range.1.max(*value));
            }
        }
        range
    }
}

/// Which samples make one sample of another size, and how much each counts.
struct Taps {
    first: usize,
    weights: Vec<f32>,
}

/// A triangle as wide as the coarser of the two grids: linear interpolation when it grows, a
/// weighted mean when it shrinks.
fn weights(from: usize, to: usize) -> Vec<Taps> {
    let step = from as f32 / to as f32;
    let reach = step.max(1.0);
    (0..to)
        .map(|at| {
            let center = (at as f32 + 0.5) * step - 0.5;
            let first = (center - reach).ceil().max(0.0) as usize;
            let last = ((center + reach).floor().max(0.0) as usize).min(from - 1);
            let first = first.min(last);
            let mut weights: Vec<f32> = (first..=last)
                .map(|index| (1.0 - (index as f32 - center).abs() / reach).max(0.0))
                .collect();
            let sum: f32 = weights.iter().sum();
            if sum > 0.0 {
                weights.iter_mut().for_each(|weight| *weight /= sum);
            } else {
                weights = vec![1.0 / (last - first + 1) as f32; last - first + 1];
            }
            Taps { first, weights }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_what_they_say() {
        assert!(Picture::gray(2, 2, vec![0; 3]).is_err());
        assert!(Picture::gray(0, 2, vec![]).is_err());
        assert!(Picture::rgb(u32::MAX, u32::MAX, vec![]).is_err());
        assert!(Picture::rgb(1, 2, vec![0; 6]).is_ok());
    }

    #[test]
    fn turned_four_times_is_itself() {
        let picture = Picture::gray(3, 2, vec![1, 2, 3, 4, 5, 6]).expect("a picture");
        let once = picture.turned(1);
        assert_eq!((once.width, once.height), (2, 3));
        assert_eq!(once.data, [4, 1, 5, 2, 6, 3]);
        assert_eq!(once.turned(1), picture.turned(2));
        assert_eq!(once.turned(3), picture);
    }

    #[test]
    fn scaling_keeps_what_is_even() {
        let picture = Picture::gray(7, 5, vec![90; 35]).expect("a picture");
        for (width, height) in [(14, 10), (3, 2), (1, 1), (7, 50)] {
            let scaled = picture.scaled(width, height);
            assert_eq!((scaled.width(), scaled.height()), (width, height));
            assert!(scaled.data.iter().all(|value| *value == 90));
        }
        let two = Picture::gray(2, 1, vec![0, 200]).expect("a picture");
        assert_eq!(two.scaled(4, 1).data, [0, 50, 150, 200]);
        assert_eq!(two.scaled(1, 1).data, [100]);
    }

    #[test]
    fn areas() {
        let area = Area {
            x: 2,
            y: 2,
            width: 4,
            height: 2,
        };
        let other = Area {
            x: 5,
            y: 3,
            width: 9,
            height: 9,
        };
        assert_eq!(
            area.intersection(&other),
            Some(Area {
                x: 5,
                y: 3,
                width: 1,
                height: 1
            })
        );
        assert_eq!(
            area.hull(&other),
            Area {
                x: 2,
                y: 2,
                width: 12,
                height: 10
            }
        );
        assert_eq!(
            area.grown(3, 1, 8, 4),
            Area {
                x: 0,
                y: 1,
                width: 8,
                height: 3
            }
        );
        let far = Area {
            x: u32::MAX,
            y: 0,
            width: 9,
            height: 9,
        };
        assert_eq!(area.intersection(&far), None);
    }
}
