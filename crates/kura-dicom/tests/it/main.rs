//! Tests of `kura-dicom` over whole files.

mod build;
mod conformance;
mod derived;
mod hostile;
mod reading;
mod volume;
