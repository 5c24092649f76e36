//! What a network promises: the same numbers from a seed, an end when asked, refusals, an ONNX
//! that answers as it does, honest cross-validation.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kura_inference::{Model as _, OnnxModel, Tensor};
use kura_network::{ImageNetwork, ImageShape, Network, TrainedNetwork, train};
use kura_training::{
    CrossValidationOptions, Examples, Folds, GroupFolds, TrainingError, auc, cross_validate,
};

use crate::support::{SMALL, generated, quick, runtime};

fn learnt(examples: &Examples, shape: ImageShape, network: &Network, seed: u64) -> TrainedNetwork {
    let cancel = AtomicBool::new(false);
    train(examples, shape, network, seed, &mut |_, _| {}, &cancel).unwrap()
}

#[test]
fn shapes_are_told_apart_that_no_pixel_tells() {
    let training = generated(1, 400, SMALL);
    let unseen = generated(2, 400, SMALL);
    let trained = learnt(&training, SMALL, &quick(), 1);
    assert!(trained.is_sound());
    let probability = trained.predict(&unseen.matrix).unwrap();
    let area = auc(&unseen.outcome, &probability).unwrap();
    // The same bright pixels at any place: a linear probe has nothing to go by.
    let probe = kura_training::Learner::Logistic(kura_training::Logistic::default());
    let probe = kura_training::train(&training, &probe, 1).unwrap();
    let linear = auc(&unseen.outcome, &probe.predict(&unseen.matrix).unwrap()).unwrap();
    eprintln!("bars and squares: network AUC {area:.3}, linear probe {linear:.3}");
    assert!(area > 0.9, "{area}");
    assert!(linear < 0.65, "{linear}");
    let first = trained.epochs[0];
    let kept = trained.epochs[trained.kept - 1];
    assert!(kept.training_loss < first.training_loss);
    assert!(
        trained
            .epochs
            .iter()
            .all(|epoch| epoch.validation_loss >= kept.validation_loss)
    );
}

#[test]
fn a_seed_decides_every_number() {
    let examples = generated(3, 160, SMALL);
    let network = Network {
        epochs: 3,
        ..quick()
    };
    let one = learnt(&examples, SMALL, &network, 7);
    // At the same time as another: nothing is shared.
    let (again, other) = std::thread::scope(|scope| {
        let again = scope.spawn(|| learnt(&examples, SMALL, &network, 7));
        let other = scope.spawn(|| learnt(&examples, SMALL, &network, 8));
        (again.join().unwrap(), other.join().unwrap())
    });
    assert_eq!(one, again);
    assert_ne!(one.convolutions, other.convolutions);
    let kept: TrainedNetwork = serde_json::from_slice(&serde_json::to_vec(&one).unwrap()).unwrap();
    assert_eq!(kept, one);
    assert_eq!(
        kept.predict(&examples.matrix).unwrap(),
        one.predict(&examples.matrix).unwrap()
    );
}

#[test]
fn a_network_whose_parts_do_not_fit_is_not_sound() {
    let network = Network {
        epochs: 1,
        ..quick()
    };
    let trained = learnt(&generated(3, 120, SMALL), SMALL, &network, 7);
    let broken = |change: fn(&mut TrainedNetwork)| {
        let mut one = trained.clone();
        change(&mut one);
        assert!(!one.is_sound());
    };
    broken(|one| one.convolutions.truncate(1));
    broken(|one| one.convolutions[1].weight.truncate(9));
    broken(|one| one.shape.channels = 3);
    broken(|one| one.weight.push(0.0));
    broken(|one| one.deviation[0] = 0.0);
}

/// Grey and colour, more rows than are asked at once, sides that do not halve evenly.
#[test]
fn onnx_answers_as_the_network_does() {
    let Some(runtime) = runtime() else { return };
    for channels in [1, 3] {
        let shape = ImageShape { channels, ..SMALL };
        let examples = generated(4, 200, shape);
        let network = Network {
            epochs: 3,
            ..quick()
        };
        let trained = learnt(&examples, shape, &network, 5);
        let metadata = BTreeMap::from([("name".to_owned(), "bars".to_owned())]);
        let bytes = trained.to_onnx(&metadata);
        assert_eq!(bytes, trained.to_onnx(&metadata));
        let model = OnnxModel::open(runtime, &bytes).unwrap();
        assert_eq!(model.inputs()[0].name, "image");
        assert_eq!(
            model.inputs()[0].shape,
            [None, Some(channels), Some(9), Some(10)]
        );
        let unseen = generated(6, 130, shape);
        let expected = trained.predict(&unseen.matrix).unwrap();
        for rows in [1, 130] {
            let values = unseen.matrix.values[..rows * shape.pixels()].to_vec();
            let input = Tensor::new(vec![rows, channels, 9, 10], values).unwrap();
            let answers = model.run(&[input], Duration::from_secs(60)).unwrap();
            assert_eq!(answers[0].shape, [rows, 1]);
            let difference = answers[0]
                .values
                .iter()
                .zip(&expected)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f32::max);
            eprintln!("ONNX, {channels} channels, {rows} rows: difference {difference:e}");
            assert!(difference <= 1e-5, "{difference}");
        }
    }
}

