//! FHIR XML to FHIR JSON and back. FHIR R4 xml.html, json.html.
//!
//! Everything inside is JSON; this is done at the edge. What is which, and in what order, the
//! table of R4's elements says ([`kura_fhirpath::definitions`]), so an element that R4 does not
//! define is refused in both directions: nothing is dropped in silence. Numbers keep their digits.
//!
//! No document type, no entity but the five of XML and no reference to a character that XML does
//! not know is read, so nothing is expanded and nothing is fetched. Comments and processing
//! instructions are left out, as FHIR R4 xml.html wants of what is not FHIR.

mod attributes;
mod narrative;
mod read;
pub(crate) mod table;
mod write;

use kura_model::{Location, Refusal};
use quick_xml::events::BytesStart;
use quick_xml::name::ResolveResult;

pub use read::read;
pub use write::{Layout, write};

const FHIR: &str = "http://hl7.org/fhir";
const XHTML: &str = "http://www.w3.org/1999/xhtml";
/// What `xsi:schemaLocation` is of. FHIR R4 xml.html: it may be there and says nothing.
const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// Levels of the JSON that comes of it, as many as JSON may come with.
const LEVELS_AT_MOST: usize = 127;
/// Elements in one document, as many as values in one of JSON.
const ELEMENTS_AT_MOST: usize = 2_000_000;
/// Attributes of one element. FHIR has three, and whoever writes adds a few namespaces.
const ATTRIBUTES_AT_MOST: usize = 32;

/// Which language an element is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Space {
    Fhir,
    Xhtml,
    None,
    Other,
}

impl Space {
    fn of(resolved: &ResolveResult<'_>) -> Self {
        match resolved {
            ResolveResult::Bound(name) if name.0 == FHIR.as_bytes() => Self::Fhir,
            ResolveResult::Bound(name) if name.0 == XHTML.as_bytes() => Self::Xhtml,
            ResolveResult::Unbound => Self::None,
            ResolveResult::Bound(_) | ResolveResult::Unknown(_) => Self::Other,
        }
    }
}

/// A broken rule of XML at a byte.
fn broken(rule: &str, message: &str, byte: u64) -> Refusal {
    Refusal::new(rule, message).at(Location::byte(byte))
}

fn no_xml(byte: u64) -> Refusal {
    broken("xml-syntax", "not well-formed XML from here on", byte)
}

/// The text of a name; the whole document is known to be UTF-8.
fn local_name<'a>(open: &'a BytesStart<'_>) -> &'a str {
    std::str::from_utf8(open.local_name().into_inner()).unwrap_or_default()
}

/// Whether XML 1.0 can hold a character. Extensible Markup Language 1.0, section 2.2.
fn is_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
        || character >= '\u{10000}'
}

#[cfg(test)]
mod tests;
