//! Intervals of one binomial proportion.

use crate::error::EvaluationError;
use crate::interval::{Interval, IntervalMethod, Level};
use crate::special::beta::inverse_incomplete_beta;

fn counts(successes: f64, trials: f64) -> Result<(), EvaluationError> {
    if trials <= 0.0 {
        return Err(EvaluationError::EmptyGroup {
            group: "proportion",
        });
    }
    if !(0.0..=trials).contains(&successes) {
        return Err(EvaluationError::OutOfRange {
            what: "number of successes",
            value: successes,
            allowed: "0 to the number of trials",
        });
    }
    Ok(())
}

/// Wilson's score interval: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209–212; the form of
/// Newcombe, Stat. Med. 17 (1998) 857–872, method 3. Always inside [0, 1].
///
/// # Errors
/// No trial, or more successes than trials.
pub fn wilson(successes: u64, trials: u64, level: Level) -> Result<Interval, EvaluationError> {
    wilson_real(successes as f64, trials as f64, level)
}

/// The same for an effective number of trials, which need not be whole.
pub(crate) fn wilson_real(
    successes: f64,
    trials: f64,
    level: Level,
) -> Result<Interval, EvaluationError> {
    counts(successes, trials)?;
    let p = successes / trials;
    let (lower, upper) = wilson_bounds(p, trials, level.z());
    Ok(Interval {
        estimate: p,
        lower,
        upper,
        level,
        method: IntervalMethod::Wilson,
    })
}

/// Wilson's limits of p on n trials for the normal deviate z.
pub(crate) fn wilson_bounds(p: f64, n: f64, z: f64) -> (f64, f64) {
    let z2 = z * z;
    let centre = 2.0 * n * p + z2;
    let half = z * (z2 + 4.0 * n * p * (1.0 - p)).sqrt();
    let scale = 2.0 * (n + z2);
    // At 0 and n successes the limit is exactly the estimate; rounding must not move it inside.
    let lower = if p == 0.0 {
        0.0
    } else {
        (centre - half) / scale
    };
    let upper = if p == 1.0 {
        1.0
    } else {
        (centre + half) / scale
    };
    (lower.max(0.0), upper.min(1.0))
}

/// The exact interval: C. J. Clopper and E. S. Pearson, Biometrika 26 (1934) 404–413, by quantiles
/// of the beta distribution.
///
/// # Errors
/// No trial, or more successes than trials.
pub fn clopper_pearson(
    successes: u64,
    trials: u64,
    level: Level,
) -> Result<Interval, EvaluationError> {
    clopper_pearson_real(successes as f64, trials as f64, level)
}

pub(crate) fn clopper_pearson_real(
    successes: f64,
    trials: f64,
    level: Level,
) -> Result<Interval, EvaluationError> {
    counts(successes, trials)?;
    let tail = level.alpha() / 2.0;
    let failures = trials - successes;
    let lower = if successes == 0.0 {
        0.0
    } else {
        inverse_incomplete_beta(successes, failures + 1.0, tail)
    };
    let upper = if failures == 0.0 {
        1.0
    } else {
        // 1 − the lower limit of the failures, which keeps the digits near 1.
        1.0 - inverse_incomplete_beta(failures, successes + 1.0, tail)
    };
    Ok(Interval {
        estimate: successes / trials,
        lower,
        upper,
        level,
        method: IntervalMethod::ClopperPearson,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Newcombe, Stat. Med. 17 (1998) 857–872, Table I: 81/263, 15/148, 0/20, 1/29; method 3
    /// (score) and method 5 (Clopper–Pearson).
    #[test]
    fn newcombe_table_one() {
        let rows = [
            (81, 263, 0.2553, 0.3662, 0.2527, 0.3676),
            (15, 148, 0.0624, 0.1605, 0.0578, 0.1617),
            (0, 20, 0.0, 0.1611, 0.0, 0.1684),
            (1, 29, 0.0061, 0.1718, 0.0009, 0.1776),
        ];
        for (x, n, wl, wu, cl, cu) in rows {
            let w = wilson(x, n, Level::NINETY_FIVE).unwrap();
            let c = clopper_pearson(x, n, Level::NINETY_FIVE).unwrap();
            for (found, expected) in [(w.lower, wl), (w.upper, wu), (c.lower, cl), (c.upper, cu)] {
                assert!(
                    (found - expected).abs() < 5.1e-5,
                    "{x}/{n}: {found} {expected}"
                );
            }
        }
    }

    #[test]
    fn bad_counts_are_refused() {
        assert!(wilson(0, 0, Level::NINETY_FIVE).is_err());
        assert!(clopper_pearson(3, 2, Level::NINETY_FIVE).is_err());
    }
}
