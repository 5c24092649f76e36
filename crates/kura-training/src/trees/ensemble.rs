//! Trees as they are kept, asked and exported.

use serde::{Deserialize, Serialize};

/// The log-odds of a row is `base` plus one leaf of every tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreeEnsemble {
    /// The log-odds before the first tree.
    pub base: f64,
    pub trees: Vec<Tree>,
}

/// Nodes of one tree; the first is the root, children come after their parent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tree {
    pub nodes: Vec<Node>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Node {
    Leaf {
        /// Log-odds.
        value: f32,
        cover: f32,
    },
    Split {
        feature: usize,
        /// A value below goes left. Single precision holds it exactly: it is a value of the
        /// training table, or `f32::MAX` where only missing values part from the others.
        threshold: f32,
        missing_left: bool,
        left: usize,
        right: usize,
        /// Sum of p(1 − p) · weight over the training rows that came here.
        cover: f32,
    },
}

impl Node {
    pub(crate) fn cover(&self) -> f64 {
        match *self {
            Self::Leaf { cover, .. } | Self::Split { cover, .. } => f64::from(cover),
        }
    }
}

/// The child a value goes to.
pub(crate) fn goes_left(value: f32, threshold: f32, missing_left: bool) -> bool {
    if value.is_nan() {
        missing_left
    } else {
        value < threshold
    }
}

impl Tree {
    /// The leaf value of a row, log-odds.
    pub fn value(&self, row: &[f32]) -> f32 {
        let mut at = 0;
        loop {
            match self.nodes[at] {
                Node::Leaf { value, .. } => return value,
                Node::Split {
                    feature,
                    threshold,
                    missing_left,
                    left,
                    right,
                    ..
                } => {
                    at = if goes_left(row[feature], threshold, missing_left) {
                        left
                    } else {
                        right
                    }
                }
            }
        }
    }
}

impl TreeEnsemble {
    /// The log-odds of a row.
    pub fn margin(&self, row: &[f32]) -> f64 {
        let trees: f64 = self.trees.iter().map(|t| f64::from(t.value(row))).sum();
        self.base + trees
    }

    /// Whether every node points at nodes of its own tree that come later, and at features below
    /// `features`: an ensemble from a file may not, and would send a row in circles.
    pub(crate) fn is_sound(&self, features: usize) -> bool {
        self.trees.iter().all(|tree| {
            !tree.nodes.is_empty()
                && tree.nodes.iter().enumerate().all(|(at, node)| match *node {
                    Node::Leaf { .. } => true,
                    Node::Split {
                        feature,
                        left,
                        right,
                        ..
                    } => {
                        let later = at + 1..tree.nodes.len();
                        feature < features && later.contains(&left) && later.contains(&right)
                    }
                })
        })
    }
}
