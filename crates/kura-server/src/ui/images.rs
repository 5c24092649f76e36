//! A study on a page: series at the side, frames on a canvas the script windows.

use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use kura_model::{Error, RequestContext};
use kura_service::imaging::{self, InstanceInfo, RawFrame, RawKind};
use kura_service::timeline::{self, Study};
use maud::{Markup, html};
use serde_json::json;

use super::page::{Page, empty};
use super::patients::{facts, names};
use super::{assets, blocking, failure, text};
use crate::App;

pub(crate) async fn viewer(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(id): Path<String>,
    page: Page,
) -> Response {
    let work = move || {
        let study = timeline::study(&app.bank, &context, &id)?;
        let instances = imaging::instances(&app.bank, &context, &id)?;
        Ok((study, instances))
    };
    match blocking(work).await {
        Ok((study, instances)) => page.whole(&study.title, &body(&page, &study, &instances)),
        Err(error) => failure::show(&page, &error),
    }
}

fn body(page: &Page, study: &Study, instances: &[InstanceInfo]) -> Markup {
    let shown: Vec<&InstanceInfo> = instances.iter().filter(|one| one.frames > 0).collect();
    html! {
        div .patient-head {
            h1 { (study.title) @if let Some(when) = &study.when { " " small .quiet { (when.date()) } } }
            p {
                @match &study.patient {
                    Some(patient) => { a href={ "/patients/" (patient.id) } { (names(page, patient)) } " " span .quiet { (facts(page, patient)) } }
                    None => b { (page.say(text::PATIENT_UNKNOWN)) },
                }
            }
        }
        @if shown.is_empty() {
            (empty(page.say(text::NO_IMAGES), page.say(text::NO_IMAGES_LONG)))
        } @else {
            (stage(page, &shown))
            script type="module" src=(assets::url("viewer.js")) {}
        }
    }
}

