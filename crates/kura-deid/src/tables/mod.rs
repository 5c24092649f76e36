//! Tables in which nobody stands alone: k-anonymity, ℓ-diversity, t-closeness and δ-presence, by
//! hierarchies of values.

mod classes;
mod hierarchy;
mod local;
mod model;
mod search;
mod table;

pub use hierarchy::{ANYTHING, Hierarchy, HierarchyError};
pub use local::{Recoded, local};
pub use model::{Ground, Model};
pub use search::{Found, Goal, optimum};
pub use table::{RowError, Rows, Table};
