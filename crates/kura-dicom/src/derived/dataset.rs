//! Elements as the derived objects need them.

use dicom_core::value::{C, DataSetSequence};
use dicom_core::{DataElement, Length, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use kura_model::Refusal;

use super::Code;

/// A data set or an item of a sequence.
pub(super) type Object = InMemDicomObject;

pub(super) fn put(object: &mut Object, tag: Tag, vr: VR, value: impl Into<PrimitiveValue>) {
    object.put(DataElement::new(tag, vr, value.into()));
}

pub(super) fn put_empty(object: &mut Object, tag: Tag, vr: VR) {
    put(object, tag, vr, PrimitiveValue::Empty);
}

pub(super) fn put_numbers(object: &mut Object, tag: Tag, numbers: &[f64]) {
    let texts: C<String> = numbers.iter().map(|number| decimal(*number)).collect();
    put(object, tag, VR::DS, PrimitiveValue::Strs(texts));
}

pub(super) fn put_items(object: &mut Object, tag: Tag, items: Vec<Object>) {
    let sequence = DataSetSequence::new(C::from_vec(items), Length::UNDEFINED);
    object.put(DataElement::new(tag, VR::SQ, sequence));
}

pub(super) fn item(fill: impl FnOnce(&mut Object)) -> Object {
    let mut object = Object::new_empty();
    fill(&mut object);
    object
}

/// A sequence of one code (PS3.3 Table 8.8-1).
///
/// # Errors
/// `derived-text`.
pub(super) fn put_code(object: &mut Object, tag: Tag, code: &Code) -> Result<(), Refusal> {
    let place = crate::tag_text(tag);
    let short = code.value.chars().count() <= 16;
    checked(&code.value, if short { 16 } else { 1024 }, &place)?;
    checked(&code.scheme, 16, &place)?;
    checked(&code.meaning, 64, &place)?;
    let code = item(|item| {
        if short {
            put(item, tags::CODE_VALUE, VR::SH, code.value.as_str());
        } else {
            put(item, tags::LONG_CODE_VALUE, VR::UC, code.value.as_str());
        }
        put(
            item,
            tags::CODING_SCHEME_DESIGNATOR,
            VR::SH,
            code.scheme.as_str(),
        );
        put(item, tags::CODE_MEANING, VR::LO, code.meaning.as_str());
    });
    put_items(object, tag, vec![code]);
    Ok(())
}

/// A text of one value as PS3.5 6.2 allows for SH and LO.
///
/// # Errors
/// `derived-text`.
pub(super) fn checked<'t>(text: &'t str, most: usize, place: &str) -> Result<&'t str, Refusal> {
    let fits = !text.trim().is_empty()
        && text.chars().count() <= most
        && !text.chars().any(|c| c.is_control() || c == '\\');
    if fits {
        Ok(text)
    } else {
        let message = "a text is missing, too long, or has a control character or backslash";
        Err(Refusal::new("derived-text", message).at_path(place))
    }
}

/// A UID, with room for a number after it where `room` says.
///
/// # Errors
/// `dicom-uid`.
pub(super) fn checked_uid<'t>(uid: &'t str, room: usize, place: &str) -> Result<&'t str, Refusal> {
    // Components that begin with 0 break PS3.5 9.1, but are in archives, and to be referred to.
    let component = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if uid.len() + room <= 64 && uid.split('.').all(component) {
        Ok(uid)
    } else {
        Err(Refusal::new("dicom-uid", "a UID is up to 64 digits and dots").at_path(place))
    }
}

/// A number as VR DS: at most 16 characters (PS3.5 6.2), as near as they allow.
pub(super) fn decimal(number: f64) -> String {
    // -0 reads as a sign of something.
    let number = if number == 0.0 { 0.0 } else { number };
    let shortest = number.to_string();
    if shortest.len() <= 16 {
        return shortest;
    }
    let fixed = (0..16).rev().map(|digits| format!("{number:.digits$}"));
    let scientific = (0..16).rev().map(|digits| format!("{number:.digits$e}"));
    let distance = |text: &String| {
        text.parse()
            .map_or(f64::INFINITY, |read: f64| (read - number).abs())
    };
    let first = |mut texts: Box<dyn Iterator<Item = String>>| texts.find(|t| t.len() <= 16);
    [first(Box::new(fixed)), first(Box::new(scientific))]
        .into_iter()
        .flatten()
        .min_by(|a, b| distance(a).total_cmp(&distance(b)))
        .unwrap_or(shortest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_fit_sixteen_characters() {
        assert_eq!(decimal(-249.51171875), "-249.51171875");
        assert_eq!(decimal(-0.0), "0");
        assert_eq!(decimal(1.0 / 3.0), "0.33333333333333");
        assert_eq!(decimal(-1.0 / 3.0), "-0.3333333333333");
        assert_eq!(decimal(1.0e-20 / 3.0), "3.3333333333e-21");
        assert_eq!(decimal(123_456_789.123_456_78), "123456789.123457");
        assert_eq!(decimal(f64::MAX).len(), 16);
    }

    #[test]
    fn uids_have_digits_between_dots() {
        for uid in ["1.2.840.10008", "2.25.0", "1.02"] {
            assert!(checked_uid(uid, 0, "").is_ok());
        }
        for uid in ["", "1..2", "1.2.", "1.a"] {
            assert_eq!(checked_uid(uid, 0, "").unwrap_err().rule, "dicom-uid");
        }
        let long = "1".repeat(60);
        assert!(checked_uid(&long, 4, "").is_ok());
        assert!(checked_uid(&long, 5, "").is_err());
    }
}
