//! UPS-RS: the worklist service. PS3.18 clause 11.

use axum::Extension;
use axum::body::Body;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kura_dicom::xml;
use kura_model::{Category, Error, RequestContext, Result};
use kura_service::workitem::{self, Event};
use serde_json::Value;
use tokio::sync::broadcast;

use super::data_sets::{self, DICOM_JSON, DICOM_XML};
use super::media::MediaRange;
use super::{Uids, base, blocking, params, refuse, said, uid};
use crate::App;

/// Events that may wait for a slow listener; it misses what is older.
const EVENTS: usize = 256;

/// Where events go to those who listen.
pub(crate) struct Bell(broadcast::Sender<Event>);

impl Default for Bell {
    fn default() -> Self {
        Self(broadcast::channel(EVENTS).0)
    }
}

impl Bell {
    fn ring(&self, events: Vec<Event>) {
        for event in events {
            // Nobody listens: there is nobody to be told.
            let _ = self.0.send(event);
        }
    }
}

fn own<'a>(uids: &'a Uids, name: &str) -> &'a str {
    uid(uids, name).unwrap_or_default()
}

/// One data set of a body, in JSON (alone or as a list of one) or XML.
async fn data_set(
    app: &App,
    headers: &HeaderMap,
    body: Body,
) -> std::result::Result<Value, Response> {
    let limit = usize::try_from(app.bank.config.fhir.request_bytes).unwrap_or(usize::MAX);
    let Ok(body) = axum::body::to_bytes(body, limit).await else {
        return Err(said(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body did not arrive whole, or is larger than fhir.request_bytes",
        ));
    };
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or(DICOM_JSON);
    let read = match &MediaRange::parse(kind).media_type[..] {
        DICOM_JSON | "application/json" => {
            serde_json::from_slice(&body).map_err(|_| Error::invalid("the body is no JSON"))
        }
        DICOM_XML => xml::read(&body).map_err(|r| Error::invalid(r.message.clone()).because(r)),
        _ => {
            return Err(said(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "a workitem is taken as application/dicom+json or application/dicom+xml",
            ));
        }
    };
    match read {
        Ok(Value::Array(mut list)) if list.len() == 1 => Ok(list.swap_remove(0)),
        Ok(dataset) => Ok(dataset),
        Err(error) => Err(refuse(&error)),
    }
}

/// A status with a Warning, as 11.6 to 11.8 have it.
fn warned(status: StatusCode, base: &str, text: &str) -> Response {
    let mut response = said(status, text);
    if let Ok(value) = HeaderValue::from_str(&format!("299 {base}: {text}")) {
        response.headers_mut().append(header::WARNING, value);
    }
    response
}

fn failed(base: &str, error: &Error) -> Response {
    match error.category {
        Category::Conflict => warned(StatusCode::CONFLICT, base, error.message()),
        _ => refuse(error),
    }
}

fn placed(status: StatusCode, place: &str) -> Response {
    let mut response = status.into_response();
    if let Ok(place) = HeaderValue::from_str(place) {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_LOCATION, place.clone());
        headers.insert(header::LOCATION, place);
    }
    response
}

/// 11.4: the UID is the query itself, or `workitem=`.
pub(super) async fn create(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let dataset = match data_set(&app, &headers, body).await {
        Ok(dataset) => dataset,
        Err(response) => return response,
    };
    let base = base(&app, &headers);
    let bank = app.bank.clone();
    let made = blocking(move || {
        let named = bare(query.as_deref(), &["workitem", "AffectedSOPInstanceUID"])?;
        workitem::create(&bank, &context, named.as_deref(), dataset)
    })
    .await;
    match made {
        Ok((uid, events)) => {
            app.bell.ring(events);
            placed(StatusCode::CREATED, &format!("{base}/workitems/{uid}"))
        }
        Err(error) => failed(&base, &error),
    }
}

/// A parameter by one of its names, or the query without a name.
fn bare(query: Option<&str>, names: &[&str]) -> Result<Option<String>> {
    let found = params(query)?.into_iter().find_map(|(name, value)| {
        if names.contains(&&name[..]) {
            return Some(value);
        }
        let alone = value.is_empty() && name.starts_with(|first: char| first.is_ascii_digit());
        alone.then_some(name)
    });
    Ok(found)
}

/// 11.5
pub(super) async fn retrieve(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    uids: Uids,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let form = match data_sets::of_one(&headers, query.as_deref()) {
        Ok(form) => form,
        Err(error) => return refuse(&error),
    };
    let found =
        blocking(move || workitem::retrieve(&app.bank, &context, own(&uids, "workitem"))).await;
    match found {
        Ok(dataset) => data_sets::one(form, StatusCode::OK, &dataset),
        Err(error) => refuse(&error),
    }
}

/// 11.6
pub(super) async fn update(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    uids: Uids,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let dataset = match data_set(&app, &headers, body).await {
        Ok(dataset) => dataset,
        Err(response) => return response,
    };
    let bank = app.bank.clone();
    let done = blocking(move || {
        let lock = bare(query.as_deref(), &["transaction-uid", "transaction"])?;
        workitem::update(
            &bank,
            &context,
            own(&uids, "workitem"),
            lock.as_deref(),
            dataset,
        )
    })
    .await;
    match done {
        Ok(events) => {
            app.bell.ring(events);
            StatusCode::OK.into_response()
        }
        Err(error) => failed(&base(&app, &headers), &error),
    }
}

