//! Tests of `kura-dicom` over whole files.

mod build;
mod conformance;
mod derived;
mod derived_edges;
mod hostile;
mod reading;
mod volume;
