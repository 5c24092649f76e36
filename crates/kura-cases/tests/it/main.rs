//! Cases out of small tables whose answers can be counted by hand.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use kura_cases::{Cases, CasesSpec, Gathered, Workspace, build};
use kura_dataset::table::{self, Cell, TableWriter};
use serde_json::json;

const HOUR: i64 = 3_600_000;

fn observation(patient: &str, code: &str, hour: i64, value: f64) -> serde_json::Value {
    let (day, hour) = (1 + hour / 24, hour % 24);
    json!({
        "id": format!("{patient}-{code}-{day}-{hour}"),
        "subject": { "reference": format!("Patient/{patient}") },
        "code": { "coding": [{ "system": "s", "code": code }] },
        "effectiveDateTime": format!("1970-01-{day:02}T{hour:02}:00:00Z"),
        "valueQuantity": { "value": value },
    })
}

/// Three patients with a case each: at hour 10, 20 and 30.
fn workspace() -> Workspace {
    let out = Workspace::new(Arc::new(AtomicBool::new(false))).unwrap();
    let (patient, observed) = (
        table::by_name("patient").unwrap(),
        table::by_name("observation").unwrap(),
    );
    out.create(patient).unwrap();
    out.create(observed).unwrap();
    for (id, year) in [("a", "1940"), ("b", "1950"), ("c", "1960")] {
        out.add(
            patient,
            patient.rows(&json!({ "id": id, "birthDate": year })),
        )
        .unwrap();
    }
    for (id, code, hour, value) in [
        ("a", "hr", 1, 60.0),
        ("a", "hr", 9, 70.0),
        ("a", "hr", 10, 80.0),
        ("a", "hr", 11, 200.0),
        ("a", "spo2", 12, 85.0),
        ("b", "hr", 5, 50.0),
        ("b", "spo2", 20, 80.0),
        ("b", "spo2", 99, 97.0),
        ("c", "spo2", 99, 80.0),
        ("c", "spo2", 100, 97.0),
    ] {
        out.add(observed, observed.rows(&observation(id, code, hour, value)))
            .unwrap();
    }
    out
}

fn spec(more: &str) -> CasesSpec {
    toml::from_str(&format!(
        r#"
cases = """SELECT 'case-' || patient AS case_id, patient,
  CASE patient WHEN 'a' THEN {} WHEN 'b' THEN {} ELSE {} END AS index_time FROM patient"""
{more}"#,
        10 * HOUR,
        20 * HOUR,
        30 * HOUR,
    ))
    .unwrap()
}

const EVENTS: &str = r#"
[outcome]
name = "SpO2 under 90 within a day"
sql = "SELECT patient, time FROM observation WHERE code = 'spo2' AND value < 90"
look_ahead_hours = 24
"#;

fn gather(more: &str) -> kura_model::Result<Gathered> {
    build(&mut workspace(), &spec(more), None, true)
}

fn column(cases: &Cases, at: usize) -> Vec<f32> {
    let width = cases.values.len() / cases.case_id.len();
    cases
        .values
        .iter()
        .skip(at)
        .step_by(width)
        .copied()
        .collect()
}

#[test]
fn an_event_counts_after_the_index_time_and_within_the_look_ahead() {
    let feature =
        "[[feature]]\nname = \"x\"\nsql = \"SELECT patient, time, value FROM observation\"\n";
    let gathered = gather(&format!("{EVENTS}\n{feature}")).unwrap();
    assert_eq!(gathered.cases.case_id, ["case-a", "case-b", "case-c"]);
    // b's fell at the index time itself, c's 69 hours later.
    assert_eq!(gathered.cases.outcome, [true, false, false]);

    // Followed until the last record: b was seen until hour 99, c until 100, both long enough.
    let followed = EVENTS.replace(
        "look_ahead_hours = 24",
        "look_ahead_hours = 72\nfollowed_until = \"SELECT patient, time FROM observation\"",
    );
    let gathered = gather(&format!("{followed}\n{feature}")).unwrap();
    assert_eq!(gathered.cases.case_id, ["case-a", "case-b", "case-c"]);
    assert_eq!(gathered.cases.outcome, [true, false, true]);
    // With a longer look-ahead nobody knows what became of b.
    let followed = followed.replace("= 72", "= 90");
    let gathered = gather(&format!("{followed}\n{feature}")).unwrap();
    assert_eq!(gathered.cases.case_id, ["case-a", "case-c"]);
    assert_eq!(gathered.unobserved, 1);
    // The features moved with their cases.
    assert!(column(&gathered.cases, 0)[1].is_nan());
}

