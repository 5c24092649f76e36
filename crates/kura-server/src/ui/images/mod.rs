//! Images on pages: the studies there are, one study in the viewer, objects that are no pictures.

mod ecg;
mod list;
mod object;
mod tools;
mod words;

use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kura_dicom::{Overlay, VoiFunction, VoiLut};
use kura_model::{Category, Error, RequestContext, Result};
use kura_service::dicom_render;
use kura_service::imaging::{self, Nifti, ObjectInfo, Other, RawFrame, RawKind, SeriesInfo, Sort};
use kura_service::timeline::{self, Study};
use maud::{Markup, html};
use serde_json::{Value, json};

use super::page::{Page, empty};
use super::patients::{facts, names};
use super::{assets, blocking, failure, text};
use crate::App;
use crate::stream::{Pieces, stream};

pub(crate) use list::{search, show as list};
pub(crate) use object::{document_bytes, place, show as object, video_bytes};
pub(super) use words::scripts;

pub(crate) async fn viewer(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(id): Path<String>,
    page: Page,
) -> Response {
    let named = id.clone();
    let work = move || {
        let study = timeline::study(&app.bank, &context, &id)?;
        let series = imaging::series_of(&app.bank, &context, &id)?;
        let others = match &study.patient {
            Some(patient) => imaging::others(&app.bank, &context, &patient.id, &id)?,
            None => Vec::new(),
        };
        Ok((study, series, others))
    };
    match blocking(work).await {
        Ok((study, series, others)) => {
            page.whole(&study.title, &body(&page, &named, &study, &series, &others))
        }
        Err(error) => failure::show(&page, &error),
    }
}

fn sort_of(one: &ObjectInfo) -> Sort {
    imaging::sort(&one.class, one.frames, one.video)
}

fn body(page: &Page, id: &str, study: &Study, series: &[SeriesInfo], others: &[Other]) -> Markup {
    let pictures: Vec<&SeriesInfo> = series
        .iter()
        .filter(|one| {
            one.objects
                .iter()
                .any(|object| sort_of(object) == Sort::Image)
        })
        .collect();
    let rest: Vec<&ObjectInfo> = series
        .iter()
        .flat_map(|one| &one.objects)
        .filter(|object| sort_of(object) != Sort::Image)
        .collect();
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
        @if series.is_empty() {
            (empty(page.say(text::NO_IMAGES), page.say(text::NO_IMAGES_LONG)))
        } @else if pictures.is_empty() {
            p { (page.say(words::NO_PICTURES)) }
            (documents(page, &rest))
        } @else {
            (whole(page, id, &pictures, &rest, others))
            script type="module" src=(assets::url("viewer/main.js")) {}
        }
    }
}

fn documents(page: &Page, rest: &[&ObjectInfo]) -> Markup {
    html! {
        @if !rest.is_empty() {
            section .other-objects {
                h2 { (page.say(words::DOCUMENTS)) }
                ul { @for one in rest {
                    li { a href={ "/images/object/" (one.object) } {
                        (page.say(words::sort(sort_of(one)))) @if let Some(title) = &one.title { " · " (title) }
                    } }
                } }
            }
        }
    }
}

