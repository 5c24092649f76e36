//! FHIR R4 codesystem-operation-lookup.html.

use kura_model::{Error, Result};
use kura_validation::{InSystem, Membership};
use serde_json::{Value, json};

use super::parameters::Parameters;
use super::{Service, expand, parameters, shown};

pub(super) const TAKES: &[&str] = &[
    "code",
    "system",
    "version",
    "coding",
    "displayLanguage",
    "property",
];

pub(super) fn lookup(service: &Service<'_>, asked: &Parameters) -> Result<Value> {
    let codings = asked.codings(None)?;
    let [coding] = &codings[..] else {
        return Err(Error::invalid("one code is looked up at a time").coded("value"));
    };
    let version = match asked.text("version")? {
        Some(version) => Some(version),
        None => coding.version.as_deref(),
    };
    let system = match service.code_system(coding.system(), version) {
        Ok(system) => system,
        // A system with a grammar says that there is such a code; a code of it is its own name.
        Err(_)
            if service.terminology().is_code(coding.system(), &coding.code) == Membership::Yes =>
        {
            return Ok(parameters(vec![
                json!({ "name": "name", "valueString": coding.system() }),
                json!({ "name": "display", "valueString": coding.code }),
            ]));
        }
        Err(error) => return Err(error),
    };
    let Some(concept) = system.get(&coding.code) else {
        let extent = if system.is_complete() {
            "the code is none of"
        } else {
            "the code is none of the part that is loaded of"
        };
        let message = format!("{extent} {}", shown(system.url()));
        return Err(Error::not_found(message).at("code"));
    };
    let mut said = vec![json!({
        "name": "name",
        "valueString": system.name().unwrap_or_else(|| system.url()),
    })];
    if let Some(version) = system.version() {
        said.push(json!({ "name": "version", "valueString": version }));
    }
    let language = asked.text("displayLanguage")?;
    let display = expand::display(concept.display(), concept.designations().iter(), language);
    said.push(json!({ "name": "display", "valueString": display.unwrap_or(concept.code()) }));
    let wanted: Vec<&str> = asked.texts("property").collect();
    let asks = |name: &str| wanted.is_empty() || wanted.contains(&name);
    if asks("designation") {
        for one in concept.designations() {
            let parts: Vec<Value> = expand::designation(one)
                .into_iter()
                .map(|(name, value)| {
                    let key = match name.as_str() {
                        "language" => "valueCode",
                        "use" => "valueCoding",
                        _ => "valueString",
                    };
                    json!({ "name": name, key: value })
                })
                .collect();
            said.push(json!({ "name": "designation", "part": parts }));
        }
    }
    properties(concept, asks, &mut said);
    Ok(parameters(said))
}

/// FHIR R4 codesystem-concept-properties.html: `definition`, `inactive`, `parent` and `child` are
/// of every code system.
fn properties(concept: InSystem<'_>, asks: impl Fn(&str) -> bool, said: &mut Vec<Value>) {
    let mut push = |code: &str, key: &str, value: Value| {
        if asks(code) {
            let parts =
                json!([{ "name": "code", "valueCode": code }, { "name": "value", key: value }]);
            said.push(json!({ "name": "property", "part": parts }));
        }
    };
    if let Some(definition) = concept.definition() {
        push("definition", "valueString", json!(definition));
    }
    push("inactive", "valueBoolean", json!(concept.is_inactive()));
    for above in concept.parents() {
        push("parent", "valueCode", json!(above.code()));
    }
    for below in concept.children() {
        push("child", "valueCode", json!(below.code()));
    }
    for (name, value) in concept.properties() {
        // Said above already.
        if !matches!(name, "parent" | "child" | "inactive") {
            let (key, value) = value.to_json();
            push(name, key, value);
        }
    }
}
