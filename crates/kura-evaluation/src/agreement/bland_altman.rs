//! Limits of agreement of two methods of measurement.
//!
//! J. M. Bland and D. G. Altman, Lancet 327 (1986) 307–310; Stat. Methods Med. Res. 8 (1999)
//! 135–160, §2.2 (standard error of a limit).

use serde::Serialize;

use crate::error::{EvaluationError, at_least, finite, same_length};
use crate::interval::{Interval, IntervalMethod, Level};
use crate::special::distribution::{t_two_sided, t_upper_quantile};
use crate::special::normal;

/// Everything in the unit of measurement; differences are first − second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BlandAltman {
    pub pairs: usize,
    /// Mean difference, Student's t.
    pub bias: Interval,
    /// Standard deviation of the differences.
    pub standard_deviation: f64,
    /// Bias − z·SD with the interval of this limit itself.
    pub lower_limit: Interval,
    /// Bias + z·SD with the interval of this limit itself.
    pub upper_limit: Interval,
    /// Slope of the difference on the mean; far from 0: disagreement grows with size, and the
    /// limits do not hold over the range. `None` when all means are equal.
    pub proportional_bias_slope: Option<f64>,
    /// Two-sided p of that slope.
    pub proportional_bias_p: Option<f64>,
}

/// `coverage` is the share of differences the limits should hold, usually 0.95 (z = 1.96); `level`
/// is for the intervals. One pair per person.
///
/// # Errors
/// Fewer than three pairs, different lengths, numbers that are not finite, coverage outside (0, 1).
pub fn bland_altman(
    first: &[f64],
    second: &[f64],
    coverage: f64,
    level: Level,
) -> Result<BlandAltman, EvaluationError> {
    same_length("second method", first.len(), second.len())?;
    at_least("pairs of measurements", first.len(), 3)?;
    finite("first measurement", first)?;
    finite("second measurement", second)?;
    crate::error::open_unit("coverage of the limits", coverage)?;
    let n = first.len() as f64;
    let d: Vec<f64> = first.iter().zip(second).map(|(a, b)| a - b).collect();
    let bias = d.iter().sum::<f64>() / n;
    let deviation = (d.iter().map(|d| (d - bias).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    let z = normal::upper_quantile((1.0 - coverage) / 2.0);
    let t = t_upper_quantile(level.alpha() / 2.0, n - 1.0);
    let of = |estimate: f64, error: f64| {
        Interval::symmetric(estimate, t * error, level, IntervalMethod::StudentT)
    };
    let limit_error = deviation * (1.0 / n + z * z / (2.0 * (n - 1.0))).sqrt();
    let (slope, p) = match slope(first, second, &d, bias) {
        Some((slope, error)) if error > 0.0 => {
            (Some(slope), Some(t_two_sided(slope / error, n - 2.0)))
        }
        Some((slope, _)) => (Some(slope), None),
        None => (None, None),
    };
    Ok(BlandAltman {
        pairs: first.len(),
        bias: of(bias, deviation / n.sqrt()),
        standard_deviation: deviation,
        lower_limit: of(bias - z * deviation, limit_error),
        upper_limit: of(bias + z * deviation, limit_error),
        proportional_bias_slope: slope,
        proportional_bias_p: p,
    })
}

/// Least squares of the difference on the mean: slope and its standard error.
fn slope(first: &[f64], second: &[f64], d: &[f64], bias: f64) -> Option<(f64, f64)> {
    let n = d.len() as f64;
    let means: Vec<f64> = first
        .iter()
        .zip(second)
        .map(|(a, b)| 0.5 * (a + b))
        .collect();
    let centre = means.iter().sum::<f64>() / n;
    let sxx: f64 = means.iter().map(|m| (m - centre).powi(2)).sum();
    if sxx <= 0.0 {
        return None;
    }
    let sxy: f64 = means
        .iter()
        .zip(d)
        .map(|(m, d)| (m - centre) * (d - bias))
        .sum();
    let slope = sxy / sxx;
    let residual: f64 = means
        .iter()
        .zip(d)
        .map(|(m, d)| (d - bias - slope * (m - centre)).powi(2))
        .sum();
    Some((slope, (residual / (n - 2.0) / sxx).sqrt()))
}
