//! The training that runs, or ran last: its bar, its figures, its report, and registering it.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use kura_model::{Category, Error, RequestContext};
use kura_service::dashboard::local_time;
use kura_service::models::wizard::{Outcome, Progress, Training};
use maud::{Markup, html};

use super::form::Form;
use super::text;
use crate::App;
use crate::ui::models::address;
use crate::ui::models::words::maybe;
use crate::ui::page::{Page, report_page, thousands};
use crate::ui::{assets, blocking, failure};

pub(crate) async fn show(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    page: Page,
) -> Response {
    match blocking(move || app.workshop.trainings.newest(&app.bank, &context)).await {
        Ok(found) if page.fragment => page.part(&state(&page, found.as_ref())),
        Ok(found) => whole(&page, StatusCode::OK, found.as_ref(), None),
        Err(error) => failure::show(&page, &error),
    }
}

/// Cancels what runs, or registers what was made.
pub(crate) async fn steer(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    page: Page,
    body: Bytes,
) -> Response {
    let form = Form::of(&body);
    let done = blocking(move || {
        let trainings = &app.workshop.trainings;
        let acted = match form.get("act") {
            "cancel" => trainings.cancel(&app.bank, &context).map(|()| None),
            "register" => {
                let job = form.get("job").parse().unwrap_or_default();
                trainings.register(&app.bank, &context, job).map(Some)
            }
            _ => Err(Error::invalid("an action is missing")),
        };
        match acted {
            Ok(model) => Ok(Ok(model)),
            Err(error) if matches!(error.category, Category::Internal | Category::Forbidden) => {
                Err(error)
            }
            Err(error) => Ok(Err((trainings.newest(&app.bank, &context)?, error))),
        }
    })
    .await;
    match done {
        Ok(Ok(Some(model))) => Redirect::to(&address(&model)).into_response(),
        Ok(Ok(None)) => Redirect::to("/models/new/training").into_response(),
        Ok(Err((found, error))) => whole(
            &page,
            crate::error::status(error.category),
            found.as_ref(),
            Some(error.message()),
        ),
        Err(error) => failure::show(&page, &error),
    }
}

/// The report as the training wrote it.
pub(crate) async fn report(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(job): Path<i64>,
    page: Page,
) -> Response {
    match blocking(move || app.workshop.trainings.report(&app.bank, &context, job)).await {
        Ok(bytes) => report_page(bytes),
        Err(error) => failure::show(&page, &error),
    }
}

fn whole(
    page: &Page,
    status: StatusCode,
    found: Option<&Training>,
    refused: Option<&str>,
) -> Response {
    let body = html! {
        div .wizard {
            p { a href="/models" { "← " (page.say(crate::ui::text::MODELS)) } }
            h1 { (page.say(text::TRAINING)) @if let Some(one) = found { " " span .code { (one.name) } } }
            @if let Some(refused) = refused {
                div .refusal role="alert" { p { b { (page.say(crate::ui::text::MODEL_REFUSED)) } } p lang="en" { (refused) } }
            }
            (state(page, found))
            p { a href="/models/new" { (page.say(text::ANOTHER)) } }
        }
        script type="module" src=(assets::url("wizard.js")) {}
    };
    page.with_status(status, page.say(text::TRAINING), &body)
}

fn state(page: &Page, found: Option<&Training>) -> Markup {
    let Some(one) = found else {
        return html! { div .empty { p .empty-title { (page.say(text::TRAINING_NONE)) } } };
    };
    let running = one.outcome.is_none() && !one.interrupted;
    html! {
        section #training .wizard-step data-running=(if running { "1" } else { "0" }) {
            @if running { (runs(page, one)) } @else { (over(page, one)) }
            dl .facts {
                dt { (page.say(text::STARTED)) } dd { (local_time(one.started)) " · " (one.by) }
                @if let Some(Outcome::Trained { seconds, .. }) = &one.outcome {
                    dt { (page.say(text::TOOK)) } dd { (format!("{seconds:.1}")) " " (page.say(crate::ui::text::SECONDS)) }
                }
                @if matches!(one.outcome, None | Some(Outcome::Trained { .. })) && !one.interrupted {
                    dt { (page.say(text::FOLDER)) } dd .path { (one.folder.display()) }
                    dt { (page.say(text::FILE)) } dd .path { (one.specification.display()) }
                }
            }
        }
    }
}

