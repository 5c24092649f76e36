//! Every model with its versions; what waits for a decision comes first.

use kura_service::access::Action;
use maud::{Markup, html};

use super::address;
use super::found::Found;
use super::words::{badges, half, maybe, versioned};
use crate::ui::page::{Page, thousands};
use crate::ui::text::{self, Text};

pub(super) fn body(page: &Page, found: &[Found]) -> Markup {
    let waiting: Vec<(&Found, Text)> = found
        .iter()
        .filter_map(|one| Some((one, one.waits()?)))
        .collect();
    html! {
        div .line-head {
            h1 { (page.say(text::MODELS)) }
            @if page.may(Action::BuildModel) { a .button href="/models/new" { (page.say(text::MODEL_TRAIN)) } }
        }
        @if found.is_empty() {
            (nothing(page))
        } @else {
            p .quiet { (page.say(text::MODELS_HINT)) }
            @if !waiting.is_empty() {
                section {
                    h2 { (page.say(text::MODEL_TO_DECIDE)) }
                    ul .rows.after {
                        @for (one, what) in waiting {
                            li { a .row href=(address(&one.model)) {
                                span .row-main {
                                    b { (page.say(what)) }
                                    span .quiet { (half(page, &one.model.title)) " " span .code { (versioned(&one.model)) } }
                                }
                                span .row-side { span { (badges(page, &one.model)) } }
                            } }
                        }
                    }
                }
            }
            section {
                h2 { (page.say(text::MODELS_ALL)) }
                (versions(page, found))
            }
        }
    }
}

fn versions(page: &Page, found: &[Found]) -> Markup {
    html! {
        table .compact.models {
            thead { tr {
                th { span .hidden { (page.say(text::VERSION)) } } th { (page.say(text::STATE)) }
                th .number { (page.say(text::MODEL_PATIENTS)) }
                th .number { (page.say(text::MODEL_AUC_CV)) }
                th .number { (page.say(text::MODEL_BEST_BASELINE)) }
                th .number { (page.say(text::MODEL_LOOKS_SHORT)) }
            } }
            @for family in found.chunk_by(|a, b| a.model.name == b.model.name) {
                tbody {
                    @if let Some(first) = family.first() {
                        tr .group-head { th colspan="6" scope="rowgroup" {
                            (half(page, &first.model.title)) " " span .code { (first.model.name) }
                        } }
                    }
                    @for one in family {
                        @let (auc, baseline) = one.auc();
                        tr {
                            td .date { a href=(address(&one.model)) { "@" (one.model.version) } }
                            td { (badges(page, &one.model)) }
                            td .number { (one.file.data.as_ref().map_or_else(|| "–".to_owned(), |data| thousands(data.patients))) }
                            td .number {
                                @if one.not_above() {
                                    b .bad title=(page.say(text::MODEL_NOT_ABOVE)) { (maybe(auc)) }
                                    span .hidden { (page.say(text::MODEL_NOT_ABOVE)) }
                                } @else { (maybe(auc)) }
                            }
                            td .number { @if one.not_above() { span .bad aria-hidden="true" { "≤ " } } (maybe(baseline)) }
                            td .number { (one.looks.len()) }
                        }
                    }
                }
            }
        }
    }
}

fn nothing(page: &Page) -> Markup {
    html! {
        div .empty {
            p .empty-title { (page.say(text::MODELS_NONE)) }
            p { (page.say(text::MODELS_NONE_LONG)) }
            p .quiet { "1. " (page.say(text::MODELS_NONE_SET)) }
            pre { code { "kura dataset build samples/dataset.toml --bank … --out samples/sets/overview" } }
            p .quiet { "2. " (page.say(text::MODELS_NONE_TRAIN)) }
            pre { code { "kura train samples/train-deterioration.toml --bank … --out models/deterioration" } }
            p .quiet { "3. " (page.say(text::MODELS_NONE_REGISTER)) }
            pre { code { "kura model register models/deterioration --bank …" } }
        }
    }
}
