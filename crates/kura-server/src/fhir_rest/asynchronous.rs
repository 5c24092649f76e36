//! Requests that are answered later. FHIR R4 async.html.

use axum::Extension;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kura_model::{Error, RequestContext, Result};
use kura_service::async_request::{self, Kind, Status};
use serde_json::Value;

use super::endpoint::{Endpoint, Serve};
use super::{Path, base, endpoints, failure, json, preferences, refuse};
use crate::App;
use crate::stream::stream;

/// A kind of request, and where it is asked after.
#[derive(Clone, Copy)]
pub(super) struct Place {
    kind: Kind,
    status: &'static str,
}

pub(super) const EXPORT: Place = Place {
    kind: Kind::Export,
    status: "$export-status",
};

pub(super) const IMPORT: Place = Place {
    kind: Kind::Import,
    status: "$import-status",
};

pub(super) fn routes() -> Router<App> {
    let export = [
        &endpoints::EXPORT_STATUS,
        &endpoints::EXPORT_CANCEL,
        &endpoints::EXPORT_FILE,
    ];
    let import = [
        &endpoints::IMPORT_STATUS,
        &endpoints::IMPORT_CANCEL,
        &endpoints::IMPORT_FILE,
    ];
    of(EXPORT, export).merge(of(IMPORT, import))
}

/// Where it is asked after, given up, and taken.
fn of(place: Place, at: [&'static Endpoint<'static>; 3]) -> Router<App> {
    let asked = move |app, context, id| async move { status(place, app, context, id) };
    let given_up = move |app, context, id| async move { cancel(place, app, context, id) };
    let taken = move |app, context, path| async move { file(place, app, context, path) };
    Router::new()
        .serve(at[0], asked)
        .serve(at[1], given_up)
        .serve(at[2], taken)
}

/// Begins what `work` begins: its id, and what is told at once if the operation says so.
pub(super) async fn kick_off(
    place: Place,
    headers: &HeaderMap,
    work: impl FnOnce() -> Result<(String, Option<Value>)> + Send + 'static,
) -> Response {
    if let Some(refused) = unasked(headers) {
        return refused;
    }
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok((id, told))) => accepted(place, headers, &id, told),
        Ok(Err(error)) => turned_away(&error),
        Err(_) => refuse(&Error::internal("the request broke down")),
    }
}

/// These operations are only answered later, and the client has to want that.
pub(super) fn unasked(headers: &HeaderMap) -> Option<Response> {
    (!preferences(headers).any(|preference| preference == "respond-async")).then(|| {
        failure(
            StatusCode::BAD_REQUEST,
            "not-supported",
            "this operation needs the header Prefer: respond-async",
        )
    })
}

pub(super) fn accepted(
    place: Place,
    headers: &HeaderMap,
    id: &str,
    told: Option<Value>,
) -> Response {
    let body = told.map_or_else(
        || kura_service::outcome_note("the request was accepted; ask under Content-Location"),
        |told| told.to_string(),
    );
    let mut response = json(StatusCode::ACCEPTED, body.into_bytes());
    let status = format!("{}/{}/{id}", base(headers), place.status);
    if let Ok(status) = HeaderValue::from_str(&status) {
        response
            .headers_mut()
            .insert(header::CONTENT_LOCATION, status);
    }
    response
}

/// Seconds after which a client that came too early may come again.
const AGAIN: HeaderValue = HeaderValue::from_static("10");

/// One request too many is 429. Bulk Data Access 2.0, Response - Error; RFC 6585 section 4.
pub(super) fn turned_away(error: &Error) -> Response {
    let mut response = refuse(error);
    if error.code() == Some("throttled") {
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        response.headers_mut().insert(header::RETRY_AFTER, AGAIN);
    }
    response
}

fn status(
    place: Place,
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(id): Path<String>,
) -> Response {
    match async_request::status(&app.bank, &context, place.kind, &id) {
        Ok(Status::Running { progress, body }) => {
            let mut response = match body {
                Some(body) => json(StatusCode::ACCEPTED, body.to_string().into_bytes()),
                None => StatusCode::ACCEPTED.into_response(),
            };
            let headers = response.headers_mut();
            if let Ok(text) = HeaderValue::from_str(&progress) {
                headers.insert("x-progress", text);
            }
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
        Ok(Status::Done { manifest, expires }) => {
            let body = manifest.to_string();
            let mut response = if manifest["resourceType"].is_string() {
                json(StatusCode::OK, body.into_bytes())
            } else {
                (
                    StatusCode::OK,
                    [(header::CONTENT_TYPE, "application/json")],
                    body,
                )
                    .into_response()
            };
            if let Ok(date) = HeaderValue::from_str(&kura_service::http_date(expires)) {
                response.headers_mut().insert(header::EXPIRES, date);
            }
            response
        }
        Ok(Status::Failed(outcome)) => {
            json(StatusCode::INTERNAL_SERVER_ERROR, outcome.into_bytes())
        }
        Err(error) => refuse(&error),
    }
}

fn cancel(
    place: Place,
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(id): Path<String>,
) -> Response {
    match async_request::cancel(&app.bank, &context, place.kind, &id) {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(error) => refuse(&error),
    }
}

fn file(
    place: Place,
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((id, name)): Path<(String, String)>,
) -> Response {
    let found = async_request::file(&app.bank, &context, place.kind, &id, &name);
    let (mut file, length) = match found {
        Ok(found) => found,
        Err(error) => return refuse(&error),
    };
    let kind = match name.rsplit('.').next() {
        Some("parquet") => "application/vnd.apache.parquet",
        Some("csv") => "text/csv; charset=utf-8",
        Some("json") => "application/json",
        _ => "application/fhir+ndjson",
    };
    let body = stream(move |out| {
        use std::io::Read as _;
        let mut piece = vec![0; 256 * 1024];
        loop {
            let read = file.read(&mut piece)?;
            if read == 0 {
                return Ok(());
            }
            out.send(Bytes::copy_from_slice(&piece[..read]))?;
        }
    });
    (
        StatusCode::OK,
        [
            (header::CONTENT_TYPE, kind.to_owned()),
            (header::CONTENT_LENGTH, length.to_string()),
            // The name is of letters, digits, `_` and points.
            (
                header::CONTENT_DISPOSITION,
                format!("attachment; filename=\"{name}\""),
            ),
        ],
        body,
    )
        .into_response()
}
