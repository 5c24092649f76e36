//! Time and AUC of boosted trees on a generated table of 100,000 rows × 100 features.
//!
//! `cargo run --release -p kura-training --example training`; `examples/training.py` does the same with
//! scikit-learn on the same numbers.
#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::time::Instant;

use kura_training::{Examples, Feature, Growth, Learner, Logistic, Matrix, Trees, auc, train};

const FEATURES: usize = 100;

/// Uniform on [0, 1), exact in single precision: the `place`-th output of SplitMix64.
fn uniform(seed: u64, place: u64) -> f32 {
    let mut x = seed.wrapping_add((place + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^= x >> 31;
    (x >> 40) as f32 / (1u64 << 24) as f32
}

/// One value in twenty is missing. The outcome follows the first seven features, with a product
/// and a step.
fn table(seed: u64, rows: usize) -> Examples {
    let mut values = Vec::with_capacity(rows * FEATURES);
    let mut outcome = Vec::with_capacity(rows);
    for row in 0..rows {
        let start = (row * FEATURES) as u64;
        let full: Vec<f32> = (0..FEATURES as u64)
            .map(|feature| uniform(seed, start + feature))
            .collect();
        let u = |feature: usize| f64::from(full[feature]) - 0.5;
        let signal = 6.0 * (u(0) + 0.5) * u(1) + 2.0 * u(2) + if u(3) > 0.1 { 1.0 } else { -0.5 }
            - 3.0 * u(4) * u(4) * 4.0
            + u(5)
            - u(6);
        let chance = 1.0 / (1.0 + (-signal).exp());
        outcome.push(f64::from(uniform(seed + 2, row as u64)) < chance);
        values.extend(full.iter().enumerate().map(|(feature, &value)| {
            if uniform(seed + 1, start + feature as u64) < 0.05 {
                f32::NAN
            } else {
                value
            }
        }));
    }
    Examples {
        matrix: Matrix {
            features: (0..FEATURES)
                .map(|f| Feature::named(format!("f{f}")))
                .collect(),
            rows,
            values,
        },
        outcome,
        group: (0..rows).map(|row| row.to_string()).collect(),
        site: None,
        weight: None,
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let training = table(1, 100_000);
    let test = table(11, 20_000);
    let trees = |growth, max_depth| {
        Learner::Trees(Trees {
            growth,
            max_depth,
            ..Trees::default()
        })
    };
    for (name, learner) in [
        ("100 trees, level by level", trees(Growth::DepthWise, 6)),
        ("100 trees, loss first", trees(Growth::LossGuide, 64)),
        ("ridge", Learner::Logistic(Logistic::default())),
    ] {
        let start = Instant::now();
        let model = train(&training, &learner, 1)?;
        let trained = start.elapsed();
        let start = Instant::now();
        let probability = model.predict(&test.matrix)?;
        let asked = start.elapsed();
        let area = auc(&test.outcome, &probability).unwrap_or(f64::NAN);
        println!(
            "{name}: trained in {:.2} s, 20,000 rows asked in {:.3} s, AUC {area:.4}",
            trained.as_secs_f64(),
            asked.as_secs_f64()
        );
    }
    Ok(())
}
