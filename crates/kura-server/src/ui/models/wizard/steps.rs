//! What for, which data, when and what, how.

use kura_service::models::wizard::{
    self, Aim, Code, CodeRow, Count, Direction, Foreseen, LearnerKind, Start, Strength, Survey,
};
use maud::{Markup, html};

use super::form::{check, line, number, radio, select, wrong};
use super::{SUMMARY, Shown, text};
use crate::ui::page::{Page, half, thousands};
use crate::ui::text::{Lang, Text};

pub(super) const NAMES: [Text; 6] = [
    text::STEP_1,
    text::STEP_2,
    text::STEP_3,
    text::STEP_4,
    text::STEP_5,
    text::STEP_6,
];

/// The steps; those behind can be gone to, and those ahead as far as nothing is wrong before.
pub(super) fn bar(page: &Page, shown: &Shown) -> Markup {
    html! {
        nav .wizard-steps aria-label=(page.say(text::STEPS)) {
            ol {
                @for (step, name) in (1..=SUMMARY).zip(NAMES) {
                    @let here = step == shown.step;
                    li {
                        @if step < shown.step {
                            button name="go" value={ "step:" (step) } { span .step-number { (step) } " " span .step-name { (page.say(name)) } }
                        } @else {
                            span aria-current=[here.then_some("step")] { span .step-number { (step) } " " span .step-name { (page.say(name)) } }
                        }
                    }
                }
            }
        }
    }
}

fn heading(page: &Page, step: u8) -> Markup {
    html! { h2 { (step) ". " (page.say(NAMES[usize::from(step) - 1])) } }
}

pub(super) fn purpose(page: &Page, shown: &Shown) -> Markup {
    let draft = &shown.draft;
    let of = |what: Text, language: Text| {
        html! { (page.say(what)) " " span .quiet { "(" (page.say(language)) ")" } }
    };
    html! {
        section .wizard-step {
            (heading(page, 1))
            (line(page, shown, "name", html! { (page.say(text::NAME)) }, &draft.name, Some(text::NAME_HINT)))
            (line(page, shown, "title_ja", of(text::TITLE_OF, text::JAPANESE), &draft.title_ja, None))
            (line(page, shown, "title_en", of(text::TITLE_OF, text::ENGLISH), &draft.title_en, Some(text::ONE_LANGUAGE_HINT)))
            (line(page, shown, "use_ja", of(text::USE, text::JAPANESE), &draft.use_ja, Some(text::USE_HINT)))
            (line(page, shown, "use_en", of(text::USE, text::ENGLISH), &draft.use_en, None))
        }
    }
}

pub(super) fn data(page: &Page, shown: &Shown) -> Markup {
    let draft = &shown.draft;
    let only = shown.sets.len() == 1 && draft.set.is_empty();
    let listed = shown
        .sets
        .iter()
        .any(|set| set.folder.display().to_string() == draft.set);
    html! {
        section .wizard-step {
            (heading(page, 2))
            p .quiet { (page.say(text::SET_LONG)) }
            @if shown.sets.is_empty() {
                div .empty {
                    p .empty-title { (page.say(text::SET_NONE)) }
                    p { (page.say(text::SET_NONE_LONG)) }
                    pre { code { "kura dataset build samples/dataset.toml --bank … --out samples/sets/overview" } }
                }
            } @else {
                fieldset #set .choices {
                    legend .hidden { (page.say(text::SET)) }
                    @for set in &shown.sets {
                        @let folder = set.folder.display().to_string();
                        label .pick.set {
                            input type="radio" name="set" value=(folder) checked[only || folder == draft.set];
                            span {
                                b { (half(page, &set.title)) } " " span .code { (set.name) }
                                span .set-facts { (people(page, set.patients)) @if set.images { " · " (page.say(text::SET_IMAGES)) }
                                    " · " (set.as_of.get(..10).unwrap_or_default()) " " (page.say(text::SET_AS_OF)) }
                                span .path { (folder) }
                            }
                        }
                    }
                }
            }
            details open[shown.gone || (!draft.set.is_empty() && !listed)] {
                summary { (page.say(text::SET_TYPED)) }
                (line(page, shown, "set_typed", html! { (page.say(text::SET_TYPED)) },
                    if listed { "" } else { &draft.set }, Some(text::SET_TYPED_HINT)))
            }
        }
    }
}

fn people(page: &Page, patients: u64) -> String {
    match page.lang {
        Lang::Ja => format!("{}{}", thousands(patients), page.say(text::SET_PATIENTS)),
        Lang::En => format!("{} {}", thousands(patients), page.say(text::SET_PATIENTS)),
    }
}

