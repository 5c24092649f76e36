//! The card of a model version: what it is for, what it was made from, what it is worth, what it
//! cannot do, what may change, who looked and who decided.
//!
//! The topics are those of the Applied Model Card of the Coalition for Health AI: use and
//! directions, warnings, trust ingredients (facts, data, transparency), key metrics.

use kura_service::models::{Foreign, Level, Output};
use maud::{Markup, html};
use serde_json::Value;

use super::actions::{self, Refused};
use super::found::Found;
use super::words::{self, badges, half, versioned};
use super::{address, change, performance};
use crate::ui::page::{Page, thousands};
use crate::ui::text::{self, Text};

pub(super) fn body(page: &Page, found: &Found, refused: Option<&Refused>) -> Markup {
    let model = &found.model;
    let others = found
        .family
        .iter()
        .rev()
        .filter(|other| other.version != model.version);
    html! {
        div .model-head {
            p { a href="/models" { "← " (page.say(text::MODELS)) } }
            h1 { (half(page, &model.title)) }
            p { span .code { (versioned(model)) } " " (badges(page, model)) }
            @if found.family.len() > 1 {
                p .quiet.versions { (page.say(text::MODEL_OTHER_VERSIONS)) ": "
                    @for other in others { span { a href=(address(other)) { "@" (other.version) } " " (page.say(words::state(other.state))) } " " } }
            }
        }
        @if let Some(refused) = refused {
            p .refusal role="alert" { b { (page.say(text::MODEL_REFUSED)) } " " span lang="en" { (refused.message) } }
        }
        p .jumps {
            a href="#decide" { (page.say(text::MODEL_TO_DECIDE)) }
            a href="#test" { (page.say(text::MODEL_TEST)) }
            a href="#limits" { (page.say(text::MODEL_LIMITS)) }
            a href="#steps" { (page.say(text::MODEL_STEPS)) }
        }
        div .record {
            div .line.card-body {
                (intended(page, found))
                (performance::locked_test(page, found))
                (change::plan(page, found))
                (limits(page, found))
                (performance::cross_validation(page, found))
                (performance::importance(page, found))
                (data(page, found))
                (features(page, found))
                (made(page, found))
            }
            div .aside {
                (actions::panel(page, found, refused))
                (steps(page, found))
                (looks(page, found))
            }
        }
    }
}

fn intended(page: &Page, found: &Found) -> Markup {
    let (file, model) = (&found.file, &found.model);
    html! {
        section #use {
            h2 { (page.say(text::MODEL_USE)) }
            p .intended { (half(page, &file.intended_use)) }
            p .quiet { (page.say(text::MODEL_DOCTOR)) }
            @if model.shadow { p .quiet { (page.say(text::MODEL_SHADOW_LONG)) } }
            dl .facts {
                @if let Some(outcome) = &file.cases.outcome {
                    dt { (page.say(text::MODEL_OUTCOME)) } dd { (half(page, &outcome.name)) }
                    @if let Some(hours) = outcome.look_ahead_hours {
                        dt { (page.say(text::MODEL_AHEAD)) } dd { (hours) " " (page.say(text::HOURS)) }
                    }
                }
                @if let Output::Segments { segment, .. } = &file.output {
                    dt { (page.say(text::MODEL_SEGMENTS)) }
                    dd { @for (at, one) in segment.iter().enumerate() {
                        @if at > 0 { "、" }
                        (half(page, &one.label)) " " span .quiet .code { (one.scheme) " " (one.code) }
                    } }
                } @else {
                dt { (page.say(text::MODEL_THRESHOLD)) } dd { (format!("{:.4}", file.threshold)) " " span .quiet { "(" (format!("{:.1} %", file.threshold * 100.0)) ")" } }
                }
                dt { (page.say(text::MODEL_REGISTERED_BY)) } dd { (model.registered_by) }
            }
        }
    }
}

