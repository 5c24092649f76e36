//! FHIR XML to FHIR JSON.

use kura_fhirpath::{TypeId, definitions};
use kura_model::{Location, Refusal};
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::NsReader;
use serde_json::{Map, Number, Value};

use super::attributes::Attributes;
use super::table::{self, Form, Primitive};
use super::{
    ELEMENTS_AT_MOST, LEVELS_AT_MOST, Space, broken, is_character, local_name, narrative, no_xml,
};

/// Reads one resource.
///
/// # Errors
/// `xml-encoding` (not UTF-8), `xml-syntax`, `xml-character`, `xml-doctype`, `xml-entity`,
/// `xml-depth`, `xml-size`, `xml-namespace`, `xml-text` (text between elements), `xml-attribute`,
/// `xml-element` (R4 defines none of this name), `xml-repeated`, `xml-empty`, `xml-value`,
/// `fhir-resource-type`. They tell the element it is in and the byte, and repeat nothing.
pub fn read(bytes: &[u8]) -> Result<Value, Refusal> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        broken(
            "xml-encoding",
            "not UTF-8; convert UTF-16, Shift_JIS or EUC-JP first",
            error.valid_up_to() as u64,
        )
    })?;
    if let Some((byte, _)) = text.char_indices().find(|(_, one)| !is_character(*one)) {
        let what = "a character that XML does not know";
        return Err(broken("xml-character", what, byte as u64));
    }
    let mut reading = Reading {
        reader: NsReader::from_str(text),
        path: Vec::new(),
        elements: 0,
    };
    reading.document().map_err(|mut refusal| {
        if refusal.location.path.is_none() && !reading.path.is_empty() {
            refusal.location = Location {
                path: Some(reading.place()),
                ..refusal.location
            };
        }
        refusal
    })
}

struct Reading<'x> {
    reader: NsReader<&'x [u8]>,
    /// Where we are: names, and for what repeats, the how manyth.
    path: Vec<(&'static str, Option<usize>)>,
    elements: usize,
}

enum Token<'x> {
    Open(Open<'x>),
    Close,
    End,
}

struct Open<'x> {
    start: BytesStart<'x>,
    space: Space,
    empty: bool,
}

impl<'x> Reading<'x> {
    fn place(&self) -> String {
        let mut out = String::new();
        for (name, index) in &self.path {
            if !out.is_empty() {
                out.push('.');
            }
            out.push_str(name);
            if let Some(index) = index {
                out.push_str(&format!("[{index}]"));
            }
        }
        out
    }

    fn refuse(&self, rule: &str, message: &str) -> Refusal {
        broken(rule, message, self.reader.buffer_position())
    }

