//! FHIRPath for FHIR R4: the grammar and functions of FHIRPath N1 2.0.0, what FHIR R4 adds
//! (<https://hl7.org/fhir/R4/fhirpath.html>), and what SQL on FHIR asks for.
//!
//! An [`Expression`] is compiled once and evaluated on borrowed `serde_json::Value`s: nothing of
//! the resource is cloned. Results are [`Item`]s: nodes with the FHIR type they are known to have,
//! or values of the system types.
//!
//! ```
//! use kura_fhirpath::{Environment, Expression};
//!
//! let expression = Expression::parse("(Observation.value as Quantity).unit")?;
//! let observation = serde_json::json!({
//!     "resourceType": "Observation",
//!     "valueQuantity": { "value": 65, "unit": "kg" }
//! });
//! let found = expression.evaluate(&observation, &Environment::default())?;
//! assert_eq!(found[0].as_str(), Some("kg"));
//! assert_eq!(found[0].type_name(), Some("string"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! No expression makes it panic or run for ever: text, depth and work are bounded
//! ([`MAX_LENGTH`], [`MAX_DEPTH`], [`MAX_WORK`]), and regular expressions take linear time.

mod check;
mod error;
mod evaluate;
mod expression;
mod functions;
mod item;
mod lexer;
mod parser;
mod quantity;
mod temporal;
mod types;

pub use error::{CheckError, EvaluationError, ParseError, Position};
pub use evaluate::{Environment, Resolve};
pub use expression::Expression;
pub use item::{Item, Node};
pub use quantity::{Quantity, Unit};
pub use rust_decimal::Decimal;
pub use temporal::{Precision, Temporal, TemporalKind};
pub use types::{Definitions, Element, ElementType, Kind, Type, TypeId, definitions};

/// The longest text of an expression, in bytes.
pub const MAX_LENGTH: usize = 64 * 1024;

/// How deep an expression, and the JSON below a node, may be nested.
pub const MAX_DEPTH: usize = 200;

/// How many steps one evaluation may take: items looked at, characters made.
pub const MAX_WORK: u64 = 20_000_000;
