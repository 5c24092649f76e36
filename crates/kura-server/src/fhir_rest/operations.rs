//! Operations: `$everything`, `$document`, `$export`.

use axum::Extension;
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use kura_model::{Error, RequestContext, Result};
use kura_service::export::{self, Asked, Scope};
use kura_service::operations;
use kura_service::subscription;

use super::asynchronous::{self, EXPORT};
use super::endpoint::Serve;
use super::{Path, base, endpoints, params, refuse, respond};
use crate::App;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .serve(&endpoints::EVERYTHING, everything)
        .serve(&endpoints::EVERYTHING_POST, everything)
        .serve(&endpoints::DOCUMENT, document)
        .serve(&endpoints::SUBSCRIPTION_STATUS, subscription_status)
        .serve(&endpoints::EXPORT_SYSTEM, export_system)
        .serve(&endpoints::EXPORT_PATIENTS, export_patients)
        .serve(&endpoints::EXPORT_GROUP, export_group)
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

/// Bulk Data Access 2.0, kick-off.
async fn kick_off(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    scope: Scope,
    path: &str,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let base = base(&headers);
    let request = match &query {
        Some(query) => format!("{base}/{path}?{query}"),
        None => format!("{base}/{path}"),
    };
    asynchronous::kick_off(EXPORT, &headers, move || {
        let params = params(query.as_deref())?;
        let asked = Asked::new(scope, request, base, &params)?;
        Ok((export::begin(&app.bank, &context, asked)?, None))
    })
    .await
}
