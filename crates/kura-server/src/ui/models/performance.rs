//! What a model is worth: in cross-validation beside what it must beat, and on the locked test set.

use kura_service::models::{Estimate, Measure, TestReport, TrialEvidence};
use maud::{Markup, html};
use serde_json::Value;

use super::figures::{self, Scale};
use super::found::Found;
use super::words::{self, maybe, three};
use crate::ui::page::{Page, empty, thousands};
use crate::ui::text;

fn list<'a>(found: &'a Found, name: &str) -> &'a [Value] {
    found.file.training[name]
        .as_array()
        .map_or(&[], Vec::as_slice)
}

pub(super) fn cross_validation(page: &Page, found: &Found) -> Markup {
    let training = &found.file.training;
    let (auc, baseline) = found.auc();
    let baselines = &training["baselines"];
    html! {
        section #cross-validation {
            h2 { (page.say(text::MODEL_CV)) }
            @if training["auc"].is_null() && training["brier"].is_null() {
                p .quiet { (page.say(text::MODEL_NOT_REPORTED)) }
            } @else {
                p .quiet { (page.say(text::MODEL_CV_LONG)) }
                @if auc.is_some() && baseline.is_some() {
                    p .verdict.bad[found.not_above()] {
                        (page.say(if found.not_above() { text::MODEL_NO_REASON } else { text::MODEL_ABOVE }))
                    }
                }
                table .compact.narrow {
                    thead { tr { th { } th .number { "AUC" } th .number { (page.say(text::MEASURE_BRIER)) } } }
                    tbody {
                        (compared(html! { b { (page.say(text::MODEL_THIS)) } }, training))
                        (compared(html! { (page.say(text::MODEL_PREVALENCE)) }, &baselines["prevalence"]))
                        (compared(html! { (page.say(text::MODEL_SINGLE)) @if let Some(name) = commonest(&baselines["single_feature_names"]) { " " span .code { (words::name(name)) } } }, &baselines["single_feature"]))
                        (compared(html! { (page.say(text::LEARNER_LOGISTIC)) }, &baselines["logistic"]))
                    }
                }
                @let shuffled: Vec<String> = list(found, "shuffled_auc").iter().filter_map(Value::as_f64).map(three).collect();
                @if !shuffled.is_empty() {
                    p .quiet { (page.say(text::MODEL_SHUFFLED)) " " b { (shuffled.join(" · ")) } }
                }
                (per_fold(page, list(found, "per_fold")))
                @if let Some(drawn) = figures::learning_curve(list(found, "learning_curve"), page.say(text::MODEL_CURVE)) {
                    h3 { (page.say(text::MODEL_CURVE)) }
                    p .quiet { (page.say(text::MODEL_CURVE_LONG)) }
                    figure .curve-figure {
                        (drawn)
                        figcaption .legend {
                            span { (figures::swatch("unseen")) " " (page.say(text::MODEL_ON_UNSEEN)) }
                            span { (figures::swatch("seen")) " " (page.say(text::MODEL_ON_SEEN)) }
                        }
                    }
                }
            }
        }
    }
}

/// A row of the comparison; nothing where it was not tried.
fn compared(name: Markup, values: &Value) -> Markup {
    html! {
        @if !values.is_null() {
            tr { td { (name) } td .number { (maybe(values["auc"].as_f64())) } td .number { (maybe(values["brier"].as_f64())) } }
        }
    }
}

/// The name that is there most often, the first of several.
fn commonest(names: &Value) -> Option<&str> {
    let names: Vec<&str> = names.as_array()?.iter().filter_map(Value::as_str).collect();
    let count = |name: &str| names.iter().filter(|other| **other == name).count();
    // `max_by_key` gives the last of equals.
    names.iter().rev().copied().max_by_key(|name| count(name))
}

