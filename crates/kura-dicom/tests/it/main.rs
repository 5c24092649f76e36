//! Tests of `kura-dicom` over whole files.

mod build;
mod conformance;
mod derived;
mod derived_edges;
mod hostile;
mod overlays;
mod pieces;
mod pixels;
mod reading;
mod tools;
mod transcoding;
mod transcoding_edges;
mod volume;
