//! One performance test: what was fixed, how far its readers are, what came out.

use kura_model::Role;
use kura_service::access::Action;
use kura_service::trial::{
    Analysis, ConditionProgress, Opening, ReaderProgress, ReadingCondition, Shown,
};
use maud::{Markup, html};

use super::{address, words};
use crate::ui::page::{Page, thousands};
use crate::ui::text;

pub(super) fn body(page: &Page, shown: &Shown, refused: Option<&str>) -> Markup {
    let protocol = &shown.protocol;
    html! {
        div .model-head {
            p { a href="/trials" { "← " (page.say(text::TRIALS)) } }
            h1 { (words::of(page, &protocol.title)) }
            p { span .code { (protocol.model.name) " " (protocol.model.version) } " "
                @if shown.closed { span .state.ok { (page.say(text::TRIAL_CLOSED)) } }
                @else if protocol.conditions().is_empty() { span .state.off { (page.say(text::TRIAL_ALONE)) } }
                @else { span .state.run { (page.say(text::TRIAL_OPEN)) } } }
        }
        @if let Some(message) = refused {
            p .refusal role="alert" { b { (page.say(text::TRIAL_REFUSED)) } " " span lang="en" { (message) } }
        }
        div .record {
            div .line.card-body {
                @if !protocol.conditions().is_empty() { (readers(page, shown)) }
                (analyses(page, shown))
            }
            div .aside { (fixed(page, shown)) }
        }
    }
}

/// May this person sit down here, and under which code?
enum Sits<'a> {
    /// May not, or nothing is read any more.
    No,
    /// Under any code: there are no accounts.
    AsAnybody,
    /// Has an account and has not begun.
    New,
    As(&'a str),
}

fn sits<'a>(page: &Page, shown: &'a Shown) -> Sits<'a> {
    if !page.may(Action::Read) || shown.closed {
        return Sits::No;
    }
    let single = page
        .context
        .as_ref()
        .is_some_and(|context| context.actor.role == Role::SingleUser);
    match &shown.own {
        _ if single => Sits::AsAnybody,
        Some(own) => Sits::As(own),
        None => Sits::New,
    }
}

fn readers(page: &Page, shown: &Shown) -> Markup {
    let sits = sits(page, shown);
    html! {
        section #readers {
            h2 { (page.say(text::TRIAL_READERS)) }
            @if let Sits::As(own) = sits { p { (page.say(text::TRIAL_OWN)) ": " b { (own) } } }
            @if shown.readers.is_empty() {
                p .quiet { (page.say(text::TRIAL_NO_READERS)) }
            } @else {
                ul .rows {
                    @for one in &shown.readers { li .row.reader { (reader(page, shown, one, &sits)) } }
                }
            }
            @if shown.closed { p .quiet { (page.say(text::TRIAL_CLOSED_LONG)) } }
        }
        @if matches!(sits, Sits::AsAnybody | Sits::New) { (begin(page, shown)) }
    }
}

fn reader(page: &Page, shown: &Shown, one: &ReaderProgress, sits: &Sits<'_>) -> Markup {
    let may = match sits {
        Sits::AsAnybody => true,
        Sits::As(own) => *own == one.reader,
        Sits::No | Sits::New => false,
    };
    html! {
        span .row-main {
            b { (one.reader) }
            span .quiet { (one.experience) }
            @if let Some(last) = &one.last { span .quiet { (page.say(text::TRIAL_LAST)) " " span .date { (words::when(last)) } } }
        }
        div .courses-of {
            @for part in &one.conditions { (course(page, shown, one, part, may)) }
        }
    }
}

