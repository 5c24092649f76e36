//! R4's types as JSON Schemas, from the table of their elements ([`kura_fhirpath::definitions`]), in
//! the dialect of OpenAPI 3.0. FHIR R4 json.html; the patterns are those of datatypes.html.
//!
//! Nothing is required: a primitive that R4 wants may be missing where its companion (`_birthDate`)
//! is there, and what else has to be there is a matter of validation.

use kura_fhirpath::{Definitions, Element, Kind, TypeId, definitions};
use serde_json::{Map, Value, json};

/// The schema of any resource, where one is contained or an entry.
const ANY: &str = "Resource";

/// Schemas of a resource type and of the types that it is made of, by name. A reference to one is
/// `place` and its name; the schema of `Resource` is the caller's.
#[must_use]
pub fn json_schemas(kind: &str, place: &str) -> Map<String, Value> {
    let all = definitions();
    let mut schemas = Map::new();
    let mut waiting: Vec<TypeId> = all.type_id(kind).into_iter().collect();
    while let Some(id) = waiting.pop() {
        let name = all.get(id).name;
        if !schemas.contains_key(name) {
            let schema = schema(all, id, place, &mut waiting);
            schemas.insert(name.to_owned(), schema);
        }
    }
    schemas
}

fn schema(all: &Definitions, id: TypeId, place: &str, waiting: &mut Vec<TypeId>) -> Value {
    let this = all.get(id);
    let mut properties = Map::new();
    if this.kind == Kind::Resource {
        let own = json!({ "type": "string", "enum": [this.name] });
        properties.insert("resourceType".to_owned(), own);
    }
    for element in all.elements(id) {
        for (key, schema) in members(all, element, place, waiting) {
            properties.insert(key, schema);
        }
    }
    let mut schema = json!({ "type": "object", "properties": properties });
    if this.kind == Kind::Resource {
        schema["required"] = json!(["resourceType"]);
    }
    schema
}

/// The keys that an element may have, each with its schema.
fn members(
    all: &Definitions,
    element: &Element,
    place: &str,
    waiting: &mut Vec<TypeId>,
) -> Vec<(String, Value)> {
    let many = element.max != Some(1);
    let listed = |schema: Value| match many {
        true => json!({ "type": "array", "items": schema }),
        false => schema,
    };
    let mut found = Vec::new();
    for one in &element.types {
        let of = all.get(one.id);
        let value = match of.kind {
            Kind::Primitive => primitive(of.name),
            Kind::Resource => json!({ "$ref": format!("{place}{ANY}") }),
            Kind::Complex => {
                waiting.push(one.id);
                json!({ "$ref": format!("{place}{}", of.name) })
            }
        };
        found.push((one.key.clone(), listed(value)));
        // Of `id` and `url` of an Extension it is a string of the system, without a companion.
        if of.kind == Kind::Primitive
            && element.name != "id"
            && let Some(companion) = all.type_id("Element")
        {
            waiting.push(companion);
            let value = json!({ "$ref": format!("{place}Element") });
            found.push((one.companion.clone(), listed(value)));
        }
    }
    found
}

const YEAR: &str = "[12][0-9]{3}";
const MONTH: &str = "(0[1-9]|1[0-2])";
const DAY: &str = "(0[1-9]|[12][0-9]|3[01])";
const TIME: &str = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?";
const ZONE: &str = "(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])";

/// FHIR R4 datatypes.html#primitive
fn primitive(name: &str) -> Value {
    let text = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    match name {
        "boolean" => json!({ "type": "boolean" }),
        "decimal" => json!({ "type": "number" }),
        "integer" => json!({ "type": "integer", "minimum": i32::MIN, "maximum": i32::MAX }),
        "unsignedInt" => json!({ "type": "integer", "minimum": 0, "maximum": i32::MAX }),
        "positiveInt" => json!({ "type": "integer", "minimum": 1, "maximum": i32::MAX }),
        "id" => text(r"^[A-Za-z0-9\-.]{1,64}$"),
        "date" => text(&format!("^{YEAR}(-{MONTH}(-{DAY})?)?$")),
        "dateTime" => text(&format!("^{YEAR}(-{MONTH}(-{DAY}(T{TIME}{ZONE})?)?)?$")),
        "instant" => text(&format!("^{YEAR}-{MONTH}-{DAY}T{TIME}{ZONE}$")),
        "time" => text(&format!("^{TIME}$")),
        "code" => text(r"^[^ \t\r\n]+( [^ \t\r\n]+)*$"),
        "oid" => text(r"^urn:oid:[0-2](\.(0|[1-9][0-9]*))+$"),
        "uuid" => text(r"^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"),
        "uri" | "url" | "canonical" => text(r"^[^ \t\r\n]+$"),
        _ => json!({ "type": "string", "minLength": 1 }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patient_and_what_it_is_made_of() {
        let schemas = json_schemas("Patient", "#/s/");
        let patient = &schemas["Patient"]["properties"];
        assert_eq!(patient["resourceType"]["enum"], json!(["Patient"]));
        assert_eq!(patient["name"]["items"]["$ref"], "#/s/HumanName");
        assert_eq!(patient["deceasedBoolean"]["type"], "boolean");
        assert_eq!(patient["_birthDate"]["$ref"], "#/s/Element");
        assert_eq!(patient["contact"]["items"]["$ref"], "#/s/Patient.contact");
        assert_eq!(patient["contained"]["items"]["$ref"], "#/s/Resource");
        // Every reference leads somewhere.
        let text = Value::Object(schemas.clone()).to_string();
        for reference in text.split("\"#/s/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(name == ANY || schemas.contains_key(name), "{name}");
        }
        assert!(json_schemas("Patients", "").is_empty());
    }
}
