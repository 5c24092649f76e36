//! Tables of views on the wire. SQL on FHIR 2.0, operations on ViewDefinition; on a server of R4
//! they are of the system, where there is no resource type ViewDefinition.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use kura_model::RequestContext;
use kura_service::view_definition::{self, Run, export};

use super::asynchronous::{self, EXPORT};
use super::endpoint::Serve;
use super::write::Body;
use super::{base, endpoints, params, refuse, unread};
use crate::App;
use crate::stream::{self, Pieces};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .serve(&endpoints::VIEW_RUN, run)
        .serve(&endpoints::VIEW_RUN_LONG, run)
        .serve(&endpoints::VIEW_RUN_OF_TYPE, run)
        .serve(&endpoints::VIEW_EXPORT, begin)
        .serve(&endpoints::VIEW_EXPORT_LONG, begin)
        .serve(&endpoints::VIEW_EXPORT_OF_TYPE, begin)
}

/// `$viewdefinition-run`: the body is a ViewDefinition, or Parameters with `viewResource`.
async fn run(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return unread(&rejection),
    };
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let asked = params(query.as_deref()).and_then(|params| Run::of(&params, accept, &body));
    let asked = match asked {
        Ok(asked) => asked,
        Err(error) => return refuse(&error),
    };
    let kind = asked.format.media_type();
    let body = stream::checked(move |out| {
        view_definition::run(&app.bank, &context, &asked, Box::new(Pieces::new(out)))
    });
    match body.await {
        Ok(body) => (StatusCode::OK, [(header::CONTENT_TYPE, kind)], body).into_response(),
        Err(error) => refuse(&error),
    }
}

/// `$viewdefinition-export`, kick-off.
async fn begin(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return unread(&rejection),
    };
    let base = base(&headers);
    asynchronous::kick_off(EXPORT, &headers, move || {
        let params = params(query.as_deref())?;
        let asked = export::Asked::of(&params, base, &body)?;
        let (id, told) = export::begin(&app.bank, &context, asked)?;
        Ok((id, Some(told)))
    })
    .await
}
