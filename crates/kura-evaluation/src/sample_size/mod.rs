//! How many cases, how many readers.
//!
//! Every function rounds the number of cases up. `alpha` is two-sided unless the name says
//! non-inferiority, where it is one-sided. Anticipated values come from a pilot study or the
//! literature; a calculation is as good as they are.

mod auc;
mod mrmc;
mod proportion;

pub use auc::{
    AucCases, AucVariance, auc_against_value, auc_difference_paired, auc_non_inferiority_paired,
    auc_precision,
};
pub use mrmc::{MrmcDesign, MrmcPower, mrmc_cases, mrmc_power, mrmc_readers};
pub use proportion::{
    AccuracyCases, PrecisionMethod, accuracy_precision, paired_non_inferiority, paired_proportions,
    paired_proportions_power, proportion_precision, unpaired_non_inferiority, unpaired_proportions,
    unpaired_proportions_power,
};

use crate::error::{EvaluationError, open_unit};
use crate::special::normal;

/// z for a two-sided alpha and z for the power.
fn quantiles(alpha_one_sided: f64, power: f64) -> Result<(f64, f64), EvaluationError> {
    open_unit("alpha", alpha_one_sided)?;
    open_unit("power", power)?;
    Ok((
        normal::upper_quantile(alpha_one_sided),
        normal::quantile(power),
    ))
}

/// A count rounded up; what comes out as 76.0000000001 by rounding is 76.
fn up(n: f64) -> u64 {
    (n - 1e-9).ceil().max(1.0) as u64
}

fn not_zero(what: &'static str, value: f64) -> Result<(), EvaluationError> {
    if value != 0.0 && value.is_finite() {
        Ok(())
    } else {
        Err(EvaluationError::OutOfRange {
            what,
            value,
            allowed: "not 0",
        })
    }
}
