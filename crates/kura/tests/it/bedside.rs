//! Models at work: answers on arrival, the list of waiting work, the doctor's decision.

use serde_json::{Value, json};

use crate::models::Ward;

/// The ward with the sample model in use.
fn in_use() -> Option<Ward> {
    let ward = Ward::new()?;
    let spec = ward.spec("train.toml", |text| text);
    ward.train(&spec, "m1").ok();
    ward.model(&["register", &ward.out("m1")]).ok();
    ward.model(&["test", "deterioration@1", "--set", &ward.set()])
        .ok();
    for step in ["approve", "use"] {
        ward.model(&[step, "deterioration@1", "--why", "begin"])
            .ok();
    }
    Some(ward)
}

fn total(ward: &Ward, path: &str) -> u64 {
    let server = ward.bank.serve();
    server.get(path).json()["total"].as_u64().expect("a total")
}

/// Somebody's newest saturation, as the hospital would send it.
fn falling(ward: &Ward, minutes_ago: u64) -> (String, Vec<u8>) {
    let server = ward.bank.serve();
    let found = server
        .get("/fhir/Observation?code=2708-6&_sort=-date&_count=1")
        .json();
    let mut observation = found["entry"][0]["resource"].clone();
    let patient = observation["subject"]["reference"]
        .as_str()
        .unwrap()
        .to_owned();
    let at = std::time::SystemTime::now() - std::time::Duration::from_secs(minutes_ago * 60);
    let seconds = at.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let (hour, minute) = (seconds / 3600 % 24, seconds / 60 % 60);
    let days = seconds / 86_400;
    // Civil from days, for this century.
    let (mut year, mut left) = (1970, days);
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    while left >= 365 + u64::from(leap(year)) {
        left -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [
        31,
        28 + u64::from(leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let mut month = 0;
    while left >= lengths[month] {
        left -= lengths[month];
        month += 1;
    }
    observation["id"] = json!(format!("falling-{minutes_ago}"));
    observation["effectiveDateTime"] = json!(format!(
        "{year}-{:02}-{:02}T{hour:02}:{minute:02}:00Z",
        month + 1,
        left + 1
    ));
    observation["valueQuantity"]["value"] = json!(85);
    (patient, serde_json::to_vec(&observation).unwrap())
}

fn field<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let mark = format!("name=\"{name}\" value=\"");
    page.split(mark.as_str())
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

#[test]
fn an_arrival_is_answered_ranked_and_decided() {
    let Some(ward) = in_use() else { return };
    // What lies in the bank is answered with the first arrival after the model came to use.
    let (patient, observation) = falling(&ward, 5);
    let file = ward.bank.file("falling.json", &observation);
    let report = ward.bank.import(&[&file], 0);
    let answered = &report["answered"];
    assert_eq!(
        (&answered["models"], &answered["failed"]),
        (&1.into(), &0.into())
    );
    assert!(answered["answers"].as_u64().unwrap() > 100, "{answered}");
    // The same again: nobody is asked twice for the same.
    let again = ward.model(&["ask"]).ok().json();
    assert_eq!(again["answers"], 0);

    let server = ward.bank.serve();
    let risks = server
        .get(&format!("/fhir/RiskAssessment?subject={patient}&_count=50"))
        .json();
    let risk = risks["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["resource"])
        .max_by_key(|risk| risk["occurrenceDateTime"].as_str().unwrap_or("").to_owned())
        .unwrap()
        .clone();
    assert_eq!(risk["status"], "preliminary");
    assert_eq!(
        risk["performer"]["reference"],
        "Device/model-deterioration-1"
    );
    let probability = risk["prediction"][0]["probabilityDecimal"]
        .as_f64()
        .unwrap();
    assert!((0.0..=1.0).contains(&probability));
    assert!(
        risk["prediction"][0]["rationale"]
            .as_str()
            .unwrap()
            .contains("spo2")
    );
    // Where it comes from: the device and the inputs.
    let made = server
        .get(&format!(
            "/fhir/Provenance?target=RiskAssessment/{}",
            risk["id"].as_str().unwrap()
        ))
        .json();
    assert_eq!(
        made["entry"][0]["resource"]["agent"][0]["who"]["reference"],
        "Device/model-deterioration-1"
    );

    // The list: the falling patient is on it; probabilities go down where nobody waits longer.
    let page = server.get("/worklist").body;
    let tasks = field(&page, "task");
    let versions = field(&page, "version");
    assert!(!tasks.is_empty() && tasks.len() == versions.len());
    assert!(page.contains(&patient.replace("Patient/", "/patients/")));

    // A correction needs a word; a decision is taken once.
    let post = |task: &str, version: &str, decision: &str, note: &str| {
        server.send(
            "POST",
            "/worklist",
            &[("Content-Type", "application/x-www-form-urlencoded")],
            &format!("task={task}&version={version}&decision={decision}&note={note}"),
        )
    };
    assert_eq!(post(tasks[0], versions[0], "correct", "").status, 409);
    assert_eq!(
        post(tasks[0], versions[0], "correct", "measured%20cold").status,
        303
    );
    assert_eq!(post(tasks[0], versions[0], "accept", "").status, 409);
    let after = server.get("/worklist").body;
    assert_eq!(field(&after, "task").len(), tasks.len() - 1);
    let corrected = server.get("/fhir/RiskAssessment?_count=500").json();
    let decided: Vec<&Value> = corrected["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["resource"])
        .filter(|risk| risk["status"] == "corrected")
        .collect();
    assert_eq!(decided.len(), 1);
    assert!(
        decided[0]["extension"]
            .to_string()
            .contains("measured cold")
    );
    ward.bank.kura(&["audit", "verify"]).ok();
}

#[test]
fn a_shadow_answers_and_nobody_waits() {
    let Some(ward) = Ward::new() else { return };
    let spec = ward.spec("train.toml", |text| text);
    ward.train(&spec, "m1").ok();
    ward.model(&["register", &ward.out("m1")]).ok();
    // A draft is asked only where somebody lets it run in shadow.
    assert_eq!(ward.model(&["ask"]).ok().json()["models"], 0);
    ward.model(&["shadow", "deterioration@1", "--why", "study 12"])
        .ok();
    let report = ward.model(&["ask"]).ok().json();
    assert!(report["answers"].as_u64().unwrap() > 100, "{report}");
    let all = total(&ward, "/fhir/RiskAssessment?_total=accurate&_count=1");
    let research = total(
        &ward,
        "/fhir/RiskAssessment?_tag=urn:kura:use%7Cresearch-only&_total=accurate&_count=1",
    );
    assert_eq!(all, research);
    assert_eq!(total(&ward, "/fhir/Task?_total=accurate&_count=1"), 0);
    let page = ward.bank.serve().get("/worklist").body;
    assert!(field(&page, "task").is_empty());
}

/// Without a runtime, or with a damaged artefact, the import succeeds and the work is on the list.
#[test]
fn a_model_that_fails_empties_nobodys_list() {
    let Some(ward) = in_use() else { return };
    let (_, observation) = falling(&ward, 5);
    let file = ward.bank.file("falling.json", &observation);
    let output = ward
        .bank
        .command(&["import", "--format", "json", &file.display().to_string()])
        .env("KURA_INFERENCE__RUNTIME", "/nowhere/libonnxruntime.so")
        .output()
        .expect("kura runs");
    assert!(output.status.success());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["accepted"], 1);
    assert_eq!(report["answered"]["answers"], 0);
    assert!(report["answered"]["failed"].as_u64().unwrap() > 100);
    assert!(
        report["answered"]["reasons"][0]
            .as_str()
            .unwrap()
            .contains("onnxruntime")
    );
    let server = ward.bank.serve();
    let page = server
        .send("GET", "/worklist", &[("Accept-Language", "en")], "")
        .body;
    assert!(page.contains("unranked"), "the list says so");
    let (tasks, versions) = (field(&page, "task"), field(&page, "version"));
    assert_eq!(tasks.len(), 100);
    let done = server.send(
        "POST",
        "/worklist",
        &[],
        &format!("task={}&version={}&decision=accept", tasks[0], versions[0]),
    );
    assert_eq!(done.status, 303);
}
