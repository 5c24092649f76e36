//! A training specification, step by step: what for, which data, when and what, from what, how,
//! and a summary that counts the cases, gives the file and starts the training.
//!
//! Every step is a form that carries all the others' fields along; nothing is kept in the browser
//! and nothing goes into an address.

mod features;
mod form;
mod steps;
mod summary;
mod text;
mod training;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use kura_model::{Category, RequestContext, Result};
use kura_service::access::{Action, authorize};
use kura_service::models::wizard::{
    self, Chosen, Draft, Problem, Set, Survey, Take, Trainings, TryOut,
};
use maud::{Markup, html};

use crate::App;
use crate::ui::page::Page;
use crate::ui::{assets, blocking, failure};
use form::Form;

pub(crate) use training::{report, show as training, steer};

/// Surveys that are kept: each is a few hundred numbers.
const SURVEYS: usize = 8;

/// What the wizard shares among requests: the training that runs, and surveys already made.
#[derive(Default)]
pub(crate) struct Workshop {
    pub(super) trainings: Arc<Trainings>,
    surveys: Mutex<Vec<Arc<Survey>>>,
}

impl Workshop {
    fn survey(&self, app: &App, context: &RequestContext, set: &Set) -> Result<Arc<Survey>> {
        let kept = || self.surveys.lock().unwrap_or_else(PoisonError::into_inner);
        // What the survey counted is still what the manifest says: the hash names the bytes.
        let same =
            |one: &&Arc<Survey>| one.set.manifest == set.manifest && one.set.folder == set.folder;
        if let Some(found) = kept().iter().find(same) {
            authorize(&app.bank, context, Action::BuildModel)?;
            return Ok(found.clone());
        }
        let made = Arc::new(wizard::survey(&app.bank, context, set)?);
        let mut surveys = kept();
        surveys.truncate(SURVEYS - 1);
        surveys.insert(0, made.clone());
        Ok(made)
    }
}

/// Last step.
const SUMMARY: u8 = 6;

/// One page of the wizard.
struct Shown {
    step: u8,
    draft: Draft,
    problems: Vec<Problem>,
    /// Of the second step.
    sets: Vec<Set>,
    /// The folder that was given holds no set of this bank.
    gone: bool,
    /// From the third step on.
    survey: Option<Arc<Survey>>,
    summary: Option<Summary>,
    /// There was a training, and whether it runs.
    trained: Option<bool>,
}

struct Summary {
    toml: String,
    tried: std::result::Result<TryOut, String>,
    /// Why the training did not begin.
    refused: Option<String>,
}

enum Next {
    Show(Box<Shown>),
    /// Name and text of the file.
    Save(String, String),
    Training,
}

pub(crate) async fn begin(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    page: Page,
) -> Response {
    let done = blocking(move || {
        authorize(&app.bank, &context, Action::BuildModel)?;
        at(&app, &context, 1, Draft::default(), Vec::new())
    })
    .await;
    match done {
        Ok(shown) => show(&page, &shown),
        Err(error) => failure::show(&page, &error),
    }
}

pub(crate) async fn step(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    page: Page,
    body: Bytes,
) -> Response {
    let sent = Form::of(&body);
    match blocking(move || advance(&app, &context, &sent)).await {
        Ok(Next::Show(shown)) => show(&page, &shown),
        Ok(Next::Save(name, text)) => saved(&name, text),
        Ok(Next::Training) => Redirect::to("/models/new/training").into_response(),
        Err(error) => failure::show(&page, &error),
    }
}

