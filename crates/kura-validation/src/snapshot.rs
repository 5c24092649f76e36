//! Snapshots from differentials: FHIR R4 profiling.html#snapshot, elementdefinition.html.

use serde_json::{Value, json};

use crate::definitions::{Definitions, Kind};

/// How many profiles may stand on one another.
const MAX_DEPTH: usize = 24;

/// The most elements that a snapshot may have.
const MAX_ELEMENTS: usize = 20_000;

const CORE: &str = "http://hl7.org/fhir/StructureDefinition/";

/// Why a snapshot cannot be made. Names definitions, which are no patient's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    /// A definition that it builds on is not loaded.
    Missing(String),
    /// The differential names an element that its base does not have.
    NoSuchElement(String),
    /// It builds on itself, or is larger than what is taken.
    TooLarge,
}

impl std::fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SnapshotError::Missing(url) => write!(f, "{url} is not loaded"),
            SnapshotError::NoSuchElement(id) => write!(f, "{id} is no element of its base"),
            SnapshotError::TooLarge => write!(f, "the definition is too deep or too large"),
        }
    }
}

impl std::error::Error for SnapshotError {}

type Result<T> = std::result::Result<T, SnapshotError>;

/// The elements of a structure: the snapshot that it carries, else one made from its differential.
pub(crate) fn elements(
    definitions: &Definitions,
    structure: &Value,
    depth: usize,
) -> Result<Vec<Value>> {
    match structure["snapshot"]["element"].as_array() {
        Some(elements) if !elements.is_empty() => Ok(elements.clone()),
        _ => generate(definitions, structure, depth),
    }
}

fn elements_of(definitions: &Definitions, url: &str, depth: usize) -> Result<Vec<Value>> {
    let structure = definitions
        .get(Kind::Structure, url)
        .ok_or_else(|| SnapshotError::Missing(url.to_owned()))?;
    elements(definitions, &structure, depth)
}

/// The elements that a differential and its base make.
pub(crate) fn generate(
    definitions: &Definitions,
    structure: &Value,
    depth: usize,
) -> Result<Vec<Value>> {
    if depth > MAX_DEPTH {
        return Err(SnapshotError::TooLarge);
    }
    let base = structure["baseDefinition"].as_str().unwrap_or_default();
    let base = elements_of(definitions, base, depth + 1)?;
    let mut snapshot = Snapshot {
        definitions,
        depth,
        elements: base.clone(),
        base,
    };
    let differential = structure["differential"]["element"].as_array();
    let differential = differential.map_or(&[][..], Vec::as_slice);
    for (id, element) in ids(differential).iter().zip(differential) {
        let at = snapshot.ensure(id)?;
        snapshot.merge(at, element);
        if snapshot.elements.len() > MAX_ELEMENTS {
            return Err(SnapshotError::TooLarge);
        }
    }
    Ok(snapshot.elements)
}

/// The id of each element, also where a differential gives none: by path and `sliceName`, below the
/// slice that was last named.
fn ids(differential: &[Value]) -> Vec<String> {
    let mut last: Vec<(String, String)> = Vec::new();
    let mut ids = Vec::with_capacity(differential.len());
    for element in differential {
        let path = element["path"].as_str().unwrap_or_default();
        let id = match element["id"].as_str() {
            Some(id) => id.to_owned(),
            None => {
                let mut id = path.to_owned();
                if let Some((parent, name)) = path.rsplit_once('.')
                    && let Some((_, above)) = last.iter().rev().find(|(known, _)| known == parent)
                {
                    id = format!("{above}.{name}");
                }
                if let Some(slice) = element["sliceName"].as_str() {
                    id = format!("{id}:{slice}");
                }
                id
            }
        };
        last.push((path.to_owned(), id.clone()));
        ids.push(id);
    }
    ids
}

/// The id above and the last part, at the last dot outside a slice's name.
pub(crate) fn split_id(id: &str) -> Option<(&str, &str)> {
    // A slice's name may hold a dot only after its colon, which no published profile does.
    id.rsplit_once('.')
}

struct Snapshot<'d> {
    definitions: &'d Definitions,
    depth: usize,
    base: Vec<Value>,
    elements: Vec<Value>,
}

fn id_of(element: &Value) -> &str {
    element["id"].as_str().unwrap_or_default()
}

