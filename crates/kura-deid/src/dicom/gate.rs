//! Which images may leave. Every question is asked so that a missing answer means no.

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use kura_dicom::Header;
use kura_fhir::text::fold;

use super::policy::DicomPolicy;
use super::report::Withheld;

/// PS3.3 A.8: Secondary Capture and its multi-frame kin.
const SECONDARY_CAPTURE: &str = "1.2.840.10008.5.1.4.1.1.7";

/// Where an object says in words what it shows. Each may be nested.
const DESCRIPTIONS: [Tag; 14] = [
    tags::STUDY_DESCRIPTION,
    tags::SERIES_DESCRIPTION,
    tags::PROTOCOL_NAME,
    tags::BODY_PART_EXAMINED,
    tags::REQUESTED_PROCEDURE_DESCRIPTION,
    tags::SCHEDULED_PROCEDURE_STEP_DESCRIPTION,
    tags::PERFORMED_PROCEDURE_STEP_DESCRIPTION,
    tags::PERFORMED_PROCEDURE_TYPE_DESCRIPTION,
    tags::ACQUISITION_PROTOCOL_DESCRIPTION,
    tags::CODE_MEANING,
    tags::IMAGE_COMMENTS,
    tags::SEQUENCE_NAME,
    tags::RECEIVE_COIL_NAME,
    // Reason for Study, retired and still written
    Tag(0x0032, 0x1030),
];

pub(super) fn check(header: &Header, policy: &DicomPolicy) -> Result<(), Withheld> {
    let no = |rule: &str, tag: Tag| Err(Withheld::new(policy, rule, tag.to_string()));
    let images = &policy.images;
    let class = header.sop_class_uid().unwrap_or_default();
    if class == SECONDARY_CAPTURE || class.starts_with("1.2.840.10008.5.1.4.1.1.7.") {
        return no("dicom-secondary-capture", tags::SOP_CLASS_UID);
    }
    // PS3.3 C.8.6.1: only captures have a conversion type.
    if header.text(tags::CONVERSION_TYPE).is_some() {
        return no("dicom-secondary-capture", tags::CONVERSION_TYPE);
    }
    let modality = header.modality().unwrap_or_default();
    if !images.modalities.contains(&modality) || header.texts(tags::MODALITY).len() != 1 {
        return no("dicom-modality", tags::MODALITY);
    }
    if !images.sop_classes.contains(&class) {
        return no("dicom-sop-class", tags::SOP_CLASS_UID);
    }
    // PS3.3 C.7.6.1: absent means that nobody looked.
    if header.texts(tags::BURNED_IN_ANNOTATION) != ["NO"] {
        return no("dicom-burned-in", tags::BURNED_IN_ANNOTATION);
    }
    if header
        .text(tags::RECOGNIZABLE_VISUAL_FEATURES)
        .is_some_and(|v| v != "NO")
    {
        return no("dicom-recognizable", tags::RECOGNIZABLE_VISUAL_FEATURES);
    }
    let photometric = header.photometric_interpretation().unwrap_or_default();
    if !images.photometric.contains(&photometric) {
        return no("dicom-photometric", tags::PHOTOMETRIC_INTERPRETATION);
    }
    let types = texts_anywhere(header.object(), &[tags::IMAGE_TYPE, tags::FRAME_TYPE]);
    if types.is_empty() || says_any(&types, &images.image_type_words) {
        return no("dicom-image-type", tags::IMAGE_TYPE);
    }
    overlays(header, policy)?;
    if !images.projections.contains(&modality) {
        body(header, policy)?;
    }
    Ok(())
}

fn says_any(types: &[String], words: &[String]) -> bool {
    types.iter().any(|value| {
        words
            .iter()
            .any(|word| value.to_uppercase().contains(word.as_str()))
    })
}

/// PS3.3 C.9.2 and PS3.5 8.1.2: an overlay without data of its own lies in the pixels' bits.
fn overlays(header: &Header, policy: &DicomPolicy) -> Result<(), Withheld> {
    for group in (0x6000..=0x601E).step_by(2) {
        let number = |element: u16| header.number(Tag(group, element));
        let described = number(0x0010).is_some() || number(0x0100).is_some();
        let own_data = header.object().get(Tag(group, 0x3000)).is_some();
        if described && (!own_data || number(0x0102).unwrap_or(0) != 0) {
            let place = Tag(group, 0x0102).to_string();
            return Err(Withheld::new(policy, "dicom-overlay-in-pixels", place));
        }
    }
    Ok(())
}

fn body(header: &Header, policy: &DicomPolicy) -> Result<(), Withheld> {
    let parts = texts_anywhere(header.object(), &[tags::BODY_PART_EXAMINED]);
    let fits = |part: &String| {
        let part = part.to_uppercase().replace([' ', '_', '-'], "");
        policy.body.allowed.contains(&part)
    };
    if parts.is_empty() || !parts.iter().all(fits) {
        let place = tags::BODY_PART_EXAMINED.to_string();
        return Err(Withheld::new(policy, "dicom-body-surface", place));
    }
    for text in texts_anywhere(header.object(), &DESCRIPTIONS) {
        let folded = fold(&text);
        let contains = policy
            .body
            .head_words
            .iter()
            .any(|word| folded.contains(word.as_str()));
        let token = text
            .split(|c: char| !c.is_alphanumeric() && c != '&')
            .any(|token| policy.body.head_tokens.contains(&fold(token)));
        if contains || token {
            return Err(Withheld::new(policy, "dicom-head-words", "a description"));
        }
    }
    Ok(())
}

/// Every value of these attributes, at any depth.
fn texts_anywhere(object: &InMemDicomObject, wanted: &[Tag]) -> Vec<String> {
    let mut found = Vec::new();
    for element in object {
        if let Some(items) = element.items() {
            for item in items {
                found.extend(texts_anywhere(item, wanted));
            }
        } else if wanted.contains(&element.header().tag) && element.vr() != VR::SQ {
            let values = element.to_multi_str().map(|v| v.into_owned());
            found.extend(
                values
                    .unwrap_or_default()
                    .into_iter()
                    .filter(|v| !v.is_empty()),
            );
        }
    }
    found
}
