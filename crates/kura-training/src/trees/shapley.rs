//! What each feature adds to a row's log-odds in a tree: exact Shapley values.
//!
//! The game is the path-dependent one of S. Lundberg et al., "From local explanations to global
//! understanding with explainable AI for trees", Nat. Mach. Intell. 2 (2020), Methods, Algorithm 1:
//! where a feature is not known, both branches are taken, weighted by their cover.
//!
//! The value of a coalition is then a sum over leaves of value · Π over the features of the path of
//! oⱼ (known: does the row follow the path, 0 or 1) or zⱼ (unknown: the share of the cover that
//! follows it). For one leaf, the Shapley value of feature i is
//! value · (oᵢ − zᵢ) · Σₖ k! (m − 1 − k)! / m! · eₖ, where eₖ sums, over the sets of k others known,
//! their product. The eₖ are the coefficients of Π (zⱼ + oⱼ t). No division by o or z is needed,
//! so nothing has to be undone and no rounding builds up.

use super::ensemble::{Node, Tree, TreeEnsemble, goes_left};

/// A feature on the way to a leaf.
#[derive(Debug, Clone, Copy)]
struct Step {
    feature: usize,
    /// Does the row follow the path at all splits on this feature?
    followed: bool,
    /// The share of the cover that does.
    share: f64,
}

impl TreeEnsemble {
    /// (log-odds of an average training row, what each feature adds for this row). They sum to
    /// [`TreeEnsemble::margin`].
    pub fn shapley(&self, row: &[f32]) -> (f64, Vec<f64>) {
        let mut contributions = vec![0.0; row.len()];
        let mut base = self.base;
        for tree in &self.trees {
            let mut path = Vec::new();
            base += tree.shapley_below(0, row, &mut path, &mut contributions);
        }
        (base, contributions)
    }
}

impl Tree {
    /// Adds the contributions of the leaves below a node; returns their value averaged by cover.
    fn shapley_below(
        &self,
        at: usize,
        row: &[f32],
        path: &mut Vec<Step>,
        contributions: &mut [f64],
    ) -> f64 {
        match self.nodes[at] {
            Node::Leaf { value, .. } => {
                add_leaf(f64::from(value), path, contributions);
                f64::from(value)
            }
            Node::Split {
                feature,
                threshold,
                missing_left,
                left,
                right,
                ..
            } => {
                let goes_left = goes_left(row[feature], threshold, missing_left);
                // Shares are of the children's sum, so that they sum to 1 whatever the rounding
                // of the covers.
                let covers = [self.nodes[left].cover(), self.nodes[right].cover()];
                let total = covers[0] + covers[1];
                let mut average = 0.0;
                for (child, cover, followed) in
                    [(left, covers[0], goes_left), (right, covers[1], !goes_left)]
                {
                    let share = if total > 0.0 { cover / total } else { 0.5 };
                    let known = path.iter().position(|step| step.feature == feature);
                    let before = known.map(|place| path[place]);
                    match known {
                        Some(place) => {
                            path[place].followed &= followed;
                            path[place].share *= share;
                        }
                        None => path.push(Step {
                            feature,
                            followed,
                            share,
                        }),
                    }
                    average += share * self.shapley_below(child, row, path, contributions);
                    match (known, before) {
                        (Some(place), Some(step)) => path[place] = step,
                        _ => {
                            path.pop();
                        }
                    }
                }
                average
            }
        }
    }
}