/// Where a model comes from that was not trained here.
fn foreign(page: &Page, foreign: &Foreign) -> Markup {
    html! {
        section #data {
            h2 { (page.say(text::MODEL_ELSEWHERE)) }
            p .quiet { (page.say(text::MODEL_ELSEWHERE_LONG)) }
            dl .facts {
                dt { (page.say(text::MODEL_MAKER)) } dd { (foreign.maker) }
                dt { (page.say(text::MODEL_LICENCE)) } dd { (foreign.licence) }
                dt { (page.say(text::MODEL_TRAINED_ON)) } dd { (half(page, &foreign.trained_on)) }
            }
        }
    }
}

fn data(page: &Page, found: &Found) -> Markup {
    let Some(data) = &found.file.data else {
        return html! { @if let Some(from) = &found.file.foreign { (foreign(page, from)) } };
    };
    let count = |name: &str| found.file.training[name].as_u64();
    let row = |name: Text, patients: u64, cases: u64, positive: u64| {
        html! {
            tr {
                th scope="row" { (page.say(name)) }
                td .number { (thousands(patients)) } td .number { (thousands(cases)) }
                td .number { (thousands(positive)) @if cases > 0 { " " small .quiet { (format!("{:.0} %", positive as f64 / cases as f64 * 100.0)) } } }
            }
        }
    };
    html! {
        section #data {
            h2 { (page.say(text::MODEL_DATA)) }
            dl .facts {
                dt { (page.say(text::MODEL_SET)) } dd { (data.set) " " span .quiet { "t = " (thousands(data.t)) } }
                dt { (page.say(text::MODEL_MANIFEST)) } dd .code title=(data.manifest) { (&data.manifest.to_hex()[..16]) }
                @if let (Some(unobserved), Some(unjudged)) = (count("unobserved"), count("unjudged")) {
                    dt { (page.say(text::MODEL_LEFT_OUT)) }
                    dd { (page.say(text::MODEL_UNOBSERVED)) " " (thousands(unobserved)) " · " (page.say(text::MODEL_UNJUDGED)) " " (thousands(unjudged)) }
                }
            }
            table .compact.narrow {
                thead { tr { th { } th .number { (page.say(text::PATIENTS)) } th .number { (page.say(text::MODEL_CASES)) } th .number { (page.say(text::MODEL_POSITIVE)) } } }
                tbody {
                    (row(text::MODEL_TRAINING, data.patients, data.cases, data.positive))
                    (row(text::MODEL_LOCKED, data.test.patients, data.test.cases, data.test.positive))
                }
            }
        }
    }
}

/// Features shown in full; of a panel of hundreds the names are in the file.
const FEATURES_SHOWN: usize = 60;

