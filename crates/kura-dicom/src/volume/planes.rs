//! Where each slice of a series lies, and whether together they are a volume.

use std::fs::File;
use std::path::PathBuf;

use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use kura_model::Refusal;

use super::MAX_VOXELS;
use super::geometry::{Geometry, cross, dot};
use crate::header::{Header, decimals};
use crate::limits::Limits;
use crate::read::read_header;
use crate::tag_text;

/// Direction cosines are written with six decimals or more; what differs by more is another
/// direction (0.03 mm at the edge of a slice of 300 mm).
const SAME_DIRECTION: f64 = 1e-4;
/// mm. Nearer than this, two slices are at one position.
const SAME_POSITION: f64 = 1e-3;
/// Of the mean distance.
const UNEVEN: f64 = 0.01;
/// Of the smaller pixel spacing: how far a slice may lie beside the line along the normal.
const BESIDE: f64 = 0.1;
/// mm. What is further from the origin, or larger, is a damaged number.
const FURTHEST: f64 = 1e6;

/// One slice: its place in space (PS3.3 C.7.6.2) and where its pixels are.
#[derive(Debug, Clone)]
pub(super) struct Plane {
    /// Index of the file.
    pub(super) file: usize,
    /// From 0.
    pub(super) frame: u32,
    pub(super) multiframe: bool,
    pub(super) sop_class: String,
    pub(super) sop_instance: String,
    pub(super) position: [f64; 3],
    /// Unit vectors along the row and along the column.
    row: [f64; 3],
    column: [f64; 3],
    /// mm between columns, between rows.
    spacing: [f64; 2],
    /// Columns, rows.
    size: [usize; 2],
}

impl Plane {
    pub(super) fn place(&self, tag: &str) -> String {
        if self.multiframe {
            format!("files[{}].(5200,9230)[{}].{tag}", self.file, self.frame)
        } else {
            format!("files[{}].{tag}", self.file)
        }
    }

    fn refuse(&self, rule: &str, message: &str, tag: Tag) -> Refusal {
        Refusal::new(rule, message).at_path(self.place(&tag_text(tag)))
    }
}

/// The slices of one series in the order of the files.
pub(super) struct Scan {
    pub(super) study: String,
    pub(super) series: String,
    pub(super) frame_of_reference: Option<String>,
    pub(super) planes: Vec<Plane>,
}

/// Says of which file a refusal is. A file's name may tell who the patient is; its index does not.
pub(super) fn in_file(refusal: Refusal, file: usize) -> Refusal {
    let path = match &refusal.location.path {
        Some(path) => format!("files[{file}].{path}"),
        None => format!("files[{file}]"),
    };
    refusal.at_path(path)
}

/// What of a header concerns the whole series.
#[derive(PartialEq)]
struct Whole {
    study: String,
    series: String,
    frame_of_reference: Option<String>,
}

pub(super) fn scan(files: &[PathBuf], limits: &Limits) -> Result<Scan, Refusal> {
    // A localizer is refused only where nothing else remains, so its refusals wait.
    let mut localizers = Vec::new();
    let mut found: Option<Scan> = None;
    for (at, path) in files.iter().enumerate() {
        let header = File::open(path)
            .map_err(|_| Refusal::new("dicom-io", "the file could not be opened"))
            .and_then(|file| read_header(file, limits))
            .map_err(|refusal| in_file(refusal, at))?;
        if header
            .texts(tags::IMAGE_TYPE)
            .iter()
            .any(|kind| kind == "LOCALIZER")
        {
            localizers.push(at);
            continue;
        }
        take(&mut found, &header, at)?;
    }
    if found.is_none() {
        for at in localizers {
            let header = File::open(&files[at])
                .map_err(|_| Refusal::new("dicom-io", "the file could not be opened"))
                .and_then(|file| read_header(file, limits))
                .map_err(|refusal| in_file(refusal, at))?;
            take(&mut found, &header, at)?;
        }
    }
    found.ok_or_else(|| Refusal::new("volume-one-slice", "a volume needs two slices or more"))
}

fn take(found: &mut Option<Scan>, header: &Header, file: usize) -> Result<(), Refusal> {
    let whole = Whole {
        study: header.study_instance_uid().unwrap_or_default(),
        series: header.series_instance_uid().unwrap_or_default(),
        frame_of_reference: header.text(tags::FRAME_OF_REFERENCE_UID),
    };
    let planes = planes(header, file).map_err(|refusal| in_file(refusal, file))?;
    let Some(scan) = found else {
        *found = Some(Scan {
            study: whole.study,
            series: whole.series,
            frame_of_reference: whole.frame_of_reference,
            planes,
        });
        return Ok(());
    };
    for (differs, tag) in [
        (scan.study != whole.study, tags::STUDY_INSTANCE_UID),
        (scan.series != whole.series, tags::SERIES_INSTANCE_UID),
        (
            scan.frame_of_reference != whole.frame_of_reference,
            tags::FRAME_OF_REFERENCE_UID,
        ),
    ] {
        if differs {
            let message = "the files are not of one series and frame of reference";
            return Err(in_file(
                Refusal::new("volume-mixed", message).at_path(tag_text(tag)),
                file,
            ));
        }
    }
    scan.planes.extend(planes);
    Ok(())
}

