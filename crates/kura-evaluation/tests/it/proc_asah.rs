//! pROC's example data: Robin et al., BMC Bioinformatics 12 (2011) 77; patients of Turck et al.,
//! Intensive Care Med. 36 (2010) 107–115. Six-digit figures as published; the others were printed
//! by pROC 1.18.0 in R 4.2.2.

use kura_evaluation::interval::Level;
use kura_evaluation::observation::{ClusterId, Scored};
use kura_evaluation::roc::{PartialRange, RocData, ScoredPair, compare_paired, compare_unpaired};

use crate::close;
use crate::data::{Patient, asah};

fn marker(patients: &[Patient], score: fn(&Patient) -> f64) -> RocData {
    let observations: Vec<Scored> = patients
        .iter()
        .enumerate()
        .map(|(i, p)| Scored {
            cluster: ClusterId(i as u64),
            diseased: p.poor,
            score: score(p),
        })
        .collect();
    RocData::from_observations(&observations).unwrap()
}

#[test]
fn areas_and_delong_intervals() {
    let Some(patients) = asah() else { return };
    type Row = (fn(&Patient) -> f64, f64, f64, f64);
    // ci.auc(roc(outcome, marker))
    let rows: [Row; 3] = [
        (|p| p.s100b, 0.731369, S100B.0, S100B.1),
        (|p| p.wfns, 0.823679, WFNS.0, WFNS.1),
        (|p| p.ndka, 0.611958, NDKA.0, NDKA.1),
    ];
    for (score, auc, lower, upper) in rows {
        let result = marker(&patients, score).auc(Level::NINETY_FIVE).unwrap();
        close(result.auc, auc, 5e-7);
        close(result.delong.lower, lower, 1e-10);
        close(result.delong.upper, upper, 1e-10);
        assert!(result.clustered.is_none() && result.warnings.is_empty());
    }
}

#[test]
fn paired_test_of_s100b_against_wfns() {
    let Some(patients) = asah() else { return };
    let pairs: Vec<ScoredPair> = patients
        .iter()
        .enumerate()
        .map(|(i, p)| ScoredPair {
            cluster: ClusterId(i as u64),
            diseased: p.poor,
            first: p.s100b,
            second: p.wfns,
        })
        .collect();
    let result = compare_paired(&pairs, Level::NINETY_FIVE).unwrap();
    close(*result.z.value().unwrap(), -2.20898, 5e-6);
    close(*result.p.value().unwrap(), 0.0271758, 5e-8);
    // roc.test(...)$conf.int
    close(result.difference.lower, DIFFERENCE.0, 1e-10);
    close(result.difference.upper, DIFFERENCE.1, 1e-10);
}

#[test]
fn unpaired_test_takes_both_variances() {
    let Some(patients) = asah() else { return };
    let (a, b) = (
        marker(&patients, |p| p.s100b),
        marker(&patients, |p| p.ndka),
    );
    let result = compare_unpaired(&a, &b, Level::NINETY_FIVE).unwrap();
    // roc.test(paired = FALSE)$statistic, which pROC refers to a t distribution.
    close(*result.z.value().unwrap(), UNPAIRED_D, 1e-9);
}

#[test]
fn partial_areas() {
    let Some(patients) = asah() else { return };
    let s100b = marker(&patients, |p| p.s100b);
    // auc(..., partial.auc = c(1, .9)), partial.auc.focus, partial.auc.correct
    let by_specificity = s100b
        .partial_auc(PartialRange::Specificity {
            low: 0.9,
            high: 1.0,
        })
        .unwrap();
    close(by_specificity.area, PARTIAL_SP.0, 1e-12);
    close(by_specificity.mcclish, PARTIAL_SP.1, 1e-12);
    let by_sensitivity = s100b
        .partial_auc(PartialRange::Sensitivity {
            low: 0.8,
            high: 0.95,
        })
        .unwrap();
    close(by_sensitivity.area, PARTIAL_SE.0, 1e-12);
    close(by_sensitivity.mcclish, PARTIAL_SE.1, 1e-12);
    let whole = s100b
        .partial_auc(PartialRange::Specificity {
            low: 0.0,
            high: 1.0,
        })
        .unwrap();
    close(whole.area, s100b.auc_value(), 1e-12);
    // ci.auc by 20,000 stratified replicates; two seeds of pROC differ by about 0.001.
    let interval = s100b
        .partial_auc_bootstrap(
            PartialRange::Specificity {
                low: 0.9,
                high: 1.0,
            },
            4000,
            1,
            Level::NINETY_FIVE,
        )
        .unwrap()
        .interval
        .unwrap();
    close(interval.lower, PARTIAL_CI.0, 0.002);
    close(interval.upper, PARTIAL_CI.1, 0.002);
}

#[test]
fn operating_points() {
    let Some(patients) = asah() else { return };
    let s100b = marker(&patients, |p| p.s100b);
    // coords(roc, "best", best.method = "youden"): pROC's threshold lies between two values, the
    // point is the same.
    let best = s100b.at_youden(Level::NINETY_FIVE).unwrap().accuracy;
    close(best.sensitivity.value().unwrap().estimate, BEST.0, 1e-12);
    close(best.specificity.value().unwrap().estimate, BEST.1, 1e-12);
    let sensitive = s100b.at_sensitivity(0.9, Level::NINETY_FIVE).unwrap();
    let table = sensitive.accuracy.table;
    assert!(table.true_positive * 10 >= table.diseased() * 9);
    let next = s100b
        .curve()
        .into_iter()
        .rfind(|p| p.threshold.is_none_or(|t| t > sensitive.threshold))
        .unwrap();
    assert!(next.sensitivity < 0.9);
    let specific = s100b.at_specificity(0.9, Level::NINETY_FIVE).unwrap();
    let table = specific.accuracy.table;
    assert!(table.true_negative * 10 >= table.healthy() * 9);
}

const S100B: (f64, f64) = (0.630_118_211_761_623, 0.832_618_915_609_651);
const WFNS: (f64, f64) = (0.748_534_887_819_453, 0.898_822_835_757_783);
const NDKA: (f64, f64) = (0.501_244_999_271_703, 0.722_670_989_888_289);
const DIFFERENCE: (f64, f64) = (-0.174_214_419_249_477_6, -0.010_406_176_956_484_6);
const UNPAIRED_D: f64 = 1.559_957_433_896_85;
const PARTIAL_SP: (f64, f64) = (0.032_757_452_574_525_7, 0.646_091_855_655_399);
const PARTIAL_SE: (f64, f64) = (0.044_890_752_032_520_3, 0.599_583_817_266_744);
const PARTIAL_CI: (f64, f64) = (0.019_647_7, 0.049_225_0);
const BEST: (f64, f64) = (0.634_146_341_463_415, 0.805_555_555_555_556);
