//! The evidence of a step, as it was written.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use kura_model::{ContentHash, Error, RequestContext};
use kura_service::bedside::{self, WatchReport};
use kura_service::models::{self, Model, Step};
use maud::{Markup, html};
use serde_json::Value;

use super::words::{self, versioned};
use super::{address, which};
use crate::App;
use crate::ui::page::{Page, bytes, report_page};
use crate::ui::{blocking, failure, text};

pub(crate) async fn show(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((name, version, hash)): Path<(String, String, String)>,
    page: Page,
) -> Response {
    let found = blocking(move || {
        let which = which(&(name, version))?;
        let hash: ContentHash = hash
            .parse()
            .map_err(|_| Error::not_found("no step of this version names that evidence"))?;
        let written = models::evidence(&app.bank, &context, &which, hash)?;
        let (model, _, steps) = models::show(&app.bank, &context, &which)?;
        Ok((model, steps, hash, written))
    })
    .await;
    match found {
        Ok((model, _, hash, written)) if page.asked("download").is_some() => {
            saved(&model, hash, written)
        }
        Ok((_, _, _, written)) if page.asked("report").is_some() => match watched(&written) {
            Some(report) => report_page(bedside::watch_html(&report).into_bytes()),
            None => failure::show(
                &page,
                &Error::not_found("this evidence is no report of a watch"),
            ),
        },
        Ok((model, steps, hash, written)) => page.whole(
            page.say(text::EVIDENCE),
            &body(&page, &model, &steps, hash, &written),
        ),
        Err(error) => failure::show(&page, &error),
    }
}

/// The bytes themselves: their hash is the one in the address.
fn saved(model: &Model, hash: ContentHash, written: Vec<u8>) -> Response {
    let name = format!(
        "attachment; filename=\"{}-{}-{}.json\"",
        model.name,
        model.version,
        &hash.to_hex()[..12]
    );
    let mut response = (
        [(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        )],
        written,
    )
        .into_response();
    if let Ok(name) = HeaderValue::from_str(&name) {
        response
            .headers_mut()
            .insert(header::CONTENT_DISPOSITION, name);
    }
    response
}

fn body(page: &Page, model: &Model, steps: &[Step], hash: ContentHash, written: &[u8]) -> Markup {
    let naming: Vec<&Step> = steps
        .iter()
        .filter(|step| step.evidence == Some(hash))
        .collect();
    let title = naming
        .first()
        .map_or(text::EVIDENCE, |step| words::evidence(step));
    html! {
        div .model-head {
            p { a href=(address(model)) { "← " (page.say(text::BACK_TO_MODEL)) } }
            h1 { (page.say(title)) }
            p { span .code { (versioned(model)) } }
        }
        p .quiet { (page.say(text::EVIDENCE_LONG)) }
        dl .facts {
            dt { (page.say(text::HASH)) } dd .code { (hash) }
            dt { (page.say(text::SIZE)) } dd { (bytes(written.len() as u64)) }
            dt { (page.say(text::EVIDENCE_NAMED_BY)) }
            dd { @for step in naming { p { (words::step(page, step)) " " span .quiet { (words::when(&step.at)) " · " (step.who) } } } }
        }
        @if watched(written).is_some() {
            p { a .button href="?report" { (page.say(text::WATCH_REPORT)) } " " span .quiet { (page.say(text::WATCH_REPORT_LONG)) } }
        }
        p { a .button href="?download" download { (page.say(text::DOWNLOAD)) } }
        pre .bytes tabindex="0" { (readable(written)) }
    }
}

/// The evidence as the report of a watch, if it is one.
fn watched(written: &[u8]) -> Option<WatchReport> {
    serde_json::from_slice(written).ok()
}

fn readable(written: &[u8]) -> String {
    serde_json::from_slice::<Value>(written)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| String::from_utf8_lossy(written).into_owned())
}