pub(super) fn count(page: &Page, count: Count) -> String {
    match count {
        Count::Few => page.say(text::FEW).to_owned(),
        Count::Known(patients) => thousands(patients),
    }
}

fn counted(page: &Page, patients: Count) -> String {
    match patients {
        Count::Few => page.say(text::FEW_PATIENTS).to_owned(),
        Count::Known(patients) => people(page, patients),
    }
}

/// `酸素飽和度 · LOINC 2708-6 · %`.
pub(super) fn code_words(page: &Page, code: &Code) -> String {
    let mut parts = Vec::new();
    if let Some((ja, en)) = wizard::name(&code.code) {
        parts.push(if page.lang == Lang::Ja { ja } else { en }.to_owned());
    }
    parts.push(
        format!("{} {}", wizard::system(code.system.as_deref()), code.code)
            .trim()
            .to_owned(),
    );
    parts.extend(code.unit.clone());
    parts.join(" · ")
}

/// Four digits that count.
pub(super) fn short(value: f64) -> String {
    let digits = if value == 0.0 {
        0
    } else {
        (3 - value.abs().log10().floor() as i32).clamp(0, 6)
    };
    let text = format!("{value:.*}", digits as usize);
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    };
    text.replace('-', "−")
}

fn options(page: &Page, rows: &[&CodeRow]) -> Vec<(String, String)> {
    rows.iter()
        .map(|row| {
            let mut words = format!(
                "{} · {}",
                code_words(page, &row.code),
                counted(page, row.patients)
            );
            if let Some([low, _, high]) = row.percentiles {
                words += &format!(" · {} – {}", short(low), short(high));
            }
            (row.code.to_string(), words)
        })
        .collect()
}

pub(super) fn question(page: &Page, shown: &Shown) -> Markup {
    let Some(survey) = &shown.survey else {
        return html! {};
    };
    let draft = &shown.draft;
    let numeric: Vec<&CodeRow> = survey
        .observations
        .iter()
        .filter(|row| row.numeric)
        .collect();
    let numeric = options(page, &numeric);
    let conditions = options(page, &survey.conditions.iter().collect::<Vec<_>>());
    let modalities: Vec<(String, String)> = survey
        .series
        .iter()
        .map(|one| {
            (
                one.modality.clone(),
                format!("{} · {}", one.modality, counted(page, one.patients)),
            )
        })
        .collect();
    let chosen = |code: &Option<Code>| code.as_ref().map(ToString::to_string).unwrap_or_default();
    let start = |one: Start, value, label| radio(page, "start", value, label, draft.start == one);
    let foresee =
        |one: Foreseen, value, label| radio(page, "foreseen", value, label, draft.foreseen == one);
    html! {
        section .wizard-step {
            (heading(page, 3))
            (holds(page, survey))
            fieldset .choices #start {
                legend { (page.say(text::START)) }
                p .quiet { (page.say(text::START_HINT)) }
                div .choice {
                    (start(Start::Admission, "admission", text::START_ADMISSION))
                    div .choice-more { (number(page, shown, "after_hours", text::AFTER_HOURS, draft.after_hours, None)) }
                }
                div .choice {
                    (start(Start::Measurement, "measurement", text::START_MEASUREMENT))
                    div .choice-more {
                        (select(page, shown, "case_code", text::CASE_CODE, &numeric, &chosen(&draft.case_code)))
                        (check(page, "daily", text::DAILY, draft.daily))
                    }
                }
                @if !modalities.is_empty() || draft.start == Start::Series {
                    div .choice {
                        (start(Start::Series, "series", text::START_SERIES))
                        div .choice-more { (select(page, shown, "modality", text::MODALITY, &modalities, &draft.modality)) }
                    }
                }
            }
            fieldset .choices #foreseen {
                legend { (page.say(text::FORESEEN)) }
                div .choice {
                    (foresee(Foreseen::Value, "value", text::FORESEEN_VALUE))
                    div .choice-more {
                        (select(page, shown, "outcome_code", text::OUTCOME_CODE, &numeric, &chosen(&draft.outcome_code)))
                        div .side-by-side {
                            (number(page, shown, "limit", text::LIMIT, draft.limit, None))
                            div .field { label for="direction" { (page.say(text::DIRECTION)) }
                                select #direction name="direction" {
                                    option value="below" selected[draft.direction == Direction::Below] { (page.say(text::BELOW)) }
                                    option value="above" selected[draft.direction == Direction::Above] { (page.say(text::ABOVE)) }
                                }
                            }
                            (number(page, shown, "ahead_hours", text::AHEAD_HOURS, draft.ahead_hours, None))
                        }
                    }
                }
                @if !conditions.is_empty() || draft.foreseen == Foreseen::Condition {
                    div .choice {
                        (foresee(Foreseen::Condition, "condition", text::FORESEEN_CONDITION))
                        div .choice-more {
                            (select(page, shown, "condition", text::CONDITION, &conditions, &chosen(&draft.condition)))
                            (check(page, "finer", text::FINER, draft.finer))
                            (check(page, "new_only", text::NEW_ONLY, draft.new_only))
                        }
                    }
                }
                div .choice {
                    @if survey.deaths == Count::Known(0) {
                        label .pick { input type="radio" name="foreseen" value="death" disabled; span { (page.say(text::FORESEEN_DEATH)) " " span .quiet { (page.say(text::NO_DEATHS)) } } }
                    } @else {
                        (foresee(Foreseen::Death, "death", text::FORESEEN_DEATH))
                    }
                }
                div .in-days { (number(page, shown, "ahead_days", text::AHEAD_DAYS, draft.ahead_days, None)) }
                @if wrong(shown, "foreseen").is_some() { b .bad { (page.say(text::RULE_NOT_IN_SET)) } }
            }
        }
    }
}

