//! What every resource has to pass before it is written, however it comes.

use kura_fhir::search_parameter::Registry;
use kura_fhir::{Resource, outcome, resource, resource_type, subset};
use kura_model::{Category, Error, RecordKey, Refusal, Result};
use kura_store::Put;
use serde_json::Value;

use crate::import;

/// FHIR R4 datatypes.html#string: at most 1 MiB. What is longer by its nature (base64, narrative)
/// is told by its name.
const STRING_BYTES: usize = 1 << 20;

/// A resource that may be written, and the write.
pub(super) struct Sound {
    pub(super) put: Put,
    pub(super) key: RecordKey,
}

/// The type an address names. Parameters is no resource one can keep (FHIR R4 parameters.html).
pub(super) fn kind(name: &str) -> Result<&'static str> {
    resource_type(name)
        .filter(|kind| *kind != "Parameters")
        .ok_or_else(|| {
            Error::not_found("not a resource type that is kept here").coded("not-supported")
        })
}

/// An id in an address that is written to. FHIR R4 http.html#update: 400, not 404.
pub(super) fn id(kind: &str, id: &str) -> Result<()> {
    if resource::is_id(id) {
        Ok(())
    } else {
        Err(
            Error::invalid("an id is 1 to 64 letters, digits, '-' and '.'")
                .coded("value")
                .at(format!("{kind}.id")),
        )
    }
}

/// A body parsed, of the type the address names.
pub(super) fn parse(kind: &'static str, bytes: &[u8]) -> Result<Value> {
    let value = resource::parse_json(bytes).map_err(outcome::refused)?;
    of_kind(kind, &value)?;
    Ok(value)
}

pub(super) fn of_kind(kind: &'static str, value: &Value) -> Result<()> {
    let found = resource::kind_of(value).map_err(outcome::refused)?;
    if found == kind {
        Ok(())
    } else {
        Err(Error::invalid(format!(
            "the address is of {kind}, the body of another type"
        ))
        .coded("invalid")
        .at("resourceType"))
    }
}

/// FHIR R4 http.html#update: the body's id is there and is the address's.
pub(super) fn same_id(kind: &str, id: &str, value: &Value) -> Result<()> {
    let wrong = match value.get("id") {
        None => "the body has no id",
        Some(Value::String(found)) if found == id => return Ok(()),
        Some(_) => "the id of the body is not that of the address",
    };
    Err(Error::invalid(wrong)
        .coded("value")
        .at(format!("{kind}.id")))
}

/// A record only the bank itself writes, changes and deletes.
pub(super) fn not_reserved(key: &RecordKey) -> Result<()> {
    if import::reserved(&key.kind, &key.id) {
        return Err(Error::new(
            Category::Unprocessable,
            "records of this kind and name are the bank's own: models, answers and decisions do not come from outside",
        )
        .coded("business-rule")
        .at(format!("{}.id", key.kind)));
    }
    Ok(())
}

/// A whole resource with its id, made ready to be put.
pub(super) fn sound(registry: &Registry, value: Value) -> Result<Sound> {
    if subset::is_part(&value) {
        return Err(Error::new(
            Category::Unprocessable,
            "the resource says that it is a part (SUBSETTED); write the whole",
        )
        .coded("business-rule")
        .at("Resource.meta.tag"));
    }
    let resource = Resource::from_value(value)
        .and_then(|resource| {
            let kind = resource.kind();
            import::foreign(resource).map_err(|refusal| refusal.at_path(format!("{kind}.id")))
        })
        .and_then(|resource| match too_long(resource.value(), "") {
            Some(mut path) => {
                path.push(resource.kind());
                path.reverse();
                Err(
                    Refusal::new("fhir-string-length", "a string is longer than 1 MiB")
                        .at_path(path.join(".")),
                )
            }
            None => Ok(resource),
        })
        .map_err(outcome::refused)?;
    let mut put = import::fhir_put(registry, &resource, None);
    // Whoever writes an older content again means it.
    put.once = false;
    Ok(Sound {
        key: resource.key(),
        put,
    })
}

/// The path of a string that is too long, innermost name first.
fn too_long<'a>(value: &'a Value, name: &str) -> Option<Vec<&'a str>> {
    match value {
        Value::String(text) if text.len() > STRING_BYTES => {
            let long = matches!(name, "data" | "div" | "hash") || name.ends_with("Base64Binary");
            (!long).then(Vec::new)
        }
        Value::Array(items) => items.iter().find_map(|item| too_long(item, name)),
        Value::Object(members) => members.iter().find_map(|(name, inner)| {
            let mut path = too_long(inner, name)?;
            path.push(name);
            Some(path)
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_may_not_be_written_says_why_and_where() {
        let long = "x".repeat(STRING_BYTES + 1);
        for (value, code, place) in [
            (
                json!({"resourceType": "Device", "id": "model-a"}),
                "business-rule",
                "Device.id",
            ),
            (
                json!({"resourceType": "Patient", "id": "a", "address": [{"text": long}]}),
                "too-long",
                "Patient.address.text",
            ),
            (
                json!({"resourceType": "Patient", "id": "a", "meta": {"tag": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}]}}),
                "business-rule",
                "Resource.meta.tag",
            ),
            (
                json!({"resourceType": "Patient", "id": "a_b"}),
                "value",
                "Patient.id",
            ),
        ] {
            let error = sound(Registry::r4(), value).err().unwrap();
            assert_eq!((error.code(), error.place()), (Some(code), Some(place)));
        }
        assert!(
            sound(
                Registry::r4(),
                json!({"resourceType": "Binary", "id": "b", "data": "x".repeat(STRING_BYTES + 1)})
            )
            .is_ok()
        );
    }
}
