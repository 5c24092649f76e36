//! The validation of one resource.

mod binding;
mod element;
mod extension;
mod matching;
mod profile;
mod reference;
mod slices;
mod structure;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, RwLock};

use kura_fhirpath::{Environment, Resolve, definitions};
use serde_json::Value;

use self::element::{Element, Path, resource_kind};
use self::reference::Index;
use crate::base::Base;
use crate::definitions::{Definitions, Kind, canonical};
use crate::outcome::{Issue, IssueCode, Outcome, Severity};
use crate::profile::{Binding, Invariant, Profile, ProfileRef, compile};
use crate::terminology::{Membership, Terminology, ValueSet};
use crate::{MAX_DEPTH, MAX_WORK};

/// How far conformance of one resource may hang on that of others.
const MAX_NESTING: usize = 24;

/// The most issues that are kept; more say nothing more.
const MAX_ISSUES: usize = 1_000;

/// Definitions with what was compiled of them. Shared among threads.
#[derive(Debug)]
pub struct Validator {
    definitions: Arc<Definitions>,
    terminology: Terminology,
    base: Base,
    profiles: RwLock<HashMap<String, Lookup>>,
}

/// A profile that was looked up: compiled, or the reason why it cannot be.
#[derive(Clone, Debug)]
pub(crate) enum Lookup {
    Found(Arc<Profile>),
    NotLoaded,
    /// It is there but cannot be compiled.
    Broken(String),
}

impl Validator {
    #[must_use]
    pub fn new(definitions: Definitions) -> Validator {
        let definitions = Arc::new(definitions);
        Validator {
            terminology: Terminology::new(Arc::clone(&definitions)),
            base: Base::read(),
            definitions,
            profiles: RwLock::default(),
        }
    }

    #[must_use]
    pub fn terminology(&self) -> &Terminology {
        &self.terminology
    }

    #[must_use]
    pub fn definitions(&self) -> &Definitions {
        &self.definitions
    }

    /// Holds a resource against its type, the profiles of its `meta.profile`, and those that are
    /// asked for by canonical URL.
    #[must_use]
    pub fn validate(&self, resource: &Value, profiles: &[&str]) -> Outcome {
        let index = Index::of(resource);
        let mut run = Run::new(self, &index);
        run.start(resource, profiles);
        run.finish()
    }

    /// The same for a resource that will be written together with others: its references may point
    /// at them.
    #[must_use]
    pub fn validate_among(
        &self,
        resource: &Value,
        profiles: &[&str],
        others: &Neighbours<'_>,
    ) -> Outcome {
        if resource.get("resourceType").and_then(Value::as_str) == Some("Bundle") {
            // A Bundle that is kept is a world of its own.
            return self.validate(resource, profiles);
        }
        let mut run = Run::new(self, &others.0);
        run.start(resource, profiles);
        run.finish()
    }

    fn lookup(&self, url: &str) -> Lookup {
        if let Ok(profiles) = self.profiles.read()
            && let Some(known) = profiles.get(url)
        {
            return known.clone();
        }
        let found = match self.definitions.get(Kind::Structure, url) {
            None => Lookup::NotLoaded,
            Some(structure) => match compile(&self.definitions, &self.base, &structure) {
                Ok(profile) => Lookup::Found(Arc::new(profile)),
                Err(error) => Lookup::Broken(error.to_string()),
            },
        };
        if let Ok(mut profiles) = self.profiles.write() {
            // What a sender names and nobody knows would fill the memory.
            if !matches!(found, Lookup::NotLoaded) {
                profiles.insert(url.to_owned(), found.clone());
            }
        }
        found
    }

    pub(crate) fn profile<'r>(&self, reference: &'r ProfileRef) -> Option<&'r Arc<Profile>> {
        let found = reference
            .cell
            .get_or_init(|| match self.lookup(&reference.url) {
                Lookup::Found(profile) => Some(profile),
                _ => None,
            });
        found.as_ref()
    }

    pub(crate) fn value_set<'b>(&self, binding: &'b Binding) -> Option<&'b Arc<ValueSet>> {
        let found = binding
            .cell
            .get_or_init(|| self.terminology.value_set(&binding.url));
        found.as_ref()
    }
}

/// The resources of one transaction, for references among them.
#[derive(Debug, Default)]
pub struct Neighbours<'a>(Index<'a>);

impl<'a> Neighbours<'a> {
    /// Resources, each with its `fullUrl` if it has one.
    pub fn new(all: impl IntoIterator<Item = (Option<&'a str>, &'a Value)>) -> Neighbours<'a> {
        Neighbours(Index::among(all))
    }
}

