//! A performance test read on its pages: in an order of one's own, once, never lost, never twice,
//! not before the wash-out is over and not after the analysis.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::access::add;
use crate::support::{Answer, Run, Server, TestBank, repository, shared, tool};

/// One question and one endpoint; `more` are further keys before the tables.
fn protocol(name: &str, question: &str, endpoint: &str, thresholds: &str, more: &str) -> String {
    format!(
        r#"
title = {{ ja = "胸部X線AIの性能評価試験、{name}", en = "Performance test of a chest AI, {name}" }}
question = "{question}"
intended_use = {{ ja = "肺炎を疑う所見を示す", en = "Points out signs of pneumonia" }}
target_condition = {{ ja = "肺炎", en = "Pneumonia" }}
reference_standard = {{ ja = "2名の合議", en = "Consensus of two" }}
fixed_on = "2026-01-05"
fixed_by = "Trial office"
reading_order_seed = 20260105
endpoint = "{endpoint}"
{more}
model = {{ name = "chest-ai", version = "1.2.0" }}
thresholds = {{ {thresholds} }}
hypothesis = {{ kind = "superiority", alpha_one_sided = 0.025, power = 0.8 }}
minimum = {{ cases = 4, positive_cases = 2, readers = 2 }}
"#
    )
}

const AGAINST: &str = "ai_against_readers";
const WITH: &str = "readers_without_against_with_ai";

struct Office {
    bank: TestBank,
    /// Names of the cases; those of a set are its series.
    cases: Vec<String>,
    set: Option<PathBuf>,
}

impl Office {
    /// Cases read from paper.
    fn paper(cases: usize) -> Self {
        let cases = (1..=cases).map(|n| format!("症例{n:02}")).collect();
        Self {
            bank: TestBank::new(),
            cases,
            set: None,
        }
    }

    /// Cases that are series of a data set of chest radiographs.
    fn images(cases: usize) -> Option<Self> {
        let python = tool("KURA_PYTHON", "python3")?;
        let pictures = shared("ai/pneumoniamnist/pneumoniamnist.npz")?;
        let bank = TestBank::new();
        let files = bank.folder.path().join("chest");
        let made = Command::new(python)
            .arg(repository().join("xtask/chest_images.py"))
            .args([&pictures, &files])
            .args([&cases.to_string(), "1"])
            .output()
            .expect("python runs");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        bank.import(&[&files.join("first")], 0);
        let set = bank.folder.path().join("sets/chest");
        let spec = repository()
            .join("samples/chest.toml")
            .display()
            .to_string();
        bank.kura(&[
            "dataset",
            "build",
            &spec,
            "--out",
            &set.display().to_string(),
        ])
        .ok();
        let manifest: Value =
            serde_json::from_slice(&std::fs::read(set.join("manifest.json")).unwrap()).unwrap();
        let series: BTreeSet<String> = manifest["files"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|file| file["path"].as_str()?.strip_prefix("dicom/"))
            .map(|path| path.split('/').nth(1).unwrap().to_owned())
            .collect();
        assert_eq!(series.len(), cases);
        Some(Self {
            bank,
            cases: series.into_iter().collect(),
            set: Some(set),
        })
    }

    fn write(&self, name: &str, text: &str) -> String {
        self.bank.file(name, text.as_bytes()).display().to_string()
    }

    /// Every other case is positive, one patient each.
    fn case_file(&self) -> String {
        let rows = self.cases.iter().enumerate();
        let rows: String = rows
            .map(|(n, case)| format!("{case},p{n},{}\n", n % 2))
            .collect();
        self.write("cases.csv", &format!("case,cluster,truth\n{rows}"))
    }

    /// The model is nearly always right.
    fn answer_file(&self) -> String {
        let answer = |n: usize| match n {
            0 => 0.97,
            n if n % 2 == 0 => 0.11 + n as f64 / 1000.0,
            n => 0.83 + n as f64 / 1000.0,
        };
        let rows = self.cases.iter().enumerate();
        let rows: String = rows
            .map(|(n, case)| format!("{case},{:.3}\n", answer(n)))
            .collect();
        self.write("answers.csv", &format!("case,probability\n{rows}"))
    }

