//! Subgroups, adjusted p values and drift, against statsmodels 0.15.0 and SciPy 1.17.1.

use kura_evaluation::drift::{
    DriftPlan, DriftResult, Feature, FeatureValues, chi_square_homogeneity, cohen_d, drift,
    kolmogorov_smirnov, population_stability_index_numeric, wasserstein_1,
};
use kura_evaluation::interval::Level;
use kura_evaluation::multiplicity::{Multiplicity, adjust};
use kura_evaluation::observation::{ClusterId, Decision, Outcome, Scored};
use kura_evaluation::subgroup::{
    Measure, SubgroupPlan, Subgrouped, auc_by_subgroup, cochran_q, proportion_by_subgroup,
};
use kura_evaluation::warning::Warning;

use crate::close;

/// `statsmodels.stats.multitest.multipletests`.
#[test]
fn adjusted_p_values() {
    let p = [0.01, 0.02, 0.03, 0.005, 0.6, 0.04];
    for (method, expected) in [
        (
            Multiplicity::Bonferroni,
            [0.06, 0.12, 0.18, 0.03, 1.0, 0.24],
        ),
        (Multiplicity::Holm, [0.05, 0.08, 0.09, 0.03, 0.6, 0.09]),
        (Multiplicity::Hochberg, [0.05, 0.08, 0.08, 0.03, 0.6, 0.08]),
        (
            Multiplicity::BenjaminiHochberg,
            [0.03, 0.04, 0.045, 0.03, 0.6, 0.048],
        ),
    ] {
        for (found, expected) in adjust(&p, method).unwrap().iter().zip(expected) {
            close(*found, expected, 1e-12);
        }
    }
    assert!(adjust(&[f64::NAN], Multiplicity::Holm).is_err());
}

const PLAN: SubgroupPlan = SubgroupPlan {
    smallest: 20,
    multiplicity: Multiplicity::Holm,
    level: Level::NINETY_FIVE,
};

fn outcomes(name: &str, successes: u64, n: u64, start: u64) -> Vec<Subgrouped<Outcome>> {
    (0..n)
        .map(|i| Subgrouped {
            subgroup: name.to_owned(),
            observation: Outcome {
                cluster: ClusterId(start + i),
                success: i < successes,
            },
        })
        .collect()
}

#[test]
fn proportions_by_subgroup() {
    let mut all = outcomes("women", 50, 60, 0);
    all.extend(outcomes("men", 30, 60, 100));
    all.extend(outcomes("unknown", 3, 5, 200));
    let report = proportion_by_subgroup(&all, PLAN).unwrap();
    let names: Vec<&str> = report.rows.iter().map(|r| r.subgroup.as_str()).collect();
    assert_eq!(names, ["men", "unknown", "women"]);
    let unknown = &report.rows[1];
    assert_eq!(unknown.observations, 5);
    assert!(unknown.result.value().is_none() && unknown.p.is_none());
    assert!(matches!(
        report.warnings[..],
        [Warning::SmallGroup { patients: 5, .. }]
    ));
    // Pearson's χ²: 120 (50 · 30 − 10 · 30)²/(60 · 60 · 80 · 40) = 15.
    let test = report.heterogeneity.value().unwrap();
    close(test.chi_square, 15.0, 1e-12);
    assert_eq!(test.df, 1.0);
    let women = &report.rows[2];
    assert!(women.adjusted_p.unwrap() >= women.p.unwrap());
    // The same patients four times over must not make the test sharper.
    let repeated: Vec<_> = all.iter().flat_map(|o| vec![o.clone(); 4]).collect();
    let again = proportion_by_subgroup(&repeated, PLAN).unwrap();
    let test = again.heterogeneity.value().unwrap();
    close(test.chi_square, 15.0 * 59.0 / 60.0, 1e-9);
    assert!(
        again
            .warnings
            .iter()
            .any(|w| matches!(w, Warning::ClusteredObservations { .. }))
    );
}

#[test]
fn measures_of_decisions() {
    let decision = Decision {
        cluster: ClusterId(1),
        diseased: true,
        positive: false,
    };
    assert!(!Measure::Sensitivity.outcome(&decision).unwrap().success);
    assert_eq!(Measure::Specificity.outcome(&decision), None);
    assert!(
        !Measure::NegativePredictiveValue
            .outcome(&decision)
            .unwrap()
            .success
    );
    assert_eq!(Measure::PositivePredictiveValue.outcome(&decision), None);
}

