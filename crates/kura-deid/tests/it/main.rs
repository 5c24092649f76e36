//! Tests of `kura-deid` over whole objects.

mod build;
mod dicom;
mod pydicom;
mod tables;
