//! From values to a screen: windows (PS3.3 C.11.2), size, PNG, JPEG.

use kura_model::Refusal;

use super::frame::{Frame, Pixels, Stored, VoiFunction};
use super::overlay::Overlay;

/// An 8-bit picture, row by row; 1 channel (grey) or 3 (RGB).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image8 {
    pub width: u32,
    pub height: u32,
    pub channels: u8,
    pub data: Vec<u8>,
}

/// A value through a window to 0..=255.
pub fn voi(function: VoiFunction, value: f64, center: f64, width: f64) -> u8 {
    let y = match function {
        // C.11.2.1.2.1
        VoiFunction::Linear => {
            let width = width.max(1.0);
            if value <= center - 0.5 - (width - 1.0) / 2.0 {
                0.0
            } else if value > center - 0.5 + (width - 1.0) / 2.0 {
                255.0
            } else {
                ((value - (center - 0.5)) / (width - 1.0) + 0.5) * 255.0
            }
        }
        // C.11.2.1.3.2
        VoiFunction::LinearExact => ((value - center) / width.max(f64::MIN_POSITIVE) + 0.5) * 255.0,
        // C.11.2.1.3.1
        VoiFunction::Sigmoid => {
            255.0 / (1.0 + (-4.0 * (value - center) / width.max(f64::MIN_POSITIVE)).exp())
        }
    };
    y.round().clamp(0.0, 255.0) as u8
}

/// How overlay planes (PS3.3 C.9.2) are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overlays {
    #[default]
    Hidden,
    White,
    Black,
}

/// How a frame is made a picture.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rendering {
    /// (center, width) in modality units; `None` takes what the object says.
    pub window: Option<(f64, f64)>,
    pub overlays: Overlays,
}

pub(crate) fn image(frame: &Frame, rendering: &Rendering) -> Image8 {
    let (channels, data) = match &frame.pixels {
        Pixels::Rgb(data) => (3, data.clone()),
        Pixels::Gray {
            stored,
            slope,
            intercept,
        } => {
            let (center, width) = rendering.window.unwrap_or(frame.default_window);
            let lut = frame
                .voi_luts
                .first()
                .filter(|_| rendering.window.is_none());
            let shade = |value: f64| {
                let value = value * slope + intercept;
                let y = match lut {
                    Some(lut) => lut.shade(value),
                    None => voi(frame.voi_function, value, center, width),
                };
                if frame.inverted { 255 - y } else { y }
            };
            (1, gray(stored, shade))
        }
    };
    let mut image = Image8 {
        width: frame.columns,
        height: frame.rows,
        channels,
        data,
    };
    let level = match rendering.overlays {
        Overlays::Hidden => return image,
        Overlays::White => 255,
        Overlays::Black => 0,
    };
    for overlay in &frame.overlays {
        burn(&mut image, overlay, level);
    }
    image
}

/// Sets the pixels under the plane; what lies beyond the picture is left out.
fn burn(image: &mut Image8, overlay: &Overlay, level: u8) {
    let channels = usize::from(image.channels);
    let place = |at: usize, origin: i32, side: u32| {
        let at = i64::try_from(at).ok()? + i64::from(origin) - 1;
        usize::try_from(at).ok().filter(|at| *at < side as usize)
    };
    let lines = overlay.bits.chunks_exact(overlay.columns.max(1) as usize);
    for (row, line) in lines.enumerate() {
        let Some(y) = place(row, overlay.origin.0, image.height) else {
            continue;
        };
        for (column, _) in line.iter().enumerate().filter(|(_, bit)| **bit == 1) {
            if let Some(x) = place(column, overlay.origin.1, image.width) {
                let at = (y * image.width as usize + x) * channels;
                image.data[at..at + channels].fill(level);
            }
        }
    }
}

/// Up to 16 bits through a table, wider ones each.
fn gray(stored: &Stored, shade: impl Fn(f64) -> u8) -> Vec<u8> {
    match stored {
        Stored::U8(values) => {
            let table: Vec<u8> = (0..=u8::MAX).map(|v| shade(v.into())).collect();
            values.iter().map(|v| table[usize::from(*v)]).collect()
        }
        Stored::U16(values) => {
            let table: Vec<u8> = (0..=u16::MAX).map(|v| shade(v.into())).collect();
            values.iter().map(|v| table[usize::from(*v)]).collect()
        }
        Stored::I16(values) => {
            let table: Vec<u8> = (0..=u16::MAX).map(|v| shade(f64::from(v as i16))).collect();
            values
                .iter()
                .map(|v| table[usize::from(*v as u16)])
                .collect()
        }
        wide => (0..wide.len())
            .map(|at| shade(wide.get(at).unwrap_or(0.0)))
            .collect(),
    }
}

