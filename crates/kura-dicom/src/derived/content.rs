//! Content items of a structured report: PS3.3 C.17.3.

use dicom_core::VR;
use dicom_dictionary_std::tags;
use kura_model::Refusal;

use super::Code;
use super::dataset::{Object, decimal, item, put, put_code, put_items};
use super::instance::shorts;

/// Relationship Type (PS3.3 Table C.17.3-9).
#[derive(Debug, Clone, Copy)]
pub(super) enum Related {
    Contains,
    ConceptModifier,
    ObservationContext,
    AcquisitionContext,
}

impl Related {
    fn text(self) -> &'static str {
        match self {
            Self::Contains => "CONTAINS",
            Self::ConceptModifier => "HAS CONCEPT MOD",
            Self::ObservationContext => "HAS OBS CONTEXT",
            Self::AcquisitionContext => "HAS ACQ CONTEXT",
        }
    }
}

/// A concept of the DICOM Content Mapping Resource (PS3.16 Annex D).
pub(super) fn dcm(value: &str, meaning: &str) -> Code {
    Code::new(value, "DCM", meaning)
}

fn named(related: Related, value_type: &str, name: &Code) -> Result<Object, Refusal> {
    let mut object = Object::new_empty();
    put(&mut object, tags::RELATIONSHIP_TYPE, VR::CS, related.text());
    put(&mut object, tags::VALUE_TYPE, VR::CS, value_type);
    put_code(&mut object, tags::CONCEPT_NAME_CODE_SEQUENCE, name)?;
    Ok(object)
}

pub(super) fn code(related: Related, name: &Code, value: &Code) -> Result<Object, Refusal> {
    let mut object = named(related, "CODE", name)?;
    put_code(&mut object, tags::CONCEPT_CODE_SEQUENCE, value)?;
    Ok(object)
}

/// # Errors
/// `derived-text` for nothing or for control characters other than the line's end (PS3.5 6.2, UT).
pub(super) fn text(related: Related, name: &Code, value: &str) -> Result<Object, Refusal> {
    let control = |c: char| c.is_control() && !matches!(c, '\n' | '\r');
    if value.trim().is_empty() || value.contains(control) {
        let message = "a text is missing or has a control character";
        return Err(Refusal::new("derived-text", message).at_path("(0040,A160)"));
    }
    let mut object = named(related, "TEXT", name)?;
    put(&mut object, tags::TEXT_VALUE, VR::UT, value);
    Ok(object)
}

pub(super) fn uid(related: Related, name: &Code, value: &str) -> Result<Object, Refusal> {
    let mut object = named(related, "UIDREF", name)?;
    put(&mut object, tags::UID, VR::UI, value);
    Ok(object)
}

/// # Errors
/// `derived-number` for what is not finite.
pub(super) fn number(
    related: Related,
    name: &Code,
    value: f64,
    unit: &Code,
) -> Result<Object, Refusal> {
    if !value.is_finite() {
        let message = "a measured value is not a number";
        return Err(Refusal::new("derived-number", message).at_path("(0040,A30A)"));
    }
    let mut object = named(related, "NUM", name)?;
    let mut measured = Object::new_empty();
    let digits = decimal(value);
    // PS3.3 Table C.18.1-1: where DS has too few digits
    if digits.parse() != Ok(value) {
        put(&mut measured, tags::FLOATING_POINT_VALUE, VR::FD, value);
    }
    put(&mut measured, tags::NUMERIC_VALUE, VR::DS, digits);
    put_code(&mut measured, tags::MEASUREMENT_UNITS_CODE_SEQUENCE, unit)?;
    put_items(&mut object, tags::MEASURED_VALUE_SEQUENCE, vec![measured]);
    Ok(object)
}

/// An image, a frame of it or a segment; `reference` from the Image SOP Instance Reference Macro.
/// TID 1601 gives its images no concept name.
pub(super) fn image(
    related: Related,
    name: Option<&Code>,
    mut reference: Object,
    segment: Option<u16>,
) -> Result<Object, Refusal> {
    let mut object = match name {
        Some(name) => named(related, "IMAGE", name)?,
        None => item(|item| {
            put(item, tags::RELATIONSHIP_TYPE, VR::CS, related.text());
            put(item, tags::VALUE_TYPE, VR::CS, "IMAGE");
        }),
    };
    if let Some(segment) = segment {
        put(
            &mut reference,
            tags::REFERENCED_SEGMENT_NUMBER,
            VR::US,
            shorts(&[segment]),
        );
    }
    put_items(&mut object, tags::REFERENCED_SOP_SEQUENCE, vec![reference]);
    Ok(object)
}

/// With the template it follows (PS3.3 C.18.8).
pub(super) fn container(
    name: &Code,
    template: Option<&str>,
    children: Vec<Object>,
) -> Result<Object, Refusal> {
    let mut object = named(Related::Contains, "CONTAINER", name)?;
    fill_container(&mut object, template, children);
    Ok(object)
}

/// What a container has besides its name; the root is one without a relationship.
pub(super) fn fill_container(object: &mut Object, template: Option<&str>, children: Vec<Object>) {
    put(object, tags::CONTINUITY_OF_CONTENT, VR::CS, "SEPARATE");
    if let Some(template) = template {
        let template = item(|item| {
            put(item, tags::MAPPING_RESOURCE, VR::CS, "DCMR");
            put(item, tags::TEMPLATE_IDENTIFIER, VR::CS, template);
        });
        put_items(object, tags::CONTENT_TEMPLATE_SEQUENCE, vec![template]);
    }
    put_items(object, tags::CONTENT_SEQUENCE, children);
}
