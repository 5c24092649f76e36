use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use kura_model::{Category, Error, RequestContext, Result, Role};
use kura_service::accounts::{self, Browser, Token};
use kura_service::dashboard::local_time;
use maud::{Markup, html};

use super::words as text;
use super::{Told, told};
use crate::ui::form::Form;
use crate::ui::page::{Page, role};
use crate::ui::{blocking, failure, sign_in};
use crate::{App, auth};

/// What the page shows.
struct Found {
    roles: Vec<Role>,
    browsers: Vec<Browser>,
    tokens: Vec<Token>,
    now: i64,
}

fn find(app: &App, context: &RequestContext, token: &str) -> Result<Found> {
    Ok(Found {
        roles: accounts::own_roles(&app.bank, context)?,
        browsers: accounts::sessions(&app.bank, context, token)?,
        tokens: accounts::tokens(&app.bank, context)?,
        now: jiff::Timestamp::now().as_millisecond(),
    })
}

pub(crate) async fn show(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    headers: HeaderMap,
    page: Page,
) -> Response {
    let token = auth::session_token(&headers).unwrap_or_default();
    answer(&app, &context, &token, &page, None, None).await
}

async fn answer(
    app: &App,
    context: &RequestContext,
    token: &str,
    page: &Page,
    what: Option<Told>,
    issued: Option<&str>,
) -> Response {
    if context.actor.role == Role::SingleUser {
        let body = html! { h1 { (page.say(text::ACCOUNT)) } p { (page.say(text::NO_OWN)) } };
        return page.whole(page.say(text::ACCOUNT), &body);
    }
    let (bank, who, held) = (app.clone(), context.clone(), token.to_owned());
    match blocking(move || find(&bank, &who, &held)).await {
        Ok(found) => {
            let status = match &what {
                Some(Told::Refused(_)) => StatusCode::UNPROCESSABLE_ENTITY,
                _ => StatusCode::OK,
            };
            let body = body(page, context, &found, what.as_ref(), issued);
            page.with_status(status, page.say(text::ACCOUNT), &body)
        }
        Err(error) => failure::show(page, &error),
    }
}

pub(crate) async fn act(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    headers: HeaderMap,
    page: Page,
    body: Bytes,
) -> Response {
    let form = Form::of(&body);
    let token = auth::session_token(&headers).unwrap_or_default();
    let (bank, who, held, sent) = (app.bank.clone(), context.clone(), token.clone(), form);
    let done = blocking(move || {
        let bank = &*bank;
        Ok(match sent.get("do") {
            "role" => {
                let role: Role = sent.get("role").parse().map_err(Error::invalid)?;
                if held.is_empty() {
                    return Err(Error::invalid("a role is chosen in a browser"));
                }
                Next::Cookie(accounts::session_act_as(bank, &who, &held, role)?)
            }
            "password" => {
                accounts::password_change(bank, &who, sent.get("present"), sent.get("new"))?;
                Next::Again(
                    accounts::session_open(bank, &who)?,
                    Told::Done(text::CHANGED_PASSWORD),
                )
            }
            "out" => {
                accounts::session_close_all(bank, &who)?;
                Next::Out
            }
            "token" => {
                let days = sent.get("days").trim().parse().unwrap_or(0);
                let issued = accounts::token_issue(bank, &who, sent.get("about"), days)?;
                Next::Issued(issued.secret)
            }
            "revoke" => {
                accounts::token_revoke(bank, &who, sent.get("id"))?;
                Next::Told(Told::Done(text::REVOKED))
            }
            _ => return Err(Error::invalid("the form says nothing to do")),
        })
    })
    .await;
    match done {
        Ok(Next::Cookie(token)) => sign_in::with_session(&token, "/"),
        Ok(Next::Out) => sign_in::without_session(),
        Ok(Next::Again(token, what)) => {
            let mut shown = answer(&app, &context, &token, &page, Some(what), None).await;
            sign_in::put_session(&mut shown, &token);
            shown
        }
        Ok(Next::Issued(secret)) => {
            answer(&app, &context, &token, &page, None, Some(&secret)).await
        }
        Ok(Next::Told(what)) => answer(&app, &context, &token, &page, Some(what), None).await,
        Err(error)
            if matches!(
                error.category,
                Category::Invalid | Category::Unauthenticated | Category::Conflict
            ) =>
        {
            let why = Told::Refused(error.message().to_owned());
            answer(&app, &context, &token, &page, Some(why), None).await
        }
        Err(error) => failure::show(&page, &error),
    }
}

