//! References and what they may point at: FHIR R4 references.html, bundle.html#references.

use std::collections::HashMap;

use kura_fhirpath::{Kind, TypeId, definitions};
use serde_json::Value;

use super::element::{Element, Path, resource_kind};
use super::{Answer, Run, Scope};
use crate::outcome::{IssueCode, Severity};
use crate::profile::ProfileRef;

/// The resources of a Bundle by the URLs that name them.
#[derive(Debug, Default)]
pub(crate) struct Index<'a> {
    is_bundle: bool,
    by_url: HashMap<&'a str, &'a Value>,
    /// The fullUrl of each resource that has one, by the resource's address.
    full_urls: HashMap<usize, &'a str>,
    /// By `Type/id`, for references that are relative to a server.
    by_id: HashMap<(&'a str, &'a str), &'a Value>,
}

impl<'a> Index<'a> {
    pub(super) fn of(resource: &'a Value) -> Index<'a> {
        let mut index = Index::default();
        if resource.get("resourceType").and_then(Value::as_str) != Some("Bundle") {
            return index;
        }
        index.is_bundle = true;
        let entries = resource.get("entry").and_then(Value::as_array);
        for entry in entries.into_iter().flatten() {
            let Some(resource) = entry.get("resource") else {
                continue;
            };
            if let Some(url) = entry.get("fullUrl").and_then(Value::as_str) {
                index.by_url.entry(url).or_insert(resource);
                let place = std::ptr::from_ref(resource).addr();
                index.full_urls.insert(place, url);
            }
            let text = |key: &str| resource.get(key).and_then(Value::as_str);
            if let (Some(kind), Some(id)) = (text("resourceType"), text("id")) {
                index.by_id.entry((kind, id)).or_insert(resource);
            }
        }
        index
    }

    /// Resources that will be written together, by the URLs that they are given.
    pub(super) fn among(all: impl IntoIterator<Item = (Option<&'a str>, &'a Value)>) -> Index<'a> {
        let mut index = Index {
            is_bundle: true,
            ..Index::default()
        };
        for (url, resource) in all {
            if let Some(url) = url {
                index.by_url.entry(url).or_insert(resource);
            }
            let text = |key: &str| resource.get(key).and_then(Value::as_str);
            if let (Some(kind), Some(id)) = (text("resourceType"), text("id")) {
                index.by_id.entry((kind, id)).or_insert(resource);
            }
        }
        index
    }

    pub(super) fn get(&self, reference: &str) -> Option<&'a Value> {
        let (reference, _) = reference.split_once('#').unwrap_or((reference, ""));
        if let Some(found) = self.by_url.get(reference) {
            return Some(found);
        }
        let (kind, id) = parts(reference)?;
        let named = |(kind, id)| self.by_id.get(&(kind, id)).copied();
        // A full URL of another server is none of ours.
        if reference.contains("://") {
            return None;
        }
        named((kind, id))
    }
}

/// Type and id at the end of a literal reference, without a version.
fn parts(reference: &str) -> Option<(&str, &str)> {
    let (reference, _) = reference
        .split_once("/_history/")
        .unwrap_or((reference, ""));
    let mut parts = reference.rsplit('/');
    let id = parts.next()?;
    Some((parts.next()?, id))
}

/// The type that a Reference says it points at: by its URL, else by `Reference.type`.
pub(super) fn reference_kind(reference: &Value) -> Option<TypeId> {
    let all = definitions();
    let text = match reference {
        Value::String(text) => Some(text.as_str()),
        other => other.get("reference").and_then(Value::as_str),
    };
    // FHIR R4 http.html#trules: a conditional reference, `Type?criteria`.
    let by_url = match text.and_then(|text| text.split_once('?')) {
        Some((kind, _)) => all.type_id(kind),
        None => text.and_then(parts).and_then(|(kind, _)| all.type_id(kind)),
    };
    let named = || {
        let kind = reference.get("type")?.as_str()?;
        all.type_id(kind.rsplit('/').next().unwrap_or(kind))
    };
    by_url
        .or_else(named)
        .filter(|kind| all.get(*kind).kind == Kind::Resource)
}

