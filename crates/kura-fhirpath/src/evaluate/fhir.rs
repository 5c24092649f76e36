//! What FHIR R4 adds (fhirpath.html#functions), and the keys of SQL on FHIR.

use serde_json::Value;

use crate::expression::{Call, TypeName};
use crate::functions::Function as F;
use crate::item::{Collection, Item, Node};
use crate::types::{Kind, definitions};

use super::collections::single_argument;
use super::{Evaluator, Result, Scope, boolean, fault, html, single, strings};

impl<'a> Evaluator<'a, '_> {
    pub(super) fn fhir(
        &self,
        call: &'a Call,
        at: u32,
        scope: Scope<'a, '_>,
    ) -> Result<Collection<'a>> {
        let items = self.eval(&call.base, scope)?;
        match call.function {
            F::Extension => {
                let url = single_argument(self.argument(call, 0, scope)?, at)?;
                let Some(url) = url
                    .as_ref()
                    .map(|url| strings::text_of(url, at))
                    .transpose()?
                else {
                    return Ok(Collection::new());
                };
                self.charge(items.len(), at)?;
                Ok(extensions(&items, &url))
            }
            F::HasValue => {
                let mut primitives = items.iter().filter(|item| has_value(item));
                Ok(boolean(items.len() == 1 && primitives.next().is_some()))
            }
            F::GetValue => {
                let value = single(&items, at)?.filter(|item| has_value(item));
                Ok(value.and_then(Item::to_system).into_iter().collect())
            }
            F::Resolve => {
                let found = items.iter().filter_map(|item| self.resolve(item));
                Ok(found.map(Item::Node).collect())
            }
            F::ResolveType => {
                let found = items.iter().filter_map(|item| {
                    named_type(item)
                        .map(Item::Node)
                        .or_else(|| self.resolve(item).map(Item::Node))
                });
                Ok(found.collect())
            }
            F::ConformsTo => {
                let profile = single_argument(self.argument(call, 0, scope)?, at)?;
                let (Some(item), Some(profile)) = (single(&items, at)?, profile) else {
                    return Ok(Collection::new());
                };
                self.conforms(item, &strings::text_of(&profile, at)?, at)
            }
            F::MemberOf => {
                let set = single_argument(self.argument(call, 0, scope)?, at)?;
                let (Some(item), Some(set)) = (single(&items, at)?, set) else {
                    return Ok(Collection::new());
                };
                let set = strings::text_of(&set, at)?;
                let answer = self
                    .environment
                    .resolver
                    .zip(item.json())
                    .and_then(|(resolver, coded)| resolver.member_of(coded, &set));
                match answer {
                    Some(answer) => Ok(boolean(answer)),
                    None => fault(at, "this value set is not known here"),
                }
            }
            F::HtmlChecks => Ok(boolean(
                items
                    .iter()
                    .all(|item| item.as_str().is_some_and(html::is_narrative)),
            )),
            F::GetResourceKey => {
                let keys = items
                    .iter()
                    .filter_map(Item::json)
                    .filter_map(|json| json.get("id"));
                Ok(keys.filter_map(Value::as_str).map(Item::from).collect())
            }
            F::GetReferenceKey => Ok(items
                .iter()
                .filter_map(|item| reference_key(item, call.named))
                .map(Item::from)
                .collect()),
            // The rest asks for profiles or terminology that the engine does not carry.
            _ => fault(
                at,
                "this function needs definitions that are not known here",
            ),
        }
    }

    fn resolve(&self, item: &Item<'a>) -> Option<Node<'a>> {
        let reference = reference_of(item)?;
        if let Some(id) = reference.strip_prefix('#') {
            let root = self.environment.resource.or_else(|| self.focus.json())?;
            if id.is_empty() {
                return Some(Node::resource(root));
            }
            let holders = [Some(root), self.environment.root_resource];
            let mut contained = holders
                .into_iter()
                .flatten()
                .filter_map(|holder| holder.get("contained")?.as_array())
                .flatten();
            return contained
                .find(|one| one.get("id").and_then(Value::as_str) == Some(id))
                .map(Node::resource);
        }
        let resolver = self.environment.resolver?;
        resolver.resolve(reference).map(Node::resource)
    }

    fn conforms(&self, item: &Item<'a>, profile: &str, at: u32) -> Result<Collection<'a>> {
        const CORE: &str = "http://hl7.org/fhir/StructureDefinition/";
        let Item::Node(node) = item else {
            return fault(at, "a resource or element was expected");
        };
        if let Some(id) = profile
            .strip_prefix(CORE)
            .and_then(|name| definitions().type_id(name))
        {
            return Ok(boolean(super::navigate::is_of_type(node, id)));
        }
        let answer = self.environment.resolver.zip(node.value);
        match answer.and_then(|(resolver, value)| resolver.conforms_to(value, profile)) {
            Some(answer) => Ok(boolean(answer)),
            None => fault(at, "this profile is not known here"),
        }
    }
}

/// `extension.where(url = …)` without the collections in between.
fn extensions<'a>(items: &Collection<'a>, url: &str) -> Collection<'a> {
    let mut out = Collection::new();
    let kind = Some(definitions().extension);
    for node in items.iter().filter_map(Item::node) {
        let holder = match node.value {
            Some(value @ Value::Object(_)) => Some(value),
            _ => node.companion,
        };
        let extensions = holder.and_then(|holder| holder.get("extension")?.as_array());
        let named = extensions
            .into_iter()
            .flatten()
            .filter(|extension| extension.get("url").and_then(Value::as_str) == Some(url));
        out.extend(named.map(|extension| {
            Item::Node(Node {
                value: Some(extension),
                companion: None,
                kind,
            })
        }));
    }
    out
}

