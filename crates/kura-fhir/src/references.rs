//! References between the entries of a transaction, rewritten to the ids they were given.
//! FHIR R4 http.html#trules, bundle.html#references.

use std::collections::HashMap;

use serde_json::Value;

/// What each `fullUrl` of a transaction became: `Type/id`.
#[derive(Debug, Default)]
pub struct Names(HashMap<String, String>);

impl Names {
    /// `false` if the fullUrl had a name already.
    pub fn insert(&mut self, full_url: &str, name: String) -> bool {
        self.0.insert(full_url.to_owned(), name).is_none()
    }

    fn get(&self, url: &str) -> Option<&str> {
        self.0.get(url).map(String::as_str)
    }

    /// The whole of a reference, or the part before `#`; `own` is the fullUrl of the entry that
    /// holds it, by which a relative reference is read.
    fn of_reference(&self, reference: &str, own: Option<&str>) -> Option<String> {
        let (url, fragment) = match reference.split_once('#') {
            Some((url, fragment)) => (url, Some(fragment)),
            None => (reference, None),
        };
        let named = self.get(url).or_else(|| {
            // bundle.html#references: relative to the server the entry's fullUrl stands for.
            let relative = crate::search_parameter::reference(url)?;
            self.get(&format!("{}/{relative}", root(own?)?))
        })?;
        Some(match fragment {
            Some(fragment) => format!("{named}#{fragment}"),
            None => named.to_owned(),
        })
    }
}

/// `http://example.org/fhir` of `http://example.org/fhir/Patient/1`.
fn root(full_url: &str) -> Option<&str> {
    if !full_url.starts_with("http://") && !full_url.starts_with("https://") {
        return None;
    }
    let mut parts = full_url.rsplitn(3, '/');
    let id = parts.next()?;
    let kind = parts.next()?;
    (crate::resource::is_id(id) && crate::resource_type(kind).is_some())
        .then(|| parts.next())
        .flatten()
}

