//! From what: the values of a case, or its image.

use kura_service::models::wizard::{Chosen, Code, CodeRow, Holder, Material, Start, Survey, Take};
use maud::{Markup, html};

use super::form::{check, number, radio};
use super::steps::{NAMES, code_words, count, short};
use super::{Shown, text};
use crate::ui::page::{Page, thousands};
use crate::ui::text as words;
use crate::ui::text::Text;

/// Rows that are shown before one asks for more.
const SHOWN: usize = 20;

const TAKES: [(&str, Take, Text); 7] = [
    ("last", Take::Last, words::TAKE_LAST),
    ("first", Take::First, words::TAKE_FIRST),
    ("min", Take::Min, words::TAKE_MIN),
    ("max", Take::Max, words::TAKE_MAX),
    ("mean", Take::Mean, words::TAKE_MEAN),
    ("count", Take::Count, words::TAKE_COUNT),
    ("change", Take::Change, words::TAKE_CHANGE),
];

const WINDOWS: [(f64, Text); 6] = [
    (6.0, text::WINDOW_6),
    (24.0, text::WINDOW_24),
    (72.0, text::WINDOW_72),
    (168.0, text::WINDOW_168),
    (720.0, text::WINDOW_720),
    (8760.0, text::WINDOW_8760),
];

/// How far back in words.
pub(super) fn window(page: &Page, hours: Option<f64>) -> String {
    let Some(hours) = hours else {
        return page.say(text::WINDOW_ALL).to_owned();
    };
    match WINDOWS.iter().find(|(known, _)| *known == hours) {
        Some((_, name)) => page.say(*name).to_owned(),
        None => format!("{hours} {}", page.say(text::WINDOW_HOURS)),
    }
}

pub(super) fn take(page: &Page, take: Take) -> &'static str {
    TAKES
        .iter()
        .find(|(_, known, _)| *known == take)
        .map_or("", |(_, _, name)| page.say(*name))
}

/// One row of the form: a code, and how it is used if it is.
struct Row<'a> {
    code: &'a Code,
    known: Option<&'a CodeRow>,
    chosen: Option<&'a Chosen>,
}

/// A row for each chosen feature and for each code that is not chosen, in the survey's order.
fn rows<'a>(codes: &[&'a CodeRow], chosen: &[&'a Chosen]) -> Vec<Row<'a>> {
    let mut out: Vec<Row<'a>> = chosen
        .iter()
        .filter(|one| !codes.iter().any(|row| row.code == one.code))
        .map(|one| Row {
            code: &one.code,
            known: None,
            chosen: Some(one),
        })
        .collect();
    for row in codes {
        let mut of: Vec<Option<&Chosen>> = chosen
            .iter()
            .filter(|one| one.code == row.code)
            .map(|one| Some(*one))
            .collect();
        if of.is_empty() {
            of.push(None);
        }
        out.extend(of.into_iter().map(|chosen| Row {
            code: &row.code,
            known: Some(row),
            chosen,
        }));
    }
    out
}

pub(super) fn material(page: &Page, shown: &Shown) -> Markup {
    let Some(survey) = &shown.survey else {
        return html! {};
    };
    let draft = &shown.draft;
    let images = draft.start == Start::Series;
    html! {
        section .wizard-step {
            h2 { "4. " (page.say(NAMES[3])) }
            @if images {
                fieldset .choices {
                    legend { (page.say(text::MATERIAL)) }
                    div .choice {
                        (radio(page, "from", "image", text::MATERIAL_IMAGE, draft.from == Material::Image))
                        div .choice-more {
                            p .quiet { (page.say(text::IMAGE_HINT)) }
                            div .side-by-side {
                                (number(page, shown, "pixels", text::PIXELS, draft.pixels, None))
                                (number(page, shown, "low", text::LOW, draft.low, None))
                                (number(page, shown, "high", text::HIGH, draft.high, None))
                            }
                        }
                    }
                    div .choice {
                        (radio(page, "from", "numbers", text::MATERIAL_NUMBERS, draft.from == Material::Numbers))
                        div .choice-more { (numbers(page, shown, survey)) }
                    }
                }
            } @else {
                // Kept for whoever changes the question again.
                @for (name, value) in [("pixels", draft.pixels), ("low", draft.low), ("high", draft.high)] {
                    @if let Some(value) = value { input type="hidden" name=(name) value=(value); }
                }
                input type="hidden" name="from" value=(if draft.from == Material::Image { "image" } else { "numbers" });
                (numbers(page, shown, survey))
            }
        }
    }
}

fn numbers(page: &Page, shown: &Shown, survey: &Survey) -> Markup {
    let draft = &shown.draft;
    let measured = |one: &&Chosen| one.code.holder != Holder::Condition;
    let (values, history): (Vec<&Chosen>, Vec<&Chosen>) =
        draft.features.iter().partition(|one| measured(one));
    let codes: Vec<&CodeRow> = survey.observations.iter().collect();
    let values = rows(&codes, &values);
    let codes: Vec<&CodeRow> = survey.conditions.iter().collect();
    let history = rows(&codes, &history);
    let first = values.iter().take(SHOWN).count().max(
        values
            .iter()
            .rposition(|row| row.chosen.is_some())
            .map_or(0, |at| at + 1),
    );
    html! {
        fieldset .choices #features {
            legend { (page.say(text::FEATURES)) }
            p .quiet { (page.say(text::FEATURES_HINT)) }
            div .side-by-side {
                (check(page, "age", text::AGE, draft.age))
                (check(page, "sex", text::SEX, draft.sex))
            }
            label .narrow hidden { span { (page.say(text::NARROW)) } input type="search" data-narrow="features" autocomplete="off"; }
            div .features {
                @for (at, one) in values.iter().enumerate().take(first) { (row(page, at, one)) }
            }
            @if values.len() > first {
                details {
                    summary { (page.say(text::MORE_CODES)) " (" (values.len() - first) ")" }
                    div .features { @for (at, one) in values.iter().enumerate().skip(first) { (row(page, at, one)) } }
                }
            }
            @if !history.is_empty() {
                details open[history.iter().any(|one| one.chosen.is_some())] {
                    summary { (page.say(text::HISTORY)) " (" (history.len()) ")" }
                    div .features { @for (at, one) in history.iter().enumerate() { (row(page, values.len() + at, one)) } }
                }
            }
        }
    }
}

