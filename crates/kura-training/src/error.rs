//! Why a table, a learner or a split was refused.

use thiserror::Error;

/// The data or the request do not allow what was asked for.
///
/// Messages name places (a row counted from 0, a feature, a number of groups), never a value or a
/// group label of a person.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum TrainingError {
    /// Two sequences that must run in parallel have different lengths.
    #[error("{what}: {expected} expected, {found} found")]
    Length {
        what: &'static str,
        expected: usize,
        found: usize,
    },
    /// There are fewer items than the method needs.
    #[error("{what}: {found} given, at least {needed} needed")]
    TooFew {
        what: &'static str,
        needed: usize,
        found: usize,
    },
    /// More columns than a dense second-derivative matrix can hold.
    #[error(
        "{found} columns; logistic regression takes at most {allowed}, boosted trees take more"
    )]
    TooManyColumns { allowed: usize, found: usize },
    /// Only one outcome is present.
    #[error("only rows {present} the outcome are present; both kinds are needed")]
    OneClassOnly { present: &'static str },
    /// A value is infinite. A missing value is NaN.
    #[error("feature '{feature}', row {row}: the value is infinite")]
    Infinite { feature: String, row: usize },
    /// A value is missing where the learner takes none.
    #[error("feature '{feature}', row {row}: the value is missing; a network takes none that is")]
    Missing { feature: String, row: usize },
    /// The loss stopped being a number while learning.
    #[error("epoch {epoch}: the loss is no number any more; a lower learning_rate may help")]
    Diverged { epoch: usize },
    /// A weight is negative, NaN or infinite.
    #[error("row {row}: a weight must be a finite number of at least 0")]
    Weight { row: usize },
    /// Two features bear one name.
    #[error("feature '{feature}' is named twice")]
    FeatureTwice { feature: String },
    /// The table to predict on has other features than the model was trained on.
    #[error("feature {position} is '{found}', the model expects '{expected}'")]
    FeatureMismatch {
        position: usize,
        expected: String,
        found: String,
    },
    /// A setting lies outside what its definition allows.
    #[error("{what} is {value}; allowed: {allowed}")]
    OutOfRange {
        what: &'static str,
        value: f64,
        allowed: &'static str,
    },
    /// Leave-one-site-out was asked for and the rows name no site.
    #[error("the rows name no site")]
    NoSite,
    /// Patients seen at several sites cannot be kept apart by site.
    #[error("{groups} groups have rows at more than one site; give each group one site")]
    GroupAtSeveralSites { groups: usize },
    /// A training part would hold one kind of outcome only.
    #[error("part {part}: without it, rows of one outcome only remain")]
    PartNeedsBothOutcomes { part: usize },
    /// The boosting library refused the data or the settings.
    #[error("boosted trees: {reason}")]
    Trees { reason: String },
    /// The caller asked to stop.
    #[error("cancelled")]
    Cancelled,
}

/// Refuses sequences that do not run in parallel.
pub(crate) fn same_length(
    what: &'static str,
    expected: usize,
    found: usize,
) -> Result<(), TrainingError> {
    if expected == found {
        Ok(())
    } else {
        Err(TrainingError::Length {
            what,
            expected,
            found,
        })
    }
}

/// Refuses a setting outside what its definition allows.
pub(crate) fn require(
    holds: bool,
    what: &'static str,
    value: f64,
    allowed: &'static str,
) -> Result<(), TrainingError> {
    if holds {
        Ok(())
    } else {
        Err(TrainingError::OutOfRange {
            what,
            value,
            allowed,
        })
    }
}
