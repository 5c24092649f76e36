//! Exact Euclidean distance transform in linear time.
//!
//! P. F. Felzenszwalb and D. P. Huttenlocher, "Distance transforms of sampled functions", Theory
//! Comput. 8 (2012) 415–428: one lower envelope of parabolas per line and axis, here with a
//! spacing per axis.

/// Squared distance in mm² from each voxel to the nearest voxel that `is_set`; infinite where none
/// is. Shape and spacing `[z, y, x]`, x fastest.
pub(super) fn squared_distance(
    is_set: impl Fn(usize) -> bool,
    shape: [usize; 3],
    spacing: [f64; 3],
) -> Vec<f64> {
    let count = shape[0] * shape[1] * shape[2];
    let mut field: Vec<f64> = (0..count)
        .map(|i| if is_set(i) { 0.0 } else { f64::INFINITY })
        .collect();
    let strides = [shape[1] * shape[2], shape[2], 1];
    let longest = shape.into_iter().max().unwrap_or(0);
    let mut line = vec![0.0; longest];
    let mut envelope = Envelope {
        sites: vec![0; longest],
        starts: vec![0.0; longest],
    };
    for axis in (0..3).rev() {
        let (length, stride) = (shape[axis], strides[axis]);
        for start in (0..count).filter(|i| (i / stride) % length == 0) {
            for (k, value) in line[..length].iter_mut().enumerate() {
                *value = field[start + k * stride];
            }
            envelope.run(&line[..length], spacing[axis], |k, value| {
                field[start + k * stride] = value;
            });
        }
    }
    field
}

/// Work space of one line: parabolas of the lower envelope and where each begins.
struct Envelope {
    sites: Vec<usize>,
    starts: Vec<f64>,
}

impl Envelope {
    fn run(&mut self, line: &[f64], spacing: f64, mut write: impl FnMut(usize, f64)) {
        let at = |k: usize| k as f64 * spacing;
        let mut used = 0;
        for (k, &height) in line.iter().enumerate() {
            if height.is_infinite() {
                continue;
            }
            let mut start = f64::NEG_INFINITY;
            while used > 0 {
                let last = self.sites[used - 1];
                // Where the parabola of k falls below that of the last site.
                start = ((height + at(k) * at(k)) - (line[last] + at(last) * at(last)))
                    / (2.0 * (at(k) - at(last)));
                if start > self.starts[used - 1] {
                    break;
                }
                used -= 1;
                start = f64::NEG_INFINITY;
            }
            self.sites[used] = k;
            self.starts[used] = start;
            used += 1;
        }
        if used == 0 {
            return;
        }
        let mut current = 0;
        for k in 0..line.len() {
            while current + 1 < used && self.starts[current + 1] < at(k) {
                current += 1;
            }
            let site = self.sites[current];
            let d = at(k) - at(site);
            write(k, d * d + line[site]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    #[test]
    fn equals_brute_force() {
        let mut generator = Generator::new(3);
        for density in [3, 20, 200] {
            let shape = [5, 7, 9];
            let spacing = [2.5, 0.7, 1.1];
            let count: usize = shape.iter().product();
            let set: Vec<bool> = (0..count).map(|_| generator.below(density) == 0).collect();
            let found = squared_distance(|i| set[i], shape, spacing);
            let place = |i: usize| {
                [
                    (i / 63) as f64 * spacing[0],
                    (i / 9 % 7) as f64 * spacing[1],
                    (i % 9) as f64 * spacing[2],
                ]
            };
            for (i, &value) in found.iter().enumerate() {
                let best = (0..count)
                    .filter(|&j| set[j])
                    .map(|j| {
                        let (a, b) = (place(i), place(j));
                        (0..3).map(|d| (a[d] - b[d]).powi(2)).sum::<f64>()
                    })
                    .fold(f64::INFINITY, f64::min);
                assert!(
                    value == best || (value - best).abs() < 1e-9,
                    "{value} {best}"
                );
            }
        }
    }
}