/// The file, under the name it is trained by.
fn saved(name: &str, text: String) -> Response {
    let mut response = (
        [(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/toml; charset=utf-8"),
        )],
        text,
    )
        .into_response();
    // A model's name is plain: small letters, digits and '-'.
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"train-{name}.toml\""))
    {
        response
            .headers_mut()
            .insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

fn show(page: &Page, shown: &Shown) -> Response {
    let status = if shown.problems.is_empty() && !shown.gone {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    page.with_status(status, page.say(text::TITLE), &body(page, shown))
}

fn advance(app: &App, context: &RequestContext, sent: &Form) -> Result<Next> {
    authorize(&app.bank, context, Action::BuildModel)?;
    let mut draft = sent.draft();
    let here = sent.step();
    let go = sent.get("go");
    if let Some(row) = go.strip_prefix("again:") {
        again(&mut draft, sent, row);
    }
    let wanted = match go {
        "next" => here + 1,
        "back" => here.saturating_sub(1).max(1),
        "save" | "train" => SUMMARY,
        _ => go
            .strip_prefix("step:")
            .and_then(|step| step.parse().ok())
            .unwrap_or(here),
    }
    .clamp(1, SUMMARY);
    // Ahead only past steps that hold; where something is wrong, that step says so.
    let survey = if wanted > 2 {
        match wizard::open(&app.bank, context, Path::new(&draft.set)) {
            Ok(set) => Some(app.workshop.survey(app, context, &set)?),
            Err(error) if error.category == Category::NotFound => None,
            Err(error) => return Err(error),
        }
    } else {
        None
    };
    for step in 1..wanted {
        let mut problems = draft.problems(step);
        if let Some(survey) = &survey {
            problems.extend(draft.unfit(step, survey));
        }
        let gone = step == 2 && problems.is_empty() && wanted > 2 && survey.is_none();
        if !problems.is_empty() || gone {
            let mut shown = at(app, context, step, draft, problems)?;
            shown.gone = gone;
            return Ok(Next::Show(Box::new(shown)));
        }
    }
    let mut refused = None;
    if let (Some(survey), "save" | "train") = (&survey, go) {
        if go == "save" {
            let text = draft.to_toml(&survey.tables)?;
            return Ok(Next::Save(draft.name, text));
        }
        match app
            .workshop
            .trainings
            .start(&app.bank, context, &draft, survey)
        {
            Ok(_) => return Ok(Next::Training),
            Err(error) if error.category == Category::Internal => return Err(error),
            Err(error) => refused = Some(error.message().to_owned()),
        }
    }
    let mut shown = at(app, context, wanted, draft, Vec::new())?;
    if let Some(summary) = &mut shown.summary {
        summary.refused = refused;
    }
    Ok(Next::Show(Box::new(shown)))
}

/// A row's code once more, in another way; the row itself where it was not used yet.
fn again(draft: &mut Draft, sent: &Form, row: &str) {
    let Ok(code) = sent.get(&format!("code{row}")).parse() else {
        return;
    };
    let used = sent.get(&format!("on{row}")) == "1";
    let (take, hours) = if used {
        (Take::Min, Some(72.0))
    } else {
        (Take::Last, sent.get(&format!("hours{row}")).parse().ok())
    };
    draft.features.push(Chosen { code, take, hours });
}

fn at(
    app: &App,
    context: &RequestContext,
    step: u8,
    draft: Draft,
    problems: Vec<Problem>,
) -> Result<Shown> {
    let mut shown = Shown {
        step,
        draft,
        problems,
        sets: Vec::new(),
        gone: false,
        survey: None,
        summary: None,
        trained: None,
    };
    if step == 1 {
        shown.trained = app
            .workshop
            .trainings
            .newest(&app.bank, context)?
            .map(|training| training.progress.is_some());
    }
    if step == 2 {
        shown.sets = wizard::sets(&app.bank, context)?;
    }
    if step > 2 {
        let set = wizard::open(&app.bank, context, Path::new(&shown.draft.set))?;
        shown.survey = Some(app.workshop.survey(app, context, &set)?);
    }
    if let (SUMMARY, Some(survey)) = (step, &shown.survey) {
        let tried = match wizard::try_out(&app.bank, context, &shown.draft, survey) {
            Ok(tried) => Ok(tried),
            Err(error) if error.category == Category::Internal => return Err(error),
            Err(error) => Err(error.message().to_owned()),
        };
        shown.summary = Some(Summary {
            toml: shown.draft.to_toml(&survey.tables)?,
            tried,
            refused: None,
        });
    }
    Ok(shown)
}

fn body(page: &Page, shown: &Shown) -> Markup {
    html! {
        div .wizard {
            p { a href="/models" { "← " (page.say(crate::ui::text::MODELS)) } }
            h1 { (page.say(text::TITLE)) }
            @if shown.step == 1 { p .quiet { (page.say(text::TITLE_LONG)) }
                @if let Some(runs) = shown.trained {
                    p { a href="/models/new/training" { (page.say(if runs { text::TRAINING_SEE_RUNNING } else { text::TRAINING_SEE })) } }
                }
            }
            form #wizard method="post" action="/models/new" {
                // Enter in a field goes on, not back.
                button .hidden name="go" value="next" tabindex="-1" aria-hidden="true" { (page.say(text::NEXT)) }
                input type="hidden" name="step" value=(shown.step);
                (form::carried(&shown.draft, shown.step))
                (steps::bar(page, shown))
                (form::alert(page, shown))
                @match shown.step {
                    1 => (steps::purpose(page, shown)),
                    2 => (steps::data(page, shown)),
                    3 => (steps::question(page, shown)),
                    4 => (features::material(page, shown)),
                    5 => (steps::method(page, shown)),
                    _ => (summary::body(page, shown)),
                }
                (form::foot(page, shown))
            }
        }
        script type="module" src=(assets::url("wizard.js")) {}
    }
}
