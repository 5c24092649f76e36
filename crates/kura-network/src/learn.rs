//! Learning: epochs over the training rows, until the patients set aside say that it is enough.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use kura_training::{
    Examples, Fit, Generator, Learner, Logistic, MAXIMUM_COLUMNS, TrainingError, TrainingFacts,
    group_split,
};

use crate::adam::AdamW;
use crate::batch::{Moved, channel_scale, even_parts, push, uniform};
use crate::layers::{Batch, Layers};
use crate::network::{ImageShape, Network};
use crate::trained::{Epoch, TrainedNetwork, check};

/// Fewer patients than this and no network is made.
pub const MINIMUM_PATIENTS: usize = 50;

// Streams of random numbers under one seed.
const WEIGHTS: u64 = 4_000;
const ORDER: u64 = 4_001;
const MOVES: u64 = 4_002;
const MASKS: u64 = 4_003;

/// Makes a network. `progress` is called after each epoch with its losses and how many epochs
/// there are at most; `cancel` is looked at before each step.
///
/// # Errors
/// [`Examples::validate`], [`Network::validate`], rows that are no images of the shape, a missing
/// value, fewer than [`MINIMUM_PATIENTS`] patients, [`TrainingError::Diverged`],
/// [`TrainingError::Cancelled`].
pub fn train(
    examples: &Examples,
    shape: ImageShape,
    network: &Network,
    seed: u64,
    progress: &mut dyn FnMut(&Epoch, usize),
    cancel: &AtomicBool,
) -> Result<TrainedNetwork, TrainingError> {
    examples.validate()?;
    let learner = ImageNetwork {
        network: network.clone(),
        shape,
    };
    learner.validate(examples)?;
    learn(examples, shape, network, seed, progress, cancel)
}

/// A network over images of one shape, as cross-validation takes it.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageNetwork {
    pub network: Network,
    pub shape: ImageShape,
}

impl Fit for ImageNetwork {
    type Fitted = TrainedNetwork;

    fn validate(&self, examples: &Examples) -> Result<(), TrainingError> {
        self.network.validate(&self.shape)?;
        check(&examples.matrix, &self.shape)?;
        let found = examples.group.iter().collect::<HashSet<_>>().len();
        if found < MINIMUM_PATIENTS {
            return Err(TrainingError::TooFew {
                what: "groups",
                needed: MINIMUM_PATIENTS,
                found,
            });
        }
        Ok(())
    }

    /// A part too small to set patients with and without the outcome aside runs all epochs.
    fn fit(
        &self,
        part: &Examples,
        seed: u64,
        cancel: &AtomicBool,
    ) -> Result<TrainedNetwork, TrainingError> {
        learn(
            part,
            self.shape,
            &self.network,
            seed,
            &mut |_, _| {},
            cancel,
        )
    }

    /// The linear probe: logistic regression on the pixels, penalised as many pixels need it.
    /// None for more pixels than it takes.
    fn baseline(&self, _examples: &Examples) -> Option<Learner> {
        (self.shape.pixels() <= MAXIMUM_COLUMNS).then(|| {
            Learner::Logistic(Logistic {
                strength: 100.0,
                ..Logistic::default()
            })
        })
    }
}

fn learn(
    part: &Examples,
    shape: ImageShape,
    network: &Network,
    seed: u64,
    progress: &mut dyn FnMut(&Epoch, usize),
    cancel: &AtomicBool,
) -> Result<TrainedNetwork, TrainingError> {
    let (mut rows, aside) = set_aside(part, network, seed);
    let weight = Weights::of(part, &rows, network.balanced);
    let (mean, deviation) = channel_scale(&part.matrix, &rows, &shape);
    let mut layers = Layers::new(
        shape.channels,
        &network.channels,
        &mut Generator::for_purpose(seed, WEIGHTS),
    );
    let mut trained = TrainedNetwork {
        network: network.clone(),
        shape,
        facts: TrainingFacts {
            rows: part.matrix.rows,
            groups: part.group.iter().collect::<HashSet<_>>().len(),
            positive_rows: part.outcome.iter().filter(|y| **y).count(),
            seed,
        },
        epochs: Vec::new(),
        kept: 0,
        mean,
        deviation,
        convolutions: Vec::new(),
        weight: Vec::new(),
        intercept: 0.0,
    };
    let mut adam = AdamW {
        learning_rate: network.learning_rate,
        weight_decay: network.weight_decay,
        steps: 0,
    };
    let mut order = Generator::for_purpose(seed, ORDER);
    let mut draws = Draws {
        moves: Generator::for_purpose(seed, MOVES),
        masks: Generator::for_purpose(seed, MASKS),
    };
    let mut best: Option<(f64, TrainedNetwork)> = None;
    for epoch in 1..=network.epochs {
        order.shuffle(&mut rows);
        let (mut sum, mut total) = (0.0, 0.0);
        for step in even_parts(&rows, network.batch) {
            if cancel.load(Ordering::Relaxed) {
                return Err(TrainingError::Cancelled);
            }
            let batch = draws.batch(part, step, &trained, &weight);
            let here: f32 = batch.weight.iter().sum();
            // Rows of weight 0 teach nothing.
            if here <= 0.0 {
                continue;
            }
            let (loss, gradients) = layers.learn(batch);
            adam.step(&mut layers.parameters, &gradients);
            sum += loss * f64::from(here);
            total += f64::from(here);
        }
        (trained.convolutions, trained.weight, trained.intercept) = layers.folded();
        trained.kept = epoch;
        let validation_loss = (!aside.is_empty()).then(|| weight.loss(&trained, part, &aside));
        let now = Epoch {
            epoch,
            training_loss: sum / total,
            validation_loss,
        };
        let judged = validation_loss.unwrap_or(now.training_loss);
        if !judged.is_finite() || !now.training_loss.is_finite() {
            return Err(TrainingError::Diverged { epoch });
        }
        trained.epochs.push(now);
        progress(&now, network.epochs);
        if validation_loss.is_none() {
            continue;
        }
        match &best {
            Some((least, kept)) if judged >= *least => {
                if epoch - kept.kept >= network.patience {
                    break;
                }
            }
            _ => best = Some((judged, trained.clone())),
        }
    }
    if let Some((_, kept)) = best {
        trained = TrainedNetwork {
            epochs: trained.epochs,
            ..kept
        };
    }
    trained.intercept = (f64::from(trained.intercept) - weight.shift()) as f32;
    Ok(trained)
}

