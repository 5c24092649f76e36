//! Images: a model that looks at radiographs, from training to an arrival from a modality.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Run, TestBank, python, repository, shared, tool};

pub struct Chest {
    pub bank: TestBank,
    files: PathBuf,
    pub set: String,
}

impl Chest {
    /// With this many arrivals to come.
    pub fn new(arriving: &str) -> Option<Self> {
        if !crate::models::runtime() {
            return None;
        }
        let pictures = shared("ai/pneumoniamnist/pneumoniamnist.npz")?;
        let bank = TestBank::new();
        let files = bank.folder.path().join("chest");
        let (pictures, out) = (pictures.display().to_string(), files.display().to_string());
        python("xtask/chest_images.py", &[&pictures, &out, "300", arriving])?;
        bank.import(&[&files.join("first")], 0);
        let set = bank.folder.path().join("sets/chest").display().to_string();
        let spec = repository()
            .join("samples/chest.toml")
            .display()
            .to_string();
        bank.kura(&["dataset", "build", &spec, "--out", &set]).ok();
        Some(Self { bank, files, set })
    }

    pub fn train(&self, name: &str, change: impl Fn(String) -> String) -> Run {
        let text = std::fs::read_to_string(repository().join("samples/train-chest.toml"))
            .expect("the sample");
        let spec = self.bank.folder.path().join(format!("{name}.toml"));
        std::fs::write(&spec, change(text)).expect("a file");
        let out = self.bank.folder.path().join(name).display().to_string();
        let trained = self.bank.kura(&[
            "train",
            &spec.display().to_string(),
            "--out",
            &out,
            "--format",
            "json",
        ]);
        if trained.code == 0 {
            self.model(&["register", &out]).ok();
        }
        trained
    }

    fn model(&self, arguments: &[&str]) -> Run {
        let mut all = vec!["model"];
        all.extend(arguments);
        all.extend(["--format", "json"]);
        self.bank.kura(&all)
    }
}

fn waiting(page: &str) -> usize {
    page.matches("name=\"task\"").count()
}