    fn trial(&self, arguments: &[&str]) -> Run {
        let mut all = vec!["trial"];
        all.extend(arguments);
        all.extend(["--format", "json"]);
        self.bank.kura(&all)
    }

    fn fix(&self, protocol: &str, answers: bool) -> Run {
        let file = self.write("protocol.toml", protocol);
        let (cases, given) = (self.case_file(), self.answer_file());
        let mut arguments = vec!["fix", &file, &cases];
        let set = self.set.as_ref().map(|set| set.display().to_string());
        if let Some(set) = &set {
            arguments.extend(["--set", set]);
        }
        if answers {
            arguments.extend(["--answers", &given]);
        }
        self.trial(&arguments)
    }

    fn fixed(&self, protocol: &str, answers: bool) -> String {
        self.fix(protocol, answers).ok().json()["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    fn order(&self, id: &str, reader: &str, condition: &str) -> Vec<String> {
        let seed = "20260105";
        let arguments = [
            "order",
            id,
            "--reader",
            reader,
            "--condition",
            condition,
            "--seed",
            seed,
        ];
        serde_json::from_value(self.trial(&arguments).ok().json()).unwrap()
    }

    /// What was kept, as it would be analysed.
    fn readings(&self, id: &str) -> Vec<BTreeMap<String, String>> {
        let run = self.bank.kura(&["trial", "readings", id]);
        if run.code != 0 {
            assert!(run.err.contains("nothing was read"), "{}", run.err);
            return Vec::new();
        }
        let mut lines = run.out.lines();
        let head: Vec<&str> = lines.next().unwrap().split(',').collect();
        lines
            .map(|line| {
                let cells = line.split(',').map(str::to_owned);
                head.iter()
                    .map(|name| (*name).to_owned())
                    .zip(cells)
                    .collect()
            })
            .collect()
    }
}

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

/// Someone at a browser; `cookie` where there are accounts.
struct Desk<'a> {
    server: &'a Server,
    cookie: Option<String>,
}

impl<'a> Desk<'a> {
    fn open(server: &'a Server) -> Self {
        Self {
            server,
            cookie: None,
        }
    }

    fn signed_in(server: &'a Server, name: &str, password: &str) -> Self {
        let form = format!("name={name}&password={}", password.replace(' ', "+"));
        let answer = server.send("POST", "/sign-in", &[FORM], &form);
        let cookie = answer.header("set-cookie").expect("a session");
        Self {
            server,
            cookie: cookie.split(';').next().map(str::to_owned),
        }
    }

    fn send(&self, method: &str, path: &str, form: &str) -> Answer {
        let mut headers = vec![FORM, ("Accept-Language", "en")];
        if let Some(cookie) = &self.cookie {
            headers.push(("Cookie", cookie));
        }
        self.server.send(method, path, &headers, form)
    }

    fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "")
    }

    fn begin(&self, trial: &str, reader: &str, condition: &str) -> Answer {
        let form = format!("act=begin&reader={reader}&experience=all&condition={condition}");
        self.send("POST", &format!("/trials/{trial}/read"), &form)
    }

    /// The address of the seat.
    #[track_caller]
    fn sit(&self, trial: &str, reader: &str, condition: &str) -> String {
        let answer = self.begin(trial, reader, condition);
        assert_eq!(answer.status, 303, "{}", answer.body);
        answer.header("location").unwrap()
    }

    fn answer(&self, seat: &str, position: usize, rating: &str) -> u16 {
        let form = format!("position={position}&{rating}&seconds=2.5");
        self.send("POST", seat, &form).status
    }

    /// `3 / 12`
    fn progress(&self, seat: &str) -> String {
        let page = self.get(seat).body;
        let (_, rest) = page.split_once("reading-count\"><b>").expect("a count");
        rest.split('<').next().unwrap().to_owned()
    }
}

/// A POST to a server that may be dying: the status it was answered with, if it was.
fn post(address: &str, path: &str, form: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(address).ok()?;
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{}: {}\r\nContent-Length: {}\r\n\r\n{form}",
        FORM.0,
        FORM.1,
        form.len()
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut text = Vec::new();
    stream.read_to_end(&mut text).ok()?;
    String::from_utf8_lossy(&text)
        .split(' ')
        .nth(1)?
        .parse()
        .ok()
}

