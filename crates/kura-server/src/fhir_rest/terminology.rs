//! The terminology service on the wire. FHIR R4 terminology-service.html, operations.html.

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use kura_model::RequestContext;
use kura_service::terminology_service::{OPERATIONS, Operation, perform};

use super::write::{Body, FHIR, either, run, take};
use super::{Path, json, params};
use crate::App;

/// A route for each operation of a type, and for each of one resource, by GET and by POST.
pub(super) fn routes() -> Router<App> {
    let mut router = Router::new();
    for operation in &OPERATIONS {
        let asked = move |app: State<App>, context: Context, query: RawQuery| {
            answer(app.0, context.0, operation, None, query, None)
        };
        let sent = move |app: State<App>, context: Context, query: RawQuery, headers, body| {
            posted(app.0, context.0, operation, None, query, headers, body)
        };
        router = router.route(&operation.path(false), get(asked).post(sent));
        if operation.of_instance {
            let asked =
                move |app: State<App>, context: Context, id: Path<String>, query: RawQuery| {
                    answer(app.0, context.0, operation, Some(id.0), query, None)
                };
            let sent = move |app: State<App>,
                             context: Context,
                             id: Path<String>,
                             query: RawQuery,
                             headers,
                             body| {
                posted(
                    app.0,
                    context.0,
                    operation,
                    Some(id.0),
                    query,
                    headers,
                    body,
                )
            };
            router = router.route(&operation.path(true), get(asked).post(sent));
        }
    }
    router
}

type Context = Extension<RequestContext>;

async fn posted(
    app: App,
    context: RequestContext,
    operation: &'static Operation,
    id: Option<String>,
    query: RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let body = match take(&headers, body, FHIR) {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    answer(app, context, operation, id, query, Some(body)).await
}

async fn answer(
    app: App,
    context: RequestContext,
    operation: &'static Operation,
    id: Option<String>,
    RawQuery(query): RawQuery,
    body: Option<Bytes>,
) -> Response {
    either(
        async {
            let done = run(move || {
                let query = params(query.as_deref())?;
                let (id, body) = (id.as_deref(), body.as_deref());
                perform(&app.bank, &context, operation, id, &query, body)
            })
            .await?;
            Ok(json(StatusCode::OK, done.to_string().into_bytes()))
        }
        .await,
    )
}