fn per_fold(page: &Page, folds: &[Value]) -> Markup {
    let whole = |fold: &Value, name: &str| fold[name].as_u64().map(thousands).unwrap_or_default();
    html! {
        @if !folds.is_empty() {
            details {
                summary { (page.say(text::MODEL_PER_FOLD)) " (" (folds.len()) ")" }
                table .compact {
                    thead { tr {
                        th .number { (page.say(text::MODEL_FOLD)) } th .number { (page.say(text::PATIENTS)) }
                        th .number { (page.say(text::MODEL_CASES)) } th .number { (page.say(text::MODEL_POSITIVE)) }
                        th .number { "AUC" } th .number { "Brier" }
                    } }
                    tbody { @for fold in folds {
                        tr {
                            td .number { (fold["fold"].as_u64().map(|fold| fold + 1).unwrap_or_default()) }
                            td .number { (whole(fold, "groups")) } td .number { (whole(fold, "rows")) }
                            td .number { (whole(fold, "positive_rows")) }
                            td .number { (maybe(fold["auc"].as_f64())) } td .number { (maybe(fold["brier"].as_f64())) }
                        }
                    } }
                }
            }
        }
    }
}

pub(super) fn locked_test(page: &Page, found: &Found) -> Markup {
    html! {
        section #test {
            h2 { (page.say(text::MODEL_TEST)) }
            @if let Some(trial) = &found.trial { (by_trial(page, trial)) }
            @match &found.report {
                None if found.trial.is_some() => {},
                None if found.without_test_set() => (empty(page.say(text::MODEL_TEST_NONE), page.say(text::MODEL_TEST_NONE_TRIAL))),
                None => (empty(page.say(text::MODEL_TEST_NONE), page.say(text::MODEL_TEST_NONE_LONG))),
                Some(report) => (tested(page, report)),
            }
        }
    }
}

/// Where no difference, or the ideal, lies.
fn scale(measure: Measure) -> Scale {
    let (from, to, reference) = match measure {
        Measure::CalibrationSlope => (0.0, 2.0, Some(1.0)),
        Measure::CalibrationIntercept => (-2.0, 2.0, Some(0.0)),
        Measure::Auc => (0.0, 1.0, Some(0.5)),
        _ => (0.0, 1.0, None),
    };
    Scale {
        from,
        to,
        reference,
    }
}

fn by_trial(page: &Page, trial: &TrialEvidence) -> Markup {
    html! {
        p { (page.say(text::MODEL_BY_TRIAL)) " " a href={ "/trials/" (trial.trial) } { (page.say(text::MODEL_TRIAL_OPEN)) } " "
            span .quiet { (words::when(&trial.at)) } }
        p .verdict.bad[!trial.met] { (page.say(if trial.met { text::MODEL_TRIAL_MET } else { text::MODEL_TRIAL_NOT_MET })) }
        @if !trial.confirmatory { p .quiet { (page.say(text::MODEL_TRIAL_DESCRIBES)) } }
    }
}

fn tested(page: &Page, report: &TestReport) -> Markup {
    let test = &report.test;
    html! {
        p .quiet {
            (page.say(text::MODEL_TEST_LONG)) br;
            (page.say(text::PATIENTS)) " " (thousands(test.patients)) " · " (page.say(text::MODEL_CASES)) " " (thousands(test.cases))
            " · " (page.say(text::MODEL_POSITIVE)) " " (thousands(test.positive)) " · "
            (page.say(text::MODEL_THRESHOLD)) " " (format!("{:.4}", report.threshold)) " · "
            (page.say(text::MODEL_LOOK)) " " (report.look) " · " (words::when(&report.at))
        }
        table .compact.measures {
            thead { tr {
                th { (page.say(text::MODEL_MEASURE)) }
                th .number { (page.say(text::MODEL_FOUND)) " " span .range { (page.say(text::MODEL_INTERVAL)) } }
                th .plot { }
            } }
            tbody {
                @for (place, measure) in words::MEASURES.into_iter().enumerate() {
                    // A scale of its own, or the first.
                    @if place == 0 || matches!(measure, Measure::CalibrationSlope | Measure::CalibrationIntercept) {
                        tr .scale-row { td colspan="2" { } td .plot { (figures::ticks(scale(measure))) } }
                    }
                    (measured(page, measure, report.measures.get(&measure)))
                }
            }
        }
        div .pair {
            div {
                h3 { (page.say(text::MODEL_TWO_BY_TWO)) }
                (two_by_two(page, report.table))
            }
            @if !report.remarks.is_empty() {
                details {
                    summary { (page.say(text::MODEL_REMARKS)) " (" (report.remarks.len()) ")" }
                    ul .remarks lang="en" { @for remark in &report.remarks { li { (remark) } } }
                }
            }
        }
    }
}

