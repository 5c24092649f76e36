//! A real network, `samples/brain-tissue/model.onnx`, through the runtime.

use std::path::PathBuf;
use std::time::Duration;

use kura_inference::{Model as _, OnnxModel, Runtime, Tensor};
use kura_model::Category;

fn model() -> Option<OnnxModel> {
    let Some(library) = std::env::var_os("KURA_INFERENCE__RUNTIME") else {
        assert!(
            std::env::var_os("KURA_TEST_TOOLS").is_none(),
            "KURA_INFERENCE__RUNTIME is not set"
        );
        eprintln!("skipped: KURA_INFERENCE__RUNTIME names no ONNX Runtime");
        return None;
    };
    let runtime = Runtime::load(Some(&PathBuf::from(library))).expect("the runtime loads");
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../samples/brain-tissue/model.onnx"
    );
    let bytes = std::fs::read(file).expect("the sample");
    Some(OnnxModel::open(runtime, &bytes).expect("a model"))
}

fn volume(side: usize) -> Tensor {
    Tensor::new(vec![1, 1, side, side, side], vec![0.5; side * side * side]).expect("a volume")
}

#[test]
fn a_run_that_takes_too_long_is_ended_and_the_others_go_on() {
    let Some(model) = model() else { return };
    // Seconds of work in a millisecond.
    let error = model
        .run(&[volume(192)], Duration::from_millis(1))
        .expect_err("it cannot be done");
    assert_eq!(error.category, Category::Exhausted, "{error}");
    let answer = model
        .run(&[volume(8)], Duration::from_secs(60))
        .expect("it answers");
    assert_eq!(answer[0].shape, [1, 3, 8, 8, 8]);
    // One that is watched longer does not hide one that is watched shorter.
    std::thread::scope(|scope| {
        let long = scope.spawn(|| model.run(&[volume(8)], Duration::from_secs(600)));
        let short = model.run(&[volume(160)], Duration::from_millis(1));
        assert_eq!(
            short.expect_err("it cannot be done").category,
            Category::Exhausted
        );
        assert!(long.join().expect("no panic").is_ok());
    });
}

#[test]
fn what_does_not_fit_is_refused_before_it_runs() {
    let Some(model) = model() else { return };
    let flat = Tensor::new(vec![1, 64], vec![0.0; 64]).expect("a tensor");
    let error = model
        .run(&[flat], Duration::from_secs(60))
        .expect_err("another shape");
    assert!(error.message().contains("takes the shape"), "{error}");
    assert!(model.run(&[], Duration::from_secs(60)).is_err());
}
