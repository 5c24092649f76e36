//! Has what comes in changed since the reference period?
//!
//! Each feature is compared by a distance, a test and a size of effect. With much data a test
//! finds what does not matter, so a finding needs both: the false discovery rate over all features,
//! and an effect of the size agreed on. Drift of inputs is no loss of performance; it is a reason
//! to measure performance.

mod distance;
mod report;

pub use distance::{
    CategoricalDrift, KolmogorovSmirnov, NumericDrift, chi_square_homogeneity, cohen_d,
    kolmogorov_smirnov, population_stability_index, population_stability_index_numeric,
    wasserstein_1,
};
pub use report::{
    DriftPlan, DriftReport, DriftResult, Feature, FeatureDrift, FeatureValues, drift,
};
