//! Trees as one `TreeEnsembleRegressor`.

use super::ML;
use super::message::{Attribute, Message, node};
use crate::trees::{Node, TreeEnsemble};

/// From `features` to `log_odds`. A split asks x < threshold (`BRANCH_LT`), true going left;
/// `nodes_missing_value_tracks_true` says where NaN goes.
pub(super) fn write(model: &TreeEnsemble) -> Message {
    let mut tree_ids = Vec::new();
    let mut node_ids = Vec::new();
    let mut feature_ids = Vec::new();
    let mut modes = Vec::new();
    let mut values = Vec::new();
    let mut true_ids = Vec::new();
    let mut false_ids = Vec::new();
    let mut missing_true = Vec::new();
    let mut target_tree_ids = Vec::new();
    let mut target_node_ids = Vec::new();
    let mut target_weights = Vec::new();
    for (tree_id, tree) in model.trees.iter().enumerate() {
        for (node_id, tree_node) in tree.nodes.iter().enumerate() {
            tree_ids.push(tree_id as i64);
            node_ids.push(node_id as i64);
            match *tree_node {
                Node::Leaf { value, .. } => {
                    feature_ids.push(0);
                    modes.push("LEAF");
                    values.push(0.0);
                    true_ids.push(0);
                    false_ids.push(0);
                    missing_true.push(0);
                    target_tree_ids.push(tree_id as i64);
                    target_node_ids.push(node_id as i64);
                    target_weights.push(value);
                }
                Node::Split {
                    feature,
                    threshold,
                    missing_left,
                    left,
                    right,
                    ..
                } => {
                    feature_ids.push(feature as i64);
                    modes.push("BRANCH_LT");
                    values.push(threshold);
                    true_ids.push(left as i64);
                    false_ids.push(right as i64);
                    missing_true.push(i64::from(missing_left));
                }
            }
        }
    }
    let targets = vec![0; target_weights.len()];
    node(
        ML,
        "TreeEnsembleRegressor",
        &["features"],
        "log_odds",
        vec![
            ("aggregate_function", Attribute::Text("SUM")),
            ("base_values", Attribute::Floats(vec![model.base as f32])),
            ("n_targets", Attribute::Integer(1)),
            ("nodes_falsenodeids", Attribute::Integers(false_ids)),
            ("nodes_featureids", Attribute::Integers(feature_ids)),
            (
                "nodes_missing_value_tracks_true",
                Attribute::Integers(missing_true),
            ),
            ("nodes_modes", Attribute::Texts(modes)),
            ("nodes_nodeids", Attribute::Integers(node_ids)),
            ("nodes_treeids", Attribute::Integers(tree_ids)),
            ("nodes_truenodeids", Attribute::Integers(true_ids)),
            ("nodes_values", Attribute::Floats(values)),
            ("post_transform", Attribute::Text("NONE")),
            ("target_ids", Attribute::Integers(targets)),
            ("target_nodeids", Attribute::Integers(target_node_ids)),
            ("target_treeids", Attribute::Integers(target_tree_ids)),
            ("target_weights", Attribute::Floats(target_weights)),
        ],
    )
}