    /// The next thing that means something.
    fn token(&mut self) -> Result<Token<'x>, Refusal> {
        loop {
            let at = self.reader.buffer_position();
            let (space, event) = match self.reader.read_resolved_event() {
                Ok((space, event)) => (Space::of(&space), event),
                Err(_) => return Err(no_xml(at)),
            };
            let (start, empty) = match event {
                Event::Start(start) => (start, false),
                Event::Empty(start) => (start, true),
                Event::End(_) => return Ok(Token::Close),
                Event::Eof => return Ok(Token::End),
                Event::Text(text) if text.iter().all(u8::is_ascii_whitespace) => continue,
                Event::Comment(_) | Event::PI(_) => continue,
                Event::Decl(declared) => {
                    let utf8 = declared.encoding().is_none_or(|encoding| {
                        encoding.is_ok_and(|name| name.eq_ignore_ascii_case(b"utf-8"))
                    });
                    if at > 0 || !utf8 {
                        return Err(broken("xml-encoding", "XML 1.0 in UTF-8 is read", at));
                    }
                    continue;
                }
                Event::DocType(_) => {
                    return Err(broken("xml-doctype", "a document type is not read", at));
                }
                Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => {
                    return Err(broken("xml-text", "FHIR has no text between elements", at));
                }
            };
            self.elements += 1;
            if self.elements > ELEMENTS_AT_MOST {
                return Err(broken("xml-size", "more than 2000000 elements", at));
            }
            return Ok(Token::Open(Open {
                start,
                space,
                empty,
            }));
        }
    }

    fn document(&mut self) -> Result<Value, Refusal> {
        let Token::Open(open) = self.token()? else {
            return Err(no_xml(self.reader.buffer_position()));
        };
        let value = self.resource(&open, 1)?;
        match self.token()? {
            Token::End => Ok(value),
            _ => Err(no_xml(self.reader.buffer_position())),
        }
    }

    fn resource(&mut self, open: &Open<'x>, level: usize) -> Result<Value, Refusal> {
        self.of_fhir(open)?;
        let Some(name) = crate::resource_type(local_name(&open.start)) else {
            let what = "not a resource type of FHIR R4";
            return Err(self.refuse("fhir-resource-type", what));
        };
        let Some(kind) = definitions().type_id(name) else {
            return Err(self.refuse("fhir-resource-type", "a resource type without elements"));
        };
        let root = self.path.is_empty();
        if root {
            self.path.push((name, None));
        }
        let mut map = Map::new();
        map.insert("resourceType".to_owned(), name.into());
        if !matches!(
            self.attributes(&open.start)?,
            Attributes {
                id: None,
                url: None,
                value: None
            }
        ) {
            return Err(self.refuse("xml-attribute", "a resource has no attributes"));
        }
        self.members(open, kind, &mut map, level)?;
        if root {
            self.path.clear();
        }
        Ok(Value::Object(map))
    }

    fn of_fhir(&self, open: &Open<'x>) -> Result<(), Refusal> {
        if open.space == Space::Fhir {
            return Ok(());
        }
        let what = "the element is not of the namespace http://hl7.org/fhir";
        Err(self.refuse("xml-namespace", what))
    }

    fn attributes(&self, start: &BytesStart<'x>) -> Result<Attributes, Refusal> {
        Attributes::of(start, &self.reader)
    }

    /// The elements within one that was opened, up to its end.
    fn members(
        &mut self,
        open: &Open<'x>,
        kind: TypeId,
        map: &mut Map<String, Value>,
        level: usize,
    ) -> Result<(), Refusal> {
        if level > LEVELS_AT_MOST {
            return Err(self.refuse("xml-depth", "nested deeper than 127 levels"));
        }
        let mut lists = Vec::new();
        if open.empty {
            return Ok(());
        }
        loop {
            match self.token()? {
                Token::Open(child) => self.member(&child, kind, map, &mut lists, level)?,
                Token::Close => break,
                Token::End => return Err(no_xml(self.reader.buffer_position())),
            }
        }
        for key in lists {
            level_lists(map, key);
        }
        Ok(())
    }

    /// `lists`: the keys of repeating primitives.
    fn member(
        &mut self,
        open: &Open<'x>,
        kind: TypeId,
        map: &mut Map<String, Value>,
        lists: &mut Vec<&'static str>,
        level: usize,
    ) -> Result<(), Refusal> {
        let found = table::element(kind, local_name(&open.start));
        let Some((element, one)) = found.filter(|(element, _)| !table::is_attribute(element))
        else {
            return Err(self.refuse("xml-element", "R4 defines no element of this name here"));
        };
        let key = one.key.as_str();
        let repeats = table::repeats(element);
        let before = map.get(key).and_then(Value::as_array).map_or(0, Vec::len);
        self.path.push((key, repeats.then_some(before)));
        if !repeats && (map.contains_key(key) || map.contains_key(&one.companion)) {
            return Err(self.refuse("xml-repeated", "the element may be there once only"));
        }
        let form = Form::of(one.id);
        if form != Form::Narrative {
            self.of_fhir(open)?;
        }
        let within = level + 1 + usize::from(repeats);
        let value = match form {
            Form::Narrative => {
                if open.space != Space::Xhtml {
                    let what = "a div is of the namespace http://www.w3.org/1999/xhtml";
                    return Err(self.refuse("xml-namespace", what));
                }
                narrative::copy(&mut self.reader, &open.start, open.empty, false)?.into()
            }
            Form::Resource => self.wrapped(open, within)?,
            Form::Structure => self.structure(open, one.id, within)?,
            Form::Primitive(primitive) => {
                let (value, companion) = self.primitive(open, one.id, primitive, within)?;
                if let Some(companion) = companion {
                    if repeats {
                        let list = list(map, &one.companion);
                        list.resize(before, Value::Null);
                        list.push(companion);
                    } else {
                        map.insert(one.companion.clone(), companion);
                    }
                }
                if repeats && !lists.contains(&key) {
                    lists.push(key);
                }
                match value {
                    Some(value) => value,
                    None if repeats => Value::Null,
                    None => {
                        self.path.pop();
                        return Ok(());
                    }
                }
            }
        };
        if repeats {
            list(map, key).push(value);
        } else {
            map.insert(key.to_owned(), value);
        }
        self.path.pop();
        Ok(())
    }

    fn structure(&mut self, open: &Open<'x>, kind: TypeId, level: usize) -> Result<Value, Refusal> {
        let mut map = Map::new();
        let attributes = self.attributes(&open.start)?;
        if let Some(id) = attributes.id {
            map.insert("id".to_owned(), id.into());
        }
        if let Some(url) = attributes.url {
            if definitions().get(kind).name != "Extension" {
                return Err(self.refuse("xml-attribute", "only an extension has a url here"));
            }
            map.insert("url".to_owned(), url.into());
        }
        if attributes.value.is_some() {
            return Err(self.refuse("xml-attribute", "the element is no primitive: no value"));
        }
        self.members(open, kind, &mut map, level)?;
        Ok(Value::Object(map))
    }

    /// `contained`, `Bundle.entry.resource`: exactly one resource.
    fn wrapped(&mut self, open: &Open<'x>, level: usize) -> Result<Value, Refusal> {
        let attributes = self.attributes(&open.start)?;
        if attributes.id.is_some() || attributes.url.is_some() || attributes.value.is_some() {
            return Err(self.refuse("xml-attribute", "around a resource are no attributes"));
        }
        let missing = "there is to be one resource within";
        if open.empty {
            return Err(self.refuse("xml-element", missing));
        }
        let Token::Open(inner) = self.token()? else {
            return Err(self.refuse("xml-element", missing));
        };
        let value = self.resource(&inner, level)?;
        match self.token()? {
            Token::Close => Ok(value),
            _ => Err(self.refuse("xml-element", missing)),
        }
    }

    /// The value, and the id and extensions that JSON keeps beside it.
    fn primitive(
        &mut self,
        open: &Open<'x>,
        kind: TypeId,
        primitive: Primitive,
        level: usize,
    ) -> Result<(Option<Value>, Option<Value>), Refusal> {
        let attributes = self.attributes(&open.start)?;
        if attributes.url.is_some() {
            return Err(self.refuse("xml-attribute", "only an extension has a url here"));
        }
        let value = attributes
            .value
            .map(|text| match primitive {
                Primitive::Text => Ok(Value::String(text)),
                Primitive::Boolean => match text.as_str() {
                    "true" => Ok(Value::Bool(true)),
                    "false" => Ok(Value::Bool(false)),
                    _ => Err(self.refuse("xml-value", "a boolean is true or false")),
                },
                Primitive::Number => serde_json::from_str::<Number>(&text)
                    .map(Value::Number)
                    .map_err(|_| self.refuse("xml-value", "not a number of FHIR")),
            })
            .transpose()?;
        let mut companion = Map::new();
        if let Some(id) = attributes.id {
            companion.insert("id".to_owned(), id.into());
        }
        self.members(open, kind, &mut companion, level)?;
        if value.is_none() && companion.is_empty() {
            return Err(self.refuse("xml-empty", "the element has neither value nor extension"));
        }
        let companion = (!companion.is_empty()).then_some(Value::Object(companion));
        Ok((value, companion))
    }
}

fn list<'m>(map: &'m mut Map<String, Value>, key: &str) -> &'m mut Vec<Value> {
    let found = map.entry(key).or_insert_with(|| Value::Array(Vec::new()));
    match found {
        Value::Array(items) => items,
        _ => unreachable!("only lists are put under the name of what repeats"),
    }
}

/// FHIR R4 json.html#primitive: where there are ids or extensions, both lists are as long, and
/// the one that would be of nulls only is not there.
fn level_lists(map: &mut Map<String, Value>, key: &str) {
    let Some(Value::Array(values)) = map.get(key) else {
        return;
    };
    let (length, empty) = (values.len(), values.iter().all(Value::is_null));
    if let Some(Value::Array(companions)) = map.get_mut(&format!("_{key}")) {
        companions.resize(length, Value::Null);
    }
    if empty {
        map.remove(key);
    }
}