/// Scores by case: readers who are right more often than not.
fn score(office: &Office, case: &str, reader: usize) -> usize {
    let number = office.cases.iter().position(|one| one == case).unwrap();
    match (number % 2, (number / 2 + reader) % 3) {
        (1, 0) => 3,
        (1, _) => 5,
        (_, 0) => 4,
        _ => 1,
    }
}

#[test]
fn images_are_locked_with_the_trial() {
    let Some(office) = Office::images(6) else {
        return;
    };
    let set = office.set.clone().unwrap();
    let text = protocol("A", AGAINST, "auc", "ai = [0.5]", "");
    let fixed = office.fix(&text, true).ok().json();
    assert_eq!(
        (&fixed["images"], &fixed["answers"]),
        (&6.into(), &true.into())
    );
    let id = fixed["id"].as_str().unwrap();
    // The same again is the same; without the answers it is another trial.
    assert_eq!(office.fixed(&text, true), id);
    assert_ne!(office.fixed(&text, false), id);

    // A case that is no series of the set, an answer that is missing.
    let (file, cases) = (office.write("p.toml", &text), office.case_file());
    let folder = set.display().to_string();
    let strange = std::fs::read_to_string(&cases).unwrap() + "1.2.3,p9,1\n";
    let strange = office.write("strange.csv", &strange);
    let refused = office
        .trial(&["fix", &file, &strange, "--set", &folder])
        .exits(1);
    assert!(
        refused.err.contains("1 of 7 cases have no image"),
        "{}",
        refused.err
    );
    let answers = std::fs::read_to_string(office.answer_file()).unwrap();
    let short: String = answers
        .lines()
        .take(6)
        .map(|line| format!("{line}\n"))
        .collect();
    let short = office.write("short.csv", &short);
    let refused = office
        .trial(&["fix", &file, &cases, "--answers", &short])
        .exits(1);
    assert!(refused.err.contains("lacks 1 of 6"), "{}", refused.err);

    // The image of the turn is shown, and no other.
    let server = office.bank.serve();
    let desk = Desk::open(&server);
    let seat = desk.sit(id, "R1", "unaided");
    let frame = |position: usize, object: usize, number: usize| {
        desk.get(&format!("{seat}/{position}/frame/{object}/{number}"))
    };
    let first = frame(1, 1, 1);
    assert!(first.body.contains("gray16"), "{}", first.body);
    assert_eq!(first.status, 200);
    assert_eq!(frame(2, 1, 1).status, 409);
    for (object, number) in [(0, 1), (2, 1), (1, 0), (1, 2)] {
        assert_eq!(frame(1, object, number).status, 404, "{object}/{number}");
    }
    assert_eq!(desk.get(&format!("{seat}/1/picture/1/1")).status, 200);
    // The name of the series is nobody's business while its image is read.
    let page = desk.get(&seat).body;
    assert!(!office.cases.iter().any(|case| page.contains(case)));
    let other = office.fixed(&text, false);
    let moved = seat.replace(id, &other);
    for foreign in [
        moved.as_str(),
        &format!("{seat}00"),
        &format!("/trials/{id}/read/zz"),
    ] {
        assert_eq!(desk.get(foreign).status, 404, "{foreign}");
    }
    assert_eq!(desk.answer(&seat, 1, "score=4"), 303);
    assert_eq!((frame(1, 1, 1).status, frame(2, 1, 1).status), (409, 200));

    // A file that was changed is not shown, nor fixed; put back, it is.
    let turn = &office.order(id, "R1", "unaided")[1];
    let study = std::fs::read_dir(set.join("dicom")).unwrap();
    let file_of = study
        .map(|entry| entry.unwrap().path().join(turn))
        .find(|folder| folder.is_dir())
        .map(|folder| {
            std::fs::read_dir(folder)
                .unwrap()
                .next()
                .unwrap()
                .unwrap()
                .path()
        })
        .unwrap();
    let sound = std::fs::read(&file_of).unwrap();
    let mut changed = sound.clone();
    *changed.last_mut().unwrap() ^= 1;
    std::fs::write(&file_of, &changed).unwrap();
    assert_eq!(frame(2, 1, 1).status, 410);
    let refused = office.fix(&text, true).exits(1);
    assert!(
        refused.err.contains("not what the manifest says"),
        "{}",
        refused.err
    );
    std::fs::write(&file_of, sound).unwrap();
    assert_eq!(frame(2, 1, 1).status, 200);

    // The set was moved: fixed again where it is now, it is the same trial.
    let elsewhere = set.with_file_name("moved");
    std::fs::rename(&set, &elsewhere).unwrap();
    assert_eq!(frame(2, 1, 1).status, 410);
    let answers = office.answer_file();
    let arguments = ["fix", &file, &cases, "--answers", &answers, "--set"];
    let place = elsewhere.display().to_string();
    let again = office
        .trial(&[&arguments[..], &[&place]].concat())
        .ok()
        .json();
    assert_eq!(again["id"], id);
    assert_eq!(frame(2, 1, 1).status, 200);
}