/// The resource around an element, and the one around that if it is contained.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) resource: &'a Value,
    pub(crate) root: &'a Value,
}

/// A question with three answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
    Unknown,
}

/// One validation under way.
pub(crate) struct Run<'v, 'a> {
    validator: &'v Validator,
    index: &'a Index<'a>,
    issues: Vec<Issue>,
    missing: BTreeSet<String>,
    undecided: bool,
    profiles: Vec<String>,
    work: u64,
    nesting: usize,
    /// Whether an element keeps a profile; `None` while it is being found out.
    conforming: HashMap<(usize, usize), Option<Answer>>,
    /// Extensions that were held against their definitions.
    extended: HashSet<usize>,
}

impl<'v, 'a> Run<'v, 'a> {
    fn new(validator: &'v Validator, index: &'a Index<'a>) -> Run<'v, 'a> {
        Run {
            validator,
            index,
            issues: Vec::new(),
            missing: BTreeSet::new(),
            undecided: false,
            profiles: Vec::new(),
            work: 0,
            nesting: 0,
            conforming: HashMap::new(),
            extended: HashSet::new(),
        }
    }

    fn start(&mut self, resource: &'a Value, asked: &[&str]) {
        let Some(kind) = resource_kind(resource) else {
            let issue = if resource.is_object() {
                (IssueCode::Structure, "resourceType names no resource of R4")
            } else {
                (IssueCode::Structure, "a resource is a JSON object")
            };
            self.issues.push(Issue {
                severity: Severity::Fatal,
                code: issue.0,
                path: "Resource".to_owned(),
                rule: "Resource".to_owned(),
                message: issue.1.to_owned(),
            });
            return;
        };
        let path = Path::root(definitions().get(kind).name, kind);
        let element = Element {
            value: Some(resource),
            companion: None,
            kind,
        };
        let scope = Scope {
            resource,
            root: resource,
        };
        self.resource(element, &path, scope, asked, 0);
    }

    fn finish(mut self) -> Outcome {
        let mut seen = HashSet::new();
        self.issues.retain(|issue| seen.insert(issue.clone()));
        Outcome {
            issues: self.issues,
            missing: self.missing,
            undecided: self.undecided,
            profiles: self.profiles,
        }
    }

    /// A resource: its type, then its profiles.
    fn resource(
        &mut self,
        element: Element<'a>,
        path: &Path<'_>,
        scope: Scope<'a>,
        asked: &[&str],
        depth: usize,
    ) {
        self.structure(element, path, scope, depth);
        let named = element
            .value
            .and_then(|value| value.get("meta")?.get("profile"));
        let named = named.and_then(Value::as_array).into_iter().flatten();
        let named = named.filter_map(Value::as_str);
        let mut held: Vec<&str> = Vec::new();
        for url in asked.iter().copied().chain(named) {
            if held.contains(&url) || held.len() > 32 {
                continue;
            }
            held.push(url);
            self.hold(element, path, scope, url, depth);
        }
        if path.above.is_none() {
            let of_type = format!("http://hl7.org/fhir/StructureDefinition/{}", path.name);
            self.profiles.push(of_type);
        }
    }

    /// A resource against one profile, by URL.
    fn hold(
        &mut self,
        element: Element<'a>,
        path: &Path<'_>,
        scope: Scope<'a>,
        url: &str,
        depth: usize,
    ) {
        let validator = self.validator;
        match validator.lookup(url) {
            Lookup::Found(profile) => {
                if path.above.is_none() {
                    self.profiles.push(profile.url.clone());
                }
                self.against(&profile, element, path, scope, depth);
            }
            Lookup::NotLoaded => {
                self.missing.insert(url.to_owned());
                self.add(
                    Severity::Warning,
                    IssueCode::NotFound,
                    path,
                    "profile",
                    "unknown profile: it is not loaded, so nothing is said of it",
                );
            }
            Lookup::Broken(reason) => {
                self.undecided = true;
                let message = format!("the profile cannot be applied: {reason}");
                let url = canonical(url).0;
                self.add(
                    Severity::Warning,
                    IssueCode::NotSupported,
                    path,
                    url,
                    &message,
                );
            }
        }
    }

    fn add(
        &mut self,
        severity: Severity,
        code: IssueCode,
        path: &Path<'_>,
        rule: &str,
        message: &str,
    ) {
        if self.issues.len() < MAX_ISSUES {
            self.issues.push(Issue {
                severity,
                code,
                path: path.to_string(),
                rule: rule.to_owned(),
                message: message.to_owned(),
            });
        }
    }

