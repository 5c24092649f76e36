//! Agreement against published tables, statsmodels 0.15.0, SciPy 1.17.1 and R's psych 2.2.9.

use kura_evaluation::agreement::{
    KappaWeights, Mask, bland_altman, cohen_kappa, fleiss_kappa, intraclass_correlation,
    mask_agreement,
};
use kura_evaluation::interval::{Interval, Level};
use kura_evaluation::proportion::difference::PairedCounts;
use kura_evaluation::table::mcnemar;

use crate::close;

const LEVEL: Level = Level::NINETY_FIVE;

/// statsmodels `cohens_kappa(table, wt=…)`: kappa, std_kappa, std_kappa0.
#[test]
fn weighted_kappa() {
    let table: Vec<Vec<u64>> = [[44, 5, 1, 0], [7, 20, 8, 1], [2, 6, 15, 5], [0, 3, 4, 29]]
        .map(Vec::from)
        .to_vec();
    for (weights, kappa, error, null) in [
        (
            KappaWeights::None,
            0.620_069_955_373_296_3,
            0.048_674_856_985_644_1,
            0.047_835_936_452_278_59,
        ),
        (
            KappaWeights::Linear,
            0.748_855_327_000_615_1,
            0.037_159_175_991_559_77,
            0.060_943_719_810_167_04,
        ),
        (
            KappaWeights::Quadratic,
            0.847_457_627_118_644,
            0.029_154_766_243_176_852,
            0.081_615_584_218_176_2,
        ),
    ] {
        let result = cohen_kappa(&table, weights, LEVEL).unwrap();
        close(result.interval.estimate, kappa, 1e-12);
        close(result.standard_error, error, 1e-12);
        close(result.standard_error_null, null, 1e-12);
    }
    assert!(cohen_kappa(&[vec![5, 0], vec![0, 0]], KappaWeights::None, LEVEL).is_err());
}

/// Fleiss (1971), Table 1: 30 patients, 6 psychiatrists, 5 diagnoses; κ = .430. R's irr gives z =
/// 17.7 for these data (`kappam.fleiss(diagnoses)`).
#[test]
fn fleiss_1971() {
    let rows = [
        "00060", "03003", "01401", "00006", "03030", "20400", "00402", "20310", "20040", "00006",
        "10050", "11040", "03300", "10050", "02031", "00501", "30012", "51000", "02040", "10203",
        "00006", "01050", "02013", "20040", "10041", "05010", "40002", "02040", "10500", "00006",
    ];
    let counts: Vec<Vec<u64>> = rows
        .iter()
        .map(|r| r.bytes().map(|b| u64::from(b - b'0')).collect())
        .collect();
    let result = fleiss_kappa(&counts, LEVEL).unwrap();
    close(result.observed_agreement, 0.556, 5e-4);
    close(result.expected_agreement, 0.220, 5e-4);
    // statsmodels `fleiss_kappa`.
    close(result.kappa, 0.430_244_520_060_140_74, 1e-12);
    close(result.z, 17.7, 0.05);
    // Fleiss' Table 2: depression .245, personality disorder .245, schizophrenia .520, neurosis
    // .471, other .566.
    for (found, expected) in result
        .by_category
        .iter()
        .zip([0.245, 0.245, 0.520, 0.471, 0.566])
    {
        close(*found, expected, 5e-4);
    }
    assert!(result.interval.contains(result.kappa));
}

