//! Waiting work, the most urgent first. One key judges, one key goes on.

use std::collections::BTreeMap;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use kura_model::{Category, Error, RequestContext};
use kura_service::access::{Action, may};
use kura_service::bedside::{self, Decision, Entry};
use kura_service::dashboard::local_time;
use maud::{Markup, html};

use super::form::Form;
use super::page::{Page, empty, half};
use super::patients::{facts, names};
use super::{assets, blocking, failure, text};
use crate::App;

/// Shown at a time; the rest is less urgent.
const SHOWN: usize = 100;

pub(crate) async fn show(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    page: Page,
) -> Response {
    let may_decide = may(&app.bank, &context, Action::Decide);
    match blocking(move || bedside::worklist(&app.bank, &context)).await {
        Ok(entries) => page.whole(
            page.say(text::WORKLIST),
            &body(&page, &entries, &Filter::of(&page), may_decide, None),
        ),
        Err(error) => failure::show(&page, &error),
    }
}

/// What the reader wants to see of the list; the order stays.
#[derive(Default)]
struct Filter {
    /// Name of a model; all if empty.
    model: String,
    /// `high`, `unranked`; all if empty.
    only: String,
}

impl Filter {
    fn of(page: &Page) -> Self {
        let asked = |name: &str| page.asked(name).unwrap_or_default().to_owned();
        Self {
            model: asked("model"),
            only: asked("only"),
        }
    }

    fn shows(&self, entry: &Entry) -> bool {
        let rank = entry.rank.as_ref();
        (self.model.is_empty() || self.model == entry.model)
            && match self.only.as_str() {
                "high" => rank.is_some_and(|rank| rank.high),
                "unranked" => rank.is_none() && entry.measured.is_empty(),
                _ => true,
            }
    }

    /// The list as it was filtered. What is no name of a model is left out.
    fn address(&self) -> String {
        let mut out = Vec::new();
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !self.model.is_empty() && self.model.bytes().all(is_name) {
            out.push(format!("model={}", self.model));
        }
        if ["high", "unranked"].contains(&self.only.as_str()) {
            out.push(format!("only={}", self.only));
        }
        match out.is_empty() {
            true => "/worklist".to_owned(),
            false => format!("/worklist?{}", out.join("&")),
        }
    }
}

fn filters(page: &Page, entries: &[Entry], filter: &Filter) -> Markup {
    let models: BTreeMap<&str, &str> = entries
        .iter()
        .map(|entry| (entry.model.as_str(), entry.what.as_str()))
        .collect();
    let choice = |value: &str, said: &str, chosen: bool| html! { option value=(value) selected[chosen] { (said) } };
    html! {
        form .filters method="get" action="/worklist" {
            label { (page.say(text::FILTER_MODEL)) " "
                select name="model" {
                    (choice("", page.say(text::FILTER_ALL), filter.model.is_empty()))
                    @for (model, what) in &models { (choice(model, half(page, what), filter.model == *model)) }
                }
            }
            label { (page.say(text::FILTER_ONLY)) " "
                select name="only" {
                    (choice("", page.say(text::FILTER_ALL), filter.only.is_empty()))
                    (choice("high", page.say(text::FILTER_HIGH), filter.only == "high"))
                    (choice("unranked", page.say(text::UNRANKED), filter.only == "unranked"))
                }
            }
            button .quiet { (page.say(text::FILTER_APPLY)) }
        }
    }
}

fn body(
    page: &Page,
    entries: &[Entry],
    filter: &Filter,
    may_decide: bool,
    trouble: Option<&str>,
) -> Markup {
    let shown: Vec<&Entry> = entries.iter().filter(|entry| filter.shows(entry)).collect();
    html! {
        h1 { (page.say(text::WORKLIST)) " " small .quiet { (shown.len()) @if shown.len() < entries.len() { " / " (entries.len()) } } }
        @if let Some(trouble) = trouble {
            p .bad role="alert" { (page.say(text::DECISION_FAILED)) " " (trouble) }
        }
        p .quiet { (page.say(text::WORKLIST_HINT)) }
        @if entries.is_empty() {
            (empty(page.say(text::NO_WORK), page.say(text::NO_WORK_LONG)))
            pre { code { "kura model list --bank …" br; "kura model use NAME --why … --bank …" br; "kura import --bank … FOLDER" } }
        } @else {
            (filters(page, entries, filter))
            @if shown.is_empty() {
                (empty(page.say(text::FILTER_NOTHING), page.say(text::FILTER_NOTHING_LONG)))
            }
            @if may_decide && !shown.is_empty() { p .keys {
                kbd { "j" } " " (page.say(text::KEY_NEXT)) " · " kbd { "k" } " " (page.say(text::KEY_BACK)) " · "
                kbd { "a" } " " (page.say(text::ACCEPT)) " · " kbd { "c" } " " (page.say(text::CORRECT)) " · "
                kbd { "r" } " " (page.say(text::REJECT)) " · " kbd { "o" } " " (page.say(text::KEY_OPEN))
            } }
            ol #worklist .worklist {
                @for entry in shown.iter().take(SHOWN) { (item(page, entry, filter, may_decide)) }
            }
            @if shown.len() > SHOWN { p .quiet { (page.say(text::MORE_WORK)) " " (shown.len() - SHOWN) } }
            script type="module" src=(assets::url("worklist.js")) {}
        }
    }
}