/// Rows to learn from, and rows of other patients to stop by: none where the patients are too few
/// for both to have both outcomes.
fn set_aside(part: &Examples, network: &Network, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let all = || (0..part.matrix.rows).collect();
    if network.patience == 0 {
        return (all(), Vec::new());
    }
    let shares = [1.0 - network.validation_share, network.validation_share];
    let Ok(part_of) = group_split(&part.group, &part.outcome, &shares, seed) else {
        return (all(), Vec::new());
    };
    let of = |wanted: usize| -> Vec<usize> {
        (0..part_of.len())
            .filter(|&row| part_of[row] == wanted)
            .collect()
    };
    let (rows, aside) = (of(0), of(1));
    let both = |rows: &[usize]| {
        [true, false].iter().all(|outcome| {
            rows.iter()
                .any(|&row| part.outcome[row] == *outcome && part.weight(row) > 0.0)
        })
    };
    if both(&rows) && both(&aside) {
        (rows, aside)
    } else {
        (all(), Vec::new())
    }
}

/// What a row with, and one without the outcome weigh, besides a weight of their own.
struct Weights {
    with: f64,
    without: f64,
}

impl Weights {
    fn of(part: &Examples, rows: &[usize], balanced: bool) -> Self {
        if !balanced {
            return Self {
                with: 1.0,
                without: 1.0,
            };
        }
        let sum = |outcome: bool| -> f64 {
            rows.iter()
                .filter(|row| part.outcome[**row] == outcome)
                .map(|row| part.weight(*row))
                .sum()
        };
        let (with, without) = (sum(true), sum(false));
        let half = (with + without) / 2.0;
        Self {
            with: half / with,
            without: half / without,
        }
    }

    fn row(&self, part: &Examples, row: usize) -> f64 {
        part.weight(row)
            * if part.outcome[row] {
                self.with
            } else {
                self.without
            }
    }

    /// By how much weighing raised the log-odds (King and Zeng 2001, eq. 7).
    fn shift(&self) -> f64 {
        (self.with / self.without).ln()
    }

    /// Weighted mean log-loss of a network on rows.
    fn loss(&self, network: &TrainedNetwork, part: &Examples, rows: &[usize]) -> f64 {
        let margins = network.margins(&part.matrix, rows);
        let (mut sum, mut total) = (0.0, 0.0);
        for (&row, margin) in rows.iter().zip(margins) {
            let weight = self.row(part, row);
            let towards = f64::from(if part.outcome[row] { margin } else { -margin });
            // −log σ(x), without overflow.
            sum += weight * ((-towards.abs()).exp().ln_1p() + (-towards).max(0.0));
            total += weight;
        }
        sum / total
    }
}

/// What is drawn while learning.
struct Draws {
    moves: Generator,
    masks: Generator,
}

impl Draws {
    fn batch(
        &mut self,
        part: &Examples,
        rows: &[usize],
        trained: &TrainedNetwork,
        weight: &Weights,
    ) -> Batch {
        let (network, shape) = (&trained.network, &trained.shape);
        let mut pixels = Vec::with_capacity(rows.len() * shape.pixels());
        for &row in rows {
            let moved = Moved::draw(&network.augmentation, &mut self.moves);
            let scale = (&trained.mean[..], &trained.deviation[..]);
            push(&mut pixels, part.matrix.row(row), shape, scale, moved);
        }
        let channels = network.channels.last().copied().unwrap_or(0);
        let kept = (1.0 / (1.0 - network.dropout)) as f32;
        Batch {
            pixels,
            shape: [rows.len(), shape.channels, shape.height, shape.width],
            sign: rows
                .iter()
                .map(|&row| if part.outcome[row] { 1.0 } else { -1.0 })
                .collect(),
            weight: rows
                .iter()
                .map(|&row| weight.row(part, row) as f32)
                .collect(),
            mask: (0..rows.len() * channels)
                .map(|_| {
                    if uniform(&mut self.masks) < network.dropout {
                        0.0
                    } else {
                        kept
                    }
                })
                .collect(),
        }
    }
}
