//! From the bank to a data set: what leaves, what does not, and that it can be read.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{TestBank, repository, sample, tool};

pub fn build(bank: &TestBank, name: &str) -> PathBuf {
    let out = bank.folder.path().join(name);
    let spec = repository().join("samples/dataset.toml");
    bank.kura(&[
        "dataset",
        "build",
        &spec.display().to_string(),
        "--out",
        &out.display().to_string(),
    ])
    .ok();
    out
}

#[track_caller]
pub fn python(script: &str, arguments: &[&Path]) {
    let Some(python) = tool("KURA_PYTHON", "python3") else {
        return;
    };
    let output = Command::new(python)
        .arg(repository().join("tests/python").join(script))
        .args(arguments)
        .output()
        .expect("python runs");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_same_specification_and_time_give_the_same_bytes() {
    let bank = TestBank::sample();
    let first = build(&bank, "one");
    let second = build(&bank, "two");
    let manifest = |folder: &Path| std::fs::read(folder.join("manifest.json")).unwrap();
    assert_eq!(manifest(&first), manifest(&second));
    bank.kura(&["dataset", "verify", &first.display().to_string()])
        .ok();
    bank.kura(&[
        "dataset",
        "verify",
        &first.display().to_string(),
        "--bank",
        &bank.path(),
        "--rebuild",
    ])
    .ok();

    // The bank goes on; the set at its own t is still the same.
    let more = "{\"resourceType\":\"Patient\",\"id\":\"later\",\"birthDate\":\"1999-01-01\"}";
    bank.import(&[&bank.file("later.ndjson", more.as_bytes())], 0);
    bank.kura(&[
        "dataset",
        "verify",
        &first.display().to_string(),
        "--bank",
        &bank.path(),
        "--rebuild",
    ])
    .ok();

    // One changed byte, one file too many, one too few.
    let table = first.join("patient.parquet");
    let mut bytes = std::fs::read(&table).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&table, bytes).unwrap();
    std::fs::write(first.join("names.csv"), "x").unwrap();
    std::fs::remove_file(first.join("condition.parquet")).unwrap();
    let run = bank
        .kura(&[
            "dataset",
            "verify",
            &first.display().to_string(),
            "--format",
            "json",
        ])
        .exits(3)
        .json();
    let differences = run["differences"].as_array().unwrap();
    assert_eq!(differences.len(), 3, "{differences:?}");

    // A folder that holds something is not written into.
    let spec = repository()
        .join("samples/dataset.toml")
        .display()
        .to_string();
    bank.kura(&[
        "dataset",
        "build",
        &spec,
        "--out",
        &second.display().to_string(),
    ])
    .exits(1);
}

