//! Attribute matching of queries, PS3.4 C.2.2.2, on the DICOM JSON model.

use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;
use serde_json::{Value, json};

/// `GGGGEEEE` of an attribute named by its keyword (PS3.6) or its tag; `None` for neither.
pub fn tag_of(name: &str) -> Option<String> {
    if name.len() == 8 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Some(name.to_ascii_uppercase());
    }
    let entry = StandardDataDictionary.by_name(name)?;
    let tag = entry.tag_range().inner();
    Some(format!("{:04X}{:04X}", tag.group(), tag.element()))
}

/// The keyword of an attribute (PS3.6) by its tag, `GGGGEEEE`.
pub fn keyword_of(tag: &str) -> Option<&'static str> {
    let number = u32::from_str_radix(tag, 16).ok()?;
    let entry = StandardDataDictionary.by_tag(Tag((number >> 16) as u16, number as u16))?;
    Some(entry.alias())
}

/// A key for a query of our own, as an element of the DICOM JSON model: an attribute of PS3.6 by
/// its keyword or tag, and the value that is to match.
pub fn key_element(name: &str, value: &str) -> Option<(String, Value)> {
    let tag = tag_of(name)?;
    let number = u32::from_str_radix(&tag, 16).ok()?;
    let entry = StandardDataDictionary.by_tag(Tag((number >> 16) as u16, number as u16))?;
    let vr = entry.vr().exact()?;
    if vr == VR::SQ {
        return None;
    }
    let value = if vr == VR::PN {
        json!({ "Alphabetic": value })
    } else {
        json!(value)
    };
    Some((tag, json!({ "vr": vr.to_string(), "Value": [value] })))
}

/// One key of a query: where the attribute is, and what it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchingKey {
    /// Tags from the outside in, `GGGGEEEE`; several for an attribute inside a sequence.
    pub path: Vec<String>,
    /// As the query wrote it. Empty means universal matching.
    pub value: String,
}

impl MatchingKey {
    /// Whether a data set has what the key asks for. An attribute that is absent or empty
    /// matches the empty key only (C.2.2.2.3), and a lone `*`, which means the same (C.2.2.2.4).
    pub fn matches(&self, dataset: &Value) -> bool {
        self.matches_by(dataset, name_matches)
    }

    /// The same, with names compared in another way.
    pub fn matches_by(&self, dataset: &Value, names: NameMatch) -> bool {
        self.value.bytes().all(|byte| byte == b'*')
            || within(dataset, &self.path, &self.value, names)
    }
}

/// How a group of a name's components is compared with the value of a key.
pub type NameMatch = fn(&str, &str) -> bool;

fn within(dataset: &Value, path: &[String], wanted: &str, names: NameMatch) -> bool {
    let Some((tag, rest)) = path.split_first() else {
        return false;
    };
    let Some(element) = dataset.get(tag) else {
        return false;
    };
    let values = element["Value"].as_array().map_or(&[][..], Vec::as_slice);
    if !rest.is_empty() {
        // C.2.2.2.6: any item may match
        return values.iter().any(|item| within(item, rest, wanted, names));
    }
    let vr = element["vr"].as_str().unwrap_or_default();
    values.iter().any(|value| one(vr, value, wanted, names))
}

/// One value of one attribute against the value of a key.
fn one(vr: &str, value: &Value, wanted: &str, names: NameMatch) -> bool {
    match vr {
        "PN" => ["Alphabetic", "Ideographic", "Phonetic"]
            .iter()
            .filter_map(|group| value.get(group)?.as_str())
            .any(|group| names(group, wanted)),
        // C.2.2.2.2: a list of UIDs; PS3.18 8.3.4.1 separates them by commas, DIMSE by backslashes
        "UI" => wanted
            .split(['\\', ','])
            .any(|uid| value.as_str() == Some(uid.trim())),
        "DA" | "TM" | "DT" => value.as_str().is_some_and(|value| range(value, wanted)),
        "IS" | "DS" | "US" | "SS" | "UL" | "SL" | "FL" | "FD" => {
            match (number(value), wanted.trim().parse::<f64>()) {
                (Some(value), Ok(wanted)) => value == wanted,
                _ => false,
            }
        }
        _ => value.as_str().is_some_and(|value| wildcard(value, wanted)),
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    }
}