#[test]
fn two_readers_read_and_the_trial_is_analysed() {
    let office = Office::paper(24);
    let text = protocol("A", AGAINST, "auc", "ai = [0.5]", "");
    let id = office.fixed(&text, true);
    let mut server = office.bank.serve();
    let orders = ["R1", "R2"].map(|reader| office.order(&id, reader, "unaided"));
    assert_ne!(orders[0], orders[1]);

    // One answer for each turn, and only what is asked.
    let desk = Desk::open(&server);
    let seat = desk.sit(&id, "R1", "unaided");
    assert!(!seat.contains("R1") && !seat.contains("unaided"), "{seat}");
    assert_eq!(desk.progress(&seat), "1 / 24");
    assert!(desk.get(&seat).body.contains(&orders[0][0]));
    for wrong in [
        "score=0",
        "score=6",
        "score=2.5",
        "score=x",
        "decision=1",
        "score=",
    ] {
        assert_eq!(desk.answer(&seat, 1, wrong), 400, "{wrong}");
    }
    assert_eq!(desk.answer(&seat, 2, "score=3"), 409);
    assert_eq!(office.readings(&id).len(), 0);
    let first = format!("score={}", score(&office, &orders[0][0], 0));
    // The same answer at once from eight tabs: one is kept.
    let form = format!("position=1&{first}&seconds=7.5");
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let tabs: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| post(&server.address, &seat, &form)))
            .collect();
        tabs.into_iter()
            .map(|tab| tab.join().unwrap().unwrap())
            .collect()
    });
    assert_eq!(
        statuses.iter().filter(|status| **status == 303).count(),
        1,
        "{statuses:?}"
    );
    assert!(
        statuses.iter().all(|status| [303, 409].contains(status)),
        "{statuses:?}"
    );
    let late = desk.send("POST", &seat, &format!("position=1&{first}"));
    assert_eq!(late.status, 409);
    assert!(late.body.contains("answered already") && late.body.contains("2 / 24"));

    // The server is killed while both read: what was acknowledged is there, and what was not
    // is asked again.
    let second = desk.sit(&id, "R2", "unaided");
    let address = server.address.clone();
    let acknowledged: Vec<usize> = std::thread::scope(|scope| {
        let (told, heard) = std::sync::mpsc::channel();
        let readers: Vec<_> = [(&seat, 2, 0), (&second, 1, 1)]
            .into_iter()
            .map(|(seat, from, reader)| {
                let (told, address, office, order) =
                    (told.clone(), &address, &office, &orders[reader]);
                scope.spawn(move || {
                    let mut kept = from - 1;
                    for position in from..=24 {
                        let score = score(office, &order[position - 1], reader);
                        let form = format!("position={position}&score={score}&seconds=1");
                        match post(address, seat, &form) {
                            Some(303) => kept = position,
                            Some(other) => panic!("{other}"),
                            None => break,
                        }
                        let _ = told.send(());
                    }
                    kept
                })
            })
            .collect();
        for _ in 0..9 {
            heard.recv().unwrap();
        }
        // SIGKILL.
        drop(server);
        readers
            .into_iter()
            .map(|reader| reader.join().unwrap())
            .collect()
    });
    assert!(acknowledged.iter().sum::<usize>() >= 10);
    server = office.bank.serve();
    let desk = Desk::open(&server);
    for (reader, kept) in ["R1", "R2"].iter().zip(&acknowledged) {
        let there = office
            .readings(&id)
            .iter()
            .filter(|row| row["reader"] == *reader)
            .count();
        // One more may have become durable without anybody hearing of it.
        assert!(
            there == *kept || there == kept + 1,
            "{reader}: {there}, {kept} acknowledged"
        );
    }

    // Not all is read: the analysis is refused, and the trial stays open.
    let out = office
        .bank
        .folder
        .path()
        .join("report")
        .display()
        .to_string();
    if office.readings(&id).len() < 48 {
        office.trial(&["analyse", &id, "--out", &out]).exits(1);
    }
    for (reader, (name, order)) in ["R1", "R2"].iter().zip(&orders).enumerate() {
        let seat = desk.sit(&id, name, "unaided");
        let done = office
            .readings(&id)
            .iter()
            .filter(|row| row["reader"] == *name)
            .count();
        for position in done + 1..=24 {
            let rating = format!("score={}", score(&office, &order[position - 1], reader));
            assert_eq!(
                desk.answer(&seat, position, &rating),
                303,
                "{name} {position}"
            );
        }
        let page = desk.get(&seat).body;
        assert!(page.contains("Thank you") && page.contains("all of your reading"));
        assert_eq!(desk.answer(&seat, 25, "score=1"), 409);
    }
    // What was kept, in the order in which it was to be read.
    let rows = office.readings(&id);
    assert_eq!(rows.len(), 48);
    for (reader, (name, order)) in ["R1", "R2"].iter().zip(&orders).enumerate() {
        let own: Vec<_> = rows.iter().filter(|row| row["reader"] == *name).collect();
        for (position, (row, case)) in (1..).zip(own.iter().zip(order)) {
            assert_eq!(row["case"], *case);
            assert_eq!(row["position"], position.to_string());
            assert_eq!(row["score"], score(&office, case, reader).to_string());
            assert_eq!(row["condition"], "unaided");
            assert!(row["read_at"].ends_with("+09:00"), "{}", row["read_at"]);
        }
    }
    assert_eq!(rows[0]["seconds"], "7.5");
    // The model's condition was not asked for.
    assert_eq!(desk.begin(&id, "R1", "aided").status, 409);
    // Nobody who reads learns how many are positive.
    assert!(!desk.get(&format!("/trials/{id}")).body.contains("positive"));

    // Neither other readings nor other answers take the place of what was kept.
    let csv = office.write(
        "readings.csv",
        &office.bank.kura(&["trial", "readings", &id]).ok().out,
    );
    for (option, file) in [("--readings", &csv), ("--answers", &office.answer_file())] {
        let refused = office
            .trial(&["analyse", &id, option, file, "--out", &out])
            .exits(1);
        assert!(refused.err.contains("leave"), "{}", refused.err);
    }
    let analysed = office.trial(&["analyse", &id, "--out", &out]);
    assert!([0, 3].contains(&analysed.code), "{}", analysed.err);
    let numbers = std::fs::read_to_string(format!("{out}/result.json")).unwrap();
    // The same by files, in a trial of its own, comes to the same numbers.
    let by_file = office.fixed(&text, false);
    assert_ne!(by_file, id);
    let other = office
        .bank
        .folder
        .path()
        .join("by-file")
        .display()
        .to_string();
    let answers = office.answer_file();
    let arguments = [
        "analyse",
        &by_file,
        "--readings",
        &csv,
        "--answers",
        &answers,
    ];
    office.trial(&[&arguments[..], &["--out", &other]].concat());
    let same = std::fs::read_to_string(format!("{other}/result.json")).unwrap();
    assert_eq!(numbers, same);

    // From here on nobody reads; the report is served as it was written.
    assert_eq!(desk.begin(&id, "R3", "unaided").status, 409);
    let listed = office.trial(&["list"]).ok().json();
    let this = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["id"] == id)
        .unwrap();
    assert_eq!(this["closed"], true);
    assert_eq!(
        (&this["readers"], &this["readings"]),
        (&2.into(), &48.into())
    );
    let page = desk.get(&format!("/trials/{id}")).body;
    let (_, rest) = page.split_once("/report/").expect("a report");
    let hash = &rest[..64];
    let report = desk.get(&format!("/trials/{id}/report/{hash}"));
    assert_eq!(
        report.body,
        std::fs::read_to_string(format!("{out}/report.en.html")).unwrap()
    );
    let policy = report.header("content-security-policy").unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src"),
        "{policy}"
    );
    assert!(!policy.contains("script-src"), "{policy}");
    assert_eq!(
        desk.get(&format!("/trials/{id}/report/{hash}?json")).body,
        numbers
    );
    let strange = "0".repeat(64);
    for nothing in [
        format!("{strange}/report/{hash}"),
        format!("{id}/report/{strange}"),
    ] {
        assert_eq!(desk.get(&format!("/trials/{nothing}")).status, 404);
    }
    office.bank.kura(&["audit", "verify"]).ok();
}

