//! The little dense linear algebra the fit needs.

use rayon::prelude::*;

/// Rows at a time, so that a block of a column stays in the nearest cache.
const BLOCK: usize = 1024;
/// Rows of the result one task makes.
const TILE: usize = 4;

/// The lower triangle of Zᵀ W Z, `[width, width]` row-major. `columns` is Z, `[width, rows]`.
///
/// Each entry is summed in row order by one thread: the result does not depend on how many there
/// are.
pub(super) fn weighted_gram(columns: &[f64], rows: usize, weight: &[f64]) -> Vec<f64> {
    let width = columns.len().checked_div(rows).unwrap_or(0);
    let mut gram = vec![0.0; width * width];
    gram.par_chunks_mut((TILE * width).max(1))
        .enumerate()
        .for_each(|(tile, out)| {
            let first = tile * TILE;
            let tall = out.len() / width;
            let mut scaled = vec![0.0; TILE * BLOCK];
            for start in (0..rows).step_by(BLOCK) {
                let stop = (start + BLOCK).min(rows);
                let length = stop - start;
                let part = |column: usize| &columns[column * rows + start..column * rows + stop];
                for row in 0..tall {
                    let target = &mut scaled[row * BLOCK..row * BLOCK + length];
                    for ((t, z), w) in target
                        .iter_mut()
                        .zip(part(first + row))
                        .zip(&weight[start..stop])
                    {
                        *t = z * w;
                    }
                }
                for column in 0..first + tall {
                    let sums = dot_tile(&scaled, length, part(column));
                    for row in 0..tall {
                        out[row * width + column] += sums[row];
                    }
                }
            }
        });
    gram
}

/// The products of four columns with a fifth.
fn dot_tile(scaled: &[f64], length: usize, column: &[f64]) -> [f64; TILE] {
    let (a, rest) = scaled.split_at(BLOCK);
    let (b, rest) = rest.split_at(BLOCK);
    let (c, d) = rest.split_at(BLOCK);
    let mut sums = [0.0; TILE];
    for ((((z, a), b), c), d) in column[..length].iter().zip(a).zip(b).zip(c).zip(d) {
        sums[0] += z * a;
        sums[1] += z * b;
        sums[2] += z * c;
        sums[3] += z * d;
    }
    sums
}

/// Σ a·b, in order.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    // Four sums at a time: one alone waits for each addition to end.
    let mut sums = [0.0; 4];
    let (left, right) = (a.chunks_exact(4), b.chunks_exact(4));
    let tail: f64 = left
        .remainder()
        .iter()
        .zip(right.remainder())
        .map(|(x, y)| x * y)
        .sum();
    for (x, y) in left.zip(right) {
        for lane in 0..4 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + tail
}

/// A = L Lᵀ for a symmetric A (A.-L. Cholesky), kept to solve A x = b.
///
/// A direction along which A has no curvature (a constant column, one that repeats others) gets
/// x = 0 there, as R's `glm` drops an aliased coefficient.
pub(super) struct Cholesky {
    lower: Vec<f64>,
    side: usize,
}

impl Cholesky {
    /// `a` is `[side, side]`; its lower triangle is read.
    pub fn new(mut a: Vec<f64>, side: usize) -> Self {
        for j in 0..side {
            let (above, below) = a.split_at_mut((j + 1) * side);
            let row_j = &mut above[j * side..];
            let diagonal = row_j[j];
            let pivot = diagonal - dot(&row_j[..j], &row_j[..j]);
            // An infinite pivot makes its column and its part of a solution 0.
            row_j[j] = if pivot > 1e-11 * diagonal {
                pivot.sqrt()
            } else {
                f64::INFINITY
            };
            let row_j = &*row_j;
            below
                .par_chunks_mut(side.max(1))
                .with_min_len(64)
                .for_each(|row| {
                    row[j] = (row[j] - dot(&row[..j], &row_j[..j])) / row_j[j];
                });
        }
        Self { lower: a, side }
    }

    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        let row = |i: usize| &self.lower[i * self.side..(i + 1) * self.side];
        let mut x = b.to_vec();
        for i in 0..self.side {
            x[i] = (x[i] - dot(&row(i)[..i], &x[..i])) / row(i)[i];
        }
        for i in (0..self.side).rev() {
            x[i] /= row(i)[i];
            let value = x[i];
            for (entry, l) in x[..i].iter_mut().zip(row(i)) {
                *entry -= l * value;
            }
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    #[test]
    fn gram_and_solve_agree_with_the_definition() {
        let (rows, width) = (2500, 7);
        let mut generator = Generator::new(5);
        let mut uniform = || (generator.bits() >> 11) as f64 / (1u64 << 53) as f64 - 0.5;
        let columns: Vec<f64> = (0..rows * width).map(|_| uniform()).collect();
        let weight: Vec<f64> = (0..rows).map(|_| uniform().abs()).collect();
        let mut gram = weighted_gram(&columns, rows, &weight);
        for i in 0..width {
            for j in 0..=i {
                let direct: f64 = (0..rows)
                    .map(|r| columns[i * rows + r] * columns[j * rows + r] * weight[r])
                    .sum();
                assert!((gram[i * width + j] - direct).abs() < 1e-10, "{i} {j}");
                gram[j * width + i] = gram[i * width + j];
            }
        }
        let truth: Vec<f64> = (0..width).map(|i| i as f64 - 3.0).collect();
        let b: Vec<f64> = (0..width)
            .map(|i| dot(&gram[i * width..(i + 1) * width], &truth))
            .collect();
        for (found, expected) in Cholesky::new(gram, width).solve(&b).iter().zip(&truth) {
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
    }

    #[test]
    fn a_repeated_column_gets_nothing() {
        // Second and third unknown appear only as their sum; the fourth not at all.
        let a = vec![
            2.0, 0.0, 0.0, 0.0, //
            0.0, 3.0, 3.0, 0.0, //
            0.0, 3.0, 3.0, 0.0, //
            0.0, 0.0, 0.0, 0.0,
        ];
        let x = Cholesky::new(a, 4).solve(&[4.0, 6.0, 6.0, 0.0]);
        assert!((x[0] - 2.0).abs() < 1e-12 && (x[1] - 2.0).abs() < 1e-12);
        assert_eq!(x[2..], [0.0, 0.0]);
    }
}
