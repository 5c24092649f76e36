//! A picture cut, turned and scaled for a viewport. PS3.18 8.3.5.1.3.

use kura_model::Refusal;

use crate::Image8;

/// A part of a picture, in its pixels; from its left upper corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
    /// Left and right, top and bottom change places.
    pub flip_horizontally: bool,
    pub flip_vertically: bool,
}

impl Image8 {
    /// The part of a picture that lies in it; `None` where none does.
    pub fn region(&self, region: Region) -> Option<Image8> {
        let width = region.width.min(self.width.checked_sub(region.x)?);
        let height = region.height.min(self.height.checked_sub(region.y)?);
        if width == 0 || height == 0 {
            return None;
        }
        let channels = usize::from(self.channels);
        let line = self.width as usize * channels;
        let mut data = Vec::with_capacity(width as usize * height as usize * channels);
        for row in 0..height {
            let row = if region.flip_vertically {
                height - 1 - row
            } else {
                row
            };
            let start = (region.y + row) as usize * line + region.x as usize * channels;
            let cells = self.data.get(start..start + width as usize * channels)?;
            if region.flip_horizontally {
                cells
                    .chunks_exact(channels)
                    .rev()
                    .for_each(|pixel| data.extend_from_slice(pixel));
            } else {
                data.extend_from_slice(cells);
            }
        }
        Some(Image8 {
            width,
            height,
            channels: self.channels,
            data,
        })
    }

    /// As large as fits into `width` × `height` with its own proportions: the mean of each box
    /// when it shrinks, linear between pixels when it grows.
    pub fn fit(&self, width: u32, height: u32) -> Image8 {
        let (own_width, own_height) = (u64::from(self.width), u64::from(self.height));
        let (width, height) = (u64::from(width.max(1)), u64::from(height.max(1)));
        // Which side is the tighter one.
        let longer = if own_width * height >= own_height * width {
            let height = (own_height * width / own_width.max(1)).max(1);
            (width, height)
        } else {
            let width = (own_width * height / own_height.max(1)).max(1);
            (width, height)
        };
        let (width, height) = (longer.0 as u32, longer.1 as u32);
        if width <= self.width && height <= self.height {
            self.downsample(width.max(height))
        } else {
            self.grown(width, height)
        }
    }

    fn grown(&self, width: u32, height: u32) -> Image8 {
        let channels = usize::from(self.channels);
        let line = self.width as usize * channels;
        // The two pixels beside a place, and how far it is from the first.
        let between = |at: u32, to: u32, from: u32| {
            let place = (f64::from(at) + 0.5) * f64::from(from) / f64::from(to) - 0.5;
            let place = place.clamp(0.0, f64::from(from - 1));
            let low = place as u32;
            (
                low as usize,
                (low + 1).min(from - 1) as usize,
                place.fract(),
            )
        };
        let mut data = Vec::with_capacity(width as usize * height as usize * channels);
        for y in 0..height {
            let (top, bottom, down) = between(y, height, self.height);
            for x in 0..width {
                let (left, right, along) = between(x, width, self.width);
                for channel in 0..channels {
                    let value = |row: usize, column: usize| {
                        let at = row * line + column * channels + channel;
                        f64::from(self.data.get(at).copied().unwrap_or(0))
                    };
                    let above = value(top, left) * (1.0 - along) + value(top, right) * along;
                    let below = value(bottom, left) * (1.0 - along) + value(bottom, right) * along;
                    data.push((above * (1.0 - down) + below * down).round() as u8);
                }
            }
        }
        Image8 {
            width,
            height,
            channels: self.channels,
            data,
        }
    }

    /// Baseline JPEG of a quality from 1 to 100.
    ///
    /// # Errors
    /// `dicom-jpeg-size` where a side is longer than JPEG can say (65,535).
    pub fn to_jpeg_of(&self, quality: u8) -> Result<Vec<u8>, Refusal> {
        let refuse = || Refusal::new("dicom-jpeg-size", "the picture is too large for JPEG");
        let width = u16::try_from(self.width).map_err(|_| refuse())?;
        let height = u16::try_from(self.height).map_err(|_| refuse())?;
        let kind = if self.channels == 3 {
            jpeg_encoder::ColorType::Rgb
        } else {
            jpeg_encoder::ColorType::Luma
        };
        let mut out = Vec::new();
        jpeg_encoder::Encoder::new(&mut out, quality)
            .encode(&self.data, width, height, kind)
            .map_err(|_| refuse())?;
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> Image8 {
        Image8 {
            width: 4,
            height: 2,
            channels: 1,
            data: vec![0, 1, 2, 3, 10, 11, 12, 13],
        }
    }

    #[test]
    fn regions_and_flips() {
        let region = |x, y, width, height, flip| Region {
            x,
            y,
            width,
            height,
            flip_horizontally: flip,
            flip_vertically: flip,
        };
        let cut = image().region(region(1, 0, 2, 2, false)).unwrap();
        assert_eq!(
            (cut.width, cut.height, cut.data),
            (2, 2, vec![1, 2, 11, 12])
        );
        let turned = image().region(region(2, 0, 9, 9, true)).unwrap();
        assert_eq!(turned.data, [13, 12, 3, 2]);
        assert_eq!(image().region(region(4, 0, 1, 1, false)), None);
        assert_eq!(image().region(region(9, 0, 1, 1, false)), None);
    }

    #[test]
    fn fits_with_its_own_proportions() {
        for (width, height, expected) in [
            (2, 2, (2, 1)),
            (8, 8, (8, 4)),
            (100, 1, (2, 1)),
            (4, 2, (4, 2)),
            (1, 1, (1, 1)),
        ] {
            let fitted = image().fit(width, height);
            assert_eq!((fitted.width, fitted.height), expected, "{width} {height}");
            assert_eq!(fitted.data.len(), (fitted.width * fitted.height) as usize);
        }
        // Corners stay what they are.
        let grown = image().fit(16, 16).data;
        assert_eq!((grown[0], grown[grown.len() - 1]), (0, 13));
    }
}
