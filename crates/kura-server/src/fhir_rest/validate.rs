//! `$validate` on the wire. FHIR R4 resource-operation-validate.html.

use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use kura_model::{RequestContext, Result};
use kura_service::validation;
use serde_json::Value;

use super::write::{Body, FHIR, either, run, take};
use super::{Path, json, params};
use crate::App;

/// The profiles that `profile=` asks for.
fn asked(query: Option<&str>) -> Result<Vec<String>> {
    let named = params(query)?.into_iter();
    Ok(named
        .filter(|(name, _)| name == "profile")
        .map(|(_, value)| value)
        .collect())
}

/// FHIR R4 operations: the OperationOutcome is the answer, whatever it says.
fn answer(outcome: &Value) -> Response {
    json(StatusCode::OK, outcome.to_string().into_bytes())
}

pub(super) async fn kind(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path(kind): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    sent(app, context, kind, query, headers, body).await
}

/// A resource that would replace the one of this id.
pub(super) async fn instance_sent(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((kind, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Response {
    // Without a body, the resource of the bank is meant.
    if body.as_ref().is_ok_and(|body| body.is_empty()) {
        return stored(app, context, kind, id, query).await;
    }
    sent(app, context, kind, query, headers, body).await
}

pub(super) async fn instance(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    Path((kind, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Response {
    stored(app, context, kind, id, query).await
}

async fn sent(
    app: App,
    context: RequestContext,
    kind: String,
    query: Option<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    either(
        async {
            let body = take(&headers, body, FHIR)?;
            let outcome = run(move || {
                let asked = asked(query.as_deref())?;
                validation::resource_validate(&app.bank, &context, Some(&kind), &body, &asked)
            })
            .await?;
            Ok(answer(&outcome))
        }
        .await,
    )
}

async fn stored(
    app: App,
    context: RequestContext,
    kind: String,
    id: String,
    query: Option<String>,
) -> Response {
    either(
        async {
            let outcome = run(move || {
                let asked = asked(query.as_deref())?;
                validation::instance_validate(&app.bank, &context, &kind, &id, &asked)
            })
            .await?;
            Ok(answer(&outcome))
        }
        .await,
    )
}
