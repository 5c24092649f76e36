//! QIDO-RS. PS3.18 10.6.

use axum::Extension;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kura_model::{RequestContext, Result};
use kura_service::dicom_read::{self, Level, Search};

use super::data_sets::{self, Representation};
use super::{Uids, base, blocking, params, refuse, uid};
use crate::App;

pub(super) async fn search(
    State(app): State<App>,
    Extension(context): Extension<RequestContext>,
    uids: Uids,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let path = request.uri().path().trim_end_matches('/');
    let level = match path.rsplit('/').next() {
        Some("studies") => Level::Study,
        Some("series") => Level::Series,
        _ => Level::Instance,
    };
    let work = || -> Result<(Representation, Search)> {
        let form = data_sets::representation(&headers, query.as_deref())?;
        let search = Search {
            level,
            study: uid(&uids, "study").map(str::to_owned),
            series: uid(&uids, "series").map(str::to_owned),
            params: params(query.as_deref())?
                .into_iter()
                .filter(|(name, _)| name != "accept")
                .collect(),
            base: base(&app, &headers),
        };
        Ok((form, search))
    };
    let (form, search) = match work() {
        Ok(asked) => asked,
        Err(error) => return refuse(&error),
    };
    let service = search.base.clone();
    let mut found = match blocking(move || dicom_read::search(&app.bank, &context, &search)).await {
        Ok(found) => found,
        Err(error) => return refuse(&error),
    };
    let mut response = if found.datasets.is_empty() {
        // 8.3.4.4 and Table 10.6.3-2: nothing found is No Content
        StatusCode::NO_CONTENT.into_response()
    } else {
        data_sets::many(form, std::mem::take(&mut found.datasets)).await
    };
    // 8.3.4.4, in the words the standard gives.
    let more = format!("299 {service}: There are additional results that can be requested");
    if found.more
        && let Ok(value) = HeaderValue::from_str(&more)
    {
        response.headers_mut().append(header::WARNING, value);
    }
    response
}
