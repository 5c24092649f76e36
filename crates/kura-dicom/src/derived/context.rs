//! What stands before the measurements of a report: who observed, what was done, on which images.

use dicom_dictionary_std::tags;
use kura_model::Refusal;

use super::content::{Related, code, container, dcm, image, text, uid};
use super::dataset::{Object, put_code};
use super::segmentation::reference;
use super::{Code, Tool};
use crate::header::Header;
use crate::volume::SliceRef;

/// Observer Context (TID 1002) of a device (TID 1004).
pub(super) fn observer(tool: &Tool) -> Result<Vec<Object>, Refusal> {
    let related = Related::ObservationContext;
    let named = |value, meaning, content: &str| text(related, &dcm(value, meaning), content);
    Ok(vec![
        code(
            related,
            &dcm("121005", "Observer Type"),
            &dcm("121007", "Device"),
        )?,
        uid(related, &dcm("121012", "Device Observer UID"), &tool.uid)?,
        named("121013", "Device Observer Name", &tool.model_name)?,
        named("121014", "Device Observer Manufacturer", &tool.manufacturer)?,
        named("121015", "Device Observer Model Name", &tool.model_name)?,
        named(
            "121016",
            "Device Observer Serial Number",
            &tool.serial_number,
        )?,
    ])
}

/// The source's Procedure Code where it has one, else by its modality (CID 100).
pub(super) fn procedure(source: &Header) -> Code {
    let coded = || {
        let procedure = source
            .object()
            .get(tags::PROCEDURE_CODE_SEQUENCE)?
            .items()?
            .first()?;
        let text = |tag| {
            crate::header::texts(procedure, tag)
                .into_iter()
                .next()
                .filter(|text| !text.is_empty())
        };
        let code = Code::new(
            text(tags::CODE_VALUE)?,
            text(tags::CODING_SCHEME_DESIGNATOR)?,
            text(tags::CODE_MEANING)?,
        );
        // What does not fit its own VR in the source would not fit here.
        put_code(&mut Object::new_empty(), tags::CONCEPT_CODE_SEQUENCE, &code).ok()?;
        Some(code)
    };
    coded().unwrap_or_else(|| match source.modality().as_deref() {
        Some("CT") => Code::new("25045-6", "LN", "CT unspecified body region"),
        Some("MR") => Code::new("25056-3", "LN", "MRI unspecified body region"),
        Some("CR" | "DX") => Code::new("43468-8", "LN", "XR unspecified body region"),
        Some("PT") => Code::new("44136-0", "LN", "PET unspecified body region"),
        Some("NM") => Code::new("49118-3", "LN", "NM unspecified body region"),
        _ => Code::new("363679005", "SCT", "Imaging procedure"),
    })
}

/// Image Library (TID 1600): one group of all sources, with the modality alone.
pub(super) fn library(source: &Header, sources: &[SliceRef]) -> Result<Object, Refusal> {
    let mut entries = Vec::with_capacity(sources.len() + 1);
    // TID 1602; CID 29 has the values of Modality (0008,0060) as its codes
    if let Some((value, meaning)) = modality(source) {
        entries.push(code(
            Related::AcquisitionContext,
            &dcm("121139", "Modality"),
            &dcm(value, meaning),
        )?);
    }
    for slice in sources {
        // TID 1601
        entries.push(image(Related::Contains, None, reference(slice), None)?);
    }
    let group = container(&dcm("126200", "Image Library Group"), None, entries)?;
    container(&dcm("111028", "Image Library"), None, vec![group])
}

fn modality(source: &Header) -> Option<(&'static str, &'static str)> {
    Some(match source.modality()?.as_str() {
        "CR" => ("CR", "Computed Radiography"),
        "CT" => ("CT", "Computed Tomography"),
        "DX" => ("DX", "Digital Radiography"),
        "ES" => ("ES", "Endoscopy"),
        "GM" => ("GM", "General Microscopy"),
        "IVUS" => ("IVUS", "Intravascular Ultrasound"),
        "MG" => ("MG", "Mammography"),
        "MR" => ("MR", "Magnetic Resonance"),
        "NM" => ("NM", "Nuclear Medicine"),
        "OCT" => ("OCT", "Optical Coherence Tomography"),
        "OP" => ("OP", "Ophthalmic Photography"),
        "OPT" => ("OPT", "Ophthalmic Tomography"),
        "PT" => ("PT", "Positron emission tomography"),
        "PX" => ("PX", "Panoramic X-Ray"),
        "RF" => ("RF", "Radiofluoroscopy"),
        "SM" => ("SM", "Slide Microscopy"),
        "US" => ("US", "Ultrasound"),
        "XA" => ("XA", "X-Ray Angiography"),
        "XC" => ("XC", "External-camera Photography"),
        _ => return None,
    })
}
