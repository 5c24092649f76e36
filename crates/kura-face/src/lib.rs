//! Faces and ears taken out of volumes of the head (MR and CT), so that nobody is known by the
//! surface that can be rendered of them; the brain stays as it was, byte for byte.
//!
//! The way: the volume in blocks of 2 mm → a template laid on it by mutual information → the fit
//! judged, and refused where it is poor → the brain located and protected → what lies where the
//! template has face and ears filled with the value of air → brain, removed voxels and remaining
//! skin counted. Coordinates are mm in RAS, indices `[i, j, k]` with `i` fastest.

mod affine;
mod brain;
mod deface;
mod dicom;
mod error;
mod grid;
mod judge;
mod nifti;
mod optimise;
mod register;
mod render;
mod report;
mod skin;
mod template;
mod volume;
mod work;

pub use affine::Affine;
pub use deface::{Defaced, Modality, Options, deface};
pub use dicom::{Slices, from_series, stored_fill};
pub use error::Refused;
pub use nifti::{MAX_BYTES, Nifti};
pub use render::{Picture, View, render};
pub use report::{BrainReport, Face, FitReport, RemovedReport, Report, SurfaceReport};
pub use volume::{DataType, MAX_VOXELS, Mask, Storage, Volume};