fn course(
    page: &Page,
    shown: &Shown,
    one: &ReaderProgress,
    part: &ConditionProgress,
    may: bool,
) -> Markup {
    let share = part.done as f64 / shown.cases.max(1) as f64 * 100.0;
    html! {
        div .course-of {
            span { (page.say(words::condition(part.condition))) }
            span .number { (part.done) " / " (shown.cases) }
            // The bar is a drawing: its width is an attribute, not a style.
            svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" {
                rect width="100" height="6" .ground {}
                rect width=(format!("{share:.1}")) height="6" .level {}
            }
            @if let Some(why) = words::opening(page, part.opening) {
                span .quiet { (why) }
            } @else if may {
                form method="post" action={ (address(shown.id)) "/read" } {
                    input type="hidden" name="act" value="resume";
                    input type="hidden" name="reader" value=(one.reader);
                    input type="hidden" name="condition" value=(part.condition.as_str());
                    button aria-label={ (page.say(if part.done > 0 { text::TRIAL_CONTINUE } else { text::TRIAL_START })) ": " (one.reader) ", " (page.say(words::condition(part.condition))) } {
                        (page.say(if part.done > 0 { text::TRIAL_CONTINUE } else { text::TRIAL_START }))
                    }
                }
            } @else { span {} }
        }
    }
}

fn begin(page: &Page, shown: &Shown) -> Markup {
    let open: Vec<ReadingCondition> = shown
        .openings
        .iter()
        .filter(|(_, opening)| *opening == Opening::Open)
        .map(|(condition, _)| *condition)
        .collect();
    let mut groups: Vec<&str> = shown
        .readers
        .iter()
        .map(|one| one.experience.as_str())
        .collect();
    groups.extend(
        [
            text::EXPERIENCE_SPECIALIST,
            text::EXPERIENCE_RESIDENT,
            text::EXPERIENCE_OTHER,
        ]
        .map(|name| page.say(name)),
    );
    groups.sort_unstable();
    groups.dedup();
    html! {
        section #begin .panel {
            h2 { (page.say(if shown.readers.is_empty() { text::TRIAL_BEGIN } else { text::TRIAL_NEW_READER })) }
            p .quiet { (page.say(text::TRIAL_READ_LONG)) }
            @for (condition, opening) in &shown.openings {
                @if let Some(why) = words::opening(page, *opening) {
                    p .quiet { (page.say(words::condition(*condition))) ": " (why) }
                }
            }
            @if !open.is_empty() {
                form .begin method="post" action={ (address(shown.id)) "/read" } {
                    input type="hidden" name="act" value="begin";
                    label { span { (page.say(text::TRIAL_CODE)) }
                        input name="reader" required maxlength="16" pattern="[A-Za-z0-9_\\-]+" autocomplete="off" autocapitalize="characters" spellcheck="false";
                        small .quiet { (page.say(text::TRIAL_CODE_HINT)) } }
                    label { span { (page.say(text::TRIAL_EXPERIENCE)) }
                        input name="experience" required maxlength="40" list="groups" autocomplete="off";
                        small .quiet { (page.say(text::TRIAL_EXPERIENCE_HINT)) } }
                    datalist #groups { @for group in groups { option value=(group) {} } }
                    fieldset .conditions {
                        legend { (page.say(text::TRIAL_CONDITION)) }
                        @for (at, condition) in open.iter().enumerate() {
                            label .check { input type="radio" name="condition" value=(condition.as_str()) required checked[at == 0];
                                " " (page.say(words::condition(*condition))) }
                        }
                    }
                    button { (page.say(text::TRIAL_BEGIN)) }
                }
            }
        }
    }
}

fn analyses(page: &Page, shown: &Shown) -> Markup {
    html! {
        section #analyses {
            h2 { (page.say(text::TRIAL_ANALYSES)) }
            @if !shown.closed {
                p .quiet { (page.say(text::TRIAL_NOT_ANALYSED)) }
                pre { code { "kura trial analyse " (&shown.id) " --out report --bank …" } }
            } @else { p .quiet { (page.say(text::TRIAL_REPORT_HINT)) } }
            @if !shown.analyses.is_empty() {
                ol .history { @for (at, one) in shown.analyses.iter().enumerate() { li { (analysis(page, shown, at + 1, one)) } } }
            }
        }
    }
}

