//! The form in which values lie in the search tables, the same for what is stored and for what
//! is asked.

use kura_model::RecordKey;

use super::unit;
use crate::text;

pub const UCUM: &str = "http://unitsofmeasure.org";
/// ISO 4217, the code system of Money.
pub const CURRENCY: &str = "urn:iso:std:iso:4217";
/// Longitudes lie in the table of numbers this far from latitudes.
pub const LONGITUDE: f64 = 1_000.0;
/// The kind of entity that a URL outside the bank is.
pub const OUTSIDE: &str = "*";

/// Values longer than this are cut: a key has to fit a page. The resource keeps the whole.
const BYTES: usize = 256;
/// The same for each half of a text.
const HALF: usize = 160;
/// Stands between the folded and the written form of a text.
const SEPARATOR: char = '\u{1}';

pub fn code(text: &str) -> String {
    cut(text, BYTES).to_owned()
}

pub fn uri(text: &str) -> String {
    cut(text, BYTES).to_owned()
}

/// Folded, and after it the text as written where that differs: prefixes are looked for in the
/// first, `:exact` in both. `None` if nothing is left of it.
pub fn text(written: &str) -> Option<String> {
    let folded = text::fold(written);
    if folded.is_empty() {
        return None;
    }
    let written = cut(written, HALF);
    let folded = cut(&folded, HALF);
    Some(if folded == written {
        folded.to_owned()
    } else {
        format!("{folded}{SEPARATOR}{written}")
    })
}

/// What a text begins with or contains.
pub fn part(typed: &str) -> String {
    cut(&text::fold(typed), HALF).to_owned()
}

/// What [`text`] of any writing that folds to `folded`, but is not written so, begins with.
pub fn begun(folded: &str) -> String {
    format!("{folded}{SEPARATOR}")
}

/// A text that a code carries.
pub fn term(read: &str) -> Option<String> {
    let folded = text::fold(read);
    (!folded.is_empty()).then(|| cut(&folded, HALF).to_owned())
}

/// A typed identifier.
pub fn of_type(code: &str, value: &str) -> String {
    cut(&format!("{code}|{value}"), BYTES).to_owned()
}

/// What a reference out of the bank, or a canonical, is found by: with its version and without.
pub fn outside(url: &str) -> Vec<RecordKey> {
    let mut out = vec![RecordKey::new(OUTSIDE, cut(url, BYTES))];
    if let Some((bare, _)) = url.split_once('|') {
        out.push(RecordKey::new(OUTSIDE, cut(bare, BYTES)));
    }
    out
}

/// An amount in UCUM's base units, and their name.
pub fn canonical(value: f64, unit: &str) -> Option<(f64, String)> {
    unit::canonical(value, unit)
}

/// At most `bytes` bytes, ending at a character.
fn cut(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let mut end = bytes;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
