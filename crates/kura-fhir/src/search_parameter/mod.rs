//! Search parameters: which elements of a resource it is searched by, and their values.
//!
//! The definitions are R4's, JP Core's and those added to a bank. A parameter is a set of
//! *slots*: places in the search tables, one for each distinct expression. `Observation.patient`
//! and `Observation.subject` share a slot; the first asks only for patients in it. So a value is
//! kept once however many parameters lead to it.

mod definition;
mod extract;
pub mod form;
mod registry;
mod unit;

use kura_fhirpath::Expression;

pub use definition::{ComponentDefinition, Definition};
pub use extract::{Extracted, reference};
pub use registry::Registry;

/// How a parameter is searched. FHIR R4 search.html#ptypes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Token,
    Text,
    Date,
    Number,
    Quantity,
    Uri,
    Reference,
    Composite,
    Special,
}

impl Kind {
    /// The name in a CapabilityStatement.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Token => "token",
            Kind::Text => "string",
            Kind::Date => "date",
            Kind::Number => "number",
            Kind::Quantity => "quantity",
            Kind::Uri => "uri",
            Kind::Reference => "reference",
            Kind::Composite => "composite",
            Kind::Special => "special",
        }
    }

    /// The search table of the store that holds it. A composite lies in those of its components.
    pub fn table(self) -> &'static str {
        match self {
            Kind::Token => "ix_token",
            Kind::Text => "ix_text",
            Kind::Date => "ix_date",
            Kind::Number | Kind::Special => "ix_number",
            Kind::Quantity => "ix_quantity",
            Kind::Uri => "ix_term",
            Kind::Reference => "ix_reference",
            Kind::Composite => "",
        }
    }
}

/// One parameter of one resource type.
#[derive(Debug)]
pub struct SearchParameter {
    /// `code`: how a client names it.
    pub code: String,
    pub kind: Kind,
    /// The definition it has.
    pub url: String,
    pub slots: Vec<Slot>,
    /// Every record of the type is searched by it already.
    pub ready: bool,
    /// Types it may point at; any if empty.
    pub targets: Vec<&'static str>,
    /// A patient found here owns the resource.
    pub owner: bool,
    /// How it sounds, in Latin letters.
    pub phonetic: bool,
    pub composite: Vec<Composite>,
}

/// Where values of a parameter lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// How the store names it: `Observation.subject`.
    pub name: &'static str,
    pub kind: Kind,
    /// Of these references only those to this type.
    pub only: Option<&'static str>,
}

/// One way in which a composite is satisfied.
#[derive(Debug)]
pub struct Composite {
    /// Its components, in the order of the definition, each with the slots it lies in.
    pub components: Vec<Vec<Slot>>,
    /// Whether the values have to be of one group of the resource, such as one component of an
    /// observation; else the resource has each at most once.
    pub grouped: bool,
}

/// What is looked for in each resource of a type.
#[derive(Debug)]
struct Place {
    name: &'static str,
    kind: Kind,
    phonetic: bool,
    expression: Expression,
    /// Names of the rows that modifiers need.
    base: &'static str,
    text: &'static str,
    of_type: &'static str,
    identifier: &'static str,
    /// A patient found here owns the resource.
    owner: bool,
}

/// A group of places below one element.
#[derive(Debug)]
struct Group {
    focus: Expression,
    places: Vec<Place>,
}

/// The name of the rows that hold amounts in UCUM's base units.
pub fn base_rows(slot: &str) -> String {
    format!("{slot}:base")
}

/// The name of the rows that hold the text of the codes of a slot (`:text`).
pub fn text_rows(slot: &str) -> String {
    format!("{slot}:text")
}

/// The name of the rows that hold typed identifiers (`:of-type`).
pub fn of_type_rows(slot: &str) -> String {
    format!("{slot}:of-type")
}

/// The name of the rows that hold the identifiers of references (`:identifier`).
pub fn identifier_rows(slot: &str) -> String {
    format!("{slot}:identifier")
}
