//! The payer's master files (レセプト電算処理システム 基本マスター) as FHIR `CodeSystem`s: diseases
//! 傷病名, modifiers 修飾語, drugs 医薬品, materials 特定器材.
//!
//! Shift_JIS CSV without a header, a concept a line; the second field says which master it is.
//! Layouts: 社会保険診療報酬支払基金, マスターファイル仕様説明書. The files are the payer's and are not
//! part of Kura.

mod layout;

use std::collections::HashSet;

use encoding_rs::SHIFT_JIS;
use kura_model::Refusal;
use serde_json::{Map, Value, json};

use layout::{Column, LAYOUTS, Layout};

/// The longest master that is read, in bytes.
pub const MAX_BYTES: u64 = 64 << 20;

/// A master, read.
#[derive(Debug, Clone)]
pub struct Master {
    /// The letter that the file has for it: `B`, `Z`, `Y` or `T`.
    pub letter: &'static str,
    /// The newest date of its lines, `YYYYMMDD`: the version of the code system.
    pub version: String,
    pub concepts: usize,
    pub code_system: Value,
    /// All codes of the code system.
    pub value_set: Value,
}

/// Reads a master file, already decompressed.
///
/// # Errors
/// The first line that is damaged, by number and field: not Shift_JIS, not the fields of its
/// master, a code, date or number that is none, a code that was there before.
pub fn read(bytes: &[u8]) -> Result<Master, Refusal> {
    let mut layout: Option<&'static Layout> = None;
    let mut concepts = Vec::new();
    let mut seen = HashSet::new();
    let mut version = String::new();
    for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        // A second byte of Shift_JIS is never a line feed.
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // DOS ends a file with Ctrl-Z.
        if line.is_empty() || line == b"\x1a" {
            continue;
        }
        let number = at as u64 + 1;
        let refuse = |rule: &str, message: String| Refusal::new(rule, message).at_line(number);
        let text = SHIFT_JIS
            .decode_without_bom_handling_and_without_replacement(line)
            .ok_or_else(|| refuse("master-encoding", "the line is not Shift_JIS".to_owned()))?;
        let fields = fields(&text)
            .ok_or_else(|| refuse("master-quotes", "a field is not closed".to_owned()))?;
        let letter = fields.get(1).map(String::as_str).unwrap_or_default();
        let known = match layout {
            Some(layout) => Some(layout).filter(|one| one.letter == letter),
            None => LAYOUTS.iter().find(|one| one.letter == letter),
        };
        let known = known.ok_or_else(|| {
            let what = "field 2 names no master that is read here, or another one than above";
            refuse("master-kind", what.to_owned())
        })?;
        layout = Some(known);
        if fields.len() != known.fields {
            let (found, wanted) = (fields.len(), known.fields);
            let message = format!("{found} fields; this master has {wanted}");
            return Err(refuse("master-fields", message));
        }
        let line = Line {
            fields: &fields,
            number,
        };
        let concept = concept(known, &line, &mut version)?;
        if !seen.insert(line.field(known.code).to_owned()) {
            let message = format!("field {}: the code was there before", known.code);
            return Err(refuse("master-code", message));
        }
        concepts.push(concept);
    }
    let Some(layout) = layout else {
        return Err(Refusal::new("master-empty", "the file has no lines").at_line(1));
    };
    Ok(Master {
        letter: layout.letter,
        concepts: concepts.len(),
        value_set: value_set(layout, &version),
        code_system: code_system(layout, &version, concepts),
        version,
    })
}

/// Fields of a line, RFC 4180.
fn fields(text: &str) -> Option<Vec<String>> {
    let mut out = Vec::new();
    let mut letters = text.chars().peekable();
    loop {
        let mut field = String::new();
        if letters.next_if_eq(&'"').is_some() {
            loop {
                match letters.next()? {
                    '"' if letters.next_if_eq(&'"').is_some() => field.push('"'),
                    '"' => break,
                    letter => field.push(letter),
                }
            }
        }
        while let Some(letter) = letters.next_if(|letter| *letter != ',') {
            field.push(letter);
        }
        out.push(field);
        if letters.next().is_none() {
            return Some(out);
        }
    }
}

