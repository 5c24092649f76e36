//! Segmentation objects: PS3.3 A.51 and C.8.20.

use dicom_core::{PrimitiveValue, Tag, VR};
use dicom_dictionary_std::{tags, uids};
use kura_model::Refusal;

use super::colour::cie_lab;
use super::dataset::{
    Object, checked, checked_uid, item, put, put_code, put_empty, put_items, put_numbers,
};
use super::instance::{RESEARCH, begin, finish, shorts};
use super::{Code, Made, Tool, tracking_uid};
use crate::header::Header;
use crate::volume::{SliceRef, Volume};

/// Bytes of pixel data of one object.
const MAX_BYTES: u64 = 512 << 20;

/// What one label stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// For people, at most 64 characters.
    pub label: String,
    /// Segmented Property Category, CID 7150: tissue, anatomical structure, abnormal structure…
    pub category: Code,
    /// Segmented Property Type, CID 7151: brain, mass…
    pub kind: Code,
    /// sRGB.
    pub colour: Option<[u8; 3]>,
}

/// A Segmentation Storage object (whole file, Explicit VR Little Endian) of type BINARY in the
/// geometry of the source's slices: one frame for each slice in which a segment has voxels.
///
/// `source` is the header of any slice of `volume`; `labels` has one byte for each voxel, in the
/// order of [`Volume::values`]: 0 for nothing, n for `segments[n - 1]`.
///
/// # Errors
/// `derived-labels` (not one for each voxel, or a label without a segment), `derived-empty` (no
/// voxel is labelled, and a Segmentation needs a frame), `derived-source` (`source` is not of the
/// volume's series, or the volume has no frame of reference), `derived-size` (more than 512 MiB or
/// 65,535 frames), `derived-text`, `derived-time`, `dicom-uid`, `dicom-write`.
pub fn segmentation(
    source: &Header,
    volume: &Volume,
    labels: &[u8],
    segments: &[Segment],
    tool: &Tool,
    made: &Made,
) -> Result<Vec<u8>, Refusal> {
    let class = uids::SEGMENTATION_STORAGE;
    let frames = frames(volume, labels, segments)?;
    let frame_of_reference = frame_of_reference(source, volume)?;
    let mut object = begin(source, class, "SEG", tool, made)?;
    let o = &mut object;
    put(
        o,
        tags::FRAME_OF_REFERENCE_UID,
        VR::UI,
        checked_uid(frame_of_reference, 0, "(0020,0052)")?,
    );
    match source.object().get(tags::POSITION_REFERENCE_INDICATOR) {
        Some(element) => {
            o.put(element.clone());
        }
        None => put_empty(o, tags::POSITION_REFERENCE_INDICATOR, VR::LO),
    }
    image(o, source, volume, frames.len());
    if made.research_only {
        put(o, tags::CONTENT_DESCRIPTION, VR::LO, RESEARCH);
    } else {
        put_empty(o, tags::CONTENT_DESCRIPTION, VR::LO);
    }
    put_items(
        o,
        tags::SEGMENT_SEQUENCE,
        segments
            .iter()
            .zip(1..)
            .map(|(segment, number)| described(segment, number, tool, made))
            .collect::<Result<_, _>>()?,
    );
    dimensions(o, made);
    groups(o, volume, &frames)?;
    references(o, volume, &frames);
    let pixels = packed(volume, labels, &frames);
    finish(source, object, class, made, Some(&pixels))
}

/// One frame: the voxels of one segment in one slice.
struct Frame {
    /// From 1.
    segment: u8,
    slice: usize,
    /// Dimension Index Values (0020,9157): the ranks of segment and slice among those that have a
    /// frame, from 1 (PS3.3 C.7.6.17.1).
    ranks: [u32; 2],
}

