//! The Native DICOM Model to DICOM JSON.

use kura_model::Refusal;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Number, Value};

use super::{COMPONENTS, GROUPS};
use crate::limits::Limits;

/// Values of one attribute.
const VALUES_AT_MOST: usize = 100_000;

/// Reads one data set. Whoever calls bounds the bytes.
///
/// # Errors
/// `xml-encoding`, `xml-syntax`, `xml-doctype`, `xml-entity`, `xml-element` (not of the model),
/// `xml-attribute`, `xml-text`, `xml-value` (no number where the VR asks for one), `dicom-depth`,
/// `dicom-limit`; with the byte.
pub fn read(bytes: &[u8]) -> Result<Value, Refusal> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Refusal::new("xml-encoding", "not UTF-8").at_byte(error.valid_up_to() as u64)
    })?;
    let mut reading = Reading {
        reader: Reader::from_str(text),
        limits: Limits::default(),
        elements: 0,
    };
    match reading.next()? {
        Token::Open(start, empty) if local(&start) == "NativeDicomModel" => {
            let mut dataset = Map::new();
            if !empty {
                dataset = reading.data_set(0)?;
            }
            match reading.next()? {
                Token::End => Ok(Value::Object(dataset)),
                _ => Err(reading.refuse("xml-syntax", "one data set, and nothing behind it")),
            }
        }
        Token::End => Err(reading.refuse("xml-syntax", "no XML")),
        _ => Err(reading.refuse("xml-element", "the data set is a NativeDicomModel")),
    }
}

struct Reading<'x> {
    reader: Reader<&'x [u8]>,
    limits: Limits,
    elements: u64,
}

enum Token<'x> {
    Open(BytesStart<'x>, bool),
    Close,
    End,
}

/// The name without its prefix.
fn local(start: &BytesStart<'_>) -> String {
    String::from_utf8_lossy(start.local_name().as_ref()).into_owned()
}

impl<'x> Reading<'x> {
    fn refuse(&self, rule: &'static str, message: &'static str) -> Refusal {
        Refusal::new(rule, message).at_byte(self.reader.buffer_position())
    }

    /// Elements, their ends and texts, and values that are passed over.
    fn count(&mut self, more: usize) -> Result<(), Refusal> {
        self.elements += more as u64;
        if self.elements > 8 * self.limits.max_elements {
            return Err(self.refuse("dicom-limit", "more elements than allowed"));
        }
        Ok(())
    }

