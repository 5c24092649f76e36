//! Coefficients against scikit-learn.

use kura_training::{Body, Learner, Logistic, Penalty, train};

use crate::support::generated;

/// Intercept, then the coefficients of the features, then of their "was missing" columns, as
/// `tests/python/reference.py` printed them (scikit-learn 1.9.1, numpy 2.4.6).
const SCIKIT_LEARN: [(Penalty, f64, [f64; 13]); 4] = [
    (
        Penalty::None,
        0.0,
        [
            -0.02239205,
            0.92750548,
            -0.54051314,
            0.30411877,
            -0.25125441,
            -0.20892988,
            -0.05473856,
            0.07000585,
            0.34304906,
            0.05125032,
            0.00191976,
            0.05117087,
            -0.02784511,
        ],
    ),
    (
        Penalty::L2,
        3.0,
        [
            -0.02243943,
            0.87643847,
            -0.51157198,
            0.28160297,
            -0.23530244,
            -0.19787656,
            -0.05145017,
            0.06454499,
            0.32157003,
            0.04920117,
            -0.00106189,
            0.04972206,
            -0.02927683,
        ],
    ),
    (
        Penalty::L1,
        6.0,
        [
            -0.02097484,
            0.78857653,
            -0.44154622,
            0.19167479,
            -0.15691634,
            -0.12233337,
            0.0,
            0.0,
            0.24803698,
            0.0,
            0.0,
            0.0,
            0.0,
        ],
    ),
    (
        Penalty::ElasticNet,
        8.0,
        [
            -0.02137213,
            0.77875746,
            -0.44540052,
            0.20669629,
            -0.17190200,
            -0.13982252,
            0.0,
            0.01329011,
            0.25922680,
            0.0,
            0.0,
            0.00194651,
            0.0,
        ],
    ),
];

#[test]
fn coefficients_are_those_of_scikit_learn() {
    let examples = generated(7, 400, 0.1);
    assert_eq!(examples.outcome.iter().filter(|y| **y).count(), 198);
    for (penalty, strength, expected) in SCIKIT_LEARN {
        let learner = Learner::Logistic(Logistic {
            penalty,
            strength,
            ..Logistic::default()
        });
        let model = train(&examples, &learner, 1).unwrap();
        let Body::Linear(linear) = &model.body else {
            panic!("not linear")
        };
        assert!(linear.converged, "{penalty:?}");
        let missing = linear
            .terms
            .iter()
            .map(|term| term.missing.map_or(0.0, |missing| missing.coefficient));
        let found: Vec<f64> = std::iter::once(linear.intercept)
            .chain(linear.terms.iter().map(|term| term.coefficient))
            .chain(missing)
            .collect();
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                (found - expected).abs() < 2e-7,
                "{penalty:?}: {found} {expected}"
            );
        }
    }
}