fn features(page: &Page, found: &Found) -> Markup {
    let (file, cases) = (&found.file, &found.file.cases);
    html! {
        section #features {
            h2 { (page.say(text::MODEL_FEATURES)) @if !file.features.is_empty() { " " span .count { (file.features.len()) } } }
            @if let Some(image) = &file.image {
                dl .facts {
                    dt { (page.say(text::MODEL_TAKES)) } dd { (page.say(text::MODEL_TAKES_IMAGE)) }
                    dt { (page.say(text::MODEL_SIZE)) } dd { (image.width) " × " (image.height) @if image.channels == 3 { " RGB" } }
                    dt { (page.say(text::MODEL_RANGE)) } dd { (image.low) " – " (image.high) }
                    @if let Some(encoder) = &file.encoder {
                        dt { (page.say(text::MODEL_ENCODER)) } dd { (encoder.maker) " · " (thousands(encoder.width as u64)) " " span .code title=(encoder.onnx) { (&encoder.onnx.to_hex()[..16]) } }
                    }
                }
            }
            @if let Some(volume) = &file.volume {
                dl .facts {
                    dt { (page.say(text::MODEL_TAKES)) } dd { (page.say(text::MODEL_TAKES_VOLUME)) }
                    dt { (page.say(text::MODEL_SIZE)) } dd { (volume.size[0]) " × " (volume.size[1]) " × " (volume.size[2]) }
                    dt { (page.say(text::MODEL_SPACING)) } dd { (volume.spacing[0]) " × " (volume.spacing[1]) " × " (volume.spacing[2]) " mm, " (volume.orientation) }
                    dt { (page.say(text::MODEL_RANGE)) } dd { (level(volume.low)) " – " (level(volume.high)) }
                }
            }
            @if !file.features.is_empty() {
            table .compact {
                thead { tr {
                    th { (page.say(text::ITEM_NAME)) } th { (page.say(text::MODEL_UNIT)) }
                    th { (page.say(text::MODEL_TAKE)) } th .number { (page.say(text::MODEL_WINDOW)) }
                } }
                tbody { @for feature in file.features.iter().take(FEATURES_SHOWN) {
                    @let made = cases.features.iter().find(|one| one.name == feature.name);
                    tr {
                        td .code { (words::name(&feature.name)) }
                        td { (feature.unit.as_deref().unwrap_or("–")) }
                        td { @if let Some(made) = made { (take(page, &serde_json::json!(made.take))) } }
                        td .number {
                            @match made.and_then(|made| made.window_hours) {
                                Some(hours) => { (hours) " " (page.say(text::HOURS)) }
                                None => (page.say(text::MODEL_WHOLE_PAST)),
                            }
                        }
                    }
                } }
            }
            @if file.features.len() > FEATURES_SHOWN {
                p .quiet { "… " (page.say(text::MODEL_FEATURES_MORE)) " " (file.features.len() - FEATURES_SHOWN) }
            }
            }
            details {
                summary { (page.say(text::MODEL_SQL)) }
                (sql(page.say(text::MODEL_CASES), Some(&cases.cases)))
                @if let Some(outcome) = &cases.outcome {
                    (sql(half(page, &outcome.name), outcome.sql.as_deref().or(outcome.file.as_deref())))
                }
                @for feature in &cases.features { (sql(&feature.name, Some(&feature.sql))) }
                @for set in &cases.feature_sets { (sql(&format!("{}…", set.prefix), Some(&set.sql))) }
            }
        }
    }
}

fn level(level: Level) -> String {
    match level {
        Level::Value(value) => value.to_string(),
        Level::Percentile(share) => format!("{share} %"),
    }
}

fn sql(name: &str, text: Option<&str>) -> Markup {
    html! { @if let Some(text) = text { p .quiet { (name) } pre .bytes tabindex="0" { (text.trim()) } } }
}

fn take(page: &Page, code: &Value) -> &'static str {
    page.say(match code.as_str() {
        Some("first") => text::TAKE_FIRST,
        Some("min") => text::TAKE_MIN,
        Some("max") => text::TAKE_MAX,
        Some("mean") => text::TAKE_MEAN,
        Some("count") => text::TAKE_COUNT,
        Some("change") => text::TAKE_CHANGE,
        _ => text::TAKE_LAST,
    })
}

fn made(page: &Page, found: &Found) -> Markup {
    let file = &found.file;
    let learner = serde_json::json!(file.learner);
    let (code, settings) = learner
        .as_object()
        .and_then(|all| all.iter().next())
        .map(|(code, settings)| (code.as_str(), settings.clone()))
        .unwrap_or_default();
    let settings: Vec<String> = settings
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name} {}", value.to_string().trim_matches('"')))
        .collect();
    html! {
        section #made {
            h2 { (page.say(text::MODEL_MADE)) }
            dl .facts {
                dt { (page.say(text::MODEL_LEARNER)) }
                dd { @match code {
                    "" => (page.say(text::MODEL_ELSEWHERE)),
                    "logistic" => (page.say(text::LEARNER_LOGISTIC)),
                    "trees" => (page.say(text::LEARNER_TREES)),
                    "network" => (page.say(text::LEARNER_NETWORK)),
                    other => (other),
                } }
                @if !settings.is_empty() { dt { (page.say(text::MODEL_SETTINGS)) } dd .code { (settings.join(" · ")) } }
                @if file.data.is_some() { dt { (page.say(text::MODEL_SEED)) } dd { (file.seed) } }
                dt { (page.say(text::MODEL_MADE_WITH)) } dd { "Kura " (file.kura) }
                dt { "ONNX" } dd .code title=(file.onnx) { (&file.onnx.to_hex()[..16]) }
                @if file.data.is_some() {
                    dt { (page.say(text::MODEL_ONNX_DIFFERENCE)) }
                    dd { @match file.training["onnx_difference"].as_f64() {
                        Some(difference) => { (page.say(text::MODEL_AT_MOST)) " " (format!("{difference:.1e}")) }
                        None => (page.say(text::MODEL_ONNX_UNCHECKED)),
                    } }
                }
            }
        }
    }
}