#[test]
fn the_second_condition_waits_and_the_model_is_seen_in_one_only() {
    let office = Office::paper(6);
    let text = protocol("B", WITH, "sensitivity", "ai = [0.5]", "wash_out_days = 28");
    let silent = office.fixed(&text, false);
    let id = office.fixed(&text, true);
    let server = office.bank.serve();
    let desk = Desk::open(&server);
    // Answers that were not locked cannot be shown.
    assert_eq!(desk.begin(&silent, "R1", "aided").status, 409);
    assert_eq!(desk.begin(&silent, "R1", "unaided").status, 303);

    let seat = desk.sit(&id, "R1", "aided");
    assert_ne!(
        office.order(&id, "R1", "aided"),
        office.order(&id, "R1", "unaided")
    );
    let page = desk.get(&seat).body;
    assert!(page.contains("reading-model") && page.contains("name=\"decision\""));
    // The other condition waits until this one is read to its end, and then for 28 days.
    for position in 1..=6 {
        if position > 1 {
            let refused = desk.begin(&id, "R1", "unaided");
            assert_eq!(refused.status, 409);
            assert!(refused.body.contains("the other condition is read first"));
        }
        assert_eq!(
            desk.answer(&seat, position, &format!("decision={}", position % 2)),
            303
        );
        if position == 1 {
            assert_eq!(desk.answer(&seat, 1, "decision=0"), 409);
        }
    }
    let refused = desk.begin(&id, "R1", "unaided");
    assert_eq!(refused.status, 409);
    assert!(
        refused.body.contains("this condition opens on 20"),
        "{}",
        refused.body
    );
    let thanks = desk.get(&seat).body;
    assert!(thanks.contains("The other condition opens on"), "{thanks}");
    let rows = office.readings(&id);
    assert_eq!(rows.len(), 6);
    assert!(
        rows.iter()
            .all(|row| row["condition"] == "aided" && !row.contains_key("score"))
    );

    // Without the model, its answer is nowhere on the page.
    let unaided = desk.sit(&id, "R2", "unaided");
    let page = desk.get(&unaided).body;
    assert!(!page.contains("reading-model") && !page.contains('%'));
    // The language link of a refused form leads back to the trial.
    let back = desk.get(&format!("/trials/{id}/read?lang=ja"));
    assert_eq!(
        back.header("location").unwrap(),
        format!("/trials/{id}?lang=ja")
    );

    // A protocol may say which comes first.
    let first = protocol(
        "C",
        WITH,
        "sensitivity",
        "ai = [0.5]",
        "wash_out_days = 28\nfirst_condition = \"unaided\"",
    );
    let first = office.fixed(&first, true);
    assert_eq!(desk.begin(&first, "R1", "aided").status, 409);
    assert_eq!(desk.begin(&first, "R1", "unaided").status, 303);
}

