//! Binomial and Poisson terms without loss of digits: C. Loader, "Fast and accurate computation of
//! binomial probabilities" (2000). Arguments need not be whole numbers.

use std::f64::consts::PI;

/// δ(n) = ln n! − ln(√(2πn) (n/e)ⁿ), Loader's `stirlerr`; n > 0.
fn stirling_error(n: f64) -> f64 {
    if n <= 15.0 {
        return libm::lgamma(n + 1.0) - (n + 0.5) * n.ln() + n - 0.5 * (2.0 * PI).ln();
    }
    let s = n * n;
    (1.0 / 12.0
        - (1.0 / 360.0
            - (1.0 / 1260.0
                - (1.0 / 1680.0
                    - (1.0 / 1188.0 - (691.0 / 360_360.0 - (1.0 / 156.0) / s) / s) / s)
                    / s)
                / s)
            / s)
        / n
}

/// D(x; m) = x ln(x/m) + m − x, Loader's `bd0`; x > 0, m > 0.
fn deviance(x: f64, m: f64) -> f64 {
    let d = x - m;
    if d.abs() < 0.1 * (x + m) {
        // ln(x/m) = 2 atanh(v), v = (x − m)/(x + m), summed where it cancels.
        let v = d / (x + m);
        let mut sum = d * v;
        let mut term = 2.0 * x * v;
        for j in 1..1000 {
            term *= v * v;
            let next = sum + term / f64::from(2 * j + 1);
            if next == sum {
                break;
            }
            sum = next;
        }
        return sum;
    }
    x * (x / m).ln() + m - x
}

/// n!/(x!(n−x)!) pˣ (1−p)ⁿ⁻ˣ with Γ for the factorials; q = 1 − p is handed over exact.
pub(crate) fn binomial_term(x: f64, n: f64, p: f64, q: f64) -> f64 {
    if p == 0.0 {
        return if x == 0.0 { 1.0 } else { 0.0 };
    }
    if q == 0.0 {
        return if x == n { 1.0 } else { 0.0 };
    }
    if n == 0.0 {
        return 1.0;
    }
    if x == 0.0 {
        return (n * ln_complement(p, q)).exp();
    }
    if x == n {
        return (n * ln_complement(q, p)).exp();
    }
    let exponent = stirling_error(n)
        - stirling_error(x)
        - stirling_error(n - x)
        - deviance(x, n * p)
        - deviance(n - x, n * q);
    exponent.exp() * (n / (2.0 * PI * x * (n - x))).sqrt()
}

/// ln(1 − p), given also q = 1 − p.
fn ln_complement(p: f64, q: f64) -> f64 {
    if p < 0.1 { (-p).ln_1p() } else { q.ln() }
}

/// λˣ e^−λ / Γ(x + 1)
pub(crate) fn poisson_term(x: f64, lambda: f64) -> f64 {
    if lambda == 0.0 {
        return if x == 0.0 { 1.0 } else { 0.0 };
    }
    if x == 0.0 {
        return (-lambda).exp();
    }
    (-stirling_error(x) - deviance(x, lambda)).exp() / (2.0 * PI * x).sqrt()
}
