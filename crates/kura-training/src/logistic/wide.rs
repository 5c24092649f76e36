//! Newton steps for a table with more columns than rows, as texture features have them.
//!
//! With a squared penalty λ, the second derivatives of the slopes are λI + ZᵀWZ, `[columns,
//! columns]`. By the identity of M. A. Woodbury (1950; W. Hager, SIAM Rev. 31 (1989), eq. 2),
//! (λI + ZᵀWZ)⁻¹ r = (r − Zᵀ V S⁻¹ V Z r / λ) / λ with V = √W and S = I + V Z Zᵀ V / λ, which is only
//! `[rows, rows]`.

use rayon::prelude::*;

use super::dense::{Cholesky, dot, weighted_gram};
use super::fit::Problem;

/// Z Zᵀ, `[rows, rows]`, lower triangle: it stays the same from step to step.
pub(super) struct Wide {
    products: Vec<f64>,
}

impl Wide {
    /// `None` where the direct way is as good: few columns, no squared penalty alone, or one so
    /// weak that the difference in the identity would lose its digits.
    pub fn worth_it(problem: &Problem<'_>, width: usize) -> Option<Self> {
        let rows = problem.rows;
        if width <= rows || problem.l1 > 0.0 || problem.l2 < 1e-5 * width as f64 {
            return None;
        }
        let mut by_row = vec![0.0; width * rows];
        for column in 0..width {
            for (row, value) in problem.column(column).iter().enumerate() {
                by_row[row * width + column] = *value;
            }
        }
        Some(Self {
            products: weighted_gram(&by_row, width, &vec![1.0; width]),
        })
    }

    /// Solves the Newton system, intercept last, for the right-hand side.
    pub fn solve(&self, problem: &Problem<'_>, weight: &[f64], right: &[f64]) -> Vec<f64> {
        let (rows, lambda) = (problem.rows, problem.l2);
        let width = right.len() - 1;
        let root: Vec<f64> = weight.iter().map(|w| w.sqrt()).collect();
        let mut small = vec![0.0; rows * rows];
        for i in 0..rows {
            for j in 0..=i {
                small[i * rows + j] = root[i] * self.products[i * rows + j] * root[j] / lambda;
            }
            small[i * rows + i] += 1.0;
        }
        let small = Cholesky::new(small, rows);
        // (λI + ZᵀWZ)⁻¹ r
        let slopes = |r: &[f64]| -> Vec<f64> {
            let mut along = vec![0.0; rows];
            for (column, &size) in r.iter().enumerate() {
                for (a, z) in along.iter_mut().zip(problem.column(column)) {
                    *a += size * z;
                }
            }
            let scaled: Vec<f64> = along
                .iter()
                .zip(&root)
                .map(|(a, v)| a * v / lambda)
                .collect();
            let inner: Vec<f64> = small
                .solve(&scaled)
                .iter()
                .zip(&root)
                .map(|(s, v)| s * v)
                .collect();
            (0..r.len())
                .into_par_iter()
                .map(|column| (r[column] - dot(problem.column(column), &inner)) / lambda)
                .collect()
        };
        // The intercept by elimination: its row and column of the system are Zᵀw and Σw.
        let border: Vec<f64> = (0..width)
            .into_par_iter()
            .map(|column| dot(problem.column(column), weight))
            .collect();
        let (own, shift) = (slopes(&right[..width]), slopes(&border));
        let corner = weight.iter().sum::<f64>() - dot(&border, &shift);
        let intercept = if corner > 0.0 {
            (right[width] - dot(&border, &own)) / corner
        } else {
            0.0
        };
        let mut step: Vec<f64> = own
            .iter()
            .zip(&shift)
            .map(|(a, b)| a - intercept * b)
            .collect();
        step.push(intercept);
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    #[test]
    fn equals_the_direct_way() {
        let (rows, width) = (30, 80);
        let mut generator = Generator::new(6);
        let mut uniform = || (generator.bits() >> 11) as f64 / (1u64 << 53) as f64 - 0.5;
        let columns: Vec<f64> = (0..rows * width).map(|_| uniform()).collect();
        let weight: Vec<f64> = (0..rows).map(|_| uniform().abs()).collect();
        let right: Vec<f64> = (0..width + 1).map(|_| uniform()).collect();
        let problem = Problem {
            columns: &columns,
            rows,
            outcome: &[true; 30],
            weight: &weight,
            l1: 0.0,
            l2: 0.01,
        };
        let direct = Cholesky::new(problem.curvature(&weight, width), width + 1).solve(&right);
        let wide = Wide::worth_it(&problem, width).unwrap();
        for (found, expected) in wide.solve(&problem, &weight, &right).iter().zip(direct) {
            assert!((found - expected).abs() < 1e-8, "{found} {expected}");
        }
    }
}
