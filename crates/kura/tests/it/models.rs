//! From a data set to a model in use and back, under a plan of change.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Run, TestBank, repository, shared};

/// The runtime that asks models; `make test` installs it, and then a missing one is a failure.
pub fn runtime() -> bool {
    let there =
        std::env::var_os("KURA_INFERENCE__RUNTIME").is_some_and(|path| Path::new(&path).is_file());
    assert!(
        there || std::env::var_os("KURA_TEST_TOOLS").is_none(),
        "KURA_INFERENCE__RUNTIME is missing"
    );
    if !there {
        eprintln!("SKIPPED: no ONNX Runtime here; run make test");
    }
    there
}

/// The synthetic hospital with a data set of all tables, and the sample specification beside it.
pub struct Ward {
    pub bank: TestBank,
    set: PathBuf,
}

impl Ward {
    pub fn new() -> Option<Self> {
        if !runtime() {
            return None;
        }
        let hospital = shared("hospital-jp/fhir")?;
        let bank = TestBank::new();
        // Files beside the resources (what made them) are refused, and said so.
        bank.import(&[&hospital], 3);
        assert_eq!(bank.live("Patient"), 169);
        let set = bank.folder.path().join("sets/overview");
        let spec = repository().join("samples/dataset.toml");
        bank.kura(&[
            "dataset",
            "build",
            &spec.display().to_string(),
            "--out",
            &set.display().to_string(),
        ])
        .ok();
        Some(Self { bank, set })
    }

    /// The sample specification, changed.
    pub fn spec(&self, name: &str, change: impl Fn(String) -> String) -> String {
        let text = std::fs::read_to_string(repository().join("samples/train-deterioration.toml"))
            .expect("the sample");
        let file = self.bank.folder.path().join(name);
        std::fs::write(&file, change(text)).expect("a file");
        file.display().to_string()
    }

    pub fn out(&self, name: &str) -> String {
        self.bank.folder.path().join(name).display().to_string()
    }

    pub fn train(&self, spec: &str, out: &str) -> Run {
        self.bank
            .kura(&["train", spec, "--out", &self.out(out), "--format", "json"])
    }

    pub fn model(&self, arguments: &[&str]) -> Run {
        let mut all = vec!["model"];
        all.extend(arguments);
        all.extend(["--format", "json"]);
        self.bank.kura(&all)
    }

    fn state(&self, which: &str) -> String {
        self.model(&["show", which]).ok().json()["model"]["state"]
            .as_str()
            .expect("a state")
            .to_owned()
    }

    pub fn set(&self) -> String {
        self.set.display().to_string()
    }
}

/// The sample plan of change, in force.
fn in_force(ward: &Ward) {
    ward.model(&["plan", &plan(), "--why", "confirmed"]).ok();
}

fn plan() -> String {
    repository()
        .join("samples/plan-deterioration.toml")
        .display()
        .to_string()
}

/// Another learner: what the sample plan lets change.
fn trees(text: String) -> String {
    text.replace("[learner.logistic]", "[learner.trees]")
        .replace("penalty = \"l2\"\n", "")
        .replace("strength = 1.0\n", "")
}

