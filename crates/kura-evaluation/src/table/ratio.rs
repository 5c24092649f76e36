//! Likelihood ratios and the diagnostic odds ratio.

use serde::Serialize;

use super::TwoByTwo;
use crate::interval::{Estimable, Interval, IntervalMethod, Level};

/// A ratio with an interval on the log scale, and what to say when a cell is empty.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RatioEstimate {
    /// The ratio of the counts as they are.
    pub ratio: Estimable<f64>,
    /// Its interval; not estimable when a cell that enters the logarithm is 0.
    pub interval: Estimable<Interval>,
    /// Only when a cell is 0: the ratio and interval after 0.5 is added to each of the four cells
    /// (Haldane 1956, Anscombe 1956). A different, labelled quantity, not the ratio of the counts.
    pub half_added: Option<Interval>,
}

impl TwoByTwo {
    /// LR+ = sensitivity / (1 − specificity). Interval: Simel, Samsa and Matchar, J. Clin.
    /// Epidemiol. 44 (1991) 763–770.
    pub fn positive_likelihood_ratio(&self, level: Level) -> RatioEstimate {
        let (tp, fp, fn_, tn) = self.as_f64();
        self.ratio(level, [tp, fp, fn_, tn], risk_ratio)
    }

    /// LR− = (1 − sensitivity) / specificity; interval as LR+.
    pub fn negative_likelihood_ratio(&self, level: Level) -> RatioEstimate {
        let (tp, fp, fn_, tn) = self.as_f64();
        self.ratio(level, [fn_, tn, tp, fp], risk_ratio)
    }

    /// DOR = TP·TN/(FP·FN). Interval: Woolf, Ann. Hum. Genet. 19 (1955) 251–253; Glas et al.,
    /// J. Clin. Epidemiol. 56 (2003) 1129–1135.
    pub fn diagnostic_odds_ratio(&self, level: Level) -> RatioEstimate {
        let (tp, fp, fn_, tn) = self.as_f64();
        self.ratio(level, [tp, fp, fn_, tn], odds_ratio)
    }

    fn ratio(
        &self,
        level: Level,
        cells: [f64; 4],
        form: fn([f64; 4]) -> RatioAndError,
    ) -> RatioEstimate {
        let interval = |cells: [f64; 4]| match form(cells) {
            (Estimable::Estimate(ratio), Estimable::Estimate(standard_error)) => {
                let half = level.z() * standard_error;
                Estimable::Estimate(Interval {
                    estimate: ratio,
                    lower: ratio * (-half).exp(),
                    upper: ratio * half.exp(),
                    level,
                    method: IntervalMethod::LogWald,
                })
            }
            (Estimable::NotEstimable { reason }, _) | (_, Estimable::NotEstimable { reason }) => {
                Estimable::NotEstimable { reason }
            }
        };
        let half_added = if self.has_zero_cell() {
            interval(cells.map(|c| c + 0.5)).value().copied()
        } else {
            None
        };
        RatioEstimate {
            ratio: form(cells).0,
            interval: interval(cells),
            half_added,
        }
    }
}

/// The ratio, and the standard error of its logarithm.
type RatioAndError = (Estimable<f64>, Estimable<f64>);

const NO_CLASS: &str = "one of the two truth classes is absent";
const ZERO_DENOMINATOR: &str = "a cell of the denominator is 0, the ratio is unbounded";
const ZERO_CELL: &str = "a cell is 0, the logarithm of the ratio has no standard error";

/// (a/(a+c)) / (b/(b+d)) of cells a, b, c, d, and the standard error of its logarithm.
fn risk_ratio([a, b, c, d]: [f64; 4]) -> RatioAndError {
    if a + c == 0.0 || b + d == 0.0 {
        return (not(NO_CLASS), not(NO_CLASS));
    }
    if b == 0.0 {
        return (not(ZERO_DENOMINATOR), not(ZERO_DENOMINATOR));
    }
    let ratio = (a / (a + c)) / (b / (b + d));
    if a == 0.0 {
        return (Estimable::Estimate(ratio), not(ZERO_CELL));
    }
    let variance = 1.0 / a - 1.0 / (a + c) + 1.0 / b - 1.0 / (b + d);
    (
        Estimable::Estimate(ratio),
        Estimable::Estimate(variance.max(0.0).sqrt()),
    )
}

fn odds_ratio([tp, fp, fn_, tn]: [f64; 4]) -> RatioAndError {
    if tp + fn_ == 0.0 || fp + tn == 0.0 {
        return (not(NO_CLASS), not(NO_CLASS));
    }
    if fp == 0.0 || fn_ == 0.0 {
        return (not(ZERO_DENOMINATOR), not(ZERO_DENOMINATOR));
    }
    let ratio = tp * tn / (fp * fn_);
    if tp == 0.0 || tn == 0.0 {
        return (Estimable::Estimate(ratio), not(ZERO_CELL));
    }
    let variance = 1.0 / tp + 1.0 / fp + 1.0 / fn_ + 1.0 / tn;
    (
        Estimable::Estimate(ratio),
        Estimable::Estimate(variance.sqrt()),
    )
}

fn not(reason: &'static str) -> Estimable<f64> {
    Estimable::NotEstimable { reason }
}
