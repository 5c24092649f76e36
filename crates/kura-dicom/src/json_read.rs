//! From the DICOM JSON model (PS3.18 Annex F) back to a data set.

use dicom_core::value::{C, DataSetSequence};
use dicom_core::{DataElement, Length, PrimitiveValue, Tag, VR};
use dicom_object::InMemDicomObject;
use kura_model::Refusal;
use serde_json::Value;

/// PS3.5 7.5: deeper than any data set of the standard.
const DEPTH: usize = 32;

fn refuse(message: &str) -> Refusal {
    Refusal::new("dicom-json", message)
}

/// An element whose value is not among `Value`s: `InlineBinary`, `BulkDataURI`. F.2.6, F.2.7.
pub(crate) struct Elsewhere<'j> {
    pub(crate) tag: Tag,
    pub(crate) vr: VR,
    /// 0 outside of sequences.
    pub(crate) depth: usize,
    pub(crate) inline: Option<&'j str>,
    pub(crate) uri: Option<&'j str>,
}

/// What such an element becomes; `None` leaves it out.
pub(crate) type Fetch<'f> =
    dyn FnMut(&Elsewhere<'_>) -> Result<Option<PrimitiveValue>, Refusal> + 'f;

/// The data set that a JSON object describes. Values given elsewhere are left empty.
///
/// # Errors
/// `dicom-json`, with the tag where a value does not fit its VR.
pub(crate) fn read(json: &Value) -> Result<InMemDicomObject, Refusal> {
    read_with(json, &mut |_| Ok(Some(PrimitiveValue::Empty)))
}

/// The same with values that are given elsewhere.
///
/// # Errors
/// And those of `fetch`.
pub(crate) fn read_with(json: &Value, fetch: &mut Fetch<'_>) -> Result<InMemDicomObject, Refusal> {
    object(json, 0, fetch)
}

fn object(json: &Value, depth: usize, fetch: &mut Fetch<'_>) -> Result<InMemDicomObject, Refusal> {
    let map = json
        .as_object()
        .filter(|_| depth <= DEPTH)
        .ok_or_else(|| refuse("a data set is a JSON object, not too deep"))?;
    let mut out = InMemDicomObject::new_empty();
    for (name, element) in map {
        let tag = tag(name).ok_or_else(|| refuse("a tag is eight hexadecimal digits"))?;
        let place = crate::tag_text(tag);
        let vr = element["vr"]
            .as_str()
            .and_then(|vr| vr.parse::<VR>().ok())
            .ok_or_else(|| refuse("an element has no VR of the standard").at_path(place.clone()))?;
        let values = element["Value"].as_array().map_or(&[][..], Vec::as_slice);
        if vr == VR::SQ {
            let items: Vec<_> = values
                .iter()
                .map(|item| object(item, depth + 1, fetch))
                .collect::<Result<_, _>>()?;
            let sequence = DataSetSequence::new(C::from_vec(items), Length::UNDEFINED);
            out.put(DataElement::new(tag, vr, sequence));
            continue;
        }
        let elsewhere = Elsewhere {
            tag,
            vr,
            depth,
            inline: element["InlineBinary"].as_str(),
            uri: element["BulkDataURI"].as_str(),
        };
        if values.is_empty() && (elsewhere.inline.is_some() || elsewhere.uri.is_some()) {
            if let Some(value) = fetch(&elsewhere)? {
                out.put(DataElement::new(tag, vr, value));
            }
        } else {
            let value = primitive(vr, values)
                .ok_or_else(|| refuse("a value does not fit its VR").at_path(place))?;
            out.put(DataElement::new(tag, vr, value));
        }
    }
    Ok(out)
}

fn tag(name: &str) -> Option<Tag> {
    let digits = name.len() == 8 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = u32::from_str_radix(name, 16).ok().filter(|_| digits)?;
    Some(Tag((number >> 16) as u16, number as u16))
}

fn primitive(vr: VR, values: &[Value]) -> Option<PrimitiveValue> {
    if values.is_empty() {
        return Some(PrimitiveValue::Empty);
    }
    macro_rules! numbers {
        ($variant:ident, $type:ty) => {
            PrimitiveValue::$variant(
                values
                    .iter()
                    .map(|value| text(value)?.parse::<$type>().ok())
                    .collect::<Option<C<$type>>>()?,
            )
        };
    }
    Some(match vr {
        VR::SS => numbers!(I16, i16),
        VR::US => numbers!(U16, u16),
        VR::SL => numbers!(I32, i32),
        VR::UL => numbers!(U32, u32),
        VR::SV => numbers!(I64, i64),
        VR::UV => numbers!(U64, u64),
        VR::FL => numbers!(F32, f32),
        VR::FD => numbers!(F64, f64),
        VR::AT => PrimitiveValue::Tags(
            values
                .iter()
                .map(|value| tag(value.as_str()?))
                .collect::<Option<C<Tag>>>()?,
        ),
        VR::OB | VR::OW | VR::OF | VR::OD | VR::OL | VR::OV | VR::UN => return None,
        VR::PN => PrimitiveValue::Strs(values.iter().map(name).collect::<Option<_>>()?),
        // PS3.5 6.2: the backslash is text in these
        VR::LT | VR::ST | VR::UT | VR::UR => PrimitiveValue::Str(text(values.first()?)?),
        _ => PrimitiveValue::Strs(values.iter().map(text).collect::<Option<_>>()?),
    })
}

/// F.2.5: an empty value among several is null.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text.clone()),
        // Digits as they were written.
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// F.2.2: the component groups of a name.
pub(crate) fn name(value: &Value) -> Option<String> {
    if value.is_null() {
        return Some(String::new());
    }
    let group = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default();
    let groups = [group("Alphabetic"), group("Ideographic"), group("Phonetic")];
    value
        .is_object()
        .then(|| groups.join("=").trim_end_matches('=').to_owned())
}
