//! FHIR R4 conceptmap-operation-translate.html.

use std::sync::Arc;

use kura_model::{Error, Result};
use kura_validation::{Ask, ConceptMap, Match};
use serde_json::{Map, Value, json};

use super::parameters::{Coding, Parameters};
use super::{Service, canonical, not_loaded, parameters, undecided};

pub(super) const TAKES: &[&str] = &[
    "url",
    "conceptMap",
    "conceptMapVersion",
    "code",
    "system",
    "source",
    "coding",
    "codeableConcept",
    "target",
    "targetsystem",
    "reverse",
];

pub(super) fn translate(service: &Service<'_>, asked: &Parameters) -> Result<Value> {
    let reverse = asked.boolean("reverse")?.unwrap_or(false);
    let target = asked.text("targetsystem")?;
    let codings = asked.codings(None)?;
    let maps = maps(service, asked, &codings, reverse)?;
    let mut found: Vec<Match> = Vec::new();
    for map in &maps {
        for coding in &codings {
            let ask = Ask {
                system: coding.system(),
                code: &coding.code,
                target,
                reverse,
            };
            let matches = service.terminology().translate(map, &ask);
            for one in matches.map_err(|unknown| undecided(&unknown))? {
                if !found.contains(&one) {
                    found.push(one);
                }
            }
        }
    }
    // FHIR R4 valueset-concept-map-equivalence.html: these two say that there is none.
    let is_match = |one: &Match| {
        one.target.is_some() && !matches!(one.equivalence.as_str(), "unmatched" | "disjoint")
    };
    let result = found.iter().any(is_match);
    let mut said = vec![json!({ "name": "result", "valueBoolean": result })];
    if !result {
        let message = "the concept maps that are loaded have no translation of the code";
        said.push(json!({ "name": "message", "valueString": message }));
    }
    said.extend(found.iter().map(matched));
    Ok(parameters(said))
}

/// The map that is asked, brought or named; else all that fit.
fn maps(
    service: &Service<'_>,
    asked: &Parameters,
    codings: &[Coding],
    reverse: bool,
) -> Result<Vec<Arc<ConceptMap>>> {
    let brought = match service.instance {
        Some(instance) => Some(instance),
        None => asked.resource("conceptMap", "ConceptMap")?,
    };
    if let Some(json) = brought {
        return Ok(vec![Arc::new(ConceptMap::read(json))]);
    }
    if let Some(url) = asked.text("url")? {
        let name = canonical(url, asked.text("conceptMapVersion")?);
        let map = service.terminology().concept_map(&name);
        return map
            .map(|map| vec![map])
            .ok_or_else(|| not_loaded("concept map", &name));
    }
    let (source, target) = (asked.text("source")?, asked.text("target")?);
    let system = asked.text("targetsystem")?;
    if source.is_none() && target.is_none() && system.is_none() {
        return Err(
            Error::invalid("url, conceptMap, source, target or targetsystem is needed")
                .coded("required"),
        );
    }
    let is = |own: Option<&str>, asked: Option<&str>| {
        let url = |text: &str| text.split('|').next().unwrap_or_default().to_owned();
        asked.is_none_or(|asked| own.map(url) == Some(url(asked)))
    };
    let mut maps = service.terminology().concept_maps();
    maps.retain(|map| {
        // FHIR R4: turned around, source and target are too.
        let (from, to) = if reverse {
            (map.target(), map.source())
        } else {
            (map.source(), map.target())
        };
        let fits = codings.iter().any(|coding| match (reverse, system) {
            (false, system) => map.is_between(coding.system(), system),
            (true, Some(system)) => map.is_between(system, Some(coding.system())),
            (true, None) => true,
        });
        fits && is(from, source) && is(to, target)
    });
    if maps.is_empty() {
        let wanted = source.or(target).or(system).unwrap_or_default();
        return Err(not_loaded("concept map for", wanted));
    }
    Ok(maps)
}

fn coding(system: Option<&str>, code: &str, display: Option<&str>) -> Value {
    let mut json = Map::new();
    for (key, value) in [
        ("system", system),
        ("code", Some(code)),
        ("display", display),
    ] {
        if let Some(value) = value {
            json.insert(key.to_owned(), json!(value));
        }
    }
    Value::Object(json)
}

fn matched(one: &Match) -> Value {
    let mut parts = vec![json!({ "name": "equivalence", "valueCode": one.equivalence })];
    if let Some(target) = &one.target {
        let (system, display) = (target.system.as_deref(), target.display.as_deref());
        let concept = coding(system, &target.code, display);
        parts.push(json!({ "name": "concept", "valueCoding": concept }));
    }
    for product in &one.product {
        let (system, display) = (product.system.as_deref(), product.display.as_deref());
        parts.push(json!({ "name": "product", "part": [
            { "name": "element", "valueUri": product.property },
            { "name": "concept", "valueCoding": coding(system, &product.value, display) },
        ] }));
    }
    if !one.map.is_empty() {
        parts.push(json!({ "name": "source", "valueUri": one.map }));
    }
    json!({ "name": "match", "part": parts })
}