#[test]
fn areas_by_subgroup() {
    let all: Vec<Subgrouped<Scored>> = (0..240u64)
        .map(|i| {
            let site = ["a", "b", "c"][i as usize % 3];
            let diseased = i % 2 == 0;
            let lift = if diseased && site != "c" { 25 } else { 0 };
            Subgrouped {
                subgroup: site.to_owned(),
                observation: Scored {
                    cluster: ClusterId(i),
                    diseased,
                    score: (i * 37 % 83 + lift) as f64,
                },
            }
        })
        .collect();
    let report = auc_by_subgroup(&all, PLAN).unwrap();
    assert_eq!(report.rows.len(), 3);
    let test = report.heterogeneity.value().unwrap();
    assert!(test.p < 0.01, "{test:?}");
    let c = &report.rows[2];
    assert!(c.result.value().unwrap().auc < 0.65 && c.adjusted_p.unwrap() < 0.05);
}

/// Two estimates: Q is the squared z of their difference.
#[test]
fn cochran() {
    let q = cochran_q(&[(0.9, 0.0004), (0.8, 0.0009)]).unwrap();
    close(q.chi_square, 0.01 / 0.0013, 1e-12);
    assert!(cochran_q(&[(0.9, 0.0)]).is_err());
}

fn samples() -> (Vec<f64>, Vec<f64>) {
    let reference = (0..150).map(|i| f64::from(i * 37 % 101) / 10.0).collect();
    let current = (0..120)
        .map(|i| f64::from(i * 53 % 97) / 9.0 + 0.4)
        .collect();
    (reference, current)
}

/// SciPy: `ks_2samp().statistic` with `kstwobign.sf`, `wasserstein_distance`,
/// `chi2_contingency(correction=False)`, `contingency.association`; the rest in NumPy.
#[test]
fn distances() {
    let (reference, current) = samples();
    let ks = kolmogorov_smirnov(&reference, &current).unwrap();
    close(ks.d, 0.1, 1e-12);
    close(ks.p, 0.517_550_663_581_875_4, 1e-10);
    close(
        wasserstein_1(&reference, &current).unwrap(),
        0.660_555_555_555_555_8,
        1e-12,
    );
    let d = cohen_d(&reference, &current).unwrap();
    close(*d.value().unwrap(), 0.218_232_605_950_467_9, 1e-12);
    let psi = population_stability_index_numeric(&reference, &current, 10).unwrap();
    close(psi, 0.079_705_558_253_179_56, 1e-12);
    let categories = chi_square_homogeneity(&[50, 30, 20], &[30, 35, 35]).unwrap();
    close(categories.chi_square, 9.475_524_475_524_477, 1e-12);
    close(categories.p, 0.008_758_223_093_980_187, 1e-13);
    close(categories.cramer_v, 0.217_664_012_591_935_8, 1e-12);
    close(
        categories.population_stability_index,
        0.187_986_012_539_449_24,
        1e-12,
    );
    // Equal values in both: no distance, and no spread to divide by.
    let flat = [1.0; 30];
    assert_eq!(wasserstein_1(&flat, &flat).unwrap(), 0.0);
    assert!(cohen_d(&flat, &flat).unwrap().value().is_none());
    assert!(kolmogorov_smirnov(&[], &flat).is_err());
}

#[test]
fn a_drift_report() {
    let (reference, current) = samples();
    let shifted: Vec<f64> = reference.iter().map(|v| v + 3.0).collect();
    let numeric = |name: &str, current: &[f64]| Feature {
        name: name.to_owned(),
        values: FeatureValues::Numeric {
            reference: reference.clone(),
            current: current.to_vec(),
        },
    };
    let features = [
        numeric("same", &current),
        numeric("shifted", &shifted),
        numeric("few", &current[..10]),
        Feature {
            name: "scanner".to_owned(),
            values: FeatureValues::Categorical {
                reference: vec![80, 20, 0],
                current: vec![30, 20, 50],
            },
        },
    ];
    let plan = DriftPlan {
        smallest: 30,
        false_discovery_rate: 0.05,
        smallest_cohen_d: 0.2,
        smallest_cramer_v: 0.1,
        smallest_psi: 0.25,
    };
    let report = drift(&features, plan).unwrap();
    let drifted: Vec<bool> = report.features.iter().map(|f| f.drifted).collect();
    assert_eq!(drifted, [false, true, false, true]);
    assert_eq!((report.drifted, report.not_judged), (2, 1));
    let Some(DriftResult::Numeric(shift)) = report.features[1].result.value() else {
        panic!("a numeric feature gives a numeric result");
    };
    close(shift.wasserstein_1, 3.0, 1e-9);
    // A test alone is no finding: the same shift counts for nothing under a larger effect.
    let lax = DriftPlan {
        smallest_cohen_d: 9.0,
        smallest_psi: 99.0,
        ..plan
    };
    assert!(!drift(&features, lax).unwrap().features[1].drifted);
}