#[test]
fn features_know_nothing_after_the_index_time() {
    let mut text = EVENTS.to_owned();
    for (take, window) in [
        ("last", None),
        ("first", None),
        ("min", None),
        ("max", None),
        ("mean", Some(2)),
        ("count", None),
        ("change", None),
    ] {
        text += &format!(
            "[[feature]]\nname = \"hr_{take}\"\ntake = \"{take}\"\nsql = \"SELECT patient, time, value FROM observation WHERE code = 'hr'\"\n"
        );
        if let Some(hours) = window {
            text += &format!("window_hours = {hours}\n");
        }
    }
    text += "[[feature]]\nname = \"age\"\nunit = \"a\"\nsql = \"SELECT c.case_id, 1970 - p.birth_year AS value FROM cases c JOIN patient p USING (patient)\"\n";
    let gathered = gather(&text).unwrap();
    assert!(gathered.findings.is_empty(), "{:?}", gathered.findings);
    let width = 8;
    let row = |at: usize| &gathered.cases.values[at * width..(at + 1) * width];
    assert_eq!(row(0), [80.0, 60.0, 60.0, 80.0, 75.0, 3.0, 20.0, 30.0]);
    assert_eq!(row(1)[..4], [50.0, 50.0, 50.0, 50.0]);
    // Nothing within two hours: not known. None at all: counted as none.
    assert!(row(1)[4].is_nan() && row(2)[0].is_nan());
    assert_eq!((row(1)[5], row(2)[5], row(2)[7]), (1.0, 0.0, 10.0));
}

#[test]
fn a_value_recorded_later_is_a_leak() {
    let feature = "[[feature]]\nname = \"peak\"\nsql = \"SELECT c.case_id, max(o.value) AS value, max(o.time) AS time FROM cases c JOIN observation o USING (patient) GROUP BY 1\"\n";
    let gathered = gather(&format!("{EVENTS}\n{feature}")).unwrap();
    let finding = &gathered.findings[0];
    assert_eq!(finding.rule, "after-index-time");
    assert_eq!(finding.feature.as_deref(), Some("peak"));
    assert!(
        finding.fatal && finding.detail.starts_with('3'),
        "{finding:?}"
    );
}

#[test]
fn a_file_of_judgements() {
    let outcome = "[outcome]\nname = \"judged\"\nfile = \"labels.csv\"\n[[feature]]\nname = \"x\"\nsql = \"SELECT patient, time, value FROM observation\"\n";
    let judged = BTreeMap::from([("case-a".to_owned(), true), ("case-c".to_owned(), false)]);
    let gathered = build(&mut workspace(), &spec(outcome), Some(&judged), true).unwrap();
    assert_eq!(gathered.cases.case_id, ["case-a", "case-c"]);
    assert_eq!(gathered.cases.outcome, [true, false]);
    assert_eq!(gathered.unjudged, 1);
}

#[test]
fn sql_may_only_read() {
    let feature = |sql: &str| {
        let text = format!("{EVENTS}\n[[feature]]\nname = \"x\"\nsql = '''{sql}'''\n");
        gather(&text).unwrap_err().message().to_owned()
    };
    for sql in [
        "DROP TABLE observation",
        "ATTACH DATABASE '/tmp/x.db' AS y",
        "PRAGMA writable_schema = 1",
        "SELECT 1 AS value, 2 AS case_id; DELETE FROM observation",
        "SELECT 1 AS value, 2 AS case_id) ; DROP TABLE observation; SELECT * FROM (SELECT 1",
        "INSERT INTO patient VALUES (1,2,3,4,5) RETURNING 1 AS value, 2 AS case_id",
        "WITH x AS (SELECT 1) DELETE FROM patient RETURNING 1 AS value, 2 AS case_id",
    ] {
        let message = feature(sql);
        assert!(message.starts_with("feature 'x': "), "{sql}: {message}");
    }
    for (sql, says) in [
        ("SELECT nonsense FROM observation", "nonsense"),
        (
            "SELECT patient, time FROM observation",
            "needs the column value",
        ),
        (
            "SELECT patient, value FROM observation",
            "needs patient, time and value",
        ),
        (
            "SELECT patient, time, code AS value FROM observation",
            "text, not a number",
        ),
        (
            "SELECT patient, time, value, code FROM observation",
            "'code' that means nothing",
        ),
        (
            "SELECT 'case-a' AS case_id, 1 AS value FROM patient",
            "more than one value",
        ),
    ] {
        let message = feature(sql);
        assert!(message.contains(says), "{sql}: {message}");
    }
    let comment = format!(
        "{EVENTS}\n[[feature]]\nname = \"x\"\nsql = '''SELECT patient, time, value FROM observation -- the rest; is a comment'''\n"
    );
    gather(&comment).unwrap();
}

