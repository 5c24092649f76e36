//! Times the two figures that must not make anyone wait: DeLong's interval on 100,000 cases, and
//! a reader study with 2,000 bootstrap replicates.
//!
//! `cargo run --release -p kura-evaluation --example evaluation`

#![allow(clippy::print_stdout, reason = "a program whose output is its purpose")]

use std::time::Instant;

use kura_evaluation::error::EvaluationError;
use kura_evaluation::interval::Level;
use kura_evaluation::mrmc::{
    CovarianceMethod, EmpiricalAuc, Generalization, ReaderStudy, Reading, obuchowski_rockette,
};
use kura_evaluation::observation::{ClusterId, Scored};
use kura_evaluation::random::Generator;
use kura_evaluation::roc::RocData;

const LEVEL: Level = Level::NINETY_FIVE;

fn main() -> Result<(), EvaluationError> {
    delong(100_000)?;
    let (name, study) = match van_dyke()? {
        Some(study) => ("VanDyke", study),
        None => ("made-up study of VanDyke's shape", made_up()?),
    };
    let start = Instant::now();
    let result = obuchowski_rockette(
        &study,
        &EmpiricalAuc,
        CovarianceMethod::Bootstrap {
            replicates: 2_000,
            seed: 1,
        },
        Generalization::ReadersAndCases,
        LEVEL,
    )?;
    let seconds = start.elapsed().as_secs_f64();
    println!("reader study, {name}, 2,000 bootstrap replicates: {seconds:.4} s");
    if let Some(p) = result.p.value() {
        println!("  p {p:.4}");
    }
    Ok(())
}

fn delong(cases: u64) -> Result<(), EvaluationError> {
    let mut generator = Generator::new(1);
    let observations: Vec<Scored> = (0..cases)
        .map(|i| {
            let diseased = generator.below(10) == 0;
            Scored {
                cluster: ClusterId(i),
                diseased,
                score: generator.normal() + if diseased { 1.0 } else { 0.0 },
            }
        })
        .collect();
    let start = Instant::now();
    let result = RocData::from_observations(&observations)?.auc(LEVEL)?;
    let seconds = start.elapsed().as_secs_f64();
    let interval = result.interval();
    println!("DeLong, {cases} cases: {seconds:.4} s");
    println!(
        "  AUC {:.4} ({:.4} to {:.4})",
        result.auc, interval.lower, interval.upper
    );
    Ok(())
}

/// The public table, when it is at hand.
fn van_dyke() -> Result<Option<ReaderStudy>, EvaluationError> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/data/ai/statistics/VanDyke.csv"
    );
    let Ok(text) = std::fs::read_to_string(path) else {
        return Ok(None);
    };
    let rows: Option<Vec<Reading<'_>>> = text.lines().skip(1).map(reading).collect();
    rows.map(|rows| ReaderStudy::from_readings(&rows))
        .transpose()
}

fn reading(line: &str) -> Option<Reading<'_>> {
    let mut fields = line.split(',');
    Some(Reading {
        reader: fields.next()?,
        modality: fields.next()?,
        case: fields.next()?.parse().ok()?,
        diseased: fields.next()? == "1",
        rating: fields.next()?.parse().ok()?,
    })
}

/// 2 modalities, 5 readers, 114 cases, 45 diseased, ratings 1 to 5.
fn made_up() -> Result<ReaderStudy, EvaluationError> {
    let mut generator = Generator::new(2);
    let truth: Vec<bool> = (0..114).map(|k| k < 45).collect();
    let mut ratings = Vec::new();
    for _ in 0..10 {
        for &diseased in &truth {
            let mean = if diseased { 4.2 } else { 2.2 };
            ratings.push((mean + generator.normal()).round().clamp(1.0, 5.0));
        }
    }
    let names = |n: usize| (1..=n).map(|i| i.to_string()).collect();
    ReaderStudy::new(names(2), names(5), truth, ratings)
}
