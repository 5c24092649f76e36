//! Logistic recalibration: D. R. Cox, Biometrika 45 (1958) 562–565; E. W. Steyerberg, Clinical
//! Prediction Models (2019); B. Van Calster et al., J. Clin. Epidemiol. 74 (2016) 167–176.

use serde::Serialize;

use super::{checked, number};
use crate::error::EvaluationError;
use crate::interval::{Estimable, Interval, IntervalMethod, Level};

/// Weak calibration: logit P(y = 1) = intercept + slope · logit(p). Ideal: intercept 0, slope 1.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Recalibration {
    /// Below 1: predictions too extreme. Wald interval.
    pub slope: Interval,
    /// Intercept fitted together with the slope. Wald interval.
    pub intercept: Interval,
    /// Calibration in the large: the intercept with the slope held at 1; below 0: predictions too
    /// high on average. Wald interval.
    pub calibration_in_the_large: Interval,
    /// Observed / expected number of events.
    pub observed_expected_ratio: Estimable<f64>,
}

/// # Errors
/// Probabilities of exactly 0 or 1 (their logit is infinite: clip them beforehand and say so),
/// one kind of outcome only, or predictions that part the outcomes perfectly
/// ([`EvaluationError::NoConvergence`]).
pub fn recalibration(
    outcome: &[bool],
    probability: &[f64],
    level: Level,
) -> Result<Recalibration, EvaluationError> {
    checked(outcome, probability)?;
    if let Some(&value) = probability.iter().find(|p| **p <= 0.0 || **p >= 1.0) {
        return Err(EvaluationError::OutOfRange {
            what: "predicted probability",
            value,
            allowed: "between 0 and 1, both excluded: the logit must be finite",
        });
    }
    let events = outcome.iter().filter(|y| **y).count();
    if events == 0 || events == outcome.len() {
        return Err(EvaluationError::OneClassOnly {
            present: if events == 0 { "event-free" } else { "event" },
        });
    }
    let y: Vec<f64> = outcome.iter().map(|&y| number(y)).collect();
    let logit: Vec<f64> = probability.iter().map(|p| (p / (1.0 - p)).ln()).collect();
    let (intercept, slope, variance) = fit(&y, &logit)?;
    let (shift, shift_variance) = fit_intercept(&y, &logit)?;
    let wald = |estimate: f64, variance: f64| {
        Interval::symmetric(
            estimate,
            level.z() * variance.sqrt(),
            level,
            IntervalMethod::Wald,
        )
    };
    Ok(Recalibration {
        slope: wald(slope, variance[1]),
        intercept: wald(intercept, variance[0]),
        calibration_in_the_large: wald(shift, shift_variance),
        observed_expected_ratio: Estimable::ratio(
            events as f64,
            probability.iter().sum(),
            "no event is expected",
        ),
    })
}

fn logistic(x: f64) -> f64 {
    if x >= 0.0 {
        1.0 / (1.0 + (-x).exp())
    } else {
        let e = x.exp();
        e / (1.0 + e)
    }
}

fn log_likelihood(y: &[f64], eta: impl Fn(usize) -> f64) -> f64 {
    y.iter()
        .enumerate()
        .map(|(i, y)| {
            let e = eta(i);
            // y·η − ln(1 + e^η), without overflow.
            y * e - (e.max(0.0) + (-e.abs()).exp().ln_1p())
        })
        .sum()
}

const FIT: &str = "logistic recalibration";

/// Newton's method with step halving; (intercept, slope, their variances).
fn fit(y: &[f64], x: &[f64]) -> Result<(f64, f64, [f64; 2]), EvaluationError> {
    let (mut a, mut b) = (0.0, 0.0);
    let mut value = log_likelihood(y, |i| a + b * x[i]);
    for _ in 0..100 {
        let (mut g0, mut g1, mut h00, mut h01, mut h11) = (0.0, 0.0, 0.0, 0.0, 0.0);
        for (y, x) in y.iter().zip(x) {
            let p = logistic(a + b * x);
            let w = p * (1.0 - p);
            g0 += y - p;
            g1 += (y - p) * x;
            h00 += w;
            h01 += w * x;
            h11 += w * x * x;
        }
        let determinant = h00 * h11 - h01 * h01;
        if determinant <= 1e-12 * h00 * h11 || b.abs() > 1e4 {
            break;
        }
        let (da, db) = (
            (h11 * g0 - h01 * g1) / determinant,
            (h00 * g1 - h01 * g0) / determinant,
        );
        if da.abs() + db.abs() < 1e-12 * (1.0 + a.abs() + b.abs()) {
            return Ok((a, b, [h11 / determinant, h00 / determinant]));
        }
        let mut step = 1.0;
        loop {
            let next = log_likelihood(y, |i| a + step * da + (b + step * db) * x[i]);
            if next >= value - 1e-12 * value.abs() || step < 1e-6 {
                value = next;
                break;
            }
            step *= 0.5;
        }
        a += step * da;
        b += step * db;
    }
    Err(EvaluationError::NoConvergence { what: FIT })
}

/// The intercept with x as offset, and its variance.
fn fit_intercept(y: &[f64], x: &[f64]) -> Result<(f64, f64), EvaluationError> {
    let mut a = 0.0;
    for _ in 0..200 {
        let (mut g, mut h) = (0.0, 0.0);
        for (y, x) in y.iter().zip(x) {
            let p = logistic(a + x);
            g += y - p;
            h += p * (1.0 - p);
        }
        // The likelihood is concave; a bounded step cannot run away from a flat start.
        let step: f64 = (g / h.max(1e-300)).clamp(-2.0, 2.0);
        if step.abs() < 1e-12 * (1.0 + f64::abs(a)) {
            return Ok((a, 1.0 / h));
        }
        a += step;
    }
    Err(EvaluationError::NoConvergence { what: FIT })
}
