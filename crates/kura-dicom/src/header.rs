use std::collections::BTreeSet;

use dicom_core::header::HasLength;
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use kura_model::Refusal;

use crate::person_name::PersonName;
use crate::pixel::PixelLocation;
use crate::read::implied_syntax;
use crate::syntax::Encoding;

/// What file meta information says (PS3.10 7.1), as far as it is used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Meta {
    /// Whether the file has a group 0002 at all.
    pub present: bool,
    pub transfer_syntax_uid: Option<String>,
    pub media_storage_sop_class_uid: Option<String>,
    pub media_storage_sop_instance_uid: Option<String>,
    pub implementation_class_uid: Option<String>,
    pub source_application_entity_title: Option<String>,
}

/// A data set without its pixel data, and where that lies.
///
/// Text accessors give the first value, decoded and trimmed; `None` where the attribute is
/// absent or empty.
#[derive(Debug, Clone)]
pub struct Header {
    object: InMemDicomObject,
    meta: Meta,
    encoding: Encoding,
    dataset_offset: u64,
    pixel: Option<PixelLocation>,
    noticed: Noticed,
}

/// What the object does not show of how it was written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Noticed {
    pub(crate) character_sets: Vec<String>,
    pub(crate) undeclared: BTreeSet<Tag>,
    pub(crate) left_out: Vec<Tag>,
}

