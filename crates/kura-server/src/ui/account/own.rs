use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use kura_model::{Assurance, Category, Error, RequestContext, Result, Role};
use kura_service::accounts::{self, Browser, Enrolment, SecondFactors, Token};
use kura_service::dashboard::local_time;
use maud::{Markup, PreEscaped, html};

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
    second: SecondFactors,
    now: i64,
}

/// What is shown this once.
enum Once {
    Token(String),
    Enrolment(Box<Enrolment>),
    Recovery(Vec<String>),
}

fn find(app: &App, context: &RequestContext, token: &str) -> Result<Found> {
    Ok(Found {
        roles: accounts::own_roles(&app.bank, context)?,
        browsers: accounts::sessions(&app.bank, context, token)?,
        tokens: accounts::tokens(&app.bank, context)?,
        second: accounts::second_factors(&app.bank, context)?,
        now: jiff::Timestamp::now().as_millisecond(),
    })
}

pub(crate) async fn show(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    headers: HeaderMap,
    page: Page,
) -> Response {
    let token = auth::session_token(&app, &headers).unwrap_or_default();
    answer(&app, &context, &token, &page, None, None).await
}

async fn answer(
    app: &App,
    context: &RequestContext,
    token: &str,
    page: &Page,
    what: Option<Told>,
    once: Option<&Once>,
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
            let body = body(page, context, &found, what.as_ref(), once);
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
    let token = auth::session_token(&app, &headers).unwrap_or_default();
    let (bank, who, held, sent) = (app.bank.clone(), context.clone(), token.clone(), form);
    let done = blocking(move || {
        let bank = &*bank;
        // A token does not make itself a browser, nor lengthen its own life.
        if held.is_empty() {
            return Err(Error::forbidden(
                "this is done in a browser that is signed in",
            ));
        }
        Ok(match sent.get("do") {
            "role" => {
                let role: Role = sent.get("role").parse().map_err(Error::invalid)?;
                Next::Cookie(accounts::session_act_as(bank, &who, &held, role)?)
            }
            "password" => {
                accounts::password_change(bank, &who, sent.get("present"), sent.get("new"))?;
                Next::Again(
                    accounts::session_open(bank, &who)?,
                    Told::Done(text::CHANGED_PASSWORD),
                    None,
                )
            }
            "out" => {
                accounts::session_close_all(bank, &who)?;
                Next::Out
            }
            "token" => {
                let days = sent.get("days").trim().parse().unwrap_or(0);
                let issued = accounts::token_issue(bank, &who, sent.get("about"), days)?;
                Next::Once(Once::Token(issued.secret))
            }
            "second" => {
                let begun = accounts::totp_begin(bank, &who, sent.get("present"))?;
                Next::Once(Once::Enrolment(Box::new(begun)))
            }
            "confirm" => {
                let codes = accounts::totp_confirm(bank, &who, sent.get("code"))?;
                let codes = codes.iter().map(|code| code.expose().to_owned());
                let once = Once::Recovery(codes.collect());
                // The app was just shown to be at hand.
                let two = RequestContext {
                    assurance: Assurance::TwoFactors,
                    ..who
                };
                let token = accounts::session_open(bank, &two)?;
                Next::Again(token, Told::Done(text::SECOND_ADDED), Some(once))
            }
            "remove" => {
                accounts::totp_remove(bank, &who, sent.get("present"), sent.get("code"))?;
                let one = RequestContext {
                    assurance: Assurance::OneFactor,
                    ..who
                };
                let token = accounts::session_open(bank, &one)?;
                Next::Again(token, Told::Done(text::SECOND_REMOVED), None)
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
        Ok(Next::Cookie(token)) => sign_in::with_session(&app, &token, "/"),
        Ok(Next::Out) => sign_in::without_session(&app),
        Ok(Next::Again(token, what, once)) => {
            let mut shown = answer(&app, &context, &token, &page, Some(what), once.as_ref()).await;
            sign_in::put_session(&app, &mut shown, &token);
            shown
        }
        Ok(Next::Once(once)) => answer(&app, &context, &token, &page, None, Some(&once)).await,
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
    Again(String, Told, Option<Once>),
    Out,
    Once(Once),
    Told(Told),
}

fn body(
    page: &Page,
    context: &RequestContext,
    found: &Found,
    what: Option<&Told>,
    once: Option<&Once>,
) -> Markup {
    html! {
        h1 { (page.say(text::ACCOUNT)) " " small { (context.actor.name) } }
        (told(page, what))
        @match once {
            Some(Once::Token(secret)) => section .issued role="status" {
                p { (page.say(text::TOKEN_ONCE)) }
                pre { code { (secret) } }
            },
            Some(Once::Recovery(codes)) => section .issued role="status" {
                h2 { (page.say(text::RECOVERY)) }
                p { (page.say(text::RECOVERY_LONG)) }
                pre { code { @for code in codes { (code) "\n" } } }
            },
            Some(Once::Enrolment(begun)) => (enrolment(page, begun)),
            None => {}
        }
        p .quiet { (page.say(role(context.actor.role))) " · " a href="/access" { (page.say(text::RULES)) } }
        @if found.roles.len() > 1 {
            section {
                h2 { (page.say(text::ACT_AS)) }
                p .quiet { (page.say(text::ACT_AS_LONG)) }
                form .one-row method="post" action="/account" {
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
        @if !matches!(once, Some(Once::Enrolment(_))) { (second(page, found.second)) }
        section {
            h2 { (page.say(text::CHANGE_PASSWORD)) }
            form .small-form method="post" action="/account" {
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
            form .small-form method="post" action="/account" {
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

fn enrolment(page: &Page, begun: &Enrolment) -> Markup {
    html! {
        section .issued {
            h2 { (page.say(text::SECOND)) }
            p { (page.say(text::SECOND_SCAN)) }
            div .qr { (PreEscaped(begun.picture.expose())) }
            details { summary { (page.say(text::SECOND_TYPE)) } code { (begun.secret.expose()) } }
            form .small-form method="post" action="/account" {
                input type="hidden" name="do" value="confirm";
                label { span { (page.say(text::SECOND_CODE)) }
                    input name="code" inputmode="numeric" autocomplete="one-time-code" required maxlength="16" autofocus; }
                button { (page.say(text::SECOND_CONFIRM)) }
            }
        }
    }
}

fn second(page: &Page, second: SecondFactors) -> Markup {
    html! {
        section {
            h2 { (page.say(text::SECOND)) }
            @if second.totp {
                p { (page.say(text::SECOND_ON)) ": " (second.recovery_codes) }
                details {
                    summary { (page.say(text::SECOND_REMOVE)) }
                    form .small-form method="post" action="/account" {
                        input type="hidden" name="do" value="remove";
                        label { span { (page.say(text::PRESENT)) }
                            input name="present" type="password" autocomplete="current-password" required maxlength="128"; }
                        label { span { (page.say(text::SECOND_CODE)) }
                            input name="code" autocomplete="one-time-code" required maxlength="64"; }
                        button .quiet-button { (page.say(text::SECOND_REMOVE)) }
                    }
                }
            } @else {
                p { (page.say(text::SECOND_NONE)) }
                @if second.needed { p .bad { (page.say(text::SECOND_NEEDED)) } }
                form .small-form method="post" action="/account" {
                    label { span { (page.say(text::PRESENT)) }
                        input name="present" type="password" autocomplete="current-password" required maxlength="128"; }
                    button name="do" value="second" { (page.say(text::SECOND_BEGIN)) }
                }
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
                            td { @if browser.two_factors { (page.say(text::TWO_FACTORS)) " " } @if browser.this { (page.say(text::THIS_ONE)) } }
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