/// Rewrites every link to an entry of the bundle: `Reference.reference`, elements of type uri,
/// url, oid and uuid, `href` and `src` in the narrative. Canonicals stay as they are.
pub fn rewrite(value: &mut Value, names: &Names, own: Option<&str>) {
    match value {
        Value::Object(members) => {
            for (name, inner) in members.iter_mut() {
                match inner {
                    Value::String(text) => {
                        let new = match name.as_str() {
                            "reference" => names.of_reference(text, own),
                            "div" => narrative(text, names),
                            name if is_uri(name) => names.get(text).map(str::to_owned),
                            _ => None,
                        };
                        if let Some(new) = new {
                            *text = new;
                        }
                    }
                    Value::Array(items) if is_uri(name) => {
                        for item in items {
                            match item {
                                Value::String(text) => {
                                    if let Some(new) = names.get(text) {
                                        *text = new.to_owned();
                                    }
                                }
                                other => rewrite(other, names, own),
                            }
                        }
                    }
                    other => rewrite(other, names, own),
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                rewrite(item, names, own);
            }
        }
        _ => {}
    }
}

/// Whether an element of this name is a uri, url, oid or uuid wherever R4 has one.
fn is_uri(name: &str) -> bool {
    matches!(name, "url" | "uri" | "source" | "address" | "system")
        || ["Uri", "Url", "Oid", "Uuid"]
            .iter()
            .any(|ending| name.ends_with(ending))
}

fn narrative(div: &str, names: &Names) -> Option<String> {
    let mut out = String::new();
    let mut rest = div;
    let mut changed = false;
    while let Some((_, start)) = ["href=", "src="]
        .iter()
        .filter_map(|attribute| rest.find(attribute).map(|at| (at, at + attribute.len())))
        .min()
    {
        let after = &rest[start..];
        let quote = after
            .chars()
            .next()
            .filter(|quote| matches!(quote, '"' | '\''));
        let link = quote.and_then(|quote| after[1..].split_once(quote));
        match link {
            Some((link, _)) => {
                let end = start + 1 + link.len();
                out.push_str(&rest[..=start]);
                match names.get(link) {
                    Some(name) => {
                        out.push_str(name);
                        changed = true;
                    }
                    None => out.push_str(link),
                }
                rest = &rest[end..];
            }
            None => {
                out.push_str(&rest[..start]);
                rest = after;
            }
        }
    }
    out.push_str(rest);
    changed.then_some(out)
}

/// Whether a reference is a search, `Patient?identifier=…`.
fn is_search(reference: &str) -> bool {
    reference
        .split_once('?')
        .is_some_and(|(kind, _)| crate::resource_type(kind).is_some())
}

/// The conditional references of a resource, as they stand there.
pub fn searches(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, inner) in members {
                match inner {
                    Value::String(text) if name == "reference" && is_search(text) => {
                        found.push(text.clone());
                    }
                    other => searches(other, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| searches(item, found)),
        _ => {}
    }
}

/// Puts into the place of each conditional reference what it was resolved to. FHIR R4
/// http.html#transaction.
pub fn resolve(value: &mut Value, found: &HashMap<String, String>) {
    match value {
        Value::Object(members) => {
            for (name, inner) in members.iter_mut() {
                match inner {
                    Value::String(text) if name == "reference" => {
                        if let Some(key) = found.get(text.as_str()) {
                            text.clone_from(key);
                        }
                    }
                    other => resolve(other, found),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| resolve(item, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn links_of_every_kind_follow() {
        let mut names = Names::default();
        assert!(names.insert("urn:uuid:a", "Patient/1".to_owned()));
        assert!(names.insert("urn:oid:1.2.3", "Binary/2".to_owned()));
        assert!(names.insert(
            "http://old.example/fhir/Practitioner/p",
            "Practitioner/3".to_owned()
        ));
        assert!(!names.insert("urn:uuid:a", "Patient/9".to_owned()));
        let mut names = Names::default();
        names.insert("urn:uuid:a", "Patient/1".to_owned());
        names.insert("urn:oid:1.2.3", "Binary/2".to_owned());
        names.insert(
            "http://old.example/fhir/Practitioner/p",
            "Practitioner/3".to_owned(),
        );
        let mut value = json!({
            "text": {"div": "<div><a href=\"urn:uuid:a\">x</a><img src='urn:oid:1.2.3'/> href= urn:uuid:a</div>"},
            "identifier": [{"system": "urn:ietf:rfc:3986", "value": "urn:uuid:a"}],
            "subject": {"reference": "urn:uuid:a#b"},
            "performer": [{"reference": "Practitioner/p"}, {"reference": "http://old.example/fhir/Practitioner/p"}],
            "content": [{"attachment": {"url": "urn:oid:1.2.3"}}],
            "instantiatesCanonical": ["urn:uuid:a"],
            "instantiatesUri": ["urn:uuid:a"],
            "extension": [{"url": "http://x", "valueUuid": "urn:uuid:a"}],
        });
        rewrite(
            &mut value,
            &names,
            Some("http://old.example/fhir/Observation/o"),
        );
        assert_eq!(
            value,
            json!({
                "text": {"div": "<div><a href=\"Patient/1\">x</a><img src='Binary/2'/> href= urn:uuid:a</div>"},
                "identifier": [{"system": "urn:ietf:rfc:3986", "value": "urn:uuid:a"}],
                "subject": {"reference": "Patient/1#b"},
                "performer": [{"reference": "Practitioner/3"}, {"reference": "Practitioner/3"}],
                "content": [{"attachment": {"url": "Binary/2"}}],
                "instantiatesCanonical": ["urn:uuid:a"],
                "instantiatesUri": ["Patient/1"],
                "extension": [{"url": "http://x", "valueUuid": "Patient/1"}],
            })
        );
        // Without a RESTful fullUrl of its own, a relative reference is one to this server.
        let mut value = json!({"subject": {"reference": "Practitioner/p"}});
        rewrite(&mut value, &names, Some("urn:uuid:b"));
        assert_eq!(value["subject"]["reference"], "Practitioner/p");
    }

    #[test]
    fn only_searches_are_conditional() {
        let mut value = json!({"a": [{"reference": "Patient?identifier=1"}, {"reference": "Patient/1"}, {"reference": "http://x?y"}]});
        let mut seen = Vec::new();
        searches(&value, &mut seen);
        assert_eq!(seen, ["Patient?identifier=1"]);
        resolve(
            &mut value,
            &HashMap::from([(seen.remove(0), "Patient/2".to_owned())]),
        );
        assert_eq!(value["a"][0]["reference"], "Patient/2");
    }
}
