//! Typed views of the elements we compute on. A view never fails: what is absent is `None`.

use serde_json::Value;

/// A name in the three scripts of Japan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Ideographic, as written.
    pub kanji: Option<String>,
    /// Syllabic, as read.
    pub kana: Option<String>,
    /// In Latin letters.
    pub latin: Option<String>,
}

impl Names {
    /// What to call the person: kanji before kana before Latin letters.
    pub fn best(&self) -> Option<&str> {
        self.kanji
            .as_deref()
            .or(self.kana.as_deref())
            .or(self.latin.as_deref())
    }
}

/// The names of a Patient or Practitioner, told apart by `iso21090-EN-representation`
/// (IDE, SYL, ABC) or, where that is missing, by their letters.
pub fn names(resource: &Value) -> Names {
    let mut names = Names::default();
    for name in items(resource, "name") {
        let Some(text) = human_name(name) else {
            continue;
        };
        let slot = match script(name) {
            Script::Kanji => &mut names.kanji,
            Script::Kana => &mut names.kana,
            Script::Latin => &mut names.latin,
        };
        slot.get_or_insert(text);
    }
    names
}

/// How a name is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    Kanji,
    Kana,
    Latin,
}

/// The script of one HumanName: what it says itself, else by its letters.
pub fn script(name: &Value) -> Script {
    match representation(name) {
        Some("IDE") => return Script::Kanji,
        Some("SYL") => return Script::Kana,
        Some("ABC") => return Script::Latin,
        _ => {}
    }
    let text = human_name(name).unwrap_or_default();
    if text.is_ascii() {
        Script::Latin
    } else if text.chars().all(is_kana_or_space) {
        Script::Kana
    } else {
        Script::Kanji
    }
}

fn representation(name: &Value) -> Option<&str> {
    items(name, "extension")
        .find(|extension| {
            text(extension, "url").is_some_and(|url| url.ends_with("iso21090-EN-representation"))
        })
        .and_then(|extension| text(extension, "valueCode"))
}

fn is_kana_or_space(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '\u{3040}'..='\u{30FF}' | '\u{FF66}'..='\u{FF9F}')
}

/// One HumanName as a line.
pub fn human_name(name: &Value) -> Option<String> {
    if let Some(text) = text(name, "text") {
        return Some(text.to_owned());
    }
    let mut parts: Vec<&str> = text(name, "family").into_iter().collect();
    parts.extend(items(name, "given").filter_map(Value::as_str));
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// The items of a list element, or the single value where it is not a list.
pub fn items<'a>(value: &'a Value, name: &str) -> Box<dyn Iterator<Item = &'a Value> + 'a> {
    match value.get(name) {
        Some(Value::Array(items)) => Box::new(items.iter()),
        Some(single) => Box::new(std::iter::once(single)),
        None => Box::new(std::iter::empty()),
    }
}

pub fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

/// What a CodeableConcept is called: its text, else the first display, else the first code.
pub fn concept(value: &Value) -> Option<&str> {
    text(value, "text")
        .or_else(|| items(value, "coding").find_map(|coding| text(coding, "display")))
        .or_else(|| items(value, "coding").find_map(|coding| text(coding, "code")))
}

/// The first coding with a code: system and code.
pub fn coding(value: &Value) -> Option<(Option<&str>, &str)> {
    items(value, "coding").find_map(|coding| Some((text(coding, "system"), text(coding, "code")?)))
}

/// The values of `identifier` under one system.
pub fn identifiers<'a>(resource: &'a Value, system: &'a str) -> impl Iterator<Item = &'a str> + 'a {
    items(resource, "identifier")
        .filter(move |identifier| text(identifier, "system") == Some(system))
        .filter_map(|identifier| text(identifier, "value"))
}

/// When something happened, by the elements the types use for it.
pub fn when(resource: &Value) -> Option<&str> {
    const DATES: [&str; 16] = [
        "effectiveDateTime",
        "effectiveInstant",
        "performedDateTime",
        "occurrenceDateTime",
        "authoredOn",
        "started",
        "onsetDateTime",
        "recordedDate",
        "date",
        "whenHandedOver",
        "dateTime",
        "authored",
        "created",
        "createdDateTime",
        "issued",
        "recorded",
    ];
    const PERIODS: [&str; 7] = [
        "period",
        "effectivePeriod",
        "performedPeriod",
        "occurrencePeriod",
        "onsetPeriod",
        "billablePeriod",
        "timingPeriod",
    ];
    PERIODS
        .iter()
        .find_map(|name| resource.get(name).and_then(|period| text(period, "start")))
        .or_else(|| DATES.iter().find_map(|name| text(resource, name)))
        .or_else(|| resource.pointer("/collection/collectedDateTime")?.as_str())
}
