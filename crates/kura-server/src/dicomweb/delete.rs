//! Deletion of a study, a series or an instance: no transaction of PS3.18, but of nearly every
//! archive, and at the addresses where they have it.

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use kura_model::RequestContext;
use kura_service::dicom_delete;

use super::{Uids, blocking, refuse, target};
use crate::App;

pub(super) async fn delete(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    uids: Uids,
) -> Response {
    let target = target(&uids);
    match blocking(move || dicom_delete::delete(&app.bank, &context, &target)).await {
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refuse(&error),
    }
}
