//! Why a statistic was refused.

use std::fmt;

/// The data or the request do not allow the statistic that was asked for.
///
/// Messages name places (an index, a group), never values of a person.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum EvaluationError {
    /// A group that must hold at least one observation holds none.
    EmptyGroup { group: &'static str },
    /// A group is too small for a variance, a fit or a test.
    TooFew {
        what: &'static str,
        have: usize,
        need: usize,
    },
    /// Only one of the two truth classes is present.
    OneClassOnly { present: &'static str },
    /// A number is NaN or infinite. `index` counts from 0 in the slice that was handed over.
    NonFinite { what: &'static str, index: usize },
    /// A number lies outside what the definition allows.
    OutOfRange {
        what: &'static str,
        value: f64,
        allowed: &'static str,
    },
    /// Two slices that must run in parallel have different lengths.
    LengthMismatch {
        what: &'static str,
        expected: usize,
        found: usize,
    },
    /// A reader study in which a (modality, reader, case) cell is missing or given twice.
    IncompleteDesign {
        modality: String,
        reader: String,
        reason: &'static str,
    },
    /// Two records disagree about a fact that is one by definition.
    Contradiction { what: &'static str, index: usize },
    /// The quantity is undefined for these data (a zero variance, a zero denominator).
    NotEstimable {
        what: &'static str,
        reason: &'static str,
    },
    /// An iterative fit did not settle.
    NoConvergence { what: &'static str },
}

impl fmt::Display for EvaluationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyGroup { group } => write!(f, "{group} holds no observation"),
            Self::TooFew { what, have, need } => {
                write!(f, "{what}: {have} given, at least {need} needed")
            }
            Self::OneClassOnly { present } => {
                write!(
                    f,
                    "only {present} cases are present; both classes are needed"
                )
            }
            Self::NonFinite { what, index } => {
                write!(f, "{what} at index {index} is not a finite number")
            }
            Self::OutOfRange {
                what,
                value,
                allowed,
            } => write!(f, "{what} is {value}; allowed: {allowed}"),
            Self::LengthMismatch {
                what,
                expected,
                found,
            } => write!(f, "{what}: {expected} expected, {found} found"),
            Self::IncompleteDesign {
                modality,
                reader,
                reason,
            } => write!(
                f,
                "the study is not fully crossed: modality '{modality}', reader '{reader}': {reason}"
            ),
            Self::Contradiction { what, index } => {
                write!(f, "record {index} contradicts an earlier one: {what}")
            }
            Self::NotEstimable { what, reason } => {
                write!(f, "{what} cannot be estimated: {reason}")
            }
            Self::NoConvergence { what } => write!(f, "{what}: the fit did not converge"),
        }
    }
}

impl std::error::Error for EvaluationError {}

/// Refuses NaN and infinities, naming the first place.
pub(crate) fn finite(what: &'static str, values: &[f64]) -> Result<(), EvaluationError> {
    match values.iter().position(|v| !v.is_finite()) {
        Some(index) => Err(EvaluationError::NonFinite { what, index }),
        None => Ok(()),
    }
}

/// Refuses slices that do not run in parallel.
pub(crate) fn same_length(
    what: &'static str,
    expected: usize,
    found: usize,
) -> Result<(), EvaluationError> {
    if expected == found {
        Ok(())
    } else {
        Err(EvaluationError::LengthMismatch {
            what,
            expected,
            found,
        })
    }
}

/// Refuses fewer than `need` observations.
pub(crate) fn at_least(
    what: &'static str,
    have: usize,
    need: usize,
) -> Result<(), EvaluationError> {
    if have >= need {
        Ok(())
    } else {
        Err(EvaluationError::TooFew { what, have, need })
    }
}

/// Refuses a value outside the open interval (0, 1).
pub(crate) fn open_unit(what: &'static str, value: f64) -> Result<(), EvaluationError> {
    if value > 0.0 && value < 1.0 {
        Ok(())
    } else {
        Err(EvaluationError::OutOfRange {
            what,
            value,
            allowed: "between 0 and 1, both excluded",
        })
    }
}

/// Refuses probabilities outside [0, 1].
pub(crate) fn probabilities(what: &'static str, values: &[f64]) -> Result<(), EvaluationError> {
    finite(what, values)?;
    match values.iter().find(|v| !(0.0..=1.0).contains(*v)) {
        Some(&value) => Err(EvaluationError::OutOfRange {
            what,
            value,
            allowed: "0 to 1",
        }),
        None => Ok(()),
    }
}
