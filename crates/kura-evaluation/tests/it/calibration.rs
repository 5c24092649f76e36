//! Calibration of 200 made-up predictions against statsmodels 0.15.0 (GLM), scikit-learn
//! (`brier_score_loss`) and NumPy.

use kura_evaluation::calibration::{
    Binning, brier, decision_curve, hosmer_lemeshow, recalibration, reliability,
};
use kura_evaluation::interval::Level;

use crate::close;

const LEVEL: Level = Level::NINETY_FIVE;

fn data() -> (Vec<bool>, Vec<f64>) {
    let p: Vec<f64> = (0..200)
        .map(|i| (f64::from(i * 37 % 200) + 0.5) / 200.0)
        .collect();
    let y = p
        .iter()
        .enumerate()
        .map(|(i, p)| ((i * 73 + 11) % 199) as f64 + 0.5 < 199.0 * (0.2 + 0.5 * p))
        .collect();
    (y, p)
}

#[test]
fn recalibration_is_logistic_regression() {
    let (y, p) = data();
    assert_eq!(y.iter().filter(|y| **y).count(), 96);
    let r = recalibration(&y, &p, LEVEL).unwrap();
    close(r.intercept.estimate, -0.084_318_158_985_191_46, 1e-10);
    close(r.intercept.lower, -0.369_072_483_356_163, 1e-9);
    close(r.intercept.upper, 0.200_436_165_385_780_07, 1e-9);
    close(r.slope.estimate, 0.266_788_489_570_505_5, 1e-10);
    close(r.slope.lower, 0.097_229_411_448_193_14, 1e-9);
    close(r.slope.upper, 0.436_347_567_692_817_85, 1e-9);
    let shift = r.calibration_in_the_large;
    close(shift.estimate, -0.120_056_146_902_111_33, 1e-10);
    close(shift.lower, -0.459_774_431_365_583_16, 1e-9);
    close(shift.upper, 0.219_662_137_561_360_52, 1e-9);
    close(*r.observed_expected_ratio.value().unwrap(), 0.96, 1e-12);
}

#[test]
fn scores_bins_and_tests() {
    let (y, p) = data();
    for binning in [Binning::EqualWidth(10), Binning::EqualCount(10)] {
        let b = brier(&y, &p, binning, LEVEL).unwrap();
        close(b.score.estimate, 0.254_881_25, 1e-12);
        let d = b.decomposition;
        close(
            d.reliability - d.resolution + d.uncertainty + d.within_bin_variance
                - d.within_bin_covariance,
            b.score.estimate,
            1e-14,
        );
        let r = reliability(&y, &p, binning, LEVEL).unwrap();
        assert_eq!(r.bins.len(), 10);
        close(r.expected_calibration_error, 0.19, 1e-12);
        assert!(r.bins.iter().all(|b| b.observed.denominator == 20));
    }
    let fitted = hosmer_lemeshow(&y, &p, 10, true).unwrap();
    close(fitted.chi_square, 108.904_761_561_108_59, 1e-9);
    assert!((fitted.p / 6.392_480_758_058_579e-20 - 1.0).abs() < 1e-9);
    let outside = hosmer_lemeshow(&y, &p, 10, false).unwrap();
    assert!((outside.p / 8.870_914_256_768_308e-19 - 1.0).abs() < 1e-9);
    let net = decision_curve(&y, &p, &[0.35]).unwrap()[0];
    close(net.model, 0.165_384_615_384_615_44, 1e-14);
    close(net.treat_all, 0.2, 1e-14);
    assert_eq!(net.treat_none, 0.0);
}

#[test]
fn bad_predictions_are_refused_with_a_reason() {
    let (y, p) = data();
    let mut certain = p.clone();
    certain[3] = 1.0;
    let error = recalibration(&y, &certain, LEVEL).unwrap_err();
    assert!(error.to_string().contains("logit"), "{error}");
    certain[3] = f64::NAN;
    assert!(brier(&y, &certain, Binning::EqualWidth(10), LEVEL).is_err());
    certain[3] = 1.5;
    assert!(reliability(&y, &certain, Binning::EqualWidth(10), LEVEL).is_err());
    assert!(recalibration(&[true; 4], &p[..4], LEVEL).is_err());
    // Perfect separation has no finite fit.
    let apart = [0.1, 0.2, 0.8, 0.9];
    assert!(recalibration(&[false, false, true, true], &apart, LEVEL).is_err());
    assert!(decision_curve(&y, &p, &[0.0]).is_err());
}

#[test]
fn ties_stay_in_one_bin() {
    let p = [0.2, 0.2, 0.2, 0.2, 0.7, 0.9];
    let y = [false, true, false, false, true, true];
    let r = reliability(&y, &p, Binning::EqualCount(3), LEVEL).unwrap();
    let sizes: Vec<u64> = r.bins.iter().map(|b| b.observed.denominator).collect();
    assert_eq!(sizes, [4, 2]);
}
