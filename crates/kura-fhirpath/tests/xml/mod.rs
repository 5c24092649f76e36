//! As much XML as the official suite and its inputs need, and FHIR XML to FHIR JSON by the table
//! of elements (FHIR R4 xml.html, json.html).

use kura_fhirpath::{Kind, TypeId, definitions};
use serde_json::{Map, Value};

#[derive(Debug, Default)]
pub struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub children: Vec<Element>,
    /// All text directly within, entities resolved.
    pub text: String,
    /// The element as it is written, for XHTML.
    pub source: String,
}

impl Element {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let mut found = self.attributes.iter().filter(|(key, _)| key == name);
        found.next().map(|(_, value)| value.as_str())
    }

    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }
}

/// The root element; `None` for what is no well-formed XML of the kind.
pub fn parse(text: &str) -> Option<Element> {
    let mut reader = Reader { text, at: 0 };
    loop {
        reader.at += reader.rest().find('<')?;
        if reader.rest().starts_with("<?") {
            reader.skip_past("?>")?;
        } else if reader.rest().starts_with("<!--") {
            reader.skip_past("-->")?;
        } else {
            return reader.element();
        }
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn skip_past(&mut self, end: &str) -> Option<()> {
        self.at += self.rest().find(end)? + end.len();
        Some(())
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn name(&mut self) -> Option<String> {
        let rest = self.rest();
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/'))?;
        self.at += end;
        Some(rest[..end].to_owned())
    }

    fn element(&mut self) -> Option<Element> {
        let start = self.at;
        self.at += 1;
        let mut element = Element {
            name: self.name()?,
            ..Element::default()
        };
        loop {
            self.skip_space();
            if self.rest().starts_with("/>") {
                self.at += 2;
                element.source = self.text[start..self.at].to_owned();
                return Some(element);
            }
            if self.rest().starts_with('>') {
                self.at += 1;
                break;
            }
            let name = self.name()?;
            self.skip_space();
            self.at += 1;
            self.skip_space();
            let quote = self.rest().chars().next()?;
            self.at += 1;
            let end = self.rest().find(quote)?;
            element
                .attributes
                .push((name, unescaped(&self.rest()[..end])));
            self.at += end + 1;
        }
        loop {
            let end = self.rest().find('<')?;
            element.text.push_str(&unescaped(&self.rest()[..end]));
            self.at += end;
            if self.rest().starts_with("<!--") {
                self.skip_past("-->")?;
            } else if self.rest().starts_with("</") {
                self.skip_past(">")?;
                element.source = self.text[start..self.at].to_owned();
                return Some(element);
            } else {
                element.children.push(self.element()?);
            }
        }
    }
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let end = rest[at..].find(';').map_or(rest.len(), |end| at + end);
        let entity = &rest[at + 1..end];
        out.push(match entity {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            _ => entity
                .strip_prefix("#x")
                .and_then(|hex| u32::from_str_radix(hex, 16).ok())
                .or_else(|| {
                    entity
                        .strip_prefix('#')
                        .and_then(|number| number.parse().ok())
                })
                .and_then(char::from_u32)
                .unwrap_or('\u{fffd}'),
        });
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    out + rest
}

/// A resource as FHIR JSON.
pub fn to_json(text: &str) -> Option<Value> {
    resource(&parse(text)?)
}

fn resource(element: &Element) -> Option<Value> {
    let kind = definitions().type_id(&element.name)?;
    let mut map = Map::new();
    map.insert("resourceType".to_owned(), element.name.clone().into());
    structure(element, kind, &mut map)?;
    Some(Value::Object(map))
}

fn structure(element: &Element, kind: TypeId, map: &mut Map<String, Value>) -> Option<()> {
    for name in ["id", "url"] {
        if let Some(value) = element.attribute(name) {
            map.insert(name.to_owned(), value.into());
        }
    }
    for child in &element.children {
        let key = child.name.as_str();
        let found = definitions().elements(kind).find(|one| {
            one.name == key || one.is_choice && one.types.iter().any(|choice| choice.key == key)
        })?;
        let child_kind = found.types.iter().find(|one| one.key == key)?.id;
        let repeats = found.max != Some(1);
        let child_type = definitions().get(child_kind);
        if child_type.name == "Resource" {
            put(map, key, resource(child.children.first()?)?, repeats);
        } else if child_type.name == "xhtml" {
            put(map, key, child.source.clone().into(), repeats);
        } else if child_type.kind == Kind::Primitive {
            primitive(child, child_type.name, key, repeats, map)?;
        } else {
            let mut inner = Map::new();
            structure(child, child_kind, &mut inner)?;
            put(map, key, Value::Object(inner), repeats);
        }
    }
    Some(())
}

fn primitive(
    element: &Element,
    kind: &str,
    key: &str,
    repeats: bool,
    map: &mut Map<String, Value>,
) -> Option<()> {
    let value = match (element.attribute("value"), kind) {
        (None, _) => Value::Null,
        (Some(text), "boolean" | "integer" | "positiveInt" | "unsignedInt" | "decimal") => {
            serde_json::from_str(text).ok()?
        }
        (Some(text), _) => text.into(),
    };
    let mut companion = Map::new();
    let element_kind = definitions().type_id("Element")?;
    let without_value = Element {
        attributes: element
            .attributes
            .iter()
            .filter(|(name, _)| name == "id")
            .cloned()
            .collect(),
        ..Element::default()
    };
    structure(&without_value, element_kind, &mut companion)?;
    for child in &element.children {
        let mut extension = Map::new();
        structure(child, definitions().type_id("Extension")?, &mut extension)?;
        put(&mut companion, "extension", Value::Object(extension), true);
    }
    let at = map.get(key).and_then(Value::as_array).map_or(0, Vec::len);
    if !value.is_null() || repeats {
        put(map, key, value, repeats);
    }
    if !companion.is_empty() {
        let companion_key = format!("_{key}");
        if repeats {
            let list = map
                .entry(companion_key)
                .or_insert_with(|| Value::Array(Vec::new()));
            let list = list.as_array_mut()?;
            list.resize(at, Value::Null);
            list.push(Value::Object(companion));
        } else {
            map.insert(companion_key, Value::Object(companion));
        }
    }
    Some(())
}

fn put(map: &mut Map<String, Value>, key: &str, value: Value, repeats: bool) {
    if !repeats {
        map.insert(key.to_owned(), value);
        return;
    }
    let list = map
        .entry(key.to_owned())
        .or_insert_with(|| Value::Array(Vec::new()));
    if let Some(list) = list.as_array_mut() {
        list.push(value);
    }
}
