//! One record opened: its text for people, and the source it came from.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use kura_model::RequestContext;
use kura_service::dashboard::local_time;
use kura_service::genomics;
use kura_service::timeline::{self, Opened};
use maud::{Markup, html};

use super::page::{Page, empty, thousands};
use super::patient::{head, money};
use super::{blocking, failure, text};
use crate::App;

pub(crate) async fn open(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((id, kind, record)): Path<(String, String, String)>,
    page: Page,
) -> Response {
    let found = blocking(move || timeline::open(&app.bank, &context, &id, &kind, &record)).await;
    match found {
        Ok(found) if page.fragment => page.part(&content(&page, &found)),
        Ok(found) => page.whole(
            &found.title,
            &html! {
                (head(&page, &found.patient, true))
                h2 { (name(&page, &found)) }
                (content(&page, &found))
                @if found.sections.is_empty() && found.claim.is_empty() { (json(&found)) }
                p { a href={ "/patients/" (found.patient.id) @if let Some(when) = &found.when { "?month=" (when.date().get(..7).unwrap_or_default()) } } { "← " (page.say(text::BACK_TO_PATIENT)) } }
            },
        ),
        Err(error) => failure::show(&page, &error),
    }
}

/// A claim is called by its month: it needs its kind beside it.
fn name(page: &Page, found: &Opened) -> String {
    match text::kind(&found.key.kind, page.lang) {
        Some(kind) if found.key.kind == "Claim" => format!("{kind} {}", found.title),
        _ => found.title.clone(),
    }
}

/// What a person reads of a record.
fn content(page: &Page, found: &Opened) -> Markup {
    let source = format!(
        "/patients/{}/source/{}/{}",
        found.patient.id, found.key.kind, found.key.id
    );
    html! {
        div .opened {
            p .quiet {
                @if let Some(when) = &found.when { (when.date()) @if let Some(time) = &when.time { " " (time) } " " }
                @if let Some(author) = &found.author { (page.say(text::AUTHOR)) " " (author) " " }
                a href=(source) title=(page.say(text::SOURCE_LONG)) { (page.say(text::SOURCE)) }
            }
            @for section in &found.sections {
                @if !section.title.is_empty() { h3 { (section.title) } }
                p .text { (section.text) }
            }
            @if !found.claim.is_empty() { (claim(page, found)) }
            @else if found.sections.is_empty() { p .quiet { (page.say(text::NO_TEXT)) } }
        }
    }
}

fn claim(page: &Page, found: &Opened) -> Markup {
    html! {
        // Above the lines: the sum stays in sight where the table is wider than the screen.
        @if let Some(yen) = found.yen { p { (page.say(text::TOTAL)) " " b { (money(page, yen)) } } }
        @if !found.diagnoses.is_empty() {
            p { (page.say(text::PROBLEMS)) ": " (found.diagnoses.join(" · ")) }
        }
        div .scroll { table .compact {
            thead { tr {
                th { (page.say(text::CATEGORY)) } th { (page.say(text::ITEM_NAME)) } th { (page.say(text::DATE)) }
                th .number { (page.say(text::QUANTITY)) } th .number { (page.say(text::REPEATS)) } th .number { (page.say(text::POINTS)) }
            } }
            tbody {
                @for line in &found.claim {
                    tr {
                        td { (line.category) " " (text::claim_category(&line.category, page.lang)) }
                        td { (line.name) " " span .code { (line.code) } }
                        td .date { (line.date) }
                        td .number { (line.quantity) }
                        td .number { (line.times) }
                        td .number { @if let Some(yen) = line.yen { (thousands(yen.unsigned_abs() / 10)) } }
                    }
                }
            }
        } }
    }
}

fn json(found: &Opened) -> Markup {
    html! { pre .bytes tabindex="0" { (found.json) } }
}

