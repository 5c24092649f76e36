//! Fields of the form: with a label, a hint, and what is wrong with them.

use axum::body::Bytes;
use kura_service::models::wizard::{Draft, Problem, Rule};
use maud::{Markup, html};

use super::{SUMMARY, Shown, text};
use crate::ui::page::Page;
use crate::ui::text::Text;

/// What was sent.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn of(body: &Bytes) -> Self {
        let fields = std::str::from_utf8(body)
            .ok()
            .and_then(|text| kura_service::decode_query(text).ok());
        Self(fields.unwrap_or_default())
    }

    /// Empty where it is absent.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value.trim())
    }

    /// The step it was sent from.
    pub(super) fn step(&self) -> u8 {
        self.get("step").parse().unwrap_or(1).clamp(1, SUMMARY)
    }

    pub(super) fn draft(&self) -> Draft {
        Draft::of_fields(&self.0)
    }
}

/// The fields of every other step.
pub(super) fn carried(draft: &Draft, here: u8) -> Markup {
    html! {
        @for (_, name, value) in draft.fields().iter().filter(|(step, ..)| *step != here) {
            input type="hidden" name=(name) value=(value);
        }
    }
}

/// What a field is called.
fn called(field: &str) -> Text {
    match field {
        "name" => text::NAME,
        "title_ja" | "title_en" => text::TITLE_OF,
        "use_ja" | "use_en" => text::USE,
        "set" => text::SET,
        "after_hours" => text::AFTER_HOURS,
        "case_code" => text::CASE_CODE,
        "modality" => text::MODALITY,
        "foreseen" => text::FORESEEN,
        "outcome_code" => text::OUTCOME_CODE,
        "limit" => text::LIMIT,
        "ahead_hours" => text::AHEAD_HOURS,
        "condition" => text::CONDITION,
        "ahead_days" => text::AHEAD_DAYS,
        "pixels" => text::PIXELS,
        "low" => text::LOW,
        "high" => text::HIGH,
        "features" => text::FEATURES,
        "folds" => text::FOLDS,
        "test_share" => text::TEST_SHARE,
        "share" => text::SHARE,
        _ => text::STEP_3,
    }
}

fn rule(page: &Page, rule: Rule) -> String {
    let said = |text: Text| page.say(text).to_owned();
    match rule {
        Rule::Missing => said(text::RULE_MISSING),
        Rule::OneLanguage => said(text::RULE_ONE_LANGUAGE),
        Rule::Name => said(text::RULE_NAME),
        Rule::Long(most) => format!("{} {most}", page.say(text::RULE_LONG)),
        Rule::Between(low, high) => format!("{} {low} – {high}", page.say(text::RULE_BETWEEN)),
        Rule::Whole(low, high) => format!("{} {low} – {high}", page.say(text::RULE_WHOLE)),
        Rule::Order => said(text::RULE_ORDER),
        Rule::Modality => said(text::RULE_MODALITY),
        Rule::NoFeature => said(text::RULE_NO_FEATURE),
        Rule::Many(most) => format!("{} {most}", page.say(text::RULE_MANY)),
        Rule::NotInSet => said(text::RULE_NOT_IN_SET),
    }
}

/// Everything that is wrong, with links to the fields.
pub(super) fn alert(page: &Page, shown: &Shown) -> Markup {
    html! {
        @if !shown.problems.is_empty() || shown.gone {
            div .refusal role="alert" {
                p { b { (page.say(text::REFUSED)) } }
                ul {
                    @for problem in &shown.problems {
                        li { a href={ "#" (problem.field) } { (page.say(called(problem.field))) } ": " (rule(page, problem.rule)) }
                    }
                    @if shown.gone { li { a href="#set" { (page.say(text::SET)) } ": " (page.say(text::SET_GONE)) } }
                }
            }
        }
    }
}

pub(super) fn wrong<'a>(shown: &'a Shown, field: &str) -> Option<&'a Problem> {
    shown.problems.iter().find(|problem| problem.field == field)
}

/// What stands below a field: its hint and what is wrong with it. Named by `aria-describedby`.
fn below(page: &Page, shown: &Shown, field: &str, hint: Option<Text>) -> Markup {
    html! {
        span .field-below id={ (field) "-below" } {
            @if let Some(hint) = hint { span .quiet { (page.say(hint)) } }
            @if let Some(problem) = wrong(shown, field) { b .bad { (rule(page, problem.rule)) } }
        }
    }
}

/// A line of text.
pub(super) fn line(
    page: &Page,
    shown: &Shown,
    name: &str,
    label: Markup,
    value: &str,
    hint: Option<Text>,
) -> Markup {
    html! {
        div .field {
            label for=(name) { (label) }
            input id=(name) name=(name) value=(value) maxlength="1000" autocomplete="off" spellcheck="false"
                aria-invalid=[wrong(shown, name).map(|_| "true")] aria-describedby={ (name) "-below" };
            (below(page, shown, name, hint))
        }
    }
}

/// A number, with what it is counted in.
pub(super) fn number(
    page: &Page,
    shown: &Shown,
    name: &str,
    label: Text,
    value: Option<f64>,
    hint: Option<Text>,
) -> Markup {
    html! {
        div .field {
            label for=(name) { (page.say(label)) }
            input id=(name) name=(name) .short type="number" step="any" value=[value] autocomplete="off"
                aria-invalid=[wrong(shown, name).map(|_| "true")] aria-describedby={ (name) "-below" };
            (below(page, shown, name, hint))
        }
    }
}

/// One of several: value and words.
pub(super) fn select(
    page: &Page,
    shown: &Shown,
    name: &str,
    label: Text,
    options: &[(String, String)],
    chosen: &str,
) -> Markup {
    html! {
        div .field {
            label for=(name) { (page.say(label)) }
            select id=(name) name=(name)
                aria-invalid=[wrong(shown, name).map(|_| "true")] aria-describedby={ (name) "-below" } {
                option value="" { "– " (page.say(text::CHOOSE)) " –" }
                @for (value, words) in options {
                    option value=(value) selected[value == chosen] { (words) }
                }
            }
            (below(page, shown, name, None))
        }
    }
}

pub(super) fn check(page: &Page, name: &str, label: Text, on: bool) -> Markup {
    html! {
        label .pick { input type="checkbox" name=(name) value="1" checked[on]; span { (page.say(label)) } }
    }
}

pub(super) fn radio(page: &Page, name: &str, value: &str, label: Text, on: bool) -> Markup {
    html! {
        label .pick { input type="radio" name=(name) value=(value) checked[on]; span { (page.say(label)) } }
    }
}

pub(super) fn foot(page: &Page, shown: &Shown) -> Markup {
    html! {
        div .wizard-foot {
            @if shown.step > 1 { button .quiet-button name="go" value="back" { "← " (page.say(text::BACK)) } }
            @if shown.step < SUMMARY { button name="go" value="next" { (page.say(text::NEXT)) " →" } }
            span #waiting .quiet role="status" hidden { (page.say(text::WAITING)) }
        }
    }
}