/// A primitive with a value, not only extensions.
fn has_value(item: &Item<'_>) -> bool {
    match item {
        Item::Node(node) => item.is_primitive() && node.value.is_some(),
        _ => true,
    }
}

/// The reference of a Reference, or a uri or canonical itself.
fn reference_of<'a>(item: &Item<'a>) -> Option<&'a str> {
    let Item::Node(node) = item else {
        return match item {
            Item::String(std::borrow::Cow::Borrowed(text)) => Some(text),
            _ => None,
        };
    };
    match node.value? {
        Value::String(text) => Some(text),
        value => value.get("reference")?.as_str(),
    }
}

/// What a reference says of the type it points at: by its URL (`Patient/1`,
/// `https://host/fhir/Patient/1/_history/2`), else by `Reference.type`. A node without content.
fn named_type<'a>(item: &Item<'a>) -> Option<Node<'a>> {
    let by_url = reference_of(item).and_then(reference_type);
    let kind = by_url.or_else(|| {
        let name = item.json()?.get("type")?.as_str()?;
        definitions().type_id(name.rsplit('/').next().unwrap_or(name))
    })?;
    Some(Node {
        value: None,
        companion: None,
        kind: Some(kind),
    })
}

/// Type and id of a literal reference.
fn reference_parts(reference: &str) -> Option<(&str, &str)> {
    let mut parts = reference.rsplit('/');
    let mut id = parts.next()?;
    let mut kind = parts.next()?;
    if kind == "_history" {
        id = parts.next()?;
        kind = parts.next()?;
    }
    Some((kind, id))
}

fn reference_type(reference: &str) -> Option<crate::TypeId> {
    let (kind, _) = reference_parts(reference)?;
    let id = definitions().type_id(kind)?;
    (definitions().get(id).kind == Kind::Resource).then_some(id)
}

/// SQL on FHIR 2.0: the key of the resource that a reference points at, if it is of the type.
fn reference_key<'a>(item: &Item<'a>, named: Option<TypeName>) -> Option<&'a str> {
    let (kind, id) = reference_parts(reference_of(item)?)?;
    match named {
        Some(TypeName::Fhir(wanted)) => (definitions().type_id(kind) == Some(wanted)).then_some(id),
        Some(_) => None,
        None => Some(id),
    }
}
