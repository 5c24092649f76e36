//! The `div` of a narrative: XHTML that JSON keeps as text. FHIR R4 narrative.html#xhtml.

use std::borrow::Cow;

use kura_model::Refusal;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::NsReader;

use super::{ATTRIBUTES_AT_MOST, LEVELS_AT_MOST, Space, XHTML, broken, is_character, no_xml};

/// The text of a `div` from JSON, checked so that it can stand in XML.
pub(super) fn checked(text: &str) -> Result<String, Refusal> {
    let text = text.trim();
    if !text.chars().all(is_character) {
        return Err(Refusal::new(
            "xml-character",
            "the narrative has a character that XML does not know",
        ));
    }
    let mut reader = NsReader::from_str(text);
    let (space, open, empty) = match reader.read_resolved_event() {
        Ok((space, Event::Start(open))) => (Space::of(&space), open, false),
        Ok((space, Event::Empty(open))) => (Space::of(&space), open, true),
        _ => return Err(no_xml(0)),
    };
    // Some leave the namespace out in JSON.
    let bare = space == Space::None;
    if !bare && space != Space::Xhtml || open.local_name().into_inner() != b"div" {
        return Err(broken("xml-namespace", "a narrative is a div of XHTML", 0));
    }
    let out = copy(&mut reader, &open, empty, bare)?;
    match reader.read_event() {
        Ok(Event::Eof) => Ok(out),
        _ => Err(no_xml(reader.error_position())),
    }
}

/// Copies an element of XHTML that was just opened, with all that is in it, as it is written.
/// Prefixes go, and the namespace is declared on it, so that it can stand alone. `bare`: its
/// elements are of no namespace.
pub(super) fn copy(
    reader: &mut NsReader<&[u8]>,
    open: &BytesStart<'_>,
    empty: bool,
    bare: bool,
) -> Result<String, Refusal> {
    let mut out = String::new();
    tag(&mut out, reader, open, empty, true)?;
    let mut depth = usize::from(!empty);
    while depth > 0 {
        let at = reader.buffer_position();
        let (space, event) = match reader.read_resolved_event() {
            Ok((space, event)) => (Space::of(&space), event),
            Err(_) => return Err(no_xml(at)),
        };
        match event {
            Event::Start(ref open) | Event::Empty(ref open) => {
                if space != Space::Xhtml && !(bare && space == Space::None) {
                    return Err(broken("xml-namespace", "a narrative is XHTML only", at));
                }
                let empty = matches!(event, Event::Empty(_));
                if !empty {
                    depth += 1;
                    if depth > LEVELS_AT_MOST {
                        return Err(broken("xml-depth", "nested deeper than 127 levels", at));
                    }
                }
                tag(&mut out, reader, open, empty, false)?;
            }
            Event::End(close) => {
                depth -= 1;
                out.push_str("</");
                out.push_str(utf8(close.local_name().into_inner()));
                out.push('>');
            }
            Event::Text(text) => out.push_str(&line_ends(utf8(&text))),
            Event::Comment(text) => {
                out.push_str("<!--");
                out.push_str(&line_ends(utf8(&text)));
                out.push_str("-->");
            }
            Event::CData(text) => {
                let text = text.minimal_escape().map_err(|_| no_xml(at))?;
                out.push_str(&line_ends(utf8(&text)));
            }
            Event::GeneralRef(name) => {
                if !is_known(&name) {
                    return Err(broken(
                        "xml-entity",
                        "an entity other than the five of XML",
                        at,
                    ));
                }
                out.push('&');
                out.push_str(utf8(&name));
                out.push(';');
            }
            Event::PI(_) => {}
            Event::Decl(_) | Event::DocType(_) | Event::Eof => return Err(no_xml(at)),
        }
    }
    Ok(out)
}

/// XML 1.0, 2.11: however a line ends, a line feed is read.
fn line_ends(text: &str) -> Cow<'_, str> {
    if text.contains('\r') {
        Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(text)
    }
}

/// All of it was UTF-8 before, and is cut at ASCII.
fn utf8(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

fn is_known(name: &BytesRef<'_>) -> bool {
    match name.resolve_char_ref() {
        Ok(Some(character)) => is_character(character),
        Ok(None) => matches!(&**name, b"lt" | b"gt" | b"amp" | b"quot" | b"apos"),
        Err(_) => false,
    }
}

fn tag(
    out: &mut String,
    reader: &NsReader<&[u8]>,
    open: &BytesStart<'_>,
    empty: bool,
    root: bool,
) -> Result<(), Refusal> {
    let at = reader.buffer_position();
    out.push('<');
    out.push_str(utf8(open.local_name().into_inner()));
    let prefixed = open.name().prefix().is_some();
    let mut declared = false;
    for (count, attribute) in open.attributes().enumerate() {
        let attribute = attribute.map_err(|_| no_xml(at))?;
        if count >= ATTRIBUTES_AT_MOST {
            return Err(broken("xml-size", "too many attributes on one element", at));
        }
        let value = attribute
            .normalized_value(quick_xml::XmlVersion::Implicit1_0)
            .map_err(|_| no_xml(at))?;
        if attribute.value.contains(&b'<') || !value.chars().all(is_character) {
            return Err(no_xml(at));
        }
        match attribute.key.prefix().map(|prefix| prefix.into_inner()) {
            None if attribute.key.into_inner() == b"xmlns" => declared = true,
            None | Some(b"xml" | b"xmlns") => {}
            Some(_) => {
                return Err(broken(
                    "xml-namespace",
                    "a narrative has attributes of XHTML only",
                    at,
                ));
            }
        }
    }
    if prefixed {
        // Its declarations went with the prefix; what is left is written anew.
        for attribute in open.attributes().flatten() {
            if attribute.key.as_namespace_binding().is_none() {
                let quote = if attribute.value.contains(&b'"') {
                    '\''
                } else {
                    '"'
                };
                out.push(' ');
                out.push_str(utf8(attribute.key.into_inner()));
                out.push('=');
                out.push(quote);
                out.push_str(utf8(&attribute.value));
                out.push(quote);
            }
        }
    }
    if root && (prefixed || !declared) {
        out.push_str(" xmlns=\"");
        out.push_str(XHTML);
        out.push('"');
    }
    if !prefixed {
        out.push_str(utf8(open.attributes_raw()));
    }
    out.push_str(if empty { "/>" } else { ">" });
    Ok(())
}