fn item(page: &Page, entry: &Entry, filter: &Filter, may_decide: bool) -> Markup {
    let high = entry.rank.as_ref().is_some_and(|rank| rank.high);
    html! {
        li .high[high] tabindex="-1" {
            div .risk {
                @match &entry.rank {
                    Some(rank) => {
                        b { (format!("{:.0} %", rank.probability * 100.0)) }
                        // The bar is a drawing: its width is an attribute, not a style.
                        svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" {
                            rect width="100" height="6" .ground {}
                            rect width=(format!("{:.1}", rank.probability * 100.0)) height="6" .level {}
                        }
                    }
                    None if !entry.measured.is_empty() => span .state.run { (page.say(text::MEASURED)) },
                    None => span .state.bad { (page.say(text::UNRANKED)) },
                }
            }
            div .whom {
                a .open href={ "/patients/" (entry.patient.id) } { (names(page, &entry.patient)) }
                " " span .quiet { (facts(page, &entry.patient)) }
                p { (half(page, &entry.what)) }
                @if let Some(rank) = &entry.rank {
                    @if !rank.rationale.is_empty() {
                        p .why { (page.say(text::BECAUSE)) " "
                            @for reason in &rank.rationale { span .reason { (reason) } " " }
                        }
                    }
                    @if let Some(picture) = &entry.picture {
                        details .occlusion {
                            summary { (page.say(text::PICTURE)) }
                            img loading="lazy" width="560" height="280" src={ "/worklist/picture/" (picture) } alt=(page.say(text::PICTURE_ALT));
                            p .quiet { (page.say(text::PICTURE_LONG)) }
                        }
                    }
                    p .quiet { (rank.model) " · " (when(&rank.when)) " · " (page.say(text::WAITING)) " " (waiting(page, entry.waiting_hours)) }
                } @else if !entry.measured.is_empty() {
                    p .why { @for (what, value) in &entry.measured { span .reason { (half(page, what)) " " b { (value) } } " " } }
                    p .quiet { (page.say(text::WAITING)) " " (waiting(page, entry.waiting_hours)) }
                } @else {
                    p .quiet { (page.say(text::UNRANKED_LONG)) " · " (page.say(text::WAITING)) " " (waiting(page, entry.waiting_hours)) }
                }
            }
            @if may_decide {
                form method="post" action="/worklist" .decide {
                    input type="hidden" name="task" value=(entry.task);
                    input type="hidden" name="version" value=(entry.version);
                    input type="hidden" name="model" value=(filter.model);
                    input type="hidden" name="only" value=(filter.only);
                    @if entry.rank.is_some() || !entry.measured.is_empty() {
                        input name="note" maxlength="2000" placeholder=(page.say(text::NOTE)) aria-label=(page.say(text::NOTE));
                        button name="decision" value="accept" { (page.say(text::ACCEPT)) }
                        button name="decision" value="correct" .quiet { (page.say(text::CORRECT)) }
                        button name="decision" value="reject" .quiet { (page.say(text::REJECT)) }
                    } @else {
                        button name="decision" value="accept" { (page.say(text::SEEN)) }
                    }
                }
            }
        }
    }
}

/// What the model looked at, and where it mattered.
pub(crate) async fn picture(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(id): Path<String>,
) -> Response {
    match blocking(move || bedside::picture(&app.bank, &context, &id)).await {
        Ok(png) => (
            [
                (header::CONTENT_TYPE, HeaderValue::from_static("image/png")),
                (
                    header::CACHE_CONTROL,
                    HeaderValue::from_static("private, max-age=600"),
                ),
            ],
            png,
        )
            .into_response(),
        Err(error) => super::images::refuse(&error),
    }
}

/// `2026-04-01 09:30` of an instant, in Japan.
fn when(instant: &str) -> String {
    kura_fhir::date::range(instant).map_or_else(String::new, |(low, _)| local_time(low * 1000))
}

fn waiting(page: &Page, hours: f64) -> String {
    if hours < 1.0 {
        format!("{:.0} {}", hours * 60.0, page.say(text::MINUTES))
    } else if hours < 48.0 {
        format!("{hours:.0} {}", page.say(text::HOURS))
    } else {
        format!("{:.0} {}", hours / 24.0, page.say(text::DAYS))
    }
}

pub(crate) async fn decide(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    page: Page,
    body_bytes: Bytes,
) -> Response {
    let form = Form::of(&body_bytes);
    let field = |name: &str| form.get(name).to_owned();
    let decision = match field("decision").as_str() {
        "accept" => Decision::Accept,
        "correct" => Decision::Correct,
        "reject" => Decision::Reject,
        _ => return failure::show(&page, &Error::invalid("a decision is missing")),
    };
    let (task, note) = (field("task"), field("note"));
    let filter = Filter {
        model: field("model"),
        only: field("only"),
    };
    let shown = field("version").parse().unwrap_or(0);
    let may_decide = may(&app.bank, &context, Action::Decide);
    let done = blocking(move || {
        let decided = bedside::decide(&app.bank, &context, &task, shown, decision, &note);
        match decided {
            Ok(()) => Ok(None),
            // The list as it is now says what has changed.
            Err(error)
                if matches!(
                    error.category,
                    Category::Conflict | Category::Invalid | Category::NotFound
                ) =>
            {
                let message = error.message().to_owned();
                bedside::worklist(&app.bank, &context).map(|entries| Some((entries, message)))
            }
            Err(error) => Err(error),
        }
    })
    .await;
    match done {
        Ok(None) => Redirect::to(&filter.address()).into_response(),
        Ok(Some((entries, message))) => page.with_status(
            StatusCode::CONFLICT,
            page.say(text::WORKLIST),
            &body(&page, &entries, &filter, may_decide, Some(&message)),
        ),
        Err(error) => failure::show(&page, &error),
    }
}
