//! A series of slices as one volume in the patient's space.

mod geometry;
mod planes;
mod resample;

use std::path::PathBuf;

use kura_model::Refusal;

use crate::limits::Limits;
use crate::pixel::decode_frame;
use crate::pixel::frame::Pixels;
pub use geometry::Geometry;
use planes::{Plane, Scan};
pub use resample::{Interpolation, labels_on};

/// Voxels of one volume: 2 GiB of values.
pub const MAX_VOXELS: usize = 512 * 512 * 2048;

/// A stored image or one frame of it, as another object refers to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SliceRef {
    pub sop_class: String,
    pub sop_instance: String,
    /// From 1, as Referenced Frame Number (0008,1160); `None` for an object of one frame.
    pub frame: Option<u32>,
}

/// A series read whole.
#[derive(Debug, Clone)]
pub struct Volume {
    pub geometry: Geometry,
    /// `[slice, row, column]` one after another, in [`Volume::unit`] (Modality LUT, PS3.3 C.11.1).
    /// Padding (PS3.3 C.7.5.1.1.2) is left as it is.
    pub values: Vec<f32>,
    /// As [`crate::Frame::unit`].
    pub unit: Option<String>,
    /// One for each slice.
    pub slices: Vec<SliceRef>,
    /// Image Position (Patient) of each slice as stored, mm. Within 1 % of the spacing of what
    /// [`Volume::geometry`] says.
    pub positions: Vec<[f64; 3]>,
    /// Study Instance UID.
    pub study: String,
    /// Series Instance UID.
    pub series: String,
    pub frame_of_reference: Option<String>,
}

/// Reads the slices of one series, given in any order, as objects of one frame each or as
/// enhanced multi-frame objects. They are put in order along the normal of the slices (the cross
/// product of the row's and the column's direction, PS3.3 C.7.6.2.1.1), never by number.
/// Localizers (Image Type, PS3.3 C.7.6.1.1.2) are left out where other images remain.
///
/// Memory: the values, one slice, and a note of a few hundred bytes for each slice.
///
/// # Errors
/// Those of [`crate::read_header`] and [`decode_frame`], and, with the file's index and the
/// attribute as the place:
/// `volume-position` and `volume-orientation` (none, or not one), `volume-spacing` (no pixel
/// spacing), `volume-colour`, `volume-frames` (frames without a place in space),
/// `volume-mixed` (more than one series, frame of reference, orientation, size, pixel spacing or
/// unit), `volume-same-position` (two slices at one place: echoes, phases, times),
/// `volume-gap` (the distances of the slices differ by more than 1 %), `volume-tilt` (the slices
/// are not stacked along their normal: a tilted gantry), `volume-one-slice`, `volume-limit`
/// (more than [`MAX_VOXELS`]).
pub fn read_volume(files: &[PathBuf], limits: &Limits) -> Result<Volume, Refusal> {
    let Scan {
        study,
        series,
        frame_of_reference,
        planes,
    } = planes::scan(files, limits)?;
    let (geometry, planes) = planes::stack(planes)?;
    let (values, unit) = read_values(files, limits, &geometry, &planes)?;
    let positions = planes.iter().map(|plane| plane.position).collect();
    let slices = planes
        .into_iter()
        .map(|plane| SliceRef {
            sop_class: plane.sop_class,
            sop_instance: plane.sop_instance,
            frame: plane.multiframe.then_some(plane.frame + 1),
        })
        .collect();
    Ok(Volume {
        geometry,
        values,
        unit,
        slices,
        positions,
        study,
        series,
        frame_of_reference,
    })
}

fn read_values(
    files: &[PathBuf],
    limits: &Limits,
    geometry: &Geometry,
    planes: &[Plane],
) -> Result<(Vec<f32>, Option<String>), Refusal> {
    let refuse = |rule: &str, message: &str, plane: &Plane, tag: &str| {
        Err(Refusal::new(rule, message).at_path(plane.place(tag)))
    };
    let voxels = geometry.voxels();
    let mut values: Vec<f32> = Vec::new();
    let mut unit: Option<Option<String>> = None;
    for plane in planes {
        let frame = decode_frame(&files[plane.file], plane.frame, limits)
            .map_err(|refusal| planes::in_file(refusal, plane.file))?;
        let Pixels::Gray {
            stored,
            slope,
            intercept,
        } = &frame.pixels
        else {
            return refuse(
                "volume-colour",
                "a volume is made of grey values",
                plane,
                "(0028,0004)",
            );
        };
        if [frame.columns as usize, frame.rows as usize] != geometry.size[..2] {
            return refuse(
                "volume-mixed",
                "the slices differ in size",
                plane,
                "(0028,0010)",
            );
        }
        if *unit.get_or_insert_with(|| frame.unit.clone()) != frame.unit {
            return refuse(
                "volume-mixed",
                "the slices differ in unit",
                plane,
                "(0028,1054)",
            );
        }
        if values.is_empty() && values.try_reserve_exact(voxels).is_err() {
            return refuse(
                "volume-limit",
                "there is not enough memory",
                plane,
                "(0028,0010)",
            );
        }
        values.extend(
            (0..stored.len())
                .filter_map(|at| stored.get(at))
                .map(|value| (value * slope + intercept) as f32),
        );
    }
    if values.len() != voxels {
        return Err(Refusal::new(
            "dicom-pixel-length",
            "fewer pixels than rows and columns ask for",
        ));
    }
    Ok((values, unit.flatten()))
}
