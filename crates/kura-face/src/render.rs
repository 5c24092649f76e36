//! Pictures of the skin, so that a person sees whether the face is gone.

use std::io::Write;

use crate::{Affine, Refused, Volume};

/// From where the head is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    Front,
    /// The patient's left side.
    Left,
    Right,
}

/// A grey picture, rows from the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub width: usize,
    pub height: usize,
    pub grey: Vec<u8>,
}

/// mm of one pixel.
const PIXEL: f64 = 1.0;
/// mm between two looks along a ray.
const STEP: f64 = 0.8;
/// Pixels along a side, at most; 1 mm each.
const MOST: usize = 600;

impl View {
    /// Right and up on the picture, and where the ray goes, in RAS.
    fn axes(self) -> [[f64; 3]; 3] {
        match self {
            // The patient's right is on the left of the picture.
            Self::Front => [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]],
            Self::Left => [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]],
            Self::Right => [[0.0, -1.0, 0.0], [0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]],
        }
    }
}

/// The first surface along parallel rays of what is brighter than `air` (of the first time
/// point), lit from the viewer.
///
/// # Errors
/// [`Refused::Volume`] where the affine cannot be inverted.
pub fn render(volume: &Volume, air: f32, view: View) -> Result<Picture, Refused> {
    let dims = volume.dims();
    let to_voxel = volume
        .affine()
        .inverse()
        .ok_or(Refused::Volume("the affine does not span space"))?;
    let mut tissue = Vec::with_capacity(volume.voxels());
    let mut values = Vec::new();
    for k in 0..dims[2] {
        volume.slice_values(k, &mut values);
        tissue.extend(values.iter().map(|value| *value > air));
    }
    let axes = view.axes();
    let bounds = axes.map(|axis| extent(volume, axis));
    let size = |at: usize| (((bounds[at][1] - bounds[at][0]) / PIXEL) as usize + 1).min(MOST);
    let (width, height) = (size(0), size(1));
    let steps = ((bounds[2][1] - bounds[2][0]) / STEP) as usize + 1;
    let mut depth = vec![f64::NAN; width * height];
    for (at, depth) in depth.iter_mut().enumerate() {
        let right = bounds[0][0] + (at % width) as f64 * PIXEL;
        let up = bounds[1][1] - (at / width) as f64 * PIXEL;
        let place = |far: f64| -> [f64; 3] {
            std::array::from_fn(|axis| {
                right * axes[0][axis] + up * axes[1][axis] + far * axes[2][axis]
            })
        };
        let first = to_voxel.apply(place(bounds[2][0]));
        let next = to_voxel.apply(place(bounds[2][0] + STEP));
        for step in 0..steps {
            let index: [f64; 3] = std::array::from_fn(|axis| {
                first[axis] + step as f64 * (next[axis] - first[axis]) + 0.5
            });
            if (0..3).all(|axis| index[axis] >= 0.0 && index[axis] < dims[axis] as f64)
                && tissue[index[0] as usize
                    + dims[0] * (index[1] as usize + dims[1] * index[2] as usize)]
            {
                *depth = step as f64 * STEP;
                break;
            }
        }
    }
    Ok(Picture {
        width,
        height,
        grey: shade(&depth, width, height),
    })
}

/// Least and most of the volume's corners along an axis, mm.
fn extent(volume: &Volume, axis: [f64; 3]) -> [f64; 2] {
    let dims = volume.dims();
    let affine: &Affine = volume.affine();
    (0..8_usize)
        .map(|corner| {
            let place = affine.apply(std::array::from_fn(|at| {
                if corner >> at & 1 == 1 {
                    dims[at] as f64 - 0.5
                } else {
                    -0.5
                }
            }));
            (0..3).map(|at| place[at] * axis[at]).sum::<f64>()
        })
        .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], along| {
            [low.min(along), high.max(along)]
        })
}

fn shade(depth: &[f64], width: usize, height: usize) -> Vec<u8> {
    let at = |x: usize, y: usize| depth[x.min(width - 1) + width * y.min(height - 1)];
    // Means of 3 × 3 take the steps of the voxels out.
    let mean = |x: usize, y: usize| {
        let (mut sum, mut count) = (0.0, 0.0);
        for v in y.saturating_sub(1)..=y + 1 {
            for u in x.saturating_sub(1)..=x + 1 {
                let far = at(u, v);
                if far.is_finite() {
                    sum += far;
                    count += 1.0;
                }
            }
        }
        sum / count
    };
    (0..width * height)
        .map(|pixel| {
            let (x, y) = (pixel % width, pixel / width);
            let here = at(x, y);
            if here.is_nan() {
                return 0;
            }
            let slope = |a: f64, b: f64| {
                if a.is_finite() && b.is_finite() {
                    (b - a) / (2.0 * PIXEL)
                } else {
                    0.0
                }
            };
            let across = slope(mean(x.saturating_sub(1), y), mean(x + 1, y));
            let down = slope(mean(x, y.saturating_sub(1)), mean(x, y + 1));
            let facing =
                (1.0 + 0.3 * across - 0.5 * down) / (1.0 + across * across + down * down).sqrt();
            let near = 1.0 - (here / 400.0).clamp(0.0, 0.7);
            (30.0 + 225.0 * facing.clamp(0.0, 1.0) * near) as u8
        })
        .collect()
}

impl Picture {
    /// Writes a PNG of 8 bits.
    ///
    /// # Errors
    /// [`Refused::Picture`].
    pub fn write_png(&self, writer: impl Write) -> Result<(), Refused> {
        let sides = (u32::try_from(self.width), u32::try_from(self.height));
        let (Ok(width), Ok(height)) = sides else {
            return Err(Refused::Picture);
        };
        let mut encoder = png::Encoder::new(writer, width, height);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().map_err(|_| Refused::Picture)?;
        writer
            .write_image_data(&self.grey)
            .map_err(|_| Refused::Picture)
    }
}
