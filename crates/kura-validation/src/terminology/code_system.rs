//! A code system: its codes, their order above one another, their properties.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use serde::Deserialize;
use serde_json::Value;

use super::grammar::{Grammar, grammar};
use super::{Membership, Subsumption};

/// How deep the concepts of a code system may be nested.
const MAX_DEPTH: usize = 64;

/// Systems of others, and how many codes they have at least.
const LARGE: &[(&str, usize)] = &[
    ("http://loinc.org", 50_000),
    ("http://snomed.info/sct", 100_000),
];

/// What R4's code systems call a property by, if not by the code of the same name (FHIR R4
/// codesystem-concept-properties.html).
const PROPERTIES: &str = "http://hl7.org/fhir/concept-properties#";

/// A code system, compiled: what its concepts are, kept small.
#[derive(Debug)]
pub struct CodeSystem {
    pub(crate) url: String,
    version: Option<String>,
    name: Option<String>,
    hierarchy: Option<String>,
    /// Whether all its codes are listed (FHIR R4 codesystem-content-mode.html).
    pub(crate) is_complete: bool,
    ignores_case: bool,
    codes: Vec<Code>,
    by_code: HashMap<Box<str>, usize>,
    /// Properties, for the numbers that concepts carry.
    properties: Vec<Named>,
    grammar: Option<Grammar>,
    /// What was last asked for of the hierarchy: a filter asks it of every code.
    asked: RwLock<Option<Asked>>,
}

/// The way, from where, and what lies there.
type Asked = (Way, usize, Arc<HashSet<usize>>);

/// Along a hierarchy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Up,
    Down,
}

#[derive(Debug)]
struct Named {
    code: String,
    /// R4's own name, where the code system says that it is one of R4's.
    standard: Option<String>,
}

impl Named {
    fn is(&self, name: &str) -> bool {
        self.code == name || self.standard.as_deref() == Some(name)
    }
}

#[derive(Debug)]
struct Code {
    code: Box<str>,
    display: Option<Box<str>>,
    definition: Option<Box<str>>,
    parents: Vec<usize>,
    designations: Box<[Designation]>,
    properties: Box<[(u16, Property)]>,
}

/// Another name of a concept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Designation {
    /// BCP 47.
    pub language: Option<Box<str>>,
    /// A Coding.
    pub usage: Option<Box<Value>>,
    pub value: Box<str>,
}

/// The value of a property, by its type.
#[derive(Clone, Debug, PartialEq)]
pub enum Property {
    Code(Box<str>),
    String(Box<str>),
    DateTime(Box<str>),
    Boolean(bool),
    /// Integers and decimals, as they were written.
    Integer(Box<str>),
    Decimal(Box<str>),
    Coding(Box<Value>),
}

impl Property {
    fn read(json: &Value) -> Option<Property> {
        let (key, value) = json
            .as_object()?
            .iter()
            .find(|(key, _)| key.starts_with("value"))?;
        let text = || value.as_str().map(Box::from);
        Some(match key.as_str() {
            "valueCode" => Property::Code(text()?),
            "valueString" => Property::String(text()?),
            "valueDateTime" => Property::DateTime(text()?),
            "valueBoolean" => Property::Boolean(value.as_bool()?),
            "valueInteger" => Property::Integer(value.as_number()?.to_string().into()),
            "valueDecimal" => Property::Decimal(value.as_number()?.to_string().into()),
            "valueCoding" => Property::Coding(Box::new(value.clone())),
            _ => return None,
        })
    }

    /// What a filter compares.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Property::Code(text)
            | Property::String(text)
            | Property::DateTime(text)
            | Property::Integer(text)
            | Property::Decimal(text) => Cow::Borrowed(text),
            Property::Boolean(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
            Property::Coding(coding) => Cow::Borrowed(coding["code"].as_str().unwrap_or_default()),
        }
    }

    /// The element of `value[x]` and its value, as FHIR writes it.
    #[must_use]
    pub fn to_json(&self) -> (&'static str, Value) {
        let number = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
        match self {
            Property::Code(text) => ("valueCode", Value::from(&**text)),
            Property::String(text) => ("valueString", Value::from(&**text)),
            Property::DateTime(text) => ("valueDateTime", Value::from(&**text)),
            Property::Boolean(value) => ("valueBoolean", Value::from(*value)),
            Property::Integer(text) => ("valueInteger", number(text)),
            Property::Decimal(text) => ("valueDecimal", number(text)),
            Property::Coding(coding) => ("valueCoding", (**coding).clone()),
        }
    }
}

