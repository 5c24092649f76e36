//! The noncentral F and chi-square distributions, for power.

use super::beta::incomplete_beta;
use super::gamma::incomplete_gamma;
use super::loader::poisson_term;

/// P(F > f) for the noncentral F with noncentrality λ: a Poisson mixture of central terms
/// (Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions 2 (1995), ch. 30).
pub(crate) fn noncentral_f_upper_tail(f: f64, df1: f64, df2: f64, lambda: f64) -> f64 {
    let n = df1 * f;
    let (x, y) = (df2 / (df2 + n), n / (df2 + n));
    mixture(lambda, |j| {
        incomplete_beta(df2 / 2.0, df1 / 2.0 + j, x, y).0
    })
}

/// P(X > x) for the noncentral chi-square with noncentrality λ.
pub(crate) fn noncentral_chi_square_upper_tail(x: f64, df: f64, lambda: f64) -> f64 {
    mixture(lambda, |j| incomplete_gamma(df / 2.0 + j, x / 2.0).1)
}

/// Σ Poisson(j; λ/2) g(j), summed outwards from the mode.
fn mixture(lambda: f64, g: impl Fn(f64) -> f64) -> f64 {
    let half = lambda / 2.0;
    let mode = half.floor();
    let mut sum = 0.0;
    let mut weight_left = 1.0;
    let mut j = mode;
    loop {
        let weight = poisson_term(j, half);
        sum += weight * g(j);
        weight_left -= weight;
        if weight < 1e-17 || j - mode > 100_000.0 {
            break;
        }
        j += 1.0;
    }
    let mut j = mode - 1.0;
    while j >= 0.0 && weight_left > 1e-16 {
        let weight = poisson_term(j, half);
        if weight < 1e-17 {
            break;
        }
        sum += weight * g(j);
        weight_left -= weight;
        j -= 1.0;
    }
    sum.clamp(0.0, 1.0)
}