fn whole(
    page: &Page,
    id: &str,
    pictures: &[&SeriesInfo],
    rest: &[&ObjectInfo],
    others: &[Other],
) -> Markup {
    let segmentations: Vec<&&ObjectInfo> = rest
        .iter()
        // A label map (.66.7) has all its segments in one frame; it is listed only.
        .filter(|one| one.class == "1.2.840.10008.5.1.4.1.1.66.4" && one.frames > 0)
        .collect();
    html! {
        div #viewer .viewer data-study=(id) data-words=(scripts(page)) data-tool="window" {
            div .strip {
                (strip(page, pictures))
                (documents(page, rest))
            }
            div .desk {
                (tools::bar(page))
                (comparing(page, id, others))
                div .panes {
                    (pane(page, 0, pictures[0]))
                    (pane(page, 1, pictures[0]))
                }
                (volume(page))
            }
            div .controls {
                label { span { (page.say(text::FRAME)) " " output #frame-number {} }
                    input #frame type="range" min="1" max="1" value="1"; }
                div #cine .cine {
                    button type="button" data-act="play" aria-pressed="false" { (page.say(words::PLAY)) }
                    label { span { (page.say(words::RATE)) " " output #rate-number {} }
                        input #rate type="range" min="1" max="60" value="10" aria-label=(page.say(words::RATE)); }
                }
                (controls(page))
                section #measured hidden {
                    h2 { (page.say(words::MEASURED)) }
                    ul #mark-list .mark-list {}
                    button .quiet type="button" data-act="clear" { (page.say(words::DELETE_ALL)) }
                }
                @if !segmentations.is_empty() {
                    section {
                        h2 { (page.say(words::SEGMENTATIONS)) }
                        @for (at, one) in segmentations.iter().enumerate() {
                            label .check { input type="checkbox" data-segmentation=(one.object) data-at=(at);
                                (one.title.as_deref().unwrap_or(page.say(words::SORT_SEGMENTATION))) }
                            ul .segments id={ "segments-" (at) } hidden {}
                        }
                    }
                }
            }
            (tools::help(page))
        }
    }
}

fn strip(page: &Page, pictures: &[&SeriesInfo]) -> Markup {
    html! {
        ul .series aria-label=(page.say(text::SERIES)) {
            @for (at, series) in pictures.iter().enumerate() {
                @let shown: Vec<&ObjectInfo> = series.objects.iter().filter(|one| sort_of(one) == Sort::Image).collect();
                @let one = shown[shown.len() / 2];
                li { button type="button" data-series=(series.series) data-at=(at) aria-current=[(at == 0).then_some("true")] {
                    img src={ "/images/picture/" (one.object) "/" (one.frames / 2 + 1) "?side=128" } width="72" height="72" alt="" loading="lazy";
                    span { b { (series.modality) } " " (series.description.as_deref().unwrap_or_default())
                        small { (series.frames()) " · " (one.columns) "×" (one.rows) } }
                } }
            }
        }
    }
}

fn pane(page: &Page, number: usize, first: &SeriesInfo) -> Markup {
    let object = first.objects.iter().find(|one| sort_of(one) == Sort::Image);
    html! {
        div .stage data-pane=(number) hidden[number > 0] {
            canvas id=(if number == 0 { "canvas" } else { "canvas-2" }) tabindex="0" width="512" height="512" role="img" aria-label={ (first.modality) " " (page.say(text::FRAME)) } {}
            @if number == 0 && let Some(object) = object {
                noscript {
                    img src={ "/images/picture/" (object.object) "/1?side=1024" } alt="";
                    p { (page.say(text::NO_SCRIPT_IMAGE)) }
                }
            }
            p .status role="status" {}
            output .readout {}
        }
    }
}

fn comparing(page: &Page, id: &str, others: &[Other]) -> Markup {
    html! {
        div #comparing .comparing hidden {
            label { span { (page.say(words::OTHER_STUDY)) }
                select #other-study {
                    option value=(id) { (page.say(words::THIS_STUDY)) }
                    @for other in others { option value=(other.id) { (other.date.as_deref().unwrap_or_default()) " " (other.title) } }
                } }
            label { span { (page.say(words::OTHER_SERIES)) } select #other-series {} }
            fieldset {
                legend .hidden { (page.say(words::LINK)) }
                span { (page.say(words::LINK)) ":" }
                label .check { input type="checkbox" data-link="scroll" checked; (page.say(words::LINK_SCROLL)) }
                label .check { input type="checkbox" data-link="view" checked; (page.say(words::LINK_VIEW)) }
                label .check { input type="checkbox" data-link="window"; (page.say(words::LINK_WINDOW)) }
                output #linked-by .quiet {}
            }
        }
    }
}

fn volume(page: &Page) -> Markup {
    html! {
        div #volume .stage.volume data-library=[assets::volume_view()] hidden {
            canvas width="512" height="512" aria-label=(page.say(words::VOLUME)) {}
            p .status role="status" {}
            output .readout {}
            button type="button" data-act="volume-close" { (page.say(words::CLOSE)) }
        }
    }
}

