//! An object that is no picture: a report, a document, an electrocardiogram, a video.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use kura_model::{RequestContext, Result};
use kura_service::Bank;
use kura_service::imaging::{self, Item, Report, Said, Segmentation, Shown, Sort, Waveform};
use maud::{Markup, html};

use super::{ecg, refuse, words};
use crate::App;
use crate::guard;
use crate::ui::page::{Page, empty};
use crate::ui::{blocking, failure};

enum Inside {
    Report(Report),
    Segmentation(Segmentation),
    Waveforms(Vec<Waveform>),
    /// What its bytes are.
    Video(String),
    Nothing,
}

fn inside(bank: &Bank, context: &RequestContext, object: &str, shown: &Shown) -> Result<Inside> {
    Ok(match shown.sort {
        Sort::Report => Inside::Report(imaging::report(bank, context, object)?),
        Sort::Segmentation => Inside::Segmentation(imaging::segmentation(bank, context, object)?),
        Sort::Waveform => Inside::Waveforms(imaging::waveforms(bank, context, object)?),
        Sort::Video => Inside::Video(imaging::video(bank, context, object)?.kind),
        Sort::Document | Sort::Image | Sort::Other => Inside::Nothing,
    })
}

pub(crate) async fn show(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(object): Path<String>,
    page: Page,
) -> Response {
    let uid = object.clone();
    let found = blocking(move || {
        let shown = imaging::shown(&app.bank, &context, &uid)?;
        let inside = inside(&app.bank, &context, &uid, &shown)?;
        Ok((shown, inside))
    })
    .await;
    let (shown, inside) = match found {
        Ok(found) => found,
        Err(error) => return failure::show(&page, &error),
    };
    let body = html! {
        div .patient-head {
            h1 { (shown.title) @if let Some(date) = &shown.date { " " small .quiet { (date) } } }
            p .links { span .quiet { (page.say(words::sort(shown.sort))) } a href={ "/images/" (shown.study) } { (page.say(words::BACK_TO_STUDY)) } }
        }
        @match &inside {
            Inside::Report(report) => (tree(&page, report)),
            Inside::Segmentation(found) => (segments(&page, found)),
            Inside::Waveforms(found) => (ecg::drawn(&page, found)),
            Inside::Video(kind) => (video(&page, &object, kind)),
            Inside::Nothing => (document(&page, &object, &shown)),
        }
    };
    let mut response = page.whole(&shown.title, &body);
    if matches!(&inside, Inside::Video(_)) {
        response
            .headers_mut()
            .insert(header::CONTENT_SECURITY_POLICY, guard::WITH_MEDIA);
    }
    response
}

fn document(page: &Page, object: &str, shown: &Shown) -> Markup {
    let address = format!("/images/document/{object}");
    html! {
        @match shown.document.as_deref() {
            Some("application/pdf") => {
                p { a .button href=(address) target="_blank" rel="noopener" { (page.say(words::OPEN_DOCUMENT)) " (PDF)" } }
                p .quiet { (page.say(words::DOCUMENT_LONG)) }
            },
            Some(kind) => {
                p { (page.say(words::DOCUMENT_OTHER)) " " span .code { (kind) } }
                p { a .button href=(address) download="" { (page.say(words::SAVE)) } }
            },
            None => (empty(page.say(words::NOT_SHOWN), page.say(words::NOT_SHOWN_LONG))),
        }
    }
}

fn video(page: &Page, object: &str, kind: &str) -> Markup {
    let address = format!("/images/video/{object}");
    html! {
        @if kind == "video/mp4" {
            video .video controls preload="metadata" src=(address) {}
        } @else {
            p { (page.say(words::VIDEO_PLAIN)) }
        }
        p { a .button href=(address) download="" { (page.say(words::SAVE)) } }
    }
}

fn segments(page: &Page, found: &Segmentation) -> Markup {
    html! {
        p { (page.say(words::SEGMENTATION_LONG)) }
        div .scroll { table .compact.narrow {
            thead { tr { th { (page.say(words::SEGMENT)) } th .number { (page.say(words::FRAMES_OF)) } } }
            tbody { @for segment in &found.segments {
                tr { th { (segment.number) " " (segment.label) }
                    td .number { (found.frames.iter().filter(|frame| frame.segment == segment.number).count()) } }
            } }
        } }
    }
}

