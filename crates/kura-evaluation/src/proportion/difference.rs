//! Intervals of a difference of two proportions, independent or paired.

use serde::Serialize;

use super::interval::wilson_bounds;
use crate::error::EvaluationError;
use crate::interval::{Interval, IntervalMethod, Level};
use crate::special::root::bisect;

/// Two independent proportions; the difference is first − second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct UnpairedCounts {
    pub first_successes: u64,
    pub first_trials: u64,
    pub second_successes: u64,
    pub second_trials: u64,
}

/// Two tests on the same cases; the difference is P(first) − P(second).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PairedCounts {
    pub both: u64,
    pub first_only: u64,
    pub second_only: u64,
    pub neither: u64,
}

impl UnpairedCounts {
    fn checked(&self) -> Result<(f64, f64, f64, f64), EvaluationError> {
        if self.first_trials == 0 || self.second_trials == 0 {
            return Err(EvaluationError::EmptyGroup {
                group: "one of the two proportions",
            });
        }
        for (x, n) in [
            (self.first_successes, self.first_trials),
            (self.second_successes, self.second_trials),
        ] {
            if x > n {
                return Err(EvaluationError::OutOfRange {
                    what: "number of successes",
                    value: x as f64,
                    allowed: "0 to the number of trials",
                });
            }
        }
        let (n1, n2) = (self.first_trials as f64, self.second_trials as f64);
        Ok((
            self.first_successes as f64 / n1,
            n1,
            self.second_successes as f64 / n2,
            n2,
        ))
    }

    /// Hybrid score interval: R. G. Newcombe, Stat. Med. 17 (1998) 873–890, method 10.
    ///
    /// # Errors
    /// An empty group or impossible counts.
    pub fn newcombe(&self, level: Level) -> Result<Interval, EvaluationError> {
        let (p1, n1, p2, n2) = self.checked()?;
        let z = level.z();
        let (l1, u1) = wilson_bounds(p1, n1, z);
        let (l2, u2) = wilson_bounds(p2, n2, z);
        Ok(Interval {
            estimate: p1 - p2,
            lower: p1 - p2 - (p1 - l1).hypot(u2 - p2),
            upper: p1 - p2 + (u1 - p1).hypot(p2 - l2),
            level,
            method: IntervalMethod::NewcombeUnpaired,
        })
    }

    /// Score interval: O. Miettinen and M. Nurminen, Stat. Med. 4 (1985) 213–226, with
    /// their factor N/(N−1).
    ///
    /// # Errors
    /// An empty group or impossible counts.
    pub fn miettinen_nurminen(&self, level: Level) -> Result<Interval, EvaluationError> {
        let (p1, _, p2, _) = self.checked()?;
        let z = level.z();
        let d = p1 - p2;
        let lower = bisect(-1.0, d, |delta| self.score(delta) - z);
        let upper = bisect(d, 1.0, |delta| self.score(delta) + z);
        Ok(Interval {
            estimate: d,
            lower: if d == -1.0 { -1.0 } else { lower },
            upper: if d == 1.0 { 1.0 } else { upper },
            level,
            method: IntervalMethod::MiettinenNurminen,
        })
    }

    /// Miettinen–Nurminen z of the hypothesis P₁ − P₂ = δ; the counts have been checked.
    pub(crate) fn score(&self, delta: f64) -> f64 {
        let n1 = self.first_trials as f64;
        let n2 = self.second_trials as f64;
        let p1 = self.first_successes as f64 / n1;
        let p2 = self.second_successes as f64 / n2;
        let (q1, q2) = restricted_rates(p1, n1, p2, n2, delta);
        let n = n1 + n2;
        let variance = (q1 * (1.0 - q1) / n1 + q2 * (1.0 - q2) / n2) * n / (n - 1.0);
        let distance = p1 - p2 - delta;
        if variance <= 0.0 {
            return if distance == 0.0 {
                0.0
            } else {
                1e9 * distance.signum()
            };
        }
        distance / variance.sqrt()
    }
}

/// Maximum likelihood rates under p₁ − p₂ = δ: the cubic of Miettinen and Nurminen's appendix I,
/// solved as by Farrington and Manning, Stat. Med. 9 (1990) 1447–1454.
fn restricted_rates(p1: f64, n1: f64, p2: f64, n2: f64, delta: f64) -> (f64, f64) {
    let theta = n2 / n1;
    let a = 1.0 + theta;
    let b = -(1.0 + theta + p1 + theta * p2 + delta * (theta + 2.0));
    let c = delta * delta + delta * (2.0 * p1 + theta + 1.0) + p1 + theta * p2;
    let d = -p1 * delta * (1.0 + delta);
    let v = b.powi(3) / (3.0 * a).powi(3) - b * c / (6.0 * a * a) + d / (2.0 * a);
    let inside = (b * b / (3.0 * a).powi(2) - c / (3.0 * a)).max(0.0);
    let u = if v > 0.0 {
        inside.sqrt()
    } else {
        -inside.sqrt()
    };
    let ratio = if u == 0.0 {
        0.0
    } else {
        (v / u.powi(3)).clamp(-1.0, 1.0)
    };
    let w = (std::f64::consts::PI + ratio.acos()) / 3.0;
    let q1 = (2.0 * u * w.cos() - b / (3.0 * a)).clamp(delta.max(0.0), (1.0 + delta).min(1.0));
    (q1, (q1 - delta).clamp(0.0, 1.0))
}

