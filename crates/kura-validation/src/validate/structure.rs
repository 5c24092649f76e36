//! A resource against its type: FHIR R4 json.html, elementdefinition.html, and the definitions of
//! the types.

use kura_fhirpath::{Kind, definitions};
use serde_json::{Map, Value};
use smallvec::{SmallVec, smallvec};

use super::element::{Child, Element, Path, resource_kind};
use super::{Run, Scope};
use crate::base::{BaseElement, BaseType, Slot};
use crate::outcome::IssueCode;
use crate::primitive::Wrong;

impl<'v, 'a> Run<'v, 'a> {
    /// An object against its type: keys, cardinalities, what is in it, the type's invariants.
    pub(super) fn structure(
        &mut self,
        element: Element<'a>,
        path: &Path<'_>,
        scope: Scope<'a>,
        depth: usize,
    ) {
        let validator = self.validator;
        let Some(base) = validator.base.get(element.kind) else {
            return;
        };
        if !self.charge(path, depth) {
            return;
        }
        let Some(Value::Object(map)) = element.value else {
            let message = "a JSON object has to be here";
            return self.error(IssueCode::Structure, path, base.name, message);
        };
        let before = self.issues.len();
        self.members(base, map, path, scope, depth);
        // FHIR R4 ele-1: hasValue() or (children().count() > id.count()).
        if !map.keys().any(|key| key != "id") {
            let message = "an element has a value or children";
            self.error(IssueCode::Invariant, path, "ele-1", message);
        }
        // On a structure that is broken the invariants say nothing new.
        let mut new = self.issues[before..].iter();
        if new.all(|issue| issue.code != IssueCode::Structure) {
            self.invariants(&base.invariants, element, path, scope, None);
        }
    }

    /// The keys of an object.
    fn members(
        &mut self,
        base: &'v BaseType,
        map: &'a Map<String, Value>,
        path: &Path<'_>,
        scope: Scope<'a>,
        depth: usize,
    ) {
        // The slot that each element came by.
        let mut seen: SmallVec<[Option<(usize, kura_fhirpath::TypeId)>; 64]> =
            smallvec![None; base.elements.len()];
        for (key, value) in map {
            let Some(slot) = base.slots.get(key) else {
                if !(base.is_resource && key == "resourceType") {
                    self.unknown(base, key, path);
                }
                continue;
            };
            let element = &base.elements[slot.element];
            let present = seen[slot.element].get_or_insert((slot.element, slot.kind));
            if present.1 != slot.kind {
                let message = "of a choice, only one type may be given";
                self.error(IssueCode::Structure, path, element.element.path, message);
            }
            let (value, companion) = if slot.is_companion {
                // With its value, if there is one.
                if map.contains_key(&key[1..]) {
                    continue;
                }
                (None, Some(value))
            } else if slot.primitive.is_some() {
                let kinds = &element.element.types;
                let kind = kinds.iter().find(|one| one.id == slot.kind);
                (Some(value), kind.and_then(|kind| map.get(&kind.companion)))
            } else {
                (Some(value), None)
            };
            self.member(element, *slot, (value, companion), path, scope, depth);
        }
        for (element, seen) in base.elements.iter().zip(&seen) {
            if element.element.min > 0 && seen.is_none() {
                let name = element.element.name;
                let message = format!("{name} has to be there");
                self.error(IssueCode::Required, path, element.element.path, &message);
            }
        }
    }

    fn unknown(&mut self, base: &BaseType, key: &str, path: &Path<'_>) {
        // A key is no value, but what does not look like the name of an element may be anything.
        let is_name = key.len() <= 40
            && key
                .bytes()
                .all(|one| one.is_ascii_alphabetic() || one == b'_');
        let message = if is_name {
            format!("{key} is no element of {}", base.name)
        } else {
            format!("a key that is no element of {}", base.name)
        };
        self.error(IssueCode::Structure, path, base.name, &message);
    }

    /// One element with all its values.
    fn member(
        &mut self,
        element: &'v BaseElement,
        slot: Slot,
        (value, companion): (Option<&'a Value>, Option<&'a Value>),
        path: &Path<'_>,
        scope: Scope<'a>,
        depth: usize,
    ) {
        let definition = element.element;
        let kinds = definition.types.iter().find(|one| one.id == slot.kind);
        let Some(kind) = kinds else { return };
        let mut child = Child {
            element: Element {
                value,
                companion,
                kind: slot.kind,
            },
            key: &kind.key,
            index: None,
            definition,
        };
        if !element.is_list {
            if value.is_some_and(Value::is_array) || companion.is_some_and(Value::is_array) {
                let message = "one value, no array, has to be here";
                return self.error(
                    IssueCode::Structure,
                    &path.to(&child),
                    definition.path,
                    message,
                );
            }
            return self.value(element, slot, child, path, scope, depth);
        }
        let arrays = [value, companion];
        if arrays.iter().flatten().any(|one| !one.is_array()) {
            let message = "an array has to be here";
            return self.error(
                IssueCode::Structure,
                &path.to(&child),
                definition.path,
                message,
            );
        }
        let items =
            |one: Option<&'a Value>| one.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let (values, companions) = (items(value), items(companion));
        if arrays
            .iter()
            .flatten()
            .any(|one| one.as_array().is_some_and(Vec::is_empty))
        {
            let message = "an array has items";
            self.error(
                IssueCode::Structure,
                &path.to(&child),
                definition.path,
                message,
            );
        }
        if value.is_some() && companion.is_some() && values.len() != companions.len() {
            let message = "the values and their companions are as many";
            self.error(
                IssueCode::Structure,
                &path.to(&child),
                definition.path,
                message,
            );
        }
        if definition
            .max
            .is_some_and(|max| values.len() > max as usize)
        {
            let message = "there are more than may be";
            self.error(
                IssueCode::Structure,
                &path.to(&child),
                definition.path,
                message,
            );
        }
        for at in 0..values.len().max(companions.len()) {
            // FHIR R4 json.html#primitive: null stands where only the other array has something.
            let some = |all: &'a [Value]| all.get(at).filter(|one| !one.is_null());
            child.index = Some(at);
            child.element.value = some(values);
            child.element.companion = some(companions);
            if child.element.value.is_none() && child.element.companion.is_none() {
                let message = "null may stand only beside a companion";
                self.error(
                    IssueCode::Structure,
                    &path.to(&child),
                    definition.path,
                    message,
                );
            } else {
                self.value(element, slot, child, path, scope, depth);
            }
        }
    }