fn row(page: &Page, at: usize, row: &Row<'_>) -> Markup {
    let name = code_words(page, row.code);
    let counted =
        row.code.holder == Holder::Condition || row.known.is_some_and(|known| !known.numeric);
    let laboratory = row
        .known
        .and_then(|known| known.category.as_deref())
        .is_some_and(|category| category == "laboratory");
    let (chosen_take, hours) = match row.chosen {
        Some(chosen) => (chosen.take, chosen.hours),
        None if row.code.holder == Holder::Condition => (Take::Count, None),
        None if counted => (Take::Count, Some(168.0)),
        None if laboratory => (Take::Last, Some(168.0)),
        None => (Take::Last, Some(24.0)),
    };
    let known_window = hours.is_none_or(|hours| WINDOWS.iter().any(|(known, _)| *known == hours));
    html! {
        div .feature data-words=(name) {
            label .pick {
                input type="checkbox" name={ "on" (at) } value="1" checked[row.chosen.is_some()];
                span { b { (name) }
                    @if let Some(known) = row.known {
                        span .set-facts {
                            (page.say(text::PATIENTS)) " " (count(page, known.patients))
                            @if let Some(values) = known.values { " · " (thousands(values)) " " (page.say(text::VALUES)) }
                            @if let Some([low, middle, high]) = known.percentiles {
                                " · " span title=(page.say(text::SPREAD)) { (short(low)) " · " (short(middle)) " · " (short(high)) }
                            }
                        }
                    }
                }
            }
            input type="hidden" name={ "code" (at) } value=(row.code);
            div .feature-how {
                @if counted {
                    input type="hidden" name={ "take" (at) } value="count";
                    span .quiet { (page.say(words::TAKE_COUNT)) }
                } @else {
                    label { span .hidden { (name) ": " (page.say(text::TAKE)) }
                        select name={ "take" (at) } {
                            @for (value, one, words) in TAKES { option value=(value) selected[one == chosen_take] { (page.say(words)) } }
                        }
                    }
                }
                label { span .hidden { (name) ": " (page.say(text::HOURS)) }
                    select name={ "hours" (at) } {
                        @for (value, words) in WINDOWS { option value=(value) selected[hours == Some(value)] { (page.say(words)) } }
                        @if let (Some(other), false) = (hours, known_window) { option value=(other) selected { (other) " " (page.say(text::WINDOW_HOURS)) } }
                        option value="" selected[hours.is_none()] { (page.say(text::WINDOW_ALL)) }
                    }
                }
                @if !counted {
                    button .quiet name="go" value={ "again:" (at) } title=(page.say(text::AGAIN_LONG)) aria-label={ (name) ": " (page.say(text::AGAIN_LONG)) } { "＋ " (page.say(text::AGAIN)) }
                }
            }
        }
    }
}