fn measured(page: &Page, measure: Measure, found: Option<&Estimate>) -> Markup {
    let name = page.say(words::measure(measure));
    html! {
        tr {
            td {
                (name)
                @if measure == Measure::Brier { " " small .quiet { (page.say(text::MODEL_LOWER_BETTER)) } }
            }
            @match found {
                Some(found) => {
                    @let range = format!("{} – {}", three(found.lower), three(found.upper));
                    td .number { b { (three(found.value)) } " " span .range { (range) } }
                    td .plot { (figures::forest(found, scale(measure), &format!("{name} {} ({range})", three(found.value)))) }
                }
                None => td .quiet colspan="2" { (page.say(text::MODEL_NO_ESTIMATE)) },
            }
        }
    }
}

/// True positives, false positives, false negatives, true negatives.
fn two_by_two(page: &Page, [tp, fp, fn_, tn]: [u64; 4]) -> Markup {
    html! {
        table .compact.narrow {
            thead { tr { th { } th .number { (page.say(text::MODEL_CAME)) } th .number { (page.say(text::MODEL_CAME_NOT)) } th .number { (page.say(text::TOTAL)) } } }
            tbody {
                tr { th scope="row" { (page.say(text::MODEL_SPOKE)) } td .number { (thousands(tp)) } td .number { (thousands(fp)) } td .number.quiet { (thousands(tp + fp)) } }
                tr { th scope="row" { (page.say(text::MODEL_SILENT)) } td .number { (thousands(fn_)) } td .number { (thousands(tn)) } td .number.quiet { (thousands(fn_ + tn)) } }
                tr { th scope="row" { (page.say(text::TOTAL)) } td .number.quiet { (thousands(tp + fn_)) } td .number.quiet { (thousands(fp + tn)) } td .number.quiet { (thousands(tp + fp + fn_ + tn)) } }
            }
        }
    }
}

pub(super) fn importance(page: &Page, found: &Found) -> Markup {
    let all: Vec<(&str, f64, f64)> = list(found, "importance")
        .iter()
        .filter_map(|one| {
            Some((
                one["feature"].as_str()?,
                one["auc_loss"].as_f64()?,
                one["deviation"].as_f64().unwrap_or(0.0),
            ))
        })
        .collect();
    let low = all.iter().map(|one| one.1 - one.2).fold(0.0, f64::min);
    let high = all.iter().map(|one| one.1 + one.2).fold(0.0, f64::max);
    html! {
        @if !all.is_empty() {
            section #importance {
                h2 { (page.say(text::MODEL_IMPORTANCE)) }
                p .quiet { (page.say(text::MODEL_IMPORTANCE_LONG)) }
                table .compact {
                    thead { tr { th { (page.say(text::ITEM_NAME)) } th .number { (page.say(text::MODEL_FALL)) } th .chart-column { } } }
                    tbody { @for (feature, loss, deviation) in &all {
                        tr {
                            td .code { (words::name(feature)) }
                            td .number { (three(*loss)) " " small .quiet { "± " (three(*deviation)) } }
                            td .chart-column { (figures::importance(*loss, *deviation, low, high)) }
                        }
                    } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commonest_name() {
        let names = serde_json::json!(["a", "b", "b", "a", "c"]);
        assert_eq!(commonest(&names), Some("a"));
        assert_eq!(commonest(&Value::Null), None);
    }
}
