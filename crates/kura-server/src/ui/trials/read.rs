//! Reading: the image of one case on a dark ground, what is asked, and nothing that tells the
//! truth.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use kura_model::{Category, ContentHash, Error, RequestContext, Result};
use kura_service::Bank;
use kura_service::trial::{
    self, Asked, ModelAnswer, Next, Opening, Rating, ReadingCondition, Scale, Seat, Turn,
};
use maud::{Markup, html};
use serde_json::json;

use super::{Form, address, hash, told, words};
use crate::App;
use crate::ui::page::Page;
use crate::ui::{assets, blocking, failure, images, text};

/// Numbers of a scale that are still buttons; more are a slider.
const BUTTONS_AT_MOST: i64 = 11;

/// A seat with its address.
struct Place {
    seat: Seat,
    address: String,
}

fn place(bank: &Bank, id: &str, sealed: &str) -> Result<Place> {
    let trial = hash(id)?;
    Ok(Place {
        seat: Seat::open(bank, trial, sealed)?,
        address: format!("{}/read/{sealed}", address(trial)),
    })
}

fn next(bank: &Bank, context: &RequestContext, place: &Place) -> Result<Next> {
    let seat = &place.seat;
    trial::next(bank, context, seat.trial, &seat.reader, seat.condition)
}

pub(crate) async fn case(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((id, sealed)): Path<(String, String)>,
    page: Page,
) -> Response {
    let found = blocking(move || {
        let place = place(&app.bank, &id, &sealed)?;
        let next = next(&app.bank, &context, &place)?;
        Ok((place, next))
    })
    .await;
    match found {
        Ok((place, next)) => page.whole(
            words::of(&page, &next.title),
            &body(&page, &place, &next, None),
        ),
        Err(error) => failure::show(&page, &error),
    }
}

pub(crate) async fn record(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((id, sealed)): Path<(String, String)>,
    page: Page,
    sent: Bytes,
) -> Response {
    let form = Form::of(&sent);
    let done = blocking(move || {
        let place = place(&app.bank, &id, &sealed)?;
        let seat = &place.seat;
        let position = form.get("position").parse().unwrap_or(0);
        let kept = rating(&form).and_then(|rating| {
            trial::record(
                &app.bank,
                &context,
                seat.trial,
                &seat.reader,
                seat.condition,
                position,
                rating,
                form.get("seconds").parse().ok(),
            )
        });
        match kept {
            Ok(()) => Ok(Ok(place.address)),
            // The case whose turn it is now, and why nothing was kept.
            Err(error) if told(error.category) => {
                let next = next(&app.bank, &context, &place)?;
                Ok(Err(Box::new((place, next, position, error))))
            }
            Err(error) => Err(error),
        }
    })
    .await;
    match done {
        Ok(Ok(address)) => Redirect::to(&address).into_response(),
        Ok(Err(refused)) => {
            let (place, next, position, error) = &*refused;
            let late = *position > 0 && *position <= next.done;
            let trouble = match (error.category, late) {
                (Category::Conflict, true) => Trouble::Again,
                _ => Trouble::Refused(error.message()),
            };
            page.with_status(
                crate::error::status(error.category),
                words::of(&page, &next.title),
                &body(&page, place, next, Some(&trouble)),
            )
        }
        Err(error) => failure::show(&page, &error),
    }
}

fn rating(form: &Form) -> Result<Rating> {
    match (form.get("score"), form.get("decision")) {
        ("", "1") => Ok(Rating::Decision(true)),
        ("", "0") => Ok(Rating::Decision(false)),
        (score, "") => score
            .parse()
            .map(Rating::Score)
            .map_err(|_| Error::invalid("an answer is missing")),
        _ => Err(Error::invalid("an answer is missing")),
    }
}

pub(crate) async fn frame(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((id, sealed, position, object, number)): Path<(String, String, u64, u32, u32)>,
) -> Response {
    let found = blocking(move || {
        let seat = Seat::open(&app.bank, hash(&id)?, &sealed)?;
        trial::image(&app.bank, &context, &seat, position, object, number)
    })
    .await;
    match found {
        Ok(frame) => images::sent(&frame),
        Err(error) => images::refuse(&error),
    }
}

pub(crate) async fn picture(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((id, sealed, position, object, number)): Path<(String, String, u64, u32, u32)>,
) -> Response {
    let found = blocking(move || {
        let seat = Seat::open(&app.bank, hash(&id)?, &sealed)?;
        let side = images::SIDE;
        trial::picture(&app.bank, &context, &seat, position, object, number, side)
    })
    .await;
    match found {
        // Nothing of a case stays behind in the browser: it is shown while it is its turn.
        Ok(png) => (
            StatusCode::OK,
            [(header::CONTENT_TYPE, HeaderValue::from_static("image/png"))],
            png,
        )
            .into_response(),
        Err(error) => images::refuse(&error),
    }
}

enum Trouble<'a> {
    /// Answered before: a second tab, a double click.
    Again,
    Refused(&'a str),
}