/// Whoever gets a set sees with minisign alone that it is the bank's, and as it was built.
#[test]
fn a_set_is_signed_with_the_banks_key() {
    let bank = TestBank::sample();
    let set = build(&bank, "set");
    let key = bank.kura(&["dataset", "key"]).ok().out;
    let key_file = bank.file("bank.pub", key.as_bytes());
    let verify = |more: &[&str]| {
        let set = set.display().to_string();
        let mut arguments = vec!["dataset", "verify", &set, "--format", "json"];
        arguments.extend(more);
        bank.kura(&arguments)
    };
    let by_file = ["--key", &key_file.display().to_string()];
    let run = verify(&by_file).ok().json();
    assert_eq!(run["signature"]["state"], "good", "{run}");
    let line = key.lines().last().unwrap();
    verify(&["--key", line]).ok();
    assert_eq!(verify(&[]).ok().json()["signature"]["state"], "good");
    let minisign = |expected: bool| {
        let Some(minisign) = tool("KURA_MINISIGN", "minisign") else {
            return;
        };
        let output = Command::new(minisign)
            .arg("-Vm")
            .arg(set.join("manifest.json"))
            .args(["-P", line])
            .output()
            .expect("minisign runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.success(), expected, "{said}");
        assert_eq!(said.contains("t = "), expected, "{said}");
    };
    minisign(true);

    // Another bank has another key: it cannot sign for this one.
    let other = TestBank::sample();
    let theirs = other.kura(&["dataset", "key"]).ok().out;
    let theirs = theirs.lines().last().unwrap();
    let run = verify(&["--key", theirs]).exits(3).json();
    assert_eq!(run["signature"]["state"], "other-key", "{run}");

    // A manifest that was mended to fit a changed file is not the one that was signed.
    let manifest = set.join("manifest.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, text.clone() + " ").unwrap();
    let run = verify(&by_file).exits(3).json();
    assert_eq!(run["signature"]["state"], "wrong", "{run}");
    assert_eq!(run["whole"], true, "{run}");
    minisign(false);
    std::fs::write(&manifest, text).unwrap();
    std::fs::remove_file(set.join("manifest.json.minisig")).unwrap();
    let run = verify(&by_file).exits(3).json();
    assert_eq!(run["signature"]["state"], "unsigned", "{run}");

    for (key, said) in [("RWnothing", "public key"), ("no-such.pub", "no-such.pub")] {
        let run = verify(&["--key", key]).exits(1);
        assert!(run.err.contains(said), "{}", run.err);
    }
}

/// A cohort by a value set is that of the value set as it was at the set's own t.
#[test]
fn a_value_set_that_changes_changes_no_set_that_was_built() {
    let bank = TestBank::sample();
    let codes = |codes: &[&str]| {
        let codes: Vec<_> = codes
            .iter()
            .map(|code| serde_json::json!({ "code": code }))
            .collect();
        let value_set = serde_json::json!({
            "resourceType": "ValueSet", "id": "chosen", "url": "http://example.jp/ValueSet/chosen", "status": "active",
            "compose": { "include": [{
                "system": "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/ICD10-2013-full", "concept": codes,
            }] },
        });
        bank.import(
            &[&bank.file("set.ndjson", value_set.to_string().as_bytes())],
            0,
        );
    };
    let specification = std::fs::read_to_string(repository().join("samples/dataset.toml")).unwrap();
    let specification = format!(
        "{specification}\n[cohort]\nall = [\"Condition?code:in=http://example.jp/ValueSet/chosen\"]\n"
    );
    let specification = bank.file("chosen.toml", specification.as_bytes());
    let build = |name: &str| {
        let out = bank.folder.path().join(name);
        let (spec, out) = (
            specification.display().to_string(),
            out.display().to_string(),
        );
        bank.kura(&["dataset", "build", &spec, "--out", &out]).ok();
        let manifest = std::fs::read(Path::new(&out).join("manifest.json")).unwrap();
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
        (out, manifest["patients"].as_u64().unwrap())
    };
    codes(&["I10"]);
    let (first, patients) = build("one");
    codes(&["I10", "E78.5"]);
    let (_, more) = build("two");
    assert!(patients > 0 && more > patients, "{patients}, {more}");
    bank.kura(&[
        "dataset",
        "verify",
        &first,
        "--bank",
        &bank.path(),
        "--rebuild",
    ])
    .ok();
}

#[test]
fn nothing_of_a_patient_is_left_in_any_byte() {
    let bank = TestBank::sample();
    let out = build(&bank, "set");
    python("leak.py", &[&sample(""), &out]);
}

#[test]
fn pandas_reads_the_tables() {
    let bank = TestBank::sample();
    python("read_set.py", &[&build(&bank, "set")]);
}

#[test]
fn two_projects_cannot_be_joined() {
    let bank = TestBank::sample();
    let first = build(&bank, "one");
    let text = std::fs::read_to_string(repository().join("samples/dataset.toml")).unwrap();
    let spec = bank.file(
        "other.toml",
        text.replace("project = \"overview\"", "project = \"other\"")
            .as_bytes(),
    );
    let second = bank.folder.path().join("two");
    bank.kura(&[
        "dataset",
        "build",
        &spec.display().to_string(),
        "--out",
        &second.display().to_string(),
    ])
    .ok();
    python("no_join.py", &[&first, &second]);
}

#[test]
fn a_cohort_is_never_wider_than_meant() {
    let bank = TestBank::sample();
    let text = std::fs::read_to_string(repository().join("samples/dataset.toml")).unwrap();
    let with = |cohort: &str| text.replace("[data]", &format!("[cohort]\n{cohort}\n\n[data]"));
    let try_build = |text: &str, name: &str| {
        let spec = bank.file("spec.toml", text.as_bytes());
        let out = bank.folder.path().join(name);
        let run = bank.kura(&[
            "dataset",
            "build",
            &spec.display().to_string(),
            "--out",
            &out.display().to_string(),
            "--format",
            "json",
        ]);
        (run, out)
    };
    let (run, _) = try_build(&with("all = [\"Patient?gender=male\"]"), "m");
    let male = run.ok().json()["patients"].as_u64().unwrap();
    let (run, _) = try_build(&with("none = [\"Patient?gender=male\"]"), "f");
    assert_eq!(run.ok().json()["patients"].as_u64().unwrap() + male, 43);
    let (run, _) = try_build(&with("all = [\"Patient?_filter=gender eq male\"]"), "g");
    assert_eq!(run.ok().json()["patients"].as_u64().unwrap(), male);
    let (run, _) = try_build(
        &with("all = [\"Observation?code=http://loinc.org|4548-4\", \"Patient?gender=male\"]"),
        "a",
    );
    assert!(run.ok().json()["patients"].as_u64().unwrap() <= male);
    for wrong in [
        "all = [\"Patient?nickname=x\"]",
        "all = [\"Organization?name=x\"]",
        // What may stand for one patient.
        "all = [\"Observation?subject=http://hospital.example/fhir/Patient/1\"]",
        "all = [\"Condition?encounter=Encounter/1\"]",
        "all = [\"ImagingStudy?series=1.2.3\"]",
        "all = [\"Patient?birthdate=ge1980-03-05\", \"Patient?birthdate=le1980-03-05\"]",
        "all = [\"Patient?birthdate=1980-01\"]",
        "all = [\"Patient?jp-kana-sort=x\"]",
        "all = [\"Patient?_list=1\"]",
        "all = [\"Patient?_filter=gender eq male and birthdate eq 1980-03-05\"]",
        "all = [\"Patient?_filter=gender eq male or not (name co x)\"]",
        "all = [\"Condition?_filter=patient._id eq 1\"]",
        "al = []",
    ] {
        let (run, out) = try_build(&with(wrong), "wrong");
        run.exits(1);
        assert!(!out.exists() && !out.with_file_name("wrong.partial").exists());
    }
}
