//! FHIR R4: a resource as validated JSON, with views where we compute on it.
//!
//! There are no generated Rust types; see `docs/adr/0002-json-with-views.md`. The crate does no
//! I/O and knows no store.

pub mod bundle;
pub mod date;
mod fhirpath_patch;
mod json;
mod json_schema;
pub mod narrative;
pub mod outcome;
pub mod patch;
pub mod references;
pub mod resource;
pub mod romaji;
pub mod search;
pub mod search_parameter;
pub mod subset;
pub mod text;
mod types;
pub mod view;
pub mod view_definition;
pub mod xml;

pub use json_schema::json_schemas;
pub use resource::Resource;
pub use types::{RESOURCE_TYPES, resource_type};