/// Shrout and Fleiss (1979), Tables 2 to 4; unrounded values of `ICC` of R's psych.
#[test]
fn shrout_and_fleiss_1979() {
    let ratings: Vec<Vec<f64>> = [
        [9.0, 2.0, 5.0, 8.0],
        [6.0, 1.0, 3.0, 2.0],
        [8.0, 4.0, 6.0, 8.0],
        [7.0, 1.0, 2.0, 6.0],
        [10.0, 5.0, 6.0, 9.0],
        [6.0, 2.0, 4.0, 7.0],
    ]
    .map(Vec::from)
    .to_vec();
    let r = intraclass_correlation(&ratings, LEVEL).unwrap();
    close(r.between_targets_mean_square, 11.24, 5e-3);
    close(r.within_targets_mean_square, 6.26, 5e-3);
    close(r.between_judges_mean_square, 32.49, 5e-3);
    close(r.residual_mean_square, 1.02, 5e-3);
    let published = [0.17, 0.29, 0.71, 0.44, 0.62, 0.91];
    let psych = [
        (-0.132_932_324_87, 0.722_560_062_3),
        (0.018_786_513_37, 0.761_084_369_6),
        (0.342_464_765_03, 0.945_858_260_0),
        (-0.884_442_155_24, 0.912_415_420_3),
        (0.071_136_815_30, 0.927_232_040_2),
        (0.675_674_713_82, 0.985_891_678_2),
    ];
    let all = [
        r.case_1_single,
        r.case_2_single,
        r.case_3_single,
        r.case_1_average,
        r.case_2_average,
        r.case_3_average,
    ];
    for ((icc, published), (lower, upper)) in all.iter().zip(published).zip(psych) {
        close(icc.interval.estimate, published, 5e-3);
        close(icc.interval.lower, lower, 1e-9);
        close(icc.interval.upper, upper, 1e-9);
    }
    close(r.case_1_single.f, 1.794_678_492, 1e-9);
    close(r.case_1_single.p, 0.164_768_808_344_6, 1e-11);
    close(r.case_2_single.f, 11.027_247_956, 1e-8);
    close(r.case_3_average.p, 0.000_134_566_516_5, 1e-13);
}

/// Bland and Altman (1986), Table 1: peak flow by two meters in 17 subjects, l/min. They print bias
/// −2.1 (−22.0 to 17.8), SD 38.8, limits −79.7 and 75.5 with the multiplier 2, and limit intervals
/// −114.3 to −45.1 and 40.9 to 110.1 with √(3s²/n) for the standard error.
#[test]
fn bland_and_altman_1986() {
    let large = [
        494.0, 395.0, 516.0, 434.0, 476.0, 557.0, 413.0, 442.0, 650.0, 433.0, 417.0, 656.0, 267.0,
        478.0, 178.0, 423.0, 427.0,
    ];
    let mini = [
        512.0, 430.0, 520.0, 428.0, 500.0, 600.0, 364.0, 380.0, 658.0, 445.0, 432.0, 626.0, 260.0,
        477.0, 259.0, 350.0, 451.0,
    ];
    // 0.9544997 is the share within ± 2 SD.
    let r = bland_altman(&large, &mini, 0.954_499_736_103_642, LEVEL).unwrap();
    close(r.bias.estimate, -2.1, 0.05);
    close(r.bias.lower, -22.0, 0.06);
    close(r.bias.upper, 17.8, 0.06);
    close(r.standard_deviation, 38.8, 0.05);
    // They worked from the rounded −2.1 ± 2 · 38.8.
    close(r.lower_limit.estimate, -79.7, 0.06);
    close(r.upper_limit.estimate, 75.5, 0.1);
    // The 1999 standard error √(1/n + 2²/(2(n−1))) s is 16.8 where the 1986 one is 16.3.
    let first_form = |limit: Interval| {
        let t = (limit.upper - limit.estimate)
            / (r.standard_deviation * (1.0 / 17.0 + 4.0 / 32.0_f64).sqrt());
        let half = t * (3.0 * r.standard_deviation.powi(2) / 17.0).sqrt();
        (limit.estimate - half, limit.estimate + half)
    };
    let (a, b) = first_form(r.lower_limit);
    close(a, -114.3, 0.3);
    close(b, -45.1, 0.3);
    let (a, b) = first_form(r.upper_limit);
    close(a, 40.9, 0.3);
    close(b, 110.1, 0.3);
    // scipy.stats.linregress of the difference on the mean.
    close(
        r.proportional_bias_slope.unwrap(),
        0.028_687_445_152_549,
        1e-12,
    );
    close(r.proportional_bias_p.unwrap(), 0.749_498_533_649_294, 1e-11);
}

