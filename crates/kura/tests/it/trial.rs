//! The performance test, end to end: fixed, read, analysed, counted.

use crate::support::{TestBank, shared};

const PROTOCOL: &str = r#"
title = { ja = "MRIの読影、2条件", en = "Reading MRI in two conditions" }
question = "readers_without_against_with_ai"
intended_use = { ja = "大動脈解離を疑うMRIの読影", en = "Reading MRI for suspected aortic dissection" }
target_condition = { ja = "大動脈解離", en = "Aortic dissection" }
reference_standard = { ja = "手術または血管造影", en = "Surgery or angiography" }
fixed_on = "2026-01-05"
fixed_by = "Trial office"
wash_out_days = 28
reading_order_seed = 1
endpoint = "auc"
model = { name = "cine", version = "1" }
thresholds = { reader = 3 }
hypothesis = { kind = "superiority", alpha_one_sided = 0.025, power = 0.8 }
minimum = { cases = 100, positive_cases = 40, readers = 5 }
"#;

/// VanDyke's readers (5 × 2 × 114) as two conditions, fixed and analysed by the command line: the
/// published F, degrees of freedom and p (Hillis 2014; MRMCaov).
#[test]
fn a_reader_study_from_protocol_to_report() {
    let Some(data) = shared("ai/statistics/VanDyke.csv") else {
        return;
    };
    let bank = TestBank::new();
    let text = std::fs::read_to_string(data).unwrap();
    let mut cases = std::collections::BTreeMap::new();
    let mut readings = "reader,experience,case,condition,score,read_at\n".to_owned();
    for line in text.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let (condition, day) = match cells[1] {
            "1" => ("unaided", "2026-02-01"),
            _ => ("aided", "2026-03-15"),
        };
        cases.insert(cells[2].to_owned(), cells[3].to_owned());
        readings += &format!(
            "R{},all,{},{condition},{},{day}\n",
            cells[0], cells[2], cells[4]
        );
    }
    let mut csv = "case,cluster,truth\n".to_owned();
    for (case, truth) in &cases {
        csv += &format!("{case},p{case},{truth}\n");
    }
    let protocol = bank
        .file("protocol.toml", PROTOCOL.as_bytes())
        .display()
        .to_string();
    let cases = bank.file("cases.csv", csv.as_bytes()).display().to_string();
    let read = bank
        .file("readings.csv", readings.as_bytes())
        .display()
        .to_string();
    let json = |arguments: &[&str]| {
        let mut all = arguments.to_vec();
        all.extend(["--format", "json"]);
        bank.kura(&all)
    };
    let fixed = json(&["trial", "fix", &protocol, &cases]).ok().json();
    assert_eq!(
        (&fixed["cases"], &fixed["positive"]),
        (&114.into(), &45.into())
    );
    let id = fixed["id"].as_str().unwrap();
    // The same two are the same trial.
    assert_eq!(
        json(&["trial", "fix", &protocol, &cases]).ok().json()["id"],
        id
    );

    // Each reader has an order of their own, and it is the same when asked again.
    let order = |reader: &str, condition: &str| {
        json(&[
            "trial",
            "order",
            id,
            "--reader",
            reader,
            "--condition",
            condition,
            "--seed",
            "1",
        ])
        .ok()
        .json()
    };
    let first = order("R1", "unaided");
    assert_eq!(first.as_array().map(Vec::len), Some(114));
    assert_eq!(first, order("R1", "unaided"));
    assert_ne!(first, order("R1", "aided"));
    assert_ne!(first, order("R2", "unaided"));

    let out = bank.folder.path().join("report").display().to_string();
    let analysed = json(&["trial", "analyse", id, "--readings", &read, "--out", &out]);
    assert!([0, 3].contains(&analysed.code), "{}", analysed.err);
    let done = analysed.json();
    assert_eq!(done["analyses"], 1);
    let study = done["result"]["studies"].to_string();
    let has = |number: &str| assert!(study.contains(number), "{number} in {study}");
    has("4.4563");
    has("15.259");
    has("0.05166");
    for name in ["report.ja.html", "report.en.html", "result.json"] {
        let text = std::fs::read_to_string(format!("{out}/{name}")).unwrap();
        assert!(text.len() > 2_000, "{name}");
        // Patients are numbers of the trial, and do not stand in the report.
        assert!(!text.contains("p101"), "{name}");
    }
    // A second look is counted.
    let again = bank.folder.path().join("again").display().to_string();
    let second = json(&["trial", "analyse", id, "--readings", &read, "--out", &again]).json();
    assert_eq!(second["analyses"], 2);

    // A patient's number does not enter the research zone.
    bank.import(&[&crate::support::sample("fhir/Patient.ndjson.gz")], 0);
    let numbered = bank.file(
        "numbered.csv",
        csv.replace(",p1,", ",POP-000016,").as_bytes(),
    );
    let refused = json(&["trial", "fix", &protocol, &numbered.display().to_string()]).exits(1);
    assert!(refused.err.contains("patient's number"), "{}", refused.err);
    assert!(!refused.err.contains("POP-000016"));
    // A reading too many, an unknown trial, a protocol that contradicts itself.
    let twice = bank.file(
        "twice.csv",
        format!("{readings}R1,all,1,unaided,5,2026-02-02\n").as_bytes(),
    );
    let refused = json(&[
        "trial",
        "analyse",
        id,
        "--readings",
        &twice.display().to_string(),
        "--out",
        &format!("{out}-x"),
    ])
    .exits(1);
    assert!(
        !std::path::Path::new(&format!("{out}-x")).exists(),
        "{}",
        refused.err
    );
    json(&[
        "trial",
        "order",
        &"0".repeat(64),
        "--reader",
        "R",
        "--condition",
        "aided",
        "--seed",
        "1",
    ])
    .exits(1);
    let wrong = bank.file(
        "wrong.toml",
        PROTOCOL.replace("power = 0.8", "power = 1.8").as_bytes(),
    );
    let refused = json(&["trial", "fix", &wrong.display().to_string(), &cases]).exits(1);
    assert!(refused.err.contains("power"), "{}", refused.err);
    bank.kura(&["audit", "verify"]).ok();
}
