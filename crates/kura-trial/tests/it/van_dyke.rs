//! VanDyke (5 readers, 114 cases, spin-echo and cine MRI of the aorta) as one trial: its two
//! modalities stand for readings without and with a model. Published: the analysis of R's MRMCaov
//! (Smith, Hillis and Pesce, User Guide).

use kura_trial::{
    Answers, Cases, Figure, Finding, Lang, LeftOut, Protocol, Readings, StudyComparison, analyse,
    lock, report_html, report_markdown,
};

use crate::close;
use crate::data::{keep, shared};

pub const PROTOCOL: &str = r#"
title = { ja = "大動脈解離のMRI読影：2条件の比較", en = "MRI of aortic dissection in two conditions" }
question = "readers_without_against_with_ai"
intended_use = { ja = "大動脈解離を疑うMRIの読影", en = "Reading MRI for suspected aortic dissection" }
target_condition = { ja = "大動脈解離", en = "Aortic dissection" }
reference_standard = { ja = "手術または血管造影", en = "Surgery or angiography" }
fixed_on = "2026-01-05"
fixed_by = "Kura test suite"
wash_out_days = 28
reading_order_seed = 1
endpoint = "auc"
model = { name = "cine", version = "1" }
thresholds = { reader = 3 }
hypothesis = { kind = "superiority", alpha_one_sided = 0.025, power = 0.8 }
minimum = { cases = 100, positive_cases = 40, readers = 5 }

[assumptions]
design = "reader_study"
expected_difference = 0.08
readers = 5
pilot = { cases = 114, modality_reader = 0.0002004025, error = 0.0008022883, cov1 = 0.0003466137, cov2 = 0.0003440748, cov3 = 0.0002390284 }
"#;

/// (cases, readings); a case may be made several cases of one patient.
pub fn files(copies: usize) -> Option<(Cases, Readings)> {
    let text = String::from_utf8(shared("statistics/VanDyke.csv")?).unwrap();
    let mut cases = "case,cluster,truth\n".to_owned();
    let mut readings = "reader,experience,case,condition,score,read_at\n".to_owned();
    let mut known = std::collections::HashSet::new();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let [reader, treatment, case, truth, rating, ..] = cells[..] else {
            panic!("five columns");
        };
        for copy in 0..copies {
            if known.insert((case, copy)) {
                cases.push_str(&format!("c{case}-{copy},p{case},{truth}\n"));
            }
            let (condition, day) = match treatment {
                "1" => ("unaided", "2026-02-01"),
                _ => ("aided", "2026-03-15"),
            };
            readings.push_str(&format!(
                "R{reader},radiologist,c{case}-{copy},{condition},{rating},{day}T09:00:00+09:00\n"
            ));
        }
    }
    Some((
        Cases::parse(cases.as_bytes()).unwrap(),
        Readings::parse(readings.as_bytes()).unwrap(),
    ))
}

#[test]
fn the_published_analysis_comes_out() {
    let Some((cases, readings)) = files(1) else {
        return;
    };
    let protocol = Protocol::parse(PROTOCOL).unwrap();
    let result = analyse(&protocol, &lock(cases), Some(&readings), None).unwrap();
    let study = &result.studies[0];
    assert_eq!(study.comparison, StudyComparison::AidedAgainstUnaided);
    assert_eq!(
        (study.figure, study.left_out),
        (Figure::Auc, LeftOut::Cases)
    );
    let dbm = study.dorfman_berbaum_metz.as_ref().unwrap();
    for analysis in [&study.obuchowski_rockette, dbm] {
        let analysis = analysis.value().unwrap();
        close(*analysis.f.value().unwrap(), 4.46, 5e-3);
        close(analysis.denominator_df.unwrap(), 15.26, 5e-3);
        close(*analysis.p.value().unwrap(), 0.0517, 5e-5);
        close(
            analysis.modality_means[0].interval.estimate,
            0.940_837_36,
            5e-9,
        );
        close(
            analysis.modality_means[1].interval.estimate,
            0.897_037_04,
            5e-9,
        );
    }
    // Aided − unaided is MRMCaov's −0.04380 (−0.08796 to 0.00036) turned around.
    let test = result.verdict.test.value().unwrap();
    close(test.difference.lower, -0.000_36, 5e-6);
    close(test.difference.upper, 0.087_96, 5e-6);
    // One-sided: half of .05166569.
    close(test.p_one_sided.unwrap(), 0.025_832_845, 5e-9);
    assert!(!result.verdict.met);
    assert!(result.verdict.confirmatory, "{:?}", result.findings);
    // For a gain of 0.08 and five readers, the components ask for no more than 114 cases.
    assert!(result.sample_size.enough);
    assert_eq!(result.studies.len(), 4);
    assert_eq!(result.readers.len(), 10);
    for lang in [Lang::Ja, Lang::En] {
        keep(
            &format!("van-dyke-{}.html", lang.tag()),
            &report_html(&result, lang),
        );
        keep(
            &format!("van-dyke-{}.md", lang.tag()),
            &report_markdown(&result, lang),
        );
    }
}