/// The score function is 0 at the estimate itself when all pairs agree; the search starts beside it.
const STEP: f64 = 1e-12;

impl PairedCounts {
    /// From two parallel lists of successes.
    ///
    /// # Errors
    /// [`EvaluationError::LengthMismatch`].
    pub fn from_pairs(first: &[bool], second: &[bool]) -> Result<Self, EvaluationError> {
        crate::error::same_length("second test", first.len(), second.len())?;
        let mut counts = PairedCounts {
            both: 0,
            first_only: 0,
            second_only: 0,
            neither: 0,
        };
        for pair in first.iter().zip(second) {
            match pair {
                (true, true) => counts.both += 1,
                (true, false) => counts.first_only += 1,
                (false, true) => counts.second_only += 1,
                (false, false) => counts.neither += 1,
            }
        }
        Ok(counts)
    }

    pub fn total(&self) -> u64 {
        self.both + self.first_only + self.second_only + self.neither
    }

    fn checked(&self) -> Result<f64, EvaluationError> {
        match self.total() {
            0 => Err(EvaluationError::EmptyGroup { group: "pairs" }),
            n => Ok(n as f64),
        }
    }

    /// Hybrid score interval: R. G. Newcombe, Stat. Med. 17 (1998) 2635–2650, method 10.
    ///
    /// # Errors
    /// [`EvaluationError::EmptyGroup`] without pairs.
    pub fn newcombe(&self, level: Level) -> Result<Interval, EvaluationError> {
        let n = self.checked()?;
        let (a, b, c, d) = (
            self.both as f64,
            self.first_only as f64,
            self.second_only as f64,
            self.neither as f64,
        );
        let (p1, p2) = ((a + b) / n, (a + c) / n);
        let z = level.z();
        let (l1, u1) = wilson_bounds(p1, n, z);
        let (l2, u2) = wilson_bounds(p2, n, z);
        let margins = (a + b) * (c + d) * (a + c) * (b + d);
        let phi = if margins == 0.0 {
            0.0
        } else {
            let cross = a * d - b * c;
            let corrected = if cross > 0.0 {
                (cross - n / 2.0).max(0.0)
            } else {
                cross
            };
            corrected / margins.sqrt()
        };
        let combine = |x: f64, y: f64| (x * x - 2.0 * phi * x * y + y * y).max(0.0).sqrt();
        Ok(Interval {
            estimate: (b - c) / n,
            lower: (b - c) / n - combine(p1 - l1, u2 - p2),
            upper: (b - c) / n + combine(u1 - p1, p2 - l2),
            level,
            method: IntervalMethod::NewcombePaired,
        })
    }

    /// Score interval: T. Tango, Stat. Med. 17 (1998) 891–908.
    ///
    /// # Errors
    /// [`EvaluationError::EmptyGroup`] without pairs.
    pub fn tango(&self, level: Level) -> Result<Interval, EvaluationError> {
        let n = self.checked()?;
        let z = level.z();
        let d = (self.first_only as f64 - self.second_only as f64) / n;
        Ok(Interval {
            estimate: d,
            lower: if d == -1.0 {
                -1.0
            } else {
                bisect(-1.0, d - STEP, |delta| self.score_against(delta, n, z))
            },
            upper: if d == 1.0 {
                1.0
            } else {
                bisect(d + STEP, 1.0, |delta| self.score_against(delta, n, -z))
            },
            level,
            method: IntervalMethod::Tango,
        })
    }

    /// nd − nδ − z·√variance: zero at a limit, defined also where the variance is 0.
    fn score_against(&self, delta: f64, n: f64, z: f64) -> f64 {
        let (distance, variance) = self.score_parts(delta, n);
        distance - z * variance.sqrt()
    }

    /// Tango's z of the hypothesis P₁ − P₂ = δ; at δ = 0 it is McNemar's.
    pub(crate) fn score(&self, delta: f64) -> f64 {
        let (distance, variance) = self.score_parts(delta, self.total() as f64);
        if variance > 0.0 {
            distance / variance.sqrt()
        } else if distance == 0.0 {
            0.0
        } else {
            1e9 * distance.signum()
        }
    }

    fn score_parts(&self, delta: f64, n: f64) -> (f64, f64) {
        let (b, c) = (self.first_only as f64, self.second_only as f64);
        // Tango: the restricted estimate of P(second only), the larger root of A q² + B q + C = 0.
        let qa = 2.0 * n;
        let qb = -b - c + (2.0 * n - b + c) * delta;
        let qc = -c * delta * (1.0 - delta);
        let root = (qb * qb - 4.0 * qa * qc).max(0.0).sqrt();
        let q21 = (root - qb) / (2.0 * qa);
        let variance = n * (2.0 * q21 + delta * (1.0 - delta));
        (b - c - n * delta, variance.max(0.0))
    }
}
