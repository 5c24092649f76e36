//! Intraclass correlation: P. E. Shrout and J. L. Fleiss, Psychol. Bull. 86 (1979) 420–428;
//! intervals also in K. O. McGraw and S. P. Wong, Psychol. Methods 1 (1996) 30–46.

use serde::Serialize;

use crate::error::{EvaluationError, at_least, finite, same_length};
use crate::interval::{Interval, IntervalMethod, Level};
use crate::special::distribution::{f_upper_quantile, f_upper_tail};

/// One form. The first digit is Shrout and Fleiss' case; `single` or `average` of the k ratings.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Icc {
    pub interval: Interval,
    /// Test that the correlation is 0.
    pub f: f64,
    pub numerator_df: f64,
    pub denominator_df: f64,
    pub p: f64,
}

/// All six forms with the analysis of variance they come from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct IntraclassCorrelation {
    pub targets: usize,
    pub judges: usize,
    pub between_targets_mean_square: f64,
    pub within_targets_mean_square: f64,
    pub between_judges_mean_square: f64,
    pub residual_mean_square: f64,
    /// ICC(1,1): each target rated by other judges.
    pub case_1_single: Icc,
    /// ICC(2,1): judges a sample from many; absolute agreement.
    pub case_2_single: Icc,
    /// ICC(3,1): these judges only; consistency.
    pub case_3_single: Icc,
    /// ICC(1,k)
    pub case_1_average: Icc,
    /// ICC(2,k)
    pub case_2_average: Icc,
    /// ICC(3,k), Cronbach's α.
    pub case_3_average: Icc,
}

/// `ratings[target][judge]`, no cell missing.
///
/// # Errors
/// Fewer than two targets or judges, rows of different length, a number that is not finite, or no
/// residual variance at all.
pub fn intraclass_correlation(
    ratings: &[Vec<f64>],
    level: Level,
) -> Result<IntraclassCorrelation, EvaluationError> {
    at_least("intraclass correlation: targets", ratings.len(), 2)?;
    let judges = ratings[0].len();
    at_least("intraclass correlation: judges", judges, 2)?;
    for row in ratings {
        same_length("ratings of a target", judges, row.len())?;
        finite("rating", row)?;
    }
    let n = ratings.len() as f64;
    let k = judges as f64;
    let grand = ratings.iter().flatten().sum::<f64>() / (n * k);
    let by_target: Vec<f64> = ratings.iter().map(|r| r.iter().sum::<f64>() / k).collect();
    let by_judge: Vec<f64> = (0..judges)
        .map(|j| ratings.iter().map(|r| r[j]).sum::<f64>() / n)
        .collect();
    let squares = |means: &[f64]| means.iter().map(|m| (m - grand).powi(2)).sum::<f64>();
    let (mut within, mut residual) = (0.0, 0.0);
    for (row, target) in ratings.iter().zip(&by_target) {
        for (x, judge) in row.iter().zip(&by_judge) {
            within += (x - target).powi(2);
            residual += (x - target - judge + grand).powi(2);
        }
    }
    let df_b = n - 1.0;
    let df_w = n * (k - 1.0);
    let df_e = (n - 1.0) * (k - 1.0);
    let bms = k * squares(&by_target) / df_b;
    let wms = within / df_w;
    let jms = n * squares(&by_judge) / (k - 1.0);
    let ems = residual / df_e;
    if bms <= 0.0 || wms <= 0.0 || ems <= 1e-14 * (bms + jms) {
        return Err(EvaluationError::NotEstimable {
            what: "intraclass correlation",
            reason: "there is no variance between targets, or none left within them",
        });
    }
    let tail = level.alpha() / 2.0;
    let bounded = |estimate: f64, lower: f64, upper: f64| Interval {
        estimate,
        lower,
        upper,
        level,
        method: IntervalMethod::F,
    };
    // Cases 1 and 3: exact from one F ratio.
    let exact = |error: f64, df: f64| {
        let f = bms / error;
        let low = f / f_upper_quantile(tail, df_b, df);
        let high = f * f_upper_quantile(tail, df, df_b);
        let test = |interval| Icc {
            interval,
            f,
            numerator_df: df_b,
            denominator_df: df,
            p: f_upper_tail(f, df_b, df),
        };
        let single = |f: f64| (f - 1.0) / (f + k - 1.0);
        let average = |f: f64| 1.0 - 1.0 / f;
        (
            test(bounded(single(f), single(low), single(high))),
            test(bounded(average(f), average(low), average(high))),
        )
    };
    let (case_1_single, case_1_average) = exact(wms, df_w);
    let (case_3_single, case_3_average) = exact(ems, df_e);
    // Case 2: Satterthwaite's approximation (Shrout and Fleiss 1979).
    let rho = (bms - ems) / (bms + (k - 1.0) * ems + k * (jms - ems) / n);
    let fj = jms / ems;
    let a = n * (1.0 + (k - 1.0) * rho) - k * rho;
    let v = df_e * (k * rho * fj + a).powi(2) / ((n - 1.0) * k * k * rho * rho * fj * fj + a * a);
    let upper_f = f_upper_quantile(tail, df_b, v);
    let lower_f = f_upper_quantile(tail, v, df_b);
    let rest = k * jms + (k * n - k - n) * ems;
    let lower = n * (bms - upper_f * ems) / (upper_f * rest + n * bms);
    let upper = n * (lower_f * bms - ems) / (rest + n * lower_f * bms);
    let spearman_brown = |r: f64| k * r / (1.0 + (k - 1.0) * r);
    let average = (bms - ems) / (bms + (jms - ems) / n);
    let case_2 = |interval| Icc {
        interval,
        ..case_3_single
    };
    Ok(IntraclassCorrelation {
        targets: ratings.len(),
        judges,
        between_targets_mean_square: bms,
        within_targets_mean_square: wms,
        between_judges_mean_square: jms,
        residual_mean_square: ems,
        case_1_single,
        case_2_single: case_2(bounded(rho, lower, upper)),
        case_3_single,
        case_1_average,
        case_2_average: case_2(bounded(
            average,
            spearman_brown(lower),
            spearman_brown(upper),
        )),
        case_3_average,
    })
}
