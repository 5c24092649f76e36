//! A specification written step by step on the page, and the training from it.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::access::add;
use crate::chest::Chest;
use crate::models::Ward;
use crate::support::{Answer, Server, TestBank, repository, tool};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const PAGE: &str = "/models/new";
const TRAINING: &str = "/models/new/training";

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// The fields of every step: the question of samples/train-deterioration.toml.
struct Sheet(Vec<(String, String)>);

const SPO2: &str = "observation|http://loinc.org|2708-6|%";

impl Sheet {
    fn new(server: &Server, set: &str) -> Self {
        let mut sheet = Self(Vec::new());
        for (name, value) in [
            ("name", "low-spo2"),
            ("title_ja", "24時間以内の低酸素"),
            ("title_en", "Low oxygen \"soon\""),
            ("use_en", "Whom to see first; no diagnosis."),
            ("set", set),
            ("start", "measurement"),
            ("case_code", SPO2),
            ("daily", "1"),
            ("foreseen", "value"),
            ("outcome_code", SPO2),
            ("direction", "below"),
            ("limit", "92"),
            ("ahead_hours", "24"),
            ("from", "numbers"),
            ("age", "1"),
            ("learner", "logistic"),
            ("strength", "medium"),
            ("folds", "5"),
            ("test_share", "30"),
            ("aim", "sensitivity"),
            ("share", "85"),
        ] {
            sheet.set(name, value);
        }
        // The codes as the page offers them, with the system and the unit of the set.
        let page = sheet.send(server, "4", "stay").body;
        for (at, (code, take, hours)) in [
            ("2708-6", "last", "24"),
            ("2708-6", "min", "72"),
            ("9279-1", "last", "24"),
            ("8867-4", "last", "24"),
            ("8310-5", "last", "24"),
            ("3151-8", "last", "24"),
            ("5C070", "last", "168"),
        ]
        .into_iter()
        .enumerate()
        {
            let mark = format!("|{code}|");
            let offered = page
                .split("value=\"observation|")
                .skip(1)
                .filter_map(|rest| rest.split('"').next())
                .find(|rest| format!("|{rest}").contains(&mark))
                .unwrap_or_else(|| panic!("{code} is not offered"));
            sheet.set(&format!("on{at}"), "1");
            sheet.set(&format!("code{at}"), &format!("observation|{offered}"));
            sheet.set(&format!("take{at}"), take);
            sheet.set(&format!("hours{at}"), hours);
        }
        sheet
    }

    fn set(&mut self, name: &str, value: &str) {
        self.0.retain(|(known, _)| known != name);
        self.0.push((name.to_owned(), value.to_owned()));
    }

    fn send(&self, server: &Server, step: &str, go: &str) -> Answer {
        let mut fields: Vec<String> = self
            .0
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        fields.push(format!("step={step}"));
        fields.push(format!("go={}", encoded(go)));
        let headers = [FORM, ("Accept-Language", "en")];
        server.send("POST", PAGE, &headers, &fields.join("&"))
    }
}

