//! Data, tools and generated tables for the tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use kura_training::{Examples, Feature, Matrix};

/// A file of the shared test data, or a clear line that it is missing.
pub fn shared(path: &str) -> Option<PathBuf> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data"));
    let file = root.join(path);
    if file.is_file() {
        return Some(file);
    }
    eprintln!("SKIPPED: the file shared/data/{path} is missing");
    None
}

/// The Python that has onnxruntime. Without it a test is skipped, unless `KURA_TEST_TOOLS` says
/// that the tools must be there.
pub fn python() -> Option<PathBuf> {
    let python = std::env::var_os("KURA_PYTHON").map(PathBuf::from);
    let there = python.as_ref().is_some_and(|python| {
        Command::new(python)
            .args(["-c", "import numpy, onnxruntime"])
            .output()
            .is_ok_and(|output| output.status.success())
    });
    if there {
        return python;
    }
    assert!(
        std::env::var_os("KURA_TEST_TOOLS").is_none(),
        "KURA_PYTHON names no Python with numpy and onnxruntime"
    );
    eprintln!("SKIPPED: KURA_PYTHON names no Python with numpy and onnxruntime");
    None
}

/// SplitMix64; `tests/python/reference.py` has the same.
pub struct Stream(pub u64);

impl Stream {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// Uniform on [0, 1), exact in single precision.
    pub fn uniform(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1u64 << 24) as f32
    }
}

/// `rows` × 6 uniform features of different sizes; a value is missing with chance `gaps`. The
/// outcome follows features 0 to 2 and whether feature 1 is missing, with noise. Each row is a
/// group, and the weights go from 0.5 to 1.5.
pub fn generated(seed: u64, rows: usize, gaps: f32) -> Examples {
    let scale = [1.0, 10.0, 0.1, 1000.0, 1.0, 1.0];
    let shift = [0.0, 5.0, -0.05, 4096.0, 0.0, 0.0];
    let mut stream = Stream(seed);
    let (mut values, mut outcome, mut weight) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rows {
        let uniform: Vec<f32> = (0..6).map(|_| stream.uniform()).collect();
        let missing: Vec<bool> = (0..6).map(|_| stream.uniform() < gaps).collect();
        let signal = 3.0 * (f64::from(uniform[0]) - 0.5) - 2.0 * (f64::from(uniform[1]) - 0.5)
            + 4.0 * (f64::from(uniform[2]) - 0.5) * (f64::from(uniform[0]) - 0.25)
            + if missing[1] { 0.75 } else { 0.0 };
        outcome.push(f64::from(stream.uniform()) < 1.0 / (1.0 + (-signal).exp()));
        weight.push(0.5 + stream.uniform());
        for feature in 0..6 {
            values.push(if missing[feature] {
                f32::NAN
            } else {
                uniform[feature] * scale[feature] + shift[feature]
            });
        }
    }
    Examples {
        matrix: Matrix {
            features: (0..6).map(|f| Feature::named(format!("f{f}"))).collect(),
            rows,
            values,
        },
        outcome,
        group: (0..rows).map(|row| format!("patient {row}")).collect(),
        site: None,
        weight: Some(weight),
    }
}