fn analysis(page: &Page, shown: &Shown, number: usize, one: &Analysis) -> Markup {
    let outcome = match (one.refused, one.met, one.confirmatory) {
        (true, ..) => text::ANALYSIS_REFUSED,
        (_, Some(true), _) => text::ANALYSIS_MET,
        (_, Some(false), _) => text::ANALYSIS_NOT_MET,
        (_, None, _) => text::ANALYSIS_RUNNING,
    };
    html! {
        p { b { (number) ". " (page.say(outcome)) }
            @if one.confirmatory == Some(false) { " " span .state.bad { (page.say(text::ANALYSIS_NOT_CONFIRMATORY)) } } }
        p .quiet { (words::when(&one.at)) " · " (one.by) }
        @if let Some(result) = one.result {
            p .links {
                @if one.reported { a .button href={ (address(shown.id)) "/report/" (result) } { (page.say(text::TRIAL_REPORT)) } }
                a href={ (address(shown.id)) "/report/" (result) "?json" } { (page.say(text::TRIAL_NUMBERS)) }
            }
            p .code { (result) }
        }
    }
}

fn fixed(page: &Page, shown: &Shown) -> Markup {
    let protocol = &shown.protocol;
    html! {
        section #protocol .panel {
            h2 { (page.say(text::TRIAL_PROTOCOL)) }
            p { (words::of(page, &protocol.intended_use)) }
            dl .facts {
                dt { (page.say(text::TRIAL_QUESTION)) } dd { (page.say(words::question(protocol.question))) }
                dt { (page.say(text::TRIAL_TARGET)) } dd { (words::of(page, &protocol.target_condition)) }
                dt { (page.say(text::TRIAL_STANDARD)) } dd { (words::of(page, &protocol.reference_standard)) }
                dt { (page.say(text::TRIAL_ENDPOINT)) } dd { (page.say(words::endpoint(protocol.endpoint))) }
                dt { (page.say(text::TRIAL_HYPOTHESIS)) } dd { (page.say(words::hypothesis(protocol.hypothesis.kind)))
                    @if let Some(margin) = protocol.hypothesis.margin { ", " (page.say(text::TRIAL_MARGIN)) " " (margin) } }
                @if let Some(days) = protocol.wash_out_days {
                    dt { (page.say(text::TRIAL_WASH_OUT)) } dd { (days) " " (page.say(text::DAYS)) }
                }
                dt { (page.say(text::TRIAL_CASES)) } dd { (thousands(shown.cases))
                    @if let Some(positive) = shown.positive { " (" (page.say(text::TRIAL_POSITIVE)) " " (thousands(positive)) ")" } }
                @if !protocol.conditions().is_empty() {
                    dt { (page.say(text::TRIAL_IMAGES)) }
                    dd { @if shown.images > 0 { (thousands(shown.images)) " " (page.say(text::OBJECTS)) } @else { (page.say(text::TRIAL_NO_IMAGES)) } }
                }
                dt { (page.say(text::TRIAL_ANSWERS)) }
                dd { (page.say(if shown.answers { text::TRIAL_LOCKED } else { text::TRIAL_NOT_LOCKED })) }
                dt { (page.say(text::TRIAL_FIXED)) } dd { (words::when(&shown.at)) " · " (protocol.fixed_by) }
            }
            details {
                summary { (page.say(text::HASH)) }
                dl .facts {
                    dt { (page.say(text::TRIAL_ID)) } dd .code { (shown.id) }
                    dt { (page.say(text::TRIAL_PROTOCOL_HASH)) } dd .code { (shown.protocol_hash) }
                    dt { (page.say(text::TRIAL_CASES_HASH)) } dd .code { (shown.cases_hash) }
                }
            }
        }
    }
}
