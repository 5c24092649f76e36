//! Operations: `$everything`, `$document`, `$export`, a ViewDefinition's `$run`.

use axum::Extension;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use kura_model::{Error, RequestContext, Result};
use kura_service::export::{self, Asked, Scope, Status};
use kura_service::operations::{self, TableFormat};
use kura_service::subscription;
use serde_json::Value;

use super::{base, failure, json, params, preferences, refuse, respond, unread};
use crate::App;
use crate::stream::stream;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/{kind}/{id}/$everything", get(everything).post(everything))
        .route("/Composition/{id}/$document", get(document))
        .route("/Subscription/{id}/$status", get(subscription_status))
        .route("/$export", get(export_system))
        .route("/Patient/$export", get(export_patients))
        .route("/Group/{id}/$export", get(export_group))
}

/// Those that answer with something else than a resource.
pub(super) fn tables() -> Router<App> {
    Router::new()
        .route("/$export-status/{id}", get(status).delete(cancel))
        .route("/$export-file/{id}/{name}", get(file))
        .route("/ViewDefinition/$run", post(run_view))
}

async fn everything(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((kind, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let work = move || {
        let params = params(query.as_deref())?;
        operations::everything(&app.bank, &context, &base(&headers), &kind, &id, &params)
    };
    blocking(work).await
}

async fn document(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    blocking(move || operations::document(&app.bank, &context, &base(&headers), &id)).await
}

async fn subscription_status(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    blocking(move || subscription::status(&app.bank, &context, &base(&headers), &id)).await
}

async fn blocking(work: impl FnOnce() -> Result<Vec<u8>> + Send + 'static) -> Response {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => respond(result),
        Err(_) => refuse(&Error::internal("the operation broke down")),
    }
}

async fn export_system(
    app: State<App>,
    context: Extension<RequestContext>,
    query: RawQuery,
    headers: HeaderMap,
) -> Response {
    kick_off(app, context, Scope::System, "$export", query, headers).await
}

async fn export_patients(
    app: State<App>,
    context: Extension<RequestContext>,
    query: RawQuery,
    headers: HeaderMap,
) -> Response {
    kick_off(
        app,
        context,
        Scope::Patients,
        "Patient/$export",
        query,
        headers,
    )
    .await
}

async fn export_group(
    app: State<App>,
    context: Extension<RequestContext>,
    Path(id): Path<String>,
    query: RawQuery,
    headers: HeaderMap,
) -> Response {
    let path = format!("Group/{id}/$export");
    kick_off(app, context, Scope::Group(id), &path, query, headers).await
}

/// Bulk Data Access 2.0, kick-off: only asynchronous.
async fn kick_off(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    scope: Scope,
    path: &str,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if !preferences(&headers).any(|preference| preference == "respond-async") {
        return failure(
            StatusCode::BAD_REQUEST,
            "not-supported",
            "an export needs the header Prefer: respond-async",
        );
    }
    let base = base(&headers);
    let request = match &query {
        Some(query) => format!("{base}/{path}?{query}"),
        None => format!("{base}/{path}"),
    };
    let own = base.clone();
    let work = move || {
        let params = params(query.as_deref())?;
        let asked = Asked::new(scope, request, base, &params)?;
        export::begin(&app.bank, &context, asked)
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(id)) => {
            let mut response = json(
                StatusCode::ACCEPTED,
                kura_service::outcome_note(
                    "the export is being written; ask under Content-Location",
                )
                .into_bytes(),
            );
            if let Ok(place) = HeaderValue::from_str(&format!("{own}/$export-status/{id}")) {
                response
                    .headers_mut()
                    .insert(header::CONTENT_LOCATION, place);
            }
            response
        }
        Ok(Err(error)) => refuse(&error),
        Err(_) => refuse(&Error::internal("the export broke down")),
    }
}

