//! What a person decides about a version: forms with a reason, and what the service said.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use kura_model::{Category, Error, RequestContext, Result};
use kura_service::Bank;
use kura_service::models::{self, Model, Notice, State, Which};
use maud::{Markup, html};

use super::found::{self, Act, Found};
use super::words::versioned;
use super::{address, card, which};
use crate::App;
use crate::ui::page::Page;
use crate::ui::text::{self, Text};
use crate::ui::{blocking, failure};

/// Characters of a reason.
const REASON: usize = 1000;

/// A decision the service did not take, with what was typed.
pub(super) struct Refused {
    act: Option<Act>,
    why: String,
    pub(super) message: String,
    status: StatusCode,
}

fn words(act: Act, state: State) -> (Text, Text) {
    match act {
        Act::Promote => (text::ACT_PROMOTE, text::ACT_PROMOTE_LONG),
        Act::Approve => (text::ACT_APPROVE, text::ACT_APPROVE_LONG),
        Act::Use if state == State::Suspended => (text::ACT_USE, text::ACT_RESUME_LONG),
        Act::Use => (text::ACT_USE, text::ACT_USE_LONG),
        Act::RollBack => (text::ACT_ROLL_BACK, text::ACT_ROLL_BACK_LONG),
        Act::Suspend => (text::ACT_SUSPEND, text::ACT_SUSPEND_LONG),
        Act::ShadowOn => (text::ACT_SHADOW_ON, text::ACT_SHADOW_ON_LONG),
        Act::ShadowOff => (text::ACT_SHADOW_OFF, text::ACT_SHADOW_OFF_LONG),
        Act::Retire => (text::ACT_RETIRE, text::ACT_RETIRE_LONG),
    }
}

/// What can be decided now, or why nothing can.
pub(super) fn panel(page: &Page, found: &Found, refused: Option<&Refused>) -> Markup {
    let reader = &found.reader;
    let open: Vec<Act> = Act::ALL
        .into_iter()
        .filter(|act| found.open(*act))
        .collect();
    html! {
        section .panel.decisions #decide {
            h2 { (page.say(text::MODEL_TO_DECIDE)) }
            @if let Some(waits) = found.waits() { p { (page.say(waits)) } }
            (next(page, found))
            @if open.is_empty() {
                p .quiet { (page.say(text::MODEL_NOTHING_TO_DO)) }
            } @else if !reader.may_release {
                p .quiet { (page.say(text::MODEL_ONLY_LOOK)) }
            } @else {
                @for act in open {
                    // Whoever made a version neither approves it nor promotes it past approval.
                    @let approves = act == Act::Approve || act == Act::Promote && found.model.state == State::Evaluated;
                    @if approves && reader.made_it {
                        p .quiet { b { (page.say(words(act, found.model.state).0)) } " " (page.say(text::MODEL_NOT_BY_YOU)) }
                    } @else {
                        (form(page, found, act, refused.filter(|refused| refused.act == Some(act))))
                    }
                }
            }
        }
    }
}

/// What comes next that is not decided here.
fn next(page: &Page, found: &Found) -> Markup {
    let other_in_use = found
        .in_use()
        .is_some_and(|now| now.version != found.model.version);
    let compared = found
        .proposal
        .as_ref()
        .is_some_and(|proposal| !found.stale(proposal));
    let name = versioned(&found.model);
    html! {
        @match found.model.state {
            State::Draft | State::Evaluated | State::Approved if other_in_use && !compared => {
                p .quiet { (page.say(text::MODEL_NEXT_PROPOSE)) }
                pre { code { "kura model propose " (name) " --plan samples/plan-deterioration.toml --set samples/sets/overview --bank …" } }
            }
            State::Draft if found.without_test_set() => {
                p .quiet { (page.say(text::MODEL_NEXT_TRIAL)) }
                pre { code { "kura trial fix PROTOCOL CASES --bank …" br; "kura trial analyse ID … --bank …" br; "kura model test " (name) " --trial ID --bank …" } }
            }
            State::Draft => {
                p .quiet { (page.say(text::MODEL_NEXT_TEST)) }
                pre { code { "kura model test " (name) " --set samples/sets/overview --bank …" } }
            }
            _ => {}
        }
    }
}