#[test]
fn a_code_belongs_to_the_account_that_used_it_first() {
    let office = Office::paper(6);
    let id = office.fixed(&protocol("A", AGAINST, "auc", "ai = [0.5]", ""), true);
    let long = "correct horse battery";
    for (name, role) in [
        ("yamada", "doctor"),
        ("sato", "researcher"),
        ("mori", "auditor"),
    ] {
        assert_eq!(add(&office.bank, name, role, long), 0);
    }
    let server = office.bank.serve();
    let [yamada, sato, mori] =
        ["yamada", "sato", "mori"].map(|name| Desk::signed_in(&server, name, long));
    assert_eq!(
        Desk::open(&server)
            .get("/trials")
            .header("location")
            .unwrap(),
        "/sign-in"
    );

    assert_eq!(yamada.begin(&id, "sato", "unaided").status, 400);
    assert_eq!(yamada.begin(&id, "R 1", "unaided").status, 400);
    let seat = yamada.sit(&id, "R1", "unaided");
    assert_eq!(sato.begin(&id, "R1", "unaided").status, 403);
    assert_eq!(mori.begin(&id, "R9", "unaided").status, 403);
    let other = sato.sit(&id, "R2", "unaided");
    // Nobody reads twice, under two codes.
    assert_eq!(yamada.begin(&id, "R3", "unaided").status, 409);
    // An address alone is no right.
    assert_eq!(sato.get(&seat).status, 403);
    assert_eq!(sato.answer(&seat, 1, "score=1"), 403);
    assert_eq!(yamada.answer(&seat, 1, "score=1"), 303);
    assert_eq!(sato.answer(&other, 1, "score=2"), 303);
    let go_on = |desk: &Desk<'_>, reader: &str| {
        let form = format!("act=resume&reader={reader}&condition=unaided");
        desk.send("POST", &format!("/trials/{id}/read"), &form)
    };
    assert_eq!(go_on(&yamada, "R1").header("location").unwrap(), seat);
    assert_eq!(go_on(&sato, "R1").status, 403);
    // An auditor sees how far it is; only the reader is offered to go on.
    let page = |desk: &Desk<'_>| desk.get(&format!("/trials/{id}")).body;
    assert!(page(&mori).contains("R1") && !page(&mori).contains("/read\""));
    assert_eq!(page(&yamada).matches("value=\"resume\"").count(), 1);
    // What is kept knows codes, and no names.
    let csv = office.bank.kura(&["trial", "readings", &id]).ok().out;
    assert!(csv.contains("R1,") && csv.contains("R2,"));
    assert!(!csv.contains("yamada") && !csv.contains("sato"), "{csv}");
}

