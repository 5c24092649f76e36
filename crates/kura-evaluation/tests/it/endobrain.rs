//! EndoBRAIN's published sensitivity, 96.9 % (95.8–97.8): Kudo et al., Clin. Gastroenterol.
//! Hepatol. 18 (2020) 1874–1881. With 65 neoplastic lesions, 63 found is the only count that
//! rounds to it, and the interval is that of 1,260 of 1,300: each lesion counted twenty times.

use kura_evaluation::bootstrap::cluster_bootstrap;
use kura_evaluation::interval::Level;
use kura_evaluation::observation::{ClusterId, Decision, Outcome};
use kura_evaluation::proportion::Proportion;
use kura_evaluation::table::DiagnosticAccuracy;
use kura_evaluation::warning::Warning;

fn images() -> Vec<Outcome> {
    (0..1300)
        .map(|i| Outcome {
            cluster: ClusterId(i / 20),
            success: i / 20 < 63,
        })
        .collect()
}

fn percent(value: f64) -> String {
    format!("{:.1}", 100.0 * value)
}

#[test]
fn published_interval_counts_each_lesion_twenty_times() {
    let by_image = Proportion::from_counts(1260, 1300, Level::NINETY_FIVE).unwrap();
    assert_eq!(percent(by_image.estimate), "96.9");
    // The published limits are Clopper–Pearson's; Wilson's upper limit would be 97.7.
    assert_eq!(percent(by_image.clopper_pearson.lower), "95.8");
    assert_eq!(percent(by_image.clopper_pearson.upper), "97.8");
    assert_eq!(percent(by_image.wilson.upper), "97.7");
    let by_lesion = Proportion::from_counts(63, 65, Level::NINETY_FIVE).unwrap();
    assert_eq!(percent(by_lesion.clopper_pearson.lower), "89.3");
    assert_eq!(percent(by_lesion.clopper_pearson.upper), "99.6");
}

#[test]
fn the_warning_fires_and_the_clustered_interval_is_that_of_lesions() {
    let by_lesion = Proportion::from_counts(63, 65, Level::NINETY_FIVE).unwrap();
    let by_image = Proportion::from_outcomes(&images(), Level::NINETY_FIVE).unwrap();
    let clustered = by_image.clustered.clone().unwrap();
    assert_eq!((clustered.clusters, clustered.largest_cluster), (65, 20));
    assert!(matches!(
        by_image.warnings[..],
        [Warning::ClusteredObservations {
            observations: 1300,
            clusters: 65,
            largest_cluster: 20,
            design_effect: Some(effect),
            ..
        }] if effect > 19.0 && effect < 21.0
    ));
    // Effective sample n(m − 1)/(20 m) = 64 instead of 65: the limits move by a tenth of a percent.
    assert!((clustered.effective_observations - 64.0).abs() < 1e-9);
    let interval = by_image.interval();
    assert_eq!(interval, clustered.rao_scott_wilson);
    assert!((interval.lower - by_lesion.wilson.lower).abs() < 0.002);
    assert!((interval.upper - by_lesion.wilson.upper).abs() < 0.001);
    assert!((clustered.korn_graubard.lower - by_lesion.clopper_pearson.lower).abs() < 0.01);
    assert!((clustered.korn_graubard.upper - by_lesion.clopper_pearson.upper).abs() < 0.002);
    assert!((clustered.intracluster_correlation.unwrap() - 1.0).abs() < 1e-12);
}

#[test]
fn the_warning_fires_in_the_table_too() {
    let decisions: Vec<Decision> = images()
        .iter()
        .map(|o| Decision {
            cluster: o.cluster,
            diseased: true,
            positive: o.success,
        })
        .collect();
    let all = DiagnosticAccuracy::from_decisions(&decisions, Level::NINETY_FIVE).unwrap();
    assert!(all.warnings.iter().any(|w| matches!(
        w,
        Warning::ClusteredObservations {
            quantity: "sensitivity",
            ..
        }
    )));
    assert!(all.warnings[0].to_string().contains("too narrow"));
}

#[test]
fn the_cluster_bootstrap_agrees() {
    let data = images();
    let ids: Vec<ClusterId> = data.iter().map(|o| o.cluster).collect();
    let mean = |positions: &[usize]| {
        let successes = positions.iter().filter(|&&i| data[i].success).count();
        Some(successes as f64 / positions.len() as f64)
    };
    let result = cluster_bootstrap(&ids, 2000, 7, Level::NINETY_FIVE, mean).unwrap();
    let by_lesion = (63.0 / 65.0 * 2.0 / 65.0 / 65.0_f64).sqrt();
    assert!((result.standard_error / by_lesion - 1.0).abs() < 0.05);
    let again = cluster_bootstrap(&ids, 2000, 7, Level::NINETY_FIVE, mean).unwrap();
    assert_eq!(result, again);
}
