//! Laws that hold for any data.

use kura_evaluation::agreement::{KappaWeights, Mask, cohen_kappa, mask_agreement};
use kura_evaluation::interval::Level;
use kura_evaluation::proportion::difference::{PairedCounts, UnpairedCounts};
use kura_evaluation::proportion::{Proportion, clopper_pearson, wilson};
use kura_evaluation::roc::{PartialRange, RocData};
use proptest::prelude::*;

const LEVEL: Level = Level::NINETY_FIVE;

fn two_classes() -> impl Strategy<Value = (Vec<bool>, Vec<f64>)> {
    prop::collection::vec((any::<bool>(), -6i32..6), 4..60).prop_map(|rows| {
        let mut truth: Vec<bool> = rows.iter().map(|r| r.0).collect();
        // At least two of each class.
        truth[..4].copy_from_slice(&[true, true, false, false]);
        let scores = rows.iter().map(|r| f64::from(r.1)).collect();
        (truth, scores)
    })
}

/// Mann–Whitney's U over all pairs.
fn mann_whitney(truth: &[bool], scores: &[f64]) -> f64 {
    let (mut sum, mut pairs) = (0.0, 0.0);
    for (i, &t) in truth.iter().enumerate() {
        for (j, &u) in truth.iter().enumerate() {
            if t && !u {
                pairs += 1.0;
                sum += match scores[i].total_cmp(&scores[j]) {
                    std::cmp::Ordering::Greater => 1.0,
                    std::cmp::Ordering::Equal => 0.5,
                    std::cmp::Ordering::Less => 0.0,
                };
            }
        }
    }
    sum / pairs
}

fn auc(truth: &[bool], scores: &[f64]) -> f64 {
    RocData::from_independent(truth, scores)
        .unwrap()
        .auc_value()
}

