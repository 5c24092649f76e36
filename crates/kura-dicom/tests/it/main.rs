//! Tests of `kura-dicom` over whole files.

mod build;
mod conformance;
mod hostile;
mod reading;
