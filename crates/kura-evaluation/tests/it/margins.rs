//! Differences of proportions, and verdicts against a margin.

use kura_evaluation::interval::Level;
use kura_evaluation::margin::{
    Margin, PairedMethod, PairedOutcome, UnpairedMethod, Verdict, modality_difference, paired_auc,
    paired_counts, paired_outcomes, unpaired_counts,
};
use kura_evaluation::mrmc::{CovarianceMethod, EmpiricalAuc, Generalization, obuchowski_rockette};
use kura_evaluation::observation::ClusterId;
use kura_evaluation::proportion::difference::{PairedCounts, UnpairedCounts};
use kura_evaluation::roc::ScoredPair;
use kura_evaluation::warning::Warning;

use crate::close;
use crate::data::van_dyke;

const LEVEL: Level = Level::NINETY_FIVE;

fn unpaired(a: u64, m: u64, b: u64, n: u64) -> UnpairedCounts {
    UnpairedCounts {
        first_successes: a,
        first_trials: m,
        second_successes: b,
        second_trials: n,
    }
}

/// Newcombe, Stat. Med. 17 (1998) 873–890, Table II, method 10, rows 56/70 − 48/80, 9/10 − 3/10,
/// 10/10 − 0/20, 10/10 − 0/10.
#[test]
fn newcombe_1998_table_two() {
    for (counts, lower, upper) in [
        (unpaired(56, 70, 48, 80), 0.0524, 0.3339),
        (unpaired(9, 10, 3, 10), 0.1705, 0.8090),
        (unpaired(10, 10, 0, 20), 0.6791, 1.0),
        (unpaired(10, 10, 0, 10), 0.6075, 1.0),
    ] {
        let interval = counts.newcombe(LEVEL).unwrap();
        close(interval.lower, lower, 5.1e-5);
        close(interval.upper, upper, 5.1e-5);
    }
}

/// Roots of Miettinen and Nurminen's score with the restricted maximum of the likelihood found
/// numerically (`scipy.optimize`), not by their cubic.
#[test]
fn miettinen_nurminen() {
    let interval = unpaired(28, 33, 60, 141).miettinen_nurminen(LEVEL).unwrap();
    close(interval.lower, 0.247_341_434_3, 1e-8);
    close(interval.upper, 0.545_854_038_337_8, 1e-8);
    let counts = unpaired(85, 100, 80, 100);
    let margin = Margin::new(0.1, 0.025).unwrap();
    let result = unpaired_counts(&counts, UnpairedMethod::MiettinenNurminen, margin).unwrap();
    close(result.difference.lower, -0.056_820_260_715, 1e-8);
    close(result.difference.upper, 0.157_333_090_92, 1e-8);
    close(
        *result.p_non_inferiority.value().unwrap(),
        0.003_290_693_314,
        1e-9,
    );
    assert_eq!(result.verdict, Verdict::NonInferior);
    let extreme = unpaired(10, 10, 0, 10).miettinen_nurminen(LEVEL).unwrap();
    assert!(extreme.upper == 1.0 && extreme.lower > 0.5);
}

/// Counts 60, 14, 6, 20. Tango: roots of the score with the restricted maximum of the likelihood
/// found numerically (`scipy.optimize`). Newcombe: Wilson limits of statsmodels combined in NumPy.
#[test]
fn paired_differences() {
    let counts = PairedCounts {
        both: 60,
        first_only: 14,
        second_only: 6,
        neither: 20,
    };
    let tango = counts.tango(LEVEL).unwrap();
    close(tango.lower, -0.008_263_373_565_7, 1e-7);
    close(tango.upper, 0.172_682_552_126_6, 1e-7);
    let newcombe = counts.newcombe(LEVEL).unwrap();
    close(newcombe.lower, -0.008_668_943_691_118_12, 1e-12);
    close(newcombe.upper, 0.167_431_763_519_164_6, 1e-12);
    // All pairs concordant: Tango's limits are ± z²/(n + z²).
    let concordant = PairedCounts {
        both: 30,
        first_only: 0,
        second_only: 0,
        neither: 10,
    };
    let z2 = LEVEL.z() * LEVEL.z();
    let tango = concordant.tango(LEVEL).unwrap();
    close(tango.upper, z2 / (40.0 + z2), 1e-12);
    close(tango.lower, -z2 / (40.0 + z2), 1e-12);
}