#[test]
fn radiographs_are_learnt_ranked_and_watched() {
    let Some(chest) = Chest::new("40") else {
        return;
    };
    let trained = chest.train("m1", |text| text).ok().json();
    assert_eq!(
        trained["cases"].as_u64().unwrap() + trained["test"]["cases"].as_u64().unwrap(),
        300
    );
    assert!(trained["auc"].as_f64() > trained["best_baseline_auc"].as_f64());
    assert!(trained["onnx_difference"].as_f64().unwrap() <= 1e-5);
    let report = chest
        .model(&["test", "chest-pneumonia", "--set", &chest.set])
        .ok()
        .json();
    assert!(
        report["measures"]["auc"]["value"].as_f64().unwrap() > 0.9,
        "{report}"
    );
    for step in ["approve", "use"] {
        chest
            .model(&[step, "chest-pneumonia", "--why", "begin"])
            .ok();
    }
    chest.model(&["ask"]).ok();

    // Patients are known, then a modality sends: the list has them, the ill ones first.
    chest
        .bank
        .import(&[&chest.files.join("arrivals/Patient.ndjson")], 0);
    if tool("KURA_STORESCU", "storescu").is_none() {
        return;
    }
    let folder = chest.bank.folder.path().join("modality");
    zip_out(&chest.files.join("arrivals/dicom.zip"), &folder);
    let server = chest.bank.serve_with(&["--dicom-port", "0"]);
    let before = waiting(&server.get("/worklist").body);
    let sent = Command::new("storescu")
        .args(["-aec", "KURA", "-aet", "CR1", "+sd", "127.0.0.1"])
        .arg(server.dicom.expect("a DICOM port").to_string())
        .arg(&folder)
        .output()
        .expect("storescu runs");
    assert!(
        sent.status.success(),
        "{}",
        String::from_utf8_lossy(&sent.stderr)
    );
    let until = Instant::now() + Duration::from_secs(180);
    let arrived = |server: &crate::support::Server| {
        server
            .get("/fhir/RiskAssessment?date=ge2026-06-30T00:00:00Z&_total=accurate&_count=100")
            .json()
    };
    while arrived(&server)["total"].as_u64() < Some(40) {
        assert!(Instant::now() < until, "the arrivals were not answered");
        std::thread::sleep(Duration::from_millis(100));
    }
    let page = server.get("/worklist").body;
    assert!(waiting(&page) > before, "{before}");
    // Where it mattered is drawn on demand, and only for an answer about an image.
    let at = page.find("/worklist/picture/").expect("a picture");
    let picture = page[at..].split('"').next().unwrap();
    let drawn = server.get(picture);
    assert!(drawn.head.contains("image/png"), "{}", drawn.head);
    assert!(drawn.body.get(..8).is_some_and(|body| body.contains("PNG")));
    assert_eq!(server.get("/worklist/picture/risk-0").status, 404);
    // The answer lies in the study as a structured report, for any viewer.
    let reports = server.get("/dicom-web/series?Modality=SR&limit=500").json();
    assert!(reports.as_array().unwrap().len() >= 40, "{reports}");

    // What became of them: the truth arrives, and the watch measures it.
    drop(server);
    chest.bank.import(&[&chest.files.join("later")], 0);
    let watched = chest.model(&["watch", "chest-pneumonia"]).json();
    // Of the patients it has not learnt from: the 40 that arrived, and those locked away.
    let locked = trained["test"]["cases"].as_u64().unwrap();
    assert_eq!(watched["truth"]["cases"], 40 + locked);
    assert!(
        watched["truth"]["measures"]["auc"]["value"]
            .as_f64()
            .unwrap()
            > 0.85
    );
    let feature = |report: &Value, name: &str| {
        report["features"]
            .as_array()
            .unwrap()
            .iter()
            .find(|feature| feature["name"] == name)
            .unwrap()
            .clone()
    };
    // The same kind of pictures: no drift of the picture, by itself.
    assert_eq!(
        feature(&watched, "brightness")["drifted"],
        false,
        "{watched}"
    );

    // A second version under a plan; its own pixels, its own bounds.
    chest
        .train("m2", |text| {
            text.replace("strength = 100.0", "strength = 30.0")
        })
        .ok();
    let plan = chest.bank.file(
        "plan.toml",
        br#"
model = "chest-pneumonia"
title = "Another strength"
may_change = ["learner", "threshold"]
looks = 3
non_inferiority_margin = 0.05
[bounds]
auc = { not_below = 0.9 }
sensitivity = { not_below = 0.7 }
"#,
    );
    chest
        .model(&["plan", &plan.display().to_string(), "--why", "confirmed"])
        .ok();
    let proposal = chest
        .model(&[
            "propose",
            "chest-pneumonia@2",
            "--plan",
            &plan.display().to_string(),
            "--set",
            &chest.set,
        ])
        .ok()
        .json();
    assert_eq!(proposal["inside"], true, "{proposal}");
    chest
        .model(&["promote", "chest-pneumonia@2", "--why", "inside"])
        .ok();
}