#[test]
fn questions_are_answered_by_reading_only() {
    let mut workspace = workspace();
    let rows = workspace
        .ask(
            "x",
            "SELECT code, count(*), NULL FROM observation WHERE code = 'hr' GROUP BY code",
        )
        .unwrap();
    let (code, number) = (Cell::Text("hr".to_owned()), Cell::Integer(5));
    assert_eq!(rows, vec![vec![Some(code), Some(number), None]]);
    for sql in [
        "DELETE FROM observation",
        "CREATE TABLE x (a)",
        "ATTACH 'x' AS y",
        "PRAGMA table_info(observation)",
        "",
        "SELECT nothing FROM observation",
    ] {
        assert!(workspace.ask("x", sql).is_err(), "{sql}");
    }
    let left = workspace
        .ask("x", "SELECT count(*) FROM observation")
        .unwrap();
    assert_eq!(left, vec![vec![Some(Cell::Integer(10))]]);
}

#[test]
fn cancelled_work_stops() {
    let cancel = Arc::new(AtomicBool::new(true));
    let mut stopped = Workspace::new(cancel).unwrap();
    stopped.create(table::by_name("patient").unwrap()).unwrap();
    let forever = CasesSpec {
        cases: "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS case_id, i AS patient, i AS index_time FROM n".to_owned(),
        ..spec(&format!("{EVENTS}\n[[feature]]\nname = \"x\"\nsql = \"SELECT 1\""))
    };
    let error = build(&mut stopped, &forever, None, true).unwrap_err();
    assert_eq!(error.category, kura_model::Category::Interrupted);
}

#[test]
fn parquet_tables_load() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("observation.parquet");
    let table = table::by_name("observation").unwrap();
    let mut writer = TableWriter::create(table, std::fs::File::create(&path).unwrap()).unwrap();
    writer.add(&observation("a", "hr", 3, 61.5)).unwrap();
    writer.add(&json!({ "id": "empty" })).unwrap();
    writer.finish().unwrap();
    let space = Workspace::new(Arc::new(AtomicBool::new(false))).unwrap();
    assert_eq!(space.load(table, &path).unwrap(), 2);
    std::fs::write(&path, b"no Parquet").unwrap();
    let space = Workspace::new(Arc::new(AtomicBool::new(false))).unwrap();
    assert!(space.load(table, &path).is_err());
}

const FIRST_HR: &str = r#"
[[feature_set]]
prefix = "m_"
sql = """SELECT c.case_id, o.code AS name, max(o.value) AS value, min(o.time) AS time
  FROM cases c JOIN observation o ON o.patient = c.patient
  WHERE o.time <= c.index_time GROUP BY c.case_id, o.code"""
"#;

#[test]
fn a_feature_set_has_the_names_that_the_cases_have() {
    let gathered = gather(&format!("{EVENTS}{FIRST_HR}")).unwrap();
    let names: Vec<&str> = gathered.columns.iter().map(|one| one.0.as_str()).collect();
    assert_eq!(names, ["m_hr", "m_spo2"]);
    assert_eq!(gathered.set_names, [["hr", "spo2"]]);
    let cases = &gathered.cases;
    assert_eq!(cases.case_id, ["case-a", "case-b", "case-c"]);
    assert_eq!(cases.values[0], 80.0);
    assert!(cases.values[1].is_nan());
    assert_eq!(cases.values[2..4], [50.0, 80.0]);
    assert!(cases.values[4].is_nan() && cases.values[5].is_nan());
}

#[test]
fn names_that_are_given_decide_the_columns() {
    let given = FIRST_HR.replace("prefix", "names = [\"spo2\", \"bnp\"]\nprefix");
    let gathered = gather(&format!("{EVENTS}{given}")).unwrap();
    let names: Vec<&str> = gathered.columns.iter().map(|one| one.0.as_str()).collect();
    assert_eq!(names, ["m_spo2", "m_bnp"]);
    assert_eq!(gathered.cases.values[2], 80.0);
    assert!(gathered.cases.values[3].is_nan());
}

#[test]
fn a_feature_set_says_when_its_values_were_known() {
    let timeless = FIRST_HR.replace(", min(o.time) AS time", "");
    let error = gather(&format!("{EVENTS}{timeless}")).unwrap_err();
    assert!(error.message().contains("needs a time"), "{error}");
    let late = FIRST_HR
        .replace("o.time <= c.index_time", "1")
        .replace("min(o.time)", "max(o.time)");
    let gathered = gather(&format!("{EVENTS}{late}")).unwrap();
    assert!(
        gathered
            .findings
            .iter()
            .any(|one| one.rule == "after-index-time" && one.fatal)
    );
}

#[test]
fn a_model_that_measures_foresees_nothing() {
    let gathered = build(&mut workspace(), &spec(""), None, false).unwrap();
    assert_eq!(gathered.cases.case_id.len(), 3);
    assert!(build(&mut workspace(), &spec(""), None, true).is_err());
}
