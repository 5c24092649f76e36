//! Bad data are refused with a message a person can act on.

use kura_evaluation::bootstrap::cluster_bootstrap;
use kura_evaluation::interval::Level;
use kura_evaluation::mrmc::{
    CovarianceMethod, EmpiricalAuc, Generalization, ReaderStudy, Reading, obuchowski_rockette,
};
use kura_evaluation::observation::{ClusterId, Outcome};
use kura_evaluation::proportion::Proportion;
use kura_evaluation::roc::{PartialRange, RocData};
use kura_evaluation::table::{DiagnosticAccuracy, TwoByTwo};
use kura_evaluation::warning::Warning;

const LEVEL: Level = Level::NINETY_FIVE;

#[track_caller]
fn says<T: std::fmt::Debug>(result: Result<T, impl std::fmt::Display>, words: &str) {
    match result {
        Ok(value) => panic!("accepted: {value:?}"),
        Err(error) => assert!(error.to_string().contains(words), "{error}"),
    }
}

#[test]
fn scores() {
    says(RocData::from_independent(&[], &[]), "no observation");
    says(
        RocData::from_independent(&[true, true], &[1.0, 2.0]),
        "only positive",
    );
    says(
        RocData::from_independent(&[true], &[1.0, 2.0]),
        "1 expected, 2 found",
    );
    says(
        RocData::from_independent(&[true, false], &[1.0, f64::NAN]),
        "index 1 is not a finite number",
    );
    let one_each = RocData::from_independent(&[true, false], &[1.0, 0.0]).unwrap();
    says(one_each.auc(LEVEL), "1 given, at least 2 needed");
    let range = PartialRange::Specificity {
        low: 0.9,
        high: 0.2,
    };
    says(one_each.partial_auc(range), "low < high");
    says(one_each.at_sensitivity(0.0, LEVEL), "above 0");
    let perfect = RocData::from_independent(&[true, true, false, false], &[3.0, 2.0, 1.0, 0.0]);
    let result = perfect.unwrap().auc(LEVEL).unwrap();
    assert!(matches!(
        result.warnings[..],
        [Warning::DegenerateVariance { .. }]
    ));
}

#[test]
fn tables_and_proportions() {
    let empty = TwoByTwo::from_decisions(&[]);
    says(
        DiagnosticAccuracy::from_table(empty, LEVEL),
        "no observation",
    );
    says(Proportion::from_outcomes(&[], LEVEL), "no observation");
    says(Level::new(95.0), "between 0 and 1");
    // One patient with many images: no variance between patients, so no clustered interval, but
    // the warning stands.
    let one = [Outcome {
        cluster: ClusterId(1),
        success: true,
    }; 10];
    let result = Proportion::from_outcomes(&one, LEVEL).unwrap();
    assert!(result.clustered.is_none());
    assert!(matches!(
        result.warnings[..],
        [
            Warning::ClusteredObservations { clusters: 1, .. },
            Warning::FewClusters { clusters: 1, .. }
        ]
    ));
    // Every patient right on every image: the interval counts patients.
    let all_right: Vec<Outcome> = (0..100)
        .map(|i| Outcome {
            cluster: ClusterId(i / 4),
            success: true,
        })
        .collect();
    let result = Proportion::from_outcomes(&all_right, LEVEL).unwrap();
    let by_patient = Proportion::from_counts(25, 25, LEVEL).unwrap();
    assert_eq!(result.interval().lower, by_patient.wilson.lower);
}

#[test]
fn reader_studies() {
    let reading = |modality, reader, case, diseased| Reading {
        modality,
        reader,
        case,
        diseased,
        rating: case as f64,
    };
    let mut readings = Vec::new();
    for modality in ["plain", "with AI"] {
        for reader in ["1", "2"] {
            for case in 0..6 {
                readings.push(reading(modality, reader, case, case > 2));
            }
        }
    }
    let study = ReaderStudy::from_readings(&readings).unwrap();
    // All figures equal 1: nothing varies, and that is said instead of 0/0.
    let result = obuchowski_rockette(
        &study,
        &EmpiricalAuc,
        CovarianceMethod::Jackknife,
        Generalization::ReadersAndCases,
        LEVEL,
    )
    .unwrap();
    assert_eq!(result.f.reason(), Some("the estimated variance is 0"));
    assert!(result.differences[0].p.value().is_none());
    let mut missing = readings.clone();
    missing.pop();
    says(
        ReaderStudy::from_readings(&missing),
        "'with AI', reader '2': a case is not rated",
    );
    let mut twice = readings.clone();
    twice.push(readings[0].clone());
    says(ReaderStudy::from_readings(&twice), "rated twice");
    let mut two_truths = readings.clone();
    two_truths[7].diseased = true;
    says(ReaderStudy::from_readings(&two_truths), "two truths");
    let one_modality = ReaderStudy::from_readings(&readings[..12]).unwrap();
    says(
        obuchowski_rockette(
            &one_modality,
            &EmpiricalAuc,
            CovarianceMethod::Jackknife,
            Generalization::ReadersAndCases,
            LEVEL,
        ),
        "modalities: 1 given",
    );
}

#[test]
fn resampling() {
    let ids: Vec<ClusterId> = (0..10).map(ClusterId).collect();
    let mean = |places: &[usize]| Some(places.len() as f64);
    says(
        cluster_bootstrap(&ids[..1], 200, 1, LEVEL, mean),
        "clusters: 1 given",
    );
    says(
        cluster_bootstrap(&ids, 10, 1, LEVEL, mean),
        "replicates: 10 given",
    );
    says(
        cluster_bootstrap(&ids, 200, 1, LEVEL, |_| None),
        "undefined on the whole data",
    );
    // Defined only when patient 0 was drawn: about a third of the replicates fail, and are counted.
    let fragile = |places: &[usize]| places.contains(&0).then_some(1.0);
    let result = cluster_bootstrap(&ids, 1000, 1, LEVEL, fragile).unwrap();
    assert!(matches!(
        result.warnings[..],
        [Warning::FailedReplicates { failed, of: 1000 }] if (300..400).contains(&failed)
    ));
}
