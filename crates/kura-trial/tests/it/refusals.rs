//! Faults made on purpose: each is found, by its type.

use kura_trial::{
    Answers, Cases, Condition, Finding, Input, LockedCases, Protocol, Readings, Refused, Severity,
    TrialResult, analyse, lock,
};

const PROTOCOL: &str = r#"
title = "A trial"
question = "readers_without_against_with_ai"
intended_use = "A test."
target_condition = "disease"
reference_standard = "histology"
fixed_on = "2026-01-05"
fixed_by = "Trial office"
wash_out_days = 28
reading_order_seed = 1
endpoint = "sensitivity"
model = { name = "m", version = "1" }
thresholds = { ai = [0.5] }
hypothesis = { kind = "superiority", alpha_one_sided = 0.025, power = 0.8 }
minimum = { cases = 6, positive_cases = 3, readers = 2 }
"#;

const CASES: &str =
    "case,cluster,truth,sex\na,1,1,f\nb,2,1,m\nc,3,1,f\nd,4,0,m\ne,5,0,f\nf,6,0,m\n";

fn protocol(from: &str, to: &str) -> Result<Protocol, String> {
    assert!(PROTOCOL.contains(from), "{from}");
    Protocol::parse(&PROTOCOL.replacen(from, to, 1)).map_err(|e| e.to_string())
}

fn sound() -> Protocol {
    Protocol::parse(PROTOCOL).unwrap()
}

fn cases() -> LockedCases {
    lock(Cases::parse(CASES.as_bytes()).unwrap())
}

/// Two readers, six cases, both conditions, 40 days apart.
fn reading_rows() -> Vec<String> {
    let mut rows = Vec::new();
    for (reader, experience) in [("A", "expert"), ("B", "beginner")] {
        for (condition, day) in [("unaided", "2026-02-01"), ("aided", "2026-03-13")] {
            for (index, case) in ["a", "b", "c", "d", "e", "f"].iter().enumerate() {
                // Right but for one positive case without the model.
                let missed = condition == "unaided" && *case == "a";
                let decision = u8::from(index < 3 && !missed);
                rows.push(format!(
                    "{reader},{experience},{case},{condition},{decision},{day}"
                ));
            }
        }
    }
    rows
}

fn readings(rows: &[String]) -> Readings {
    let text = format!(
        "reader,experience,case,condition,decision,read_at\n{}\n",
        rows.join("\n")
    );
    Readings::parse(text.as_bytes()).unwrap()
}

/// The sound readings with one row changed.
fn changed(from: &str, to: &str) -> Readings {
    let mut rows = reading_rows();
    let row = rows.iter_mut().find(|r| r.starts_with(from)).unwrap();
    *row = to.to_owned();
    readings(&rows)
}

fn answers(text: &str) -> Answers {
    Answers::parse(format!("case,probability\n{text}").as_bytes()).unwrap()
}

const ALL_ANSWERS: &str = "a,0.9\nb,0.8\nc,0.4\nd,0.3\ne,0.6\nf,0.1\n";

fn run(protocol: &Protocol, readings: &Readings) -> Result<TrialResult, Refused> {
    analyse(
        protocol,
        &cases(),
        Some(readings),
        Some(&answers(ALL_ANSWERS)),
    )
}

#[track_caller]
fn fatal(result: Result<TrialResult, Refused>) -> Vec<Finding> {
    let refused = result.expect_err("a refusal");
    assert!(!refused.to_string().is_empty());
    let first = refused.findings[0].severity();
    assert_eq!(first, Severity::Fatal);
    refused.findings
}

#[track_caller]
fn breach(result: Result<TrialResult, Refused>) -> Vec<Finding> {
    let result = result.unwrap();
    assert!(!result.verdict.confirmatory && !result.is_confirmatory());
    result.findings
}