/// Two ellipsoids on a 16 × 20 × 24 grid of 2.5 × 0.7 × 1.1 mm: surfaces by
/// `scipy.ndimage.binary_erosion`, distances by `scipy.spatial.distance.cdist`, all pairs.
#[test]
fn masks() {
    let shape = [16, 20, 24];
    let spacing = [2.5, 0.7, 1.1];
    let ball = |centre: [f64; 3], radius: f64| -> Vec<bool> {
        (0..16 * 20 * 24)
            .map(|i| {
                let place = [i / 480, i / 24 % 20, i % 24];
                let square: f64 = (0..3)
                    .map(|a| ((place[a] as f64 - centre[a]) * spacing[a]).powi(2))
                    .sum();
                square <= radius * radius
            })
            .collect()
    };
    let first = ball([7.0, 9.0, 11.0], 6.0);
    let second = ball([8.0, 11.0, 12.0], 5.5);
    let a = Mask::new(&first, shape, spacing).unwrap();
    let b = Mask::new(&second, shape, spacing).unwrap();
    let r = mask_agreement(&a, &b).unwrap();
    assert_eq!(
        (r.first_voxels, r.second_voxels, r.both_voxels),
        (471, 361, 252)
    );
    close(*r.dice.value().unwrap(), 504.0 / 832.0, 1e-15);
    close(*r.jaccard.value().unwrap(), 252.0 / 580.0, 1e-15);
    let s = *r.surface.value().unwrap();
    close(s.hausdorff, 3.937_003_937_005_906_5, 1e-12);
    close(s.hausdorff_95, 3.264_965_543_462_901_5, 1e-12);
    close(s.hausdorff_95_pooled, 3.069_201_850_644_561, 1e-12);
    close(s.average_symmetric, 1.471_097_445_922_806_1, 1e-12);
    let same = mask_agreement(&a, &a).unwrap();
    assert_eq!(same.dice.value(), Some(&1.0));
    assert_eq!(same.surface.value().unwrap().hausdorff, 0.0);
    let nothing = vec![false; first.len()];
    let empty = Mask::new(&nothing, shape, spacing).unwrap();
    let r = mask_agreement(&empty, &empty).unwrap();
    assert!(r.dice.value().is_none() && r.jaccard.reason().is_some());
    assert!(
        mask_agreement(&a, &empty)
            .unwrap()
            .surface
            .value()
            .is_none()
    );
    assert!(Mask::new(&first, shape, [0.0, 1.0, 1.0]).is_err());
    assert!(Mask::new(&first, [1, 2, 3], spacing).is_err());
}

/// statsmodels `mcnemar([[60, 14], [6, 20]])`.
#[test]
fn mcnemar_forms() {
    let counts = PairedCounts {
        both: 60,
        first_only: 14,
        second_only: 6,
        neither: 20,
    };
    let r = mcnemar(counts).unwrap();
    close(*r.chi_square.value().unwrap(), 3.2, 1e-14);
    close(*r.p.value().unwrap(), 0.073_638_270_120_302_58, 1e-13);
    close(*r.chi_square_corrected.value().unwrap(), 2.45, 1e-14);
    close(
        *r.p_corrected.value().unwrap(),
        0.117_524_868_096_639_53,
        1e-13,
    );
    close(r.p_exact, 0.115_318_298_339_843_75, 1e-13);
    assert!(r.p_mid < r.p_exact);
    let none = mcnemar(PairedCounts {
        first_only: 0,
        second_only: 0,
        ..counts
    })
    .unwrap();
    assert_eq!((none.p_exact, none.chi_square.value()), (1.0, None));
}
