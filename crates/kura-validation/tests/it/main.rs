//! The validator on published profiles and examples.
#![allow(
    clippy::print_stdout,
    reason = "says what is skipped and what was found"
)]

mod expansions;
mod hostile;
mod jp;
mod r4_examples;
mod rules;
mod snapshots;
mod support;