proptest! {
    #[test]
    fn area_is_mann_whitney_and_trapezoids((truth, scores) in two_classes()) {
        let data = RocData::from_independent(&truth, &scores).unwrap();
        let expected = mann_whitney(&truth, &scores);
        prop_assert!((data.auc_value() - expected).abs() < 1e-12);
        let curve = data.curve();
        let area: f64 = curve
            .windows(2)
            .map(|w| (w[0].specificity - w[1].specificity) * (w[0].sensitivity + w[1].sensitivity) / 2.0)
            .sum();
        prop_assert!((area - expected).abs() < 1e-12);
        for split in [0.3, 0.75] {
            let part = |low, high| data.partial_auc(PartialRange::Specificity { low, high }).unwrap().area;
            prop_assert!((part(0.0, split) + part(split, 1.0) - expected).abs() < 1e-12);
            let part = |low, high| data.partial_auc(PartialRange::Sensitivity { low, high }).unwrap().area;
            prop_assert!((part(0.0, split) + part(split, 1.0) - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn area_ignores_monotone_change_and_mirrors((truth, scores) in two_classes()) {
        let a = auc(&truth, &scores);
        let stretched: Vec<f64> = scores.iter().map(|s| s.exp() * 3.0 - 7.0).collect();
        prop_assert_eq!(auc(&truth, &stretched), a);
        let negated: Vec<f64> = scores.iter().map(|s| -s).collect();
        prop_assert!((auc(&truth, &negated) + a - 1.0).abs() < 1e-12);
        let swapped: Vec<bool> = truth.iter().map(|t| !t).collect();
        prop_assert!((auc(&swapped, &scores) + a - 1.0).abs() < 1e-12);
        let result = RocData::from_independent(&truth, &scores).unwrap().auc(LEVEL).unwrap();
        prop_assert!(0.0 <= result.delong.lower && result.delong.upper <= 1.0);
        prop_assert!(result.delong.contains(result.auc));
    }

    #[test]
    fn intervals_of_a_proportion(n in 1u64..5000, share in 0.0f64..=1.0) {
        let x = (share * n as f64).round() as u64;
        let p = x as f64 / n as f64;
        for interval in [wilson(x, n, LEVEL).unwrap(), clopper_pearson(x, n, LEVEL).unwrap()] {
            prop_assert!(0.0 <= interval.lower && interval.lower <= p);
            prop_assert!(p <= interval.upper && interval.upper <= 1.0);
        }
        // The mirror image has the mirrored interval.
        let (a, b) = (clopper_pearson(x, n, LEVEL).unwrap(), clopper_pearson(n - x, n, LEVEL).unwrap());
        prop_assert!((a.lower - (1.0 - b.upper)).abs() < 1e-10);
        prop_assert!(Proportion::from_counts(x, n, LEVEL).unwrap().warnings.is_empty());
    }

    #[test]
    fn differences_stay_inside_and_mirror(a in 0u64..30, b in 0u64..30, c in 0u64..30, d in 1u64..30) {
        let paired = PairedCounts { both: a, first_only: b, second_only: c, neither: d };
        let mirror = PairedCounts { first_only: c, second_only: b, ..paired };
        for (x, y) in [
            (paired.tango(LEVEL).unwrap(), mirror.tango(LEVEL).unwrap()),
            (paired.newcombe(LEVEL).unwrap(), mirror.newcombe(LEVEL).unwrap()),
        ] {
            prop_assert!(x.contains(x.estimate) && x.lower >= -1.0 - 1e-12 && x.upper <= 1.0 + 1e-12);
            prop_assert!((x.lower + y.upper).abs() < 1e-9, "{:?} {:?}", x, y);
        }
        let unpaired = UnpairedCounts {
            first_successes: a, first_trials: a + d, second_successes: b, second_trials: b + c + 1,
        };
        let turned = UnpairedCounts {
            first_successes: b, first_trials: b + c + 1, second_successes: a, second_trials: a + d,
        };
        let (x, y) = (unpaired.miettinen_nurminen(LEVEL).unwrap(), turned.miettinen_nurminen(LEVEL).unwrap());
        prop_assert!(x.contains(x.estimate) && x.lower >= -1.0 && x.upper <= 1.0);
        prop_assert!((x.lower + y.upper).abs() < 1e-7, "{:?} {:?}", x, y);
    }

    #[test]
    fn kappa_is_symmetric(cells in prop::collection::vec(0u64..20, 9)) {
        let table: Vec<Vec<u64>> = cells.chunks(3).map(Vec::from).collect();
        let turned: Vec<Vec<u64>> = (0..3).map(|j| (0..3).map(|i| table[i][j]).collect()).collect();
        for weights in [KappaWeights::None, KappaWeights::Linear, KappaWeights::Quadratic] {
            match (cohen_kappa(&table, weights, LEVEL), cohen_kappa(&turned, weights, LEVEL)) {
                (Ok(a), Ok(b)) => {
                    prop_assert!((a.interval.estimate - b.interval.estimate).abs() < 1e-12);
                    prop_assert!(a.interval.estimate <= 1.0 + 1e-12);
                    prop_assert!(a.standard_error.is_finite());
                }
                (a, b) => prop_assert_eq!(a.is_err(), b.is_err()),
            }
        }
    }

    #[test]
    fn overlap_laws(a in prop::collection::vec(any::<bool>(), 60), b in prop::collection::vec(any::<bool>(), 60)) {
        let shape = [3, 4, 5];
        let spacing = [2.0, 1.0, 0.5];
        let (first, second) = (Mask::new(&a, shape, spacing).unwrap(), Mask::new(&b, shape, spacing).unwrap());
        let x = mask_agreement(&first, &second).unwrap();
        let y = mask_agreement(&second, &first).unwrap();
        prop_assert_eq!(x.dice, y.dice);
        if let (Some(dice), Some(jaccard)) = (x.dice.value(), x.jaccard.value()) {
            prop_assert!((dice - 2.0 * jaccard / (1.0 + jaccard)).abs() < 1e-12);
        }
        if let (Some(p), Some(q)) = (x.surface.value(), y.surface.value()) {
            prop_assert_eq!(p.hausdorff, q.hausdorff);
            prop_assert!(p.hausdorff_95 <= p.hausdorff + 1e-12);
        }
    }
}
