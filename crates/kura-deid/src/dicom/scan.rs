//! The last look: nothing that is known to name the patient may stand in what leaves.

use std::collections::HashSet;

use encoding_rs::{EUC_JP, SHIFT_JIS, UTF_8, UTF_16LE};

use dicom_core::{PrimitiveValue, Tag, VR};
use dicom_object::InMemDicomObject;

use crate::known::KnownIdentifiers;

/// What is known of a patient, ready to be looked for.
pub(super) struct Names {
    known: KnownIdentifiers,
    /// Those long enough to mean something within numbers, dates and times.
    long: KnownIdentifiers,
}

pub(super) struct Scan<'a> {
    names: &'a Names,
    /// Values this run made; keyed hashes and shifted dates can hold any digits by chance.
    made: HashSet<String>,
}

/// Every text of an object, also in sequences, with the tag of its element; numbers whose bytes
/// may be text as the encodings read them.
pub fn texts(object: &InMemDicomObject, visit: &mut dyn FnMut(&str, &str)) {
    for element in object {
        if let Some(items) = element.items() {
            items.iter().for_each(|item| texts(item, visit));
            continue;
        }
        let tag = element.header().tag.to_string();
        match element.value().primitive() {
            Some(PrimitiveValue::Str(text)) => visit(&tag, text),
            Some(PrimitiveValue::Strs(parts)) => {
                parts.iter().for_each(|text| visit(&tag, text));
                visit(&tag, &parts.concat());
            }
            Some(PrimitiveValue::Empty) | None => {}
            Some(numbers) => {
                let bytes = numbers.to_bytes();
                for encoding in [UTF_8, SHIFT_JIS, EUC_JP, UTF_16LE] {
                    visit(&tag, &encoding.decode_without_bom_handling(&bytes).0);
                }
            }
        }
    }
}

/// Without the separators of names, numbers and dates.
fn bare(text: &str) -> String {
    text.chars()
        .filter(|c| {
            !matches!(
                c,
                '^' | '=' | '-' | '−' | 'ー' | '.' | ',' | '/' | '_' | '(' | ')' | '\\'
            )
        })
        .collect()
}

impl Names {
    pub(super) fn new(known: &[String]) -> Self {
        // A house number without its dashes is an instance number by chance; a phone number not.
        let long = |value: &String| !value.is_ascii() || value.chars().count() >= 5;
        let bared: Vec<String> = known.iter().map(|value| bare(value)).filter(long).collect();
        Self {
            known: KnownIdentifiers::new(known.iter().cloned().chain(bared.iter().cloned())),
            long: KnownIdentifiers::new(bared),
        }
    }
}

impl<'a> Scan<'a> {
    pub(super) fn new(names: &'a Names, made: HashSet<String>) -> Self {
        Self { names, made }
    }

    /// The first attribute whose value holds a known identifier.
    pub(super) fn find(&self, object: &InMemDicomObject) -> Option<Tag> {
        for element in object {
            let tag = element.header().tag;
            if let Some(items) = element.items() {
                if let Some(found) = items.iter().find_map(|item| self.find(item)) {
                    return Some(found);
                }
                continue;
            }
            let strings: Vec<&str> = match element.value().primitive() {
                Some(PrimitiveValue::Str(text)) => vec![text],
                Some(PrimitiveValue::Strs(texts)) => texts.iter().map(String::as_str).collect(),
                Some(PrimitiveValue::Empty) | None => continue,
                // Numbers whose bytes are text.
                Some(numbers) => {
                    if self.named_in_bytes(&numbers.to_bytes()) {
                        return Some(tag);
                    }
                    continue;
                }
            };
            if strings.iter().any(|text| self.named(element.vr(), text)) {
                return Some(tag);
            }
            // A name cut in two by the value delimiter.
            if strings.len() > 1
                && strings.len() < 64
                && !strings.iter().any(|text| self.made.contains(*text))
                && self.named(element.vr(), &strings.concat())
            {
                return Some(tag);
            }
        }
        None
    }

    fn named_in_bytes(&self, bytes: &[u8]) -> bool {
        bytes.len() >= 4
            && [UTF_8, SHIFT_JIS, EUC_JP, UTF_16LE].iter().any(|encoding| {
                let text = encoding.decode_without_bom_handling(bytes).0;
                self.names.long.found_in(&text)
            })
    }

    fn named(&self, vr: VR, text: &str) -> bool {
        if text.is_empty() || self.made.contains(text) {
            return false;
        }
        // Digits within a decimal number are not a patient's number; a whole number may be.
        if matches!(vr, VR::DS | VR::IS | VR::TM | VR::DA | VR::DT) {
            let whole = match text.split_once('.') {
                Some((whole, rest)) if rest.bytes().all(|b| b == b'0') => whole,
                _ => text,
            };
            return !whole.contains('.') && self.names.long.found_in(&bare(whole));
        }
        self.names.known.found_in(text) || self.names.known.found_in(&bare(text))
    }
}
