//! Elements read from JSON, strictly: what has the wrong shape is refused at its path, and no
//! value is repeated.

use kura_model::Refusal;
use serde_json::{Map, Value};

use crate::criteria::{Code, Period};
use crate::question::Span;

pub(super) type Members = Map<String, Value>;

pub(super) fn refuse<T>(rule: &str, message: &str, path: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::new(rule, message).at_path(path))
}

pub(super) fn members<'a>(value: &'a Value, path: &str) -> Result<&'a Members, Refusal> {
    match value {
        Value::Object(members) => Ok(members),
        _ => refuse("consent-element", "an object is expected", path),
    }
}

/// The items of a list; none if it is absent.
pub(super) fn items<'a>(of: &'a Members, name: &str, path: &str) -> Result<&'a [Value], Refusal> {
    match of.get(name) {
        None => Ok(&[]),
        // FHIR R4 json.html: an array is never empty. Nothing named is not the same as all.
        Some(Value::Array(items)) if !items.is_empty() => Ok(items),
        Some(_) => refuse(
            "consent-list",
            "a list with at least one item is expected",
            format!("{path}.{name}"),
        ),
    }
}

pub(super) fn text<'a>(
    of: &'a Members,
    name: &str,
    path: &str,
) -> Result<Option<&'a str>, Refusal> {
    match of.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
        Some(_) => refuse(
            "consent-text",
            "a text is expected",
            format!("{path}.{name}"),
        ),
    }
}

pub(super) fn object<'a>(
    of: &'a Members,
    name: &str,
    path: &str,
) -> Result<Option<&'a Members>, Refusal> {
    of.get(name)
        .map(|value| members(value, &format!("{path}.{name}")))
        .transpose()
}

/// System and code of a Coding; `None` if it has no code.
pub(super) fn coding(value: &Value, path: &str) -> Result<Code, Refusal> {
    let coding = members(value, path)?;
    let system = text(coding, "system", path)?.unwrap_or_default();
    Ok(text(coding, "code", path)?.map(|code| (system.into(), code.into())))
}

/// The codings of a CodeableConcept; one `None` if it is text only.
pub(super) fn concept(value: &Value, path: &str) -> Result<Vec<Code>, Refusal> {
    let concept = members(value, path)?;
    let mut codes = Vec::new();
    for (at, item) in items(concept, "coding", path)?.iter().enumerate() {
        codes.push(coding(item, &format!("{path}.coding[{at}]"))?);
    }
    if codes.is_empty() {
        codes.push(None);
    }
    Ok(codes)
}

/// The codings of a list of CodeableConcepts, as alternatives; `None` if there is no list.
pub(super) fn concepts(of: &Members, name: &str, path: &str) -> Result<Option<Vec<Code>>, Refusal> {
    let list = items(of, name, path)?;
    let mut codes = Vec::with_capacity(list.len());
    for (at, item) in list.iter().enumerate() {
        codes.extend(concept(item, &format!("{path}.{name}[{at}]"))?);
    }
    Ok((!codes.is_empty()).then_some(codes))
}

/// A list of Codings; `None` if there is none.
pub(super) fn codings(of: &Members, name: &str, path: &str) -> Result<Option<Vec<Code>>, Refusal> {
    let list = items(of, name, path)?;
    let mut codes = Vec::with_capacity(list.len());
    for (at, item) in list.iter().enumerate() {
        codes.push(coding(item, &format!("{path}.{name}[{at}]"))?);
    }
    Ok((!codes.is_empty()).then_some(codes))
}

pub(super) fn date(of: &Members, name: &str, path: &str) -> Result<Option<Span>, Refusal> {
    let Some(text) = text(of, name, path)? else {
        return Ok(None);
    };
    match Span::of(text) {
        Some(span) => Ok(Some(span)),
        None => refuse(
            "consent-date",
            "a FHIR date or dateTime is expected",
            format!("{path}.{name}"),
        ),
    }
}

/// From the first second of the start to the last of the end: an end of `2026-03` holds all
/// March. FHIR R4 datatypes.html#Period
pub(super) fn period(of: &Members, name: &str, path: &str) -> Result<Option<Period>, Refusal> {
    let Some(period) = object(of, name, path)? else {
        return Ok(None);
    };
    let path = format!("{path}.{name}");
    let start = date(period, "start", &path)?;
    let end = date(period, "end", &path)?;
    let period = Period {
        low: start.map_or(i64::MIN, |start| start.low),
        high: end.map_or(i64::MAX, |end| end.high),
    };
    if period.low > period.high {
        // per-1
        return refuse("consent-period", "the end is before the start", path);
    }
    Ok(Some(period))
}