macro_rules! text_accessors {
    ($($(#[$doc:meta])* $name:ident = $tag:ident;)*) => {
        $($(#[$doc])* pub fn $name(&self) -> Option<String> { self.text(tags::$tag) })*
    };
}

macro_rules! number_accessors {
    ($($(#[$doc:meta])* $name:ident = $tag:ident;)*) => {
        $($(#[$doc])* pub fn $name(&self) -> Option<u32> { self.number(tags::$tag) })*
    };
}

impl Header {
    pub(crate) fn new(
        object: InMemDicomObject,
        meta: Meta,
        encoding: Encoding,
        dataset_offset: u64,
        pixel: Option<PixelLocation>,
        noticed: Noticed,
    ) -> Self {
        Self {
            object,
            meta,
            encoding,
            dataset_offset,
            pixel,
            noticed,
        }
    }

    /// PS3.3 C.12.1: every composite instance has both, and they are UIDs (PS3.5 9.1).
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        for (rule, tag) in [
            ("dicom-no-sop-class", tags::SOP_CLASS_UID),
            ("dicom-no-sop-instance", tags::SOP_INSTANCE_UID),
        ] {
            let Some(uid) = self.text(tag) else {
                let message = "the object does not name its SOP class and instance";
                return Err(Refusal::new(rule, message).at_path(crate::tag_text(tag)));
            };
            if uid.len() > 64 || !uid.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
                return Err(
                    Refusal::new("dicom-uid", "a UID is up to 64 digits and dots")
                        .at_path(crate::tag_text(tag)),
                );
            }
        }
        Ok(())
    }

    /// The data set up to the pixel data; strings are UTF-8.
    pub fn object(&self) -> &InMemDicomObject {
        &self.object
    }

    pub fn into_object(self) -> InMemDicomObject {
        self.object
    }

    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// How the elements are written in the file.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Byte in the file at which the data set (or its deflate stream) begins.
    pub fn dataset_offset(&self) -> u64 {
        self.dataset_offset
    }

    /// Where the pixel data lies; `None` for objects without.
    pub fn pixel(&self) -> Option<&PixelLocation> {
        self.pixel.as_ref()
    }

    /// Specific Character Set (0008,0005) as the file has it.
    pub fn character_sets(&self) -> &[String] {
        &self.noticed.character_sets
    }

    /// Attributes, at any depth, that the file gives VR UN or one the standard does not have.
    /// Those the dictionary knows are read by its VR, so in [`Header::object`] it does not show.
    pub fn undeclared(&self) -> &BTreeSet<Tag> {
        &self.noticed.undeclared
    }

    /// Attributes, at any depth, whose value is too large to hold: in [`Header::object`] it is
    /// empty.
    pub fn left_out(&self) -> &[Tag] {
        &self.noticed.left_out
    }

    /// As declared; for a data set without file meta information, as guessed.
    pub fn transfer_syntax_uid(&self) -> String {
        self.meta
            .transfer_syntax_uid
            .clone()
            .unwrap_or_else(|| implied_syntax(self.encoding).to_owned())
    }

    text_accessors! {
        sop_class_uid = SOP_CLASS_UID;
        sop_instance_uid = SOP_INSTANCE_UID;
        study_instance_uid = STUDY_INSTANCE_UID;
        series_instance_uid = SERIES_INSTANCE_UID;
        modality = MODALITY;
        patient_id = PATIENT_ID;
        issuer_of_patient_id = ISSUER_OF_PATIENT_ID;
        /// `YYYYMMDD`.
        patient_birth_date = PATIENT_BIRTH_DATE;
        patient_sex = PATIENT_SEX;
        accession_number = ACCESSION_NUMBER;
        /// `YYYYMMDD`.
        study_date = STUDY_DATE;
        /// `HHMMSS.FFFFFF`, shorter where less is known.
        study_time = STUDY_TIME;
        /// `YYYYMMDD`.
        series_date = SERIES_DATE;
        /// `&ZZXX`, such as `+0900`.
        timezone_offset_from_utc = TIMEZONE_OFFSET_FROM_UTC;
        study_description = STUDY_DESCRIPTION;
        series_description = SERIES_DESCRIPTION;
        protocol_name = PROTOCOL_NAME;
        body_part_examined = BODY_PART_EXAMINED;
        laterality = LATERALITY;
        /// (0028,0301): `YES`, `NO`, or absent, which means nobody looked.
        burned_in_annotation = BURNED_IN_ANNOTATION;
        photometric_interpretation = PHOTOMETRIC_INTERPRETATION;
        manufacturer = MANUFACTURER;
        manufacturer_model_name = MANUFACTURER_MODEL_NAME;
        institution_name = INSTITUTION_NAME;
    }

    number_accessors! {
        series_number = SERIES_NUMBER;
        instance_number = INSTANCE_NUMBER;
        rows = ROWS;
        columns = COLUMNS;
        bits_allocated = BITS_ALLOCATED;
    }

    /// (0028,0008), 1 where absent.
    pub fn number_of_frames(&self) -> u32 {
        self.number(tags::NUMBER_OF_FRAMES).unwrap_or(1).max(1)
    }

    pub fn patient_name(&self) -> PersonName {
        self.text(tags::PATIENT_NAME)
            .map(|name| PersonName::parse(&name))
            .unwrap_or_default()
    }

    /// The first value of a string or number, as text.
    pub fn text(&self, tag: Tag) -> Option<String> {
        self.texts(tag).into_iter().next().filter(|v| !v.is_empty())
    }

    /// All values of a string or number, as text; empty for sequences and bulk.
    pub fn texts(&self, tag: Tag) -> Vec<String> {
        texts(&self.object, tag)
    }

    /// The first value as a whole number that is not negative.
    pub fn number(&self, tag: Tag) -> Option<u32> {
        number(&self.object, tag)
    }
}

pub(crate) fn texts(object: &InMemDicomObject, tag: Tag) -> Vec<String> {
    let Some(element) = object.get(tag) else {
        return Vec::new();
    };
    if element.is_empty() || matches!(element.vr(), VR::SQ | VR::OB | VR::OW | VR::UN) {
        return Vec::new();
    }
    let Ok(values) = element.to_multi_str() else {
        return Vec::new();
    };
    values
        .iter()
        .flat_map(|value| value.split('\\'))
        .map(|value| value.trim_matches([' ', '\0']).to_owned())
        .collect()
}

pub(crate) fn number(object: &InMemDicomObject, tag: Tag) -> Option<u32> {
    let first = texts(object, tag).into_iter().next()?;
    first.parse().ok()
}

/// All values as decimal numbers; what is not a number is left out.
pub(crate) fn decimals(object: &InMemDicomObject, tag: Tag) -> Vec<f64> {
    texts(object, tag)
        .iter()
        .filter_map(|value| value.parse().ok())
        .filter(|value: &f64| value.is_finite())
        .collect()
}
