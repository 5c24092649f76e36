//! Data, the ONNX Runtime and generated images for the tests.

use std::path::{Path, PathBuf};

use kura_inference::Runtime;
use kura_network::{ImageShape, Network};
use kura_training::{Examples, Generator, planes_to_matrix};

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

/// The ONNX Runtime that `KURA_INFERENCE__RUNTIME` names. Without it a test is skipped, unless
/// `KURA_TEST_TOOLS` says that the tools must be there.
pub fn runtime() -> Option<&'static Runtime> {
    let library = std::env::var_os("KURA_INFERENCE__RUNTIME").map(PathBuf::from);
    if let Some(library) = library {
        return Some(
            Runtime::load(Some(&library)).expect("KURA_INFERENCE__RUNTIME names ONNX Runtime"),
        );
    }
    assert!(
        std::env::var_os("KURA_TEST_TOOLS").is_none(),
        "KURA_INFERENCE__RUNTIME names no ONNX Runtime"
    );
    eprintln!("SKIPPED: KURA_INFERENCE__RUNTIME names no ONNX Runtime");
    None
}

/// Noisy images; those with the outcome have a bright bar, lying or standing, in the first channel
/// at a random place, the others a bright square of as many pixels. Two images per patient.
pub fn generated(seed: u64, rows: usize, shape: ImageShape) -> Examples {
    let mut generator = Generator::new(seed);
    let mut outcome = Vec::new();
    let mut images = Vec::new();
    for row in 0..rows {
        let with = (row / 2) % 2 == 0;
        let mut pixels: Vec<f32> = (0..shape.pixels())
            .map(|_| generator.below(1000) as f32 / 2500.0)
            .collect();
        let (tall, broad) = match (with, generator.below(2)) {
            (true, 0) => (1, 4),
            (true, _) => (4, 1),
            (false, _) => (2, 2),
        };
        let top = generator.below(shape.height - tall + 1);
        let left = generator.below(shape.width - broad + 1);
        for y in top..top + tall {
            for x in left..left + broad {
                pixels[y * shape.width + x] += 0.6;
            }
        }
        images.extend(pixels);
        outcome.push(with);
    }
    Examples {
        matrix: planes_to_matrix(&images, shape.channels, shape.height, shape.width).unwrap(),
        outcome,
        group: (0..rows)
            .map(|row| format!("patient {}", row / 2))
            .collect(),
        site: None,
        weight: None,
    }
}

pub const SMALL: ImageShape = ImageShape {
    channels: 1,
    height: 9,
    width: 10,
};

/// Learns the generated images in a second or two.
pub fn quick() -> Network {
    Network {
        channels: vec![8, 16],
        epochs: 12,
        learning_rate: 1e-2,
        ..Network::default()
    }
}