/// By segment, then by slice.
fn frames(volume: &Volume, labels: &[u8], segments: &[Segment]) -> Result<Vec<Frame>, Refusal> {
    let [columns, rows, slices] = volume.geometry.size;
    let plane = columns * rows;
    if plane == 0
        || labels.len() != volume.geometry.voxels()
        || volume.slices.len() != slices
        || volume.positions.len() != slices
    {
        let message = "not one label for each voxel and one reference for each slice";
        return Err(Refusal::new("derived-labels", message));
    }
    let mut present = vec![[false; 256]; slices];
    for (labels, present) in labels.chunks(plane).zip(&mut present) {
        for label in labels {
            present[usize::from(*label)] = true;
        }
    }
    let anywhere = |label: usize| present.iter().any(|slice| slice[label]);
    if (segments.len() + 1..256).any(anywhere) {
        let message = "a label has no segment";
        return Err(Refusal::new("derived-labels", message));
    }
    let mut rank_of_slice = vec![0; slices];
    let mut rank = 0;
    for (at, slice) in present.iter().enumerate() {
        if slice[1..].contains(&true) {
            rank += 1;
            rank_of_slice[at] = rank;
        }
    }
    let mut frames = Vec::new();
    let mut rank_of_segment = 0;
    for segment in 1..=u8::MAX {
        let label = usize::from(segment);
        if !anywhere(label) {
            continue;
        }
        rank_of_segment += 1;
        frames.extend(
            (0..slices)
                .filter(|slice| present[*slice][label])
                .map(|slice| Frame {
                    segment,
                    slice,
                    ranks: [rank_of_segment, rank_of_slice[slice]],
                }),
        );
    }
    if frames.is_empty() {
        let message = "no voxel is labelled: there is nothing to store";
        return Err(Refusal::new("derived-empty", message));
    }
    let bits = frames.len() as u64 * plane as u64;
    let most = usize::from(u16::MAX);
    if bits.div_ceil(8) > MAX_BYTES || [columns, rows, frames.len()].iter().any(|n| *n > most) {
        let message = "more or larger frames than allowed";
        return Err(Refusal::new("derived-size", message).at_path("(0028,0008)"));
    }
    Ok(frames)
}

fn frame_of_reference<'v>(source: &Header, volume: &'v Volume) -> Result<&'v str, Refusal> {
    let refuse =
        |message: &str, place: &str| Err(Refusal::new("derived-source", message).at_path(place));
    let same = |uid: Option<String>, expected: &str| uid.unwrap_or_default() == expected;
    if !same(source.study_instance_uid(), &volume.study) {
        return refuse("the header is not of the volume's study", "(0020,000D)");
    }
    if !same(source.series_instance_uid(), &volume.series) {
        return refuse("the header is not of the volume's series", "(0020,000E)");
    }
    match volume.frame_of_reference.as_deref() {
        Some(uid) => Ok(uid),
        None => refuse("the source has no frame of reference", "(0020,0052)"),
    }
}

