//! What a model looks at: for all rows, and for one.

use serde::{Deserialize, Serialize};

use crate::error::{TrainingError, require};
use crate::metric::auc;
use crate::model::{Body, Model};
use crate::random::Generator;
use crate::table::Examples;

/// Why one row got its answer, in log-odds: `base` + Σ contributions is the row's log-odds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The log-odds before anything is known of the row.
    pub base: f64,
    /// (feature, what its value adds), largest first whatever the sign; features that add nothing
    /// are left out.
    pub contributions: Vec<(usize, f64)>,
}

impl Model {
    /// Shapley values of a row. For trees, unknown features are averaged by the training rows'
    /// cover; for a linear model, over the training rows with features taken as independent, which
    /// is exact: coefficient · (value − mean) (E. Štrumbelj and I. Kononenko, Knowl. Inf. Syst. 41
    /// (2014), eq. 8 ff.).
    ///
    /// # Panics
    /// When the row has fewer values than the model has features.
    pub fn explain(&self, row: &[f32]) -> Explanation {
        let (base, all) = match &self.body {
            Body::Linear(linear) => {
                let terms = linear.terms.iter().zip(row);
                let all = terms
                    .map(|(term, &value)| term.contribution(value))
                    .collect();
                (linear.intercept, all)
            }
            Body::Trees(trees) => trees.shapley(&row[..self.features.len()]),
        };
        let mut contributions: Vec<(usize, f64)> = all
            .into_iter()
            .enumerate()
            .filter(|(_, value)| *value != 0.0)
            .collect();
        contributions.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
        Explanation {
            base,
            contributions,
        }
    }
}

/// How much worse a model ranks rows once features are shuffled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    /// The features shuffled together.
    pub features: Vec<usize>,
    /// Mean loss of the area under the curve.
    pub auc_loss: f64,
    /// Its standard deviation over the repeats; 0 for one.
    pub deviation: f64,
}

/// Permutation importance (L. Breiman, Mach. Learn. 45 (2001), 10; as the fall of the AUC) on rows
/// the model has not seen. The features of one set move together: columns that code one thing,
/// or that follow one another closely, hide each other when moved alone.
///
/// # Errors
/// Other features than the model's, a set that names no feature of the model, no repeat, rows of
/// one outcome only.
pub fn permutation_importance(
    model: &Model,
    held_out: &Examples,
    sets: &[Vec<usize>],
    repeats: usize,
    seed: u64,
) -> Result<Vec<Importance>, TrainingError> {
    require(repeats >= 1, "repeats", repeats as f64, "at least 1")?;
    let width = model.features.len();
    for &feature in sets.iter().flatten() {
        require(
            feature < width,
            "a feature",
            feature as f64,
            "a position in the model's features",
        )?;
    }
    let area = |matrix: &crate::table::Matrix| -> Result<f64, TrainingError> {
        auc(&held_out.outcome, &model.predict(matrix)?).ok_or(TrainingError::OneClassOnly {
            present: if held_out.outcome.contains(&true) {
                "with"
            } else {
                "without"
            },
        })
    };
    crate::error::same_length("outcomes", held_out.matrix.rows, held_out.outcome.len())?;
    let whole = area(&held_out.matrix)?;
    let mut shuffled = held_out.matrix.clone();
    let mut found = Vec::with_capacity(sets.len());
    for (number, set) in sets.iter().enumerate() {
        let mut generator = Generator::for_purpose(seed, 3_000 + number as u64);
        let mut losses = Vec::with_capacity(repeats);
        for _ in 0..repeats {
            let mut order: Vec<usize> = (0..held_out.matrix.rows).collect();
            generator.shuffle(&mut order);
            for (row, &from) in order.iter().enumerate() {
                for &feature in set {
                    shuffled.values[row * width + feature] =
                        held_out.matrix.values[from * width + feature];
                }
            }
            losses.push(whole - area(&shuffled)?);
        }
        for row in 0..held_out.matrix.rows {
            for &feature in set {
                let place = row * width + feature;
                shuffled.values[place] = held_out.matrix.values[place];
            }
        }
        let mean = losses.iter().sum::<f64>() / repeats as f64;
        let squares: f64 = losses.iter().map(|loss| (loss - mean).powi(2)).sum();
        found.push(Importance {
            features: set.clone(),
            auc_loss: mean,
            deviation: if repeats > 1 {
                (squares / (repeats - 1) as f64).sqrt()
            } else {
                0.0
            },
        });
    }
    Ok(found)
}