impl Snapshot<'_> {
    fn find(&self, id: &str) -> Option<usize> {
        self.elements.iter().position(|one| id_of(one) == id)
    }

    /// Where the element's children end; with its slices when `slices`.
    fn end(&self, at: usize, slices: bool) -> usize {
        let id = id_of(&self.elements[at]);
        let belongs = |other: &str| {
            other.strip_prefix(id).is_some_and(|rest| {
                rest.starts_with('.') || (slices && rest.starts_with([':', '/']))
            })
        };
        let after = self.elements[at + 1..].iter();
        at + 1 + after.take_while(|one| belongs(id_of(one))).count()
    }

    /// Makes sure that an element is there; its place.
    fn ensure(&mut self, id: &str) -> Result<usize> {
        if let Some(at) = self.find(id) {
            return Ok(at);
        }
        let no_such = || SnapshotError::NoSuchElement(id.to_owned());
        let (parent, last) = split_id(id).ok_or_else(no_such)?;
        let parent_at = self.ensure(parent)?;
        let parent = id_of(&self.elements[parent_at]).to_owned();
        if let Some((name, slice)) = last.split_once(':') {
            let sliced = self.ensure(&format!("{parent}.{name}"))?;
            return self.add_slice(sliced, slice);
        }
        let wanted = format!("{parent}.{last}");
        if let Some(at) = self.find(&wanted) {
            return Ok(at);
        }
        self.expand(parent_at)?;
        if let Some(at) = self.find(&wanted) {
            return Ok(at);
        }
        // `Observation.valueQuantity` is short for a slice of `Observation.value[x]` by type.
        let start = format!("{parent}.");
        let choice = self.elements.iter().position(|one| {
            let name = id_of(one).strip_prefix(&start);
            name.and_then(|name| name.strip_suffix("[x]"))
                .and_then(|name| last.strip_prefix(name))
                .is_some_and(|rest| rest.starts_with(|one: char| one.is_ascii_uppercase()))
        });
        let choice = choice.ok_or_else(no_such)?;
        let slice = format!("{}:{last}", id_of(&self.elements[choice]));
        match self.find(&slice) {
            Some(at) => Ok(at),
            None => self.add_slice(choice, last),
        }
    }

    /// A new slice behind the element's other slices: as the element is, with what it has below.
    fn add_slice(&mut self, sliced: usize, name: &str) -> Result<usize> {
        let from = id_of(&self.elements[sliced]).to_owned();
        let to = format!("{from}:{name}");
        // A slice of a slice (FHIR R4 profiling.html#reslicing) starts as that slice.
        let resliced = name
            .rsplit_once('/')
            .and_then(|(above, _)| self.find(&format!("{from}:{above}")));
        let source = resliced.unwrap_or(sliced);
        let source_id = id_of(&self.elements[source]).to_owned();
        let children = self.elements[source..self.end(source, false)].to_vec();
        let mut copies: Vec<Value> = children
            .into_iter()
            .map(|one| renamed(one, &source_id, &to))
            .collect();
        let root = &mut copies[0];
        root["sliceName"] = json!(name);
        root["min"] = json!(0);
        if let Some(root) = root.as_object_mut() {
            root.remove("slicing");
        }
        // A slice by type is named after element and type.
        if let Some(stem) = from
            .rsplit('.')
            .next()
            .and_then(|one| one.strip_suffix("[x]"))
            && let Some(kind) = name.strip_prefix(stem)
            && let Some(types) = root["type"].as_array()
        {
            let same = |one: &&Value| {
                one["code"]
                    .as_str()
                    .is_some_and(|code| code.eq_ignore_ascii_case(kind))
            };
            let kept: Vec<Value> = types.iter().filter(same).cloned().collect();
            if !kept.is_empty() {
                root["type"] = Value::Array(kept);
            }
        }
        if self.elements[sliced].get("slicing").is_none() {
            // FHIR R4 profiling.html#slicing: what extensions and choices are sliced by goes without
            // saying.
            let (kind, path) = if from.ends_with("[x]") {
                ("type", "$this")
            } else {
                ("value", "url")
            };
            self.elements[sliced]["slicing"] = json!({
                "discriminator": [{ "type": kind, "path": path }], "rules": "open"
            });
        }
        let at = self.end(sliced, true);
        self.elements.splice(at..at, copies);
        Ok(at)
    }

    /// Puts the children of an element's type below it.
    fn expand(&mut self, at: usize) -> Result<()> {
        let parent = self.elements[at].clone();
        let id = id_of(&parent).to_owned();
        let end = self.end(at, false);
        if end > at + 1 {
            return Ok(());
        }
        if let Some(reference) = parent["contentReference"].as_str() {
            let target = reference.rsplit('#').next().unwrap_or(reference).to_owned();
            // What it leads to is as the base has it, whatever the profile makes of the element
            // that it names: so HL7's publisher does.
            let mut belongs = self.base.iter().filter(|one| {
                let rest = id_of(one).strip_prefix(target.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            });
            let root = belongs.next();
            let root = root.ok_or_else(|| SnapshotError::NoSuchElement(target.clone()))?;
            let copies = belongs.cloned().map(|one| renamed(one, &target, &id));
            let copies: Vec<Value> = copies.collect();
            let kind = root["type"].clone();
            let entry = &mut self.elements[at];
            entry["type"] = kind;
            if let Some(entry) = entry.as_object_mut() {
                entry.remove("contentReference");
            }
            self.elements.splice(end..end, copies);
            return Ok(());
        }
        let types = parent["type"].as_array().map_or(&[][..], Vec::as_slice);
        let code = |one: &Value| one["code"].as_str().unwrap_or_default().to_owned();
        let url = match types {
            [one] => match one["profile"][0].as_str() {
                // A profile that is not loaded leaves its type.
                Some(profile) if self.definitions.has_structure(profile) => profile.to_owned(),
                _ => format!("{CORE}{}", fhir_type(&code(one))),
            },
            [first, rest @ ..] if rest.iter().all(|one| code(one) == code(first)) => {
                format!("{CORE}{}", fhir_type(&code(first)))
            }
            _ => format!("{CORE}Element"),
        };
        let children = elements_of(self.definitions, &url, self.depth + 1)?;
        let from = children.first().map_or("", id_of).to_owned();
        let copies = children
            .into_iter()
            .skip(1)
            .map(|one| renamed(one, &from, &id));
        let copies: Vec<Value> = copies.collect();
        self.elements.splice(end..end, copies);
        Ok(())
    }

    /// What the differential says of an element counts; what it does not say stays.
    fn merge(&mut self, at: usize, differential: &Value) {
        let target = &mut self.elements[at];
        for (key, value) in differential.as_object().into_iter().flatten() {
            match key.as_str() {
                "id" | "path" | "base" => {}
                "constraint" => {
                    let mut all = target["constraint"].as_array().cloned().unwrap_or_default();
                    for one in value.as_array().into_iter().flatten() {
                        all.retain(|known| known["key"] != one["key"]);
                        all.push(one.clone());
                    }
                    target["constraint"] = Value::Array(all);
                }
                "slicing" => {
                    let mut slicing = target["slicing"].clone();
                    if !slicing.is_object() {
                        slicing = json!({});
                    }
                    for (key, value) in value.as_object().into_iter().flatten() {
                        slicing[key] = value.clone();
                    }
                    target["slicing"] = slicing;
                }
                _ => {
                    // One fixed value or pattern; a pattern on a fixed value narrows nothing.
                    if let Some(prefix) = ["fixed", "pattern", "minValue", "maxValue"]
                        .into_iter()
                        .find(|prefix| key.starts_with(prefix))
                        && let Some(map) = target.as_object_mut()
                    {
                        map.retain(|known, _| !known.starts_with(prefix));
                    }
                    target[key] = value.clone();
                }
            }
        }
    }
}

/// The FHIR type behind the code of an element's type.
pub(crate) fn fhir_type(code: &str) -> &str {
    match code.strip_prefix("http://hl7.org/fhirpath/System.") {
        // FHIR R4 extension structuredefinition-fhir-type.
        Some("String") => "string",
        Some("Boolean") => "boolean",
        Some("Integer") => "integer",
        Some("Decimal") => "decimal",
        Some("Date") => "date",
        Some("DateTime") => "dateTime",
        Some("Time") => "time",
        Some(other) => other,
        None => code.strip_prefix(CORE).unwrap_or(code),
    }
}

/// An element moved from below one id to below another, its path too.
fn renamed(mut element: Value, from: &str, to: &str) -> Value {
    let rest = id_of(&element).strip_prefix(from).unwrap_or("").to_owned();
    let id = format!("{to}{rest}");
    let parts = id
        .split('.')
        .map(|part| part.split(':').next().unwrap_or(part));
    let path = parts.collect::<Vec<_>>().join(".");
    element["id"] = json!(id);
    element["path"] = json!(path);
    element
}