fn body(page: &Page, place: &Place, next: &Next, trouble: Option<&Trouble<'_>>) -> Markup {
    let condition = place.seat.condition;
    let share = next.done as f64 / next.of.max(1) as f64 * 100.0;
    html! {
        div .reading {
            div .reading-head {
                h1 { (words::of(page, &next.title)) }
                p .reading-where {
                    span .state.run { (page.say(words::condition(condition))) }
                    " " span .code { (place.seat.reader) }
                }
                p .reading-count {
                    @if let Some(turn) = &next.turn { b { (turn.position) " / " (next.of) } } @else { b { (next.done) " / " (next.of) } }
                    svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" {
                        rect width="100" height="6" .ground {}
                        rect width=(format!("{share:.1}")) height="6" .level {}
                    }
                }
                p .reading-leave {
                    @if next.turn.is_some() { button #pause .quiet type="button" hidden { (page.say(text::READING_PAUSE)) } " " }
                    a href=(address(place.seat.trial)) { (page.say(text::READING_LEAVE)) }
                }
            }
            @match trouble {
                Some(Trouble::Again) => p .refusal role="alert" { (page.say(text::READING_AGAIN)) },
                Some(Trouble::Refused(message)) => p .refusal role="alert" { b { (page.say(text::READING_REFUSED)) } " " span lang="en" { (message) } },
                None => {}
            }
            @match &next.turn {
                Some(turn) => (one_case(page, place, next, turn)),
                None => (no_case(page, place, next)),
            }
        }
    }
}

fn one_case(page: &Page, place: &Place, next: &Next, turn: &Turn) -> Markup {
    html! {
        div #paused .reading-paused hidden {
            p .empty-title { (page.say(text::READING_PAUSED)) }
            p { (page.say(text::READING_PAUSED_LONG)) }
            p { button type="button" { (page.say(text::TRIAL_CONTINUE)) } }
        }
        @if turn.images.is_empty() {
            div #reading-body .reading-body {
                div .reading-name {
                    p .quiet { (page.say(text::READING_BY_NAME)) }
                    p .empty-title { (page.say(text::READING_CASE)) " " b { (turn.case) } }
                }
                div .reading-side { (said(page, place, next, turn)) }
            }
        } @else { (seen(page, place, next, turn)) }
        @if !turn.images.is_empty() { script type="module" src=(assets::url("viewer/main.js")) {} }
        script type="module" src=(assets::url("reading.js")) {}
    }
}

fn many(turn: &Turn) -> bool {
    turn.images.iter().map(|one| one.frames).sum::<u32>() > 1
}

/// What the model says where it is shown, and what the reader says.
fn said(page: &Page, place: &Place, next: &Next, turn: &Turn) -> Markup {
    html! {
        @if let Some(answer) = turn.answer { (model(page, answer)) }
        (form(page, place, next, turn))
    }
}

/// The image, and what is said beside it.
fn seen(page: &Page, place: &Place, next: &Next, turn: &Turn) -> Markup {
    let list: Vec<_> = (1..)
        .zip(&turn.images)
        .map(|(number, one): (u32, _)| json!({ "object": number, "frames": one.frames }))
        .collect();
    let at = format!("{}/{}", place.address, turn.position);
    html! {
        div #viewer data-series=(json!([list])) data-frames={ (at) "/frame" }
            data-words=(images::scripts(page)) data-ct=[turn.images.iter().any(|one| one.modality == "CT").then_some("1")] {
            div #reading-body .reading-body {
                div .stage {
                    canvas #canvas tabindex="0" width="512" height="512" role="img" aria-label={ (page.say(text::READING_CASE)) " " (turn.position) } {}
                    noscript { img src={ (at) "/picture/1/1" } alt=""; }
                    p .status role="status" {}
                    output .readout {}
                }
                div .reading-side {
                    (said(page, place, next, turn))
                    div .controls {
                        label hidden[!many(turn)] { span { (page.say(text::FRAME)) " " output #frame-number {} }
                            input #frame type="range" min="1" max="1" value="1" aria-label=(page.say(text::FRAME)); }
                        (images::controls(page))
                    }
                }
            }
        }
    }
}

fn model(page: &Page, answer: ModelAnswer) -> Markup {
    html! {
        section .reading-model {
            h2 { (page.say(text::READING_AI)) }
            p { b { (format!("{:.0} %", answer.probability * 100.0)) }
                @if let Some(threshold) = answer.threshold {
                    " " (page.say(if answer.probability >= threshold { text::READING_AI_POSITIVE } else { text::READING_AI_NEGATIVE }))
                    " " span .quiet { (page.say(text::READING_AI_THRESHOLD)) " " (format!("{:.0} %", threshold * 100.0)) }
                } }
            svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" {
                rect width="100" height="6" .ground {}
                rect width=(format!("{:.1}", answer.probability * 100.0)) height="6" .level {}
                @if let Some(threshold) = answer.threshold {
                    rect x=(format!("{:.1}", threshold * 100.0 - 0.4)) width="0.8" height="6" .cut {}
                }
            }
        }
    }
}

