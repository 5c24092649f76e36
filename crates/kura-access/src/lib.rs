//! Who may do what. The rules are a text in Cedar's language (`policies/access.cedar`) that a
//! board can read; this crate hands Cedar the facts of a request and remembers what it decided.
//!
//! A decision depends on facts only: role, purpose, whether two factors were shown, the action,
//! and how the person stands to the patient. There are few combinations of them, so each is
//! decided by Cedar once (about a tenth of a millisecond) and looked up from then on.

mod action;
mod fact;
mod policy;
mod table;

pub use action::Action;
pub use fact::{Asked, Relation, Relations};
pub use policy::{Decision, Policy, PolicyError, Rule};
pub use table::Row;