/// A quarter of the rows has the outcome: learnt as if half had, answered as it is.
#[test]
fn probabilities_are_those_of_the_training_rows() {
    let all = generated(9, 800, SMALL);
    let rows: Vec<usize> = (0..800)
        .filter(|row| !all.outcome[*row] || row % 12 < 4)
        .collect();
    let examples = all.select(&rows);
    let share = examples.outcome.iter().filter(|y| **y).count() as f64 / rows.len() as f64;
    assert!(share < 0.3, "{share}");
    let trained = learnt(&examples, SMALL, &quick(), 2);
    let answered = trained.predict(&examples.matrix).unwrap();
    let mean = answered.iter().map(|p| f64::from(*p)).sum::<f64>() / rows.len() as f64;
    eprintln!("share with the outcome {share:.3}, mean probability {mean:.3}");
    assert!((mean - share).abs() < 0.1, "{mean} {share}");
}

#[test]
fn it_ends_when_asked() {
    let examples = generated(3, 160, SMALL);
    let cancel = AtomicBool::new(false);
    let mut epochs = 0;
    let mut progress = |epoch: &kura_network::Epoch, most: usize| {
        epochs = epoch.epoch;
        assert_eq!(most, 12);
        cancel.store(epoch.epoch == 2, Ordering::Relaxed);
    };
    let result = train(&examples, SMALL, &quick(), 1, &mut progress, &cancel);
    assert_eq!(result, Err(TrainingError::Cancelled));
    assert_eq!(epochs, 2);
}

#[test]
fn what_cannot_be_learnt_is_refused() {
    let cancel = AtomicBool::new(false);
    let refusal = |examples: &Examples, shape: ImageShape, network: &Network| {
        train(examples, shape, network, 1, &mut |_, _| {}, &cancel).unwrap_err()
    };
    let examples = generated(3, 160, SMALL);
    let none = Network {
        epochs: 0,
        ..quick()
    };
    assert!(matches!(
        refusal(&examples, SMALL, &none),
        TrainingError::OutOfRange { what: "epochs", .. }
    ));
    let wide = ImageShape { width: 11, ..SMALL };
    assert!(matches!(
        refusal(&examples, wide, &quick()),
        TrainingError::Length {
            what: "pixels",
            expected: 99,
            found: 90
        }
    ));
    let few = examples.select(&(0..98).collect::<Vec<_>>());
    assert_eq!(
        refusal(&few, SMALL, &quick()),
        TrainingError::TooFew {
            what: "groups",
            needed: 50,
            found: 49
        }
    );
    let mut gap = examples.clone();
    gap.matrix.values[95] = f32::NAN;
    assert_eq!(
        refusal(&gap, SMALL, &quick()),
        TrainingError::Missing {
            feature: "pixel_0_5".into(),
            row: 1
        }
    );
    let mut alike = examples.clone();
    alike.outcome.fill(true);
    assert!(matches!(
        refusal(&alike, SMALL, &quick()),
        TrainingError::OneClassOnly { .. }
    ));
    let trained = learnt(
        &examples,
        SMALL,
        &Network {
            epochs: 1,
            ..quick()
        },
        1,
    );
    let other = generated(3, 60, wide);
    assert!(trained.predict(&other.matrix).is_err());
}

#[test]
fn cross_validation_judges_it_beside_the_linear_probe() {
    let examples = generated(5, 240, SMALL);
    let learner = ImageNetwork {
        network: Network {
            epochs: 6,
            ..quick()
        },
        shape: SMALL,
    };
    let folds = Folds::Groups(GroupFolds {
        k: 3,
        stratified: true,
        seed: 2,
    });
    let options = CrossValidationOptions {
        seed: 2,
        // The smallest share has too few patients to set some aside.
        learning_curve: vec![0.05, 0.5, 1.0],
        shuffles: 1,
    };
    let mut seen = Vec::new();
    let found = cross_validate(
        &examples,
        &learner,
        &folds,
        &options,
        &mut |done, total| seen.push((done, total)),
        &AtomicBool::new(false),
    )
    .unwrap();
    // 3 folds × (the network, 2 smaller shares, one pixel, the probe) + 3 of a shuffled outcome.
    assert_eq!(seen.last(), Some(&(18, 18)));
    let probe = found.baselines.logistic.expect("the linear probe");
    eprintln!(
        "bars and squares, 3 folds: network {:?}, probe {:?}, shuffled {:?}",
        found.result.auc, probe.auc, found.shuffled_auc
    );
    assert!(found.result.auc > probe.auc);
    assert!(
        found
            .shuffled_auc
            .iter()
            .all(|area| (area - 0.5).abs() < 0.2)
    );

    let cancel = AtomicBool::new(false);
    let stopped = cross_validate(
        &examples,
        &learner,
        &folds,
        &options,
        &mut |_, _| cancel.store(true, Ordering::Relaxed),
        &cancel,
    );
    assert_eq!(stopped, Err(TrainingError::Cancelled));
}