#[test]
fn a_browser_reads_trials() {
    let (Some(node), Some(_)) = (tool("KURA_NODE", "node"), tool("KURA_CHROMIUM", "chromium"))
    else {
        return;
    };
    let Some(office) = Office::images(6) else {
        return;
    };
    let wash_out = "wash_out_days = 28";
    office.fixed(
        &protocol("scored", WITH, "auc", "ai = [0.5]", wash_out),
        true,
    );
    let words = r#"scale = { lowest = 1, highest = 5, labels = [
  { ja = "確かに陰性", en = "Definitely negative" }, { ja = "おそらく陰性", en = "Probably negative" },
  { ja = "どちらともいえない", en = "Undecided" },
  { ja = "おそらく陽性", en = "Probably positive" }, { ja = "確かに陽性", en = "Definitely positive" }] }"#;
    // An inline table stands on one line.
    let words = words.replace('\n', " ");
    office.fixed(
        &protocol("worded", AGAINST, "auc", "ai = [0.5]", &words),
        true,
    );
    let slider = "scale = { lowest = 0, highest = 100 }";
    let slider = office.fixed(
        &protocol("slider", AGAINST, "auc", "ai = [0.5]", slider),
        true,
    );
    let paper = office.write(
        "paper.csv",
        "case,cluster,truth\n症例01,p1,1\n症例02,p2,0\n症例03,p3,0\n",
    );
    let decisions = protocol("paper", WITH, "sensitivity", "ai = [0.5]", wash_out);
    let decisions = office.write("decisions.toml", &decisions);
    office.trial(&["fix", &decisions, &paper]).ok();

    let server = office.bank.serve();
    let shots = office.bank.folder.path().join("shots");
    let walk = |part: &str| {
        let output = Command::new(&node)
            .arg(repository().join("tests/browser/trials.mjs"))
            .arg(server.url())
            .arg(&shots)
            .arg(part)
            .output()
            .expect("node runs");
        assert!(
            output.status.success(),
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    };
    walk("read");
    let out = office
        .bank
        .folder
        .path()
        .join("report")
        .display()
        .to_string();
    let analysed = office.trial(&["analyse", &slider, "--out", &out]);
    assert!([0, 3].contains(&analysed.code), "{}", analysed.err);
    walk("report");
}
