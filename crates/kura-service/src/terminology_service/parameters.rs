//! What an operation is asked with: the parameters of a URL or a `Parameters` resource.

use kura_fhir::{outcome, resource};
use kura_model::{Error, Result};
use serde_json::Value;

use super::Operation;

/// Parameters by name, in order. Those of a URL are strings, those of a body JSON.
pub(super) struct Parameters(Vec<(String, Value)>);

/// A code as it is asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Coding {
    pub(super) system: Option<String>,
    pub(super) version: Option<String>,
    pub(super) code: String,
    pub(super) display: Option<String>,
}

fn wrong(name: &str, what: &str) -> Error {
    Error::invalid(format!("{name} is {what}"))
        .coded("value")
        .at(name.to_owned())
}

impl Parameters {
    /// # Errors
    /// A body that is no `Parameters`, a parameter that is not known here: left out it would change
    /// what the answer means.
    pub(super) fn read(
        query: &[(String, String)],
        body: Option<&[u8]>,
        operation: &Operation,
    ) -> Result<Self> {
        let mut all: Vec<(String, Value)> = query
            .iter()
            // `_format` and the like say how the answer looks.
            .filter(|(name, _)| !name.starts_with('_'))
            .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
            .collect();
        if let Some(body) = body.filter(|body| !body.trim_ascii().is_empty()) {
            let sent = resource::parse_json(body).map_err(outcome::refused)?;
            if sent["resourceType"] == "Parameters" {
                take(sent, &mut all);
            } else if let Some(name) = operation.resource
                && sent["resourceType"] == operation.kind
            {
                all.push((name.to_owned(), sent));
            } else {
                return Err(Error::invalid("the body has to be Parameters").coded("structure"));
            }
        }
        let takes = |name: &str| operation.takes.contains(&name);
        match all.iter().find(|(name, _)| !takes(name)) {
            Some(_) => Err(Error::invalid(format!(
                "a parameter is not supported here; those that are: {}",
                operation.takes.join(", ")
            ))
            .coded("not-supported")),
            None => Ok(Self(all)),
        }
    }

    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        let found = self.0.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value)
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&str>> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
            Some(_) => Err(wrong(name, "a string")),
        }
    }

    pub(super) fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        let all = self.0.iter().filter(move |(own, _)| own == name);
        all.filter_map(|(_, value)| value.as_str())
    }

    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(Value::String(text)) if text == "true" => Ok(Some(true)),
            Some(Value::String(text)) if text == "false" => Ok(Some(false)),
            Some(_) => Err(wrong(name, "true or false")),
        }
    }

    pub(super) fn number(&self, name: &str) -> Result<Option<usize>> {
        let found = match self.value(name) {
            None => return Ok(None),
            Some(Value::String(text)) => text.parse().ok(),
            Some(value) => value.as_u64().and_then(|one| usize::try_from(one).ok()),
        };
        found
            .map(Some)
            .ok_or_else(|| wrong(name, "a whole number, 0 or more"))
    }

    /// A resource that was brought.
    pub(super) fn resource(&self, name: &str, kind: &str) -> Result<Option<&Value>> {
        match self.value(name) {
            None => Ok(None),
            Some(value) if value["resourceType"] == kind => Ok(Some(value)),
            Some(_) => Err(wrong(name, "a resource of its type, sent by POST")),
        }
    }

    pub(super) fn coding(&self, name: &str) -> Result<Option<Coding>> {
        match self.value(name) {
            None => Ok(None),
            Some(value) => match Coding::read(value) {
                Some(coding) => Ok(Some(coding)),
                None => Err(wrong(name, "a Coding with a code, sent by POST")),
            },
        }
    }

    /// What is asked about, in each of the three ways that R4 has: `code` with `system`, `coding`,
    /// `codeableConcept`. `system` is what a code without one is of.
    pub(super) fn codings(&self, system: Option<&str>) -> Result<Vec<Coding>> {
        let mut found = Vec::new();
        if let Some(code) = self.text("code")? {
            found.push(Coding {
                system: self.text("system").unwrap_or(None).map(str::to_owned),
                version: None,
                code: code.to_owned(),
                display: self.text("display")?.map(str::to_owned),
            });
        }
        found.extend(self.coding("coding")?);
        if let Some(concept) = self.value("codeableConcept") {
            let codings = concept["coding"].as_array().into_iter().flatten();
            found.extend(codings.filter_map(Coding::read));
        }
        for one in &mut found {
            if one.system.is_none() {
                one.system = system.map(str::to_owned);
            }
            if one.system.is_none() {
                return Err(Error::invalid("a code needs its system").coded("required"));
            }
        }
        if found.is_empty() {
            return Err(
                Error::invalid("code and system, coding or codeableConcept is needed")
                    .coded("required"),
            );
        }
        Ok(found)
    }
}

impl Coding {
    fn read(value: &Value) -> Option<Coding> {
        let text = |key: &str| value[key].as_str().map(str::to_owned);
        Some(Coding {
            system: text("system"),
            version: text("version"),
            code: text("code")?,
            display: text("display"),
        })
    }

    pub(super) fn system(&self) -> &str {
        self.system.as_deref().unwrap_or_default()
    }
}

fn take(mut sent: Value, all: &mut Vec<(String, Value)>) {
    for parameter in sent["parameter"].as_array_mut().into_iter().flatten() {
        let Value::Object(members) = parameter else {
            continue;
        };
        let Some(name) = members.get("name").and_then(Value::as_str) else {
            continue;
        };
        let name = name.to_owned();
        let is_value = |key: &str| key == "resource" || key.starts_with("value");
        let value = members.iter_mut().find(|(key, _)| is_value(key));
        all.extend(value.map(|(_, value)| (name, value.take())));
    }
}
