//! DICOM JSON to the Native DICOM Model.

use std::fmt::Write;

use dicom_core::Tag;
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_dictionary_std::StandardDataDictionary;
use serde_json::{Map, Value};

use super::{COMPONENTS, GROUPS, NAMESPACE};

/// Writes one data set. What is not of the DICOM JSON model is left out; so are characters that XML
/// does not know.
pub fn write(dataset: &Value) -> String {
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<NativeDicomModel xmlns=\"{NAMESPACE}\" xml:space=\"preserve\">"
    );
    if let Value::Object(elements) = dataset {
        data_set(&mut out, elements);
    }
    out.push_str("</NativeDicomModel>");
    out
}

fn data_set(out: &mut String, elements: &Map<String, Value>) {
    for (tag, element) in elements {
        attribute(out, tag, element, elements);
    }
}

fn attribute(out: &mut String, tag: &str, element: &Value, around: &Map<String, Value>) {
    let vr = element.get("vr").and_then(Value::as_str).unwrap_or("UN");
    let Some(number) = u32::from_str_radix(tag, 16).ok().filter(|_| tag.len() == 8) else {
        return;
    };
    out.push_str("<DicomAttribute");
    named(out, "tag", tag);
    named(out, "vr", vr);
    let number = Tag((number >> 16) as u16, number as u16);
    if let Some(keyword) = keyword(number) {
        named(out, "keyword", keyword);
    }
    // PS3.5 7.8.1: (gggg,00xx) names who made (gggg,xxee).
    if number.0 % 2 == 1 && number.1 >= 0x1000 {
        let creator = format!("{:04X}{:04X}", number.0, number.1 >> 8);
        let creator = around.get(&creator).and_then(|by| by["Value"][0].as_str());
        if let Some(creator) = creator {
            named(out, "privateCreator", creator);
        }
    }
    out.push('>');
    if let Some(uri) = element.get("BulkDataURI").and_then(Value::as_str) {
        out.push_str("<BulkData");
        named(out, "uri", uri);
        out.push_str("/>");
    } else if let Some(bytes) = element.get("InlineBinary").and_then(Value::as_str) {
        out.push_str("<InlineBinary>");
        text(out, bytes);
        out.push_str("</InlineBinary>");
    } else if let Some(Value::Array(values)) = element.get("Value") {
        for (at, one) in values.iter().enumerate() {
            value(out, vr, at + 1, one);
        }
    }
    out.push_str("</DicomAttribute>");
}

fn keyword(tag: Tag) -> Option<&'static str> {
    if tag.0 % 2 == 1 || tag.1 == 0 {
        return None;
    }
    StandardDataDictionary
        .by_tag(tag)
        .map(DataDictionaryEntry::alias)
}

fn value(out: &mut String, vr: &str, number: usize, value: &Value) {
    let element = match (vr, value) {
        ("SQ", Value::Object(_)) => "Item",
        ("PN", Value::Object(_)) => "PersonName",
        (_, Value::String(_) | Value::Number(_)) => "Value",
        // No value between others: its number is passed over.
        _ => return,
    };
    let _ = write!(out, "<{element} number=\"{number}\">");
    match value {
        Value::Object(item) if vr == "SQ" => data_set(out, item),
        Value::Object(name) => person_name(out, name),
        Value::String(value) => text(out, value),
        number => {
            let _ = write!(out, "{number}");
        }
    }
    let _ = write!(out, "</{element}>");
}

fn person_name(out: &mut String, name: &Map<String, Value>) {
    for group in GROUPS {
        let Some(value) = name.get(group).and_then(Value::as_str) else {
            continue;
        };
        let _ = write!(out, "<{group}>");
        for (component, value) in COMPONENTS.iter().zip(value.splitn(5, '^')) {
            if !value.is_empty() {
                let _ = write!(out, "<{component}>");
                text(out, value);
                let _ = write!(out, "</{component}>");
            }
        }
        let _ = write!(out, "</{group}>");
    }
}

fn named(out: &mut String, name: &str, value: &str) {
    let _ = write!(out, " {name}=\"");
    text(out, value);
    out.push('"');
}

/// XML 1.0 2.2 and 2.4.
fn text(out: &mut String, value: &str) {
    for letter in value.chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            // A reader would make a line feed of it.
            '\r' => out.push_str("&#13;"),
            '\t' | '\n' => out.push(letter),
            '\u{FFFE}' | '\u{FFFF}' => {}
            letter if letter < ' ' => {}
            letter => out.push(letter),
        }
    }
}
