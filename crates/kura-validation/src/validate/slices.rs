//! Which slice an element belongs to, and what the slice asks: FHIR R4 profiling.html#slicing.

use kura_fhirpath::definitions;
use serde_json::Value;
use smallvec::SmallVec;

use super::element::{Child, Element, Path, children};
use super::matching::{has_pattern, is_fixed};
use super::profile::inner;
use super::reference::reference_kind;
use super::{Answer, Run, Scope, binding};
use crate::outcome::{IssueCode, Severity};
use crate::profile::{Is, Profile, Rules, Slice, Slicing, SlicingRules, Step, Test};
use crate::terminology::Membership;

/// FHIR R4 elementdefinition.html#slicing: the slice for what is in no other one.
const DEFAULT: &str = "@default";

impl<'a> Run<'_, 'a> {
    #[allow(
        clippy::too_many_arguments,
        reason = "a place has a profile, rules, a path and a scope"
    )]
    pub(super) fn slicing(
        &mut self,
        profile: &Profile,
        sliced: &Rules,
        slicing: &Slicing,
        all: &[Child<'a>],
        path: &Path<'_>,
        scope: Scope<'a>,
        depth: usize,
    ) {
        let mut members: Vec<SmallVec<[Child<'a>; 4]>> =
            vec![SmallVec::new(); slicing.slices.len()];
        // Slices that an element may belong to; what is missing from them is not certain.
        let mut open = vec![false; slicing.slices.len()];
        let mut last = 0;
        let mut outside = false;
        for child in all {
            let place = path.to(child);
            let mut found = None;
            let mut maybe = false;
            for (at, slice) in slicing.slices.iter().enumerate() {
                if slice.name == DEFAULT {
                    continue;
                }
                match self.belongs(slice, child.element, &place, inner(child, scope)) {
                    Answer::Yes => {
                        found = Some(at);
                        break;
                    }
                    Answer::Unknown => {
                        open[at] = true;
                        maybe = true;
                    }
                    Answer::No => {}
                }
            }
            let by_default = || slicing.slices.iter().position(|one| one.name == DEFAULT);
            let found = found.or_else(|| if maybe { None } else { by_default() });
            let rule = || format!("{}#{}", profile.url, sliced.id);
            if let Some(at) = found {
                if slicing.is_ordered && at < last {
                    let message = "the slices stand in another order";
                    self.error(IssueCode::Structure, &place, &rule(), message);
                }
                if outside && slicing.rules == SlicingRules::OpenAtEnd {
                    let message = "what belongs to no slice stands at the end";
                    self.error(IssueCode::Structure, &place, &rule(), message);
                }
                last = last.max(at);
                members[at].push(*child);
            } else if maybe {
                self.undecided = true;
                let message = "unknown to which slice it belongs";
                self.add(
                    Severity::Information,
                    IssueCode::NotSupported,
                    &place,
                    &rule(),
                    message,
                );
            } else if slicing.rules == SlicingRules::Closed {
                let message = "belongs to no slice, and there may be no others";
                self.error(IssueCode::Structure, &place, &rule(), message);
            } else {
                outside = true;
            }
        }
        for ((slice, members), open) in slicing.slices.iter().zip(&members).zip(open) {
            // Of what cannot be told apart nothing can be missing.
            if slice.tests.is_none() && slice.name != DEFAULT {
                continue;
            }
            let count = members.len();
            if !(open && count < slice.rules.min as usize) {
                self.count(profile, &slice.rules, count, path, Some(&slice.name));
            }
            for child in members {
                let place = path.to(child);
                let scope = inner(child, scope);
                self.rules(
                    profile,
                    &slice.rules,
                    child.element,
                    &place,
                    scope,
                    depth + 1,
                );
            }
            if let Some(inner) = &slice.rules.slicing {
                self.slicing(profile, &slice.rules, inner, members, path, scope, depth);
            }
        }
    }

    fn belongs(
        &mut self,
        slice: &Slice,
        element: Element<'a>,
        path: &Path<'_>,
        scope: Scope<'a>,
    ) -> Answer {
        let Some(tests) = &slice.tests else {
            return Answer::No;
        };
        let mut answer = Answer::Yes;
        for test in tests {
            match self.passes(test, element, path, scope) {
                Answer::No => return Answer::No,
                Answer::Unknown => answer = Answer::Unknown,
                Answer::Yes => {}
            }
        }
        answer
    }

    fn passes(
        &mut self,
        test: &Test,
        element: Element<'a>,
        path: &Path<'_>,
        scope: Scope<'a>,
    ) -> Answer {
        let mut found = Reached::default();
        self.reach(element, &test.path, scope, &mut found);
        let unsure = if found.unresolved.is_empty() {
            Answer::No
        } else {
            Answer::Unknown
        };
        match &test.is {
            Is::Exists(wanted) => {
                let is_there = !found.elements.is_empty() || !found.unresolved.is_empty();
                if is_there == *wanted {
                    Answer::Yes
                } else {
                    Answer::No
                }
            }
            Is::Value { fixed, patterns } => {
                let matches = |value: &Value| {
                    fixed.iter().any(|fixed| is_fixed(value, fixed))
                        || patterns.iter().any(|pattern| has_pattern(value, pattern))
                };
                let mut values = found.elements.iter().filter_map(|one| one.0.value);
                if values.any(matches) {
                    Answer::Yes
                } else {
                    unsure
                }
            }
            Is::InSet(bound) => {
                let Some(set) = self.validator.value_set(bound) else {
                    self.missing.insert(bound.url.clone());
                    return Answer::Unknown;
                };
                let mut answer = unsure;
                for (element, _) in &found.elements {
                    let value = element.value;
                    match value.and_then(|one| binding::membership(one, set, &mut self.missing)) {
                        Some(Membership::Yes) => return Answer::Yes,
                        Some(Membership::Unknown) => answer = Answer::Unknown,
                        _ => {}
                    }
                }
                answer
            }
            Is::Type(types) => {
                let all = definitions();
                let known = found.elements.iter().map(|(one, _)| Some(one.kind));
                let named = found.unresolved.iter().map(|one| reference_kind(one));
                let mut answer = Answer::No;
                for kind in known.chain(named) {
                    match kind {
                        Some(kind) if types.iter().any(|one| all.is_a(kind, *one)) => {
                            return Answer::Yes;
                        }
                        Some(_) => {}
                        None => answer = Answer::Unknown,
                    }
                }
                answer
            }
            Is::Profile(profiles) => {
                let validator = self.validator;
                let mut answer = Answer::No;
                for reference in profiles {
                    let Some(profile) = validator.profile(reference) else {
                        self.missing.insert(reference.url.clone());
                        answer = Answer::Unknown;
                        continue;
                    };
                    for (element, scope) in &found.elements {
                        match self.conforms(profile, *element, path, *scope) {
                            // What is unknown of the inside does not keep it from being the one.
                            Answer::Yes | Answer::Unknown => return Answer::Yes,
                            Answer::No => {}
                        }
                    }
                    for value in &found.unresolved {
                        let all = definitions();
                        let other = reference_kind(value)
                            .zip(profile.kind)
                            .is_some_and(|(one, wanted)| !all.is_a(one, wanted));
                        if !other {
                            answer = Answer::Unknown;
                        }
                    }
                }
                answer
            }
        }
    }

    /// The elements at the end of a discriminator's path.
    fn reach(&self, element: Element<'a>, path: &[Step], scope: Scope<'a>, out: &mut Reached<'a>) {
        let Some((step, rest)) = path.split_first() else {
            out.elements.push((element, scope));
            return;
        };
        match step {
            Step::Child(name) => {
                for child in children(element, name) {
                    self.reach(child.element, rest, inner(&child, scope), out);
                }
            }
            Step::Extension(url) => {
                for child in children(element, "extension") {
                    let own = child.element.value.and_then(|value| value.get("url"));
                    if own.is_some_and(|own| own == url.as_str()) {
                        self.reach(child.element, rest, scope, out);
                    }
                }
            }
            Step::OfType(kind) => {
                if element.type_name() == kind {
                    self.reach(element, rest, scope, out);
                }
            }
            Step::Resolve => {
                let Some(value) = element.value else { return };
                match self.resolve(value, scope) {
                    Some((element, scope)) => self.reach(element, rest, scope, out),
                    None => out.unresolved.push(value),
                }
            }
        }
    }
}

#[derive(Default)]
struct Reached<'a> {
    elements: SmallVec<[(Element<'a>, Scope<'a>); 2]>,
    /// References whose targets are not at hand.
    unresolved: SmallVec<[&'a Value; 1]>,
}