fn form(page: &Page, found: &Found, act: Act, refused: Option<&Refused>) -> Markup {
    let (name, long) = words(act, found.model.state);
    // What the state waits for stands open; the rest is a step away.
    let first = matches!(act, Act::Promote)
        || matches!(act, Act::Approve | Act::Use) && !found.can_replace() && !found.outside();
    let device = found
        .proposal
        .as_ref()
        .is_some_and(|proposal| proposal.device.is_some());
    html! {
        details .decision open[first || refused.is_some()] {
            summary { (page.say(name)) }
            p .quiet {
                (page.say(long))
                @if let (Act::RollBack, Some(before)) = (act, found.before) { " @" (before) }
            }
            form method="post" action=(address(&found.model)) {
                input type="hidden" name="act" value=(act.as_str());
                @if act == Act::Promote && device {
                    label { span { (page.say(text::NOTICE_NUMBER)) } input name="number" required maxlength="100"; }
                    label { span { (page.say(text::NOTICE_DAY)) } input name="notified" type="date" required; }
                }
                label { span { (page.say(text::MODEL_REASON)) }
                    textarea name="why" rows="2" required maxlength=(REASON) { (refused.map_or("", |refused| refused.why.as_str())) } }
                button { (page.say(name)) }
            }
        }
    }
}

pub(crate) async fn act(
    Shared(app): Shared<App>,
    Extension(context): Extension<RequestContext>,
    Path(path): Path<(String, String)>,
    page: Page,
    body: Bytes,
) -> Response {
    let fields = std::str::from_utf8(&body)
        .ok()
        .and_then(|text| kura_service::decode_query(text).ok())
        .unwrap_or_default();
    let field = |name: &str| {
        fields
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    };
    let act = field("act").as_deref().and_then(Act::parse);
    let why = field("why").unwrap_or_default();
    let notice = Notice {
        confirmation_number: field("number"),
        notified: field("notified"),
    };
    let done = blocking(move || {
        let which = which(&path)?;
        match decide(&app.bank, &context, &which, act, &why, &notice) {
            Ok(model) => Ok(Ok(model)),
            // The page as it is now says what the decision met.
            Err(error) if told(error.category) => {
                let found = found::version(&app.bank, &context, &which)?;
                let refused = Refused {
                    act,
                    why,
                    message: error.message().to_owned(),
                    status: crate::error::status(error.category),
                };
                Ok(Err(Box::new((found, refused))))
            }
            Err(error) => Err(error),
        }
    })
    .await;
    match done {
        Ok(Ok(model)) => Redirect::to(&address(&model)).into_response(),
        Ok(Err(shown)) => {
            let (found, refused) = &*shown;
            page.with_status(
                refused.status,
                &versioned(&found.model),
                &card::body(&page, found, Some(refused)),
            )
        }
        Err(error) => failure::show(&page, &error),
    }
}

fn told(category: Category) -> bool {
    matches!(
        category,
        Category::Conflict | Category::Invalid | Category::Forbidden
    )
}

fn decide(
    bank: &Bank,
    context: &RequestContext,
    which: &Which,
    act: Option<Act>,
    why: &str,
    notice: &Notice,
) -> Result<Model> {
    let act = act.ok_or_else(|| Error::invalid("a decision is missing"))?;
    if why.is_empty() {
        return Err(Error::invalid("say why: a step without a reason is none"));
    }
    if why.chars().count() > REASON {
        return Err(Error::invalid(format!(
            "a reason has at most {REASON} characters"
        )));
    }
    let step = |to| models::step(bank, context, which, to, why);
    match act {
        Act::Approve => step(State::Approved),
        Act::Use => step(State::InUse),
        Act::Suspend => step(State::Suspended),
        Act::Retire => step(State::Retired),
        Act::ShadowOn => models::shadow(bank, context, which, true, why),
        Act::ShadowOff => models::shadow(bank, context, which, false, why),
        Act::Promote => models::promote(bank, context, which, why, notice),
        Act::RollBack => {
            // Of the version that was on the page, not of whichever is in use by now.
            let (model, ..) = models::show(bank, context, which)?;
            if model.state != State::InUse {
                return Err(Error::conflict(format!(
                    "{}@{} is {} now; only the version in use is rolled back",
                    model.name,
                    model.version,
                    model.state.as_str()
                )));
            }
            models::roll_back(bank, context, &model.name, why)
        }
    }
}
