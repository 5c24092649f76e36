//! Opening records in an emergency, and looking at it afterwards.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use kura_model::{Category, Error, RequestContext};
use kura_service::dashboard::local_time;
use kura_service::emergency::{self, Emergency};
use maud::{Markup, html};

use super::form::Form;
use super::page::Page;
use super::{blocking, failure, text};
use crate::App;

pub(crate) async fn show(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    page: Page,
) -> Response {
    answer(&app, context, &page, None).await
}

async fn answer(app: &App, context: RequestContext, page: &Page, why: Option<&Error>) -> Response {
    let bank = app.bank.clone();
    let hours = bank.config.access.emergency_hours;
    match blocking(move || emergency::emergencies(&bank, &context)).await {
        Ok(own) => {
            let status = if why.is_some() {
                StatusCode::UNPROCESSABLE_ENTITY
            } else {
                StatusCode::OK
            };
            let body = body(page, &own, hours, why);
            page.with_status(status, page.say(text::EMERGENCY), &body)
        }
        Err(error) => failure::show(page, &error),
    }
}

pub(crate) async fn act(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    page: Page,
    body: Bytes,
) -> Response {
    let form = Form::of(&body);
    let (bank, who) = (app.bank.clone(), context.clone());
    let done = blocking(move || match form.get("do") {
        "open" => {
            let (number, reason) = (form.get("number"), form.get("reason"));
            emergency::emergency_open(&bank, &who, number, reason).map(|one| Some(one.patient))
        }
        "close" => emergency::emergency_close(&bank, &who, form.get("id")).map(|()| None),
        _ => Err(Error::invalid("the form says nothing to do")),
    })
    .await;
    match done {
        Ok(Some(patient)) => Redirect::to(&format!("/patients/{patient}")).into_response(),
        Ok(None) => Redirect::to("/emergency").into_response(),
        Err(error) if matches!(error.category, Category::Invalid | Category::NotFound) => {
            answer(&app, context, &page, Some(&error)).await
        }
        Err(error) => failure::show(&page, &error),
    }
}

fn body(page: &Page, own: &[Emergency], hours: u32, why: Option<&Error>) -> Markup {
    let now = jiff::Timestamp::now().as_millisecond();
    html! {
        h1 { (page.say(text::EMERGENCY)) }
        p { (page.say(text::EMERGENCY_LONG)) " " (page.say(text::EMERGENCY_HOURS)) ": " (hours) }
        @if let Some(why) = why { p .bad role="alert" lang="en" { (why.message()) } }
        form .small-form method="post" action="/emergency" {
            input type="hidden" name="do" value="open";
            label { span { (page.say(text::PATIENT_NUMBER)) }
                input name="number" required maxlength="64" autocomplete="off"; }
            label { span { (page.say(text::EMERGENCY_REASON)) }
                textarea name="reason" required minlength="10" maxlength="500" rows="3" {} }
            button { (page.say(text::EMERGENCY_OPEN)) }
        }
        section {
            h2 { (page.say(text::EMERGENCIES_OWN)) }
            @if own.is_empty() { p .quiet { (page.say(text::EMERGENCIES_NONE)) } }
            ul .people {
                @for one in own {
                    li {
                        p {
                            @if one.is_open(now) {
                                a href={ "/patients/" (one.patient) } { "Patient/" (one.patient) }
                                " " span .tag { (page.say(text::EMERGENCY_UNTIL)) " " (local_time(one.until)) }
                            } @else {
                                "Patient/" (one.patient) " " span .quiet { (page.say(text::EMERGENCY_OVER)) }
                            }
                        }
                        p .quiet { (local_time(one.from)) " · " (one.reason) }
                        @if one.is_open(now) {
                            form method="post" action="/emergency" {
                                input type="hidden" name="id" value=(one.id);
                                button .quiet name="do" value="close" { (page.say(text::EMERGENCY_CLOSE)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// For an officer: what was opened, by whom and why.
pub(crate) async fn list(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    page: Page,
) -> Response {
    match blocking(move || emergency::emergencies_of_all(&app.bank, &context)).await {
        Ok(all) => page.whole(page.say(text::EMERGENCIES), &officers(&page, &all)),
        Err(error) => failure::show(&page, &error),
    }
}

pub(crate) async fn review(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    page: Page,
    body: Bytes,
) -> Response {
    let form = Form::of(&body);
    let done = blocking(move || emergency::emergency_review(&app.bank, &context, form.get("id")));
    match done.await {
        Ok(()) => Redirect::to("/emergencies").into_response(),
        Err(error) => failure::show(&page, &error),
    }
}

fn officers(page: &Page, all: &[Emergency]) -> Markup {
    html! {
        h1 { (page.say(text::EMERGENCIES)) }
        @if all.is_empty() { p .empty { (page.say(text::EMERGENCIES_NO)) } }
        ul .people {
            @for one in all {
                li {
                    p { b { (one.account) } " → Patient/" (one.patient) " "
                        span .quiet { (local_time(one.from)) " – " (local_time(one.until)) } }
                    p { (one.reason) }
                    @match &one.reviewed {
                        Some((who, when)) => p .quiet {
                            (page.say(text::EMERGENCY_REVIEWED)) ": " (who) ", " (local_time(*when))
                        },
                        None => form method="post" action="/emergencies" {
                            input type="hidden" name="id" value=(one.id);
                            button { (page.say(text::EMERGENCY_REVIEW)) }
                        }
                    }
                }
            }
        }
    }
}
