//! Student's t, F, chi-square, binomial and Kolmogorov's distribution.

use std::f64::consts::PI;

use super::beta::{incomplete_beta, inverse_incomplete_beta};
use super::gamma::incomplete_gamma;
use super::loader::binomial_term;
use super::{normal, root};

/// P(|T| > |t|) for T ~ t(df).
pub(crate) fn t_two_sided(t: f64, df: f64) -> f64 {
    let s = t * t;
    incomplete_beta(df / 2.0, 0.5, df / (df + s), s / (df + s)).0
}

/// P(T > t)
pub(crate) fn t_upper_tail(t: f64, df: f64) -> f64 {
    let half = 0.5 * t_two_sided(t, df);
    if t >= 0.0 { half } else { 1.0 - half }
}

/// t with P(T > t) = p, for 0 < p < 1.
pub(crate) fn t_upper_quantile(p: f64, df: f64) -> f64 {
    let tail = p.min(1.0 - p);
    if tail == 0.5 {
        return 0.0;
    }
    // y = t²/(df + t²) follows Beta(1/2, df/2).
    let t = if tail > 0.05 {
        let y = inverse_incomplete_beta(0.5, df / 2.0, 1.0 - 2.0 * tail);
        (df * y / (1.0 - y)).sqrt()
    } else {
        // x = df/(df + t²) keeps the digits of a thin tail; one Newton step restores those that
        // 1 − x loses when df is large.
        let x = inverse_incomplete_beta(df / 2.0, 0.5, 2.0 * tail);
        let mut t = (df * (1.0 - x) / x).sqrt();
        for _ in 0..2 {
            let density = t_density(t, df);
            if density > 0.0 {
                t += (0.5 * t_two_sided(t, df) - tail) / density;
            }
        }
        t
    };
    if p < 0.5 { t } else { -t }
}

fn t_density(t: f64, df: f64) -> f64 {
    (libm::lgamma((df + 1.0) / 2.0)
        - libm::lgamma(df / 2.0)
        - 0.5 * (df * PI).ln()
        - (df + 1.0) / 2.0 * (t * t / df).ln_1p())
    .exp()
}

/// P(F > f) for F ~ F(df1, df2).
pub(crate) fn f_upper_tail(f: f64, df1: f64, df2: f64) -> f64 {
    if f <= 0.0 {
        return 1.0;
    }
    let n = df1 * f;
    incomplete_beta(df2 / 2.0, df1 / 2.0, df2 / (df2 + n), n / (df2 + n)).0
}

/// f with P(F > f) = p.
pub(crate) fn f_upper_quantile(p: f64, df1: f64, df2: f64) -> f64 {
    let x = inverse_incomplete_beta(df2 / 2.0, df1 / 2.0, p);
    df2 * (1.0 - x) / (df1 * x)
}

/// P(X > x) for X ~ χ²(df).
pub(crate) fn chi_square_upper_tail(x: f64, df: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    incomplete_gamma(df / 2.0, x / 2.0).1
}

/// x with P(X > x) = p, for 0 < p < 1.
pub(crate) fn chi_square_upper_quantile(p: f64, df: f64) -> f64 {
    if df == 1.0 {
        let z = normal::upper_quantile(p / 2.0);
        return z * z;
    }
    let mut high = df + 10.0;
    while chi_square_upper_tail(high, df) > p {
        high *= 2.0;
    }
    root::bisect(0.0, high, |x| p - chi_square_upper_tail(x, df))
}

/// P(X = x) for X ~ Binomial(n, p).
pub(crate) fn binomial_pmf(x: u64, n: u64, p: f64) -> f64 {
    binomial_term(x as f64, n as f64, p, 1.0 - p)
}

/// P(X ≤ x)
pub(crate) fn binomial_cdf(x: u64, n: u64, p: f64) -> f64 {
    if x >= n {
        return 1.0;
    }
    incomplete_beta((n - x) as f64, x as f64 + 1.0, 1.0 - p, p).0
}

/// P(K > x) for Kolmogorov's limiting distribution (Smirnov 1948). Two forms of the same theta
/// function, each where it converges in a few terms.
pub(crate) fn kolmogorov_upper_tail(x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    if x < 1.18 {
        let y = (-PI * PI / (8.0 * x * x)).exp();
        let sum = y + y.powi(9) + y.powi(25) + y.powi(49);
        1.0 - (2.0 * PI).sqrt() / x * sum
    } else {
        let mut sum = 0.0;
        for j in 1..=20 {
            let j = f64::from(j);
            let term = (-2.0 * j * j * x * x).exp();
            sum += if j % 2.0 == 1.0 { term } else { -term };
            if term < 1e-18 * sum {
                break;
            }
        }
        (2.0 * sum).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::noncentral::{noncentral_chi_square_upper_tail, noncentral_f_upper_tail};
    use super::*;

    #[track_caller]
    fn close(found: f64, expected: f64) {
        assert!(
            (found / expected - 1.0).abs() < 1e-11,
            "found {found}, expected {expected}"
        );
    }

    /// scipy.stats and scipy.special, SciPy 1.17.1.
    #[test]
    fn agrees_with_scipy() {
        close(t_upper_tail(2.1, 15.26), 0.026_375_527_920_419_597);
        close(t_upper_quantile(0.025, 15.26), 2.128_290_914_628_068);
        close(t_upper_quantile(0.025, 1e6), 1.959_966_356_814_107);
        close(t_upper_quantile(0.3, 3.0), 0.584_389_727_439_818_8);
        close(t_upper_quantile(1e-8, 5.0), 62.404_506_110_967_3);
        close(f_upper_tail(4.46, 1.0, 15.26), 0.051_580_149_386_436_02);
        close(f_upper_quantile(0.025, 5.0, 15.0), 3.576_415_349_279_060_7);
        close(f_upper_quantile(0.975, 5.0, 15.0), 0.155_575_963_078_487_15);
        close(chi_square_upper_tail(3.84, 1.0), 0.050_043_521_248_705_19);
        close(chi_square_upper_tail(100.0, 8.0), 4.269_159_205_144_943e-18);
        close(chi_square_upper_quantile(0.05, 8.0), 15.507_313_055_865_454);
        close(
            chi_square_upper_quantile(0.95, 3.0),
            0.351_846_317_749_271_7,
        );
        close(binomial_pmf(3, 10, 0.2), 0.201_326_592);
        close(
            binomial_cdf(49_000, 100_000, 0.5),
            1.294_358_019_173_447e-10,
        );
        close(binomial_cdf(2, 33, 0.3), 0.000_866_817_948_899_441_3);
        close(kolmogorov_upper_tail(0.5), 0.963_945_243_664_875_1);
        close(kolmogorov_upper_tail(1.0), 0.269_999_671_677_354_56);
        close(kolmogorov_upper_tail(1.36), 0.049_485_876_755_377_876);
        close(kolmogorov_upper_tail(2.5), 7.453_306_344_157_342e-6);
        close(
            noncentral_f_upper_tail(4.5, 1.0, 15.0, 8.0),
            0.756_030_973_104_972_5,
        );
        close(
            noncentral_f_upper_tail(3.0, 2.0, 40.0, 50.0),
            0.999_997_589_418_925_6,
        );
        close(
            noncentral_chi_square_upper_tail(3.84, 1.0, 7.85),
            0.800_161_093_910_407_1,
        );
    }
}
