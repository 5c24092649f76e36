//! InferRead CT Pneumonia, approved in Japan on 3 June 2020: the table of its clinical performance
//! test, 174 cases judged by radiologists. TP 28, FP 60, FN 5, TN 81.

use kura_evaluation::interval::{Interval, Level};
use kura_evaluation::observation::{ClusterId, Decision};
use kura_evaluation::table::{DiagnosticAccuracy, TwoByTwo};

const TABLE: TwoByTwo = TwoByTwo {
    true_positive: 28,
    false_positive: 60,
    false_negative: 5,
    true_negative: 81,
};

#[track_caller]
fn digits(found: f64, expected: f64, half_unit: f64) {
    assert!(
        (found - expected).abs() <= half_unit,
        "found {found}, expected {expected}"
    );
}

#[track_caller]
fn six(interval: Interval, estimate: f64, lower: f64, upper: f64) {
    digits(interval.estimate, estimate, 5e-7);
    digits(interval.lower, lower, 5e-7);
    digits(interval.upper, upper, 5e-7);
}

#[test]
fn all_published_digits() {
    let all = DiagnosticAccuracy::from_table(TABLE, Level::NINETY_FIVE).unwrap();
    let sensitivity = all.sensitivity.value().unwrap();
    six(sensitivity.wilson, 0.848485, 0.690801, 0.933495);
    six(sensitivity.clopper_pearson, 0.848485, 0.681010, 0.948911);
    let specificity = all.specificity.value().unwrap();
    six(specificity.wilson, 0.574468, 0.491949, 0.653037);
    digits(
        all.negative_predictive_value.value().unwrap().estimate,
        0.941860,
        5e-7,
    );
    digits(
        *all.diagnostic_odds_ratio.ratio.value().unwrap(),
        7.56,
        1e-12,
    );
    digits(all.kappa.value().unwrap().interval.estimate, 0.258166, 5e-7);
    assert!(all.warnings.is_empty());
}

/// statsmodels 0.15.0: `cohens_kappa` (std_kappa, std_kappa0), `Table2x2.oddsratio_confint`,
/// `confint_proportions_2indep(28, 33, 60, 141, method="newcomb")` for Youden's index; the
/// likelihood ratios by the formula of Simel et al. in NumPy; scikit-learn `matthews_corrcoef`.
#[test]
fn measures_beyond_the_published_ones() {
    let all = DiagnosticAccuracy::from_table(TABLE, Level::NINETY_FIVE).unwrap();
    let kappa = all.kappa.value().unwrap();
    digits(kappa.standard_error, KAPPA_SE, 1e-10);
    digits(kappa.standard_error_null, KAPPA_SE0, 1e-10);
    digits(*all.matthews_correlation.value().unwrap(), MCC, 1e-10);
    let dor = all.diagnostic_odds_ratio.interval.value().copied().unwrap();
    digits(dor.lower, DOR.0, 1e-8);
    digits(dor.upper, DOR.1, 1e-8);
    let plus = all.positive_likelihood_ratio.interval.value().copied();
    let plus = plus.unwrap();
    digits(plus.estimate, LRP.0, 1e-8);
    digits(plus.lower, LRP.1, 1e-8);
    digits(plus.upper, LRP.2, 1e-8);
    let minus = all.negative_likelihood_ratio.interval.value().copied();
    let minus = minus.unwrap();
    digits(minus.estimate, LRM.0, 1e-8);
    digits(minus.lower, LRM.1, 1e-8);
    digits(minus.upper, LRM.2, 1e-8);
    let youden = all.youden.value().copied().unwrap();
    digits(youden.estimate, YOUDEN.0, 1e-8);
    digits(youden.lower, YOUDEN.1, 1e-8);
    digits(youden.upper, YOUDEN.2, 1e-8);
}

const KAPPA_SE: f64 = 0.056_774_948_314_225_45;
const KAPPA_SE0: f64 = 0.059_014_202_700_563_866;
const MCC: f64 = 0.331_640_839_732_823_54;
const DOR: (f64, f64) = (2.757_814_500_887_665, 20.724_236_521_928_468);
const LRP: (f64, f64, f64) = (1.993_939_393_9, 1.568_596_003_473, 2.534_619_684_036);
const LRM: (f64, f64, f64) = (0.263_748_597_082, 0.116_186_968_387, 0.598_718_801_5);
const YOUDEN: (f64, f64, f64) = (0.422_952_933_591, 0.244_982_566_83, 0.538_710_550_159);

#[test]
fn decisions_of_different_patients_give_the_same_without_warning() {
    let mut decisions = Vec::new();
    for (n, diseased, positive) in [
        (28, true, true),
        (60, false, true),
        (5, true, false),
        (81, false, false),
    ] {
        for _ in 0..n {
            decisions.push(Decision {
                cluster: ClusterId(decisions.len() as u64),
                diseased,
                positive,
            });
        }
    }
    assert_eq!(
        DiagnosticAccuracy::from_decisions(&decisions, Level::NINETY_FIVE).unwrap(),
        DiagnosticAccuracy::from_table(TABLE, Level::NINETY_FIVE).unwrap()
    );
}

/// Every table with zero cells: what is undefined says so and no NaN or infinity reaches JSON
/// (serde_json writes those as null).
#[test]
fn zero_cells_never_leak() {
    for bits in 1..16u64 {
        let cell = |i: u64| if bits >> i & 1 == 1 { 7 + i } else { 0 };
        let table = TwoByTwo {
            true_positive: cell(0),
            false_positive: cell(1),
            false_negative: cell(2),
            true_negative: cell(3),
        };
        let all = DiagnosticAccuracy::from_table(table, Level::NINETY_FIVE).unwrap();
        let text = serde_json::to_string(&all).unwrap();
        let nulls = serde_json::to_value(&all).unwrap();
        assert!(!text.contains("NaN"), "{text}");
        check_numbers(&nulls, &format!("{table:?}"));
        if bits != 15 {
            let dor = all.diagnostic_odds_ratio;
            assert!(dor.interval.value().is_none());
            assert!(dor.interval.reason().is_some());
        }
    }
}

/// `null` is allowed only where the field is an `Option`.
fn check_numbers(value: &serde_json::Value, place: &str) {
    const OPTIONAL: [&str; 6] = [
        "clustered",
        "half_added",
        "z",
        "p",
        "design_effect",
        "intracluster_correlation",
    ];
    match value {
        serde_json::Value::Object(map) => {
            for (key, inner) in map {
                if inner.is_null() {
                    assert!(OPTIONAL.contains(&key.as_str()), "{place}.{key} is null");
                }
                check_numbers(inner, &format!("{place}.{key}"));
            }
        }
        serde_json::Value::Array(items) => {
            items.iter().for_each(|i| check_numbers(i, place));
        }
        _ => {}
    }
}
