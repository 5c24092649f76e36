//! From a StructureDefinition to a [`Profile`].

use std::sync::Arc;

use kura_fhirpath::{Element, TypeId, definitions};
use serde_json::Value;

use super::slices;
use super::tree::Tree;
use super::{
    Binding, Context, ContextKind, Invariant, Profile, ProfileRef, Rules, Slice, Slicing,
    SlicingRules,
};
use crate::base::{Base, NATIVE, type_id};
use crate::definitions::{Definitions, Kind, canonical};
use crate::snapshot::{self, SnapshotError};

const CORE: &str = "http://hl7.org/fhir/StructureDefinition/";

pub(crate) struct Compiler<'d> {
    pub(super) definitions: &'d Definitions,
    base: &'d Base,
    undecided: Vec<String>,
}

/// Compiles a profile.
///
/// # Errors
///
/// A definition that its snapshot builds on is not loaded, or the differential does not fit.
pub(crate) fn compile(
    definitions: &Definitions,
    base: &Base,
    structure: &Value,
) -> Result<Profile, SnapshotError> {
    let url = structure["url"].as_str().unwrap_or_default();
    let kind = structure["type"].as_str().and_then(type_id);
    let elements = snapshot::elements(definitions, structure, 0)?;
    let tree = Tree::build(elements).ok_or(SnapshotError::TooLarge)?;
    let mut compiler = Compiler {
        definitions,
        base,
        undecided: Vec::new(),
    };
    let root = compiler.rules(&tree, kind, None, None);
    Ok(Profile {
        url: url.to_owned(),
        kind,
        root,
        contexts: contexts(structure),
        context_invariants: context_invariants(structure),
        undecided: compiler.undecided,
    })
}

fn contexts(structure: &Value) -> Vec<Context> {
    let contexts = structure["context"].as_array().into_iter().flatten();
    let contexts = contexts.filter_map(|one| {
        Some(Context {
            kind: match one["type"].as_str()? {
                "element" => ContextKind::Element,
                "extension" => ContextKind::Extension,
                _ => ContextKind::FhirPath,
            },
            expression: one["expression"].as_str()?.to_owned(),
        })
    });
    contexts.collect()
}

fn context_invariants(structure: &Value) -> Vec<Arc<Invariant>> {
    let texts = structure["contextInvariant"]
        .as_array()
        .into_iter()
        .flatten();
    let read = |text: &Value| {
        Invariant::read(&serde_json::json!({
            "key": "contextInvariant", "severity": "error", "expression": text
        }))
    };
    texts.filter_map(read).map(Arc::new).collect()
}

