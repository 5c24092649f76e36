//! Performance tests (性能評価試験): which there are, how far one is, reading its cases, and the
//! reports of its analyses.
//!
//! An address names the trial by its hash. Who reads, and in which condition, goes by POST and
//! is sealed from then on.

mod list;
mod read;
mod show;
mod words;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use kura_model::{Category, ContentHash, Error, RequestContext, Result};
use kura_service::trial;

use super::page::{Page, report_page};
use super::{blocking, failure, text};
use crate::App;

pub(crate) use read::{case, frame, picture, record};

pub(crate) async fn list(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    page: Page,
) -> Response {
    match blocking(move || trial::list(&app.bank, &context)).await {
        Ok(all) => page.whole(page.say(text::TRIALS), &list::body(&page, &all)),
        Err(error) => failure::show(&page, &error),
    }
}

pub(crate) async fn show(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(id): Path<String>,
    page: Page,
) -> Response {
    match blocking(move || trial::show(&app.bank, &context, hash(&id)?)).await {
        Ok(shown) => page.whole(
            words::of(&page, &shown.protocol.title),
            &show::body(&page, &shown, None),
        ),
        Err(error) => failure::show(&page, &error),
    }
}

/// The way back from a form that was refused: its address shows nothing by itself.
pub(crate) async fn back(Path(id): Path<String>, page: Page) -> Response {
    match hash(&id) {
        Ok(id) => {
            Redirect::to(&format!("{}?lang={}", address(id), page.lang.code())).into_response()
        }
        Err(error) => failure::show(&page, &error),
    }
}

/// A reader sits down: begins under a code, or goes on.
pub(crate) async fn sit(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(id): Path<String>,
    page: Page,
    body: Bytes,
) -> Response {
    let form = Form::of(&body);
    let done = blocking(move || {
        let id = hash(&id)?;
        let condition = form.get("condition").parse()?;
        let reader = form.get("reader");
        let seat = if form.get("act") == "begin" {
            let experience = form.get("experience");
            trial::begin(&app.bank, &context, id, reader, experience, condition)
        } else {
            trial::resume(&app.bank, &context, id, reader, condition)
        };
        match seat {
            Ok(seat) => Ok(Ok(format!("{}/read/{seat}", address(id)))),
            // The page as it is now says what was met.
            Err(error) if told(error.category) => {
                trial::show(&app.bank, &context, id).map(|shown| Err((Box::new(shown), error)))
            }
            Err(error) => Err(error),
        }
    })
    .await;
    match done {
        Ok(Ok(seat)) => Redirect::to(&seat).into_response(),
        Ok(Err((shown, error))) => page.with_status(
            crate::error::status(error.category),
            words::of(&page, &shown.protocol.title),
            &show::body(&page, &shown, Some(error.message())),
        ),
        Err(error) => failure::show(&page, &error),
    }
}

/// The report of an analysis as it was written; `?json` gives its numbers.
pub(crate) async fn report(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((id, result)): Path<(String, String)>,
    page: Page,
) -> Response {
    let numbers = page.asked("json").is_some();
    let lang = words::lang(&page);
    let found = blocking(move || {
        let (id, result) = (hash(&id)?, hash(&result)?);
        if numbers {
            trial::result(&app.bank, &context, id, result)
        } else {
            trial::report(&app.bank, &context, id, result, lang)
        }
    })
    .await;
    match found {
        Ok(bytes) if numbers => (
            [(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            )],
            bytes,
        )
            .into_response(),
        Ok(bytes) => report_page(bytes),
        Err(error) => failure::show(&page, &error),
    }
}

fn hash(text: &str) -> Result<ContentHash> {
    text.parse()
        .map_err(|_| Error::not_found("a trial is called by 64 hexadecimal digits"))
}

fn address(id: ContentHash) -> String {
    format!("/trials/{id}")
}

/// What the person can do something about.
fn told(category: Category) -> bool {
    matches!(
        category,
        Category::Conflict | Category::Invalid | Category::Forbidden
    )
}

/// Fields of a form that was sent.
struct Form(Vec<(String, String)>);

impl Form {
    fn of(body: &Bytes) -> Self {
        let fields = std::str::from_utf8(body)
            .ok()
            .and_then(|text| kura_service::decode_query(text).ok());
        Self(fields.unwrap_or_default())
    }

    /// Empty where it is absent.
    fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value.trim())
    }
}