struct Line<'a> {
    fields: &'a [String],
    number: u64,
}

impl Line<'_> {
    /// A field by its number in the specification, from 1.
    fn field(&self, number: usize) -> &str {
        self.fields[number - 1].trim()
    }

    fn refuse(&self, rule: &str, field: usize, what: &str) -> Refusal {
        Refusal::new(rule, format!("field {field} is {what}")).at_line(self.number)
    }

    /// `YYYYMMDD`; `None` where there is no date: nothing, zeros, or 99999999 (no end).
    fn date(&self, number: usize) -> Result<Option<&str>, Refusal> {
        let text = self.field(number);
        if matches!(text, "" | "0" | "00000000" | "99999999") {
            return Ok(None);
        }
        let part = |range: std::ops::Range<usize>| text.get(range)?.parse::<u32>().ok();
        let is_date = text.len() == 8
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && part(4..6).is_some_and(|month| (1..=12).contains(&month))
            && part(6..8).is_some_and(|day| (1..=31).contains(&day));
        if is_date {
            Ok(Some(text))
        } else {
            Err(self.refuse("master-date", number, "no date"))
        }
    }
}

fn concept(layout: &Layout, line: &Line<'_>, version: &mut String) -> Result<Value, Refusal> {
    let code = line.field(layout.code);
    if code.is_empty() || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(line.refuse("master-code", layout.code, "no code"));
    }
    let display = line.field(layout.display);
    if display.is_empty() {
        return Err(line.refuse("master-name", layout.display, "empty"));
    }
    let mut properties = Vec::new();
    let mut push = |code: &str, key: &str, value: Value| {
        properties.push(json!({ "code": code, key: value }));
    };
    let mut is_inactive = line.field(1) == "9";
    for property in layout.properties {
        let text = line.field(property.field);
        match property.column {
            _ if text.is_empty() => {}
            Column::Text => push(property.code, "valueString", json!(text)),
            Column::Code if text.bytes().all(|byte| byte == b'0') => {}
            Column::Code => push(property.code, "valueCode", json!(text)),
            Column::Flag => push(property.code, "valueBoolean", json!(text != "0")),
            Column::Number => {
                let is_number = text
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || byte == b'.');
                let number = serde_json::from_str::<serde_json::Number>(text).ok();
                let number = number.filter(|_| is_number);
                let number = number
                    .ok_or_else(|| line.refuse("master-number", property.field, "no number"))?;
                push(property.code, "valueDecimal", Value::Number(number));
            }
            Column::Since | Column::Until => {
                let Some(date) = line.date(property.field)? else {
                    continue;
                };
                if property.column == Column::Until {
                    is_inactive |= property.code == "abolished";
                } else if date > version.as_str() {
                    date.clone_into(version);
                }
                let date = format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]);
                push(property.code, "valueDateTime", json!(date));
            }
        }
    }
    if is_inactive {
        push("inactive", "valueBoolean", json!(true));
    }
    let mut concept = Map::new();
    concept.insert("code".to_owned(), json!(code));
    concept.insert("display".to_owned(), json!(display));
    let mut names = Vec::new();
    let kana = line.field(layout.kana);
    if !kana.is_empty() {
        // BCP 47, script Hrkt (ISO 15924): Japanese syllabaries.
        names.push(json!({ "language": "ja-Hrkt", "value": kana }));
    }
    let other = layout.other_name.map(|field| line.field(field));
    if let Some(other) = other.filter(|other| !other.is_empty() && *other != display) {
        names.push(json!({ "language": "ja", "value": other }));
    }
    if !names.is_empty() {
        concept.insert("designation".to_owned(), Value::Array(names));
    }
    if !properties.is_empty() {
        concept.insert("property".to_owned(), Value::Array(properties));
    }
    Ok(Value::Object(concept))
}

/// Who publishes the masters.
const PUBLISHER: &str = "社会保険診療報酬支払基金";

