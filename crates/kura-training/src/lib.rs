//! Models from a table of numbers: trained, judged honestly, explained, given away as ONNX.
//!
//! * [`Examples`] is a table with an outcome and the patient (group) of each row.
//! * [`train`] makes a [`Model`] as a [`Learner`] says; [`Model::predict`] asks it,
//!   [`Model::to_onnx`] exports it, [`Model::explain`] tells why.
//! * [`group_split`] and [`Folds`] divide rows without parting a patient's.
//! * [`cross_validate`] judges a learner, or whatever can [`Fit`], beside plain baselines and a
//!   shuffled outcome.
//! * [`leakage`] looks for features that tell the outcome in a way they should not.
//!
//! Nothing here reads or writes a file, and everything follows from the table, the learner and a
//! seed.

mod baseline;
mod cross_validation;
mod error;
mod explanation;
mod fit;
mod image;
mod leakage;
mod learner;
mod logistic;
mod metric;
mod model;
pub mod onnx;
mod random;
mod split;
mod table;
mod trees;

pub use cross_validation::{
    Baselines, CrossValidation, CrossValidationOptions, FoldScore, LearningPoint, OutOfFold,
    cross_validate,
};
pub use error::TrainingError;
pub use explanation::{Explanation, Importance, permutation_importance};
pub use fit::{Fit, Predict};
pub use image::{images_to_matrix, planes_to_matrix};
pub use leakage::{Finding, LeakageRule, Severity, leakage, leakage_between_parts};
pub use learner::{Growth, Learner, Logistic, Penalty, Trees};
pub use logistic::{LinearModel, MAXIMUM_COLUMNS, MissingTerm, Term};
pub use metric::{auc, brier};
pub use model::{Body, Model, TrainingFacts, train};
pub use random::Generator;
pub use split::{Folds, GroupFolds, group_split};
pub use table::{Examples, Feature, MINIMUM_GROUPS, Matrix};
pub use trees::{Node, Tree, TreeEnsemble};