    fn event(&mut self) -> Result<Event<'x>, Refusal> {
        let event = self.reader.read_event();
        let event = event.map_err(|_| self.refuse("xml-syntax", "not well-formed XML"))?;
        self.count(1)?;
        match event {
            Event::DocType(_) => Err(self.refuse("xml-doctype", "a document type is not read")),
            event => Ok(event),
        }
    }

    /// The next tag; only white space may stand before it.
    fn next(&mut self) -> Result<Token<'x>, Refusal> {
        loop {
            return Ok(match self.event()? {
                Event::Start(start) => Token::Open(start, false),
                Event::Empty(start) => Token::Open(start, true),
                Event::End(_) => Token::Close,
                Event::Eof => Token::End,
                Event::Comment(_) | Event::PI(_) | Event::Decl(_) => continue,
                Event::Text(text) if text.iter().all(u8::is_ascii_whitespace) => continue,
                _ => return Err(self.refuse("xml-text", "there is text between elements")),
            });
        }
    }

    /// An element inside, or `None` at the end of the one around.
    fn inside(&mut self) -> Result<Option<(BytesStart<'x>, bool)>, Refusal> {
        match self.next()? {
            Token::Open(start, empty) => Ok(Some((start, empty))),
            Token::Close => Ok(None),
            Token::End => Err(self.refuse("xml-syntax", "the XML ends too early")),
        }
    }

    fn named(&self, start: &BytesStart<'_>, name: &str) -> Result<Option<String>, Refusal> {
        let wrong = || self.refuse("xml-attribute", "an XML attribute cannot be read");
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| wrong())?;
            if attribute.key.local_name().as_ref() == name.as_bytes() {
                let value = std::str::from_utf8(&attribute.value).map_err(|_| wrong())?;
                let value = quick_xml::escape::unescape(value).map_err(|_| wrong())?;
                return Ok(Some(value.into_owned()));
            }
        }
        Ok(None)
    }

    fn data_set(&mut self, depth: usize) -> Result<Map<String, Value>, Refusal> {
        if depth > self.limits.max_depth {
            return Err(self.refuse("dicom-depth", "sequences are nested deeper than allowed"));
        }
        let mut dataset = Map::new();
        while let Some((start, empty)) = self.inside()? {
            if local(&start) != "DicomAttribute" {
                return Err(self.refuse("xml-element", "a data set holds DicomAttributes"));
            }
            let tag = self
                .named(&start, "tag")?
                .filter(|tag| tag.len() == 8 && tag.bytes().all(|byte| byte.is_ascii_hexdigit()));
            let vr = self
                .named(&start, "vr")?
                .filter(|vr| vr.len() == 2 && vr.bytes().all(|byte| byte.is_ascii_uppercase()));
            let (Some(tag), Some(vr)) = (tag, vr) else {
                let message = "a DicomAttribute has a tag of eight digits and a VR of two letters";
                return Err(self.refuse("xml-attribute", message));
            };
            let mut element = Map::new();
            element.insert("vr".to_owned(), Value::from(&vr[..]));
            if !empty {
                self.values(&vr, depth, &mut element)?;
            }
            dataset.insert(tag.to_ascii_uppercase(), Value::Object(element));
        }
        Ok(dataset)
    }

    fn values(
        &mut self,
        vr: &str,
        depth: usize,
        element: &mut Map<String, Value>,
    ) -> Result<(), Refusal> {
        let mut values: Vec<Value> = Vec::new();
        while let Some((start, empty)) = self.inside()? {
            let name = local(&start);
            match &name[..] {
                "BulkData" => {
                    let uri = self.named(&start, "uri")?.unwrap_or_default();
                    element.insert("BulkDataURI".to_owned(), Value::String(uri));
                    if !empty && self.inside()?.is_some() {
                        return Err(self.refuse("xml-element", "BulkData is empty"));
                    }
                    continue;
                }
                "InlineBinary" => {
                    let bytes = if empty { String::new() } else { self.text()? };
                    element.insert("InlineBinary".to_owned(), Value::String(bytes));
                    continue;
                }
                _ => {}
            }
            let number = self.named(&start, "number")?;
            let at = number
                .and_then(|number| number.parse::<usize>().ok())
                .and_then(|number| number.checked_sub(1))
                .filter(|at| *at < VALUES_AT_MOST && *at >= values.len())
                .ok_or_else(|| self.refuse("xml-attribute", "values are numbered from 1"))?;
            let value = match (&name[..], vr) {
                ("Item", "SQ") if empty => Value::Object(Map::new()),
                ("Item", "SQ") => Value::Object(self.data_set(depth + 1)?),
                ("PersonName", "PN") if empty => Value::Null,
                ("PersonName", "PN") => self.person_name()?,
                ("Value", _) if empty => Value::Null,
                ("Value", _) => {
                    let text = self.text()?;
                    self.value(vr, text)?
                }
                _ => return Err(self.refuse("xml-element", "no value of this VR")),
            };
            self.count(at - values.len())?;
            values.resize(at, Value::Null);
            values.push(value);
        }
        if !values.is_empty() {
            element.insert("Value".to_owned(), Value::Array(values));
        }
        Ok(())
    }

    /// PS3.18 Table F.2.3-1.
    fn value(&self, vr: &str, text: String) -> Result<Value, Refusal> {
        let number = || text.trim().parse::<Number>().ok().map(Value::Number);
        match vr {
            _ if text.is_empty() => Ok(Value::Null),
            "DS" | "IS" => Ok(number().unwrap_or(Value::String(text))),
            // JSON has no number for what is not finite.
            "FL" | "FD" if matches!(text.trim(), "NaN" | "inf" | "-inf") => Ok(Value::String(text)),
            "FL" | "FD" | "SL" | "SS" | "UL" | "US" | "SV" | "UV" => {
                number().ok_or_else(|| self.refuse("xml-value", "the VR asks for a number"))
            }
            _ => Ok(Value::String(text)),
        }
    }

    fn person_name(&mut self) -> Result<Value, Refusal> {
        let mut name = Map::new();
        while let Some((start, empty)) = self.inside()? {
            let group = local(&start);
            if !GROUPS.contains(&&group[..]) {
                return Err(self.refuse("xml-element", "no group of a person name"));
            }
            let mut components = [const { String::new() }; 5];
            while !empty && let Some((start, empty)) = self.inside()? {
                let component = local(&start);
                let Some(at) = COMPONENTS.iter().position(|name| *name == component) else {
                    return Err(self.refuse("xml-element", "no component of a person name"));
                };
                if !empty {
                    components[at] = self.text()?;
                }
            }
            let value = components.join("^");
            let value = value.trim_end_matches('^').to_owned();
            name.insert(group, Value::String(value));
        }
        Ok(Value::Object(name))
    }

    /// The text up to the end of the element.
    fn text(&mut self) -> Result<String, Refusal> {
        let mut out = String::new();
        loop {
            match self.event()? {
                Event::Text(text) => out.push_str(&String::from_utf8_lossy(&text)),
                Event::CData(text) => out.push_str(&String::from_utf8_lossy(&text)),
                Event::GeneralRef(entity) => {
                    let known = match &*entity {
                        b"lt" => Some('<'),
                        b"gt" => Some('>'),
                        b"amp" => Some('&'),
                        b"quot" => Some('"'),
                        b"apos" => Some('\''),
                        _ => entity.resolve_char_ref().ok().flatten(),
                    };
                    out.push(known.ok_or_else(|| {
                        self.refuse("xml-entity", "an entity that XML does not define")
                    })?);
                }
                Event::End(_) => return Ok(out),
                Event::Comment(_) | Event::PI(_) => {}
                _ => return Err(self.refuse("xml-element", "a value holds text only")),
            }
        }
    }
}