pub(crate) async fn source(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((id, kind, record)): Path<(String, String, String)>,
    page: Page,
) -> Response {
    let found = blocking(move || timeline::open(&app.bank, &context, &id, &kind, &record)).await;
    let found = match found {
        Ok(found) => found,
        Err(error) => return failure::show(&page, &error),
    };
    let origin = &found.origin;
    page.whole(
        page.say(text::SOURCE),
        &html! {
            (head(&page, &found.patient, true))
            h2 { (name(&page, &found)) }
            dl .facts {
                dt { (page.say(text::CAME_FROM)) }
                dd { @match &origin.file {
                    Some((file, line)) => { span .path { (file) } @if let Some(line) = line { " " (page.say(text::LINE)) " " (line) } }
                    None => (page.say(text::NOT_IMPORTED)),
                } }
                dt { "FHIR" } dd .code { (found.key) }
                dt { (page.say(text::VERSION)) } dd { (origin.version) " (t = " (origin.t) ")" }
                dt { (page.say(text::WRITTEN_AT)) } dd { (local_time(origin.written)) }
            }
            (json(&found))
            p { a href={ "/patients/" (found.patient.id) } { "← " (page.say(text::BACK_TO_PATIENT)) } }
        },
    )
}

/// Variants on one page.
const VARIANTS: usize = 200;

pub(crate) async fn variants(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((id, record)): Path<(String, String)>,
    page: Page,
) -> Response {
    let offset = page
        .asked("offset")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    let work = {
        let record = record.clone();
        move || {
            let found = timeline::open(&app.bank, &context, &id, "DocumentReference", &record)?;
            let list = genomics::variants(&app.bank, &context, &record, offset, VARIANTS)?;
            Ok((found, list))
        }
    };
    let (found, list) = match blocking(work).await {
        Ok(found) => found,
        Err(error) => return failure::show(&page, &error),
    };
    let annotated = list
        .variants
        .iter()
        .any(|variant| variant.annotation.is_some());
    let gene = |text: Option<&String>| text.cloned().unwrap_or_default();
    page.whole(
        page.say(text::VARIANTS),
        &html! {
            (head(&page, &found.patient, true))
            h2 { (found.title) " · " (page.say(text::VARIANTS)) }
            @if list.variants.is_empty() { (empty(page.say(text::NO_VARIANTS), "")) }
            @else {
                div .scroll { table .compact {
                    thead { tr {
                        th { (page.say(text::CHROMOSOME)) } th .number { (page.say(text::POSITION)) } th { "ID" }
                        th { (page.say(text::REF_ALT)) } th { (page.say(text::GENOTYPE)) }
                        th .number { (page.say(text::DEPTH)) } th { (page.say(text::FILTER)) }
                        @if annotated { th { (page.say(text::GENE)) } th { (page.say(text::CONSEQUENCE)) } }
                    } }
                    tbody {
                        @for variant in &list.variants {
                            tr {
                                td { (variant.chrom) }
                                td .number { (thousands(variant.pos)) }
                                td .code { (variant.id.as_deref().unwrap_or_default()) }
                                td .alleles { (allele(&variant.reference)) " → " (allele(&variant.alternate)) }
                                td .code { (variant.genotype.as_deref().unwrap_or_default()) }
                                td .number { @if let Some(depth) = variant.depth { (depth) } }
                                td { (variant.filter.as_deref().unwrap_or_default()) }
                                @if annotated {
                                    @let note = variant.annotation.as_ref();
                                    td { (gene(note.and_then(|note| note.gene.as_ref()))) }
                                    td { (gene(note.and_then(|note| note.consequence.as_ref()))) " "
                                        span .code { (gene(note.and_then(|note| note.hgvs_p.as_ref().or(note.hgvs_c.as_ref())))) } }
                                }
                            }
                        }
                    }
                } }
                @if let Some(next) = list.next {
                    p { a .button href={ "/patients/" (found.patient.id) "/variants/" (record) "?offset=" (next) } { (page.say(text::NEXT_VARIANTS)) " →" } }
                }
            }
            p { a href={ "/patients/" (found.patient.id) } { "← " (page.say(text::BACK_TO_PATIENT)) } }
        },
    )
}

/// Long insertions are told by their length.
fn allele(bases: &str) -> String {
    const SHOWN: usize = 16;
    if bases.chars().count() <= SHOWN {
        return bases.to_owned();
    }
    let head: String = bases.chars().take(SHOWN - 4).collect();
    format!("{head}… ({})", bases.chars().count())
}
