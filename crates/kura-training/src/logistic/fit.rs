//! The penalised fit: proximal Newton steps with a line search.
//!
//! Each step minimises the second-order expansion of the log-loss plus the penalty. Without the
//! absolute-value penalty that is one linear system, the iteratively reweighted least squares of
//! P. McCullagh and J. Nelder, "Generalized Linear Models" (1989), 2.5. With it, the expansion is
//! minimised by coordinate descent with covariance updates (J. Friedman, T. Hastie and
//! R. Tibshirani, J. Stat. Softw. 33 (2010), 2.2 and 3). The line search is that of J. Lee, Y. Sun
//! and M. Saunders, "Proximal Newton-type methods", SIAM J. Optim. 24 (2014), eq. 2.17.

use rayon::prelude::*;

use super::dense::{Cholesky, dot, weighted_gram};
use super::wide::Wide;

pub(super) struct Problem<'a> {
    /// Standardised, `[columns, rows]`.
    pub columns: &'a [f64],
    pub rows: usize,
    pub outcome: &'a [bool],
    pub weight: &'a [f64],
    /// Strength of Σ|β|.
    pub l1: f64,
    /// Strength of ½ Σβ².
    pub l2: f64,
}

pub(super) struct Fit {
    pub intercept: f64,
    pub coefficients: Vec<f64>,
    pub iterations: usize,
    pub converged: bool,
}

/// Coordinate descent rounds in one Newton step.
const INNER_ROUNDS: usize = 10_000;
/// Halvings of a step before it is given up.
const HALVINGS: usize = 40;

pub(super) fn fit(problem: &Problem<'_>, max_iterations: usize, tolerance: f64) -> Fit {
    let width = problem.columns.len().checked_div(problem.rows).unwrap_or(0);
    let total: f64 = problem.weight.iter().sum();
    let positive: f64 = (0..problem.rows)
        .filter(|&row| problem.outcome[row])
        .map(|row| problem.weight[row])
        .sum();
    // The intercept comes last; with it alone, the fit is the log-odds of the prevalence.
    let mut beta = vec![0.0; width + 1];
    beta[width] = (positive / (total - positive)).ln();
    let mut margin = vec![beta[width]; problem.rows];
    let mut objective = problem.objective(&margin, &beta);
    let wide = Wide::worth_it(problem, width);
    let mut iterations = 0;
    let mut converged = false;
    while iterations < max_iterations {
        let probability: Vec<f64> = margin.iter().map(|&m| crate::model::sigmoid(m)).collect();
        let gradient = problem.gradient(&probability, &beta);
        if problem.slope(&gradient, &beta) <= tolerance * total {
            converged = true;
            break;
        }
        iterations += 1;
        let weight = problem.newton_weight(&probability);
        let downhill: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let step = if let Some(wide) = &wide {
            wide.solve(problem, &weight, &downhill)
        } else if problem.l1 > 0.0 {
            let curvature = problem.curvature(&weight, width);
            coordinate_descent(&curvature, &gradient, &beta, problem.l1)
        } else {
            Cholesky::new(problem.curvature(&weight, width), width + 1).solve(&downhill)
        };
        let along = problem.times(&step);
        let promised = dot(&gradient, &step)
            + problem.l1
                * beta[..width]
                    .iter()
                    .zip(&step)
                    .map(|(b, s)| (b + s).abs() - b.abs())
                    .sum::<f64>();
        let mut size = 1.0;
        let mut moved = false;
        for _ in 0..HALVINGS {
            let next_beta: Vec<f64> = beta.iter().zip(&step).map(|(b, s)| b + size * s).collect();
            let next_margin: Vec<f64> = margin
                .iter()
                .zip(&along)
                .map(|(m, a)| m + size * a)
                .collect();
            let next = problem.objective(&next_margin, &next_beta);
            if next <= objective + 1e-4 * size * promised {
                moved = next < objective;
                (beta, margin, objective) = (next_beta, next_margin, next);
                break;
            }
            size /= 2.0;
        }
        if !moved {
            // Rounding hides any further progress: this is the minimum as far as can be told.
            let probability: Vec<f64> = margin.iter().map(|&m| crate::model::sigmoid(m)).collect();
            let gradient = problem.gradient(&probability, &beta);
            converged = problem.slope(&gradient, &beta) <= tolerance.max(1e-7) * total;
            break;
        }
    }
    let intercept = beta.pop().unwrap_or(0.0);
    Fit {
        intercept,
        coefficients: beta,
        iterations,
        converged,
    }
}