/// The slices of one object. Places of refusals are within the file.
fn planes(header: &Header, file: usize) -> Result<Vec<Plane>, Refusal> {
    if header.pixel().is_none() {
        return Err(Refusal::new(
            "dicom-no-pixels",
            "the object has no pixel data",
        ));
    }
    let grey = header.number(tags::SAMPLES_PER_PIXEL).unwrap_or(1) == 1
        && header
            .photometric_interpretation()
            .is_none_or(|kind| kind.starts_with("MONOCHROME"));
    if !grey {
        return Err(
            Refusal::new("volume-colour", "a volume is made of grey values")
                .at_path(tag_text(tags::PHOTOMETRIC_INTERPRETATION)),
        );
    }
    let side = |tag: Tag| {
        header
            .number(tag)
            .filter(|side| *side > 0)
            .map(|side| side as usize)
            .ok_or_else(|| {
                Refusal::new("dicom-pixel-description", "missing, zero or not a number")
                    .at_path(tag_text(tag))
            })
    };
    let size = [side(tags::COLUMNS)?, side(tags::ROWS)?];
    let object = header.object();
    let frames = header.number_of_frames();
    // PS3.3 C.7.6.16
    let shared = items(object, tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE).and_then(<[_]>::first);
    let per_frame = items(object, tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE);
    let multiframe = shared.is_some() || per_frame.is_some();
    let places: Vec<Places<'_>> = if multiframe {
        let per_frame = per_frame.unwrap_or_default();
        if per_frame.len() != frames as usize {
            return Err(
                Refusal::new("volume-frames", "not one functional group for each frame")
                    .at_path(tag_text(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE)),
            );
        }
        per_frame
            .iter()
            .map(|own| Places::Groups([Some(own), shared]))
            .collect()
    } else if frames == 1 {
        vec![Places::Top(object)]
    } else {
        return Err(
            Refusal::new("volume-frames", "the frames have no place in space")
                .at_path(tag_text(tags::NUMBER_OF_FRAMES)),
        );
    };
    let sop_class = header.sop_class_uid().unwrap_or_default();
    let sop_instance = header.sop_instance_uid().unwrap_or_default();
    places
        .into_iter()
        .zip(0..)
        .map(|(place, frame)| {
            let (position, row, column, spacing) = place.read(multiframe.then_some(frame))?;
            Ok(Plane {
                file,
                frame,
                multiframe,
                sop_class: sop_class.clone(),
                sop_instance: sop_instance.clone(),
                position,
                row,
                column,
                spacing,
                size,
            })
        })
        .collect()
}

fn items(object: &InMemDicomObject, tag: Tag) -> Option<&[InMemDicomObject]> {
    object.get(tag)?.items()
}

