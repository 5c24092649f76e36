//! The regularised incomplete gamma functions P(a, x) and Q(a, x).

use super::loader::poisson_term;

/// (P, Q) with P + Q = 1; a > 0, x ≥ 0. DLMF 8.7.1 below x = a + 1, DLMF 8.9.2 above.
pub(crate) fn incomplete_gamma(a: f64, x: f64) -> (f64, f64) {
    debug_assert!(a > 0.0 && x >= 0.0);
    if x == 0.0 {
        return (0.0, 1.0);
    }
    if x.is_infinite() {
        return (1.0, 0.0);
    }
    // xᵃ e⁻ˣ / Γ(a + 1)
    let front = poisson_term(a, x);
    if x < a + 1.0 {
        let mut term = 1.0;
        let mut sum = 1.0;
        let mut n = a;
        loop {
            n += 1.0;
            term *= x / n;
            sum += term;
            if term <= sum * 1e-17 {
                break;
            }
        }
        let p = (front * sum).min(1.0);
        (p, 1.0 - p)
    } else {
        let tiny = 1e-300;
        let mut b = x + 1.0 - a;
        let mut c = 1.0 / tiny;
        let mut d = 1.0 / b;
        let mut h = d;
        for i in 1..1_000_000u32 {
            let i = f64::from(i);
            let an = -i * (i - a);
            b += 2.0;
            d = an * d + b;
            if d.abs() < tiny {
                d = tiny;
            }
            c = b + an / c;
            if c.abs() < tiny {
                c = tiny;
            }
            d = 1.0 / d;
            let delta = d * c;
            h *= delta;
            if (delta - 1.0).abs() < 1e-16 {
                break;
            }
        }
        let q = (front * a * h).min(1.0);
        (1.0 - q, q)
    }
}
