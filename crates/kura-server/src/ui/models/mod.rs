//! AI models: every version, the card of one, the evidence of its steps, and what a person decides.

mod actions;
mod card;
mod change;
mod evidence;
mod figures;
mod found;
mod list;
mod performance;
mod wizard;
mod words;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use kura_model::{RequestContext, Result};
use kura_service::models::Which;

use super::page::Page;
use super::{blocking, failure, text};
use crate::App;

pub(crate) use actions::act;
pub(crate) use evidence::show as evidence;
pub(crate) use wizard::{Workshop, begin, report as training_report, steer, step, training};

pub(crate) async fn list(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    page: Page,
) -> Response {
    match blocking(move || found::everything(&app.bank, &context)).await {
        Ok(found) => page.whole(page.say(text::MODELS), &list::body(&page, &found)),
        Err(error) => failure::show(&page, &error),
    }
}

pub(crate) async fn show(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(path): Path<(String, String)>,
    page: Page,
) -> Response {
    let found = blocking(move || found::version(&app.bank, &context, &which(&path)?)).await;
    match found {
        Ok(found) => page.whole(
            &words::versioned(&found.model),
            &card::body(&page, &found, None),
        ),
        Err(error) => failure::show(&page, &error),
    }
}

/// The version that `/models/{name}/{version}` names.
fn which((name, version): &(String, String)) -> Result<Which> {
    format!("{name}@{version}").parse()
}

fn address(model: &kura_service::models::Model) -> String {
    format!("/models/{}/{}", model.name, model.version)
}
