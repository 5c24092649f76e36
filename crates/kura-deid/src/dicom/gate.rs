//! Which images may leave, and which after their pixels are cleaned. Every question is asked so
//! that a missing answer means no.

use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use kura_dicom::Header;
use kura_fhir::text::fold;

use super::options::DicomOption;
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

/// What must be done to the pixels of an object before it may leave: each with the reason for
/// which it is withheld as long as that is not done.
#[derive(Debug, Default)]
pub struct PixelWork {
    /// The text in its pictures is to be masked.
    pub text: Option<Withheld>,
    /// It is a slice of a volume of the head, of which the face is to be removed.
    pub face: Option<Withheld>,
}

/// What was done to the pixels of an object.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct PixelsDone {
    /// Areas of text that were masked; none were found where it is 0.
    pub text: Option<u32>,
    /// Areas that were masked whatever they show.
    pub regions: u32,
    pub face: bool,
}

struct Gate<'a> {
    policy: &'a DicomPolicy,
    work: PixelWork,
}

impl Gate<'_> {
    fn no(&self, rule: &str, tag: Tag) -> Withheld {
        Withheld::new(self.policy, rule, tag.to_string())
    }

    /// Withheld, or to be cleaned of text where the policy has the option and `cleanable`.
    fn text(&mut self, rule: &str, tag: Tag, cleanable: bool) -> Result<(), Withheld> {
        let withheld = self.no(rule, tag);
        if !(cleanable && self.policy.has(DicomOption::CleanPixelData)) {
            return Err(withheld);
        }
        self.work.text.get_or_insert(withheld);
        Ok(())
    }

    fn face(&mut self, withheld: Withheld, cleanable: bool) -> Result<(), Withheld> {
        let option = DicomOption::CleanRecognizableVisualFeatures;
        if !(cleanable && self.policy.has(option)) {
            return Err(withheld);
        }
        self.work.face.get_or_insert(withheld);
        Ok(())
    }
}

/// What an object needs before it may leave; an error where nothing could let it.
pub(super) fn check(header: &Header, policy: &DicomPolicy) -> Result<PixelWork, Withheld> {
    let mut gate = Gate {
        policy,
        work: PixelWork::default(),
    };
    let images = &policy.images;
    let cleaned = &images.cleaned;
    let class = header.sop_class_uid().unwrap_or_default();
    let modality = header.modality().unwrap_or_default();
    if header.texts(tags::MODALITY).len() != 1 {
        return Err(gate.no("dicom-modality", tags::MODALITY));
    }
    if class == SECONDARY_CAPTURE || class.starts_with("1.2.840.10008.5.1.4.1.1.7.") {
        let leaves = cleaned.sop_classes.contains(&class);
        gate.text("dicom-secondary-capture", tags::SOP_CLASS_UID, leaves)?;
    }
    // PS3.3 C.8.6.1: only captures have a conversion type.
    if let Some(kind) = header.text(tags::CONVERSION_TYPE) {
        let leaves = cleaned.conversion_types.contains(&kind);
        gate.text("dicom-secondary-capture", tags::CONVERSION_TYPE, leaves)?;
    }
    if !images.modalities.contains(&modality) {
        let leaves = cleaned.modalities.contains(&modality);
        gate.text("dicom-modality", tags::MODALITY, leaves)?;
    }
    if !images.sop_classes.contains(&class) {
        let leaves = cleaned.sop_classes.contains(&class);
        gate.text("dicom-sop-class", tags::SOP_CLASS_UID, leaves)?;
    }
    // PS3.3 C.7.6.1: absent means that nobody looked.
    if header.texts(tags::BURNED_IN_ANNOTATION) != ["NO"] {
        gate.text("dicom-burned-in", tags::BURNED_IN_ANNOTATION, true)?;
    }
    let photometric = header.photometric_interpretation().unwrap_or_default();
    if !images.photometric.contains(&photometric) {
        let leaves = cleaned.photometric.contains(&photometric);
        gate.text(
            "dicom-photometric",
            tags::PHOTOMETRIC_INTERPRETATION,
            leaves,
        )?;
    }
    let types = texts_anywhere(header.object(), &[tags::IMAGE_TYPE, tags::FRAME_TYPE]);
    let words: Vec<&String> = images
        .image_type_words
        .iter()
        .filter(|word| types.iter().any(|kind| kind.to_uppercase().contains(*word)))
        .collect();
    if types.is_empty() || !words.is_empty() {
        let leaves = words
            .iter()
            .all(|word| cleaned.image_type_words.contains(word));
        gate.text("dicom-image-type", tags::IMAGE_TYPE, leaves)?;
    }
    overlays(header, policy)?;
    let volume = images.volumes.contains(&modality) && images.sop_classes.contains(&class);
    let no_surface = match gate.work.text {
        Some(_) => &cleaned.no_surface,
        None => &images.projections,
    };
    if !no_surface.contains(&modality)
        && let Err(withheld) = body(header, policy)
    {
        gate.face(withheld, volume)?;
    }
    if header
        .text(tags::RECOGNIZABLE_VISUAL_FEATURES)
        .is_some_and(|v| v != "NO")
    {
        let withheld = gate.no("dicom-recognizable", tags::RECOGNIZABLE_VISUAL_FEATURES);
        gate.face(withheld, volume)?;
    }
    Ok(gate.work)
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
