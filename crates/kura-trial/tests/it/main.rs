//! Tests on real data, on faults made on purpose, and on the report.

mod colonoscopy;
mod data;
mod refusals;
mod report;
mod van_dyke;

/// Fails with both numbers.
#[track_caller]
pub fn close(found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance,
        "{found} is not {expected} ± {tolerance}"
    );
}