/// A CodeSystem as JSON has it; what is of another type than FHIR says counts as not there.
#[derive(Deserialize)]
pub(crate) struct Written {
    #[serde(default)]
    url: Value,
    #[serde(default)]
    version: Value,
    #[serde(default)]
    name: Value,
    #[serde(default)]
    content: Value,
    #[serde(default, rename = "caseSensitive")]
    case_sensitive: Value,
    #[serde(default, rename = "hierarchyMeaning")]
    hierarchy: Value,
    #[serde(default)]
    property: Value,
    #[serde(default)]
    concept: Option<Vec<Node>>,
}

/// One concept, made small as soon as it is read.
#[derive(Deserialize)]
#[serde(from = "WrittenConcept")]
struct Node {
    code: Option<Box<str>>,
    display: Option<Box<str>>,
    definition: Option<Box<str>>,
    designations: Box<[Designation]>,
    properties: Vec<(Box<str>, Property)>,
    below: Vec<Node>,
}

#[derive(Deserialize)]
struct WrittenConcept {
    #[serde(default)]
    code: Value,
    #[serde(default)]
    display: Value,
    #[serde(default)]
    definition: Value,
    #[serde(default)]
    designation: Value,
    #[serde(default)]
    property: Value,
    #[serde(default)]
    concept: Option<Vec<Node>>,
}

impl From<WrittenConcept> for Node {
    fn from(json: WrittenConcept) -> Node {
        let text = |value: &Value| value.as_str().map(Box::from);
        let properties = json.property.as_array().into_iter().flatten();
        let properties = properties.filter_map(|one| {
            let code = one["code"].as_str()?;
            Some((code.into(), Property::read(one)?))
        });
        Node {
            code: text(&json.code),
            display: text(&json.display),
            definition: text(&json.definition),
            designations: designations(&json.designation),
            properties: properties.collect(),
            below: json.concept.unwrap_or_default(),
        }
    }
}

/// `designation` of a concept, here or in a value set.
pub(super) fn designations(json: &Value) -> Box<[Designation]> {
    let all = json.as_array().into_iter().flatten();
    let all = all.filter_map(|one| {
        Some(Designation {
            language: one["language"].as_str().map(Box::from),
            usage: one.get("use").cloned().map(Box::new),
            value: one["value"].as_str()?.into(),
        })
    });
    all.collect()
}

impl CodeSystem {
    pub(crate) fn read(json: &Value) -> Option<CodeSystem> {
        Written::deserialize(json).ok().map(CodeSystem::of)
    }

    pub(crate) fn of(json: Written) -> CodeSystem {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let url = text(&json.url).unwrap_or_default();
        let mut system = CodeSystem {
            grammar: grammar(&url),
            version: text(&json.version),
            name: text(&json.name),
            hierarchy: text(&json.hierarchy),
            is_complete: json.content == "complete",
            ignores_case: json.case_sensitive == false,
            codes: Vec::new(),
            by_code: HashMap::new(),
            properties: Vec::new(),
            asked: RwLock::default(),
            url,
        };
        system.take(json.concept.unwrap_or_default(), None, 0);
        system.name_properties(&json.property);
        system.link_parents();
        // Packages carry stubs of systems of others that say they are complete: JP-CLINS 1.5.2 has
        // two codes as `http://loinc.org`.
        let least = LARGE.iter().find(|(url, _)| *url == system.url);
        system.is_complete &= system.codes.len() >= least.map_or(1, |(_, least)| *least);
        system
    }

    fn take(&mut self, nodes: Vec<Node>, parent: Option<usize>, depth: usize) {
        if depth > MAX_DEPTH {
            self.is_complete &= nodes.is_empty();
            return;
        }
        for node in nodes {
            let Some(code) = node.code else {
                continue;
            };
            let at = self.codes.len();
            let properties = node.properties.into_iter();
            let properties =
                properties.filter_map(|(name, value)| Some((self.property_number(&name)?, value)));
            let properties = properties.collect();
            let key = self.key(&code).into();
            self.codes.push(Code {
                code,
                display: node.display,
                definition: node.definition,
                parents: parent.into_iter().collect(),
                designations: node.designations,
                properties,
            });
            self.by_code.entry(key).or_insert(at);
            self.take(node.below, Some(at), depth + 1);
        }
    }