/// Where the attributes of the image plane are.
enum Places<'a> {
    /// Image Plane Module, PS3.3 C.7.6.2.
    Top(&'a InMemDicomObject),
    /// Functional groups, the frame's before the shared: PS3.3 C.7.6.16.2.1, .3 and .4.
    Groups([Option<&'a InMemDicomObject>; 2]),
}

type InSpace = ([f64; 3], [f64; 3], [f64; 3], [f64; 2]);

impl Places<'_> {
    fn numbers<const N: usize>(&self, sequence: Tag, tag: Tag) -> Option<[f64; N]> {
        let values = match self {
            Self::Top(object) => decimals(object, tag),
            Self::Groups(groups) => {
                let group = groups
                    .iter()
                    .flatten()
                    .find_map(|group| items(group, sequence)?.first())?;
                decimals(group, tag)
            }
        };
        values.try_into().ok()
    }

    fn read(&self, frame: Option<u32>) -> Result<InSpace, Refusal> {
        let refuse = |rule: &str, message: &str, tag: Tag| {
            let place = match frame {
                Some(frame) => format!("(5200,9230)[{frame}].{}", tag_text(tag)),
                None => tag_text(tag),
            };
            Refusal::new(rule, message).at_path(place)
        };
        let position = self
            .numbers(tags::PLANE_POSITION_SEQUENCE, tags::IMAGE_POSITION_PATIENT)
            .filter(|position: &[f64; 3]| position.iter().all(|at| at.abs() < FURTHEST))
            .ok_or_else(|| {
                let message = "the slice has no position in the patient's space";
                refuse("volume-position", message, tags::IMAGE_POSITION_PATIENT)
            })?;
        let orientation = || {
            let message = "the slice has no two perpendicular directions";
            refuse(
                "volume-orientation",
                message,
                tags::IMAGE_ORIENTATION_PATIENT,
            )
        };
        let [a, b, c, d, e, f] = self
            .numbers(
                tags::PLANE_ORIENTATION_SEQUENCE,
                tags::IMAGE_ORIENTATION_PATIENT,
            )
            .ok_or_else(orientation)?;
        let (row, column) = perpendicular([a, b, c], [d, e, f]).ok_or_else(orientation)?;
        let [between_rows, between_columns] = self
            .numbers(tags::PIXEL_MEASURES_SEQUENCE, tags::PIXEL_SPACING)
            .filter(|spacing: &[f64; 2]| spacing.iter().all(|step| *step > 0.0 && *step < FURTHEST))
            .ok_or_else(|| {
                let message = "the slice has no pixel spacing";
                refuse("volume-spacing", message, tags::PIXEL_SPACING)
            })?;
        Ok((position, row, column, [between_columns, between_rows]))
    }
}

/// Unit vectors of what is written with few digits: the row's as it is, the column's made
/// perpendicular to it. `None` where they are more than rounding away from that.
fn perpendicular(row: [f64; 3], column: [f64; 3]) -> Option<([f64; 3], [f64; 3])> {
    let unit = |v: [f64; 3]| {
        let length = dot(v, v).sqrt();
        ((length - 1.0).abs() < 10.0 * SAME_DIRECTION).then(|| v.map(|part| part / length))
    };
    let row = unit(row)?;
    let slant = dot(row, unit(column)?);
    if slant.abs() > 10.0 * SAME_DIRECTION {
        return None;
    }
    let column = unit(std::array::from_fn(|at| column[at] - slant * row[at]))?;
    Some((row, column))
}

/// Puts the slices in order and checks that they are a regular stack.
pub(super) fn stack(mut planes: Vec<Plane>) -> Result<(Geometry, Vec<Plane>), Refusal> {
    let Some(first) = planes.first().cloned() else {
        return Err(Refusal::new(
            "volume-one-slice",
            "a volume needs two slices or more",
        ));
    };
    for plane in &planes {
        alike(&first, plane)?;
    }
    if planes.len() < 2 {
        return Err(first.refuse(
            "volume-one-slice",
            "a volume needs two slices or more",
            tags::IMAGE_POSITION_PATIENT,
        ));
    }
    let normal = cross(first.row, first.column);
    let along = |plane: &Plane| dot(plane.position, normal);
    planes.sort_by(|a, b| along(a).total_cmp(&along(b)));
    for pair in planes.windows(2) {
        if along(&pair[1]) - along(&pair[0]) < SAME_POSITION {
            return Err(pair[1].refuse(
                "volume-same-position",
                "two slices lie at one position: echoes, phases or times",
                tags::IMAGE_POSITION_PATIENT,
            ));
        }
    }
    let (bottom, top) = (&planes[0], &planes[planes.len() - 1]);
    let step = (along(top) - along(bottom)) / (planes.len() - 1) as f64;
    let origin = bottom.position;
    let beside = BESIDE * first.spacing[0].min(first.spacing[1]);
    for (at, plane) in planes.iter().enumerate() {
        let distance = along(plane) - along(bottom);
        let from_last = at
            .checked_sub(1)
            .map_or(step, |last| along(plane) - along(&planes[last]));
        if (from_last - step).abs() > UNEVEN * step {
            return Err(plane.refuse(
                "volume-gap",
                "the slices are not at equal distances",
                tags::IMAGE_POSITION_PATIENT,
            ));
        }
        let off: [f64; 3] =
            std::array::from_fn(|x| plane.position[x] - origin[x] - distance * normal[x]);
        if dot(off, off).sqrt() > beside {
            return Err(plane.refuse(
                "volume-tilt",
                "the slices are not stacked along their normal",
                tags::IMAGE_POSITION_PATIENT,
            ));
        }
    }
    let geometry = Geometry {
        size: [first.size[0], first.size[1], planes.len()],
        spacing: [first.spacing[0], first.spacing[1], step],
        origin,
        axes: [first.row, first.column, normal],
    };
    if geometry.voxels() > MAX_VOXELS {
        return Err(first.refuse("volume-limit", "more voxels than allowed", tags::ROWS));
    }
    Ok((geometry, planes))
}

fn alike(first: &Plane, plane: &Plane) -> Result<(), Refusal> {
    let near =
        |a: &[f64], b: &[f64], within: f64| a.iter().zip(b).all(|(a, b)| (a - b).abs() <= within);
    for (same, message, tag) in [
        (
            first.size == plane.size,
            "the slices differ in size",
            tags::ROWS,
        ),
        (
            near(&first.row, &plane.row, SAME_DIRECTION)
                && near(&first.column, &plane.column, SAME_DIRECTION),
            "the slices differ in orientation",
            tags::IMAGE_ORIENTATION_PATIENT,
        ),
        (
            near(
                &first.spacing,
                &plane.spacing,
                SAME_DIRECTION * first.spacing[0],
            ),
            "the slices differ in pixel spacing",
            tags::PIXEL_SPACING,
        ),
    ] {
        if !same {
            return Err(plane.refuse("volume-mixed", message, tag));
        }
    }
    Ok(())
}