    fn error(&mut self, code: IssueCode, path: &Path<'_>, rule: &str, message: &str) {
        self.add(Severity::Error, code, path, rule, message);
    }

    /// Counts an element; false when enough was looked at.
    fn charge(&mut self, path: &Path<'_>, depth: usize) -> bool {
        self.work += 1;
        if self.work > MAX_WORK {
            if self.work == MAX_WORK + 1 {
                self.undecided = true;
                let message = "more work than one validation may take; the rest was not looked at";
                self.add(
                    Severity::Fatal,
                    IssueCode::TooCostly,
                    path,
                    "limit",
                    message,
                );
            }
            return false;
        }
        if depth > MAX_DEPTH {
            let message = "nested deeper than a resource may be";
            self.add(
                Severity::Fatal,
                IssueCode::TooCostly,
                path,
                "limit",
                message,
            );
            return false;
        }
        true
    }

    fn invariants(
        &mut self,
        invariants: &[Arc<Invariant>],
        element: Element<'a>,
        path: &Path<'_>,
        scope: Scope<'a>,
        profile: Option<&str>,
    ) {
        for invariant in invariants {
            let holds = self.holds(invariant, element, scope);
            if holds == Answer::Yes {
                continue;
            }
            let rule = match profile {
                Some(url) => format!("{url}#{}", invariant.key),
                None => invariant.key.clone(),
            };
            if holds == Answer::No {
                let message = if invariant.human.is_empty() {
                    "the invariant does not hold"
                } else {
                    &invariant.human
                };
                self.add(
                    invariant.severity,
                    IssueCode::Invariant,
                    path,
                    &rule,
                    message,
                );
            } else {
                self.undecided |= invariant.severity <= Severity::Error;
                let message = "the invariant could not be evaluated";
                self.add(
                    Severity::Information,
                    IssueCode::NotSupported,
                    path,
                    &rule,
                    message,
                );
            }
        }
    }

    fn holds(&self, invariant: &Invariant, element: Element<'a>, scope: Scope<'a>) -> Answer {
        let Some(expression) = &invariant.expression else {
            return Answer::Unknown;
        };
        let resolver = Resolver {
            validator: self.validator,
            index: self.index,
            nesting: self.nesting,
        };
        let environment = Environment {
            resource: Some(scope.resource),
            root_resource: Some(scope.root),
            resolver: Some(&resolver),
            ..Environment::default()
        };
        match expression.evaluate_on(element.item(), &environment) {
            // FHIRPath N1 section 4.5, singleton evaluation: one item that is no boolean is true.
            Ok(found) => match found.as_slice() {
                [] => Answer::No,
                [one] if one.as_bool() == Some(false) => Answer::No,
                _ => Answer::Yes,
            },
            Err(_) => Answer::Unknown,
        }
    }
}

/// What invariants may ask: resources of the Bundle, profiles, value sets.
struct Resolver<'v, 'a> {
    validator: &'v Validator,
    index: &'a Index<'a>,
    nesting: usize,
}

impl Resolve for Resolver<'_, '_> {
    fn resolve(&self, reference: &str) -> Option<&Value> {
        self.index.get(reference)
    }

    fn conforms_to(&self, resource: &Value, profile: &str) -> Option<bool> {
        let Lookup::Found(profile) = self.validator.lookup(profile) else {
            return None;
        };
        if self.nesting > MAX_NESTING {
            return None;
        }
        let kind = resource_kind(resource)?;
        let index = Index::default();
        let mut run = Run::new(self.validator, &index);
        run.nesting = self.nesting + 1;
        let element = Element {
            value: Some(resource),
            companion: None,
            kind,
        };
        let scope = Scope {
            resource,
            root: resource,
        };
        let path = Path::root(definitions().get(kind).name, kind);
        run.against(&profile, element, &path, scope, 0);
        let outcome = run.finish();
        match outcome.verdict() {
            crate::Verdict::Pass => Some(true),
            crate::Verdict::Fail => Some(false),
            crate::Verdict::Unknown => None,
        }
    }

    fn member_of(&self, coded: &Value, value_set: &str) -> Option<bool> {
        let set = self.validator.terminology.value_set(value_set)?;
        match binding::membership(coded, &set, &mut BTreeSet::new())? {
            Membership::Yes => Some(true),
            Membership::No => Some(false),
            Membership::Unknown => None,
        }
    }
}
