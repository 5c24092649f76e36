//! Cross-validation with the comparisons that keep it honest.

use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use crate::baseline::{prevalence, single_feature};
use crate::error::{TrainingError, require};
use crate::fit::{Fit, Predict};
use crate::metric::{auc, brier};
use crate::model::train_part;
use crate::random::Generator;
use crate::split::Folds;
use crate::table::{Examples, group_indices};

/// What is computed besides the folds themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CrossValidationOptions {
    pub seed: u64,
    /// Shares of each fold's training groups to learn from, ascending; empty for no curve.
    pub learning_curve: Vec<f64>,
    /// How often the outcome is shuffled and everything repeated; 0 for never.
    pub shuffles: usize,
}

impl Default for CrossValidationOptions {
    fn default() -> Self {
        Self {
            seed: 0,
            learning_curve: vec![0.1, 0.25, 0.5, 0.75, 1.0],
            shuffles: 3,
        }
    }
}

/// Predictions for rows by models that saw no row of their group, and how good they are. Each row
/// counts once, whatever its weight in training.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OutOfFold {
    /// One per row.
    pub probability: Vec<f32>,
    /// Over all rows together.
    pub auc: Option<f64>,
    pub brier: f64,
    /// The mean over the folds that have both outcomes.
    pub mean_fold_auc: Option<f64>,
}

/// One fold, held out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FoldScore {
    pub fold: usize,
    pub rows: usize,
    pub groups: usize,
    pub positive_rows: usize,
    /// `None` where the fold lacks one outcome.
    pub auc: Option<f64>,
    pub brier: f64,
}

/// Means over the folds at one amount of training data.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LearningPoint {
    /// Of each fold's training groups.
    pub share: f64,
    /// Mean number of rows trained on.
    pub training_rows: f64,
    /// On the rows trained on: far above the other, the model learns by heart.
    pub training_auc: Option<f64>,
    pub validation_auc: Option<f64>,
    /// Folds that could be trained with so few rows.
    pub folds: usize,
}

/// What a model must beat to be worth having.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Baselines {
    /// The training rows' prevalence for everyone.
    pub prevalence: OutOfFold,
    /// The one feature that ranks the training rows best, in a logistic regression of its own.
    pub single_feature: OutOfFold,
    /// That feature in each fold.
    pub single_feature_names: Vec<String>,
    /// The plain learner of [`Fit::baseline`], a logistic regression; `None` where it is judged
    /// itself.
    pub logistic: Option<OutOfFold>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CrossValidation {
    /// The fold of each row.
    pub fold: Vec<usize>,
    pub result: OutOfFold,
    pub per_fold: Vec<FoldScore>,
    pub learning_curve: Vec<LearningPoint>,
    pub baselines: Baselines,
    /// The area under the curve of the same learner on each shuffled outcome. About .5, or the
    /// procedure itself tells the outcome.
    pub shuffled_auc: Vec<f64>,
}