/// General Image (C.7.6.1), Image Pixel (C.7.6.3) and Segmentation Image (C.8.20.2).
fn image(o: &mut Object, source: &Header, volume: &Volume, frames: usize) {
    let [columns, rows, _] = volume.geometry.size;
    let strings = |values: [&str; 2]| PrimitiveValue::Strs(values.map(str::to_owned).into());
    put(o, tags::IMAGE_TYPE, VR::CS, strings(["DERIVED", "PRIMARY"]));
    put(o, tags::NUMBER_OF_FRAMES, VR::IS, frames.to_string());
    for (tag, value) in [
        (tags::SAMPLES_PER_PIXEL, 1),
        (tags::BITS_ALLOCATED, 1),
        (tags::BITS_STORED, 1),
        (tags::HIGH_BIT, 0),
        (tags::PIXEL_REPRESENTATION, 0),
        // `frames` has refused what does not fit.
        (tags::ROWS, rows as u16),
        (tags::COLUMNS, columns as u16),
    ] {
        put(o, tag, VR::US, shorts(&[value]));
    }
    put(o, tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2");
    // C.7.6.1.1.5: what is derived from lossy pixels is lossy.
    let lossy = source.text(tags::LOSSY_IMAGE_COMPRESSION).as_deref() == Some("01");
    let lossy_text = if lossy { "01" } else { "00" };
    put(o, tags::LOSSY_IMAGE_COMPRESSION, VR::CS, lossy_text);
    if lossy {
        for tag in [
            tags::LOSSY_IMAGE_COMPRESSION_RATIO,
            tags::LOSSY_IMAGE_COMPRESSION_METHOD,
        ] {
            if let Some(element) = source.object().get(tag) {
                o.put(element.clone());
            }
        }
    }
    for tag in [tags::BODY_PART_EXAMINED, tags::LATERALITY] {
        if let Some(element) = source.object().get(tag) {
            o.put(element.clone());
        }
    }
    put(o, tags::SEGMENTATION_TYPE, VR::CS, "BINARY");
    put(o, tags::SEGMENTS_OVERLAP, VR::CS, "NO");
    put(o, tags::CONTENT_LABEL, VR::CS, "SEGMENTATION");
    put_empty(o, tags::CONTENT_CREATOR_NAME, VR::PN);
}

/// Segment Description (C.8.20.4).
fn described(segment: &Segment, number: u16, tool: &Tool, made: &Made) -> Result<Object, Refusal> {
    let place = |tag: Tag| {
        let sequence = crate::tag_text(tags::SEGMENT_SEQUENCE);
        format!("{sequence}[{}].{}", number - 1, crate::tag_text(tag))
    };
    let label = checked(&segment.label, 64, &place(tags::SEGMENT_LABEL))?;
    let mut out = Object::new_empty();
    let o = &mut out;
    put(o, tags::SEGMENT_NUMBER, VR::US, shorts(&[number]));
    put(o, tags::SEGMENT_LABEL, VR::LO, label);
    put(o, tags::SEGMENT_ALGORITHM_TYPE, VR::CS, "AUTOMATIC");
    put(o, tags::SEGMENT_ALGORITHM_NAME, VR::LO, &*tool.model_name);
    // Algorithm Identification Macro (PS3.3 10.16)
    let mut algorithm = Object::new_empty();
    // CID 7162
    let family = Code::new("123110", "DCM", "Artificial Intelligence");
    put_code(
        &mut algorithm,
        tags::ALGORITHM_FAMILY_CODE_SEQUENCE,
        &family,
    )?;
    for (tag, text) in [
        (tags::ALGORITHM_NAME, &tool.model_name),
        (tags::ALGORITHM_VERSION, &tool.version),
        (tags::ALGORITHM_SOURCE, &tool.manufacturer),
    ] {
        put(&mut algorithm, tag, VR::LO, text.as_str());
    }
    put_items(
        o,
        tags::SEGMENTATION_ALGORITHM_IDENTIFICATION_SEQUENCE,
        vec![algorithm],
    );
    put_code(
        o,
        tags::SEGMENTED_PROPERTY_CATEGORY_CODE_SEQUENCE,
        &segment.category,
    )?;
    put_code(
        o,
        tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE,
        &segment.kind,
    )?;
    // So that a report about the segment speaks of the same thing.
    put(o, tags::TRACKING_ID, VR::UT, label);
    let tracking = tracking_uid(&made.instance_uid, number);
    put(o, tags::TRACKING_UID, VR::UI, tracking);
    if let Some(colour) = segment.colour {
        let lab = shorts(&cie_lab(colour));
        put(o, tags::RECOMMENDED_DISPLAY_CIE_LAB_VALUE, VR::US, lab);
    }
    Ok(out)
}

/// Multi-frame Dimension (C.7.6.17): the segment, then the position.
fn dimensions(o: &mut Object, made: &Made) {
    let uid = format!("{}.0", made.instance_uid);
    let organization = item(|item| {
        put(item, tags::DIMENSION_ORGANIZATION_UID, VR::UI, &*uid);
    });
    put_items(o, tags::DIMENSION_ORGANIZATION_SEQUENCE, vec![organization]);
    let index = |pointer: Tag, group: Tag, label: &str| {
        item(|item| {
            put(item, tags::DIMENSION_ORGANIZATION_UID, VR::UI, &*uid);
            put(item, tags::DIMENSION_INDEX_POINTER, VR::AT, pointer);
            put(item, tags::FUNCTIONAL_GROUP_POINTER, VR::AT, group);
            put(item, tags::DIMENSION_DESCRIPTION_LABEL, VR::LO, label);
        })
    };
    let indices = vec![
        index(
            tags::REFERENCED_SEGMENT_NUMBER,
            tags::SEGMENT_IDENTIFICATION_SEQUENCE,
            "Segment Number",
        ),
        index(
            tags::IMAGE_POSITION_PATIENT,
            tags::PLANE_POSITION_SEQUENCE,
            "Image Position Patient",
        ),
    ];
    put_items(o, tags::DIMENSION_INDEX_SEQUENCE, indices);
}

/// Multi-frame Functional Groups (C.7.6.16) of A.51.5.
fn groups(o: &mut Object, volume: &Volume, frames: &[Frame]) -> Result<(), Refusal> {
    let within = |tag: Tag, fill: &dyn Fn(&mut Object)| {
        item(|outer| put_items(outer, tag, vec![item(|inner| fill(inner))]))
    };
    let geometry = &volume.geometry;
    let [row, column, _] = geometry.axes;
    let mut shared = within(tags::PIXEL_MEASURES_SEQUENCE, &|inner| {
        let [between_columns, between_rows, between_slices] = geometry.spacing;
        put_numbers(inner, tags::PIXEL_SPACING, &[between_rows, between_columns]);
        put_numbers(inner, tags::SLICE_THICKNESS, &[between_slices]);
        put_numbers(inner, tags::SPACING_BETWEEN_SLICES, &[between_slices]);
    });
    let orientation = item(|inner| {
        let cosines: Vec<f64> = row.into_iter().chain(column).collect();
        put_numbers(inner, tags::IMAGE_ORIENTATION_PATIENT, &cosines);
    });
    put_items(
        &mut shared,
        tags::PLANE_ORIENTATION_SEQUENCE,
        vec![orientation],
    );
    put_items(o, tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, vec![shared]);
    // CID 7203 and CID 7202
    let derivation = Code::new("113076", "DCM", "Segmentation");
    let purpose = Code::new(
        "121322",
        "DCM",
        "Source image for image processing operation",
    );
    let mut items = Vec::with_capacity(frames.len());
    for frame in frames {
        let mut group = within(tags::FRAME_CONTENT_SEQUENCE, &|inner| {
            let ranks = PrimitiveValue::U32(frame.ranks.into());
            put(inner, tags::DIMENSION_INDEX_VALUES, VR::UL, ranks);
        });
        let position = item(|inner| {
            put_numbers(
                inner,
                tags::IMAGE_POSITION_PATIENT,
                &volume.positions[frame.slice],
            );
        });
        put_items(&mut group, tags::PLANE_POSITION_SEQUENCE, vec![position]);
        let mut image = reference(&volume.slices[frame.slice]);
        put_code(
            &mut image,
            tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE,
            &purpose,
        )?;
        put(&mut image, tags::SPATIAL_LOCATIONS_PRESERVED, VR::CS, "YES");
        let mut derived = item(|inner| {
            put_items(inner, tags::SOURCE_IMAGE_SEQUENCE, vec![image]);
        });
        put_code(&mut derived, tags::DERIVATION_CODE_SEQUENCE, &derivation)?;
        put_items(&mut group, tags::DERIVATION_IMAGE_SEQUENCE, vec![derived]);
        let segment = item(|inner| {
            let number = shorts(&[u16::from(frame.segment)]);
            put(inner, tags::REFERENCED_SEGMENT_NUMBER, VR::US, number);
        });
        put_items(
            &mut group,
            tags::SEGMENT_IDENTIFICATION_SEQUENCE,
            vec![segment],
        );
        items.push(group);
    }
    put_items(o, tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, items);
    Ok(())
}

/// SOP Instance Reference and Image SOP Instance Reference Macros (PS3.3 10.8, 10.3).
pub(super) fn reference(slice: &SliceRef) -> Object {
    item(|item| {
        put(
            item,
            tags::REFERENCED_SOP_CLASS_UID,
            VR::UI,
            &*slice.sop_class,
        );
        put(
            item,
            tags::REFERENCED_SOP_INSTANCE_UID,
            VR::UI,
            &*slice.sop_instance,
        );
        if let Some(frame) = slice.frame {
            put(
                item,
                tags::REFERENCED_FRAME_NUMBER,
                VR::IS,
                frame.to_string(),
            );
        }
    })
}

/// Common Instance Reference (C.12.2): every instance that a frame names, once.
fn references(o: &mut Object, volume: &Volume, frames: &[Frame]) {
    let mut named: Vec<bool> = vec![false; volume.slices.len()];
    for frame in frames {
        named[frame.slice] = true;
    }
    let mut seen = std::collections::BTreeSet::new();
    let instances = volume
        .slices
        .iter()
        .zip(named)
        .filter(|(slice, named)| *named && seen.insert(slice.sop_instance.as_str()))
        .map(|(slice, _)| {
            reference(&SliceRef {
                frame: None,
                ..slice.clone()
            })
        })
        .collect();
    let series = item(|item| {
        put(item, tags::SERIES_INSTANCE_UID, VR::UI, &*volume.series);
        put_items(item, tags::REFERENCED_INSTANCE_SEQUENCE, instances);
    });
    put_items(o, tags::REFERENCED_SERIES_SEQUENCE, vec![series]);
}

/// One bit for each pixel, the first in the lowest; a frame begins at the bit after the last of
/// the frame before (PS3.5 8.1.1).
fn packed(volume: &Volume, labels: &[u8], frames: &[Frame]) -> Vec<u8> {
    let plane = volume.geometry.size[0] * volume.geometry.size[1];
    let mut bytes = vec![0; (plane * frames.len()).div_ceil(8)];
    for (at, frame) in frames.iter().enumerate() {
        let labels = &labels[frame.slice * plane..(frame.slice + 1) * plane];
        for (label, bit) in labels.iter().zip(at * plane..) {
            if *label == frame.segment {
                bytes[bit / 8] |= 1 << (bit % 8);
            }
        }
    }
    bytes
}
