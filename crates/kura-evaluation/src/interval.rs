//! Estimates with intervals, and estimates that cannot be given.

use serde::Serialize;

use crate::error::EvaluationError;
use crate::special::normal;

/// A two-sided confidence level, strictly between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Level(f64);

impl Level {
    pub const NINETY: Level = Level(0.90);
    pub const NINETY_FIVE: Level = Level(0.95);
    pub const NINETY_NINE: Level = Level(0.99);

    /// # Errors
    /// [`EvaluationError::OutOfRange`] unless 0 < level < 1.
    pub fn new(level: f64) -> Result<Self, EvaluationError> {
        crate::error::open_unit("confidence level", level)?;
        Ok(Level(level))
    }

    /// The level as a number, e.g. 0.95.
    pub fn get(self) -> f64 {
        self.0
    }

    /// α = 1 − level, both tails together.
    pub fn alpha(self) -> f64 {
        1.0 - self.0
    }

    /// The standard normal quantile z with P(|Z| > z) = α.
    pub fn z(self) -> f64 {
        normal::upper_quantile(self.alpha() / 2.0)
    }
}

impl Default for Level {
    fn default() -> Self {
        Level::NINETY_FIVE
    }
}

/// How an interval was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IntervalMethod {
    /// Estimate ± z · standard error.
    Wald,
    /// As Wald on the log scale.
    LogWald,
    /// As Wald on the logit scale.
    LogitWald,
    /// Estimate ± t · standard error.
    StudentT,
    /// Wilson (1927) score interval of one proportion.
    Wilson,
    /// Clopper and Pearson (1934).
    ClopperPearson,
    /// Wilson's interval on the effective number of observations (Rao and Scott 1992).
    RaoScottWilson,
    /// Clopper–Pearson on the effective number of observations (Korn and Graubard 1998).
    KornGraubard,
    /// DeLong, DeLong and Clarke-Pearson (1988).
    DeLong,
    /// Obuchowski (1997), clustered DeLong.
    ObuchowskiClustered,
    /// Newcombe (1998) hybrid score, independent proportions (method 10).
    NewcombeUnpaired,
    /// Newcombe (1998) hybrid score, paired proportions (method 10).
    NewcombePaired,
    /// Miettinen and Nurminen (1985) score interval of a difference.
    MiettinenNurminen,
    /// Tango (1998) score interval of a paired difference.
    Tango,
    /// Percentiles of bootstrap replicates.
    BootstrapPercentile,
    /// Leave-one-case-out jackknife, Student's t.
    Jackknife,
    /// Obuchowski–Rockette analysis, t with Hillis' degrees of freedom, or normal.
    ObuchowskiRockette,
    /// Dorfman–Berbaum–Metz analysis, t with Hillis' degrees of freedom, or normal.
    DorfmanBerbaumMetz,
    /// From the F distribution (intraclass correlation).
    F,
}

/// An estimate with a two-sided interval, in the unit of the estimate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    pub estimate: f64,
    pub lower: f64,
    pub upper: f64,
    pub level: Level,
    pub method: IntervalMethod,
}

impl Interval {
    /// estimate ± multiplier · standard_error.
    pub(crate) fn symmetric(
        estimate: f64,
        half_width: f64,
        level: Level,
        method: IntervalMethod,
    ) -> Self {
        Interval {
            estimate,
            lower: estimate - half_width,
            upper: estimate + half_width,
            level,
            method,
        }
    }

    /// The same, cut to [0, 1].
    pub(crate) fn within_unit(mut self) -> Self {
        self.lower = self.lower.clamp(0.0, 1.0);
        self.upper = self.upper.clamp(0.0, 1.0);
        self
    }

    pub fn width(&self) -> f64 {
        self.upper - self.lower
    }

    pub fn contains(&self, value: f64) -> bool {
        self.lower <= value && value <= self.upper
    }
}

/// A quantity, or the reason why these data do not give it. NaN and infinity never stand for
/// "unknown" in a result.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Estimable<T> {
    Estimate(T),
    NotEstimable { reason: &'static str },
}

impl<T> Estimable<T> {
    pub fn value(&self) -> Option<&T> {
        match self {
            Estimable::Estimate(value) => Some(value),
            Estimable::NotEstimable { .. } => None,
        }
    }

    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Estimable::Estimate(_) => None,
            Estimable::NotEstimable { reason } => Some(reason),
        }
    }

    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Estimable<U> {
        match self {
            Estimable::Estimate(value) => Estimable::Estimate(f(value)),
            Estimable::NotEstimable { reason } => Estimable::NotEstimable { reason },
        }
    }
}

impl Estimable<f64> {
    /// numerator / denominator, or the reason when the denominator is 0.
    pub(crate) fn ratio(numerator: f64, denominator: f64, reason: &'static str) -> Self {
        if denominator == 0.0 {
            Estimable::NotEstimable { reason }
        } else {
            Estimable::Estimate(numerator / denominator)
        }
    }
}
