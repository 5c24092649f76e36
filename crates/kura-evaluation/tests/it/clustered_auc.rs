//! Obuchowski's clustered area on 90 made-up observations of 23 patients, against double loops in
//! NumPy written from the paper.

use kura_evaluation::interval::Level;
use kura_evaluation::observation::{ClusterId, Scored};
use kura_evaluation::roc::{RocData, ScoredPair, compare_paired};
use kura_evaluation::warning::Warning;

use crate::close;

const LEVEL: Level = Level::NINETY_FIVE;

fn pairs() -> Vec<ScoredPair> {
    (0..90u64)
        .map(|i| {
            let cluster = i * 7 % 23;
            let diseased = (i * i + i / 3) % 5 < 2;
            let lift = |by: u64| if diseased { by } else { 0 };
            let common = cluster % 4 * 3;
            ScoredPair {
                cluster: ClusterId(cluster),
                diseased,
                first: (i * 31 % 47 + lift(9) + common) as f64,
                second: (i * 17 % 41 + lift(12) + common) as f64,
            }
        })
        .collect()
}

fn scored(pairs: &[ScoredPair]) -> Vec<Scored> {
    pairs
        .iter()
        .map(|p| Scored {
            cluster: p.cluster,
            diseased: p.diseased,
            score: p.first,
        })
        .collect()
}

#[test]
fn agrees_with_the_definition() {
    let pairs = pairs();
    let result = RocData::from_observations(&scored(&pairs))
        .unwrap()
        .auc(LEVEL)
        .unwrap();
    close(result.auc, 0.693_204_365_079_365_1, 1e-12);
    let clustered = result.clustered.as_ref().unwrap();
    assert_eq!(clustered.clusters, 23);
    close(clustered.standard_error, 0.061_667_589_544_358_685, 1e-12);
    assert_eq!(result.interval(), clustered.interval);
    assert!(matches!(
        result.warnings[0],
        Warning::ClusteredObservations { clusters: 23, .. }
    ));
    let comparison = compare_paired(&pairs, LEVEL).unwrap();
    let clustered = comparison.clustered.unwrap();
    close(clustered.standard_error, 0.060_389_449_553_628_974, 1e-12);
    assert_eq!(comparison.warnings.len(), 1);
}

#[test]
fn one_observation_per_patient_is_delong() {
    let mut observations = scored(&pairs());
    for (i, o) in observations.iter_mut().enumerate() {
        o.cluster = ClusterId(i as u64);
    }
    let plain = RocData::from_observations(&observations).unwrap();
    let result = plain.auc(LEVEL).unwrap();
    assert!(result.clustered.is_none() && result.warnings.is_empty());
    // Every observation twice, under the same patient: the area stays, and the clustered error is
    // that of the patients, not of the copies.
    let doubled: Vec<Scored> = observations.iter().flat_map(|o| [*o, *o]).collect();
    let twice = RocData::from_observations(&doubled)
        .unwrap()
        .auc(LEVEL)
        .unwrap();
    close(twice.auc, result.auc, 1e-14);
    close(
        twice.clustered.as_ref().unwrap().standard_error,
        result.standard_error,
        1e-12,
    );
    assert!(twice.standard_error < 0.75 * result.standard_error);
}