impl<'a> Run<'_, 'a> {
    /// What a reference points at, if it is at hand: contained, or in the Bundle.
    pub(super) fn resolve(
        &self,
        value: &'a Value,
        scope: Scope<'a>,
    ) -> Option<(Element<'a>, Scope<'a>)> {
        let text = match value {
            Value::String(text) => text.as_str(),
            other => other.get("reference")?.as_str()?,
        };
        let (resource, root) = match text.strip_prefix('#') {
            Some("") => (scope.root, scope.root),
            Some(id) => {
                let contained = scope.root.get("contained")?.as_array()?;
                let named = |one: &&Value| one.get("id").and_then(Value::as_str) == Some(id);
                (contained.iter().find(named)?, scope.root)
            }
            None => {
                let found = self.index.get(text)?;
                (found, found)
            }
        };
        let element = Element {
            value: Some(resource),
            companion: None,
            kind: resource_kind(resource)?,
        };
        Some((element, Scope { resource, root }))
    }

    /// FHIR R4 bundle.html: a fullUrl that is a RESTful URL names the resource's own type and id.
    pub(super) fn full_url(&mut self, resource: &'a Value, path: &Path<'_>) {
        let entry = self
            .index
            .full_urls
            .get(&std::ptr::from_ref(resource).addr());
        let Some((kind, id)) = entry.copied().and_then(parts) else {
            return;
        };
        let own = |key: &str| resource.get(key).and_then(Value::as_str);
        let is_type = definitions().type_id(kind).is_some();
        let is_own = own("resourceType") == Some(kind) && own("id").is_none_or(|own| own == id);
        if is_type && !is_own {
            let message = "the fullUrl names another type or id than the resource has";
            self.error(IssueCode::Value, path, "Bundle.entry.fullUrl", message);
        }
    }

    /// A Reference against the types that its element may point at.
    pub(super) fn reference(
        &mut self,
        element: Element<'a>,
        path: &Path<'_>,
        scope: Scope<'a>,
        targets: &[&'static str],
        rule: &str,
    ) {
        let Some(value) = element.value.filter(|value| value.is_object()) else {
            return;
        };
        let found = self.resolve(value, scope).map(|(target, _)| target.kind);
        let text = value.get("reference").and_then(Value::as_str);
        if found.is_none() && text.is_some_and(|text| text.starts_with('#')) {
            let message = "SHALL have a contained resource if a local reference is provided";
            self.error(IssueCode::Invariant, path, "ref-1", message);
        }
        let all = definitions();
        if let Some(named) = value.get("type").and_then(Value::as_str) {
            // FHIR R4 valueset-resource-types.html; another may be named by a URL of its own.
            if !named.contains(':') && all.type_id(named).is_none() {
                let message = "Reference.type names no type of R4";
                self.error(IssueCode::CodeInvalid, path, "Reference.type", message);
            }
            let named = all.type_id(named.rsplit('/').next().unwrap_or(named));
            let literal = found.or_else(|| {
                let text = value.get("reference")?.as_str()?;
                all.type_id(parts(text)?.0)
            });
            if named
                .zip(literal)
                .is_some_and(|(named, literal)| named != literal)
            {
                let message = "Reference.type and the reference name different types";
                self.error(IssueCode::Structure, path, "Reference.type", message);
            }
        }
        let is_urn = |text: &str| text.starts_with("urn:uuid:") || text.starts_with("urn:oid:");
        if self.index.is_bundle && found.is_none() && text.is_some_and(is_urn) {
            // FHIR R4 bundle.html#references: a urn can be resolved only within the Bundle.
            let message = "no entry of the Bundle has this fullUrl";
            self.add(
                Severity::Warning,
                IssueCode::NotFound,
                path,
                "Bundle.entry.fullUrl",
                message,
            );
        }
        if targets.is_empty() || targets.contains(&"Resource") {
            return;
        }
        if let Some(kind) = found.or_else(|| reference_kind(value))
            && !targets.contains(&all.get(kind).name)
        {
            let message = "points at a type that may not be here";
            self.error(IssueCode::Structure, path, rule, message);
        }
    }

    /// A Reference against the profiles that its target may have. One that is not at hand is judged
    /// by its type.
    pub(super) fn target(
        &mut self,
        targets: &[ProfileRef],
        element: Element<'a>,
        path: &Path<'_>,
        scope: Scope<'a>,
        rule: &str,
    ) {
        let Some(value) = element.value.filter(|value| value.is_object()) else {
            return;
        };
        let validator = self.validator;
        let found = self.resolve(value, scope);
        let kind = found
            .map(|(target, _)| target.kind)
            .or_else(|| reference_kind(value));
        let Some(kind) = kind else { return };
        let all = definitions();
        let mut of_type = false;
        let mut unknown = false;
        for reference in targets {
            let Some(profile) = validator.profile(reference) else {
                self.missing.insert(reference.url.clone());
                unknown = true;
                continue;
            };
            if profile.kind.is_some_and(|wanted| !all.is_a(kind, wanted)) {
                continue;
            }
            of_type = true;
            match found {
                None => return,
                Some((target, scope)) => match self.conforms(profile, target, path, scope) {
                    Answer::Yes => return,
                    Answer::Unknown => unknown = true,
                    Answer::No => {}
                },
            }
        }
        if unknown {
            let message = "unknown whether the target keeps a profile that is asked for here";
            self.add(
                Severity::Information,
                IssueCode::NotFound,
                path,
                rule,
                message,
            );
            self.undecided = true;
        } else if of_type {
            let message = "the target keeps none of the profiles that are asked for here";
            self.error(IssueCode::Structure, path, rule, message);
        } else {
            let message = "points at a type that may not be here";
            self.error(IssueCode::Structure, path, rule, message);
        }
    }
}