/// 11.7
pub(super) async fn change_state(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    uids: Uids,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let dataset = match data_set(&app, &headers, body).await {
        Ok(dataset) => dataset,
        Err(response) => return response,
    };
    let bank = app.bank.clone();
    let done =
        blocking(move || workitem::change_state(&bank, &context, own(&uids, "workitem"), dataset))
            .await;
    let base = base(&app, &headers);
    match done {
        Ok(changed) => {
            app.bell.ring(changed.events);
            match changed.warning {
                Some(text) => warned(StatusCode::OK, &base, text),
                None => StatusCode::OK.into_response(),
            }
        }
        Err(error) => failed(&base, &error),
    }
}

/// 11.8
pub(super) async fn request_cancel(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    uids: Uids,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let length = headers
        .get(header::CONTENT_LENGTH)
        .map(HeaderValue::as_bytes);
    let dataset = match length {
        // Without a word why.
        None | Some(b"0") if !headers.contains_key(header::TRANSFER_ENCODING) => {
            Value::Object(serde_json::Map::new())
        }
        _ => match data_set(&app, &headers, body).await {
            Ok(dataset) => dataset,
            Err(response) => return response,
        },
    };
    let bank = app.bank.clone();
    let done = blocking(move || {
        workitem::request_cancel(&bank, &context, own(&uids, "workitem"), dataset)
    })
    .await;
    let base = base(&app, &headers);
    match done {
        Ok(changed) => {
            app.bell.ring(changed.events);
            match changed.warning {
                Some(text) => warned(StatusCode::ACCEPTED, &base, text),
                None => StatusCode::ACCEPTED.into_response(),
            }
        }
        Err(error) => failed(&base, &error),
    }
}

/// 11.9
pub(super) async fn search(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let form = match data_sets::representation(&headers, query.as_deref()) {
        Ok(form) => form,
        Err(error) => return refuse(&error),
    };
    let base = base(&app, &headers);
    let found =
        blocking(move || workitem::search(&app.bank, &context, params(query.as_deref())?)).await;
    match found {
        Ok((found, _)) if found.is_empty() => StatusCode::NO_CONTENT.into_response(),
        Ok((found, more)) => {
            let mut response = data_sets::many(form, found).await;
            let text = format!("299 {base}: There are additional results that can be requested");
            if more && let Ok(value) = HeaderValue::from_str(&text) {
                response.headers_mut().append(header::WARNING, value);
            }
            response
        }
        Err(error) => refuse(&error),
    }
}

/// 11.10: where events come is told as Content-Location.
pub(super) async fn subscribe(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    uids: Uids,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let ae_title = own(&uids, "aetitle").to_owned();
    let place = base(&app, &headers).replacen("http", "ws", 1);
    let place = format!("{place}/subscribers/{}", ae_title.replace(' ', "%20"));
    let bank = app.bank.clone();
    let done = blocking(move || {
        let params = params(query.as_deref())?;
        workitem::subscribe(&bank, &context, own(&uids, "workitem"), &ae_title, params)
    })
    .await;
    match done {
        Ok(events) => {
            app.bell.ring(events);
            placed(StatusCode::CREATED, &place)
        }
        Err(error) => failed(&base(&app, &headers), &error),
    }
}

/// 11.11
pub(super) async fn unsubscribe(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    uids: Uids,
) -> Response {
    let done = blocking(move || {
        workitem::unsubscribe(
            &app.bank,
            &context,
            own(&uids, "workitem"),
            own(&uids, "aetitle"),
        )
    })
    .await;
    done.map_or_else(|error| refuse(&error), |()| StatusCode::OK.into_response())
}

/// 11.12
pub(super) async fn suspend(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    uids: Uids,
) -> Response {
    let done = blocking(move || {
        workitem::suspend(
            &app.bank,
            &context,
            own(&uids, "workitem"),
            own(&uids, "aetitle"),
        )
    })
    .await;
    done.map_or_else(|error| refuse(&error), |()| StatusCode::OK.into_response())
}

/// 8.10.3 and 11.13: a WebSocket on which a title hears its events.
pub(super) async fn listen(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    uids: Uids,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    if let Err(error) = workitem::listen(&app.bank, &context) {
        return refuse(&error);
    }
    // A browser lets any page open a socket, with the cookies of this one.
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let origin = text(header::ORIGIN);
    let host = text(header::HOST);
    if origin.is_some_and(|origin| origin.split_once("://").map(|(_, host)| host) != host) {
        return said(
            StatusCode::FORBIDDEN,
            "This request came from another site.",
        );
    }
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(_) => return said(StatusCode::UPGRADE_REQUIRED, "events come over a WebSocket"),
    };
    let ae_title = own(&uids, "aetitle").to_owned();
    let events = app.bell.0.subscribe();
    upgrade
        .max_message_size(64 * 1024)
        .on_upgrade(move |socket| tell(socket, events, ae_title))
}

async fn tell(mut socket: WebSocket, mut events: broadcast::Receiver<Event>, ae_title: String) {
    let mut message: u32 = 0;
    loop {
        tokio::select! {
            event = events.recv() => {
                let mut event = match event {
                    Ok(event) if event.receivers.contains(&ae_title) => event,
                    Ok(_) => continue,
                    Err(broadcast::error::RecvError::Lagged(_)) => {
                        tracing::warn!("a listener was too slow and missed events of workitems");
                        continue;
                    }
                    Err(broadcast::error::RecvError::Closed) => return,
                };
                message = message % 65_535 + 1;
                event.report["00000110"] = serde_json::json!({ "vr": "US", "Value": [message] });
                let text = Message::Text(event.report.to_string().into());
                if socket.send(text).await.is_err() {
                    return;
                }
            }
            heard = socket.recv() => match heard {
                None | Some(Err(_) | Ok(Message::Close(_))) => return,
                // Pings are answered by themselves; there is nothing else to say.
                Some(Ok(_)) => {}
            },
        }
    }
}
