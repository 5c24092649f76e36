//! An element against what a profile asks beyond its type.

use kura_fhirpath::definitions;
use serde_json::Value;
use smallvec::SmallVec;

use super::element::{Child, Element, Path, children};
use super::matching::{has_pattern, in_order, is_fixed};
use super::{Answer, MAX_NESTING, Run, Scope};
use crate::outcome::{IssueCode, Severity};
use crate::profile::{Profile, Rules};

impl<'a> Run<'_, 'a> {
    /// An element, or a resource, against a profile.
    pub(super) fn against(
        &mut self,
        profile: &Profile,
        element: Element<'a>,
        path: &Path<'_>,
        scope: Scope<'a>,
        depth: usize,
    ) {
        if profile.kind.is_some_and(|kind| !element.is_a(kind)) {
            let message = "the profile is one of another type";
            return self.error(IssueCode::Structure, path, &profile.url, message);
        }
        if !profile.undecided.is_empty() {
            self.undecided = true;
            for what in &profile.undecided {
                let message = format!("its definition does not say {what}");
                let severity = Severity::Information;
                self.add(
                    severity,
                    IssueCode::NotSupported,
                    path,
                    &profile.url,
                    &message,
                );
            }
        }
        self.rules(profile, &profile.root, element, path, scope, depth);
    }

    /// An element against its rules, and its children.
    pub(super) fn rules(
        &mut self,
        profile: &Profile,
        rules: &Rules,
        element: Element<'a>,
        path: &Path<'_>,
        scope: Scope<'a>,
        depth: usize,
    ) {
        if rules.is_empty() || !self.charge(path, depth) {
            return;
        }
        self.own_rules(profile, rules, element, path, scope, depth);
        for child in &rules.children {
            self.child(profile, child, element, path, scope, depth);
        }
    }

    fn own_rules(
        &mut self,
        profile: &Profile,
        rules: &Rules,
        element: Element<'a>,
        path: &Path<'_>,
        scope: Scope<'a>,
        depth: usize,
    ) {
        let rule = |rules: &Rules| format!("{}#{}", profile.url, rules.id);
        if let Some(types) = &rules.types
            && !types.iter().any(|kind| element.is_a(*kind))
        {
            let message = "of a type that is not allowed here";
            self.error(IssueCode::Structure, path, &rule(rules), message);
        }
        if let Some(value) = element.value {
            if rules
                .fixed
                .as_ref()
                .is_some_and(|fixed| !is_fixed(value, fixed))
            {
                let message = "not the fixed value";
                self.error(IssueCode::Value, path, &rule(rules), message);
            }
            if rules
                .pattern
                .as_ref()
                .is_some_and(|pattern| !has_pattern(value, pattern))
            {
                let message = "does not have the pattern";
                self.error(IssueCode::Value, path, &rule(rules), message);
            }
            let least = rules.min_value.as_ref();
            if least.is_some_and(|least| in_order(least, value) == Some(false)) {
                let message = "less than the least value";
                self.error(IssueCode::Value, path, &rule(rules), message);
            }
            let most = rules.max_value.as_ref();
            if most.is_some_and(|most| in_order(value, most) == Some(false)) {
                let message = "more than the greatest value";
                self.error(IssueCode::Value, path, &rule(rules), message);
            }
            if let (Some(length), Some(text)) = (rules.max_length, value.as_str())
                && text.chars().count() > length
            {
                let message = format!("longer than {length} characters");
                self.error(IssueCode::Value, path, &rule(rules), &message);
            }
        } else if rules.fixed.is_some() || rules.pattern.is_some() {
            let message = "a value has to be here, as one is fixed";
            self.error(IssueCode::Value, path, &rule(rules), message);
        }
        if let Some(binding) = &rules.binding {
            self.binding(binding, element, path, &rule(rules));
        }
        self.invariants(&rules.invariants, element, path, scope, Some(&profile.url));
        for (kind, profiles) in &rules.profiles {
            if element.is_a(*kind) {
                self.one_of(profiles, element, path, scope, &rule(rules), depth);
            }
        }
        if !rules.targets.is_empty() {
            self.target(&rules.targets, element, path, scope, &rule(rules));
        }
    }

    /// The value has to keep one of several profiles. With one, its issues are told; with more,
    /// only that it keeps none.
    fn one_of(
        &mut self,
        profiles: &[crate::profile::ProfileRef],
        element: Element<'a>,
        path: &Path<'_>,
        scope: Scope<'a>,
        rule: &str,
        depth: usize,
    ) {
        let validator = self.validator;
        let mut unknown = false;
        for reference in profiles {
            let Some(profile) = validator.profile(reference) else {
                self.missing.insert(reference.url.clone());
                unknown = true;
                continue;
            };
            if profiles.len() == 1 {
                // The contents of a definition may lead back to it.
                if self.nesting <= MAX_NESTING {
                    self.nesting += 1;
                    self.against(profile, element, path, scope, depth + 1);
                    self.nesting -= 1;
                }
                return;
            }
            match self.conforms(profile, element, path, scope) {
                Answer::Yes => return,
                Answer::No => {}
                Answer::Unknown => unknown = true,
            }
        }
        if unknown {
            let message = "unknown whether it keeps a profile that is asked for here";
            self.add(
                Severity::Information,
                IssueCode::NotFound,
                path,
                rule,
                message,
            );
            self.undecided = true;
        } else {
            let message = "keeps none of the profiles that are asked for here";
            self.error(IssueCode::Structure, path, rule, message);
        }
    }

    /// Whether an element keeps a profile; its issues are not told.
    pub(super) fn conforms(
        &mut self,
        profile: &Profile,
        element: Element<'a>,
        path: &Path<'_>,
        scope: Scope<'a>,
    ) -> Answer {
        if profile.kind.is_some_and(|kind| !element.is_a(kind)) {
            return Answer::No;
        }
        let address = |one: Option<&Value>| one.map_or(0, |one| std::ptr::from_ref(one).addr());
        let place = address(element.value).max(address(element.companion));
        let key = (place, std::ptr::from_ref(profile).addr());
        match self.conforming.get(&key) {
            Some(Some(answer)) => return *answer,
            // Resources that refer to each other: what is asked again is what is being answered.
            Some(None) => return Answer::Yes,
            None => {}
        }
        if self.nesting > MAX_NESTING {
            return Answer::Unknown;
        }
        self.conforming.insert(key, None);
        self.nesting += 1;
        let issues = std::mem::take(&mut self.issues);
        let missing = std::mem::take(&mut self.missing);
        let undecided = std::mem::take(&mut self.undecided);
        self.against(profile, element, path, scope, 0);
        let found = std::mem::replace(&mut self.issues, issues);
        let lacking = std::mem::replace(&mut self.missing, missing);
        let open = std::mem::replace(&mut self.undecided, undecided);
        self.nesting -= 1;
        let answer = if found.iter().any(|issue| issue.severity <= Severity::Error) {
            Answer::No
        } else if open || !lacking.is_empty() {
            Answer::Unknown
        } else {
            Answer::Yes
        };
        self.conforming.insert(key, Some(answer));
        answer
    }

    /// A child by its rules: how many there are, each one, and its slices.
    fn child(
        &mut self,
        profile: &Profile,
        rules: &Rules,
        element: Element<'a>,
        path: &Path<'_>,
        scope: Scope<'a>,
        depth: usize,
    ) {
        let found = children(element, &rules.name);
        self.count(profile, rules, found.len(), path, None);
        if found.is_empty() && rules.slicing.is_none() {
            return;
        }
        for child in &found {
            let place = path.to(child);
            self.rules(
                profile,
                rules,
                child.element,
                &place,
                inner(child, scope),
                depth + 1,
            );
        }
        if let Some(slicing) = &rules.slicing {
            let all: SmallVec<[Child<'a>; 4]> = found.into_iter().collect();
            self.slicing(profile, rules, slicing, &all, path, scope, depth);
        }
    }

    pub(super) fn count(
        &mut self,
        profile: &Profile,
        rules: &Rules,
        count: usize,
        path: &Path<'_>,
        slice: Option<&str>,
    ) {
        let what = match slice {
            Some(slice) => format!("{}:{slice}", rules.name),
            None => rules.name.clone(),
        };
        let rule = || format!("{}#{}", profile.url, rules.id);
        if count < rules.min as usize {
            let message = format!(
                "{what} has to be there {} times at least, it is {count}",
                rules.min
            );
            self.error(IssueCode::Required, path, &rule(), &message);
        }
        if let Some(max) = rules.max
            && count > max as usize
        {
            let message = format!("{what} may be there {max} times at most, it is {count}");
            self.error(IssueCode::Structure, path, &rule(), &message);
        }
    }
}

/// The scope of a child: a resource within another one has its own.
pub(super) fn inner<'a>(child: &Child<'a>, scope: Scope<'a>) -> Scope<'a> {
    let is_resource = definitions().get(child.element.kind).kind == kura_fhirpath::Kind::Resource;
    match child.element.value.filter(|_| is_resource) {
        Some(resource) if child.definition.name == "contained" => Scope {
            resource,
            root: scope.root,
        },
        Some(resource) => Scope {
            resource,
            root: resource,
        },
        None => scope,
    }
}