#[test]
fn a_model_walks_from_data_to_use_and_back() {
    let Some(ward) = Ward::new() else { return };
    let spec = ward.spec("train.toml", |text| text);
    let first = ward.train(&spec, "m1").ok().json();
    // Better than the plain baselines on patients it did not learn from; nothing leaks.
    assert!(
        first["auc"].as_f64() > first["best_baseline_auc"].as_f64(),
        "{first}"
    );
    for shuffled in first["shuffled_auc"].as_array().unwrap() {
        let auc = shuffled.as_f64().unwrap();
        assert!((0.25..=0.75).contains(&auc), "{auc}");
    }
    assert!(first["onnx_difference"].as_f64().unwrap() <= 1e-5);
    // The same specification gives the same model.
    let again = ward.train(&spec, "m1-again").ok().json();
    assert_eq!(first["model"], again["model"]);

    // Nothing is used that was not tested, and nothing is tested by a word.
    ward.model(&["register", &ward.out("m1")]).ok();
    ward.model(&["approve", "deterioration@1", "--why", "x"])
        .exits(1);
    ward.model(&["use", "deterioration@1", "--why", "x"])
        .exits(1);
    ward.model(&["register", &ward.out("m1")]).exits(1);
    let report = ward
        .model(&["test", "deterioration@1", "--set", &ward.set()])
        .ok()
        .json();
    assert_eq!(report["look"], 1);
    assert!(report["measures"]["auc"]["value"].as_f64().unwrap() > 0.7);
    // Several cases of one patient: the warning fires, and the interval is the clustered one.
    assert!(
        report["remarks"]
            .as_array()
            .unwrap()
            .iter()
            .any(|remark| remark.as_str().unwrap().contains("clusters")),
        "{report}"
    );
    ward.model(&["use", "deterioration@1", "--why", "x"])
        .exits(1);
    ward.model(&["approve", "deterioration@1", "--why", "  "])
        .exits(1);
    ward.model(&["approve", "deterioration@1", "--why", "the board read it"])
        .ok();
    ward.model(&["use", "deterioration@1", "--why", "ward 3 begins"])
        .ok();
    assert_eq!(ward.state("deterioration@1"), "in-use");

    // A second version comes by the plan only.
    let spec = ward.spec("trees.toml", trees);
    ward.train(&spec, "m2").ok();
    ward.model(&["register", &ward.out("m2")]).ok();
    let refused = ward
        .model(&["promote", "deterioration@2", "--why", "x"])
        .exits(1);
    assert!(refused.err.contains("not proposed"), "{}", refused.err);
    // A plan that nobody adopted is no plan; use goes by it once a version was in use.
    let refused = ward
        .model(&[
            "propose",
            "deterioration@2",
            "--plan",
            &plan(),
            "--set",
            &ward.set(),
        ])
        .exits(1);
    assert!(refused.err.contains("in force"), "{}", refused.err);
    in_force(&ward);
    let proposal = ward
        .model(&[
            "propose",
            "deterioration@2",
            "--plan",
            &plan(),
            "--set",
            &ward.set(),
        ])
        .ok()
        .json();
    assert_eq!(proposal["inside"], true, "{proposal}");
    assert_eq!(
        proposal["changes"],
        serde_json::json!(["learner", "threshold"])
    );
    assert_eq!(
        (&proposal["look"], &proposal["in_use"]),
        (&2.into(), &1.into())
    );
    ward.model(&["promote", "deterioration@2", "--why", "inside the plan"])
        .ok();
    assert_eq!(ward.state("deterioration@2"), "in-use");
    assert_eq!(ward.state("deterioration@1"), "suspended");

    // Back in one command.
    ward.model(&["rollback", "deterioration", "--why", "alarms"])
        .ok();
    assert_eq!(ward.state("deterioration@1"), "in-use");
    assert_eq!(ward.state("deterioration@2"), "suspended");
    ward.model(&["rollback", "deterioration", "--why", "again"])
        .exits(1);
    // What was rolled back is not promoted again on the old proposal.
    ward.model(&["promote", "deterioration@2", "--why", "once more"])
        .exits(1);

    // Every step stands in the record, as FHIR.
    let server = ward.bank.serve();
    let steps = server
        .get("/fhir/Provenance?target=Device/model-deterioration-1&_count=50")
        .json();
    let codes: Vec<&str> = steps["entry"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| entry["resource"]["activity"]["coding"][0]["code"].as_str())
        .collect();
    for code in [
        "draft",
        "evaluated",
        "approved",
        "in-use",
        "replaced",
        "rolled-back",
    ] {
        assert!(codes.contains(&code), "{code} in {codes:?}");
    }
    ward.bank.kura(&["audit", "verify"]).ok();
}

