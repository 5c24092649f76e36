//! Bundles taken apart: every entry gets an id, and references between entries point at it.

use std::collections::HashMap;

use kura_model::{ContentHash, Refusal};
use serde_json::Value;

use crate::Resource;
use crate::resource::{is_id, kind_of, with_id};

/// Resources of a Bundle in the order of its entries, each sound or refused on its own.
///
/// Entries of a `transaction`, `batch`, `collection`, `searchset`, `history`, `document` or
/// `message` are resources to keep. A `document` or `message` is a signed whole, so the Bundle
/// itself comes first. Entries that ask for a deletion are refused: an import does not delete.
pub fn unpack(bundle: Value) -> Result<Vec<Result<Resource, Refusal>>, Refusal> {
    let kind = bundle
        .get("type")
        .and_then(Value::as_str)
        .ok_or_else(|| {
            Refusal::new("fhir-bundle-type", "the Bundle has no type").at_path("Bundle.type")
        })?
        .to_owned();
    let mut out = Vec::new();
    if matches!(kind.as_str(), "document" | "message") {
        let id = match bundle.get("id").and_then(Value::as_str) {
            Some(id) if is_id(id) => id.to_owned(),
            _ => made_id(&bundle),
        };
        out.push(Resource::from_value(with_id(bundle.clone(), &id)));
    }
    let Value::Object(mut members) = bundle else {
        return Err(Refusal::new("fhir-not-object", "a Bundle is a JSON object"));
    };
    let entries = match members.remove("entry") {
        None => Vec::new(),
        Some(Value::Array(entries)) => entries,
        Some(_) => {
            return Err(
                Refusal::new("fhir-bundle-entry", "entry is not a list").at_path("Bundle.entry")
            );
        }
    };

    // First the ids, then the references to them.
    let mut names: HashMap<String, String> = HashMap::new();
    let mut found = Vec::with_capacity(entries.len());
    for (index, entry) in entries.into_iter().enumerate() {
        let path = format!("Bundle.entry[{index}]");
        found.push(name_entry(entry, &mut names).map_err(|refusal| {
            let inner = refusal.location.path.clone();
            refusal.at_path(match inner {
                Some(inner) => format!("{path}.{inner}"),
                None => path,
            })
        }));
    }
    for resource in found {
        out.push(match resource {
            Ok(Some(mut value)) => {
                point(&mut value, &names);
                Resource::from_value(value)
            }
            Ok(None) => continue,
            Err(refusal) => Err(refusal),
        });
    }
    Ok(out)
}

fn name_entry(entry: Value, names: &mut HashMap<String, String>) -> Result<Option<Value>, Refusal> {
    let Value::Object(mut entry) = entry else {
        return Err(Refusal::new(
            "fhir-bundle-entry",
            "the entry is not an object",
        ));
    };
    let method = entry
        .get("request")
        .and_then(|request| request.get("method"))
        .and_then(Value::as_str);
    if method.is_some_and(|method| method != "PUT" && method != "POST") {
        return Err(Refusal::new(
            "fhir-bundle-request",
            "an import takes PUT and POST entries; this one asks for something else",
        )
        .at_path("request.method"));
    }
    let Some(resource) = entry.remove("resource") else {
        return Ok(None);
    };
    let kind = kind_of(&resource).map_err(|refusal| refusal.at_path("resource.resourceType"))?;
    let full_url = entry.get("fullUrl").and_then(Value::as_str);
    let id = match resource.get("id").and_then(Value::as_str) {
        Some(id) if is_id(id) => id.to_owned(),
        _ => full_url
            .and_then(|url| url.strip_prefix("urn:uuid:"))
            .filter(|uuid| is_id(uuid))
            .map_or_else(|| made_id(&resource), str::to_owned),
    };
    if let Some(url) = full_url {
        names.insert(url.to_owned(), format!("{kind}/{id}"));
    }
    Ok(Some(with_id(resource, &id)))
}

/// An id for a resource that has none: the same content gets the same id, so that importing it
/// again adds nothing.
fn made_id(value: &Value) -> String {
    let text = serde_json::to_vec(value).unwrap_or_default();
    ContentHash::of(&text).to_hex()[..32].to_owned()
}

/// Replaces references to a fullUrl by `Type/id`. FHIR R4 bundle.html#references.
fn point(value: &mut Value, names: &HashMap<String, String>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get_mut("reference")
                && let Some(name) = names.get(reference.as_str())
            {
                reference.clone_from(name);
            }
            for (_, inner) in members.iter_mut() {
                point(inner, names);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| point(item, names)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn entries_without_ids_get_them_and_references_follow() {
        let bundle = json!({"resourceType": "Bundle", "type": "collection", "entry": [
            {"fullUrl": "urn:uuid:0a", "resource": {"resourceType": "Patient"}},
            {"fullUrl": "http://old.example/Observation/o", "resource":
                {"resourceType": "Observation", "id": "o", "subject": {"reference": "urn:uuid:0a"}}},
            {"resource": {"resourceType": "Nothing"}},
            {"request": {"method": "DELETE", "url": "Patient/1"}},
        ]});
        let found = unpack(bundle.clone()).unwrap();
        assert_eq!(found[0].as_ref().unwrap().id(), "0a");
        assert_eq!(
            found[1].as_ref().unwrap().value()["subject"]["reference"],
            "Patient/0a"
        );
        let refusal = found[2].as_ref().unwrap_err();
        assert_eq!(refusal.rule, "fhir-resource-type");
        assert_eq!(
            refusal.location.path.as_deref(),
            Some("Bundle.entry[2].resource.resourceType")
        );
        assert_eq!(found[3].as_ref().unwrap_err().rule, "fhir-bundle-request");
        assert_eq!(unpack(bundle).unwrap(), found);
    }
}