#[test]
fn sound_material_passes() {
    let result = run(&sound(), &readings(&reading_rows())).unwrap();
    assert_eq!(result.findings, [Finding::SampleSizeNotCalculated]);
    assert!(result.verdict.confirmatory);
    assert!(!result.sample_size.enough, "none was calculated");
    // Each reader gains one of three positive cases, without any spread: no variance, no verdict.
    assert!(!result.verdict.met);
}

#[test]
fn contradictions_name_their_key() {
    for (from, to, key) in [
        (
            "kind = \"superiority\"",
            "kind = \"non_inferiority\"",
            "hypothesis.margin: is missing",
        ),
        (
            "kind = \"superiority\"",
            "kind = \"superiority\", margin = 0.1",
            "hypothesis.margin: is given",
        ),
        ("power = 0.8", "power = 1.0", "hypothesis.power"),
        ("power = 0.8", "power = 0.5", "hypothesis.power"),
        (
            "alpha_one_sided = 0.025",
            "alpha_one_sided = 0.5",
            "hypothesis.alpha_one_sided",
        ),
        (
            "alpha_one_sided = 0.025",
            "alpha_one_sided = nan",
            "hypothesis.alpha_one_sided",
        ),
        ("wash_out_days = 28", "wash_out_days = 0", "wash_out_days"),
        ("wash_out_days = 28", "", "wash_out_days"),
        ("reading_order_seed = 1", "", "reading_order_seed"),
        ("readers = 2", "readers = 0", "minimum.readers"),
        ("positive_cases = 3", "positive_cases = 6", "minimum.cases"),
        ("ai = [0.5]", "ai = [1.5]", "thresholds.ai"),
        ("ai = [0.5]", "ai = [0.5, 0.5]", "thresholds.ai"),
        (
            "power = 0.8",
            "power = 0.8, goal = 0.7",
            "hypothesis.goal: is given",
        ),
        ("\"histology\"", "\" \"", "reference_standard"),
        (
            "thresholds = { ai = [0.5] }",
            "thresholds = { ai = [0.5] }\nstatements = { foundling = \"x\" }",
            "statements.foundling",
        ),
        (
            "thresholds = { ai = [0.5] }",
            "thresholds = { ai = [0.5] }\nsubgroups = { columns = [\"truth\"] }",
            "subgroups.columns",
        ),
        (
            "thresholds = { ai = [0.5] }",
            "thresholds = { ai = [0.5] }\nassumptions = { design = \"proportion_against_goal\", expected = 0.9 }",
            "assumptions.design",
        ),
        (
            "thresholds = { ai = [0.5] }",
            "thresholds = { ai = [0.5] }\nassumptions = { design = \"reader_study\", expected_difference = -0.1, readers = 5, pilot = { cases = 100, modality_reader = 0.0, error = 0.001, cov1 = 0.0, cov2 = 0.0, cov3 = 0.0 } }",
            "assumptions: the expected difference",
        ),
    ] {
        let message = protocol(from, to).unwrap_err();
        assert!(message.contains(key), "{to}: {message}");
    }
    // Against readers, a decision of the model is needed; alone, a goal.
    let alone = "question = \"stand_alone_accuracy\"";
    let message = protocol("question = \"readers_without_against_with_ai\"", alone).unwrap_err();
    for key in ["hypothesis.goal: is missing", "minimum.readers: is given"] {
        assert!(message.contains(key), "{message}");
    }
    let text = PROTOCOL
        .replace("readers_without_against_with_ai", "ai_against_readers")
        .replace("ai = [0.5]", "");
    let message = Protocol::parse(&text).unwrap_err().to_string();
    assert!(message.contains("thresholds.ai: is missing"), "{message}");
}

#[test]
fn unknown_and_wrong_keys_name_their_line() {
    let message = protocol("endpoint =", "endpiont =").unwrap_err();
    assert!(
        message.contains("line 11") && message.contains("endpiont"),
        "{message}"
    );
    let message = protocol("power = 0.8", "powr = 0.8").unwrap_err();
    assert!(
        message.contains("line 14") && message.contains("powr"),
        "{message}"
    );
    let message = protocol("\"2026-01-05\"", "\"2026-02-30\"").unwrap_err();
    assert!(
        message.contains("line 7") && message.contains("day"),
        "{message}"
    );
    assert!(protocol("\"sensitivity\"", "\"hope\"").is_err());
    assert!(Protocol::parse("= =").is_err());
}