/// Pictures that were washed out: found.
#[test]
fn another_exposure_is_drift() {
    let Some(chest) = Chest::new("200") else {
        return;
    };
    chest.train("m1", |text| text).ok();
    chest
        .model(&["shadow", "chest-pneumonia", "--why", "study"])
        .ok();
    // Of the same pictures, a third brighter.
    let folder = chest.bank.folder.path().join("bright");
    let script = r#"
import io, pathlib, sys, zipfile
import numpy, pydicom
out = pathlib.Path(sys.argv[2]); out.mkdir()
with zipfile.ZipFile(sys.argv[1]) as archive:
    for name in archive.namelist():
        data = pydicom.dcmread(io.BytesIO(archive.read(name)))
        data.PixelData = numpy.clip(data.pixel_array * 1.2 + 60, 0, 255).astype(numpy.uint8).tobytes()
        data.save_as(out / name)
"#;
    let script = chest.bank.file("bright.py", script.as_bytes());
    python(
        &script.display().to_string(),
        &[
            &chest.files.join("arrivals/dicom.zip").display().to_string(),
            &folder.display().to_string(),
        ],
    );
    let patients = chest.files.join("arrivals/Patient.ndjson");
    let report = chest.bank.import(&[Path::new(&patients), &folder], 0);
    assert!(report["answered"]["answers"].as_u64().unwrap() >= 200);
    let watched = chest.model(&["watch", "chest-pneumonia"]).exits(3).json();
    let brightness = watched["features"]
        .as_array()
        .unwrap()
        .iter()
        .find(|feature| feature["name"] == "brightness")
        .unwrap()
        .clone();
    assert!(
        brightness["current_mean"].as_f64() > brightness["reference_mean"].as_f64(),
        "{brightness}"
    );
    assert_eq!(brightness["drifted"], true, "{brightness}");

    // Its report is a page of its own, with its style.
    let shown = chest.model(&["show", "chest-pneumonia"]).ok().json();
    let steps = shown["steps"].as_array().unwrap();
    let evidence = steps
        .iter()
        .find(|step| step["state"] == "watched")
        .and_then(|step| step["evidence"].as_str())
        .expect("evidence");
    let server = chest.bank.serve();
    let page = server.get(&format!(
        "/models/chest-pneumonia/1/evidence/{evidence}?report"
    ));
    assert_eq!(page.status, 200);
    assert!(
        page.head.contains("style-src 'unsafe-inline'"),
        "{}",
        page.head
    );
    assert!(page.body.contains("brightness") && page.body.contains("入力または出力の変化"));
    drop(server);

    // What was trained here has its locked patients: no other name and no trial gets round them.
    let disguised = chest.bank.folder.path().join("disguised");
    std::fs::create_dir(&disguised).expect("a folder");
    std::fs::copy(
        chest.bank.folder.path().join("m1/model.onnx"),
        disguised.join("model.onnx"),
    )
    .expect("a model");
    std::fs::write(
        disguised.join("model.toml"),
        r#"
name = "bought"
title = "x"
intended_use = "x"
cases = "SELECT 1"
[foreign]
maker = "somebody else"
licence = "x"
trained_on = "x"
limits = "x"
[image]
height = 28
width = 28
low = 0.0
high = 255.0
"#,
    )
    .expect("a description");
    let refused = chest
        .model(&["register", &disguised.display().to_string()])
        .exits(1);
    assert!(refused.err.contains("was trained here"), "{}", refused.err);
    let refused = chest
        .model(&["test", "chest-pneumonia", "--trial", &"0".repeat(64)])
        .exits(1);
    assert!(refused.err.contains("locked test set"), "{}", refused.err);
}

/// What another maker's network makes of an image, and a linear probe on that: embeddings.
#[test]
fn an_encoder_makes_numbers_that_are_learnt_from() {
    let Some(chest) = Chest::new("12") else {
        return;
    };
    let models = chest.bank.folder.path().join("models");
    python(
        "tests/python/foreign.py",
        &["make", &models.display().to_string()],
    );
    let encoder = models.join("encoder/model.onnx").display().to_string();
    let trained = chest
        .train("embedded", |text| {
            text.replace("high = 255.0", "high = 255.0\nchannels = 3")
                + &format!("\n[encoder]\nfile = \"{encoder}\"\nmaker = \"a test\"\n")
        })
        .ok()
        .json();
    assert!(trained["auc"].as_f64().unwrap() > 0.85, "{trained}");
    assert!(trained["onnx_difference"].as_f64().unwrap() <= 1e-5);
    let report = chest
        .model(&["test", "chest-pneumonia", "--set", &chest.set])
        .ok()
        .json();
    assert!(
        report["measures"]["auc"]["value"].as_f64().unwrap() > 0.85,
        "{report}"
    );
    for step in ["approve", "use"] {
        chest
            .model(&[step, "chest-pneumonia", "--why", "begin"])
            .ok();
    }
    let report = chest.bank.import(&[&chest.files.join("arrivals")], 0);
    assert!(
        report["answered"]["answers"].as_u64() >= Some(12),
        "{report}"
    );
    assert_eq!(report["answered"]["failed"], 0, "{report}");
    // The places that mattered are found by asking the whole chain again.
    let server = chest.bank.serve();
    let page = server.get("/worklist").body;
    let at = page.find("/worklist/picture/").expect("a picture");
    let picture = page[at..].split('"').next().unwrap();
    assert_eq!(server.get(picture).status, 200);
    // Without the encoder's file there is no model.
    drop(server);
    let folder = chest.bank.folder.path().join("embedded");
    std::fs::remove_file(folder.join("encoder.onnx")).expect("a file");
    let refused = chest.model(&["register", &folder.display().to_string()]);
    assert_ne!(refused.code, 0);
    assert!(refused.err.contains("encoder.onnx"), "{}", refused.err);
}

fn zip_out(archive: &Path, folder: &Path) {
    std::fs::create_dir_all(folder).expect("a folder");
    let python = std::env::var("KURA_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let done = Command::new(python)
        .args(["-m", "zipfile", "-e"])
        .args([archive, folder])
        .status()
        .expect("python runs");
    assert!(done.success());
}
