use super::lut::VoiLut;
use super::overlay::Overlay;
use super::render::{Image8, Rendering};

/// Samples as they are stored, in the smallest type that holds them.
#[derive(Debug, Clone, PartialEq)]
pub enum Stored {
    U8(Vec<u8>),
    U16(Vec<u16>),
    I16(Vec<i16>),
    U32(Vec<u32>),
    I32(Vec<i32>),
    F32(Vec<f32>),
    F64(Vec<f64>),
}

impl Stored {
    pub fn len(&self) -> usize {
        match self {
            Self::U8(v) => v.len(),
            Self::U16(v) => v.len(),
            Self::I16(v) => v.len(),
            Self::U32(v) => v.len(),
            Self::I32(v) => v.len(),
            Self::F32(v) => v.len(),
            Self::F64(v) => v.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One stored value.
    pub fn get(&self, at: usize) -> Option<f64> {
        Some(match self {
            Self::U8(v) => (*v.get(at)?).into(),
            Self::U16(v) => (*v.get(at)?).into(),
            Self::I16(v) => (*v.get(at)?).into(),
            Self::U32(v) => (*v.get(at)?).into(),
            Self::I32(v) => (*v.get(at)?).into(),
            Self::F32(v) => (*v.get(at)?).into(),
            Self::F64(v) => *v.get(at)?,
        })
    }

    /// Smallest and largest stored value but `except`, which pads (PS3.3 C.7.5.1.1.2).
    pub(crate) fn range(&self, except: Option<f64>) -> Option<(f64, f64)> {
        (0..self.len())
            .filter_map(|at| self.get(at))
            .filter(|value| value.is_finite() && Some(*value) != except)
            .fold(None, |range, value| match range {
                None => Some((value, value)),
                Some((low, high)) => Some((low.min(value), high.max(value))),
            })
    }
}

/// Pixels `[row, column]`, row by row.
#[derive(Debug, Clone, PartialEq)]
pub enum Pixels {
    /// `value = stored × slope + intercept`, in [`Frame::unit`] (Modality LUT, PS3.3 C.11.1).
    Gray {
        stored: Stored,
        slope: f64,
        intercept: f64,
    },
    /// `[row, column, 3]`, 8 bits.
    Rgb(Vec<u8>),
}

/// A window in modality units (PS3.3 C.11.2.1.2).
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    pub center: f64,
    pub width: f64,
    /// Window Center & Width Explanation (0028,1055).
    pub name: Option<String>,
}

/// VOI LUT Function (0028,1056).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VoiFunction {
    #[default]
    Linear,
    LinearExact,
    Sigmoid,
}

/// One decoded frame.
#[derive(Debug, Clone)]
pub struct Frame {
    pub rows: u32,
    pub columns: u32,
    pub pixels: Pixels,
    /// MONOCHROME1: the smallest value is white. [`Frame::render`] does it; who windows
    /// [`Frame::to_gray16`] must.
    pub inverted: bool,
    /// Windows of the object, the first is its default.
    pub windows: Vec<Window>,
    /// VOI LUT Sequence (0028,3010): [`Frame::render`] takes the first where no window is asked
    /// for.
    pub voi_luts: Vec<VoiLut>,
    /// Overlay planes over this frame; [`Frame::render_with`] burns them in where asked to.
    pub overlays: Vec<Overlay>,
    pub voi_function: VoiFunction,
    /// (center, width): the first window, or what spans the values of this frame.
    pub default_window: (f64, f64),
    /// `HU` for CT, `Gy` for dose, Units (0054,1001) for PET, else Rescale Type where given.
    pub unit: Option<String>,
}

impl Frame {
    /// Values in modality units, row by row; empty for colour.
    pub fn values(&self) -> Vec<f32> {
        match &self.pixels {
            Pixels::Gray {
                stored,
                slope,
                intercept,
            } => (0..stored.len())
                .filter_map(|at| stored.get(at))
                .map(|value| (value * slope + intercept) as f32)
                .collect(),
            Pixels::Rgb(_) => Vec::new(),
        }
    }

    /// 8 bits for a screen, without overlays. `window` is (center, width); `None` takes the
    /// object's VOI LUT, else its first window, else what spans the values.
    pub fn render(&self, window: Option<(f64, f64)>) -> Image8 {
        self.render_with(&Rendering {
            window,
            ..Rendering::default()
        })
    }

    /// 8 bits for a screen.
    pub fn render_with(&self, rendering: &Rendering) -> Image8 {
        super::render::image(self, rendering)
    }

    /// PNG with the default window, not larger than `max_side` on its longer side.
    pub fn to_png(&self, max_side: Option<u32>) -> Vec<u8> {
        self.render(None).to_png(max_side)
    }

    /// Stored values as little-endian 16-bit words with the slope and intercept that make
    /// modality values of them: enough for a page to window on its own. `None` for colour.
    /// Exact for up to 16 bits; wider values are scaled to their range.
    pub fn to_gray16(&self) -> Option<(Vec<u8>, f64, f64)> {
        let Pixels::Gray {
            stored,
            slope,
            intercept,
        } = &self.pixels
        else {
            return None;
        };
        let words = |values: &mut dyn Iterator<Item = u16>| {
            let mut bytes = Vec::with_capacity(stored.len() * 2);
            values.for_each(|value| bytes.extend(value.to_le_bytes()));
            bytes
        };
        Some(match stored {
            Stored::U8(v) => (
                words(&mut v.iter().map(|s| (*s).into())),
                *slope,
                *intercept,
            ),
            Stored::U16(v) => (words(&mut v.iter().copied()), *slope, *intercept),
            Stored::I16(v) => (
                words(&mut v.iter().map(|s| (i32::from(*s) + 32768) as u16)),
                *slope,
                intercept - 32768.0 * slope,
            ),
            wide => {
                let (low, high) = wide.range(None).unwrap_or((0.0, 0.0));
                let step = if high > low {
                    (high - low) / 65535.0
                } else {
                    1.0
                };
                let mut values = (0..wide.len()).map(|at| {
                    let value = wide.get(at).filter(|v| v.is_finite()).unwrap_or(low);
                    ((value - low) / step).round() as u16
                });
                (words(&mut values), step * slope, low * slope + intercept)
            }
        })
    }
}
