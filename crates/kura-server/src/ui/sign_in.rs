//! Signing in and out.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use kura_model::{Category, RequestContext};
use kura_service::accounts::{self, SignedIn};
use maud::{Markup, html};

use super::form::Form;
use super::page::Page;
use super::{blocking, failure, text};
use crate::{App, auth};

pub(crate) async fn show(State(app): State<App>, page: Page) -> Response {
    match blocking(move || accounts::sign_in_needed(&app.bank)).await {
        Ok(needed) => page.whole(page.say(text::SIGN_IN), &entry(&page, needed, false)),
        Err(error) => failure::show(&page, &error),
    }
}

fn entry(page: &Page, needed: bool, failed: bool) -> Markup {
    html! {
        div .sign-in {
            @if needed {
                h1 { (page.say(text::SIGN_IN)) }
                @if failed { p .bad role="alert" { (page.say(text::SIGN_IN_FAILED)) } }
                form method="post" action="/sign-in" {
                    label { span { (page.say(text::NAME)) }
                        input name="name" autocomplete="username" required autofocus maxlength="64"; }
                    label { span { (page.say(text::PASSWORD)) }
                        input name="password" type="password" autocomplete="current-password" required maxlength="1000"; }
                    button { (page.say(text::SIGN_IN)) }
                }
            } @else {
                h1 { (page.say(text::NO_ACCOUNT)) }
                p { (page.say(text::NO_ACCOUNT_LONG)) }
                pre { code { "kura user add --bank … NAME --role data-manager" } }
                p { a href="/" { (page.say(text::TO_OVERVIEW)) } }
            }
        }
    }
}

pub(crate) async fn enter(State(app): State<App>, page: Page, body: Bytes) -> Response {
    let form = Form::of(&body);
    let (name, password) = (form.get("name").to_owned(), form.get("password").to_owned());
    let bank = app.bank.clone();
    // Argon2 takes a tenth of a second of a core, by design.
    let opened = blocking(move || {
        Ok(match accounts::sign_in(&bank, &name, &password)? {
            SignedIn::Whole(context) => Step::In(accounts::session_open(&bank, &context)?),
            SignedIn::Half(half) => Step::Second(half),
        })
    })
    .await;
    match opened {
        Ok(Step::In(token)) => with_session(&app, &token, "/"),
        Ok(Step::Second(half)) => page.whole(page.say(text::SIGN_IN), &second(&page, &half, None)),
        Err(error) if error.category == Category::Unauthenticated => page.with_status(
            StatusCode::UNAUTHORIZED,
            page.say(text::SIGN_IN),
            &entry(&page, true, true),
        ),
        Err(error) => failure::show(&page, &error),
    }
}

enum Step {
    In(String),
    Second(String),
}

/// The form of the second proof; `half` says that the first was right.
fn second(page: &Page, half: &str, refused: Option<&str>) -> Markup {
    html! {
        div .sign-in {
            h1 { (page.say(text::SECOND_STEP)) }
            @if let Some(why) = refused { p .bad role="alert" lang="en" { (why) } }
            p .quiet { (page.say(text::SECOND_STEP_LONG)) }
            form method="post" action="/sign-in/second" {
                input type="hidden" name="half" value=(half);
                label { span { (page.say(text::CODE)) }
                    input name="code" autocomplete="one-time-code" required autofocus maxlength="64"; }
                button { (page.say(text::SIGN_IN)) }
            }
            p { a href="/sign-in" { (page.say(text::SIGN_IN_AGAIN)) } }
        }
    }
}

/// The second proof.
pub(crate) async fn enter_second(State(app): State<App>, page: Page, body: Bytes) -> Response {
    let form = Form::of(&body);
    let (half, code) = (form.get("half").to_owned(), form.get("code").to_owned());
    let (bank, kept) = (app.bank.clone(), half.clone());
    let opened = blocking(move || {
        let context = accounts::sign_in_second(&bank, &kept, &code)?;
        accounts::session_open(&bank, &context)
    })
    .await;
    match opened {
        Ok(token) => with_session(&app, &token, "/"),
        Err(error) if error.category == Category::Unauthenticated => page.with_status(
            StatusCode::UNAUTHORIZED,
            page.say(text::SIGN_IN),
            &second(&page, &half, Some(error.message())),
        ),
        Err(error) => failure::show(&page, &error),
    }
}

pub(crate) async fn leave(
    State(app): State<App>,
    context: Option<Extension<RequestContext>>,
    headers: HeaderMap,
    page: Page,
) -> Response {
    if let (Some(Extension(context)), Some(token)) = (context, auth::session_token(&app, &headers))
    {
        let bank = app.bank.clone();
        let closed = blocking(move || accounts::session_close(&bank, &context, &token)).await;
        if let Err(error) = closed {
            return failure::show(&page, &error);
        }
    }
    without_session(&app)
}

/// To an address, signed in by this token.
pub(super) fn with_session(app: &App, token: &str, to: &str) -> Response {
    let mut response = Redirect::to(to).into_response();
    put_session(app, &mut response, token);
    response
}

pub(super) fn without_session(app: &App) -> Response {
    let mut response = Redirect::to("/sign-in").into_response();
    put_session(app, &mut response, "");
    response
}

/// The token in the browser's cookie.
pub(super) fn put_session(app: &App, response: &mut Response, token: &str) {
    if let Some(cookie) = auth::set_session(app, token) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
}