impl Compiler<'_> {
    /// The tree of another profile.
    pub(super) fn tree(&self, url: &str) -> Option<Tree> {
        let structure = self.definitions.get(Kind::Structure, url)?;
        Tree::build(snapshot::elements(self.definitions, &structure, 0).ok()?)
    }

    /// The rules of an element: what `tree` says beyond its type (`base` is the element there,
    /// `kind` the type of its content), and for a slice beyond the element that is sliced.
    fn rules(
        &mut self,
        tree: &Tree,
        kind: Option<TypeId>,
        base: Option<&'static Element>,
        sliced: Option<&Tree>,
    ) -> Rules {
        let extra = base.and_then(|base| self.base.extra(base.path)).cloned();
        let mut rules = Rules {
            id: tree.id.clone(),
            name: tree.name.clone(),
            ..Rules::default()
        };
        if sliced.is_some() {
            rules.min = tree.min();
            rules.max = tree.max();
        } else if let Some(base) = base {
            rules.min = if tree.min() > base.min { tree.min() } else { 0 };
            rules.max = tree.max().filter(|max| Some(*max) != base.max);
        }
        rules.types = narrowed(tree, base);
        rules.profiles = self.profiles(tree, extra.as_deref());
        rules.targets = targets(tree, base, sliced);
        let own = |prefix: &str| {
            let of_sliced = sliced.and_then(|sliced| sliced.value(prefix));
            tree.value(prefix)
                .filter(|one| Some(*one) != of_sliced)
                .cloned()
        };
        rules.fixed = own("fixed");
        rules.pattern = own("pattern");
        rules.min_value = own("minValue");
        rules.max_value = own("maxValue");
        rules.max_length = tree.element["maxLength"]
            .as_u64()
            .and_then(|length| usize::try_from(length).ok());
        rules.binding = binding(tree, extra.as_deref(), sliced);
        rules.invariants = self.invariants(tree, kind, extra.as_deref(), sliced);
        for child in &tree.children {
            let base = kind.and_then(|kind| definitions().element(kind, &child.name));
            let content = content_kind(child, base);
            let mut compiled = self.rules(child, content, base, None);
            compiled.slicing = self.slicing(child, content, base);
            if !compiled.is_empty()
                || compiled.min > 0
                || compiled.max.is_some()
                || compiled.slicing.is_some()
            {
                rules.children.push(compiled);
            }
        }
        rules
    }

    fn profiles(
        &self,
        tree: &Tree,
        extra: Option<&crate::base::Extra>,
    ) -> Vec<(TypeId, Vec<ProfileRef>)> {
        let known = |url: &str| {
            extra.is_some_and(|extra| extra.profiles.iter().any(|one| one.1.url == url))
        };
        let mut all = Vec::new();
        for one in tree.types() {
            // An extension is held against its definition wherever it stands.
            let Some(kind) = one["code"].as_str().filter(|code| *code != "Extension") else {
                continue;
            };
            let urls = one["profile"].as_array().into_iter().flatten();
            let urls: Vec<&str> = urls.filter_map(Value::as_str).collect();
            if let Some(kind) = type_id(kind)
                && !urls.is_empty()
                && !urls.iter().any(|url| known(url) || is_core_type(url))
            {
                all.push((kind, urls.into_iter().map(ProfileRef::new).collect()));
            }
        }
        all
    }

    fn invariants(
        &self,
        tree: &Tree,
        kind: Option<TypeId>,
        extra: Option<&crate::base::Extra>,
        sliced: Option<&Tree>,
    ) -> Vec<Arc<Invariant>> {
        let of_type = kind.and_then(|kind| self.base.get(kind));
        let of_type = of_type.map_or(&[][..], |kind| &kind.invariants);
        let of_element = extra.map_or(&[][..], |extra| &extra.invariants);
        let of_sliced = sliced.and_then(|sliced| sliced.element["constraint"].as_array());
        let constraints = tree.element["constraint"].as_array().into_iter().flatten();
        let constraints = constraints.filter(|one| {
            let key = one["key"].as_str().unwrap_or_default();
            // Invariants of HL7's have their keys to themselves.
            let known = |all: &[Arc<Invariant>]| all.iter().any(|known| known.key == key);
            !NATIVE.contains(&key)
                && !known(of_type)
                && !known(of_element)
                && !of_sliced.is_some_and(|all| all.iter().any(|known| known["key"] == one["key"]))
        });
        constraints
            .filter_map(Invariant::read)
            .map(Arc::new)
            .collect()
    }

    fn slicing(
        &mut self,
        tree: &Tree,
        kind: Option<TypeId>,
        base: Option<&'static Element>,
    ) -> Option<Slicing> {
        if tree.slices.is_empty() {
            return None;
        }
        let definition = &tree.element["slicing"];
        let rules = match definition["rules"].as_str() {
            Some("closed") => SlicingRules::Closed,
            Some("openAtEnd") => SlicingRules::OpenAtEnd,
            _ => SlicingRules::Open,
        };
        let mut matters = rules != SlicingRules::Open;
        let mut all = Vec::new();
        for slice in &tree.slices {
            let content = content_kind(slice, base).or(kind);
            let mut compiled = self.rules(slice, content, base, Some(tree));
            compiled.slicing = self.slicing(slice, content, base);
            let tests = slices::tests(self, tree, slice);
            let asks = !compiled.is_empty()
                || compiled.slicing.is_some()
                || compiled.min > 0
                || compiled.max.is_some();
            if tests.is_none() && asks {
                self.undecided
                    .push(format!("what tells {} apart", slice.id));
            }
            matters |= asks;
            all.push(Slice {
                name: slice.slice.clone().unwrap_or_default(),
                tests,
                rules: compiled,
            });
        }
        matters.then(|| Slicing {
            rules,
            is_ordered: definition["ordered"] == true,
            slices: all,
        })
    }
}

