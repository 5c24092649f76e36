//! Sample sizes against R 4.2.2, pROC 1.18.0 and SciPy 1.17.1.

use kura_evaluation::interval::Level;
use kura_evaluation::mrmc::{Generalization, VarianceComponents};
use kura_evaluation::sample_size::{
    AucVariance, MrmcDesign, PrecisionMethod, accuracy_precision, auc_against_value,
    auc_difference_paired, auc_non_inferiority_paired, auc_precision, mrmc_cases, mrmc_power,
    mrmc_readers, paired_non_inferiority, paired_proportions, paired_proportions_power,
    proportion_precision, unpaired_non_inferiority, unpaired_proportions,
    unpaired_proportions_power,
};

use crate::close;

const LEVEL: Level = Level::NINETY_FIVE;

/// The smallest n for 0.9 ± 0.05 by stepping through statsmodels `proportion_confint`.
#[test]
fn precision_of_one_proportion() {
    let wilson = proportion_precision(0.9, 0.1, PrecisionMethod::Wilson, LEVEL).unwrap();
    assert_eq!(wilson, 141);
    let exact = proportion_precision(0.9, 0.1, PrecisionMethod::ClopperPearson, LEVEL).unwrap();
    assert_eq!(exact, 158);
    assert!(proportion_precision(1.2, 0.1, PrecisionMethod::Wilson, LEVEL).is_err());
}

/// 1.96² · 0.9 · 0.1/0.1² = 34.57 diseased, of whom one in five is found: 173 to recruit.
#[test]
fn buderer() {
    let n = accuracy_precision(0.9, 0.9, 0.1, 0.2, LEVEL).unwrap();
    assert_eq!((n.diseased, n.healthy), (35, 35));
    assert_eq!(
        (n.total_for_sensitivity, n.total_for_specificity),
        (173, 44)
    );
    assert_eq!(n.total, 173);
}

/// R: `power.prop.test(p1 = .5, p2 = .75, power = .9)`, n = 76.7069; with n = 50, power 0.740166.
#[test]
fn two_proportions() {
    assert_eq!(unpaired_proportions(0.5, 0.75, 0.05, 0.9).unwrap(), 77);
    let power = unpaired_proportions_power(0.5, 0.75, 50, 0.05).unwrap();
    close(power, 0.740_165_901_331, 1e-9);
    assert!(unpaired_proportions(0.5, 0.5, 0.05, 0.9).is_err());
}

/// Power and number are each other's inverse; the paired design needs fewer than two groups.
#[test]
fn mcnemar_and_non_inferiority() {
    let pairs = paired_proportions(0.25, 0.10, 0.05, 0.8).unwrap();
    // (1.959964 √0.35 + 0.841621 √(0.35 − 0.0225))²/0.0225 = 119.71 (Connor's formula by hand).
    assert_eq!(pairs, 120);
    let power = |n| paired_proportions_power(0.25, 0.10, n, 0.05).unwrap();
    assert!(power(pairs) >= 0.8 && power(pairs - 1) < 0.8);
    // (1.959964 + 0.841621)² · 2 · 0.9 · 0.1/0.05² = 565.1
    let n = unpaired_non_inferiority(0.9, 0.9, 0.05, 0.025, 0.8).unwrap();
    assert_eq!(n, 566);
    // (1.959964 + 0.841621)² · 0.1/0.05² = 313.96
    let n = paired_non_inferiority(0.05, 0.05, 0.05, 0.025, 0.8).unwrap();
    assert_eq!(n, 314);
    assert!(paired_non_inferiority(0.0, 0.1, 0.05, 0.025, 0.8).is_err());
}

