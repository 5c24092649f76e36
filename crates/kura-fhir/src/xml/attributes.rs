//! The attributes of an element. FHIR R4 xml.html: `id`, `url` of an extension, `value` of a
//! primitive, and no other.

use kura_model::Refusal;
use quick_xml::XmlVersion;
use quick_xml::events::BytesStart;
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

use super::{ATTRIBUTES_AT_MOST, XSI, broken, is_character, no_xml};

#[derive(Default)]
pub(super) struct Attributes {
    pub(super) id: Option<String>,
    pub(super) url: Option<String>,
    pub(super) value: Option<String>,
}

impl Attributes {
    pub(super) fn of(start: &BytesStart<'_>, reader: &NsReader<&[u8]>) -> Result<Self, Refusal> {
        let at = reader.buffer_position();
        let mut found = Self::default();
        for (count, attribute) in start.attributes().enumerate() {
            if count >= ATTRIBUTES_AT_MOST {
                return Err(broken("xml-size", "too many attributes on one element", at));
            }
            let attribute = attribute.map_err(|_| no_xml(at))?;
            let key = attribute.key;
            if key.as_namespace_binding().is_some() {
                continue;
            }
            let (space, _) = reader.resolver().resolve_attribute(key);
            if matches!(space, ResolveResult::Bound(name) if name.0 == XSI.as_bytes()) {
                continue;
            }
            let place = match key.into_inner() {
                b"id" => &mut found.id,
                b"url" => &mut found.url,
                b"value" => &mut found.value,
                _ => {
                    let what = "FHIR has the attributes id, url and value";
                    return Err(broken("xml-attribute", what, at));
                }
            };
            if attribute.value.contains(&b'<') {
                return Err(no_xml(at));
            }
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|_| {
                    let what = "an entity other than the five of XML";
                    broken("xml-entity", what, at)
                })?;
            if !value.chars().all(is_character) {
                return Err(broken(
                    "xml-character",
                    "a character that XML does not know",
                    at,
                ));
            }
            *place = Some(value.into_owned());
        }
        Ok(found)
    }
}