impl Image8 {
    /// The mean of each box of pixels that falls on one; never larger than it was.
    pub fn downsample(&self, max_side: u32) -> Image8 {
        let longer = self.width.max(self.height);
        if longer <= max_side || max_side == 0 {
            return self.clone();
        }
        let scaled = |side: u32| {
            let side = u64::from(side) * u64::from(max_side) / u64::from(longer);
            u32::try_from(side.max(1)).unwrap_or(1)
        };
        let (width, height) = (scaled(self.width), scaled(self.height));
        let edge = |at: u32, from: u32, to: u32| {
            (u64::from(at) * u64::from(from) / u64::from(to)) as usize
        };
        let channels = usize::from(self.channels);
        let mut data = Vec::with_capacity(width as usize * height as usize * channels);
        for y in 0..height {
            let rows = edge(y, self.height, height)..edge(y + 1, self.height, height);
            for x in 0..width {
                let columns = edge(x, self.width, width)..edge(x + 1, self.width, width);
                let count = (rows.len() * columns.len()).max(1) as u64;
                for channel in 0..channels {
                    let mut sum = 0_u64;
                    for row in rows.clone() {
                        for column in columns.clone() {
                            let at = (row * self.width as usize + column) * channels + channel;
                            sum += u64::from(self.data.get(at).copied().unwrap_or(0));
                        }
                    }
                    data.push(((sum + count / 2) / count) as u8);
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

    /// PNG, not larger than `max_side` on its longer side.
    pub fn to_png(&self, max_side: Option<u32>) -> Vec<u8> {
        let small = max_side.map(|side| self.downsample(side));
        let image = small.as_ref().unwrap_or(self);
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, image.width, image.height);
        encoder.set_color(if image.channels == 3 {
            png::ColorType::Rgb
        } else {
            png::ColorType::Grayscale
        });
        encoder.set_depth(png::BitDepth::Eight);
        // Writing to memory fails only where the picture has not the size it says, which
        // `image` and `downsample` rule out; an empty answer is then the honest one.
        let written = encoder
            .write_header()
            .and_then(|mut writer| writer.write_image_data(&image.data));
        if written.is_err() {
            out.clear();
        }
        out
    }

    /// Baseline JPEG of quality 90, not larger than `max_side` on its longer side.
    ///
    /// # Errors
    /// `dicom-jpeg-size` where a side is longer than JPEG can say (65,535).
    pub fn to_jpeg(&self, max_side: Option<u32>) -> Result<Vec<u8>, Refusal> {
        let refuse = || Refusal::new("dicom-jpeg-size", "the picture is too large for JPEG");
        let small = max_side.map(|side| self.downsample(side));
        let image = small.as_ref().unwrap_or(self);
        let width = u16::try_from(image.width).map_err(|_| refuse())?;
        let height = u16::try_from(image.height).map_err(|_| refuse())?;
        let kind = if image.channels == 3 {
            jpeg_encoder::ColorType::Rgb
        } else {
            jpeg_encoder::ColorType::Luma
        };
        let mut out = Vec::new();
        jpeg_encoder::Encoder::new(&mut out, 90)
            .encode(&image.data, width, height, kind)
            .map_err(|_| refuse())?;
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_window_of_the_standard() {
        // C.11.2.1.2.1 examples: c=2048, w=4096 is the identity on 12 bits
        let linear = |value, center, width| voi(VoiFunction::Linear, value, center, width);
        assert_eq!(linear(0.0, 2048.0, 4096.0), 0);
        assert_eq!(linear(4095.0, 2048.0, 4096.0), 255);
        assert_eq!(linear(2048.0, 2048.0, 4096.0), 128);
        // c=0, w=1: a threshold at -0.5
        assert_eq!(linear(-1.0, 0.0, 1.0), 0);
        assert_eq!(linear(0.0, 0.0, 1.0), 255);
    }

    #[test]
    fn boxes_average() {
        let image = Image8 {
            width: 4,
            height: 2,
            channels: 1,
            data: vec![0, 10, 20, 30, 0, 10, 20, 30],
        };
        let small = image.downsample(2);
        assert_eq!((small.width, small.height), (2, 1));
        assert_eq!(small.data, [5, 25]);
        assert!(image.to_png(Some(2)).starts_with(b"\x89PNG"));
    }
}