/// Trains and judges a learner on held-out patients.
///
/// `progress` is called with (models trained, models to train). `cancel` is looked at before each
/// model; whether one that is being trained is finished first is the learner's affair.
///
/// # Errors
/// [`Examples::validate`], [`Fit::validate`], [`Folds::assign`], a share outside (0, 1],
/// [`TrainingError::Cancelled`].
pub fn cross_validate<L: Fit>(
    examples: &Examples,
    learner: &L,
    folds: &Folds,
    options: &CrossValidationOptions,
    progress: &mut dyn FnMut(usize, usize),
    cancel: &AtomicBool,
) -> Result<CrossValidation, TrainingError> {
    examples.validate()?;
    learner.validate(examples)?;
    for &share in &options.learning_curve {
        require(
            share > 0.0 && share <= 1.0,
            "a share of the learning curve",
            share,
            "above 0, at most 1",
        )?;
    }
    let fold = folds.assign(examples)?;
    let count = fold.iter().max().map_or(0, |last| last + 1);
    let plain = learner.baseline(examples);
    // The whole training data is learned from anyway.
    let smaller = options.learning_curve.iter().filter(|s| **s < 1.0).count();
    let total = count * (1 + smaller + 1 + usize::from(plain.is_some()) + options.shuffles);
    let mut pace = Pace {
        done: 0,
        total,
        progress,
        cancel,
    };
    pace.look()?;

    let mut probability = vec![0.0; examples.matrix.rows];
    let mut curve: Vec<Point> = vec![Point::default(); options.learning_curve.len()];
    let mut baselines = Collected::new(examples.matrix.rows);
    for held_out in 0..count {
        let (training, validation) = parts(&fold, held_out);
        let train_rows = examples.select(&training);
        let valid_rows = examples.select(&validation);
        let model = learner.fit(&train_rows, options.seed, cancel)?;
        pace.step()?;
        let answers = model.predict(&valid_rows.matrix)?;
        place(&mut probability, &validation, &answers);

        let order = group_order(&train_rows, options.seed, held_out);
        for (point, &share) in curve.iter_mut().zip(&options.learning_curve) {
            if share < 1.0 {
                let part = train_rows.select(&rows_of_first_groups(&train_rows, &order, share));
                // So few groups may all have one outcome; then the fold is left out of the point.
                if part.both_outcomes().is_ok() {
                    let model = learner.fit(&part, options.seed, cancel)?;
                    let valid = model.predict(&valid_rows.matrix)?;
                    point.add(&part, &model.predict(&part.matrix)?, &valid_rows, &valid);
                }
                pace.step()?;
            } else {
                let seen = model.predict(&train_rows.matrix)?;
                point.add(&train_rows, &seen, &valid_rows, &answers);
            }
        }

        let constant = prevalence(&train_rows, validation.len());
        place(&mut baselines.prevalence, &validation, &constant);
        let (name, answers) = single_feature(&train_rows, &valid_rows, options.seed)?;
        baselines.names.push(name);
        place(&mut baselines.single, &validation, &answers);
        pace.step()?;
        if let Some(plain) = &plain {
            let answers =
                train_part(&train_rows, plain, options.seed)?.predict(&valid_rows.matrix)?;
            place(&mut baselines.logistic, &validation, &answers);
            pace.step()?;
        }
    }

    let shuffled_auc = shuffled(examples, learner, folds, options, count, &mut pace)?;
    let judge = |probability: Vec<f32>| out_of_fold(examples, &fold, count, probability);
    let per_fold = (0..count)
        .map(|number| fold_score(examples, &fold, number, &probability))
        .collect();
    Ok(CrossValidation {
        result: judge(probability),
        per_fold,
        learning_curve: options
            .learning_curve
            .iter()
            .zip(curve)
            .map(|(&share, point)| point.means(share))
            .collect(),
        baselines: Baselines {
            prevalence: judge(baselines.prevalence),
            single_feature: judge(baselines.single),
            single_feature_names: baselines.names,
            logistic: plain.is_some().then(|| judge(baselines.logistic)),
        },
        shuffled_auc,
        fold,
    })
}

struct Pace<'a> {
    done: usize,
    total: usize,
    progress: &'a mut dyn FnMut(usize, usize),
    cancel: &'a AtomicBool,
}

impl Pace<'_> {
    fn look(&self) -> Result<(), TrainingError> {
        if self.cancel.load(Ordering::Relaxed) {
            return Err(TrainingError::Cancelled);
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), TrainingError> {
        self.done += 1;
        (self.progress)(self.done, self.total);
        self.look()
    }
}

struct Collected {
    prevalence: Vec<f32>,
    single: Vec<f32>,
    names: Vec<String>,
    logistic: Vec<f32>,
}

impl Collected {
    fn new(rows: usize) -> Self {
        Self {
            prevalence: vec![0.0; rows],
            single: vec![0.0; rows],
            names: Vec::new(),
            logistic: vec![0.0; rows],
        }
    }
}

/// Sums over folds for one point of the learning curve.
#[derive(Debug, Clone, Default)]
struct Point {
    folds: usize,
    rows: usize,
    training: Vec<f64>,
    validation: Vec<f64>,
}

impl Point {
    fn add(&mut self, training: &Examples, seen: &[f32], validation: &Examples, unseen: &[f32]) {
        self.folds += 1;
        self.rows += training.matrix.rows;
        self.training.extend(auc(&training.outcome, seen));
        self.validation.extend(auc(&validation.outcome, unseen));
    }