    /// One value of an element.
    fn value(
        &mut self,
        element: &'v BaseElement,
        slot: Slot,
        mut child: Child<'a>,
        path: &Path<'_>,
        scope: Scope<'a>,
        depth: usize,
    ) {
        let definition = element.element;
        let all = definitions();
        let kind = all.get(slot.kind);
        if kind.is_abstract && kind.kind == Kind::Resource {
            return self.inner_resource(child, path, scope, depth);
        }
        if let Some(primitive) = slot.primitive {
            let place = path.to(&child);
            if !self.charge(&place, depth) {
                return;
            }
            if let Some(value) = child.element.value
                && let Err(wrong) = primitive.check(value)
            {
                let name = kind.name;
                let (code, message) = match wrong {
                    Wrong::Json => (
                        IssueCode::Structure,
                        format!("the JSON type is none that {name} may have"),
                    ),
                    Wrong::Format => (IssueCode::Value, format!("the value is no {name}")),
                    Wrong::Empty => (IssueCode::Structure, "a string is not empty".to_owned()),
                };
                self.error(code, &place, definition.path, &message);
                // Nothing else can be said of it.
                child.element.value = child.element.value.filter(|_| wrong == Wrong::Format);
            }
            if let Some(companion) = child.element.companion {
                self.companion(companion, &child, &place, scope, depth + 1);
            }
        } else {
            let place = path.to(&child);
            self.structure(child.element, &place, scope, depth + 1);
        }
        let place = path.to(&child);
        if let Some(extra) = element.extra.as_deref() {
            if let Some(binding) = &extra.binding {
                self.binding(binding, child.element, &place, definition.path);
            }
            if child.element.value.is_some_and(|value| !value.is_array()) {
                self.invariants(&extra.invariants, child.element, &place, scope, None);
            }
            let of_type = extra.profiles.iter().filter(|(kind, _)| *kind == slot.kind);
            for (_, profile) in of_type {
                let profile = self.validator.profile(profile).cloned();
                if let Some(profile) = profile {
                    self.against(&profile, child.element, &place, scope, depth + 1);
                }
            }
        }
        match kind.name {
            "Extension" => self.extension(child, path, &place, scope, depth),
            "Coding" => self.coding(child.element, &place),
            "xhtml" => {
                // FHIR R4 txt-2; R4's expression asks htmlChecks() only, which txt-1 is.
                let text = child.element.value.and_then(Value::as_str);
                if text.is_some_and(|text| !says_something(text)) {
                    let message = "The narrative SHALL have some non-whitespace content";
                    self.error(IssueCode::Invariant, &place, "txt-2", message);
                }
            }
            "Reference" => {
                let targets = definition.types.iter().find(|one| one.id == slot.kind);
                let targets = targets.map_or(&[][..], |one| &one.targets);
                self.reference(child.element, &place, scope, targets, definition.path);
            }
            _ => {}
        }
    }

    /// The id and extensions of a primitive: an object of the type Element.
    fn companion(
        &mut self,
        companion: &'a Value,
        child: &Child<'a>,
        place: &Path<'_>,
        scope: Scope<'a>,
        depth: usize,
    ) {
        let validator = self.validator;
        let base = definitions().type_id("Element");
        let Some(base) = base.and_then(|kind| validator.base.get(kind)) else {
            return;
        };
        let Value::Object(map) = companion else {
            let message = "the companion of a primitive is an object";
            return self.error(IssueCode::Structure, place, child.definition.path, message);
        };
        self.members(base, map, place, scope, depth);
        let besides = map.keys().any(|key| key != "id");
        if child.element.value.is_none() && !besides {
            let message = "an element has a value or children";
            self.error(IssueCode::Invariant, place, "ele-1", message);
        }
    }

    /// A resource within another one: contained, or in an entry.
    fn inner_resource(
        &mut self,
        mut child: Child<'a>,
        path: &Path<'_>,
        scope: Scope<'a>,
        depth: usize,
    ) {
        let Some(value) = child.element.value else {
            return;
        };
        let Some(kind) = resource_kind(value) else {
            let message = "resourceType names no resource of R4";
            let place = path.to(&child);
            return self.error(IssueCode::Structure, &place, child.definition.path, message);
        };
        child.element.kind = kind;
        if child.definition.path == "Bundle.entry.resource" {
            self.full_url(value, path);
        }
        let is_contained = child.definition.name == "contained";
        let scope = Scope {
            resource: value,
            root: if is_contained { scope.root } else { value },
        };
        let place = path.to(&child);
        self.resource(child.element, &place, scope, &[], depth + 1);
    }
}

/// Whether a narrative has text or an image.
fn says_something(xhtml: &str) -> bool {
    let mut in_tag = false;
    let text = xhtml.chars().any(|one| {
        match one {
            '<' => in_tag = true,
            '>' => in_tag = false,
            _ => return !in_tag && !one.is_whitespace(),
        }
        false
    });
    text || xhtml.contains("<img")
}
