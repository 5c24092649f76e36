//! Values without meaning (action D, PS3.15 E.1.1: consistent with the VR).

use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_object::mem::InMemElement;

/// A valid value of this VR. Numbers and bytes keep their count and become 0.
pub(super) fn element(tag: Tag, vr: VR, old: &PrimitiveValue) -> InMemElement {
    let text = |text: &str| DataElement::new(tag, vr, PrimitiveValue::from(text));
    match vr {
        VR::DA => text("19000101"),
        VR::TM => text("000000"),
        VR::DT => text("19000101000000"),
        VR::AS => text("000Y"),
        VR::DS | VR::IS => text("0"),
        VR::UI => text("2.25.0"),
        VR::UR => text("urn:removed"),
        VR::AE | VR::CS | VR::LO | VR::LT | VR::PN | VR::SH | VR::ST | VR::UC | VR::UT => {
            text("REMOVED")
        }
        _ => {
            let zeros = match old {
                PrimitiveValue::I16(v) => PrimitiveValue::I16(v.iter().map(|_| 0).collect()),
                PrimitiveValue::U16(v) => PrimitiveValue::U16(v.iter().map(|_| 0).collect()),
                PrimitiveValue::I32(v) => PrimitiveValue::I32(v.iter().map(|_| 0).collect()),
                PrimitiveValue::U32(v) => PrimitiveValue::U32(v.iter().map(|_| 0).collect()),
                PrimitiveValue::F32(v) => PrimitiveValue::F32(v.iter().map(|_| 0.0).collect()),
                PrimitiveValue::F64(v) => PrimitiveValue::F64(v.iter().map(|_| 0.0).collect()),
                PrimitiveValue::U8(v) => PrimitiveValue::U8(v.iter().map(|_| 0).collect()),
                _ => PrimitiveValue::Empty,
            };
            DataElement::new(tag, vr, zeros)
        }
    }
}
