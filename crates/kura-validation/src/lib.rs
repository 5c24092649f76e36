//! Whether a FHIR R4 resource conforms to its type and to profiles
//! (<https://hl7.org/fhir/R4/validation.html>).
//!
//! R4's own definitions are built in; packages add theirs. A [`Validator`] compiles what it needs
//! once and may be shared among threads.
//!
//! ```
//! use kura_validation::{Definitions, Validator, Verdict};
//!
//! let validator = Validator::new(Definitions::r4());
//! let observation = serde_json::json!({
//!     "resourceType": "Observation",
//!     "status": "done",
//!     "code": { "text": "weight" }
//! });
//! let outcome = validator.validate(&observation, &[]);
//! assert_eq!(outcome.verdict(), Verdict::Fail);
//! let issue = outcome.errors().next().ok_or("an error")?;
//! assert_eq!(issue.path, "Observation.status");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What would be needed to be certain and is not loaded (a value set, a code system, a profile)
//! makes the verdict [`Verdict::Unknown`], never a pass. No message repeats a value of the resource.

mod base;
mod definitions;
mod outcome;
mod primitive;
mod profile;
mod snapshot;
mod terminology;
mod validate;

pub use definitions::Definitions;
pub use outcome::{Issue, IssueCode, Outcome, Severity, Verdict};
pub use snapshot::SnapshotError;
pub use terminology::{
    Ask, CodeSystem, Concept, ConceptMap, Designation, Expansion, InSystem, Match, Member,
    Membership, Product, Property, Subsumption, Target, Terminology, Unknown, ValueSet,
};
pub use validate::{Neighbours, Validator};

/// How deep the JSON of a resource may be nested.
pub const MAX_DEPTH: usize = 100;

/// How many elements one validation may look at, profiles and slices counted each.
pub const MAX_WORK: u64 = 5_000_000;

/// The elements that a StructureDefinition's differential and its base make.
///
/// # Errors
///
/// A definition that it builds on is not loaded, or the differential does not fit its base.
pub fn snapshot(
    definitions: &Definitions,
    structure: &serde_json::Value,
) -> Result<Vec<serde_json::Value>, SnapshotError> {
    snapshot::generate(definitions, structure, 0)
}