async fn status(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(id): Path<String>,
) -> Response {
    match export::status(&app.bank, &context, &id) {
        Ok(Status::Running(written)) => {
            let mut response = StatusCode::ACCEPTED.into_response();
            let headers = response.headers_mut();
            if let Ok(text) = HeaderValue::from_str(&format!("{written} resources written")) {
                headers.insert("x-progress", text);
            }
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
        Ok(Status::Done(manifest)) => (
            StatusCode::OK,
            [(header::CONTENT_TYPE, "application/json")],
            manifest.to_string(),
        )
            .into_response(),
        Ok(Status::Failed(outcome)) => {
            json(StatusCode::INTERNAL_SERVER_ERROR, outcome.into_bytes())
        }
        Err(error) => refuse(&error),
    }
}

async fn cancel(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(id): Path<String>,
) -> Response {
    match export::cancel(&app.bank, &context, &id) {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(error) => refuse(&error),
    }
}

async fn file(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((id, name)): Path<(String, String)>,
) -> Response {
    let mut file = match export::file(&app.bank, &context, &id, &name) {
        Ok(file) => file,
        Err(error) => return refuse(&error),
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
        [(header::CONTENT_TYPE, "application/fhir+ndjson")],
        body,
    )
        .into_response()
}

/// SQL on FHIR 2.0, `$run`: the body is a ViewDefinition, or Parameters with `viewResource`.
async fn run_view(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: std::result::Result<Bytes, BytesRejection>,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return unread(&rejection),
    };
    let asked = match view_asked(query.as_deref(), &headers, &body) {
        Ok(asked) => asked,
        Err(error) => return refuse(&error),
    };
    // What is wrong with the view is said before the answer begins.
    if let Err(error) = operations::check_view(&context, &asked.view) {
        return refuse(&error);
    }
    let kind = match asked.format {
        TableFormat::Json => "application/json",
        TableFormat::NdJson => "application/x-ndjson",
        TableFormat::Csv { .. } => "text/csv; charset=utf-8",
    };
    let body = stream(move |out| {
        let done = operations::run_view(
            &app.bank,
            &context,
            &asked.view,
            asked.format,
            asked.limit,
            &mut |piece| out.send(piece.into()).is_ok(),
        );
        done.map_err(|error| {
            crate::error::log(&error);
            std::io::Error::other("broken off")
        })
    });
    (StatusCode::OK, [(header::CONTENT_TYPE, kind)], body).into_response()
}

struct ViewAsked {
    view: Value,
    format: TableFormat,
    limit: Option<u64>,
}

fn view_asked(query: Option<&str>, headers: &HeaderMap, body: &[u8]) -> Result<ViewAsked> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|_| Error::invalid("the body is a ViewDefinition or Parameters, as JSON"))?;
    let mut named: Vec<(String, String)> = params(query)?;
    let mut view = None;
    if value["resourceType"] == "Parameters" {
        for parameter in value["parameter"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap_or_default();
            if name == "viewResource" {
                view = parameter.get("resource").cloned();
            } else if let Some(text) = parameter.as_object().and_then(|members| {
                members
                    .iter()
                    .find(|(key, _)| key.starts_with("value"))
                    .map(|(_, value)| match value {
                        Value::String(text) => text.clone(),
                        other => other.to_string(),
                    })
            }) {
                named.push((name.to_owned(), text));
            }
        }
    } else {
        view = Some(value);
    }
    let view = view.ok_or_else(|| Error::invalid("the Parameters have no viewResource"))?;
    let accepted = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mut format = match accepted {
        "text/csv" => "csv".to_owned(),
        "application/x-ndjson" | "application/ndjson" => "ndjson".to_owned(),
        _ => "json".to_owned(),
    };
    let mut has_header = true;
    let mut limit = None;
    for (name, value) in named {
        match name.as_str() {
            "_format" | "format" => format = value,
            "header" => has_header = value != "false",
            "_limit" | "limit" => {
                limit = Some(
                    value
                        .parse()
                        .map_err(|_| Error::invalid("_limit is a whole number").at("_limit"))?,
                );
            }
            other => {
                return Err(
                    Error::invalid(format!("the parameter {other} is not supported"))
                        .coded("not-supported"),
                );
            }
        }
    }
    let format = match format.as_str() {
        "json" | "application/json" => TableFormat::Json,
        "ndjson" | "application/ndjson" | "application/x-ndjson" => TableFormat::NdJson,
        "csv" | "text/csv" => TableFormat::Csv { header: has_header },
        _ => return Err(Error::invalid("the format is json, ndjson or csv").at("_format")),
    };
    Ok(ViewAsked {
        view,
        format,
        limit,
    })
}
