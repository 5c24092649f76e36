//! Every performance test, the newest first.

use kura_service::trial::{Listed, Question};
use maud::{Markup, html};

use super::{address, words};
use crate::ui::page::{Page, thousands};
use crate::ui::text;

pub(super) fn body(page: &Page, all: &[Listed]) -> Markup {
    html! {
        h1 { (page.say(text::TRIALS)) }
        @if all.is_empty() {
            div .empty {
                p .empty-title { (page.say(text::TRIALS_NONE)) }
                p { (page.say(text::TRIALS_NONE_LONG)) }
                pre { code { "kura trial fix samples/trial-protocol.toml cases.csv --set SET --answers answers.csv --bank …" } }
            }
        } @else {
            p .quiet { (page.say(text::TRIALS_HINT)) }
            ul .rows {
                @for one in all { li { (row(page, one)) } }
            }
        }
    }
}

fn row(page: &Page, one: &Listed) -> Markup {
    let (class, state) = match (one.closed, one.question) {
        (true, _) => ("state ok", text::TRIAL_CLOSED),
        (false, Question::StandAloneAccuracy) => ("state off", text::TRIAL_ALONE),
        (false, _) => ("state run", text::TRIAL_OPEN),
    };
    html! {
        a .row href=(address(one.id)) {
            span .row-main {
                b { (words::of(page, &one.title)) }
                span .quiet { (page.say(words::question(one.question))) " · " span .code { (one.model.name) " " (one.model.version) } }
                span .quiet { (page.say(text::TRIAL_FIXED)) " " (words::when(&one.at)) " · " span .code { (&one.id.to_hex()[..12]) } }
            }
            span .row-side {
                span { span class=(class) { (page.say(state)) } }
                span { (page.say(text::TRIAL_CASES)) " " b { (thousands(one.cases)) }
                    " · " (page.say(text::TRIAL_READERS)) " " b { (one.readers) }
                    " · " (page.say(text::TRIAL_READINGS)) " " b { (thousands(one.readings)) } }
            }
        }
    }
}
