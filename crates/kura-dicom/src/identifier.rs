//! Identifiers of query and retrieve: the data set that says what is asked for, and those that
//! answer it. PS3.4 Annexes C and K.

use kura_model::Refusal;
use serde_json::{Map, Value, json};

use crate::charset_write;
use crate::json_read;
use crate::limits::Limits;
use crate::matching::MatchingKey;
use crate::read::read_dataset;
use crate::syntax::Encoding;
use crate::write::write_dataset;

/// What a request carries, in the DICOM JSON model.
#[derive(Debug, Clone)]
pub struct Identifier {
    dataset: Value,
    character_sets: Vec<String>,
}

/// An identifier holds names and UIDs; the longest are lists of objects.
const LIMITS: Limits = Limits {
    max_element_bytes: 4 << 20,
    max_header_bytes: 4 << 20,
    max_depth: 8,
    max_elements: 100_000,
    max_inflated_bytes: 0,
    max_frame_pixels: 0,
    max_frame_bytes: 0,
    max_compressed_frame_bytes: 0,
    max_fragments: 0,
};

/// Attributes that say how to read the identifier and are no keys of it.
const NO_KEYS: [&str; 3] = ["00080005", "00080052", "00080201"];

impl Identifier {
    /// # Errors
    /// `dicom-transfer-syntax`, and those of a header.
    pub fn read(bytes: &[u8], transfer_syntax_uid: &str) -> Result<Self, Refusal> {
        let encoding = encoding(transfer_syntax_uid)?;
        let (object, character_sets) = read_dataset(bytes, encoding, &LIMITS)?;
        Ok(Self {
            dataset: crate::json::object(&object),
            character_sets,
        })
    }

    /// In the DICOM JSON model; text is UTF-8.
    pub fn dataset(&self) -> &Value {
        &self.dataset
    }

    /// The first value of an attribute, as text.
    pub fn text(&self, tag: &str) -> Option<String> {
        self.texts(tag).into_iter().find(|text| !text.is_empty())
    }

    /// All values of an attribute, as text.
    pub fn texts(&self, tag: &str) -> Vec<String> {
        texts(&self.dataset[tag])
    }

    /// What is to match: each attribute that has a value, also inside sequences (C.2.2.2.6).
    pub fn keys(&self) -> Vec<MatchingKey> {
        let mut keys = Vec::new();
        gather(&self.dataset, &mut Vec::new(), &mut keys);
        keys
    }

    /// The answer to it: of what was found, the attributes it names, empty where there is none
    /// (C.4.1.1.3.2); and those in `more`.
    pub fn answer(&self, found: &Value, more: &[(&str, Value)]) -> Value {
        let mut out = shaped(&self.dataset, found);
        for (tag, element) in more {
            out.insert((*tag).to_owned(), element.clone());
        }
        out.remove("00080005");
        out.sort_keys();
        Value::Object(out)
    }

    /// A data set as bytes, in the character set the request has, if that holds it; else in
    /// ISO 2022 IR 87, which Japanese equipment of any age reads, else in UTF-8.
    ///
    /// # Errors
    /// `dicom-transfer-syntax`, `dicom-json`, `dicom-write`.
    pub fn write(&self, dataset: &Value, transfer_syntax_uid: &str) -> Result<Vec<u8>, Refusal> {
        write(dataset, transfer_syntax_uid, &self.character_sets)
    }
}

/// A data set as bytes for a peer that has not said how it writes text.
///
/// # Errors
/// As [`Identifier::write`].
pub fn write(
    dataset: &Value,
    transfer_syntax_uid: &str,
    character_sets: &[String],
) -> Result<Vec<u8>, Refusal> {
    let encoding = encoding(transfer_syntax_uid)?;
    let object = json_read::read(dataset)?;
    let ascii: [String; 0] = [];
    let japanese = ["".to_owned(), "ISO 2022 IR 87".to_owned()];
    let sets: &[&[String]] = if character_sets.iter().any(|term| term == "ISO_IR 192") {
        // Whoever asks in UTF-8 is answered in it.
        &[]
    } else {
        &[character_sets, &ascii, &japanese]
    };
    write_dataset(&charset_write::in_one_of(sets, object), encoding)
}

fn encoding(transfer_syntax_uid: &str) -> Result<Encoding, Refusal> {
    Encoding::of(transfer_syntax_uid)
        .filter(|encoding| !encoding.deflated)
        .ok_or_else(|| {
            Refusal::new(
                "dicom-transfer-syntax",
                "identifiers are not written in this transfer syntax",
            )
        })
}

fn texts(element: &Value) -> Vec<String> {
    let values = element["Value"].as_array().map_or(&[][..], Vec::as_slice);
    values
        .iter()
        .map(|value| match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Object(_) => json_read::name(value).unwrap_or_default(),
            _ => String::new(),
        })
        .collect()
}

