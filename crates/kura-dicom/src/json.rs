//! DICOM JSON model, PS3.18 Annex F.

use dicom_core::header::{HasLength, Header as _};
use dicom_core::{DicomValue, PrimitiveValue, Tag, VR};
use dicom_object::InMemDicomObject;
use serde_json::{Map, Number, Value, json};

use crate::header::Header;
use crate::person_name::PersonName;

impl Header {
    /// The data set in the DICOM JSON model, without bulk data: elements of VR OB, OW, OF, OD,
    /// OL, OV and UN have their `vr` only, and pixel data is not there. Group lengths are left
    /// out (F.2.2).
    pub fn to_dicom_json(&self) -> Value {
        object(self.object())
    }
}

pub(crate) fn object(data: &InMemDicomObject) -> Value {
    let mut map = Map::new();
    for element in data {
        let Tag(group, number) = element.tag();
        if number == 0 {
            continue;
        }
        let mut entry = Map::new();
        entry.insert("vr".into(), Value::from(element.vr().to_string()));
        let values: Vec<Value> = match element.value() {
            DicomValue::Sequence(sequence) => sequence.items().iter().map(object).collect(),
            DicomValue::Primitive(value) if !element.is_empty() => primitive(element.vr(), value),
            _ => Vec::new(),
        };
        if !values.is_empty() {
            entry.insert("Value".into(), Value::Array(values));
        }
        map.insert(format!("{group:04X}{number:04X}"), Value::Object(entry));
    }
    Value::Object(map)
}

fn primitive(vr: VR, value: &PrimitiveValue) -> Vec<Value> {
    macro_rules! numbers {
        ($values:expr) => {
            $values.iter().map(|v| json!(v)).collect()
        };
    }
    match (vr, value) {
        (VR::OB | VR::OW | VR::OF | VR::OD | VR::OL | VR::OV | VR::UN, _) => Vec::new(),
        (_, PrimitiveValue::Tags(tags)) => tags
            .iter()
            .map(|Tag(group, number)| Value::from(format!("{group:04X}{number:04X}")))
            .collect(),
        (_, PrimitiveValue::I16(values)) => numbers!(values),
        (_, PrimitiveValue::U16(values)) => numbers!(values),
        (_, PrimitiveValue::I32(values)) => numbers!(values),
        (_, PrimitiveValue::U32(values)) => numbers!(values),
        (_, PrimitiveValue::I64(values)) => numbers!(values),
        (_, PrimitiveValue::U64(values)) => numbers!(values),
        (_, PrimitiveValue::F32(values)) => {
            values.iter().map(|v| float(f64::from(*v), v)).collect()
        }
        (_, PrimitiveValue::F64(values)) => values.iter().map(|v| float(*v, v)).collect(),
        // F.2.4 with PS3.5 6.2: one value, the backslash is text
        (VR::LT | VR::ST | VR::UT | VR::UR, PrimitiveValue::Str(text)) => {
            vec![Value::from(text.as_str())]
        }
        (_, PrimitiveValue::Str(text)) => text.split('\\').map(|v| string(vr, v)).collect(),
        (_, PrimitiveValue::Strs(texts)) => texts.iter().map(|v| string(vr, v)).collect(),
        _ => Vec::new(),
    }
}

/// F.2.5 as corrected: what JSON has no number for is a string.
fn float(value: f64, text: &impl std::fmt::Display) -> Value {
    if value.is_finite() {
        // The shortest text that reads back as the same binary value.
        text.to_string()
            .parse::<Number>()
            .map_or(Value::Null, Value::Number)
    } else if value.is_nan() {
        Value::from("NaN")
    } else {
        Value::from(if value > 0.0 { "inf" } else { "-inf" })
    }
}

fn string(vr: VR, text: &str) -> Value {
    let text = text.trim_matches([' ', '\0']);
    match vr {
        // F.2.5: an empty value among several is null
        _ if text.is_empty() => Value::Null,
        VR::PN => {
            let name = PersonName::parse(text);
            let mut map = Map::new();
            for (key, group) in [
                ("Alphabetic", name.alphabetic),
                ("Ideographic", name.ideographic),
                ("Phonetic", name.phonetic),
            ] {
                if let Some(group) = group {
                    map.insert(key.into(), Value::from(group));
                }
            }
            Value::Object(map)
        }
        // F.2.3.1: DS and IS are numbers or strings; the digits are kept as they are
        VR::DS | VR::IS => text
            .parse::<Number>()
            .map_or_else(|_| Value::from(text), Value::Number),
        _ => Value::from(text),
    }
}