/// Window and zoom of the viewer.
pub(super) fn controls(page: &Page) -> Markup {
    html! {
        div .gray-only {
            label { span { (page.say(text::PRESET)) }
                select #preset {} }
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
    let mut head = match &frame.kind {
        RawKind::Gray16 {
            slope,
            intercept,
            windows,
            luts,
            unit,
            invert,
            function,
        } => json!({
            "kind": "gray16", "rows": frame.rows, "columns": frame.columns, "slope": slope,
            "intercept": intercept, "windows": windows, "unit": unit, "invert": invert,
            "luts": luts.iter().take(LUTS).map(lut).collect::<Vec<_>>(),
            "function": match function {
                VoiFunction::Linear => "linear",
                VoiFunction::LinearExact => "linear-exact",
                VoiFunction::Sigmoid => "sigmoid",
            },
        }),
        RawKind::Rgb8 => json!({ "kind": "rgb8", "rows": frame.rows, "columns": frame.columns }),
    };
    head["overlays"] = frame.overlays.iter().map(plane).collect();
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

/// Tables of one frame that are offered.
const LUTS: usize = 16;

fn lut(lut: &VoiLut) -> Value {
    let (first, shades) = lut.shades();
    json!({ "name": lut.name, "first": first, "shades": BASE64_STANDARD.encode(shades) })
}

/// Eight pixels a byte, the first the lowest bit, as DICOM has them.
fn plane(overlay: &Overlay) -> Value {
    let bits: Vec<u8> = overlay
        .bits
        .chunks(8)
        .map(|eight| eight.iter().rev().fold(0, |byte, bit| byte << 1 | bit))
        .collect();
    json!({
        "rows": overlay.rows, "columns": overlay.columns,
        "origin": [overlay.origin.0, overlay.origin.1], "bits": BASE64_STANDARD.encode(bits),
    })
}

fn as_json(found: kura_model::Result<impl serde::Serialize>) -> Response {
    match found {
        Ok(found) => match serde_json::to_vec(&found) {
            Ok(body) => (
                [(
                    header::CONTENT_TYPE,
                    HeaderValue::from_static("application/json"),
                )],
                body,
            )
                .into_response(),
            Err(error) => refuse(&Error::internal("the answer cannot be written").because(error)),
        },
        Err(error) => refuse(&error),
    }
}

/// The series of a study, for the list beside the other pane.
pub(crate) async fn strip_of(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(study): Path<String>,
) -> Response {
    let found = blocking(move || {
        let all = imaging::series_of(&app.bank, &context, &study)?;
        Ok(all
            .iter()
            .map(|one| {
                let frames: u32 = one
                    .objects
                    .iter()
                    .filter(|object| sort_of(object) == Sort::Image)
                    .map(|object| object.frames)
                    .sum();
                json!({
                    "series": one.series, "number": one.number, "modality": one.modality,
                    "description": one.description, "frames": frames,
                })
            })
            .collect::<Vec<_>>())
    })
    .await;
    as_json(found)
}

/// A series with the place of each frame.
pub(crate) async fn series(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((study, series)): Path<(String, String)>,
) -> Response {
    as_json(blocking(move || imaging::view(&app.bank, &context, &study, &series)).await)
}

/// Segments of an object, and over which images they lie.
pub(crate) async fn segmentation(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(object): Path<String>,
) -> Response {
    as_json(blocking(move || imaging::segmentation(&app.bank, &context, &object)).await)
}

/// Which of the reasons that the page knows a series is no volume for.
const REASON: HeaderName = HeaderName::from_static("x-reason");

/// A series as NIfTI-1.
pub(crate) async fn volume_of(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((study, series)): Path<(String, String)>,
) -> Response {
    // One at a time: each is large, and a person looks at one.
    let Ok(turn) = app.volumes.clone().acquire_owned().await else {
        return refuse(&Error::internal("volumes are not made any more"));
    };
    let found = blocking(move || {
        let found = imaging::nifti(&app.bank, &context, &study, &series)?;
        Ok((found, turn))
    })
    .await;
    match found {
        Ok((nifti, turn)) => {
            let size = nifti.size();
            let body = stream(move |out| {
                let _turn = turn;
                write_volume(&nifti, out)
            });
            (
                [
                    (
                        header::CONTENT_TYPE,
                        HeaderValue::from_static("application/octet-stream"),
                    ),
                    (header::CONTENT_LENGTH, HeaderValue::from(size)),
                ],
                body,
            )
                .into_response()
        }
        Err(error) => {
            let reason = match error.category {
                Category::TooLarge => Some("too-large"),
                _ => error.code(),
            };
            let mut response = refuse(&error);
            if let Some(reason) = reason {
                response
                    .headers_mut()
                    .insert(REASON, HeaderValue::from_static(reason));
            }
            response
        }
    }
}

fn write_volume(nifti: &Nifti, out: &crate::stream::Out) -> std::io::Result<()> {
    let mut pieces = Pieces::new(out);
    nifti.write(&mut pieces)?;
    std::io::Write::flush(&mut pieces)
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
    png(found)
}

/// Pixels of the longer side of the picture that stands for a study.
const THUMBNAIL: u32 = 96;

/// The picture of a study in the list.
pub(crate) async fn thumbnail(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(study): Path<String>,
) -> Response {
    let found = blocking(move || {
        let object = dicom_render::middle(&app.bank, &context, &study)?;
        imaging::frame_png(&app.bank, &context, &object, 1, None, Some(THUMBNAIL))
    })
    .await;
    png(found)
}

pub(super) fn png(found: Result<Vec<u8>>) -> Response {
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