/// The set in figures.
fn holds(page: &Page, survey: &Survey) -> Markup {
    let month = |millis: i64| kura_service::dashboard::local_time(millis)[..7].to_owned();
    html! {
        details .panel {
            summary { (page.say(text::SURVEY)) ": " (half(page, &survey.set.title)) " · " (counted(page, survey.patients)) }
            dl .facts {
                dt { (page.say(text::PATIENTS)) } dd { (count(page, survey.patients)) }
                @if let Some((first, last)) = survey.span { dt { (page.say(text::SPAN)) } dd { (month(first)) " – " (month(last)) } }
                @for (class, patients, stays) in &survey.encounters {
                    dt { (page.say(crate::ui::text::LANE_ENCOUNTER)) " " span .code { (class) } }
                    dd { (counted(page, *patients)) @if let Some(stays) = stays { " · " (thousands(*stays)) " " (page.say(text::VALUES)) } }
                }
                dt { (page.say(text::CODES)) } dd { (survey.observations.len()) }
                dt { (page.say(text::CONDITIONS)) } dd { (survey.conditions.len()) }
                @for one in &survey.series {
                    dt { (page.say(text::SERIES)) " " span .code { (one.modality) } }
                    dd { (counted(page, one.patients)) @if let Some(series) = one.series { " · " (thousands(series)) " " (page.say(text::VALUES)) } }
                }
                dt { (page.say(text::DEATHS)) } dd { (counted(page, survey.deaths)) }
            }
            p .quiet { (page.say(text::FEW_HINT)) @if survey.strange > 0 { " " (page.say(text::STRANGE)) " " (survey.strange) } }
        }
    }
}

pub(super) fn method(page: &Page, shown: &Shown) -> Markup {
    let draft = &shown.draft;
    let strength =
        |one: Strength, value, label| radio(page, "strength", value, label, draft.strength == one);
    html! {
        section .wizard-step {
            (heading(page, 5))
            fieldset .choices { legend { (page.say(text::LEARNER)) }
                (radio(page, "learner", "logistic", text::LEARNER_LOGISTIC, draft.learner == LearnerKind::Logistic))
                (radio(page, "learner", "trees", text::LEARNER_TREES, draft.learner == LearnerKind::Trees))
            }
            fieldset .choices { legend { (page.say(text::STRENGTH)) }
                (strength(Strength::Weak, "weak", text::STRENGTH_WEAK))
                (strength(Strength::Medium, "medium", text::STRENGTH_MEDIUM))
                (strength(Strength::Strong, "strong", text::STRENGTH_STRONG))
            }
            fieldset .choices { legend { (page.say(text::AIM)) }
                (radio(page, "aim", "sensitivity", text::AIM_SENSITIVITY, draft.aim == Aim::Sensitivity))
                (radio(page, "aim", "specificity", text::AIM_SPECIFICITY, draft.aim == Aim::Specificity))
                (number(page, shown, "share", text::SHARE, draft.share, None))
            }
            fieldset .choices { legend { (page.say(crate::ui::text::MODEL_CV)) " · " (page.say(crate::ui::text::MODEL_LOCKED)) }
                div .side-by-side {
                    (number(page, shown, "folds", text::FOLDS, draft.folds, None))
                    (number(page, shown, "test_share", text::TEST_SHARE, draft.test_share, Some(text::TEST_SHARE_HINT)))
                }
            }
        }
    }
}