#[test]
fn verdicts() {
    let margin = Margin::new(0.1, 0.025).unwrap();
    for (a, b, verdict) in [
        (95, 70, Verdict::Superior),
        (85, 80, Verdict::NonInferior),
        (80, 83, Verdict::Inconclusive),
        (50, 90, Verdict::Inferior),
    ] {
        let counts = unpaired(a, 100, b, 100);
        let result = unpaired_counts(&counts, UnpairedMethod::Newcombe, margin).unwrap();
        assert_eq!(result.verdict, verdict, "{a} {b}");
        assert_eq!(result.difference.level.get(), 0.95);
    }
    assert!(Margin::new(-0.1, 0.025).is_err());
    assert!(Margin::new(0.1, 0.6).is_err());
}

#[test]
fn repeated_pairs_widen_the_interval_and_warn() {
    let margin = Margin::new(0.1, 0.025).unwrap();
    // 50 patients, each seen four times with the same results.
    let outcomes: Vec<PairedOutcome> = (0..200)
        .map(|i| {
            let patient = i / 4;
            PairedOutcome {
                cluster: ClusterId(patient),
                new: patient % 10 != 0,
                reference: patient % 6 != 0,
            }
        })
        .collect();
    let result = paired_outcomes(&outcomes, PairedMethod::Tango, margin).unwrap();
    assert!(matches!(
        result.warnings[0],
        Warning::ClusteredObservations {
            clusters: 50,
            design_effect: Some(effect),
            ..
        } if (effect - 4.0 * 50.0 / 49.0).abs() < 1e-9
    ));
    let once: Vec<PairedOutcome> = outcomes.iter().step_by(4).copied().collect();
    let by_patient = paired_outcomes(&once, PairedMethod::Tango, margin).unwrap();
    assert!(by_patient.warnings.is_empty());
    let plain = PairedCounts::from_pairs(
        &outcomes.iter().map(|o| o.new).collect::<Vec<_>>(),
        &outcomes.iter().map(|o| o.reference).collect::<Vec<_>>(),
    )
    .unwrap();
    let plain = paired_counts(&plain, PairedMethod::Tango, margin).unwrap();
    assert!(result.difference.width() > 1.8 * plain.difference.width());
    assert!((result.difference.width() / by_patient.difference.width() - 1.0).abs() < 0.1);
}

#[test]
fn areas_against_a_margin() {
    // Two scores of 60 cases that rank them alike except for a few.
    let pairs: Vec<ScoredPair> = (0..60)
        .map(|i| {
            let diseased = i % 2 == 0;
            let base = f64::from(i * 17 % 29) + if diseased { 12.0 } else { 0.0 };
            ScoredPair {
                cluster: ClusterId(i as u64),
                diseased,
                first: base + f64::from(i % 3),
                second: base,
            }
        })
        .collect();
    let result = paired_auc(&pairs, Margin::new(0.1, 0.025).unwrap()).unwrap();
    assert_eq!(result.verdict, Verdict::NonInferior);
    let p = *result.p_non_inferiority.value().unwrap();
    assert!(p < 0.025);
    let strict = paired_auc(&pairs, Margin::new(0.0, 0.025).unwrap()).unwrap();
    assert_eq!(strict.verdict, Verdict::Inconclusive);
}

#[test]
fn a_reader_study_against_a_margin() {
    let Some(study) = van_dyke() else { return };
    let analysis = obuchowski_rockette(
        &study,
        &EmpiricalAuc,
        CovarianceMethod::Jackknife,
        Generalization::ReadersAndCases,
        LEVEL,
    )
    .unwrap();
    let difference = &analysis.differences[0];
    let narrow = modality_difference(difference, Margin::new(0.05, 0.025).unwrap()).unwrap();
    assert_eq!(narrow.verdict, Verdict::Inconclusive);
    let wide = modality_difference(difference, Margin::new(0.09, 0.025).unwrap()).unwrap();
    assert_eq!(wide.verdict, Verdict::NonInferior);
    // Half of the published two-sided p is the one-sided p of the other direction.
    close(
        *wide.p_superiority.value().unwrap(),
        1.0 - 0.051_665_69 / 2.0,
        5e-9,
    );
    assert!(modality_difference(difference, Margin::new(0.05, 0.05).unwrap()).is_err());
}