/// Remarks of the statistics that say an interval rests on few patients.
fn few(found: &Found) -> Vec<&str> {
    found
        .report
        .iter()
        .flat_map(|report| &report.remarks)
        .filter(|remark| remark.contains("clusters are few"))
        .map(String::as_str)
        .collect()
}

fn limits(page: &Page, found: &Found) -> Markup {
    let few = few(found);
    let findings = found.file.training["findings"].as_array();
    let mut said = vec![match found.file.foreign {
        Some(_) => text::LIMIT_ELSEWHERE,
        None => text::LIMIT_PLACE,
    }];
    if found.report.is_none() && found.trial.is_none() {
        said.push(text::LIMIT_UNTESTED);
    }
    if found.not_above() {
        said.push(text::LIMIT_BASELINE);
    }
    if found.looks.len() > 1 {
        said.push(text::LIMIT_LOOKS);
    }
    if found.proposal.is_none() {
        said.push(text::LIMIT_SUBGROUPS);
    }
    html! {
        section #limits {
            h2 { (page.say(text::MODEL_LIMITS)) }
            ul .remarks {
                @if let Some(foreign) = &found.file.foreign { li { (half(page, &foreign.limits)) } }
                @for limit in said { li { (page.say(limit)) } }
                @if !few.is_empty() {
                    li { (page.say(text::LIMIT_FEW))
                        ul .remarks.quiet lang="en" { @for remark in few { li { (remark) } } } }
                }
                @if let Some(findings) = findings.filter(|all| !all.is_empty()) {
                    li { (page.say(text::LIMIT_FINDINGS))
                        ul .remarks.quiet lang="en" { @for finding in findings {
                            li {
                                span .code { (finding["rule"].as_str().unwrap_or_default()) @if let Some(feature) = finding["feature"].as_str() { " " (feature) } }
                                " " (finding["detail"].as_str().unwrap_or_default())
                            }
                        } } }
                }
            }
        }
    }
}

fn looks(page: &Page, found: &Found) -> Markup {
    html! {
        section .panel #looks {
            h2 { (page.say(text::MODEL_LOOKS)) " " span .count { (found.looks.len()) " " (page.say(text::MODEL_TIMES)) } }
            @if found.looks.is_empty() { p .quiet { (page.say(text::MODEL_LOOKS_NONE)) } }
            ol .history {
                @for look in &found.looks {
                    @let part = |name: &str| look[name].as_str().unwrap_or_default();
                    li {
                        p { span .code { (part("model")) } " " (part("who")) }
                        p .quiet { (words::when(part("at"))) }
                    }
                }
            }
        }
    }
}

/// The newest first: where it stands now.
fn steps(page: &Page, found: &Found) -> Markup {
    html! {
        section .panel #steps {
            h2 { (page.say(text::MODEL_STEPS)) }
            ol .history {
                @for step in found.steps.iter().rev() {
                    li {
                        p { b { (words::step(page, step)) } " " (words::why(page, &step.why)) }
                        p .quiet {
                            (words::when(&step.at)) " · " (step.who)
                            @if let Some(evidence) = step.evidence {
                                " · " a href={ (address(&found.model)) "/evidence/" (evidence) } { (page.say(words::evidence(step))) }
                            }
                        }
                    }
                }
            }
        }
    }
}
