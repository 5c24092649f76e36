//! What every derived instance has: patient and study of the source, series, equipment, file.

use dicom_core::value::C;
use dicom_core::{PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use kura_model::Refusal;

use super::dataset::{Object, checked, checked_uid, item, put, put_empty, put_items};
use super::{Made, PRIVATE_SCHEME, Tool};
use crate::charset_write;
use crate::header::Header;
use crate::syntax::{EXPLICIT_LE, Encoding};
use crate::write::{file_head, write_dataset};

/// How a result says that nobody may treat by it.
pub(super) const RESEARCH: &str = "研究用 / For research";

/// Attributes of the patient and the study, the same in every object of the study (PS3.3 A.1.2):
/// Patient (C.7.1.1), Clinical Trial Subject and Study (C.7.1.3, C.7.2.3), General Study (C.7.2.1)
/// and Patient Study (C.7.2.2). A VR: the attribute is of type 2 and is there, empty if need be.
const COPIED: &[(Tag, Option<VR>)] = &[
    (tags::PATIENT_NAME, Some(VR::PN)),
    (tags::PATIENT_ID, Some(VR::LO)),
    (tags::ISSUER_OF_PATIENT_ID, None),
    (tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE, None),
    (tags::TYPE_OF_PATIENT_ID, None),
    (tags::PATIENT_BIRTH_DATE, Some(VR::DA)),
    (tags::PATIENT_BIRTH_TIME, None),
    (tags::PATIENT_SEX, Some(VR::CS)),
    (tags::OTHER_PATIENT_I_DS_SEQUENCE, None),
    (tags::OTHER_PATIENT_NAMES, None),
    (tags::QUALITY_CONTROL_SUBJECT, None),
    (tags::PATIENT_SPECIES_DESCRIPTION, None),
    (tags::PATIENT_SPECIES_CODE_SEQUENCE, None),
    (tags::PATIENT_BREED_DESCRIPTION, None),
    (tags::PATIENT_BREED_CODE_SEQUENCE, None),
    (tags::BREED_REGISTRATION_SEQUENCE, None),
    (tags::RESPONSIBLE_PERSON, None),
    (tags::RESPONSIBLE_ORGANIZATION, None),
    (tags::PATIENT_IDENTITY_REMOVED, None),
    (tags::DEIDENTIFICATION_METHOD, None),
    (tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE, None),
    (tags::CLINICAL_TRIAL_SPONSOR_NAME, None),
    (tags::CLINICAL_TRIAL_PROTOCOL_ID, None),
    (tags::CLINICAL_TRIAL_PROTOCOL_NAME, None),
    (tags::CLINICAL_TRIAL_SITE_ID, None),
    (tags::CLINICAL_TRIAL_SITE_NAME, None),
    (tags::CLINICAL_TRIAL_SUBJECT_ID, None),
    (tags::CLINICAL_TRIAL_SUBJECT_READING_ID, None),
    (tags::CLINICAL_TRIAL_TIME_POINT_ID, None),
    (tags::CLINICAL_TRIAL_TIME_POINT_DESCRIPTION, None),
    (tags::STUDY_INSTANCE_UID, None),
    (tags::STUDY_DATE, Some(VR::DA)),
    (tags::STUDY_TIME, Some(VR::TM)),
    (tags::ACCESSION_NUMBER, Some(VR::SH)),
    (tags::ISSUER_OF_ACCESSION_NUMBER_SEQUENCE, None),
    (tags::REFERRING_PHYSICIAN_NAME, Some(VR::PN)),
    (tags::STUDY_DESCRIPTION, None),
    (tags::PROCEDURE_CODE_SEQUENCE, None),
    (tags::STUDY_ID, Some(VR::SH)),
    (tags::PATIENT_AGE, None),
    (tags::PATIENT_SIZE, None),
    (tags::PATIENT_WEIGHT, None),
    (tags::PATIENT_SEX_NEUTERED, None),
    (tags::ADMISSION_ID, None),
    (tags::ISSUER_OF_ADMISSION_ID_SEQUENCE, None),
    (tags::TIMEZONE_OFFSET_FROM_UTC, None),
];

/// The modules that are alike in every derived object: SOP Common (C.12.1), patient, study,
/// General Series (C.7.3.1), General and Enhanced General Equipment (C.7.5.1, C.7.5.2).
///
/// # Errors
/// `dicom-uid`, `derived-text`, `derived-time`; `derived-source` for a source without a study.
pub(super) fn begin(
    source: &Header,
    sop_class: &str,
    modality: &str,
    tool: &Tool,
    made: &Made,
) -> Result<Object, Refusal> {
    if source.study_instance_uid().is_none() {
        let message = "the source names no study";
        return Err(Refusal::new("derived-source", message).at_path("(0020,000D)"));
    }
    let mut object = Object::new_empty();
    for (tag, needed) in COPIED {
        match (source.object().get(*tag), needed) {
            (Some(element), _) => {
                object.put(element.clone());
            }
            (None, Some(vr)) => put_empty(&mut object, *tag, *vr),
            (None, None) => {}
        }
    }
    let o = &mut object;
    let (date, time) = date_and_time(made.at, source)?;
    for tag in [
        tags::INSTANCE_CREATION_DATE,
        tags::SERIES_DATE,
        tags::CONTENT_DATE,
    ] {
        put(o, tag, VR::DA, date.as_str());
    }
    for tag in [
        tags::INSTANCE_CREATION_TIME,
        tags::SERIES_TIME,
        tags::CONTENT_TIME,
    ] {
        put(o, tag, VR::TM, time.as_str());
    }
    put(o, tags::SOP_CLASS_UID, VR::UI, sop_class);
    // ".65535" is the longest that is put after it.
    let instance = checked_uid(&made.instance_uid, 6, "(0008,0018)")?;
    put(o, tags::SOP_INSTANCE_UID, VR::UI, instance);
    let series = checked_uid(&made.series_uid, 0, "(0020,000E)")?;
    put(o, tags::SERIES_INSTANCE_UID, VR::UI, series);
    put(o, tags::MODALITY, VR::CS, modality);
    put(
        o,
        tags::SERIES_NUMBER,
        VR::IS,
        made.series_number.to_string(),
    );
    put(o, tags::INSTANCE_NUMBER, VR::IS, "1");
    put(
        o,
        tags::SERIES_DESCRIPTION,
        VR::LO,
        described(tool, made).as_str(),
    );
    for (tag, text) in [
        (tags::MANUFACTURER, &tool.manufacturer),
        (tags::MANUFACTURER_MODEL_NAME, &tool.model_name),
        (tags::DEVICE_SERIAL_NUMBER, &tool.serial_number),
        (tags::SOFTWARE_VERSIONS, &tool.version),
    ] {
        let text = checked(text, 64, &crate::tag_text(tag))?;
        put(o, tag, VR::LO, text);
    }
    let device = checked_uid(&tool.uid, 0, "(0018,1002)")?;
    put(o, tags::DEVICE_UID, VR::UI, device);
    Ok(object)
}

/// `研究用 / For research: name version`, cut to what LO holds (PS3.5 6.2).
pub(super) fn described(tool: &Tool, made: &Made) -> String {
    let name = format!("{} {}", tool.model_name, tool.version);
    let whole = if made.research_only {
        format!("{RESEARCH}: {name}")
    } else {
        name
    };
    whole.chars().take(64).collect()
}

/// Coding Scheme Identification (PS3.3 Table 8.8-1 and C.12.1): what our own codes are of.
pub(super) fn put_private_scheme(object: &mut Object) {
    let scheme = item(|item| {
        put(item, tags::CODING_SCHEME_DESIGNATOR, VR::SH, PRIVATE_SCHEME);
        put(item, tags::CODING_SCHEME_NAME, VR::ST, "Kura");
        put(
            item,
            tags::CODING_SCHEME_RESPONSIBLE_ORGANIZATION,
            VR::ST,
            "Kura",
        );
    });
    put_items(
        object,
        tags::CODING_SCHEME_IDENTIFICATION_SEQUENCE,
        vec![scheme],
    );
}

/// The whole file: text in the source's character set, and `pixels` as the last element.
///
/// # Errors
/// `dicom-write`.
pub(super) fn finish(
    source: &Header,
    object: Object,
    sop_class: &str,
    made: &Made,
    pixels: Option<&[u8]>,
) -> Result<Vec<u8>, Refusal> {
    let object = charset_write::in_one_of(&[source.character_sets()], object);
    let mut file = file_head(sop_class, &made.instance_uid, EXPLICIT_LE);
    file.extend(write_dataset(&object, Encoding::EXPLICIT_LE)?);
    if let Some(pixels) = pixels {
        let even = pixels.len() + pixels.len() % 2;
        let length = u32::try_from(even)
            .map_err(|_| Refusal::new("dicom-write", "more pixel data than one element holds"))?;
        // PS3.5 A.2: OB for fewer than 8 bits allocated
        file.extend(b"\xE0\x7F\x10\0OB\0\0");
        file.extend(length.to_le_bytes());
        file.extend(pixels);
        file.resize(file.len() + even - pixels.len(), 0);
    }
    Ok(file)
}

/// DA and TM of an instant on the clocks of the hospital.
fn date_and_time(at: i64, source: &Header) -> Result<(String, String), Refusal> {
    let offset = source
        .timezone_offset_from_utc()
        .and_then(|text| offset_seconds(&text))
        .unwrap_or(9 * 3600);
    let local = at.div_euclid(1000) + offset;
    let (days, second) = (local.div_euclid(86_400), local.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    if !(1..=9999).contains(&year) {
        return Err(Refusal::new("derived-time", "not a time of our era"));
    }
    Ok((
        format!("{year:04}{month:02}{day:02}"),
        format!(
            "{:02}{:02}{:02}.{:03}",
            second / 3600,
            second / 60 % 60,
            second % 60,
            at.rem_euclid(1000)
        ),
    ))
}

/// `+0900` (PS3.3 C.12.1).
fn offset_seconds(text: &str) -> Option<i64> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i64, i64) = (digits[..2].parse().ok()?, digits[2..].parse().ok()?);
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// Year, month and day of a number of days since 1970-01-01, in the Gregorian calendar. Years
/// begin in March here, so the leap day is the last of its year.
fn civil(days: i64) -> (i64, i64, i64) {
    // 719468 days from 0000-03-01 to 1970-01-01; 146097 days in 400 years.
    let from_march = days + 719_468;
    let era = from_march.div_euclid(146_097);
    let day_of_era = from_march.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year_of_era + next, month, day)
}

/// Whole values of VR US, as more than one.
pub(super) fn shorts(values: &[u16]) -> PrimitiveValue {
    PrimitiveValue::U16(C::from_slice(values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        // `date -u -d @SECONDS +%F`
        for (seconds, day) in [
            (0, (1970, 1, 1)),
            (951_782_400, (2000, 2, 29)),
            (951_868_800, (2000, 3, 1)),
            (1_767_225_599, (2025, 12, 31)),
            (4_107_542_400, (2100, 3, 1)),
            (-2_203_977_600, (1900, 2, 28)),
        ] {
            assert_eq!(civil(i64::div_euclid(seconds, 86_400)), day, "{seconds}");
        }
        assert_eq!(offset_seconds("+0900"), Some(32_400));
        assert_eq!(offset_seconds("-0330"), Some(-12_600));
        for wrong in ["0900", "+09:00", "+9000", "+090", "", "+０９００"] {
            assert_eq!(offset_seconds(wrong), None, "{wrong}");
        }
    }
}