#[test]
fn the_hash_is_of_what_was_decided() {
    let same = Protocol::parse(&format!(
        "# a comment\n{}",
        PROTOCOL.replace(" = ", "  =  ")
    ));
    assert_eq!(same.unwrap().hash(), sound().hash());
    for (from, to) in [
        ("power = 0.8", "power = 0.9"),
        ("= 28", "= 29"),
        ("[0.5]", "[0.4]"),
    ] {
        assert_ne!(protocol(from, to).unwrap().hash(), sound().hash());
    }
}

#[test]
fn files_say_line_and_column() {
    type Parse = fn(&[u8]) -> Option<String>;
    let cases: Parse = |b| Cases::parse(b).err().map(|e| e.to_string());
    let reads: Parse = |b| Readings::parse(b).err().map(|e| e.to_string());
    let answers: Parse = |b| Answers::parse(b).err().map(|e| e.to_string());
    let head = "reader,experience,case,condition,decision,read_at\n";
    for (parse, text, expected) in [
        (
            cases,
            "case,cluster\na,1\n".to_owned(),
            "case file, line 1, column truth: is missing",
        ),
        (
            cases,
            "case,cluster,truth\na,1,1\na,2,0\n".into(),
            "line 3, column case: is there twice",
        ),
        (
            cases,
            "case,cluster,truth\na,1,yes\n".into(),
            "line 2, column truth",
        ),
        (
            cases,
            "case,cluster,truth\na,,1\n".into(),
            "line 2, column cluster: is empty",
        ),
        (
            cases,
            "case,cluster,truth\na,1\n".into(),
            "line 2: has 2 cells",
        ),
        (
            cases,
            "case,cluster,truth,sex,sex\na,1,1,f,f\n".into(),
            "column sex: is there twice",
        ),
        (cases, "case,cluster,truth\n".into(), "only a header"),
        (cases, String::new(), "is empty"),
        (
            answers,
            "case,probability\na,1.2\n".into(),
            "answer file, line 2, column probability",
        ),
        (
            answers,
            "case,probability\na,nan\n".into(),
            "must be a number",
        ),
        (
            answers,
            "case,probability,hint\na,0.1,1\n".into(),
            "column hint: is not known",
        ),
        (
            reads,
            format!("{head}A,x,a,later,1,2026-02-01\n"),
            "reading file, line 2, column condition",
        ),
        (
            reads,
            format!("{head}A,x,a,aided,1,1 Feb\n"),
            "column read_at",
        ),
        (
            reads,
            format!("{head}A,x,a,aided,maybe,2026-02-01\n"),
            "column decision",
        ),
        (
            reads,
            "reader,experience,case,condition,read_at\nA,x,a,aided,2026-02-01\n".into(),
            "score or decision: is missing",
        ),
        (
            reads,
            "reader,experience,case,condition,score,decision,read_at\nA,x,a,aided,1,1,\n".into(),
            "beside score",
        ),
    ] {
        let message = parse(text.as_bytes()).expect(expected);
        assert!(message.contains(expected), "{message}");
    }
    let message = cases(b"case,cluster,truth\na,\xff,1\n").unwrap();
    assert!(message.contains("line 2: is not UTF-8"), "{message}");
    // A name with a comma and a line break inside quotes is one cell.
    let quoted = Cases::parse(b"\xef\xbb\xbfcase,cluster,truth\r\n\"a,\n1\",1,1\r\n").unwrap();
    assert_eq!(quoted.all()[0].case, "a,\n1");
}