fn runs(page: &Page, one: &Training) -> Markup {
    html! {
        h2 { (page.say(text::TRAINING_RUNS)) }
        div .training-now role="status" {
            @match &one.progress {
                Some(progress) => (bar(page, *progress)),
                None => { p { (page.say(text::TRAINING_ELSEWHERE)) } }
            }
        }
        p .quiet { (page.say(text::TRAINING_RUNS_LONG)) }
        @if one.progress.is_some() {
            form method="post" action="/models/new/training" {
                input type="hidden" name="act" value="cancel";
                button .quiet-button { (page.say(text::CANCEL)) }
            }
        }
        // Without a script the page asks by itself.
        noscript { meta http-equiv="refresh" content="3"; }
    }
}

/// The parts of a training by the time they take: gathering, cross-validation, the model.
fn share(progress: Progress) -> f64 {
    let part = progress.done as f64 / progress.total.max(1) as f64;
    match progress.step {
        "cases" => 0.1 * part,
        "cross-validation" => 0.1 + 0.75 * part,
        _ => 0.85 + 0.15 * part,
    }
}

fn bar(page: &Page, progress: Progress) -> Markup {
    let name = page.say(match progress.step {
        "cases" => text::PHASE_CASES,
        "cross-validation" => text::PHASE_CV,
        _ => text::PHASE_MODEL,
    });
    html! {
        p { (name) @if progress.total > 1 { " " (progress.done) " / " (progress.total) } }
        progress max="100" value=(format!("{:.0}", share(progress) * 100.0)) aria-label=(name) {}
    }
}

fn over(page: &Page, one: &Training) -> Markup {
    html! {
        @match &one.outcome {
            _ if one.interrupted => {
                h2 { (page.say(text::TRAINING_FAILED)) }
                p { (page.say(text::TRAINING_INTERRUPTED)) }
            }
            None => {}
            Some(Outcome::Cancelled) => { h2 { (page.say(text::TRAINING_CANCELLED)) } }
            Some(Outcome::Refused { message }) => {
                h2 { (page.say(text::TRAINING_FAILED)) }
                div .refusal role="alert" { p lang="en" { (message) } }
            }
            Some(Outcome::Trained { patients, cases, positive, auc, baseline, .. }) => {
                h2 { (page.say(text::TRAINING_DONE)) }
                @let better = matches!((auc, baseline), (Some(auc), Some(baseline)) if auc > baseline);
                div .figures #figures {
                    a { b { (maybe(*auc)) } span { (page.say(text::AUC)) } }
                    a { b { (maybe(*baseline)) } span { (page.say(text::BASELINE)) } }
                    a { b { (thousands(*patients)) } span { (page.say(text::PATIENTS)) } }
                    a { b { (thousands(*cases)) } span { (page.say(text::CASES)) } }
                    a { b { (thousands(*positive)) } span { (page.say(text::POSITIVE)) } }
                }
                p .verdict.bad[!better] { (page.say(if better { text::BETTER } else { text::NOT_BETTER })) }
                p { a .button href={ "/models/new/report/" (one.job) } { (page.say(text::REPORT)) } }
                @match &one.registered {
                    Some(registered) => {
                        p { (page.say(text::REGISTERED)) " " a href={ "/models/" (registered.replacen('@', "/", 1)) } { (registered) } }
                    }
                    None => {
                        form .panel method="post" action="/models/new/training" {
                            input type="hidden" name="act" value="register";
                            input type="hidden" name="job" value=(one.job);
                            p .quiet { (page.say(text::REGISTER_LONG)) }
                            p { button { (page.say(text::REGISTER)) } }
                        }
                    }
                }
            }
        }
    }
}
