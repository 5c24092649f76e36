//! How long a model takes when it is asked through this crate.
//!
//! ```text
//! cargo run --release -p kura-inference --example inference -- model.onnx 1,1,28,28 2000
//! ```
//!
//! `bench/inference.py` runs this beside ONNX Runtime's own Python binding.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use kura_inference::{Model as _, OnnxModel, Runtime, Tensor};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, shape, times] = &arguments[..] else {
        return Err("usage: speed MODEL.onnx SHAPE TIMES".into());
    };
    let shape: Vec<usize> = shape.split(',').map(str::parse).collect::<Result<_, _>>()?;
    let times: usize = times.parse()?;
    let library = std::env::var_os("KURA_INFERENCE__RUNTIME").map(PathBuf::from);
    let runtime = Runtime::load(library.as_deref())?;
    let model = OnnxModel::open(runtime, &std::fs::read(file)?)?;
    let count: usize = shape.iter().product();
    // The same numbers as the script beside it.
    let values: Vec<f32> = (0..count).map(|at| (at % 251) as f32 / 251.0).collect();
    let mut taken = Vec::with_capacity(times);
    let mut sum = 0.0_f64;
    for time in 0..=times {
        let input = Tensor::new(shape.clone(), values.clone())?;
        let begun = Instant::now();
        let answer = model.run(&[input], Duration::from_secs(600))?;
        // The first one warms up.
        if time > 0 {
            taken.push(begun.elapsed());
        }
        sum = answer[0].values.iter().map(|value| f64::from(*value)).sum();
    }
    taken.sort_unstable();
    let at = |share: usize| taken[(taken.len() - 1) * share / 100].as_secs_f64() * 1e3;
    // For the script: milliseconds, and what came out.
    println!("{:.4} {:.4} {sum:.6}", at(50), at(99));
    Ok(())
}