#[test]
fn a_changed_case_set_is_refused() {
    let locked = cases();
    let other = Cases::parse(CASES.replace("f,6,0", "f,6,1").as_bytes()).unwrap();
    let reopened = LockedCases::reopen(other, locked.hash);
    let all = readings(&reading_rows());
    let findings = fatal(analyse(&sound(), &reopened, Some(&all), None));
    assert!(matches!(findings[0], Finding::CaseSetChanged { locked: l, .. } if l == locked.hash));
    // The protocol may name the set it was made for.
    let with = |hash: &str| {
        let line = format!("locked_cases = \"{hash}\"\nmodel =");
        protocol("model =", &line).unwrap()
    };
    assert!(run(&with(&locked.hash.to_hex()), &all).is_ok());
    let findings = fatal(run(&with(&"0".repeat(64)), &all));
    assert!(matches!(
        findings[0],
        Finding::CaseSetNotTheProtocols { .. }
    ));
}

#[test]
fn unknown_doubled_and_missing_rows_are_refused() {
    let findings = fatal(run(
        &sound(),
        &changed("A,expert,b,aided", "A,expert,zz,aided,1,2026-03-13"),
    ));
    let at = reading_rows()
        .iter()
        .position(|row| row.starts_with("A,expert,b,aided"))
        .unwrap();
    assert!(findings.contains(&Finding::UnknownCase {
        input: Input::Readings,
        count: 1,
        first: at + 1
    }));
    assert!(findings.contains(&Finding::MissingReading {
        reader: "A".to_owned(),
        condition: Condition::Aided,
        count: 1,
        first: "b".to_owned()
    }));
    let findings = fatal(run(
        &sound(),
        &changed("A,expert,b,aided", "A,expert,a,aided,1,2026-03-13"),
    ));
    assert!(findings.contains(&Finding::DuplicateReading {
        reader: "A".to_owned(),
        condition: Condition::Aided,
        count: 1,
        first: "a".to_owned()
    }));
    let all = readings(&reading_rows());
    let with = |text: &str| {
        fatal(analyse(
            &sound(),
            &cases(),
            Some(&all),
            Some(&answers(text)),
        ))
    };
    let first = |n: usize| ALL_ANSWERS.lines().take(n).collect::<Vec<_>>().join("\n");
    assert_eq!(
        with(&first(5))[0],
        Finding::MissingAnswer {
            count: 1,
            first: "f".to_owned()
        }
    );
    assert_eq!(
        with(&format!("{ALL_ANSWERS}b,0.1\n"))[0],
        Finding::DuplicateAnswer {
            count: 1,
            first: "b".to_owned()
        }
    );
    assert_eq!(
        with(&format!("{ALL_ANSWERS}g,0.1\n"))[0],
        Finding::UnknownCase {
            input: Input::Answers,
            count: 1,
            first: 7
        }
    );
    let findings = fatal(run(
        &sound(),
        &changed("A,expert,b,aided", "A,novice,b,aided,1,2026-03-13"),
    ));
    assert!(findings.contains(&Finding::ExperienceContradicts {
        reader: "A".to_owned()
    }));
}

#[test]
fn complete_cases_are_a_deviation() {
    let protocol = protocol("model =", "missing = \"complete_cases\"\nmodel =").unwrap();
    let mut rows = reading_rows();
    rows.retain(|r| !r.starts_with("A,expert,f,aided"));
    let result = run(&protocol, &readings(&rows)).unwrap();
    assert_eq!(
        (
            result.cases.locked,
            result.cases.analysed,
            result.cases.left_out
        ),
        (6, 5, 1)
    );
    assert!(
        result
            .findings
            .contains(&Finding::CasesLeftOut { count: 1, of: 6 })
    );
    assert!(
        result
            .findings
            .contains(&Finding::FewerCases { needs: 6, has: 5 })
    );
    assert!(!result.verdict.confirmatory);
    // All healthy cases gone: nothing is left to analyse.
    rows.retain(|r| !(r.starts_with("B,") && [",d,", ",e,"].iter().any(|c| r.contains(c))));
    let findings = fatal(run(&protocol, &readings(&rows)));
    assert!(findings.contains(&Finding::TooFewOfOneKind {
        positive: 3,
        negative: 0
    }));
}

