//! Drafts become specifications that `kura train` takes.

use std::collections::BTreeSet;

use kura_cases::Take;

use super::*;
use crate::models::{Method, TrainSpec};

fn tables() -> BTreeSet<String> {
    [
        "patient",
        "observation",
        "condition",
        "encounter",
        "imaging_series",
    ]
    .map(str::to_owned)
    .into()
}

fn code(text: &str) -> Code {
    text.parse().unwrap()
}

fn spo2() -> Code {
    code("observation|http://loinc.org|2708-6|%")
}

fn draft() -> Draft {
    Draft {
        name: "low-spo2".to_owned(),
        title_ja: "24時間以内の低酸素".to_owned(),
        title_en: "Low oxygen \"soon\" \\ '''".to_owned(),
        use_ja: "見に行く順".to_owned(),
        set: "/data/sets/overview".to_owned(),
        start: Start::Measurement,
        case_code: Some(spo2()),
        outcome_code: Some(spo2()),
        limit: Some(92.0),
        features: vec![
            Chosen {
                code: spo2(),
                take: Take::Last,
                hours: Some(24.0),
            },
            Chosen {
                code: spo2(),
                take: Take::Min,
                hours: None,
            },
            Chosen {
                code: code("observation||2708-6|%"),
                take: Take::Last,
                hours: Some(24.0),
            },
        ],
        ..Draft::default()
    }
}

fn spec(draft: &Draft) -> TrainSpec {
    TrainSpec::parse(&draft.to_toml(&tables()).unwrap()).unwrap()
}

#[test]
fn a_draft_becomes_a_specification() {
    let spec = spec(&draft());
    assert_eq!(spec.name, "low-spo2");
    // What was typed comes back as it was, whatever it means to TOML.
    assert_eq!(
        spec.title,
        "24時間以内の低酸素 / Low oxygen \"soon\" \\ '''"
    );
    assert_eq!(spec.intended_use, "見に行く順");
    assert_eq!((spec.test_share, spec.folds), (0.3, 5));
    assert!(matches!(
        spec.threshold,
        crate::models::train::Threshold::Sensitivity(share) if (share - 0.85).abs() < 1e-12
    ));
    assert!(matches!(&spec.learner, Method::Logistic(one) if one.strength == 1.0));
    assert_eq!(spec.outcome.look_ahead_hours, Some(24.0));
    assert!(spec.outcome.sql.as_ref().unwrap().ends_with("value < 92"));
    assert_eq!(
        spec.outcome.name,
        "24時間以内に酸素飽和度が92 %未満 / Oxygen saturation below 92 % within 24 h"
    );
    // Two features of one name are told apart; age comes last.
    let names: Vec<&str> = spec.features.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(
        names,
        ["spo2_last_24h", "spo2_min_all", "spo2_last_24h_2", "age"]
    );
    assert_eq!(spec.features[1].window_hours, None);
    assert_eq!(spec.features[1].take, Take::Min);
}

#[test]
fn every_kind_of_question_is_a_specification() {
    for start in [Start::Admission, Start::Measurement, Start::Series] {
        for foreseen in [Foreseen::Value, Foreseen::Condition, Foreseen::Death] {
            for learner in [LearnerKind::Logistic, LearnerKind::Trees] {
                for material in [Material::Numbers, Material::Image] {
                    let draft = Draft {
                        start,
                        foreseen,
                        learner,
                        from: material,
                        modality: "CR".to_owned(),
                        condition: Some(code("condition|urn:oid:1.2|J18|")),
                        sex: true,
                        ..draft()
                    };
                    let spec = spec(&draft);
                    assert_eq!(
                        spec.image.is_some(),
                        start == Start::Series && material == Material::Image
                    );
                }
            }
        }
    }
}

#[test]
fn what_is_missing_is_named_by_its_field() {
    let wrong = |change: fn(&mut Draft), field: &str| {
        let mut draft = draft();
        change(&mut draft);
        let error = draft.to_toml(&tables()).unwrap_err();
        assert!(error.message().starts_with(field), "{error}");
    };
    wrong(|draft| draft.name = "Yamada Taro".to_owned(), "name: ");
    wrong(|draft| draft.title_ja = "a\nb".to_owned(), "title_ja: ");
    wrong(|draft| draft.set.clear(), "set: ");
    wrong(|draft| draft.case_code = None, "case_code: ");
    wrong(|draft| draft.limit = None, "limit: ");
    wrong(|draft| draft.ahead_hours = Some(0.0), "ahead_hours: ");
    wrong(|draft| draft.folds = Some(2.5), "folds: ");
    wrong(|draft| draft.share = Some(100.0), "share: ");
    wrong(
        |draft| {
            draft.start = Start::Series;
            draft.modality = "CR' OR 1".to_owned();
        },
        "modality: ",
    );
    wrong(
        |draft| {
            draft.features.clear();
            draft.age = false;
        },
        "features: ",
    );
    let error = Draft {
        name: "Yamada".to_owned(),
        ..draft()
    }
    .to_toml(&tables())
    .unwrap_err();
    assert!(!error.message().contains("Yamada"), "{error}");
}

/// A code may come from anywhere: a form, a file of drafts.
#[test]
fn a_hostile_code_is_no_draft() {
    let mut value = serde_json::to_value(draft()).unwrap();
    value["outcome_code"] = serde_json::json!("observation||2708-6' OR '1'='1|%");
    let error = serde_json::from_value::<Draft>(value).unwrap_err();
    assert!(error.to_string().contains("code-characters"), "{error}");
    let fields = [("on0", "1"), ("code0", "observation||x\"\"\"|")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert!(Draft::of_fields(&fields).features.is_empty());
}
