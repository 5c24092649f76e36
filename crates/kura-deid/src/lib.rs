//! De-identification: (policy, object, keys) in, (processed object, change report) out.
//!
//! The crate is pure: it reaches no store and no disk. Policies are data under `policies/`;
//! every rule has an id, a reason in Japanese and English, and a source.

pub mod dicom;
pub mod fhir;
pub mod hunt;
mod japan;
pub mod keys;
pub mod known;
pub mod policy;
pub mod tables;
pub mod text;

pub use japan::is_region;