fn gather(dataset: &Value, path: &mut Vec<String>, keys: &mut Vec<MatchingKey>) {
    let Some(elements) = dataset.as_object() else {
        return;
    };
    for (tag, element) in elements {
        if path.is_empty() && NO_KEYS.contains(&tag.as_str()) {
            continue;
        }
        path.push(tag.clone());
        if element["vr"] == "SQ" {
            // C.2.2.2.6: one item at most
            if let Some(item) = element["Value"].get(0) {
                gather(item, path, keys);
            }
        } else {
            let value = texts(element).join("\\");
            if !value.is_empty() {
                keys.push(MatchingKey {
                    path: path.clone(),
                    value,
                });
            }
        }
        path.pop();
    }
}

fn shaped(asked: &Value, found: &Value) -> Map<String, Value> {
    let mut out = Map::new();
    for (tag, element) in asked.as_object().into_iter().flatten() {
        let vr = &element["vr"];
        let Some(known) = found.get(tag).filter(|known| known["Value"].is_array()) else {
            out.insert(tag.clone(), json!({ "vr": vr }));
            continue;
        };
        let item = element["Value"].get(0).filter(|_| vr == "SQ");
        let Some(item) = item.filter(|item| item.as_object().is_some_and(|map| !map.is_empty()))
        else {
            out.insert(tag.clone(), known.clone());
            continue;
        };
        let items: Vec<Value> = known["Value"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|found| Value::Object(shaped(item, found)))
            .collect();
        out.insert(tag.clone(), json!({ "vr": "SQ", "Value": items }));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::{EXPLICIT_BE, EXPLICIT_LE, IMPLICIT_LE};

    fn asked() -> Value {
        json!({
            "00080020": { "vr": "DA", "Value": ["20260101-20260131"] },
            "00080052": { "vr": "CS", "Value": ["STUDY"] },
            "00100010": { "vr": "PN", "Value": [{ "Alphabetic": "YAMADA*", "Ideographic": "山田*" }] },
            "0020000D": { "vr": "UI", "Value": ["1.2", "1.3"] },
            "00280010": { "vr": "US", "Value": [512] },
            "00400275": { "vr": "SQ", "Value": [{ "00400007": { "vr": "LO" }, "00400009": { "vr": "SH", "Value": ["A"] } }] },
        })
    }

    #[test]
    fn an_identifier_reads_back_in_every_way_it_is_written() {
        for syntax in [IMPLICIT_LE, EXPLICIT_LE, EXPLICIT_BE] {
            for sets in [
                &[][..],
                &["ISO_IR 192".to_owned()],
                &["".to_owned(), "ISO 2022 IR 87".to_owned()],
                &["ISO 2022 IR 13".to_owned(), "ISO 2022 IR 87".to_owned()],
                &["ISO_IR 100".to_owned()],
            ] {
                let bytes = write(&asked(), syntax, sets).unwrap();
                let read = Identifier::read(&bytes, syntax).unwrap();
                let keys: Vec<_> = read
                    .keys()
                    .iter()
                    .map(|key| (key.path.join("."), key.value.clone()))
                    .collect();
                let expected = [
                    ("00080020", "20260101-20260131"),
                    ("00100010", "YAMADA*=山田*"),
                    ("0020000D", "1.2\\1.3"),
                    ("00280010", "512"),
                    ("00400275.00400009", "A"),
                ];
                assert_eq!(
                    keys,
                    expected.map(|(path, value)| (path.to_owned(), value.to_owned())),
                    "{syntax} {sets:?}"
                );
                assert_eq!(read.text("00080052").as_deref(), Some("STUDY"));
            }
        }
    }

    #[test]
    fn an_answer_has_what_was_asked_for_and_nothing_else() {
        let bytes = write(&asked(), EXPLICIT_LE, &[]).unwrap();
        let asked = Identifier::read(&bytes, EXPLICIT_LE).unwrap();
        let found = json!({
            "00080020": { "vr": "DA", "Value": ["20260105"] },
            "00104000": { "vr": "LT", "Value": ["secret"] },
            "00400275": { "vr": "SQ", "Value": [
                { "00400007": { "vr": "LO", "Value": ["Head"] }, "00400009": { "vr": "SH", "Value": ["A"] }, "00401400": { "vr": "LT", "Value": ["more"] } },
            ] },
        });
        let level = json!({ "vr": "CS", "Value": ["STUDY"] });
        let answer = asked.answer(&found, &[("00080052", level)]);
        assert_eq!(
            answer,
            json!({
                "00080020": { "vr": "DA", "Value": ["20260105"] },
                "00080052": { "vr": "CS", "Value": ["STUDY"] },
                "00100010": { "vr": "PN" },
                "0020000D": { "vr": "UI" },
                "00280010": { "vr": "US" },
                "00400275": { "vr": "SQ", "Value": [
                    { "00400007": { "vr": "LO", "Value": ["Head"] }, "00400009": { "vr": "SH", "Value": ["A"] } },
                ] },
            })
        );
    }

    #[test]
    fn broken_identifiers_are_refused() {
        let bytes = write(&asked(), EXPLICIT_LE, &[]).unwrap();
        let mut refused = 0;
        for cut in 1..bytes.len() {
            refused += u32::from(Identifier::read(&bytes[..cut], EXPLICIT_LE).is_err());
        }
        assert!(refused > 100, "{refused}");
        assert!(Identifier::read(&bytes, "1.2.840.10008.1.2.1.99").is_err());
        assert!(Identifier::read(&bytes, "9.9").is_err());
    }
}
