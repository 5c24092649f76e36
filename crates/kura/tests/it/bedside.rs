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
    observation["id"] = json!(format!("falling-{minutes_ago}"));
    observation["effectiveDateTime"] = json!(instant(seconds));
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
    // Who has a current case, not everybody who was ever in the hospital.
    assert!((1..100).contains(&tasks.len()), "{}", tasks.len());
    assert_eq!(page.matches("class=\"state bad\"").count(), tasks.len());
    let done = server.send(
        "POST",
        "/worklist",
        &[],
        &format!("task={}&version={}&decision=accept", tasks[0], versions[0]),
    );
    assert_eq!(done.status, 303);
    drop(server);

    // Whoever was seen waits again when there are new data and still nobody can say how urgent
    // it is.
    let (_, later) = falling(&ward, 1);
    let again = ward.bank.file("later.json", &later);
    let output = ward
        .bank
        .command(&["import", "--format", "json", &again.display().to_string()])
        .env("KURA_INFERENCE__RUNTIME", "/nowhere/libonnxruntime.so")
        .output()
        .expect("kura runs");
    assert!(output.status.success());
    // The server asks by itself when it begins, and the list is ranked: there is a runtime now.
    let server = ward.bank.serve();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(180);
    loop {
        let page = server
            .send("GET", "/worklist", &[("Accept-Language", "en")], "")
            .body;
        if !page.contains("class=\"state bad\"") && page.contains("name=\"task\"") {
            break;
        }
        assert!(std::time::Instant::now() < until, "the list stays unranked");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}

/// Everybody's newest day again, at `seconds` since 1970, with another heart rate.
fn racing(ward: &Ward, seconds: u64) -> Vec<u8> {
    let server = ward.bank.serve();
    let mut lines = Vec::new();
    for (code, add) in [("2708-6", 0.0), ("8867-4", 60.0)] {
        let mut seen = std::collections::BTreeSet::new();
        let mut next = format!("/fhir/Observation?code={code}&_sort=-date&_count=500");
        for _ in 0..4 {
            let page = server.get(&next).json();
            for entry in page["entry"].as_array().into_iter().flatten() {
                let mut one = entry["resource"].clone();
                let patient = one["subject"]["reference"].as_str().unwrap().to_owned();
                let Some(value) = one["valueQuantity"]["value"].as_f64() else {
                    continue;
                };
                if !seen.insert(patient.clone()) {
                    continue;
                }
                one["id"] = json!(format!("racing-{code}-{}", &patient[8..]));
                one["effectiveDateTime"] = json!(instant(seconds));
                one["valueQuantity"]["value"] = json!(value + add);
                lines.push(one.to_string());
            }
            let link = page["link"]
                .as_array()
                .into_iter()
                .flatten()
                .find(|link| link["relation"] == "next");
            match link.and_then(|link| link["url"].as_str()) {
                Some(url) => next = url.split_once(&server.address).unwrap().1.to_owned(),
                None => break,
            }
        }
    }
    (lines.join("\n") + "\n").into_bytes()
}

/// RFC 3339 of seconds since 1970.
pub fn instant(seconds: u64) -> String {
    let output = std::process::Command::new("date")
        .args(["-u", "-d", &format!("@{seconds}"), "+%Y-%m-%dT%H:%M:%SZ"])
        .output()
        .expect("date runs");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn drift_and_distrust_are_seen() {
    let Some(ward) = in_use() else { return };
    ward.model(&["ask"]).ok();
    let watch = |more: &[&str]| {
        let mut arguments = vec!["watch", "deterioration@1"];
        arguments.extend(more);
        ward.model(&arguments)
    };
    let feature = |report: &Value, name: &str| {
        report["features"]
            .as_array()
            .unwrap()
            .iter()
            .find(|feature| feature["name"] == name)
            .unwrap()
            .clone()
    };
    let before = watch(&[]).json();
    let rate = feature(&before, "heart_rate")["current_mean"]
        .as_f64()
        .unwrap();
    assert!(before["answers"].as_u64().unwrap() > 100);

    // Sixty beats more for everybody: a monitor that counts otherwise.
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let lines = racing(&ward, now - 60);
    let file = ward.bank.file("racing.ndjson", &lines);
    let report = ward.bank.import(&[&file], 0);
    assert!(
        report["answered"]["answers"].as_u64().unwrap() > 100,
        "{report}"
    );
    let after = watch(&[]).exits(3).json();
    let drifted = feature(&after, "heart_rate");
    assert!(drifted["drifted"].as_bool().unwrap());
    assert!(
        drifted["current_mean"].as_f64().unwrap() > rate + 20.0,
        "{drifted}"
    );
    assert!(
        drifted["psi"].as_f64() > feature(&before, "heart_rate")["psi"].as_f64(),
        "{drifted}"
    );
    assert!(
        after["alarms"]
            .as_array()
            .unwrap()
            .iter()
            .any(|alarm| alarm["rule"] == "drift"
                && alarm["detail"].as_str().unwrap().contains("heart_rate")),
        "{}",
        after["alarms"]
    );
    // Drift alone stops nothing.
    assert_eq!(after["suspended"], false);

    // Nobody believes it: the rule of the plan stops it, and the report is the evidence.
    let server = ward.bank.serve();
    for _ in 0..12 {
        let page = server.get("/worklist").body;
        let (task, version) = (field(&page, "task")[0], field(&page, "version")[0]);
        let answer = server.send(
            "POST",
            "/worklist",
            &[],
            &format!("task={task}&version={version}&decision=reject&note=no"),
        );
        assert_eq!(answer.status, 303);
    }
    let plan = std::fs::read_to_string(
        crate::support::repository().join("samples/plan-deterioration.toml"),
    )
    .unwrap()
    .replace("at_least = 30", "at_least = 10");
    let plan = ward.bank.file("watch.toml", plan.as_bytes());
    ward.model(&["plan", &plan.display().to_string(), "--why", "watched"])
        .ok();
    let stopped = watch(&["--plan", &plan.display().to_string()])
        .exits(3)
        .json();
    assert_eq!(stopped["decisions"]["rejected"], 12);
    assert_eq!(stopped["suspended"], true, "{}", stopped["alarms"]);
    let shown = ward.model(&["show", "deterioration@1"]).ok().json();
    assert_eq!(shown["model"]["state"], "suspended");
    let last = shown["steps"].as_array().unwrap().last().unwrap().clone();
    assert!(last["why"].as_str().unwrap().contains("rule of the plan"));
    assert!(last["evidence"].is_string());
    // Suspended, it is not asked; nothing else changes.
    assert_eq!(ward.model(&["ask"]).ok().json()["models"], 0);
}