fn tree(page: &Page, report: &Report) -> Markup {
    let (complete, verified) = (
        if report.complete {
            words::REPORT_COMPLETE
        } else {
            words::REPORT_PARTIAL
        },
        if report.verified {
            words::REPORT_VERIFIED
        } else {
            words::REPORT_UNVERIFIED
        },
    );
    html! {
        p { span .state.(if report.complete { "ok" } else { "off" }) { (page.say(complete)) } " "
            span .state.(if report.verified { "ok" } else { "off" }) { (page.say(verified)) } }
        section .panel.report { (branch(page, &report.content)) }
        @if report.cut { p .quiet { (page.say(words::REPORT_CUT)) } }
    }
}

fn branch(page: &Page, items: &[Item]) -> Markup {
    html! {
        ul { @for item in items {
            li {
                @if item.value == Said::Heading { b { (item.name) } } @else {
                    @if !item.name.is_empty() { span .quiet { (item.name) } " " }
                    (said(page, &item.value))
                }
                @if !item.below.is_empty() { (branch(page, &item.below)) }
            }
        } }
    }
}

fn said(page: &Page, value: &Said) -> Markup {
    html! {
        @match value {
            Said::Heading => {},
            Said::Text(text) => span .said { (text) },
            Said::Measured { value, unit } => b { (value) " " (unit) },
            Said::Images(objects) => {
                @for (object, frames) in objects {
                    a href={ "/images/of/" (object) } { (page.say(words::REPORT_IMAGE)) }
                    @if !frames.is_empty() { " " (page.say(words::REPORT_FRAME)) " " (frames.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")) }
                    " "
                }
            },
            Said::Shape(kind, points) => span .quiet { (page.say(words::REPORT_SHAPE)) " " (kind) @if *points > 0 { " (" (points) " " (page.say(words::REPORT_POINTS)) ")" } },
        }
    }
}

/// An encapsulated document runs nothing here: no script, no form, nothing fetched.
const DOCUMENT_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; object-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
);

pub(crate) async fn document_bytes(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(object): Path<String>,
) -> Response {
    let found = blocking(move || imaging::document(&app.bank, &context, &object)).await;
    match found {
        // Only what is a PDF by its own first bytes is shown; a web page from a modality is not.
        Ok(found) if found.kind == "application/pdf" && found.bytes.starts_with(b"%PDF-") => (
            [
                (
                    header::CONTENT_TYPE,
                    HeaderValue::from_static("application/pdf"),
                ),
                (
                    header::CONTENT_DISPOSITION,
                    HeaderValue::from_static("inline; filename=\"document.pdf\""),
                ),
                (header::CONTENT_SECURITY_POLICY, DOCUMENT_POLICY),
            ],
            found.bytes,
        )
            .into_response(),
        Ok(found) => saved(found.bytes, "document"),
        Err(error) => refuse(&error),
    }
}

pub(crate) async fn video_bytes(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(object): Path<String>,
) -> Response {
    let found = blocking(move || imaging::video(&app.bank, &context, &object)).await;
    match found {
        Ok(found) if found.kind == "video/mp4" => (
            [(header::CONTENT_TYPE, HeaderValue::from_static("video/mp4"))],
            found.bytes,
        )
            .into_response(),
        Ok(found) => saved(found.bytes, "video"),
        Err(error) => refuse(&error),
    }
}

fn saved(bytes: Vec<u8>, name: &'static str) -> Response {
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    let named = match name {
        "video" => "attachment; filename=\"video.bin\"",
        _ => "attachment; filename=\"document.bin\"",
    };
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(named));
    response
}

/// Where an object that a report refers to is shown.
pub(crate) async fn place(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(object): Path<String>,
    page: Page,
) -> Response {
    let found = blocking(move || imaging::shown(&app.bank, &context, &object)).await;
    match found {
        Ok(shown) => {
            axum::response::Redirect::to(&format!("/images/{}", shown.study)).into_response()
        }
        Err(error) => failure::show(&page, &error),
    }
}
