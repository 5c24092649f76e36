//! FHIR JSON to FHIR XML.

use kura_fhirpath::{Element, ElementType, TypeId, definitions};
use kura_model::Refusal;
use serde_json::{Map, Value};

use super::table::{self, Form};
use super::{FHIR, is_character, narrative};
use crate::resource::kind_of;

/// Whether an answer is laid out for eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    Compact,
    Pretty,
}

/// Writes one resource, its elements in the order of their definition.
///
/// # Errors
/// `fhir-not-object`, `fhir-resource-type`; `xml-element` (R4 defines no element of this name),
/// `xml-repeated` (a list where one may be), `xml-value` (not what this element may hold in JSON),
/// `xml-character` (XML does not know a character of it), and of a narrative what
/// [`read`](super::read) refuses. They tell the element it is in, and repeat nothing.
pub fn write(value: &Value, layout: Layout) -> Result<Vec<u8>, Refusal> {
    let mut writing = Writing {
        out: String::with_capacity(4096),
        pretty: layout == Layout::Pretty,
        path: Vec::new(),
        depth: 0,
    };
    writing
        .out
        .push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    if !writing.pretty {
        writing.out.push('\n');
    }
    writing.resource(value).map_err(|refusal| {
        if refusal.location.path.is_none() {
            refusal.at_path(writing.place())
        } else {
            refusal
        }
    })?;
    if writing.pretty {
        writing.out.push('\n');
    }
    Ok(writing.out.into_bytes())
}

struct Writing {
    out: String,
    pretty: bool,
    path: Vec<(&'static str, Option<usize>)>,
    depth: usize,
}

impl Writing {
    fn place(&self) -> String {
        let names = self.path.iter().map(|(name, index)| match index {
            Some(index) => format!("{name}[{index}]"),
            None => (*name).to_owned(),
        });
        names.collect::<Vec<_>>().join(".")
    }

    fn line(&mut self) {
        if self.pretty {
            self.out.push('\n');
            for _ in 0..self.depth {
                self.out.push_str("  ");
            }
        }
    }

    fn resource(&mut self, value: &Value) -> Result<(), Refusal> {
        let name = kind_of(value)?;
        let (Some(kind), Value::Object(map)) = (definitions().type_id(name), value) else {
            return Err(Refusal::new(
                "fhir-resource-type",
                "a resource type without elements",
            ));
        };
        let root = self.path.is_empty();
        if root {
            self.path.push((name, None));
        }
        self.line();
        self.out.push('<');
        self.out.push_str(name);
        if root {
            self.out.push_str(" xmlns=\"");
            self.out.push_str(FHIR);
            self.out.push('"');
        }
        self.content(map, kind, name, 1)
    }

    /// The attributes that are elements in JSON, the members, and the end tag. `written`: members
    /// that are accounted for.
    fn content(
        &mut self,
        map: &Map<String, Value>,
        kind: TypeId,
        name: &str,
        mut written: usize,
    ) -> Result<(), Refusal> {
        let all = definitions();
        for element in all.elements(kind).filter(|one| table::is_attribute(one)) {
            match map.get(element.name) {
                Some(Value::String(text)) => {
                    self.attribute(element.name, text)?;
                    written += 1;
                }
                Some(_) => return Err(Refusal::new("xml-value", "an attribute is a string")),
                None => {}
            }
        }
        if written == map.len() {
            self.out.push_str("/>");
            return Ok(());
        }
        self.out.push('>');
        self.depth += 1;
        for element in all.elements(kind).filter(|one| !table::is_attribute(one)) {
            for one in &element.types {
                let (value, companion) = (map.get(&one.key), map.get(&one.companion));
                written += usize::from(value.is_some()) + usize::from(companion.is_some());
                if value.is_some() || companion.is_some() {
                    self.member(element, one, value, companion)?;
                }
                // A content reference or a target may list a type twice.
                if !element.is_choice {
                    break;
                }
            }
            if written == map.len() {
                break;
            }
        }
        if written < map.len() {
            let what = "it has an element that R4 does not define, which XML cannot hold";
            return Err(Refusal::new("xml-element", what));
        }
        self.depth -= 1;
        self.line();
        self.end(name);
        Ok(())
    }

