//! What R4 says of an element, in the words of XML. FHIR R4 xml.html#representation.

use kura_fhirpath::{Element, ElementType, Kind, TypeId, definitions};

/// How the content of an element is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// In an attribute `value`.
    Primitive(Primitive),
    /// By elements within.
    Structure,
    /// A resource within.
    Resource,
    /// XHTML.
    Narrative,
}

/// What a primitive is in JSON. FHIR R4 json.html#primitive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Primitive {
    Boolean,
    Number,
    Text,
}

impl Form {
    pub(crate) fn of(kind: TypeId) -> Self {
        let one = definitions().get(kind);
        match (one.kind, one.name) {
            (_, "xhtml") => Self::Narrative,
            (Kind::Primitive, "boolean") => Self::Primitive(Primitive::Boolean),
            (Kind::Primitive, "integer" | "positiveInt" | "unsignedInt" | "decimal") => {
                Self::Primitive(Primitive::Number)
            }
            (Kind::Primitive, _) => Self::Primitive(Primitive::Text),
            (Kind::Resource, _) => Self::Resource,
            (Kind::Complex, _) => Self::Structure,
        }
    }
}

/// The two elements that are attributes in XML.
pub(crate) fn is_attribute(element: &Element) -> bool {
    matches!(element.path, "Element.id" | "Extension.url")
}

pub(crate) fn repeats(element: &Element) -> bool {
    element.max != Some(1)
}

/// The element of a type that bears this name in JSON and XML, and the type it then has.
pub(crate) fn element(kind: TypeId, key: &str) -> Option<(&'static Element, &'static ElementType)> {
    let all = definitions();
    if let Some(element) = all.element(kind, key).filter(|element| !element.is_choice) {
        return element.types.first().map(|one| (element, one));
    }
    let mut choices = all.elements(kind).filter(|element| {
        element.is_choice && key.starts_with(element.name) && key.len() > element.name.len()
    });
    choices.find_map(|element| {
        let mut types = element.types.iter();
        types.find(|one| one.key == key).map(|one| (element, one))
    })
}