#[test]
fn outside_the_bounds_nobody_promotes() {
    let Some(ward) = Ward::new() else { return };
    let spec = ward.spec("train.toml", |text| text);
    ward.train(&spec, "m1").ok();
    let register = |folder: &str| {
        ward.model(&["register", &ward.out(folder)]).ok();
    };
    register("m1");
    ward.model(&["test", "deterioration@1", "--set", &ward.set()])
        .ok();
    for step in ["approve", "use"] {
        ward.model(&[step, "deterioration@1", "--why", "begin"])
            .ok();
    }
    in_force(&ward);
    // A threshold nobody reaches finds no case: sensitivity 0.
    let deaf = ward.spec("deaf.toml", |text| {
        text.replace("sensitivity = 0.85", "probability = 0.999999")
    });
    ward.train(&deaf, "m2").ok();
    register("m2");
    let propose = |which: &str, plan: &str| {
        ward.model(&["propose", which, "--plan", plan, "--set", &ward.set()])
    };
    let proposal = propose("deterioration@2", &plan()).exits(3).json();
    assert_eq!(proposal["inside"], false);
    let broken: Vec<&Value> = proposal["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["holds"] == false)
        .collect();
    assert_eq!(broken[0]["what"], "sensitivity", "{broken:?}");
    let refused = ward
        .model(&["promote", "deterioration@2", "--why", "the director asks"])
        .exits(1);
    assert!(
        refused.err.contains("outside the bounds"),
        "{}",
        refused.err
    );
    assert_eq!(ward.state("deterioration@1"), "in-use");
    // Nor by the way around: suspend the one, use the other.
    ward.model(&["approve", "deterioration@2", "--why", "around"])
        .ok();
    ward.model(&["suspend", "deterioration@1", "--why", "around"])
        .ok();
    let refused = ward
        .model(&["use", "deterioration@2", "--why", "around"])
        .exits(1);
    assert!(refused.err.contains("plan of change"), "{}", refused.err);
    ward.model(&["use", "deterioration@1", "--why", "back"])
        .ok();

    // Other features are another model; patients of the test set may not have been learnt from.
    let features = ward.spec("features.toml", |text| {
        text.replace("window_hours = 72", "window_hours = 48")
    });
    ward.train(&features, "m3").ok();
    register("m3");
    let refused = propose("deterioration@3", &plan()).exits(1);
    assert!(refused.err.contains("features"), "{}", refused.err);
    let seed = ward.spec("seed.toml", |text| text.replace("seed = 7", "seed = 8"));
    ward.train(&seed, "m4").ok();
    register("m4");
    let refused = propose("deterioration@4", &plan()).exits(1);
    assert!(refused.err.contains("learnt from"), "{}", refused.err);

    // The looks of the plan are spent: two were taken, by the test and by the proposal.
    let text = std::fs::read_to_string(plan()).unwrap();
    let few = ward.bank.file(
        "few.toml",
        text.replace("looks = 4", "looks = 2").as_bytes(),
    );
    ward.model(&["plan", &few.display().to_string(), "--why", "fewer"])
        .ok();
    let refused = propose("deterioration@2", &few.display().to_string()).exits(1);
    assert!(refused.err.contains("2 looks"), "{}", refused.err);
    // Bounds that contradict are no plan.
    let contradicts = text.replace(
        "auc = { not_below = 0.6 }",
        "auc = { not_below = 0.9, not_above = 0.8 }",
    );
    let contradicts = ward.bank.file("contradicts.toml", contradicts.as_bytes());
    let refused = propose("deterioration@2", &contradicts.display().to_string()).exits(1);
    assert!(refused.err.contains("contradict"), "{}", refused.err);

    // An approved device waits for the days after its notification.
    let device = text.replace(
        "# [device]\n# confirmation_number = \"確認番号 of the confirmed plan\"\n# waiting_days = 30",
        "[device]\nconfirmation_number = \"A-1\"\nwaiting_days = 0",
    );
    assert_ne!(device, text);
    let device = ward.bank.file("device.toml", device.as_bytes());
    let trees = ward.spec("trees.toml", trees);
    ward.train(&trees, "m5").ok();
    register("m5");
    ward.model(&[
        "plan",
        &device.display().to_string(),
        "--why",
        "A-1 confirmed",
    ])
    .ok();
    propose("deterioration@5", &device.display().to_string()).ok();
    let promote = |more: &[&str]| {
        let mut arguments = vec!["promote", "deterioration@5", "--why", "inside"];
        arguments.extend(more);
        ward.model(&arguments)
    };
    assert!(promote(&[]).exits(1).err.contains("確認番号"));
    assert!(
        promote(&["--confirmation-number", "A-1"])
            .exits(1)
            .err
            .contains("届出")
    );
    let today = "2999-01-01";
    assert!(
        promote(&["--confirmation-number", "A-1", "--notified", today])
            .exits(1)
            .err
            .contains("not over")
    );
    let notified = |day: &str| promote(&["--confirmation-number", "A-1", "--notified", day]);
    assert!(
        notified("2020-01-01")
            .exits(1)
            .err
            .contains("another change")
    );
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    // In Japan's calendar.
    let today = crate::bedside::instant(now + 9 * 3600)[..10].to_owned();
    notified(&today).ok();
    let steps = ward.model(&["show", "deterioration@5"]).ok().json()["steps"].to_string();
    assert!(steps.contains("A-1") && steps.contains(&today), "{steps}");
    assert_eq!(ward.state("deterioration@5"), "in-use");
}

/// Two promotions at once: one wins, the other is told, and one version is in use.
#[test]
fn two_promotions_at_once() {
    let Some(ward) = Ward::new() else { return };
    let specs = [
        ward.spec("train.toml", |text| text),
        ward.spec("trees.toml", trees),
        ward.spec("more.toml", |text| {
            text.replace("strength = 1.0", "strength = 3.0")
        }),
    ];
    for (number, spec) in specs.iter().enumerate() {
        let out = format!("m{}", number + 1);
        ward.train(spec, &out).ok();
        ward.model(&["register", &ward.out(&out)]).ok();
    }
    ward.model(&["test", "deterioration@1", "--set", &ward.set()])
        .ok();
    for step in ["approve", "use"] {
        ward.model(&[step, "deterioration@1", "--why", "begin"])
            .ok();
    }
    in_force(&ward);
    for which in ["deterioration@2", "deterioration@3"] {
        ward.model(&["propose", which, "--plan", &plan(), "--set", &ward.set()])
            .ok();
    }
    let promoting: Vec<_> = ["deterioration@2", "deterioration@3"]
        .iter()
        .map(|which| {
            ward.bank
                .command(&["model", "promote", which, "--why", "now"])
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .expect("kura starts")
        })
        .collect();
    let won = promoting
        .into_iter()
        .filter_map(|mut child| child.wait().ok())
        .filter(|status| status.success())
        .count();
    assert_eq!(won, 1);
    let in_use = ["deterioration@1", "deterioration@2", "deterioration@3"]
        .iter()
        .filter(|which| ward.state(which) == "in-use")
        .count();
    assert_eq!(in_use, 1);
}

#[test]
fn what_may_not_be_known_is_not_learnt() {
    let Some(ward) = Ward::new() else { return };
    // The lowest saturation of the day to come.
    let leak = ward.spec("leak.toml", |text| {
        format!(
            "{text}\n[[feature]]\nname = \"worst\"\nsql = \"\"\"SELECT c.case_id, min(o.value) AS value, max(o.time) AS time
FROM cases c JOIN observation o ON o.patient = c.patient AND o.code = '2708-6' AND o.time BETWEEN c.index_time AND c.index_time + 86400000
GROUP BY 1\"\"\"\n"
        )
    });
    let refused = ward.train(&leak, "leak").exits(1);
    assert!(
        refused.err.contains("after-index-time (worst)"),
        "{}",
        refused.err
    );
    // The same without saying when: it tells the outcome alone, or nearly.
    let disguised = ward.spec("disguised.toml", |text| {
        format!(
            "{text}\n[[feature]]\nname = \"flag\"\nsql = \"\"\"SELECT c.case_id, EXISTS (SELECT 1 FROM observation o WHERE o.patient = c.patient AND o.code = '2708-6' AND o.value < 92 AND o.time > c.index_time AND o.time <= c.index_time + 86400000) AS value, c.index_time AS time FROM cases c\"\"\"\n"
        )
    });
    let refused = ward.train(&disguised, "disguised").exits(1);
    assert!(refused.err.contains("(flag)"), "{}", refused.err);
    assert!(!Path::new(&ward.out("disguised")).exists());
    // The future without saying when, and the outcome's own rows.
    for sql in [
        "SELECT c.case_id, avg(o.value) AS value FROM cases c JOIN observation o USING (patient) GROUP BY 1",
        "SELECT c.case_id, avg(o.value) AS value, NULL AS time FROM cases c JOIN observation o USING (patient) GROUP BY 1",
        "SELECT c.case_id, count(*) AS value, max(e.time) AS time FROM cases c JOIN events e USING (patient) GROUP BY 1",
    ] {
        let spec = ward.spec("hidden.toml", |text| {
            format!("{text}\n[[feature]]\nname = \"hidden\"\nsql = \"{sql}\"\n")
        });
        let refused = ward.train(&spec, "hidden").exits(1);
        assert!(refused.err.contains("'hidden'"), "{sql}: {}", refused.err);
    }
    // A specification with a spelling mistake, a set that was changed.
    let misspelt = ward.spec("misspelt.toml", |text| {
        text.replace("test_share", "tset_share")
    });
    assert!(ward.train(&misspelt, "x").exits(1).err.contains("line"));
    let table = ward.set.join("observation.parquet");
    let mut bytes = std::fs::read(&table).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&table, bytes).unwrap();
    let spec = ward.spec("train.toml", |text| text);
    assert!(ward.train(&spec, "x").exits(1).err.contains("manifest"));
}

