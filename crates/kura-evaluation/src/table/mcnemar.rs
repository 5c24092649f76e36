//! McNemar's test of two tests on the same cases.

use serde::Serialize;

use crate::error::EvaluationError;
use crate::interval::Estimable;
use crate::proportion::difference::PairedCounts;
use crate::special::distribution::{binomial_cdf, binomial_pmf, chi_square_upper_tail};

/// Q. McNemar, Psychometrika 12 (1947) 153–157, in the forms in use. Two-sided p values.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct McNemar {
    pub counts: PairedCounts,
    /// (b − c)²/(b + c) on one degree of freedom; undefined without discordant pairs.
    pub chi_square: Estimable<f64>,
    pub p: Estimable<f64>,
    /// (|b − c| − 1)²/(b + c): A. L. Edwards, Psychometrika 13 (1948) 185–187.
    pub chi_square_corrected: Estimable<f64>,
    pub p_corrected: Estimable<f64>,
    /// Exact binomial p; 1 without discordant pairs.
    pub p_exact: f64,
    /// Mid-p: Fagerland, Lydersen and Laake, BMC Med. Res. Methodol. 13 (2013) 91.
    pub p_mid: f64,
}

/// # Errors
/// [`EvaluationError::EmptyGroup`] without pairs.
pub fn mcnemar(counts: PairedCounts) -> Result<McNemar, EvaluationError> {
    if counts.total() == 0 {
        return Err(EvaluationError::EmptyGroup { group: "pairs" });
    }
    let (b, c) = (counts.first_only, counts.second_only);
    let discordant = b + c;
    let difference = b.abs_diff(c) as f64;
    let n = discordant as f64;
    let reason = "no discordant pair";
    let chi_square = Estimable::ratio(difference * difference, n, reason);
    let corrected = (difference - 1.0).max(0.0);
    let chi_square_corrected = Estimable::ratio(corrected * corrected, n, reason);
    let tail = |x: f64| chi_square_upper_tail(x, 1.0);
    let (p_exact, p_mid) = if discordant == 0 {
        (1.0, 1.0)
    } else {
        let low = b.min(c);
        let exact = (2.0 * binomial_cdf(low, discordant, 0.5)).min(1.0);
        let point = binomial_pmf(low, discordant, 0.5);
        let mid = if b == c {
            1.0 - 0.5 * point
        } else {
            2.0 * binomial_cdf(low, discordant, 0.5) - point
        };
        (exact, mid)
    };
    Ok(McNemar {
        counts,
        chi_square,
        p: chi_square.map(tail),
        chi_square_corrected,
        p_corrected: chi_square_corrected.map(tail),
        p_exact,
        p_mid,
    })
}
