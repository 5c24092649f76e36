//! Gradient boosted trees: grown by `forust`, kept in a form of our own.

mod ensemble;
mod grow;
mod shapley;

pub use ensemble::{Node, Tree, TreeEnsemble};
pub(crate) use grow::train;