enum Next {
    /// Goes on under a new token.
    Cookie(String),
    /// The same, on this page.
    Again(String, Told),
    Out,
    Issued(String),
    Told(Told),
}

fn body(
    page: &Page,
    context: &RequestContext,
    found: &Found,
    what: Option<&Told>,
    issued: Option<&str>,
) -> Markup {
    html! {
        h1 { (page.say(text::ACCOUNT)) " " small { (context.actor.name) } }
        (told(page, what))
        @if let Some(secret) = issued {
            section .issued role="status" {
                p { (page.say(text::TOKEN_ONCE)) }
                pre { code { (secret) } }
            }
        }
        @if found.roles.len() > 1 {
            section {
                h2 { (page.say(text::ACT_AS)) }
                p .quiet { (page.say(text::ACT_AS_LONG)) }
                form .choices method="post" action="/account" {
                    input type="hidden" name="do" value="role";
                    @for one in &found.roles {
                        @if *one == context.actor.role {
                            span .tag { (page.say(role(*one))) " — " (page.say(text::ACT_AS_NOW)) }
                        } @else {
                            button .quiet-button name="role" value=(one) { (page.say(role(*one))) }
                        }
                    }
                }
            }
        }
        section {
            h2 { (page.say(text::CHANGE_PASSWORD)) }
            form .narrow method="post" action="/account" {
                input type="hidden" name="do" value="password";
                label { span { (page.say(text::PRESENT)) }
                    input name="present" type="password" autocomplete="current-password" required maxlength="128"; }
                label { span { (page.say(text::NEW)) }
                    input name="new" type="password" autocomplete="new-password" required minlength=(accounts::PASSWORD_LENGTH) maxlength="128"; }
                button { (page.say(text::CHANGE)) }
            }
        }
        section {
            h2 { (page.say(text::BROWSERS)) }
            (browsers(page, &found.browsers))
            form method="post" action="/account" {
                button .quiet-button name="do" value="out" { (page.say(text::SIGN_OUT_ALL)) }
            }
        }
        section {
            h2 { (page.say(text::TOKENS)) }
            p .quiet { (page.say(text::TOKENS_LONG)) }
            (tokens(page, found))
            form .narrow method="post" action="/account" {
                input type="hidden" name="do" value="token";
                label { span { (page.say(text::TOKEN_ABOUT)) }
                    input name="about" required minlength="3" maxlength="200"; }
                label { span { (page.say(text::TOKEN_DAYS)) }
                    input name="days" type="number" min="1" max="366" value="90" required; }
                button { (page.say(text::MAKE_TOKEN)) }
            }
        }
    }
}

fn browsers(page: &Page, browsers: &[Browser]) -> Markup {
    html! {
        @if browsers.is_empty() { p .quiet { "—" } } @else {
            table {
                thead { tr { th { (page.say(text::SINCE)) } th { (page.say(text::SEEN)) } th { (page.say(text::ACT_AS)) } th {} } }
                tbody {
                    @for browser in browsers {
                        tr {
                            td { (local_time(browser.opened)) }
                            td { (local_time(browser.seen)) }
                            td { @if let Some(one) = browser.role { (page.say(role(one))) } }
                            td { @if browser.this { (page.say(text::THIS_ONE)) } }
                        }
                    }
                }
            }
        }
    }
}

fn tokens(page: &Page, found: &Found) -> Markup {
    html! {
        @if found.tokens.is_empty() { p { (page.say(text::NO_TOKENS)) } } @else {
            table {
                thead { tr {
                    th { (page.say(text::TOKEN_ABOUT)) } th { (page.say(text::ACT_AS)) }
                    th { (page.say(text::TOKEN_UNTIL)) } th {}
                } }
                tbody {
                    @for token in &found.tokens {
                        tr {
                            td { (token.about) }
                            td { (page.say(role(token.role))) }
                            td {
                                (local_time(token.expires))
                                @if token.expires < found.now { " " span .tag .bad { (page.say(text::TOKEN_RUN_OUT)) } }
                            }
                            td {
                                form method="post" action="/account" {
                                    input type="hidden" name="id" value=(token.id);
                                    button .quiet name="do" value="revoke" { (page.say(text::REVOKE)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
