//! The crate as others use it.

mod report;