impl Problem<'_> {
    pub(super) fn column(&self, column: usize) -> &[f64] {
        &self.columns[column * self.rows..(column + 1) * self.rows]
    }

    /// The penalised log-loss.
    fn objective(&self, margin: &[f64], beta: &[f64]) -> f64 {
        let loss: f64 = margin
            .iter()
            .zip(self.outcome)
            .zip(self.weight)
            .map(|((&m, &y), w)| {
                // ln(1 + eᵐ) without overflow.
                let log_sum = m.max(0.0) + (-m.abs()).exp().ln_1p();
                w * (log_sum - if y { m } else { 0.0 })
            })
            .sum();
        let slopes = &beta[..beta.len() - 1];
        let absolute: f64 = slopes.iter().map(|b| b.abs()).sum();
        loss + self.l1 * absolute + 0.5 * self.l2 * dot(slopes, slopes)
    }

    /// Of the smooth part: log-loss and squared penalty.
    fn gradient(&self, probability: &[f64], beta: &[f64]) -> Vec<f64> {
        let residual: Vec<f64> = probability
            .iter()
            .zip(self.outcome)
            .zip(self.weight)
            .map(|((p, &y), w)| w * (p - if y { 1.0 } else { 0.0 }))
            .collect();
        let width = beta.len() - 1;
        let mut gradient: Vec<f64> = (0..width)
            .into_par_iter()
            .map(|column| dot(self.column(column), &residual) + self.l2 * beta[column])
            .collect();
        gradient.push(residual.iter().sum());
        gradient
    }

    /// How far the point is from the conditions of a minimum: the largest subgradient that cannot
    /// be made 0.
    fn slope(&self, gradient: &[f64], beta: &[f64]) -> f64 {
        let width = beta.len() - 1;
        let slopes = (0..width).map(|column| {
            let (g, b) = (gradient[column], beta[column]);
            if b == 0.0 {
                (g.abs() - self.l1).max(0.0)
            } else {
                (g + self.l1 * b.signum()).abs()
            }
        });
        slopes.fold(gradient[width].abs(), f64::max)
    }

    /// Each row's second derivative of the log-loss.
    fn newton_weight(&self, probability: &[f64]) -> Vec<f64> {
        probability
            .iter()
            .zip(self.weight)
            .map(|(p, w)| w * p * (1.0 - p))
            .collect()
    }

    /// Second derivatives of the smooth part, `[width + 1, width + 1]`, lower triangle.
    pub(super) fn curvature(&self, weight: &[f64], width: usize) -> Vec<f64> {
        let gram = weighted_gram(self.columns, self.rows, weight);
        let side = width + 1;
        let mut curvature = vec![0.0; side * side];
        for row in 0..width {
            curvature[row * side..row * side + row + 1]
                .copy_from_slice(&gram[row * width..row * width + row + 1]);
            curvature[row * side + row] += self.l2;
            curvature[width * side + row] = dot(self.column(row), weight);
        }
        curvature[width * side + width] = weight.iter().sum();
        curvature
    }

    /// What a step adds to each row's log-odds.
    fn times(&self, step: &[f64]) -> Vec<f64> {
        let width = step.len() - 1;
        let mut along = vec![step[width]; self.rows];
        for (column, &size) in step[..width].iter().enumerate() {
            if size != 0.0 {
                for (a, z) in along.iter_mut().zip(self.column(column)) {
                    *a += size * z;
                }
            }
        }
        along
    }
}

/// The step d that minimises g·d + ½ dᵀHd + λ Σ|β + d|, one coordinate at a time.
fn coordinate_descent(lower: &[f64], gradient: &[f64], beta: &[f64], l1: f64) -> Vec<f64> {
    let side = gradient.len();
    let mut h = lower.to_vec();
    for row in 0..side {
        for column in 0..row {
            h[column * side + row] = h[row * side + column];
        }
    }
    let mut step = vec![0.0; side];
    // H d, kept up to date.
    let mut product = vec![0.0; side];
    let scale = h[side * side - 1].max(f64::MIN_POSITIVE);
    for _ in 0..INNER_ROUNDS {
        let mut largest: f64 = 0.0;
        for j in 0..side {
            let own = h[j * side + j];
            if own <= 1e-12 * scale {
                continue;
            }
            let penalty = if j + 1 == side { 0.0 } else { l1 };
            let slope = gradient[j] + product[j];
            let now = beta[j] + step[j];
            let target = soft_threshold(own * now - slope, penalty) / own;
            let change = target - now;
            if change != 0.0 {
                step[j] += change;
                for (p, h) in product.iter_mut().zip(&h[j * side..(j + 1) * side]) {
                    *p += change * h;
                }
                largest = largest.max(own * change * change);
            }
        }
        if largest <= 1e-22 * scale {
            break;
        }
    }
    step
}

fn soft_threshold(value: f64, threshold: f64) -> f64 {
    value.signum() * (value.abs() - threshold).max(0.0)
}
