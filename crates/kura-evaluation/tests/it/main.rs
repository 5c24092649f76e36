//! Published tables and figures, reproduced.

mod agreement;
mod calibration;
mod clustered_auc;
mod data;
mod endobrain;
mod free_response;
mod inferread;
mod margins;
mod proc_asah;
mod properties;
mod refusals;
mod sample_sizes;
mod subgroups;
mod van_dyke;

#[track_caller]
fn close(found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance,
        "found {found}, expected {expected}"
    );
}