#[test]
fn days_are_held_against_the_protocol() {
    let early = changed("A,expert,b,unaided", "A,expert,b,unaided,1,2026-01-04");
    let findings = breach(run(&sound(), &early));
    assert!(matches!(
        &findings[0],
        Finding::ReadBeforeProtocol { reader, count: 1, first, .. } if reader == "A" && first == "b"
    ));
    let close = changed(
        "B,beginner,c,aided",
        "B,beginner,c,aided,1,2026-02-28T08:00:00+09:00",
    );
    assert_eq!(
        breach(run(&sound(), &close))[0],
        Finding::WashOutViolated {
            reader: "B".to_owned(),
            count: 1,
            first: "c".to_owned(),
            shortest_days: 27,
            protocol_days: 28
        }
    );
    // 28 days are enough.
    let enough = changed("B,beginner,c,aided", "B,beginner,c,aided,1,2026-03-01");
    assert!(run(&sound(), &enough).unwrap().verdict.confirmatory);
    let without = changed("B,beginner,c,aided", "B,beginner,c,aided,1,");
    assert_eq!(
        breach(run(&sound(), &without))[0],
        Finding::ReadingDayMissing {
            count: 1,
            paired: true
        }
    );
}

#[test]
fn too_few_are_named_with_both_numbers() {
    let larger = protocol(
        "minimum = { cases = 6, positive_cases = 3, readers = 2 }",
        "minimum = { cases = 60, positive_cases = 30, readers = 4 }",
    )
    .unwrap();
    let findings = breach(run(&larger, &readings(&reading_rows())));
    for finding in [
        Finding::FewerCases { needs: 60, has: 6 },
        Finding::FewerPositiveCases { needs: 30, has: 3 },
        Finding::FewerReaders { needs: 4, has: 2 },
    ] {
        assert!(findings.contains(&finding), "{finding:?}");
    }
    let mut rows = reading_rows();
    rows.retain(|r| r.starts_with("A,"));
    let findings = breach(run(&sound(), &readings(&rows)));
    assert!(findings.contains(&Finding::OneReader));
}

#[test]
fn the_question_must_be_answerable() {
    let none = analyse(&sound(), &cases(), None, None);
    assert!(fatal(none).contains(&Finding::NoReadings {
        condition: Condition::Aided
    }));
    let mut rows = reading_rows();
    rows.retain(|r| r.contains(",unaided,"));
    let unaided = readings(&rows);
    assert!(
        fatal(run(&sound(), &unaided)).contains(&Finding::NoReadings {
            condition: Condition::Aided
        })
    );
    let against = protocol("readers_without_against_with_ai", "ai_against_readers").unwrap();
    assert!(run(&against, &unaided).is_ok());
    let without = analyse(&against, &cases(), Some(&unaided), None);
    assert!(fatal(without).contains(&Finding::NoAnswers));
    let auc = protocol("\"sensitivity\"", "\"auc\"").unwrap();
    assert!(fatal(run(&auc, &readings(&reading_rows()))).contains(&Finding::EndpointNeedsScores));
    let text = format!(
        "reader,experience,case,condition,score,read_at\n{}\n",
        reading_rows().join("\n")
    );
    let scores = Readings::parse(text.as_bytes()).unwrap();
    assert!(fatal(run(&sound(), &scores)).contains(&Finding::EndpointNeedsReaderThreshold));
    assert!(run(&auc, &scores).is_ok());
    let columns = protocol("model =", "subgroups = { columns = [\"site\"] }\nmodel =").unwrap();
    assert!(breach(run(&columns, &readings(&reading_rows()))).contains(
        &Finding::SubgroupColumnMissing {
            column: "site".to_owned()
        }
    ));
}