    fn end(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    fn attribute(&mut self, name: &str, text: &str) -> Result<(), Refusal> {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        for character in text.chars() {
            match character {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                // As they stand, a reader makes spaces of them. XML 1.0 section 3.3.3
                '\n' => self.out.push_str("&#10;"),
                '\r' => self.out.push_str("&#13;"),
                '\t' => self.out.push_str("&#9;"),
                other if is_character(other) => self.out.push(other),
                _ => {
                    let what = "it has a character that XML does not know";
                    return Err(Refusal::new("xml-character", what));
                }
            }
        }
        self.out.push('"');
        Ok(())
    }

    fn member(
        &mut self,
        element: &'static Element,
        one: &'static ElementType,
        value: Option<&Value>,
        companion: Option<&Value>,
    ) -> Result<(), Refusal> {
        let repeats = table::repeats(element);
        let list = |value: Option<&Value>| match value {
            Some(Value::Array(items)) => Some(items.len()),
            _ => None,
        };
        let length = list(value).max(list(companion));
        if length.is_some() && !repeats {
            self.path.push((&one.key, None));
            return Err(Refusal::new("xml-repeated", "a list, where one may be"));
        }
        for at in 0..length.unwrap_or(1) {
            let value = item(value, at);
            let companion = item(companion, at);
            self.path.push((&one.key, repeats.then_some(at)));
            self.one(one, value, companion)?;
            self.path.pop();
        }
        Ok(())
    }

    fn one(
        &mut self,
        one: &'static ElementType,
        value: Option<&Value>,
        companion: Option<&Value>,
    ) -> Result<(), Refusal> {
        let key = one.key.as_str();
        let form = Form::of(one.id);
        if let Form::Primitive(_) = form {
            return self.primitive(one, value, companion);
        }
        if companion.is_some() {
            let what = "it has a _ member, which only a primitive has";
            return Err(Refusal::new("xml-value", what));
        }
        match (form, value) {
            (_, None) => Ok(()),
            (Form::Narrative, Some(Value::String(text))) => {
                self.line();
                // Bytes of a narrative are not bytes of what was asked for.
                let text = narrative::checked(text)
                    .map_err(|refusal| Refusal::new(refusal.rule, refusal.message))?;
                self.out.push_str(&text);
                Ok(())
            }
            (Form::Resource, Some(value @ Value::Object(_))) => {
                self.line();
                self.out.push('<');
                self.out.push_str(key);
                self.out.push('>');
                self.depth += 1;
                self.resource(value)?;
                self.depth -= 1;
                self.line();
                self.end(key);
                Ok(())
            }
            (Form::Structure, Some(Value::Object(map))) => {
                self.line();
                self.out.push('<');
                self.out.push_str(key);
                self.content(map, one.id, key, 0)
            }
            _ => Err(Refusal::new(
                "xml-value",
                "not what this element is in JSON",
            )),
        }
    }

    fn primitive(
        &mut self,
        one: &'static ElementType,
        value: Option<&Value>,
        companion: Option<&Value>,
    ) -> Result<(), Refusal> {
        let key = one.key.as_str();
        let number;
        let text = match value {
            None => None,
            Some(Value::String(text)) => Some(text.as_str()),
            Some(Value::Bool(true)) => Some("true"),
            Some(Value::Bool(false)) => Some("false"),
            Some(Value::Number(found)) => {
                number = found.to_string();
                Some(number.as_str())
            }
            Some(_) => return Err(Refusal::new("xml-value", "a primitive is no structure")),
        };
        let nothing = Map::new();
        let companion = match companion {
            None => &nothing,
            Some(Value::Object(map)) => map,
            Some(_) => return Err(Refusal::new("xml-value", "a _ member is an object")),
        };
        if text.is_none() && companion.is_empty() {
            return Ok(());
        }
        self.line();
        self.out.push('<');
        self.out.push_str(key);
        if let Some(text) = text {
            self.attribute("value", text)?;
        }
        self.content(companion, one.id, key, 0)
    }
}

/// One of a list, or what is no list; null is nothing.
fn item(value: Option<&Value>, at: usize) -> Option<&Value> {
    match value? {
        Value::Array(items) => items.get(at),
        value => (at == 0).then_some(value),
    }
    .filter(|value| !value.is_null())
}
