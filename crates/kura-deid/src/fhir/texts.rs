//! What somebody wrote: strings, notes, narratives, documents in plain text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kura_fhir::narrative;
use serde_json::{Value, json};

use super::walk::{Walk, text};
use crate::policy::Node;

/// Longest text of an attachment that is read, in bytes; a longer one goes.
const LONGEST: usize = 16 << 20;

impl Walk<'_> {
    /// The words of an element, cleaned, in the shape that its type asks for.
    pub(super) fn words(&mut self, node: &Node, value: &Value) -> Option<Value> {
        match node.kind {
            // Who wrote a note and when goes.
            "Annotation" => {
                let cleaned = self.text(text(value, "text")?)?;
                Some(json!({ "text": cleaned }))
            }
            "Narrative" => {
                let cleaned = self.text(&narrative::plain_text(text(value, "div")?))?;
                // It says no more what the record's elements say. FHIR R4 NarrativeStatus.
                Some(json!({ "status": "additional", "div": narrative::of_text(&cleaned) }))
            }
            "Attachment" => {
                let written = plain(value)?;
                let cleaned = self.text(&written)?;
                // The last look does not see what is encoded.
                self.known_left |= self.subject.known.found_in(&cleaned);
                let data = STANDARD.encode(cleaned);
                Some(json!({ "contentType": "text/plain; charset=utf-8", "data": data }))
            }
            _ => self.text(value.as_str()?).map(Value::String),
        }
    }

    /// A text with labels in the places of what tells who somebody is; none where nothing is there
    /// to clean it by.
    pub(super) fn text(&mut self, written: &str) -> Option<String> {
        let cleaned = self.subject.texts?.clean(written);
        self.journal.texts += 1;
        for kind in cleaned.kinds {
            *self.journal.pieces.entry(kind).or_default() += 1;
        }
        // What was nothing but a name tells nothing.
        (!cleaned.text.trim().is_empty()).then_some(cleaned.text)
    }
}

/// The words of an attachment that is text and in the record; anything else goes.
fn plain(attachment: &Value) -> Option<String> {
    let kind = text(attachment, "contentType")?.to_ascii_lowercase();
    let mut parts = kind.split(';').map(str::trim);
    let kind = parts.next()?.to_owned();
    let charset = parts.find_map(|part| part.strip_prefix("charset="));
    let charset = charset.map_or("utf-8", |name| name.trim_matches('"'));
    let data: String = text(attachment, "data")?.split_ascii_whitespace().collect();
    if data.len() > LONGEST {
        return None;
    }
    let bytes = STANDARD.decode(data).ok()?;
    let encoding = encoding_rs::Encoding::for_label(charset.as_bytes())?;
    let (written, _, damaged) = encoding.decode(&bytes);
    if damaged {
        return None;
    }
    match kind.as_str() {
        "text/plain" | "text/markdown" => Some(written.into_owned()),
        "text/html" | "application/xhtml+xml" => Some(narrative::plain_text(&written)),
        _ => None,
    }
}
