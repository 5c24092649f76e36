//! Tables in which nobody stands alone: k-anonymity, ℓ-diversity, t-closeness and δ-presence, by
//! hierarchies of values.

mod built_in;
mod classes;
mod hierarchy;
mod local;
mod model;
mod risk;
mod search;
mod table;

pub use built_in::{BuiltIn, BuiltInError};
pub use hierarchy::{ANYTHING, Hierarchy, HierarchyError};
pub use local::{Recoded, local};
pub use model::{Ground, Model};
pub use risk::{Risk, risk, risk_of_classes};
pub use search::{Found, Goal, optimum, shown};
pub use table::{RowError, Rows, Table};
