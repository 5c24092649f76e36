//! What the bank holds.

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use kura_model::RequestContext;
use kura_service::access::Action;
use kura_service::dashboard::{self, Dashboard};
use maud::{Markup, html};

use super::page::{Page, bytes, thousands};
use super::{blocking, charts, failure, text};
use crate::App;

pub(crate) async fn show(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    page: Page,
) -> Response {
    // Whoever may not see counts begins with the records they may see.
    if !page.may(Action::ReadStatus) && page.may(Action::ReadClinical) {
        return Redirect::to("/patients").into_response();
    }
    match blocking(move || dashboard::dashboard(&app.bank, &context)).await {
        Ok(found) => page.whole(page.say(text::OVERVIEW), &body(&page, &found)),
        Err(error) => failure::show(&page, &error),
    }
}

/// Days of the chart.
const DAYS: i64 = 60;

fn body(page: &Page, found: &Dashboard) -> Markup {
    let total: u64 = found.kinds.iter().map(|kind| kind.live).sum();
    if total == 0 && found.quarantined == 0 {
        return html! { h1 { (page.say(text::OVERVIEW)) } (empty(page, found)) };
    }
    let patients = found.kinds.iter().find(|kind| kind.kind == "Patient");
    html! {
        h1 { (page.say(text::OVERVIEW)) }
        ul .figures {
            li { a href=[page.may(Action::ReadClinical).then_some("/patients")] {
                b { (thousands(patients.map_or(0, |kind| kind.live))) } span { (page.say(text::PATIENTS)) } } }
            li { a { b { (thousands(total)) } span { (page.say(text::RECORDS)) } } }
            li .warn[found.quarantined > 0] { a href=[page.may(Action::Import).then_some("/quarantine")] {
                b { (thousands(found.quarantined)) } span { (page.say(text::REFUSED_ITEMS)) } } }
            li .warn[found.unlinked > 0] { a href=[page.may(Action::Import).then_some("/unlinked")] {
                b { (thousands(found.unlinked)) } span { (page.say(text::UNLINKED_ITEMS)) } } }
            li { a { b { (bytes(found.database_bytes)) } span { (page.say(text::DATABASE_SIZE)) } } }
            li { a { b { (thousands(found.t)) } span { (page.say(text::LOGICAL_TIME)) } } }
        }
        div .columns {
            section { (kinds(page, found)) }
            div {
                section { (sources(page, found)) }
                section { (over_time(page, found)) }
            }
        }
    }
}

fn empty(page: &Page, found: &Dashboard) -> Markup {
    html! {
        div .empty {
            p .empty-title { (page.say(text::EMPTY_BANK)) }
            p { (page.say(text::EMPTY_BANK_LONG)) }
            pre { code { "kura import --bank " (found.folder) " /mnt/export" } }
            p { (page.say(text::EMPTY_BANK_SAMPLE)) }
            pre { code { "kura import --bank " (found.folder) " samples/hospital" } }
        }
    }
}

fn kinds(page: &Page, found: &Dashboard) -> Markup {
    let mut kinds: Vec<_> = found.kinds.iter().filter(|kind| kind.live > 0).collect();
    kinds.sort_by_key(|kind| std::cmp::Reverse(kind.live));
    let most = kinds.first().map_or(1, |kind| kind.live).max(1) as f64;
    html! {
        h2 { (page.say(text::BY_KIND)) }
        table .compact {
            thead { tr {
                th { (page.say(text::KIND)) } th .chart-column { }
                th .number { (page.say(text::COUNT)) } th .number.wide { (page.say(text::VERSIONS)) }
            } }
            tbody {
                @for kind in kinds {
                    tr {
                        td {
                            @match text::kind(&kind.kind, page.lang) {
                                Some(name) => { (name) " " span .code { (kind.kind) } }
                                None => span .code { (kind.kind) },
                            }
                        }
                        // The root keeps small kinds visible beside thousands of observations.
                        td .chart-column { (charts::share((kind.live as f64 / most).sqrt())) }
                        td .number { (thousands(kind.live)) }
                        td .number.wide.quiet { (thousands(kind.versions)) }
                    }
                }
            }
        }
    }
}

fn sources(page: &Page, found: &Dashboard) -> Markup {
    html! {
        h2 { (page.say(text::BY_SOURCE)) }
        table .compact {
            thead { tr {
                th { (page.say(text::FORMAT)) } th .number { (page.say(text::FILES)) }
                th .number { (page.say(text::WRITTEN)) } th .number { (page.say(text::REFUSED)) }
            } }
            tbody {
                @for source in &found.sources {
                    tr {
                        td { (text::format(&source.format, page.lang)) }
                        td .number { (thousands(source.files)) }
                        td .number { (thousands(source.accepted)) }
                        td .number { @if source.refused > 0 { b .bad { (thousands(source.refused)) } } @else { "0" } }
                    }
                }
            }
        }
    }
}

fn over_time(page: &Page, found: &Dashboard) -> Markup {
    let Some((last, _)) = found.days.last() else {
        return html! {};
    };
    // Every day from the first to the last has a place, also those on which nothing came.
    let first = found
        .days
        .first()
        .map_or(*last, |(day, _)| *day)
        .max(last - DAYS + 1);
    let days: Vec<(String, u64)> = (first..=*last)
        .map(|day| {
            let count = found
                .days
                .iter()
                .find(|(known, _)| *known == day)
                .map_or(0, |(_, count)| *count);
            (
                format!("{}: {}", super::patients::day(day), thousands(count)),
                count,
            )
        })
        .collect();
    let most = days.iter().map(|(_, count)| *count).max().unwrap_or(0);
    html! {
        h2 { (page.say(text::OVER_TIME)) }
        figure {
            (charts::bars(&days, page.say(text::OVER_TIME)))
            figcaption {
                span { (super::patients::day(first)) @if first != *last { " – " (super::patients::day(*last)) } }
                span { "max " (thousands(most)) }
            }
        }
    }
}