    fn property_number(&mut self, name: &str) -> Option<u16> {
        let known = self.properties.iter().position(|one| one.code == name);
        let at = known.unwrap_or_else(|| {
            self.properties.push(Named {
                code: name.to_owned(),
                standard: None,
            });
            self.properties.len() - 1
        });
        u16::try_from(at).ok()
    }

    /// A property that the code system says is one of R4's is known by R4's name too.
    fn name_properties(&mut self, stated: &Value) {
        for one in stated.as_array().into_iter().flatten() {
            let Some(standard) = one["uri"]
                .as_str()
                .and_then(|uri| uri.strip_prefix(PROPERTIES))
            else {
                continue;
            };
            let code = one["code"].as_str().unwrap_or_default();
            for named in self.properties.iter_mut().filter(|one| one.code == code) {
                named.standard = Some(standard.to_owned());
            }
        }
    }

    /// FHIR R4 codesystem-concept-properties.html: `parent`, `child`; v3 code systems have
    /// `subsumedBy`.
    fn link_parents(&mut self) {
        let mut links = Vec::new();
        for (at, code) in self.codes.iter().enumerate() {
            for (property, value) in &code.properties {
                let named = &self.properties[usize::from(*property)];
                let (is_parent, is_child) = (
                    named.is("parent") || named.is("subsumedBy"),
                    named.is("child"),
                );
                if !is_parent && !is_child {
                    continue;
                }
                match self.position(&value.text()) {
                    Some(other) if is_child => links.push((other, at)),
                    Some(other) => links.push((at, other)),
                    None => {}
                }
            }
        }
        for (at, parent) in links {
            if at != parent && !self.codes[at].parents.contains(&parent) {
                self.codes[at].parents.push(parent);
            }
        }
    }

    fn key<'c>(&self, code: &'c str) -> Cow<'c, str> {
        if self.ignores_case {
            Cow::Owned(code.to_lowercase())
        } else {
            Cow::Borrowed(code)
        }
    }

    pub(crate) fn position(&self, code: &str) -> Option<usize> {
        self.by_code.get(&*self.key(code)).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.codes.len()
    }

    pub(super) fn code(&self, at: usize) -> &str {
        &self.codes[at].code
    }

    pub(super) fn parents(&self, at: usize) -> &[usize] {
        &self.codes[at].parents
    }

    /// Its canonical URL.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// The name for machines; R4 asks for one where a concept is looked up.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Whether all its codes are loaded.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// What it means that a code lies below another one (FHIR R4
    /// codesystem-hierarchy-meaning.html).
    #[must_use]
    pub fn hierarchy(&self) -> Option<&str> {
        self.hierarchy.as_deref()
    }

    #[must_use]
    pub fn get(&self, code: &str) -> Option<InSystem<'_>> {
        self.position(code).map(|at| self.at(at))
    }

    pub(crate) fn at(&self, at: usize) -> InSystem<'_> {
        InSystem { system: self, at }
    }

    /// Whether a code is one of the system's.
    #[must_use]
    pub fn contains(&self, code: &str) -> Membership {
        if self.position(code).is_some() {
            return Membership::Yes;
        }
        match self.grammar {
            _ if self.is_complete => Membership::No,
            Some(grammar) => Membership::of(grammar(code)),
            None => Membership::Unknown,
        }
    }

    /// How the first code lies to the second.
    #[must_use]
    pub fn subsumes(&self, code: &str, other: &str) -> Subsumption {
        let (Some(one), Some(two)) = (self.position(code), self.position(other)) else {
            return Subsumption::Unknown;
        };
        if one == two {
            Subsumption::Equivalent
        } else if self.is_below(two, one) {
            Subsumption::Subsumes
        } else if self.is_below(one, two) {
            Subsumption::SubsumedBy
        } else if self.is_complete {
            Subsumption::NotSubsumed
        } else {
            Subsumption::Unknown
        }
    }

    /// Whether a code lies below another one, at any distance.
    pub(crate) fn is_below(&self, at: usize, above: usize) -> bool {
        self.all(Way::Up, at).contains(&above)
    }

    /// All codes above or below one, at any distance.
    pub(super) fn all(&self, way: Way, from: usize) -> Arc<HashSet<usize>> {
        if let Some((known, at, all)) = &*self.asked.read().unwrap_or_else(PoisonError::into_inner)
            && (*known, *at) == (way, from)
        {
            return Arc::clone(all);
        }
        let mut children: HashMap<usize, Vec<usize>> = HashMap::new();
        if way == Way::Down {
            for (at, code) in self.codes.iter().enumerate() {
                for &parent in &code.parents {
                    children.entry(parent).or_default().push(at);
                }
            }
        }
        let mut found = HashSet::new();
        let mut waiting = vec![from];
        while let Some(one) = waiting.pop() {
            let next: &[usize] = match way {
                Way::Up => &self.codes[one].parents,
                Way::Down => children.get(&one).map_or(&[], Vec::as_slice),
            };
            for &next in next {
                if found.insert(next) {
                    waiting.push(next);
                }
            }
        }
        let found = Arc::new(found);
        *self.asked.write().unwrap_or_else(PoisonError::into_inner) =
            Some((way, from, Arc::clone(&found)));
        found
    }

    /// The values of a property, or of the display, which filters may name too.
    pub(super) fn values<'a>(
        &'a self,
        at: usize,
        property: &'a str,
    ) -> impl Iterator<Item = Cow<'a, str>> {
        let code = &self.codes[at];
        let display = code.display.as_deref().filter(|_| property == "display");
        let all = self.at(at).named(property);
        all.map(Property::text).chain(display.map(Cow::Borrowed))
    }
}