fn code_system(layout: &Layout, version: &str, concepts: Vec<Value>) -> Value {
    let mut properties: Vec<Value> = layout
        .properties
        .iter()
        .map(|one| {
            let kind = match one.column {
                Column::Text => "string",
                Column::Code => "code",
                Column::Flag => "boolean",
                Column::Number => "decimal",
                Column::Since | Column::Until => "dateTime",
            };
            json!({ "code": one.code, "description": one.name, "type": kind })
        })
        .collect();
    properties.push(json!({
        "code": "inactive",
        "uri": "http://hl7.org/fhir/concept-properties#inactive",
        "type": "boolean",
    }));
    json!({
        "resourceType": "CodeSystem",
        "url": layout.system,
        "version": version,
        "name": layout.name,
        "title": layout.title,
        "status": "active",
        "publisher": PUBLISHER,
        "caseSensitive": true,
        "valueSet": layout.value_set,
        "content": "complete",
        "count": concepts.len(),
        "property": properties,
        "concept": concepts,
    })
}

fn value_set(layout: &Layout, version: &str) -> Value {
    json!({
        "resourceType": "ValueSet",
        "url": layout.value_set,
        "version": version,
        "name": layout.name,
        "title": layout.title,
        "status": "active",
        "publisher": PUBLISHER,
        "compose": { "include": [{ "system": layout.system }] },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line of the modifier master, made up: code, name and dates vary.
    fn modifier(code: &str, name: &str, since: &str, until: &str) -> Vec<u8> {
        let line = format!(
            "\"0\",\"Z\",\"{code}\",\"\",\"\",\"2\",\"{name}\",\"\",\"2\",\"テスト\",\"\",\"0\",\"0\",\"{since}\",\"\",\"{until}\",\"1\",\"AAAA\",\"A8\"\r\n"
        );
        SHIFT_JIS.encode(&line).0.into_owned()
    }

    #[test]
    fn a_master_becomes_a_code_system() {
        let file = [
            modifier("8001", "急性", "20030401", "99999999"),
            modifier("8002", "慢性", "20240601", "20250331"),
            b"\x1a".to_vec(),
        ]
        .concat();
        let master = read(&file).unwrap();
        assert_eq!((master.letter, master.concepts), ("Z", 2));
        assert_eq!(master.version, "20240601");
        let concepts = &master.code_system["concept"];
        assert_eq!(concepts[0]["display"], "急性");
        assert_eq!(concepts[0]["designation"][0]["value"], "テスト");
        let property = |at: usize, code: &str| {
            let all = concepts[at]["property"].as_array().unwrap().iter();
            all.filter(|one| one["code"] == code).count()
        };
        assert_eq!((property(0, "inactive"), property(1, "inactive")), (0, 1));
    }

    #[test]
    fn damage_is_told_by_line_and_field() {
        let good = || modifier("8001", "急性", "", "99999999");
        let cut = |line: Vec<u8>| line[..line.len() / 2].to_vec();
        for (second, rule) in [
            (cut(good()), "master-quotes"),
            (b"\"0\",\"Z\"\r\n".to_vec(), "master-fields"),
            (b"\"0\",\"B\"\r\n".to_vec(), "master-kind"),
            (b"\xff\xff\xff\r\n".to_vec(), "master-encoding"),
            (modifier("80x1", "慢性", "", ""), "master-code"),
            (good(), "master-code"),
            (modifier("8002", "", "", ""), "master-name"),
            (modifier("8002", "慢性", "20241301", ""), "master-date"),
        ] {
            let refusal = read(&[good(), second].concat()).unwrap_err();
            assert_eq!(
                (refusal.rule.as_str(), refusal.location.line),
                (rule, Some(2))
            );
        }
        assert_eq!(read(b"").unwrap_err().rule, "master-empty");
        assert_eq!(read(b"{\"resourceType\"").unwrap_err().rule, "master-kind");
    }

    #[test]
    fn quotes_and_commas_stay_in_their_field() {
        let found = fields("\"a\"\"b\",\"c,d\",,e").unwrap();
        assert_eq!(found, ["a\"b", "c,d", "", "e"]);
        assert!(fields("\"a").is_none());
    }
}
