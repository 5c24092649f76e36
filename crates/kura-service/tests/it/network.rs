//! A network from a bank's radiographs to the picture of where it looked.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use kura_model::{Actor, PurposeOfUse, RequestContext, Role};
use kura_service::models::{self, Measure, Method, ModelFile, State, Which};
use kura_service::{Bank, Config, bedside, dataset, import};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The shared images, the Python that wraps them and ONNX Runtime, or a clear line on what is
/// missing. Missing tools fail where `KURA_TEST_TOOLS` says that they must be there.
fn tools() -> Option<(PathBuf, PathBuf)> {
    let pictures = Path::new(ROOT).join("../shared/data/ai/pneumoniamnist/pneumoniamnist.npz");
    if !pictures.is_file() {
        eprintln!("SKIPPED: the file shared/data/ai/pneumoniamnist/pneumoniamnist.npz is missing");
        return None;
    }
    let named = |name: &str| {
        let path = std::env::var_os(name).map(PathBuf::from);
        let path = path.filter(|path| path.is_file());
        assert!(
            path.is_some() || std::env::var_os("KURA_TEST_TOOLS").is_none(),
            "{name} is missing"
        );
        if path.is_none() {
            eprintln!("SKIPPED: {name} names no file; run make test");
        }
        path
    };
    let _ = named("KURA_INFERENCE__RUNTIME")?;
    Some((pictures, named("KURA_PYTHON")?))
}

#[derive(Default)]
struct Seen(Mutex<Vec<(&'static str, u64, u64)>>);

impl models::Observer for Seen {
    fn step(&self, what: &'static str, done: u64, total: u64) {
        self.0.lock().expect("no panic").push((what, done, total));
    }
}

struct Nobody;

impl dataset::Observer for Nobody {
    fn patients(&self, _done: u64, _total: u64) {}
}

#[test]
fn a_network_learns_is_tested_asked_and_shows_where_it_looked() {
    let Some((pictures, python)) = tools() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let made = Command::new(python)
        .arg(Path::new(ROOT).join("xtask/chest_images.py"))
        .arg(&pictures)
        .arg(folder.path().join("chest"))
        .args(["240", "2"])
        .output()
        .expect("python runs");
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let context = RequestContext::new(
        Actor {
            name: "test".to_owned(),
            role: Role::SingleUser,
        },
        PurposeOfUse::Operations,
    );
    let place = folder.path().join("bank");
    Bank::init(&context, &place, &Config::default()).unwrap();
    let bank = Bank::open(&place).unwrap();
    let cancel = Arc::new(AtomicBool::new(false));
    let first = [folder.path().join("chest/first")];
    import::import(&bank, &context, &first, &import::Quiet, &cancel).unwrap();
    let set = folder.path().join("sets/chest");
    let text = std::fs::read_to_string(Path::new(ROOT).join("samples/chest.toml")).unwrap();
    let places = dataset::Places {
        out: &set,
        review: None,
    };
    dataset::build(&bank, &context, &text, places, &Nobody).unwrap();

    // The sample, quickly: two folds and few epochs.
    let sample = Path::new(ROOT).join("samples/train-chest-network.toml");
    let text = std::fs::read_to_string(sample)
        .unwrap()
        .replace("folds = 5", "folds = 2")
        .replace("[16, 32, 64]", "[8, 16, 16]")
        .replace("epochs = 40", "epochs = 8");
    let spec = folder.path().join("train.toml");
    std::fs::write(&spec, text).unwrap();
    let out = folder.path().join("m1");
    let seen = Seen::default();
    let trained = models::train(&bank, &context, &spec, &out, &seen, &cancel).unwrap();
    eprintln!(
        "{} cases: AUC {:?}, best baseline {:?}, shuffled {:?}, {:.0} s",
        trained.cases,
        trained.auc,
        trained.best_baseline_auc,
        trained.shuffled_auc,
        trained.seconds
    );
    assert!(trained.auc > Some(0.75), "{:?}", trained.auc);
    assert!(trained.best_baseline_auc.is_some());
    assert!(trained.onnx_difference.expect("ONNX Runtime is there") <= 1e-5);
    let seen = seen.0.into_inner().unwrap();
    // 2 folds × (the network, 2 smaller shares, one pixel, the probe) + 2 of a shuffled outcome.
    assert!(seen.contains(&("cross-validation", 12, 12)), "{seen:?}");
    assert!(seen.iter().filter(|(what, ..)| *what == "model").count() > 3);

    let file = ModelFile::parse(&std::fs::read(out.join("model.json")).unwrap()).unwrap();
    assert!(matches!(file.learner, Some(Method::Network(_))));
    assert!(file.training["epochs"]["losses"].as_array().unwrap().len() <= 8);
    let report = std::fs::read_to_string(out.join("report.md")).unwrap();
    for words in ["Epochs run", "Logistic regression", "採用したエポック"] {
        assert!(report.contains(words), "{words}");
    }

    models::register(&bank, &context, &out).unwrap();
    let which: Which = "chest-pneumonia-network".parse().unwrap();
    let tested = models::evaluate(&bank, &context, &which, &set, folder.path(), None).unwrap();
    assert!(tested.measures[&Measure::Auc].value > 0.75);
    for state in [State::Approved, State::InUse] {
        models::step(&bank, &context, &which, state, "begin").unwrap();
    }
    let arrivals =
        ["Patient.ndjson", "dicom.zip"].map(|name| folder.path().join("chest/arrivals").join(name));
    import::import(&bank, &context, &arrivals, &import::Quiet, &cancel).unwrap();
    let answered = bedside::answer_arrivals(&bank, &context).unwrap();
    assert_eq!(answered.failed, 0, "{:?}", answered.reasons);
    let list = bedside::worklist(&bank, &context).unwrap();
    let image = list.iter().find_map(|entry| entry.picture.as_deref());
    let picture = bedside::picture(&bank, &context, image.expect("an answer")).unwrap();
    assert_eq!(&picture[1..4], b"PNG");
}
