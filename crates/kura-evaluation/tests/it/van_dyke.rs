//! Single spin-echo and cine MRI of the thoracic aorta: 5 readers, 114 patients, 45 with dissection
//! (Van Dyke et al., RSNA 1993). Published: the analysis of the R package MRMCaov
//! (Smith, Hillis and Pesce, User Guide), which is Obuchowski–Rockette with the jackknife; figures
//! marked "NumPy" were computed from the definitions in NumPy with cases left out one by one.

use kura_evaluation::interval::Level;
use kura_evaluation::mrmc::{
    CovarianceMethod, EmpiricalAuc, FigureOfMerit, Generalization, MrmcAnalysis, PartialArea,
    ReaderStudy, Sensitivity, Specificity, dorfman_berbaum_metz, obuchowski_rockette,
};
use kura_evaluation::roc::PartialRange;

use crate::close;
use crate::data::van_dyke;

const LEVEL: Level = Level::NINETY_FIVE;

fn analyse(
    study: &ReaderStudy,
    method: CovarianceMethod,
    generalization: Generalization,
) -> MrmcAnalysis {
    obuchowski_rockette(study, &EmpiricalAuc, method, generalization, LEVEL).unwrap()
}

#[test]
fn random_readers_and_cases_to_every_published_digit() {
    let Some(study) = van_dyke() else { return };
    let jackknife = analyse(
        &study,
        CovarianceMethod::Jackknife,
        Generalization::ReadersAndCases,
    );
    let dbm = dorfman_berbaum_metz(
        &study,
        &EmpiricalAuc,
        Generalization::ReadersAndCases,
        LEVEL,
    )
    .unwrap();
    for result in [&jackknife, &dbm] {
        close(result.modality_means[0].interval.estimate, 0.89703704, 5e-9);
        close(result.modality_means[1].interval.estimate, 0.94083736, 5e-9);
        close(*result.f.value().unwrap(), 4.46, 5e-3);
        close(result.denominator_df.unwrap(), 15.26, 5e-3);
        close(*result.p.value().unwrap(), 0.0517, 5e-5);
        let difference = result.differences[0].interval;
        close(difference.lower, -0.08796, 5e-6);
        close(difference.upper, 0.00036, 5e-6);
        // MRMCaov User Guide, to the digits it prints.
        close(*result.f.value().unwrap(), 4.456319, 5e-7);
        close(result.denominator_df.unwrap(), 15.25967, 5e-6);
        close(*result.p.value().unwrap(), 0.05166569, 5e-9);
        let c = result.components;
        close(c.reader.unwrap(), 0.0015349993, 5e-11);
        close(c.modality_reader.unwrap(), 0.0002004025, 5e-11);
        close(c.error, 0.0008022883, 5e-11);
        close(c.cov1, 0.0003466137, 5e-11);
        close(c.cov2, 0.0003440748, 5e-11);
        close(c.cov3, 0.0002390284, 5e-11);
    }
}

#[test]
fn covariance_methods_agree() {
    let Some(study) = van_dyke() else { return };
    let jackknife = analyse(
        &study,
        CovarianceMethod::Jackknife,
        Generalization::ReadersAndCases,
    );
    let bootstrap = CovarianceMethod::Bootstrap {
        replicates: 2000,
        seed: 20_260_401,
    };
    for (method, tolerance) in [(CovarianceMethod::DeLong, 0.02), (bootstrap, 0.15)] {
        let other = analyse(&study, method, Generalization::ReadersAndCases);
        let relative = |a: f64, b: f64| (a / b - 1.0).abs();
        let (a, b) = (other.components, jackknife.components);
        assert!(relative(a.error, b.error) < tolerance);
        assert!(relative(a.cov1, b.cov1) < tolerance);
        assert!(relative(a.cov2, b.cov2) < tolerance);
        let (a, b) = (
            other.differences[0].interval,
            jackknife.differences[0].interval,
        );
        close(a.lower, b.lower, 0.05 * b.width());
        close(a.upper, b.upper, 0.05 * b.width());
    }
    assert_eq!(
        analyse(&study, bootstrap, Generalization::Cases),
        analyse(&study, bootstrap, Generalization::Cases)
    );
}