#[test]
fn a_model_that_is_none_is_refused() {
    let Some(ward) = Ward::new() else { return };
    let spec = ward.spec("train.toml", |text| text);
    ward.train(&spec, "m1").ok();
    let folder = PathBuf::from(ward.out("m1"));
    let described = std::fs::read_to_string(folder.join("model.json")).unwrap();
    let onnx = std::fs::read(folder.join("model.onnx")).unwrap();
    let hash = |bytes: &[u8]| kura_model::ContentHash::of(bytes).to_hex();
    let tell = |onnx: &[u8], text: &str| {
        std::fs::write(folder.join("model.onnx"), onnx).unwrap();
        std::fs::write(folder.join("model.json"), text).unwrap();
        ward.model(&["register", &ward.out("m1")]).exits(1).err
    };
    // Other bytes than described.
    let mut changed = onnx.clone();
    changed[100] ^= 1;
    assert!(tell(&changed, &described).contains("hash differs"));
    // Described, but no ONNX; cut short; of another shape.
    let original = hash(&onnx);
    for bytes in [b"no model".to_vec(), onnx[..onnx.len() / 2].to_vec()] {
        let message = tell(&bytes, &described.replace(&original, &hash(&bytes)));
        assert!(message.contains("cannot be loaded"), "{message}");
    }
    let mut fewer: Value = serde_json::from_str(&described).unwrap();
    fewer["features"].as_array_mut().unwrap().pop();
    let message = tell(&onnx, &fewer.to_string());
    assert!(message.contains("takes the shape"), "{message}");
    // No runtime: said plainly, and training still works.
    std::fs::write(folder.join("model.json"), &described).unwrap();
    let without = |arguments: &[&str]| {
        let output = ward
            .bank
            .command(arguments)
            .env("KURA_INFERENCE__RUNTIME", "/nowhere/libonnxruntime.so")
            .output()
            .expect("kura runs");
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (code, message) = without(&["model", "register", &ward.out("m1")]);
    assert_eq!(code, Some(1));
    assert!(message.contains("pip install onnxruntime"), "{message}");
    let (code, message) = without(&["train", &spec, "--out", &ward.out("m2")]);
    assert_eq!(code, Some(0), "{message}");
    assert!(message.contains("was not compared"), "{message}");
}

/// Nothing comes to use, and no step is rewritten, by a file.
#[test]
fn models_are_not_imported() {
    let Some(ward) = Ward::new() else { return };
    let spec = ward.spec("train.toml", |text| text);
    ward.train(&spec, "m1").ok();
    ward.model(&["register", &ward.out("m1")]).ok();
    let server = ward.bank.serve();
    let mut device = server.get("/fhir/Device/model-deterioration-1").json();
    drop(server);
    let text = device.to_string().replace("\"draft\"", "\"in-use\"");
    assert_ne!(text, device.to_string());
    let forged = ward.bank.file("forged.json", text.as_bytes());
    let report = ward.bank.import(&[&forged], 3);
    assert_eq!(
        (&report["accepted"], &report["refused"]),
        (&0.into(), &1.into())
    );
    assert_eq!(ward.state("deterioration@1"), "draft");
    // Under another id it is no model either.
    device["id"] = "pump-1".into();
    let other = ward.bank.file("other.json", device.to_string().as_bytes());
    ward.bank.import(&[&other], 3);
    assert_eq!(
        ward.model(&["list"]).ok().json().as_array().map(Vec::len),
        Some(1)
    );
    assert_eq!(ward.bank.refused()[0]["rule"], "reserved");
}