fn training(server: &Server) -> String {
    let headers = [("Accept-Language", "en"), ("X-Fragment", "1")];
    let answer = server.send("GET", TRAINING, &headers, "");
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

fn act(server: &Server, form: &str) -> Answer {
    server.send("POST", TRAINING, &[FORM, ("Accept-Language", "en")], form)
}

/// The page once nothing runs any more.
fn over(server: &Server) -> String {
    let until = Instant::now() + Duration::from_secs(300);
    loop {
        let page = training(server);
        if page.contains("data-running=\"0\"") {
            return page;
        }
        assert!(Instant::now() < until, "the training does not end: {page}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Patients, cases and positive cases of a row of the try-out.
fn row(page: &str, name: &str) -> [u64; 3] {
    let (_, rest) = page
        .split_once(&format!("<th scope=\"row\">{name}</th>"))
        .unwrap_or_else(|| panic!("no row {name}: {page}"));
    let mut cells = rest.split("<td class=\"number\">").skip(1).map(|cell| {
        cell.split('<')
            .next()
            .unwrap()
            .replace(',', "")
            .parse()
            .expect("a count")
    });
    [(); 3].map(|()| cells.next().expect("a cell"))
}

fn count(value: &Value, name: &str) -> u64 {
    value[name].as_u64().expect("a count")
}

#[test]
fn a_specification_is_written_and_trained_on_the_page() {
    let Some(ward) = Ward::new() else { return };
    let mut server = ward.bank.serve();
    let mut sheet = Sheet::new(&server, &ward.set());
    let set = Path::new(&ward.set()).canonicalize().unwrap();
    let list = sheet.send(&server, "2", "stay").body;
    assert!(list.contains(&set.display().to_string()), "{list}");

    // The survey tells of nobody: the sample ward has codes of fewer than ten patients.
    let features = sheet.send(&server, "4", "stay").body;
    assert!(features.contains("Patients &lt;10"), "{features}");
    for few in 1..10 {
        assert!(!features.contains(&format!("Patients {few} ")), "{few}");
        assert!(!features.contains(&format!("Patients {few}<")), "{few}");
    }

    // The file is what the sample asks, with days in Japan: the same cases, the same figures.
    let saved = sheet.send(&server, "6", "save");
    assert_eq!(saved.status, 200, "{}", saved.body);
    let disposition = saved.header("content-disposition").unwrap();
    assert!(disposition.contains("train-low-spo2.toml"), "{disposition}");
    let file = ward.spec("train-low-spo2.toml", |_| saved.body.clone());
    let written = ward.train(&file, "written").ok().json();
    let sample = ward.spec("sample.toml", |text| {
        text.replace(
            "date(time / 1000, 'unixepoch')",
            "date(time / 1000 + 32400, 'unixepoch')",
        )
    });
    let sample = ward.train(&sample, "sample").ok().json();
    for figure in ["patients", "cases", "positive", "test", "auc", "threshold"] {
        assert_eq!(written[figure], sample[figure], "{figure}");
    }

    // The try-out counts what the training reports, and trains nothing.
    let summary = sheet.send(&server, "5", "next").body;
    assert!(summary.contains("id=\"enough\""), "{summary}");
    let counts = |of: &Value| ["patients", "cases", "positive"].map(|name| count(of, name));
    assert_eq!(row(&summary, "To learn from"), counts(&written));
    assert_eq!(row(&summary, "Locked away"), counts(&written["test"]));

    every_question_is_counted(&server, &sheet);

    // Too few: said, with how many are needed.
    sheet.set("limit", "1");
    let few = sheet.send(&server, "5", "next").body;
    assert!(
        few.contains("id=\"too-few\"") && few.contains("needed 5"),
        "{few}"
    );
    sheet.set("limit", "92");

    // What is wrong is said at its field, and nothing goes on.
    for (name, value, step) in [
        ("name", "Yamada Taro", "1"),
        ("outcome_code", "observation||2708-6' OR '1'='1|%", "3"),
        ("case_code", "observation||no-such-code|", "3"),
        ("folds", "2.5", "5"),
    ] {
        let before = sheet.0.clone();
        sheet.set(name, value);
        for go in ["next", "save", "train"] {
            let refused = sheet.send(&server, "5", go);
            assert_eq!(refused.status, 422, "{name} {go}");
            let here = format!("name=\"step\" value=\"{step}\"");
            assert!(refused.body.contains(&here), "{name}");
            assert!(
                refused.body.contains(&format!("href=\"#{name}\"")),
                "{name}"
            );
        }
        sheet.0 = before;
    }
    // A folder that is no set of this bank, with one message whatever lies there.
    for folder in ["/", "/etc", "sets/overview", "/no/such/folder"] {
        let mut other = Sheet(sheet.0.clone());
        other.set("set", folder);
        let refused = other.send(&server, "2", "next");
        assert_eq!(refused.status, 422, "{folder}");
        assert!(
            refused.body.contains("no data set of this bank"),
            "{folder}"
        );
    }

    // Trained in the background, and registered.
    let beside = set.parent().unwrap().to_owned();
    assert!(training(&server).contains("No training was begun"));
    assert_eq!(sheet.send(&server, "6", "train").status, 303);
    let done = over(&server);
    let auc = written["auc"].as_f64().unwrap();
    assert!(done.contains(&format!("<b>{auc:.3}</b>")), "{auc} {done}");
    assert!(beside.join("model-low-spo2-1/model.onnx").is_file());
    let (_, job) = done.split_once("name=\"job\" value=\"").expect("a job");
    let job = job.split('"').next().unwrap();
    let report = server.get(&format!("/models/new/report/{job}"));
    assert_eq!(report.status, 200);
    assert!(report.body.contains("Low oxygen &quot;soon&quot;"));
    let registered = act(&server, &format!("act=register&job={job}"));
    assert_eq!(registered.status, 303, "{}", registered.body);
    assert_eq!(
        registered.header("location").as_deref(),
        Some("/models/low-spo2/1")
    );
    let shown = ward.model(&["show", "low-spo2@1"]).ok().json();
    assert_eq!(shown["model"]["state"], "draft");
    // Once.
    assert_eq!(act(&server, &format!("act=register&job={job}")).status, 409);

    // One at a time: a second one is refused while a slow one runs.
    sheet.set("learner", "trees");
    sheet.set("folds", "20");
    assert_eq!(sheet.send(&server, "6", "train").status, 303);
    let second = sheet.send(&server, "6", "train");
    assert!(
        second.body.contains("another training is running"),
        "{}",
        second.body
    );
    // Cancelled, nothing is left.
    assert_eq!(act(&server, "act=cancel").status, 303);
    let cancelled = over(&server);
    assert!(cancelled.contains("was cancelled"), "{cancelled}");
    let nothing_left = |number: u32| {
        assert!(!beside.join(format!("model-low-spo2-{number}")).exists());
        assert!(
            !beside
                .join(format!("model-low-spo2-{number}.partial"))
                .exists()
        );
        assert!(
            !beside
                .join(format!("train-low-spo2-{number}.toml"))
                .exists()
        );
    };
    nothing_left(2);
    assert_eq!(act(&server, "act=cancel").status, 409);

    // A server that is killed leaves no half model, and says so when it is back.
    assert_eq!(sheet.send(&server, "6", "train").status, 303);
    drop(server);
    server = ward.bank.serve();
    let killed = training(&server);
    assert!(
        killed.contains("server ended during the training"),
        "{killed}"
    );
    nothing_left(2);

    // A set that has changed is not offered any more.
    std::fs::write(set.join("manifest.json"), "{}").unwrap();
    let refused = sheet.send(&server, "2", "next");
    assert_eq!(refused.status, 422);
    assert!(
        !refused.body.contains("name=\"set\" value"),
        "{}",
        refused.body
    );
}

/// The value of the first option of a page that holds these words.
fn offered(page: &str, words: &str) -> String {
    page.split("<option value=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .find(|value| value.contains(words))
        .unwrap_or_else(|| panic!("no option holds {words}"))
        .to_owned()
}

/// Whatever is asked, the SQL runs on the set: there are counts, or it is said that there are few.
fn every_question_is_counted(server: &Server, sheet: &Sheet) {
    let page = sheet.send(server, "3", "stay").body;
    let condition = offered(&page, "condition|");
    for start in ["admission", "measurement", "series"] {
        for foreseen in ["value", "condition", "death"] {
            for daily in ["1", ""] {
                let mut sheet = Sheet(sheet.0.clone());
                for (name, value) in [
                    ("start", start),
                    ("after_hours", "12.5"),
                    ("modality", "CR"),
                    ("foreseen", foreseen),
                    ("condition", condition.as_str()),
                    ("finer", daily),
                    ("new_only", "1"),
                    ("ahead_days", "30"),
                    ("daily", daily),
                    ("sex", "1"),
                    ("on7", "1"),
                    ("code7", condition.as_str()),
                    ("take7", "count"),
                ] {
                    sheet.set(name, value);
                }
                let summary = sheet.send(server, "5", "next");
                let place = format!("{start} {foreseen}");
                assert_eq!(summary.status, 200, "{place}");
                let (_, tried) = summary.body.split_once("id=\"tried\"").expect("a try-out");
                assert!(!tried.contains("class=\"refusal\""), "{place}: {tried}");
                assert!(
                    tried.contains("id=\"parts\"") || tried.contains("id=\"too-few\""),
                    "{place}: {tried}"
                );
            }
        }
    }
}

/// The question of samples/train-chest.toml, from the page: the same cases and figures.
#[test]
fn a_model_of_images_is_written_on_the_page() {
    let Some(chest) = Chest::new("0") else { return };
    let server = chest.bank.serve();
    let mut sheet = Sheet(Vec::new());
    for (name, value) in [
        ("name", "chest"),
        ("title_ja", "肺炎"),
        ("use_ja", "読む順番"),
        ("set", chest.set.as_str()),
        ("start", "series"),
        ("modality", "CR"),
        ("foreseen", "condition"),
        ("finer", "1"),
        ("ahead_days", "7"),
        ("from", "image"),
        ("pixels", "28"),
        ("low", "0"),
        ("high", "255"),
        ("learner", "logistic"),
        ("strength", "medium"),
        ("folds", "5"),
        ("test_share", "25"),
        ("aim", "sensitivity"),
        ("share", "90"),
    ] {
        sheet.set(name, value);
    }
    let page = sheet.send(&server, "3", "stay").body;
    sheet.set("condition", &offered(&page, "|J18"));
    let summary = sheet.send(&server, "5", "next").body;
    assert!(summary.contains("id=\"enough\""), "{summary}");
    let saved = sheet.send(&server, "6", "save").body;
    let written = chest.train("written", |_| saved.clone()).ok().json();
    let sample = chest.train("sample", |text| text.replace("seed = 3", "seed = 7"));
    let sample = sample.ok().json();
    for figure in ["patients", "cases", "positive", "test", "auc", "threshold"] {
        assert_eq!(written[figure], sample[figure], "{figure}");
    }
    let counts = |of: &Value| ["patients", "cases", "positive"].map(|name| count(of, name));
    assert_eq!(row(&summary, "To learn from"), counts(&written));
    assert_eq!(row(&summary, "Locked away"), counts(&written["test"]));
}

#[test]
fn only_who_builds_models_writes_specifications() {
    let bank = TestBank::new();
    {
        let server = bank.serve();
        let mut sheet = Sheet(Vec::new());
        for (name, value) in [("name", "a"), ("title_en", "b"), ("use_en", "c")] {
            sheet.set(name, value);
        }
        // No set yet: the page says how one is built.
        let none = sheet.send(&server, "1", "next");
        assert_eq!(none.status, 200);
        assert!(none.body.contains("kura dataset build"), "{}", none.body);
    }
    let password = "correct horse battery";
    for (name, role) in [("kansa", "auditor"), ("kenkyu", "researcher")] {
        assert_eq!(add(&bank, name, role, password), 0);
    }
    let server = bank.serve();
    let signed_in = |name: &str| {
        let form = format!("name={name}&password={}", password.replace(' ', "+"));
        let answer = server.send("POST", "/sign-in", &[FORM], &form);
        let cookie = answer.header("set-cookie").expect("a session");
        cookie.split(';').next().unwrap().to_owned()
    };
    for (name, status) in [("kansa", 403), ("kenkyu", 200)] {
        let cookie = signed_in(name);
        let headers = [FORM, ("Cookie", cookie.as_str())];
        for path in [PAGE, TRAINING] {
            assert_eq!(
                server.send("GET", path, &headers, "").status,
                status,
                "{name}"
            );
        }
        let link = server.send("GET", "/models", &headers, "").body;
        assert_eq!(link.contains("href=\"/models/new\""), status == 200);
        let form = "name=a&title_en=b&use_en=c&step=1&go=next";
        assert_eq!(server.send("POST", PAGE, &headers, form).status, status);
        let form = "act=cancel";
        let acted = if status == 200 { 409 } else { status };
        assert_eq!(server.send("POST", TRAINING, &headers, form).status, acted);
        let report = server.send("GET", "/models/new/report/1", &headers, "");
        assert_eq!(report.status, if status == 200 { 404 } else { status });
    }
}

#[test]
fn a_browser_writes_a_specification() {
    let (Some(node), Some(_)) = (tool("KURA_NODE", "node"), tool("KURA_CHROMIUM", "chromium"))
    else {
        return;
    };
    let Some(ward) = Ward::new() else { return };
    let server = ward.bank.serve();
    let output = Command::new(node)
        .arg(repository().join("tests/browser/wizard.mjs"))
        .arg(server.url())
        .arg(ward.bank.folder.path().join("shots"))
        .output()
        .expect("node runs");
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{out}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(out.contains("registered /models/low-oxygen/1"), "{out}");
    ward.model(&["show", "low-oxygen@1"]).ok();
}