fn add_leaf(value: f64, path: &[Step], contributions: &mut [f64]) {
    let m = path.len();
    let mut coefficients = vec![0.0; m + 1];
    for (i, step) in path.iter().enumerate() {
        let own = if step.followed { 1.0 } else { 0.0 } - step.share;
        if own == 0.0 {
            continue;
        }
        // Π over the others of (z + o t).
        coefficients.fill(0.0);
        coefficients[0] = 1.0;
        let others = path.iter().enumerate().filter(|(j, _)| *j != i);
        for (degree, (_, other)) in others.enumerate() {
            for k in (0..=degree + 1).rev() {
                let raised = if other.followed && k > 0 {
                    coefficients[k - 1]
                } else {
                    0.0
                };
                coefficients[k] = coefficients[k] * other.share + raised;
            }
        }
        // k! (m − 1 − k)! / m!, beginning with 1 / m for k = 0.
        let mut weight = 1.0 / m as f64;
        let mut sum = 0.0;
        for (k, coefficient) in coefficients[..m].iter().enumerate() {
            sum += weight * coefficient;
            if k + 1 < m {
                weight *= (k + 1) as f64 / (m - 1 - k) as f64;
            }
        }
        contributions[step.feature] += value * own * sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Generator;

    /// The value of a coalition by the definition: known features decide, others average.
    fn coalition(tree: &Tree, at: usize, row: &[f32], known: u32) -> f64 {
        match tree.nodes[at] {
            Node::Leaf { value, .. } => f64::from(value),
            Node::Split {
                feature,
                threshold,
                missing_left,
                left,
                right,
                ..
            } => {
                if known >> feature & 1 == 1 {
                    let next = if goes_left(row[feature], threshold, missing_left) {
                        left
                    } else {
                        right
                    };
                    coalition(tree, next, row, known)
                } else {
                    let (l, r) = (tree.nodes[left].cover(), tree.nodes[right].cover());
                    (l * coalition(tree, left, row, known) + r * coalition(tree, right, row, known))
                        / (l + r)
                }
            }
        }
    }

    /// A random tree over four features, repeats on one path included.
    fn random_tree(generator: &mut Generator) -> Tree {
        fn grow(nodes: &mut Vec<Node>, depth: usize, generator: &mut Generator) -> usize {
            let at = nodes.len();
            if depth == 5 || generator.below(5) == 0 && depth > 1 {
                nodes.push(Node::Leaf {
                    value: generator.below(1000) as f32 / 100.0 - 5.0,
                    cover: 1.0 + generator.below(50) as f32,
                });
                return at;
            }
            nodes.push(Node::Leaf {
                value: 0.0,
                cover: 0.0,
            });
            let left = grow(nodes, depth + 1, generator);
            let right = grow(nodes, depth + 1, generator);
            nodes[at] = Node::Split {
                feature: generator.below(4),
                threshold: generator.below(10) as f32,
                missing_left: generator.below(2) == 0,
                left,
                right,
                cover: (nodes[left].cover() + nodes[right].cover()) as f32,
            };
            at
        }
        let mut nodes = Vec::new();
        grow(&mut nodes, 0, generator);
        Tree { nodes }
    }

    /// Against the definition of L. Shapley (1953), over all 2⁴ coalitions.
    #[test]
    fn equals_the_sum_over_coalitions() {
        let mut generator = Generator::new(11);
        let weights = [0.25, 1.0 / 12.0, 1.0 / 12.0, 0.25]; // k! (3 − k)! / 4!
        for _ in 0..50 {
            let tree = random_tree(&mut generator);
            let row: Vec<f32> = (0..4)
                .map(|_| match generator.below(11) {
                    10 => f32::NAN,
                    value => value as f32,
                })
                .collect();
            let ensemble = TreeEnsemble {
                base: 0.5,
                trees: vec![tree],
            };
            let tree = &ensemble.trees[0];
            let (base, found) = ensemble.shapley(&row);
            assert!((base - 0.5 - coalition(tree, 0, &row, 0)).abs() < 1e-9);
            for (feature, found) in found.iter().enumerate() {
                let expected: f64 = (0..16u32)
                    .filter(|set| set >> feature & 1 == 0)
                    .map(|set| {
                        let with = coalition(tree, 0, &row, set | 1 << feature);
                        let without = coalition(tree, 0, &row, set);
                        weights[set.count_ones() as usize] * (with - without)
                    })
                    .sum();
                assert!((found - expected).abs() < 1e-9, "{found} {expected}");
            }
            let sum: f64 = base + found.iter().sum::<f64>();
            assert!((sum - ensemble.margin(&row)).abs() < 1e-9);
        }
    }
}