fn stage(page: &Page, shown: &[&InstanceInfo]) -> Markup {
    // One list of frames for each series, in the order a reader pages through them.
    let mut series: Vec<(&str, Vec<&InstanceInfo>)> = Vec::new();
    for one in shown {
        match series.last_mut() {
            Some((uid, members)) if *uid == one.series_uid => members.push(one),
            _ => series.push((&one.series_uid, vec![one])),
        }
    }
    let lists: Vec<_> = series
        .iter()
        .map(|(_, members)| {
            members
                .iter()
                .map(|one| json!({ "object": one.sop_instance_uid, "frames": one.frames }))
                .collect::<Vec<_>>()
        })
        .collect();
    let ct = shown.iter().any(|one| one.modality == "CT");
    let first = shown[0];
    html! {
        div #viewer .viewer data-series=(json!(lists)) data-failed=(page.say(text::FRAME_FAILED)) data-loading=(page.say(text::LOADING)) {
            ul .series aria-label=(page.say(text::SERIES)) {
                @for (number, (_, members)) in series.iter().enumerate() {
                    @let one = members[0];
                    @let frames: u32 = members.iter().map(|member| member.frames).sum();
                    li { button type="button" data-go=(number) aria-current=[(number == 0).then_some("true")] {
                        img src={ "/images/picture/" (one.sop_instance_uid) "/1?side=128" } width="72" height="72" alt="" loading="lazy";
                        span { b { (one.modality) } " " (one.series_description.as_deref().unwrap_or_default())
                            small { (frames) " · " (one.columns) "×" (one.rows) } }
                    } }
                }
            }
            div .stage {
                canvas #canvas tabindex="0" width="512" height="512" role="img" aria-label={ (first.modality) " " (page.say(text::FRAME)) } {}
                noscript {
                    img src={ "/images/picture/" (first.sop_instance_uid) "/1?side=1024" } alt="";
                    p { (page.say(text::NO_SCRIPT_IMAGE)) }
                }
                p #status .status role="status" {}
                output #readout .readout {}
            }
            div .controls {
                label { span { (page.say(text::FRAME)) " " output #frame-number {} }
                    input #frame type="range" min="1" max="1" value="1"; }
                (controls(page, ct))
                p .quiet { (page.say(text::VIEWER_HINT)) }
            }
        }
    }
}

/// Window and zoom of the viewer.
pub(super) fn controls(page: &Page, ct: bool) -> Markup {
    html! {
        div .gray-only {
            label { span { (page.say(text::PRESET)) }
                select #preset data-ct=[ct.then_some("1")] data-file=(page.say(text::PRESET_FILE)) data-full=(page.say(text::PRESET_FULL))
                    data-soft=(page.say(text::PRESET_SOFT)) data-lung=(page.say(text::PRESET_LUNG))
                    data-bone=(page.say(text::PRESET_BONE)) data-brain=(page.say(text::PRESET_BRAIN)) {} }
            label { span { (page.say(text::WINDOW)) } output #window {} }
            label .check { input #invert type="checkbox"; (page.say(text::INVERT)) }
        }
        div .zoom {
            span { (page.say(text::ZOOM)) }
            button #zoom-out type="button" aria-label={ (page.say(text::ZOOM)) " −" } { "−" }
            button #fit type="button" { (page.say(text::FIT)) }
            button #zoom-in type="button" aria-label={ (page.say(text::ZOOM)) " +" } { "+" }
        }
    }
}

/// A line of JSON that says what follows, then the pixels.
pub(crate) async fn frame(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((object, number)): Path<(String, u32)>,
) -> Response {
    let found = blocking(move || imaging::raw_frame(&app.bank, &context, &object, number)).await;
    match found {
        Ok(frame) => sent(&frame),
        Err(error) => refuse(&error),
    }
}

/// The answer with a frame that the script of the viewer windows.
pub(super) fn sent(frame: &RawFrame) -> Response {
    let head = match &frame.kind {
        RawKind::Gray16 {
            slope,
            intercept,
            windows,
            unit,
            invert,
        } => json!({
            "kind": "gray16", "rows": frame.rows, "columns": frame.columns, "slope": slope,
            "intercept": intercept, "windows": windows, "unit": unit, "invert": invert,
        }),
        RawKind::Rgb8 => json!({ "kind": "rgb8", "rows": frame.rows, "columns": frame.columns }),
    };
    let mut body = head.to_string().into_bytes();
    // The pixels begin at an even byte, so that a script can read 16-bit words where they lie.
    if body.len().is_multiple_of(2) {
        body.push(b' ');
    }
    body.push(b'\n');
    body.extend_from_slice(&frame.bytes);
    (
        [(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        )],
        body,
    )
        .into_response()
}

/// Pixels a picture may ask for along its longer side.
pub(super) const SIDE: u32 = 2048;

pub(crate) async fn picture(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((object, number)): Path<(String, u32)>,
    RawQuery(query): RawQuery,
) -> Response {
    let side = query
        .as_deref()
        .and_then(|query| query.strip_prefix("side="))
        .and_then(|side| side.parse::<u32>().ok())
        .map_or(SIDE, |side| side.clamp(16, SIDE));
    let found = blocking(move || {
        imaging::frame_png(&app.bank, &context, &object, number, None, Some(side))
    })
    .await;
    match found {
        Ok(png) => (
            [
                (header::CONTENT_TYPE, HeaderValue::from_static("image/png")),
                // An object never changes under its UID (PS3.3 C.12.1.1.1); kept by this browser
                // for as long as a page is read, not longer.
                (
                    header::CACHE_CONTROL,
                    HeaderValue::from_static("private, max-age=600"),
                ),
            ],
            png,
        )
            .into_response(),
        Err(error) => refuse(&error),
    }
}

pub(super) fn refuse(failure: &Error) -> Response {
    crate::error::log(failure);
    (
        crate::error::status(failure.category),
        [(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        )],
        failure.message().to_owned(),
    )
        .into_response()
}
