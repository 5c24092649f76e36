//! Rows as a network takes them: standardised, and changed at random while learning.

use kura_training::{Generator, Matrix};

use crate::network::{Augmentation, ImageShape};

/// Mean and standard deviation of each channel; 1 for a channel that is constant.
pub(crate) fn channel_scale(
    matrix: &Matrix,
    rows: &[usize],
    shape: &ImageShape,
) -> (Vec<f32>, Vec<f32>) {
    let plane = shape.height * shape.width;
    let count = (rows.len() * plane) as f64;
    (0..shape.channels)
        .map(|channel| {
            let of = |row: usize| &matrix.row(row)[channel * plane..(channel + 1) * plane];
            let sum = |value: &dyn Fn(f64) -> f64| -> f64 {
                rows.iter()
                    .flat_map(|row| of(*row))
                    .map(|pixel| value(f64::from(*pixel)))
                    .sum()
            };
            let mean = sum(&|pixel| pixel) / count;
            let spread = (sum(&|pixel| (pixel - mean).powi(2)) / count).sqrt();
            let spread = if spread > 1e-6 { spread } else { 1.0 };
            (mean as f32, spread as f32)
        })
        .unzip()
}

/// Appends a row, `(pixel − mean) / deviation` by channel, moved by `(down, right)` pixels and
/// mirrored if asked for.
pub(crate) fn push(
    out: &mut Vec<f32>,
    row: &[f32],
    shape: &ImageShape,
    scale: (&[f32], &[f32]),
    moved: Moved,
) {
    let (height, width) = (shape.height as isize, shape.width as isize);
    let plane = shape.height * shape.width;
    for channel in 0..shape.channels {
        let pixels = &row[channel * plane..(channel + 1) * plane];
        let (mean, deviation) = (scale.0[channel], scale.1[channel]);
        if moved == Moved::default() {
            out.extend(pixels.iter().map(|pixel| (pixel - mean) / deviation));
            continue;
        }
        for y in 0..height {
            let from = (y - moved.down).clamp(0, height - 1) * width;
            for x in 0..width {
                let x = if moved.mirrored { width - 1 - x } else { x };
                let at = from + (x - moved.right).clamp(0, width - 1);
                out.push((pixels[at as usize] - mean) / deviation);
            }
        }
    }
}

/// How an image is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Moved {
    pub(crate) down: isize,
    pub(crate) right: isize,
    pub(crate) mirrored: bool,
}

impl Moved {
    pub(crate) fn draw(augmentation: &Augmentation, generator: &mut Generator) -> Self {
        let mut by = || {
            let reach = augmentation.shift as isize;
            generator.below(2 * augmentation.shift + 1) as isize - reach
        };
        let (down, right) = (by(), by());
        Self {
            down,
            right,
            mirrored: augmentation.flip && generator.below(2) == 1,
        }
    }
}

/// Uniform on [0, 1).
pub(crate) fn uniform(generator: &mut Generator) -> f64 {
    (generator.bits() >> 11) as f64 / (1u64 << 53) as f64
}

/// Standard normal (G. E. P. Box and M. E. Muller, Ann. Math. Stat. 29 (1958) 610–611).
pub(crate) fn normal(generator: &mut Generator) -> f64 {
    let radius = (-2.0 * (1.0 - uniform(generator)).ln()).sqrt();
    radius * (std::f64::consts::TAU * uniform(generator)).cos()
}

/// `rows` cut into parts of about the same size, at most `size` each: a last part of one row would
/// have no spread to normalise by.
pub(crate) fn even_parts(rows: &[usize], size: usize) -> impl Iterator<Item = &[usize]> {
    let parts = rows.len().div_ceil(size.max(1)).max(1);
    (0..parts).map(move |part| &rows[rows.len() * part / parts..rows.len() * (part + 1) / parts])
}

#[cfg(test)]
mod tests {
    use kura_training::planes_to_matrix;

    use super::*;

    const SHAPE: ImageShape = ImageShape {
        channels: 2,
        height: 2,
        width: 3,
    };

    #[test]
    fn channels_are_standardised_by_themselves() {
        let pixels = [1.0, 3.0, 1.0, 3.0, 1.0, 3.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0];
        let matrix = planes_to_matrix(&pixels, 2, 2, 3).unwrap();
        let (mean, deviation) = channel_scale(&matrix, &[0], &SHAPE);
        assert_eq!(
            (mean.as_slice(), deviation.as_slice()),
            (&[2.0, 5.0][..], &[1.0, 1.0][..])
        );
        let mut out = Vec::new();
        push(
            &mut out,
            matrix.row(0),
            &SHAPE,
            (&mean, &deviation),
            Moved::default(),
        );
        assert_eq!(&out[..6], [-1.0, 1.0, -1.0, 1.0, -1.0, 1.0]);
        assert_eq!(&out[6..], [0.0; 6]);
    }

    #[test]
    fn images_are_moved_and_mirrored() {
        let shape = ImageShape {
            channels: 1,
            ..SHAPE
        };
        let row = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let change = |down, right, mirrored| {
            let mut out = Vec::new();
            let moved = Moved {
                down,
                right,
                mirrored,
            };
            push(&mut out, &row, &shape, (&[0.0], &[1.0]), moved);
            out
        };
        assert_eq!(change(0, 1, false), [1.0, 1.0, 2.0, 4.0, 4.0, 5.0]);
        assert_eq!(change(-1, 0, false), [4.0, 5.0, 6.0, 4.0, 5.0, 6.0]);
        assert_eq!(change(0, 0, true), [3.0, 2.0, 1.0, 6.0, 5.0, 4.0]);
    }

    #[test]
    fn moves_stay_within_their_reach() {
        let mut generator = Generator::new(3);
        let augmentation = Augmentation {
            shift: 2,
            flip: false,
        };
        let all: Vec<Moved> = (0..200)
            .map(|_| Moved::draw(&augmentation, &mut generator))
            .collect();
        assert!(
            all.iter()
                .all(|one| one.down.abs() <= 2 && one.right.abs() <= 2 && !one.mirrored)
        );
        for by in -2..=2 {
            assert!(all.iter().any(|one| one.down == by) && all.iter().any(|one| one.right == by));
        }
    }

    #[test]
    fn normal_numbers_have_their_moments() {
        let mut generator = Generator::new(5);
        let all: Vec<f64> = (0..20_000).map(|_| normal(&mut generator)).collect();
        let mean = all.iter().sum::<f64>() / 20_000.0;
        let square = all.iter().map(|x| x * x).sum::<f64>() / 20_000.0;
        assert!(
            mean.abs() < 0.03 && (square - 1.0).abs() < 0.05,
            "{mean} {square}"
        );
    }

    #[test]
    fn parts_are_even_and_whole() {
        let rows: Vec<usize> = (0..65).collect();
        let parts: Vec<&[usize]> = even_parts(&rows, 32).collect();
        assert_eq!(
            parts.iter().map(|part| part.len()).collect::<Vec<_>>(),
            [21, 22, 22]
        );
        assert_eq!(parts.concat(), rows);
    }
}