/// A concept of a code system.
#[derive(Clone, Copy, Debug)]
pub struct InSystem<'s> {
    system: &'s CodeSystem,
    at: usize,
}

impl<'s> InSystem<'s> {
    fn own(self) -> &'s Code {
        &self.system.codes[self.at]
    }

    #[must_use]
    pub fn system(self) -> &'s CodeSystem {
        self.system
    }

    #[must_use]
    pub fn code(self) -> &'s str {
        &self.own().code
    }

    #[must_use]
    pub fn display(self) -> Option<&'s str> {
        self.own().display.as_deref()
    }

    #[must_use]
    pub fn definition(self) -> Option<&'s str> {
        self.own().definition.as_deref()
    }

    #[must_use]
    pub fn designations(self) -> &'s [Designation] {
        &self.own().designations
    }

    /// Properties by the codes that the system has for them.
    pub fn properties(self) -> impl Iterator<Item = (&'s str, &'s Property)> {
        let all = self.own().properties.iter();
        all.map(move |(name, value)| {
            let named = &self.system.properties[usize::from(*name)];
            (named.code.as_str(), value)
        })
    }

    /// The values of one property, by the system's code for it or R4's name.
    fn named(self, property: &'s str) -> impl Iterator<Item = &'s Property> {
        let all = self.own().properties.iter();
        let all =
            all.filter(move |(name, _)| self.system.properties[usize::from(*name)].is(property));
        all.map(|(_, value)| value)
    }

    /// The concepts right above it.
    pub fn parents(self) -> impl Iterator<Item = InSystem<'s>> {
        self.own().parents.iter().map(|at| self.system.at(*at))
    }

    /// The concepts right below it, in the order of the system.
    pub fn children(self) -> impl Iterator<Item = InSystem<'s>> {
        let all = 0..self.system.codes.len();
        all.map(|at| self.system.at(at))
            .filter(move |one| one.own().parents.contains(&self.at))
    }

    fn says(self, property: &'s str, value: &str) -> bool {
        self.named(property).any(|found| found.text() == value)
    }

    /// It groups others and is not to be chosen itself (`notSelectable`).
    #[must_use]
    pub fn is_abstract(self) -> bool {
        self.says("notSelectable", "true")
    }

    /// It is no longer to be used.
    #[must_use]
    pub fn is_inactive(self) -> bool {
        self.says("inactive", "true")
            || self.says("status", "retired")
            || self.says("status", "inactive")
    }
}