/// pROC `power.roc.test(auc = 0.8, power = 0.9, sig.level = 0.05, kappa = 2)`: 12.808 cases;
/// `auc = 0.7, power = 0.8, kappa = 1`: 30.288.
#[test]
fn areas() {
    let v = AucVariance::ObuchowskiBinormal;
    let n = auc_against_value(0.8, 0.5, 2.0, v, 0.05, 0.9).unwrap();
    assert_eq!((n.diseased, n.healthy), (13, 26));
    let n = auc_against_value(0.7, 0.5, 1.0, v, 0.05, 0.8).unwrap();
    assert_eq!((n.diseased, n.healthy), (31, 31));
    // Hanley and McNeil (1982): area 0.893, 51 abnormal, 58 normal; by hand Q1 0.80668, Q2 0.84253.
    let se = AucVariance::HanleyMcNeil.variance(0.893, 51.0, 58.0).sqrt();
    close(se, 0.0325, 5e-5);
    let wide = auc_precision(0.85, 0.2, 1.0, v, LEVEL).unwrap();
    let narrow = auc_precision(0.85, 0.1, 1.0, v, LEVEL).unwrap();
    assert!((3.9..4.1).contains(&(narrow.diseased as f64 / wide.diseased as f64)));
    let apart = auc_difference_paired([0.85, 0.80], 0.0, 1.0, v, 0.05, 0.8).unwrap();
    let alike = auc_difference_paired([0.85, 0.80], 0.5, 1.0, v, 0.05, 0.8).unwrap();
    assert!((1.9..2.1).contains(&(apart.diseased as f64 / alike.diseased as f64)));
    assert!(auc_non_inferiority_paired([0.80, 0.86], 0.05, 0.5, 1.0, v, 0.025, 0.8).is_err());
    assert!(auc_non_inferiority_paired([0.86, 0.86], 0.05, 0.5, 1.0, v, 0.025, 0.8).is_ok());
}

/// VanDyke's components (see the reader study test), a difference of 0.05: powers by the formulas
/// of Hillis, Obuchowski and Berbaum (2011) with SciPy's `ncf` and `ncx2`.
#[test]
fn reader_study() {
    let design = |generalization| MrmcDesign {
        components: VarianceComponents {
            reader: Some(0.001_534_999_3),
            modality_reader: Some(0.000_551_030_621_744_058 - 0.000_350_628_165_714_9),
            error: 0.000_802_288_265_572_067_1,
            cov1: 0.000_346_613_709_440_732_14,
            cov2: 0.000_344_074_828_860_889_1,
            cov3: 0.000_239_028_370_892_153_78,
        },
        pilot_cases: 114,
        difference: 0.05,
        alpha: 0.05,
        generalization,
    };
    let both = design(Generalization::ReadersAndCases);
    let pilot = mrmc_power(&both, 5, 114).unwrap();
    close(pilot.power, 0.616_609_978_874_313_3, 1e-6);
    close(pilot.denominator_df.unwrap(), 15.259_674_589_141_746, 1e-5);
    close(
        mrmc_power(&both, 8, 240).unwrap().power,
        0.937_854_700_610_548_9,
        1e-6,
    );
    let readers_fixed = design(Generalization::Cases);
    close(
        mrmc_power(&readers_fixed, 5, 114).unwrap().power,
        0.761_563_611_035_807_5,
        1e-9,
    );
    let cases_fixed = design(Generalization::Readers);
    close(
        mrmc_power(&cases_fixed, 5, 114).unwrap().power,
        0.714_017_499_726_517_7,
        1e-6,
    );
    assert_eq!(
        mrmc_cases(&both, 10, 0.8).unwrap().cases,
        cases_for_ten_readers()
    );
    let found = mrmc_readers(&both, 240, 0.9).unwrap();
    assert!(found.power >= 0.9);
    assert!(mrmc_power(&both, found.readers - 1, 240).unwrap().power < 0.9);
    assert!(mrmc_cases(&both, 2, 0.99).is_err());
}

/// Stepping down from the 114 pilot cases with the same SciPy formulas.
fn cases_for_ten_readers() -> u64 {
    119
}