/// NumPy.
#[test]
fn fixed_readers_and_fixed_cases() {
    let Some(study) = van_dyke() else { return };
    let cases = analyse(&study, CovarianceMethod::Jackknife, Generalization::Cases);
    close(*cases.f.value().unwrap(), FIXED_READERS.0, 1e-8);
    close(*cases.p.value().unwrap(), FIXED_READERS.1, 1e-9);
    assert_eq!(cases.denominator_df, None);
    close(cases.differences[0].interval.lower, FIXED_READERS.2, 1e-9);
    close(
        cases.modality_means[0].standard_error,
        FIXED_READERS.3,
        1e-9,
    );
    let readers = analyse(&study, CovarianceMethod::Jackknife, Generalization::Readers);
    close(*readers.f.value().unwrap(), FIXED_CASES.0, 1e-8);
    close(*readers.p.value().unwrap(), FIXED_CASES.1, 1e-9);
    assert_eq!(readers.denominator_df, Some(4.0));
    close(readers.differences[0].interval.lower, FIXED_CASES.2, 1e-9);
    close(
        readers.modality_means[0].standard_error,
        FIXED_CASES.3,
        1e-9,
    );
    let both = analyse(
        &study,
        CovarianceMethod::Jackknife,
        Generalization::ReadersAndCases,
    );
    close(both.modality_means[0].standard_error, SINGLE.0, 1e-9);
    close(both.modality_means[0].df.unwrap(), SINGLE.1, 1e-6);
    close(both.modality_means[1].standard_error, SINGLE.2, 1e-9);
    close(both.modality_means[1].df.unwrap(), SINGLE.3, 1e-6);
    let dbm = dorfman_berbaum_metz(&study, &EmpiricalAuc, Generalization::Cases, LEVEL).unwrap();
    close(*dbm.f.value().unwrap(), *cases.f.value().unwrap(), 1e-9);
    assert_eq!(dbm.denominator_df, Some(113.0));
    for (a, b) in dbm.modality_means.iter().zip(&cases.modality_means) {
        close(a.standard_error, b.standard_error, 1e-12);
    }
}

/// DeLong of one reader is the paired DeLong test of that reader (R, pROC 1.18.0).
#[test]
fn one_reader() {
    let Some(study) = van_dyke() else { return };
    let result = analyse(&study, CovarianceMethod::DeLong, Generalization::Cases);
    close(
        *result.reader_differences[0].z.value().unwrap(),
        READER_ONE_Z,
        1e-9,
    );
    assert_eq!(result.reader_figures.len(), 10);
}

#[test]
fn other_figures_of_merit() {
    let Some(study) = van_dyke() else { return };
    let bootstrap = CovarianceMethod::Bootstrap {
        replicates: 2000,
        seed: 5,
    };
    let sensitivity = Sensitivity { threshold: 3.0 };
    let specificity = Specificity { threshold: 3.0 };
    let partial = PartialArea {
        range: PartialRange::Specificity {
            low: 0.8,
            high: 1.0,
        },
    };
    let figures: [&dyn FigureOfMerit; 3] = [&sensitivity, &specificity, &partial];
    for figure in figures {
        let or = |method| {
            obuchowski_rockette(
                &study,
                figure,
                method,
                Generalization::ReadersAndCases,
                LEVEL,
            )
        };
        let jackknife = or(CovarianceMethod::Jackknife).unwrap();
        let dbm =
            dorfman_berbaum_metz(&study, figure, Generalization::ReadersAndCases, LEVEL).unwrap();
        close(*dbm.f.value().unwrap(), *jackknife.f.value().unwrap(), 1e-9);
        let resampled = or(bootstrap).unwrap();
        let ratio = resampled.components.error / jackknife.components.error;
        assert!((0.8..1.2).contains(&ratio), "{}: {ratio}", figure.name());
        match or(CovarianceMethod::DeLong) {
            Ok(delong) => close(delong.components.error, jackknife.components.error, 1e-12),
            Err(error) => assert!(error.to_string().contains("U-statistic")),
        }
    }
}

const FIXED_READERS: (f64, f64, f64, f64) = (
    5.475_953_242_477,
    0.019_279_843_071,
    -0.080_485_913_855,
    0.024_289_709_69,
);
const FIXED_CASES: (f64, f64, f64, f64) = (
    8.704,
    0.041_958_752_495,
    -0.085_020_223_962,
    0.024_829_936_216,
);
const SINGLE: (f64, f64, f64, f64) = (
    0.033_173_596_959,
    12.744_647_598_118,
    0.021_566_368_37,
    12.710_189_641_632,
);
const READER_ONE_Z: f64 = -1.111_081_321_118_51;
