//! The standard normal distribution.

use std::f64::consts::{PI, SQRT_2};

/// φ(z)
pub(crate) fn density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * PI).sqrt()
}

/// Φ(z) = P(Z ≤ z)
pub(crate) fn cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z / SQRT_2)
}

/// P(Z > z)
pub(crate) fn upper_tail(z: f64) -> f64 {
    0.5 * libm::erfc(z / SQRT_2)
}

/// P(|Z| > |z|)
pub(crate) fn two_sided(z: f64) -> f64 {
    libm::erfc(z.abs() / SQRT_2)
}

/// z with P(Z > z) = p, for 0 < p < 1.
///
/// Start: Abramowitz and Stegun 26.2.23 (error below 4.5e-4); then Halley steps on the upper tail,
/// each of which triples the number of right digits.
pub(crate) fn upper_quantile(p: f64) -> f64 {
    debug_assert!(p > 0.0 && p < 1.0);
    if p == 0.5 {
        return 0.0;
    }
    let tail = p.min(1.0 - p);
    let t = (-2.0 * tail.ln()).sqrt();
    let mut z = t
        - (2.515_517 + t * (0.802_853 + t * 0.010_328))
            / (1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308)));
    // Below one half the tail itself is exact; above it 1 − p is what was given anyway.
    for _ in 0..4 {
        let u = (upper_tail(z) - tail) / density(z);
        // f = Q(z) − p, f' = −φ, f''/f' = −z
        let step = u / (1.0 - 0.5 * z * u);
        z += step;
        if step.abs() <= 1e-16 * z.abs() {
            break;
        }
    }
    if p < 0.5 { z } else { -z }
}

/// z with Φ(z) = p, for 0 < p < 1.
pub(crate) fn quantile(p: f64) -> f64 {
    -upper_quantile(p)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy.stats.norm.isf, SciPy 1.17.
    #[test]
    fn quantiles() {
        for (p, z) in [
            (0.025, 1.959_963_984_540_054),
            (0.5, 0.0),
            (0.1, 1.281_551_565_544_600_4),
            (1e-10, 6.361_340_902_404_056),
            (1e-100, 21.273_453_560_965_316),
            (0.975, -1.959_963_984_540_054),
        ] {
            assert!(
                (upper_quantile(p) - z).abs() < 1e-13 * (1.0 + z.abs()),
                "{p}: {}",
                upper_quantile(p)
            );
        }
    }
}
