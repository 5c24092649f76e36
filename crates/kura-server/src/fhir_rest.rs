//! FHIR R4 RESTful API, read side. <https://hl7.org/fhir/R4/http.html>

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use kura_model::{Category, Error, RequestContext, Result};
use kura_service::fhir_read::{self, Answer};

use crate::{App, error};

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/metadata", get(metadata))
        .route("/{kind}", get(search))
        .route("/{kind}/_search", post(search_post).get(search))
        .route("/{kind}/{id}", get(read))
        .route("/{kind}/{id}/_history", get(history))
        .route("/{kind}/{id}/_history/{version}", get(vread))
        .fallback(unknown)
        .method_not_allowed_fallback(not_allowed)
}

const FHIR_JSON: HeaderValue = HeaderValue::from_static("application/fhir+json; charset=utf-8");

fn json(status: StatusCode, body: Vec<u8>) -> Response {
    (status, [(header::CONTENT_TYPE, FHIR_JSON)], body).into_response()
}

fn refuse(error: &Error) -> Response {
    error::log(error);
    let body = kura_service::outcome_of(error).into_bytes();
    json(error::status(error.category), body)
}

fn respond(result: Result<Vec<u8>>) -> Response {
    match result {
        Ok(body) => json(StatusCode::OK, body),
        Err(error) => refuse(&error),
    }
}

fn one(result: Result<Answer>, headers: &HeaderMap) -> Response {
    let answer = match result {
        Ok(answer) => answer,
        Err(error) => return refuse(&error),
    };
    // FHIR R4 http.html#cread: conditional read.
    let tag = format!("W/\"{}\"", answer.version);
    let unchanged = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|wanted| wanted.as_bytes() == tag.as_bytes());
    let mut response = if unchanged {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        json(StatusCode::OK, answer.body)
    };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    if let Ok(date) = HeaderValue::from_str(&kura_service::http_date(answer.last_updated)) {
        headers.insert(header::LAST_MODIFIED, date);
    }
    response
}

/// The URL FHIR is served under, as this client sees it. The Host header was checked.
fn base(headers: &HeaderMap) -> String {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("localhost");
    format!("http://{host}/fhir")
}

fn params(query: Option<&str>) -> Result<Vec<(String, String)>> {
    kura_service::decode_query(query.unwrap_or_default())
}

async fn metadata(headers: HeaderMap) -> Response {
    let statement = fhir_read::capabilities(&base(&headers));
    json(StatusCode::OK, statement.to_string().into_bytes())
}

// Reads take microseconds: handing them to another thread would cost more than they do.
async fn read(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((kind, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    one(fhir_read::read(&app.bank, &context, &kind, &id), &headers)
}

async fn vread(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((kind, id, version)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    one(
        fhir_read::vread(&app.bank, &context, &kind, &id, &version),
        &headers,
    )
}

async fn history(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((kind, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    respond(params(query.as_deref()).and_then(|params| {
        fhir_read::history(&app.bank, &context, &base(&headers), &kind, &id, &params)
    }))
}

async fn search(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(kind): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    run_search(app, context, kind, query.unwrap_or_default(), true, headers).await
}

/// FHIR R4 http.html#search: the way that keeps parameters out of URLs.
async fn search_post(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(kind): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let Ok(body) = std::str::from_utf8(&body) else {
        return refuse(&Error::invalid("the form is not UTF-8"));
    };
    let query = match query {
        Some(query) => format!("{query}&{body}"),
        None => body.to_owned(),
    };
    run_search(app, context, kind, query, false, headers).await
}

async fn run_search(
    app: App,
    context: RequestContext,
    kind: String,
    query: String,
    shown: bool,
    headers: HeaderMap,
) -> Response {
    // FHIR R4 search.html#errors
    let strict = headers
        .get("prefer")
        .is_some_and(|prefer| prefer.as_bytes() == b"handling=strict");
    let work = move || {
        let params = params(Some(&query))?;
        fhir_read::search(
            &app.bank,
            &context,
            &base(&headers),
            &kind,
            &params,
            shown,
            strict,
        )
    };
    // A search may walk far: it must not hold up the reads of others.
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => respond(result),
        Err(_) => refuse(&Error::internal("the search broke down")),
    }
}

async fn unknown(_: Request) -> Response {
    refuse(&Error::not_found("there is nothing under this address"))
}

async fn not_allowed(_: Request) -> Response {
    refuse(&Error::new(
        Category::Unsupported,
        "this server is read-only for now; data comes in by import",
    ))
}
