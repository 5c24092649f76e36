//! States, steps and measures in the reader's words.

use kura_service::dashboard::local_time;
use kura_service::models::{Change, Measure, Model, State, Step};
use maud::{Markup, html};

use crate::ui::page::Page;
pub(super) use crate::ui::page::half;
use crate::ui::text::{self, Lang, Text};

/// `deterioration@2`.
pub(super) fn versioned(model: &Model) -> String {
    format!("{}@{}", model.name, model.version)
}

/// `2026-04-01 09:30` of an instant, in Japan.
pub(super) fn when(instant: &str) -> String {
    kura_fhir::date::range(instant).map_or_else(String::new, |(low, _)| local_time(low * 1000))
}

/// Three decimals, as many as a few hundred cases can tell.
pub(super) fn three(value: f64) -> String {
    minus(&format!("{value:.3}"))
}

pub(super) fn maybe(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), three)
}

fn minus(number: &str) -> String {
    number.replace('-', "−")
}

/// A number as it was written, without decimals it does not need.
pub(super) fn plain(value: f64) -> String {
    minus(&format!("{value}"))
}

/// A name of a feature, which may break after its `_`.
pub(super) fn name(name: &str) -> Markup {
    html! { @for part in name.split_inclusive('_') { (part) wbr; } }
}

/// The state of a version, and that it runs in shadow.
pub(super) fn badges(page: &Page, model: &Model) -> Markup {
    let class = match model.state {
        State::InUse => "state ok",
        State::Evaluated | State::Approved => "state run",
        State::Suspended => "state bad",
        State::Draft | State::Retired => "state off",
    };
    html! {
        span class=(class) { (page.say(state(model.state))) }
        @if model.shadow { " " span .state.run { (page.say(text::MODEL_SHADOW)) } }
    }
}

pub(super) fn state(state: State) -> Text {
    match state {
        State::Draft => text::STATE_DRAFT,
        State::Evaluated => text::STATE_EVALUATED,
        State::Approved => text::STATE_APPROVED,
        State::InUse => text::STATE_IN_USE,
        State::Suspended => text::STATE_SUSPENDED,
        State::Retired => text::STATE_RETIRED,
    }
}

/// What a step is called; its code where we have no word for it.
pub(super) fn step<'a>(page: &Page, step: &'a Step) -> &'a str {
    page.say(match step.state.as_str() {
        "draft" => text::STEP_DRAFT,
        "evaluated" => text::STEP_EVALUATED,
        "approved" => text::STEP_APPROVED,
        "in-use" => text::STEP_IN_USE,
        "suspended" => text::STEP_SUSPENDED,
        "retired" => text::STEP_RETIRED,
        "shadow-on" => text::STEP_SHADOW_ON,
        "shadow-off" => text::STEP_SHADOW_OFF,
        "proposed" => text::STEP_PROPOSED,
        "promoted" => text::STEP_PROMOTED,
        "replaced" => text::STEP_REPLACED,
        "rolled-back" => text::STEP_ROLLED_BACK,
        "watched" => text::STEP_WATCHED,
        _ => return &step.state,
    })
}

/// What evidence of a step is called.
pub(super) fn evidence(step: &Step) -> Text {
    match step.state.as_str() {
        "draft" => text::EVIDENCE_FILE,
        "watched" => text::EVIDENCE_WATCH,
        "evaluated" | "approved" | "in-use" | "suspended" | "retired" => text::EVIDENCE_REPORT,
        "proposed" | "promoted" | "replaced" => text::EVIDENCE_PROPOSAL,
        _ => text::EVIDENCE,
    }
}

/// The reason of a step: a person's words as they are. What Kura itself wrote, in English, is
/// said in the reader's language.
pub(super) fn why(page: &Page, why: &str) -> String {
    if page.lang == Lang::En {
        return why.to_owned();
    }
    if let Some(other) = why.strip_prefix("replaced by ") {
        return format!("{other} と交代");
    }
    if let Some((version, reason)) = why
        .strip_prefix("rolled back to ")
        .and_then(|rest| rest.split_once(": "))
    {
        return format!("{version} へ切り戻し: {reason}");
    }
    match why {
        "registered" => "フォルダーから登録",
        "tested on the locked test set" => "封印した患者で試験",
        "tested on the locked test set under the plan of change" => {
            "変更計画のもとで、封印した患者で試験"
        }
        "inside the bounds of the plan" => "計画の範囲内",
        "outside the bounds of the plan" => "計画の範囲外",
        "watched: nothing to report" => "異常なし",
        "watched: there are alarms" => "警報あり",
        "judged by a performance test" => "性能評価試験で評価",
        "suspended by the rule of the plan" => "計画の規則により停止",
        other => other,
    }
    .to_owned()
}

pub(super) fn measure(measure: Measure) -> Text {
    match measure {
        Measure::Sensitivity => text::MEASURE_SENSITIVITY,
        Measure::Specificity => text::MEASURE_SPECIFICITY,
        Measure::Ppv => text::MEASURE_PPV,
        Measure::Npv => text::MEASURE_NPV,
        Measure::Auc => text::MEASURE_AUC,
        Measure::Brier => text::MEASURE_BRIER,
        Measure::CalibrationSlope => text::MEASURE_SLOPE,
        Measure::CalibrationIntercept => text::MEASURE_INTERCEPT,
    }
}

pub(super) const MEASURES: [Measure; 8] = [
    Measure::Sensitivity,
    Measure::Specificity,
    Measure::Ppv,
    Measure::Npv,
    Measure::Auc,
    Measure::Brier,
    Measure::CalibrationSlope,
    Measure::CalibrationIntercept,
];

/// What a check of a plan is about: the group of patients, if it is about one, and the measure.
pub(super) fn check<'a>(page: &Page, what: &'a str) -> (Option<&'a str>, &'a str) {
    let (group, what) = match what.rsplit_once(": ") {
        Some((group, what)) => (Some(group), what),
        None => (None, what),
    };
    let known = MEASURES.into_iter().find(|one| one.as_str() == what);
    let said = match (known, what) {
        (Some(known), _) => page.say(measure(known)),
        (None, "patients") => page.say(text::CHECK_PATIENTS),
        (None, text) if text.starts_with("auc, candidate less in use") => {
            page.say(text::CHECK_DIFFERENCE)
        }
        (None, other) => other,
    };
    (group, said)
}

pub(super) fn change(change: Change) -> Text {
    match change {
        Change::TrainingData => text::CHANGE_TRAINING_DATA,
        Change::Learner => text::CHANGE_LEARNER,
        Change::Threshold => text::CHANGE_THRESHOLD,
        Change::Features => text::CHANGE_FEATURES,
    }
}
