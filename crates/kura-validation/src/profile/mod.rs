//! A profile compiled: only what it asks beyond the type it constrains, as a tree of rules.
//!
//! Every resource is held against its type first. What a profile's snapshot repeats of the type (its
//! cardinalities, invariants, bindings) is dropped when it is compiled, and branches of which
//! nothing stays are cut, so a profile costs what it adds.

mod compile;
mod slices;
mod tree;

use std::sync::{Arc, OnceLock};

use kura_fhirpath::{Expression, TypeId};
use serde_json::Value;

use crate::outcome::Severity;
use crate::terminology::ValueSet;

pub(crate) use compile::compile;

#[derive(Debug)]
pub(crate) struct Profile {
    pub(crate) url: String,
    /// The type that it constrains.
    pub(crate) kind: Option<TypeId>,
    pub(crate) root: Rules,
    /// Where an extension may stand.
    pub(crate) contexts: Vec<Context>,
    /// FHIR R4 structuredefinition-definitions.html#StructureDefinition.contextInvariant
    pub(crate) context_invariants: Vec<Arc<Invariant>>,
    /// What of it cannot be decided: the reason, which names definitions.
    pub(crate) undecided: Vec<String>,
}

#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) kind: ContextKind,
    pub(crate) expression: String,
}

/// FHIR R4 valueset-extension-context-type.html.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContextKind {
    Element,
    Extension,
    FhirPath,
}

/// What an element has to keep, beyond what its type asks. What a content reference leads to keeps
/// the rules of the type, not those that the profile adds to the element it names; so do HL7's
/// snapshots and validator.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    /// The id in its profile, for messages: `Observation.component:sys.code`.
    pub(crate) id: String,
    /// Without `[x]`.
    pub(crate) name: String,
    /// Zero when the type asks for as many.
    pub(crate) min: u32,
    /// `None` when the type allows no more.
    pub(crate) max: Option<u32>,
    /// The types that are left of a choice.
    pub(crate) types: Option<Vec<TypeId>>,
    /// Profiles of which the value has to keep one, by its type.
    pub(crate) profiles: Vec<(TypeId, Vec<ProfileRef>)>,
    /// What a Reference or canonical may point at; empty when the type's own targets are left.
    pub(crate) targets: Vec<ProfileRef>,
    pub(crate) fixed: Option<Value>,
    pub(crate) pattern: Option<Value>,
    pub(crate) min_value: Option<Value>,
    pub(crate) max_value: Option<Value>,
    pub(crate) max_length: Option<usize>,
    pub(crate) binding: Option<Binding>,
    pub(crate) invariants: Vec<Arc<Invariant>>,
    pub(crate) children: Vec<Rules>,
    pub(crate) slicing: Option<Slicing>,
}

impl Rules {
    /// Whether an element on its own has nothing to keep.
    pub(crate) fn is_empty(&self) -> bool {
        self.types.is_none()
            && self.profiles.is_empty()
            && self.targets.is_empty()
            && self.fixed.is_none()
            && self.pattern.is_none()
            && self.min_value.is_none()
            && self.max_value.is_none()
            && self.max_length.is_none()
            && self.binding.is_none()
            && self.invariants.is_empty()
            && self.children.is_empty()
    }
}

/// A profile by its URL, looked up when it is first needed.
#[derive(Debug)]
pub(crate) struct ProfileRef {
    pub(crate) url: String,
    pub(crate) cell: OnceLock<Option<Arc<Profile>>>,
}

impl ProfileRef {
    pub(crate) fn new(url: &str) -> ProfileRef {
        ProfileRef {
            url: url.to_owned(),
            cell: OnceLock::new(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Invariant {
    pub(crate) key: String,
    pub(crate) severity: Severity,
    pub(crate) human: String,
    /// `None` when the text is no FHIRPath that is understood here.
    pub(crate) expression: Option<Expression>,
}

impl Invariant {
    pub(crate) fn read(json: &Value) -> Option<Invariant> {
        let text = json["expression"].as_str()?;
        Some(Invariant {
            key: json["key"].as_str().unwrap_or_default().to_owned(),
            severity: match json["severity"].as_str() {
                Some("warning") => Severity::Warning,
                _ => Severity::Error,
            },
            human: json["human"].as_str().unwrap_or_default().to_owned(),
            expression: Expression::parse(corrected(json, text)).ok(),
        })
    }
}

/// Invariants that R4 published with expressions that yield nothing, or compare types that are
/// never alike, on what they mean to allow; with what they became in R4B and R5.
const CORRECTED: &[(&str, &str)] = &[
    // Without a fullUrl or a probability there is nothing to hold.
    (
        "bdl-8",
        "fullUrl.exists() implies fullUrl.contains('/_history/').not()",
    ),
    (
        "ras-2",
        "probability.empty() or ((probability is decimal) implies ((probability as decimal) <= 100))",
    ),
    // `Boolean` is the type of FHIRPath, the answer is one of FHIR.
    ("que-7", "operator = 'exists' implies (answer is boolean)"),
];

fn corrected<'t>(json: &Value, text: &'t str) -> &'t str {
    let found = CORRECTED.iter().find(|(key, _)| json["key"] == *key);
    found.map_or(text, |(_, corrected)| corrected)
}

/// FHIR R4 valueset-binding-strength.html; preferred and example bind nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strength {
    Required,
    Extensible,
}

#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) strength: Strength,
    pub(crate) url: String,
    /// Compiled when it is first needed; `None` when it is not loaded.
    pub(crate) cell: OnceLock<Option<Arc<ValueSet>>>,
}

impl Binding {
    pub(crate) fn read(json: &Value) -> Option<Binding> {
        let strength = match json["strength"].as_str()? {
            "required" => Strength::Required,
            "extensible" => Strength::Extensible,
            _ => return None,
        };
        Some(Binding {
            strength,
            url: json["valueSet"].as_str()?.to_owned(),
            cell: OnceLock::new(),
        })
    }
}

/// FHIR R4 profiling.html#slicing.
#[derive(Debug)]
pub(crate) struct Slicing {
    pub(crate) rules: SlicingRules,
    pub(crate) is_ordered: bool,
    pub(crate) slices: Vec<Slice>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlicingRules {
    Open,
    Closed,
    OpenAtEnd,
}

#[derive(Debug)]
pub(crate) struct Slice {
    pub(crate) name: String,
    /// All have to say yes. `None` when the definitions do not say what tells the slice apart.
    pub(crate) tests: Option<Vec<Test>>,
    pub(crate) rules: Rules,
}

/// One discriminator of one slice.
#[derive(Debug)]
pub(crate) struct Test {
    pub(crate) path: Vec<Step>,
    pub(crate) is: Is,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Child(String),
    Extension(String),
    Resolve,
    OfType(String),
}

#[derive(Debug)]
pub(crate) enum Is {
    /// Equal to one, or with one in it.
    Value {
        fixed: Vec<Value>,
        patterns: Vec<Value>,
    },
    InSet(Binding),
    Exists(bool),
    Type(Vec<TypeId>),
    Profile(Vec<ProfileRef>),
}