    fn means(self, share: f64) -> LearningPoint {
        LearningPoint {
            share,
            training_rows: self.rows as f64 / self.folds.max(1) as f64,
            training_auc: mean(&self.training),
            validation_auc: mean(&self.validation),
            folds: self.folds,
        }
    }
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// (rows outside the fold, rows inside).
fn parts(fold: &[usize], held_out: usize) -> (Vec<usize>, Vec<usize>) {
    (0..fold.len()).partition(|&row| fold[row] != held_out)
}

fn place(target: &mut [f32], rows: &[usize], values: &[f32]) {
    for (&row, &value) in rows.iter().zip(values) {
        target[row] = value;
    }
}

/// The training groups in random order: a larger share contains the smaller ones.
fn group_order(examples: &Examples, seed: u64, fold: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..group_indices(&examples.group).1).collect();
    Generator::for_purpose(seed, 1_000 + fold as u64).shuffle(&mut order);
    order
}

fn rows_of_first_groups(examples: &Examples, order: &[usize], share: f64) -> Vec<usize> {
    let taken = ((order.len() as f64 * share).round() as usize).max(1);
    let mut chosen = vec![false; order.len()];
    for &group in &order[..taken.min(order.len())] {
        chosen[group] = true;
    }
    let (group_of, _) = group_indices(&examples.group);
    (0..group_of.len())
        .filter(|&row| chosen[group_of[row]])
        .collect()
}

fn out_of_fold(
    examples: &Examples,
    fold: &[usize],
    count: usize,
    probability: Vec<f32>,
) -> OutOfFold {
    let per_fold: Vec<f64> = (0..count)
        .filter_map(|number| fold_score(examples, fold, number, &probability).auc)
        .collect();
    OutOfFold {
        auc: auc(&examples.outcome, &probability),
        brier: brier(&examples.outcome, &probability),
        mean_fold_auc: mean(&per_fold),
        probability,
    }
}

fn fold_score(
    examples: &Examples,
    fold: &[usize],
    number: usize,
    probability: &[f32],
) -> FoldScore {
    let rows: Vec<usize> = (0..fold.len()).filter(|&row| fold[row] == number).collect();
    let outcome: Vec<bool> = rows.iter().map(|&row| examples.outcome[row]).collect();
    let probability: Vec<f32> = rows.iter().map(|&row| probability[row]).collect();
    let groups: Vec<String> = rows
        .iter()
        .map(|&row| examples.group[row].clone())
        .collect();
    FoldScore {
        fold: number,
        rows: rows.len(),
        groups: group_indices(&groups).1,
        positive_rows: outcome.iter().filter(|y| **y).count(),
        auc: auc(&outcome, &probability),
        brier: brier(&outcome, &probability),
    }
}

/// The same learner, folds made anew, on outcomes that mean nothing.
fn shuffled<L: Fit>(
    examples: &Examples,
    learner: &L,
    folds: &Folds,
    options: &CrossValidationOptions,
    planned: usize,
    pace: &mut Pace<'_>,
) -> Result<Vec<f64>, TrainingError> {
    let mut found = Vec::new();
    let mut nonsense = examples.clone();
    for round in 0..options.shuffles {
        let mut generator = Generator::for_purpose(options.seed, 2_000 + round as u64);
        nonsense.outcome = shuffle_outcome(examples, &mut generator);
        // A shuffled outcome may leave a fold without one kind of row; then the round is skipped.
        let Ok(fold) = folds.assign(&nonsense) else {
            pace.done += planned;
            continue;
        };
        let count = fold.iter().max().map_or(0, |last| last + 1);
        let mut probability = vec![0.0; examples.matrix.rows];
        for held_out in 0..count {
            let (training, validation) = parts(&fold, held_out);
            let part = nonsense.select(&training);
            if part.both_outcomes().is_ok() {
                let model = learner.fit(&part, options.seed, pace.cancel)?;
                let answers = model.predict(&examples.matrix.select(&validation))?;
                place(&mut probability, &validation, &answers);
            }
            pace.step()?;
        }
        found.extend(auc(&nonsense.outcome, &probability));
    }
    Ok(found)
}

/// Outcomes dealt out anew: among patients where every patient has one outcome, so that rows of
/// one patient stay alike, else among rows.
fn shuffle_outcome(examples: &Examples, generator: &mut Generator) -> Vec<bool> {
    let (group_of, count) = group_indices(&examples.group);
    let mut of_group = vec![None; count];
    let mut one_each = true;
    for (&group, &y) in group_of.iter().zip(&examples.outcome) {
        one_each &= *of_group[group].get_or_insert(y) == y;
    }
    if one_each {
        generator.shuffle(&mut of_group);
        return group_of
            .iter()
            .map(|&group| of_group[group] == Some(true))
            .collect();
    }
    let mut outcome = examples.outcome.clone();
    generator.shuffle(&mut outcome);
    outcome
}