fn form(page: &Page, place: &Place, next: &Next, turn: &Turn) -> Markup {
    let target = words::of(page, &next.target_condition);
    let confirm = if turn.position == next.of {
        text::READING_CONFIRM_LAST
    } else {
        text::READING_CONFIRM
    };
    let ask = |question: text::Text| match page.lang {
        text::Lang::Ja => format!("{target}{}", page.say(question)),
        text::Lang::En => format!("{target}: {}", page.say(question)),
    };
    html! {
        form #reading method="post" action=(place.address) {
            input type="hidden" name="position" value=(turn.position);
            input type="hidden" name="seconds" value="";
            @match &turn.asked {
                Asked::Score(scale) => fieldset { legend { (ask(text::READING_ASK_SCORE)) } (scores(page, scale)) },
                Asked::Decision => fieldset .answers.two {
                    legend { (ask(text::READING_ASK_DECISION)) }
                    label { input type="radio" name="decision" value="1" required data-key="y"; span { b { (page.say(text::READING_YES)) } small { kbd { "y" } } } }
                    label { input type="radio" name="decision" value="0" required data-key="n"; span { b { (page.say(text::READING_NO)) } small { kbd { "n" } } } }
                },
            }
            button { (page.say(confirm)) }
            p .keys {
                @match &turn.asked {
                    Asked::Score(scale) if scale.steps() <= BUTTONS_AT_MOST => { kbd { (scale.lowest) } "–" kbd { (scale.highest) } " " (page.say(text::KEY_CHOOSE)) " · " },
                    Asked::Score(_) => {},
                    Asked::Decision => { kbd { "y" } " " kbd { "n" } " " (page.say(text::KEY_CHOOSE)) " · " },
                }
                kbd { "Enter" } " " (page.say(text::KEY_CONFIRM)) " · " kbd { "p" } " " (page.say(text::KEY_PAUSE))
            }
        }
    }
}

fn scores(page: &Page, scale: &Scale) -> Markup {
    let label = |number: i32| {
        let at = usize::try_from(i64::from(number) - i64::from(scale.lowest)).ok()?;
        scale.labels.get(at).map(|label| words::of(page, label))
    };
    html! {
        @if scale.steps() <= BUTTONS_AT_MOST {
            div .answers.worded[!scale.labels.is_empty()] {
                @for number in scale.lowest..=scale.highest {
                    label {
                        input type="radio" name="score" value=(number) required data-key=[(0..=9).contains(&number).then_some(number)];
                        span { b { (number) } @if let Some(label) = label(number) { small { (label) } } }
                    }
                }
            }
        } @else {
            div .slider {
                input type="range" min=(scale.lowest) max=(scale.highest) hidden data-unset aria-label=(page.say(text::READING_SCORE));
                input type="number" name="score" min=(scale.lowest) max=(scale.highest) step="1" required autofocus inputmode="numeric" aria-label=(page.say(text::READING_SCORE));
            }
        }
        @if scale.labels.is_empty() {
            p .ends { span { (scale.lowest) " " (page.say(text::READING_LOW)) } span { (scale.highest) " " (page.say(text::READING_HIGH)) } }
        }
    }
}

fn no_case(page: &Page, place: &Place, next: &Next) -> Markup {
    let other = place.seat.condition.other();
    html! {
        div .reading-done {
            @if next.opening == Opening::Read {
                p .empty-title { (page.say(text::READING_THANKS)) }
                p { (page.say(text::READING_THANKS_LONG)) }
                @match next.other {
                    Some(Opening::From(day)) => p { (page.say(text::READING_NEXT_FROM)) " (" (page.say(words::condition(other))) "): " b { (day) } },
                    Some(Opening::Open) => {
                        p { (page.say(text::READING_NEXT_NOW)) }
                        (resume(page, place.seat.trial, &place.seat.reader, other))
                    },
                    Some(Opening::Read) | None => p { (page.say(text::READING_ALL_DONE)) },
                    Some(opening) => p { (page.say(words::condition(other))) ": " (words::opening(page, opening).unwrap_or_default()) },
                }
            } @else {
                p .empty-title { (page.say(text::READING_NOT_OPEN)) }
                p { (words::opening(page, next.opening).unwrap_or_default()) }
            }
            p { a .button href=(address(place.seat.trial)) { (page.say(text::READING_LEAVE)) } }
        }
    }
}

fn resume(page: &Page, trial: ContentHash, reader: &str, condition: ReadingCondition) -> Markup {
    html! {
        form method="post" action={ (address(trial)) "/read" } {
            input type="hidden" name="act" value="resume";
            input type="hidden" name="reader" value=(reader);
            input type="hidden" name="condition" value=(condition.as_str());
            button { (page.say(words::condition(condition))) ": " (page.say(text::TRIAL_START)) }
        }
    }
}
