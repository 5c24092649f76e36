//! Bundles taken apart: every entry gets an id, and references between entries point at it.

use std::collections::HashMap;

use kura_model::{ContentHash, Refusal};
use serde_json::Value;

use crate::resource::{is_id, kind_of, with_id};
use crate::{RESOURCE_TYPES, Resource};

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
    let mut names = Names::default();
    entries.iter().for_each(|entry| names.learn(entry));
    names.settle();
    let taken = entries.into_iter().enumerate();
    out.extend(taken.filter_map(|(index, entry)| names.take(index, entry).transpose()));
    Ok(out)
}

/// What the entries of a Bundle are pointed at by, and what they are called here. About twenty
/// bytes an entry, so that a Bundle of millions can be read twice instead of being held.
#[derive(Debug, Default)]
pub struct Names {
    /// Of the entries whose id is the end of their fullUrl: its hash, and the number of the type.
    derived: Vec<Derived>,
    /// Of the others: fullUrl and `Type/id`.
    others: HashMap<String, String>,
}

type Derived = ([u8; HASH], u8);

/// Bytes of a hash kept: by chance no two fullUrls share them.
const HASH: usize = 16;

impl Names {
    /// Notes what an entry is pointed at by. All entries are learnt before the first is taken.
    pub fn learn(&mut self, entry: &Value) {
        let Some(url) = entry.get("fullUrl").and_then(Value::as_str) else {
            return;
        };
        let Some(resource) = entry.get("resource") else {
            return;
        };
        let Ok(kind) = kind_of(resource) else {
            return;
        };
        let id = id_of(resource, Some(url));
        match (type_number(kind), end_of(url) == id) {
            (Some(number), true) => self.derived.push((hash(url), number)),
            _ => {
                self.others.insert(url.to_owned(), format!("{kind}/{id}"));
            }
        }
    }

    /// Says that all are learnt.
    pub fn settle(&mut self) {
        self.derived.sort_unstable();
        self.derived.dedup();
        self.derived.shrink_to_fit();
    }

    /// The resource of the entry numbered `index` (from 0), with an id and with references that
    /// lead to the others; none if the entry has none.
    pub fn take(&self, index: usize, entry: Value) -> Result<Option<Resource>, Refusal> {
        let path = format!("Bundle.entry[{index}]");
        let named = with_name(entry).map_err(|refusal| {
            let inner = refusal.location.path.clone();
            refusal.at_path(match inner {
                Some(inner) => format!("{path}.{inner}"),
                None => path,
            })
        })?;
        let Some(mut value) = named else {
            return Ok(None);
        };
        self.point(&mut value);
        Resource::from_value(value).map(Some)
    }

    fn find(&self, reference: &str) -> Option<String> {
        if let Some(name) = self.others.get(reference) {
            return Some(name.clone());
        }
        let wanted = hash(reference);
        let at = self.derived.partition_point(|(hash, _)| *hash < wanted);
        let (found, number) = self.derived.get(at)?;
        (*found == wanted).then(|| {
            format!(
                "{}/{}",
                RESOURCE_TYPES[usize::from(*number)],
                end_of(reference)
            )
        })
    }

    /// Replaces references to a fullUrl by `Type/id`. FHIR R4 bundle.html#references.
    fn point(&self, value: &mut Value) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get_mut("reference")
                    && let Some(name) = self.find(reference)
                {
                    *reference = name;
                }
                for (_, inner) in members.iter_mut() {
                    self.point(inner);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.point(item)),
            _ => {}
        }
    }
}

fn type_number(kind: &str) -> Option<u8> {
    let at = RESOURCE_TYPES.iter().position(|known| *known == kind)?;
    u8::try_from(at).ok()
}

fn hash(url: &str) -> [u8; HASH] {
    let mut kept = [0; HASH];
    kept.copy_from_slice(&ContentHash::of(url.as_bytes()).0[..HASH]);
    kept
}

/// The id in a fullUrl.
fn end_of(url: &str) -> &str {
    url.strip_prefix("urn:uuid:")
        .unwrap_or_else(|| url.rsplit('/').next().unwrap_or_default())
}

fn id_of(resource: &Value, full_url: Option<&str>) -> String {
    match resource.get("id").and_then(Value::as_str) {
        Some(id) if is_id(id) => id.to_owned(),
        _ => full_url
            .and_then(|url| url.strip_prefix("urn:uuid:"))
            .filter(|uuid| is_id(uuid))
            .map_or_else(|| made_id(resource), str::to_owned),
    }
}

/// The resource of an entry, with an id.
fn with_name(entry: Value) -> Result<Option<Value>, Refusal> {
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
    kind_of(&resource).map_err(|refusal| refusal.at_path("resource.resourceType"))?;
    let id = id_of(&resource, entry.get("fullUrl").and_then(Value::as_str));
    Ok(Some(with_id(resource, &id)))
}

/// An id for a resource that has none: the same content gets the same id, so that importing it
/// again adds nothing.
fn made_id(value: &Value) -> String {
    let text = serde_json::to_vec(value).unwrap_or_default();
    ContentHash::of(&text).to_hex()[..32].to_owned()
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
        // A fullUrl that does not end in the id.
        let bundle = json!({"resourceType": "Bundle", "type": "batch", "entry": [
            {"resource": {"resourceType": "Observation", "id": "o",
                "subject": {"reference": "urn:uuid:0b"}, "focus": [{"reference": "urn:uuid:0c"}]}},
            {"fullUrl": "urn:uuid:0b", "resource": {"resourceType": "Patient", "id": "p"}},
        ]});
        let found = unpack(bundle).unwrap();
        let value = found[0].as_ref().unwrap().value();
        assert_eq!(value["subject"]["reference"], "Patient/p");
        assert_eq!(value["focus"][0]["reference"], "urn:uuid:0c");
    }
}
