//! Growing trees with `forust` and taking them over.

use forust_ml::gradientbooster::{GradientBooster, GrowPolicy};
use forust_ml::sampler::SampleMethod;

use super::ensemble::{Node, Tree, TreeEnsemble};
use crate::error::TrainingError;
use crate::learner::{Growth, Trees};
use crate::table::Examples;

pub(crate) fn train(
    examples: &Examples,
    learner: &Trees,
    seed: u64,
) -> Result<TreeEnsemble, TrainingError> {
    let matrix = &examples.matrix;
    let mut columns = Vec::with_capacity(matrix.values.len());
    for feature in 0..matrix.features.len() {
        columns.extend(matrix.column(feature).map(f64::from));
    }
    let outcome: Vec<f64> = examples
        .outcome
        .iter()
        .map(|&y| if y { 1.0 } else { 0.0 })
        .collect();
    let weight: Vec<f64> = (0..matrix.rows).map(|row| examples.weight(row)).collect();
    let mut booster = booster(learner, matrix.features.len(), seed);
    booster
        .fit(
            &forust_ml::Matrix::new(&columns, matrix.rows, matrix.features.len()),
            &outcome,
            &weight,
            None,
        )
        .map_err(|error| TrainingError::Trees {
            reason: error.to_string(),
        })?;
    Ok(take_over(&booster))
}

fn booster(learner: &Trees, features: usize, seed: u64) -> GradientBooster {
    // At least one feature per tree: a tree without any could not be grown.
    // The library rounds down; the margin keeps 1 / n · n from rounding to 0.
    let share = learner
        .feature_share
        .max((1.0 + 1e-9) / features as f64)
        .min(1.0);
    let mut booster = GradientBooster::default();
    booster.iterations = learner.iterations;
    booster.learning_rate = learner.learning_rate;
    booster.max_depth = learner.max_depth;
    booster.max_leaves = learner.max_leaves;
    booster.grow_policy = match learner.growth {
        Growth::DepthWise => GrowPolicy::DepthWise,
        Growth::LossGuide => GrowPolicy::LossGuide,
    };
    booster.min_leaf_weight = learner.min_leaf_weight;
    booster.l2 = learner.l2;
    booster.gamma = learner.min_split_gain;
    booster.subsample = learner.subsample;
    booster.sample_method = if learner.subsample < 1.0 {
        SampleMethod::Random
    } else {
        SampleMethod::None
    };
    booster.colsample_bytree = share;
    booster.nbins = learner.bins;
    booster.seed = seed;
    booster
}

/// The library's trees, each cut down to what an answer needs.
fn take_over(booster: &GradientBooster) -> TreeEnsemble {
    let trees = booster
        .trees
        .iter()
        .map(|tree| Tree {
            nodes: tree
                .nodes
                .iter()
                .map(|node| {
                    if node.is_leaf {
                        Node::Leaf {
                            value: node.weight_value,
                            cover: node.hessian_sum,
                        }
                    } else {
                        Node::Split {
                            feature: node.split_feature,
                            threshold: at_least(node.split_value),
                            missing_left: node.missing_node == node.left_child,
                            left: node.left_child,
                            right: node.right_child,
                            cover: node.hessian_sum,
                        }
                    }
                })
                .collect(),
        })
        .collect();
    TreeEnsemble {
        base: booster.base_score,
        trees,
    }
}

/// The least single precision number of at least `threshold`: a single precision x is below the
/// one exactly when it is below the other.
fn at_least(threshold: f64) -> f32 {
    let rounded = threshold as f32;
    let up = if f64::from(rounded) < threshold {
        rounded.next_up()
    } else {
        rounded
    };
    up.min(f32::MAX)
}

#[cfg(test)]
mod tests {
    use forust_ml::gradientbooster::ContributionsMethod;

    use super::*;

    /// Answers and Shapley values against the library's own, whose path weights are single
    /// precision (the values agree to that).
    #[test]
    fn answers_and_contributions_are_those_of_the_library() {
        let (rows, width) = (800, 5);
        let mut generator = crate::random::Generator::new(2);
        let mut values = Vec::new();
        let mut outcome = Vec::new();
        for _ in 0..rows {
            let row: Vec<f32> = (0..width)
                .map(|_| match generator.below(12) {
                    0 => f32::NAN,
                    _ => generator.below(1 << 20) as f32 / 1e5,
                })
                .collect();
            let lean = row[0].max(0.0) + row[1].max(0.0);
            outcome.push(if generator.below(20) as f32 <= lean {
                1.0
            } else {
                0.0
            });
            values.extend(row);
        }
        let columns: Vec<f64> = (0..width)
            .flat_map(|f| values.iter().skip(f).step_by(width).map(|v| f64::from(*v)))
            .collect();
        let learner = Trees {
            iterations: 60,
            subsample: 0.8,
            feature_share: 0.7,
            ..Trees::default()
        };
        let mut booster = booster(&learner, width, 4);
        let data = forust_ml::Matrix::new(&columns, rows, width);
        booster
            .fit(&data, &outcome, &vec![1.0; rows], None)
            .unwrap();
        let ours = take_over(&booster);
        let margins = booster.predict(&data, true);
        let contributions =
            booster.predict_contributions(&data, ContributionsMethod::Shapley, true);
        for row in 0..rows {
            let values = &values[row * width..(row + 1) * width];
            assert!((ours.margin(values) - margins[row]).abs() < 1e-9);
            let (base, found) = ours.shapley(values);
            let theirs = &contributions[row * (width + 1)..(row + 1) * (width + 1)];
            for (a, b) in found.iter().chain([&base]).zip(theirs) {
                assert!((a - b).abs() < 2e-4, "{a} {b}");
            }
            let sum = base + found.iter().sum::<f64>();
            assert!((sum - margins[row]).abs() < 1e-9, "{sum} {}", margins[row]);
        }
    }

    #[test]
    fn thresholds_keep_their_side() {
        assert_eq!(at_least(0.5), 0.5);
        assert_eq!(at_least(0.1), 0.1f32); // 0.1f32 is the next above the double 0.1
        assert_eq!(at_least(1.0 + 1e-12), 1.0f32.next_up());
        assert_eq!(at_least(f64::MAX), f32::MAX);
    }
}