fn is_core_type(url: &str) -> bool {
    url.strip_prefix(CORE)
        .is_some_and(|name| definitions().type_id(name).is_some())
}

/// The type of an element's content, where it can be only one.
fn content_kind(tree: &Tree, base: Option<&'static Element>) -> Option<TypeId> {
    let all = definitions();
    let named = || match tree.types() {
        [one] => one["code"].as_str().and_then(type_id),
        _ => None,
    };
    match base {
        None => named(),
        Some(base) if base.is_choice => named(),
        Some(base) => {
            let kind = base.types.first()?.id;
            if all.get(kind).is_abstract && all.get(kind).kind == kura_fhirpath::Kind::Resource {
                named()
            } else {
                Some(kind)
            }
        }
    }
}

/// The types that are left of a choice, or of the resources that may be contained.
fn narrowed(tree: &Tree, base: Option<&'static Element>) -> Option<Vec<TypeId>> {
    let base = base?;
    let all = definitions();
    let kinds = tree.types().iter().filter_map(|one| one["code"].as_str());
    let kinds: Vec<TypeId> = kinds.filter_map(type_id).collect();
    let first = base.types.first()?.id;
    let abstract_resource =
        all.get(first).is_abstract && all.get(first).kind == kura_fhirpath::Kind::Resource;
    let narrower = if base.is_choice {
        base.types.iter().any(|one| !kinds.contains(&one.id))
    } else {
        abstract_resource && !kinds.contains(&first)
    };
    (narrower && !kinds.is_empty()).then_some(kinds)
}

fn targets(tree: &Tree, base: Option<&'static Element>, sliced: Option<&Tree>) -> Vec<ProfileRef> {
    let own = target_urls(tree);
    if own.is_empty() || sliced.is_some_and(|sliced| target_urls(sliced) == own) {
        return Vec::new();
    }
    let of_base: Vec<&str> = base
        .into_iter()
        .flat_map(|base| {
            base.types
                .iter()
                .flat_map(|one| one.targets.iter().copied())
        })
        .collect();
    let plain = |url: &&str| {
        url.strip_prefix(CORE)
            .is_some_and(|name| of_base.contains(&name))
    };
    let any = own.iter().any(|url| *url == format!("{CORE}Resource"));
    if any || (own.len() == of_base.len() && own.iter().all(plain)) {
        return Vec::new();
    }
    own.into_iter().map(ProfileRef::new).collect()
}

fn target_urls(tree: &Tree) -> Vec<&str> {
    let targets = tree
        .types()
        .iter()
        .flat_map(|one| one["targetProfile"].as_array().into_iter().flatten());
    targets.filter_map(Value::as_str).collect()
}

fn binding(
    tree: &Tree,
    extra: Option<&crate::base::Extra>,
    sliced: Option<&Tree>,
) -> Option<Binding> {
    let binding = Binding::read(&tree.element["binding"])?;
    let same = |strength, url: &str| {
        strength == binding.strength && canonical(url).0 == canonical(&binding.url).0
    };
    let of_base = extra.and_then(|extra| extra.binding.as_ref());
    if of_base.is_some_and(|known| same(known.strength, &known.url)) {
        return None;
    }
    let of_sliced = sliced.and_then(|sliced| Binding::read(&sliced.element["binding"]));
    if of_sliced.is_some_and(|known| same(known.strength, &known.url)) {
        return None;
    }
    Some(binding)
}