/// Each patient counted three times with the same ratings is no more information. The figures stay,
/// and the jackknife over patients gives the same covariances: leaving out one patient changes the
/// area as before, so that F, degrees of freedom and p are MRMCaov's again.
#[test]
fn copies_of_a_case_add_nothing() {
    let Some((cases, readings)) = files(3) else {
        return;
    };
    let protocol = Protocol::parse(PROTOCOL).unwrap();
    let result = analyse(&protocol, &lock(cases), Some(&readings), None).unwrap();
    let study = &result.studies[0];
    assert_eq!(study.left_out, LeftOut::Clusters);
    assert!(study.dorfman_berbaum_metz.is_none());
    let analysis = study.obuchowski_rockette.value().unwrap();
    close(*analysis.f.value().unwrap(), 4.456_319, 5e-7);
    close(analysis.denominator_df.unwrap(), 15.259_67, 5e-6);
    close(*analysis.p.value().unwrap(), 0.051_665_69, 5e-9);
    // Sample size counts patients.
    assert_eq!(result.sample_size.has.all, 114);
    let warnings = &result.readers[0].accuracy.as_ref().unwrap().warnings;
    assert!(!warnings.is_empty());
}

/// The model against readers is the one-sample analysis of the differences d_j = θ_AI − θ_j, here
/// done by hand from the readers' areas and the covariance of these differences over cases.
#[test]
fn one_model_against_readers_is_a_one_sample_analysis() {
    let Some((cases, readings)) = files(1) else {
        return;
    };
    // The model's answer: the mean rating of the five aided readings, on 0 to 1.
    let mut answers = "case,probability\n".to_owned();
    for case in cases.all() {
        let ratings: Vec<f64> = readings
            .all()
            .iter()
            .filter(|r| r.case == case.case && r.condition == kura_trial::Condition::Aided)
            .map(|r| match r.rating {
                kura_trial::Rating::Score(score) => score,
                kura_trial::Rating::Decision(_) => panic!("scores"),
            })
            .collect();
        let mean = ratings.iter().sum::<f64>() / 5.0;
        answers.push_str(&format!("{},{}\n", case.case, (mean - 1.0) / 4.0));
    }
    let answers = Answers::parse(answers.as_bytes()).unwrap();
    let text = PROTOCOL
        .replace("readers_without_against_with_ai", "ai_against_readers")
        .replace("reader = 3", "reader = 3, ai = [0.5]");
    let protocol = Protocol::parse(&text).unwrap();
    let truth: Vec<bool> = cases.all().iter().map(|c| c.positive).collect();
    let ratings = |reader: &str| -> Vec<f64> {
        cases
            .all()
            .iter()
            .map(|c| {
                let row = readings.all().iter().find(|r| {
                    r.reader == reader
                        && r.case == c.case
                        && r.condition == kura_trial::Condition::Unaided
                });
                match row.unwrap().rating {
                    kura_trial::Rating::Score(score) => score,
                    kura_trial::Rating::Decision(_) => panic!("scores"),
                }
            })
            .collect()
    };
    let ai: Vec<f64> = answers_in_order(&cases, &answers);
    let differences = |left_out: Option<usize>| -> Vec<f64> {
        (1..=5)
            .map(|j| auc(&truth, &ai, left_out) - auc(&truth, &ratings(&format!("R{j}")), left_out))
            .collect()
    };
    let d = differences(None);
    let mean = d.iter().sum::<f64>() / 5.0;
    let spread = d.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 4.0;
    let rows: Vec<Vec<f64>> = (0..114).map(|k| differences(Some(k))).collect();
    let mut covariances = Vec::new();
    for a in 0..5 {
        for b in (0..5).filter(|b| *b != a) {
            let m = |j: usize| rows.iter().map(|r| r[j]).sum::<f64>() / 114.0;
            let s: f64 = rows.iter().map(|r| (r[a] - m(a)) * (r[b] - m(b))).sum();
            covariances.push(s * 113.0 / 114.0);
        }
    }
    let cov2 = (covariances.iter().sum::<f64>() / 20.0).max(0.0);
    let variance = spread / 5.0 + cov2;
    let df = variance * variance * 4.0 / (spread / 5.0).powi(2);

    let result = analyse(&protocol, &lock(cases), Some(&readings), Some(&answers)).unwrap();
    assert!(
        result
            .findings
            .iter()
            .any(|f| matches!(f, Finding::ReadingsNotAsked { .. }))
    );
    let analysis = result.studies[0].obuchowski_rockette.value().unwrap();
    let difference = &analysis.differences[0];
    close(difference.interval.estimate, mean, 1e-12);
    close(difference.standard_error, variance.sqrt(), 1e-12);
    close(difference.df.unwrap(), df, 1e-8);
}

fn answers_in_order(cases: &Cases, answers: &Answers) -> Vec<f64> {
    cases
        .all()
        .iter()
        .map(|c| {
            let answer = answers.all().iter().find(|(case, _)| *case == c.case);
            answer.unwrap().1
        })
        .collect()
}

/// The area by its definition, over all pairs.
fn auc(truth: &[bool], scores: &[f64], left_out: Option<usize>) -> f64 {
    let (mut wins, mut pairs) = (0.0, 0.0);
    for i in (0..truth.len()).filter(|i| truth[*i] && Some(*i) != left_out) {
        for k in (0..truth.len()).filter(|k| !truth[*k] && Some(*k) != left_out) {
            pairs += 1.0;
            if scores[i] > scores[k] {
                wins += 1.0;
            } else if scores[i] == scores[k] {
                wins += 0.5;
            }
        }
    }
    wins / pairs
}
