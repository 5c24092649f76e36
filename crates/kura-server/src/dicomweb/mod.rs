//! DICOMweb: search, retrieval, storage. PS3.18 clauses 8 to 11.

mod arriving;
mod bulk;
mod conformance;
mod data_sets;
mod delete;
mod endpoints;
mod media;
mod multipart;
mod rendered;
mod retrieve;
mod search;
mod store;
pub(crate) mod ups;
mod uri;

use axum::Router;
use axum::extract::{Path, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kura_model::{Category, Error, Result};
use kura_service::dicom_read::Target;

use crate::{App, error, guard};

/// What is served here, for people.
const PAGE: &str = "/conformance";

/// Method and path of all that is served here.
pub(crate) fn addresses() -> impl Iterator<Item = (String, String)> {
    endpoints::ENDPOINTS.iter().map(|endpoint| {
        let path = format!("/dicom-web{}", endpoint.path);
        (endpoint.method.to_owned(), path)
    })
}

pub(crate) fn routes() -> Router<App> {
    // The page is routed by its whole path, which its links are made of.
    let (pages, rest): (Vec<_>, Vec<_>) = endpoints::ENDPOINTS
        .iter()
        .partition(|endpoint| endpoint.path == PAGE);
    let rest = rest
        .into_iter()
        .fold(Router::new(), |router, endpoint| {
            router.route(endpoint.path, endpoint.route())
        })
        .fallback(unknown)
        .method_not_allowed_fallback(not_allowed);
    // A nest answers without the slash at its end only.
    let root = endpoints::ENDPOINTS
        .iter()
        .filter(|endpoint| endpoint.path == "/");
    pages
        .into_iter()
        .chain(root)
        .fold(Router::new(), |router, endpoint| {
            router.route(&format!("/dicom-web{}", endpoint.path), endpoint.route())
        })
        .nest("/dicom-web", rest)
}

fn refuse(failure: &Error) -> Response {
    error::log(failure);
    let status = match failure.category {
        // 8.7.4: a representation that cannot be made is Not Acceptable
        Category::Unsupported => StatusCode::NOT_ACCEPTABLE,
        category => error::status(category),
    };
    said(status, failure.message())
}

/// A status and a sentence.
fn said(status: StatusCode, message: &str) -> Response {
    (
        status,
        [(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        )],
        format!("{message}\n"),
    )
        .into_response()
}

fn not_acceptable(message: &'static str) -> Error {
    Error::new(Category::Unsupported, message)
}

fn params(query: Option<&str>) -> Result<Vec<(String, String)>> {
    kura_service::decode_query(query.unwrap_or_default())
}

/// Where DICOMweb lies: as the configuration says, else as this client sees it. The Host header was
/// checked.
fn base(app: &App, headers: &HeaderMap) -> String {
    if let Some(base) = app.bank.config.dicomweb.base() {
        return base.to_owned();
    }
    format!("{}/dicom-web", guard::origin(headers))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Error::internal("the request broke down").because(error)),
    }
}

/// UIDs of a path, by position.
type Uids = Path<Vec<(String, String)>>;

fn uid<'a>(uids: &'a Uids, name: &str) -> Option<&'a str> {
    uids.iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

fn target(uids: &Uids) -> Target {
    Target {
        study: uid(uids, "study").unwrap_or_default().to_owned(),
        series: uid(uids, "series").map(str::to_owned),
        instance: uid(uids, "instance").map(str::to_owned),
    }
}

async fn unknown(_: Request) -> Response {
    refuse(&Error::not_found("there is nothing under this address"))
}

async fn not_allowed(_: Request) -> Response {
    said(
        StatusCode::METHOD_NOT_ALLOWED,
        "this address does not take that method; /dicom-web/conformance lists what is served",
    )
}
