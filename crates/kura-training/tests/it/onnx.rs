//! The gate: an exported model answers as the model does, in onnxruntime.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use kura_training::{
    Body, Growth, Learner, Logistic, Matrix, Model, Node, Penalty, Trees, images_to_matrix, train,
};

use crate::support::{Stream, generated, python};

pub fn metadata() -> BTreeMap<String, String> {
    BTreeMap::from([("purpose".to_owned(), "a test, 検査".to_owned())])
}

fn trees(settings: Trees) -> Learner {
    Learner::Trees(settings)
}

pub fn learners() -> Vec<(&'static str, Learner)> {
    let logistic = Logistic::default();
    vec![
        ("ridge", Learner::Logistic(logistic.clone())),
        (
            "lasso",
            Learner::Logistic(Logistic {
                penalty: Penalty::L1,
                strength: 6.0,
                ..logistic.clone()
            }),
        ),
        (
            "plain",
            Learner::Logistic(Logistic {
                penalty: Penalty::None,
                missing_indicator: false,
                ..logistic
            }),
        ),
        ("trees", trees(Trees::default())),
        (
            "leaf_wise_sampled",
            trees(Trees {
                growth: Growth::LossGuide,
                max_depth: 20,
                max_leaves: 40,
                subsample: 0.6,
                feature_share: 0.5,
                iterations: 300,
                ..Trees::default()
            }),
        ),
        (
            "stumps_of_one_leaf",
            trees(Trees {
                min_leaf_weight: 1e6,
                iterations: 2,
                ..Trees::default()
            }),
        ),
    ]
}

/// Random rows with gaps, then for every split value of the model a row that has it exactly, one
/// just below and one just above.
fn asked(model: &Model) -> Matrix {
    let mut matrix = generated(99, 2000, 0.15).matrix;
    let mut stream = Stream(5);
    if let Body::Trees(ensemble) = &model.body {
        for node in ensemble.trees.iter().flat_map(|tree| &tree.nodes) {
            let Node::Split {
                feature, threshold, ..
            } = *node
            else {
                continue;
            };
            for value in [threshold, threshold.next_down(), threshold.next_up()] {
                if value.is_infinite() {
                    continue;
                }
                let row = (stream.bits() % 2000) as usize;
                let mut values = matrix.row(row).to_vec();
                values[feature] = value;
                matrix.values.extend(values);
                matrix.rows += 1;
            }
        }
    }
    matrix
}

fn little_endian(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// Runs the exported model on the rows; returns (input name, largest difference, metadata).
pub fn difference(
    python: &Path,
    name: &str,
    onnx: &[u8],
    rows: &[f32],
    shape: &[usize],
    expected: &[f32],
) -> (String, f64, serde_json::Value) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("onnx-{name}"));
    std::fs::create_dir_all(&folder).unwrap();
    let [model, input, output] =
        ["model.onnx", "input.f32", "expected.f32"].map(|file| folder.join(file));
    std::fs::write(&model, onnx).unwrap();
    std::fs::write(&input, little_endian(rows)).unwrap();
    std::fs::write(&output, little_endian(expected)).unwrap();
    let run = Command::new(python)
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/python/compare.py"
        ))
        .args([&model, &input, &output])
        .args(shape.iter().map(usize::to_string))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(
        run.status.success(),
        "{name}: {text}\n{}",
        String::from_utf8_lossy(&run.stderr)
    );
    eprintln!("{name}: {}", text.lines().next().unwrap());
    let (facts, json) = text.split_once('\n').unwrap();
    let mut words = facts.split(' ');
    let input = words.next().unwrap().to_owned();
    let largest = words.next().unwrap().parse().unwrap();
    (input, largest, serde_json::from_str(json).unwrap())
}

#[test]
fn onnxruntime_answers_as_the_model_does() {
    let Some(python) = python() else { return };
    for gaps in [0.0, 0.1] {
        let examples = generated(7, 1500, gaps);
        for (name, learner) in learners() {
            let name = format!("{name}-{gaps}");
            let model = train(&examples, &learner, 1).unwrap();
            let matrix = asked(&model);
            let expected = model.predict(&matrix).unwrap();
            let (input, largest, properties) = difference(
                &python,
                &name,
                &model.to_onnx(&metadata()),
                &matrix.values,
                &[6],
                &expected,
            );
            assert_eq!(input, "features");
            assert!(largest <= 1e-5, "{name}: {largest}");
            assert_eq!(properties["purpose"], "a test, 検査");
            let names: Vec<String> =
                serde_json::from_str(properties["features"].as_str().unwrap()).unwrap();
            assert_eq!(names, ["f0", "f1", "f2", "f3", "f4", "f5"]);
            assert!(
                properties["training"]
                    .as_str()
                    .unwrap()
                    .contains("\"rows\":1500")
            );
        }
    }
}

#[test]
fn onnxruntime_takes_images() {
    let Some(python) = python() else { return };
    let (height, width, count) = (5, 7, 300);
    let mut stream = Stream(3);
    let images: Vec<f32> = (0..count * height * width)
        .map(|_| stream.uniform())
        .collect();
    let matrix = images_to_matrix(&images, height, width).unwrap();
    let mut examples = generated(7, count, 0.0);
    examples.outcome = (0..count)
        .map(|row| matrix.row(row)[3] + matrix.row(row)[20] > 1.0)
        .collect();
    examples.matrix = matrix;
    for learner in [
        Learner::Logistic(Logistic::default()),
        trees(Trees::default()),
    ] {
        let model = train(&examples, &learner, 1).unwrap();
        let onnx = model
            .to_onnx_for_images(height, width, &metadata())
            .unwrap();
        assert!(model.to_onnx_for_images(6, 7, &metadata()).is_none());
        let expected = model.predict(&examples.matrix).unwrap();
        let shape = [1, height, width];
        let (input, largest, _) = difference(&python, "images", &onnx, &images, &shape, &expected);
        assert_eq!(input, "image");
        assert!(largest <= 1e-5, "{largest}");
    }
}

#[test]
fn same_seed_same_bytes_and_json_keeps_the_model() {
    let examples = generated(7, 600, 0.1);
    for (name, learner) in learners() {
        let model = train(&examples, &learner, 42).unwrap();
        let again = train(&examples, &learner, 42).unwrap();
        assert_eq!(
            model.to_onnx(&metadata()),
            again.to_onnx(&metadata()),
            "{name}"
        );
        let json = serde_json::to_string(&model).unwrap();
        let kept: Model = serde_json::from_str(&json).unwrap();
        assert!(kept.is_sound());
        assert_eq!(kept, model, "{name}");
    }
    let sampled = trees(Trees {
        subsample: 0.5,
        ..Trees::default()
    });
    let [one, other] = [1, 2].map(|seed| train(&examples, &sampled, seed).unwrap());
    assert_ne!(one.body, other.body);
}

/// Enough rows that the work is divided among threads.
#[test]
fn the_number_of_threads_changes_nothing() {
    let examples = generated(17, 40_000, 0.05);
    for (name, learner) in [
        ("ridge", Learner::Logistic(Logistic::default())),
        (
            "trees",
            trees(Trees {
                iterations: 20,
                ..Trees::default()
            }),
        ),
    ] {
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| train(&examples, &learner, 1).unwrap())
        };
        let alone = with(1);
        assert_eq!(alone, with(4), "{name}");
        assert_eq!(alone, with(7), "{name}");
    }
}
