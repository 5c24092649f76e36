//! Cases, outcomes and features out of the tables of a data set.
//!
//! A *case* is one moment at which a prediction is asked for: a patient and an *index time*. Its
//! *outcome* is what happened within the look-ahead after that moment; its *features* are what
//! was known at that moment. All three are said in SQL over the set's tables, by the words of
//! `kura dataset tables`. The engine sees to it that nothing after the index time gets in:
//! measurements are joined by time, and what comes ready by case must say when it was known. An
//! author who writes a false time deceives it; the report shows the SQL.
//!
//! The same SQL runs on the tables of one patient at the bedside ([`Workspace::add`]): what a
//! model is trained on and what it is asked with are made by the same words.
//!
//! Times are milliseconds since 1970, UTC, as in the tables.

mod build;
mod feature_set;
mod spec;
mod workspace;

pub use build::{Cases, Finding, Gathered, NO_CASE, NO_OUTCOME, build};
pub use spec::{Agreement, CasesSpec, Feature, FeatureSet, Outcome, Take};
pub use workspace::Workspace;

/// Milliseconds of an hour.
pub(crate) const HOUR: f64 = 3_600_000.0;