/// Names are compared without regard to case (C.2.2.2.1 allows it), and without the delimiters
/// that end an unfinished name.
pub fn name_matches(value: &str, wanted: &str) -> bool {
    let fold = |text: &str| text.trim_end_matches('^').to_lowercase();
    // Ideographic or phonetic groups may be asked for after `=`.
    wanted
        .split('=')
        .filter(|group| !group.is_empty())
        .any(|group| wildcard(&fold(value), &fold(group)))
}

/// C.2.2.2.5: `a-b`, `a-` or `-b`, both ends included; a single value otherwise. A key less
/// precise than the value takes in what it begins (`1000-1100` holds 110045.2).
fn range(value: &str, wanted: &str) -> bool {
    let value = value.trim();
    let wanted = wanted.trim();
    let Some((low, high)) = wanted.split_once('-') else {
        return value == wanted
            || (value.len() > wanted.len()
                && value.starts_with(wanted)
                && value[wanted.len()..]
                    .chars()
                    .all(|letter| letter == '0' || letter == '.'));
    };
    let (low, high) = (low.trim(), high.trim());
    (low.is_empty() || value >= low)
        && (high.is_empty() || value <= high || value.starts_with(high))
}

/// C.2.2.2.4: `*` is any run of characters, `?` is one.
pub fn wildcard(value: &str, pattern: &str) -> bool {
    let value: Vec<char> = value.trim_end().chars().collect();
    let pattern: Vec<char> = pattern.trim_end().chars().collect();
    let (mut at, mut next) = (0, 0);
    // Where the last star stood, and how far it has swallowed.
    let mut star: Option<(usize, usize)> = None;
    while at < value.len() {
        match pattern.get(next) {
            Some('*') => {
                star = Some((next, at));
                next += 1;
            }
            Some(letter) if *letter == '?' || *letter == value[at] => {
                at += 1;
                next += 1;
            }
            _ => match star {
                Some((place, swallowed)) => {
                    star = Some((place, swallowed + 1));
                    at = swallowed + 1;
                    next = place + 1;
                }
                None => return false,
            },
        }
    }
    pattern[next..].iter().all(|letter| *letter == '*')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(path: &str, value: &str) -> MatchingKey {
        MatchingKey {
            path: path.split('.').map(str::to_owned).collect(),
            value: value.to_owned(),
        }
    }

    #[test]
    fn each_kind_of_matching() {
        let data = json!({
            "00080020": { "vr": "DA", "Value": ["20260405"] },
            "00080030": { "vr": "TM", "Value": ["110045.2"] },
            "00080050": { "vr": "SH" },
            "00080061": { "vr": "CS", "Value": ["CT", "SR"] },
            "00100010": { "vr": "PN", "Value": [{ "Alphabetic": "Yamada^Tarou", "Ideographic": "山田^太郎" }] },
            "0020000D": { "vr": "UI", "Value": ["1.2.3"] },
            "00200013": { "vr": "IS", "Value": [7] },
            "00400275": { "vr": "SQ", "Value": [{ "00400007": { "vr": "LO", "Value": ["Head"] } }] },
        });
        for (path, value, expected) in [
            ("00080020", "20260405", true),
            ("00080020", "20260401-20260430", true),
            ("00080020", "-20260404", false),
            ("00080020", "20260405-", true),
            ("00080030", "1000-1100", true),
            ("00080030", "1101-", false),
            ("00080050", "", true),
            ("00080050", "A1", false),
            ("00080050", "*", true),
            ("00080061", "SR", true),
            ("00080061", "MR", false),
            ("00100010", "yamada*", true),
            ("00100010", "山田*", true),
            ("00100010", "YAMADA^TAROU^", true),
            ("00100010", "=山田^太郎", true),
            ("00100010", "Yamada", false),
            ("0020000D", "9.9,1.2.3", true),
            ("0020000D", "9.9\\1.2.3", true),
            ("0020000D", "1.2", false),
            ("00200013", "7", true),
            ("00200013", "70", false),
            ("00400275.00400007", "H??d", true),
            ("00400275.00400007", "Neck", false),
            ("00104000", "x", false),
        ] {
            assert_eq!(key(path, value).matches(&data), expected, "{path} {value}");
        }
    }

    #[test]
    fn wildcards() {
        for (value, pattern, expected) in [
            ("", "*", true),
            ("abc", "a*c", true),
            ("abc", "a?c", true),
            ("abc", "a?", false),
            ("aXbXc", "a*X?", true),
            ("日本語", "日?語", true),
            ("aaaaaaaaaaaaaaaaaaaaaaaa", "*a*a*a*a*a*a*a*b", false),
        ] {
            assert_eq!(wildcard(value, pattern), expected, "{value} {pattern}");
        }
    }
}
